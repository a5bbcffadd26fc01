//! An urgent post that its own writer signs, where the agency allows it, and the second look that is owed then.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use loa_model::{Digest, Post, PostState, Priority, Role, UserId};
use loa_review::{ReviewError, SecondLook, Window};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    approvals::{
        self, Back,
        answers::{PROBLEMS, now, problem},
    },
    article::ZONE,
    auth::Visitor,
    channels::name_of_user,
    error::WebError,
    pages,
    post::{APPROVED_FOR, answer_from, capability, own_post, refusal},
    view,
};

/// Second looks that are shown.
const MOST: usize = 200;

/// Whether this visitor may sign a post of their own now.
pub(crate) async fn may_sign_alone(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
) -> Result<bool, WebError> {
    let fits = post.state == PostState::InReview
        && post.priority == Priority::Urgent
        && post.was_written_by(visitor.user.id)
        && visitor.user.is(Role::Approver);
    if !fits {
        return Ok(false);
    }
    let allowed = app.review.lets_sign_alone(&visitor.user.agency).await;
    allowed.map_err(|error| problem(app, &error))
}

/// Signs a post of the visitor's own for as long as any other; what review refused, or nothing.
pub(crate) async fn sign_alone(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    seen: Digest,
    reason: &str,
) -> Result<Option<ReviewError>, WebError> {
    let from = post.scheduled_at.max(app.clock.now());
    let window = Window { not_before: from, not_after: from + APPROVED_FOR };
    let capability = capability(app, post)?;
    let by = &visitor.user;
    Ok(app.review.approve_alone(by, post.id, seen, window, capability, reason).await.err())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Urgent {
    digest: String,
    #[serde(default)]
    reason: String,
}

/// The form of the queue.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Urgent>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let back = Back::of(&app, &visitor, &post, "queue").await?;
    let seen: Digest = form.digest.parse().map_err(|_| WebError::missing())?;
    let moved = sign_alone(&app, &visitor, &post, seen, &form.reason).await?;
    let problem = moved.map(|error| refusal(&app, &visitor, &error));
    answer_from(&app, &visitor, &headers, &post, problem, &back).await
}

/// What a second person says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Second {
    act: Act,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Confirm,
    TakeBack,
}

async fn settle(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    said: &Second,
) -> Result<SecondLook, ReviewError> {
    match said.act {
        Act::Confirm => app.review.confirm_alone(&visitor.user, post.id).await,
        Act::TakeBack => app.review.take_back_alone(&visitor.user, post.id, &said.reason).await,
    }
}

/// The form of *Cần xử lý*.
pub(crate) async fn look(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(said): Form<Second>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    match settle(&app, &visitor, &post, &said).await {
        Ok(_) => Ok(Redirect::to("/can-xu-ly").into_response()),
        Err(error) => Err(problem(&app, &error)),
    }
}

/// The same as an operation.
pub(crate) async fn look_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(said): Json<Second>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    settle(&app, &visitor, &post, &said).await.map_err(|error| problem(&app, &error))?;
    now(&app, &visitor, &post).await
}

/// A second look that is owed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Owed {
    post: String,
    title: String,
    account_title: String,
    channel: String,
    state: String,
    digest: String,
    digest_short: String,
    by: String,
    at: String,
    reason: String,
    due: Timestamp,
    due_at: String,
    late: bool,
    /// Whether this visitor may say what becomes of it.
    may: bool,
}

/// How many second looks are owed in an agency.
pub(crate) async fn count(app: &Shared, agency: &str) -> Result<usize, WebError> {
    let owed = app.review.second_looks(agency, MOST).await;
    Ok(owed.map_err(|error| problem(app, &error))?.len())
}

/// Second looks that are owed in the visitor's agency.
pub(crate) async fn owed(app: &Shared, visitor: &Visitor) -> Result<Vec<Owed>, WebError> {
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    let looks = app.review.second_looks(&visitor.user.agency, MOST).await;
    let mut found = Vec::new();
    for look in looks.map_err(|error| problem(app, &error))? {
        let Some(row) = app.store.read::<Post>(&look.post.to_string()).await? else { continue };
        let post = row.record;
        let (state, _) = pages::state_of(app, &post).await?;
        let wrote = post.was_written_by(visitor.user.id) || look.by == visitor.user.id;
        found.push(Owed {
            post: post.id.to_string(),
            title: pages::article_title(app, &post).await?,
            account_title: pages::account_title(app, &post).await?,
            channel: pages::channel_title(app, &post.account),
            state,
            digest: look.digest.to_string(),
            digest_short: look.digest.short(),
            by: name_of_user(app, look.by, &mut names).await?,
            at: view::time(look.at, ZONE),
            reason: look.reason,
            due: look.due_at,
            due_at: view::time(look.due_at, ZONE),
            late: look.due_at < app.clock.now(),
            may: !wrote && visitor.user.is(Role::Approver),
        });
    }
    Ok(found)
}

/// The second look as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let schema = json!({
        "type": "object", "required": ["act"], "additionalProperties": false,
        "properties": { "act": { "enum": ["confirm", "take_back"] }, "reason": { "type": "string" } },
    });
    let summary = "Confirm or take back a post that one person approved in an emergency (another approver; taking back wants a reason)";
    approvals::told(summary, "The post as it is now", Some(schema), &PROBLEMS)
}
