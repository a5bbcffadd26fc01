//! *Bài viết*: what was read, how it stands, and how something new comes in.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{DefaultBodyLimit, Multipart, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{
    Account, AccountName, Article, Handed, Job, JobId, JobKind, PostFormat, Priority, When,
    article::article_key,
};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared, accounts,
    article::ZONE,
    asked::{self, Chip, Filters},
    auth::Visitor,
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages::{self, JobCard, name_of},
    priority, start, view,
};

mod catalogue;
pub(crate) mod fold;

pub(crate) use catalogue::Catalogue;
use catalogue::{Behind, Hit, Question, Status};

/// Articles of a page, and of an answer when nobody says how many.
const A_PAGE: usize = 50;
/// Most of an answer.
const MOST: usize = 200;
/// Largest file of an article, bytes: what is read of a page.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// How much a form with a file may hold.
pub(crate) fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MOST_BYTES + 64 * 1024)
}

/// Endings of files that can be read.
const ENDINGS: [&str; 7] = ["html", "htm", "xhtml", "json", "md", "markdown", "txt"];

/// One post in a line.
#[derive(Debug, Serialize)]
struct Pill {
    channel: String,
    format: String,
    state: String,
}

/// An article in a list.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    lang: String,
    title: String,
    publisher: String,
    section: String,
    at: String,
    revision: u32,
    state: String,
    status: String,
    /// Urgent while a post of it is that is not over.
    priority: &'static str,
    photo: Option<String>,
    doubts: usize,
    /// Another article that begins alike; empty without one.
    twin: String,
    posts: Vec<Pill>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(default = "first")]
    trang: usize,
    /// An address that could not be read, to be corrected.
    #[serde(default, rename = "dia-chi")]
    address: String,
}

fn first() -> usize {
    1
}

#[derive(Serialize)]
struct List {
    jobs: Vec<JobCard>,
    asked: Question,
    chips: Vec<Chip>,
    articles: Vec<Row>,
    total: usize,
    all: usize,
    from: usize,
    to: usize,
    before: String,
    after: String,
    statuses: Vec<String>,
    sections: Vec<String>,
    sources: Vec<String>,
    accounts: Vec<(String, String, String)>,
    may_write: bool,
    #[serde(flatten)]
    beside: Beside,
    /// Where what is ticked is composed, with the filters that are on.
    compose: String,
    /// The steps to the first live post, until there is one.
    start: Option<start::Start>,
    /// The first live post, while that is news; empty otherwise.
    first_live: String,
}

/// What stands beside the list after somebody did something.
#[derive(Default, Serialize)]
struct Beside {
    /// How many articles are being composed now, after somebody asked for it.
    composing: Option<usize>,
    /// What was ticked when something was missing; nothing otherwise.
    ticked: Option<Ticked>,
    /// An address to be corrected.
    address: String,
}

/// What a person ticked who forgot something.
#[derive(Serialize)]
struct Ticked {
    articles: Vec<String>,
    accounts: Vec<String>,
}

/// What is asked for, as the fields of the form.
fn filters(asked: &Question) -> Filters {
    Filters::of([
        ("q", asked.q.clone()),
        ("status", asked.status.map(|status| name_of(&status)).unwrap_or_default()),
        ("section", asked.section.clone()),
        ("source", asked.source.clone()),
        ("from", asked::day(asked.from)),
        ("to", asked::day(asked.to)),
    ])
}

/// The list, as it was asked for.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
    Query(Page { trang, address }): Query<Page>,
) -> Result<Html<String>, WebError> {
    let beside = Beside { address, ..Beside::default() };
    show(&app, &visitor, asked, trang.max(1), beside).await
}

async fn show(
    app: &Shared,
    visitor: &Visitor,
    asked: Question,
    number: usize,
    beside: Beside,
) -> Result<Html<String>, WebError> {
    let agency = &visitor.user.agency;
    let skip = (number - 1).saturating_mul(A_PAGE);
    let found = app.catalogue.find(&*app.store, agency, &asked, Behind::Skip(skip, A_PAGE)).await?;
    let rows: Vec<Row> = found.articles.into_iter().map(|hit| row(app, hit)).collect();
    let filters = filters(&asked);
    let turned = |page: usize| {
        let page = if page > 1 { page.to_string() } else { String::new() };
        filters.address("/", "", &[("trang", &page)])
    };
    let accounts = accounts::connected(app, agency).await?;
    let accounts = accounts.into_iter().map(|account| {
        let place = pages::place(app, &account.name);
        (account.name.to_string(), account.title, place)
    });
    let more = skip + rows.len() < found.total;
    let start = start::on_start_page(app, visitor).await?;
    let list = List {
        first_live: start::first_live(app, visitor).await?.unwrap_or_default(),
        jobs: pages::job_cards(app, visitor, None).await?,
        chips: filters.chips("/", |_, value| value.to_owned()),
        total: found.total,
        all: found.all,
        from: if rows.is_empty() { 0 } else { skip + 1 },
        to: skip + rows.len(),
        before: if number > 1 { turned(number - 1) } else { String::new() },
        after: if more { turned(number + 1) } else { String::new() },
        statuses: Status::ALL.iter().map(name_of).collect(),
        sections: found.sections,
        sources: found.sources,
        accounts: accounts.collect(),
        may_write: crate::ways::WRITERS.lets(Some(&visitor.user.roles)),
        articles: rows,
        asked,
        beside,
        compose: filters.address("/bai-viet/soan", "", &[]),
        start,
    };
    pages::draw(app, visitor, "articles", "pages/articles.html", list).await
}

fn row(app: &Shared, Hit { line, status, priority, twin, posts }: Hit) -> Row {
    let title = |channel: &str| app.capabilities.get(channel).map(|known| known.title.clone());
    let pill = |(channel, format, state): (Arc<str>, PostFormat, String)| Pill {
        channel: title(&channel).unwrap_or_else(|| channel.to_string()),
        format: name_of(&format),
        state,
    };
    Row {
        id: line.id.to_string(),
        title: line.title.clone(),
        at: view::time(line.at, ZONE),
        revision: line.revision,
        state: name_of(&line.state),
        status: name_of(&status),
        priority: priority.name(),
        photo: line.photo.map(|blob| blob.to_string()),
        doubts: line.doubts,
        twin: twin.map(|id| id.to_string()).unwrap_or_default(),
        posts: posts.into_iter().map(pill).collect(),
        lang: line.lang.clone(),
        publisher: line.publisher.clone(),
        section: line.section.clone(),
    }
}

/// Articles of the caller's agency that fit a question, newest first.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
    Query(part): Query<Part>,
) -> Result<Piece<Value>, WebError> {
    let agency = &visitor.user.agency;
    let behind = Behind::Place(part.after()?, part.limit()?);
    let found = app.catalogue.find(&*app.store, agency, &asked, behind).await?;
    let mut articles = Vec::new();
    for Hit { line, status, priority, .. } in &found.articles {
        let key = article_key(line.id, line.revision);
        let Some(row) = app.store.read::<Article>(&key).await? else { continue };
        let article = row.record;
        articles.push(json!({
            "id": article.id, "revision": article.revision, "digest": article.digest, "state": article.state,
            "title": article.title(), "url": article.source.canonical_url, "publisher": article.source.publisher,
            "section": article.section, "lang": article.lang, "published_at": article.published_at,
            "status": status, "priority": priority, "doubts": article.doubts,
        }));
    }
    let next = found.next.map(|place| piece::cursor(&place));
    Ok(Piece::new(articles, next).with("total", found.total))
}

/// The list as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let text = || json!({ "type": "string" });
    let day = || json!({ "type": "string", "format": "date" });
    let statuses: Vec<String> = Status::ALL.iter().map(name_of).collect();
    let parameter =
        |(name, schema): (&str, Value)| json!({ "name": name, "in": "query", "schema": schema });
    let parameters = [
        ("q", text()),
        ("status", json!({ "enum": statuses })),
        ("section", text()),
        ("source", text()),
        ("from", day()),
        ("to", day()),
    ];
    piece::told(
        "Articles of the caller's agency, newest first; words are found without the marks of Vietnamese",
        "Articles, and how many fit in all",
        &parameters.map(parameter),
    )
}

#[derive(Deserialize)]
pub(crate) struct Source {
    source: String,
    priority: Option<String>,
}

fn is_web(address: &str) -> bool {
    url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// Queues the reading of a pasted address.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(form): Form<Source>,
) -> Result<Response, WebError> {
    queue_address(&app, &visitor, &form.source, form.priority.as_deref()).await?;
    Ok(Redirect::to("/#jobs").into_response())
}

/// Queues the reading of an address; the answer is the job.
pub(crate) async fn queue_address(
    app: &Shared,
    visitor: &Visitor,
    source: &str,
    urgency: Option<&str>,
) -> Result<JobId, WebError> {
    let source = source.trim();
    if !is_web(source) {
        return Err(WebError::unfit(
            "Địa chỉ phải bắt đầu bằng http:// hoặc https:// / The address must begin with http:// or https://",
        ));
    }
    read(app, visitor, source.to_owned(), priority::chosen(urgency)?).await
}

async fn read(
    app: &Shared,
    visitor: &Visitor,
    source: String,
    priority: Priority,
) -> Result<JobId, WebError> {
    let agency = &visitor.user.agency;
    let work = JobKind::Ingest { source, agency: agency.clone() };
    let job = Job { priority, ..Job::new(app.ids.make(), agency, work, app.clock.now()) };
    let id = job.id;
    app.store.commit(Changes::by(visitor.actor(), "queue an article").enqueue(job)).await?;
    Ok(id)
}

/// Queues the reading of a file that a browser hands in.
pub(crate) async fn upload(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Multipart,
) -> Result<Response, WebError> {
    queue_file(&app, &visitor, form).await?;
    Ok(Redirect::to("/#jobs").into_response())
}

/// Queues the reading of a file; the answer is the job.
pub(crate) async fn queue_file(
    app: &Shared,
    visitor: &Visitor,
    mut form: Multipart,
) -> Result<JobId, WebError> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return WebError::unfit(
                "Tệp quá lớn, tối đa 5 MiB / The file is too large, 5 MiB at most",
            );
        }
        WebError::unfit("Không nhận được tệp, hãy thử lại / The file did not arrive, try again")
    };
    let (mut file, mut page, mut urgency) = (None, String::new(), None);
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "file" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                file = Some((name, field.bytes().await.map_err(broken)?));
            }
            "page" => field.text().await.map_err(broken)?.trim().clone_into(&mut page),
            "priority" => urgency = Some(field.text().await.map_err(broken)?),
            _ => {}
        }
    }
    let Some((name, bytes)) = file.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Err(WebError::unfit("Hãy chọn một tệp / Choose a file"));
    };
    // A browser may send a path, and nothing but the last part is a name.
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    if !ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) {
        return Err(WebError::unfit(
            "Chỉ nhận tệp .html, .json, .md hoặc .txt / Only .html, .json, .md or .txt files are taken",
        ));
    }
    if bytes.len() > MOST_BYTES {
        return Err(WebError::unfit(
            "Tệp quá lớn, tối đa 5 MiB / The file is too large, 5 MiB at most",
        ));
    }
    if !page.is_empty() && !is_web(&page) {
        return Err(WebError::unfit(
            "Địa chỉ phải bắt đầu bằng http:// hoặc https:// / The address must begin with http:// or https://",
        ));
    }
    let priority = priority::chosen(urgency.as_deref())?;
    // The bytes are kept before anything names them.
    let blob = app.blobs.put(bytes).await?;
    let page = Some(page).filter(|page| !page.is_empty());
    read(app, visitor, Handed { blob, name, page }.to_string(), priority).await
}

/// Queues the composing of several articles for the same accounts. Asked again it makes no post twice.
pub(crate) async fn compose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
    body: String,
) -> Result<Response, WebError> {
    // A checkbox group repeats its name, which form structs cannot hold.
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
    let of = |name: &'static str| pairs.iter().filter(move |(key, _)| key == name);
    let all = |name| of(name).map(|(_, value)| value.to_string()).collect::<Vec<_>>();
    let priority = priority::chosen(of("priority").next().map(|(_, name)| name.as_ref()))?;
    let articles: Vec<String> = all("articles").into_iter().take(MOST).collect();
    let accounts = all("accounts");
    if articles.is_empty() || accounts.is_empty() {
        // What was ticked stays ticked.
        let ticked = Some(Ticked { articles, accounts });
        let beside = Beside { ticked, ..Beside::default() };
        let page = show(&app, &visitor, asked, 1, beside).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let wanted = (articles.as_slice(), accounts.as_slice());
    let count = queue_composing(&app, &visitor, wanted, (priority, When::Usual)).await?.len();
    let beside = Beside { composing: Some(count), ..Beside::default() };
    let page = show(&app, &visitor, asked, 1, beside).await?;
    Ok(page.into_response())
}

/// Queues the composing of articles for accounts; the answer is a job for each article. Where one is under way that does it as
/// soon, that one is the answer: pressing twice starts nothing twice.
pub(crate) async fn queue_composing(
    app: &Shared,
    visitor: &Visitor,
    (articles, accounts): (&[String], &[String]),
    (priority, when): (Priority, When),
) -> Result<Vec<JobId>, WebError> {
    let accounts: Result<Vec<AccountName>, _> = accounts.iter().map(|name| name.parse()).collect();
    let accounts = accounts.map_err(|error| WebError::unfit(error.to_string()))?;
    if accounts.is_empty() {
        return Err(WebError::unfit(
            "Hãy chọn ít nhất một tài khoản / Choose at least one account",
        ));
    }
    if articles.is_empty() {
        return Err(WebError::unfit("Hãy chọn ít nhất một bài viết / Choose at least one article"));
    }
    let (agency, now) = (&visitor.user.agency, app.clock.now());
    let connected = accounts::connected(app, agency).await?;
    for name in &accounts {
        let account = app.store.read::<Account>(name.as_str()).await?;
        if account.is_none_or(|row| row.record.agency != *agency) {
            return Err(WebError::unfit(format!(
                "Không có tài khoản {name} / There is no account {name}"
            )));
        }
        // What waits for an account that was never connected waits for ever.
        if !connected.iter().any(|account| account.name == *name) {
            return Err(WebError::unfit(format!(
                "Tài khoản {name} chưa nối được: hãy nối xong rồi soạn / Account {name} is not connected yet: connect it first"
            )));
        }
    }
    let mut changes = Changes::by(visitor.actor(), "queue composing");
    let mut jobs = Vec::new();
    let mut open = Vec::new();
    for state in pages::UNFINISHED {
        let own = pages::jobs_of(app, agency, state).await?.into_iter();
        open.extend(own.map(|view| view.job));
    }
    for id in articles {
        let article = crate::article::find(app, visitor, id).await?;
        let work = JobKind::Compose {
            article: article.id,
            revision: article.revision,
            accounts: accounts.clone(),
            author: visitor.user.id,
            when,
            text: None,
        };
        let same = |job: &&Job| job.priority <= priority && does(&job.work, &work);
        if let Some(job) = open.iter().find(same) {
            jobs.push(job.id);
            continue;
        }
        let job = Job { priority, ..Job::new(app.ids.make(), agency, work, now) };
        jobs.push(job.id);
        changes = changes.enqueue(job);
    }
    if !changes.enqueue.is_empty() {
        app.store.commit(changes).await?;
    }
    Ok(jobs)
}

/// Whether the work under way makes every post that the other would, for the same time.
fn does(open: &JobKind, other: &JobKind) -> bool {
    let JobKind::Compose { article, revision, accounts, when, text: None, .. } = other else {
        return false;
    };
    matches!(open, JobKind::Compose { article: a, revision: r, accounts: all, when: w, text: None, .. }
        if (a, r, w) == (article, revision, when) && accounts.iter().all(|name| all.contains(name)))
}
