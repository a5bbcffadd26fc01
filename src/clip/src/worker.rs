//! The child's part, and the same in the calling process for tests and benches: load, compose, encode, write.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use loa_model::{Cancel, Progress};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    compositor::{Compositor, Pictures},
    draw::{self, SpriteFile},
    encode::{self, Film, Rung},
    error::file,
    photo,
    sound::{self, RATE, Sound},
    subtitle,
    timeline::Timeline,
    yuv::Yuv,
};

/// Steps of the work, keys of the locale files.
const STEP_PREPARE: &str = "render.clip.prepare";
const STEP_FRAMES: &str = "render.clip";
/// Progress is told at most this often.
const TELL: Duration = Duration::from_millis(150);

/// A photo of the article in a file, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoFile {
    /// Index into the photos of the article.
    pub index: u32,
    /// Where its bytes are.
    pub path: PathBuf,
}

/// Everything the child needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The clip.
    pub timeline: Timeline,
    /// Its drawn layers.
    pub sprites: Vec<SpriteFile>,
    /// Its photos.
    pub photos: Vec<PhotoFile>,
    /// Encodings.
    pub rungs: Vec<Rung>,
    /// Folder for the results; it exists.
    pub out: PathBuf,
    /// Threads of each video encoder. The same number gives the same bytes.
    pub threads: usize,
}

/// A file of the result and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Name of the rendition: that of its rung, `poster`, `captions` (SRT) or `captions-vtt`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Media type.
    pub mime: String,
    /// Pixels; 0 for captions.
    pub width: u32,
    /// Pixels; 0 for captions.
    pub height: u32,
    /// Milliseconds; 0 for the poster.
    pub duration_ms: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// Alternative text.
    pub alt: String,
}

/// The body of the role `media-worker`. Call it from `main` before a second thread runs.
pub fn main(input: impl BufRead, output: impl Write) -> ExitCode {
    loa_jail::serve(input, output, |request: Request, reporter| {
        // When the parent is gone nobody wants the result: the next frame ends the work.
        let cancel = Cancel::new();
        let tell = |progress| {
            if reporter.progress(progress).is_err() {
                cancel.cancel();
            }
        };
        work(&request, &cancel, tell).map_err(|error| error.to_string())
    })
}

/// Does the work in this process.
///
/// # Errors
/// [`Error::Photo`], [`Error::File`], [`Error::Encode`], [`Error::OverBudget`], [`Error::Cancelled`], [`Error::Timeline`];
/// nothing is left in the folder then.
pub fn work(
    request: &Request,
    cancel: &Cancel,
    mut on_progress: impl FnMut(Progress),
) -> Result<Vec<Output>> {
    let timeline = &request.timeline;
    timeline.check()?;
    let total = u64::from(timeline.frames());
    let progress =
        |step: &str, done: u64, eta_ms| Progress { step: step.into(), done, total, eta_ms };
    on_progress(progress(STEP_PREPARE, 0, None));
    let pictures = load(request)?;
    let sounds = sounds(request)?;
    let film = Film {
        timeline,
        pictures: &pictures,
        sounds: &sounds,
        rungs: &request.rungs,
        threads: request.threads,
    };
    let started = Instant::now();
    let mut told = started;
    let encoded = encode::encode(&film, &request.out, cancel, |done| {
        let now = Instant::now();
        if now.duration_since(told) >= TELL || u64::from(done) == total {
            told = now;
            let spent = u64::try_from(now.duration_since(started).as_millis()).unwrap_or(u64::MAX);
            let done = u64::from(done);
            let eta = spent.saturating_mul(total.saturating_sub(done)) / done.max(1);
            on_progress(progress(STEP_FRAMES, done, Some(eta)));
        }
    })?;
    let mut outputs: Vec<Output> = encoded
        .into_iter()
        .zip(&request.rungs)
        .map(|(encoded, rung)| {
            let (width, height) = rung.size(timeline);
            Output {
                name: encoded.name,
                path: encoded.path,
                mime: "video/mp4".into(),
                width,
                height,
                duration_ms: timeline.duration_ms(),
                bytes: encoded.bytes,
                alt: timeline.alt.clone(),
            }
        })
        .collect();
    let written = beside(request, &pictures, &mut outputs);
    if let Err(error) = written {
        sweep(request);
        return Err(error);
    }
    Ok(outputs)
}

/// Poster and captions.
fn beside(request: &Request, pictures: &Pictures, outputs: &mut Vec<Output>) -> Result<()> {
    let timeline = &request.timeline;
    let still = Compositor::new(timeline, pictures)?.still(timeline.poster);
    let (width, height) = (timeline.canvas.width, timeline.canvas.height);
    let captions = |name: &str, path, mime: &str, bytes| Output {
        name: name.into(),
        path,
        mime: mime.into(),
        width: 0,
        height: 0,
        duration_ms: timeline.duration_ms(),
        bytes,
        alt: String::new(),
    };
    let (path, bytes) = write(&request.out, "poster.jpg", &jpeg(&still)?)?;
    outputs.push(Output {
        width,
        height,
        duration_ms: 0,
        alt: timeline.alt.clone(),
        ..captions("poster", path, "image/jpeg", bytes)
    });
    let (path, bytes) = write(&request.out, "captions.srt", subtitle::srt(timeline).as_bytes())?;
    outputs.push(captions("captions", path, "application/x-subrip", bytes));
    let (path, bytes) = write(&request.out, "captions.vtt", subtitle::vtt(timeline).as_bytes())?;
    outputs.push(captions("captions-vtt", path, "text/vtt", bytes));
    Ok(())
}

/// Photos and drawn layers of a request, ready for a compositor.
///
/// # Errors
/// [`Error::Photo`] naming the photo, [`Error::File`], [`Error::Timeline`].
pub fn load(request: &Request) -> Result<Pictures> {
    let mut photos: BTreeMap<u32, Yuv> = BTreeMap::new();
    let shots = request.timeline.scenes.iter().filter_map(|scene| scene.shot.as_ref());
    for index in shots.map(|shot| shot.photo) {
        if photos.contains_key(&index) {
            continue;
        }
        let missing = || Error::Photo(format!("photo {} was not handed in", index + 1));
        let from = request.photos.iter().find(|p| p.index == index).ok_or_else(missing)?;
        let bytes = fs::read(&from.path).map_err(file(&from.path))?;
        let named = |error| match error {
            Error::Photo(why) => Error::Photo(format!("number {}: {why}", index + 1)),
            other => other,
        };
        let clean = request.timeline.clean_photos;
        photos.insert(index, photo::load(&bytes, request.timeline.canvas, clean).map_err(named)?);
    }
    Ok(Pictures::new(photos, &draw::load(&request.sprites)?))
}

/// The bed for each rung, as loud as it must be in that rung's channels.
///
/// # Errors
/// [`Error::Encode`] when the meter refuses.
pub fn sounds(request: &Request) -> Result<Vec<Sound>> {
    let (frames, fps) =
        (u64::from(request.timeline.frames()), u64::from(request.timeline.canvas.fps));
    let samples = frames * u64::from(RATE) / fps.max(1);
    let bed = sound::bed(usize::try_from(samples).expect("a clip is short"));
    let mastered = request.rungs.iter().map(|rung| {
        let mut sound = if rung.channels == 1 { bed.mono() } else { bed.clone() };
        sound.master(rung.ceiling_db())?;
        Ok(sound)
    });
    mastered.collect()
}

/// Removes everything a request may have written: after a child that was killed.
pub(crate) fn sweep(request: &Request) {
    let videos = request
        .rungs
        .iter()
        .flat_map(|rung| [format!("{}.mp4", rung.name), format!("{}.mp4.part", rung.name)]);
    let others = ["poster.jpg", "captions.srt", "captions.vtt"]
        .into_iter()
        .flat_map(|name| [name.to_owned(), format!("{name}.part")]);
    for name in videos.chain(others) {
        // Most of them were never there.
        fs::remove_file(request.out.join(name)).ok();
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(PathBuf, u64)> {
    let (part, whole) = (folder.join(format!("{name}.part")), folder.join(name));
    let mut out = File::create(&part).map_err(file(&part))?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(file(&part))?;
    fs::rename(&part, &whole).map_err(file(&part))?;
    Ok((whole, bytes.len() as u64))
}

fn jpeg(picture: &Yuv) -> Result<Vec<u8>> {
    let refused = |reason: String| Error::Encode { what: "poster", reason };
    let side = |side: usize| u16::try_from(side).map_err(|error| refused(error.to_string()));
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 88)
        .encode(&picture.to_rgb(), width, height, jpeg_encoder::ColorType::Rgb)
        .map_err(|error| refused(error.to_string()))?;
    Ok(bytes)
}
