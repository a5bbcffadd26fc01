//! Photos from the article into pictures the sampler can use: decoded under limits, shrunk once, cleaned for slow links.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides are clamped to the limits of the decoder first"
)]

use loa_canvas::{DecodedPhoto, photo};

use crate::{
    Error, Result,
    timeline::Canvas,
    yuv::{Plane, Yuv},
};

/// A photo is kept at most this many times larger than its largest crop is shown: enough for every zoom.
const ROOM: f64 = 1.3;

/// Decodes a photo for a canvas; `clean` takes its grain away, which costs a slow link most of its bits.
///
/// # Errors
/// [`Error::Photo`] when it cannot be decoded.
pub fn load(bytes: &[u8], canvas: Canvas, clean: bool) -> Result<Yuv> {
    of(&photo::decode(bytes).map_err(|error| bad(&error))?, canvas, clean)
}

/// Decodes a photo that is shown whole, at its very size on the canvas: what is drawn on it stays as sharp as it can, and of
/// what is drawn nothing is taken for grain.
///
/// # Errors
/// [`Error::Photo`] when it cannot be decoded.
pub fn load_whole(bytes: &[u8], size: (u32, u32)) -> Result<Yuv> {
    whole(&photo::decode(bytes).map_err(|error| bad(&error))?, size)
}

/// [`load_whole`] of a photo that is decoded already.
pub(crate) fn whole(decoded: &DecodedPhoto, (width, height): (u32, u32)) -> Result<Yuv> {
    let scaled = decoded.whole(width, height).map_err(|error| bad(&error))?;
    Ok(Yuv::from_rgb(&scaled, width as usize, height as usize))
}

fn bad(error: &loa_canvas::Error) -> Error {
    Error::Photo(error.to_string())
}

/// A photo that is decoded already, for a canvas.
///
/// # Errors
/// [`Error::Photo`] when it is smaller than a picture can be.
pub(crate) fn of(decoded: &DecodedPhoto, canvas: Canvas, clean: bool) -> Result<Yuv> {
    let (width, height) = (f64::from(decoded.width()), f64::from(decoded.height()));
    let cover = (f64::from(canvas.width) / width).max(f64::from(canvas.height) / height);
    let room = if clean { 1.0 } else { ROOM };
    let scale = (cover * room).min(1.0);
    let size = |side: f64| ((side * scale).round() as u32).next_multiple_of(2).max(2);
    let (across, down) = (size(width), size(height));
    let mut out = if scale < 1.0 {
        let shrunk =
            decoded.cover(across, down, photo::Focus::default()).map_err(|error| bad(&error))?;
        Yuv::from_rgb(&shrunk.rgb, across as usize, down as usize)
    } else {
        Yuv::from_rgb(decoded.rgb(), decoded.width() as usize, decoded.height() as usize)
    };
    if out.width() < 2 || out.height() < 2 {
        return Err(Error::Photo("it is smaller than 2 pixels".into()));
    }
    if clean {
        for plane in &mut out.planes {
            smooth(plane);
        }
    }
    Ok(out)
}

/// The mean of the neighbours that look alike: grain goes, edges stay.
fn smooth(plane: &mut Plane) {
    const ALIKE: u8 = 14;
    let from = plane.clone();
    for y in 0..plane.height {
        for x in 0..plane.width {
            let here = from.row(y)[x];
            let (mut sum, mut count) = (0u32, 0u32);
            for row in y.saturating_sub(2)..(y + 3).min(plane.height) {
                for &near in &from.row(row)[x.saturating_sub(2)..(x + 3).min(plane.width)] {
                    if near.abs_diff(here) <= ALIKE {
                        sum += u32::from(near);
                        count += 1;
                    }
                }
            }
            plane.data[y * plane.stride + x] = ((sum + count / 2) / count) as u8;
        }
    }
    plane.pad();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_takes_grain_and_keeps_edges() {
        let mut plane = Plane::new(20, 20);
        for y in 0..20 {
            for x in 0..20 {
                let side = if x < 10 { 60 } else { 180 };
                plane.data[y * plane.stride + x] = side + ((x * 7 + y * 13) % 9) as u8;
            }
        }
        smooth(&mut plane);
        let spread = |from: usize, to: usize| {
            let all = (4..16).flat_map(|y| plane.row(y)[from..to].to_vec()).collect::<Vec<_>>();
            all.iter().max().unwrap() - all.iter().min().unwrap()
        };
        assert!(spread(0, 10) <= 3 && spread(10, 20) <= 3);
        assert!(plane.row(10)[10] - plane.row(10)[9] > 100);
    }

    #[test]
    fn a_broken_photo_is_told() {
        let canvas = Canvas { width: 100, height: 100, fps: 30 };
        let error = load(b"\xff\xd8\xff\xe0 not a jpeg", canvas, false).unwrap_err();
        assert!(matches!(error, Error::Photo(_)));
    }
}
