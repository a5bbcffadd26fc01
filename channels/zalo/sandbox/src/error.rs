//! The platform's envelope: every answer is HTTP 200 and says in `error` how it went.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OaError {
    pub(crate) code: i32,
    pub(crate) message: String,
}

impl OaError {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A parameter is wrong.
    pub(crate) fn invalid(field: &str) -> Self {
        Self::new(-201, format!("{field} is invalid"))
    }

    pub(crate) fn expired() -> Self {
        Self::new(-220, "Access token has expired")
    }

    pub(crate) fn throttled() -> Self {
        Self::new(-32, "Your application reached limit call api")
    }

    pub(crate) fn value(&self) -> Value {
        json!({ "error": self.code, "message": self.message })
    }
}

impl From<loa_sandbox::Error> for OaError {
    fn from(error: loa_sandbox::Error) -> Self {
        tracing::error!(%error, "the stand-in cannot keep its state");
        Self::new(-1, "Unknown error")
    }
}

impl IntoResponse for OaError {
    fn into_response(self) -> Response {
        Json(self.value()).into_response()
    }
}

/// Success with data.
pub(crate) fn success(data: &Value) -> Value {
    json!({ "error": 0, "message": "Success", "data": data })
}
