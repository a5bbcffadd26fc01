//! Other words for a live post go through review and never become a second post.

use loa_model::{Delivery, DeliveryState, Post, PostContent, PostState, Role, User};

use super::fixture::{Desk, live, now, on_the_wire, window};
use crate::{Corrects, Result};

/// A live post with its delivery.
fn published(desk: &Desk) -> (Post, Delivery) {
    let post = desk.submitted();
    let (post, delivery) = desk.approve(&post).unwrap();
    let mut events = on_the_wire(delivery.digest);
    events.push(live());
    (post, desk.drive(&delivery, events))
}

fn other(post: &Post) -> PostContent {
    let mut content = post.content.clone();
    content.text = content.text.replace("Hỗ trợ", "Đính chính: hỗ trợ");
    content
}

fn correct(desk: &Desk, by: &User, post: &Post, reason: &str) -> Result<Post> {
    now(desk.review.correct(by, post.id, other(post), reason))
}

fn sign(desk: &Desk, by: &User, post: &Post) -> Result<(Post, Corrects)> {
    let (review, seen, capability) = (&desk.review, post.digest(), &desk.capability);
    now(review.approve_correction(by, post.id, seen, window(), capability))
}

#[test]
fn a_correction_is_signed_by_a_second_person_and_makes_no_delivery() {
    let desk = Desk::new();
    let (post, delivery) = published(&desk);
    assert_eq!(correct(&desk, &desk.author, &post, " ").unwrap_err().key(), "no_reason");
    let analyst = User { roles: vec![Role::Analyst], ..desk.author.clone() };
    assert_eq!(correct(&desk, &analyst, &post, "x").unwrap_err().key(), "role");
    let stranger = User { agency: "other".into(), ..desk.author.clone() };
    assert_eq!(correct(&desk, &stranger, &post, "x").unwrap_err().key(), "not_found");
    let draft = correct(&desk, &desk.author, &post, " sai số ").unwrap();
    assert_eq!((draft.state, draft.approval.clone()), (PostState::Draft, None));
    assert!(draft.content.text.contains("Đính chính") && draft.author == desk.author.id);
    let link = &draft.content.link;
    assert_eq!(link, &post.content.link, "the clicks of the live post stay together");
    assert!(draft.content.text.contains(&link.url));
    let told = now(desk.review.corrects(draft.id)).unwrap().unwrap();
    assert_eq!((told.live, told.reason.as_str()), (post.id, "sai số"));
    assert_eq!(now(desk.review.corrects(post.id)).unwrap(), None);
    assert_eq!(sign(&desk, &desk.approver, &draft).unwrap_err().key(), "state", "not submitted");
    let draft = now(desk.review.submit(&desk.author, draft.id, &desk.capability)).unwrap();
    assert_eq!(desk.approve(&draft).unwrap_err().key(), "is_correction");
    let mut writer = desk.author.clone();
    writer.roles.push(Role::Approver);
    assert_eq!(sign(&desk, &writer, &draft).unwrap_err().key(), "own_post");
    let mut seen = draft.clone();
    seen.content.text.push('!');
    assert_eq!(sign(&desk, &desk.approver, &seen).unwrap_err().key(), "changed");
    let (signed, corrects) = sign(&desk, &desk.approver, &draft).unwrap();
    assert_eq!((signed.state, corrects.live), (PostState::Approved, post.id));
    assert_eq!(signed.approval.unwrap().digest, draft.digest());
    assert_eq!(desk.deliveries(), [delivery], "nothing is posted a second time");
    // Nor by signing it again.
    let (review, capability) = (&desk.review, &desk.capability);
    let again =
        review.approve_again(&desk.approver, draft.id, draft.digest(), window(), capability);
    assert_eq!(now(again).unwrap_err().key(), "is_correction");
}

#[test]
fn what_takes_the_place_of_a_correction_is_one() {
    let desk = Desk::new();
    let (post, delivery) = published(&desk);
    let draft = correct(&desk, &desk.author, &post, "sai số").unwrap();
    let draft = now(desk.review.submit(&desk.author, draft.id, &desk.capability)).unwrap();
    let (signed, _) = sign(&desk, &desk.approver, &draft).unwrap();
    let next = now(desk.review.edit(&desk.author, signed.id, signed.content.clone())).unwrap();
    assert_ne!(next.id, signed.id);
    assert_eq!(next.content.link, post.content.link);
    let next = now(desk.review.submit(&desk.author, next.id, &desk.capability)).unwrap();
    assert_eq!(desk.approve(&next).unwrap_err().key(), "is_correction");
    assert_eq!(now(desk.review.corrects(next.id)).unwrap().unwrap().live, post.id);
    assert_eq!(desk.deliveries(), [delivery]);
}

#[test]
fn what_is_not_live_is_not_corrected_and_the_article_may_have_moved_on() {
    let desk = Desk::new();
    let post = desk.submitted();
    assert_eq!(correct(&desk, &desk.author, &post, "x").unwrap_err().key(), "not_live");
    let (post, delivery) = desk.approve(&post).unwrap();
    assert_eq!(correct(&desk, &desk.author, &post, "x").unwrap_err().key(), "not_live");
    let mut content = other(&post);
    let mut events = on_the_wire(delivery.digest);
    events.push(live());
    assert_eq!(desk.drive(&delivery, events).state, DeliveryState::Published);
    content.link.code = "khac".into();
    let relinked = now(desk.review.correct(&desk.author, post.id, content, "x"));
    assert_eq!(relinked.unwrap_err().key(), "link_changed");
    // The text of the portal changed: the correction follows it, with the picture that people see already.
    desk.change_article().unwrap();
    let draft = correct(&desk, &desk.author, &post, "số liệu mới").unwrap();
    assert_eq!((draft.revision, post.revision), (2, 1));
    let sent = now(desk.review.submit(&desk.author, draft.id, &desk.capability));
    assert!(sent.is_ok(), "{:?}", sent.err());
}
