//! The child's side: limits first, then the request, then one answer.

use std::{
    io::{BufRead, Read as _, Write},
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

use loa_model::Progress;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Limits, Result, enter, message::Message};

/// The first line may be this long: a few paths and numbers.
const MAX_LIMITS: u64 = 1 << 20;
/// The request may be this long.
const MAX_REQUEST: u64 = 64 << 20;

/// Tells the parent how far the work is.
#[derive(Debug)]
pub struct Reporter<W>(Mutex<W>);

impl<W: Write> Reporter<W> {
    /// Reports progress.
    ///
    /// # Errors
    /// [`Error::Io`] when the parent is gone: then the work has no reader and should end.
    pub fn progress(&self, progress: Progress) -> Result<()> {
        self.say(&Message::Progress(progress))
    }

    fn say(&self, message: &Message) -> Result<()> {
        let mut line = serde_json::to_vec(message).map_err(std::io::Error::from)?;
        line.push(b'\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.write_all(&line)?;
        Ok(out.flush()?)
    }
}

/// The body of a worker role: reads the limits, enters them, reads the request, does `work`, answers.
///
/// Call it from `main` before a second thread runs.
pub fn serve<R, W, Q, T>(
    input: R,
    output: W,
    work: impl FnOnce(Q, &Reporter<W>) -> std::result::Result<T, String>,
) -> ExitCode
where
    R: BufRead,
    W: Write,
    Q: DeserializeOwned,
    T: Serialize,
{
    let reporter = Reporter(Mutex::new(output));
    let said = match answer(input, &reporter, work) {
        Ok(value) => reporter.say(&Message::Done(value)).map(|()| ExitCode::SUCCESS),
        Err(reason) => reporter.say(&Message::Failed(reason)).map(|()| ExitCode::FAILURE),
    };
    said.unwrap_or(ExitCode::FAILURE)
}

fn answer<R, W, Q, T>(
    mut input: R,
    reporter: &Reporter<W>,
    work: impl FnOnce(Q, &Reporter<W>) -> std::result::Result<T, String>,
) -> std::result::Result<serde_json::Value, String>
where
    R: BufRead,
    W: Write,
    Q: DeserializeOwned,
    T: Serialize,
{
    let mut line = Vec::new();
    input
        .by_ref()
        .take(MAX_LIMITS)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("cannot read the limits: {error}"))?;
    let limits: Limits =
        serde_json::from_slice(&line).map_err(|error| format!("limits expected: {error}"))?;
    let confined = enter(&limits).map_err(|error| error.to_string())?;
    reporter.say(&Message::Confined(confined)).map_err(|error| error.to_string())?;

    let mut request = Vec::new();
    input
        .take(MAX_REQUEST)
        .read_to_end(&mut request)
        .map_err(|error| format!("cannot read the request: {error}"))?;
    let request =
        serde_json::from_slice(&request).map_err(|error| format!("request expected: {error}"))?;
    let result = work(request, reporter)?;
    serde_json::to_value(result).map_err(|error| format!("result is not JSON: {error}"))
}

impl From<Error> for String {
    fn from(error: Error) -> Self {
        error.to_string()
    }
}
