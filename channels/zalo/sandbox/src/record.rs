//! What the stand-in keeps.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{MediaRef, PostMedia, PostStatus, StoredPost};
use serde::{Deserialize, Serialize};

use crate::article::{Block, Content, Cover};

/// Life of an access token: 25 hours.
pub(crate) const ACCESS_LIFE: SignedDuration = SignedDuration::from_hours(25);
/// Life of a refresh token: three months.
pub(crate) const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// How long an article is worked on.
pub(crate) const PROCESSING: SignedDuration = SignedDuration::from_secs(4);
/// How long a video is converted.
pub(crate) const CONVERTING: SignedDuration = SignedDuration::from_secs(30);
/// How long a token of a job or a video can be asked about.
pub(crate) const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// An official account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Oa {
    pub(crate) name: String,
    pub(crate) followers: u64,
    pub(crate) verified: bool,
    pub(crate) opened_at: Timestamp,
}

/// An access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Access {
    pub(crate) oa: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
}

/// A refresh token: good for one use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) oa: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) used: bool,
}

/// A code of the consent page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) oa: String,
    pub(crate) challenge: String,
    pub(crate) made_at: Timestamp,
}

/// An article being made or changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) oa: String,
    /// The article it makes or changes.
    pub(crate) article: String,
    pub(crate) update: bool,
    pub(crate) content: Content,
    pub(crate) ready_at: Timestamp,
    /// Nothing while its media are being fetched.
    pub(crate) fetched: Option<Result<Vec<PostMedia>, String>>,
    pub(crate) applied: bool,
}

/// An article.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Article {
    pub(crate) oa: String,
    pub(crate) content: Content,
    pub(crate) files: Vec<PostMedia>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// First shown at.
    pub(crate) shown_at: Option<Timestamp>,
    /// Broadcasts that carried it.
    pub(crate) broadcasts: u32,
    pub(crate) removed: bool,
}

impl Article {
    /// Whether people see it.
    pub(crate) fn visible(&self) -> bool {
        !self.removed && self.content.shown()
    }

    /// Page of the article on the stand-in.
    pub(crate) fn url(&self, id: &str, base: &str) -> String {
        format!("{base}/d?id={id}&pageId={}", self.oa)
    }

    /// The article as the control API shows it.
    pub(crate) fn stored(&self, id: &str, base: &str) -> StoredPost {
        let content = &self.content;
        let mut text = vec![content.title.clone(), content.description.clone()];
        for block in &content.body {
            match block {
                Block::Text { content } => text.push(content.clone()),
                Block::Image { caption, .. } => text.extend(caption.clone()),
                Block::Video { .. } | Block::Product { .. } => {}
            }
        }
        let state = match (self.removed, self.content.shown()) {
            (true, _) => PostStatus::Removed,
            (false, true) => PostStatus::Visible,
            (false, false) => PostStatus::Hidden,
        };
        StoredPost {
            id: id.to_owned(),
            account: self.oa.clone(),
            kind: content.kind.clone(),
            text: text.join("\n"),
            link: None,
            extra: content.tracking_link.iter().chain([&content.author]).cloned().collect(),
            media: self.files.clone(),
            created_at: self.created_at,
            state,
            url: self.url(id, base),
        }
    }
}

impl Content {
    /// Addresses the platform must fetch, with the role of each.
    pub(crate) fn addresses(&self) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        if let Some(Cover::Photo { photo_url, .. }) = &self.cover {
            all.push(("cover", photo_url.clone()));
        }
        all.extend(self.avatar.iter().map(|url| ("avatar", url.clone())));
        for block in &self.body {
            match block {
                Block::Image { url, .. } => all.push(("image", url.clone())),
                Block::Video { thumb, .. } => all.push(("thumb", thumb.clone())),
                Block::Text { .. } | Block::Product { .. } => {}
            }
        }
        all
    }

    /// Videos of the account it shows.
    pub(crate) fn videos(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.video_id.iter().map(String::as_str).collect();
        if let Some(Cover::Video { video_id, .. }) = &self.cover {
            all.push(video_id);
        }
        for block in &self.body {
            if let Block::Video { video_id: Some(id), .. } = block {
                all.push(id);
            }
        }
        all
    }
}

/// An uploaded video.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Video {
    pub(crate) oa: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) file: MediaRef,
    pub(crate) uploaded_at: Timestamp,
}

impl Video {
    /// 1 ready, 3 converting, 4 failed.
    pub(crate) fn status(&self, now: Timestamp) -> u8 {
        match now.duration_since(self.uploaded_at) >= CONVERTING {
            false => 3,
            true if self.file.mime == "video/mp4" => 1,
            true => 4,
        }
    }
}

/// A broadcast.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Broadcast {
    pub(crate) oa: String,
    pub(crate) articles: Vec<String>,
    pub(crate) at: Timestamp,
}
