//! Sign-ins that failed, so that nobody guesses for long.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// Failed sign-ins by address and login: ten in ten minutes, then wait.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<String, Vec<Timestamp>>>);

impl Attempts {
    pub(crate) fn failed(&self, key: &str, now: Timestamp) {
        self.recent(key, now, true);
    }

    pub(crate) fn allowed(&self, key: &str, now: Timestamp) -> bool {
        self.recent(key, now, false) < 10
    }

    fn recent(&self, key: &str, now: Timestamp, add: bool) -> usize {
        let since = now - SignedDuration::from_mins(10);
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, times| {
            times.retain(|at| *at > since);
            !times.is_empty()
        });
        if add {
            map.entry(key.to_owned()).or_default().push(now);
        }
        map.get(key).map_or(0, Vec::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_are_enough() {
        let attempts = Attempts::default();
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for _ in 0..10 {
            assert!(attempts.allowed("x", now));
            attempts.failed("x", now);
        }
        assert!(!attempts.allowed("x", now));
        assert!(attempts.allowed("y", now));
        assert!(attempts.allowed("x", now + SignedDuration::from_mins(11)));
    }
}
