//! Clicks on our own short links, by day, without personal data.

use loa_model::{Actor, ClickCount, Clock, Record as _, record::join};
use loa_store::{Changes, Error as StoreError, Expect, Store, StoreExt as _};

use crate::{Result, records::day_in};

/// Counts one click on `code` on today's row in `zone`; `robot` for crawlers and link previews.
///
/// # Errors
/// [`crate::Error::Store`] when the count cannot be kept.
pub async fn record_click(
    store: &dyn Store,
    clock: &dyn Clock,
    code: &str,
    robot: bool,
    zone: &str,
) -> Result<()> {
    let empty =
        ClickCount { code: code.to_owned(), day: day_in(zone, clock.now()), people: 0, robots: 0 };
    loop {
        let kept = store.read::<ClickCount>(&empty.key()).await?;
        let (mut count, expect) = match kept {
            Some(kept) => (kept.record, Expect::Version(kept.version)),
            None => (empty.clone(), Expect::Absent),
        };
        if robot {
            count.robots += 1;
        } else {
            count.people += 1;
        }
        let changes = Changes::by(Actor::Worker("links".into()), "count click").put(&count, expect);
        match store.commit(changes).await {
            Ok(_) => return Ok(()),
            // Two clicks at the same moment: count on top of the other.
            Err(StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Clicks by people on a code, all days.
pub(crate) async fn people(store: &dyn Store, code: &str) -> Result<u64> {
    let rows = store.list::<ClickCount>("click_by_code", &join(&[code, ""]), 10_000).await?;
    Ok(rows.iter().map(|row| row.record.people).sum())
}
