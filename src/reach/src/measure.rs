//! One measurement: ask the channel, add our own clicks, keep the sample, plan the next.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Channel, Cx, ErrorKind, RetryAdvice, To};
use loa_model::{
    Actor, Delivery, DeliveryEvent, DeliveryState, Entropy, Ids, Job, JobKind, Measured, Metric,
    Post, PostId, Record as _, Sample, Value, record::join, seams::SharedClock,
};
use loa_store::{
    Changes, Claimed, Error as StoreError, Expect, JobEnd, Store, StoreExt as _, Versioned,
};
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result, Rollup, Totals, clicks,
    plan::next_step,
    records::{count, fresh, rollup},
};

/// Settings of reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// IANA zone whose days rollups and clicks use.
    pub zone: String,
    /// Wait after a measurement that failed.
    pub again_s: u32,
    /// Wait before a second look when the platform no longer shows a post.
    pub second_look_s: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { zone: "Asia/Ho_Chi_Minh".into(), again_s: 900, second_look_s: 3600 }
    }
}

/// What came of a measurement.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurement {
    /// Kept; the next one is queued for the time given, when there is one.
    Kept {
        /// The sample.
        sample: Sample,
        /// When the next one is due.
        next: Option<Timestamp>,
    },
    /// Not now: the job comes again.
    Later {
        /// Why.
        reason: String,
    },
    /// Given up after its last try; the next one of the plan is queued.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Nothing to measure any more: not live, or gone.
    Over,
}

/// Measures posts.
pub struct Meter {
    store: Arc<dyn Store>,
    clock: SharedClock,
    ids: Ids,
    config: Config,
}

/// Whom to ask, when anybody can be asked.
pub type Asked<'a> = (&'a dyn Channel, &'a Cx<'a>, To<'a>);

impl Meter {
    /// A meter over this store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: SharedClock,
        entropy: Arc<dyn Entropy>,
        config: Config,
    ) -> Self {
        let ids = Ids::new(clock.clone(), entropy);
        Self { store, clock, ids, config }
    }

    /// Runs one claimed [`JobKind::Measure`] to its end: the sample, its totals and rollups, the next job and the end of
    /// this one are a single commit. Without anybody to ask, only our own link clicks are counted.
    ///
    /// # Errors
    /// [`Error::NotMine`] for another kind of job, [`Error::Store`] when the store refuses; the job then comes again.
    pub async fn measure_post(
        &self,
        claimed: &Claimed,
        ask: Option<Asked<'_>>,
    ) -> Result<Measurement> {
        let JobKind::Measure { post, step } = claimed.job.work else {
            return Err(Error::NotMine(claimed.job.id.to_string()));
        };
        let post = self.store.read::<Post>(&post.to_string()).await?;
        let delivery = match &post {
            Some(post) => self.live_delivery(post.record.id).await?,
            None => None,
        };
        let (Some(post), Some(delivery)) = (post, delivery) else {
            self.store.finish(claimed, JobEnd::Complete).await?;
            return Ok(Measurement::Over);
        };
        let post = post.record;
        let measured = match self.ask(&delivery.record, ask).await {
            Ok(measured) => measured,
            Err(failed) => return self.not_measured(claimed, &delivery.record, step, failed).await,
        };
        self.keep(claimed, &post, delivery, step, measured).await
    }

    /// What the channel says; nothing when it cannot say anything.
    async fn ask(
        &self,
        delivery: &Delivery,
        ask: Option<Asked<'_>>,
    ) -> Result<Option<Measured>, loa_channel::Error> {
        let receipt = delivery.receipt.as_ref().filter(|receipt| !receipt.remote_id.is_empty());
        let (Some((channel, cx, to)), Some(receipt)) = (ask, receipt) else { return Ok(None) };
        if !channel.capability().insights {
            return Ok(None);
        }
        match channel.measure(cx, to, std::slice::from_ref(receipt)).await {
            Ok(all) => Ok(all.into_iter().find(|measured| measured.remote_id == receipt.remote_id)),
            Err(error) if error.kind == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn keep(
        &self,
        claimed: &Claimed,
        post: &Post,
        delivery: Versioned<Delivery>,
        step: u32,
        measured: Option<Measured>,
    ) -> Result<Measurement> {
        let now = self.clock.now();
        let alive = measured.as_ref().and_then(|measured| measured.alive);
        let (mut values, raw) = measured.map_or_else(Default::default, |m| (m.values, m.raw));
        // A number under a metric of ours would stand beside our own count of the same clicks.
        values.retain(|value| value.metric != Metric::LinkClicks);
        values.push(Value {
            metric: Metric::LinkClicks,
            source_name: "loa_link_people".into(),
            definition: "1".into(),
            value: clicks::people(&*self.store, &post.content.link.code).await?,
        });
        let sample = Sample {
            id: self.ids.make(),
            agency: post.agency.clone(),
            post: post.id,
            article: post.article,
            account: post.account.clone(),
            step,
            taken_at: now,
            values,
            raw,
        };
        let mut delivery = Some(delivery);
        loop {
            let held = if let Some(held) = delivery.take() {
                held
            } else {
                let Some(held) = self.live_delivery(post.id).await? else {
                    self.store.finish(claimed, JobEnd::Complete).await?;
                    return Ok(Measurement::Over);
                };
                held
            };
            let (changes, next) = self.changes(claimed, post, &held, &sample, alive).await?;
            match self.store.commit(changes).await {
                Ok(_) => return Ok(Measurement::Kept { sample, next }),
                // A rollup or the delivery moved: read again and count on top.
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn changes(
        &self,
        claimed: &Claimed,
        post: &Post,
        held: &Versioned<Delivery>,
        sample: &Sample,
        alive: Option<bool>,
    ) -> Result<(Changes, Option<Timestamp>)> {
        let now = sample.taken_at;
        let format = post.content.format;
        let (mut totals, expect) = match self.store.read::<Totals>(&post.id.to_string()).await? {
            Some(kept) => (kept.record, Expect::Version(kept.version)),
            None => (fresh(sample, format), Expect::Absent),
        };
        let gains = count(&mut totals, sample);
        match alive {
            Some(false) => totals.gone_seen += 1,
            Some(true) => totals.gone_seen = 0,
            None => {}
        }
        let mut changes = Changes::by(Actor::Worker("reach".into()), "measure post")
            .insert(sample)
            .put(&totals, expect)
            .finish(claimed);
        for (value, gain) in gains {
            let empty = rollup(sample, format, &value, &self.config.zone);
            let kept = self.store.read::<Rollup>(&empty.key()).await?;
            let (mut row, expect) = match kept {
                Some(kept) => (kept.record, Expect::Version(kept.version)),
                None => (empty, Expect::Absent),
            };
            row.gain += gain;
            changes = changes.put(&row, expect);
        }
        let gone = totals.gone_seen >= 2;
        if gone && held.record.state == DeliveryState::Published {
            match held.record.apply(DeliveryEvent::SeenGone, now) {
                Ok(next) => changes = changes.update(&next, held.version),
                Err(refused) => tracing::warn!(%refused, "A post that is gone was not marked"),
            }
        }
        let live_since = held.record.receipt.as_ref().map_or(now, |receipt| receipt.at);
        let next = match totals.gone_seen {
            0 => next_step(sample.step, live_since, now),
            // Once could be a hiccup: look a second time soon, as the same step of the plan.
            1 => Some((sample.step, now + seconds(self.config.second_look_s))),
            _ => None,
        };
        if let Some((step, at)) = next {
            changes = changes.enqueue(self.job(&post.agency, post.id, step, at));
        }
        Ok((changes, next.map(|(_, at)| at)))
    }

    async fn not_measured(
        &self,
        claimed: &Claimed,
        delivery: &Delivery,
        step: u32,
        error: loa_channel::Error,
    ) -> Result<Measurement> {
        let now = self.clock.now();
        let reason = error.to_string();
        if let RetryAdvice::Later { wait, .. } = error.advice {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_hours(24));
            let run_at = now + wait.max(seconds(1));
            self.store.finish(claimed, JobEnd::Snooze { run_at }).await?;
            return Ok(Measurement::Later { reason });
        }
        if claimed.attempt < claimed.job.max_attempts {
            let run_at = now + seconds(self.config.again_s);
            self.store.finish(claimed, JobEnd::Fail { reason: reason.clone(), run_at }).await?;
            return Ok(Measurement::Later { reason });
        }
        // The series goes on: one bad day of a platform must not end a year of numbers.
        let live_since = delivery.receipt.as_ref().map_or(now, |receipt| receipt.at);
        let mut changes =
            Changes::by(Actor::Worker("reach".into()), "skip measurement").finish(claimed);
        if let Some((next, at)) = next_step(step, live_since, now) {
            changes = changes.enqueue(self.job(&delivery.agency, delivery.post, next, at));
        }
        self.store.commit(changes).await?;
        Ok(Measurement::Skipped { reason })
    }

    async fn live_delivery(&self, post: PostId) -> Result<Option<Versioned<Delivery>>> {
        let prefix = join(&[&post.to_string(), ""]);
        let all = self.store.list::<Delivery>("delivery_by_post", &prefix, 1000).await?;
        Ok(all.into_iter().find(|kept| {
            let live = matches!(
                kept.record.state,
                DeliveryState::Published | DeliveryState::Correcting | DeliveryState::Retracting
            );
            live && kept.record.receipt.is_some()
        }))
    }

    fn job(&self, agency: &str, post: PostId, step: u32, at: Timestamp) -> Job {
        Job::new(self.ids.make(), agency, JobKind::Measure { post, step }, at)
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}
