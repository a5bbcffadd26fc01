//! Reports as files. Every format is a function of [`Reports`]: the same reports, the same bytes.
//!
//! Parquet is for machines and has the columns of `table`; CSV, the workbook and the paper are for people: days of the zone,
//! titles where they are known, in the reader's language or, where nobody reads, in both.

mod csv;
mod grid;
mod grids;
mod paper;
mod parquet;
mod table;
mod words;
mod xlsx;

use std::collections::BTreeMap;

use jiff::{ToSpan as _, civil, tz::TimeZone};
use loa_model::Agency;
use serde::{Deserialize, Serialize};

pub use csv::{csv, csv_cell};
pub use grid::{Datum, Grid, Head as GridHead, Kind};
pub use grids::{article_grid, hours_grid, operations_grid, ranking_grid};
pub use paper::paper;
pub use parquet::parquet;
pub use words::{MetricWords, metric_words};
pub use xlsx::xlsx;

use crate::{Overview, Query, Report, TrendLine};

/// Reports of one period, as one file holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// IANA zone in which days were asked for and times are shown.
    pub zone: String,
    /// Agencies reported on: how people call them.
    pub agencies: Vec<Agency>,
    /// One report for each agency and cut, in the order they are to be read.
    pub reports: Vec<Report>,
    /// What people call what the reports have keys of.
    #[serde(default)]
    pub titles: Titles,
    /// The period beside the one before, for the first page of the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overview: Option<Overview>,
    /// Views gained day by day for the chart of that page, each line with its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trend: Vec<(String, TrendLine)>,
}

/// What people call channels, accounts and numbers, and in which language they read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titles {
    /// `vi` or `en`; anything else is both.
    pub lang: String,
    /// Names of channels.
    pub channels: BTreeMap<String, String>,
    /// Names of accounts, each with its channel.
    pub accounts: BTreeMap<String, String>,
    /// What a number of a channel counts where its metric does not say it all: channel, the platform's name, words.
    pub numbers: Vec<(String, String, String)>,
}

impl Titles {
    /// Words in the language of the reader, or in both.
    pub(crate) fn say(&self, (vi, en): (&str, &str)) -> String {
        match self.lang.as_str() {
            "vi" => vi.to_owned(),
            "en" => en.to_owned(),
            _ if vi == en => vi.to_owned(),
            _ => format!("{vi} / {en}"),
        }
    }

    pub(crate) fn channel(&self, name: &str) -> String {
        self.channels.get(name).map_or(name, String::as_str).to_owned()
    }

    pub(crate) fn account(&self, name: &str) -> String {
        self.accounts.get(name).map_or(name, String::as_str).to_owned()
    }

    /// What a number counts; empty where its metric says it all.
    pub(crate) fn number(&self, channel: &str, source: &str) -> &str {
        let known = self.numbers.iter().find(|(of, name, _)| of == channel && name == source);
        known.map_or("", |(.., words)| words)
    }
}

impl Reports {
    /// The agency's name for people; its short name when it is not listed.
    fn agency<'a>(&'a self, name: &'a str) -> &'a str {
        // The total over several belongs to none.
        if name.is_empty() {
            return "—";
        }
        self.agencies.iter().find(|agency| agency.name == name).map_or(name, |agency| &agency.title)
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC)
    }

    /// First and last day of a query: its end is not included, so the last day is the one before it.
    fn days(&self, query: &Query) -> (civil::Date, civil::Date) {
        let day = |at: jiff::Timestamp| at.to_zoned(self.zone()).date();
        (day(query.from), day(query.to.saturating_sub(1.nanosecond()).unwrap_or(query.to)))
    }
}
