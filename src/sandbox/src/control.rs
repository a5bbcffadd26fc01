//! The control API: time, faults, what was stored, what was seen, tokens, webhooks.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use loa_model::seams::SharedClock;
use loa_net::{Body, Client, Limits, Method, Request};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    book::Page,
    clock::Advance,
    fault::{Fault, FaultBoard, FaultRule},
    fetch::fetches,
    platform::TokenAction,
    post::{PostStatus, StoredPost},
    server::Open,
};

/// What the control API speaks for.
#[derive(Clone)]
pub(crate) struct Desk {
    clock: SharedClock,
    advance: Option<Arc<dyn Advance>>,
    board: Arc<FaultBoard>,
    open: Arc<BTreeMap<&'static str, Open>>,
}

/// A refusal: status and reason.
struct No(StatusCode, String);

type Answer = Result<Json<Value>, No>;

impl IntoResponse for No {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl Desk {
    pub(crate) fn new(
        clock: SharedClock,
        advance: Option<Arc<dyn Advance>>,
        board: Arc<FaultBoard>,
        open: BTreeMap<&'static str, Open>,
    ) -> Self {
        Self { clock, advance, board, open: Arc::new(open) }
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/control/clock", get(clock))
            .route("/control/clock/advance", post(advance))
            .route("/control/faults", get(faults).post(add_fault).delete(clear_faults))
            .route("/control/{platform}/posts", get(posts))
            .route("/control/{platform}/creates", get(creates))
            .route("/control/{platform}/requests", get(requests))
            .route("/control/{platform}/fetches", get(fetched))
            .route("/control/{platform}/tokens", post(tokens))
            .route("/control/{platform}/webhooks", post(webhook))
            .with_state(self)
    }

    fn find(&self, platform: &str) -> Result<&Open, No> {
        self.open.get(platform).ok_or_else(|| {
            let known: Vec<_> = self.open.keys().collect();
            refuse(StatusCode::NOT_FOUND, &format!("no platform {platform}; there are {known:?}"))
        })
    }
}

fn refuse(status: StatusCode, why: &str) -> No {
    No(status, why.to_owned())
}

async fn clock(State(desk): State<Desk>) -> Json<Value> {
    Json(json!({ "now": desk.clock.now(), "movable": desk.advance.is_some() }))
}

#[derive(Deserialize)]
struct Move {
    ms: u64,
}

async fn advance(State(desk): State<Desk>, Json(by): Json<Move>) -> Answer {
    let Some(advance) = &desk.advance else {
        let why = "this clock cannot be moved; start with --virtual-clock";
        return Err(refuse(StatusCode::CONFLICT, why));
    };
    advance
        .advance(Duration::from_millis(by.ms))
        .map_err(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()))?;
    Ok(clock(State(desk)).await)
}

async fn faults(State(desk): State<Desk>) -> Json<Value> {
    Json(json!({ "faults": desk.board.all() }))
}

async fn add_fault(State(desk): State<Desk>, Json(rule): Json<FaultRule>) -> Answer {
    desk.find(&rule.platform)?;
    Ok(Json(json!({ "id": desk.board.add(rule) })))
}

#[derive(Deserialize)]
struct Whose {
    platform: Option<String>,
}

async fn clear_faults(State(desk): State<Desk>, Query(whose): Query<Whose>) -> Json<Value> {
    desk.board.clear(whose.platform.as_deref());
    faults(State(desk)).await
}

async fn posts(State(desk): State<Desk>, Path(platform): Path<String>) -> Answer {
    Ok(Json(json!({ "posts": desk.find(&platform)?.stand_in.posts() })))
}

#[derive(Deserialize)]
struct Marked {
    marker: Option<String>,
}

async fn creates(
    State(desk): State<Desk>,
    Path(platform): Path<String>,
    Query(asked): Query<Marked>,
) -> Answer {
    let open = desk.find(&platform)?;
    let marker = asked.marker.unwrap_or_default();
    let creates: Vec<_> = open
        .book
        .read(Page::creates)
        .into_iter()
        .filter(|create| create.text.contains(&marker))
        .collect();
    let posts: Vec<StoredPost> =
        open.stand_in.posts().into_iter().filter(|post| post.carries(&marker)).collect();
    let count = |state| posts.iter().filter(|post| post.state == state).count();
    let (visible, hidden) = (count(PostStatus::Visible), count(PostStatus::Hidden));
    let live: Vec<_> = posts
        .iter()
        .filter(|post| post.state == PostStatus::Visible)
        .map(|post| &post.id)
        .collect();
    Ok(Json(json!({
        "marker": marker,
        "creates": creates.len(),
        "live": visible,
        "hidden": hidden,
        "removed": count(PostStatus::Removed),
        "posts": live,
        "requests": creates,
    })))
}

async fn requests(State(desk): State<Desk>, Path(platform): Path<String>) -> Answer {
    Ok(Json(json!({ "requests": desk.find(&platform)?.log.all() })))
}

async fn fetched(State(desk): State<Desk>, Path(platform): Path<String>) -> Answer {
    let fetches = fetches(&desk.find(&platform)?.book);
    Ok(Json(json!({ "fetches": fetches })))
}

#[derive(Deserialize)]
struct TokenOrder {
    /// An account's id or a token.
    whose: String,
    action: TokenAction,
}

async fn tokens(
    State(desk): State<Desk>,
    Path(platform): Path<String>,
    Json(order): Json<TokenOrder>,
) -> Answer {
    let done = desk.find(&platform)?.stand_in.tokens(&order.whose, order.action);
    match done {
        Ok(0) => Err(refuse(StatusCode::NOT_FOUND, "no such account or token")),
        Ok(changed) => Ok(Json(json!({ "changed": changed }))),
        Err(error) => Err(refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())),
    }
}

#[derive(Deserialize)]
struct WebhookOrder {
    /// Where to.
    url: Url,
    /// What about, in the platform's own terms.
    event: Value,
}

/// Sends one webhook, or as many copies as the fault menu says, and tells what was answered.
async fn webhook(
    State(desk): State<Desk>,
    Path(platform): Path<String>,
    Json(order): Json<WebhookOrder>,
) -> Answer {
    let Some(webhook) = desk.find(&platform)?.stand_in.webhook(&order.event) else {
        return Err(refuse(StatusCode::BAD_REQUEST, "the platform sends no such webhook"));
    };
    let copies = copies(&desk.board, &platform);
    let client = Client::trusted(order.url.clone(), Limits::default())
        .map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
    let mut answers = Vec::new();
    for _ in 0..copies {
        let mut request = Request::new(Method::POST, order.url.clone())
            .body(Body::Bytes(webhook.body.clone().into()))
            .effectful();
        for (name, value) in &webhook.headers {
            request = request.header(name, value.clone());
        }
        answers.push(match client.send(request, None).await {
            Ok(answer) => json!({ "status": answer.status }),
            Err(error) => json!({ "error": error.to_string() }),
        });
    }
    Ok(Json(json!({ "sent": copies, "answers": answers })))
}

fn copies(board: &FaultBoard, platform: &str) -> u32 {
    for scheduled in board.all() {
        if let Fault::DuplicateWebhook { copies } = scheduled.rule.fault
            && scheduled.rule.platform == platform
            && board.spend(scheduled.id)
        {
            return copies.max(1);
        }
    }
    1
}
