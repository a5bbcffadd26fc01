//! Pixels to files, the same bytes every time.

use jpeg_encoder::{ColorType, SamplingFactor};

use crate::{Error, Pixels, Result};

/// PNG without alpha: fast filter and level, made for cards of photos and flat colour.
///
/// # Errors
/// [`Error::Encode`] when the picture has no pixels.
pub fn png(pixels: &Pixels) -> Result<Vec<u8>> {
    let opaque = pixels.rgba.as_chunks().0.iter().map(|&[red, green, blue, _]| [red, green, blue]);
    let rgb: Vec<[u8; 3]> = opaque.collect();
    write_png(pixels, rgb.as_flattened(), png::ColorType::Rgb)
}

/// PNG with alpha, colours divided by it again: for layers that a person looks at.
///
/// # Errors
/// [`Error::Encode`] when the picture has no pixels.
pub fn png_alpha(pixels: &Pixels) -> Result<Vec<u8>> {
    let mut rgba = pixels.rgba.clone();
    for pixel in rgba.chunks_exact_mut(4) {
        let alpha = u16::from(pixel[3]);
        if alpha != 0 && alpha != 255 {
            for channel in &mut pixel[..3] {
                let straight = (u16::from(*channel) * 255 + alpha / 2) / alpha;
                *channel = u8::try_from(straight).unwrap_or(u8::MAX);
            }
        }
    }
    write_png(pixels, &rgba, png::ColorType::Rgba)
}

fn write_png(pixels: &Pixels, data: &[u8], colour: png::ColorType) -> Result<Vec<u8>> {
    let failed =
        |error: png::EncodingError| Error::Encode { format: "png", problem: error.to_string() };
    let mut out = Vec::with_capacity(data.len() / 2);
    let mut encoder = png::Encoder::new(&mut out, pixels.width, pixels.height);
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(data).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// JPEG 4:2:0 with `quality` 1–100. Alpha is not kept: hand in an opaque picture.
///
/// # Errors
/// [`Error::Encode`] when a side is 0 or above 65 535 px.
pub fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>> {
    let failed = |problem: String| Error::Encode { format: "jpeg", problem };
    let side = |value: u32| {
        u16::try_from(value).map_err(|_| failed(format!("a side of {value} px does not fit")))
    };
    let mut out = Vec::with_capacity(1 << 19);
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder
        .encode(&pixels.rgba, side(pixels.width)?, side(pixels.height)?, ColorType::Rgba)
        .map_err(|error| failed(error.to_string()))?;
    Ok(out)
}

/// JPEG of at most `max_bytes`: quality falls from 85 in steps until it fits; says which quality it took.
///
/// # Errors
/// [`Error::Encode`] when even quality 40, where type begins to smear, is too large.
pub fn jpeg_within(pixels: &Pixels, max_bytes: usize) -> Result<(Vec<u8>, u8)> {
    let mut least = usize::MAX;
    for quality in [85, 80, 75, 68, 60, 50, 40] {
        let bytes = jpeg(pixels, quality)?;
        if bytes.len() <= max_bytes {
            return Ok((bytes, quality));
        }
        least = least.min(bytes.len());
    }
    let problem = format!("{least} bytes at quality 40, {max_bytes} allowed: use a smaller size");
    Err(Error::Encode { format: "jpeg", problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(side: u32) -> Pixels {
        let mut state = 1u32;
        let mut picture = Pixels::filled(side, side, [255; 4]);
        for byte in &mut picture.rgba {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_be_bytes()[0];
        }
        picture.rgba.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 255);
        picture
    }

    #[test]
    fn png_keeps_every_pixel() {
        let picture = noise(33);
        let bytes = png(&picture).unwrap();
        let back = image::load_from_memory(&bytes).unwrap().into_rgba8();
        assert_eq!(back.as_raw(), &picture.rgba);
    }

    #[test]
    fn alpha_is_divided_out() {
        let layer = Pixels { width: 1, height: 1, rgba: vec![64, 0, 32, 128] };
        let back = image::load_from_memory(&png_alpha(&layer).unwrap()).unwrap().into_rgba8();
        assert_eq!(back.as_raw(), &[128, 0, 64, 128]);
    }

    #[test]
    fn quality_falls_until_the_file_fits() {
        let picture = noise(128);
        let full = jpeg(&picture, 85).unwrap();
        let (bytes, quality) = jpeg_within(&picture, full.len() - 1).unwrap();
        assert!(bytes.len() < full.len() && quality < 85);
        assert_eq!(jpeg_within(&picture, full.len()).unwrap(), (full, 85));
        let refused = jpeg_within(&picture, 10).unwrap_err().to_string();
        assert!(refused.contains("10 allowed"), "{refused}");
    }
}
