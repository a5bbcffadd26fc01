//! How many people there are at all, as somebody states it: the upper end of reach.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use loa_model::{
    AccountName, Actor, UserId,
    record::{IndexEntry, Record, join},
};
use loa_store::{Changes, Store, StoreExt as _};
use serde::{Deserialize, Serialize};

use crate::{Book, Result};

/// Figures that are listed.
const LISTED: usize = 1000;

/// How many people an agency or one of its accounts can reach at all, with where the figure is from. It is never counted or guessed
/// here: a person states it, since on some platforms others than followers see a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// Agency (tenant).
    pub agency: String,
    /// The account whose people these are; absent of the whole agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// How many.
    pub people: u64,
    /// The day for which the source says so.
    pub as_of: Date,
    /// Where the figure is from, in words.
    pub source: String,
    /// Who gave it.
    pub given_by: UserId,
    /// When.
    pub given_at: Timestamp,
}

impl Population {
    /// Key of a figure: whose it is and its day.
    pub fn key_of(agency: &str, account: Option<&AccountName>, as_of: Date) -> String {
        join(&[agency, account.map_or("", AccountName::as_str), &as_of.to_string()])
    }

    /// Whether it was known by then.
    fn is_before(&self, to: Timestamp) -> bool {
        self.as_of.to_zoned(TimeZone::UTC).is_ok_and(|day| day.timestamp() < to)
    }
}

impl Record for Population {
    const TABLE: &'static str = "reach_population";
    fn key(&self) -> String {
        Self::key_of(&self.agency, self.account.as_ref(), self.as_of)
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "reach_population_by_agency", key: self.key() }]
    }
}

/// The figures that bound the reach of a period: the newest of each that is not of a day after it.
#[derive(Debug, Default)]
pub(crate) struct Bounds<'a> {
    agency: Option<&'a Population>,
    accounts: BTreeMap<&'a AccountName, &'a Population>,
}

impl<'a> Bounds<'a> {
    pub(crate) fn of(book: &'a Book, to: Timestamp) -> Self {
        let mut bounds = Self::default();
        // By whose they are and then by day: a later one takes the place.
        for population in book.populations().filter(|population| population.is_before(to)) {
            match &population.account {
                None => bounds.agency = Some(population),
                Some(account) => {
                    bounds.accounts.insert(account, population);
                }
            }
        }
        bounds
    }

    /// The same without the figure of the agency: another one is asked for.
    pub(crate) fn without_agency(mut self) -> Self {
        self.agency = None;
        self
    }

    pub(crate) fn agency(&self) -> Option<u64> {
        self.agency.map(|population| population.people)
    }

    pub(crate) fn account(&self, account: &AccountName) -> Option<u64> {
        self.accounts.get(account).map(|population| population.people)
    }

    /// The figures, the agency's first.
    pub(crate) fn listed(&self) -> Vec<Population> {
        self.agency.into_iter().chain(self.accounts.values().copied()).cloned().collect()
    }
}

/// The figures of an agency, by whose they are and then by day.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn populations(store: &dyn Store, agency: &str) -> Result<Vec<Population>> {
    let prefix = join(&[agency, ""]);
    let rows = store.list::<Population>("reach_population_by_agency", &prefix, LISTED).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

/// Keeps a figure. One of the same day takes the place of the earlier one, which stays in the log.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn state_population(store: &dyn Store, population: &Population) -> Result<()> {
    let kept = store.read::<Population>(&population.key()).await?;
    let changes = Changes::by(Actor::User(population.given_by), "state population");
    let changes = match kept {
        Some(kept) => changes.update(population, kept.version),
        None => changes.insert(population),
    };
    store.commit(changes).await?;
    Ok(())
}

/// Takes a figure back; whether there was one.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn withdraw_population(
    store: &dyn Store,
    (agency, account, as_of): (&str, Option<&AccountName>, Date),
    by: UserId,
) -> Result<bool> {
    let key = Population::key_of(agency, account, as_of);
    let Some(kept) = store.read::<Population>(&key).await? else { return Ok(false) };
    let changes = Changes::by(Actor::User(by), "withdraw population");
    store.commit(changes.delete(&kept.record, kept.version)).await?;
    Ok(true)
}
