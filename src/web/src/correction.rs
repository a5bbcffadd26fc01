//! *Đính chính*: other words for a live post. They make a draft that goes through review; signed, it is sent to the live post.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_delivery::{Act, Applied, Correction, DeskError};
use loa_model::{BodyBlock, Delivery, DeliveryState, Post, PostContent, PostState, Role};
use loa_review::{Corrects, ReviewError, Window, relinked};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared, approvals,
    approvals::answers::{PROBLEMS, problem},
    auth::Visitor,
    decide::{failed, refused},
    error::WebError,
    pages::{self, name_of},
    post::{NotSigned, capability, own_post, refusal},
    words::{
        Desk,
        check::{Checked, checked},
    },
};

/// Whether this visitor may write a correction of a post now: it is live, and its channel lets posts be changed.
pub(crate) fn may_correct(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    delivery: Option<&Delivery>,
) -> bool {
    let edits = app.capabilities.get(post.account.channel()).is_some_and(|c| c.edit);
    let writes = visitor.user.is(Role::Author) || visitor.user.is(Role::Editor);
    let live = delivery.is_some_and(|d| Act::Correct.fits(d));
    edits && writes && live && post.state == PostState::Approved
}

/// Whether this visitor would correct a live post, and its channel lets nobody change posts.
pub(crate) fn is_fixed(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    delivery: Option<&Delivery>,
) -> bool {
    let edits = app.capabilities.get(post.account.channel()).is_some_and(|c| c.edit);
    let writes = visitor.user.is(Role::Author) || visitor.user.is(Role::Editor);
    let live = delivery.is_some_and(|d| d.state == DeliveryState::Published);
    !edits && writes && live && post.state == PostState::Approved
}

/// What a post corrects.
pub(crate) async fn corrects(app: &Shared, post: &Post) -> Result<Option<Corrects>, WebError> {
    app.review.corrects(post.id).await.map_err(|error| problem(app, &error))
}

/// Whether a correction was ordered at the delivery of its live post: by the last order there, or by one that it took.
pub(crate) async fn is_ordered(app: &Shared, post: &Post) -> Result<bool, WebError> {
    let Some(corrects) = corrects(app, post).await? else { return Ok(false) };
    let live = app.desk.delivery_of(corrects.live).await.map_err(|error| failed(&error))?;
    let Some(live) = live else { return Ok(false) };
    let order = app.store.read::<Correction>(&live.record.id.to_string()).await?;
    Ok(order.is_some_and(|order| {
        order.record.post == post.id || order.record.earlier.iter().any(|one| one.post == post.id)
    }))
}

/// The corrections that a live post took, the oldest first.
async fn applied(app: &Shared, delivery: &Delivery) -> Result<Vec<Applied>, WebError> {
    let order = app.store.read::<Correction>(&delivery.id.to_string()).await?;
    Ok(order.map(|order| order.record.applied()).unwrap_or_default())
}

/// Whether a live post took this correction.
pub(crate) async fn is_applied(app: &Shared, post: &Post) -> Result<bool, WebError> {
    let Some(corrects) = corrects(app, post).await? else { return Ok(false) };
    let live = app.desk.delivery_of(corrects.live).await.map_err(|error| failed(&error))?;
    let Some(live) = live else { return Ok(false) };
    Ok(applied(app, &live.record).await?.iter().any(|one| one.post == post.id))
}

/// The post whose content a corrected one shows now, and since when; nothing while it shows its own.
pub(crate) async fn shown_now(
    app: &Shared,
    delivery: Option<&Delivery>,
) -> Result<Option<(Post, Applied)>, WebError> {
    // Only what was live was ever corrected.
    let Some(delivery) = delivery.filter(|d| d.receipt.is_some()) else { return Ok(None) };
    let Some(last) = applied(app, delivery).await?.pop() else { return Ok(None) };
    let post = app.store.read::<Post>(&last.post.to_string()).await?;
    Ok(post.map(|post| (post.record, last)))
}

/// The content that the audience sees, with the post's own link: what is corrected next begins with it.
async fn as_it_is(app: &Shared, post: &Post) -> Result<PostContent, WebError> {
    let delivery = pages::state_of(app, post).await?.1;
    let now = shown_now(app, delivery.as_ref()).await?;
    Ok(match now {
        Some((now, _)) => relinked(now.content, &post.content.link),
        None => post.content.clone(),
    })
}

/// Signs a correction and orders it at the delivery of the live post.
pub(crate) async fn sign(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    seen: loa_model::Digest,
    window: Window,
) -> Result<Option<NotSigned>, WebError> {
    let capability = capability(app, post)?;
    let by = &visitor.user;
    match app.review.approve_correction(by, post.id, seen, window, capability).await {
        Ok((post, corrects)) => {
            Ok(order(app, visitor, &post, &corrects).await.err().map(NotSigned::Desk))
        }
        Err(error) => Ok(Some(NotSigned::Review(error))),
    }
}

/// Has an approved correction sent to the live post.
pub(crate) async fn order(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    corrects: &Corrects,
) -> Result<(), DeskError> {
    let live = app.desk.delivery_of(corrects.live).await?;
    let unknown = || DeskError::Unknown(format!("delivery of post {}", corrects.live));
    let live = live.ok_or_else(unknown)?.record.id;
    app.desk.correct(live, visitor.user.id, post.id, corrects.reason.clone()).await?;
    Ok(())
}

/// Orders an approved correction that did not get to its live post yet.
pub(crate) async fn send(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let corrects = corrects(&app, &post).await?.ok_or_else(WebError::missing)?;
    match order(&app, &visitor, &post, &corrects).await {
        Ok(()) => Ok(Redirect::to(&format!("/bai-dang/{}", corrects.live)).into_response()),
        Err(error) => Err(WebError::new(StatusCode::CONFLICT, refused(&app, &visitor, &error))),
    }
}

/// The words of a post that can be corrected.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    reason: String,
    text: String,
    /// As it was when absent.
    title: Option<String>,
    /// Paragraphs of an article post, each in its place but that of the short link, which stays; as they were when absent.
    paragraphs: Option<Vec<String>>,
}

/// This content with these words; nothing when there are more or fewer paragraphs than before.
fn content(now: PostContent, words: &Words) -> Option<PostContent> {
    let mut content = now;
    content.text = words.text.replace("\r\n", "\n");
    if let Some(title) = &words.title {
        title.trim().clone_into(&mut content.title);
    }
    if let Some(new) = &words.paragraphs {
        let mut new = new.iter();
        for block in &mut content.body {
            if let BodyBlock::Text { text } = block {
                if text.contains(&content.link.url) {
                    continue;
                }
                *text = new.next()?.replace("\r\n", "\n");
            }
        }
        if new.next().is_some() {
            return None;
        }
    }
    Some(content)
}

async fn draft(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    words: &Words,
) -> Result<Result<Post, ReviewError>, WebError> {
    let Some(content) = content(as_it_is(app, post).await?, words) else {
        return Err(WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Số đoạn phải như bài đang trên kênh / There must be as many paragraphs as in the live post",
        ));
    };
    Ok(app.review.correct(&visitor.user, post.id, content, &words.reason).await)
}

#[derive(Serialize)]
struct Page {
    id: String,
    lang: String,
    article_title: String,
    account_title: String,
    channel: String,
    format: String,
    titled: bool,
    title: String,
    text: String,
    blocks: Vec<Block>,
    reason: String,
    problem: String,
    may: bool,
    /// Counted and drawn as any post that is edited.
    #[serde(flatten)]
    checked: Checked,
}

/// A block of an article post.
#[derive(Serialize)]
struct Block {
    text: String,
    /// Words; else the caption of a picture or the short link, which stay.
    paragraph: bool,
    /// Where the short link stands.
    link: bool,
}

async fn draw(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    shown: &PostContent,
    (reason, problem): (String, String),
) -> Result<Html<String>, WebError> {
    let block = |block: &BodyBlock| match block {
        BodyBlock::Text { text } => Block {
            text: text.clone(),
            paragraph: !text.contains(&shown.link.url),
            link: text.contains(&shown.link.url),
        },
        BodyBlock::Picture { caption, .. } => {
            Block { text: caption.clone(), paragraph: false, link: false }
        }
    };
    let desk = Desk::of(app, post.clone()).await?;
    let page = Page {
        id: post.id.to_string(),
        lang: shown.lang.clone(),
        article_title: pages::article_title(app, post).await?,
        account_title: pages::account_title(app, post).await?,
        channel: pages::channel_title(app, &post.account),
        format: name_of(&shown.format),
        titled: !post.content.title.is_empty(),
        title: shown.title.clone(),
        text: shown.text.clone(),
        blocks: shown.body.iter().map(block).collect(),
        checked: checked(app, visitor, &desk, shown).await?,
        may: may_correct(app, visitor, post, pages::state_of(app, post).await?.1.as_ref()),
        reason,
        problem,
    };
    pages::draw(app, visitor, "posts", "pages/correction.html", page).await
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let nothing = (String::new(), String::new());
    let now = as_it_is(&app, &post).await?;
    draw(&app, &visitor, &post, &now, nothing).await
}

/// Makes the draft of a correction; a refusal keeps what was written before the eyes.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    // Paragraphs repeat their name, which form structs cannot hold.
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let all = |name: &str| -> Vec<String> {
        pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    };
    let first = |name: &str| all(name).into_iter().next();
    let words = Words {
        reason: first("reason").unwrap_or_default(),
        text: first("text").ok_or_else(WebError::missing)?,
        title: first("title"),
        paragraphs: Some(all("paragraph")),
    };
    match draft(&app, &visitor, &post, &words).await? {
        Ok(draft) => Ok(Redirect::to(&format!("/bai-dang/{}", draft.id)).into_response()),
        Err(error) => {
            let said = refusal(&app, &visitor, &error);
            let now = as_it_is(&app, &post).await?;
            let shown = content(now.clone(), &words).unwrap_or(now);
            let page = draw(&app, &visitor, &post, &shown, (words.reason, said)).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}

/// The same as an operation.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(words): Json<Words>,
) -> Result<Json<Value>, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let draft = draft(&app, &visitor, &post, &words).await?;
    let draft = draft.map_err(|error| problem(&app, &error))?;
    Ok(Json(json!({
        "id": draft.id, "state": name_of(&draft.state), "digest": draft.digest(), "corrects": post.id,
    })))
}

/// The operation as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let text = json!({ "type": "string" });
    let schema = json!({
        "type": "object", "required": ["reason", "text"], "additionalProperties": false,
        "properties": {
            "reason": { "type": "string", "minLength": 1 }, "text": text,
            "title": { "type": ["string", "null"] },
            "paragraphs": { "type": ["array", "null"], "items": text, "description": "Every paragraph but that of the short link, which stays" },
        },
    });
    let summary = "Write other words for a live post (roles author, editor): a draft that goes through review and then to the live post";
    approvals::told(summary, "id: the draft", Some(schema), &PROBLEMS)
}
