//! What a clip costs beside the least it can cost: the encoding of the same frames. Prints rows of the bench as JSON.
//! `cargo run --release -p loa-clip --example bench_clip`; the machine should do nothing else.

use std::{fs, io::Write as _, time::Instant};

use loa_canvas::{Assets, Engine};
use loa_clip::{
    Compositor, Film, Folders, Look, Request, Rung, compose, encode_composed, prepare, short,
    worker,
};
use loa_model::{Cancel, StoryKind};
use serde_json::{Value, json};

#[path = "../tests/support/mod.rs"]
mod support;

type Anything = Box<dyn std::error::Error>;

/// Runs of each measurement, interleaved.
const RUNS: usize = 3;
/// Frames of the clip: its first scenes, 8 s.
const FRAMES: u32 = 240;
/// Ticks of `/proc/self/stat` a second, the same on every Linux.
const TICKS: f64 = 100.0;

fn main() -> Result<(), Anything> {
    let folder = tempfile::tempdir()?;
    let request = request(folder.path())?;
    let pictures = worker::load(&request)?;
    let sounds = worker::sounds(&request)?;
    let film = |rungs| Film {
        timeline: &request.timeline,
        pictures: &pictures,
        sounds: &sounds,
        rungs,
        threads: 2,
    };
    let master = film(&request.rungs[..1]);
    let mut frames = compose(&master)?;

    let (mut cpu, mut wall, mut each, mut ladder) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let least = timed(|| Ok(encode_composed(&master, &mut frames, &request.out).map(drop)?))?;
        let one = Request { rungs: request.rungs[..1].to_vec(), ..request.clone() };
        let total = timed(|| Ok(worker::work(&one, &Cancel::new(), |_| ()).map(drop)?))?;
        let both = timed(|| Ok(worker::work(&request, &Cancel::new(), |_| ()).map(drop)?))?;
        let drawn = timed(|| {
            let mut compositor = Compositor::new(&request.timeline, &pictures)?;
            let mut frame = compositor.still(0);
            for number in 0..FRAMES {
                compositor.render(number, &mut frame.view());
            }
            Ok(())
        })?;
        cpu.push(total.0 / least.0);
        wall.push(total.1 / least.1);
        each.push(drawn.0 * 1000.0 / f64::from(FRAMES));
        ladder.push(both.0 / total.0);
    }
    let rows = json!([
        row("clip.total_over_encode_cpu", cpu, "ratio", 1.10),
        row("clip.total_over_encode_wall", wall, "ratio", 1.10),
        row("clip.compositor_ms_per_frame", each, "ms", 1.0),
        row("clip.ladder_over_master", ladder, "ratio", 1.5),
    ]);
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

/// The first seconds of the sample clip: moving photos, words, a cross-fade.
fn request(folder: &std::path::Path) -> Result<Request, Anything> {
    let engine = Engine::new(&Assets::from_dir(&support::assets(), &[])?)?;
    let photos = support::photos(folder, 2000, 1333);
    let sample = support::sample(StoryKind::News);
    let mut order = sample.order(&[0, 1, 2]);
    order.look = Look::from(&engine.brand("demo")?.theme);
    let (work, out) = (folder.join("work"), folder.join("out"));
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&out)?;
    let mut timeline = short(&order);
    timeline.scenes.retain(|scene| scene.start < FRAMES);
    let last = timeline.scenes.last_mut().ok_or("no scene")?;
    last.frames = FRAMES - last.start;
    let rungs = vec![Rung::master("1080x1920"), Rung::half("540x960")];
    let folders = Folders { work: &work, out: &out };
    Ok(prepare(timeline, &order, (&engine, "demo"), photos, rungs, folders, &Cancel::new())?)
}

/// Seconds of processor and of wall.
fn timed(work: impl FnOnce() -> Result<(), Anything>) -> Result<(f64, f64), Anything> {
    let (before, started) = (processor_s()?, Instant::now());
    work()?;
    Ok((processor_s()? - before, started.elapsed().as_secs_f64()))
}

fn processor_s() -> Result<f64, Anything> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(") ").ok_or("stat")?.1;
    let ticks = after.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS)
}

fn row(name: &str, mut values: Vec<f64>, unit: &str, bound: f64) -> Value {
    values.sort_by(f64::total_cmp);
    let value = values[values.len() / 2];
    // The range as a share of the median.
    let spread = (values[values.len() - 1] - values[0]) / value;
    json!({"name": name, "value": value, "unit": unit, "bound": bound, "ok": value <= bound, "n": values.len(), "spread": spread})
}
