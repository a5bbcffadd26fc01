//! Bytes: blobs for staff, public media for platforms, fixed files; all with ranges, so that clips can be scrubbed.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use loa_model::{BlobHash, PublicMedia};
use loa_store::StoreExt;
use lru::LruCache;

use crate::{Shared, error::WebError};

/// What a hash names never changes.
const FOREVER: &str = "private, max-age=31536000, immutable";

/// A blob by hash, for signed-in people. The type is sniffed: a blob has no name.
pub(crate) async fn blob(
    State(app): State<Shared>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let hash: BlobHash = hash.parse().map_err(|_| WebError::missing())?;
    let bytes = app.blobs.get(hash).await.map_err(|_| WebError::missing())?;
    let mime = sniff(&bytes);
    Ok(ranged(bytes, mime, &headers, FOREVER))
}

/// Width of small pictures: twice that of the largest place that shows one.
const SMALL_WIDTH: u32 = 320;

/// The small pictures that were asked for last, some 10 KB each.
pub(crate) struct Small(Mutex<LruCache<BlobHash, Bytes>>);

impl Small {
    fn kept(&self) -> MutexGuard<'_, LruCache<BlobHash, Bytes>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Small {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(const { NonZeroUsize::new(512).expect("more than none") })))
    }
}

/// A picture for lists and shelves, which a slow line brings in a moment. One that cannot be made small is sent as it is.
pub(crate) async fn small(
    State(app): State<Shared>,
    Path(hash): Path<String>,
) -> Result<Response, WebError> {
    let hash: BlobHash = hash.parse().map_err(|_| WebError::missing())?;
    let send = |bytes: Bytes| {
        let mime = sniff(&bytes);
        ranged(bytes, mime, &HeaderMap::new(), FOREVER)
    };
    let kept = app.small.kept().get(&hash).cloned();
    if let Some(bytes) = kept {
        return Ok(send(bytes));
    }
    let whole = app.blobs.get(hash).await.map_err(|_| WebError::missing())?;
    if !sniff(&whole).starts_with("image/") {
        return Err(WebError::missing());
    }
    match app.cards.small(whole.clone(), SMALL_WIDTH).await {
        Ok(made) => {
            let made = Bytes::from(made);
            app.small.kept().put(hash, made.clone());
            Ok(send(made))
        }
        Err(error) => {
            tracing::debug!(%hash, error, "A picture could not be made small");
            Ok(send(whole))
        }
    }
}

/// `/m/<token>.<ext>`: what a platform fetches.
pub(crate) async fn public(
    State(app): State<Shared>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let (token, ext) = file.split_once('.').ok_or_else(WebError::missing)?;
    let row = app.store.read::<PublicMedia>(token).await?.ok_or_else(WebError::missing)?;
    let media = row.record;
    if media.ext != ext || media.expires_at <= app.clock.now() {
        return Err(WebError::missing());
    }
    let bytes = app.blobs.get(media.blob).await.map_err(|error| {
        tracing::error!(token, %error, "A public medium has lost its bytes");
        WebError::missing()
    })?;
    tracing::info!(delivery = %media.delivery, agent = agent(&headers), "Public medium fetched");
    Ok(ranged(bytes, &media.mime, &headers, "public, max-age=86400"))
}

/// Styles, scripts and fonts.
pub(crate) async fn fixed(
    State(app): State<Shared>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let found = app.assets.file(&file).ok_or_else(WebError::missing)?;
    let tag = HeaderValue::from_str(&found.tag).map_err(|_| WebError::missing())?;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == found.tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let mime = match file.rsplit_once('.').map(|(_, ext)| ext) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = ranged(found.bytes, mime, &headers, "public, max-age=3600");
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

pub(crate) fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', ..] => "image/webp",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        _ if bytes.starts_with(b"WEBVTT") => "text/vtt; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

/// The whole, or the one range that was asked for (RFC 9110 §14).
fn ranged(bytes: Bytes, mime: &str, headers: &HeaderMap, cache: &'static str) -> Response {
    let total = bytes.len();
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, part, content_range) = match asked.and_then(|text| parse_range(text, total)) {
        Some(Ok((start, end))) => {
            let range = format!("bytes {start}-{end}/{total}");
            (StatusCode::PARTIAL_CONTENT, bytes.slice(start..=end), Some(range))
        }
        Some(Err(())) => {
            (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(format!("bytes */{total}")))
        }
        None => (StatusCode::OK, bytes, None),
    };
    let mut response = (status, Body::from(part)).into_response();
    let out = response.headers_mut();
    if let Ok(mime) = HeaderValue::from_str(mime) {
        out.insert(header::CONTENT_TYPE, mime);
    }
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Some(range) = content_range.and_then(|text| HeaderValue::from_str(&text).ok()) {
        out.insert(header::CONTENT_RANGE, range);
    }
    response
}

/// `None`: serve the whole. `Err`: the range lies outside.
fn parse_range(text: &str, total: usize) -> Option<Result<(usize, usize), ()>> {
    let spec = text.strip_prefix("bytes=")?;
    let (first, last) = spec.split_once('-')?;
    let range = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(start), Ok(end)) if start <= end => (start, end.min(total.saturating_sub(1))),
        (Ok(start), Err(_)) if last.is_empty() => (start, total.saturating_sub(1)),
        (Err(_), Ok(tail)) if first.is_empty() => {
            (total.saturating_sub(tail), total.saturating_sub(1))
        }
        _ => return None,
    };
    Some(if range.0 < total && range.0 <= range.1 { Ok(range) } else { Err(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-9", 100), Some(Ok((0, 9))));
        assert_eq!(parse_range("bytes=90-", 100), Some(Ok((90, 99))));
        assert_eq!(parse_range("bytes=-10", 100), Some(Ok((90, 99))));
        assert_eq!(parse_range("bytes=50-500", 100), Some(Ok((50, 99))));
        assert_eq!(parse_range("bytes=100-", 100), Some(Err(())));
        assert_eq!(parse_range("bytes=9-3", 100), None);
        assert_eq!(parse_range("items=0-9", 100), None);
        assert_eq!(parse_range("bytes=0-", 0), Some(Err(())));
    }
}
