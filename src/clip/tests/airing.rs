//! Every picture of a clip of each format as it is shown: none is black, none stands where it should move, none is
//! missing, and the best rung shows what was composed.

#![cfg(feature = "ffmpeg")]

use std::path::Path;

use loa_clip::{Compositor, Format, Request, Rung, Timeline, worker};
use loa_model::{Beat, Cancel, Storyboard, Topic};

#[path = "support/film.rs"]
mod film;
#[path = "support/shown.rs"]
mod shown;
mod support;
#[path = "support/told.rs"]
mod told;

use film::{fast, number, probe, request, run, ssim, timeline};

/// Mean luma of a picture that is as good as black.
const BLACK: f64 = 20.0;
/// Black for longer is a fault, seconds.
const BLACK_S: f64 = 0.2;
/// Mean difference of luma in each part of two pictures of which nobody says that they differ.
const ALIKE: f64 = 1.5;
/// Sides of those parts, pixels.
const PART: usize = 16;
/// A photo that moves stands for no longer, seconds.
const STILL_S: f64 = 1.0;

/// What is wrong with the pictures of a file.
#[derive(Debug, Default, PartialEq)]
struct Faults {
    /// Seconds in which it is black and from when on.
    black: Vec<(f64, f64)>,
    /// Seconds for which it stands although its photo moves, and from when on.
    frozen: Vec<(f64, f64)>,
}

/// Whether the picture of a frame is one that moves.
fn moves(timeline: &Timeline, frame: u32) -> bool {
    timeline.scene_at(frame).1.shot.as_ref().is_some_and(|shot| shot.from != shot.to)
}

#[expect(clippy::cast_precision_loss, reason = "a few million pixels")]
fn mean(sum: u64, count: usize) -> f64 {
    sum as f64 / count as f64
}

fn luminance(picture: &[u8]) -> f64 {
    mean(picture.iter().map(|&pixel| u64::from(pixel)).sum(), picture.len())
}

/// Whether no part of a picture is another than before: most of it may be covered by words that stand.
fn alike(a: &[u8], b: &[u8], width: usize) -> bool {
    a.chunks(width * PART).zip(b.chunks(width * PART)).all(|(a, b)| {
        (0..width).step_by(PART).all(|left| {
            let right = (left + PART).min(width);
            let rows = a.chunks(width).zip(b.chunks(width));
            let pixels = rows.flat_map(|(a, b)| a[left..right].iter().zip(&b[left..right]));
            let sum = pixels.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            mean(sum, (right - left) * a.len() / width) < ALIKE
        })
    })
}

/// Looks at every picture; says how many there were, too. The progress bar goes on over pictures that stand: it is left out.
fn scan(path: &Path, size: (u32, u32), timeline: &Timeline) -> (Faults, u32) {
    let seconds = |frames: u32| f64::from(frames) / f64::from(timeline.canvas.fps);
    let mut faults = Faults::default();
    let mut dark: Option<u32> = None;
    // The picture since which nothing has changed, and its number.
    let mut anchor: Option<(u32, Vec<u8>)> = None;
    let bar = timeline.bar_height.div_ceil(timeline.canvas.height / size.1);
    let (width, above) = (size.0 as usize, (size.0 * (size.1 - bar)) as usize);
    let tell = |list: &mut Vec<(f64, f64)>, from: u32, to: u32, most: f64| {
        if seconds(to - from) > most {
            list.push((seconds(to - from), seconds(from)));
        }
    };
    let count = shown::pictures(path, size, |frame, luma| {
        let luma = &luma[..above];
        let lit = luminance(luma) >= BLACK;
        match dark {
            Some(from) if lit => {
                tell(&mut faults.black, from, frame, BLACK_S);
                dark = None;
            }
            None if !lit => dark = Some(frame),
            _ => {}
        }
        let same = anchor.as_ref().is_some_and(|(from, held)| {
            let scene = |frame| timeline.scene_at(frame).0;
            scene(*from) == scene(frame) && alike(held, luma, width)
        });
        if !same {
            if let Some((from, _)) = anchor.take().filter(|(from, _)| moves(timeline, *from)) {
                tell(&mut faults.frozen, from, frame, STILL_S);
            }
            anchor = Some((frame, luma.to_vec()));
        }
    });
    if let Some(from) = dark {
        tell(&mut faults.black, from, count, BLACK_S);
    }
    if let Some((from, _)) = anchor.filter(|(from, _)| moves(timeline, *from)) {
        tell(&mut faults.frozen, from, count, STILL_S);
    }
    (faults, count)
}

/// Times of the pictures of a file in the order in which they are shown, and whether decoding can begin there.
fn times(facts: &serde_json::Value) -> Vec<(i64, bool)> {
    let packets = facts["packets"].as_array().expect("ffprobe lists packets");
    let mut times: Vec<(i64, bool)> = packets
        .iter()
        .filter(|packet| packet["codec_type"] == "video")
        .map(|packet| {
            let key = packet["flags"].as_str().is_some_and(|flags| flags.starts_with('K'));
            (packet["pts"].as_i64().expect("a time"), key)
        })
        .collect();
    times.sort_unstable();
    times
}

/// Pictures that are not where the frame rate says, by their place in the order.
fn gaps(times: &[(i64, bool)], fps: u32) -> Vec<usize> {
    let step = 90_000 / i64::from(fps);
    let apart = times.windows(2).map(|pair| pair[1].0 - pair[0].0);
    apart.enumerate().filter(|(_, apart)| *apart != step).map(|(i, _)| i).collect()
}

/// Everything that is asked of a file of this film.
fn check(name: &str, request: &Request, rung: usize) {
    let film = &request.films[0];
    let (timeline, rung) = (&film.timeline, &film.rungs[rung]);
    let path = film.out.join(format!("{}.mp4", rung.name));
    let size = rung.size(timeline);
    let (faults, count) = scan(&path, size, timeline);
    assert_eq!(count, timeline.frames(), "{name}: pictures");
    assert_eq!(faults, Faults::default(), "{name}");

    let facts = probe(&path);
    let times = times(&facts);
    assert!(gaps(&times, timeline.canvas.fps).is_empty(), "{name}: a gap between pictures");
    let fps = timeline.canvas.fps;
    let keys = times.iter().enumerate().filter(|(_, (_, key))| *key).map(|(i, _)| i);
    let keys: Vec<usize> = keys.chain([times.len()]).collect();
    let longest = (fps * rung.keyframe_ms / 1000) as usize;
    assert!(keys[0] == 0 && keys.windows(2).all(|p| p[1] - p[0] <= longest), "{name}: {keys:?}");
    let length = |stream: usize| number(&facts["streams"][stream]["duration"]);
    let (seen, heard) = (length(0), length(1));
    assert!((seen - heard).abs() < 0.040, "{name}: {seen} s are seen, {heard} s are heard");
}

/// The smallest rung of a canvas that is large.
fn third() -> Rung {
    Rung { divisor: 3, preset: "superfast".into(), ..Rung::half("third") }
}

fn made(folder: &Path, format: Format, beats: &[Topic], rungs: Vec<Rung>) -> Request {
    let beats: Vec<Beat> = beats.iter().cloned().map(Beat::from).collect();
    let board = Storyboard { beats, ..Storyboard::default() };
    let request = told::told(folder, &support::rich(), (format, Some(board)), rungs);
    worker::work(&request, &Cancel::new(), |_| ()).expect("it is encoded");
    request
}

#[test]
fn a_short_film_airs_without_a_fault_and_its_master_shows_what_was_composed() {
    let dir = tempfile::tempdir().unwrap();
    let beats = [Topic::Title, Topic::Figure(0), Topic::Alert, Topic::End];
    let rungs = vec![Rung::master("master"), third()];
    let request = made(dir.path(), Format::Short, &beats, rungs);
    check("short", &request, 1);

    let film = &request.films[0];
    let pictures = worker::load(&request, film).unwrap();
    let mut compositor = Compositor::new(&film.timeline, &pictures).unwrap();
    let frames = film.timeline.frames();
    // In the first transition, and at four places far apart.
    let mut places: Vec<u32> = (1..5).map(|i| frames * i / 5).collect();
    places.push(film.timeline.scenes[1].start + 7);
    let mut scores = vec![];
    let master = film.out.join("master.mp4");
    shown::pictures(&master, film.rungs[0].size(&film.timeline), |frame, luma| {
        if places.contains(&frame) {
            let composed = compositor.still(frame).expect("it was composed before");
            scores.push((frame, ssim(&composed, luma)));
        }
    });
    println!("short: {scores:?}");
    assert_eq!(scores.len(), places.len());
    assert!(scores.iter().all(|(_, score)| *score >= 0.97), "{scores:?}");
}

#[test]
fn a_long_film_airs_without_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let beats =
        [Topic::Title, Topic::Table, Topic::Figure(0), Topic::Step(0), Topic::Point(0), Topic::End];
    check("long", &made(dir.path(), Format::Long, &beats, vec![third()]), 0);
}

#[test]
fn a_square_film_airs_without_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let beats = [Topic::Title, Topic::Point(0), Topic::Quote(0), Topic::End];
    check("square", &made(dir.path(), Format::Square, &beats, vec![third()]), 0);
}

#[test]
fn films_for_slow_links_air_without_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    let beats = [Topic::Title, Topic::Point(0), Topic::Figure(0), Topic::End];
    for (format, name, kbps, sound) in
        [(Format::Low, "low", 148, 28), (Format::Lowest, "lowest", 62, 24)]
    {
        let rung = Rung::low_band(name, kbps, sound);
        check(name, &made(&dir.path().join(name), format, &beats, vec![rung]), 0);
    }
}

#[test]
fn the_scan_finds_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let path = |request: &Request| request.films[0].out.join("clip.mp4");
    let film = |name: &str, change: &dyn Fn(&mut Timeline)| {
        let mut timeline = timeline(4, false);
        change(&mut timeline);
        let request = request(&dir.path().join(name), timeline, vec![fast("clip")]);
        worker::work(&request, &Cancel::new(), |_| ()).unwrap();
        request
    };
    let size = (180, 320);
    let told = timeline(4, false);
    let sound = film("sound", &|_| ());
    assert_eq!(scan(&path(&sound), size, &told), (Faults::default(), 120));

    // The photo of the second scene does not move; the timeline that was asked for says that it does.
    let frozen = film("frozen", &|timeline| {
        if let Some(shot) = &mut timeline.scenes[1].shot {
            shot.to = shot.from;
        }
    });
    let (faults, _) = scan(&path(&frozen), size, &told);
    assert!(faults.black.is_empty() && faults.frozen.len() == 1, "{faults:?}");
    assert!(faults.frozen[0].0 > 1.0 && faults.frozen[0].1 >= 2.0, "{faults:?}");

    // A second scene without photo and words on no ground.
    let black = film("black", &|timeline| {
        timeline.ground = [0; 3];
        timeline.bar_height = 0;
        timeline.scenes[1].shot = None;
        timeline.scenes[1].cues.clear();
    });
    let (faults, _) = scan(&path(&black), size, &told);
    assert!(faults.black.len() == 1 && faults.black[0].0 > 1.0, "{faults:?}");

    // Eleven pictures are cut out of a file whose other pictures keep their times.
    let (from, to) = (path(&sound), dir.path().join("gap.mp4"));
    let cut = "select=not(between(n\\,40\\,50))";
    let args = ["-v", "error", "-i", from.to_str().unwrap(), "-vf", cut, "-vsync", "vfr"];
    let more = ["-video_track_timescale", "90000", to.to_str().unwrap()];
    run("ffmpeg", &[&args[..], &more[..]].concat());
    let times = times(&probe(&to));
    assert_eq!((times.len(), gaps(&times, 30)), (109, vec![39]));
}
