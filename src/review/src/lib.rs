#![doc = include_str!("../README.md")]

mod calendar;
mod changed;
mod compose;
mod correction;
mod desk;
mod emergency;
mod error;
mod follow;
mod looks;
mod reschedule;
mod rewording;
mod slots;

use std::sync::Arc;

use loa_model::{Ids, seams::SharedClock};
use loa_store::Store;

pub use calendar::{Calendar, Clash, Entry, Standing};
pub use changed::Effects;
pub use compose::{Missing, Order, Outcome, Pick, Slot, Target, Waiting, Words, Writing, tagged};
pub use correction::Corrects;
pub use desk::Window;
pub use desk::relinked;
pub use emergency::{SECOND_WITHIN, SecondLook, Settled};
pub use error::{Result, ReviewError};
pub use reschedule::{BadTime, Locked, MOVERS};

/// Composes posts and takes them through review.
#[derive(Clone)]
pub struct Review {
    store: Arc<dyn Store>,
    clock: SharedClock,
    ids: Ids,
    link_base: String,
    looks: Arc<looks::Looks>,
}

impl Review {
    /// Over this store. `link_base` is our own public address, for short links, for example `https://lien-ket.example`.
    pub fn new(
        store: Arc<dyn Store>,
        clock: SharedClock,
        ids: Ids,
        link_base: impl Into<String>,
    ) -> Self {
        let (link_base, looks) = (link_base.into(), Arc::default());
        Self { store, clock, ids, link_base, looks }
    }

    /// The same over another view of its store: whoever asks puts their own terms on what is written.
    #[must_use]
    pub fn over(&self, store: Arc<dyn Store>) -> Self {
        Self { store, ..self.clone() }
    }
}

impl std::fmt::Debug for Review {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Review").field("link_base", &self.link_base).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
