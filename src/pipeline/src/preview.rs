//! A card as it would be, at half size, while its editor types: nothing of it is kept.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use loa_canvas::{DecodedPhoto, Engine, Focus, photo};
use loa_infographic::{Format, Infographic, SourcePhoto, Spread};
use loa_model::{Article, Brief, Cancel, Digest, Violation};
use serde_json::Value;

use crate::{Recipe, Result, Studio, kits, own, studio};

/// Photos that stay decoded: those of the articles that are being drawn or edited.
const PHOTOS: usize = 4;

/// What to draw.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Article.
    pub article: Article,
    /// Its brief, as far as it is edited.
    pub brief: Brief,
    /// Template, brand kit and focus; `sizes` names the one that is drawn.
    pub recipe: Recipe,
    /// The photo and where it stands in the article; none to draw without one.
    pub photo: Option<(usize, Bytes)>,
}

/// A card at half size. Nothing is drawn when `violations` has an entry.
#[derive(Debug, Clone)]
pub struct Preview {
    /// JPEG; empty with a violation.
    pub jpeg: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Alternative text.
    pub alt: String,
    /// Each drawn string with its origin, and what was left out, as in the manifest.
    pub picture: Value,
    /// What the crop keeps in sight; nothing where no photo is shown.
    pub focus: Option<Focus>,
    /// Why the size cannot hold it.
    pub violations: Vec<Violation>,
}

/// Photos by the digest of their bytes, the one that was used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Decoded(Mutex<Vec<(Digest, DecodedPhoto)>>);

impl Decoded {
    /// The working copy of a photo, decoded once for all pictures that show it.
    pub(crate) fn of(&self, bytes: &Bytes) -> Result<DecodedPhoto, loa_canvas::Error> {
        let digest = Digest::of(bytes);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.iter().position(|(of, _)| *of == digest) {
            let found = known.remove(place);
            known.push(found.clone());
            return Ok(found.1);
        }
        let decoded = photo::decode(bytes)?.working()?;
        if known.len() >= PHOTOS {
            known.remove(0);
        }
        known.push((digest, decoded.clone()));
        Ok(decoded)
    }
}

impl Studio {
    /// Draws one card at half size, with the template's sources as they are now.
    ///
    /// # Errors
    /// Those of the stage: words that are not the article's, an unknown template, size or brand, a photo that cannot be
    /// decoded, a template that does not compile (with its file and line).
    pub async fn preview(&self, draft: Draft) -> Result<Preview> {
        if draft.recipe.own.is_some() {
            return own::press(self.press.as_deref())?.preview(draft).await;
        }
        let (engine, decoded) = (Arc::clone(&self.engine), Arc::clone(&self.decoded));
        studio::on_a_thread(move || {
            let Draft { article, brief, recipe, photo } = draft;
            let engine = kits::with_kit(engine.get()?, recipe.kit.as_deref())?;
            let photos = photo.map(|(index, bytes)| {
                studio::source_photo(&article, &recipe, (index, &bytes), &decoded)
            });
            let photos = Vec::from_iter(photos.transpose()?);
            let sizes: Vec<&str> = recipe.sizes.iter().map(String::as_str).collect();
            let date = studio::shown_date(&article);
            let order = loa_infographic::Order {
                article: &article,
                brief: &brief,
                photos: &photos,
                brand: &recipe.brand,
                template: recipe.template.as_deref(),
                sizes: &sizes,
                formats: &[Format::Half],
                spread: Spread::Card,
                link: None,
                date: &date,
                cancel: &Cancel::new(),
            };
            let mut rendered = Infographic.render(&engine, &order, &mut |_| {})?;
            let picture = take_at(&mut rendered.provenance, "/pictures/0");
            let violations = rendered.violations;
            let focus = shown_focus(&engine, &picture, &sizes, &photos);
            let file = rendered.files.into_iter().next();
            let (jpeg, width, height, alt) = file
                .map(|file| (file.bytes, file.width, file.height, file.alt))
                .unwrap_or_default();
            Ok(Preview { jpeg, width, height, alt, picture, focus, violations })
        })
        .await
    }
}

/// What stands at a place; nothing where there is nothing.
pub(crate) fn take_at(value: &mut Value, place: &str) -> Value {
    value.pointer_mut(place).map(Value::take).unwrap_or_default()
}

/// What the crop of a photo keeps in sight, of one that the card shows: not every size of every family does.
pub(crate) fn shown_focus(
    engine: &Engine,
    picture: &Value,
    sizes: &[&str],
    photos: &[SourcePhoto],
) -> Option<Focus> {
    let family = engine.template(picture["template"].as_str()?).ok()?;
    let size = family.manifest.sizes.iter().find(|size| sizes.contains(&size.id.as_str()))?;
    let photo = photos
        .first()
        .filter(|photo| size.photos.first().is_some_and(|slot| photo.fills(*slot)))?;
    Some(photo.focus)
}
