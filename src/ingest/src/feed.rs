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

impl FeedEntry {
    /// What tells its article from others: the address without what portals and feeds write now so, now so.
    ///
    /// ```
    /// let entry = |url: &str| loa_ingest::FeedEntry {
    ///     url: url.to_owned(),
    ///     title: String::new(),
    ///     summary: String::new(),
    ///     published_at: None,
    /// };
    /// let one = entry("https://www.tinh.example/tin/bai-9.htm?b=2&a=1");
    /// assert_eq!(one.address(), entry("http://tinh.example/tin/bai-9.htm/?a=1&b=2").address());
    /// assert_ne!(one.address(), entry("https://tinh.example/tin/bai-9.htm?a=2&b=1").address());
    /// ```
    pub fn address(&self) -> String {
        address_of(&self.url)
    }
}

/// The address of an article as it is kept: without fragment and marks of campaigns; nothing for what is no web address.
pub fn tidy(url: &str) -> Option<String> {
    Url::parse(url.trim()).ok().and_then(page::tidy_url)
}

/// What tells an article from others, by its address.
pub fn address_of(url: &str) -> String {
    let Some(url) = tidy(url).and_then(|tidy| Url::parse(&tidy).ok()) else {
        return url.to_owned();
    };
    let host = url.host_str().unwrap_or_default();
    let mut pairs: Vec<_> = url.query_pairs().collect();
    pairs.sort();
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    format!("{}{port}{path}?{query}", host.strip_prefix("www.").unwrap_or(host))
}

/// What a portal wants to hear with the next question, so that it needs not answer with what is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedStamp {
    /// `ETag` of the answer.
    pub etag: Option<String>,
    /// `Last-Modified` of the answer.
    pub modified: Option<String>,
}

/// A feed as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedRead {
    /// Its title, may be empty.
    pub title: String,
    /// Its entries, in its order.
    pub entries: Vec<FeedEntry>,
    /// For the next question.
    pub stamp: FeedStamp,
}

/// Most entries of a feed that is watched: none of them may be lost, so each is kept.
pub(crate) const MOST: usize = 2000;

/// Entries of a feed in its order; those without an address are left out.
///
/// # Errors
/// [`Error::Feed`].
pub fn entries(bytes: &[u8], base: Option<&Url>) -> Result<Vec<FeedEntry>> {
    read(bytes, base).map(|read| read.entries)
}

/// Title and entries of a feed.
pub(crate) fn read(bytes: &[u8], base: Option<&Url>) -> Result<FeedRead> {
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
    Ok(FeedRead {
        title: clean(&feed.title.map(|title| title.content).unwrap_or_default()),
        entries: feed.entries.into_iter().filter_map(entry).collect(),
        stamp: FeedStamp::default(),
    })
}
