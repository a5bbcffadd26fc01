//! Nothing past its deadline goes without an incident, whatever became of the workers: held against the store by a reckoning
//! of its own, as long as there is a store to write it down in.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use loa_delivery::{Desk, Incident, IncidentKind, Watchdog};
use loa_model::{
    Account, AccountStatus, Delivery, DeliveryId, DeliveryState as State, capability::ReadBack,
};
use loa_store::{StoreExt as _, simulation::SimulatedStore};
use tokio::sync::watch;

use crate::{
    kernel::{Process, Spawner},
    plan::Plan,
    witness::{Witness, at_once},
};

/// Distance of two looks.
pub(crate) const EVERY: SignedDuration = SignedDuration::from_secs(20);
/// A minute, and what two lookers who do not look at the same moment need.
const PATIENCE: SignedDuration = SignedDuration::from_secs(75);

/// Lets the watchdog look after everything that waits, until it is told to stop. Nobody strikes it: it is what tells of all
/// blows.
pub(crate) fn let_out(
    desk: Desk,
    calm: bool,
    process: &Arc<Process>,
    spawner: &Spawner,
) -> watch::Sender<bool> {
    let (stop, stopped) = watch::channel(calm);
    let watchdog = Watchdog::new(desk);
    spawner.spawn_in(process.clone(), async move { watchdog.run(stopped).await });
    stop
}

/// What was overdue at the last look, since the first look in a row that saw it so.
#[derive(Default)]
pub(crate) struct Watch {
    seen: BTreeMap<(DeliveryId, State, Timestamp), Timestamp>,
    blind_until: Option<Timestamp>,
}

impl Watch {
    /// Nobody can write anything down: what is overdue counts anew.
    pub(crate) fn blind(&mut self, until: Timestamp) {
        self.seen.clear();
        self.blind_until = self.blind_until.max(Some(until));
    }

    /// One look.
    pub(crate) fn look(
        &mut self,
        witness: &Witness,
        plan: &Plan,
        store: &SimulatedStore,
        now: Timestamp,
    ) {
        let before = std::mem::take(&mut self.seen);
        if self.blind_until.is_some_and(|until| now < until) {
            return;
        }
        let all = at_once(store.all::<Delivery>(1000)).expect("it can be read");
        let all: Vec<Delivery> = all.into_iter().map(|kept| kept.record).collect();
        let incidents = at_once(store.all::<Incident>(usize::MAX)).expect("they can be read");
        for d in &all {
            let Some(deadline) = deadline(plan, store, d, &all, now).filter(|at| *at <= now) else {
                continue;
            };
            let place = (d.id, d.state, deadline);
            let first = before.get(&place).copied().unwrap_or(now);
            self.seen.insert(place, first);
            if now.duration_since(first) < PATIENCE {
                continue;
            }
            witness.count(&format!("overdue and told: {}", d.state.name()));
            // An answer may be overdue before the lease is over.
            let from = d.intent.as_ref().map_or(deadline, |intent| intent.at.min(deadline));
            let told = incidents.iter().any(|kept| {
                let incident = &kept.record;
                let about = incident.delivery == Some(d.id) && incident.at >= from;
                about && incident.kind == IncidentKind::Stuck
            });
            witness.check(told, "nothing is overdue without an incident", || {
                format!("since {deadline}, seen since {first}: {d:#?}")
            });
        }
    }
}

/// When somebody must have moved it on, where nothing but a worker is wanted.
fn deadline(
    plan: &Plan,
    store: &SimulatedStore,
    d: &Delivery,
    all: &[Delivery],
    now: Timestamp,
) -> Option<Timestamp> {
    match d.state {
        State::Scheduled => Some(d.due_at.max(d.not_before)),
        State::Leased | State::Intent => d.lease.as_ref().map(|lease| lease.until),
        State::Ready | State::Held if now > d.not_after && !d.may_be_live() => Some(d.not_after),
        State::Uncertain if plan.spec(&d.account).read_back != ReadBack::None => {
            let account = at_once(store.read::<Account>(d.account.as_str())).expect("readable")?;
            let heard = !matches!(account.record.status, AccountStatus::NeedsReauth { .. });
            let other = |o: &Delivery| o.account == d.account && o.id != d.id;
            let alone = !all.iter().any(|o| other(o) && !o.state.is_terminal());
            let apart = SignedDuration::from_secs(plan.config.read_back_apart_s.into());
            let next = d.absent.last().map(|last| *last + apart);
            (heard && alone).then(|| d.quarantine_until.max(next)).flatten()
        }
        _ => None,
    }
}
