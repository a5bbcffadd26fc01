//! Stretches of a clip: made once, kept through a crash, shared by everyone whose pictures are the same.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use loa_clip::{Error, Rate, Request, Rung, keep, render, timeline::SpriteKey, worker};
use loa_model::{Cancel, Progress};

#[path = "support/film.rs"]
mod film;
mod support;

use film::{fast, files, request, runner, timeline, words};

/// Names of the kept stretches with the moment each was written.
fn kept(request: &Request) -> Vec<(String, SystemTime)> {
    let about = |name: String| {
        let at = fs::metadata(request.cache.join(&name)).and_then(|about| about.modified());
        let at = at.expect("a kept file has a time");
        (name, at)
    };
    files(&request.cache).into_iter().map(about).collect()
}

fn bytes(outputs: &[loa_clip::Output]) -> Vec<Vec<u8>> {
    outputs.iter().map(|output| fs::read(&output.path).expect("an output is there")).collect()
}

fn with_words(request: &mut Request, work: &Path, rows: usize) {
    let key = SpriteKey { plate: "fixed".into(), layer: 0 };
    let sprites = keep(&[(key.clone(), words(rows))].into(), work).expect("sprites are written");
    request.films[0].sprites.extend(sprites);
    request.films[0].timeline.scenes[1].cues[0].sprite = key;
}

#[tokio::test]
async fn the_bytes_do_not_depend_on_how_many_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = vec![];
    for workers in [1, 2, 3] {
        let rungs = vec![fast("a"), Rung { divisor: 2, ..fast("b") }];
        let mut request = request(&dir.path().join(workers.to_string()), timeline(6, false), rungs);
        request.workers = workers;
        let outputs = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap();
        written.push(bytes(&outputs));
    }
    assert!(written[0] == written[1], "one and two workers differ");
    assert!(written[0] == written[2], "one and three workers differ");
}

#[test]
fn a_fix_encodes_only_its_stretch_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut request = request(dir.path(), timeline(4, false), vec![fast("clip")]);
    let first = bytes(&worker::work(&request, &Cancel::new(), |_| ()).unwrap());
    let before = kept(&request);
    assert_eq!(before.len(), 3, "two stretches and the sound");
    assert!(first == bytes(&worker::work(&request, &Cancel::new(), |_| ()).unwrap()));
    assert_eq!(kept(&request), before, "nothing was made again");
    with_words(&mut request, &dir.path().join("work"), 4);
    let second = bytes(&worker::work(&request, &Cancel::new(), |_| ()).unwrap());
    assert!(first[0] != second[0]);
    let after = kept(&request);
    assert_eq!(after.len(), 4);
    assert!(before.iter().all(|old| after.contains(old)), "an old stretch was made again");
    // And back: everything is there.
    let fresh = dir.path().join("fresh");
    let mut again = film::request(&fresh, timeline(4, false), vec![fast("clip")]);
    again.cache.clone_from(&request.cache);
    assert!(first == bytes(&worker::work(&again, &Cancel::new(), |_| ()).unwrap()));
    assert_eq!(kept(&request), after);
}

#[test]
fn a_worse_round_shows_what_the_first_one_had_kept() {
    let dir = tempfile::tempdir().unwrap();
    let free = request(&dir.path().join("free"), timeline(4, false), vec![fast("clip")]);
    let whole = worker::work(&free, &Cancel::new(), |_| ()).unwrap()[0].bytes;
    let rate = Rate::Sized { quality: 16, bytes: whole * 2 / 3 };
    let tight = request(dir.path(), timeline(4, false), vec![Rung { rate, ..fast("clip") }]);
    let first = bytes(&worker::work(&tight, &Cancel::new(), |_| ()).unwrap());
    // Of the kept files only those of the first round stay: two stretches and the sound.
    let mut made = kept(&tight);
    made.sort_by_key(|(_, at)| *at);
    assert!(made.len() > 3, "there was no second round: {made:?}");
    for (name, _) in made.drain(3..) {
        fs::remove_file(tight.cache.join(name)).unwrap();
    }
    assert!(first == bytes(&worker::work(&tight, &Cancel::new(), |_| ()).unwrap()));
}

#[tokio::test]
async fn a_damaged_stretch_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let request = request(dir.path(), timeline(4, false), vec![fast("clip")]);
    // In a child: in one process x264 finds other leavings in memory the second time.
    let first = bytes(&render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap());
    for (name, _) in kept(&request) {
        let path = request.cache.join(name);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        fs::write(&path, bytes).unwrap();
    }
    assert!(first == bytes(&render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap()));
}

#[tokio::test]
async fn what_was_finished_before_a_kill_is_used_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let slow = Rung { preset: "slow".into(), ..fast("clip") };
    let mut request = request(dir.path(), timeline(40, false), vec![slow]);
    request.workers = 1;
    let cancel = Cancel::new();
    // Cancelling kills the child at once, as `kill -9` would.
    let stop = |progress: Progress| {
        if progress.done * 2 >= progress.total {
            cancel.cancel();
        }
    };
    let error = render(&request, &runner(), &cancel, stop).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(files(&request.films[0].out).is_empty());
    let before: Vec<_> = kept(&request)
        .into_iter()
        .filter(|(n, _)| Path::new(n).extension().is_some_and(|end| end == "track"))
        .collect();
    assert!(before.len() >= 3, "{before:?}");
    let mut told = vec![];
    let outputs = render(&request, &runner(), &Cancel::new(), |p| told.push(p)).await.unwrap();
    let after = kept(&request);
    assert!(before.iter().all(|old| after.contains(old)), "a finished stretch was made again");
    // It goes on where it was.
    let first = told.iter().find(|p| p.step == "render.clip").unwrap();
    assert!(first.done * 3 >= first.total, "{first:?}");
    // And it is the same clip as one that nobody killed.
    let mut whole = film::request(&dir.path().join("whole"), timeline(40, false), vec![]);
    whole.films[0].rungs = request.films[0].rungs.clone();
    let others = render(&whole, &runner(), &Cancel::new(), |_| ()).await.unwrap();
    assert!(bytes(&outputs) == bytes(&others));
}

#[tokio::test]
async fn progress_is_told_four_times_a_second_and_a_wish_to_stop_is_obeyed_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let slow = Rung { preset: "veryslow".into(), ..fast("clip") };
    let request = request(dir.path(), timeline(60, false), vec![slow]);
    let cancel = Cancel::new();
    let mut told: Vec<(Instant, Progress)> = vec![];
    let mut asked = None;
    let result = render(&request, &runner(), &cancel, |progress| {
        told.push((Instant::now(), progress));
        if told.len() == 14 {
            cancel.cancel();
            asked = Some(Instant::now());
        }
    })
    .await;
    let took = asked.unwrap().elapsed();
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(took < Duration::from_millis(200), "{took:?}");
    let gaps = told[2..].windows(2).map(|pair| pair[1].0 - pair[0].0);
    let mut gaps: Vec<Duration> = gaps.collect();
    gaps.sort();
    assert!(gaps[gaps.len() / 2] <= Duration::from_millis(250), "{gaps:?}");
    let last = &told.last().unwrap().1;
    assert!(last.total == 1800 && last.eta_ms.is_some(), "{last:?}");
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing_half() {
    let dir = tempfile::tempdir().unwrap();
    // The folder of stretches cannot take a file: what a full or read-only disk answers.
    let mut request = request(dir.path(), timeline(4, false), vec![fast("clip")]);
    request.cache = dir.path().join("not-there");
    let error = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("not-there"), "{error}");
    assert!(files(&request.films[0].out).is_empty());
}
