//! Posts between two people, and what a change does to them.

mod any_order;
mod calendar;
mod correction;
mod emergency;
mod fixture;
mod follow;
mod pages;
mod raced;
mod reschedule;
mod rewording;
mod slots;
mod waiting;
mod words;

use std::sync::{Arc, Mutex};

use loa_model::{
    Actor, Article, ArticleState, Delivery, DeliveryEvent, DeliveryState, Digest, MediaRole,
    Membership, Post, PostFormat, PostState, Record as _, Role, User, Variant, VariantKind,
    VariantState,
};
use loa_store::{Changes, StoreExt};

use super::*;
use fixture::{Desk, at, live, now, on_the_wire, window};
use raced::Raced;

#[test]
fn drafts_follow_the_profile_and_are_made_once() {
    let desk = Desk::new();
    let first = desk.compose().unwrap();
    assert_eq!((first.posts.len(), first.made.len(), first.missing.len()), (1, 1, 0));
    let post = &first.posts[0];
    assert_eq!(post.state, PostState::Draft);
    assert_eq!(post.scheduled_at, at("2026-11-16T04:00:00Z"));
    let files: Vec<_> =
        post.content.media.iter().map(|m| (m.alt.as_str(), m.variant.is_some())).collect();
    assert_eq!(files, [("Thẻ ảnh", true), ("Ruộng bậc thang", false)]);
    let link = &post.content.link;
    assert_eq!(link.url, format!("https://lo.example/l/{}", link.code));
    assert_eq!(
        link.target,
        format!(
            "https://minhhoa.example/a-1.htm?utm_source=memo&utm_medium=social&utm_campaign=memo%3Acong-tin&utm_content={}",
            link.code
        )
    );
    let again = desk.compose().unwrap();
    assert_eq!((again.posts, again.made), (first.posts, vec![]));
}

#[test]
fn the_link_of_an_article_without_an_address_leads_nowhere_else() {
    let desk = Desk::new();
    let mut article = desk.article.clone();
    article.source.canonical_url = "urn:sha256:82a812f1".into();
    let row = now(desk.store.read::<Article>(&article.key())).unwrap().unwrap();
    let changes = Changes::by(Actor::Worker("w".into()), "read").update(&article, row.version);
    now(desk.store.commit(changes)).unwrap();
    let link = desk.post().content.link;
    assert_eq!((link.url, &*link.target), (format!("https://lo.example/l/{}", link.code), ""));
}

/// The profile of the README is one that is understood.
#[test]
fn a_profile_is_data() {
    let readme = include_str!("../README.md");
    let text = readme.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    let slots: Vec<Slot> = table.remove("slot").unwrap().try_into().unwrap();
    assert_eq!((slots.len(), slots[0].media.len(), slots[1].after_minutes), (2, 2, 30));
    let unknown =
        "[[slot]]\nformat = \"photo\"\nmedia = []\nwhen = 3".parse::<toml::Table>().unwrap();
    assert!(unknown["slot"].clone().try_into::<Vec<Slot>>().is_err());
}

#[test]
fn what_is_missing_is_said() {
    let mut desk = Desk::new();
    desk.profile[0].media = vec![Pick::Variant {
        role: MediaRole::Video,
        kind: VariantKind::ShortClip,
        renditions: vec!["1080x1920".into()],
        required: true,
    }];
    desk.profile.push(Slot {
        format: PostFormat::Article,
        unless: None,
        only_with: None,
        media: vec![],
        after_minutes: 0,
    });
    let outcome = desk.compose().unwrap();
    assert_eq!(outcome.posts, []);
    assert!(outcome.missing[0].what.contains("short_clip"));
    assert_eq!(outcome.missing[1].what, "format");
    desk.account.agency = "other".into();
    assert_eq!(desk.compose().unwrap_err().key(), "account");
}

#[test]
fn a_draft_the_channel_would_refuse_is_not_submitted() {
    let desk = Desk::new();
    let post = desk.post();
    let mut content = post.content.clone();
    content.text.push_str(&"dài quá ".repeat(40));
    now(desk.review.edit(&desk.author, post.id, content)).unwrap();
    let error = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap_err();
    assert!(matches!(&error, ReviewError::Violations(v) if v[0].problem == "too_long"), "{error}");
    assert_eq!(desk.read(&post).state, PostState::Draft);
}

#[test]
fn two_people_and_one_delivery() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (approved, delivery) = desk.approve(&post).unwrap();
    assert_eq!(approved.state, PostState::Approved);
    assert_eq!(
        (delivery.digest, delivery.state, &delivery.marker),
        (post.digest(), DeliveryState::Scheduled, &post.content.link.code)
    );
    assert_eq!((delivery.due_at, delivery.not_after), (post.scheduled_at, window().not_after));
    // One commit: post, delivery and the audit entry with the approver's name.
    let entries = now(desk.store.tail(0, 100)).unwrap();
    let last = entries.last().unwrap();
    assert_eq!(
        (last.changes.what.as_str(), &last.changes.actor),
        ("approve post", &Actor::User(desk.approver.id))
    );
    let tables: Vec<_> = last.changes.rows.iter().map(|row| row.table.as_str()).collect();
    assert_eq!(tables, ["post", "delivery", "article"]);
    assert_eq!(desk.approve(&post).unwrap_err().key(), "state");
    assert_eq!(desk.deliveries(), [delivery]);
}

#[test]
fn the_author_does_not_approve() {
    let mut desk = Desk::new();
    let post = desk.submitted();
    assert!(matches!(
        now(desk.review.approve(&desk.author, post.id, post.digest(), window(), &desk.capability)),
        Err(ReviewError::Role { .. })
    ));
    desk.author.roles.push(Role::Approver);
    assert_eq!(
        now(desk.review.approve(&desk.author, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "own_post"
    );
    // Whoever changes a post is its author: the approver cannot approve her own change.
    let edited = now(desk.review.edit(&desk.approver, post.id, post.content.clone())).unwrap();
    now(desk.review.submit(&desk.approver, post.id, &desk.capability)).unwrap();
    assert_eq!(desk.approve(&edited).unwrap_err().key(), "own_post");
    let admin = User { roles: vec![Role::Admin], ..desk.approver.clone() };
    assert_eq!(
        now(desk.review.approve(&admin, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "role"
    );
    let stranger = User { agency: "other".into(), ..desk.approver.clone() };
    assert_eq!(
        now(desk.review.approve(&stranger, post.id, post.digest(), window(), &desk.capability))
            .unwrap_err()
            .key(),
        "not_found"
    );
    assert_eq!(desk.deliveries(), []);
}

/// Whoever writes as a member of one agency does not sign as a member of another.
#[test]
fn who_wrote_a_post_does_not_approve_it_as_somebody_of_another_agency() {
    let mut desk = Desk::new();
    let there = Membership { agency: "other".into(), roles: vec![Role::Approver] };
    desk.author.also = vec![there];
    let post = desk.submitted();
    let as_approver = desk.author.in_agency("other").unwrap();
    let approve = |desk: &Desk, by: &User| {
        let signed = desk.review.approve(by, post.id, post.digest(), window(), &desk.capability);
        now(signed).unwrap_err().key()
    };
    assert_eq!(approve(&desk, &as_approver), "not_found");
    // The other way round: they belong to the other agency and sign here.
    let home = Membership { agency: post.agency.clone(), roles: vec![Role::Approver] };
    let guest = User { agency: "other".into(), also: vec![home], ..desk.author.clone() };
    assert_eq!(approve(&desk, &guest.in_agency(&post.agency).unwrap()), "own_post");
    assert_eq!(desk.deliveries(), []);
}

/// An editor's change does not make the first author a stranger to the post; nor does the draft after an approval.
#[test]
fn nobody_who_wrote_any_version_approves() {
    let mut desk = Desk::new();
    desk.author.roles.push(Role::Approver);
    let person = |id: &str| User { id: id.parse().unwrap(), ..desk.author.clone() };
    let editor = person("00000000-0000-0000-0000-000000000007");
    let other = person("00000000-0000-0000-0000-000000000008");
    let refused = |desk: &Desk, by: &User, post: &Post| {
        let post = desk.read(post);
        let (digest, window) = (post.digest(), window());
        let answer = now(desk.review.approve(by, post.id, digest, window, &desk.capability));
        answer.is_err_and(|error| error.key() == "own_post")
    };
    let post = desk.submitted();
    for text in ["Sửa lần một", "Sửa lần hai"] {
        let mut content = desk.read(&post).content;
        content.text = format!("{text}: {}", content.text);
        now(desk.review.edit(&editor, post.id, content)).unwrap();
    }
    now(desk.review.submit(&editor, post.id, &desk.capability)).unwrap();
    assert_eq!(desk.read(&post).editors, [desk.author.id]);
    assert!(refused(&desk, &editor, &post));
    assert!(refused(&desk, &desk.author, &post), "the first author signs the editor's words");
    desk.approve(&desk.read(&post)).unwrap();
    // Changed after approval: a new post, and the same people wrote it.
    let content = desk.read(&post).content;
    let draft = now(desk.review.edit(&other, post.id, content)).unwrap();
    now(desk.review.submit(&other, draft.id, &desk.capability)).unwrap();
    for writer in [&desk.author, &editor, &other] {
        assert!(refused(&desk, writer, &draft), "{}", writer.id);
    }
    assert!(desk.approve(&draft).is_ok());
}

#[test]
fn what_is_signed_is_what_was_seen() {
    let desk = Desk::new();
    let seen = desk.submitted();
    let mut content = seen.content.clone();
    content.media[0].alt = "Chữ khác".into();
    now(desk.review.edit(&desk.author, seen.id, content)).unwrap();
    now(desk.review.submit(&desk.author, seen.id, &desk.capability)).unwrap();
    let error = desk.approve(&seen).unwrap_err();
    assert!(matches!(error, ReviewError::Changed { seen: s, .. } if s == seen.digest()));
    assert_eq!(desk.deliveries(), []);
    assert!(desk.approve(&desk.read(&seen)).is_ok());
}

#[test]
fn windows_must_make_sense() {
    let desk = Desk::new();
    let post = desk.submitted();
    let check = |from: &str, to: &str| {
        let window = Window { not_before: at(from), not_after: at(to) };
        let error = now(desk.review.approve(
            &desk.approver,
            post.id,
            post.digest(),
            window,
            &desk.capability,
        ))
        .unwrap_err();
        assert_eq!(error.key(), "window", "{from} {to}");
    };
    check("2026-11-16T05:00:00Z", "2026-11-16T04:30:00Z");
    check("2026-11-16T00:00:00Z", "2026-11-16T01:00:00Z");
    check("2026-11-16T03:00:00Z", "2026-11-16T03:30:00Z");
}

#[test]
fn an_edit_after_approval_voids_it() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    let mut content = post.content.clone();
    content.text = format!("Sửa: {}", content.text);
    let draft = now(desk.review.edit(&desk.author, post.id, content.clone())).unwrap();
    assert_eq!(desk.read(&post).state, PostState::Void);
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Cancelled);
    assert_eq!((draft.state, draft.approval.is_none()), (PostState::Draft, true));
    assert_ne!(draft.content.link, post.content.link);
    assert!(
        draft.content.text.starts_with("Sửa: ")
            && draft.content.text.ends_with(&draft.content.link.url)
    );
    assert_eq!(
        now(desk.review.edit(&desk.author, draft.id, content)).unwrap_err().key(),
        "link_changed"
    );
    assert_eq!(delivery.post, post.id);
}

/// A post that the platform accepted and still processes: neither voided by an edit nor held by a revision.
#[test]
fn what_may_be_live_is_left_to_the_delivery() {
    let accepted = || {
        let desk = Desk::new();
        let post = desk.submitted();
        let (_, delivery) = desk.approve(&post).unwrap();
        let mut events = on_the_wire(post.digest());
        let ticket = loa_model::Ticket { step: "poll".into(), data: serde_json::Value::Null };
        events.push(DeliveryEvent::Step { ticket });
        assert!(desk.drive(&delivery, events).may_be_live());
        (desk, post)
    };
    let (desk, post) = accepted();
    let error = now(desk.review.edit(&desk.author, post.id, post.content.clone())).unwrap_err();
    assert_eq!(error.key(), "too_late");
    let effects = desk.change_article().unwrap();
    assert_eq!((effects.held, effects.live, effects.voided), (0, 1, 1));
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Leased);
    let (desk, post) = accepted();
    let wish = now(desk.review.request_retraction(&desk.approver, post.id, "Sai số liệu")).unwrap();
    assert!(wish.cancel_requested && !wish.state.is_terminal());
}

#[test]
fn nothing_is_edited_on_the_wire() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    desk.drive(&delivery, on_the_wire(post.digest()));
    let error = now(desk.review.edit(&desk.author, post.id, post.content.clone())).unwrap_err();
    assert!(matches!(error, ReviewError::TooLate { state: "intent" }));
    assert_eq!(desk.read(&post).state, PostState::Approved);
    desk.drive(&delivery, vec![live()]);
    assert_eq!(
        now(desk.review.edit(&desk.author, post.id, post.content.clone())).unwrap_err().key(),
        "too_late"
    );
}

#[test]
fn a_return_needs_a_reason_and_an_approver() {
    let desk = Desk::new();
    let post = desk.submitted();
    assert_eq!(
        now(desk.review.return_with_reason(&desk.author, post.id, "x")).unwrap_err().key(),
        "role"
    );
    assert_eq!(
        now(desk.review.return_with_reason(&desk.approver, post.id, "  ")).unwrap_err().key(),
        "no_reason"
    );
    let back =
        now(desk.review.return_with_reason(&desk.approver, post.id, "Thiếu số hiệu văn bản"))
            .unwrap();
    assert_eq!((back.state, back.reason.as_str()), (PostState::Returned, "Thiếu số hiệu văn bản"));
    let again = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    assert_eq!((again.state, again.reason.as_str()), (PostState::InReview, ""));
}

#[test]
fn what_is_refused_is_over_and_a_new_draft_can_be_made() {
    let desk = Desk::new();
    let post = desk.submitted();
    let reject = |by: &User, reason: &str| now(desk.review.reject(by, post.id, reason));
    assert_eq!(reject(&desk.author, "x").unwrap_err().key(), "role");
    assert_eq!(reject(&desk.approver, " \n").unwrap_err().key(), "no_reason");
    let stranger = User { agency: "other".into(), ..desk.approver.clone() };
    assert_eq!(reject(&stranger, "x").unwrap_err().key(), "not_found");
    assert_eq!(desk.read(&post), post);
    let over = reject(&desk.approver, " Trùng bài hôm qua ").unwrap();
    assert_eq!((over.state, over.reason.as_str()), (PostState::Void, "Trùng bài hôm qua"));
    let last = now(desk.store.tail(0, 100)).unwrap().pop().unwrap();
    let told = (last.changes.what.as_str(), &last.changes.actor);
    assert_eq!(told, ("reject post", &Actor::User(desk.approver.id)));
    // It is over for good.
    assert_eq!(reject(&desk.approver, "x").unwrap_err().key(), "state");
    assert_eq!(desk.approve(&post).unwrap_err().key(), "state");
    let again = now(desk.review.submit(&desk.author, post.id, &desk.capability));
    assert_eq!(again.unwrap_err().key(), "state");
    assert_eq!(desk.deliveries(), []);
    let anew = desk.compose().unwrap();
    assert_eq!((anew.made.len(), anew.posts[0].state), (1, PostState::Draft));
    assert_ne!(anew.posts[0].id, post.id);
}

#[test]
fn a_new_revision_stops_what_is_not_live() {
    let desk = Desk::new();
    let post = desk.submitted();
    desk.approve(&post).unwrap();
    let effects = desk.change_article().unwrap();
    assert_eq!(effects, Effects { voided: 1, held: 1, stale: 1, live: 0 });
    assert_eq!(desk.read(&post).state, PostState::Void);
    assert_eq!(desk.deliveries()[0].state, DeliveryState::Held);
    assert_eq!(desk.compose().unwrap_err().key(), "article_changed");
    // The same revision again is not the next one.
    assert_eq!(desk.change_article().unwrap_err().key(), "state");
}

#[test]
fn a_live_post_stays_and_is_counted() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (_, delivery) = desk.approve(&post).unwrap();
    let mut events = on_the_wire(post.digest());
    events.push(live());
    desk.drive(&delivery, events);
    assert_eq!(desk.change_article().unwrap(), Effects { voided: 0, held: 0, stale: 1, live: 1 });
    assert_eq!(desk.read(&post).state, PostState::Approved);
}

#[test]
fn a_post_of_a_changed_article_or_variant_is_not_approved() {
    let desk = Desk::new();
    let post = desk.submitted();
    let mut variant = now(desk.store.all::<Variant>(9)).unwrap().remove(0);
    variant.record.state = VariantState::Stale;
    let stale =
        Changes::by(Actor::Worker("w".into()), "stale").update(&variant.record, variant.version);
    now(desk.store.commit(stale)).unwrap();
    assert_eq!(desk.approve(&post).unwrap_err().key(), "stale_variant");
    // The article alone is superseded, as by a store that was restored halfway.
    let mut article = now(desk.store.all::<Article>(9)).unwrap().remove(0);
    article.record.state = ArticleState::Superseded;
    let changes = Changes::by(Actor::Worker("w".into()), "supersede")
        .update(&article.record, article.version);
    now(desk.store.commit(changes)).unwrap();
    assert_eq!(desk.approve(&post).unwrap_err().key(), "article_changed");
    assert_eq!(desk.deliveries(), []);
}

#[test]
fn retraction_by_the_state_of_its_delivery() {
    let check =
        |events: fn(Digest) -> Vec<DeliveryEvent>, state: DeliveryState, requested: bool| {
            let desk = Desk::new();
            let post = desk.submitted();
            let (_, delivery) = desk.approve(&post).unwrap();
            desk.drive(&delivery, events(post.digest()));
            assert_eq!(
                now(desk.review.request_retraction(&desk.author, post.id, "sai số liệu"))
                    .unwrap_err()
                    .key(),
                "role"
            );
            assert_eq!(
                now(desk.review.request_retraction(&desk.approver, post.id, "")).unwrap_err().key(),
                "no_reason"
            );
            let after = now(desk.review.request_retraction(&desk.approver, post.id, "sai số liệu"))
                .unwrap();
            assert_eq!(
                (after.state, after.cancel_requested, after.reason.as_str()),
                (state, requested, "sai số liệu")
            );
        };
    check(|_| vec![], DeliveryState::Cancelled, false);
    check(on_the_wire, DeliveryState::Intent, true);
    check(
        |digest| on_the_wire(digest).into_iter().chain([live()]).collect(),
        DeliveryState::Retracting,
        false,
    );
    let desk = Desk::new();
    let post = desk.post();
    assert_eq!(
        now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap_err().key(),
        "not_found"
    );
    now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    desk.approve(&post).unwrap();
    now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap();
    assert_eq!(
        now(desk.review.request_retraction(&desk.approver, post.id, "x")).unwrap_err().key(),
        "too_late"
    );
}

#[tokio::test]
async fn the_slower_of_two_is_told() {
    let desk = Desk::new();
    let post = desk.submitted();
    let stored = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    let rival = Changes::by(Actor::User(desk.author.id), "edit post")
        .update(&stored.record, stored.version);
    let raced = Raced { inner: desk.store.clone(), rival: Mutex::new(Some(rival)) };
    let mut review = desk.review.clone();
    review.store = Arc::new(raced);
    let error = review
        .approve(&desk.approver, post.id, post.digest(), window(), &desk.capability)
        .await
        .unwrap_err();
    assert_eq!(error.key(), "conflict");
    assert_eq!(desk.deliveries(), []);
    assert!(desk.approve(&post).is_ok());
}

#[test]
fn every_error_has_a_key() {
    let mut keys = ReviewError::KEYS.to_vec();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), ReviewError::KEYS.len());
}

fn again(desk: &Desk, by: &User, post: &Post) -> Result<Delivery, ReviewError> {
    let signed =
        desk.review.approve_again(by, post.id, post.digest(), later_window(), &desk.capability);
    now(signed).map(|(_, delivery)| delivery)
}

/// A window after the one of [`window`].
fn later_window() -> Window {
    let Window { not_after, .. } = window();
    Window { not_before: not_after, not_after: not_after + jiff::SignedDuration::from_hours(5) }
}

/// What was approved and is over without being live is signed anew for another window, by another person than its author.
#[test]
fn a_post_that_missed_its_window_is_approved_again() {
    let desk = Desk::new();
    let post = desk.submitted();
    assert_eq!(again(&desk, &desk.approver, &post).unwrap_err().key(), "not_approved");
    let (_, first) = desk.approve(&post).unwrap();
    assert_eq!(again(&desk, &desk.approver, &post).unwrap_err().key(), "too_late", "under way");
    desk.drive(&first, vec![DeliveryEvent::Cancel { reason: "x".into() }]);
    assert_eq!(again(&desk, &desk.author, &post).unwrap_err().key(), "role");
    let mut own = desk.author.clone();
    own.roles.push(Role::Approver);
    assert_eq!(again(&desk, &own, &post).unwrap_err().key(), "own_post");
    let second = again(&desk, &desk.approver, &post).unwrap();
    assert_eq!((second.state, second.retry_of), (DeliveryState::Scheduled, Some(first.id)));
    assert_eq!(
        (second.due_at, second.not_after),
        (later_window().not_before, later_window().not_after)
    );
    let approval = desk.read(&post).approval.unwrap();
    assert_eq!((approval.digest, approval.not_after), (post.digest(), later_window().not_after));
    assert_eq!(again(&desk, &desk.approver, &post).unwrap_err().key(), "too_late", "once");
    desk.drive(&second, vec![DeliveryEvent::Cancel { reason: "x".into() }]);
    desk.change_article().unwrap();
    assert_eq!(again(&desk, &desk.approver, &post).unwrap_err().key(), "not_approved", "void");
}
