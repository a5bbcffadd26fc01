//! What the outside world is allowed to be: time, randomness and the last check before a socket write.
//!
//! `main` makes the real ones; the sandbox, simulations and tests make others.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;

/// A boxed future without a runtime of its own.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The one source of time. Real, virtual (sandbox and demo) or paused (tests).
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The instant now, in UTC, with microseconds kept.
    fn now(&self) -> Timestamp;

    /// Waits until `now()` has moved on by `wait`. A jump of a virtual clock ends the wait early.
    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()>;
}

/// Shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The one source of randomness.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Asked by `net` right before the first byte of an effectful request leaves.
///
/// It checks the fence of the account's lease, the send deadline, the approved digest and the posting window.
pub trait Gate: Send + Sync {
    /// Lets the request go or says why not.
    ///
    /// # Errors
    /// [`GateClosed`] when the sender no longer owns the account, is too late, or the approval does not match.
    fn open(&self) -> Result<(), GateClosed>;
}

/// Why the gate did not open: provably nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gate closed: {0}")]
pub struct GateClosed(pub String);

/// A gate that is always open: for reads and for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

impl Gate for OpenGate {
    fn open(&self) -> Result<(), GateClosed> {
        Ok(())
    }
}
