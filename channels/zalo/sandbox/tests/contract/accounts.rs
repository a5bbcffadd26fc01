//! Tokens, limits, broadcasts, webhooks.

use loa_sandbox::{Fault, FaultRule, TokenAction};
use serde_json::{Value, json};

use crate::support::{World, answer, start, start_at};

async fn token_call(world: &World, form: &[(&str, &str)]) -> Value {
    let app = &world.running.addresses()["zalo"]["app"];
    let mut form = form.to_vec();
    form.push(("app_id", app["id"].as_str().unwrap()));
    let request = world
        .http
        .post(format!("{}/access_token", world.oauth))
        .header("secret_key", app["secret"].as_str().unwrap())
        .form(&form);
    answer(request).await
}

async fn refresh(world: &World, token: &str) -> Value {
    token_call(world, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn health(world: &World, token: &str) -> i64 {
    let request =
        world.http.get(format!("{}/v2.0/oa/getoa", world.base)).header("access_token", token);
    answer(request).await["error"].as_i64().unwrap()
}

#[tokio::test]
async fn access_lives_25_hours_and_a_refresh_token_is_good_once() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    assert_eq!(health(&world, "không có").await, -216);
    assert_eq!(health(&world, &world.access).await, 0);
    world.wait(25 * 3_600);
    assert_eq!(health(&world, &world.access).await, -220);
    let pair = refresh(&world, &world.refresh).await;
    assert_eq!(pair["expires_in"], "90000");
    assert_eq!(health(&world, pair["access_token"].as_str().unwrap()).await, 0);
    let again = refresh(&world, &world.refresh).await;
    assert_eq!((&again["error"], again.get("access_token")), (&json!(-14014), None));
    let next = refresh(&world, pair["refresh_token"].as_str().unwrap()).await;
    assert!(next["refresh_token"].is_string(), "{next}");
    assert_eq!(
        health(&world, pair["access_token"].as_str().unwrap()).await,
        0,
        "the old one lives on"
    );
    let log = world.control.requests("zalo").await.unwrap();
    let log = format!("{log:?}");
    assert!(!log.contains(&world.refresh) && !log.contains(&world.access));
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_loses_the_pair() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let rule = FaultRule::once("zalo", "POST", "*/access_token", Fault::DropAfterCommit);
    world.control.fault(&rule).await.unwrap();
    let app = &world.running.addresses()["zalo"]["app"];
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", world.refresh.as_str()),
        ("app_id", app["id"].as_str().unwrap()),
    ];
    let request = world.http.post(format!("{}/access_token", world.oauth));
    let request = request.header("secret_key", app["secret"].as_str().unwrap()).form(&form);
    assert!(request.send().await.is_err());
    assert_eq!(refresh(&world, &world.refresh).await["error"], -14014);
    assert_eq!(health(&world, &world.access).await, 0, "the old access token still works");
}

#[tokio::test]
async fn the_consent_page_gives_a_code_for_the_right_verifier() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let app = world.running.addresses()["zalo"]["app"]["id"].as_str().unwrap();
    // The pair of RFC 7636, appendix B.
    let (verifier, challenge) = (
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    let url = format!(
        "{}/permission?app_id={app}&redirect_uri=http://127.0.0.1:1/cb&code_challenge={challenge}&state=s1",
        world.oauth
    );
    let page = world.http.get(url).send().await.unwrap().text().await.unwrap();
    let code = page.split("code=").nth(1).unwrap().split("&amp;").next().unwrap().to_owned();
    let exchange = async |verifier: &str| {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", verifier),
        ];
        token_call(&world, &form).await
    };
    assert!(exchange("sai").await["error"].is_i64());
    assert!(exchange(verifier).await["access_token"].is_string());
    assert!(exchange(verifier).await["error"].is_i64(), "single use");
}

#[tokio::test]
async fn throttled_expired_and_revoked_in_the_platform_s_words() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let rule = FaultRule::once("zalo", "GET", "*/getoa", Fault::Throttle { wait_ms: 0 });
    world.control.fault(&rule).await.unwrap();
    let throttled = world.get("/v2.0/oa/getoa").send().await.unwrap();
    assert_eq!(
        (throttled.status().as_u16(), &throttled.headers()["x-ratelimit-remain"]),
        (200, &"0".parse().unwrap())
    );
    assert_eq!(throttled.json::<Value>().await.unwrap()["error"], -32);
    let fine = world.get("/v2.0/oa/getoa").send().await.unwrap();
    assert_eq!(fine.headers()["x-ratelimit-limit"], "4000");
    let body: Value = fine.json().await.unwrap();
    assert_eq!(
        (&body["data"]["oa_type"], body["data"]["num_follower"].as_u64().unwrap() >= 31_400),
        (&json!(4), true)
    );
    world.control.tokens("zalo", &world.oa, TokenAction::Expire).await.unwrap();
    assert_eq!(health(&world, &world.access).await, -220);
    let pair = refresh(&world, &world.refresh).await;
    assert!(pair["access_token"].is_string(), "expiry leaves the refresh token");
    world.control.tokens("zalo", &world.oa, TokenAction::Revoke).await.unwrap();
    assert_eq!(health(&world, pair["access_token"].as_str().unwrap()).await, -216);
    assert_eq!(refresh(&world, pair["refresh_token"].as_str().unwrap()).await["error"], -14014);
}

#[tokio::test]
async fn a_broadcast_goes_by_day_to_verified_accounts_few_times_a_month() {
    let dir = tempfile::tempdir().unwrap();
    let world =
        start_at(dir.path(), "2026-11-22T14:59:00Z", loa_channel_zalo_sandbox::Zalo::default())
            .await;
    let id = world.publish("Bản tin tối", "show").await;
    let order = json!({
        "recipient": { "target": { "gender": "0", "cities": "9,4" } },
        "message": { "attachment": { "type": "template", "payload": { "template_type": "media",
            "elements": [{ "media_type": "article", "attachment_id": id }] } } },
    });
    let send = async || world.call("/v2.0/oa/message", &order).await;
    assert!(send().await["data"]["message_id"].is_string());
    world.wait(60);
    assert_eq!(send().await["error"], -234, "22:00 in Việt Nam");
    world.wait(8 * 3_600);
    for _ in 0..3 {
        assert_eq!(send().await["error"], 0);
    }
    assert_eq!(send().await["error"], -211);
    let quota = json!({ "user_id": "1", "type": "promotion" });
    assert_eq!(world.call("/v2.0/oa/quota/message", &quota).await["data"]["remain"], 0);
    let other = world.running.addresses()["zalo"]["accounts"][1]["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let request =
        world.http.post(format!("{}/v2.0/oa/message", world.base)).header("access_token", other);
    assert_eq!(answer(request.json(&order)).await["error"], -221);
}

#[tokio::test]
async fn followers_come_by_pages_and_a_wrong_proof_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let list = async |data: Value| {
        answer(world.get("/v3.0/oa/user/getlist").query(&[("data", data.to_string())])).await
    };
    let body = list(json!({ "offset": 10, "count": 50, "is_follower": "true" })).await;
    assert_eq!(body["data"]["users"].as_array().unwrap().len(), 50);
    assert!(body["data"]["users"][0]["user_id"].is_string());
    assert_eq!(list(json!({ "offset": 0, "count": 51 })).await["error"], -210);
    let wrong = world.get("/v2.0/oa/getoa").header("appsecret_proof", "00");
    assert_eq!(answer(wrong).await["error"], -242);
}

#[tokio::test]
async fn a_webhook_carries_the_mac() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (send, mut got) = tokio::sync::mpsc::channel(4);
    let hook = axum::Router::new().route(
        "/hook",
        axum::routing::post(async move |headers: axum::http::HeaderMap, body: String| {
            let mac = headers["x-zevent-signature"].to_str().unwrap().to_owned();
            send.send((mac, body)).await.unwrap();
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, hook).await });
    world.control.webhook("zalo", &url, json!({ "event_name": "follow" })).await.unwrap();
    let (mac, body) = got.recv().await.unwrap();
    let event: Value = serde_json::from_str(&body).unwrap();
    let entry = &world.running.addresses()["zalo"];
    let text = [
        entry["app"]["id"].as_str().unwrap(),
        &body,
        event["timestamp"].as_str().unwrap(),
        entry["oa_secret_key"].as_str().unwrap(),
    ]
    .concat();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
    assert_eq!(mac, format!("mac={}", hex::encode(digest)));
    server.abort();
}
