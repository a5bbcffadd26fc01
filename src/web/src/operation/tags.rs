//! `ETag`, `If-Match`, `If-None-Match` (RFC 9110 §8.8.3, §13).
//!
//! Every answer to a GET has a strong tag: the digest of its bytes, or the one that the handler gave it. Whoever changes one
//! record may say which tag of its GET they saw. The GET is asked again, inside; then the handler runs on the version that the
//! record had before that ([`super::terms`]): a commit that replaces any other is refused, so nothing slips in between the look
//! and the change. The version itself is a tag too, `"<version>"`: lists and answers to changes tell it.

use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use loa_model::{
    Account, Agency, Digest, DigestBuilder, Feed, OwnBrand, OwnTemplate, Post, Record as _, User,
    record::join,
};
use loa_store::Seq;
use tower::ServiceExt as _;

use super::{MOST, Rules, piece::Next as NextPiece, terms::Seen};
use crate::{
    auth::{Session, Visitor},
    error::WebError,
    tokens::ApiToken,
};

/// The version of the record that the caller saw, for handlers that want to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenVersion(pub(crate) Seq);

/// Whether a path names one record and no part of it: its last segment is a place.
pub(super) fn is_of_one(path: &str) -> bool {
    path.starts_with("/api/v1/")
        && path.ends_with('}')
        && path.matches('{').count() == 1
        && !path.contains("{*")
}

/// The path of the record that a path is about: up to its first place.
pub(crate) fn record_of(path: &str) -> Option<&str> {
    let end = path.find('}')?;
    path.get(..=end)
}

/// Where the record of an operation is kept; nothing for those of which no single row is the record.
fn row_of(path: &str, id: &str, visitor: &Visitor) -> Option<(&'static str, String)> {
    match path {
        "/api/v1/posts/{id}" => Some((Post::TABLE, id.to_owned())),
        "/api/v1/agencies/{name}" => Some((Agency::TABLE, id.to_owned())),
        "/api/v1/accounts/{account}" => Some((Account::TABLE, id.to_owned())),
        "/api/v1/feeds/{id}" => Some((Feed::TABLE, id.to_owned())),
        "/api/v1/brands/{name}" => Some((OwnBrand::TABLE, join(&[&visitor.user.agency, id]))),
        "/api/v1/users/{id}" => Some((User::TABLE, id.to_owned())),
        "/api/v1/tokens/{id}" => Some((ApiToken::TABLE, id.to_owned())),
        "/api/v1/sessions/{id}" => Some((Session::TABLE, id.to_owned())),
        "/api/v1/reach/shares/{id}" => Some((loa_reach::Share::TABLE, id.to_owned())),
        "/api/v1/templates/{name}" => Some((OwnTemplate::TABLE, join(&[&visitor.user.agency, id]))),
        _ => None,
    }
}

/// Tags of a header; nothing when it is not there. `*` stands for any.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut any = false;
    for value in headers.get_all(name) {
        any = true;
        // A tag may hold a comma, none of ours does.
        let text = value.to_str().unwrap_or_default();
        found.extend(text.split(',').map(|tag| tag.trim().to_owned()));
    }
    any.then_some(found)
}

/// Strong comparison: a weak tag is never the same.
fn is_strongly(asked: &[String], tag: &str) -> bool {
    asked.iter().any(|one| one == "*" || (one == tag && !one.starts_with("W/")))
}

/// Weak comparison: the mark of weakness does not count.
fn is_weakly(asked: &[String], tag: &str) -> bool {
    let bare = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    asked.iter().any(|one| one == "*" || bare(one) == bare(tag))
}

/// The record changed since it was seen.
pub(super) fn stale() -> WebError {
    WebError::new(
        StatusCode::PRECONDITION_FAILED,
        "Bản ghi đã thay đổi sau khi bạn xem; hãy tải lại / The record changed since you saw it; read it again",
    )
}

/// Answers a GET with its tag, or says that nothing changed.
pub(super) async fn read(mut request: Request, next: Next) -> Response {
    let at = request.uri().clone();
    let if_match = tags(request.headers(), &header::IF_MATCH);
    let if_none_match = tags(request.headers(), &header::IF_NONE_MATCH);
    // Who asks for the head alone gets the tag of the whole; the router drops the body.
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let mut response = next.run(request).await;
    if let Some(NextPiece(cursor)) = response.extensions().get::<NextPiece>()
        && let Ok(link) = HeaderValue::from_str(&link(&at, cursor))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    // What has no length yet is a stream of events.
    let whole = response.body().size_hint().exact().is_some_and(|size| size <= MOST as u64);
    if response.status() != StatusCode::OK || !whole {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST).await else {
        tracing::error!(path = at.path(), "An answer of known length has no end");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let made = || HeaderValue::from_str(&format!("\"{}\"", Digest::of(&body))).ok();
    let Some(tag) = parts.headers.get(header::ETAG).cloned().or_else(made) else {
        return (parts, Body::from(body)).into_response();
    };
    let text = tag.to_str().unwrap_or_default().to_owned();
    if if_match.is_some_and(|asked| !is_strongly(&asked, &text)) {
        return stale().into_response();
    }
    parts.headers.insert(header::ETAG, tag);
    // Kept by whoever asked, and asked about each time: another person of the same browser sees nothing of it.
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("cookie, authorization"));
    if if_none_match.is_some_and(|asked| is_weakly(&asked, &text)) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return (parts, Body::empty()).into_response();
    }
    (parts, Body::from(body)).into_response()
}

/// Where the list goes on, as a link.
fn link(at: &Uri, cursor: &str) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let asked = url::form_urlencoded::parse(at.query().unwrap_or_default().as_bytes());
    pairs.extend_pairs(asked.filter(|(name, _)| name != "after"));
    pairs.append_pair("after", cursor);
    format!("<{}?{}>; rel=\"next\"", at.path(), pairs.finish())
}

/// A request that changes something, with what its preconditions came to. They are held against it only when it is new.
pub(super) struct Looked {
    pub(super) request: Request,
    seen: Option<Seen>,
    holds: bool,
}

impl Looked {
    /// The request and the version it may replace, when its preconditions hold.
    pub(super) fn checked(self) -> Result<(Request, Option<Seen>), WebError> {
        if self.holds { Ok((self.request, self.seen)) } else { Err(stale()) }
    }

    /// The same with its body read, and the digest of what it asks for.
    pub(super) async fn read(self, most: usize) -> Result<(Self, Digest), WebError> {
        let (parts, body) = self.request.into_parts();
        let body = axum::body::to_bytes(body, most).await.map_err(|_| {
            WebError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Nội dung quá dài hoặc bị đứt giữa chừng / The body is too long or broke off",
            )
        })?;
        let at = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let asked = DigestBuilder::new("request/1")
            .field("method", parts.method.as_str())
            .field("at", at)
            .field("body", &body)
            .finish();
        Ok((Self { request: Request::from_parts(parts, Body::from(body)), ..self }, asked))
    }
}

/// Looks at the record of a changing operation when its caller says which they saw.
pub(super) async fn seen(
    rules: &Rules,
    path: &str,
    mut request: Request,
) -> Result<Looked, WebError> {
    let if_match = tags(request.headers(), &header::IF_MATCH);
    let if_none_match = tags(request.headers(), &header::IF_NONE_MATCH);
    let visitor = request.extensions().get::<Visitor>().cloned();
    let record = record_of(path);
    let (Some(record), Some(visitor), true) =
        (record, visitor, if_match.is_some() || if_none_match.is_some())
    else {
        return Ok(Looked { request, seen: None, holds: true });
    };
    let segments = record.split('/').count();
    let at: Vec<&str> = request.uri().path().split('/').take(segments).collect();
    let id = at.last().copied().unwrap_or_default().to_owned();
    let at = at.join("/");
    let mut seen = None;
    if let Some((table, key)) = row_of(record, &id, &visitor) {
        let row = rules.app.store.get(table, &key).await?;
        seen = row.map(|row| Seen { table, key, version: row.version });
    }
    let tells = rules.tell_one.contains(&record);
    let headers = request.headers().clone();
    let tag = if tells { told(rules, &at, &headers, visitor).await } else { None };
    // Nothing that the caller may see: the handler says so.
    if tag.is_none() && tells {
        return Ok(Looked { request, seen: None, holds: true });
    }
    let version = seen.as_ref().map(|seen| format!("\"{}\"", seen.version));
    let mut known = [tag, version].into_iter().flatten();
    let holds = match (&if_match, &if_none_match) {
        (Some(asked), _) => known.any(|tag| is_strongly(asked, &tag)),
        (None, Some(asked)) => !known.any(|tag| is_weakly(asked, &tag)),
        (None, None) => true,
    };
    if if_match.is_none() {
        seen = None;
    }
    if let Some(seen) = &seen {
        request.extensions_mut().insert(SeenVersion(seen.version));
    }
    Ok(Looked { request, seen, holds })
}

/// The tag of the GET of a record; nothing when the caller would not be told the record.
async fn told(rules: &Rules, at: &str, headers: &HeaderMap, visitor: Visitor) -> Option<String> {
    let mut ask = Request::new(Body::empty());
    *ask.uri_mut() = at.parse().ok()?;
    for name in [header::COOKIE, header::ACCEPT_LANGUAGE] {
        if let Some(value) = headers.get(&name) {
            ask.headers_mut().insert(name, value.clone());
        }
    }
    ask.extensions_mut().insert(visitor);
    let response = match rules.plain.clone().oneshot(ask).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.status() != StatusCode::OK {
        return None;
    }
    if let Some(tag) = response.headers().get(header::ETAG) {
        return tag.to_str().ok().map(str::to_owned);
    }
    let body = axum::body::to_bytes(response.into_body(), MOST).await.ok()?;
    Some(format!("\"{}\"", Digest::of(&body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(values: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        tags(&headers, &header::IF_MATCH).unwrap()
    }

    /// The table of RFC 9110 §8.8.3.2, and lists.
    #[test]
    fn tags_are_compared_strongly_and_weakly() {
        for (one, other, strong, weak) in [
            (r#"W/"1""#, r#"W/"1""#, false, true),
            (r#"W/"1""#, r#"W/"2""#, false, false),
            (r#"W/"1""#, r#""1""#, false, true),
            (r#""1""#, r#"W/"1""#, false, true),
            (r#""1""#, r#""1""#, true, true),
            (r#""2", "1""#, r#""1""#, true, true),
            ("*", r#""1""#, true, true),
            ("1", r#""1""#, false, false),
            ("", r#""1""#, false, false),
        ] {
            assert_eq!(is_strongly(&all(&[one]), other), strong, "{one} {other}");
            assert_eq!(is_weakly(&all(&[one]), other), weak, "{one} {other}");
        }
        assert!(is_strongly(&all(&[r#""2""#, r#""1""#]), r#""1""#));
    }

    #[test]
    fn a_path_names_its_record() {
        assert_eq!(record_of("/api/v1/posts/{id}/approve"), Some("/api/v1/posts/{id}"));
        assert_eq!(record_of("/api/v1/posts/approve"), None);
        assert!(is_of_one("/api/v1/users/{id}") && !is_of_one("/api/v1/posts/{id}/timeline"));
        assert!(!is_of_one("/bai-viet/{id}") && !is_of_one("/api/v1/preview/clip/{id}/{file}"));
    }

    #[test]
    fn a_list_goes_on_at_its_own_question() {
        let at: Uri = "/api/v1/articles?q=a%26b&after=old&limit=2".parse().unwrap();
        assert_eq!(
            link(&at, "n=x"),
            r#"</api/v1/articles?q=a%26b&limit=2&after=n%3Dx>; rel="next""#
        );
    }
}
