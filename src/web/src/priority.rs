//! How urgent work is, as people choose it.

use axum::http::StatusCode;
use loa_model::Priority;

use crate::error::WebError;

/// What a form chose; the day's work when it does not ask.
pub(crate) fn chosen(name: Option<&str>) -> Result<Priority, WebError> {
    let Some(name) = name else { return Ok(Priority::Normal) };
    Priority::named(name).ok_or_else(|| {
        WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Hãy chọn độ khẩn: Khẩn, Bình thường hoặc Khi rảnh / Choose a priority: Urgent, Normal or When idle",
        )
    })
}
