//! When posts find their viewers: a map of weekdays and hours.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use loa_model::Metric;
use serde::{Deserialize, Serialize};

use crate::{
    Book, Result,
    age::{DAY_S, at_age, median},
    report::count,
    story::{Key, Steady, instant, second},
};

/// Fewer posts than these say nothing about their kind.
pub const FEW: u32 = 5;

/// Posts of one hour of one weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Monday is 0.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// Posts whose views at 24 hours are known.
    pub posts: u32,
    /// The middle one of their views at 24 hours; absent of fewer than [`FEW`] posts.
    pub median: Option<u64>,
}

/// The map of one number: numbers of two channels or definitions never share one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourMap {
    /// Channel.
    pub channel: String,
    /// The platform's name of its views.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// Hours in which something went live whose views at 24 hours are known, by weekday and hour.
    pub hours: Vec<Hour>,
    /// Posts in it.
    pub posts: u32,
    /// Posts of the channel that went live in the period and are not in it: too young, not measured, no views given, counted anew.
    pub unknown: u32,
    /// Time of the newest reading of a post in it.
    pub as_of: Option<Timestamp>,
}

/// Posts of one map: by weekday and hour, and the newest reading.
type Found = (BTreeMap<(u8, u8), Vec<u64>>, Option<u32>);

/// Median views at 24 hours of the posts that went live in the period, by weekday and hour of a zone.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub fn hours(
    book: &Book,
    (from, to): (Timestamp, Timestamp),
    zone: &str,
    now: Timestamp,
) -> Result<Vec<HourMap>> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let mut found: BTreeMap<&Key, Found> = BTreeMap::new();
    let mut live: BTreeMap<&str, u32> = BTreeMap::new();
    // What is read 24 hours after the last post of the period counts for it.
    let until = second(now.max(to));
    for story in book.born(from, to)? {
        *live.entry(story.account.channel()).or_default() += 1;
        let Steady::One(name, readings) = story.steady(book, Metric::Views, until) else {
            continue;
        };
        let Some(views) = at_age(&readings, DAY_S) else { continue };
        let at = story.live_since.to_zoned(zone.clone());
        let weekday = at.weekday().to_monday_zero_offset().unsigned_abs();
        let hour = (weekday, at.hour().unsigned_abs());
        let newest = story.until(until).last().map(|mark| mark.at);
        let (hours, as_of) = found.entry(book.name(name)).or_default();
        hours.entry(hour).or_default().push(views);
        *as_of = newest.max(*as_of);
    }
    let map = |((_, channel, source, definition), (hours, as_of)): (&Key, Found)| {
        let posts = count(hours.values().map(Vec::len).sum());
        let unknown = live.get(channel.as_str()).copied().unwrap_or(0).saturating_sub(posts);
        let hour = |((weekday, hour), views): ((u8, u8), Vec<u64>)| {
            let posts = count(views.len());
            Hour { weekday, hour, posts, median: median(views).filter(|_| posts >= FEW) }
        };
        let hours = hours.into_iter().map(hour).collect();
        HourMap {
            channel: channel.clone(),
            source_name: source.clone(),
            definition: definition.clone(),
            hours,
            posts,
            unknown,
            as_of: as_of.map(instant),
        }
    };
    Ok(found.into_iter().map(map).collect())
}
