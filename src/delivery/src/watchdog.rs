//! The watchdog: nothing whose time has come stays longer than a minute without an alarm, whatever became of the workers, and
//! what kills them is told. It runs beside them, not in them, and owns nothing but its memory of the last looks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Delivery, DeliveryState as State, JobState, Why,
    record::{join, time_key},
};
use loa_store::{Changes, Error as StoreError, JobView, StoreExt as _};

use crate::{
    Desk, Incident, IncidentKind,
    desk::DeskError,
    overdue::{Overdue, Subject},
};

/// Distance of two looks. With [`GRACE`] every alarm is raised within a minute of the deadline.
const EVERY: Duration = Duration::from_secs(10);
/// Time a worker has to take what is due. It counts from the first look that saw nothing hold it back: a pause that was just
/// lifted is no alarm.
const GRACE: SignedDuration = SignedDuration::from_secs(40);
/// Dead letters looked at for poison.
const MOST_DEAD: usize = 1000;
/// Held deliveries looked at for poison.
const MOST_HELD: usize = 10_000;

/// Looks after everything that waits.
pub struct Watchdog {
    desk: Desk,
    /// What was overdue at the last look, with the first look in a row that saw it so.
    seen: Mutex<BTreeMap<(Subject, Timestamp), Timestamp>>,
}

impl Watchdog {
    /// A watchdog that has seen nothing yet.
    pub fn new(desk: Desk) -> Self {
        Self { desk, seen: Mutex::default() }
    }

    /// Looks again and again until `stop` turns true.
    pub async fn run(&self, mut stop: tokio::sync::watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.look().await {
                tracing::error!(%error, "The watchdog cannot see: it looks again");
            }
            tokio::select! {
                () = self.desk.clock.sleep(EVERY) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// One look: raises an incident for what nobody takes and for what killed its workers, once each, and closes those of what
    /// has moved on.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn look(&self) -> Result<Vec<Incident>, DeskError> {
        let now = self.desk.clock.now();
        let overdue = self.desk.overdue(SignedDuration::ZERO).await?;
        let stuck = self.too_long(&overdue, now);
        let mut raised = Vec::new();
        for found in &stuck {
            raised.extend(self.raise(stuck_incident(found, now)).await?);
        }
        let dead = self.desk.store.jobs(Some(JobState::Discarded), MOST_DEAD).await?;
        for view in dead.iter().filter(|view| Why::of(&view.reason).0 == Some(Why::Poison)) {
            raised.extend(self.raise(poison_incident(view, now)).await?);
        }
        let held = join(&[State::Held.name(), ""]);
        let held = self.desk.store.list::<Delivery>("delivery_by_state", &held, MOST_HELD).await?;
        let poisoned: Vec<_> =
            held.iter().map(|kept| &kept.record).filter(|d| d.is_poison()).collect();
        for d in &poisoned {
            raised.extend(self.raise(poisoned_incident(d, now)).await?);
        }
        let overdue = overdue.iter().map(stuck_id);
        self.close_all_but(IncidentKind::Stuck, &overdue.collect(), now).await?;
        let poisoned = poisoned.into_iter().map(poisoned_id);
        self.close_all_but(IncidentKind::Poison, &poisoned.collect(), now).await?;
        Ok(raised)
    }

    /// Those that every look of the last while saw overdue.
    fn too_long(&self, overdue: &[Overdue], now: Timestamp) -> Vec<Overdue> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *seen);
        let mut long = Vec::new();
        for found in overdue {
            let key = (found.subject, found.since);
            let first = before.get(&key).copied().unwrap_or(now);
            seen.insert(key, first);
            if first <= now - GRACE && found.since <= now - GRACE {
                long.push(found.clone());
            }
        }
        long
    }

    /// Keeps an incident whose id says what it is about, unless it was told before.
    async fn raise(&self, incident: Incident) -> Result<Option<Incident>, DeskError> {
        if self.desk.store.read::<Incident>(&incident.id).await?.is_some() {
            return Ok(None);
        }
        match self.desk.store.commit(by_watchdog("report incident").insert(&incident)).await {
            Ok(_) => {}
            Err(StoreError::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        tracing::error!(
            incident = incident.kind.key(),
            subject = incident.subject(),
            agency = incident.agency,
            "{}: look at the incidents",
            incident.detail,
        );
        Ok(Some(incident))
    }

    /// Closes what was told of deliveries and has moved on, and of jobs that somebody takes; a job that is poison is a person's.
    async fn close_all_but(
        &self,
        kind: IncidentKind,
        still: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), DeskError> {
        let prefix = join(&[kind.key(), ""]);
        let open = self.desk.store.list::<Incident>("incident_open", &prefix, 10_000).await?;
        for mut kept in open {
            let a_person_s = kind == IncidentKind::Poison && kept.record.job.is_some();
            if a_person_s || still.contains(&kept.record.id) {
                continue;
            }
            kept.record.closed = Some((None, now));
            let changes = by_watchdog("close incident").update(&kept.record, kept.version);
            match self.desk.store.commit(changes).await {
                Ok(_) => tracing::info!(subject = kept.record.subject(), "It moved on"),
                // A person closed it at the same moment.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn by_watchdog(what: &str) -> Changes {
    Changes::by(Actor::Worker("watchdog".to_owned()), what)
}

/// One deadline of one thing is told once, also over a restart.
fn stuck_id(found: &Overdue) -> String {
    let subject = match found.subject {
        Subject::Delivery(id) => id.to_string(),
        Subject::Job(id) => id.to_string(),
    };
    format!("stuck-{subject}-{}", time_key(found.since))
}

fn stuck_incident(found: &Overdue, at: Timestamp) -> Incident {
    let (delivery, job) = match found.subject {
        Subject::Delivery(id) => (Some(id), None),
        Subject::Job(id) => (None, Some(id)),
    };
    Incident {
        id: stuck_id(found),
        agency: found.agency.clone(),
        kind: IncidentKind::Stuck,
        account: found.account.clone(),
        delivery,
        job,
        remote_ids: Vec::new(),
        detail: Why::Stuck.sentence().to_owned(),
        at,
        closed: None,
    }
}

fn poison_incident(view: &JobView, at: Timestamp) -> Incident {
    Incident {
        id: format!("poison-{}-{}", view.job.id, time_key(view.job.run_at)),
        agency: view.job.agency.clone(),
        kind: IncidentKind::Poison,
        account: None,
        delivery: None,
        job: Some(view.job.id),
        remote_ids: Vec::new(),
        detail: view.reason.clone(),
        at,
        closed: None,
    }
}

/// A delivery is told again when it kills workers after a person released it.
fn poisoned_id(d: &Delivery) -> String {
    format!("poison-{}-{:04}", d.id, d.fence)
}

fn poisoned_incident(d: &Delivery, at: Timestamp) -> Incident {
    Incident {
        id: poisoned_id(d),
        agency: d.agency.clone(),
        kind: IncidentKind::Poison,
        account: Some(d.account.clone()),
        delivery: Some(d.id),
        job: None,
        remote_ids: Vec::new(),
        detail: d.reason.clone(),
        at,
        closed: None,
    }
}
