//! Articles as JSON: our own schema `loa/article-1` and ninjs 1 and 2, as wire services and portals push them.

use loa_model::{Block, BlockKind, SourceRef};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    Error, Place, Result,
    clean::{clean, split_credit},
    date,
    draft::{Draft, PhotoRef},
    page,
    video::{Named, Videos},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// `loa/article-1`.
    schema: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    publisher: String,
    #[serde(default = "vietnamese")]
    lang: String,
    #[serde(default)]
    section: String,
    title: String,
    #[serde(default)]
    sapo: String,
    #[serde(default)]
    authors: Vec<String>,
    published_at: Option<String>,
    embargo_until: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    blocks: Vec<OwnBlock>,
    #[serde(default)]
    photos: Vec<OwnPhoto>,
    #[serde(default)]
    videos: Vec<OwnVideo>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnBlock {
    kind: BlockKind,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnPhoto {
    url: String,
    #[serde(default)]
    caption: String,
    #[serde(default)]
    credit: String,
    #[serde(default)]
    alt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnVideo {
    url: String,
    /// Media type, where the address has no ending.
    #[serde(default, rename = "type")]
    mime: String,
    #[serde(default)]
    caption: String,
    #[serde(default)]
    credit: String,
}

fn vietnamese() -> String {
    "vi".to_owned()
}

/// Reads an article in either schema.
///
/// # Errors
/// [`Error::Json`] with the field that is wrong, [`Error::NoTitle`], [`Error::EmptyBody`].
pub(crate) fn read(text: &str, place: &Place) -> Result<Draft> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| Error::Json(error.to_string()))?;
    if value.get("schema").is_some() {
        let own: Own =
            serde_json::from_value(value).map_err(|error| Error::Json(error.to_string()))?;
        return ours(own, place);
    }
    let is_ninjs =
        ["uri", "body_html", "body_xhtml", "body_text", "bodies", "headlines", "versioncreated"]
            .iter()
            .any(|field| value.get(field).is_some());
    if is_ninjs {
        return ninjs(&value, place);
    }
    Err(Error::Json(
        "it has neither \"schema\": \"loa/article-1\" nor the fields of ninjs".to_owned(),
    ))
}

fn ours(own: Own, place: &Place) -> Result<Draft> {
    if own.schema != "loa/article-1" {
        return Err(Error::Json(format!("schema {:?} is not loa/article-1", own.schema)));
    }
    let canonical = address(&own.url);
    let place = place.clone().with_page(canonical.as_deref());
    let mut draft = Draft {
        source: SourceRef {
            canonical_url: canonical.unwrap_or_default(),
            publisher: clean(&own.publisher),
            via: "json".to_owned(),
        },
        lang: clean(&own.lang),
        section: clean(&own.section),
        authors: own.authors.iter().map(|name| clean(name)).collect(),
        published_at: time("published_at", own.published_at.as_deref())?,
        embargo_until: time("embargo_until", own.embargo_until.as_deref())?,
        keywords: own.keywords.iter().map(|word| clean(word)).collect(),
        blocks: Vec::new(),
        photos: Vec::new(),
        videos: Vec::new(),
        warnings: Vec::new(),
    };
    for photo in own.photos {
        let (caption, alt) = (clean(&photo.caption), clean(&photo.alt));
        let Some(found) = place.media(&photo.url) else {
            draft.warn("photo_left_out", photo.url);
            continue;
        };
        draft.photos.push(PhotoRef {
            place: found,
            alt: if alt.is_empty() { caption.clone() } else { alt },
            caption,
            credit: clean(&photo.credit),
        });
    }
    let mut videos = Videos::default();
    for video in own.videos {
        let named = Named {
            caption: clean(&video.caption),
            credit: clean(&video.credit),
            ..Named::one(&video.url, &video.mime)
        };
        videos.take(named, &place);
    }
    draft.set_videos(videos);
    let allowed = |kind| !matches!(kind, BlockKind::Title | BlockKind::Sapo);
    if own.blocks.iter().any(|block| !allowed(block.kind)) {
        return Err(Error::Json(
            "blocks hold the body only; title and sapo have their own fields".to_owned(),
        ));
    }
    let clean_block = |block: OwnBlock| Block { kind: block.kind, text: block_text(&block) };
    finish(draft, &own.title, &own.sapo, own.blocks.into_iter().map(clean_block).collect(), &place)
}

/// Cells of a table row stay apart.
fn block_text(block: &OwnBlock) -> String {
    match block.kind {
        BlockKind::TableRow => block.text.split('\t').map(clean).collect::<Vec<_>>().join("\t"),
        _ => clean(&block.text),
    }
}

fn ninjs(item: &Value, place: &Place) -> Result<Draft> {
    let words =
        |value: &Value| value.as_str().map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned);
    let field = |names: &[&str]| names.iter().find_map(|name| words(&item[*name]));
    // ninjs 2 has lists of {role, value} where ninjs 1 has one field.
    let listed = |name: &str, role: &str| -> Option<String> {
        let list = item[name].as_array()?;
        let fits = list.iter().find(|entry| entry["role"] == role).or_else(|| list.first())?;
        words(&fits["value"])
    };
    let canonical = field(&["link", "canonical_url"])
        .and_then(|url| address(&url))
        .or_else(|| field(&["uri"]).and_then(|url| address(&url)));
    let place = place.clone().with_page(canonical.as_deref());
    let names = |value: &Value| -> Vec<String> {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .filter_map(|v| words(&v["name"]).or_else(|| words(v)))
            .map(|name| clean(&name))
            .collect()
    };
    let mut draft = Draft {
        source: SourceRef {
            canonical_url: canonical.unwrap_or_default(),
            publisher: field(&["copyrightholder", "infosource", "creditline", "source"])
                .or_else(|| words(&item["infosources"][0]["name"]))
                .map(|name| clean(&name))
                .unwrap_or_default(),
            via: "json".to_owned(),
        },
        lang: field(&["language"]).unwrap_or_else(vietnamese),
        section: names(&item["subject"]).into_iter().next().unwrap_or_default(),
        authors: field(&["byline"]).map_or_else(|| names(&item["by"]), |name| vec![clean(&name)]),
        published_at: time(
            "versioncreated",
            field(&["firstpublished", "firstcreated", "versioncreated"]).as_deref(),
        )?,
        embargo_until: time("embargoed", field(&["embargoed", "embargoedUntil"]).as_deref())?,
        keywords: names(&item["keyword"]),
        blocks: Vec::new(),
        photos: Vec::new(),
        videos: Vec::new(),
        warnings: Vec::new(),
    };
    let html =
        field(&["body_html", "body_xhtml"]).or_else(|| {
            let bodies = item["bodies"].as_array()?;
            words(
                &bodies.iter().find(|body| {
                    body["contenttype"].as_str().is_some_and(|t| t.contains("html"))
                })?["value"],
            )
        });
    let mut videos = Videos::default();
    let blocks = if let Some(html) = html {
        let body = page::fragment(&html, &place)?;
        draft.photos = body.photos;
        videos = body.videos;
        body.blocks
    } else {
        let text = field(&["body_text"]).or_else(|| listed("bodies", "main")).unwrap_or_default();
        let paragraph = |line| Block { kind: BlockKind::Paragraph, text: clean(line) };
        text.lines().map(paragraph).collect()
    };
    let associated: Vec<&Value> = match &item["associations"] {
        Value::Object(map) => map.values().collect(),
        Value::Array(list) => list.iter().collect(),
        _ => Vec::new(),
    };
    let renditions = |media: &Value| -> Vec<Value> {
        match &media["renditions"] {
            Value::Object(map) => map.values().cloned().collect(),
            Value::Array(list) => list.clone(),
            _ => Vec::new(),
        }
    };
    let width = |rendition: &Value| rendition["width"].as_u64().unwrap_or(0);
    let told = |media: &Value| {
        let text = words(&media["description_text"])
            .or_else(|| words(&media["headline"]))
            .unwrap_or_default();
        let (caption, credit) = split_credit(&text);
        let credit = words(&media["creditline"]).map_or(credit, |c| clean(&c));
        (caption, credit)
    };
    for media in associated {
        let mut renditions = renditions(media);
        renditions.sort_by_key(|rendition| std::cmp::Reverse(width(rendition)));
        if media["type"] == "picture" {
            let widest = renditions.first();
            let Some(found) = widest.and_then(|r| place.media(r["href"].as_str()?)) else {
                continue;
            };
            let (caption, credit) = told(media);
            draft.photos.push(PhotoRef { place: found, alt: caption.clone(), caption, credit });
        } else if media["type"] == "video" {
            let (caption, credit) = told(media);
            let mime = |r: &Value| words(&r["mimetype"]).or_else(|| words(&r["contenttype"]));
            let source = |r: &Value| Some((words(&r["href"])?, mime(r).unwrap_or_default()));
            let sources = renditions.iter().filter_map(source).collect();
            videos.take(Named { sources, caption, credit }, &place);
        }
    }
    draft.set_videos(videos);
    let title =
        field(&["headline", "title"]).or_else(|| listed("headlines", "main")).unwrap_or_default();
    let sapo = field(&["description_text"])
        .or_else(|| field(&["description_html"]).map(|html| page::plain(&html)))
        .or_else(|| listed("descriptions", "summary"))
        .unwrap_or_default();
    finish(draft, &title, &sapo, blocks, &place)
}

fn finish(
    mut draft: Draft,
    title: &str,
    sapo: &str,
    blocks: Vec<Block>,
    place: &Place,
) -> Result<Draft> {
    draft.authors.retain(|name| !name.is_empty());
    draft.keywords.retain(|word| !word.is_empty());
    draft.belongs_at(place);
    if draft.published_at.is_none() {
        draft.warn("no_date", "");
    }
    draft.set_text(title, sapo, blocks)?;
    Ok(draft)
}

fn address(text: &str) -> Option<String> {
    Url::parse(text).ok().and_then(page::tidy_url)
}

fn time(field: &str, text: Option<&str>) -> Result<Option<jiff::Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    match date::parse(text) {
        Some(at) => Ok(Some(at)),
        None => Err(Error::Json(format!(
            "{field} {text:?} is not a time like 2026-11-16T08:30:00+07:00"
        ))),
    }
}
