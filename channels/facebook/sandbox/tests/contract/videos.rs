//! Reels, chunked videos, insights, webhooks.

use crate::support::{World, answer, mp4, png, start};
use loa_sandbox::{Fault, FaultRule, PostStatus};
use serde_json::{Value, json};

const TEXT: &str = "Bản tin sáng, xem thêm https://loa.vd/l/r33l";

async fn begin(world: &World) -> (String, String) {
    let (status, body) =
        answer(world.page_post("video_reels").form(&[("upload_phase", "start")])).await;
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("video_id"), text("upload_url"))
}

async fn send(world: &World, url: &str, bytes: &[u8], offset: usize, size: usize) -> (u16, Value) {
    let request = world
        .http
        .post(url)
        .header("authorization", format!("OAuth {}", world.token))
        .header("offset", offset)
        .header("file_size", size)
        .header("content-type", "application/octet-stream")
        .body(bytes.to_vec());
    answer(request).await
}

async fn finish(world: &World, id: &str) -> (u16, Value) {
    let form = [
        ("upload_phase", "finish"),
        ("video_id", id),
        ("video_state", "PUBLISHED"),
        ("description", TEXT),
    ];
    answer(world.page_post("video_reels").form(&form)).await
}

async fn status(world: &World, id: &str) -> Value {
    answer(world.get(&format!("{id}?fields=status,post_id,permalink_url,published"))).await.1
}

#[tokio::test]
async fn a_reel_is_resumed_processed_and_comes_out_by_the_clock() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let clip = mp4(5_000);
    let (id, url) = begin(&world).await;
    let early = finish(&world, &id).await;
    assert_eq!(early.1["error"]["code"], 6001, "nothing is uploaded yet");
    let (code, body) = send(&world, &url, &clip[..2_000], 0, 5_000).await;
    assert_eq!((code, &body["debug_info"]["type"]), (400, &json!("PartialRequestError")));
    let phase = &status(&world, &id).await["status"]["uploading_phase"];
    assert_eq!(
        (&phase["status"], &phase["bytes_transferred"]),
        (&json!("in_progress"), &json!(2_000))
    );
    let (_, body) = send(&world, &url, &clip, 0, 5_000).await;
    assert_eq!(body["debug_info"]["type"], "OffsetInvalidError");
    assert_eq!(
        send(&world, &url, &clip[2_000..], 2_000, 5_000).await,
        (200, json!({ "success": true }))
    );
    assert_eq!(finish(&world, &id).await, (200, json!({ "success": true })));
    let now = status(&world, &id).await;
    assert_eq!(now["status"]["processing_phase"]["status"], "in_progress");
    assert_eq!((now.get("post_id"), &now["published"]), (None, &json!(false)));
    let phase = &now["status"]["publishing_phase"];
    assert_eq!((&phase["status"], phase.get("publish_status")), (&json!("in_progress"), None));
    assert_eq!(world.control.posts("facebook").await.unwrap()[0].state, PostStatus::Hidden);
    world.wait(20);
    let now = status(&world, &id).await;
    assert_eq!(now["status"]["video_status"], "ready");
    assert_eq!(now["status"]["publishing_phase"]["publish_status"], "published");
    assert!(now["post_id"].as_str().unwrap().starts_with(&world.page));
    let page = world.http.get(now["permalink_url"].as_str().unwrap()).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("<video controls") && page.contains("Bản tin sáng"));
    let posts = world.control.posts("facebook").await.unwrap();
    assert_eq!((posts[0].kind.as_str(), posts[0].media[0].bytes), ("reel", 5_000));
    let list = answer(world.get(&format!("{}/video_reels", world.page))).await.1;
    assert_eq!(
        (&list["data"][0]["id"], &list["data"][0]["description"]),
        (&json!(id), &json!(TEXT))
    );
    let feed = answer(world.get(&format!("{}/feed", world.page))).await.1;
    assert_eq!(feed["data"], json!([]), "reels are not in the feed");
    assert_eq!(finish(&world, &id).await.0, 400, "a second finish makes no second reel");
    assert_eq!(world.control.creates("facebook", "/l/r33l").await.unwrap().creates, 1);
}

#[tokio::test]
async fn a_finish_whose_answer_is_lost_made_one_reel() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (id, url) = begin(&world).await;
    send(&world, &url, &mp4(100), 0, 100).await;
    let rule = FaultRule::once("facebook", "POST", "*/video_reels", Fault::DropAfterCommit);
    world.control.fault(&rule.containing("upload_phase=finish")).await.unwrap();
    let form = [("upload_phase", "finish"), ("video_id", &id), ("description", TEXT)];
    assert!(world.page_post("video_reels").form(&form).send().await.is_err());
    world.wait(20);
    assert_eq!(status(&world, &id).await["published"], true);
    let count = world.control.creates("facebook", "/l/r33l").await.unwrap();
    assert_eq!((count.creates, count.live), (1, 1));
}

#[tokio::test]
async fn a_file_that_is_no_video_never_comes_out() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (id, url) = begin(&world).await;
    send(&world, &url, &png(), 0, png().len()).await;
    finish(&world, &id).await;
    world.wait(600);
    let now = status(&world, &id).await;
    assert_eq!(now["status"]["processing_phase"]["status"], "error");
    assert_eq!(now["status"]["publishing_phase"]["publish_status"], "error");
    assert_eq!(world.control.posts("facebook").await.unwrap()[0].state, PostStatus::Hidden);
}

#[tokio::test]
async fn the_thirty_first_reel_of_a_day_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    for number in 0..31 {
        let (id, url) = begin(&world).await;
        send(&world, &url, &mp4(50), 0, 50).await;
        let (code, _) = finish(&world, &id).await;
        assert_eq!(code, if number < 30 { 200 } else { 400 }, "reel {number}");
        if number == 30 {
            world.wait(86_400);
            assert_eq!(finish(&world, &id).await.0, 200, "a day later");
        }
    }
}

#[tokio::test]
async fn a_chunked_video_continues_where_the_platform_says() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let clip = mp4(5 * 1024 * 1024);
    let size = clip.len().to_string();
    let (_, body) =
        answer(world.page_post("videos").form(&[("upload_phase", "start"), ("file_size", &size)]))
            .await;
    let session = body["upload_session_id"].as_str().unwrap().to_owned();
    let video = body["video_id"].as_str().unwrap().to_owned();
    let number = |value: &Value| value.as_str().unwrap().parse::<usize>().unwrap();
    let (mut first, mut last) = (number(&body["start_offset"]), number(&body["end_offset"]));
    let transfer = async |first: usize, last: usize| {
        let part = reqwest::multipart::Part::bytes(clip[first..last].to_vec()).file_name("chunk");
        let form = reqwest::multipart::Form::new()
            .text("upload_phase", "transfer")
            .text("upload_session_id", session.clone())
            .text("start_offset", first.to_string())
            .part("video_file_chunk", part);
        answer(world.page_post("videos").multipart(form)).await.1
    };
    let wrong = transfer(10, 20).await;
    assert_eq!(wrong["error"]["error_subcode"], 1_363_037);
    assert_eq!(wrong["error"]["error_data"]["start_offset"], "0");
    while first < last {
        let body = transfer(first, last).await;
        (first, last) = (number(&body["start_offset"]), number(&body["end_offset"]));
    }
    let form = [
        ("upload_phase", "finish"),
        ("upload_session_id", &session),
        ("title", "Phóng sự"),
        ("description", TEXT),
    ];
    assert_eq!(answer(world.page_post("videos").form(&form)).await.1, json!({ "success": true }));
    let thumb = reqwest::multipart::Part::bytes(png()).file_name("bìa.png");
    let form = reqwest::multipart::Form::new().text("is_preferred", "true").part("source", thumb);
    assert_eq!(answer(world.post(&format!("{video}/thumbnails")).multipart(form)).await.0, 200);
    let captions = |name: &'static str| {
        let srt = "1\n00:00:00,000 --> 00:00:02,000\nXin chào\n";
        let part = reqwest::multipart::Part::bytes(srt.as_bytes()).file_name(name);
        let form = reqwest::multipart::Form::new()
            .text("default_locale", "vi_VN")
            .part("captions_file", part);
        world.post(&format!("{video}/captions")).multipart(form)
    };
    assert_eq!(answer(captions("ban-tin.srt")).await.0, 400, "the locale is missing");
    assert_eq!(answer(captions("ban-tin.vi_VN.srt")).await.0, 200);
    world.wait(20);
    let post = &world.control.posts("facebook").await.unwrap()[0];
    let roles: Vec<_> = post.media.iter().map(|media| (media.role.as_str(), media.bytes)).collect();
    assert_eq!(roles[..2], [("video", 5 * 1024 * 1024), ("thumbnail", 508)]);
    assert_eq!((post.state, post.text.as_str()), (PostStatus::Visible, TEXT));
}

#[tokio::test]
async fn insights_grow_and_a_dead_name_fails_the_whole_request() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (_, body) = answer(world.page_post("feed").form(&[("message", "Tin")])).await;
    let id = body["id"].as_str().unwrap();
    let views = async || {
        let metric = "post_media_view,post_total_media_view_unique,post_clicks,post_video_views";
        let (status, body) = answer(world.get(&format!("{id}/insights?metric={metric}"))).await;
        assert_eq!(status, 200, "{body}");
        let rows = body["data"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 3, "no video metric for a text");
        rows[0]["values"][0]["value"].as_u64().unwrap()
    };
    assert_eq!(views().await, 0);
    world.wait(3_600);
    let hour = views().await;
    world.wait(86_400);
    assert!(views().await > hour && hour > 0);
    let list = "[\"post_media_view\",\"post_impressions\"]";
    let (status, body) =
        answer(world.get(&format!("{id}/insights")).query(&[("metric", list)])).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["message"], "(#100) The value must be a valid insights metric");
    let (_, body) = answer(world.get(&format!("{id}/insights"))).await;
    assert_eq!(
        (&body["error"]["code"], &body["error"]["error_subcode"]),
        (&json!(3001), &json!(1_504_028))
    );
    let metric = "page_media_view,page_total_media_view_unique,page_follows";
    let (_, body) =
        answer(world.get(&format!("{}/insights?metric={metric}&period=day", world.page))).await;
    let value = |row: usize| body["data"][row]["values"][1]["value"].as_u64().unwrap();
    assert!(value(0) > value(1) && value(1) > 0 && value(2) > 48_000, "{body}");
    let fields = "shares,reactions.limit(0).summary(total_count)";
    let (_, body) = answer(world.get(&format!("{id}?fields={fields}"))).await;
    assert!(body["reactions"]["summary"]["total_count"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_bare_video_has_no_insights_edge_but_video_insights() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (id, url) = begin(&world).await;
    send(&world, &url, &mp4(50), 0, 50).await;
    finish(&world, &id).await;
    world.wait(90_000);
    let (_, body) = answer(world.get(&format!("{id}/insights?metric=post_media_view"))).await;
    assert_eq!(body["error"]["code"], 100);
    let metric = "fb_reels_total_plays,blue_reels_play_count,total_video_views";
    let (_, body) = answer(world.get(&format!("{id}/video_insights?metric={metric}"))).await;
    let rows = body["data"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "what does not apply is left out");
    assert!(rows[0]["values"][0]["value"].as_u64() > rows[1]["values"][0]["value"].as_u64());
}

#[tokio::test]
async fn a_webhook_is_signed_over_the_raw_body() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let (send, mut got) = tokio::sync::mpsc::channel(4);
    let hook = axum::Router::new().route(
        "/hook",
        axum::routing::post(async move |headers: axum::http::HeaderMap, body: String| {
            send.send((headers["x-hub-signature-256"].to_str().unwrap().to_owned(), body))
                .await
                .unwrap();
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, hook).await });
    let event = json!({ "post_id": format!("{}_1", world.page) });
    assert_eq!(world.control.webhook("facebook", &url, event).await.unwrap(), 1);
    let (signature, body) = got.recv().await.unwrap();
    let secret = world.running.addresses()["facebook"]["app"]["secret"].as_str().unwrap();
    let mac = {
        use hmac::{Hmac, KeyInit, Mac};
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    assert_eq!(signature, format!("sha256={mac}"));
    server.abort();
}
