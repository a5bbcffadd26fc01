//! One account on its platform, a store, a vault and a worker: a post is approved, time passes, and the platform is asked
//! what its audience saw.

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::ToSpan as _;
use loa_channel::Channel;
use loa_delivery::{Channels, Config, Deps, Desk, Pace, Secrets, VaultError, Worker, owner_name};
use loa_model::{
    Account, AccountName, Actor, Approval, ArticleId, BodyBlock, Clock as _, Delivery, DeliveryId,
    DeliveryState as State, Entropy, Media, MediaRole, Post, PostContent, PostFormat, PostId,
    PostState, Priority, Secret, UserId,
};
use loa_sandbox::{Advance as _, client::Count, traffic::SeenRequest};
use loa_store::{Changes, MemoryStore, Store as _, StoreExt as _};

use super::{Site, Which, in_house, start};

/// Rounds after which a delivery must have come to rest.
const ROUNDS: usize = 400;

/// Everything around one delivery.
pub struct Newsroom {
    pub site: Site,
    pub vault: Arc<Vault>,
    pub delivery: DeliveryId,
    pub content: PostContent,
    store: Arc<MemoryStore>,
    worker: Worker,
    deps: Deps,
}

/// Credentials of the one account, with marks and results of refreshes in order.
pub struct Vault {
    secret: Mutex<Secret>,
    pub log: Mutex<Vec<&'static str>>,
}

struct One {
    name: &'static str,
    channel: Arc<dyn Channel>,
}

/// Bytes that look random and are the same in every run.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Newsroom {
    /// An approved post of this format, due now.
    pub async fn open(which: Which, format: PostFormat) -> Self {
        let site = Site::open(which).await;
        let content = demo(&site, format);
        let store = Arc::new(MemoryStore::new(site.clock.clone()));
        let vault =
            Arc::new(Vault { secret: Mutex::new(young(&site.secret)), log: Mutex::default() });
        let deps = Deps {
            store: store.clone(),
            channels: Arc::new(One { name: site.name, channel: site.channel.clone() }),
            blobs: site.blobs.clone(),
            media: site.files.clone(),
            secrets: vault.clone(),
            clock: site.clock.clone(),
            entropy: Arc::new(Counting::default()),
            config: Config::default(),
            owner: owner_name("tram", 1),
        };
        let (post, delivery) = approved(&site.account, &content);
        let changes = Changes::by(Actor::Operator("test".to_owned()), "approve post")
            .insert(&site.account)
            .insert(&post)
            .insert(&delivery);
        store.commit(changes).await.unwrap();
        let worker = Worker::new(deps.clone());
        Self { delivery: delivery.id, site, vault, content, store, worker, deps }
    }

    /// A person who may decide about unclear posts.
    pub async fn approver(&self) -> UserId {
        let user = loa_model::User {
            id: UserId(uuid::Uuid::from_u128(13)),
            agency: self.site.account.agency.clone(),
            login: "minh".to_owned(),
            name: "Trần Đức Minh".to_owned(),
            roles: vec![loa_model::Role::Approver],
            also: Vec::new(),
            password_hash: String::new(),
            lang: "vi".to_owned(),
            deactivated_at: None,
            must_renew: false,
        };
        let actor = Actor::Operator("test".to_owned());
        let changes = Changes::by(actor, "set user").put(&user, loa_store::Expect::Any);
        self.store.commit(changes).await.unwrap();
        user.id
    }

    /// Rounds, the clock moved to each wake-up, until nothing waits or the delivery is where it was wanted.
    pub async fn until(&self, wanted: State) {
        for _ in 0..ROUNDS {
            let round = self.worker.tick().await.unwrap();
            if self.delivery().await.state == wanted {
                return;
            }
            let Some(wake) = round.wake else { return };
            self.files_are_fetched().await;
            self.pass(wake.duration_since(self.site.clock.now()));
        }
        panic!("no rest after {ROUNDS} rounds: {:?}", self.delivery().await);
    }

    /// A platform fetches files in real time: it gets that time before the clock moves.
    async fn files_are_fetched(&self) {
        let base = self.site.files.base();
        let named = self.committed().await.iter().fold(0, |sum, seen| {
            let texts = seen.fields.values();
            sum + texts.map(|text| text.matches(&base).count()).sum::<usize>()
        });
        for _ in 0..1_000 {
            if self.site.control.fetches(self.site.name).await.unwrap().len() >= named {
                return;
            }
        }
        panic!("a platform did not fetch all of {named} files");
    }

    /// One round, without moving the clock.
    pub async fn tick(&self) {
        self.worker.tick().await.unwrap();
    }

    pub fn pass(&self, by: jiff::SignedDuration) {
        let by = Duration::try_from(by).unwrap_or_default();
        self.site.clock.advance(by).unwrap();
    }

    pub async fn delivery(&self) -> Delivery {
        let id = self.delivery.to_string();
        self.store.read::<Delivery>(&id).await.unwrap().unwrap().record
    }

    pub async fn account(&self) -> Account {
        let name = self.site.account.name.as_str();
        self.store.read::<Account>(name).await.unwrap().unwrap().record
    }

    /// What the platform made of the post.
    pub async fn count(&self) -> Count {
        self.site.control.creates(self.site.name, &self.content.link.code).await.unwrap()
    }

    /// Requests that stored something, in order.
    pub async fn committed(&self) -> Vec<SeenRequest> {
        let all = self.site.control.requests(self.site.name).await.unwrap();
        all.into_iter().filter(|seen| seen.committed).collect()
    }

    /// What is kept of the pace of this key.
    pub async fn pace(&self, key: &str) -> Pace {
        let kept = self.store.read::<Pace>(key).await.unwrap();
        kept.unwrap_or_else(|| panic!("no pace of {key}")).record
    }

    pub fn desk(&self) -> Desk {
        let Deps { store, channels, clock, entropy, config, .. } = self.deps.clone();
        Desk::new(store, channels, clock, entropy, config)
    }
}

impl Vault {
    pub fn token(&self) -> String {
        let secret = self.secret.lock().unwrap();
        secret.get("access_token").unwrap_or_default().to_owned()
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn get(&self, _: &AccountName) -> Result<Option<Secret>, VaultError> {
        Ok(Some(self.secret.lock().unwrap().clone()))
    }
    async fn begin_refresh(&self, _: &AccountName) -> Result<(), VaultError> {
        self.log.lock().unwrap().push("begin");
        Ok(())
    }
    async fn finish_refresh(&self, _: &AccountName, new: Option<Secret>) -> Result<(), VaultError> {
        self.log.lock().unwrap().push(if new.is_some() { "kept" } else { "nothing" });
        if let Some(new) = new {
            *self.secret.lock().unwrap() = new;
        }
        Ok(())
    }
}

impl Channels for One {
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>> {
        (channel == self.name).then(|| self.channel.clone())
    }
}

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            *byte = n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()[5];
        }
    }
}

/// The credentials as they are kept right after an account was connected.
fn young(secret: &Secret) -> Secret {
    let now = start();
    secret.clone().merged(Secret::new([
        ("rotated_at".to_owned(), now.to_string()),
        ("expires_at".to_owned(), (now + 59.minutes()).to_string()),
    ]))
}

/// A post as the demo makes it: real photos, a real video, Vietnamese words and the short link.
fn demo(site: &Site, format: PostFormat) -> PostContent {
    let marker = site.marker();
    let mut content =
        loa_channel::fixture::sample_for(site.channel.capability(), format, &marker, &site.blobs);
    content.media = match format {
        PostFormat::Article => {
            content
                .body
                .push(BodyBlock::Picture { media: 1, caption: "Ảnh: Cầu qua suối".into() });
            vec![
                photo(site, MediaRole::Cover, "ruong-bac-thang"),
                photo(site, MediaRole::Photo, "cau-qua-suoi"),
            ]
        }
        PostFormat::ShortVideo => {
            let video = site.blobs.media(MediaRole::Video, "video/mp4", (1080, 1920), video());
            vec![Media { duration_ms: 5_000, ..video }]
        }
        PostFormat::Video => {
            let video = site.blobs.media(MediaRole::Video, "video/mp4", (1080, 1920), video());
            let small = photo(site, MediaRole::Thumbnail, "ruong-bac-thang");
            vec![Media { duration_ms: 5_000, ..video }, small]
        }
        _ => vec![photo(site, MediaRole::Photo, "diem-ho-tro")],
    };
    assert_eq!(site.channel.capability().check(&content), [], "a bad demo post");
    content
}

fn photo(site: &Site, role: MediaRole, name: &str) -> Media {
    let bytes = in_house(&format!("assets/demo/photos/{name}.jpg"));
    let pixels = image::load_from_memory(&bytes).map(|photo| (photo.width(), photo.height()));
    site.blobs.media(role, "image/jpeg", pixels.unwrap(), bytes)
}

/// Five seconds of an upright test picture with a tone, made by the command line of FFmpeg.
fn video() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clip.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=1080x1920:rate=10:duration=5"])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:duration=5", "-c:v", "libx264"])
        .args(["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"])
        .args(["-threads", "1", "-movflags", "+faststart"])
        .arg(&file)
        .output()
        .expect("ffmpeg is installed by `make setup`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(file).unwrap()
}

/// The post and its delivery, due now and for two days.
fn approved(account: &Account, content: &PostContent) -> (Post, Delivery) {
    let (id, now) = (uuid::Uuid::from_u128(1), start());
    let digest = content.digest(&account.name);
    let person = |n| UserId(uuid::Uuid::from_u128(n));
    let post = Post {
        id: PostId(id),
        agency: account.agency.clone(),
        article: ArticleId(id),
        revision: 1,
        account: account.name.clone(),
        content: content.clone(),
        state: PostState::Approved,
        scheduled_at: now,
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        timing: loa_model::Timing::Soon,
        priority: Priority::Normal,
        author: person(11),
        editors: Vec::new(),
        rewritten: Vec::new(),
        approval: Some(Approval {
            digest,
            by: person(12),
            at: now,
            not_before: now,
            not_after: now + 48.hours(),
        }),
        reason: String::new(),
        created_at: now,
    };
    let delivery = Delivery::planned(DeliveryId(id), &post, (now, now + 48.hours()), now);
    (post, delivery)
}
