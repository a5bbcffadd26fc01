//! *Gỡ ở mọi kênh*: an article is taken back everywhere, and each channel says what became of it and what a person must do.

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::{DeskError, Took};
use loa_model::{Article, Delivery, DeliveryState as S, Post, PostState};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    approvals::{self, answers::Reason},
    article::{self, web_address},
    auth::Visitor,
    correction,
    decide::{desk_refusal, refused},
    error::WebError,
    pages::{self, name_of},
    post::refusal,
    view::ReasonView,
};

/// Posts of one article that are shown.
const MOST: usize = 1000;

/// How one post of the article stands.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Standing {
    post: String,
    account: String,
    account_title: String,
    channel: String,
    format: String,
    state: String,
    /// What is left to do, a key of its words: `live`, `unknown`, `by_hand`, `failed`, `going`, `wish`, `unsent`, `gone`, `never`.
    left: &'static str,
    /// Whether a person must act on the channel.
    by_hand: bool,
    /// It was asked for, and a person does the rest by hand.
    #[serde(skip)]
    asked: bool,
    reason: ReasonView,
    url: String,
    remote_id: String,
}

/// What is left to do about a post that shall not be live.
fn left(post: &Post, delivery: Option<&Delivery>, deletes: bool) -> &'static str {
    let Some(d) = delivery else {
        return if post.state == PostState::Void { "never" } else { "unsent" };
    };
    match d.state {
        S::Retracted | S::Gone => "gone",
        S::Retracting | S::Correcting => "going",
        S::Published if !(deletes && d.has_remote_id()) => "by_hand",
        // Live again with a reason: it was tried, and it did not work.
        S::Published if d.cancel_requested || !d.reason.is_empty() => "failed",
        S::Published => "live",
        S::Rejected | S::Dead | S::Cancelled | S::Missed => "never",
        _ if d.cancel_requested => "wish",
        S::Intent | S::Uncertain => "unknown",
        S::Scheduled | S::Ready | S::Leased | S::Held => "unsent",
    }
}

/// How every post of an article stands, those that are live first.
pub(crate) async fn standing(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
) -> Result<Vec<Standing>, WebError> {
    let prefix = loa_model::record::join(&[&article.id.to_string(), ""]);
    let mut found = Vec::new();
    for row in app.store.list::<Post>("post_by_article", &prefix, MOST).await? {
        let post = row.record;
        if post.agency != visitor.user.agency {
            continue;
        }
        let (state, delivery) = pages::state_of(app, &post).await?;
        // A signed correction never is a post of its own: what it changed is in the list.
        let signed = post.state == PostState::Approved && delivery.is_none();
        if signed && correction::corrects(app, &post).await?.is_some() {
            continue;
        }
        // The delivery of a void post counts while it is or may be live.
        let counts = |d: &Delivery| post.state != PostState::Void || !d.state.is_unsent();
        let delivery = delivery.filter(counts);
        let channel = app.capabilities.get(post.account.channel());
        let left = left(&post, delivery.as_ref(), channel.is_some_and(|c| c.delete));
        let receipt = delivery.as_ref().and_then(|d| d.receipt.as_ref());
        let reason = match &delivery {
            Some(d) => &d.reason,
            None => &post.reason,
        };
        found.push(Standing {
            post: post.id.to_string(),
            account: post.account.to_string(),
            account_title: pages::account_title(app, &post).await?,
            channel: pages::channel_title(app, &post.account),
            format: name_of(&post.content.format),
            state: delivery.as_ref().map_or(state, |d| d.state.name().to_owned()),
            left,
            by_hand: matches!(left, "by_hand" | "failed"),
            asked: left == "by_hand" && !reason.is_empty(),
            reason: ReasonView::of(&app.assets, &visitor.lang, reason),
            url: receipt.map(|receipt| web_address(&receipt.url)).unwrap_or_default(),
            remote_id: receipt.map(|receipt| receipt.remote_id.clone()).unwrap_or_default(),
        });
    }
    let order = |standing: &Standing| match standing.left {
        "failed" | "by_hand" => 0,
        "live" | "unknown" | "wish" => 1,
        "going" | "unsent" => 2,
        _ => 3,
    };
    found.sort_by_key(order);
    Ok(found)
}

/// What one post answered.
#[derive(Debug, Clone, Serialize)]
struct Answered {
    #[serde(flatten)]
    standing: Standing,
    /// `asked`, `by_hand`, `called_off`, `wished`, `refused_in_review`, `nothing` or `refused`.
    result: &'static str,
    /// Why not, in the reader's language.
    why: String,
}

/// Takes an article back everywhere: what is live or on its way by the desk, what waits for approval is refused.
async fn everywhere(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
    reason: &str,
) -> Result<Vec<Answered>, DeskOrWeb> {
    let taken = app.desk.retract_everywhere(article.id, visitor.user.id, reason).await;
    let taken = taken.map_err(DeskOrWeb::Desk)?;
    let mut told = std::collections::BTreeMap::new();
    for one in taken {
        let told_of = match &one.took {
            Took::Asked => ("asked", String::new()),
            Took::ByHand => ("by_hand", String::new()),
            Took::CalledOff => ("called_off", String::new()),
            Took::Wished => ("wished", String::new()),
            Took::Nothing => refuse_waiting(app, visitor, &one.post.to_string(), reason).await?,
            Took::Refused(error) => ("refused", refused(app, visitor, error)),
        };
        told.insert(one.post.to_string(), told_of);
    }
    let standing = standing(app, visitor, article).await?;
    let answered = |standing: Standing| {
        let (result, why) = told.remove(&standing.post).unwrap_or(("nothing", String::new()));
        Answered { standing, result, why }
    };
    Ok(standing.into_iter().map(answered).collect())
}

/// Refuses a post that waits for approval, so that nobody signs it any more.
async fn refuse_waiting(
    app: &Shared,
    visitor: &Visitor,
    id: &str,
    reason: &str,
) -> Result<(&'static str, String), WebError> {
    let post = crate::post::own_post(app, visitor, id).await?;
    if post.state != PostState::InReview {
        return Ok(("nothing", String::new()));
    }
    match app.review.reject(&visitor.user, post.id, reason).await {
        Ok(_) => Ok(("refused_in_review", String::new())),
        Err(error) => Ok(("refused", refusal(app, visitor, &error))),
    }
}

/// A failure of either side.
enum DeskOrWeb {
    Desk(DeskError),
    Web(WebError),
}

impl From<WebError> for DeskOrWeb {
    fn from(error: WebError) -> Self {
        Self::Web(error)
    }
}

#[derive(Serialize)]
struct Page {
    article: String,
    title: String,
    lang: String,
    posts: Vec<Standing>,
    may: bool,
    /// How many are or may be live, or on their way.
    open: usize,
    /// How many of those the machine still can be asked about; where none is left, the form is gone.
    to_ask: usize,
    /// Of each thing that is left to do, how many: said after pressing.
    told: Vec<(&'static str, usize)>,
    problem: String,
}

async fn draw(
    app: &Shared,
    visitor: &Visitor,
    article: &Article,
    problem: String,
    pressed: bool,
) -> Result<Html<String>, WebError> {
    let posts = standing(app, visitor, article).await?;
    let mut told: Vec<(&'static str, usize)> = Vec::new();
    for post in posts.iter().filter(|post| pressed && post.left != "never") {
        match told.iter_mut().find(|(left, _)| *left == post.left) {
            Some((_, count)) => *count += 1,
            None => told.push((post.left, 1)),
        }
    }
    let is_asked =
        |post: &&Standing| matches!(post.left, "going" | "wish" | "gone" | "never") || post.asked;
    let to_ask = posts.iter().filter(|post| !is_asked(post)).count();
    let open = posts.iter().filter(|post| !matches!(post.left, "gone" | "never")).count();
    let page = Page {
        article: article.id.to_string(),
        title: article.title().to_owned(),
        lang: article.lang.clone(),
        may: visitor.user.is(loa_model::Role::Approver),
        open,
        to_ask,
        told,
        posts,
        problem,
    };
    pages::draw(app, visitor, "articles", "pages/takedown.html", page).await
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(pressed): Query<Pressed>,
) -> Result<Html<String>, WebError> {
    let article = article::find(&app, &visitor, &id).await?;
    draw(&app, &visitor, &article, String::new(), pressed.xong.is_some()).await
}

/// Whether the page follows a press of its button.
#[derive(Debug, Deserialize)]
pub(crate) struct Pressed {
    xong: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Ask {
    #[serde(default)]
    reason: String,
}

/// Takes the article back and shows how every post stands.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(ask): Form<Ask>,
) -> Result<Response, WebError> {
    let article = article::find(&app, &visitor, &id).await?;
    match everywhere(&app, &visitor, &article, &ask.reason).await {
        Ok(answered) => {
            let failed = answered.iter().filter(|one| one.result == "refused");
            let why: Vec<String> =
                failed.map(|one| format!("{}: {}", one.standing.account_title, one.why)).collect();
            if why.is_empty() {
                return Ok(
                    Redirect::to(&format!("/bai-viet/{}/go?xong=1", article.id)).into_response()
                );
            }
            let page = draw(&app, &visitor, &article, why.join(" · "), true).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
        Err(DeskOrWeb::Desk(error @ DeskError::NoReason)) => {
            let problem = refused(&app, &visitor, &error);
            let page = draw(&app, &visitor, &article, problem, false).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(DeskOrWeb::Desk(error)) => Err(desk_refusal(&app, &visitor, &error)),
        Err(DeskOrWeb::Web(error)) => Err(error),
    }
}

/// The same as an operation.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Reason>,
) -> Result<Json<Value>, WebError> {
    let article = article::find(&app, &visitor, &id).await?;
    match everywhere(&app, &visitor, &article, &ask.reason).await {
        Ok(posts) => Ok(Json(json!({ "posts": posts }))),
        Err(DeskOrWeb::Desk(DeskError::NoReason)) => {
            Err(WebError::new(StatusCode::UNPROCESSABLE_ENTITY, "Hãy ghi lý do / Give a reason"))
        }
        Err(DeskOrWeb::Desk(error)) => Err(desk_refusal(&app, &visitor, &error)),
        Err(DeskOrWeb::Web(error)) => Err(error),
    }
}

/// The operation as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let schema = json!({
        "type": "object", "required": ["reason"], "additionalProperties": false,
        "properties": { "reason": { "type": "string", "minLength": 1 } },
    });
    let problems = [
        ("400", "The body is no JSON"),
        ("404", "No such article in the caller's agency"),
        ("422", "The body does not fit, or the reason is empty"),
    ];
    let summary = "Take an article back on every channel (role approver), with one reason";
    let ok =
        "posts: of each what was done, what is left, and whether a person must remove it by hand";
    approvals::told(summary, ok, Some(schema), &problems)
}
