//! Between worker and platform: the adapter, and a network that drops, delays, cuts and refuses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Error, ErrorKind, Result, RetryAdvice, Scope};
use loa_model::{AccountName, Clock as _, Gate};
use tokio::sync::oneshot;

use crate::{
    dice::Dice,
    kernel::{Process, Spawner},
    oracle::{self, Sent},
    platform::Platform,
    time::Timeline,
    witness::{Asked, Witness},
};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No connection: provably nothing sent.
    Unreachable,
    /// It never arrives.
    Lost,
    /// It arrives after the client gave up.
    Late,
    /// It is done, its answer never comes.
    Unanswered,
    /// It is done, and the answer is a 5xx.
    Broken,
    /// It is not done, and the answer is a 5xx.
    Busy,
    /// It is done, and nobody can read the answer.
    Garbled,
    /// 429 with a wait for a scope.
    Throttled,
    /// The access token was just declared void.
    Expired,
    /// The content is refused.
    Refused,
    /// Everything takes long.
    Slow,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::Unreachable,
        Self::Lost,
        Self::Late,
        Self::Unanswered,
        Self::Broken,
        Self::Busy,
        Self::Garbled,
        Self::Throttled,
        Self::Expired,
        Self::Refused,
        Self::Slow,
    ];

    fn may_meet(self, request: Request) -> bool {
        match self {
            Self::Refused => request == Request::Create,
            Self::Expired => request != Request::Refresh,
            _ => true,
        }
    }

    /// Name of its counter.
    pub(crate) fn name(self) -> String {
        format!("fault {self:?}").to_lowercase()
    }
}

/// Kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Makes a post or a draft.
    Create,
    /// Makes a draft public.
    Show,
    /// Asks where a post stands.
    Poll,
    /// Read-back.
    Find,
    /// Changes or deletes.
    After,
    /// Renews tokens.
    Refresh,
}

/// How the network behaves in one world.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    /// Percent of requests that meet a fault.
    pub(crate) percent: u64,
    /// The faults of this world, some more often than others.
    pub(crate) faults: Vec<Fault>,
    /// Latest arrival of a request after it left, in seconds: what the quarantine is set for.
    pub(crate) late_s: u64,
    /// Percent of read-backs that are answered from an older state.
    pub(crate) stale: u64,
}

/// Longest age of a stale listing: less than the distance of two read-backs.
pub(crate) const STALE_S: u64 = 100;

/// The network.
pub(crate) struct Wire {
    pub(crate) platform: Arc<Platform>,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) calm: AtomicBool,
    spawner: Arc<Spawner>,
    weather: Weather,
    dice: Dice,
}

/// A request and whose it is.
pub(crate) struct Call<'a> {
    pub(crate) process: &'a Arc<Process>,
    pub(crate) account: &'a AccountName,
    pub(crate) request: Request,
    /// Short-link code of the post it makes.
    pub(crate) marker: Option<&'a str>,
    /// The gate, what is about to be sent, and the store as it is now.
    pub(crate) gate: Option<(&'a dyn Gate, Sent, &'a loa_store::simulation::SimulatedStore)>,
}

impl Wire {
    pub(crate) fn new(
        seed: u64,
        platform: &Arc<Platform>,
        timeline: &Arc<Timeline>,
        witness: &Arc<Witness>,
        spawner: &Arc<Spawner>,
        weather: Weather,
    ) -> Arc<Self> {
        Arc::new(Self {
            platform: platform.clone(),
            timeline: timeline.clone(),
            witness: witness.clone(),
            calm: AtomicBool::new(false),
            spawner: spawner.clone(),
            weather,
            dice: Dice::new(seed, "wire"),
        })
    }

    /// Time of the state that a read-back sees.
    pub(crate) fn listing(&self, now: Timestamp) -> Timestamp {
        if self.calm.load(Ordering::Relaxed) || !self.dice.chance(self.weather.stale) {
            return now;
        }
        self.witness.count("stale listings");
        let age = if self.dice.chance(50) { STALE_S } else { self.dice.below(STALE_S) };
        now - SignedDuration::from_secs(i64::try_from(age).expect("seconds"))
    }

    fn fault(&self, request: Request, marker: Option<&str>) -> Option<Fault> {
        if self.calm.load(Ordering::Relaxed) {
            return None;
        }
        // The second post that a person chose: with a lost answer too, read-back will find both.
        let chosen = marker.is_some_and(|marker| self.platform.allowed(marker) > 1);
        if chosen && request == Request::Create && self.dice.chance(50) {
            return Some(Fault::Unanswered);
        }
        if !self.dice.chance(self.weather.percent) {
            return None;
        }
        Some(self.dice.pick(&self.weather.faults)).filter(|fault| fault.may_meet(request))
    }

    /// One request: asks the gate, sends, waits for the answer. What was sent goes on without the sender.
    pub(crate) async fn exchange<T: Send + 'static>(
        &self,
        call: Call<'_>,
        serve: impl FnOnce(&Platform, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Call { process, account, request, marker, gate } = call;
        let (dice, fault) = (&self.dice, self.fault(request, marker));
        if let Some(fault) = fault {
            self.witness.count(&fault.name());
        }
        let slow = fault == Some(Fault::Slow);
        let leg = |longest_s| if slow { dice.secs(1..=longest_s) } else { dice.millis(5..=400) };
        self.timeline.sleep(leg(8)).await;
        process.point(if gate.is_some() { "before the gate" } else { "before send" }).await;
        if fault == Some(Fault::Unreachable) {
            let wait = dice.secs(0..=40);
            let again = RetryAdvice::Later { wait, scope: Scope::Account };
            return Err(Error::new(ErrorKind::Unavailable, again, "cannot connect"));
        }
        let posts = gate.as_ref().is_some_and(|(_, sent, _)| sent.act.is_of_a_post());
        if let Some((gate, sent, store)) = gate {
            gate.open().map_err(|closed| {
                self.witness.count(&format!("gate: {}", closed.0));
                let again = RetryAdvice::Later { wait: Duration::ZERO, scope: Scope::Post };
                Error::new(ErrorKind::Gate, again, closed.to_string())
            })?;
            oracle::at_send(&self.witness, store, process, self.timeline.now(), &sent);
        }
        let travel = match fault {
            // Often the latest there may be: what is nearly too late finds more.
            Some(Fault::Late) if dice.chance(40) => Duration::from_secs(self.weather.late_s),
            Some(Fault::Late) => dice.secs(10..=self.weather.late_s),
            _ => leg(20),
        };
        let back = leg(20);
        let cut = dice.chance(50).then(|| dice.millis(10..=9000));
        let (wait, scope) = (
            dice.secs(5..=900),
            dice.pick(&[Scope::Post, Scope::Account, Scope::Account, Scope::App]),
        );
        self.witness.say(|| {
            let how = fault.map_or(String::new(), |fault| format!(" ({fault:?})"));
            let marker = marker.unwrap_or_default();
            format!(
                "{} sends {request:?} {marker} to {account}{how}, arrives in {travel:?}",
                process.name
            )
        });
        if let Some(marker) = marker {
            self.platform.departs(marker);
        }
        let (answer, told) = oneshot::channel();
        let answer = if matches!(fault, Some(Fault::Late | Fault::Lost | Fault::Unanswered)) {
            // The client hears that the connection is cut, or nothing at all.
            let timeline = self.timeline.clone();
            let silence = cut.unwrap_or(Duration::from_hours(2));
            if cut.is_none() {
                self.witness.seen().moments.push(Duration::from_secs(30));
            }
            self.spawner.spawn(async move {
                timeline.sleep(silence).await;
                drop(answer);
            });
            None
        } else {
            Some(answer)
        };
        let (platform, timeline) = (self.platform.clone(), self.timeline.clone());
        let witness = self.witness.clone();
        let asked_of = account.clone();
        let (account, marker) = (account.clone(), marker.map(str::to_owned));
        self.spawner.spawn(async move {
            timeline.sleep(travel).await;
            if let Some(marker) = &marker {
                platform.is_over(marker);
            }
            if fault == Some(Fault::Lost) {
                return;
            }
            let served = match fault {
                Some(Fault::Busy) => Err(unclear("503 before anything was done")),
                Some(Fault::Throttled) => {
                    let again = RetryAdvice::Later { wait, scope };
                    Err(Error::new(ErrorKind::Throttled, again, "too many requests").code("429"))
                }
                Some(Fault::Refused) => {
                    let message = "the content is refused";
                    Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message).code("17"))
                }
                _ => {
                    if fault == Some(Fault::Expired) {
                        platform.expire(&account);
                    }
                    serve(&platform, timeline.now())
                }
            };
            witness.say(|| {
                let how = served.as_ref().err().map(ToString::to_string);
                let marker = marker.unwrap_or_default();
                format!(
                    "platform answers {request:?} {marker} of {account}: {}",
                    how.unwrap_or("done".into())
                )
            });
            let heard = match (fault, served) {
                (Some(Fault::Broken), Ok(_)) => Err(unclear("502 after it was sent")),
                (Some(Fault::Garbled), Ok(_)) => {
                    Err(Error::new(ErrorKind::Protocol, RetryAdvice::Verify, "no such answer"))
                }
                (_, served) => served,
            };
            if let Some(answer) = answer {
                timeline.sleep(back).await;
                // A client that is gone hears nothing.
                drop(answer.send(heard));
            }
        });
        process.point("on the wire").await;
        let heard = told.await;
        process.point("after answer").await;
        if posts && let Ok(Err(error)) = &heard {
            self.waits(process, &asked_of, error);
        }
        heard.unwrap_or_else(|_| Err(unclear("the connection was cut after the request was sent")))
    }
}

impl Wire {
    /// A platform asks a worker to wait.
    fn waits(&self, process: &Process, account: &AccountName, error: &Error) {
        let at = self.timeline.now();
        let RetryAdvice::Later { wait, scope } = &error.advice else { return };
        if *scope == Scope::Post || wait.is_zero() {
            return;
        }
        let until = at + SignedDuration::try_from(*wait).expect("minutes");
        let (process, account, app) = (process.name.clone(), account.clone(), *scope == Scope::App);
        self.witness.count("waits that platforms asked for");
        self.witness.seen().asked.push(Asked { process, account, app, until, at });
    }
}

fn unclear(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, RetryAdvice::Verify, message)
}
