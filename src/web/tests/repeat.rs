//! `Idempotency-Key`: what is sent twice acts once, whatever dies in between.

mod support;

use std::future::Future;

use axum::http::StatusCode;
use futures::FutureExt as _;
use loa_model::{Post, PostState, Record as _};
use loa_store::{Store as _, StoreExt as _};
use loa_web::KeptRequest;
use serde_json::{Value, json};
use support::{
    World,
    browser::{Answer, Browser, program},
    counted::Dies,
};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";
const SHARES: (&str, &str) = ("POST", "/api/v1/reach/shares");
const USERS: (&str, &str) = ("POST", "/api/v1/users");

fn order(days: u32) -> Value {
    json!({ "from": "2026-11-01", "to": "2026-11-10", "days": days })
}

fn person(login: &str) -> Value {
    json!({ "login": login, "name": "Người mới", "roles": ["author"] })
}

/// Sends with a key.
async fn send(who: &Browser<'_>, at: (&str, &str), key: &str, body: &Value) -> Answer {
    let key = [("idempotency-key", key)];
    program(&who.world.router, &who.cookie, at, &key, Some(body)).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == "true"
}

async fn keys(world: &World) -> Vec<KeptRequest> {
    let all = world.store.all::<KeptRequest>(100).await.expect("keys can be read");
    all.into_iter().map(|row| row.record).collect()
}

/// Links that the agency has.
async fn shares(world: &World) -> usize {
    loa_reach::shares(&*world.store, "demo").await.expect("links can be read").len()
}

#[tokio::test]
async fn sent_again_it_acts_once_and_says_the_same() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    let body = json!({ "reason": "Sửa câu đầu" });
    let path = format!("/api/v1/posts/{}/return", world.posts.waiting.id);
    let at = ("POST", path.as_str());
    let before = world.store.last_seq();
    let first = send(&editor, at, KEY, &body).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    assert!(!is_replayed(&first));
    // What was done and the key are one commit; the answer is another.
    let entries = world.store.tail(before, 10).await.unwrap();
    assert_eq!(entries.len(), 2);
    let tables = |n: usize| entries[n].changes.rows.iter().map(|r| r.table.as_str()).collect();
    let (act, kept): (Vec<&str>, Vec<&str>) = (tables(0), tables(1));
    assert_eq!(
        (&act[..], &kept[..]),
        (&["post", KeptRequest::TABLE][..], &[KeptRequest::TABLE][..])
    );
    for key in [KEY, &format!("\"{KEY}\"")] {
        let again = send(&editor, at, key, &body).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert!(is_replayed(&again));
    }
    assert_eq!(world.store.last_seq(), before + 2, "nothing happened again");
    // Without the key it is another request, and too late.
    let other = send(&editor, at, "another-key", &body).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(keys(&world).await.len(), 1, "what failed without a change is not kept");
    let ledger = serde_json::to_string(&entries).unwrap();
    assert!(!ledger.contains(KEY), "the ledger never holds a key");
}

#[tokio::test]
async fn a_key_is_of_one_request_of_one_person_for_a_day() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    let first = send(&editor, SHARES, KEY, &order(3)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    for (at, body) in [
        (SHARES, order(4)),
        (("POST", "/api/v1/reach/shares?x=1"), order(3)),
        (("PUT", "/api/v1/own/language"), json!({ "lang": "en" })),
    ] {
        let other = send(&editor, at, KEY, &body).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{at:?}");
        assert_eq!(other.header("content-type"), "application/problem+json");
    }
    // The same key of somebody else is another.
    for person in [&world.people.admin, &world.people.stranger] {
        let answer = send(&Browser::of(&world, person).await, SHARES, KEY, &order(3)).await;
        assert_eq!((answer.status, is_replayed(&answer)), (StatusCode::CREATED, false));
    }
    world.clock.set("2026-11-16T21:00:00Z");
    assert!(is_replayed(&send(&editor, SHARES, KEY, &order(3)).await));
    assert_eq!(keys(&world).await.len(), 3);
}

#[tokio::test]
async fn a_key_that_ran_out_is_free_and_swept_away() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    for key in ["first", "second"] {
        send(&editor, SHARES, key, &order(3)).await;
    }
    world.clock.set("2026-11-17T09:30:01Z");
    let token = loa_web::Session::new(
        loa_model::Digest::of(b"later"),
        world.people.approver.id,
        "2026-11-18T00:00:00Z".parse().unwrap(),
    );
    let changes = loa_store::Changes::by(support::records::by(), "sign in").insert(&token);
    world.store.commit(changes).await.unwrap();
    let later = Browser { world: &world, cookie: "loa=later".to_owned() };
    let answer = send(&later, SHARES, "first", &order(9)).await;
    assert_eq!((answer.status, is_replayed(&answer)), (StatusCode::CREATED, false));
    let left = keys(&world).await;
    assert_eq!(left.len(), 1, "the one that ran out beside it is gone");
    assert!(left[0].answer.is_some());
}

/// Lets a request run until `so`, then drops it, as when its caller hangs up.
async fn cut_off<F: Future<Output = bool>>(work: impl Future<Output = Answer>, so: impl Fn() -> F) {
    let mut work = Box::pin(work);
    for _ in 0..10_000 {
        assert!(work.as_mut().now_or_never().is_none(), "it was answered");
        tokio::task::yield_now().await;
        if so().await {
            return;
        }
    }
    panic!("it never came so far");
}

#[tokio::test]
async fn a_crash_before_the_effect_leaves_nothing() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    *world.dies.lock().unwrap() = Some(Dies::Before("share report"));
    let (body, key) = (order(3), [("idempotency-key", KEY)]);
    let reached = || async { *world.died.lock().unwrap() };
    cut_off(send(&editor, SHARES, KEY, &body), reached).await;
    assert_eq!(shares(&world).await, 0);
    let after = world.another_process();
    let again = program(&after, &editor.cookie, SHARES, &key, Some(&body)).await;
    assert_eq!((again.status, is_replayed(&again)), (StatusCode::CREATED, false));
    assert_eq!(shares(&world).await, 1);
}

#[tokio::test]
async fn a_crash_behind_the_effect_makes_no_second_one() {
    for dies in [Dies::Behind("share report"), Dies::Before("keep the answer of a request")] {
        let world = World::new().await;
        let editor = Browser::of(&world, &world.people.approver).await;
        *world.dies.lock().unwrap() = Some(dies);
        let (body, key) = (order(3), [("idempotency-key", KEY)]);
        let reached = || async { *world.died.lock().unwrap() };
        cut_off(send(&editor, SHARES, KEY, &body), reached).await;
        assert_eq!(shares(&world).await, 1, "{dies:?}");
        // While it hangs, this process knows that it is under way.
        let meanwhile = send(&editor, SHARES, KEY, &body).await;
        assert_eq!(meanwhile.status, StatusCode::CONFLICT);
        assert!(meanwhile.text().contains("being worked on"), "{}", meanwhile.text());
        let after = world.another_process();
        for _ in 0..2 {
            let again = program(&after, &editor.cookie, SHARES, &key, Some(&body)).await;
            assert_eq!(again.status, StatusCode::CONFLICT, "{dies:?}");
            assert!(again.text().contains("look at the record"), "{}", again.text());
        }
        assert_eq!(shares(&world).await, 1, "{dies:?}");
    }
}

#[tokio::test]
async fn two_at_once_in_two_processes_act_once() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    let other = world.another_process();
    let (body, key) = (order(3), [("idempotency-key", KEY)]);
    let (one, two) = tokio::join!(
        program(&world.router, &editor.cookie, SHARES, &key, Some(&body)),
        program(&other, &editor.cookie, SHARES, &key, Some(&body)),
    );
    let mut seen = [one.status, two.status];
    seen.sort();
    assert_eq!(seen, [StatusCode::CREATED, StatusCode::CONFLICT], "{} {}", one.text(), two.text());
    assert_eq!(shares(&world).await, 1);
}

#[tokio::test]
async fn who_hangs_up_is_told_the_answer_when_they_ask_again() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    let body = order(3);
    let mut sent = Box::pin(send(&editor, SHARES, KEY, &body));
    assert!(sent.as_mut().now_or_never().is_none(), "it was answered at once");
    drop(sent);
    for _ in 0..10_000 {
        if keys(&world).await.iter().any(|kept| kept.answer.is_some()) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let again = send(&editor, SHARES, KEY, &body).await;
    assert_eq!((again.status, is_replayed(&again)), (StatusCode::CREATED, true));
    assert_eq!(shares(&world).await, 1);
}

#[tokio::test]
async fn what_is_told_once_is_in_no_ledger_and_gone_with_the_process() {
    let world = World::new().await;
    let admin = Browser::of(&world, &world.people.admin).await;
    for (at, body, secret) in [(USERS, person("kin"), "password"), (SHARES, order(3), "address")] {
        let first = send(&admin, at, at.1, &body).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        let told = first.value()[secret].as_str().expect("told once").to_owned();
        let again = send(&admin, at, at.1, &body).await;
        assert_eq!((&again.body, is_replayed(&again)), (&first.body, true));
        let entries = world.store.tail(0, 10_000).await.unwrap();
        let token = told.rsplit('/').next().unwrap();
        assert!(!serde_json::to_string(&entries).unwrap().contains(token), "{secret}");
        let key = [("idempotency-key", at.1)];
        let after = program(&world.another_process(), &admin.cookie, at, &key, Some(&body)).await;
        assert_eq!(after.status, StatusCode::CONFLICT);
        assert!(after.text().contains("was told once"), "{}", after.text());
    }
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_what_changes_nothing_takes_none() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    for wrong in ["", "a b", &"x".repeat(256)] {
        let answer = send(&editor, SHARES, wrong, &order(3)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let admin = Browser::of(&world, &world.people.admin).await;
    let check = ("POST", "/api/v1/audit/verify");
    for _ in 0..2 {
        let answer = send(&admin, check, KEY, &json!({})).await;
        assert_eq!((answer.status, is_replayed(&answer)), (StatusCode::OK, false));
    }
    // A page has no keys.
    let path = format!("/bai-dang/{}/gui-duyet", world.posts.draft.id);
    let headers = [("sec-fetch-site", "same-origin"), ("idempotency-key", KEY)];
    assert_eq!(editor.send("POST", &path, &headers, &[]).await.status, StatusCode::SEE_OTHER);
    assert!(keys(&world).await.is_empty());
}

#[tokio::test]
async fn what_was_seen_counts_the_first_time_only() {
    let world = World::new().await;
    let editor = Browser::of(&world, &world.people.approver).await;
    let post = &world.posts.draft;
    let row = world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
    let tag = format!("\"{}\"", row.version);
    let path = format!("/api/v1/posts/{}/schedule", post.id);
    let body = json!({ "at": "2026-11-20T01:00:00Z" });
    let headers = [("idempotency-key", KEY), ("if-match", tag.as_str())];
    let at = ("POST", path.as_str());
    let first = program(&world.router, &editor.cookie, at, &headers, Some(&body)).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let again = program(&world.router, &editor.cookie, at, &headers, Some(&body)).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body), "{}", again.text());
    assert_eq!(again.header("etag"), first.header("etag"));
    // With a new key it is a new request, and the record is another.
    let headers = [("idempotency-key", "new"), ("if-match", tag.as_str())];
    let other = program(&world.router, &editor.cookie, at, &headers, Some(&body)).await;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(row.record.state, PostState::Draft);
    let log = Browser::of(&world, &world.people.admin).await.get("/api/v1/audit").await;
    assert!(!log.text().contains(KeptRequest::TABLE), "an answer that is kept is no act");
}
