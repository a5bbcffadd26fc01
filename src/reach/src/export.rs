//! Reports as files. Every format is a function of [`Reports`]: the same reports, the same bytes.
//!
//! CSV and Parquet are for machines and share the columns of `table`; the workbook and the paper are for people and say in
//! Vietnamese and English what each number counts.

mod csv;
mod grid;
mod grids;
mod paper;
mod parquet;
mod table;
mod words;
mod xlsx;

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

use crate::{Query, Report};

/// Reports of one period, as one file holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// IANA zone in which days were asked for and times are shown.
    pub zone: String,
    /// Agencies reported on: how people call them.
    pub agencies: Vec<Agency>,
    /// One report for each agency and cut, in the order they are to be read.
    pub reports: Vec<Report>,
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
