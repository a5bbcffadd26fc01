//! The house put together: store, vault, blobs, stages, workers and pages of one data folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use jiff::Timestamp;
use loa_canvas::{Engine, is_font};
use loa_clip::{
    Runner,
    voice::{Booth, Manners, Provider},
};
use loa_delivery::{Desk, Watchdog, Worker as Postman, owner_name};
use loa_ingest::Ingest;
use loa_model::{
    Account, Actor, Agency, Entropy, Ids, Installation, OwnBrand, Plan, Timetable, User,
    brand::is_open_to, seams::SharedClock, template::OWN,
};
use loa_net::{Client, Limits, Policy};
use loa_pipeline::{
    BlobReader, Cinema, Files, Flow, Press, ProgressBoard, PublicUrls, Sources, Studio,
    VaultSecrets, Worker,
};
use loa_reach::Meter;
use loa_review::Review;
use loa_sandbox::VirtualClock;
use loa_store::{Blobs, Changes, Expect, SledStore, Store, StoreExt, Vault};
use loa_web::Setup;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    channels::{self, Built},
    connections::Wires,
    preview::{Easel, SMALL_AT_ONCE},
    settings::{self, Settings},
    world::{self, OsEntropy, WallClock},
};

/// Everything of one data folder, opened by the one process that owns it.
pub(crate) struct House {
    pub(crate) settings: Settings,
    pub(crate) clock: SharedClock,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) ids: Ids,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sled: Arc<SledStore>,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) channels: Arc<Built>,
    pub(crate) review: Review,
    pub(crate) desk: Desk,
    pub(crate) board: Arc<ProgressBoard>,
    pub(crate) flow: Arc<Flow>,
    /// Code of the first set-up, told at the terminal while nobody is there.
    pub(crate) code: Option<String>,
    opens: Setup,
    studio: Studio,
    postman: Arc<Postman>,
    place: String,
}

/// What runs, and how to stop it.
pub(crate) struct Running {
    pub(crate) url: String,
    stop: watch::Sender<bool>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// The clock of these settings: the machine's, or a virtual one shared through a file.
pub(crate) fn clock(settings: &Settings) -> anyhow::Result<SharedClock> {
    if settings.virtual_clock.as_os_str().is_empty() {
        return Ok(Arc::new(WallClock));
    }
    let clock = VirtualClock::open(&settings.virtual_clock, Arc::new(WallClock))?;
    Ok(clock)
}

/// The drawing engine with embedded assets and the machine's optional fonts.
pub(crate) fn engine(settings: &Settings) -> anyhow::Result<Engine> {
    engine_with(&settings.assets, &settings.fonts, &Files::new())
}

/// The same with templates that nobody reviewed: only a child under limits asks for it.
pub(crate) fn engine_with(assets: &Path, fonts: &[PathBuf], own: &Files) -> anyhow::Result<Engine> {
    let overlay = Some(assets).filter(|path| !path.as_os_str().is_empty());
    let all = world::assets(overlay)?;
    let mut assets = loa_canvas::Assets::default();
    assets.fonts.extend(
        world::under(&all, "vendor/fonts")
            .filter(|(name, _)| is_font(name))
            .map(|(_, b)| b.clone()),
    );
    let folders = fonts.iter().map(PathBuf::as_path);
    assets.machine_fonts = loa_canvas::Assets::machine_fonts(folders);
    let owned = |folder: &str| {
        world::under(&all, folder).map(|(name, bytes)| (name.to_owned(), bytes.clone())).collect()
    };
    assets.templates = owned("templates");
    // In a folder of their own: they stand beside the reviewed ones and in the place of none.
    let beside = own.iter().filter(|(name, _)| name.starts_with(OWN));
    assets.templates.extend(beside.map(|(name, text)| (name.clone(), text.clone().into())));
    assets.brands = owned("brands");
    Engine::new(&assets).context("the templates or brand kits cannot be used")
}

/// What draws. The embedded assets are those that the tests drew with; what was laid over them is looked at here, so that an
/// error in it ends the start and not every job.
pub(crate) async fn studio(settings: &Settings, clips: &Path) -> anyhow::Result<Studio> {
    let own = settings.clone();
    let make = move || engine(&own).map_err(|error| format!("{error:#}"));
    if settings.assets.as_os_str().is_empty() {
        return Ok(
            Studio::new(Box::new(make), cinema(settings, clips)?).with_press(press(settings)?)
        );
    }
    // Who lays templates over the embedded ones is working on them: the next picture shows what they wrote.
    let folder = settings.assets.clone();
    let stamp = move || world::stamp(&folder);
    let studio = Studio::following(Box::new(make), cinema(settings, clips)?, Box::new(stamp))
        .with_press(press(settings)?);
    studio.prepare().await?;
    Ok(studio)
}

/// Pages, words and fixed files for the web.
fn web_assets(settings: &Settings) -> anyhow::Result<loa_web::Assets> {
    let overlay = Some(settings.assets.as_path()).filter(|path| !path.as_os_str().is_empty());
    let all = world::assets(overlay)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let templates = world::under(&all, "web")
        .filter(|(name, _)| name.starts_with("pages/"))
        .map(|(n, b)| (n.to_owned(), text(b)));
    let mut locales = Vec::new();
    for lang in ["vi", "en"] {
        for (folder, file) in [("locales", format!("{lang}.toml")), ("web", format!("{lang}.toml"))]
        {
            locales.extend(
                world::under(&all, folder)
                    .filter(|(name, _)| *name == file)
                    .map(|(_, b)| (lang.to_owned(), text(b))),
            );
        }
    }
    let mut files: BTreeMap<String, bytes::Bytes> = BTreeMap::new();
    let served = |name: &str| [".css", ".js", ".svg"].iter().any(|end| name.ends_with(end));
    let fixed = world::under(&all, "web").filter(|(name, _)| served(name));
    files.extend(fixed.map(|(name, bytes)| (name.to_owned(), bytes.clone())));
    files.extend(world::under(&all, "vendor/web").map(|(n, b)| (n.to_owned(), b.clone())));
    Ok(loa_web::Assets::new(templates, locales, files)?)
}

/// Photo of the samples of templates, below `assets`.
const PHOTO: &str = "demo/photos";

/// A photo for the samples of templates that have one: the first one of the demo.
pub(crate) fn sample_photo(settings: &Settings) -> anyhow::Result<Option<bytes::Bytes>> {
    let overlay = Some(settings.assets.as_path()).filter(|path| !path.as_os_str().is_empty());
    let all = world::assets(overlay)?;
    Ok(world::under(&all, PHOTO).next().map(|(_, bytes)| bytes.clone()))
}

/// A client for addresses that people gave.
pub(crate) fn guarded(settings: &Settings) -> anyhow::Result<Client> {
    let limits = Limits { max_body: 24 * 1024 * 1024, ..Limits::default() };
    let policy = Policy { allow_loopback: settings.allow_loopback, ..Policy::default() };
    Ok(Client::guarded(limits, policy)?)
}

/// The role that encodes clips.
const MEDIA: &str = "media-worker";
/// The role that draws templates which nobody reviewed.
const CARDS: &str = "card-worker";

/// How children are started: this binary again, in one of its roles.
fn runner(role: &str) -> anyhow::Result<Runner> {
    let exe = world::own_path().context("the path of the running binary is not known")?;
    Ok(Runner { exe, args: vec![role.into()] })
}

/// Most bytes of each kind that is kept for clips to come.
const KEPT: u64 = 4 << 30;

/// Removes what was kept for longest of what clips are made of, before any is made.
fn forget_old(clips: &Path) -> anyhow::Result<()> {
    for folder in [clips.join(STRETCHES), clips.join(SPOKEN)] {
        if folder.is_dir() {
            loa_clip::prune(&folder, KEPT)?;
        }
    }
    Ok(())
}

/// Folders of finished stretches and of spoken lines.
const STRETCHES: &str = "stretches";
const SPOKEN: &str = "voice";

/// What clips are made with, and where what is finished is kept.
fn cinema(settings: &Settings, clips: &Path) -> anyhow::Result<Cinema> {
    let policy = Policy { allow_loopback: settings.allow_loopback, ..Policy::default() };
    let booth = |(name, provider): (&String, &Provider)| {
        let booth = Booth::new(provider.clone(), &clips.join(SPOKEN), &policy, Manners::default());
        let booth = booth.with_context(|| format!("the voice {name} cannot be used"))?;
        anyhow::Ok((name.clone(), Arc::new(booth)))
    };
    let voices = settings.voices.iter().map(booth).collect::<anyhow::Result<_>>()?;
    let presets = channels::presets(&channels::build(&settings.channels)?.capabilities());
    let cinema = Cinema::new(runner(MEDIA)?).with_cache(clips.join(STRETCHES));
    Ok(cinema.with_voices(voices, settings.voice.clone()).with_presets(presets))
}

fn press(settings: &Settings) -> anyhow::Result<Press> {
    let sources = Sources { assets: settings.assets.clone(), fonts: settings.fonts.clone() };
    Ok(Press::new(runner(CARDS)?, sources, absolute(&settings.data.join("work"))?))
}

impl House {
    /// Opens the data folder. Fails when another process has it.
    pub(crate) async fn open(settings: Settings) -> anyhow::Result<Self> {
        let clock = clock(&settings)?;
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let ids = Ids::new(clock.clone(), Arc::clone(&entropy));
        let data = settings.data.clone();
        std::fs::create_dir_all(&data)
            .with_context(|| format!("cannot make the data folder {}", data.display()))?;
        let options = loa_store::Options {
            boot_id: world::boot_id(),
            abort_after_seq: settings::abort_after_seq()?,
            ..loa_store::Options::default()
        };
        let (folder, store_clock) = (data.clone(), clock.clone());
        let sled =
            tokio::task::spawn_blocking(move || SledStore::open(&folder, store_clock, options))
                .await??;
        let sled = Arc::new(sled);
        let store: Arc<dyn Store> = sled.clone();
        let blobs = Arc::new(Blobs::open(&data.join("blobs"))?);
        let key = settings::vault_key()?;
        let vault =
            Vault::open(&data.join("keys"), Arc::clone(&store), Arc::clone(&entropy), key).await?;
        let vault = Arc::new(vault);
        let channels = Arc::new(channels::build(&settings.channels)?);
        let base = settings.web.public_url.trim_end_matches('/').to_owned();
        let review = Review::new(Arc::clone(&store), clock.clone(), ids.clone(), base.clone());
        review.index_times().await?;
        let public: url::Url =
            base.parse().with_context(|| format!("web.public_url {base:?} is not an address"))?;
        let media = Arc::new(PublicUrls {
            store: Arc::clone(&store),
            clock: clock.clone(),
            ids: ids.clone(),
            base,
            client: Client::trusted(public, Limits::default())?,
        });
        let secrets = Arc::new(VaultSecrets::new(Arc::clone(&vault)));
        let clips = absolute(&data.join("work").join("clips"))?;
        forget_old(&clips)?;
        let studio = studio(&settings, &clips).await?;
        let meter = Meter::new(
            Arc::clone(&store),
            clock.clone(),
            Arc::clone(&entropy),
            settings.reach.clone(),
        );
        let work = data.join("work");
        let flow = Flow::new(loa_pipeline::Deps {
            store: Arc::clone(&store),
            blobs: Arc::clone(&blobs),
            clock: clock.clone(),
            ids: ids.clone(),
            ingest: Ingest::new(guarded(&settings)?).with(settings.ingest.clone()),
            studio: studio.clone(),
            review: review.clone(),
            meter: Arc::new(meter),
            channels: channels.clone(),
            media: media.clone(),
            secrets: secrets.clone(),
            profiles: settings.profiles.clone(),
            variants: settings.pipeline.variants.clone(),
            work: absolute(&work)?,
        });
        let place = format!("{}@{}", world::host_name(), absolute(&data)?.display());
        let instance = next_instance(&*store, &place).await?;
        let postman = Postman::new(loa_delivery::Deps {
            store: Arc::clone(&store),
            channels: channels.clone(),
            blobs: Arc::new(BlobReader(Arc::clone(&blobs))),
            media,
            secrets,
            clock: clock.clone(),
            entropy: Arc::clone(&entropy),
            config: settings.delivery.clone(),
            owner: owner_name(&place, instance),
        });
        let desk = Desk::new(
            Arc::clone(&store),
            channels.clone(),
            clock.clone(),
            Arc::clone(&entropy),
            settings.delivery.clone(),
        );
        let (code, opens) = first_setup(&*store, &ids, &settings).await?;
        let house = Self {
            code,
            opens,
            clock,
            entropy,
            ids,
            store,
            sled,
            blobs,
            vault,
            channels,
            review,
            desk,
            board: Arc::new(watch::Sender::new(BTreeMap::new())),
            flow: Arc::new(flow),
            studio,
            postman: Arc::new(postman),
            place: format!("{place}#{instance}"),
            settings,
        };
        house.seed().await?;
        Ok(house)
    }

    /// Agencies and accounts of the settings. An agency that is there already stays as people made it; of an account the file
    /// says everything but whether it may post.
    async fn seed(&self) -> anyhow::Result<()> {
        let actor = || Actor::Operator("settings".to_owned());
        for agency in &self.settings.agencies {
            if self.store.read::<Agency>(&agency.name).await?.is_none() {
                let mut agency = agency.clone();
                let mut changes = Changes::by(actor(), "set agency");
                if agency.brand.is_empty() || !is_open_to(&agency.brand, &agency.name) {
                    let plain =
                        OwnBrand::plain(&agency.name, &agency.title, actor(), self.clock.now())?;
                    agency.brand = plain.id();
                    changes = changes.insert(&plain);
                }
                self.store.commit(changes.insert(&agency)).await?;
            }
        }
        let kept = self.store.read::<Installation>(Installation::KEY).await?;
        if let (None, Some(first)) = (kept, self.settings.agencies.first()) {
            let kept_by = first.name.clone();
            let changes = Changes::by(actor(), "say who keeps the installation");
            self.store.commit(changes.insert(&Installation { kept_by })).await?;
        }
        for setting in &self.settings.accounts {
            let kept = self.store.read::<Account>(setting.name.as_str()).await?;
            let mut account = setting.account();
            if let Some(kept) = &kept {
                account.status = kept.record.status.clone();
            }
            if kept.as_ref().map(|row| &row.record) != Some(&account) {
                self.store
                    .commit(Changes::by(actor(), "set account").put(&account, Expect::Any))
                    .await?;
            }
            let kept = self.store.read::<Timetable>(setting.name.as_str()).await?;
            // Taken out of the settings, a timetable is empty: nothing else sets one.
            let plan = setting.timetable.clone().or(kept.as_ref().map(|_| Plan::default()));
            if let Some(plan) = plan {
                let timetable = Timetable { account: setting.name.clone(), plan };
                if kept.is_none_or(|row| row.record != timetable) {
                    let changes = Changes::by(actor(), "set timetable");
                    self.store.commit(changes.put(&timetable, Expect::Any)).await?;
                }
            }
            // The file is read once: afterwards the vault knows newer tokens than the file.
            if self.vault.get(&setting.name).await.is_err()
                && let Some(secret) = setting.secret()?
            {
                self.vault.put(&setting.name, secret, actor()).await?;
            }
        }
        Ok(())
    }

    /// Starts what is asked for: pages, the socket of the machine, the worker of the queue and the one that posts.
    pub(crate) fn start(
        self: &Arc<Self>,
        listener: Option<TcpListener>,
        work: bool,
    ) -> anyhow::Result<Running> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut url = String::new();
        if let Some(listener) = listener {
            url = format!("http://{}", listener.local_addr()?);
            let easel = Arc::new(self.easel()?);
            let router = loa_web::router(loa_web::Deps {
                store: Arc::clone(&self.store),
                blobs: Arc::clone(&self.blobs),
                review: self.review.clone(),
                desk: self.desk.clone(),
                clock: self.clock.clone(),
                ids: self.ids.clone(),
                assets: web_assets(&self.settings)?,
                capabilities: self.channels.capabilities(),
                frames: channels::frames(),
                progress: self.board.subscribe(),
                cards: easel.clone(),
                clips: easel.clone(),
                kits: easel,
                paper: Arc::new(crate::report::Press {
                    settings: self.settings.clone(),
                    store: Arc::clone(&self.store),
                    blobs: Arc::clone(&self.blobs),
                }),
                ingest: self.flow.deps().ingest.clone(),
                connections: Arc::new(Wires {
                    vault: Arc::clone(&self.vault),
                    flow: Arc::clone(&self.flow),
                }),
                setup: self.opens.clone(),
                config: self.settings.web.clone(),
            })?;
            let wait = until(stopped.clone());
            tasks.spawn(async move { Ok(loa_web::serve(listener, router, wait).await?) });
        }
        if work {
            let worker = Worker::new(
                Arc::clone(&self.flow),
                Arc::clone(&self.board),
                self.settings.pipeline.clone(),
                self.place.clone(),
            );
            let stopped_worker = stopped.clone();
            tasks.spawn(async move {
                worker.run(stopped_worker).await;
                Ok(())
            });
            let (postman, stopped_postman) = (Arc::clone(&self.postman), stopped.clone());
            tasks.spawn(async move { Ok(postman.run(stopped_postman).await?) });
        }
        // Beside the workers, not in them: it tells when they are gone.
        let (watchdog, stopped_watchdog) = (Watchdog::new(self.desk.clone()), stopped.clone());
        tasks.spawn(async move {
            watchdog.run(stopped_watchdog).await;
            Ok(())
        });
        let socket = self.socket();
        let local = Arc::new(crate::local::Owner(Arc::clone(self)));
        let wait = until(stopped);
        tasks.spawn(async move { Ok(loa_web::serve_local(&socket, local, wait).await?) });
        Ok(Running { url, stop, tasks })
    }

    /// What draws and keeps for people.
    pub(crate) fn easel(&self) -> anyhow::Result<Easel> {
        Ok(Easel {
            studio: self.studio.clone(),
            blobs: Arc::clone(&self.blobs),
            store: Arc::clone(&self.store),
            photo: sample_photo(&self.settings)?,
            small: Semaphore::new(SMALL_AT_ONCE),
        })
    }

    fn socket(&self) -> PathBuf {
        self.settings.data.join("loa.sock")
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Running {
    /// Asks everything to stop and waits for it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(())
    }
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the process: an error is the same as a stop.
    if stopped.wait_for(|stop| *stop).await.is_err() {
        tracing::debug!("The stop signal went away");
    }
}

/// A code for the first set-up while nobody is there, and what the pages keep of it.
async fn first_setup(
    store: &dyn Store,
    ids: &Ids,
    settings: &Settings,
) -> anyhow::Result<(Option<String>, Setup)> {
    if !store.all::<User>(1).await?.is_empty() {
        return Ok((None, Setup::default()));
    }
    let (code, digest) = Setup::code(ids);
    let overlay = Some(settings.assets.as_path()).filter(|path| !path.as_os_str().is_empty());
    let all = world::assets(overlay)?;
    let kit =
        |(name, _): (&str, &bytes::Bytes)| name.strip_suffix("/brand.toml").map(str::to_owned);
    let brands = world::under(&all, "brands").filter_map(kit).collect();
    Ok((Some(code), Setup { code: Some(digest), brands }))
}

/// Number of this start of the worker at this place, raised durably at each.
async fn next_instance(store: &dyn Store, place: &str) -> anyhow::Result<u64> {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Start {
        place: String,
        number: u64,
    }
    impl loa_model::Record for Start {
        const TABLE: &'static str = "start";
        fn key(&self) -> String {
            self.place.clone()
        }
    }
    let kept = store.read::<Start>(place).await?;
    let number = kept.map_or(0, |row| row.record.number) + 1;
    let start = Start { place: place.to_owned(), number };
    store
        .commit(
            Changes::by(Actor::Operator("start".to_owned()), "start worker")
                .put(&start, Expect::Any),
        )
        .await?;
    Ok(number)
}

pub(crate) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} cannot be made absolute", path.display()))
}
