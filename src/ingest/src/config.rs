//! What can be set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of reading. The settings of the binary name every key, with these defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Largest video of an article, in bytes. A larger one is left out with a warning.
    pub video_max_bytes: u64,
    /// Longest that fetching one video may take, in seconds.
    pub video_timeout_s: u64,
}

impl Config {
    pub(crate) fn video_timeout(&self) -> Duration {
        Duration::from_secs(self.video_timeout_s)
    }
}

impl Default for Config {
    /// 300 MiB, ten minutes.
    fn default() -> Self {
        Self { video_max_bytes: 300 * 1024 * 1024, video_timeout_s: 600 }
    }
}
