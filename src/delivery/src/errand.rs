//! What there is to do, account by account: chosen and put in order before any lease is taken.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use loa_channel::Channel;
use loa_model::{
    Account, AccountName, AccountStatus, Delivery, DeliveryEvent as Event, DeliveryId,
    DeliveryState as State, Plan, Post, PostFormat, Priority, Shape, Timetable, record::join,
};
use loa_store::{StoreExt as _, Versioned};

use crate::{
    Pace, Result, Round, Worker,
    chain::{begins, place, urgency},
    keeping::{self, app_key},
    pacing::{Ask, Held, Wait},
    read_back,
    turns::{Turns, price},
};

/// Posts of one account that are looked at for one that may go while allowances of others are spent.
pub(crate) const LOOKS: usize = 100;

type Row = Versioned<Delivery>;

/// Work of one account in one round.
pub(crate) struct Errand {
    pub(crate) account: Account,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) plan: Option<Plan>,
    pub(crate) lost: Vec<Row>,
    pub(crate) unclear: Vec<Row>,
    pub(crate) aftercare: Vec<Row>,
    pub(crate) held: Option<DeliveryId>,
    /// The post whose turn it is.
    pub(crate) ready: Option<Row>,
    /// Whether more of its posts are ready.
    pub(crate) more: bool,
    /// Place in the round: urgent posts first, then as the turns went.
    place: (bool, usize),
}

impl Errand {
    fn is_idle(&self) -> bool {
        self.lost.is_empty()
            && self.unclear.is_empty()
            && self.aftercare.is_empty()
            && self.held.is_none()
            && self.ready.is_none()
    }
}

/// A post that its account would let go: whether it goes is up to the app and the turns.
struct Candidate {
    row: Row,
    shape: Shape,
    urgency: Priority,
    account: Pace,
    /// Index of its errand.
    errand: usize,
}

impl Candidate {
    fn ask<'a>(&'a self, app: &'a Pace, errand: &'a Errand) -> Ask<'a> {
        Ask {
            delivery: self.row.record.id,
            shape: &self.shape,
            priority: self.urgency,
            account: &self.account,
            app,
            rule: &errand.channel.capability().pace,
            plan: errand.plan.as_ref(),
            begins: begins(&self.row.record),
        }
    }
}

impl Worker {
    /// Everything to do, by account, in the order of service; nothing of accounts that are being served.
    pub(crate) async fn errands(
        &self,
        served: &BTreeSet<AccountName>,
        round: &mut Round,
    ) -> Result<Vec<Errand>> {
        let now = self.deps.clock.now();
        let mut work: BTreeMap<AccountName, Vec<Row>> = BTreeMap::new();
        let mut rows = self.ready_rows().await?;
        for state in
            [State::Leased, State::Intent, State::Uncertain, State::Retracting, State::Correcting]
        {
            rows.extend(self.state_rows(state, None).await?);
        }
        for row in rows.into_iter().filter(|row| !served.contains(&row.record.account)) {
            work.entry(row.record.account.clone()).or_default().push(row);
        }
        let mut errands = Vec::new();
        let mut apps: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        for (name, rows) in work {
            let Some((errand, ready)) = self.errand(&name, rows, now, round).await? else {
                continue;
            };
            errands.push(errand);
            let at = errands.len() - 1;
            if let Some(errand) = errands.last_mut()
                && let Some(candidate) = self.candidate(errand, at, ready, now, round).await?
            {
                let app = app_key(&errand.account, &errand.channel.capability().pace);
                apps.entry(app).or_default().push(candidate);
            }
        }
        for (app, candidates) in apps {
            self.give_turns(&app, candidates, &mut errands, now, round).await?;
        }
        errands.retain(|errand| !errand.is_idle());
        errands.sort_by_cached_key(|errand| (errand.place, errand.account.name.clone()));
        Ok(errands)
    }

    /// Posts that wait for their account. When more wait than one look takes in, every account's first ones and all urgent
    /// ones: nobody stands behind another's backlog.
    async fn ready_rows(&self) -> Result<Vec<Row>> {
        let batch = self.deps.config.batch;
        let first = self.state_rows(State::Ready, None).await?;
        if first.len() < batch {
            return Ok(first);
        }
        let store = &self.deps.store;
        let name = State::Ready.name();
        let accounts = store.all::<Account>(10_000).await?;
        let each = (batch / accounts.len().max(1)).max(LOOKS);
        let mut found: BTreeMap<DeliveryId, Row> = BTreeMap::new();
        let mut lists = vec![("delivery_urgent", join(&[name, ""]), batch)];
        lists.extend(accounts.iter().map(|account| {
            ("delivery_by_account", join(&[account.record.name.as_str(), name, ""]), each)
        }));
        for (index, from, most) in lists {
            let to = format!("{from}\u{10ffff}");
            for row in store.range(index, &from, &to, most, false).await? {
                let row: Row = row.read()?;
                found.insert(row.record.id, row);
            }
        }
        Ok(found.into_values().collect())
    }

    /// What an account has to do, and its posts that are ready, the most urgent first.
    async fn errand(
        &self,
        name: &AccountName,
        rows: Vec<Row>,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<Option<(Errand, Vec<Row>)>> {
        let account = self.deps.store.read::<Account>(name.as_str()).await?;
        let channel = self.deps.channels.get(name.channel());
        let (Some(account), Some(channel)) = (account.map(|a| a.record), channel) else {
            let aside = |d: &Delivery| d.state == State::Ready && !d.may_be_live();
            for row in rows.iter().filter(|row| aside(&row.record)) {
                let reason = format!("account {name} or its channel is not set up");
                self.step_aside(row, Event::Hold { reason }, round).await?;
            }
            return Ok(None);
        };
        let active = account.status == AccountStatus::Active && !self.is_killed(&account);
        let readable = !matches!(account.status, AccountStatus::NeedsReauth { .. });
        let plan = self.deps.store.read::<Timetable>(name.as_str()).await?;
        let held_id = self.memory().held.get(name).copied();
        let mut errand = Errand {
            account,
            channel,
            plan: plan.map(|timetable| timetable.record.plan),
            lost: vec![],
            unclear: vec![],
            aftercare: vec![],
            held: None,
            ready: None,
            more: false,
            place: (true, 0),
        };
        let mut ready = Vec::new();
        for row in rows {
            let record = &row.record;
            let later = self.memory().later.get(&record.id).map(|(_, at)| *at);
            match record.state {
                State::Leased if held_id.is_some_and(|(id, _)| id == record.id) => {
                    let (id, at) = held_id.expect("just matched");
                    if at <= now { errand.held = Some(id) } else { round.wake_at(at) }
                }
                State::Leased | State::Intent => errand.lost.push(row),
                State::Uncertain => {
                    if let Some(word) = read_back::last_word(record, now) {
                        self.step_aside(&row, word, round).await?;
                    } else if let Some(at) =
                        read_back::next(record, errand.channel.capability(), &self.deps.config)
                    {
                        let at = later.map_or(at, |later| later.max(at));
                        if !readable {
                        } else if at <= now {
                            errand.unclear.push(row);
                        } else {
                            round.wake_at(at);
                        }
                    }
                }
                State::Retracting | State::Correcting => match later {
                    _ if !active => {}
                    Some(at) if at > now => round.wake_at(at),
                    _ => errand.aftercare.push(row),
                },
                _ if now > record.not_after && !record.may_be_live() => {
                    self.step_aside(&row, Event::Expire, round).await?;
                }
                _ if !active => {}
                _ if record.not_before > now => round.wake_at(record.not_before),
                _ if record.cancel_requested && !record.may_be_live() => {
                    let reason = record.reason.clone();
                    self.step_aside(&row, Event::Cancel { reason }, round).await?;
                }
                _ if record.is_poison() => {
                    let reason = format!("poison: {} workers went silent over it", record.lost);
                    self.step_aside(&row, Event::Hold { reason }, round).await?;
                }
                _ => ready.push(row),
            }
        }
        // A chain that waits under the lease keeps the account: posts of one account are serial.
        if held_id.is_some() {
            ready.clear();
        }
        ready.sort_by_cached_key(|row| place(&row.record, now, &self.deps.config));
        Ok(Some((errand, ready)))
    }

    /// The first of an account's ready posts that the account itself lets go.
    async fn candidate(
        &self,
        errand: &mut Errand,
        at: usize,
        ready: Vec<Row>,
        now: Timestamp,
        round: &mut Round,
    ) -> Result<Option<Candidate>> {
        let config = &self.deps.config;
        errand.more = ready.len() > 1;
        if ready.is_empty() {
            return Ok(None);
        }
        let (pace, _) = keeping::pace(&*self.deps.store, errand.account.name.as_str()).await?;
        let nobody = Pace::new("");
        for row in ready.into_iter().take(LOOKS) {
            let post = self.deps.store.read::<Post>(&row.record.post.to_string()).await?;
            let candidate = Candidate {
                // A post that is gone is found out by its step.
                shape: post.map_or(nothing(), |post| post.record.content.shape()),
                urgency: urgency(&row.record, now, config),
                account: pace.clone(),
                errand: at,
                row,
            };
            match candidate.ask(&nobody, errand).of_account(config, now) {
                Ok(_) => return Ok(Some(candidate)),
                Err(Held { until, why }) => {
                    round.wake_at(until);
                    // An allowance is one of formats and urgency; everything else holds up what comes after too.
                    if why != Wait::Budget {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Gives turns among the accounts of one app as long as the app lets posts go: urgent posts first, then the day's work,
    /// then what can wait.
    async fn give_turns(
        &self,
        app: &str,
        candidates: Vec<Candidate>,
        errands: &mut [Errand],
        now: Timestamp,
        round: &mut Round,
    ) -> Result<()> {
        let config = &self.deps.config;
        let (mut pace, _) = keeping::pace(&*self.deps.store, app).await?;
        let known = self.memory().turns.remove(app);
        let mut turns = known.unwrap_or_else(|| Turns::after(pace.turn.clone()));
        let (begin, go_on): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|candidate| begins(&candidate.row.record));
        // Going on with a chain costs nothing: only the platform's own word holds it up.
        for candidate in go_on {
            let Some(errand) = errands.get_mut(candidate.errand) else { continue };
            match candidate.ask(&pace, errand).of_app(config, now) {
                Ok(_) => {
                    errand.place = (candidate.urgency != Priority::Urgent, 0);
                    errand.ready = Some(candidate.row);
                }
                Err(held) => round.wake_at(held.until),
            }
        }
        let mut had: Vec<AccountName> = Vec::new();
        let all = begin.len();
        let mut by_account: BTreeMap<AccountName, Candidate> =
            begin.into_iter().map(|c| (c.row.record.account.clone(), c)).collect();
        for class in [Priority::Urgent, Priority::Normal, Priority::Backfill] {
            let mut waiting: BTreeMap<AccountName, u64> = BTreeMap::new();
            for (name, candidate) in by_account.iter().filter(|(_, c)| c.urgency == class) {
                if let Some(errand) = errands.get(candidate.errand) {
                    let rule = &errand.channel.capability().pace;
                    waiting.insert(name.clone(), price(rule, &candidate.shape));
                }
            }
            let mut next = turns.clone();
            while let Some(name) = next.next(&waiting) {
                let Some(candidate) = by_account.get(&name) else { break };
                let Some(errand) = errands.get_mut(candidate.errand) else { break };
                match candidate.ask(&pace, errand).of_app(config, now) {
                    Ok(after) => {
                        pace = after;
                        turns = next.clone();
                        errand.place = (class != Priority::Urgent, had.len());
                        errand.ready = by_account.remove(&name).map(|candidate| candidate.row);
                        had.push(name.clone());
                    }
                    Err(Held { until, why }) => {
                        round.wake_at(until);
                        if why != Wait::Budget {
                            break;
                        }
                        // No turn was used: the next one goes to whoever follows.
                        next = turns.clone();
                    }
                }
                waiting.remove(&name);
            }
        }
        if let Some(first) = had.first().filter(|_| had.len() == all) {
            // Everybody has a turn in every round: then somebody else begins the next one.
            turns = Turns::after(Some(first.clone()));
        }
        self.memory().turns.insert(app.to_owned(), turns);
        Ok(())
    }
}

/// The shape of a post that is not there.
pub(crate) fn nothing() -> Shape {
    Shape { format: PostFormat::Text, files: BTreeMap::new() }
}
