//! The four stand-in platforms in this process, each with its own adapter: benches of the conformance suite, and ground of
//! the end-to-end tests. A platform listens on loopback and shares one clock with the adapter.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::must_use_candidate,
    reason = "each test file uses its own part"
)]

mod facebook;
mod files;
pub mod newsroom;
mod viber;
mod youtube;
mod zalo;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Blobs, Channel, MediaUrls, RetryAdvice,
    conformance::{Bench, BenchFault, Counts, LEVEL, Shown},
    fixture::{MemoryBlobs, account, sample_for},
};
use loa_model::{
    Account, Clock, PostContent, Secret,
    seams::{BoxFuture, SharedClock},
};
use loa_sandbox::{
    Advance as _, ControlClient, Fault, FaultRule, ManualClock, Options, Platform, PostStatus,
    Running, Sandbox, StoredPost, traffic::SeenRequest,
};
use serde_json::Value;
use url::Url;

pub use files::{Elsewhere, Files};

/// Wait that a throttling platform asks for, milliseconds, where it can say so.
pub const WAIT_MS: u64 = 120_000;

/// The platforms and shapes of chains under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Facebook,
    /// Facebook with posts made hidden first and shown by id.
    FacebookTwoPhase,
    Viber,
    YouTube,
    Zalo,
}

/// What the suite must know about one platform, in the platform's own words.
pub struct Facts {
    /// Whether a request makes, changes or removes something, refused ones included.
    pub is_effect: fn(&SeenRequest) -> bool,
    /// Method and path of the effectful request a post begins with.
    pub first: (&'static str, &'static str),
    /// Status and body of a refusal of content, and the code an editor is shown.
    pub refusal: (u16, Value, &'static str),
    /// What must be made of "too many requests" at this instant.
    pub throttled: fn(Timestamp) -> RetryAdvice,
    /// Answers to the next measurement of this post that hold no numbers; none when the platform never gives any.
    pub without_numbers: fn(&StoredPost) -> Vec<FaultRule>,
    /// Whether its answers say how much of the allowance is used.
    pub says_usage: bool,
    /// Whether its answers name addresses of its own.
    pub names_addresses: bool,
    /// The id that a receipt of this post carries.
    pub receipt_id: fn(&StoredPost) -> String,
}

/// One adapter and its own platform.
pub struct Site {
    pub name: &'static str,
    pub channel: Arc<dyn Channel>,
    pub account: Account,
    pub secret: Secret,
    pub facts: Facts,
    pub base: String,
    pub control: ControlClient,
    pub clock: Arc<ManualClock>,
    pub blobs: Arc<MemoryBlobs>,
    pub files: Arc<Files>,
    jumping: Jumping,
    elsewhere: Elsewhere,
    markers: AtomicU32,
    _running: Running,
    _dir: tempfile::TempDir,
}

/// What one platform brings to its site.
pub(crate) struct Parts {
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) account: Account,
    pub(crate) secret: Secret,
    pub(crate) facts: Facts,
    pub(crate) base: String,
}

/// 22 November 2026, 09:00 in Hà Nội.
pub fn start() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

impl Site {
    /// A platform with no posts, and an account on it that may post.
    pub async fn open(which: Which) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(start());
        let platform: Box<dyn Platform> = match which {
            Which::Facebook | Which::FacebookTwoPhase => {
                Box::new(loa_channel_facebook_sandbox::Facebook::default())
            }
            Which::Viber => Box::new(loa_channel_viber_sandbox::Viber),
            Which::YouTube => Box::new(loa_channel_youtube_sandbox::YouTube),
            Which::Zalo => Box::new(loa_channel_zalo_sandbox::Zalo::default()),
        };
        let name = platform.name();
        let options = Options {
            dir: dir.path().to_owned(),
            port_base: 0,
            seed: 7,
            clock: clock.clone(),
            advance: Some(clock.clone()),
            media_fetch: true,
            accounts: loa_sandbox::SAMPLES,
        };
        let running = Sandbox::start(vec![platform], options).await.unwrap();
        let told = &running.addresses()[name];
        let blobs = Arc::new(MemoryBlobs::default());
        let files = Arc::new(Files::serve(blobs.clone()).await);
        let parts = match which {
            Which::Facebook => facebook::parts(told, false),
            Which::FacebookTwoPhase => facebook::parts(told, true),
            Which::Viber => viber::parts(told, &files),
            Which::YouTube => youtube::parts(told),
            Which::Zalo => zalo::parts(told),
        };
        Self {
            name,
            channel: parts.channel,
            account: parts.account,
            secret: parts.secret,
            facts: parts.facts,
            base: parts.base,
            control: ControlClient::new(running.control()).unwrap(),
            jumping: Jumping(clock.clone()),
            clock,
            blobs,
            files,
            elsewhere: Elsewhere::listen().await,
            markers: AtomicU32::new(0),
            _running: running,
            _dir: dir,
        }
    }

    /// A marker of the length of a real one, never used before.
    pub fn marker(&self) -> String {
        format!("k{:05}", self.markers.fetch_add(1, Ordering::SeqCst))
    }

    /// Puts a rule on the menu; `Answer` is what came of it.
    pub async fn fault(&self, rule: &FaultRule) {
        self.control.fault(rule).await.unwrap();
    }

    /// A rule for the request a post begins with.
    pub fn first(&self, fault: Fault) -> FaultRule {
        let (method, path) = self.facts.first;
        FaultRule::once(self.name, method, path, fault)
    }

    /// Posts with this marker that the audience sees.
    pub async fn live(&self, marker: &str) -> Vec<StoredPost> {
        let posts = self.control.posts(self.name).await.unwrap();
        let seen = |post: &StoredPost| post.state == PostStatus::Visible && post.carries(marker);
        posts.into_iter().filter(seen).collect()
    }
}

/// A clock whose sleepers move it: the suite waits for nobody.
#[derive(Debug)]
struct Jumping(Arc<ManualClock>);

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.0.advance(wait).unwrap();
        Box::pin(std::future::ready(()))
    }
}

#[async_trait]
impl Bench for Site {
    fn channel(&self) -> &dyn Channel {
        &*self.channel
    }
    fn account(&self) -> &Account {
        &self.account
    }
    fn secret(&self) -> &Secret {
        &self.secret
    }
    fn clock(&self) -> &dyn Clock {
        &self.jumping
    }
    fn blobs(&self) -> &dyn Blobs {
        &*self.blobs
    }
    fn media(&self) -> &dyn MediaUrls {
        &*self.files
    }
    fn contents(&self) -> Vec<PostContent> {
        let capability = self.channel.capability();
        let made = capability.formats.keys().map(|format| {
            let marker = self.marker();
            let mut content = sample_for(capability, *format, &marker, &self.blobs);
            for file in content.media.iter_mut().filter(|file| file.mime == "video/mp4") {
                // A platform may turn down a video it has already.
                let film = film(&marker);
                file.bytes = film.len() as u64;
                file.blob = self.blobs.put(film);
            }
            content
        });
        made.collect()
    }
    async fn arm(&self, fault: BenchFault) -> bool {
        let (status, body, _) = &self.facts.refusal;
        let fault = match fault {
            BenchFault::DropAfterCommit => {
                let rule = FaultRule::once(self.name, "", "*", Fault::DropAfterCommit);
                self.fault(&FaultRule { method: None, ..rule }).await;
                return true;
            }
            BenchFault::Throttle => Fault::Throttle { wait_ms: WAIT_MS },
            BenchFault::ExpireToken => Fault::ExpiredToken,
            BenchFault::Refuse => {
                Fault::ErrorBeforeCommit { status: *status, body: Some(body.clone()) }
            }
            BenchFault::OmitMetrics => {
                let posts = self.control.posts(self.name).await.unwrap();
                let newest = posts.iter().max_by_key(|post| post.created_at).unwrap();
                let rules = (self.facts.without_numbers)(newest);
                for rule in &rules {
                    self.fault(rule).await;
                }
                return !rules.is_empty();
            }
            BenchFault::SayUsage => {
                if !self.facts.says_usage {
                    return false;
                }
                let usage = Fault::Usage { percent: LEVEL };
                let rule = FaultRule::once(self.name, "", "*", usage).times(10_000);
                self.fault(&FaultRule { method: None, ..rule }).await;
                return true;
            }
            BenchFault::PointElsewhere => {
                if !self.facts.names_addresses {
                    return false;
                }
                let to = self.elsewhere.base().to_owned();
                let fault = Fault::Readdress { from: self.base.clone(), to };
                let rule = FaultRule::once(self.name, "", "*", fault).times(10_000);
                self.fault(&FaultRule { method: None, ..rule }).await;
                return true;
            }
        };
        self.fault(&self.first(fault)).await;
        true
    }
    async fn counts(&self) -> Counts {
        let requests = self.control.requests(self.name).await.unwrap();
        let effects = requests.iter().filter(|seen| (self.facts.is_effect)(seen)).count();
        Counts {
            requests: requests.len() as u64,
            effects: effects as u64,
            elsewhere: self.elsewhere.hits(),
        }
    }
    async fn shown(&self, content: &PostContent) -> Vec<Shown> {
        let live = self.live(&content.link.code).await;
        let shown = live
            .into_iter()
            .map(|post| Shown { remote_id: (self.facts.receipt_id)(&post), text: post.text });
        shown.collect()
    }
    fn throttled(&self) -> RetryAdvice {
        (self.facts.throttled)(self.clock.now())
    }
    fn refusal_code(&self) -> String {
        self.facts.refusal.2.to_owned()
    }
}

/// Bytes that begin as an MP4 does, different for each marker.
fn film(marker: &str) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    bytes.extend(b"\0\0\0\x0efree");
    bytes.extend(marker.as_bytes());
    bytes
}

/// A value that the platform told at its start.
pub(crate) fn text<'a>(told: &'a Value, pointer: &str) -> &'a str {
    told.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
}

/// An address that the platform told at its start, as a folder.
pub(crate) fn folder(told: &Value, pointer: &str) -> Url {
    format!("{}/", text(told, pointer)).parse().unwrap()
}

pub(crate) fn own_account(channel: &str, id: &str, settings: &[(&str, &str)]) -> Account {
    account(&format!("{channel}:cong-tin"), id, settings)
}

pub(crate) fn secret(values: &[(&str, &str)]) -> Secret {
    Secret::new(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// A post that the platform keeps under its own id.
pub(crate) fn same_id(post: &StoredPost) -> String {
    post.id.clone()
}

/// A clock as everyone shares it.
pub fn shared(clock: &Arc<ManualClock>) -> SharedClock {
    clock.clone()
}

/// A file of the repository.
pub fn in_house(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
