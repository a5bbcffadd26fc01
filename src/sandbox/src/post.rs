//! Posts as a platform stored them, and the creating requests it counted: what tests compare with what was sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::book::Page;

/// Table of creating requests in every [`Book`](crate::Book).
const CREATES: &str = "_create";

/// Whether the audience sees a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostStatus {
    /// Everybody sees it.
    Visible,
    /// It exists and nobody sees it: unpublished, private, in processing.
    Hidden,
    /// It was taken away.
    Removed,
}

/// A file of a post, as received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMedia {
    /// What it is for, in the platform's own word: photo, video, cover.
    pub role: String,
    /// SHA-256 of the bytes received.
    pub sha256: String,
    /// Bytes received.
    pub bytes: u64,
    /// Media type by the first bytes.
    pub mime: String,
}

/// One post as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPost {
    /// The platform's id.
    pub id: String,
    /// The account it is on.
    pub account: String,
    /// The platform's own word for the form of it.
    pub kind: String,
    /// All text, exactly as received.
    pub text: String,
    /// Link, when it has a field of its own.
    pub link: Option<String>,
    /// Other fields a marker may sit in: tracking link, description, tags.
    pub extra: Vec<String>,
    /// Files.
    pub media: Vec<PostMedia>,
    /// Made at.
    pub created_at: Timestamp,
    /// Whether it is seen.
    pub state: PostStatus,
    /// Page of the post on the stand-in.
    pub url: String,
}

impl StoredPost {
    /// Whether a marker stands anywhere in text, link or tracking fields.
    pub fn carries(&self, marker: &str) -> bool {
        self.text.contains(marker)
            || self.link.as_ref().is_some_and(|link| link.contains(marker))
            || self.extra.iter().any(|field| field.contains(marker))
    }
}

/// A request that made something the audience can come to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Create {
    /// When.
    pub at: Timestamp,
    /// What it made.
    pub post: String,
    /// On which account.
    pub account: String,
    /// Everything in it a marker may sit in.
    pub text: String,
}

impl Page {
    /// Counts a creating request, in the same change that stores what it made.
    pub fn count_create(&mut self, create: &Create) {
        let number = self.next(CREATES);
        self.put(CREATES, &format!("{number:012}"), create);
    }

    /// Creating requests, oldest first.
    pub fn creates(&self) -> Vec<Create> {
        self.list(CREATES).into_iter().map(|(_, create)| create).collect()
    }
}
