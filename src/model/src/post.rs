//! One message for one account, exactly as it will be sent, and its approval.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    IllegalMove,
    account::AccountName,
    digest::{BlobHash, Digest, DigestBuilder},
    ids::{ArticleId, PostId, UserId, VariantId},
    job::Priority,
    record::{IndexEntry, Record, join, time_key},
    schedule::Timing,
};

/// What the audience will see. A channel's capability says which of these it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostFormat {
    /// Words and a link.
    Text,
    /// One picture with words.
    Photo,
    /// Several pictures with words.
    Album,
    /// A wide or long video.
    Video,
    /// A vertical short video (Reel, Short).
    ShortVideo,
    /// A page of its own with cover, paragraphs and pictures.
    Article,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaRole {
    /// Picture of the post.
    Photo,
    /// Cover of an article.
    Cover,
    /// The video.
    Video,
    /// Small picture beside a video or a photo.
    Thumbnail,
    /// Captions in SRT.
    Captions,
}

/// A file of the post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What it is for.
    pub role: MediaRole,
    /// Bytes.
    pub blob: BlobHash,
    /// Length in bytes.
    pub bytes: u64,
    /// Media type.
    pub mime: String,
    /// Pixels; 0 where there are none.
    pub width: u32,
    /// Pixels; 0 where there are none.
    pub height: u32,
    /// Milliseconds; 0 for a still.
    pub duration_ms: u64,
    /// Alternative text.
    pub alt: String,
    /// Variant it is a rendition of; absent for a photo of the article.
    pub variant: Option<VariantId>,
}

/// A block of an article post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "block")]
pub enum BodyBlock {
    /// One paragraph.
    Text {
        /// Its words.
        text: String,
    },
    /// A picture: index into [`PostContent::media`].
    Picture {
        /// Which.
        media: usize,
        /// Caption, may be empty.
        caption: String,
    },
}

/// The short link of one post: read-back marker, click counter and campaign carrier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Code, unique in the installation.
    pub code: String,
    /// The link as the audience gets it, absolute.
    pub url: String,
    /// The article it leads to, with its campaign parameters.
    pub target: String,
}

/// Everything that will be sent. Any change of it changes the digest and voids the approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostContent {
    /// Format.
    pub format: PostFormat,
    /// BCP 47 language.
    pub lang: String,
    /// Title, where the format has one.
    pub title: String,
    /// Author or byline, where the format has one.
    pub author: String,
    /// The words: message, caption or description, with the short link where the channel shows it as text.
    pub text: String,
    /// Blocks of an article post.
    pub body: Vec<BodyBlock>,
    /// Files in order.
    pub media: Vec<Media>,
    /// The short link.
    pub link: Link,
    /// Tags without `#`, where the channel takes them apart from the words.
    pub tags: Vec<String>,
}

/// What a post is made of, as allowances count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Format.
    pub format: PostFormat,
    /// Files of each role.
    pub files: BTreeMap<MediaRole, u32>,
}

impl PostContent {
    /// What it is made of.
    pub fn shape(&self) -> Shape {
        let mut files = BTreeMap::new();
        for media in &self.media {
            *files.entry(media.role).or_default() += 1;
        }
        Shape { format: self.format, files }
    }

    /// Digest of the post for one account: account, format, every field as sent, blob hashes. **No time.**
    pub fn digest(&self, account: &AccountName) -> Digest {
        let media: Vec<_> =
            self.media.iter().map(|m| (m.role, m.blob, m.bytes, &m.mime, &m.alt)).collect();
        DigestBuilder::new("post/1")
            .field("account", account.as_str())
            .json("format", &self.format)
            .field("lang", &self.lang)
            .field("title", &self.title)
            .field("author", &self.author)
            .field("text", &self.text)
            .json("body", &self.body)
            .json("media", &media)
            .field("link", &self.link.url)
            .field("target", &self.link.target)
            .json("tags", &self.tags)
            .finish()
    }

    /// With these files. A picture between its paragraphs goes where its file is now, or, when another took its place, where
    /// that one is; it is left out when there is none.
    #[must_use]
    pub fn with_media(&self, media: Vec<Media>) -> Self {
        let same = media.len() == self.media.len();
        let place = |old: usize| {
            let was = self.media.get(old)?;
            let there =
                media.iter().position(|file| file.blob == was.blob && file.role == was.role);
            there.or_else(|| media.get(old).filter(|now| same && now.role == was.role).map(|_| old))
        };
        let body = self.body.iter().filter_map(|block| match block {
            BodyBlock::Text { .. } => Some(block.clone()),
            BodyBlock::Picture { media, caption } => {
                Some(BodyBlock::Picture { media: place(*media)?, caption: caption.clone() })
            }
        });
        let body = body.collect();
        Self { body, media, ..self.clone() }
    }

    /// Files of one role, in order.
    pub fn media_of(&self, role: MediaRole) -> impl Iterator<Item = &Media> {
        self.media.iter().filter(move |media| media.role == role)
    }
}

/// State of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostState {
    /// Being written.
    Draft,
    /// Waits for an approver.
    InReview,
    /// An approver signed its digest; a delivery exists.
    Approved,
    /// Sent back with a reason.
    Returned,
    /// Refused, changed after approval, or its article changed: cannot go out as it is.
    Void,
}

/// What can happen to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PostEvent {
    /// Its author changed it.
    Edit,
    /// Handed to an approver.
    Submit,
    /// Signed.
    Approve,
    /// Sent back.
    Return,
    /// Refused for good by an approver.
    Reject,
    /// Its article or a variant changed.
    InputChanged,
}

impl PostState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Draft, Self::InReview, Self::Approved, Self::Returned, Self::Void];

    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalMove`] when the table does not list the move.
    pub fn next(self, event: PostEvent) -> Result<Self, IllegalMove> {
        use {PostEvent as E, PostState as S};
        match (self, event) {
            (S::Draft | S::InReview | S::Returned, E::Edit) => Ok(S::Draft),
            (S::Approved, E::Edit) => Ok(S::Void),
            (S::Draft | S::Returned, E::Submit) => Ok(S::InReview),
            (S::InReview, E::Approve) => Ok(S::Approved),
            (S::InReview, E::Return) => Ok(S::Returned),
            (S::InReview, E::Reject) => Ok(S::Void),
            (S::Draft | S::InReview | S::Approved | S::Returned, E::InputChanged) => Ok(S::Void),
            _ => Err(IllegalMove {
                what: "post",
                state: format!("{self:?}"),
                event: format!("{event:?}"),
            }),
        }
    }
}

/// A signature over a digest and a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Digest signed.
    pub digest: Digest,
    /// Who signed; never anyone who wrote a version of it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Not to be sent before.
    pub not_before: Timestamp,
    /// Not to be sent after: later it is `missed` and asks a person.
    pub not_after: Timestamp,
}

/// Something of a post that a person wrote in other words than it was composed with. Not a part of what is sent: of the content
/// and its digest, the words are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// What: `title`, `author`, `text`, `tags`, `body.2` (a paragraph, or the caption of a picture between them), `media.0.alt`,
    /// `media.2.captions`.
    pub field: String,
    /// As it was composed; of captions the digest of the file.
    pub was: String,
    /// Who changed it last.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// One message for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// Id.
    pub id: PostId,
    /// Agency (tenant).
    pub agency: String,
    /// Article.
    pub article: ArticleId,
    /// Revision it was composed from.
    pub revision: u32,
    /// Account.
    pub account: AccountName,
    /// What will be sent.
    pub content: PostContent,
    /// State.
    pub state: PostState,
    /// When to post; the instant in UTC.
    pub scheduled_at: Timestamp,
    /// IANA zone the person scheduled in.
    pub zone: String,
    /// How that time was chosen.
    #[serde(default, skip_serializing_if = "Timing::is_soon")]
    pub timing: Timing,
    /// Urgency, that of the job that composed it; its delivery has the same.
    pub priority: Priority,
    /// Who composed it, or changed it last.
    pub author: UserId,
    /// Who else wrote any version of it, also of the posts it replaces: none of them approves it.
    #[serde(default)]
    pub editors: Vec<UserId>,
    /// What of it a person wrote in other words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewritten: Vec<Rewritten>,
    /// The signature, once approved.
    pub approval: Option<Approval>,
    /// Last reason of a return, a refusal or a void.
    pub reason: String,
    /// Composed at.
    pub created_at: Timestamp,
}

impl Post {
    /// Digest of its content for its account.
    pub fn digest(&self) -> Digest {
        self.content.digest(&self.account)
    }

    /// Makes `by` its author; whoever wrote it before is remembered.
    pub fn hand_to(&mut self, by: UserId) {
        let before = std::mem::replace(&mut self.author, by);
        if before != by && !self.editors.contains(&before) {
            self.editors.push(before);
        }
    }

    /// The mark of a field that a person wrote in other words.
    pub fn rewriting(&self, field: &str) -> Option<&Rewritten> {
        self.rewritten.iter().find(|mark| mark.field == field)
    }

    /// The file that a file of it was drawn as: another one where a person rewrote its captions.
    pub fn drawn_as(&self, index: usize) -> Option<BlobHash> {
        let file = self.content.media.get(index)?;
        let mark = self.rewriting(&format!("media.{index}.captions"));
        mark.map_or(Some(file.blob), |mark| mark.was.parse().ok())
    }

    /// Whether this person wrote any version of it.
    pub fn was_written_by(&self, user: UserId) -> bool {
        self.author == user || self.editors.contains(&user)
    }
}

impl Record for Post {
    const TABLE: &'static str = "post";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let state =
            serde_json::to_value(self.state).ok().and_then(|v| v.as_str().map(str::to_owned));
        let by_state = join(&[&self.agency, &state.unwrap_or_default(), &self.key()]);
        let mut entries = vec![
            IndexEntry {
                index: "post_by_article",
                key: join(&[&self.article.to_string(), &self.key()]),
            },
            IndexEntry { index: "post_by_state", key: by_state.clone() },
            IndexEntry { index: "post_by_code", key: self.content.link.code.clone() },
            IndexEntry {
                index: "post_by_time",
                key: join(&[&self.agency, &time_key(self.scheduled_at), &self.key()]),
            },
        ];
        if self.priority == Priority::Urgent {
            // However many wait for approval, these are seen.
            entries.push(IndexEntry { index: "post_urgent", key: by_state });
        }
        entries
    }
}
