//! Clocks that can be moved: one shared by processes through a file, one moved by hand.

mod manual;
mod shared;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::error::Result;

pub use manual::ManualClock;
pub use shared::VirtualClock;

/// A clock that can be moved forward.
pub trait Advance: Send + Sync {
    /// Moves the clock on by `by`, never back.
    ///
    /// # Errors
    /// When the new time cannot be kept.
    fn advance(&self, by: Duration) -> Result<()>;
}

/// `at` moved on by `by`; the end of time is the end.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}
