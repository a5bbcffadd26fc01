//! What became of a post whose outcome is unclear: ask the platform after the quarantine, else a person decides.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{ErrorKind, Lookup, RetryAdvice, To};
use loa_model::{
    Capability, Delivery, DeliveryEvent as Event, DeliveryState as State, Gate, GateClosed, Post,
    capability::ReadBack,
};
use loa_store::{Changes, StoreExt as _, Versioned};

use crate::{
    Config, IncidentKind, Result, Round,
    chain::{At, signed},
    config::secs,
    moves::NotMoved,
    standing::Refreshed,
};

/// How long a platform that does not answer is searched for a post that a person saw.
const SEARCHED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The word of a person who saw it, as a conclusion.
pub(crate) fn word(d: &Delivery) -> Option<Event> {
    let seen = d.seen_live.as_deref()?;
    Some(Event::ConfirmLive { receipt: seen.receipt.clone(), by: seen.by })
}

/// The same once the platform was searched for long enough, also where it never answers.
pub(crate) fn last_word(d: &Delivery, now: Timestamp) -> Option<Event> {
    let seen = d.seen_live.as_deref()?;
    word(d).filter(|_| now >= seen.receipt.at + SEARCHED_FOR)
}

/// When the next read-back of an uncertain delivery may count; nothing when only a person can tell.
pub(crate) fn next(d: &Delivery, capability: &Capability, config: &Config) -> Option<Timestamp> {
    if capability.read_back == ReadBack::None {
        return None;
    }
    let apart = d.absent.last().map(|last| *last + secs(config.read_back_apart_s));
    Some(d.quarantine_until.unwrap_or(d.updated_at).max(apart.unwrap_or(Timestamp::MIN)))
}

/// A gate for calls that must not change anything.
pub(crate) struct ReadOnly;

impl Gate for ReadOnly {
    fn open(&self) -> Result<(), GateClosed> {
        Err(GateClosed("a read-back must not change anything".into()))
    }
}

impl At<'_> {
    /// Asks the platform once.
    pub(crate) async fn read_back(
        &self,
        row: &Versioned<Delivery>,
        round: &mut Round,
    ) -> Result<()> {
        let d = &row.record;
        let config = &self.worker.deps.config;
        let post = self.worker.deps.store.read::<Post>(&d.post.to_string()).await?;
        let (Some(post), Some(secret)) = (post, self.secret().await?) else {
            self.again_later(d, secs(config.read_back_again_s), round);
            return Ok(());
        };
        let gate = ReadOnly;
        let cx = self.cx(&gate);
        let what = Lookup {
            marker: &d.marker,
            content: &post.record.content,
            ticket: d.ticket.as_ref(),
            since: d
                .sending_since
                .or_else(|| d.intent.as_ref().map(|i| i.at))
                .unwrap_or(d.created_at),
        };
        let request = self.channel.find(&cx, To { account: self.account, secret: &secret }, what);
        let answer = self
            .guarded(Duration::from_secs(u64::from(config.upload_timeout_s.min(120))), request)
            .await;
        self.keep_usage(Some(d.id)).await?;
        let mut incident = None;
        let event = match answer {
            Some(Ok(mut found)) => {
                found.sort_by(|a, b| (a.at, &a.remote_id).cmp(&(b.at, &b.remote_id)));
                if found.len() > 1 {
                    let ids: Vec<_> =
                        found.iter().map(|receipt| receipt.remote_id.clone()).collect();
                    let mut two = self.mover().incident(
                        d,
                        IncidentKind::Duplicate,
                        self.now(),
                        "read-back found several",
                    );
                    two.remote_ids = ids;
                    incident = Some(two);
                }
                match found.into_iter().next() {
                    Some(receipt) => Event::Found(receipt),
                    None => Event::Absent { apart: secs(config.read_back_apart_s) },
                }
            }
            Some(Err(error)) if error.kind == ErrorKind::Unsupported => {
                // As if the capability said so: a person decides, and we do not ask again soon.
                let Some(word) = word(d) else {
                    self.again_later(d, SignedDuration::from_hours(24), round);
                    return Ok(());
                };
                word
            }
            Some(Err(error)) => {
                let wait = match error.advice {
                    RetryAdvice::Later { wait, .. } => signed(wait).max(secs(1)),
                    RetryAdvice::Reauthorize => {
                        match self.worker.refresh(self.account, self.channel, Some(self)).await? {
                            Refreshed::Yes => secs(1),
                            Refreshed::Later(wait) => wait.max(secs(1)),
                            Refreshed::Young | Refreshed::No => {
                                self.worker.needs_reauth(self.account, &error.to_string()).await?;
                                secs(config.read_back_again_s)
                            }
                        }
                    }
                    RetryAdvice::Never | RetryAdvice::Verify => secs(config.read_back_again_s),
                };
                tracing::warn!(delivery.id = %d.id, %error, "A read-back failed and will be repeated");
                self.again_later(d, wait, round);
                return Ok(());
            }
            None => {
                self.again_later(d, secs(config.read_back_again_s), round);
                return Ok(());
            }
        };
        let now = self.now();
        // Found is found; not found is said of the doubt it was asked in, and once.
        let found = matches!(event, Event::Found(_));
        let still = |now: &Delivery| {
            now.state == State::Uncertain
                && (found || now.quarantine_until == d.quarantine_until && now.absent == d.absent)
        };
        let beside = |_: &Delivery, changes: Changes| match &incident {
            Some(incident) => changes.insert(incident),
            None => changes,
        };
        match self.mover().make(row, &event, now, still, beside).await? {
            Ok(done) => {
                self.worker.memory().later.remove(&done.record.id);
                round.note(&done.record);
                let at = match done.record.state {
                    State::Uncertain => now + secs(config.read_back_apart_s),
                    _ => now,
                };
                round.wake_at(at);
            }
            Err(NotMoved::Lost(fresh)) => round.note(&fresh.record),
            Err(NotMoved::Refused(refused)) => {
                tracing::warn!(delivery.id = %d.id, %refused, "A read-back does not count");
                self.again_later(d, secs(config.read_back_again_s), round);
            }
        }
        Ok(())
    }

    /// Remembers not to ask before `wait` is over.
    pub(crate) fn again_later(&self, d: &Delivery, wait: SignedDuration, round: &mut Round) {
        let at = self.now() + wait;
        let mut memory = self.worker.memory();
        let tries = memory.later.get(&d.id).map_or(0, |(tries, _)| *tries);
        memory.later.insert(d.id, (tries + 1, at));
        round.wake_at(at);
    }
}
