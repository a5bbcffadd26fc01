//! RSS and Atom: the entries of a feed, each the address of an article to read.

use jiff::Timestamp;
use url::Url;

use crate::{Error, Result, clean::clean, page};

/// One entry. It holds only the standfirst: the page is always read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// Address of the article, without tracking parameters.
    pub url: String,
    /// Title.
    pub title: String,
    /// Summary without markup, may be empty.
    pub summary: String,
    /// Published at; absent when the feed's date cannot be understood without guessing.
    pub published_at: Option<Timestamp>,
}

/// Entries of a feed in its order; those without an address are left out.
///
/// # Errors
/// [`Error::Feed`].
pub fn entries(bytes: &[u8], base: Option<&Url>) -> Result<Vec<FeedEntry>> {
    let parser = feed_rs::parser::Builder::new().base_uri(base.map(Url::as_str)).build();
    let feed = parser.parse(bytes).map_err(|error| Error::Feed(error.to_string()))?;
    let entry = |entry: feed_rs::model::Entry| {
        let link = entry.links.iter().find(|link| link.rel.as_deref() != Some("self"))?;
        let url = match base {
            Some(base) => base.join(&link.href).ok()?,
            None => Url::parse(&link.href).ok()?,
        };
        let at = entry.published.or(entry.updated);
        Some(FeedEntry {
            url: page::tidy_url(url)?,
            title: clean(&entry.title.map(|title| title.content).unwrap_or_default()),
            summary: page::plain(&entry.summary.map(|text| text.content).unwrap_or_default()),
            published_at: at.and_then(|at| Timestamp::from_second(at.timestamp()).ok()),
        })
    };
    Ok(feed.entries.into_iter().filter_map(entry).collect())
}
