//! Words of the film for the slowest links can be read after it went through the encoder: a reader that knows nothing of
//! the film, and whose output is not mended, gets them right.

#![cfg(feature = "ffmpeg")]

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
};

use image::{GrayImage, imageops};
use loa_clip::{Format, Rung, Timeline, worker};
use loa_model::{Cancel, StoryKind};
use unicode_normalization::UnicodeNormalization as _;

#[path = "support/marks.rs"]
mod marks;
#[path = "support/shown.rs"]
mod shown;
mod support;
#[path = "support/told.rs"]
mod told;

use support::Sample;

/// Share of the syllables that must come back.
const RIGHT: f64 = 0.95;
/// The reader was taught on scans, where letters are larger.
const ENLARGED: u32 = 4;

fn ran(result: std::io::Result<Output>) -> String {
    let out = result.unwrap_or_else(|error| {
        panic!("tesseract does not run ({error}): `make setup` installs what `make test` needs")
    });
    let log = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "tesseract: {log}");
    String::from_utf8(out.stdout).expect("tesseract writes UTF-8")
}

/// How tesseract takes a page: as one block of words, or as words here and there, of which bars are no part.
const BLOCK: &str = "6";
const SPARSE: &str = "11";

fn read(picture: &Path, how: &str) -> String {
    let mut tesseract = Command::new("tesseract");
    // One thread: it is as quick, and leaves the other core to the next test.
    tesseract.arg(picture).args(["-", "-l", "vie", "--psm", how]).env("OMP_THREAD_LIMIT", "1");
    ran(tesseract.output())
}

/// Syllables and numbers without case and punctuation, counted.
fn syllables(text: &str) -> BTreeMap<String, usize> {
    let mut out = BTreeMap::new();
    let text: String = text.nfc().collect::<String>().to_lowercase();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *out.entry(word.to_owned()).or_default() += 1;
    }
    out
}

/// Words that stand on a scene as words: the address in the code and the credits of photos do not.
fn drawn(timeline: &Timeline, scene: usize) -> String {
    let plate = format!("scene-{}", scene + 1);
    let texts = timeline.texts.iter().filter(|text| text.plate == plate);
    let words = texts.filter(|text| !["url", "source"].contains(&text.field.as_str()));
    words.map(|text| text.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Syllables on the scenes of a film, those that were read as they stand, and those that were not.
fn legible(folder: &Path, sample: &Sample, how: &str) -> (usize, usize, Vec<String>) {
    let rung = Rung::low_band("240p", 62, 24);
    let request = told::told(folder, sample, (Format::Lowest, None), vec![rung]);
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).expect("it is encoded");
    let film = &outputs[0];
    assert!(film.bytes * 8 / film.duration_ms <= 62, "{} bytes", film.bytes);
    let timeline = &request.films[0].timeline;
    // Everything stands in the middle of a scene that cuts.
    let places: Vec<u32> = timeline.scenes.iter().map(|s| s.start + s.frames / 2).collect();
    let (width, height) = (film.width, film.height);
    let mut read_from = BTreeMap::new();
    shown::pictures(&film.path, (width, height), |number, luma| {
        if let Some(scene) = places.iter().position(|place| *place == number) {
            let grey = GrayImage::from_raw(width, height, luma.to_vec()).expect("its size");
            let (width, height) = (width * ENLARGED, height * ENLARGED);
            let large = imageops::resize(&grey, width, height, imageops::FilterType::Lanczos3);
            let path = folder.join(format!("scene-{scene}.png"));
            large.save(&path).expect("a PNG is written");
            read_from.insert(scene, path);
        }
    });
    assert_eq!(read_from.len(), timeline.scenes.len());
    let (mut all, mut right, mut wrong) = (0, 0, vec![]);
    for (scene, picture) in read_from {
        let mut found = syllables(&read(&picture, how));
        let (mut missed, mut here) = (vec![], 0);
        for (word, count) in syllables(&drawn(timeline, scene)) {
            let seen = found.remove(&word).unwrap_or(0).min(count);
            (all, right, here) = (all + count, right + seen, here + count);
            if seen < count {
                missed.push(word);
            }
        }
        assert!(here > 0, "scene {scene} has no words");
        if !missed.is_empty() {
            let instead: Vec<String> = found.into_keys().collect();
            wrong.push(format!("scene {scene}: {missed:?}, read instead: {instead:?}"));
        }
    }
    (all, right, wrong)
}

/// What came of the words of a sample, for whoever reads the log.
fn check(name: &str, sample: &Sample, how: &str) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let (all, right, wrong) = legible(dir.path(), sample, how);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred syllables")]
    let share = right as f64 / all as f64;
    let (percent, wrong) = (share * 100.0, wrong.join("\n"));
    let told =
        format!("{name}: {right} of {all} syllables are read right, {percent:.1} %\n{wrong}");
    assert!(all > 60 && share >= RIGHT, "{told}");
    told
}

#[test]
fn the_words_of_the_sample_are_read_right_at_240p() {
    println!("{}", check("sample", &support::sample(StoryKind::News), BLOCK));
}

#[test]
fn letters_with_two_marks_are_read_right_at_240p() {
    println!("{}", check("marks", &marks::marked(), BLOCK));
}

#[test]
fn labels_and_values_of_bars_are_read_right_at_240p() {
    println!("{}", check("bars", &support::tabled(&support::BARS), SPARSE));
}
