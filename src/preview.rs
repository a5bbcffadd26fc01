//! Draws cards for the pages while they are edited.

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use loa_canvas::{Manifest, Size};
use loa_model::{FocusPoint, PhotoChoice};
use loa_pipeline::{Draft, Recipe, Studio};
use loa_store::Blobs;
use loa_web::{Cards, Drawn, Family, Wanted};

/// The studio and the photos.
pub(crate) struct Easel {
    pub(crate) studio: Studio,
    pub(crate) blobs: Arc<Blobs>,
}

impl Cards for Easel {
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>> {
        async move {
            let Wanted { article, brief, choices, brand, size } = wanted;
            let index = match choices.photo {
                PhotoChoice::First => article.photos.iter().position(|photo| photo.blob.is_some()),
                PhotoChoice::Without => None,
                PhotoChoice::At(index) => Some(index),
            };
            let blob = index.and_then(|index| Some((index, article.photos.get(index)?.blob?)));
            let photo = match blob {
                Some((index, blob)) => {
                    let bytes = self.blobs.get(blob).await.map_err(|error| error.to_string())?;
                    Some((index, bytes))
                }
                None => None,
            };
            let recipe = Recipe { sizes: vec![size], ..Recipe::chosen(&choices, brand) };
            let draft = Draft { article, brief, recipe, photo };
            let drawn = self.studio.preview(draft).await.map_err(|error| error.to_string())?;
            Ok(Drawn {
                jpeg: drawn.jpeg,
                width: drawn.width,
                height: drawn.height,
                alt: drawn.alt,
                picture: drawn.picture,
                focus: drawn.focus.and_then(|focus| FocusPoint::at(focus.x, focus.y)),
                violations: drawn.violations,
            })
        }
        .boxed()
    }

    fn families(&self) -> BoxFuture<'_, Result<Vec<Family>, String>> {
        async move {
            let cards = self.studio.cards().await.map_err(|error| error.to_string())?;
            let family = |(id, manifest): (String, Manifest)| {
                let px = |size: Size| size.px.map(|(width, height)| (size.id, width, height));
                Family {
                    id,
                    name_vi: manifest.name_vi,
                    name_en: manifest.name_en,
                    sizes: manifest.sizes.into_iter().filter_map(px).collect(),
                }
            };
            Ok(cards.into_iter().map(family).collect())
        }
        .boxed()
    }
}
