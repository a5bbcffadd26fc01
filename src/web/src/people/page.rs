//! The page of people and its forms.

use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::Role;
use serde::{Deserialize, Serialize};

use super::{
    Change, Fresh, Given, NewPerson, add, all, change, give_password,
    guests::{self, Invited},
};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    view,
};

/// The roles that are ticked in a form.
#[derive(Debug, Deserialize)]
struct Ticked {
    author: Option<String>,
    editor: Option<String>,
    approver: Option<String>,
    analyst: Option<String>,
    admin: Option<String>,
}

impl Ticked {
    fn roles(&self) -> Vec<Role> {
        let ticks = [&self.author, &self.editor, &self.approver, &self.analyst, &self.admin];
        let roles = Role::ALL.into_iter().zip(ticks);
        roles.filter(|(_, tick)| tick.is_some()).map(|(role, _)| role).collect()
    }
}

/// Who is added, by the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Added {
    login: String,
    name: String,
    lang: String,
    #[serde(flatten)]
    ticked: Ticked,
}

/// What a person becomes, by the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Edited {
    /// Not there for guests: their own agency keeps it.
    name: Option<String>,
    #[serde(flatten)]
    ticked: Ticked,
}

#[derive(Serialize)]
struct PersonRow {
    id: String,
    login: String,
    name: String,
    roles: Vec<String>,
    active: bool,
    belongs: bool,
    must_renew: bool,
    elsewhere: Vec<String>,
    last_sign_in: String,
}

#[derive(Serialize)]
struct Page {
    tab: &'static str,
    people: Vec<PersonRow>,
    all_roles: Vec<String>,
    /// A password that was made just now.
    given: Option<Given>,
    /// Why nothing was changed; empty when something was.
    problem: String,
    /// What stood in the form that adds a person.
    typed: Typed,
}

/// The form that adds a person, as it was sent: it is shown again where something in it cannot be.
#[derive(Debug, Default, Serialize)]
struct Typed {
    login: String,
    name: String,
    lang: String,
    roles: Vec<String>,
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    given: Option<Given>,
    problem: String,
    typed: Typed,
) -> Result<Html<String>, WebError> {
    let row = |person: super::PersonView| PersonRow {
        id: person.id.to_string(),
        login: person.login,
        name: person.name,
        roles: person.roles.iter().map(name_of).collect(),
        active: person.active,
        belongs: person.belongs,
        must_renew: person.must_renew,
        elsewhere: person.elsewhere,
        last_sign_in: person.last_sign_in.map(|at| view::time(at, ZONE)).unwrap_or_default(),
    };
    let people = all(app, visitor).await?.into_iter().map(row).collect();
    let all_roles = Role::ALL.iter().map(name_of).collect();
    let page = Page { tab: "people", people, all_roles, given, problem, typed };
    pages::draw(app, visitor, "people", "pages/people.html", page).await
}

/// The page again, with what kept the change from being made.
async fn refused(
    app: &Shared,
    visitor: &Visitor,
    error: WebError,
    typed: Typed,
) -> Result<Response, WebError> {
    let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
    let page = drawn(app, visitor, None, problem, typed).await?;
    Ok((error.status, page).into_response())
}

async fn told(
    app: &Shared,
    visitor: &Visitor,
    given: Result<Given, WebError>,
    typed: Typed,
) -> Result<Response, WebError> {
    match given {
        Ok(given) => {
            let page = drawn(app, visitor, Some(given), String::new(), Typed::default()).await?;
            Ok(page.into_response())
        }
        Err(error) => refused(app, visitor, error, typed).await,
    }
}

async fn back(
    app: &Shared,
    visitor: &Visitor,
    done: Result<(), WebError>,
) -> Result<Response, WebError> {
    match done {
        Ok(()) => Ok(Redirect::to("/quan-tri").into_response()),
        Err(error) => refused(app, visitor, error, Typed::default()).await,
    }
}

/// The people of the agency.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, None, String::new(), Typed::default()).await
}

/// Adds a person and shows their first password.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Added>,
) -> Result<Response, WebError> {
    let roles = form.ticked.roles();
    let typed = Typed {
        login: form.login.clone(),
        name: form.name.clone(),
        lang: form.lang.clone(),
        roles: roles.iter().map(name_of).collect(),
    };
    let new = NewPerson { login: form.login, name: form.name, roles, lang: form.lang };
    let given = add(&app, &visitor, new).await;
    told(&app, &visitor, given, typed).await
}

/// Changes name and roles.
pub(crate) async fn edit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<Edited>,
) -> Result<Response, WebError> {
    let roles = Some(form.ticked.roles());
    let wanted = Change { name: form.name, roles, active: None };
    let done = change(&app, &visitor, &id, wanted).await;
    back(&app, &visitor, done).await
}

/// Who is let in, by the form.
#[derive(Debug, Deserialize)]
pub(crate) struct Guest {
    login: String,
    #[serde(flatten)]
    ticked: Ticked,
}

/// Lets a person of another agency in.
pub(crate) async fn invite(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Guest>,
) -> Result<Response, WebError> {
    let wanted = Invited { roles: form.ticked.roles(), login: form.login };
    let done = guests::invite(&app, &visitor, wanted).await.map(|_| ());
    back(&app, &visitor, done).await
}

/// Takes one out again.
pub(crate) async fn take_out(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let done = guests::take_out(&app, &visitor, &id).await;
    back(&app, &visitor, done).await
}

/// What goes with a new password, by the form: what is not ticked is not sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Renewed {
    revoke_tokens: Option<String>,
}

/// Shows a new password of a person.
pub(crate) async fn give(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(Renewed { revoke_tokens }): Form<Renewed>,
) -> Result<Response, WebError> {
    let fresh = Fresh { revoke_tokens: revoke_tokens.is_some() };
    let given = give_password(&app, &visitor, &id, fresh).await;
    told(&app, &visitor, given, Typed::default()).await
}

/// Lets a person in no more.
pub(crate) async fn deactivate(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let wanted = Change { active: Some(false), ..Change::default() };
    let done = change(&app, &visitor, &id, wanted).await;
    back(&app, &visitor, done).await
}

/// Lets a person in again.
pub(crate) async fn reactivate(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let wanted = Change { active: Some(true), ..Change::default() };
    let done = change(&app, &visitor, &id, wanted).await;
    back(&app, &visitor, done).await
}
