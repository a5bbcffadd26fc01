//! A program that speaks: words in, WAV out, under limits.

use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};

use loa_model::Cancel;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command as Process},
    time::{sleep, timeout},
};

use super::{Error, Result, provider::Command, wished};

/// What is kept of its error stream, in bytes.
const LOG: usize = 2_000;
/// A killed program's pipes close at once.
const CLOSING: Duration = Duration::from_secs(1);

/// Runs the program on these words.
pub(super) async fn speak(
    command: &Command,
    words: &str,
    (wall, most): (Duration, usize),
    cancel: &Cancel,
) -> Result<Vec<u8>> {
    let program = command.program.display().to_string();
    let failed =
        |reason: String, log: String| Error::Program { program: program.clone(), reason, log };
    let mut child = Process::new(&command.program)
        .args(&command.args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own, so that what it starts ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            failed(format!("{error}; install it or correct `program`"), String::new())
        })?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let log = tokio::spawn(tail(stderr));
    let feed = async move {
        // A program that closes its input early says why by its status.
        if let Err(error) = stdin.write_all(words.as_bytes()).await {
            tracing::debug!(%error, "The voice program closed its input early.");
        }
    };
    let hear = async {
        let mut sound = Vec::new();
        let cap = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
        let read = (&mut stdout).take(cap).read_to_end(&mut sound).await;
        read.map(|_| sound)
    };
    let talk = async {
        let ((), heard) = tokio::join!(feed, hear);
        heard
    };
    let heard = tokio::select! {
        heard = talk => Ok(heard),
        () = wished(cancel) => Err(Error::Cancelled),
        () = sleep(wall) => {
            let reason = format!("did not finish within {} s and was ended; shorten the text or use a faster voice", wall.as_secs());
            Err(failed(reason, String::new()))
        }
    };
    let sound = match heard {
        Ok(Ok(sound)) if sound.len() <= most => sound,
        Ok(Ok(_)) => {
            end(&mut child).await;
            return Err(failed(
                format!("wrote more than {most} bytes and was ended; shorten the text"),
                words_of(log).await,
            ));
        }
        Ok(Err(error)) => {
            end(&mut child).await;
            return Err(failed(error.to_string(), words_of(log).await));
        }
        Err(error) => {
            end(&mut child).await;
            return Err(match error {
                Error::Program { program, reason, .. } => {
                    Error::Program { program, reason, log: words_of(log).await }
                }
                other => other,
            });
        }
    };
    // Its output is closed, so it is about to end.
    let status = tokio::select! {
        status = child.wait() => status,
        () = wished(cancel) => { end(&mut child).await; return Err(Error::Cancelled) }
        () = sleep(wall) => { end(&mut child).await; return Err(failed("closed its output and did not end".into(), words_of(log).await)) }
    };
    let status = status.map_err(|error| failed(error.to_string(), String::new()))?;
    let log = words_of(log).await;
    if status.success() {
        return Ok(sound);
    }
    Err(failed(ended(status), log))
}

/// Refuses a voice that espeak-ng does not have: it would speak with another one and say nothing of it.
pub(super) async fn has_voice(
    command: &Command,
    voice: &str,
    limits: (Duration, usize),
    cancel: &Cancel,
) -> Result<()> {
    // Behind “+” stands a variant of the voice.
    let base = voice.split('+').next().unwrap_or_default();
    if base.is_empty() {
        return Ok(());
    }
    let list = Command { program: command.program.clone(), args: vec!["--voices".into()] };
    let known = speak(&list, "", limits, cancel).await?;
    let known = String::from_utf8_lossy(&known);
    let has = known.lines().any(|line| line.split_whitespace().any(|column| column == base));
    if has {
        return Ok(());
    }
    let reason = format!("there is no voice {voice:?}; `espeak-ng --voices` lists them");
    Err(Error::Config { provider: "espeak", reason })
}

fn ended(status: ExitStatus) -> String {
    format!("ended with {status}; try it by hand with the same text")
}

/// Ends the program and what it started, and reaps it.
async fn end(child: &mut Child) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(Err(error)) = group.map(|group| kill_process_group(group, Signal::KILL)) {
        tracing::debug!(%error, "The voice program had ended already.");
    }
    // Whatever its status, it is gone.
    child.kill().await.ok();
}

async fn words_of(log: tokio::task::JoinHandle<String>) -> String {
    match timeout(CLOSING, log).await {
        Ok(Ok(log)) => log,
        _ => String::new(),
    }
}

/// The last words of a stream, on one line.
async fn tail(mut from: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut chunk = vec![0; 4_096];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        kept.extend(chunk.iter().take(read));
        let over = kept.len().saturating_sub(LOG);
        kept.drain(..over);
    }
    String::from_utf8_lossy(&kept).split_whitespace().collect::<Vec<_>>().join(" ")
}
