//! What reports are answered from: the books of every agency, and the answers that were given from them last.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use loa_reach::{Books, By, Days, HourMap, Open, Operations, Ranking};

use super::{failed, overview::Told};
use crate::{Shared, error::WebError};

/// Answers of one kind that are kept; more are thrown away together.
const KEPT: usize = 64;

/// A question: agencies with the version of their books, days, cuts, and the minute it is asked in where that matters.
type Question = (Vec<(String, u64)>, (String, String), Vec<By>, i64);

/// Books and answers.
#[derive(Default)]
pub(crate) struct Shelf {
    books: Books,
    pub(crate) told: Answers<Told>,
    pub(crate) ranking: Answers<Ranking>,
    pub(crate) hours: Answers<Vec<HourMap>>,
    pub(crate) operations: Answers<Operations>,
}

impl Shelf {
    /// The books as of now.
    pub(crate) async fn open(&self, app: &Shared) -> Result<Open<'_>, WebError> {
        self.books.open(&*app.store).await.map_err(failed)
    }
}

/// Reads the books when somebody signs in: the first report of a large store would wait for seconds, and an idle server needs
/// none.
pub(crate) fn warm(app: &Shared) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = app.reach.books.open(&*app.store).await {
            tracing::warn!(%error, "Could not read what reports are answered from; the first report tries again");
        }
    });
}

/// Answers to questions of one kind: what is asked again while nothing was written is not counted again.
pub(crate) struct Answers<T> {
    kept: Mutex<BTreeMap<Question, Arc<T>>>,
    /// One question is counted at a time: ten people who open one report at once wait for one count.
    counting: tokio::sync::Mutex<()>,
}

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self { kept: Mutex::default(), counting: tokio::sync::Mutex::default() }
    }
}

impl<T> Answers<T> {
    /// The answer, counted by `count` where it is not known.
    pub(crate) async fn of(
        &self,
        books: &Open<'_>,
        agencies: &[String],
        (days, by): (Days, &[By]),
        now: Option<Timestamp>,
        count: impl FnOnce() -> loa_reach::Result<T>,
    ) -> Result<Arc<T>, WebError> {
        let versions = agencies.iter().map(|agency| (agency.clone(), books.of(agency).version()));
        let minute = now.map_or(0, |now| now.as_second().div_euclid(60));
        let days = (days.first.to_string(), days.last.to_string());
        let question = (versions.collect(), days, by.to_vec(), minute);
        if let Some(known) = self.known(&question) {
            return Ok(known);
        }
        let _one = self.counting.lock().await;
        if let Some(known) = self.known(&question) {
            return Ok(known);
        }
        let told = Arc::new(count().map_err(failed)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(question, Arc::clone(&told));
        Ok(told)
    }

    fn known(&self, question: &Question) -> Option<Arc<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
    }
}
