//! The media role of the binary on its own: the child of this crate's tests.

use std::{
    io::{stdin, stdout},
    process::ExitCode,
};

fn main() -> ExitCode {
    loa_clip::worker::main(stdin().lock(), stdout())
}
