//! The chains against canned answers of the contract, one raw connection each, and what does not need a socket.

use std::{collections::BTreeMap, time::Duration};

use loa_channel::{
    Channel as _, Cx, ErrorKind, InboundEvent, Lookup, Outgoing, Progress, RetryAdvice, To,
    drive::{run_on, run_to_live},
    fixture::{FixedUrls, JumpClock, MemoryBlobs, account, sample_for},
};
use loa_model::{
    Account, Clock as _, MediaRole, Metric, PostContent, PostFormat, Receipt, Secret, Ticket,
    delivery::Effect, seams::OpenGate,
};
use loa_net::Limits;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use url::Url;

use crate::{APP_SECRET, Config, Facebook, PAGE_TOKEN};

const PAGE: &str = "61550000000000001";
const POST: &str = "61550000000000001_122100000000000017";
const VIDEO: &str = "9007199254740993";

struct Stage {
    facebook: Facebook,
    account: Account,
    secret: Secret,
    clock: JumpClock,
    blobs: MemoryBlobs,
    media: FixedUrls,
    seen: mpsc::UnboundedReceiver<String>,
}

/// An adapter whose platform gives these answers one after the other; an empty one cuts the connection. `BASE` in an answer
/// stands for the platform's address.
async fn stage(two_phase: bool, answers: Vec<Value>) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}/", listener.local_addr().expect("an address"));
    let url: Url = base.parse().expect("a URL");
    let (sender, seen) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = Vec::new();
            let mut buffer = vec![0; 65536];
            while !is_whole(&request) {
                match stream.read(&mut buffer).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            drop(sender.send(String::from_utf8_lossy(&request).into_owned()));
            if !answer.is_null() {
                let status = answer["error"]["status"].as_u64().unwrap_or(200);
                let status = if answer["error"].is_null() { status } else { status.max(400) };
                let body = answer.to_string().replace("BASE/", &base);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                drop(stream.write_all(format!("{head}{body}").as_bytes()).await);
            }
        }
    });
    let config = Config {
        graph: url.clone(),
        graph_video: url.clone(),
        rupload: url.clone(),
        oauth: url,
        two_phase,
        ..Config::default()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Stage {
        facebook: Facebook::new(config, Limits::default()).expect("good bases"),
        account: account("facebook:cong-tin", PAGE, &[]),
        secret: Secret::new([pair(PAGE_TOKEN, "EAAB-s3cret"), pair(APP_SECRET, "app-s3cret")]),
        clock: JumpClock::default(),
        blobs: MemoryBlobs::default(),
        media: FixedUrls::unreachable(),
        seen,
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok())
        .unwrap_or(0);
    request.len() >= head.len() + 4 + length
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
        sample_for(self.facebook.capability(), format, "ab2", &self.blobs)
    }

    async fn publish(&self, content: &PostContent) -> loa_channel::Result<Receipt> {
        run_to_live(&self.facebook, &self.cx(), self.to(), self.post(content)).await
    }

    async fn find(
        &self,
        content: &PostContent,
        ticket: Option<&Ticket>,
    ) -> loa_channel::Result<Vec<Receipt>> {
        let what = Lookup { marker: "ab2", content, ticket, since: self.clock.now() };
        self.facebook.find(&self.cx(), self.to(), what).await
    }

    /// Request lines seen so far, without version and proof.
    fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(request) = self.seen.try_recv() {
            let line = request.lines().next().unwrap_or_default().replace(" HTTP/1.1", "");
            lines.push(line.split('?').next().unwrap_or_default().to_owned());
        }
        lines
    }
}

fn created(id: &str) -> Value {
    json!({ "id": id, "permalink_url": format!("BASE/posts/{id}"),
        "created_time": "2026-11-22T02:00:05+0000" })
}

fn ticket(step: &str, data: Value) -> Ticket {
    Ticket { step: step.to_owned(), data }
}

#[tokio::test]
async fn words_go_out_in_one_public_request_with_link_and_proof() {
    let mut stage = stage(false, vec![created(POST)]).await;
    let content = stage.sample(PostFormat::Text);
    let receipt = stage.publish(&content).await.unwrap();
    assert_eq!(receipt.remote_id, POST);
    assert!(receipt.url.ends_with(&format!("/posts/{POST}")), "{}", receipt.url);
    assert_eq!(receipt.at.to_string(), "2026-11-22T02:00:05Z");
    let request = stage.seen.recv().await.unwrap();
    assert!(request.starts_with(&format!("POST /v26.0/{PAGE}/feed HTTP/1.1\r\n")), "{request}");
    assert!(request.contains("authorization: Bearer EAAB-s3cret\r\n"), "{request}");
    for field in
        ["link=https%3A%2F%2Ftin.example%2Fl%2Fab2&", "&appsecret_proof=", "message=%C4%90"]
    {
        assert!(request.contains(field), "{field} is not in {request}");
    }
    assert!(!request.contains("published"), "{request}");
}

#[tokio::test]
async fn an_album_uploads_hidden_photos_then_posts_them() {
    let answers = vec![json!({"id": "11"}), json!({"id": 12}), json!({"id": "13"}), created(POST)];
    let mut stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::Album);
    stage.publish(&content).await.unwrap();
    let first = stage.seen.recv().await.unwrap();
    for part in ["name=\"published\"\r\n\r\nfalse", "name=\"alt_text_custom\"\r\n\r\nNgười dân"]
    {
        assert!(first.contains(part), "{part} is not in {first}");
    }
    assert!(first.contains("filename=\"photo.jpg\"\r\nContent-Type: image/jpeg"), "{first}");
    assert!(stage.seen.recv().await.and(stage.seen.recv().await).is_some());
    let feed = stage.seen.recv().await.unwrap();
    let attached = r#"[{"media_fbid":"11"},{"media_fbid":"12"},{"media_fbid":"13"}]"#;
    let attached: String = url::form_urlencoded::byte_serialize(attached.as_bytes()).collect();
    assert!(feed.contains(&format!("attached_media={attached}")), "{feed}");
    assert!(!feed.contains("&link="), "{feed}");
}

#[tokio::test]
async fn two_phases_hide_then_show_by_id() {
    let answers = vec![
        json!({"id": "11"}),
        created(POST),
        json!({"success": true}),
        json!({"id": POST, "is_published": true, "permalink_url": "BASE/p"}),
    ];
    let mut stage = stage(true, answers).await;
    let content = stage.sample(PostFormat::Photo);
    assert_eq!(stage.facebook.effect(&content, None), Effect::Hidden);
    let feed = ticket("feed", json!({}));
    assert_eq!(stage.facebook.effect(&content, Some(&feed)), Effect::Hidden);
    let receipt = stage.publish(&content).await.unwrap();
    assert_eq!(receipt.remote_id, POST);
    let posts = format!("POST /v26.0/{POST}");
    let lines = stage.lines();
    assert_eq!(lines[2], posts);
    assert_eq!(lines[3], posts.replace("POST /", "GET /"));
}

#[tokio::test]
async fn old_photos_are_uploaded_again() {
    let stage = stage(false, vec![]).await;
    let content = stage.sample(PostFormat::Photo);
    let data = json!({"photos": ["11"], "uploaded_at": stage.clock.now()});
    stage.clock.pass(Duration::from_hours(21));
    let at = Some(ticket("feed", data));
    let progress = stage.facebook.advance(&stage.cx(), stage.to(), stage.post(&content), at).await;
    let Progress::Again { ticket, .. } = progress.unwrap() else { panic!("live") };
    assert_eq!((ticket.step.as_str(), ticket.data), ("photo", json!({})));
}

fn status(video: &str, processing: &str, publishing: &str) -> Value {
    json!({ "id": VIDEO, "permalink_url": "/reel/17/", "status": { "video_status": video,
        "uploading_phase": { "status": "complete" },
        "processing_phase": { "status": processing },
        "publishing_phase": { "status": "not_started", "publish_status": publishing } } })
}

#[tokio::test]
async fn a_reel_goes_on_where_its_upload_stopped_and_is_polled_until_public() {
    let half = json!({ "id": VIDEO, "status": { "video_status": "uploading",
        "uploading_phase": { "status": "in_progress", "bytes_transfered": 100 } } });
    let answers = vec![
        json!({"video_id": VIDEO, "upload_url": "BASE/video-upload/v26.0/x?q=1"}),
        half,
        json!({"success": true}),
        status("upload_complete", "not_started", ""),
        json!({"success": true}),
        status("processing", "in_progress", ""),
        status("ready", "complete", "published"),
    ];
    let mut stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::ShortVideo);
    let started = stage.clock.now();
    let receipt = stage.publish(&content).await.unwrap();
    assert_eq!(receipt.remote_id, VIDEO);
    assert!(receipt.url.ends_with("/reel/17/") && receipt.url.starts_with("http"), "{receipt:?}");
    assert_eq!(stage.clock.now().duration_since(started).as_secs(), 10);
    let mut requests = Vec::new();
    while let Ok(request) = stage.seen.try_recv() {
        requests.push(request);
    }
    let bytes = &requests[2];
    assert!(bytes.starts_with("POST /video-upload/v26.0/x?q=1 HTTP/1.1"), "{bytes}");
    let size = content.media_of(MediaRole::Video).next().unwrap().bytes;
    for head in ["authorization: OAuth EAAB-s3cret", "offset: 100", &format!("file_size: {size}")] {
        assert!(bytes.contains(head), "{head} is not in {bytes}");
    }
    assert!(bytes.contains(&format!("content-length: {}", size - 100)), "{bytes}");
    assert!(requests[4].contains("upload_phase=finish"), "{}", requests[4]);
    assert!(requests[4].contains("video_state=PUBLISHED"), "{}", requests[4]);
}

#[tokio::test]
async fn a_whole_upload_that_is_never_put_together_is_begun_anew_and_never_finished() {
    let held = json!({ "id": VIDEO, "status": { "video_status": "uploading",
        "uploading_phase": { "status": "in_progress", "bytes_transferred": 999_999_999 } } });
    let started = json!({"video_id": "18", "upload_url": "BASE/video-upload/v26.0/18"});
    let second = [vec![started], vec![held.clone(); 20]].concat();
    let answers = [vec![held; 20], second.clone(), second].concat();
    let mut stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::ShortVideo);
    let at = Some(ticket("bytes", json!({"video_id": VIDEO, "upload_url": "BASE/x"})));
    let given_up = run_on(&stage.facebook, &stage.cx(), stage.to(), stage.post(&content), at).await;
    let error = given_up.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Media, RetryAdvice::Never), "{error}");
    assert_eq!(stage.lines().iter().filter(|line| line.starts_with("POST")).count(), 2);
}

#[tokio::test]
async fn a_finish_is_not_sent_twice_and_its_lost_answer_is_found_by_id() {
    let answers = vec![
        status("upload_complete", "not_started", ""),
        Value::Null,
        status("processing", "in_progress", ""),
        status("ready", "complete", "published"),
        status("ready", "complete", "published"),
        status("ready", "complete", "published"),
    ];
    let mut stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::ShortVideo);
    let at = ticket("finish", json!({"video_id": VIDEO}));
    assert_eq!(stage.facebook.effect(&content, Some(&at)), Effect::Public);
    let post = stage.post(&content);
    let lost = stage.facebook.advance(&stage.cx(), stage.to(), post, Some(at.clone())).await;
    assert_eq!(lost.unwrap_err().advice, RetryAdvice::Verify);
    let busy = stage.find(&content, Some(&at)).await.unwrap_err();
    assert!(matches!(busy.advice, RetryAdvice::Later { .. }), "{busy:?}");
    let found = stage.find(&content, Some(&at)).await.unwrap();
    assert_eq!(found[0].remote_id, VIDEO);
    let again = run_on(&stage.facebook, &stage.cx(), stage.to(), post, Some(at)).await.unwrap();
    assert_eq!(again.remote_id, VIDEO);
    let finishes = stage.lines().into_iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(finishes, 1);
}

#[tokio::test]
async fn a_published_reel_that_cannot_be_read_is_never_given_up() {
    let missing = json!({"error": {"code": 100, "error_subcode": 33, "message": "no object"}});
    let trouble = json!({"error": {"code": 2, "message": "try later"}});
    let answers = [vec![missing; 21], vec![trouble, Value::Null]].concat();
    let stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::ShortVideo);
    let at = Some(ticket("poll", json!({"video_id": VIDEO})));
    let (cx, to, post) = (stage.cx(), stage.to(), stage.post(&content));
    let lost = run_on(&stage.facebook, &cx, to, post, at.clone()).await.unwrap_err();
    assert_eq!((lost.advice, lost.platform_code.as_str()), (RetryAdvice::Verify, "100/33"));
    for _ in 0..2 {
        let error = stage.facebook.advance(&cx, to, post, at.clone()).await.unwrap_err();
        assert_eq!(error.advice, RetryAdvice::Verify, "{error:?}");
    }
}

#[tokio::test]
async fn an_upload_address_elsewhere_is_not_used() {
    let answers = vec![
        json!({"video_id": VIDEO, "upload_url": "http://other.example/video-upload/x"}),
        json!({"id": VIDEO, "status": {}}),
    ];
    let stage = stage(false, answers).await;
    let content = stage.sample(PostFormat::ShortVideo);
    let error = stage.publish(&content).await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Protocol, RetryAdvice::Never), "{error}");
}

#[tokio::test]
async fn read_back_takes_the_link_the_photos_and_the_next_page() {
    let old = "2026-11-22T01:00:00+0000";
    let new = "2026-11-22T02:00:01+0000";
    let post = |id: &str, message: &str, at: &str| json!({ "id": id, "message": message, "created_time": at, "is_published": true });
    let by_photo = json!({ "id": "1_3", "message": "x", "created_time": new,
        "attachments": { "data": [{ "target": { "id": "77" } }] } });
    let hidden = json!({ "id": "1_4", "message": "https://tin.example/l/ab2", "created_time": new,
        "is_published": false });
    let first = json!({ "data": [post("1_1", "https://tin.example/l/ab23", new), by_photo, hidden],
        "paging": { "cursors": { "after": "c1" }, "next": "http://other.example/next" } });
    let second = json!({ "data": [post("1_2", "Xem https://tin.example/l/ab2.", new),
        post("1_0", "https://tin.example/l/ab2", old)],
        "paging": { "cursors": { "after": "c2" }, "next": "http://other.example/next" } });
    let mut stage = stage(false, vec![first, second]).await;
    let content = stage.sample(PostFormat::Photo);
    let at = ticket("feed", json!({"photos": ["77"]}));
    let found = stage.find(&content, Some(&at)).await.unwrap();
    let ids: Vec<_> = found.iter().map(|receipt| receipt.remote_id.as_str()).collect();
    assert_eq!(ids, ["1_3", "1_2"]);
    let requests = [stage.seen.recv().await.unwrap(), stage.seen.recv().await.unwrap()];
    assert!(requests[0].contains("since=1795312680&limit=100"), "{}", requests[0]);
    assert!(requests[1].contains("after=c1"), "{}", requests[1]);
}

#[tokio::test]
async fn gone_already_is_taken_back_and_cannot_be_changed() {
    let missing = json!({"error": {"code": 100, "error_subcode": 33, "message": "no object"}});
    let mut stage = stage(false, vec![missing.clone(), missing, json!({"success": true})]).await;
    let content = stage.sample(PostFormat::Text);
    let receipt = Receipt {
        remote_id: POST.to_owned(),
        url: String::new(),
        raw: json!({}),
        at: stage.clock.now(),
    };
    stage.facebook.retract(&stage.cx(), stage.to(), &receipt).await.unwrap();
    let post = stage.post(&content);
    let error = stage.facebook.amend(&stage.cx(), stage.to(), &receipt, post).await.unwrap_err();
    assert_eq!((error.advice, error.platform_code.as_str()), (RetryAdvice::Never, "100/33"));
    let reel = Receipt { remote_id: VIDEO.to_owned(), raw: json!({"post_id": "5"}), ..receipt };
    stage.facebook.amend(&stage.cx(), stage.to(), &reel, post).await.unwrap();
    let lines = stage.lines();
    assert_eq!(lines[0], format!("DELETE /v26.0/{POST}"));
    assert_eq!(lines[2], format!("POST /v26.0/{PAGE}_5"));
    let reel = Receipt { raw: json!({}), ..reel };
    let error = stage.facebook.amend(&stage.cx(), stage.to(), &reel, post).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

#[tokio::test]
async fn one_dead_metric_costs_no_other_and_is_not_asked_again() {
    let bad = json!({"error": {"code": 100,
        "message": "(#100) The value must be a valid insights metric"}});
    let counters = json!({ "reactions": { "summary": { "total_count": 3 } },
        "comments": { "summary": { "total_count": 0 } }, "shares": { "count": 1 } });
    let rows = |names: &[(&str, u64)]| {
        let row = |(name, value): &(&str, u64)| json!({"name": name, "period": "lifetime", "values": [{"value": value}]});
        json!({ "data": names.iter().map(row).collect::<Vec<_>>() })
    };
    let answers = vec![
        counters.clone(),
        bad.clone(),
        rows(&[("post_media_view", 70)]),
        bad.clone(),
        bad,
        rows(&[("post_clicks", 4)]),
        counters,
        rows(&[("post_media_view", 71), ("post_clicks", 5)]),
    ];
    let mut stage = stage(false, answers).await;
    let receipt = Receipt {
        remote_id: POST.to_owned(),
        url: String::new(),
        raw: json!({}),
        at: stage.clock.now(),
    };
    for views in [70, 71] {
        let measured =
            stage.facebook.measure(&stage.cx(), stage.to(), std::slice::from_ref(&receipt)).await;
        let measured = measured.unwrap().swap_remove(0);
        let values: BTreeMap<_, _> = measured.values.iter().map(|v| (v.metric, v.value)).collect();
        assert_eq!(values.get(&Metric::Views), Some(&views));
        assert_eq!(values.get(&Metric::Reach), None, "a dead metric is absent");
        assert_eq!(values.len(), 5, "{values:?}");
        assert_eq!(measured.alive, Some(true));
    }
    let mut last = String::new();
    while let Ok(request) = stage.seen.try_recv() {
        last = request;
    }
    assert!(last.contains("metric=post_media_view%2Cpost_clicks"), "{last}");
}

#[tokio::test]
async fn a_post_that_is_gone_has_no_numbers() {
    let missing = json!({"error": {"code": 100, "error_subcode": 33, "message": "no object"}});
    let stage = stage(false, vec![missing, json!({"followers_count": 12}), json!({})]).await;
    let receipt = Receipt {
        remote_id: POST.to_owned(),
        url: String::new(),
        raw: json!({}),
        at: stage.clock.now(),
    };
    let measured = stage.facebook.measure(&stage.cx(), stage.to(), &[receipt]).await.unwrap();
    assert_eq!((measured[0].alive, measured[0].values.len()), (Some(false), 0));
    for count in [Some(12), None] {
        assert_eq!(stage.facebook.audience(&stage.cx(), stage.to()).await.unwrap().count, count);
    }
}

#[tokio::test]
async fn over_long_words_and_media_make_no_request() {
    let mut stage = stage(false, vec![]).await;
    for (format, unit) in [(PostFormat::Text, "đ"), (PostFormat::Photo, "ẫ")] {
        let mut content = stage.sample(format);
        content.text = format!("{}{}", content.link.url, "x".repeat(63_206));
        let error = stage.publish(&content).await.unwrap_err();
        assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never));
        // Exactly at the limit, and decomposed: counted after NFC.
        let room = 63_206 - content.link.url.chars().count();
        let decomposed = if unit == "ẫ" { "a\u{302}\u{303}" } else { unit };
        content.text = format!("{}{}", content.link.url, decomposed.repeat(room));
        assert_eq!(stage.facebook.capability().check(&content), []);
    }
    let mut content = stage.sample(PostFormat::Photo);
    content.media[0].alt.clear();
    assert_eq!(stage.publish(&content).await.unwrap_err().advice, RetryAdvice::Never);
    assert!(stage.seen.try_recv().is_err());
}

#[tokio::test]
async fn messages_are_verified_before_they_are_read() {
    let stage = stage(false, vec![]).await;
    let change = |value: Value| json!({ "field": "feed", "value": value });
    let body = json!({ "object": "page", "entry": [
        { "id": PAGE, "time": 1, "changes": [
            change(json!({ "item": "status", "verb": "add", "post_id": POST, "published": 1 })),
            change(json!({ "item": "comment", "verb": "add", "post_id": POST, "comment_id": "c" })),
            change(json!({ "item": "photo", "verb": "add", "post_id": POST, "published": 0 })),
        ] },
        { "id": "other", "changes": [change(json!({ "item": "post", "verb": "add", "post_id": "1_1" }))] },
    ] })
    .to_string();
    let sign = |key: &str, body: &str| {
        use hmac::Mac as _;
        let mut mac = crate::call::mac(key);
        mac.update(body.as_bytes());
        let hex = hex::encode(mac.finalize().into_bytes());
        vec![("x-hub-signature-256".to_owned(), format!("sha256={hex}"))]
    };
    let inbound = |headers: &[(String, String)], body: &str| {
        stage.facebook.inbound(stage.to(), headers, body.as_bytes())
    };
    let events = inbound(&sign("app-s3cret", &body), &body).unwrap();
    assert_eq!(events.len(), 3);
    assert!(matches!(&events[0], InboundEvent::Posted { remote_id, .. } if remote_id == POST));
    assert!(events[1..].iter().all(|event| matches!(event, InboundEvent::Other(_))));
    let right = sign("app-s3cret", &body);
    for (headers, body) in [
        (sign("other", &body), body.as_str()),
        (vec![], &body),
        (right, "{}"),
        (sign("app-s3cret", "x"), "not json, and not what was signed"),
    ] {
        let error = inbound(&headers, body).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Forged, "{error}");
    }
    // The contract's known answer: HMAC-SHA256 of the words with key `key`.
    let known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
    let words = "The quick brown fox jumps over the lazy dog";
    assert_eq!(sign("key", words)[0].1, format!("sha256={known}"));
}

#[tokio::test]
async fn another_page_is_not_healthy_and_a_missing_token_asks_for_one() {
    let answers = vec![json!({"id": PAGE, "name": "Cổng tin"}), json!({"id": "2", "name": "x"})];
    let mut stage = stage(false, answers).await;
    let health = stage.facebook.health(&stage.cx(), stage.to()).await.unwrap();
    assert_eq!((health.title.as_str(), health.remote_id.as_str()), ("Cổng tin", PAGE));
    let error = stage.facebook.health(&stage.cx(), stage.to()).await.unwrap_err();
    assert_eq!(error.advice, RetryAdvice::Reauthorize);
    stage.secret = Secret::default();
    let error = stage.facebook.health(&stage.cx(), stage.to()).await.unwrap_err();
    assert_eq!(error.advice, RetryAdvice::Reauthorize);
}

/// Two numbers of one metric that the platform counts apart have words that tell people which is which.
#[test]
fn numbers_of_one_metric_have_names_for_people() {
    let config = Config::default();
    let text = include_str!("../capability.toml");
    let capability = loa_model::Capability::from_toml(text).unwrap();
    let rules: Vec<_> = config.post_metrics.iter().chain(&config.video_metrics).collect();
    for rule in &rules {
        let alike = rules.iter().filter(|other| other.metric == rule.metric).count();
        for lang in ["vi", "en"] {
            let title = capability.number_title(&rule.name, lang);
            assert!(alike == 1 || title.is_some_and(|words| !words.contains('_')), "{}", rule.name);
        }
    }
}
