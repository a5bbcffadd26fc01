//! The page of agencies and its forms.

use axum::{
    Extension, Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Serialize};

use super::{Administered, Change, NewAgency, add, all, change};
use crate::{Shared, auth::Visitor, error::WebError, pages};

/// Zones that the form offers; any other may be typed.
const ZONES: [&str; 6] = [
    "Asia/Ho_Chi_Minh",
    "Asia/Bangkok",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Europe/Moscow",
    "America/New_York",
];

#[derive(Serialize)]
struct Page {
    tab: &'static str,
    #[serde(flatten)]
    agencies: Administered,
    zones: [&'static str; 6],
    /// Key of the agency that was added just now; empty when none was.
    added: String,
    /// Why nothing was changed; empty when something was.
    problem: String,
    /// What stood in the form that was refused.
    typed: Typed,
}

/// A form as it was sent: it is shown again where something in it cannot be.
#[derive(Debug, Default, Serialize)]
struct Typed {
    /// Key of the agency whose form it was; empty where it was none.
    of: String,
    /// Whether it was the form that adds one.
    adds: bool,
    name: String,
    title: String,
    zone: String,
    brand: String,
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    added: String,
    (problem, typed): (String, Typed),
) -> Result<Html<String>, WebError> {
    let agencies = all(app, visitor).await?;
    let page = Page { tab: "agencies", agencies, zones: ZONES, added, problem, typed };
    pages::draw(app, visitor, "people", "pages/agencies.html", page).await
}

/// The page again, with what kept the change from being made and what was typed.
async fn refused(
    app: &Shared,
    visitor: &Visitor,
    error: WebError,
    typed: Typed,
) -> Result<Response, WebError> {
    let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
    let page = drawn(app, visitor, String::new(), (problem, typed)).await?;
    Ok((error.status, page).into_response())
}

async fn back(
    app: &Shared,
    visitor: &Visitor,
    done: Result<(), WebError>,
    typed: Typed,
) -> Result<Response, WebError> {
    match done {
        Ok(()) => Ok(Redirect::to("/quan-tri/co-quan").into_response()),
        Err(error) => refused(app, visitor, error, typed).await,
    }
}

/// What the page says was done just now.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    /// The key of an agency that was added.
    #[serde(default)]
    them: String,
}

/// The agencies that the visitor administers.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Done { them }): Query<Done>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, them, Default::default()).await
}

/// Adds an agency.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(new): Form<NewAgency>,
) -> Result<Response, WebError> {
    let typed = Typed {
        of: String::new(),
        adds: true,
        name: new.name.clone(),
        title: new.title.clone(),
        zone: new.zone.clone(),
        brand: new.brand.clone(),
    };
    match add(&app, &visitor, new).await {
        Ok(name) => Ok(Redirect::to(&format!("/quan-tri/co-quan?them={name}")).into_response()),
        Err(error) => refused(&app, &visitor, error, typed).await,
    }
}

/// What an agency becomes, by the form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edited {
    title: String,
    zone: String,
    brand: String,
}

/// Changes name, zone and brand.
pub(crate) async fn edit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(Edited { title, zone, brand }): Form<Edited>,
) -> Result<Response, WebError> {
    let typed = Typed {
        of: name.clone(),
        title: title.clone(),
        zone: zone.clone(),
        brand: brand.clone(),
        ..Typed::default()
    };
    let wanted =
        Change { title: Some(title), zone: Some(zone), brand: Some(brand), urgent_alone: None };
    let done = change(&app, &visitor, &name, wanted).await;
    back(&app, &visitor, done, typed).await
}

/// Whether approvers may sign urgent posts alone, by the form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turned {
    urgent_alone: bool,
}

/// Turns that on or off.
pub(crate) async fn turn(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Form(Turned { urgent_alone }): Form<Turned>,
) -> Result<Response, WebError> {
    let wanted = Change { urgent_alone: Some(urgent_alone), ..Change::default() };
    let done = change(&app, &visitor, &name, wanted).await;
    back(&app, &visitor, done, Typed::default()).await
}
