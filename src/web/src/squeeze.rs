//! Text is sent compressed to whoever can read it so: most readers of slow links wait for bytes, not for us.

use axum::http::{HeaderMap, Response, header};
use tower_http::compression::{CompressionLayer, Predicate};

/// Types that shrink. Pictures and films are compressed already, and events have to leave at once.
const TEXT: [&str; 7] = [
    "text/html",
    "text/css",
    "text/javascript",
    "text/csv",
    "image/svg+xml",
    "application/json",
    "application/problem+json",
];
/// What fits into one packet takes as long either way, bytes.
const SMALL: u64 = 1_000;

/// Compresses answers of text.
pub(crate) fn layer() -> CompressionLayer<Text> {
    CompressionLayer::new().compress_when(Text)
}

/// Which answers shrink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text;

impl Predicate for Text {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &Response<B>) -> bool {
        let small = response.body().size_hint().exact().is_some_and(|bytes| bytes < SMALL);
        !small && shrinks(response.headers())
    }
}

fn shrinks(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mime = text(header::CONTENT_TYPE);
    // A strong tag names these very bytes, and a range counts them.
    let bound = text(header::ETAG).starts_with('"') || headers.contains_key(header::CONTENT_RANGE);
    !bound && TEXT.iter().any(|kind| mime.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::HeaderValue};

    use super::*;

    fn answer(mime: &'static str, tag: Option<&'static str>, bytes: usize) -> Response<Body> {
        let mut response = Response::new(Body::from(vec![b'a'; bytes]));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
        headers.extend(tag.map(|tag| (header::ETAG, HeaderValue::from_static(tag))));
        response
    }

    #[test]
    fn text_shrinks_but_not_what_is_small_exact_or_compressed_already() {
        let page = "text/html; charset=utf-8";
        assert!(Text.should_compress(&answer(page, None, 5_000)));
        assert!(Text.should_compress(&answer("text/css", Some("W/\"a\""), 5_000)));
        assert!(!Text.should_compress(&answer(page, None, 200)), "one packet anyway");
        assert!(!Text.should_compress(&answer("application/json", Some("\"a\""), 5_000)));
        for mime in ["video/mp4", "image/png", "font/woff2", "text/event-stream", "text/plain"] {
            assert!(!Text.should_compress(&answer(mime, None, 5_000)), "{mime}");
        }
        let mut part = answer("text/css", None, 5_000);
        part.headers_mut().insert(header::CONTENT_RANGE, HeaderValue::from_static("bytes 0-9/20"));
        assert!(!Text.should_compress(&part));
    }
}
