//! Sign-in: argon2id passwords, sessions whose token is known to the browser only, rate-limited attempts.

mod attempts;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use axum::{
    Form,
    extract::{ConnectInfo, MatchedPath, Path, Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Digest, Entropy, IndexEntry, Membership, Record, User, UserId,
    record::{join, time_key},
};
use loa_store::{Changes, Expect, StoreExt, Versioned};
use serde::{Deserialize, Serialize};

pub(crate) use attempts::Attempts;

use crate::{
    Shared,
    error::WebError,
    own::renew,
    reach, setup, tokens,
    ways::{Access, Gate},
};

/// Where it is served over https, the name itself binds the cookie to this host: no neighbour under the same domain can plant
/// one, and browsers take it with `Secure` and `Path=/` only. Over plain http, at home, they would not take that name.
fn session_cookie(app: &Shared) -> &'static str {
    if is_https(app) { "__Host-loa" } else { "loa" }
}

/// Whether the outside sees us over https.
pub(crate) fn is_https(app: &Shared) -> bool {
    app.config.public_url.starts_with("https://")
}

pub(crate) const LANGUAGE: &str = "lang";
/// Checked for unknown logins, so that they take as long as known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5bm9ib2Q$2JY0YX5iQw3c0zTgq1xBBYHj6MJxYvO7q5yU9Jh0p1s";

/// A signed-in browser. The key is the digest of its token: the ledger never holds the token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// SHA-256 of the token.
    pub token: Digest,
    /// Who.
    pub user: UserId,
    /// Until.
    pub expires_at: Timestamp,
    /// Since when; of those of earlier releases nobody kept it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was last used, to the hour: the ledger does not keep each step of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
    /// Where the sign-in came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Which browser it was, by its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The agency the person acts for, once they chose one; else the one they belong to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
}

impl Session {
    /// A session of which no more is known than whose it is and until when.
    pub fn new(token: Digest, user: UserId, expires_at: Timestamp) -> Self {
        Self {
            token,
            user,
            expires_at,
            created_at: None,
            seen_at: None,
            address: None,
            browser: None,
            agency: None,
        }
    }
}

impl Record for Session {
    const TABLE: &'static str = "session";
    fn key(&self) -> String {
        self.token.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let since = self.created_at.map(time_key).unwrap_or_default();
        let key = join(&[&self.user.to_string(), &since]);
        vec![IndexEntry { index: BY_USER, key }]
    }
}

/// Sessions of a person, in the order of their beginning.
pub(crate) const BY_USER: &str = "session_by_user";

/// Who asks, and in which language: put into each request by [`require`].
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The person as they are in the agency they act for: its name and their roles there. Never written to the store.
    pub(crate) user: User,
    /// The agencies they may act for, the one they belong to first.
    pub(crate) agencies: Vec<Membership>,
    pub(crate) session: Digest,
    pub(crate) lang: String,
}

impl Visitor {
    pub(crate) fn actor(&self) -> Actor {
        Actor::User(self.user.id)
    }
}

/// The argon2id hash of a password, as a PHC string.
///
/// # Panics
/// Never for passwords under 4 GiB.
pub fn hash_password(password: &str, entropy: &dyn Entropy) -> String {
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("default parameters take any password and a 16 byte salt");
    hash.to_string()
}

/// Why somebody stands at the door.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AtDoor {
    /// Where they were going: a path here.
    toi: String,
    /// Their session is over.
    het: Option<String>,
}

pub(crate) async fn form(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(AtDoor { toi, het }): Query<AtDoor>,
) -> Result<Html<String>, WebError> {
    let note = if het.is_some() { "sign_in.over" } else { "" };
    draw_form(&app, &headers, &toi, &Told { problem: "", note, login: "" })
}

/// What the form says besides its fields: keys of words, and the login that was typed.
struct Told<'a> {
    problem: &'a str,
    note: &'a str,
    login: &'a str,
}

fn draw_form(
    app: &Shared,
    headers: &HeaderMap,
    to: &str,
    told: &Told<'_>,
) -> Result<Html<String>, WebError> {
    #[derive(Serialize)]
    struct Page {
        problem: String,
        note: String,
        login: String,
        /// Where they go once they are in; empty for the start page.
        to: String,
    }
    let lang = language_of(headers, &app.config.language);
    Ok(Html(app.assets.render(
        "pages/sign_in.html",
        &lang,
        Page {
            problem: told.problem.to_owned(),
            note: told.note.to_owned(),
            login: told.login.to_owned(),
            to: if is_here(to) { to.to_owned() } else { String::new() },
        },
    )?))
}

#[derive(Deserialize)]
pub(crate) struct SignIn {
    login: String,
    password: String,
    /// Where the person was going.
    #[serde(default)]
    toi: String,
}

pub(crate) async fn sign_in(
    State(app): State<Shared>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, WebError> {
    if !same_origin(&headers) {
        return Err(WebError::foreign());
    }
    let now = app.clock.now();
    let key = format!("{}|{}", peer.ip(), form.login);
    if !app.attempts.allowed(&key, now) {
        let told = Told { problem: "sign_in.too_many", note: "", login: &form.login };
        let page = draw_form(&app, &headers, &form.toi, &told)?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, page).into_response());
    }
    let found = app.store.list::<User>("user_by_login", &form.login, 2).await?;
    let user = found.into_iter().map(|row| row.record).find(|user| user.login == form.login);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    // Done for unknown logins too.
    let right = is_right(form.password, hash.unwrap_or_else(|| NOBODY.to_owned())).await;
    let Some(user) = user.filter(|user| right && user.is_active()) else {
        app.attempts.failed(&key, now);
        let told = Told { problem: "sign_in.wrong", note: "", login: &form.login };
        let page = draw_form(&app, &headers, &form.toi, &told)?;
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    let (session, token) = begin(&app, &headers, peer.ip(), &user);
    let mut changes = Changes::by(Actor::User(user.id), "sign in").insert(&session);
    // The token is always a new one, and what this browser had before opens nothing any more.
    if let Some(old) = cookie(&headers, session_cookie(&app)) {
        let old = Digest::of(old.as_bytes()).to_string();
        let old = app.store.read::<Session>(&old).await?;
        if let Some(row) = old.filter(|row| row.record.expires_at > now) {
            changes = changes.update(&Session { expires_at: now, ..row.record }, row.version);
        }
    }
    app.store.commit(changes).await?;
    // Not before somebody is there: an idle server keeps no books.
    reach::shelf::warm(&app);
    let to = if is_here(&form.toi) { form.toi.as_str() } else { "/" };
    let mut response = Redirect::to(to).into_response();
    set_session(&mut response, &app, &user, &token);
    Ok(response)
}

/// A new session of a person, with the token that their browser alone will know.
pub(crate) fn begin(
    app: &Shared,
    headers: &HeaderMap,
    from: IpAddr,
    user: &User,
) -> (Session, String) {
    let (now, token) = (app.clock.now(), app.ids.token(32));
    let expires_at = now + SignedDuration::from_hours(app.config.session_hours);
    let session = Session {
        created_at: Some(now),
        seen_at: Some(to_the_hour(now)),
        address: Some(from.to_string()),
        browser: browser(headers),
        ..Session::new(Digest::of(token.as_bytes()), user.id, expires_at)
    };
    (session, token)
}

/// Hands a session to the browser, and the language of its person.
pub(crate) fn set_session(response: &mut Response, app: &Shared, user: &User, token: &str) {
    let lives = app.config.session_hours * 3600;
    set_cookie(response, app, session_cookie(app), token, lives);
    set_cookie(response, app, LANGUAGE, &user.lang, 365 * 86_400);
}

pub(crate) async fn sign_out(
    State(app): State<Shared>,
    visitor: axum::Extension<Visitor>,
) -> Result<Response, WebError> {
    if let Some(row) = app.store.read::<Session>(&visitor.session.to_string()).await? {
        let over = Session { expires_at: app.clock.now(), ..row.record };
        app.store
            .commit(
                Changes::by(visitor.actor(), "sign out").put(&over, Expect::Version(row.version)),
            )
            .await?;
    }
    let mut response = Redirect::to("/dang-nhap").into_response();
    set_cookie(&mut response, &app, session_cookie(&app), "", 0);
    // What the browser kept of operations is not for whoever sits down next.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

pub(crate) async fn language(
    State(app): State<Shared>,
    Path(lang): Path<String>,
    headers: HeaderMap,
) -> Response {
    let lang = if lang == "en" { "en" } else { "vi" };
    let back = came_from(&headers).unwrap_or_else(|| "/".to_owned());
    let mut response = Redirect::to(&back).into_response();
    set_cookie(&mut response, &app, LANGUAGE, lang, 365 * 86_400);
    response
}

/// The page of ours the visitor came from: a path here, never another site.
pub(crate) fn came_from(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::REFERER)?.to_str().ok()?;
    let url = url::Url::parse(text).ok()?;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    is_here(path).then(|| path.to_owned())
}

/// Whether a path is one of this server and of no other one: browsers read `//host` and `/\host` as another.
fn is_here(path: &str) -> bool {
    let mut signs = path.chars();
    signs.next() == Some('/')
        && !signs.next().is_some_and(|sign| sign == '/' || sign == '\\')
        && path.len() <= 2_000
        && !path.chars().any(char::is_control)
}

/// Lets through whoever the table of addresses lets, and changing requests of people only from our own pages.
pub(crate) async fn require(
    State((app, gate)): State<(Shared, Arc<Gate>)>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, WebError> {
    let access = gate.access(request.method(), path.as_str())?;
    // While nobody is there, every way of people leads to the first set-up.
    let door = access != Access::Anyone || path.as_str() == "/dang-nhap";
    if door && setup::nobody(&app).await? {
        if path.as_str().starts_with("/api/") {
            return Err(WebError::new(
                StatusCode::UNAUTHORIZED,
                "Loa chưa được cài đặt: hãy mở /cai-dat / Loa is not set up yet: open /cai-dat",
            ));
        }
        return Ok(Redirect::to("/cai-dat").into_response());
    }
    if access == Access::Anyone {
        return Ok(next.run(request).await);
    }
    if let Some(token) = tokens::brought(path.as_str(), request.headers()) {
        let token = token.to_owned();
        let row = (request.method(), access);
        // No browser sends a token by itself, so no other site can make one send it.
        return match tokens::visitor(&app, &token, request.headers(), row).await? {
            Ok(visitor) => {
                request.extensions_mut().insert(visitor);
                Ok(next.run(request).await)
            }
            Err(answer) => Ok(answer),
        };
    }
    let reads = request.method() == Method::GET || request.method() == Method::HEAD;
    if !reads && !same_origin(request.headers()) {
        return Err(WebError::foreign());
    }
    let Some(visitor) = visitor(&app, request.headers()).await? else {
        if by_htmx(request.headers()) {
            // A redirect would put the sign-in page inside the card.
            let leave = [("hx-redirect", way_in(&app, &request, came_from(request.headers())))];
            return Ok((StatusCode::UNAUTHORIZED, leave).into_response());
        }
        if path.as_str().starts_with("/api/") {
            return Err(WebError::unknown());
        }
        // What a form held cannot be sent again: they go to the page that it stood on.
        let path = request.uri().path_and_query().map(|path| path.as_str().to_owned());
        let to = if reads { path } else { came_from(request.headers()) };
        return Ok(Redirect::to(&way_in(&app, &request, to)).into_response());
    };
    if visitor.user.must_renew && !renew::ANSWERING.contains(&path.as_str()) {
        return renew::first(request.headers(), path.as_str());
    }
    if !access.lets(Some(&visitor.user.roles)) {
        return Err(WebError::forbidden());
    }
    request.extensions_mut().insert(visitor);
    Ok(next.run(request).await)
}

/// The way to the sign-in page, which leads back to where somebody was going, and says so when their session is over.
fn way_in(app: &Shared, request: &Request, to: Option<String>) -> String {
    let to = to.filter(|path| path != "/" && is_here(path));
    let over =
        cookie(request.headers(), session_cookie(app)).is_some_and(|token| !token.is_empty());
    if to.is_none() && !over {
        return "/dang-nhap".to_owned();
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(path) = to {
        query.append_pair("toi", &path);
    }
    if over {
        query.append_pair("het", "1");
    }
    format!("/dang-nhap?{}", query.finish())
}

async fn visitor(app: &Shared, headers: &HeaderMap) -> Result<Option<Visitor>, WebError> {
    let Some(token) = cookie(headers, session_cookie(app)) else { return Ok(None) };
    let session = Digest::of(token.as_bytes());
    let Some(row) = app.store.read::<Session>(&session.to_string()).await? else { return Ok(None) };
    if row.record.expires_at <= app.clock.now() {
        return Ok(None);
    }
    let user = app.store.read::<User>(&row.record.user.to_string()).await?;
    let Some(user) = user.map(|user| user.record).filter(User::is_active) else { return Ok(None) };
    let agencies = user.memberships();
    // Whoever was taken out of the agency they acted for is back in their own.
    let chosen = row.record.agency.as_deref().and_then(|agency| user.in_agency(agency));
    let Some(user) = chosen.or_else(|| user.in_agency(&user.agency)) else { return Ok(None) };
    seen(app, row).await?;
    let lang = language_of(headers, &app.config.language);
    Ok(Some(Visitor { user, agencies, session, lang }))
}

/// Notes that a session is used, once an hour.
async fn seen(app: &Shared, row: Versioned<Session>) -> Result<(), WebError> {
    let now = to_the_hour(app.clock.now());
    if row.record.seen_at.is_none_or(|seen| seen >= now) {
        return Ok(());
    }
    let session = Session { seen_at: Some(now), ..row.record };
    let changes = Changes::by(Actor::User(session.user), "use session");
    match app.store.commit(changes.update(&session, row.version)).await {
        // Another request of the same browser was faster, or the session was ended just now: the next request sees which.
        Ok(_) | Err(loa_store::Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn to_the_hour(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(3600)).unwrap_or(at)
}

/// What the browser calls itself, cut where nobody reads on.
fn browser(headers: &HeaderMap) -> Option<String> {
    let named = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(named.chars().take(300).collect())
}

/// Whether a password is the one of a hash. Hashing takes tens of milliseconds: off the async workers.
pub(crate) async fn is_right(password: String, hash: String) -> bool {
    let right = tokio::task::spawn_blocking(move || {
        Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()
    });
    right.await.unwrap_or(false)
}

/// Whether htmx asks: it takes a part of a page.
pub(crate) fn by_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

pub(crate) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        // Older browsers and scripts: an Origin must name our host, a missing one comes from no page.
        None => text("origin").is_none_or(|origin| {
            let host = url::Url::parse(origin).ok().map(|url| {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}{port}", url.host_str().unwrap_or_default())
            });
            host.as_deref() == text("host")
        }),
    }
}

pub(crate) fn language_of(headers: &HeaderMap, default: &str) -> String {
    cookie(headers, LANGUAGE)
        .filter(|lang| lang == "vi" || lang == "en")
        .unwrap_or_else(|| default.to_owned())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

pub(crate) fn set_cookie(
    response: &mut Response,
    app: &Shared,
    name: &str,
    value: &str,
    max_age_s: i64,
) {
    // Over plain http, at home, a browser would drop a Secure cookie.
    let secure = if is_https(app) { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed;
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn passwords_hash_and_verify() {
        let hash = hash_password("Mật khẩu Đẹp 1", &Fixed);
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(
            Argon2::default().verify_password("Mật khẩu Đẹp 1".as_bytes(), hash.as_str()).is_ok()
        );
        assert!(Argon2::default().verify_password(b"mat khau", hash.as_str()).is_err());
    }

    #[test]
    fn an_unknown_login_costs_as_much_as_a_known_one() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let known = hash_password("x", &Fixed);
        let known = PasswordHash::new(&known).unwrap();
        assert_eq!((nobody.algorithm, nobody.params), (known.algorithm, known.params));
        assert!(nobody.hash.is_some() && nobody.salt.is_some());
    }

    #[test]
    fn a_sign_in_leads_to_paths_of_this_server_only() {
        for path in ["/", "/duyet", "/bai-dang?trang=2", "/kenh/a:b"] {
            assert!(is_here(path), "{path}");
        }
        for path in [
            "",
            "duyet",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/\t/e",
        ] {
            assert!(!is_here(path), "{path}");
        }
    }

    #[test]
    fn foreign_pages_cannot_post() {
        let headers = |pairs: &[(&'static str, &str)]| {
            pairs
                .iter()
                .map(|(k, v)| (header::HeaderName::from_static(k), v.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        assert!(same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!same_origin(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(!same_origin(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(same_origin(&headers(&[("origin", "http://a:8080"), ("host", "a:8080")])));
        assert!(!same_origin(&headers(&[("origin", "http://b:8080"), ("host", "a:8080")])));
        assert!(!same_origin(&headers(&[("origin", "null"), ("host", "a:8080")])));
    }
}
