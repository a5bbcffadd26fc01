//! Numbers about videos and subscribers, as the platform gives them.

use loa_channel::{Audience, Cx, Health, Result, To};
use loa_model::{Measured, Metric, Receipt, Value};
use serde_json::json;

use crate::{
    api::Api,
    read_back::{BATCH, channel, videos},
    wire::{List, Statistics, Video},
};

/// A view has been a start of playback, in every format, since the end of August 2026.
const DEFINITION: &str = "2026-08 playback starts";

/// Lifetime numbers of these videos, fifty at a time.
pub(crate) async fn measure(
    api: &Api,
    cx: &Cx<'_>,
    to: To<'_>,
    receipts: &[Receipt],
) -> Result<Vec<Measured>> {
    let ids: Vec<&str> = receipts
        .iter()
        .map(|receipt| receipt.remote_id.as_str())
        .filter(|id| !id.is_empty())
        .collect();
    let mut measured = Vec::new();
    for batch in ids.chunks(BATCH) {
        let mut query = vec![("part", "statistics")];
        query.extend(batch.iter().map(|id| ("id", *id)));
        let list: List<Video> = api.get(cx, to, "youtube/v3/videos:batchGetStats", &query).await?;
        let known = |id: &str| list.items.iter().find(|video| video.id == id);
        // The batch leaves out what it could not read, so an absence is looked at again.
        let unseen: Vec<&str> = batch.iter().copied().filter(|id| known(id).is_none()).collect();
        let others = videos(api, cx, to, "status,statistics", &unseen).await?;
        for id in batch {
            let other = others.iter().find(|video| video.id == *id);
            measured.push(match (known(id), other) {
                (Some(video), _) => one(id, Some(true), video.statistics),
                (None, Some(video)) => {
                    one(id, Some(video.status.privacy != "private"), video.statistics)
                }
                (None, None) => one(id, Some(false), Statistics::default()),
            });
        }
    }
    Ok(measured)
}

fn one(id: &str, alive: Option<bool>, numbers: Statistics) -> Measured {
    let Statistics { views, likes, comments } = numbers;
    let value = |metric, source_name: &str, value: Option<u64>| {
        value.map(|value| Value {
            metric,
            source_name: source_name.to_owned(),
            definition: DEFINITION.to_owned(),
            value,
        })
    };
    let values = [
        value(Metric::Views, "viewCount", views),
        value(Metric::Reactions, "likeCount", likes),
        value(Metric::Comments, "commentCount", comments),
    ];
    let raw = json!({
        "id": id, "viewCount": views, "likeCount": likes, "commentCount": comments,
    });
    let values = values.into_iter().flatten().collect();
    Measured { remote_id: id.to_owned(), alive, values, raw }
}

/// Subscribers of the channel, when it shows them.
pub(crate) async fn audience(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Audience> {
    let numbers = channel(api, cx, to, "statistics").await?.statistics;
    Ok(Audience { count: numbers.subscriber_count.filter(|_| !numbers.hidden_subscriber_count) })
}

/// The channel as the platform knows it.
pub(crate) async fn health(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Health> {
    let channel = channel(api, cx, to, "id,snippet,status").await?;
    Ok(Health { title: channel.snippet.title, remote_id: channel.id })
}
