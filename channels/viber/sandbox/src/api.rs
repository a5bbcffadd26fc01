//! The three calls of a channel, in the platform's own order of checks.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::SignedDuration;
use loa_sandbox::{Committed, Create, Error, FetchError, Fetched, Incoming};
use serde_json::{Value, json};

use crate::{
    App,
    record::{Asked, Channel, Post},
};

/// Above 2^53, so that doubles show.
pub(crate) const FIRST_TOKEN: u64 = 5_741_311_803_571_721_087;
/// Whole request, bytes.
const LARGEST_REQUEST: usize = 30_720;
/// Seconds before a file is asked for again when nobody answered. The platform documents nothing.
const FETCH_AGAIN_S: [u64; 5] = [2, 10, 60, 300, 1800];
/// Posts of one channel in an hour. The platform documents no number.
const PER_HOUR: usize = 200;

pub(crate) fn router() -> Router<App> {
    let mut router = Router::new();
    for slash in ["", "/"] {
        router = router
            .route(&format!("/pa/set_webhook{slash}"), post(set_webhook))
            .route(&format!("/pa/get_account_info{slash}"), post(account_info).get(account_info))
            .route(&format!("/pa/post{slash}"), post(create))
            .route(&format!("/pa/broadcast_message{slash}"), post(bots_only))
            .route(&format!("/pa/send_message{slash}"), post(bots_only));
    }
    router.route("/_sandbox/feed", get(feed))
}

/// A refusal: HTTP 200, told in the body.
struct Refused(u16, &'static str, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let message =
            if self.2.is_empty() { self.1.to_owned() } else { format!("{}: {}", self.1, self.2) };
        (StatusCode::OK, Json(json!({ "status": self.0, "status_message": message })))
            .into_response()
    }
}

fn bad(why: impl Into<String>) -> Refused {
    Refused(3, "badData", why.into())
}

fn missing(field: &str) -> Refused {
    Refused(4, "missingData", field.to_owned())
}

fn ok(mut more: Value) -> Json<Value> {
    if let Some(map) = more.as_object_mut() {
        map.insert("status".to_owned(), json!(0));
        map.insert("status_message".to_owned(), json!("ok"));
    }
    Json(more)
}

/// Size, JSON, token: the checks every call begins with.
fn enter(app: &App, incoming: &Incoming) -> Result<(Channel, Value), Refused> {
    if incoming.body.len() > LARGEST_REQUEST {
        return Err(bad("request is larger than 30 KB"));
    }
    let body: Value = if incoming.body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&incoming.body).map_err(|_| bad("not JSON"))?
    };
    let token = incoming
        .header("x-viber-auth-token")
        .or_else(|| body.get("auth_token").and_then(Value::as_str));
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Err(Refused(2, "missing_auth_token", String::new()));
    };
    let channel =
        app.channels().into_iter().find(|channel| channel.token == token && !channel.revoked);
    channel.map(|channel| (channel, body)).ok_or(Refused(2, "invalidAuthToken", String::new()))
}

async fn bots_only(State(app): State<App>, incoming: Incoming) -> Response {
    match enter(&app, &incoming) {
        Ok(_) => Refused(20, "broadcastNotAllowed", String::new()).into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn set_webhook(State(app): State<App>, incoming: Incoming) -> Response {
    match try_set_webhook(&app, &incoming).await {
        Ok(answer) => Committed::mark(answer),
        Err(refused) => refused.into_response(),
    }
}

async fn try_set_webhook(app: &App, incoming: &Incoming) -> Result<Json<Value>, Refused> {
    let (channel, body) = enter(app, incoming)?;
    let url = body.get("url").and_then(Value::as_str).ok_or_else(|| missing("url"))?.to_owned();
    if !url.is_empty() {
        let at = app.0.clock.now().as_millisecond();
        let event = json!({ "event": "webhook", "timestamp": at, "message_token": FIRST_TOKEN })
            .to_string();
        match app.0.fetcher.knock(&url, event).await {
            Ok(200) => {}
            Ok(status) => return Err(Refused(1, "invalidUrl", format!("answered {status}"))),
            Err(error) => return Err(Refused(1, "invalidUrl", error.to_string())),
        }
    }
    change(app, &channel.id, |channel| channel.webhook.clone_from(&url))?;
    Ok(ok(json!({ "event_types": ["webhook"] })))
}

async fn account_info(State(app): State<App>, incoming: Incoming) -> Response {
    match enter(&app, &incoming) {
        Ok((channel, _)) => ok(json!({
            "id": channel.id,
            "chat_hostname": "SN-CHAT-05_",
            "name": channel.name,
            "background": "",
            "members": channel.members.iter().map(|member| json!({
                "id": member.id, "name": member.name, "avatar": "", "role": member.role,
            })).collect::<Vec<_>>(),
        }))
        .into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn create(State(app): State<App>, incoming: Incoming) -> Response {
    match try_create(&app, &incoming) {
        Ok(token) => {
            let fetching = app.clone();
            tokio::spawn(async move { fetching.fetch(token).await });
            Committed::mark(ok(json!({ "message_token": token })))
        }
        Err(refused) => refused.into_response(),
    }
}

fn try_create(app: &App, incoming: &Incoming) -> Result<u64, Refused> {
    let (channel, body) = enter(app, incoming)?;
    if channel.webhook.is_empty() {
        return Err(Refused(10, "webhookNotSet", String::new()));
    }
    let now = app.0.clock.now();
    let recent = channel
        .posted_at
        .iter()
        .filter(|at| now.duration_since(**at) < SignedDuration::from_hours(1))
        .count();
    if recent >= PER_HOUR {
        return Err(Refused(12, "tooManyRequests", String::new()));
    }
    let from = text_of(&body, "from").ok_or_else(|| missing("from"))?;
    let (kind, text, files) = shape(&body)?;
    let author = channel.members.iter().find(|member| member.id == from);
    if author.is_none_or(|member| member.role != "superadmin") {
        return Err(bad("from is not a superadmin"));
    }
    let stored = app.0.book.change(|page| {
        let token = FIRST_TOKEN + page.next("message_token") - 1;
        let post = Post { token, channel: channel.id.clone(), from, kind, text, files, at: now };
        let addresses: Vec<&str> = post.files.iter().map(|file| file.url.as_str()).collect();
        page.count_create(&Create {
            at: now,
            post: token.to_string(),
            account: channel.id.clone(),
            text: format!("{} {}", post.text, addresses.join(" ")),
        });
        page.put("post", &format!("{token:020}"), &post);
        let mut channel = page.get::<Channel>("channel", &channel.id).unwrap_or(channel);
        channel.posted_at.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(1));
        channel.posted_at.push(now);
        page.put("channel", &channel.id.clone(), &channel);
        Ok::<_, Error>(token)
    });
    stored.map_err(|error| Refused(999, "generalError", error.to_string()))
}

/// Kind, text and files of a post, with the limits of each type.
fn shape(body: &Value) -> Result<(String, String, Vec<Asked>), Refused> {
    let kind = text_of(body, "type").ok_or_else(|| missing("type"))?;
    let text = body.get("text").and_then(Value::as_str).map(str::to_owned);
    let limited = |text: String, most: usize| {
        if text.encode_utf16().count() > most {
            Err(bad(format!("text is longer than {most}")))
        } else {
            Ok(text)
        }
    };
    let media = |extensions: &[&str]| {
        let url = text_of(body, "media").ok_or_else(|| missing("media"))?;
        let path = url.split(['?', '#']).next().unwrap_or_default().to_lowercase();
        let web = url.starts_with("https://") || url.starts_with("http://");
        if !web || !(extensions.is_empty() || extensions.iter().any(|ext| path.ends_with(ext))) {
            return Err(bad("media is not an address with the right extension"));
        }
        Ok(url)
    };
    let asked = |role: &str, url: String| Asked {
        role: role.to_owned(),
        url,
        media: None,
        problem: String::new(),
    };
    let mut files = Vec::new();
    let text = match kind.as_str() {
        "text" => {
            limited(text.filter(|text| !text.is_empty()).ok_or_else(|| missing("text"))?, 7000)?
        }
        "picture" => {
            files.push(asked("photo", media(&[".jpg", ".jpeg", ".png", ".gif"])?));
            limited(text.ok_or_else(|| missing("text"))?, 768)?
        }
        "video" => {
            files.push(asked("video", media(&[".mp4"])?));
            let size = body.get("size").and_then(Value::as_u64).ok_or_else(|| missing("size"))?;
            let duration = body.get("duration").and_then(Value::as_u64).unwrap_or(0);
            if size > 52_428_800 || duration > 180 {
                return Err(bad("video is larger than 50 MB or longer than 180 s"));
            }
            limited(text.unwrap_or_default(), 768)?
        }
        "url" => limited(media(&[])?, 2000)?,
        other => return Err(bad(format!("type {other} is not offered here"))),
    };
    if let Some(url) = text_of(body, "thumbnail") {
        files.push(asked("thumbnail", url));
    }
    Ok((kind, text, files))
}

fn text_of(body: &Value, field: &str) -> Option<String> {
    body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn change(app: &App, id: &str, edit: impl FnOnce(&mut Channel)) -> Result<(), Refused> {
    app.0
        .book
        .change(|page| {
            if let Some(mut channel) = page.get::<Channel>("channel", id) {
                edit(&mut channel);
                page.put("channel", id, &channel);
            }
            Ok::<_, Error>(())
        })
        .map_err(|error| Refused(999, "generalError", error.to_string()))
}

/// What came of the files: only the stand-in tells.
async fn feed(State(app): State<App>) -> Json<Value> {
    Json(serde_json::to_value(app.all_posts()).unwrap_or_default())
}

impl App {
    /// Fetches the files of a post and keeps what came of each.
    pub(crate) async fn fetch(&self, token: u64) {
        let key = format!("{token:020}");
        let Some(post) = self.0.book.read(|page| page.get::<Post>("post", &key)) else { return };
        for (index, file) in post.files.iter().enumerate().filter(|(_, file)| file.media.is_none())
        {
            let (largest, types): (u64, &[&str]) = match file.role.as_str() {
                "video" => (52_428_800, &["video/mp4"]),
                "thumbnail" => (100_000, &["image/jpeg"]),
                _ => (3_000_000, &["image/jpeg", "image/png", "image/gif"]),
            };
            let (media, problem) = match self.fetched(&file.url, largest).await {
                Ok(fetched) if fetched.status == 200 && types.contains(&fetched.mime) => {
                    match self.0.media.put(&fetched.bytes).await {
                        Ok(kept) => (Some(kept), String::new()),
                        Err(error) => (None, error.to_string()),
                    }
                }
                Ok(fetched) => (None, format!("answered {} with {}", fetched.status, fetched.mime)),
                Err(error) => (None, error.to_string()),
            };
            let kept = self.0.book.change(|page| {
                if let Some(mut post) = page.get::<Post>("post", &key) {
                    if let Some(file) = post.files.get_mut(index) {
                        file.media = media;
                        file.problem = problem;
                    }
                    page.put("post", &key, &post);
                }
                Ok::<_, Error>(())
            });
            if let Err(error) = kept {
                tracing::error!(%error, "A fetched file could not be kept");
            }
        }
    }

    /// A file by its address. Where nobody answers it is asked for again, as readers' apps do when they show the post.
    async fn fetched(&self, url: &str, largest: u64) -> Result<Fetched, FetchError> {
        let mut answer = self.0.fetcher.get(url, largest).await;
        for wait_s in FETCH_AGAIN_S {
            if !matches!(answer, Err(FetchError::Failed(_))) {
                break;
            }
            self.0.clock.sleep(Duration::from_secs(wait_s)).await;
            answer = self.0.fetcher.get(url, largest).await;
        }
        answer
    }

    /// Fetches what an earlier run accepted and did not get to.
    pub(crate) fn fetch_what_was_left(&self) {
        for post in self.all_posts() {
            if post.files.iter().any(|file| file.media.is_none() && file.problem.is_empty()) {
                let app = self.clone();
                tokio::spawn(async move { app.fetch(post.token).await });
            }
        }
    }
}
