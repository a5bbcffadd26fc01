//! Reports as one table for machines: a line per number, and columns with names and types.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loa_model::Metric;
use serde::Serialize;

use super::Reports;
use crate::{By, Cell, ReachRange, Report, ReportRow};

/// A number with all it needs to be understood alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) report: &'a Report,
    pub(super) row: &'a ReportRow,
    /// Whether `row` is the report's total.
    pub(super) total: bool,
    pub(super) number: Number<'a>,
}

/// What a line says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number<'a> {
    /// No post of the row gave any number.
    None,
    /// A number that may be summed within its definition.
    Cell(&'a Cell),
    /// Unique people.
    Reach(&'a ReachRange),
}

/// Every line of every report: rows by key, then the total.
pub(super) fn lines(reports: &Reports) -> Vec<Line<'_>> {
    reports.reports.iter().flat_map(lines_of).collect()
}

/// The lines of one report.
pub(super) fn lines_of(report: &Report) -> impl Iterator<Item = Line<'_>> {
    let rows = report.rows.iter().map(|row| (row, false));
    rows.chain([(&report.total, true)]).flat_map(move |(row, total)| {
        let mut numbers: Vec<_> = row.cells.iter().map(Number::Cell).collect();
        numbers.extend(row.reach.as_ref().map(Number::Reach));
        if numbers.is_empty() {
            numbers.push(Number::None);
        }
        numbers.into_iter().map(move |number| Line { report, row, total, number })
    })
}

impl<'a> Line<'a> {
    pub(super) fn cell(&self) -> Option<&'a Cell> {
        match self.number {
            Number::Cell(cell) => Some(cell),
            Number::None | Number::Reach(_) => None,
        }
    }

    pub(super) fn reach(&self) -> Option<&'a ReachRange> {
        match self.number {
            Number::Reach(reach) => Some(reach),
            Number::None | Number::Cell(_) => None,
        }
    }

    pub(super) fn metric(&self) -> Option<Metric> {
        match self.number {
            Number::None => None,
            Number::Cell(cell) => Some(cell.metric),
            Number::Reach(_) => Some(Metric::Reach),
        }
    }

    /// Whose it is: of a report over several agencies each row's own, and none of their total.
    pub(super) fn agency(&self) -> &'a str {
        if self.report.query.by == By::Agency && !self.total {
            &self.row.key
        } else {
            &self.report.query.agency
        }
    }

    /// How many posts gave the number.
    pub(super) fn posts(&self) -> Option<u32> {
        self.cell().map(|cell| cell.posts).or(self.reach().map(|reach| reach.posts))
    }

    /// Of how many posts the gain is known.
    pub(super) fn gain_posts(&self) -> Option<u32> {
        self.cell().map(|cell| cell.gain_posts)
    }
}

/// Metrics that have a number somewhere.
pub(super) fn metrics(reports: &Reports) -> BTreeSet<Metric> {
    lines(reports).iter().filter_map(Line::metric).collect()
}

/// Where the numbers come from: metric, channel, the channel's own name and its definition.
pub(super) fn sources(reports: &Reports) -> BTreeSet<(Metric, &str, &str, &str)> {
    let cells = lines(reports).into_iter().filter_map(|line| line.cell());
    cells.map(|c| (c.metric, &*c.channel, &*c.source_name, &*c.definition)).collect()
}

/// A column: its name, and what a line has in it. Nothing is "not known"; a zero is a zero.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) of: Of,
}

/// The type of a column, and the way to its value.
pub(super) enum Of {
    Text(fn(&Line<'_>) -> Option<String>),
    Count(fn(&Line<'_>) -> Option<u64>),
    Change(fn(&Line<'_>) -> Option<i64>),
    Flag(fn(&Line<'_>) -> Option<bool>),
    Time(fn(&Line<'_>) -> Option<Timestamp>),
}

/// Names and order are stable: scripts depend on them, new ones go to the end.
pub(super) const COLUMNS: [Column; 21] = [
    Column { name: "row", of: Of::Text(|line| Some(line.row.key.clone())) },
    Column { name: "label", of: Of::Text(|line| Some(line.row.label.clone())) },
    Column { name: "posts", of: Of::Count(|line| Some(line.row.posts.into())) },
    Column { name: "measured", of: Of::Count(|line| Some(line.row.measured.into())) },
    Column { name: "metric", of: Of::Text(|line| line.metric().map(name)) },
    Column { name: "channel", of: Of::Text(|line| line.cell().map(|c| c.channel.clone())) },
    Column { name: "source_name", of: Of::Text(|line| line.cell().map(|c| c.source_name.clone())) },
    Column { name: "definition", of: Of::Text(|line| line.cell().map(|c| c.definition.clone())) },
    Column { name: "latest", of: Of::Count(|line| line.cell().map(|c| c.latest)) },
    Column { name: "latest_posts", of: Of::Count(|line| line.posts().map(u64::from)) },
    Column { name: "gain", of: Of::Change(|line| line.cell().and_then(|c| c.gain)) },
    Column { name: "gain_posts", of: Of::Count(|line| line.gain_posts().map(u64::from)) },
    Column { name: "at_least", of: Of::Count(|line| line.reach().map(|r| r.at_least)) },
    Column { name: "at_most", of: Of::Count(|line| line.reach().map(|r| r.at_most)) },
    Column { name: "fell", of: Of::Flag(|line| line.cell().map(|c| c.fell)) },
    Column { name: "method_break", of: Of::Flag(|line| line.cell().map(|c| c.method_break)) },
    Column { name: "agency", of: Of::Text(|line| Some(line.agency().to_owned())) },
    Column { name: "cut", of: Of::Text(|line| Some(name(line.report.query.by))) },
    Column { name: "from", of: Of::Time(|line| Some(line.report.query.from)) },
    Column { name: "to", of: Of::Time(|line| Some(line.report.query.to)) },
    Column { name: "as_of", of: Of::Time(|line| line.report.as_of) },
];

/// The stable name of a metric or a cut, as in JSON.
fn name(of: impl Serialize) -> String {
    let value = serde_json::to_value(of).expect("a plain enum serializes");
    value.as_str().expect("a plain enum is a string").to_owned()
}
