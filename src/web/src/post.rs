//! One post: its card, and what people do with it. With htmx the answer is the card alone, without script a redirect.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::DeskError;
use loa_model::{
    AccountName, Delivery, Digest, Media, MediaRole, Post, PostId, PostState, Role, User, UserId,
    Why, article::article_key, delivery::Evidence,
};
use loa_review::{ReviewError, Window};
use loa_store::{StoreExt, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Shared,
    approvals::{self, Back},
    article::{ZONE, web_address},
    attention,
    auth::{Visitor, by_htmx},
    brands::redraw,
    channels::name_of_user,
    correction,
    decide::{self, Acts, Doubt, WaitView},
    error::WebError,
    pages::{self, Badges, name_of},
    timeline::said_by,
    view::{self, ReasonView},
    words::{
        check::{Mark, marks},
        may_edit,
        problem::{Problem, problems},
    },
};

/// A post as people see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PostCard {
    id: String,
    article: String,
    article_title: String,
    account_title: String,
    channel: String,
    /// Language of the words, for screen readers.
    lang: String,
    format: String,
    state: String,
    priority: &'static str,
    /// Key of the words that say what the state means and what happens next.
    help: String,
    reason: ReasonView,
    /// What it waits for, when something holds it back.
    waits: Option<WaitView>,
    /// A person wants it not to be live.
    wish: bool,
    url: String,
    remote_id: String,
    at: String,
    link: String,
    digest: String,
    digest_short: String,
    approved_by: Option<String>,
    violations: Vec<Problem>,
    /// What of it a person wrote in other words; only where the card has its frame.
    rewritten: Vec<Mark>,
    /// The delivery that decisions are about; empty without one.
    delivery: String,
    doubt: Option<Doubt>,
    evidence: Vec<Seen>,
    acts: Acts,
    /// The channel's own frame, drawn from escaped data.
    frame: Option<String>,
    /// Other words that the live post took: the frame, link and digest are theirs.
    corrected: Option<CorrectedView>,
    can_edit: bool,
    /// Somebody signed it: it is on its channel, or on its way there.
    pub(crate) is_out: bool,
    pub(crate) can_submit: bool,
    can_approve: bool,
    /// It is live, and other words can be written for it.
    can_correct: bool,
    /// It is live, and its channel lets nobody change it.
    fixed: bool,
    /// The live post that it corrects; empty when it is a post of its own.
    corrects: String,
    /// It is signed, and the live post has not taken it.
    can_send: bool,
    own_and_waiting: bool,
    /// It is a draft that shows a picture whose brand kit changed since.
    old_brand: bool,
    /// It waits for approval, and a picture or clip of it was made anew since.
    replaced: bool,
    /// Why the last press of a button was refused; empty else.
    problem: String,
}

/// A correction that a live post took, and what it showed before.
#[derive(Debug, Clone, Serialize)]
struct CorrectedView {
    /// The post that carried the words.
    post: String,
    at: String,
    reason: String,
    link_before: String,
    digest_before: String,
    digest_before_short: String,
    /// Only where the card has its frame.
    frame_before: Option<String>,
}

/// Something seen about its outcome.
#[derive(Debug, Clone, Serialize)]
struct Seen {
    at: String,
    what: ReasonView,
}

/// The card alone, as htmx asks for it, with the numbers of the page that its post may have changed.
#[derive(Serialize)]
struct Fragment {
    post: PostCard,
    #[serde(flatten)]
    badges: Badges,
    /// How many posts wait in each group of the page that lists them.
    groups: Vec<(&'static str, usize)>,
    /// It waits for nobody any more: on the page of what waits one line says what became of it.
    settled: bool,
    alone: bool,
}

/// A post with its delivery, its frame and what this visitor may do with it.
pub(crate) async fn post_card(
    app: &Shared,
    visitor: &Visitor,
    post: Post,
) -> Result<PostCard, WebError> {
    let card = post_row(app, visitor, &post).await?;
    let rewritten = marks(app, visitor, &post, &mut BTreeMap::new()).await?;
    let old_brand = redraw::is_draft_old(app, &post).await?;
    let replaced = post.state == PostState::InReview && redraw::is_replaced(app, &post).await?;
    let own = frame(app, visitor, &post, &card.account_title);
    let delivery = pages::state_of(app, &post).await?.1;
    let now = correction::shown_now(app, delivery.as_ref()).await?;
    Ok(match (now, card.corrected.clone()) {
        (Some((now, _)), Some(corrected)) => {
            let corrected = Some(CorrectedView { frame_before: own, ..corrected });
            let rewritten = marks(app, visitor, &now, &mut BTreeMap::new()).await?;
            let frame = frame(app, visitor, &now, &card.account_title);
            PostCard { rewritten, frame, corrected, old_brand, replaced, ..card }
        }
        _ => PostCard { rewritten, frame: own, old_brand, replaced, ..card },
    })
}

/// What the posts of a list have in common, each read once.
#[derive(Default)]
pub(crate) struct Names {
    accounts: BTreeMap<AccountName, String>,
    articles: BTreeMap<String, String>,
    people: BTreeMap<UserId, Option<String>>,
}

impl Names {
    async fn account(&mut self, app: &Shared, post: &Post) -> Result<String, WebError> {
        if !self.accounts.contains_key(&post.account) {
            let title = pages::account_title(app, post).await?;
            self.accounts.insert(post.account.clone(), title);
        }
        Ok(self.accounts.get(&post.account).cloned().unwrap_or_default())
    }

    pub(crate) async fn article(&mut self, app: &Shared, post: &Post) -> Result<String, WebError> {
        let key = article_key(post.article, post.revision);
        if !self.articles.contains_key(&key) {
            self.articles.insert(key.clone(), pages::article_title(app, post).await?);
        }
        Ok(self.articles.get(&key).cloned().unwrap_or_default())
    }

    async fn approver(&mut self, app: &Shared, post: &Post) -> Result<Option<String>, WebError> {
        let Some(by) = post.approval.as_ref().map(|approval| approval.by) else { return Ok(None) };
        if let Some(known) = self.people.get(&by) {
            return Ok(known.clone());
        }
        let name = app.store.read::<User>(&by.to_string()).await?.map(|row| row.record.name);
        self.people.insert(by, name.clone());
        Ok(name)
    }
}

/// The same without its frame, for lists.
pub(crate) async fn post_row(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
) -> Result<PostCard, WebError> {
    post_line(app, visitor, post, &mut Names::default()).await
}

/// The same as one of several.
pub(crate) async fn post_line(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    names: &mut Names,
) -> Result<PostCard, WebError> {
    let (mut state, delivery) = pages::state_of(app, post).await?;
    if is_refused(post) {
        "refused".clone_into(&mut state);
    }
    let title = names.account(app, post).await?;
    let article = names.article(app, post).await?;
    let approver = names.approver(app, post).await?;
    let violations = problems(app, &visitor.lang, (post, &post.content), None);
    let mine = post.was_written_by(visitor.user.id);
    let waiting = post.state == PostState::InReview;
    let receipt = delivery.as_ref().and_then(|delivery| delivery.receipt.as_ref());
    let now = correction::shown_now(app, delivery.as_ref()).await?;
    let (digest, link) = match &now {
        Some((now, _)) => (now.digest(), &now.content.link.url),
        None => (post.digest(), &post.content.link.url),
    };
    let corrected = now.as_ref().map(|(now, one)| CorrectedView {
        post: now.id.to_string(),
        at: view::time(one.at, ZONE),
        reason: one.reason.clone(),
        link_before: post.content.link.url.clone(),
        digest_before: post.digest().to_string(),
        digest_before_short: post.digest().short(),
        frame_before: None,
    });
    let (mut doubt, mut waits, mut evidence) = (None, None, Vec::new());
    if let Some(d) = &delivery {
        let now = app.desk.waits(d).await.map_err(|error| decide::failed(&error))?;
        doubt = decide::doubt(app, visitor, post, d, &now).await?;
        waits = decide::waits(app, visitor, &now);
        evidence = seen(app, visitor, d).await?;
    }
    let reason = match &delivery {
        Some(d) if post.state == PostState::Approved => &d.reason,
        _ => &post.reason,
    };
    let acts = decide::acts(app, visitor, post, delivery.as_ref());
    let can_submit = matches!(post.state, PostState::Draft | PostState::Returned)
        && violations.is_empty()
        && (visitor.user.is(Role::Author) || visitor.user.is(Role::Editor));
    let can_approve = waiting && !mine && visitor.user.is(Role::Approver);
    // What has a delivery is a post of its own.
    let corrects = match &delivery {
        None => correction::corrects(app, post).await?,
        Some(_) => None,
    };
    let can_send = post.state == PostState::Approved
        && visitor.user.is(Role::Approver)
        && corrects.is_some()
        && !correction::is_ordered(app, post).await?;
    Ok(PostCard {
        id: post.id.to_string(),
        article: post.article.to_string(),
        article_title: article,
        frame: None,
        account_title: title,
        channel: pages::channel_title(app, &post.account),
        lang: post.content.lang.clone(),
        format: name_of(&post.content.format),
        priority: post.priority.name(),
        help: match state.as_str() {
            "applied" | "refused" => state.clone(),
            _ => decide::help(post, delivery.as_ref(), doubt.as_ref()),
        },
        reason: ReasonView::of(&app.assets, &visitor.lang, reason),
        waits,
        wish: delivery.as_ref().is_some_and(|d| d.cancel_requested),
        delivery: delivery.as_ref().map(|d| d.id.to_string()).unwrap_or_default(),
        acts,
        doubt,
        evidence,
        url: receipt.map(|receipt| web_address(&receipt.url)).unwrap_or_default(),
        remote_id: receipt.map(|receipt| receipt.remote_id.clone()).unwrap_or_default(),
        at: view::time(receipt.map_or(post.scheduled_at, |receipt| receipt.at), &post.zone),
        link: link.clone(),
        corrected,
        digest: digest.to_string(),
        digest_short: digest.short(),
        approved_by: approver,
        can_edit: may_edit(visitor, post, delivery.as_ref()),
        is_out: post.state == PostState::Approved,
        can_submit,
        rewritten: Vec::new(),
        violations,
        can_approve,
        fixed: correction::is_fixed(app, visitor, post, delivery.as_ref()),
        can_correct: correction::may_correct(app, visitor, post, delivery.as_ref()),
        corrects: corrects.map(|corrects| corrects.live.to_string()).unwrap_or_default(),
        can_send,
        own_and_waiting: waiting && mine,
        old_brand: false,
        replaced: false,
        problem: String::new(),
        state,
    })
}

/// Whether an approver refused it: what became void otherwise says so in words of ours.
pub(crate) fn is_refused(post: &Post) -> bool {
    post.state == PostState::Void && !post.reason.is_empty() && Why::of(&post.reason).0.is_none()
}

/// What was seen of its outcome; whoever said something of it is named.
async fn seen(app: &Shared, visitor: &Visitor, d: &Delivery) -> Result<Vec<Seen>, WebError> {
    let (mut all, mut names) = (Vec::new(), BTreeMap::new());
    for Evidence { at, what } in &d.evidence {
        let what = match said_by(what) {
            None => ReasonView::of(&app.assets, &visitor.lang, what),
            Some((by, why)) => {
                let name = name_of_user(app, by, &mut names).await?;
                let key = if why.is_none() { "doubt.says_live" } else { "doubt.says_absent" };
                let said = app.assets.word(&visitor.lang, key);
                ReasonView::said(format!("{name} {said}"), why.unwrap_or_default().to_owned())
            }
        };
        all.push(Seen { at: view::time(*at, ZONE), what });
    }
    Ok(all)
}

/// The post in its channel's own frame; nothing when the channel brought none.
pub(crate) fn frame(app: &Shared, visitor: &Visitor, post: &Post, title: &str) -> Option<String> {
    let url = |file: &Media| format!("/tep/{}", file.blob);
    let shown =
        post.content.media.iter().filter(|file| {
            matches!(file.role, MediaRole::Photo | MediaRole::Cover | MediaRole::Video)
        });
    let media: Vec<_> = shown
        .map(|file| {
            json!({"url": url(file), "mime": file.mime, "alt": file.alt, "width": file.width, "height": file.height})
        })
        .collect();
    let data = json!({
        "account": {"name": post.account.to_string(), "title": title},
        "content": post.content,
        "media_urls": post.content.media.iter().map(url).collect::<Vec<_>>(),
        "format": post.content.format,
        "text": post.content.text,
        "link": post.content.link,
        "media": media,
    });
    let name = format!("frame/{}.html", post.account.channel());
    match app.assets.render(&name, &visitor.lang, data) {
        Ok(html) => Some(html),
        Err(error) => {
            tracing::warn!(channel = post.account.channel(), error = ?error, "A channel's frame could not be drawn");
            None
        }
    }
}

pub(crate) async fn own_post(app: &Shared, visitor: &Visitor, id: &str) -> Result<Post, WebError> {
    let id: PostId = id.parse().map_err(|_| WebError::missing())?;
    Ok(own_post_row(app, visitor, id).await?.record)
}

/// The post with its version, when it is of the visitor's agency.
pub(crate) async fn own_post_row(
    app: &Shared,
    visitor: &Visitor,
    id: PostId,
) -> Result<Versioned<Post>, WebError> {
    let row = app.store.read::<Post>(&id.to_string()).await?.ok_or_else(WebError::missing)?;
    if row.record.agency == visitor.user.agency { Ok(row) } else { Err(WebError::missing()) }
}

/// Hands a draft to the approvers.
pub(crate) async fn submit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let capability = capability(&app, &post)?;
    let moved = app.review.submit(&visitor.user, post.id, capability).await.err();
    let problem = moved.map(|error| refusal(&app, &visitor, &error));
    let next = Redirect::to(&format!("/bai-viet/{}", post.article));
    answer(&app, &visitor, &headers, &post, problem, next).await
}

#[derive(Deserialize)]
pub(crate) struct Approve {
    digest: String,
    /// `queue` when the form stands on the page of the queue.
    #[serde(default)]
    from: String,
}

/// How long an approved post may wait before it asks a person again.
pub(crate) const APPROVED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Signs exactly what the approver saw: the digest comes from the page they pressed the button on.
pub(crate) async fn approve(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Approve>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let seen: Digest = form.digest.parse().map_err(|_| WebError::missing())?;
    let back = Back::of(&app, &visitor, &post, &form.from).await?;
    let moved = sign(&app, &visitor, &post, seen).await?;
    let problem = moved.map(|error| error.said(&app, &visitor));
    answer_from(&app, &visitor, &headers, &post, problem, &back).await
}

/// Why a post was not signed, or not sent on.
#[derive(Debug)]
pub(crate) enum NotSigned {
    /// It is as it was.
    Review(ReviewError),
    /// It corrects a live post; it is signed, and the live post does not take it now.
    Desk(DeskError),
}

impl NotSigned {
    /// In the reader's language.
    pub(crate) fn said(&self, app: &Shared, visitor: &Visitor) -> String {
        match self {
            Self::Review(error) => refusal(app, visitor, error),
            Self::Desk(error) => {
                let signed = app.assets.word(&visitor.lang, "correction.signed_not_sent");
                format!("{signed} {}", decide::refused(app, visitor, error))
            }
        }
    }
}

/// Signs a post for its time and a day after it, when it still is what was shown; why not, or nothing. What corrects a live post
/// is sent to it at once.
pub(crate) async fn sign(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    seen: Digest,
) -> Result<Option<NotSigned>, WebError> {
    let from = post.scheduled_at.max(app.clock.now());
    let window = Window { not_before: from, not_after: from + APPROVED_FOR };
    if correction::corrects(app, post).await?.is_some() {
        return correction::sign(app, visitor, post, seen, window).await;
    }
    let capability = capability(app, post)?;
    let moved = app.review.approve(&visitor.user, post.id, seen, window, capability).await;
    Ok(moved.err().map(NotSigned::Review))
}

#[derive(Deserialize)]
pub(crate) struct GiveBack {
    reason: String,
    /// `queue` when the form stands on the page of the queue.
    #[serde(default)]
    from: String,
}

/// Sends a post back with a reason.
pub(crate) async fn give_back(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<GiveBack>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let back = Back::of(&app, &visitor, &post, &form.from).await?;
    let moved = app.review.return_with_reason(&visitor.user, post.id, &form.reason).await.err();
    let problem = moved.map(|error| refusal(&app, &visitor, &error));
    answer_from(&app, &visitor, &headers, &post, problem, &back).await
}

/// As [`answer`]; but on the page of the queue a refusal is said there.
pub(crate) async fn answer_from(
    app: &Shared,
    visitor: &Visitor,
    headers: &HeaderMap,
    post: &Post,
    problem: Option<String>,
    back: &Back,
) -> Result<Response, WebError> {
    match problem {
        Some(problem) if back.is_queue() => {
            approvals::refused(app, visitor, post.id, problem).await
        }
        problem => {
            let next = Redirect::to(&back.after(post));
            answer(app, visitor, headers, post, problem, next).await
        }
    }
}

/// Without script a refusal is a page and success leads on. htmx gets the card as it is now, the refusal in it.
pub(crate) async fn answer(
    app: &Shared,
    visitor: &Visitor,
    headers: &HeaderMap,
    post: &Post,
    problem: Option<String>,
    next: Redirect,
) -> Result<Response, WebError> {
    let problem = problem.unwrap_or_default();
    if !by_htmx(headers) {
        return if problem.is_empty() {
            Ok(next.into_response())
        } else {
            Err(WebError::new(StatusCode::CONFLICT, problem))
        };
    }
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let now = own_post(app, visitor, &post.id.to_string()).await?;
    let (mut groups, mut settled) = (Vec::new(), false);
    let card = if in_list(headers) {
        groups = attention::groups(app, &visitor.user.agency).await?;
        settled = problem.is_empty() && !attention::asks(app, &now).await?;
        post_row(app, visitor, &now).await?
    } else {
        post_card(app, visitor, now).await?
    };
    let (post, badges) = (PostCard { problem, ..card }, Badges::of(app, visitor).await?);
    let card = Fragment { post, badges, groups, settled, alone: true };
    Ok((status, Html(app.assets.render("pages/post_card.html", &visitor.lang, card)?))
        .into_response())
}

/// Whether the card stands on the page that shows cards without their frames.
fn in_list(headers: &HeaderMap) -> bool {
    let from = headers.get("hx-current-url").and_then(|value| value.to_str().ok());
    from.is_some_and(|url| url.ends_with("/can-xu-ly"))
}

pub(crate) fn capability<'a>(
    app: &'a Shared,
    post: &Post,
) -> Result<&'a loa_model::Capability, WebError> {
    app.capabilities.get(post.account.channel()).ok_or_else(|| {
        let message = format!(
            "Bản này không có kênh {0} / This build has no channel {0}",
            post.account.channel()
        );
        WebError::new(StatusCode::NOT_IMPLEMENTED, message)
    })
}

/// A refusal of review in words: those of the locale files, and the exact reason where it names a thing.
pub(crate) fn refusal(app: &Shared, visitor: &Visitor, error: &ReviewError) -> String {
    if let ReviewError::Store(store) = error {
        tracing::error!(error = %store, "Review could not use the store");
    }
    let word = app.assets.word(&visitor.lang, &format!("review_error.{}", error.key()));
    let told = matches!(
        error,
        ReviewError::Account { .. } | ReviewError::StaleVariant { .. } | ReviewError::Window(_)
    );
    if told { format!("{word} ({error})") } else { word }
}
