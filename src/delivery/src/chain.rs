//! One delivery under the account's lease: claim, intent, one request, receipt; step after step.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Channel, Cx, Notes, Outgoing, To};
use loa_model::{
    Account, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, Intent, Plan,
    Post, Priority, Secret, Shape, delivery::Effect,
};
use loa_store::{Changes, Error as StoreError, StoreExt as _, Versioned};

use crate::{
    Pace, Result, Round, Worker,
    config::secs,
    gate::{SendGate, Tenure, checked, window_of},
    keeping::{self, Known},
    moves::{Mover, NotMoved},
    pacing::{Ask, Go, Held},
};

/// Steps of one chain in one round: more is an adapter that never ends.
const MOST_STEPS: u32 = 200;

/// The place of work: one account under its lease.
pub(crate) struct At<'a> {
    pub(crate) worker: &'a Worker,
    pub(crate) account: &'a Account,
    pub(crate) channel: &'a dyn Channel,
    pub(crate) tenure: &'a Tenure,
    pub(crate) plan: Option<&'a Plan>,
    /// What the platform says about its allowances meanwhile.
    pub(crate) notes: Notes,
}

pub(crate) type Row = Versioned<Delivery>;

impl At<'_> {
    /// Claims a ready delivery and walks its chain.
    pub(crate) async fn begin(&self, row: &Row, round: &mut Round) -> Result<()> {
        let now = self.now();
        let Some(lease) = self.tenure.lease() else { return Ok(()) };
        let claim = Event::Claim {
            owner: self.worker.deps.owner.clone(),
            fence: lease.fence,
            until: now + secs(self.worker.deps.config.delivery_lease_s),
        };
        match self.mover().make(row, &claim, now, |_| false, |_, c| c).await? {
            Ok(row) => self.walk(row, round).await,
            Err(NotMoved::Lost(_)) => {
                round.wake_at(now);
                Ok(())
            }
            Err(NotMoved::Refused(refused)) => {
                tracing::debug!(delivery.id = %row.record.id, %refused, "Claim refused");
                Ok(())
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
        if let Some(why) = self.stopped().await? {
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
        let (d, now) = (&row.record, self.now());
        // Asked once more behind the intent: a stop that the ledger has before it is obeyed.
        if let Some(why) = self.stopped().await?.filter(|_| effect != Effect::Read) {
            return self.end(row, snooze(now, why), round).await;
        }
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
        let answer = self.guarded(timeout, sent).await.map(|answer| gate.judge(answer));
        let post = row.record.id;
        // What came of it is kept first: a usage that is lost costs a little haste, a receipt more.
        let next = self.answered(row, effect, answer, round).await?;
        self.keep_usage(Some(post)).await?;
        Ok(next)
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
            let paces = match self.ask(d, &post.content.shape(), &account.0, &app.0, now) {
                // A chain that goes on has paid already.
                _ if counted && !begins(d) => Vec::new(),
                Ok(go) => self.spent(go, account, app),
                Err(Held { until, why }) => {
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
            let beside = |_: &Delivery, changes: Changes| keeping::put(changes, &paces);
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

    fn ask(
        &self,
        d: &Delivery,
        shape: &Shape,
        account: &Pace,
        app: &Pace,
        now: Timestamp,
    ) -> Result<Go, Held> {
        let rule = &self.channel.capability().pace;
        let ask = Ask {
            delivery: d.id,
            shape,
            priority: urgency(d, now, &self.worker.deps.config),
            account,
            app,
            rule,
            plan: self.plan,
            begins: begins(d),
        };
        ask.now(&self.worker.deps.config, now)
    }

    /// What the intent is committed with.
    fn spent(&self, mut go: Go, account: Known, app: Known) -> Vec<(Known, Pace)> {
        if go.app != app.0 {
            go.app.turn = Some(self.account.name.clone());
        }
        vec![(account, go.account), (app, go.app)]
    }

    pub(crate) async fn paces(&self) -> Result<(Known, Known)> {
        let rule = &self.channel.capability().pace;
        Ok(keeping::paces(&*self.worker.deps.store, self.account, rule).await?)
    }

    /// Keeps what the platform said about its allowances since the last time.
    pub(crate) async fn keep_usage(&self, post: Option<DeliveryId>) -> Result<()> {
        let heard = self.notes.take();
        let (store, actor) = (&*self.worker.deps.store, self.mover().actor);
        let rule = &self.channel.capability().pace;
        let now = self.now();
        keeping::keep_usage(store, &actor, self.account, rule, &heard, post, now).await?;
        Ok(())
    }

    pub(crate) fn cx<'c>(&'c self, gate: &'c dyn loa_model::Gate) -> Cx<'c> {
        let deps = &self.worker.deps;
        Cx { clock: &*deps.clock, blobs: &*deps.blobs, media: &*deps.media, gate, ear: &self.notes }
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

/// How urgent it is served: nobody is disturbed by a question after a post that may be live, and backfill that waited long is
/// the day's work.
pub(crate) fn urgency(d: &Delivery, now: Timestamp, config: &crate::Config) -> Priority {
    let waited_long = now.duration_since(d.due_at) >= secs(config.backfill_ages_s);
    match d.priority {
        _ if d.may_be_live() => Priority::Urgent,
        Priority::Backfill if waited_long => Priority::Normal,
        priority => priority,
    }
}

/// Place of a ready delivery among those of its account.
pub(crate) fn place(
    d: &Delivery,
    now: Timestamp,
    config: &crate::Config,
) -> (Priority, Timestamp, DeliveryId) {
    (urgency(d, now, config), d.due_at, d.id)
}

/// Whether the next effect is the first of its chain: that one spends the pace.
pub(crate) fn begins(d: &Delivery) -> bool {
    d.ticket.is_none() || d.sending_since.is_none()
}

/// The delivery is still the one we hold: same lease, same intent.
pub(crate) fn same(before: &Delivery) -> impl Fn(&Delivery) -> bool + use<> {
    let (lease, intent) = (before.lease.clone(), before.intent.clone());
    move |now: &Delivery| lease.is_some() && now.lease == lease && now.intent == intent
}

/// Waits come from platforms: an absurd one counts as a day.
pub(crate) fn signed(wait: Duration) -> SignedDuration {
    SignedDuration::try_from(wait.min(Duration::from_hours(24 * 400)))
        .unwrap_or(SignedDuration::from_hours(24))
}
