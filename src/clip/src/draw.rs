//! The parent's part: lets the canvas draw every plate, checks what it set, keeps the layers as files for the child.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use loa_canvas::{Canvas as Sheetsize, Engine, Sheet};
use loa_model::Cancel;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    error::file,
    provenance,
    sprite::Bitmap,
    timeline::{SpriteKey, Timeline},
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
}

/// Draws every plate of a timeline; layers that are clear are left out.
///
/// # Errors
/// [`Error::Canvas`], [`Error::Overflow`] when words do not fit, [`Error::Unfaithful`] when the canvas set a word that is
/// not the plate's, [`Error::Cancelled`].
pub fn draw(
    timeline: &Timeline,
    engine: &Engine,
    brand: &str,
    cancel: &Cancel,
) -> Result<BTreeMap<SpriteKey, Bitmap>> {
    let kit = engine.brand(brand)?;
    let canvas = (timeline.canvas.width, timeline.canvas.height);
    let mut bitmaps = BTreeMap::new();
    for plate in &timeline.plates {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let lang = plate.data.get("lang").and_then(|lang| lang.as_str()).unwrap_or("vi");
        let sheet = Sheet {
            template: &plate.template,
            brand,
            canvas: Sheetsize::new(canvas.0, canvas.1).with_safe(plate.safe),
            data: &plate.data,
            photos: &[],
        };
        let layout = engine.compose(&sheet)?;
        let agency = [kit.name(lang), kit.tagline.as_str()];
        provenance::check_set(plate, &layout.texts(), agency, &engine.labels(lang))?;
        for layer in 0..layout.len() {
            let pixels = layout.pixels(layer, 1.0);
            if let Some(bounds) = pixels.bounds() {
                let key = SpriteKey { plate: plate.id.clone(), layer };
                bitmaps.insert(key, Bitmap::cut(&pixels.rgba, canvas, bounds));
            }
        }
    }
    Ok(bitmaps)
}

/// Writes drawn layers into a folder.
///
/// # Errors
/// [`Error::File`].
pub fn keep(bitmaps: &BTreeMap<SpriteKey, Bitmap>, folder: &Path) -> Result<Vec<SpriteFile>> {
    let kept = bitmaps.iter().enumerate().map(|(i, (key, bitmap))| {
        let path = folder.join(format!("sprite-{i}.rgba"));
        fs::write(&path, &bitmap.rgba).map_err(file(&path))?;
        let Bitmap { x, y, width, height, .. } = *bitmap;
        Ok(SpriteFile { key: key.clone(), x, y, width, height, path })
    });
    kept.collect()
}

/// Reads them back.
///
/// # Errors
/// [`Error::File`] when one is missing, [`Error::Timeline`] when it is not as large as it says.
pub(crate) fn load(files: &[SpriteFile]) -> Result<BTreeMap<SpriteKey, Bitmap>> {
    let loaded = files.iter().map(|sprite| {
        let rgba = fs::read(&sprite.path).map_err(file(&sprite.path))?;
        let SpriteFile { x, y, width, height, .. } = *sprite;
        let even = width.is_multiple_of(2) && height.is_multiple_of(2);
        if !even || Some(rgba.len()) != width.checked_mul(height).and_then(|n| n.checked_mul(4)) {
            let name = sprite.path.display();
            return Err(Error::Timeline(format!("{name} is not {width}x{height} pixels")));
        }
        Ok((sprite.key.clone(), Bitmap { x, y, width, height, rgba }))
    });
    loaded.collect()
}
