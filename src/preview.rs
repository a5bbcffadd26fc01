//! Draws cards for the pages while they are edited.

use std::sync::Arc;

use futures::{FutureExt as _, future::BoxFuture};
use loa_canvas::Focus;
use loa_pipeline::{Draft, Recipe, Studio};
use loa_store::Blobs;
use loa_web::{Cards, Drawn, Wanted};

/// The studio and the photos.
pub(crate) struct Easel {
    pub(crate) studio: Studio,
    pub(crate) blobs: Arc<Blobs>,
}

impl Cards for Easel {
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>> {
        async move {
            let mut photo = None;
            let known =
                wanted.photo.and_then(|index| Some((index, wanted.article.photos.get(index)?)));
            if let Some((index, blob)) = known.and_then(|(index, known)| Some((index, known.blob?)))
            {
                let bytes = self.blobs.get(blob).await.map_err(|error| error.to_string())?;
                photo = Some((index, bytes));
            }
            let recipe =
                Recipe { template: wanted.template, brand: wanted.brand, sizes: vec![wanted.size] };
            let focus = wanted.focus.map(|focus| Focus { x: focus.x, y: focus.y });
            let draft =
                Draft { article: wanted.article, brief: wanted.brief, recipe, photo, focus };
            let drawn = self.studio.preview(draft).await.map_err(|error| error.to_string())?;
            Ok(Drawn {
                jpeg: drawn.jpeg,
                width: drawn.width,
                height: drawn.height,
                alt: drawn.alt,
                picture: drawn.picture,
                violations: drawn.violations,
            })
        }
        .boxed()
    }
}
