//! The video of a video article: sent there, converted there, then known by its id. Nothing of it is public before an
//! article shows it, so sending it again is safe.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Cx, Error, ErrorKind, Outgoing, Progress, Result, RetryAdvice, To};
use loa_model::MediaRole;
use loa_net::Part;

use crate::{
    api::Api,
    classify::{self, Call, Conversion},
    publish::Step,
    wire::{Accepted, Kind, Status, VideoArticle},
};

/// How long an upload can be asked about.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Uploads of one post before a person must look: each is converted for an hour.
const MAX_UPLOADS: u32 = 3;
const UPLOAD_PATH: &str = "v2.0/article/upload_video/preparevideo";
const VERIFY_PATH: &str = "v2.0/article/upload_video/verify";

/// A video that was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Sent {
    pub(crate) token: String,
    pub(crate) uploaded_at: Timestamp,
    /// Uploads so far, this one included.
    pub(crate) uploads: u32,
}

/// Sends the video; `uploads` were sent before.
pub(crate) async fn upload(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    uploads: u32,
) -> Result<Progress> {
    let missing = || Error::new(ErrorKind::Media, RetryAdvice::Never, "the post has no video");
    let file = post.content.media_of(MediaRole::Video).next().ok_or_else(missing)?;
    let bytes = cx.blobs.read(file.blob).await?;
    if bytes.is_empty() {
        return Err(missing());
    }
    // The life of the token begins at some time during the request: counted from its start it is never too long.
    let uploaded_at = cx.clock.now();
    let part = Part::file("file", &format!("{}.mp4", post.delivery), &file.mime, bytes);
    let data = api.upload(cx, to, UPLOAD_PATH, part).await?;
    let token = Accepted::token(data).ok_or_else(|| classify::unreadable(Call::Upload, "token"))?;
    let sent = Sent { token, uploaded_at, uploads: uploads + 1 };
    Ok(Step::VerifyVideo { sent, polls: 0 }.after(poll_wait(0)))
}

/// Asks what became of an upload.
pub(crate) async fn converted(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    sent: Sent,
    polls: u32,
) -> Result<Progress> {
    let now = cx.clock.now();
    if now.duration_since(sent.uploaded_at) >= TOKEN_LIFE {
        return send_again(sent.uploads);
    }
    let answer = api.look(cx, to, VERIFY_PATH, &sent.token).await?;
    let conversion = classify::converted(now, answer.status, &answer.body);
    Ok(match conversion.map_err(|error| api.noted(error, to))? {
        Conversion::Ready(video) => {
            Step::Create { failed: 0, video: Some(video), reached: Some(now) }.next()
        }
        Conversion::Converting => {
            let polls = polls + 1;
            Step::VerifyVideo { sent, polls }.after(poll_wait(polls))
        }
        Conversion::Forgotten => send_again(sent.uploads)?,
    })
}

fn send_again(uploads: u32) -> Result<Progress> {
    if uploads < MAX_UPLOADS {
        return Ok(Step::Upload { uploads }.next());
    }
    let message = format!("the platform converted none of {uploads} uploads of the video in time");
    Err(Error::new(ErrorKind::Media, RetryAdvice::Never, message).code("video_not_converted"))
}

/// The article as it is sent, the same for the same content, delivery and video.
pub(crate) async fn article(
    cx: &Cx<'_>,
    post: Outgoing<'_>,
    status: Status,
    id: Option<&str>,
    video: Option<&str>,
) -> Result<VideoArticle> {
    let content = post.content;
    let video = video.ok_or_else(|| Error::internal("the ticket lacks the id of the video"))?;
    let avatar = content.media_of(MediaRole::Thumbnail).next().ok_or_else(|| {
        Error::new(ErrorKind::Media, RetryAdvice::Never, "a video article needs a picture")
    })?;
    Ok(VideoArticle {
        id: id.map(str::to_owned),
        kind: Kind::Video,
        title: content.title.clone(),
        description: content.text.clone(),
        video_id: video.to_owned(),
        avatar: cx.media.url(post.delivery, avatar).await?.into(),
        status,
        comment: Status::Show,
    })
}

/// Every 10 s for the first minute and a half, then slower: how long a conversion takes is not documented.
fn poll_wait(polls: u32) -> Duration {
    Duration::from_secs(match polls {
        0..9 => 10,
        9..19 => 30,
        _ => 120,
    })
}

#[cfg(test)]
#[path = "video_tests.rs"]
mod tests;
