//! The binary: roles and operations of Loa. The only place that wires crates together.

mod cli;
mod world;

fn main() {}
