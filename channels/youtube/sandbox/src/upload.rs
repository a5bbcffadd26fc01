//! Resumable uploads.

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::{Bytes, BytesMut};
use jiff::SignedDuration;
use loa_sandbox::{Committed, Create, Error, Incoming};
use serde_json::{Value, json};

use crate::{
    App, Bucket, answer,
    error::ApiError,
    listed, mp4,
    record::{Upload, Video},
};

/// Non-final chunks are multiples of this.
const GRAIN: u64 = 262_144;
const SESSION: SignedDuration = SignedDuration::from_hours(24);

pub(crate) fn router() -> Router<App> {
    let routes = || post(init).put(bytes);
    Router::new()
        .route("/upload/youtube/v3/videos", routes())
        .route("/resumable/upload/youtube/v3/videos", routes())
}

async fn init(State(app): State<App>, incoming: Incoming) -> Response {
    try_init(&app, &incoming).unwrap_or_else(IntoResponse::into_response)
}

fn try_init(app: &App, incoming: &Incoming) -> Result<Response, ApiError> {
    let channel = app.enter(incoming)?;
    if incoming.field("uploadType") != Some("resumable") {
        return Err(ApiError::invalid("uploadTypeNotSupported"));
    }
    let resource = incoming.json.clone().unwrap_or_else(|| json!({}));
    check_snippet(resource.get("snippet").unwrap_or(&Value::Null))?;
    check_status(resource.get("status").unwrap_or(&Value::Null))?;
    let total = incoming.header("x-upload-content-length").and_then(|text| text.parse().ok());
    let started_at = app.now();
    let id = app.0.book.change(|page| {
        app.spend(page, Bucket::Uploads, 1)?;
        let number = page.next("upload");
        let id =
            format!("ADPycd{:016x}{number:06}", app.0.growth.mix(&number.to_string(), "upload"));
        let upload = Upload {
            id: id.clone(),
            channel: channel.id.clone(),
            resource,
            file_name: incoming.header("slug").unwrap_or_default().to_owned(),
            total,
            chunks: Vec::new(),
            started_at,
            video: None,
        };
        page.put("upload", &id, &upload);
        Ok::<_, ApiError>(id)
    })?;
    let address = format!("{}{}?uploadType=resumable&upload_id={id}", app.0.base, incoming.path);
    let mut response = StatusCode::OK.into_response();
    if let Ok(value) = HeaderValue::from_str(&address) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(Committed::mark(response))
}

/// Rules of title, description and tags.
pub(crate) fn check_snippet(snippet: &Value) -> Result<(), ApiError> {
    let text = |field: &str| snippet.get(field).and_then(Value::as_str).unwrap_or_default();
    let angles = |text: &str| text.contains(['<', '>']);
    let title = text("title");
    if title.trim().is_empty() || title.chars().count() > 100 || angles(title) {
        return Err(ApiError::invalid("invalidTitle"));
    }
    if text("description").len() > 5000 || angles(text("description")) {
        return Err(ApiError::invalid("invalidDescription"));
    }
    let tags: Vec<&str> = snippet
        .get("tags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let length: usize =
        tags.iter().map(|tag| tag.chars().count() + if tag.contains(' ') { 3 } else { 1 }).sum();
    if length > 501 {
        return Err(ApiError::invalid("invalidTags"));
    }
    let category = text("categoryId");
    if !category.is_empty() && !category.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::invalid("invalidCategoryId"));
    }
    Ok(())
}

/// Rules of the status part.
pub(crate) fn check_status(status: &Value) -> Result<(), ApiError> {
    let privacy = status.get("privacyStatus").and_then(Value::as_str);
    match privacy {
        None | Some("public" | "private" | "unlisted") => {}
        Some(_) => return Err(ApiError::invalid("invalidVideoMetadata")),
    }
    if status.get("publishAt").is_some() && privacy != Some("private") {
        return Err(ApiError::invalid("invalidPublishAt"));
    }
    Ok(())
}

async fn bytes(State(app): State<App>, incoming: Incoming) -> Response {
    take(&app, &incoming).await.unwrap_or_else(IntoResponse::into_response)
}

async fn take(app: &App, incoming: &Incoming) -> Result<Response, ApiError> {
    let id = incoming.query.get("upload_id").cloned().unwrap_or_default();
    let found = app.0.book.read(|page| page.get::<Upload>("upload", &id));
    let alive = found.filter(|upload| app.now().duration_since(upload.started_at) < SESSION);
    let Some(upload) = alive else {
        return Err(ApiError::new(404, "notFound", "The upload session has expired."));
    };
    if let Some(video) = upload
        .video
        .as_ref()
        .and_then(|video| app.0.book.read(|page| page.get::<Video>("video", video)))
    {
        return Ok(created(app, &video));
    }
    let range = incoming.header("content-range").unwrap_or_default();
    if let Some(total) = range.strip_prefix("bytes */") {
        let whole = total.parse::<u64>().ok();
        if upload.total.is_some() && whole.is_some() && whole != upload.total {
            return Err(ApiError::invalid("invalidContentRange"));
        }
        return Ok(incomplete(upload.received()));
    }
    let length = incoming.body.len() as u64;
    let (first, total) = match parse_range(range) {
        Some((first, last, total)) if last + 1 - first == length => (first, total),
        Some(_) => return Err(ApiError::invalid("invalidContentRange")),
        None => (0, length),
    };
    let last_chunk = first + length == total;
    // A gap, an overlap or an odd chunk: none of its bytes is kept.
    if first != upload.received() || (!last_chunk && !length.is_multiple_of(GRAIN)) {
        return Ok(incomplete(upload.received()));
    }
    let kept = app.0.media.put(&incoming.body).await?;
    let mut upload = upload;
    upload.chunks.push(kept);
    upload.total = Some(total);
    if !last_chunk {
        app.0.book.change(|page| {
            page.put("upload", &upload.id, &upload);
            Ok::<_, Error>(())
        })?;
        return Ok(incomplete(upload.received()));
    }
    let video = finish(app, upload).await?;
    Ok(Committed::mark(created(app, &video)))
}

/// All bytes are here: the video exists from now on, in the same change that ends the session.
async fn finish(app: &App, mut upload: Upload) -> Result<Video, ApiError> {
    let mut whole = BytesMut::new();
    for chunk in &upload.chunks {
        let part = app.0.media.get(&chunk.sha256).await;
        whole.extend_from_slice(
            &part.ok_or_else(|| ApiError::new(500, "internalError", "a chunk is lost"))?,
        );
    }
    let whole: Bytes = whole.freeze();
    let media = app.0.media.put(&whole).await?;
    let (duration_ms, width, height) = mp4::facts(&whole).unwrap_or((0, 0, 0));
    let now = app.now();
    let twin = app.videos().into_iter().any(|other| {
        other.channel == upload.channel
            && other.media.sha256 == media.sha256
            && !other.deleted
            && other.rejected.is_none()
    });
    let mut status = upload.resource.get("status").cloned().unwrap_or_else(|| json!({}));
    if let Some(map) = status.as_object_mut() {
        map.entry("privacyStatus").or_insert(json!("public"));
    }
    let public = status.get("privacyStatus").and_then(Value::as_str) == Some("public");
    app.0.book.change(|page| {
        let number = page.next("video");
        let id = video_id(app.0.growth.mix(&number.to_string(), "video"));
        let video = Video {
            id: id.clone(),
            channel: upload.channel.clone(),
            snippet: upload.resource.get("snippet").cloned().unwrap_or_else(|| json!({})),
            status,
            file_name: upload.file_name.clone(),
            media,
            duration_ms,
            upright: height >= width && height > 0,
            uploaded_at: now,
            public_since: public.then_some(now),
            rejected: twin.then(|| "duplicate".to_owned()),
            thumbnail: None,
            captions: Vec::new(),
            deleted: false,
        };
        page.count_create(&Create {
            at: now,
            post: id.clone(),
            account: video.channel.clone(),
            text: format!(
                "{} {} {}",
                video.text("title"),
                video.text("description"),
                video.file_name
            ),
        });
        page.put("video", &id, &video);
        upload.video = Some(id);
        page.put("upload", &upload.id.clone(), &upload);
        Ok::<_, ApiError>(video)
    })
}

/// Eleven characters, as the platform's own.
fn video_id(mix: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..11)
        .map(|place| char::from(LETTERS[usize::try_from((mix >> (place * 5)) & 63).unwrap_or(0)]))
        .collect()
}

fn created(app: &App, video: &Video) -> Response {
    let parts = ["snippet", "status"].map(str::to_owned);
    answer(StatusCode::CREATED, video.resource(&parts, app.now(), None))
}

/// 308; no Range header when nothing was received.
fn incomplete(received: u64) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if received > 0
        && let Ok(value) = HeaderValue::from_str(&format!("bytes=0-{}", received - 1))
    {
        response.headers_mut().insert(header::RANGE, value);
    }
    response
}

fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (span, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = span.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last, total.parse().ok()?))
}

/// The parts an update names.
pub(crate) fn parts(incoming: &Incoming) -> Vec<String> {
    listed(incoming, "part")
}
