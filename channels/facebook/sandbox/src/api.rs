//! Every route, in one place: which call does what.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Json, Router,
    extract::State,
    http::Method,
    response::{IntoResponse, Response},
};
use loa_sandbox::{Committed, Incoming, ListingLag};
use serde_json::{Value, json};

use crate::{App, auth::Caller, batch, error::GraphError, pages, upload, usage};

/// A call of the API, version taken off its path.
pub(crate) struct Call {
    pub(crate) path: Vec<String>,
    pub(crate) incoming: Incoming,
    /// How far lists are behind.
    pub(crate) lag: Duration,
}

/// An answer, and whether something was stored for it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) value: Value,
    pub(crate) committed: bool,
}

impl Reply {
    pub(crate) fn read(value: Value) -> Self {
        Self { value, committed: false }
    }

    pub(crate) fn stored(value: Value) -> Self {
        Self { value, committed: true }
    }

    pub(crate) fn success() -> Self {
        Self::stored(json!({ "success": true }))
    }
}

pub(crate) type Answer = Result<Reply, GraphError>;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new().fallback(answer).with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    lag: Option<Extension<ListingLag>>,
    incoming: Incoming,
) -> Response {
    let lag = lag.map_or(Duration::ZERO, |lag| lag.0.0);
    let whole: Vec<String> =
        incoming.path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let versioned = whole.first().is_some_and(|part| is_version(part));
    let path = whole.get(usize::from(versioned)..).unwrap_or_default().to_vec();
    if whole.first().is_some_and(|part| part == "video-upload") {
        return upload::bytes(&app, &incoming).await;
    }
    let signed_in = crate::auth::token_of(&incoming).is_some();
    if incoming.method == Method::GET
        && !versioned
        && !signed_in
        && let Some(page) = pages::page(&app, &path)
    {
        return page;
    }
    if path.is_empty() && incoming.method == Method::POST {
        return batch::run(&app, incoming, lag).await;
    }
    let call = Call { path, incoming, lag };
    let (answer, level) = app.take(&call).await;
    let mut answer = match answer {
        Ok(Reply { value, committed: true }) => Committed::mark(Json(value)),
        Ok(Reply { value, .. }) => Json(value).into_response(),
        Err(error) => error.into_response(),
    };
    if let Some((page, level)) = level.filter(|(_, level)| level.shown) {
        let wait = if level.percent >= 100 { 60 } else { 0 };
        usage::put_headers(answer.headers_mut(), &page, level.percent, wait);
    }
    answer
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(major, minor)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits(major) && digits(minor)
    })
}

impl App {
    /// Takes one call: who, how much, what.
    pub(crate) async fn take(&self, call: &Call) -> (Answer, Option<(String, usage::Level)>) {
        if let Some(open) = self.open_call(call) {
            return (open, None);
        }
        let caller = match self.caller(&call.incoming) {
            Ok(caller) => caller,
            Err(error) => return (Err(error), None),
        };
        let ids = call.incoming.field("ids").map_or(1, |ids| ids.split(',').count());
        let level = caller.page.clone().map(|page| {
            let level = self.usage.count(&page, ids, self.ground.clock.now());
            (page, level)
        });
        if level.as_ref().is_some_and(|(_, level)| level.percent >= 100) {
            return (Err(GraphError::throttled()), level);
        }
        if let Some(why) = &call.incoming.malformed {
            return (
                Err(GraphError::param(&format!("The request body cannot be read: {why}"))),
                level,
            );
        }
        (self.route(call, &caller).await, level)
    }

    /// Calls that need no token of ours.
    fn open_call(&self, call: &Call) -> Option<Answer> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["oauth", "access_token"] => Some(self.exchange(&call.incoming).map(Reply::read)),
            ["debug_token"] => Some(self.debug_token(&call.incoming).map(Reply::read)),
            [app, "instruments"] if *app == self.client_id => {
                Some(Ok(Reply::read(json!({ "success": true }))))
            }
            _ => None,
        }
    }

    async fn route(&self, call: &Call, caller: &Caller) -> Answer {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let method = call.incoming.method.as_str();
        match (method, path.as_slice()) {
            ("GET", []) => self.read_many(call),
            ("GET", ["me"]) => match &caller.page {
                Some(page) => self.read_one(call, page),
                None => Ok(Reply::read(
                    json!({ "id": "10229876543210987", "name": "Người quản trị (thử)" }),
                )),
            },
            ("GET", ["me", "accounts"]) => Ok(Reply::read(self.accounts())),
            ("GET", ["me", "permissions"]) => Ok(Reply::read(Self::permissions())),
            ("POST", [page, "feed"]) => {
                caller.must_be(page)?;
                self.create_post(call, page)
            }
            ("POST", [page, "photos"]) => {
                caller.must_be(page)?;
                self.create_photo(call, page).await
            }
            ("POST", [page, "video_reels"]) => {
                caller.must_be(page)?;
                self.reel(call, page)
            }
            ("POST", [page, "videos"]) => {
                caller.must_be(page)?;
                self.feed_video(call, page).await
            }
            ("POST", [page, "subscribed_apps"]) => {
                caller.must_be(page)?;
                Ok(Reply::success())
            }
            ("GET", [page, "subscribed_apps"]) => {
                caller.must_be(page)?;
                let app = json!({ "id": self.client_id, "name": "Loa (thử)", "subscribed_fields": ["feed"] });
                Ok(Reply::read(json!({ "data": [app] })))
            }
            ("GET", [page, edge @ ("feed" | "published_posts" | "scheduled_posts" | "posts")]) => {
                self.list_posts(call, page, edge)
            }
            ("GET", [page, edge @ ("video_reels" | "videos")]) => {
                self.list_videos(call, page, edge)
            }
            ("GET", [object, "insights"]) => self.insights(call, object),
            ("GET", [video, "video_insights"]) => self.video_insights(call, video),
            ("POST", [video, "thumbnails"]) => {
                caller.must_be(&self.video(video)?.page)?;
                self.set_thumbnail(call, video).await
            }
            ("GET", [video, "thumbnails"]) => self.thumbnails(video),
            ("POST", [video, "captions"]) => {
                caller.must_be(&self.video(video)?.page)?;
                self.set_captions(call, video).await
            }
            ("GET", [video, "captions"]) => self.captions(video),
            ("GET", [object, edge @ ("comments" | "reactions")]) => {
                self.audience_edge(object, edge)
            }
            ("GET", [object]) => self.read_one(call, object),
            ("POST", [object]) => self.edit(call, caller, object),
            ("DELETE", [object]) => self.delete(caller, object),
            _ => {
                Err(GraphError::new(2500, format!("Unknown path components: /{}", path.join("/"))))
            }
        }
    }
}
