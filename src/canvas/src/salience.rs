//! Where the eye goes in a photo, guessed from colours and edges: people may say better.
//!
//! After Achanta et al., “Frequency-tuned salient region detection” (CVPR 2009): what differs from the mean colour of the
//! photo stands out. Edges count for more, since skies and walls are large and plain, and so does the middle, where
//! photographers put what they mean.

use crate::Focus;

/// Cells across the longer side.
const CELLS: u32 = 48;
/// Samples across a cell.
const SAMPLES: u32 = 4;
/// How far the guess moves from the usual place, 0–1.
const TRUST: f64 = 0.75;
/// Mean salience below which a photo is too even to guess.
const LEAST: f64 = 2.0;

/// The place of a photo of `width × height` RGB pixels that should stay in sight.
pub(crate) fn focus(width: u32, height: u32, rgb: &[u8]) -> Focus {
    let long = width.max(height).max(1);
    let across = (width * CELLS / long).clamp(1, CELLS);
    let down = (height * CELLS / long).clamp(1, CELLS);
    let cells = cells((width, height), (across, down), rgb);
    let count = f64::from(across * down);
    let mean = cells.iter().fold([0.0; 3], |sum, cell| add(sum, *cell)).map(|sum| sum / count);
    let at = |x: u32, y: u32| cells[(y * across + x) as usize];
    let (mut weight, mut sum_x, mut sum_y, mut seen) = (0.0, 0.0, 0.0, 0.0);
    for y in 0..down {
        for x in 0..across {
            let here = at(x, y);
            let beside = at((x + 1).min(across - 1), y);
            let below = at(x, (y + 1).min(down - 1));
            let edge = distance(here, beside) + distance(here, below);
            let place = |index: u32, of: u32| (f64::from(index) + 0.5) / f64::from(of);
            let (px, py) = (place(x, across), place(y, down));
            let off_middle = (px - 0.5).powi(2) + (py - 0.5).powi(2);
            let salience = distance(here, mean) + edge;
            seen += salience;
            // Squared, so that one thing that stands out weighs more than a large plain ground.
            let value = salience.powi(2) * (1.0 - off_middle);
            weight += value;
            sum_x += value * px;
            sum_y += value * py;
        }
    }
    let usual = Focus::default();
    if seen / count < LEAST || weight <= 0.0 {
        return usual;
    }
    let moved = |usual: f64, found: f64| usual + TRUST * (found - usual);
    Focus { x: moved(usual.x, sum_x / weight), y: moved(usual.y, sum_y / weight) }
}

/// Mean colours of a grid of cells: lightness, red against green, yellow against blue.
fn cells((width, height): (u32, u32), (across, down): (u32, u32), rgb: &[u8]) -> Vec<[f64; 3]> {
    let mut cells = Vec::with_capacity((across * down) as usize);
    for y in 0..down * SAMPLES {
        let row = place(y, down * SAMPLES, height) * width as usize;
        for x in 0..across * SAMPLES {
            if y % SAMPLES == 0 && x % SAMPLES == 0 {
                cells.push([0.0; 3]);
            }
            let pixel = row + place(x, across * SAMPLES, width);
            let Some([red, green, blue]) = rgb.get(pixel * 3..pixel * 3 + 3) else { continue };
            let [red, green, blue] = [*red, *green, *blue].map(f64::from);
            let opponent =
                [(red + green + blue) / 3.0, red - green, f64::midpoint(red, green) - blue];
            let cell = &mut cells[(y / SAMPLES * across + x / SAMPLES) as usize];
            *cell = add(*cell, opponent.map(|value| value / f64::from(SAMPLES * SAMPLES)));
        }
    }
    cells
}

/// The middle of part `index` of `parts` of a side, in pixels.
fn place(index: u32, parts: u32, side: u32) -> usize {
    (index as usize * 2 + 1) * side as usize / (parts as usize * 2)
}

fn add(one: [f64; 3], two: [f64; 3]) -> [f64; 3] {
    [one[0] + two[0], one[1] + two[1], one[2] + two[2]]
}

fn distance(one: [f64; 3], two: [f64; 3]) -> f64 {
    (0..3).map(|channel| (one[channel] - two[channel]).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A photo of one colour with a disc of another at `(x, y)`.
    fn disc(size: (u32, u32), ground: [u8; 3], ink: [u8; 3], (x, y): (f64, f64)) -> Vec<u8> {
        let mut rgb = Vec::new();
        for row in 0..size.1 {
            for column in 0..size.0 {
                let dx = f64::from(column) - x * f64::from(size.0);
                let dy = f64::from(row) - y * f64::from(size.1);
                let inside = dx.hypot(dy) < f64::from(size.1) * 0.15;
                rgb.extend(if inside { ink } else { ground });
            }
        }
        rgb
    }

    #[test]
    fn what_stands_out_is_kept_in_sight() {
        let size = (600, 400);
        for place in [(0.2, 0.3), (0.8, 0.3), (0.75, 0.75), (0.5, 0.5)] {
            for (ground, ink) in [([120, 140, 120], [200, 40, 30]), ([20; 3], [230; 3])] {
                let found = focus(size.0, size.1, &disc(size, ground, ink, place));
                let off = (found.x - place.0).hypot(found.y - place.1);
                let usual = Focus::default();
                let before = (usual.x - place.0).hypot(usual.y - place.1);
                assert!(off < (before * 0.5).max(0.12), "{place:?}: {found:?}");
            }
        }
    }

    #[test]
    fn an_even_photo_keeps_the_usual_place() {
        for (width, height) in [(600, 400), (1, 1), (3, 900), (900, 1)] {
            let rgb = vec![90; width as usize * height as usize * 3];
            assert_eq!(focus(width, height, &rgb), Focus::default(), "{width}x{height}");
        }
    }
}
