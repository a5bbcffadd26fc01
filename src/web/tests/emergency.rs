//! An urgent post that its writer signs alone, and the second look that is owed then.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use axum::http::StatusCode;
use loa_model::{Agency, Post, PostState, Priority, Role, User};
use loa_store::{Changes, Expect, Store as _, StoreExt as _};
use serde_json::json;
use support::{World, browser::Browser, records};

async fn allow(world: &World, urgent_alone: bool) {
    let agency = Agency {
        name: "demo".into(),
        title: "Cổng Minh Họa".into(),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone,
    };
    let changes = Changes::by(records::by(), "set agency").put(&agency, Expect::Any);
    world.store.commit(changes).await.unwrap();
}

/// The waiting post, as one that the approver wrote and that is urgent.
async fn own(world: &World) -> Post {
    let id = world.posts.waiting.id.to_string();
    let row = world.store.read::<Post>(&id).await.unwrap().unwrap();
    let author = world.people.approver.id;
    let post = Post { author, priority: Priority::Urgent, ..row.record };
    let changes = Changes::by(records::by(), "arrange").update(&post, row.version);
    world.store.commit(changes).await.unwrap();
    post
}

async fn state(world: &World, post: &Post) -> PostState {
    world.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap().record.state
}

async fn second(world: &World) -> User {
    world.colleague(&world.people.author, &[Role::Approver]).await
}

#[tokio::test]
async fn it_is_offered_only_where_the_agency_allows_it_and_wants_a_reason() {
    let world = World::new().await;
    let post = own(&world).await;
    let approver = Browser::of(&world, &world.people.approver).await;
    let (page, path) =
        (format!("/duyet?bai={}", post.id), format!("/bai-dang/{}/duyet-khan", post.id));
    let digest = post.digest().to_string();
    let form = [("digest", digest.as_str()), ("reason", "lũ quét")];
    for allowed in [false, true] {
        if allowed {
            allow(&world, true).await;
        }
        assert_eq!(approver.get(&page).await.text().contains(&path), allowed);
        let (form, said) = if allowed {
            ([form[0], ("reason", " ")], "Hãy ghi lý do.")
        } else {
            (form, "Không duyệt khẩn một mình được")
        };
        let refused = approver.post(&path, &form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{allowed}");
        assert!(refused.text().contains(said), "{allowed}: {}", refused.text());
    }
    // The plain way stays shut, one by one and together.
    let plain = format!("/bai-dang/{}/duyet", post.id);
    assert_eq!(approver.post(&plain, &form[..1]).await.status, StatusCode::CONFLICT);
    let ticked = format!("{}:{digest}", post.id);
    approver.post("/duyet/nhieu", &[("post", &ticked)]).await;
    assert_eq!(state(&world, &post).await, PostState::InReview);
    let author = Browser::of(&world, &world.people.author).await;
    assert_eq!(author.post(&path, &form).await.status, StatusCode::FORBIDDEN);
    let stranger = Browser::of(&world, &world.people.stranger).await;
    assert_eq!(stranger.post(&path, &form).await.status, StatusCode::NOT_FOUND);
    let answer = approver.post(&path, &form).await;
    let after = format!("/duyet?vua={}", post.id);
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, after.as_str()));
    assert_eq!(state(&world, &post).await, PostState::Approved);
}

#[tokio::test]
async fn a_second_approver_is_asked_until_they_keep_it_or_take_it_back() {
    for act in ["confirm", "take_back"] {
        let world = World::new().await;
        allow(&world, true).await;
        let post = own(&world).await;
        let approver = Browser::of(&world, &world.people.approver).await;
        let other = Browser::of(&world, &second(&world).await).await;
        let ask = json!({ "digest": post.digest(), "alone_because": "lũ <b>quét</b>" });
        let path = |act: &str| format!("/api/v1/posts/{}/{act}", post.id);
        let answer = approver.json(&path("approve"), &ask).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let form = format!("/bai-dang/{}/xem-lai", post.id);
        let list = other.get("/can-xu-ly").await;
        assert!(list.text().contains("lũ &lt;b&gt;quét&lt;") && list.text().contains(&form));
        assert!(
            list.text().replace("&#x2f;", "/").contains("Xem lại trước 16:30 17/11/2026"),
            "{}",
            list.text()
        );
        // A day later it is overdue; whoever was signed in before is not any more.
        world.clock.set("2026-11-17T09:31:00Z");
        let third = world.colleague(&world.people.approver, &[Role::Approver]).await;
        let late = Browser::of(&world, &third).await.get("/can-xu-ly").await;
        let said = late.text().replace("&#x2f;", "/");
        assert!(said.contains("Quá hạn xem lại từ 16:30 17/11/2026"), "{said}");
        world.clock.set("2026-11-16T10:00:00Z");
        let own = approver.get("/can-xu-ly").await;
        assert!(own.text().contains("Cần một người duyệt khác") && !own.text().contains(&form));
        let refused = approver.post(&form, &[("act", act), ("reason", "x")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let stranger = Browser::of(&world, &world.people.stranger).await;
        let refused = stranger.post(&form, &[("act", act), ("reason", "x")]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        assert!(!stranger.get("/can-xu-ly").await.text().contains("lũ"));
        let blank = other.json(&path("second-look"), &json!({ "act": "take_back" })).await;
        assert_eq!(blank.status, StatusCode::UNPROCESSABLE_ENTITY);
        let unknown = other.json(&path("second-look"), &json!({ "act": "forget" })).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        let done = other.post(&form, &[("act", act), ("reason", "sai địa danh")]).await;
        assert_eq!(done.header("location"), "/can-xu-ly", "{}", done.text());
        assert!(!other.get("/can-xu-ly").await.text().contains(&form), "nobody is asked again");
        let twice = other.json(&path("second-look"), &json!({ "act": "confirm" })).await;
        assert_eq!(twice.status, StatusCode::NOT_FOUND);
        let d = world.delivery_of(&post).await;
        let cancelled = d.state == loa_model::DeliveryState::Cancelled;
        assert_eq!(cancelled, act == "take_back", "{act}: {:?}", d.state);
        let life = other.get(&path("timeline")).await.value();
        let kinds: Vec<_> =
            life["steps"].as_array().unwrap().iter().map(|s| s["kind"].clone()).collect();
        let kept = if act == "confirm" { "second_kept" } else { "second_taken_back" };
        assert!(
            kinds.contains(&json!("approved_alone")) && kinds.contains(&json!(kept)),
            "{kinds:?}"
        );
        let page = other.get(&format!("/bai-dang/{}", post.id)).await;
        assert!(page.text().contains("Duyệt khẩn một mình"), "{}", page.text());
    }
}
