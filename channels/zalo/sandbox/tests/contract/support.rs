//! A running stand-in, a portal that serves pictures, and a plain HTTP client.

use std::{path::Path, sync::Arc, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use loa_channel_zalo_sandbox::Zalo;
use loa_sandbox::{Advance, ControlClient, ManualClock, Options, Running, Sandbox};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The stand-in, its clock, a portal and a client.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) base: String,
    pub(crate) oauth: String,
    pub(crate) oa: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) portal: String,
    pub(crate) control: ControlClient,
    pub(crate) http: Client,
}

pub(crate) async fn start(dir: &Path) -> World {
    start_at(dir, "2026-11-22T03:00:00Z", Zalo::default()).await
}

pub(crate) async fn start_at(dir: &Path, now: &str, zalo: Zalo) -> World {
    let clock = ManualClock::at(now.parse().unwrap());
    let options = Options {
        dir: dir.to_owned(),
        port_base: 0,
        seed: 7,
        clock: clock.clone(),
        advance: Some(clock.clone()),
        media_fetch: true,
        accounts: loa_sandbox::SAMPLES,
    };
    let running = Sandbox::start(vec![Box::new(zalo)], options).await.unwrap();
    let entry = &running.addresses()["zalo"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // Only the first test of the process installs it; the others find it there.
    rustls::crypto::ring::default_provider().install_default().ok();
    World {
        base: text(&entry["api"]),
        oauth: text(&entry["oauth"]),
        oa: text(&entry["accounts"][0]["id"]),
        access: text(&entry["accounts"][0]["access_token"]),
        refresh: text(&entry["accounts"][0]["refresh_token"]),
        portal: portal().await,
        control: ControlClient::new(running.control()).unwrap(),
        http: Client::builder().no_proxy().build().unwrap(),
        clock,
        running,
    }
}

/// Serves `/a.png`, `/big.png` (over the limit), `/a.webp`; anything else is 404.
async fn portal() -> String {
    let router = Router::new()
        .route("/a.png", get(async || png(4_000)))
        .route("/big.png", get(async || png(1_048_577)))
        .route("/a.webp", get(async || b"RIFF\0\0\0\0WEBPVP8 ".to_vec()))
        .fallback(async || StatusCode::NOT_FOUND);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn png(len: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(len, 0xe1);
    bytes
}

impl World {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).header("access_token", &self.access)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}{path}", self.base))
            .header("access_token", &self.access)
            .json(body)
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds)).unwrap();
    }

    /// A normal article.
    pub(crate) fn article(&self, title: &str, status: &str) -> Value {
        json!({
            "type": "normal", "title": title, "author": "Ban Biên tập",
            "cover": { "cover_type": "photo", "photo_url": format!("{}/a.png", self.portal), "status": "show" },
            "description": "Ba điểm mới của nghị định",
            "body": [
                { "type": "text", "content": "<p>Từ 01/12, thủ tục được rút ngắn. <a href=\"https://loa.vd/l/z4l0\">Xem thêm</a></p>" },
                { "type": "image", "url": format!("{}/a.png", self.portal), "caption": "Đồ họa" },
            ],
            "tracking_link": "https://loa.vd/l/z4l0?d=attempt-1", "status": status, "comment": "show",
        })
    }

    pub(crate) async fn call(&self, path: &str, body: &Value) -> Value {
        answer(self.post(path, body)).await
    }

    /// Asks until the article is no longer in processing; the clock must stand past it.
    pub(crate) async fn verify(&self, token: &Value) -> Value {
        for _ in 0..2_000 {
            let body = self.call("/v2.0/article/verify", &json!({ "token": token })).await;
            if body["error"] != -214 {
                return body;
            }
            tokio::task::yield_now().await;
        }
        panic!("the article stays in processing");
    }

    /// Creates an article and returns its id.
    pub(crate) async fn publish(&self, title: &str, status: &str) -> String {
        let body = self.call("/v2.0/article/create", &self.article(title, status)).await;
        assert_eq!(body["error"], 0, "{body}");
        self.wait(4);
        let body = self.verify(&body["data"]["token"]).await;
        body["data"]["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }
}

/// The JSON of an answer, which is always HTTP 200.
pub(crate) async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}
