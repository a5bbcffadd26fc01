//! Brand kits that are kept in the store and drawn by saying what was asked for.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use loa_model::{
    Actor, Agency, Colour, Digest, KeptLogo, LogoFormat, OwnBrand, Theme, record::join,
};
use loa_store::{Blobs, Changes, MemoryStore, Store as _, StoreExt as _};
use loa_web::{Kit, KitDraft, KitError, KitOf, KitWish, Kits, LogoWish, SampleCard};

/// The reviewed kits `demo` and `tinh`, and what agencies keep. Refuses a logo that holds the word `hỏng`. Draws a grey picture, or the card
/// that the example was given.
pub struct Office {
    pub store: Arc<MemoryStore>,
    pub blobs: Arc<Blobs>,
    /// What was drawn.
    pub drawn: Mutex<Vec<KitOf>>,
    /// The picture of every sample.
    pub picture: Vec<u8>,
}

pub fn theme(brand: &str, brand_dark: &str, muted: &str) -> Theme {
    let colour = |text: &str| Colour::try_from(text.to_owned()).unwrap();
    Theme {
        brand: colour(brand),
        brand_dark: colour(brand_dark),
        accent: colour("#ffd34d"),
        paper: colour("#fff9f0"),
        ink: colour("#231815"),
        muted: colour(muted),
    }
}

fn demo() -> Kit {
    Kit {
        id: "demo".to_owned(),
        title_vi: "Cổng Thông tin điện tử Minh Họa".to_owned(),
        title_en: "Minh Hoa Demonstration Portal".to_owned(),
        tagline: "minhhoa.example".to_owned(),
        font: "Be Vietnam Pro".to_owned(),
        theme: theme("#a8121b", "#5e0a12", "#6b5b53"),
        has_logo: true,
        stamp: "demo-1".to_owned(),
        own: None,
    }
}

fn province() -> Kit {
    Kit {
        id: "tinh".to_owned(),
        title_vi: "Đài Phát thanh tỉnh".to_owned(),
        title_en: "Provincial Radio".to_owned(),
        theme: theme("#174a83", "#0d2f57", "#55606b"),
        has_logo: false,
        stamp: "tinh-1".to_owned(),
        ..demo()
    }
}

const LOGO: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><circle cx=\".5\" cy=\".5\" r=\".5\" fill=\"#a8121b\"/></svg>";

impl Office {
    async fn own(&self, agency: &str) -> Vec<OwnBrand> {
        let of = OwnBrand::of_agency(agency);
        let rows = self.store.list::<OwnBrand>("own_brand_by_agency", &of, 100).await.unwrap();
        rows.into_iter().map(|row| row.record).collect()
    }
}

impl Kits for Office {
    fn kits<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Kit>, String>> {
        Box::pin(async move {
            let own = self.own(agency).await.into_iter().map(|own| Kit {
                id: own.id(),
                title_vi: own.face.title_vi.clone(),
                title_en: own.face.title_en.clone(),
                tagline: own.face.tagline.clone(),
                font: "Be Vietnam Pro".to_owned(),
                theme: own.face.theme.clone(),
                has_logo: own.face.logo.is_some(),
                stamp: own.digest.short(),
                own: Some(own),
            });
            Ok(own.chain([demo(), province()]).collect())
        })
    }

    fn logo<'a>(
        &'a self,
        agency: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<(LogoFormat, Bytes)>, String>> {
        Box::pin(async move {
            if id == "demo" {
                return Ok(Some((LogoFormat::Svg, Bytes::from_static(LOGO))));
            }
            let own = self.own(agency).await.into_iter().find(|own| own.id() == id);
            let Some(logo) = own.and_then(|own| own.face.logo) else { return Ok(None) };
            Ok(Some((logo.format, self.blobs.get(logo.blob).await.unwrap())))
        })
    }

    fn sample<'a>(
        &'a self,
        of: KitOf,
        _look: (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<SampleCard, String>> {
        Box::pin(async move {
            if let KitOf::Draft(KitDraft { logo: LogoWish::New(file), .. }) = &of
                && String::from_utf8_lossy(file).contains("hỏng")
            {
                return Err("Tệp logo hỏng / The logo file is damaged".to_owned());
            }
            self.drawn.lock().unwrap().push(of);
            Ok(SampleCard { jpeg: self.picture.clone(), width: 540, height: 540 })
        })
    }

    fn keep_kit(
        &self,
        draft: KitDraft,
        wish: KitWish,
        by: Actor,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<OwnBrand, KitError>> {
        Box::pin(async move {
            let KitDraft { agency, name, mut face, logo } = draft;
            let before = self.store.read::<OwnBrand>(&join(&[&agency, &name])).await.unwrap();
            match (&before, wish) {
                (Some(_), KitWish::Add) => return Err(KitError::Taken),
                (None, KitWish::Change(_)) => return Err(KitError::Missing),
                (Some(row), KitWish::Change(Some(seen))) if row.record.version != seen => {
                    return Err(KitError::Raced);
                }
                _ => {}
            }
            face.logo = match logo {
                LogoWish::Remove => None,
                LogoWish::Keep => before.as_ref().and_then(|row| row.record.face.logo),
                LogoWish::New(file) => {
                    if String::from_utf8_lossy(&file).contains("hỏng") {
                        let why = "Tệp logo hỏng / The logo file is damaged".to_owned();
                        return Err(KitError::Unfit(why));
                    }
                    let blob = Digest::of(&file);
                    self.blobs.put(file).await.unwrap();
                    Some(KeptLogo { blob, format: LogoFormat::Svg })
                }
            };
            let own = OwnBrand::new(&agency, &name, face, by.clone(), at);
            let mut own = own.map_err(|why| KitError::Unfit(why.to_string()))?;
            own.version += before.as_ref().map_or(0, |row| row.record.version);
            let changes = Changes::by(by, "change brand kit");
            let changes = match &before {
                Some(row) => changes.update(&own, row.version),
                None => changes.insert(&own),
            };
            self.store.commit(changes).await.unwrap();
            Ok(own)
        })
    }

    fn remove_kit<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        by: Actor,
    ) -> BoxFuture<'a, Result<(), KitError>> {
        Box::pin(async move {
            let row = self.store.read::<OwnBrand>(&join(&[agency, name])).await.unwrap();
            let row = row.ok_or(KitError::Missing)?;
            let kept = self.store.read::<Agency>(agency).await.unwrap();
            if kept.is_some_and(|agency| agency.record.brand == row.record.id()) {
                return Err(KitError::Used);
            }
            let changes = Changes::by(by, "remove brand kit").delete(&row.record, row.version);
            self.store.commit(changes).await.unwrap();
            Ok(())
        })
    }
}

impl super::World {
    /// The record of the agency, drawing in this kit.
    pub async fn agency_in(&self, brand: &str) {
        let agency = Agency {
            name: "demo".to_owned(),
            title: "Cổng Thông tin điện tử Minh Họa".to_owned(),
            brand: brand.to_owned(),
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            urgent_alone: false,
        };
        let changes = Changes::by(super::records::by(), "set agency");
        self.store.commit(changes.put(&agency, loa_store::Expect::Any)).await.unwrap();
    }

    /// Two kits of the agency: one in use that changed after its card was drawn, and one with a long name and no logo.
    pub async fn own_kits(&self) {
        let by = || Actor::User(self.people.admin.id);
        let face = |title: &str, english: &str, line: &str, theme: Theme| loa_model::Face {
            title_vi: title.to_owned(),
            title_en: english.to_owned(),
            tagline: line.to_owned(),
            theme,
            logo: None,
        };
        let draft = |name: &str, face, logo| KitDraft {
            agency: "demo".to_owned(),
            name: name.to_owned(),
            face,
            logo,
        };
        let green = theme("#0f5c35", "#0a3b23", "#5c5b53");
        let first = face("Sở Nông nghiệp và Môi trường Minh Họa", "", "", green.clone());
        let blue = theme("#0b3b75", "#072648", "#4d5a69");
        let long = face(
            "Trung tâm Điều hành Thông minh và Chuyển đổi số khu vực miền núi Minh Họa",
            "Centre for Smart Operations and Digital Transformation of the Highlands",
            "dieuhanh-chuyendoiso.minhhoa.example",
            blue,
        );
        let logo = LogoWish::New(Bytes::from_static(LOGO));
        let at = loa_model::Clock::now(&*self.clock);
        let made = self.kits.keep_kit(draft("nong-nghiep", first, logo), KitWish::Add, by(), at);
        let before = made.await.unwrap();
        let long = draft("dieu-hanh", long, LogoWish::Remove);
        self.kits.keep_kit(long, KitWish::Add, by(), at).await.unwrap();
        self.agency_in("own/nong-nghiep").await;
        // What the draft shows was drawn in the first version.
        let of = self.posts.draft.article.to_string();
        let key = join(&[&of, ""]);
        let rows = self.store.list::<loa_model::Variant>("variant_by_article", &key, 9).await;
        for row in rows.unwrap_or_default() {
            let variant = loa_model::Variant {
                brand: "own/nong-nghiep".to_owned(),
                kit: Some(before.digest),
                ..row.record
            };
            let changes = Changes::by(super::records::by(), "render variant");
            self.store.commit(changes.update(&variant, row.version)).await.unwrap();
        }
        let row = self.store.read::<loa_model::Post>(&self.posts.draft.id.to_string()).await;
        if let Some(mut row) = row.unwrap() {
            let card = self.card().await;
            row.record.content.media[0].variant = Some(card.id);
            let changes = Changes::by(super::records::by(), "edit post");
            self.store.commit(changes.update(&row.record, row.version)).await.unwrap();
        }
        let now = face(
            "Sở Nông nghiệp và Môi trường Minh Họa",
            "Department of Agriculture and Environment",
            "snnmt.minhhoa.example",
            green,
        );
        let change = draft("nong-nghiep", now, LogoWish::Keep);
        self.kits.keep_kit(change, KitWish::Change(None), by(), at).await.unwrap();
    }

    /// The newest card of the article.
    pub async fn card(&self) -> loa_model::Variant {
        let key = join(&[&self.article.id.to_string(), ""]);
        let rows = self.store.list::<loa_model::Variant>("variant_by_article", &key, 100).await;
        let cards = rows.unwrap().into_iter().map(|row| row.record);
        let cards = cards.filter(|one| one.kind == loa_model::VariantKind::Infographic);
        cards.max_by_key(|one| one.id).unwrap()
    }
}
