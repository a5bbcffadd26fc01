//! The child of this crate's tests that looks at sources.

use std::{
    io::{stdin, stdout},
    process::ExitCode,
};

fn main() -> ExitCode {
    loa_clip::reel::serve(stdin().lock(), stdout())
}
