//! What the stand-in keeps.

use jiff::Timestamp;
use loa_sandbox::{MediaRef, PostMedia, PostStatus, StoredPost};
use serde::{Deserialize, Serialize};

/// A channel and its token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) revoked: bool,
    pub(crate) webhook: String,
    pub(crate) members: Vec<Member>,
    pub(crate) posted_at: Vec<Timestamp>,
}

/// Somebody who may write in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

/// A file that the platform fetches by address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) role: String,
    pub(crate) url: String,
    pub(crate) media: Option<MediaRef>,
    pub(crate) problem: String,
}

/// A post.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) token: u64,
    pub(crate) channel: String,
    pub(crate) from: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) files: Vec<Asked>,
    pub(crate) at: Timestamp,
}

impl Post {
    pub(crate) fn stored(&self, base: &str) -> StoredPost {
        let media = self.files.iter().filter_map(|file| {
            let kept = file.media.as_ref()?;
            Some(PostMedia {
                role: file.role.clone(),
                sha256: kept.sha256.clone(),
                bytes: kept.bytes,
                mime: kept.mime.clone(),
            })
        });
        StoredPost {
            id: self.token.to_string(),
            account: self.channel.clone(),
            kind: self.kind.clone(),
            text: self.text.clone(),
            link: None,
            extra: self.files.iter().map(|file| file.url.clone()).collect(),
            media: media.collect(),
            created_at: self.at,
            state: PostStatus::Visible,
            url: format!("{base}/post/{}", self.token),
        }
    }
}
