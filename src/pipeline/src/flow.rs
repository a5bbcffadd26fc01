//! The whole flow of an article on one page: one function a job.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use loa_channel::{Channel, Cx, Notes, To};
use loa_delivery::{Channels, Secrets, finish_refresh, keep_usage, reads_from};
use loa_ingest::Ingest;
use loa_model::{
    Account, Actor, Agency, Article, ArticleId, Brief, Cancel, Digest, Ids, Job, JobKind, Post,
    PostId, Progress, Rendition, Secret, Variant, VariantId, VariantKind, VariantState,
    article::article_key,
    brand::SAMPLE,
    record::join,
    seams::{OpenGate, SharedClock},
    variant::VariantEvent,
};
use loa_reach::{Measurement, Meter};
use loa_review::{Review, Slot};
use loa_store::{Blobs, Changes, Claimed, Store, StoreExt, Versioned};

use crate::{
    BlobReader, Error, Result, VideoOnDisk,
    cinema::fills,
    composing::Asked,
    studio::{PhotoOnDisk, Recipe, Studio, Take},
};

/// Default posts of an article, by channel.
pub type Profiles = BTreeMap<String, Vec<Slot>>;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Its records and its end are one commit, already made.
    Committed,
    /// There was nothing to write.
    Nothing,
    /// Not now.
    Later(Timestamp),
}

/// What the stages are handed.
#[derive(Clone)]
pub struct Deps {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Bytes.
    pub blobs: Arc<Blobs>,
    /// Time.
    pub clock: SharedClock,
    /// Ids.
    pub ids: Ids,
    /// Reads sources.
    pub ingest: Ingest,
    /// Draws.
    pub studio: Studio,
    /// Composes.
    pub review: Review,
    /// Measures.
    pub meter: Arc<Meter>,
    /// Adapters.
    pub channels: Arc<dyn Channels>,
    /// Public addresses.
    pub media: Arc<dyn loa_channel::MediaUrls>,
    /// Credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Default posts.
    pub profiles: Profiles,
    /// Variants made of every article.
    pub variants: Vec<VariantKind>,
    /// Folder of intermediate files.
    pub work: PathBuf,
}

/// Runs jobs.
pub struct Flow {
    deps: Deps,
    refreshing: tokio::sync::Mutex<()>,
}

impl Flow {
    /// A flow over these hands.
    pub fn new(deps: Deps) -> Self {
        Self { deps, refreshing: tokio::sync::Mutex::new(()) }
    }

    /// What it works with.
    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// Does the work of a job.
    ///
    /// # Errors
    /// [`Error`]; nothing of the job is written then.
    pub async fn run(
        &self,
        job: &Claimed,
        cancel: &Cancel,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Done> {
        match &job.job.work {
            JobKind::Ingest { source, agency } => self.ingest(job, source, agency).await,
            JobKind::Brief { article, revision } => self.brief(job, *article, *revision).await,
            JobKind::Draw { variant } | JobKind::Render { variant } => {
                self.render(job, *variant, cancel, progress).await
            }
            JobKind::Compose { article, revision, accounts, author, when, text } => {
                let asked = Asked {
                    of: (*article, *revision),
                    accounts,
                    author: *author,
                    when: *when,
                    priority: job.job.priority,
                    text: text.as_deref(),
                };
                self.compose(job, &asked).await
            }
            JobKind::Prepare { source, agency, .. } => self.ingest(job, source, agency).await,
            JobKind::Watch { feed, look } => self.watch(job, *feed, *look).await,
            JobKind::Measure { post, .. } => self.measure(job, *post).await,
        }
    }

    /// Article → brief, and a variant of each kind waiting to be drawn.
    async fn brief(&self, job: &Claimed, id: ArticleId, revision: u32) -> Result<Done> {
        let deps = &self.deps;
        let article = self.article(id, revision).await?;
        if self.brief_of(&article).await.is_ok() {
            return Ok(Done::Nothing);
        }
        let brief = loa_brief::extract(&article, &deps.ids);
        if let Some(passage) = brief.unfaithful(&article).first() {
            return Err(loa_infographic::Error::Unfaithful(passage.text.clone()).into());
        }
        let recipe = self.recipe(&article.agency).await?;
        let mut changes = Changes::by(Self::actor(), "brief article").insert(&brief);
        let lists = loa_infographic::may_spread(&brief);
        let worth = |kind: &&VariantKind| {
            (lists || **kind != VariantKind::Carousel) && fills(**kind, &article, &brief)
        };
        for kind in deps.variants.iter().filter(worth) {
            let variant = Variant {
                id: deps.ids.make(),
                agency: article.agency.clone(),
                article: id,
                revision,
                kind: *kind,
                template: recipe.template.clone().unwrap_or_default(),
                brand: recipe.brand.clone(),
                kit: None,
                chosen: None,
                recipe: deps.studio.recipe(*kind, &article, &brief, &recipe),
                state: VariantState::Queued,
                renditions: Vec::new(),
                provenance: serde_json::Value::Null,
                reason: String::new(),
            };
            let (work, now) = (variant.work(), deps.clock.now());
            let render = Job::new(deps.ids.make(), &article.agency, work, now);
            let render = Job { priority: job.job.priority, ..render };
            changes = changes.insert(&variant).enqueue(render);
        }
        changes = deps.review.waking(changes, id).await?;
        deps.store.commit(changes.finish(job)).await?;
        Ok(Done::Committed)
    }

    /// Variant → files in the blob store. Drawing again is harmless: files go by their hash.
    async fn render(
        &self,
        job: &Claimed,
        id: VariantId,
        cancel: &Cancel,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Done> {
        let deps = &self.deps;
        let mut row = self.variant(id).await?;
        // A worker that died left it in `rendering`: the lease of the job says that it is ours now.
        let event = match row.record.state {
            VariantState::Queued => Some(VariantEvent::Start),
            VariantState::Rendering => None,
            VariantState::Rendered | VariantState::Failed | VariantState::Stale => {
                return Ok(Done::Nothing);
            }
        };
        if let Some(event) = event {
            row.record.state = row.record.state.next(event).unwrap_or(row.record.state);
            let changes =
                Changes::by(Self::actor(), "start rendering").update(&row.record, row.version);
            row.version = deps.store.commit(changes).await?;
        }
        let variant = row.record;
        let article = self.article(variant.article, variant.revision).await?;
        let mut brief = self.brief_of(&article).await?;
        let recipe = match &variant.chosen {
            Some(chosen) => {
                chosen.apply(&mut brief)?;
                Recipe::chosen(&chosen.choices, variant.brand.clone())
            }
            None => Recipe {
                template: Some(variant.template.clone()).filter(|name| !name.is_empty()),
                brand: variant.brand.clone(),
                ..Recipe::default()
            },
        };
        let folder = deps.work.join(id.to_string());
        let drawn = self.draw(&variant, &article, &brief, &recipe, &folder, cancel, progress).await;
        if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
            tracing::warn!(folder = %folder.display(), %error, "A work folder could not be removed");
        }
        let mut variant = variant;
        match drawn {
            Ok((renditions, provenance, kit)) => {
                variant.state = VariantState::Rendered;
                variant.kit = kit;
                variant.renditions = renditions;
                variant.provenance = provenance;
            }
            Err(error) if error.is_final() || job.attempt >= job.job.max_attempts => {
                tracing::error!(variant = %id, %error, "Variant {id} cannot be drawn");
                variant.state = VariantState::Failed;
                variant.reason = error.to_string();
            }
            Err(error) => return Err(error),
        }
        let what =
            if variant.state == VariantState::Failed { "fail variant" } else { "render variant" };
        let mut changes = Changes::by(Self::actor(), what).update(&variant, row.version);
        if let (VariantState::Rendered, Some(chosen)) = (variant.state, &variant.chosen) {
            // In the same commit: nobody sees a draft with the picture of before beside the one that was just drawn.
            (changes, _) = deps.review.follow(changes, &variant, chosen.by).await?;
        }
        changes = deps.review.waking(changes, variant.article).await?;
        deps.store.commit(changes.finish(job)).await?;
        Ok(Done::Committed)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one call site, apart from render only to clean up after it"
    )]
    async fn draw(
        &self,
        variant: &Variant,
        article: &Article,
        brief: &Brief,
        recipe: &Recipe,
        folder: &std::path::Path,
        cancel: &Cancel,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(Vec<Rendition>, serde_json::Value, Option<Digest>)> {
        let (work, out) = (folder.join("work"), folder.join("out"));
        for path in [&work, &out] {
            tokio::fs::create_dir_all(path).await.map_err(|error| Error::Disk {
                what: "the work folder cannot be made",
                why: error.to_string(),
            })?;
        }
        let photos = self.photos(article).await?;
        let videos = VideoOnDisk::all(article, &self.deps.blobs)?;
        let (store, blobs) = (&*self.deps.store, &*self.deps.blobs);
        let recipe = &recipe.clone().with_own(store, blobs, &article.agency).await?;
        let (photos, videos) = (&photos[..], &videos[..]);
        let take = Take { article, brief, photos, videos, recipe, work: &work, out: &out, cancel };
        let (made, provenance) = self.deps.studio.draw(variant.kind, take, progress).await?;
        let mut renditions = Vec::new();
        for file in made {
            let (blob, bytes) = self.deps.blobs.put_file(&file.path).await?;
            renditions.push(Rendition {
                name: file.name,
                blob,
                bytes,
                mime: file.mime,
                width: file.width,
                height: file.height,
                duration_ms: file.duration_ms,
                alt: file.alt,
            });
        }
        Ok((renditions, provenance, recipe.kit.as_ref().map(|kit| kit.own.digest)))
    }

    /// Live post → a sample, and the next measurement, in one commit.
    async fn measure(&self, job: &Claimed, id: PostId) -> Result<Done> {
        let deps = &self.deps;
        let post = deps.store.read::<Post>(&id.to_string()).await?;
        let Some(name) = post.map(|row| row.record.account) else {
            deps.meter.measure_post(job, None).await?;
            return Ok(Done::Committed);
        };
        let account = deps.store.read::<Account>(name.as_str()).await?.map(|row| row.record);
        let mut secret = deps.secrets.get(&name).await.ok().flatten();
        let channel = deps.channels.get(name.channel());
        if let (Some(channel), Some(account)) = (&channel, &account) {
            let rule = &channel.capability().pace;
            let from = reads_from(&*deps.store, account, rule, deps.clock.now()).await?;
            if let Some(until) = from {
                return Ok(Done::Later(until));
            }
        }
        let (blobs, notes) = (BlobReader(Arc::clone(&deps.blobs)), Notes::default());
        let cx = Cx {
            clock: &*deps.clock,
            blobs: &blobs,
            media: &*deps.media,
            gate: &OpenGate,
            ear: &notes,
        };
        if let (Some(channel), Some(account), Some(old)) = (&channel, &account, &secret)
            && channel.ages(To { account, secret: old }, deps.clock.now())
        {
            secret = self.renewed(&**channel, &cx, account).await.or(secret);
        }
        // Without an account, its secret or its channel only our own link clicks can be counted.
        let ask = match (&channel, &account, &secret) {
            (Some(channel), Some(account), Some(secret)) => {
                Some((&**channel, &cx, To { account, secret }))
            }
            _ => None,
        };
        if let Measurement::Later { reason } | Measurement::Skipped { reason } =
            deps.meter.measure_post(job, ask).await?
        {
            tracing::warn!(post = %id, reason, "Post {id} could not be measured");
        }
        if let (Some(channel), Some(account)) = (&channel, &account) {
            let (rule, now) = (&channel.capability().pace, deps.clock.now());
            let heard = notes.take();
            keep_usage(&*deps.store, &Self::actor(), account, rule, &heard, None, now).await?;
        }
        Ok(Done::Committed)
    }

    /// Newer credentials: an account that posts nothing for days is still measured. Two-phase, and not while somebody else
    /// refreshes. They are read under the mark, so that a single-use token which somebody else used meanwhile is not used again.
    pub(crate) async fn renewed(
        &self,
        channel: &dyn Channel,
        cx: &Cx<'_>,
        account: &Account,
    ) -> Option<Secret> {
        let _one = self.refreshing.lock().await;
        if self.deps.secrets.begin_refresh(&account.name).await.is_err() {
            return None;
        }
        let fresh = match self.deps.secrets.get(&account.name).await.ok().flatten() {
            Some(secret) => channel.refresh(cx, To { account, secret: &secret }).await,
            None => Ok(None),
        };
        let fresh = fresh.unwrap_or_else(|error| {
            tracing::warn!(account = %account.name, %error, "Credentials could not be renewed for measuring");
            None
        });
        let (secrets, clock) = (&*self.deps.secrets, &*self.deps.clock);
        if let Err(error) = finish_refresh(secrets, &account.name, fresh, clock, &|| true).await {
            tracing::error!(account = %account.name, %error, "Renewed credentials could not be kept");
            return None;
        }
        self.deps.secrets.get(&account.name).await.ok().flatten()
    }

    pub(crate) fn actor() -> Actor {
        Actor::Worker("pipeline".to_owned())
    }

    async fn recipe(&self, agency: &str) -> Result<Recipe> {
        let row = self.deps.store.read::<Agency>(agency).await?;
        let brand = match row {
            Some(row) => row.record.brand,
            None if agency == SAMPLE => SAMPLE.to_owned(),
            // Drawn in any kit but its own, it would speak in another agency's name.
            None => return Err(Error::Missing { what: "agency", id: agency.to_owned() }),
        };
        let recipe = Recipe { brand, ..Recipe::default() };
        recipe.with_own(&*self.deps.store, &self.deps.blobs, agency).await
    }

    pub(crate) async fn article(&self, id: ArticleId, revision: u32) -> Result<Article> {
        let key = article_key(id, revision);
        let row = self.deps.store.read::<Article>(&key).await?;
        Ok(row.ok_or(Error::Missing { what: "article", id: key })?.record)
    }

    async fn variant(&self, id: VariantId) -> Result<Versioned<Variant>> {
        let row = self.deps.store.read::<Variant>(&id.to_string()).await?;
        row.ok_or_else(|| Error::Missing { what: "variant", id: id.to_string() })
    }

    pub(crate) async fn brief_of(&self, article: &Article) -> Result<Brief> {
        let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision)]);
        let rows = self.deps.store.list_last::<Brief>("brief_by_article", &key, 1).await?;
        let row = rows.into_iter().next();
        Ok(row
            .ok_or_else(|| Error::Missing {
                what: "brief",
                id: article_key(article.id, article.revision),
            })?
            .record)
    }

    async fn photos(&self, article: &Article) -> Result<Vec<PhotoOnDisk>> {
        let mut photos = Vec::new();
        for (index, photo) in article.photos.iter().enumerate() {
            let Some(hash) = photo.blob else { continue };
            let bytes = self.deps.blobs.get(hash).await?;
            let path = self.deps.blobs.path(hash).ok_or_else(|| Error::Photo {
                index: index + 1,
                why: "its blob does not lie on this machine".to_owned(),
            })?;
            photos.push(PhotoOnDisk { index, path, bytes });
        }
        Ok(photos)
    }
}
