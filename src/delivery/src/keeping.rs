//! Paces in the store: read for a question, kept when a platform says something.

use jiff::Timestamp;
use loa_channel::{Scope, Usage};
use loa_model::{Account, Actor, DeliveryId, capability::PaceRule};
use loa_store::{Changes, Error as StoreError, Expect, Result, Store, StoreExt as _};

use crate::{Pace, pace::hear};

/// A pace and the version it was read at.
pub(crate) type Known = (Pace, Expect);

/// Accounts of one app share its limits.
pub(crate) fn app_key(account: &Account, rule: &PaceRule) -> String {
    let app = account.settings.get(&rule.app_setting).map_or("", String::as_str);
    format!("app/{}/{app}", account.name.channel())
}

pub(crate) async fn pace(store: &dyn Store, key: &str) -> Result<Known> {
    Ok(match store.read::<Pace>(key).await? {
        Some(kept) => (kept.record, Expect::Version(kept.version)),
        None => (Pace::new(key), Expect::Absent),
    })
}

/// Pace of an account and of its app.
pub(crate) async fn paces(
    store: &dyn Store,
    account: &Account,
    rule: &PaceRule,
) -> Result<(Known, Known)> {
    Ok((pace(store, account.name.as_str()).await?, pace(store, &app_key(account, rule)).await?))
}

/// Changes with each pace that is not as it was.
pub(crate) fn put(mut changes: Changes, paces: &[(Known, Pace)]) -> Changes {
    for ((before, expect), after) in paces {
        if before != after {
            changes = changes.put(after, *expect);
        }
    }
    changes
}

/// Keeps what a platform said about its allowances, also when it was asked for something else than a post. `post` is the
/// delivery whose chain made the calls.
///
/// # Errors
/// As any read or commit.
pub async fn keep_usage(
    store: &dyn Store,
    actor: &Actor,
    account: &Account,
    rule: &PaceRule,
    heard: &[Usage],
    post: Option<DeliveryId>,
    now: Timestamp,
) -> Result<()> {
    while !heard.is_empty() {
        let (of_account, of_app) = paces(store, account, rule).await?;
        let (mut account_now, mut app_now) = (of_account.0.clone(), of_app.0.clone());
        hear(&mut account_now, &mut app_now, heard, rule, post, now);
        let changes = Changes::by(actor.clone(), "keep the platform's usage");
        let changes = put(changes, &[(of_account, account_now), (of_app, app_now)]);
        if changes.rows.is_empty() {
            break;
        }
        match store.commit(changes).await {
            Ok(_) => break,
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// When what can wait may be read again from the platform: it asked to wait, or the rest of its allowance is kept for posts.
///
/// # Errors
/// As any read or commit.
pub async fn reads_from(
    store: &dyn Store,
    account: &Account,
    rule: &PaceRule,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let (account, app) = paces(store, account, rule).await?;
    Ok(account.0.reads_from(now).max(app.0.reads_from(now)))
}

/// Keeps the platform's wait for everyone it holds up.
pub(crate) async fn hold_up(
    store: &dyn Store,
    actor: &Actor,
    (account, rule): (&Account, &PaceRule),
    scope: Scope,
    until: Timestamp,
    reason: &str,
) -> Result<()> {
    let key = match scope {
        Scope::Post => return Ok(()),
        Scope::Account => account.name.to_string(),
        Scope::App => app_key(account, rule),
    };
    loop {
        let (mut pace, expect) = pace(store, &key).await?;
        if pace.not_before.is_some_and(|known| known >= until) {
            return Ok(());
        }
        pace.not_before = Some(until);
        reason.clone_into(&mut pace.reason);
        let changes = Changes::by(actor.clone(), "keep the platform's wait").put(&pace, expect);
        match store.commit(changes).await {
            Ok(_) => return Ok(()),
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}
