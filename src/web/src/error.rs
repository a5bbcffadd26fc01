//! Failures as pages: what happened and what to do, in the reader's language.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// What a page of a failure says.
#[derive(Debug, Clone)]
pub(crate) struct Said(pub(crate) String);

/// A request that cannot be answered as asked.
#[derive(Debug)]
pub(crate) struct WebError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Methods that the address takes, where it was asked by another one.
    pub(crate) allow: Option<HeaderValue>,
}

impl WebError {
    /// A failure with a text for the person.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), allow: None }
    }

    /// Says which methods the address takes.
    pub(crate) fn allowing(self, methods: &str) -> Self {
        Self { allow: HeaderValue::from_str(methods).ok(), ..self }
    }

    /// What was asked for cannot be.
    pub(crate) fn unfit(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// The message in one language, where a person can mend what they asked for: a page says it beside the form.
    pub(crate) fn mendable(&self, lang: &str) -> Option<String> {
        let (vi, en) = parts(&self.message);
        let mendable =
            [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];
        mendable.contains(&self.status).then(|| if lang == "en" { en } else { vi }.to_owned())
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

    /// Nobody who is known.
    pub(crate) fn unknown() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Hãy đăng nhập trước / Sign in first")
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

/// What stands between the two languages of a message.
pub(crate) const BETWEEN: &str = " / ";

/// The two languages of a message: `Không tìm thấy / Not found`.
pub(crate) fn parts(message: &str) -> (&str, &str) {
    message.split_once(BETWEEN).unwrap_or((message, message))
}

/// A failure of an operation, RFC 9457, in both languages; `detail` is in the language that was asked for.
pub(crate) fn problem(status: StatusCode, message: &str, lang: &str) -> Response {
    let (vi, en) = parts(message);
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": if lang == "en" { en } else { vi },
        "detail_vi": vi,
        "detail_en": en,
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, problem.to_string()).into_response()
}

/// The answer of an operation: what failed is a problem, whoever found it.
pub(crate) async fn told(mut response: Response, lang: &str) -> Response {
    /// Longest sentence of the framework that is passed on, bytes.
    const MOST: usize = 4096;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    if let Some(Said(message)) = response.extensions_mut().remove() {
        let mut told = problem(status, &message, lang);
        for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE, header::ALLOW] {
            if let Some(value) = response.headers_mut().remove(&name) {
                told.headers_mut().insert(name, value);
            }
        }
        return told;
    }
    let body = axum::body::to_bytes(response.into_body(), MOST).await.unwrap_or_default();
    let why = String::from_utf8_lossy(&body);
    let why = if why.is_empty() { status.canonical_reason().unwrap_or_default() } else { &why };
    problem(status, &format!("Yêu cầu không đúng: {why} / The request is not right: {why}"), lang)
}

/// What stands above the sentence of a failure.
fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "Không được phép / Not allowed",
        StatusCode::NOT_FOUND => "Không có trang này / There is no such page",
        StatusCode::GONE => "Không còn nữa / It is gone",
        StatusCode::TOO_MANY_REQUESTS => "Hãy đợi một lát / Wait a moment",
        status if status.is_server_error() => "Có lỗi ở phía Loa / Something failed in Loa",
        _ => "Chưa làm được / Not done",
    }
}

/// The page of a failure: in the reader's language where it is known, else in both.
fn page(status: StatusCode, message: &str, lang: Option<&str>, back: Option<&str>) -> String {
    let said = |text: &'static str| match (lang, parts(text)) {
        (Some("en"), (_, en)) => en,
        (Some(_), (vi, _)) => vi,
        (None, _) => text,
    };
    let message = match (lang, parts(message)) {
        (Some("en"), (_, en)) => en,
        (Some(_), (vi, _)) => vi,
        (None, _) => message,
    };
    let (text, code) = (crate::view::escape(message), status.as_u16());
    let (heading, home) = (said(heading(status)), said("Về trang chính / Home"));
    let back = back.map_or_else(String::new, |path| {
        let (path, words) = (crate::view::escape(path), said("Quay lại / Back"));
        format!("<a class=\"button primary\" href=\"{path}\">{words}</a> ")
    });
    let lang = lang.unwrap_or("vi");
    format!(
        "<!doctype html><html lang=\"{lang}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{heading} · Loa</title><link rel=\"stylesheet\" href=\"/static/app.css\"><link rel=\"icon\" href=\"/static/loa.svg\" type=\"image/svg+xml\"><body class=\"plain\"><main class=\"notice card\">\
         <p class=\"brand\"><img src=\"/static/loa.svg\" alt=\"\" width=\"32\" height=\"32\"><span>Loa</span></p>\
         <h1>{heading}</h1><p>{text}</p><p class=\"small muted\">{code}</p><p>{back}<a class=\"button\" href=\"/\">{home}</a></p></main></body></html>"
    )
}

/// The answer of a page: what failed is said in the reader's language, also where the framework found it, with a way back to
/// the form it came from.
pub(crate) async fn shown(mut response: Response, lang: &str, back: Option<&str>) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_bare = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let message = match response.extensions_mut().remove() {
        Some(Said(message)) => message,
        None if is_bare && status.is_client_error() => {
            let body = axum::body::to_bytes(std::mem::take(response.body_mut()), 4096).await;
            let why = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
            tracing::warn!(code = status.as_u16(), why, "A form or an address could not be read");
            "Loa không đọc được những gì vừa gửi; hãy quay lại, tải lại trang rồi thử lần nữa / Loa could not read what was sent; go back, reload the page and try again".to_owned()
        }
        None => return response,
    };
    // Home is no way back: it has a button of its own.
    let back = back.filter(|path| *path != "/");
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(parts, page(status, &message, Some(lang), back).into())
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let page = page(self.status, &self.message, None, None);
        let mut response = (self.status, Html(page)).into_response();
        response.headers_mut().extend(self.allow.map(|methods| (header::ALLOW, methods)));
        // An operation of the interface says it as a problem instead, a page in the reader's language.
        response.extensions_mut().insert(Said(self.message));
        response
    }
}

pub(crate) async fn not_found() -> WebError {
    WebError::missing()
}
