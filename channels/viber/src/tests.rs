//! The chain against canned answers of the contract, one raw connection each, and what does not need a socket.

use loa_channel::{
    Channel as _, Cx, ErrorKind, Lookup, Outgoing, Progress, RetryAdvice, Scope, To,
    drive::run_to_live,
    fixture::{FixedUrls, JumpClock, MemoryBlobs, account, sample_for},
};
use loa_model::{
    Account, Clock as _, MediaRole, PostContent, PostFormat, Secret, Ticket, delivery::Effect,
    seams::OpenGate,
};
use loa_net::Limits;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use url::Url;

use crate::{AUTH_TOKEN, CHANNEL_URL, Config, FROM, Viber};

/// The public example token of the documents.
const TOKEN: &str = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9";
const MESSAGE: &str = "5741311803571721087";

struct Stage {
    viber: Viber,
    account: Account,
    secret: Secret,
    clock: JumpClock,
    blobs: MemoryBlobs,
    media: FixedUrls,
    seen: mpsc::UnboundedReceiver<(String, Value)>,
}

/// An adapter whose platform gives these answers one after the other; an empty one cuts the connection.
async fn stage(answers: &[&str]) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base: Url = format!("http://{}/pa/", listener.local_addr().expect("an address"))
        .parse()
        .expect("a URL");
    let (sender, seen) = mpsc::unbounded_channel();
    let answers: Vec<_> = answers.iter().map(|answer| (*answer).to_owned()).collect();
    tokio::spawn(async move {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = Vec::new();
            let mut buffer = vec![0; 65536];
            let (head, body) = loop {
                let text = String::from_utf8_lossy(&request).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break (head.to_owned(), body);
                }
                let Ok(read @ 1..) = stream.read(&mut buffer).await else { return };
                request.extend_from_slice(&buffer[..read]);
            };
            drop(sender.send((head, body)));
            if !answer.is_empty() {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
                drop(stream.write_all(format!("{head}{answer}").as_bytes()).await);
            }
        }
    });
    let webhook_url = Some("https://loa.example/in/viber".parse().expect("a URL"));
    let settings = [(FROM, "01234567890A="), (CHANNEL_URL, "https://invite.viber.example/x")];
    Stage {
        viber: Viber::new(Config { base, webhook_url }, Limits::default()).expect("a good base"),
        account: account("viber:cong-tin", "pa:75346594275468546724", &settings),
        secret: Secret::new([(AUTH_TOKEN.to_owned(), TOKEN.to_owned())]),
        clock: JumpClock::default(),
        blobs: MemoryBlobs::default(),
        media: FixedUrls::under("https://m.example/m/".parse().expect("a URL")),
        seen,
    }
}

impl Stage {
    fn cx(&self) -> Cx<'_> {
        Cx {
            clock: &self.clock,
            blobs: &self.blobs,
            media: &self.media,
            gate: &OpenGate,
            ear: &loa_channel::Deaf,
        }
    }

    fn to(&self) -> To<'_> {
        To { account: &self.account, secret: &self.secret }
    }

    fn post<'a>(&self, content: &'a PostContent) -> Outgoing<'a> {
        let delivery = "018f0000-0000-7000-8000-000000000001".parse().expect("an id");
        Outgoing { delivery, marker: &content.link.code, content, since: self.clock.now() }
    }

    fn sample(&self, format: PostFormat) -> PostContent {
        sample_for(self.viber.capability(), format, "ab2", &self.blobs)
    }

    async fn publish(&self, content: &PostContent) -> loa_channel::Result<loa_model::Receipt> {
        run_to_live(&self.viber, &self.cx(), self.to(), self.post(content)).await
    }
}

/// Where the fixture says the first file is.
fn address(content: &PostContent) -> String {
    let media = &content.media[0];
    let ending = if media.role == MediaRole::Video { "mp4" } else { "jpg" };
    let delivery = "018f000000007000800000000000000";
    format!("https://m.example/m/{delivery}1{}.{ending}", media.blob.short())
}

const ACCEPTED: &str = r#"{"status":0,"status_message":"ok","message_token":5741311803571721087}"#;
const NOT_SET: &str = r#"{"status":10,"status_message":"webhookNotSet"}"#;

#[tokio::test]
async fn a_picture_goes_out_with_its_words_author_and_both_tokens() {
    let mut stage = stage(&[ACCEPTED]).await;
    let content = stage.sample(PostFormat::Photo);
    let receipt = stage.publish(&content).await.unwrap();
    assert_eq!(receipt.remote_id, MESSAGE, "a number above 2^53 keeps its digits");
    assert_eq!(receipt.url, "https://invite.viber.example/x");
    let (head, body) = stage.seen.recv().await.unwrap();
    assert!(head.starts_with("POST /pa/post HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("x-viber-auth-token: {TOKEN}")), "{head}");
    assert_eq!(body["auth_token"], TOKEN);
    assert_eq!((&body["type"], &body["from"]), (&json!("picture"), &json!("01234567890A=")));
    assert_eq!(body["text"], content.text);
    assert_eq!(body["media"], address(&content));
    assert!(body.get("thumbnail").is_none());
}

#[tokio::test]
async fn words_and_videos_have_their_own_shapes() {
    let text_token = r#"{"status":0,"status_message":"ok","message_token":"5741311803571721087"}"#;
    let mut stage = stage(&[text_token, r#"{"status":0}"#]).await;
    let content = stage.sample(PostFormat::Text);
    assert_eq!(stage.publish(&content).await.unwrap().remote_id, MESSAGE);
    let (_, body) = stage.seen.recv().await.unwrap();
    assert_eq!((&body["type"], body.get("media")), (&json!("text"), None));
    let mut content = stage.sample(PostFormat::Video);
    content.media[0].duration_ms = 20_001;
    let receipt = stage.publish(&content).await.unwrap();
    assert_eq!(receipt.remote_id, "", "accepted without a token is accepted");
    let (_, body) = stage.seen.recv().await.unwrap();
    let size = content.media_of(MediaRole::Video).next().unwrap().bytes;
    assert_eq!((&body["size"], &body["duration"]), (&json!(size), &json!(21)));
    assert_eq!(body["media"], address(&content));
}

#[tokio::test]
async fn without_a_webhook_it_is_set_once_and_the_post_goes_out_once() {
    let mut stage = stage(&[NOT_SET, r#"{"status":0,"event_types":[]}"#, ACCEPTED]).await;
    let content = stage.sample(PostFormat::Photo);
    assert_eq!(stage.viber.effect(&content, None), Effect::Public);
    let webhook = Ticket { step: "webhook".to_owned(), data: json!({}) };
    assert_eq!(stage.viber.effect(&content, Some(&webhook)), Effect::Idempotent);
    stage.publish(&content).await.unwrap();
    let mut calls = Vec::new();
    while let Ok((head, body)) = stage.seen.try_recv() {
        calls.push((head.split(' ').nth(1).unwrap().to_owned(), body["url"].clone()));
    }
    let set = ("/pa/set_webhook".to_owned(), json!("https://loa.example/in/viber"));
    let post = ("/pa/post".to_owned(), Value::Null);
    assert_eq!(calls, [post.clone(), set, post]);
}

#[tokio::test]
async fn a_second_refusal_for_want_of_a_webhook_pauses_the_account() {
    let stage = stage(&[NOT_SET, r#"{"status":0}"#, NOT_SET]).await;
    let error = stage.publish(&stage.sample(PostFormat::Text)).await.unwrap_err();
    assert_eq!((error.advice, error.platform_code.as_str()), (RetryAdvice::Reauthorize, "10"));
}

#[tokio::test]
async fn a_lost_answer_is_for_a_person_and_there_is_no_read_back() {
    let stage = stage(&[""]).await;
    let content = stage.sample(PostFormat::Photo);
    let error = stage.publish(&content).await.unwrap_err();
    assert_eq!(error.advice, RetryAdvice::Verify, "{error:?}");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    let what = Lookup { marker: "ab2", content: &content, ticket: None, since: stage.clock.now() };
    let error = stage.viber.find(&stage.cx(), stage.to(), what).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn nobody_listens_so_it_may_be_tried_again() {
    let stage = stage(&[]).await;
    // The listener is dropped with its empty script.
    tokio::task::yield_now().await;
    let error = stage.publish(&stage.sample(PostFormat::Text)).await.unwrap_err();
    let account = matches!(error.advice, RetryAdvice::Later { scope: Scope::Account, .. });
    assert!(account, "{error:?}");
}

#[tokio::test]
async fn an_address_that_does_not_answer_makes_no_request() {
    let mut stage = stage(&[ACCEPTED]).await;
    stage.media = FixedUrls::unreachable();
    let error = stage.publish(&stage.sample(PostFormat::Photo)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Media);
    assert!(stage.seen.try_recv().is_err());
}

#[tokio::test]
async fn limits_count_utf16_after_nfc_and_make_no_request() {
    let mut stage = stage(&[]).await;
    for (format, limit) in [(PostFormat::Photo, 768), (PostFormat::Text, 7000)] {
        let mut content = stage.sample(format);
        let room = limit - content.link.url.len();
        // Decomposed it is three times as long.
        content.text = format!("{}{}", content.link.url, "a\u{302}\u{303}".repeat(room));
        assert_eq!(stage.viber.capability().check(&content), []);
        // A character beyond the basic plane takes two units.
        content.text = format!("{}{}😀", content.link.url, "ẫ".repeat(room - 1));
        let error = stage.publish(&content).await.unwrap_err();
        assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never));
    }
    // Allowed by the text limit and still too long as JSON, where each of these takes six bytes.
    let mut content = stage.sample(PostFormat::Text);
    content.text = format!("{} {}", content.link.url, "\u{1}".repeat(6000));
    let error = stage.publish(&content).await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never), "{error}");
    assert!(stage.seen.try_recv().is_err());
}

#[tokio::test]
async fn an_account_without_author_or_token_waits_for_a_person() {
    let mut stage = stage(&[]).await;
    let content = stage.sample(PostFormat::Text);
    stage.account.settings.remove(FROM);
    assert_eq!(stage.publish(&content).await.unwrap_err().advice, RetryAdvice::Reauthorize);
    stage.account.settings.insert(FROM.to_owned(), "x".to_owned());
    stage.secret = Secret::default();
    assert_eq!(stage.publish(&content).await.unwrap_err().advice, RetryAdvice::Reauthorize);
}

#[tokio::test]
async fn health_knows_the_author_and_a_channel_tells_no_audience() {
    let info = |role: &str| {
        json!({ "status": 0, "Id": "pa:75346594275468546724", "chat_hostname": "Cổng tin",
            "members": [{ "id": "01234567890A=", "role": role }] })
        .to_string()
    };
    let (good, bad) = (info("superadmin"), info("admin"));
    let bot = r#"{"status":0,"id":"pa:1","subscribers_count":35}"#;
    let stage = stage(&[&good, &bad, &good, bot]).await;
    let health = stage.viber.health(&stage.cx(), stage.to()).await.unwrap();
    assert_eq!(health.title, "Cổng tin");
    assert_eq!(health.remote_id, "pa:75346594275468546724");
    let error = stage.viber.health(&stage.cx(), stage.to()).await.unwrap_err();
    assert_eq!(error.advice, RetryAdvice::Reauthorize);
    for count in [None, Some(35)] {
        assert_eq!(stage.viber.audience(&stage.cx(), stage.to()).await.unwrap().count, count);
    }
}

#[tokio::test]
async fn what_the_platform_cannot_do_is_said() {
    let stage = stage(&[]).await;
    let content = stage.sample(PostFormat::Text);
    let receipt = loa_model::Receipt {
        remote_id: MESSAGE.to_owned(),
        url: String::new(),
        raw: json!({}),
        at: stage.clock.now(),
    };
    let (cx, to) = (stage.cx(), stage.to());
    let capability = stage.viber.capability();
    assert!(!capability.edit && !capability.delete && !capability.insights);
    let kinds = [
        stage.viber.amend(&cx, to, &receipt, stage.post(&content)).await.map_err(|e| e.kind),
        stage.viber.retract(&cx, to, &receipt).await.map_err(|e| e.kind),
        stage.viber.measure(&cx, to, &[receipt]).await.map(drop).map_err(|e| e.kind),
    ];
    assert_eq!(kinds, [Err(ErrorKind::Unsupported); 3]);
    let at = Some(Ticket { step: "nonsense".to_owned(), data: json!({}) });
    let odd = stage.viber.advance(&cx, to, stage.post(&content), at).await;
    assert!(!matches!(odd, Ok(Progress::Live(_))));
}

#[tokio::test]
async fn messages_are_verified_by_the_known_answer_before_they_are_read() {
    let stage = stage(&[]).await;
    let body = r#"{"event":"webhook","timestamp":1457764197627,"message_token":241256543215}"#;
    let signature = "bd52434b46be1542d32bfa5e3332b757b927e183c5ef3b20a5f9877207dc55b9";
    let headers = vec![("X-Viber-Content-Signature".to_owned(), signature.to_owned())];
    let inbound = |headers: &[(String, String)], body: &str| {
        stage.viber.inbound(stage.to(), headers, body.as_bytes())
    };
    assert_eq!(inbound(&headers, body).unwrap().len(), 1);
    let other = vec![("X-Viber-Content-Signature".to_owned(), signature.replace('b', "c"))];
    for (headers, body) in [(&headers, "{}"), (&vec![], body), (&other, body), (&headers, "")] {
        assert_eq!(inbound(headers, body).unwrap_err().kind, ErrorKind::Forged);
    }
}
