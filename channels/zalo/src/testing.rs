//! A loopback server that answers as a test says, what an adapter is handed for one call, and the content of a post.

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
    Account, AccountStatus, BlobHash, BodyBlock, Clock, DeliveryId, Digest, Link, Media, MediaRole,
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

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Status, body; nothing to cut the connection instead.
pub(crate) type Reply = Option<(u16, String)>;

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
                let Some((status, body)) = answer(&request) else { continue };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { base, seen }
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|s| format!("{} {}", s.method, s.path())).collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|s| s.path() == path).count()
    }

    pub(crate) fn last(&self, path: &str) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.iter().rfind(|s| s.path() == path).unwrap().clone()
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
}

#[async_trait]
impl Blobs for World {
    async fn read(&self, hash: BlobHash) -> Result<Bytes> {
        assert_eq!(hash, Digest::of(FILM), "pictures are fetched by URL");
        Ok(Bytes::from_static(FILM))
    }
}

#[async_trait]
impl MediaUrls for World {
    async fn url(&self, _delivery: DeliveryId, media: &Media) -> Result<Url> {
        let ext = if media.mime == "image/png" { "png" } else { "jpg" };
        Ok(format!("https://portal.example/m/{}.{ext}", media.blob.short()).parse().unwrap())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            clock: FixedClock(at("2026-11-22T02:00:00Z")),
            account: account(),
            secret: secret(&[
                ("access_token", "ACCESSTOKENsandbox"),
                ("refresh_token", "REFRESHsandbox"),
                ("app_secret", "APPSECRETsandbox"),
                ("rotated_at", "2026-11-22T00:00:00Z"),
            ]),
            content: content(),
            since: at("2026-11-22T02:00:00Z"),
        }
    }

    /// A world whose post is a video.
    pub(crate) fn of_video() -> Self {
        Self { content: video_content(), ..Self::new() }
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

pub(crate) fn account() -> Account {
    Account {
        name: "zalo:demo".parse().unwrap(),
        agency: "demo".into(),
        title: "Cổng thông tin mẫu".into(),
        remote_id: "388613280879808645".into(),
        settings: BTreeMap::from([("app_id".to_owned(), "360846".to_owned())]),
        status: AccountStatus::Active,
    }
}

pub(crate) fn secret(values: &[(&str, &str)]) -> Secret {
    Secret::new(values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

pub(crate) fn content() -> PostContent {
    let picture = |role, name: &str| Media {
        role,
        blob: Digest::of(name.as_bytes()),
        bytes: 90_000,
        mime: "image/jpeg".into(),
        width: 1200,
        height: 768,
        duration_ms: 0,
        alt: "Đường lên bản".into(),
        variant: None,
    };
    PostContent {
        format: PostFormat::Article,
        lang: "vi".into(),
        title: "Nghị quyết mới về đường bộ: những điểm cần biết".into(),
        author: "Cổng TTĐT".into(),
        text: "Mỗi hộ ở vùng sâu được hỗ trợ gần 3 triệu đồng".into(),
        body: vec![
            BodyBlock::Text {
                text: "Từ 1/12, mức hỗ trợ < 3 triệu & không quá hai lần".into()
            },
            BodyBlock::Picture { media: 1, caption: "Ảnh: VGP".into() },
        ],
        media: vec![picture(MediaRole::Cover, "cover"), picture(MediaRole::Photo, "photo")],
        link: Link {
            code: "k7f3q".into(),
            url: "https://portal.example/l/k7f3q".into(),
            target: "https://portal.example/a/1".into(),
        },
        tags: vec![],
    }
}

/// Bytes of the film.
pub(crate) const FILM: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\r\n--film";

/// A clip with its poster and the short link in its words.
pub(crate) fn video_content() -> PostContent {
    let file = |role, blob, mime: &str, (width, height), duration_ms| Media {
        role,
        blob,
        bytes: if role == MediaRole::Video { 6_000_000 } else { 400_000 },
        mime: mime.into(),
        width,
        height,
        duration_ms,
        alt: "Đường lên bản".into(),
        variant: None,
    };
    PostContent {
        format: PostFormat::Video,
        author: String::new(),
        text: "Mỗi hộ được hỗ trợ gần 3 triệu đồng. Xem thêm: https://portal.example/l/k7f3q"
            .into(),
        body: vec![],
        media: vec![
            file(MediaRole::Video, Digest::of(FILM), "video/mp4", (540, 960), 42_000),
            file(MediaRole::Thumbnail, Digest::of(b"poster"), "image/jpeg", (1080, 1920), 0),
        ],
        ..content()
    }
}

/// Runs a test's future.
pub(crate) fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}
