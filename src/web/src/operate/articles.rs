//! Reading articles and composing posts of them.

use axum::{
    Extension, Json,
    extract::{Multipart, State},
    http::StatusCode,
};
use jiff::Timestamp;
use loa_model::When;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{plain, queued};
use crate::{
    Shared,
    articles::{queue_address, queue_composing, queue_file},
    auth::Visitor,
    calendar::zone,
    error::WebError,
    priority,
};

/// Articles that are composed at once.
const MOST: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Add {
    source: String,
    priority: Option<String>,
}

/// Queues the reading of an address.
pub(super) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(add): Json<Add>,
) -> Result<(StatusCode, Json<Value>), WebError> {
    let job = queue_address(&app, &visitor, &add.source, add.priority.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job }))))
}

/// Queues the reading of a file.
pub(super) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Multipart,
) -> Result<(StatusCode, Json<Value>), WebError> {
    let job = queue_file(&app, &visitor, form).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "job": job }))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Compose {
    articles: Vec<String>,
    accounts: Vec<String>,
    priority: Option<String>,
    at: Option<String>,
}

/// Queues the composing of posts. Asked again it makes no post twice.
pub(super) async fn compose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(ask): Json<Compose>,
) -> Result<(StatusCode, Json<Value>), WebError> {
    if ask.articles.len() > MOST {
        return Err(WebError::unfit(format!(
            "Mỗi lần nhiều nhất {MOST} bài viết / At most {MOST} articles at once"
        )));
    }
    let when = match ask.at.as_deref() {
        None => When::Usual,
        Some("now") => When::Soon,
        Some("next_slot") => When::NextSlot,
        Some(text) => {
            let at: Timestamp = text.parse().map_err(|_| {
                WebError::unfit("at phải là now, next_slot hoặc giờ RFC 3339 / at must be now, next_slot or a time in RFC 3339")
            })?;
            When::At { at, wall: zone().to_datetime(at) }
        }
    };
    let priority = priority::chosen(ask.priority.as_deref())?;
    let wanted = (ask.articles.as_slice(), ask.accounts.as_slice());
    let jobs = queue_composing(&app, &visitor, wanted, (priority, when)).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "jobs": jobs }))))
}

fn urgency() -> Value {
    let names =
        [loa_model::Priority::Urgent, loa_model::Priority::Normal, loa_model::Priority::Backfill];
    json!({ "enum": [names[0].name(), names[1].name(), names[2].name(), null] })
}

const PROBLEMS: [(&str, &str); 2] =
    [("400", "The body is no JSON"), ("422", "The body does not fit; detail says what")];

/// The operation as `OpenAPI` says it.
pub(super) fn add_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["source"], "additionalProperties": false,
        "properties": {
            "source": { "type": "string", "description": "http:// or https://" },
            "priority": urgency(),
        },
    });
    let summary = "Have an article read from its address (roles author, editor)";
    queued(plain(summary, "", Some(schema), &PROBLEMS), "job: reads it; see /api/v1/jobs")
}

/// The operation as `OpenAPI` says it.
pub(super) fn file_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["file"],
        "properties": {
            "file": { "type": "string", "format": "binary", "description": ".html, .json, .md or .txt, 5 MiB at most" },
            "page": { "type": "string", "description": "Address of the article, when it has one" },
            "priority": urgency(),
        },
    });
    let summary = "Have an article read from a file (roles author, editor)";
    let problems = [PROBLEMS[0], ("413", "The file is too large"), PROBLEMS[1]];
    let mut told = queued(plain(summary, "", None, &problems), "job: reads it; see /api/v1/jobs");
    told["requestBody"] =
        json!({ "required": true, "content": { "multipart/form-data": { "schema": schema } } });
    told
}

/// The operation as `OpenAPI` says it.
pub(super) fn compose_told() -> Value {
    let texts = |most: Option<usize>| json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": most.unwrap_or(1000) });
    let schema = json!({
        "type": "object", "required": ["articles", "accounts"], "additionalProperties": false,
        "properties": {
            "articles": texts(Some(MOST)), "accounts": texts(None), "priority": urgency(),
            "at": { "type": ["string", "null"], "description": "now, next_slot, or a time in RFC 3339; absent: the next free slot of each account, or without slots as soon as its gap and quiet hours let it" },
        },
    });
    let summary = "Compose the default posts of articles for accounts (roles author, editor); asked again it makes none twice";
    let problems = [PROBLEMS[0], ("404", "No such article in the caller's agency"), PROBLEMS[1]];
    queued(plain(summary, "", Some(schema), &problems), "jobs: one for each article")
}
