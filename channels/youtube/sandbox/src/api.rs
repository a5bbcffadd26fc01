//! `videos`, `channels`, `playlistItems`.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use loa_sandbox::{Committed, Incoming};
use serde_json::{Value, json};

use crate::{
    App, Bucket, answer,
    error::ApiError,
    listed,
    record::{Channel, Video},
    upload::{check_snippet, check_status, parts},
};

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/youtube/v3/videos", get(list).put(update).delete(remove))
        .route("/youtube/v3/videos:batchGetStats", get(batch_stats))
        .route("/youtube/v3/channels", get(channels))
        .route("/youtube/v3/playlistItems", get(playlist))
}

/// An answer or a refusal as a response.
fn told(result: Result<Response, ApiError>) -> Response {
    result.unwrap_or_else(IntoResponse::into_response)
}

fn spend(app: &App, bucket: Bucket, units: u64) -> Result<(), ApiError> {
    app.0.book.change(|page| app.spend(page, bucket, units))
}

fn statistics(app: &App, video: &Video) -> Value {
    let numbers = app.numbers(video, app.now());
    json!({
        "viewCount": numbers.views.to_string(),
        "likeCount": numbers.reactions.to_string(),
        "commentCount": numbers.comments.to_string(),
        "favoriteCount": "0",
    })
}

/// What this channel may see of these ids: everything of its own, the public rest.
fn visible(app: &App, channel: &Channel, ids: &[String]) -> Vec<Video> {
    let now = app.now();
    ids.iter()
        .filter_map(|id| app.video(id))
        .filter(|video| video.channel == channel.id || video.seen(now))
        .collect()
}

async fn list(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        spend(&app, Bucket::Shared, 1)?;
        let ids = listed(&incoming, "id");
        if ids.is_empty() || ids.len() > 50 {
            return Err(ApiError::invalid("invalidParameter"));
        }
        let asked = parts(&incoming);
        let found = visible(&app, &channel, &ids);
        let owner_only = ["fileDetails", "processingDetails"];
        let foreign = found.iter().any(|video| video.channel != channel.id);
        if foreign && asked.iter().any(|part| owner_only.contains(&part.as_str())) {
            return Err(ApiError::new(
                403,
                "forbidden",
                "The parts can only be seen by the owner.",
            ));
        }
        let items: Vec<Value> = found
            .iter()
            .map(|video| video.resource(&asked, app.now(), Some(statistics(&app, video))))
            .collect();
        Ok(answer(StatusCode::OK, json!({ "kind": "youtube#videoListResponse", "items": items })))
    })())
}

async fn batch_stats(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        spend(&app, Bucket::Statistics, 1)?;
        let ids = listed(&incoming, "id");
        if ids.is_empty() || ids.len() > 50 {
            return Err(ApiError::invalid("invalidParameter"));
        }
        let items: Vec<Value> = visible(&app, &channel, &ids)
            .iter()
            .map(|video| {
                let mut statistics = statistics(&app, video);
                if let Some(map) = statistics.as_object_mut() {
                    map.remove("favoriteCount");
                }
                json!({
                    "kind": "youtube#videoStats",
                    "id": video.id,
                    "statistics": statistics,
                    "snippet": { "publishTime": video.public_since },
                    "contentDetails": { "duration": format!("{}s", video.duration_ms.div_ceil(1000)) },
                })
            })
            .collect();
        Ok(answer(
            StatusCode::OK,
            json!({ "kind": "youtube#batchGetStatsResponse", "items": items }),
        ))
    })())
}

async fn update(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        let body =
            incoming.json.clone().ok_or_else(|| ApiError::invalid("invalidVideoMetadata"))?;
        let id = body.get("id").and_then(Value::as_str).ok_or_else(ApiError::not_found)?;
        let asked = parts(&incoming);
        let mut video = app.video(id).ok_or_else(ApiError::not_found)?;
        if video.channel != channel.id {
            return Err(ApiError::new(403, "forbidden", "The video is another channel's."));
        }
        for part in &asked {
            match part.as_str() {
                "snippet" => {
                    let snippet = body.get("snippet").cloned().unwrap_or_else(|| json!({}));
                    if snippet.get("categoryId").and_then(Value::as_str).is_none_or(str::is_empty) {
                        return Err(ApiError::invalid("invalidVideoMetadata"));
                    }
                    check_snippet(&snippet)?;
                    video.snippet = snippet;
                }
                "status" => {
                    // Every property of the part is replaced: an omitted privacy falls back to the default.
                    let mut status = body.get("status").cloned().unwrap_or_else(|| json!({}));
                    check_status(&status)?;
                    if let Some(map) = status.as_object_mut() {
                        map.entry("privacyStatus").or_insert(json!("public"));
                    }
                    video.status = status;
                    video.public_since = (video.privacy() == "public")
                        .then(|| video.public_since.unwrap_or(app.now()));
                }
                _ => return Err(ApiError::invalid("unexpectedPart")),
            }
        }
        app.0.book.change(|page| {
            app.spend(page, Bucket::Shared, 50)?;
            page.put("video", &video.id, &video);
            Ok::<_, ApiError>(())
        })?;
        Ok(Committed::mark(answer(StatusCode::OK, video.resource(&asked, app.now(), None))))
    })())
}

async fn remove(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        let id = incoming.field("id").unwrap_or_default();
        let mut video = app.video(id).ok_or_else(ApiError::not_found)?;
        if video.channel != channel.id {
            return Err(ApiError::new(403, "forbidden", "The video is another channel's."));
        }
        video.deleted = true;
        app.0.book.change(|page| {
            app.spend(page, Bucket::Shared, 50)?;
            page.put("video", &video.id, &video);
            Ok::<_, ApiError>(())
        })?;
        Ok(Committed::mark(StatusCode::NO_CONTENT.into_response()))
    })())
}

async fn channels(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        spend(&app, Bucket::Shared, 1)?;
        let age =
            i64::try_from(app.now().duration_since(channel.opened_at).as_millis()).unwrap_or(0);
        let subscribers = app.0.growth.followers(&channel.id, channel.subscribers, age);
        let videos = app
            .videos()
            .iter()
            .filter(|video| video.channel == channel.id && video.seen(app.now()))
            .count();
        let item = json!({
            "kind": "youtube#channel",
            "id": channel.id,
            "snippet": { "title": channel.title, "country": "VN" },
            "contentDetails": { "relatedPlaylists": { "uploads": channel.uploads() } },
            "statistics": {
                "subscriberCount": subscribers.to_string(), "hiddenSubscriberCount": false, "videoCount": videos.to_string(),
            },
            "status": { "privacyStatus": "public", "longUploadsStatus": "allowed" },
        });
        Ok(answer(
            StatusCode::OK,
            json!({ "kind": "youtube#channelListResponse", "items": [item] }),
        ))
    })())
}

async fn playlist(State(app): State<App>, incoming: Incoming) -> Response {
    told((|| {
        let channel = app.enter(&incoming)?;
        spend(&app, Bucket::Shared, 1)?;
        if incoming.field("playlistId") != Some(channel.uploads().as_str()) {
            return Err(ApiError::new(404, "playlistNotFound", "The playlist cannot be found."));
        }
        let most = incoming.number("maxResults").unwrap_or(5).clamp(1, 50);
        let from: usize =
            incoming.field("pageToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let mut videos: Vec<Video> = app
            .videos()
            .into_iter()
            .filter(|video| video.channel == channel.id && !video.deleted)
            .collect();
        videos.sort_by_key(|video| std::cmp::Reverse((video.uploaded_at, video.id.clone())));
        let most = usize::try_from(most).unwrap_or(50);
        let items: Vec<Value> = videos
            .iter()
            .skip(from)
            .take(most)
            .map(|video| {
                json!({
                    "kind": "youtube#playlistItem",
                    "id": format!("{}.{}", channel.uploads(), video.id),
                    "snippet": {
                        "publishedAt": video.uploaded_at, "title": video.text("title"), "description": video.text("description"),
                        "resourceId": { "kind": "youtube#video", "videoId": video.id },
                    },
                    "contentDetails": { "videoId": video.id, "videoPublishedAt": video.public_since },
                })
            })
            .collect();
        let mut body = json!({
            "kind": "youtube#playlistItemListResponse",
            "items": items,
            "pageInfo": { "totalResults": videos.len(), "resultsPerPage": most },
        });
        if from + most < videos.len()
            && let Some(map) = body.as_object_mut()
        {
            map.insert("nextPageToken".to_owned(), json!((from + most).to_string()));
        }
        Ok(answer(StatusCode::OK, body))
    })())
}
