//! The chain: hidden article → its id → shown → seen. Nothing the audience sees happens before the id is known. Of a video
//! article, the video is sent and converted first.

use std::time::Duration;

use jiff::Timestamp;
use loa_channel::{Cx, Error, ErrorKind, Outgoing, Progress, Result, RetryAdvice, Scope, To};
use loa_model::{BodyBlock, Digest, MediaRole, Receipt, Ticket, delivery::Effect};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    api::Api,
    classify::{self, Call, Outcome},
    read_back::{self, Wanted},
    video::{self, Sent},
    wire::{Accepted, Article, Block, Cover, Detail, Kind, Status},
};

/// Times the platform may fail to take the files before a person must look.
const MAX_FAILED_FETCHES: u32 = 2;
/// The platform throttles its fetcher for a while after failures.
const AFTER_FAILED_FETCH: Duration = Duration::from_mins(10);
/// Looks at a shown article that still reads as hidden before it is shown again.
const LOOKS_BEFORE_SHOWING_AGAIN: u32 = 5;
/// A create this long after the first intent may be a repetition whose article the list does not show yet: a retry comes
/// after one second at the soonest, a first try at once.
const MAY_BE_REPEATED_S: i64 = 1;

/// Where the chain stands: the data of the ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// Send the video of a video article.
    Upload { uploads: u32 },
    /// Ask whether it is converted.
    VerifyVideo {
        #[serde(flatten)]
        sent: Sent,
        polls: u32,
    },
    /// Look for an orphan of our own, else create a hidden article.
    Create {
        #[serde(default)]
        failed: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
        /// When this step was reached first; with the chain when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reached: Option<Timestamp>,
    },
    /// Ask for the id of the created article.
    VerifyCreate {
        token: String,
        polls: u32,
        failed: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reached: Option<Timestamp>,
    },
    /// Show the article.
    Show {
        id: String,
        failed: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
    },
    /// Ask whether it was shown.
    VerifyShow {
        id: String,
        token: String,
        polls: u32,
        failed: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
    },
    /// See it shown.
    Confirm {
        id: String,
        polls: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        video: Option<String>,
    },
}

impl Step {
    /// The step a ticket stands at; the first one of this kind of article without a ticket.
    pub(crate) fn of(at: Option<&Ticket>, kind: Kind) -> Result<Self> {
        let first = match kind {
            Kind::Normal => Self::Create { failed: 0, video: None, reached: None },
            Kind::Video => Self::Upload { uploads: 0 },
        };
        at.map_or(Ok(first), |ticket| {
            serde_json::from_value(ticket.data.clone())
                .map_err(|e| Error::internal(format!("not a ticket of this channel: {e}")))
        })
    }

    pub(crate) fn effect(&self) -> Effect {
        match self {
            Self::Upload { .. } | Self::Create { .. } => Effect::Hidden,
            Self::Show { .. } => Effect::Idempotent,
            Self::VerifyVideo { .. }
            | Self::VerifyCreate { .. }
            | Self::VerifyShow { .. }
            | Self::Confirm { .. } => Effect::Read,
        }
    }

    /// The article's id, once known.
    pub(crate) fn into_id(self) -> Option<String> {
        match self {
            Self::Upload { .. }
            | Self::VerifyVideo { .. }
            | Self::Create { .. }
            | Self::VerifyCreate { .. } => None,
            Self::Show { id, .. } | Self::VerifyShow { id, .. } | Self::Confirm { id, .. } => {
                Some(id)
            }
        }
    }

    pub(crate) fn after(self, wait: Duration) -> Progress {
        let data = serde_json::to_value(self).expect("a step is plain data");
        let step = data.get("step").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
        Progress::Again { ticket: Ticket { step, data }, wait }
    }

    pub(crate) fn next(self) -> Progress {
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
        Step::Upload { uploads } => video::upload(api, cx, to, post, uploads).await,
        Step::VerifyVideo { sent, polls } => video::converted(api, cx, to, sent, polls).await,
        Step::Create { failed, video, reached } => {
            create(api, cx, to, post, (failed, video, reached)).await
        }
        Step::VerifyCreate { token, polls, failed, video, reached } => {
            Ok(match verify(api, cx, to, &token).await? {
                Outcome::Done(id) => Step::Show { id, failed: 0, video }.next(),
                Outcome::Pending => {
                    let polls = polls + 1;
                    Step::VerifyCreate { token, polls, failed, video, reached }
                        .after(poll_wait(polls))
                }
                Outcome::Failed(said) => {
                    let failed = one_more(failed, &said)?;
                    Step::Create { failed, video, reached: None }.after(AFTER_FAILED_FETCH)
                }
                // It may be there and not be listed yet: the wait counts from when it was created.
                Outcome::Forgotten => Step::Create { failed, video, reached }.next(),
            })
        }
        Step::Show { id, failed, video } => {
            let article = payload(cx, post, Status::Show, Some(&id), video.as_deref()).await?;
            let token = accepted(api, cx, to, "v2.0/article/update", &article).await?;
            Ok(Step::VerifyShow { id, token, polls: 0, failed, video }.after(poll_wait(0)))
        }
        Step::VerifyShow { id, token, polls, failed, video } => {
            Ok(match verify(api, cx, to, &token).await? {
                Outcome::Done(_) | Outcome::Forgotten => {
                    Step::Confirm { id, polls: 0, video }.next()
                }
                Outcome::Pending => {
                    let polls = polls + 1;
                    Step::VerifyShow { id, token, polls, failed, video }.after(poll_wait(polls))
                }
                Outcome::Failed(said) => {
                    let failed = one_more(failed, &said)?;
                    Step::Show { id, failed, video }.after(AFTER_FAILED_FETCH)
                }
            })
        }
        Step::Confirm { id, polls, video } => confirm(api, cx, to, id, polls, video).await,
    }
}

async fn create(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    post: Outgoing<'_>,
    (failed, video, reached): (u32, Option<String>, Option<Timestamp>),
) -> Result<Progress> {
    let entered = cx.clock.now();
    let since = post.since.min(entered);
    let kind = Kind::of(post.content.format);
    let wanted = Wanted { marker: post.marker, title: &post.content.title, since, kind };
    let own = read_back::find_own(api, cx, to, wanted).await?;
    if let Some((keep, rest)) = keep_and_rest(&own) {
        let Some(spare) = rest.iter().find(|spare| !spare.is_shown()) else {
            return Ok(Step::Show { id: keep.id.clone(), failed: 0, video }.next());
        };
        tracing::warn!(account = %to.account.name, article = spare.id, "removing a spare hidden article");
        api.effect(cx, to, "v2.0/article/remove", &json!({"id": spare.id})).await?;
        return Ok(Step::Create { failed, video, reached }.next());
    }
    let begun = reached.map_or(since, |reached| reached.min(entered));
    let elapsed = entered.duration_since(begun).as_secs();
    let lag = i64::from(api.config.listing_lag_s);
    if elapsed >= MAY_BE_REPEATED_S && elapsed < lag {
        let wait = Duration::from_secs(u64::try_from(lag - elapsed).unwrap_or(0));
        return Ok(Step::Create { failed, video, reached }.after(wait));
    }
    if api.config.refuse_same_title
        && let Some(other) = read_back::find_same_title(api, cx, to, post.content).await?
    {
        let message =
            format!("another article with this title is on the account already: {}", other.id);
        let error = Error::new(ErrorKind::Content, RetryAdvice::Never, message);
        return Err(error.code("same_title"));
    }
    let article = payload(cx, post, Status::Hide, None, video.as_deref()).await?;
    let token = accepted(api, cx, to, "v2.0/article/create", &article).await?;
    Ok(Step::VerifyCreate { token, polls: 0, failed, video, reached }.after(poll_wait(0)))
}

/// Of several articles with our marker: a shown one, else the oldest, and the others.
fn keep_and_rest(own: &[Detail]) -> Option<(&Detail, Vec<&Detail>)> {
    let keep = own.iter().find(|found| found.is_shown()).or(own.first())?;
    Some((keep, own.iter().filter(|found| found.id != keep.id).collect()))
}

async fn confirm(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    id: String,
    polls: u32,
    video: Option<String>,
) -> Result<Progress> {
    let Some(mut found) = read_back::detail(api, cx, to, &id).await? else {
        return Err(gone(&id, "before it was shown"));
    };
    if found.is_shown() {
        // What was sent is known better than what is told of it.
        found.video_id = video.unwrap_or(found.video_id);
        return Ok(Progress::Live(read_back::receipt(api, cx, to, &found)));
    }
    let polls = polls + 1;
    Ok(if polls >= LOOKS_BEFORE_SHOWING_AGAIN {
        Step::Show { id, failed: 0, video }.after(poll_wait(polls))
    } else {
        Step::Confirm { id, polls, video }.after(poll_wait(polls))
    })
}

fn gone(id: &str, when: &str) -> Error {
    let message = format!("article {id} is gone {when}");
    Error::new(ErrorKind::Content, RetryAdvice::Never, message)
}

/// Changes a shown article. The platform works it off later: until it has, the answer is "later", and the same change asked
/// for again is not sent again but asked about. The video of a video article stays the one that is there.
pub(crate) async fn amend(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    receipt: &Receipt,
    post: Outgoing<'_>,
) -> Result<()> {
    let id = receipt.remote_id.as_str();
    let video = video_of(api, cx, to, receipt, post).await?;
    let article = payload(cx, post, Status::Show, Some(id), video.as_deref()).await?;
    let sent = serde_json::to_vec(&article).map_err(|e| Error::internal(e.to_string()))?;
    let digest = Digest::of(&sent);
    let token = if let Some(token) = api.change_under_way(to, id, digest) {
        token
    } else {
        let token = accepted(api, cx, to, "v2.0/article/update", &article).await?;
        api.note_change(to, id, Some((digest, token.clone())));
        token
    };
    let outcome = verify(api, cx, to, &token).await?;
    let at_work = |what: &str| {
        let again = RetryAdvice::Later { wait: poll_wait(0), scope: Scope::Post };
        Err(Error::new(ErrorKind::Unavailable, again, what))
    };
    if outcome == Outcome::Pending {
        return at_work("the platform still works on the change");
    }
    api.note_change(to, id, None);
    match outcome {
        Outcome::Failed(said) => Err(Error::new(ErrorKind::Media, RetryAdvice::Never, said)),
        // What became of it is not told any more; the change is harmless to repeat.
        Outcome::Forgotten => at_work("the platform has forgotten the change, it is sent again"),
        Outcome::Done(_) | Outcome::Pending => Ok(()),
    }
}

/// Id of the video that a live video article shows: the receipt has it, an older one's article tells it.
async fn video_of(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    receipt: &Receipt,
    post: Outgoing<'_>,
) -> Result<Option<String>> {
    if Kind::of(post.content.format) == Kind::Normal {
        return Ok(None);
    }
    let told = receipt.raw.get("video_id").and_then(|id| id.as_str()).unwrap_or_default();
    if !told.is_empty() {
        return Ok(Some(told.to_owned()));
    }
    let id = &receipt.remote_id;
    let found = read_back::detail(api, cx, to, id).await?;
    let found = found.ok_or_else(|| gone(id, "and cannot be changed"))?;
    let known = Some(found.video_id).filter(|id| !id.is_empty());
    known.map(Some).ok_or_else(|| classify::unreadable(Call::Read, "video_id"))
}

/// Removes an article; one that is gone already is success.
pub(crate) async fn retract(api: &Api, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> Result<()> {
    let id = &receipt.remote_id;
    match api.effect(cx, to, "v2.0/article/remove", &json!({"id": id})).await {
        Err(error) if classify::is_no_such_article(&error) => {
            read_back::detail(api, cx, to, id).await?.map_or(Ok(()), |_| Err(error))
        }
        outcome => outcome.map(drop),
    }
}

async fn accepted(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    path: &str,
    article: &Value,
) -> Result<String> {
    let data = api.effect(cx, to, path, article).await?;
    Accepted::token(data).ok_or_else(|| classify::unreadable(Call::Effect, "token"))
}

async fn verify(api: &Api, cx: &Cx<'_>, to: To<'_>, token: &str) -> Result<Outcome> {
    let answer = api.ask(cx, to, "v2.0/article/verify", &json!({"token": token})).await?;
    classify::verified(cx.clock.now(), answer.status, &answer.body)
        .map_err(|error| api.noted(error, to))
}

/// What is sent of either kind, the same for the same content, delivery and video.
async fn payload(
    cx: &Cx<'_>,
    post: Outgoing<'_>,
    status: Status,
    id: Option<&str>,
    video: Option<&str>,
) -> Result<Value> {
    let sent = match Kind::of(post.content.format) {
        Kind::Normal => serde_json::to_value(article(cx, post, status, id).await?),
        Kind::Video => serde_json::to_value(video::article(cx, post, status, id, video).await?),
    };
    sent.map_err(|e| Error::internal(e.to_string()))
}

async fn article(
    cx: &Cx<'_>,
    post: Outgoing<'_>,
    status: Status,
    id: Option<&str>,
) -> Result<Article> {
    let content = post.content;
    let media_error = |message: &str| Error::new(ErrorKind::Media, RetryAdvice::Never, message);
    let cover = content
        .media_of(MediaRole::Cover)
        .chain(content.media_of(MediaRole::Photo))
        .next()
        .ok_or_else(|| media_error("an article needs a cover"))?;
    let photo_url = cx.media.url(post.delivery, cover).await?.into();
    let mut body = Vec::new();
    for block in &content.body {
        body.push(match block {
            BodyBlock::Text { text } => Block::Text { content: escaped(text) },
            BodyBlock::Picture { media, caption } => {
                let picture = content
                    .media
                    .get(*media)
                    .ok_or_else(|| media_error("a picture of the body is not in the post"))?;
                let url = cx.media.url(post.delivery, picture).await?.into();
                Block::Image { url, caption: caption.clone() }
            }
        });
    }
    let linked = |block: &BodyBlock| matches!(block, BodyBlock::Text { text } if text.contains(&content.link.url));
    if !content.body.iter().any(linked) {
        let url = escaped(&content.link.url);
        body.push(Block::Text { content: format!("<a href=\"{url}\">{url}</a>") });
    }
    Ok(Article {
        id: id.map(str::to_owned),
        kind: Kind::Normal,
        title: content.title.clone(),
        author: content.author.clone(),
        cover: Cover { kind: "photo", photo_url, status: Status::Show },
        description: content.text.clone(),
        body,
        tracking_link: content.link.url.clone(),
        status,
        comment: Status::Show,
    })
}

/// A paragraph is simple HTML there, so our words are escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn one_more(failed: u32, said: &str) -> Result<u32> {
    if failed < MAX_FAILED_FETCHES {
        return Ok(failed + 1);
    }
    let message = format!("the platform could not take the files of the article: {said}");
    Err(Error::new(ErrorKind::Media, RetryAdvice::Never, message).code("-200"))
}

/// Every 3 s for the first 24 s, then slower: long articles take minutes.
fn poll_wait(polls: u32) -> Duration {
    Duration::from_secs(match polls {
        0..8 => 3,
        8..16 => 30,
        _ => 120,
    })
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
