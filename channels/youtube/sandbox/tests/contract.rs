//! The stand-in against the request shapes of the public clients.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use loa_channel_youtube_sandbox::YouTube;
use loa_sandbox::{
    Advance as _, ControlClient, Fault, FaultRule, ManualClock, Options, PostStatus, Running,
    Sandbox,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

struct Bench {
    running: Running,
    clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
    http: reqwest::Client,
}

async fn start(dir: &std::path::Path, clock: &Arc<ManualClock>) -> Running {
    let options = Options {
        dir: dir.to_owned(),
        port_base: 0,
        seed: 5,
        clock: clock.clone(),
        advance: Some(clock.clone()),
        media_fetch: true,
        accounts: loa_sandbox::SAMPLES,
    };
    Sandbox::start(vec![Box::new(YouTube)], options).await.unwrap()
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at("2026-11-22T02:00:00Z".parse::<Timestamp>().unwrap());
        // A second test of the process finds it installed already: that is no failure.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { running: start(dir.path(), &clock).await, clock, dir, http }
    }

    fn entry(&self) -> &Value {
        &self.running.addresses()["youtube"]
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.entry()["api"].as_str().unwrap())
        };
        self.http
            .request(method, url)
            .bearer_auth(self.entry()["accounts"][0]["token"].as_str().unwrap())
    }

    fn control(&self) -> ControlClient {
        ControlClient::new(self.running.control()).unwrap()
    }

    async fn session(&self, resource: &Value, total: usize) -> String {
        let answer = self
            .call(
                Method::POST,
                "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status",
            )
            .header("x-upload-content-length", total)
            .header("slug", "0197-k7f3q.mp4")
            .json(resource)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn probe(&self, session: &str, total: usize) -> Response {
        let probe =
            self.call(Method::PUT, session).header("content-range", format!("bytes */{total}"));
        probe.header("content-length", 0).send().await.unwrap()
    }

    async fn upload(&self, resource: &Value, bytes: Vec<u8>) -> Value {
        let session = self.session(resource, bytes.len()).await;
        let answer = self.call(Method::PUT, &session).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path).send().await.unwrap().json().await.unwrap()
    }
}

fn resource(privacy: &str) -> Value {
    json!({
        "snippet": { "title": "Hỗ trợ xã vùng cao", "description": "Chi tiết http://x/l/k7f3q", "categoryId": "25" },
        "status": { "privacyStatus": privacy, "selfDeclaredMadeForKids": false },
    })
}

/// An MP4 with an index and `extra` bytes of media.
fn clip(ms: u32, extra: usize) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind, body].concat()
    };
    let header =
        [vec![0; 12], 1000u32.to_be_bytes().to_vec(), ms.to_be_bytes().to_vec(), vec![0; 80]]
            .concat();
    let size = |pixels: u32| (pixels << 16).to_be_bytes().to_vec();
    let track = [vec![0; 76], size(1080), size(1920)].concat();
    let moov = [boxed(b"mvhd", &header), boxed(b"trak", &boxed(b"tkhd", &track))].concat();
    [boxed(b"ftyp", b"isom0000"), boxed(b"moov", &moov), boxed(b"mdat", &vec![7; extra])].concat()
}

#[tokio::test]
async fn chunks_resume_and_the_final_answer_repeats() {
    let bench = Bench::new().await;
    let bytes = clip(25_000, 600_000);
    let total = bytes.len();
    let session = bench.session(&resource("private"), total).await;
    let empty = bench.probe(&session, total).await;
    assert_eq!((empty.status().as_u16(), empty.headers().get("range")), (308, None));
    let put = |first: usize, last: usize| {
        bench
            .call(Method::PUT, &session)
            .header("content-range", format!("bytes {first}-{}/{total}", last - 1))
            .body(bytes[first..last].to_vec())
            .send()
    };
    assert_eq!(put(0, 262_144).await.unwrap().status().as_u16(), 308);
    let gap = put(300_000, total).await.unwrap();
    assert_eq!(gap.headers()["range"], "bytes=0-262143", "a gap keeps none of its bytes");
    let odd = put(262_144, 262_244).await.unwrap();
    assert_eq!(odd.headers()["range"], "bytes=0-262143", "an odd chunk keeps none of its bytes");
    bench
        .control()
        .fault(&FaultRule::once("youtube", "PUT", "/upload/*", Fault::DropAfterCommit))
        .await
        .unwrap();
    assert!(put(262_144, total).await.is_err(), "the answer is lost");
    let first = bench.probe(&session, total).await;
    assert_eq!(first.status(), StatusCode::CREATED);
    let first: Value = first.json().await.unwrap();
    let second: Value = bench.probe(&session, total).await.json().await.unwrap();
    assert_eq!(first["id"], second["id"]);
    let count = bench.control().creates("youtube", "k7f3q").await.unwrap();
    assert_eq!((count.creates, count.live, count.hidden), (1, 0, 1));
}

#[tokio::test]
async fn private_is_processed_made_public_and_seen_as_a_short() {
    let mut bench = Bench::new().await;
    let id = bench.upload(&resource("private"), clip(25_000, 99)).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/youtube/v3/videos?part=status,processingDetails&id={id}");
    assert_eq!(
        bench.get(&path).await["items"][0]["processingDetails"]["processingStatus"],
        "processing"
    );
    bench.clock.advance(Duration::from_secs(10)).unwrap();
    assert_eq!(bench.get(&path).await["items"][0]["status"]["uploadStatus"], "processed");
    let body = json!({ "id": id, "status": { "privacyStatus": "public" } });
    let update =
        bench.call(Method::PUT, "/youtube/v3/videos?part=status").json(&body).send().await.unwrap();
    assert_eq!(update.status(), StatusCode::OK);
    bench.running.shutdown().await;
    bench.running = start(bench.dir.path(), &bench.clock).await;
    let post = bench.control().posts("youtube").await.unwrap().remove(0);
    assert_eq!((post.state, post.kind.as_str()), (PostStatus::Visible, "short"));
    let page = bench.http.get(&post.url).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Hỗ trợ xã vùng cao"));
    bench.clock.advance(Duration::from_secs(3500)).unwrap();
    let stats = bench
        .get(&format!("/youtube/v3/videos:batchGetStats?part=statistics&id={id}&id=khongco"))
        .await;
    assert_eq!(stats["items"].as_array().unwrap().len(), 1, "a missing id is just absent");
    assert!(
        stats["items"][0]["statistics"]["viewCount"].as_str().unwrap().parse::<u64>().unwrap() > 0
    );
}

#[tokio::test]
async fn an_update_without_privacy_falls_back_to_public() {
    let bench = Bench::new().await;
    let id =
        bench.upload(&resource("private"), clip(1000, 9)).await["id"].as_str().unwrap().to_owned();
    let body = json!({ "id": id, "status": { "embeddable": true } });
    bench.call(Method::PUT, "/youtube/v3/videos?part=status").json(&body).send().await.unwrap();
    let seen = bench.get(&format!("/youtube/v3/videos?part=status&id={id}")).await;
    assert_eq!(seen["items"][0]["status"]["privacyStatus"], "public");
}

#[tokio::test]
async fn the_same_bytes_twice_are_rejected_as_a_duplicate() {
    let bench = Bench::new().await;
    bench.upload(&resource("private"), clip(1000, 77)).await;
    let id =
        bench.upload(&resource("private"), clip(1000, 77)).await["id"].as_str().unwrap().to_owned();
    bench.clock.advance(Duration::from_secs(10)).unwrap();
    let seen = bench.get(&format!("/youtube/v3/videos?part=status&id={id}")).await;
    assert_eq!(seen["items"][0]["status"]["rejectionReason"], "duplicate");
}

#[tokio::test]
async fn metadata_is_checked_at_init() {
    let bench = Bench::new().await;
    for (field, value, reason) in [
        ("title", json!("x".repeat(101)), "invalidTitle"),
        ("title", json!("a <b>"), "invalidTitle"),
        ("description", json!("ẫ".repeat(1700)), "invalidDescription"),
        ("categoryId", json!("tin"), "invalidCategoryId"),
    ] {
        let mut body = resource("private");
        body["snippet"][field] = value;
        let request = bench
            .call(Method::POST, "/upload/youtube/v3/videos?uploadType=resumable&part=snippet")
            .json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["error"]["errors"][0]["reason"], reason);
    }
}

#[tokio::test]
async fn tokens_expire_and_are_refreshed() {
    let bench = Bench::new().await;
    bench.clock.advance(Duration::from_secs(4000)).unwrap();
    let path = "/youtube/v3/channels?part=id,statistics&mine=true";
    let refused = bench.call(Method::GET, path).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let entry = bench.entry();
    let form = |refresh: &str| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pairs = [
            ("client_id", text(&entry["client"]["id"])),
            ("client_secret", text(&entry["client"]["secret"])),
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh.to_owned()),
        ];
        bench.http.post(format!("{}/token", entry["oauth"].as_str().unwrap())).form(&pairs).send()
    };
    let fresh: Value = form(entry["accounts"][0]["refresh_token"].as_str().unwrap())
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let url = format!("{}{path}", entry["api"].as_str().unwrap());
    let answer = bench
        .http
        .get(url)
        .bearer_auth(fresh["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let dead: Value = form("1//khongphai").await.unwrap().json().await.unwrap();
    assert_eq!(dead["error"], "invalid_grant");
}

#[tokio::test]
async fn the_101st_upload_of_a_pacific_day_is_refused() {
    let bench = Bench::new().await;
    for _ in 0..100 {
        bench.session(&resource("private"), 9).await;
    }
    let init = || {
        bench
            .call(Method::POST, "/upload/youtube/v3/videos?uploadType=resumable")
            .json(&resource("private"))
            .send()
    };
    let refused: Value = init().await.unwrap().json().await.unwrap();
    assert_eq!(refused["error"]["errors"][0]["reason"], "quotaExceeded");
}
