//! Templates that nobody reviewed must show what they draw: a word behind a shape or in the colour of its ground is on the page and
//! is not read. Measured on the drawn picture.

use std::collections::BTreeMap;

use loa_canvas::{Colour, DrawnText, Layout, Pixels};

/// Type from here on is large, pixels per 1080 of the width: 3:1 is enough for it, WCAG 2.
const LARGE: f64 = 40.0;
/// Least contrast of large type and of other type.
const LEAST: (f64, f64) = (3.0, 4.5);
/// Channels of two colours further apart than this belong to different things; edges of letters are mixtures of both.
const APART: u8 = 40;
/// Most places of a run that are looked at, one for a letter. Half of them must hold its colour.
const PLACES: usize = 12;

/// The first run of a page that cannot be read, and why.
pub(crate) fn hidden(layout: &Layout) -> Option<(String, String)> {
    let picture = layout.pixels(0, 1.0);
    let texts = layout.texts();
    // A letter that no font has is a box: that is said elsewhere.
    texts.iter().filter(|run| run.legible && !run.text.trim().is_empty()).find_map(|run| {
        let why = unread(&picture, run)?;
        Some((run.text.clone(), why))
    })
}

fn unread(picture: &Pixels, run: &DrawnText) -> Option<String> {
    let Some([red, green, blue, u8::MAX]) = run.colour else {
        return Some("not in one full colour".to_owned());
    };
    let ink = [red, green, blue];
    let [left, top, right, bottom] = run.area;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the picture"
    )]
    let side = |at: f64, most: u32| at.clamp(0.0, f64::from(most)).round() as usize;
    let (left, right) = (side(left, picture.width), side(right, picture.width));
    let (top, bottom) = (side(top, picture.height), side(bottom, picture.height));
    let width = right.saturating_sub(left).max(1);
    let letters = run.text.chars().filter(|letter| !letter.is_whitespace()).count();
    let places = letters.clamp(1, PLACES);
    let (mut grounds, mut inked) = (BTreeMap::<[u8; 3], usize>::new(), vec![false; places]);
    let rows = picture.rgba.chunks_exact(picture.width as usize * 4);
    for row in rows.take(bottom).skip(top) {
        for (x, pixel) in row.chunks_exact(4).enumerate().take(right).skip(left) {
            let colour = [pixel[0], pixel[1], pixel[2]];
            if colour.iter().zip(ink).all(|(one, other)| one.abs_diff(other) <= APART) {
                inked[((x - left) * places / width).min(places - 1)] = true;
            } else {
                *grounds.entry(colour).or_default() += 1;
            }
        }
    }
    let Some((ground, _)) = grounds.into_iter().max_by_key(|(_, count)| *count) else {
        return Some("in the colour of its ground".to_owned());
    };
    if inked.iter().filter(|inked| **inked).count() * 2 < places {
        return Some("behind something else".to_owned());
    }
    let large = run.size * 1080.0 / f64::from(picture.width) >= LARGE;
    let least = if large { LEAST.0 } else { LEAST.1 };
    let contrast = Colour(ink).contrast(Colour(ground));
    (contrast < least).then(|| format!("{contrast:.2}:1 on its ground, at least {least}:1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars of ink on a ground, a part of them covered.
    fn seen(
        ink: [u8; 3],
        ground: [u8; 3],
        covered: usize,
        colour: Option<[u8; 4]>,
    ) -> Option<String> {
        let [red, green, blue] = ground;
        let mut picture = Pixels::filled(120, 40, [red, green, blue, 255]);
        for row in picture.rgba.chunks_exact_mut(120 * 4) {
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                if x >= covered && x % 5 == 0 {
                    pixel[..3].copy_from_slice(&ink);
                }
            }
        }
        let run = DrawnText {
            page: 0,
            text: "Đường lên bản đã thông xe".to_owned(),
            size: 3.0,
            area: [0.0, 0.0, 120.0, 40.0],
            colour,
            whole: true,
            legible: true,
        };
        unread(&picture, &run)
    }

    #[test]
    fn what_is_faint_or_covered_is_found() {
        let full = |[red, green, blue]: [u8; 3]| Some([red, green, blue, 255]);
        let (black, white, grey) = ([0; 3], [255; 3], [190; 3]);
        assert_eq!(seen(black, white, 0, full(black)), None);
        assert_eq!(seen(black, white, 30, full(black)), None);
        for (found, why) in [
            (seen(black, white, 0, None), "full colour"),
            (seen(black, white, 0, Some([0, 0, 0, 20])), "full colour"),
            (seen(white, white, 0, full(white)), "colour of its ground"),
            (seen(black, white, 120, full(black)), "behind"),
            (seen(black, white, 80, full(black)), "behind"),
            (seen(grey, white, 0, full(grey)), "1.8"),
        ] {
            assert!(found.as_ref().is_some_and(|found| found.contains(why)), "{why}: {found:?}");
        }
    }
}
