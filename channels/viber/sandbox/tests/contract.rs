//! The stand-in against the request shapes of the public SDKs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Router,
    routing::{get, post},
};
use jiff::Timestamp;
use loa_channel_viber_sandbox::Viber;
use loa_sandbox::{ControlClient, Fault, FaultRule, ManualClock, Options, Running, Sandbox};
use serde_json::{Value, json};

struct Bench {
    running: Running,
    dir: tempfile::TempDir,
    http: reqwest::Client,
}

impl Bench {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { running: start(dir.path()).await, dir, http: client() }
    }

    fn api(&self, path: &str) -> String {
        format!("{}/pa/{path}", self.running.addresses()["viber"]["api"].as_str().unwrap())
    }

    fn account(&self) -> Value {
        self.running.addresses()["viber"]["accounts"][0].clone()
    }

    async fn call(&self, path: &str, mut body: Value) -> Value {
        body["auth_token"] = self.account()["token"].clone();
        let answer = self.http.post(self.api(path)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    fn control(&self) -> ControlClient {
        ControlClient::new(self.running.addresses()["control"].as_str().unwrap()).unwrap()
    }

    async fn ready(&self, customer: &str) {
        assert_eq!(
            self.call("set_webhook", json!({ "url": format!("{customer}/hook") })).await["status"],
            0
        );
    }
}

async fn start(dir: &std::path::Path) -> Running {
    let clock = ManualClock::at("2026-11-22T02:00:00Z".parse::<Timestamp>().unwrap());
    let options = Options {
        dir: dir.to_owned(),
        port_base: 0,
        seed: 3,
        clock: clock.clone(),
        advance: Some(clock),
        media_fetch: true,
        accounts: loa_sandbox::SAMPLES,
    };
    Sandbox::start(vec![Box::new(Viber)], options).await.unwrap()
}

fn client() -> reqwest::Client {
    // A second test of the process finds it installed already: that is no failure.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A customer's server: answers the webhook check, serves one picture.
async fn customer() -> String {
    let jpeg = [0xff_u8, 0xd8, 0xff, 0xe0, 1, 2, 3, 0xff, 0xd9];
    let router = Router::new()
        .route("/hook", post(|| async { "" }))
        .route("/a.jpg", get(move || async move { jpeg.to_vec() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

fn picture(bench: &Bench, customer: &str, text: &str) -> Value {
    json!({ "from": bench.account()["from"], "type": "picture", "text": text, "media": format!("{customer}/a.jpg") })
}

#[tokio::test]
async fn a_picture_post_is_accepted_then_fetched() {
    let (bench, customer) = (Bench::start().await, customer().await);
    let early = bench.call("post", picture(&bench, &customer, "Tin")).await;
    assert_eq!(early["status"], 10, "no webhook yet: {early}");
    bench.ready(&customer).await;
    let answer =
        bench.call("post", picture(&bench, &customer, "Hỗ trợ xã vùng cao http://x/l/k7f3q")).await;
    assert_eq!(
        (&answer["status"], answer["message_token"].as_u64()),
        (&json!(0), Some(5_741_311_803_571_721_087))
    );
    let mut seen = bench.control().posts("viber").await.unwrap();
    for _ in 0..500 {
        if seen[0].media.len() == 1 {
            break;
        }
        seen = bench.control().posts("viber").await.unwrap();
    }
    assert_eq!(
        (seen.len(), seen[0].media[0].mime.as_str(), seen[0].media[0].bytes),
        (1, "image/jpeg", 9)
    );
    let count = bench.control().creates("viber", "k7f3q").await.unwrap();
    assert_eq!((count.creates, count.live), (1, 1));
    let page = bench.http.get(&seen[0].url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Hỗ trợ xã vùng cao"));
}

#[tokio::test]
async fn checks_come_in_the_platforms_order() {
    let (bench, customer) = (Bench::start().await, customer().await);
    bench.ready(&customer).await;
    let wrong = bench
        .http
        .post(bench.api("post"))
        .header("X-Viber-Auth-Token", "x")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.json::<Value>().await.unwrap()["status"], 2);
    let from = bench.account()["from"].clone();
    for (body, status) in [
        (json!({ "type": "text", "text": "a" }), 4),
        (json!({ "from": from, "text": "a" }), 4),
        (json!({ "from": from, "type": "picture", "media": format!("{customer}/a.jpg") }), 4),
        (
            json!({ "from": from, "type": "picture", "text": "", "media": format!("{customer}/a") }),
            3,
        ),
        (
            json!({ "from": from, "type": "picture", "text": "ẫ".repeat(769), "media": format!("{customer}/a.jpg") }),
            3,
        ),
        (json!({ "from": "nobody", "type": "text", "text": "a" }), 3),
        (json!({ "from": from, "type": "text", "text": "ộ".repeat(11_000) }), 3),
        (json!({ "from": from, "type": "text", "text": "ẫ".repeat(768) }), 0),
    ] {
        assert_eq!(bench.call("post", body.clone()).await["status"], status, "{body}");
    }
    assert_eq!(bench.call("broadcast_message", json!({})).await["status"], 20);
    let page = bench.http.post(bench.api("nothing")).send().await.unwrap();
    assert_eq!(page.status(), 404);
}

#[tokio::test]
async fn a_dropped_reply_leaves_exactly_one_post_and_a_restart_keeps_it() {
    let (mut bench, customer) = (Bench::start().await, customer().await);
    bench.ready(&customer).await;
    let rule = FaultRule::once("viber", "POST", "/pa/post", Fault::DropAfterCommit);
    bench.control().fault(&rule).await.unwrap();
    let mut body = picture(&bench, &customer, "một http://x/l/mot");
    body["auth_token"] = bench.account()["token"].clone();
    assert!(
        bench.http.post(bench.api("post")).json(&body).send().await.is_err(),
        "the socket is cut"
    );
    assert_eq!(bench.control().creates("viber", "mot").await.unwrap().live, 1);
    let token = bench.account()["token"].clone();
    bench.running.shutdown().await;
    bench.running = start(bench.dir.path()).await;
    assert_eq!(bench.account()["token"], token);
    assert_eq!(bench.control().creates("viber", "mot").await.unwrap().live, 1);
}

#[tokio::test]
async fn a_token_issued_anew_is_refused() {
    let (bench, customer) = (Bench::start().await, customer().await);
    bench.ready(&customer).await;
    let id = bench.account()["id"].as_str().unwrap().to_owned();
    bench.control().tokens("viber", &id, loa_sandbox::TokenAction::Revoke).await.unwrap();
    assert_eq!(bench.call("get_account_info", json!({})).await["status"], 2);
}
