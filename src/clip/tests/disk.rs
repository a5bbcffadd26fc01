//! A disk that takes no more and a child that is killed: both are told, nothing half is left, and what was finished is
//! used by the next run.

#![cfg(feature = "ffmpeg")]

use std::{fs, path::Path, time::SystemTime};

use loa_clip::{Error, Output, Request, Rung, Runner, render};
use loa_model::Cancel;

#[path = "support/child.rs"]
mod child;
#[path = "support/film.rs"]
mod film;
mod support;

use film::{fast, files, request, run, runner, timeline};

const SECONDS: u32 = 16;

/// The child, whose files may be no longer than this. Where the system would end it for a byte more, it is answered an
/// error instead, as by a full disk.
fn short_of_disk(bytes: u64) -> Runner {
    let worker = runner().exe;
    let script = format!(
        "trap '' XFSZ; exec \"$0\" < <(exec sed -u '1s/\"file_bytes\":[0-9]*/\"file_bytes\":{bytes}/')"
    );
    Runner { exe: "/bin/bash".into(), args: vec!["-c".into(), script.into(), worker.into()] }
}

fn made(folder: &Path) -> Request {
    request(folder, timeline(SECONDS, false), vec![fast("clip")])
}

fn bytes(outputs: &[Output]) -> Vec<Vec<u8>> {
    outputs.iter().map(|output| fs::read(&output.path).expect("an output is there")).collect()
}

/// What is kept of a clip, each with its length and the moment it was written.
fn kept(request: &Request) -> Vec<(String, u64, SystemTime)> {
    let about = |name: String| {
        let about = fs::metadata(request.cache.join(&name)).expect("it is there");
        let at = about.modified().expect("a kept file has a time");
        (name, about.len(), at)
    };
    files(&request.cache).into_iter().map(about).collect()
}

/// Whether a kept file is whole: one that is being written has another ending.
fn is_whole(part: &(String, u64, SystemTime)) -> bool {
    Path::new(&part.0).extension().is_some_and(|ending| ending == "track")
}

/// A clip that nobody disturbed, and what it kept.
async fn whole(folder: &Path, rungs: &[Rung]) -> (Vec<Vec<u8>>, Vec<(String, u64, SystemTime)>) {
    let mut request = made(folder);
    request.films[0].rungs = rungs.to_vec();
    let outputs = render(&request, &runner(), &Cancel::new(), |_| ()).await;
    (bytes(&outputs.expect("nothing is in the way")), kept(&request))
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_finished_is_used_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let (clip, parts) = whole(&dir.path().join("whole"), &[fast("clip")]).await;
    let longest = parts.iter().map(|part| part.1).max().unwrap();
    let length = clip[0].len() as u64;
    assert!(longest + 10_000 < length, "{longest} of {length} bytes: no room between them");

    // Every stretch finds room, the clip does not.
    let request = made(dir.path());
    let tight = short_of_disk(longest.midpoint(length));
    let error = render(&request, &tight, &Cancel::new(), |_| ()).await.unwrap_err();
    println!("the clip: {error}");
    assert!(error.to_string().contains("File too large"), "{error}");
    assert_eq!(files(&request.films[0].out), [""; 0]);
    let before = kept(&request);
    assert_eq!(before.len(), parts.len(), "{before:?}");

    let outputs = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap();
    assert!(bytes(&outputs) == clip, "the clip differs");
    assert_eq!(kept(&request), before, "a finished stretch was made again");
}

#[tokio::test]
async fn a_stretch_that_finds_no_room_is_named_and_leaves_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    let (clip, parts) = whole(&dir.path().join("whole"), &[fast("clip")]).await;
    let mut lengths: Vec<u64> = parts.iter().map(|part| part.1).collect();
    lengths.sort_unstable();
    let request = made(dir.path());
    let tight = short_of_disk(lengths[lengths.len() / 2]);
    let error = render(&request, &tight, &Cancel::new(), |_| ()).await.unwrap_err();
    println!("a stretch: {error}");
    let said = error.to_string();
    assert!(said.contains(request.cache.to_str().unwrap()) && said.contains("too large"), "{said}");
    assert_eq!(files(&request.films[0].out), [""; 0]);
    let before = kept(&request);
    assert!(before.len() < parts.len() && before.iter().all(is_whole));

    let outputs = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap();
    assert!(bytes(&outputs) == clip, "the clip differs");
    let after = kept(&request);
    assert!(before.iter().all(|old| after.contains(old)), "a finished stretch was made again");
}

#[tokio::test]
async fn a_child_killed_from_outside_is_told_and_the_next_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let slow = vec![Rung { preset: "slow".into(), ..fast("clip") }];
    let mut request = made(dir.path());
    request.films[0].rungs.clone_from(&slow);
    request.workers = 1;
    let mut killed = None;
    let runner = child::named("killed-from-outside");
    let result = render(&request, &runner, &Cancel::new(), |progress| {
        if killed.is_none() && progress.done * 2 >= progress.total {
            let process = child::process("killed-from-outside").expect("it tells how far it is");
            run("sh", &["-c", &format!("kill -KILL {process}")]);
            killed = Some(process);
        }
    })
    .await;
    let error = result.unwrap_err();
    println!("killed: {error}");
    assert!(killed.is_some() && matches!(error, Error::Jail(loa_jail::Error::Died { .. })));
    assert!(error.to_string().contains("SIGKILL"), "{error}");
    assert_eq!(files(&request.films[0].out), [""; 0]);
    // What was being written may lie there under a name that nobody looks for.
    let mut before = kept(&request);
    before.retain(is_whole);
    assert!(before.len() >= 2, "{before:?}");

    let mut told = vec![];
    let outputs = render(&request, &runner, &Cancel::new(), |p| told.push(p)).await.unwrap();
    let (clip, parts) = whole(&dir.path().join("whole"), &slow).await;
    assert!(bytes(&outputs) == clip, "the clip differs from one that nobody killed");
    let after = kept(&request);
    assert!(before.iter().all(|old| after.contains(old)), "a finished stretch was made again");
    let made = after.iter().filter(|part| is_whole(part)).count() - before.len();
    assert!(made < parts.len(), "{made} of {} stretches were made again", parts.len());
    let first = told.iter().find(|p| p.step == "render.clip").unwrap();
    assert!(first.done > 0, "it began at the beginning: {first:?}");
}
