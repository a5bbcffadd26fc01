//! Articles: made later, read back, changed, removed; videos.

use loa_channel_zalo_sandbox::Zalo;
use loa_sandbox::{Fault, FaultRule, PostStatus};
use serde_json::{Value, json};

use crate::support::{answer, start, start_at};

const TITLE: &str = "Nghị định mới về đất đai";

#[tokio::test]
async fn hidden_then_verified_then_shown() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let body = world.call("/v2.0/article/create", &world.article(TITLE, "hide")).await;
    let token = &body["data"]["token"];
    assert!(token.as_str().unwrap().ends_with("=="));
    let early = world.call("/v2.0/article/verify", &json!({ "token": token })).await;
    assert_eq!(early["error"], -214);
    world.wait(4);
    let id = world.verify(token).await["data"]["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 20);
    assert_eq!(world.control.posts("zalo").await.unwrap()[0].state, PostStatus::Hidden);
    let detail = answer(world.get(&format!("/v2.0/article/getdetail?id={id}"))).await;
    assert_eq!(detail["data"]["tracking_link"], "https://loa.vd/l/z4l0?d=attempt-1");
    let link = detail["data"]["link_view"].as_str().unwrap().to_owned();
    assert_eq!(world.http.get(&link).send().await.unwrap().status(), 404, "hidden");
    let mut update = world.article(TITLE, "show");
    update["id"] = json!(id);
    let body = world.call("/v2.0/article/update", &update).await;
    world.wait(4);
    assert_eq!(world.verify(&body["data"]["token"]).await["data"]["id"], json!(id));
    let page = world.http.get(&link).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(
        page.contains(TITLE) && page.contains("<a href=\"https://loa.vd/l/z4l0\">Xem thêm</a>")
    );
    let post = &world.control.posts("zalo").await.unwrap()[0];
    let roles: Vec<_> = post.media.iter().map(|media| (media.role.as_str(), media.bytes)).collect();
    assert_eq!(roles, [("cover", 4_000), ("image", 4_000)]);
    assert_eq!(world.control.fetches("zalo").await.unwrap().len(), 4, "twice for each version");
    let count = world.control.creates("zalo", "/l/z4l0").await.unwrap();
    assert_eq!((count.creates, count.live), (1, 1), "an update is no second article");
    let gone = world.call("/v2.0/article/remove", &json!({ "id": id })).await;
    assert_eq!(gone["error"], 0);
    assert_eq!(world.control.posts("zalo").await.unwrap()[0].state, PostStatus::Removed);
    assert_eq!(world.call("/v2.0/article/remove", &json!({ "id": id })).await["error"], -201);
}

#[tokio::test]
async fn commit_then_drop_is_found_by_slice_and_mark() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let rule = FaultRule::once("zalo", "POST", "/v2.0/article/create", Fault::DropAfterCommit);
    world.control.fault(&rule).await.unwrap();
    let refused = world.call("/v2.0/article/create", &json!({ "type": "normal" })).await;
    assert_eq!(refused["error"], -201, "nothing was stored, so the fault waits");
    assert!(
        world.post("/v2.0/article/create", &world.article(TITLE, "hide")).send().await.is_err()
    );
    world.wait(4);
    let slice = "/v2.0/article/getslice?offset=0&limit=10&type=normal";
    let mut body = Value::Null;
    for _ in 0..2_000 {
        body = answer(world.get(slice)).await["data"].take();
        if body["total"] == 1 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!((&body["total"], &body["medias"][0]["title"]), (&json!(1), &json!(TITLE)));
    assert_eq!(body["medias"][0]["status"], "hide");
    assert_eq!(body["medias"][0]["create_date"].as_i64(), Some(1_795_316_404_000), "milliseconds");
    let count = world.control.creates("zalo", "attempt-1").await.unwrap();
    assert_eq!((count.creates, count.hidden, count.live), (1, 1, 0));
    let lag = FaultRule::once("zalo", "GET", "*/getslice", Fault::ListingLag { ms: 60_000 });
    world.control.fault(&lag).await.unwrap();
    assert_eq!(answer(world.get(slice)).await["data"]["total"], 0);
}

#[tokio::test]
async fn media_that_cannot_be_used_make_no_article() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    for file in ["missing.png", "big.png", "a.webp"] {
        let mut article = world.article(TITLE, "show");
        article["cover"]["photo_url"] = json!(format!("{}/{file}", world.portal));
        let body = world.call("/v2.0/article/create", &article).await;
        world.wait(4);
        let body = world.verify(&body["data"]["token"]).await;
        assert_eq!(
            (&body["error"], &body["message"]),
            (&json!(-200), &json!("Upload media failed")),
            "{file}"
        );
    }
    assert!(world.control.posts("zalo").await.unwrap().is_empty());
    let fetches = world.control.fetches("zalo").await.unwrap();
    assert_eq!(fetches[0].status, Some(404));
}

#[tokio::test]
async fn the_state_survives_a_restart_and_a_job_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let id = world.publish(TITLE, "show").await;
    let body = world.call("/v2.0/article/create", &world.article("Bài thứ hai", "show")).await;
    // In one process the first stand-in's fetches would outlive it and write beside the second one: they end first.
    // The article itself is made after the restart, when its time has come.
    for _ in 0..2_000 {
        if world.control.fetches("zalo").await.unwrap().len() >= 4 {
            break;
        }
    }
    world.running.shutdown().await;
    let world = start_at(dir.path(), "2026-11-22T03:00:20Z", Zalo::default()).await;
    let second = world.verify(&body["data"]["token"]).await;
    assert_eq!(second["error"], 0, "{second}");
    let posts = world.control.posts("zalo").await.unwrap();
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().any(|post| post.id == id && post.state == PostStatus::Visible));
}

#[tokio::test]
async fn slices_and_refusals_in_the_platform_s_words() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    for number in 0..3 {
        world.publish(&format!("Bài {number}"), "show").await;
    }
    let said = async |query: &str| {
        let body = answer(world.get(&format!("/v2.0/article/getslice?{query}"))).await;
        (body["error"].as_i64().unwrap(), body["message"].as_str().unwrap().to_owned(), body)
    };
    let (code, message, _) = said("offset=0&limit=10").await;
    assert_eq!((code, message.as_str()), (-201, "type accept only 2 value normal and video."));
    let (code, message, _) = said("offset=0&limit=11&type=normal").await;
    assert_eq!((code, message.as_str()), (-201, "maximum limit is 10"));
    let (_, _, body) = said("offset=1&limit=2&type=normal").await;
    let titles: Vec<_> = body["data"]["medias"]
        .as_array()
        .unwrap()
        .iter()
        .map(|media| media["title"].as_str().unwrap())
        .collect();
    assert_eq!(
        (titles, &body["data"]["total"]),
        (vec!["Bài 1", "Bài 0"], &json!(3)),
        "newest first"
    );
    let gone = world.get("/v3.0/article/getslice").send().await.unwrap();
    assert_eq!(gone.status(), 404);
    assert_eq!(gone.json::<Value>().await.unwrap()["error"], -209);
}

#[tokio::test]
async fn views_only_grow_and_only_once_shown() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let hidden = world.publish("Bài ẩn", "hide").await;
    let shown = world.publish(TITLE, "show").await;
    let views = async |id: &str| {
        let body = answer(world.get(&format!("/v2.0/article/getdetail?id={id}"))).await;
        body["data"]["total_view"].as_u64().unwrap()
    };
    world.wait(3_600);
    let hour = views(&shown).await;
    world.wait(43_200);
    assert!(hour > 0 && views(&shown).await > hour);
    assert_eq!(views(&hidden).await, 0);
}

#[tokio::test]
async fn the_article_quota_of_the_month() {
    let dir = tempfile::tempdir().unwrap();
    let zalo = Zalo { articles_a_month: 1, ..Zalo::default() };
    let world = start_at(dir.path(), "2026-11-30T16:58:00Z", zalo).await;
    world.publish(TITLE, "show").await;
    let create =
        async || world.call("/v2.0/article/create", &world.article("Bài hai", "show")).await;
    let body = create().await;
    assert_eq!(body["error"], -223);
    assert_eq!(body["message"], "Your OA has reach the limit quota create article");
    world.wait(120);
    assert_eq!(create().await["error"], 0, "December in Việt Nam");
}

#[tokio::test]
async fn a_video_is_converted_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path()).await;
    let clip = b"\x00\x00\x00\x18ftypmp42 clip".to_vec();
    let part = reqwest::multipart::Part::bytes(clip.clone())
        .file_name("clip.mp4")
        .mime_str("video/mp4")
        .unwrap();
    let form = reqwest::multipart::Form::new().part("file", part);
    let path = "/v2.0/article/upload_video/preparevideo";
    let request =
        world.http.post(format!("{}{path}", world.base)).header("access_token", &world.access);
    let body = answer(request.multipart(form)).await;
    let token = body["data"]["token"].as_str().unwrap().to_owned();
    let verify = async || {
        let request = world.get("/v2.0/article/upload_video/verify").header("token", &token);
        answer(request).await["data"].take()
    };
    assert_eq!((&verify().await["status"], &verify().await["video_id"]), (&json!(3), &json!("")));
    world.wait(30);
    let ready = verify().await;
    assert_eq!(ready["status"], 1);
    let article = json!({
        "type": "video", "title": TITLE, "description": "Clip", "video_id": ready["video_id"],
        "avatar": format!("{}/a.png", world.portal), "status": "show", "comment": "show",
    });
    let body = world.call("/v2.0/article/create", &article).await;
    world.wait(4);
    let body = world.verify(&body["data"]["token"]).await;
    let id = body["data"]["id"].as_str().unwrap();
    let page = world.http.get(format!("{}/d?id={id}", world.base)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("<video controls"));
    let post = &world.control.posts("zalo").await.unwrap()[0];
    assert!(
        post.media.iter().any(|media| media.role == "video" && media.bytes == clip.len() as u64)
    );
}
