//! One article: its variants beside the source, its posts, and what people do with them.

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{
    Account, Article, ArticleId, Block, Brief, Post, Span, Variant, VariantKind, VariantState,
    When,
    record::{Record as _, join},
};
use loa_store::{StoreExt, Versioned};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Shared, articles,
    auth::Visitor,
    error::WebError,
    pages::{self, JobCard, name_of},
    post::{PostCard, post_card},
    priority, view,
};

mod told;

pub(crate) const ZONE: &str = "Asia/Ho_Chi_Minh";
/// What is said while there is nothing to choose from.
pub(crate) const NO_BRIEF: &str = "Bài chưa có bản tóm lược, hãy chờ đọc xong / The article has no brief yet, wait until it is read";
const PDF: &str = "application/pdf";

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
    doubts: Vec<loa_model::Doubt>,
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
struct PageView {
    blob: String,
    alt: String,
}

#[derive(Serialize)]
struct Traced {
    text: String,
    block: Option<u32>,
    place: Option<String>,
    /// Where it is from, for the script.
    at: String,
    edited: bool,
}

#[derive(Serialize)]
struct VariantView {
    kind: String,
    state: String,
    reason: String,
    video: Option<String>,
    picture: Option<String>,
    /// Pages after the first, of a carousel.
    more: Vec<PageView>,
    poster: Option<String>,
    /// A file to be printed, of a variant that has no picture.
    document: Option<String>,
    width: u32,
    height: u32,
    alt: String,
    files: Vec<FileView>,
    /// Sizes that could not be drawn, with the reason.
    violations: Value,
    provenance: Vec<Traced>,
}

#[derive(Serialize)]
struct AccountView {
    name: String,
    title: String,
}

#[derive(Serialize)]
struct Page {
    article: Facts,
    jobs: Vec<JobCard>,
    variants: Vec<VariantView>,
    posts: Vec<PostCard>,
    /// Kind of story; empty without a brief.
    story: String,
    brief: Vec<told::Group>,
    accounts: Vec<AccountView>,
    blocks: Vec<SourceBlock>,
}

pub(crate) async fn find(app: &Shared, visitor: &Visitor, id: &str) -> Result<Article, WebError> {
    let id: ArticleId = id.parse().map_err(|_| WebError::missing())?;
    newest(app, id)
        .await?
        .filter(|article| article.agency == visitor.user.agency)
        .ok_or_else(WebError::missing)
}

/// The last revision of an article.
async fn newest(app: &Shared, id: ArticleId) -> Result<Option<Article>, WebError> {
    /// Revisions that are read at once.
    const TOGETHER: usize = 16;
    let mine = format!("{id}/");
    let (mut from, mut last) = (mine.clone(), None);
    loop {
        let rows = app.store.scan(Article::TABLE, &from, TOGETHER).await?;
        let rows: Vec<_> = rows.into_iter().take_while(|row| row.key.starts_with(&mine)).collect();
        let whole = rows.len() == TOGETHER;
        last = rows.into_iter().next_back().or(last);
        match &last {
            // Others may follow.
            Some(row) if whole => from = format!("{}\0", row.key),
            _ => break,
        }
    }
    Ok(last.map(|row| row.read::<Article>()).transpose()?.map(|row| row.record))
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
    // Once a newer one of a kind is drawn, those before it are only in the posts that have them.
    let drawn = |row: &Versioned<Variant>| row.record.state == VariantState::Rendered;
    let passed = |row: &Versioned<Variant>, later: &[Versioned<Variant>]| {
        later.iter().any(|other| other.record.kind == row.record.kind && drawn(other))
    };
    let variants = (0..rows.len())
        .filter(|at| !passed(&rows[*at], &rows[at + 1..]))
        .map(|at| variant_view(&rows[at].record, &article, &visitor.lang))
        .collect();
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
    let jobs = pages::job_cards(&app, &visitor, Some(&article.id.to_string())).await?;
    let page = Page {
        jobs,
        variants,
        posts,
        story: brief.as_ref().map(|brief| name_of(&brief.story)).unwrap_or_default(),
        brief: brief.as_ref().map(|brief| told::groups(brief, &article)).unwrap_or_default(),
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
            doubts: article.doubts.clone(),
        },
    };
    pages::draw(&app, &visitor, "articles", "pages/article.html", page).await
}

/// Only web addresses become links: an article from a file may carry anything.
pub(crate) fn web_address(text: &str) -> String {
    let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web { text.to_owned() } else { String::new() }
}

pub(crate) async fn brief_of(app: &Shared, article: &Article) -> Result<Option<Brief>, WebError> {
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
        if file.width > 0 && file.mime != PDF {
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
        more: variant
            .renditions
            .iter()
            .skip(1)
            .filter(|_| variant.kind == VariantKind::Carousel)
            .map(|file| PageView { blob: file.blob.to_string(), alt: file.alt.clone() })
            .collect(),
        document: first(PDF).map(|file| file.blob.to_string()),
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
        violations: variant.provenance["violations"].clone(),
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
                        let span = span.filter(|span| span.of(article).is_some());
                        let block = span.map(|span| span.block);
                        let place = block.map(|block| format!("§{}", block + 1));
                        let at = span.map(|span| told::at(article, span)).unwrap_or_default();
                        found.push(Traced { text: text.to_owned(), block, place, at, edited });
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

/// Queues the composing of an article's default posts.
pub(crate) async fn compose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let article = find(&app, &visitor, &id).await?;
    // A checkbox group repeats its name, which form structs cannot hold.
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
    let of = |name: &'static str| pairs.iter().filter(move |(key, _)| key == name);
    let accounts: Vec<String> = of("accounts").map(|(_, name)| name.to_string()).collect();
    let priority = priority::chosen(of("priority").next().map(|(_, name)| name.as_ref()))?;
    let one = [article.id.to_string()];
    articles::queue_composing(&app, &visitor, (&one, &accounts), (priority, When::Soon)).await?;
    Ok(back(&article.id.to_string()))
}

/// Back to the page of an article.
pub(crate) fn back(article: &str) -> Response {
    Redirect::to(&format!("/bai-viet/{article}")).into_response()
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
