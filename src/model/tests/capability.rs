//! The check of a draft against a channel: every kind of violation, every unit, both ways to write Vietnamese.

#![allow(clippy::unwrap_used, reason = "a test may")]

use loa_model::{
    Capability, Digest, Link, Media, MediaRole, PostContent, PostFormat, capability::TextUnit,
};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;

const CHANNEL: &str = r#"
channel = "memo"
title = "Kênh thử"
source = "tests"
checked = "2026-11-22"
read_back = "none"
draft_then_publish = false
edit = false
delete = false
public_url_media = false
insights = false
pace = { account = { min_gap_ms = 0, burst = 1 } }

[formats.short_video]
title = { max = 10, unit = "graphemes" }
title_required = true
text = { max = 30, unit = "utf16" }
author = { max = 5, unit = "bytes" }
forbidden = "<>"
link_in_text = true
[formats.short_video.media.video]
min = 1
max = 1
mime = ["video/mp4"]
max_bytes = 1000
min_width = 540
min_height = 960
min_duration_ms = 3000
max_duration_ms = 60000
upright = true

[formats.album]
text = { max = 30, unit = "chars" }
alt_required = true
[formats.album.media.photo]
min = 2
max = 3
mime = ["image/jpeg"]
max_bytes = 1000
"#;

fn media(role: MediaRole, mime: &str) -> Media {
    let duration_ms = if role == MediaRole::Video { 20_000 } else { 0 };
    Media {
        role,
        blob: Digest::of("tệp".as_bytes()),
        bytes: 1000,
        mime: mime.into(),
        width: 720,
        height: 1280,
        duration_ms,
        alt: "Ruộng bậc thang".into(),
        variant: None,
    }
}

fn clip() -> PostContent {
    PostContent {
        format: PostFormat::ShortVideo,
        lang: "vi".into(),
        title: "Hỗ trợ lũ".into(),
        author: "Lan".into(),
        text: "Tin: https://l.vn/k7".into(),
        body: vec![],
        media: vec![media(MediaRole::Video, "video/mp4")],
        link: Link {
            code: "k7".into(),
            url: "https://l.vn/k7".into(),
            target: "https://minhhoa.example/bai".into(),
        },
        tags: vec![],
    }
}

fn album() -> PostContent {
    let photo = || media(MediaRole::Photo, "image/jpeg");
    PostContent {
        format: PostFormat::Album,
        title: String::new(),
        author: String::new(),
        media: vec![photo(), photo()],
        ..clip()
    }
}

fn found(content: &PostContent) -> Vec<String> {
    let capability = Capability::from_toml(CHANNEL).unwrap();
    let violations = capability.check(content);
    violations.iter().map(|v| format!("{} {}", v.field, v.problem)).collect()
}

type Spoil = fn(&mut PostContent);

#[test]
fn each_limit_is_broken_alone_and_named() {
    assert_eq!((found(&clip()), found(&album())), (vec![], vec![]));
    let clips: [(&str, Spoil); 16] = [
        ("format unsupported", |c| c.format = PostFormat::Article),
        ("text too_long", |c| c.text.push_str(" đường dài quá dài")),
        ("title too_long", |c| c.title = "Hỗ trợ lũ lụt".into()),
        ("author too_long", |c| c.author = "Hạnh".into()),
        ("title missing", |c| c.title = "  ".into()),
        ("text forbidden_character", |c| c.text.push('>')),
        ("title forbidden_character", |c| c.title = "<lũ".into()),
        ("text link_missing", |c| c.text = "Tin: https://l.vn/".into()),
        ("media.video.count count", |c| c.media.clear()),
        ("media.photo unsupported", |c| c.media.push(media(MediaRole::Photo, "image/jpeg"))),
        ("media.video.mime unsupported", |c| c.media[0].mime = "video/webm".into()),
        ("media.video.bytes too_large", |c| c.media[0].bytes = 1001),
        ("media.video.size too_small", |c| c.media[0].width = 539),
        ("media.video.duration too_short", |c| c.media[0].duration_ms = 2_999),
        ("media.video.duration too_long", |c| c.media[0].duration_ms = 60_001),
        ("media.video.aspect not_upright", |c| c.media[0].width = 1281),
    ];
    for (expected, spoil) in clips {
        let mut content = clip();
        spoil(&mut content);
        assert_eq!(found(&content), [expected]);
    }
    let albums: [(&str, Spoil); 5] = [
        ("title unsupported", |c| c.title = "Lũ".into()),
        ("author unsupported", |c| c.author = "Lan".into()),
        ("media.photo.count count", |c| drop(c.media.pop())),
        ("media.photo.alt missing", |c| c.media[1].alt = " ".into()),
        ("text too_long", |c| c.text = "ộ".repeat(31)),
    ];
    for (expected, spoil) in albums {
        let mut content = album();
        spoil(&mut content);
        assert_eq!(found(&content), [expected]);
    }
}

#[test]
fn the_limit_itself_is_allowed() {
    let mut content = clip();
    content.title = "ẫễộữặẫễộữặ".into();
    content.author = "Hồ".into();
    content.text = format!("{}{}", content.link.url, "đ".repeat(15));
    content.media[0].width = 540;
    content.media[0].height = 960;
    content.media[0].duration_ms = 60_000;
    assert_eq!(found(&content), [""; 0]);
    content.media[0].duration_ms = 3_000;
    content.media[0].width = 960;
    assert_eq!(found(&content), [""; 0], "a square stands upright");
    content.text.push('đ');
    assert_eq!(found(&content), ["text too_long"]);
}

#[test]
fn several_problems_are_told_at_once_with_what_is_and_what_may_be() {
    let mut content = clip();
    content.title = "Mười một chữ".into();
    content.media[0].bytes = 4_000;
    content.media[0].mime = "video/webm".into();
    let violations = Capability::from_toml(CHANNEL).unwrap().check(&content);
    let told: Vec<_> = violations.iter().map(|v| (v.is.as_str(), v.limit.as_str())).collect();
    assert_eq!(told, [("12", "10 Graphemes"), ("video/webm", "video/mp4"), ("4000", "1000")]);
}

#[test]
fn units_count_what_they_say() {
    use TextUnit::{Bytes, Chars, Graphemes, Utf16};
    for (text, chars, utf16, bytes, graphemes) in [
        ("", 0, 0, 0, 0),
        ("đường", 5, 5, 9, 5),
        ("ẫễộữặ", 5, 5, 15, 5),
        ("👩‍🌾", 3, 5, 11, 1),
        ("🇻🇳", 2, 4, 8, 1),
    ] {
        let count = [Chars, Utf16, Bytes, Graphemes].map(|unit| unit.count(text));
        assert_eq!(count, [chars, utf16, bytes, graphemes], "{text}");
    }
}

#[test]
fn a_decomposed_text_is_as_long_as_a_composed_one() {
    let mut content = clip();
    content.title = "ẫễộữặẫễộữặ".nfd().collect();
    assert!(content.title.chars().count() > 20, "it is decomposed");
    assert_eq!(found(&content), [""; 0]);
}

proptest! {
    #[test]
    fn composition_never_changes_a_count(text in "[a-zđơưăâêôẫễộữặừỹ\u{301}\u{323} 🇻🇳]{0,40}") {
        let (composed, decomposed) =
            (text.nfc().collect::<String>(), text.nfd().collect::<String>());
        for unit in [TextUnit::Chars, TextUnit::Utf16, TextUnit::Bytes, TextUnit::Graphemes] {
            prop_assert_eq!(unit.count(&composed), unit.count(&decomposed));
        }
        prop_assert!(TextUnit::Graphemes.count(&text) <= TextUnit::Chars.count(&text));
        prop_assert!(TextUnit::Chars.count(&text) <= TextUnit::Utf16.count(&text));
        prop_assert!(TextUnit::Utf16.count(&text) <= TextUnit::Bytes.count(&text).max(1));
    }
}
