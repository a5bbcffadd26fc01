//! A film four times as long takes no more memory: frames go through, they are not collected.

#![cfg(feature = "ffmpeg")]

use std::path::Path;

use loa_clip::{Format, Rate, Request, Rung, render};
use loa_model::{Cancel, StoryKind};

#[path = "support/child.rs"]
mod child;
#[path = "support/film.rs"]
mod film;
mod support;
#[path = "support/told.rs"]
mod told;

/// How much more memory three minutes may take than 45 seconds.
const MORE: f64 = 1.25;
/// Seconds of what is told again and again.
const ROUND_S: u32 = 15;

/// The sample at its real size, so many rounds of it: longer, with no more pictures than a film of its length has.
fn film(folder: &Path, rounds: u32) -> Request {
    let rate = Rate::Quality(30);
    let rung = Rung { rate, preset: "ultrafast".into(), ..Rung::master("clip") };
    let sample = support::sample(StoryKind::News);
    let mut request = told::told(folder, &sample, (Format::Short, None), vec![rung]);
    let timeline = &mut request.films[0].timeline;
    let length = ROUND_S * timeline.canvas.fps;
    timeline.scenes.retain(|scene| scene.start < length);
    let last = timeline.scenes.last_mut().expect("it begins with a scene");
    last.frames = length - last.start;
    last.fade_out = 0;
    timeline.overlays.retain(|cue| cue.start < length);
    let (scenes, overlays) = (timeline.scenes.clone(), timeline.overlays.clone());
    for round in 1..rounds {
        timeline.scenes.extend(scenes.iter().cloned().map(|mut scene| {
            scene.start += round * length;
            scene
        }));
        timeline.overlays.extend(overlays.iter().cloned().map(|mut cue| {
            cue.start += round * length;
            cue
        }));
    }
    request
}

/// Memory of the child at its highest, MiB.
async fn highest(folder: &Path, rounds: u32) -> f64 {
    let name = format!("memory-of-{rounds}");
    let request = film(folder, rounds);
    let mut highest = 0;
    let told = |_| {
        let found = child::process(&name).and_then(child::highest_kib);
        highest = found.unwrap_or(0).max(highest);
    };
    let outputs = render(&request, &child::named(&name), &Cancel::new(), told).await;
    let film = &outputs.expect("it is encoded")[0];
    assert_eq!(film.duration_ms, u64::from(rounds * ROUND_S) * 1000);
    #[expect(clippy::cast_precision_loss, reason = "a few gigabytes at most")]
    let mib = highest as f64 / 1024.0;
    mib
}

#[tokio::test]
async fn three_minutes_take_no_more_memory_than_45_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let short = highest(&dir.path().join("short"), 3).await;
    let long = highest(&dir.path().join("long"), 12).await;
    println!("45 s take {short:.0} MiB, 180 s take {long:.0} MiB: {:.2} times", long / short);
    assert!(short > 50.0, "{short} MiB: the child was not found");
    assert!(long <= short * MORE, "{long:.0} MiB, {short:.0} MiB for a quarter of it");
}
