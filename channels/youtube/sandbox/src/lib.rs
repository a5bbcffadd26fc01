#![doc = include_str!("../README.md")]

mod api;
mod error;
mod mp4;
mod oauth;
mod pages;
mod record;
mod reports;
mod side;
mod upload;

use std::sync::Arc;

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use loa_sandbox::{
    Error, Ground, Incoming, Numbers, Page, Platform, Pull, Refusal, Result, StandIn, StoredPost,
    TokenAction, Webhook,
};
use serde_json::{Value, json};

use crate::{
    error::ApiError,
    record::{Channel, Token, Video},
};

/// The stand-in for YouTube.
#[derive(Debug, Clone, Copy, Default)]
pub struct YouTube;

/// The running stand-in.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Ground>);

/// Units of one day, by bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bucket {
    Uploads,
    Statistics,
    Shared,
}

impl Platform for YouTube {
    fn name(&self) -> &'static str {
        "youtube"
    }

    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>> {
        let app = App(Arc::new(ground));
        app.seed()?;
        Ok(Arc::new(app))
    }
}

impl App {
    /// The sample channels, kept at the first start.
    fn seed(&self) -> Result<()> {
        let now = self.now();
        let mut samples = vec![
            (
                "UCcongthongtinchinhphu01".to_owned(),
                "Cổng Thông tin Chính phủ (thử)".to_owned(),
                21_400,
            ),
            ("UCbaovungcaothunghiem02".to_owned(), "Báo Vùng Cao (thử)".to_owned(), 3_150),
        ];
        samples.extend(
            self.0
                .more_accounts()
                .map(|n| (format!("UCtrangthunghiem{n:08}"), format!("Kênh thử {n}"), 800)),
        );
        self.0.book.change(|page| {
            for (id, title, subscribers) in &samples {
                if page.get::<Channel>("channel", id).is_some() {
                    continue;
                }
                let part = |what: &str| self.0.growth.mix(id, what);
                let channel = Channel {
                    id: id.to_owned(),
                    title: title.to_owned(),
                    subscribers: *subscribers,
                    opened_at: now,
                    refresh_token: format!(
                        "1//0{:016x}{:016x}",
                        part("refresh-a"),
                        part("refresh-b")
                    ),
                    revoked: false,
                };
                page.put("channel", id, &channel);
                let token = Token {
                    channel: id.to_owned(),
                    expires_at: now + SignedDuration::from_secs(3599),
                };
                page.put("token", &self.first_token(id), &token);
            }
            Ok::<_, Error>(())
        })
    }

    fn first_token(&self, channel: &str) -> String {
        let part = |what| self.0.growth.mix(channel, what);
        format!("ya29.{:016x}{:016x}", part("token-a"), part("token-b"))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The channel whose access token came with the request.
    pub(crate) fn enter(&self, incoming: &Incoming) -> Result<Channel, ApiError> {
        let token =
            incoming.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let token =
            token.or_else(|| incoming.field("access_token")).ok_or_else(ApiError::unauthorized)?;
        let found = self.0.book.read(|page| {
            let token = page.get::<Token>("token", token)?;
            (token.expires_at > self.now())
                .then(|| page.get::<Channel>("channel", &token.channel))?
        });
        found.filter(|channel| !channel.revoked).ok_or_else(ApiError::unauthorized)
    }

    /// Takes units of today's bucket, inside a change.
    pub(crate) fn spend(
        &self,
        page: &mut Page,
        bucket: Bucket,
        units: u64,
    ) -> Result<(), ApiError> {
        let (name, limit) = match bucket {
            Bucket::Uploads => ("uploads", 100),
            Bucket::Statistics => ("statistics", 10_000),
            Bucket::Shared => ("shared", 10_000),
        };
        let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
        let key = format!("{name}/{}", self.now().to_zoned(zone).date());
        let spent: u64 = page.get("quota", &key).unwrap_or(0);
        if spent + units > limit {
            return Err(ApiError::quota());
        }
        page.put("quota", &key, &(spent + units));
        Ok(())
    }

    pub(crate) fn videos(&self) -> Vec<Video> {
        self.0
            .book
            .read(|page| page.list::<Video>("video"))
            .into_iter()
            .map(|(_, video)| video)
            .collect()
    }

    pub(crate) fn video(&self, id: &str) -> Option<Video> {
        self.0.book.read(|page| page.get::<Video>("video", id)).filter(|video| !video.deleted)
    }

    /// How the audience answers a public video by now.
    pub(crate) fn numbers(&self, video: &Video, at: Timestamp) -> Numbers {
        let Some(since) = video.public_since else { return Numbers::default() };
        let audience = self
            .0
            .book
            .read(|page| page.get::<Channel>("channel", &video.channel))
            .map_or(0, |c| c.subscribers);
        let pull = Pull { audience, views_per_mille: 420, half_life_s: 36_000 };
        let age = i64::try_from(at.duration_since(since).as_millis()).unwrap_or(0);
        self.0.growth.numbers(&video.id, age, pull)
    }
}

impl StandIn for App {
    fn router(&self) -> Router {
        api::router()
            .merge(upload::router())
            .merge(side::router())
            .merge(oauth::router())
            .merge(reports::router())
            .merge(pages::router())
            .with_state(self.clone())
    }

    fn addresses(&self) -> Value {
        let base = &self.0.base;
        let channels: Vec<(String, Channel)> = self.0.book.read(|page| page.list("channel"));
        let accounts: Vec<Value> = channels
            .iter()
            .map(|(id, channel)| {
                json!({
                    "id": id,
                    "name": channel.title,
                    "token": self.first_token(id),
                    "refresh_token": channel.refresh_token,
                    "url": format!("{base}/"),
                })
            })
            .collect();
        json!({
            "api": base, "upload": base, "oauth": base, "analytics": base,
            "client": { "id": oauth::CLIENT_ID, "secret": self.client_secret() },
            "accounts": accounts,
        })
    }

    fn posts(&self) -> Vec<StoredPost> {
        let now = self.now();
        self.videos().iter().map(|video| video.stored(&self.0.base, now)).collect()
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Throttle { wait_ms } => {
                let mut answer =
                    ApiError::new(429, "rateLimitExceeded", "Quota exceeded for quota metric.")
                        .into_response();
                if let Ok(value) = wait_ms.div_ceil(1000).to_string().parse() {
                    answer.headers_mut().insert("retry-after", value);
                }
                answer
            }
            Refusal::ExpiredToken => ApiError::unauthorized().into_response(),
        }
    }

    fn tokens(&self, whose: &str, action: TokenAction) -> Result<usize> {
        let now = self.now();
        self.0.book.change(|page| {
            let mut changed = 0;
            for (key, mut token) in page.list::<Token>("token") {
                if key == whose || token.channel == whose {
                    token.expires_at = now;
                    page.put("token", &key, &token);
                    changed += 1;
                }
            }
            if matches!(action, TokenAction::Revoke)
                && let Some(mut channel) = page.get::<Channel>("channel", whose)
            {
                channel.revoked = true;
                page.put("channel", whose, &channel);
            }
            Ok::<_, Error>(changed)
        })
    }

    fn webhook(&self, _: &Value) -> Option<Webhook> {
        None
    }
}

/// JSON with a status.
pub(crate) fn answer(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

/// The values of a parameter that may be repeated or joined with commas.
pub(crate) fn listed(incoming: &Incoming, name: &str) -> Vec<String> {
    let values = incoming.pairs.iter().filter(|(key, _)| key == name);
    values
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|v| !v.is_empty())
        .map(str::to_owned)
        .collect()
}
