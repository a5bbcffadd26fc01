//! Templates that agencies wrote themselves, in the store: what may be kept, and finding it again.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use loa_canvas::{Manifest, TemplateKind};
use loa_model::{Actor, Agency, OwnTemplate, record::join, template::MOST_OWN};
use loa_store::{Blobs, Changes, Store, StoreExt};

use crate::{Error, Finding, Kit, Recipe, Result, Studio, own};

/// Least type of a card, in pixels per 1080 of its width.
const LEAST_TYPE: f64 = 28.0;
/// Greatest type that a manifest may promise: more would leave nothing to draw.
const MOST_TYPE: f64 = 200.0;
/// Sides of a size, pixels.
const SIDES: std::ops::RangeInclusive<u32> = 320..=2400;
/// Most sizes of a template.
const MOST_SIZES: usize = 8;
/// Most photos of a size, and points or figures that it may promise.
const MOST_PHOTOS: usize = 8;
const MOST_ITEMS: usize = 20;

/// Reads the `template.toml` of a template that nobody reviewed and refuses one that promises too little or too much.
///
/// # Errors
/// What is wrong, in both languages where it is ours.
pub fn read_manifest(text: &str) -> Result<Manifest, String> {
    let manifest = Manifest::read(text).map_err(|why| format!("template.toml: {why}"))?;
    let refused =
        |field: &str, vi: &str, en: &str| Err(format!("template.toml: {field}: {vi} / {en}"));
    if manifest.kind != TemplateKind::Page || manifest.layers != 1 {
        return refused("kind", "mẫu riêng phải là page", "an own template is a page");
    }
    if !(LEAST_TYPE..=MOST_TYPE).contains(&manifest.min_type) {
        return refused("min_type", "từ 28 đến 200", "from 28 to 200");
    }
    if manifest.sizes.is_empty() || manifest.sizes.len() > MOST_SIZES {
        return refused("sizes", "cần từ 1 đến 8 cỡ", "1 to 8 sizes are needed");
    }
    let names: BTreeSet<&str> = manifest.sizes.iter().map(|size| size.id.as_str()).collect();
    if names.len() < manifest.sizes.len() {
        return refused("sizes", "hai cỡ trùng tên", "two sizes share a name");
    }
    for size in &manifest.sizes {
        let at = format!("sizes {:?}", size.id);
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let name = size.id.bytes();
        if !(1..=40).contains(&size.id.len()) || !name.into_iter().all(letter) {
            return refused(&at, "tên cỡ gồm a–z, 0–9", "a size's name is of a–z and 0–9");
        }
        let (width, height) = size.px.unwrap_or_default();
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return refused(&at, "mỗi cạnh từ 320 đến 2400 px", "each side is 320 to 2400 px");
        }
        let fits = |&(across, down): &(u32, u32)| {
            (1..=width).contains(&across) && (1..=height).contains(&down)
        };
        if size.photos.len() > MOST_PHOTOS || !size.photos.iter().all(fits) {
            return refused(&at, "ảnh quá nhiều hoặc quá lớn", "too many photos or too large ones");
        }
        if size.max_points > MOST_ITEMS || size.max_figures > MOST_ITEMS {
            return refused(&at, "tối đa 20 ý, 20 số liệu", "at most 20 points and 20 figures");
        }
    }
    Ok(manifest)
}

impl Recipe {
    /// The same with the template itself when it names one of the agency. Reviewed templates are found by the engine.
    pub(crate) async fn with_template(self, store: &dyn Store, agency: &str) -> Result<Self> {
        let Some(id) = &self.template else { return Ok(self) };
        let Some(key) = OwnTemplate::key_of(agency, id) else { return Ok(self) };
        let gone = || Error::Own {
            id: id.clone(),
            why: format!(
                "Cơ quan không có mẫu {id}, hãy chọn mẫu khác / The agency has no template {id}: choose another"
            ),
        };
        let row = store.read::<OwnTemplate>(&key).await?.ok_or_else(gone)?;
        Ok(Self { own: Some(Arc::new(row.record)), ..self })
    }
}

/// Every template of an agency with what it promises, by name. One that a newer release does not take any more is not there.
///
/// # Errors
/// [`Error::Store`].
pub async fn own_templates(
    store: &dyn Store,
    agency: &str,
) -> Result<Vec<(OwnTemplate, Manifest)>> {
    let rows = kept(store, agency).await?;
    Ok(rows
        .into_iter()
        .filter_map(|own| Some((read_manifest(own.manifest()).ok()?, own)))
        .map(|(manifest, own)| (own, manifest))
        .collect())
}

async fn kept(store: &dyn Store, agency: &str) -> Result<Vec<OwnTemplate>> {
    let of = OwnTemplate::of_agency(agency);
    let rows = store.list::<OwnTemplate>("own_template_by_agency", &of, MOST_OWN * 2).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

impl Studio {
    /// Draws the samples of a template under limits and keeps it when nothing is wrong with them; the one of the same name goes.
    ///
    /// # Errors
    /// [`Error::Own`] as for drawing, and when the agency has too many; [`Error::Missing`] without the agency;
    /// [`Error::Store`]. Nothing is kept then.
    pub async fn keep_own(
        &self,
        (store, blobs): (&dyn Store, &Blobs),
        own: OwnTemplate,
        photo: Option<Bytes>,
    ) -> Result<Vec<Finding>> {
        let agency = store.read::<Agency>(&own.agency).await?;
        let agency =
            agency.ok_or_else(|| Error::Missing { what: "agency", id: own.agency.clone() })?;
        let before = store.read::<OwnTemplate>(&join(&[&own.agency, &own.name])).await?;
        if before.is_none() && kept(store, &own.agency).await?.len() >= MOST_OWN {
            let why = format!(
                "Cơ quan đã có {MOST_OWN} mẫu, hãy bỏ bớt / The agency has {MOST_OWN} templates already: remove some"
            );
            return Err(Error::Own { id: own.id(), why });
        }
        let press = own::press(self.press.as_deref())?;
        let brand = agency.record.brand;
        let kit = Kit::find(store, blobs, &own.agency, &brand).await?;
        let findings = press.check(&own, (&brand, kit.as_deref()), photo).await?;
        if findings.is_empty() {
            let changes = Changes::by(own.by.clone(), "add template");
            let changes = match before {
                Some(row) => changes.update(&own, row.version),
                None => changes.insert(&own),
            };
            store.commit(changes).await?;
        }
        Ok(findings)
    }
}

/// Takes a template away; what was drawn with it stays. Whether there was one.
///
/// # Errors
/// [`Error::Store`].
pub async fn remove_own(store: &dyn Store, agency: &str, name: &str, by: Actor) -> Result<bool> {
    let Some(row) = store.read::<OwnTemplate>(&join(&[agency, name])).await? else {
        return Ok(false);
    };
    store.commit(Changes::by(by, "remove template").delete(&row.record, row.version)).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: &str = "[[sizes]]\nid = \"portrait\"\npx = [1080, 1350]\n";

    fn manifest(head: &str, sizes: &str) -> Result<Manifest, String> {
        read_manifest(&format!(
            "version = \"1\"\nname_vi = \"Ẫ\"\nname_en = \"A\"\n{head}\n{sizes}"
        ))
    }

    #[test]
    fn a_manifest_cannot_promise_less_than_the_reviewed_ones() {
        let page = "kind = \"page\"";
        assert!(manifest(page, SIZE).is_ok_and(|read| read.min_type >= LEAST_TYPE));
        for (head, sizes, why) in [
            (format!("{page}\nmin_type = 27.9"), SIZE.to_owned(), "min_type"),
            (format!("{page}\nmin_type = nan"), SIZE.to_owned(), "min_type"),
            (format!("{page}\nmin_type = 0"), SIZE.to_owned(), "min_type"),
            ("kind = \"layers\"".to_owned(), SIZE.to_owned(), "kind"),
            (
                "kind = \"paper\"".to_owned(),
                "[[sizes]]\nid = \"a4\"\nmm = [210, 297]".to_owned(),
                "kind",
            ),
            (format!("{page}\nlayers = 2"), SIZE.to_owned(), "kind"),
            (page.to_owned(), String::new(), "sizes"),
            (page.to_owned(), SIZE.repeat(2), "share a name"),
            (page.to_owned(), SIZE.replace("portrait", "../x"), "a–z"),
            (page.to_owned(), SIZE.replace("1350", "100000"), "2400 px"),
            (page.to_owned(), format!("{SIZE}photos = [[9000, 9000]]"), "photos"),
            (page.to_owned(), format!("{SIZE}max_points = 1000000"), "20 points"),
            (format!("{page}\nfree = true"), SIZE.to_owned(), "free"),
        ] {
            let found = manifest(&head, &sizes).unwrap_err();
            assert!(found.contains(why), "{why}: {found}");
        }
    }
}
