//! `/api/v1/calendar` and `/api/v1/posts/{id}/schedule`.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use loa_model::{PostId, When};
use loa_review::Standing;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EntryView, Sought, Titles, look, shift, standing, view};
use crate::{
    Shared,
    auth::Visitor,
    error::{BETWEEN, WebError},
    operation::{
        piece::{self, Part, Piece},
        tags::SeenVersion,
    },
    pages::name_of,
    post::own_post_row,
};

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    from: Timestamp,
    to: Timestamp,
    channel: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

/// Names apart by commas; nothing asks for all.
pub(super) fn sought(
    app: &Shared,
    (from, to): (Timestamp, Timestamp),
    channel: Option<&str>,
    state: Option<&str>,
) -> Result<Sought, WebError> {
    let names = |text: Option<&str>| -> Vec<String> {
        let text = text.unwrap_or_default().split(',').map(str::trim);
        text.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let mut sought = Sought { from, to, ..Sought::default() };
    for name in names(channel) {
        if !app.capabilities.contains_key(&name) {
            return Err(WebError::unfit("Không có kênh này / There is no such channel"));
        }
        sought.channels.insert(name);
    }
    for name in names(state) {
        let known = standing(&name);
        let known = known
            .ok_or_else(|| WebError::unfit("Không có trạng thái này / There is no such state"))?;
        sought.standings.insert(known);
    }
    Ok(sought)
}

/// Posts of the caller's agency in a stretch of time.
pub(crate) async fn calendar(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Piece<EntryView>, WebError> {
    let part = Part { limit: asked.limit, after: asked.after };
    let (channel, state) = (asked.channel.as_deref(), asked.state.as_deref());
    let sought = sought(&app, (asked.from, asked.to), channel, state)?;
    part.limit()?;
    let found = look(&app, &visitor, &sought).await?;
    let piece = Piece::of(&found.entries, &part, |entry| (entry.at, entry.id))?;
    let (mut titles, mut views) = (Titles::default(), Vec::new());
    for entry in piece.items {
        views.push(view(&app, &visitor, &found, &mut titles, entry).await?);
    }
    let piece = Piece::new(views, piece.next).with("total", found.entries.len());
    Ok(piece.with("cut", found.cut))
}

/// Where a post shall go.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    at: String,
    version: Option<u64>,
}

/// Gives a post another time.
pub(crate) async fn schedule(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    matched: Option<Extension<SeenVersion>>,
    body: Bytes,
) -> Result<Response, WebError> {
    let wish: Wish = serde_json::from_slice(&body).map_err(|error| {
        WebError::unfit(format!(
            "Nội dung không đọc được: {error}{BETWEEN}The body cannot be read: {error}"
        ))
    })?;
    let id: PostId = id.parse().map_err(|_| WebError::missing())?;
    let now = own_post_row(&app, &visitor, id).await?;
    let matched = matched.map(|Extension(SeenVersion(seen))| seen);
    let seen = match (matched, wish.version) {
        (Some(seen), None) | (None, Some(seen)) => seen,
        (Some(seen), Some(same)) if seen == same => seen,
        (None, None) => {
            return Err(WebError::new(
                StatusCode::PRECONDITION_REQUIRED,
                "Hãy gửi If-Match hoặc version: phiên bản bạn đã xem / Send If-Match or version: the version you saw",
            ));
        }
        _ => {
            return Err(WebError::unfit(
                "If-Match và version nói hai phiên bản khác nhau / If-Match and version name two versions",
            ));
        }
    };
    if seen != now.version {
        return Err(WebError::new(
            StatusCode::PRECONDITION_FAILED,
            "Bài đã thay đổi sau khi bạn xem; hãy tải lại / The post changed since you saw it; read it again",
        ));
    }
    let when = match wish.at.as_str() {
        "now" => When::Soon,
        "next_slot" => When::NextSlot,
        text => {
            let at = text.parse().map_err(|_| {
                WebError::unfit("at phải là now, next_slot hoặc giờ RFC 3339 / at must be now, next_slot or a time in RFC 3339")
            })?;
            shift::at(at)
        }
    };
    let (post, version) = shift::shift(&app, &visitor, id, when, Some(seen)).await?;
    let told = json!({
        "id": post.id, "version": version, "scheduled_at": post.scheduled_at, "zone": post.zone,
        "timing": post.timing, "state": name_of(&post.state),
    });
    Ok(([(header::ETAG, format!("\"{version}\""))], Json(told)).into_response())
}

/// Parameters that the calendar and its export share, as `OpenAPI` says them.
pub(super) fn parameters() -> Vec<Value> {
    let parameter = |name: &str, required: bool, what: &str, schema: Value| json!({ "name": name, "in": "query", "required": required, "description": what, "schema": schema });
    let time = json!({ "type": "string", "format": "date-time" });
    let names: Vec<&str> = Standing::ALL.map(Standing::name).to_vec();
    let states = format!("Standings apart by commas: {}", names.join(", "));
    vec![
        parameter("from", true, "First instant", time.clone()),
        parameter("to", true, "First instant after it, at most 100 days later", time),
        parameter("channel", false, "Channels apart by commas", json!({ "type": "string" })),
        parameter("state", false, &states, json!({ "type": "string" })),
    ]
}

/// The calendar as `OpenAPI` says it.
pub(crate) fn calendar_told() -> Value {
    piece::told(
        "Posts in a stretch of time, with state, room to move and what they get into the way of",
        "Entries in the order of time, and how many there are in all; account_short where the channel has several accounts",
        &parameters(),
    )
}

/// The moving as `OpenAPI` says it.
pub(crate) fn schedule_told() -> Value {
    let wish = json!({
        "type": "object", "required": ["at"], "additionalProperties": false,
        "properties": {
            "at": { "type": "string", "description": "RFC 3339, now, or next_slot" },
            "version": { "type": "integer", "minimum": 0, "description": "Instead of If-Match" },
        },
    });
    json!({
        "summary": "Give a post another time: before approval any, afterwards within the window that was signed",
        "parameters": [
            { "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } },
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": wish } } },
        "responses": {
            "200": { "description": "Its new time and version; ETag is the version" },
            "404": { "description": "No such post in this agency" },
            "409": { "description": "It keeps its time, detail says why; or somebody else changed it at the same time" },
            "412": { "description": "It changed since it was seen" },
            "422": { "description": "The time is over, under embargo or outside what was signed; or the body does not fit" },
            "428": { "description": "Neither If-Match nor version was sent" },
        },
    })
}
