//! Cards and posters as they were last looked at, at half size, with a tolerance an eye would not notice.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::path::{Path, PathBuf};

use loa_canvas::{Pixels, encode};
use loa_infographic::{Format, Infographic, Order};
use loa_model::Cancel;
use support::{ENGINE, LONGEST, Story, TYPICAL, told, valley};

/// Greatest mean difference of an 8×8 block, 0–255: one letter that moved is far above, another CPU's rounding far below.
const BLOCK_TOLERANCE: u64 = 10;

fn check(name: &str, story: &Story<'_>, with_photo: bool, (template, size): (&str, &str)) {
    let (article, brief) = told(story);
    let photos = if with_photo { vec![valley(1600, 1100)] } else { Vec::new() };
    let order = Order {
        article: &article,
        brief: &brief,
        photos: &photos,
        brand: "demo",
        template: Some(template),
        sizes: &[size],
        formats: &[Format::Png],
        link: Some("https://minhhoa.example/l/k7Xq2"),
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    let done = Infographic.render(&ENGINE, &order, &mut |_| {}).unwrap();
    let drawn = image::load_from_memory(&done.files[0].bytes).unwrap().into_rgba8();
    let (width, height) = drawn.dimensions();
    let seen = Pixels { width, height, rgba: drawn.into_raw() }.halved();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let golden = root.join(format!("tests/golden/{name}.png"));
    let out: PathBuf = root.join("target/golden");
    std::fs::create_dir_all(&out).unwrap();
    let actual = out.join(format!("{name}.png"));
    std::fs::write(&actual, encode::png(&seen).unwrap()).unwrap();
    let Ok(bytes) = std::fs::read(&golden) else {
        panic!("no {}: look at {} and copy it there", golden.display(), actual.display());
    };
    let want = image::load_from_memory(&bytes).unwrap().into_rgba8();
    assert_eq!(want.dimensions(), (seen.width, seen.height), "{name}");
    let (worst, picture) = difference(want.as_raw(), &seen);
    if worst > BLOCK_TOLERANCE {
        let diff = out.join(format!("{name}.diff.png"));
        std::fs::write(&diff, encode::png(&picture).unwrap()).unwrap();
        panic!(
            "{name} differs by {worst} in a block: see {} beside {}",
            diff.display(),
            actual.display()
        );
    }
}

/// Worst mean difference of a block, and a picture that shows where.
fn difference(want: &[u8], seen: &Pixels) -> (u64, Pixels) {
    let mut picture = Pixels::filled(seen.width, seen.height, [255; 4]);
    let (width, height) = (seen.width as usize, seen.height as usize);
    let mut blocks = vec![0u64; width.div_ceil(8) * height.div_ceil(8)];
    for index in 0..width * height {
        let at = index * 4..index * 4 + 3;
        let off: u64 = want[at.clone()]
            .iter()
            .zip(&seen.rgba[at.clone()])
            .map(|(a, b)| u64::from(a.abs_diff(*b)))
            .sum();
        blocks[index / width / 8 * width.div_ceil(8) + index % width / 8] += off;
        let shade = 255 - u8::try_from((off * 2).min(255)).unwrap();
        picture.rgba[at].copy_from_slice(&[255, shade, shade]);
    }
    let worst = blocks.into_iter().max().unwrap_or(0);
    (worst / (64 * 3), picture)
}

const PORTRAIT: (&str, &str) = ("tin-nhanh", "portrait");
const LINK: (&str, &str) = ("tin-nhanh", "link");
const A4: (&str, &str) = ("poster", "a4");

#[test]
fn typical_card() {
    check("card-typical", &TYPICAL, true, PORTRAIT);
}

#[test]
fn longest_card() {
    check("card-longest", &LONGEST, true, PORTRAIT);
}

#[test]
fn card_without_photo() {
    check("card-no-photo", &TYPICAL, false, PORTRAIT);
}

#[test]
fn wide_card() {
    check("card-wide", &TYPICAL, true, LINK);
}

#[test]
fn typical_poster() {
    check("poster-typical", &TYPICAL, true, A4);
}

#[test]
fn longest_poster() {
    check("poster-longest", &LONGEST, true, A4);
}

#[test]
fn poster_without_photo() {
    check("poster-no-photo", &TYPICAL, false, A4);
}
