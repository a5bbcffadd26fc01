//! A newsroom in memory: one article read from the demo page, its brief, variants, posts in every state, people of two
//! agencies, numbers and running work, behind the real router. Tests and the example look at the same one.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    reason = "each test file and the example use their own part"
)]

#[cfg(test)]
pub mod browser;
pub mod captioned;
pub mod cards;
pub mod clips;
pub mod counted;
pub mod drawing;
pub mod feeds;
pub mod kits;
pub mod measured;
pub mod month;
pub mod paper;
pub mod records;
pub mod several;
pub mod shown;
pub mod states;
pub mod vault;
pub mod waiting;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use jiff::Timestamp;
use loa_delivery::Desk;
use loa_model::{
    Article, BlobHash, Capability, Clock, Digest, Entropy, Ids, JobId, Post, Progress, Role, User,
    seams::BoxFuture,
};
use loa_review::Review;
use loa_store::{Blobs, Changes, MemoryStore, Store};
use loa_web::{Assets, Config, Deps, ProgressMap, Setup};
use tokio::sync::watch;

/// The password of everybody.
pub const PASSWORD: &str = "Mật khẩu rất dài 42";
/// What opens the first set-up, where nobody is there.
pub const SETUP_CODE: &str = "abcd2345efgh6789jkmnpqrstvwx";
/// Channels whose frames and limits are shown.
pub const CHANNELS: [&str; 4] = ["facebook", "zalo", "viber", "youtube"];

/// A clock moved by hand.
#[derive(Debug)]
pub struct Hand(pub Mutex<Timestamp>);

impl Hand {
    pub fn set(&self, at: &str) {
        *self.0.lock().unwrap() = at.parse().unwrap();
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

/// Numbers that look random and are the same each time.
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

/// Bytes of the pictures and clips: tests take the smallest, the example real ones.
pub struct Pictures {
    pub card: Vec<u8>,
    pub poster: Vec<u8>,
    pub photo: Vec<u8>,
    pub clip: Vec<u8>,
    /// A card in a brand kit.
    pub sample: Vec<u8>,
}

impl Pictures {
    pub fn smallest() -> Self {
        let png = |last: u8| [&b"\x89PNG\r\n\x1a\n"[..], &[0, 0, 0, last]].concat();
        let clip = [&b"\0\0\0\x18ftypmp42"[..], &[7; 988]].concat();
        Self { card: png(1), poster: png(2), photo: png(3), clip, sample: b"\xff\xd8mau".to_vec() }
    }

    /// The card of the golden tests, the photos of the demo article, and a clip from this file.
    pub fn real(clip: Option<&Path>) -> Self {
        let read = |path: &str| fs::read(root().join(path)).unwrap();
        let photo = read("assets/demo/photos/cau-qua-suoi.jpg");
        Self {
            sample: read("tests/golden/card-typical.png"),
            card: read("tests/golden/card-typical.png"),
            poster: read("assets/demo/photos/diem-ho-tro.jpg"),
            photo,
            clip: clip.map_or_else(|| Self::smallest().clip, |path| fs::read(path).unwrap()),
        }
    }
}

/// The blobs of [`Pictures`].
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    pub card: BlobHash,
    pub poster: BlobHash,
    pub photo: BlobHash,
    pub clip: BlobHash,
    /// Captions of the clip.
    pub captions: BlobHash,
}

/// People: each signs in with their own name and [`PASSWORD`].
pub struct People {
    /// Composes, submits.
    pub author: User,
    /// Approves, and composes too.
    pub approver: User,
    /// Manages people.
    pub admin: User,
    /// Of another agency, with every role.
    pub stranger: User,
}

/// One post per state.
pub struct Posts {
    pub draft: Post,
    pub broken: Post,
    pub waiting: Post,
    pub published: Post,
    pub uncertain: Post,
    pub returned: Post,
}

pub struct World {
    pub router: Router,
    pub store: Arc<MemoryStore>,
    /// Rows that the pages asked for.
    pub rows: Arc<AtomicUsize>,
    /// The record of the ledger that is not what was written; none at zero.
    pub changed: Arc<AtomicU64>,
    /// At which commit the process dies; at none when empty.
    pub dies: Arc<Mutex<Option<counted::Dies>>>,
    /// Whether it did.
    pub died: Arc<Mutex<bool>>,
    /// Whom somebody else renames, and before which reading.
    pub turns: counted::Turns,
    pub blobs: Arc<Blobs>,
    pub clock: Arc<Hand>,
    pub ids: Ids,
    pub review: Review,
    pub desk: Desk,
    pub cards: Arc<cards::Told>,
    pub clips: Arc<clips::Rehearsal>,
    pub vault: Arc<vault::Vault>,
    pub kits: Arc<kits::Office>,
    pub capabilities: BTreeMap<String, Capability>,
    pub progress: watch::Sender<ProgressMap>,
    pub people: People,
    pub kept: Kept,
    pub article: Article,
    pub posts: Posts,
    /// The job that reads another article, half way.
    pub job: JobId,
    /// Fence of its lease.
    pub fence: u64,
    folder: tempfile::TempDir,
}

/// The folder of the project.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Templates, words and files as `main` hands them in.
pub fn assets() -> Assets {
    let read = |path: PathBuf| {
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let names = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(root().join("assets").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let templates = names("web/pages")
        .into_iter()
        .map(|name| (format!("pages/{name}"), read(root().join("assets/web/pages").join(&name))));
    let locales = ["vi", "en"].into_iter().flat_map(|lang| {
        ["locales", "web"].map(|folder| {
            (lang.to_owned(), read(root().join(format!("assets/{folder}/{lang}.toml"))))
        })
    });
    let mut files = BTreeMap::new();
    let served = |name: &String| [".css", ".js", ".svg"].iter().any(|end| name.ends_with(end));
    for name in names("web").into_iter().filter(served) {
        let bytes = fs::read(root().join("assets/web").join(&name)).unwrap();
        files.insert(name, Bytes::from(bytes));
    }
    // The vendored script is there after `make setup`; the pages work without it.
    if let Ok(bytes) = fs::read(root().join("assets/vendor/web/htmx.min.js")) {
        files.insert("htmx.min.js".to_owned(), Bytes::from(bytes));
    }
    if let Ok(fonts) = fs::read_dir(root().join("assets/vendor/web/fonts")) {
        for font in fonts {
            let path = font.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.insert(format!("fonts/{name}"), Bytes::from(fs::read(path).unwrap()));
        }
    }
    Assets::new(templates, locales, files).unwrap()
}

/// Reads only what runs on this machine: no test asks the internet.
fn ingest() -> loa_ingest::Ingest {
    let policy = loa_net::Policy { allow_loopback: true, ports: Vec::new() };
    let client = loa_net::Client::guarded(loa_net::Limits::default(), policy).unwrap();
    loa_ingest::Ingest::new(client)
}

impl World {
    /// Adds a person of the same agency as `like` who has other roles.
    pub async fn colleague(&self, like: &User, roles: &[Role]) -> User {
        let login = format!("{}-{roles:?}", like.login);
        let user = User { id: self.ids.make(), login, roles: roles.to_vec(), ..like.clone() };
        let changes = Changes::by(records::by(), "add person").insert(&user);
        self.store.commit(changes).await.unwrap();
        user
    }

    /// The pages of another process over the same records.
    pub fn another_process(&self) -> Router {
        let store = Arc::new(counted::Counted {
            inner: self.store.clone(),
            rows: self.rows.clone(),
            changed: self.changed.clone(),
            dies: Arc::default(),
            died: Arc::default(),
            turns: Arc::default(),
        });
        loa_web::router(Deps {
            store,
            blobs: self.blobs.clone(),
            review: self.review.clone(),
            desk: self.desk.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            assets: assets(),
            capabilities: self.capabilities.clone(),
            frames: BTreeMap::new(),
            progress: self.progress.subscribe(),
            cards: self.cards.clone(),
            clips: self.clips.clone(),
            kits: self.kits.clone(),
            paper: Arc::new(paper::Typed),
            ingest: ingest(),
            connections: self.vault.clone(),
            setup: Setup { code: None, brands: vec!["demo".into()] },
            config: Config { public_url: "https://loa.example".into(), ..Config::default() },
        })
        .unwrap()
    }

    /// The whole newsroom.
    pub async fn new() -> Self {
        Self::with(Pictures::smallest(), true).await
    }

    /// An installation in which nobody is yet.
    pub async fn unfounded() -> Self {
        Self::stocked("https://loa.example", Pictures::smallest(), false, false, None).await
    }

    /// With these pictures; without articles when not `full`.
    pub async fn with(pictures: Pictures, full: bool) -> Self {
        Self::stocked("https://loa.example", pictures, full, true, None).await
    }

    /// The same as the outside sees it at this address.
    pub async fn at(address: &str, pictures: Pictures, full: bool) -> Self {
        Self::stocked(address, pictures, full, true, None).await
    }

    /// The pages answer from another store; the newsroom's own records are not in it.
    pub async fn over(other: Arc<dyn Store>) -> Self {
        Self::stocked("https://loa.example", Pictures::smallest(), true, true, Some(other)).await
    }

    async fn stocked(
        address: &str,
        pictures: Pictures,
        full: bool,
        peopled: bool,
        other: Option<Arc<dyn Store>>,
    ) -> Self {
        let clock = Arc::new(Hand(Mutex::new("2026-11-16T09:30:00Z".parse().unwrap())));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let ids = Ids::new(clock.clone(), Arc::new(Counter::default()));
        let folder = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Blobs::open(folder.path()).unwrap());
        // What is too small to be a picture is told in words.
        let look = |bytes: &Vec<u8>| Some(bytes.clone()).filter(|bytes| bytes.len() > 100);
        let looks = (look(&pictures.card), look(&pictures.poster));
        let kept = Kept {
            card: blobs.put(pictures.card.into()).await.unwrap(),
            poster: blobs.put(pictures.poster.into()).await.unwrap(),
            photo: blobs.put(pictures.photo.into()).await.unwrap(),
            clip: blobs.put(pictures.clip.into()).await.unwrap(),
            captions: blobs.put(records::CAPTIONS.into()).await.unwrap(),
        };
        let mut capabilities = BTreeMap::new();
        let mut frames = BTreeMap::new();
        for channel in CHANNELS {
            let read = |file: &str| {
                fs::read_to_string(root().join("channels").join(channel).join(file)).unwrap()
            };
            let capability = toml::from_str(&read("capability.toml")).unwrap();
            capabilities.insert(channel.to_owned(), capability);
            frames.insert(channel.to_owned(), read("frame.html"));
        }
        let people = records::people(&store, &ids, peopled).await;
        let article = records::article(&ids, &kept);
        let posts = records::posts(&ids, &article, &people, &kept);
        let (progress, receiver) = watch::channel(ProgressMap::new());
        let job = ids.make();
        let mut fence = 0;
        if full {
            records::fill(&store, &ids, &article, &posts, &people, &kept).await;
            fence = records::work(&store, &ids, job).await;
            let half =
                Progress { step: "job.ingest".into(), done: 2, total: 4, eta_ms: Some(3000) };
            progress.send_modify(|map| {
                map.insert(job, half);
            });
        }
        let config = Config { public_url: address.into(), ..Config::default() };
        let shown = |(name, capability): (&String, &Capability)| {
            (name.clone(), Arc::new(shown::Shown(capability.clone())))
        };
        let rows = Arc::new(AtomicUsize::new(0));
        let changed = Arc::new(AtomicU64::new(0));
        let dies = Arc::new(Mutex::new(None));
        let gone = Arc::new(Mutex::new(false));
        let turns = counted::Turns::default();
        let counted = counted::Counted {
            inner: store.clone(),
            rows: rows.clone(),
            changed: changed.clone(),
            dies: dies.clone(),
            died: gone.clone(),
            turns: turns.clone(),
        };
        let under = other.clone().unwrap_or_else(|| store.clone());
        let pages: Arc<dyn Store> = other.unwrap_or_else(|| Arc::new(counted));
        let review = Review::new(under, clock.clone(), ids.clone(), "https://loa.example");
        let desk = Desk::new(
            pages.clone(),
            Arc::new(shown::All(capabilities.iter().map(shown).collect())),
            clock.clone(),
            Arc::new(Counter::default()),
            loa_delivery::Config::default(),
        );
        let cards = Arc::new(cards::Told(Mutex::default(), Mutex::default(), looks.0));
        let clips = Arc::new(clips::Rehearsal(Mutex::default(), looks.1));
        let vault = Arc::new(vault::Vault::default());
        let kits = Arc::new(kits::Office {
            store: store.clone(),
            blobs: blobs.clone(),
            drawn: Mutex::default(),
            picture: pictures.sample,
        });
        let router = loa_web::router(Deps {
            store: pages,
            blobs: blobs.clone(),
            review: review.clone(),
            desk: desk.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            assets: assets(),
            capabilities: capabilities.clone(),
            frames,
            progress: receiver,
            cards: cards.clone(),
            clips: clips.clone(),
            kits: kits.clone(),
            paper: Arc::new(paper::Typed),
            ingest: ingest(),
            connections: vault.clone(),
            setup: Setup {
                code: Some(Digest::of(SETUP_CODE.as_bytes())),
                brands: vec!["demo".into()],
            },
            config,
        })
        .unwrap();
        Self {
            router,
            store,
            rows,
            changed,
            dies,
            died: gone,
            turns,
            blobs,
            clock,
            ids,
            review,
            desk,
            cards,
            clips,
            vault,
            kits,
            capabilities,
            progress,
            people,
            kept,
            article,
            posts,
            job,
            fence,
            folder,
        }
    }
}
