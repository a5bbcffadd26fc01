//! Composited frames into files: each segment is composed once for all its renditions, kept, and put together at the end.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Error, timeline::Timeline};

#[cfg(feature = "ffmpeg")]
pub(crate) mod audio;
#[cfg(feature = "ffmpeg")]
pub(crate) mod mux;
pub(crate) mod track;
#[cfg(feature = "ffmpeg")]
pub(crate) mod video;

/// How many bits a rendition may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// As many as this quality needs (x264 crf). Every platform encodes again: nothing is gained below 20.
    Quality(u32),
    /// This quality, but never more than so many kbit/s on average, sound and container included, and no long peaks.
    Capped {
        /// x264 crf; worse when the cap asks for it.
        quality: u32,
        /// kbit/s of the whole file.
        total_kbps: u32,
    },
    /// This quality, but never a larger file.
    Sized {
        /// x264 crf; worse when the size asks for it.
        quality: u32,
        /// Bytes of the whole file.
        bytes: u64,
    },
}

impl Rate {
    /// The quality to begin with.
    pub fn quality(self) -> u32 {
        match self {
            Self::Quality(quality) | Self::Capped { quality, .. } | Self::Sized { quality, .. } => {
                quality
            }
        }
    }

    /// Most bytes of a file that lasts so long.
    pub fn most_bytes(self, duration_ms: u64) -> Option<u64> {
        match self {
            Self::Quality(_) => None,
            Self::Capped { total_kbps, .. } => Some(u64::from(total_kbps) * duration_ms / 8),
            Self::Sized { bytes, .. } => Some(bytes),
        }
    }
}

/// How the sound is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundRate {
    /// What.
    pub codec: SoundCodec,
    /// Channels: 1 or 2.
    pub channels: u32,
    /// kbit/s.
    pub kbps: u32,
}

/// What sound is encoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoundCodec {
    /// AAC-LC in MP4.
    Aac,
    /// Opus in Ogg.
    Opus,
    /// MP3.
    Mp3,
}

impl SoundRate {
    /// AAC in two channels.
    pub const fn stereo(kbps: u32) -> Self {
        Self { codec: SoundCodec::Aac, channels: 2, kbps }
    }

    /// AAC in one channel.
    pub const fn mono(kbps: u32) -> Self {
        Self { codec: SoundCodec::Aac, channels: 1, kbps }
    }

    /// How loud a peak may be before the encoder, dBTP: few bits overshoot more.
    pub fn ceiling_db(self) -> f64 {
        if self.kbps >= 96 { -2.0 } else { -3.5 }
    }
}

/// One encoding of the frames.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Name of the rendition and of its file without ending.
    pub name: String,
    /// 1 is the canvas, 2 half of it, 3 a third.
    pub divisor: u32,
    /// Bits of the picture.
    pub rate: Rate,
    /// x264 preset.
    pub preset: String,
    /// Most milliseconds between two keyframes.
    pub keyframe_ms: u32,
    /// The sound.
    pub sound: SoundRate,
    /// Whether the container may say where the picture starts (an edit list); without it B-frames have times below zero.
    pub edit_list: bool,
    /// Whether captions travel inside the file.
    pub captions: bool,
}

impl Rung {
    /// The canvas as it is, for platforms that encode again.
    pub fn master(name: &str) -> Self {
        Self {
            name: name.into(),
            divisor: 1,
            rate: Rate::Quality(21),
            preset: "veryfast".into(),
            keyframe_ms: 2000,
            sound: SoundRate::stereo(128),
            edit_list: true,
            captions: false,
        }
    }

    /// Half the canvas, for pages that play the clip themselves.
    pub fn half(name: &str) -> Self {
        let sound = SoundRate::stereo(64);
        Self { divisor: 2, rate: Rate::Quality(24), sound, captions: true, ..Self::master(name) }
    }

    /// At most `total_kbps` all in, for slow links.
    pub fn low_band(name: &str, total_kbps: u32, sound_kbps: u32) -> Self {
        Self {
            name: name.into(),
            divisor: 1,
            rate: Rate::Capped { quality: 26, total_kbps },
            preset: "slow".into(),
            keyframe_ms: 10_000,
            sound: SoundRate::mono(sound_kbps),
            edit_list: true,
            captions: true,
        }
    }

    /// Its size on this timeline, even.
    pub fn size(&self, timeline: &Timeline) -> (u32, u32) {
        let side = |side: u32| (side / self.divisor.max(1)) & !1;
        (side(timeline.canvas.width), side(timeline.canvas.height))
    }

    /// Frames from a keyframe to the next, at most.
    pub(crate) fn keyframe(&self, fps: u32) -> u32 {
        (fps * self.keyframe_ms / 1000).max(1)
    }
}

/// A rendition of the sound alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bulletin {
    /// Name of the rendition and of its file without ending.
    pub name: String,
    /// How.
    pub sound: SoundRate,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Name of its rung.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Length in bytes.
    pub bytes: u64,
}

/// Makes the library ready; what it has to say goes to the log of the child, and only when something is wrong.
#[cfg(feature = "ffmpeg")]
pub(crate) fn start() -> crate::Result<()> {
    ffmpeg_next::init().map_err(refused("start"))?;
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Warning);
    Ok(())
}

#[cfg(feature = "ffmpeg")]
pub(crate) fn refused(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> Error {
    move |error| Error::Encode { what, reason: error.to_string() }
}
