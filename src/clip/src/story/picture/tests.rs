use loa_model::{Beat, PhotoChoice, StoryKind};

use super::*;
use crate::{
    Cast, Error, Format, Timeline, cast, draw, propose, provenance, script,
    story::{
        self,
        tests::support::{self, Sample, pictured},
    },
    timeline::{Origin, Place, SceneKind, Source},
};

fn map() -> Sample {
    support::mapped(support::sample(StoryKind::News))
}

/// A film of the title, this photo whole, a point and the end card.
fn board(n: usize) -> Storyboard {
    let topics = [Topic::Title, Topic::Picture(n), Topic::Point(0), Topic::Point(1), Topic::End];
    Storyboard { beats: topics.map(Beat::from).into(), ..Storyboard::default() }
}

fn chosen(order: &Order<'_>, format: Format, n: usize) -> Timeline {
    cast(order, format, &board(n), &[], true).unwrap().timeline
}

fn said(timeline: &Timeline) -> String {
    let lines = timeline.captions.iter().flat_map(|caption| &caption.lines);
    lines.map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_caption_says_at_its_start_that_its_photo_is_drawn() {
    let mut photo = map().article.photos[0].clone();
    for (caption, alt, expected) in [
        ("Bản đồ các điểm sạt lở", "", true),
        ("  LƯỢC ĐỒ tuyến đường", "", true),
        ("Sơ đồ: ba bước làm hồ sơ", "", true),
        ("Đồ họa: Bộ Xây dựng", "", true),
        ("Đồ hoạ tiến độ", "", true),
        ("Infographic", "", true),
        ("Map of the road", "", true),
        ("Chart 1", "", true),
        ("", "Biểu đồ giải ngân", true),
        ("Bà con xem bản đồ quy hoạch", "", false),
        ("Bản đồng diễn", "", false),
        ("Mapping the coast", "", false),
        ("Sơ đồn biên phòng", "", false),
        ("", "", false),
    ] {
        (photo.caption, photo.alt) = (caption.into(), alt.into());
        assert_eq!(is_drawn(&photo), expected, "{caption:?} {alt:?}");
    }
}

#[test]
fn a_map_is_told_once_after_the_first_point_and_moves_behind_no_words() {
    let photos = pictured(&[0, 1, 2]);
    for (sample, format) in [
        (map(), Format::Short),
        (map(), Format::Square),
        (map(), Format::Low),
        (map(), Format::Lowest),
        (support::mapped(support::rich()), Format::Long),
    ] {
        let order = sample.order(&photos);
        let board = propose(&order, format);
        let places: Vec<usize> = board
            .beats
            .iter()
            .enumerate()
            .filter_map(|(n, beat)| matches!(beat.of, Topic::Picture(_)).then_some(n))
            .collect();
        let Cast { timeline, .. } = cast(&order, format, &board, &[], false).unwrap();
        provenance::check(&timeline, &order).unwrap();
        let is_behind = |scene: &&crate::timeline::Scene| {
            scene.shot.as_ref().is_some_and(|shot| shot.source == Source::Photo(2))
        };
        assert_eq!(timeline.scenes.iter().filter(is_behind).count(), 0, "{format:?}");
        let whole = timeline.scenes.iter().filter(|scene| scene.kind == SceneKind::Picture);
        if format == Format::Lowest {
            assert!(places.is_empty() && whole.count() == 0, "a map cannot be read there");
            continue;
        }
        let point = |beat: &Beat| matches!(beat.of, Topic::Sapo | Topic::Point(_));
        let first = board.beats.iter().position(point).unwrap();
        assert_eq!(places, [first + 1], "{format:?}");
        assert_eq!(board.beats[first + 1].of, Topic::Picture(2));
        assert!(whole.count() >= 1, "{format:?}");
    }
}

#[test]
fn short_films_tell_one_map_long_ones_two_and_an_only_photo_is_ground_as_well() {
    let mut sample = support::mapped(support::rich());
    sample.article.photos[0].caption = "Sơ đồ ba bước".into();
    let photos = pictured(&[0, 2]);
    let order = sample.order(&photos);
    let told = |format: Format| -> Vec<Topic> {
        let beats = propose(&order, format).beats.into_iter().map(|beat| beat.of);
        beats.filter(|of| matches!(of, Topic::Picture(_))).collect()
    };
    assert_eq!(told(Format::Short), [Topic::Picture(0)]);
    assert_eq!(told(Format::Long), [Topic::Picture(0), Topic::Picture(2)]);
    // Both are maps: something has to be behind the words.
    let film = cast(&order, Format::Short, &propose(&order, Format::Short), &[], false).unwrap();
    let shots = film.timeline.scenes.iter().filter_map(|scene| scene.shot.as_ref());
    let behind = shots.filter(|shot| matches!(shot.source, Source::Photo(0 | 2))).count();
    assert!(behind > 1, "{behind}");
}

#[test]
fn a_picture_keeps_its_shape_and_stands_in_every_layout() {
    let sample = map();
    for size in [(1500, 1000), (1000, 1400), (640, 2000), (4000, 700), (301, 203), (9, 7)] {
        let photos = [Pictured::middle(2, size)];
        let order = sample.order(&photos);
        for format in Format::ALL {
            let timeline = chosen(&order, format, 2);
            timeline.check().unwrap();
            let whole = timeline.scenes.iter().find(|scene| scene.kind == SceneKind::Picture);
            if format == Format::Lowest {
                assert!(whole.is_none());
                continue;
            }
            let shot = whole.unwrap().shot.as_ref().unwrap();
            let (width, height) = size;
            assert_eq!(shot.source, Source::Whole { photo: 2, width, height });
            assert_eq!((shot.from, shot.melt), (shot.to, 0), "it does not move");
            let (place, seen) = (shot.place, shot.covered());
            let inside = |from: u32, length: u32, room: u32, side: u32| {
                from >= room && from + length <= room + side
            };
            assert!(inside(seen.x, seen.width, place.x, place.width), "{format:?} {seen:?}");
            assert!(inside(seen.y, seen.height, place.y, place.height), "{format:?} {seen:?}");
            // Its shape but for the pixels that make sides even, in the middle, as large as it can be.
            let far = (seen.width * height).abs_diff(seen.height * width);
            assert!(far <= 2 * width.max(height), "{format:?} {size:?}: {seen:?}");
            let off = (2 * seen.x + seen.width).abs_diff(2 * place.x + place.width);
            assert!(off <= 4, "{format:?}: {seen:?} in {place:?}");
            let fills = seen.width + 2 > place.width || seen.height + 2 > place.height;
            let is_enlarged = seen.width >= 2 * width - 2 && seen.height >= 2 * height - 2;
            assert!(fills || is_enlarged, "{format:?} {size:?}: {seen:?}");
            assert!(seen.width <= 2 * width && seen.height <= 2 * height, "{size:?}: {seen:?}");
        }
    }
}

#[test]
fn words_take_of_the_foot_what_they_need_and_the_whole_stays_seen() {
    let sample = map();
    let photos = pictured(&[2]);
    let mut timeline = chosen(&sample.order(&photos), Format::Short, 2);
    let before = timeline.scenes[1].shot.clone().unwrap();
    draw::uncover(&mut timeline, |key, _| (key.plate == "scene-2").then_some(1201..1920));
    let shot = timeline.scenes[1].shot.as_ref().unwrap();
    let Place { x, y, height, .. } = shot.place;
    assert_eq!(y + height, (1201 - x) & !1, "as far from the words as from the edge");
    let seen = shot.covered();
    assert!(seen.y + seen.height <= y + height && before.covered().y > seen.y);
    assert_eq!(shot.source, before.source);
}

#[test]
fn a_strip_or_a_stamp_is_shown_only_where_a_person_asks_for_it() {
    let sample = map();
    for (size, told) in [((1500, 1000), 1), ((800, 2000), 1), ((800, 2400), 0), ((320, 240), 0)] {
        let mut photos = pictured(&[0, 2]);
        photos[1].size = size;
        let order = sample.order(&photos);
        let film = cast(&order, Format::Short, &propose(&order, Format::Short), &[], false);
        let scenes = film.unwrap().timeline.scenes;
        let whole = scenes.iter().filter(|scene| scene.kind == SceneKind::Picture).count();
        assert_eq!(whole, told, "{size:?}");
        let film = chosen(&order, Format::Short, 2);
        assert_eq!(film.scenes[1].kind, SceneKind::Picture, "{size:?}");
    }
}

#[test]
fn the_caption_is_drawn_told_and_spoken_word_for_word() {
    let sample = map();
    let photos = pictured(&[0, 1, 2]);
    let order = sample.order(&photos);
    let timeline = chosen(&order, Format::Short, 2);
    provenance::check(&timeline, &order).unwrap();
    let plate = &timeline.plates.iter().find(|plate| plate.id == "scene-2").unwrap();
    assert_eq!(
        (plate.template.as_str(), &plate.data["text"]),
        ("clip-picture", &support::MAP.into())
    );
    assert_eq!(plate.data["source"], "Đồ họa: Tòa soạn Minh Họa");
    assert!(said(&timeline).contains(support::MAP), "{}", said(&timeline));
    let script = script(&order, &board(2));
    assert!(script.iter().any(|(beat, words)| *beat == 1 && words == support::MAP), "{script:?}");
    // Where there is little room it comes in pages over the same picture, and no word of it is lost.
    let low = chosen(&order, Format::Low, 2);
    provenance::check(&low, &order).unwrap();
    let pages = low.scenes.iter().filter(|scene| scene.kind == SceneKind::Picture);
    assert!(pages.clone().all(|scene| scene.shot == pages.clone().next().unwrap().shot));
    assert!(pages.count() > 1 || support::MAP.chars().count() <= 100);
    assert!(said(&low).contains(support::MAP), "{}", said(&low));
}

#[test]
fn a_picture_without_a_caption_shows_whose_it_is_and_one_without_both_shows_itself() {
    let mut sample = map();
    sample.article.photos[2].caption.clear();
    let photos = pictured(&[0, 1, 2]);
    for credit in ["Đồ họa: Tòa soạn Minh Họa", ""] {
        sample.article.photos[2].credit = credit.into();
        let order = sample.order(&photos);
        for format in [Format::Short, Format::Low] {
            let timeline = chosen(&order, format, 2);
            provenance::check(&timeline, &order).unwrap();
            let drawn = timeline.texts.iter().filter(|text| text.plate == "scene-2");
            let drawn: Vec<_> = drawn.map(|text| text.text.as_str()).collect();
            assert_eq!(drawn, if credit.is_empty() { vec![] } else { vec![credit] });
            assert!(timeline.scenes[1].frames >= 5 * timeline.canvas.fps, "time to look at it");
        }
        assert!(script(&order, &board(2)).iter().all(|(beat, _)| *beat != 1));
    }
}

#[test]
fn what_the_article_does_not_say_under_this_photo_is_refused() {
    let sample = map();
    let photos = pictured(&[0, 1, 2]);
    let order = sample.order(&photos);
    let refused = |change: &dyn Fn(&mut Timeline)| {
        let mut timeline = chosen(&order, Format::Short, 2);
        change(&mut timeline);
        matches!(provenance::check(&timeline, &order), Err(Error::Unfaithful { .. }))
    };
    let forged = |words: &'static str, field: &'static str| {
        move |timeline: &mut Timeline| {
            let is_it = |plate: &&mut crate::timeline::Plate| plate.id == "scene-2";
            timeline.plates.iter_mut().find(is_it).unwrap().data[field] = words.into();
            let is_it = |text: &&mut crate::timeline::Drawn| {
                (text.plate.as_str(), text.field.as_str()) == ("scene-2", field)
            };
            timeline.texts.iter_mut().find(is_it).unwrap().text = words.into();
        }
    };
    assert!(!refused(&|_| ()));
    assert!(!refused(&forged(support::MAP, "text")));
    // Other words, fewer words, the caption of another photo, another's name.
    assert!(refused(&forged("Bản đồ các thôn, bản", "text")));
    assert!(refused(&forged("Bản đồ các thôn, bản được phủ sóng", "text")));
    assert!(refused(&forged("Ảnh minh họa 1", "text")));
    assert!(refused(&forged("Đồ họa: Báo khác", "source")));
    // A page of it is some of its words, in their order.
    let part = |words: &'static str| {
        move |timeline: &mut Timeline| {
            forged(words, "text")(timeline);
            for text in &mut timeline.texts {
                if let Origin::Caption { part, .. } = &mut text.origin {
                    *part = true;
                }
            }
        }
    };
    assert!(!refused(&part("Bản đồ các thôn, bản đặc biệt")));
    assert!(refused(&part("Bản đồ các xã")));
    // True words beside another photo.
    assert!(refused(&|timeline| {
        let shot = timeline.scenes[1].shot.as_mut().unwrap();
        shot.source = Source::Whole { photo: 0, width: 1500, height: 1000 };
    }));
    assert!(refused(&|timeline| timeline.scenes[1].shot = None));
}

#[test]
fn a_person_chooses_among_all_photos_that_can_be_shown() {
    let sample = map();
    let photos = pictured(&[0, 2]);
    let order = sample.order(&photos);
    let offered = |format: Format| -> Vec<usize> {
        let of = |topic| if let Topic::Picture(n) = topic { Some(n) } else { None };
        story::topics(&order, format).into_iter().filter_map(of).collect()
    };
    assert_eq!(offered(Format::Square), [0, 2]);
    assert_eq!(offered(Format::Lowest), [0; 0]);
    // Any of them, map or not, and whatever is chosen as its ground.
    let mut board = board(0);
    board.beats[1].photo = PhotoChoice::At(2);
    let film = cast(&order, Format::Long, &board, &[], true).unwrap();
    let shot = film.timeline.scenes[1].shot.as_ref().unwrap();
    assert!(matches!(shot.source, Source::Whole { photo: 0, .. }));
    // Photo 2 could not be fetched, a tenth was never there.
    for n in [1, 9] {
        let error = cast(&order, Format::Short, &self::board(n), &[], true).unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("Cảnh 2: ") && told.contains("ảnh"), "{told}");
    }
    // Slow links leave it out as they do with tables.
    cast(&order, Format::Lowest, &self::board(1), &[], true).unwrap();
}
