//! Pixels on their way from the layout to an encoder or a compositor.

/// Pixels that are looked at together: mostly all of them are clear, or none.
const RUN: usize = 16;

/// A picture: premultiplied RGBA, 8 bits a channel, rows from the top, no padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width × height × 4` bytes, colours already multiplied by alpha.
    pub rgba: Vec<u8>,
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pixels({}x{})", self.width, self.height)
    }
}

impl Pixels {
    /// A picture of one colour (premultiplied).
    pub fn filled(width: u32, height: u32, colour: [u8; 4]) -> Self {
        let rgba = vec![colour; width as usize * height as usize].into_flattened();
        Self { width, height, rgba }
    }

    /// The smallest rectangle `(x, y, width, height)` that holds every pixel that is not clear, or nothing.
    pub fn bounds(&self) -> Option<(u32, u32, u32, u32)> {
        let row_bytes = self.width as usize * 4;
        if row_bytes == 0 {
            return None;
        }
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (usize::MAX, 0);
        for (y, row) in self.rgba.chunks_exact(row_bytes).enumerate() {
            let seen = |pixel: &&[u8]| pixel[3] != 0;
            let pixels = || row.chunks_exact(4);
            let Some(first) = pixels().position(|p| seen(&p)) else { continue };
            let last = pixels().rposition(|p| seen(&p)).unwrap_or(first);
            left = left.min(first);
            right = right.max(last);
            top = top.min(y);
            bottom = y;
        }
        let size = |from: usize, to: usize| u32::try_from(to - from + 1).unwrap_or(u32::MAX);
        let at = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        (top != usize::MAX).then(|| (at(left), at(top), size(left, right), size(top, bottom)))
    }

    /// A picture of half the width and height, each pixel the mean of four; an odd last row or column is left out.
    #[must_use]
    pub fn halved(&self) -> Self {
        let (width, height) = (self.width / 2, self.height / 2);
        let row = self.width as usize * 4;
        let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
        for pair in self.rgba.chunks_exact((row * 2).max(1)) {
            let (upper, lower) = pair.split_at(row);
            for (up, low) in upper.chunks_exact(8).zip(lower.chunks_exact(8)) {
                rgba.extend((0..4).map(|channel| {
                    let four = [up[channel], up[channel + 4], low[channel], low[channel + 4]];
                    let sum: u16 = four.into_iter().map(u16::from).sum();
                    u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
                }));
            }
        }
        Self { width, height, rgba }
    }

    /// Lays `top` over this picture at `(0, 0)`; what reaches outside is left out.
    pub fn draw(&mut self, top: &Self) {
        let width = self.width.min(top.width) as usize * 4;
        let (below, above) = (self.width as usize * 4, top.width as usize * 4);
        if width == 0 {
            return;
        }
        for (to, from) in self.rgba.chunks_exact_mut(below).zip(top.rgba.chunks_exact(above)) {
            lay_over(to[..width].as_chunks_mut().0, from[..width].as_chunks().0);
        }
    }
}

/// Lays a row over another of the same length.
pub(crate) fn lay_over(below: &mut [[u8; 4]], above: &[[u8; 4]]) {
    for (below, above) in below.chunks_mut(RUN).zip(above.chunks(RUN)) {
        let alphas = above.iter().map(|pixel| u32::from_le_bytes(*pixel) >> 24);
        let (least, most) =
            alphas.fold((u32::MAX, 0), |(least, most), alpha| (least & alpha, most | alpha));
        if least == u32::from(u8::MAX) {
            below.copy_from_slice(above);
        } else if most != 0 {
            for (below, above) in below.iter_mut().zip(above) {
                *below = over(*below, *above);
            }
        }
    }
}

/// A premultiplied pixel laid over another.
fn over(mut below: [u8; 4], above: [u8; 4]) -> [u8; 4] {
    let keep = match above[3] {
        0 => return below,
        u8::MAX => return above,
        alpha => u16::from(u8::MAX - alpha),
    };
    for (to, from) in below.iter_mut().zip(above) {
        let kept = (u16::from(*to) * keep + 127) / 255;
        *to = from.saturating_add(u8::try_from(kept).unwrap_or(u8::MAX));
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_every_visible_pixel() {
        let mut picture = Pixels::filled(5, 4, [0; 4]);
        assert_eq!(picture.bounds(), None);
        picture.rgba[(5 + 2) * 4 + 3] = 9;
        picture.rgba[(3 * 5 + 4) * 4 + 3] = 1;
        assert_eq!(picture.bounds(), Some((2, 1, 3, 3)));
    }

    #[test]
    fn drawing_over_keeps_what_shines_through() {
        let mut below = Pixels::filled(2, 1, [200, 100, 0, 255]);
        below.draw(&Pixels { width: 1, height: 1, rgba: vec![64, 64, 64, 128] });
        assert_eq!(below.rgba, [164, 114, 64, 255, 200, 100, 0, 255]);
    }
}
