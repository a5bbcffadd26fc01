//! The queue of an account: each post gets the next free slot of its timetable, and no slot gets two posts.

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    AccountName, DeliveryState, Post, PostState, Priority, Timetable, Timing, When,
    record::Record as _,
    schedule::{Slot, SlotTaken, zone},
};
use loa_store::{Changes, Error as StoreError, Expect, StoreExt as _};

use crate::{Result, Review, ReviewError, calendar::CLOSE};

/// As far ahead as a distance from other posts is looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// A time for a post, and the slot it takes with it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) zone: String,
    pub(crate) timing: Timing,
    pub(crate) slot: Option<(SlotTaken, Expect)>,
}

impl Place {
    /// Puts the post there.
    pub(crate) fn put(&self, post: &mut Post) {
        post.scheduled_at = self.at;
        post.zone.clone_from(&self.zone);
        post.timing = self.timing;
    }

    /// The changes with the slot taken: whoever took it meanwhile makes them a conflict.
    pub(crate) fn take(&self, changes: Changes) -> Changes {
        match &self.slot {
            Some((taken, expect)) => changes.put(taken, *expect),
            None => changes,
        }
    }
}

/// Whether a commit lost a slot to somebody else: then there is another one.
pub(crate) fn lost_a_slot(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict { table, .. } if table == SlotTaken::TABLE)
}

impl Review {
    /// The next free slot of an account; nothing when it has no timetable or none is free within two months.
    ///
    /// # Errors
    /// [`ReviewError::Store`].
    pub async fn next_slot(&self, account: &AccountName) -> Result<Option<Slot>> {
        let found = self.free_slot(account, self.clock.now(), &[]).await?;
        Ok(found.map(|(_, slot, _)| slot))
    }

    /// The time of a post, not before `from`. `taken` are slots that this very change gives away already.
    pub(crate) async fn place(
        &self,
        post: &Post,
        when: When,
        agency_zone: &str,
        from: Option<Timestamp>,
        taken: &[Timestamp],
    ) -> Result<Place> {
        let earliest = |at: Timestamp| from.map_or(at, |from| at.max(from));
        let plain = |at, timing| Place { at, zone: agency_zone.to_owned(), timing, slot: None };
        let now = self.clock.now();
        match when {
            When::Soon => Ok(plain(earliest(now), Timing::Soon)),
            When::At { at, wall } if earliest(at) == at => Ok(plain(at, Timing::Exact { wall })),
            When::At { at, .. } => {
                let at = earliest(at);
                let wall = zone(agency_zone).map(|zone| zone.to_datetime(at));
                let exact = wall.map(|wall| Timing::Exact { wall });
                Ok(plain(at, exact.unwrap_or_default()))
            }
            When::Usual => self.usual(post, agency_zone, earliest(now), taken).await,
            When::NextSlot => {
                let found = self.free_slot(&post.account, earliest(now), taken).await?;
                let found = found.ok_or_else(|| ReviewError::Account {
                    account: post.account.to_string(),
                    why: "it has no free slot within two months: give it slots in its timetable",
                })?;
                Ok(in_slot(post, found))
            }
        }
    }

    /// The place when an account usually posts.
    async fn usual(
        &self,
        post: &Post,
        agency_zone: &str,
        from: Timestamp,
        taken: &[Timestamp],
    ) -> Result<Place> {
        let account = &post.account;
        // The minute that has begun is as good as now.
        let at = if from <= self.clock.now() { minute_of(from) } else { from };
        let mut place =
            Place { at, zone: agency_zone.to_owned(), timing: Timing::Soon, slot: None };
        let is_urgent = post.priority == Priority::Urgent;
        if is_urgent && taken.is_empty() {
            return Ok(place);
        }
        if !is_urgent && let Some(found) = self.free_slot(account, from, taken).await? {
            return Ok(in_slot(post, found));
        }
        let plan = self.store.read::<Timetable>(account.as_str()).await?;
        let plan = plan.map(|row| row.record.plan).unwrap_or_default();
        let gap = CLOSE.max(SignedDuration::from_secs(plan.min_gap_s.into()));
        let mut near = self.times_of(&post.agency, account, at - gap, at + AHEAD).await?;
        near.extend(taken);
        let quiet = plan.quiet.filter(|_| !is_urgent);
        loop {
            // Whole minutes: two who ask at once mean the same instant, and the record of it tells the second one.
            place.at = whole_minute(place.at);
            if let Some(end) = quiet.as_ref().and_then(|quiet| quiet.until(place.at)) {
                place.at = end;
                continue;
            }
            let close = |at: &&Timestamp| at.duration_since(place.at).abs() < gap;
            if let Some(last) = near.iter().filter(close).max() {
                place.at = *last + gap;
                continue;
            }
            let known = self.store.read::<SlotTaken>(&SlotTaken::key_of(account, place.at)).await?;
            let expect = match known {
                None => Expect::Absent,
                Some(known) if !self.keeps(&known.record).await? => Expect::Version(known.version),
                Some(_) => {
                    near.push(place.at);
                    continue;
                }
            };
            let taken = SlotTaken { account: account.clone(), at: place.at, post: post.id };
            place.slot = Some((taken, expect));
            return Ok(place);
        }
    }

    /// The place at exactly this instant: a slot when the account has one there that is free, else the instant alone.
    pub(crate) async fn place_at(
        &self,
        post: &Post,
        at: Timestamp,
        when: When,
        agency_zone: &str,
    ) -> Result<Place> {
        let alone = self.place(post, when, agency_zone, None, &[]).await?;
        let Some(timetable) = self.store.read::<Timetable>(post.account.as_str()).await? else {
            return Ok(alone);
        };
        let plan = timetable.record.plan;
        let slots = plan.slots_after(at - SignedDuration::from_micros(1));
        let Some(slot) = slots.first().filter(|slot| slot.at == at) else { return Ok(alone) };
        let known = self.store.read::<SlotTaken>(&SlotTaken::key_of(&post.account, at)).await?;
        let expect = match known {
            None => Expect::Absent,
            Some(known) if known.record.post == post.id || !self.keeps(&known.record).await? => {
                Expect::Version(known.version)
            }
            Some(_) => return Ok(alone),
        };
        let taken = SlotTaken { account: post.account.clone(), at, post: post.id };
        Ok(Place {
            zone: plan.zone,
            timing: Timing::Slot { wall: slot.wall },
            slot: Some((taken, expect)),
            ..alone
        })
    }

    async fn free_slot(
        &self,
        account: &AccountName,
        after: Timestamp,
        taken: &[Timestamp],
    ) -> Result<Option<(Timetable, Slot, Expect)>> {
        let Some(timetable) = self.store.read::<Timetable>(account.as_str()).await? else {
            return Ok(None);
        };
        for slot in timetable.record.plan.slots_after(after) {
            if taken.contains(&slot.at) {
                continue;
            }
            let key = SlotTaken::key_of(account, slot.at);
            match self.store.read::<SlotTaken>(&key).await? {
                None => return Ok(Some((timetable.record, slot, Expect::Absent))),
                Some(known) if !self.keeps(&known.record).await? => {
                    let expect = Expect::Version(known.version);
                    return Ok(Some((timetable.record, slot, expect)));
                }
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// Whether a post still has the slot that it took: it may be void by now, moved, or called off.
    async fn keeps(&self, taken: &SlotTaken) -> Result<bool> {
        let Some(post) = self.store.read::<Post>(&taken.post.to_string()).await? else {
            return Ok(false);
        };
        if post.record.state == PostState::Void || post.record.scheduled_at != taken.at {
            return Ok(false);
        }
        let deliveries = self.deliveries_of(taken.post).await?;
        let over = |state: DeliveryState| {
            state.is_terminal() && !matches!(state, DeliveryState::Retracted | DeliveryState::Gone)
        };
        Ok(deliveries.is_empty() || deliveries.iter().any(|d| !over(d.record.state)))
    }
}

/// A slot that was found free.
fn in_slot(post: &Post, (timetable, slot, expect): (Timetable, Slot, Expect)) -> Place {
    let taken = SlotTaken { account: post.account.clone(), at: slot.at, post: post.id };
    Place {
        at: slot.at,
        zone: timetable.plan.zone,
        timing: Timing::Slot { wall: slot.wall },
        slot: Some((taken, expect)),
    }
}

/// The whole minute in which this is.
fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(60)).unwrap_or(at)
}

/// The first whole minute that is not before.
fn whole_minute(at: Timestamp) -> Timestamp {
    let begins = minute_of(at);
    if begins == at { at } else { begins + SignedDuration::from_mins(1) }
}
