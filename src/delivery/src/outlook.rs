//! What people ask before they schedule: when could the next post of this account go, and what is left of its allowances?

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountName, Capability, Delivery, DeliveryId, DeliveryState as State, Post,
    PostFormat, Priority, Shape, Timetable,
    capability::{PaceRule, Quota, QuotaScope, Window},
    record::join,
};
use loa_store::{Store, StoreExt as _};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Config, Desk, Pace, Result,
    keeping::{app_key, paces},
    pace::{Spent, window_end},
    pacing::{Ask, Held},
};

/// Answer for one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// When a post of each format, with every file it may have, could go at the earliest; absent when not within two months.
    pub next_free: BTreeMap<PostFormat, Timestamp>,
    /// What is left of the allowances of the account and its app.
    pub quota_left: Vec<Left>,
    /// How much of an allowance the platform itself said is used, from 60 % on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    /// Until when the platform asked to wait.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<AskedToWait>,
}

/// What a platform said of an allowance of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who shares it.
    pub scope: QuotaScope,
    /// Percent that is used.
    pub percent: u8,
    /// Until when that says something.
    pub until: Timestamp,
}

/// A wait that a platform asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedToWait {
    /// Who waits.
    pub scope: QuotaScope,
    /// Until when.
    pub until: Timestamp,
    /// What it said.
    pub reason: String,
}

/// What is left of one allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Its name.
    pub bucket: String,
    /// Who shares it.
    pub scope: QuotaScope,
    /// Units in a window.
    pub limit: u32,
    /// Units left for posts that are not urgent.
    pub left: u64,
    /// Units left for urgent ones.
    pub left_urgent: u64,
    /// Units of posts that are approved and not sent yet, in this window; not taken off yet.
    pub planned: u64,
    /// When units come back.
    pub window: Window,
    /// When the next of them are back; absent while none are spent.
    pub back_at: Option<Timestamp>,
}

/// An approved post that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Account.
    pub account: AccountName,
    /// When.
    pub at: Timestamp,
    /// What it is made of.
    pub shape: Shape,
}

/// How far it is looked ahead.
const HORIZON: SignedDuration = SignedDuration::from_hours(62 * 24);

/// Steps of one search: more are a rule that lets nothing go.
const MOST_STEPS: usize = 2000;

/// The outlook of an account over these records. `ask` names paces, rule and plan; the post it is about does not matter.
/// `planned` holds what waits on the account and on others of its app.
pub fn outlook(
    account: &AccountName,
    ask: &Ask<'_>,
    shapes: &[Shape],
    planned: &[Planned],
    config: &Config,
    now: Timestamp,
) -> Outlook {
    let view = View { account, ask, planned, config };
    let next_free = |shape: &Shape| Some((shape.format, view.next_free(shape, now)?));
    Outlook {
        next_free: shapes.iter().filter_map(next_free).collect(),
        quota_left: ask.rule.quotas.iter().map(|quota| view.left(quota, now)).collect(),
        told: view.told(now),
        waits: view.waits(now),
    }
}

struct View<'a> {
    account: &'a AccountName,
    ask: &'a Ask<'a>,
    planned: &'a [Planned],
    config: &'a Config,
}

impl View<'_> {
    fn pace_of(&self, scope: QuotaScope) -> &Pace {
        match scope {
            QuotaScope::Account => self.ask.account,
            QuotaScope::App => self.ask.app,
        }
    }

    fn told(&self, now: Timestamp) -> Vec<Told> {
        let of = |scope| {
            let used = self.pace_of(scope).percent(now)?;
            Some(Told { scope, percent: used.percent, until: used.until })
        };
        [QuotaScope::Account, QuotaScope::App].into_iter().filter_map(of).collect()
    }

    fn waits(&self, now: Timestamp) -> Vec<AskedToWait> {
        let of = |scope| {
            let pace = self.pace_of(scope);
            let until = pace.not_before.filter(|until| *until > now)?;
            Some(AskedToWait { scope, until, reason: pace.reason.clone() })
        };
        [QuotaScope::Account, QuotaScope::App].into_iter().filter_map(of).collect()
    }

    /// Planned posts that share what is of this scope.
    fn sharing(&self, scope: QuotaScope) -> impl Iterator<Item = &Planned> {
        let own = move |post: &&Planned| scope == QuotaScope::App || post.account == *self.account;
        self.planned.iter().filter(own)
    }

    fn left(&self, quota: &Quota, now: Timestamp) -> Left {
        let pace = self.pace_of(quota.scope);
        let spent = pace.spent_of(quota, now);
        let reserved = |post: &Planned| {
            let spending = pace.spending.get(&quota.bucket);
            spending.is_some_and(|spending| spending.posts.contains_key(&post.delivery))
        };
        let end = window_end(&quota.window, now);
        let open = self.sharing(quota.scope).filter(|post| post.at < end && !reserved(post));
        let most = |urgent| Ask::limit(quota, urgent, self.config).saturating_sub(spent);
        Left {
            bucket: quota.bucket.clone(),
            scope: quota.scope,
            limit: quota.limit,
            left: most(false),
            left_urgent: most(true),
            planned: open.map(|post| u64::from(quota.cost_of(&post.shape))).sum(),
            window: quota.window.clone(),
            back_at: pace.back_at(quota, now),
        }
    }

    /// The first instant at which the pace lets a post go that keeps its distance to the planned ones and leaves them their
    /// units.
    fn next_free(&self, shape: &Shape, now: Timestamp) -> Option<Timestamp> {
        let own = self.ask.plan.map_or(0, |plan| u64::from(plan.min_gap_s) * 1000);
        let gap_ms = self.ask.rule.account.min_gap_ms.max(own);
        let gap = SignedDuration::from_millis(i64::try_from(gap_ms).unwrap_or(i64::MAX));
        let mut at = now;
        for _ in 0..MOST_STEPS {
            if at > now + HORIZON {
                return None;
            }
            let account = self.booked(QuotaScope::Account, at);
            let app = self.booked(QuotaScope::App, at);
            let asked = Ask {
                delivery: DeliveryId(Uuid::nil()),
                shape,
                priority: Priority::Normal,
                account: &account,
                app: &app,
                begins: true,
                ..*self.ask
            };
            if let Err(Held { until, .. }) = asked.now(self.config, at) {
                at = until.max(at + SignedDuration::from_millis(1));
                continue;
            }
            let near = |post: &&Planned| post.at.duration_since(at).abs() < gap;
            let neighbour = self.sharing(QuotaScope::Account).filter(near).map(|post| post.at);
            match neighbour.max() {
                Some(neighbour) => at = neighbour + gap,
                None => return Some(at),
            }
        }
        None
    }

    /// The pace with what the planned posts will have reserved by `at`; of a whole day, also those that come after.
    fn booked(&self, scope: QuotaScope, at: Timestamp) -> Pace {
        let mut pace = self.pace_of(scope).clone();
        for quota in self.ask.rule.quotas.iter().filter(|quota| quota.scope == scope) {
            let spending = pace.spending.entry(quota.bucket.clone()).or_default();
            let whole_day = matches!(quota.window, Window::DayOf(_));
            for post in self.sharing(scope).filter(|post| whole_day || post.at <= at) {
                let units = quota.cost_of(&post.shape);
                spending.posts.entry(post.delivery).or_insert(Spent {
                    units,
                    used: 0,
                    at: post.at,
                });
            }
        }
        pace
    }
}

impl Desk {
    /// Outlooks as of now.
    pub fn lookout(&self) -> Lookout<'_> {
        Lookout::new(&*self.store, &self.config, self.clock.now())
    }
}

/// Most deliveries of one account that are looked at.
const MOST_PLANNED: usize = 1000;

/// Outlooks over a store at one moment. What waits on an app is read once, however many of its accounts are asked about.
pub struct Lookout<'a> {
    store: &'a dyn Store,
    config: &'a Config,
    now: Timestamp,
    /// What waits on the accounts of an app that share its allowances, by app.
    planned: BTreeMap<String, Arc<[Planned]>>,
}

impl<'a> Lookout<'a> {
    /// Nothing is read yet.
    pub fn new(store: &'a dyn Store, config: &'a Config, now: Timestamp) -> Self {
        Self { store, config, now, planned: BTreeMap::new() }
    }

    /// The outlook of an account.
    ///
    /// # Errors
    /// [`crate::Error::Store`].
    pub async fn of(&mut self, account: &Account, capability: &Capability) -> Result<Outlook> {
        let rule = &capability.pace;
        let (of_account, of_app) = paces(self.store, account, rule).await?;
        let timetable = self.store.read::<Timetable>(account.name.as_str()).await?;
        let plan = timetable.map(|timetable| timetable.record.plan);
        let planned = self.planned(account, rule).await?;
        let shapes: Vec<_> = capability.formats.keys().map(|f| capability.fullest(*f)).collect();
        let Some(any) = shapes.first() else { return Ok(Outlook::default()) };
        let ask = Ask {
            delivery: DeliveryId(Uuid::nil()),
            shape: any,
            priority: Priority::Normal,
            account: &of_account.0,
            app: &of_app.0,
            rule,
            plan: plan.as_ref(),
            begins: true,
        };
        Ok(outlook(&account.name, &ask, &shapes, &planned, self.config, self.now))
    }

    /// What waits on the account, and on those that share allowances of its app.
    async fn planned(&mut self, account: &Account, rule: &PaceRule) -> Result<Arc<[Planned]>> {
        if rule.quotas.iter().all(|quota| quota.scope == QuotaScope::Account) {
            return Ok(self.waiting(&account.name).await?.into());
        }
        let app = app_key(account, rule);
        if let Some(known) = self.planned.get(&app) {
            return Ok(Arc::clone(known));
        }
        let channel = account.name.channel();
        let mut planned = Vec::new();
        for other in self.store.all::<Account>(10_000).await?.into_iter().map(|row| row.record) {
            if other.name.channel() == channel && app_key(&other, rule) == app {
                planned.extend(self.waiting(&other.name).await?);
            }
        }
        let planned: Arc<[Planned]> = planned.into();
        self.planned.insert(app, Arc::clone(&planned));
        Ok(planned)
    }

    async fn waiting(&self, name: &AccountName) -> Result<Vec<Planned>> {
        let mut planned = Vec::new();
        for state in [State::Scheduled, State::Ready, State::Leased, State::Intent] {
            let prefix = join(&[name.as_str(), state.name(), ""]);
            let waiting =
                self.store.list::<Delivery>("delivery_by_account", &prefix, MOST_PLANNED).await?;
            for Delivery { id, post, due_at, not_before, .. } in
                waiting.into_iter().map(|row| row.record)
            {
                let post = self.store.read::<Post>(&post.to_string()).await?;
                let Some(post) = post else { continue };
                let at = due_at.max(not_before).max(self.now);
                let (account, shape) = (name.clone(), post.record.content.shape());
                planned.push(Planned { delivery: id, account, at, shape });
            }
        }
        Ok(planned)
    }
}
