//! Brand kits: name, colours, logo and type of an agency, refused when text would be hard to read on them.

use bytes::Bytes;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

pub use loa_model::theme::{Colour, LEAST_CONTRAST, Theme};

use crate::{Error, Result};

/// A logo as it is in the kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// `svg` or `png`.
    pub format: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A brand kit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Name of its folder.
    pub id: String,
    /// Version, part of every recipe made with it.
    pub version: String,
    /// Name of the agency in Vietnamese.
    pub name_vi: String,
    /// Name of the agency in English.
    pub name_en: String,
    /// Second line under the name, often the domain; may be empty.
    pub tagline: String,
    /// Font families, best first; the engine adds its own for other scripts.
    pub fonts: Vec<String>,
    /// Colours.
    pub theme: Theme,
    /// Logo, when there is one.
    pub logo: Option<Logo>,
    /// Kit in which clips of a family of agencies look alike between their opening and their end card: what is alike is drawn
    /// and encoded once for all of them.
    pub family: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    name_vi: String,
    name_en: String,
    #[serde(default)]
    tagline: String,
    #[serde(default)]
    logo: String,
    #[serde(default)]
    family: Option<String>,
    #[serde(default)]
    fonts: Vec<String>,
    theme: Theme,
}

impl Brand {
    /// Reads `brand.toml`; `file` gives the files beside it by name.
    ///
    /// # Errors
    /// [`Error::Asset`] when the file or its logo cannot be used, [`Error::Contrast`] when a pair of colours that
    /// carries text is below [`LEAST_CONTRAST`].
    pub fn parse(id: &str, toml: &str, file: impl Fn(&str) -> Option<Bytes>) -> Result<Self> {
        let broken = |problem: String| Error::Asset { path: format!("{id}/brand.toml"), problem };
        let kit: File = toml::from_str(toml).map_err(|error| broken(error.to_string()))?;
        let logo = match kit.logo.rsplit_once('.') {
            None => None,
            Some((_, end)) => {
                let format = match end {
                    "svg" => "svg",
                    "png" => "png",
                    _ => return Err(broken(format!("logo {}: use svg or png", kit.logo))),
                };
                let bytes = file(&kit.logo)
                    .ok_or_else(|| broken(format!("logo {} is not beside it", kit.logo)))?;
                Some(Logo { format, bytes })
            }
        };
        let brand = Self {
            id: id.to_owned(),
            version: kit.version,
            name_vi: kit.name_vi.nfc().collect(),
            name_en: kit.name_en.nfc().collect(),
            tagline: kit.tagline.nfc().collect(),
            fonts: kit.fonts,
            theme: kit.theme,
            logo,
            family: kit.family.filter(|family| family != id),
        };
        brand.check_contrast()?;
        Ok(brand)
    }

    /// Name of the agency in the language of the piece.
    pub fn name(&self, lang: &str) -> &str {
        if lang.starts_with("vi") || self.name_en.is_empty() {
            &self.name_vi
        } else {
            &self.name_en
        }
    }

    fn check_contrast(&self) -> Result<()> {
        let Some(pair) = self.theme.unreadable().into_iter().next() else { return Ok(()) };
        Err(Error::Contrast {
            brand: self.id.clone(),
            ink: pair.ink,
            paper: pair.ground,
            ratio: pair.ratio,
            least: LEAST_CONTRAST,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIT: &str = r##"
        version = "1"
        name_vi = "Cổng Minh Họa"
        name_en = "Demo Portal"
        [theme]
        brand = "#a8121b"
        brand-dark = "#5e0a12"
        accent = "#ffd34d"
        paper = "#fff9f0"
        ink = "#231815"
        muted = "#6b5b53"
    "##;

    #[test]
    fn a_kit_that_is_hard_to_read_is_refused_by_name() {
        let ok = Brand::parse("demo", KIT, |_| None).unwrap();
        assert_eq!((ok.name("vi"), ok.name("en")), ("Cổng Minh Họa", "Demo Portal"));
        assert_eq!(ok.family, None);
        let of = Brand::parse("demo", &format!("family = \"gov\"\n{KIT}"), |_| None).unwrap();
        assert_eq!(of.family.as_deref(), Some("gov"));
        let pale = KIT.replace("#6b5b53", "#bcaaa0");
        let error = Brand::parse("demo", &pale, |_| None).unwrap_err().to_string();
        assert!(error.contains("muted on paper"), "{error}");
        let no_logo = format!("logo = \"x.svg\"\n{KIT}");
        let error = Brand::parse("demo", &no_logo, |_| None).unwrap_err().to_string();
        assert!(error.contains("x.svg"), "{error}");
    }
}
