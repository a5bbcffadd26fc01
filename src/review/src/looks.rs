//! Looks at a calendar that were taken lately. A newsroom looks at the same month all day, and most of what is committed
//! meanwhile is no post of it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use loa_model::record::join;
use loa_store::{Change, Result, Seq, Store};

use crate::calendar::Seen;

/// Looks that are kept, the oldest goes first.
const KEPT: usize = 16;
/// Commits after which a look is taken anew rather than followed.
const BEHIND: usize = 256;
/// Indexes that say whose a post or a delivery is.
const INDEXES: [&str; 2] = ["post_by_time", "delivery_by_time"];

/// Agency, and from when to before when.
pub(crate) type Stretch = (String, Timestamp, Timestamp);

struct Look {
    stretch: Stretch,
    /// The last commit that is in it.
    seq: Seq,
    seen: Arc<Seen>,
}

/// Looks by their stretch.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Vec<Look>>);

impl Looks {
    /// What was seen, when nothing of the agency has changed since.
    pub(crate) async fn known(
        &self,
        store: &dyn Store,
        stretch: &Stretch,
    ) -> Result<Option<Arc<Seen>>> {
        let find = |looks: &[Look]| {
            let found = looks.iter().find(|look| look.stretch == *stretch);
            found.map(|look| (look.seq, Arc::clone(&look.seen)))
        };
        let found = find(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let Some((seq, seen)) = found else { return Ok(None) };
        if store.last_seq() == seq {
            return Ok(Some(seen));
        }
        let since = store.tail(seq, BEHIND).await?;
        let of_it = join(&[&stretch.0, ""]);
        let touched = |change: &Change| touches(change, &of_it);
        if since.len() == BEHIND || since.iter().flat_map(|e| &e.changes.rows).any(touched) {
            return Ok(None);
        }
        if let Some(last) = since.last() {
            self.keep(stretch, last.seq, &seen);
        }
        Ok(Some(seen))
    }

    /// Keeps a look that holds every commit up to `seq`.
    pub(crate) fn keep(&self, stretch: &Stretch, seq: Seq, seen: &Arc<Seen>) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.iter().any(|look| look.stretch == *stretch && look.seq >= seq) {
            return;
        }
        looks.retain(|look| look.stretch != *stretch);
        if looks.len() == KEPT {
            looks.remove(0);
        }
        looks.push(Look { stretch: stretch.clone(), seq, seen: Arc::clone(seen) });
    }
}

/// Whether this changes a post or a delivery of an agency. Of what was deleted nobody can tell whose it was.
fn touches(change: &Change, agency: &str) -> bool {
    let posted = matches!(change.table.as_str(), "post" | "delivery");
    let own = |(index, key): &(String, String)| {
        INDEXES.contains(&index.as_str()) && key.starts_with(agency)
    };
    posted && (change.value.is_none() || change.index.iter().any(own))
}
