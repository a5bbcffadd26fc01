//! An agency with one account, whose only post is text, and the flow that serves it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "each test file uses its own part"
)]

pub mod frail;
pub mod portal;

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_channel::{
    Channel,
    fixture::FixedUrls,
    memory::{MemoryChannel, MemoryPlatform, Options},
};
use loa_delivery::{Channels, Secrets, VaultError};
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Agency, Cancel, Clock, Entropy, Ids, Job, JobKind,
    PostFormat, Priority, Role, Secret, User, Variant, VariantKind, VariantState,
    seams::{BoxFuture, SharedClock},
};
use loa_pipeline::Flow;
use loa_review::{Review, Slot};
use loa_store::{Blobs, Changes, MemoryStore, Store, StoreExt as _};

pub const AGENCY: &str = "minh-hoa";
pub const ACCOUNT: &str = "memory:minh-hoa";

#[derive(Debug)]
pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A clock moved by hand.
#[derive(Debug)]
pub struct Hand(pub Mutex<Timestamp>);

impl Hand {
    pub fn noon() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Noon.now())))
    }

    pub fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// Bytes that look random and are the same in every run.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            *byte = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[7];
        }
    }
}

struct Hands(Arc<MemoryChannel>);

impl Channels for Hands {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        (channel == "memory").then(|| self.0.clone() as Arc<dyn Channel>)
    }
}

#[async_trait]
impl Secrets for Hands {
    async fn get(&self, _: &AccountName) -> Result<Option<Secret>, VaultError> {
        Ok(None)
    }
    async fn begin_refresh(&self, _: &AccountName) -> Result<(), VaultError> {
        Ok(())
    }
    async fn finish_refresh(&self, _: &AccountName, _: Option<Secret>) -> Result<(), VaultError> {
        Ok(())
    }
}

pub struct World {
    pub flow: Flow,
    pub store: Arc<dyn Store>,
    pub review: Review,
    pub ids: Ids,
    pub channel: Arc<MemoryChannel>,
    pub author: User,
    pub approver: User,
    pub blobs: Arc<Blobs>,
    pub folder: tempfile::TempDir,
    pub clock: SharedClock,
}

impl World {
    /// One agency with one account, whose only post is text.
    pub async fn new() -> Self {
        Self::with(Arc::new(Noon), loa_net::Policy::default(), |store| store).await
    }

    /// With this clock, over what is made of its store; sources are read from where the policy lets it.
    pub async fn with(
        clock: SharedClock,
        policy: loa_net::Policy,
        over: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
        let ids = Ids::new(clock.clone(), Arc::clone(&entropy));
        let store = over(Arc::new(MemoryStore::new(clock.clone())));
        let folder = tempfile::tempdir().unwrap();
        let channel =
            Arc::new(MemoryChannel::over(MemoryPlatform::new("bí mật"), Options::default()));
        let hands = Arc::new(Hands(channel.clone()));
        let review =
            Review::new(Arc::clone(&store), clock.clone(), ids.clone(), "https://mh.example");
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets");
        let assets = loa_canvas::Assets::from_dir(&assets, &[]).unwrap();
        let engine = move || loa_canvas::Engine::new(&assets).map_err(|error| error.to_string());
        let runner =
            loa_pipeline::Cinema::new(loa_clip::Runner { exe: "loa".into(), args: Vec::new() });
        let limits = loa_net::Limits::default();
        let client = loa_net::Client::guarded(limits, policy).unwrap();
        let meter = loa_reach::Meter::new(
            Arc::clone(&store),
            clock.clone(),
            entropy,
            loa_reach::Config::default(),
        );
        let slot = Slot {
            format: PostFormat::Text,
            unless: None,
            only_with: None,
            media: Vec::new(),
            after_minutes: 0,
        };
        let blobs = Arc::new(Blobs::open(&folder.path().join("blobs")).unwrap());
        let flow = Flow::new(loa_pipeline::Deps {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            clock: clock.clone(),
            ids: ids.clone(),
            ingest: loa_ingest::Ingest::new(client),
            studio: loa_pipeline::Studio::new(Box::new(engine), runner),
            review: review.clone(),
            meter: Arc::new(meter),
            channels: hands.clone(),
            media: Arc::new(FixedUrls::under("https://mh.example/m/".parse().unwrap())),
            secrets: hands,
            profiles: [("memory".to_owned(), vec![slot])].into(),
            variants: vec![VariantKind::Infographic, VariantKind::ShortClip],
            work: folder.path().join("work"),
        });
        let person = |login: &str, role| User {
            id: ids.make(),
            agency: AGENCY.to_owned(),
            login: login.to_owned(),
            name: login.to_owned(),
            roles: vec![role],
            also: Vec::new(),
            password_hash: String::new(),
            lang: "vi".to_owned(),
            deactivated_at: None,
            must_renew: false,
        };
        let (author, approver) = (person("lan", Role::Author), person("minh", Role::Approver));
        let account = Account {
            name: ACCOUNT.parse().unwrap(),
            agency: AGENCY.to_owned(),
            title: "Minh Họa".to_owned(),
            remote_id: "1".to_owned(),
            settings: std::collections::BTreeMap::new(),
            status: AccountStatus::Active,
        };
        let agency = Agency {
            name: AGENCY.to_owned(),
            title: "Cổng Thông tin điện tử Minh Họa".to_owned(),
            brand: "demo".to_owned(),
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            urgent_alone: false,
        };
        let changes = by("open").insert(&agency).insert(&account).insert(&author).insert(&approver);
        store.commit(changes).await.unwrap();
        Self { flow, store, review, ids, channel, author, approver, blobs, folder, clock }
    }

    pub async fn queue(&self, work: JobKind, priority: Priority) {
        let job = Job::new(self.ids.make(), AGENCY, work, self.clock.now());
        let changes = by("queue").enqueue(Job { priority, ..job });
        self.store.commit(changes).await.unwrap();
    }

    /// Runs what is queued of these kinds, and what that queues.
    pub async fn work_on(&self, kinds: &[&str]) {
        let lease = Duration::from_mins(5);
        while let Some(job) = self.store.claim(kinds, "w#1", 1, lease).await.unwrap().pop() {
            let done = self.flow.run(&job, &Cancel::new(), &|_| {}).await.unwrap();
            if done == loa_pipeline::Done::Nothing {
                self.store.finish(&job, loa_store::JobEnd::Complete).await.unwrap();
            }
        }
    }

    /// Says that everything is drawn.
    pub async fn drawn(&self) {
        for mut row in self.store.all::<Variant>(10).await.unwrap() {
            row.record.state = VariantState::Rendered;
            let changes = by("render").update(&row.record, row.version);
            self.store.commit(changes).await.unwrap();
        }
    }

    pub fn source(&self) -> String {
        let path = self.folder.path().join("bao.md");
        let text = "---\nurl: https://minhhoa.example/bao-so-9.htm\npublisher: Cổng Minh Họa\nlang: vi\n\
            published_at: 2026-11-22T11:30:00+07:00\n---\n\n# Bão số 9 đổ bộ: di dời dân ở 12 xã ven biển\n\n\
            > Tỉnh Minh Họa yêu cầu di dời 8.400 người trước 18 giờ ngày 22/11/2026.\n\n\
            Học sinh toàn tỉnh nghỉ học từ chiều nay. Tàu thuyền không được ra khơi.\n";
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

pub fn by(what: &str) -> Changes {
    Changes::by(Actor::Operator("test".to_owned()), what)
}
