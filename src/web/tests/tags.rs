//! `ETag`, `If-Match`, `If-None-Match`: what was read and did not change is not sent again, and what changed since it was seen
//! is not changed.

mod support;

use axum::http::{Method, StatusCode};
use loa_model::{Post, Record as _, User};
use loa_store::{Changes, Store as _, StoreExt as _};
use loa_web::{ASKS, Access, Way};
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser, program},
    records,
};

/// Records whose changes have no GET to be compared with, and why.
const WITHOUT: &[(&str, &str)] = &[
    ("/api/v1/jobs/{id}", "it moves on by itself, and calling it off twice is calling it off"),
    ("/api/v1/incidents/{id}", "it is closed once, and whoever is late is told so"),
];

/// Up to the first place: the record that a path is about.
fn record_of(path: &str) -> Option<&str> {
    path.find('}').and_then(|end| path.get(..=end))
}

fn changes_one(way: &Way) -> bool {
    way.path.starts_with("/api/v1/")
        && way.method != Method::GET
        && way.path.contains('{')
        && !ASKS.contains(&way.path)
}

#[test]
fn whatever_changes_one_record_has_a_get_that_tells_its_tag() {
    let ways = loa_web::ways();
    for way in ways.iter().filter(|way| changes_one(way)) {
        let record = record_of(way.path).expect("it names one");
        let told = ways.iter().any(|other| other.method == Method::GET && other.path == record);
        let excused = WITHOUT.iter().any(|(path, _)| *path == record);
        assert!(
            told || excused,
            "{} {}: add GET {record}, so that If-Match has a tag to be compared with",
            way.method,
            way.path
        );
        assert!(
            way.told["parameters"].is_array(),
            "{} {}: its OpenAPI entry says no parameters",
            way.method,
            way.path
        );
    }
}

async fn everybody(world: &World) -> Browser<'_> {
    let person = world.colleague(&world.people.author, &loa_model::Role::ALL).await;
    Browser::of(world, &person).await
}

/// The address of a GET with a record of the newsroom in its place; nothing for those that only others fill.
fn address(world: &World, way: &Way, session: &str) -> String {
    let id = match way.path {
        path if path.starts_with("/api/v1/posts/") => world.posts.waiting.id.to_string(),
        path if path.starts_with("/api/v1/reach/articles/") => world.article.id.to_string(),
        path if path.starts_with("/api/v1/users/") => world.people.approver.id.to_string(),
        path if path.starts_with("/api/v1/sessions/") => session.to_owned(),
        path if path.starts_with("/api/v1/audit/") => "3".to_owned(),
        _ => "khong-co".to_owned(),
    };
    let path =
        way.path.replace("{id}", &id).replace("{file}", "bao-cao.csv").replace("{name}", "x");
    let days = "from=2026-11-01&to=2026-11-10";
    match way.path {
        "/api/v1/calendar" | "/api/v1/calendar/export" | "/api/v1/reach" => {
            format!("{path}?from=2026-11-01T00:00:00Z&to=2026-11-10T00:00:00Z")
        }
        found if found.starts_with("/api/v1/reach/files") => format!("{path}?{days}"),
        _ => path,
    }
}

#[tokio::test]
async fn every_get_has_a_strong_tag_and_is_not_sent_again() {
    let world = World::new().await;
    let everybody = everybody(&world).await;
    let sessions = everybody.get("/api/v1/sessions").await.value();
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let mut tagged = 0;
    for way in loa_web::ways() {
        if way.method != Method::GET || !way.path.starts_with("/api/v1/") {
            continue;
        }
        let at = address(&world, &way, &session);
        let first = everybody.get(&at).await;
        if first.status != StatusCode::OK {
            continue;
        }
        tagged += 1;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "{at}: {tag:?} is no strong tag");
        assert_eq!(first.header("cache-control"), "private, no-cache", "{at}");
        for same in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again = everybody.send("GET", &at, &[("if-none-match", &same)], &[]).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{at} {same}");
            assert!(again.body.is_empty() && again.header("etag") == tag, "{at} {same}");
        }
        for other in ["\"x\"", "x", ""] {
            let again = everybody.send("GET", &at, &[("if-none-match", other)], &[]).await;
            assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body), "{at} {other}");
        }
        let head = everybody.send("HEAD", &at, &[], &[]).await;
        assert_eq!((head.status, head.header("etag")), (StatusCode::OK, tag.as_str()), "{at}");
        assert!(head.body.is_empty(), "{at}");
        for (seen, status) in [
            (tag.as_str(), StatusCode::OK),
            ("*", StatusCode::OK),
            (&format!("W/{tag}"), StatusCode::PRECONDITION_FAILED),
            ("\"x\"", StatusCode::PRECONDITION_FAILED),
        ] {
            let answer = everybody.send("GET", &at, &[("if-match", seen)], &[]).await;
            assert_eq!(answer.status, status, "{at} {seen}");
        }
    }
    assert!(tagged >= 18, "{tagged} operations answered: mend their addresses here");
}

#[tokio::test]
async fn a_tag_changes_with_the_record_and_not_with_the_clock() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let path = format!("/api/v1/posts/{}", world.posts.waiting.id);
    let queue = "/api/v1/approvals";
    let tags = async || {
        let (post, list) = (editor.get(&path).await, editor.get(queue).await);
        (post.header("etag").to_owned(), list.header("etag").to_owned())
    };
    let before = tags().await;
    world.clock.set("2026-11-16T11:47:00Z");
    assert_eq!(tags().await, before);
    world.set_priority(&world.posts.waiting, loa_model::Priority::Urgent).await;
    let after = tags().await;
    assert!(after.0 != before.0 && after.1 != before.1);
}

async fn seen(who: &Browser<'_>, at: (&str, &str), tag: (&str, &str), body: &Value) -> Answer {
    program(&who.world.router, &who.cookie, at, &[tag], Some(body)).await
}

#[tokio::test]
async fn what_changed_since_it_was_seen_is_not_changed() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let path = format!("/api/v1/users/{}", world.people.author.id);
    let at = ("PATCH", path.as_str());
    let body = |name: &str| json!({ "name": name });
    let told = admin.get(&path).await;
    let tag = told.header("etag").to_owned();
    let version = format!("\"{}\"", told.value()["version"]);
    for wrong in ["\"x\"".to_owned(), format!("W/{tag}"), "\"999999\"".to_owned()] {
        let answer = seen(&admin, at, ("if-match", &wrong), &body("Sai")).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{wrong}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let problem = answer.value();
        assert_ne!(problem["detail_vi"], problem["detail_en"]);
    }
    for same in [&tag, "*"] {
        let answer = seen(&admin, at, ("if-none-match", same), &body("Sai")).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{same}");
    }
    let name = async || admin.get(&path).await.value()["name"].as_str().unwrap().to_owned();
    assert_eq!(name().await, world.people.author.name);
    let answer = seen(&admin, at, ("if-match", &tag), &body("Một")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    for old in [&tag, &version] {
        let answer = seen(&admin, at, ("if-match", old), &body("Hai")).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{old}");
    }
    let version = format!("\"x\", \"{}\"", admin.get(&path).await.value()["version"]);
    for right in [version.as_str(), "*"] {
        let answer = seen(&admin, at, ("if-match", right), &body(right)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{right}");
    }
    // Of another agency it is not there, whatever tag is sent.
    let stranger = Browser::of(&world, &world.people.stranger).await;
    let answer = seen(&stranger, at, ("if-match", &tag), &body("Lạ")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

/// Another process changes the record after the look and before the commit: the handler of this one is held in between.
#[tokio::test]
async fn nothing_slips_in_between_the_look_and_the_change() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    let id = world.people.author.id;
    let path = format!("/api/v1/users/{id}");
    let tag = admin.get(&path).await.header("etag").to_owned();
    *world.turns.lock().unwrap() = Some((User::TABLE, id.to_string(), 3));
    let answer =
        seen(&admin, ("PATCH", &path), ("if-match", &tag), &json!({ "name": "Sau" })).await;
    assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{}", answer.text());
    let row = world.store.read::<User>(&id.to_string()).await.unwrap().unwrap();
    assert_eq!(row.record.name, format!("{} 2", world.people.author.name));
    // Without a tag the last one wins.
    let body = json!({ "name": "Sau" });
    let answer = program(&world.router, &admin.cookie, ("PATCH", &path), &[], Some(&body)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_post_is_moved_with_the_tag_of_its_get_or_its_version() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.author).await;
    let post = &world.posts.draft;
    let (one, path) =
        (format!("/api/v1/posts/{}", post.id), format!("/api/v1/posts/{}/schedule", post.id));
    let at = ("POST", path.as_str());
    let tag = editor.get(&one).await.header("etag").to_owned();
    let time = |hour: u32| json!({ "at": format!("2026-11-20T0{hour}:00:00Z") });
    let moved = seen(&editor, at, ("if-match", &tag), &time(1)).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text());
    let stale = seen(&editor, at, ("if-match", &tag), &time(2)).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let again = seen(&editor, at, ("if-match", moved.header("etag")), &time(2)).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    let two = json!({ "at": "now", "version": 1 });
    let two = seen(&editor, at, ("if-match", again.header("etag")), &two).await;
    assert_eq!(two.status, StatusCode::UNPROCESSABLE_ENTITY);
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    let changes = Changes::by(records::by(), "touch").update(&row.record, row.version);
    world.store.commit(changes).await.unwrap();
    let late = seen(&editor, at, ("if-match", again.header("etag")), &time(3)).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn the_description_tells_the_headers() {
    let world = World::new().await;
    let told = Browser::nobody(&world).get("/api/v1/openapi.json").await.value();
    for way in loa_web::ways().iter().filter(|way| way.path.starts_with("/api/v1/")) {
        let one = &told["paths"][way.path][way.method.as_str().to_lowercase()];
        let has = |name: &str| {
            let all = one["parameters"].as_array().into_iter().flatten();
            all.filter(|one| one["in"] == "header").any(|one| one["name"] == name)
        };
        let reads = way.method == Method::GET;
        let asks = ASKS.contains(&way.path);
        assert_eq!(has("If-None-Match"), reads, "{}", way.path);
        let keyed = !reads && !asks && way.access != Access::Anyone;
        assert_eq!(has("Idempotency-Key"), keyed, "{}", way.path);
        assert_eq!(has("If-Match"), changes_one(way), "{}", way.path);
        assert!(!reads || one["responses"]["304"].is_object(), "{}", way.path);
        assert!(!keyed || one["responses"]["409"].is_object(), "{}", way.path);
    }
}
