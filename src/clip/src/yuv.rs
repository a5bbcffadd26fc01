//! Planar YUV 4:2:0 pictures, BT.709, limited range: what the encoder eats, so that nothing is converted per frame.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    reason = "pixel values are rounded and clamped to a byte on purpose"
)]

/// Room to the right of each source row: the sampler reads 16 bytes at a time.
const PAD: usize = 64;

/// One plane of a source picture. Rows are padded by repeating the last pixel, and there is one row more than its height.
#[derive(Debug, Clone)]
pub struct Plane {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// Rows.
    pub data: Vec<u8>,
}

impl Plane {
    /// A black (zero) plane.
    pub fn new(width: usize, height: usize) -> Self {
        let stride = (width + PAD).next_multiple_of(32);
        Self { width, height, stride, data: vec![0; stride * (height + 1)] }
    }

    /// Row `y`, with its padding.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.stride..][..self.stride]
    }

    /// Repeats the last column and the last row into the padding.
    pub fn pad(&mut self) {
        for row in self.data.chunks_exact_mut(self.stride) {
            let last = row[self.width - 1];
            row[self.width..].fill(last);
        }
        let (rows, below) = self.data.split_at_mut(self.height * self.stride);
        below.copy_from_slice(&rows[(self.height - 1) * self.stride..]);
    }

    /// A view that can be written.
    pub fn view(&mut self) -> PlaneMut<'_> {
        PlaneMut {
            width: self.width,
            height: self.height,
            stride: self.stride,
            data: &mut self.data,
        }
    }
}

/// A picture of three planes, of even size.
#[derive(Debug, Clone)]
pub struct Yuv {
    /// Y, U, V; the last two have half the size.
    pub planes: [Plane; 3],
}

impl Yuv {
    /// A picture `divisor` (2 or 3) times smaller, each pixel the mean of those it stands for.
    pub(crate) fn shrunk(&self, divisor: usize) -> Self {
        let side = |side: usize| (side / divisor) & !1;
        let mut out = Self::new(side(self.width()), side(self.height()));
        for (from, to) in self.planes.iter().zip(&mut out.planes) {
            let width = to.width;
            for y in 0..to.height {
                let lines: Vec<&[u8]> =
                    (0..divisor).map(|k| &from.row(y * divisor + k)[..width * divisor]).collect();
                crate::rows::shrink(&lines, &mut to.data[y * to.stride..][..width]);
            }
        }
        out
    }

    /// A picture of zeros.
    pub fn new(width: usize, height: usize) -> Self {
        let half = || Plane::new(width / 2, height / 2);
        Self { planes: [Plane::new(width, height), half(), half()] }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.planes[0].width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.planes[0].height
    }

    /// Views of the planes that can be written.
    pub fn view(&mut self) -> FrameMut<'_> {
        self.planes.each_mut().map(Plane::view)
    }

    /// Converts interleaved RGB rows; a last odd row or column is left out.
    pub fn from_rgb(rgb: &[u8], width: usize, height: usize) -> Self {
        let row_bytes = width * 3;
        let mut out = Self::new(width & !1, height & !1);
        let [luma, blue, red] = &mut out.planes;
        for y in 0..blue.height {
            let mut sums = vec![[0.0f32; 2]; blue.width];
            for dy in 0..2 {
                let from = &rgb[(2 * y + dy) * row_bytes..][..row_bytes];
                let to = &mut luma.data[(2 * y + dy) * luma.stride..][..luma.width];
                for (x, (pixel, to)) in from.chunks_exact(3).zip(to).enumerate() {
                    let [l, u, v] = to_yuv(
                        [f32::from(pixel[0]), f32::from(pixel[1]), f32::from(pixel[2])],
                        1.0,
                    );
                    *to = (l + 0.5) as u8;
                    sums[x / 2][0] += u;
                    sums[x / 2][1] += v;
                }
            }
            for (x, [u, v]) in sums.into_iter().enumerate() {
                blue.data[y * blue.stride + x] = (u / 4.0 + 0.5) as u8;
                red.data[y * red.stride + x] = (v / 4.0 + 0.5) as u8;
            }
        }
        for plane in &mut out.planes {
            plane.pad();
        }
        out
    }

    /// Converts to interleaved RGB: for posters and for looking at frames.
    pub fn to_rgb(&self) -> Vec<u8> {
        let mut rgb = Vec::with_capacity(self.width() * self.height() * 3);
        let [luma, blue, red] = &self.planes;
        for y in 0..luma.height {
            for x in 0..luma.width {
                let l = (f32::from(luma.row(y)[x]) - 16.0) * (255.0 / 219.0);
                let u = (f32::from(blue.row(y / 2)[x / 2]) - 128.0) * (255.0 / 224.0);
                let v = (f32::from(red.row(y / 2)[x / 2]) - 128.0) * (255.0 / 224.0);
                let (r, b) = (l + 1.5748 * v, l + 1.8556 * u);
                let g = (l - 0.2126 * r - 0.0722 * b) / 0.7152;
                rgb.extend([r, g, b].map(|c| (c + 0.5).clamp(0.0, 255.0) as u8));
            }
        }
        rgb
    }
}

/// A plane of someone else's picture that can be written.
#[derive(Debug)]
pub struct PlaneMut<'a> {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Bytes from a row to the next.
    pub stride: usize,
    /// Rows.
    pub data: &'a mut [u8],
}

impl PlaneMut<'_> {
    /// Pixels `from..to` of row `y`.
    pub fn span(&mut self, y: usize, from: usize, to: usize) -> &mut [u8] {
        &mut self.data[y * self.stride..][from..to]
    }
}

/// Y, U and V of a picture that can be written.
pub type FrameMut<'a> = [PlaneMut<'a>; 3];

/// BT.709 limited range from RGB premultiplied by `alpha` (0–1); the offsets are premultiplied too.
pub(crate) fn to_yuv([r, g, b]: [f32; 3], alpha: f32) -> [f32; 3] {
    let l = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [
        16.0 * alpha + l * (219.0 / 255.0),
        128.0 * alpha + (b - l) * (224.0 / 255.0 / 1.8556),
        128.0 * alpha + (r - l) * (224.0 / 255.0 / 1.5748),
    ]
}

/// An opaque colour in YUV.
pub(crate) fn colour([r, g, b]: [u8; 3]) -> [u8; 3] {
    to_yuv([r, g, b].map(f32::from), 1.0).map(|value| (value + 0.5) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_bt709_and_comes_back() {
        // Values of the standard for pure red, green and blue in limited range.
        assert_eq!(colour([255, 0, 0]), [63, 102, 240]);
        assert_eq!(colour([0, 255, 0]), [173, 42, 26]);
        assert_eq!(colour([0, 0, 255]), [32, 240, 118]);
        assert_eq!(colour([255, 255, 255]), [235, 128, 128]);
        let rgb: Vec<u8> = [200u8, 30, 90].repeat(16);
        let back = Yuv::from_rgb(&rgb, 4, 4).to_rgb();
        assert!(rgb.iter().zip(&back).all(|(a, b)| a.abs_diff(*b) <= 2), "{back:?}");
    }
}
