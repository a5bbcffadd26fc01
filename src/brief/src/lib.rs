#![doc = include_str!("../README.md")]

mod actions;
mod alone;
mod area;
mod bulletin;
mod compose;
mod correction;
mod documents;
mod events;
mod extract;
mod figures;
mod find;
mod hotlines;
mod level;
mod mend;
mod points;
mod quotes;
mod scan;
mod sentence;
mod steps;
mod table;
mod text;
mod together;

pub use compose::{Composed, Line, Origin, Picture, compose, source_line};
pub use extract::extract;
pub use mend::{Means, mend};
pub use sentence::sentences;

#[cfg(test)]
mod tests;
