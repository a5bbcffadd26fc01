//! Usage headers: they rise with the calls of the last hour and refuse at the top.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Calls one Page may make in an hour of the stand-in's clock.
const PER_HOUR: usize = 4_800;
/// Headers appear only after some calls.
const QUIET: usize = 10;

/// Calls of the last hour, by Page. Not kept over a restart.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    calls: Mutex<BTreeMap<String, VecDeque<Timestamp>>>,
}

/// What the headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) percent: u64,
    pub(crate) shown: bool,
}

impl Usage {
    /// Counts `calls` calls for a Page.
    pub(crate) fn count(&self, page: &str, calls: usize, now: Timestamp) -> Level {
        let mut all = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = all.entry(page.to_owned()).or_default();
        while mine
            .front()
            .is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_hours(1))
        {
            mine.pop_front();
        }
        mine.extend(std::iter::repeat_n(now, calls));
        let percent = (mine.len() * 100 / PER_HOUR) as u64;
        Level { percent, shown: mine.len() >= QUIET }
    }
}

/// Puts the headers on an answer. `wait_min` is minutes.
pub(crate) fn put_headers(headers: &mut HeaderMap, page: &str, percent: u64, wait_min: u64) {
    let app =
        json!({ "call_count": percent, "total_time": percent / 2, "total_cputime": percent / 3 });
    let page = json!({ page: [{
        "type": "pages", "call_count": percent, "total_cputime": percent / 3,
        "total_time": percent / 2, "estimated_time_to_regain_access": wait_min,
    }] });
    for (name, value) in [("x-app-usage", app), ("x-business-use-case-usage", page)] {
        let value = HeaderValue::from_str(&value.to_string()).expect("JSON of digits is ASCII");
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_rises_to_the_top_and_falls_after_an_hour() {
        let usage = Usage::default();
        let now: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
        assert!(!usage.count("1", 1, now).shown);
        assert_eq!(usage.count("1", 2_399, now), Level { percent: 50, shown: true });
        assert_eq!(usage.count("1", 2_400, now).percent, 100);
        assert!(!usage.count("2", 1, now).shown);
        let later = now.checked_add(SignedDuration::from_hours(1)).unwrap();
        assert_eq!(usage.count("1", 1, later), Level { percent: 0, shown: false });
    }
}
