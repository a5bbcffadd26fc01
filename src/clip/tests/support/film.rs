//! A small film without words, and what a player would find in the files made of it.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use loa_clip::{
    Bitmap, Film, Rate, Request, Rung, Runner, Score, Timeline, Yuv, keep,
    timeline::{
        Canvas, Caption, Cue, Motion, Place, Scene, SceneKind, Shot, Source, SpriteKey, View,
    },
};
use loa_model::Transition;
use serde_json::Value;

use super::support;

fn scene(start: u32, frames: u32, fade: u32, photo: u32) -> Scene {
    let view = |zoom| View { x: 0.5, y: 0.5, zoom };
    let shot = Some(Shot {
        source: Source::Photo(photo),
        place: Place { x: 0, y: 0, width: 180, height: 240 },
        melt: 60,
        from: view(1.0),
        to: view(1.1),
        path: vec![],
    });
    let sprite = SpriteKey { plate: "words".into(), layer: 0 };
    let rise = Motion::Rise { frames: 8, by: 8 };
    let cues = vec![Cue { sprite, start: 0, frames: Some(frames), leave: 4, motion: rise }];
    Scene {
        kind: SceneKind::Point,
        beat: photo,
        start,
        frames,
        enter: Transition::Fade,
        fade_in: if start == 0 { 0 } else { fade },
        fade_out: fade,
        shot,
        cues,
    }
}

/// Two scenes; `still` ones cut and do not move.
pub fn timeline(seconds: u32, still: bool) -> Timeline {
    let fps = if still { 12 } else { 30 };
    let (frames, fade) = (seconds * fps / 2, if still { 0 } else { 10 });
    let mut scenes = vec![scene(0, frames, fade, 0), scene(frames, frames, fade, 1)];
    scenes[1].fade_out = 0;
    if still {
        for shot in scenes.iter_mut().filter_map(|s| s.shot.as_mut()) {
            shot.to = shot.from;
        }
    }
    let captions = [(0, frames / 2), (frames, frames + frames / 2)].map(|(start, end)| Caption {
        start,
        end,
        lines: vec!["Hỗ trợ 2,5 triệu hộ dân".into(), "vùng sâu, vùng xa".into()],
    });
    Timeline {
        canvas: Canvas { width: 180, height: 320, fps },
        ground: [20, 30, 60],
        bar_colour: [255, 200, 0],
        bar_height: 4,
        scenes,
        overlays: vec![],
        plates: vec![],
        captions: captions.into(),
        texts: vec![],
        clean_photos: still,
        poster: frames / 2,
        alt: "Hỗ trợ 2,5 triệu hộ dân".into(),
    }
}

/// Bars with soft ends where words would be.
pub fn words(rows: usize) -> Bitmap {
    let (width, height) = (120usize, 40usize);
    let mut rgba = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let on = (y / rows + x / 12).is_multiple_of(2);
            let alpha = if on { 255 - u8::try_from(x).expect("small") } else { 0 };
            rgba.extend([alpha, alpha, alpha, alpha]);
        }
    }
    Bitmap { x: 30, y: 240, width, height, rgba }
}

pub fn request(folder: &Path, timeline: Timeline, rungs: Vec<Rung>) -> Request {
    let [work, out, cache] = ["work", "out", "cache"].map(|name| folder.join(name));
    for folder in [&work, &out, &cache] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let key = SpriteKey { plate: "words".into(), layer: 0 };
    let sprites = keep(&[(key, words(8))].into(), &work).expect("sprites are written");
    let film = Film {
        timeline,
        lang: "vi".into(),
        sprites,
        score: Score::default(),
        rungs,
        bulletins: vec![],
        out,
    };
    let photos = support::photos(&work, 320, 400);
    Request { films: vec![film], photos, videos: vec![], cache, workers: 2 }
}

pub fn fast(name: &str) -> Rung {
    Rung { rate: Rate::Quality(16), ..Rung::master(name) }
}

pub fn run(program: &str, args: &[&str]) -> (String, String) {
    let out = Command::new(program).args(args).output().expect("ffmpeg is installed");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    assert!(out.status.success(), "{program} {args:?}: {}", text(out.stderr));
    (text(out.stdout), text(out.stderr))
}

pub fn probe(path: &Path) -> Value {
    let path = path.to_str().expect("UTF-8");
    let args =
        ["-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_packets", path];
    serde_json::from_str(&run("ffprobe", &args).0).expect("ffprobe writes JSON")
}

pub fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).or(value.as_f64()).expect("a number")
}

/// Integrated loudness and true peak of what a player would hear.
pub fn heard(path: &Path) -> (f64, f64) {
    let path = path.to_str().expect("UTF-8");
    let (_, log) =
        run("ffmpeg", &["-hide_banner", "-i", path, "-af", "ebur128=peak=true", "-f", "null", "-"]);
    let tail = log.rsplit_once("Summary:").expect("a summary").1;
    let after = |mark: &str| {
        let rest = tail.split_once(mark).expect("in the summary").1;
        rest.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
    };
    (after("I:"), after("Peak:"))
}

pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Mean structural similarity of the luma in windows of 8 × 8.
pub fn ssim(composed: &Yuv, shown: &[u8]) -> f64 {
    let plane = &composed.planes[0];
    let (mut sum, mut count) = (0.0, 0.0);
    for y in (0..plane.height - 7).step_by(4) {
        for x in (0..plane.width - 7).step_by(4) {
            let pairs = (0..64).map(|i| {
                let (x, y) = (x + i % 8, y + i / 8);
                (f64::from(plane.row(y)[x]), f64::from(shown[y * plane.width + x]))
            });
            let (mut a, mut b, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
            for (p, q) in pairs {
                (a, b, aa, bb, ab) = (a + p, b + q, aa + p * p, bb + q * q, ab + p * q);
            }
            let (ma, mb) = (a / 64.0, b / 64.0);
            let (va, vb, cov) = (aa / 64.0 - ma * ma, bb / 64.0 - mb * mb, ab / 64.0 - ma * mb);
            let (c1, c2) = (6.5025, 58.5225);
            sum += (2.0 * ma * mb + c1) * (2.0 * cov + c2)
                / ((ma * ma + mb * mb + c1) * (va + vb + c2));
            count += 1.0;
        }
    }
    sum / count
}

pub fn runner() -> Runner {
    // Cargo puts examples beside `deps`, where this test runs from.
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(2).expect("tests run from target/*/deps");
    let exe: PathBuf = target.join("examples/media_worker");
    assert!(exe.exists(), "{} is built by `cargo test`", exe.display());
    Runner { exe, args: vec![] }
}
