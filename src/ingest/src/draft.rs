//! What was read, before it is an article.

use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;
use loa_model::{
    Article, ArticleId, ArticleState, Block, BlockKind, Digest, Photo, SourceRef, Video,
};
use url::Url;

use crate::{Error, Place, Result, clean::clean, page, video::Videos};

/// Where the bytes of a photo or a video are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaPlace {
    /// On the web.
    Url(Url),
    /// On this machine, inside the folder the source may use.
    File(PathBuf),
}

impl MediaPlace {
    /// Its address; empty for a file of this machine, whose name is nobody's business.
    pub fn address(self) -> String {
        match self {
            Self::Url(url) => url.into(),
            Self::File(_) => String::new(),
        }
    }
}

/// A photo of the article, not fetched yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoRef {
    /// Where its bytes are.
    pub place: MediaPlace,
    /// Caption as published.
    pub caption: String,
    /// Credit as published.
    pub credit: String,
    /// Alternative text as published, or the caption where it was missing or machine-made.
    pub alt: String,
}

/// A photo that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPhoto {
    /// Which of [`Draft::photos`].
    pub index: usize,
    /// Its bytes.
    pub bytes: Bytes,
    /// Media type sniffed from the bytes.
    pub mime: &'static str,
}

/// A video of the article, not fetched yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRef {
    /// Where its bytes are.
    pub place: MediaPlace,
    /// Caption as published.
    pub caption: String,
    /// Credit as published.
    pub credit: String,
    /// Digest and media type once its bytes are stored, see [`Draft::keep_videos`].
    pub stored: Option<(Digest, String)>,
}

/// A video whose bytes are on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedVideo {
    /// Which of [`Draft::videos`].
    pub index: usize,
    /// The file that holds it: in the folder that was given, or the source's own file, which must not be changed.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Media type sniffed from the bytes.
    pub mime: &'static str,
}

/// What came of fetching the videos of a draft.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FetchedVideos {
    /// Those that are here.
    pub fetched: Vec<FetchedVideo>,
    /// Which of [`Draft::videos`] could not be had now and may be there later. An article that was read before and held
    /// them has not lost them.
    pub maybe_later: Vec<usize>,
}

/// A doubt an editor should see. Not an error: the article can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Stable code: the key `ingest_warning.<code>` of the locale files.
    pub code: &'static str,
    /// What it is about.
    pub detail: String,
}

impl Warning {
    fn doubt(self) -> loa_model::Doubt {
        loa_model::Doubt { code: self.code.to_owned(), detail: self.detail }
    }
}

/// Every code of a [`Warning`].
pub const WARNING_CODES: [&str; 7] = [
    "title_differs",
    "date_differs",
    "no_date",
    "no_canonical_url",
    "photo_left_out",
    "video_left_out",
    "video_elsewhere",
];

/// An article as read, without the bytes of its photos and videos. Nothing is stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Where it came from.
    pub source: SourceRef,
    /// BCP 47 language.
    pub lang: String,
    /// Section, may be empty.
    pub section: String,
    /// Bylines.
    pub authors: Vec<String>,
    /// Published on the portal at.
    pub published_at: Option<Timestamp>,
    /// Not to be posted before.
    pub embargo_until: Option<Timestamp>,
    /// Keywords as published.
    pub keywords: Vec<String>,
    /// Text: title, sapo when there is one, body.
    pub blocks: Vec<Block>,
    /// Photos in order.
    pub photos: Vec<PhotoRef>,
    /// Videos in order, at most five.
    pub videos: Vec<VideoRef>,
    /// Doubts.
    pub warnings: Vec<Warning>,
}

impl Draft {
    /// Title, sapo and body in the order every article has; empty blocks and repeated captions are left out.
    ///
    /// # Errors
    /// [`Error::NoTitle`], [`Error::EmptyBody`] (text or at least a standfirst with a photo or a video must be
    /// there).
    pub(crate) fn set_text(&mut self, title: &str, sapo: &str, body: Vec<Block>) -> Result<()> {
        let (title, sapo) = (clean(title), clean(sapo));
        if title.is_empty() {
            return Err(Error::NoTitle);
        }
        let body: Vec<Block> = body
            .into_iter()
            .filter(|block| !block.text.is_empty() && block.text != title && block.text != sapo)
            .collect();
        let text = body.iter().any(|block| block.kind != BlockKind::Caption);
        let pictured = !self.photos.is_empty() || !self.videos.is_empty();
        if !text && (sapo.is_empty() || !pictured) {
            return Err(Error::EmptyBody);
        }
        if self.source.canonical_url.is_empty() {
            // Revisions are found by this address, and two files without one are not revisions of each other.
            self.source.canonical_url = format!("urn:sha256:{}", Digest::of(title.as_bytes()));
        }
        self.blocks = vec![Block { kind: BlockKind::Title, text: title }];
        if !sapo.is_empty() {
            self.blocks.push(Block { kind: BlockKind::Sapo, text: sapo });
        }
        self.blocks.extend(body);
        Ok(())
    }

    /// Takes the videos that were found, and the doubts about the others.
    pub(crate) fn set_videos(&mut self, videos: Videos) {
        self.videos = videos.found;
        self.warnings.extend(videos.warnings);
    }

    /// Notes which videos are stored, as (index into [`Draft::videos`], digest, media type). The article gets these and no
    /// other, and of the same bytes only the first.
    pub fn keep_videos(&mut self, stored: &[(usize, Digest, String)]) {
        for (index, video) in self.videos.iter_mut().enumerate() {
            let known = stored.iter().find(|stored| stored.0 == index);
            video.stored = known.map(|(_, digest, mime)| (*digest, mime.clone()));
        }
    }

    /// The article of this draft, with the videos of [`Draft::keep_videos`]. `photos` are the stored ones as (index into [`Draft::photos`], digest, media type);
    /// with `None` they are still on their way and the article is only `fetched`.
    pub fn article(
        self,
        id: ArticleId,
        agency: &str,
        revision: u32,
        photos: Option<&[(usize, Digest, String)]>,
        fetched_at: Timestamp,
    ) -> Article {
        let stored = |index: usize| photos.unwrap_or_default().iter().find(|p| p.0 == index);
        let keep = |(index, photo): (usize, PhotoRef)| {
            let blob = stored(index);
            // A photo that could not be had is no photo of the finished article.
            (photos.is_none() || blob.is_some()).then(|| Photo {
                url: photo.place.address(),
                blob: blob.map(|b| b.1),
                mime: blob.map(|b| b.2.clone()).unwrap_or_default(),
                caption: photo.caption,
                credit: photo.credit,
                alt: photo.alt,
            })
        };
        let mut videos: Vec<Video> = Vec::new();
        for video in self.videos {
            let (blob, mime) = video.stored.unzip();
            // The portal may have one video under two addresses; its bytes tell.
            let twice = blob.is_some() && videos.iter().any(|known| known.blob == blob);
            if twice || (photos.is_some() && blob.is_none()) {
                continue;
            }
            videos.push(Video {
                url: video.place.address(),
                blob,
                mime: mime.unwrap_or_default(),
                caption: video.caption,
                credit: video.credit,
            });
        }
        let mut article = Article {
            id,
            agency: agency.to_owned(),
            revision,
            digest: Digest([0; 32]),
            state: if photos.is_some() { ArticleState::Ready } else { ArticleState::Fetched },
            source: self.source,
            lang: self.lang,
            section: self.section,
            authors: self.authors,
            published_at: self.published_at,
            embargo_until: self.embargo_until,
            keywords: self.keywords,
            blocks: self.blocks,
            photos: self.photos.into_iter().enumerate().filter_map(keep).collect(),
            videos,
            doubts: self.warnings.into_iter().map(Warning::doubt).collect(),
            fetched_at,
        };
        article.digest = article.content_digest();
        article
    }

    /// What does not say where it was published belongs where it was found; a doubt when nobody knows.
    pub(crate) fn belongs_at(&mut self, place: &Place) {
        if self.source.canonical_url.is_empty() {
            match place.page.clone().and_then(page::tidy_url) {
                Some(found) => self.source.canonical_url = found,
                None => self.warn("no_canonical_url", place.shown()),
            }
        }
    }

    pub(crate) fn warn(&mut self, code: &'static str, detail: impl Into<String>) {
        self.warnings.push(Warning { code, detail: detail.into() });
    }
}
