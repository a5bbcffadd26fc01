#![doc = include_str!("../README.md")]

mod api;
mod auth;
mod batch;
mod error;
mod fields;
mod insights;
mod pages;
mod publish;
mod read;
mod record;
mod upload;
mod usage;
mod video;

use std::sync::Arc;

use axum::{
    Router,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use hmac::{Hmac, KeyInit, Mac};
use loa_sandbox::{
    Error, Ground, Page as Leaf, Platform, Refusal, Result, StandIn, StoredPost, TokenAction,
    Webhook,
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::{
    error::GraphError,
    record::{PageRecord, Post, Token, TokenState},
    usage::Usage,
};

/// The stand-in for Facebook Pages.
#[derive(Debug, Clone, Default)]
pub struct Facebook {
    /// Whether each call must prove that it knows the app secret.
    pub require_proof: bool,
}

/// The running stand-in.
pub(crate) struct App {
    pub(crate) ground: Ground,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) require_proof: bool,
    pub(crate) usage: Usage,
}

/// Handle shared by the routes.
#[derive(Clone)]
struct Handle(Arc<App>);

impl Platform for Facebook {
    fn name(&self) -> &'static str {
        "facebook"
    }

    fn open(&self, ground: Ground) -> Result<Arc<dyn StandIn>> {
        let mix = |what: &str| ground.growth.mix("facebook", what);
        let app = App {
            client_id: (1_000_000_000_000_000 + mix("app") % 900_000_000_000_000).to_string(),
            client_secret: format!("{:016x}{:016x}", mix("secret-a"), mix("secret-b")),
            require_proof: self.require_proof,
            usage: Usage::default(),
            ground: ground.clone(),
        };
        app.seed_accounts()?;
        Ok(Arc::new(Handle(Arc::new(app))))
    }
}

impl App {
    /// The sample Pages and their tokens, kept at the first start.
    fn seed_accounts(&self) -> Result<()> {
        let now = self.ground.clock.now();
        let sample = |id: &str, name: &str, username: &str, followers| {
            (id.to_owned(), name.to_owned(), username.to_owned(), followers)
        };
        let mut samples = vec![
            sample("612345678901234", "Cổng Thông tin Chính phủ (thử)", "cttcp.thu", 48_200),
            sample("612345678905678", "Báo Vùng Cao (thử)", "baovungcao.thu", 9_300),
        ];
        samples.extend(self.ground.more_accounts().map(|n| {
            (format!("6123457{n:08}"), format!("Trang thử {n}"), format!("trang{n}.thu"), 1_200)
        }));
        self.ground.book.change(|leaf: &mut Leaf| {
            for (id, name, username, followers) in samples {
                if leaf.get::<PageRecord>("page", &id).is_some() {
                    continue;
                }
                let page = PageRecord { id: id.clone(), name, username, followers, opened_at: now };
                leaf.put("page", &id, &page);
                let token = Token {
                    page: Some(id.clone()),
                    issued_at: now,
                    expires_at: None,
                    state: TokenState::Live,
                };
                leaf.put("token", &self.sample_token(&id), &token);
            }
            let user = self.sample_token("user");
            if leaf.get::<Token>("token", &user).is_none() {
                let expires_at = now.checked_add(jiff::SignedDuration::from_hours(60 * 24)).ok();
                let token =
                    Token { page: None, issued_at: now, expires_at, state: TokenState::Live };
                leaf.put("token", &user, &token);
            }
            Ok::<_, Error>(())
        })
    }

    /// The token a sample account starts with.
    fn sample_token(&self, whose: &str) -> String {
        let part = |what| self.ground.growth.mix(whose, what);
        format!("EAAL{:016x}{:016x}", part("token-a"), part("token-b"))
    }

    /// A number for a new object: decimal, above 2^53.
    pub(crate) fn new_id(&self, leaf: &mut Leaf) -> String {
        let number = leaf.next("object");
        let noise = self.ground.growth.mix(&number.to_string(), "id") % 1_000;
        (122_100_000_000_000_000 + number * 1_000 + noise).to_string()
    }
}

/// The Page that headers of the fault menu name.
const SOME_PAGE: &str = "612345678901234";

impl StandIn for Handle {
    fn router(&self) -> Router {
        api::router(self.0.clone())
    }

    fn addresses(&self) -> Value {
        let app = &self.0;
        let base = &app.ground.base;
        let pages: Vec<(String, PageRecord)> = app.ground.book.read(|leaf| leaf.list("page"));
        let accounts: Vec<Value> = pages
            .iter()
            .map(|(id, page)| {
                json!({
                    "id": id,
                    "name": page.name,
                    "token": app.sample_token(id),
                    "url": format!("{base}/{id}"),
                })
            })
            .collect();
        json!({
            "graph": base,
            "graph_video": base,
            "rupload": base,
            "oauth": base,
            "version": "v26.0",
            "app": { "id": app.client_id, "secret": app.client_secret },
            "user_token": app.sample_token("user"),
            "accounts": accounts,
        })
    }

    fn posts(&self) -> Vec<StoredPost> {
        let now = self.0.ground.clock.now();
        let base = &self.0.ground.base;
        self.0.ground.book.read(|leaf| {
            let posts: Vec<(String, Post)> = leaf.list("post");
            posts.iter().map(|(_, post)| post.stored(leaf, base, now)).collect()
        })
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Throttle { wait_ms } => {
                let minutes = wait_ms.div_ceil(60_000);
                let mut answer = GraphError::throttled().into_response();
                usage::put_headers(answer.headers_mut(), SOME_PAGE, 100, minutes);
                answer
            }
            Refusal::ExpiredToken => GraphError::expired().into_response(),
        }
    }

    fn say_usage(&self, headers: &mut HeaderMap, percent: u8) {
        usage::put_headers(headers, SOME_PAGE, percent.into(), 0);
    }

    fn tokens(&self, whose: &str, action: TokenAction) -> Result<usize> {
        let now = self.0.ground.clock.now();
        self.0.ground.book.change(|leaf| {
            let tokens: Vec<(String, Token)> = leaf.list("token");
            let mut changed = 0;
            for (key, mut token) in tokens {
                if key != whose && token.page.as_deref() != Some(whose) {
                    continue;
                }
                match action {
                    TokenAction::Expire => token.expires_at = Some(now),
                    TokenAction::Revoke => token.state = TokenState::Revoked,
                }
                leaf.put("token", &key, &token);
                changed += 1;
            }
            Ok::<_, Error>(changed)
        })
    }

    /// A `feed` event: `{"post_id": …, "verb": "add"}`, signed with the app secret over the raw body.
    fn webhook(&self, order: &Value) -> Option<Webhook> {
        let post_id = order.get("post_id")?.as_str()?;
        let (page, _) = post_id.split_once('_')?;
        let time = self.0.ground.clock.now().as_second();
        let verb = order.get("verb").and_then(Value::as_str).unwrap_or("add");
        let value = json!({
            "item": "post", "verb": verb, "post_id": post_id, "published": 1,
            "from": { "id": page }, "created_time": time,
        });
        let body = json!({
            "object": "page",
            "entry": [{ "id": page, "time": time, "changes": [{ "field": "feed", "value": value }] }],
        })
        .to_string();
        let signature = format!("sha256={}", sign(&self.0.client_secret, body.as_bytes()));
        Some(Webhook {
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("X-Hub-Signature-256".to_owned(), signature),
            ],
            body,
        })
    }
}

/// HMAC-SHA256 as lower-case hex.
pub(crate) fn sign(key: &str, message: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key may have any length");
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}
