//! Finding our own videos again: the playlist of uploads, newest first, by the short link in the description.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Cx, Error, ErrorKind, Lookup, Result, RetryAdvice, Scope, To};
use loa_model::{PostFormat, Receipt};
use serde_json::json;
use url::Url;

use crate::{
    api::Api,
    classify,
    publish::Step,
    wire::{ChannelItem, List, PlaylistItem, Video},
};

/// Ids asked for at once, and entries of a page.
pub(crate) const BATCH: usize = 50;
/// Pages read before the list counts as too long to prove an absence.
const PAGES: usize = 10;
/// Clocks may differ, and an upload may have begun hours before its public step; the marker decides anyway.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(6);

/// Every live video with the marker.
pub(crate) async fn find(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    what: Lookup<'_>,
) -> Result<Vec<Receipt>> {
    let known =
        what.ticket.and_then(|ticket| Step::of(Some(ticket)).ok()).and_then(Step::into_video);
    let mut own = match &known {
        Some(id) => videos(api, cx, to, "snippet,status", &[id]).await?,
        None => Vec::new(),
    };
    own.retain(|video| mentions(&video.snippet.description, what.marker));
    if own.is_empty() {
        own = find_own(api, cx, to, what.marker, what.since).await?;
    }
    let live = own.into_iter().filter(|video| video.status.privacy == "public");
    Ok(live.map(|video| receipt(api, cx, what.content.format, &video, &[])).collect())
}

/// Our uploads with the marker that the platform did not turn down, private ones too, newest first.
pub(crate) async fn find_own(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    marker: &str,
    since: Timestamp,
) -> Result<Vec<Video>> {
    let ids = uploaded_since(api, cx, to, since).await?;
    let mut own = Vec::new();
    for batch in ids.chunks(BATCH) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        own.extend(videos(api, cx, to, "snippet,status", &batch).await?);
    }
    own.retain(|video| {
        mentions(&video.snippet.description, marker)
            && !matches!(video.status.upload.as_str(), "failed" | "rejected" | "deleted")
    });
    Ok(own)
}

async fn uploaded_since(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    since: Timestamp,
) -> Result<Vec<String>> {
    let from = since.checked_sub(LOOK_BACK).unwrap_or(Timestamp::MIN);
    let playlist = channel(api, cx, to, "contentDetails").await?.content_details.related_playlists;
    if playlist.uploads.is_empty() {
        return Err(classify::unreadable(classify::Call::Read, "playlist of uploads"));
    }
    let mut ids = Vec::new();
    let mut token = String::new();
    for _ in 0..PAGES {
        let mut query = vec![
            ("part", "contentDetails,snippet"),
            ("playlistId", playlist.uploads.as_str()),
            ("maxResults", "50"),
        ];
        if !token.is_empty() {
            query.push(("pageToken", &token));
        }
        let page: List<PlaylistItem> =
            match api.get(cx, to, "youtube/v3/playlistItems", &query).await {
                Err(error) if classify::is_no_playlist(&error) => return Ok(ids),
                page => page?,
            };
        let mut older = false;
        for item in page.items {
            let added = item.snippet.published_at.and_then(|at| at.parse::<Timestamp>().ok());
            if added.is_some_and(|added| added < from) {
                older = true;
            } else {
                ids.push(item.content_details.video_id);
            }
        }
        match page.next_page_token {
            Some(next) if !older && !next.is_empty() => token = next,
            _ => return Ok(ids),
        }
    }
    // Not seen is not absent when the list was not read to its end.
    let advice = RetryAdvice::Later { wait: Duration::from_mins(10), scope: Scope::Post };
    let message =
        format!("more than {} uploads since then, cannot look through all", PAGES * BATCH);
    Err(Error::new(ErrorKind::Unavailable, advice, message))
}

/// These videos, at most [`BATCH`]; one that is not there is left out.
pub(crate) async fn videos(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    part: &str,
    ids: &[&str],
) -> Result<Vec<Video>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = ids.join(",");
    let query = [("part", part), ("id", ids.as_str())];
    match api.get::<List<Video>>(cx, to, "youtube/v3/videos", &query).await {
        Ok(list) => Ok(list.items),
        Err(error) if classify::is_gone(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The channel the credentials belong to.
pub(crate) async fn channel(api: &Api, cx: &Cx<'_>, to: To<'_>, part: &str) -> Result<ChannelItem> {
    let query = [("part", part), ("mine", "true")];
    let list: List<ChannelItem> = api.get(cx, to, "youtube/v3/channels", &query).await?;
    list.items.into_iter().next().ok_or_else(|| {
        let message = "the credentials belong to no channel, connect the account again";
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })
}

/// Proof that a video is live.
pub(crate) fn receipt(
    api: &Api,
    cx: &Cx<'_>,
    format: PostFormat,
    video: &Video,
    skipped: &[String],
) -> Receipt {
    let raw = json!({
        "id": video.id, "privacyStatus": video.status.privacy,
        "uploadStatus": video.status.upload, "skipped": skipped,
    });
    let url = watch_url(&api.config.watch_base, format, &video.id).into();
    Receipt { remote_id: video.id.clone(), url, raw, at: cx.clock.now() }
}

fn watch_url(base: &Url, format: PostFormat, id: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        if format == PostFormat::ShortVideo {
            path.push("shorts").push(id);
        } else {
            path.push("watch");
        }
    }
    if format != PostFormat::ShortVideo {
        url.query_pairs_mut().append_pair("v", id);
    }
    url
}

/// Whether `text` holds `marker` as a whole word: one code may begin another.
fn mentions(text: &str, marker: &str) -> bool {
    !marker.is_empty()
        && text.match_indices(marker).any(|(start, found)| {
            let before = text.get(..start).and_then(|t| t.chars().next_back());
            let after = text.get(start + found.len()..).and_then(|t| t.chars().next());
            ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_a_whole_word() {
        assert!(mentions("Đọc thêm: https://p.example/l/k7f3q\nđã biên tập", "k7f3q"));
        for other in ["https://p.example/l/k7f3qx", "https://p.example/l/ak7f3q", ""] {
            assert!(!mentions(other, "k7f3q"), "{other}");
        }
        assert!(!mentions("anything", ""));
    }

    #[test]
    fn a_short_and_a_video_have_their_own_address() {
        let base = "https://www.youtube.com".parse().unwrap();
        let shown = |format| watch_url(&base, format, "v_1-x").to_string();
        assert_eq!(shown(PostFormat::ShortVideo), "https://www.youtube.com/shorts/v_1-x");
        assert_eq!(shown(PostFormat::Video), "https://www.youtube.com/watch?v=v_1-x");
    }
}
