//! One move of a delivery and everything that must be written beside it in the same commit.

use jiff::Timestamp;
use loa_model::{
    AccountName, Actor, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, Ids,
    Job, JobKind, Receipt,
    delivery::{Effect, EventKind, Refused},
    record::time_key,
};
use loa_store::{Changes, Error as StoreError, Seq, Store, StoreExt as _, Versioned};

use crate::{Config, Incident, IncidentKind, Result, config::secs};

/// Makes moves: who moves, when, and what follows from it.
pub(crate) struct Mover<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) ids: &'a Ids,
    pub(crate) actor: Actor,
    pub(crate) config: &'a Config,
    /// Whether the channel can take a post back.
    pub(crate) deletable: bool,
}

/// Why a move was not made.
#[derive(Debug)]
pub(crate) enum NotMoved {
    /// The record has moved on under somebody else's hand: this is what it is now.
    Lost(Box<Versioned<Delivery>>),
    /// The state machine refuses it.
    Refused(Refused),
}

impl Mover<'_> {
    /// The changes of `event` on `before` and the delivery after it.
    pub(crate) fn changes(
        &self,
        before: &Versioned<Delivery>,
        event: Event,
        now: Timestamp,
    ) -> Result<(Delivery, Changes), Refused> {
        let event = self.in_doubt(&before.record, event, now);
        let kind = event.kind();
        let mut next = before.record.apply(event, now)?;
        let mut incidents = Vec::new();
        let mut jobs = Vec::new();
        // The word of a person stands when nothing was found.
        let by_word = kind == EventKind::Absent && next.state == State::Published;
        if by_word || matches!(kind, EventKind::Live | EventKind::Found | EventKind::ConfirmLive) {
            let work = JobKind::Measure { post: next.post, step: 0 };
            let at = now + secs(self.config.first_measure_s);
            jobs.push(Job::new(self.ids.make(), &next.agency, work, at));
        }
        // A wish to call off that came while the outcome was open is obeyed as soon as it is known.
        if next.cancel_requested {
            let reason =
                if next.reason.is_empty() { "called off".into() } else { next.reason.clone() };
            match next.state {
                State::Ready | State::Leased if next.may_be_live() => {}
                State::Ready | State::Leased => next = next.apply(Event::Cancel { reason }, now)?,
                State::Published if jobs.is_empty() => {}
                State::Published if self.deletable && next.has_remote_id() => {
                    next = next.apply(
                        Event::Retract { reason: "called off while it was sent".into() },
                        now,
                    )?;
                }
                State::Published => {
                    incidents.push(self.incident(
                        &next,
                        IncidentKind::CannotRetract,
                        now,
                        "called off while it was sent",
                    ));
                }
                _ => {}
            }
        }
        let what = format!("delivery {} {}", before.record.state.name(), kind_name(kind));
        let mut changes = Changes::by(self.actor.clone(), what).update(&next, before.version);
        for incident in &incidents {
            changes = changes.insert(incident);
        }
        for job in jobs {
            changes = changes.enqueue(job);
        }
        Ok((next, changes))
    }

    /// A post that shall not be live is not called off while making it public may have worked: that is found out first. So
    /// it is with one that the worker would put aside.
    fn in_doubt(&self, before: &Delivery, event: Event, now: Timestamp) -> Event {
        let making_public =
            before.intent.as_ref().is_some_and(|intent| intent.effect == Effect::Idempotent);
        match event {
            Event::Retry { reason, .. } if before.cancel_requested && making_public => {
                let quarantine_until = now + secs(self.config.quarantine_s);
                Event::Unclear { quarantine_until, reason }
            }
            Event::Expire | Event::Hold { .. } | Event::Exhaust { .. }
                if before.may_be_live()
                    && matches!(before.state, State::Leased | State::Intent)
                    && matches!(self.actor, Actor::Worker(_)) =>
            {
                let quarantine_until = now + secs(self.config.quarantine_s);
                let reason = match event {
                    Event::Hold { reason } | Event::Exhaust { reason } => reason,
                    _ => "the time window passed before it was live".to_owned(),
                };
                Event::Unclear { quarantine_until, reason }
            }
            event => event,
        }
    }

    /// An incident for a delivery that is called off while it may be live: a person looks, besides what follows by itself.
    pub(crate) fn doubt(&self, d: &Delivery, now: Timestamp) -> Option<Incident> {
        let waits = matches!(d.state, State::Ready | State::Leased | State::Held);
        (waits && d.may_be_live())
            .then(|| self.incident(d, IncidentKind::MayBeLive, now, &d.reason))
    }

    /// Commits `event`; when somebody else wrote in between, reads again and tries anew while `ours` still holds.
    pub(crate) async fn make(
        &self,
        before: &Versioned<Delivery>,
        event: &Event,
        now: Timestamp,
        ours: impl Fn(&Delivery) -> bool,
        beside: impl Fn(&Delivery, Changes) -> Changes,
    ) -> Result<Result<Versioned<Delivery>, NotMoved>> {
        let mut current = before.clone();
        loop {
            let (next, changes) = match self.changes(&current, event.clone(), now) {
                Ok(moved) => moved,
                Err(refused) => return Ok(Err(NotMoved::Refused(refused))),
            };
            match self.store.commit(beside(&next, changes)).await {
                Ok(version) => return Ok(Ok(Versioned { record: next, version })),
                Err(StoreError::Conflict { table, key }) => {
                    let Some(fresh) = self.read(current.record.id).await? else {
                        return Err(StoreError::Conflict { table, key }.into());
                    };
                    if fresh.version == current.version {
                        // Another row of the commit moved: the caller reads that one again.
                        return Err(StoreError::Conflict { table, key }.into());
                    }
                    if !ours(&fresh.record) {
                        return Ok(Err(NotMoved::Lost(Box::new(fresh))));
                    }
                    current = fresh;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn read(&self, id: DeliveryId) -> Result<Option<Versioned<Delivery>>> {
        Ok(self.store.read::<Delivery>(&id.to_string()).await?)
    }

    pub(crate) fn incident(
        &self,
        delivery: &Delivery,
        kind: IncidentKind,
        at: Timestamp,
        detail: &str,
    ) -> Incident {
        Incident {
            id: format!("{}-{}", time_key(at), self.ids.token(8)),
            agency: delivery.agency.clone(),
            kind,
            account: Some(delivery.account.clone()),
            delivery: Some(delivery.id),
            job: None,
            remote_ids: delivery.receipt.iter().map(|r| r.remote_id.clone()).collect(),
            detail: detail.to_owned(),
            at,
            closed: None,
        }
    }

    /// An incident about a whole account.
    pub(crate) fn account_incident(
        &self,
        agency: &str,
        account: &AccountName,
        kind: IncidentKind,
        at: Timestamp,
        detail: &str,
    ) -> Incident {
        Incident {
            id: format!("{}-{}", time_key(at), self.ids.token(8)),
            agency: agency.to_owned(),
            kind,
            account: Some(account.clone()),
            delivery: None,
            job: None,
            remote_ids: Vec::new(),
            detail: detail.to_owned(),
            at,
            closed: None,
        }
    }

    /// A receipt whose intent was taken away meanwhile is evidence: it settles an unclear outcome, else a person looks.
    pub(crate) async fn late_receipt(
        &self,
        mut now_is: Versioned<Delivery>,
        receipt: &Receipt,
        now: Timestamp,
    ) -> Result<Versioned<Delivery>> {
        loop {
            if now_is.record.state == State::Uncertain {
                let event = Event::Found(receipt.clone());
                let still = |d: &Delivery| d.state == State::Uncertain;
                match self.make(&now_is, &event, now, still, |_, c| c).await? {
                    Ok(done) => return Ok(done),
                    Err(NotMoved::Lost(fresh)) => {
                        now_is = *fresh;
                        continue;
                    }
                    Err(NotMoved::Refused(_)) => {}
                }
            }
            let known =
                now_is.record.receipt.as_ref().is_some_and(|r| r.remote_id == receipt.remote_id);
            if !known {
                let mut incident = self.incident(
                    &now_is.record,
                    IncidentKind::LateReceipt,
                    now,
                    "receipt after the lease was lost",
                );
                incident.remote_ids.push(receipt.remote_id.clone());
                self.commit_incident(&incident).await?;
            }
            return Ok(now_is);
        }
    }

    pub(crate) async fn commit_incident(&self, incident: &Incident) -> Result<Seq> {
        let changes = Changes::by(self.actor.clone(), "report incident").insert(incident);
        Ok(self.store.commit(changes).await?)
    }
}

fn kind_name(kind: EventKind) -> String {
    // Camel case of the event as words: `LeaseLost` is `lease lost` in the audit log.
    let mut words = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}
