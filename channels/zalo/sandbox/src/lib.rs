#![doc = include_str!("../README.md")]

mod account;
mod api;
mod article;
mod auth;
mod error;
mod job;
mod pages;
mod read;
mod record;
mod video;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_sandbox::{
    Error, Ground, Page as Leaf, Platform, Refusal, Result, StandIn, StoredPost, TokenAction,
    Webhook,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    error::OaError,
    record::{ACCESS_LIFE, Access, Article, Oa, REFRESH_LIFE, Refresh},
};

/// The stand-in for Zalo Official Accounts.
#[derive(Debug, Clone)]
pub struct Zalo {
    /// Articles an account may create in a calendar month.
    pub articles_a_month: u32,
    /// Broadcasts an account may send in a calendar month.
    pub broadcasts_a_month: u32,
}

impl Default for Zalo {
    fn default() -> Self {
        Self { articles_a_month: 500, broadcasts_a_month: 4 }
    }
}

/// The running stand-in.
pub(crate) struct App {
    pub(crate) ground: Ground,
    pub(crate) limits: Zalo,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) webhook_key: String,
    /// The minute being counted, and the calls in it.
    pub(crate) minute: Mutex<(i64, u32)>,
}

/// Handle shared by the routes.
#[derive(Clone)]
struct Handle(Arc<App>);

impl Platform for Zalo {
    fn name(&self) -> &'static str {
        "zalo"
    }

    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>> {
        let mix = |what: &str| ground.growth.mix("zalo", what);
        let app = Arc::new(App {
            client_id: (1_000_000_000_000_000_000 + mix("app") % 4_000_000_000_000_000_000)
                .to_string(),
            client_secret: format!("{:016X}", mix("secret")),
            webhook_key: format!("OA{:016x}", mix("webhook")),
            limits: self.clone(),
            minute: Mutex::default(),
            ground: ground.clone(),
        });
        app.seed_accounts()?;
        app.resume_jobs();
        Ok(Arc::new(Handle(app)))
    }
}

impl App {
    /// The sample accounts and their first pair of tokens, kept at the first start.
    fn seed_accounts(&self) -> Result<()> {
        let now = self.ground.clock.now();
        let mut samples = vec![
            (
                "388613280879808645".to_owned(),
                "Cổng Thông tin điện tử (thử)".to_owned(),
                31_400,
                true,
            ),
            ("388613280879801112".to_owned(), "Báo Vùng Cao (thử)".to_owned(), 2_700, false),
        ];
        samples.extend(
            self.ground
                .more_accounts()
                .map(|n| (format!("3886132808790{n:05}"), format!("OA thử {n}"), 900, true)),
        );
        self.ground.book.change(|leaf: &mut Leaf| {
            for (id, name, followers, verified) in &samples {
                if leaf.get::<Oa>("oa", id).is_some() {
                    continue;
                }
                let oa = Oa {
                    name: name.clone(),
                    followers: *followers,
                    verified: *verified,
                    opened_at: now,
                };
                leaf.put("oa", id, &oa);
                let pair = self.sample_pair(id);
                keep_pair(leaf, id, &pair, now);
            }
            Ok::<_, Error>(())
        })
    }

    /// The pair a sample account starts with.
    fn sample_pair(&self, oa: &str) -> (String, String) {
        let part = |what| self.ground.growth.mix(oa, what);
        (
            format!("A{:016x}{:016x}", part("a1"), part("a2")),
            format!("R{:016x}{:016x}", part("r1"), part("r2")),
        )
    }

    /// A new pair of tokens.
    pub(crate) fn new_pair(&self, leaf: &mut Leaf, oa: &str, now: Timestamp) -> (String, String) {
        let number = leaf.next("pair");
        let part = |what| self.ground.growth.mix(&format!("{oa}-{number}"), what);
        let pair = (
            format!("A{:016x}{:016x}", part("a1"), part("a2")),
            format!("R{:016x}{:016x}", part("r1"), part("r2")),
        );
        keep_pair(leaf, oa, &pair, now);
        pair
    }

    /// An opaque token, ends in `==`.
    pub(crate) fn opaque(&self, leaf: &mut Leaf, kind: &str) -> String {
        let number = leaf.next(kind);
        let part = |what| self.ground.growth.mix(&format!("{kind}-{number}"), what);
        format!("{:016x}{:016x}{number:06x}==", part("one"), part("two"))
    }
}

fn keep_pair(leaf: &mut Leaf, oa: &str, (access, refresh): &(String, String), now: Timestamp) {
    let until = |life: SignedDuration| now.checked_add(life).unwrap_or(Timestamp::MAX);
    let oa = oa.to_owned();
    let kept = Access { oa: oa.clone(), expires_at: until(ACCESS_LIFE), revoked: false };
    leaf.put("access", access, &kept);
    leaf.put("refresh", refresh, &Refresh { oa, expires_at: until(REFRESH_LIFE), used: false });
}

impl StandIn for Handle {
    fn router(&self) -> Router {
        api::router(self.0.clone())
    }

    fn addresses(&self) -> Value {
        let app = &self.0;
        let base = &app.ground.base;
        let accounts: Vec<(String, Oa)> = app.ground.book.read(|leaf| leaf.list("oa"));
        let accounts: Vec<Value> = accounts
            .iter()
            .rev()
            .map(|(id, oa)| {
                let (access, refresh) = app.sample_pair(id);
                json!({
                    "id": id,
                    "name": oa.name,
                    "access_token": access,
                    "refresh_token": refresh,
                    "verified": oa.verified,
                    "url": format!("{base}/oa/{id}"),
                })
            })
            .collect();
        json!({
            "api": base,
            "oauth": format!("{base}/v4/oa"),
            "app": { "id": app.client_id, "secret": app.client_secret },
            "oa_secret_key": app.webhook_key,
            "accounts": accounts,
        })
    }

    fn posts(&self) -> Vec<StoredPost> {
        self.0.settle();
        let base = &self.0.ground.base;
        let articles: Vec<(String, Article)> = self.0.ground.book.read(|leaf| leaf.list("article"));
        articles.iter().map(|(id, article)| article.stored(id, base)).collect()
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Throttle { .. } => {
                let mut answer = OaError::throttled().into_response();
                api::put_headers(answer.headers_mut(), 0);
                answer
            }
            Refusal::ExpiredToken => OaError::expired().into_response(),
        }
    }

    fn say_usage(&self, headers: &mut HeaderMap, percent: u8) {
        let percent = u32::from(percent.min(100));
        api::put_headers(headers, api::PER_MINUTE - api::PER_MINUTE * percent / 100);
    }

    fn tokens(&self, whose: &str, action: TokenAction) -> Result<usize> {
        let now = self.0.ground.clock.now();
        self.0.ground.book.change(|leaf| {
            let access: Vec<(String, Access)> = leaf.list("access");
            let mut changed = 0;
            for (key, mut token) in access {
                if key != whose && token.oa != whose {
                    continue;
                }
                match action {
                    TokenAction::Expire => token.expires_at = token.expires_at.min(now),
                    TokenAction::Revoke => token.revoked = true,
                }
                leaf.put("access", &key, &token);
                changed += 1;
            }
            let refresh: Vec<(String, Refresh)> = leaf.list("refresh");
            for (key, mut token) in refresh {
                // Only taking the grant back reaches the refresh token; ageing it is asked for by its own name.
                if key == whose || (token.oa == whose && action == TokenAction::Revoke) {
                    token.used = true;
                    leaf.put("refresh", &key, &token);
                    changed += 1;
                }
            }
            Ok::<_, Error>(changed)
        })
    }

    /// `{"event_name":"follow"|"unfollow","oa_id"?,"user_id"?}`, with the mac of the platform.
    fn webhook(&self, order: &Value) -> Option<Webhook> {
        let app = &self.0;
        let event = order.get("event_name")?.as_str()?;
        if !matches!(event, "follow" | "unfollow") {
            return None;
        }
        let text = |name: &str, default: &str| {
            order.get(name).and_then(Value::as_str).unwrap_or(default).to_owned()
        };
        let timestamp = app.ground.clock.now().as_millisecond().to_string();
        let body = json!({
            "event_name": event,
            "app_id": app.client_id,
            "oa_id": text("oa_id", "388613280879808645"),
            "follower": { "id": text("user_id", "24684588352919792") },
            "source": "oa_profile",
            "timestamp": timestamp,
        })
        .to_string();
        let mac = mac(&app.client_id, &body, &timestamp, &app.webhook_key);
        Some(Webhook {
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("X-ZEvent-Signature".to_owned(), format!("mac={mac}")),
                ("X-ZEvent-Server".to_owned(), "OA OpenAPI".to_owned()),
            ],
            body,
        })
    }
}

/// Signature of a webhook: a plain hash over the four joined, not an HMAC.
fn mac(client_id: &str, body: &str, timestamp: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    for part in [client_id, body, timestamp, key] {
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_agrees_with_the_known_vector() {
        let body = r#"{"event_name":"follow","oa_id":"388613280879808645","follower":{"id":"24684588352919792"},"source":"oa_profile","app_id":"3608465248940903967","timestamp":"1602560967477"}"#;
        let mac = mac("3608465248940903967", body, "1602560967477", "OASECRETsandbox");
        assert_eq!(mac, "81b8eedd5c6642dfcce77ccf904a314b73bfb97d9857f9e26fdcc8ecf5dac5fd");
    }
}
