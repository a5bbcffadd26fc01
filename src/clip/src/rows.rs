//! The inner loops, a row at a time, in plain Rust. [`crate::ffi`] compiles the same bodies for AVX2 where the machine
//! has it, so both give the same bytes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::inline_always,
    reason = "pixel values are rounded to a byte on purpose; the bodies must melt into the AVX2 copies"
)]

use crate::ffi;

/// Horizontal plan of a resampling: for each output pixel its left source pixel and the weight of its right neighbour.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Left source pixel and weight (0–64) of the right one.
    pub(crate) taps: Vec<(u32, u8)>,
    /// The same for groups of 16 pixels, as two byte shuffles: first source byte of each half.
    pub(crate) base: Vec<[u32; 2]>,
    /// Shuffle of each group.
    pub(crate) shuffle: Vec<[u8; 32]>,
    /// Weights of each group.
    pub(crate) weights: Vec<[i8; 32]>,
    /// Whether the groups can be used: source pixels of a half fit into 16 bytes.
    pub(crate) grouped: bool,
}

impl Columns {
    /// Plans `width` pixels from `start` with `step` source pixels each, over a source row `limit` wide.
    pub(crate) fn plan(&mut self, width: usize, start: f64, step: f64, limit: usize) {
        self.taps.clear();
        let last = (limit - 1) as f64;
        self.taps.extend((0..width.next_multiple_of(16)).map(|x| {
            let at = (start + (x as f64 + 0.5) * step - 0.5).clamp(0.0, last);
            let left = at.floor();
            match ((at - left) * 64.0 + 0.5) as u8 {
                64 => (left as u32 + 1, 0),
                weight => (left as u32, weight),
            }
        }));
        self.base.clear();
        self.shuffle.clear();
        self.weights.clear();
        self.grouped = step < 1.9;
        if !self.grouped {
            return;
        }
        for group in self.taps.chunks_exact(16) {
            let (mut shuffle, mut weights) = ([0u8; 32], [0i8; 32]);
            let base = [group[0].0, group[8].0];
            for (i, &(left, weight)) in group.iter().enumerate() {
                let offset = (left - base[i / 8]) as u8;
                shuffle[2 * i..2 * i + 2].copy_from_slice(&[offset, offset + 1]);
                weights[2 * i..2 * i + 2].copy_from_slice(&[64 - weight as i8, weight as i8]);
            }
            self.base.push(base);
            self.shuffle.push(shuffle);
            self.weights.push(weights);
        }
    }
}

/// Resamples one source row into values of 1/64.
pub(crate) fn across(source: &[u8], columns: &Columns, out: &mut [i16]) {
    if columns.grouped && ffi::across(source, columns, out) {
        return;
    }
    across_plain(source, columns, out);
}

pub(crate) fn across_plain(source: &[u8], columns: &Columns, out: &mut [i16]) {
    for (out, &(left, weight)) in out.iter_mut().zip(&columns.taps) {
        let (a, b) = (i16::from(source[left as usize]), i16::from(source[left as usize + 1]));
        let weight = i16::from(weight);
        *out = a * (64 - weight) + b * weight;
    }
}

/// Mixes two resampled rows: `upper + (lower - upper) * weight / 32768`, rounded to bytes.
pub(crate) fn down(upper: &[i16], lower: &[i16], weight: i16, out: &mut [u8]) {
    if !ffi::down(upper, lower, weight, out) {
        down_plain(upper, lower, weight, out);
    }
}

#[inline(always)]
pub(crate) fn down_plain(upper: &[i16], lower: &[i16], weight: i16, out: &mut [u8]) {
    for ((out, &a), &b) in out.iter_mut().zip(upper).zip(lower) {
        let step = (i32::from(b - a) * i32::from(weight) + 16_384) >> 15;
        *out = ((i32::from(a) + step + 32) >> 6).clamp(0, 255) as u8;
    }
}

/// Lays a premultiplied row over another; `opacity` is 0–256.
pub(crate) fn over(out: &mut [u8], colour: &[u8], alpha: &[u8], opacity: u16) {
    if !ffi::over(out, colour, alpha, opacity) {
        over_plain(out, colour, alpha, opacity);
    }
}

#[inline(always)]
pub(crate) fn over_plain(out: &mut [u8], colour: &[u8], alpha: &[u8], opacity: u16) {
    let pixels = out.iter_mut().zip(colour.iter().zip(alpha));
    if opacity == 256 {
        for (out, (&colour, &alpha)) in pixels {
            let rest = u16::from(*out) * (255 - u16::from(alpha)) + 128;
            *out = (((rest + (rest >> 8)) >> 8) as u8).saturating_add(colour);
        }
    } else {
        let opacity = u32::from(opacity);
        for (out, (&colour, &alpha)) in pixels {
            let rest = u32::from(*out) * (65_280 - u32::from(alpha) * opacity);
            let all = rest + u32::from(colour) * 255 * opacity + 32_640;
            *out = (all / 65_280).min(255) as u8;
        }
    }
}

/// Mixes `other` into a row; `weight` of the other is 0–256.
pub(crate) fn mix(out: &mut [u8], other: &[u8], weight: u16) {
    if !ffi::mix(out, other, weight) {
        mix_plain(out, other, weight);
    }
}

#[inline(always)]
pub(crate) fn mix_plain(out: &mut [u8], other: &[u8], weight: u16) {
    for (out, &other) in out.iter_mut().zip(other) {
        let sum = u16::from(*out) * (256 - weight) + u16::from(other) * weight + 128;
        *out = (sum >> 8) as u8;
    }
}

/// Shrinks `2 × 2` or `3 × 3` pixels to one by their mean. `rows` are the source rows of one output row.
pub(crate) fn shrink(rows: &[&[u8]], out: &mut [u8]) {
    if !ffi::shrink(rows, out) {
        shrink_plain(rows, out);
    }
}

#[inline(always)]
pub(crate) fn shrink_plain(rows: &[&[u8]], out: &mut [u8]) {
    if let [a, b] = rows {
        let pairs = a.chunks_exact(2).zip(b.chunks_exact(2));
        for (out, (a, b)) in out.iter_mut().zip(pairs) {
            let sum = [a[0], a[1], b[0], b[1]].map(u16::from).iter().sum::<u16>();
            *out = ((sum + 2) >> 2) as u8;
        }
        return;
    }
    let n = rows.len();
    let area = (n * n) as u32;
    for (x, out) in out.iter_mut().enumerate() {
        let sum: u32 = rows.iter().flat_map(|row| &row[x * n..][..n]).map(|&p| u32::from(p)).sum();
        *out = ((sum + area / 2) / area) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn laying_over_is_within_one_of_the_exact_value(
            below in 0u8..=255, alpha in 0u8..=255, part in 0u16..=255, opacity in 0u16..=256,
        ) {
            let colour = (part * u16::from(alpha) / 255) as u8;
            let mut out = [below];
            over_plain(&mut out, &[colour], &[alpha], opacity);
            let o = f64::from(opacity) / 256.0;
            let exact = f64::from(below) * (1.0 - f64::from(alpha) / 255.0 * o) + f64::from(colour) * o;
            prop_assert!((f64::from(out[0]) - exact.min(255.0)).abs() <= 1.0, "{out:?} {exact}");
        }

        #[test]
        fn the_fast_rows_give_the_same_bytes(
            bytes in prop::collection::vec(any::<u8>(), 400..700),
            other in prop::collection::vec(any::<u8>(), 700),
            start in 0.0f64..8.0, step in 0.2f64..1.89, weight in 0i16..=32767, opacity in 0u16..=256,
        ) {
            let mut columns = Columns::default();
            let width = (((bytes.len() - 80) as f64) / step).min(300.0) as usize;
            columns.plan(width, start, step, bytes.len() - 64);
            let room = width.next_multiple_of(16);
            let (mut fast, mut plain) = (vec![0i16; room], vec![0i16; room]);
            across(&bytes, &columns, &mut fast);
            across_plain(&bytes, &columns, &mut plain);
            prop_assert_eq!(&fast, &plain);

            across_plain(&other, &columns, &mut plain);
            let (mut one, mut two) = (vec![0u8; width], vec![0u8; width]);
            down(&fast, &plain, weight, &mut one);
            down_plain(&fast, &plain, weight, &mut two);
            prop_assert_eq!(&one, &two);

            let (mut one, mut two) = (bytes.clone(), bytes.clone());
            let dim: Vec<u8> = other.iter().map(|b| b / 2).collect();
            over(&mut one, &dim, &other, opacity);
            over_plain(&mut two, &dim, &other, opacity);
            prop_assert_eq!(&one, &two);

            mix(&mut one, &other, opacity);
            mix_plain(&mut two, &other, opacity);
            prop_assert_eq!(&one, &two);

            for n in [2, 3] {
                let rows = vec![&other[..600]; n];
                let (mut one, mut two) = (vec![0; 600 / n], vec![0; 600 / n]);
                shrink(&rows, &mut one);
                shrink_plain(&rows, &mut two);
                prop_assert_eq!(&one, &two);
            }
        }
    }
}
