//! The chains that make a post, and read-back.
//!
//! Text: `feed`. Photos: `photo` for each, then `feed`. With two phases `feed` makes an unpublished post, `show` publishes it
//! by id and `confirm` reads its address. Reel: `start`, `bytes`, `finish`, `poll`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{
    Cx, Error, ErrorKind, Lookup, Outgoing, Progress, Result, RetryAdvice, Scope, To,
};
use loa_model::{Media, MediaRole, PostContent, PostFormat, Receipt, Ticket, delivery::Effect};
use loa_net::Part;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    Facebook,
    classify::{self, later},
    find::{self, VIDEO_FIELDS},
    wire::{self, Created, Post, ReelStart, Video, read},
};

/// Unpublished photos are deleted after about 24 hours; older ones are uploaded again.
const PHOTOS_LIVE: SignedDuration = SignedDuration::from_hours(20);

/// Between two looks at a video that is being processed.
const POLL: Duration = Duration::from_secs(10);

/// Times photos or a video are uploaded again when the platform cannot use what it holds of them.
const MOST_UPLOADS: u32 = 2;

/// Looks at a finished video that cannot be read, before its outcome counts as unknown; and at a whole upload that is not
/// put together, before it is begun anew.
const MISSING_LOOKS: u32 = 20;

/// What a ticket holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Chain {
    /// Uploaded photos, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) photos: Vec<String>,
    /// When the first of them was uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uploaded_at: Option<Timestamp>,
    /// The unpublished post.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) post_id: String,
    /// The video.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) video_id: String,
    /// Where its bytes go.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) upload_url: String,
    /// Looks that did not find the video as it should be by now.
    #[serde(skip_serializing_if = "is_none_yet")]
    pub(crate) missing: u32,
    /// Times the media were uploaded again.
    #[serde(skip_serializing_if = "is_none_yet")]
    pub(crate) uploads_again: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_none_yet(count: &u32) -> bool {
    *count == 0
}

impl Chain {
    /// What a ticket of ours holds; nothing of a foreign one.
    pub(crate) fn of(ticket: Option<&Ticket>) -> Self {
        ticket.and_then(|ticket| read(&ticket.data)).unwrap_or_default()
    }

    fn again(&self, step: &str, wait: Duration) -> Progress {
        let data = serde_json::to_value(self).expect("plain texts serialize");
        Progress::Again { ticket: Ticket { step: step.to_owned(), data }, wait }
    }
}

/// The next step of a post.
fn step<'a>(content: &PostContent, at: Option<&'a Ticket>) -> &'a str {
    match (at, content.format) {
        (Some(ticket), _) => &ticket.step,
        (None, PostFormat::ShortVideo) => "start",
        (None, PostFormat::Text) => "feed",
        (None, _) => "photo",
    }
}

/// See [`loa_channel::Channel::effect`].
pub(crate) fn effect(two_phase: bool, content: &PostContent, at: Option<&Ticket>) -> Effect {
    match step(content, at) {
        "photo" | "start" | "bytes" => Effect::Hidden,
        "feed" if two_phase => Effect::Hidden,
        "show" => Effect::Idempotent,
        "confirm" | "poll" => Effect::Read,
        _ => Effect::Public,
    }
}

impl Facebook {
    pub(crate) async fn step(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<&Ticket>,
    ) -> Result<Progress> {
        self.check(post.content)?;
        let chain = Chain::of(at);
        match step(post.content, at) {
            "photo" => self.photo(cx, to, post.content, chain).await,
            "feed" => self.feed(cx, to, post.content, chain).await,
            "show" => self.show(cx, to, chain).await,
            "confirm" => self.confirm(cx, to, chain).await,
            "start" => self.start(cx, to, chain).await,
            "bytes" => self.bytes(cx, to, post.content, chain).await,
            "finish" => self.finish(cx, to, post.content, chain).await,
            "poll" => self.poll(cx, to, chain).await,
            other => Err(Error::internal(format!("the chain has no step {other}"))),
        }
    }

    /// Refuses what the platform would refuse, before any request.
    fn check(&self, content: &PostContent) -> Result<()> {
        let Some(first) = self.capability.check(content).into_iter().next() else { return Ok(()) };
        let message = format!("{} {}: {} of {}", first.field, first.problem, first.is, first.limit);
        Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message))
    }

    async fn photo(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        content: &PostContent,
        mut chain: Chain,
    ) -> Result<Progress> {
        let count = content.media_of(MediaRole::Photo).count();
        let Some(media) = content.media_of(MediaRole::Photo).nth(chain.photos.len()) else {
            return Ok(chain.again("feed", Duration::ZERO));
        };
        let bytes = cx.blobs.read(media.blob).await?;
        let form = vec![("published", "false".to_owned()), ("alt_text_custom", nfc(&media.alt))];
        let file = Part::file("source", file_name(media), &media.mime, bytes);
        let path = format!("{}/photos", to.account.remote_id);
        let made: Created =
            shaped(self.post_file(cx, to, &path, form, file).await?, Effect::Hidden)?;
        chain.uploaded_at = chain.uploaded_at.or(Some(cx.clock.now()));
        chain.photos.push(named(made.id, Effect::Hidden)?);
        let next = if chain.photos.len() < count { "photo" } else { "feed" };
        Ok(chain.again(next, Duration::ZERO))
    }

    async fn feed(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        content: &PostContent,
        mut chain: Chain,
    ) -> Result<Progress> {
        let age = chain.uploaded_at.map(|at| cx.clock.now().duration_since(at));
        if age.is_some_and(|age| age > PHOTOS_LIVE) {
            return Ok(Chain::default().again("photo", Duration::ZERO));
        }
        let effect = if self.config.two_phase { Effect::Hidden } else { Effect::Public };
        let fields = "id,permalink_url,created_time".to_owned();
        let mut form = vec![("message", nfc(&content.text)), ("fields", fields)];
        if content.format == PostFormat::Text {
            form.push(("link", content.link.url.clone()));
        } else {
            let attached = chain.photos.iter().map(|id| json!({ "media_fbid": id }));
            form.push(("attached_media", attached.collect::<Value>().to_string()));
        }
        if self.config.two_phase {
            form.push(("published", "false".to_owned()));
        }
        let path = format!("{}/feed", to.account.remote_id);
        let raw = match self.post(cx, to, effect, &path, form).await {
            // An unpublished post of ours whose answer was lost holds the photos: nobody sees it, so they are uploaded again.
            Err(error)
                if self.config.two_phase
                    && classify::is_missing(&error)
                    && chain.uploads_again < MOST_UPLOADS =>
            {
                let uploads_again = chain.uploads_again + 1;
                let chain = Chain { uploads_again, ..Chain::default() };
                return Ok(chain.again("photo", Duration::ZERO));
            }
            answer => answer?,
        };
        let made: Created = shaped(raw.clone(), effect)?;
        let id = named(made.id, effect)?;
        if self.config.two_phase {
            chain.post_id = id;
            return Ok(chain.again("show", Duration::ZERO));
        }
        let made = Created { id, ..made };
        Ok(Progress::Live(self.receipt(made.id, &made.permalink_url, &made.created_time, raw, cx)))
    }

    async fn show(&self, cx: &Cx<'_>, to: To<'_>, chain: Chain) -> Result<Progress> {
        let form = vec![("is_published", "true".to_owned())];
        self.post(cx, to, Effect::Idempotent, &chain.post_id, form).await?;
        Ok(chain.again("confirm", Duration::ZERO))
    }

    async fn confirm(&self, cx: &Cx<'_>, to: To<'_>, chain: Chain) -> Result<Progress> {
        let fields = "id,permalink_url,created_time,is_published".to_owned();
        let raw = self.get(cx, to, &chain.post_id, vec![("fields", fields)]).await?;
        let post: Post = shaped(raw.clone(), Effect::Read)?;
        if post.is_published == Some(false) {
            return Ok(chain.again("show", POLL));
        }
        let receipt = self.receipt(chain.post_id, &post.permalink_url, &post.created_time, raw, cx);
        Ok(Progress::Live(receipt))
    }

    async fn start(&self, cx: &Cx<'_>, to: To<'_>, chain: Chain) -> Result<Progress> {
        let path = format!("{}/video_reels", to.account.remote_id);
        let form = vec![("upload_phase", "start".to_owned())];
        let started = self.post(cx, to, Effect::Hidden, &path, form).await?;
        let ReelStart { video_id, upload_url } = shaped(started, Effect::Hidden)?;
        let chain = Chain { video_id, upload_url, ..chain };
        Ok(chain.again("bytes", Duration::ZERO))
    }

    async fn bytes(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        content: &PostContent,
        mut chain: Chain,
    ) -> Result<Progress> {
        let media = content.media_of(MediaRole::Video).next();
        let media = media.ok_or_else(|| Error::internal("a Reel without a video"))?;
        let video = match self.video(cx, to, &chain.video_id).await {
            // A fresh video may not be readable yet; a wrong guess of its offset is refused.
            Err(error) if classify::is_missing(&error) => Video::default(),
            video => video?,
        };
        if video.failure().is_some() {
            // This video will never be usable; nothing of it was ever visible.
            return Ok(Chain::default().again("start", POLL));
        }
        if video.is_uploaded() {
            return Ok(chain.again("finish", Duration::ZERO));
        }
        if video.bytes_held() < media.bytes {
            let bytes = cx.blobs.read(media.blob).await?;
            self.post_bytes(cx, to, &chain.upload_url, bytes, video.bytes_held()).await?;
            return Ok(chain.again("finish", Duration::ZERO));
        }
        // An upload of ours was cut at its end: every byte is there, and the platform has not put them together.
        chain.missing += 1;
        if chain.missing < MISSING_LOOKS {
            return Ok(chain.again("bytes", POLL));
        }
        if chain.uploads_again >= MOST_UPLOADS {
            return Err(unusable("its upload never completes"));
        }
        let uploads_again = chain.uploads_again + 1;
        Ok(Chain { uploads_again, ..Chain::default() }.again("start", Duration::ZERO))
    }

    /// Whether a second `finish` is harmless is not documented, so the state is read first.
    async fn finish(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        content: &PostContent,
        chain: Chain,
    ) -> Result<Progress> {
        // Nothing was sent yet: a failed read is an ordinary read.
        let video = self.video(cx, to, &chain.video_id).await?;
        if video.is_public() {
            return Ok(chain.again("poll", Duration::ZERO));
        }
        if let Some(said) = video.failure() {
            return Err(unusable(&said));
        }
        let form = vec![
            ("upload_phase", "finish".to_owned()),
            ("video_id", chain.video_id.clone()),
            ("video_state", "PUBLISHED".to_owned()),
            ("description", nfc(&content.text)),
        ];
        let path = format!("{}/video_reels", to.account.remote_id);
        self.post(cx, to, Effect::Public, &path, form).await?;
        Ok(chain.again("poll", Duration::ZERO))
    }

    async fn poll(&self, cx: &Cx<'_>, to: To<'_>, mut chain: Chain) -> Result<Progress> {
        let video = match self.video(cx, to, &chain.video_id).await {
            Err(error) if classify::is_missing(&error) => {
                chain.missing += 1;
                if chain.missing > MISSING_LOOKS {
                    let message = "the video was published and cannot be read";
                    let error = Error::new(ErrorKind::Protocol, RetryAdvice::Verify, message);
                    return Err(error.code(classify::MISSING));
                }
                return Ok(chain.again("poll", POLL));
            }
            // It was published: given up here, nobody would look whether the audience sees it.
            Err(mut error)
                if matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Protocol) =>
            {
                error.advice = RetryAdvice::Verify;
                return Err(error);
            }
            video => video?,
        };
        if video.is_public() {
            return Ok(Progress::Live(self.video_receipt(&video, &chain.video_id, cx)));
        }
        match video.failure() {
            Some(said) => Err(unusable(&said)),
            None => Ok(chain.again("poll", POLL)),
        }
    }

    /// A video as the platform sees it. A fresh one may not be readable for some seconds: that is a wait, not an absence.
    pub(crate) async fn video(&self, cx: &Cx<'_>, to: To<'_>, id: &str) -> Result<Video> {
        let raw = self.get(cx, to, id, vec![("fields", VIDEO_FIELDS.to_owned())]).await?;
        shaped(raw, Effect::Read)
    }

    pub(crate) async fn change(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        content: &PostContent,
    ) -> Result<()> {
        self.check(content)?;
        // A Reel is changed through the post around it.
        let post_id = find::post_id(receipt, to);
        let Some(post_id) = post_id else {
            return Err(Error::unsupported("changing a Reel whose post is not known"));
        };
        let form = vec![("message", nfc(&content.text))];
        match self.post(cx, to, Effect::Idempotent, &post_id, form).await {
            Err(error) if classify::is_missing(&error) => {
                let gone = Error::new(ErrorKind::Content, RetryAdvice::Never, error.message);
                Err(gone.code(error.platform_code))
            }
            outcome => outcome.map(drop),
        }
    }

    pub(crate) async fn remove(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
        match self.delete(cx, to, &receipt.remote_id).await {
            Err(error) if classify::is_missing(&error) => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    pub(crate) async fn read_back(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        what: Lookup<'_>,
    ) -> Result<Vec<Receipt>> {
        match what.content.format {
            PostFormat::ShortVideo => self.find_reel(cx, to, what).await,
            _ => self.find_posts(cx, to, what).await,
        }
    }
}

/// The answer in its shape; an answer of another shape is an unknown outcome.
pub(crate) fn shaped<T: serde::de::DeserializeOwned>(value: Value, effect: Effect) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("the answer has another shape: {error}");
        Error::new(ErrorKind::Protocol, classify::unknown(effect), message)
    })
}

/// An id that is there: an empty one in a successful answer is an unknown outcome.
fn named(id: String, effect: Effect) -> Result<String> {
    if id.is_empty() {
        let message = "the answer names no id";
        return Err(Error::new(ErrorKind::Protocol, classify::unknown(effect), message));
    }
    Ok(id)
}

fn unusable(said: &str) -> Error {
    let message = format!("the platform cannot use the video: {said}");
    Error::new(ErrorKind::Media, RetryAdvice::Never, message)
}

/// A wait because the platform is still at work.
pub(crate) fn busy() -> Error {
    let message = "the video is still being processed, its outcome is not known yet";
    Error::new(ErrorKind::Unavailable, later(POLL, Scope::Post), message)
}

pub(crate) fn nfc(text: &str) -> String {
    text.nfc().collect()
}

fn file_name(media: &Media) -> &'static str {
    if media.mime == "image/png" { "photo.png" } else { "photo.jpg" }
}

pub(crate) fn created(text: &str, cx: &Cx<'_>) -> Timestamp {
    wire::time(text).unwrap_or_else(|| cx.clock.now())
}
