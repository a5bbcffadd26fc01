//! Draws cards and clips for the pages while they are edited.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use loa_canvas::{Manifest, Size};
use loa_model::{Actor, Digest, FocusPoint, OwnTemplate, PhotoChoice};
use loa_pipeline::{
    ClipDraft, Draft, Finding, Kit, Recipe, Studio, VideoOnDisk, own_templates, remove_own,
};
use loa_store::{Blobs, Store};
use loa_web::{
    Arranged, Cards, ClipRow, Clips, Drawn, Family, Refused, Rehearsed, Shown, Spot, Subtitle,
    Wanted, WantedClip,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The studio, the photos and the templates of agencies.
pub(crate) struct Easel {
    pub(crate) studio: Studio,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) store: Arc<dyn Store>,
    /// Photo of the samples of templates.
    pub(crate) photo: Option<Bytes>,
    /// How many pictures are made small at once: each decodes a whole one.
    pub(crate) small: Semaphore,
}

/// Pictures that are made small at once.
pub(crate) const SMALL_AT_ONCE: usize = 2;

/// A finding as a line.
pub(crate) fn line(found: &Finding) -> String {
    format!("{} {}: {}", found.sample, found.size, found.problem)
}

fn family(id: String, manifest: Manifest, own: Option<Digest>) -> Family {
    let px = |size: Size| size.px.map(|(width, height)| (size.id, width, height));
    Family {
        id,
        name_vi: manifest.name_vi,
        name_en: manifest.name_en,
        sizes: manifest.sizes.into_iter().filter_map(px).collect(),
        own,
    }
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
            let recipe = recipe.with_own(&*self.store, &self.blobs, &article.agency).await;
            let recipe = recipe.map_err(|error| error.to_string())?;
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

    fn small(&self, picture: Bytes, width: u32) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        async move {
            let _turn = self.small.acquire().await.map_err(|error| error.to_string())?;
            let made = spawn_blocking(move || loa_canvas::photo::small(&picture, width)).await;
            made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        }
        .boxed()
    }

    fn families<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Family>, String>> {
        async move {
            let own =
                own_templates(&*self.store, agency).await.map_err(|error| error.to_string())?;
            let own = own.into_iter().map(|(own, says)| family(own.id(), says, Some(own.digest)));
            let cards = self.studio.cards().await.map_err(|error| error.to_string())?;
            let reviewed = cards.into_iter().map(|(id, says)| family(id, says, None));
            Ok(reviewed.chain(own).collect())
        }
        .boxed()
    }

    fn keep(&self, template: OwnTemplate) -> BoxFuture<'_, Result<(), Refused>> {
        async move {
            let place = (&*self.store, &*self.blobs);
            let found = self.studio.keep_own(place, template, self.photo.clone()).await;
            let found =
                found.map_err(|error| Refused { why: error.to_string(), findings: vec![] })?;
            if found.is_empty() {
                return Ok(());
            }
            let why =
                "Mẫu không vẽ được các bài mẫu / The template does not hold its samples".to_owned();
            Err(Refused { why, findings: found.iter().map(line).collect() })
        }
        .boxed()
    }

    fn remove<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        by: Actor,
    ) -> BoxFuture<'a, Result<bool, String>> {
        let gone = remove_own(&*self.store, agency, name, by);
        async move { gone.await.map_err(|error| error.to_string()) }.boxed()
    }
}

impl Easel {
    async fn draft(&self, wanted: WantedClip) -> Result<ClipDraft, String> {
        let WantedClip { article, brief, kind, clip, brand } = wanted;
        let kit = Kit::find(&*self.store, &self.blobs, &article.agency, &brand).await;
        let kit = kit.map_err(|error| error.to_string())?;
        let blobs: Vec<_> = article.photos.iter().map(|photo| photo.blob).collect();
        let photos = (0..blobs.len()).filter(|index| blobs[*index].is_some()).collect();
        let store = Arc::clone(&self.blobs);
        let fetch = move |index: usize| {
            let (store, blob) = (Arc::clone(&store), blobs.get(index).copied().flatten());
            async move {
                let blob = blob.ok_or_else(|| "the article has no such photo".to_owned())?;
                store.get(blob).await.map_err(|error| error.to_string())
            }
            .boxed()
        };
        let fetch = Arc::new(fetch);
        let videos = VideoOnDisk::all(&article, &self.blobs).map_err(|error| error.to_string())?;
        Ok(ClipDraft { article, brief, kind, clip, brand, kit, photos, fetch, videos })
    }
}

/// Name of a value as the pages know it.
fn name(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Clips for Easel {
    fn arrange(&self, wanted: WantedClip) -> BoxFuture<'_, Arranged> {
        async move {
            let (voices, voice) = self.studio.voices();
            let arranged = match self.draft(wanted).await {
                Ok(draft) => self.studio.arrange(&draft),
                Err(why) => {
                    return Arranged { wrong: Some(why), voices, voice, ..Arranged::default() };
                }
            };
            let place = |place| match place {
                loa_pipeline::Place::Told => loa_web::Place::Told,
                loa_pipeline::Place::LeftOut => loa_web::Place::LeftOut,
                loa_pipeline::Place::Unused => loa_web::Place::Unused,
            };
            let rows = arranged.rows.into_iter();
            let rows = rows.map(|row| ClipRow {
                beat: row.beat,
                words: row.words,
                place: place(row.place),
            });
            let (moves, wrong) = (arranged.moves, arranged.wrong);
            Arranged { rows: rows.collect(), moves, wrong, voices, voice }
        }
        .boxed()
    }

    fn rehearse(&self, wanted: WantedClip) -> BoxFuture<'_, Result<Rehearsed, String>> {
        async move {
            let drawn = self.studio.rehearse(self.draft(wanted).await?).await;
            let drawn = drawn.map_err(|error| error.to_string())?;
            let (clip, canvas) = (&drawn.clip, drawn.clip.canvas());
            let scenes = clip.scenes().iter().map(|seen| Shown {
                beat: seen.beat,
                kind: name(&seen.kind),
                from_ms: seen.from_ms,
                to_ms: seen.to_ms,
                still_ms: seen.still_ms,
                words: seen.words.clone(),
                photo: seen.photo,
                focus: seen.focus.map(|(x, y)| Spot { x, y }),
            });
            let captions = clip.captions().map(|(from_ms, to_ms, caption)| {
                let text = caption.lines.join("\n");
                Subtitle { from_ms, to_ms, text }
            });
            Ok(Rehearsed {
                id: drawn.id,
                width: canvas.width,
                height: canvas.height,
                fps: canvas.fps,
                duration_ms: clip.duration_ms(),
                voice: match drawn.telling {
                    loa_pipeline::Telling::Silent => loa_web::Telling::None,
                    loa_pipeline::Telling::Kept => loa_web::Telling::Kept,
                    loa_pipeline::Telling::Waiting => loa_web::Telling::Waiting,
                },
                scenes: scenes.collect(),
                captions: captions.collect(),
                left_out: drawn.left_out,
            })
        }
        .boxed()
    }

    fn frame<'a>(
        &'a self,
        agency: &'a str,
        id: Digest,
        ms: u64,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>> {
        let frame = self.studio.frame(agency, id, ms);
        async move { frame.await.map_err(|error| error.to_string()) }.boxed()
    }
}
