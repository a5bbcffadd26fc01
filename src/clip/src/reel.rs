//! The article's own video as a source: opened under bounds, looked at picture by picture, heard, cut, reframed, copied.
//!
//! Everything that decodes is for the child under limits only: call it there, or send it an [`Ask`].
//! Times are milliseconds from the first picture that can be shown; the sound is on the same clock.

use serde::{Deserialize, Serialize};

mod ask;
#[cfg(feature = "ffmpeg")]
mod convert;
#[cfg(feature = "ffmpeg")]
mod copy;
#[cfg(feature = "ffmpeg")]
mod hear;
mod highlights;
#[cfg(feature = "ffmpeg")]
mod look;
#[cfg(feature = "ffmpeg")]
mod open;
#[cfg(feature = "ffmpeg")]
mod pass;
pub mod reframe;
pub(crate) mod resample;
#[cfg(not(feature = "ffmpeg"))]
mod without;

pub use ask::{Answer, Ask, answer, ask, serve};
#[cfg(feature = "ffmpeg")]
pub use copy::copy;
#[cfg(feature = "ffmpeg")]
pub use look::{Reel, probe};
#[cfg(feature = "ffmpeg")]
pub use pass::propose;
#[cfg(not(feature = "ffmpeg"))]
pub use without::{Reel, copy, probe, propose};

/// Result of this module.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a video cannot be used, said so that a person knows what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is not what we take, or larger than we take.
    #[error("video: {0}")]
    Refused(String),
    /// Too much of it cannot be read.
    #[error(
        "video: only {decoded} of {expected} pictures can be read, at least 95 % are needed; the file is damaged, ask for a whole copy"
    )]
    Damaged {
        /// Pictures that were decoded without an error.
        decoded: u64,
        /// Pictures that should be there.
        expected: u64,
    },
    /// It cannot be copied without encoding.
    #[error("video: it cannot be copied as it is: {0}")]
    NotAsIs(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The library failed at something that has nothing to do with the file.
    #[error("video: {what}: {reason}")]
    Library {
        /// What it was doing.
        what: &'static str,
        /// Its words.
        reason: String,
    },
    /// Someone asked to stop; nothing is left behind.
    #[error("cancelled")]
    Cancelled,
    /// This build has no decoder.
    #[error("this build cannot read video; build it with the feature `ffmpeg`")]
    Unavailable,
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled => Self::Cancelled,
            Error::Unavailable => Self::Unavailable,
            Error::File { path, source } => Self::File { path, source },
            // Its words begin with what it is about; so do ours.
            other => Self::Video(other.to_string().trim_start_matches("video: ").to_owned()),
        }
    }
}

#[cfg_attr(not(feature = "ffmpeg"), expect(dead_code, reason = "only what decodes reads files"))]
pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { path: path.display().to_string(), source }
}

/// What a source may be. A source beyond one of these is refused before it costs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Pixels of the longer side.
    pub long_side: u32,
    /// Pixels of the shorter side.
    pub short_side: u32,
    /// Length in milliseconds.
    pub length_ms: u64,
    /// Tracks in the file, of any kind.
    pub tracks: u32,
    /// Threads of the decoder.
    pub threads: u32,
}

impl Default for Bounds {
    /// 3840 × 2160 either way up, 4 hours, 32 tracks, 2 threads.
    fn default() -> Self {
        Self { long_side: 3840, short_side: 2160, length_ms: 4 * 3_600_000, tracks: 32, threads: 2 }
    }
}

/// A size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Where the colours of a source come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Ordinary video.
    Sdr,
    /// High dynamic range by SMPTE 2084; tone-mapped.
    Pq,
    /// High dynamic range by ARIB B67; tone-mapped.
    Hlg,
}

/// What is known about a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// `mov`, `matroska`, `mpegts` or `avi`, as the library calls it.
    pub container: String,
    /// Codec of the picture, as the library calls it.
    pub codec: String,
    /// Pixels as shown: turned upright, with square pixels. May be odd.
    pub width: u32,
    /// Pixels as shown.
    pub height: u32,
    /// Pixels as stored.
    pub coded: Size,
    /// Degrees clockwise by which the stored picture is turned to be shown: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether it is mirrored besides.
    pub mirrored: bool,
    /// Pictures a second, on average.
    pub fps: f64,
    /// Whether pictures last differently long.
    pub variable: bool,
    /// Length of the picture.
    pub duration_ms: u64,
    /// Pictures, as the file says or by length and rate.
    pub frames: u64,
    /// Layout of stored pixels, as the library calls it.
    pub pixels: String,
    /// Matrix the colours are taken for: `bt709`, `smpte170m`, `bt2020nc`…
    pub matrix: String,
    /// Whether luma uses 0–255.
    pub full_range: bool,
    /// Its light.
    pub light: Light,
    /// Whether the first picture is two fields; one of them is shown then.
    pub interlaced: bool,
    /// Whether there is sound we can decode.
    pub has_sound: bool,
    /// Codec of the sound.
    pub sound_codec: Option<String>,
}

impl Facts {
    /// The largest even size of its shape inside a box.
    pub fn fit(&self, within: Size) -> Size {
        let scale = self.scales(within);
        self.even(scale.0.min(scale.1))
    }

    /// The smallest even size of its shape that covers a box.
    pub fn cover(&self, over: Size) -> Size {
        let scale = self.scales(over);
        let size = self.even(scale.0.max(scale.1));
        Size { width: size.width.max(over.width), height: size.height.max(over.height) }
    }

    fn scales(&self, other: Size) -> (f64, f64) {
        (
            f64::from(other.width) / f64::from(self.width.max(1)),
            f64::from(other.height) / f64::from(self.height.max(1)),
        )
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are small")]
    fn even(&self, scale: f64) -> Size {
        let side = |side: u32| ((f64::from(side) * scale / 2.0).round() as u32 * 2).max(2);
        Size { width: side(self.width), height: side(self.height) }
    }
}

/// How much of a source can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Pictures decoded without an error.
    pub decoded: u64,
    /// Pictures that should be there.
    pub expected: u64,
    /// Errors of the container and the decoder.
    pub errors: u64,
}

impl Health {
    /// At least 95 of 100 pictures are there; the missing ones repeat the picture before.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the numbers.
    pub fn check(self) -> Result<Self> {
        let Self { decoded, expected, .. } = self;
        if decoded == 0 || decoded * 100 < expected * 95 {
            return Err(Error::Damaged { decoded, expected });
        }
        Ok(self)
    }
}

/// A piece of the source that is worth showing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// Where it begins.
    pub in_ms: u64,
    /// Where it ends, exclusive.
    pub out_ms: u64,
    /// 0–1, comparable within one proposal.
    pub score: f64,
    /// What speaks for it: keys of the locale files under `reel.why`.
    pub why: Vec<String>,
}

/// A scene of the source with a picture of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Still {
    /// Where the scene begins.
    pub from_ms: u64,
    /// Where it ends, exclusive.
    pub to_ms: u64,
    /// Where the picture stands.
    pub at_ms: u64,
    /// A JPEG at most 192 pixels wide or high, in Base64.
    pub jpeg: String,
}

/// Highlights of a source, for an editor to change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// One to five pieces, in the order of the source.
    pub cuts: Vec<Cut>,
    /// At most 60 scenes, evenly thinned when there are more.
    pub scenes: Vec<Still>,
    /// How much of it could be read.
    pub health: Health,
}

/// A file that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Where it begins in the source.
    pub in_ms: u64,
    /// Where it really ends: up to a few pictures later than asked, because later ones are needed to show the last.
    pub out_ms: u64,
    /// Length of the file.
    pub bytes: u64,
}
