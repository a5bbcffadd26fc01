//! The five-minute tour: one saved article through every stage into a channel in memory, without a server, a data folder
//! or a network. `cargo run --example one_article`
//!
//! Each stage is called as the worker calls it: `Flow` runs the jobs that the stages queue, two people review, the
//! delivery worker posts, the meter measures, and the report says what is known.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use loa_channel::{
    Channel,
    fixture::FixedUrls,
    memory::{MemoryChannel, MemoryPlatform, Options},
};
use loa_delivery::{Channels, Secrets, VaultError, Worker, owner_name};
use loa_model::{
    Account, AccountName, AccountStatus, Actor, Agency, Clock as _, Entropy, Ids, MediaRole,
    Metric, Post, PostFormat, Priority, Role, Secret, User, VariantKind, seams::SharedClock,
};
use loa_pipeline::{BlobReader, Flow};
use loa_review::{Pick, Review, Slot, Window};
use loa_sandbox::{Advance as _, ManualClock};
use loa_store::{Blobs, Changes, MemoryStore, Store, StoreExt as _};

const AGENCY: &str = "demo";
/// Kinds of work the stages queue for each other.
const JOBS: [&str; 6] = ["ingest", "brief", "draw", "render", "compose", "measure"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // What comes from outside is made here and handed down: time, randomness, assets, a place for files.
    let clock = ManualClock::at("2026-11-16T02:00:00Z".parse()?);
    let shared: SharedClock = clock.clone();
    let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
    let ids = Ids::new(shared.clone(), Arc::clone(&entropy));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir()?;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(shared.clone()));
    let blobs = Arc::new(Blobs::open(&scratch.path().join("blobs"))?);
    let platform = MemoryPlatform::new("bí mật");
    let channel = Arc::new(MemoryChannel::over(platform.clone(), Options::default()));
    let hands = Arc::new(Hands(channel.clone()));
    let media = Arc::new(FixedUrls::under("https://minhhoa.example/m/".parse()?));
    let review = Review::new(Arc::clone(&store), shared.clone(), ids.clone(), "https://mh.example");

    // An agency, its account, an author and an approver.
    let account: AccountName = "memory:minh-hoa".parse()?;
    let lan = person(&ids, "lan", Role::Author);
    let minh = person(&ids, "minh", Role::Approver);
    let changes = Changes::by(Actor::Operator("tour".to_owned()), "open the newsroom")
        .insert(&Agency {
            name: AGENCY.to_owned(),
            title: "Cổng Thông tin điện tử Minh Họa".to_owned(),
            brand: "demo".to_owned(),
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            urgent_alone: false,
        })
        .insert(&Account {
            name: account.clone(),
            agency: AGENCY.to_owned(),
            title: "Minh Họa".to_owned(),
            remote_id: "1".to_owned(),
            settings: std::collections::BTreeMap::new(),
            status: AccountStatus::Active,
        })
        .insert(&lan)
        .insert(&minh);
    store.commit(changes).await?;

    // The stages behind one door.
    let assets = loa_canvas::Assets::from_dir(&root.join("assets"), &[])?;
    let engine = move || loa_canvas::Engine::new(&assets).map_err(|error| error.to_string());
    let no_children =
        loa_pipeline::Cinema::new(loa_clip::Runner { exe: "loa".into(), args: Vec::new() });
    let guarded = loa_net::Client::guarded(loa_net::Limits::default(), loa_net::Policy::default())?;
    let card = Pick::Variant {
        role: MediaRole::Photo,
        kind: VariantKind::Infographic,
        renditions: vec!["portrait".to_owned()],
        required: true,
    };
    let slot = Slot {
        format: PostFormat::Photo,
        unless: None,
        only_with: None,
        media: vec![card],
        after_minutes: 0,
    };
    let flow = Flow::new(loa_pipeline::Deps {
        store: Arc::clone(&store),
        blobs: Arc::clone(&blobs),
        clock: shared.clone(),
        ids: ids.clone(),
        ingest: loa_ingest::Ingest::new(guarded),
        studio: loa_pipeline::Studio::new(Box::new(engine), no_children),
        review: review.clone(),
        meter: Arc::new(loa_reach::Meter::new(
            Arc::clone(&store),
            shared.clone(),
            Arc::clone(&entropy),
            loa_reach::Config::default(),
        )),
        channels: hands.clone(),
        media: media.clone(),
        secrets: hands.clone(),
        profiles: [("memory".to_owned(), vec![slot])].into(),
        variants: vec![VariantKind::Infographic],
        work: scratch.path().join("work"),
    });

    // ingest → brief → infographic: each stage queues the next.
    let source = root.join("tests/articles/article.md").display().to_string();
    let (article, _) = flow.take_in(&source, AGENCY, Priority::Normal, None).await?;
    say(&format!("đọc · read         {} ({} photos)", article.title(), article.photos.len()))?;
    jobs(&flow, &store).await?;
    let variant = store.all::<loa_model::Variant>(10).await?.pop().context("nothing was drawn")?;
    for file in &variant.record.renditions {
        say(&format!("vẽ · drawn         {} {} × {}", file.name, file.width, file.height))?;
    }

    // review: one writes, another signs exactly what was composed.
    let of = (article.id, article.revision);
    let (to, when) = (std::slice::from_ref(&account), loa_model::When::Soon);
    let outcome = flow.compose_now(of, to, lan.id, when, Priority::Normal).await?;
    let post = outcome.and_then(|outcome| outcome.posts.into_iter().next());
    let post: Post = post.context("nothing was composed")?;
    say(&format!("soạn · composed    {}", post.content.text.lines().next().unwrap_or_default()))?;
    let post = review.submit(&lan, post.id, channel.capability()).await?;
    let now = clock.now();
    let window = Window { not_before: now, not_after: now + jiff::SignedDuration::from_hours(1) };
    let digest = post.digest();
    let (_, delivery) =
        review.approve(&minh, post.id, digest, window, channel.capability()).await?;
    say(&format!("duyệt · approved   {}", digest.short()))?;

    // delivery: intent → send → receipt.
    let worker = Worker::new(loa_delivery::Deps {
        store: Arc::clone(&store),
        channels: hands.clone(),
        blobs: Arc::new(BlobReader(Arc::clone(&blobs))),
        media,
        secrets: hands,
        clock: shared,
        entropy,
        config: loa_delivery::Config::default(),
        owner: owner_name("tour", 1),
    });
    worker.tick().await?;
    let key = delivery.id.to_string();
    let done = store.read::<loa_model::Delivery>(&key).await?.context("the delivery is gone")?;
    let receipt = done.record.receipt.context("the post is not live")?;
    ensure!(platform.creates(&post.content.link.code) == 1, "not exactly one live post");
    say(&format!("đăng · live once   {}", receipt.remote_id))?;

    // reach: a quarter of an hour later the platform has numbers.
    platform.set_metrics(&receipt.remote_id, &[(Metric::Views, 1_250), (Metric::Reach, 980)]);
    clock.advance(Duration::from_mins(16))?;
    jobs(&flow, &store).await?;
    let query = loa_reach::Query {
        agency: AGENCY.to_owned(),
        from: now,
        to: clock.now() + jiff::SignedDuration::from_secs(1),
        by: loa_reach::By::Post,
        population: None,
    };
    let books = loa_reach::Books::default();
    let report = loa_reach::report(books.open(&*store).await?.of(AGENCY), &query)?;
    let reach = report.total.reach.context("no reach was measured")?;
    for cell in &report.total.cells {
        say(&format!("đo · measured      {} {}", cell.latest, cell.source_name))?;
    }
    say(&format!("tiếp cận · reach   {} – {} people", reach.at_least, reach.at_most))?;
    say(&format!("sổ cái · ledger    {} records", store.last_seq()))
}

/// Runs every job that is due, and those that these queue.
async fn jobs(flow: &Flow, store: &Arc<dyn Store>) -> anyhow::Result<()> {
    loop {
        let claimed = store.claim(&JOBS, "tour#1", 1, Duration::from_mins(5)).await?;
        let Some(job) = claimed.into_iter().next() else { return Ok(()) };
        flow.run(&job, &loa_model::Cancel::new(), &|_| {}).await?;
    }
}

fn person(ids: &Ids, login: &str, role: Role) -> User {
    User {
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
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{line}").context("nobody reads what the tour says")
}

/// The one channel of the tour, and its credentials.
struct Hands(Arc<MemoryChannel>);

impl Channels for Hands {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        (channel == "memory").then(|| self.0.clone() as Arc<dyn Channel>)
    }
}

#[async_trait]
impl Secrets for Hands {
    async fn get(&self, _: &AccountName) -> Result<Option<Secret>, VaultError> {
        Ok(Some(Secret::new([("token".to_owned(), "bí mật".to_owned())])))
    }
    async fn begin_refresh(&self, _: &AccountName) -> Result<(), VaultError> {
        Ok(())
    }
    async fn finish_refresh(&self, _: &AccountName, _: Option<Secret>) -> Result<(), VaultError> {
        Ok(())
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
