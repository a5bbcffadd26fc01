//! What an answer means: the only place where a status of the platform becomes advice.

use std::time::Duration;

use loa_channel::{Error, ErrorKind, Result, RetryAdvice, Scope};
use loa_model::{Secret, delivery::Effect};
use loa_net::{Response, Sent};
use serde::Deserialize as _;
use serde_json::Value;

use crate::wire::Answer;

/// Status that asks for a webhook first.
pub(crate) const NO_WEBHOOK: &str = "10";

/// Wait of a transport failure.
const SOON: Duration = Duration::from_secs(30);

/// First wait after "too many requests": the platform names none.
const THROTTLED: Duration = Duration::from_secs(10);

/// Wait of a status nobody documented: not accepted, so it may be tried again.
const OTHER: Duration = Duration::from_mins(1);

/// Wait of an allowance used up (bots only): asked again every day.
const ALLOWANCE: Duration = Duration::from_hours(24);

/// A failure of the transport.
pub(crate) fn transport(error: loa_net::Error, effect: Effect) -> Error {
    use loa_net::ErrorKind as Net;
    let (kind, advice) = match (error.sent, error.kind) {
        (Sent::Maybe, Net::TooLarge | Net::Redirect) => (ErrorKind::Protocol, unknown(effect)),
        (Sent::Maybe, _) => (ErrorKind::Unavailable, unknown(effect)),
        (Sent::No, Net::Gate) => (ErrorKind::Gate, later(Duration::ZERO, Scope::Post)),
        (Sent::No, Net::Forbidden | Net::Request) => (ErrorKind::Internal, RetryAdvice::Never),
        (Sent::No, _) => (ErrorKind::Unavailable, later(SOON, Scope::Account)),
    };
    Error::new(kind, advice, error.to_string()).caused_by(error)
}

/// The JSON of an accepted request. Only a whole answer with HTTP 200 and a status is a refusal; a gateway's own JSON is not.
///
/// # Errors
/// What the platform refused, or that nobody knows what it did.
pub(crate) fn answer(response: &Response, effect: Effect, secret: &Secret) -> Result<Value> {
    let json = response.json().filter(|_| response.status == 200);
    let status = json.as_ref().and_then(|json| Answer::deserialize(json).ok());
    let (Some(json), Some(status)) = (json, status) else {
        let message = format!("the platform answered {} without a status", response.status);
        let kind =
            if response.status == 200 { ErrorKind::Protocol } else { ErrorKind::Unavailable };
        return Err(
            Error::new(kind, unknown(effect), message).code(format!("http {}", response.status))
        );
    };
    if status.status != 0 {
        let (kind, advice) = refused(status.status);
        let said = loa_net::redact(&status.status_message, secret.values());
        return Err(Error::new(kind, advice, said).code(status.status.to_string()));
    }
    let secrets: Vec<_> = secret.values().collect();
    Ok(loa_net::redact_json(json, &secrets))
}

/// The outcome cannot be known: only a post is not harmless to repeat.
pub(crate) fn unknown(effect: Effect) -> RetryAdvice {
    match effect {
        Effect::Public => RetryAdvice::Verify,
        Effect::Read | Effect::Hidden | Effect::Idempotent => later(SOON, Scope::Post),
    }
}

fn later(wait: Duration, scope: Scope) -> RetryAdvice {
    RetryAdvice::Later { wait, scope }
}

fn refused(status: i64) -> (ErrorKind, RetryAdvice) {
    match status {
        // The webhook's address did not answer: a person must set another.
        1 => (ErrorKind::Internal, RetryAdvice::Reauthorize),
        // The token, the account or its rights: everything of the account waits for a person.
        2 | 7 | 8 | 9 | 10 | 15 | 18 | 19 | 20 | 21 => (ErrorKind::Auth, RetryAdvice::Reauthorize),
        3 | 5 | 6 | 11 | 13 | 14 => (ErrorKind::Content, RetryAdvice::Never),
        4 | 16 | 17 | 22 => (ErrorKind::Internal, RetryAdvice::Never),
        12 => (ErrorKind::Throttled, later(THROTTLED, Scope::Account)),
        23 | 24 => (ErrorKind::Quota, later(ALLOWANCE, Scope::Account)),
        _ => (ErrorKind::Unavailable, later(OTHER, Scope::Post)),
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
