//! A logo that somebody hands in: told by its content, bounded, and written anew, so that nothing of the file itself is drawn or
//! kept but what a mark needs.
//!
//! Of an SVG only shapes, groups, gradients and clips are taken over; what could run, load, repeat or write words is refused by
//! name. A picture is decoded under limits and encoded again. Either way it comes out as a square, as the templates expect.

use std::io::Cursor;

use bytes::Bytes;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbaImage, imageops};

use crate::brand::Logo;

mod svg;

/// Longest file that is looked at, bytes.
pub const MOST_BYTES: usize = 2 << 20;
/// Longest drawing, bytes.
pub const MOST_SVG: usize = 256 << 10;
/// Pixels of a side of a picture.
const SIDES: std::ops::RangeInclusive<u32> = 64..=4096;
/// Pixels of a side of what is kept.
const KEPT: u32 = 512;
/// How many times longer one side may be than the other.
const MOST_STRETCHED: f64 = 4.0;
/// Memory a decoder may take.
const MOST_ALLOC: u64 = 128 << 20;

/// Why a logo is not taken, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLogo {
    /// Neither of the three.
    #[error("Logo phải là tệp SVG, PNG hoặc JPEG / A logo is an SVG, PNG or JPEG file")]
    Kind,
    /// Too many bytes.
    #[error("Logo nặng {is} byte, tối đa {most} / The logo has {is} bytes, at most {most}")]
    Long {
        /// Bytes.
        is: usize,
        /// The most.
        most: usize,
    },
    /// Too few or too many pixels.
    #[error(
        "Logo có {width}×{height} điểm ảnh, mỗi cạnh phải từ 64 đến 4096 / The logo has {width}×{height} pixels, each side is 64 to 4096"
    )]
    Size {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A band.
    #[error(
        "Logo quá dài: cạnh dài chỉ được gấp 4 lần cạnh ngắn, tốt nhất là gần vuông / The logo is too long: one side at most 4 times the other, best near a square"
    )]
    Stretched,
    /// It cannot be decoded.
    #[error("Tệp logo hỏng, hãy xuất lại: {0} / The logo file is damaged, export it again: {0}")]
    Damaged(String),
    /// An SVG that says no size.
    #[error("SVG của logo không có viewBox đúng / The logo's SVG has no usable viewBox")]
    NoSize,
    /// Something in an SVG that a logo must not have.
    #[error(
        "SVG của logo có {what}, không được nhận: hãy xuất lại chỉ gồm hình và đường nét / The logo's SVG has {what}, which is not taken: export it again as plain shapes"
    )]
    Refused {
        /// An element, an attribute or a kind of address.
        what: String,
    },
    /// Nothing is drawn.
    #[error("SVG của logo không vẽ gì / The logo's SVG draws nothing")]
    Empty,
    /// More than a logo has.
    #[error("SVG của logo quá phức tạp: {what} / The logo's SVG is too complex: {what}")]
    Complex {
        /// What there is too much of, with the bound.
        what: String,
    },
}

/// Reads a logo, whatever its file is called, and writes it anew.
///
/// # Errors
/// [`BadLogo`] in both languages.
pub fn read(bytes: &[u8]) -> Result<Logo, BadLogo> {
    if bytes.len() > MOST_BYTES {
        return Err(BadLogo::Long { is: bytes.len(), most: MOST_BYTES });
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png | ImageFormat::Jpeg) => picture(bytes),
        Ok(_) => Err(BadLogo::Kind),
        Err(_) => drawing(bytes),
    }
}

fn drawing(bytes: &[u8]) -> Result<Logo, BadLogo> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadLogo::Kind)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if !text.starts_with('<') {
        return Err(BadLogo::Kind);
    }
    if bytes.len() > MOST_SVG {
        return Err(BadLogo::Long { is: bytes.len(), most: MOST_SVG });
    }
    Ok(Logo { format: "svg", bytes: svg::written_anew(text)?.into() })
}

fn picture(bytes: &[u8]) -> Result<Logo, BadLogo> {
    let damaged = |error: image::ImageError| BadLogo::Damaged(error.to_string());
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
    let mut reader = reader.map_err(|error| BadLogo::Damaged(error.to_string()))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if !SIDES.contains(&width) || !SIDES.contains(&height) {
        return Err(BadLogo::Size { width, height });
    }
    straight(f64::from(width), f64::from(height))?;
    let turned = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut whole = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    whole.apply_orientation(turned);
    let fitted = if whole.width().max(whole.height()) > KEPT {
        whole.resize(KEPT, KEPT, imageops::FilterType::Lanczos3)
    } else {
        whole
    };
    let mark = fitted.into_rgba8();
    let side = mark.width().max(mark.height());
    let mut square = RgbaImage::new(side, side);
    let (x, y) = ((side - mark.width()) / 2, (side - mark.height()) / 2);
    imageops::replace(&mut square, &mark, i64::from(x), i64::from(y));
    let mut out = Cursor::new(Vec::new());
    square.write_to(&mut out, ImageFormat::Png).map_err(damaged)?;
    Ok(Logo { format: "png", bytes: Bytes::from(out.into_inner()) })
}

/// Refuses a band: a mark stands in a square.
fn straight(width: f64, height: f64) -> Result<(), BadLogo> {
    if width.max(height) > width.min(height) * MOST_STRETCHED {
        return Err(BadLogo::Stretched);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
