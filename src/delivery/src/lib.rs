#![doc = include_str!("../README.md")]

mod aftercare;
mod chain;
mod check;
mod config;
mod deps;
mod desk;
mod errand;
mod everywhere;
mod gate;
mod incidents;
mod keeping;
mod moves;
mod outcome;
mod outlook;
mod overdue;
pub mod pace;
pub mod pacing;
mod patience;
mod read_back;
mod records;
mod request;
mod running;
mod seen;
mod spread;
mod standing;
mod sweep;
mod switch;
pub mod turns;
mod waiting;
mod watchdog;
mod worker;

pub use check::{Breach, Broken, Checked, Invariant, Rules, check};
pub use config::Config;
pub use deps::{Channels, Deps, Secrets, VaultError, owner_name};
pub use desk::{Act, Desk, DeskError, NEWSROOM, NotNow, is_wish};
pub use everywhere::{TakenBack, Took};
pub use incidents::CLOSERS;
pub use keeping::{keep_usage, reads_from};
pub use loa_model::QuietHours;
pub use outlook::{AskedToWait, Left, Lookout, Outlook, Planned, Told, outlook};
pub use overdue::{Overdue, Subject};
pub use pace::Pace;
pub use patience::finish_refresh;
pub use records::{Applied, Correction, Incident, IncidentKind, KillSwitch, SetAside};
pub use switch::{SWITCHERS, Stop};
pub use waiting::Waits;
pub use watchdog::Watchdog;
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
