//! What the stand-in keeps.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{MediaRef, Page as Leaf, PostMedia, PostStatus, StoredPost};
use serde::{Deserialize, Serialize};

/// How long bytes of a video are worked on after they are complete.
pub(crate) const PROCESSING: SignedDuration = SignedDuration::from_secs(20);
/// How long an unpublished photo lives.
pub(crate) const PHOTO_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// A Page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PageRecord {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) followers: u64,
    pub(crate) opened_at: Timestamp,
}

/// Whether a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TokenState {
    Live,
    Revoked,
}

/// A token of a Page, or of the person who looks after the Pages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) page: Option<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) state: TokenState,
}

/// An uploaded photo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Photo {
    pub(crate) page: String,
    pub(crate) file: MediaRef,
    pub(crate) caption: String,
    pub(crate) alt: Option<String>,
    pub(crate) post: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) removed: bool,
}

impl Photo {
    /// Whether it still exists: unattached photos vanish after a day.
    pub(crate) fn lives(&self, now: Timestamp) -> bool {
        !self.removed && (self.post.is_some() || now.duration_since(self.created_at) < PHOTO_LIFE)
    }
}

/// What kind of video it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum VideoKind {
    Reel,
    Feed,
}

/// A video from its first upload request on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Video {
    pub(crate) page: String,
    pub(crate) kind: VideoKind,
    /// Length promised, bytes; unknown for a reel until its first bytes come.
    pub(crate) size: Option<u64>,
    /// Pieces received, in order.
    pub(crate) pieces: Vec<MediaRef>,
    /// All of it, once complete.
    pub(crate) file: Option<MediaRef>,
    pub(crate) started_at: Timestamp,
    pub(crate) uploaded_at: Option<Timestamp>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) thumbnail: Option<MediaRef>,
    /// Locale and file of each caption track.
    pub(crate) captions: Vec<(String, MediaRef)>,
    /// The post made by the finishing request.
    pub(crate) post: Option<String>,
    pub(crate) removed: bool,
    pub(crate) cancelled: bool,
}

impl Video {
    /// Bytes received.
    pub(crate) fn received(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }

    /// When the platform has worked through the bytes.
    pub(crate) fn ready_at(&self) -> Option<Timestamp> {
        self.uploaded_at.and_then(|at| at.checked_add(PROCESSING).ok())
    }

    /// Whether the bytes are a video.
    pub(crate) fn playable(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.mime.starts_with("video/"))
    }
}

/// A post of a Page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Post {
    pub(crate) id: String,
    pub(crate) page: String,
    pub(crate) message: String,
    pub(crate) link: Option<String>,
    pub(crate) photos: Vec<String>,
    pub(crate) video: Option<String>,
    /// The video is a reel.
    pub(crate) reel: bool,
    pub(crate) published: bool,
    pub(crate) scheduled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Since when it is out; a video's post comes out when its bytes are worked through.
    pub(crate) live_from: Option<Timestamp>,
    pub(crate) removed: bool,
}

impl Post {
    /// When the audience first sees it.
    pub(crate) fn out_at(&self) -> Option<Timestamp> {
        if self.published { self.live_from } else { self.scheduled_at }
    }

    /// Whether the audience sees it.
    pub(crate) fn visible(&self, now: Timestamp) -> bool {
        !self.removed && self.out_at().is_some_and(|at| at <= now)
    }

    /// Milliseconds since it is out; negative before.
    pub(crate) fn age_ms(&self, now: Timestamp) -> i64 {
        self.out_at().map_or(-1, |at| now.as_millisecond() - at.as_millisecond())
    }

    /// The second half of the id.
    pub(crate) fn number(&self) -> &str {
        self.id.split_once('_').map_or(self.id.as_str(), |(_, number)| number)
    }

    /// Page of the post on the stand-in.
    pub(crate) fn url(&self, base: &str) -> String {
        match &self.video {
            Some(video) if self.reel => format!("{base}/reel/{video}/"),
            _ => format!("{base}/{}/posts/{}", self.page, self.number()),
        }
    }

    /// The post as the control API shows it.
    pub(crate) fn stored(&self, leaf: &Leaf, base: &str, now: Timestamp) -> StoredPost {
        let mut media = Vec::new();
        let mut extra = Vec::new();
        let mut push = |role: &str, file: &MediaRef| {
            media.push(PostMedia {
                role: role.to_owned(),
                sha256: file.sha256.clone(),
                bytes: file.bytes,
                mime: file.mime.clone(),
            });
        };
        for photo in self.photos.iter().filter_map(|id| leaf.get::<Photo>("photo", id)) {
            push("photo", &photo.file);
            extra.extend(photo.alt);
            extra.push(photo.caption);
        }
        if let Some(video) = self.video.as_ref().and_then(|id| leaf.get::<Video>("video", id)) {
            if let Some(file) = &video.file {
                push("video", file);
            }
            if let Some(file) = &video.thumbnail {
                push("thumbnail", file);
            }
            for (_, file) in &video.captions {
                push("captions", file);
            }
            extra.push(video.title);
        }
        let state = if self.removed {
            PostStatus::Removed
        } else if self.visible(now) {
            PostStatus::Visible
        } else {
            PostStatus::Hidden
        };
        StoredPost {
            id: self.id.clone(),
            account: self.page.clone(),
            kind: self.kind().to_owned(),
            text: self.message.clone(),
            link: self.link.clone(),
            extra,
            media,
            created_at: self.created_at,
            state,
            url: self.url(base),
        }
    }

    /// Word for the form of it.
    pub(crate) fn kind(&self) -> &'static str {
        match (&self.video, self.photos.len()) {
            (Some(_), _) if self.reel => "reel",
            (Some(_), _) => "video",
            (None, 0) if self.link.is_some() => "link",
            (None, 0) => "text",
            (None, 1) => "photo",
            (None, _) => "album",
        }
    }
}

/// Time as the platform writes it: no colon in the offset.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()
}

/// Time as callers write it: Unix seconds or ISO.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    text.parse().ok().or_else(|| {
        jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).ok()?.to_timestamp().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_the_platform_s_way() {
        let at: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(stamp(at), "2026-11-22T12:00:00+0000");
        for text in ["2026-11-22T12:00:00+0000", "2026-11-22T12:00:00Z", "1795348800"] {
            assert_eq!(parse_time(text), Some(at), "{text}");
        }
        assert_eq!(parse_time("hôm nay"), None);
    }
}
