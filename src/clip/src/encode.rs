//! Composited frames into files: one pass over the frames for all renditions of a layout.

use std::path::{Path, PathBuf};

use loa_model::Cancel;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, sound::Sound, timeline::Timeline};
#[cfg(feature = "ffmpeg")]
mod audio;
#[cfg(feature = "ffmpeg")]
mod file;
#[cfg(feature = "ffmpeg")]
mod video;

use crate::compositor::Pictures;
#[cfg(feature = "ffmpeg")]
use crate::{compositor::Compositor, ffi};

/// How many bits a rendition may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// As many as this quality needs (x264 crf). Every platform encodes again: nothing is gained below 20.
    Quality(u32),
    /// This quality, but never more than so many kbit/s, sound and container included.
    Capped {
        /// x264 crf.
        quality: u32,
        /// kbit/s of the whole file.
        total_kbps: u32,
    },
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
    /// Most seconds between two keyframes.
    pub keyframe_s: u32,
    /// Channels of sound: 1 or 2.
    pub channels: u32,
    /// Bits of the sound, kbit/s.
    pub sound_kbps: u32,
}

impl Rung {
    /// The canvas as it is, for platforms that encode again.
    pub fn master(name: &str) -> Self {
        Self {
            name: name.into(),
            divisor: 1,
            rate: Rate::Quality(21),
            preset: "veryfast".into(),
            keyframe_s: 2,
            channels: 2,
            sound_kbps: 128,
        }
    }

    /// Half the canvas, for pages that play the clip themselves.
    pub fn half(name: &str) -> Self {
        Self { divisor: 2, rate: Rate::Quality(24), sound_kbps: 64, ..Self::master(name) }
    }

    /// At most 150 kbit/s all in.
    pub fn low_band(name: &str) -> Self {
        Self {
            name: name.into(),
            divisor: 1,
            rate: Rate::Capped { quality: 26, total_kbps: 148 },
            preset: "slow".into(),
            keyframe_s: 10,
            channels: 1,
            sound_kbps: 28,
        }
    }

    /// Its size on this timeline, even.
    pub fn size(&self, timeline: &Timeline) -> (u32, u32) {
        let side = |side: u32| (side / self.divisor.max(1)) & !1;
        (side(timeline.canvas.width), side(timeline.canvas.height))
    }

    /// How loud a peak may be before the encoder: few bits overshoot more.
    pub fn ceiling_db(&self) -> f64 {
        if self.sound_kbps >= 96 { -2.0 } else { -3.5 }
    }
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

/// What to encode.
#[derive(Debug, Clone, Copy)]
pub struct Film<'a> {
    /// Frames.
    pub timeline: &'a Timeline,
    /// What they show.
    pub pictures: &'a Pictures,
    /// Sound of each rung, mastered.
    pub sounds: &'a [Sound],
    /// Renditions.
    pub rungs: &'a [Rung],
    /// Threads of each video encoder.
    pub threads: usize,
}

/// Encodes a film into `folder`; `on_frame` gets the number of frames done.
///
/// Files appear whole under their names or not at all.
///
/// # Errors
/// [`Error::Cancelled`], [`Error::OverBudget`], [`Error::Encode`], [`Error::File`]; nothing is left in the folder then.
#[cfg(feature = "ffmpeg")]
pub fn encode(
    film: &Film<'_>,
    folder: &Path,
    cancel: &Cancel,
    mut on_frame: impl FnMut(u32),
) -> Result<Vec<Encoded>> {
    let timeline = film.timeline;
    let mut outputs = open(film, folder)?;
    let mut compositor = Compositor::new(timeline, film.pictures)?;
    let canvas = (timeline.canvas.width, timeline.canvas.height);
    let mut frame = video::picture(canvas);
    for number in 0..timeline.frames() {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        if !ffi::is_writable(&mut frame) {
            frame = video::picture(canvas);
        }
        compositor.render(number, &mut ffi::views(&mut frame));
        frame.set_pts(Some(i64::from(number)));
        for output in &mut outputs {
            output.take(&mut frame)?;
        }
        on_frame(number + 1);
    }
    close(outputs)
}

#[cfg(feature = "ffmpeg")]
fn open(film: &Film<'_>, folder: &Path) -> Result<Vec<file::Output>> {
    ffmpeg_next::init().map_err(refused("start"))?;
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Warning);
    let pairs = film.rungs.iter().zip(film.sounds);
    pairs
        .map(|(rung, sound)| file::Output::open(rung, film.timeline, sound, film.threads, folder))
        .collect()
}

#[cfg(feature = "ffmpeg")]
fn close(outputs: Vec<file::Output>) -> Result<Vec<Encoded>> {
    let done = outputs.into_iter().map(file::Output::finish).collect::<Result<Vec<_>>>()?;
    // All are whole before the first gets its name.
    done.into_iter().map(file::Finished::name).collect()
}

/// All frames of a film in memory: what a bench encodes to know the least a clip can cost.
#[cfg(feature = "ffmpeg")]
pub struct Composed(Vec<ffmpeg_next::frame::Video>);

/// Composes all frames into memory (3 MB each at 1080p).
///
/// # Errors
/// [`Error::Timeline`].
#[cfg(feature = "ffmpeg")]
pub fn compose(film: &Film<'_>) -> Result<Composed> {
    let timeline = film.timeline;
    let mut compositor = Compositor::new(timeline, film.pictures)?;
    let frames = (0..timeline.frames()).map(|number| {
        let mut frame = video::picture((timeline.canvas.width, timeline.canvas.height));
        compositor.render(number, &mut ffi::views(&mut frame));
        frame.set_pts(Some(i64::from(number)));
        frame
    });
    Ok(Composed(frames.collect()))
}

/// Encodes frames that are there already, as [`encode`] does.
///
/// # Errors
/// As [`encode`].
#[cfg(feature = "ffmpeg")]
pub fn encode_composed(
    film: &Film<'_>,
    frames: &mut Composed,
    folder: &Path,
) -> Result<Vec<Encoded>> {
    let mut outputs = open(film, folder)?;
    for frame in &mut frames.0 {
        for output in &mut outputs {
            output.take(frame)?;
        }
    }
    close(outputs)
}

/// Answers that this build cannot encode.
///
/// # Errors
/// [`Error::Unavailable`], always.
#[cfg(not(feature = "ffmpeg"))]
pub fn encode(
    _film: &Film<'_>,
    _folder: &Path,
    _cancel: &Cancel,
    _on_frame: impl FnMut(u32),
) -> Result<Vec<Encoded>> {
    Err(Error::Unavailable)
}

#[cfg(feature = "ffmpeg")]
pub(crate) fn refused(what: &'static str) -> impl FnOnce(ffmpeg_next::Error) -> Error {
    move |error| Error::Encode { what, reason: error.to_string() }
}
