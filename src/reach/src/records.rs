//! Totals per post and rollups per day: small rows, written in the same commit as the sample.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use loa_model::{
    AccountName, ArticleId, Metric, PostFormat, PostId, Sample, Value,
    record::{IndexEntry, Record, join},
};
use serde::{Deserialize, Serialize};

/// Whether numbers of several posts may be added. Unique people and followers never.
pub fn summable(metric: Metric) -> bool {
    !matches!(metric, Metric::Reach | Metric::Audience)
}

/// A number as it was counted last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The number as read.
    pub value: Value,
    /// When.
    pub at: Timestamp,
}

/// What is known of a post now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Post.
    pub post: PostId,
    /// Agency (tenant).
    pub agency: String,
    /// Article.
    pub article: ArticleId,
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
    /// Last numbers, one per metric and platform name.
    pub counted: Vec<Counted>,
    /// Samples so far.
    pub samples: u32,
    /// How often in a row the platform no longer showed it.
    pub gone_seen: u32,
}

impl Record for Totals {
    const TABLE: &'static str = "reach_totals";
    fn key(&self) -> String {
        self.post.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "reach_totals_by_agency",
            key: join(&[&self.agency, &self.key()]),
        }]
    }
}

/// What an account gained on one day in one format, of one metric by one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollup {
    /// Agency (tenant).
    pub agency: String,
    /// Day on which it was seen, in the agency's zone.
    pub day: Date,
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
    /// Metric, always one that may be summed.
    pub metric: Metric,
    /// The platform's name of it.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// Gain; below zero when the platform took counts back.
    pub gain: i64,
}

impl Record for Rollup {
    const TABLE: &'static str = "reach_rollup";
    fn key(&self) -> String {
        join(&[
            &self.agency,
            &self.day.to_string(),
            self.account.as_str(),
            &format!("{:?}", self.format),
            &format!("{:?}", self.metric),
            &self.source_name,
            &self.definition,
        ])
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "reach_rollup_by_day", key: self.key() }]
    }
}

/// Day of an instant in the agency's zone. An unknown zone counts as UTC.
pub(crate) fn day_in(zone: &str, at: Timestamp) -> Date {
    at.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC)).date()
}

/// Takes a sample into the totals and says what was gained: (number, gain). The first number of a new definition is a new
/// beginning and no gain.
pub(crate) fn count(totals: &mut Totals, sample: &Sample) -> Vec<(Value, i64)> {
    let mut gains = Vec::new();
    for value in &sample.values {
        let counted = Counted { value: value.clone(), at: sample.taken_at };
        let known = totals.counted.iter_mut().find(|known| {
            known.value.metric == value.metric && known.value.source_name == value.source_name
        });
        let now = i64::try_from(value.value).unwrap_or(i64::MAX);
        let gain = match known {
            None => {
                totals.counted.push(counted);
                Some(now)
            }
            Some(known) => {
                let same = known.value.definition == value.definition;
                let before = i64::try_from(known.value.value).unwrap_or(i64::MAX);
                *known = counted;
                same.then_some(now - before)
            }
        };
        if let Some(gain) = gain.filter(|gain| *gain != 0 && summable(value.metric)) {
            gains.push((value.clone(), gain));
        }
    }
    totals.samples += 1;
    gains
}

/// Rollups from samples alone, for checking and rebuilding. Samples in any order; formats by post.
pub fn rebuild(
    samples: &[Sample],
    formats: &BTreeMap<PostId, PostFormat>,
    zone: &str,
) -> BTreeMap<String, Rollup> {
    let mut ordered: Vec<_> = samples.iter().collect();
    ordered.sort_by_key(|sample| (sample.taken_at, sample.id));
    let mut totals: BTreeMap<PostId, Totals> = BTreeMap::new();
    let mut rollups: BTreeMap<String, Rollup> = BTreeMap::new();
    for sample in ordered {
        let Some(format) = formats.get(&sample.post) else { continue };
        let of_post = totals.entry(sample.post).or_insert_with(|| fresh(sample, *format));
        for (value, gain) in count(of_post, sample) {
            let empty = rollup(sample, *format, &value, zone);
            rollups.entry(empty.key()).or_insert(empty).gain += gain;
        }
    }
    rollups
}

pub(crate) fn fresh(sample: &Sample, format: PostFormat) -> Totals {
    Totals {
        post: sample.post,
        agency: sample.agency.clone(),
        article: sample.article,
        account: sample.account.clone(),
        format,
        counted: Vec::new(),
        samples: 0,
        gone_seen: 0,
    }
}

/// The rollup a number belongs to, still empty.
pub(crate) fn rollup(sample: &Sample, format: PostFormat, value: &Value, zone: &str) -> Rollup {
    Rollup {
        agency: sample.agency.clone(),
        day: day_in(zone, sample.taken_at),
        account: sample.account.clone(),
        format,
        metric: value.metric,
        source_name: value.source_name.clone(),
        definition: value.definition.clone(),
        gain: 0,
    }
}
