//! What posts gained day by day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use loa_model::Metric;
use loa_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    Days, Result,
    records::day_in,
    story::{Key, Story, stories},
};

/// One number day by day, by one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendLine {
    /// Channel whose number it is.
    pub channel: String,
    /// The platform's name of it.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// Every day of the period, in order. A gain is counted on the day it was seen; on a day on which no gain was known there is
    /// none, which is not zero. Below zero when the platform took counts back.
    pub days: Vec<(Date, Option<i64>)>,
}

/// The gains of a metric of an agency day by day.
///
/// # Errors
/// [`crate::Error::Store`], [`crate::Error::TooMany`].
pub async fn trend(
    store: &dyn Store,
    agency: &str,
    days: Days,
    zone: &str,
    metric: Metric,
) -> Result<Vec<TrendLine>> {
    let (from, to) = days.span(zone);
    let mut sums: BTreeMap<Key, BTreeMap<Date, i64>> = BTreeMap::new();
    for story in stories(store, agency, from, to).await? {
        for (key, day, gain) in gains(&story, metric, zone, days.first) {
            let sum = sums.entry(key).or_default().entry(day).or_default();
            *sum = sum.saturating_add(gain);
        }
    }
    let all: Vec<Date> =
        days.first.series(jiff::ToSpan::days(1)).take_while(|day| *day <= days.last).collect();
    let line =
        |((_, channel, source_name, definition), own): (Key, BTreeMap<Date, i64>)| TrendLine {
            channel,
            source_name,
            definition,
            days: all.iter().map(|day| (*day, own.get(day).copied())).collect(),
        };
    Ok(sums.into_iter().map(line).collect())
}

/// The gains of one post since a day. The first number of a post counts from zero when the post went live on that day or later;
/// the first of a new definition is a new beginning.
fn gains(story: &Story, metric: Metric, zone: &str, first: Date) -> Vec<(Key, Date, i64)> {
    let mut gains = Vec::new();
    let mut known: BTreeMap<Key, i64> = BTreeMap::new();
    let born = day_in(zone, story.live_since) >= first;
    for sample in &story.samples {
        let day = day_in(zone, sample.taken_at);
        for value in sample.values.iter().filter(|value| value.metric == metric) {
            let channel = story.account.channel().to_owned();
            let key = (metric, channel, value.source_name.clone(), value.definition.clone());
            let now = i64::try_from(value.value).unwrap_or(i64::MAX);
            let renamed = known.keys().any(|k| k.2 == key.2 && k.3 != key.3);
            let from_zero = (born && !renamed).then_some(0);
            let before = known.insert(key.clone(), now).or(from_zero);
            if let Some(before) = before.filter(|_| day >= first) {
                gains.push((key, day, now.saturating_sub(before)));
            }
        }
    }
    gains
}
