//! A card while it is edited: what is asked for, by whom, and what is wrong with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{Brief, Edit, FocusPoint, PhotoChoice, Role};
use loa_store::StoreExt as _;
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser},
};

async fn ask(browser: &Browser<'_>, body: &Value) -> Answer {
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let response = browser.raw("POST", "/api/v1/preview", &headers, body.to_string()).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn read(answer: &Answer) -> Value {
    serde_json::from_str(answer.text()).unwrap()
}

#[tokio::test]
async fn an_editor_sees_the_card_with_their_changes_and_they_are_marked() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let body = json!({
        "article": world.article.id, "size": "square", "choices": {
            "title": "Tựa do người sửa",
            "points": [{ "of": 1 }, { "of": 0, "text": "Ý do người viết lại." }],
            "focus": { "x": 0.25, "y": 0.75 },
        },
    });
    let answer = ask(&editor, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let said = read(&answer);
    assert_eq!(said["picture"], "data:image/jpeg;base64,anBlZw==");
    assert_eq!(
        (&said["alt"], &said["left_out"]),
        (&json!("Tựa do người sửa"), &json!(["points.3"]))
    );
    let wanted = world.cards.0.lock().unwrap().pop().unwrap();
    let photo = wanted.choices.photo;
    assert_eq!(
        (wanted.size.as_str(), wanted.brand.as_str(), photo),
        ("square", "demo", PhotoChoice::First)
    );
    assert_eq!(wanted.choices.focus.map(FocusPoint::share), Some((0.25, 0.75)));
    assert_eq!(said["focus"], json!({ "x": 0.25, "y": 0.75 }));
    let key = world.article.id.to_string();
    let stored = world.store.list_last::<Brief>("brief_by_article", &key, 1);
    let stored = stored.await.unwrap().remove(0).record;
    assert_eq!(wanted.brief.points[0], stored.points[1], "an untouched point is verbatim");
    let rewritten = &wanted.brief.points[1];
    assert_eq!(rewritten.text, "Ý do người viết lại.");
    let by = world.people.author.id;
    assert!(matches!(rewritten.edits.last(), Some(Edit::Rewritten { by: who, .. }) if *who == by));
    assert!(wanted.brief.title.is_edited() && !stored.title.is_edited(), "nothing is kept");
}

#[tokio::test]
async fn without_a_photo_and_without_changes_it_is_the_brief() {
    let world = World::new().await;
    let author = Browser::of(&world, &world.people.author).await;
    let choices = json!({ "photo": "without" });
    let body = json!({ "article": world.article.id, "choices": choices });
    assert_eq!(ask(&author, &body).await.status, StatusCode::OK);
    let wanted = world.cards.0.lock().unwrap().pop().unwrap();
    let photo = wanted.choices.photo;
    assert_eq!((photo, wanted.size.as_str()), (PhotoChoice::Without, "portrait"));
    assert!(wanted.brief.passages().all(|passage| !passage.is_edited()));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_where() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let id = world.article.id.to_string();
    for (body, words) in [
        (json!({ "points": [{ "of": 99 }] }), "points[].of = 99"),
        (json!({ "title": "x".repeat(10_001) }), "10000"),
        (json!({ "photo": { "at": 7 } }), "photo 8"),
        (json!({ "focus": { "x": 1.5, "y": 0.5 } }), "from 0 to 1"),
        (json!({ "colour": "red" }), "unknown field `colour`"),
        (json!({ "template": "hỏng" }), "template.typ:7"),
        (json!(7), "expected"),
    ] {
        let body = json!({ "article": id, "choices": body });
        let answer = ask(&editor, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = read(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{body}: {detail}");
    }
}

#[tokio::test]
async fn only_who_works_on_the_articles_of_an_agency_may_ask() {
    let world = World::new().await;
    let body = json!({ "article": world.article.id });
    let analyst = world.colleague(&world.people.author, &[Role::Analyst]).await;
    for (user, status) in
        [(&analyst, StatusCode::FORBIDDEN), (&world.people.stranger, StatusCode::NOT_FOUND)]
    {
        assert_eq!(ask(&Browser::of(&world, user).await, &body).await.status, status);
    }
    let nobody = ask(&Browser::nobody(&world), &body).await;
    assert!(nobody.status.is_redirection() || nobody.status == StatusCode::UNAUTHORIZED);
    let editor = Browser::of(&world, &world.people.author).await;
    let foreign = [("sec-fetch-site", "cross-site"), ("content-type", "application/json")];
    let refused = editor.raw("POST", "/api/v1/preview", &foreign, body.to_string()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(world.cards.0.lock().unwrap().is_empty());
}
