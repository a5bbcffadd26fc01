//! The chain of a post: `post` (public). Where the platform answers that no webhook was ever set, provably nothing was posted:
//! then `webhook` (idempotent) and `post` once more.

use std::time::Duration;

use loa_channel::{Cx, Error, ErrorKind, Outgoing, Progress, Result, RetryAdvice, To};
use loa_model::{Media, MediaRole, PostContent, PostFormat, Receipt, Ticket, delivery::Effect};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;
use url::Url;

use crate::{Viber, classify::NO_WEBHOOK, wire::Posted};

/// Account setting: member id of the superadmin shown as author. Pinned: "the first one" changes.
pub const FROM: &str = "from";

/// Account setting: address of the webhook, before that of the config.
pub const WEBHOOK_URL: &str = "webhook_url";

/// Account setting: where the audience sees the Channel; a single post has no address of its own.
pub const CHANNEL_URL: &str = "channel_url";

/// See [`loa_channel::Channel::effect`].
pub(crate) fn effect(at: Option<&Ticket>) -> Effect {
    match at.map(|ticket| ticket.step.as_str()) {
        Some("webhook") => Effect::Idempotent,
        _ => Effect::Public,
    }
}

impl Viber {
    pub(crate) async fn step(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<&Ticket>,
    ) -> Result<Progress> {
        if let Some(first) = self.capability.check(post.content).first() {
            let (field, problem) = (&first.field, &first.problem);
            let message = format!("{field} {problem}: {} of {}", first.is, first.limit);
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message));
        }
        match at.map(|ticket| ticket.step.as_str()) {
            None | Some("post") => {
                let webhook_set = at.is_some_and(|ticket| ticket.data["webhook"] == true);
                self.post(cx, to, post, webhook_set).await
            }
            Some("webhook") => self.webhook(cx, to).await,
            Some(other) => Err(Error::internal(format!("the chain has no step {other}"))),
        }
    }

    async fn post(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        webhook_set: bool,
    ) -> Result<Progress> {
        let body = message(cx, to, post).await?;
        let raw = match self.call(cx, to, Effect::Public, "post", body).await {
            Err(error) if error.platform_code == NO_WEBHOOK && !webhook_set => {
                return Ok(again("webhook", json!({})));
            }
            outcome => outcome?,
        };
        // Accepted, whatever else the answer says or leaves out.
        let Posted { message_token } = Posted::deserialize(&raw).unwrap_or_default();
        let url = to.account.settings.get(CHANNEL_URL).cloned().unwrap_or_default();
        let at = cx.clock.now();
        Ok(Progress::Live(Receipt { remote_id: message_token, url, raw, at }))
    }

    async fn webhook(&self, cx: &Cx<'_>, to: To<'_>) -> Result<Progress> {
        let own = to.account.settings.get(WEBHOOK_URL).filter(|url| !url.is_empty()).cloned();
        let url = own.or_else(|| self.config.webhook_url.as_ref().map(Url::to_string));
        let Some(url) = url else {
            let message = "the platform wants a webhook before the first post: set webhook_url";
            let error = Error::new(ErrorKind::Internal, RetryAdvice::Reauthorize, message);
            return Err(error.code(NO_WEBHOOK));
        };
        let body = Map::from_iter([("url".to_owned(), Value::from(url))]);
        self.call(cx, to, Effect::Idempotent, "set_webhook", body).await?;
        Ok(again("post", json!({ "webhook": true })))
    }
}

/// The message as the platform takes it. Every address was seen to answer before it is named.
async fn message(cx: &Cx<'_>, to: To<'_>, post: Outgoing<'_>) -> Result<Map<String, Value>> {
    let from = to.account.settings.get(FROM).filter(|from| !from.is_empty()).ok_or_else(|| {
        let message = "the account has no `from`, the member id of a superadmin: connect it again";
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })?;
    let PostContent { format, text, .. } = post.content;
    let text: String = text.nfc().collect();
    let first = |role| {
        let media = post.content.media_of(role).next();
        media.ok_or_else(|| Error::internal(format!("the post has no {role:?}")))
    };
    let mut body = match format {
        PostFormat::Text => json!({ "type": "text" }),
        PostFormat::Photo => {
            json!({ "type": "picture", "media": address(cx, post, first(MediaRole::Photo)?).await? })
        }
        PostFormat::Video => {
            let video = first(MediaRole::Video)?;
            json!({
                "type": "video",
                "media": address(cx, post, video).await?,
                "size": video.bytes,
                "duration": video.duration_ms.div_ceil(1000),
            })
        }
        other => return Err(Error::unsupported(&format!("the format {other:?}"))),
    };
    if let Some(thumbnail) = post.content.media_of(MediaRole::Thumbnail).next() {
        body["thumbnail"] = address(cx, post, thumbnail).await?.into();
    }
    body["from"] = from.as_str().into();
    body["text"] = text.into();
    match body {
        Value::Object(body) => Ok(body),
        _ => Err(Error::internal("a message is an object")),
    }
}

/// A public address whose path ends as the platform demands.
async fn address(cx: &Cx<'_>, post: Outgoing<'_>, media: &Media) -> Result<String> {
    let url = cx.media.url(post.delivery, media).await?;
    let path = url.path().to_ascii_lowercase();
    let endings: &[&str] = match media.mime.as_str() {
        "image/jpeg" => &[".jpg", ".jpeg"],
        "video/mp4" => &[".mp4"],
        _ => &[],
    };
    if endings.iter().any(|ending| path.ends_with(ending)) {
        return Ok(url.into());
    }
    Err(Error::internal(format!(
        "the address of a {} must end in {}",
        media.mime,
        endings.join(" or ")
    )))
}

fn again(step: &str, data: Value) -> Progress {
    Progress::Again { ticket: Ticket { step: step.to_owned(), data }, wait: Duration::ZERO }
}
