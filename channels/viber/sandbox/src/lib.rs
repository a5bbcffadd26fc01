#![doc = include_str!("../README.md")]

mod api;
mod pages;
mod record;

use std::sync::Arc;

use axum::{
    Json, Router,
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use loa_sandbox::{
    Error, Ground, Platform, Refusal, Result, StandIn, StoredPost, TokenAction, Webhook,
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::record::{Channel, Member, Post};

/// The stand-in for Viber channels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Viber;

/// The running stand-in.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Ground>);

impl Platform for Viber {
    fn name(&self) -> &'static str {
        "viber"
    }

    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>> {
        let app = App(Arc::new(ground));
        app.seed()?;
        app.fetch_what_was_left();
        Ok(Arc::new(app))
    }
}

impl App {
    /// The sample channels and their members, kept at the first start.
    fn seed(&self) -> Result<()> {
        let mut samples = vec![
            ("pa:75346594275468546724".to_owned(), "Cổng Thông tin Chính phủ (thử)".to_owned()),
            ("pa:75346594275468547777".to_owned(), "Báo Vùng Cao (thử)".to_owned()),
        ];
        samples.extend(
            self.0
                .more_accounts()
                .map(|n| (format!("pa:7534659427546855{n:04}"), format!("Kênh thử {n}"))),
        );
        self.0.book.change(|page| {
            for (id, name) in &samples {
                if page.get::<Channel>("channel", id).is_some() {
                    continue;
                }
                let member = |what: &str, name: &str, role: &str| Member {
                    id: format!("{:011x}A=", self.0.growth.mix(id, what) >> 20),
                    name: name.to_owned(),
                    role: role.to_owned(),
                };
                let part = |what: &str| self.0.growth.mix(id, what);
                let channel = Channel {
                    id: id.to_owned(),
                    name: name.to_owned(),
                    token: format!(
                        "{:016x}-{:016x}-{:016x}",
                        part("token-a"),
                        part("token-b"),
                        part("token-c")
                    ),
                    revoked: false,
                    webhook: String::new(),
                    members: vec![
                        member("super", "Ban biên tập", "superadmin"),
                        member("admin", "Cộng tác viên", "admin"),
                    ],
                    posted_at: Vec::new(),
                };
                page.put("channel", id, &channel);
            }
            Ok::<_, Error>(())
        })
    }

    pub(crate) fn channels(&self) -> Vec<Channel> {
        self.0
            .book
            .read(|page| page.list::<Channel>("channel"))
            .into_iter()
            .map(|(_, channel)| channel)
            .collect()
    }

    pub(crate) fn all_posts(&self) -> Vec<Post> {
        self.0
            .book
            .read(|page| page.list::<Post>("post"))
            .into_iter()
            .map(|(_, post)| post)
            .collect()
    }
}

impl StandIn for App {
    fn router(&self) -> Router {
        api::router().merge(pages::router()).with_state(self.clone())
    }

    fn addresses(&self) -> Value {
        let accounts: Vec<Value> = self
            .channels()
            .iter()
            .map(|channel| {
                let author = channel.members.iter().find(|member| member.role == "superadmin");
                json!({
                    "id": channel.id,
                    "name": channel.name,
                    "token": channel.token,
                    "from": author.map(|member| member.id.clone()),
                    "url": format!("{}/", self.0.base),
                })
            })
            .collect();
        json!({ "api": self.0.base, "accounts": accounts })
    }

    fn posts(&self) -> Vec<StoredPost> {
        self.all_posts().iter().map(|post| post.stored(&self.0.base)).collect()
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        // The contract knows no wait: status 12 is all that is said.
        let (status, name) = match refusal {
            Refusal::Throttle { .. } => (12, "tooManyRequests"),
            Refusal::ExpiredToken => (2, "invalidAuthToken"),
        };
        Json(json!({ "status": status, "status_message": name })).into_response()
    }

    fn tokens(&self, whose: &str, _: TokenAction) -> Result<usize> {
        // Tokens do not expire: one that was issued anew makes the old one invalid.
        self.0.book.change(|page| {
            let mut changed = 0;
            for (key, mut channel) in page.list::<Channel>("channel") {
                if key == whose || channel.token == whose {
                    channel.revoked = true;
                    page.put("channel", &key, &channel);
                    changed += 1;
                }
            }
            Ok::<_, Error>(changed)
        })
    }

    fn webhook(&self, order: &Value) -> Option<Webhook> {
        let id = order.get("account").and_then(Value::as_str);
        let channel =
            self.channels().into_iter().find(|channel| id.is_none_or(|id| channel.id == id))?;
        let at = self.0.clock.now().as_millisecond();
        let body =
            json!({ "event": "webhook", "timestamp": at, "message_token": api::FIRST_TOKEN })
                .to_string();
        let mut mac =
            Hmac::<Sha256>::new_from_slice(channel.token.as_bytes()).expect("HMAC takes any key");
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        Some(Webhook { headers: vec![("X-Viber-Content-Signature".to_owned(), signature)], body })
    }
}
