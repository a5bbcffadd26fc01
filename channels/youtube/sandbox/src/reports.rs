//! A narrow part of the Analytics API: totals per video, two days behind.

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::SignedDuration;
use loa_sandbox::{Incoming, Numbers};
use serde_json::{Value, json};

use crate::{App, answer, error::ApiError, listed};

pub(crate) fn router() -> Router<App> {
    Router::new().route("/v2/reports", get(report))
}

async fn report(State(app): State<App>, incoming: Incoming) -> Response {
    query(&app, &incoming).unwrap_or_else(IntoResponse::into_response)
}

fn query(app: &App, incoming: &Incoming) -> Result<Response, ApiError> {
    let channel = app.enter(incoming)?;
    let unsupported =
        || ApiError::new(400, "badRequest", "The query is not supported. Check the documentation.");
    let metrics = listed(incoming, "metrics");
    let by_video = match listed(incoming, "dimensions").as_slice() {
        [] => false,
        [one] if one == "video" => true,
        _ => return Err(unsupported()),
    };
    let filter =
        incoming.field("filters").and_then(|text| text.strip_prefix("video==")).unwrap_or_default();
    let ids: Vec<&str> = filter.split(',').filter(|id| !id.is_empty()).collect();
    let until = app.now() - SignedDuration::from_hours(48);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut sum = vec![0u64; metrics.len()];
    for video in app.videos() {
        let asked = ids.is_empty() || ids.contains(&video.id.as_str());
        let known = video.public_since.is_some_and(|since| since < until);
        if video.channel != channel.id || video.deleted || !asked || !known {
            continue;
        }
        let numbers = app.numbers(&video, until);
        let mut row = vec![json!(video.id)];
        for (metric, sum) in metrics.iter().zip(&mut sum) {
            let value = value_of(metric, numbers, video.duration_ms).ok_or_else(unsupported)?;
            *sum += value;
            row.push(json!(value));
        }
        rows.push(row);
    }
    let mut headers: Vec<Value> = Vec::new();
    if by_video {
        headers.push(json!({ "name": "video", "columnType": "DIMENSION", "dataType": "STRING" }));
    } else if !rows.is_empty() {
        rows = vec![sum.iter().map(|value| json!(value)).collect()];
    }
    headers.extend(
        metrics
            .iter()
            .map(|name| json!({ "name": name, "columnType": "METRIC", "dataType": "INTEGER" })),
    );
    let mut body = json!({ "kind": "youtubeAnalytics#resultTable", "columnHeaders": headers });
    // Rows are left out, not empty, when there is nothing.
    if let Some(map) = body.as_object_mut().filter(|_| !rows.is_empty()) {
        map.insert("rows".to_owned(), json!(rows));
    }
    Ok(answer(StatusCode::OK, body))
}

fn value_of(metric: &str, numbers: Numbers, duration_ms: u64) -> Option<u64> {
    Some(match metric {
        "views" => numbers.views,
        "engagedViews" => numbers.people,
        "likes" => numbers.reactions,
        "comments" => numbers.comments,
        "shares" => numbers.shares,
        "estimatedMinutesWatched" => numbers.views * duration_ms / 2 / 60_000,
        _ => return None,
    })
}
