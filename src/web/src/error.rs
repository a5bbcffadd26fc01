//! Failures as pages: what happened and what to do, in the reader's language.

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

/// A request that cannot be answered as asked.
#[derive(Debug)]
pub(crate) struct WebError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl WebError {
    /// A failure with a text for the person.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Nothing here.
    pub(crate) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Không tìm thấy / Not found")
    }

    /// Sent by somebody else's page.
    pub(crate) fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Yêu cầu không đến từ trang của Loa / The request does not come from a page of Loa",
        )
    }

    /// Not allowed for this role.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Vai trò của bạn không được làm việc này; hãy nhờ quản trị viên / Your role may not do this; ask an administrator",
        )
    }
}

impl From<loa_store::Error> for WebError {
    fn from(error: loa_store::Error) -> Self {
        match error {
            loa_store::Error::Conflict { .. } => Self::new(
                StatusCode::CONFLICT,
                "Có người vừa thay đổi; hãy tải lại trang / Somebody changed this just now; reload the page",
            ),
            other => {
                tracing::error!(error = %other, "Could not read or write the store");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Lỗi lưu trữ, đã ghi nhật ký / Storage failed, it is in the log",
                )
            }
        }
    }
}

impl From<minijinja::Error> for WebError {
    fn from(error: minijinja::Error) -> Self {
        tracing::error!(error = ?error, "Could not draw a page");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Lỗi hiển thị, đã ghi nhật ký / The page failed, it is in the log",
        )
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let text = crate::view::escape(&self.message);
        let code = self.status.as_u16();
        let page = format!(
            "<!doctype html><html lang=\"vi\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{code} · Loa</title><link rel=\"stylesheet\" href=\"/static/app.css\"><link rel=\"icon\" href=\"/static/loa.svg\" type=\"image/svg+xml\"><body class=\"plain\"><main class=\"notice card\">\
             <p class=\"brand\"><img src=\"/static/loa.svg\" alt=\"\" width=\"32\" height=\"32\"><span>Loa</span></p>\
             <h1 class=\"code\">{code}</h1><p>{text}</p><p><a class=\"button\" href=\"/\">Về trang chính / Home</a></p></main></body></html>"
        );
        (self.status, Html(page)).into_response()
    }
}

pub(crate) async fn not_found() -> WebError {
    WebError::missing()
}
