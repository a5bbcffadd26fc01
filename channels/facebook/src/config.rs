//! Settings of the adapter.

use jiff::civil::Date;
use loa_model::Metric;
use serde::{Deserialize, Serialize};
use url::Url;

/// Settings of every Page. Bases are apart because the platform keeps them apart; a sandbox gives one four times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Everything that is not a stream of media bytes.
    pub graph: Url,
    /// Uploads of long videos.
    pub graph_video: Url,
    /// Bytes of Reels: the platform names the address, its origin must be this one.
    pub rupload: Url,
    /// Login dialog.
    pub oauth: Url,
    /// Version in every path. A version lives about two years.
    pub version: String,
    /// Make posts unpublished first and public by id. Not verified against the live platform, hence off.
    pub two_phase: bool,
    /// Metrics asked of a post.
    pub post_metrics: Vec<MetricRule>,
    /// Metrics asked of a Reel.
    pub video_metrics: Vec<MetricRule>,
}

/// One metric the platform may be asked for. A name it no longer knows fails a whole request, so names are data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricRule {
    /// The platform's name.
    pub name: String,
    /// What it counts, in our words.
    pub metric: Metric,
    /// Version of its definition: numbers of two versions are not compared.
    pub definition: String,
    /// First day it can be asked for.
    pub from: Option<Date>,
    /// Last day it can be asked for.
    pub until: Option<Date>,
}

impl MetricRule {
    fn new(name: &str, metric: Metric, definition: &str, from: Option<&str>) -> Self {
        let from = from.map(|day| day.parse().expect("written as a date"));
        Self { name: name.to_owned(), metric, definition: definition.to_owned(), from, until: None }
    }

    /// Whether it can be asked for on this day.
    pub(crate) fn is_valid_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| day >= from) && self.until.is_none_or(|until| day <= until)
    }
}

impl Default for Config {
    fn default() -> Self {
        let base = |text: &str| Url::parse(text).expect("written as an address");
        Self {
            graph: base("https://graph.facebook.com/"),
            graph_video: base("https://graph-video.facebook.com/"),
            rupload: base("https://rupload.facebook.com/"),
            oauth: base("https://www.facebook.com/"),
            version: "v26.0".to_owned(),
            two_phase: false,
            post_metrics: vec![
                MetricRule::new("post_media_view", Metric::Views, "2025-11", Some("2025-11-15")),
                MetricRule::new(
                    "post_total_media_view_unique",
                    Metric::Reach,
                    "2026-06",
                    Some("2025-11-15"),
                ),
                MetricRule::new("post_clicks", Metric::Clicks, "2024", None),
            ],
            video_metrics: vec![MetricRule::new(
                "fb_reels_total_plays",
                Metric::Views,
                "reels-total-plays",
                None,
            )],
        }
    }
}
