//! Arranging a clip: by the form alone, and what the page asks for while it changes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{Job, JobKind, Role, Topic, Variant, VariantKind, VariantState, record::join};
use loa_store::StoreExt as _;
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
};

fn page_of(world: &World, kind: &str) -> String {
    format!("/bai-viet/{}?sua={kind}", world.article.id)
}

fn address(world: &World) -> String {
    format!("/bai-viet/{}/chinh", world.article.id)
}

/// Variants that somebody chose, of a kind.
async fn chosen(world: &World, kind: VariantKind) -> Vec<Variant> {
    let key = join(&[&world.article.id.to_string(), ""]);
    let rows = world.store.list::<Variant>("variant_by_article", &key, 100).await.unwrap();
    let found = rows.into_iter().map(|row| row.record);
    found.filter(|v| v.kind == kind && v.chosen.is_some()).collect()
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields);
    encoded.finish()
}

async fn send(browser: &Browser<'_>, to: &str, body: String) -> Answer {
    let headers =
        [("sec-fetch-site", "same-origin"), ("content-type", "application/x-www-form-urlencoded")];
    whole(browser.raw("POST", to, &headers, body).await).await
}

async fn ask(browser: &Browser<'_>, body: &Value) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    whole(browser.raw("POST", "/api/v1/preview/clip", &headers, body.to_string()).await).await
}

async fn whole(response: axum::response::Response) -> Answer {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

const TITLE: [(&str, &str); 3] = [("topic-0", r#""title""#), ("on-0", "1"), ("place-0", "1")];
const END: [(&str, &str); 2] = [("topic-9", r#""end""#), ("on-9", "1")];

#[tokio::test]
async fn what_is_arranged_is_queued_once_and_shown_again() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let page = editor.get(&page_of(&world, "square_clip")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(page.text().contains("name=\"topic-0\""), "scenes are on the page");
    let kind = [("dang", "square_clip"), ("music", "bright"), ("voice", "ban-mai")];
    let point = [("topic-1", r#"{"point":1}"#), ("on-1", "1"), ("place-1", "2"), ("s-1", "4,5")];
    let body = form(&[&kind[..], &TITLE, &point, &END].concat());
    for _ in 0..2 {
        let answer = send(&editor, &address(&world), body.clone()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    }
    let clips = chosen(&world, VariantKind::SquareClip).await;
    assert_eq!(clips.len(), 1, "the same again queues nothing");
    let clip = &clips[0];
    assert_eq!(clip.state, VariantState::Queued);
    let said = serde_json::to_value(&clip.chosen.as_ref().unwrap().choices).unwrap();
    let beats = json!([{"of": "title"}, {"of": {"point": 1}, "ms": 4500}, {"of": "end"}]);
    assert_eq!(said, json!({"clip": {"beats": beats, "voice": "ban-mai", "music": "bright"}}));
    let jobs = world.store.all::<Job>(500).await.unwrap();
    let of_it = |job: &Job| job.work == JobKind::Render { variant: clip.id };
    assert_eq!(jobs.iter().filter(|row| of_it(&row.record)).count(), 1);
    let page = editor.get(&page_of(&world, "square_clip")).await;
    assert!(page.text().contains("value=\"4.5\""), "the form shows what was chosen");
    // Another kind of clip knows nothing of it, and the same scenes make another variant there.
    let page = editor.get(&page_of(&world, "short_clip")).await;
    assert!(!page.text().contains("value=\"4.5\""));
}

#[tokio::test]
async fn a_photo_is_shown_whole_where_an_editor_asks_for_it() {
    let world = World::new().await;
    assert!(world.article.photos[0].blob.is_some());
    let editor = Browser::of(&world, &world.people.author).await;
    let picture = [("topic-1", r#"{"picture":0}"#), ("on-1", "1"), ("place-1", "2")];
    let body = form(&[&[("dang", "short_clip")][..], &TITLE, &picture, &END].concat());
    let answer = send(&editor, &address(&world), body).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let clips = chosen(&world, VariantKind::ShortClip).await;
    let told = clips[0].chosen.as_ref().unwrap().choices.clip.as_ref().unwrap();
    assert_eq!(told.beats[1].of, Topic::Picture(0));
    let page = editor.get(&page_of(&world, "short_clip")).await;
    let row = page.text().split("<li class=\"card scene\"").find(|row| row.contains("picture"));
    let row = row.unwrap();
    assert!(row.contains("Ảnh nguyên vẹn 1"), "{row}");
    // Its photo is what it is: no other one is chosen for it.
    assert!(!row.contains("name=\"photo-1\""), "{row}");
}

#[tokio::test]
async fn scenes_as_the_engine_tells_them_are_left_to_it() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let first = [("topic-1", r#"{"point":0}"#), ("on-1", "1"), ("place-1", "2")];
    let body = form(&[&[("dang", "short_clip")][..], &TITLE, &first, &END].concat());
    assert_eq!(send(&editor, &address(&world), body).await.status, StatusCode::SEE_OTHER);
    let clips = chosen(&world, VariantKind::ShortClip).await;
    let told = clips[0].chosen.as_ref().unwrap().choices.clip.as_ref().unwrap();
    assert_eq!(told.beats, []);
}

#[tokio::test]
async fn a_clip_tells_the_words_of_the_card() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let card = form(&[
        ("dang", "infographic"),
        ("title", "Tựa ngắn hơn"),
        ("points", "1"),
        ("text-points-1", "Ý viết lại."),
        ("place-points-1", "1"),
    ]);
    assert_eq!(send(&editor, &address(&world), card).await.status, StatusCode::SEE_OTHER);
    let page = editor.get(&page_of(&world, "short_clip")).await;
    for words in ["Tựa ngắn hơn", "Ý viết lại."] {
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    let body = json!({"article": world.article.id, "clip": {"beats": [{"of": {"point": 0}}]}});
    let answer = ask(&editor, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let (_, wanted) = world.clips.0.lock().unwrap().pop().unwrap();
    assert_eq!(wanted.brief.points.len(), 1);
    assert!(wanted.brief.points[0].is_edited() && wanted.brief.title.is_edited());
    let only = [("dang", "short_clip"), ("topic-1", r#"{"point":0}"#), ("on-1", "1")];
    let answer = send(&editor, &address(&world), form(&[&only[..], &TITLE].concat())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let clips = chosen(&world, VariantKind::ShortClip).await;
    let choices = &clips[0].chosen.as_ref().unwrap().choices;
    assert_eq!(choices.title.as_deref(), Some("Tựa ngắn hơn"));
    assert_eq!(choices.points.as_ref().unwrap()[0].text.as_deref(), Some("Ý viết lại."));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_queued() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let long: Vec<(String, String)> = (0..3)
        .flat_map(|n| {
            let topic = (format!("topic-{n}"), format!("{{\"point\":{n}}}"));
            [topic, (format!("on-{n}"), "1".to_owned())]
        })
        .collect();
    let long: Vec<(&str, &str)> = long.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    for (fields, told) in [
        (vec![], "ít nhất một cảnh"),
        (vec![TITLE[0], TITLE[1], ("order", "1 0")], "đổi thứ tự hay bỏ bớt"),
        (vec![TITLE[0], TITLE[1], ("text-0", "  ")], "không được để trống"),
        (vec![TITLE[0], TITLE[1], ("brand", "la")], "Không có bộ nhận diện la"),
        (vec![("topic-1", r#"{"point":77}"#), ("on-1", "1")], "không có phần này"),
        (vec![("topic-0", r#"{"picture":9}"#), ("on-0", "1")], "không có ảnh này"),
        (vec![TITLE[0], TITLE[1], ("s-0", "0.2")], "thời lượng"),
        (vec![TITLE[0], TITLE[1], ("photo-0", "9")], "không có ảnh số 10"),
        (vec![TITLE[0], TITLE[1], ("voice", "robot")], "Không có giọng robot"),
        (long, "phim dài quá"),
    ] {
        let body = form(&[&[("dang", "short_clip")][..], &fields].concat());
        let answer = send(&editor, &address(&world), body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(answer.text().contains(told), "{told}: {}", answer.text());
    }
    assert_eq!(chosen(&world, VariantKind::ShortClip).await.len(), 0);
    for kind in ["poster", "carousel", "podcast"] {
        let page = editor.get(&page_of(&world, kind)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{kind}");
        let sent =
            send(&editor, &address(&world), form(&[("dang", kind), TITLE[0], TITLE[1]])).await;
        assert_eq!(sent.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}");
    }
}

#[tokio::test]
async fn a_clip_is_looked_at_by_those_who_may_and_by_nobody_else() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let body = json!({
        "article": world.article.id, "kind": "long_clip",
        "clip": {"beats": [{"of": "title", "photo": "without"}, {"of": "end"}], "music": "silent"},
    });
    let answer = ask(&editor, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let said: Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!((&said["duration_ms"], &said["voice"]), (&json!(2000), &json!("none")));
    assert_eq!(said["scenes"][1]["kind"], "end");
    {
        let kept = world.clips.0.lock().unwrap();
        let wanted = &kept.last().unwrap().1;
        assert_eq!((wanted.kind, wanted.brand.as_str()), (VariantKind::LongClip, "demo"));
        assert_eq!(wanted.clip.beats[1].of, Topic::End);
    }
    let id = said["id"].as_str().unwrap();
    let frame = |name: &str| format!("/api/v1/preview/clip/{id}/{name}");
    let picture = editor.get(&frame("1500.jpg")).await;
    assert_eq!((picture.status, picture.text()), (StatusCode::OK, "jpeg at 1500"));
    assert_eq!(picture.headers["content-type"], "image/jpeg");
    for name in ["1500.png", "x.jpg", "-1.jpg"] {
        assert_eq!(editor.get(&frame(name)).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    let other = frame("0.jpg").replace(id, &"0".repeat(64));
    assert_eq!(editor.get(&other).await.status, StatusCode::NOT_FOUND);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(ask(&stranger, &body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.get(&frame("0.jpg")).await.status, StatusCode::NOT_FOUND);
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    let analyst = Browser::of(&world, &analyst).await;
    assert_eq!(ask(&analyst, &body).await.status, StatusCode::FORBIDDEN);
    assert_eq!(analyst.get(&frame("0.jpg")).await.status, StatusCode::FORBIDDEN);
    for bad in [
        json!({"article": world.article.id, "kind": "infographic"}),
        json!({"article": world.article.id, "clip": {"beats": [{"of": {"point": 77}}]}}),
        json!({"article": world.article.id, "clip": {"beats": [{"of": "title", "photo": {"at": 9}}]}}),
        json!({"article": world.article.id, "clip": {"beats": [{"of": {"picture": 9}}]}}),
        json!({"article": world.article.id, "clip": {"colour": 1}}),
    ] {
        let answer = ask(&editor, &bad).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}
