//! Bytes of reels: raw bodies with offsets, on a host with errors of its own shape.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use loa_sandbox::{Committed, Incoming, MediaRef};
use serde_json::json;

use crate::{
    App,
    error::GraphError,
    record::{Video, VideoKind},
};

/// Largest video fetched from an address, bytes.
const FETCHED: u64 = 256 * 1024 * 1024;

/// `POST /video-upload/{version?}/{video}`.
pub(crate) async fn bytes(app: &App, incoming: &Incoming) -> Response {
    match take(app, incoming).await {
        Ok(()) => Committed::mark(Json(json!({ "success": true }))),
        Err(answer) => answer,
    }
}

fn refuse(kind: &str, retriable: bool, message: &str) -> Response {
    let info =
        json!({ "debug_info": { "retriable": retriable, "type": kind, "message": message } });
    (StatusCode::BAD_REQUEST, Json(info)).into_response()
}

async fn take(app: &App, incoming: &Incoming) -> Result<(), Response> {
    let form = |error: GraphError| error.into_response();
    if incoming.header("authorization").is_none_or(|value| !value.starts_with("OAuth ")) {
        let message = "The Authorization header must be `OAuth <token>`";
        return Err(refuse("ParameterValidationError", false, message));
    }
    let caller = app.caller(incoming).map_err(form)?;
    let id = incoming.path.rsplit('/').next().unwrap_or_default();
    let video = app.video(id).map_err(form)?;
    caller.must_be(&video.page).map_err(form)?;
    if video.kind != VideoKind::Reel || video.file.is_some() {
        return Err(refuse("ParameterValidationError", false, "This upload is not open"));
    }
    let (body, offset, size) = if let Some(url) = incoming.header("file_url") {
        let fetched = app.ground.fetcher.get(url, FETCHED).await;
        let body = fetched.ok().filter(|fetched| fetched.status == 200).map(|f| f.bytes);
        let Some(body) = body else {
            return Err(refuse("ProcessingFailedError", false, "The file_url cannot be fetched"));
        };
        let size = body.len() as u64;
        (body, 0, size)
    } else {
        let number = |name| incoming.header(name).and_then(|text| text.trim().parse::<u64>().ok());
        let (Some(offset), Some(size)) = (number("offset"), number("file_size")) else {
            let message = "The headers offset and file_size are required";
            return Err(refuse("ParameterValidationError", false, message));
        };
        (incoming.body.clone(), offset, size)
    };
    if offset != video.received() {
        let message = format!("The offset must be {}", video.received());
        return Err(refuse("OffsetInvalidError", true, &message));
    }
    let end = offset + body.len() as u64;
    if end > size {
        return Err(refuse("ParameterValidationError", false, "More bytes than file_size"));
    }
    app.add_piece(id, &body, Some(size)).await.map_err(form)?;
    if end < size {
        let message = format!("Partial request: {end} of {size} bytes");
        return Err(refuse("PartialRequestError", true, &message));
    }
    Ok(())
}

impl App {
    /// Keeps a piece of a video and puts the whole together when it is complete.
    pub(crate) async fn add_piece(
        &self,
        id: &str,
        piece: &Bytes,
        size: Option<u64>,
    ) -> Result<Video, GraphError> {
        let kept = self.ground.media.put(piece).await?;
        let video = self.change_video(id, |video| {
            video.size = size.or(video.size);
            if kept.bytes > 0 {
                video.pieces.push(kept);
            }
        })?;
        if video.size != Some(video.received()) {
            return Ok(video);
        }
        let whole = self.put_together(&video.pieces).await?;
        let now = self.ground.clock.now();
        self.change_video(id, |video| {
            video.file = Some(whole);
            video.uploaded_at = Some(now);
        })
    }

    async fn put_together(&self, pieces: &[MediaRef]) -> Result<MediaRef, GraphError> {
        let mut whole = BytesMut::new();
        for piece in pieces {
            let bytes = self.ground.media.get(&piece.sha256).await;
            let bytes = bytes.ok_or_else(|| {
                let message = format!("the piece {} is gone", piece.sha256);
                GraphError::internal(&loa_sandbox::Error::Control(message))
            })?;
            whole.extend_from_slice(&bytes);
        }
        Ok(self.ground.media.put(&whole.freeze()).await?)
    }

    fn change_video(&self, id: &str, change: impl FnOnce(&mut Video)) -> Result<Video, GraphError> {
        self.ground.book.change(|leaf| {
            let mut video: Video = leaf.get("video", id).ok_or_else(|| GraphError::missing(id))?;
            change(&mut video);
            leaf.put("video", id, &video);
            Ok(video)
        })
    }
}
