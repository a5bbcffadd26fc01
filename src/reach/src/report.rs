//! Reports: what is known of posts by channel, format, topic and the like, with definitions beside the numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{Metric, PostFormat};
use loa_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    story::{Key, Pieces, Story, stories},
    summable,
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
}

impl By {
    /// Every cut.
    pub const ALL: [Self; 7] = [
        Self::Channel,
        Self::Account,
        Self::Format,
        Self::Article,
        Self::Post,
        Self::Section,
        Self::Language,
    ];
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Agency (tenant).
    pub agency: String,
    /// From, included.
    pub from: Timestamp,
    /// To, not included.
    pub to: Timestamp,
    /// Cut.
    pub by: By,
    /// People there are at all: caps the upper end of reach. Absent when not configured.
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
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Stable key: channel, account, format, article or post id.
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
}

/// Answers a query from the samples.
///
/// # Errors
/// [`crate::Error::Store`], [`crate::Error::TooMany`].
pub async fn report(store: &dyn Store, query: &Query) -> Result<Report> {
    let stories = stories(store, &query.agency, query.from, query.to).await?;
    grouped(store, &stories, &mut Pieces::default(), query).await
}

/// One report for each cut, from what is read once.
///
/// # Errors
/// [`crate::Error::Store`], [`crate::Error::TooMany`].
pub async fn reports(store: &dyn Store, query: &Query, cuts: &[By]) -> Result<Vec<Report>> {
    let stories = stories(store, &query.agency, query.from, query.to).await?;
    let mut pieces = Pieces::default();
    let mut reports = Vec::new();
    for &by in cuts {
        let query = Query { by, ..query.clone() };
        reports.push(grouped(store, &stories, &mut pieces, &query).await?);
    }
    Ok(reports)
}

async fn grouped(
    store: &dyn Store,
    stories: &[Story],
    pieces: &mut Pieces,
    query: &Query,
) -> Result<Report> {
    let mut groups: BTreeMap<String, (String, Vec<&Story>)> = BTreeMap::new();
    for story in stories {
        let (key, label) = match query.by {
            By::Channel => (story.account.channel().to_owned(), story.account.channel().to_owned()),
            By::Account => (story.account.to_string(), story.account.to_string()),
            By::Format => (format_name(story.format), format_name(story.format)),
            By::Article => {
                let title = pieces.of(store, story).await?.title.clone();
                let id = story.article.to_string();
                (id.clone(), title.unwrap_or(id))
            }
            By::Section => {
                let section = pieces.of(store, story).await?.section.clone();
                (section.clone(), section)
            }
            By::Language => (story.lang.clone(), story.lang.clone()),
            By::Post => (story.post.to_string(), format!("{} · {}", story.account, story.title)),
        };
        groups.entry(key).or_insert_with(|| (label, Vec::new())).1.push(story);
    }
    let rows = groups
        .into_iter()
        .map(|(key, (label, stories))| row(key, label, &stories, query))
        .collect();
    let all: Vec<_> = stories.iter().collect();
    let as_of = stories.iter().flat_map(|s| &s.samples).map(|s| s.taken_at).max();
    let total = row("total".into(), "total".into(), &all, query);
    Ok(Report { query: query.clone(), as_of, rows, total })
}

pub(crate) fn row(key: String, label: String, stories: &[&Story], query: &Query) -> ReportRow {
    let mut cells: BTreeMap<Key, Cell> = BTreeMap::new();
    let mut reaches = Vec::new();
    for story in stories {
        for (key, own) in cells_of(story, query) {
            if key.0 == Metric::Reach {
                reaches.push(own.latest);
            } else if summable(key.0) {
                let sum = cells.entry(key).or_insert_with(|| Cell {
                    latest: 0,
                    posts: 0,
                    gain: None,
                    gain_posts: 0,
                    fell: false,
                    method_break: false,
                    ..own.clone()
                });
                sum.latest += own.latest;
                sum.posts += 1;
                if let Some(gain) = own.gain {
                    sum.gain = Some(sum.gain.unwrap_or(0) + gain);
                    sum.gain_posts += 1;
                }
                sum.fell |= own.fell;
                sum.method_break |= own.method_break;
            }
        }
    }
    let reach = reaches.iter().max().map(|most| {
        let sum = reaches.iter().fold(0u64, |sum, one| sum.saturating_add(*one));
        let at_most = query.population.map_or(sum, |people| sum.min(people)).max(*most);
        ReachRange { at_least: *most, at_most, posts: count(reaches.len()) }
    });
    ReportRow {
        key,
        label,
        posts: count(stories.len()),
        measured: count(stories.iter().filter(|story| !story.samples.is_empty()).count()),
        cells: cells.into_values().collect(),
        reach,
    }
}

/// The numbers of one post: its latest of each definition, and the gain within the period.
fn cells_of(story: &Story, query: &Query) -> BTreeMap<Key, Cell> {
    let mut cells: BTreeMap<Key, Cell> = BTreeMap::new();
    // Last number before the period, or the beginning of the count, by definition.
    let mut bases: BTreeMap<Key, i64> = BTreeMap::new();
    for sample in &story.samples {
        for value in &sample.values {
            let channel = story.account.channel().to_owned();
            let key = (value.metric, channel, value.source_name.clone(), value.definition.clone());
            let number = i64::try_from(value.value).unwrap_or(i64::MAX);
            let inside = sample.taken_at >= query.from;
            let older_definition =
                cells.keys().any(|k| (k.0, &k.1, &k.2) == (key.0, &key.1, &key.2) && k.3 != key.3);
            if !inside {
                bases.insert(key.clone(), number);
            } else if older_definition {
                // A new definition counts from its own first number.
                bases.entry(key.clone()).or_insert(number);
            } else if story.live_since >= query.from {
                bases.entry(key.clone()).or_insert(0);
            }
            let base = bases.get(&key).copied();
            let cell = cells.entry(key).or_insert_with(|| Cell {
                metric: value.metric,
                channel: story.account.channel().to_owned(),
                source_name: value.source_name.clone(),
                definition: value.definition.clone(),
                latest: value.value,
                posts: 1,
                gain: None,
                gain_posts: 1,
                fell: false,
                method_break: older_definition,
            });
            if inside {
                cell.fell |= value.value < cell.latest;
                cell.gain = base.map(|base| number - base);
            }
            cell.latest = value.value;
        }
    }
    cells
}

fn format_name(format: PostFormat) -> String {
    serde_json::to_value(format)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
