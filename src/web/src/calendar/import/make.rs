//! A row that names an article and an account makes a post: an article that is not here is read first, and the same row asked
//! for again makes nothing.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loa_ingest::{address_of, tidy};
use loa_model::{
    Account, AccountName, Article, Digest, DigestBuilder, Job, JobId, JobKind, JobState, Post,
    PostState, Record, UserId, When, record::join,
};
use loa_review::{BadTime, ReviewError};
use loa_store::{Changes, Expect, StoreExt as _};
use serde::{Deserialize, Serialize};

use super::{Row, Told, wanted_time};
use crate::{
    Shared, article,
    article::ZONE,
    auth::Visitor,
    calendar::shift,
    error::{BETWEEN, WebError, parts},
    view,
    ways::WRITERS,
};

/// Longest words of one post, characters.
const MOST_TEXT: usize = 5000;
/// Accounts of an agency that are looked up.
const MOST_ACCOUNTS: usize = 1000;
/// Accounts that a refusal names.
const MOST_NAMED: usize = 8;
/// Posts of an article that are looked at.
const MOST_POSTS: usize = 500;
/// How long a row that came to an end without a post counts as asked for.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A post that a row asked for. Its key is the account and the article, so that no two rows ask for one post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Imported {
    agency: String,
    account: AccountName,
    /// What tells the article: its id, or its address while it is not here.
    article: String,
    at: Timestamp,
    by: UserId,
    made_at: Timestamp,
    job: JobId,
}

impl Imported {
    fn key_of(agency: &str, account: &AccountName, article: &str) -> Digest {
        DigestBuilder::new("imported/1")
            .field("agency", agency)
            .field("account", account.as_str())
            .field("article", article)
            .finish()
    }
}

impl Record for Imported {
    const TABLE: &'static str = "imported";
    fn key(&self) -> String {
        Self::key_of(&self.agency, &self.account, &self.article).to_string()
    }
}

/// What a row names as its article.
struct Source {
    article: Option<Article>,
    /// Where it is read from, when it is not here.
    url: String,
    /// What tells it from others.
    key: String,
}

/// Rows of one table that make posts, by what they ask for: the row and the time.
pub(super) type Wanted = BTreeMap<(AccountName, String), (usize, Timestamp)>;

/// Makes the post of a row, or says what would come of it.
pub(super) async fn make(
    app: &Shared,
    visitor: &Visitor,
    row: &Row,
    dry: bool,
    outcome: &mut Told,
    wanted: &mut Wanted,
) -> Result<&'static str, WebError> {
    if !WRITERS.lets(Some(&visitor.user.roles)) {
        return Err(WebError::unfit(
            "Chỉ người viết và biên tập viên soạn được bài; hãy nhờ họ nhập dòng này / Only authors and editors make posts; ask one of them to import this row",
        ));
    }
    let source = source(app, visitor, row.article.trim()).await;
    let account = account(app, visitor, row.account.trim()).await;
    let time = wanted_time(row);
    // Whoever mends a row mends all of it at once.
    let faults = [source.as_ref().err(), account.as_ref().err(), time.as_ref().err()];
    if let Some(all) = together(&faults.into_iter().flatten().collect::<Vec<_>>()) {
        return Err(all);
    }
    let source = source?;
    if let Some(article) = &source.article {
        outcome.article = article.id.to_string();
        article.title().clone_into(&mut outcome.what);
    } else {
        outcome.what.clone_from(&source.url);
    }
    let account = account?;
    outcome.title.clone_from(&account.title);
    let (when, at) = time?;
    outcome.after = view::time(at, ZONE);
    let bad = |why| shift::failed(app, visitor, &ReviewError::Time(why));
    if at <= app.clock.now() {
        return Err(bad(BadTime::Past));
    }
    if let Some(until) = source.article.as_ref().and_then(|article| article.embargo_until)
        && at < until
    {
        return Err(bad(BadTime::Embargo { until }));
    }
    let text = row.text.trim();
    if text.chars().count() > MOST_TEXT {
        return Err(WebError::unfit(format!(
            "Lời bài đăng dài quá {MOST_TEXT} ký tự; hãy rút gọn{BETWEEN}The words of the post are longer than {MOST_TEXT} characters; shorten them"
        )));
    }
    let before =
        wanted.entry((account.name.clone(), source.key.clone())).or_insert((outcome.row, at));
    if before.0 != outcome.row {
        let (row, same) = (before.0, before.1 == at);
        return if same { Ok("same") } else { Err(twice(row)) };
    }
    if let Some(article) = &source.article
        && there(app, article, &account, at).await?
    {
        return Ok("same");
    }
    let key = Imported::key_of(&visitor.user.agency, &account.name, &source.key).to_string();
    let earlier = app.store.read::<Imported>(&key).await?;
    if let Some(earlier) = &earlier
        && counts(app, &earlier.record, source.article.as_ref()).await?
    {
        if view::time(earlier.record.at, ZONE) == outcome.after {
            return Ok("same");
        }
        let time = |lang| view::told_time(earlier.record.at, ZONE, lang);
        let (vi, en) = (time("vi"), time("en"));
        return Err(WebError::unfit(format!(
            "Đã nhập cho lúc {vi} và đang soạn; khi có bài đăng hãy đổi giờ của nó{BETWEEN}Imported already for {en} and being made; once the post is there, move it"
        )));
    }
    if dry {
        return Ok("make");
    }
    let text = Some(text.to_owned()).filter(|text| !text.is_empty());
    let job = job(app, visitor, &source, &account.name, when, text);
    let imported = Imported {
        agency: visitor.user.agency.clone(),
        account: account.name,
        article: source.key,
        at,
        by: visitor.user.id,
        made_at: app.clock.now(),
        job: job.id,
    };
    let expect = earlier.map_or(Expect::Absent, |row| Expect::Version(row.version));
    let changes = Changes::by(visitor.actor(), "import post").put(&imported, expect).enqueue(job);
    app.store.commit(changes).await?;
    Ok("made")
}

/// Several faults of one row as one; nothing when there are not several, or when the store failed.
fn together(faults: &[&WebError]) -> Option<WebError> {
    if faults.len() < 2 || faults.iter().any(|fault| fault.status.is_server_error()) {
        return None;
    }
    let told = |of: fn((&str, &str)) -> String| {
        let all: Vec<String> = faults.iter().map(|fault| of(parts(&fault.message))).collect();
        all.join(". ")
    };
    let (vi, en) = (told(|parts| parts.0.to_owned()), told(|parts| parts.1.to_owned()));
    Some(WebError::unfit(format!("{vi}{BETWEEN}{en}")))
}

fn twice(row: usize) -> WebError {
    WebError::unfit(format!(
        "Dòng {row} đã xin bài này trên tài khoản này vào giờ khác; hãy giữ một dòng{BETWEEN}Row {row} asks for the same article on the same account at another time; keep one of them"
    ))
}

async fn source(app: &Shared, visitor: &Visitor, named: &str) -> Result<Source, WebError> {
    let agency = &visitor.user.agency;
    if named.starts_with("http://") || named.starts_with("https://") {
        let url = tidy(named).filter(|url| url.len() <= 2000).ok_or_else(|| {
            WebError::unfit("Địa chỉ bài viết không đúng / The address of the article is not right")
        })?;
        let prefix = join(&[agency, &url, ""]);
        let found = app.store.list_last::<Article>("article_by_url", &prefix, 1).await?;
        let article = found.into_iter().next().map(|row| row.record);
        // Whether it came before or after the article was read, it is the same row.
        return Ok(Source { article, key: address_of(&url), url });
    }
    let found = article::find(app, visitor, named).await;
    let article = found.map_err(|error| {
        if error.status.is_server_error() {
            return error;
        }
        WebError::unfit(
            "Không có bài viết này; hãy ghi địa chỉ https:// hoặc mã bài viết / There is no such article; write its https:// address or its id",
        )
    })?;
    let url = article.source.canonical_url.clone();
    let key = if url.starts_with("http") { address_of(&url) } else { article.id.to_string() };
    Ok(Source { article: Some(article), url, key })
}

/// An account of the agency by its name, by its title, or by its channel, where only one has it.
async fn account(app: &Shared, visitor: &Visitor, named: &str) -> Result<Account, WebError> {
    let prefix = join(&[&visitor.user.agency, ""]);
    let rows = app.store.list::<Account>("account_by_agency", &prefix, MOST_ACCOUNTS).await?;
    let mut all = rows.into_iter().map(|row| row.record).collect::<Vec<_>>();
    if let Some(at) = all.iter().position(|account| account.name.as_str() == named) {
        return Ok(all.swap_remove(at));
    }
    let known: Vec<String> = all.iter().map(|account| account.name.to_string()).collect();
    let asked = named.to_lowercase();
    let titled = |account: &Account| account.title.trim().to_lowercase() == asked;
    let of_channel = |account: &Account| {
        let channel = account.name.channel();
        let capability = app.capabilities.get(channel);
        channel == asked || capability.is_some_and(|known| known.title.to_lowercase() == asked)
    };
    if all.iter().any(titled) {
        all.retain(titled);
    } else {
        all.retain(of_channel);
    }
    if named.is_empty() {
        return Err(WebError::unfit(
            "Thiếu tài khoản; hãy ghi tên như trên trang Kênh / The account is missing; write its name as on the page Channels",
        ));
    }
    match all.len() {
        1 => Ok(all.swap_remove(0)),
        0 => {
            let known = known.into_iter().take(MOST_NAMED).collect::<Vec<_>>().join(", ");
            Err(WebError::unfit(format!(
                "Không có tài khoản “{named}”; hãy ghi một trong: {known}{BETWEEN}There is no account “{named}”; write one of: {known}"
            )))
        }
        _ => Err(WebError::unfit(format!(
            "Nhiều tài khoản cùng tên “{named}”; hãy ghi mã tài khoản, xem trang Kênh{BETWEEN}Several accounts are called “{named}”; write the id of one, see the page Channels"
        ))),
    }
}

/// Whether the article has a post on the account at that time; one at another time is a refusal.
async fn there(
    app: &Shared,
    article: &Article,
    account: &Account,
    at: Timestamp,
) -> Result<bool, WebError> {
    let id = article.id.to_string();
    let posts = app.store.list::<Post>("post_by_article", &id, MOST_POSTS).await?;
    let of_it = |post: &Post| {
        post.account == account.name
            && post.revision == article.revision
            && post.state != PostState::Void
    };
    let mut posts = posts.into_iter().map(|row| row.record).filter(of_it).peekable();
    let Some(first) = posts.peek().cloned() else { return Ok(false) };
    let minute = |at: Timestamp| view::time(at, ZONE);
    if posts.any(|post| minute(post.scheduled_at) == minute(at)) {
        return Ok(true);
    }
    let time = |lang| view::told_time(first.scheduled_at, ZONE, lang);
    let (vi, en, id) = (time("vi"), time("en"), first.id);
    Err(WebError::unfit(format!(
        "Bài này đã có trên tài khoản này lúc {vi}; để đổi giờ, ghi mã bài đăng {id}{BETWEEN}The account has this article already at {en}; to move it, name its post {id}"
    )))
}

/// What is needed of a job as the queue keeps it.
#[derive(Deserialize)]
struct JobNow {
    state: JobState,
}

/// Whether a row that was imported before still stands: its post is being made, and did not fail or was not thrown away since.
async fn counts(
    app: &Shared,
    earlier: &Imported,
    article: Option<&Article>,
) -> Result<bool, WebError> {
    let row = app.store.get(Job::TABLE, &earlier.job.to_string()).await?;
    let job = row.and_then(|row| serde_json::from_slice::<JobNow>(&row.value).ok());
    let state = job.map_or(JobState::Completed, |job| job.state);
    if matches!(state, JobState::Discarded | JobState::Cancelled) {
        return Ok(false);
    }
    if state == JobState::Completed && app.clock.now() > earlier.made_at + KEPT {
        return Ok(false);
    }
    let Some(article) = article else { return Ok(true) };
    let id = article.id.to_string();
    let posts = app.store.list::<Post>("post_by_article", &id, MOST_POSTS).await?;
    let thrown = |post: &Post| {
        post.account == earlier.account
            && post.state == PostState::Void
            && post.created_at >= earlier.made_at
    };
    Ok(!posts.iter().any(|row| thrown(&row.record)))
}

/// The job that makes the post: of an article that is here, or after it is read.
fn job(
    app: &Shared,
    visitor: &Visitor,
    source: &Source,
    account: &AccountName,
    when: When,
    text: Option<String>,
) -> Job {
    let (agency, author) = (visitor.user.agency.clone(), visitor.user.id);
    let accounts = vec![account.clone()];
    let work = match &source.article {
        Some(article) => JobKind::Compose {
            article: article.id,
            revision: article.revision,
            accounts,
            author,
            when,
            text,
        },
        None => {
            JobKind::Prepare { source: source.url.clone(), agency, accounts, author, when, text }
        }
    };
    Job::new(app.ids.make(), &visitor.user.agency, work, app.clock.now())
}
