//! Other words, who wrote them, and what they do to an approval.

use loa_model::{BodyBlock, Media, PostContent, Rewritten};

use super::*;

/// Id of a variant that is drawn after every other one.
const LATER: &str = "ffffffff-ffff-7fff-8fff-ffffffffffff";

fn fields(post: &Post) -> Vec<(&str, &str)> {
    post.rewritten.iter().map(|mark| (mark.field.as_str(), mark.was.as_str())).collect()
}

/// The post with other content, as somebody writes it.
fn edited(desk: &Desk, by: &User, post: &Post, change: impl FnOnce(&mut PostContent)) -> Post {
    let mut content = post.content.clone();
    change(&mut content);
    now(desk.review.reword(by, post.id, post.digest(), content)).unwrap()
}

#[test]
fn words_of_a_person_are_marked_until_they_are_as_before() {
    let desk = Desk::new();
    let post = desk.post();
    assert_eq!(post.rewritten, []);
    let was = post.content.text.clone();
    let first = edited(&desk, &desk.author, &post, |c| c.text = format!("Mới. {}", c.link.url));
    assert_eq!(fields(&first), [("text", was.as_str())]);
    assert_eq!(first.rewritten[0].by, desk.author.id);
    // Another person writes a description: the mark of the text keeps its writer.
    let second = edited(&desk, &desk.approver, &first, |c| c.media[0].alt = "Ruộng".into());
    assert_eq!(fields(&second), [("text", was.as_str()), ("media.0.alt", "Thẻ ảnh")]);
    assert_eq!(second.rewritten[0].by, desk.author.id);
    assert_eq!(second.rewritten[1].by, desk.approver.id);
    // Whoever writes it last has the mark, and what was composed stays beside it.
    let third = edited(&desk, &desk.approver, &second, |c| c.text.push('!'));
    assert_eq!(fields(&third)[0], ("text", was.as_str()));
    assert_eq!(third.rewritten[0].by, desk.approver.id);
    let back = edited(&desk, &desk.author, &third, |c| c.text.clone_from(&was));
    assert_eq!(fields(&back), [("media.0.alt", "Thẻ ảnh")]);
    assert_eq!(desk.read(&post), back);
}

#[test]
fn a_description_is_signed_and_another_one_voids_the_signature() {
    let desk = Desk::new();
    let post = desk.submitted();
    let before = post.digest();
    let mut other = post.clone();
    other.content.media[0].alt = "Ruộng".into();
    assert_ne!(other.digest(), before, "what describes a picture is a part of what is signed");
    let (signed, delivery) = desk.approve(&post).unwrap();
    let draft = edited(&desk, &desk.author, &signed, |c| c.media[0].alt = "Ruộng".into());
    assert_eq!((draft.state, draft.approval.as_ref()), (PostState::Draft, None));
    assert_ne!(draft.id, signed.id);
    assert_eq!(fields(&draft), [("media.0.alt", "Thẻ ảnh")]);
    assert_eq!(desk.read(&signed).state, PostState::Void);
    let row = now(desk.store.read::<Delivery>(&delivery.id.to_string())).unwrap().unwrap();
    assert_eq!(row.record.state, DeliveryState::Cancelled);
}

#[test]
fn a_mark_is_no_part_of_what_is_signed_and_old_posts_have_none() {
    let desk = Desk::new();
    let mut post = desk.post();
    let (digest, text) = (post.digest(), serde_json::to_string(&post).unwrap());
    assert!(!text.contains("rewritten"), "{text}");
    assert_eq!(serde_json::from_str::<Post>(&text).unwrap(), post);
    let at = post.created_at;
    post.rewritten.push(Rewritten {
        field: "text".into(),
        was: String::new(),
        by: desk.author.id,
        at,
    });
    assert_eq!(post.digest(), digest);
    let text = serde_json::to_string(&post).unwrap();
    assert_eq!(serde_json::from_str::<Post>(&text).unwrap(), post);
}

#[test]
fn words_that_somebody_else_wrote_meanwhile_are_not_lost() {
    let desk = Desk::new();
    let post = desk.post();
    edited(&desk, &desk.approver, &post, |c| c.text.push('!'));
    let error = now(desk.review.reword(&desk.author, post.id, post.digest(), post.content.clone()))
        .unwrap_err();
    assert_eq!(error.key(), "changed");
    assert!(desk.read(&post).content.text.ends_with('!'));
}

/// The desk's post with captions that belong to a clip.
fn with_captions(desk: &Desk) -> (Post, Variant) {
    let mut clip = now(desk.store.all::<Variant>(9)).unwrap().remove(0).record;
    clip.id = desk.review.ids.make();
    clip.kind = VariantKind::ShortClip;
    clip.renditions[0].name = "captions".into();
    clip.renditions[0].blob = Digest::of(b"words");
    clip.renditions[0].alt = String::new();
    let changes = Changes::by(Actor::Worker("w".into()), "render variant").insert(&clip);
    now(desk.store.commit(changes)).unwrap();
    let post = desk.post();
    let file = crate::compose::rendered(MediaRole::Captions, &clip, &clip.renditions[0]);
    let post = edited(desk, &desk.author, &post, |c| c.media[1] = file);
    (post, clip)
}

fn written(post: &Post, bytes: &[u8]) -> Media {
    Media { blob: Digest::of(bytes), ..post.content.media[1].clone() }
}

#[test]
fn captions_of_a_person_belong_to_their_clip() {
    let mut desk = Desk::new();
    let format = desk.capability.formats.get_mut(&PostFormat::Photo).unwrap();
    let rule = format.media[&MediaRole::Photo].clone();
    format.media.insert(MediaRole::Captions, rule);
    let (post, clip) = with_captions(&desk);
    assert_eq!(post.rewritten, [], "another file of the article is no rewriting");
    let file = written(&post, b"other words");
    let post = edited(&desk, &desk.author, &post, |c| c.media[1] = file);
    let was = Digest::of(b"words").to_string();
    assert_eq!(fields(&post), [("media.1.captions", was.as_str())]);
    assert_eq!(post.drawn_as(1), Some(Digest::of(b"words")));
    let again = written(&post, b"words once more");
    let post = edited(&desk, &desk.author, &post, |c| c.media[1] = again);
    assert_eq!(fields(&post), [("media.1.captions", was.as_str())]);
    // They are not stale while their clip is not.
    let post = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    let post = edited(&desk, &desk.author, &post, |c| c.media[1].blob = Digest::of(b"words"));
    assert_eq!(post.rewritten, []);
    let file = written(&post, b"other words");
    let post = edited(&desk, &desk.author, &post, |c| c.media[1] = file);
    // A clip that is made anew has captions of its own.
    let mut drawn = clip.clone();
    drawn.id = LATER.parse().unwrap();
    drawn.renditions[0].blob = Digest::of(b"new clip");
    let changes = Changes::by(Actor::Worker("w".into()), "render variant").insert(&drawn);
    let (changes, count) = now(desk.review.follow(changes, &drawn, desk.approver.id)).unwrap();
    now(desk.store.commit(changes)).unwrap();
    assert_eq!(count, 1);
    let post = desk.read(&post);
    assert_eq!((post.content.media[1].blob, post.rewritten.len()), (Digest::of(b"new clip"), 0));
}

#[test]
fn bytes_that_nobody_says_were_rewritten_are_no_file_of_the_clip() {
    let mut desk = Desk::new();
    let format = desk.capability.formats.get_mut(&PostFormat::Photo).unwrap();
    let rule = format.media[&MediaRole::Photo].clone();
    format.media.insert(MediaRole::Captions, rule);
    let (post, _) = with_captions(&desk);
    let mut other = post.clone();
    other.content.media[1].blob = Digest::of(b"somewhere else");
    let row = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    let changes = Changes::by(Actor::Worker("w".into()), "x").update(&other, row.version);
    now(desk.store.commit(changes)).unwrap();
    let error = now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap_err();
    assert_eq!(error.key(), "stale_variant");
}

#[test]
fn what_a_person_wrote_of_a_picture_goes_with_the_picture() {
    let desk = Desk::new();
    let post = desk.post();
    let post = edited(&desk, &desk.author, &post, |c| c.media[0].alt = "Ruộng".into());
    let mut drawn = now(desk.store.all::<Variant>(9)).unwrap().remove(0).record;
    drawn.id = LATER.parse().unwrap();
    drawn.renditions[0].blob = Digest::of(b"other card");
    let changes = Changes::by(Actor::Worker("w".into()), "render variant").insert(&drawn);
    let (changes, _) = now(desk.review.follow(changes, &drawn, desk.approver.id)).unwrap();
    now(desk.store.commit(changes)).unwrap();
    let post = desk.read(&post);
    assert_eq!((post.content.media[0].alt.as_str(), post.rewritten.len()), ("Thẻ ảnh", 0));
    // Files that change places take their marks along.
    let post = edited(&desk, &desk.author, &post, |c| c.media[1].alt = "Bậc thang".into());
    let swapped = edited(&desk, &desk.author, &post, |c| c.media.swap(0, 1));
    assert_eq!(fields(&swapped), [("media.0.alt", "Ruộng bậc thang")]);
    let gone = edited(&desk, &desk.author, &swapped, |c| drop(c.media.remove(0)));
    assert_eq!(gone.rewritten, []);
}

#[test]
fn paragraphs_are_marked_where_they_stand() {
    let desk = Desk::new();
    let post = desk.post();
    let text = |text: &str| BodyBlock::Text { text: text.into() };
    let picture = |media| BodyBlock::Picture { media, caption: "Chú thích".into() };
    // As it was composed, so to speak.
    let mut composed = post.clone();
    composed.content.body = vec![picture(0), text("Một"), picture(1), text("Hai")];
    let row = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap();
    let changes = Changes::by(Actor::Worker("w".into()), "x").update(&composed, row.version);
    now(desk.store.commit(changes)).unwrap();
    let post = edited(&desk, &desk.author, &composed, |c| c.body[3] = text("Hai, sửa"));
    assert_eq!(fields(&post), [("body.3", "Hai")]);
    // A picture leaves, and the mark goes where its paragraph is now.
    let media = vec![post.content.media[0].clone()];
    let post = edited(&desk, &desk.author, &post, |c| *c = c.with_media(media));
    assert_eq!(post.content.body, [picture(0), text("Một"), text("Hai, sửa")]);
    assert_eq!(fields(&post), [("body.2", "Hai")]);
}

#[test]
fn a_link_that_changes_is_no_rewriting() {
    let desk = Desk::new();
    let (signed, _) = desk.approve(&desk.submitted()).unwrap();
    let draft = edited(&desk, &desk.author, &signed, |c| c.text.push('!'));
    let was = signed.content.text.replace(&signed.content.link.url, &draft.content.link.url);
    assert_eq!(fields(&draft), [("text", was.as_str())]);
    let back = edited(&desk, &desk.author, &draft, |c| c.text.clone_from(&was));
    assert_eq!(back.rewritten, []);
}
