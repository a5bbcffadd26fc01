//! A live post, a scripted platform and a clock by hand.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::must_use_candidate,
    clippy::unnecessary_wraps,
    reason = "each test file uses its own part"
)]

pub mod workbook;

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use loa_channel::{
    Audience, Blobs, Channel, Cx, Error, Health, InboundEvent, Lookup, MediaUrls, Outgoing,
    Progress, Result, To,
    memory::{MemoryChannel, MemoryPlatform, Options},
};
use loa_model::{
    Account, AccountStatus, Actor, ArticleId, BlobHash, Capability, Clock, Delivery, DeliveryId,
    DeliveryState, Digest, Entropy, Link, Measured, Media, Metric, Post, PostContent, PostFormat,
    PostId, PostState, Priority, Receipt, Record as _, Sample, Secret, Ticket, UserId, Value,
    delivery::Effect,
    seams::{BoxFuture, OpenGate},
};
use loa_reach::{Books, Config, Measurement, Meter, Open, Totals};
use loa_store::{Changes, Claimed, MemoryStore, Store, StoreExt as _};
use url::Url;

pub fn start() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

#[derive(Debug)]
pub struct Hand(pub Mutex<Timestamp>);

impl Hand {
    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn sleep(&self, _wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            *byte = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[7];
        }
    }
}

/// Answers `measure` from a script; everything else is not offered.
pub struct Scripted {
    pub capability: Capability,
    pub answers: Mutex<VecDeque<Result<Vec<Measured>>>>,
}

#[async_trait]
impl Channel for Scripted {
    fn capability(&self) -> &Capability {
        &self.capability
    }
    fn effect(&self, _: &PostContent, _: Option<&Ticket>) -> Effect {
        Effect::Public
    }
    async fn advance(
        &self,
        _: &Cx<'_>,
        _: To<'_>,
        _: Outgoing<'_>,
        _: Option<Ticket>,
    ) -> Result<Progress> {
        Err(Error::unsupported("posting"))
    }
    async fn find(&self, _: &Cx<'_>, _: To<'_>, _: Lookup<'_>) -> Result<Vec<Receipt>> {
        Err(Error::unsupported("read-back"))
    }
    async fn amend(&self, _: &Cx<'_>, _: To<'_>, _: &Receipt, _: Outgoing<'_>) -> Result<()> {
        Err(Error::unsupported("correcting"))
    }
    async fn retract(&self, _: &Cx<'_>, _: To<'_>, _: &Receipt) -> Result<()> {
        Err(Error::unsupported("retracting"))
    }
    async fn measure(&self, _: &Cx<'_>, _: To<'_>, _: &[Receipt]) -> Result<Vec<Measured>> {
        self.answers.lock().unwrap().pop_front().expect("a scripted answer")
    }
    async fn audience(&self, _: &Cx<'_>, _: To<'_>) -> Result<Audience> {
        Ok(Audience { count: None })
    }
    async fn health(&self, _: &Cx<'_>, _: To<'_>) -> Result<Health> {
        Err(Error::unsupported("health"))
    }
    fn ages(&self, _: To<'_>, _: Timestamp) -> bool {
        false
    }
    async fn refresh(&self, _: &Cx<'_>, _: To<'_>) -> Result<Option<Secret>> {
        Ok(None)
    }
    fn inbound(&self, _: To<'_>, _: &[(String, String)], _: &[u8]) -> Result<Vec<InboundEvent>> {
        Ok(vec![])
    }
}

struct Nothing;

#[async_trait]
impl Blobs for Nothing {
    async fn read(&self, hash: BlobHash) -> Result<bytes::Bytes> {
        Err(Error::internal(hash.to_string()))
    }
}

#[async_trait]
impl MediaUrls for Nothing {
    async fn url(&self, _: DeliveryId, _: &Media) -> Result<Url> {
        Err(Error::internal("none"))
    }
}

pub struct World {
    pub clock: Arc<Hand>,
    pub store: Arc<MemoryStore>,
    pub channel: Scripted,
    pub meter: Meter,
    pub account: Account,
    pub books: Books,
}

pub fn value(metric: Metric, definition: &str, value: u64) -> Value {
    let source_name = format!("{metric:?}").to_lowercase();
    Value { metric, source_name, definition: definition.into(), value }
}

pub fn measured(alive: Option<bool>, values: Vec<Value>) -> Result<Vec<Measured>> {
    Ok(vec![Measured { remote_id: "r1".into(), alive, values, raw: serde_json::json!({"raw": 1}) }])
}

impl World {
    pub fn new() -> Self {
        let clock = Arc::new(Hand(Mutex::new(start())));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let inner = MemoryChannel::over(MemoryPlatform::new("t"), Options::default());
        let channel =
            Scripted { capability: inner.capability().clone(), answers: Mutex::default() };
        let meter = Meter::new(
            store.clone(),
            clock.clone(),
            Arc::new(Counter::default()),
            Config::default(),
        );
        let account = Account {
            name: "memory:cong-tin".parse().unwrap(),
            agency: "demo".into(),
            title: "Cổng thông tin".into(),
            remote_id: "1".into(),
            settings: BTreeMap::new(),
            status: AccountStatus::Active,
        };
        Self { clock, store, channel, meter, account, books: Books::default() }
    }

    /// A live post since the clock's time, with its delivery and first measurement job.
    pub fn live(&self, n: u128, account: &str, format: PostFormat, article: u128) -> PostId {
        let now = self.clock.now();
        let id = uuid::Uuid::from_u128(n);
        let content = PostContent {
            format,
            lang: "vi".into(),
            title: String::new(),
            author: String::new(),
            text: format!("Đường sắt Lào Cai – Hà Nội – Hải Phòng, bài {n}"),
            body: vec![],
            media: vec![],
            link: Link {
                code: format!("k{n}"),
                url: format!("https://loa.example/l/k{n}"),
                target: String::new(),
            },
            tags: vec![],
        };
        let post = Post {
            id: PostId(id),
            agency: "demo".into(),
            article: ArticleId(uuid::Uuid::from_u128(article)),
            revision: 1,
            account: account.parse().unwrap(),
            content,
            state: PostState::Approved,
            scheduled_at: now,
            zone: "Asia/Ho_Chi_Minh".into(),
            timing: loa_model::Timing::Soon,
            priority: Priority::Normal,
            author: UserId(id),
            editors: vec![],
            approval: None,
            reason: String::new(),
            created_at: now,
        };
        let delivery = Delivery {
            digest: Digest::of(b"x"),
            state: DeliveryState::Published,
            attempt: 1,
            fence: 1,
            receipt: Some(Receipt {
                remote_id: "r1".into(),
                url: String::new(),
                raw: serde_json::Value::Null,
                at: now,
            }),
            ..Delivery::planned(DeliveryId(id), &post, (now, now), now)
        };
        let name: loa_model::AccountName = account.parse().unwrap();
        if ready(self.store.read::<Account>(account)).unwrap().is_none() {
            let account = Account { name, ..self.account.clone() };
            self.commit(Changes::by(by(), "add account").insert(&account));
        }
        let job = loa_model::Job::new(
            loa_model::JobId(id),
            "demo",
            loa_model::JobKind::Measure { post: post.id, step: 0 },
            now + SignedDuration::from_mins(15),
        );
        self.commit(Changes::by(by(), "publish").insert(&post).insert(&delivery).enqueue(job));
        post.id
    }

    /// The books as of now.
    pub fn open(&self) -> Open<'_> {
        ready(self.books.open(&*self.store)).unwrap()
    }

    pub fn commit(&self, changes: Changes) {
        ready(self.store.commit(changes)).unwrap();
    }

    pub fn script(&self, answer: Result<Vec<Measured>>) {
        self.channel.answers.lock().unwrap().push_back(answer);
    }

    /// The next due job, with the clock moved to `at`.
    pub fn claim(&self, at: Timestamp) -> Option<Claimed> {
        self.clock.set(at);
        ready(self.store.claim(&["measure"], "w", 1, Duration::from_mins(1))).unwrap().pop()
    }

    /// Measures what is due at `minutes` after the start.
    pub fn measure_at(&self, minutes: i64) -> Measurement {
        let claimed = self.claim(start() + SignedDuration::from_mins(minutes)).expect("a due job");
        self.measure(&claimed)
    }

    pub fn measure(&self, claimed: &Claimed) -> Measurement {
        let cx = Cx {
            clock: &*self.clock,
            blobs: &Nothing,
            media: &Nothing,
            gate: &OpenGate,
            ear: &loa_channel::Deaf,
        };
        let secret = Secret::default();
        let to = To { account: &self.account, secret: &secret };
        ready(self.meter.measure_post(claimed, Some((&self.channel, &cx, to)))).unwrap()
    }

    pub fn samples(&self) -> Vec<Sample> {
        let mut all: Vec<_> = ready(self.store.all::<Sample>(10_000))
            .unwrap()
            .into_iter()
            .map(|s| s.record)
            .collect();
        all.sort_by_key(|s| s.taken_at);
        all
    }

    pub fn totals(&self, post: PostId) -> Totals {
        ready(self.store.read::<Totals>(&post.to_string())).unwrap().unwrap().record
    }

    pub fn state(&self, post: PostId) -> DeliveryState {
        let id = DeliveryId(post.0);
        ready(self.store.read::<Delivery>(&id.to_string())).unwrap().unwrap().record.state
    }

    /// Times of the jobs still waiting, in minutes after the start.
    pub fn waiting(&self) -> Vec<i64> {
        let jobs = ready(self.store.jobs(None, 1000)).unwrap();
        let mut at: Vec<_> = jobs
            .iter()
            .filter(|j| {
                use loa_model::JobState as S;
                matches!(j.state, S::Scheduled | S::Available | S::Retryable)
            })
            .map(|j| j.job.run_at.duration_since(start()).as_mins())
            .collect();
        at.sort_unstable();
        at
    }

    /// A sample as if it had been measured.
    pub fn sample(&self, n: u128, post: PostId, minutes: i64, values: Vec<Value>) -> Sample {
        let of = ready(self.store.read::<Post>(&post.to_string())).unwrap().unwrap().record;
        let sample = Sample {
            id: loa_model::SampleId(uuid::Uuid::from_u128(n)),
            agency: "demo".into(),
            post,
            article: of.article,
            account: of.account,
            step: 0,
            taken_at: start() + SignedDuration::from_mins(minutes),
            values,
            raw: serde_json::Value::Null,
        };
        assert!(!sample.key().is_empty());
        self.commit(Changes::by(by(), "sample").insert(&sample));
        sample
    }
}

pub fn by() -> Actor {
    Actor::Operator("test".into())
}

pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waits"),
    }
}
