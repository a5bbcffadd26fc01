//! The overview: a period beside the one before it and the same days a year earlier.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Book, By, Cell, Days, Population, Query, ReportRow, Result,
    report::{bounds, count},
    story::instant,
    sums::total,
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
    /// The populations that bound reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub populations: Vec<Population>,
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

/// What was counted within a period, by the book's numbers.
type Methods = BTreeSet<u32>;

/// The overview of an agency over days of a zone.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub fn overview(book: &Book, days: Days, zone: &str, population: Option<u64>) -> Result<Overview> {
    let read = |days: Days| {
        let (from, to) = days.span(zone);
        let agency = book.agency().to_owned();
        period(book, days, &Query { agency, from, to, by: By::Channel, population })
    };
    let (now, own) = read(days)?;
    let (before, earlier) = read(days.before())?;
    let (last_year, year_old) = read(days.last_year())?;
    let figures = now.total.cells.iter().map(|cell| Figure {
        before: compared(book, cell, &own, &before.total, &earlier),
        last_year: compared(book, cell, &own, &last_year.total, &year_old),
        cell: cell.clone(),
    });
    let figures = figures.collect();
    Ok(Overview { period: now, before, last_year, figures })
}

fn period(book: &Book, days: Days, query: &Query) -> Result<(Period, Methods)> {
    let stories = book.between(query.from, query.to)?;
    let mut methods = Methods::new();
    let sums = total(book, &stories, (query.from, query.to), |own| {
        methods.extend(own.iter().filter(|tally| tally.inside).map(|tally| tally.name));
    });
    let bounds = bounds(book, query);
    let population = query.population.or_else(|| bounds.agency());
    let published = stories.iter().filter(|story| story.live_since >= query.from).count();
    let told = Period {
        days,
        published: count(published),
        total: sums.row(book, ("total".into(), "total".into()), (&bounds, population)),
        as_of: sums.newest.map(instant),
        populations: bounds.listed(),
    };
    Ok((told, methods))
}

fn compared(
    book: &Book,
    cell: &Cell,
    own: &Methods,
    other: &ReportRow,
    theirs: &Methods,
) -> Compared {
    let same = other.cells.iter().find(|c| c.key() == cell.key());
    let gain = same.and_then(|c| c.gain);
    let posts = same.map_or(0, |c| c.gain_posts);
    let key =
        (cell.metric, cell.channel.clone(), cell.source_name.clone(), cell.definition.clone());
    let family = book.number_of(&key).map(|name| book.family(name));
    let both = own.union(theirs).filter(|name| Some(book.family(**name)) == family);
    let changed = both.count() > 1;
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
