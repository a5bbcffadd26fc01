//! Handing in, deciding about what goes out, sending corrections.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use loa_model::{DeliveryId, Digest};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Shared,
    approvals::{
        self,
        answers::{now, problem},
    },
    auth::Visitor,
    correction,
    decide::{Decision, decided, desk_problem},
    error::WebError,
    pages::{name_of, state_of},
    post::{NotSigned, capability, own_post},
};

/// Hands a draft to the approvers.
pub(super) async fn submit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let capability = capability(&app, &post)?;
    let moved = app.review.submit(&visitor.user, post.id, capability).await;
    moved.map_err(|error| problem(&app, &error))?;
    now(&app, &visitor, &post).await
}

/// What can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    ConfirmLive,
    ConfirmAbsent,
    Hold,
    Release,
    Cancel,
    Retract,
    Retry,
    SetAside,
    ApproveAgain,
}

impl Act {
    const ALL: [Self; 9] = [
        Self::ConfirmLive,
        Self::ConfirmAbsent,
        Self::Hold,
        Self::Release,
        Self::Cancel,
        Self::Retract,
        Self::Retry,
        Self::SetAside,
        Self::ApproveAgain,
    ];
}

/// A decision about one delivery, or a signature anew.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    act: Act,
    /// The one that was looked at.
    delivery: Option<DeliveryId>,
    reason: Option<String>,
    url: Option<String>,
    digest: Option<Digest>,
}

/// One decision.
pub(super) async fn decide(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Ask>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let anew = ask.act == Act::ApproveAgain;
    if anew && ask.digest.is_none() {
        return Err(WebError::unfit(
            "Hãy gửi digest: mã nội dung bạn đã xem / Send digest: the content that you saw",
        ));
    }
    if !anew && ask.delivery.is_none() {
        return Err(WebError::unfit(
            "Hãy gửi delivery: lần gửi bạn đã xem / Send delivery: the one that you saw",
        ));
    }
    let decision = Decision {
        act: name_of(&ask.act),
        delivery: ask.delivery.map(|id| id.to_string()).unwrap_or_default(),
        reason: ask.reason.unwrap_or_default(),
        url: ask.url.unwrap_or_default(),
        digest: ask.digest.map(|digest| digest.to_string()).unwrap_or_default(),
    };
    match decided(&app, &visitor, &post, &decision).await? {
        Some(NotSigned::Review(error)) => return Err(problem(&app, &error)),
        Some(NotSigned::Desk(error)) => return Err(desk_problem(&app, &visitor, &error)),
        None => {}
    }
    let post = own_post(&app, &visitor, &id).await?;
    let (state, delivery) = state_of(&app, &post).await?;
    Ok(Json(json!({
        "id": post.id, "state": state, "digest": post.digest(),
        "delivery": delivery.as_ref().map(|d| d.id),
        "retract_wanted": delivery.is_some_and(|d| d.cancel_requested),
    })))
}

/// Sends a signed correction that did not get to its live post.
pub(super) async fn send(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let corrects = correction::corrects(&app, &post).await?.ok_or_else(WebError::missing)?;
    let sent = correction::order(&app, &visitor, &post, &corrects).await;
    sent.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(json!({ "id": post.id, "corrects": corrects.live })))
}

/// The operation as `OpenAPI` says it.
pub(super) fn submit_told() -> Value {
    let problems = [
        ("404", "No such post in the caller's agency"),
        ("409", "It is no draft, its channel would refuse it, or its article or a picture changed"),
        ("501", "This build has no such channel"),
    ];
    let summary = "Hand a draft to the approvers (roles author, editor)";
    approvals::told(summary, "The post as it is now", None, &problems)
}

/// The operation as `OpenAPI` says it.
pub(super) fn decide_told() -> Value {
    let text = |what: &str| json!({ "type": ["string", "null"], "description": what });
    let schema = json!({
        "type": "object", "required": ["act"], "additionalProperties": false,
        "properties": {
            "act": { "enum": Act::ALL.map(|act| name_of(&act)) },
            "delivery": { "type": ["string", "null"], "format": "uuid", "description": "The delivery that was looked at; of every act but approve_again" },
            "reason": text("Why; how it was seen that it is not there"),
            "url": text("Of confirm_live: where it is. Without an id in it a channel that can be read is searched on: the state stays uncertain until then"),
            "digest": { "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$", "description": "Of approve_again: what was looked at" },
        },
    });
    let problems = [
        ("400", "The body is no JSON"),
        ("404", "No such post, or no such delivery of it"),
        ("409", "Not in this state, not yet, or it changed meanwhile; detail says why"),
        ("422", "The body does not fit, or the reason is empty"),
        ("501", "This build has no such channel"),
    ];
    let summary = "Decide about a post that is approved: hold, release, call off, retry, retract, leave it, sign it anew, or tell \
                   whether it is live (roles author, editor, approver, as the act needs)";
    let ok = "state, and the delivery that counts";
    approvals::told(summary, ok, Some(schema), &problems)
}

/// The operation as `OpenAPI` says it.
pub(super) fn send_told() -> Value {
    let problems = [
        ("404", "No such post in the caller's agency, or it corrects nothing"),
        ("409", "It is not signed, or the live post cannot take it now; detail says why"),
    ];
    let summary = "Send a signed correction to its live post (role approver)";
    approvals::told(summary, "corrects: the live post", None, &problems)
}
