//! The parent's call: draw, hand to a child under limits, clean up after it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use loa_canvas::Engine;
use loa_jail::{Job, Limits};
use loa_model::{Cancel, Progress};

use crate::{
    Error, Result, draw,
    encode::Rung,
    provenance,
    story::Order,
    timeline::Timeline,
    worker::{self, Output, PhotoFile, Request},
};

/// How to start the child: the running binary in its media role, handed in by `main`.
#[derive(Debug, Clone)]
pub struct Runner {
    /// The binary.
    pub exe: PathBuf,
    /// Arguments of the role, for example `media-worker`.
    pub args: Vec<OsString>,
}

/// Where a clip is made.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// For drawn layers; it exists, and whoever made it removes it.
    pub work: &'a Path,
    /// For the results; it exists.
    pub out: &'a Path,
}

/// Checks the words of a timeline, draws its layers into the work folder and makes the order for the child.
///
/// It blocks: Typst lays out every plate (some 10 ms each).
///
/// # Errors
/// [`Error::Unfaithful`], [`Error::Overflow`], [`Error::Canvas`], [`Error::File`], [`Error::Cancelled`].
pub fn prepare(
    timeline: Timeline,
    order: &Order<'_>,
    (engine, brand): (&Engine, &str),
    photos: Vec<PhotoFile>,
    rungs: Vec<Rung>,
    folders: Folders<'_>,
    cancel: &Cancel,
) -> Result<Request> {
    timeline.check()?;
    provenance::check(&timeline, order)?;
    let bitmaps = draw::draw(&timeline, engine, brand, cancel)?;
    let sprites = draw::keep(&bitmaps, folders.work)?;
    // Two threads: more cores are better used by more clips, and the bytes depend on the number.
    Ok(Request { timeline, sprites, photos, rungs, out: folders.out.into(), threads: 2 })
}

/// Renders in a child under limits.
///
/// # Errors
/// [`Error::Jail`] with the child's reason, [`Error::Cancelled`]; nothing is left in the output folder then.
pub async fn render(
    request: &Request,
    runner: &Runner,
    cancel: &Cancel,
    on_progress: impl FnMut(Progress) + Send,
) -> Result<Vec<Output>> {
    let input = serde_json::to_value(request).expect("a request is plain data");
    let job = Job {
        exe: runner.exe.clone(),
        args: runner.args.clone(),
        input,
        limits: limits(request),
        wall: wall(request),
    };
    let made = loa_jail::run(job, cancel, on_progress).await.map_err(|error| match error {
        loa_jail::Error::Cancelled => Error::Cancelled,
        other => Error::Jail(other),
    });
    let outputs = made.and_then(|done| {
        serde_json::from_value(done.value).map_err(|error| {
            let what = format!("its result is not a list of outputs: {error}");
            Error::Jail(loa_jail::Error::Protocol { what, log: String::new() })
        })
    });
    if outputs.is_err() {
        worker::sweep(request);
    }
    outputs
}

/// Half a second of wall for each frame of 1080p and a minute to start: ten times what a slow machine needs.
fn wall(request: &Request) -> Duration {
    let canvas = request.timeline.canvas;
    let pixels = u64::from(canvas.width) * u64::from(canvas.height);
    let rungs = request.rungs.len().max(1) as u64;
    let frames = u64::from(request.timeline.frames()) * rungs;
    Duration::from_mins(1) + Duration::from_millis(frames * (pixels / 4200 + 40))
}

fn limits(request: &Request) -> Limits {
    let folders = request.sprites.iter().filter_map(|sprite| sprite.path.parent());
    let photos = request.photos.iter().map(|photo| photo.path.as_path());
    let read: BTreeSet<PathBuf> = folders.chain(photos).map(Path::to_path_buf).collect();
    Limits {
        cpu_s: wall(request).as_secs() * 2,
        read: read.into_iter().collect(),
        write: vec![request.out.clone()],
        ..Limits::default()
    }
}
