use loa_model::{Beat, Edit, Fit, StoryKind, Storyboard, Topic};

use super::*;
use crate::{Error, provenance, timeline::SceneKind};

#[path = "../../tests/support/mod.rs"]
pub(super) mod support;

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
    for kind in [SceneKind::Chart, SceneKind::Step, SceneKind::Figure, SceneKind::Quote] {
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
fn a_piece_of_a_video_alone_has_nothing_over_it() {
    let sample = sample(StoryKind::News);
    let order = sample.order(&[]);
    let piece = Cut { video: 0, from_ms: 0, to_ms: 170_000, fit: Fit::Pad };
    let alone = |music, rest: &[Topic]| {
        let topics = [Topic::Cut(piece.clone())].into_iter().chain(rest.iter().cloned());
        let beats = topics.map(Beat::from).collect();
        let board = Storyboard { beats, music, ..Storyboard::default() };
        super::cast(&order, Format::Long, &board, &[], true).unwrap()
    };
    let Cast { timeline, score } = alone(Some(Music::Silent), &[]);
    assert_eq!((timeline.bar_height, timeline.overlays.len()), (0, 0));
    assert!(timeline.scenes[0].cues.is_empty() && score.said.is_empty());
    assert_eq!((score.heard[0].from_ms, score.heard[0].to_ms), (0, 170_000));
    assert!(alone(None, &[]).timeline.bar_height > 0, "there is music");
    assert!(alone(Some(Music::Silent), &[Topic::End]).timeline.bar_height > 0, "there is an end");
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
    // What a figure counts is marked as well; its number is the article's.
    sample.brief.figures[0].label.text = "mức hỗ trợ mỗi hộ".into();
    sample.brief.figures[0].label.edits = vec![Edit::Rewritten { by, at }];
    for format in [Format::Short, Format::Low] {
        let mut figured = support::sample(StoryKind::Figures);
        figured.brief.figures[0].label = sample.brief.figures[0].label.clone();
        let order = figured.order(&photos);
        let timeline = told(&figured, &photos, format).unwrap();
        provenance::check(&timeline, &order).unwrap();
        let plate = timeline.plates.iter().find(|p| p.data["label"] == "mức hỗ trợ mỗi hộ");
        assert_eq!(plate.unwrap().data["kicker"], "Đã biên tập", "{format:?}");
        assert!(timeline.texts.iter().all(|d| d.field != "value" || !d.edited));
    }
    // A headline keeps its section beside the mark.
    sample.brief.title.text = "Bão số 9 gần bờ".into();
    sample.brief.title.edits = vec![Edit::Rewritten { by, at }];
    for (section, kicker) in [("Xã hội", "Xã hội · Đã biên tập"), ("", "Đã biên tập")]
    {
        sample.article.section = section.into();
        let order = sample.order(&photos);
        let timeline = short(&order);
        provenance::check(&timeline, &order).unwrap();
        let title = timeline.plates.iter().find(|p| p.data["text"] == "Bão số 9 gần bờ").unwrap();
        assert_eq!(title.data["kicker"], kicker);
    }
}

#[test]
fn a_table_of_one_unit_is_told_once_and_as_its_chart() {
    for (lines, kind, strong) in [
        (&support::BARS[..], "bars", 0),
        (&support::LINE, "line", 4),
        (&support::SHARE, "share", 0),
    ] {
        let sample = support::tabled(lines);
        let photos = pictured(&[0, 1]);
        let order = sample.order(&photos);
        for format in [Format::Short, Format::Square, Format::Low, Format::Lowest] {
            let timeline = told(&sample, &photos, format).unwrap();
            provenance::check(&timeline, &order).unwrap();
            let of = |kind| timeline.scenes.iter().filter(|scene| scene.kind == kind).count();
            assert_eq!((of(SceneKind::Chart), of(SceneKind::Table)), (1, 0), "{kind} {format:?}");
            let is_chart = |plate: &&crate::timeline::Plate| !plate.data["chart"].is_null();
            let plate = timeline.plates.iter().find(is_chart).unwrap();
            let still = format.is_still();
            assert_eq!(plate.template, if still { "clip-low-chart" } else { "clip-chart" });
            let chart = &plate.data["chart"];
            assert_eq!(chart["kind"], if still { "bars" } else { kind }, "{format:?}");
            assert_eq!(chart["strong"], strong);
            // Word for word, each cell with its place.
            for (n, line) in lines.iter().enumerate() {
                for (column, cell) in line.iter().enumerate() {
                    let drawn = match (n.checked_sub(1), column.checked_sub(1)) {
                        (None, _) => &chart["columns"][column],
                        (Some(row), None) => &chart["rows"][row]["label"],
                        (Some(row), Some(at)) => &chart["rows"][row]["values"][at]["text"],
                    };
                    assert_eq!(drawn, cell);
                    let is_cell = |text: &&crate::timeline::Drawn| {
                        (text.plate.as_str(), text.text.as_str()) == (plate.id.as_str(), *cell)
                    };
                    let listed = timeline.texts.iter().find(is_cell).unwrap();
                    assert!(matches!(listed.origin, crate::timeline::Origin::Passage { .. }));
                }
            }
            let length = |row: usize| chart["rows"][row]["values"][0]["length"].as_f64().unwrap();
            let rows = 0..lines.len() - 1;
            let most = rows.clone().map(length).fold(0.0, f64::max);
            let sum: f64 = rows.map(length).sum();
            let full = if chart["kind"] == "share" { sum } else { most };
            assert!((full - 1.0).abs() < 0.001, "{kind} {format:?}: {full}");
        }
    }
}

#[test]
fn a_table_that_is_no_chart_stays_a_table_and_nobody_can_order_one() {
    let photos = pictured(&[0]);
    let board = |of: &Topic| Storyboard {
        beats: [Topic::Title, of.clone(), Topic::Point(0), Topic::Point(1), Topic::End]
            .map(Beat::from)
            .into(),
        ..Storyboard::default()
    };
    // Seven rows of one unit are a chart, but more than a table holds; nine are neither.
    let rows = |count: usize| {
        let all = ["A1", "B2", "C3", "D4", "E5", "G6", "H7", "I8", "K9"];
        let mut lines = vec![vec!["Xã", "Số hộ"]];
        lines.extend(all.iter().take(count).map(|name| vec![*name, "5 hộ"]));
        lines
    };
    let (seven, nine) = (rows(7), rows(9));
    let view =
        |lines: &[Vec<&str>]| support::tabled(&lines.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let (table, chart) = (Topic::Table, Topic::Chart);
    for (sample, format, listed, refused) in [
        (support::tabled(&support::BARS), Format::Short, vec![&table, &chart], vec![]),
        (support::tabled(&support::BARS), Format::Lowest, vec![&chart], vec![]),
        (support::tabled(&support::MIXED), Format::Short, vec![&table], vec![(&chart, "đơn vị")]),
        (support::tabled(&support::MIXED), Format::Low, vec![], vec![(&chart, "đơn vị")]),
        (view(&seven), Format::Square, vec![&chart], vec![(&table, "tối đa 6")]),
        (view(&seven), Format::Low, vec![], vec![(&chart, "tối đa 5")]),
        (view(&nine), Format::Short, vec![], vec![(&table, "tối đa 6"), (&chart, "tối đa 8")]),
    ] {
        let order = sample.order(&photos);
        let is_table = |topic: &&Topic| matches!(topic, Topic::Table | Topic::Chart);
        let all = topics(&order, format);
        assert_eq!(all.iter().filter(is_table).collect::<Vec<_>>(), listed, "{format:?}");
        let beats = propose(&order, format).beats;
        let proposed: Vec<_> = beats.iter().map(|beat| &beat.of).filter(is_table).collect();
        assert_eq!(proposed, listed.last().copied().into_iter().collect::<Vec<_>>(), "{format:?}");
        for topic in &listed {
            cast(&order, format, &board(topic), &[], true).unwrap();
        }
        for (topic, why) in refused {
            let error = cast(&order, format, &board(topic), &[], true).unwrap_err().to_string();
            assert!(error.starts_with("Cảnh 2: ") && error.contains(why), "{format:?}: {error}");
        }
    }
}

#[test]
fn bars_grow_one_after_the_other_and_their_values_stand_when_they_do() {
    use crate::timeline::Motion;
    let sample = support::tabled(&support::BARS);
    let photos = pictured(&[0]);
    let order = sample.order(&photos);
    for ms in [None, Some(1000)] {
        let topics = [Topic::Title, Topic::Chart, Topic::Point(0), Topic::End];
        let mut beats: Vec<Beat> = topics.map(Beat::from).into();
        beats[1].ms = ms;
        let board = Storyboard { beats, ..Storyboard::default() };
        let timeline = cast(&order, Format::Short, &board, &[], true).unwrap().timeline;
        let scene = &timeline.scenes[1];
        let cue = |layer: usize| scene.cues.iter().find(|c| c.sprite.layer == layer).unwrap();
        let mut before = 0;
        for row in 0..5 {
            let (bar, value) = (cue(3 + row), cue(11 + row));
            let Motion::Grow { frames } = bar.motion else { panic!("{:?}", bar.motion) };
            assert!(matches!(value.motion, Motion::Rise { by: 0, .. }), "{:?}", value.motion);
            assert!(bar.start >= before && value.start + 1 >= bar.start + frames, "row {row}");
            before = bar.start;
        }
        let Motion::Rise { frames, .. } = cue(15).motion else { panic!("a value") };
        // However short a person made it: all of it is seen for half of the scene.
        let stands = cue(15).start + frames;
        assert!(stands <= scene.fade_in + scene.frames / 2, "{stands} of {}", scene.frames);
    }
    // Slow links see all of it at once.
    let low = told(&sample, &photos, Format::Lowest).unwrap();
    let scene = low.scenes.iter().find(|scene| scene.kind == SceneKind::Chart).unwrap();
    assert!(scene.cues.iter().all(|cue| cue.motion == Motion::Still && cue.start == 0));
}

#[test]
fn what_is_kept_of_a_clip_says_when_each_sentence_is_told_and_where_it_is_from() {
    let sample = sample(StoryKind::News);
    let photos = pictured(&[0, 1]);
    let order = sample.order(&photos);
    let timeline = short(&order);
    let report = provenance::report(&timeline);
    let scenes = report.as_array().unwrap().last().unwrap()["scenes"].as_array().unwrap().clone();
    assert_eq!(scenes.len(), timeline.scenes.len());
    let mut next = 0;
    for scene in &scenes {
        assert_eq!(scene["from_ms"], next, "{scene}");
        next = scene["to_ms"].as_u64().unwrap();
    }
    assert_eq!(next, timeline.duration_ms());
    assert_eq!(
        (&scenes[0]["kind"], &scenes.last().unwrap()["kind"]),
        (&"title".into(), &"end".into())
    );
    let lines = |scene: &serde_json::Value| scene["lines"].as_array().unwrap().clone();
    assert_eq!(lines(&scenes[0])[0]["text"], sample.brief.title.text);
    // Each point that is told has its words with their place, once.
    let points: Vec<_> = scenes.iter().filter(|scene| scene["kind"] == "point").collect();
    assert!(!points.is_empty());
    for scene in points {
        let told = lines(scene);
        let first = &told[0];
        let text = first["text"].as_str().unwrap();
        let span: loa_model::Span = serde_json::from_value(first["span"].clone()).unwrap();
        assert!(span.of(&sample.article).unwrap().contains(text), "{first}");
        assert_eq!(told.iter().filter(|line| line["text"] == *text).count(), 1);
    }
}
