//! What a picture of a 1080p source costs, decoded and brought to a small canvas, beside decoding alone by the `ffmpeg`
//! program. Prints rows of the bench as JSON. `cargo run --release -p loa-clip --example bench_reel`.

use std::{fs, io::Write as _, path::Path, process::Command, time::Instant};

use loa_clip::reel::{Bounds, Reel, Size, propose};
use loa_model::Cancel;
use serde_json::{Value, json};

type Anything = Box<dyn std::error::Error>;

/// Runs of each measurement, interleaved.
const RUNS: usize = 3;
/// Pictures of the source: 4 s.
const FRAMES: u32 = 120;
/// Ticks of `/proc/self/stat` a second, the same on every Linux.
const TICKS: f64 = 100.0;
/// The width of a short clip, the height that 16:9 has in it.
const CANVAS: Size = Size { width: 1080, height: 608 };

fn main() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("source.mp4");
    // Grain, so that the decoder has the work of a camera's file.
    let source = "-v error -f lavfi -i testsrc2=s=1920x1080:r=30:d=4,noise=alls=12:allf=t -f lavfi -i sine=d=4 \
        -c:v libx264 -preset ultrafast -crf 20 -pix_fmt yuv420p -c:a aac";
    ffmpeg(source, &path)?;
    let decode = |path: &Path, scale: &str| {
        let input = path.display();
        ffmpeg(&format!("-v error -threads 2 -i {input} -an {scale} -f null"), Path::new("-"))
    };
    let (mut bare, mut scaled, mut each, mut both, mut pass) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let least = timed(|| decode(&path, ""))?;
        let peer = timed(|| decode(&path, "-vf scale=1080:608:flags=bicubic"))?;
        let ours = timed(|| rows(&path, CANVAS))?;
        let small = timed(|| rows(&path, Size { width: 360, height: 202 }))?;
        let all = timed(|| {
            let found = propose(&path, 5000, &Bounds::default(), |_| (), &Cancel::new())?;
            if found.cuts.is_empty() { Err("no cut".into()) } else { Ok(()) }
        })?;
        bare.push(ours.0 / least.0);
        scaled.push(ours.0 / peer.0);
        each.push(ours.0 * 1000.0 / f64::from(FRAMES));
        both.push(small.0 / least.0);
        pass.push(all.0 / least.0);
    }
    let table = json!([
        row("reel.frames_over_ffmpeg_decode_cpu", bare, "ratio"),
        row("reel.frames_over_ffmpeg_decode_and_scale_cpu", scaled, "ratio"),
        row("reel.frame_ms", each, "ms"),
        row("reel.small_frames_over_ffmpeg_decode_cpu", both, "ratio"),
        row("reel.propose_over_ffmpeg_decode_cpu", pass, "ratio"),
    ]);
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&table)?)?;
    Ok(())
}

/// All pictures in a row.
fn rows(path: &Path, size: Size) -> Result<(), Anything> {
    let mut reel = Reel::open(path, &Bounds::default())?;
    for frame in 0..u64::from(FRAMES) {
        reel.frame_at(frame * 1000 / 30, size)?;
    }
    Ok(())
}

fn ffmpeg(args: &str, out: &Path) -> Result<(), Anything> {
    let status = Command::new("ffmpeg").args(args.split_whitespace()).arg(out).status()?;
    if status.success() { Ok(()) } else { Err(format!("ffmpeg: {status}").into()) }
}

/// Seconds of processor, of this process and of those it waited for, and of wall.
fn timed(work: impl FnOnce() -> Result<(), Anything>) -> Result<(f64, f64), Anything> {
    let (before, started) = (processor_s()?, Instant::now());
    work()?;
    Ok((processor_s()? - before, started.elapsed().as_secs_f64()))
}

fn processor_s() -> Result<f64, Anything> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(") ").ok_or("stat")?.1;
    let ticks = after.split(' ').skip(11).take(4).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}

fn row(name: &str, mut values: Vec<f64>, unit: &str) -> Value {
    values.sort_by(f64::total_cmp);
    let value = values[values.len() / 2];
    // The range as a share of the median.
    let spread = (values[values.len() - 1] - values[0]) / value;
    json!({"name": name, "value": value, "unit": unit, "n": values.len(), "spread": spread})
}
