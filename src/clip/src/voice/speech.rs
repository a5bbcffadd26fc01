//! Text as it is spoken: numbers, dates, units, legal numbers, acronyms and addresses in words, by rules.
//!
//! Vietnamese first, English second. What is said keeps the place of the source that it says, so that captions and the
//! check of [`unsaid`] know. A word is never dropped: what no rule knows is said as written, or spelt.

mod hear;
mod number;
mod reader;
mod rules;
mod source;
mod table;
#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

pub use hear::{Unsaid, unsaid};

/// A language that can be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lang {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

impl Lang {
    /// Its code, `vi` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Vi => "vi",
            Self::En => "en",
        }
    }
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A word said as it is written.
    Word,
    /// Something said otherwise than written: a number, a unit, an acronym, a sign.
    Read,
    /// A pause; [`Piece::said`] is its mark, one of `, . ? !`.
    Pause,
}

/// A piece of speech and the place it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Words, or the mark of a pause.
    pub said: String,
    /// Bytes of [`Spoken::source`].
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// A text and how it is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// The text in NFC: what the spans of the pieces mean.
    pub source: String,
    /// Pieces in the order of the text. Every letter and digit of the source is in the span of one that has words.
    pub pieces: Vec<Piece>,
}

impl Spoken {
    /// The words in NFC: what a voice is given.
    ///
    /// ```
    /// use loa_clip::voice::speech::{Lang, spoken};
    /// assert_eq!(spoken("Tăng 78,5%.", Lang::Vi).text(), "Tăng bảy mươi tám phẩy năm phần trăm.");
    /// ```
    pub fn text(&self) -> String {
        join(&self.pieces)
    }
}

/// These pieces as one text.
pub(crate) fn join(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        if !text.is_empty() && piece.kind != Kind::Pause {
            text.push(' ');
        }
        text.push_str(&piece.said);
    }
    text
}

/// How `text` is spoken.
pub fn spoken(text: &str, lang: Lang) -> Spoken {
    let source: String = text.nfc().collect();
    let pieces = reader::read(&source, lang);
    Spoken { source, pieces }
}
