//! Accounts, and what stops and starts them.

use axum::{Extension, Json, extract::State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::plain;
use crate::{
    Shared,
    auth::Visitor,
    channels::{Page, look},
    decide::desk_problem,
    error::WebError,
};

/// Accounts and switches of the caller's agency.
pub(super) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Page>, WebError> {
    Ok(Json(look(&app, &visitor).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pause {
    scope: String,
    reason: String,
}

/// Stops an account, a channel, the agency, or everything.
pub(super) async fn pause(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(ask): Json<Pause>,
) -> Result<Json<Page>, WebError> {
    let done = app.desk.switch(&ask.scope, true, visitor.user.id, ask.reason).await;
    done.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(look(&app, &visitor).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resume {
    scope: String,
}

/// Lets it go again.
pub(super) async fn resume(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(ask): Json<Resume>,
) -> Result<Json<Page>, WebError> {
    let done = app.desk.switch(&ask.scope, false, visitor.user.id, String::new()).await;
    done.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(look(&app, &visitor).await?))
}

const PROBLEMS: [(&str, &str); 4] = [
    ("400", "The body is no JSON"),
    ("404", "No such account in the caller's agency"),
    ("409", "Not in this state; detail says why"),
    ("422", "The body does not fit, there is no such scope, or the reason is empty"),
];

fn scope() -> Value {
    let what = "all, agency/NAME, channel/NAME, or the name of an account, as the list says it";
    json!({ "type": "string", "minLength": 1, "description": what })
}

/// The operation as `OpenAPI` says it.
pub(super) fn told() -> Value {
    plain("Accounts and switches, with what is stopped and why", "accounts, switches", None, &[])
}

/// The operation as `OpenAPI` says it.
pub(super) fn pause_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["scope", "reason"], "additionalProperties": false,
        "properties": { "scope": scope(), "reason": { "type": "string", "minLength": 1 } },
    });
    let summary = "Stop an account, a channel, the agency, or everything (roles approver, admin)";
    plain(summary, "accounts, switches", Some(schema), &PROBLEMS)
}

/// The operation as `OpenAPI` says it.
pub(super) fn resume_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["scope"], "additionalProperties": false,
        "properties": { "scope": scope() },
    });
    let summary = "Let go again what was stopped (roles approver, admin)";
    plain(summary, "accounts, switches", Some(schema), &PROBLEMS)
}
