//! What the buttons of the pages do, as operations: the same outcome, JSON, and a problem in two languages where it is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_delivery::Incident;
use loa_model::{DeliveryState as S, Job, JobKind, JobState, Post, PostState, When};
use loa_store::{Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
};

async fn stored(world: &World, post: &Post) -> Post {
    world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap().record
}

async fn act(browser: &Browser<'_>, post: &Post, what: &str, body: &Value) -> Answer {
    browser.json(&format!("/api/v1/posts/{}/{what}", post.id), body).await
}

async fn queued(world: &World, id: &Value) -> Job {
    world.store.read::<Job>(id.as_str().unwrap()).await.unwrap().unwrap().record
}

/// Refused, in both languages.
fn refused(answer: &Answer, status: StatusCode) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.value();
    assert_ne!(problem["detail_vi"], problem["detail_en"], "{problem}");
}

#[tokio::test]
async fn articles_are_read_and_posts_composed_as_the_pages_do() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let add = json!({ "source": " https://minhhoa.example/moi.htm ", "priority": "urgent" });
    let answer = author.json("/api/v1/articles", &add).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let job = queued(&world, &answer.value()["job"]).await;
    let wanted =
        JobKind::Ingest { source: "https://minhhoa.example/moi.htm".into(), agency: "demo".into() };
    assert_eq!((job.work, job.priority.name()), (wanted, "urgent"));
    for wrong in
        [json!({ "source": "file:///etc/passwd" }), json!({ "source": "https://a.vn", "x": 1 })]
    {
        refused(&author.json("/api/v1/articles", &wrong).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let body = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../a.md\"\r\n\r\n# Tiêu đề\r\n--x--\r\n";
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "multipart/form-data; boundary=x")];
    let file = author.raw("POST", "/api/v1/articles/file", &headers, body.to_owned()).await;
    assert_eq!(file.status(), StatusCode::ACCEPTED);

    let compose = |articles: Value, accounts: Value, at: Value| {
        let author = &author;
        async move {
            let ask = json!({ "articles": articles, "accounts": accounts, "at": at });
            author.json("/api/v1/posts", &ask).await
        }
    };
    let (id, account) = (json!([world.article.id]), json!(["facebook:cong-tin"]));
    let answer = compose(id.clone(), account.clone(), json!("2026-11-20T00:30:00Z")).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let job = queued(&world, &answer.value()["jobs"][0]).await;
    let JobKind::Compose { article, author: by, when, .. } = job.work else { panic!("{job:?}") };
    let at = When::At {
        at: "2026-11-20T00:30:00Z".parse().unwrap(),
        wall: "2026-11-20T07:30:00".parse().unwrap(),
    };
    assert_eq!((article, by, when), (world.article.id, world.people.author.id, at));
    let slot = compose(id.clone(), account.clone(), json!("next_slot")).await.value();
    let JobKind::Compose { when, .. } = queued(&world, &slot["jobs"][0]).await.work else {
        panic!()
    };
    assert_eq!(when, When::NextSlot);
    for (articles, accounts, at, status) in [
        (json!([]), account.clone(), json!(null), StatusCode::UNPROCESSABLE_ENTITY),
        (id.clone(), json!([]), json!(null), StatusCode::UNPROCESSABLE_ENTITY),
        (id.clone(), json!(["facebook:la"]), json!(null), StatusCode::UNPROCESSABLE_ENTITY),
        (id.clone(), account.clone(), json!("mai"), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(["x"]), account.clone(), json!(null), StatusCode::NOT_FOUND),
    ] {
        refused(&compose(articles, accounts, at).await, status);
    }
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let ask = json!({ "articles": id, "accounts": account });
    refused(&stranger.json("/api/v1/posts", &ask).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_draft_is_handed_in_once_the_channel_would_take_it() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let answer = act(&author, &world.posts.draft, "submit", &json!({})).await;
    assert_eq!((answer.status, &answer.value()["state"]), (StatusCode::OK, &json!("in_review")));
    assert_eq!(stored(&world, &world.posts.draft).await.state, PostState::InReview);
    refused(&act(&author, &world.posts.draft, "submit", &json!({})).await, StatusCode::CONFLICT);
    refused(&act(&author, &world.posts.broken, "submit", &json!({})).await, StatusCode::CONFLICT);
}

#[tokio::test]
async fn every_decision_of_the_page_is_one_of_the_interface() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let decide = |post: Post, act_: &str, more: Value| {
        let (approver, world) = (&approver, &world);
        let mut ask = json!({ "act": act_ });
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        async move {
            if ask.get("delivery").is_none() {
                ask["delivery"] = json!(world.delivery_of(&post).await.id);
            }
            act(approver, &post, "decide", &ask).await
        }
    };
    let why = || json!({ "reason": "vì bão" });
    let mut became = Vec::new();
    for (from, act, more) in [
        (S::Scheduled, "hold", why()),
        (S::Held, "release", json!({})),
        (S::Scheduled, "cancel", why()),
        (S::Published, "retract", why()),
        (S::Rejected, "retry", json!({})),
        (S::Dead, "set_aside", why()),
    ] {
        let post = world.in_state("facebook:cong-tin", from).await;
        let answer = decide(post.clone(), act, more).await;
        assert_eq!(answer.status, StatusCode::OK, "{act}: {}", answer.text());
        let now = world.delivery_of(&post).await.state;
        assert_eq!(answer.value()["state"], now.name(), "{act}");
        became.push((act, now));
    }
    let expected = [
        ("hold", S::Held),
        ("release", S::Ready),
        ("cancel", S::Cancelled),
        ("retract", S::Retracting),
        ("retry", S::Scheduled),
        ("set_aside", S::Dead),
    ];
    assert_eq!(became, expected);
    let unclear = world.in_state("viber:cong-tin", S::Uncertain).await;
    let live = json!({ "url": "https://viber.example/1", "reason": "đã mở kênh" });
    let answer = decide(unclear.clone(), "confirm_live", live).await;
    assert_eq!((answer.status, &answer.value()["state"]), (StatusCode::OK, &json!("published")));
    // What does not fit is told in both languages.
    refused(&decide(unclear.clone(), "hold", why()).await, StatusCode::CONFLICT);
    let post = world.in_state("facebook:cong-tin", S::Scheduled).await;
    let empty = decide(post.clone(), "hold", json!({ "reason": " " })).await;
    refused(&empty, StatusCode::UNPROCESSABLE_ENTITY);
    let other = json!({ "delivery": world.delivery_of(&unclear).await.id, "reason": "x" });
    refused(&decide(post.clone(), "hold", other).await, StatusCode::NOT_FOUND);
    for wrong in
        [json!({ "act": "hold" }), json!({ "act": "approve_again" }), json!({ "act": "x" })]
    {
        let answer = act(&approver, &post, "decide", &wrong).await;
        refused(&answer, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Who signs may retract; a writer may not.
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let ask = json!({
        "act": "retract", "delivery": world.delivery_of(&live).await.id, "reason": "sai",
    });
    refused(&act(&author, &live, "decide", &ask).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_missed_post_is_signed_anew_by_its_digest() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = world.in_state("facebook:cong-tin", S::Missed).await;
    let other = json!({ "act": "approve_again", "digest": "0".repeat(64) });
    refused(&act(&approver, &post, "decide", &other).await, StatusCode::CONFLICT);
    let ask = json!({ "act": "approve_again", "digest": post.digest() });
    let answer = act(&approver, &post, "decide", &ask).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(world.delivery_of(&post).await.state, S::Scheduled);
}

#[tokio::test]
async fn what_waits_is_listed_and_dealt_with() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    world.incidents_about(&world.posts.published).await;
    let told = author.get("/api/v1/attention").await.value();
    assert_eq!(told["groups"][0]["state"], "uncertain");
    let incidents = told["open"].as_array().unwrap().clone();
    let id = incidents[0]["id"].as_str().unwrap();
    let close = format!("/api/v1/incidents/{id}/close");
    refused(&stranger.json(&close, &json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(author.json(&close, &json!({})).await.status, StatusCode::OK);
    let kept = world.store.read::<Incident>(id).await.unwrap().unwrap().record;
    assert!(kept.closed.is_some_and(|(by, _)| by == Some(world.people.author.id)));
    let left = author.get("/api/v1/attention").await.value()["open"].as_array().unwrap().len();
    assert_eq!(left + 1, incidents.len());
    // Jobs: one was given up, one runs.
    let dead = told["dead"][0]["id"].as_str().unwrap().to_owned();
    let jobs = author.get("/api/v1/jobs").await.value();
    assert!(jobs["items"].as_array().unwrap().iter().any(|job| job["id"] == json!(dead)));
    let job = |id: &str, what: &str| format!("/api/v1/jobs/{id}/{what}");
    for what in ["cancel", "retry"] {
        refused(&stranger.json(&job(&dead, what), &json!({})).await, StatusCode::NOT_FOUND);
        refused(&author.json(&job("x", what), &json!({})).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(author.json(&job(&dead, "retry"), &json!({})).await.status, StatusCode::OK);
    let all = world.store.jobs(Some(JobState::Discarded), 99).await.unwrap();
    assert!(all.iter().all(|view| view.job.id.to_string() != dead));
    refused(&author.json(&job(&dead, "retry"), &json!({})).await, StatusCode::CONFLICT);
    let running = world.job.to_string();
    let answer = author.json(&job(&running, "cancel"), &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let stream = stranger.raw("GET", &job(&running, "progress"), &[], String::new()).await;
    assert_eq!(stream.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_paused_is_listed_and_resumed() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let list = approver.get("/api/v1/switches").await.value();
    let names: Vec<_> =
        list["accounts"].as_array().unwrap().iter().map(|a| &a["account"]["name"]).collect();
    assert_eq!(names.len(), 4, "{list}");
    let ask = json!({ "scope": "facebook:cong-tin", "reason": "thay ảnh bìa" });
    let told = approver.json("/api/v1/switches/pause", &ask).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let account = |told: &Value| {
        let accounts = told["accounts"].as_array().unwrap().clone();
        let account = |row: Value| row["account"].clone();
        accounts.into_iter().map(account).find(|a| a["name"] == "facebook:cong-tin").unwrap()
    };
    assert_eq!(account(&told.value())["status"], "paused");
    let resume = json!({ "scope": "facebook:cong-tin" });
    let told = approver.json("/api/v1/switches/resume", &resume).await;
    assert_eq!(account(&told.value())["status"], "active", "{}", told.text());
    let none = json!({ "scope": "facebook:cong-tin", "reason": " " });
    let empty = approver.json("/api/v1/switches/pause", &none).await;
    refused(&empty, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = json!({ "scope": "channel/la", "reason": "x" });
    let answer = approver.json("/api/v1/switches/pause", &unknown).await;
    assert!(answer.status.is_client_error(), "{}", answer.text());
    let author = Browser::of(&world, &world.people.author).await;
    refused(&author.json("/api/v1/switches/pause", &ask).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_signed_correction_is_sent_once_the_live_post_can_take_it() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let text = format!("Bản mới {}", live.content.link.url);
    let words = json!({ "text": text, "reason": "sai tên xã" });
    let mut drafts = Vec::new();
    for _ in 0..2 {
        let made = act(&author, &live, "correct", &words).await.value();
        let id = made["id"].as_str().unwrap().to_owned();
        author.json(&format!("/api/v1/posts/{id}/submit"), &json!({})).await;
        drafts.push((id, json!({ "digest": made["digest"] })));
    }
    for (id, ask) in &drafts {
        approver.json(&format!("/api/v1/posts/{id}/approve"), ask).await;
    }
    let drafts: Vec<String> = drafts.into_iter().map(|(id, _)| id).collect();
    // The first is on its way, the second has to wait.
    let send = |id: &str| format!("/api/v1/posts/{id}/send-correction");
    refused(&approver.json(&send(&drafts[1]), &json!({})).await, StatusCode::CONFLICT);
    let own = approver.json(&send(&live.id.to_string()), &json!({})).await;
    refused(&own, StatusCode::NOT_FOUND);
    refused(&author.json(&send(&drafts[1]), &json!({})).await, StatusCode::FORBIDDEN);
}
