//! What comes in: a source becomes an article, and what is wanted of it is queued with it.

use loa_ingest::Source;
use loa_model::{
    Article, Handed, Job, JobKind, Priority, article::article_key, feed::ArticleAddress,
    record::join,
};
use loa_store::{Changes, Claimed, StoreExt as _};

use crate::{
    Result,
    flow::{Done, Flow},
    footage,
};

impl Flow {
    /// Reads a source; the job of [`JobKind::Prepare`] then queues the composing of its posts, in the same commit.
    pub(crate) async fn ingest(&self, job: &Claimed, source: &str, agency: &str) -> Result<Done> {
        let (article, written) = self.take_in(source, agency, job.job.priority, Some(job)).await?;
        if !written && let Some(next) = self.compose_job(&article, job) {
            let changes = Changes::by(Self::actor(), "queue composing").enqueue(next);
            self.deps().store.commit(changes.finish(job)).await?;
            return Ok(Done::Committed);
        }
        Ok(if written { Done::Committed } else { Done::Nothing })
    }

    /// What a person pointed at: an address, a path, or a file that was handed in.
    async fn source(&self, text: &str) -> Result<Source> {
        let Some(Handed { blob, name, page }) = Handed::parse(text) else {
            return Ok(Source::parse(text));
        };
        let bytes = self.deps().blobs.get(blob).await?;
        let page = page.and_then(|page| url::Url::parse(&page).ok());
        Ok(Source::Bytes { name, bytes, page })
    }

    /// Source → article with its photos, and whether anything was written. The same words again change nothing; other words
    /// are a new revision. What it queues is as urgent as this.
    ///
    /// # Errors
    /// [`crate::Error::Ingest`] when the source cannot be read; nothing is stored then.
    pub async fn take_in(
        &self,
        source: &str,
        agency: &str,
        priority: Priority,
        job: Option<&Claimed>,
    ) -> Result<(Article, bool)> {
        let deps = self.deps();
        let mut draft = deps.ingest.read(&self.source(source).await?, None).await?;
        let photos = deps.ingest.fetch_photos(&mut draft).await?;
        let mut kept = Vec::new();
        for photo in photos {
            kept.push((photo.index, deps.blobs.put(photo.bytes).await?, photo.mime.to_owned()));
        }
        let prefix = join(&[agency, &draft.source.canonical_url, ""]);
        let known = deps.store.list_last::<Article>("article_by_url", &prefix, 1).await?;
        let known = match known.into_iter().next() {
            Some(row) => Some(self.newest(row.record).await?),
            None => None,
        };
        if let Some(old) = &known
            && old.source.canonical_url != draft.source.canonical_url
        {
            // A file that is read again does not know the address that a person gave its article since.
            draft.source.canonical_url.clone_from(&old.source.canonical_url);
            draft.warnings.retain(|warning| warning.code != "no_canonical_url");
        }
        let videos = footage::bring(deps, &mut draft, known.as_ref()).await?;
        draft.keep_videos(&videos);
        for warning in &draft.warnings {
            tracing::warn!(
                source,
                code = warning.code,
                detail = warning.detail,
                "Doubt about the article at {source}"
            );
        }
        let (id, revision) =
            known.as_ref().map_or_else(|| (deps.ids.make(), 1), |old| (old.id, old.revision + 1));
        let article = draft.article(id, agency, revision, Some(&kept), deps.clock.now());
        if let Some(old) = known.filter(|old| old.digest == article.digest) {
            // A process that died between a revision and its brief left the brief undone: queue it again.
            if self.brief_of(&old).await.is_ok() {
                return Ok((old, false));
            }
            let next = self.brief_job(&old, priority);
            let changes = Changes::by(Self::actor(), "queue a brief").enqueue(next);
            deps.store.commit(self.finished(changes, &old, job)).await?;
            return Ok((old, true));
        }
        let next = self.brief_job(&article, priority);
        if revision > 1 {
            let effects = deps.review.article_changed(Self::actor(), &article).await?;
            tracing::info!(article = %id, revision, ?effects, "Article {id} has a new revision {revision}");
            let changes = Changes::by(Self::actor(), "queue a brief").enqueue(next);
            deps.store.commit(self.finished(changes, &article, job)).await?;
        } else {
            // Two readings of one page at once would make two articles of it: the second conflicts, runs again and finds it.
            let address = ArticleAddress {
                agency: agency.to_owned(),
                url: article.source.canonical_url.clone(),
                article: id,
            };
            let changes = Changes::by(Self::actor(), "ingest article").insert(&article);
            let changes = changes.insert(&address).enqueue(next);
            deps.store.commit(self.finished(changes, &article, job)).await?;
            tracing::info!(article = %id, "Read the article {id}: {}", article.title());
        }
        Ok((article, true))
    }

    /// The last revision of an article, from one of them on.
    async fn newest(&self, mut article: Article) -> Result<Article> {
        loop {
            let next = article_key(article.id, article.revision + 1);
            let Some(row) = self.deps().store.read::<Article>(&next).await? else {
                return Ok(article);
            };
            article = row.record;
        }
    }

    fn brief_job(&self, article: &Article, priority: Priority) -> Job {
        let work = JobKind::Brief { article: article.id, revision: article.revision };
        let now = self.deps().clock.now();
        Job { priority, ..Job::new(self.deps().ids.make(), &article.agency, work, now) }
    }

    /// The composing that a job wants of its article, as soon as that is drawn.
    fn compose_job(&self, article: &Article, job: &Claimed) -> Option<Job> {
        let JobKind::Prepare { accounts, author, when, text, .. } = &job.job.work else {
            return None;
        };
        let work = JobKind::Compose {
            article: article.id,
            revision: article.revision,
            accounts: accounts.clone(),
            author: *author,
            when: *when,
            text: text.clone(),
        };
        let (ids, now) = (&self.deps().ids, self.deps().clock.now());
        let next = Job::new(ids.make(), &article.agency, work, now);
        Some(Job { priority: job.job.priority, ..next })
    }

    /// The end of the job that these changes are the work of, with what it queues.
    fn finished(&self, changes: Changes, article: &Article, job: Option<&Claimed>) -> Changes {
        let Some(job) = job else { return changes };
        let next = self.compose_job(article, job);
        next.into_iter().fold(changes.finish(job), Changes::enqueue)
    }
}
