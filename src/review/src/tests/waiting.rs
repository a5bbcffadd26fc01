//! Posts whose variants are drawn one after the other.

use std::time::Duration;

use jiff::SignedDuration;
use loa_model::{Job, JobKind, JobState, PostState};
use loa_store::{Claimed, JobEnd};

use super::*;

/// A desk whose profile wants a picture and a clip, with the job that draws the clip.
fn desk() -> (Desk, Claimed) {
    let mut desk = Desk::new();
    let rule = desk.capability.formats[&PostFormat::Photo].clone();
    desk.capability.formats.insert(PostFormat::Video, rule);
    let clip = Pick::Variant {
        role: MediaRole::Photo,
        kind: VariantKind::LongClip,
        renditions: vec!["portrait".into()],
        required: true,
    };
    desk.profile.push(Slot {
        format: PostFormat::Video,
        media: vec![clip],
        only_with: Some(VariantKind::LongClip),
        ..desk.profile[0].clone()
    });
    let mut variant = now(desk.store.all::<Variant>(9)).unwrap().remove(0).record;
    variant.id = desk.review.ids.make();
    variant.kind = VariantKind::LongClip;
    variant.state = VariantState::Queued;
    let work = JobKind::Render { variant: variant.id };
    let job = Job::new(desk.review.ids.make(), "demo", work, desk.review.clock.now());
    let changes = Changes::by(Actor::Worker("w".into()), "brief article");
    now(desk.store.commit(changes.insert(&variant).enqueue(job))).unwrap();
    let claimed = now(desk.store.claim(&["render"], "w#1", 1, Duration::from_mins(1)));
    (desk, claimed.unwrap().remove(0))
}

fn drawn(desk: &Desk, job: &Claimed) {
    let JobKind::Render { variant } = job.job.work else { panic!("{job:?}") };
    let mut row = now(desk.store.read::<Variant>(&variant.to_string())).unwrap().unwrap();
    row.record.state = VariantState::Rendered;
    let changes = Changes::by(Actor::Worker("w".into()), "render variant");
    now(desk.store.commit(changes.update(&row.record, row.version).finish(job))).unwrap();
}

fn formats(outcome: &Outcome) -> Vec<PostFormat> {
    outcome.posts.iter().map(|post| post.content.format).collect()
}

#[test]
fn each_post_is_made_when_what_it_shows_is_drawn_and_none_twice() {
    let (desk, job) = desk();
    for made in [1, 0] {
        let outcome = desk.compose().unwrap();
        assert_eq!(formats(&outcome), [PostFormat::Photo]);
        assert_eq!((outcome.made.len(), outcome.missing.len()), (made, 0));
        let waiting: Vec<_> = outcome.waiting.iter().map(|one| one.format).collect();
        assert_eq!(waiting, [PostFormat::Video]);
    }
    drawn(&desk, &job);
    for made in [1, 0] {
        let outcome = desk.compose().unwrap();
        assert_eq!(formats(&outcome), [PostFormat::Photo, PostFormat::Video]);
        assert_eq!((outcome.made.len(), outcome.missing.len()), (made, 0));
        assert_eq!(outcome.waiting, []);
    }
}

#[test]
fn nobody_waits_for_what_was_called_off() {
    let (desk, job) = desk();
    let kinds = now(desk.review.drawing(desk.article.id, 1)).unwrap();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), [VariantKind::LongClip]);
    now(desk.store.finish(&job, JobEnd::Cancel)).unwrap();
    let outcome = desk.compose().unwrap();
    assert_eq!(formats(&outcome), [PostFormat::Photo]);
    assert_eq!((outcome.waiting.len(), outcome.missing.len()), (0, 1));
    assert!(now(desk.review.drawing(desk.article.id, 1)).unwrap().is_empty());
    // Who composes and waits for it looks again at once.
    let work = JobKind::Compose {
        article: desk.article.id,
        revision: 1,
        accounts: vec![desk.account.name.clone()],
        author: desk.author.id,
        when: desk.when,
        text: None,
    };
    let later = desk.review.clock.now() + SignedDuration::from_mins(1);
    let waits = Job::new(desk.review.ids.make(), "demo", work, later);
    let id = waits.id;
    let changes = Changes::by(Actor::Worker("w".into()), "wait");
    now(desk.store.commit(changes.enqueue(waits))).unwrap();
    let variant = job.job.work.variant().unwrap();
    now(desk.review.wake(variant)).unwrap();
    assert_eq!(now(desk.store.job(id)).unwrap().unwrap().state, JobState::Available);
    let seq = desk.store.last_seq();
    now(desk.review.wake(variant)).unwrap();
    assert_eq!(desk.store.last_seq(), seq, "nobody waits any more");
    // Drawn after all, it is composed when somebody asks.
    now(desk.store.retry_job(job.job.id, Actor::User(desk.author.id))).unwrap();
    assert_eq!(desk.compose().unwrap().waiting.len(), 1);
}

#[test]
fn one_picture_waits_for_the_pages_that_would_take_its_place() {
    let (mut desk, job) = desk();
    let pages = Pick::Pages { role: MediaRole::Photo, kind: VariantKind::LongClip };
    let one = desk.profile[0].clone();
    let album = Slot { format: PostFormat::Video, media: vec![pages], ..one.clone() };
    desk.profile = vec![album, Slot { unless: Some(PostFormat::Video), ..one }];
    let outcome = desk.compose().unwrap();
    assert_eq!((outcome.posts.len(), outcome.waiting.len()), (0, 2));
    drawn(&desk, &job);
    assert_eq!(formats(&desk.compose().unwrap()), [PostFormat::Photo]);
}

#[test]
fn what_was_refused_while_the_rest_was_drawn_does_not_come_back_with_it() {
    let (mut desk, job) = desk();
    desk.asked = Some("00000000-0000-7000-8000-000000000000".parse().unwrap());
    let post = desk.compose().unwrap().posts.remove(0);
    let mut row = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    row.record.state = PostState::Void;
    let changes = Changes::by(Actor::User(desk.approver.id), "reject post");
    now(desk.store.commit(changes.update(&row.record, row.version))).unwrap();
    drawn(&desk, &job);
    assert_eq!(formats(&desk.compose().unwrap()), [PostFormat::Video]);
    // Whoever asks anew gets it.
    desk.asked = Some("ffffffff-ffff-7fff-bfff-ffffffffffff".parse().unwrap());
    assert_eq!(formats(&desk.compose().unwrap()), [PostFormat::Video, PostFormat::Photo]);
}
