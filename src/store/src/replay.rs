//! Records of the ledger on their way into rows, many at a time.

use std::collections::BTreeMap;

use loa_model::JobId;

use crate::{
    engine::{job_row, parse, resolve},
    error::Result,
    ledger::Record,
    queue::{self, JobRow},
    rows::{Resolved, Rows},
};

/// Records that are applied together: an end in the middle of a replay costs no more.
const TOGETHER: usize = 256;

/// A replay under way.
pub(crate) struct Replay<'a> {
    rows: &'a dyn Rows,
    waiting: Vec<Resolved>,
    /// Jobs as what waits will leave them.
    jobs: BTreeMap<JobId, JobRow>,
    replayed: u64,
}

impl<'a> Replay<'a> {
    /// Onto these rows, which stand right before the first record that will be taken.
    pub(crate) fn onto(rows: &'a dyn Rows) -> Self {
        Self { rows, waiting: Vec::new(), jobs: BTreeMap::new(), replayed: 0 }
    }

    /// Takes the next record.
    pub(crate) fn take(&mut self, record: &Record<'_>) -> Result<()> {
        let ops = resolve(&record.entry()?, |id| match self.jobs.get(&id) {
            Some(row) => Ok(Some(row.clone())),
            None => job_row(self.rows, id),
        })?;
        for op in ops.iter().filter(|op| op.table == queue::JOBS) {
            if let Some(row) = &op.row {
                let row: JobRow = parse(&op.table, &op.key, &row.value)?;
                self.jobs.insert(row.job.id, row);
            }
        }
        self.waiting.push(Resolved { seq: record.seq, hash: record.hash, ops });
        self.replayed += 1;
        if self.waiting.len() >= TOGETHER {
            self.apply()?;
        }
        Ok(())
    }

    /// Applies what waits. Returns how many records were taken.
    pub(crate) fn end(mut self) -> Result<u64> {
        self.apply()?;
        Ok(self.replayed)
    }

    fn apply(&mut self) -> Result<()> {
        self.rows.apply(&self.waiting, &mut || ())?;
        self.waiting.clear();
        self.jobs.clear();
        Ok(())
    }
}
