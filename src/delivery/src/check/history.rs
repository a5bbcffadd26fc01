//! The ledger from its first record on: what a send depends on as of each record, and what the next version of a delivery is
//! held against.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use loa_model::{
    Account, AccountName, AccountStatus, Delivery, DeliveryId, DeliveryState as State, Digest,
    Post, PostId, PostState, Record,
};
use loa_store::{Change, Entry};

use super::{
    Breach, Checked, Rules, about,
    spending::{Paces, Reserves},
    version::{Before, Note, Version, alone},
};
use crate::{KillSwitch, Pace, Result};

/// A ready delivery whose window is over is put aside before this many others are taken, besides those that wait with it.
pub(super) const OVERTAKEN: usize = 1000;

/// What an approver put their name to, and of which allowances of its channel it takes something.
struct Signed {
    digest: Digest,
    reserves: Reserves,
}

/// What was read so far.
pub(super) struct History<'a> {
    rules: &'a Rules,
    deliveries: BTreeMap<DeliveryId, Before>,
    signed: BTreeMap<PostId, Signed>,
    /// Accounts that may not post.
    paused: BTreeSet<AccountName>,
    /// Scopes of the kill switches that are on.
    stopped: BTreeSet<String>,
    paces: Paces,
    queue: Queue,
}

/// Who is taken while others wait.
#[derive(Default)]
struct Queue {
    /// Ready deliveries by the end of their window.
    ready: BTreeSet<(Timestamp, DeliveryId)>,
    /// Ready deliveries whose window is over, with the number of claims that is one too many.
    late: BTreeMap<DeliveryId, usize>,
    claims: usize,
}

impl<'a> History<'a> {
    pub(super) fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            deliveries: BTreeMap::new(),
            signed: BTreeMap::new(),
            paused: BTreeSet::new(),
            stopped: BTreeSet::new(),
            paces: Paces::default(),
            queue: Queue::default(),
        }
    }

    /// Takes the next record.
    pub(super) fn take(&mut self, entry: &Entry, found: &mut Checked) -> Result<()> {
        let mut given_back = Vec::new();
        // What a send depends on counts as of this record: a commit that signs a post also makes its delivery.
        for change in &entry.changes.rows {
            match change.table.as_str() {
                Post::TABLE => self.learn_post(change)?,
                Account::TABLE => self.learn_account(change)?,
                KillSwitch::TABLE => self.learn_switch(change)?,
                Pace::TABLE => given_back.extend(self.paces.learn(change)?),
                _ => {}
            }
        }
        for change in entry.changes.rows.iter().filter(|change| change.table == Delivery::TABLE) {
            self.delivery(entry, change, found)?;
        }
        for (id, spent) in given_back {
            let state = self.deliveries.get(&id).map(|before| before.state);
            if state == Some(State::Uncertain) && spent.counts(self.rules, entry.at) {
                found.note(Breach::GivenBackUnclear, about(id), Some(entry.seq));
            }
        }
        Ok(())
    }

    fn learn_post(&mut self, change: &Change) -> Result<()> {
        let Some(post) = change.record::<Post>()? else { return Ok(()) };
        let reserves = Reserves::of(&post, self.rules);
        match post.approval.filter(|_| post.state == PostState::Approved) {
            Some(approval) => {
                self.signed.insert(post.id, Signed { digest: approval.digest, reserves })
            }
            None => self.signed.remove(&post.id),
        };
        Ok(())
    }

    fn learn_account(&mut self, change: &Change) -> Result<()> {
        let Some(account) = change.record::<Account>()? else { return Ok(()) };
        if account.status == AccountStatus::Active {
            self.paused.remove(&account.name);
        } else {
            self.paused.insert(account.name.clone());
        }
        self.paces.share(&account, self.rules);
        Ok(())
    }

    fn learn_switch(&mut self, change: &Change) -> Result<()> {
        match change.record::<KillSwitch>()? {
            Some(switch) if switch.on => self.stopped.insert(switch.scope),
            Some(switch) => self.stopped.remove(&switch.scope),
            None => self.stopped.remove(&change.key),
        };
        Ok(())
    }

    fn delivery(&mut self, entry: &Entry, change: &Change, found: &mut Checked) -> Result<()> {
        let seq = Some(entry.seq);
        let Some(now) = change.record::<Delivery>()? else {
            found.note(Breach::Deleted, format!("delivery {}", change.key), seq);
            return Ok(());
        };
        let before = self.deliveries.get(&now.id);
        let mut note = |breach| found.note(breach, about(now.id), seq);
        alone(&now, &mut note);
        if let Some(before) = before {
            Version { actor: &entry.changes.actor, before, now: &now }.moved(&mut note);
        } else if !self.is_signed(&now) {
            note(Breach::MadeUnsigned);
        }
        let begins =
            now.state == State::Intent && before.is_none_or(|before| before.state != State::Intent);
        if begins {
            self.begun(&now, before, &mut note);
        }
        let stop = match before.filter(|_| now.state == State::Intent && !begins) {
            Some(before) => before.stop,
            None => self.stop(&now).filter(|_| begins),
        };
        if before.is_none() {
            found.deliveries += 1;
        }
        self.queue.take(&now, found);
        self.deliveries.insert(now.id, Before::of(&now, stop));
        Ok(())
    }

    fn is_signed(&self, d: &Delivery) -> bool {
        self.signed.get(&d.post).is_some_and(|signed| signed.digest == d.digest)
    }

    /// Why no step of it may be taken as of this record.
    fn stop(&self, d: &Delivery) -> Option<Breach> {
        let scopes = [
            "all".to_owned(),
            format!("agency/{}", d.agency),
            format!("channel/{}", d.account.channel()),
        ];
        if scopes.iter().any(|scope| self.stopped.contains(scope)) {
            return Some(Breach::WhileStopped);
        }
        self.paused.contains(&d.account).then_some(Breach::WhilePaused)
    }

    /// An intent that stands here for the first time. What people stopped meanwhile shows in the next version: then the
    /// worker has seen it, and nothing was sent.
    fn begun(&self, now: &Delivery, before: Option<&Before>, note: &mut Note<'_>) {
        let Some(intent) = &now.intent else { return };
        if intent.at > now.not_after {
            note(Breach::AfterWindow);
        }
        // What may be live goes on until that is known.
        if !now.may_be_live() {
            if !self.is_signed(now) {
                note(Breach::NotApproved);
            }
            if before.is_some_and(|before| before.called_off) {
                note(Breach::CalledOff);
            }
        }
        if now.sending_since == Some(intent.at)
            && let Some(signed) = self.signed.get(&now.post)
            && !self.paces.reserved(now, signed.reserves, self.rules)
        {
            note(Breach::NotReserved);
        }
    }

    /// What shows at the end only: who waits while others went.
    pub(super) fn end(&self, found: &mut Checked) {
        for (id, _) in self.queue.late.iter().filter(|(_, most)| self.queue.claims > **most) {
            found.note(Breach::Starved, about(*id), None);
        }
    }
}

impl Queue {
    fn take(&mut self, now: &Delivery, found: &mut Checked) {
        let place = (now.not_after, now.id);
        if now.state == State::Ready && !now.may_be_live() {
            self.ready.insert(place);
        } else {
            self.ready.remove(&place);
            if self.late.remove(&now.id).is_some_and(|most| self.claims > most) {
                found.note(Breach::Starved, about(now.id), None);
            }
        }
        if now.state == State::Leased {
            self.claims += 1;
            let over: Vec<_> = self
                .ready
                .iter()
                .take_while(|(not_after, _)| *not_after < now.updated_at)
                .copied()
                .collect();
            let most = self.claims + OVERTAKEN + self.late.len() + over.len();
            for place in over {
                self.ready.remove(&place);
                self.late.insert(place.1, most);
            }
        }
    }
}
