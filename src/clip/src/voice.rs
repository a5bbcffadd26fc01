//! The voice of a clip: words of the article in, takes of speech out.
//!
//! [`speech`] turns text into words as spoken and proves that no number changed; a [`Booth`] lets a [`Provider`] speak
//! them, judges what came and keeps it.

mod booth;
mod error;
mod program;
mod provider;
mod remote;
pub mod speech;
#[cfg(test)]
mod tests;
mod wave;

use std::time::Duration;

use loa_model::Cancel;

pub use booth::{Booth, Line, Manners, Take};
pub use error::{Error, Result};
pub use provider::{Command, Espeak, Fpt, Openai, Provider, Vbee};
pub use remote::{Answered, Outcome, answered};

/// How often the wish to stop is looked at.
const POLL: Duration = Duration::from_millis(40);

/// Comes back when someone wishes to stop.
async fn wished(cancel: &Cancel) {
    while !cancel.is_cancelled() {
        tokio::time::sleep(POLL).await;
    }
}
