//! The last check before the first byte of an effectful request.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use jiff::Timestamp;
use loa_channel::{Error, ErrorKind, RetryAdvice};
use loa_model::{
    Delivery, DeliveryEvent as Event, Digest, Gate, GateClosed, Post, PostState, delivery::Effect,
    seams::SharedClock,
};
use loa_store::AccountLease;

/// The account's lease as this process knows it, shared by heartbeat and gate.
#[derive(Debug, Clone)]
pub(crate) struct Tenure(Arc<Mutex<Option<AccountLease>>>);

impl Tenure {
    pub(crate) fn new(lease: AccountLease) -> Self {
        Self(Arc::new(Mutex::new(Some(lease))))
    }

    pub(crate) fn lease(&self) -> Option<AccountLease> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes over what a heartbeat was told; nothing, or another fence, ends the tenure for good.
    pub(crate) fn renew(&self, answer: Option<AccountLease>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fence = held.as_ref().map(|lease| lease.fence);
        *held = answer.filter(|lease| Some(lease.fence) == fence);
    }

    pub(crate) fn holds(&self, fence: u64, now: Timestamp) -> bool {
        self.lease().is_some_and(|lease| lease.fence == fence && now < lease.until)
    }
}

/// Gate of one step: fence, deadline, digest, window and kill switch, read anew at every question.
pub(crate) struct SendGate {
    pub(crate) clock: SharedClock,
    pub(crate) tenure: Tenure,
    pub(crate) fence: u64,
    pub(crate) send_deadline: Timestamp,
    pub(crate) window: (Timestamp, Timestamp),
    pub(crate) approved: Digest,
    pub(crate) content: Digest,
    pub(crate) killed: Vec<Arc<AtomicBool>>,
    pub(crate) effect: Effect,
    pub(crate) opened: AtomicU32,
}

impl SendGate {
    /// The answer to the step of this gate. Shut after it had let a request go, it proves nothing about that request: what
    /// came of one that may show something is then not known.
    pub(crate) fn judge<T>(&self, answer: loa_channel::Result<T>) -> loa_channel::Result<T> {
        let may_have_shown =
            self.effect != Effect::Hidden && self.opened.load(Ordering::Acquire) > 0;
        answer.map_err(|error| match error.kind {
            ErrorKind::Gate if may_have_shown => {
                let message = format!("the gate shut after a request had left: {error}");
                Error::new(ErrorKind::Unavailable, RetryAdvice::Verify, message)
            }
            _ => error,
        })
    }
}

impl Gate for SendGate {
    fn open(&self) -> Result<(), GateClosed> {
        let now = self.clock.now();
        let shut = |why: &str| Err(GateClosed(why.to_owned()));
        if self.killed.iter().any(|on| on.load(Ordering::Acquire)) {
            return shut("the kill switch is on");
        }
        if self.effect == Effect::Read {
            return shut("a step declared as a pure read wants to change something");
        }
        if self.content != self.approved {
            return shut("the content is not the approved one");
        }
        if now < self.window.0 || now > self.window.1 {
            return shut("outside the approved window");
        }
        if now >= self.send_deadline {
            return shut("the send deadline passed");
        }
        if !self.tenure.holds(self.fence, now) {
            return shut("the account belongs to another worker");
        }
        // One intent covers one request: a second one under it could be a second post.
        if self.opened.fetch_add(1, Ordering::AcqRel) > 0 && self.effect == Effect::Public {
            return shut("a step makes at most one effectful request");
        }
        Ok(())
    }
}

/// The post as approved, or what to do with its delivery instead.
pub(crate) fn checked(d: &Delivery, post: Option<Post>, now: Timestamp) -> Result<Post, Event> {
    let hold = |why: &str| Err(Event::Hold { reason: why.to_owned() });
    let Some(post) = post else { return hold("the post does not exist any more") };
    let Some(approval) = post.approval.as_ref().filter(|_| post.state == PostState::Approved)
    else {
        return hold("the post is not approved any more");
    };
    if post.account != d.account || approval.digest != d.digest || post.digest() != d.digest {
        return hold("the content is not the approved one");
    }
    if now < approval.not_before {
        let reason = "waits for the approved window".to_owned();
        return Err(Event::Snooze { until: approval.not_before, reason });
    }
    if now > approval.not_after {
        return hold("the approved window passed");
    }
    Ok(post)
}

pub(crate) fn window_of(post: &Post, d: &Delivery) -> (Timestamp, Timestamp) {
    match &post.approval {
        Some(approval) => (approval.not_before, approval.not_after.min(d.not_after)),
        None => (Timestamp::MAX, Timestamp::MIN),
    }
}
