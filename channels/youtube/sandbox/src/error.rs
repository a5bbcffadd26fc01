//! Refusals in the envelope of Google's APIs.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(status: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into() }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "authError", "Request had invalid authentication credentials.")
    }

    pub(crate) fn quota() -> Self {
        let message = "The request cannot be completed because you have exceeded your <a href=\"/youtube/v3/getting-started#quota\">quota</a>.";
        Self::new(403, "quotaExceeded", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "videoNotFound", "The video that you are trying to use cannot be found.")
    }

    pub(crate) fn invalid(reason: &'static str) -> Self {
        Self::new(400, reason, "The request metadata is invalid.")
    }

    pub(crate) fn internal(error: &loa_sandbox::Error) -> Self {
        Self::new(500, "internalError", error.to_string())
    }
}

impl From<loa_sandbox::Error> for ApiError {
    fn from(error: loa_sandbox::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, domain) = match self.status {
            401 => ("UNAUTHENTICATED", "global"),
            403 if self.reason == "quotaExceeded" => ("PERMISSION_DENIED", "youtube.quota"),
            403 => ("PERMISSION_DENIED", "youtube.common"),
            404 => ("NOT_FOUND", "youtube.video"),
            429 => ("RESOURCE_EXHAUSTED", "usageLimits"),
            500.. => ("INTERNAL", "global"),
            _ => ("INVALID_ARGUMENT", "youtube.video"),
        };
        let body = json!({ "error": {
            "code": self.status,
            "message": self.message,
            "errors": [{ "message": self.message, "domain": domain, "reason": self.reason }],
            "status": status,
        }});
        let code = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, Json(body)).into_response()
    }
}
