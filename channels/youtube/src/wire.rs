//! The platform's own JSON. Counters are text, unknown fields and values come any day, and a hidden counter is left out.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A video as it is inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NewVideo {
    pub(crate) snippet: NewSnippet,
    pub(crate) status: NewStatus,
}

/// The words of a new video.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSnippet {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) category_id: String,
    pub(crate) default_language: String,
    pub(crate) default_audio_language: String,
}

/// The rules of a video. All of it is sent each time: what is left out falls back to a default, and that of the privacy is
/// public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewStatus {
    pub(crate) privacy_status: &'static str,
    pub(crate) license: String,
    pub(crate) embeddable: bool,
    pub(crate) public_stats_viewable: bool,
    pub(crate) self_declared_made_for_kids: bool,
    pub(crate) contains_synthetic_media: bool,
}

/// A list of anything.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(crate) items: Vec<T>,
    #[serde(default)]
    pub(crate) next_page_token: Option<String>,
}

/// A video as it is read; parts that were not asked for are empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Video {
    pub(crate) id: String,
    pub(crate) snippet: Snippet,
    pub(crate) status: Status,
    pub(crate) processing_details: Processing,
    pub(crate) statistics: Statistics,
}

/// The words of a video.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Snippet {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) category_id: String,
    pub(crate) default_audio_language: Option<String>,
}

/// The rules of a video and how far the platform is with it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Status {
    #[serde(rename = "uploadStatus")]
    pub(crate) upload: String,
    pub(crate) failure_reason: String,
    pub(crate) rejection_reason: String,
    #[serde(rename = "privacyStatus")]
    pub(crate) privacy: String,
    pub(crate) license: Option<String>,
    pub(crate) embeddable: Option<bool>,
    pub(crate) public_stats_viewable: Option<bool>,
}

/// How far processing is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Processing {
    pub(crate) processing_status: String,
    pub(crate) processing_failure_reason: String,
}

/// Lifetime counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Statistics {
    #[serde(rename = "viewCount", deserialize_with = "counter")]
    pub(crate) views: Option<u64>,
    #[serde(rename = "likeCount", deserialize_with = "counter")]
    pub(crate) likes: Option<u64>,
    #[serde(rename = "commentCount", deserialize_with = "counter")]
    pub(crate) comments: Option<u64>,
}

/// An entry of the playlist of uploads.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PlaylistItem {
    pub(crate) snippet: PlaylistSnippet,
    pub(crate) content_details: PlaylistDetails,
}

/// When it was added.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PlaylistSnippet {
    pub(crate) published_at: Option<String>,
}

/// What it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PlaylistDetails {
    pub(crate) video_id: String,
}

/// A YouTube channel.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ChannelItem {
    pub(crate) id: String,
    pub(crate) snippet: Snippet,
    pub(crate) content_details: ChannelDetails,
    pub(crate) statistics: ChannelStatistics,
}

/// Where its uploads are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ChannelDetails {
    pub(crate) related_playlists: RelatedPlaylists,
}

/// Its own playlists.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RelatedPlaylists {
    pub(crate) uploads: String,
}

/// Its counters.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ChannelStatistics {
    #[serde(deserialize_with = "counter")]
    pub(crate) subscriber_count: Option<u64>,
    pub(crate) hidden_subscriber_count: bool,
}

/// Answer of the token address.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    /// Seconds.
    #[serde(default)]
    pub(crate) expires_in: Option<u64>,
    /// Only on a first consent; a renewal keeps the old one.
    #[serde(default)]
    pub(crate) refresh_token: Option<String>,
}

/// A number as text, or a number; anything else counts as not given.
fn counter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_text_and_a_hidden_one_is_absent() {
        let stats: List<Video> =
            serde_json::from_str(include_str!("../fixtures/batch_stats.json")).unwrap();
        let wanted = |views, likes, comments| Statistics { views, likes, comments };
        assert_eq!(stats.items[0].statistics, wanted(Some(1204), Some(31), Some(0)));
        assert_eq!(stats.items[1].statistics, wanted(Some(9_007_199_254_740_993), None, None));
    }

    #[test]
    fn a_video_is_read_whatever_else_the_platform_adds() {
        let videos: List<Video> =
            serde_json::from_str(include_str!("../fixtures/video.json")).unwrap();
        let video = &videos.items[0];
        assert_eq!(video.snippet.title, "Nghị quyết mới về đường bộ");
        assert_eq!(video.status.privacy, "private");
        assert_eq!(video.processing_details.processing_status, "processing");
    }
}
