//! The published piece on the portal and its numbered editions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    IllegalMove,
    digest::{BlobHash, Digest, DigestBuilder},
    ids::ArticleId,
    record::{IndexEntry, Record, join, time_key},
};

/// State of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArticleState {
    /// Read from its source, photos still on their way.
    Fetched,
    /// Complete: it can be extracted and rendered.
    Ready,
    /// A newer revision took its place.
    Superseded,
    /// The publisher took it back.
    Withdrawn,
}

/// What can happen to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArticleEvent {
    /// Its media are here.
    Completed,
    /// The source shows another digest.
    Revised,
    /// The publisher took it back.
    Withdrawn,
}

impl ArticleState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Fetched, Self::Ready, Self::Superseded, Self::Withdrawn];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] when the table does not list the move.
    pub fn next(self, event: ArticleEvent) -> Result<Self, IllegalMove> {
        use {ArticleEvent as E, ArticleState as S};
        match (self, event) {
            (S::Fetched, E::Completed) => Ok(S::Ready),
            (S::Fetched | S::Ready, E::Revised) => Ok(S::Superseded),
            (S::Fetched | S::Ready, E::Withdrawn) => Ok(S::Withdrawn),
            _ => Err(IllegalMove {
                what: "article",
                state: format!("{self:?}"),
                event: format!("{event:?}"),
            }),
        }
    }
}

/// What a block of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// The headline: always the first block.
    Title,
    /// The standfirst: the second block when there is one.
    Sapo,
    /// A subheading of the body.
    Heading,
    /// A paragraph.
    Paragraph,
    /// An item of a list.
    ListItem,
    /// A block quotation.
    Quote,
    /// A table row, cells joined with tabs.
    TableRow,
    /// The caption of a photo or a video.
    Caption,
}

/// One block of text, NFC, single spaces, no control characters. Its index in the article is its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its text.
    pub text: String,
}

/// A photo of the article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Where it was read from, absolute; empty for a photo that came inside a file.
    pub url: String,
    /// Its bytes in the blob store; absent until fetched.
    pub blob: Option<BlobHash>,
    /// Media type sniffed from the bytes, for example `image/jpeg`.
    pub mime: String,
    /// Caption as published.
    pub caption: String,
    /// Credit as published (`Ảnh: VGP/…`), kept with the photo.
    pub credit: String,
    /// Alternative text as published.
    pub alt: String,
}

/// A video that the portal published with the article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Where it was read from, absolute; empty for a video that came inside a file.
    pub url: String,
    /// Its bytes in the blob store; absent until fetched.
    pub blob: Option<BlobHash>,
    /// Media type sniffed from the bytes, for example `video/mp4`; empty until fetched.
    pub mime: String,
    /// Caption as published.
    pub caption: String,
    /// Credit as published, kept with the video.
    pub credit: String,
}

/// Something that was not sure when an article was read: an editor should look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Stable code: the key `ingest_warning.<code>` of the locale files.
    pub code: String,
    /// What it is about.
    pub detail: String,
}

/// Where the article came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRef {
    /// Canonical address of the article on its portal: the key of its revisions.
    pub canonical_url: String,
    /// Name of the publisher, for the source line, for example `Cổng Thông tin điện tử Chính phủ`.
    pub publisher: String,
    /// How it was read: `url`, `html`, `json`, `markdown`, `feed`.
    pub via: String,
}

/// One revision of an article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Article {
    /// Id over all revisions.
    pub id: ArticleId,
    /// Agency (tenant).
    pub agency: String,
    /// Numbered from 1.
    pub revision: u32,
    /// Digest of everything that was published, see [`Article::content_digest`].
    pub digest: Digest,
    /// State of this revision.
    pub state: ArticleState,
    /// Where it came from.
    pub source: SourceRef,
    /// BCP 47 language, for example `vi`.
    pub lang: String,
    /// Section of the portal, may be empty.
    pub section: String,
    /// Bylines.
    pub authors: Vec<String>,
    /// Published on the portal at.
    pub published_at: Option<Timestamp>,
    /// Not to be posted before.
    pub embargo_until: Option<Timestamp>,
    /// Keywords as published.
    pub keywords: Vec<String>,
    /// Text. The first block is the title, the second the sapo when there is one.
    pub blocks: Vec<Block>,
    /// Photos in order.
    pub photos: Vec<Photo>,
    /// Videos in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub videos: Vec<Video>,
    /// What was not sure when it was read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<Doubt>,
    /// Read at.
    pub fetched_at: Timestamp,
}

impl Article {
    /// The headline.
    pub fn title(&self) -> &str {
        self.first(BlockKind::Title)
    }

    /// The standfirst, empty when the article has none.
    pub fn sapo(&self) -> &str {
        self.first(BlockKind::Sapo)
    }

    /// Where people can read the article: its canonical address when that is one of the web, else empty. An article from a
    /// file may have a name there that only tells its revisions apart; nobody can open that.
    pub fn web_address(&self) -> &str {
        let address = self.source.canonical_url.as_str();
        let web = ["https://", "http://"].iter().any(|scheme| {
            address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        if web { address } else { "" }
    }

    /// Digest of what was published: text, order, language, bylines, times and the bytes of photos and videos; not when or
    /// how it was read.
    pub fn content_digest(&self) -> Digest {
        let photos: Vec<_> =
            self.photos.iter().map(|p| (p.blob, &p.url, &p.caption, &p.credit, &p.alt)).collect();
        let published = DigestBuilder::new("article/1")
            .field("url", &self.source.canonical_url)
            .field("publisher", &self.source.publisher)
            .field("lang", &self.lang)
            .field("section", &self.section)
            .json("authors", &self.authors)
            .json("published_at", &self.published_at)
            .json("embargo", &self.embargo_until)
            .json("keywords", &self.keywords)
            .json("blocks", &self.blocks)
            .json("photos", &photos);
        if self.videos.is_empty() {
            // The digest of an article without videos is what it was before articles had any.
            return published.finish();
        }
        let videos: Vec<_> =
            self.videos.iter().map(|v| (v.blob, &v.url, &v.caption, &v.credit)).collect();
        published.json("videos", &videos).finish()
    }

    fn first(&self, kind: BlockKind) -> &str {
        self.blocks.iter().find(|block| block.kind == kind).map_or("", |block| block.text.as_str())
    }
}

impl Record for Article {
    const TABLE: &'static str = "article";
    /// `id/revision`, the revision with leading zeros so that revisions sort.
    fn key(&self) -> String {
        article_key(self.id, self.revision)
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![
            IndexEntry {
                index: "article_by_url",
                key: join(&[
                    &self.agency,
                    &self.source.canonical_url,
                    &format!("{:06}", self.revision),
                ]),
            },
            IndexEntry {
                index: "article_by_time",
                key: join(&[&self.agency, &time_key(self.fetched_at), &self.key()]),
            },
        ]
    }
}

/// Primary key of a revision.
pub fn article_key(id: ArticleId, revision: u32) -> String {
    format!("{id}/{revision:06}")
}
