//! What came of a step, and what is committed for it: a ticket, a receipt, a wait, a refusal, or that it is not known.

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Error, ErrorKind, Progress, RetryAdvice};
use loa_model::{
    Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, Receipt,
    delivery::Effect, job::backoff,
};
use loa_store::{Changes, Error as StoreError};
use std::sync::atomic::Ordering;

use crate::{
    Pace, Result, Round,
    chain::{At, Row, same, signed},
    config::secs,
    keeping::{self, Known},
    moves::NotMoved,
    patience::Patience,
    standing::Refreshed,
};

impl At<'_> {
    /// What came of a step, committed.
    pub(crate) async fn answered(
        &self,
        row: Row,
        effect: Effect,
        answer: Option<loa_channel::Result<Progress>>,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        let now = self.now();
        match answer {
            Some(Ok(Progress::Live(receipt))) => Box::pin(self.live(row, receipt, round)).await,
            Some(Ok(Progress::Again { ticket, wait })) => {
                let moved = row.record.state == State::Intent
                    || row.record.ticket.as_ref() != Some(&ticket);
                let row = if moved {
                    let event = Event::Step { ticket };
                    let mut patience = Patience::default();
                    let moved = loop {
                        match self.commit(&row, &event, round, &[]).await {
                            Ok(moved) => break moved,
                            Err(error) => self.worker.bear(&mut patience, error).await?,
                        }
                    };
                    match moved {
                        Some(row) if row.record.state == State::Leased => row,
                        _ => return Ok(None),
                    }
                } else {
                    row
                };
                if wait.is_zero() {
                    return Ok(Some(row));
                }
                let until = now + signed(wait);
                round.wake_at(until);
                let held = secs(self.worker.deps.config.hold_wait_s);
                if signed(wait) <= held && !self.worker.stopping.load(Ordering::Acquire) {
                    // The account's lease may be shorter than the wait: somebody must come by and keep it.
                    round.wake_at(now + self.worker.deps.config.keep_lease_within());
                    let mut memory = self.worker.memory();
                    memory.held.insert(self.account.name.clone(), (row.record.id, until));
                    return Ok(None);
                }
                let reason = "the platform is processing it".to_owned();
                self.end(row, Event::Snooze { until, reason }, round).await
            }
            Some(Err(error)) => self.failed(row, effect, error, round).await,
            None => {
                let message = "no answer within the time limit";
                let error = Error::new(ErrorKind::Unavailable, RetryAdvice::Verify, message);
                self.failed(row, effect, error, round).await
            }
        }
    }

    async fn live(&self, row: Row, receipt: Receipt, round: &mut Round) -> Result<Option<Row>> {
        let now = self.now();
        let mut patience = Patience::default();
        let done = loop {
            match self.keep(&row, &receipt, now).await {
                Ok(done) => break done,
                Err(error) => self.worker.bear(&mut patience, error).await?,
            }
        };
        tracing::info!(
            delivery.id = %done.record.id,
            account = %self.account.name,
            "Published post {} to {}", done.record.post, self.account.name,
        );
        round.note(&done.record);
        round.wake_at(now);
        Ok(None)
    }

    async fn keep(&self, row: &Row, receipt: &Receipt, now: Timestamp) -> Result<Row> {
        let mover = self.mover();
        let event = Event::Live(receipt.clone());
        match mover.make(row, &event, now, same(&row.record), |_, c| c).await? {
            Ok(done) => Ok(done),
            Err(NotMoved::Lost(fresh)) => mover.late_receipt(*fresh, receipt, now).await,
            Err(NotMoved::Refused(refused)) => {
                tracing::error!(delivery.id = %row.record.id, %refused, "A receipt was refused and is kept as an incident");
                mover.late_receipt(row.clone(), receipt, now).await
            }
        }
    }

    /// What a failure means, by its advice and by the effect of the step. Only `Verify` leaves the outcome open.
    async fn failed(
        &self,
        row: Row,
        effect: Effect,
        error: Error,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        let now = self.now();
        let config = &self.worker.deps.config;
        let reason = error.to_string();
        let left = row.record.attempt < row.record.max_attempts;
        let by_backoff = signed(backoff(row.record.attempt.max(1), self.worker.random()))
            .max(ask_again(&row.record, effect, now));
        if error.kind == ErrorKind::Gate {
            // Provably nothing was sent; a moment later the cause is either gone or stops the claim.
            return self.end(row, Event::Snooze { until: now + secs(1), reason }, round).await;
        }
        // A question costs no attempt once the answer may be "live": it is asked again until it is answered.
        let asks_on = effect == Effect::Read && row.record.may_be_live();
        // The platform's word about the content settles it; any other failure does not.
        let refused =
            matches!(error.kind, ErrorKind::Content | ErrorKind::Media) && effect == Effect::Read;
        match error.advice {
            RetryAdvice::Never if row.record.may_be_live() && !refused => {
                let quarantine_until = self.worker.quarantine(None, now);
                self.end(row, Event::Unclear { quarantine_until, reason }, round).await
            }
            RetryAdvice::Never => self.end(row, Event::Reject { reason }, round).await,
            RetryAdvice::Later { wait, scope } => {
                let free = matches!(error.kind, ErrorKind::Throttled | ErrorKind::Quota);
                let until = now + if wait.is_zero() { by_backoff } else { signed(wait) };
                let event = match (free, left) {
                    (true, _) => Event::Snooze { until, reason: reason.clone() },
                    (false, _) if asks_on => Event::Snooze { until, reason: reason.clone() },
                    (false, false) if effect == Effect::Idempotent => {
                        let quarantine_until = self.worker.quarantine(None, now);
                        Event::Unclear { quarantine_until, reason: reason.clone() }
                    }
                    (false, true) => Event::Retry { until, reason: reason.clone(), restart: false },
                    (false, false) => Event::Exhaust { reason: reason.clone() },
                };
                self.end(row, event, round).await?;
                let whose = (self.account, &self.channel.capability().pace);
                let (store, actor) = (&*self.worker.deps.store, self.mover().actor);
                keeping::hold_up(store, &actor, whose, scope, until, &reason).await?;
                round.wake_at(until);
                Ok(None)
            }
            RetryAdvice::Reauthorize => {
                let until =
                    match self.worker.refresh(self.account, self.channel, Some(self)).await? {
                        Refreshed::Yes => now,
                        Refreshed::Later(wait) => now + wait.max(by_backoff),
                        Refreshed::Young | Refreshed::No => {
                            self.worker.needs_reauth(self.account, &reason).await?;
                            now
                        }
                    };
                round.wake_at(until);
                self.end(row, Event::Snooze { until, reason }, round).await
            }
            RetryAdvice::Verify => {
                let open = match effect {
                    Effect::Public => true,
                    // Given up, nobody would look whether it became public.
                    Effect::Idempotent => !left,
                    Effect::Hidden | Effect::Read => false,
                };
                let event = if open {
                    let deadline = row.record.intent.as_ref().map(|intent| intent.send_deadline);
                    Event::Unclear {
                        quarantine_until: self.worker.quarantine(deadline, now),
                        reason,
                    }
                } else if asks_on {
                    round.wake_at(now + by_backoff);
                    Event::Snooze { until: now + by_backoff, reason }
                } else if left || effect == Effect::Read {
                    round.wake_at(now + by_backoff);
                    Event::Retry { until: now + by_backoff, reason, restart: false }
                } else {
                    Event::Exhaust { reason }
                };
                if matches!(event, Event::Unclear { .. }) {
                    tracing::warn!(delivery.id = %row.record.id, account = %self.account.name, quarantine_s = config.quarantine_s, "Outcome of a post is not known");
                }
                self.leave(row, &event, false, round).await
            }
        }
    }

    /// Commits an event after which the delivery is out of our hands.
    pub(crate) async fn end(
        &self,
        row: Row,
        event: Event,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        // Provably refused at the first step of the first attempt: what it reserved is given back in the same commit. What an
        // earlier attempt may have made is paid for.
        let refused = matches!(
            event,
            Event::Snooze { .. }
                | Event::Retry { .. }
                | Event::Reject { .. }
                | Event::Exhaust { .. }
        );
        let d = &row.record;
        let gives_back =
            refused && d.state == State::Intent && d.ticket.is_none() && d.attempt <= 1;
        self.leave(row, &event, gives_back, round).await
    }

    async fn leave(
        &self,
        row: Row,
        event: &Event,
        gives_back: bool,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        let done = loop {
            let back = if gives_back { self.refunds(row.record.id).await? } else { Vec::new() };
            match self.commit(&row, event, round, &back).await {
                Err(crate::Error::Store(StoreError::Conflict { table, .. })) if table == "pace" => {
                }
                done => break done?,
            }
        };
        if let Some(done) = done {
            round.note(&done.record);
            match done.record.state {
                State::Ready => round.wake_at(done.record.not_before.max(self.now())),
                State::Uncertain => {
                    round.wake_at(done.record.quarantine_until.unwrap_or_else(|| self.now()));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// The paces of the account and its app with the units of a post given back.
    async fn refunds(&self, post: DeliveryId) -> Result<Vec<(Known, Pace)>> {
        let rule = &self.channel.capability().pace;
        let (account, app) = self.paces().await?;
        let back = |known: Known| {
            let refunded = known.0.clone().refunded(rule, post);
            (known, refunded)
        };
        Ok(vec![back(account), back(app)])
    }

    async fn commit(
        &self,
        row: &Row,
        event: &Event,
        round: &mut Round,
        paces: &[(Known, Pace)],
    ) -> Result<Option<Row>> {
        let beside = |_: &Delivery, changes: Changes| keeping::put(changes, paces);
        match self.mover().make(row, event, self.now(), same(&row.record), beside).await? {
            Ok(row) => Ok(Some(row)),
            Err(NotMoved::Lost(fresh)) => {
                round.note(&fresh.record);
                Ok(None)
            }
            Err(NotMoved::Refused(refused)) => {
                tracing::error!(delivery.id = %row.record.id, %refused, "A move of a delivery was refused");
                Ok(None)
            }
        }
    }
}

/// Distance of two questions whether a post is live, when they fail: grows with the time since it may be.
fn ask_again(d: &Delivery, effect: Effect, now: Timestamp) -> SignedDuration {
    match d.public_since {
        Some(since) if effect == Effect::Read => (now.duration_since(since) / 10).min(secs(1800)),
        _ => SignedDuration::ZERO,
    }
}
