//! A running stand-in and a plain HTTP client.

use std::{path::Path, sync::Arc, time::Duration};

use loa_channel_facebook_sandbox::Facebook;
use loa_sandbox::{Advance, ControlClient, ManualClock, Options, Running, Sandbox};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// The stand-in, its clock and a client.
pub(crate) struct World {
    pub(crate) running: Running,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) base: String,
    pub(crate) page: String,
    pub(crate) token: String,
    pub(crate) control: ControlClient,
    pub(crate) http: Client,
}

pub(crate) async fn start(dir: &Path) -> World {
    start_at(dir, "2026-11-22T01:00:00Z", Facebook::default()).await
}

pub(crate) async fn start_at(dir: &Path, now: &str, facebook: Facebook) -> World {
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
    let running = Sandbox::start(vec![Box::new(facebook)], options).await.unwrap();
    let entry = &running.addresses()["facebook"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    // Only the first test of the process installs it; the others find it there.
    rustls::crypto::ring::default_provider().install_default().ok();
    World {
        base: text(&entry["graph"]),
        page: text(&entry["accounts"][0]["id"]),
        token: text(&entry["accounts"][0]["token"]),
        control: ControlClient::new(running.control()).unwrap(),
        http: Client::builder().no_proxy().build().unwrap(),
        clock,
        running,
    }
}

impl World {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}/v26.0/{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}/v26.0/{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) fn page_post(&self, edge: &str) -> RequestBuilder {
        self.post(&format!("{}/{edge}", self.page))
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds)).unwrap();
    }

    /// An unpublished photo; returns its id.
    pub(crate) async fn photo(&self, alt: &str) -> String {
        let part = reqwest::multipart::Part::bytes(png()).file_name("thẻ.png");
        let form = reqwest::multipart::Form::new()
            .text("published", "false")
            .text("alt_text_custom", alt.to_owned())
            .part("source", part);
        let (status, body) = answer(self.page_post("photos").multipart(form)).await;
        assert_eq!((status, body.get("post_id")), (200, None), "{body}");
        body["id"].as_str().unwrap().to_owned()
    }
}

/// Status and JSON of an answer.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

pub(crate) fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(std::iter::repeat_n(0xe1, 500));
    bytes
}

pub(crate) fn mp4(len: usize) -> Vec<u8> {
    let mut bytes = b"\x00\x00\x00\x18ftypmp42".to_vec();
    bytes.extend((bytes.len()..len).map(|at| u8::try_from(at % 251).unwrap()));
    bytes
}
