//! Watching a feed: what is new is read once, whatever dies, comes again or changes, and nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use loa_model::{
    Article, Cancel, Clock as _, Feed, FeedItem, ItemState, Job, JobKind, JobState, Post, Then,
};
use loa_pipeline::Done;
use loa_store::{JobEnd, Store, StoreExt as _};
use support::{ACCOUNT, AGENCY, Hand, World, by, frail::Frail, portal::Portal};

const HOUR: Duration = Duration::from_hours(1);

struct Desk {
    world: World,
    clock: Arc<Hand>,
    portal: Arc<Portal>,
    frail: Arc<Frail>,
}

impl Desk {
    async fn open() -> Self {
        let (clock, portal) = (Hand::noon(), Portal::open().await);
        let mut frail = None;
        let over = |store| {
            let made = Frail::over(store);
            frail = Some(Arc::clone(&made));
            made as Arc<dyn Store>
        };
        let world = World::with(clock.clone(), portal.policy(), over).await;
        Self { world, clock, portal, frail: frail.unwrap() }
    }

    /// Watches the feed under a path from now on.
    async fn watch(&self, path: &str, then: Then) -> Feed {
        let now = self.clock.now();
        let feed = Feed {
            id: self.world.ids.make(),
            agency: AGENCY.to_owned(),
            url: self.portal.url(path),
            title: String::new(),
            by: self.world.author.id,
            every_minutes: 30,
            then,
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
        };
        let job = Job::new(self.world.ids.make(), AGENCY, feed.work(), now);
        self.world.store.commit(by("watch feed").insert(&feed).enqueue(job)).await.unwrap();
        feed
    }

    async fn feed(&self, feed: &Feed) -> Feed {
        self.world.store.read::<Feed>(&feed.id.to_string()).await.unwrap().unwrap().record
    }

    /// One job of a kind that is due. Whatever fails leaves it to the next time, as a worker that died does.
    async fn step(&self, kinds: &[&str]) -> loa_store::Result<bool> {
        let store = &self.world.store;
        let Some(job) = store.claim(kinds, "w#1", 1, HOUR).await?.pop() else { return Ok(false) };
        match self.world.flow.run(&job, &Cancel::new(), &|_| {}).await {
            Ok(Done::Committed) => {}
            Ok(Done::Nothing) => store.finish(&job, JobEnd::Complete).await?,
            Ok(Done::Later(run_at)) => store.finish(&job, JobEnd::Snooze { run_at }).await?,
            Err(loa_pipeline::Error::Store(error)) => return Err(error),
            Err(error) => {
                store.finish(&job, JobEnd::Discard { reason: error.to_string() }).await?;
            }
        }
        Ok(true)
    }

    /// The next look of a feed, at its time.
    async fn look(&self, feed: &Feed) -> Feed {
        self.clock.set(self.feed(feed).await.next_at.max(self.clock.now()));
        while self.step(&["watch"]).await.unwrap() {}
        self.feed(feed).await
    }

    async fn all_jobs(&self) -> Vec<JobKind> {
        let mut jobs = self.world.store.jobs(None, 10_000).await.unwrap();
        jobs.sort_by_key(|view| view.job.id);
        jobs.into_iter().map(|view| view.job.work).collect()
    }

    /// Paths whose reading was ever queued.
    async fn queued(&self) -> Vec<String> {
        let mut paths = self.queued_now().await;
        // Ids of one moment have no order.
        paths.sort();
        paths
    }

    async fn queued_now(&self) -> Vec<String> {
        let base = self.portal.url("");
        let path = |work: JobKind| match work {
            JobKind::Ingest { source, .. } | JobKind::Prepare { source, .. } => {
                Some(source.strip_prefix(&base).unwrap().to_owned())
            }
            _ => None,
        };
        self.all_jobs().await.into_iter().filter_map(path).collect()
    }

    /// Looks that are still to be made.
    async fn planned(&self) -> Vec<(u32, Timestamp)> {
        let jobs = self.world.store.jobs(Some(JobState::Scheduled), 10_000).await.unwrap();
        let look = |view: loa_store::JobView| match view.job.work {
            JobKind::Watch { look, .. } => Some((look, view.job.run_at)),
            _ => None,
        };
        jobs.into_iter().filter_map(look).collect()
    }

    async fn states(&self) -> BTreeMap<String, ItemState> {
        let items = self.world.store.all::<FeedItem>(10_000).await.unwrap();
        items.into_iter().map(|row| (row.record.title, row.record.state)).collect()
    }
}

/// Noon of the tests is 22 November 2026, 05:00 UTC.
const BEFORE: &str = "Sun, 22 Nov 2026 04:59:00 GMT";
const AFTER: &str = "Sun, 22 Nov 2026 05:10:00 GMT";
const LATER: &str = "Sun, 22 Nov 2026 05:20:00 GMT";

#[tokio::test]
async fn a_feed_is_taken_from_now_on_and_each_entry_once() {
    let desk = Desk::open().await;
    let portal = &desk.portal;
    portal.feed("/rss", &[("/a", "Cũ", BEFORE), ("/b", "Không ngày", "")]);
    let feed = desk.watch("/rss", Then::Read).await;
    let looked = desk.look(&feed).await;
    assert_eq!(desk.queued().await, [""; 0]);
    assert_eq!((looked.title.as_str(), looked.look, looked.new_at), ("Cổng Minh Họa", 1, None));
    // What is new is read, the oldest first; a day that is missing says nothing against it now.
    portal.feed(
        "/rss",
        &[
            ("/e", "Sau", LATER),
            ("/d?id=4&utm_source=rss", "Mới", AFTER),
            ("/c", "Mới, không ngày", ""),
            ("/a", "Cũ", BEFORE),
            ("/b", "Không ngày", ""),
        ],
    );
    desk.look(&feed).await;
    let three = ["/c", "/d?id=4", "/e"];
    assert_eq!(desk.queued().await, three);
    // In another order, under other days, with other marks of campaigns, twice, and in another feed: never again.
    portal.feed(
        "/rss",
        &[
            ("/b", "Không ngày", LATER),
            ("/a?utm_medium=x", "Cũ", LATER),
            ("/c#top", "Mới, không ngày", LATER),
            ("/d/?utm_source=zalo&id=4", "Mới, sửa tên", LATER),
            ("/e", "Sau", AFTER),
            ("/e", "Sau", LATER),
        ],
    );
    desk.look(&feed).await;
    portal.feed(
        "/khac",
        &[
            ("/e", "Sau", LATER),
            ("/d?id=4", "Mới", LATER),
            ("/f", "Chỉ ở đây", "Mon, 23 Nov 2026 05:20:00 GMT"),
        ],
    );
    let other = desk.watch("/khac", Then::Read).await;
    desk.look(&other).await;
    assert_eq!(desk.queued().await, ["/c", "/d?id=4", "/e", "/f"]);
    // The feed shrinks to nothing and is whole again.
    portal.feed("/rss", &[]);
    desk.look(&feed).await;
    portal
        .feed("/rss", &[("/e", "Sau", LATER), ("/c", "Mới, không ngày", ""), ("/a", "Cũ", BEFORE)]);
    let looked = desk.look(&feed).await;
    assert_eq!(desk.queued().await.len(), 4);
    assert_eq!((looked.look, looked.failed), (5, None));
    assert_eq!(desk.planned().await.len(), 2, "each feed has one next look");
}

#[tokio::test]
async fn an_article_that_somebody_pasted_before_is_not_read_again() {
    let desk = Desk::open().await;
    desk.portal.article("/a", "Bão số 9 đổ bộ");
    let source = desk.portal.url("/a");
    desk.world
        .queue(JobKind::Ingest { source, agency: AGENCY.into() }, loa_model::Priority::Normal)
        .await;
    assert!(desk.step(&["ingest"]).await.unwrap());
    desk.portal.feed("/rss", &[("/a", "Bão số 9 đổ bộ", AFTER)]);
    let feed = desk.watch("/rss", Then::Read).await;
    desk.look(&feed).await;
    assert_eq!(desk.queued().await, ["/a"], "the reading that a person asked for");
    assert_eq!(desk.states().await["Bão số 9 đổ bộ"], ItemState::Known);
}

#[tokio::test]
async fn a_flood_is_taken_in_parts_and_what_leaves_the_feed_meanwhile_is_not_lost() {
    let desk = Desk::open().await;
    desk.portal.feed("/rss", &[]);
    let feed = desk.watch("/rss", Then::Read).await;
    desk.look(&feed).await;
    let names: Vec<(String, String)> = (0..87)
        .map(|n| {
            let (hour, minute) = (6 + n / 60, n % 60);
            (format!("/bai-{n:02}"), format!("Sun, 22 Nov 2026 {hour:02}:{minute:02}:00 GMT"))
        })
        .collect();
    let newest_first = |take: usize| {
        let entries = names.iter().rev().take(take);
        entries.map(|(path, day)| (path.as_str(), path.as_str(), day.as_str())).collect::<Vec<_>>()
    };
    desk.portal.feed("/rss", &newest_first(87));
    let looked = desk.look(&feed).await;
    let oldest = |n: usize| names[..n].iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!((desk.queued().await, looked.waiting), (oldest(20), 67));
    assert_eq!(
        looked.next_at.duration_since(looked.looked_at.unwrap()),
        SignedDuration::from_mins(5),
        "the rest is taken soon"
    );
    // Only the newest are still in the feed.
    desk.portal.feed("/rss", &newest_first(5));
    desk.portal.etag("/rss", "\"v1\"");
    let looked = desk.look(&feed).await;
    assert_eq!((desk.queued().await, looked.waiting), (oldest(40), 47));
    // Also while the portal says that nothing changed, and while it is away.
    let looked = desk.look(&feed).await;
    assert_eq!((desk.queued().await, looked.waiting), (oldest(60), 27));
    desk.portal.says("/rss", 503, "");
    let looked = desk.look(&feed).await;
    assert_eq!((desk.queued().await, looked.waiting), (oldest(80), 7));
    assert_eq!(looked.failed.map(|failed| failed.times), Some(1));
    desk.portal.feed("/rss", &newest_first(5));
    let looked = desk.look(&feed).await;
    assert_eq!((desk.queued().await, looked.waiting), (oldest(87), 0));
    assert_eq!(
        looked.next_at.duration_since(looked.looked_at.unwrap()),
        SignedDuration::from_mins(30)
    );
}

#[tokio::test]
async fn what_a_feed_did_not_come_to_is_taken_when_it_is_watched_again() {
    let desk = Desk::open().await;
    let names: Vec<String> = (0..25).map(|n| format!("/bai-{n:02}")).collect();
    let mut entries: Vec<_> =
        names.iter().map(|name| (name.as_str(), name.as_str(), AFTER)).collect();
    entries.push(("/cu", "Hôm nay, trước khi theo dõi", BEFORE));
    entries.push(("/rat-cu", "Tháng trước", "Thu, 22 Oct 2026 04:59:00 GMT"));
    desk.portal.feed("/rss", &entries);
    let feed = desk.watch("/rss", Then::Read).await;
    assert_eq!(desk.look(&feed).await.waiting, 5);
    let store = &desk.world.store;
    // Another feed has the same: as long as the first one is watched, they are its own.
    let other = desk.watch("/rss", Then::Read).await;
    assert_eq!(desk.look(&other).await.waiting, 0);
    assert_eq!(desk.queued().await.len(), 20);
    let row = store.read::<Feed>(&feed.id.to_string()).await.unwrap().unwrap();
    store.commit(by("delete feed").delete(&row.record, row.version)).await.unwrap();
    // Watched again, and from a day ago on.
    let again = desk.watch("/rss", Then::Read).await;
    let row = store.read::<Feed>(&again.id.to_string()).await.unwrap().unwrap();
    let since = row.record.since - 24.hours();
    let changes = by("watch feed").update(&Feed { since, ..row.record }, row.version);
    store.commit(changes).await.unwrap();
    desk.look(&again).await;
    let mut all: Vec<String> = names.clone();
    all.push("/cu".to_owned());
    assert_eq!(desk.queued().await, all);
    assert_eq!(desk.states().await["Tháng trước"], ItemState::Old);
}

#[tokio::test]
async fn a_portal_is_asked_only_for_what_changed() {
    let desk = Desk::open().await;
    desk.portal.feed("/rss", &[]);
    desk.portal.etag("/rss", "\"v1\"");
    let feed = desk.watch("/rss", Then::Read).await;
    desk.look(&feed).await;
    desk.look(&feed).await;
    desk.portal.feed("/rss", &[("/a", "Mới", LATER)]);
    desk.portal.etag("/rss", "\"v2\"");
    let looked = desk.look(&feed).await;
    assert_eq!(
        (desk.queued().await, looked.etag.as_deref()),
        (vec!["/a".to_owned()], Some("\"v2\""))
    );
    let asked = desk.portal.asked.lock().unwrap().clone();
    let known: Vec<_> = asked.iter().map(|(_, known)| known.as_deref()).collect();
    assert_eq!(known, [None, Some("\"v1\""), Some("\"v1\"")]);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_tried_later_each_time_and_mends_itself() {
    let desk = Desk::open().await;
    let feed = desk.watch("/rss", Then::Read).await;
    let mut many = String::from("<rss version=\"2.0\"><channel>");
    for n in 0..2001 {
        write!(many, "<item><link>{}</link></item>", desk.portal.url(&format!("/{n}"))).unwrap();
    }
    many.push_str("</channel></rss>");
    let deep = format!("<rss><channel>{}", "<a>".repeat(200_000));
    let large = format!("<rss><channel>{}</channel></rss>", " ".repeat(5 * 1024 * 1024));
    for (n, (status, body, code)) in [
        (404, String::new(), "status"),
        (200, "<rss><channel><item><link>http://x".to_owned(), "feed"),
        (200, "<html><body>Không phải nguồn tin</body></html>".to_owned(), "feed"),
        (200, many, "too_many"),
        (200, deep, "feed"),
        (200, large, "too_large"),
        (304, String::new(), "status"),
    ]
    .into_iter()
    .enumerate()
    {
        desk.portal.says("/rss", status, body);
        let looked = desk.look(&feed).await;
        let failed = looked.failed.clone().unwrap();
        assert_eq!(
            (failed.times as usize, failed.code.as_str()),
            (n + 1, code),
            "{}",
            failed.detail
        );
        let wait = looked.next_at.duration_since(looked.looked_at.unwrap());
        let minutes = (30 << n).min(24 * 60);
        assert_eq!(wait, SignedDuration::from_mins(minutes), "{code}");
        let trouble = desk.world.store.count_under("feed_in_trouble", AGENCY).await.unwrap();
        assert_eq!(trouble, usize::from(n >= 2), "{code}");
    }
    // It was never read: what it holds without a day was there before anybody watched.
    desk.portal.feed("/rss", &[("/a", "Không ngày", ""), ("/b", "Mới", LATER)]);
    let looked = desk.look(&feed).await;
    assert_eq!((looked.failed, desk.queued().await), (None, vec!["/b".to_owned()]));
    assert_eq!(desk.world.store.count_under("feed_in_trouble", AGENCY).await.unwrap(), 0);
}

#[tokio::test]
async fn a_look_that_nobody_waits_for_any_more_does_nothing() {
    let desk = Desk::open().await;
    desk.portal.feed("/rss", &[("/a", "Mới", LATER)]);
    let feed = desk.watch("/rss", Then::Read).await;
    let store = &desk.world.store;
    let key = feed.id.to_string();
    // Paused, with the job of before still in the queue.
    let row = store.read::<Feed>(&key).await.unwrap().unwrap();
    let paused = Feed { paused: true, ..row.record.clone() };
    store.commit(by("pause feed").update(&paused, row.version)).await.unwrap();
    assert!(desk.step(&["watch"]).await.unwrap() && !desk.step(&["watch"]).await.unwrap());
    assert!(desk.portal.asked.lock().unwrap().is_empty());
    // Planned anew twice: one of the two looks is made.
    let row = store.read::<Feed>(&key).await.unwrap().unwrap();
    let first = Feed { paused: false, ..row.record }.planned(desk.clock.now());
    let second = first.clone().planned(desk.clock.now());
    let job = |feed: &Feed| Job::new(desk.world.ids.make(), AGENCY, feed.work(), feed.next_at);
    let changes = by("resume feed").update(&second, row.version);
    store.commit(changes.enqueue(job(&first)).enqueue(job(&second))).await.unwrap();
    while desk.step(&["watch"]).await.unwrap() {}
    assert_eq!((desk.portal.questions(), desk.planned().await.len()), (1, 1));
    // Deleted.
    let row = store.read::<Feed>(&key).await.unwrap().unwrap();
    desk.clock.set(row.record.next_at);
    store.commit(by("delete feed").delete(&row.record, row.version)).await.unwrap();
    assert!(desk.step(&["watch"]).await.unwrap());
    assert_eq!((desk.portal.questions(), desk.planned().await.len()), (1, 0));
}

#[tokio::test]
async fn drafts_are_written_for_the_chosen_accounts_by_whoever_watches() {
    let desk = Desk::open().await;
    desk.portal.article("/a", "Bão số 9 đổ bộ");
    desk.portal.feed("/rss", &[("/a", "Bão số 9 đổ bộ", LATER)]);
    let then = Then::Compose { accounts: vec![ACCOUNT.parse().unwrap()] };
    let feed = desk.watch("/rss", then).await;
    desk.look(&feed).await;
    while desk.step(&["prepare", "brief"]).await.unwrap() {}
    desk.world.drawn().await;
    while desk.step(&["compose"]).await.unwrap() {}
    let posts = desk.world.store.all::<Post>(9).await.unwrap();
    assert_eq!(posts.len(), 1);
    let post = &posts[0].record;
    assert_eq!((post.author, post.account.as_str()), (desk.world.author.id, ACCOUNT));
    assert_eq!(post.state, loa_model::PostState::Draft);
}

#[tokio::test]
async fn the_words_of_a_person_take_the_place_of_those_of_the_brief() {
    let desk = Desk::open().await;
    desk.portal.article("/a", "Bão số 9 đổ bộ");
    let work = JobKind::Prepare {
        source: desk.portal.url("/a"),
        agency: AGENCY.into(),
        accounts: vec![ACCOUNT.parse().unwrap()],
        author: desk.world.author.id,
        when: loa_model::When::Soon,
        text: Some("Lời của biên tập viên".into()),
    };
    desk.world.queue(work.clone(), loa_model::Priority::Urgent).await;
    while desk.step(&["prepare", "brief"]).await.unwrap() {}
    // Asked for again while it is drawn: the article is here, and its posts are composed all the same, once.
    desk.world.queue(work, loa_model::Priority::Urgent).await;
    while desk.step(&["prepare"]).await.unwrap() {}
    desk.world.drawn().await;
    while desk.step(&["compose"]).await.unwrap() {}
    let posts = desk.world.store.all::<Post>(9).await.unwrap();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].record.content.text, "Lời của biên tập viên");
    assert_eq!(posts[0].record.priority, loa_model::Priority::Urgent);
}

#[tokio::test]
async fn two_readings_of_one_page_at_once_make_one_article() {
    let desk = Desk::open().await;
    desk.portal.article("/a", "Bão số 9 đổ bộ");
    let work = JobKind::Ingest { source: desk.portal.url("/a"), agency: AGENCY.into() };
    for _ in 0..2 {
        desk.world.queue(work.clone(), loa_model::Priority::Normal).await;
    }
    let jobs = desk.world.store.claim(&["ingest"], "w#1", 2, HOUR).await.unwrap();
    let (cancel, silent) = (Cancel::new(), |_| {});
    let run = |job| desk.world.flow.run(job, &cancel, &silent);
    let (first, second) = tokio::join!(run(&jobs[0]), run(&jobs[1]));
    let lost = [first, second].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert!(lost.iter().all(|error| !error.is_final()), "{lost:?}");
    for job in &jobs {
        desk.world
            .store
            .finish(job, JobEnd::Snooze { run_at: desk.clock.now() })
            .await
            .unwrap_or_default();
    }
    while desk.step(&["ingest"]).await.unwrap() {}
    assert_eq!(desk.world.store.all::<Article>(9).await.unwrap().len(), 1);
}

/// Everything that a feed sets in motion, with the power lost at each of its writes in turn, before it is kept and after.
#[tokio::test]
async fn whenever_the_power_fails_each_entry_is_read_once_and_its_posts_are_drafted_once() {
    let mut writes = 2;
    let mut died = 0;
    let mut at = 2;
    while at <= 2 * writes + 1 {
        let desk = Desk::open().await;
        let then = Then::Compose { accounts: vec![ACCOUNT.parse().unwrap()] };
        desk.portal.feed("/rss", &[("/b", "Hai", LATER), ("/a", "Một", AFTER)]);
        desk.portal.article("/a", "Một");
        desk.portal.article("/b", "Hai");
        let feed = desk.watch("/rss", then).await;
        desk.frail.writes.store(0, Ordering::Relaxed);
        desk.frail.dies_at.store(at, Ordering::Relaxed);
        let mut quiet = 0;
        // Until nothing is due for two rounds: a worker that died left its job to whoever comes after its lease.
        while quiet < 2 {
            let mut worked = false;
            for kinds in [&["watch"][..], &["prepare", "brief"], &["compose"]] {
                loop {
                    match desk.step(kinds).await {
                        Ok(true) => worked = true,
                        Ok(false) => break,
                        Err(_) => {
                            died += 1;
                            desk.frail.dead.store(false, Ordering::Relaxed);
                            worked = true;
                            desk.clock.set(desk.clock.now() + 2.hours());
                        }
                    }
                }
                if kinds.contains(&"brief") {
                    desk.frail.dies_at.fetch_add(1_000_000, Ordering::Relaxed);
                    desk.world.drawn().await;
                    desk.frail.dies_at.fetch_sub(1_000_000, Ordering::Relaxed);
                }
            }
            // Compose waits for what is drawn.
            desk.clock.set(desk.clock.now() + 1.minute());
            quiet = if worked { 0 } else { quiet + 1 };
            if desk.feed(&feed).await.look > 3 {
                break;
            }
        }
        writes = writes.max(desk.frail.writes.load(Ordering::Relaxed).min(60));
        assert_eq!(desk.queued().await, ["/a", "/b"], "power lost at {at}");
        assert_eq!(
            desk.world.store.all::<Article>(9).await.unwrap().len(),
            2,
            "power lost at {at}"
        );
        assert_eq!(desk.world.store.all::<Post>(9).await.unwrap().len(), 2, "power lost at {at}");
        assert!(desk.planned().await.len() <= 1, "power lost at {at}");
        at += 1;
    }
    assert!(died > 20, "the power failed {died} times");
}
