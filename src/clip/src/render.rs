//! The parent's call: draw, hand to a child under limits, clean up after it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use loa_canvas::Engine;
use loa_jail::{Job, Limits};
use loa_model::{Cancel, Progress, Storyboard, Topic};

use crate::{
    Error, Result, draw,
    encode::{Bulletin, Rung},
    provenance,
    story::{Cast, Format, Order, Spoken, cast, instead},
    worker::{self, Film, Output, Request},
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

/// What is made of a film.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Picture and sound.
    pub rungs: Vec<Rung>,
    /// Sound alone.
    pub bulletins: Vec<Bulletin>,
}

/// A story from its scenes to a film that is ready for the child: [`cast`](crate::cast) and [`prepare`]. A scene that cannot
/// hold its words is left out when the engine chose it, of a chart the table is tried before; what a person chose is refused
/// with the words that do not fit.
///
/// # Errors
/// Those of both.
pub fn film(
    order: &Order<'_>,
    story: (Format, &Storyboard, bool),
    spoken: &[Spoken],
    canvas: (&Engine, &str),
    wanted: &Wanted,
    folders: Folders<'_>,
    cancel: &Cancel,
) -> Result<Film> {
    let draw = |cast| prepare(cast, order, canvas, wanted.clone(), folders, cancel);
    Ok(staged(order, story, spoken, draw)?.0)
}

/// What `draw` makes of a story, once every scene of it holds its words, and the places in the storyboard of the beats that
/// are left: scenes know their beats among those.
pub(crate) fn staged<T>(
    order: &Order<'_>,
    (format, board, fixed): (Format, &Storyboard, bool),
    spoken: &[Spoken],
    mut draw: impl FnMut(Cast) -> Result<T>,
) -> Result<(T, Vec<usize>)> {
    let mut board = board.clone();
    // What stays is at its old place for those who know scenes by it.
    let mut places: Vec<usize> = (0..board.beats.len()).collect();
    loop {
        let at = |beat: usize| places.iter().position(|place| *place == beat);
        let moved =
            spoken.iter().filter_map(|said| Some(Spoken { beat: at(said.beat)?, ..said.clone() }));
        let cast = cast(order, format, &board, &moved.collect::<Vec<_>>(), fixed)?;
        let scenes: Vec<u32> = cast.timeline.scenes.iter().map(|scene| scene.beat).collect();
        let made = draw(cast);
        let full = match &made {
            Err(Error::Overflow { plate, .. }) if !fixed => beat_of(plate, &scenes),
            _ => None,
        };
        let Some(beat) = full.filter(|beat| can_go(&board.beats[*beat].of)) else {
            return made.map(|made| (made, places));
        };
        if let Some(other) = instead(order, format, &board.beats[beat].of) {
            tracing::warn!(scene = ?board.beats[beat].of, instead = ?other, "A scene cannot hold its words and is told in another way");
            board.beats[beat].of = other;
            continue;
        }
        tracing::warn!(scene = ?board.beats[beat].of, "A scene cannot hold its words and is left out");
        board.beats.remove(beat);
        places.remove(beat);
    }
}

/// The beat that a plate belongs to: `scene-3`, `scene-3-caption-0`.
fn beat_of(plate: &str, scenes: &[u32]) -> Option<usize> {
    let number: usize = plate.strip_prefix("scene-")?.split('-').next()?.parse().ok()?;
    scenes.get(number.checked_sub(1)?).map(|beat| *beat as usize)
}

/// Whether a story can do without a scene of this topic.
fn can_go(topic: &Topic) -> bool {
    !matches!(topic, Topic::Title | Topic::End)
}

/// Checks the words of a film and draws its layers into the work folder.
///
/// It blocks: Typst lays out every plate (some 10 ms each).
///
/// # Errors
/// [`Error::Unfaithful`], [`Error::Overflow`], [`Error::Canvas`], [`Error::File`], [`Error::Cancelled`].
pub fn prepare(
    cast: Cast,
    order: &Order<'_>,
    (engine, brand): (&Engine, &str),
    wanted: Wanted,
    folders: Folders<'_>,
    cancel: &Cancel,
) -> Result<Film> {
    let Cast { mut timeline, score } = cast;
    timeline.check()?;
    provenance::check(&timeline, order)?;
    let bitmaps = draw::draw(&mut timeline, engine, brand, cancel)?;
    let sprites = draw::keep(&bitmaps, folders.work)?;
    let Wanted { rungs, bulletins } = wanted;
    let lang = order.article.lang.clone();
    Ok(Film { timeline, lang, sprites, score, rungs, bulletins, out: folders.out.into() })
}

/// Renders in a child under limits.
///
/// # Errors
/// [`Error::Jail`] with the child's reason, [`Error::Cancelled`]; nothing is left in the folders of the films then, and
/// finished stretches stay in the cache.
pub async fn render(
    request: &Request,
    runner: &Runner,
    cancel: &Cancel,
    on_progress: impl FnMut(Progress) + Send,
) -> Result<Vec<Output>> {
    let errand = worker::Errand::Make(request.clone());
    let input = serde_json::to_value(errand).expect("an errand is plain data");
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
    let film = |film: &Film| {
        let canvas = film.timeline.canvas;
        let pixels = u64::from(canvas.width) * u64::from(canvas.height);
        let rungs = film.rungs.len().max(1) as u64;
        u64::from(film.timeline.frames()) * rungs * (pixels / 4200 + 40)
    };
    Duration::from_mins(1) + Duration::from_millis(request.films.iter().map(film).sum())
}

fn limits(request: &Request) -> Limits {
    let films = &request.films;
    let folders = films.iter().flat_map(|f| &f.sprites).filter_map(|sprite| sprite.path.parent());
    let photos = request.photos.iter().map(|photo| photo.path.as_path());
    let videos = request.videos.iter().map(|video| video.path.as_path());
    let voices = films.iter().flat_map(|f| &f.score.said).map(|said| said.path.as_path());
    let read = folders.chain(photos).chain(videos).chain(voices).map(Path::to_path_buf);
    let read: BTreeSet<PathBuf> = read.collect();
    let write: BTreeSet<PathBuf> =
        films.iter().map(|film| film.out.clone()).chain([request.cache.clone()]).collect();
    // Pictures and sound of a film, and for each worker its encoders.
    let workers = u64::try_from(request.workers).unwrap_or(u64::MAX).max(1);
    Limits {
        memory_bytes: (1 << 30) + workers.saturating_mul(512 << 20),
        cpu_s: wall(request).as_secs().saturating_mul(1 + workers),
        read: read.into_iter().collect(),
        write: write.into_iter().collect(),
        ..Limits::default()
    }
}
