//! What a delivery or a job waits for: its own time, something that holds it back, a person, or nothing at all but a worker.
//! Pure, for pages, which say it, and for the watchdog, which raises an alarm when it is a worker for too long.

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountStatus, Capability, Delivery, DeliveryId, DeliveryState as State, JobState,
    Plan, Shape, Why,
};
use loa_store::JobView;

use crate::{
    Config, KillSwitch, Pace,
    chain::{begins, urgency},
    pacing::{Ask, Held, Wait},
    read_back,
};

/// What it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// For nothing: it is live or over.
    Nothing,
    /// For its own time: a schedule, a lease that runs, a quarantine.
    Until(Timestamp),
    /// For a person, who has to decide.
    Person,
    /// It would go, and something holds it back rightly.
    Back {
        /// What.
        why: Why,
        /// Words of whoever holds it back; may be empty.
        words: String,
        /// Until when, where that is known.
        until: Option<Timestamp>,
    },
    /// For a worker, since this instant: nothing else keeps it.
    Worker {
        /// Its deadline.
        since: Timestamp,
    },
}

/// What is known around a delivery.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// Its account; absent when it is not set up any more.
    pub(crate) account: Option<&'a Account>,
    /// What its channel can do; absent when this build does not know it.
    pub(crate) capability: Option<&'a Capability>,
    /// A switch that is thrown over it.
    pub(crate) switch: Option<&'a KillSwitch>,
    /// Pace of the account.
    pub(crate) pace: &'a Pace,
    /// Pace of its app.
    pub(crate) app: &'a Pace,
    /// The account's own plan.
    pub(crate) plan: Option<&'a Plan>,
    /// The delivery of the account that is worked on now, or goes first.
    pub(crate) ahead: Option<DeliveryId>,
}

/// What a delivery waits for; `shape` is what its post is made of.
pub(crate) fn waits(
    d: &Delivery,
    shape: &Shape,
    around: &Around<'_>,
    config: &Config,
    now: Timestamp,
) -> Waits {
    let late = now > d.not_after && !d.may_be_live();
    match d.state {
        State::Scheduled => at(d.due_at.max(d.not_before), now),
        State::Ready | State::Held if late => Waits::Worker { since: d.not_after },
        State::Held => Waits::Person,
        State::Leased | State::Intent => at(answer_due(d, config), now),
        State::Uncertain => {
            let next = around.capability.map(|capability| read_back::next(d, capability, config));
            match next {
                Some(None) => Waits::Person,
                Some(Some(next)) if next > now => Waits::Until(next),
                Some(Some(next)) => unheard(d, around).unwrap_or(Waits::Worker { since: next }),
                None => Waits::Worker { since: d.updated_at },
            }
        }
        State::Ready => {
            if d.not_before > now {
                return match Why::of(&d.reason) {
                    (Some(why), words) => {
                        let words = words.to_owned();
                        Waits::Back { why, words, until: Some(d.not_before) }
                    }
                    (None, _) => Waits::Until(d.not_before),
                };
            }
            stopped(around)
                .or_else(|| unheard(d, around))
                .or_else(|| paced(d, shape, around, config, now))
                .unwrap_or(Waits::Worker { since: d.not_before })
        }
        State::Correcting | State::Retracting => stopped(around)
            .or_else(|| unheard(d, around))
            .unwrap_or(Waits::Worker { since: d.updated_at }),
        State::Published
        | State::Rejected
        | State::Dead
        | State::Cancelled
        | State::Missed
        | State::Retracted
        | State::Gone => Waits::Nothing,
    }
}

/// What a job waits for; `lane_moves` when somebody runs another job of its lane.
pub(crate) fn job_waits(job: &JobView, lane_moves: bool, now: Timestamp) -> Waits {
    match job.state {
        JobState::Scheduled | JobState::Retryable => Waits::Until(job.job.run_at),
        JobState::Executing => job.until.map_or(Waits::Nothing, |until| at(until, now)),
        JobState::Available if lane_moves => {
            Waits::Back { why: Why::Behind, words: String::new(), until: None }
        }
        // Due, or taken by a worker whose lease ran out.
        JobState::Available => {
            Waits::Worker { since: job.until.unwrap_or(job.job.run_at).max(job.job.run_at) }
        }
        JobState::Completed | JobState::Discarded | JobState::Cancelled => Waits::Nothing,
    }
}

/// Whether the pace of account and app lets a ready delivery go now.
pub(crate) fn may_go(
    d: &Delivery,
    shape: &Shape,
    around: &Around<'_>,
    config: &Config,
    now: Timestamp,
) -> Result<(), Held> {
    let Some(capability) = around.capability else { return Ok(()) };
    let ask = Ask {
        delivery: d.id,
        shape,
        priority: urgency(d, now, config),
        account: around.pace,
        app: around.app,
        rule: &capability.pace,
        plan: around.plan,
        begins: begins(d),
    };
    ask.now(config, now).map(drop)
}

impl From<Wait> for Why {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Quiet => Self::QuietHours,
            Wait::Platform => Self::PlatformWait,
            Wait::Usage => Self::Usage,
            Wait::Budget => Self::Budget,
            Wait::Gap => Self::Gap,
        }
    }
}

fn at(deadline: Timestamp, now: Timestamp) -> Waits {
    if deadline > now { Waits::Until(deadline) } else { Waits::Worker { since: deadline } }
}

/// When whoever has it must have said what came of it: a step on the wire has a time limit, everything else the lease.
fn answer_due(d: &Delivery, config: &Config) -> Timestamp {
    let lease = d.lease.as_ref().map_or(d.updated_at, |lease| lease.until);
    let step = d.intent.as_ref().filter(|_| d.state == State::Intent).map(|intent| {
        let limit = SignedDuration::try_from(config.timeout(intent.effect));
        intent.at + limit.unwrap_or(SignedDuration::MAX)
    });
    step.map_or(lease, |step| step.min(lease))
}

/// A switch or a pause keeps every request from leaving.
fn stopped(around: &Around<'_>) -> Option<Waits> {
    let back = |why, words: &str| Some(Waits::Back { why, words: words.to_owned(), until: None });
    if let Some(switch) = around.switch {
        return back(Why::KillSwitch, &switch.reason);
    }
    match around.account.map(|account| &account.status) {
        Some(AccountStatus::Paused { reason, .. }) => back(Why::Paused, reason),
        _ => None,
    }
}

/// Dead credentials keep even questions from being answered, and posts of one account go one after the other.
fn unheard(d: &Delivery, around: &Around<'_>) -> Option<Waits> {
    if let Some(AccountStatus::NeedsReauth { reason, .. }) =
        around.account.map(|account| &account.status)
    {
        let words = reason.clone();
        return Some(Waits::Back { why: Why::NoCredentials, words, until: None });
    }
    let other = around.ahead.filter(|ahead| *ahead != d.id);
    other.map(|_| Waits::Back { why: Why::Behind, words: String::new(), until: None })
}

fn paced(
    d: &Delivery,
    shape: &Shape,
    around: &Around<'_>,
    config: &Config,
    now: Timestamp,
) -> Option<Waits> {
    let Held { until, why } = may_go(d, shape, around, config, now).err()?;
    let mut words = String::new();
    if why == Wait::Platform {
        let app = around.app.not_before > around.pace.not_before;
        words.clone_from(if app { &around.app.reason } else { &around.pace.reason });
    }
    Some(Waits::Back { why: why.into(), words, until: Some(until) })
}
