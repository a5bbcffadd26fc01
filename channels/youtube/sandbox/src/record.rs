//! What the stand-in keeps.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{MediaRef, PostMedia, PostStatus, StoredPost};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Time a video takes to be processed.
pub(crate) const PROCESSING: SignedDuration = SignedDuration::from_secs(8);

/// A channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) subscribers: u64,
    pub(crate) opened_at: Timestamp,
    pub(crate) refresh_token: String,
    pub(crate) revoked: bool,
}

impl Channel {
    /// The playlist of its uploads.
    pub(crate) fn uploads(&self) -> String {
        self.id.replacen("UC", "UU", 1)
    }
}

/// An access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) channel: String,
    pub(crate) expires_at: Timestamp,
}

/// An upload under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) resource: Value,
    pub(crate) file_name: String,
    pub(crate) total: Option<u64>,
    pub(crate) chunks: Vec<MediaRef>,
    pub(crate) started_at: Timestamp,
    /// The video it became: the final answer is repeated from it.
    pub(crate) video: Option<String>,
}

impl Upload {
    pub(crate) fn received(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }
}

/// A video.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) channel: String,
    pub(crate) snippet: Value,
    pub(crate) status: Value,
    pub(crate) file_name: String,
    pub(crate) media: MediaRef,
    pub(crate) duration_ms: u64,
    pub(crate) upright: bool,
    pub(crate) uploaded_at: Timestamp,
    pub(crate) public_since: Option<Timestamp>,
    pub(crate) rejected: Option<String>,
    pub(crate) thumbnail: Option<MediaRef>,
    pub(crate) captions: Vec<Caption>,
    pub(crate) deleted: bool,
}

/// Captions of a video.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Caption {
    pub(crate) id: String,
    pub(crate) language: String,
    pub(crate) name: String,
    pub(crate) file: MediaRef,
}

impl Video {
    pub(crate) fn privacy(&self) -> &str {
        self.status.get("privacyStatus").and_then(Value::as_str).unwrap_or("public")
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.snippet.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn processed(&self, now: Timestamp) -> bool {
        now.duration_since(self.uploaded_at) >= PROCESSING
    }

    pub(crate) fn seen(&self, now: Timestamp) -> bool {
        !self.deleted
            && self.rejected.is_none()
            && self.privacy() == "public"
            && self.processed(now)
    }

    pub(crate) fn is_short(&self) -> bool {
        self.upright && self.duration_ms <= 180_000
    }

    pub(crate) fn upload_status(&self, now: Timestamp) -> &'static str {
        match (self.processed(now), &self.rejected) {
            (false, _) => "uploaded",
            (true, Some(_)) => "rejected",
            (true, None) => "processed",
        }
    }

    pub(crate) fn url(&self, base: &str) -> String {
        if self.is_short() {
            format!("{base}/shorts/{}", self.id)
        } else {
            format!("{base}/watch?v={}", self.id)
        }
    }

    /// The resource with the parts that were asked for.
    pub(crate) fn resource(
        &self,
        parts: &[String],
        now: Timestamp,
        numbers: Option<Value>,
    ) -> Value {
        let has = |part: &str| parts.iter().any(|asked| asked == part);
        let mut out =
            json!({ "kind": "youtube#video", "etag": self.media.sha256.get(..16), "id": self.id });
        let Some(map) = out.as_object_mut() else { return out };
        if has("snippet") {
            let mut snippet = self.snippet.clone();
            if let Some(inner) = snippet.as_object_mut() {
                inner.insert("channelId".to_owned(), json!(self.channel));
                inner.insert(
                    "publishedAt".to_owned(),
                    json!(self.public_since.unwrap_or(self.uploaded_at)),
                );
            }
            map.insert("snippet".to_owned(), snippet);
        }
        if has("status") {
            let mut status = self.status.clone();
            if let Some(inner) = status.as_object_mut() {
                inner.insert("uploadStatus".to_owned(), json!(self.upload_status(now)));
                if let Some(reason) = self.rejected.as_ref().filter(|_| self.processed(now)) {
                    inner.insert("rejectionReason".to_owned(), json!(reason));
                }
            }
            map.insert("status".to_owned(), status);
        }
        if has("processingDetails") {
            let state = if self.processed(now) { "succeeded" } else { "processing" };
            map.insert("processingDetails".to_owned(), json!({ "processingStatus": state }));
        }
        if has("fileDetails") {
            let size = self.media.bytes.to_string();
            map.insert(
                "fileDetails".to_owned(),
                json!({ "fileName": self.file_name, "fileSize": size }),
            );
        }
        if has("contentDetails") {
            let seconds = self.duration_ms.div_ceil(1000);
            let duration = format!("PT{}M{}S", seconds / 60, seconds % 60);
            map.insert("contentDetails".to_owned(), json!({ "duration": duration }));
        }
        if let Some(numbers) = numbers.filter(|_| has("statistics")) {
            map.insert("statistics".to_owned(), numbers);
        }
        out
    }

    pub(crate) fn stored(&self, base: &str, now: Timestamp) -> StoredPost {
        let file = |role: &str, media: &MediaRef| PostMedia {
            role: role.to_owned(),
            sha256: media.sha256.clone(),
            bytes: media.bytes,
            mime: media.mime.clone(),
        };
        let mut media = vec![file("video", &self.media)];
        media.extend(self.thumbnail.iter().map(|thumbnail| file("thumbnail", thumbnail)));
        media.extend(self.captions.iter().map(|caption| file("captions", &caption.file)));
        StoredPost {
            id: self.id.clone(),
            account: self.channel.clone(),
            kind: if self.is_short() { "short" } else { "video" }.to_owned(),
            text: format!("{}\n{}", self.text("title"), self.text("description")),
            link: None,
            extra: vec![
                self.file_name.clone(),
                self.snippet.get("tags").map(Value::to_string).unwrap_or_default(),
            ],
            media,
            created_at: self.uploaded_at,
            state: if self.deleted {
                PostStatus::Removed
            } else if self.seen(now) {
                PostStatus::Visible
            } else {
                PostStatus::Hidden
            },
            url: self.url(base),
        }
    }
}
