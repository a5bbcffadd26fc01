//! The binary: roles and operations of Loa. The only place that wires crates together.

mod channels;
mod cli;
mod house;
mod local;
mod settings;
mod world;

fn main() {}
