//! What a platform says, beside its answers, about how much of its allowances is used. Adapters hand it on as it is; what
//! to make of it is delivery's business.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::Scope;

/// Something about an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The platform told how much is used.
    Level {
        /// Whose allowance.
        scope: Scope,
        /// Percent of it; 100 and more is used up.
        percent: u8,
        /// How long the reading says something: until access is regained where the platform names that, else the length of its
        /// window.
        lasts: Duration,
    },
    /// A request took units of an allowance that the capability names.
    Spent {
        /// Name of the allowance.
        bucket: &'static str,
        /// Units.
        units: u32,
    },
}

/// Hears what is said about allowances.
pub trait Ear: Send + Sync {
    /// Takes note of it.
    fn hear(&self, usage: Usage);
}

/// Hears nothing: for tests and for calls that cost nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl Ear for Deaf {
    fn hear(&self, _usage: Usage) {}
}

/// Keeps what was said, in order.
#[derive(Debug, Default)]
pub struct Notes(Mutex<Vec<Usage>>);

impl Notes {
    /// What was said since the last time.
    pub fn take(&self) -> Vec<Usage> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ear for Notes {
    fn hear(&self, usage: Usage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(usage);
    }
}
