//! Brand kits that an agency made itself: names, colours and a logo. They are data, never code; `pipeline` reads the logo before
//! it is kept and hands the kit to whatever draws.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::{
    digest::{BlobHash, Digest, DigestBuilder},
    record::{IndexEntry, Record, join},
    template::{MOST_NAME, OWN, is_name},
    theme::{Colour, Theme},
    user::Actor,
};

/// Most characters of a name of the agency, as its pictures say it.
pub const MOST_TITLE: usize = 80;
/// Most characters of the line under it.
pub const MOST_TAGLINE: usize = 60;
/// Most kits of one agency.
pub const MOST_KITS: usize = 30;

/// Name of the kit that an agency begins with.
const PLAIN: &str = "co-quan";
/// The reviewed kit of the fictional portal. It belongs to the demo's agency, which is called the same: another one that drew in
/// it would speak in a name that is not its own.
pub const SAMPLE: &str = "demo";

/// Whether an agency may begin to draw in a kit.
pub fn is_open_to(kit: &str, agency: &str) -> bool {
    kit != SAMPLE || agency == SAMPLE
}

/// What a logo is kept as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogoFormat {
    /// Written anew from what may be in one.
    Svg,
    /// Pixels, written anew.
    Png,
}

impl LogoFormat {
    /// `svg` or `png`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// Media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

/// A logo in the blob store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLogo {
    /// Its bytes, as they were written anew.
    pub blob: BlobHash,
    /// What they are.
    pub format: LogoFormat,
}

/// What pictures show of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// Name in Vietnamese.
    pub title_vi: String,
    /// Name in English; the Vietnamese one stands for it when it is empty.
    #[serde(default)]
    pub title_en: String,
    /// Line under the name, often the domain; may be empty.
    #[serde(default)]
    pub tagline: String,
    /// Colours.
    pub theme: Theme,
    /// Logo, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<KeptLogo>,
}

/// A brand kit of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnBrand {
    /// Agency (tenant).
    pub agency: String,
    /// Name, unique in the agency.
    pub name: String,
    /// Grows by one with each change.
    pub version: u32,
    /// What pictures show.
    pub face: Face,
    /// Digest of what pictures show: part of every recipe made with it. The same again is the same, whatever its version.
    pub digest: Digest,
    /// Who changed it last.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Why it is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBrand {
    /// Not a name.
    #[error(
        "Mã bộ nhận diện gồm 1–{MOST_NAME} chữ thường không dấu, chữ số hoặc gạch nối, không có gạch nối ở hai đầu / \
         A kit's short name is 1–{MOST_NAME} of a–z, 0–9 and -, without - at its ends: {0:?}"
    )]
    Name(String),
    /// No name of the agency, or one that no picture holds.
    #[error(
        "Tên cơ quan trên hình có từ 1 đến {MOST_TITLE} ký tự, trên một dòng / The agency's name on pictures has 1 to {MOST_TITLE} characters, in one line"
    )]
    Title,
    /// A line under it that no picture holds.
    #[error(
        "Dòng dưới tên có nhiều nhất {MOST_TAGLINE} ký tự, trên một dòng / The line under the name has at most {MOST_TAGLINE} characters, in one line"
    )]
    Tagline,
    /// Text that cannot be read on its ground.
    #[error("{}", faint(.0))]
    Faint(Vec<Faint>),
}

/// A text that cannot be read on its ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faint {
    /// Role of the text.
    pub ink: &'static str,
    /// Role of its ground.
    pub ground: &'static str,
    /// Contrast in tenths, rounded down: `4.4` of `4.49`.
    pub tenths: u32,
}

fn faint(pairs: &[Faint]) -> String {
    let list = pairs.iter().map(|Faint { ink, ground, tenths }| {
        format!("{ink} × {ground} {}.{}:1", tenths / 10, tenths % 10)
    });
    let list = list.collect::<Vec<_>>().join(", ");
    format!(
        "Chữ khó đọc, cần tương phản ít nhất 4.5:1: {list} / Text is hard to read, a contrast of at least 4.5:1 is needed: {list}"
    )
}

impl OwnBrand {
    /// The first version of a kit whose words and colours may be kept. Its logo is not looked at: `pipeline` reads it.
    ///
    /// # Errors
    /// [`BadBrand`], for people, in both languages.
    ///
    /// ```
    /// use loa_model::{Actor, Colour, Face, OwnBrand, Theme};
    ///
    /// let colour = |text: &str| Colour::try_from(text.to_owned()).unwrap();
    /// let theme = Theme {
    ///     brand: colour("#0b3b75"),
    ///     brand_dark: colour("#072648"),
    ///     accent: colour("#ffd34d"),
    ///     paper: colour("#f7f9fc"),
    ///     ink: colour("#141b24"),
    ///     muted: colour("#4d5a69"),
    /// };
    /// let face = Face {
    ///     title_vi: "Sở Thử nghiệm".to_owned(),
    ///     title_en: String::new(),
    ///     tagline: "so.example".to_owned(),
    ///     theme,
    ///     logo: None,
    /// };
    /// let by = || Actor::Operator("command line".to_owned());
    /// let at = "2026-11-22T03:00:00Z".parse().unwrap();
    /// let made = OwnBrand::new("so", "xanh", face.clone(), by(), at).unwrap();
    /// assert_eq!((made.id().as_str(), made.version), ("own/xanh", 1));
    /// // White on white.
    /// let theme = Theme { brand: Colour::WHITE, ..face.theme.clone() };
    /// assert!(OwnBrand::new("so", "trang", Face { theme, ..face }, by(), at).is_err());
    /// ```
    pub fn new(
        agency: &str,
        name: &str,
        face: Face,
        by: Actor,
        at: Timestamp,
    ) -> Result<Self, BadBrand> {
        if !is_name(name) {
            return Err(BadBrand::Name(name.to_owned()));
        }
        let face = face.checked()?;
        let digest = face.digest();
        Ok(Self {
            agency: agency.to_owned(),
            name: name.to_owned(),
            version: 1,
            face,
            digest,
            by,
            at,
        })
    }

    /// The kit that an agency draws in until somebody made one: its name set in type, no logo, calm colours. No picture of an
    /// agency is ever signed by another one.
    ///
    /// # Errors
    /// [`BadBrand::Title`] for a title that is none. One that no picture holds ends at a whole word.
    ///
    /// ```
    /// use loa_model::{Actor, OwnBrand};
    ///
    /// let by = Actor::Operator("command line".to_owned());
    /// let at = "2026-11-22T03:00:00Z".parse().unwrap();
    /// let made = OwnBrand::plain("so-tt", "Sở Thử nghiệm", by, at).unwrap();
    /// assert_eq!((made.id().as_str(), made.face.title_vi.as_str()), ("own/co-quan", "Sở Thử nghiệm"));
    /// assert!(made.face.logo.is_none() && made.is_plain());
    /// ```
    pub fn plain(agency: &str, title: &str, by: Actor, at: Timestamp) -> Result<Self, BadBrand> {
        let mut title_vi = String::new();
        for word in title.split_whitespace() {
            let more = title_vi.chars().count() + 1 + word.chars().count();
            if !title_vi.is_empty() && more > MOST_TITLE {
                break;
            }
            if !title_vi.is_empty() {
                title_vi.push(' ');
            }
            title_vi.push_str(word);
        }
        let theme = Theme {
            brand: Colour([0x1f, 0x3a, 0x5f]),
            brand_dark: Colour([0x14, 0x27, 0x3f]),
            accent: Colour([0xf2, 0xc1, 0x4e]),
            paper: Colour([0xf7, 0xf9, 0xfc]),
            ink: Colour([0x14, 0x1b, 0x24]),
            muted: Colour([0x4d, 0x5a, 0x69]),
        };
        let (title_en, tagline) = (String::new(), String::new());
        Self::new(agency, PLAIN, Face { title_vi, title_en, tagline, theme, logo: None }, by, at)
    }

    /// Whether it is as [`OwnBrand::plain`] made it: nobody has looked at it yet.
    pub fn is_plain(&self) -> bool {
        self.name == PLAIN && self.version == 1 && self.face.logo.is_none()
    }

    /// Its name among all kits: `own/<name>`.
    pub fn id(&self) -> String {
        format!("{OWN}{}", self.name)
    }

    /// Key of the own kit that a variant or an agency names; nothing when it names a reviewed one.
    pub fn key_of(agency: &str, id: &str) -> Option<String> {
        id.strip_prefix(OWN).map(|name| join(&[agency, name]))
    }

    /// Where the kits of an agency begin in the index `own_brand_by_agency`.
    pub fn of_agency(agency: &str) -> String {
        join(&[agency, ""])
    }
}

impl Face {
    /// The same with its words as they are kept: composed letters, no space at the ends.
    ///
    /// # Errors
    /// [`BadBrand`] for words that no picture holds and for colours that cannot be read on each other.
    pub fn checked(self) -> Result<Self, BadBrand> {
        let line = |text: &str| text.trim().nfc().collect::<String>();
        let fits = |text: &str, most: usize| {
            text.chars().count() <= most && !text.chars().any(char::is_control)
        };
        let face = Self {
            title_vi: line(&self.title_vi),
            title_en: line(&self.title_en),
            tagline: line(&self.tagline),
            ..self
        };
        if face.title_vi.is_empty()
            || !fits(&face.title_vi, MOST_TITLE)
            || !fits(&face.title_en, MOST_TITLE)
        {
            return Err(BadBrand::Title);
        }
        if !fits(&face.tagline, MOST_TAGLINE) {
            return Err(BadBrand::Tagline);
        }
        let faint: Vec<Faint> = face
            .theme
            .unreadable()
            .into_iter()
            .map(|pair| Faint { ink: pair.ink, ground: pair.ground, tenths: tenths(pair.ratio) })
            .collect();
        if faint.is_empty() { Ok(face) } else { Err(BadBrand::Faint(faint)) }
    }

    fn digest(&self) -> Digest {
        DigestBuilder::new("own-brand/1").json("face", self).finish()
    }
}

/// A contrast in tenths, rounded down, so that what is below the least never looks like it.
fn tenths(ratio: f64) -> u32 {
    // From 1 to 21.
    (0..=210).rev().find(|tenths| f64::from(*tenths) <= ratio * 10.0).unwrap_or_default()
}

impl Record for OwnBrand {
    const TABLE: &'static str = "own_brand";
    fn key(&self) -> String {
        join(&[&self.agency, &self.name])
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "own_brand_by_agency", key: self.key() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face() -> Face {
        let colour = |text: &str| Colour::try_from(text.to_owned()).unwrap();
        Face {
            title_vi: "Sở Thử nghiệm".to_owned(),
            title_en: "Department of Trials".to_owned(),
            tagline: "so.example".to_owned(),
            theme: Theme {
                brand: colour("#0b3b75"),
                brand_dark: colour("#072648"),
                accent: colour("#ffd34d"),
                paper: colour("#f7f9fc"),
                ink: colour("#141b24"),
                muted: colour("#4d5a69"),
            },
            logo: None,
        }
    }

    fn made(name: &str, face: Face) -> Result<OwnBrand, BadBrand> {
        let at = "2026-11-22T03:00:00Z".parse().unwrap();
        OwnBrand::new("so-tt", name, face, Actor::Operator("máy".to_owned()), at)
    }

    #[test]
    fn names_cannot_lead_out_of_their_agency_nor_take_a_reviewed_one_s() {
        assert_eq!(made("demo", face()).unwrap().id(), "own/demo");
        for bad in ["", "..", "a/b", "-a", "A", "bản", "a\u{1}b", &"x".repeat(MOST_NAME + 1)] {
            assert_eq!(made(bad, face()).unwrap_err(), BadBrand::Name(bad.to_owned()));
        }
        let one = made("xanh", face()).unwrap();
        assert_eq!(OwnBrand::key_of("so-tt", "own/xanh").as_deref(), Some(one.key().as_str()));
        assert_ne!(OwnBrand::key_of("so", "own/xanh"), Some(one.key()));
        assert_eq!(OwnBrand::key_of("so-tt", "demo"), None);
        assert!(one.key().starts_with(&OwnBrand::of_agency("so-tt")));
        assert!(!one.key().starts_with(&OwnBrand::of_agency("so")));
    }

    #[test]
    fn an_agency_begins_with_a_kit_of_its_own_name_and_never_with_the_sample_s() {
        let plain = |title: &str| {
            let at = "2026-11-22T03:00:00Z".parse().unwrap();
            OwnBrand::plain("so-tt", title, Actor::Operator("máy".to_owned()), at)
        };
        let made = plain(" Sở  Thử nghiệm ").unwrap();
        assert_eq!(made.face.title_vi, "Sở Thử nghiệm");
        assert!(made.is_plain() && !OwnBrand { version: 2, ..made.clone() }.is_plain());
        let long = plain(&"Trung tâm ".repeat(12)).unwrap().face.title_vi;
        assert!(long.chars().count() <= MOST_TITLE && long.ends_with("tâm"), "{long}");
        assert_eq!(plain("  ").unwrap_err(), BadBrand::Title);
        assert!(is_open_to(SAMPLE, "demo") && !is_open_to(SAMPLE, "so-tt"));
        assert!(is_open_to("tinh", "so-tt") && is_open_to(&made.id(), "so-tt"));
    }

    #[test]
    fn words_are_one_line_composed_and_not_too_long() {
        // Decomposed, with spaces around it.
        let loose = Face { title_vi: "  Sở Thử nghiệm ".nfd().collect(), ..face() };
        assert_eq!(made("a", loose).unwrap().digest, made("a", face()).unwrap().digest);
        for title in ["", "  ", "hai\ndòng", &"Ẫ".repeat(MOST_TITLE + 1)] {
            let wrong = Face { title_vi: title.to_owned(), ..face() };
            assert_eq!(made("a", wrong).unwrap_err(), BadBrand::Title, "{title}");
        }
        assert!(made("a", Face { title_vi: "Ẫ".repeat(MOST_TITLE), ..face() }).is_ok());
        let long = Face { title_en: "x".repeat(MOST_TITLE + 1), ..face() };
        assert_eq!(made("a", long).unwrap_err(), BadBrand::Title);
        let long = Face { tagline: "x".repeat(MOST_TAGLINE + 1), ..face() };
        assert_eq!(made("a", long).unwrap_err(), BadBrand::Tagline);
    }

    #[test]
    fn colours_that_cannot_be_read_are_refused_with_the_number() {
        let mut pale = face();
        pale.theme.muted = Colour([0x9a, 0xa5, 0xb1]);
        let why = made("a", pale).unwrap_err().to_string();
        assert!(why.contains("muted × paper 2.3:1"), "{why}");
        assert!(why.contains("khó đọc") && why.contains("hard to read"), "{why}");
        assert_eq!((tenths(4.499), tenths(4.5), tenths(21.0), tenths(1.0)), (44, 45, 210, 10));
    }

    #[test]
    fn whatever_a_picture_shows_of_it_is_in_its_digest() {
        let base = made("a", face()).unwrap();
        let logo = KeptLogo { blob: Digest::of(b"x"), format: LogoFormat::Svg };
        let changed = [
            Face { title_vi: "Sở khác".to_owned(), ..face() },
            Face { title_en: String::new(), ..face() },
            Face { tagline: String::new(), ..face() },
            Face { theme: Theme { ink: Colour::BLACK, ..face().theme }, ..face() },
            Face { logo: Some(logo), ..face() },
            Face { logo: Some(KeptLogo { blob: Digest::of(b"y"), ..logo }), ..face() },
        ];
        let mut digests: Vec<String> =
            changed.map(|face| made("a", face).unwrap().digest.to_string()).to_vec();
        digests.push(base.digest.to_string());
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 7);
        // Its name and its version are not shown.
        assert_eq!(made("b", face()).unwrap().digest, base.digest);
    }
}
