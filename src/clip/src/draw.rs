//! The parent's part: lets the canvas draw every plate, checks what it set, keeps the layers as files for the child.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use loa_canvas::{Canvas as Sheetsize, Engine, Sheet};
use loa_model::{Cancel, Digest};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    error::file,
    provenance,
    sprite::{Bitmap, Sprite},
    timeline::{Plate, Source, SpriteKey, Timeline},
};

/// A drawn layer in a file of raw premultiplied RGBA rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpriteFile {
    /// Which layer.
    pub key: SpriteKey,
    /// Left edge on the canvas.
    pub x: i32,
    /// Top edge on the canvas.
    pub y: i32,
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// Where its rows are.
    pub path: PathBuf,
    /// Digest of its rows.
    pub digest: String,
}

impl SpriteFile {
    /// What it shows and where, for names in the cache.
    pub(crate) fn identity(&self) -> String {
        let Self { x, y, width, height, digest, .. } = self;
        format!("{x},{y},{width},{height},{digest}")
    }
}

/// Draws every plate of a timeline, and lets its photos end where the ground under the words begins; layers that are clear, or
/// that no scene shows, are left out.
///
/// # Errors
/// [`Error::Canvas`], [`Error::Overflow`] when words do not fit, [`Error::Unfaithful`] when the canvas set a word that is
/// not the plate's, [`Error::Cancelled`].
pub fn draw(
    timeline: &mut Timeline,
    engine: &Engine,
    brand: &str,
    cancel: &Cancel,
) -> Result<BTreeMap<SpriteKey, Bitmap>> {
    let bitmaps = draw_some(timeline, |_| true, (engine, brand), cancel)?;
    uncover(timeline, |key, x| bitmaps.get(key)?.covers(x));
    Ok(bitmaps)
}

/// Layers that some scene shows.
pub(crate) fn shown(timeline: &Timeline) -> BTreeSet<&SpriteKey> {
    let scenes = timeline.scenes.iter().flat_map(|scene| &scene.cues);
    scenes.chain(&timeline.overlays).map(|cue| &cue.sprite).collect()
}

/// [`draw`] of the plates that are wanted.
pub(crate) fn draw_some(
    timeline: &Timeline,
    wanted: impl Fn(&Plate) -> bool,
    (engine, brand): (&Engine, &str),
    cancel: &Cancel,
) -> Result<BTreeMap<SpriteKey, Bitmap>> {
    let family = engine.family(brand)?;
    let brand = engine.brand(brand)?;
    let canvas = (timeline.canvas.width, timeline.canvas.height);
    let shown = shown(timeline);
    let mut bitmaps = BTreeMap::new();
    for plate in timeline.plates.iter().filter(|plate| wanted(plate)) {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let lang = plate.data.get("lang").and_then(|lang| lang.as_str()).unwrap_or("vi");
        let kit = if plate.own { brand } else { family };
        let sheet = Sheet {
            template: &plate.template,
            brand: &kit.id,
            canvas: Sheetsize::new(canvas.0, canvas.1).with_safe(plate.safe),
            data: &plate.data,
            photos: &[],
        };
        let layout = engine.compose(&sheet)?;
        let agency = [kit.name(lang), kit.tagline.as_str()];
        provenance::check_set(plate, &layout.texts(), agency, &engine.labels(lang))?;
        for layer in 0..layout.len() {
            let key = SpriteKey { plate: plate.id.clone(), layer };
            if !shown.contains(&key) {
                continue;
            }
            let pixels = layout.pixels(layer, 1.0);
            if let Some(bounds) = pixels.bounds() {
                bitmaps.insert(key, Bitmap::cut(&pixels.rgba, canvas, bounds));
            }
        }
    }
    Ok(bitmaps)
}

/// Lets photos end where the words' own ground begins: `covers` tells in which rows a layer covers a column. What lies below
/// it nobody sees; the middle of what is seen is the middle of the photo then, and more of its width is in sight. A photo that
/// is shown whole keeps as far from that ground as from the left edge.
pub(crate) fn uncover(
    timeline: &mut Timeline,
    covers: impl Fn(&SpriteKey, i32) -> Option<Range<i32>>,
) {
    for scene in &mut timeline.scenes {
        let shot = scene.shot.as_mut();
        let shot = shot.filter(|shot| !matches!(shot.source, Source::Video { .. }));
        let ground = scene.cues.iter().find(|cue| cue.sprite.layer == 0);
        let (Some(shot), Some(ground)) = (shot, ground) else { continue };
        let place = &mut shot.place;
        let middle = (place.x + place.width / 2).cast_signed();
        let Some(rows) = covers(&ground.sprite, middle) else { continue };
        let (top, low) = (rows.start.max(0).cast_unsigned(), rows.end.max(0).cast_unsigned());
        let is_whole = matches!(shot.source, Source::Whole { .. });
        let end = if is_whole { top.saturating_sub(place.x) & !1 } else { top.next_multiple_of(2) };
        let foot = place.y + place.height;
        if low >= foot && (place.y + 1..foot).contains(&end) {
            place.height = end - place.y;
            shot.melt = 0;
        }
    }
}

/// Writes drawn layers into a folder, those that are alike once.
///
/// # Errors
/// [`Error::File`].
pub fn keep(bitmaps: &BTreeMap<SpriteKey, Bitmap>, folder: &Path) -> Result<Vec<SpriteFile>> {
    let mut written = BTreeSet::new();
    let kept = bitmaps.iter().map(|(key, bitmap)| {
        let digest = Digest::of(&bitmap.rgba).to_string();
        let path = folder.join(format!("sprite-{digest}.rgba"));
        if written.insert(digest.clone()) {
            fs::write(&path, &bitmap.rgba).map_err(file(&path))?;
        }
        let Bitmap { x, y, width, height, .. } = *bitmap;
        Ok(SpriteFile { key: key.clone(), x, y, width, height, path, digest })
    });
    kept.collect()
}

/// Reads some of them back, ready to be laid over frames; those that are alike are one in memory.
///
/// # Errors
/// [`Error::File`] when one is missing, [`Error::Timeline`] when it is not as large as it says.
pub(crate) fn load<'a>(
    files: impl Iterator<Item = &'a SpriteFile>,
) -> Result<BTreeMap<SpriteKey, Arc<Sprite>>> {
    let mut known: BTreeMap<String, Arc<Sprite>> = BTreeMap::new();
    let loaded = files.map(|sprite| {
        let identity = sprite.identity();
        if let Some(same) = known.get(&identity) {
            return Ok((sprite.key.clone(), Arc::clone(same)));
        }
        let rgba = fs::read(&sprite.path).map_err(file(&sprite.path))?;
        let SpriteFile { x, y, width, height, .. } = *sprite;
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        if !even || Some(rgba.len()) != width.checked_mul(height).and_then(|n| n.checked_mul(4)) {
            let name = sprite.path.display();
            return Err(Error::Timeline(format!("{name} is not {width}x{height} pixels")));
        }
        let made = Arc::new(Sprite::new(&Bitmap { x, y, width, height, rgba }));
        known.insert(identity, Arc::clone(&made));
        Ok((sprite.key.clone(), made))
    });
    loaded.collect()
}
