//! What is asked for and what comes back.

use loa_canvas::{DecodedPhoto, Focus, PreparedPhoto};
use loa_model::{Article, Brief, Cancel, Digest, Violation};
use serde_json::Value;

/// A photo of the article, decoded once for all sizes.
#[derive(Debug, Clone)]
pub struct SourcePhoto {
    /// The pixels.
    pub photo: DecodedPhoto,
    /// What a crop keeps in sight.
    pub focus: Focus,
    /// Alternative text as published, or the caption.
    pub alt: String,
    /// Credit as published; drawn on the photo.
    pub credit: String,
}

impl SourcePhoto {
    /// Whether it fills a slot without becoming a blur.
    pub fn fills(&self, slot: (u32, u32)) -> bool {
        self.photo.is_sharp_at(slot.0, slot.1)
    }

    pub(crate) fn prepared(
        &self,
        slot: (u32, u32),
        rest: (f64, f64),
    ) -> loa_canvas::Result<PreparedPhoto> {
        let mut prepared = self.photo.cover_at(slot, self.focus, rest)?;
        prepared.alt.clone_from(&self.alt);
        prepared.credit.clone_from(&self.credit);
        Ok(prepared)
    }
}

/// A file format. Paper becomes pixels at [`PAPER_DPI`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lossless.
    Png,
    /// Quality 85, less when the file would exceed `max_bytes`.
    Jpeg {
        /// Most bytes a channel takes.
        max_bytes: usize,
    },
    /// JPEG at half width and height, to be looked at while it is edited.
    Half,
    /// To be printed; read aloud too (PDF/UA-1), which asks for a heading in the template and a glyph for every letter. Of an
    /// article with a date it is one for archives as well (PDF/A-2a).
    Pdf,
}

/// How the pictures of an order share what the article says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Spread {
    /// Each size is one card that stands for itself and shows as much as fits.
    #[default]
    Card,
    /// Each size is as many pages as its list needs, two or more: all steps of a procedure, all events, all rows. Nothing is
    /// drawn when one page holds them or there is no such list.
    Carousel,
}

/// Most pages of a carousel: what every channel takes as one post.
pub const MOST_PAGES: usize = 10;

/// Pixels of an inch of paper.
pub const PAPER_DPI: f64 = 150.0;

/// One order of cards.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The article.
    pub article: &'a Article,
    /// Its brief, of the same revision.
    pub brief: &'a Brief,
    /// Photos in order of importance; a template takes as many as it has slots.
    pub photos: &'a [SourcePhoto],
    /// Brand kit.
    pub brand: &'a str,
    /// Template; chosen by the kind of story when absent.
    pub template: Option<&'a str>,
    /// Names of sizes; every size of the template when empty.
    pub sizes: &'a [&'a str],
    /// File formats of each size.
    pub formats: &'a [Format],
    /// One card or several pages.
    pub spread: Spread,
    /// Address inside the QR code and under the card; the article's own when absent.
    pub link: Option<&'a str>,
    /// Date of publication as it is to be shown, already formatted; may be empty.
    pub date: &'a str,
    /// The wish to stop.
    pub cancel: &'a Cancel,
}

/// A drawn file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// `portrait.png`; `portrait-1.png` of the first page of a carousel.
    pub name: String,
    /// Name of its size.
    pub size: String,
    /// Media type.
    pub mime: &'static str,
    /// Pixels; points of a PDF, 72 an inch.
    pub width: u32,
    /// Pixels; points of a PDF.
    pub height: u32,
    /// Bytes.
    pub bytes: Vec<u8>,
    /// JPEG quality it took.
    pub quality: Option<u8>,
    /// Alternative text from the same data.
    pub alt: String,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Template used.
    pub template: String,
    /// Digest of everything that decided it.
    pub recipe: Digest,
    /// Files, size by size.
    pub files: Vec<File>,
    /// Sizes that cannot hold their headline.
    pub violations: Vec<Violation>,
    /// JSON: for each picture every drawn string with its origin, and what was left out.
    pub provenance: Value,
}
