//! One article: its variants beside the source, its posts, and what people do with them.

use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{
    Account, Article, ArticleId, Block, Brief, Digest, Job, JobKind, Post, PostId, PostState, Role,
    Span, User, Variant, Violation, record::join,
};
use loa_review::{ReviewError, Window};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    pages::{self, JobCard, name_of},
    view,
};

const ZONE: &str = "Asia/Ho_Chi_Minh";

#[derive(Serialize)]
struct Facts {
    id: String,
    title: String,
    publisher: String,
    url: String,
    at: String,
    revision: u32,
    digest: String,
    digest_short: String,
    lang: String,
}

#[derive(Serialize)]
struct SourceBlock {
    kind: String,
    /// Escaped text with marks: safe by construction.
    html: String,
}

#[derive(Serialize)]
struct FileView {
    name: String,
    blob: String,
    facts: String,
}

#[derive(Serialize)]
struct Traced {
    text: String,
    block: Option<u32>,
    place: Option<String>,
    edited: bool,
}

#[derive(Serialize)]
struct VariantView {
    kind: String,
    state: String,
    reason: String,
    video: Option<String>,
    picture: Option<String>,
    poster: Option<String>,
    width: u32,
    height: u32,
    alt: String,
    files: Vec<FileView>,
    provenance: Vec<Traced>,
}

#[derive(Serialize)]
struct AccountView {
    name: String,
    title: String,
}

/// A post as people see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PostCard {
    id: String,
    article: String,
    article_title: String,
    account_title: String,
    format: String,
    state: String,
    reason: String,
    url: String,
    remote_id: String,
    at: String,
    link: String,
    digest: String,
    digest_short: String,
    approved_by: Option<String>,
    violations: Vec<Violation>,
    evidence: Vec<String>,
    /// The channel's own frame, drawn from escaped data.
    frame: Option<String>,
    can_submit: bool,
    can_approve: bool,
    own_and_waiting: bool,
}

#[derive(Serialize)]
struct Page {
    article: Facts,
    jobs: Vec<JobCard>,
    variants: Vec<VariantView>,
    posts: Vec<PostCard>,
    accounts: Vec<AccountView>,
    blocks: Vec<SourceBlock>,
}

async fn find(app: &Shared, visitor: &Visitor, id: &str) -> Result<Article, WebError> {
    let id: ArticleId = id.parse().map_err(|_| WebError::missing())?;
    let rows = pages::latest(app, &visitor.user.agency).await?;
    rows.into_iter().find(|article| article.id == id).ok_or_else(WebError::missing)
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let article = find(&app, &visitor, &id).await?;
    let brief = brief_of(&app, &article).await?;
    let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision)]);
    let mut rows = app.store.list::<Variant>("variant_by_article", &key, 100).await?;
    rows.sort_by_key(|row| (row.record.kind, row.record.id));
    let variants =
        rows.iter().map(|row| variant_view(&row.record, &article, &visitor.lang)).collect();
    let mut posts = Vec::new();
    for row in app.store.list::<Post>("post_by_article", &article.id.to_string(), 100).await? {
        posts.push(post_card(&app, &visitor, row.record).await?);
    }
    let accounts = app
        .store
        .list::<Account>("account_by_agency", &join(&[&article.agency, ""]), 200)
        .await?
        .into_iter()
        .map(|row| AccountView { name: row.record.name.to_string(), title: row.record.title })
        .collect();
    let jobs = pages::job_cards(&app, &article.agency, Some(&article.id.to_string())).await?;
    let page = Page {
        jobs,
        variants,
        posts,
        accounts,
        blocks: source_blocks(&article, brief.as_ref()),
        article: Facts {
            id: article.id.to_string(),
            title: article.title().to_owned(),
            publisher: article.source.publisher.clone(),
            url: web_address(&article.source.canonical_url),
            at: view::time(article.published_at.unwrap_or(article.fetched_at), ZONE),
            revision: article.revision,
            digest: article.digest.to_string(),
            digest_short: article.digest.short(),
            lang: article.lang.clone(),
        },
    };
    pages::draw(&app, &visitor, "articles", "pages/article.html", page).await
}

/// Only web addresses become links: an article from a file may carry anything.
fn web_address(text: &str) -> String {
    let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web { text.to_owned() } else { String::new() }
}

async fn brief_of(app: &Shared, article: &Article) -> Result<Option<Brief>, WebError> {
    let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision)]);
    let rows = app.store.list_last::<Brief>("brief_by_article", &key, 1).await?;
    Ok(rows.into_iter().next().map(|row| row.record))
}

/// The article's blocks with the places that the brief took its words from marked.
fn source_blocks(article: &Article, brief: Option<&Brief>) -> Vec<SourceBlock> {
    let mut marks: Vec<(Span, &str)> = Vec::new();
    if let Some(brief) = brief {
        marks.extend(brief.figures.iter().map(|figure| (figure.span, "figure")));
        marks.extend(brief.quotes.iter().map(|quote| (quote.words.span, "quote")));
        marks.extend(brief.points.iter().map(|point| (point.span, "point")));
    }
    let html = |(index, block): (usize, &Block)| SourceBlock {
        kind: name_of(&block.kind),
        html: marked(&block.text, marks.iter().filter(|(span, _)| span.block as usize == index)),
    };
    article.blocks.iter().enumerate().map(html).collect()
}

/// Escaped text with `<mark>` around each character's first mark; figures win inside points.
fn marked<'a>(text: &str, marks: impl Iterator<Item = &'a (Span, &'a str)>) -> String {
    let mut class_at: Vec<Option<&str>> = vec![None; text.len()];
    let mut all: Vec<_> = marks.collect();
    all.sort_by_key(|(span, class)| (*class != "point", span.start));
    for (span, class) in all {
        if let Some(range) = class_at.get_mut(span.start as usize..span.end as usize) {
            range.fill(Some(class));
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut open: Option<&str> = None;
    for (at, c) in text.char_indices() {
        let class = class_at.get(at).copied().flatten();
        if class != open {
            if open.is_some() {
                out.push_str("</mark>");
            }
            if let Some(class) = class {
                out.push_str("<mark class=\"");
                out.push_str(class);
                out.push_str("\">");
            }
            open = class;
        }
        out.push_str(&view::escape(c.encode_utf8(&mut [0; 4])));
    }
    if open.is_some() {
        out.push_str("</mark>");
    }
    out
}

fn variant_view(variant: &Variant, article: &Article, lang: &str) -> VariantView {
    let first = |prefix: &str| variant.renditions.iter().find(|file| file.mime.starts_with(prefix));
    let video = first("video/");
    let picture = first("image/");
    let shown = video.or(picture);
    let facts = |file: &loa_model::Rendition| {
        let mut parts = Vec::new();
        if file.width > 0 {
            parts.push(format!("{}×{}", file.width, file.height));
        }
        if file.duration_ms > 0 {
            parts.push(format!("{} s", file.duration_ms.div_ceil(1000)));
        }
        parts.push(view::size(file.bytes, lang));
        parts.join(" · ")
    };
    VariantView {
        kind: name_of(&variant.kind),
        state: name_of(&variant.state),
        reason: variant.reason.clone(),
        video: video.map(|file| file.blob.to_string()),
        picture: picture.map(|file| file.blob.to_string()),
        poster: picture.filter(|_| video.is_some()).map(|file| file.blob.to_string()),
        width: shown.map_or(4, |file| file.width),
        height: shown.map_or(5, |file| file.height),
        alt: shown.map(|file| file.alt.clone()).unwrap_or_default(),
        files: variant
            .renditions
            .iter()
            .map(|file| FileView {
                name: file.name.clone(),
                blob: file.blob.to_string(),
                facts: facts(file),
            })
            .collect(),
        provenance: places(&variant.provenance, article),
    }
}

/// The renderer's provenance: a list of `{"text", "span"?, "edited"?}` at the top or under any key.
fn places(provenance: &Value, article: &Article) -> Vec<Traced> {
    let mut found: Vec<Traced> = Vec::new();
    let mut queue = vec![provenance];
    while let Some(value) = queue.pop() {
        match value {
            Value::Array(items) => queue.extend(items.iter().rev()),
            Value::Object(map) => {
                if let Some(text) = map.get("text").and_then(Value::as_str) {
                    let span: Option<Span> =
                        map.get("span").and_then(|span| serde_json::from_value(span.clone()).ok());
                    let edited = map.get("edited").and_then(Value::as_bool).unwrap_or(false);
                    let known = found.iter().any(|place| place.text == text);
                    if !known && !text.is_empty() {
                        let block =
                            span.filter(|span| span.of(article).is_some()).map(|span| span.block);
                        let place = block.map(|block| format!("§{}", block + 1));
                        found.push(Traced { text: text.to_owned(), block, place, edited });
                    }
                } else {
                    queue.extend(map.values().rev());
                }
            }
            _ => {}
        }
    }
    found
}

/// A post with its delivery, frame and what this visitor may do with it.
pub(crate) async fn post_card(
    app: &Shared,
    visitor: &Visitor,
    post: Post,
) -> Result<PostCard, WebError> {
    let (state, delivery) = pages::state_of(app, &post).await?;
    let account = app.store.read::<Account>(post.account.as_str()).await?.map(|row| row.record);
    let title = account.map_or_else(|| post.account.to_string(), |account| account.title);
    let article_key = loa_model::article::article_key(post.article, post.revision);
    let article = app.store.read::<Article>(&article_key).await?.map(|row| row.record);
    let approver = match &post.approval {
        Some(approval) => {
            app.store.read::<User>(&approval.by.to_string()).await?.map(|row| row.record.name)
        }
        None => None,
    };
    let violations = app
        .capabilities
        .get(post.account.channel())
        .map(|capability| capability.check(&post.content))
        .unwrap_or_default();
    let mine = post.author == visitor.user.id;
    let waiting = post.state == PostState::InReview;
    let receipt = delivery.as_ref().and_then(|delivery| delivery.receipt.as_ref());
    let digest = post.digest();
    Ok(PostCard {
        id: post.id.to_string(),
        article: post.article.to_string(),
        article_title: article.map(|article| article.title().to_owned()).unwrap_or_default(),
        frame: frame(app, visitor, &post, &title),
        account_title: title,
        format: name_of(&post.content.format),
        reason: delivery
            .as_ref()
            .map_or_else(|| post.reason.clone(), |delivery| delivery.reason.clone()),
        url: receipt.map(|receipt| web_address(&receipt.url)).unwrap_or_default(),
        remote_id: receipt.map(|receipt| receipt.remote_id.clone()).unwrap_or_default(),
        at: view::time(receipt.map_or(post.scheduled_at, |receipt| receipt.at), &post.zone),
        link: post.content.link.url.clone(),
        digest: digest.to_string(),
        digest_short: digest.short(),
        approved_by: approver,
        can_submit: matches!(post.state, PostState::Draft | PostState::Returned)
            && violations.is_empty()
            && visitor.user.is(Role::Editor),
        violations,
        evidence: delivery
            .map(|delivery| {
                delivery
                    .evidence
                    .iter()
                    .map(|item| format!("{} — {}", view::time(item.at, ZONE), item.what))
                    .collect()
            })
            .unwrap_or_default(),
        can_approve: waiting && !mine && visitor.user.is(Role::Approver),
        own_and_waiting: waiting && mine,
        state,
    })
}

/// The post in its channel's own frame; nothing when the channel brought none.
fn frame(app: &Shared, visitor: &Visitor, post: &Post, title: &str) -> Option<String> {
    let media: Vec<_> =
        post.content.media.iter().map(|file| format!("/tep/{}", file.blob)).collect();
    let data = json!({"account": {"name": post.account.to_string(), "title": title}, "content": post.content, "media_urls": media});
    let name = format!("frame/{}.html", post.account.channel());
    match app.assets.render(&name, &visitor.lang, data) {
        Ok(html) => Some(html),
        Err(error) => {
            tracing::warn!(channel = post.account.channel(), error = ?error, "A channel's frame could not be drawn");
            None
        }
    }
}

/// Queues the composing of an article's default posts.
pub(crate) async fn compose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    if !visitor.user.is(Role::Author) && !visitor.user.is(Role::Editor) {
        return Err(WebError::forbidden());
    }
    let article = find(&app, &visitor, &id).await?;
    // A checkbox group repeats its name, which form structs cannot hold.
    let pairs = url::form_urlencoded::parse(body.as_bytes()).filter(|(key, _)| key == "accounts");
    let accounts: Result<Vec<_>, _> = pairs.map(|(_, name)| name.parse()).collect();
    let accounts = accounts.map_err(|error: loa_model::account::BadAccountName| {
        WebError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    })?;
    if accounts.is_empty() {
        return Err(WebError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Hãy chọn ít nhất một tài khoản / Choose at least one account",
        ));
    }
    let now = app.clock.now();
    let work = JobKind::Compose {
        article: article.id,
        revision: article.revision,
        accounts,
        author: visitor.user.id,
        at: now,
    };
    let job = Job::new(app.ids.make(), &article.agency, work, now);
    app.store.commit(Changes::by(visitor.actor(), "queue composing").enqueue(job)).await?;
    Ok(back(&article.id.to_string()))
}

fn back(article: &str) -> Response {
    Redirect::to(&format!("/bai-viet/{article}")).into_response()
}

async fn own_post(app: &Shared, visitor: &Visitor, id: &str) -> Result<Post, WebError> {
    let id: PostId = id.parse().map_err(|_| WebError::missing())?;
    let row = app.store.read::<Post>(&id.to_string()).await?.ok_or_else(WebError::missing)?;
    if row.record.agency == visitor.user.agency { Ok(row.record) } else { Err(WebError::missing()) }
}

/// Hands a draft to the approvers.
pub(crate) async fn submit(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let capability = capability(&app, &post)?;
    let moved = app.review.submit(&visitor.user, post.id, capability).await;
    moved.map_err(|error| refused(&app, &visitor, &error))?;
    Ok(back(&post.article.to_string()))
}

#[derive(Deserialize)]
pub(crate) struct Approve {
    digest: String,
}

/// How long an approved post may wait before it asks a person again.
const APPROVED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Signs exactly what the approver saw: the digest comes from the page they pressed the button on.
pub(crate) async fn approve(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<Approve>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let seen: Digest = form.digest.parse().map_err(|_| WebError::missing())?;
    let from = post.scheduled_at.max(app.clock.now());
    let window = Window { not_before: from, not_after: from + APPROVED_FOR };
    let capability = capability(&app, &post)?;
    let moved = app.review.approve(&visitor.user, post.id, seen, window, capability).await;
    moved.map_err(|error| refused(&app, &visitor, &error))?;
    Ok(Redirect::to("/duyet").into_response())
}

#[derive(Deserialize)]
pub(crate) struct GiveBack {
    reason: String,
}

/// Sends a post back with a reason.
pub(crate) async fn give_back(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(form): Form<GiveBack>,
) -> Result<Response, WebError> {
    let post = own_post(&app, &visitor, &id).await?;
    let moved = app.review.return_with_reason(&visitor.user, post.id, &form.reason).await;
    moved.map_err(|error| refused(&app, &visitor, &error))?;
    Ok(Redirect::to("/duyet").into_response())
}

fn capability<'a>(app: &'a Shared, post: &Post) -> Result<&'a loa_model::Capability, WebError> {
    app.capabilities.get(post.account.channel()).ok_or_else(|| {
        let message = format!(
            "Bản này không có kênh {0} / This build has no channel {0}",
            post.account.channel()
        );
        WebError::new(StatusCode::NOT_IMPLEMENTED, message)
    })
}

/// A refusal of review as a page: the word of the locale files, and the exact reason.
fn refused(app: &Shared, visitor: &Visitor, error: &ReviewError) -> WebError {
    if let ReviewError::Store(store) = error {
        tracing::error!(error = %store, "Review could not use the store");
    }
    let word = app.assets.word(&visitor.lang, &format!("review_error.{}", error.key()));
    WebError::new(StatusCode::CONFLICT, format!("{word} ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { revision: 1, block: 0, start, end }
    }

    #[test]
    fn marks_escape_and_nest() {
        let text = "Giảm 30% <b>";
        let digits = u32::try_from(text.find("30").unwrap()).unwrap();
        let point = (span(0, digits + 3), "point");
        let figure = (span(digits, digits + 3), "figure");
        assert_eq!(
            marked(text, [&point, &figure].into_iter()),
            "<mark class=\"point\">Giảm </mark><mark class=\"figure\">30%</mark> &lt;b&gt;"
        );
        assert_eq!(marked(text, std::iter::empty()), "Giảm 30% &lt;b&gt;");
        let outside = (span(5, 900), "point");
        assert_eq!(marked("ẫ", std::iter::once(&outside)), "ẫ");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(web_address("https://x.vn/a"), "https://x.vn/a");
        assert_eq!(web_address("javascript:alert(1)"), "");
        assert_eq!(web_address("file:///etc/passwd"), "");
    }
}
