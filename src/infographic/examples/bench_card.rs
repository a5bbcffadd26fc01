//! The card's numbers: prints a JSON array of rows on stdout. Run in release: `cargo run --release -p loa-infographic --example bench_card`.
//!
//! Steps are interleaved so that a busy machine slows them alike; values are medians of CPU milliseconds, `spread` is the range around them as a share of the median.
//!
//! `bench_card cards FOLDER` serves `benches/peers` instead: what others need for the same card goes to FOLDER, then each line of
//! stdin (`{"run": 7, "file": "a.png"}`, the file if it is wanted) is one card, and its answer what the steps of it cost.

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "some stories are told by the tests alone")]
mod support;

use std::{fs, hint::black_box, io, path::Path, time::Duration};

use loa_canvas::{Canvas, Engine, Layout, Pixels, PreparedPhoto, Sheet, encode, qr};
use loa_infographic::SourcePhoto;
use loa_model::{Article, Brief};
use serde_json::{Value, json};
use support::{ENGINE, TYPICAL, decoded, told, valley, valley_jpeg};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const RUNS: usize = 9;
const CANVAS: (u32, u32) = (1080, 1350);
/// The photo's slot on that canvas, and on the square one.
const SLOT: (u32, u32) = (1080, 700);
const SQUARE_SLOT: (u32, u32) = (1080, 520);
/// The part of the photo that others are given.
const PEER_SLOT: (u32, u32) = (1080, 420);
/// Pixels of a module of the code that others are given: as large as the template draws it.
const MODULE: u32 = 3;

/// Milliseconds of each run of one step.
#[derive(Default)]
struct Samples(Vec<f64>);

impl Samples {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = cpu_ms();
        let made = black_box(work());
        self.0.push(cpu_ms() - start);
        made
    }

    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn spread(&self) -> f64 {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(0.0, f64::max);
        (high - low) / self.median()
    }

    fn row(&self, name: &str, bound: Option<f64>) -> Value {
        row(name, self.median(), "ms", bound, Some(self.spread()))
    }

    fn ratio(&self, name: &str, bound: Option<f64>) -> Value {
        row(name, self.median(), "ratio", bound, Some(self.spread()))
    }
}

/// CPU time of all threads of this process: layout runs on a pool, and a neighbour's load is not our cost.
fn cpu_ms() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).expect("time that was spent").as_secs_f64() * 1e3
}

fn row(name: &str, value: f64, unit: &str, bound: Option<f64>, spread: Option<f64>) -> Value {
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let ok = bound.is_none_or(|bound| value <= bound);
    json!({"name": name, "value": round(value), "unit": unit, "bound": bound, "ok": ok, "n": RUNS, "spread": spread})
}

/// The story that is drawn, its photo decoded.
struct Told {
    article: Article,
    brief: Brief,
    source: SourcePhoto,
}

impl Told {
    fn new() -> Self {
        let (article, brief) = told(&TYPICAL);
        Self { article, brief, source: valley(4000, 2667) }
    }

    fn photo(&self, slot: (u32, u32)) -> PreparedPhoto {
        self.source.photo.cover(slot.0, slot.1, self.source.focus).expect("a slot of the template")
    }

    fn data(&self) -> Value {
        let (article, brief) = (&self.article, &self.brief);
        let figure = &brief.figures[0];
        json!({
            "lang": "vi", "category": article.section, "date": "22/11/2026", "title": brief.title.text,
            "points": brief.points.iter().take(3).map(|point| &point.text).collect::<Vec<_>>(),
            "figures": [{"value": figure.value, "unit": figure.unit, "label": figure.label.text}],
            "source": article.source.publisher, "url": "https://minhhoa.example/l/k7Xq2", "url_short": "minhhoa.example",
        })
    }

    /// Other words each time, as for another article: of headline, points and figure nothing comes from the compiler's cache.
    fn data_of(&self, run: usize) -> Value {
        let mut data = self.data();
        let other = |text: &mut Value| {
            *text = json!(format!("{} {run}", text.as_str().expect("words of the card")));
        };
        other(&mut data["title"]);
        data["points"].as_array_mut().into_iter().flatten().for_each(other);
        other(&mut data["figures"][0]["label"]);
        data
    }
}

fn compose(data: &Value, canvas: (u32, u32), photos: &[PreparedPhoto]) -> Layout {
    let canvas = Canvas::new(canvas.0, canvas.1);
    let sheet = Sheet { template: "tin-nhanh", brand: "demo", canvas, data, photos };
    ENGINE.compose(&sheet).expect("the card of the tests")
}

fn png_of(pixels: &Pixels) -> Vec<u8> {
    encode::png(pixels).expect("a picture")
}

fn jpeg_of(pixels: &Pixels, quality: u8) -> Vec<u8> {
    encode::jpeg(pixels, quality).expect("a picture")
}

#[expect(clippy::print_stdout, reason = "the bench hands its rows to make bench")]
fn say(value: &Value) {
    println!("{value}");
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [] => say(&rows(&Told::new())),
        [mode, folder] if mode == "cards" => cards(&Told::new(), Path::new(folder)),
        _ => panic!("bench_card, or bench_card cards FOLDER"),
    }
}

/// One card a line, for comparison with other tools.
fn cards(told: &Told, folder: &Path) {
    hand_out(told, folder);
    say(&json!({"ready": concat!("Loa ", env!("CARGO_PKG_VERSION"))}));
    for line in io::stdin().lines() {
        let order: Value =
            serde_json::from_str(&line.expect("a line of the bench")).expect("an order");
        let run = order["run"].as_u64().and_then(|run| usize::try_from(run).ok()).expect("a run");
        let mut steps: [Samples; 4] = Default::default();
        let [crop, layout, raster, encode] = &mut steps;
        let photos = [crop.time(|| told.photo(SLOT))];
        let laid = layout.time(|| compose(&told.data_of(run), CANVAS, &photos));
        let pixels = raster.time(|| laid.pixels(0, 1.0));
        let png = encode.time(|| png_of(&pixels));
        if let Some(file) = order["file"].as_str() {
            fs::write(file, &png).expect("a file of the bench");
        }
        say(&json!({
            "bytes": png.len(),
            "steps": {
                "crop": crop.median(), "layout": layout.median(),
                "raster": raster.median(), "encode_png": encode.median(),
            },
        }));
    }
}

/// Words, colours, photo and code of the card, as files.
fn hand_out(told: &Told, folder: &Path) {
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("a folder of the bench");
    };
    let data = told.data();
    let brand = ENGINE.brand("demo").expect("the brand of the tests");
    let code = qr::modules(data["url"].as_str().unwrap_or_default()).expect("a short address");
    let side = code.side * MODULE;
    let rgba = code.enlarged(MODULE).iter().flat_map(|&luma| [luma, luma, luma, 255]).collect();
    write("photo.jpg", &jpeg_of(&opaque(&told.photo(PEER_SLOT)), 90));
    write("code.png", &png_of(&Pixels { width: side, height: side, rgba }));
    write("logo.svg", &brand.logo.as_ref().expect("the brand has a logo").bytes);
    let card = json!({
        "canvas": CANVAS, "slot": PEER_SLOT, "code": side, "data": data,
        "agency": brand.name("vi"), "theme": brand.theme, "labels": ENGINE.labels("vi"),
    });
    write("card.json", card.to_string().as_bytes());
}

fn opaque(photo: &PreparedPhoto) -> Pixels {
    let rgba = photo.rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect();
    Pixels { width: photo.width, height: photo.height, rgba }
}

fn rows(told: &Told) -> Value {
    let mut steps: [Samples; 8] = Default::default();
    let [layout, raster, png, jpeg, fill, next_png, next_jpeg, preview] = &mut steps;
    for run in 0..=RUNS {
        let first = told.data_of(run);
        let photos = [told.photo(SLOT)];
        let laid = layout.time(|| compose(&first, CANVAS, &photos));
        let pixels = raster.time(|| laid.pixels(0, 1.0));
        png.time(|| png_of(&pixels));
        jpeg.time(|| jpeg_of(&pixels, 85));
        fill.time(|| Pixels::filled(CANVAS.0, CANVAS.1, [94, 10, 18, 255]));
        // The next size of the same article: the photo is decoded, its crop is not made.
        let square =
            |data: &Value| compose(data, (1080, 1080), &[told.photo(SQUARE_SLOT)]).pixels(0, 1.0);
        next_png.time(|| png_of(&square(&first)));
        let second = told.data_of(run + 1000);
        next_jpeg.time(|| jpeg_of(&square(&second), 85));
        // What an editor sees while typing: the photo is decoded, the words are new.
        let typed = told.data_of(run + 2000);
        preview.time(|| jpeg_of(&compose(&typed, CANVAS, &[told.photo(SLOT)]).pixels(0, 0.5), 75));
        if run == 0 {
            // The first round fills caches of code and fonts.
            steps_clear(&mut [layout, raster, png, jpeg, fill, next_png, next_jpeg, preview]);
        }
    }
    let [ten, ten_from_file] = ten_agencies(told);
    let [early, late] = memory(told);
    // What nobody can leave out: filling the pixels of the laid-out card, and writing them.
    let floor = raster.median() + png.median();
    let whole = layout.median() + floor;
    let blank = fill.median() + png.median();
    json!([
        layout.row("card.layout_ms", None),
        raster.row("card.raster_ms", None),
        png.row("card.encode_png_ms", None),
        jpeg.row("card.encode_jpeg_ms", None),
        next_png.row("card.next_size_png_cpu_ms", Some(45.0)),
        next_jpeg.row("card.next_size_jpeg_cpu_ms", Some(45.0)),
        preview.row("card.preview_cpu_ms", Some(40.0)),
        row("card.over_floor", whole / floor, "ratio", Some(3.0), None),
        row("card.over_blank", whole / blank, "ratio", None, None),
        ten.ratio("card.ten_agencies_over_one", Some(6.0)),
        ten_from_file.ratio("card.ten_agencies_over_one_from_file", None),
        row("card.rss_after_1000_mib", late, "MiB", Some(250.0), None),
        row("card.rss_1000_over_500", late / early, "ratio", Some(1.05), None),
    ])
}

/// How often one card the cards of ten agencies cost, the same words in ten brand kits: with the photo decoded before, and from
/// the file of the photo on.
fn ten_agencies(told: &Told) -> [Samples; 2] {
    // Dark enough for white and for the accent of the kit of the demo.
    const COLOURS: [&str; 10] = [
        "#a8121b", "#7a1f3d", "#5b2a86", "#2f3c8f", "#114b8a", "#0b5563", "#0d5c46", "#3f5416",
        "#6b3f0e", "#7a2e12",
    ];
    let mut assets = support::assets();
    let file =
        |assets: &loa_canvas::Assets, name: &str| assets.brands[&format!("demo/{name}")].clone();
    let kit = String::from_utf8(file(&assets, "brand.toml").to_vec()).expect("a kit is text");
    for (index, colour) in COLOURS.iter().enumerate() {
        let line = |line: &str| match line.split_once(" = ") {
            Some(("brand", _)) => format!("brand = \"{colour}\""),
            Some(("name_vi", _)) => format!("name_vi = \"Cổng Thông tin điện tử tỉnh số {index}\""),
            _ => line.to_owned(),
        };
        let kit = kit.lines().map(line).collect::<Vec<_>>().join("\n");
        assets.brands.insert(format!("agency-{index}/brand.toml"), kit.into_bytes().into());
        assets.brands.insert(format!("agency-{index}/logo.svg"), file(&assets, "logo.svg"));
    }
    let engine = Engine::new(&assets).expect("kits that can be read");
    let drawn = |data: &Value, photos: &[PreparedPhoto], brand: &str| {
        let canvas = Canvas::new(CANVAS.0, CANVAS.1);
        let sheet = Sheet { template: "tin-nhanh", brand, canvas, data, photos };
        png_of(&engine.compose(&sheet).expect("the card of the tests").pixels(0, 1.0))
    };
    let jpeg = valley_jpeg(4000, 2667);
    let [mut ready, mut from_file] = <[Samples; 2]>::default();
    for run in 0..=RUNS {
        for (ratios, with_file) in [(&mut ready, false), (&mut from_file, true)] {
            let words = told.data_of(run * 4 + 3000 + usize::from(with_file));
            let photo = || {
                let source = if with_file { &decoded(&jpeg) } else { &told.source };
                source.photo.cover(SLOT.0, SLOT.1, told.source.focus)
            };
            let [mut one, mut ten] = <[Samples; 2]>::default();
            one.time(|| drawn(&words, &[photo().expect("a slot")], "agency-0"));
            let words = told.data_of(run * 4 + 3002 + usize::from(with_file));
            ten.time(|| {
                let photos = [photo().expect("a slot")];
                for index in 0..COLOURS.len() {
                    black_box(drawn(&words, &photos, &format!("agency-{index}")));
                }
            });
            if run > 0 {
                ratios.0.push(ten.median() / one.median());
            }
        }
    }
    [ready, from_file]
}

/// Resident memory after 500 and after 1,000 cards in five sizes, MiB.
fn memory(told: &Told) -> [f64; 2] {
    const SIZES: [((u32, u32), (u32, u32)); 5] = [
        (CANVAS, SLOT),
        ((1080, 1080), SQUARE_SLOT),
        ((1080, 1920), (1080, 980)),
        ((1200, 630), (472, 630)),
        ((1280, 720), (504, 720)),
    ];
    [0, 500].map(|from| {
        for run in from..from + 500 {
            let (canvas, slot) = SIZES[run % SIZES.len()];
            let data = told.data_of(run / SIZES.len() + 5000);
            black_box(jpeg_of(&compose(&data, canvas, &[told.photo(slot)]).pixels(0, 1.0), 85));
        }
        let status = fs::read_to_string("/proc/self/status").expect("the bench runs on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    })
}

fn steps_clear(steps: &mut [&mut Samples]) {
    for step in steps {
        step.0.clear();
    }
}
