//! Reports as files. Every format is a function of [`Reports`]: the same reports, the same bytes.
//!
//! Parquet is for machines and has the columns of `table`; CSV, the workbook and the paper are for people: days of the zone,
//! titles where they are known, in the reader's language.

mod csv;
mod grid;
mod grids;
mod paper;
mod parquet;
mod table;
mod titles;
mod words;
mod xlsx;

use std::collections::BTreeSet;

use jiff::{ToSpan as _, civil, tz::TimeZone};
use loa_model::{AccountName, Agency};
use serde::{Deserialize, Serialize};

pub use csv::{csv, csv_cell};
pub use grid::{Datum, Grid, Head as GridHead, Kind};
pub use grids::{article_grid, hours_grid, operations_grid, ranking_grid};
pub use paper::paper;
pub use parquet::parquet;
pub use titles::{Titles, told_apart};
pub use words::{MetricWords, metric_words};
pub use xlsx::xlsx;

use crate::{By, Overview, Query, Report, TrendLine};

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

impl Reports {
    /// The accounts whose titles the files say.
    pub fn accounts(&self) -> BTreeSet<AccountName> {
        let of_rows = self.reports.iter().flat_map(|report| {
            report.rows.iter().filter_map(move |row| match (&row.post, report.query.by) {
                (Some(post), _) => Some(post.account.clone()),
                (None, By::Account) => row.key.parse().ok(),
                _ => None,
            })
        });
        let stated = self.reports.iter().flat_map(|report| &report.populations);
        of_rows.chain(stated.filter_map(|population| population.account.clone())).collect()
    }

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
