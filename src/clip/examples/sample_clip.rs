//! Renders the sample article into a folder, to look at and to listen to:
//! `cargo run -p loa-clip --example sample_clip -- FOLDER [short|long|square|low|lowest|frames] [PHOTO…]`.
//! The third photo is a map.
//! `frames` writes stills of all formats only.

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode};

use loa_canvas::{Assets, Engine};
use loa_clip::{
    Compositor, Film, Folders, Format, Look, PhotoFile, Pictured, Request, Rung, Wanted, cast,
    prepare, propose, worker,
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
    let [work, cache] = ["work", "cache"].map(|name| out.join(name));
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&cache)?;
    let engine = Engine::new(&Assets::from_dir(&support::assets(), &[])?)?;
    let photos = if given.is_empty() {
        let photos = support::photos(&work, 2000, 1333);
        support::map(1500, 1120).save(&photos[2].path)?;
        photos
    } else {
        (0..).zip(given).map(|(index, path)| PhotoFile { index, path }).collect()
    };
    let sized = |photo: &PhotoFile| -> Result<Pictured, Anything> {
        Ok(Pictured::middle(photo.index, image::image_dimensions(&photo.path)?))
    };
    let shown = photos.iter().map(sized).collect::<Result<Vec<_>, _>>()?;
    let sample = support::mapped(support::rich());
    let plain = support::mapped(support::sample(StoryKind::News));
    let formats = [
        (Format::Short, "short", vec![Rung::master("1080p"), Rung::half("540p")]),
        (Format::Long, "long", vec![Rung::master("1080p"), Rung::half("540p")]),
        (Format::Square, "square", vec![Rung::master("square")]),
        (Format::Low, "low", vec![Rung::low_band("360p", 148, 28)]),
        (Format::Lowest, "lowest", vec![Rung::low_band("240p", 62, 24)]),
    ];
    for (format, name, rungs) in formats {
        if what != "frames" && what != name {
            continue;
        }
        // A long film needs a story with more to tell.
        let sample = if format == Format::Long { &sample } else { &plain };
        let mut order = sample.order(&shown);
        order.look = Look::of(&engine, "demo")?;
        let folder = out.join(name);
        fs::create_dir_all(&folder)?;
        let cast = cast(&order, format, &propose(&order, format), &[], false)?;
        let folders = Folders { work: &work, out: &folder };
        let wanted = Wanted { rungs, bulletins: vec![] };
        let film = prepare(cast, &order, (&engine, "demo"), wanted, folders, &Cancel::new())?;
        let request = Request {
            films: vec![film],
            photos: photos.clone(),
            videos: vec![],
            cache: cache.clone(),
            workers: 2,
        };
        if what == "frames" {
            stills(&request, &request.films[0], &out, name)?;
        } else {
            worker::work(&request, &Cancel::new(), |_| ())?;
        }
    }
    Ok(())
}

/// Late in each scene, and the middle of the first transition.
fn stills(
    request: &Request,
    film: &Film,
    out: &std::path::Path,
    name: &str,
) -> Result<(), Anything> {
    let pictures = worker::load(request, film)?;
    let timeline = &film.timeline;
    let mut compositor = Compositor::new(timeline, &pictures)?;
    let mut at: Vec<u32> = timeline.scenes.iter().map(|s| s.start + s.frames * 7 / 10).collect();
    at.extend([timeline.canvas.fps * 2, timeline.scenes[1].start + 7]);
    for frame in at {
        let still = compositor.still(frame)?;
        let size = (u32::try_from(still.width())?, u32::try_from(still.height())?);
        let picture = image::RgbImage::from_raw(size.0, size.1, still.to_rgb()).ok_or("size")?;
        picture.save(out.join(format!("{name}-{frame:04}.png")))?;
    }
    fs::write(out.join(format!("{name}.json")), serde_json::to_vec_pretty(timeline)?)?;
    Ok(())
}
