//! Takes any rectangle of a plane to any size, bilinear, to 1/64 of a pixel: smooth slow zooms without jitter.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "positions are clamped to the plane before they become indexes"
)]

use crate::{
    rows::{self, Columns},
    yuv::{Plane, PlaneMut},
};

/// A rectangle in source pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn halved(self) -> Self {
        let Self { x, y, width, height } = self;
        Self { x: x / 2.0, y: y / 2.0, width: width / 2.0, height: height / 2.0 }
    }
}

/// A rectangle of whole pixels to draw into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Area {
    pub(crate) fn halved(self) -> Self {
        let Self { x, y, width, height } = self;
        Self { x: x / 2, y: y / 2, width: width / 2, height: height / 2 }
    }
}

/// Working memory of the resampling.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    columns: Columns,
    upper: Vec<i16>,
    lower: Vec<i16>,
}

impl Sampler {
    /// Draws `from` of the (padded) source into `area` of the plane.
    pub(crate) fn draw(&mut self, source: &Plane, from: Rect, out: &mut PlaneMut<'_>, area: Area) {
        let step = (from.width / area.width as f64, from.height / area.height as f64);
        self.columns.plan(area.width, from.x, step.0, source.width);
        let room = area.width.next_multiple_of(16);
        self.upper.resize(room, 0);
        self.lower.resize(room, 0);
        let (mut upper_is, mut lower_is) = (usize::MAX, usize::MAX);
        for y in 0..area.height {
            let at =
                (from.y + (y as f64 + 0.5) * step.1 - 0.5).clamp(0.0, (source.height - 1) as f64);
            let above = at.floor() as usize;
            let weight = ((at - above as f64) * 32_768.0).min(32_767.0) as i16;
            let below = (above + 1).min(source.height - 1);
            if upper_is != above {
                if lower_is == above {
                    std::mem::swap(&mut self.upper, &mut self.lower);
                    std::mem::swap(&mut upper_is, &mut lower_is);
                } else {
                    rows::across(source.row(above), &self.columns, &mut self.upper);
                    upper_is = above;
                }
            }
            if lower_is != below {
                rows::across(source.row(below), &self.columns, &mut self.lower);
                lower_is = below;
            }
            let to = out.span(area.y + y, area.x, area.x + area.width);
            rows::down(&self.upper, &self.lower, weight, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(source: &Plane, x: f64, y: f64) -> f64 {
        let (x, y) =
            (x.clamp(0.0, (source.width - 1) as f64), y.clamp(0.0, (source.height - 1) as f64));
        let at = |x: f64, y: f64| {
            let (x, y) = ((x as usize).min(source.width - 1), (y as usize).min(source.height - 1));
            f64::from(source.row(y)[x])
        };
        let (fx, fy) = (x.fract(), y.fract());
        let top = at(x, y) * (1.0 - fx) + at(x + 1.0, y) * fx;
        let bottom = at(x, y + 1.0) * (1.0 - fx) + at(x + 1.0, y + 1.0) * fx;
        top * (1.0 - fy) + bottom * fy
    }

    #[test]
    fn sampling_is_close_to_the_exact_value() {
        let mut source = Plane::new(97, 61);
        // Steps of up to 24 a pixel: at 1/64 pixel that costs at most a fifth of a level more than rounding.
        for y in 0..61 {
            for x in 0..97 {
                source.data[y * source.stride + x] = (((x * 7 + y * 11) % 24) * 5 + 60) as u8;
            }
        }
        source.pad();
        for (rect, size) in [
            (Rect { x: 3.3, y: 2.7, width: 40.0, height: 30.0 }, (64, 48)),
            (Rect { x: 0.0, y: 0.0, width: 97.0, height: 61.0 }, (54, 36)),
            (Rect { x: 10.0, y: 1.0, width: 80.0, height: 55.0 }, (20, 14)),
        ] {
            let mut out = Plane::new(size.0, size.1);
            let area = Area { x: 0, y: 0, width: size.0, height: size.1 };
            Sampler::default().draw(&source, rect, &mut out.view(), area);
            let mut worst = 0.0f64;
            for y in 0..size.1 {
                for x in 0..size.0 {
                    let sx = rect.x + (x as f64 + 0.5) * rect.width / size.0 as f64 - 0.5;
                    let sy = rect.y + (y as f64 + 0.5) * rect.height / size.1 as f64 - 0.5;
                    let exact = exact(&source, sx, sy);
                    worst = worst.max((f64::from(out.row(y)[x]) - exact).abs());
                }
            }
            assert!(worst <= 1.5, "{rect:?}: {worst}");
        }
    }
}
