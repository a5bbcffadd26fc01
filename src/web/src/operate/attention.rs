//! What waits for a person, incidents, and jobs.

use std::cmp::Reverse;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use loa_model::JobId;
use serde_json::{Value, json};

use super::plain;
use crate::{
    Shared, approvals,
    attention::{Page, look},
    auth::Visitor,
    decide::desk_problem,
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages::{self, JobCard},
};

/// Everything that waits for people of the caller's agency.
pub(super) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Page>, WebError> {
    Ok(Json(look(&app, &visitor).await?))
}

/// Somebody dealt with an incident.
pub(super) async fn close(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let closed = app.desk.close_incident(&id, visitor.user.id).await;
    closed.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(json!({ "id": id, "closed": true })))
}

/// Jobs that run, wait or were given up.
pub(super) async fn jobs(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<JobCard>, WebError> {
    let jobs = pages::job_cards(&app, &visitor, None).await?;
    Piece::of(jobs, &part, |job| Reverse(job.id.clone()))
}

/// Calls a job off, or leaves one that was given up.
pub(super) async fn cancel(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let id: JobId = id.parse().map_err(|_| WebError::missing())?;
    pages::own_job(&app, &visitor, id).await?;
    let left = app.desk.leave_job(id, visitor.user.id).await;
    left.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(json!({ "id": id, "cancelled": true })))
}

/// Has a job tried again that was given up.
pub(super) async fn retry(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let id: JobId = id.parse().map_err(|_| WebError::missing())?;
    pages::own_job(&app, &visitor, id).await?;
    let done = app.desk.retry_job(id, visitor.user.id).await;
    done.map_err(|error| desk_problem(&app, &visitor, &error))?;
    Ok(Json(json!({ "id": id, "queued": true })))
}

/// The operation as `OpenAPI` says it.
pub(super) fn told() -> Value {
    let summary = "Everything that waits for a person: posts by state, jobs that were given up, incidents, second looks";
    plain(summary, "groups, dead, open, closed, looks", None, &[])
}

/// The operation as `OpenAPI` says it.
pub(super) fn close_told() -> Value {
    let problems = [("404", "No such incident in the caller's agency")];
    let summary = "Close an incident that was dealt with (roles editor, approver, admin)";
    approvals::told(summary, "It is closed", None, &problems)
}

/// The operation as `OpenAPI` says it.
pub(super) fn jobs_told() -> Value {
    piece::told("Jobs that run, wait or were given up, without measurements", "Jobs", &[])
}

const JOB: (&str, &str) = ("404", "No such job in the caller's agency");

/// The operation as `OpenAPI` says it.
pub(super) fn cancel_told() -> Value {
    let summary = "Call a job off, or leave one that was given up (roles author, editor, approver)";
    approvals::told(summary, "Its worker stops at the next heartbeat", None, &[JOB])
}

/// The operation as `OpenAPI` says it.
pub(super) fn retry_told() -> Value {
    let problems = [JOB, ("409", "It was not given up")];
    let summary = "Try a job again that was given up (roles author, editor, approver)";
    approvals::told(summary, "It is queued", None, &problems)
}

/// The operation as `OpenAPI` says it.
pub(super) fn progress_told() -> Value {
    let summary = "The progress of a job as server-sent events: progress, rest when it goes on later, then done";
    let mut told = approvals::told(summary, "", None, &[JOB]);
    told["responses"]["200"] = json!({
        "description": "Events until the job has no work before it",
        "content": { "text/event-stream": { "schema": { "type": "string" } } },
    });
    told
}
