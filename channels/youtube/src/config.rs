//! Settings of the channel: hosts and the few rules an installation may change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

/// Chunks of a resumable upload are multiples of this many bytes.
const CHUNK_UNIT: u64 = 262_144;

/// Settings of the YouTube channel. Every key may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Root of the JSON methods; `youtube/v3/…` is joined to it.
    pub api_base: Url,
    /// Root of the media methods; `upload/youtube/v3/…` is joined to it. Upload sessions must live on the same host.
    pub upload_base: Url,
    /// Root of the token address; `token` is joined to it.
    pub oauth_base: Url,
    /// Where the audience watches; `shorts/…` or `watch?v=…` is joined to it.
    pub watch_base: Url,
    /// Category of new videos; 25 is News & Politics. The account setting `category_id` wins.
    pub category_id: String,
    /// Whether videos show realistic scenes or voices made by a machine. The account setting `contains_synthetic_media`
    /// (`true` or `false`) wins.
    pub contains_synthetic_media: bool,
    /// Whether subscribers are told of a new video.
    pub notify_subscribers: bool,
    /// Bytes sent per upload step, a multiple of 262144.
    pub chunk_bytes: u64,
    /// Seconds of life left at which the access token is renewed; it lives about an hour.
    pub refresh_before_s: u32,
    /// Longest of one chunk, thumbnail or caption upload, seconds.
    pub upload_timeout_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        let url = |text: &str| Url::parse(text).expect("the default addresses are valid");
        Self {
            api_base: url("https://www.googleapis.com"),
            upload_base: url("https://www.googleapis.com"),
            oauth_base: url("https://oauth2.googleapis.com"),
            watch_base: url("https://www.youtube.com"),
            category_id: "25".to_owned(),
            contains_synthetic_media: false,
            notify_subscribers: true,
            chunk_bytes: 32 * CHUNK_UNIT,
            refresh_before_s: 300,
            upload_timeout_s: 600,
        }
    }
}

impl Config {
    /// Every address the channel talks to: the composition root refuses a virtual clock when one is not loopback.
    pub fn bases(&self) -> [&Url; 3] {
        [&self.api_base, &self.upload_base, &self.oauth_base]
    }

    pub(crate) fn is_valid_chunk(&self) -> bool {
        self.chunk_bytes > 0 && self.chunk_bytes.is_multiple_of(CHUNK_UNIT)
    }

    pub(crate) fn upload_timeout(&self) -> Duration {
        Duration::from_secs(self.upload_timeout_s.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_the_default_and_unknown_keys_are_refused() {
        assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
        let one = toml::from_str::<Config>("upload_base = 'http://127.0.0.1:9/'").unwrap();
        assert_eq!(one.upload_base.as_str(), "http://127.0.0.1:9/");
        assert!(toml::from_str::<Config>("uploads_base = 'http://127.0.0.1:9/'").is_err());
    }

    #[test]
    fn a_chunk_is_a_multiple_of_256_kib() {
        assert_eq!(Config::default().chunk_bytes, 8 * 1024 * 1024);
        for (chunk_bytes, valid) in [(0, false), (262_143, false), (262_144, true)] {
            assert_eq!(Config { chunk_bytes, ..Config::default() }.is_valid_chunk(), valid);
        }
    }
}
