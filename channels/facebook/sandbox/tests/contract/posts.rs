//! Posts, photos, tokens, lists.

use crate::support::{answer, png, start, start_at};
use loa_channel_facebook_sandbox::Facebook;
use loa_sandbox::{Fault, FaultRule, PostStatus, TokenAction};
use serde_json::{Value, json};

const TEXT: &str = "Từ ngày 01/12/2026, thủ tục đất đai được rút ngắn: https://loa.vd/l/k7m2";

#[tokio::test]
async fn a_photo_post_in_one_call_is_stored_as_received() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let part =
        reqwest::multipart::Part::bytes(png()).file_name("a.png").mime_str("image/png").unwrap();
    let form = reqwest::multipart::Form::new()
        .text("caption", TEXT)
        .text("alt_text_custom", "Đồ họa: ba bước mới")
        .part("bất kỳ", part);
    let (status, body) = answer(world.page_post("photos").multipart(form)).await;
    assert_eq!(status, 200, "{body}");
    let post_id = body["post_id"].as_str().unwrap();
    assert!(post_id.starts_with(&world.page));
    let stored = world.control.posts("facebook").await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((stored[0].text.as_str(), stored[0].media[0].bytes), (TEXT, 508));
    assert_eq!(stored[0].state, PostStatus::Visible);
    let page = world.http.get(&stored[0].url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("thủ tục đất đai") && page.contains("alt=\"Đồ họa: ba bước mới\""));
}

#[tokio::test]
async fn two_phases_hidden_then_published_with_every_spelling_of_attached_media() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    for spelling in ["list", "indexed", "nested", "json"] {
        let (one, two) = (world.photo("một").await, world.photo("hai").await);
        let ids = json!([{ "media_fbid": one }, { "media_fbid": two }]);
        let request = world.page_post("feed?published=false");
        let request = match spelling {
            "list" => request.form(&[("message", TEXT), ("attached_media", &ids.to_string())]),
            "indexed" => request.form(&[
                ("message", TEXT),
                ("attached_media[0]", &ids[0].to_string()),
                ("attached_media[1]", &ids[1].to_string()),
            ]),
            "nested" => request.form(&[
                ("message", TEXT),
                ("attached_media[0][media_fbid]", &one),
                ("attached_media[1][media_fbid]", &two),
            ]),
            _ => request.json(&json!({ "message": TEXT, "attached_media": ids })),
        };
        let request = request.query(&[("fields", "id,permalink_url,created_time,is_published")]);
        let (status, body) = answer(request).await;
        assert_eq!((status, &body["is_published"]), (200, &json!(false)), "{spelling}: {body}");
        assert_eq!(body["created_time"], "2026-11-22T01:00:00+0000");
        let id = body["id"].as_str().unwrap();
        assert_eq!(
            world.http.get(body["permalink_url"].as_str().unwrap()).send().await.unwrap().status(),
            404
        );
        let (status, body) = answer(world.post(id).form(&[("is_published", "true")])).await;
        assert_eq!((status, body), (200, json!({ "success": true })), "{spelling}");
        let fields = "is_published,attachments{media_type,subattachments{target}}";
        let (_, body) = answer(world.get(id).query(&[("fields", fields)])).await;
        assert_eq!(body["is_published"], true);
        let album = &body["attachments"]["data"][0];
        assert_eq!(album["media_type"], "album");
        assert_eq!(album["subattachments"]["data"][1]["target"]["id"].as_str(), Some(two.as_str()));
        // A photo is in one post only.
        let again = [("attached_media", ids.to_string())];
        assert_eq!(answer(world.page_post("feed").form(&again)).await.1["error"]["code"], 100);
    }
    let count = world.control.creates("facebook", "/l/k7m2").await.unwrap();
    assert_eq!((count.creates, count.live), (4, 4));
}

#[tokio::test]
async fn commit_then_drop_leaves_one_post_to_be_found_by_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let rule = FaultRule::once("facebook", "POST", "*/feed", Fault::DropAfterCommit);
    world.control.fault(&rule).await.unwrap();
    let form = [("message", "Tin"), ("link", "https://loa.vd/l/k7m2?utm_content=k7m2")];
    assert!(world.page_post("feed").form(&form).send().await.is_err());
    let count = world.control.creates("facebook", "/l/k7m2").await.unwrap();
    assert_eq!((count.creates, count.live), (1, 1));
    let list = format!(
        "{}/published_posts?limit=100&fields=id,message,attachments{{unshimmed_url}},application",
        world.page
    );
    let (status, body) = answer(world.get(&list)).await;
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 1));
    assert_eq!(body["data"][0]["attachments"]["data"][0]["unshimmed_url"], form[1].1);
    assert_eq!(body["data"][0]["application"]["name"], "Loa (thử)");
    let lag =
        FaultRule::once("facebook", "GET", "*/published_posts", Fault::ListingLag { ms: 9_000 });
    world.control.fault(&lag).await.unwrap();
    assert_eq!(answer(world.get(&list)).await.1["data"], json!([]));
}

#[tokio::test]
async fn an_error_after_the_commit_still_made_the_post() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let body =
        json!({ "error": { "code": 2, "message": "An unexpected error", "is_transient": true } });
    let fault = Fault::ErrorAfterCommit { status: 500, body: Some(body) };
    world.control.fault(&FaultRule::once("facebook", "POST", "*/feed", fault)).await.unwrap();
    let (status, body) = answer(world.page_post("feed").form(&[("message", TEXT)])).await;
    assert_eq!((status, &body["error"]["code"]), (500, &json!(2)));
    assert_eq!(world.control.creates("facebook", "/l/k7m2").await.unwrap().live, 1);
}

#[tokio::test]
async fn tokens_expire_are_revoked_and_throttled_in_the_platform_s_words() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let code = async || {
        let (status, body) = answer(world.page_post("feed").form(&[("message", "Tin")])).await;
        let error = &body["error"];
        (status, error["code"].as_u64(), error["error_subcode"].as_u64())
    };
    let rule = FaultRule::once("facebook", "*", "*/feed", Fault::Throttle { wait_ms: 90_000 });
    world.control.fault(&FaultRule { method: None, ..rule }).await.unwrap();
    let throttled = world.page_post("feed").form(&[("message", "Tin")]).send().await.unwrap();
    let usage = throttled.headers()["x-business-use-case-usage"].to_str().unwrap().to_owned();
    let usage: Value = serde_json::from_str(&usage).unwrap();
    assert_eq!(usage[&world.page][0]["estimated_time_to_regain_access"], 2);
    assert_eq!(throttled.json::<Value>().await.unwrap()["error"]["code"], 80001);
    assert_eq!(code().await, (200, None, None));
    world.control.tokens("facebook", &world.page, TokenAction::Expire).await.unwrap();
    assert_eq!(code().await, (401, Some(190), Some(463)));
    world.control.tokens("facebook", &world.page, TokenAction::Revoke).await.unwrap();
    assert_eq!(code().await, (401, Some(190), Some(460)));
    let log = world.control.requests("facebook").await.unwrap();
    assert!(!format!("{log:?}").contains(&world.token));
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (_, body) = answer(world.page_post("feed").form(&[("message", TEXT)])).await;
    let (before, token) = (world.control.posts("facebook").await.unwrap(), world.token.clone());
    world.running.shutdown().await;
    let world = start_at(dir.path(), "2026-11-22T02:00:00Z", Facebook::default()).await;
    assert_eq!(world.token, token);
    let mut after = world.control.posts("facebook").await.unwrap();
    // Only the port may differ.
    after[0].url.clone_from(&before[0].url);
    assert_eq!(after, before);
    let (status, read) = answer(world.get(body["id"].as_str().unwrap())).await;
    assert_eq!((status, read["message"].as_str()), (200, Some(TEXT)));
}

#[tokio::test]
async fn an_unattached_photo_vanishes_after_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let photo = world.photo("ảnh").await;
    world.wait(86_399);
    assert_eq!(answer(world.get(&photo)).await.0, 200);
    world.wait(1);
    assert_eq!(answer(world.get(&photo)).await.1["error"]["error_subcode"], 33);
    let form = [("attached_media", json!([{ "media_fbid": photo }]).to_string())];
    assert_eq!(answer(world.page_post("feed").form(&form)).await.0, 400);
}

#[tokio::test]
async fn edit_delete_and_refusals() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (_, body) = answer(world.page_post("feed").form(&[("message", "Bản đầu")])).await;
    let id = body["id"].as_str().unwrap();
    answer(world.post(id).form(&[("message", "Bản đính chính")])).await;
    assert_eq!(answer(world.get(id)).await.1["message"], "Bản đính chính");
    let delete =
        || world.http.delete(format!("{}/v26.0/{id}", world.base)).bearer_auth(&world.token);
    assert_eq!(answer(delete()).await.1, json!({ "success": true }));
    assert_eq!(answer(delete()).await.1["error"]["error_subcode"], 33);
    assert_eq!(world.control.posts("facebook").await.unwrap()[0].state, PostStatus::Removed);
    let refused = async |form: &[(&str, &str)]| {
        answer(world.page_post("feed").form(form)).await.1["error"]["code"].as_u64()
    };
    assert_eq!(refused(&[]).await, Some(100));
    assert_eq!(refused(&[("link", "không phải liên kết")]).await, Some(100));
    assert_eq!(refused(&[("message", &"ễ".repeat(63_207))]).await, Some(100));
    assert_eq!(refused(&[("message", &"ễ".repeat(63_206))]).await, None);
    let soon = [("message", "a"), ("published", "false"), ("scheduled_publish_time", "1795309500")];
    assert_eq!(refused(&soon).await, Some(100), "in five minutes");
    let (_, body) = answer(world.get(&format!("{id}?fields=reach"))).await;
    assert_eq!(body["error"]["code"], 100);
    let limit = format!("{}/feed?limit=101", world.page);
    assert_eq!(answer(world.get(&limit)).await.1["error"]["code"], 100);
}

#[tokio::test]
async fn a_scheduled_post_comes_out_by_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let form = [
        ("message", "Hẹn giờ"),
        ("published", "false"),
        ("scheduled_publish_time", "2026-11-22T02:00:00+0000"),
    ];
    let (status, body) = answer(world.page_post("feed").form(&form)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(world.control.posts("facebook").await.unwrap()[0].state, PostStatus::Hidden);
    world.wait(3_600);
    assert_eq!(world.control.posts("facebook").await.unwrap()[0].state, PostStatus::Visible);
}

#[tokio::test]
async fn lists_page_by_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    for number in 0..5 {
        answer(world.page_post("feed").form(&[("message", format!("Bài {number}"))])).await;
        world.wait(20);
    }
    let mut next = format!("{}/v26.0/{}/feed?limit=2&fields=message", world.base, world.page);
    let mut seen = Vec::new();
    loop {
        let (_, body) = answer(world.http.get(&next).bearer_auth(&world.token)).await;
        for row in body["data"].as_array().unwrap() {
            seen.push(row["message"].as_str().unwrap().to_owned());
        }
        match body["paging"]["next"].as_str() {
            Some(url) => next = url.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["Bài 4", "Bài 3", "Bài 2", "Bài 1", "Bài 0"]);
}

#[tokio::test]
async fn batch_reads_and_the_other_doors() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (_, body) = answer(world.page_post("feed").form(&[("message", "Tin")])).await;
    let id = body["id"].as_str().unwrap();
    let batch = json!([
        { "method": "GET", "relative_url": format!("v26.0/{id}?fields=message") },
        { "method": "GET", "relative_url": "999" },
    ]);
    let request = world
        .http
        .post(format!("{}/v26.0/", world.base))
        .form(&[("batch", batch.to_string()), ("access_token", world.token.clone())]);
    let (_, body) = answer(request).await;
    assert_eq!((&body[0]["code"], &body[1]["code"]), (&json!(200), &json!(400)));
    let inner: Value = serde_json::from_str(body[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!(inner["message"], "Tin");
    let url = format!("{}/v26.0/me/accounts?access_token={}", world.base, world.token);
    assert_eq!(answer(world.http.get(url)).await.1["data"].as_array().unwrap().len(), 2);
    let app = &world.running.addresses()["facebook"]["app"];
    let (id, secret) = (app["id"].as_str().unwrap(), app["secret"].as_str().unwrap());
    let url = format!(
        "{}/v26.0/debug_token?input_token={}&access_token={id}|{secret}",
        world.base, world.token
    );
    let (_, body) = answer(world.http.get(url)).await;
    assert_eq!((&body["data"]["is_valid"], &body["data"]["expires_at"]), (&json!(true), &json!(0)));
    let (status, body) = answer(world.http.get(format!("{}/v26.0/me/accounts", world.base))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!(104)));
    let user = world.running.addresses()["facebook"]["user_token"].as_str().unwrap();
    let url = format!("{}/v26.0/{}/feed?access_token={user}", world.base, world.page);
    let (_, body) = answer(world.http.post(url).form(&[("message", "Tin")])).await;
    assert_eq!(body["error"]["error_subcode"], 492);
}

#[tokio::test]
async fn a_proof_is_asked_for_when_the_app_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let world =
        start_at(dir.path(), "2026-11-22T01:00:00Z", Facebook { require_proof: true }).await;
    let (_, body) = answer(world.get("me")).await;
    assert_eq!(body["error"]["code"], 104);
    let wrong = answer(world.get("me?appsecret_proof=00")).await.1;
    assert_eq!(wrong["error"]["code"], 104);
    let secret = world.running.addresses()["facebook"]["app"]["secret"].as_str().unwrap();
    let proof = {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(world.token.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    assert_eq!(answer(world.get(&format!("me?appsecret_proof={proof}"))).await.0, 200);
}
