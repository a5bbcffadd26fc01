//! *Cần xử lý*: everything that waits for a person, with what is known of it and one press for each decision.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_delivery::{CLOSERS, Incident, NEWSROOM, SetAside};
use loa_model::{
    Account, Delivery, DeliveryState, Job, JobId, JobState, Post, PostState, UserId, record::join,
};
use loa_store::{JobView, Seq, StoreExt, Versioned};
use serde::Serialize;

use crate::{
    Shared,
    accounts::{self, Ending},
    article::ZONE,
    auth::Visitor,
    channels::name_of_user,
    decide::{desk_refusal, failed},
    emergency::{self, Owed},
    error::WebError,
    feeds, pages,
    post::{PostCard, post_row},
    view::{self, ReasonView},
};

/// Jobs and incidents shown.
const MOST: usize = 200;
/// Accounts that are looked at, and of each the newest deliveries in one state: what was dealt with stays in its state.
const LOOKS: usize = 1000;
/// Closed incidents shown.
const LAST_CLOSED: usize = 20;

/// States in which a delivery waits for a person, in the order of the page.
const WAITING: [DeliveryState; 6] = [
    DeliveryState::Uncertain,
    DeliveryState::Held,
    DeliveryState::Missed,
    DeliveryState::Rejected,
    DeliveryState::Dead,
    DeliveryState::Gone,
];

/// Posts in one state.
#[derive(Serialize)]
struct Group {
    state: &'static str,
    posts: Vec<PostCard>,
}

#[derive(Serialize)]
struct IncidentView {
    id: String,
    kind: &'static str,
    /// What it means and what to do.
    say: &'static str,
    account: String,
    account_title: String,
    channel: String,
    /// Its post, when it is about one.
    post: String,
    /// Kind of its job, when it is about one.
    job: &'static str,
    remote_ids: Vec<String>,
    detail: ReasonView,
    at: String,
    closed_by: String,
    closed_at: String,
}

/// A job that was given up.
#[derive(Serialize)]
struct Dead {
    id: String,
    kind: &'static str,
    priority: &'static str,
    source: String,
    /// Where its address is corrected; empty where there is none.
    mend: String,
    article: String,
    /// Its headline.
    title: String,
    lang: String,
    /// Kind of the variant that it draws; empty where it draws none.
    form: String,
    post: String,
    attempt: u32,
    reason: ReasonView,
    /// What the incident about it means; empty where there is none.
    say: &'static str,
    /// When the incident was told.
    at: String,
}

#[derive(Serialize)]
pub(crate) struct Page {
    looks: Vec<Owed>,
    feeds: Vec<feeds::page::Row>,
    ending: Vec<Ending>,
    groups: Vec<Group>,
    dead: Vec<Dead>,
    open: Vec<IncidentView>,
    closed: Vec<IncidentView>,
    may_retry: bool,
    may_close: bool,
    /// Whether nothing waits for anybody.
    quiet: bool,
}

/// What waits for people of one agency.
struct Waiting {
    posts: BTreeMap<DeliveryState, Vec<Post>>,
    /// Jobs that were given up, each with the incident about it.
    jobs: Vec<(JobView, Option<Incident>)>,
    /// All others.
    incidents: Vec<Versioned<Incident>>,
    /// Posts that one person signed in an emergency and a second one has not looked at.
    looks: usize,
    /// Feeds that cannot be read any more.
    feeds: usize,
    /// Accounts whose credentials end soon.
    ending: Vec<Ending>,
}

impl Waiting {
    /// Looks at what is the agency's own only, so that it is found whatever others have.
    async fn of(app: &Shared, agency: &str) -> Result<Self, WebError> {
        let seq = app.store.last_seq();
        let mut found: BTreeMap<DeliveryState, Vec<(Delivery, Post)>> = BTreeMap::new();
        let accounts = join(&[agency, ""]);
        for account in app.store.list::<Account>("account_by_agency", &accounts, LOOKS).await? {
            for state in WAITING {
                let prefix = join(&[account.record.name.as_str(), state.name(), ""]);
                let rows = app.store.list_last("delivery_by_account", &prefix, LOOKS).await?;
                for d in rows.into_iter().map(|row: Versioned<Delivery>| row.record) {
                    if d.agency == agency
                        && let Some(post) = asked(app, &d).await?
                    {
                        found.entry(state).or_default().push((d, post));
                    }
                }
            }
        }
        let newest_first = |mut all: Vec<(Delivery, Post)>| {
            all.sort_by_key(|(d, _)| Reverse((d.not_before, d.id)));
            all.into_iter().map(|(_, post)| post).collect()
        };
        let posts = found.into_iter().map(|(state, all)| (state, newest_first(all))).collect();
        let mut jobs = pages::jobs_of(app, agency, JobState::Discarded).await?;
        jobs.truncate(MOST);
        let incidents = app.desk.open_incidents(agency, MOST).await;
        let mut incidents = incidents.map_err(|error| failed(&error))?;
        // Whoever deals with the job deals with the incident: it is one thing.
        let mut with = |view: JobView| {
            let about = incidents.iter().position(|row| row.record.job == Some(view.job.id));
            let about = about.map(|at| incidents.remove(at).record);
            (view, about)
        };
        let jobs = jobs.into_iter().map(&mut with).collect();
        let looks = emergency::count(app, agency).await?;
        let feeds = feeds::count_in_trouble(app, agency).await?;
        let ending = accounts::ending(app, agency).await?;
        let waiting = Self { posts, jobs, incidents, looks, feeds, ending };
        app.counts.keep(agency, (seq, app.clock.now()), waiting.len());
        Ok(waiting)
    }

    fn len(&self) -> usize {
        let posts: usize = self.posts.values().map(Vec::len).sum();
        let told = self.looks + self.feeds + self.ending.len();
        posts + self.jobs.len() + self.incidents.len() + told
    }
}

/// How long a count holds while nothing is committed: credentials come near their end by themselves.
const HOLDS: SignedDuration = SignedDuration::from_mins(1);

/// How many things wait for people of each agency, as of a commit: until the next one nobody has to look again for a while.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<String, (AsOf, usize)>>);

/// The last commit that was counted, and when.
type AsOf = (Seq, Timestamp);

impl Counts {
    fn keep(&self, agency: &str, as_of: AsOf, count: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(agency.to_owned(), (as_of, count));
    }

    fn now(&self, agency: &str, (seq, now): AsOf) -> Option<usize> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = |(of, at): AsOf| of == seq && now.duration_since(at).abs() < HOLDS;
        kept.get(agency).filter(|(as_of, _)| holds(*as_of)).map(|(_, count)| *count)
    }
}

/// The post of a delivery that a person is asked about: it is the one of its post that counts, its post can still go out or is
/// in doubt, and nobody left it as it is.
async fn asked(app: &Shared, d: &Delivery) -> Result<Option<Post>, WebError> {
    // A person saw it: the machine searches for its receipt, and nobody is asked.
    if d.seen_live.is_some() {
        return Ok(None);
    }
    let over = d.state.is_terminal();
    // Most of what is over was left so: this is asked first.
    if over && app.store.read::<SetAside>(&d.id.to_string()).await?.is_some() {
        return Ok(None);
    }
    let newest = app.desk.delivery_of(d.post).await.map_err(|error| failed(&error))?;
    if newest.is_none_or(|newest| newest.record.id != d.id) {
        return Ok(None);
    }
    let post = app.store.read::<Post>(&d.post.to_string()).await?.map(|row| row.record);
    Ok(post.filter(|post| !over || post.state == PostState::Approved))
}

/// Whether people are asked about a post.
pub(crate) async fn asks(app: &Shared, post: &Post) -> Result<bool, WebError> {
    let newest = app.desk.delivery_of(post.id).await.map_err(|error| failed(&error))?;
    Ok(match newest.map(|row| row.record) {
        Some(d) if WAITING.contains(&d.state) => asked(app, &d).await?.is_some(),
        _ => false,
    })
}

/// How many posts are in each group of the page.
pub(crate) async fn groups(
    app: &Shared,
    agency: &str,
) -> Result<Vec<(&'static str, usize)>, WebError> {
    let waiting = Waiting::of(app, agency).await?;
    let count = |state| waiting.posts.get(&state).map_or(0, Vec::len);
    Ok(WAITING.map(|state| (state.name(), count(state))).to_vec())
}

/// How many things wait for people of an agency.
pub(crate) async fn count(app: &Shared, agency: &str) -> Result<usize, WebError> {
    match app.counts.now(agency, (app.store.last_seq(), app.clock.now())) {
        Some(count) => Ok(count),
        None => Ok(Waiting::of(app, agency).await?.len()),
    }
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    let page = look(&app, &visitor).await?;
    pages::draw(&app, &visitor, "attention", "pages/attention.html", page).await
}

/// Everything that waits for people of the visitor's agency.
pub(crate) async fn look(app: &Shared, visitor: &Visitor) -> Result<Page, WebError> {
    let agency = &visitor.user.agency;
    let mut waiting = Waiting::of(app, agency).await?;
    let mut groups = Vec::new();
    for state in WAITING {
        let mut posts = Vec::new();
        for post in waiting.posts.remove(&state).unwrap_or_default() {
            posts.push(post_row(app, visitor, &post).await?);
        }
        if !posts.is_empty() {
            groups.push(Group { state: state.name(), posts });
        }
    }
    let mut dead = Vec::new();
    for (view, incident) in waiting.jobs {
        dead.push(dead_view(app, visitor, view, incident).await?);
    }
    let closed = app.desk.closed_incidents(agency, LAST_CLOSED).await;
    let closed = closed.map_err(|error| failed(&error))?;
    let mut names = BTreeMap::new();
    let mut views = async |incidents: Vec<Versioned<Incident>>| {
        let mut all = Vec::new();
        for row in incidents {
            all.push(incident_view(app, visitor, row.record, &mut names).await?);
        }
        Ok::<_, WebError>(all)
    };
    let open = views(waiting.incidents).await?;
    let looks = emergency::owed(app, visitor).await?;
    let feeds = feeds::in_trouble(app, agency).await?.into_iter();
    let feeds: Vec<_> = feeds.map(|feed| feeds::page::Row::of(feed, &visitor.lang)).collect();
    Ok(Page {
        quiet: groups.is_empty()
            && dead.is_empty()
            && open.is_empty()
            && looks.is_empty()
            && feeds.is_empty()
            && waiting.ending.is_empty(),
        looks,
        feeds,
        ending: waiting.ending,
        closed: views(closed).await?,
        open,
        groups,
        dead,
        may_retry: visitor.user.is_any(NEWSROOM),
        may_close: visitor.user.is_any(CLOSERS),
    })
}

async fn dead_view(
    app: &Shared,
    visitor: &Visitor,
    view: JobView,
    incident: Option<Incident>,
) -> Result<Dead, WebError> {
    let about = pages::About::of(app, &view.job.work).await?;
    let article = about.article.filter(|_| about.post.is_empty());
    Ok(Dead {
        id: view.job.id.to_string(),
        kind: view.job.work.name(),
        priority: view.job.priority.name(),
        source: about.source,
        mend: about.mend,
        article: article.map(|(id, _)| id.to_string()).unwrap_or_default(),
        title: about.title.unwrap_or_default(),
        lang: about.lang,
        form: about.form,
        post: about.post,
        attempt: view.attempt,
        reason: ReasonView::of(&app.assets, &visitor.lang, &view.reason),
        say: incident.as_ref().map_or("", |told| told.kind.say(&visitor.lang)),
        at: incident.map(|told| view::time(told.at, ZONE)).unwrap_or_default(),
    })
}

async fn incident_view(
    app: &Shared,
    visitor: &Visitor,
    incident: Incident,
    names: &mut BTreeMap<UserId, String>,
) -> Result<IncidentView, WebError> {
    let delivery = match incident.delivery {
        Some(id) => app.store.read::<Delivery>(&id.to_string()).await?.map(|row| row.record),
        None => None,
    };
    let job = match incident.job {
        Some(id) => app.store.read::<Job>(&id.to_string()).await?.map(|row| row.record),
        None => None,
    };
    let account = match &incident.account {
        Some(name) => app.store.read::<Account>(name.as_str()).await?.map(|row| row.record),
        None => None,
    };
    let channel = incident.account.as_ref().map(|name| pages::channel_title(app, name));
    let (closed_by, closed_at) = match incident.closed {
        Some((Some(by), at)) => (name_of_user(app, by, names).await?, view::time(at, ZONE)),
        Some((None, at)) => (String::new(), view::time(at, ZONE)),
        None => (String::new(), String::new()),
    };
    Ok(IncidentView {
        kind: incident.kind.key(),
        say: incident.kind.say(&visitor.lang),
        channel: channel.unwrap_or_default(),
        account: incident.account.map(|name| name.to_string()).unwrap_or_default(),
        account_title: account.map(|account| account.title).unwrap_or_default(),
        post: delivery.map(|d| d.post.to_string()).unwrap_or_default(),
        job: job.map(|job| job.work.name()).unwrap_or_default(),
        remote_ids: incident.remote_ids,
        detail: ReasonView::of(&app.assets, &visitor.lang, &incident.detail),
        at: view::time(incident.at, ZONE),
        closed_by,
        closed_at,
        id: incident.id,
    })
}

/// Somebody dealt with an incident.
pub(crate) async fn close(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let known = app.store.read::<Incident>(&id).await?;
    let known = known.filter(|row| row.record.agency == visitor.user.agency);
    known.ok_or_else(WebError::missing)?;
    let closed = app.desk.close_incident(&id, visitor.user.id).await;
    closed.map_err(|error| desk_refusal(&app, &visitor, &error))?;
    Ok(back())
}

/// Has a job tried again that was given up.
pub(crate) async fn retry(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: JobId = id.parse().map_err(|_| WebError::missing())?;
    pages::own_job(&app, &visitor, id).await?;
    let done = app.desk.retry_job(id, visitor.user.id).await;
    done.map_err(|error| desk_refusal(&app, &visitor, &error))?;
    Ok(back())
}

/// Nobody wants a job any more that was given up.
pub(crate) async fn give_up(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: JobId = id.parse().map_err(|_| WebError::missing())?;
    pages::own_job(&app, &visitor, id).await?;
    let left = app.desk.leave_job(id, visitor.user.id).await;
    left.map_err(|error| desk_refusal(&app, &visitor, &error))?;
    Ok(back())
}

fn back() -> Response {
    Redirect::to("/can-xu-ly").into_response()
}
