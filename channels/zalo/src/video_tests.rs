use loa_channel::{Channel as _, Lookup};
use loa_model::{
    Capability, GateClosed, PostContent, PostFormat, Receipt, Ticket, delivery::Effect,
};
use serde_json::{Value, json};

use super::*;
use crate::{
    Zalo,
    scripted::{Shared, VIDEO_ID, drive, ok, start, state},
    testing::{Server, World, run},
};

const SEND: &str = "/v2.0/article/upload_video/preparevideo";
const ASK: &str = "/v2.0/article/upload_video/verify";

/// Takes steps until one of them is an error; the waits that were asked for, with the step after each.
async fn until_error(zalo: &Zalo, world: &mut World) -> (Error, Vec<(String, u64)>) {
    let (mut at, mut waits) = (None, Vec::new());
    for _ in 0..400 {
        match zalo.advance(&world.cx(), world.to(), world.post(), at.clone()).await {
            Ok(Progress::Again { ticket, wait }) => {
                waits.push((ticket.step.clone(), wait.as_secs()));
                world.later(i64::try_from(wait.as_secs()).unwrap());
                at = Some(ticket);
            }
            Ok(Progress::Live(receipt)) => panic!("live: {receipt:?}"),
            Err(error) => return (error, waits),
        }
    }
    panic!("no end: {waits:?}");
}

async fn published() -> (World, Shared, Server, Zalo, Receipt) {
    let mut world = World::of_video();
    let (platform, server, zalo) = start(&world).await;
    let (receipt, _) = drive(&zalo, &mut world, None).await;
    (world, platform, server, zalo, receipt)
}

fn ticket(step: &str, data: Value) -> Ticket {
    Ticket { step: step.to_owned(), data }
}

#[test]
fn a_video_is_sent_and_converted_then_created_hidden_then_shown() {
    run(async {
        let mut world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        assert_eq!(zalo.effect(&world.content, None), Effect::Hidden);
        let (receipt, steps) = drive(&zalo, &mut world, None).await;
        let before = ["verify_video"; 3].into_iter();
        let after = ["create", "verify_create", "verify_create", "show"];
        let shown = ["verify_show", "verify_show", "confirm"];
        assert_eq!(steps, before.chain(after).chain(shown).collect::<Vec<_>>());

        let uploads = platform.lock().unwrap().uploads.clone();
        assert_eq!(uploads, [format!("{}.mp4", world.post().delivery)]);
        let created = server.last("/v2.0/article/create").json();
        let avatar = world.content.media[1].blob.short();
        let mut wanted = json!({
            "type": "video", "title": world.content.title, "description": world.content.text,
            "video_id": VIDEO_ID, "avatar": format!("https://portal.example/m/{avatar}.jpg"),
            "status": "hide", "comment": "show",
        });
        assert_eq!(created, wanted, "these fields and no other");
        wanted["id"] = json!(receipt.remote_id);
        wanted["status"] = json!("show");
        assert_eq!(server.last("/v2.0/article/update").json(), wanted);
        assert_eq!(receipt.raw["video_id"], VIDEO_ID);
        let seen = server.seen.lock().unwrap();
        let lists = seen.iter().filter(|seen| seen.path().ends_with("getslice"));
        assert!(lists.clone().count() > 0);
        assert!(lists.clone().all(|seen| seen.target.contains("type=video")));
    });
}

#[test]
fn a_lost_answer_at_any_call_leaves_one_article() {
    for (lost, uploads) in [
        ("preparevideo", 2),
        ("upload_video/verify", 1),
        ("getslice", 1),
        ("create", 1),
        ("article/verify", 1),
        ("update", 1),
        ("getdetail", 1),
    ] {
        run(async {
            let mut world = World::of_video();
            let (platform, server, zalo) = start(&world).await;
            platform.lock().unwrap().lose = Some(lost);
            let (receipt, steps) = drive(&zalo, &mut world, None).await;
            assert!(steps.contains(&"lost".to_owned()), "{lost}: {steps:?}");
            let articles = platform.lock().unwrap().articles.clone();
            assert_eq!(articles.len(), 1, "{lost}");
            assert_eq!(
                (&articles[0]["status"], &articles[0]["type"]),
                (&json!("show"), &json!("video"))
            );
            assert_eq!(receipt.remote_id, articles[0]["id"].as_str().unwrap());
            assert_eq!(server.count("/v2.0/article/create"), 1, "{lost}");
            assert_eq!(server.count(SEND), uploads, "{lost}");
        });
    }
}

#[test]
fn a_repeated_create_waits_for_the_list_however_long_the_conversion_took() {
    run(async {
        let mut world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        platform.lock().unwrap().states = vec![state(3, ""); 12];
        platform.lock().unwrap().states.push(state(1, VIDEO_ID));
        let (mut at, mut step) = (None, String::new());
        while step != "create" {
            let progress = zalo.advance(&world.cx(), world.to(), world.post(), at).await.unwrap();
            let Progress::Again { ticket, wait } = progress else { panic!("not live yet") };
            world.later(i64::try_from(wait.as_secs()).unwrap());
            step.clone_from(&ticket.step);
            at = Some(ticket);
        }
        let began = world.since;
        assert!(world.clock.0.duration_since(began).as_secs() > 60, "longer than the list lags");
        world.later(20);
        let progress = zalo.advance(&world.cx(), world.to(), world.post(), at).await.unwrap();
        let Progress::Again { ticket, wait } = progress else { panic!("not live yet") };
        assert_eq!((ticket.step.as_str(), wait.as_secs()), ("create", 40));
        assert_eq!(server.count("/v2.0/article/create"), 0);
        world.later(40);
        let (_, steps) = drive(&zalo, &mut world, Some(ticket)).await;
        assert_eq!(steps[0], "verify_create");
        assert_eq!(server.count(SEND), 1);
    });
}

#[test]
fn a_creation_that_was_forgotten_waits_for_the_list_too() {
    run(async {
        let mut world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        platform.lock().unwrap().states = vec![state(3, ""); 12];
        platform.lock().unwrap().states.push(state(1, VIDEO_ID));
        let (mut at, mut step) = (None, String::new());
        while step != "verify_create" {
            let progress = zalo.advance(&world.cx(), world.to(), world.post(), at).await.unwrap();
            let Progress::Again { ticket, wait } = progress else { panic!("not live yet") };
            world.later(i64::try_from(wait.as_secs()).unwrap());
            step.clone_from(&ticket.step);
            at = Some(ticket);
        }
        // The article is there, and the list does not show it yet.
        let hidden = std::mem::take(&mut platform.lock().unwrap().articles);
        platform.lock().unwrap().verify =
            vec![json!({"error": -201, "message": "token is invalid"}).to_string()];
        for _ in 0..2 {
            let progress = zalo.advance(&world.cx(), world.to(), world.post(), at).await.unwrap();
            let Progress::Again { ticket, .. } = progress else { panic!("not live yet") };
            assert_eq!(ticket.step, "create");
            at = Some(ticket);
        }
        assert_eq!(server.count("/v2.0/article/create"), 1, "nothing is created in the dark");
        platform.lock().unwrap().articles = hidden;
        world.later(60);
        drive(&zalo, &mut world, at).await;
        assert_eq!(server.count("/v2.0/article/create"), 1);
    });
}

#[test]
fn a_video_that_stays_in_conversion_is_sent_three_times_then_a_person_looks() {
    run(async {
        let mut world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        platform.lock().unwrap().states = vec![state(3, "")];
        let (error, waits) = until_error(&zalo, &mut world).await;
        assert_eq!((error.kind, error.advice), (ErrorKind::Media, RetryAdvice::Never));
        assert_eq!(error.platform_code, "video_not_converted");
        assert_eq!(server.count(SEND), 3);
        assert_eq!(server.count("/v2.0/article/create"), 0);
        assert_eq!(waits.iter().filter(|(step, _)| step == "upload").count(), 2);
        assert_eq!(waits[..3], [10; 3].map(|wait| ("verify_video".to_owned(), wait)));
        assert_eq!(waits.iter().map(|(_, wait)| wait).max(), Some(&120));
        // Three hours in few looks: nobody is asked all the time.
        assert!(server.count(ASK) < 160, "{}", server.count(ASK));
    });
}

#[test]
fn a_failed_conversion_ends_the_chain_with_the_platforms_words() {
    for (status, kind, code, word) in [
        (2, ErrorKind::Content, "video_2", "locked"),
        (4, ErrorKind::Media, "-7", "could not convert"),
        (5, ErrorKind::Content, "video_5", "deleted"),
    ] {
        run(async {
            let mut world = World::of_video();
            let (platform, server, zalo) = start(&world).await;
            platform.lock().unwrap().states = vec![state(3, ""), state(status, "")];
            let (error, _) = until_error(&zalo, &mut world).await;
            assert_eq!((error.kind, error.advice), (kind, RetryAdvice::Never), "{error}");
            assert_eq!(error.platform_code, code);
            assert!(error.message.contains(word) && error.message.contains("as told"), "{error}");
            assert_eq!((server.count(SEND), server.count("/v2.0/article/create")), (1, 0));
        });
    }
}

#[test]
fn a_token_that_is_too_old_or_forgotten_means_sending_again() {
    run(async {
        let world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        let next = async |at: &str, uploads: u32| {
            let data = json!({
                "step": "verify_video", "token": "dmlkZW84==", "uploaded_at": at,
                "uploads": uploads, "polls": 7,
            });
            let at = Some(ticket("verify_video", data));
            match zalo.advance(&world.cx(), world.to(), world.post(), at).await {
                Ok(Progress::Again { ticket, .. }) => ticket,
                other => panic!("{other:?}"),
            }
        };
        let old = next("2026-11-22T01:00:00Z", 1).await;
        assert_eq!(old, ticket("upload", json!({"step": "upload", "uploads": 1})));
        assert!(server.paths().is_empty(), "an hour old: not even asked about");

        platform.lock().unwrap().uploads = vec![String::new(); 4];
        platform.lock().unwrap().states = vec![state(3, "")];
        assert_eq!(next("2026-11-22T01:00:01Z", 1).await.step, "verify_video");
        platform.lock().unwrap().states =
            vec![json!({"error": -201, "message": "token is invalid", "data": {}})];
        let forgotten = next("2026-11-22T01:59:50Z", 2).await;
        assert_eq!(forgotten, ticket("upload", json!({"step": "upload", "uploads": 2})));
        assert_eq!(zalo.effect(&world.content, Some(&forgotten)), Effect::Hidden);
    });
}

#[test]
fn what_breaks_a_limit_makes_no_request() {
    let check = |field: &'static str, spoil: fn(&mut PostContent)| {
        run(async move {
            let mut world = World::of_video();
            let (_, server, zalo) = start(&world).await;
            spoil(&mut world.content);
            let advance = zalo.advance(&world.cx(), world.to(), world.post(), None).await;
            let error = advance.unwrap_err();
            assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never));
            assert!(error.message.starts_with(field), "{field}: {error}");
            assert!(server.paths().is_empty(), "{field}");
        });
    };
    check("media.video.bytes", |content| content.media[0].bytes = 50_000_001);
    check("media.video.mime", |content| content.media[0].mime = "video/webm".into());
    check("media.video.duration", |content| content.media[0].duration_ms = 600_001);
    check("media.video.count", |content| drop(content.media.remove(0)));
    check("media.thumbnail.count", |content| content.media.truncate(1));
    check("media.thumbnail.bytes", |content| content.media[1].bytes = 1_048_577);
    check("media.thumbnail.size", |content| content.media[1].width = 499);
    check("title", |content| content.title = "ẫ".repeat(141));
    check("text", |content| content.text = "không có đường dẫn".into());
    check("text", |content| content.text = format!("{}{}", content.link.url, "ẫ".repeat(230)));
    // At the limit it goes out.
    let mut fits = World::of_video().content;
    fits.media[0].bytes = 50_000_000;
    let capability = Capability::from_toml(include_str!("../capability.toml")).unwrap();
    assert_eq!(capability.check(&fits), []);
}

#[test]
fn a_shut_gate_lets_no_video_out() {
    struct Shut;
    impl loa_model::Gate for Shut {
        fn open(&self) -> std::result::Result<(), GateClosed> {
            Err(GateClosed("the lease is lost".to_owned()))
        }
    }
    run(async {
        let world = World::of_video();
        let (_, server, zalo) = start(&world).await;
        let cx = Cx { gate: &Shut, ..world.cx() };
        let error = zalo.advance(&cx, world.to(), world.post(), None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Gate, "{error}");
        assert!(server.paths().is_empty());
    });
}

#[test]
fn an_orphan_is_adopted_with_the_new_video_and_an_article_of_the_same_title_is_left_alone() {
    run(async {
        let mut world = World::of_video();
        let (platform, server, zalo) = start(&world).await;
        let now = world.clock.0.as_millisecond();
        let orphan = |id: &str, kind: &str, words: &str, age_s: i64| {
            json!({"id": id, "type": kind, "title": world.content.title, "status": "hide",
                "description": words, "create_date": now - age_s * 1000})
        };
        platform.lock().unwrap().articles = vec![
            orphan("article", "normal", &world.content.text, 40),
            orphan("other", "video", "Xem thêm: https://portal.example/l/k7f3qx", 30),
            orphan("first", "video", &world.content.text, 20),
            orphan("second", "video", &world.content.text, 10),
        ];
        let (receipt, _) = drive(&zalo, &mut world, None).await;
        assert_eq!(receipt.remote_id, "first");
        assert_eq!(server.count("/v2.0/article/create"), 0);
        assert_eq!(server.last("/v2.0/article/update").json()["video_id"], VIDEO_ID);
        let left: Vec<_> =
            platform.lock().unwrap().articles.iter().map(|a| a["id"].clone()).collect();
        assert_eq!(left, ["article", "other", "first"]);
    });
}

#[test]
fn find_returns_what_is_shown_and_nothing_else() {
    run(async {
        let (world, platform, _, zalo, receipt) = published().await;
        let found = async |content: &PostContent, marker: &str| {
            let what = Lookup { marker, content, ticket: None, since: world.since };
            let found = zalo.find(&world.cx(), world.to(), what).await.unwrap();
            found.into_iter().map(|receipt| receipt.remote_id).collect::<Vec<_>>()
        };
        assert_eq!(found(&world.content, "k7f3q").await, [receipt.remote_id]);
        assert!(found(&world.content, "k7f3").await.is_empty(), "another code");
        let article = PostContent { format: PostFormat::Article, ..world.content.clone() };
        assert!(found(&article, "k7f3q").await.is_empty(), "listed under the other kind");
        platform.lock().unwrap().articles[0]["status"] = json!("hide");
        assert!(found(&world.content, "k7f3q").await.is_empty());
    });
}

#[test]
fn a_live_video_article_is_changed_measured_and_removed() {
    run(async {
        let (mut world, platform, server, zalo, receipt) = published().await;
        world.content.title = "Đính chính: nghị quyết mới".into();
        // A receipt that read-back made may know nothing of the video: then the article tells it.
        let bare = Receipt { raw: Value::Null, ..receipt.clone() };
        for receipt in [&receipt, &bare] {
            let mut looks = 0;
            while let Err(error) = zalo.amend(&world.cx(), world.to(), receipt, world.post()).await
            {
                assert!(matches!(error.advice, RetryAdvice::Later { .. }), "{error:?}");
                looks += 1;
                assert!(looks < 10, "{error:?}");
            }
            let amended = server.last("/v2.0/article/update").json();
            assert_eq!(amended["title"], "Đính chính: nghị quyết mới");
            assert_eq!(
                (&amended["video_id"], &amended["status"]),
                (&json!(VIDEO_ID), &json!("show"))
            );
        }
        assert_eq!(server.count(SEND), 1, "a correction sends no video");
        platform.lock().unwrap().articles[0]["video_id"] = json!("");
        let amend = zalo.amend(&world.cx(), world.to(), &bare, world.post()).await;
        assert_eq!(amend.unwrap_err().kind, ErrorKind::Protocol, "never without its video");

        let gone = Receipt { remote_id: "gone".into(), ..receipt.clone() };
        let unknown = Receipt { raw: Value::Null, ..gone.clone() };
        let amend = zalo.amend(&world.cx(), world.to(), &unknown, world.post()).await;
        assert_eq!(amend.unwrap_err().advice, RetryAdvice::Never);

        platform.lock().unwrap().articles[0]["total_view"] = json!("1204");
        platform.lock().unwrap().articles[0]["total_share"] = json!(3);
        platform
            .lock()
            .unwrap()
            .articles
            .push(json!({"id": "article", "title": "x", "status": "show", "total_view": 7}));
        let article = Receipt { remote_id: "article".into(), raw: json!({}), ..receipt.clone() };
        let all = [receipt.clone(), gone.clone(), article];
        let measured = zalo.measure(&world.cx(), world.to(), &all).await.unwrap();
        let of = |id: &str| {
            let one = measured.iter().find(|one| one.remote_id == id).unwrap();
            (one.values.iter().map(|value| value.value).collect::<Vec<_>>(), one.alive)
        };
        assert_eq!(measured.len(), 3);
        assert_eq!(of(&receipt.remote_id), (vec![1204, 3], Some(true)));
        assert_eq!(of("article"), (vec![7], Some(true)));
        assert_eq!(of("gone"), (vec![], Some(false)));

        zalo.retract(&world.cx(), world.to(), &receipt).await.unwrap();
        zalo.retract(&world.cx(), world.to(), &gone).await.unwrap();
        assert_eq!(platform.lock().unwrap().articles.len(), 1);
    });
}

#[test]
fn tickets_of_articles_that_were_written_before_are_read() {
    use crate::wire::Kind;
    for (data, wanted) in [
        (
            json!({"step": "create", "failed": 1}),
            Step::Create { failed: 1, video: None, reached: None },
        ),
        (
            json!({"step": "show", "id": "x", "failed": 0}),
            Step::Show { id: "x".into(), failed: 0, video: None },
        ),
        (
            json!({"step": "confirm", "id": "x", "polls": 2}),
            Step::Confirm { id: "x".into(), polls: 2, video: None },
        ),
    ] {
        let at = ticket(data["step"].as_str().unwrap(), data.clone());
        assert_eq!(Step::of(Some(&at), Kind::Normal).unwrap(), wanted);
        let Progress::Again { ticket: again, .. } = wanted.next() else { panic!("a step goes on") };
        assert_eq!(again, at, "and written as before");
    }
    assert!(Step::of(Some(&ticket("film", json!({"step": "film"}))), Kind::Video).is_err());
}

#[test]
fn the_frame_shows_the_video_with_its_poster_and_words_escaped() {
    let mut world = World::of_video();
    world.content.text = "Mức < 3 triệu\n<script>".into();
    let mut env = minijinja::Environment::new();
    env.add_template("frame.html", crate::FRAME).unwrap();
    let data = minijinja::value::Serde(json!({
        "account": world.account, "content": world.content,
        "media_urls": ["/tep/film.mp4\"x", "/tep/poster.jpg\"y"],
    }));
    let html = env.get_template("frame.html").unwrap().render(data).unwrap();
    for (wanted, times) in [
        ("<video controls ", 1),
        ("src=\"&#x2f;tep&#x2f;film.mp4&quot;x\"", 1),
        ("poster=\"&#x2f;tep&#x2f;poster.jpg&quot;y\"", 1),
        ("những điểm cần biết", 1),
        ("Mức &lt; 3 triệu\n&lt;script&gt;", 1),
        ("<script", 0),
        ("<img ", 0),
        ("<a href", 0),
        ("class=\"byline\"", 0),
    ] {
        assert_eq!(html.matches(wanted).count(), times, "{wanted}: {html}");
    }
}

#[test]
fn the_state_of_a_video_is_read_with_care() {
    let now = "2026-11-22T15:00:00Z".parse().unwrap();
    let read = |status: u16, body: String| classify::converted(now, status, body.as_bytes());
    let told = |data: Value| read(200, ok(&data));
    let ready = Conversion::Ready("v1".into());
    assert_eq!(told(json!({"status": 1, "video_id": "v1"})).unwrap(), ready);
    assert_eq!(told(json!({"status": "1", "video_id": "v1"})).unwrap(), ready);
    for odd in
        [json!({"status": 1}), json!({"status": 0}), json!({"status": 3}), json!({"status": 9})]
    {
        assert_eq!(told(odd.clone()).unwrap(), Conversion::Converting, "{odd}");
    }
    let pending = r#"{"error":-214,"message":"being processed"}"#.to_owned();
    assert_eq!(read(200, pending).unwrap(), Conversion::Converting);
    for (error, advice) in [
        (told(json!({})), "Later"),
        (told(Value::Null), "Later"),
        (read(502, "<html>".into()), "Later"),
        (read(200, r#"{"error":-216,"message":"Access token is invalid"}"#.into()), "Reauthorize"),
        (read(200, r#"{"error":-248,"message":"Violates"}"#.into()), "Never"),
    ] {
        let error = error.unwrap_err();
        assert!(format!("{:?}", error.advice).starts_with(advice), "{error:?}");
    }
}
