//! The one thread: tasks that can go on are polled in an order drawn from the seed; processes are struck at their awaits.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use jiff::Timestamp;

use crate::dice::Dice;

/// A task of the world.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What happens to a process at one of its awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It alone dies.
    Crash,
    /// It stands still for so long and goes on as if nothing had been.
    Freeze(Duration),
    /// The machine of the store dies, and every process with it.
    House,
}

/// Where a blow falls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim {
    /// Awaits left; only those of `name` count when there is one.
    pub(crate) left: u64,
    /// Name of the awaits that count.
    pub(crate) name: Option<&'static str>,
    /// What happens there.
    pub(crate) blow: Blow,
}

/// One start of a program: dies as a whole.
#[derive(Debug)]
pub(crate) struct Process {
    /// Owner name of a worker, or who sits at the desk.
    pub(crate) name: String,
    /// Whether its clock may be wrong.
    pub(crate) skewed: bool,
    aim: Mutex<Option<Aim>>,
    struck: Mutex<Option<(&'static str, Blow)>>,
    frozen_at: Mutex<Option<Timestamp>>,
    thawed_at: Mutex<Option<Timestamp>>,
    dice: Arc<Dice>,
}

impl Process {
    /// A process that was just started.
    pub(crate) fn new(name: String, skewed: bool, dice: Arc<Dice>) -> Arc<Self> {
        Arc::new(Self {
            name,
            skewed,
            aim: Mutex::default(),
            struck: Mutex::default(),
            frozen_at: Mutex::default(),
            thawed_at: Mutex::default(),
            dice,
        })
    }

    /// Lets a blow fall later.
    pub(crate) fn aim(&self, aim: Aim) {
        *self.aim.lock().unwrap_or_else(PoisonError::into_inner) = Some(aim);
    }

    /// An await of the program: here it may be struck, and others may go first.
    pub(crate) async fn point(&self, name: &'static str) {
        let hit = {
            let mut aim = self.aim.lock().unwrap_or_else(PoisonError::into_inner);
            match aim.as_mut().filter(|aim| aim.name.is_none_or(|wanted| wanted == name)) {
                None => None,
                Some(due) if due.left == 0 => aim.take().map(|aim| (name, aim.blow)),
                Some(far) => {
                    far.left -= 1;
                    None
                }
            }
        };
        if hit.is_some() {
            *self.struck() = hit;
            // Until the kernel has seen it: nothing of this process goes on meanwhile.
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if self.struck().is_some() { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        } else if self.dice.chance(20) {
            stand_aside().await;
        }
    }

    fn struck(&self) -> MutexGuard<'_, Option<(&'static str, Blow)>> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blow that has fallen.
    pub(crate) fn blow(&self) -> Option<(&'static str, Blow)> {
        self.struck().take()
    }

    /// Stops at an instant.
    pub(crate) fn freeze(&self, at: Timestamp) {
        *self.frozen_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Lets go on.
    pub(crate) fn thaw(&self, at: Timestamp) {
        *self.thawed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        *self.frozen_at.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether it stood still at this time or later.
    pub(crate) fn stood_still_since(&self, at: Timestamp) -> bool {
        let thawed = *self.thawed_at.lock().unwrap_or_else(PoisonError::into_inner);
        thawed.is_some_and(|thawed| thawed >= at)
    }

    /// Since when it stands still.
    pub(crate) fn frozen_at(&self) -> Option<Timestamp> {
        *self.frozen_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen_at().is_some()
    }
}

/// Lets everybody else go first, once.
async fn stand_aside() {
    let mut stood = false;
    std::future::poll_fn(|cx| {
        if stood {
            return Poll::Ready(());
        }
        stood = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    process: Option<Arc<Process>>,
    job: Job,
    flag: Arc<Flag>,
}

/// Takes tasks from inside other tasks.
#[derive(Default)]
pub(crate) struct Spawner(Mutex<Vec<(Option<Arc<Process>>, Job)>>);

impl Spawner {
    /// A task that belongs to no process: what is on the wire goes on whoever dies.
    pub(crate) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.waiting().push((None, Box::pin(job)));
    }

    /// A task that dies with its process.
    pub(crate) fn spawn_in(
        &self,
        process: Arc<Process>,
        job: impl Future<Output = ()> + Send + 'static,
    ) {
        self.waiting().push((Some(process), Box::pin(job)));
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Option<Arc<Process>>, Job)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tasks.
pub(crate) struct Kernel {
    spawner: Arc<Spawner>,
    tasks: BTreeMap<u64, Task>,
    number: u64,
    dice: Dice,
}

impl Kernel {
    /// No tasks yet.
    pub(crate) fn new(seed: u64) -> Self {
        let (spawner, tasks) = (Arc::default(), BTreeMap::new());
        Self { spawner, tasks, number: 0, dice: Dice::new(seed, "kernel") }
    }

    /// Where tasks are handed in.
    pub(crate) fn spawner(&self) -> Arc<Spawner> {
        self.spawner.clone()
    }

    /// Polls one task that can go on. Returns whether there was one, and its process.
    pub(crate) fn step(&mut self) -> Option<Option<Arc<Process>>> {
        for (process, job) in self.spawner.waiting().drain(..) {
            let flag = Arc::new(Flag(AtomicBool::new(true)));
            self.tasks.insert(self.number, Task { process, job, flag });
            self.number += 1;
        }
        let awake = |task: &Task| {
            task.flag.0.load(Ordering::Relaxed)
                && task.process.as_ref().is_none_or(|process| !process.is_frozen())
        };
        let ready: Vec<u64> =
            self.tasks.iter().filter(|(_, task)| awake(task)).map(|(id, _)| *id).collect();
        if ready.is_empty() {
            return None;
        }
        let id = self.dice.pick(&ready);
        let task = self.tasks.get_mut(&id).expect("it was just listed");
        task.flag.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(task.flag.clone());
        let done = task.job.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let process = task.process.clone();
        if done {
            self.tasks.remove(&id);
        }
        Some(process)
    }

    /// Drops every task of a process, wherever they wait.
    pub(crate) fn kill(&mut self, process: &Arc<Process>) {
        let of = |other: &Option<Arc<Process>>| {
            other.as_ref().is_some_and(|other| Arc::ptr_eq(other, process))
        };
        self.spawner.waiting().retain(|(other, _)| !of(other));
        self.tasks.retain(|_, task| !of(&task.process));
    }

    /// Whether a process still has tasks.
    pub(crate) fn has(&self, process: &Arc<Process>) -> bool {
        let of = |other: &Arc<Process>| Arc::ptr_eq(other, process);
        self.tasks.values().any(|task| task.process.as_ref().is_some_and(of))
            || self.spawner.waiting().iter().any(|(other, _)| other.as_ref().is_some_and(of))
    }
}
