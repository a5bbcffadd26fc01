//! Articles are made later: a token at once, media fetched behind it, the id when all is well.

use std::sync::Arc;

use jiff::Timestamp;
use loa_sandbox::{Create, PostMedia};
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Reply},
    article::{Content, text},
    error::OaError,
    record::{Article, Job, PROCESSING, TOKEN_LIFE, Video},
};

/// Largest picture, bytes.
const PICTURE: u64 = 1_048_576;
const NO_MEDIA: &str = "Upload media failed";

impl App {
    /// `POST /v2.0/article/create`.
    pub(crate) fn create(self: &Arc<Self>, oa: &str, payload: &Value) -> Answer {
        let content = Content::parse(payload)?;
        let now = self.ground.clock.now();
        let token = self.ground.book.change(|leaf| {
            let made = leaf
                .creates()
                .iter()
                .filter(|create| create.account == oa && same_month(create.at, now))
                .count();
            if made >= usize::try_from(self.limits.articles_a_month).unwrap_or(usize::MAX) {
                return Err(OaError::new(-223, "Your OA has reach the limit quota create article"));
            }
            let number = leaf.next("article");
            let id = format!(
                "{:015x}{number:05x}",
                self.ground.growth.mix(&number.to_string(), "article") >> 4
            );
            let text = payload.to_string();
            leaf.count_create(&Create { at: now, post: id.clone(), account: oa.to_owned(), text });
            let token = self.opaque(leaf, "job");
            leaf.put("open_job", &token, &new_job(oa, id, false, content, now));
            Ok(token)
        })?;
        self.fetch_for(token.clone());
        Ok(Reply::stored(json!({ "token": token })))
    }

    /// `POST /v2.0/article/update`: everything again, and the id.
    pub(crate) fn update(self: &Arc<Self>, oa: &str, payload: &Value) -> Answer {
        let content = Content::parse(payload)?;
        let now = self.ground.clock.now();
        let id = text(payload, "id");
        let token = self.ground.book.change(|leaf| {
            let known = leaf.get::<Article>("article", &id);
            let known = known.filter(|article| article.oa == oa && !article.removed);
            if known.is_none_or(|article| article.content.kind != content.kind) {
                return Err(OaError::invalid("id"));
            }
            let token = self.opaque(leaf, "job");
            leaf.put("open_job", &token, &new_job(oa, id, true, content, now));
            Ok(token)
        })?;
        self.fetch_for(token.clone());
        Ok(Reply::stored(json!({ "token": token })))
    }

    /// `POST /v2.0/article/verify`.
    pub(crate) fn verify(&self, oa: &str, payload: &Value) -> Answer {
        self.settle();
        let token = text(payload, "token");
        let now = self.ground.clock.now();
        let job = self.ground.book.read(|leaf| {
            leaf.get::<Job>("open_job", &token).or_else(|| leaf.get::<Job>("job", &token))
        });
        let job = job.filter(|job| job.oa == oa && now.duration_since(job.ready_at) < TOKEN_LIFE);
        let job = job.ok_or_else(|| OaError::invalid("token"))?;
        match (&job.fetched, job.ready_at <= now) {
            (Some(Err(_)), true) => Err(OaError::new(-200, NO_MEDIA)),
            (Some(Ok(_)), true) if job.applied => Ok(Reply::read(json!({ "id": job.article }))),
            _ => Err(OaError::new(-214, "Article is being processed")),
        }
    }

    /// `POST /v2.0/article/remove`.
    pub(crate) fn remove(&self, oa: &str, payload: &Value) -> Answer {
        let id = text(payload, "id");
        self.ground.book.change(|leaf| {
            let known = leaf.get::<Article>("article", &id);
            let known = known.filter(|article| article.oa == oa && !article.removed);
            let mut article = known.ok_or_else(|| OaError::invalid("id"))?;
            article.removed = true;
            leaf.put("article", &id, &article);
            Ok(Reply::stored(Value::Null))
        })
    }

    /// Applies every job that is due: makes articles, changes articles.
    pub(crate) fn settle(&self) {
        let now = self.ground.clock.now();
        let settled = self.ground.book.change(|leaf| {
            let jobs: Vec<(String, Job)> = leaf.list("open_job");
            for (token, mut job) in jobs {
                if job.ready_at > now || job.fetched.is_none() {
                    continue;
                }
                if let Some(Ok(files)) = &job.fetched {
                    let known = leaf.get::<Article>("article", &job.article);
                    let shown_at = known.as_ref().and_then(|article| article.shown_at);
                    let article = Article {
                        oa: job.oa.clone(),
                        files: files.clone(),
                        created_at: known
                            .as_ref()
                            .map_or(job.ready_at, |article| article.created_at),
                        updated_at: job.ready_at,
                        shown_at: shown_at.or(job.content.shown().then_some(job.ready_at)),
                        broadcasts: known.as_ref().map_or(0, |article| article.broadcasts),
                        removed: known.is_some_and(|article| article.removed),
                        content: job.content.clone(),
                    };
                    leaf.put("article", &job.article, &article);
                }
                job.applied = true;
                leaf.delete("open_job", &token);
                leaf.put("job", &token, &job);
            }
            Ok::<_, OaError>(())
        });
        if let Err(error) = settled {
            tracing::error!(?error, "articles stay in processing");
        }
    }

    /// Fetches again for jobs that a restart interrupted.
    pub(crate) fn resume_jobs(self: &Arc<Self>) {
        let jobs: Vec<(String, Job)> = self.ground.book.read(|leaf| leaf.list("open_job"));
        for (token, job) in jobs {
            if job.fetched.is_none() {
                self.fetch_for(token);
            }
        }
    }

    fn fetch_for(self: &Arc<Self>, token: String) {
        let app = self.clone();
        tokio::spawn(async move {
            let job = app.ground.book.read(|leaf| leaf.get::<Job>("open_job", &token));
            let Some(job) = job else { return };
            let fetched = app.gather(&job).await;
            if let Err(why) = &fetched {
                tracing::info!(%why, "an article's media cannot be used");
            }
            let kept = app.ground.book.change(|leaf| {
                if let Some(mut job) = leaf.get::<Job>("open_job", &token) {
                    job.fetched = Some(fetched);
                    leaf.put("open_job", &token, &job);
                }
                Ok::<_, OaError>(())
            });
            if let Err(error) = kept {
                tracing::error!(?error, "a job cannot be kept");
            }
        });
    }

    /// Every picture from its address, and every video by its id.
    async fn gather(&self, job: &Job) -> Result<Vec<PostMedia>, String> {
        let mut files = Vec::new();
        for (role, url) in job.content.addresses() {
            let fetched = self.ground.fetcher.get(&url, PICTURE).await;
            let fetched = fetched.map_err(|error| format!("{role}: {error}"))?;
            if fetched.status != 200 {
                return Err(format!("{role}: status {}", fetched.status));
            }
            if !matches!(fetched.mime, "image/jpeg" | "image/png") {
                return Err(format!("{role}: {} is no JPEG or PNG", fetched.mime));
            }
            let kept = self.ground.media.put(&fetched.bytes).await;
            let kept = kept.map_err(|error| error.to_string())?;
            files.push(PostMedia {
                role: role.to_owned(),
                sha256: kept.sha256,
                bytes: kept.bytes,
                mime: kept.mime,
            });
        }
        let now = self.ground.clock.now();
        let videos: Vec<(String, Video)> = self.ground.book.read(|leaf| leaf.list("video"));
        for id in job.content.videos() {
            let known = videos.iter().find(|(_, video)| video.id == id && video.oa == job.oa);
            let Some((_, video)) = known.filter(|(_, video)| video.status(now) == 1) else {
                return Err(format!("video {id} is not ready"));
            };
            files.push(PostMedia {
                role: "video".to_owned(),
                sha256: video.file.sha256.clone(),
                bytes: video.file.bytes,
                mime: video.file.mime.clone(),
            });
        }
        Ok(files)
    }
}

fn new_job(oa: &str, article: String, update: bool, content: Content, now: Timestamp) -> Job {
    let ready_at = now.checked_add(PROCESSING).unwrap_or(now);
    Job { oa: oa.to_owned(), article, update, content, ready_at, fetched: None, applied: false }
}

/// Whether two instants are in one calendar month of Việt Nam.
pub(crate) fn same_month(one: Timestamp, two: Timestamp) -> bool {
    let month = |at: Timestamp| at.in_tz("Asia/Ho_Chi_Minh").ok().map(|at| (at.year(), at.month()));
    month(one) == month(two)
}
