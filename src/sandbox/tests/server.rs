//! A toy platform on the shared part: faults, state over restarts, control API.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{path::Path, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use loa_model::Clock;
use loa_sandbox::{
    Committed, ControlClient, Create, Error, Fault, FaultRule, Ground, Incoming, ListingLag,
    ManualClock, Options, Platform, PostMedia, PostStatus, Refusal, Result, Running, Sandbox,
    StandIn, StoredPost, TokenAction, Webhook,
};
use serde_json::{Value, json};

struct Toy;

struct Board(Ground);

impl Platform for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }
    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>> {
        Ok(Arc::new(Board(ground)))
    }
}

impl StandIn for Board {
    fn router(&self) -> Router {
        Router::new()
            .route("/posts", post(create).get(list))
            .route("/fetch", post(fetch))
            .route("/refused", post(|| async { StatusCode::BAD_REQUEST }))
            .route("/hook", post(|incoming: Incoming| async move { incoming.body }))
            .route("/", get(|| async { "trang" }))
            .with_state(self.0.clone())
    }
    fn addresses(&self) -> Value {
        json!({ "api": self.0.base })
    }
    fn posts(&self) -> Vec<StoredPost> {
        self.0.book.read(|page| page.list("post")).into_iter().map(|(_, post)| post).collect()
    }
    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Throttle { wait_ms } => {
                (StatusCode::TOO_MANY_REQUESTS, wait_ms.to_string()).into_response()
            }
            Refusal::ExpiredToken => StatusCode::UNAUTHORIZED.into_response(),
        }
    }
    fn tokens(&self, whose: &str, _: TokenAction) -> Result<usize> {
        Ok(usize::from(whose == "an"))
    }
    fn webhook(&self, order: &Value) -> Option<Webhook> {
        Some(Webhook { headers: vec![], body: order.to_string() })
    }
}

async fn create(State(ground): State<Ground>, incoming: Incoming) -> Response {
    let text = incoming.field("text").unwrap_or_default().to_owned();
    let mut media = Vec::new();
    for file in &incoming.files {
        let kept = ground.media.put(&file.bytes).await.unwrap();
        let role = file.part.clone();
        media.push(PostMedia { role, sha256: kept.sha256, bytes: kept.bytes, mime: kept.mime });
    }
    let at = ground.clock.now();
    let id = ground
        .book
        .change(|page| {
            let id = page.next("post").to_string();
            let stored = StoredPost {
                id: id.clone(),
                account: "an".to_owned(),
                kind: "text".to_owned(),
                text: text.clone(),
                link: None,
                extra: vec![],
                media,
                created_at: at,
                state: PostStatus::Visible,
                url: ground.base.clone(),
            };
            page.put("post", &id, &stored);
            let account = "an".to_owned();
            page.count_create(&Create { at, post: id.clone(), account, text });
            Ok::<_, Error>(id)
        })
        .unwrap();
    Committed::mark(Json(json!({ "id": id })))
}

async fn list(
    State(ground): State<Ground>,
    lag: Option<axum::Extension<ListingLag>>,
) -> Json<Value> {
    let behind = lag.map_or(Duration::ZERO, |lag| lag.0.0);
    let until = ground.clock.now().checked_sub(behind).unwrap();
    let posts: Vec<(String, StoredPost)> = ground.book.read(|page| page.list("post"));
    let shown: Vec<_> = posts.into_iter().filter(|(_, post)| post.created_at <= until).collect();
    Json(json!(shown.len()))
}

async fn fetch(State(ground): State<Ground>, incoming: Incoming) -> Response {
    let url = incoming.field("url").unwrap().to_owned();
    match ground.fetcher.get(&url, 1_000).await {
        Ok(fetched) => (StatusCode::OK, fetched.mime).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

struct World {
    running: Running,
    clock: Arc<ManualClock>,
    base: String,
    control: ControlClient,
    http: reqwest::Client,
}

async fn start(dir: &Path) -> World {
    let clock = ManualClock::at("2026-11-22T01:00:00Z".parse::<Timestamp>().unwrap());
    let running = Sandbox::start(
        vec![Box::new(Toy)],
        Options {
            dir: dir.to_owned(),
            port_base: 0,
            seed: 7,
            clock: clock.clone(),
            advance: Some(clock.clone()),
            media_fetch: true,
            accounts: loa_sandbox::SAMPLES,
        },
    )
    .await
    .unwrap();
    let base = running.addresses()["toy"]["api"].as_str().unwrap().to_owned();
    let control = ControlClient::new(running.control()).unwrap();
    // Only the first test of the process installs it; the others find it there.
    rustls::crypto::ring::default_provider().install_default().ok();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    World { running, clock, base, control, http }
}

impl World {
    async fn send(&self, text: &str) -> reqwest::Result<reqwest::Response> {
        self.http.post(format!("{}/posts", self.base)).form(&[("text", text)]).send().await
    }

    async fn fault(&self, path: &str, fault: Fault) {
        self.control.fault(&FaultRule::once("toy", "POST", path, fault)).await.unwrap();
    }
}

#[tokio::test]
async fn commit_then_drop_leaves_one_post_and_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    world.fault("/*", Fault::DropAfterCommit).await;
    let refused = world.http.post(format!("{}/refused", world.base)).send().await.unwrap();
    assert_eq!(refused.status(), 400, "nothing was stored, so the fault waits");
    let error = world.send("Tin mới /l/mã1").await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
    let count = world.control.creates("toy", "/l/mã1").await.unwrap();
    assert_eq!((count.creates, count.live), (1, 1));
    assert_eq!(world.send("Tin khác").await.unwrap().status(), 200, "played once");
    let seen = world.control.requests("toy").await.unwrap();
    let cut = seen.iter().find(|seen| seen.status.is_none()).unwrap();
    assert_eq!(cut.fault.as_deref(), Some("drop_after_commit"));
    world.running.shutdown().await;
}

#[tokio::test]
async fn what_was_read_is_done_to_the_end_though_the_caller_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    world.fault("/posts", Fault::Slow { real_ms: 0, virtual_ms: 1_000 }).await;
    let request = world.send("Người gọi đã đi /l/mã2");
    tokio::select! {
        answer = request => panic!("answered while the clock stood still: {answer:?}"),
        () = async { while world.clock.sleepers() == 0 { tokio::task::yield_now().await } } => {}
    }
    // The connection is closed: a new request on another one shows that the server has seen it.
    world.http.get(format!("{}/", world.base)).send().await.unwrap();
    world.control.advance(Duration::from_secs(1)).await.unwrap();
    let count = async || world.control.creates("toy", "/l/mã2").await.unwrap().creates;
    for _ in 0..200 {
        if count().await == 1 {
            return;
        }
    }
    panic!("the platform forgot what it had read");
}

#[tokio::test]
async fn the_menu_does_what_it_says() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let check = async |fault: Fault, status: Option<u16>, live: u64| {
        let text = format!("bài {}", fault.name());
        world.fault("/posts", fault).await;
        let answer = world.send(&text).await.ok().map(|answer| answer.status().as_u16());
        assert_eq!(answer, status, "{text}");
        assert_eq!(world.control.creates("toy", &text).await.unwrap().live, live, "{text}");
    };
    check(Fault::DropBeforeCommit, None, 0).await;
    check(Fault::ErrorAfterCommit { status: 502, body: None }, Some(502), 1).await;
    check(Fault::ErrorBeforeCommit { status: 503, body: None }, Some(503), 0).await;
    check(Fault::Slow { real_ms: 1, virtual_ms: 0 }, Some(200), 1).await;
    check(Fault::Throttle { wait_ms: 60_000 }, Some(429), 0).await;
    check(Fault::ExpiredToken, Some(401), 0).await;
    assert!(world.control.faults().await.unwrap().iter().all(|rule| rule.fired == 1));
    world.control.clear_faults().await.unwrap();
    assert!(world.control.faults().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_can_look_into_the_body() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let rule = FaultRule::once("toy", "POST", "/posts", Fault::ExpiredToken).containing("phase=2");
    world.control.fault(&rule).await.unwrap();
    let send = async |phase: &str| {
        let form = [("phase", phase), ("text", "Ổn")];
        let sent = world.http.post(format!("{}/posts", world.base)).form(&form).send();
        sent.await.unwrap().status().as_u16()
    };
    assert_eq!((send("1").await, send("2").await, send("2").await), (200, 401, 200));
}

#[tokio::test]
async fn state_survives_a_restart_and_lists_can_lag() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    world.send("Quyết định số 12").await.unwrap();
    world.running.shutdown().await;
    let world = start(dir.path()).await;
    let posts = world.control.posts("toy").await.unwrap();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].text, "Quyết định số 12");
    let lag = FaultRule::once("toy", "GET", "/posts", Fault::ListingLag { ms: 5_000 }).times(2);
    world.control.fault(&lag).await.unwrap();
    let list = async || {
        let answer = world.http.get(format!("{}/posts", world.base)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert_eq!(list().await, "0");
    world.control.advance(Duration::from_secs(5)).await.unwrap();
    assert_eq!(world.clock.now(), world.control.now().await.unwrap());
    assert_eq!(list().await, "1");
}

#[tokio::test]
async fn media_are_kept_as_received_and_fetches_counted() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let png = b"\x89PNG\r\n\x1a\n\x00\xff\xfe".to_vec();
    let part = reqwest::multipart::Part::bytes(png.clone()).file_name("ảnh.png");
    let form = reqwest::multipart::Form::new().text("text", "Có ảnh").part("photo", part);
    world.http.post(format!("{}/posts", world.base)).multipart(form).send().await.unwrap();
    let posts = world.control.posts("toy").await.unwrap();
    let media = &posts[0].media[0];
    assert_eq!((media.bytes, media.mime.as_str()), (png.len() as u64, "image/png"));
    let address = format!("{}/_media/{}", world.base, media.sha256);
    let part = world.http.get(&address).header("range", "bytes=1-3").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.bytes().await.unwrap().as_ref()), (206, &b"PNG"[..]));
    let fetch = world.http.post(format!("{}/fetch", world.base)).form(&[("url", &address)]);
    assert_eq!(fetch.send().await.unwrap().text().await.unwrap(), "image/png");
    let fetches = world.control.fetches("toy").await.unwrap();
    assert_eq!((fetches.len(), fetches[0].sha256.as_ref()), (1, Some(&media.sha256)));
}

#[tokio::test]
async fn webhooks_can_come_twice_and_secrets_stay_out_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    world.fault("*", Fault::DuplicateWebhook { copies: 2 }).await;
    let hook = format!("{}/hook?access_token=bí-mật", world.base);
    assert_eq!(world.control.webhook("toy", &hook, json!({ "sự kiện": 1 })).await.unwrap(), 2);
    let seen = world.control.requests("toy").await.unwrap();
    assert_eq!(seen.len(), 2);
    assert!(!format!("{seen:?}").contains("bí-mật"));
    assert!(world.control.tokens("toy", "không ai", TokenAction::Expire).await.is_err());
    assert_eq!(world.control.tokens("toy", "an", TokenAction::Revoke).await.unwrap(), 1);
}
