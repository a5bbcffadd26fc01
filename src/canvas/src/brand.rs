//! Brand kits: name, colours, logo and type of an agency, refused when text would be hard to read on them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{Error, Result};

/// Least contrast of text on its ground, WCAG 2 AA.
pub const LEAST_CONTRAST: f64 = 4.5;

/// A colour, `#rrggbb` in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub [u8; 3]);

impl TryFrom<String> for Colour {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a colour: write #rrggbb");
        let digits =
            text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii()).ok_or_else(wrong)?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        let [_, red, green, blue] = value.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        let [red, green, blue] = colour.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Contrast with another colour by WCAG 2: 1 (none) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0;
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }
}

/// Colours by their role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Theme {
    /// Main surface; white and `accent` text stands on it.
    pub brand: Colour,
    /// Its dark sister; white and `accent` text stands on it.
    pub brand_dark: Colour,
    /// Figures, marks and chips; `brand-dark` text stands on it.
    pub accent: Colour,
    /// Light ground.
    pub paper: Colour,
    /// Text on `paper`.
    pub ink: Colour,
    /// Quiet text on `paper`.
    pub muted: Colour,
}

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
        let theme = &self.theme;
        let pairs = [
            ("white", Colour::WHITE, "brand", theme.brand),
            ("white", Colour::WHITE, "brand-dark", theme.brand_dark),
            ("accent", theme.accent, "brand", theme.brand),
            ("accent", theme.accent, "brand-dark", theme.brand_dark),
            ("brand-dark", theme.brand_dark, "accent", theme.accent),
            ("brand", theme.brand, "paper", theme.paper),
            ("brand-dark", theme.brand_dark, "paper", theme.paper),
            ("ink", theme.ink, "paper", theme.paper),
            ("muted", theme.muted, "paper", theme.paper),
        ];
        for (ink, one, paper, two) in pairs {
            let ratio = one.contrast(two);
            if ratio < LEAST_CONTRAST {
                let brand = self.id.clone();
                return Err(Error::Contrast { brand, ink, paper, ratio, least: LEAST_CONTRAST });
            }
        }
        Ok(())
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
    fn contrast_is_that_of_wcag() {
        let black = Colour([0; 3]);
        assert!((black.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        assert!(
            (Colour::try_from("#c8141e".to_owned()).unwrap().contrast(Colour::WHITE) - 5.87).abs()
                < 0.01
        );
    }

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
        for bad in ["red", "#12345", "#12345g", "#ééé"] {
            assert!(Colour::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
