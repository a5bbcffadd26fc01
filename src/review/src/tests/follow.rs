//! A picture that an editor had drawn anew.

use super::*;

/// The variant of the desk, drawn anew.
fn drawn_anew(desk: &Desk) -> Variant {
    let mut variant = now(desk.store.all::<Variant>(9)).unwrap().remove(0).record;
    variant.id = desk.review.ids.make();
    variant.renditions[0].blob = Digest::of(b"other card");
    variant.renditions[0].alt = "Thẻ ảnh, vẽ lại".into();
    variant
}

/// Draws it anew for the approver, who is an editor too; how many posts follow.
fn follow(desk: &Desk, drawn: &Variant) -> usize {
    let changes = Changes::by(Actor::Worker("w".into()), "render variant").insert(drawn);
    let (changes, count) = now(desk.review.follow(changes, drawn, desk.approver.id)).unwrap();
    now(desk.store.commit(changes)).unwrap();
    count
}

#[test]
fn a_draft_shows_the_new_picture_and_who_chose_it_signs_no_post_of_it() {
    let desk = Desk::new();
    let before = desk.post();
    let drawn = drawn_anew(&desk);
    assert_eq!(follow(&desk, &drawn), 1);
    let post = desk.read(&before);
    let media = &post.content.media;
    assert_eq!((media[0].blob, media[0].variant), (Digest::of(b"other card"), Some(drawn.id)));
    assert_eq!(media[0].alt, "Thẻ ảnh, vẽ lại");
    assert_eq!(media[1], before.content.media[1], "a photo of the article stays");
    assert!(post.was_written_by(desk.approver.id) && post.was_written_by(desk.author.id));
    let post = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    assert_eq!(desk.approve(&post).unwrap_err().key(), "own_post");
    assert_eq!(desk.compose().unwrap().made, vec![]);
}

#[test]
fn what_waits_for_approval_or_has_it_keeps_what_people_look_at() {
    let desk = Desk::new();
    let waiting = desk.submitted();
    assert_eq!(follow(&desk, &drawn_anew(&desk)), 0);
    assert_eq!(desk.read(&waiting), waiting);
    let (approved, _) = desk.approve(&waiting).unwrap();
    assert_eq!(follow(&desk, &drawn_anew(&desk)), 0);
    assert_eq!(desk.read(&waiting), approved);
}

#[test]
fn a_post_that_was_sent_back_follows_and_keeps_its_reason() {
    let desk = Desk::new();
    let post = desk.submitted();
    now(desk.review.return_with_reason(&desk.approver, post.id, "Ảnh chưa hợp")).unwrap();
    assert_eq!(follow(&desk, &drawn_anew(&desk)), 1);
    let post = desk.read(&post);
    assert_eq!((post.state, post.reason.as_str()), (PostState::Returned, "Ảnh chưa hợp"));
    assert_eq!(post.content.media[0].blob, Digest::of(b"other card"));
}

#[test]
fn only_an_earlier_variant_of_the_same_kind_and_a_file_of_the_same_name_are_replaced() {
    let desk = Desk::new();
    let before = desk.post();
    let mut clip = drawn_anew(&desk);
    clip.kind = VariantKind::Poster;
    let mut other_name = drawn_anew(&desk);
    other_name.renditions[0].name = "story".into();
    let mut failed = drawn_anew(&desk);
    failed.state = VariantState::Failed;
    let mut earlier = drawn_anew(&desk);
    earlier.id = "00000000-0000-7000-8000-000000000001".parse().unwrap();
    for variant in [clip, other_name, failed, earlier] {
        assert_eq!(follow(&desk, &variant), 0);
    }
    assert_eq!(desk.read(&before), before);
}
