//! Allowances of the platforms, as far as a calendar foresees them: what is planned beyond them will wait.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, Capability, PostId, Shape,
    capability::{Quota, QuotaScope, Window},
    schedule::day_around,
};
use loa_review::{Entry, Standing};

/// Posts that are planned for a time at which their account, or its app, has nothing left of an allowance. `entries` stand in
/// the order of time; what went out before them is not seen, so a warning may come late, never for nothing.
pub(super) fn beyond(
    capabilities: &BTreeMap<String, Capability>,
    accounts: &BTreeMap<String, Account>,
    entries: &[Entry],
) -> BTreeSet<PostId> {
    let mut spent: BTreeMap<(String, &str), VecDeque<(Timestamp, u32)>> = BTreeMap::new();
    let mut beyond = BTreeSet::new();
    for entry in entries {
        let lost = [Standing::Over, Standing::Failed, Standing::Missed];
        let capability = capabilities.get(entry.account.channel());
        let Some(capability) = capability.filter(|_| !lost.contains(&entry.standing())) else {
            continue;
        };
        let shape = Shape { format: entry.format, files: BTreeMap::new() };
        for quota in &capability.pace.quotas {
            let cost = quota.cost_of(&shape);
            if cost == 0 {
                continue;
            }
            let app = accounts
                .get(entry.account.as_str())
                .and_then(|account| account.settings.get(&capability.pace.app_setting));
            let who = match quota.scope {
                QuotaScope::Account => entry.account.to_string(),
                QuotaScope::App => {
                    let app = app.map(String::as_str).unwrap_or_default();
                    format!("{}/{app}", entry.account.channel())
                }
            };
            let units = spent.entry((who, quota.bucket.as_str())).or_default();
            let start = start_of(quota, entry.at);
            while units.front().is_some_and(|(at, _)| *at < start) {
                units.pop_front();
            }
            let used: u32 = units.iter().map(|(_, cost)| *cost).sum();
            if used.saturating_add(cost) <= quota.limit {
                units.push_back((entry.at, cost));
            } else if entry.standing() != Standing::Published {
                beyond.insert(entry.id);
            }
        }
    }
    beyond
}

/// Since when what was spent is not back.
fn start_of(quota: &Quota, at: Timestamp) -> Timestamp {
    match &quota.window {
        Window::RollingH(hours) => {
            let hours = SignedDuration::from_hours(i64::from(*hours));
            at.checked_sub(hours).unwrap_or(Timestamp::MIN)
        }
        // A zone without data counts the day of UTC: the platform decides in the end.
        Window::DayOf(name) => {
            let zone = loa_model::schedule::zone(name).unwrap_or(jiff::tz::TimeZone::UTC);
            day_around(&zone, at).0
        }
    }
}
