//! What is read on a card stands out from what is behind it, and its code can be scanned: measured on the drawn picture.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "the stories are told by the other tests")]
mod support;

use image::{DynamicImage, RgbaImage};
use loa_canvas::{Colour, DrawnText, Layout, Pixels, Sheet, Size, Template};
use serde_json::Value;
use support::{ENGINE, read_code, valley};

/// Type from here on is large: 3:1 is enough for it, pixels per 1080 of the width.
const LARGE: f64 = 40.0;

fn families() -> impl Iterator<Item = &'static Template> {
    ENGINE.templates().values().filter(|family| !family.samples.is_empty())
}

fn composed(family: &Template, size: &Size, data: &Value) -> Layout {
    let photo = valley(800, 600);
    let photos: Vec<_> = size
        .photos
        .iter()
        .map(|slot| photo.photo.cover(slot.0, slot.1, photo.focus).unwrap())
        .collect();
    let canvas = size.canvas();
    let sheet = Sheet { template: &family.id, brand: "demo", canvas, data, photos: &photos };
    ENGINE.compose(&sheet).unwrap_or_else(|error| panic!("{} {}: {error}", family.id, size.id))
}

/// The colour that most of the ground of a run has.
fn ground(picture: &Pixels, text: &DrawnText, ink: [u8; 3]) -> Option<Colour> {
    let [left, top, right, bottom] = text.area;
    let between = |at: usize, from: f64, to: f64| {
        let at = f64::from(u32::try_from(at).unwrap());
        at >= from && at < to
    };
    let mut counts = std::collections::BTreeMap::<[u8; 3], usize>::new();
    let rows = picture.rgba.chunks_exact(picture.width as usize * 4).enumerate();
    for (_, row) in rows.filter(|(y, _)| between(*y, top, bottom)) {
        let pixels = row.chunks_exact(4).enumerate().filter(|(x, _)| between(*x, left, right));
        for (_, pixel) in pixels {
            // Edges of letters are mixtures of both.
            if pixel.iter().zip(ink).any(|(one, other)| one.abs_diff(other) > 40) {
                *counts.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
            }
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(colour, _)| Colour(colour))
}

#[test]
fn every_word_of_a_drawn_card_stands_out_and_every_code_can_be_scanned() {
    for family in families() {
        // A family of several kinds of picture has a sample of each.
        let samples = ["typical", "pairs", "line", "lines", "share"];
        let samples = samples.iter().filter_map(|name| family.samples.get(*name));
        for (size, sample) in
            samples.flat_map(|sample| family.manifest.sizes.iter().map(move |size| (size, sample)))
        {
            let layout = composed(family, size, sample);
            let picture = layout.pixels(0, 1.0);
            // A wide card may have no room for a code; one that is there holds the address.
            let upright = picture.height >= picture.width;
            let seen = RgbaImage::from_raw(picture.width, picture.height, picture.rgba.clone());
            let code = read_code(&DynamicImage::from(seen.unwrap()));
            let url = family.samples["typical"]["url"].as_str().map(str::to_owned);
            assert!(
                code == url || (code.is_none() && !upright),
                "{} {}: {code:?}",
                family.id,
                size.id
            );
            for text in
                layout.texts().iter().filter(|text| text.whole && !text.text.trim().is_empty())
            {
                let Some([red, green, blue, alpha]) = text.colour else { continue };
                let ink = [red, green, blue];
                let Some(behind) = ground(&picture, text, ink) else { continue };
                let contrast = Colour(ink).contrast(behind);
                let large = text.size * 1080.0 / f64::from(picture.width) >= LARGE;
                let least = if large { 3.0 } else { 4.5 };
                assert!(
                    alpha == 255 && contrast >= least,
                    "{} {}: {:?} {ink:?} on {behind:?} is {contrast:.2}:1",
                    family.id,
                    size.id,
                    text.text
                );
            }
        }
    }
}
