//! Feeds in every state, with entries that came to every end.

use jiff::SignedDuration;
use loa_model::{Clock as _, Feed, FeedFailure, FeedItem, ItemState, Job, JobKind, Then};
use loa_store::{Changes, JobEnd, Store as _};

use super::{World, records::by};

impl World {
    /// A feed that is watched since now, at this address.
    pub fn feed(&self, agency: &str, url: &str) -> Feed {
        let now = self.clock.now();
        Feed {
            id: self.ids.make(),
            agency: agency.into(),
            url: url.into(),
            title: "Minh Họa".into(),
            by: self.people.author.id,
            every_minutes: 30,
            then: Then::Read,
            since: now,
            paused: false,
            look: 0,
            next_at: now,
            looked_at: None,
            read_at: None,
            new_at: None,
            waiting: 0,
            failed: None,
            etag: None,
            modified: None,
            created_at: now,
        }
    }

    /// One that reads, one that fails, one that is paused, and one that was added just now.
    pub async fn feeds(&self) {
        let now = self.clock.now();
        let ago = |minutes: i64| now - SignedDuration::from_mins(minutes);
        let accounts = ["facebook:cong-tin", "zalo:cong-tin"].map(|name| name.parse().unwrap());
        let reads = Feed {
            title: "Cổng Thông tin điện tử Minh Họa, chuyên mục Chỉ đạo điều hành và phòng chống thiên tai".into(),
            then: Then::Compose { accounts: accounts.to_vec() },
            since: ago(600),
            looked_at: Some(ago(12)),
            read_at: Some(ago(12)),
            new_at: Some(ago(42)),
            next_at: now + SignedDuration::from_mins(3),
            waiting: 7,
            ..self.feed("demo", "https://minhhoa.example/rss/chi-dao-dieu-hanh.rss")
        };
        let detail = "https://baotinh.example/rss answered 503; check that the article is public";
        let fails = Feed {
            title: "Báo tỉnh".into(),
            looked_at: Some(ago(5)),
            next_at: now + SignedDuration::from_mins(120),
            failed: Some(FeedFailure {
                times: 4,
                code: "status".into(),
                detail: detail.into(),
                at: ago(5),
            }),
            ..self.feed("demo", "https://baotinh.example/rss")
        };
        let paused = Feed {
            title: "Sở Y tế".into(),
            paused: true,
            looked_at: Some(ago(4000)),
            ..self.feed("demo", "https://soyte.example/feed.atom")
        };
        let fresh = Feed { title: String::new(), ..self.feed("demo", "https://xa.example/rss") };
        let mut changes = Changes::by(by(), "watch feed");
        for feed in [&reads, &fails, &paused, &fresh] {
            changes = changes.insert(feed);
        }
        self.store.commit(changes).await.unwrap();
        let here = self.article.source.canonical_url.clone();
        let away = |name: &str| format!("https://minhhoa.example/{name}.htm");
        for (n, (title, url, state)) in (0_i64..).zip([
            ("Đã có ở đây trước khi nguồn được theo dõi", here, ItemState::Known),
            ("Bão số 9 đổ bộ: di dời dân ở 12 xã ven biển trước 18 giờ hôm nay, học sinh toàn tỉnh nghỉ học", away("bao-9"), ItemState::Queued),
            ("Không đọc được", away("hong"), ItemState::Queued),
            ("Chờ lần xem tới", away("cho"), ItemState::Waiting),
            ("Tin tháng trước", away("cu"), ItemState::Old),
        ]) {
            let work = JobKind::Ingest { source: url.clone(), agency: "demo".into() };
            let job = Job::new(self.ids.make(), "demo", work, now);
            let queued = state == ItemState::Queued;
            let item = FeedItem {
                agency: "demo".into(),
                address: loa_ingest::address_of(&url),
                url,
                feed: reads.id,
                title: title.into(),
                published_at: (n != 3).then(|| ago(60 + n * 90)),
                found_at: ago(42),
                state,
                job: queued.then_some(job.id),
            };
            let mut changes = Changes::by(by(), "look at feed").insert(&item);
            if queued {
                changes = changes.enqueue(job.clone());
            }
            self.store.commit(changes).await.unwrap();
            if title == "Không đọc được" {
                self.discard(&job, "https://minhhoa.example/hong.htm answered 404").await;
            }
        }
    }

    /// Gives a queued job up.
    pub async fn discard(&self, job: &Job, reason: &str) {
        let lease = std::time::Duration::from_mins(5);
        for claimed in self.store.claim(&[job.work.name()], "w", 99, lease).await.unwrap() {
            let end = if claimed.job.id == job.id {
                JobEnd::Discard { reason: reason.to_owned() }
            } else {
                JobEnd::Snooze { run_at: self.clock.now() }
            };
            self.store.finish(&claimed, end).await.unwrap();
        }
    }
}
