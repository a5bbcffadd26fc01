//! Cards and posters as they were last looked at, at half size, with a tolerance an eye would not notice.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "codes are read by the other tests")]
mod support;

use std::path::{Path, PathBuf};

use loa_canvas::{Pixels, encode};
use loa_infographic::{Format, Infographic, Order, Spread, side_by_side, specimens};
use loa_model::Cancel;
use support::{ENGINE, LONGEST, Story, TYPICAL, told, valley};

/// Greatest mean difference of an 8×8 block, 0–255: one letter that moved is far above, another CPU's rounding far below.
const BLOCK_TOLERANCE: u64 = 10;
/// JPEG quality of a strip. What is drawn now goes through the same encoder before it is compared.
const STRIP_QUALITY: u8 = 70;

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
        spread: Spread::Card,
        link: Some("https://minhhoa.example/l/k7Xq2"),
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    let done = Infographic.render(&ENGINE, &order, &mut |_| {}).unwrap();
    let drawn = image::load_from_memory(&done.files[0].bytes).unwrap().into_rgba8();
    let (width, height) = drawn.dimensions();
    let seen = Pixels { width, height, rgba: drawn.into_raw() }.halved();
    let golden = root().join(format!("tests/golden/{name}.png"));
    compare(name, &seen, &golden, encode::png(&seen).unwrap());
}

/// Compares a picture with the file of its last look. What is drawn now, and where it differs, is left in `target/golden`.
fn compare(name: &str, seen: &Pixels, golden: &Path, file: Vec<u8>) {
    let end = golden.extension().unwrap().to_str().unwrap();
    let actual = target().join(format!("{name}.{end}"));
    std::fs::create_dir_all(actual.parent().unwrap()).unwrap();
    std::fs::write(&actual, file).unwrap();
    let Ok(bytes) = std::fs::read(golden) else {
        panic!("no {}: look at {} and copy it there", golden.display(), actual.display());
    };
    let want = image::load_from_memory(&bytes).unwrap().into_rgba8();
    assert_eq!(want.dimensions(), (seen.width, seen.height), "{name}");
    let (worst, picture) = difference(want.as_raw(), seen);
    if worst > BLOCK_TOLERANCE {
        let diff = target().join(format!("{name}.diff.png"));
        std::fs::write(&diff, encode::png(&picture).unwrap()).unwrap();
        panic!(
            "{name} differs by {worst} in a block: see {} beside {}",
            diff.display(),
            actual.display()
        );
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn target() -> PathBuf {
    root().join("target/golden")
}

/// Every sample of a family at half size, its five sizes side by side.
fn family(template: &str) {
    let photo = valley(1600, 1100);
    let samples = &ENGINE.template(template).unwrap().samples;
    for needed in ["typical", "shortest", "longest", "korean"] {
        assert!(samples.contains_key(needed), "{template} has no sample {needed}");
    }
    let mut failed = Vec::new();
    for sample in samples.keys() {
        let only = (Some(sample.as_str()), None);
        let drawn = specimens(&ENGINE, template, "demo", Some(&photo), only).unwrap();
        assert_eq!(drawn.len(), 5, "{template} {sample}");
        let file = encode::jpeg(&side_by_side(&drawn), STRIP_QUALITY).unwrap();
        let strip = image::load_from_memory(&file).unwrap().into_rgba8();
        let (width, height) = strip.dimensions();
        let strip = Pixels { width, height, rgba: strip.into_raw() };
        let name = format!("{template}/{sample}");
        let golden = root().join(format!("tests/golden/{name}.jpg"));
        let look = std::panic::catch_unwind(|| compare(&name, &strip, &golden, file));
        failed.extend(look.is_err().then_some(name));
    }
    assert_eq!(failed, [""; 0], "see above");
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

#[test]
fn family_bieu_do() {
    family("bieu-do");
}

#[test]
fn family_cac_buoc() {
    family("cac-buoc");
}

#[test]
fn family_canh_bao() {
    family("canh-bao");
}

#[test]
fn family_dinh_chinh() {
    family("dinh-chinh");
}

#[test]
fn family_dong_thoi_gian() {
    family("dong-thoi-gian");
}

#[test]
fn family_so_lieu() {
    family("so-lieu");
}

#[test]
fn family_so_sanh() {
    family("so-sanh");
}

#[test]
fn family_tin_nhanh() {
    family("tin-nhanh");
}

#[test]
fn family_trich_dan() {
    family("trich-dan");
}

#[test]
fn family_van_ban() {
    family("van-ban");
}

#[test]
fn every_family_has_its_pictures() {
    let kept = std::fs::read_dir(root().join("tests/golden")).unwrap();
    let folder = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        entry.file_type().unwrap().is_dir().then(|| entry.file_name().into_string().unwrap())
    };
    let mut kept: Vec<String> = kept.filter_map(folder).collect();
    kept.sort();
    let families = ENGINE.templates().values().filter(|family| !family.samples.is_empty());
    let families: Vec<_> = families.map(|family| family.id.clone()).collect();
    assert_eq!(kept, families);
}
