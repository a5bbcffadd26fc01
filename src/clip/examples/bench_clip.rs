//! What a clip costs beside the least it can cost: the encoding of the same frames. Prints rows of the bench as JSON.
//! `cargo run --release -p loa-clip --example bench_clip`; the machine should do nothing else.
//! `bench_clip least`, `fix`, `agencies` and `minutes` measure that alone.
//! `bench_clip make FOLDER OUT.mp4` makes the clip that other tools make too and prints what it cost.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use bytes::Bytes;
use loa_canvas::{Assets, Engine};
use loa_clip::{
    Cast, Compositor, Film, Folders, Format, Look, PhotoFile, Rate, Request, Rung, Wanted, cast,
    least, prepare, propose, worker,
};
use loa_model::{Cancel, StoryKind};
use serde_json::Value;

#[path = "bench_clip/cost.rs"]
mod cost;
#[path = "bench_clip/same.rs"]
mod same;
#[path = "../tests/support/mod.rs"]
mod support;

use cost::{Anything, row, timed};

/// Runs of each measurement, interleaved.
const RUNS: usize = 3;
/// Seconds of the clip.
const SECONDS: u32 = 20;
/// Agencies of one family.
const AGENCIES: usize = 10;

fn main() -> Result<(), Anything> {
    if std::env::args().nth(1).as_deref() == Some("work") {
        // The measured process itself: it makes what it is handed and says how much memory that took.
        let request: Request = serde_json::from_reader(std::io::stdin().lock())?;
        worker::work(&request, &Cancel::new(), |_| ())?;
        writeln!(std::io::stdout(), "{}", cost::highest_kib()?)?;
        return Ok(());
    }
    if std::env::args().nth(1).as_deref() == Some("make") {
        let paths: Vec<std::path::PathBuf> = std::env::args_os().skip(2).map(Into::into).collect();
        let [from, out] = paths.as_slice() else { return Err("make FOLDER OUT.mp4".into()) };
        let (processor, wall) = timed(|| same::make(from, out))?;
        writeln!(std::io::stdout(), "{}", serde_json::json!({"wall_s": wall, "cpu_s": processor}))?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let ours = Bench::new(folder.path())?;
    let only = std::env::args().nth(1);
    let mut rows = vec![];
    let measurements: [(&str, Measurement<'_>); 4] = [
        ("least", Bench::against_the_least),
        ("fix", Bench::fix),
        ("agencies", Bench::agencies),
        ("minutes", Bench::three_minutes),
    ];
    for (name, measure) in measurements {
        if only.as_deref().is_none_or(|only| only == name) {
            let more = measure(&ours)?;
            tell(&more);
            rows.extend(more);
        }
    }
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&rows)?)?;
    Ok(())
}

type Measurement<'a> = fn(&Bench<'a>) -> Result<Vec<Value>, Anything>;

/// What is known so far, for whoever waits.
fn tell(rows: &[Value]) {
    for row in rows {
        let number = |key: &str| row[key].as_f64().unwrap_or(f64::NAN);
        let (value, spread) = (number("value"), number("spread"));
        // Who does not listen misses nothing: the rows come at the end.
        writeln!(std::io::stderr(), "{} {value:.3} (spread {spread:.2})", row["name"]).ok();
    }
}

struct Bench<'a> {
    folder: &'a Path,
    engine: Engine,
    sample: support::Sample,
    photos: Vec<PhotoFile>,
}

/// The clip of the issue: veryfast, crf 23.
fn master() -> Rung {
    Rung { rate: Rate::Quality(23), ..Rung::master("1080p") }
}

impl<'a> Bench<'a> {
    fn new(folder: &'a Path) -> Result<Self, Anything> {
        let engine = Engine::new(&family(&Assets::from_dir(&support::assets(), &[])?))?;
        let photos = support::photos(folder, 2400, 1600);
        Ok(Self { folder, engine, sample: support::sample(StoryKind::Figures), photos })
    }

    /// A film of the sample in a folder of its own; the first [`SECONDS`] of it.
    fn film(
        &self,
        name: &str,
        brand: &str,
        format: Format,
        rungs: Vec<Rung>,
    ) -> Result<Film, Anything> {
        let shown = support::pictured(&[0, 1, 2]);
        let mut order = self.sample.order(&shown);
        order.look = Look::of(&self.engine, brand)?;
        let [work, out] = ["work", "out"].map(|kind| self.folder.join(name).join(kind));
        fs::create_dir_all(&work)?;
        fs::create_dir_all(&out)?;
        let Cast { mut timeline, score } =
            cast(&order, format, &propose(&order, format), &[], false)?;
        shorten(&mut timeline);
        let folders = Folders { work: &work, out: &out };
        let wanted = Wanted { rungs, bulletins: vec![] };
        let cast = Cast { timeline, score };
        Ok(prepare(cast, &order, (&self.engine, brand), wanted, folders, &Cancel::new())?)
    }

    /// A request with a cache of its own, empty before.
    fn request(&self, name: &str, films: Vec<Film>) -> Result<Request, Anything> {
        let cache = self.folder.join(name).join("cache");
        fs::remove_dir_all(&cache).ok();
        fs::create_dir_all(&cache)?;
        Ok(Request { films, photos: self.photos.clone(), videos: vec![], cache, workers: 2 })
    }

    fn against_the_least(&self) -> Result<Vec<Value>, Anything> {
        let film = self.film("least", "demo", Format::Short, vec![master()])?;
        let request = self.request("least", vec![film])?;
        let film = &request.films[0];
        let pictures = worker::load(&request, film)?;
        let sound = least::sound(&request, film, &film.rungs[0])?;
        let mut frames = least::compose(&film.timeline, &pictures)?;
        let mut ladder =
            vec![self.film("ladder", "demo", Format::Short, vec![master(), Rung::half("540p")])?];
        ladder.push(self.film(
            "low",
            "demo",
            Format::Low,
            vec![Rung::low_band("360p", 148, 28)],
        )?);
        ladder.push(self.film(
            "lowest",
            "demo",
            Format::Lowest,
            vec![Rung::low_band("240p", 62, 24)],
        )?);

        let (mut cpu, mut wall, mut each, mut four) = (vec![], vec![], vec![], vec![]);
        for _ in 0..RUNS {
            let encode = timed(|| {
                let job = (&film.timeline, &film.rungs[0]);
                Ok(least::encode(job, &mut frames, &sound, 2, &film.out).map(drop)?)
            })?;
            let total = self.request("least", request.films.clone())?;
            let total = timed(|| Ok(worker::work(&total, &Cancel::new(), |_| ()).map(drop)?))?;
            let all = self.request("ladder", ladder.clone())?;
            let all = timed(|| Ok(worker::work(&all, &Cancel::new(), |_| ()).map(drop)?))?;
            let drawn = timed(|| {
                let mut compositor = Compositor::new(&film.timeline, &pictures)?;
                let mut frame = compositor.still(0)?;
                for number in 0..film.timeline.frames() {
                    compositor.render(number, &mut frame.view())?;
                }
                Ok(())
            })?;
            cpu.push(total.0 / encode.0);
            wall.push(total.1 / encode.1);
            each.push(drawn.0 * 1000.0 / f64::from(film.timeline.frames()));
            four.push(all.0 / total.0);
        }
        Ok(vec![
            row("clip.total_over_encode_cpu", cpu, "ratio", 1.06),
            row("clip.total_over_encode_wall", wall, "ratio", 1.06),
            row("clip.compositor_ms_per_frame", each, "ms", 1.0),
            row("clip.ladder_over_master", four, "ratio", 1.5),
        ])
    }

    /// A caption is corrected: the same clip again, with what was finished before.
    fn fix(&self) -> Result<Vec<Value>, Anything> {
        let mut ratios = vec![];
        for run in 0..RUNS {
            let film = self.film("fix", "demo", Format::Short, vec![master()])?;
            let mut request = self.request("fix", vec![film])?;
            let whole = timed(|| Ok(worker::work(&request, &Cancel::new(), |_| ()).map(drop)?))?;
            // Other pixels in the first caption, as another word would be.
            let film = &mut request.films[0];
            let caption = film.sprites.iter().position(|s| s.key.plate.contains("caption"));
            let of = caption.ok_or("the clip has no caption")?;
            let mut rows = fs::read(&film.sprites[of].path)?;
            let middle = rows.len() / 2;
            rows[middle] ^= 0x20;
            film.sprites[of].path = self.folder.join(format!("fixed-{run}.rgba"));
            film.sprites[of].digest = format!("fixed-{run}");
            fs::write(&film.sprites[of].path, rows)?;
            let fixed = timed(|| Ok(worker::work(&request, &Cancel::new(), |_| ()).map(drop)?))?;
            ratios.push(fixed.0 / whole.0);
        }
        Ok(vec![row("clip.caption_fix_ratio", ratios, "ratio", 0.25)])
    }

    /// Agencies of one family make the same clip, each with its own mark and address.
    fn agencies(&self) -> Result<Vec<Value>, Anything> {
        let mut ratios = vec![];
        for _ in 0..RUNS {
            let one = self.film("agency-0", "agency-0", Format::Short, vec![master()])?;
            let request = self.request("agencies", vec![one])?;
            let first = timed(|| Ok(worker::work(&request, &Cancel::new(), |_| ()).map(drop)?))?;
            let mut all = first.0;
            for n in 1..AGENCIES {
                let name = format!("agency-{n}");
                let film = self.film(&name, &name, Format::Short, vec![master()])?;
                let next = Request { films: vec![film], ..request.clone() };
                all += timed(|| Ok(worker::work(&next, &Cancel::new(), |_| ()).map(drop)?))?.0;
            }
            ratios.push(all / first.0);
        }
        Ok(vec![row("clip.ten_brands_ratio", ratios, "ratio", 4.0)])
    }

    /// A film of three minutes: memory of the process at its highest, and how much faster than it plays.
    fn three_minutes(&self) -> Result<Vec<Value>, Anything> {
        let film = self.film("long", "demo", Format::Short, vec![master()])?;
        let mut request = self.request("long", vec![film])?;
        let timeline = &mut request.films[0].timeline;
        // The same scenes nine times over: longer, with no more pictures than a film of this length has.
        let (scenes, overlays, length) =
            (timeline.scenes.clone(), timeline.overlays.clone(), timeline.frames());
        for n in 1..9 {
            timeline.scenes.extend(scenes.iter().cloned().map(|mut scene| {
                scene.start += n * length;
                scene
            }));
            timeline.overlays.extend(overlays.iter().cloned().map(|mut cue| {
                cue.start += n * length;
                cue
            }));
        }
        let seconds = f64::from(timeline.frames()) / 30.0;
        let (rss, spent) = cost::alone(&request, self.folder)?;
        Ok(vec![
            row("clip.rss_3min_mib", vec![rss], "MiB", 400.0),
            cost::at_least("clip.3min_times_real_time", vec![seconds / spent], "times", 2.0),
        ])
    }
}

/// The first seconds of the sample clip: moving photos, words, transitions, and its end card.
fn shorten(timeline: &mut loa_clip::Timeline) {
    let end = timeline.scenes.pop().expect("a clip ends with a card");
    let fps = timeline.canvas.fps;
    let until = SECONDS * fps - end.frames;
    timeline.scenes.retain(|scene| scene.start + fps < until);
    let last = timeline.scenes.last_mut().expect("a clip has scenes");
    last.frames = until - last.start;
    for cue in &mut last.cues {
        cue.frames = cue.frames.map(|frames| frames.min(until - last.start));
    }
    timeline.scenes.push(loa_clip::timeline::Scene { start: until, ..end });
    timeline.overlays.retain(|cue| cue.start < until);
}

/// The demo's kit ten times over, as kits of agencies of one family.
fn family(assets: &Assets) -> Assets {
    let mut out = assets.clone();
    let kit: BTreeMap<String, Bytes> = assets
        .brands
        .iter()
        .filter(|(path, _)| path.starts_with("demo/"))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect();
    for n in 0..AGENCIES {
        for (path, bytes) in &kit {
            let path = path.replacen("demo", &format!("agency-{n}"), 1);
            let bytes = if path.ends_with("brand.toml") {
                let text = String::from_utf8_lossy(bytes);
                let text = text.replace("Minh Họa", &format!("Minh Họa số {n}"));
                Bytes::from(format!("family = \"demo\"\n{text}"))
            } else {
                bytes.clone()
            };
            out.brands.insert(path, bytes);
        }
    }
    out
}
