//! After publishing: corrections and retractions travel to the live post.

use std::{sync::atomic::AtomicU32, time::Duration};

use jiff::Timestamp;
use loa_channel::{Error, ErrorKind, Outgoing, RetryAdvice, To};
use loa_model::{
    Delivery, DeliveryEvent as Event, DeliveryState as State, Digest, Post, PostState, Why,
    delivery::Effect, job::backoff,
};
use loa_store::{Changes, StoreExt as _, Versioned};

use crate::{
    Correction, IncidentKind, Result, Round,
    chain::{At, signed},
    gate::SendGate,
    moves::NotMoved,
    standing::Refreshed,
};

impl At<'_> {
    /// One try of a correction or a retraction. Both are idempotent: an unclear answer is simply tried again.
    pub(crate) async fn aftercare(
        &self,
        row: &Versioned<Delivery>,
        round: &mut Round,
    ) -> Result<()> {
        // Since the round began, another worker may have had the account and done it.
        let fresh = self.mover().read(row.record.id).await?;
        let Some(row) = fresh.as_ref().filter(|fresh| fresh.record.state == row.record.state)
        else {
            return Ok(());
        };
        let d = &row.record;
        let Some(receipt) = &d.receipt else { return Ok(()) };
        if self.stopped().await?.is_some() {
            return Ok(());
        }
        let Some(secret) = self.secret().await? else {
            return self
                .worker
                .needs_reauth(self.account, "no credentials are kept for this account")
                .await;
        };
        let to = To { account: self.account, secret: &secret };
        let limit =
            Duration::from_secs(u64::from(self.worker.deps.config.create_timeout_s.min(30)));
        let mut correction = None;
        let answer = if !d.has_remote_id() {
            // A person saw it live: no request could name it, and an empty name may mean something else to a platform.
            Some(Err(by_hand(Why::NoId)))
        } else if d.state == State::Retracting {
            if self.channel.capability().delete {
                let gate = self.aftercare_gate(d, d.digest);
                let cx = self.cx(&gate);
                self.guarded(limit, self.channel.retract(&cx, to, receipt)).await
            } else {
                Some(Err(by_hand(Why::NotOffered)))
            }
        } else {
            match self.corrected_post(d).await? {
                Ok((order, post)) => {
                    let gate = self.aftercare_gate(d, post.digest());
                    let cx = self.cx(&gate);
                    let outgoing = Outgoing {
                        delivery: d.id,
                        marker: &d.marker,
                        content: &post.content,
                        since: order.record.at,
                    };
                    let answer =
                        self.guarded(limit, self.channel.amend(&cx, to, receipt, outgoing)).await;
                    correction = Some(order);
                    answer
                }
                Err(why) => Some(Err(Error::internal(why))),
            }
        };
        let done = match answer {
            Some(Ok(())) => self.settled(row, String::new(), None, correction, round).await,
            Some(Err(error)) => self.not_yet(row, &error, round).await,
            None => {
                let error = Error::new(
                    ErrorKind::Unavailable,
                    RetryAdvice::Verify,
                    "no answer within the time limit",
                );
                self.not_yet(row, &error, round).await
            }
        };
        done?;
        self.keep_usage(None).await
    }

    async fn not_yet(
        &self,
        row: &Versioned<Delivery>,
        error: &Error,
        round: &mut Round,
    ) -> Result<()> {
        let d = &row.record;
        let tries = self.worker.memory().later.get(&d.id).map_or(0, |(tries, _)| *tries) + 1;
        let by_backoff = signed(backoff(tries, self.worker.random()));
        let wait = match error.advice {
            RetryAdvice::Never => None,
            _ if tries >= self.worker.deps.config.aftercare_tries => None,
            RetryAdvice::Later { wait, .. } => Some(signed(wait).max(by_backoff)),
            RetryAdvice::Verify => Some(by_backoff),
            RetryAdvice::Reauthorize => {
                match self.worker.refresh(self.account, self.channel, Some(self)).await? {
                    Refreshed::Yes => Some(crate::config::secs(1)),
                    Refreshed::Later(wait) => Some(wait.max(by_backoff)),
                    Refreshed::Young | Refreshed::No => {
                        self.worker.needs_reauth(self.account, &error.to_string()).await?;
                        Some(by_backoff)
                    }
                }
            }
        };
        if let Some(wait) = wait {
            self.again_later(d, wait, round);
            return Ok(());
        }
        let kind = match (d.state, error.kind) {
            (State::Correcting, _) => IncidentKind::CorrectionFailed,
            (_, ErrorKind::Unsupported) => IncidentKind::CannotRetract,
            _ => IncidentKind::RetractFailed,
        };
        self.settled(row, error.to_string(), Some(kind), None, round).await
    }

    async fn settled(
        &self,
        row: &Versioned<Delivery>,
        failure: String,
        kind: Option<IncidentKind>,
        correction: Option<Versioned<Correction>>,
        round: &mut Round,
    ) -> Result<()> {
        let now = self.now();
        let was = row.record.state;
        let incident = kind.map(|kind| self.mover().incident(&row.record, kind, now, &failure));
        let done = correction.map(|mut order| {
            order.record.done_at = Some(now);
            order
        });
        let event = if was == State::Retracting {
            Event::RetractDone { failure }
        } else {
            Event::Corrected { failure }
        };
        let beside = |_: &Delivery, mut changes: Changes| {
            if let Some(incident) = &incident {
                changes = changes.insert(incident);
            }
            if let Some(order) = &done {
                changes = changes.update(&order.record, order.version);
            }
            changes
        };
        let still = |d: &Delivery| d.state == was;
        self.worker.memory().later.remove(&row.record.id);
        match self.mover().make(row, &event, now, still, beside).await? {
            Ok(done) => round.note(&done.record),
            Err(NotMoved::Lost(fresh)) => round.note(&fresh.record),
            Err(NotMoved::Refused(refused)) => {
                tracing::error!(delivery.id = %row.record.id, %refused, "The end of a correction or retraction was refused");
            }
        }
        round.wake_at(now);
        Ok(())
    }

    /// The ordered correction and its post, when it is still approved for this account.
    async fn corrected_post(
        &self,
        d: &Delivery,
    ) -> Result<Result<(Versioned<Correction>, Post), String>> {
        let Some(order) = self.worker.deps.store.read::<Correction>(&d.id.to_string()).await?
        else {
            return Ok(Err("no correction was ordered".into()));
        };
        let post = self.worker.deps.store.read::<Post>(&order.record.post.to_string()).await?;
        let Some(post) = post.map(|post| post.record) else {
            return Ok(Err("the corrected post does not exist".into()));
        };
        let signed = post.approval.as_ref().map(|approval| approval.digest);
        if post.state != PostState::Approved
            || signed != Some(post.digest())
            || post.account != d.account
        {
            return Ok(Err("the corrected post is not approved for this account".into()));
        }
        Ok(Ok((order, post)))
    }

    fn aftercare_gate(&self, d: &Delivery, content: Digest) -> SendGate {
        let now = self.now();
        SendGate {
            clock: self.worker.deps.clock.clone(),
            tenure: self.tenure.clone(),
            fence: self.tenure.lease().map_or(d.fence, |lease| lease.fence),
            send_deadline: now + self.worker.deps.config.send_within(Effect::Idempotent),
            window: (Timestamp::MIN, Timestamp::MAX),
            approved: content,
            content,
            killed: self.worker.kill_switches(self.account),
            effect: Effect::Idempotent,
            opened: AtomicU32::new(0),
        }
    }
}

/// What no request can do, with the reason as records keep it.
fn by_hand(why: Why) -> Error {
    Error::new(ErrorKind::Unsupported, RetryAdvice::Never, why.sentence())
}
