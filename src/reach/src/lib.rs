//! Measure posts, keep series, answer reports.
