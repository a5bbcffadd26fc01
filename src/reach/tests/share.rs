//! A link shows one report until it runs out or is taken back, and nothing that is kept opens it.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::sync::Arc;

use jiff::SignedDuration;
use loa_model::{Ids, UserId};
use loa_reach::{By, Days, Share, Shared, open_share, revoke_share, share, shares};
use loa_store::StoreExt as _;
use support::{Counter, World, ready, start};

const MAKER: UserId = UserId(uuid::Uuid::nil());

fn shared(world: &World, days: Option<i64>) -> (String, Share) {
    let ids = Ids::new(world.clock.clone(), Arc::new(Counter::default()));
    let week = Days { first: "2026-11-16".parse().unwrap(), last: "2026-11-22".parse().unwrap() };
    let of = (week, vec![By::Channel]);
    ready(share(&*world.store, (&*world.clock, &ids), "demo", of, MAKER, days)).unwrap()
}

#[test]
fn a_link_runs_out() {
    let world = World::new();
    let (token, made) = shared(&world, None);
    let after = |hours| start() + SignedDuration::from_hours(hours);
    let open = |token: &str, hours| ready(open_share(&*world.store, token, after(hours))).unwrap();
    assert_eq!(open(&token, 30 * 24 - 1), Shared::Open(made.clone()));
    assert_eq!(open(&token, 30 * 24), Shared::Over);
    assert_eq!(open("khongco", 0), Shared::Unknown);
    // What is kept is not the key to it.
    let kept = ready(world.store.read::<Share>(&made.token.to_string())).unwrap().unwrap();
    assert!(!serde_json::to_string(&kept.record).unwrap().contains(&token));
    assert_eq!(open(&made.token.to_string(), 0), Shared::Unknown);
    for (asked, hours) in [(0, 24), (7, 7 * 24), (10_000, 366 * 24)] {
        let world = World::new();
        assert_eq!(shared(&world, Some(asked)).1.expires_at, after(hours), "{asked}");
    }
}

#[test]
fn a_link_is_taken_back_by_its_own_agency() {
    let world = World::new();
    let (token, made) = shared(&world, None);
    let revoke =
        |agency| ready(revoke_share(&*world.store, agency, made.token, (MAKER, start()))).unwrap();
    let open = || ready(open_share(&*world.store, &token, start())).unwrap();
    assert!(!revoke("khac"));
    assert_eq!(open(), Shared::Open(made.clone()));
    assert!(ready(shares(&*world.store, "khac")).unwrap().is_empty());
    assert!(revoke("demo") && revoke("demo"), "again is the same");
    assert_eq!(open(), Shared::Over);
    let all = ready(shares(&*world.store, "demo")).unwrap();
    assert_eq!(all, [Share { revoked: Some((MAKER, start())), ..made.clone() }]);
}
