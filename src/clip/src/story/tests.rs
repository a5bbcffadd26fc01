use loa_model::{Edit, StoryKind};

use super::*;
use crate::{Error, provenance};

#[path = "../../tests/support/mod.rs"]
mod support;

use support::sample;

#[test]
fn every_story_is_a_clip_of_the_right_length_with_faithful_words() {
    for story in StoryKind::ALL {
        let sample = sample(story);
        for photos in [&[][..], &[0, 2]] {
            let order = sample.order(photos);
            for timeline in [short(&order), low_band(&order)] {
                timeline.check().unwrap();
                provenance::check(&timeline, &order).unwrap();
                let seconds = timeline.duration_ms() / 1000;
                assert!((15..=60).contains(&seconds), "{story:?}: {seconds} s");
                assert_eq!(timeline.scenes[0].kind, SceneKind::Title);
                assert_eq!(timeline.scenes.last().unwrap().kind, SceneKind::End);
                assert!(timeline.poster < timeline.scenes[0].frames);
            }
        }
    }
}

#[test]
fn the_kind_of_story_decides_what_comes_first() {
    for (story, second) in [
        (StoryKind::Figures, SceneKind::Figure),
        (StoryKind::Quote, SceneKind::Quote),
        (StoryKind::Alert, SceneKind::Point),
    ] {
        let sample = sample(story);
        assert_eq!(short(&sample.order(&[0])).scenes[1].kind, second);
    }
}

#[test]
fn a_bare_brief_is_slow_enough_to_read() {
    let mut sample = sample(StoryKind::News);
    sample.brief.points.truncate(1);
    sample.brief.figures.clear();
    sample.brief.quotes.clear();
    sample.brief.sapo = None;
    let timeline = short(&sample.order(&[]));
    assert!((15_000..17_000).contains(&timeline.duration_ms()), "{}", timeline.duration_ms());
}

#[test]
fn the_low_band_cuts_and_stands_still() {
    let sample = sample(StoryKind::News);
    let timeline = low_band(&sample.order(&[0, 1]));
    assert!(timeline.scenes.iter().all(|s| s.fade_in == 0 && s.fade_out == 0));
    assert!(
        timeline.scenes.iter().filter_map(|s| s.shot.as_ref()).all(|shot| shot.from == shot.to)
    );
    assert!(timeline.clean_photos && timeline.overlays.is_empty());
    assert!((10..=15).contains(&timeline.canvas.fps));
}

#[test]
fn captions_follow_each_other_and_carry_every_word() {
    let sample = sample(StoryKind::News);
    let timeline = short(&sample.order(&[0]));
    assert!(timeline.captions.iter().all(|c| c.start < c.end));
    assert!(timeline.captions.windows(2).all(|pair| pair[0].end <= pair[1].start));
    let all: Vec<String> = timeline.captions.iter().map(|c| c.lines.join(" ")).collect();
    let all = all.join(" ");
    for words in [support::TITLE, support::POINTS[0], support::FIGURE] {
        assert!(all.contains(words), "{words}");
    }
    let srt = crate::subtitle::srt(&timeline);
    assert!(srt.starts_with("1\n00:00:00,000 --> 00:00:0"), "{srt}");
    assert!(crate::subtitle::vtt(&timeline).starts_with("WEBVTT\n\n00:00:00.000 --> "));
}

#[test]
fn words_that_are_not_the_articles_are_refused() {
    let clean = sample(StoryKind::News);
    let order = clean.order(&[0]);
    let refused = |timeline: &Timeline, order: &Order<'_>| {
        matches!(provenance::check(timeline, order), Err(Error::Unfaithful { .. }))
    };
    // A number changed in the data behind the list of origins.
    let mut timeline = short(&order);
    timeline.plates[0].data["text"] = "Hỗ trợ 3,5 triệu hộ dân".into();
    assert!(refused(&timeline, &order));
    // The same in both.
    timeline.texts.iter_mut().find(|d| d.field == "text").unwrap().text =
        "Hỗ trợ 3,5 triệu hộ dân".into();
    assert!(refused(&timeline, &order));
    // A brief that says what the article does not.
    let mut lying = sample(StoryKind::News);
    lying.brief.points[0].text = lying.brief.points[0].text.replace("100%", "1000%");
    let order = lying.order(&[0]);
    assert!(refused(&short(&order), &order));
    // A figure whose number is not at its place.
    let mut wrong = sample(StoryKind::News);
    wrong.brief.figures[0].value = "gần 3.851".into();
    let order = wrong.order(&[0]);
    assert!(refused(&short(&order), &order));
}

#[test]
fn what_a_person_rewrote_is_marked() {
    let mut sample = sample(StoryKind::Alert);
    let by = "01900000-0000-7000-8000-000000000009".parse().unwrap();
    let at = "2026-11-22T20:00:00Z".parse().unwrap();
    sample.brief.points[0].text = "Phủ sóng 4G, 5G tới mọi thôn, bản có điện.".into();
    sample.brief.points[0].edits = vec![Edit::Rewritten { by, at }];
    // Its standfirst would come first.
    sample.brief.sapo = None;
    let order = sample.order(&[0]);
    let timeline = short(&order);
    provenance::check(&timeline, &order).unwrap();
    assert_eq!(
        timeline.plates.iter().find(|p| p.id == "scene-2").unwrap().data["kicker"],
        "Đã biên tập"
    );
    assert!(timeline.texts.iter().any(|d| d.edited && d.text.starts_with("Phủ sóng 4G")));
}
