//! One article: its variants beside the source, its posts, and what people do with them.

use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{
    Article, ArticleId, Block, BlockKind, Brief, Post, Span, Variant, VariantKind, When,
    record::{Record as _, join},
};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared, accounts, articles,
    auth::Visitor,
    error::WebError,
    pages::{self, JobCard, name_of},
    post::{Names, PostCard, post_card, post_line},
    priority,
    variant::{self, Bench, Editor},
    view::{self, ReasonView},
    ways::WRITERS,
};

pub(crate) mod address;
pub(crate) mod api;
pub(crate) mod handing;
mod shown;
mod told;

use shown::{Tab, VariantView};
pub(crate) use told::{amount, at, head};

/// Posts that the page of an article shows whole.
const WHOLE: usize = 12;

pub(crate) const ZONE: &str = "Asia/Ho_Chi_Minh";
/// What is said while there is nothing to choose from.
pub(crate) const NO_BRIEF: &str = "Bài chưa có bản tóm lược, hãy chờ đọc xong / The article has no brief yet, wait until it is read";

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
    doubts: Vec<DoubtView>,
    /// Another article that begins alike; empty without one.
    twin: String,
}

/// Something that the reading was not sure of.
#[derive(Serialize)]
struct DoubtView {
    code: String,
    detail: ReasonView,
}

#[derive(Serialize)]
struct SourceBlock {
    kind: String,
    /// Escaped text with marks: safe by construction. Of a row, nothing.
    html: String,
    /// The same of each cell of a row.
    cells: Vec<String>,
    /// Whether the cells are heads of columns.
    head: bool,
}

#[derive(Serialize)]
struct AccountView {
    name: String,
    title: String,
    place: String,
}

#[derive(Serialize)]
struct Page {
    article: Facts,
    jobs: Vec<JobCard>,
    /// What composes its posts.
    composing: Vec<JobCard>,
    /// What there is to look at on the right.
    tabs: Vec<Tab>,
    /// What could be made besides.
    others: Vec<Tab>,
    shown: Option<VariantView>,
    /// Kind of the variant that is edited; empty where none is.
    editing: String,
    editor: Option<Editor>,
    /// Whether the visitor may have variants made.
    writes: bool,
    /// The newest posts, whole.
    posts: Vec<PostCard>,
    /// Those before them, one line each: a page of a hundred previews would keep a phone busy for seconds.
    before: Vec<PostCard>,
    /// How many drafts one press hands to the approvers.
    drafts: usize,
    /// What came of such a press.
    handed: handing::Handed,
    /// The address of the article, where one was typed that was not taken.
    address: address::Untaken,
    /// Whether there is something on a channel, or on its way there.
    out: bool,
    /// Kind of story; empty without a brief.
    story: String,
    brief: Vec<told::Group>,
    accounts: Vec<AccountView>,
    blocks: Vec<SourceBlock>,
}

/// What is looked at on the right, and what is edited. At most one of both counts.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Look {
    /// A kind of variant to be looked at.
    ban: Option<String>,
    /// A kind of variant to be edited.
    sua: Option<String>,
}

pub(crate) async fn find(app: &Shared, visitor: &Visitor, id: &str) -> Result<Article, WebError> {
    let id: ArticleId = id.parse().map_err(|_| WebError::missing())?;
    newest(app, id)
        .await?
        .filter(|article| article.agency == visitor.user.agency)
        .ok_or_else(WebError::missing)
}

/// The last revision of an article.
pub(crate) async fn newest(app: &Shared, id: ArticleId) -> Result<Option<Article>, WebError> {
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
    Query(look): Query<Look>,
    Query(handed): Query<handing::Handed>,
) -> Result<Html<String>, WebError> {
    let article = find(&app, &visitor, &id).await?;
    drawn((&app, &visitor), article, &look, handed, address::Untaken::default()).await
}

async fn drawn(
    (app, visitor): (&Shared, &Visitor),
    article: Article,
    look: &Look,
    handed: handing::Handed,
    address: address::Untaken,
) -> Result<Html<String>, WebError> {
    let asked = look.sua.as_deref().or(look.ban.as_deref());
    let asked: Option<VariantKind> = asked
        .map(|kind| variant::named("kind", kind).map_err(|_| WebError::missing()))
        .transpose()?;
    let brief = brief_of(app, &article).await?;
    let variants = shown::of_now(variants_of(app, &article).await?);
    let kind = asked.or_else(|| variants.first().map(|variant| variant.kind));
    let kind = kind.unwrap_or(VariantKind::Infographic);
    let writes = WRITERS.lets(Some(&visitor.user.roles));
    let bench = match &brief {
        Some(brief) => Some(Bench::with(app, article.clone(), brief.clone()).await?),
        None => None,
    };
    let mut editor = None;
    // Who may not have it made sees it all the same.
    if look.sua.is_some() && writes {
        let bench = bench.as_ref().ok_or_else(|| WebError::unfit(NO_BRIEF))?;
        editor = Some(Editor::of(app, visitor, bench, kind).await?);
    }
    let (mut posts, mut before) = (Vec::new(), Vec::new());
    // Who edits has the posts one link away: the page is light, and answers each question about its progress at once.
    if editor.is_none() {
        let id = article.id.to_string();
        let rows = app.store.list_last::<Post>("post_by_article", &id, handing::MOST).await?;
        let older = rows.len().saturating_sub(WHOLE);
        let mut names = Names::default();
        for (at, row) in rows.into_iter().rev().enumerate() {
            if at < older {
                before.push(post_line(app, visitor, &row.record, &mut names).await?);
            } else {
                posts.push(post_card(app, visitor, row.record).await?);
            }
        }
    }
    let accounts = accounts::connected(app, &article.agency)
        .await?
        .into_iter()
        .map(|account| AccountView {
            name: account.name.to_string(),
            place: pages::place(app, &account.name),
            title: account.title,
        })
        .collect();
    let jobs = pages::job_cards(app, visitor, Some(&article.id.to_string())).await?;
    let twin = app.catalogue.twin(&*app.store, &article).await?;
    // What makes posts is told where the posts are, and what draws a variant where the variant is.
    let here = |job: &JobCard| job.is_composing() && editor.is_none();
    let page = Page {
        composing: jobs.iter().filter(|job| here(job)).cloned().collect(),
        tabs: shown::tabs(&variants, kind, &jobs, bench.as_ref()),
        others: if writes { shown::others(&variants, kind) } else { Vec::new() },
        shown: shown::shown(
            &variants,
            kind,
            &article,
            &visitor.lang,
            (&jobs, bench.as_ref()),
            |reason| ReasonView::of(&app.assets, &visitor.lang, reason),
        ),
        jobs: jobs.into_iter().filter(|job| !job.is_drawing(&variants) && !here(job)).collect(),
        editing: editor.as_ref().map(|_| name_of(&kind)).unwrap_or_default(),
        editor,
        writes: writes && brief.is_some(),
        drafts: handing::together(before.iter().chain(&posts)),
        handed,
        address,
        out: before.iter().chain(&posts).any(|post| post.is_out),
        posts,
        before,
        story: brief.as_ref().map(|brief| name_of(&brief.story)).unwrap_or_default(),
        brief: bench
            .as_ref()
            .map(|bench| told::groups(&bench.brief_of_now(), &article))
            .unwrap_or_default(),
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
            twin: twin.map(|id| id.to_string()).unwrap_or_default(),
            doubts: article
                .doubts
                .iter()
                .map(|doubt| DoubtView {
                    code: doubt.code.clone(),
                    detail: ReasonView::of(&app.assets, &visitor.lang, &doubt.detail),
                })
                .collect(),
        },
    };
    pages::draw(app, visitor, "articles", "pages/article.html", page).await
}

/// Every variant of a revision.
pub(crate) async fn variants_of(app: &Shared, article: &Article) -> Result<Vec<Variant>, WebError> {
    let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision)]);
    let rows = app.store.list::<Variant>("variant_by_article", &key, 100).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
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
    let columns = brief.and_then(|brief| brief.table.as_ref()?.columns.first());
    let head = columns.map(|first| first.span.block as usize);
    let html = |(index, block): (usize, &Block)| {
        let own = || marks.iter().filter(|(span, _)| span.block as usize == index);
        let row = block.kind == BlockKind::TableRow;
        SourceBlock {
            kind: name_of(&block.kind),
            html: if row { String::new() } else { marked(&block.text, own()) },
            cells: if row { cells(&block.text, own()) } else { Vec::new() },
            head: head == Some(index),
        }
    };
    article.blocks.iter().enumerate().map(html).collect()
}

/// The cells of a row, marked each for itself: a mark ends with its cell.
fn cells<'a>(row: &str, marks: impl Iterator<Item = &'a (Span, &'a str)>) -> Vec<String> {
    let marks: Vec<_> = marks.collect();
    let mut at = 0;
    let mut cells = Vec::new();
    for cell in row.split('\t') {
        let end = at + cell.len();
        let inside = |place: u32| {
            let place = (place as usize).clamp(at, end) - at;
            u32::try_from(place).unwrap_or(u32::MAX)
        };
        let own = |&&(span, class): &&(Span, &'a str)| {
            (Span { start: inside(span.start), end: inside(span.end), ..span }, class)
        };
        let own: Vec<_> = marks.iter().map(own).collect();
        cells.push(marked(cell, own.iter()));
        at = end + 1;
    }
    cells
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
    articles::queue_composing(&app, &visitor, (&one, &accounts), (priority, When::Usual)).await?;
    // To where it is told what is made now.
    Ok(Redirect::to(&format!("/bai-viet/{}#h-posts", article.id)).into_response())
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
    fn a_mark_ends_with_its_cell() {
        let row = "Sập <đổ>\t185 hộ\t\t60";
        let at = |words: &str| u32::try_from(row.find(words).unwrap()).unwrap();
        let marks = [(span(at("185"), at("185") + 3), "figure"), (span(0, at("60") + 2), "point")];
        let mark = |class: &str, words: &str| format!("<mark class=\"{class}\">{words}</mark>");
        let first = mark("point", "Sập &lt;đổ&gt;");
        let second = mark("figure", "185") + &mark("point", " hộ");
        let cells = cells(row, marks.iter());
        assert_eq!(cells, [first, second, String::new(), mark("point", "60")]);
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
