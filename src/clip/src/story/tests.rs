use loa_model::{Beat, Edit, StoryKind, Storyboard, Topic};

use super::*;
use crate::{Error, provenance, timeline::SceneKind};

#[path = "../../tests/support/mod.rs"]
mod support;

use support::{Sample, pictured, sample};

/// The film as the engine tells it.
fn told(sample: &Sample, photos: &[Pictured], format: Format) -> Result<Timeline> {
    let order = sample.order(photos);
    cast(&order, format, &propose(&order, format), &[], false).map(|cast| cast.timeline)
}

fn short(order: &Order<'_>) -> Timeline {
    cast(order, Format::Short, &propose(order, Format::Short), &[], false).unwrap().timeline
}

#[test]
fn every_story_is_a_clip_of_the_right_length_with_faithful_words() {
    for story in StoryKind::ALL {
        let sample = sample(story);
        for photos in [vec![], pictured(&[0, 2])] {
            let order = sample.order(&photos);
            for format in [Format::Short, Format::Square, Format::Low, Format::Lowest] {
                let timeline = told(&sample, &photos, format).unwrap();
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
        (StoryKind::Decree, SceneKind::Point),
    ] {
        let sample = sample(story);
        assert_eq!(short(&sample.order(&pictured(&[0]))).scenes[1].kind, second);
    }
}

#[test]
fn a_rich_story_fills_a_long_film_and_a_thin_one_is_told_so() {
    let rich = support::rich();
    let photos = pictured(&[0, 1, 2]);
    let timeline = told(&rich, &photos, Format::Long).unwrap();
    provenance::check(&timeline, &rich.order(&photos)).unwrap();
    assert!((60..=180).contains(&(timeline.duration_ms() / 1000)), "{}", timeline.duration_ms());
    for kind in [SceneKind::Table, SceneKind::Step, SceneKind::Figure, SceneKind::Quote] {
        assert!(timeline.scenes.iter().any(|s| s.kind == kind), "{kind:?}");
    }
    let mut thin = sample(StoryKind::News);
    thin.brief.points.truncate(1);
    thin.brief.quotes.clear();
    let error = told(&thin, &photos, Format::Long).unwrap_err();
    assert!(matches!(error, Error::TooShort { least: 60, .. }), "{error}");
}

#[test]
fn a_person_orders_times_and_pictures_the_scenes() {
    let sample = sample(StoryKind::News);
    let photos = pictured(&[0, 1, 2]);
    let order = sample.order(&photos);
    let beat = |of: Topic| Beat::from(of);
    let board = Storyboard {
        beats: vec![
            beat(Topic::Title),
            Beat {
                ms: Some(7000),
                photo: loa_model::PhotoChoice::At(2),
                focus: loa_model::FocusPoint::at(0.9, 0.2),
                enter: Some(loa_model::Transition::Wipe),
                ..beat(Topic::Point(2))
            },
            Beat { photo: loa_model::PhotoChoice::Without, ..beat(Topic::Point(0)) },
            beat(Topic::End),
        ],
        ..Storyboard::default()
    };
    let cast = cast(&order, Format::Short, &board, &[], true).unwrap();
    let scenes = &cast.timeline.scenes;
    assert_eq!(scenes.iter().map(|s| s.beat).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((scenes[1].frames, scenes[1].enter), (210, loa_model::Transition::Wipe));
    let shot = scenes[1].shot.as_ref().unwrap();
    assert_eq!(shot.source, crate::timeline::Source::Photo(2));
    assert!(shot.to.x > 0.8 && shot.to.y < 0.3);
    assert!(scenes[2].shot.is_none());
    let captions: Vec<String> = cast.timeline.captions.iter().map(|c| c.lines.join(" ")).collect();
    let captions = captions.join(" ");
    let at = |words: &str| captions.find(words).unwrap();
    assert!(at(support::POINTS[2]) < at(support::POINTS[0]), "{captions}");
    // What is not in the brief is refused, and so is a film that is too long.
    let no = Storyboard { beats: vec![beat(Topic::Point(9))], ..Storyboard::default() };
    assert!(matches!(
        super::cast(&order, Format::Short, &no, &[], true),
        Err(Error::Storyboard(_))
    ));
    let slow = Beat { ms: Some(40_000), ..beat(Topic::Point(0)) };
    let long = Storyboard { beats: vec![slow.clone(), slow], ..Storyboard::default() };
    let error = super::cast(&order, Format::Short, &long, &[], true).unwrap_err();
    assert!(error.to_string().contains("80 s"), "{error}");
}

#[test]
fn scenes_and_captions_follow_the_voice() {
    let sample = sample(StoryKind::News);
    let photos = pictured(&[0]);
    let order = sample.order(&photos);
    let board = propose(&order, Format::Short);
    let script = script(&order, &board);
    assert!(script[0].1.starts_with(support::TITLE), "{script:?}");
    let spoken: Vec<Spoken> = script
        .iter()
        .map(|(beat, text)| Spoken {
            beat: *beat,
            path: format!("{beat}.wav").into(),
            digest: format!("{beat}"),
            ms: 600 + u32::try_from(text.chars().count()).unwrap() * 65,
            lead_ms: 200,
            tail_ms: 300,
        })
        .collect();
    for format in [Format::Short, Format::Low] {
        let Cast { timeline, score } = cast(&order, format, &board, &spoken, false).unwrap();
        let fps = timeline.canvas.fps;
        assert!(!score.said.is_empty());
        for said in &score.said {
            let beat: u32 = said.digest.parse().unwrap();
            let of = |s: &&crate::timeline::Scene| s.beat == beat;
            let first = timeline.scenes.iter().find(of).unwrap();
            let last = timeline.scenes.iter().rfind(of).unwrap();
            let (from, to) = (said.at_ms, said.at_ms + said.to_ms - said.from_ms);
            let end = (last.start + last.frames) * 1000 / fps;
            assert!(
                from >= first.start * 1000 / fps && to + 200 <= end,
                "{format:?} {beat}: {from}–{to}, {end}"
            );
            let voice = spoken.iter().find(|v| v.digest == said.digest).unwrap();
            assert_eq!((said.from_ms, said.to_ms), (200, voice.ms - 300));
            let shown: Vec<_> = timeline
                .captions
                .iter()
                .filter(|c| c.start >= first.start && c.end <= last.start + last.frames)
                .collect();
            assert!((shown[0].start * 1000 / fps).abs_diff(from) <= 120);
        }
        // No two voices at once.
        assert!(
            score
                .said
                .windows(2)
                .all(|pair| pair[0].at_ms + pair[0].to_ms - pair[0].from_ms < pair[1].at_ms)
        );
    }
}

#[test]
fn sister_agencies_share_all_but_their_mark_and_the_end_card() {
    let sample = sample(StoryKind::News);
    let photos = pictured(&[0, 1]);
    let mut order = sample.order(&photos);
    let alone = short(&order);
    assert!(
        alone.plates.iter().all(|plate| plate.own == (plate.id == alone.plates.last().unwrap().id)
            || plate.template != "clip-end" && !plate.own)
    );
    order.look.shared = true;
    let timeline = short(&order);
    provenance::check(&timeline, &order).unwrap();
    let own: Vec<&str> =
        timeline.plates.iter().filter(|p| p.own).map(|p| p.template.as_str()).collect();
    assert_eq!(own, ["clip-title", "clip-end"]);
    let title = &timeline.scenes[0];
    let mark = title.cues.iter().find(|cue| cue.sprite.plate == "signature").unwrap();
    let ranges = crate::segment::plan(&timeline, &[crate::Rung::master("m")]);
    assert_eq!(mark.frames, Some(ranges[0].end), "it leaves with the first stretch");
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
    let timeline = told(&sample, &pictured(&[0, 1]), Format::Low).unwrap();
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
    let photos = pictured(&[0]);
    let timeline = short(&sample.order(&photos));
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
    let photos = pictured(&[0]);
    let order = clean.order(&photos);
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
    let order = lying.order(&photos);
    assert!(refused(&short(&order), &order));
    // A figure whose number is not at its place.
    let mut wrong = sample(StoryKind::News);
    wrong.brief.figures[0].value = "gần 3.851".into();
    let order = wrong.order(&photos);
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
    let photos = pictured(&[0]);
    let order = sample.order(&photos);
    let timeline = short(&order);
    provenance::check(&timeline, &order).unwrap();
    assert_eq!(
        timeline.plates.iter().find(|p| p.id == "scene-2").unwrap().data["kicker"],
        "Đã biên tập"
    );
    assert!(timeline.texts.iter().any(|d| d.edited && d.text.starts_with("Phủ sóng 4G")));
}
