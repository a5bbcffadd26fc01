//! The watchdog: nothing whose time has come stays longer than a minute without an alarm, whatever became of the workers.
//! It runs beside them, not in them, and owns nothing but its memory of the last looks.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, JobState, Why,
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

    /// One look: raises an incident for what nobody takes, once each, and closes those of what has moved on.
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
        self.close_what_moved(&overdue, now).await?;
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

    async fn close_what_moved(&self, overdue: &[Overdue], now: Timestamp) -> Result<(), DeskError> {
        let prefix = join(&[IncidentKind::Stuck.key(), ""]);
        let open = self.desk.store.list::<Incident>("incident_open", &prefix, 10_000).await?;
        for mut kept in open {
            let still = overdue.iter().any(|found| stuck_id(found) == kept.record.id);
            if still {
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
