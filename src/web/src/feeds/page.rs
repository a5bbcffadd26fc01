//! The page of feeds, and that of one.

use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::Account;
use serde::{Deserialize, Serialize};

use super::{Change, FeedView, ItemView, NewFeed, Taste};
use crate::{
    Shared,
    article::{ZONE, web_address},
    auth::Visitor,
    error::WebError,
    pages,
    view::{self, ReasonView},
};

/// A feed in the list and at the top of its page.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    id: String,
    title: String,
    url: String,
    by: String,
    every: u32,
    accounts: Vec<String>,
    since: String,
    paused: bool,
    trouble: bool,
    next: String,
    looked: String,
    new: String,
    waiting: u32,
    /// Why the last look failed, in the reader's language; empty when it did not.
    failed: String,
    times: u32,
    failed_at: String,
    found: String,
}

impl Row {
    pub(crate) fn of(feed: FeedView, lang: &str) -> Self {
        let time = |at: Option<jiff::Timestamp>| at.map(|at| view::time(at, ZONE));
        let failed = feed.failed;
        Self {
            id: feed.id.to_string(),
            // The first look learns how a feed calls itself.
            title: if feed.title.is_empty() { feed.url.clone() } else { feed.title },
            url: feed.url,
            by: feed.by,
            every: feed.every_minutes,
            accounts: feed.accounts.iter().map(ToString::to_string).collect(),
            since: view::time(feed.since, ZONE),
            paused: feed.paused,
            trouble: feed.in_trouble,
            next: time(feed.next_at).unwrap_or_default(),
            looked: time(feed.looked_at).unwrap_or_default(),
            new: time(feed.new_at).unwrap_or_default(),
            waiting: feed.waiting,
            times: failed.as_ref().map_or(0, |failed| failed.times),
            failed_at: time(failed.as_ref().map(|failed| failed.at)).unwrap_or_default(),
            found: failed.as_ref().map(|failed| failed.found.clone()).unwrap_or_default(),
            failed: failed.map_or_else(String::new, |failed| {
                if lang == "en" { failed.detail_en } else { failed.detail_vi }
            }),
        }
    }
}

#[derive(Debug, Serialize)]
struct Item {
    title: String,
    url: String,
    /// The address as it is kept: the form sends it back.
    key: String,
    published: String,
    found: String,
    state: &'static str,
    article: Option<String>,
    reason: ReasonView,
}

#[derive(Serialize)]
struct TriedRow {
    title: String,
    url: String,
    at: String,
    known: bool,
}

/// A feed that was tried, with the form that keeps it.
#[derive(Serialize)]
struct Shown {
    url: String,
    title: String,
    total: usize,
    undated: usize,
    entries: Vec<TriedRow>,
}

#[derive(Serialize)]
struct Named {
    name: String,
    title: String,
    place: String,
    chosen: bool,
}

#[derive(Default, Serialize)]
struct List {
    feeds: Vec<Row>,
    accounts: Vec<Named>,
    /// What the form holds.
    url: String,
    tried: Option<Shown>,
    problem: String,
    may_write: bool,
}

#[derive(Serialize)]
struct One {
    feed: Row,
    items: Vec<Item>,
    accounts: Vec<Named>,
    problem: String,
    may_write: bool,
}

async fn accounts(
    app: &Shared,
    visitor: &Visitor,
    chosen: &[String],
) -> Result<Vec<Named>, WebError> {
    let named = |account: Account| {
        let name = account.name.to_string();
        let place = pages::place(app, &account.name);
        Named { chosen: chosen.contains(&name), name, place, title: account.title }
    };
    let all = crate::accounts::connected(app, &visitor.user.agency).await?;
    Ok(all.into_iter().map(named).collect())
}

fn may_write(visitor: &Visitor) -> bool {
    crate::ways::WRITERS.lets(Some(&visitor.user.roles))
}

async fn draw(app: &Shared, visitor: &Visitor, list: List) -> Result<Html<String>, WebError> {
    let lang = &visitor.lang;
    let feeds = super::all(app, visitor).await?.into_iter().map(|feed| Row::of(feed, lang));
    let feeds = feeds.collect();
    let accounts = accounts(app, visitor, &[]).await?;
    let list = List { feeds, accounts, may_write: may_write(visitor), ..list };
    pages::draw(app, visitor, "articles", "pages/feeds.html", list).await
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    draw(&app, &visitor, List::default()).await
}

/// The list again, with what kept the change from being made.
async fn refused(
    app: &Shared,
    visitor: &Visitor,
    url: String,
    error: WebError,
) -> Result<Response, WebError> {
    let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
    let list = List { url, problem, ..List::default() };
    Ok((error.status, draw(app, visitor, list).await?).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    url: String,
}

/// Shows what a feed holds before it is kept.
pub(crate) async fn taste(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, WebError> {
    let url = wanted.url.trim().to_owned();
    let taste = match super::taste(&app, &visitor, &url).await {
        Ok(taste) => taste,
        Err(error) => return refused(&app, &visitor, url, error).await,
    };
    let list = List { url, tried: Some(shown(taste)), ..List::default() };
    Ok(draw(&app, &visitor, list).await?.into_response())
}

fn shown(taste: Taste) -> Shown {
    let row = |entry: super::Tried| TriedRow {
        at: entry.published_at.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        url: web_address(&entry.url),
        title: if entry.title.is_empty() { entry.url } else { entry.title },
        known: entry.known,
    };
    Shown {
        url: taste.url,
        title: taste.title,
        total: taste.total,
        undated: taste.undated,
        entries: taste.entries.into_iter().map(row).collect(),
    }
}

/// The fields of a form, of which one may be there several times.
fn fields(body: &str) -> impl Fn(&str) -> Vec<String> + '_ {
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    move |name| {
        let of = pairs.iter().filter(|(key, _)| key == name);
        of.map(|(_, value)| value.clone()).collect()
    }
}

fn number(text: Option<String>) -> Result<Option<u32>, WebError> {
    let text = text.filter(|text| !text.trim().is_empty());
    let parsed = text.map(|text| text.trim().parse::<u32>()).transpose();
    parsed.map_err(|_| WebError::unfit("Hãy điền một số / Fill in a number"))
}

/// Accounts that are ticked, when drafts are to be written at all.
fn ticked(of: &impl Fn(&str) -> Vec<String>) -> Result<Vec<String>, WebError> {
    if of("then").first().is_none_or(|then| then != "compose") {
        return Ok(Vec::new());
    }
    let accounts = of("accounts");
    if accounts.is_empty() {
        return Err(WebError::unfit(
            "Hãy chọn ít nhất một tài khoản, hoặc chọn “chỉ đọc” / Choose at least one account, or “only read”",
        ));
    }
    Ok(accounts)
}

/// Keeps a feed that was tried.
pub(crate) async fn keep(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: String,
) -> Result<Response, WebError> {
    let of = fields(&body);
    let first = |name: &str| of(name).into_iter().next();
    let url = first("url").unwrap_or_default();
    let new = || {
        Ok(NewFeed {
            url: url.clone(),
            title: first("title").unwrap_or_default(),
            every_minutes: number(first("every"))?.unwrap_or_else(super::half_an_hour),
            hours: number(first("hours"))?.unwrap_or(0),
            accounts: ticked(&of)?,
        })
    };
    let added = match new() {
        Ok(new) => super::add(&app, &visitor, new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(feed) => Ok(back(&feed.id.to_string())),
        Err(error) => refused(&app, &visitor, url, error).await,
    }
}

fn back(id: &str) -> Response {
    Redirect::to(&format!("/nguon/{id}")).into_response()
}

async fn draw_one(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    problem: String,
) -> Result<Html<String>, WebError> {
    let (feed, items) = super::one(app, visitor, id).await?;
    let feed = Row::of(feed, &visitor.lang);
    let item = |item: ItemView| Item {
        url: web_address(&item.url),
        title: if item.title.is_empty() { item.url.clone() } else { item.title },
        key: item.url,
        published: item.published_at.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        found: view::time(item.found_at, ZONE),
        state: item.state,
        article: item.article,
        reason: super::why(app, &visitor.lang, &item.reason),
    };
    let items = items.into_iter().map(item).collect();
    let accounts = accounts(app, visitor, &feed.accounts).await?;
    let one = One { feed, items, accounts, problem, may_write: may_write(visitor) };
    pages::draw(app, visitor, "articles", "pages/feed.html", one).await
}

pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    draw_one(&app, &visitor, &id, String::new()).await
}

/// Back to the page of a feed, or that page with what kept the change from being made.
async fn ended<T>(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    done: Result<T, WebError>,
) -> Result<Response, WebError> {
    match done {
        Ok(_) => Ok(back(id)),
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            let page = draw_one(app, visitor, id, problem).await?;
            Ok((error.status, page).into_response())
        }
    }
}

pub(crate) async fn change(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let of = fields(&body);
    let first = |name: &str| of(name).into_iter().next();
    let wanted = || {
        let every_minutes = number(first("every"))?;
        let accounts = if first("then").is_some() { Some(ticked(&of)?) } else { None };
        Ok(Change { title: first("title"), every_minutes, accounts, paused: None })
    };
    let done = match wanted() {
        Ok(wanted) => super::change(&app, &visitor, &id, wanted).await,
        Err(error) => Err(error),
    };
    ended(&app, &visitor, &id, done).await
}

async fn pausing(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    paused: bool,
) -> Result<Response, WebError> {
    let wanted = Change { paused: Some(paused), ..Change::default() };
    ended(app, visitor, id, super::change(app, visitor, id, wanted).await).await
}

pub(crate) async fn pause(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    pausing(&app, &visitor, &id, true).await
}

pub(crate) async fn resume(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    pausing(&app, &visitor, &id, false).await
}

pub(crate) async fn look(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    ended(&app, &visitor, &id, super::look_now(&app, &visitor, &id).await).await
}

pub(crate) async fn read(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(entry): Form<Wanted>,
) -> Result<Response, WebError> {
    ended(&app, &visitor, &id, super::read_item(&app, &visitor, &id, &entry.url).await).await
}

pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    super::remove(&app, &visitor, &id).await?;
    Ok(Redirect::to("/nguon").into_response())
}
