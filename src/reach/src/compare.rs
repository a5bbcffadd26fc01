//! The overview: a period beside the one before it and the same days a year earlier.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loa_model::Metric;
use loa_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    By, Cell, Days, Query, ReportRow, Result,
    report::{count, row},
    story::{Story, stories},
};

/// Why a number has no change in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomparable {
    /// One of the two is not known.
    Missing,
    /// The platform counts differently now, or changed how it counts within one of the two.
    MethodBreak,
    /// There was nothing, or counts were taken back: no percentage of it.
    FromNothing,
}

/// A number of the same kind in another period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Gain in that period; absent when it is not known.
    pub gain: Option<i64>,
    /// Of how many posts it is known.
    pub posts: u32,
    /// Change from there to here in tenths of a percent; absent when [`Compared::why`] says why.
    pub change_permille: Option<i64>,
    /// Why there is no change.
    pub why: Option<Incomparable>,
}

/// A number of the period with what it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// The number.
    pub cell: Cell,
    /// As many days right before.
    pub before: Compared,
    /// The same days a year earlier.
    pub last_year: Compared,
}

/// What is known of one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Its days.
    pub days: Days,
    /// Posts that went live in it.
    pub published: u32,
    /// Its numbers.
    pub total: ReportRow,
    /// Time of the newest sample; absent when there is none.
    pub as_of: Option<Timestamp>,
}

/// A period and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The period.
    pub period: Period,
    /// As many days right before.
    pub before: Period,
    /// The same days a year earlier.
    pub last_year: Period,
    /// Every number of the period that may be summed within its definition, with its comparison.
    pub figures: Vec<Figure>,
}

/// Definitions by which a channel counted under one name: metric, channel, name.
type Methods = BTreeMap<(Metric, String, String), BTreeSet<String>>;

/// The overview of an agency over days of a zone.
///
/// # Errors
/// [`crate::Error::Store`], [`crate::Error::TooMany`].
pub async fn overview(
    store: &dyn Store,
    agency: &str,
    days: Days,
    zone: &str,
    population: Option<u64>,
) -> Result<Overview> {
    let read = async |days: Days| {
        let (from, to) = days.span(zone);
        let query = Query { agency: agency.to_owned(), from, to, by: By::Channel, population };
        let stories = stories(store, agency, from, to).await?;
        Ok::<_, crate::Error>((period(days, &stories, &query), methods(&stories, from)))
    };
    let (now, own) = read(days).await?;
    let (before, earlier) = read(days.before()).await?;
    let (last_year, year_old) = read(days.last_year()).await?;
    let figures = now.total.cells.iter().map(|cell| Figure {
        before: compared(cell, &own, &before.total, &earlier),
        last_year: compared(cell, &own, &last_year.total, &year_old),
        cell: cell.clone(),
    });
    let figures = figures.collect();
    Ok(Overview { period: now, before, last_year, figures })
}

fn period(days: Days, stories: &[Story], query: &Query) -> Period {
    let all: Vec<&Story> = stories.iter().collect();
    let inside = |at: Timestamp| at >= query.from && at < query.to;
    Period {
        days,
        published: count(stories.iter().filter(|story| inside(story.live_since)).count()),
        total: row("total".into(), "total".into(), &all, query),
        as_of: stories.iter().flat_map(|s| &s.samples).map(|s| s.taken_at).max(),
    }
}

/// By which definitions was counted since `from`.
fn methods(stories: &[Story], from: Timestamp) -> Methods {
    let mut methods = Methods::new();
    for story in stories {
        for sample in story.samples.iter().filter(|sample| sample.taken_at >= from) {
            for value in &sample.values {
                let channel = story.account.channel().to_owned();
                let name = (value.metric, channel, value.source_name.clone());
                methods.entry(name).or_default().insert(value.definition.clone());
            }
        }
    }
    methods
}

fn compared(cell: &Cell, own: &Methods, other: &ReportRow, theirs: &Methods) -> Compared {
    let name = (cell.metric, cell.channel.clone(), cell.source_name.clone());
    let same = other.cells.iter().find(|c| {
        (c.metric, &c.channel, &c.source_name, &c.definition)
            == (cell.metric, &cell.channel, &cell.source_name, &cell.definition)
    });
    let gain = same.and_then(|c| c.gain);
    let posts = same.map_or(0, |c| c.gain_posts);
    let both = own.get(&name).into_iter().chain(theirs.get(&name)).flatten();
    let changed = both.collect::<BTreeSet<_>>().len() > 1;
    let change = if changed {
        Err(Incomparable::MethodBreak)
    } else {
        match (cell.gain, gain) {
            (Some(_), Some(..=0)) => Err(Incomparable::FromNothing),
            (Some(now), Some(was)) => Ok(permille(now, was)),
            _ => Err(Incomparable::Missing),
        }
    };
    Compared { gain, posts, change_permille: change.ok(), why: change.err() }
}

/// Change in tenths of a percent, rounded to the nearest; `was` is above zero.
fn permille(now: i64, was: i64) -> i64 {
    let (now, was) = (i128::from(now), i128::from(was));
    let change = (2000 * (now - was) + was).div_euclid(2 * was);
    i64::try_from(change).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_rounded_to_tenths_of_a_percent() {
        for (now, was, expect) in [
            (150, 100, 500),
            (100, 150, -333),
            (1, 3, -667),
            (5, 5, 0),
            (-5, 10, -1500),
            (2, 3, -333),
        ] {
            assert_eq!(permille(now, was), expect, "{was} → {now}");
        }
    }
}
