//! A world in one thread: manual time, a fuse that crashes or freezes the worker at any store or channel call, and the
//! memory platform as the judge of what the audience saw.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::must_use_candidate,
    reason = "each test file uses its own part"
)]

pub mod pace;
mod sim;
mod store;
mod tokens;

use std::{
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan};
use loa_channel::{
    Audience, Blobs, Channel, Cx, Error, ErrorKind, Health, InboundEvent, Lookup, MediaUrls,
    Outgoing, Progress, RetryAdvice, Scope, To,
    memory::{MemoryChannel, MemoryPlatform, Options, TOKEN},
};
use loa_delivery::{
    Breach, Broken, Channels, Config, Deps, Desk, Incident, Round, Worker, check, owner_name,
};
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Approval, ArticleId, BlobHash, Capability, Clock,
    Delivery, DeliveryId, DeliveryState as State, GateClosed, Link, Measured, Media, Membership,
    Post, PostContent, PostFormat, PostId, PostState, Priority, Receipt, Role, Secret, Ticket,
    User, UserId, delivery::Effect, seams::OpenGate,
};
use loa_store::{Changes, MemoryStore, Store, StoreExt as _};
use url::Url;

pub use sim::{Fuse, ManualClock, Seeded, Woken};
pub use store::FuseStore;
pub use tokens::{RefreshMode, Vault};

pub fn start() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

/// The memory channel with a fuse, own limits, and two more faults: no answer at all, and a refusal of every `find`.
pub struct TestChannel {
    pub inner: MemoryChannel,
    pub capability: Capability,
    pub fuse: Arc<Fuse>,
    pub refresh: Mutex<RefreshMode>,
    /// How often it was asked whether credentials age, and for new ones.
    pub looks: AtomicU32,
    pub refreshes: AtomicU32,
    /// The next creates are done and never answered.
    pub silent: AtomicU32,
    /// A client that breaks the contract: it asks to send again what was not answered.
    pub repeats: AtomicBool,
}

#[async_trait]
impl Channel for TestChannel {
    fn capability(&self) -> &Capability {
        &self.capability
    }
    fn effect(&self, content: &PostContent, at: Option<&Ticket>) -> Effect {
        self.inner.effect(content, at)
    }
    async fn advance(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        post: Outgoing<'_>,
        at: Option<Ticket>,
    ) -> loa_channel::Result<Progress> {
        self.fuse.point("before send").await;
        let answer = if self.inner.effect(post.content, at.as_ref()) == Effect::Read {
            self.inner.advance(cx, to, post, at).await
        } else {
            cx.gate.open().map_err(|closed| shut(&closed))?;
            // Past the gate: whoever freezes here has a request on its way that arrives when he thaws.
            self.fuse.point("on the wire").await;
            self.inner.advance(&Cx { gate: &OpenGate, ..*cx }, to, post, at).await
        };
        self.fuse.point("after send").await;
        if self.silent.load(Ordering::SeqCst) > 0 {
            self.silent.fetch_sub(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        let unanswered = answer.as_ref().is_err_and(|error| error.advice == RetryAdvice::Verify);
        if unanswered && self.repeats.load(Ordering::SeqCst) {
            cx.gate.open().map_err(|closed| shut(&closed))?;
        }
        answer
    }
    async fn find(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        what: Lookup<'_>,
    ) -> loa_channel::Result<Vec<Receipt>> {
        self.fuse.point("before find").await;
        let found = self.inner.find(cx, to, what).await;
        self.fuse.point("after find").await;
        found
    }
    async fn amend(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipt: &Receipt,
        post: Outgoing<'_>,
    ) -> loa_channel::Result<()> {
        self.fuse.point("before amend").await;
        self.inner.amend(cx, to, receipt, post).await
    }
    async fn retract(&self, cx: &Cx<'_>, to: To<'_>, receipt: &Receipt) -> loa_channel::Result<()> {
        self.fuse.point("before retract").await;
        self.inner.retract(cx, to, receipt).await
    }
    async fn measure(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        receipts: &[Receipt],
    ) -> loa_channel::Result<Vec<Measured>> {
        self.inner.measure(cx, to, receipts).await
    }
    async fn audience(&self, cx: &Cx<'_>, to: To<'_>) -> loa_channel::Result<Audience> {
        self.inner.audience(cx, to).await
    }
    async fn health(&self, cx: &Cx<'_>, to: To<'_>) -> loa_channel::Result<Health> {
        self.inner.health(cx, to).await
    }
    fn ages(&self, _to: To<'_>, _now: Timestamp) -> bool {
        self.looks.fetch_add(1, Ordering::SeqCst);
        !matches!(*self.refresh.lock().unwrap(), RefreshMode::Nothing)
    }
    async fn refresh(&self, _cx: &Cx<'_>, _to: To<'_>) -> loa_channel::Result<Option<Secret>> {
        self.refreshes.fetch_add(1, Ordering::SeqCst);
        self.refresh.lock().unwrap().clone().answer()
    }
    fn inbound(
        &self,
        to: To<'_>,
        headers: &[(String, String)],
        body: &[u8],
    ) -> loa_channel::Result<Vec<InboundEvent>> {
        self.inner.inbound(to, headers, body)
    }
}

/// What an adapter makes of a gate that stayed shut.
fn shut(closed: &GateClosed) -> Error {
    let again = RetryAdvice::Later { wait: Duration::ZERO, scope: Scope::Post };
    Error::new(ErrorKind::Gate, again, closed.to_string())
}

pub struct OneChannel(pub Arc<TestChannel>);

impl Channels for OneChannel {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        (channel == "memory").then(|| self.0.clone() as Arc<dyn Channel>)
    }
}

struct NoMedia;

#[async_trait]
impl Blobs for NoMedia {
    async fn read(&self, hash: BlobHash) -> loa_channel::Result<bytes::Bytes> {
        Err(Error::internal(format!("blob {hash} is missing")))
    }
}

#[async_trait]
impl MediaUrls for NoMedia {
    async fn url(&self, _delivery: DeliveryId, _media: &Media) -> loa_channel::Result<Url> {
        Err(Error::internal("no public media"))
    }
}

/// How driving a future ended.
#[derive(Debug, PartialEq)]
pub enum Drove<T> {
    Done(T),
    Blown,
}

pub struct World {
    pub clock: Arc<ManualClock>,
    pub store: Arc<FuseStore>,
    pub platform: MemoryPlatform,
    pub channel: Arc<TestChannel>,
    pub vault: Arc<Vault>,
    pub entropy: Arc<Seeded>,
    pub config: Config,
    pub instance: u64,
    /// What of the invariants the test breaks on purpose.
    pub breaks: Vec<Breach>,
    posts: u128,
}

impl World {
    pub fn new(seed: u64, options: Options) -> Self {
        Self::with(seed, options, |_| {})
    }

    pub fn with(seed: u64, options: Options, limits: impl FnOnce(&mut Capability)) -> Self {
        let clock = Arc::new(ManualClock::default());
        let fuse = Arc::new(Fuse::default());
        let store = Arc::new(FuseStore {
            inner: MemoryStore::new(clock.clone()),
            fuse: fuse.clone(),
            broken: Mutex::default(),
            full: Mutex::default(),
        });
        let platform = MemoryPlatform::new("good");
        let inner = MemoryChannel::over(platform.clone(), options);
        let mut capability = inner.capability().clone();
        limits(&mut capability);
        let channel = Arc::new(TestChannel {
            inner,
            capability,
            fuse,
            refresh: Mutex::new(RefreshMode::Nothing),
            looks: AtomicU32::new(0),
            refreshes: AtomicU32::new(0),
            silent: AtomicU32::new(0),
            repeats: AtomicBool::new(false),
        });
        let vault = Arc::new(Vault::default());
        *vault.secret.lock().unwrap() = Some(Secret::new([(TOKEN.to_owned(), "good".to_owned())]));
        let entropy = Arc::new(Seeded::new(seed));
        let world = Self {
            clock,
            store,
            platform,
            channel,
            vault,
            entropy,
            config: Config::default(),
            instance: 0,
            breaks: vec![],
            posts: 0,
        };
        world.hire(3, "demo", Role::Approver);
        for name in ["memory:cong-tin", "memory:tinh"] {
            let account = Account {
                name: name.parse().unwrap(),
                agency: "demo".into(),
                title: "Cổng thông tin".into(),
                remote_id: name.into(),
                settings: BTreeMap::new(),
                status: AccountStatus::Active,
            };
            world.commit(Changes::by(operator(), "add account").insert(&account));
        }
        world
    }

    /// Gives [`person`] `n` a role.
    pub fn hire(&self, n: u128, agency: &str, role: Role) {
        let user = User {
            id: person(n),
            agency: agency.into(),
            login: format!("p{n}"),
            name: "Nguyễn Thị Hạnh".into(),
            roles: vec![role],
            also: Vec::new(),
            password_hash: String::new(),
            lang: "vi".into(),
            deactivated_at: None,
            must_renew: false,
        };
        self.commit(Changes::by(operator(), "add user").insert(&user));
    }

    /// Gives [`person`] `n` a role in another agency, too.
    pub fn also(&self, n: u128, agency: &str, role: Role) {
        let kept = ready(self.store.read::<User>(&person(n).to_string())).unwrap().unwrap();
        let there = Membership { agency: agency.into(), roles: vec![role] };
        let user = User { also: vec![there], ..kept.record };
        self.commit(Changes::by(operator(), "set user").update(&user, kept.version));
    }

    /// A process start: a worker with the next instance number.
    pub fn worker(&mut self) -> Worker {
        self.instance += 1;
        self.worker_named(&owner_name("tram", self.instance))
    }

    pub fn worker_named(&self, owner: &str) -> Worker {
        Worker::new(Deps {
            store: self.store.clone(),
            channels: Arc::new(OneChannel(self.channel.clone())),
            blobs: Arc::new(NoMedia),
            media: Arc::new(NoMedia),
            secrets: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            config: self.config.clone(),
            owner: owner.to_owned(),
        })
    }

    pub fn desk(&self) -> Desk {
        Desk::new(
            self.store.clone(),
            Arc::new(OneChannel(self.channel.clone())),
            self.clock.clone(),
            self.entropy.clone(),
            self.config.clone(),
        )
    }

    /// An approved post due now, with its delivery; `change` may spoil either.
    pub fn post(
        &mut self,
        account: &str,
        change: impl FnOnce(&mut Post, &mut Delivery),
    ) -> DeliveryId {
        self.posts += 1;
        let id = uuid::Uuid::from_u128(self.posts);
        let now = self.clock.now();
        let code = format!("k{}", self.posts);
        let content = PostContent {
            format: PostFormat::Text,
            lang: "vi".into(),
            title: String::new(),
            author: String::new(),
            text: format!("Gần 2,5 triệu đồng hỗ trợ mỗi hộ dân vùng lũ, số {}", self.posts),
            body: vec![],
            media: vec![],
            link: Link {
                code: code.clone(),
                url: format!("https://loa.example/l/{code}"),
                target: "https://example.vn/bai".into(),
            },
            tags: vec![],
        };
        let account: AccountName = account.parse().unwrap();
        let digest = content.digest(&account);
        let mut post = Post {
            id: PostId(id),
            agency: "demo".into(),
            article: ArticleId(id),
            revision: 1,
            account: account.clone(),
            content,
            state: PostState::Approved,
            scheduled_at: now,
            zone: "Asia/Ho_Chi_Minh".into(),
            timing: loa_model::Timing::Soon,
            priority: Priority::Normal,
            author: person(1),
            editors: vec![],
            rewritten: vec![],
            approval: Some(Approval {
                digest,
                by: person(2),
                at: now,
                not_before: now,
                not_after: now + 48.hours(),
            }),
            reason: String::new(),
            created_at: now,
        };
        let mut delivery = Delivery::planned(DeliveryId(id), &post, (now, now + 48.hours()), now);
        change(&mut post, &mut delivery);
        let id = delivery.id;
        self.commit(Changes::by(operator(), "approve post").insert(&post).insert(&delivery));
        id
    }

    /// Commits around the fuse.
    pub fn commit(&self, changes: Changes) {
        ready(self.store.inner.commit(changes)).unwrap();
    }

    pub fn delivery(&self, id: DeliveryId) -> Delivery {
        ready(self.store.inner.read::<Delivery>(&id.to_string())).unwrap().unwrap().record
    }

    pub fn state(&self, id: DeliveryId) -> State {
        self.delivery(id).state
    }

    pub fn account(&self, name: &str) -> Account {
        ready(self.store.inner.read::<Account>(name)).unwrap().unwrap().record
    }

    pub fn incidents(&self) -> Vec<Incident> {
        let all = ready(self.store.inner.all::<Incident>(100)).unwrap();
        all.into_iter().map(|kept| kept.record).collect()
    }

    /// What the ledger breaks of the invariants.
    pub fn broken(&self) -> Vec<Broken> {
        let rules = BTreeMap::from([("memory".to_owned(), self.channel.capability.pace.clone())]);
        ready(check(&self.store.inner, &rules)).unwrap().broken
    }

    /// Measure jobs queued for a post.
    pub fn measures(&self) -> usize {
        ready(self.store.inner.jobs(None, 1000)).unwrap().len()
    }

    pub fn fuse(&self) -> &Fuse {
        &self.store.fuse
    }

    /// Polls to the end; when nothing moves, moves the clock to whoever sleeps.
    pub fn drive<T>(&self, future: impl Future<Output = T>) -> Drove<T> {
        let mut future = pin!(future);
        self.drive_pinned(&mut future)
    }

    pub fn drive_pinned<T>(&self, future: &mut Pin<&mut impl Future<Output = T>>) -> Drove<T> {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
                return Drove::Done(value);
            }
            if self.fuse().blown.load(Ordering::SeqCst) {
                return Drove::Blown;
            }
            if woken.take() {
                continue;
            }
            let next = self.clock.next_sleeper().expect("pending, and nobody sleeps: a deadlock");
            self.clock.advance_to(next);
        }
    }

    pub fn done<T>(&self, future: impl Future<Output = T>) -> T {
        match self.drive(future) {
            Drove::Done(value) => value,
            Drove::Blown => panic!("the fuse blew"),
        }
    }

    pub fn tick(&self, worker: &Worker) -> Round {
        self.done(worker.tick()).unwrap()
    }

    /// Rounds, with the clock moved to each wake-up, until nothing waits or `most` rounds.
    pub fn rounds(&self, worker: &Worker, most: usize) -> usize {
        for n in 0..most {
            let round = self.tick(worker);
            match round.wake {
                Some(wake) => self.clock.advance_to(wake),
                None => return n + 1,
            }
        }
        most
    }

    /// Await at which the fuse blew last; 0 when it never did.
    pub fn blew_at(&self) -> u64 {
        self.fuse().most.load(Ordering::SeqCst)
    }

    pub fn live(&self, id: DeliveryId) -> usize {
        self.platform.settle(self.clock.now());
        self.platform.live(&self.delivery(id).marker).len()
    }

    pub fn creates(&self, id: DeliveryId) -> u32 {
        self.platform.creates(&self.delivery(id).marker)
    }
}

/// Whatever happened in it: at its end no invariant is broken that was not meant to be.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let broken = self.broken();
            let mut kinds: Vec<_> = broken.iter().map(|broken| broken.breach).collect();
            kinds.sort_unstable();
            kinds.dedup();
            assert_eq!(kinds, self.breaks, "{broken:#?}");
        }
    }
}

pub fn person(n: u128) -> UserId {
    UserId(uuid::Uuid::from_u128(1000 + n))
}

pub fn operator() -> Actor {
    Actor::Operator("test".into())
}

pub fn receipt(id: &str) -> Receipt {
    Receipt { remote_id: id.into(), url: String::new(), raw: serde_json::Value::Null, at: start() }
}

/// A future that never waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waits"),
    }
}
