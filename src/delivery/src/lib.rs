#![doc = include_str!("../README.md")]

mod aftercare;
mod chain;
mod config;
mod deps;
mod desk;
mod gate;
mod moves;
pub mod pacing;
mod read_back;
mod records;
mod request;
mod standing;
mod sweep;
mod worker;

pub use config::{Config, QuietHours};
pub use deps::{Channels, Deps, Secrets, VaultError, owner_name};
pub use desk::{Desk, DeskError};
pub use records::{Correction, Incident, IncidentKind, KillSwitch, Pace};
pub use worker::{Happened, Round, Worker};

/// Failures of a round. What a platform answers is never one: that becomes the state of a delivery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] loa_store::Error),
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Result of delivery.
pub type Result<T, E = Error> = std::result::Result<T, E>;
