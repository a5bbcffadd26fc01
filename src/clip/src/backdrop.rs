//! The ground behind a moving picture of another shape: its own colours, out of focus and darker.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sides and shares of pixels, all far below 2^31"
)]

use crate::{
    sampler::{Area, Rect, Sampler},
    yuv::{FrameMut, Plane, Yuv},
};

/// It is made in this part of its size: nothing smaller than that is left to see.
const SHARE: usize = 8;
/// Pixels to each side that are mixed, in the small picture; three times over.
const RADIUS: usize = 3;
/// How much of its light is left, of 256.
const LIGHT: u16 = 150;

/// Draws `from` of a picture into an area, blurred and darkened.
pub(crate) fn backdrop(
    sampler: &mut Sampler,
    picture: &Yuv,
    from: Rect,
    frame: &mut FrameMut<'_>,
    area: Area,
) {
    for (i, (source, plane)) in picture.planes.iter().zip(frame.iter_mut()).enumerate() {
        let (rect, area) = if i == 0 { (from, area) } else { (from.halved(), area.halved()) };
        let (width, height) = ((area.width / SHARE).max(2), (area.height / SHARE).max(2));
        let mut small = Plane::new(width, height);
        shrink(source, rect, &mut small);
        for _ in 0..3 {
            soften(&mut small);
        }
        // Black is 16 in the first plane, grey 128 in the others.
        let base = if i == 0 { 16 } else { 128 };
        let light = if i == 0 { LIGHT } else { 200 };
        for value in &mut small.data {
            let step = (i32::from(*value) - base) * i32::from(light) / 256;
            *value = (base + step).clamp(0, 255) as u8;
        }
        small.pad();
        let whole = Rect { x: 0.0, y: 0.0, width: width as f64, height: height as f64 };
        sampler.draw(&small, whole, plane, area);
    }
}

/// Each pixel is the mean of those it stands for, at most 8 × 8 of them.
fn shrink(source: &Plane, from: Rect, out: &mut Plane) {
    let (step_x, step_y) = (from.width / out.width as f64, from.height / out.height as f64);
    let spots = |start: f64, step: f64, n: usize, limit: usize| -> Vec<usize> {
        let taken = (step as usize).clamp(1, 8);
        let at = |k: usize| start + step * (n as f64 + (k as f64 + 0.5) / taken as f64);
        (0..taken).map(|k| (at(k).max(0.0) as usize).min(limit - 1)).collect()
    };
    let across: Vec<Vec<usize>> =
        (0..out.width).map(|x| spots(from.x, step_x, x, source.width)).collect();
    for y in 0..out.height {
        let down = spots(from.y, step_y, y, source.height);
        for (x, columns) in across.iter().enumerate() {
            let sum: u32 = down
                .iter()
                .map(|&row| {
                    let row = source.row(row);
                    columns.iter().map(|&column| u32::from(row[column])).sum::<u32>()
                })
                .sum();
            let count = (down.len() * columns.len()) as u32;
            out.data[y * out.stride + x] = ((sum + count / 2) / count) as u8;
        }
    }
}

/// A box blur, both ways.
fn soften(plane: &mut Plane) {
    let (width, height, stride) = (plane.width, plane.height, plane.stride);
    for y in 0..height {
        line(&mut plane.data[y * stride..][..width], 1, width);
    }
    for x in 0..width {
        line(&mut plane.data[x..], stride, height);
    }
}

fn line(data: &mut [u8], step: usize, length: usize) {
    let held: Vec<u32> = (0..length).map(|i| u32::from(data[i * step])).collect();
    for i in 0..length {
        let near = &held[i.saturating_sub(RADIUS)..(i + RADIUS + 1).min(length)];
        let count = near.len() as u32;
        data[i * step] = ((near.iter().sum::<u32>() + count / 2) / count) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ground_is_dark_soft_and_of_the_same_colour() {
        let mut picture = Yuv::new(64, 36);
        for (i, plane) in picture.planes.iter_mut().enumerate() {
            for y in 0..plane.height {
                for x in 0..plane.width {
                    let value = if i == 0 { 16 + ((x + y) % 2 * 200) as u8 } else { 90 };
                    plane.data[y * plane.stride + x] = value;
                }
            }
            plane.pad();
        }
        let mut frame = Yuv::new(72, 128);
        let area = Area { x: 0, y: 0, width: 72, height: 128 };
        let from = Rect { x: 20.0, y: 0.0, width: 20.25, height: 36.0 };
        backdrop(&mut Sampler::default(), &picture, from, &mut frame.view(), area);
        let luma: Vec<u8> = (0..128).flat_map(|y| frame.planes[0].row(y)[..72].to_vec()).collect();
        let (low, high) = (luma.iter().min().unwrap(), luma.iter().max().unwrap());
        assert!(high - low < 24, "a checkerboard is grey from far: {low} to {high}");
        assert!(u32::from(*high) < 16 + 100, "{high}");
        assert!(frame.planes[1].row(10)[..36].iter().all(|&v| v.abs_diff(98) <= 1));
    }
}
