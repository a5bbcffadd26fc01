//! What time alone does: due, missed, lost.

use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use loa_model::{Delivery, DeliveryEvent as Event, DeliveryState as State};
use loa_store::{AccountLease, Versioned};

use crate::{Result, Round, Worker, config::secs, deps::is_former, gate::Tenure};

/// Moves of the sweep that are under way at the same time.
const TOGETHER: usize = 64;

/// Time between two looks at everything that waits, when that is more than one look takes in.
const ALL_SWEPT_EVERY: SignedDuration = SignedDuration::from_secs(10);

impl Worker {
    /// Scheduled → ready when due; everything unsent past its window → missed.
    pub(crate) async fn sweep(&self, round: &mut Round) -> Result<()> {
        let now = self.deps.clock.now();
        let due = self.state_rows(State::Scheduled, Some(now)).await?;
        let spread = self.spread(&due, now).await?;
        let moves = due.into_iter().map(|row| {
            let event = match spread.get(&row.record.id) {
                _ if now > row.record.not_after => Event::Expire,
                Some(until) => Event::Spread { until: *until },
                None => Event::Due,
            };
            (row, event)
        });
        self.step_aside_all(moves, round).await?;
        for state in [State::Ready, State::Held] {
            self.expire(state, now, round).await?;
        }
        if let Some(next) = self.first_rows(State::Scheduled, None, 1).await?.first() {
            round.wake_at(next.record.due_at.max(next.record.not_before).max(now));
        }
        Ok(())
    }

    /// Unsent past its window → missed. When more wait than one look takes in, all of them are looked at now and then: nothing
    /// stays behind what a pause holds up.
    async fn expire(&self, state: State, now: Timestamp, round: &mut Round) -> Result<()> {
        let batch = self.deps.config.batch;
        let mut rows = self.state_rows(state, None).await?;
        if rows.len() >= batch {
            let next = self.memory().all_swept_at.get(&state).map(|at| *at + ALL_SWEPT_EVERY);
            if let Some(next) = next.filter(|next| now < *next) {
                round.wake_at(next);
            } else {
                self.memory().all_swept_at.insert(state, now);
                while let Some(last) = rows.last().filter(|_| rows.len() % batch == 0) {
                    let more = self.rows_after(&last.record, batch).await?;
                    if more.is_empty() {
                        break;
                    }
                    rows.extend(more);
                }
            }
        }
        // What may be live goes on until that is known: nothing of it is sent any more.
        let late = |d: &Delivery| now > d.not_after && !d.may_be_live();
        let moves = rows.into_iter().filter(|row| late(&row.record));
        self.step_aside_all(moves.map(|row| (row, Event::Expire)), round).await
    }

    /// Makes moves that wait for nobody many at a time: they share the syncs of the store.
    async fn step_aside_all(
        &self,
        moves: impl Iterator<Item = (Versioned<Delivery>, Event)>,
        round: &mut Round,
    ) -> Result<()> {
        let moves = moves.map(|(row, event)| async move {
            let mut part = Round::default();
            self.step_aside(&row, event, &mut part).await.map(|()| part)
        });
        let mut made = futures::stream::iter(moves).buffered(TOGETHER);
        while let Some(part) = made.next().await {
            round.merge(part?);
        }
        Ok(())
    }

    /// At the first round: leases of earlier starts of this worker's place are lost, their owners are gone.
    pub(crate) async fn recover_former(&self, round: &mut Round) -> Result<()> {
        for state in [State::Leased, State::Intent] {
            for row in self.state_rows(state, None).await? {
                let Some(lease) = row.record.lease.clone() else { continue };
                if !is_former(&lease.owner, &self.deps.owner) {
                    continue;
                }
                self.lose(&row, round).await?;
                self.give_back(&AccountLease {
                    account: row.record.account.to_string(),
                    owner: lease.owner,
                    fence: lease.fence,
                    until: lease.until,
                })
                .await?;
            }
        }
        Ok(())
    }

    /// We own the account and do not work on this delivery: whoever did has lost it.
    pub(crate) async fn recover(
        &self,
        row: &Versioned<Delivery>,
        tenure: &Tenure,
        round: &mut Round,
    ) -> Result<()> {
        let lease = row.record.lease.as_ref();
        let ours = tenure.lease().map_or(0, |held| held.fence);
        // A claim under a newer fence than ours means that we are the ones who lost the account.
        if lease.is_some_and(|lease| lease.fence > ours) {
            return Ok(());
        }
        self.lose(row, round).await
    }

    async fn lose(&self, row: &Versioned<Delivery>, round: &mut Round) -> Result<()> {
        let now = self.deps.clock.now();
        let quarantine_until =
            self.quarantine(row.record.intent.as_ref().map(|i| i.send_deadline), now);
        self.step_aside(row, Event::LeaseLost { quarantine_until }, round).await?;
        round.wake_at(now);
        Ok(())
    }

    /// First instant at which a read-back can be trusted: what was under way has arrived and is listed.
    pub(crate) fn quarantine(&self, send_deadline: Option<Timestamp>, now: Timestamp) -> Timestamp {
        send_deadline.map_or(now, |deadline| deadline.max(now))
            + secs(self.deps.config.quarantine_s)
    }
}
