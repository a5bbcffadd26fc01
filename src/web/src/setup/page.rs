//! The pages of the first set-up: the code, then one form. They work without script.

use std::net::SocketAddr;

use axum::{
    Form,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{Agency, Role, brand::is_open_to};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use super::{FirstPerson, Founded, Wanted, WantedAgency, enter, found, nobody};
use crate::{
    Shared,
    article::ZONE,
    auth::{self, LANGUAGE, set_cookie, set_session},
    error::WebError,
};

/// Agencies of the settings that are offered.
const MOST: usize = 100;

/// What a person has put into the form; the passwords are never shown again.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Filled {
    code: String,
    /// The language that is wanted for these pages.
    speak: Option<String>,
    /// Whether the form was shown: only then a tick that is missing was taken away.
    shown: Option<String>,
    agency: String,
    title: String,
    short: String,
    zone: String,
    brand: String,
    name: String,
    login: String,
    password: String,
    again: String,
    writes: Option<String>,
    approves: Option<String>,
    analyses: Option<String>,
}

#[derive(Serialize)]
struct Page {
    /// Whether the code was right.
    inside: bool,
    problem: String,
    code: String,
    /// Agencies that the settings made.
    agencies: Vec<(String, String)>,
    brands: Vec<String>,
    zones: Vec<String>,
    agency: String,
    title: String,
    short: String,
    zone: String,
    brand: String,
    name: String,
    login: String,
    writes: bool,
    approves: bool,
    analyses: bool,
    /// Whether the passwords are what is wrong: the cursor goes there.
    mistyped: bool,
}

/// The language of these pages: what the form asks for, else what the browser keeps.
fn language(app: &Shared, headers: &HeaderMap, filled: &Filled) -> String {
    let asked = filled.speak.as_deref().filter(|lang| ["vi", "en"].contains(lang));
    asked.map_or_else(|| auth::language_of(headers, &app.config.language), str::to_owned)
}

async fn drawn(
    app: &Shared,
    lang: &str,
    inside: bool,
    filled: Filled,
    problem: String,
) -> Result<Html<String>, WebError> {
    let agencies = if inside { app.store.all::<Agency>(MOST).await? } else { Vec::new() };
    let agencies = agencies.into_iter().map(|row| (row.record.name, row.record.title));
    let fresh = filled.shown.is_none();
    let mistyped = inside && filled.password != filled.again;
    let page = Page {
        mistyped,
        inside,
        problem,
        code: if inside { filled.code } else { String::new() },
        agencies: agencies.collect(),
        brands: app.door.with.brands.iter().filter(|kit| is_open_to(kit, "")).cloned().collect(),
        zones: jiff::tz::db().available().map(|zone| zone.to_string()).collect(),
        agency: filled.agency,
        title: filled.title,
        short: filled.short,
        zone: if filled.zone.is_empty() { ZONE.to_owned() } else { filled.zone },
        brand: filled.brand,
        name: filled.name,
        login: filled.login,
        writes: fresh || filled.writes.is_some(),
        approves: filled.approves.is_some(),
        analyses: filled.analyses.is_some(),
    };
    Ok(Html(app.assets.render("pages/setup.html", lang, page)?))
}

/// The page again, with what was wrong.
async fn refused(
    app: &Shared,
    lang: &str,
    inside: bool,
    filled: Filled,
    error: WebError,
) -> Result<Response, WebError> {
    let Some(problem) = error.mendable(lang) else { return Err(error) };
    let page = drawn(app, lang, inside, filled, problem).await?;
    Ok((error.status, page).into_response())
}

/// The door: it asks for the code.
pub(crate) async fn page(
    State(app): State<Shared>,
    headers: HeaderMap,
) -> Result<Html<String>, WebError> {
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    let filled = Filled::default();
    let lang = language(&app, &headers, &filled);
    drawn(&app, &lang, false, filled, String::new()).await
}

/// Whoever reloads the page after the code begins anew.
pub(crate) async fn again(State(app): State<Shared>) -> Result<Redirect, WebError> {
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    Ok(Redirect::to("/cai-dat"))
}

/// Takes the code and shows the form; also whoever asks for the other language comes here, with what they wrote so far.
pub(crate) async fn code(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, WebError> {
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    if !auth::same_origin(&headers) {
        return Err(WebError::foreign());
    }
    let lang = language(&app, &headers, &filled);
    let only_speaks = filled.speak.is_some() && filled.code.trim().is_empty();
    let mut answer = if only_speaks {
        drawn(&app, &lang, false, filled, String::new()).await?.into_response()
    } else {
        match enter(&app, peer.ip(), &filled.code) {
            Ok(()) => drawn(&app, &lang, true, filled, String::new()).await?.into_response(),
            Err(error) => refused(&app, &lang, false, filled, error).await?,
        }
    };
    set_cookie(&mut answer, &app, LANGUAGE, &lang, 365 * 86_400);
    Ok(answer)
}

/// Sets everything up and lets the new administrator in.
pub(crate) async fn press(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, WebError> {
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    if !auth::same_origin(&headers) {
        return Err(WebError::foreign());
    }
    let lang = language(&app, &headers, &filled);
    if let Err(error) = enter(&app, peer.ip(), &filled.code) {
        return refused(&app, &lang, false, filled, error).await;
    }
    if filled.password != filled.again {
        let error = WebError::unfit(
            "Hai lần gõ mật khẩu không giống nhau / The two passwords are not the same",
        );
        return refused(&app, &lang, true, filled, error).await;
    }
    match found(&app, &headers, peer.ip(), wanted(&filled, &lang)).await {
        Ok(Founded { user, token }) => {
            let mut answer = Redirect::to("/").into_response();
            set_session(&mut answer, &app, &user, &token);
            Ok(answer)
        }
        Err(error) if error.status == StatusCode::CONFLICT => Err(error),
        Err(error) => refused(&app, &lang, true, filled, error).await,
    }
}

fn wanted(filled: &Filled, lang: &str) -> Wanted {
    let mut roles = Vec::new();
    if filled.writes.is_some() {
        roles.extend([Role::Author, Role::Editor]);
    }
    roles.extend(filled.approves.is_some().then_some(Role::Approver));
    roles.extend(filled.analyses.is_some().then_some(Role::Analyst));
    let own = filled.agency.is_empty();
    Wanted {
        code: filled.code.clone(),
        agency: WantedAgency {
            title: filled.title.clone(),
            name: if own { filled.short.clone() } else { filled.agency.clone() },
            zone: filled.zone.trim().to_owned(),
            brand: filled.brand.clone(),
        },
        person: FirstPerson {
            name: filled.name.clone(),
            login: filled.login.trim().to_owned(),
            password: filled.password.clone(),
            roles,
            lang: Some(lang.to_owned()),
        },
    }
}
