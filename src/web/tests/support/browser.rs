//! A browser without a screen.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use jiff::SignedDuration;
use loa_model::{Actor, Clock as _, Digest, User};
use loa_store::{Changes, Store as _};
use loa_web::Session;
use tower::ServiceExt as _;

use super::World;

/// A browser: its cookie, its headers.
pub struct Browser<'a> {
    pub world: &'a World,
    pub cookie: String,
}

/// The newsroom is served over https: the name of its cookie binds it to the host.
pub fn bound(cookie: &str) -> String {
    cookie
        .strip_prefix("loa=")
        .map_or_else(|| cookie.to_owned(), |rest| format!("__Host-loa={rest}"))
}

/// A request as a program sends it from one of our pages: path, headers besides, and a JSON body when there is one.
pub async fn program(
    router: &axum::Router,
    cookie: &str,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: Option<&serde_json::Value>,
) -> Answer {
    let request = Request::builder().method(method).uri(path).header("host", "loa.example");
    let request = request.header("cookie", bound(cookie)).header("sec-fetch-site", "same-origin");
    let request = headers.iter().fold(request, |all, (name, value)| all.header(*name, *value));
    let request = match body {
        Some(body) => {
            request.header("content-type", "application/json").body(Body::from(body.to_string()))
        }
        None => request.body(Body::empty()),
    };
    let mut request = request.unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
    /// The body as JSON.
    pub fn value(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl<'a> Browser<'a> {
    pub fn nobody(world: &'a World) -> Self {
        Self { world, cookie: String::new() }
    }

    /// Signed in without the slow hash: the session is put into the store.
    pub async fn of(world: &'a World, user: &User) -> Self {
        let token = format!("token-of-{}", user.login);
        let expires_at = world.clock.now() + SignedDuration::from_hours(12);
        let session = Session::new(Digest::of(token.as_bytes()), user.id, expires_at);
        let changes = Changes::by(Actor::User(user.id), "sign in").insert(&session);
        world.store.commit(changes).await.unwrap();
        Self { world, cookie: format!("loa={token}") }
    }

    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", "loa.example");
        if !self.cookie.is_empty() {
            request = request.header("cookie", bound(&self.cookie));
        }
        let told = headers.iter().any(|(name, _)| *name == "content-type");
        if method == "POST" && !told {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            let value = if *name == "cookie" { bound(value) } else { (*value).to_owned() };
            request = request.header(*name, value);
        }
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
        self.world.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        form: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let response = self.raw(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends JSON, as a program does.
    pub async fn json(&self, path: &str, body: &serde_json::Value) -> Answer {
        self.json_as("POST", path, body).await
    }

    /// The same with another method.
    pub async fn json_as(&self, method: &str, path: &str, body: &serde_json::Value) -> Answer {
        let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        let response = self.raw(method, path, &headers, body.to_string()).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 10_000_000).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[]).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send("POST", path, &[("sec-fetch-site", "same-origin")], form).await
    }
}
