//! What a seed decides before anything happens: settings, accounts, posts, weather, and what people will do.

use std::collections::BTreeMap;

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use loa_delivery::{Config, QuietHours, Rules};
use loa_model::{
    Account, AccountStatus, PostFormat, Priority,
    capability::{Gap, PaceRule, Quota, QuotaScope, ReadBack, Window},
};

use crate::{
    adapter::{Chain, Spec},
    dice::Dice,
    wire::{Fault, Weather},
};

const ZONE: &str = "Asia/Ho_Chi_Minh";

/// A post that will be approved.
#[derive(Debug, Clone)]
pub(crate) struct PostPlan {
    /// Place of its account.
    pub(crate) account: usize,
    /// Approved at, from the beginning.
    pub(crate) approved: SignedDuration,
    /// Due so long after that.
    pub(crate) due: SignedDuration,
    /// How long after it was due it may go out.
    pub(crate) window: SignedDuration,
    pub(crate) priority: Priority,
    pub(crate) photo: bool,
    pub(crate) max_attempts: u32,
}

/// What a person does; posts and accounts by their place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    Approve(usize),
    Cancel(usize),
    Hold(usize),
    Release(usize),
    Retract(usize),
    Correct(usize),
    Void(usize),
    Kill {
        scope: String,
        on: bool,
    },
    Pause(usize),
    Resume(usize),
    /// Looks at everything and does what is waiting for a person.
    Duty,
}

/// What happens to machines and disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// A machine's clock jumps to this far ahead, in milliseconds.
    Jump(usize, i64),
    /// Store calls take up to so many milliseconds from now on.
    Slow(u64),
    /// So many writes find the disk full.
    Full(u64),
    /// The next sync fails.
    SyncFails,
    /// A worker is asked to stop, and started again.
    Stop(usize),
}

/// Quiet hours, for the judge.
#[derive(Debug, Clone)]
pub(crate) struct Quiet {
    from: Time,
    to: Time,
}

impl Quiet {
    /// Whether an instant lies in them, by more than `slack`.
    pub(crate) fn covers(&self, at: Timestamp, slack: SignedDuration) -> bool {
        let zone = TimeZone::get(ZONE).expect("a known zone");
        [at - slack, at + slack].iter().all(|at| {
            let time = at.to_zoned(zone.clone()).time();
            time >= self.from && time < self.to
        })
    }
}

/// The date there.
pub(crate) fn local_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::get(ZONE).expect("a known zone")).date()
}

/// The plan of a world.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) quiet: Option<Quiet>,
    pub(crate) workers: usize,
    pub(crate) accounts: Vec<(Account, Spec)>,
    pub(crate) posts: Vec<PostPlan>,
    pub(crate) weather: Weather,
    /// Longest time until a public post is listed, in seconds.
    pub(crate) lag_s: u64,
    /// Percent of posts refused while they are processed.
    pub(crate) refuse: u64,
    /// When faults end.
    pub(crate) calm: SignedDuration,
    pub(crate) deeds: Vec<(SignedDuration, Deed)>,
    pub(crate) mishaps: Vec<(SignedDuration, Mishap)>,
    /// Whether clocks of machines may be wrong.
    pub(crate) skewed: bool,
    /// Percent of process starts and thaws that are followed by another blow.
    pub(crate) blows: u64,
    pub(crate) segment_bytes: u64,
    /// Minutes between two rounds of the person on duty, before it is calm.
    pub(crate) duty_every: i64,
    /// Percent of bad moments at which a person acts.
    pub(crate) busy: u64,
    /// Whether people decide before the quarantine is over.
    pub(crate) hasty: bool,
    /// Longest outage in seconds; 0 when somebody is always near.
    pub(crate) outage_s: u64,
    /// Whether nothing goes wrong: then nothing may be late.
    pub(crate) fair: bool,
}

fn minutes(dice: &Dice, from: u64, to: u64) -> SignedDuration {
    let millis = dice.between(from * 60_000..=to * 60_000);
    SignedDuration::from_millis(i64::try_from(millis).expect("not for ages"))
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let dice = Dice::new(seed, "plan");
        let calm = minutes(&dice, 40, 240);
        let mut accounts: Vec<_> = (0..dice.between(1..=3)).map(|n| account(&dice, n)).collect();
        if dice.chance(30) {
            // Another account on the first one's channel: they share an app and its waits.
            let (mut twin, spec) = accounts[0].clone();
            twin.name = "kenh0:tinh".parse().expect("a good name");
            accounts.push((twin, spec));
        }
        let posts: Vec<_> =
            (0..dice.between(1..=5)).map(|_| post(&dice, accounts.len(), calm)).collect();
        let (config, quiet) = config(&dice);
        let mut faults = Vec::new();
        for fault in Fault::ALL {
            let weight = match fault {
                Fault::Refused => dice.pick(&[0, 0, 0, 1]),
                _ => dice.pick(&[0, 0, 1, 1, 4]),
            };
            faults.extend(std::iter::repeat_n(fault, weight));
        }
        let percent = if faults.is_empty() { 0 } else { dice.pick(&[0, 10, 25, 50]) };
        let settles = accounts.iter().map(|(_, spec)| match spec.chain {
            Chain::Settling(after) => u64::from(after),
            _ => 0,
        });
        // Arrival, showing and listing together stay within the quarantine: that is what it is set for.
        let late_s = 430 - settles.max().unwrap_or(0);
        let weather = Weather { percent, faults, late_s, stale: dice.pick(&[0, 10, 50]) };
        let workers = usize::try_from(dice.pick(&[1, 1, 2, 2, 2])).expect("few");
        let skewed = dice.chance(25);
        let plan = Self {
            deeds: deeds(&dice, &posts, &accounts, calm),
            mishaps: mishaps(&dice, workers, skewed, calm),
            config,
            quiet,
            workers,
            accounts,
            posts,
            weather,
            lag_s: dice.pick(&[0, 30, 100, 100]),
            refuse: dice.pick(&[0, 0, 0, 10]),
            calm,
            skewed,
            blows: dice.pick(&[0, 50, 80, 90]),
            segment_bytes: dice.pick(&[8_000, 60_000, 1_000_000]),
            duty_every: dice.pick(&[2, 7]),
            busy: dice.pick(&[0, 0, 40]),
            hasty: dice.chance(30),
            outage_s: dice.pick(&[0, 7200]),
            fair: false,
        };
        if dice.chance(12) { plan.in_fair_weather() } else { plan }
    }

    /// The same without faults, blows, mishaps and stops: nothing excuses a post that is late.
    fn in_fair_weather(mut self) -> Self {
        self.weather.percent = 0;
        self.blows = 0;
        self.mishaps.clear();
        self.deeds.retain(|(_, deed)| !matches!(deed, Deed::Kill { .. } | Deed::Pause(_)));
        self.skewed = false;
        self.fair = true;
        self
    }

    /// The rules of pace, by channel.
    pub(crate) fn rules(&self) -> Rules {
        let rules = self.accounts.iter();
        rules.map(|(a, spec)| (a.name.channel().to_owned(), spec.pace.clone())).collect()
    }

    /// What a person does at a bad moment within `time`, and how it ends.
    pub(crate) fn bad_moment(
        &self,
        dice: &Dice,
        time: SignedDuration,
    ) -> Vec<(SignedDuration, Deed)> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(0);
        let at = SignedDuration::from_millis(dice.below(millis.max(1)).cast_signed());
        let later = at + minutes(dice, 1, 10);
        let (post, account) = (dice.place(self.posts.len()), dice.place(self.accounts.len()));
        match dice.below(8) {
            0 => vec![(at, Deed::Cancel(post))],
            1 => vec![(at, Deed::Hold(post)), (later, Deed::Release(post))],
            2 => vec![(at, Deed::Void(post))],
            3 => vec![(at, Deed::Retract(post))],
            4 => vec![(at, Deed::Correct(post))],
            5 => vec![(at, Deed::Pause(account)), (later, Deed::Resume(account))],
            _ => {
                let scope = dice.pick(&["all", "agency/demo", "channel/kenh0"]).to_owned();
                let (thrown, lifted) = (scope.clone(), scope);
                vec![
                    (at, Deed::Kill { scope: thrown, on: true }),
                    (later, Deed::Kill { scope: lifted, on: false }),
                ]
            }
        }
    }

    /// Whether a person will call off, hold or void the post with this marker.
    pub(crate) fn stopped(&self, marker: &str) -> bool {
        self.deeds.iter().any(|(_, deed)| match deed {
            Deed::Cancel(n) | Deed::Hold(n) | Deed::Void(n) => marker == format!("k{n}"),
            _ => false,
        })
    }

    /// The kind of an account.
    pub(crate) fn spec(&self, name: &loa_model::AccountName) -> &Spec {
        let found = self.accounts.iter().find(|(account, _)| account.name == *name);
        &found.expect("an account of this world").1
    }
}

fn account(dice: &Dice, n: u64) -> (Account, Spec) {
    let chain = match dice.below(6) {
        0 | 1 => Chain::Public,
        2 => Chain::Hidden,
        3 => Chain::Processed(dice.pick(&[8, 90, 400])),
        4 => Chain::Settling(dice.pick(&[20, 100])),
        _ => Chain::Confirmed,
    };
    let spec = Spec {
        chain,
        read_back: if dice.chance(25) { ReadBack::None } else { ReadBack::ByMarker },
        edit: dice.chance(70),
        delete: dice.chance(70),
        pace: PaceRule {
            account: Gap {
                min_gap_ms: dice.pick(&[0, 0, 60_000, 600_000]),
                burst: u32::try_from(dice.between(1..=3)).expect("few"),
            },
            app: Gap::default(),
            app_setting: "app_id".into(),
            quotas: dice.pick(&[None, None, Some(2), Some(5)]).map(a_day).into_iter().collect(),
        },
        poll_s: dice.pick(&[5, 45, 300]),
    };
    let account = Account {
        name: format!("kenh{n}:cong-tin").parse().expect("a good name"),
        agency: "demo".into(),
        title: "Cổng thông tin".into(),
        remote_id: format!("{n}"),
        settings: BTreeMap::from([("app_id".to_owned(), "loa".to_owned())]),
        status: AccountStatus::Active,
    };
    (account, spec)
}

/// An allowance of so many posts of any kind in a local day.
fn a_day(limit: u32) -> Quota {
    let formats = [PostFormat::Text, PostFormat::Photo];
    Quota {
        bucket: "posts".into(),
        scope: QuotaScope::Account,
        limit,
        window: Window::DayOf(ZONE.into()),
        cost: formats.map(|format| (format, 1)).into(),
        cost_of_file: BTreeMap::new(),
        refused_counts: false,
    }
}

fn post(dice: &Dice, accounts: usize, calm: SignedDuration) -> PostPlan {
    let latest = u64::try_from(calm.as_mins()).unwrap_or(0) * 2 / 3;
    PostPlan {
        account: dice.place(accounts),
        approved: minutes(dice, 0, latest),
        due: if dice.chance(50) { SignedDuration::ZERO } else { minutes(dice, 0, 60) },
        window: match dice.below(10) {
            0 | 1 => SignedDuration::from_millis(dice.between(500..=40_000).cast_signed()),
            2 => minutes(dice, 2, 20),
            3..=5 => minutes(dice, 60, 120),
            _ => minutes(dice, 300, 1200),
        },
        priority: dice.pick(&[
            Priority::Urgent,
            Priority::Normal,
            Priority::Normal,
            Priority::Backfill,
        ]),
        photo: dice.chance(30),
        max_attempts: dice.pick(&[1, 2, 3, 5, 30]),
    }
}

fn config(dice: &Dice) -> (Config, Option<Quiet>) {
    // The world begins at nine in the morning there.
    let quiet = dice.chance(15).then(|| {
        let from = dice.pick(&[Time::constant(9, 5, 0, 0), Time::constant(10, 0, 0, 0)]);
        Quiet { from, to: Time::constant(11, 0, 0, 0) }
    });
    let config = Config {
        concurrency: dice.pick(&[1, 8]),
        delivery_lease_s: dice.pick(&[3600, 3600, 1000]),
        upload_timeout_s: dice.pick(&[60, 900]),
        hold_wait_s: dice.pick(&[120, 120, 1]),
        refresh_check_s: dice.pick(&[0, 600, 600]),
        settle_s: dice.pick(&[600, 3600, 3 * 3600]),
        aftercare_tries: dice.pick(&[2, 8]),
        poll_s: dice.pick(&[120, 600]),
        batch: dice.pick(&[1000, 2]),
        quiet: quiet.as_ref().map(|quiet| QuietHours {
            from: quiet.from,
            to: quiet.to,
            zone: ZONE.into(),
        }),
        ..Config::default()
    };
    (config, quiet)
}

fn deeds(
    dice: &Dice,
    posts: &[PostPlan],
    accounts: &[(Account, Spec)],
    calm: SignedDuration,
) -> Vec<(SignedDuration, Deed)> {
    let mut deeds = Vec::new();
    for (n, post) in posts.iter().enumerate() {
        deeds.push((post.approved, Deed::Approve(n)));
        // Most of what people do comes at the moment when it matters: around the time the post goes out.
        let due = post.approved + post.due;
        let soon = |dice: &Dice| {
            if dice.chance(60) {
                due + SignedDuration::from_millis(dice.between(0..=40_000).cast_signed())
            } else {
                due + minutes(dice, 0, 60)
            }
        };
        if dice.chance(25) {
            deeds.push((soon(dice), Deed::Cancel(n)));
        }
        if dice.chance(15) {
            let at = soon(dice);
            deeds.push((at, Deed::Hold(n)));
            deeds.push((at + minutes(dice, 1, 30), Deed::Release(n)));
        }
        if dice.chance(10) {
            deeds.push((soon(dice), Deed::Void(n)));
        }
        let after = || {
            if dice.chance(30) {
                due + SignedDuration::from_millis(dice.between(500..=90_000).cast_signed())
            } else {
                due + minutes(dice, 1, 90)
            }
        };
        if dice.chance(25) {
            deeds.push((after(), Deed::Retract(n)));
        }
        if dice.chance(25) {
            deeds.push((after(), Deed::Correct(n)));
        }
    }
    // Half of the stops come while something is going out.
    let some_time = |dice: &Dice| {
        let post = &posts[dice.place(posts.len())];
        let latest = u64::try_from(calm.as_mins()).unwrap_or(0);
        if dice.chance(50) {
            post.approved
                + post.due
                + SignedDuration::from_millis(dice.between(0..=60_000).cast_signed())
        } else {
            minutes(dice, 0, latest)
        }
    };
    if dice.chance(25) {
        let scope = dice.pick(&["all", "agency/demo", "channel/kenh0"]).to_owned();
        let at = some_time(dice);
        deeds.push((at, Deed::Kill { scope: scope.clone(), on: true }));
        deeds.push((at + minutes(dice, 1, 40), Deed::Kill { scope, on: false }));
    }
    if dice.chance(25) {
        let (account, at) = (dice.place(accounts.len()), some_time(dice));
        deeds.push((at, Deed::Pause(account)));
        deeds.push((at + minutes(dice, 1, 40), Deed::Resume(account)));
    }
    deeds
}

fn mishaps(
    dice: &Dice,
    workers: usize,
    skewed: bool,
    calm: SignedDuration,
) -> Vec<(SignedDuration, Mishap)> {
    let mut mishaps = Vec::new();
    let latest = u64::try_from(calm.as_mins()).unwrap_or(0);
    if skewed {
        for _ in 0..dice.between(1..=6) {
            let ahead = dice.between(0..=40_000).cast_signed() - 20_000;
            mishaps.push((minutes(dice, 0, latest), Mishap::Jump(dice.place(workers), ahead)));
        }
    }
    if dice.chance(35) {
        mishaps.push((minutes(dice, 0, latest / 2), Mishap::Slow(dice.pick(&[300, 4000]))));
        mishaps.push((minutes(dice, latest / 2, latest), Mishap::Slow(0)));
    }
    if dice.chance(20) {
        mishaps.push((minutes(dice, 0, latest), Mishap::Full(dice.between(1..=6))));
    }
    if dice.chance(15) {
        mishaps.push((minutes(dice, 0, latest), Mishap::SyncFails));
    }
    for _ in 0..dice.pick(&[0, 0, 1, 3]) {
        mishaps.push((minutes(dice, 0, latest), Mishap::Stop(dice.place(workers))));
    }
    mishaps
}
