//! Photos from anywhere, decoded under limits, cropped around their focus and scaled to the very pixels they are drawn at.

use std::{io::Cursor, sync::Arc};

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::{Error, Pixels, Result, encode, salience};

/// Greatest side of a photo that is decoded.
pub const MAX_SIDE: u32 = 10_000;
/// Greatest area of a photo that is decoded.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Greatest memory a decoder may take.
pub const MAX_ALLOC: u64 = 256 << 20;

/// What a working copy still covers: the largest slot of a template is a little smaller.
pub const WORKING: (u32, u32) = (1760, 1240);

/// JPEG quality of small pictures.
const SMALL_QUALITY: u8 = 75;

/// Beyond this enlargement a photo is a blur.
const MOST_ENLARGED: f64 = 2.0;

/// Where the eye should rest: 0–1 from the left and from the top. The crop keeps it as near to the middle as it can.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Focus {
    /// 0 left edge, 1 right edge.
    pub x: f64,
    /// 0 top edge, 1 bottom edge.
    pub y: f64,
}

impl Default for Focus {
    /// A little above the middle, where faces are.
    fn default() -> Self {
        Self { x: 0.5, y: 0.42 }
    }
}

/// A photo decoded once and shared by every size that shows it.
#[derive(Clone)]
pub struct DecodedPhoto {
    width: u32,
    height: u32,
    rgb: Arc<Vec<u8>>,
    focus: Focus,
    warning: Option<&'static str>,
}

impl std::fmt::Debug for DecodedPhoto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecodedPhoto({}x{})", self.width, self.height)
    }
}

/// A photo cropped and scaled to the pixels of its slot: RGB, 8 bits a channel.
#[derive(Clone, PartialEq)]
pub struct PreparedPhoto {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width × height × 3` bytes.
    pub rgb: Arc<Vec<u8>>,
    /// Alternative text, kept in PDF.
    pub alt: String,
    /// Credit line as published (`Ảnh: …`), drawn where the template has room for it.
    pub credit: String,
}

impl PreparedPhoto {
    /// RGB rows of a part of it (left, top, width, height), scaled to `width × height`.
    pub(crate) fn part(&self, part: [f64; 4], width: u32, height: u32) -> Result<Vec<u8>> {
        scaled((self.width, self.height), &self.rgb, part, (width, height))
    }

    pub(crate) fn jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        let rgba = self.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], u8::MAX]).collect();
        encode::jpeg(&Pixels { width: self.width, height: self.height, rgba }, quality)
    }
}

impl std::fmt::Debug for PreparedPhoto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreparedPhoto({}x{})", self.width, self.height)
    }
}

/// Decodes a JPEG, PNG or WebP under limits and turns it upright.
///
/// # Errors
/// [`Error::Photo`] when it is none of these, larger than the limits (checked before decoding) or damaged.
pub fn decode(bytes: &[u8]) -> Result<DecodedPhoto> {
    let (picture, warning) = upright(bytes)?;
    let (width, height) = picture.dimensions();
    let rgb = picture.into_raw();
    let focus = salience::focus(width, height, &rgb);
    Ok(DecodedPhoto { width, height, rgb: Arc::new(rgb), focus, warning })
}

/// The pixels, and what to warn of.
fn upright(bytes: &[u8]) -> Result<(image::RgbImage, Option<&'static str>)> {
    let refuse = |problem: String| Error::Photo(problem);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| refuse(error.to_string()))?;
    let Some(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) = reader.format()
    else {
        return Err(refuse("not a JPEG, PNG or WebP".to_owned()));
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refuse(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(refuse(format!("{width}x{height}: at most 50 million pixels are taken")));
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture =
        DynamicImage::from_decoder(decoder).map_err(|error| refuse(error.to_string()))?;
    picture.apply_orientation(orientation);
    let warning = (format == ImageFormat::Jpeg && !ends_like_a_jpeg(bytes))
        .then_some("the JPEG has no end mark: it was cut short, part of it may be grey");
    Ok((flatten(picture), warning))
}

/// A small JPEG of a JPEG, PNG or WebP: upright, alpha on white, at most `width` pixels wide and never enlarged.
///
/// # Errors
/// As [`decode`].
pub fn small(bytes: &[u8], width: u32) -> Result<Vec<u8>> {
    let (picture, _) = upright(bytes)?;
    let from = picture.dimensions();
    let width = width.clamp(1, from.0);
    let height = u64::from(from.1) * u64::from(width) / u64::from(from.0);
    let to = (width, u32::try_from(height).unwrap_or(from.1).max(1));
    let rgb = scaled(from, picture.as_raw(), [0.0, 0.0, from.0.into(), from.1.into()], to)?;
    let (alt, credit) = (String::new(), String::new());
    PreparedPhoto { width: to.0, height: to.1, rgb: Arc::new(rgb), alt, credit }.jpeg(SMALL_QUALITY)
}

/// What a picture file says that it is, without decoding it: media type, width and height in pixels.
///
/// # Errors
/// [`Error::Photo`] when it is no JPEG, PNG or WebP or its head is damaged.
pub fn facts(bytes: &[u8]) -> Result<(&'static str, u32, u32)> {
    let refuse = |problem: String| Error::Photo(problem);
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| refuse(error.to_string()))?;
    let mime = match reader.format() {
        Some(ImageFormat::Jpeg) => "image/jpeg",
        Some(ImageFormat::Png) => "image/png",
        Some(ImageFormat::WebP) => "image/webp",
        _ => return Err(refuse("not a JPEG, PNG or WebP".to_owned())),
    };
    let (width, height) = reader.into_dimensions().map_err(|error| refuse(error.to_string()))?;
    Ok((mime, width, height))
}

/// Alpha laid on white, as a page would show it.
fn flatten(picture: DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let mut rgb = image::RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let alpha = u16::from(from.0[3]);
        for (to, from) in to.0.iter_mut().zip(&from.0[..3]) {
            let mixed = (u16::from(*from) * alpha + 255 * (255 - alpha) + 127) / 255;
            *to = u8::try_from(mixed).unwrap_or(u8::MAX);
        }
    }
    rgb
}

/// Cameras may append a few bytes after the end mark, so the tail is searched.
fn ends_like_a_jpeg(bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(64)..).unwrap_or(bytes);
    tail.windows(2).any(|pair| pair == [0xff, 0xd9])
}

impl DecodedPhoto {
    /// Width in pixels, upright.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, upright.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// RGB rows, `width × height × 3` bytes.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// What stands out in it, guessed from colours and edges; a little above the middle of an even photo.
    pub fn focus(&self) -> Focus {
        self.focus
    }

    /// What an editor should know about it.
    pub fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    /// Whether it has enough pixels to fill `width × height`: enlarged twice at most.
    pub fn is_sharp_at(&self, width: u32, height: u32) -> bool {
        let scale = |slot: u32, side: u32| f64::from(slot) / f64::from(side.max(1));
        scale(width, self.width).max(scale(height, self.height)) <= MOST_ENLARGED
    }

    /// The same photo no larger than drawing needs: it still covers [`WORKING`]. Every size is cropped from it, so that a photo
    /// of 50 million pixels is held and looked through once and not with each picture.
    ///
    /// # Errors
    /// None that an upright photo gives; those of [`DecodedPhoto::cover`].
    pub fn working(self) -> Result<Self> {
        let share = |least: u32, side: u32| f64::from(least) / f64::from(side);
        let scale = share(WORKING.0, self.width).max(share(WORKING.1, self.height));
        if scale >= 1.0 {
            return Ok(self);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "smaller than a side, and not negative"
        )]
        let size = |side: u32| ((f64::from(side) * scale).round() as u32).max(1);
        let (width, height) = (size(self.width), size(self.height));
        let small = self.cover(width, height, self.focus)?;
        Ok(Self { width, height, rgb: small.rgb, ..self })
    }

    /// Fills `width × height` with it: cropped around `focus`, scaled with Lanczos3.
    ///
    /// # Errors
    /// [`Error::Photo`] when a side is 0 or above [`MAX_SIDE`].
    pub fn cover(&self, width: u32, height: u32, focus: Focus) -> Result<PreparedPhoto> {
        self.cover_at((width, height), focus, (0.5, 0.5))
    }

    /// As [`DecodedPhoto::cover`], with the focus as near as the photo allows to a place of the slot, 0–1 from its left and
    /// from its top: what lies on the photo need not lie on what matters in it.
    ///
    /// # Errors
    /// [`Error::Photo`] when a side is 0 or above [`MAX_SIDE`].
    pub fn cover_at(
        &self,
        (width, height): (u32, u32),
        focus: Focus,
        rest: (f64, f64),
    ) -> Result<PreparedPhoto> {
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::Photo(format!("a slot of {width}x{height} px cannot be filled")));
        }
        let (across, down) = (f64::from(self.width), f64::from(self.height));
        let scale = (across / f64::from(width)).min(down / f64::from(height));
        let (crop_width, crop_height) =
            ((f64::from(width) * scale).min(across), (f64::from(height) * scale).min(down));
        let left = (focus.x * across - crop_width * rest.0).clamp(0.0, across - crop_width);
        let top = (focus.y * down - crop_height * rest.1).clamp(0.0, down - crop_height);
        let crop = [left, top, crop_width, crop_height];
        let rgb = scaled((self.width, self.height), &self.rgb, crop, (width, height))?;
        let rgb = Arc::new(rgb);
        Ok(PreparedPhoto { width, height, rgb, alt: String::new(), credit: String::new() })
    }

    /// RGB rows of all of it at `width × height`, scaled with Lanczos3: whoever asks keeps its shape.
    ///
    /// # Errors
    /// [`Error::Photo`] when a side is 0 or above [`MAX_SIDE`].
    pub fn whole(&self, width: u32, height: u32) -> Result<Vec<u8>> {
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::Photo(format!("a slot of {width}x{height} px cannot be filled")));
        }
        let all = [0.0, 0.0, f64::from(self.width), f64::from(self.height)];
        scaled((self.width, self.height), &self.rgb, all, (width, height))
    }
}

/// A part (left, top, width, height) of RGB rows, scaled with Lanczos3; copied where it has that size.
fn scaled(size: (u32, u32), rgb: &[u8], part: [f64; 4], to: (u32, u32)) -> Result<Vec<u8>> {
    let refuse = |problem: String| Error::Photo(problem);
    let source = ImageRef::new(size.0, size.1, rgb, PixelType::U8x3)
        .map_err(|error| refuse(error.to_string()))?;
    // Written and not handed out as zeros, which an allocator takes from pages that nobody has touched: each costs a fault.
    let room = std::iter::repeat_n(0, to.0 as usize * to.1 as usize * 3).collect();
    let mut target = Image::from_vec_u8(to.0, to.1, room, PixelType::U8x3)
        .map_err(|error| refuse(error.to_string()))?;
    let [left, top, width, height] = part;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(left, top, width, height);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| refuse(error.to_string()))?;
    Ok(target.into_vec())
}

/// Decodes and fills a slot in one go; decode once with [`decode`] when several sizes show the photo.
///
/// # Errors
/// As [`decode`] and [`DecodedPhoto::cover`].
pub fn prepare(bytes: &[u8], slot: (u32, u32), focus: Focus) -> Result<PreparedPhoto> {
    decode(bytes)?.cover(slot.0, slot.1, focus)
}
