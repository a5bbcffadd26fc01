//! Prints the rows of punctuality as one JSON array: how far from its planned second a post reaches its platform when 10,000
//! are due within one minute. Run in release: `cargo run --release -p loa-delivery --example bench_delivery`.
//!
//! The minute is a country's: 63 provinces with an account on four channels each, and posts that people gave their own second,
//! chosen by a seeded draw. Store, vault, ledger and worker are the real ones, in a folder on the disk and on the machine's
//! clock; the platform is the memory channel, whose pace is open, so that nothing but Loa's own speed counts. Planned is the
//! delivery's `due_at`, fired the instant at which the platform took the public request. Each run also holds the worker to what
//! it promises: every post arrived exactly once, none before its time, and every delivery is published.
//!
//! A row is the median of the runs, its spread their range over that. Each run's figures go to stderr with the machine's load,
//! because a neighbour's work is in them.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loa_channel::{
    Blobs, Channel, MediaUrls,
    memory::{MemoryChannel, MemoryPlatform, Options as Platform, TOKEN},
};
use loa_delivery::{Channels, Config, Deps, Secrets, VaultError, Worker, owner_name};
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Approval, BlobHash, Clock, Delivery, DeliveryId,
    DeliveryState, Entropy, Ids, Link, Media, Post, PostContent, PostFormat, PostState, Priority,
    Secret, Timing, UserId,
    seams::{BoxFuture, SharedClock},
};
use loa_store::{Changes, Options, SledStore, Store, StoreExt as _, Vault};
use serde_json::{Value, json};

const RUNS: u64 = 3;
const POSTS: usize = 10_000;
const PROVINCES: usize = 63;
const CHANNELS: usize = 4;
const MINUTE_S: u64 = 60;
const BOUND_S: f64 = 2.0;

/// Posts of one commit of the set-up, and such commits that wait together.
const TOGETHER: usize = 50;
const WAITING: usize = 64;
/// The set-up has to be over by then.
const LEAD: SignedDuration = SignedDuration::from_secs(30);
/// Behind the minute: whoever is not done by then never will be.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (mut half, mut most, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let late = minute(run).await?;
        half.push(share(&late, 50));
        most.push(share(&late, 99));
        all.push(share(&late, 100));
        let load = std::fs::read_to_string("/proc/loadavg")?;
        let load = load.split(' ').next().unwrap_or_default();
        writeln!(
            std::io::stderr(),
            "bench: run {run}: p50 {:.3} s, p99 {:.3} s, max {:.3} s, load {load}",
            share(&late, 50),
            share(&late, 99),
            share(&late, 100),
        )?;
    }
    let rows = json!([
        row("delivery.schedule_p99_s", most, Some(BOUND_S)),
        row("delivery.schedule_p50_s", half, None),
        row("delivery.schedule_max_s", all, None),
    ]);
    writeln!(std::io::stdout(), "{rows:#}")?;
    Ok(())
}

/// Seconds that each of the posts was off its time, in order.
async fn minute(run: u64) -> Result<Vec<f64>, Failure> {
    let folder = tempfile::tempdir()?;
    let clock: SharedClock = Arc::new(Wall);
    let entropy: Arc<dyn Entropy> = Arc::new(Draws(AtomicU64::new(run << 48)));
    let ids = Ids::new(clock.clone(), entropy.clone());
    let store: Arc<dyn Store> =
        Arc::new(SledStore::open(&folder.path().join("data"), clock.clone(), Options::default())?);
    let vault = connect(folder.path(), &store, &entropy).await?;
    let begin = Timestamp::from_second((clock.now() + LEAD).as_second())?;
    let planned = plan(&store, &ids, &*entropy, begin).await?;
    if clock.now() >= begin {
        return Err("the minute began before all of its posts were written".into());
    }
    let platform = MemoryPlatform::new("good");
    let worker = Worker::new(Deps {
        store: store.clone(),
        channels: Arc::new(Memory(Arc::new(MemoryChannel::over(
            platform.clone(),
            Platform::default(),
        )))),
        blobs: Arc::new(NoMedia),
        media: Arc::new(NoMedia),
        secrets: Arc::new(Safe(vault)),
        clock: clock.clone(),
        entropy,
        config: Config::default(),
        owner: owner_name("bench", 1),
    });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(async move { worker.run(stopped).await });
    while platform.effects() < u64::try_from(POSTS)? {
        if running.is_finished() || clock.now() > begin + LONGEST {
            break;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
    stop.send(true)?;
    running.await??;
    late(&store, &platform, &planned).await
}

/// Compares what the platform got with what was planned.
async fn late(
    store: &Arc<dyn Store>,
    platform: &MemoryPlatform,
    planned: &BTreeMap<String, (DeliveryId, Timestamp)>,
) -> Result<Vec<f64>, Failure> {
    for (marker, times) in platform.all_creates() {
        if times != 1 {
            return Err(format!("{marker} was made public {times} times").into());
        }
    }
    let posts = platform.posts();
    let mut late = BTreeMap::new();
    for post in &posts {
        let (_, due) = planned.get(&post.marker).ok_or("a post that nobody planned")?;
        let off = post.at.duration_since(*due);
        if off.is_negative() {
            return Err(format!("{} went {off} before its time", post.marker).into());
        }
        late.insert(&post.marker, off.as_secs_f64());
    }
    if (posts.len(), late.len()) != (POSTS, POSTS) {
        return Err(format!("{} requests for {} of {POSTS} posts", posts.len(), late.len()).into());
    }
    for (id, _) in planned.values() {
        let kept = store.read::<Delivery>(&id.to_string()).await?.ok_or("a delivery is gone")?;
        if kept.record.state != DeliveryState::Published {
            return Err(format!("{id} is {:?}", kept.record.state).into());
        }
    }
    let mut late: Vec<f64> = late.into_values().collect();
    late.sort_by(f64::total_cmp);
    Ok(late)
}

/// Sets the accounts up, each with its credentials in the vault.
async fn connect(
    folder: &Path,
    store: &Arc<dyn Store>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Vault, Failure> {
    let vault = Vault::open(&folder.join("keys"), store.clone(), entropy.clone(), None).await?;
    let mut accounts = Changes::by(actor(), "add accounts");
    for n in 0..PROVINCES * CHANNELS {
        let name = account(n)?;
        accounts = accounts.insert(&Account {
            remote_id: name.to_string(),
            name,
            agency: "demo".to_owned(),
            title: format!("Cổng thông tin điện tử tỉnh số {}", n % PROVINCES),
            settings: BTreeMap::new(),
            status: AccountStatus::Active,
        });
    }
    store.commit(accounts).await?;
    let secrets = (0..PROVINCES * CHANNELS).map(|n| {
        let vault = &vault;
        async move {
            let secret = Secret::new([(TOKEN.to_owned(), "good".to_owned())]);
            vault.put(&account(n)?, secret, actor()).await.map_err(Failure::from)
        }
    });
    futures::stream::iter(secrets).buffer_unordered(WAITING).try_collect::<()>().await?;
    Ok(vault)
}

/// Writes the posts and their deliveries. Returns what is due when, by marker.
async fn plan(
    store: &Arc<dyn Store>,
    ids: &Ids,
    entropy: &dyn Entropy,
    begin: Timestamp,
) -> Result<BTreeMap<String, (DeliveryId, Timestamp)>, Failure> {
    let mut planned = BTreeMap::new();
    let mut commits = Vec::new();
    for first in (0..POSTS).step_by(TOGETHER) {
        let mut changes = Changes::by(actor(), "approve posts");
        for n in first..POSTS.min(first + TOGETHER) {
            let mut draw = [0; 8];
            entropy.fill(&mut draw);
            let second = u64::from_le_bytes(draw) % MINUTE_S;
            let due = begin + Duration::from_secs(second);
            let (post, delivery) = approved(ids, account(n)?, due);
            planned.insert(delivery.marker.clone(), (delivery.id, due));
            changes = changes.insert(&post).insert(&delivery);
        }
        commits.push(store.commit(changes));
    }
    let commits = futures::stream::iter(commits).buffer_unordered(WAITING);
    commits.try_for_each(|_| std::future::ready(Ok(()))).await?;
    Ok(planned)
}

/// An approved post that a person gave this time, and its delivery.
fn approved(ids: &Ids, account: AccountName, due: Timestamp) -> (Post, Delivery) {
    let code = ids.token(8);
    let content = PostContent {
        format: PostFormat::Text,
        lang: "vi".to_owned(),
        title: String::new(),
        author: String::new(),
        text: format!(
            "Gần 2,5 triệu đồng hỗ trợ mỗi hộ dân vùng lũ sửa nhà, đợt {code}: danh sách, mức hỗ trợ và nơi nhận đơn"
        ),
        body: Vec::new(),
        media: Vec::new(),
        link: Link {
            url: format!("https://loa.example/l/{code}"),
            target: format!("https://tinh.example/bai-{code}"),
            code,
        },
        tags: Vec::new(),
    };
    let digest = content.digest(&account);
    let (made, not_after) = (due - 1.hours(), due + 48.hours());
    let post = Post {
        id: ids.make(),
        agency: "demo".to_owned(),
        article: ids.make(),
        revision: 1,
        account,
        content,
        state: PostState::Approved,
        scheduled_at: due,
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        timing: Timing::Exact { wall: jiff::tz::TimeZone::UTC.to_datetime(due) },
        priority: Priority::Normal,
        author: person(ids),
        editors: Vec::new(),
        rewritten: Vec::new(),
        approval: Some(Approval { digest, by: person(ids), at: made, not_before: due, not_after }),
        reason: String::new(),
        created_at: made,
    };
    let delivery = Delivery::planned(ids.make(), &post, (due, not_after), made);
    (post, delivery)
}

fn person(ids: &Ids) -> UserId {
    ids.make()
}

fn actor() -> Actor {
    Actor::Worker("bench".to_owned())
}

fn account(n: usize) -> Result<AccountName, Failure> {
    let (channel, province) = (n / PROVINCES % CHANNELS, n % PROVINCES);
    Ok(format!("memory-{channel}:tinh-{province:02}").parse()?)
}

/// The value that this many percent of the sorted values do not exceed.
fn share(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

fn row(name: &str, mut runs: Vec<f64>, bound: Option<f64>) -> Value {
    runs.sort_by(f64::total_cmp);
    let value = runs[runs.len() / 2];
    let spread = (runs[runs.len() - 1] - runs[0]) / value;
    let ok = bound.map(|bound| value <= bound);
    json!({ "name": name, "value": value, "unit": "s", "bound": bound, "ok": ok, "n": runs.len(), "spread": spread })
}

/// The machine's clock.
#[derive(Debug)]
struct Wall;

impl Clock for Wall {
    #[expect(clippy::disallowed_methods, reason = "an example is its own main")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// Draws that are the same in every run of the same number and never repeat: SplitMix64, whose 2^64 values all differ.
#[derive(Debug)]
struct Draws(AtomicU64);

impl Entropy for Draws {
    fn fill(&self, bytes: &mut [u8]) {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for part in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            part.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..part.len()]);
        }
    }
}

/// Four channels of one kind.
struct Memory(Arc<MemoryChannel>);

impl Channels for Memory {
    fn get(&self, _channel: &str) -> Option<Arc<dyn Channel>> {
        Some(self.0.clone())
    }
}

/// Credentials in the real vault.
struct Safe(Vault);

#[async_trait]
impl Secrets for Safe {
    async fn get(&self, account: &AccountName) -> Result<Option<Secret>, VaultError> {
        Ok(self.0.get(account).await.map(Some)?)
    }

    async fn begin_refresh(&self, account: &AccountName) -> Result<(), VaultError> {
        Ok(self.0.begin_refresh(account).await.map(drop)?)
    }

    async fn finish_refresh(
        &self,
        account: &AccountName,
        new: Option<Secret>,
    ) -> Result<(), VaultError> {
        match (self.0.pending_refresh(account).await?, new) {
            (None, _) => {}
            (Some(mark), Some(new)) => drop(self.0.finish_refresh(&mark, new).await?),
            (Some(mark), None) => self.0.abandon_refresh(&mark).await?,
        }
        Ok(())
    }
}

/// Posts of words alone.
struct NoMedia;

#[async_trait]
impl Blobs for NoMedia {
    async fn read(&self, _hash: BlobHash) -> loa_channel::Result<Bytes> {
        Err(loa_channel::Error::internal("these posts have no media"))
    }
}

#[async_trait]
impl MediaUrls for NoMedia {
    async fn url(&self, _delivery: DeliveryId, _media: &Media) -> loa_channel::Result<url::Url> {
        Err(loa_channel::Error::internal("these posts have no media"))
    }
}
