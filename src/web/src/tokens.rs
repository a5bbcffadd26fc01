//! Tokens by which programs ask for operations in the name of a person: made on their own page, told once, kept as digests.

mod limit;

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use loa_model::{
    Digest, IndexEntry, Record, Role, User, UserId,
    record::{join, time_key},
};
use loa_store::{Changes, StoreExt, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use limit::Limits;

use crate::{
    Shared,
    article::ZONE,
    auth::{Visitor, language_of},
    error::WebError,
    own,
    pages::name_of,
    people, view,
    ways::{ADMINS, Access, SIGNERS},
};

/// What a token opens; the roles of its person must open it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looks.
    Read,
    /// Changes what nobody has to sign.
    Write,
    /// Signs.
    Approve,
    /// Manages people and looks.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Approve, Self::Admin];

    /// What a token needs for a row of the table.
    pub fn needed(method: &Method, access: Access) -> Self {
        if method == Method::GET || method == Method::HEAD {
            return Self::Read;
        }
        match access {
            SIGNERS => Self::Approve,
            ADMINS => Self::Admin,
            _ => Self::Write,
        }
    }

    /// Whether a person may give it to a token: nobody gives what they do not have.
    fn is_within(self, user: &User) -> bool {
        match self {
            Self::Read => true,
            Self::Write => !user.roles.is_empty(),
            Self::Approve => user.is(Role::Approver),
            Self::Admin => user.is(Role::Admin),
        }
    }
}

/// A token. The key is its digest: the ledger never holds the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// SHA-256 of the token.
    pub digest: Digest,
    /// What its person calls it.
    pub name: String,
    /// In whose name it acts.
    pub user: UserId,
    /// The agency it acts for: it opens no other, whoever its person is there.
    pub agency: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until.
    pub expires_at: Timestamp,
    /// The last day it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Date>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

impl ApiToken {
    fn state(&self, now: Timestamp) -> &'static str {
        match self.revoked_at {
            Some(_) => "revoked",
            None if self.expires_at <= now => "expired",
            None => "open",
        }
    }
}

impl Record for ApiToken {
    const TABLE: &'static str = "api_token";
    fn key(&self) -> String {
        self.digest.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let key = join(&[&self.user.to_string(), &time_key(self.created_at)]);
        vec![IndexEntry { index: BY_USER, key }]
    }
}

/// Tokens of a person, in the order in which they were made.
const BY_USER: &str = "api_token_by_user";
/// Tokens of a person that are read.
const MOST: usize = 500;
/// Open tokens that a person may have.
const MOST_OPEN: usize = 50;
/// What tokens begin with, so that whoever finds one knows what it is.
const MARK: &str = "loa_";

/// The token of a request for an operation, when it brings one. Pages take none.
pub(crate) fn brought<'a>(path: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    if !path.starts_with("/api/v1/") {
        return None;
    }
    let text = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (kind, token) = text.split_once(' ').unwrap_or((text, ""));
    kind.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// In whose name a token asks for a row, or what it is answered instead.
pub(crate) async fn visitor(
    app: &Shared,
    token: &str,
    headers: &HeaderMap,
    (method, access): (&Method, Access),
) -> Result<Result<Visitor, Response>, WebError> {
    let digest = Digest::of(token.as_bytes());
    let now = app.clock.now();
    let row = app.store.read::<ApiToken>(&digest.to_string()).await?;
    let Some(row) = row.filter(|row| row.record.state(now) == "open") else {
        return Ok(Err(unknown()));
    };
    let user = app.store.read::<User>(&row.record.user.to_string()).await?;
    let user = user.map(|user| user.record).filter(User::is_active);
    let Some(user) = user.and_then(|user| user.in_agency(&row.record.agency)) else {
        return Ok(Err(unknown()));
    };
    if let Some(wait) = app.limits.wait(digest, &app.clock) {
        return Ok(Err(too_many(wait)));
    }
    let lets = access.lets(Some(&user.roles));
    if !lets || !row.record.scopes.contains(&Scope::needed(method, access)) {
        return Err(WebError::new(
            StatusCode::FORBIDDEN,
            "Mã này hoặc vai trò của chủ mã không được làm việc này / This token, or the roles of its person, may not do this",
        ));
    }
    used(app, row).await?;
    let lang = language_of(headers, &app.config.language);
    let agencies = user.memberships();
    Ok(Ok(Visitor { user, agencies, session: digest, lang }))
}

fn unknown() -> Response {
    let error = WebError::new(
        StatusCode::UNAUTHORIZED,
        "Mã không đúng, đã hết hạn hoặc đã bị thu hồi / The token is wrong, has run out or was taken back",
    );
    let mut response = error.into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn too_many(seconds: u64) -> Response {
    let error = WebError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "Mã này hỏi quá 600 lần một phút; hãy đợi / This token asked more than 600 times a minute; wait",
    );
    let mut response = error.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Notes that a token is used, once a day.
async fn used(app: &Shared, row: Versioned<ApiToken>) -> Result<(), WebError> {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    let today = Some(app.clock.now().to_zoned(zone).date());
    if row.record.last_used >= today {
        return Ok(());
    }
    let token = ApiToken { last_used: today, ..row.record };
    let actor = loa_model::Actor::User(token.user);
    let changes = Changes::by(actor, "use API token").update(&token, row.version);
    match app.store.commit(changes).await {
        // Another request was faster, or the token was taken back just now: the next request sees which.
        Ok(_) | Err(loa_store::Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A token as lists tell it. Its id is its digest, which opens nothing.
#[derive(Debug, Serialize)]
pub(crate) struct TokenView {
    id: Digest,
    name: String,
    /// The agency it acts for.
    agency: String,
    scopes: Vec<Scope>,
    created_at: Timestamp,
    expires_at: Timestamp,
    last_used: Option<Date>,
    /// `open`, `expired` or `revoked`.
    state: &'static str,
}

/// The same on a page.
#[derive(Debug, Serialize)]
pub(crate) struct TokenRow {
    id: String,
    name: String,
    scopes: Vec<String>,
    expires_at: String,
    last_used: String,
    state: &'static str,
}

/// A token that was made: told on this answer only.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    name: String,
    token: String,
}

async fn of_user(app: &Shared, user: UserId) -> Result<Vec<TokenView>, WebError> {
    let now = app.clock.now();
    let rows = app.store.list_last::<ApiToken>(BY_USER, &user.to_string(), MOST).await?;
    let view = |token: ApiToken| TokenView {
        state: token.state(now),
        id: token.digest,
        name: token.name,
        agency: token.agency,
        scopes: token.scopes,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used: token.last_used,
    };
    Ok(rows.into_iter().map(|row| view(row.record)).collect())
}

/// The tokens of the visitor for their page, and the scopes they may give.
pub(crate) async fn rows(
    app: &Shared,
    visitor: &Visitor,
) -> Result<(Vec<TokenRow>, Vec<String>), WebError> {
    let row = |token: TokenView| TokenRow {
        id: token.id.to_string(),
        name: token.name,
        scopes: token.scopes.iter().map(name_of).collect(),
        expires_at: view::time(token.expires_at, ZONE),
        last_used: token
            .last_used
            .map(|day| day.strftime("%d/%m/%Y").to_string())
            .unwrap_or_default(),
        state: token.state,
    };
    let tokens = of_user(app, visitor.user.id).await?.into_iter().map(row).collect();
    let may = Scope::ALL.into_iter().filter(|scope| scope.is_within(&visitor.user));
    Ok((tokens, may.map(|scope| name_of(&scope)).collect()))
}

/// What a token is asked for, by the form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    name: String,
    days: String,
    read: Option<String>,
    write: Option<String>,
    approve: Option<String>,
    admin: Option<String>,
}

async fn made(app: &Shared, visitor: &Visitor, wanted: Wanted) -> Result<Made, WebError> {
    let name = people::name(&wanted.name)?;
    let days = wanted.days.parse::<i64>().ok().filter(|days| (1..=366).contains(days));
    let days = days.ok_or_else(|| {
        WebError::unfit("Mã có hạn từ 1 đến 366 ngày / A token lives for 1 to 366 days")
    })?;
    let ticks = [&wanted.read, &wanted.write, &wanted.approve, &wanted.admin];
    let ticked = Scope::ALL.into_iter().zip(ticks).filter(|(_, tick)| tick.is_some());
    let scopes: Vec<Scope> = ticked.map(|(scope, _)| scope).collect();
    if scopes.is_empty() {
        return Err(WebError::unfit("Hãy chọn ít nhất một quyền / Choose at least one scope"));
    }
    if !scopes.iter().all(|scope| scope.is_within(&visitor.user)) {
        return Err(WebError::unfit(
            "Mã không được có quyền mà vai trò của bạn không có / A token cannot have a scope that your roles do not have",
        ));
    }
    let tokens = of_user(app, visitor.user.id).await?;
    if tokens.iter().filter(|token| token.state == "open").count() >= MOST_OPEN {
        return Err(WebError::unfit(
            "Bạn đã có 50 mã còn hạn; hãy thu hồi bớt / You have 50 open tokens; revoke some first",
        ));
    }
    let token = format!("{MARK}{}", app.ids.token(40));
    let now = app.clock.now();
    let record = ApiToken {
        digest: Digest::of(token.as_bytes()),
        name,
        user: visitor.user.id,
        agency: visitor.user.agency.clone(),
        scopes,
        created_at: now,
        expires_at: now + SignedDuration::from_hours(24 * days),
        last_used: None,
        revoked_at: None,
    };
    let changes = Changes::by(visitor.actor(), "make API token").insert(&record);
    app.store.commit(changes).await?;
    Ok(Made { name: record.name, token })
}

/// Takes a token back: its person may, and who administers their agency.
async fn taken_back(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let id: Digest = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<ApiToken>(&id.to_string()).await?.ok_or_else(WebError::missing)?;
    let (own, token) = (row.record.user == visitor.user.id, row.record);
    let administers = visitor.user.is(Role::Admin) && token.agency == visitor.user.agency;
    if !own && !administers {
        return Err(WebError::missing());
    }
    if token.revoked_at.is_none() {
        let token = ApiToken { revoked_at: Some(app.clock.now()), ..token };
        let changes = Changes::by(visitor.actor(), "revoke API token").update(&token, row.version);
        app.store.commit(changes).await?;
    }
    Ok(())
}

/// Makes a token and shows it on the page of the visitor.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Wanted>,
) -> Result<Response, WebError> {
    let made = made(&app, &visitor, form).await;
    own::after_token(&app, &visitor, made).await
}

/// Takes a token back.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    taken_back(&app, &visitor, &id).await?;
    Ok(Redirect::to("/toi").into_response())
}

/// Whose tokens are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    user: Option<UserId>,
}

/// The tokens of the caller as JSON, or those of a person whom the caller administers.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Whose { user }): Query<Whose>,
) -> Result<Json<Value>, WebError> {
    let user = user.unwrap_or(visitor.user.id);
    if user != visitor.user.id {
        let row = app.store.read::<User>(&user.to_string()).await?;
        let own = row.filter(|row| row.record.in_agency(&visitor.user.agency).is_some());
        own.filter(|_| visitor.user.is(Role::Admin)).ok_or_else(WebError::missing)?;
    }
    let mut tokens = of_user(&app, user).await?;
    if user != visitor.user.id {
        // What the person does for other agencies is theirs to know.
        tokens.retain(|token| token.agency == visitor.user.agency);
    }
    Ok(Json(json!({ "tokens": tokens })))
}

/// Takes a token back for a machine.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    taken_back(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The list as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    let user = json!({ "name": "user", "in": "query", "required": false, "schema": { "type": "string", "format": "uuid" } });
    json!({
        "summary": "API tokens of the caller, or of a person of the agency for administrators, the newest first, never the tokens themselves; they are made on the person's own page",
        "parameters": [user],
        "responses": {
            "200": { "description": "JSON" },
            "400": { "description": "user is no id" },
            "404": { "description": "The caller administers nobody of this id" },
        },
    })
}

/// The taking back as `OpenAPI` says it.
pub(crate) fn remove_told() -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "Revoke an API token of the caller; administrators revoke those of their agency",
        "parameters": [id],
        "responses": {
            "204": { "description": "It opens nothing any more" },
            "404": { "description": "There is no such token of the caller" },
            "409": { "description": "Somebody changed the token just now" },
        },
    })
}
