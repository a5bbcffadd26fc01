//! What the head of a page says: meta elements and JSON-LD.

use scraper::{Html, Selector};
use serde_json::Value;

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

/// The article as its JSON-LD tells it.
#[derive(Debug, Default)]
pub(crate) struct LinkedArticle {
    pub(crate) headline: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) published: Option<String>,
    pub(crate) publisher: Option<String>,
    pub(crate) section: Option<String>,
    pub(crate) authors: Vec<String>,
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
        let Some(article) = things.iter().find(|t| is(t, &["Article", "BlogPosting"])) else {
            return Self::default();
        };
        let words = |value: &Value| {
            value.as_str().map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned)
        };
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
                .map(|name| crate::clean::clean(&name))
                .collect(),
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
