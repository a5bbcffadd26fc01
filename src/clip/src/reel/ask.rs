//! What the parent can ask its child about a source: plain data in, plain data out.

use std::{
    io::{BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use base64::Engine as _;
use loa_model::{Cancel, Progress};
use serde::{Deserialize, Serialize};

use super::{
    Bounds, Copied, Error, Facts, Health, Proposal, Reel, Result, Size, copy, probe, propose,
    reframe,
};

/// A question about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// What is it?
    Probe {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
    },
    /// Can it be read to its end?
    Health {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
    },
    /// What is worth showing?
    Propose {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
        /// Length of all cuts together.
        wanted_ms: u64,
    },
    /// Where does a window of this shape look, so that what moves stays in it?
    Follow {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
        /// First picture.
        from_ms: u64,
        /// How many pictures.
        frames: u32,
        /// How many a second.
        fps: u32,
        /// The shape.
        canvas: Size,
    },
    /// How does it look at some moments?
    Stills {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
        /// Moments.
        at_ms: Vec<u64>,
        /// The pictures fit into this.
        within: Size,
    },
    /// Take a piece of it as it is.
    Copy {
        /// The file.
        path: PathBuf,
        /// What it may be.
        bounds: Bounds,
        /// Where the piece begins: at a keyframe.
        in_ms: u64,
        /// Where it ends, exclusive.
        out_ms: u64,
        /// The MP4 to write.
        out: PathBuf,
    },
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Ask::Probe`].
    Facts(Facts),
    /// To [`Ask::Health`]; at least 95 % are there.
    Health(Health),
    /// To [`Ask::Propose`].
    Proposal(Proposal),
    /// To [`Ask::Follow`]: the middle of the window for each picture, shares of width and height.
    Path(Vec<[f64; 2]>),
    /// To [`Ask::Stills`]: a JPEG in Base64 for each moment.
    Stills(Vec<String>),
    /// To [`Ask::Copy`].
    Copied(Copied),
}

/// Answers in this process: call it in the child.
///
/// # Errors
/// Those of the function that is asked for; [`super::Error::Damaged`] when less than 95 % can be read.
pub fn answer(ask: &Ask, cancel: &Cancel, tell: impl FnMut(Progress)) -> Result<Answer> {
    Ok(match ask {
        Ask::Probe { path, bounds } => Answer::Facts(probe(path, bounds)?),
        Ask::Health { path, bounds } => {
            let mut reel = Reel::open(path, bounds)?;
            Answer::Health(reel.health(0, u64::MAX, cancel)?.check()?)
        }
        Ask::Propose { path, bounds, wanted_ms } => {
            Answer::Proposal(propose(path, *wanted_ms, bounds, tell, cancel)?)
        }
        Ask::Follow { path, bounds, from_ms, frames, fps, canvas } => {
            let mut reel = Reel::open(path, bounds)?;
            Answer::Path(path_of(&mut reel, (*from_ms, *frames, *fps), *canvas, cancel)?)
        }
        Ask::Stills { path, bounds, at_ms, within } => {
            let mut reel = Reel::open(path, bounds)?;
            Answer::Stills(stills(&mut reel, at_ms, *within, cancel)?)
        }
        Ask::Copy { path, bounds, in_ms, out_ms, out } => {
            Answer::Copied(copy(path, (*in_ms, *out_ms), out, bounds, cancel)?)
        }
    })
}

/// Longest piece that a window follows, pictures: three minutes at 30 a second, and a transition.
const LONGEST_PATH: u32 = 5_500;
/// Sides of the pictures in which motion is looked for.
const SMALL: Size = Size { width: 192, height: 192 };

fn path_of(
    reel: &mut Reel,
    (from_ms, frames, fps): (u64, u32, u32),
    canvas: Size,
    cancel: &Cancel,
) -> Result<Vec<[f64; 2]>> {
    if frames > LONGEST_PATH || fps == 0 {
        return Err(Error::Refused(format!(
            "a window follows at most {LONGEST_PATH} pictures; {frames} were asked for"
        )));
    }
    let source = Size { width: reel.facts().width, height: reel.facts().height };
    let small = reel.facts().fit(SMALL);
    let mut seen = Vec::new();
    for frame in 0..u64::from(frames) {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        seen.push(reel.frame_at(from_ms + frame * 1000 / u64::from(fps), small)?.clone());
    }
    let fps = f64::from(fps);
    let wishes = reframe::motion(&seen, reframe::shares(source, canvas), fps);
    let crops = reframe::follow(source, canvas, &wishes, fps);
    let (width, height) = (f64::from(source.width.max(1)), f64::from(source.height.max(1)));
    let middle = |crop: reframe::Crop| {
        [(crop.x + crop.width / 2.0) / width, (crop.y + crop.height / 2.0) / height]
    };
    Ok(crops.into_iter().map(middle).collect())
}

/// Most moments of one question.
const MOST_STILLS: usize = 120;

fn stills(reel: &mut Reel, at_ms: &[u64], within: Size, cancel: &Cancel) -> Result<Vec<String>> {
    if at_ms.len() > MOST_STILLS {
        let why = format!("at most {MOST_STILLS} moments at once; {} were asked for", at_ms.len());
        return Err(Error::Refused(why));
    }
    let size = reel.facts().fit(within);
    let mut out = Vec::new();
    for ms in at_ms {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let picture = reel.frame_at(*ms, size)?;
        let bytes = crate::worker::jpeg(picture, 80)
            .map_err(|error| Error::Library { what: "still", reason: error.to_string() })?;
        out.push(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
    Ok(out)
}

/// Asks a child under limits; `runner` starts it in its media role.
///
/// # Errors
/// [`crate::Error::Jail`] with the child's reason, [`crate::Error::Cancelled`].
pub async fn ask(
    ask: Ask,
    runner: &crate::Runner,
    cancel: &Cancel,
    on_progress: impl FnMut(Progress) + Send,
) -> crate::Result<Answer> {
    let (path, write) = match &ask {
        Ask::Probe { path, .. }
        | Ask::Health { path, .. }
        | Ask::Propose { path, .. }
        | Ask::Follow { path, .. }
        | Ask::Stills { path, .. } => (path, None),
        Ask::Copy { path, out, .. } => (path, out.parent()),
    };
    let limits = loa_jail::Limits {
        cpu_s: 2 * WALL.as_secs(),
        read: vec![path.clone()],
        write: write.map(Path::to_path_buf).into_iter().collect(),
        ..loa_jail::Limits::default()
    };
    let errand = crate::worker::Errand::Look(ask);
    let job = loa_jail::Job {
        exe: runner.exe.clone(),
        args: runner.args.clone(),
        input: serde_json::to_value(errand).expect("an errand is plain data"),
        limits,
        wall: WALL,
    };
    let done = loa_jail::run(job, cancel, on_progress).await.map_err(|error| match error {
        loa_jail::Error::Cancelled => crate::Error::Cancelled,
        other => crate::Error::Jail(other),
    })?;
    serde_json::from_value(done.value).map_err(|error| {
        let what = format!("its answer is none: {error}");
        crate::Error::Jail(loa_jail::Error::Protocol { what, log: String::new() })
    })
}

/// Longest that a source is looked at: four hours of it are read in less.
const WALL: Duration = Duration::from_mins(30);

/// The body of a worker role that answers one [`Ask`]. Call it from `main` before a second thread runs.
pub fn serve(input: impl BufRead, output: impl Write) -> ExitCode {
    loa_jail::serve(input, output, |ask: Ask, reporter| {
        // When the parent is gone nobody wants the answer.
        let cancel = Cancel::new();
        let tell = |progress| {
            if reporter.progress(progress).is_err() {
                cancel.cancel();
            }
        };
        answer(&ask, &cancel, tell).map_err(|error| error.to_string())
    })
}
