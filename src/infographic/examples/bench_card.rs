//! The card's numbers: prints a JSON array of rows on stdout. Run in release: `cargo run --release -p loa-infographic --example bench_card`.
//!
//! Steps are interleaved so that a busy machine slows them alike; values are medians of CPU milliseconds, `spread` is the range around them as a share of the median.

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "some stories are told by the tests alone")]
mod support;

use std::hint::black_box;

use loa_canvas::{Canvas, Pixels, PreparedPhoto, Sheet, encode};
use serde_json::{Value, json};
use support::{ENGINE, TYPICAL, told, valley};

const RUNS: usize = 9;

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

    fn row(&self, name: &str, bound: Option<f64>) -> Value {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.0.iter().copied().fold(0.0, f64::max);
        let spread = (high - low) / self.median();
        row(name, self.median(), "ms", bound, Some(spread))
    }
}

/// CPU time of all threads of this process: layout runs on a pool, and a neighbour's load is not our cost.
fn cpu_ms() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("the bench runs on Linux");
    let spent = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(spent).sum::<f64>() / 1e6
}

fn row(name: &str, value: f64, unit: &str, bound: Option<f64>, spread: Option<f64>) -> Value {
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let ok = bound.is_none_or(|bound| value <= bound);
    json!({"name": name, "value": round(value), "unit": unit, "bound": bound, "ok": ok, "n": RUNS, "spread": spread})
}

fn main() {
    let (article, brief) = told(&TYPICAL);
    let source = valley(4000, 2667);
    let slot = (1080, 420);
    let photo = |slot: (u32, u32)| -> PreparedPhoto {
        source.photo.cover(slot.0, slot.1, source.focus).expect("a slot of the template")
    };
    let figure = &brief.figures[0];
    // Another headline each time, as for another article: nothing comes from the compiler's cache.
    let data = |run: usize| {
        json!({
            "lang": "vi", "category": article.section, "date": "22/11/2026",
            "title": format!("{} {run}", brief.title.text),
            "points": brief.points.iter().take(3).map(|point| &point.text).collect::<Vec<_>>(),
            "figures": [{"value": figure.value, "unit": figure.unit, "label": figure.label.text}],
            "source": article.source.publisher, "url": "https://minhhoa.example/l/k7Xq2", "url_short": "minhhoa.example",
        })
    };
    let compose = |data: &Value, canvas: (u32, u32), photo: &[PreparedPhoto]| {
        let canvas = Canvas::new(canvas.0, canvas.1);
        let sheet = Sheet { template: "tin-nhanh", brand: "demo", canvas, data, photos: photo };
        ENGINE.compose(&sheet).expect("the card of the tests")
    };
    let mut steps: [Samples; 8] = Default::default();
    let [layout, raster, png, jpeg, fill, next_png, next_jpeg, preview] = &mut steps;
    for run in 0..=RUNS {
        let first = data(run);
        let photos = [photo(slot)];
        let laid = layout.time(|| compose(&first, (1080, 1350), &photos));
        let pixels = raster.time(|| laid.pixels(0, 1.0));
        png.time(|| encode::png(&pixels).expect("a picture"));
        jpeg.time(|| encode::jpeg(&pixels, 85).expect("a picture"));
        fill.time(|| Pixels::filled(1080, 1350, [94, 10, 18, 255]));
        // The next size of the same article: the photo is decoded, its crop is not made.
        let whole = |end: &dyn Fn(&Pixels) -> Vec<u8>| {
            let photos = [photo((1080, 310))];
            end(&compose(&first, (1080, 1080), &photos).pixels(0, 1.0))
        };
        next_png.time(|| whole(&|pixels| encode::png(pixels).expect("a picture")));
        let second = data(run + 1000);
        next_jpeg.time(|| {
            let photos = [photo((1080, 310))];
            encode::jpeg(&compose(&second, (1080, 1080), &photos).pixels(0, 1.0), 85)
                .expect("a picture")
        });
        // What an editor sees while typing: the photo is decoded, the words are new.
        let typed = data(run + 2000);
        preview.time(|| {
            let photos = [photo(slot)];
            encode::jpeg(&compose(&typed, (1080, 1350), &photos).pixels(0, 0.5), 75)
                .expect("a picture")
        });
        if run == 0 {
            // The first round fills caches of code and fonts.
            steps_clear(&mut [layout, raster, png, jpeg, fill, next_png, next_jpeg, preview]);
        }
    }
    let floor = png.median() + fill.median();
    let whole = layout.median() + raster.median() + png.median();
    let rows = json!([
        layout.row("card.layout_ms", None),
        raster.row("card.raster_ms", None),
        png.row("card.encode_png_ms", None),
        jpeg.row("card.encode_jpeg_ms", None),
        next_png.row("card.next_size_png_cpu_ms", Some(45.0)),
        next_jpeg.row("card.next_size_jpeg_cpu_ms", Some(45.0)),
        preview.row("card.preview_cpu_ms", Some(40.0)),
        row("card.over_floor", whole / floor, "ratio", None, None),
    ]);
    #[expect(clippy::print_stdout, reason = "the bench hands its rows to make bench")]
    {
        println!("{rows}");
    }
}

fn steps_clear(steps: &mut [&mut Samples]) {
    for step in steps {
        step.0.clear();
    }
}
