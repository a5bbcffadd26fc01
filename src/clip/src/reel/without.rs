//! What a build without ffmpeg answers.

use std::path::Path;

use loa_model::{Cancel, Progress};

use super::{Bounds, Copied, Error, Facts, Health, Proposal, Result, Size};
use crate::{sound::Sound, yuv::Yuv};

/// A source that cannot be opened in this build.
#[derive(Debug)]
pub enum Reel {}

impl Reel {
    /// Answers that this build cannot read video.
    ///
    /// # Errors
    /// [`Error::Unavailable`], always.
    pub fn open(_path: &Path, _bounds: &Bounds) -> Result<Self> {
        Err(Error::Unavailable)
    }

    /// Never called: there is no reel.
    pub fn facts(&self) -> &Facts {
        match *self {}
    }

    /// Never called: there is no reel.
    ///
    /// # Errors
    /// None.
    pub fn frame_at(&mut self, _ms: u64, _size: Size) -> Result<&Yuv> {
        match *self {}
    }

    /// Never called: there is no reel.
    ///
    /// # Errors
    /// None.
    pub fn sound(&mut self, _from_ms: u64, _to_ms: u64) -> Result<Sound> {
        match *self {}
    }

    /// Never called: there is no reel.
    ///
    /// # Errors
    /// None.
    pub fn health(&mut self, _from_ms: u64, _to_ms: u64, _cancel: &Cancel) -> Result<Health> {
        match *self {}
    }
}

/// Answers that this build cannot read video.
///
/// # Errors
/// [`Error::Unavailable`], always.
pub fn probe(_path: &Path, _bounds: &Bounds) -> Result<Facts> {
    Err(Error::Unavailable)
}

/// Answers that this build cannot read video.
///
/// # Errors
/// [`Error::Unavailable`], always.
pub fn propose(
    _path: &Path,
    _wanted_ms: u64,
    _bounds: &Bounds,
    _progress: impl FnMut(Progress),
    _cancel: &Cancel,
) -> Result<Proposal> {
    Err(Error::Unavailable)
}

/// Answers that this build cannot read video.
///
/// # Errors
/// [`Error::Unavailable`], always.
pub fn copy(
    _path: &Path,
    _span_ms: (u64, u64),
    _out: &Path,
    _bounds: &Bounds,
    _cancel: &Cancel,
) -> Result<Copied> {
    Err(Error::Unavailable)
}
