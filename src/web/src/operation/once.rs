//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again acts once.
//!
//! The record of a key goes with **the first commit of the handler itself** ([`super::terms`]), not with one before it. So there
//! is a record exactly when something happened: a crash before the effect leaves nothing and the request may be sent again; a
//! crash behind it leaves a record without an answer, and the same key is told to look at the record (409). A claim of its own
//! would say so after both, and would cost each request a commit more. Two requests of one key at once are told apart in this
//! process by what is running, and between processes by the commit: the key must be new, so one of them changes nothing.
//!
//! A handler goes on when the caller hangs up, so that the answer that was lost can be given again. Answers are kept for a day
//! with their status; one that changed nothing and failed is not kept, because asking again is harmless and may be right then.
//! What an answer tells once, a password or a token, never enters the ledger: such an answer is kept in memory, and is gone with
//! the process. Previews and checks, which change nothing, take no key.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Digest, DigestBuilder, IndexEntry, Record, UserId,
    record::{join, time_key},
};
use loa_store::{Changes, Error, Expect, Seq, Store, StoreExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    MOST, Rules,
    tags::Looked,
    terms::{Seen, Terms},
};
use crate::{
    App, Shared, audit,
    auth::Visitor,
    error::{self, WebError},
};

/// The header.
const KEY: &str = "idempotency-key";
/// What an answer that is given again says of itself.
const REPLAYED: &str = "idempotent-replayed";
/// How the log calls the keeping of an answer.
pub(super) const KEEP: &str = "keep the answer of a request";
/// How long a key is known.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Longest key, characters.
const LONGEST: usize = 255;
/// Longest answer in the ledger, bytes.
const LONGEST_ANSWER: usize = 64 * 1024;
/// Most answers that are kept in memory.
const REMEMBERED: usize = 1000;
/// Keys that ran out and are swept away with each answer that is kept.
const SWEPT: usize = 20;
/// All keys in the order of time.
const BY_TIME: &str = "idempotency_key_by_time";

/// A request that was sent with a key, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Digest of the person, the agency and the key. The ledger never holds the key.
    pub key: Digest,
    /// Agency of the person.
    pub agency: String,
    /// Who asked.
    pub user: UserId,
    /// Digest of the key, method, address and body.
    pub asked: Digest,
    /// When.
    pub at: Timestamp,
    /// What was answered; nothing while it is being worked on, and for ever when that was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers that belong to it.
    pub headers: Vec<(String, String)>,
    /// Its body; nothing when it tells something once, or is too long.
    pub body: Option<String>,
}

impl Record for Kept {
    const TABLE: &'static str = "idempotency_key";
    fn key(&self) -> String {
        self.key.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let key = join(&[&time_key(self.at), &self.key.to_string()]);
        vec![IndexEntry { index: BY_TIME, key }]
    }
}

/// What this process knows of keys besides the ledger.
#[derive(Default)]
pub(crate) struct Keys(Mutex<Known>);

#[derive(Default)]
struct Known {
    running: BTreeSet<Digest>,
    /// Bodies that are told once.
    told: BTreeMap<Digest, (Timestamp, Bytes)>,
}

impl Keys {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way in this process.
struct Running(Shared, Digest);

impl Running {
    fn begin(app: &Shared, key: Digest) -> Option<Self> {
        app.keys.known().running.insert(key).then(|| Self(Arc::clone(app), key))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.keys.known().running.remove(&self.1);
    }
}

/// The key of a request, without the quotes of the draft.
fn brought(headers: &HeaderMap) -> Result<Option<&str>, WebError> {
    let mut all = headers.get_all(KEY).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let key = first.to_str().unwrap_or_default().trim();
    let quoted = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    let key = quoted.unwrap_or(key);
    let fits = !key.is_empty() && key.len() <= LONGEST && key.bytes().all(|b| b.is_ascii_graphic());
    if !fits || all.next().is_some() {
        return Err(WebError::new(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key có từ 1 đến 255 ký tự ASCII in được, gửi một lần / Idempotency-Key has 1 to 255 visible ASCII characters and is sent once",
        ));
    }
    Ok(Some(key))
}

/// Runs a changing operation, at most once for its key.
pub(super) async fn run(rules: &Rules, looked: Looked, lang: &str, next: Next) -> Response {
    let visitor = looked.request.extensions().get::<Visitor>().cloned();
    let key = match brought(looked.request.headers()) {
        Ok(key) => key.map(str::to_owned),
        Err(error) => return error.into_response(),
    };
    match (key, visitor) {
        (Some(key), Some(visitor)) => {
            match keyed(rules, looked, (&key, &visitor, lang), next).await {
                Ok(response) => response,
                Err(error) => error.into_response(),
            }
        }
        _ => match looked.checked() {
            Err(error) => error.into_response(),
            Ok((request, seen)) => {
                let terms = Terms::new(None, seen);
                let response = terms.on(next.run(request)).await;
                if terms.is_stale() { super::tags::stale().into_response() } else { response }
            }
        },
    }
}

async fn keyed(
    rules: &Rules,
    looked: Looked,
    (key, visitor, lang): (&str, &Visitor, &str),
    next: Next,
) -> Result<Response, WebError> {
    let app = &rules.app;
    let digest = DigestBuilder::new("idempotency-key/1")
        .field("user", visitor.user.id.to_string())
        .field("agency", &visitor.user.agency)
        .field("key", key)
        .finish();
    let running = Running::begin(app, digest).ok_or_else(still_running)?;
    let (looked, asked) = looked.read(MOST).await?;
    // With the key, which the ledger never holds: whoever reads the ledger cannot try passwords on it.
    let asked =
        DigestBuilder::new("keyed request/1").field("key", key).json("asked", &asked).finish();
    let now = app.clock.now();
    let before = app.store.read::<Kept>(&digest.to_string()).await?;
    let mut expect = Expect::Absent;
    if let Some(row) = before {
        if row.record.at + KEPT_FOR > now {
            return replay(app, row.record, asked);
        }
        expect = Expect::Version(row.version);
    }
    let (request, seen) = looked.checked()?;
    let kept = Kept {
        key: digest,
        agency: visitor.user.agency.clone(),
        user: visitor.user.id,
        asked,
        at: now,
        answer: None,
    };
    let work = Work { app: Arc::clone(app), kept, expect, lang: lang.to_owned(), running };
    // Whoever hangs up does not stop it half way.
    let done = tokio::spawn(work.run(request, seen, next)).await;
    done.map_err(|error| {
        tracing::error!(%error, "An operation broke off");
        WebError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Lỗi máy chủ, đã ghi nhật ký / The server failed, it is in the log",
        )
    })
}

struct Work {
    app: Shared,
    kept: Kept,
    expect: Expect,
    lang: String,
    /// Let go with the work.
    running: Running,
}

impl Work {
    async fn run(self, request: Request, seen: Option<Seen>, next: Next) -> Response {
        let actor = Actor::User(self.kept.user);
        let claim = Changes::by(actor.clone(), KEEP).put(&self.kept, self.expect).rows.pop();
        let terms = Terms::new(claim, seen);
        let response = error::told(terms.on(next.run(request)).await, &self.lang).await;
        if terms.is_taken() {
            return still_running().into_response();
        }
        if terms.is_stale() && terms.carried().is_none() {
            return super::tags::stale().into_response();
        }
        let expect = match terms.carried() {
            Some(seq) => Expect::Version(seq),
            // It changed nothing that is kept here, and says it is so.
            None if response.status().is_success() => self.expect,
            None => return response,
        };
        let (parts, body) = response.into_parts();
        let Ok(body) = axum::body::to_bytes(body, MOST).await else {
            tracing::error!("The answer of a request cannot be kept: it has no end");
            return (parts, Body::empty()).into_response();
        };
        let Self { app, mut kept, running, .. } = self;
        let text = std::str::from_utf8(&body).ok();
        let open = text.filter(|text| text.len() <= LONGEST_ANSWER && !tells_once(text));
        if open.is_none() {
            remember(&app, kept.key, kept.at, body.clone());
        }
        let names = [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::LINK];
        let header = |name: HeaderName| {
            let value = parts.headers.get(&name)?.to_str().ok()?.to_owned();
            Some((name.to_string(), value))
        };
        kept.answer = Some(Answer {
            status: parts.status.as_u16(),
            headers: names.into_iter().filter_map(header).collect(),
            body: open.map(str::to_owned),
        });
        if let Err(error) = keep(&*app.store, actor, &kept, expect).await {
            tracing::error!(%error, "The answer of a request cannot be kept");
        }
        drop(running);
        (parts, Body::from(body)).into_response()
    }
}

/// Keeps the answer, and sweeps away what ran out.
async fn keep(
    store: &dyn Store,
    actor: Actor,
    kept: &Kept,
    expect: Expect,
) -> loa_store::Result<Seq> {
    let changes = || Changes::by(actor.clone(), KEEP).put(kept, expect);
    let until = time_key(kept.at - KEPT_FOR);
    let over = store.range(BY_TIME, "", &until, SWEPT, false).await?;
    let mut swept = changes();
    for row in &over {
        let row = row.read::<Kept>()?;
        if row.record.key != kept.key {
            swept = swept.delete(&row.record, row.version);
        }
    }
    match store.commit(swept).await {
        // Somebody else swept the same.
        Err(Error::Conflict { .. }) if !over.is_empty() => store.commit(changes()).await,
        done => done,
    }
}

/// Whether a body tells what is told once.
fn tells_once(text: &str) -> bool {
    fn holds(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields
                .iter()
                .any(|(name, value)| (value.is_string() && audit::is_secret(name)) || holds(value)),
            Value::Array(values) => values.iter().any(holds),
            _ => false,
        }
    }
    serde_json::from_str(text).is_ok_and(|value| holds(&value))
}

fn remember(app: &App, key: Digest, at: Timestamp, body: Bytes) {
    let mut known = app.keys.known();
    known.told.retain(|_, (then, _)| *then + KEPT_FOR > at);
    known.told.insert(key, (at, body));
    while known.told.len() > REMEMBERED {
        let Some(oldest) = known.told.iter().min_by_key(|(_, (at, _))| *at).map(|(key, _)| *key)
        else {
            break;
        };
        known.told.remove(&oldest);
    }
}

/// The answer that was given.
fn replay(app: &App, kept: Kept, asked: Digest) -> Result<Response, WebError> {
    if kept.asked != asked {
        return Err(WebError::unfit(
            "Idempotency-Key này đã dùng cho một yêu cầu khác / This Idempotency-Key was used for another request",
        ));
    }
    let Some(answer) = kept.answer else {
        return Err(WebError::new(
            StatusCode::CONFLICT,
            "Yêu cầu trước với khóa này đã bắt đầu thay đổi nhưng không rõ kết quả; hãy xem lại bản ghi rồi gửi với khóa mới nếu cần / An earlier request with this key began to change something and its outcome is not known; look at the record, then send with a new key if need be",
        ));
    };
    let told = || app.keys.known().told.get(&kept.key).map(|(_, body)| body.clone());
    let Some(body) = answer.body.map(Bytes::from).or_else(told) else {
        return Err(WebError::new(
            StatusCode::CONFLICT,
            "Yêu cầu này đã được thực hiện; câu trả lời chỉ được nói một lần và không còn lưu / This was done; its answer was told once and is not kept",
        ));
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn still_running() -> WebError {
    WebError::new(
        StatusCode::CONFLICT,
        "Một yêu cầu với khóa này đang được xử lý; hãy thử lại sau / A request with this key is being worked on; ask again later",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_and_without_quotes_and_only_one() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            headers
        };
        assert_eq!(brought(&headers(&[])).unwrap(), None);
        assert_eq!(brought(&headers(&["\"a-1\""])).unwrap(), Some("a-1"));
        assert_eq!(brought(&headers(&["a-1"])).unwrap(), Some("a-1"));
        let long = "x".repeat(LONGEST + 1);
        for wrong in [&["", "x"][..], &[""], &["\"\""], &["a b"], &["ế"], &[&long], &["a", "a"]] {
            assert!(brought(&headers(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_told_once_is_known_by_its_name() {
        assert!(tells_once(r#"{"id":"x","password":"y"}"#));
        assert!(tells_once(r#"{"a":[{"newToken":"y"}]}"#));
        assert!(!tells_once(r#"{"password":null,"title":"token"}"#) && !tells_once("token"));
    }
}
