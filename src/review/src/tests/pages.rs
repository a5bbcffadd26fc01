//! Posts of several pictures, and the post of one picture in their place.

use super::*;

/// A desk whose profile wants pages, else one picture; with a carousel of so many pages, when there is one.
fn desk(pages: Option<usize>) -> Desk {
    let mut desk = Desk::new();
    let one = desk.profile.remove(0);
    let all = Pick::Pages { role: MediaRole::Photo, kind: VariantKind::Carousel };
    desk.profile = vec![
        Slot {
            format: PostFormat::Album,
            unless: None,
            only_with: None,
            media: vec![all],
            after_minutes: 0,
        },
        Slot { unless: Some(PostFormat::Album), ..one },
    ];
    let rule = desk.capability.formats[&PostFormat::Photo].clone();
    desk.capability.formats.insert(PostFormat::Album, rule);
    if let Some(pages) = pages {
        let mut variant = now(desk.store.all::<Variant>(9)).unwrap().remove(0).record;
        variant.id = desk.review.ids.make();
        variant.kind = VariantKind::Carousel;
        let page = variant.renditions.remove(0);
        for number in 1..=pages {
            let mut page = page.clone();
            page.name = format!("portrait-{number}");
            page.blob = Digest::of(page.name.as_bytes());
            variant.renditions.push(page);
        }
        let changes = Changes::by(Actor::Worker("w".into()), "render").insert(&variant);
        now(desk.store.commit(changes)).unwrap();
    }
    desk
}

#[test]
fn a_carousel_is_an_album_with_every_page_in_order_and_there_is_no_second_post() {
    let desk = desk(Some(2));
    for made in [1, 0] {
        let outcome = desk.compose().unwrap();
        assert_eq!((outcome.posts.len(), outcome.made.len(), outcome.missing.len()), (1, made, 0));
        let content = &outcome.posts[0].content;
        let files: Vec<_> = content.media.iter().map(|media| media.blob).collect();
        assert_eq!(content.format, PostFormat::Album);
        assert_eq!(files, [Digest::of(b"portrait-1"), Digest::of(b"portrait-2")]);
    }
}

#[test]
fn without_pages_there_is_one_picture_and_nothing_is_missing() {
    for pages in [None, Some(0), Some(1)] {
        let outcome = desk(pages).compose().unwrap();
        assert_eq!((outcome.posts.len(), outcome.missing.len()), (1, 0), "{pages:?}");
        assert_eq!(outcome.posts[0].content.format, PostFormat::Photo);
    }
}
