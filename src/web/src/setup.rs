//! First set-up: while nobody is there, whoever has the code that the server told in its terminal makes the first agency and
//! its first administrator. Afterwards these addresses do not exist.

pub(crate) mod page;

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use axum::{
    Json,
    extract::{ConnectInfo, State, rejection::JsonRejection},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use loa_model::{
    Actor, Agency, Digest, Ids, IndexEntry, Installation, Login, Record, Role, User, UserId,
    brand::is_open_to, schedule,
};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    agencies::own_kit,
    articles::fold::fold,
    auth::{self, set_session},
    error::WebError,
    own, people,
    ways::{Access, Ways},
};

/// Characters of the code, five bits each.
const CODE: usize = 28;
/// How many of them stand together.
const GROUP: usize = 4;
/// Longest title of an agency, characters.
const LONGEST_TITLE: usize = 120;
/// Longest short name of an agency, characters.
const LONGEST_NAME: usize = 40;

/// What the first set-up is opened with, and what it offers. `main` hands it in.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Digest of the code; without one nobody sets anything up.
    pub code: Option<Digest>,
    /// Names of the brand kits there are.
    pub brands: Vec<String>,
}

impl Setup {
    /// A new code of 140 bits for a person, in groups that can be read out, and what is kept of it.
    pub fn code(ids: &Ids) -> (String, Digest) {
        let code = ids.token(CODE);
        let letters: Vec<char> = code.chars().collect();
        let groups: Vec<String> =
            letters.chunks(GROUP).map(|group| group.iter().collect()).collect();
        (groups.join("-"), Digest::of(code.as_bytes()))
    }
}

/// The door of the first set-up.
#[derive(Debug, Default)]
pub(crate) struct Door {
    pub(crate) with: Setup,
    /// People are never deleted: once there is somebody, nobody has to look again.
    somebody: AtomicBool,
}

impl Door {
    pub(crate) fn new(with: Setup) -> Self {
        Self { with, somebody: AtomicBool::new(false) }
    }

    fn opens(&self, given: &str) -> bool {
        let letters: String = given.chars().filter(char::is_ascii_alphanumeric).collect();
        let given = Digest::of(letters.as_bytes());
        // In a time that does not tell where they differ.
        let differ =
            |kept: &Digest| kept.0.iter().zip(given.0).fold(0, |all, (a, b)| all | (a ^ b));
        self.with.code.as_ref().is_some_and(|kept| differ(kept) == 0)
    }
}

/// That an installation was set up. There is one at most: of two browsers the second meets a conflict.
#[derive(Debug, Serialize, Deserialize)]
struct Founding {
    agency: String,
    user: UserId,
    at: Timestamp,
}

impl Record for Founding {
    const TABLE: &'static str = "founding";
    fn key(&self) -> String {
        "first".to_owned()
    }
    fn index(&self) -> Vec<IndexEntry> {
        Vec::new()
    }
}

/// Whether nobody is there yet.
pub(crate) async fn nobody(app: &Shared) -> Result<bool, WebError> {
    if app.door.somebody.load(Ordering::Acquire) {
        return Ok(false);
    }
    let nobody = app.store.all::<User>(1).await?.is_empty();
    if !nobody {
        app.door.somebody.store(true, Ordering::Release);
    }
    Ok(nobody)
}

/// The agency that is made, or the short name of one that the settings made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedAgency {
    #[serde(default)]
    title: String,
    /// Made from the title when it is empty.
    #[serde(default)]
    name: String,
    #[serde(default = "hanoi")]
    zone: String,
    /// A kit made of the title when it is empty.
    #[serde(default)]
    brand: String,
}

fn hanoi() -> String {
    crate::article::ZONE.to_owned()
}

/// The first administrator.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstPerson {
    name: String,
    login: String,
    password: String,
    /// What they do besides managing people and accounts.
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    lang: Option<String>,
}

/// What is set up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    code: String,
    agency: WantedAgency,
    person: FirstPerson,
}

/// The short name of an agency, as its title gives it: `Cổng tin Minh Họa` is `cong-tin-minh-hoa`.
fn short(title: &str) -> String {
    let folded = fold(title);
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
    let text: String = folded.chars().filter(plain).collect();
    let mut name = String::new();
    for word in text.split_whitespace() {
        if !name.is_empty() && name.len() + 1 + word.len() > LONGEST_NAME {
            break;
        }
        if !name.is_empty() {
            name.push('-');
        }
        name.extend(word.chars().take(LONGEST_NAME));
    }
    name
}

/// The agency that is meant, and whether it has to be made.
async fn agency(app: &Shared, wanted: WantedAgency) -> Result<(Agency, bool), WebError> {
    let name = wanted.name.trim().to_owned();
    if !name.is_empty()
        && let Some(kept) = app.store.read::<Agency>(&name).await?
    {
        return Ok((kept.record, false));
    }
    let title = wanted.title.trim().to_owned();
    let length = title.chars().count();
    if length == 0 || length > LONGEST_TITLE || title.chars().any(char::is_control) {
        return Err(WebError::unfit(
            "Tên cơ quan có từ 1 đến 120 ký tự / The name of the agency has 1 to 120 characters",
        ));
    }
    let name = if name.is_empty() { short(&title) } else { name };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let outside = name.starts_with('-') || name.ends_with('-');
    if !(2..=LONGEST_NAME).contains(&name.len()) || !name.chars().all(plain) || outside {
        return Err(WebError::unfit(
            "Tên ngắn có 2 đến 40 ký tự: chữ thường không dấu, số, gạch nối / The short name has 2 to 40 characters: small letters a to z, digits, hyphens",
        ));
    }
    if app.store.read::<Agency>(&name).await?.is_some() {
        // The title alone led to it: whether that agency is meant is for a person to say.
        return Err(WebError::unfit(
            "Đã có cơ quan mang tên ngắn này; hãy chọn cơ quan đó hoặc đặt tên ngắn khác / There is an agency of this short name; choose it or give another short name",
        ));
    }
    if schedule::zone(&wanted.zone).is_err() {
        return Err(WebError::unfit(
            "Múi giờ này không có; hãy viết như Asia/Ho_Chi_Minh / There is no such time zone; write it like Asia/Ho_Chi_Minh",
        ));
    }
    let brand = wanted.brand;
    let known = app.door.with.brands.contains(&brand) && is_open_to(&brand, &name);
    if !brand.is_empty() && !known {
        return Err(WebError::unfit("Bộ nhận diện này không có / There is no such brand kit"));
    }
    Ok((Agency { name, title, brand, zone: wanted.zone, urgent_alone: false }, true))
}

/// Whether the code is right; ten wrong ones from an address in ten minutes, then it waits.
fn enter(app: &Shared, from: IpAddr, code: &str) -> Result<(), WebError> {
    let now = app.clock.now();
    let key = format!("set up|{from}");
    if !app.attempts.allowed(&key, now) {
        return Err(WebError::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Sai mã quá nhiều lần; hãy đợi mười phút / Too many wrong codes; wait ten minutes",
        ));
    }
    if !app.door.opens(code) {
        app.attempts.failed(&key, now);
        return Err(WebError::unfit(
            "Mã cài đặt không đúng; mã mới nhất nằm ở cửa sổ dòng lệnh hoặc nhật ký của máy chủ / The set-up code is not right; the newest one is in the terminal or the log of the server",
        ));
    }
    Ok(())
}

/// Who set it up, with the token of the session that begins for them.
pub(crate) struct Founded {
    user: User,
    token: String,
}

/// Makes agency, administrator and their session in one commit.
pub(crate) async fn found(
    app: &Shared,
    headers: &HeaderMap,
    from: IpAddr,
    wanted: Wanted,
) -> Result<Founded, WebError> {
    if !nobody(app).await? {
        return Err(WebError::missing());
    }
    enter(app, from, &wanted.code)?;
    let (mut agency, is_new) = agency(app, wanted.agency).await?;
    let FirstPerson { name, login, password, mut roles, lang } = wanted.person;
    let name = people::name(&name)?;
    let login = people::login(&login)?.to_owned();
    let lang = lang.unwrap_or_else(|| auth::language_of(headers, &app.config.language));
    people::language(&lang)?;
    own::fit_password(&password, &login)?;
    roles.push(Role::Admin);
    let user = User {
        id: app.ids.make(),
        agency: agency.name.clone(),
        login: login.clone(),
        name,
        roles: people::roles(roles),
        password_hash: people::hashed(app, password).await?,
        lang,
        deactivated_at: None,
        must_renew: false,
        also: Vec::new(),
    };
    let (session, token) = auth::begin(app, headers, from, &user);
    let founding = Founding { agency: agency.name.clone(), user: user.id, at: app.clock.now() };
    // Who sets it up keeps it: the agency whose administrators add the others.
    let keeps = Installation { kept_by: agency.name.clone() };
    let mut changes = Changes::by(Actor::User(user.id), "set up").insert(&founding);
    if app.store.read::<Installation>(Installation::KEY).await?.is_none() {
        changes = changes.insert(&keeps);
    }
    if is_new && agency.brand.is_empty() {
        let plain = own_kit(app, Actor::User(user.id), &agency.name, &agency.title)?;
        agency.brand = plain.id();
        changes = changes.insert(&plain);
    }
    if is_new {
        changes = changes.insert(&agency);
    }
    let changes = changes.insert(&user).insert(&Login { login, user: user.id }).insert(&session);
    match app.store.commit(changes).await {
        Err(loa_store::Error::Conflict { .. }) => {
            return Err(WebError::new(
                StatusCode::CONFLICT,
                "Loa vừa được cài đặt ở một cửa sổ khác; hãy đăng nhập / Loa was just set up in another window; sign in",
            ));
        }
        done => done?,
    };
    app.door.somebody.store(true, Ordering::Release);
    tracing::info!(agency = %user.agency, login = %user.login, "Set up: the first administrator is there, the code opens nothing any more");
    Ok(Founded { user, token })
}

/// Whether the first set-up is still to be done.
pub(crate) async fn state(State(app): State<Shared>) -> Result<Json<Value>, WebError> {
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    Ok(Json(json!({ "needed": true, "page": "/cai-dat" })))
}

/// Sets up for a machine; the answer begins a session of the new administrator.
pub(crate) async fn operation(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, WebError> {
    // Once it is done the address is not there, whatever is sent to it.
    if !nobody(&app).await? {
        return Err(WebError::missing());
    }
    if !auth::same_origin(&headers) {
        return Err(WebError::foreign());
    }
    let wanted = match body {
        Ok(Json(wanted)) => wanted,
        Err(error) => return Ok(error.into_response()),
    };
    let Founded { user, token } = found(&app, &headers, peer.ip(), wanted).await?;
    let told = json!({ "agency": user.agency, "user": user.id, "login": user.login });
    let mut answer = (StatusCode::CREATED, Json(told)).into_response();
    set_session(&mut answer, &app, &user, &token);
    Ok(answer)
}

/// The addresses of the first set-up.
pub(crate) fn ways(ways: Ways) -> Ways {
    let anyone = Access::Anyone;
    ways.get("/cai-dat", anyone, page::page)
        .post("/cai-dat", anyone, page::press)
        .get("/cai-dat/ma", anyone, page::again)
        .post("/cai-dat/ma", anyone, page::code)
        .api(Method::GET, "/api/v1/setup", anyone, (state_told(), state))
        .api(Method::POST, "/api/v1/setup", anyone, (told(), operation))
}

/// The question as `OpenAPI` says it.
pub(crate) fn state_told() -> Value {
    json!({
        "summary": "Whether the first set-up is still to be done; once somebody is there, this address is not",
        "responses": {
            "200": { "description": "needed and page" },
            "404": { "description": "It is done" },
        },
    })
}

/// The set-up as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let text = json!({ "type": "string" });
    let role = json!({ "enum": ["author", "editor", "approver", "analyst", "admin"] });
    let agency = json!({
        "type": "object", "additionalProperties": false,
        "description": "title with, if wanted, a short name of its own; or the short name alone of an agency that the settings made",
        "properties": {
            "title": { "type": "string", "maxLength": LONGEST_TITLE },
            "name": { "type": "string", "maxLength": LONGEST_NAME },
            "zone": { "type": "string", "default": "Asia/Ho_Chi_Minh" },
            "brand": { "type": "string", "description": "a kit made of the title when it is not given" },
        },
    });
    let person = json!({
        "type": "object", "required": ["name", "login", "password"], "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 80 },
            "login": { "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{1,39}$" },
            "password": { "type": "string", "minLength": 12, "maxLength": 200 },
            "roles": { "type": "array", "items": role },
            "lang": { "enum": ["vi", "en"] },
        },
    });
    let body = json!({
        "type": "object", "required": ["code", "agency", "person"], "additionalProperties": false,
        "properties": { "code": text, "agency": agency, "person": person },
    });
    json!({
        "summary": "Make the first agency and its first administrator with the code that the server told at its start; once somebody is there, this address is not",
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": {
            "201": { "description": "agency, user and login; a session of theirs begins" },
            "400": { "description": "The body is no JSON" },
            "404": { "description": "It is done already" },
            "409": { "description": "Somebody was faster" },
            "415": { "description": "The body is not said to be JSON" },
            "422": { "description": "The code is not right, or something in the body cannot be; the problem says what" },
            "429": { "description": "Too many wrong codes; wait ten minutes" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_come_from_titles() {
        for (title, name) in [
            ("Cổng tin Minh Họa", "cong-tin-minh-hoa"),
            ("Sở Thông tin và Truyền thông – Đắk Lắk", "so-thong-tin-va-truyen-thong-dak-lak"),
            (
                "Báo điện tử của Bộ Nông nghiệp và Môi trường Việt Nam",
                "bao-dien-tu-cua-bo-nong-nghiep-va-moi",
            ),
            ("  UBND   xã 7 ", "ubnd-xa-7"),
            ("한국", ""),
        ] {
            assert_eq!(short(title), name, "{title}");
        }
        assert_eq!(short(&"a".repeat(90)).len(), LONGEST_NAME);
    }

    #[test]
    fn a_door_without_a_code_opens_to_nothing() {
        assert!(!Door::default().opens(""));
        let door = Door::new(Setup { code: Some(Digest::of(b"abcd2345")), brands: vec![] });
        assert!(door.opens("abcd-2345") && door.opens(" abcd 2345\n"));
        for wrong in ["", "abcd-2346", "ABCD-2345", "abcd"] {
            assert!(!door.opens(wrong), "{wrong}");
        }
    }
}
