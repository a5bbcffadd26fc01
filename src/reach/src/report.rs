//! Reports: what is known of posts by channel, format, topic and the like, with definitions beside the numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{Metric, PostFormat};
use serde::{Deserialize, Serialize};

use crate::{
    Book, Population, PostRef, Result,
    population::Bounds,
    story::{Story, instant, second},
    sums::{Sums, Tally, tally},
};

/// How rows are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Kind of platform.
    Channel,
    /// Account.
    Account,
    /// Format of the post.
    Format,
    /// Article, its latest title as label.
    Article,
    /// Single posts.
    Post,
    /// Topic: the section of the portal that the article was published in; empty where it names none.
    Section,
    /// Language of the post, BCP 47.
    Language,
    /// Agency: [`agencies`] puts several beside each other.
    Agency,
}

impl By {
    /// Every cut.
    pub const ALL: [Self; 8] = [
        Self::Channel,
        Self::Account,
        Self::Format,
        Self::Article,
        Self::Post,
        Self::Section,
        Self::Language,
        Self::Agency,
    ];
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Agency (tenant); empty of a report over several.
    pub agency: String,
    /// From, included.
    pub from: Timestamp,
    /// To, not included.
    pub to: Timestamp,
    /// Cut.
    pub by: By,
    /// People there are at all: caps the upper end of reach, in place of what was stated for the agency.
    pub population: Option<u64>,
}

/// One number of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What.
    pub metric: Metric,
    /// Channel whose number it is: numbers of two channels never share a cell.
    pub channel: String,
    /// The platform's name of it.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// Latest cumulative numbers, summed over `posts`.
    pub latest: u64,
    /// How many posts gave it.
    pub posts: u32,
    /// Gain seen in the period, summed over `gain_posts`; absent when it is known of no post.
    pub gain: Option<i64>,
    /// Of how many posts the gain is known.
    pub gain_posts: u32,
    /// Whether a counter fell at some point of the period.
    pub fell: bool,
    /// Whether the definition changed: numbers before and after are not comparable.
    pub method_break: bool,
}

/// Unique people: between the largest post and all posts without overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachRange {
    /// At least: the largest single post.
    pub at_least: u64,
    /// At most: the sum, or the population when that is smaller.
    pub at_most: u64,
    /// How many posts gave their reach.
    pub posts: u32,
    /// Whether a population made the upper end smaller than the sum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub capped: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Stable key: channel, account, format, article, post id or agency.
    pub key: String,
    /// For people.
    pub label: String,
    /// Posts live in the period or measured in it.
    pub posts: u32,
    /// Of these, posts with at least one sample.
    pub measured: u32,
    /// Numbers that may be summed, by metric, channel, platform name and definition.
    pub cells: Vec<Cell>,
    /// Unique people; absent when no post gave it.
    pub reach: Option<ReachRange>,
    /// The post of a row that is one: its account, format and time tell it from others of the same words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub post: Option<PostRef>,
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked.
    pub query: Query,
    /// Time of the newest sample in it; absent when there is none.
    pub as_of: Option<Timestamp>,
    /// Rows by key.
    pub rows: Vec<ReportRow>,
    /// All posts together.
    pub total: ReportRow,
    /// The populations that bound reach, with where they are from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub populations: Vec<Population>,
    /// Rows that are left out of [`Report::rows`]; the total has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_off: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// Leaves the newest rows of a cut that has as many rows as there are articles or posts: ids grow with time.
    pub fn newest(&mut self, most: usize) {
        if matches!(self.query.by, By::Article | By::Post) {
            self.rows.reverse();
            self.left_off += self.rows.len().saturating_sub(most);
            self.rows.truncate(most);
        }
    }
}

/// Answers a query.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub fn report(book: &Book, query: &Query) -> Result<Report> {
    let mut all = reports(book, query, &[query.by])?;
    Ok(all.pop().expect("one cut was asked for"))
}

/// One report for each cut, from what is gone over once.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub fn reports(book: &Book, query: &Query, cuts: &[By]) -> Result<Vec<Report>> {
    let stories = book.between(query.from, query.to)?;
    let bounds = bounds(book, query);
    let (first, last) = (second(query.from), second(query.to));
    let mut total = Sums::default();
    // What each cut has found: rows by key, with what people call them.
    let mut groups: Vec<BTreeMap<RowKey<'_>, Sums<'_>>> =
        cuts.iter().map(|_| BTreeMap::new()).collect();
    let mut own: Vec<Tally> = Vec::new();
    for story in &stories {
        tally(book, story, (first, last), query.from, &mut own);
        total.take(book, story, last, &own);
        for (by, groups) in cuts.iter().zip(&mut groups) {
            groups.entry(key(book, story, *by)).or_default().take(book, story, last, &own);
        }
    }
    let population = query.population.or_else(|| bounds.agency());
    let as_of = total.newest.map(instant);
    let all = total.row(book, ("total".into(), "total".into()), (&bounds, population));
    let one = |(by, groups): (&By, BTreeMap<RowKey<'_>, Sums<'_>>)| {
        let row = |(key, sums): (RowKey<'_>, Sums<'_>)| {
            let label = label(book, &sums, *by, &key);
            let post = sums.one.filter(|_| *by == By::Post).map(Story::named);
            let row = sums.row(book, (key.text(), label), (&bounds, population));
            ReportRow { post, ..row }
        };
        Report {
            query: Query { by: *by, ..query.clone() },
            as_of,
            rows: groups.into_iter().map(row).collect(),
            total: all.clone(),
            populations: bounds.listed(),
            left_off: 0,
        }
    };
    Ok(cuts.iter().zip(groups).map(one).collect())
}

/// The totals of several agencies beside each other: a row each. Below them, numbers are added within one name and one definition
/// only, and reach is a range from the largest agency's lower end to the sum of their upper ends: one person may be with both.
pub fn agencies(all: &[(String, Report)], query: &Query) -> Report {
    let mut rows: Vec<ReportRow> = Vec::new();
    let mut total = ReportRow {
        key: "total".into(),
        label: "total".into(),
        posts: 0,
        measured: 0,
        cells: Vec::new(),
        reach: None,
        post: None,
    };
    for (title, report) in all {
        let key = report.query.agency.clone();
        rows.push(ReportRow { key, label: title.clone(), ..report.total.clone() });
        total.posts += report.total.posts;
        total.measured += report.total.measured;
        for cell in &report.total.cells {
            let same = |known: &&mut Cell| {
                (known.metric, &known.channel, &known.source_name, &known.definition)
                    == (cell.metric, &cell.channel, &cell.source_name, &cell.definition)
            };
            match total.cells.iter_mut().find(same) {
                Some(known) => known.add(cell),
                None => total.cells.push(cell.clone()),
            }
        }
        if let Some(reach) = report.total.reach {
            let known = total.reach.get_or_insert(ReachRange {
                at_least: 0,
                at_most: 0,
                posts: 0,
                capped: false,
            });
            known.at_least = known.at_least.max(reach.at_least);
            known.at_most = known.at_most.saturating_add(reach.at_most);
            known.posts += reach.posts;
            known.capped |= reach.capped;
        }
    }
    total.cells.sort_by(|a, b| a.key().cmp(&b.key()));
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    Report {
        query: Query { agency: String::new(), by: By::Agency, ..query.clone() },
        as_of: all.iter().filter_map(|(_, report)| report.as_of).max(),
        rows,
        total,
        populations: all.iter().flat_map(|(_, report)| report.populations.clone()).collect(),
        left_off: 0,
    }
}

impl Cell {
    pub(crate) fn key(&self) -> (Metric, &str, &str, &str) {
        (self.metric, &self.channel, &self.source_name, &self.definition)
    }

    fn add(&mut self, other: &Self) {
        self.latest = self.latest.saturating_add(other.latest);
        self.posts += other.posts;
        self.gain_posts += other.gain_posts;
        self.fell |= other.fell;
        self.method_break |= other.method_break;
        self.gain = match (self.gain, other.gain) {
            (Some(one), Some(more)) => Some(one.saturating_add(more)),
            (one, more) => one.or(more),
        };
    }
}

pub(crate) fn bounds<'a>(book: &'a Book, query: &Query) -> Bounds<'a> {
    let bounds = Bounds::of(book, query.to);
    if query.population.is_some() { bounds.without_agency() } else { bounds }
}

/// The key of a row, without making a text for every post.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowKey<'a> {
    Text(&'a str),
    Id(uuid::Uuid),
    Format(&'static str),
}

impl RowKey<'_> {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Id(id) => id.to_string(),
            Self::Format(name) => (*name).to_owned(),
        }
    }
}

fn key<'a>(book: &'a Book, story: &'a Story, by: By) -> RowKey<'a> {
    match by {
        By::Channel => RowKey::Text(story.account.channel()),
        By::Account => RowKey::Text(story.account.as_str()),
        By::Format => RowKey::Format(format_name(story.format)),
        By::Article => RowKey::Id(story.article.0),
        By::Section => RowKey::Text(book.piece(story).map_or("", |piece| &piece.section)),
        By::Language => RowKey::Text(&story.lang),
        By::Post => RowKey::Id(story.post.0),
        By::Agency => RowKey::Text(book.agency()),
    }
}

fn label(book: &Book, sums: &Sums<'_>, by: By, key: &RowKey<'_>) -> String {
    match (by, sums.one) {
        (By::Article, Some(story)) => {
            let title = book.piece(story).and_then(|piece| piece.title.clone());
            title.unwrap_or_else(|| key.text())
        }
        (By::Post, Some(story)) => format!("{} · {}", story.account, story.title),
        _ => key.text(),
    }
}

fn format_name(format: PostFormat) -> &'static str {
    match format {
        PostFormat::Text => "text",
        PostFormat::Photo => "photo",
        PostFormat::Album => "album",
        PostFormat::Video => "video",
        PostFormat::ShortVideo => "short_video",
        PostFormat::Article => "article",
    }
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_as_in_json() {
        for format in [
            PostFormat::Text,
            PostFormat::Photo,
            PostFormat::Album,
            PostFormat::Video,
            PostFormat::ShortVideo,
            PostFormat::Article,
        ] {
            assert_eq!(serde_json::to_value(format).unwrap(), format_name(format));
        }
    }
}
