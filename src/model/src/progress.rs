//! Progress of a long job and the wish to stop it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};

/// How far a job is. The latest value per job travels on a watch channel, never through the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Step in words a person understands, an English key of the locale files, for example `render.clip`.
    pub step: String,
    /// Units done (frames, bytes, pages).
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
    /// Estimated milliseconds left, when it can be told.
    pub eta_ms: Option<u64>,
}

/// A shared wish to stop. Cloning shares it; once set it stays set.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A wish not yet made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the wish.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the work should stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
