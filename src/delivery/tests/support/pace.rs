//! Limits and accounts for tests of pacing.

use std::collections::BTreeMap;

use loa_model::{
    Account, AccountStatus, PostFormat,
    capability::{Gap, Quota, QuotaScope, Window},
};
use loa_store::Changes;

use super::{World, operator};

/// An allowance of texts in a day of this zone.
pub fn texts_a_day(scope: QuotaScope, limit: u32, zone: &str) -> Quota {
    Quota {
        bucket: "texts".into(),
        scope,
        limit,
        window: Window::DayOf(zone.into()),
        cost: BTreeMap::from([(PostFormat::Text, 1)]),
        cost_of_file: BTreeMap::new(),
        refused_counts: false,
    }
}

pub fn gap(min_gap_ms: u64, burst: u32) -> Gap {
    Gap { min_gap_ms, burst }
}

impl World {
    /// One more account, of this app.
    pub fn open_account(&self, name: &str, app: &str) {
        let account = Account {
            name: name.parse().unwrap(),
            agency: "demo".into(),
            title: "Cổng thông tin tỉnh".into(),
            remote_id: name.into(),
            settings: BTreeMap::from([("app_id".into(), app.into())]),
            status: AccountStatus::Active,
        };
        self.commit(Changes::by(operator(), "add account").insert(&account));
    }

    /// Sixty-three provinces under one app.
    pub fn provinces(&self) -> Vec<String> {
        let names: Vec<_> = (0..63).map(|n| format!("memory:tinh-{n:02}")).collect();
        for name in &names {
            self.open_account(name, "loa");
        }
        names
    }
}
