//! What the writer commits: a function of who and how often, so that a store can be held against it.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use loa_store::{
    Changes, Expect, Options, SledStore, Store,
    conformance::{HandClock, Note, by, job},
};

/// Threads that write.
pub(crate) const WRITERS: u32 = 4;
/// Small, so that the ledger begins a segment every few dozen commits.
const SEGMENT: u64 = 20_000;

pub(crate) fn options() -> Options {
    Options { segment_bytes: SEGMENT, ..Options::default() }
}

/// Commit number `n` of a writer, without the end of a job that may be in it.
pub(crate) fn changes(writer: u32, n: u32, clock: &HandClock) -> Changes {
    let last = Note::new(&format!("{writer}"), &format!("kệ {}", n % 5), &format!("{n}"));
    let text = "ẫ ễ ộ ữ ặ ".repeat((n % 40) as usize);
    let fresh = Note::new(&format!("{writer}-{n}"), &format!("kệ {}", n % 7), &text);
    let mut changes = by(&format!("ghi {writer} {n}"))
        .put(&last, Expect::Any)
        .put(&fresh, Expect::Absent)
        .enqueue(job(writer * 100_000 + n, clock));
    if n.is_multiple_of(5) {
        let old = Note::new(&format!("{writer}-{}", n - 3), "", "");
        let mut gone = by("").put(&old, Expect::Any);
        gone.rows[0].value = None;
        gone.rows[0].index.clear();
        changes.rows.append(&mut gone.rows);
    }
    changes
}

/// Who and how often, when the record is the commit of a writer.
pub(crate) fn who(what: &str) -> Option<(u32, u32)> {
    let (writer, n) = what.strip_prefix("ghi ")?.split_once(' ')?;
    Some((writer.parse().ok()?, n.parse().ok()?))
}

/// Opens what the power left and holds it against what was told and against the model. Returns whether its index was still
/// believed.
///
/// # Errors
/// What is lost or wrong.
pub(crate) async fn judge(data: &Path, told: &BTreeMap<u64, String>) -> Result<bool, String> {
    let clock = Arc::new(HandClock::default());
    let options = Options { boot_id: Some("sau khi mất điện".to_owned()), ..options() };
    let store = SledStore::open(data, clock.clone(), options)
        .map_err(|error| format!("it does not open: {error}"))?;
    let entries = store.tail(0, usize::MAX).await.map_err(|error| error.to_string())?;
    for (seq, what) in told {
        let kept = usize::try_from(*seq - 1).ok().and_then(|n| entries.get(n));
        if kept.is_none_or(|entry| entry.changes.what != *what) {
            return Err(format!("record {seq} ({what}) was told and is lost"));
        }
    }
    let mut last: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in &entries {
        let Some((writer, n)) = who(&entry.changes.what) else { continue };
        let wanted = changes(writer, n, &clock);
        let same = entry.changes.rows == wanted.rows && entry.changes.enqueue == wanted.enqueue;
        if !same || last.insert(writer, n).unwrap_or(0) + 1 != n {
            return Err(format!("record {} is not what writer {writer} wrote", entry.seq));
        }
    }
    let mut rows = 0;
    for (writer, n) in &last {
        for k in 1..=*n {
            let gone = n / 5 * 5 >= k + 3 && (k + 3).is_multiple_of(5);
            rows += usize::from(!gone);
            let kept = store.get("note", &format!("{writer}-{k}")).await;
            if kept.map_err(|error| error.to_string())?.is_some() == gone {
                return Err(format!("note {writer}-{k} of {n} is not as it should be"));
            }
        }
        let kept = store.get("note", &writer.to_string()).await.map_err(|e| e.to_string())?;
        let text = kept.and_then(|row| row.read::<Note>().ok()).map(|note| note.record.text);
        if text != Some(n.to_string()) {
            return Err(format!("the last note of writer {writer} is {text:?}, not {n}"));
        }
    }
    let shelved = store.range("note_by_shelf", "", "\u{10ffff}", usize::MAX, false).await;
    let shelved = shelved.map_err(|error| error.to_string())?.len();
    if shelved != rows + last.len() {
        return Err(format!("{shelved} notes are in the index, {} are there", rows + last.len()));
    }
    let report = store.verify().await.map_err(|error| error.to_string())?;
    if !report.is_sound() {
        return Err(report.flaws.join("; "));
    }
    // And it goes on.
    store.commit(by("ghi tiếp")).await.map_err(|error| error.to_string())?;
    Ok(store.recovery().rebuilt.is_none() && store.recovery().replayed == 0)
}
