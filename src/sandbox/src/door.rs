//! What every request passes on its way in and out: the fault menu and the log.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::to_bytes,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use loa_model::seams::SharedClock;
use serde_json::Value;

use crate::{
    fault::{Asked, Fault, FaultBoard},
    incoming::with_body,
    line::Cut,
    platform::{Refusal, StandIn},
    traffic::{Note, RequestLog, SeenRequest},
};

/// Largest body a rule looks into, bytes.
const LOOK: usize = 1024 * 1024;

/// Mark of an answer to a request whose effect is stored. After-commit faults wait for it.
#[derive(Debug, Clone, Copy)]
pub struct Committed;

impl Committed {
    /// The answer, marked.
    pub fn mark(answer: impl IntoResponse) -> Response {
        (Extension(Self), answer).into_response()
    }
}

/// How far lists are behind, put into the request's extensions by the fault menu.
#[derive(Debug, Clone, Copy)]
pub struct ListingLag(pub Duration);

/// The door of one platform.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) name: &'static str,
    pub(crate) clock: SharedClock,
    pub(crate) board: Arc<FaultBoard>,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) stand_in: Arc<dyn StandIn>,
}

/// What the door does after a commit.
enum After {
    Drop,
    Answer { status: u16, body: Option<Value> },
}

/// Lets a request through. A platform does what it has read to the end, whether or not the caller still waits for it.
pub(crate) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    match tokio::spawn(through(door, request, next)).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(%error, "A stand-in failed at a request");
            broken(500, None)
        }
    }
}

/// Plays the faults that befall a request, and writes it down.
async fn through(door: Door, request: Request, next: Next) -> Response {
    let at = door.clock.now();
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let length = length_of(request.headers());
    let cut = request.extensions().get::<ConnectInfo<Cut>>().map(|info| info.0.clone());
    let (request, hits) = match door.look(request).await {
        Ok(looked) => looked,
        Err(answer) => return answer,
    };
    let mut request = request;
    let note = Note::default();
    request.extensions_mut().insert(note.clone());
    let played = door.play(hits, request, next).await;
    let noted = note.take();
    door.log.push(SeenRequest {
        number: 0,
        at,
        method,
        path,
        fields: noted.fields,
        files: noted.files,
        length,
        status: (!played.dropped).then(|| played.answer.status().as_u16()),
        committed: played.committed,
        fault: played.fault.map(str::to_owned),
    });
    if played.dropped {
        if let Some(cut) = cut {
            cut.cut();
        } else {
            tracing::error!("no connection to cut: driven without a listener");
        }
    }
    played.answer
}

/// What came of a request.
struct Played {
    answer: Response,
    committed: bool,
    dropped: bool,
    fault: Option<&'static str>,
}

impl Door {
    /// The request and the rules that befall it. A body is read only when a rule of this platform wants to look into one.
    async fn look(&self, request: Request) -> Result<(Request, Vec<(u64, Fault)>), Response> {
        let (parts, body) = request.into_parts();
        let mut text = parts.uri.query().unwrap_or_default().to_owned();
        let small = length_of(&parts.headers).is_some_and(|length| length <= LOOK as u64);
        let request = if small && self.board.reads_bodies(self.name) {
            let bytes = to_bytes(body, LOOK)
                .await
                .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())?;
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(&bytes));
            with_body(parts, bytes)
        } else {
            Request::from_parts(parts, body)
        };
        let asked = Asked {
            platform: self.name,
            method: request.method().as_str(),
            path: request.uri().path(),
            text: &text,
        };
        let hits = self.board.matching(&asked);
        Ok((request, hits))
    }

    async fn play(&self, hits: Vec<(u64, Fault)>, mut request: Request, next: Next) -> Played {
        let mut fault = None;
        let mut after: Option<(u64, After, &'static str)> = None;
        let mut readdress = None;
        let mut usage = None;
        for (id, hit) in hits {
            let name = hit.name();
            let hit = match hit {
                Fault::DropAfterCommit => {
                    after = after.or(Some((id, After::Drop, name)));
                    continue;
                }
                Fault::ErrorAfterCommit { status, body } => {
                    after = after.or(Some((id, After::Answer { status, body }, name)));
                    continue;
                }
                hit => hit,
            };
            if matches!(hit, Fault::DuplicateWebhook { .. }) || !self.board.spend(id) {
                continue;
            }
            fault = Some(name);
            if let Fault::Readdress { from, to } = hit {
                readdress = Some((from, to));
                continue;
            }
            if let Fault::Usage { percent } = hit {
                usage = Some(percent);
                continue;
            }
            match self.before(hit, &mut request).await {
                Before::Go => {}
                Before::Answer(answer) => {
                    return Played { answer, committed: false, dropped: false, fault };
                }
                Before::Drop => {
                    let answer = ().into_response();
                    return Played { answer, committed: false, dropped: true, fault };
                }
            }
        }
        let mut answer = next.run(request).await;
        let committed = answer.extensions().get::<Committed>().is_some();
        if let Some((from, to)) = readdress {
            answer = readdressed(answer, &from, &to).await;
        }
        if let Some(percent) = usage {
            self.stand_in.say_usage(answer.headers_mut(), percent);
        }
        let mut dropped = false;
        if let Some((id, after, name)) = after.filter(|_| committed)
            && self.board.spend(id)
        {
            fault = Some(name);
            match after {
                After::Drop => dropped = true,
                After::Answer { status, body } => answer = broken(status, body),
            }
        }
        Played { answer, committed, dropped, fault }
    }

    async fn before(&self, fault: Fault, request: &mut Request) -> Before {
        match fault {
            Fault::DropBeforeCommit => Before::Drop,
            Fault::ErrorBeforeCommit { status, body } => Before::Answer(broken(status, body)),
            Fault::Throttle { wait_ms } => {
                Before::Answer(self.stand_in.refuse(Refusal::Throttle { wait_ms }))
            }
            Fault::ExpiredToken => Before::Answer(self.stand_in.refuse(Refusal::ExpiredToken)),
            Fault::Slow { real_ms, virtual_ms } => {
                tokio::time::sleep(Duration::from_millis(real_ms)).await;
                if virtual_ms > 0 {
                    self.clock.sleep(Duration::from_millis(virtual_ms)).await;
                }
                Before::Go
            }
            Fault::ListingLag { ms } => {
                request.extensions_mut().insert(ListingLag(Duration::from_millis(ms)));
                Before::Go
            }
            Fault::DropAfterCommit | Fault::ErrorAfterCommit { .. } => Before::Go,
            Fault::Readdress { .. } | Fault::Usage { .. } | Fault::DuplicateWebhook { .. } => {
                Before::Go
            }
        }
    }
}

/// What a fault before the commit comes to.
enum Before {
    Go,
    Answer(Response),
    Drop,
}

/// A broken answer: the body given, or the page of a proxy.
fn broken(status: u16, body: Option<Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(body) = body {
        return (status, axum::Json(body)).into_response();
    }
    let page = format!("<html><body><h1>{status}</h1></body></html>");
    (status, axum::response::Html(page)).into_response()
}

/// The answer with another address in every header and in the body.
async fn readdressed(answer: Response, from: &str, to: &str) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = match to_bytes(body, LOOK).await {
        Ok(bytes) => bytes,
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    for value in parts.headers.values_mut() {
        let told = value.to_str().ok().map(|text| text.replace(from, to));
        if let Some(told) = told.and_then(|text| text.parse().ok()) {
            *value = told;
        }
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    let body = match std::str::from_utf8(&bytes) {
        Ok(text) => text.replace(from, to).into(),
        Err(_) => bytes,
    };
    Response::from_parts(parts, body.into())
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
