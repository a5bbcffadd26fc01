//! The rate headers of an answer: calls allowed in a minute of the app, and calls left of it.

use jiff::Timestamp;
use loa_channel::{Scope, Usage};
use loa_net::Response;

use crate::classify::to_next_minute;

/// What the headers say; nothing when there are none or they cannot be read.
pub(crate) fn told(response: &Response, now: Timestamp) -> Option<Usage> {
    let number = |name: &str| response.header(name)?.trim().parse::<u64>().ok();
    let limit = number("x-ratelimit-limit").filter(|limit| *limit > 0)?;
    let left = number("x-ratelimit-remain")?.min(limit);
    let percent = u8::try_from((limit - left) * 100 / limit).ok()?;
    Some(Usage::Level { scope: Scope::App, percent, lasts: to_next_minute(now) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_share_of_the_minute_is_told_until_it_is_over() {
        let now = "2026-11-22T02:00:18Z".parse().unwrap();
        let say = |limit: &str, left: &str| {
            let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            let answer = Response {
                status: 200,
                headers: vec![
                    header("x-ratelimit-limit", limit),
                    header("x-ratelimit-remain", left),
                ],
                body: bytes::Bytes::new(),
                url: "http://127.0.0.1/".parse().unwrap(),
            };
            told(&answer, now)
        };
        let level = |percent| {
            let lasts = Duration::from_secs(42);
            Some(Usage::Level { scope: Scope::App, percent, lasts })
        };
        assert_eq!(say("4000", "1000"), level(75));
        assert_eq!(say("4000", "0"), level(100));
        assert_eq!(say("4000", "9000"), level(0));
        for (limit, left) in [("", "1"), ("0", "0"), ("4000", ""), ("x", "y"), ("4000", "-1")] {
            assert_eq!(say(limit, left), None, "{limit:?} {left:?}");
        }
    }
}
