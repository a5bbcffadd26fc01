//! Brand kits that agencies made themselves: what may be kept, finding it again, and drawing with it. They are data, so the
//! server's own engine draws with them; what a logo's file may hold was decided before it was kept.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use loa_canvas::{Brand, Engine, TemplateKind, brand::Logo, encode, logo, photo};
use loa_infographic::{SourcePhoto, Specimen, specimens};
use loa_model::{
    Actor, Agency, Digest, Face, KeptLogo, LogoFormat, OwnBrand, brand::MOST_KITS, record::join,
};
use loa_store::{Blobs, Changes, Store, StoreExt};
use serde::{Deserialize, Serialize};

use crate::{Error, Recipe, Result, Studio, studio};

/// The family whose typical story every kit must hold: its head carries the name of the agency in every size.
const USUAL: &str = "tin-nhanh";
/// The sample that every size must hold.
const TYPICAL: &str = "typical";
/// JPEG quality of a picture that is only looked at.
const LOOKED_AT: u8 = 82;

/// A kit of an agency with the bytes of its logo, ready to be drawn with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kit {
    /// The record.
    pub own: OwnBrand,
    /// Its logo, when it has one.
    pub logo: Option<Bytes>,
}

/// A kit on its way to another process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentKit {
    own: OwnBrand,
    logo: Option<String>,
}

/// What becomes of a logo when a kit is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoChange {
    /// It stays.
    Keep,
    /// There is none.
    Remove,
    /// It is this file, whatever it is called.
    New(Bytes),
}

/// A kit as a person wants it.
#[derive(Debug, Clone)]
pub struct NewKit {
    /// Agency (tenant).
    pub agency: String,
    /// Name.
    pub name: String,
    /// Words and colours. Its logo is not looked at, `logo` decides.
    pub face: Face,
    /// Logo.
    pub logo: LogoChange,
}

/// Whether a kit is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// There is none of its name yet.
    Add,
    /// There is one, of this version where the person has seen one.
    Change(Option<u32>),
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is kept; the same again is no new version.
    Yes(Box<OwnBrand>),
    /// The agency has none of this name.
    Missing,
    /// The agency has one of this name.
    Taken,
    /// Somebody changed it since it was seen.
    Raced,
    /// Why not, for people, in both languages where it is ours.
    No(String),
}

/// What became of the wish to remove one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is gone; what was drawn with it stays.
    Yes,
    /// The agency has none of this name.
    Missing,
    /// The agency's pictures are drawn with it.
    Used,
}

impl Kit {
    /// The kit that is named, when it is one of the agency's own; nothing for a reviewed one.
    ///
    /// # Errors
    /// [`Error::Own`] when it is gone, [`Error::Store`].
    pub async fn find(
        store: &dyn Store,
        blobs: &Blobs,
        agency: &str,
        id: &str,
    ) -> Result<Option<Arc<Self>>> {
        let Some(key) = OwnBrand::key_of(agency, id) else { return Ok(None) };
        let gone = || Error::Own {
            id: id.to_owned(),
            why: format!(
                "Cơ quan không có bộ nhận diện {id}, hãy chọn bộ khác / The agency has no brand kit {id}: choose another"
            ),
        };
        let own = store.read::<OwnBrand>(&key).await?.ok_or_else(gone)?.record;
        Ok(Some(Arc::new(Self::of(own, blobs).await?)))
    }

    async fn of(own: OwnBrand, blobs: &Blobs) -> Result<Self> {
        let logo = match &own.face.logo {
            Some(kept) => Some(blobs.get(kept.blob).await?),
            None => None,
        };
        Ok(Self { own, logo })
    }

    /// As the engine draws with it.
    fn brand(&self) -> Brand {
        let Face { title_vi, title_en, tagline, theme, logo } = &self.own.face;
        let logo = logo.as_ref().zip(self.logo.as_ref());
        Brand {
            id: self.own.id(),
            version: self.own.version.to_string(),
            name_vi: title_vi.clone(),
            name_en: title_en.clone(),
            tagline: tagline.clone(),
            fonts: Vec::new(),
            theme: theme.clone(),
            logo: logo
                .map(|(kept, bytes)| Logo { format: kept.format.name(), bytes: bytes.clone() }),
            family: None,
        }
    }

    /// The same for another process.
    pub fn sent(&self) -> SentKit {
        let logo = self.logo.as_ref().map(|bytes| STANDARD.encode(bytes));
        SentKit { own: self.own.clone(), logo }
    }
}

impl SentKit {
    /// As it was sent.
    ///
    /// # Errors
    /// What is wrong with the text of its logo.
    pub fn kit(self) -> Result<Kit, String> {
        let logo = self.logo.map(|text| STANDARD.decode(text)).transpose();
        let logo = logo.map_err(|error| error.to_string())?.map(Bytes::from);
        Ok(Kit { own: self.own, logo })
    }
}

/// The engine, with a kit of an agency where there is one: it draws for that agency only.
///
/// # Errors
/// [`Error::Infographic`] when a reviewed kit has its name.
pub fn with_kit(engine: Arc<Engine>, kit: Option<&Kit>) -> Result<Arc<Engine>> {
    let Some(kit) = kit else { return Ok(engine) };
    let engine = engine.with(kit.brand()).map_err(loa_infographic::Error::from)?;
    Ok(Arc::new(engine))
}

impl Recipe {
    /// The same with the template and the brand kit themselves where it names those of the agency. Reviewed ones are found by the
    /// engine.
    ///
    /// # Errors
    /// [`Error::Own`] when one is gone, [`Error::Store`].
    pub async fn with_own(self, store: &dyn Store, blobs: &Blobs, agency: &str) -> Result<Self> {
        let kit = Kit::find(store, blobs, agency, &self.brand).await?;
        Self { kit, ..self }.with_template(store, agency).await
    }
}

/// The kits of an agency by name.
///
/// # Errors
/// [`Error::Store`].
pub async fn own_kits(store: &dyn Store, blobs: &Blobs, agency: &str) -> Result<Vec<Kit>> {
    let of = OwnBrand::of_agency(agency);
    let rows = store.list::<OwnBrand>("own_brand_by_agency", &of, MOST_KITS * 2).await?;
    let mut kits = Vec::new();
    for row in rows {
        kits.push(Kit::of(row.record, blobs).await?);
    }
    Ok(kits)
}

/// Takes a kit away, unless the agency draws with it; what was drawn stays.
///
/// # Errors
/// [`Error::Store`]; a conflict when the agency was changed at the same time.
pub async fn remove_kit(store: &dyn Store, agency: &str, name: &str, by: Actor) -> Result<Removed> {
    let Some(row) = store.read::<OwnBrand>(&join(&[agency, name])).await? else {
        return Ok(Removed::Missing);
    };
    let changes = Changes::by(by, "remove brand kit").delete(&row.record, row.version);
    let changes = match store.read::<Agency>(agency).await? {
        Some(agency) if agency.record.brand == row.record.id() => return Ok(Removed::Used),
        // Written again as it is: who gives it this kit at the same moment conflicts.
        Some(agency) => changes.update(&agency.record, agency.version),
        None => changes,
    };
    store.commit(changes).await?;
    Ok(Removed::Yes)
}

/// A reviewed kit, with the type that Latin letters are set in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// The kit.
    pub brand: Brand,
    /// Family of type.
    pub family: String,
}

/// A picture of a sample, at half size.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// JPEG.
    pub jpeg: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

impl Studio {
    /// The reviewed kits by name, and the type that an agency's own are set in.
    ///
    /// # Errors
    /// As [`Studio::prepare`].
    pub async fn kits(&self) -> Result<(Vec<Reviewed>, String)> {
        let engine = Arc::clone(&self.engine);
        studio::on_a_thread(move || {
            let engine = engine.get()?;
            let brands = engine.brands().values();
            let reviewed = brands
                .map(|brand| Reviewed { family: engine.type_of(brand), brand: brand.clone() });
            let usual = engine
                .brands()
                .values()
                .next()
                .map(|brand| Brand { fonts: Vec::new(), ..brand.clone() });
            let usual = usual.map(|brand| engine.type_of(&brand)).unwrap_or_default();
            Ok((reviewed.collect(), usual))
        })
        .await
    }

    /// The typical story of a family of cards as it looks with a kit: one that is kept, or one that is being made.
    ///
    /// # Errors
    /// Those of the canvas: a family, size or kit that is not there, or a kit that cannot be drawn with.
    pub async fn sample(
        &self,
        (family, size): (&str, &str),
        brand: &str,
        kit: Option<Kit>,
        photo: Option<Bytes>,
    ) -> Result<Sampled> {
        let engine = Arc::clone(&self.engine);
        let (family, size) = (family.to_owned(), size.to_owned());
        let brand = kit.as_ref().map_or_else(|| brand.to_owned(), |kit| kit.own.id());
        studio::on_a_thread(move || {
            let engine = with_kit(engine.get()?, kit.as_ref())?;
            // Whatever is not a page of ours is not to be looked at in this way.
            let known = engine.template(&family).map_err(loa_infographic::Error::from)?;
            let known = known.manifest.kind == TemplateKind::Page
                && known.manifest.sizes.iter().any(|known| known.id == size);
            let drawn = if known {
                let only = (Some(TYPICAL), Some(size.as_str()));
                drawn(&engine, &family, &brand, photo, only)?.pop()
            } else {
                None
            };
            let missing = || Error::Missing { what: "sample", id: format!("{family} {size}") };
            let Specimen { pixels, .. } = drawn.ok_or_else(missing)?;
            let jpeg = encode::jpeg(&pixels, LOOKED_AT).map_err(loa_infographic::Error::from)?;
            Ok(Sampled { jpeg, width: pixels.width, height: pixels.height })
        })
        .await
    }

    /// A kit as it would be, to be looked at: colours that cannot be read are no error here.
    ///
    /// # Errors
    /// [`Error::Own`] with what is wrong with its logo; [`Error::Store`].
    pub async fn draft(&self, store: &dyn Store, blobs: &Blobs, new: NewKit) -> Result<Kit> {
        let NewKit { agency, name, mut face, logo } = new;
        let id = format!("{}{name}", loa_model::template::OWN);
        let before = store.read::<OwnBrand>(&join(&[&agency, &name])).await?;
        let (kept, bytes) = match logo {
            LogoChange::Remove => (None, None),
            LogoChange::Keep => match before.and_then(|row| row.record.face.logo) {
                Some(kept) => (Some(kept), Some(blobs.get(kept.blob).await?)),
                None => (None, None),
            },
            LogoChange::New(file) => {
                let read = studio::on_a_thread(move || Ok(logo::read(&file))).await?;
                let read = read.map_err(|why| Error::Own { id, why: why.to_string() })?;
                let format = if read.format == "svg" { LogoFormat::Svg } else { LogoFormat::Png };
                (Some(KeptLogo { blob: Digest::of(&read.bytes), format }), Some(read.bytes))
            }
        };
        face.logo = kept;
        let own = OwnBrand {
            agency,
            name,
            version: 0,
            digest: Digest::of(b"draft"),
            face,
            by: Actor::Operator("draft".to_owned()),
            at: Timestamp::UNIX_EPOCH,
        };
        Ok(Kit { own, logo: bytes })
    }

    /// Keeps a kit, new or changed, once its colours can be read and the usual story was drawn with it in each size.
    ///
    /// # Errors
    /// [`Error::Missing`] without the agency; [`Error::Store`].
    pub async fn keep_kit(
        &self,
        (store, blobs): (&dyn Store, &Blobs),
        new: NewKit,
        wish: Wish,
        photo: Option<Bytes>,
        (by, at): (Actor, Timestamp),
    ) -> Result<Kept> {
        let (agency, name) = (new.agency.clone(), new.name.clone());
        if store.read::<Agency>(&agency).await?.is_none() {
            return Err(Error::Missing { what: "agency", id: agency });
        }
        let before = store.read::<OwnBrand>(&join(&[&agency, &name])).await?;
        match (&before, wish) {
            (Some(_), Wish::Add) => return Ok(Kept::Taken),
            (None, Wish::Change(_)) => return Ok(Kept::Missing),
            (Some(row), Wish::Change(Some(seen))) if row.record.version != seen => {
                return Ok(Kept::Raced);
            }
            _ => {}
        }
        if before.is_none() && own_kits(store, blobs, &agency).await?.len() >= MOST_KITS {
            return Ok(Kept::No(format!(
                "Cơ quan đã có {MOST_KITS} bộ nhận diện, hãy bỏ bớt / The agency has {MOST_KITS} brand kits already: remove some"
            )));
        }
        let kit = match self.draft(store, blobs, new).await {
            Err(Error::Own { why, .. }) => return Ok(Kept::No(why)),
            draft => draft?,
        };
        let mut own = match OwnBrand::new(&agency, &name, kit.own.face, by.clone(), at) {
            Err(why) => return Ok(Kept::No(why.to_string())),
            Ok(own) => own,
        };
        if let Some(row) = before.as_ref().filter(|row| row.record.digest == own.digest) {
            return Ok(Kept::Yes(Box::new(row.record.clone())));
        }
        own.version = before.as_ref().map_or(0, |row| row.record.version) + 1;
        let kit = Kit { own, logo: kit.logo };
        if let Some(why) = self.tried(kit.clone(), photo).await? {
            return Ok(Kept::No(why));
        }
        // The bytes are kept before anything names them.
        if let Some(bytes) = kit.logo {
            blobs.put(bytes).await?;
        }
        let changes = match &before {
            Some(row) => Changes::by(by, "change brand kit").update(&kit.own, row.version),
            None => Changes::by(by, "add brand kit").insert(&kit.own),
        };
        match store.commit(changes).await {
            Err(loa_store::Error::Conflict { .. }) if before.is_none() => Ok(Kept::Taken),
            Err(loa_store::Error::Conflict { .. }) => Ok(Kept::Raced),
            done => done.map(|_| Kept::Yes(Box::new(kit.own))).map_err(Error::from),
        }
    }

    /// What is wrong with the usual story in some size; nothing when all hold it.
    async fn tried(&self, kit: Kit, photo: Option<Bytes>) -> Result<Option<String>> {
        let engine = Arc::clone(&self.engine);
        studio::on_a_thread(move || {
            let engine = with_kit(engine.get()?, Some(&kit))?;
            let only = (Some(TYPICAL), None);
            let drawn = match drawn(&engine, USUAL, &kit.own.id(), photo, only) {
                Err(error @ (Error::Engine(_) | Error::Disk { .. })) => return Err(error),
                Err(why) => {
                    return Ok(Some(format!(
                        "Không vẽ được thẻ mẫu với bộ này / The sample card cannot be drawn with this kit: {why}"
                    )));
                }
                Ok(drawn) => drawn,
            };
            let wrong = drawn.iter().find_map(|one| Some((&one.size, one.problems.first()?)));
            Ok(wrong.map(|(size, problem)| {
                format!(
                    "Thẻ mẫu cỡ {size} không vẽ trọn chữ của tên hoặc của dòng dưới tên / The sample card of size {size} does not show every letter of the name or of the line under it: {problem}"
                )
            }))
        })
        .await
    }
}

fn drawn(
    engine: &Engine,
    family: &str,
    brand: &str,
    photo: Option<Bytes>,
    only: (Option<&str>, Option<&str>),
) -> Result<Vec<Specimen>> {
    let photo = photo.map(|bytes| photo::decode(&bytes)).transpose();
    let photo = photo.map_err(loa_infographic::Error::from)?.map(|photo| SourcePhoto {
        focus: photo.focus(),
        photo,
        alt: "Ảnh minh họa".to_owned(),
        credit: "Ảnh: Minh Họa".to_owned(),
    });
    Ok(specimens(engine, family, brand, photo.as_ref(), only)?)
}
