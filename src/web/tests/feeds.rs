//! Feeds that are watched: tried before they are kept, changed, seen to, and nobody else's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use axum::{Router, http::StatusCode, routing::get};
use loa_model::{
    Actor, Clock as _, Feed, FeedFailure, FeedItem, ItemState, Job, JobKind, JobState, Role, Then,
};
use loa_store::{Changes, JobEnd, Store as _, StoreExt as _};
use serde_json::{Value, json};
use support::{World, browser::Browser};

/// A portal on loopback with one feed; its address.
async fn portal(body: &'static str) -> String {
    let app = Router::new().route("/rss", get(move || async move { body }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://127.0.0.1:{port}/rss")
}

const FEED: &str = "<rss version=\"2.0\"><channel><title>Cổng &lt;Minh Họa&gt;</title>\
    <item><title>Bão &lt;script&gt;alert(1)&lt;/script&gt; số 9</title><link>https://minhhoa.example/bao-9.htm?utm_source=rss</link><pubDate>Mon, 16 Nov 2026 09:00:00 GMT</pubDate></item>\
    <item><title>Không ngày</title><link>https://minhhoa.example/khong-ngay.htm</link></item>\
    <item><title>Xấu</title><link>javascript:alert(1)</link></item></channel></rss>";

async fn watched(world: &World) -> Vec<Feed> {
    let rows = world.store.all::<Feed>(99).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

/// Looks that are queued, now or for later.
async fn looks(world: &World) -> Vec<(u32, jiff::Timestamp)> {
    let mut found = Vec::new();
    for state in [JobState::Available, JobState::Scheduled] {
        for view in world.store.jobs(Some(state), 999).await.unwrap() {
            if let JobKind::Watch { look, .. } = view.job.work {
                found.push((look, view.job.run_at));
            }
        }
    }
    found.sort_unstable();
    found
}

async fn send(
    browser: &Browser<'_>,
    method: &str,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let answer = browser.raw(method, path, &headers, body.to_string()).await;
    let status = answer.status();
    let body = axum::body::to_bytes(answer.into_body(), 1_000_000).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A feed that is watched already.
async fn feed(world: &World, agency: &str) -> Feed {
    let feed = world.feed(agency, &format!("https://{agency}.example/rss"));
    let by = Actor::User(world.people.author.id);
    world.store.commit(Changes::by(by, "watch feed").insert(&feed)).await.unwrap();
    feed
}

#[tokio::test]
async fn a_feed_shows_what_it_holds_before_anything_is_kept() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let url = portal(FEED).await;
    let page = browser.post("/nguon/thu", &[("url", &url)]).await;
    let text = page.text();
    assert_eq!(page.status, StatusCode::OK, "{text}");
    assert!(text.contains("Bão &lt;script&gt;alert(1)&lt;&#x2f;script&gt; số 9"), "{text}");
    assert!(!text.contains("<script>alert") && !text.contains("javascript:"), "{text}");
    assert!(text.contains("https:&#x2f;&#x2f;minhhoa.example&#x2f;bao-9.htm\""), "{text}");
    assert!(
        text.contains("16:00 16&#x2f;11&#x2f;2026") && text.contains("1 bài không ghi ngày"),
        "{text}"
    );
    assert!(watched(&world).await.is_empty() && looks(&world).await.is_empty());
    let (status, told) = send(&browser, "POST", "/api/v1/feeds/try", &json!({ "url": url })).await;
    assert_eq!(
        (status, &told["total"], &told["entries"][0]["known"]),
        (StatusCode::OK, &json!(2), &json!(false)),
        "{told}"
    );
    // What cannot be read is told in words, with the address still in the form.
    for (bad, why) in [
        (portal("<html>trang</html>").await, "không phải nguồn tin"),
        (url.replace("/rss", "/khong-co"), "Cổng trả lời lỗi"),
        ("http://10.0.0.1/rss".to_owned(), "Không tải được"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "Không tải được"),
        ("file:///etc/passwd".to_owned(), "phải bắt đầu bằng"),
        ("khong phai dia chi".to_owned(), "phải bắt đầu bằng"),
    ] {
        let page = browser.post("/nguon/thu", &[("url", &bad)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(page.text().contains(why), "{bad}: {}", page.text());
        let (status, told) =
            send(&browser, "POST", "/api/v1/feeds/try", &json!({ "url": bad })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_ne!(told["detail_vi"], told["detail_en"], "{bad}");
    }
}

#[tokio::test]
async fn what_is_kept_is_looked_at_at_once_and_never_twice() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let now = world.clock.now();
    let form = [
        ("url", "https://minhhoa.example/rss?a=1&b=2"),
        ("title", " Minh Họa "),
        ("every", "15"),
        ("hours", "2"),
        ("then", "compose"),
        ("accounts", "facebook:cong-tin"),
        ("accounts", "zalo:cong-tin"),
    ];
    let answer = browser.post("/nguon", &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let feeds = watched(&world).await;
    let kept = &feeds[0];
    assert_eq!(answer.header("location"), format!("/nguon/{}", kept.id));
    assert_eq!(
        (kept.title.as_str(), kept.every_minutes, kept.by),
        ("Minh Họa", 15, world.people.author.id)
    );
    assert_eq!(kept.since, now - jiff::SignedDuration::from_hours(2));
    let accounts = ["facebook:cong-tin", "zalo:cong-tin"].map(|name| name.parse().unwrap());
    assert_eq!(kept.then, Then::Compose { accounts: accounts.to_vec() });
    assert_eq!(looks(&world).await, [(0, now)]);
    // The same feed, written in another way, and what cannot be.
    for (change, why) in [
        (("url", "http://www.minhhoa.example/rss?b=2&a=1#x"), "đã được theo dõi"),
        (("url", "ftp://minhhoa.example/rss"), "phải bắt đầu bằng"),
        (("every", "4"), "5 đến 1440"),
        (("every", "nhiều"), "Hãy điền một số"),
        (("hours", "169"), "168 giờ"),
        (("title", &"ấ".repeat(121)), "120 ký tự"),
    ] {
        let mut form = form.to_vec();
        if change.0 != "url" {
            form[0].1 = "https://khac.example/rss";
        }
        form.iter_mut().find(|(name, _)| *name == change.0).unwrap().1 = change.1;
        let answer = browser.post("/nguon", &form).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{change:?}");
        assert!(answer.text().contains(why), "{change:?}: {}", answer.text());
    }
    for body in [
        json!({ "url": "https://khac.example/rss", "accounts": ["facebook:khong-co"] }),
        json!({ "url": "https://khac.example/rss", "unknown": 1 }),
        json!({ "title": "x" }),
    ] {
        let (status, _) = send(&browser, "POST", "/api/v1/feeds", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(watched(&world).await.len(), 1);
    let body = json!({ "url": "https://khac.example/rss" });
    let (status, told) = send(&browser, "POST", "/api/v1/feeds", &body).await;
    assert_eq!(
        (status, &told["every_minutes"], &told["accounts"]),
        (StatusCode::CREATED, &json!(30), &json!([]))
    );
}

#[tokio::test]
async fn a_feed_is_changed_paused_and_let_go_and_each_time_one_look_is_planned() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let kept = feed(&world, "demo").await;
    let (api, page) = (format!("/api/v1/feeds/{}", kept.id), format!("/nguon/{}", kept.id));
    let now = world.clock.now();
    let state = async || watched(&world).await.remove(0);
    let (status, told) = send(&browser, "PATCH", &api, &json!({ "paused": true })).await;
    assert_eq!(
        (status, &told["paused"], &told["next_at"]),
        (StatusCode::OK, &json!(true), &Value::Null)
    );
    assert_eq!(looks(&world).await, []);
    let (status, told) = send(&browser, "POST", &format!("{api}/look"), &json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    assert_eq!(browser.post(&format!("{page}/chay-lai"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!((state().await.look, looks(&world).await), (1, vec![(1, now)]));
    // Said again it changes nothing.
    let (status, _) = send(&browser, "PATCH", &api, &json!({ "paused": false })).await;
    assert_eq!((status, looks(&world).await.len()), (StatusCode::OK, 1));
    let (status, _) = send(&browser, "POST", &format!("{api}/look"), &json!({})).await;
    assert_eq!((status, state().await.look), (StatusCode::ACCEPTED, 2));
    let form = [
        ("title", "Tên khác"),
        ("every", "60"),
        ("then", "compose"),
        ("accounts", "zalo:cong-tin"),
    ];
    let answer = browser.post(&page, &form).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let changed = state().await;
    assert_eq!((changed.title.as_str(), changed.every_minutes, changed.look), ("Tên khác", 60, 3));
    assert!(matches!(changed.then, Then::Compose { .. }));
    assert_eq!(looks(&world).await.last(), Some(&(3, now + jiff::SignedDuration::from_hours(1))));
    // Drafts for nobody are no choice.
    let answer = browser.post(&page, &[("then", "compose")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("ít nhất một tài khoản"), "{}", answer.text());
    assert_eq!(browser.post(&format!("{page}/xoa"), &[]).await.header("location"), "/nguon");
    assert!(watched(&world).await.is_empty());
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_feed_of_another_agency_is_not_there() {
    let world = World::new().await;
    let kept = feed(&world, "demo").await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let (api, page) = (format!("/api/v1/feeds/{}", kept.id), format!("/nguon/{}", kept.id));
    let url = json!({ "url": "https://minhhoa.example/a" });
    for (method, path, body) in [
        ("GET", api.clone(), json!({})),
        ("PATCH", api.clone(), json!({ "paused": true })),
        ("DELETE", api.clone(), json!({})),
        ("POST", format!("{api}/look"), json!({})),
        ("POST", format!("{api}/read"), url),
    ] {
        let (status, _) = send(&stranger, method, &path, &body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    for path in ["", "/tam-dung", "/chay-lai", "/xem-ngay", "/xoa"] {
        let answer = stranger.post(&format!("{page}{path}"), &[]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let list = stranger.get("/nguon").await;
    assert!(!list.text().contains("demo.example"), "{}", list.text());
    assert_eq!(watched(&world).await, [kept]);
    // Whoever only reads sees them and is offered nothing.
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let analyst = Browser::of(&world, &analyst).await;
    let seen = analyst.get(&page).await;
    assert!(
        seen.text().contains("demo.example") && !seen.text().contains("/xem-ngay"),
        "{}",
        seen.text()
    );
}

#[tokio::test]
async fn a_feed_that_fails_waits_for_people_until_it_is_read_or_paused() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let kept = feed(&world, "demo").await;
    let count = async || {
        let page = browser.get("/can-xu-ly").await;
        page.text().matches("Nguồn tin không đọc được").count()
    };
    assert_eq!(count().await, 0);
    let key = kept.id.to_string();
    let row = world.store.read::<Feed>(&key).await.unwrap().unwrap();
    let failed = FeedFailure {
        times: 3,
        code: "status".into(),
        detail: "https://demo.example/rss answered 500".into(),
        at: world.clock.now(),
    };
    let failing = Feed { failed: Some(failed), ..kept.clone() };
    let by = Actor::Worker("pipeline".into());
    world
        .store
        .commit(Changes::by(by, "look at feed").update(&failing, row.version))
        .await
        .unwrap();
    assert_eq!(count().await, 1);
    let page = browser.get(&format!("/nguon/{}", kept.id)).await;
    assert!(
        page.text().contains("Cổng trả lời lỗi") && page.text().contains("answered 500"),
        "{}",
        page.text()
    );
    let told: Value = browser.get("/api/v1/feeds").await.value();
    let failure = &told["items"][0]["failed"];
    assert_eq!((&failure["times"], &failure["code"]), (&json!(3), &json!("status")), "{told}");
    assert_ne!(failure["detail_vi"], failure["detail_en"]);
    browser.post(&format!("/nguon/{}/tam-dung", kept.id), &[]).await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn each_entry_says_what_became_of_it_and_an_old_one_is_read_when_somebody_asks() {
    let world = World::new().await;
    let browser = Browser::of(&world, &world.people.author).await;
    let kept = feed(&world, "demo").await;
    let now = world.clock.now();
    let by = || Actor::Worker("pipeline".into());
    let mut dead = None;
    for (n, (state, url)) in [
        (ItemState::Old, "https://minhhoa.example/cu.htm"),
        (ItemState::Waiting, "https://minhhoa.example/cho.htm"),
        (ItemState::Queued, world.article.source.canonical_url.as_str()),
        (ItemState::Queued, "https://minhhoa.example/hong.htm"),
    ]
    .into_iter()
    .enumerate()
    {
        let work = JobKind::Ingest { source: url.to_owned(), agency: "demo".into() };
        let job = Job::new(world.ids.make(), "demo", work, now);
        let job = (state == ItemState::Queued).then_some(job);
        let item = FeedItem {
            agency: "demo".into(),
            address: loa_ingest::address_of(url),
            url: url.to_owned(),
            feed: kept.id,
            title: format!("Bài {n}"),
            published_at: None,
            found_at: now,
            state,
            job: job.as_ref().map(|job| job.id),
        };
        let changes = Changes::by(by(), "look at feed").insert(&item);
        let changes = job.clone().into_iter().fold(changes, Changes::enqueue);
        world.store.commit(changes).await.unwrap();
        dead = job.map(|job| job.id).or(dead);
    }
    let lease = std::time::Duration::from_mins(5);
    let claimed = world.store.claim(&["ingest"], "w", 99, lease).await.unwrap();
    let claimed = claimed.iter().find(|claimed| Some(claimed.job.id) == dead).unwrap();
    world
        .store
        .finish(claimed, JobEnd::Discard { reason: "the portal answered 404".into() })
        .await
        .unwrap();
    let api = format!("/api/v1/feeds/{}", kept.id);
    let ends = async || {
        let told: Value = browser.get(&api).await.value();
        let mut states: Vec<(String, String)> = told["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                (
                    entry["title"].as_str().unwrap().to_owned(),
                    entry["state"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        states.sort();
        states.into_iter().map(|(_, state)| state).collect::<Vec<_>>()
    };
    assert_eq!(ends().await, ["old", "waiting", "read", "failed"]);
    let page = browser.get(&format!("/nguon/{}", kept.id)).await;
    assert!(page.text().contains("the portal answered 404"), "{}", page.text());
    assert!(page.text().contains(&format!("/bai-viet/{}", world.article.id)), "{}", page.text());
    let reading = async || {
        let jobs = world.store.jobs(Some(JobState::Available), 999).await.unwrap();
        jobs.iter().filter(|view| matches!(&view.job.work, JobKind::Ingest { source, .. } if source.contains("/cu.htm"))).count()
    };
    let form = [("url", "https://minhhoa.example/cu.htm?utm_source=x")];
    for _ in 0..2 {
        let answer = browser.post(&format!("/nguon/{}/doc", kept.id), &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        assert_eq!(reading().await, 1);
    }
    let (status, told) = send(
        &browser,
        "POST",
        &format!("{api}/read"),
        &json!({ "url": "https://minhhoa.example/hong.htm" }),
    )
    .await;
    assert_eq!((status, &told["state"]), (StatusCode::ACCEPTED, &json!("reading")));
    assert_eq!(ends().await, ["reading", "waiting", "read", "reading"]);
    let (status, _) = send(
        &browser,
        "POST",
        &format!("{api}/read"),
        &json!({ "url": "https://minhhoa.example/khac" }),
    )
    .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
