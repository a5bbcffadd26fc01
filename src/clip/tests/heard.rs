//! What is heard after the encoder: as loud as promised on every rung, never over the ceiling, and no hole in it.

#![cfg(feature = "ffmpeg")]

use std::{
    f32::consts::TAU,
    path::{Path, PathBuf},
};

use loa_clip::{
    Rate, Request, Rung, Said, Score, SoundRate,
    sound::RATE,
    voice::{Booth, Line, Manners, Provider, speech::Lang},
    worker,
};
use loa_model::{Cancel, Music};
use loa_net::Policy;

#[path = "support/film.rs"]
mod film;
#[path = "support/shown.rs"]
mod shown;
mod support;

use film::{fast, heard, request, timeline};

const SECONDS: u32 = 24;
/// A longer stretch without sound is a fault.
const HOLE_S: f64 = 2.0;
/// Samples in which it is decided whether anything is heard: 20 ms.
const WINDOW: usize = RATE as usize / 50;
/// Root mean square that nobody hears: −60 dBFS.
const SILENT: f64 = 0.001;

/// The real voice saying these sentences of the sample: its files with their digests and lengths.
async fn spoken(folder: &Path) -> Vec<(PathBuf, String, u32)> {
    let provider = Provider::Espeak(loa_clip::voice::Espeak::default());
    let booth = Booth::new(provider, folder, &Policy::default(), Manners::default())
        .expect("espeak-ng takes its defaults");
    let line = |text: &str| Line { lang: Lang::Vi, text: text.into() };
    let lines = [support::POINTS[0], support::POINTS[1], support::POINTS[2]].map(line);
    let takes = booth.speak(&lines, &Cancel::new()).await.unwrap_or_else(|error| {
        panic!("espeak-ng does not speak ({error}): `make setup` installs what `make test` needs")
    });
    let about = |take: loa_clip::voice::Take| {
        (take.path, take.digest.to_string(), u32::try_from(take.ms).expect("seconds"))
    };
    takes.into_iter().map(about).collect()
}

/// A voice with peaks as hard as they come: pulses that ring, in syllables with pauses between them.
fn hard(folder: &Path) -> (PathBuf, String, u32) {
    const HZ: u32 = 22_050;
    const MS: u32 = 5000;
    let path = folder.join("hard.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(&path, spec).expect("a WAV is begun");
    for i in 0..HZ / 1000 * MS {
        let on = (i / (HZ / 6)) % 4 != 3;
        #[expect(clippy::cast_precision_loss, reason = "a hundred thousand samples")]
        let time = i as f32 / HZ as f32;
        let since = time % 0.009;
        let ring = (-since * 500.0).exp() * (TAU * 700.0 * since).cos();
        let level = if on { 30_000.0 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
        wav.write_sample((ring * level) as i16).expect("a sample is written");
    }
    wav.finalize().expect("a WAV is closed");
    (path, "hard".into(), MS)
}

fn said((path, digest, ms): &(PathBuf, String, u32), at_ms: u32) -> Said {
    Said { path: path.clone(), digest: digest.clone(), at_ms, from_ms: 0, to_ms: *ms }
}

/// A film with this to be heard in it; next to nothing is seen.
fn film(folder: &Path, score: Score, rungs: Vec<Rung>) -> Request {
    let mut request = request(folder, timeline(SECONDS, true), rungs);
    request.films[0].score = score;
    request
}

/// Stretches in which nothing is heard, in seconds: longer than [`HOLE_S`], and not those that last to the end.
fn holes(samples: &[f32]) -> Vec<(f64, f64)> {
    let quiet = |window: &[f32]| {
        let sum: f64 = window.iter().map(|s| f64::from(*s).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a thousand samples")]
        let mean = sum / window.len() as f64;
        mean.sqrt() < SILENT
    };
    let windows: Vec<bool> = samples.chunks(WINDOW).map(quiet).collect();
    let (mut found, mut from) = (vec![], 0);
    for (i, silent) in windows.iter().enumerate() {
        if !silent {
            let at = |window: usize| f64::from(u32::try_from(window).expect("minutes")) / 50.0;
            if at(i - from) > HOLE_S {
                found.push((at(from), at(i)));
            }
            from = i + 1;
        }
    }
    found
}

fn rungs() -> Vec<Rung> {
    let low = |name: &str, kbps: u32| Rung {
        rate: Rate::Quality(30),
        preset: "ultrafast".into(),
        ..Rung::low_band(name, 148, kbps)
    };
    let half = Rung { sound: SoundRate::stereo(64), ..fast("half") };
    vec![fast("master"), half, low("mono28", 28), low("mono24", 24)]
}

#[tokio::test]
async fn a_voice_over_music_is_as_loud_as_promised_on_every_rung() {
    let dir = tempfile::tempdir().unwrap();
    let takes = spoken(dir.path()).await;
    let hard = hard(dir.path());
    let real: Vec<Said> =
        takes.iter().zip([500, 8500, 16_500]).map(|(t, at)| said(t, at)).collect();
    let made: Vec<Said> = [1000, 9000, 15_500].map(|at| said(&hard, at)).into();
    let mut wrong = vec![];
    for (name, said, music) in [("espeak", real, Music::Calm), ("hard", made, Music::Bright)] {
        let score = Score { music, said, heard: vec![] };
        let request = film(&dir.path().join(name), score, rungs());
        let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
        for (output, off) in outputs.iter().zip([0.5, 0.5, 1.0, 1.0]) {
            let (lufs, peak) = heard(&output.path);
            let holes = holes(&shown::sound(&output.path));
            let line = format!("{name}, {}: {lufs} LUFS, {peak} dBTP", output.name);
            println!("{line}");
            if (lufs + 14.0).abs() > off || peak > -1.0 || !holes.is_empty() {
                wrong.push(format!("{line}, nothing is heard at {holes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_hole_in_the_sound_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let hard = hard(dir.path());
    // Nothing before 3 s, between 8 s and 14 s, and from 19 s to the end.
    let said = vec![said(&hard, 3000), said(&hard, 14_000)];
    let score = Score { music: Music::Silent, said, heard: vec![] };
    let best_and_least =
        rungs().into_iter().filter(|rung| ["master", "mono24"].contains(&&*rung.name));
    let request = film(dir.path(), score, best_and_least.collect());
    for output in &worker::work(&request, &Cancel::new(), |_| ()).unwrap()[..2] {
        let found = holes(&shown::sound(&output.path));
        assert_eq!(found.len(), 2, "{}: {found:?}", output.name);
        for ((from, to), (silent, loud)) in found.iter().zip([(0.0, 3.0), (8.0, 14.0)]) {
            // A pause of the voice may lie before or after it.
            assert!((from - silent).abs() < 0.7 && (to - loud).abs() < 0.1, "{found:?}");
        }
    }
}
