//! What is known around deliveries and jobs, and which of them nobody takes although nothing holds them back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountName, Capability, Delivery, DeliveryId, DeliveryState as State, JobId,
    JobState, Plan, Post, Shape, Timetable,
    record::{join, time_key},
};
use loa_store::{StoreExt as _, Versioned};

use crate::{
    Desk, KillSwitch, Pace,
    chain::place,
    desk::Result,
    errand::{LOOKS, nothing},
    keeping::{app_key, pace},
    pacing::Wait,
    waiting::{Around, Waits, job_waits, may_go, waits},
    worker::behind,
};

/// States from which something must move a delivery on.
const OPEN: [State; 8] = [
    State::Scheduled,
    State::Ready,
    State::Leased,
    State::Intent,
    State::Uncertain,
    State::Held,
    State::Correcting,
    State::Retracting,
];
/// Jobs looked at.
const MOST_JOBS: usize = 10_000;

/// A delivery or a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A delivery.
    Delivery(DeliveryId),
    /// A job.
    Job(JobId),
}

/// Something whose time has come, which nothing holds back, and which nobody takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// What.
    pub subject: Subject,
    /// Agency (tenant).
    pub agency: String,
    /// Account of a delivery.
    pub account: Option<AccountName>,
    /// Its deadline.
    pub since: Timestamp,
}

/// What is known around the deliveries of one account.
struct Facts {
    account: Option<Account>,
    capability: Option<Capability>,
    switch: Option<KillSwitch>,
    pace: Pace,
    app: Pace,
    plan: Option<Plan>,
    /// Worked on now.
    busy: Option<DeliveryId>,
    /// The ready one that goes first.
    first: Option<DeliveryId>,
}

impl Facts {
    fn around(&self, d: &Delivery) -> Around<'_> {
        let first = self.first.filter(|_| d.state == State::Ready);
        Around {
            account: self.account.as_ref(),
            capability: self.capability.as_ref(),
            switch: self.switch.as_ref(),
            pace: &self.pace,
            app: &self.app,
            plan: self.plan.as_ref(),
            ahead: self.busy.or(first),
        }
    }
}

impl Desk {
    /// What a delivery waits for, for the person who looks at it.
    ///
    /// # Errors
    /// [`crate::DeskError::Store`].
    pub async fn waits(&self, d: &Delivery) -> Result<Waits> {
        let now = self.clock.now();
        let facts = self.facts(&d.account, &d.agency, &self.switches().await?, now).await?;
        Ok(waits(d, &self.shape(d).await?, &facts.around(d), &self.config, now))
    }

    /// Everything that should have moved `by` ago and has not.
    ///
    /// # Errors
    /// [`crate::DeskError::Store`].
    pub async fn overdue(&self, by: SignedDuration) -> Result<Vec<Overdue>> {
        let now = self.clock.now();
        let switches = self.switches().await?;
        let mut around: BTreeMap<AccountName, Facts> = BTreeMap::new();
        let mut found = Vec::new();
        for state in OPEN {
            let mut from = join(&[state.name(), ""]);
            // A step may be over long before its lease, and a window before what holds a post back; of all others the index
            // knows when they wake.
            let to = match state {
                State::Ready | State::Held | State::Leased | State::Intent => {
                    format!("{from}\u{10ffff}")
                }
                _ => format!("{from}{}\u{10ffff}", time_key(now - by)),
            };
            loop {
                let most = self.config.batch;
                let rows = self.store.range("delivery_by_state", &from, &to, most, false).await?;
                for row in &rows {
                    let Versioned { record: d, .. } = row.read::<Delivery>()?;
                    if !around.contains_key(&d.account) {
                        let facts = self.facts(&d.account, &d.agency, &switches, now).await?;
                        around.insert(d.account.clone(), facts);
                    }
                    let facts = &around[&d.account];
                    let shape = self.shape(&d).await?;
                    let waits = waits(&d, &shape, &facts.around(&d), &self.config, now);
                    if let Waits::Worker { since } = waits
                        && since <= now - by
                    {
                        found.push(Overdue {
                            subject: Subject::Delivery(d.id),
                            agency: d.agency.clone(),
                            account: Some(d.account.clone()),
                            since,
                        });
                    }
                    from = behind(&d);
                }
                if rows.len() < most {
                    break;
                }
            }
        }
        found.extend(self.overdue_jobs(by, now).await?);
        Ok(found)
    }

    async fn overdue_jobs(&self, by: SignedDuration, now: Timestamp) -> Result<Vec<Overdue>> {
        let running = self.store.jobs(Some(JobState::Executing), MOST_JOBS).await?;
        let moving: BTreeSet<_> = running.iter().map(|view| view.job.work.lane()).collect();
        let waiting = self.store.jobs(Some(JobState::Available), MOST_JOBS).await?;
        let found = waiting.iter().filter_map(|view| {
            let waits = job_waits(view, moving.contains(&view.job.work.lane()), now);
            let Waits::Worker { since } = waits else { return None };
            (since <= now - by).then(|| Overdue {
                subject: Subject::Job(view.job.id),
                agency: view.job.agency.clone(),
                account: None,
                since,
            })
        });
        Ok(found.collect())
    }

    async fn facts(
        &self,
        name: &AccountName,
        agency: &str,
        switches: &[KillSwitch],
        now: Timestamp,
    ) -> Result<Facts> {
        let store = &*self.store;
        let account = self.store.read::<Account>(name.as_str()).await?.map(|kept| kept.record);
        let capability = self.channels.get(name.channel()).map(|c| c.capability().clone());
        let app = match (&account, &capability) {
            (Some(account), Some(capability)) => {
                pace(store, &app_key(account, &capability.pace)).await?.0
            }
            _ => Pace::new(""),
        };
        let agency = account.as_ref().map_or(agency, |account| &account.agency);
        let plan = self.store.read::<Timetable>(name.as_str()).await?;
        let mut busy = None;
        for state in [State::Leased, State::Intent] {
            let of = self.of_account(name, state).await?;
            let held = |d: &Delivery| d.lease.as_ref().is_some_and(|lease| now < lease.until);
            busy = busy.or_else(|| of.into_iter().find(held).map(|d| d.id));
        }
        let mut facts = Facts {
            switch: switches.iter().find(|switch| switch.covers(agency, name)).cloned(),
            pace: pace(store, name.as_str()).await?.0,
            plan: plan.map(|timetable| timetable.record.plan),
            app,
            capability,
            account,
            busy,
            first: None,
        };
        facts.first = self.first(name, &facts, now).await?;
        Ok(facts)
    }

    /// The ready delivery of an account that the worker would take: while allowances of some are spent, the first of the
    /// others.
    async fn first(
        &self,
        name: &AccountName,
        facts: &Facts,
        now: Timestamp,
    ) -> Result<Option<DeliveryId>> {
        let mut ready = self.of_account(name, State::Ready).await?;
        ready.retain(|d| d.not_before <= now);
        ready.sort_by_cached_key(|d| place(d, now, &self.config));
        for d in ready.iter().take(LOOKS) {
            let shape = self.shape(d).await?;
            match may_go(d, &shape, &facts.around(d), &self.config, now) {
                Ok(()) => return Ok(Some(d.id)),
                Err(held) if held.why == Wait::Budget => {}
                Err(_) => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn of_account(&self, name: &AccountName, state: State) -> Result<Vec<Delivery>> {
        let prefix = join(&[name.as_str(), state.name(), ""]);
        let rows =
            self.store.list::<Delivery>("delivery_by_account", &prefix, self.config.batch).await?;
        Ok(rows.into_iter().map(|kept| kept.record).collect())
    }

    /// What the post of a delivery is made of, where its pace asks for it.
    async fn shape(&self, d: &Delivery) -> Result<Shape> {
        if d.state != State::Ready {
            return Ok(nothing());
        }
        let post = self.store.read::<Post>(&d.post.to_string()).await?;
        Ok(post.map_or_else(nothing, |post| post.record.content.shape()))
    }
}
