//! Status and body of an answer, or the lack of one, to an error: the only place that decides it.
//!
//! A refusal is believed when it stands in the platform's envelope below HTTP 500; its first `reason` decides. Everything
//! else about a call that may have changed something is unknown, and unknown is never sent again blindly.

use std::time::Duration;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use loa_channel::{Error, ErrorKind as Kind, Result, RetryAdvice as Advice, Scope};
use loa_net::{Response, Sent};
use serde_json::Value;

use crate::wire::{Tokens, Video};

/// What a call does, should its outcome be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Nothing: it may be repeated.
    Read,
    /// It may have changed something.
    Effect,
}

/// What an upload session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Session {
    /// It holds this many bytes and wants the next one.
    Holds(u64),
    /// The upload is complete: the video's id.
    Complete(String),
    /// It is not known any more.
    Expired,
}

/// The parts of an answer that decide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<&'a str>,
    pub(crate) range: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl<'a> From<&'a Response> for Answer<'a> {
    fn from(response: &'a Response) -> Self {
        Self {
            status: response.status,
            retry_after: response.header("retry-after"),
            range: response.header("range"),
            body: &response.body,
        }
    }
}

const DAY: Duration = Duration::from_hours(24);
const TOO_FAST: Duration = Duration::from_secs(30);
const LONGEST_MESSAGE: usize = 300;

/// The JSON of a call that succeeded; null when it has none.
pub(crate) fn reply(call: Call, now: Timestamp, answer: Answer<'_>) -> Result<Value> {
    if !(200..300).contains(&answer.status) {
        return Err(refusal(call, now, answer));
    }
    if answer.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(answer.body).map_err(|_| unreadable(call, "JSON"))
}

/// Where an upload stands after a chunk or a question.
pub(crate) fn session(call: Call, now: Timestamp, answer: Answer<'_>) -> Result<Session> {
    match answer.status {
        308 => held(answer.range).map(Session::Holds).ok_or_else(|| unreadable(call, "range")),
        200 | 201 => serde_json::from_slice::<Video>(answer.body)
            .ok()
            .filter(|video| !video.id.is_empty())
            .map(|video| Session::Complete(video.id))
            .ok_or_else(|| unreadable(call, "video id")),
        404 | 410 => Ok(Session::Expired),
        _ => Err(refusal(call, now, answer)),
    }
}

/// Bytes held, from `bytes=0-999`; no header means none.
fn held(range: Option<&str>) -> Option<u64> {
    let Some(range) = range else { return Some(0) };
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    (first == "0").then(|| last.parse::<u64>().ok()?.checked_add(1)).flatten()
}

/// The new access token.
pub(crate) fn tokens(answer: Answer<'_>) -> Result<Tokens> {
    if let Ok(tokens) = serde_json::from_slice::<Tokens>(answer.body)
        && answer.status < 300
        && !tokens.access_token.is_empty()
    {
        return Ok(tokens);
    }
    let said = serde_json::from_slice::<Value>(answer.body).unwrap_or_default();
    let code = said.get("error").and_then(Value::as_str).unwrap_or_default();
    let dead = ["invalid_grant", "invalid_client", "unauthorized_client", "deleted_client"];
    if answer.status < 500 && dead.contains(&code) {
        let why =
            said.get("error_description").and_then(Value::as_str).unwrap_or("no reason given");
        let message = format!("the refresh token was refused: {}", clean(why));
        return Err(Error::new(Kind::Auth, Advice::Reauthorize, message).code(code));
    }
    let message = format!("the token address answered HTTP {}", answer.status);
    let code = if code.is_empty() { answer.status.to_string() } else { code.to_owned() };
    Err(Error::new(Kind::Unavailable, later(wait_of(answer), Scope::Account), message).code(code))
}

/// A request that brought no answer.
pub(crate) fn transport(call: Call, error: loa_net::Error) -> Error {
    let again = later(TOO_FAST, Scope::Post);
    let (kind, advice) = match (error.kind, error.sent, call) {
        (loa_net::ErrorKind::Gate, Sent::No, _) => (Kind::Gate, again),
        (loa_net::ErrorKind::Request | loa_net::ErrorKind::Forbidden, Sent::No, _) => {
            (Kind::Internal, Advice::Never)
        }
        (_, Sent::No, _) | (_, Sent::Maybe, Call::Read) => (Kind::Unavailable, again),
        (_, Sent::Maybe, Call::Effect) => (Kind::Unavailable, Advice::Verify),
    };
    Error::new(kind, advice, error.message.clone()).caused_by(error)
}

/// An answer that lacks what it must hold.
pub(crate) fn unreadable(call: Call, what: &str) -> Error {
    Error::new(Kind::Protocol, unknown(call, TOO_FAST), format!("the answer holds no {what}"))
}

/// A video the platform could not take: its own reason says why.
pub(crate) fn processing(kind: Kind, what: &str, reason: &str) -> Error {
    let reason = if reason.is_empty() { "unknown" } else { reason };
    let message = format!("the platform {what} the video: {}", clean(reason));
    Error::new(kind, Advice::Never, message).code(reason)
}

/// Whether the platform refused the access token itself.
pub(crate) fn is_dead_token(error: &Error) -> bool {
    matches!(error.platform_code.as_str(), "authError" | "UNAUTHENTICATED" | "401")
}

/// Whether the platform says that there is no such thing.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error.platform_code.as_str(), "videoNotFound" | "notFound" | "NOT_FOUND" | "404")
}

/// Whether a channel without uploads has no list of them.
pub(crate) fn is_no_playlist(error: &Error) -> bool {
    error.platform_code == "playlistNotFound" || is_gone(error)
}

/// Whether captions of this language and name are there already.
pub(crate) fn is_caption_there(error: &Error) -> bool {
    error.platform_code == "captionExists"
}

/// Whether a thumbnail was refused for a reason that should not keep the video from its audience.
pub(crate) fn is_thumbnail_optional(error: &Error) -> bool {
    matches!(error.platform_code.as_str(), "uploadRateLimitExceeded" | "forbidden")
}

fn refusal(call: Call, now: Timestamp, answer: Answer<'_>) -> Error {
    let (reason, said) = reason_of(answer.body);
    let code = if reason.is_empty() { answer.status.to_string() } else { reason.clone() };
    let no_words = format!("the platform answered HTTP {}", answer.status);
    let message = if said.is_empty() { no_words } else { clean(&said) };
    if answer.status >= 500 {
        let advice = unknown(call, wait_of(answer));
        return Error::new(Kind::Unavailable, advice, message).code(code);
    }
    let (kind, advice) = match (answer.status, reason.as_str()) {
        (_, "quotaExceeded" | "dailyLimitExceeded") => {
            (Kind::Quota, later(to_pacific_midnight(now), Scope::App))
        }
        (_, "uploadLimitExceeded") => (Kind::Quota, later(DAY, Scope::Account)),
        (_, "uploadRateLimitExceeded") => (Kind::Throttled, later(DAY, Scope::Post)),
        (_, "rateLimitExceeded") => (Kind::Throttled, later(wait_of(answer), Scope::App)),
        (_, "userRateLimitExceeded") | (429, _) => {
            (Kind::Throttled, later(wait_of(answer), Scope::Account))
        }
        (401, _)
        | (
            _,
            "authenticatedUserNotChannel"
            | "authenticatedUserAccountClosed"
            | "authenticatedUserAccountSuspended"
            | "channelClosed"
            | "channelSuspended"
            | "insufficientPermissions"
            | "accessNotConfigured",
        ) => (Kind::Auth, Advice::Reauthorize),
        (_, "mediaBodyRequired" | "invalidImage") => (Kind::Media, Advice::Never),
        (_, reason) if is_content(reason) => (Kind::Content, Advice::Never),
        // A refusal in the platform's own words, though one we do not know: nothing was done.
        (400..=499, reason) if !reason.is_empty() => (Kind::Protocol, Advice::Never),
        (404, _) => (Kind::Content, Advice::Never),
        _ => (Kind::Protocol, unknown(call, TOO_FAST)),
    };
    Error::new(kind, advice, message).code(code)
}

fn is_content(reason: &str) -> bool {
    reason.starts_with("invalid")
        || reason.starts_with("forbidden")
        || matches!(
            reason,
            "defaultLanguageNotSet" | "videoNotFound" | "captionExists" | "notFound"
        )
}

/// The first reason and the words of an error, in any of the envelopes in use.
fn reason_of(body: &[u8]) -> (String, String) {
    let Ok(Value::Object(answer)) = serde_json::from_slice::<Value>(body) else {
        return Default::default();
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    match answer.get("error") {
        Some(Value::String(code)) => (code.clone(), text(answer.get("error_description"))),
        Some(error @ Value::Object(_)) => {
            let reason = [
                error.pointer("/errors/0/reason"),
                error.pointer("/details/0/reason"),
                error.get("status"),
            ]
            .into_iter()
            .map(text)
            .find(|reason| !reason.is_empty())
            .unwrap_or_default();
            (reason, text(error.get("message")))
        }
        _ => Default::default(),
    }
}

fn later(wait: Duration, scope: Scope) -> Advice {
    Advice::Later { wait, scope }
}

fn unknown(call: Call, wait: Duration) -> Advice {
    match call {
        Call::Read => later(wait, Scope::Post),
        Call::Effect => Advice::Verify,
    }
}

/// The platform's own wait in seconds, capped at a day, or ours.
fn wait_of(answer: Answer<'_>) -> Duration {
    let seconds = answer.retry_after.and_then(|text| text.trim().parse().ok());
    seconds.map_or(TOO_FAST, |seconds| Duration::from_secs(seconds).min(DAY))
}

/// Quotas start again at midnight Pacific.
fn to_pacific_midnight(now: Timestamp) -> Duration {
    let Ok(zone) = TimeZone::get("America/Los_Angeles") else { return DAY };
    let tomorrow =
        now.to_zoned(zone).checked_add(1.day()).and_then(|tomorrow| tomorrow.start_of_day());
    tomorrow.map_or(DAY, |midnight| {
        Duration::try_from(now.duration_until(midnight.timestamp())).unwrap_or(DAY)
    })
}

/// The platform's words without markup or control characters, cut at a length people read.
fn clean(said: &str) -> String {
    let mut plain = String::new();
    let mut inside = false;
    for c in said.trim().chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if inside => {}
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain.chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
