//! *Quản trị → Mã cho phần mềm*: every token that acts for an agency, whoever of its people made it.

use std::cmp::Reverse;

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use loa_model::UserId;
use serde::Serialize;

use super::{TokenRow, TokenView, row, taken_back};
use crate::{Shared, auth::Visitor, error::WebError, pages, people};

/// A token and whose it is.
#[derive(Debug, Serialize)]
pub(crate) struct OwnedToken {
    #[serde(flatten)]
    token: TokenView,
    user: UserId,
    login: String,
    /// Name of its person.
    owner: String,
    /// Whether its person may sign in; without that it opens nothing.
    owner_active: bool,
}

/// Where a token stands in the list.
pub(super) fn place(owned: &OwnedToken) -> (bool, String, Reverse<Timestamp>, String) {
    let OwnedToken { token, login, .. } = owned;
    (token.state != "open", login.clone(), Reverse(token.created_at), token.id.to_string())
}

/// Tokens that act for the visitor's agency: those that open something first, each person's newest first.
pub(crate) async fn of_agency(
    app: &Shared,
    visitor: &Visitor,
) -> Result<Vec<OwnedToken>, WebError> {
    let agency = &visitor.user.agency;
    let mut all = Vec::new();
    for user in people::of_agency(app, agency).await?.into_iter().map(|row| row.record) {
        let own = super::of_user(app, user.id).await?.into_iter();
        all.extend(own.filter(|token| token.agency == *agency).map(|token| OwnedToken {
            token,
            user: user.id,
            login: user.login.clone(),
            owner: user.name.clone(),
            owner_active: user.is_active(),
        }));
    }
    all.sort_by_key(place);
    Ok(all)
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    token: TokenRow,
    login: String,
    owner: String,
    owner_active: bool,
}

#[derive(Serialize)]
struct Page {
    tab: &'static str,
    tokens: Vec<Row>,
    open: usize,
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let tokens = of_agency(&app, &visitor).await?.into_iter();
    let rows = tokens.map(|owned| Row {
        token: row(owned.token),
        login: owned.login,
        owner: owned.owner,
        owner_active: owned.owner_active,
    });
    let tokens: Vec<Row> = rows.collect();
    let open = tokens.iter().filter(|row| row.token.state == "open").count();
    let page = Page { tab: "tokens", tokens, open };
    pages::draw(&app, &visitor, "people", "pages/tokens.html", page).await
}

/// Takes one back.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    taken_back(&app, &visitor, &id).await?;
    Ok(Redirect::to("/quan-tri/ma").into_response())
}
