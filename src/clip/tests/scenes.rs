//! Every kind of scene as it was last looked at: chosen frames of small films, composed as they are encoded, by the digest of
//! their planes.
//!
//! A frame that differs is left in `target/scenes` as a picture. Look at it; when it is as it should be, copy
//! `target/scenes/frames.txt` over `src/clip/tests/scenes/frames.txt`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use loa_canvas::{Assets, Engine};
use loa_clip::{Compositor, Footage, Format, Look, Pictures, Yuv, cast, timeline::Source};
use loa_model::{Beat, Cancel, Cut, Digest, Event, Fit, StoryKind, Storyboard, Topic, Transition};
use support::Sample;

mod support;

/// A piece of the article's video.
const PIECE: Topic = Topic::Cut(Cut { video: 0, from_ms: 1000, to_ms: 4000, fit: Fit::Pad });

/// Scenes by name: what they tell, how they take over, and which of their moments are looked at, hundredths of the scene.
const SCENES: [(&str, Topic, Transition, &[u32]); 13] = [
    ("title", Topic::Title, Transition::Cut, &[0, 60]),
    // In the transition, and when all of it stands.
    ("standfirst", Topic::Sapo, Transition::Fade, &[8, 70]),
    ("point", Topic::Point(0), Transition::Wipe, &[8, 70]),
    // While it counts, and when it has.
    ("figure", Topic::Figure(0), Transition::Fade, &[30, 80]),
    ("quote", Topic::Quote(0), Transition::Slide, &[8, 70]),
    ("table", Topic::Table, Transition::Fade, &[30, 80]),
    // While the bars grow, and when their values stand.
    ("chart", Topic::Chart, Transition::Fade, &[25, 80]),
    ("step", Topic::Step(1), Transition::Fade, &[70]),
    ("event", Topic::Event(0), Transition::Fade, &[70]),
    ("alert", Topic::Alert, Transition::Fade, &[70]),
    ("picture", Topic::Picture(2), Transition::Fade, &[8, 70]),
    ("cut", PIECE, Transition::Fade, &[50]),
    ("end", Topic::End, Transition::Fade, &[90]),
];
/// How long each lasts, milliseconds.
const LASTS_MS: u32 = 3_000;

/// A film of some scenes.
struct Case {
    name: &'static str,
    format: Format,
    sample: Sample,
    scenes: &'static [&'static str],
}

fn cases() -> [Case; 11] {
    let case = |name, format, sample, scenes| Case { name, format, sample, scenes };
    let said =
        &["title", "standfirst", "point", "figure", "quote", "chart", "step", "event", "end"];
    let all = &[
        "title",
        "standfirst",
        "point",
        "figure",
        "quote",
        "table",
        "chart",
        "step",
        "event",
        "alert",
        "cut",
        "end",
    ];
    let few = &["title", "point", "chart"];
    let map = &["title", "picture"];
    let mapped = || support::mapped(support::sample(StoryKind::News));
    [
        case("short", Format::Short, whole(), all),
        case("low", Format::Low, whole(), said),
        case("lowest", Format::Lowest, support::tabled(&support::BARS), few),
        case("square", Format::Square, support::tabled(&support::LINE), few),
        case("square-table", Format::Square, support::tabled(&support::MIXED), &["title", "table"]),
        case("long", Format::Long, support::tabled(&support::SHARE), few),
        case("long-more", Format::Long, whole(), &["title", "figure", "table", "cut", "end"]),
        case("short-map", Format::Short, mapped(), map),
        case("square-map", Format::Square, mapped(), map),
        case("long-map", Format::Long, mapped(), map),
        case("low-map", Format::Low, mapped(), map),
    ]
}

/// A story with every part, and a figure that counts up.
fn whole() -> Sample {
    let mut sample = support::rich();
    let point = sample.brief.points[2].clone();
    let words = "ngày 15/12";
    let mut date = point.clone();
    let at = u32::try_from(point.text.find(words).unwrap()).unwrap();
    date.span.start = point.span.start + at;
    date.span.end = date.span.start + u32::try_from(words.len()).unwrap();
    date.text = words.into();
    let day = "2026-12-15".parse().unwrap();
    sample.brief.events = vec![Event { day, date, text: point }];
    sample.brief.figures[0].value = "3.850".into();
    sample
}

/// A picture of whole numbers: no machine rounds it in another way.
fn picture(tone: usize) -> Yuv {
    let (width, height) = (720, 960);
    let pixel = |i: usize| {
        let (x, y) = (i % width, i / width);
        [x / 6 + tone * 40, y / 8 + tone * 20, (x / 60 + y / 60) % 2 * 90 + 40]
            .map(|part| u8::try_from(part % 256).unwrap())
    };
    let rgb: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    Yuv::from_rgb(&rgb, width, height)
}

/// The video: one picture at every moment.
struct Still(Yuv);

impl Footage for Still {
    fn frame(&mut self, _video: u32, _ms: u32, _fit: Fit) -> loa_clip::Result<&Yuv> {
        Ok(&self.0)
    }
}

fn digest(frame: &Yuv) -> String {
    let rows = frame.planes.iter().flat_map(|p| (0..p.height).flat_map(|y| p.row(y)));
    Digest::of(&rows.copied().collect::<Vec<u8>>()).short()
}

/// Frames of a film by their names.
fn composed(engine: &Engine, case: &Case) -> Vec<(String, Yuv)> {
    let mut photos = support::pictured(&[0, 1, 2]);
    if case.name == "short-map" {
        // Upright, as maps of the whole country are.
        photos[2].size = (1000, 1400);
    }
    let mut order = case.sample.order(&photos);
    order.look = Look::of(engine, "demo").unwrap();
    let scene = |name: &&str| SCENES.iter().find(|scene| scene.0 == *name).unwrap();
    let scenes: Vec<_> = case.scenes.iter().map(scene).collect();
    let beat = |(_, of, enter, _): &&(&str, Topic, Transition, &[u32])| Beat {
        ms: Some(LASTS_MS),
        enter: Some(*enter),
        ..Beat::from(of.clone())
    };
    let board = Storyboard { beats: scenes.iter().map(beat).collect(), ..Storyboard::default() };
    let mut timeline = cast(&order, case.format, &board, &[], true).unwrap().timeline;
    loa_clip::provenance::check(&timeline, &order).unwrap();
    let bitmaps = loa_clip::draw(&mut timeline, engine, "demo", &Cancel::new()).unwrap();
    let photos = (0..3).map(|index| (index, picture(index as usize))).collect();
    // At its very size: nothing is scaled, which processors round in their own ways.
    let whole = timeline.scenes.iter().filter_map(|scene| {
        let shot = scene.shot.as_ref()?;
        let Source::Whole { photo, .. } = shot.source else { return None };
        let place = shot.covered();
        let map = support::map(place.width, place.height);
        let drawn = Yuv::from_rgb(map.as_raw(), place.width as usize, place.height as usize);
        Some(((photo, (place.width, place.height)), drawn))
    });
    let pictures = Pictures::new(photos, &bitmaps).with_whole(whole.collect());
    let compositor = Compositor::new(&timeline, &pictures).unwrap();
    let mut compositor = compositor.with_footage(Box::new(Still(picture(4))));
    let mut frames = Vec::new();
    for (place, (name, _, _, moments)) in scenes.into_iter().enumerate() {
        // The first page of a scene that has several.
        let mut seen = timeline.scenes.iter().filter(|scene| scene.beat as usize == place);
        let scene = seen.next().unwrap_or_else(|| panic!("{} shows no {name}", case.name));
        // Where nothing moves one moment is all there is.
        let first = if case.format.is_still() { moments.len() - 1 } else { 0 };
        for moment in &moments[first..] {
            let frame = scene.start + scene.frames * moment / 100;
            let key = format!("{}/{name}/{moment:02}", case.name);
            frames.push((key, compositor.still(frame).unwrap()));
        }
    }
    frames
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/scenes")
}

/// Keeps a frame to be looked at and says where.
fn keep(name: &str, frame: &Yuv) -> String {
    let path = target().join(format!("{}.png", name.replace('/', "-")));
    let [width, height] = [frame.width(), frame.height()].map(|side| u32::try_from(side).unwrap());
    image::RgbImage::from_raw(width, height, frame.to_rgb()).unwrap().save(&path).unwrap();
    path.display().to_string()
}

#[test]
fn every_scene_looks_as_it_did() {
    let engine = Engine::new(&Assets::from_dir(&support::assets(), &[]).unwrap()).unwrap();
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenes/frames.txt");
    let known = fs::read_to_string(&reference).unwrap();
    let mut known: BTreeMap<&str, &str> =
        known.lines().filter_map(|line| line.split_once(' ')).collect();
    fs::create_dir_all(target()).unwrap();
    let (mut all, mut other) = (String::new(), Vec::new());
    for case in cases() {
        for (name, frame) in composed(&engine, &case) {
            let found = digest(&frame);
            if known.remove(name.as_str()) != Some(&found) {
                other.push(keep(&name, &frame));
            }
            writeln!(all, "{name} {found}").unwrap();
        }
    }
    let now = target().join("frames.txt");
    fs::write(&now, all).unwrap();
    let gone: Vec<_> = known.into_keys().collect();
    assert!(
        other.is_empty() && gone.is_empty(),
        "look at\n{}\nno longer there: {gone:?}\nwhen all is as it should be: cp {} {}",
        other.join("\n"),
        now.display(),
        reference.display()
    );
}
