//! Whether the ledger still is what was written: each record names the hash of the one before.

use axum::{Json, extract::State};
use loa_model::Digest;
use loa_store::{Link, Seq, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Shared, error::WebError};

/// Records that are checked by one request.
pub(super) const MOST: u64 = 200_000;
/// Records that are read at once, off the async workers by the store itself.
const CHUNK: u64 = 500;

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Checked {
    /// Whether every record that was looked at fits the one before.
    pub(super) whole: bool,
    /// The first record that does not, or cannot be read.
    pub(super) broken: Option<Seq>,
    /// Checked from behind this record.
    pub(super) after: Seq,
    /// The last record that fits.
    pub(super) upto: Seq,
    /// Its hash: kept elsewhere, it proves that nothing before it was changed.
    pub(super) head: String,
    /// The last record there was.
    pub(super) last: Seq,
    /// Where to go on, when not all was checked.
    pub(super) next: Option<Seq>,
}

/// The last record that fits, or the number of the first that does not.
fn fits(mut last: (Seq, Digest), links: &[Link]) -> Result<(Seq, Digest), (Seq, (Seq, Digest))> {
    for link in links {
        if (link.seq, link.previous) != (last.0 + 1, last.1) {
            return Err((last.0 + 1, last));
        }
        last = (link.seq, link.hash);
    }
    Ok(last)
}

/// Checks the chain from behind `after`, at most `most` records of it.
pub(super) async fn check(store: &dyn Store, after: Seq, most: u64) -> Result<Checked, WebError> {
    let end = store.last_seq();
    let after = after.min(end);
    // What was checked up to here ends with this record.
    let begin = match after.checked_sub(1) {
        None => (0, Digest([0; 32])),
        Some(before) => {
            let link = store.links(before, 1).await?.pop();
            (after, link.map_or(Digest([0; 32]), |link| link.hash))
        }
    };
    let (mut last, mut broken) = (begin, None);
    let goal = end.min(after.saturating_add(most));
    while last.0 < goal && broken.is_none() {
        let limit = usize::try_from(CHUNK.min(goal - last.0)).unwrap_or_default();
        match store.links(last.0, limit).await {
            // What is durable is there: nothing at all is a gap.
            Ok(links) if links.is_empty() => broken = Some(last.0 + 1),
            Ok(links) => match fits(last, &links) {
                Ok(fitting) => last = fitting,
                Err((at, fitting)) => (last, broken) = (fitting, Some(at)),
            },
            Err(_) => (last, broken) = one_by_one(store, last, goal).await,
        }
    }
    if let Some(seq) = broken {
        tracing::error!(seq, "The ledger is not what was written");
    }
    Ok(Checked {
        whole: broken.is_none(),
        broken,
        after,
        upto: last.0,
        head: last.1.to_string(),
        last: end,
        next: (broken.is_none() && last.0 < end).then_some(last.0),
    })
}

/// Finds the record that cannot be read.
async fn one_by_one(
    store: &dyn Store,
    mut last: (Seq, Digest),
    goal: Seq,
) -> ((Seq, Digest), Option<Seq>) {
    while last.0 < goal {
        let next = last.0 + 1;
        let links = match store.links(last.0, 1).await {
            Ok(links) if !links.is_empty() => links,
            Ok(_) => return (last, Some(next)),
            Err(error) => {
                tracing::error!(%error, "A record of the ledger cannot be read");
                return (last, Some(next));
            }
        };
        match fits(last, &links) {
            Ok(fitting) => last = fitting,
            Err((at, fitting)) => return (fitting, Some(at)),
        }
    }
    (last, None)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Order {
    /// Goes on behind this record.
    after: Seq,
}

/// The check as an operation.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Json(order): Json<Order>,
) -> Result<Json<Value>, WebError> {
    Ok(Json(json!(check(&*app.store, order.after, MOST).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chained(to: u8) -> Vec<Link> {
        let link = |seq: u8| Link {
            seq: seq.into(),
            previous: Digest([seq - 1; 32]),
            hash: Digest([seq; 32]),
        };
        (1..=to).map(link).collect()
    }

    #[test]
    fn a_changed_and_a_missing_record_break_the_chain() {
        let start = (0, Digest([0; 32]));
        let mut links = chained(5);
        assert_eq!(fits(start, &links), Ok((5, Digest([5; 32]))));
        links[2].hash = Digest([9; 32]);
        assert_eq!(fits(start, &links), Err((4, (3, Digest([9; 32])))));
        let mut links = chained(5);
        links.remove(1);
        assert_eq!(fits(start, &links), Err((2, (1, Digest([1; 32])))));
    }
}
