//! *Nguồn tin*: feeds that an agency watches. One is tried before it is kept; then the worker looks at it again and again, and
//! what it found is told here.

pub(crate) mod api;
pub(crate) mod page;
pub(crate) mod told;

use std::collections::BTreeMap;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use loa_ingest::{FeedStamp, address_of};
use loa_model::{
    Account, AccountName, Article, Feed, FeedId, FeedItem, ItemState, Job, JobKind, JobState,
    Record as _, Then, UserId, When, record::join,
};
use loa_store::{Changes, StoreExt, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{
    Shared,
    auth::Visitor,
    channels::name_of_user,
    error::{BETWEEN, WebError},
    view::ReasonView,
    ways::{Access, WRITERS, Ways},
};

/// Feeds of an agency.
const MOST: usize = 200;
/// Entries of a feed that are shown.
const MOST_ITEMS: usize = 100;
/// Entries that a try-out shows.
const MOST_TRIED: usize = 20;
/// Furthest that the first look goes back, hours.
const MOST_HOURS: u32 = 168;
/// Longest address of a feed.
const LONGEST: usize = 2000;

/// The addresses of this part.
pub(crate) fn ways(ways: Ways) -> Ways {
    let staff = Access::Staff;
    ways.get("/nguon", staff, page::page)
        .post("/nguon", WRITERS, page::keep)
        .post("/nguon/thu", WRITERS, page::taste)
        .get("/nguon/{id}", staff, page::one)
        .post("/nguon/{id}", WRITERS, page::change)
        .post("/nguon/{id}/tam-dung", WRITERS, page::pause)
        .post("/nguon/{id}/chay-lai", WRITERS, page::resume)
        .post("/nguon/{id}/xem-ngay", WRITERS, page::look)
        .post("/nguon/{id}/doc", WRITERS, page::read)
        .post("/nguon/{id}/xoa", WRITERS, page::remove)
        .api(Method::GET, "/api/v1/feeds", staff, (told::list(), api::list))
        .api(Method::POST, "/api/v1/feeds", WRITERS, (told::add(), api::add))
        .api(Method::POST, "/api/v1/feeds/try", WRITERS, (told::taste(), api::taste))
        .api(Method::GET, "/api/v1/feeds/{id}", staff, (told::one(), api::one))
        .api(Method::PATCH, "/api/v1/feeds/{id}", WRITERS, (told::change(), api::change))
        .api(Method::DELETE, "/api/v1/feeds/{id}", WRITERS, (told::remove(), api::remove))
        .api(Method::POST, "/api/v1/feeds/{id}/look", WRITERS, (told::look(), api::look))
        .api(Method::POST, "/api/v1/feeds/{id}/read", WRITERS, (told::read(), api::read))
}

/// An entry of a feed that is not watched yet.
#[derive(Debug, Serialize)]
pub(crate) struct Tried {
    title: String,
    url: String,
    published_at: Option<Timestamp>,
    /// Its article is here already.
    known: bool,
}

/// A feed that was tried.
#[derive(Debug, Serialize)]
pub(crate) struct Taste {
    url: String,
    title: String,
    total: usize,
    /// The first of them.
    entries: Vec<Tried>,
    /// Entries without a day: at the first look they count as old.
    undated: usize,
}

/// What is wrong with a feed, in both languages.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    times: u32,
    code: String,
    detail_vi: String,
    detail_en: String,
    /// As it was found, in the words of the program.
    found: String,
    at: Timestamp,
}

/// A feed as people and programs see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FeedView {
    id: FeedId,
    url: String,
    title: String,
    by: String,
    every_minutes: u32,
    /// Accounts that drafts are written for; none when entries are only read.
    accounts: Vec<AccountName>,
    since: Timestamp,
    paused: bool,
    in_trouble: bool,
    next_at: Option<Timestamp>,
    looked_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    new_at: Option<Timestamp>,
    waiting: u32,
    failed: Option<Failure>,
}

/// An entry and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ItemView {
    title: String,
    url: String,
    published_at: Option<Timestamp>,
    found_at: Timestamp,
    /// `old`, `known`, `waiting`, `reading`, `read` or `failed`.
    state: &'static str,
    /// Its article, once there is one under this address.
    article: Option<String>,
    /// Why it could not be read.
    reason: String,
}

/// What is to be watched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFeed {
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default = "half_an_hour")]
    every_minutes: u32,
    /// How far the first look goes back.
    #[serde(default)]
    hours: u32,
    #[serde(default)]
    accounts: Vec<String>,
}

fn half_an_hour() -> u32 {
    30
}

/// What changes; what is not said stays.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    title: Option<String>,
    every_minutes: Option<u32>,
    accounts: Option<Vec<String>>,
    paused: Option<bool>,
}

/// An address that may be asked: whether it is public is seen when it is.
fn address(text: &str) -> Result<Url, WebError> {
    let text = text.trim();
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST);
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty()).ok_or_else(|| {
        WebError::unfit(
            "Địa chỉ phải bắt đầu bằng http:// hoặc https:// / The address must begin with http:// or https://",
        )
    })
}

/// Words of a code of reading, in both languages.
fn words(app: &Shared, code: &str) -> (String, String) {
    let word = |lang| app.assets.word(lang, &format!("ingest_error.{code}"));
    (word("vi"), word("en"))
}

/// Reads a feed and tells what it holds; nothing is kept.
pub(crate) async fn taste(app: &Shared, visitor: &Visitor, url: &str) -> Result<Taste, WebError> {
    let url = address(url)?;
    let read = app.ingest.look(&url, &FeedStamp::default()).await.map_err(|error| {
        tracing::info!(%error, "A feed that was tried cannot be read");
        let (vi, en) = words(app, error.code());
        WebError::unfit(format!("{vi}{BETWEEN}{en}"))
    })?;
    let read = read.unwrap_or_default();
    let undated = read.entries.iter().filter(|entry| entry.published_at.is_none()).count();
    let total = read.entries.len();
    let mut entries = Vec::new();
    for entry in read.entries.into_iter().take(MOST_TRIED) {
        let known = article_at(app, &visitor.user.agency, &entry.url).await?.is_some();
        let (title, published_at) = (entry.title, entry.published_at);
        entries.push(Tried { title, url: entry.url, published_at, known });
    }
    Ok(Taste { url: url.into(), title: read.title, total, entries, undated })
}

async fn article_at(app: &Shared, agency: &str, url: &str) -> Result<Option<String>, WebError> {
    let prefix = join(&[agency, url, ""]);
    let found = app.store.list_last::<Article>("article_by_url", &prefix, 1).await?;
    Ok(found.into_iter().next().map(|row| row.record.id.to_string()))
}

async fn of_agency(app: &Shared, agency: &str) -> Result<Vec<Versioned<Feed>>, WebError> {
    Ok(app.store.list::<Feed>("feed_by_agency", &join(&[agency, ""]), MOST).await?)
}

/// A feed of the visitor's agency; one of another is not there.
async fn own(app: &Shared, visitor: &Visitor, id: &str) -> Result<Versioned<Feed>, WebError> {
    let id: FeedId = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<Feed>(&id.to_string()).await?;
    row.filter(|row| row.record.agency == visitor.user.agency).ok_or_else(WebError::missing)
}

async fn view(
    app: &Shared,
    feed: Feed,
    names: &mut BTreeMap<UserId, String>,
) -> Result<FeedView, WebError> {
    let failed = feed.failed.as_ref().map(|failed| {
        let (detail_vi, detail_en) = words(app, &failed.code);
        let (times, at) = (failed.times, failed.at);
        let (code, found) = (failed.code.clone(), failed.detail.clone());
        Failure { times, code, detail_vi, detail_en, found, at }
    });
    Ok(FeedView {
        id: feed.id,
        by: name_of_user(app, feed.by, names).await?,
        in_trouble: feed.in_trouble(),
        url: feed.url,
        title: feed.title,
        every_minutes: feed.every_minutes,
        accounts: match feed.then {
            Then::Read => Vec::new(),
            Then::Compose { accounts } => accounts,
        },
        since: feed.since,
        next_at: (!feed.paused).then_some(feed.next_at),
        paused: feed.paused,
        looked_at: feed.looked_at,
        read_at: feed.read_at,
        new_at: feed.new_at,
        waiting: feed.waiting,
        failed,
    })
}

/// The feeds of the visitor's agency, the newest first.
pub(crate) async fn all(app: &Shared, visitor: &Visitor) -> Result<Vec<FeedView>, WebError> {
    let (mut views, mut names) = (Vec::new(), BTreeMap::new());
    for row in of_agency(app, &visitor.user.agency).await?.into_iter().rev() {
        views.push(view(app, row.record, &mut names).await?);
    }
    Ok(views)
}

/// Feeds that people should see to.
pub(crate) async fn in_trouble(app: &Shared, agency: &str) -> Result<Vec<FeedView>, WebError> {
    let (mut views, mut names) = (Vec::new(), BTreeMap::new());
    let prefix = join(&[agency, ""]);
    for row in app.store.list::<Feed>("feed_in_trouble", &prefix, MOST).await? {
        views.push(view(app, row.record, &mut names).await?);
    }
    Ok(views)
}

/// How many there are.
pub(crate) async fn count_in_trouble(app: &Shared, agency: &str) -> Result<usize, WebError> {
    Ok(app.store.count_under("feed_in_trouble", &join(&[agency, ""])).await?)
}

/// A feed with what was found in it last.
pub(crate) async fn one(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
) -> Result<(FeedView, Vec<ItemView>), WebError> {
    let feed = own(app, visitor, id).await?.record;
    let prefix = join(&[&feed.id.to_string(), ""]);
    let rows = app.store.list_last::<FeedItem>("feed_item_by_feed", &prefix, MOST_ITEMS).await?;
    let mut items = Vec::new();
    for row in rows {
        items.push(item_view(app, row.record).await?);
    }
    Ok((view(app, feed, &mut BTreeMap::new()).await?, items))
}

/// What is needed of a job as the queue keeps it.
#[derive(Deserialize)]
struct JobNow {
    state: JobState,
    #[serde(default)]
    reason: String,
}

async fn item_view(app: &Shared, item: FeedItem) -> Result<ItemView, WebError> {
    let article = article_at(app, &item.agency, &item.url).await?;
    let mut reason = String::new();
    let state = match (item.state, item.job) {
        (ItemState::Old, _) => "old",
        (ItemState::Known, _) => "known",
        (ItemState::Waiting, _) => "waiting",
        (ItemState::Queued, _) if article.is_some() => "read",
        (ItemState::Queued, None) => "reading",
        (ItemState::Queued, Some(job)) => {
            let row = app.store.get(Job::TABLE, &job.to_string()).await?;
            let job = row.and_then(|row| serde_json::from_slice::<JobNow>(&row.value).ok());
            match job.map(|job| (job.state, job.reason)) {
                // Its page says that its address is another one.
                Some((JobState::Completed, _)) => "read",
                Some((JobState::Discarded | JobState::Cancelled, why)) => {
                    reason = why;
                    "failed"
                }
                _ => "reading",
            }
        }
    };
    let (published_at, found_at) = (item.published_at, item.found_at);
    Ok(ItemView {
        title: item.title,
        url: item.url,
        published_at,
        found_at,
        state,
        article,
        reason,
    })
}

fn every(minutes: u32) -> Result<u32, WebError> {
    if Feed::EVERY.contains(&minutes) {
        return Ok(minutes);
    }
    Err(WebError::unfit("Xem lại sau mỗi 5 đến 1440 phút / Look again every 5 to 1440 minutes"))
}

fn title(text: &str) -> Result<String, WebError> {
    let title = text.trim();
    if title.chars().count() > 120 || title.chars().any(char::is_control) {
        return Err(WebError::unfit("Tên có tối đa 120 ký tự / A name has at most 120 characters"));
    }
    Ok(title.to_owned())
}

/// What is done with new entries: drafts for these accounts of the agency, or nothing but reading.
async fn then(app: &Shared, visitor: &Visitor, names: &[String]) -> Result<Then, WebError> {
    let mut accounts = Vec::new();
    for name in names {
        let unknown = || {
            WebError::unfit(format!(
                "Không có tài khoản “{name}”{BETWEEN}There is no account “{name}”"
            ))
        };
        let name: AccountName = name.parse().map_err(|_| unknown())?;
        let row = app.store.read::<Account>(name.as_str()).await?;
        row.filter(|row| row.record.agency == visitor.user.agency).ok_or_else(unknown)?;
        if !accounts.contains(&name) {
            accounts.push(name);
        }
    }
    Ok(if accounts.is_empty() { Then::Read } else { Then::Compose { accounts } })
}

/// Watches a feed from now on, or from some hours ago. The first look is queued with it.
pub(crate) async fn add(
    app: &Shared,
    visitor: &Visitor,
    new: NewFeed,
) -> Result<FeedView, WebError> {
    let (url, now) = (address(&new.url)?, app.clock.now());
    if new.hours > MOST_HOURS {
        return Err(WebError::unfit(
            "Lấy lại tối đa 168 giờ trước / The first look goes back at most 168 hours",
        ));
    }
    let feeds = of_agency(app, &visitor.user.agency).await?;
    let same = |row: &Versioned<Feed>| address_of(&row.record.url) == address_of(url.as_str());
    if feeds.iter().any(same) {
        return Err(WebError::unfit("Nguồn này đã được theo dõi / This feed is watched already"));
    }
    if feeds.len() >= MOST {
        return Err(WebError::unfit(
            "Đã theo dõi 200 nguồn; hãy bỏ bớt trước / 200 feeds are watched; remove one first",
        ));
    }
    let feed = Feed {
        id: app.ids.make(),
        agency: visitor.user.agency.clone(),
        url: url.into(),
        title: title(&new.title)?,
        by: visitor.user.id,
        every_minutes: every(new.every_minutes)?,
        then: then(app, visitor, &new.accounts).await?,
        since: now - SignedDuration::from_hours(i64::from(new.hours)),
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
    let changes = Changes::by(visitor.actor(), "watch feed").insert(&feed);
    app.store.commit(changes.enqueue(job(app, &feed))).await?;
    view(app, feed, &mut BTreeMap::new()).await
}

fn job(app: &Shared, feed: &Feed) -> Job {
    Job::new(app.ids.make(), &feed.agency, feed.work(), feed.next_at)
}

/// Changes how a feed is watched. A look that was planned otherwise is planned anew.
pub(crate) async fn change(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    wanted: Change,
) -> Result<FeedView, WebError> {
    let row = own(app, visitor, id).await?;
    let (now, mut feed) = (app.clock.now(), row.record.clone());
    if let Some(text) = wanted.title {
        feed.title = title(&text)?;
    }
    if let Some(minutes) = wanted.every_minutes {
        feed.every_minutes = every(minutes)?;
    }
    if let Some(names) = wanted.accounts {
        feed.then = then(app, visitor, &names).await?;
    }
    feed.paused = wanted.paused.unwrap_or(feed.paused);
    if feed == row.record {
        return view(app, feed, &mut BTreeMap::new()).await;
    }
    let what = match (row.record.paused, feed.paused) {
        (false, true) => "pause feed",
        (true, false) => "resume feed",
        _ => "change feed",
    };
    let sooner = (feed.every_minutes != row.record.every_minutes).then(|| {
        let from = feed.looked_at.unwrap_or(now);
        let next = from.checked_add(SignedDuration::from_mins(i64::from(feed.every_minutes)));
        next.unwrap_or(now).max(now)
    });
    let next = if what == "resume feed" { Some(now) } else { sooner };
    let mut changes = Changes::by(visitor.actor(), what);
    if let Some(at) = next.filter(|_| !feed.paused) {
        feed = feed.planned(at);
        changes = changes.enqueue(job(app, &feed));
    }
    app.store.commit(changes.update(&feed, row.version)).await?;
    view(app, feed, &mut BTreeMap::new()).await
}

/// Looks at a feed now and not at its time.
pub(crate) async fn look_now(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
) -> Result<FeedView, WebError> {
    let row = own(app, visitor, id).await?;
    if row.record.paused {
        return Err(WebError::unfit(
            "Nguồn đang tạm dừng; hãy chạy lại trước / The feed is paused; resume it first",
        ));
    }
    let feed = row.record.planned(app.clock.now());
    let changes = Changes::by(visitor.actor(), "look at feed now").update(&feed, row.version);
    app.store.commit(changes.enqueue(job(app, &feed))).await?;
    view(app, feed, &mut BTreeMap::new()).await
}

/// Watches a feed no more. What was read stays, and so does what was found: watched again, it does not read it twice.
pub(crate) async fn remove(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let row = own(app, visitor, id).await?;
    let changes = Changes::by(visitor.actor(), "delete feed").delete(&row.record, row.version);
    app.store.commit(changes).await?;
    Ok(())
}

/// Reads an entry that was left alone, or could not be read.
pub(crate) async fn read_item(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    url: &str,
) -> Result<ItemView, WebError> {
    let feed = own(app, visitor, id).await?.record;
    let key = FeedItem::key_of(&feed.agency, &address_of(url));
    let row = app.store.read::<FeedItem>(&key).await?;
    let row = row.filter(|row| row.record.feed == feed.id).ok_or_else(WebError::missing)?;
    let shown = item_view(app, row.record.clone()).await?;
    if !matches!(shown.state, "old" | "failed") {
        return Ok(shown);
    }
    let (source, agency) = (row.record.url.clone(), feed.agency.clone());
    let work = match feed.then {
        Then::Read => JobKind::Ingest { source, agency },
        Then::Compose { accounts } => {
            let author = visitor.user.id;
            JobKind::Prepare { source, agency, accounts, author, when: When::Usual, text: None }
        }
    };
    let job = Job::new(app.ids.make(), &feed.agency, work, app.clock.now());
    let item = FeedItem { state: ItemState::Queued, job: Some(job.id), ..row.record };
    let changes = Changes::by(visitor.actor(), "read feed entry").update(&item, row.version);
    app.store.commit(changes.enqueue(job)).await?;
    item_view(app, item).await
}

/// Why an entry could not be read, as pages say it.
pub(crate) fn why(app: &Shared, lang: &str, reason: &str) -> ReasonView {
    ReasonView::of(&app.assets, lang, reason)
}

/// A feed with its entries, for programs.
pub(crate) fn told_whole((feed, entries): &(FeedView, Vec<ItemView>)) -> Value {
    let mut whole = serde_json::json!(feed);
    whole["entries"] = serde_json::json!(entries);
    whole
}
