//! Whatever people do and in whatever order: nothing goes out that was not signed.

use std::collections::BTreeSet;

use loa_model::PostId;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Move {
    Compose,
    Submit { who: bool, post: usize },
    Approve { who: bool, post: usize, stale: bool },
    Return { post: usize },
    Edit { who: bool, post: usize, word: u8 },
    Revise,
    Retract { post: usize },
    Send { delivery: usize, far: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => Just(Move::Compose),
        4 => (any::<bool>(), 0..4_usize).prop_map(|(who, post)| Move::Submit { who, post }),
        6 => (any::<bool>(), 0..4_usize, prop::bool::weighted(0.2)).prop_map(|(who, post, stale)| Move::Approve { who, post, stale }),
        1 => (0..4_usize).prop_map(|post| Move::Return { post }),
        3 => (any::<bool>(), 0..4_usize, any::<u8>()).prop_map(|(who, post, word)| Move::Edit { who, post, word }),
        1 => Just(Move::Revise),
        1 => (0..4_usize).prop_map(|post| Move::Retract { post }),
        2 => (0..4_usize, 1..5_usize).prop_map(|(delivery, far)| Move::Send { delivery, far }),
    ];
    prop::collection::vec(one, 1..40)
}

proptest! {
    #[test]
    fn no_delivery_without_a_signature(moves in moves()) {
        let mut desk = Desk::new();
        desk.author.roles.push(Role::Approver);
        let mut signed: BTreeSet<(PostId, Digest)> = BTreeSet::new();
        let mut revised = false;
        for step in moves {
            let posts: Vec<Post> = now(desk.store.all::<Post>(100)).unwrap().into_iter().map(|p| p.record).collect();
            let pick = |n: usize| posts.get(n % posts.len().max(1)).cloned();
            let person = |who: bool| if who { desk.author.clone() } else { desk.approver.clone() };
            match step {
                Move::Compose => drop(desk.compose()),
                Move::Submit { who, post } => {
                    if let Some(post) = pick(post) {
                        drop(now(desk.review.submit(&person(who), post.id, &desk.capability)));
                    }
                }
                Move::Approve { who, post, stale } => {
                    if let Some(post) = pick(post) {
                        let seen = if stale { Digest::of(b"another screen") } else { post.digest() };
                        let by = person(who);
                        if now(desk.review.approve(&by, post.id, seen, window(), &desk.capability)).is_ok() {
                            prop_assert!(by.id != post.author && !stale);
                            prop_assert!(signed.insert((post.id, seen)), "signed twice");
                        }
                    }
                }
                Move::Return { post } => {
                    if let Some(post) = pick(post) {
                        drop(now(desk.review.return_with_reason(&desk.approver, post.id, "sửa lại")));
                    }
                }
                Move::Edit { who, post, word } => {
                    if let Some(post) = pick(post) {
                        let mut content = post.content.clone();
                        content.text = format!("{word} {}", content.text);
                        drop(now(desk.review.edit(&person(who), post.id, content)));
                    }
                }
                Move::Revise => revised |= desk.change_article().is_ok(),
                Move::Retract { post } => {
                    if let Some(post) = pick(post) {
                        drop(now(desk.review.request_retraction(&desk.approver, post.id, "sai")));
                    }
                }
                Move::Send { delivery, far } => {
                    let all = desk.deliveries();
                    if let Some(d) = all.get(delivery % all.len().max(1)).filter(|d| d.state == DeliveryState::Scheduled) {
                        let events = on_the_wire(d.digest).into_iter().chain([live()]).take(far).collect();
                        desk.drive(d, events);
                    }
                }
            }
            let mut of_posts: BTreeSet<PostId> = BTreeSet::new();
            for delivery in desk.deliveries() {
                prop_assert!(signed.contains(&(delivery.post, delivery.digest)), "nobody signed {:?}", delivery.id);
                prop_assert!(of_posts.insert(delivery.post), "two deliveries of one post");
                let post = now(desk.store.read::<Post>(&delivery.post.to_string())).unwrap().unwrap().record;
                prop_assert_eq!(post.digest(), delivery.digest, "the post changed under its delivery");
                let waiting = matches!(delivery.state, DeliveryState::Scheduled | DeliveryState::Ready | DeliveryState::Leased);
                prop_assert!(!waiting || post.state == PostState::Approved, "a void post waits to be sent");
                prop_assert!(!waiting || !revised, "a post of an old text waits to be sent");
            }
        }
    }
}
