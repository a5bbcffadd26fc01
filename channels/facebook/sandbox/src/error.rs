//! The platform's error envelope.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A refusal in the platform's envelope.
#[derive(Debug, Clone)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: u32,
    pub(crate) subcode: Option<u32>,
    pub(crate) message: String,
    pub(crate) transient: bool,
    pub(crate) user_message: Option<String>,
    pub(crate) data: Option<Value>,
}

impl GraphError {
    pub(crate) fn new(code: u32, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status: 400,
            code,
            subcode: None,
            message,
            transient: false,
            user_message: None,
            data: None,
        }
    }

    pub(crate) fn sub(mut self, subcode: u32) -> Self {
        self.subcode = Some(subcode);
        self
    }

    pub(crate) fn user(mut self, message: &str) -> Self {
        self.user_message = Some(message.to_owned());
        self
    }

    pub(crate) fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// A parameter is wrong.
    pub(crate) fn param(message: &str) -> Self {
        Self::new(100, format!("(#100) {message}"))
    }

    /// The object is not there, not yet, or not for this caller.
    pub(crate) fn missing(id: &str) -> Self {
        let message = format!(
            "Unsupported get request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation"
        );
        Self::new(100, message).sub(33)
    }

    /// The token has run out.
    pub(crate) fn expired() -> Self {
        let message = "Error validating access token: Session has expired";
        Self { status: 401, ..Self::new(190, message).sub(463) }
    }

    /// The Page's allowance is used up.
    pub(crate) fn throttled() -> Self {
        Self::new(
            80001,
            "There have been too many calls to this Page account. Wait a bit and try again.",
        )
    }

    /// Our own disk failed.
    pub(crate) fn internal(error: &loa_sandbox::Error) -> Self {
        tracing::error!(%error, "the stand-in cannot keep its state");
        let message = "An unexpected error has occurred. Please retry your request later.";
        Self { status: 500, transient: true, ..Self::new(2, message) }
    }

    pub(crate) fn value(&self) -> Value {
        let kind = match self.code {
            100 if self.subcode == Some(33) => "GraphMethodException",
            _ => "OAuthException",
        };
        let mut error = json!({
            "message": self.message,
            "type": kind,
            "code": self.code,
            "is_transient": self.transient,
            "fbtrace_id": format!("A{:010}{:06}", self.code, self.subcode.unwrap_or(0) % 1_000_000),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(text) = &self.user_message {
            error["error_user_title"] = "Không thực hiện được".into();
            error["error_user_msg"] = text.as_str().into();
        }
        if let Some(data) = &self.data {
            error["error_data"] = data.clone();
        }
        json!({ "error": error })
    }
}

impl From<loa_sandbox::Error> for GraphError {
    fn from(error: loa_sandbox::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for GraphError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        (status, Json(self.value())).into_response()
    }
}
