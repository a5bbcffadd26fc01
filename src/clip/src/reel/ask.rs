//! What the parent can ask its child about a source: plain data in, plain data out.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    process::ExitCode,
};

use loa_model::{Cancel, Progress};
use serde::{Deserialize, Serialize};

use super::{Bounds, Copied, Facts, Health, Proposal, Reel, Result, copy, probe, propose};

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
        Ask::Copy { path, bounds, in_ms, out_ms, out } => {
            Answer::Copied(copy(path, *in_ms, *out_ms, out, bounds)?)
        }
    })
}

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
