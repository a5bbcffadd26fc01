//! *Duyệt*: what waits for an approver, the longest first, and one post beside its source as it will be sent.

pub(crate) mod answers;
pub(crate) mod compare;
pub(crate) mod look;

use std::{cmp::Reverse, collections::BTreeMap};

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Article, Post, PostId, PostState, Priority, Role, UserId, article::article_key,
};
use loa_store::{Past, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    channels::name_of_user,
    correction,
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages::{self, name_of},
    post::{PostCard, own_post, post_card},
    view,
};
use answers::Outcome;
use look::Look;

/// How far back it is looked for when a post was handed in: it is nearly always the last thing that happened to it.
const LOOKS_BACK: usize = 20;

/// A post that waits for an approver.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    id: String,
    article: String,
    title: String,
    lang: String,
    account: String,
    account_title: String,
    channel: String,
    format: String,
    author: String,
    priority: &'static str,
    /// Handed in at; absent when the records do not tell.
    since: Option<Timestamp>,
    /// How long ago that is, in words; not told to machines.
    #[serde(skip_serializing_if = "String::is_empty")]
    waited: String,
    /// Its place in the queue.
    #[serde(skip)]
    place: (Priority, Timestamp, PostId),
    digest: String,
    digest_short: String,
    /// It changes a post that is live.
    correction: bool,
    /// Whoever asks wrote a version of it.
    mine: bool,
    /// Whoever asks may sign it.
    may_sign: bool,
}

/// When a post that waits for approval was handed in.
pub(crate) async fn handed_in(app: &Shared, post: &Post) -> Result<Option<Timestamp>, WebError> {
    let mut since = None;
    // Two commits nearly always tell; more are read when it was written again while it waited.
    for most in [2, LOOKS_BACK] {
        let commits = app.store.past::<Post>(&post.id.to_string(), most).await?;
        let in_review = |commit: &Past<Post>| commit.record.state == PostState::InReview;
        since = commits.iter().take_while(|c| in_review(c)).last().map(|c| c.entry.at);
        if commits.len() < most || commits.last().is_some_and(|last| !in_review(last)) {
            break;
        }
    }
    Ok(since)
}

/// A wait in words: `2 giờ 10 phút`; days without minutes, and nothing under a minute.
pub(crate) fn waited(app: &Shared, lang: &str, wait: SignedDuration) -> String {
    let minutes = wait.as_mins().max(0);
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let part = |n: i64, key: &str| {
        (n > 0).then(|| format!("{n} {}", app.assets.word(lang, &format!("wait.{key}"))))
    };
    let minutes = if days > 0 { None } else { part(rest, "minutes") };
    let parts: Vec<String> =
        [part(days, "days"), part(hours, "hours"), minutes].into_iter().flatten().collect();
    if parts.is_empty() { app.assets.word(lang, "wait.now") } else { parts.join(" ") }
}

/// What waits for approval in the visitor's agency: the urgent ones first, of each urgency the one that waits longest.
pub(crate) async fn queue(app: &Shared, visitor: &Visitor) -> Result<Vec<Item>, WebError> {
    let now = app.clock.now();
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    let mut titles: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut accounts: BTreeMap<String, String> = BTreeMap::new();
    let mut found = Vec::new();
    for post in pages::in_review(app, &visitor.user.agency).await? {
        let since = handed_in(app, &post).await?;
        let article = article_key(post.article, post.revision);
        if !titles.contains_key(&article) {
            let row = app.store.read::<Article>(&article).await?.map(|row| row.record);
            let title = row.map(|row| (row.title().to_owned(), row.lang.clone()));
            titles.insert(article.clone(), title.unwrap_or_default());
        }
        if !accounts.contains_key(post.account.as_str()) {
            let title = pages::account_title(app, &post).await?;
            accounts.insert(post.account.to_string(), title);
        }
        let (title, lang) = titles.get(&article).cloned().unwrap_or_default();
        let (digest, mine) = (post.digest(), post.was_written_by(visitor.user.id));
        let wait = since.map(|at| waited(app, &visitor.lang, now.duration_since(at)));
        let item = Item {
            id: post.id.to_string(),
            article: post.article.to_string(),
            title,
            lang,
            account: post.account.to_string(),
            account_title: accounts.get(post.account.as_str()).cloned().unwrap_or_default(),
            channel: pages::channel_title(app, &post.account),
            format: name_of(&post.content.format),
            author: name_of_user(app, post.author, &mut names).await?,
            priority: post.priority.name(),
            place: (post.priority, since.unwrap_or(post.created_at), post.id),
            since,
            waited: wait.unwrap_or_else(|| "—".to_owned()),
            digest: digest.to_string(),
            digest_short: digest.short(),
            correction: correction::corrects(app, &post).await?.is_some(),
            mine,
            may_sign: !mine && visitor.user.is(Role::Approver),
        };
        found.push(item);
    }
    found.sort_by_key(|item| item.place);
    Ok(found)
}

#[derive(Serialize)]
struct Page {
    queue: Vec<Item>,
    /// How many of them this visitor may sign.
    signable: usize,
    chosen: String,
    /// Chosen by the address, not because it stands first: a phone shows it instead of the list.
    asked: bool,
    before: String,
    after: String,
    look: Option<Look>,
    post: Option<PostCard>,
    problem: String,
    outcomes: Vec<Outcome>,
    decided: Option<Decided>,
}

/// Where an answer goes back to: asked before the post leaves the queue.
pub(crate) struct Back {
    queue: bool,
    /// The post below the one that is answered, else the one above.
    next: Option<String>,
}

impl Back {
    /// `from` is `queue` when the form stands on the page of the queue.
    pub(crate) async fn of(
        app: &Shared,
        visitor: &Visitor,
        post: &Post,
        from: &str,
    ) -> Result<Self, WebError> {
        if from != "queue" {
            return Ok(Self { queue: false, next: None });
        }
        let (all, id) = (queue(app, visitor).await?, post.id.to_string());
        let at = all.iter().position(|item| item.id == id).unwrap_or_default();
        let others = all.get(at + 1).or_else(|| all.get(at.checked_sub(1)?));
        let next = others.filter(|item| item.id != id).map(|item| item.id.clone());
        Ok(Self { queue: true, next })
    }

    /// A refusal is said on the page of the queue.
    pub(crate) fn is_queue(&self) -> bool {
        self.queue
    }

    /// The queue at the next post, which says what became of this one.
    pub(crate) fn after(&self, post: &Post) -> String {
        let next = self.next.as_ref().map(|id| format!("&bai={id}")).unwrap_or_default();
        if self.queue { format!("/duyet?vua={}{next}", post.id) } else { "/duyet".to_owned() }
    }
}

/// What was just decided about a post, as its record says.
#[derive(Debug, Serialize)]
struct Decided {
    post: String,
    title: String,
    lang: String,
    account: String,
    channel: String,
    /// `approved`, `correction`, `returned` or `refused`.
    what: &'static str,
    /// When it goes out; empty when it is for now, or not.
    at: String,
}

async fn decided(app: &Shared, visitor: &Visitor, id: &str) -> Result<Option<Decided>, WebError> {
    let post = own_post(app, visitor, id).await?;
    let corrects = correction::corrects(app, &post).await?.is_some();
    let what = match post.state {
        PostState::Approved if corrects => "correction",
        PostState::Approved => "approved",
        PostState::Returned => "returned",
        PostState::Void => "refused",
        _ => return Ok(None),
    };
    let later = what == "approved" && post.scheduled_at > app.clock.now();
    Ok(Some(Decided {
        post: post.id.to_string(),
        title: pages::article_title(app, &post).await?,
        lang: post.content.lang.clone(),
        account: pages::account_title(app, &post).await?,
        channel: pages::channel_title(app, &post.account),
        what,
        at: if later { view::time(post.scheduled_at, &post.zone) } else { String::new() },
    }))
}

/// What the page is drawn for, besides the queue.
#[derive(Default)]
pub(crate) struct Told {
    /// The post to look at; the first of the queue when absent.
    pub(crate) chosen: Option<PostId>,
    /// Why the last press of a button was refused.
    pub(crate) problem: String,
    /// What became of posts that were signed together.
    pub(crate) outcomes: Vec<Outcome>,
    /// The post that was answered just now.
    pub(crate) answered: Option<String>,
}

/// Which post to look at.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    bai: Option<String>,
    /// The post that was answered just now.
    vua: Option<String>,
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, WebError> {
    let chosen = match asked.bai {
        Some(id) => Some(own_post(&app, &visitor, &id).await?.id),
        None => None,
    };
    draw(&app, &visitor, Told { chosen, answered: asked.vua, ..Told::default() }).await
}

/// The page of the queue, with one post of it.
pub(crate) async fn draw(
    app: &Shared,
    visitor: &Visitor,
    told: Told,
) -> Result<Html<String>, WebError> {
    let queue = queue(app, visitor).await?;
    let first = || queue.first().map(|item| item.id.clone());
    let chosen = told.chosen.map(|id| id.to_string()).or_else(first).unwrap_or_default();
    let at = queue.iter().position(|item| item.id == chosen);
    let beside = |at: Option<usize>| {
        at.and_then(|at| queue.get(at)).map(|item| item.id.clone()).unwrap_or_default()
    };
    let (before, after) =
        (beside(at.and_then(|at| at.checked_sub(1))), beside(at.map(|at| at + 1)));
    let (mut look, mut post) = (None, None);
    if !chosen.is_empty() {
        let found = own_post(app, visitor, &chosen).await?;
        look = Some(look::look(app, visitor, &found).await?.for_people());
        post = Some(post_card(app, visitor, found).await?);
    }
    let decided = match &told.answered {
        Some(id) => decided(app, visitor, id).await?,
        None => None,
    };
    let page = Page {
        decided,
        signable: queue.iter().filter(|item| item.may_sign).count(),
        asked: told.chosen.is_some(),
        chosen,
        before,
        after,
        look,
        post,
        problem: told.problem,
        outcomes: told.outcomes,
        queue,
    };
    pages::draw(app, visitor, "approvals", "pages/approvals.html", page).await
}

/// The queue again after a refusal, with the reason.
pub(crate) async fn refused(
    app: &Shared,
    visitor: &Visitor,
    post: PostId,
    problem: String,
) -> Result<Response, WebError> {
    let told = Told { chosen: Some(post), problem, ..Told::default() };
    Ok((StatusCode::CONFLICT, draw(app, visitor, told).await?).into_response())
}

/// The last time that an approver sent a post back: the post as it was then, by whom and when.
pub(crate) async fn sent_back(
    app: &Shared,
    post: &Post,
) -> Result<Option<(Post, Option<UserId>, Timestamp)>, WebError> {
    let commits = app.store.past::<Post>(&post.id.to_string(), LOOKS_BACK).await?;
    let pairs = commits.iter().zip(commits.iter().skip(1));
    let returned = |(now, before): &(&Past<Post>, &Past<Post>)| {
        now.record.state == PostState::Returned && before.record.state == PostState::InReview
    };
    Ok(pairs.into_iter().find(returned).map(|(now, _)| {
        let by = match now.entry.changes.actor {
            Actor::User(id) => Some(id),
            _ => None,
        };
        (now.record.clone(), by, now.entry.at)
    }))
}

/// The queue as an operation.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<Item>, WebError> {
    // `since` tells a machine what the words tell people, and stays the same while nothing happens.
    let queue = queue(&app, &visitor).await?.into_iter();
    let queue = queue.map(|item| Item { waited: String::new(), ..item });
    Piece::of(queue, &part, |item| item.place)
}

/// One post as an operation: what the page shows of it.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Look>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    Ok(Json(look::look(&app, &visitor, &post).await?.for_machines()))
}

/// The post of the same article, account and format that was approved last before this one; nothing when it is the first.
pub(crate) async fn approved_before(app: &Shared, post: &Post) -> Result<Option<Post>, WebError> {
    /// Posts of one article that are looked at, the newest.
    const MOST: usize = 500;
    let prefix = loa_model::record::join(&[&post.article.to_string(), ""]);
    let rows = app.store.list_last::<Post>("post_by_article", &prefix, MOST).await?;
    let same = |other: &Post| {
        other.id != post.id
            && other.agency == post.agency
            && other.account == post.account
            && other.content.format == post.content.format
            && other.approval.is_some()
    };
    let mut found: Vec<Post> = rows.into_iter().map(|row| row.record).filter(same).collect();
    let before = |other: &Post| other.approval.as_ref().map(|approval| approval.at);
    let signed = before(post);
    found.retain(|other| signed.is_none() || before(other) < signed);
    found.sort_by_key(|other| Reverse((before(other), other.id)));
    Ok(found.into_iter().next())
}

/// `OpenAPI` of an operation on one post.
pub(crate) fn told(
    summary: &str,
    ok: &str,
    body: Option<Value>,
    problems: &[(&str, &str)],
) -> Value {
    let id =
        json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let mut answers = json!({ "200": { "description": ok } });
    for (code, what) in problems {
        answers[*code] = json!({
            "description": what, "content": { "application/problem+json": { "schema": schema } },
        });
    }
    let mut told = json!({ "summary": summary, "parameters": [id], "responses": answers });
    if let Some(schema) = body {
        told["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    told
}

/// The queue as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    let summary = "Posts that wait for approval, the urgent first, then the longest waiting";
    piece::told(
        summary,
        "What waits, since when, the digest to sign, and whether it changes a live post (correction)",
        &[],
    )
}

/// One post as `OpenAPI` says it.
pub(crate) fn one_told() -> Value {
    let summary = "One post: its words, files with SHA-256, limits counted, its source with the passages it took, and what \
                   differs from the last approved one; corrects says which live post it changes and why, old_brand that a \
                   picture was drawn before its brand kit changed, replaced that one was made anew since";
    told(summary, "The post", None, &[("404", "No such post in the caller's agency")])
}
