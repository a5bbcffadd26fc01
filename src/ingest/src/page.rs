//! An article page of any portal: what its head says, what its frame says, and the body.
//!
//! Site rules come first because portals share a few publishing systems; density of text decides for the others.

use loa_model::{Block, BlockKind, SourceRef};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::{
    Error, Place, Result,
    body::{self, Body},
    clean::clean,
    date,
    draft::Draft,
    meta::{self, LinkedArticle, meta},
    video::{Form, Named, Videos},
};

/// Elements inside each other that a page may have; the parser's time grows with its square.
const MAX_DEPTH: usize = 1500;

const TITLE: &str =
    "h1[data-role=title], h1.detail-title, h1.title-detail, h1.article__title, h1.title-page";
const SAPO: &str = "[data-role=sapo], .detail-sapo, .article__sapo, .cms-desc, p.description, .sapo, .lead, .chapeau, .summary, .standfirst, [itemprop=description]:not(meta)";
const FRAME: &str = "[data-role=content], .detail-content, .article__body, .fck_detail, .cms-body, .detail__content, .article-content, .entry-content, [itemprop=articleBody]";
const DATE: &str =
    "[data-role=publishdate], .detail-time, .date, .publish-date, .article__meta time";
const AUTHOR: &str =
    "[data-role=author] .name, [data-role=author], .author_mail, .article__author, .detail-author";
const SECTION: &str = "[data-role=cate-name], .detail-cate a, .breadcrumb li:last-child a";

/// Reads a page.
///
/// # Errors
/// [`Error::TooDeep`], [`Error::NoTitle`], [`Error::EmptyBody`].
pub(crate) fn read(html: &str, place: &Place, via: &str) -> Result<Draft> {
    if depth(html) > MAX_DEPTH {
        return Err(Error::TooDeep { limit: MAX_DEPTH });
    }
    let page = Html::parse_document(html);
    let linked = LinkedArticle::of(&page);
    let first = |css: &str| -> Option<ElementRef<'_>> {
        let selector = Selector::parse(css).expect("the selectors of this file are valid");
        page.select(&selector).find(|element| !text_of(*element).is_empty())
    };
    let first_text = |css: &str| first(css).map(text_of);
    let head = |names: &[&str]| names.iter().find_map(|name| meta(&page, name));

    let canonical = canonical_url(&page, place);
    let place = place.clone().with_page(canonical.as_deref());
    let publisher = linked
        .publisher
        .clone()
        .or_else(|| head(&["og:site_name"]))
        .or_else(|| place.page.as_ref().and_then(|url| url.host_str().map(str::to_owned)));
    let mut draft = Draft {
        source: SourceRef {
            canonical_url: canonical.clone().unwrap_or_default(),
            publisher: publisher.map(|name| clean(&name)).unwrap_or_default(),
            via: via.to_owned(),
        },
        lang: page
            .root_element()
            .attr("lang")
            .map(clean)
            .filter(|l| !l.is_empty())
            .unwrap_or_else(|| "vi".into()),
        section: first_text(SECTION)
            .or_else(|| head(&["article:section"]))
            .or(linked.section.clone())
            .map(|section| clean(&section))
            .unwrap_or_default(),
        authors: Vec::new(),
        published_at: None,
        embargo_until: None,
        keywords: head(&["news_keywords", "keywords"])
            .map(|list| list.split([',', ';']).map(clean).filter(|word| !word.is_empty()).collect())
            .unwrap_or_default(),
        blocks: Vec::new(),
        photos: Vec::new(),
        videos: Vec::new(),
        warnings: Vec::new(),
    };

    let titles = [
        first_text(TITLE),
        linked.headline.clone(),
        head(&["og:title"]),
        first_text("h1"),
        first_text("title"),
    ];
    let titles: Vec<String> =
        titles.into_iter().flatten().map(|t| clean(&t)).filter(|t| !t.is_empty()).collect();
    let title = titles.first().cloned().unwrap_or_default();
    // The head may add the portal's name to the headline, but it should begin like it.
    if let Some(other) =
        titles.iter().find(|other| !other.starts_with(&title) && !title.starts_with(other.as_str()))
    {
        draft.warn("title_differs", other);
    }
    let sapo = first(SAPO);
    let sapo_text = sapo
        .map(text_of)
        .or_else(|| linked.description.clone())
        .or_else(|| head(&["og:description", "description"]))
        .map(|text| clean(&text))
        .unwrap_or_default();

    let mut body = match first_frame(&page) {
        // A known frame is believed even when it is empty: what a guess finds then is other news and comments.
        Some(frame) => body::read(frame, sapo, &place),
        None => {
            body::densest(&page).map(|frame| body::read(frame, sapo, &place)).unwrap_or_default()
        }
    };
    draft.authors.clone_from(&linked.authors);
    if draft.authors.is_empty() {
        draft.authors = first_text(AUTHOR).or(body.signed.take()).into_iter().collect();
    }
    draft.authors.retain(|name| *name != draft.source.publisher);
    let head_date = head(&["article:published_time", "datePublished", "pubdate"]);
    published(&mut draft, &linked, head_date.as_deref(), first_text(DATE).as_deref());
    if canonical.is_none() {
        draft.warn("no_canonical_url", place.shown());
    }
    let Body { blocks, photos, mut videos, .. } = body;
    draft.photos = photos;
    in_head(&page, &linked, &title, &place, &mut videos);
    draft.set_videos(videos);
    for photo in &mut draft.photos {
        // "<title> - Ảnh 1." is written by the publishing system and tells a blind reader nothing.
        if photo.alt.is_empty() || photo.alt.starts_with(&title) {
            photo.alt.clone_from(&photo.caption);
        }
    }
    draft.set_text(&title, &sapo_text, blocks)?;
    Ok(draft)
}

/// Text of a fragment, as in the body of a ninjs item.
pub(crate) fn fragment(html: &str, place: &Place) -> Result<Body> {
    if depth(html) > MAX_DEPTH {
        return Err(Error::TooDeep { limit: MAX_DEPTH });
    }
    Ok(body::read(Html::parse_fragment(html).root_element(), None, place))
}

/// Words of a snippet, for feed summaries and descriptions with markup.
pub(crate) fn plain(html: &str) -> String {
    if depth(html) > MAX_DEPTH {
        return String::new();
    }
    let blocks: Vec<Block> =
        body::read(Html::parse_fragment(html).root_element(), None, &Place::default()).blocks;
    let words: Vec<_> =
        blocks.into_iter().filter(|b| b.kind != BlockKind::Caption).map(|b| b.text).collect();
    words.join(" ")
}

fn first_frame(page: &Html) -> Option<ElementRef<'_>> {
    FRAME.split(", ").find_map(|css| {
        page.select(&Selector::parse(css).expect("the selectors of this file are valid")).next()
    })
}

fn text_of(element: ElementRef<'_>) -> String {
    clean(&element.text().collect::<String>())
}

/// Videos that the head tells of: most of them stand in the body too, with better words.
fn in_head(page: &Html, linked: &LinkedArticle, title: &str, place: &Place, videos: &mut Videos) {
    for video in &linked.videos {
        let content = video.content.as_deref().unwrap_or_default();
        let form = Form::of(content, &video.mime);
        if let (Form::Unknown, Some(player)) = (form, &video.player) {
            videos.elsewhere(player, place);
        } else if !content.is_empty() {
            // The headline again says nothing about the video.
            let caption = Some(&video.caption).filter(|caption| *caption != title);
            let caption = caption.cloned().unwrap_or_default();
            let credit = video.credit.clone();
            let named = Named { caption, credit, ..Named::one(content, &video.mime) };
            videos.take(named, place);
        }
    }
    for (source, mime) in meta::videos(page) {
        match Form::of(&source, &mime) {
            // What is neither a file nor a stream there is a page with a player.
            Form::Unknown => videos.elsewhere(&source, place),
            _ => {
                videos.take(Named::one(&source, &mime), place);
            }
        }
    }
}

fn published(draft: &mut Draft, linked: &LinkedArticle, head: Option<&str>, shown: Option<&str>) {
    let said = [linked.published.as_deref(), head, shown];
    let times: Vec<_> = said.into_iter().flatten().filter_map(date::parse).collect();
    draft.published_at = times.first().copied();
    let Some(best) = draft.published_at else {
        draft.warn("no_date", said.into_iter().flatten().next().unwrap_or_default());
        return;
    };
    // A page shows minutes at best, some only the day.
    let day = jiff::SignedDuration::from_hours(24);
    if let Some(other) = times.iter().find(|other| other.duration_since(best).abs() > day) {
        draft.warn("date_differs", format!("{best} {other}"));
    }
}

/// Canonical address: the page's own word, without tracking parameters; else where it was fetched from.
fn canonical_url(page: &Html, place: &Place) -> Option<String> {
    let link =
        Selector::parse("link[rel=canonical]").expect("the selectors of this file are valid");
    let own = page.select(&link).find_map(|element| element.attr("href")).map(str::to_owned);
    let own = own.or_else(|| meta(page, "og:url"));
    let absolute = own.and_then(|url| match &place.page {
        Some(page) => page.join(&url).ok(),
        None => Url::parse(&url).ok(),
    });
    absolute.or_else(|| place.page.clone()).and_then(tidy_url)
}

/// An http address without fragment and tracking parameters.
pub(crate) fn tidy_url(mut url: Url) -> Option<String> {
    const TRACKING: [&str; 5] = ["fbclid", "gclid", "zarsrc", "mc_cid", "mc_eid"];
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("utm_") && !TRACKING.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if url.query().is_some() {
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    Some(url.into())
}

/// Nesting of a page, from its tags alone. Elements that close themselves do not count.
fn depth(html: &str) -> usize {
    const FLAT: [&str; 24] = [
        "p", "li", "td", "th", "tr", "dt", "dd", "option", "br", "img", "input", "meta", "link",
        "hr", "source", "area", "base", "col", "embed", "param", "track", "wbr", "tbody",
        "!doctype",
    ];
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let closing = after.starts_with('/');
        let name: String = after
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '!')
            .map(|c| c.to_ascii_lowercase())
            .take(12)
            .collect();
        rest = after;
        if name.is_empty() || name.starts_with('!') || FLAT.contains(&name.as_str()) {
            continue;
        }
        if closing {
            depth = depth.saturating_sub(1);
        } else if matches!(name.as_str(), "script" | "style") {
            // Text that looks like tags is not.
            rest = after.split_once("</").map_or("", |(_, after)| after);
        } else {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}
