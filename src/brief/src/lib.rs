#![doc = include_str!("../README.md")]

mod compose;
mod extract;
mod figures;
mod points;
mod quotes;
mod scan;
mod sentence;
mod text;

pub use compose::{Composed, Line, Origin, Picture, compose};
pub use extract::extract;
pub use sentence::sentences;

#[cfg(test)]
mod tests;
