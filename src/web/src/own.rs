//! *Trang của tôi*: what everybody changes about themselves: password, language, where they are signed in.

pub(crate) mod renew;

use std::cmp::Reverse;

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use loa_model::{Digest, User};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    article::ZONE,
    auth::{LANGUAGE, Session, Visitor, is_right, set_cookie},
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages::{self, name_of},
    people,
    tokens::{self, Made, TokenRow},
    view,
};

/// Fewest characters of a password that a person chooses.
const FEWEST: usize = 12;
/// Most of one: hashing a book would keep the machine busy.
const LONGEST: usize = 200;

/// An open session of a person. Its id is the digest of its token, which opens nothing.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    id: Digest,
    /// Whether it is the one that asks.
    this: bool,
    created_at: Option<Timestamp>,
    seen_at: Option<Timestamp>,
    expires_at: Timestamp,
    address: Option<String>,
    browser: Option<String>,
}

async fn sessions(app: &Shared, visitor: &Visitor) -> Result<Vec<SessionView>, WebError> {
    let rows = people::sessions(app, visitor.user.id).await?.into_iter();
    let view = |session: Session| SessionView {
        this: session.token == visitor.session,
        id: session.token,
        created_at: session.created_at,
        seen_at: session.seen_at,
        expires_at: session.expires_at,
        address: session.address,
        browser: session.browser,
    };
    Ok(rows.map(|row| view(row.record)).collect())
}

/// Ends one session of the visitor.
async fn revoke(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let id: Digest = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<Session>(&id.to_string()).await?;
    let row = row.filter(|row| row.record.user == visitor.user.id).ok_or_else(WebError::missing)?;
    if row.record.expires_at > app.clock.now() {
        let over = Session { expires_at: app.clock.now(), ..row.record };
        let changes = Changes::by(visitor.actor(), "revoke session").update(&over, row.version);
        app.store.commit(changes).await?;
    }
    Ok(())
}

/// Ends every session of the visitor but the one that asks.
async fn revoke_others(app: &Shared, visitor: &Visitor) -> Result<(), WebError> {
    let changes = Changes::by(visitor.actor(), "revoke other sessions");
    let but = Some(visitor.session);
    let changes = people::end_sessions(app, visitor.user.id, but, changes).await?;
    if !changes.rows.is_empty() {
        app.store.commit(changes).await?;
    }
    Ok(())
}

/// The old password and the new one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Passwords {
    old: String,
    new: String,
    /// Whoever knew the old password may have made tokens with it.
    #[serde(default = "yes")]
    revoke_tokens: bool,
}

fn yes() -> bool {
    true
}

/// What every password that a person chooses has to be.
pub(crate) fn fit_password(new: &str, login: &str) -> Result<(), WebError> {
    let length = new.chars().count();
    if !(FEWEST..=LONGEST).contains(&length) {
        return Err(WebError::unfit(
            "Mật khẩu mới có từ 12 đến 200 ký tự / The new password has 12 to 200 characters",
        ));
    }
    if new.to_lowercase() == login {
        return Err(WebError::unfit(
            "Mật khẩu mới không được trùng tên đăng nhập / The new password cannot be the sign-in name",
        ));
    }
    Ok(())
}

/// A new password of the visitor; whoever is signed in elsewhere has to know it.
async fn change_password(
    app: &Shared,
    visitor: &Visitor,
    Passwords { old, new, revoke_tokens }: Passwords,
) -> Result<(), WebError> {
    fit_password(&new, &visitor.user.login)?;
    if new == old {
        return Err(WebError::unfit(
            "Mật khẩu mới phải khác mật khẩu hiện tại / The new password has to be another one",
        ));
    }
    let now = app.clock.now();
    let key = format!("own|{}", visitor.user.id);
    if !app.attempts.allowed(&key, now) {
        return Err(WebError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Sai mật khẩu quá nhiều lần; hãy đợi mười phút / Too many wrong passwords; wait ten minutes",
        ));
    }
    let row = app.store.read::<User>(&visitor.user.id.to_string()).await?;
    let row = row.ok_or_else(WebError::missing)?;
    if !is_right(old, row.record.password_hash.clone()).await {
        app.attempts.failed(&key, now);
        return Err(WebError::unfit(
            "Mật khẩu hiện tại không đúng / The current password is not right",
        ));
    }
    let password_hash = people::hashed(app, new).await?;
    let user = User { password_hash, must_renew: false, ..row.record };
    let changes = Changes::by(visitor.actor(), "change own password").update(&user, row.version);
    let mut changes = people::end_sessions(app, user.id, Some(visitor.session), changes).await?;
    if revoke_tokens {
        changes = tokens::revoke_all(app, user.id, None, changes).await?;
    }
    app.store.commit(changes).await?;
    Ok(())
}

/// The same by the form: what is not ticked is not sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    old: String,
    new: String,
    revoke_tokens: Option<String>,
}

#[derive(Serialize)]
struct SessionRow {
    id: String,
    this: bool,
    created_at: String,
    seen_at: String,
    address: String,
    browser: String,
}

#[derive(Serialize)]
struct Page {
    login: String,
    roles: Vec<String>,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    /// Scopes that the person may give to a token.
    scopes: Vec<String>,
    /// A token that was made just now.
    made: Option<Made>,
    /// Key of the words for what was done; empty when nothing was.
    done: &'static str,
    /// Why nothing was changed; empty when something was.
    problem: String,
}

/// A browser and its system as people name them: what it says of itself is half a line of others' names.
fn called(browser: &str) -> String {
    let first = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| browser.contains(mark)).map(|(_, name)| *name)
    };
    let what = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("coc_coc", "Cốc Cốc"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let on = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (what, on) {
        (Some(what), Some(on)) => format!("{what}, {on}"),
        (Some(what), None) => what.to_owned(),
        _ => browser.chars().take(40).collect(),
    }
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    done: &'static str,
    problem: String,
) -> Result<Html<String>, WebError> {
    shown(app, visitor, (done, problem), None).await
}

/// The page after a token was asked for: with the token, or with what kept it from being made.
pub(crate) async fn after_token(
    app: &Shared,
    visitor: &Visitor,
    made: Result<Made, WebError>,
) -> Result<Response, WebError> {
    match made {
        Ok(made) => Ok(shown(app, visitor, ("", String::new()), Some(made)).await?.into_response()),
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            Ok((error.status, drawn(app, visitor, "", problem).await?).into_response())
        }
    }
}

async fn shown(
    app: &Shared,
    visitor: &Visitor,
    (done, problem): (&'static str, String),
    made: Option<Made>,
) -> Result<Html<String>, WebError> {
    let (tokens, scopes) = tokens::rows(app, visitor).await?;
    let when = |at: Option<Timestamp>| at.map(|at| view::time(at, ZONE)).unwrap_or_default();
    let row = |session: SessionView| SessionRow {
        id: session.id.to_string(),
        this: session.this,
        created_at: when(session.created_at),
        // Kept to the hour: nobody used it before it began.
        seen_at: when(session.seen_at.max(session.created_at)),
        address: session.address.unwrap_or_default(),
        browser: session.browser.as_deref().map(called).unwrap_or_default(),
    };
    let page = Page {
        login: visitor.user.login.clone(),
        roles: visitor.user.roles.iter().map(name_of).collect(),
        sessions: sessions(app, visitor).await?.into_iter().map(row).collect(),
        tokens,
        scopes,
        made,
        done,
        problem,
    };
    pages::draw(app, visitor, "own", "pages/own.html", page).await
}

/// What the page says was done just now.
#[derive(Debug, Deserialize)]
pub(crate) struct Done {
    xong: Option<String>,
}

/// The page of the visitor.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Done { xong }): Query<Done>,
) -> Result<Html<String>, WebError> {
    let done = if xong.as_deref() == Some("mat-khau") { "own.password_changed" } else { "" };
    drawn(&app, &visitor, done, String::new()).await
}

/// Changes the password of the visitor.
pub(crate) async fn password(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(Chosen { old, new, revoke_tokens }): Form<Chosen>,
) -> Result<Response, WebError> {
    let asked = Passwords { old, new, revoke_tokens: revoke_tokens.is_some() };
    let given = visitor.user.must_renew;
    let Err(error) = change_password(&app, &visitor, asked).await else {
        // Reloading the page that follows sends no password again.
        let to = if given { "/" } else { "/toi?xong=mat-khau" };
        return Ok(Redirect::to(to).into_response());
    };
    let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
    let page = if given {
        renew::drawn(&app, &visitor, problem)?
    } else {
        drawn(&app, &visitor, "", problem).await?
    };
    Ok((error.status, page).into_response())
}

/// A language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spoken {
    lang: String,
}

/// Keeps the language of the visitor, for this browser and the next ones.
pub(crate) async fn language(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(Spoken { lang }): Form<Spoken>,
) -> Result<Response, WebError> {
    speak(&app, &visitor, &lang).await?;
    let mut response = Redirect::to("/toi").into_response();
    set_cookie(&mut response, &app, LANGUAGE, &lang, 365 * 86_400);
    Ok(response)
}

async fn speak(app: &Shared, visitor: &Visitor, lang: &str) -> Result<(), WebError> {
    people::language(lang)?;
    let row = app.store.read::<User>(&visitor.user.id.to_string()).await?;
    let row = row.ok_or_else(WebError::missing)?;
    if row.record.lang != lang {
        let user = User { lang: lang.to_owned(), ..row.record };
        let changes = Changes::by(visitor.actor(), "choose language").update(&user, row.version);
        app.store.commit(changes).await?;
    }
    Ok(())
}

/// Ends one session.
pub(crate) async fn end(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    revoke(&app, &visitor, &id).await?;
    Ok(Redirect::to("/toi").into_response())
}

/// Ends all others.
pub(crate) async fn end_others(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, WebError> {
    revoke_others(&app, &visitor).await?;
    Ok(Redirect::to("/toi").into_response())
}

/// The sessions as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<SessionView>, WebError> {
    let place = |session: &SessionView| (Reverse(session.created_at), session.id.to_string());
    Piece::of(sessions(&app, &visitor).await?, &part, place)
}

/// One of them.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<SessionView>, WebError> {
    let id: Digest = id.parse().map_err(|_| WebError::missing())?;
    let found = sessions(&app, &visitor).await?.into_iter().find(|session| session.id == id);
    found.map(Json).ok_or_else(WebError::missing)
}

/// Ends one for a machine.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    revoke(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all others for a machine; for a token all of its person.
pub(crate) async fn remove_others(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<StatusCode, WebError> {
    revoke_others(&app, &visitor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes the password of the caller for a machine.
pub(crate) async fn password_operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(asked): Json<Passwords>,
) -> Result<StatusCode, WebError> {
    change_password(&app, &visitor, asked).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps the language of the caller for a machine.
pub(crate) async fn language_operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(Spoken { lang }): Json<Spoken>,
) -> Result<StatusCode, WebError> {
    speak(&app, &visitor, &lang).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn asks(summary: &str, fields: &[&str], schema: &Value) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), schema.clone())).collect();
    let body = json!({
        "type": "object", "required": fields, "additionalProperties": false, "properties": properties,
    });
    json!({
        "summary": summary,
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "204": { "description": "It is so" },
            "400": { "description": "The body is no JSON" },
            "409": { "description": "Somebody changed the person just now" },
            "415": { "description": "The body is not said to be JSON" },
            "422": { "description": "Something in it cannot be; the problem says what" },
        },
    })
}

/// The password as `OpenAPI` says it.
pub(crate) fn password_told() -> Value {
    let text = json!({ "type": "string" });
    let summary = "Change the caller's own password; their other sessions end, and unless asked otherwise their API tokens, also one that asks";
    let mut told = asks(summary, &["old", "new"], &text);
    let wish = json!({ "type": "boolean", "default": true });
    told["requestBody"]["content"]["application/json"]["schema"]["properties"]["revoke_tokens"] =
        wish;
    told["responses"]["429"] =
        json!({ "description": "Too many wrong passwords, or too many requests of the token" });
    told
}

/// The language as `OpenAPI` says it.
pub(crate) fn language_told() -> Value {
    asks("Choose the language of the caller's pages", &["lang"], &json!({ "enum": ["vi", "en"] }))
}

/// The ending of all others as `OpenAPI` says it.
pub(crate) fn remove_others_told() -> Value {
    json!({
        "summary": "End every session of the caller but the one that asks",
        "responses": {
            "204": { "description": "They are over" },
            "409": { "description": "One of them changed just now" },
        },
    })
}

/// The list as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    let summary = "Open sessions of the caller, the newest first: since when, last used to the hour, address and browser where kept";
    piece::told(summary, "Sessions", &[])
}

/// One as `OpenAPI` says it.
pub(crate) fn one_told() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "One open session of the caller",
        "parameters": [id],
        "responses": {
            "200": { "description": "The session", "content": { "application/json": {} } },
            "404": { "description": "The caller has no such session" },
        },
    })
}

/// The ending as `OpenAPI` says it.
pub(crate) fn remove_told() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "End a session of the caller",
        "parameters": [id],
        "responses": {
            "204": { "description": "It is over" },
            "404": { "description": "The caller has no such session" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_called_by_their_own_name() {
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0";
        assert_eq!(called(edge), "Edge, Windows");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1";
        assert_eq!(called(phone), "Safari, iPhone");
        assert_eq!(called("curl/8.5.0"), "curl/8.5.0");
    }
}
