//! Every route, in one place, and the order of checks: path, token, rate, parameter, quota.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use loa_sandbox::{Committed, Incoming, ListingLag};
use serde_json::{Value, json};

use crate::{
    App,
    error::{OaError, success},
    pages,
};

/// Calls an app may make in a minute.
pub(crate) const PER_MINUTE: u32 = 4_000;

/// An answer, and whether something was stored for it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) data: Value,
    pub(crate) committed: bool,
}

impl Reply {
    pub(crate) fn read(data: Value) -> Self {
        Self { data, committed: false }
    }

    pub(crate) fn stored(data: Value) -> Self {
        Self { data, committed: true }
    }
}

pub(crate) type Answer = Result<Reply, OaError>;

/// Calls of the API.
const PATHS: &[(&str, &str)] = &[
    ("POST", "/v2.0/article/create"),
    ("POST", "/v2.0/article/update"),
    ("POST", "/v2.0/article/verify"),
    ("POST", "/v2.0/article/remove"),
    ("GET", "/v2.0/article/getslice"),
    ("GET", "/v2.0/article/getdetail"),
    ("POST", "/v2.0/article/upload_video/preparevideo"),
    ("GET", "/v2.0/article/upload_video/verify"),
    ("POST", "/v2.0/oa/upload/image"),
    ("POST", "/v2.0/oa/message"),
    ("GET", "/v2.0/oa/getoa"),
    ("GET", "/v3.0/oa/user/getlist"),
    ("POST", "/v3.0/oa/quota/message"),
    ("POST", "/v2.0/oa/quota/message"),
];

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().fallback(answer).with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    lag: Option<Extension<ListingLag>>,
    incoming: Incoming,
) -> Response {
    let path = incoming.path.as_str();
    if let Some(page) = pages::page(&app, &incoming) {
        return page;
    }
    if incoming.method == "POST" && path == "/v4/oa/access_token" {
        let (value, changed) = app.tokens(&incoming);
        return if changed { Committed::mark(Json(value)) } else { Json(value).into_response() };
    }
    if !PATHS.contains(&(incoming.method.as_str(), path)) {
        let error = OaError::new(-209, "API is not support");
        return (StatusCode::NOT_FOUND, Json(error.value())).into_response();
    }
    let lag = lag.map_or(Duration::ZERO, |lag| lag.0.0);
    let mut left = PER_MINUTE;
    let answer = match app.caller(&incoming) {
        Err(error) => Err(error),
        Ok(oa) => {
            let rest = app.count();
            left = rest.unwrap_or(0);
            match rest {
                Some(_) => app.route(&oa, &incoming, lag).await,
                None => Err(OaError::throttled()),
            }
        }
    };
    let mut answer = match answer {
        Ok(Reply { data, committed: true }) => Committed::mark(Json(success(&data))),
        Ok(Reply { data, .. }) => Json(success(&data)).into_response(),
        Err(error) => error.into_response(),
    };
    put_headers(answer.headers_mut(), left);
    answer
}

/// Puts the two headers of the rate on an answer.
pub(crate) fn put_headers(headers: &mut HeaderMap, left: u32) {
    headers.insert("x-ratelimit-limit", HeaderValue::from(PER_MINUTE));
    headers.insert("x-ratelimit-remain", HeaderValue::from(left));
}

impl App {
    /// Counts a call; how many are left in this minute, or nothing when there were none.
    fn count(&self) -> Option<u32> {
        let now = self.ground.clock.now().as_second().div_euclid(60);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.0 != now {
            *minute = (now, 0);
        }
        let left = PER_MINUTE.checked_sub(minute.1 + 1)?;
        minute.1 += 1;
        Some(left)
    }

    async fn route(self: &Arc<Self>, oa: &str, incoming: &Incoming, lag: Duration) -> Answer {
        if let Some(why) = &incoming.malformed {
            return Err(OaError::new(-201, format!("body is invalid: {why}")));
        }
        let empty = json!({});
        let body = incoming.json.as_ref().unwrap_or(&empty);
        match incoming.path.as_str() {
            "/v2.0/article/create" => self.create(oa, body),
            "/v2.0/article/update" => self.update(oa, body),
            "/v2.0/article/verify" => self.verify(oa, body),
            "/v2.0/article/remove" => self.remove(oa, body),
            "/v2.0/article/getslice" => self.slice(oa, incoming, lag),
            "/v2.0/article/getdetail" => self.detail(oa, incoming),
            "/v2.0/article/upload_video/preparevideo" => self.prepare_video(oa, incoming).await,
            "/v2.0/article/upload_video/verify" => self.verify_video(oa, incoming),
            "/v2.0/oa/upload/image" => self.upload_image(oa, incoming).await,
            "/v2.0/oa/message" => self.broadcast(oa, body),
            "/v2.0/oa/getoa" => self.profile(oa),
            "/v3.0/oa/user/getlist" => self.followers_list(oa, incoming),
            "/v3.0/oa/quota/message" => self.quota(oa, body),
            _ => self.promotion_quota(oa, body),
        }
    }
}
