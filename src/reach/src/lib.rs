#![doc = include_str!("../README.md")]

mod age;
mod book;
mod books;
mod chart;
mod clicks;
mod compare;
mod days;
mod export;
mod hours;
mod measure;
mod plan;
mod plot;
mod population;
mod rank;
mod records;
mod report;
mod series;
mod share;
mod speed;
mod squares;
mod story;
mod sums;
mod trend;

pub use age::{HalfLife, half_life};
pub use book::Book;
pub use books::{Books, Open};
pub use chart::{AgeWords, ChartText, Drawn, age_chart, age_words, chart, trend_chart};
pub use clicks::record_click;
pub use compare::{Compared, Figure, Incomparable, Overview, Period, overview};
pub use days::Days;
pub use export::{
    Datum, Grid, GridHead, Kind, MetricWords, Reports, Titles, article_grid, csv, csv_cell,
    hours_grid, metric_words, operations_grid, paper, parquet, ranking_grid, told_apart, xlsx,
};
pub use hours::{FEW, Hour, HourMap, hours};
pub use measure::{Asked, Config, Measurement, Meter};
pub use plan::{next_step, offset};
pub use plot::captioned;
pub use population::{Population, populations, state_population, withdraw_population};
pub use rank::{Ranked, Ranking, Top, Unknown, ranking};
pub use records::{Counted, Rollup, Totals, rebuild, summable};
pub use report::{By, Cell, Query, ReachRange, Report, ReportRow, agencies, report, reports};
pub use series::{Life, Point, Series, cumulative, lives};
pub use share::{Share, ShareId, Shared, open_share, revoke_share, share, shares};
pub use speed::{Band, Operations, Speed, operations};
pub use squares::{HourText, hour_chart};
pub use story::PostRef;
pub use trend::{TrendLine, trend};

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
    /// More posts than one report holds.
    #[error("the period has more than {most} posts")]
    TooMany {
        /// Most posts.
        most: usize,
    },
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
