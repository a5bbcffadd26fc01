//! The child's part, and the same in the calling process for tests and benches: load, compose, encode, write.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use loa_model::{Cancel, Progress};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    compositor::{Compositor, Footage, Pictures},
    draw::{self, SpriteFile},
    encode::{Bulletin, Rung},
    error::file,
    photo,
    reel::{self, Answer, Ask},
    score::Score,
    subtitle,
    timeline::{Source, Timeline},
    yuv::Yuv,
};

#[cfg(feature = "ffmpeg")]
mod copied;
#[cfg(feature = "ffmpeg")]
mod make;

/// Steps of the work, keys of the locale files.
const STEP_PREPARE: &str = "render.clip.prepare";
#[cfg(feature = "ffmpeg")]
const STEP_FRAMES: &str = "render.clip";
/// Most bytes of the small still: what messengers take.
const THUMBNAIL_BYTES: usize = 100_000;

/// A photo of the article in a file, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoFile {
    /// Index into the photos of the article.
    pub index: u32,
    /// Where its bytes are.
    pub path: PathBuf,
}

/// A video of the article in a file, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoFile {
    /// Index into the videos of the article.
    pub index: u32,
    /// Where its bytes are.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub digest: String,
}

/// One layout of a clip with everything that is made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Film {
    /// The clip.
    pub timeline: Timeline,
    /// Language of its words, BCP 47.
    pub lang: String,
    /// Its drawn layers.
    pub sprites: Vec<SpriteFile>,
    /// What is heard.
    pub score: Score,
    /// Encodings of picture and sound.
    pub rungs: Vec<Rung>,
    /// Encodings of the sound alone.
    pub bulletins: Vec<Bulletin>,
    /// Folder for the results; it exists.
    pub out: PathBuf,
}

/// Everything the child needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Films, made at once.
    pub films: Vec<Film>,
    /// Photos.
    pub photos: Vec<PhotoFile>,
    /// Videos.
    pub videos: Vec<VideoFile>,
    /// Folder of finished stretches; it exists. What is there is not encoded again.
    pub cache: PathBuf,
    /// How many stretches are made at once. The bytes do not depend on it.
    pub workers: usize,
}

/// A file of the result and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Index of its film in the request.
    pub film: usize,
    /// Name of the rendition: that of its rung, `poster`, `thumbnail`, `captions` (SRT) or `captions-vtt`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Media type.
    pub mime: String,
    /// Pixels; 0 for captions and sound.
    pub width: u32,
    /// Pixels; 0 for captions and sound.
    pub height: u32,
    /// Milliseconds; 0 for stills.
    pub duration_ms: u64,
    /// Length in bytes.
    pub bytes: u64,
    /// Alternative text.
    pub alt: String,
}

impl Output {
    fn of(film: (usize, &Film), name: &str, mime: &str, (path, bytes): (PathBuf, u64)) -> Self {
        let timeline = &film.1.timeline;
        Self {
            film: film.0,
            name: name.into(),
            path,
            mime: mime.into(),
            width: 0,
            height: 0,
            duration_ms: timeline.duration_ms(),
            bytes,
            alt: String::new(),
        }
    }

    fn still(self, (width, height): (u32, u32), alt: &str) -> Self {
        Self { width, height, duration_ms: 0, alt: alt.into(), ..self }
    }
}

/// What the child is sent for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Errand {
    /// To make films.
    Make(Request),
    /// To look at a video of the article.
    Look(Ask),
}

/// What it brings back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Brought {
    Files(Vec<Output>),
    Answer(Answer),
}

/// The body of the role `media-worker`. Call it from `main` before a second thread runs.
pub fn main(input: impl BufRead, output: impl Write) -> ExitCode {
    loa_jail::serve(input, output, |errand: Errand, reporter| {
        // When the parent is gone nobody wants the result: the next frame ends the work.
        let cancel = Cancel::new();
        let tell = |progress| {
            if reporter.progress(progress).is_err() {
                cancel.cancel();
            }
        };
        let brought = match &errand {
            Errand::Make(request) => work(request, &cancel, tell).map(Brought::Files),
            Errand::Look(ask) => {
                reel::answer(ask, &cancel, tell).map(Brought::Answer).map_err(Error::from)
            }
        };
        brought.map_err(|error| error.to_string())
    })
}

/// Does the work in this process.
///
/// # Errors
/// [`Error::Photo`], [`Error::Video`], [`Error::File`], [`Error::Encode`], [`Error::OverBudget`], [`Error::Cancelled`],
/// [`Error::Timeline`]; nothing is left in the folders of the films then. Finished stretches stay in the cache.
pub fn work(
    request: &Request,
    cancel: &Cancel,
    mut on_progress: impl FnMut(Progress),
) -> Result<Vec<Output>> {
    let mut total = 0;
    for film in &request.films {
        film.timeline.check()?;
        total += u64::from(film.timeline.frames());
    }
    on_progress(Progress { step: STEP_PREPARE.into(), done: 0, total, eta_ms: None });
    let made = made(request, cancel, &mut on_progress);
    if made.is_err() {
        sweep(request);
    }
    made
}

#[cfg(feature = "ffmpeg")]
use make::made;
#[cfg(feature = "ffmpeg")]
pub(crate) use make::mixed;

#[cfg(not(feature = "ffmpeg"))]
fn made(
    _request: &Request,
    _cancel: &Cancel,
    _on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Output>> {
    Err(Error::Unavailable)
}

/// Stills and captions of a film.
fn beside(at: (usize, &Film), still: Option<&Yuv>, outputs: &mut Vec<Output>) -> Result<()> {
    let film = at.1;
    let timeline = &film.timeline;
    if let Some(still) = still {
        let alt = timeline.alt.as_str();
        let poster = write(&film.out, "poster.jpg", &jpeg(still, 88)?)?;
        let size = (timeline.canvas.width, timeline.canvas.height);
        outputs.push(Output::of(at, "poster", "image/jpeg", poster).still(size, alt));
        let (bytes, size) = thumbnail(still)?;
        let small = write(&film.out, "thumbnail.jpg", &bytes)?;
        outputs.push(Output::of(at, "thumbnail", "image/jpeg", small).still(size, alt));
    }
    let srt = write(&film.out, "captions.srt", subtitle::srt(timeline).as_bytes())?;
    outputs.push(Output::of(at, "captions", "application/x-subrip", srt));
    let vtt = write(&film.out, "captions.vtt", subtitle::vtt(timeline).as_bytes())?;
    outputs.push(Output::of(at, "captions-vtt", "text/vtt", vtt));
    Ok(())
}

/// All photos and drawn layers of a film, ready for a compositor.
///
/// # Errors
/// [`Error::Photo`] naming the photo, [`Error::File`], [`Error::Timeline`].
pub fn load(request: &Request, film: &Film) -> Result<Pictures> {
    let all = 0..film.timeline.frames();
    load_for(request, film, &[all])
}

/// Photos and drawn layers that some frames of a film show.
pub(crate) fn load_for(
    request: &Request,
    film: &Film,
    ranges: &[std::ops::Range<u32>],
) -> Result<Pictures> {
    let timeline = &film.timeline;
    let seen = |start: u32, end: u32| ranges.iter().any(|r| start < r.end && end > r.start);
    let mut wanted = BTreeSet::new();
    let (mut photos, mut whole) = (BTreeSet::new(), BTreeSet::new());
    for scene in &timeline.scenes {
        if !seen(scene.start, scene.start + scene.frames + scene.fade_out) {
            continue;
        }
        wanted.extend(scene.cues.iter().map(|cue| &cue.sprite));
        let Some(shot) = &scene.shot else { continue };
        match shot.source {
            Source::Photo(index) => {
                photos.insert(index);
            }
            Source::Whole { photo, .. } => {
                let place = shot.covered();
                whole.insert((photo, (place.width, place.height)));
            }
            Source::Video { .. } => {}
        }
    }
    for cue in &timeline.overlays {
        if seen(cue.start, cue.frames.map_or(u32::MAX, |frames| cue.start + frames)) {
            wanted.insert(&cue.sprite);
        }
    }
    // Nothing can be composed before all of it is there: photos and layers are made ready side by side.
    std::thread::scope(|scope| {
        let photos: Vec<_> = photos
            .into_iter()
            .map(|index| (index, scope.spawn(move || photo_of(request, timeline, index))))
            .collect();
        let whole: Vec<_> = whole
            .into_iter()
            .map(|key| (key, scope.spawn(move || whole_of(request, key))))
            .collect();
        let sprites = draw::load(film.sprites.iter().filter(|s| wanted.contains(&s.key)))?;
        let photos = photos.into_iter().map(|(index, photo)| Ok((index, joined(photo)?)));
        let whole = whole.into_iter().map(|(key, photo)| Ok((key, joined(photo)?)));
        let (photos, whole) = (photos.collect::<Result<_>>()?, whole.collect::<Result<_>>()?);
        Ok(Pictures { photos, whole, sprites })
    })
}

fn joined(photo: std::thread::ScopedJoinHandle<'_, Result<Yuv>>) -> Result<Arc<Yuv>> {
    photo.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map(Arc::new)
}

fn photo_of(request: &Request, timeline: &Timeline, index: u32) -> Result<Yuv> {
    let (canvas, clean) = (timeline.canvas, timeline.clean_photos);
    photo::load(&bytes_of(request, index)?, canvas, clean).map_err(|error| numbered(index, error))
}

/// A photo that is shown whole, by its size on the canvas.
fn whole_of(request: &Request, (index, size): (u32, (u32, u32))) -> Result<Yuv> {
    photo::load_whole(&bytes_of(request, index)?, size).map_err(|error| numbered(index, error))
}

fn bytes_of(request: &Request, index: u32) -> Result<Vec<u8>> {
    let missing = || Error::Photo(format!("photo {} was not handed in", index + 1));
    let from = request.photos.iter().find(|p| p.index == index).ok_or_else(missing)?;
    fs::read(&from.path).map_err(file(&from.path))
}

fn numbered(index: u32, error: Error) -> Error {
    match error {
        Error::Photo(why) => Error::Photo(format!("number {}: {why}", index + 1)),
        other => other,
    }
}

/// The frame shown as the poster.
fn poster(film: &Film, pictures: &Pictures, footage: Option<Box<dyn Footage>>) -> Result<Yuv> {
    let mut compositor = Compositor::new(&film.timeline, pictures)?;
    if let Some(footage) = footage {
        compositor = compositor.with_footage(footage);
    }
    compositor.still(film.timeline.poster)
}

/// Removes everything a request may have written into its films' folders: after a child that was killed.
pub(crate) fn sweep(request: &Request) {
    for film in &request.films {
        let videos = film.rungs.iter().map(|rung| format!("{}.mp4", rung.name));
        let sounds = film.bulletins.iter().flat_map(|bulletin| {
            ["m4a", "opus", "mp3"].map(|ending| format!("{}.{ending}", bulletin.name))
        });
        let others = ["poster.jpg", "thumbnail.jpg", "captions.srt", "captions.vtt"];
        for name in videos.chain(sounds).chain(others.map(String::from)) {
            // Most of them were never there.
            fs::remove_file(film.out.join(format!("{name}.part"))).ok();
            fs::remove_file(film.out.join(name)).ok();
        }
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(PathBuf, u64)> {
    let (part, whole) = (folder.join(format!("{name}.part")), folder.join(name));
    let mut out = File::create(&part).map_err(file(&part))?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(file(&part))?;
    fs::rename(&part, &whole).map_err(file(&part))?;
    Ok((whole, bytes.len() as u64))
}

/// A picture as JPEG.
pub(crate) fn jpeg(picture: &Yuv, quality: u8) -> Result<Vec<u8>> {
    let refused = |reason: String| Error::Encode { what: "still", reason };
    let side = |side: usize| u16::try_from(side).map_err(|error| refused(error.to_string()));
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, quality)
        .encode(&picture.to_rgb(), width, height, jpeg_encoder::ColorType::Rgb)
        .map_err(|error| refused(error.to_string()))?;
    Ok(bytes)
}

/// A small still, as small as messengers want it: bytes and size.
fn thumbnail(picture: &Yuv) -> Result<(Vec<u8>, (u32, u32))> {
    let small = if picture.width().max(picture.height()) > 900 {
        picture.shrunk(3)
    } else {
        picture.clone()
    };
    let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let size = (size(small.width()), size(small.height()));
    for quality in [86, 76, 64, 50, 35] {
        let bytes = jpeg(&small, quality)?;
        if bytes.len() <= THUMBNAIL_BYTES {
            return Ok((bytes, size));
        }
    }
    let reason = format!("the small still is over {THUMBNAIL_BYTES} bytes");
    Err(Error::Encode { what: "still", reason })
}
