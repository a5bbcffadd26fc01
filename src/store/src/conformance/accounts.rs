//! Who may post on an account.

use std::time::Duration;

use super::{HandClock, MINUTE, Subject};
use crate::Error;

const PAGE: &str = "memory:cong-tin";

/// While one owner holds an account, another gets nothing.
pub async fn one_owner_posts_at_a_time(store: Subject, clock: &HandClock) {
    let lease = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    assert_eq!((lease.account.as_str(), lease.owner.as_str(), lease.fence), (PAGE, "máy-một", 1));
    assert_eq!(store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap(), None);
    let other = store.lease_account("memory:so-y-te", "máy-hai", MINUTE).await.unwrap();
    assert_eq!(other.map(|lease| lease.fence), Some(1));
    clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap(), None);
}

/// An owner that asks again before the end keeps its fence and gets more time.
pub async fn keeping_an_account_keeps_its_fence(store: Subject, clock: &HandClock) {
    let first = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    clock.advance(MINUTE / 2);
    let kept = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    assert_eq!(kept.fence, first.fence);
    assert_eq!(kept.until, first.until + MINUTE / 2);
    clock.advance(MINUTE / 2);
    assert_eq!(store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap(), None);
    let shorter = store.lease_account(PAGE, "máy-một", Duration::from_secs(1)).await.unwrap();
    assert_eq!(shorter.map(|lease| lease.until), Some(kept.until), "a lease is never cut short");
}

/// The fence rises when the owner changes, and when the same owner comes back too late.
pub async fn a_new_owner_has_a_higher_fence(store: Subject, clock: &HandClock) {
    let first = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    clock.advance(MINUTE);
    let second = store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    clock.advance(MINUTE);
    let third = store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap().unwrap();
    assert!(third.fence > second.fence);
}

/// A released account is free for anybody, under a higher fence.
pub async fn a_released_account_is_free_at_once(store: Subject, _: &HandClock) {
    let first = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    store.release_account(&first).await.unwrap();
    let second = store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
}

/// A release by somebody who lost the account is refused and changes nothing.
pub async fn a_stale_owner_cannot_release(store: Subject, clock: &HandClock) {
    let first = store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap().unwrap();
    clock.advance(MINUTE);
    store.lease_account(PAGE, "máy-hai", MINUTE).await.unwrap().unwrap();
    let stale = store.release_account(&first).await;
    assert!(matches!(stale, Err(Error::LeaseLost { .. })), "{stale:?}");
    assert_eq!(store.lease_account(PAGE, "máy-một", MINUTE).await.unwrap(), None);
}
