//! The page on which a person whose password was given by somebody else chooses their own, before anything else answers them.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Serialize;

use crate::{
    Shared,
    auth::{Visitor, by_htmx},
    error::WebError,
};

/// Where they choose it.
const AT: &str = "/toi/mat-khau";

/// What answers them until then: the ways to choose it, and the way out.
pub(crate) const ANSWERING: [&str; 3] = [AT, "/api/v1/own/password", "/dang-xuat"];

/// What everything else says: pages lead there, operations refuse.
pub(crate) fn first(headers: &HeaderMap, path: &str) -> Result<Response, WebError> {
    if by_htmx(headers) {
        // A redirect would put the page inside the card.
        return Ok((StatusCode::FORBIDDEN, [("hx-redirect", AT)]).into_response());
    }
    if path.starts_with("/api/") {
        return Err(WebError::new(
            StatusCode::FORBIDDEN,
            "Mật khẩu này do người khác cấp: hãy đổi mật khẩu trước khi làm việc khác / This password was given by somebody else: change it before anything else",
        ));
    }
    Ok(Redirect::to(AT).into_response())
}

/// The page, with what was wrong with the password that was chosen.
pub(super) fn drawn(
    app: &Shared,
    visitor: &Visitor,
    problem: String,
) -> Result<Html<String>, WebError> {
    #[derive(Serialize)]
    struct Page {
        login: String,
        problem: String,
    }
    let page = Page { login: visitor.user.login.clone(), problem };
    Ok(Html(app.assets.render("pages/renew.html", &visitor.lang, page)?))
}

/// The page; whoever has a password of their own changes it on their own page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, WebError> {
    if visitor.user.must_renew {
        return Ok(drawn(&app, &visitor, String::new())?.into_response());
    }
    Ok(Redirect::to("/toi").into_response())
}
