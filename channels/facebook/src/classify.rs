//! What an answer means: the only place where a code of the platform becomes advice.

use std::time::Duration;

use loa_channel::{Error, ErrorKind, Result, RetryAdvice, Scope};
use loa_model::{Secret, delivery::Effect};
use loa_net::{Response, Sent};
use serde_json::Value;

use crate::{
    usage,
    wire::{Failure, UploadFailure, read},
};

/// Wait when the platform names none.
const SOON: Duration = Duration::from_secs(30);

/// A fresh object may not be readable for some seconds.
const FRESH: Duration = Duration::from_secs(5);

/// A site that was just published may not be readable for the platform's crawler yet.
const CRAWL: Duration = Duration::from_mins(10);

/// Throttled without a number.
const THROTTLED: Duration = Duration::from_hours(1);

/// Blocked for posting too fast.
const BLOCKED: Duration = Duration::from_hours(24);

/// Code and subcode of "no such object".
pub(crate) const MISSING: &str = "100/33";

/// A failure of the transport.
pub(crate) fn transport(error: loa_net::Error, effect: Effect) -> Error {
    use loa_net::ErrorKind as Net;
    let (kind, advice) = match (error.sent, error.kind) {
        (Sent::Maybe, Net::TooLarge | Net::Redirect) => (ErrorKind::Protocol, unknown(effect)),
        (Sent::Maybe, _) => (ErrorKind::Unavailable, unknown(effect)),
        (Sent::No, Net::Gate) => (ErrorKind::Gate, later(Duration::ZERO, Scope::Post)),
        (Sent::No, Net::Forbidden) => (ErrorKind::Protocol, RetryAdvice::Never),
        (Sent::No, Net::Request) => (ErrorKind::Internal, RetryAdvice::Never),
        (Sent::No, _) => (ErrorKind::Unavailable, later(SOON, Scope::Account)),
    };
    Error::new(kind, advice, error.to_string()).caused_by(error)
}

/// The JSON of a successful answer.
///
/// # Errors
/// What the platform refused, or that its answer cannot be understood.
pub(crate) fn answer(response: &Response, effect: Effect, secret: &Secret) -> Result<Value> {
    let redact = |text: &str| loa_net::redact(text, secret.values());
    let status = response.status;
    let Some(json) = response.json() else {
        let message = format!("the platform answered {status} without JSON");
        let kind = if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::Protocol };
        return Err(Error::new(kind, unknown(effect), message).code(status.to_string()));
    };
    if let Some(failure) = json.get("error").and_then(read::<Failure>) {
        return Err(refused(&failure, response, effect, &redact));
    }
    if let Some(failure) = json.get("debug_info").and_then(read::<UploadFailure>)
        && !response.is_success()
    {
        return Err(upload_refused(&failure, effect, &redact));
    }
    if !response.is_success() || json.get("success") == Some(&Value::Bool(false)) {
        let message = format!("the platform answered {status} without a reason");
        let error = Error::new(ErrorKind::Protocol, unknown(effect), message);
        return Err(error.code(status.to_string()));
    }
    let secrets: Vec<_> = secret.values().collect();
    Ok(loa_net::redact_json(json, &secrets))
}

/// The outcome cannot be known: harmless steps may simply be repeated.
pub(crate) fn unknown(effect: Effect) -> RetryAdvice {
    match effect {
        Effect::Public => RetryAdvice::Verify,
        Effect::Read | Effect::Hidden | Effect::Idempotent => later(SOON, Scope::Post),
    }
}

pub(crate) fn later(wait: Duration, scope: Scope) -> RetryAdvice {
    RetryAdvice::Later { wait, scope }
}

/// Whether the error says that the object does not exist.
pub(crate) fn is_missing(error: &Error) -> bool {
    error.platform_code == MISSING || error.platform_code == "404"
}

/// Whether the error says that a metric name is not known.
pub(crate) fn is_bad_metric(error: &Error) -> bool {
    let named = error.platform_code == "100" || error.platform_code.starts_with("100/");
    error.platform_code == "3001/1504028"
        || (named && error.message.contains("valid insights metric"))
}

fn refused(
    failure: &Failure,
    response: &Response,
    effect: Effect,
    redact: &dyn Fn(&str) -> String,
) -> Error {
    let (code, subcode) = (failure.code, failure.error_subcode);
    let (kind, advice) = by_subcode(code, subcode, effect)
        .or_else(|| by_code(code, subcode, effect, response))
        .unwrap_or_else(|| {
            if failure.is_transient || response.status >= 500 {
                (ErrorKind::Unavailable, unknown(effect))
            } else {
                (ErrorKind::Content, RetryAdvice::Never)
            }
        });
    let mut message = redact(&failure.message);
    if !failure.error_user_msg.is_empty() {
        message = format!("{message}: {}", redact(&failure.error_user_msg));
    }
    let shown = if subcode == 0 { code.to_string() } else { format!("{code}/{subcode}") };
    Error::new(kind, advice, message).code(shown)
}

/// Subcodes say more than codes. Some of them also come as codes.
fn by_subcode(code: i64, subcode: i64, effect: Effect) -> Option<(ErrorKind, RetryAdvice)> {
    let number = if subcode == 0 { code } else { subcode };
    Some(match number {
        33 if code == 100 => match effect {
            // A fresh object may not be readable yet; a change of an absent one is refused.
            Effect::Read | Effect::Idempotent => {
                (ErrorKind::Unavailable, later(FRESH, Scope::Post))
            }
            Effect::Hidden | Effect::Public => (ErrorKind::Content, RetryAdvice::Never),
        },
        1_390_008 => (ErrorKind::Throttled, later(BLOCKED, Scope::Account)),
        4_854_002 | 1_404_112 => (ErrorKind::Auth, RetryAdvice::Reauthorize),
        // "Already posted" may be our own lost success.
        1_404_082 | 1_366_051 | 506 => (
            ErrorKind::Content,
            if effect == Effect::Public { RetryAdvice::Verify } else { RetryAdvice::Never },
        ),
        1_346_003 | 1_404_102 | 1_609_008 | 2_061_006 => (ErrorKind::Content, RetryAdvice::Never),
        1_609_005 => (ErrorKind::Content, later(CRAWL, Scope::Post)),
        1_366_046
        | 2_069_019
        | 324
        | 1_363_040
        | 1_363_127..=1_363_129
        | 352
        | 382
        | 389
        | 6000 => (ErrorKind::Media, RetryAdvice::Never),
        1_363_037 => (ErrorKind::Protocol, later(Duration::ZERO, Scope::Post)),
        1_363_047 | 1_609_010 => (ErrorKind::Unavailable, unknown(effect)),
        _ => return None,
    })
}

fn by_code(
    code: i64,
    subcode: i64,
    effect: Effect,
    response: &Response,
) -> Option<(ErrorKind, RetryAdvice)> {
    Some(match code {
        4 => (ErrorKind::Throttled, later(wait_of(response), Scope::App)),
        17 | 32 | 341 | 613 | 80001 => {
            (ErrorKind::Throttled, later(wait_of(response), Scope::Account))
        }
        // The identity check comes as a subcode of 368, the same number as one of 190.
        102 | 104 | 190 => (ErrorKind::Auth, RetryAdvice::Reauthorize),
        368 if subcode == 459 => (ErrorKind::Auth, RetryAdvice::Reauthorize),
        368 => (ErrorKind::Throttled, later(BLOCKED, Scope::Account)),
        3 | 10 | 200..=299 => (ErrorKind::Auth, RetryAdvice::Reauthorize),
        1 | 2 => (ErrorKind::Unavailable, unknown(effect)),
        6001 => (ErrorKind::Unavailable, later(SOON, Scope::Post)),
        _ => return None,
    })
}

fn upload_refused(
    failure: &UploadFailure,
    effect: Effect,
    redact: &dyn Fn(&str) -> String,
) -> Error {
    let (kind, advice) = match failure.kind.as_str() {
        // The next attempt reads the state first and goes on from there.
        "OffsetInvalidError" => (ErrorKind::Protocol, later(Duration::ZERO, Scope::Post)),
        "PartialRequestError" | "ProcessingFailedError" => {
            (ErrorKind::Unavailable, later(FRESH, Scope::Post))
        }
        "ParameterValidationError" => (ErrorKind::Media, RetryAdvice::Never),
        _ => (ErrorKind::Unavailable, unknown(effect)),
    };
    Error::new(kind, advice, redact(&failure.message)).code(failure.kind.clone())
}

/// The platform's own wait: `Retry-After` in seconds, or the longest of the usage header in minutes.
fn wait_of(response: &Response) -> Duration {
    if let Some(seconds) = response.header("retry-after").and_then(|text| text.parse().ok()) {
        return Duration::from_secs(seconds);
    }
    usage::regained_in(response).unwrap_or(THROTTLED)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
