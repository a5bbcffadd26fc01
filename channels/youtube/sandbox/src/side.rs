//! Thumbnails and captions.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use loa_sandbox::{Committed, Incoming};
use serde_json::{Value, json};

use crate::{
    App, Bucket, answer,
    error::ApiError,
    record::{Caption, Video},
};

const LARGEST_THUMBNAIL: usize = 52_428_800;

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/upload/youtube/v3/thumbnails/set", post(thumbnail))
        .route("/upload/youtube/v3/captions", post(caption))
        .route("/youtube/v3/captions", get(captions))
}

fn own(app: &App, incoming: &Incoming, id: &str) -> Result<Video, ApiError> {
    let channel = app.enter(incoming)?;
    let video = app.video(id).ok_or_else(ApiError::not_found)?;
    if video.channel == channel.id {
        Ok(video)
    } else {
        Err(ApiError::new(403, "forbidden", "The video is another channel's."))
    }
}

async fn thumbnail(State(app): State<App>, incoming: Incoming) -> Response {
    set_thumbnail(&app, &incoming).await.unwrap_or_else(IntoResponse::into_response)
}

async fn set_thumbnail(app: &App, incoming: &Incoming) -> Result<Response, ApiError> {
    let mut video = own(app, incoming, incoming.field("videoId").unwrap_or_default())?;
    if incoming.body.is_empty() {
        return Err(ApiError::invalid("mediaBodyRequired"));
    }
    let mime = loa_sandbox::media::sniff(&incoming.body);
    if incoming.body.len() > LARGEST_THUMBNAIL || !matches!(mime, "image/jpeg" | "image/png") {
        return Err(ApiError::invalid("invalidImage"));
    }
    let kept = app.0.media.put(&incoming.body).await?;
    // Before processing a Short's thumbnail is accepted and silently not applied.
    if !video.is_short() || video.processed(app.now()) {
        video.thumbnail = Some(kept);
    }
    app.0.book.change(|page| {
        app.spend(page, Bucket::Shared, 50)?;
        page.put("video", &video.id, &video);
        Ok::<_, ApiError>(())
    })?;
    Ok(Committed::mark(answer(
        StatusCode::OK,
        json!({ "kind": "youtube#thumbnailSetResponse", "items": [{}] }),
    )))
}

async fn caption(State(app): State<App>, incoming: Incoming) -> Response {
    insert_caption(&app, &incoming).await.unwrap_or_else(IntoResponse::into_response)
}

async fn insert_caption(app: &App, incoming: &Incoming) -> Result<Response, ApiError> {
    app.enter(incoming)?;
    let kind = incoming.header("content-type").unwrap_or_default();
    let (meta, file) =
        related(kind, &incoming.body).ok_or_else(|| ApiError::invalid("mediaBodyRequired"))?;
    let text = |field: &str| {
        meta.pointer(&format!("/snippet/{field}")).and_then(Value::as_str).unwrap_or_default()
    };
    let mut video = own(app, incoming, text("videoId"))?;
    let (language, name) = (text("language").to_owned(), text("name").to_owned());
    if video.captions.iter().any(|caption| caption.language == language && caption.name == name) {
        return Err(ApiError::new(
            409,
            "captionExists",
            "A caption track with this name and language exists.",
        ));
    }
    let file = app.0.media.put(&file).await?;
    let id = format!("AUieDa{:016x}", app.0.growth.mix(&file.sha256, &video.id));
    video.captions.push(Caption { id: id.clone(), language: language.clone(), name, file });
    app.0.book.change(|page| {
        app.spend(page, Bucket::Shared, 400)?;
        page.put("video", &video.id, &video);
        Ok::<_, ApiError>(())
    })?;
    let snippet = json!({ "videoId": video.id, "language": language, "status": "serving" });
    Ok(Committed::mark(answer(
        StatusCode::OK,
        json!({ "kind": "youtube#caption", "id": id, "snippet": snippet }),
    )))
}

async fn captions(State(app): State<App>, incoming: Incoming) -> Response {
    let found = own(&app, &incoming, incoming.field("videoId").unwrap_or_default());
    let listed = found.and_then(|video| {
        app.0.book.change(|page| app.spend(page, Bucket::Shared, 50))?;
        let items: Vec<Value> = video
            .captions
            .iter()
            .map(|caption| {
                let snippet = json!({ "videoId": video.id, "language": caption.language, "name": caption.name, "status": "serving" });
                json!({ "kind": "youtube#caption", "id": caption.id, "snippet": snippet })
            })
            .collect();
        Ok(answer(StatusCode::OK, json!({ "kind": "youtube#captionListResponse", "items": items })))
    });
    listed.unwrap_or_else(IntoResponse::into_response)
}

/// The JSON part and the file of a `multipart/related` body, with CRLF or bare LF line ends.
fn related(kind: &str, body: &Bytes) -> Option<(Value, Bytes)> {
    let boundary =
        kind.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?.trim_matches('"');
    let mark = format!("--{boundary}");
    let starts: Vec<usize> = (0..=body.len().checked_sub(mark.len())?)
        .filter(|at| body.get(*at..at + mark.len()) == Some(mark.as_bytes()))
        .collect();
    let part = |index: usize| {
        let (start, end) = (starts.get(index)? + mark.len(), *starts.get(index + 1)?);
        let whole = body.get(start..end)?;
        let head = find(whole, b"\r\n\r\n")
            .map(|at| at + 4)
            .or_else(|| find(whole, b"\n\n").map(|at| at + 2))?;
        let mut content = whole.get(head..)?;
        content = content.strip_suffix(b"\n").unwrap_or(content);
        content = content.strip_suffix(b"\r").unwrap_or(content);
        Some(Bytes::copy_from_slice(content))
    };
    Some((serde_json::from_slice(&part(0)?).ok()?, part(1)?))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn related_parts_with_both_line_ends_and_a_quoted_boundary() {
        for end in ["\r\n", "\n"] {
            let lines = [
                "--=x=1",
                "Content-Type: application/json",
                "",
                "{\"snippet\":{\"language\":\"vi\"}}",
                "--=x=1",
                "Content-Type: application/octet-stream",
                "",
                "1",
                "00:00:00,000 --> 00:00:02,000",
                "Xã vùng cao",
                "--=x=1--",
            ];
            let body = Bytes::from(lines.join(end));
            let (meta, file) = related("multipart/related; boundary=\"=x=1\"", &body).unwrap();
            assert_eq!(meta["snippet"]["language"], "vi");
            assert!(file.ends_with("Xã vùng cao".as_bytes()), "{file:?}");
        }
    }
}
