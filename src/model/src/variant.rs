//! Editorial forms of a revision and their encodings.

use serde::{Deserialize, Serialize};

use crate::{
    IllegalMove,
    choices::Chosen,
    digest::{BlobHash, Digest},
    ids::{ArticleId, VariantId},
    job::JobKind,
    record::{IndexEntry, Record, join},
};

/// Editorial form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantKind {
    /// A picture with the article's points.
    Infographic,
    /// A vertical clip of 15–60 s.
    ShortClip,
    /// A wide clip of 60–180 s.
    LongClip,
    /// A square clip of 15–60 s.
    SquareClip,
    /// Its own layout for slow links: big type, hard cuts.
    LowBand,
    /// Sound only.
    Audio,
    /// Sheets to be printed for notice boards.
    Poster,
    /// Pages of pictures, for a list that one picture cannot hold.
    Carousel,
}

impl VariantKind {
    /// Whether it is made of pictures alone: drawn in seconds, where films and sound take minutes.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Infographic | Self::Poster | Self::Carousel)
    }
}

/// State of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantState {
    /// Waits for a worker.
    Queued,
    /// A worker draws it.
    Rendering,
    /// Its renditions are in the blob store.
    Rendered,
    /// Could not be drawn; the reason is kept.
    Failed,
    /// Its article, brief, template or brand changed.
    Stale,
}

/// What can happen to a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariantEvent {
    /// A worker took it.
    Start,
    /// The worker died or gave it back; drawing again is harmless.
    Release,
    /// Drawn.
    Finish,
    /// Cannot be drawn.
    Fail,
    /// An input changed.
    InputChanged,
    /// A person asks to try again.
    Retry,
}

impl VariantState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Rendering, Self::Rendered, Self::Failed, Self::Stale];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] when the table does not list the move.
    pub fn next(self, event: VariantEvent) -> Result<Self, IllegalMove> {
        use {VariantEvent as E, VariantState as S};
        match (self, event) {
            (S::Queued, E::Start) => Ok(S::Rendering),
            (S::Rendering, E::Release) | (S::Failed, E::Retry) => Ok(S::Queued),
            (S::Rendering, E::Finish) => Ok(S::Rendered),
            (S::Rendering, E::Fail) => Ok(S::Failed),
            (S::Queued | S::Rendering | S::Rendered | S::Failed, E::InputChanged) => Ok(S::Stale),
            _ => Err(IllegalMove {
                what: "variant",
                state: format!("{self:?}"),
                event: format!("{event:?}"),
            }),
        }
    }
}

/// One encoding of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendition {
    /// Name within the variant: `portrait`, `1080x1920`, `360p`, `poster`, `captions`, `a4.pdf`.
    pub name: String,
    /// Bytes.
    pub blob: BlobHash,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type.
    pub mime: String,
    /// Pixels, points of a PDF; 0 where there are none.
    pub width: u32,
    /// Pixels, points of a PDF; 0 where there are none.
    pub height: u32,
    /// Milliseconds; 0 for a still.
    pub duration_ms: u64,
    /// Alternative text from the same data.
    pub alt: String,
}

/// One editorial form of one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Id.
    pub id: VariantId,
    /// Agency (tenant).
    pub agency: String,
    /// Article.
    pub article: ArticleId,
    /// Revision.
    pub revision: u32,
    /// Form.
    pub kind: VariantKind,
    /// Template name.
    pub template: String,
    /// Brand kit.
    pub brand: String,
    /// Digest of the kit that it was drawn with, when an agency made it itself: changed since, it can be drawn anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<Digest>,
    /// What a person chose, when one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    /// Digest of everything that decides the result: article revision, brief, template, brand, engine. A new engine never makes an approved variant stale.
    pub recipe: Digest,
    /// State.
    pub state: VariantState,
    /// Encodings, once rendered.
    pub renditions: Vec<Rendition>,
    /// Where each drawn string comes from: JSON of the renderer, shown as provenance.
    pub provenance: serde_json::Value,
    /// Why it failed or became stale, for people.
    pub reason: String,
}

impl Variant {
    /// The work that makes it.
    pub fn work(&self) -> JobKind {
        let variant = self.id;
        if self.kind.is_picture() { JobKind::Draw { variant } } else { JobKind::Render { variant } }
    }

    /// A rendition by name.
    pub fn rendition(&self, name: &str) -> Option<&Rendition> {
        self.renditions.iter().find(|rendition| rendition.name == name)
    }
}

impl Record for Variant {
    const TABLE: &'static str = "variant";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "variant_by_article",
            key: join(&[&self.article.to_string(), &format!("{:06}", self.revision), &self.key()]),
        }]
    }
}
