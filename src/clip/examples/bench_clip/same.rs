//! The clip of a folder that other tools make too (`benches/peers/README.md` says what is in it): `make FOLDER OUT.mp4`.

use std::{collections::BTreeMap, fs, path::Path};

use loa_clip::{
    Bitmap, Film, PhotoFile, Request, Score, Timeline, keep,
    timeline::{Canvas, Cue, Motion, Place, Scene, SceneKind, Shot, Source, SpriteKey, View},
    worker,
};
use loa_model::{Cancel, Music, Transition};
use serde::Deserialize;

use crate::{cost::Anything, master};

#[derive(Deserialize)]
struct Spec {
    width: u32,
    height: u32,
    fps: u32,
    ground: String,
    bar: Bar,
    scenes: Vec<SpecScene>,
    overlays: Vec<Layer>,
}

#[derive(Deserialize)]
struct Bar {
    height: u32,
    colour: String,
}

#[derive(Deserialize)]
struct SpecScene {
    start: u32,
    frames: u32,
    fade: u32,
    photo: Option<Photo>,
    from: Option<Move>,
    to: Option<Move>,
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Photo {
    file: String,
    width: f64,
    height: f64,
}

/// Shares of what can be moved, and a zoom.
#[derive(Deserialize, Clone, Copy)]
struct Move {
    x: f64,
    y: f64,
    zoom: f64,
}

#[derive(Deserialize)]
struct Layer {
    file: String,
    x: i32,
    y: i32,
    start: u32,
    frames: Option<u32>,
    enter: u32,
    rise: u32,
    leave: u32,
}

/// Makes the clip, and nothing but it.
pub(crate) fn make(folder: &Path, out: &Path) -> Result<(), Anything> {
    let spec: Spec = serde_json::from_slice(&fs::read(folder.join("spec.json"))?)?;
    let work = tempfile::tempdir()?;
    let [sprites, results, cache] = ["sprites", "out", "cache"].map(|name| work.path().join(name));
    for folder in [&sprites, &results, &cache] {
        fs::create_dir_all(folder)?;
    }
    let mut bitmaps = BTreeMap::new();
    for layer in spec.scenes.iter().flat_map(|scene| &scene.layers).chain(&spec.overlays) {
        bitmaps.insert(key(&layer.file), bitmap(folder, layer)?);
    }
    let photos: Vec<PhotoFile> = (0..)
        .zip(spec.scenes.iter().filter_map(|scene| scene.photo.as_ref()))
        .map(|(index, photo)| PhotoFile { index, path: folder.join(&photo.file) })
        .collect();
    let film = Film {
        timeline: timeline(&spec)?,
        lang: "vi".into(),
        sprites: keep(&bitmaps, &sprites)?,
        score: Score { music: Music::Silent, ..Score::default() },
        rungs: vec![master()],
        bulletins: vec![],
        out: results,
    };
    let request = Request { films: vec![film], photos, videos: vec![], cache, workers: 2 };
    let made = worker::work(&request, &Cancel::new(), |_| ())?;
    fs::copy(&made[0].path, out)?;
    Ok(())
}

fn key(file: &str) -> SpriteKey {
    SpriteKey { plate: file.into(), layer: 0 }
}

fn bitmap(folder: &Path, layer: &Layer) -> Result<Bitmap, Anything> {
    let picture = image::open(folder.join(&layer.file))?.to_rgba8();
    let (wide, high) = (picture.width().next_multiple_of(2), picture.height().next_multiple_of(2));
    let mut rgba = Vec::with_capacity(wide as usize * high as usize * 4);
    for y in 0..high {
        for x in 0..wide {
            let inside = x < picture.width() && y < picture.height();
            let [r, g, b, a] = if inside { picture.get_pixel(x, y).0 } else { [0; 4] };
            let by = |c: u8| u8::try_from(u32::from(c) * u32::from(a) / 255).unwrap_or(u8::MAX);
            rgba.extend([by(r), by(g), by(b), a]);
        }
    }
    let Layer { x, y, .. } = *layer;
    Ok(Bitmap { x, y, width: wide as usize, height: high as usize, rgba })
}

fn timeline(spec: &Spec) -> Result<Timeline, Anything> {
    let mut next = 0;
    let mut scenes = Vec::new();
    for (i, scene) in spec.scenes.iter().enumerate() {
        let shot = scene.photo.as_ref().map(|photo| {
            let source = Source::Photo(next);
            next += 1;
            let still = Move { x: 0.5, y: 0.5, zoom: 1.0 };
            let place = Place { x: 0, y: 0, width: spec.width, height: spec.height };
            let view = |to: Option<Move>| centred(to.unwrap_or(still), photo, spec);
            Shot {
                source,
                place,
                melt: 0,
                from: view(scene.from),
                to: view(scene.to),
                path: vec![],
            }
        });
        scenes.push(Scene {
            kind: SceneKind::Point,
            beat: u32::try_from(i)?,
            start: scene.start,
            frames: scene.frames,
            enter: Transition::Fade,
            fade_in: scene.fade,
            fade_out: spec.scenes.get(i + 1).map_or(0, |after| after.fade),
            shot,
            cues: scene.layers.iter().map(cue).collect(),
        });
    }
    Ok(Timeline {
        canvas: Canvas { width: spec.width, height: spec.height, fps: spec.fps },
        ground: colour(&spec.ground)?,
        bar_colour: colour(&spec.bar.colour)?,
        bar_height: spec.bar.height,
        scenes,
        overlays: spec.overlays.iter().map(cue).collect(),
        plates: vec![],
        captions: vec![],
        texts: vec![],
        clean_photos: false,
        poster: 30,
        alt: String::new(),
    })
}

/// The same view by its middle.
fn centred(by: Move, photo: &Photo, spec: &Spec) -> View {
    let aspect = f64::from(spec.width) / f64::from(spec.height);
    let tall = photo.height.min(photo.width / aspect) / by.zoom;
    let wide = tall * aspect;
    let middle = |share: f64, all: f64, length: f64| ((all - length) * share + length / 2.0) / all;
    View { x: middle(by.x, photo.width, wide), y: middle(by.y, photo.height, tall), zoom: by.zoom }
}

fn cue(layer: &Layer) -> Cue {
    let motion = match layer.enter {
        0 => Motion::Still,
        frames => Motion::Rise { frames, by: layer.rise },
    };
    let Layer { start, frames, leave, .. } = *layer;
    Cue { sprite: key(&layer.file), start, frames, leave, motion }
}

fn colour(text: &str) -> Result<[u8; 3], Anything> {
    let value = u32::from_str_radix(text.trim_start_matches('#'), 16)?;
    let [_, red, green, blue] = value.to_be_bytes();
    Ok([red, green, blue])
}
