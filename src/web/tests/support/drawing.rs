//! A variant that is being drawn.

use std::time::Duration;

use loa_model::{Job, JobId, Progress, Variant, VariantKind, record::join};
use loa_store::{Changes, Store as _, StoreExt as _};

use super::{World, records::by};

impl World {
    /// The latest variant of a kind.
    pub async fn variant(&self, kind: VariantKind) -> Variant {
        let key = join(&[&self.article.id.to_string(), ""]);
        let rows = self.store.list::<Variant>("variant_by_article", &key, 100).await.unwrap();
        let own = rows.into_iter().map(|row| row.record).filter(|variant| variant.kind == kind);
        own.max_by_key(|variant| variant.id).unwrap()
    }

    /// A worker draws the latest variant of a kind, and has come half way.
    pub async fn draws(&self, kind: VariantKind) -> JobId {
        let work = self.variant(kind).await.work();
        let name = work.name();
        let id: JobId = self.ids.make();
        let now = loa_model::Clock::now(&*self.clock);
        let job = Job::new(id, "demo", work, now);
        self.store.commit(Changes::by(by(), "queue").enqueue(job)).await.unwrap();
        let claimed = self.store.claim(&[name], "w", 1, Duration::from_mins(5)).await.unwrap();
        assert_eq!(claimed[0].job.id, id);
        let half =
            Progress { step: "render.clip".into(), done: 21, total: 60, eta_ms: Some(14_000) };
        self.progress.send_modify(|map| {
            map.insert(id, half);
        });
        id
    }
}
