//! Brand kits for the pages: read, drawn in and kept by the studio.

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use loa_model::{Actor, LogoFormat, OwnBrand, template::OWN};
use loa_pipeline::{Kept, LogoChange, NewKit, Removed, Wish, own_kits, remove_kit};
use loa_web::{Kit, KitDraft, KitError, KitOf, KitWish, Kits, LogoWish, SampleCard};

use crate::preview::Easel;

fn new(draft: KitDraft) -> NewKit {
    let KitDraft { agency, name, face, logo } = draft;
    let logo = match logo {
        LogoWish::Keep => LogoChange::Keep,
        LogoWish::Remove => LogoChange::Remove,
        LogoWish::New(file) => LogoChange::New(file),
    };
    NewKit { agency, name, face, logo }
}

/// What a person can mend of a failure, without the name that stands before it.
fn why(error: loa_pipeline::Error) -> String {
    match error {
        loa_pipeline::Error::Own { why, .. } => why,
        other => other.to_string(),
    }
}

impl Kits for Easel {
    fn kits<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Kit>, String>> {
        async move {
            let own = own_kits(&*self.store, &self.blobs, agency).await.map_err(why)?;
            let (reviewed, font) = self.studio.kits().await.map_err(why)?;
            let own = own.into_iter().map(|kit| Kit {
                id: kit.own.id(),
                title_vi: kit.own.face.title_vi.clone(),
                title_en: kit.own.face.title_en.clone(),
                tagline: kit.own.face.tagline.clone(),
                font: font.clone(),
                theme: kit.own.face.theme.clone(),
                has_logo: kit.logo.is_some(),
                stamp: kit.own.digest.short(),
                own: Some(kit.own),
            });
            let reviewed = reviewed.into_iter().map(|one| Kit {
                stamp: format!("{}-{}", one.brand.id, one.brand.version),
                id: one.brand.id,
                title_vi: one.brand.name_vi,
                title_en: one.brand.name_en,
                tagline: one.brand.tagline,
                font: one.family,
                theme: one.brand.theme,
                has_logo: one.brand.logo.is_some(),
                own: None,
            });
            Ok(own.chain(reviewed).collect())
        }
        .boxed()
    }

    fn logo<'a>(
        &'a self,
        agency: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<(LogoFormat, Bytes)>, String>> {
        async move {
            if id.starts_with(OWN) {
                let own = own_kits(&*self.store, &self.blobs, agency).await.map_err(why)?;
                let kit = own.into_iter().find(|kit| kit.own.id() == id);
                let logo = kit.and_then(|kit| Some((kit.own.face.logo?.format, kit.logo?)));
                return Ok(logo);
            }
            let (reviewed, _) = self.studio.kits().await.map_err(why)?;
            let kit = reviewed.into_iter().find(|kit| kit.brand.id == id);
            let logo = kit.and_then(|kit| kit.brand.logo).map(|logo| {
                let is_svg = logo.format == LogoFormat::Svg.name();
                (if is_svg { LogoFormat::Svg } else { LogoFormat::Png }, logo.bytes)
            });
            Ok(logo)
        }
        .boxed()
    }

    fn sample<'a>(
        &'a self,
        of: KitOf,
        look: (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<SampleCard, String>> {
        async move {
            let (id, kit) = match of {
                KitOf::Kept { agency, id } => {
                    let kit =
                        loa_pipeline::Kit::find(&*self.store, &self.blobs, &agency, &id).await;
                    let kit = kit.map_err(why)?.map(|kit| (*kit).clone());
                    (id, kit)
                }
                KitOf::Draft(draft) => {
                    let kit = self.studio.draft(&*self.store, &self.blobs, new(draft));
                    (String::new(), Some(kit.await.map_err(why)?))
                }
            };
            let drawn = self.studio.sample(look, &id, kit, self.photo.clone()).await;
            let drawn = drawn.map_err(why)?;
            Ok(SampleCard { jpeg: drawn.jpeg, width: drawn.width, height: drawn.height })
        }
        .boxed()
    }

    fn keep_kit(
        &self,
        draft: KitDraft,
        wish: KitWish,
        by: Actor,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<OwnBrand, KitError>> {
        async move {
            let wish = match wish {
                KitWish::Add => Wish::Add,
                KitWish::Change(seen) => Wish::Change(seen),
            };
            let place = (&*self.store, &*self.blobs);
            let photo = self.photo.clone();
            let kept = self.studio.keep_kit(place, new(draft), wish, photo, (by, at)).await;
            match kept.map_err(|error| KitError::Failed(error.to_string()))? {
                Kept::Yes(own) => Ok(*own),
                Kept::Missing => Err(KitError::Missing),
                Kept::Taken => Err(KitError::Taken),
                Kept::Raced => Err(KitError::Raced),
                Kept::No(why) => Err(KitError::Unfit(why)),
            }
        }
        .boxed()
    }

    fn remove_kit<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        by: Actor,
    ) -> BoxFuture<'a, Result<(), KitError>> {
        async move {
            match remove_kit(&*self.store, agency, name, by).await {
                Ok(Removed::Yes) => Ok(()),
                Ok(Removed::Missing) => Err(KitError::Missing),
                Ok(Removed::Used) => Err(KitError::Used),
                Err(loa_pipeline::Error::Store(loa_store::Error::Conflict { .. })) => {
                    Err(KitError::Raced)
                }
                Err(error) => Err(KitError::Failed(error.to_string())),
            }
        }
        .boxed()
    }
}
