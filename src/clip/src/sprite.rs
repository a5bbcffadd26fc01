//! A drawn layer ready to be laid over frames: premultiplied YUVA 4:2:0 with the part of each row that is not clear.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    clippy::many_single_char_names,
    reason = "pixel values are rounded to a byte, and rows are cut to the frame before they become indexes"
)]

use std::ops::Range;

use crate::{
    rows,
    yuv::{FrameMut, to_yuv},
};

/// Premultiplied RGBA with its place on the canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    /// Left edge on the canvas, even.
    pub x: i32,
    /// Top edge on the canvas, even.
    pub y: i32,
    /// Pixels, even.
    pub width: usize,
    /// Pixels, even.
    pub height: usize,
    /// `width × height × 4` bytes.
    pub rgba: Vec<u8>,
}

impl Bitmap {
    /// Rows of the canvas in which it covers column `x`, up from its own lower edge; nothing when it does not reach that.
    pub(crate) fn covers(&self, x: i32) -> Option<Range<i32>> {
        let alpha = |at: usize| self.rgba[at * 4 + 3];
        covered((self.x, self.y), (self.width, self.height), alpha, x)
    }

    /// The part of a canvas-sized picture that is not clear, grown to even edges; nothing when all of it is clear.
    ///
    /// `canvas` is the size of the picture, which must be even; `bounds` its visible part as `(x, y, width, height)`.
    pub fn cut(rgba: &[u8], canvas: (u32, u32), bounds: (u32, u32, u32, u32)) -> Self {
        let (left, top) = (bounds.0 & !1, bounds.1 & !1);
        let right = (bounds.0 + bounds.2).next_multiple_of(2).min(canvas.0);
        let bottom = (bounds.1 + bounds.3).next_multiple_of(2).min(canvas.1);
        let (width, height) = ((right - left) as usize, (bottom - top) as usize);
        let row_bytes = canvas.0 as usize * 4;
        let rows = rgba.chunks_exact(row_bytes).skip(top as usize).take(height);
        let mut rgba = Vec::with_capacity(width * height * 4);
        rows.for_each(|row| rgba.extend_from_slice(&row[left as usize * 4..][..width * 4]));
        Self { x: left.cast_signed(), y: top.cast_signed(), width, height, rgba }
    }
}

/// One plane of a sprite.
#[derive(Debug)]
struct Layer {
    width: usize,
    colour: Vec<u8>,
    alpha: Vec<u8>,
    /// Pixels of each row that are not clear.
    seen: Vec<Range<usize>>,
    /// Pixels of each row that cover what is below them: the longest stretch of them.
    solid: Vec<Range<usize>>,
}

impl Layer {
    fn new(width: usize, colour: Vec<u8>, alpha: Vec<u8>) -> Self {
        let seen = alpha
            .chunks_exact(width)
            .map(|row| {
                let first = row.iter().position(|&a| a != 0).unwrap_or(0);
                first..row.iter().rposition(|&a| a != 0).map_or(0, |last| last + 1)
            })
            .collect();
        let solid = alpha.chunks_exact(width).map(longest_solid).collect();
        Self { width, colour, alpha, seen, solid }
    }
}

/// The longest stretch of pixels that are not clear at all.
fn longest_solid(row: &[u8]) -> Range<usize> {
    let (mut best, mut start) = (0..0, 0);
    for (x, alpha) in row.iter().chain([&0]).enumerate() {
        if *alpha != 255 {
            if x - start > best.len() {
                best = start..x;
            }
            start = x + 1;
        }
    }
    best
}

/// A bitmap in the encoder's colours.
#[derive(Debug)]
pub struct Sprite {
    x: i32,
    y: i32,
    layers: [Layer; 3],
}

/// What layers of either kind cover: the same rows, so that what is looked at is what is encoded.
fn covered(
    (left, top): (i32, i32),
    (width, height): (usize, usize),
    alpha: impl Fn(usize) -> u8,
    x: i32,
) -> Option<Range<i32>> {
    let column = usize::try_from(x - left).ok().filter(|column| *column < width)?;
    let rows = (0..height).rev().take_while(|row| alpha(row * width + column) == u8::MAX);
    rows.last().map(|first| top + first as i32..top + height as i32)
}

impl Sprite {
    /// As [`Bitmap::covers`].
    pub(crate) fn covers(&self, x: i32) -> Option<Range<i32>> {
        let luma = &self.layers[0];
        let size = (luma.width, luma.seen.len());
        covered((self.x, self.y), size, |at| luma.alpha[at], x)
    }

    /// Converts a bitmap.
    ///
    /// # Panics
    /// When its sides are odd or it has fewer bytes than it says.
    pub fn new(bitmap: &Bitmap) -> Self {
        let (width, height) = (bitmap.width, bitmap.height);
        assert!(width.is_multiple_of(2) && height.is_multiple_of(2), "sprites are even");
        assert_eq!(bitmap.rgba.len(), width * height * 4, "sprites are whole");
        let (half, quarter) = (width / 2, width / 2 * (height / 2));
        let mut luma = (vec![0u8; width * height], vec![0u8; width * height]);
        let mut sums = vec![[0.0f32; 3]; quarter];
        for (i, pixel) in bitmap.rgba.chunks_exact(4).enumerate() {
            if pixel[3] == 0 {
                continue;
            }
            let [r, g, b, a] = [pixel[0], pixel[1], pixel[2], pixel[3]].map(f32::from);
            let [l, u, v] = to_yuv([r, g, b], a / 255.0);
            luma.0[i] = (l + 0.5) as u8;
            luma.1[i] = pixel[3];
            let sum = &mut sums[i / width / 2 * half + i % width / 2];
            for (sum, part) in sum.iter_mut().zip([u, v, a]) {
                *sum += part;
            }
        }
        let mean = |of: usize| sums.iter().map(|s| (s[of] / 4.0 + 0.5) as u8).collect::<Vec<u8>>();
        let alpha = mean(2);
        Self {
            x: bitmap.x & !1,
            y: bitmap.y & !1,
            layers: [
                Layer::new(width, luma.0, luma.1),
                Layer::new(half.max(1), mean(0), alpha.clone()),
                Layer::new(half.max(1), mean(1), alpha),
            ],
        }
    }

    /// Lays it over a frame, `down` pixels (even) below its place; `opacity` is 0–256. What lies outside is left out.
    pub fn draw(&self, frame: &mut FrameMut<'_>, down: i32, opacity: u16) {
        self.draw_part(frame, down, opacity, self.width());
    }

    /// Pixels from its left edge to its right one.
    pub(crate) fn width(&self) -> usize {
        self.layers[0].width
    }

    /// [`Sprite::draw`] of its first `across` columns, an even number of them.
    pub(crate) fn draw_part(
        &self,
        frame: &mut FrameMut<'_>,
        down: i32,
        opacity: u16,
        across: usize,
    ) {
        if opacity == 0 {
            return;
        }
        for (i, (plane, layer)) in frame.iter_mut().zip(&self.layers).enumerate() {
            let shift = i32::from(i > 0);
            let (left, top) = (self.x >> shift, (self.y + down) >> shift);
            for (row, seen) in layer.seen.iter().enumerate() {
                let y = top + row as i32;
                if y < 0 || y as usize >= plane.height {
                    continue;
                }
                let start = seen.start.max((-left).max(0) as usize);
                let room = (plane.width as i32 - left).max(0) as usize;
                let end = seen.end.min(room).min((across & !1) >> shift);
                if start >= end {
                    continue;
                }
                let mut lay = |from: usize, to: usize, solid: bool| {
                    if from >= to {
                        return;
                    }
                    let at = |x: usize| (left + x as i32) as usize;
                    let cells = row * layer.width + from..row * layer.width + to;
                    let out = plane.span(y as usize, at(from), at(to));
                    if solid {
                        out.copy_from_slice(&layer.colour[cells]);
                    } else {
                        rows::over(out, &layer.colour[cells.clone()], &layer.alpha[cells], opacity);
                    }
                };
                let solid = &layer.solid[row];
                let (first, last) = (solid.start.clamp(start, end), solid.end.clamp(start, end));
                if opacity == 256 && last > first {
                    lay(start, first, false);
                    lay(first, last, true);
                    lay(last, end, false);
                } else {
                    lay(start, end, false);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yuv::{Yuv, colour};

    #[test]
    fn an_opaque_sprite_gives_its_colour_and_a_clear_one_nothing() {
        let mut frame = Yuv::new(16, 16);
        let red = Bitmap { x: 4, y: 2, width: 4, height: 4, rgba: [255, 0, 0, 255].repeat(16) };
        Sprite::new(&red).draw(&mut frame.view(), 2, 256);
        for (i, plane) in frame.planes.iter().enumerate() {
            let s = usize::from(i > 0);
            assert_eq!(plane.row(4 >> s)[4 >> s], colour([255, 0, 0])[i]);
            assert_eq!(plane.row(3 >> s)[4 >> s], 0);
            assert_eq!(plane.row(4 >> s)[8 >> s], 0);
        }
    }

    #[test]
    fn what_covers_is_copied_and_gives_the_same_as_laying_over() {
        // Clear, half clear, solid, solid, half clear, clear.
        let alphas = [0u8, 128, 255, 255, 255, 255, 90, 0];
        let row: Vec<u8> = alphas.iter().flat_map(|&a| [a / 2, a / 3, a / 4, a]).collect();
        let bitmap = Bitmap { x: 0, y: 0, width: 8, height: 2, rgba: row.repeat(2) };
        let sprite = Sprite::new(&bitmap);
        assert_eq!(sprite.layers[0].solid[0], 2..6);
        let mut fast = Yuv::new(8, 2);
        let mut plain = Yuv::new(8, 2);
        for frame in [&mut fast, &mut plain] {
            for plane in &mut frame.planes {
                plane.data.fill(77);
            }
        }
        sprite.draw(&mut fast.view(), 0, 256);
        for (plane, layer) in plain.planes.iter_mut().zip(&sprite.layers) {
            let width = plane.width;
            for y in 0..plane.height {
                let cells = y * layer.width..(y + 1) * layer.width;
                let out = &mut plane.data[y * plane.stride..][..width];
                rows::over_plain(out, &layer.colour[cells.clone()], &layer.alpha[cells], 256);
            }
        }
        for (one, two) in fast.planes.iter().zip(&plain.planes) {
            assert_eq!(one.data, two.data);
        }
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let mut frame = Yuv::new(8, 8);
        for (x, y) in [(-2, -2), (6, 6), (20, 0), (0, -20)] {
            let bitmap = Bitmap { x, y, width: 4, height: 4, rgba: vec![255; 64] };
            Sprite::new(&bitmap).draw(&mut frame.view(), 0, 256);
        }
        assert_eq!(frame.planes[0].row(0)[0], 235);
        assert_eq!(frame.planes[0].row(0)[2], 0);
        assert_eq!(frame.planes[0].row(7)[7], 235);
    }

    #[test]
    fn cutting_keeps_what_is_seen_on_even_edges() {
        let mut rgba = vec![0u8; 10 * 8 * 4];
        rgba[(3 * 10 + 5) * 4..][..4].fill(255);
        let cut = Bitmap::cut(&rgba, (10, 8), (5, 3, 1, 1));
        assert_eq!((cut.x, cut.y, cut.width, cut.height), (4, 2, 2, 2));
        assert_eq!(cut.rgba[12..], [255; 4]);
    }
}
