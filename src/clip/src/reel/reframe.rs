//! A wide picture in a tall frame, or the other way round: on a blurred ground of itself, or through a window that
//! follows what matters. Pure functions; where the window stands is data.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "positions are clamped to the picture, counts of frames are small"
)]

use serde::{Deserialize, Serialize};

use super::Size;
use crate::{
    sampler::{Area, Rect, Sampler},
    yuv::{Plane, Yuv},
};

/// A window in source pixels, to 1/64 of a pixel as the sampler has it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Crop {
    /// Left.
    pub x: f64,
    /// Top.
    pub y: f64,
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
}

/// Whole pixels of the canvas, all even.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Left.
    pub x: u32,
    /// Top.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// What matters from a time on, as an editor marked it: shares of width and height from the upper left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Focus {
    /// Milliseconds of the source.
    pub ms: u64,
    /// 0–1.
    pub x: f64,
    /// 0–1.
    pub y: f64,
}

/// Windows a second that the window may move at most.
const SPEED: f64 = 0.25;
/// Windows a second by which its speed may change in a second at most.
const ACCELERATION: f64 = 0.4;
/// Less than this share of a window is not worth moving for.
const STILL: f64 = 0.12;
/// Seconds of motion that decide together where to look.
const ATTENTION_S: f64 = 1.5;
/// Differences of luma below this are noise.
const NOISE: u8 = 8;

/// Where the whole picture stands on a canvas, as large as it fits, in the middle.
pub fn place(source: Size, canvas: Size) -> Place {
    let scale = (f64::from(canvas.width) / f64::from(source.width.max(1)))
        .min(f64::from(canvas.height) / f64::from(source.height.max(1)));
    let side = |side: u32, most: u32| {
        ((f64::from(side) * scale / 2.0).round() as u32 * 2).clamp(2, most.max(2) & !1)
    };
    let (width, height) = (side(source.width, canvas.width), side(source.height, canvas.height));
    let before = |whole: u32, part: u32| (whole.saturating_sub(part) / 2) & !1;
    Place { x: before(canvas.width, width), y: before(canvas.height, height), width, height }
}

/// The picture itself as a ground of this size: cut to its shape, an eighth as fine, blurred, darkened.
///
/// A small version of the picture does as well as a large one.
pub fn ground(source: &Yuv, size: Size) -> Yuv {
    let (width, height) = (size.width as usize & !1, size.height as usize & !1);
    let window = largest(
        Size { width: source.width() as u32, height: source.height() as u32 },
        Size { width: width as u32, height: height as u32 },
    );
    let rect = Rect {
        x: (source.width() as f64 - window.0) / 2.0,
        y: (source.height() as f64 - window.1) / 2.0,
        width: window.0,
        height: window.1,
    };
    let mut out = Yuv::new(width, height);
    let mut sampler = Sampler::default();
    for (i, (from, to)) in source.planes.iter().zip(&mut out.planes).enumerate() {
        let rect = if i == 0 { rect } else { rect.halved() };
        let mut small =
            shrink(from, rect, (to.width.div_ceil(8).max(1), to.height.div_ceil(8).max(1)));
        let radius = (small.width.max(small.height) / 24).max(1);
        for _ in 0..3 {
            blur(&mut small, radius);
        }
        // Words and the picture itself are read on it: it is darker and paler.
        let (zero, share) = if i == 0 { (16, 140) } else { (128, 200) };
        for value in &mut small.data {
            *value = (zero + (i32::from(*value) - zero) * share / 256).clamp(0, 255) as u8;
        }
        small.pad();
        let whole = Rect { x: 0.0, y: 0.0, width: small.width as f64, height: small.height as f64 };
        let area = Area { x: 0, y: 0, width: to.width, height: to.height };
        sampler.draw(&small, whole, &mut to.view(), area);
        to.pad();
    }
    out
}

/// The mean of what falls on each pixel.
pub(super) fn shrink(from: &Plane, rect: Rect, (width, height): (usize, usize)) -> Plane {
    let mut out = Plane::new(width, height);
    let range = |i: usize, start: f64, step: f64, most: usize| {
        let first = ((start + i as f64 * step).max(0.0) as usize).min(most - 1);
        let last = ((start + (i + 1) as f64 * step).ceil() as usize).clamp(first + 1, most);
        (first, last)
    };
    let steps = (rect.width / width as f64, rect.height / height as f64);
    for y in 0..height {
        let (top, bottom) = range(y, rect.y, steps.1, from.height);
        for x in 0..width {
            let (left, right) = range(x, rect.x, steps.0, from.width);
            let sum: u32 = (top..bottom)
                .flat_map(|y| &from.row(y)[left..right])
                .map(|&value| u32::from(value))
                .sum();
            let count = ((bottom - top) * (right - left)) as u32;
            out.data[y * out.stride + x] = ((sum + count / 2) / count) as u8;
        }
    }
    out
}

/// One box blur along rows and one along columns; edges are repeated.
fn blur(plane: &mut Plane, radius: usize) {
    let (width, height, stride) = (plane.width, plane.height, plane.stride);
    let mut line = Vec::new();
    for y in 0..height {
        line.clear();
        line.extend_from_slice(&plane.data[y * stride..][..width]);
        running(&line, radius, |x, value| plane.data[y * stride + x] = value);
    }
    for x in 0..width {
        line.clear();
        line.extend((0..height).map(|y| plane.data[y * stride + x]));
        running(&line, radius, |y, value| plane.data[y * stride + x] = value);
    }
}

/// The mean of `2 * radius + 1` neighbours of each value.
fn running(line: &[u8], radius: usize, mut put: impl FnMut(usize, u8)) {
    let at = |i: usize| u32::from(line[i.saturating_sub(radius).min(line.len() - 1)]);
    let count = 2 * radius as u32 + 1;
    // `at(i)` is the value `radius` before `i`.
    let mut sum: u32 = (0..=2 * radius).map(at).sum();
    for i in 0..line.len() {
        put(i, ((sum + count / 2) / count) as u8);
        sum = sum + at(i + 2 * radius + 1) - at(i);
    }
}

/// Width and height of the largest window of the canvas's shape in the source.
fn largest(source: Size, canvas: Size) -> (f64, f64) {
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    let shape = f64::from(canvas.width.max(1)) / f64::from(canvas.height.max(1));
    if width / height > shape { (height * shape, height) } else { (width, width / shape) }
}

/// The shares of the source's width and height that the window covers.
pub fn shares(source: Size, canvas: Size) -> [f64; 2] {
    let (width, height) = largest(source, canvas);
    [width / f64::from(source.width.max(1)), height / f64::from(source.height.max(1))]
}

/// Editor's marks as one wish a frame: the last mark before it, or the first.
pub fn marked(points: &[Focus], from_ms: u64, frames: u32, fps: f64) -> Vec<[f64; 2]> {
    (0..frames)
        .map(|frame| {
            let ms = from_ms as f64 + f64::from(frame) * 1000.0 / fps;
            let before = points.iter().filter(|point| point.ms as f64 <= ms).max_by_key(|p| p.ms);
            let first = points.iter().min_by_key(|point| point.ms);
            before.or(first).map_or([0.5, 0.5], |point| [point.x, point.y])
        })
        .collect()
}

/// Where pictures move, as one wish a frame: the window of these [`shares`] with the most difference to the picture
/// before, over a second and a half, with a liking for the middle. Small pictures do.
pub fn motion(frames: &[Yuv], shares: [f64; 2], fps: f64) -> Vec<[f64; 2]> {
    let energy: Vec<[Vec<f64>; 2]> = (0..frames.len())
        .map(|i| differences(&frames[i.saturating_sub(1)].planes[0], &frames[i].planes[0]))
        .collect();
    let around = ((ATTENTION_S * fps / 2.0).round() as usize).max(1);
    let mut held = [0.5, 0.5];
    (0..frames.len())
        .map(|i| {
            let near = &energy[i.saturating_sub(around)..(i + around + 1).min(energy.len())];
            for axis in 0..2 {
                let length = energy[i][axis].len();
                let mut sum = vec![0.0; length];
                for lines in near.iter().filter(|lines| lines[axis].len() == length) {
                    sum.iter_mut().zip(&lines[axis]).for_each(|(sum, value)| *sum += value);
                }
                if let Some(centre) = busiest(&sum, shares[axis]) {
                    held[axis] = centre;
                }
            }
            held
        })
        .collect()
}

/// Difference of two pictures by column and by row.
fn differences(before: &Plane, now: &Plane) -> [Vec<f64>; 2] {
    let (mut columns, mut rows) = (vec![0.0; now.width], vec![0.0; now.height]);
    if (before.width, before.height) != (now.width, now.height) {
        return [columns, rows];
    }
    for (y, row) in rows.iter_mut().enumerate() {
        let pairs = before.row(y).iter().zip(now.row(y)).take(now.width);
        for (column, (a, b)) in columns.iter_mut().zip(pairs) {
            let energy = f64::from(a.abs_diff(*b).saturating_sub(NOISE));
            *column += energy;
            *row += energy;
        }
    }
    [columns, rows]
}

/// Centre of the window with most energy; none when nothing moves.
fn busiest(energy: &[f64], share: f64) -> Option<f64> {
    let (count, total) = (energy.len(), energy.iter().sum::<f64>());
    if total < count as f64 || share >= 1.0 {
        return None;
    }
    let wide = ((share * count as f64).round() as usize).clamp(1, count);
    let centre = |first: usize| (first as f64 + wide as f64 / 2.0) / count as f64;
    let score = |first: usize| {
        let inside: f64 = energy[first..first + wide].iter().sum();
        inside * (1.0 - 0.2 * (centre(first) - 0.5).abs())
    };
    let best = (0..=count - wide).max_by(|&a, &b| {
        let nearer = || (centre(b) - 0.5).abs().total_cmp(&(centre(a) - 0.5).abs());
        score(a).total_cmp(&score(b)).then_with(nearer)
    })?;
    // Within the window the middle of the energy: a lone runner stands in the middle, not at the edge.
    let inside = &energy[best..best + wide];
    let sum: f64 = inside.iter().sum();
    let weighed: f64 = inside.iter().enumerate().map(|(i, e)| e * (i as f64 + 0.5)).sum();
    if sum > 0.0 { Some((best as f64 + weighed / sum) / count as f64) } else { Some(centre(best)) }
}

/// A window a frame for these wishes: the largest of the canvas's shape, moving at most a quarter of itself a second,
/// starting and stopping softly, never leaving the source. One rectangle for each wish.
///
/// Two running means, as long as bounded speed and acceleration need: the mean of places inside is inside, and nothing
/// comes late, because the mean looks both ways.
pub fn follow(source: Size, canvas: Size, wishes: &[[f64; 2]], fps: f64) -> Vec<Crop> {
    let (width, height) = largest(source, canvas);
    let xs = axis(wishes.iter().map(|wish| wish[0]), f64::from(source.width), width, fps);
    let ys = axis(wishes.iter().map(|wish| wish[1]), f64::from(source.height), height, fps);
    xs.into_iter().zip(ys).map(|(x, y)| Crop { x, y, width, height }).collect()
}

fn axis(wishes: impl Iterator<Item = f64>, whole: f64, window: f64, fps: f64) -> Vec<f64> {
    let most = (whole - window).max(0.0);
    let mut path: Vec<f64> = wishes
        .map(|wish| {
            let wish = if wish.is_finite() { wish } else { 0.5 };
            (wish * whole - window / 2.0).clamp(0.0, most)
        })
        .collect();
    let (low, high) = path.iter().fold((most, 0.0f64), |(l, h), &x| (l.min(x), h.max(x)));
    let range = (high - low).max(0.0);
    if range < STILL * window {
        let middle = f64::midpoint(low, high);
        path.fill(middle.clamp(0.0, most));
    } else {
        let first = (range / (SPEED * window)).max(0.8);
        let second = (2.0 * range / (first * ACCELERATION * window)).max(0.5);
        for seconds in [first, second] {
            path = mean(&path, (seconds * fps / 2.0).ceil() as usize);
        }
    }
    // The sampler has 64 places between two pixels.
    path.iter().map(|x| ((x * 64.0).round() / 64.0).clamp(0.0, most)).collect()
}

/// The mean of `2 * radius + 1` neighbours; the ends are repeated.
fn mean(path: &[f64], radius: usize) -> Vec<f64> {
    let at = |i: usize| path[i.saturating_sub(radius).min(path.len() - 1)];
    let count = (2 * radius + 1) as f64;
    // Sums of whole windows, not running ones: rounding would pile up over thousands of frames.
    (0..path.len()).map(|i| (i..=i + 2 * radius).map(at).sum::<f64>() / count).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: Size = Size { width: 1920, height: 1080 };
    const TALL: Size = Size { width: 1080, height: 1920 };

    #[test]
    fn a_picture_is_placed_whole_and_even() {
        assert_eq!(place(WIDE, TALL), Place { x: 0, y: 656, width: 1080, height: 608 });
        assert_eq!(place(TALL, WIDE), Place { x: 656, y: 0, width: 608, height: 1080 });
        let tiny = place(Size { width: 4000, height: 2 }, Size { width: 100, height: 100 });
        assert_eq!((tiny.width, tiny.height), (100, 2));
    }

    fn picture(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> Yuv {
        let mut out = Yuv::new(width, height);
        for y in 0..height {
            for x in 0..width {
                let stride = out.planes[0].stride;
                out.planes[0].data[y * stride + x] = luma(x, y);
            }
        }
        for plane in &mut out.planes[1..] {
            plane.data.fill(90);
        }
        out.planes[0].pad();
        out
    }

    #[test]
    fn the_ground_is_smooth_dark_and_of_the_size() {
        let stripes = picture(320, 180, |x, _| if (x / 4) % 2 == 0 { 30 } else { 220 });
        let ground = ground(&stripes, Size { width: 216, height: 384 });
        assert_eq!((ground.width(), ground.height()), (216, 384));
        let row = &ground.planes[0].row(200)[..216];
        assert!(row.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 2), "{row:?}");
        let mean = row.iter().map(|&v| u32::from(v)).sum::<u32>() / 216;
        // The mean of the stripes is 125; 55 % of it above black is 75.
        assert!((70..=80).contains(&mean), "{mean}");
        assert!(
            ground.planes[1].row(5)[..108].iter().all(|&v| v == 99),
            "{:?}",
            ground.planes[1].row(5)
        );
    }

    #[test]
    fn a_flat_picture_stays_flat_and_a_tiny_one_is_no_trouble() {
        for (width, height) in [(2, 2), (4, 2), (64, 36)] {
            let ground =
                ground(&picture(width, height, |_, _| 116), Size { width: 90, height: 160 });
            let first = ground.planes[0].row(0)[0];
            assert!((0..160).all(|y| ground.planes[0].row(y)[..90].iter().all(|&v| v == first)));
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "a wish that is exactly the middle")]
    fn the_window_finds_what_moves() {
        // A block of 6 × 6 walks from the left to the right third in 4 s.
        let frames: Vec<Yuv> = (0..100)
            .map(|i| {
                let left = 8 + i * 36 / 100;
                picture(64, 36, |x, y| {
                    if (left..left + 6).contains(&x) && (12..18).contains(&y) { 200 } else { 40 }
                })
            })
            .collect();
        let shares = shares(WIDE, TALL);
        let crops = follow(WIDE, TALL, &motion(&frames, shares, 25.0), 25.0);
        assert_eq!(crops.len(), 100);
        let middle = |i: usize| (crops[i].x + crops[i].width / 2.0) / 1920.0;
        assert!(middle(0) < 0.4 && middle(99) > 0.5, "{} {}", middle(0), middle(99));
        // A picture in which nothing moves is looked at in the middle.
        let still = motion(&vec![frames[0].clone(); 50], shares, 25.0);
        assert!(still.iter().all(|wish| *wish == [0.5, 0.5]));
    }

    #[test]
    fn marks_hold_until_the_next() {
        let points = [Focus { ms: 1000, x: 0.2, y: 0.5 }, Focus { ms: 2000, x: 0.8, y: 0.4 }];
        let wishes = marked(&points, 500, 20, 10.0);
        assert_eq!((wishes[0], wishes[14], wishes[15]), ([0.2, 0.5], [0.2, 0.5], [0.8, 0.4]));
        assert_eq!(marked(&[], 0, 1, 25.0), [[0.5, 0.5]]);
    }

    proptest! {
        #[test]
        fn the_window_never_jerks_and_never_leaves(
            jumps in prop::collection::vec((0usize..300, -0.2f64..1.2), 0..8),
            fps in prop::sample::select(vec![12.0, 25.0, 30.0, 60.0]),
            canvas in prop::sample::select(vec![TALL, Size { width: 1080, height: 1080 }]),
        ) {
            let mut wishes = vec![[0.5, 0.5]; 300];
            for (from, x) in jumps {
                wishes[from..].fill([x, 0.5]);
            }
            let crops = follow(WIDE, canvas, &wishes, fps);
            let window = crops[0].width;
            let grain = 1.0 / 64.0;
            for crop in &crops {
                prop_assert!(crop.x >= 0.0 && crop.x + crop.width <= 1920.0 && crop.y == 0.0);
                prop_assert!((crop.x * 64.0).fract() == 0.0 || crop.x + crop.width >= 1920.0 - grain);
            }
            for pair in crops.windows(2) {
                prop_assert!((pair[1].x - pair[0].x).abs() <= SPEED * window / fps + grain);
            }
            for three in crops.windows(3) {
                let change = three[2].x - 2.0 * three[1].x + three[0].x;
                prop_assert!(change.abs() <= ACCELERATION * window / fps / fps + 2.0 * grain);
            }
        }
    }
}
