//! What people decide about a post that is approved: one page of its own, one address for every decision.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{Html, Redirect, Response},
};
use loa_delivery::{Act, DeskError, NotNow, Waits, is_wish};
use loa_model::{
    Delivery, DeliveryState, Digest, Post, PostId, PostState, Receipt, Role, capability::ReadBack,
    record::join,
};
use loa_review::Window;
use loa_store::{StoreExt, Versioned};
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    article::{ZONE, web_address},
    auth::Visitor,
    channels::name_of_user,
    error::WebError,
    pages::{self, name_of},
    post::{
        APPROVED_FOR, NotSigned, PostCard, answer, capability, own_post, own_post_row, post_card,
        refusal,
    },
    timeline::{Moment, step_title, timeline},
    view::{self, ReasonView},
};

/// What this visitor can do about a post now: the page shows no other button.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Acts {
    confirm: bool,
    /// The request may still arrive: nobody can say yet that it is not there.
    too_early: bool,
    hold: bool,
    release: bool,
    cancel: bool,
    /// Calling off is a wish: it is being sent, or may be live.
    wish: bool,
    retry: bool,
    /// Its window is over: it must be approved anew, by this visitor or by somebody else.
    expired: bool,
    approve_again: bool,
    retract: bool,
    /// The channel takes nothing back: a person removes it by hand.
    by_hand: bool,
    /// It is over: it may be left as it is.
    set_aside: bool,
}

/// What a person needs to decide about an outcome that is not known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Doubt {
    attempt: u32,
    max_attempts: u32,
    sent_at: String,
    step: String,
    digest: String,
    digest_short: String,
    marker: String,
    /// The words that were sent.
    text: String,
    /// Times at which the channel was searched in vain.
    searched: Vec<String>,
    next_search: String,
    /// Only a person can tell.
    asks_person: bool,
    /// Who saw it, while the search goes on.
    seen_by: String,
    channel_url: String,
}

/// What a delivery waits for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct WaitView {
    why: ReasonView,
    until: String,
}

pub(crate) fn acts(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    delivery: Option<&Delivery>,
) -> Acts {
    let channel = app.capabilities.get(post.account.channel());
    let Some(d) = delivery.filter(|_| post.state == PostState::Approved) else {
        return Acts::default();
    };
    let open = |act: Act| act.is_open_to(&visitor.user, d);
    let now = app.clock.now();
    let covered = post.approval.as_ref().is_some_and(|approval| now <= approval.not_after);
    let over = Act::Retry.fits(d);
    let signs = visitor.user.is(Role::Approver) && !post.was_written_by(visitor.user.id);
    Acts {
        confirm: open(Act::ConfirmLive),
        too_early: app.desk.may_still_arrive(d),
        hold: open(Act::Hold),
        release: open(Act::Release),
        cancel: open(Act::Cancel),
        wish: is_wish(d),
        retry: covered && open(Act::Retry),
        expired: over && !covered,
        approve_again: over && !covered && signs,
        retract: open(Act::Retract),
        by_hand: !d.has_remote_id() || channel.is_none_or(|capability| !capability.delete),
        set_aside: open(Act::SetAside),
    }
}

/// The evidence around an outcome that is not known, which waits for this.
pub(crate) async fn doubt(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    d: &Delivery,
    waits: &Waits,
) -> Result<Option<Doubt>, WebError> {
    if d.state != DeliveryState::Uncertain {
        return Ok(None);
    }
    let capability = app.capabilities.get(post.account.channel());
    let asks_person = capability.is_none_or(|c| c.read_back == ReadBack::None);
    let time = |at| view::time(at, ZONE);
    let next_search = match waits {
        Waits::Until(at) => time(*at),
        _ => String::new(),
    };
    let sent = d.intent.as_ref().map(|intent| intent.at).or(d.sending_since);
    Ok(Some(Doubt {
        attempt: d.attempt,
        max_attempts: d.max_attempts,
        sent_at: sent.map(time).unwrap_or_default(),
        step: step_title(app, &visitor.lang, post.account.channel(), d.ticket.as_ref()),
        digest: d.digest.to_string(),
        digest_short: d.digest.short(),
        marker: post.content.link.url.clone(),
        text: post.content.text.clone(),
        searched: d.absent.iter().map(|at| time(*at)).collect(),
        next_search,
        asks_person,
        seen_by: match &d.seen_live {
            Some(seen) => name_of_user(app, seen.by, &mut BTreeMap::new()).await?,
            None => String::new(),
        },
        channel_url: channel_url(app, post).await?,
    }))
}

/// Where the audience sees the account, as its settings say; empty when they do not.
async fn channel_url(app: &Shared, post: &Post) -> Result<String, WebError> {
    let account = app.store.read::<loa_model::Account>(post.account.as_str()).await?;
    let url = account.and_then(|row| row.record.settings.get("channel_url").cloned());
    Ok(url.map(|url| web_address(&url)).unwrap_or_default())
}

/// What an approved post waits for, in words; nothing when it waits for its own time or for nobody.
pub(crate) fn waits(app: &Shared, visitor: &Visitor, waits: &Waits) -> Option<WaitView> {
    let Waits::Back { why, words, until } = waits else { return None };
    Some(WaitView {
        why: ReasonView::told(&app.assets, &visitor.lang, Some(*why), words),
        until: until.map(|at| view::time(at, ZONE)).unwrap_or_default(),
    })
}

/// An earlier delivery of a post.
#[derive(Serialize)]
struct Earlier {
    state: String,
    at: String,
    attempt: u32,
    reason: ReasonView,
}

#[derive(Serialize)]
struct Page {
    post: PostCard,
    earlier: Vec<Earlier>,
    /// Everything that happened to it.
    steps: Vec<Moment>,
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let prefix = join(&[&post.id.to_string(), ""]);
    let mut all = app.store.list::<Delivery>("delivery_by_post", &prefix, 100).await?;
    all.sort_by_key(|row| std::cmp::Reverse((row.record.created_at, row.record.id)));
    let shown = app.desk.delivery_of(post.id).await.map_err(|error| failed(&error))?;
    let shown = shown.map(|row| row.record.id);
    let earlier = |row: Versioned<Delivery>| Earlier {
        state: row.record.state.name().to_owned(),
        at: view::time(row.record.updated_at, ZONE),
        attempt: row.record.attempt,
        reason: ReasonView::of(&app.assets, &visitor.lang, &row.record.reason),
    };
    let earlier = all.into_iter().filter(|row| Some(row.record.id) != shown).map(earlier).collect();
    let steps = timeline(&app, &visitor, &post).await?;
    let page = Page { post: post_card(&app, &visitor, post).await?, earlier, steps };
    pages::draw(&app, &visitor, "posts", "pages/post.html", page).await
}

/// A decision as the form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    pub(crate) act: String,
    /// The delivery that was on the screen: the decision is about that one.
    #[serde(default)]
    pub(crate) delivery: String,
    #[serde(default)]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) digest: String,
}

/// One decision about one delivery.
pub(crate) async fn decide(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Decision>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let problem = match decided(&app, &visitor, &post, &form).await? {
        None => None,
        Some(NotSigned::Review(error)) => Some(refusal(&app, &visitor, &error)),
        Some(NotSigned::Desk(error)) => {
            let said = refused(&app, &visitor, &error);
            Some(match error {
                DeskError::NotNow(NotNow::Taken(other)) => {
                    format!("{said} {}", named(&app, &visitor, other).await?)
                }
                _ => said,
            })
        }
    };
    let next = Redirect::to(&format!("/bai-dang/{}", post.id));
    answer(&app, &visitor, &headers, &post, problem, next).await
}

/// Which post it is, in a sentence: its kind, headline and time.
async fn named(app: &Shared, visitor: &Visitor, id: PostId) -> Result<String, WebError> {
    let post = own_post_row(app, visitor, id).await?.record;
    let format = format!("format.{}", name_of(&post.content.format));
    let format = app.assets.word(&visitor.lang, &format);
    let title = pages::article_title(app, &post).await?;
    let at = view::told_time(post.scheduled_at, &post.zone, &visitor.lang);
    Ok(format!("{format}: “{title}”, {at}"))
}

/// Does what was decided; why it was not done, or nothing.
pub(crate) async fn decided(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    form: &Decision,
) -> Result<Option<NotSigned>, WebError> {
    if form.act != "approve_again" {
        return Ok(act(app, visitor, post, form).await?.map(NotSigned::Desk));
    }
    let seen: Digest = form.digest.parse().map_err(|_| WebError::missing())?;
    let now = app.clock.now();
    let window = Window { not_before: now, not_after: now + APPROVED_FOR };
    let capability = capability(app, post)?;
    let moved = app.review.approve_again(&visitor.user, post.id, seen, window, capability).await;
    Ok(moved.err().map(NotSigned::Review))
}

/// What the desk did not do, or nothing.
async fn act(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    form: &Decision,
) -> Result<Option<DeskError>, WebError> {
    let id = form.delivery.parse().map_err(|_| WebError::missing())?;
    let known = app.store.read::<Delivery>(&form.delivery).await?;
    if known.is_none_or(|row| row.record.post != post.id) {
        return Err(WebError::missing());
    }
    let (desk, by) = (&app.desk, visitor.user.id);
    let reason = form.reason.clone();
    let done = match form.act.as_str() {
        "confirm_live" => {
            let receipt = Receipt {
                remote_id: String::new(),
                url: web_address(form.url.trim()),
                raw: serde_json::json!({ "confirmed": reason.trim() }),
                at: app.clock.now(),
            };
            desk.confirm_live(id, by, receipt).await
        }
        "confirm_absent" => desk.confirm_absent(id, by, reason).await,
        "hold" => desk.hold(id, by, reason).await,
        "release" => desk.release(id, by).await,
        "cancel" => desk.cancel(id, by, reason).await,
        "retract" => desk.retract(id, by, reason).await,
        "retry" => {
            let from = post.approval.as_ref().map(|approval| approval.not_before);
            let at = from.map_or(app.clock.now(), |from| from.max(app.clock.now()));
            desk.retry(id, by, at).await
        }
        "set_aside" => {
            let left = desk.set_aside(id, by, reason).await;
            return Ok(left.err());
        }
        _ => return Err(WebError::missing()),
    };
    Ok(done.err())
}

/// A refusal of the desk in words: those of the locale files, and the exact limits where there are any.
pub(crate) fn refused(app: &Shared, visitor: &Visitor, error: &DeskError) -> String {
    if let DeskError::Store(store) = error {
        tracing::error!(error = %store, "The desk could not use the store");
    }
    let word = app.assets.word(&visitor.lang, &format!("desk_error.{}", error.key()));
    match error {
        DeskError::NotNow(NotNow::OutsideApproval { from, to }) => {
            let time = |at| view::told_time(at, ZONE, &visitor.lang);
            format!("{word} ({} – {})", time(*from), time(*to))
        }
        _ => word,
    }
}

/// A question to the desk that only the store can fail.
pub(crate) fn failed(error: &DeskError) -> WebError {
    tracing::error!(%error, "The desk could not answer");
    WebError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Lỗi lưu trữ, đã ghi nhật ký / Storage failed, it is in the log",
    )
}

/// The words for a state: what it means and what happens next.
pub(crate) fn help(post: &Post, delivery: Option<&Delivery>, doubt: Option<&Doubt>) -> String {
    match delivery.filter(|_| post.state == PostState::Approved) {
        Some(d) if d.seen_live.is_some() => "uncertain_seen".to_owned(),
        Some(_) if doubt.is_some_and(|doubt| doubt.asks_person) => "uncertain_person".to_owned(),
        // Nobody has a receipt of the platform: a person's word is told as such.
        Some(d) if d.state == DeliveryState::Published && !d.has_remote_id() => {
            "published_seen".to_owned()
        }
        Some(d) => d.state.name().to_owned(),
        None => name_of(&post.state),
    }
}

/// A word in both languages, as operations answer.
pub(crate) fn both(app: &Shared, key: &str) -> String {
    [app.assets.word("vi", key), app.assets.word("en", key)].join(crate::error::BETWEEN)
}

/// A refusal as a page: what is not theirs is not found.
pub(crate) fn desk_refusal(app: &Shared, visitor: &Visitor, error: &DeskError) -> WebError {
    WebError::new(status(error), refused(app, visitor, error))
}

fn status(error: &DeskError) -> StatusCode {
    match error {
        DeskError::Unknown(_) => StatusCode::NOT_FOUND,
        DeskError::Role { .. } => StatusCode::FORBIDDEN,
        DeskError::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

/// A refusal of the desk as a problem, in both languages.
pub(crate) fn desk_problem(app: &Shared, visitor: &Visitor, error: &DeskError) -> WebError {
    let said =
        |lang: &str| refused(app, &Visitor { lang: lang.to_owned(), ..visitor.clone() }, error);
    let status = match error {
        DeskError::NoReason | DeskError::NotNow(NotNow::BadScope(_)) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        error => status(error),
    };
    WebError::new(status, [said("vi"), said("en")].join(crate::error::BETWEEN))
}
