//! A clip that is looked at before it is encoded shows what the encoded one will, and is drawn anew only where it changed.

#![cfg(feature = "ffmpeg")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::Path};

use loa_canvas::{Assets, DecodedPhoto, Engine, photo};
use loa_clip::{
    Compositor, Error, Folders, Format, PhotoFile, Pictured, Rehearsal, Request, Wanted, film,
    propose, timeline::SceneKind, worker,
};
use loa_model::{Beat, Cancel, StoryKind, Storyboard, Topic, Transition};
use support::Sample;

mod support;

struct Room {
    _folder: tempfile::TempDir,
    engine: Engine,
    sample: Sample,
    files: Vec<PhotoFile>,
    photos: Vec<Pictured>,
    work: std::path::PathBuf,
}

impl Room {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let work = folder.path().join("work");
        fs::create_dir_all(&work).unwrap();
        let files = support::photos(&work, 900, 600);
        let middle = |photo: &PhotoFile| Pictured::middle(photo.index, (900, 600));
        let photos = files.iter().map(middle).collect();
        let engine = Engine::new(&Assets::from_dir(&support::assets(), &[]).unwrap()).unwrap();
        let sample = support::sample(StoryKind::News);
        Self { _folder: folder, engine, sample, files, photos, work }
    }

    fn photo(&self, index: u32) -> loa_clip::Result<DecodedPhoto> {
        let path: &Path = &self.files[index as usize].path;
        photo::decode(&fs::read(path).unwrap()).map_err(|error| Error::Photo(error.to_string()))
    }

    fn rehearse(
        &self,
        (format, board, fixed): (Format, &Storyboard, bool),
        before: Option<&Rehearsal>,
        cancel: &Cancel,
    ) -> loa_clip::Result<Rehearsal> {
        let order = self.sample.order(&self.photos);
        let canvas = (&self.engine, "demo");
        let photo = |index| self.photo(index);
        Rehearsal::draw(&order, (format, board, fixed), &[], canvas, photo, before, cancel)
    }
}

/// Mean distance of two pictures of the same size, in steps of 255.
fn distance(one: &image::RgbImage, other: &image::RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a picture has few pixels")]
    let mean = sum as f64 / one.as_raw().len() as f64;
    mean
}

#[test]
fn a_frame_is_the_frame_that_will_be_encoded() {
    let room = Room::new();
    let order = room.sample.order(&room.photos);
    for format in [Format::Short, Format::Lowest] {
        let board = propose(&order, format);
        let cancel = Cancel::new();
        let looked = room.rehearse((format, &board, false), None, &cancel).unwrap();
        let folders = Folders { work: &room.work, out: &room.work };
        let canvas = (&room.engine, "demo");
        let wanted = Wanted::default();
        let made =
            film(&order, (format, &board, false), &[], canvas, &wanted, folders, &cancel).unwrap();
        assert_eq!(looked.duration_ms(), made.timeline.duration_ms());
        assert_eq!(looked.scenes().len(), made.timeline.scenes.len());
        let request = Request {
            films: vec![made],
            photos: room.files.clone(),
            videos: vec![],
            cache: room.work.clone(),
            workers: 1,
        };
        let film = &request.films[0];
        let pictures = worker::load(&request, film).unwrap();
        let mut compositor = Compositor::new(&film.timeline, &pictures).unwrap();
        let mut last = None;
        for (seen, scene) in looked.scenes().iter().zip(&film.timeline.scenes) {
            assert_eq!(seen.from_ms, film.timeline.ms(scene.start));
            let jpeg = looked.jpeg(seen.still_ms).unwrap();
            let shown = image::load_from_memory(&jpeg).unwrap().to_rgb8();
            assert!(shown.width().max(shown.height()) <= 640);
            let frames = u64::from(film.timeline.canvas.fps) * seen.still_ms;
            let frame = u32::try_from((frames + 500) / 1000).unwrap();
            let still = compositor.still(frame).unwrap();
            let side = |side: usize| u32::try_from(side).unwrap();
            let (width, height) = (side(still.width()), side(still.height()));
            let whole = image::RgbImage::from_raw(width, height, still.to_rgb()).unwrap();
            let small = image::imageops::thumbnail(&whole, shown.width(), shown.height());
            let far = distance(&shown, &small);
            assert!(far < 4.0, "{format:?} at {} ms: {far}", seen.still_ms);
            // The scenes differ from one another by far more than that.
            if let Some(last) = last.replace(small) {
                assert!(distance(&shown, &last) > 6.0, "{format:?} at {} ms", seen.still_ms);
            }
        }
    }
}

#[test]
fn what_stays_is_not_drawn_again_and_looks_the_same() {
    let room = Room::new();
    let topics = [Topic::Title, Topic::Point(0), Topic::Quote(0), Topic::End];
    let board = Storyboard { beats: topics.map(Beat::from).into(), ..Storyboard::default() };
    let on = Cancel::new();
    let first = room.rehearse((Format::Square, &board, true), None, &on).unwrap();
    let words: Vec<_> = first.scenes().iter().map(|seen| seen.words.as_str()).collect();
    assert_eq!((words[0], words[1]), (support::TITLE, support::POINTS[0]));

    // Whoever draws asks first whether anyone still wants it.
    let off = Cancel::new();
    off.cancel();
    let anew =
        |board: &Storyboard, before| room.rehearse((Format::Square, board, true), before, &off);
    let mut timed = board.clone();
    timed.beats[1].ms = Some(7000);
    timed.beats[2].enter = Some(Transition::Wipe);
    timed.beats[1].photo = loa_model::PhotoChoice::At(2);
    assert!(matches!(anew(&timed, None), Err(Error::Cancelled)), "all of it would be drawn");
    let second = anew(&timed, Some(&first)).unwrap();
    let scene = &second.scenes()[1];
    assert_eq!((scene.to_ms - scene.from_ms, scene.photo), (7000, Some(2)));
    let mut other = board.clone();
    other.beats[1].of = Topic::Point(1);
    assert!(matches!(anew(&other, Some(&first)), Err(Error::Cancelled)), "its words change");

    let fresh = room.rehearse((Format::Square, &timed, true), None, &on).unwrap();
    assert_eq!(second.duration_ms(), fresh.duration_ms());
    for ms in (0..second.duration_ms()).step_by(700) {
        assert_eq!(second.jpeg(ms).unwrap(), fresh.jpeg(ms).unwrap(), "at {ms} ms");
    }
    assert_ne!(first.jpeg(6000).unwrap(), second.jpeg(6000).unwrap());
}

#[test]
fn a_chart_that_does_not_fit_is_told_as_its_table_and_refused_where_a_person_chose_it() {
    let mut room = Room::new();
    let on = Cancel::new();
    room.sample = support::tabled(&support::LONG);
    let tables = |seen: &Rehearsal| -> Vec<(SceneKind, usize)> {
        let is_table = |kind: &SceneKind| matches!(kind, SceneKind::Table | SceneKind::Chart);
        let scenes = seen.scenes().iter().map(|scene| (scene.kind, scene.beat));
        scenes.filter(|(kind, _)| is_table(kind)).collect()
    };
    let board = propose(&room.sample.order(&room.photos), Format::Square);
    let place = board.beats.iter().position(|beat| beat.of == Topic::Chart).unwrap();
    let told = room.rehearse((Format::Square, &board, false), None, &on).unwrap();
    assert_eq!(tables(&told), [(SceneKind::Table, place)]);
    let chosen = [Topic::Title, Topic::Chart, Topic::Point(0), Topic::End].map(Beat::from);
    let chosen = Storyboard { beats: chosen.into(), ..Storyboard::default() };
    let refused = room.rehearse((Format::Square, &chosen, true), None, &on);
    assert!(matches!(refused, Err(Error::Overflow { ref plate, .. }) if plate == "scene-2"));
    // Short labels leave room for all of it.
    room.sample = support::tabled(&support::BARS);
    let told = room.rehearse((Format::Square, &chosen, true), None, &on).unwrap();
    assert_eq!(tables(&told), [(SceneKind::Chart, 1)]);
}

#[test]
fn a_caption_that_does_not_fit_costs_its_picture_and_is_refused_where_a_person_chose_it() {
    let mut room = Room::new();
    let on = Cancel::new();
    room.sample = support::mapped(support::sample(StoryKind::News));
    let whole = |seen: &Rehearsal| {
        let scenes = seen.scenes().iter().filter(|scene| scene.kind == SceneKind::Picture);
        scenes.map(|scene| (scene.words.clone(), scene.photo, scene.focus)).collect::<Vec<_>>()
    };
    let board = propose(&room.sample.order(&room.photos), Format::Square);
    assert!(board.beats.iter().any(|beat| beat.of == Topic::Picture(2)));
    let told = room.rehearse((Format::Square, &board, false), None, &on).unwrap();
    assert_eq!(whole(&told), [(support::MAP.to_owned(), Some(2), None)]);
    // Drawn again it is the same.
    let again = room.rehearse((Format::Square, &board, false), Some(&told), &on).unwrap();
    let ms = told.scenes().iter().find(|scene| scene.kind == SceneKind::Picture).unwrap().still_ms;
    assert_eq!(told.jpeg(ms).unwrap(), again.jpeg(ms).unwrap());
    room.sample.article.photos[2].caption = [support::MAP; 8].join(" ");
    // It is not left out because nobody has the time to read it.
    let mut board = board;
    let place = board.beats.iter().position(|beat| beat.of == Topic::Picture(2)).unwrap();
    board.beats[place].ms = Some(6000);
    let told = room.rehearse((Format::Square, &board, false), None, &on).unwrap();
    assert_eq!(whole(&told), []);
    board.beats = vec![Topic::Title.into(), board.beats.swap_remove(place), Topic::End.into()];
    let refused = room.rehearse((Format::Square, &board, true), None, &on);
    assert!(matches!(refused, Err(Error::Overflow { ref plate, .. }) if plate == "scene-2"));
}
