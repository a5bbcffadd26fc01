//! The colours of a brand kit by their role, and whether text can be read where templates put it.

use serde::{Deserialize, Serialize};

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
        // A sign is no digit, though numbers may have one.
        let digits = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = digits.and_then(|d| u32::from_str_radix(d, 16).ok()).ok_or_else(wrong)?;
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

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// Contrast with another colour by WCAG 2: 1 (none) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// So many hundredths of this colour in another one, as templates mix them.
    #[must_use]
    pub fn mixed(self, hundredths: u8, other: Self) -> Self {
        let part = u32::from(hundredths.min(100));
        let mix = |one: u8, two: u8| {
            let sum = u32::from(one) * part + u32::from(two) * (100 - part);
            u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX)
        };
        let ([r, g, b], [red, green, blue]) = (self.0, other.0);
        Self([mix(r, red), mix(g, green), mix(b, blue)])
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

/// Text of one colour on another, as some template draws it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pair {
    /// Role of the text.
    pub ink: &'static str,
    /// Role of its ground: one of a theme, or one that templates mix from it.
    pub ground: &'static str,
    /// Colour of the text.
    pub of: Colour,
    /// Colour of the ground.
    pub on: Colour,
    /// Contrast, WCAG 2.
    pub ratio: f64,
}

impl Pair {
    /// Whether it can be read at every size of type.
    pub fn is_readable(&self) -> bool {
        self.ratio >= LEAST_CONTRAST
    }
}

impl Theme {
    /// Roles, in the order of the fields.
    pub const ROLES: [&'static str; 6] = ["brand", "brand-dark", "accent", "paper", "ink", "muted"];

    /// The colour of a role; nothing for a word that is none.
    pub fn of(&self, role: &str) -> Option<Colour> {
        let [brand, dark, accent, paper, ink, muted] = Self::ROLES;
        match role {
            role if role == brand => Some(self.brand),
            role if role == dark => Some(self.brand_dark),
            role if role == accent => Some(self.accent),
            role if role == paper => Some(self.paper),
            role if role == ink => Some(self.ink),
            role if role == muted => Some(self.muted),
            _ => None,
        }
    }

    /// The same with another colour for a role; as it is for a word that is none.
    #[must_use]
    pub fn with(mut self, role: &str, colour: Colour) -> Self {
        let [brand, dark, accent, paper, ink, muted] = Self::ROLES;
        match role {
            role if role == brand => self.brand = colour,
            role if role == dark => self.brand_dark = colour,
            role if role == accent => self.accent = colour,
            role if role == paper => self.paper = colour,
            role if role == ink => self.ink = colour,
            role if role == muted => self.muted = colour,
            _ => {}
        }
        self
    }

    /// Every text on a ground that the templates draw, those on mixed grounds last.
    pub fn pairs(&self) -> Vec<Pair> {
        let Self { brand, brand_dark, accent, paper, ink, muted } = *self;
        let white = Colour::WHITE;
        // The panel of a key figure, a heading in a report, and every other row of a table in a clip.
        let accent_tint = accent.mixed(30, paper);
        let brand_tint = brand.mixed(16, white);
        let panel = brand_dark.mixed(84, white);
        [
            ("white", white, "brand", brand),
            ("white", white, "brand-dark", brand_dark),
            ("accent", accent, "brand", brand),
            ("accent", accent, "brand-dark", brand_dark),
            ("brand-dark", brand_dark, "accent", accent),
            ("brand", brand, "paper", paper),
            ("brand-dark", brand_dark, "paper", paper),
            ("ink", ink, "paper", paper),
            ("muted", muted, "paper", paper),
            ("brand", brand, "accent-tint", accent_tint),
            ("brand-dark", brand_dark, "accent-tint", accent_tint),
            ("ink", ink, "accent-tint", accent_tint),
            ("ink", ink, "brand-tint", brand_tint),
            ("muted", muted, "brand-tint", brand_tint),
            ("white", white, "panel", panel),
            ("accent", accent, "panel", panel),
        ]
        .map(|(ink, of, ground, on)| Pair { ink, ground, of, on, ratio: of.contrast(on) })
        .to_vec()
    }

    /// The pairs that cannot be read.
    pub fn unreadable(&self) -> Vec<Pair> {
        self.pairs().into_iter().filter(|pair| !pair.is_readable()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::try_from(text.to_owned()).unwrap()
    }

    fn theme() -> Theme {
        Theme {
            brand: colour("#a8121b"),
            brand_dark: colour("#5e0a12"),
            accent: colour("#ffd34d"),
            paper: colour("#fff9f0"),
            ink: colour("#231815"),
            muted: colour("#6b5b53"),
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        assert!((colour("#c8141e").contrast(Colour::WHITE) - 5.87).abs() < 0.01);
        // The number that WCAG's own examples give for the grey that just passes.
        assert!((colour("#767676").contrast(Colour::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_colour_is_six_digits_and_nothing_else() {
        assert_eq!(String::from(colour("#A8121b")), "#a8121b");
        for bad in ["red", "#12345", "#12345g", "#ééé", "#+12345", "#-1-2-3", "a8121b", "#a8121b "]
        {
            assert!(Colour::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_mixture_is_that_of_the_templates() {
        let (accent, paper) = (colour("#ffd34d"), colour("#fff9f0"));
        assert_eq!(accent.mixed(30, paper), Colour([255, 238, 191]));
        assert_eq!((accent.mixed(100, paper), accent.mixed(0, paper)), (accent, paper));
    }

    #[test]
    fn every_role_that_is_hard_to_read_is_found_by_name() {
        assert_eq!(theme().unreadable(), []);
        let found = |change: fn(&mut Theme)| {
            let mut theme = theme();
            change(&mut theme);
            let pairs = theme.unreadable().into_iter();
            pairs.map(|pair| format!("{} on {}", pair.ink, pair.ground)).collect::<Vec<_>>()
        };
        let pale = found(|theme| theme.muted = Colour([0xbc, 0xaa, 0xa0]));
        assert_eq!(pale, ["muted on paper", "muted on brand-tint"]);
        let grey = found(|theme| theme.paper = Colour([0x80; 3]));
        assert!(grey.contains(&"brand on paper".to_owned()), "{grey:?}");
        assert!(grey.contains(&"ink on paper".to_owned()), "{grey:?}");
        let dull = found(|theme| theme.accent = Colour([0xc8, 0x60, 0x50]));
        assert!(dull.contains(&"accent on brand".to_owned()), "{dull:?}");
        assert!(dull.contains(&"brand-dark on accent".to_owned()), "{dull:?}");
        // Readable on each of the two colours, and not on what is mixed of them.
        let mixed = found(|theme| {
            theme.brand = Colour([0x5e; 3]);
            theme.accent = Colour([0, 255, 255]);
            theme.paper = Colour([255, 200, 255]);
        });
        assert!(mixed.contains(&"brand on accent-tint".to_owned()), "{mixed:?}");
        assert!(!mixed.iter().any(|pair| pair.ends_with("on paper")), "{mixed:?}");
    }

    #[test]
    fn every_role_has_its_colour() {
        let theme = theme();
        let all = Theme::ROLES.map(|role| theme.of(role).unwrap());
        let mut seen: Vec<_> = all.map(String::from).to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
        for role in Theme::ROLES {
            let changed = theme.clone().with(role, Colour::BLACK);
            let others = Theme::ROLES.into_iter().filter(|other| *other != role);
            assert_eq!(changed.of(role), Some(Colour::BLACK));
            assert!(others.into_iter().all(|other| changed.of(other) == theme.of(other)), "{role}");
        }
        assert_eq!((theme.of("white"), theme.clone().with("white", Colour::BLACK)), (None, theme));
    }
}
