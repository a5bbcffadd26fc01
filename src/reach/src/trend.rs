//! What posts gained day by day.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use loa_model::Metric;
use serde::{Deserialize, Serialize};

use crate::{
    Book, Days, Result,
    story::{Mark, Story, second},
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
/// [`crate::Error::TooMany`].
pub fn trend(book: &Book, days: Days, zone: &str, metric: Metric) -> Result<Vec<TrendLine>> {
    let (from, to) = days.span(zone);
    let all: Vec<Date> =
        days.first.series(jiff::ToSpan::days(1)).take_while(|day| *day <= days.last).collect();
    let starts: Vec<u32> =
        all.iter().map(|day| second(Days { first: *day, last: *day }.span(zone).0)).collect();
    let mut lines: BTreeMap<u32, Vec<Option<i64>>> = BTreeMap::new();
    for story in book.between(from, to)? {
        gains(book, story, metric, (from, second(to)), |name, at, gain| {
            // The last day that had begun.
            let Some(day) = starts.partition_point(|start| *start <= at).checked_sub(1) else {
                return;
            };
            let line = lines.entry(name).or_insert_with(|| vec![None; all.len()]);
            if let Some(sum) = line.get_mut(day) {
                *sum = Some(sum.unwrap_or(0).saturating_add(gain));
            }
        });
    }
    let line = |(name, gains): (u32, Vec<Option<i64>>)| {
        let (_, channel, source_name, definition) = book.name(name).clone();
        TrendLine {
            channel,
            source_name,
            definition,
            days: all.iter().copied().zip(gains).collect(),
        }
    };
    let mut lines: Vec<TrendLine> = lines.into_iter().map(line).collect();
    lines.sort_by(|a, b| {
        (&a.channel, &a.source_name, &a.definition).cmp(&(
            &b.channel,
            &b.source_name,
            &b.definition,
        ))
    });
    Ok(lines)
}

/// The gains of one post since `from`. The first number of a post counts from zero when the post went live then or later; the first
/// of a new definition is a new beginning.
fn gains(
    book: &Book,
    story: &Story,
    metric: Metric,
    (from, to): (Timestamp, u32),
    mut take: impl FnMut(u32, u32, i64),
) {
    let born = story.live_since >= from;
    let first = second(from);
    let mut known: Vec<(u32, i64)> = Vec::new();
    for mark in story.until(to).iter().filter(|mark| mark.name != Mark::NOTHING) {
        if book.name(mark.name).0 != metric {
            continue;
        }
        let now = i64::try_from(mark.value).unwrap_or(i64::MAX);
        let family = book.family(mark.name);
        let renamed = known.iter().any(|(n, _)| *n != mark.name && book.family(*n) == family);
        let last = known.iter_mut().find(|(name, _)| *name == mark.name);
        let before = if let Some((_, last)) = last {
            Some(std::mem::replace(last, now))
        } else {
            known.push((mark.name, now));
            (born && !renamed).then_some(0)
        };
        if let Some(before) = before.filter(|_| mark.at >= first) {
            take(mark.name, mark.at, now.saturating_sub(before));
        }
    }
}
