//! One delivery under the account's lease: claim, intent, one request, receipt; step after step.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Channel, Cx, Error, ErrorKind, Outgoing, Progress, RetryAdvice, To};
use loa_model::{
    Account, AccountStatus, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State,
    Intent, Post, PostState, Priority, Receipt, Secret, delivery::Effect, job::backoff,
};
use loa_store::{Changes, Error as StoreError, Expect, StoreExt as _, Versioned};

use crate::{
    Pace, Result, Round, Worker,
    config::secs,
    gate::{SendGate, Tenure},
    moves::{Mover, NotMoved},
    pacing::{self, Verdict, Wait},
    standing::{Refreshed, app_key},
};

/// Steps of one chain in one round: more is an adapter that never ends.
const MOST_STEPS: u32 = 200;

/// How a delivery used its account's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It was worked on.
    Used,
    /// It could not go; another one may.
    Skipped,
    /// No delivery of the account can go now.
    Blocked,
}

/// The place of work: one account under its lease.
pub(crate) struct At<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) account: &'a Account,
    pub(crate) channel: &'a dyn Channel,
    pub(crate) tenure: &'a Tenure,
}

type Row = Versioned<Delivery>;

impl At<'_> {
    /// Claims a ready delivery and walks its chain.
    pub(crate) async fn begin(&self, row: &Row, round: &mut Round) -> Result<Turn> {
        let now = self.now();
        if row.record.cancel_requested && !row.record.may_be_live() {
            let reason = row.record.reason.clone();
            self.worker.step_aside(row, Event::Cancel { reason }, round).await?;
            return Ok(Turn::Skipped);
        }
        let (account, app) = self.paces().await?;
        match self.ask(&row.record, &account.0, &app.0, now) {
            Verdict::Go(_) => {}
            Verdict::Later { until, why } => {
                round.wake_at(until);
                return Ok(if why == Wait::Platform { Turn::Blocked } else { Turn::Skipped });
            }
        }
        let Some(lease) = self.tenure.lease() else { return Ok(Turn::Blocked) };
        let claim = Event::Claim {
            owner: self.worker.deps.owner.clone(),
            fence: lease.fence,
            until: now + secs(self.worker.deps.config.delivery_lease_s),
        };
        match self.mover().make(row, &claim, now, |_| false, |_, c| c).await? {
            Ok(row) => {
                self.walk(row, round).await?;
                Ok(Turn::Used)
            }
            Err(NotMoved::Lost(_)) => {
                round.wake_at(now);
                Ok(Turn::Skipped)
            }
            Err(NotMoved::Refused(refused)) => {
                tracing::debug!(delivery.id = %row.record.id, %refused, "Claim refused");
                Ok(Turn::Skipped)
            }
        }
    }

    /// Goes on with a chain that waited under the lease.
    pub(crate) async fn resume(&self, id: DeliveryId, round: &mut Round) -> Result<()> {
        let Some(row) = self.mover().read(id).await? else { return Ok(()) };
        let fence = self.tenure.lease().map_or(0, |lease| lease.fence);
        if row.record.state == State::Leased
            && row.record.lease.as_ref().is_some_and(|l| l.fence == fence)
        {
            self.walk(row, round).await?;
        }
        Ok(())
    }

    async fn walk(&self, mut row: Row, round: &mut Round) -> Result<()> {
        for _ in 0..MOST_STEPS {
            match self.step(row, round).await? {
                Some(next) => row = next,
                None => return Ok(()),
            }
        }
        tracing::warn!(account = %self.account.name, "A chain did not end within {MOST_STEPS} steps and goes on next round");
        Ok(())
    }

    /// One step; the row to go on with, or nothing when the delivery is out of our hands for now.
    async fn step(&self, row: Row, round: &mut Round) -> Result<Option<Row>> {
        let now = self.now();
        let d = &row.record;
        let fence = d.fence;
        if !self.tenure.holds(fence, now) {
            return Ok(None);
        }
        let snooze = |until, reason: &str| Event::Snooze { until, reason: reason.to_owned() };
        if now > d.not_after && !d.may_be_live() {
            return self.end(row, Event::Expire, round).await;
        }
        // Switches may be thrown in the middle of a round.
        self.worker.read_kill_switches().await?;
        if self.worker.is_killed(self.account) {
            return self.end(row, snooze(now, "the kill switch is on"), round).await;
        }
        if let Some(why) = self.paused().await? {
            return self.end(row, snooze(now, why), round).await;
        }
        if self.worker.stopping.load(Ordering::Acquire) {
            return self.end(row, snooze(now, "handed back at shutdown"), round).await;
        }
        let post =
            self.worker.deps.store.read::<Post>(&d.post.to_string()).await?.map(|p| p.record);
        let post = match self.allowed(d, post, now) {
            Ok(post) => post,
            Err(event) => return self.end(row, event, round).await,
        };
        let Some(secret) = self.worker.deps.secrets.get(&self.account.name).await? else {
            self.worker
                .needs_reauth(self.account, "no credentials are kept for this account")
                .await?;
            return self.end(row, snooze(now, "waits for credentials"), round).await;
        };
        let effect = self.channel.effect(&post.content, d.ticket.as_ref());
        let timeout = self.worker.deps.config.timeout(effect);
        let over = d.lease.as_ref().is_none_or(|l| l.until < now + signed(timeout));
        if over {
            return self
                .end(row, snooze(now, "the lease is too short for the next step"), round)
                .await;
        }
        let row = if effect == Effect::Read {
            row
        } else {
            match self.intend(row, &post, effect, round).await? {
                Some(row) => row,
                None => return Ok(None),
            }
        };
        let d = &row.record;
        let now = self.now();
        let gate = SendGate {
            clock: self.worker.deps.clock.clone(),
            tenure: self.tenure.clone(),
            fence,
            send_deadline: d.intent.as_ref().map_or(now, |intent| intent.send_deadline),
            window: window_of(&post, d),
            approved: d.digest,
            content: post.digest(),
            killed: self.worker.kill_switches(self.account),
            effect,
            opened: AtomicU32::new(0),
        };
        let outgoing = Outgoing {
            delivery: d.id,
            marker: &d.marker,
            content: &post.content,
            since: d.sending_since.unwrap_or(now),
        };
        let cx = self.cx(&gate);
        let to = To { account: self.account, secret: &secret };
        let sent = self.channel.advance(&cx, to, outgoing, d.ticket.clone());
        let mut answer = self.guarded(timeout, sent).await;
        if gate.may_have_shown()
            && matches!(&answer, Some(Err(error)) if error.kind == ErrorKind::Gate)
        {
            // It shut for a second request of this intent: the outcome of the first is not known.
            let message = "the gate shut after a request had left";
            answer = Some(Err(Error::new(ErrorKind::Internal, RetryAdvice::Verify, message)));
        }
        self.answered(row, effect, answer, round).await
    }

    /// The post for the next step, or what to do with its delivery instead. What may be live is only looked at when its
    /// window, its approval or a person forbids more; after that its outcome is unclear.
    fn allowed(&self, d: &Delivery, post: Option<Post>, now: Timestamp) -> Result<Post, Event> {
        let Some(since) = d.public_since else { return checked(d, post, now) };
        let late = now > d.not_after;
        let given_up = late && now > since + secs(self.worker.deps.config.settle_s);
        if !given_up
            && let Some(post) = &post
            && self.channel.effect(&post.content, d.ticket.as_ref()) == Effect::Read
        {
            return Ok(post.clone());
        }
        if late {
            return Err(Event::Expire);
        }
        if d.cancel_requested {
            return Err(Event::Hold { reason: d.reason.clone() });
        }
        checked(d, post, now)
    }

    /// Commits the intent together with the pace it spends.
    async fn intend(
        &self,
        row: Row,
        post: &Post,
        effect: Effect,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        let counted = row.record.lease.as_ref().is_some_and(|lease| lease.counted);
        if !counted && row.record.attempt >= row.record.max_attempts {
            let reason = format!("no attempt left: {}", row.record.reason);
            return self.end(row, Event::Exhaust { reason }, round).await;
        }
        loop {
            let now = self.now();
            let d = &row.record;
            let (account, app) = self.paces().await?;
            let pace = match self.ask(d, &account.0, &app.0, now) {
                // A chain that goes on has paid already.
                _ if counted && !begins(d) => None,
                Verdict::Go(pace) => (pace != account.0).then_some((pace, account.1)),
                Verdict::Later { until, why } => {
                    let event =
                        Event::Snooze { until, reason: format!("waits for its turn: {why:?}") };
                    return self.end(row, event, round).await;
                }
            };
            let intent = Intent {
                step: d.ticket.as_ref().map_or_else(|| "start".to_owned(), |t| t.step.clone()),
                effect,
                digest: post.digest(),
                fence: d.fence,
                at: now,
                send_deadline: now + self.worker.deps.config.send_within(effect),
            };
            let beside = |_: &Delivery, changes: Changes| match &pace {
                Some((pace, expect)) => changes.put(pace, *expect),
                None => changes,
            };
            match self.mover().make(&row, &Event::Intend(intent), now, same(d), beside).await {
                Ok(Ok(row)) => return Ok(Some(row)),
                Ok(Err(NotMoved::Lost(fresh))) => {
                    round.note(&fresh.record);
                    return Ok(None);
                }
                Ok(Err(NotMoved::Refused(refused))) => {
                    let event = Event::Hold { reason: refused.to_string() };
                    return self.end(row, event, round).await;
                }
                Err(crate::Error::Store(StoreError::Conflict { table, .. })) if table == "pace" => {
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What came of a step, committed.
    async fn answered(
        &self,
        row: Row,
        effect: Effect,
        answer: Option<loa_channel::Result<Progress>>,
        round: &mut Round,
    ) -> Result<Option<Row>> {
        let now = self.now();
        match answer {
            Some(Ok(Progress::Live(receipt))) => self.live(row, receipt, round).await,
            Some(Ok(Progress::Again { ticket, wait })) => {
                let moved = row.record.state == State::Intent
                    || row.record.ticket.as_ref() != Some(&ticket);
                let row = if moved {
                    match self.commit(&row, &Event::Step { ticket }, round, None).await? {
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
        let event = Event::Live(receipt.clone());
        let done = match self.mover().make(&row, &event, now, same(&row.record), |_, c| c).await? {
            Ok(done) => done,
            Err(NotMoved::Lost(fresh)) => self.mover().late_receipt(*fresh, &receipt, now).await?,
            Err(NotMoved::Refused(refused)) => {
                tracing::error!(delivery.id = %row.record.id, %refused, "A receipt was refused and is kept as an incident");
                self.mover().late_receipt(row, &receipt, now).await?
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
                self.worker.hold_up(self.account, scope, until, &reason).await?;
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
                self.end(row, event, round).await
            }
        }
    }

    /// Commits an event after which the delivery is out of our hands.
    async fn end(&self, row: Row, event: Event, round: &mut Round) -> Result<Option<Row>> {
        // Provably refused at the first step: the day's budget is given back in the same commit.
        let refused = matches!(
            event,
            Event::Snooze { .. }
                | Event::Retry { .. }
                | Event::Reject { .. }
                | Event::Exhaust { .. }
        );
        let pace = if refused && row.record.state == State::Intent && row.record.ticket.is_none() {
            let (pace, expect) = self.paces().await?.0;
            pace.spent
                .contains(&row.record.id)
                .then(|| (pacing::refund(pace, row.record.id), expect))
        } else {
            None
        };
        if let Some(done) = self.commit(&row, &event, round, pace).await? {
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

    async fn commit(
        &self,
        row: &Row,
        event: &Event,
        round: &mut Round,
        pace: Option<(Pace, Expect)>,
    ) -> Result<Option<Row>> {
        let beside = |_: &Delivery, changes: Changes| match &pace {
            Some((pace, expect)) => changes.put(pace, *expect),
            None => changes,
        };
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

    fn ask(&self, d: &Delivery, account: &Pace, app: &Pace, now: Timestamp) -> Verdict {
        let ask = pacing::Ask {
            delivery: d.id,
            // Nobody is disturbed by a question after a post that may be live.
            priority: if d.may_be_live() { Priority::Urgent } else { d.priority },
            account,
            app,
            rule: &self.channel.capability().pace,
            begins: begins(d),
        };
        pacing::ask(&ask, &self.worker.deps.config, now)
    }

    async fn paces(&self) -> Result<((Pace, Expect), (Pace, Expect))> {
        let account = self.worker.pace(self.account.name.as_str()).await?;
        let app = self.worker.pace(&app_key(self.account)).await?;
        Ok((account, app))
    }

    /// Why the account posts nothing, read anew: people pause it in the middle of a chain.
    async fn paused(&self) -> Result<Option<&'static str>> {
        let account = self.worker.deps.store.read::<Account>(self.account.name.as_str()).await?;
        Ok(match account.map(|kept| kept.record.status) {
            Some(AccountStatus::Active) => None,
            Some(AccountStatus::Paused { .. }) => Some("the account is paused"),
            Some(AccountStatus::NeedsReauth { .. }) => Some("waits for credentials"),
            None => Some("the account is not set up"),
        })
    }

    pub(crate) fn cx<'c>(&'c self, gate: &'c dyn loa_model::Gate) -> Cx<'c> {
        let deps = &self.worker.deps;
        Cx { clock: &*deps.clock, blobs: &*deps.blobs, media: &*deps.media, gate }
    }

    pub(crate) fn mover(&self) -> Mover<'_> {
        self.worker.mover(self.channel.capability().delete)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.worker.deps.clock.now()
    }

    pub(crate) async fn secret(&self) -> Result<Option<Secret>> {
        Ok(self.worker.deps.secrets.get(&self.account.name).await?)
    }
}

/// Whether the next effect is the first of its chain: that one spends the pace.
fn begins(d: &Delivery) -> bool {
    d.ticket.is_none() || d.sending_since.is_none()
}

/// The delivery is still the one we hold: same lease, same intent.
fn same(before: &Delivery) -> impl Fn(&Delivery) -> bool + use<> {
    let (lease, intent) = (before.lease.clone(), before.intent.clone());
    move |now: &Delivery| lease.is_some() && now.lease == lease && now.intent == intent
}

/// Distance of two questions whether a post is live, when they fail: grows with the time since it may be.
fn ask_again(d: &Delivery, effect: Effect, now: Timestamp) -> SignedDuration {
    match d.public_since {
        Some(since) if effect == Effect::Read => (now.duration_since(since) / 10).min(secs(1800)),
        _ => SignedDuration::ZERO,
    }
}

/// The post as approved, or what to do with its delivery instead.
fn checked(d: &Delivery, post: Option<Post>, now: Timestamp) -> Result<Post, Event> {
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

fn window_of(post: &Post, d: &Delivery) -> (Timestamp, Timestamp) {
    match &post.approval {
        Some(approval) => (approval.not_before, approval.not_after.min(d.not_after)),
        None => (Timestamp::MAX, Timestamp::MIN),
    }
}

/// Waits come from platforms: an absurd one counts as a day.
pub(crate) fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait.min(Duration::from_hours(24 * 400)))
        .unwrap_or(SignedDuration::from_hours(24))
}
