//! What a post says, edited where it is seen: counted by the server, mended by a proposal, marked with who wrote it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use bytes::Bytes;
use loa_model::{DeliveryState as S, Digest, Post, PostState, captions};
use loa_store::StoreExt as _;
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
};

async fn stored(world: &World, id: &str) -> Post {
    world.store.read::<Post>(id).await.unwrap().unwrap().record
}

async fn patch(browser: &Browser<'_>, id: &str, body: &Value) -> Answer {
    browser.json_as("PATCH", &format!("/api/v1/posts/{id}"), body).await
}

async fn ask(browser: &Browser<'_>, id: &str, what: &str, body: &Value) -> Answer {
    browser.json(&format!("/api/v1/posts/{id}/{what}"), body).await
}

fn limit<'a>(told: &'a Value, name: &str) -> &'a Value {
    told["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == name).unwrap()
}

/// The fields that a form of a post sends, without its buttons.
fn form(post: &Post) -> Vec<(String, String)> {
    let mut all = vec![
        ("digest".to_owned(), post.digest().to_string()),
        ("title".to_owned(), post.content.title.clone()),
        ("text".to_owned(), post.content.text.clone()),
    ];
    for file in &post.content.media {
        let role = serde_json::to_value(file.role).unwrap().as_str().unwrap().to_owned();
        all.push(("role".to_owned(), role));
        all.push(("file".to_owned(), file.blob.to_string()));
        all.push(("alt".to_owned(), file.alt.clone()));
    }
    all
}

async fn press(browser: &Browser<'_>, post: &Post, change: &[(&str, &str)]) -> Answer {
    let mut all = form(post);
    for (name, value) in change {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some(field) if *name != "body" && *name != "cue" => (*value).clone_into(&mut field.1),
            _ => all.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let all: Vec<(&str, &str)> = all.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    browser.post(&format!("/bai-dang/{}/sua", post.id), &all).await
}

#[tokio::test]
async fn drafted_words_are_counted_by_the_rule_of_the_channel_and_not_kept() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let id = world.posts.broken.id.to_string();
    let before = stored(&world, &id).await;
    // Viber counts UTF-16 units: an emoji is two of them.
    let told = ask(&author, &id, "check", &json!({ "words": { "text": "ẫ😀 <b>" } })).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text());
    let told = told.value();
    let text = limit(&told, "text");
    assert_eq!(
        (&text["is"], &text["max"], &text["unit"]),
        (&json!(7), &json!(768), &json!("utf16"))
    );
    assert_eq!((&text["over"], &text["shown"]), (&json!(false), &json!("7 / 768")));
    assert_eq!(told["changed"], true);
    let frame = told["frame"].as_str().unwrap();
    assert!(frame.contains("ẫ😀 &lt;b&gt;") && !frame.contains("<b>"), "{frame}");
    let problems: Vec<_> =
        told["problems"].as_array().unwrap().iter().map(|p| &p["problem"]).collect();
    assert_eq!(problems, ["link_missing", "count"]);
    assert_eq!(stored(&world, &id).await, before, "counting keeps nothing");
    // YouTube counts bytes.
    let id = world.posts.uncertain.id.to_string();
    let told = ask(&author, &id, "check", &json!({ "words": { "text": "ẫ😀" } })).await.value();
    assert_eq!(limit(&told, "text")["is"], 7);
    assert_eq!(limit(&told, "title")["unit"], "chars");
    let none = ask(&author, &id, "check", &json!({ "words": {} })).await.value();
    assert_eq!(none["changed"], false);
}

#[tokio::test]
async fn other_words_are_kept_with_the_name_of_who_wrote_them() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let post = &world.posts.waiting;
    let id = post.id.to_string();
    let card = format!("/bai-dang/{id}");
    assert!(author.get(&card).await.text().contains(&format!("{card}/sua")));
    let text = format!("Lời <mới>\r\n\r\n{}  \n", post.content.link.url);
    let kept = press(&author, post, &[("text", &text), ("alt", "Xã miền núi trong mưa")]).await;
    assert_eq!((kept.status, kept.header("location")), (StatusCode::SEE_OTHER, card.as_str()));
    let now = stored(&world, &id).await;
    assert_eq!(now.content.text, format!("Lời <mới>\n\n{}", post.content.link.url));
    assert_eq!(now.content.media[0].alt, "Xã miền núi trong mưa");
    assert_eq!(now.state, PostState::Draft, "an approver looks at it again");
    let marks: Vec<_> = now.rewritten.iter().map(|m| (m.field.as_str(), m.by)).collect();
    let by = world.people.author.id;
    assert_eq!(marks, [("text", by), ("media.0.alt", by)]);
    // Who wrote it and what it was stands on the post and before the approver.
    author.post(&format!("{card}/gui-duyet"), &[]).await;
    for page in [approver.get(&card).await, approver.get(&format!("/duyet?bai={id}")).await] {
        let page = page.text();
        assert!(page.contains("đã biên tập") && page.contains("Nguyễn Thị Mẫn"), "{page}");
        assert!(page.contains("Đồ họa: hỗ trợ sinh kế cho gần 1.200 xã miền núi"));
        assert!(!page.contains("<mới>"));
    }
    let told = approver.get(&format!("/api/v1/posts/{id}")).await.value();
    assert_eq!(told["rewritten"][1]["was"], post.content.media[0].alt);
    assert_eq!(told["rewritten"][1]["by"], "Nguyễn Thị Mẫn");
}

#[tokio::test]
async fn words_that_somebody_else_wrote_meanwhile_are_not_lost_and_nor_are_ones_own() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = &world.posts.draft;
    let id = post.id.to_string();
    let seen = post.digest();
    let other = json!({ "digest": seen, "words": { "title": "Tiêu đề khác" } });
    assert_eq!(patch(&author, &id, &other).await.status, StatusCode::OK);
    assert_eq!(patch(&author, &id, &other).await.status, StatusCode::CONFLICT);
    let late = press(&author, post, &[("title", "Của tôi <i>")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text().contains("Của tôi &lt;i&gt;"), "what was written stays");
    assert!(late.text().contains("<del>Tiêu đề khác</del>"), "{}", late.text());
    let now = stored(&world, &id).await;
    assert_eq!(now.content.title, "Tiêu đề khác");
    // Who has seen both may put their own in its place.
    assert!(late.text().contains(&format!("value=\"{}\"", now.digest())));
    let again = press(&author, &now, &[("title", "Của tôi <i>")]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text());
    assert_eq!(stored(&world, &id).await.content.title, "Của tôi <i>");
}

#[tokio::test]
async fn the_same_words_leave_an_approval_as_it_is_and_others_void_it() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = world.in_state("facebook:cong-tin", S::Scheduled).await;
    let id = post.id.to_string();
    let page = author.get(&format!("/bai-dang/{id}/sua")).await;
    assert!(page.text().contains("chữ ký duyệt mất hiệu lực"), "{}", page.text());
    let same =
        patch(&author, &id, &json!({ "words": { "text": post.content.text } })).await.value();
    assert_eq!(
        (&same["id"], &same["state"], &same["replaces"]),
        (&json!(id), &json!("approved"), &Value::Null)
    );
    let alt = json!({ "words": { "files": [{
        "role": post.content.media[0].role, "sha256": post.content.media[0].blob, "alt": "Khác",
    }] } });
    let other = patch(&author, &id, &alt).await.value();
    assert_eq!((&other["state"], &other["replaces"]), (&json!("draft"), &json!(id)));
    assert_eq!(stored(&world, &id).await.state, PostState::Void);
    assert_eq!(world.delivery_of(&post).await.state, S::Cancelled);
    let draft = stored(&world, other["id"].as_str().unwrap()).await;
    assert_eq!(draft.content.media[0].alt, "Khác");
    // What is live is corrected, not edited.
    let live = world.in_state("facebook:cong-tin", S::Published).await;
    let words = json!({ "words": { "text": "x" } });
    assert_eq!(patch(&author, &live.id.to_string(), &words).await.status, StatusCode::CONFLICT);
    let page = author.get(&format!("/bai-dang/{}/sua", live.id)).await;
    assert!(page.text().contains("không sửa được lúc này") && !page.text().contains("<textarea"));
    assert!(!author.get(&format!("/bai-dang/{}", live.id)).await.text().contains("/sua\""));
}

#[tokio::test]
async fn a_fix_is_shown_as_a_change_and_kept_only_when_a_person_keeps_it() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = &world.posts.broken;
    let id = post.id.to_string();
    let page = author.get(&format!("/bai-dang/{id}/sua")).await;
    let page = page.text();
    for said in ["Lời văn dài", "768 ký tự", "Ảnh: bài có 0 tệp, kênh nhận 1."] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("value=\"media.photo.count count\""));
    let long = "Mức hỗ trợ không quá 30 triệu đồng mỗi hộ. ".repeat(30);
    let told = ask(&author, &id, "check", &json!({ "words": { "text": long } })).await.value();
    let offered: Vec<_> = told["problems"].as_array().unwrap().iter().map(|p| &p["fix"]).collect();
    assert_eq!(offered, [true, true, true], "{told}");
    let shown = press(&author, post, &[("text", &long), ("fix", "text too_long")]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
    assert!(shown.text().contains("<del>") && shown.text().contains("Chưa lưu"));
    let seen = format!("name=\"digest\" value=\"{}\"", post.digest());
    assert!(shown.text().contains(&seen), "what is kept is over what was looked at");
    assert_eq!(stored(&world, &id).await, *post, "nothing is kept");
    // Whoever does not want it has the words back.
    let before = json!({ "text": post.content.text }).to_string();
    let undone =
        press(&author, post, &[("text", "đề xuất"), ("undo", "1"), ("before", &before)]).await;
    assert!(
        undone.text().contains(post.content.text.trim()) && !undone.text().contains("Chưa lưu")
    );
    // The same as an operation.
    let ask_fix = |field: &str, problem: &str, words: Value| {
        let (author, id) = (&author, id.clone());
        let body = json!({ "field": field, "problem": problem, "words": words });
        async move { ask(author, &id, "fix", &body).await }
    };
    let told = ask_fix("text", "too_long", json!({ "text": long })).await.value();
    let fixed = &told["words"]["text"];
    let words = fixed.as_str().unwrap();
    assert!(long.starts_with(words) && words.ends_with("mỗi hộ."), "{words}");
    assert!(limit(&told, "text")["is"].as_u64().unwrap() <= 768);
    assert_eq!(told["changes"][0]["field"], "text");
    let linked = ask_fix("text", "link_missing", json!({ "text": fixed })).await.value();
    assert!(linked["words"]["text"].as_str().unwrap().contains(&post.content.link.url));
    let kept = patch(&author, &id, &json!({ "words": linked["words"] })).await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.text());
    let left: Vec<_> = kept.value()["problems"].as_array().unwrap().clone();
    assert_eq!((left.len(), &left[0]["problem"]), (1, &json!("count")));
    // A picture of the article is offered with what it shows.
    let picture = ask_fix("media.photo.count", "count", json!({})).await.value();
    assert_eq!(picture["changes"][0]["field"], "media.photo");
    let file = &picture["words"]["files"][0];
    assert_eq!(file["sha256"], world.kept.poster.to_string());
    assert_eq!(file["alt"], "Đồ họa: hỗ trợ sinh kế cho gần 1.200 xã miền núi");
    let kept = patch(&author, &id, &json!({ "words": picture["words"] })).await.value();
    assert_eq!((&kept["problems"], stored(&world, &id).await.rewritten.len()), (&json!([]), 1));
    // What only a person can do is said so.
    for (field, problem) in [("text", "too_long"), ("x", "y")] {
        let answer = ask_fix(field, problem, json!({})).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{field} {problem}");
        assert!(answer.text().contains("cần người quyết định"), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_first_words_are_one_press_away() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = &world.posts.draft;
    let id = post.id.to_string();
    let words = json!({ "words": { "title": "Khác", "files": [{
        "role": "cover", "sha256": post.content.media[0].blob, "alt": "Ảnh khác",
    }] } });
    assert_eq!(patch(&author, &id, &words).await.status, StatusCode::OK);
    let now = stored(&world, &id).await;
    for (field, was) in
        [("title", &post.content.title), ("media.0.alt", &post.content.media[0].alt)]
    {
        let shown = press(&author, &now, &[("restore", field)]).await;
        assert_eq!(shown.status, StatusCode::OK, "{}", shown.text());
        assert!(
            shown.text().contains(was.as_str()) && shown.text().contains("Chưa lưu"),
            "{field}"
        );
    }
    assert_eq!(stored(&world, &id).await, now);
    assert_eq!(press(&author, &now, &[("restore", "author")]).await.status, StatusCode::CONFLICT);
    let words = json!({ "words": { "title": post.content.title } });
    patch(&author, &id, &words).await;
    let marks = stored(&world, &id).await.rewritten;
    assert_eq!(marks.iter().map(|mark| mark.field.as_str()).collect::<Vec<_>>(), ["media.0.alt"]);
}

#[tokio::test]
async fn captions_change_their_words_and_keep_their_times() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let post = world.captioned().await;
    let id = post.id.to_string();
    let page = author.get(&format!("/bai-dang/{id}/sua")).await;
    let page = page.text();
    assert!(page.contains("00:02,0 – 00:05,5") && page.contains("ở &lt;miền&gt; núi"), "{page}");
    let other = ["Mưa <rất> lớn", "ở\r\n\r\nmiền núi"];
    let kept = press(&author, &post, &[("cue", other[0]), ("cue", other[1])]).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER, "{}", kept.text());
    let now = stored(&world, &id).await;
    let file = &now.content.media[1];
    let bytes = world.blobs.get(file.blob).await.unwrap();
    assert_eq!((file.bytes, file.blob), (bytes.len() as u64, Digest::of(&bytes)));
    let cues = captions::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    let told: Vec<_> = cues.iter().map(|c| (c.from_ms, c.to_ms, c.text.as_str())).collect();
    assert_eq!(told, [(0, 2000, "Mưa <rất> lớn"), (2000, 5500, "ở\nmiền núi")]);
    assert_ne!(now.digest(), post.digest(), "they are a part of what is signed");
    assert_eq!(now.rewritten[0].field, "media.1.captions");
    let page = author.get(&format!("/bai-dang/{id}")).await;
    assert!(page.text().contains("Mưa lớn\nở &lt;miền&gt; núi"), "{}", page.text());
    // They stay a file of their clip: nothing is stale.
    let sent = author.json(&format!("/api/v1/posts/{id}/submit"), &json!({})).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    for wrong in [json!(["một"]), json!(["", " "])] {
        let words = json!({ "words": { "captions": wrong } });
        assert_eq!(patch(&author, &id, &words).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            ask(&author, &id, "check", &words).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let same = json!({ "words": { "captions": ["Mưa <rất> lớn", "ở\nmiền núi"] } });
    assert_eq!(patch(&author, &id, &same).await.value()["state"], "in_review");
}

#[tokio::test]
async fn a_file_that_is_not_of_the_article_gets_into_no_post() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let id = world.posts.draft.id.to_string();
    let secret = world.blobs.put(Bytes::from_static(b"\x89PNG\r\n\x1a\nsecret")).await.unwrap();
    let files = json!([{ "role": "cover", "sha256": secret, "alt": "" }]);
    let words = json!({ "words": { "files": files } });
    for what in ["check", "fix"] {
        let body = json!({ "words": { "files": files }, "field": "text", "problem": "too_long" });
        let body = if what == "check" { &words } else { &body };
        let answer = ask(&author, &id, what, body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
    }
    assert_eq!(patch(&author, &id, &words).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = json!({ "words": { "link": "https://evil.example" } });
    assert_eq!(patch(&author, &id, &unknown).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let none = json!({ "words": {} });
    assert_eq!(patch(&stranger, &id, &none).await.status, StatusCode::NOT_FOUND);
    let fix = json!({ "field": "text", "problem": "too_long" });
    for (what, body) in [("check", &none), ("fix", &fix)] {
        assert_eq!(ask(&stranger, &id, what, body).await.status, StatusCode::NOT_FOUND, "{what}");
    }
    let page = stranger.get(&format!("/bai-dang/{id}/sua")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(press(&stranger, &world.posts.draft, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_time_that_crowds_another_post_is_told_with_a_later_one() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    // The posts of this newsroom are all of the same time; two of them are on one account.
    let post = &world.posts.waiting;
    world.clock.set("2026-11-16T01:00:00Z");
    let id = post.id.to_string();
    let told = ask(&author, &id, "check", &json!({ "words": {} })).await.value();
    let time = &told["time"];
    assert_eq!(time["clashes"], json!(["close"]), "{told}");
    assert_eq!(
        (&time["at"], &time["later"]),
        (&json!("09:00 16/11/2026"), &json!("09:10 16/11/2026"))
    );
    let page = author.get(&format!("/bai-dang/{id}/sua")).await;
    let page = page.text();
    assert!(page.contains("<ins>09:10 16") && page.contains("cách chưa đầy 10 phút"));
    let form = [
        ("when", "at"),
        ("at", "2026-11-16T09:10"),
        ("version", &time["version"].to_string()),
        ("back", "/lich?xem=ngay&ngay=2026-11-16"),
    ];
    let moved = author.post(&format!("/bai-dang/{id}/doi-gio"), &form).await;
    assert_eq!(moved.status, StatusCode::SEE_OTHER, "{}", moved.text());
    let told = ask(&author, &id, "check", &json!({ "words": {} })).await.value();
    assert_eq!(told["time"], Value::Null);
    assert_eq!(stored(&world, &id).await.digest(), post.digest());
}
