//! The parent's side: start, feed, listen, kill, reap.

use std::{ffi::OsString, path::PathBuf, process::Stdio, time::Duration};

use loa_model::{Cancel, Progress};
use serde_json::Value;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::{interval, sleep, timeout},
};
use tracing::warn;

use crate::{
    Confinement, Error, Landlock, Limits, Result,
    message::Message,
    pipe::{Lines, tail},
};

/// How often the wish to stop is looked at.
const POLL: Duration = Duration::from_millis(40);
/// A dead child's pipes close at once; anything longer is someone else holding them.
const CLOSING: Duration = Duration::from_secs(1);

/// One run of the child.
#[derive(Debug, Clone)]
pub struct Job {
    /// The binary: the path of the running one, handed in by `main`.
    pub exe: PathBuf,
    /// Its arguments: the worker role, for example `media-worker`.
    pub args: Vec<OsString>,
    /// The request.
    pub input: Value,
    /// What it may use.
    pub limits: Limits,
    /// Killed after this long on the clock of the machine.
    pub wall: Duration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Done {
    /// The child's result.
    pub value: Value,
    /// What held it.
    pub confinement: Confinement,
}

/// Runs the job; `on_progress` gets what the child reports.
///
/// Dropping the future kills the child.
///
/// # Errors
/// Every variant of [`Error`]; the child is dead and reaped in each case.
pub async fn run(
    job: Job,
    cancel: &Cancel,
    mut on_progress: impl FnMut(Progress) + Send,
) -> Result<Done> {
    if cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let mut child = start(&job)?;
    let stdin = child.stdin.take().expect("stdin is piped");
    let stdout = child.stdout.take().expect("stdout is piped");
    let log = tokio::spawn(tail(child.stderr.take().expect("stderr is piped")));

    let talk = async {
        let (heard, ()) = tokio::join!(listen(stdout, &mut on_progress), feed(stdin, &job));
        heard
    };
    let heard = tokio::select! {
        heard = talk => heard,
        () = wished(cancel) => Err(Stop::Cancelled),
        () = sleep(job.wall) => Err(Stop::Late),
    };
    if heard.is_err() {
        // It may have ended on its own by now, which is as good.
        child.start_kill().ok();
    }
    let status = child.wait().await?;
    let log = words(log).await;
    match heard {
        Ok(Heard { done: Some(Ok(value)), confined: Some(confinement) }) if status.success() => {
            if confinement.landlock == Landlock::Absent {
                warn!("This kernel has no landlock: the child is not held to its folders.");
            }
            Ok(Done { value, confinement })
        }
        Ok(Heard { done: Some(Err(message)), .. }) => Err(Error::Refused { message, log }),
        Ok(_) => Err(Error::Died { status: status.to_string(), log }),
        Err(Stop::Cancelled) => Err(Error::Cancelled),
        Err(Stop::Late) => Err(Error::Late { limit: job.wall, log }),
        Err(Stop::Protocol(what)) => Err(Error::Protocol { what, log }),
    }
}

/// What the child said until its stdout closed.
#[derive(Default)]
struct Heard {
    confined: Option<Confinement>,
    done: Option<std::result::Result<Value, String>>,
}

/// Why the parent stopped listening.
enum Stop {
    Cancelled,
    Late,
    Protocol(String),
}

fn start(job: &Job) -> Result<Child> {
    Command::new(&job.exe)
        .args(&job.args)
        .env_clear()
        // x264 reads memory it never wrote: this gives such memory one content in every run.
        .env("MALLOC_PERTURB_", "165")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Start { exe: job.exe.display().to_string(), source })
}

async fn feed(mut stdin: ChildStdin, job: &Job) {
    let mut bytes = serde_json::to_vec(&job.limits).expect("limits are plain data");
    bytes.push(b'\n');
    bytes.extend(serde_json::to_vec(&job.input).expect("a JSON value serializes"));
    // A child that closes its stdin has died or will say why: its status tells, not this pipe.
    if let Err(error) = stdin.write_all(&bytes).await {
        tracing::debug!(%error, "The child closed its input early.");
    }
}

async fn listen(
    stdout: ChildStdout,
    on_progress: &mut (impl FnMut(Progress) + Send),
) -> std::result::Result<Heard, Stop> {
    let mut lines = Lines::new(stdout);
    let mut heard = Heard::default();
    while let Some(line) = lines.next().await.map_err(Stop::Protocol)? {
        if heard.done.is_some() {
            return Err(Stop::Protocol("it spoke after its last message".into()));
        }
        let message = serde_json::from_slice(&line)
            .map_err(|error| Stop::Protocol(format!("a line that is no message: {error}")))?;
        match message {
            Message::Confined(confined) => heard.confined = Some(confined),
            Message::Progress(progress) => on_progress(progress),
            Message::Done(value) => heard.done = Some(Ok(value)),
            Message::Failed(reason) => heard.done = Some(Err(reason)),
        }
    }
    Ok(heard)
}

async fn wished(cancel: &Cancel) {
    let mut every = interval(POLL);
    while !cancel.is_cancelled() {
        every.tick().await;
    }
}

async fn words(log: JoinHandle<String>) -> String {
    match timeout(CLOSING, log).await {
        Ok(Ok(text)) => text,
        _ => "the log could not be read".into(),
    }
}
