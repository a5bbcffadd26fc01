//! A loopback server that answers as a test says, and what an adapter is handed for one call.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use loa_channel::{Blobs, Cx, MediaUrls, Outgoing, Result, To};
use loa_model::{
    Account, AccountStatus, BlobHash, Clock, DeliveryId, Digest, Link, Media, MediaRole,
    PostContent, PostFormat, Secret,
    seams::{BoxFuture, OpenGate},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path with query.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |q| q.1);
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status, one header, body; nothing to cut the connection instead.
pub(crate) type Reply = Option<(u16, Option<(&'static str, String)>, String)>;

pub(crate) struct Server {
    pub(crate) base: Url,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server on a free loopback port; it ends with the test's runtime.
    pub(crate) async fn start(mut answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = seen.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read(&mut stream).await;
                record.lock().unwrap().push(request.clone());
                let Some((status, header, body)) = answer(&request) else { continue };
                let header =
                    header.map_or(String::new(), |(name, value)| format!("{name}: {value}\r\n"));
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { base, seen }
    }

    pub(crate) fn last(&self, method: &str, path: &str) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.iter().rfind(|s| s.method == method && s.path() == path).unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 8192];
    let (head, start) = loop {
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the client left within the head");
        bytes.extend_from_slice(&buffer[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break (String::from_utf8(bytes[..at].to_vec()).unwrap(), at + 4);
        }
    };
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
    while bytes.len() < start + length {
        let n = stream.read(&mut buffer).await.unwrap();
        assert!(n > 0, "the client left within the body");
        bytes.extend_from_slice(&buffer[..n]);
    }
    Seen {
        method: first.next().unwrap().to_owned(),
        target: first.next().unwrap().to_owned(),
        headers,
        body: bytes.split_off(start),
    }
}

#[derive(Debug)]
pub(crate) struct FixedClock(pub(crate) Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, _wait: Duration) -> BoxFuture<'_, ()> {
        unreachable!("an adapter never sleeps")
    }
}

/// Blobs and media addresses of a test.
pub(crate) struct World {
    pub(crate) clock: FixedClock,
    pub(crate) account: Account,
    pub(crate) secret: Secret,
    pub(crate) content: PostContent,
    pub(crate) since: Timestamp,
    blobs: BTreeMap<BlobHash, Bytes>,
}

#[async_trait]
impl Blobs for World {
    async fn read(&self, hash: BlobHash) -> Result<Bytes> {
        Ok(self.blobs[&hash].clone())
    }
}

#[async_trait]
impl MediaUrls for World {
    async fn url(&self, _delivery: DeliveryId, _media: &Media) -> Result<Url> {
        unreachable!("this platform takes bytes")
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let blobs = [video(), Bytes::from_static(JPEG), Bytes::from_static(SRT.as_bytes())];
        Self {
            clock: FixedClock(at("2026-11-22T02:00:00Z")),
            account: account(),
            secret: secret(&[
                ("access_token", "ACCESSTOKENsandbox"),
                ("refresh_token", "REFRESHsandbox"),
                ("client_secret", "CLIENTSECRETsandbox"),
                ("expires_at", "2026-11-22T02:30:00Z"),
            ]),
            content: content(),
            since: at("2026-11-22T02:00:00Z"),
            blobs: blobs.into_iter().map(|bytes| (Digest::of(&bytes), bytes)).collect(),
        }
    }

    /// The same world this much later.
    pub(crate) fn later(&mut self, seconds: i64) {
        self.clock = FixedClock(self.clock.0 + jiff::SignedDuration::from_secs(seconds));
    }

    pub(crate) fn cx(&self) -> Cx<'_> {
        Cx {
            clock: &self.clock,
            blobs: self,
            media: self,
            gate: &OpenGate,
            ear: &loa_channel::Deaf,
        }
    }

    pub(crate) fn to(&self) -> To<'_> {
        To { account: &self.account, secret: &self.secret }
    }

    pub(crate) fn post(&self) -> Outgoing<'_> {
        Outgoing {
            delivery: DeliveryId(uuid::Uuid::from_u128(7)),
            marker: &self.content.link.code,
            content: &self.content,
            since: self.since,
        }
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A video of two and a bit chunks of 256 KiB.
pub(crate) fn video() -> Bytes {
    (0..600_000u32).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

const JPEG: &[u8] = b"\xff\xd8\xff a picture";
pub(crate) const SRT: &str = "1\n00:00:00,000 --> 00:00:02,000\nNghị quyết mới\n";

fn account() -> Account {
    Account {
        name: "youtube:demo".parse().unwrap(),
        agency: "demo".into(),
        title: "Cổng thông tin mẫu".into(),
        remote_id: "UCsandbox".into(),
        settings: BTreeMap::from([("client_id".to_owned(), "client-1".to_owned())]),
        status: AccountStatus::Active,
    }
}

fn secret(values: &[(&str, &str)]) -> Secret {
    Secret::new(values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

fn content() -> PostContent {
    let file = |role, bytes: &[u8], mime: &str, duration_ms| Media {
        role,
        blob: Digest::of(bytes),
        bytes: bytes.len() as u64,
        mime: mime.into(),
        width: 1080,
        height: 1920,
        duration_ms,
        alt: String::new(),
        variant: None,
    };
    PostContent {
        format: PostFormat::ShortVideo,
        lang: "vi".into(),
        title: "Nghị quyết mới về đường bộ".into(),
        author: String::new(),
        text: "Mỗi hộ được hỗ trợ gần 3 triệu đồng.\nXem: https://portal.example/l/k7f3q".into(),
        body: vec![],
        media: vec![
            file(MediaRole::Video, &video(), "video/mp4", 42_000),
            file(MediaRole::Thumbnail, JPEG, "image/jpeg", 0),
            file(MediaRole::Captions, SRT.as_bytes(), "application/x-subrip", 0),
        ],
        link: Link {
            code: "k7f3q".into(),
            url: "https://portal.example/l/k7f3q".into(),
            target: "https://portal.example/a/1".into(),
        },
        tags: vec!["đường bộ".into(), "nghị quyết".into()],
    }
}

/// Runs a test's future.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}
