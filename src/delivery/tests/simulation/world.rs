//! One world: a house with its store, machines with their workers, people, a platform; and what befalls them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use loa_channel::{Blobs, Error, MediaUrls};
use loa_delivery::{Deps, Desk, Incident, IncidentKind, Worker, owner_name};
use loa_model::{Actor, BlobHash, Clock as _, Delivery, DeliveryId, DeliveryState as State, Media};
use loa_store::{
    Changes, Store as _, StoreExt as _, Vault,
    simulation::{Disk, Loss, SimulatedStore},
};
use tokio::sync::watch as watch_channel;

use crate::{
    adapter::{Adapter, Adapters},
    blows,
    dice::Dice,
    house::{HouseStore, Safe},
    kernel::{Aim, Blow, Kernel, Process},
    oracle,
    people::{self, Office},
    plan::{Deed, Mishap, Plan},
    platform::Platform,
    time::{Timeline, View},
    verdict,
    watch::{self, Watch},
    wire::Wire,
    witness::{Witness, at_once},
};

/// Polls without time moving on: more is a world that goes round in circles.
const RESTLESS: u64 = 100_000;
/// Polls in all: a world has some thousands.
const MOST: u64 = 2_000_000;
/// Time that a disk without room takes to be written to again.
const FULL: SignedDuration = SignedDuration::from_mins(10);
const KEY: [u8; 32] = [7; 32];

/// What the world has planned for a time.
enum Event {
    Deed(Deed),
    Mishap(Mishap),
    /// The house is opened again.
    Open,
    /// The worker of a machine is started.
    Start(usize),
    Thaw(Arc<Process>),
    /// The house dies.
    Die,
    /// Somebody looks whether the watchdog is awake.
    Look,
    Calm,
}

struct House {
    store: Arc<SimulatedStore>,
    office: Arc<Office>,
    desk: Arc<Process>,
    /// The watchdog, and what ends it.
    dog: (Arc<Process>, watch_channel::Sender<bool>),
}

struct Machine {
    place: String,
    view: Arc<View>,
    instance: u64,
    running: Option<(Arc<Process>, watch_channel::Sender<bool>)>,
}

/// A world.
pub(crate) struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) platform: Arc<Platform>,
    began: Timestamp,
    kernel: Kernel,
    wire: Arc<Wire>,
    disk: Disk,
    house: Option<House>,
    machines: Vec<Machine>,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    number: u64,
    dice: Arc<Dice>,
    slow_ms: Arc<AtomicU64>,
    silent: Option<Timestamp>, // Since when a failed sync lets the store answer nobody.
    calm: bool,
    watch: Watch,
    seed: u64,
    /// Polls in all, and records in the ledger at the end.
    pub(crate) polls: u64,
    pub(crate) records: u64,
}

impl World {
    /// The world of a seed, before anything happened.
    pub(crate) fn new(seed: u64, loud: bool) -> Self {
        let began: Timestamp = "2026-11-22T02:00:00Z".parse().expect("an instant");
        let plan = Arc::new(Plan::of(seed));
        let timeline = Timeline::new(began);
        let witness = Witness::new(&timeline, loud);
        let kernel = Kernel::new(seed);
        let platform = Platform::new(seed, &witness, plan.lag_s, plan.refuse);
        let spawner = kernel.spawner();
        let wire = Wire::new(seed, &platform, &timeline, &witness, &spawner, plan.weather.clone());
        let machines = (0..plan.workers).map(|n| Machine {
            place: format!("tram-{n}"),
            view: View::of(&timeline),
            instance: 0,
            running: None,
        });
        let mut world = Self {
            machines: machines.collect(),
            plan: plan.clone(),
            timeline,
            witness,
            platform,
            began,
            kernel,
            wire,
            disk: Disk::default(),
            house: None,
            agenda: BTreeMap::new(),
            number: 0,
            dice: Arc::new(Dice::new(seed, "world")),
            slow_ms: Arc::default(),
            silent: None,
            calm: false,
            watch: Watch::default(),
            seed,
            polls: 0,
            records: 0,
        };
        for (at, deed) in &plan.deeds {
            world.later(*at, Event::Deed(deed.clone()));
        }
        for (at, mishap) in &plan.mishaps {
            world.later(*at, Event::Mishap(mishap.clone()));
        }
        world.later(plan.calm, Event::Calm);
        world.later(watch::EVERY, Event::Look);
        world.later(SignedDuration::from_mins(10), Event::Deed(Deed::Duty));
        world.found();
        world.open();
        world
    }

    fn later(&mut self, from_now: SignedDuration, event: Event) {
        self.number += 1;
        self.agenda.insert((self.timeline.now() + from_now, self.number), event);
    }

    /// Accounts, credentials and the approver, before the first start.
    fn found(&self) {
        let clock = self.timeline.clone();
        let store = SimulatedStore::open(clock, &self.disk, self.plan.segment_bytes);
        let store = Arc::new(store.expect("a new disk"));
        let by = || Changes::by(Actor::Operator("cài đặt".into()), "set up");
        let mut changes = by().insert(&people::approver_record());
        for (account, _) in &self.plan.accounts {
            changes = changes.insert(account);
        }
        at_once(store.commit(changes)).expect("a new store");
        let entropy = Arc::new(Dice::new(self.seed, "found"));
        let vault = Vault::open("".as_ref(), store, entropy, Some(KEY));
        let vault = at_once(vault).expect("an empty vault");
        for (account, _) in &self.plan.accounts {
            let secret = self.platform.connect(&account.name, self.began);
            at_once(vault.put(&account.name, secret, Actor::Operator("cài đặt".into())))
                .expect("a new store");
        }
    }

    /// Runs to the end. What was broken is with the witness.
    pub(crate) fn run(&mut self) {
        let mut restless = 0;
        while self.witness.broken().is_none() {
            if let Some(process) = self.kernel.step() {
                restless += 1;
                self.polls += 1;
                self.witness.check(
                    restless < RESTLESS && self.polls < MOST,
                    "time goes on",
                    || format!("{} polls, {restless} of them at this time", self.polls),
                );
                self.look_after(process);
                self.people_act_at_bad_moments();
                continue;
            }
            let next = [self.timeline.next_sleeper(), self.agenda.keys().next().map(|(at, _)| *at)];
            let next = next.into_iter().flatten().min().expect("the person on duty comes again");
            restless = if next > self.timeline.now() { 0 } else { restless + 1 };
            self.timeline.advance_to(next);
            while let Some(entry) = self.agenda.first_entry().filter(|e| e.key().0 <= next) {
                let event = entry.remove();
                if self.happens(event) {
                    return;
                }
            }
        }
    }

    /// After a poll: power, blows and ends.
    fn look_after(&mut self, process: Option<Arc<Process>>) {
        if self.house.is_some() && self.disk.is_dark() {
            self.witness.count("house died in the middle of a write");
            self.house_dies();
            return;
        }
        let Some(process) = process else { return };
        match process.blow() {
            None => {
                let ended =
                    |m: &Machine| m.running.as_ref().is_some_and(|(p, _)| Arc::ptr_eq(p, &process));
                let ended = self.machines.iter().position(ended);
                if let Some(n) = ended.filter(|_| !self.kernel.has(&process)) {
                    self.witness.say(|| format!("{} has ended", process.name));
                    self.machines[n].running = None;
                    self.restart(n);
                }
            }
            Some((place, Blow::House)) => {
                self.witness.count(&format!("house died {place}"));
                self.house_dies();
            }
            Some((place, Blow::Freeze(time))) => {
                self.witness.count(&format!("froze {place}"));
                self.witness.say(|| format!("{} freezes {place} for {time:?}", process.name));
                process.freeze(self.timeline.now());
                self.witness.seen().moments.push(time);
                let time = SignedDuration::try_from(time).expect("hours");
                self.later(time, Event::Thaw(process));
            }
            Some((place, Blow::Crash)) => {
                self.witness.count(&format!("crashed {place}"));
                self.witness.say(|| format!("{} dies {place}", process.name));
                self.kernel.kill(&process);
                let since = self.silent.unwrap_or_else(|| self.timeline.now());
                self.witness.died(&process.name, since);
                let is_it =
                    |m: &Machine| m.running.as_ref().is_some_and(|(p, _)| Arc::ptr_eq(p, &process));
                if let Some(n) = self.machines.iter().position(is_it) {
                    self.machines[n].running = None;
                    self.restart(n);
                }
            }
        }
    }

    fn people_act_at_bad_moments(&mut self) {
        let moments = std::mem::take(&mut self.witness.seen().moments);
        for time in moments {
            if !self.calm && self.dice.chance(self.plan.busy) {
                let time = SignedDuration::try_from(time).expect("hours");
                for (at, deed) in self.plan.clone().bad_moment(&self.dice, time) {
                    self.later(at, Event::Deed(deed));
                }
            }
        }
    }

    fn restart(&mut self, n: usize) {
        let pause = self.dice.secs(1..=90);
        self.later(SignedDuration::try_from(pause).expect("seconds"), Event::Start(n));
    }

    /// Every process dies, and the disk keeps what it keeps.
    fn house_dies(&mut self) {
        let Some(house) = self.house.take() else { return };
        self.kernel.kill(&house.desk);
        self.kernel.kill(&house.dog.0);
        let now = self.timeline.now();
        self.watch.blind(now);
        let silent = self.silent.take().unwrap_or(now);
        for machine in &mut self.machines {
            if let Some((process, _)) = machine.running.take() {
                self.kernel.kill(&process);
                let since = process.frozen_at().unwrap_or(silent).min(silent);
                self.witness.died(&process.name, since);
            }
        }
        self.witness.count("house died");
        self.witness.say(|| "the house dies".to_owned());
        self.come_back();
    }

    /// What the disk keeps of it, and when somebody opens the house again.
    fn come_back(&mut self) {
        let dice = &self.dice;
        self.disk = match dice.below(5) {
            0 => self.disk.next_process(),
            1 | 2 => self.disk.power_cycle(Loss::All),
            3 => self.disk.power_cycle(Loss::Tail(dice.below(1001))),
            _ => self.disk.power_cycle(Loss::Scattered(dice.below(1 << 32))),
        };
        let (longest, calm) = (self.plan.outage_s, self.calm);
        let long = longest > 0 && !calm && self.dice.chance(20);
        let pause = self.dice.secs(1..=if long { longest } else { 120 });
        self.later(SignedDuration::try_from(pause).expect("hours"), Event::Open);
    }

    fn open(&mut self) {
        let clock = self.timeline.clone();
        let store = match SimulatedStore::open(clock, &self.disk, self.plan.segment_bytes) {
            Ok(store) => Arc::new(store),
            Err(_) if self.disk.is_dark() => {
                self.witness.count("house died while it opened");
                return self.come_back();
            }
            Err(error) => {
                return self.witness.broke("a store opens after every end", &error.to_string());
            }
        };
        if store.recovery().cut_bytes > 0 {
            self.witness.count("torn tails cut");
        }
        self.witness.say(|| format!("the house opens at record {}", store.last_seq()));
        oracle::after_restart(&self.witness, &store);
        let desk = Process::new("desk".into(), false, self.dice.clone());
        self.aim_at_desk(&desk);
        let entropy = |name: &str| Arc::new(Dice::new(self.seed, name));
        let desk_of = |house: HouseStore, process: &Arc<Process>, dice: Arc<Dice>| {
            let (adapters, config) = (self.adapters(&store, process), self.plan.config.clone());
            let clock = self.timeline.clone();
            Desk::new(Arc::new(house), Arc::new(adapters), clock, dice, config)
        };
        let house = self.house_store(&store, &desk);
        let dice = entropy(&format!("people {}", store.last_seq()));
        let office = Office {
            desk: desk_of(house.clone(), &desk, dice.clone()),
            store: house,
            platform: self.platform.clone(),
            plan: self.plan.clone(),
            dice,
            key: KEY,
            began: self.began,
        };
        let process = Process::new("watchdog".into(), false, self.dice.clone());
        let quick = HouseStore { slow_ms: Arc::default(), ..self.house_store(&store, &process) };
        let looks = desk_of(quick, &process, entropy("watchdog"));
        let stop = watch::let_out(looks, self.calm, &process, &self.kernel.spawner());
        let dog = (process, stop);
        self.house = Some(House { store, office: Arc::new(office), desk, dog });
        for n in 0..self.machines.len() {
            let pause = SignedDuration::try_from(self.dice.millis(0..=30_000)).expect("seconds");
            self.later(pause, Event::Start(n));
        }
    }

    fn house_store(&self, store: &Arc<SimulatedStore>, process: &Arc<Process>) -> HouseStore {
        HouseStore {
            store: store.clone(),
            disk: self.disk.clone(),
            process: process.clone(),
            witness: self.witness.clone(),
            timeline: self.timeline.clone(),
            slow_ms: self.slow_ms.clone(),
            dice: self.dice.clone(),
        }
    }

    fn adapters(&self, store: &Arc<SimulatedStore>, process: &Arc<Process>) -> Adapters {
        let adapter = |(account, spec): &(loa_model::Account, crate::adapter::Spec)| {
            let adapter = Adapter::new(spec, &self.wire, process, store);
            (account.name.channel().to_owned(), adapter)
        };
        Adapters(self.plan.accounts.iter().map(adapter).collect())
    }

    fn start(&mut self, n: usize) {
        let Some(house) = &self.house else { return };
        if self.machines[n].running.is_some() {
            return;
        }
        let store = house.store.clone();
        let machine = &mut self.machines[n];
        machine.instance += 1;
        let name = owner_name(&machine.place, machine.instance);
        let (view, skewed) = (machine.view.clone(), self.plan.skewed);
        let process = Process::new(name.clone(), skewed, self.dice.clone());
        let (stop, stopped) = watch_channel::channel(false);
        machine.running = Some((process.clone(), stop));
        self.aim(&process);
        self.witness.say(|| format!("{name} starts"));
        let house: Arc<dyn loa_store::Store> = Arc::new(self.house_store(&store, &process));
        let entropy = Arc::new(Dice::new(self.seed, &name));
        let channels = Arc::new(self.adapters(&store, &process));
        let config = self.plan.config.clone();
        let witness = self.witness.clone();
        self.kernel.spawner().spawn_in(process, async move {
            let vault = Vault::open("".as_ref(), house.clone(), entropy.clone(), Some(KEY)).await;
            let Ok(vault) = vault else { return };
            let worker = Worker::new(Deps {
                store: house,
                channels,
                blobs: Arc::new(Photos),
                media: Arc::new(Photos),
                secrets: Arc::new(Safe(vault)),
                clock: view,
                entropy,
                config,
                owner: name,
            });
            if let Err(error) = worker.run(stopped).await {
                witness.say(|| format!("a worker ends: {error}"));
            }
        });
    }

    /// Chooses the next blow of a worker.
    fn aim(&self, process: &Process) {
        if !self.calm
            && self.dice.chance(self.plan.blows)
            && let Some(aim) = blows::next(&self.dice, &self.disk)
        {
            process.aim(aim);
        }
    }

    fn aim_at_desk(&self, desk: &Process) {
        if !self.calm && self.dice.chance(self.plan.blows / 3) {
            let left = self.dice.below(20);
            desk.aim(Aim { left, name: Some("after commit"), blow: Blow::House });
        }
    }

    /// Lets an event happen. Returns whether the world has come to rest.
    fn happens(&mut self, event: Event) -> bool {
        match event {
            Event::Open => self.open(),
            Event::Start(n) => self.start(n),
            Event::Thaw(process) => {
                process.thaw(self.timeline.now());
                self.witness.say(|| format!("{} thaws", process.name));
                self.aim(&process);
            }
            Event::Die => self.house_dies(),
            Event::Look if self.calm => {}
            Event::Look => {
                if let Some(house) = &self.house {
                    let (store, now) = (house.store.clone(), self.timeline.now());
                    if self.disk.fails_appends() {
                        // It is full until somebody writes, however long nobody does.
                        self.watch.blind(now + FULL);
                    }
                    self.watch.look(&self.witness, &self.plan, &store, now);
                }
                self.later(watch::EVERY, Event::Look);
            }
            Event::Deed(deed) => return self.people(deed),
            Event::Mishap(mishap) => self.mishap(mishap),
            Event::Calm => {
                self.witness.say(|| "calm".to_owned());
                self.calm = true;
                if let Some(house) = &self.house {
                    house.dog.1.send_replace(true);
                }
                self.wire.calm.store(true, Ordering::Relaxed);
                self.slow_ms.store(0, Ordering::Relaxed);
                self.disk.lose_power_at(u64::MAX);
                self.disk.fail_appends(0);
                self.disk.fail_syncs(0);
                for machine in &self.machines {
                    machine.view.set_ahead(0);
                }
            }
        }
        false
    }

    fn people(&mut self, deed: Deed) -> bool {
        let on_duty = deed == Deed::Duty;
        if on_duty {
            if self.calm && self.at_rest() {
                return true;
            }
            let rounds = if self.calm { 15 } else { self.plan.duty_every };
            self.later(SignedDuration::from_mins(rounds), Event::Deed(Deed::Duty));
        }
        match &self.house {
            Some(house) => {
                let (office, calm) = (house.office.clone(), self.calm);
                let work = async move { office.act(deed, calm).await };
                self.kernel.spawner().spawn_in(house.desk.clone(), work);
            }
            // The house is dark: people come again in a minute, the one on duty at her next round.
            None if on_duty => {}
            None => self.later(SignedDuration::from_mins(1), Event::Deed(deed)),
        }
        false
    }

    fn mishap(&mut self, mishap: Mishap) {
        if self.calm || self.house.is_none() {
            return;
        }
        self.witness.say(|| format!("{mishap:?}"));
        match mishap {
            Mishap::Jump(n, ahead) => {
                self.witness.count("clock jumps");
                self.machines[n].view.set_ahead(ahead);
            }
            Mishap::Slow(most) => self.slow_ms.store(most, Ordering::Relaxed),
            Mishap::Full(writes) => {
                self.watch.blind(self.timeline.now() + FULL);
                self.disk.fail_appends(writes);
            }
            Mishap::SyncFails => {
                self.watch.blind(self.timeline.now() + SignedDuration::from_mins(2));
                self.disk.fail_syncs(1);
                self.silent = Some(self.timeline.now());
                let pause = SignedDuration::try_from(self.dice.secs(10..=90)).expect("minutes");
                self.later(pause, Event::Die);
            }
            Mishap::Stop(n) => {
                if let Some((_, stop)) = &self.machines[n].running {
                    self.witness.count("workers asked to stop");
                    stop.send_replace(true);
                }
            }
        }
    }

    /// Whether everything has come to an end that it does not leave by itself.
    fn at_rest(&self) -> bool {
        let since = self.timeline.now().duration_since(self.began + self.plan.calm);
        let ends = self.plan.posts.iter().map(|post| post.approved + post.due + post.window).max();
        let settle = SignedDuration::from_secs(self.plan.config.settle_s.into());
        let most = ends.unwrap_or_default().max(self.plan.calm) + settle;
        let Some(house) = &self.house else { return false };
        if since < SignedDuration::from_mins(20) {
            return false;
        }
        let all = at_once(house.store.all::<Delivery>(1000)).expect("it can be read");
        let open: Vec<&Delivery> = all
            .iter()
            .map(|d| &d.record)
            .filter(|d| !d.state.is_terminal() && d.state != State::Published)
            .collect();
        let made =
            self.plan.posts.len() <= all.iter().filter(|d| d.record.retry_of.is_none()).count();
        let over = self.timeline.now() > self.began + most + SignedDuration::from_hours(12);
        self.witness.check(!over || (open.is_empty() && made), "nothing is left lying", || {
            open.first().map_or("a post was never approved".to_owned(), |d| format!("{d:#?}"))
        });
        let told = at_once(house.store.all::<Incident>(usize::MAX)).expect("they can be read");
        let mut told = told.iter().map(|kept| &kept.record);
        let doubled = told.any(|i| i.kind == IncidentKind::Duplicate && i.closed.is_none());
        made && (open.is_empty() && !doubled || over)
    }

    /// The last power cut, and the judgement of the whole.
    pub(crate) fn judge(&mut self) {
        let Some(house) = self.house.take() else { return };
        drop(house);
        for (process, _) in self.machines.iter().filter_map(|machine| machine.running.as_ref()) {
            if let Some(since) = process.frozen_at() {
                self.witness.died(&process.name, since);
            }
        }
        let disk = self.disk.power_cycle(Loss::All);
        let clock = self.timeline.clone();
        match SimulatedStore::open(clock, &disk, self.plan.segment_bytes) {
            Ok(store) => {
                oracle::after_restart(&self.witness, &store);
                oracle::pace_was_kept(&self.witness, &self.plan, &self.platform.posts());
                verdict::of(self, &store);
                oracle::invariants_hold(&self.witness, &store, &self.plan.rules());
                self.records = store.last_seq();
            }
            Err(error) => self.witness.broke("a store opens after every end", &error.to_string()),
        }
    }
}

struct Photos;

#[async_trait]
impl Blobs for Photos {
    async fn read(&self, hash: BlobHash) -> loa_channel::Result<bytes::Bytes> {
        let bytes = people::photo_of(hash).map(bytes::Bytes::from);
        bytes.ok_or_else(|| Error::internal(format!("blob {hash} is missing")))
    }
}

#[async_trait]
impl MediaUrls for Photos {
    async fn url(&self, _: DeliveryId, _: &Media) -> loa_channel::Result<url::Url> {
        Err(Error::internal("no public media"))
    }
}
