//! *Quản trị*: the people of an agency, what each may do, and who may sign in.

pub(crate) mod guests;
pub(crate) mod page;
pub(crate) mod told;

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use loa_model::{Login, Membership, Role, User, UserId, record::join};
use loa_store::{Changes, Seq, StoreExt, Versioned};
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    auth::{BY_USER, Session, Visitor, hash_password},
    channels::agency_title,
    error::WebError,
    operation::piece::{self, Part, Piece},
    tokens,
};

/// More people than an agency has.
const MOST: usize = 10_000;
/// More open sessions than a person has.
const MOST_SESSIONS: usize = 1000;
/// Characters of a password that is given to a person: five bits each.
const GIVEN: usize = 20;

/// A person as the list tells it: never the hash.
#[derive(Debug, Serialize)]
pub(crate) struct PersonView {
    id: UserId,
    /// Of the record, for `If-Match`.
    version: Seq,
    login: String,
    name: String,
    roles: Vec<Role>,
    lang: String,
    active: bool,
    /// Whether the person belongs to this agency, which then keeps their name and password; else they work here too.
    belongs: bool,
    /// Whether they have not chosen a password of their own yet; a guest's own agency knows.
    must_renew: bool,
    /// Of a guest the name of the agency they belong to; of one's own people the names of those they work in, too.
    elsewhere: Vec<String>,
    /// Nothing when no sign-in was kept.
    last_sign_in: Option<Timestamp>,
}

/// Who is added.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    login: String,
    name: String,
    roles: Vec<Role>,
    #[serde(default = "vietnamese")]
    lang: String,
}

fn vietnamese() -> String {
    "vi".to_owned()
}

/// What a person becomes; what is not said stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    name: Option<String>,
    roles: Option<Vec<Role>>,
    active: Option<bool>,
}

/// A password that was made: told on this answer only.
#[derive(Debug, Serialize)]
pub(crate) struct Given {
    id: UserId,
    login: String,
    password: String,
}

/// The people of the visitor's agency, by sign-in name.
pub(crate) async fn all(app: &Shared, visitor: &Visitor) -> Result<Vec<PersonView>, WebError> {
    let mut views = Vec::new();
    for user in of_agency(app, &visitor.user.agency).await? {
        views.extend(view(app, visitor, user).await?);
    }
    Ok(views)
}

/// A person as they are in the visitor's agency; nothing when they are not in it.
async fn view(
    app: &Shared,
    visitor: &Visitor,
    Versioned { record: user, version }: Versioned<User>,
) -> Result<Option<PersonView>, WebError> {
    let agency = &visitor.user.agency;
    let belongs = user.agency == *agency;
    let others: Vec<&str> = if belongs {
        user.also.iter().map(|there| there.agency.as_str()).collect()
    } else {
        vec![&user.agency]
    };
    let mut elsewhere = Vec::new();
    for other in others {
        elsewhere.push(agency_title(app, other).await?);
    }
    let Some(user) = user.in_agency(agency) else { return Ok(None) };
    let last = app.store.list_last::<Session>(BY_USER, &user.id.to_string(), 1).await?;
    Ok(Some(PersonView {
        last_sign_in: last.first().and_then(|row| row.record.created_at),
        active: user.is_active(),
        must_renew: belongs && user.must_renew,
        belongs,
        elsewhere,
        version,
        id: user.id,
        login: user.login,
        name: user.name,
        roles: user.roles,
        lang: user.lang,
    }))
}

/// Whoever works in an agency, by sign-in name.
pub(crate) async fn of_agency(
    app: &Shared,
    agency: &str,
) -> Result<Vec<Versioned<User>>, WebError> {
    Ok(app.store.list::<User>("user_by_agency", &join(&[agency, ""]), MOST).await?)
}

/// A person who works in the visitor's agency; anybody else is not there.
async fn person(app: &Shared, visitor: &Visitor, id: &str) -> Result<Versioned<User>, WebError> {
    let id: UserId = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<User>(&id.to_string()).await?;
    let agency = &visitor.user.agency;
    row.filter(|row| row.record.in_agency(agency).is_some()).ok_or_else(WebError::missing)
}

/// What keeps an agency from changing a person who belongs to another one.
fn elsewhere() -> WebError {
    WebError::unfit(
        "Họ tên, mật khẩu và quyền đăng nhập do cơ quan chủ quản của người này giữ; ở đây chỉ đổi được vai trò / Name, password and sign-in are kept by the agency this person belongs to; here only their roles can be changed",
    )
}

/// A name as people read it: no line breaks, no spaces around it.
pub(crate) fn name(text: &str) -> Result<String, WebError> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(WebError::unfit("Họ tên có từ 1 đến 80 ký tự / A name has 1 to 80 characters"));
    }
    Ok(name.to_owned())
}

/// Letters that look alike in no script, so that nobody signs in as somebody they are taken for.
pub(crate) fn login(text: &str) -> Result<&str, WebError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !starts || !(2..=40).contains(&text.len()) || !text.chars().all(plain) {
        return Err(WebError::unfit(
            "Tên đăng nhập có 2 đến 40 ký tự: chữ thường không dấu, số, dấu chấm, gạch nối, gạch dưới / A sign-in name has 2 to 40 characters: small letters a to z, digits, dots, hyphens, underscores",
        ));
    }
    Ok(text)
}

pub(crate) fn language(text: &str) -> Result<(), WebError> {
    if text == "vi" || text == "en" {
        return Ok(());
    }
    Err(WebError::unfit("Ngôn ngữ là vi hoặc en / The language is vi or en"))
}

/// Whoever has no role can do nothing and reads little: that is asked of nobody by accident.
fn some_role(roles: &[Role]) -> Result<(), WebError> {
    if roles.is_empty() {
        return Err(WebError::unfit(
            "Hãy chọn ít nhất một vai trò: người không có vai trò không làm được việc gì / Choose at least one role: whoever has none can do nothing",
        ));
    }
    Ok(())
}

pub(crate) fn roles(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// The hash of a password. It takes tens of milliseconds: off the async workers.
pub(crate) async fn hashed(app: &Shared, password: String) -> Result<String, WebError> {
    let ids = app.ids.clone();
    let hash = tokio::task::spawn_blocking(move || hash_password(&password, ids.entropy())).await;
    hash.map_err(|error| {
        tracing::error!(%error, "A password cannot be hashed");
        WebError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Lỗi máy chủ, đã ghi nhật ký / The server failed, it is in the log",
        )
    })
}

/// Adds a person, with a password that is told once.
pub(crate) async fn add(
    app: &Shared,
    visitor: &Visitor,
    new: NewPerson,
) -> Result<Given, WebError> {
    let login = login(&new.login)?;
    language(&new.lang)?;
    let name = name(&new.name)?;
    some_role(&new.roles)?;
    let found = app.store.list::<User>("user_by_login", login, 1).await?;
    // People of earlier releases have no record of their name: the index knows them.
    if found.iter().any(|row| row.record.login == login) {
        return Err(taken());
    }
    let password = app.ids.token(GIVEN);
    let user = User {
        id: app.ids.make(),
        agency: visitor.user.agency.clone(),
        login: login.to_owned(),
        name,
        roles: roles(new.roles),
        also: Vec::new(),
        password_hash: hashed(app, password.clone()).await?,
        lang: new.lang,
        deactivated_at: None,
        must_renew: true,
    };
    let name = Login { login: user.login.clone(), user: user.id };
    let changes = Changes::by(visitor.actor(), "add person").insert(&user).insert(&name);
    match app.store.commit(changes).await {
        Err(loa_store::Error::Conflict { .. }) => return Err(taken()),
        done => done?,
    };
    Ok(Given { id: user.id, login: user.login, password })
}

fn taken() -> WebError {
    WebError::new(
        StatusCode::CONFLICT,
        "Tên đăng nhập này đã có người dùng / This sign-in name is taken",
    )
}

/// Changes name and roles of a person, and whether they may sign in.
pub(crate) async fn change(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    wanted: Change,
) -> Result<(), WebError> {
    let row = person(app, visitor, id).await?;
    let now = app.clock.now();
    let agency = &visitor.user.agency;
    let mut user = row.record.clone();
    if let Some(text) = wanted.name {
        user.name = name(&text)?;
    }
    let (was, becomes) = (user.is_active(), wanted.active.unwrap_or(user.is_active()));
    if was != becomes {
        user.deactivated_at = (!becomes).then_some(now);
    }
    if user != row.record && user.agency != *agency {
        return Err(elsewhere());
    }
    if let Some(wanted) = wanted.roles {
        give_roles(&mut user, agency, roles(wanted));
    }
    if user == row.record {
        return Ok(());
    }
    let what = match (was, becomes) {
        (true, false) => "deactivate person",
        (false, true) => "reactivate person",
        _ => "change person",
    };
    let mut changes = Changes::by(visitor.actor(), what).update(&user, row.version);
    changes = keep_admins(app, &row.record, &user, changes).await?;
    if !becomes {
        changes = end_sessions(app, user.id, None, changes).await?;
    }
    app.store.commit(changes).await?;
    Ok(())
}

fn give_roles(user: &mut User, agency: &str, roles: Vec<Role>) {
    if user.agency == agency {
        user.roles = roles;
    } else if let Some(there) = user.also.iter_mut().find(|there| there.agency == agency) {
        there.roles = roles;
    }
}

fn administers(user: &User, agency: &str) -> bool {
    user.is_active() && user.in_agency(agency).is_some_and(|there| there.is(Role::Admin))
}

/// Who administers an agency besides a person who does so no more is written again as they are: two administrators who take the
/// role from each other at once conflict, and one stays.
async fn keep_admins(
    app: &Shared,
    was: &User,
    becomes: &User,
    mut changes: Changes,
) -> Result<Changes, WebError> {
    let mut others = BTreeMap::new();
    for Membership { agency, .. } in was.memberships() {
        if !administers(was, &agency) || administers(becomes, &agency) {
            continue;
        }
        let mut people = of_agency(app, &agency).await?.into_iter();
        let other = people
            .find(|row| row.record.id != becomes.id && administers(&row.record, &agency))
            .ok_or_else(|| {
                WebError::unfit(
                    "Cơ quan phải còn ít nhất một quản trị viên đang hoạt động / An agency keeps at least one active administrator",
                )
            })?;
        others.insert(other.record.id, other);
    }
    for other in others.into_values() {
        changes = changes.update(&other.record, other.version);
    }
    Ok(changes)
}

/// Ends every open session of a person but one.
pub(crate) async fn end_sessions(
    app: &Shared,
    user: UserId,
    but: Option<loa_model::Digest>,
    mut changes: Changes,
) -> Result<Changes, WebError> {
    let now = app.clock.now();
    for row in sessions(app, user).await? {
        if Some(row.record.token) != but {
            let over = Session { expires_at: now, ..row.record };
            changes = changes.update(&over, row.version);
        }
    }
    Ok(changes)
}

/// The open sessions of a person, the newest first.
pub(crate) async fn sessions(
    app: &Shared,
    user: UserId,
) -> Result<Vec<Versioned<Session>>, WebError> {
    let now = app.clock.now();
    let rows = app.store.list_last::<Session>(BY_USER, &user.to_string(), MOST_SESSIONS).await?;
    Ok(rows.into_iter().filter(|row| row.record.expires_at > now).collect())
}

/// What goes with a new password.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fresh {
    /// Whoever knew the old password may have made tokens with it.
    #[serde(default = "yes")]
    revoke_tokens: bool,
}

fn yes() -> bool {
    true
}

/// Gives a person a new password, which is told once; who is signed in with the old one is no more.
pub(crate) async fn give_password(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    Fresh { revoke_tokens }: Fresh,
) -> Result<Given, WebError> {
    let row = person(app, visitor, id).await?;
    if row.record.agency != visitor.user.agency {
        return Err(elsewhere());
    }
    let password = app.ids.token(GIVEN);
    let password_hash = hashed(app, password.clone()).await?;
    let user = User { password_hash, must_renew: true, ..row.record };
    let changes = Changes::by(visitor.actor(), "give password").update(&user, row.version);
    let mut changes = end_sessions(app, user.id, None, changes).await?;
    if revoke_tokens {
        changes = tokens::revoke_all(app, user.id, None, changes).await?;
    }
    app.store.commit(changes).await?;
    Ok(Given { id: user.id, login: user.login, password })
}

/// The people as JSON, by sign-in name.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<PersonView>, WebError> {
    let of = join(&[&visitor.user.agency, ""]);
    let found = piece::rows(&*app.store, ("user_by_agency", &of), piece::From::First, &part);
    let (rows, next) = found.await?;
    let mut views = Vec::new();
    for row in rows {
        views.extend(view(&app, &visitor, row).await?);
    }
    Ok(Piece::new(views, next))
}

/// One of them.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<PersonView>, WebError> {
    let row = person(&app, &visitor, &id).await?;
    view(&app, &visitor, row).await?.map(Json).ok_or_else(WebError::missing)
}

/// Adds a person for a machine.
pub(crate) async fn add_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(new): Json<NewPerson>,
) -> Result<Response, WebError> {
    let given = add(&app, &visitor, new).await?;
    Ok((StatusCode::CREATED, Json(given)).into_response())
}

/// Changes a person for a machine.
pub(crate) async fn change_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(wanted): Json<Change>,
) -> Result<StatusCode, WebError> {
    change(&app, &visitor, &id, wanted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a password for a machine.
pub(crate) async fn give_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    fresh: Option<Json<Fresh>>,
) -> Result<Json<Given>, WebError> {
    let fresh = fresh.map_or(Fresh { revoke_tokens: true }, |Json(fresh)| fresh);
    Ok(Json(give_password(&app, &visitor, &id, fresh).await?))
}
