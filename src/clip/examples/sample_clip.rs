//! Renders the sample article into a folder, to look at and to listen to:
//! `cargo run -p loa-clip --example sample_clip -- FOLDER [short|low|frames] [PHOTO…]`.
//! `frames` writes stills of both layouts only.

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode};

use loa_canvas::{Assets, Engine};
use loa_clip::{
    Compositor, Folders, Look, PhotoFile, Request, Rung, Timeline, low_band, prepare, short, worker,
};
use loa_model::{Cancel, StoryKind};

#[path = "../tests/support/mod.rs"]
mod support;

type Anything = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(std::io::stderr(), "{error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Anything> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().ok_or("a folder is missing")?);
    let what = args.next().unwrap_or_else(|| "frames".into());
    let given: Vec<PathBuf> = args.map(PathBuf::from).collect();
    let work = out.join("work");
    fs::create_dir_all(&work)?;
    let engine = Engine::new(&Assets::from_dir(&support::assets(), &[])?)?;
    let photos = if given.is_empty() {
        support::photos(&work, 2000, 1333)
    } else {
        (0..).zip(given).map(|(index, path)| PhotoFile { index, path }).collect()
    };
    let indexes: Vec<u32> = photos.iter().map(|photo| photo.index).collect();
    let sample = support::sample(StoryKind::News);
    let mut order = sample.order(&indexes);
    order.look = Look::from(&engine.brand("demo")?.theme);
    let folders = Folders { work: &work, out: &out };
    let request = |timeline: Timeline, rungs: Vec<Rung>| -> Result<Request, Anything> {
        let canvas = (&engine, "demo");
        Ok(prepare(timeline, &order, canvas, photos.clone(), rungs, folders, &Cancel::new())?)
    };
    let master = request(short(&order), vec![Rung::master("1080x1920"), Rung::half("540x960")])?;
    if what == "frames" {
        stills(&master, &out, "short")?;
        stills(&request(low_band(&order), vec![])?, &out, "low")?;
        return Ok(());
    }
    let request = if what == "low" {
        request(low_band(&order), vec![Rung::low_band("360p")])?
    } else {
        master
    };
    for output in worker::work(&request, &Cancel::new(), |_| ())? {
        fs::write(out.join(format!("{}.json", output.name)), serde_json::to_vec_pretty(&output)?)?;
    }
    Ok(())
}

/// The middle of each scene, and the middle of the first cross-fade.
fn stills(request: &Request, out: &std::path::Path, name: &str) -> Result<(), Anything> {
    let pictures = worker::load(request)?;
    let timeline = &request.timeline;
    let mut compositor = Compositor::new(timeline, &pictures)?;
    let mut at: Vec<u32> = timeline.scenes.iter().map(|s| s.start + s.frames * 6 / 10).collect();
    at.extend([timeline.canvas.fps * 2, timeline.scenes[1].start + 7]);
    for frame in at {
        let still = compositor.still(frame);
        let size = (u32::try_from(still.width())?, u32::try_from(still.height())?);
        let picture = image::RgbImage::from_raw(size.0, size.1, still.to_rgb()).ok_or("size")?;
        picture.save(out.join(format!("{name}-{frame:04}.png")))?;
    }
    fs::write(out.join(format!("{name}.json")), serde_json::to_vec_pretty(timeline)?)?;
    Ok(())
}
