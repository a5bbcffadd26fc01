//! Lists: articles with running work, approvals, posts.

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::SWITCHERS;
use loa_model::{
    Account, AccountName, Actor, Article, ArticleId, Delivery, Feed, Handed, JobId, JobKind,
    JobState, Post, PostState, Priority, Role, Variant, VariantId, record::join,
};
use loa_store::{JobView, StoreExt, Versioned};
use serde::Serialize;

use crate::{
    Shared,
    acting::{self, AgencyView},
    asked::Filters,
    attention, audit,
    auth::Visitor,
    channels::{StopView, stops},
    correction,
    decide::failed,
    error::WebError,
    operation::piece::{self, Part},
    posts,
    view::ReasonView,
};

/// What every page shows around its own content.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Frame<T: Serialize> {
    pub(crate) page: &'static str,
    pub(crate) user: UserView,
    #[serde(flatten)]
    pub(crate) badges: Badges,
    /// What keeps posts from going out: told on every page while it does.
    pub(crate) stops: Vec<StopView>,
    #[serde(flatten)]
    pub(crate) content: T,
}

/// The numbers in the menu: what waits for this visitor.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Badges {
    /// Posts to approve; none for who does not approve.
    waiting: usize,
    /// Posts of the visitor that an approver sent back.
    returned: usize,
    /// Things that wait for a person.
    attention: usize,
}

impl Badges {
    pub(crate) async fn of(app: &Shared, visitor: &Visitor) -> Result<Self, WebError> {
        let agency = &visitor.user.agency;
        let approves = visitor.user.is(Role::Approver);
        let waiting = if approves { count_in_review(app, agency).await? } else { 0 };
        let returned = posts::returned(app, visitor).await?.len();
        Ok(Self { waiting, returned, attention: attention::count(app, agency).await? })
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct UserView {
    name: String,
    /// The agencies they may act for; one is marked as the one they act for.
    agencies: Vec<AgencyView>,
    /// Whether the log is theirs to read.
    reads_audit: bool,
    /// Whether the person manages people.
    admin: bool,
    /// Whether the person stops posting.
    stops: bool,
}

pub(crate) async fn draw<T: Serialize + 'static>(
    app: &Shared,
    visitor: &Visitor,
    page: &'static str,
    template: &str,
    content: T,
) -> Result<Html<String>, WebError> {
    let badges = Badges::of(app, visitor).await?;
    let stops = stops(app, visitor).await?;
    let user = UserView {
        name: visitor.user.name.clone(),
        agencies: acting::agencies(app, visitor).await?,
        reads_audit: audit::READERS.lets(Some(&visitor.user.roles)),
        admin: visitor.user.is(Role::Admin),
        stops: visitor.user.is_any(SWITCHERS),
    };
    let frame = Frame { page, user, badges, stops, content };
    Ok(Html(app.assets.render(template, &visitor.lang, frame)?))
}

/// A running or failed job, for people.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct JobCard {
    pub(crate) id: String,
    kind: &'static str,
    /// The source that is read.
    what: String,
    /// Where its address is corrected; empty where it has none.
    mend: String,
    /// The variant that is drawn, by its kind; empty where none is.
    form: String,
    /// The article's headline and where it is; empty on its own page.
    title: String,
    lang: String,
    link: String,
    /// How many accounts it composes for.
    accounts: usize,
    /// How it stands: it `runs`, `waits` for its turn, `needs` what is drawn first, comes `again`, or was `given_up`.
    stands: &'static str,
    /// Kinds of variants that are drawn before it can go on.
    needs: Vec<String>,
    priority: &'static str,
    running: bool,
    percent: Option<u64>,
    step: String,
    reason: ReasonView,
    /// The variant that it draws.
    #[serde(skip)]
    variant: Option<VariantId>,
}

impl JobCard {
    /// Whether it draws this variant.
    pub(crate) fn draws(&self, variant: VariantId) -> bool {
        self.variant == Some(variant)
    }

    /// Whether it composes and still has work before it.
    pub(crate) fn is_composing(&self) -> bool {
        self.running && self.kind == "compose"
    }

    /// Whether it still has work before it.
    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// Whether it draws one of these and still has work before it.
    pub(crate) fn is_drawing(&self, variants: &[Variant]) -> bool {
        self.running && variants.iter().any(|variant| self.draws(variant.id))
    }
}

/// Jobs shown of each state.
const MOST_JOBS: usize = 200;

/// States of a job that still has work before it.
pub(crate) const UNFINISHED: [JobState; 4] =
    [JobState::Executing, JobState::Available, JobState::Retryable, JobState::Scheduled];

/// A source as people know it: an address, or the name of a file.
pub(crate) fn shown(source: &str) -> String {
    Handed::parse(source).map_or_else(|| source.to_owned(), |file| file.name)
}

/// The job, when it is of the visitor's agency.
pub(crate) async fn own_job(
    app: &Shared,
    visitor: &Visitor,
    id: JobId,
) -> Result<JobView, WebError> {
    let view = app.store.job(id).await?;
    view.filter(|view| view.job.agency == visitor.user.agency).ok_or_else(WebError::missing)
}

/// A step of a job in words: the worker names a key of the locale files.
pub(crate) fn step_word(app: &Shared, lang: &str, step: &str) -> String {
    let key = if step.starts_with("job.") { step.to_owned() } else { format!("step.{step}") };
    let word = app.assets.word(lang, &key);
    if word == key { step.to_owned() } else { word }
}

/// Jobs of an agency in this state, the newest first, found whatever others have.
pub(crate) async fn jobs_of(
    app: &Shared,
    agency: &str,
    state: JobState,
) -> Result<Vec<JobView>, WebError> {
    let mut jobs = app.store.jobs(Some(state), usize::MAX).await?;
    jobs.retain(|view| view.job.agency == agency);
    Ok(jobs)
}

/// Jobs of an agency that run, wait or were given up, without measurements and looks at feeds: those go on for months.
pub(crate) async fn job_cards(
    app: &Shared,
    visitor: &Visitor,
    only: Option<&str>,
) -> Result<Vec<JobCard>, WebError> {
    let progress = app.progress.borrow().clone();
    let mut jobs = Vec::new();
    for state in UNFINISHED.into_iter().chain([JobState::Discarded]) {
        let own = jobs_of(app, &visitor.user.agency, state).await?.into_iter();
        let shown = own.filter(|view| {
            !matches!(view.job.work, JobKind::Measure { .. } | JobKind::Watch { .. })
        });
        jobs.extend(shown.take(MOST_JOBS));
    }
    let mut cards = Vec::new();
    for view in jobs {
        let about = About::of(app, &view.job.work).await?;
        let of = about.article.map(|(article, _)| article.to_string());
        if only.is_some_and(|article| of.as_deref() != Some(article)) {
            continue;
        }
        let now = progress.get(&view.job.id);
        let (mut needs, mut accounts) = (Vec::new(), 0);
        if let JobKind::Compose { article, revision, accounts: all, .. } = &view.job.work {
            accounts = all.len();
            if view.state == JobState::Scheduled {
                let drawing = app.review.drawing(*article, *revision).await?;
                needs = drawing.iter().map(name_of).collect();
            }
        }
        let stands = match view.state {
            JobState::Executing => "runs",
            JobState::Retryable => "again",
            JobState::Scheduled if !needs.is_empty() => "needs",
            JobState::Discarded => "given_up",
            _ => "waits",
        };
        // The page of an article says which one it is.
        let elsewhere = only.is_none();
        cards.push(JobCard {
            id: view.job.id.to_string(),
            kind: view.job.work.name(),
            what: about.source,
            mend: about.mend,
            form: about.form,
            title: about.title.filter(|_| elsewhere).unwrap_or_default(),
            lang: about.lang,
            link: of.filter(|_| elsewhere).map(|id| format!("/bai-viet/{id}")).unwrap_or_default(),
            accounts,
            stands,
            needs,
            priority: view.job.priority.name(),
            running: view.state != JobState::Discarded,
            variant: view.job.work.variant(),
            percent: now.filter(|p| p.total > 0).map(|p| p.done * 100 / p.total),
            step: now.map(|p| step_word(app, &visitor.lang, &p.step)).unwrap_or_default(),
            reason: ReasonView::of(&app.assets, &visitor.lang, &view.reason),
        });
    }
    Ok(cards)
}

/// What a job is about, for people.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// The article with the revision that it works on.
    pub(crate) article: Option<(ArticleId, u32)>,
    /// Its headline.
    pub(crate) title: Option<String>,
    pub(crate) lang: String,
    /// Kind of the variant that it draws; empty where it draws none.
    pub(crate) form: String,
    /// What it reads; empty where it reads nothing.
    pub(crate) source: String,
    /// Where an address that a person gave is corrected; empty where none was given.
    pub(crate) mend: String,
    /// The post that it measures; empty where it measures none.
    pub(crate) post: String,
}

impl About {
    pub(crate) async fn of(app: &Shared, work: &JobKind) -> Result<Self, WebError> {
        let mut about = Self::default();
        match work {
            JobKind::Ingest { source, .. } | JobKind::Prepare { source, .. } => {
                about.source = shown(source);
                if matches!(work, JobKind::Ingest { .. }) && Handed::parse(source).is_none() {
                    let filled = Filters::of([("dia-chi", source.clone())]);
                    about.mend = format!("{}#source", filled.address("/", "", &[]));
                }
            }
            JobKind::Brief { article, revision } | JobKind::Compose { article, revision, .. } => {
                about.article = Some((*article, *revision));
            }
            JobKind::Draw { variant } | JobKind::Render { variant } => {
                if let Some(row) = app.store.read::<Variant>(&variant.to_string()).await? {
                    about.article = Some((row.record.article, row.record.revision));
                    about.form = name_of(&row.record.kind);
                }
            }
            JobKind::Measure { post, .. } => {
                about.post = post.to_string();
                let row = app.store.read::<Post>(&about.post).await?;
                about.article = row.map(|row| (row.record.article, row.record.revision));
            }
            JobKind::Watch { feed, .. } => {
                let row = app.store.read::<Feed>(&feed.to_string()).await?;
                about.source = row.map(|row| row.record.url).unwrap_or_default();
            }
        }
        if let Some((article, revision)) = about.article {
            let key = loa_model::article::article_key(article, revision);
            if let Some(row) = app.store.read::<Article>(&key).await? {
                about.title = Some(row.record.title().to_owned());
                about.lang = row.record.lang;
            }
        }
        Ok(about)
    }
}

/// The state a person cares about: the delivery's once there is one, else the post's. A correction has no delivery of its own:
/// it is `applied` once the live post took it.
pub(crate) async fn state_of(
    app: &Shared,
    post: &Post,
) -> Result<(String, Option<Delivery>), WebError> {
    let found = app.desk.delivery_of(post.id).await.map_err(|error| failed(&error))?;
    let delivery = found.map(|row| row.record);
    let state = match (&delivery, post.state) {
        (Some(delivery), PostState::Approved) => delivery.state.name().to_owned(),
        (None, PostState::Approved) if correction::is_applied(app, post).await? => {
            "applied".to_owned()
        }
        (_, state) => name_of(&state),
    };
    Ok((state, delivery))
}

/// The name that the audience sees; the account's own name when it is gone.
pub(crate) async fn account_title(app: &Shared, post: &Post) -> Result<String, WebError> {
    let account = app.store.read::<Account>(post.account.as_str()).await?;
    Ok(account.map_or_else(|| post.account.to_string(), |row| row.record.title))
}

/// The headline of the revision that a post was made from; empty when it is gone.
pub(crate) async fn article_title(app: &Shared, post: &Post) -> Result<String, WebError> {
    let key = loa_model::article::article_key(post.article, post.revision);
    let article = app.store.read::<Article>(&key).await?;
    Ok(article.map(|row| row.record.title().to_owned()).unwrap_or_default())
}

/// Name of the account's kind of platform, for people: agencies call themselves the same on every channel.
pub(crate) fn channel_title(app: &Shared, account: &AccountName) -> String {
    let capability = app.capabilities.get(account.channel());
    capability.map_or_else(|| account.channel().to_owned(), |found| found.title.clone())
}

/// What tells accounts of one title apart: the channel and the short name.
pub(crate) fn place(app: &Shared, account: &AccountName) -> String {
    format!("{} · {}", channel_title(app, account), account.short())
}

/// The serde name of a unit variant: the key of its word.
pub(crate) fn name_of(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A person calls a job off.
pub(crate) async fn cancel_job(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id: JobId = id.parse().map_err(|_| WebError::missing())?;
    let view = own_job(&app, &visitor, id).await?;
    app.store.cancel_job(id, Actor::User(visitor.user.id)).await?;
    // Back to what it was called off for.
    let of = match view.job.work.variant() {
        Some(variant) => {
            // One that runs tells it when it ended.
            app.review.wake(variant).await?;
            app.store.read::<Variant>(&variant.to_string()).await?
        }
        None => None,
    };
    let to = of.map_or_else(
        || "/".to_owned(),
        |row| {
            let (article, kind) = (row.record.article, name_of(&row.record.kind));
            format!("/bai-viet/{article}?ban={kind}")
        },
    );
    Ok(Redirect::to(&to).into_response())
}

/// How many posts wait for an approver.
pub(crate) async fn count_in_review(app: &Shared, agency: &str) -> Result<usize, WebError> {
    Ok(app.store.count_under("post_by_state", &join(&[agency, "in_review", ""])).await?)
}

/// Posts that wait for an approver: the urgent ones first, of each urgency the oldest.
pub(crate) async fn in_review(app: &Shared, agency: &str) -> Result<Vec<Post>, WebError> {
    let prefix = join(&[agency, "in_review", ""]);
    let urgent = app.store.list::<Post>("post_urgent", &prefix, 200).await?;
    let all = app.store.list::<Post>("post_by_state", &prefix, 200).await?;
    let others = all.into_iter().filter(|row| row.record.priority != Priority::Urgent);
    let mut posts: Vec<Post> = urgent.into_iter().chain(others).map(|row| row.record).collect();
    posts.sort_by_key(|post| post.priority);
    Ok(posts)
}

/// Posts of an agency, those first that go out or went out last.
pub(crate) async fn posts_of(
    app: &Shared,
    agency: &str,
    part: &Part,
) -> Result<(Vec<Versioned<Post>>, Option<String>), WebError> {
    let prefix = join(&[agency, ""]);
    piece::rows::<Post>(&*app.store, ("post_by_time", &prefix), piece::From::Last, part).await
}
