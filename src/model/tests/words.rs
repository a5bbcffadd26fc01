//! Words with their place, digests of what is sent, names and waits.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may")]

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use loa_model::{
    AccountName, Approval, Article, ArticleId, ArticleState, Block, BlockKind, BodyBlock, Digest,
    Edit, Link, Media, MediaRole, Passage, Post, PostContent, PostFormat, PostId, PostState,
    Priority, SourceRef, Span, UserId, VariantId, Video, job::backoff,
};
use proptest::prelude::*;

const WORDS: [&str; 10] =
    ["Mức", "hỗ trợ", "không quá", "30", "triệu", "đồng,", "mỗi", "hộ", "vùng lũ", "ẫễộữặ"];

fn article(text: &str) -> Article {
    let block = |kind, text: &str| Block { kind, text: text.into() };
    Article {
        id: ArticleId(uuid::Uuid::nil()),
        agency: "demo".into(),
        revision: 3,
        digest: Digest::of(b""),
        state: ArticleState::Ready,
        source: SourceRef {
            canonical_url: "https://minhhoa.example/bai".into(),
            publisher: "Cổng Minh Họa".into(),
            via: "html".into(),
        },
        lang: "vi".into(),
        section: String::new(),
        authors: vec![],
        published_at: None,
        embargo_until: None,
        keywords: vec![],
        blocks: vec![
            block(BlockKind::Title, "Hỗ trợ sinh kế"),
            block(BlockKind::Paragraph, text),
            block(BlockKind::Paragraph, text),
        ],
        photos: vec![],
        videos: vec![],
        doubts: Vec::new(),
        fetched_at: Timestamp::UNIX_EPOCH,
    }
}

/// A text, and places in it at character boundaries, in order: the first and last bound the passage, each following pair in
/// between bounds a cut.
fn cut_text() -> impl Strategy<Value = (String, Vec<u32>)> {
    let words = proptest::collection::vec(proptest::sample::select(&WORDS[..]), 1..14);
    (words, proptest::collection::vec(any::<proptest::sample::Index>(), 2..9)).prop_map(
        |(words, picks)| {
            let text = words.join(" ");
            let mut bounds: Vec<u32> = text.char_indices().map(|(at, _)| at as u32).collect();
            bounds.push(text.len() as u32);
            let mut places: Vec<u32> = picks.iter().map(|pick| *pick.get(&bounds)).collect();
            places.sort_unstable();
            (text, places)
        },
    )
}

fn span(start: u32, end: u32) -> Span {
    Span { revision: 3, block: 1, start, end }
}

/// The passage of these places, and its cuts.
fn passage(text: &str, places: &[u32]) -> (Passage, Vec<Span>) {
    let (first, last) = (places[0], places[places.len() - 1]);
    let inner = &places[1..places.len() - 1];
    let cuts: Vec<Span> = inner.chunks_exact(2).map(|two| span(two[0], two[1])).collect();
    let mut kept = String::new();
    let mut at = first;
    for cut in &cuts {
        kept.push_str(text.get(at as usize..cut.start as usize).unwrap());
        at = cut.end;
    }
    kept.push_str(text.get(at as usize..last as usize).unwrap());
    let edits = cuts.iter().map(|cut| Edit::Cut { span: *cut }).collect();
    (Passage { text: kept, span: span(first, last), edits }, cuts)
}

proptest! {
    #[test]
    fn words_with_their_recorded_cuts_are_faithful((text, places) in cut_text()) {
        let article = article(&text);
        let (passage, _) = passage(&text, &places);
        prop_assert!(passage.is_faithful(&article), "{:?}", passage);
        // In which order the cuts were recorded does not matter.
        let mut turned = passage.clone();
        turned.edits.reverse();
        prop_assert!(turned.is_faithful(&article));
    }

    #[test]
    fn anything_else_is_not((text, places) in cut_text(), word in proptest::sample::select(&WORDS[..])) {
        let article = article(&text);
        let (good, cuts) = passage(&text, &places);
        let not = |change: &dyn Fn(&mut Passage)| {
            let mut bad = good.clone();
            change(&mut bad);
            !bad.is_faithful(&article)
        };
        prop_assert!(not(&|p| p.text = format!("{} {word}", p.text)), "a word was added");
        prop_assert!(not(&|p| p.span.revision = 4), "of another revision");
        prop_assert!(not(&|p| p.span.block = 9), "of no block");
        prop_assert!(not(&|p| p.span.end = 100_000), "beyond the end");
        let by = UserId(uuid::Uuid::nil());
        let at = Timestamp::UNIX_EPOCH;
        prop_assert!(not(&|p| p.edits.push(Edit::Rewritten { by, at })), "a person rewrote it");
        for (number, cut) in cuts.iter().enumerate() {
            if cut.of(&article).is_some_and(|words| !words.trim().is_empty()) {
                prop_assert!(not(&|p| p.edits.retain(|edit| *edit != Edit::Cut { span: *cut })), "an unrecorded cut");
                prop_assert!(not(&|p| p.edits.push(Edit::Cut { span: *cut })), "cut twice");
            }
            let elsewhere = Edit::Cut { span: Span { block: 2, ..*cut } };
            prop_assert!(not(&|p| p.edits[number] = elsewhere.clone()), "a cut of another block");
        }
    }

    #[test]
    fn half_a_letter_is_no_place(at in 1u32..3) {
        // `ẫ` takes three bytes.
        let article = article("ẫ rất dài");
        prop_assert_eq!(span(0, at).of(&article), None);
        let half = Passage { text: String::new(), span: span(0, at), edits: vec![] };
        prop_assert!(!half.is_faithful(&article));
    }
}

#[test]
fn an_article_without_videos_is_what_it_was() {
    let plain = article("Mức hỗ trợ");
    let before = "547bb98fadae55f33226ba8b5c9bd6547ee1af19067a237c81081c15b74ba502";
    assert_eq!(plain.content_digest().to_string(), before);
    let written = serde_json::to_value(&plain).unwrap();
    assert_eq!(written.get("videos"), None);
    assert_eq!(serde_json::from_value::<Article>(written).unwrap(), plain);
}

#[test]
fn what_was_published_of_a_video_is_in_the_digest() {
    let video = Video {
        url: "https://minhhoa.example/le-cong-bo.mp4".into(),
        blob: Some(Digest::of(b"video")),
        mime: "video/mp4".into(),
        caption: "Lễ công bố".into(),
        credit: "Nguồn: Cổng Minh Họa".into(),
    };
    let with = |videos: &[&Video]| {
        let videos = videos.iter().map(|video| (*video).clone()).collect();
        Article { videos, ..article("Mức hỗ trợ") }
    };
    let digest = with(&[&video]).content_digest();
    let check = |told: &str, videos: &[&Video]| {
        assert_ne!(with(videos).content_digest(), digest, "{told}");
    };
    check("none", &[]);
    check("twice", &[&video, &video]);
    check("address", &[&Video { url: String::new(), ..video.clone() }]);
    check("bytes", &[&Video { blob: None, ..video.clone() }]);
    check("caption", &[&Video { caption: String::new(), ..video.clone() }]);
    check("credit", &[&Video { credit: String::new(), ..video.clone() }]);
    let read = serde_json::to_string(&with(&[&video])).unwrap();
    assert_eq!(serde_json::from_str::<Article>(&read).unwrap(), with(&[&video]));
}

fn content() -> PostContent {
    PostContent {
        format: PostFormat::Album,
        lang: "vi".into(),
        title: "Hỗ trợ".into(),
        author: "Lan".into(),
        text: "Mức hỗ trợ không quá 30 triệu đồng".into(),
        body: vec![
            BodyBlock::Text { text: "Đoạn một".into() },
            BodyBlock::Picture { media: 0, caption: "Ruộng".into() },
        ],
        media: vec![Media {
            role: MediaRole::Photo,
            blob: Digest::of(b"1"),
            bytes: 9,
            mime: "image/jpeg".into(),
            width: 10,
            height: 20,
            duration_ms: 0,
            alt: "Ruộng bậc thang".into(),
            variant: None,
        }],
        link: Link { code: "k7".into(), url: "https://l.vn/k7".into(), target: "https://a".into() },
        tags: vec!["HỗTrợ".into(), "SinhKế".into()],
    }
}

#[test]
fn every_field_that_is_sent_changes_the_digest() {
    type Change = fn(&mut PostContent);
    let ways: [(&str, Change); 20] = [
        ("format", |c| c.format = PostFormat::Photo),
        ("lang", |c| c.lang = "en".into()),
        ("title", |c| c.title.push('!')),
        ("author", |c| c.author.clear()),
        ("text", |c| c.text = c.text.replace("30", "20")),
        ("words of the body", |c| c.body[0] = BodyBlock::Text { text: "Đoạn hai".into() }),
        ("picture of the body", |c| {
            c.body[1] = BodyBlock::Picture { media: 1, caption: "Ruộng".into() };
        }),
        ("caption of the body", |c| {
            c.body[1] = BodyBlock::Picture { media: 0, caption: "Nương".into() };
        }),
        ("order of the body", |c| c.body.reverse()),
        ("role", |c| c.media[0].role = MediaRole::Cover),
        ("bytes of a file", |c| c.media[0].blob = Digest::of(b"2")),
        ("length of a file", |c| c.media[0].bytes = 8),
        ("media type", |c| c.media[0].mime = "image/png".into()),
        ("alternative text", |c| c.media[0].alt.clear()),
        ("one more file", |c| c.media.push(c.media[0].clone())),
        ("no file", |c| c.media.clear()),
        ("link", |c| c.link.url.push('x')),
        ("target", |c| c.link.target.push('x')),
        ("tags", |c| c.tags[0] = "HoTro".into()),
        ("order of tags", |c| c.tags.reverse()),
    ];
    let page: AccountName = "memory:cong-tin".parse().unwrap();
    let mut seen = vec![("nothing", content().digest(&page))];
    seen.push(("account", content().digest(&"memory:tinh".parse().unwrap())));
    for (name, change) in ways {
        let mut changed = content();
        change(&mut changed);
        seen.push((name, changed.digest(&page)));
    }
    for (number, (name, digest)) in seen.iter().enumerate() {
        for (other, same) in seen.iter().skip(number + 1) {
            assert_ne!(digest, same, "{name} and {other}");
        }
    }
    // Words moved from one field into the next are another post.
    let mut moved = content();
    moved.title = "Hỗ".into();
    moved.author = " trợLan".into();
    assert_ne!(moved.digest(&page), content().digest(&page));
    // Sizes, length in time and origin follow from the bytes.
    let mut same = content();
    same.media[0].width = 11;
    same.media[0].variant = Some(VariantId(uuid::Uuid::nil()));
    assert_eq!(same.digest(&page), content().digest(&page));
}

#[test]
fn no_time_and_no_person_changes_the_digest() {
    let now: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
    let person = |n| UserId(uuid::Uuid::from_u128(n));
    let post = Post {
        id: PostId(uuid::Uuid::from_u128(1)),
        agency: "demo".into(),
        article: ArticleId(uuid::Uuid::from_u128(2)),
        revision: 1,
        account: "memory:cong-tin".parse().unwrap(),
        content: content(),
        state: PostState::Draft,
        scheduled_at: now,
        zone: "Asia/Ho_Chi_Minh".into(),
        timing: loa_model::Timing::Soon,
        priority: Priority::Normal,
        author: person(1),
        editors: vec![],
        rewritten: vec![],
        approval: None,
        reason: String::new(),
        created_at: now,
    };
    let digest = post.digest();
    let mut later = post.clone();
    later.scheduled_at = now + 48.hours();
    later.created_at = now + 1.hour();
    later.zone = "UTC".into();
    later.priority = Priority::Urgent;
    later.state = PostState::Approved;
    later.reason = "chờ".into();
    later.hand_to(person(2));
    later.approval = Some(Approval {
        digest,
        by: person(3),
        at: now,
        not_before: now,
        not_after: now + 1.hour(),
    });
    assert_eq!(later.digest(), digest);
    assert!(later.was_written_by(person(1)) && later.was_written_by(person(2)));
    assert!(!later.was_written_by(person(3)));
    later.hand_to(person(1));
    later.hand_to(person(2));
    assert_eq!(later.editors, [person(1), person(2)], "each is remembered once");
    let mut old = serde_json::to_value(&post).unwrap();
    old.as_object_mut().unwrap().remove("editors");
    assert_eq!(serde_json::from_value::<Post>(old).unwrap(), post, "an older record is read");
}

#[test]
fn a_priority_has_one_name_everywhere() {
    assert!(Priority::ALL.is_sorted(), "the order of service");
    for priority in Priority::ALL {
        assert_eq!(serde_json::to_value(priority).unwrap(), priority.name());
        assert_eq!(Priority::named(priority.name()), Some(priority));
    }
    assert_eq!((Priority::named("Khẩn"), Priority::default()), (None, Priority::Normal));
}

#[test]
fn account_names_are_plain_and_of_bounded_length() {
    let longest = format!("memory:{}", "a".repeat(113));
    for good in ["memory:cong-tin", "a:b", "x-1:2-y", longest.as_str()] {
        let name: AccountName = good.parse().unwrap();
        assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        assert_eq!(Some(name.channel()), good.split(':').next());
        let written = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<AccountName>(&written).unwrap(), name);
    }
    let too_long = format!("{longest}a");
    for bad in ["memory:cổng-tin", "memory:cong_tin", "memory :x", "memory:x\n", "m:a/b", &too_long]
    {
        let refused = bad.parse::<AccountName>().unwrap_err();
        assert!(refused.to_string().contains("channel:name"), "{refused}");
        let written = serde_json::to_string(bad).unwrap();
        assert!(serde_json::from_str::<AccountName>(&written).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_name_is_taken_only_when_it_is_plain(text in "[a-zA-Z0-9:độ_ -]{0,12}") {
        let parts: Vec<_> = text.split(':').collect();
        let plain = |part: &&str| {
            !part.is_empty()
                && part.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-'))
        };
        let expected = parts.len() == 2 && parts.iter().all(plain);
        prop_assert_eq!(text.parse::<AccountName>().is_ok(), expected, "{:?}", text);
    }

    #[test]
    fn a_wait_grows_and_stays_within_its_bounds(attempt: u32, random: f64) {
        let wait = backoff(attempt, random);
        prop_assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_mins(30));
        let most = backoff(attempt, 1.0);
        prop_assert!(wait <= most, "more than the whole of it");
        prop_assert!(backoff(attempt.saturating_add(1), 1.0) >= most);
        prop_assert!(backoff(attempt, random.abs().fract() / 2.0) <= backoff(attempt, 1.0));
    }
}

#[test]
fn waits_double_from_five_seconds_to_half_an_hour() {
    let most: Vec<_> = (0..12).map(|attempt| backoff(attempt, 1.0).as_secs()).collect();
    assert_eq!(most, [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800]);
    assert_eq!(backoff(5, 0.5), Duration::from_secs(40), "jitter takes its share");
    for odd in [-1.0, 0.0, f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(backoff(7, odd), Duration::from_secs(1), "{odd}");
    }
}
