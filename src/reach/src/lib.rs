#![doc = include_str!("../README.md")]

mod chart;
mod clicks;
mod export;
mod measure;
mod plan;
mod records;
mod report;
mod series;

pub use chart::{ChartText, Drawn, chart};
pub use clicks::record_click;
pub use export::{MetricWords, Reports, csv, metric_words, paper, parquet, xlsx};
pub use measure::{Asked, Config, Measurement, Meter};
pub use plan::{next_step, offset};
pub use records::{Counted, Rollup, Totals, rebuild, summable};
pub use report::{By, Cell, Query, ReachRange, Report, ReportRow, report};
pub use series::{Point, Series, cumulative};

/// Failures of reach.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] loa_store::Error),
    /// The job is not one of ours.
    #[error("job {0} is not a measurement")]
    NotMine(String),
    /// A report does not fit into the format.
    #[error("the report cannot be written as {format}: {problem}")]
    Export {
        /// The format.
        format: &'static str,
        /// What it refuses.
        problem: String,
    },
}

/// Result of reach.
pub type Result<T, E = Error> = std::result::Result<T, E>;
