//! The chain: upload session → bytes → private video → processed → thumbnail → captions → public.
//!
//! The address of the session is the key of the upload: asked again, it tells how far the upload is, or repeats the final
//! answer with the video's id. So every upload step asks first and a lost answer costs nothing.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use loa_channel::{Cx, Error, ErrorKind, Outgoing, Progress, Result, RetryAdvice, To};
use loa_model::{Digest, Media, MediaRole, PostContent, Receipt, Ticket, delivery::Effect};
use loa_net::{Body, Method};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use crate::{
    api::Api,
    classify::{self, Call, Session},
    read_back::{self, videos},
    wire::{NewSnippet, NewStatus, NewVideo, Status, Video},
};

/// Looks at a video that is not listed yet before it counts as removed.
const LOOKS_FOR_A_MISSING_VIDEO: u32 = 5;

/// Where the chain stands: the data of the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// Look for an upload of our own, else open an upload session.
    Init,
    /// Ask the session how far it is and send the next chunk.
    Upload { session: Url },
    /// Wait until the platform has processed the video.
    Processing { video: String, polls: u32 },
    /// Delete a copy the platform turned down as a duplicate of our own upload.
    DropDuplicate { video: String, duplicate: String },
    /// Set the thumbnail.
    Thumbnail { video: String },
    /// Add the captions.
    Captions { video: String, skipped: Vec<String> },
    /// Make it public.
    Publish { video: String, skipped: Vec<String> },
}

impl Step {
    /// The step a ticket stands at; the first one without a ticket.
    pub(crate) fn of(at: Option<&Ticket>) -> Result<Self> {
        at.map_or(Ok(Self::Init), |ticket| {
            serde_json::from_value(ticket.data.clone())
                .map_err(|e| Error::internal(format!("not a ticket of this channel: {e}")))
        })
    }

    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Init | Self::Upload { .. } => Effect::Hidden,
            Self::Processing { .. } => Effect::Read,
            Self::DropDuplicate { .. }
            | Self::Thumbnail { .. }
            | Self::Captions { .. }
            | Self::Publish { .. } => Effect::Idempotent,
        }
    }

    /// The video's id, once known.
    pub(crate) fn into_video(self) -> Option<String> {
        match self {
            Self::Init | Self::Upload { .. } => None,
            Self::Processing { video, .. }
            | Self::DropDuplicate { video, .. }
            | Self::Thumbnail { video }
            | Self::Captions { video, .. }
            | Self::Publish { video, .. } => Some(video),
        }
    }

    fn after(self, wait: Duration) -> Progress {
        let data = serde_json::to_value(self).expect("a step is plain data");
        let step = data.get("step").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
        Progress::Again { ticket: Ticket { step, data }, wait }
    }

    fn next(self) -> Progress {
        self.after(Duration::ZERO)
    }
}

/// Takes one step: at most one effectful request.
pub(crate) async fn advance(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    step: Step,
) -> Result<Progress> {
    match step {
        Step::Init => init(api, cx, to, post).await,
        Step::Upload { session } => upload(api, cx, to, post, session).await,
        Step::Processing { video, polls } => processing(api, cx, to, post, video, polls).await,
        Step::DropDuplicate { video, duplicate } => {
            delete(api, cx, to, &duplicate).await?;
            Ok(Step::Processing { video, polls: 0 }.next())
        }
        Step::Thumbnail { video } => thumbnail(api, cx, to, post.content, video).await,
        Step::Captions { video, skipped } => {
            captions(api, cx, to, post.content, &video).await?;
            Ok(Step::Publish { video, skipped }.next())
        }
        Step::Publish { video, skipped } => publish(api, cx, to, post, &video, &skipped).await,
    }
}

async fn init(api: &Api, cx: &Cx<'_>, to: To<'_>, post: Outgoing<'_>) -> Result<Progress> {
    let since = post.since.min(cx.clock.now());
    let own = read_back::find_own(api, cx, to, post.marker, since).await?;
    if let Some(oldest) = own.into_iter().next_back() {
        return Ok(Step::Processing { video: oldest.id, polls: 0 }.next());
    }
    let bytes = video_bytes(cx, post.content).await?;
    let notify = api.config.notify_subscribers.to_string();
    let query = [
        ("uploadType", "resumable"),
        ("part", "snippet,status"),
        ("notifySubscribers", notify.as_str()),
    ];
    let headers = [
        ("x-upload-content-length", bytes.len().to_string()),
        ("x-upload-content-type", "video/mp4".to_owned()),
        ("slug", format!("{}.mp4", post.delivery)),
    ];
    let video = NewVideo {
        snippet: snippet(api, to, post.content),
        status: status(api, to, "private", &Status::default()),
    };
    let body = serde_json::to_value(video).map_err(|e| Error::internal(e.to_string()))?;
    let session = api.open_session(cx, to, &query, &headers, body).await?;
    Ok(Step::Upload { session }.next())
}

async fn upload(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    session: Url,
) -> Result<Progress> {
    let bytes = video_bytes(cx, post.content).await?;
    let total = bytes.len() as u64;
    let first = match api.probe(cx, to, &session, total).await? {
        Session::Holds(first) if first < total => first,
        // All is there but the final answer is not: ask again.
        Session::Holds(_) => return Ok(Step::Upload { session }.after(Duration::from_secs(5))),
        ended => return Ok(end_of_upload(ended, session)),
    };
    let last = (first + api.config.chunk_bytes).min(total);
    let range = usize::try_from(first).ok().zip(usize::try_from(last).ok());
    let chunk = range.map(|(first, last)| bytes.slice(first..last));
    let chunk = chunk.ok_or_else(|| Error::internal("the video is too large for this machine"))?;
    let state = api.put_chunk(cx, to, &session, (first, total), chunk).await?;
    Ok(end_of_upload(state, session))
}

fn end_of_upload(state: Session, session: Url) -> Progress {
    match state {
        Session::Holds(_) => Step::Upload { session }.next(),
        Session::Complete(video) => Step::Processing { video, polls: 0 }.after(poll_wait(0)),
        Session::Expired => Step::Init.next(),
    }
}

async fn processing(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    id: String,
    polls: u32,
) -> Result<Progress> {
    let found = videos(api, cx, to, "status,processingDetails", &[&id]).await?;
    let Some(Video { status, processing_details: details, .. }) = found.into_iter().next() else {
        if polls < LOOKS_FOR_A_MISSING_VIDEO {
            return Ok(Step::Processing { video: id, polls: polls + 1 }.after(poll_wait(2)));
        }
        return Err(gone(&id));
    };
    match (status.upload.as_str(), details.processing_status.as_str()) {
        ("rejected", _) if status.rejection_reason == "duplicate" => {
            let since = post.since.min(cx.clock.now());
            let own = read_back::find_own(api, cx, to, post.marker, since).await?;
            let Some(first) = own.into_iter().rfind(|video| video.id != id) else {
                return Err(classify::processing(ErrorKind::Content, "rejected", "duplicate"));
            };
            Ok(Step::DropDuplicate { video: first.id, duplicate: id }.next())
        }
        ("rejected", _) => {
            Err(classify::processing(ErrorKind::Content, "rejected", &status.rejection_reason))
        }
        ("failed", _) => {
            Err(classify::processing(ErrorKind::Media, "could not use", &status.failure_reason))
        }
        ("deleted", _) => Err(gone(&id)),
        (_, "failed" | "terminated") => {
            let reason = &details.processing_failure_reason;
            Err(classify::processing(ErrorKind::Media, "could not process", reason))
        }
        (_, "succeeded") | ("processed", "") => Ok(dress(post.content, id)),
        _ => Ok(Step::Processing { video: id, polls: polls + 1 }.after(poll_wait(polls))),
    }
}

async fn thumbnail(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    content: &PostContent,
    video: String,
) -> Result<Progress> {
    let mut skipped = Vec::new();
    if let Some(picture) = content.media_of(MediaRole::Thumbnail).next() {
        let bytes = cx.blobs.read(picture.blob).await?;
        let query = [("videoId", video.as_str()), ("uploadType", "media")];
        let path = "upload/youtube/v3/thumbnails/set";
        match api.upload(cx, to, path, &query, (&picture.mime, bytes)).await {
            Err(error) if classify::is_thumbnail_optional(&error) => {
                tracing::warn!(account = %to.account.name, video, %error, "goes on without its thumbnail");
                skipped.push(format!("thumbnail: {error}"));
            }
            outcome => drop(outcome?),
        }
    }
    Ok(after_thumbnail(content, video, skipped))
}

/// What follows processing: a step without its file is left out, so that every step that may change something does.
fn dress(content: &PostContent, video: String) -> Progress {
    if content.media_of(MediaRole::Thumbnail).next().is_some() {
        Step::Thumbnail { video }.next()
    } else {
        after_thumbnail(content, video, Vec::new())
    }
}

fn after_thumbnail(content: &PostContent, video: String, skipped: Vec<String>) -> Progress {
    if content.media_of(MediaRole::Captions).next().is_some() {
        Step::Captions { video, skipped }.next()
    } else {
        Step::Publish { video, skipped }.next()
    }
}

/// Adds the captions; captions of this language that are there already are ours.
async fn captions(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    content: &PostContent,
    video: &str,
) -> Result<()> {
    let Some(file) = content.media_of(MediaRole::Captions).next() else { return Ok(()) };
    let bytes = cx.blobs.read(file.blob).await?;
    let snippet = json!({"snippet": {
        "videoId": video, "language": content.lang, "name": "", "isDraft": false,
    }});
    let (mime, body) = related(&snippet.to_string(), &bytes);
    let query = [("part", "snippet"), ("uploadType", "multipart")];
    match api.upload(cx, to, "upload/youtube/v3/captions", &query, (&mime, body)).await {
        Err(error) if classify::is_caption_there(&error) => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// A `multipart/related` body. The boundary is a digest of the parts, so neither can hold it.
fn related(json: &str, bytes: &Bytes) -> (String, Bytes) {
    let seed = format!("{}{}", Digest::of(json.as_bytes()), Digest::of(bytes));
    let boundary = format!("loa-{}", Digest::of(seed.as_bytes()).short());
    let mut body = BytesMut::with_capacity(json.len() + bytes.len() + 256);
    body.put_slice(
        format!("--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json}\r\n")
            .as_bytes(),
    );
    body.put_slice(
        format!("--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n").as_bytes(),
    );
    body.put_slice(bytes);
    body.put_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/related; boundary={boundary}"), body.freeze())
}

async fn publish(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    id: &str,
    skipped: &[String],
) -> Result<Progress> {
    let format = post.content.format;
    let found = videos(api, cx, to, "status", &[id]).await?;
    let Some(mut video) = found.into_iter().next() else { return Err(gone(id)) };
    if video.status.privacy != "public" {
        let status = status(api, to, "public", &video.status);
        let body = Body::Json(json!({"id": id, "status": status}));
        let path = "youtube/v3/videos";
        let answer = api.effect(cx, to, Method::PUT, path, &[("part", "status")], body).await?;
        video = serde_json::from_value(answer)
            .map_err(|_| classify::unreadable(Call::Effect, "status"))?;
    }
    if video.status.privacy != "public" {
        let message = "the channel's settings keep the video from being public";
        let error = Error::new(ErrorKind::Content, RetryAdvice::Never, message);
        return Err(error.code(video.status.privacy));
    }
    id.clone_into(&mut video.id);
    Ok(Progress::Live(read_back::receipt(api, cx, format, &video, skipped)))
}

/// Changes title, description and tags of a video; what is not ours in its snippet stays.
pub(crate) async fn amend(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    receipt: &Receipt,
    content: &PostContent,
) -> Result<()> {
    let id = receipt.remote_id.as_str();
    let found = videos(api, cx, to, "snippet", &[id]).await?;
    let Some(old) = found.into_iter().next() else { return Err(gone(id)) };
    let mut new = snippet(api, to, content);
    if !old.snippet.category_id.is_empty() {
        new.category_id = old.snippet.category_id;
    }
    if let Some(language) = old.snippet.default_audio_language {
        new.default_audio_language = language;
    }
    let body = Body::Json(json!({"id": id, "snippet": new}));
    let path = "youtube/v3/videos";
    api.effect(cx, to, Method::PUT, path, &[("part", "snippet")], body).await.map(drop)
}

/// Deletes a video; one that is gone already is success.
pub(crate) async fn delete(api: &Api, cx: &Cx<'_>, to: To<'_>, id: &str) -> Result<()> {
    let path = "youtube/v3/videos";
    match api.effect(cx, to, Method::DELETE, path, &[("id", id)], Body::Empty).await {
        Err(error) if classify::is_gone(&error) => Ok(()),
        outcome => outcome.map(drop),
    }
}

async fn video_bytes(cx: &Cx<'_>, content: &PostContent) -> Result<Bytes> {
    let missing = || Error::new(ErrorKind::Media, RetryAdvice::Never, "the post has no video");
    let file: &Media = content.media_of(MediaRole::Video).next().ok_or_else(missing)?;
    let bytes = cx.blobs.read(file.blob).await?;
    if bytes.is_empty() { Err(missing()) } else { Ok(bytes) }
}

fn snippet(api: &Api, to: To<'_>, content: &PostContent) -> NewSnippet {
    let category = to.account.settings.get("category_id").unwrap_or(&api.config.category_id);
    NewSnippet {
        title: content.title.clone(),
        description: content.text.clone(),
        tags: content.tags.clone(),
        category_id: category.clone(),
        default_language: content.lang.clone(),
        default_audio_language: content.lang.clone(),
    }
}

/// The whole status: what the video has is kept, what is ours is said.
fn status(api: &Api, to: To<'_>, privacy_status: &'static str, old: &Status) -> NewStatus {
    let synthetic = to.account.settings.get("contains_synthetic_media");
    NewStatus {
        privacy_status,
        license: old.license.clone().unwrap_or_else(|| "youtube".to_owned()),
        embeddable: old.embeddable.unwrap_or(true),
        public_stats_viewable: old.public_stats_viewable.unwrap_or(true),
        self_declared_made_for_kids: false,
        contains_synthetic_media: synthetic
            .map_or(api.config.contains_synthetic_media, |value| value == "true"),
    }
}

fn gone(id: &str) -> Error {
    let message = format!("video {id} is not on the platform any more");
    Error::new(ErrorKind::Content, RetryAdvice::Never, message).code("videoNotFound")
}

/// Every 30 s at first; long videos take hours.
fn poll_wait(polls: u32) -> Duration {
    Duration::from_secs(match polls {
        0 | 1 => 30,
        2..6 => 60,
        _ => 300,
    })
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
