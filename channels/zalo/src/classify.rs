//! Status and body of an answer, or the lack of one, to an error: the only place that decides it.
//!
//! A refusal is believed when it stands in the platform's envelope below HTTP 500. Everything else about a call that may
//! have changed something is unknown, and unknown is never sent again blindly.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, civil::time, tz::TimeZone};
use loa_channel::{Error, ErrorKind as Kind, Result, RetryAdvice as Advice, Scope};
use loa_net::Sent;
use serde_json::Value;

use crate::wire::{Envelope, Tokens, Verified, VideoState};

/// What a call does, should its outcome be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Nothing: it may be repeated.
    Read,
    /// It may have left a file that nothing shows: it may be repeated too.
    Upload,
    /// It may have changed something.
    Effect,
}

/// What became of an accepted create or update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done: the article's id.
    Done(String),
    /// Still being processed.
    Pending,
    /// Refused: nothing came of it. Holds the platform's words.
    Failed(String),
    /// The token is not known any more: look for the article itself.
    Forgotten,
}

/// What became of an uploaded video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Ready: the video's id.
    Ready(String),
    /// Still being converted.
    Converting,
    /// The token is not known any more: send the video again.
    Forgotten,
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const LONGEST_MESSAGE: usize = 300;

/// The `data` of a call that succeeded.
pub(crate) fn reply(call: Call, now: Timestamp, status: u16, body: &[u8]) -> Result<Value> {
    match envelope(status, body) {
        Some(envelope) if envelope.error == 0 && status < 300 => Ok(envelope.data),
        Some(envelope) if envelope.error != 0 && status < 500 => {
            Err(refusal(call, now, envelope.error, &envelope.message))
        }
        _ => Err(no_answer(call, status)),
    }
}

/// What verify says about a token.
pub(crate) fn verified(now: Timestamp, status: u16, body: &[u8]) -> Result<Outcome> {
    let Some(envelope) = envelope(status, body).filter(|_| status < 500) else {
        return Err(no_answer(Call::Read, status));
    };
    let words = envelope.message.to_lowercase();
    if words.contains("being processed") {
        return Ok(Outcome::Pending);
    }
    match envelope.error {
        0 => {
            let done: Verified = serde_json::from_value(envelope.data).unwrap_or_default();
            Ok(if done.id.is_empty() { Outcome::Pending } else { Outcome::Done(done.id) })
        }
        -214 => Ok(Outcome::Pending),
        -200 => Ok(Outcome::Failed(clean(&envelope.message))),
        -201 if words.contains("token") => Ok(Outcome::Forgotten),
        code => Err(refusal(Call::Read, now, code, &envelope.message)),
    }
}

/// What verify says about an uploaded video. One that failed, was locked or deleted is an error: sent again it would fare
/// no better.
pub(crate) fn converted(now: Timestamp, status: u16, body: &[u8]) -> Result<Conversion> {
    let Some(envelope) = envelope(status, body).filter(|_| status < 500) else {
        return Err(no_answer(Call::Read, status));
    };
    match envelope.error {
        0 => {}
        -214 => return Ok(Conversion::Converting),
        -201 if envelope.message.to_lowercase().contains("token") => {
            return Ok(Conversion::Forgotten);
        }
        code => return Err(refusal(Call::Read, now, code, &envelope.message)),
    }
    let video: VideoState = serde_json::from_value(envelope.data).unwrap_or_default();
    let (kind, what) = match video.status {
        None => return Err(unreadable(Call::Read, "state of the video")),
        Some(1) if !video.video_id.is_empty() => return Ok(Conversion::Ready(video.video_id)),
        Some(2) => (Kind::Content, "locked"),
        Some(4) => (Kind::Media, "could not convert"),
        Some(5) => (Kind::Content, "deleted"),
        // Unknown, converting, or ready and without its id yet.
        Some(_) => return Ok(Conversion::Converting),
    };
    let code = Some(video.convert_error_code).filter(|code| !matches!(code.as_str(), "" | "0"));
    let code = code.unwrap_or_else(|| format!("video_{}", video.status.unwrap_or_default()));
    let message = format!("the platform {what} the video: {}", clean(&video.status_message));
    Err(Error::new(kind, Advice::Never, message).code(code))
}

/// The new tokens. Any answer with an error means that a person must connect the account again: the refresh token is used
/// once, so there is no second try with it.
pub(crate) fn tokens(status: u16, body: &[u8]) -> Result<Tokens> {
    if let Ok(tokens) = serde_json::from_slice::<Tokens>(body)
        && status < 300
        && !tokens.access_token.is_empty()
        && !tokens.refresh_token.is_empty()
    {
        return Ok(tokens);
    }
    let refused = serde_json::from_slice::<Value>(body).ok().filter(|_| status < 500);
    let Some(code) = refused.as_ref().and_then(|answer| answer.get("error")) else {
        return Err(no_answer(Call::Read, status));
    };
    let said = ["error_description", "error_reason", "error_name", "message"]
        .iter()
        .find_map(|name| refused.as_ref()?.get(name)?.as_str())
        .unwrap_or("no reason given");
    let code = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
    let message = format!("the refresh token was refused: {}", clean(said));
    Err(Error::new(Kind::Auth, Advice::Reauthorize, message).code(code))
}

/// A request that brought no answer.
pub(crate) fn transport(call: Call, error: loa_net::Error) -> Error {
    let wait = Duration::from_secs(30);
    let later = Advice::Later { wait, scope: Scope::Post };
    let (kind, advice) = match (error.kind, error.sent, call) {
        (loa_net::ErrorKind::Gate, Sent::No, _) => (Kind::Gate, later),
        (loa_net::ErrorKind::Request | loa_net::ErrorKind::Forbidden, Sent::No, _) => {
            (Kind::Internal, Advice::Never)
        }
        (_, Sent::No, _) | (_, Sent::Maybe, Call::Read | Call::Upload) => {
            (Kind::Unavailable, later)
        }
        (_, Sent::Maybe, Call::Effect) => (Kind::Unavailable, Advice::Verify),
    };
    Error::new(kind, advice, error.message.clone()).caused_by(error)
}

/// An answer that lacks what it must hold.
pub(crate) fn unreadable(call: Call, what: &str) -> Error {
    Error::new(Kind::Protocol, unknown(call), format!("the answer holds no {what}"))
}

fn envelope(_status: u16, body: &[u8]) -> Option<Envelope> {
    serde_json::from_slice(body).ok()
}

fn no_answer(call: Call, status: u16) -> Error {
    if status == 429 {
        let advice = Advice::Later { wait: MINUTE, scope: Scope::Account };
        return Error::new(Kind::Throttled, advice, "too many requests").code("429");
    }
    let kind = if status >= 500 { Kind::Unavailable } else { Kind::Protocol };
    let message = format!("the platform answered HTTP {status} without its usual envelope");
    Error::new(kind, unknown(call), message).code(status.to_string())
}

fn unknown(call: Call) -> Advice {
    match call {
        Call::Read | Call::Upload => Advice::Later { wait: MINUTE, scope: Scope::Post },
        Call::Effect => Advice::Verify,
    }
}

fn refusal(call: Call, now: Timestamp, code: i64, said: &str) -> Error {
    let words = said.to_lowercase();
    let later = |wait, scope| Advice::Later { wait, scope };
    let (kind, advice) = match code {
        -32 => {
            let whole_app = words.contains("application");
            let scope = if whole_app { Scope::App } else { Scope::Account };
            (Kind::Throttled, later(to_next_minute(now), scope))
        }
        -200 => (Kind::Media, later(MINUTE * 10, Scope::Post)),
        -100 => (Kind::Media, Advice::Never),
        -201 if ["photo_url", "cover", "thumb", "avatar", "video"]
            .iter()
            .any(|field| words.contains(field)) =>
        {
            (Kind::Media, Advice::Never)
        }
        -201 | -210 | -248 => (Kind::Content, Advice::Never),
        -214 => (Kind::Unavailable, later(Duration::from_secs(5), Scope::Post)),
        -211 => (Kind::Quota, later(DAY, Scope::Account)),
        -223 if words.contains("quota") => (Kind::Quota, later(DAY, Scope::Account)),
        // A person must act on the account: grant, activate, pay or repair. Posts wait meanwhile.
        -216 | -220 | -204 | -205 | -209 | -212 | -219 | -223 | -242 => {
            (Kind::Auth, Advice::Reauthorize)
        }
        -14_999..=-14_000 => (Kind::Auth, Advice::Reauthorize),
        -221 | -224 | -235 | -233 | -240 => (Kind::Unsupported, Advice::Never),
        -213 | -217 | -218 | -227 | -230 | -232 | -244 => (Kind::Content, Advice::Never),
        -234 => (Kind::Throttled, later(to_morning(now), Scope::Account)),
        -320 | -321 => (Kind::Quota, Advice::Never),
        _ => (Kind::Protocol, unknown(call)),
    };
    Error::new(kind, advice, clean(said)).code(code.to_string())
}

/// Whether the platform refused the access token itself, so that a young one must be renewed too.
pub(crate) fn is_dead_token(error: &Error) -> bool {
    matches!(error.platform_code.as_str(), "-216" | "-220")
}

/// Whether the platform says that there is no such article.
pub(crate) fn is_no_such_article(error: &Error) -> bool {
    error.platform_code == "-201"
}

/// The windows of -32 are minutes.
pub(crate) fn to_next_minute(now: Timestamp) -> Duration {
    let into = now.as_second().rem_euclid(60);
    Duration::from_secs(u64::try_from(60 - into).unwrap_or(60))
}

/// The night ends at 06:00; that it is counted in Vietnam is assumed.
fn to_morning(now: Timestamp) -> Duration {
    let hour = Duration::from_hours(1);
    let Ok(zone) = TimeZone::get("Asia/Ho_Chi_Minh") else { return hour };
    let local = now.to_zoned(zone);
    let open = time(6, 0, 0, 0);
    let today =
        if local.time() < open { Ok(local.date()) } else { local.date().checked_add(1.day()) };
    let morning = today.and_then(|day| day.to_datetime(open).to_zoned(local.time_zone().clone()));
    morning.map_or(hour, |morning| {
        Duration::try_from(now.duration_until(morning.timestamp())).unwrap_or(hour)
    })
}

/// The platform's words without control characters, cut at a length people read.
fn clean(said: &str) -> String {
    let said = said.trim();
    if said.is_empty() {
        return "the platform gave no reason".to_owned();
    }
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
