//! What a bench needs around an adapter: a clock that jumps, blobs in memory, fixed addresses, sample posts.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountStatus, BlobHash, BodyBlock, Capability, Clock, DeliveryId, Digest, Link,
    Media, MediaRole, PostContent, PostFormat, seams::BoxFuture,
};
use url::Url;

use crate::{Blobs, Error, MediaUrls, Result};

/// A clock that stands still until someone sleeps on it or moves it.
#[derive(Debug)]
pub struct JumpClock(Mutex<Timestamp>);

impl JumpClock {
    /// A clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves it on.
    pub fn pass(&self, wait: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO);
        *now = now.saturating_add(wait).unwrap_or(*now);
    }
}

impl Default for JumpClock {
    /// 22 November 2026, 09:00 in Hà Nội.
    fn default() -> Self {
        Self::at("2026-11-22T02:00:00Z".parse().expect("a timestamp"))
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.pass(wait);
        Box::pin(std::future::ready(()))
    }
}

/// Blobs in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<BTreeMap<BlobHash, Bytes>>);

impl MemoryBlobs {
    /// Keeps bytes and tells their hash.
    pub fn put(&self, bytes: impl Into<Bytes>) -> BlobHash {
        let bytes = bytes.into();
        let hash = Digest::of(&bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, bytes);
        hash
    }

    /// Keeps bytes as a file of a post.
    pub fn media(
        &self,
        role: MediaRole,
        mime: &str,
        size: (u32, u32),
        bytes: impl Into<Bytes>,
    ) -> Media {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let moving = mime.starts_with("video/");
        Media {
            role,
            blob: self.put(bytes),
            bytes: length,
            mime: mime.to_owned(),
            width: size.0,
            height: size.1,
            duration_ms: if moving { 20_000 } else { 0 },
            alt: "Người dân làm thủ tục ở bộ phận một cửa".to_owned(),
            variant: None,
        }
    }
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn read(&self, hash: BlobHash) -> Result<Bytes> {
        let blobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        blobs
            .get(&hash)
            .cloned()
            .ok_or_else(|| Error::internal(format!("no blob {}", hash.short())))
    }
}

/// Public addresses under one base, or none that answers.
#[derive(Debug)]
pub struct FixedUrls {
    base: Option<Url>,
}

impl FixedUrls {
    /// Addresses under `base`, which ends in a slash.
    pub fn under(base: Url) -> Self {
        Self { base: Some(base) }
    }

    /// No address answers.
    pub fn unreachable() -> Self {
        Self { base: None }
    }
}

#[async_trait]
impl MediaUrls for FixedUrls {
    async fn url(&self, delivery: DeliveryId, media: &Media) -> Result<Url> {
        let Some(base) = &self.base else {
            let message = "the public address does not answer";
            let kind = crate::ErrorKind::Media;
            let again = crate::RetryAdvice::Later {
                wait: Duration::from_mins(1),
                scope: crate::Scope::Post,
            };
            return Err(Error::new(kind, again, message));
        };
        let extension = match media.mime.as_str() {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "video/mp4" => "mp4",
            _ => "bin",
        };
        let path = format!("{}{}.{extension}", delivery.0.simple(), media.blob.short());
        base.join(&path).map_err(|error| Error::internal(error.to_string()))
    }
}

/// An account of a channel.
pub fn account(name: &str, remote_id: &str, settings: &[(&str, &str)]) -> Account {
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Account {
        name: name.parse().expect("written as channel:name"),
        agency: "demo".to_owned(),
        title: "Cổng thông tin điện tử".to_owned(),
        remote_id: remote_id.to_owned(),
        settings: settings.iter().map(pair).collect(),
        status: AccountStatus::Active,
    }
}

/// [`sample`] without the title and the author that the channel does not take, and with the small picture it wants.
pub fn sample_for(
    capability: &Capability,
    format: PostFormat,
    marker: &str,
    blobs: &MemoryBlobs,
) -> PostContent {
    let mut content = sample(format, marker, blobs);
    let rule = capability.formats.get(&format);
    if rule.is_none_or(|rule| rule.title.is_none()) {
        content.title.clear();
    }
    if rule.is_none_or(|rule| rule.author.is_none()) {
        content.author.clear();
    }
    let wanted = rule.and_then(|rule| rule.media.get(&MediaRole::Thumbnail));
    if wanted.is_some_and(|wanted| wanted.min > 0) {
        let bytes = jpeg(9);
        content.media.push(blobs.media(MediaRole::Thumbnail, "image/jpeg", (1280, 720), bytes));
    }
    content
}

/// Begins as a JPEG does, for platforms that look.
fn jpeg(n: u8) -> Vec<u8> {
    vec![0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0, n]
}

/// A post of this format with Vietnamese words, the short link in its text, and files from `blobs`.
pub fn sample(format: PostFormat, marker: &str, blobs: &MemoryBlobs) -> PostContent {
    let url = format!("https://tin.example/l/{marker}");
    let photo = |n: u8| blobs.media(MediaRole::Photo, "image/jpeg", (1080, 1350), jpeg(n));
    let video = |size| {
        let bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom loa".repeat(20);
        blobs.media(MediaRole::Video, "video/mp4", size, bytes)
    };
    let titled = matches!(format, PostFormat::Article | PostFormat::Video | PostFormat::ShortVideo);
    let title = if titled { "Từ 1/12, đổi giấy phép lái xe trên mạng" } else { "" };
    let media = match format {
        PostFormat::Text => vec![],
        PostFormat::Photo => vec![photo(1)],
        PostFormat::Album => vec![photo(1), photo(2), photo(3)],
        PostFormat::Video => vec![video((1920, 1080))],
        PostFormat::ShortVideo => vec![video((1080, 1920))],
        PostFormat::Article => {
            let cover = Media { role: MediaRole::Cover, ..photo(1) };
            vec![cover, photo(2)]
        }
    };
    let body = match format {
        PostFormat::Article => vec![
            BodyBlock::Text { text: "Người dân không phải đến cơ quan.".to_owned() },
            BodyBlock::Picture { media: 1, caption: "Ảnh: Cổng thông tin".to_owned() },
        ],
        _ => vec![],
    };
    let text = format!("Đổi giấy phép lái xe trên mạng: ẫ ễ ộ ữ ặ. Xem thêm: {url}");
    PostContent {
        format,
        lang: "vi".to_owned(),
        title: title.to_owned(),
        author: if format == PostFormat::Article {
            "Ban biên tập".to_owned()
        } else {
            String::new()
        },
        text,
        body,
        media,
        link: Link {
            code: marker.to_owned(),
            url,
            target: "https://chinhphu.example/bai-1?utm_source=loa".to_owned(),
        },
        tags: vec![],
    }
}
