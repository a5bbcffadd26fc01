//! Links by which people outside read one report for a while.

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Actor, Clock, Digest, Ids, UserId,
    record::{IndexEntry, Record, join, time_key},
};
use loa_store::{Changes, Store, StoreExt as _};
use serde::{Deserialize, Serialize};

use crate::{By, Days, Result};

/// Days a link lives when nobody says otherwise.
const DAYS: i64 = 30;
/// Most days a link lives.
const MOST_DAYS: i64 = 366;
/// Characters of a token: five bits each.
const TOKEN: usize = 26;
/// Links that are listed, the newest.
const LISTED: usize = 200;

/// Key of a link: the digest of its token. The ledger never holds the token.
pub type ShareId = Digest;

/// A report that people outside may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// SHA-256 of the token.
    pub token: ShareId,
    /// Agency (tenant).
    pub agency: String,
    /// Days of the report.
    pub days: Days,
    /// Its cuts.
    pub by: Vec<By>,
    /// Who made it.
    pub made_by: UserId,
    /// When.
    pub made_at: Timestamp,
    /// Read until.
    pub expires_at: Timestamp,
    /// Who took it back and when, once somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<(UserId, Timestamp)>,
}

impl Share {
    /// Whether it may be read at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires_at
    }
}

impl Record for Share {
    const TABLE: &'static str = "reach_share";
    fn key(&self) -> String {
        self.token.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry {
            index: "reach_share_by_agency",
            key: join(&[&self.agency, &time_key(self.made_at), &self.key()]),
        }]
    }
}

/// What a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// The report may be read.
    Open(Share),
    /// It ran out or was taken back.
    Over,
    /// There is no such link.
    Unknown,
}

/// Makes a link: its token, which is told once, and its record. It lives 30 days or as many as asked, at least one and at most 366.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn share(
    store: &dyn Store,
    (clock, ids): (&dyn Clock, &Ids),
    agency: &str,
    (days, by): (Days, Vec<By>),
    made_by: UserId,
    live_days: Option<i64>,
) -> Result<(String, Share)> {
    let token = ids.token(TOKEN);
    let now = clock.now();
    let live = live_days.unwrap_or(DAYS).clamp(1, MOST_DAYS);
    let share = Share {
        token: Digest::of(token.as_bytes()),
        agency: agency.to_owned(),
        days,
        by,
        made_by,
        made_at: now,
        expires_at: now + SignedDuration::from_hours(24 * live),
        revoked: None,
    };
    store.commit(Changes::by(Actor::User(made_by), "share report").insert(&share)).await?;
    Ok((token, share))
}

/// The link of a token.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn open_share(store: &dyn Store, token: &str, now: Timestamp) -> Result<Shared> {
    let key = Digest::of(token.as_bytes()).to_string();
    let Some(kept) = store.read::<Share>(&key).await? else { return Ok(Shared::Unknown) };
    let share = kept.record;
    Ok(if share.is_open(now) { Shared::Open(share) } else { Shared::Over })
}

/// The links of an agency, the newest first.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn shares(store: &dyn Store, agency: &str) -> Result<Vec<Share>> {
    let prefix = join(&[agency, ""]);
    let rows = store.list_last::<Share>("reach_share_by_agency", &prefix, LISTED).await?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

/// Takes a link of the agency back; whether there was one. Taking it back again changes nothing.
///
/// # Errors
/// [`crate::Error::Store`].
pub async fn revoke_share(
    store: &dyn Store,
    agency: &str,
    id: ShareId,
    (by, now): (UserId, Timestamp),
) -> Result<bool> {
    let kept = store.read::<Share>(&id.to_string()).await?;
    let Some(kept) = kept.filter(|kept| kept.record.agency == agency) else { return Ok(false) };
    if kept.record.revoked.is_none() {
        let revoked = Share { revoked: Some((by, now)), ..kept.record };
        let changes = Changes::by(Actor::User(by), "revoke shared report");
        store.commit(changes.update(&revoked, kept.version)).await?;
    }
    Ok(true)
}
