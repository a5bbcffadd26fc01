//! The life of one post on its own page, and an article that is taken back on every channel.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{
    Actor, Delivery, DeliveryEvent as E, DeliveryState as S, Intent, Post, PostState, Receipt,
    delivery::Effect,
};
use loa_store::{Changes, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{World, browser::Browser, records};

async fn drive(world: &World, d: &Delivery, at: &str, events: Vec<E>) {
    for event in events {
        world.clock.set(at);
        let row = world.store.read::<Delivery>(&d.id.to_string()).await.unwrap().unwrap();
        let next = row.record.apply(event, at.parse().unwrap()).unwrap();
        let changes = Changes::by(Actor::Worker("w".into()), "drive").update(&next, row.version);
        world.store.commit(changes).await.unwrap();
    }
}

fn kinds(steps: &Value) -> Vec<&str> {
    steps["steps"].as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_that_happened_is_told_in_order_with_who_and_what() {
    let world = World::new().await;
    let (author, approver) = (&world.people.author, &world.people.approver);
    let capability = &world.capabilities["facebook"];
    let id = world.posts.waiting.id;
    let first = world.posts.waiting.digest();
    world.clock.set("2026-11-16T10:00:00Z");
    world.review.return_with_reason(approver, id, "Thiếu <b>số hiệu</b>").await.unwrap();
    let mut content = world.posts.waiting.content.clone();
    content.media[0].alt = "Mô tả mới".into();
    world.clock.set("2026-11-16T10:05:00Z");
    let edited = world.review.edit(author, id, content).await.unwrap();
    world.clock.set("2026-11-16T10:06:00Z");
    world.review.submit(author, id, capability).await.unwrap();
    world.clock.set("2026-11-16T10:10:00Z");
    let window = loa_review::Window {
        not_before: "2026-11-16T10:10:00Z".parse().unwrap(),
        not_after: "2026-11-17T10:10:00Z".parse().unwrap(),
    };
    let signed = world.review.approve(approver, id, edited.digest(), window, capability).await;
    let (post, d) = signed.unwrap();
    let until = "2026-11-16T11:00:00Z".parse().unwrap();
    let intent = Intent {
        step: "post".into(),
        effect: Effect::Public,
        digest: d.digest,
        fence: 1,
        at: until,
        send_deadline: until,
    };
    let claim = || E::Claim { owner: "w".into(), fence: 1, until };
    let unclear = E::Unclear { quarantine_until: until, reason: "connection reset".into() };
    let events = vec![E::Due, claim(), E::Intend(intent), unclear];
    drive(&world, &d, "2026-11-16T10:11:00Z", events).await;
    let receipt = Receipt {
        remote_id: "1022_77".into(),
        url: "https://www.facebook.com/1022/posts/77".into(),
        raw: Value::Null,
        at: until,
    };
    drive(&world, &d, "2026-11-16T10:20:00Z", vec![E::Found(receipt)]).await;
    world.clock.set("2026-11-16T10:30:00Z");
    world.desk.retract(d.id, approver.id, "Sai đơn vị".into()).await.unwrap();
    let browser = Browser::of(&world, approver).await;
    let steps = browser.get(&format!("/api/v1/posts/{id}/timeline")).await.value();
    let expected = [
        "drafted",
        "returned",
        "edited",
        "submitted",
        "approved",
        "planned",
        "sending",
        "unclear",
        "found",
        "retracting",
    ];
    assert_eq!(kinds(&steps), expected, "{steps}");
    let step = |kind: &str| {
        steps["steps"].as_array().unwrap().iter().find(|step| step["kind"] == kind).unwrap()
    };
    assert_eq!(step("drafted")["digest"], first.to_string());
    assert_eq!(step("approved")["digest"], post.digest().to_string());
    assert_ne!(first, post.digest());
    let who = ["drafted", "returned", "edited", "approved", "sending", "retracting"];
    let by = who.map(|kind| step(kind)["who"].as_str().unwrap());
    assert_eq!(
        by,
        [&*author.name, &approver.name, &author.name, &approver.name, "", &approver.name]
    );
    assert_eq!(
        (&step("sending")["attempt"], &step("sending")["step"]),
        (&json!(1), &json!("post"))
    );
    assert_eq!(step("found")["remote_id"], "1022_77");
    assert_eq!(step("returned")["at"], "2026-11-16T10:00:00Z");
    assert_eq!(step("retracting")["reason"]["words"], "Sai đơn vị");
    let page = browser.get(&format!("/bai-dang/{id}")).await;
    for said in [
        "Thiếu &lt;b&gt;số hiệu&lt;&#x2f;b&gt;",
        "17:00 16/11/2026",
        "Tìm thấy trên kênh",
        "đăng được tới 17:10 17/11/2026",
    ] {
        let slashed = page.text().replace("&#x2f;", "/");
        assert!(slashed.contains(&said.replace("&#x2f;", "/")), "{said}: {}", page.text());
    }
}

#[tokio::test]
async fn every_state_has_its_words_in_the_timeline() {
    let world = World::new().await;
    let mut browser = Browser::of(&world, &world.people.approver).await;
    for (state, post) in world.every_state().await {
        for lang in ["vi", "en"] {
            browser.cookie = format!("loa=token-of-duyet; lang={lang}");
            let page = browser.get(&format!("/bai-dang/{}", post.id)).await;
            assert_eq!(page.status, StatusCode::OK, "{state:?}");
            assert!(!page.text().contains("timeline."), "{state:?} in {lang} misses a word");
        }
    }
    // A post that is measured, and an incident that somebody closed.
    let post = &world.posts.published;
    let all = world.incidents_about(post).await;
    world.desk.close_incident(&all[0].id, world.people.approver.id).await.unwrap();
    let steps = browser.get(&format!("/api/v1/posts/{}/timeline", post.id)).await.value();
    let kinds = kinds(&steps);
    assert_eq!(kinds.iter().filter(|kind| **kind == "measured").count(), 4, "{kinds:?}");
    assert!(kinds.contains(&"incident") && kinds.contains(&"incident_closed"), "{kinds:?}");
}

async fn put(world: &World, post: &Post) {
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    let changes = Changes::by(records::by(), "arrange").update(post, row.version);
    world.store.commit(changes).await.unwrap();
}

#[tokio::test]
async fn an_article_is_taken_back_everywhere_and_each_channel_says_what_is_left() {
    let world = World::new().await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let path = format!("/bai-viet/{}/go", world.article.id);
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let viber = world.in_state("viber:cong-tin", S::Published).await;
    let waits = world.in_state("facebook:cong-tin", S::Scheduled).await;
    let sent = world.in_state("youtube:cong-tin", S::Intent).await;
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.post(&path, &[("reason", "x")]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(author.post(&path, &[("reason", "x")]).await.status, StatusCode::FORBIDDEN);
    assert!(!author.get(&path).await.text().contains("<textarea"), "only approvers are asked");
    let blank = approver.post(&path, &[("reason", " ")]).await;
    assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.delivery_of(&live).await.state, S::Published);
    let api = format!("/api/v1/articles/{}/retract", world.article.id);
    let answer = approver.json(&api, &json!({ "reason": "" })).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said = "Sai <i>số liệu</i>";
    let answer = approver.json(&api, &json!({ "reason": said })).await;
    let told = answer.value();
    let of = |post: &Post| {
        let all = told["posts"].as_array().unwrap();
        let one = all.iter().find(|one| one["post"] == post.id.to_string()).unwrap();
        (one["result"].as_str().unwrap(), one["left"].as_str().unwrap())
    };
    assert_eq!(of(&live), ("asked", "going"), "{told}");
    assert_eq!(of(&viber), ("by_hand", "going"));
    assert_eq!(of(&waits), ("called_off", "never"));
    assert_eq!(of(&sent), ("wished", "wish"));
    assert_eq!(of(&world.posts.waiting), ("refused_in_review", "never"));
    assert_eq!(of(&world.posts.draft), ("nothing", "unsent"));
    let states = [&live, &viber, &waits].map(|post| world.delivery_of(post));
    let mut seen = Vec::new();
    for d in states {
        seen.push(d.await.state);
    }
    assert_eq!(seen, [S::Retracting, S::Retracting, S::Cancelled]);
    let refused: Post =
        world.store.read(&world.posts.waiting.id.to_string()).await.unwrap().unwrap().record;
    assert_eq!((refused.state, refused.reason.as_str()), (PostState::Void, said));
    let page = approver.get(&path).await;
    assert!(page.text().contains("Sai &lt;i&gt;số liệu") && !page.text().contains("<i>"));
    assert!(page.text().contains("Máy đang làm việc với kênh."));
    // The channel did not take it back: a person must, and the page says where.
    let mut d = world.delivery_of(&viber).await;
    d = d
        .apply(
            E::RetractDone { failure: "not offered".into() },
            loa_model::Clock::now(&*world.clock),
        )
        .unwrap();
    let row = world.store.read::<Delivery>(&d.id.to_string()).await.unwrap().unwrap();
    let changes = Changes::by(records::by(), "fail").update(&d, row.version);
    world.store.commit(changes).await.unwrap();
    let page = approver.get(&path).await;
    assert!(page.text().contains("mở kênh và gỡ bằng tay"), "{}", page.text());
    assert!(page.text().contains("1022_9001"));
    // By the form the same, and back to the list.
    let mut more = world.posts.returned.clone();
    more.state = PostState::InReview;
    put(&world, &more).await;
    let answer = approver.post(&path, &[("reason", said)]).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, format!("{path}?xong=1").as_str())
    );
    let after = approver.get(answer.header("location")).await;
    for said in ["role=\"status\"", "Đã yêu cầu gỡ:", "đang gỡ"] {
        assert!(after.text().contains(said), "{said}: {}", after.text());
    }
    assert!(!after.text().contains("lần gỡ hoặc sửa trước không thành"), "it was never tried");
    assert!(approver.get(&format!("/bai-viet/{}", world.article.id)).await.text().contains(&path));
}
