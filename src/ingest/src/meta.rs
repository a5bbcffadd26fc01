//! What the head of a page says: meta elements and JSON-LD.

use scraper::{Html, Selector};
use serde_json::Value;

use crate::clean::clean;

/// Content of the first meta element with this property, name or itemprop.
pub(crate) fn meta(page: &Html, name: &str) -> Option<String> {
    let all = Selector::parse("meta[content]").expect("a constant selector");
    let named = |element: &scraper::ElementRef<'_>| {
        ["property", "name", "itemprop"].iter().any(|attr| {
            element.attr(attr).is_some_and(|value| value.trim().eq_ignore_ascii_case(name))
        })
    };
    let content = page.select(&all).find(named)?.attr("content")?.trim();
    (!content.is_empty()).then(|| content.to_owned())
}

/// Addresses of videos in the meta elements of a page, each with its type where one is given.
pub(crate) fn videos(page: &Html) -> Vec<(String, String)> {
    let all = Selector::parse("meta[content]").expect("a constant selector");
    let mut found: Vec<(String, String)> = Vec::new();
    // A type is that of the addresses before it, back to the type of another video.
    let mut untyped = 0;
    for element in page.select(&all) {
        let property = element.attr("property").or_else(|| element.attr("name"));
        let property = property.unwrap_or_default().trim().to_ascii_lowercase();
        let content = element.attr("content").unwrap_or_default().trim();
        match property.as_str() {
            _ if content.is_empty() => {}
            "og:video" | "og:video:url" | "og:video:secure_url" => {
                found.push((content.to_owned(), String::new()));
            }
            "og:video:type" => {
                for (_, mime) in found.iter_mut().skip(untyped) {
                    content.clone_into(mime);
                }
                untyped = found.len();
            }
            _ => {}
        }
    }
    found
}

/// A video as the JSON-LD of a page tells it.
#[derive(Debug, Default)]
pub(crate) struct LinkedVideo {
    /// The file.
    pub(crate) content: Option<String>,
    /// Media type of the file.
    pub(crate) mime: String,
    /// A player that shows it.
    pub(crate) player: Option<String>,
    pub(crate) caption: String,
    pub(crate) credit: String,
}

/// The article as its JSON-LD tells it.
#[derive(Debug, Default)]
pub(crate) struct LinkedArticle {
    pub(crate) headline: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) published: Option<String>,
    pub(crate) publisher: Option<String>,
    pub(crate) section: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) videos: Vec<LinkedVideo>,
}

impl LinkedArticle {
    pub(crate) fn of(page: &Html) -> Self {
        let scripts =
            Selector::parse(r#"script[type="application/ld+json"]"#).expect("a constant selector");
        let mut things = Vec::new();
        for script in page.select(&scripts) {
            // A block that is no JSON is the portal's mistake, and the page still has its own words.
            if let Ok(value) = serde_json::from_str::<Value>(&script.text().collect::<String>()) {
                collect(value, &mut things);
            }
        }
        let is = |thing: &Value, kinds: &[&str]| {
            let of_kind = |value: &Value| {
                value.as_str().is_some_and(|t| kinds.iter().any(|kind| t.ends_with(kind)))
            };
            match &thing["@type"] {
                Value::Array(list) => list.iter().any(of_kind),
                one => of_kind(one),
            }
        };
        let words = |value: &Value| {
            value.as_str().map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned)
        };
        let text = |value: &Value| clean(&words(value).unwrap_or_default());
        let video = |thing: &Value| LinkedVideo {
            content: words(&thing["contentUrl"]),
            mime: words(&thing["encodingFormat"]).unwrap_or_default(),
            player: words(&thing["embedUrl"]),
            caption: words(&thing["caption"]).map_or_else(|| text(&thing["name"]), |c| clean(&c)),
            credit: text(&thing["creditText"]),
        };
        let article = things.iter().find(|t| is(t, &["Article", "BlogPosting"]));
        let inside = match article.map(|article| &article["video"]) {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let all = things.iter().chain(inside);
        let videos = all.filter(|thing| is(thing, &["VideoObject"])).map(video).collect();
        let Some(article) = article else { return Self { videos, ..Self::default() } };
        let authors = match &article["author"] {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        };
        let persons = authors.iter().filter(|author| author["@type"] != "Organization");
        let crumbs = things.iter().find(|t| is(t, &["BreadcrumbList"]));
        Self {
            headline: words(&article["headline"]),
            description: words(&article["description"]),
            published: words(&article["datePublished"]),
            publisher: words(&article["publisher"]["name"]),
            section: words(&article["articleSection"]).or_else(|| {
                let last = crumbs?["itemListElement"].as_array()?.last()?;
                words(&last["name"]).or_else(|| words(&last["item"]["name"]))
            }),
            authors: persons
                .filter_map(|a| words(&a["name"]).or_else(|| words(a)))
                .map(|name| clean(&name))
                .collect(),
            videos,
        }
    }
}

fn collect(value: Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(list) => list.into_iter().for_each(|value| collect(value, into)),
        Value::Object(mut map) => {
            if let Some(graph) = map.remove("@graph") {
                collect(graph, into);
            }
            into.push(Value::Object(map));
        }
        _ => {}
    }
}
