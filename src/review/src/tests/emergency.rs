//! One person signs what cannot wait, where the agency allows it; a second one looks at it afterwards.

use loa_model::{Actor, Agency, Delivery, DeliveryState, Post, PostState, Priority, Role, User};
use loa_store::{Changes, Expect, StoreExt};

use super::fixture::{Desk, at, live, now, on_the_wire, window};
use crate::{Result, SECOND_WITHIN, SecondLook};

fn by() -> Actor {
    Actor::Operator("test".into())
}

fn allow(desk: &Desk, urgent_alone: bool) {
    let agency = Agency {
        name: "demo".into(),
        title: "Cổng Minh Họa".into(),
        brand: "demo".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        urgent_alone,
    };
    now(desk.store.commit(Changes::by(by(), "set agency").put(&agency, Expect::Any))).unwrap();
}

/// A post in review that the approver wrote, this urgent.
fn own(desk: &Desk, priority: Priority) -> Post {
    let post = desk.submitted();
    let row = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    let post = Post { author: desk.approver.id, priority, ..row.record };
    now(desk.store.commit(Changes::by(by(), "arrange").update(&post, row.version))).unwrap();
    post
}

fn alone(desk: &Desk, by: &User, post: &Post, reason: &str) -> Result<(Post, Delivery)> {
    let (review, seen, capability) = (&desk.review, post.digest(), &desk.capability);
    now(review.approve_alone(by, post.id, seen, window(), capability, reason))
}

/// Another approver of the agency.
fn second(desk: &Desk) -> User {
    let id = "00000000-0000-0000-0000-000000000009".parse().unwrap();
    User { id, roles: vec![Role::Approver], ..desk.approver.clone() }
}

#[test]
fn off_by_default_and_for_urgent_posts_of_ones_own_only() {
    let desk = Desk::new();
    let post = own(&desk, Priority::Urgent);
    let key = |answer: Result<(Post, Delivery)>| answer.unwrap_err().key();
    assert_eq!(key(alone(&desk, &desk.approver, &post, "lũ quét")), "not_alone", "no agency");
    allow(&desk, false);
    assert!(!now(desk.review.lets_sign_alone("demo")).unwrap());
    assert_eq!(key(alone(&desk, &desk.approver, &post, "lũ quét")), "not_alone", "not allowed");
    allow(&desk, true);
    assert!(now(desk.review.lets_sign_alone("demo")).unwrap());
    assert_eq!(key(alone(&desk, &desk.approver, &post, " ")), "no_reason");
    assert_eq!(key(alone(&desk, &desk.author, &post, "x")), "role");
    assert_eq!(key(alone(&desk, &second(&desk), &post, "x")), "not_alone", "they simply approve");
    let stranger = User { agency: "other".into(), ..desk.approver.clone() };
    assert_eq!(key(alone(&desk, &stranger, &post, "x")), "not_found");
    // The rule of two people stays where nobody asks for this.
    assert_eq!(desk.approve(&post).unwrap_err().key(), "own_post");
    assert_eq!((desk.deliveries(), desk.read(&post).state), (vec![], PostState::InReview));
    let desk = Desk::new();
    allow(&desk, true);
    let calm = own(&desk, Priority::Normal);
    assert_eq!(key(alone(&desk, &desk.approver, &calm, "x")), "not_alone", "not urgent");
}

#[test]
fn it_goes_out_at_once_and_a_second_look_is_owed_in_the_same_commit() {
    let desk = Desk::new();
    allow(&desk, true);
    let post = own(&desk, Priority::Urgent);
    let mut other = post.clone();
    other.content.text.push('!');
    assert_eq!(alone(&desk, &desk.approver, &other, "x").unwrap_err().key(), "changed");
    let (signed, delivery) = alone(&desk, &desk.approver, &post, " lũ quét ").unwrap();
    assert_eq!((signed.state, delivery.digest), (PostState::Approved, post.digest()));
    let last = now(desk.store.tail(0, 999)).unwrap().pop().unwrap();
    assert_eq!(last.changes.what, "approve own post in an emergency");
    assert_eq!(last.changes.actor, Actor::User(desk.approver.id));
    let tables: Vec<_> = last.changes.rows.iter().map(|row| row.table.as_str()).collect();
    assert_eq!(tables, ["post", "delivery", "second_look", "article", "agency"]);
    let owed = now(desk.review.second_looks("demo", 9)).unwrap();
    assert_eq!(owed.len(), 1);
    assert_eq!((owed[0].reason.as_str(), owed[0].by), ("lũ quét", desk.approver.id));
    assert_eq!(owed[0].due_at, at("2026-11-16T02:00:00Z") + SECOND_WITHIN);
    assert_eq!(now(desk.review.second_looks("other", 9)).unwrap(), []);
    assert_eq!(alone(&desk, &desk.approver, &post, "x").unwrap_err().key(), "state");
}

#[test]
fn only_another_approver_settles_it_and_once() {
    let desk = Desk::new();
    allow(&desk, true);
    let post = own(&desk, Priority::Urgent);
    let confirm = |by: &User| now(desk.review.confirm_alone(by, post.id));
    assert_eq!(confirm(&second(&desk)).unwrap_err().key(), "not_found", "nothing is owed");
    alone(&desk, &desk.approver, &post, "lũ quét").unwrap();
    let editor = User { roles: vec![Role::Editor, Role::Admin], ..second(&desk) };
    assert_eq!(confirm(&editor).unwrap_err().key(), "role");
    assert_eq!(confirm(&desk.approver).unwrap_err().key(), "own_post");
    let stranger = User { agency: "other".into(), ..second(&desk) };
    assert_eq!(confirm(&stranger).unwrap_err().key(), "not_found");
    assert_eq!(now(desk.review.second_looks("demo", 9)).unwrap().len(), 1);
    let settled = confirm(&second(&desk)).unwrap().settled.unwrap();
    assert_eq!((settled.by, settled.taken_back), (second(&desk).id, None));
    assert_eq!(now(desk.review.second_looks("demo", 9)).unwrap(), []);
    assert_eq!(confirm(&second(&desk)).unwrap_err().key(), "not_found", "once is enough");
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Scheduled);
}

#[test]
fn the_second_person_takes_it_back_wherever_it_is() {
    for sent in [false, true] {
        let desk = Desk::new();
        allow(&desk, true);
        let post = own(&desk, Priority::Urgent);
        let (_, delivery) = alone(&desk, &desk.approver, &post, "lũ quét").unwrap();
        if sent {
            let mut events = on_the_wire(delivery.digest);
            events.push(live());
            desk.drive(&delivery, events);
        }
        let back = |by: &User, why: &str| now(desk.review.take_back_alone(by, post.id, why));
        assert_eq!(back(&second(&desk), " ").unwrap_err().key(), "no_reason");
        assert_eq!(back(&desk.approver, "x").unwrap_err().key(), "own_post");
        let settled = back(&second(&desk), "sai địa danh").unwrap().settled.unwrap();
        assert_eq!(settled.taken_back.as_deref(), Some("sai địa danh"));
        let state = if sent { DeliveryState::Retracting } else { DeliveryState::Cancelled };
        let d = &desk.deliveries()[0];
        assert_eq!((d.state, d.reason.as_str()), (state, "sai địa danh"));
        let last = now(desk.store.tail(0, 999)).unwrap().pop().unwrap();
        let tables: Vec<_> = last.changes.rows.iter().map(|row| row.table.as_str()).collect();
        assert_eq!(tables, ["second_look", "delivery"], "one commit");
    }
    // What was called off meanwhile is only settled.
    let desk = Desk::new();
    allow(&desk, true);
    let post = own(&desk, Priority::Urgent);
    alone(&desk, &desk.approver, &post, "lũ quét").unwrap();
    now(desk.review.request_retraction(&second(&desk), post.id, "thôi")).unwrap();
    assert!(now(desk.review.take_back_alone(&second(&desk), post.id, "thôi")).is_ok());
    let kept: SecondLook = now(desk.store.read(&post.id.to_string())).unwrap().unwrap().record;
    assert!(kept.settled.is_some());
}
