//! Reading the ledger from its end backwards, a bounded piece at a time, and telling whose each row is.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use loa_model::{
    Account, Actor, Delivery, Digest, Post, Record as _, Role, User, UserId, record::join,
};
use loa_store::{Change, Entry, Expect, Seq, StoreExt};
use serde_json::Value;

use super::acts;
use crate::{Shared, asked::stretch, auth::Visitor, error::WebError, operation::once::Kept};

/// Records that are read at once.
const CHUNK: u64 = 64;
/// Whose rows are remembered while one question is answered.
const REMEMBERED: usize = 4096;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    Humans,
    People,
    Machines,
    Operators,
    Person(UserId),
}

impl Who {
    fn is(&self, actor: &Actor) -> bool {
        match (self, actor) {
            (Self::Humans, Actor::User(_) | Actor::Operator(_))
            | (Self::People, Actor::User(_))
            | (Self::Machines, Actor::Worker(_))
            | (Self::Operators, Actor::Operator(_)) => true,
            (Self::Person(id), Actor::User(who)) => id == who,
            _ => false,
        }
    }
}

/// What is looked for. What is empty asks for nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) who: Option<Who>,
    pub(super) act: String,
    /// Id, account name or the id of the post that a link code belongs to.
    pub(super) about: String,
    pub(super) from: Option<Date>,
    pub(super) to: Option<Date>,
    /// Older than this record.
    pub(super) before: Option<Seq>,
}

/// An entry and which of its rows the visitor may see.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) entry: Entry,
    pub(super) hash: Digest,
    pub(super) rows: Vec<usize>,
    /// Places in `enqueue`.
    pub(super) jobs: Vec<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) seen: Vec<Seen>,
    /// Where to go on, as the next question's `before`; nothing when all was looked at.
    pub(super) next: Option<Seq>,
    /// Records that were looked at.
    pub(super) looked: u64,
}

/// Tells whose rows are.
pub(super) struct Owners<'a> {
    app: &'a Shared,
    agency: String,
    admin: bool,
    known: BTreeMap<(&'static str, String), Option<String>>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(app: &'a Shared, visitor: &Visitor) -> Self {
        let admin = visitor.user.is(Role::Admin);
        Self { app, agency: visitor.user.agency.clone(), admin, known: BTreeMap::new() }
    }

    /// What of an entry the visitor may see; nothing when it is none of theirs.
    pub(super) async fn see(
        &mut self,
        entry: Entry,
        hash: Digest,
    ) -> Result<Option<Seen>, WebError> {
        let (mut rows, mut jobs) = (Vec::new(), Vec::new());
        for (n, change) in entry.changes.rows.iter().enumerate() {
            // How a request was answered is no act of anybody.
            if change.table == Kept::TABLE {
                continue;
            }
            let owner = self.owner(change).await?;
            if self.may(owner.as_deref()) || self.is_colleague(change).await? {
                rows.push(n);
            }
        }
        for (n, job) in entry.changes.enqueue.iter().enumerate() {
            if self.may(Some(&job.agency)) {
                jobs.push(n);
            }
        }
        let bare = entry.changes.rows.is_empty() && entry.changes.enqueue.is_empty();
        let shown = !rows.is_empty() || !jobs.is_empty() || (bare && self.admin);
        Ok(shown.then_some(Seen { entry, hash, rows, jobs }))
    }

    /// Rows of no agency are for those who manage the installation.
    fn may(&self, owner: Option<&str>) -> bool {
        owner.map_or(self.admin, |owner| owner == self.agency)
    }

    /// Whether the row is a person who works in the visitor's agency, or did until this commit.
    async fn is_colleague(&self, change: &Change) -> Result<bool, WebError> {
        if change.table != "user" {
            return Ok(false);
        }
        let here = |value: &Value| {
            let also = value.get("also").and_then(Value::as_array).into_iter().flatten();
            let agency =
                |there: &Value| there.get("agency").and_then(Value::as_str) == Some(&self.agency);
            also.into_iter().any(agency)
        };
        if change.value.as_ref().is_some_and(here) {
            return Ok(true);
        }
        let Expect::Version(version) = change.expect else { return Ok(false) };
        Ok(self.replaced(change, version).await?.as_ref().is_some_and(here))
    }

    /// What a row was in the version that a commit replaced.
    async fn replaced(&self, change: &Change, version: Seq) -> Result<Option<Value>, WebError> {
        let before = self.app.store.tail(version.saturating_sub(1), 1).await?.pop();
        let rows = before.map(|entry| entry.changes.rows).unwrap_or_default();
        let mut of_it =
            rows.into_iter().filter(|row| row.table == change.table && row.key == change.key);
        Ok(of_it.next().and_then(|row| row.value))
    }

    async fn owner(&mut self, change: &Change) -> Result<Option<String>, WebError> {
        if let Some(value) = &change.value {
            return self.of(&change.table, &change.key, value).await;
        }
        // A row that was deleted belongs to whom it belonged.
        let Expect::Version(version) = change.expect else { return Ok(None) };
        match self.replaced(change, version).await? {
            Some(value) => self.of(&change.table, &change.key, &value).await,
            None => Ok(None),
        }
    }

    async fn of(
        &mut self,
        table: &str,
        key: &str,
        value: &Value,
    ) -> Result<Option<String>, WebError> {
        let field = |name: &str| value.get(name).and_then(Value::as_str);
        if let Some(agency) = field("agency") {
            return Ok(Some(agency.to_owned()));
        }
        if table == "agency" {
            return Ok(Some(key.to_owned()));
        }
        if let Some(agency) = key.strip_prefix("agency/") {
            return Ok(Some(agency.to_owned()));
        }
        for (kind, name) in [
            ("account", "account"),
            ("post", "post"),
            ("delivery", "delivery"),
            ("user", "user"),
            ("post", "live"),
        ] {
            if let Some(key) = field(name) {
                return self.known(kind, key).await;
            }
        }
        match table {
            "click_count" => self.known("code", field("code").unwrap_or_default()).await,
            "account_lease" | "kill_switch" | "pace" => self.known("account", key).await,
            _ => Ok(None),
        }
    }

    async fn known(&mut self, kind: &'static str, key: &str) -> Result<Option<String>, WebError> {
        let place = (kind, key.to_owned());
        if let Some(owner) = self.known.get(&place) {
            return Ok(owner.clone());
        }
        let store = &self.app.store;
        let owner = match kind {
            "account" => store.read::<Account>(key).await?.map(|row| row.record.agency),
            "post" => store.read::<Post>(key).await?.map(|row| row.record.agency),
            "delivery" => store.read::<Delivery>(key).await?.map(|row| row.record.agency),
            "user" => store.read::<User>(key).await?.map(|row| row.record.agency),
            _ => by_code(self.app, key).await?.map(|post| post.agency),
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(place, owner.clone());
        Ok(owner)
    }
}

/// The post of a link code.
pub(super) async fn by_code(app: &Shared, code: &str) -> Result<Option<Post>, WebError> {
    let rows = app.store.list::<Post>("post_by_code", code, 2).await?;
    Ok(rows.into_iter().map(|row| row.record).find(|post| post.content.link.code == code))
}

/// Looks through the ledger from its end, or from behind `before`, until there are `lines` or `most` records were looked at.
pub(super) async fn back(
    app: &Shared,
    owners: &mut Owners<'_>,
    wanted: &Wanted,
    (lines, most): (usize, u64),
) -> Result<Found, WebError> {
    let store = &app.store;
    let mut upto = store.last_seq();
    if let Some(before) = wanted.before {
        upto = upto.min(before.saturating_sub(1));
    }
    let (since, end) = stretch(wanted.from, wanted.to);
    if let Some(end) = end {
        upto = last_before(app, end, upto).await?;
    }
    let mut found = Found::default();
    // The hash of a record is what the one behind it names, but for the last.
    let mut hash = store.links(upto.saturating_sub(1), 1).await?.pop().map(|link| link.hash);
    while upto > 0 {
        let size = CHUNK.min(upto);
        let low = upto - size;
        let entries = store.tail(low, usize::try_from(size).unwrap_or_default()).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries.into_iter().rev() {
            let (seq, previous) = (entry.seq, entry.previous);
            if since.is_some_and(|since| entry.at < since) {
                return Ok(found);
            }
            found.looked += 1;
            if asked(&entry, wanted) {
                let seen = owners.see(entry, hash.unwrap_or(Digest([0; 32]))).await?;
                found.seen.extend(
                    seen.filter(|seen| wanted.about.is_empty() || about(seen, &wanted.about)),
                );
            }
            hash = Some(previous);
            if found.seen.len() >= lines || found.looked >= most {
                found.next = (seq > 1).then_some(seq);
                return Ok(found);
            }
        }
        upto = low;
    }
    Ok(found)
}

/// One record, when the visitor may see any of it.
pub(super) async fn one(
    app: &Shared,
    owners: &mut Owners<'_>,
    seq: Seq,
) -> Result<Option<Seen>, WebError> {
    let Some(after) = seq.checked_sub(1) else { return Ok(None) };
    if seq > app.store.last_seq() {
        return Ok(None);
    }
    let entry = app.store.tail(after, 1).await?.pop();
    let link = app.store.links(after, 1).await?.pop();
    match (entry, link) {
        (Some(entry), Some(link)) => owners.see(entry, link.hash).await,
        _ => Ok(None),
    }
}

fn asked(entry: &Entry, wanted: &Wanted) -> bool {
    let Entry { changes, .. } = entry;
    wanted.who.as_ref().is_none_or(|who| who.is(&changes.actor))
        && (wanted.act.is_empty() || acts::is(&changes.what, &wanted.act))
}

/// Whether a row that the visitor may see is of this record or names it.
fn about(seen: &Seen, id: &str) -> bool {
    let changes = &seen.entry.changes;
    let rows = seen.rows.iter().filter_map(|n| changes.rows.get(*n));
    let named = |row: &Change| {
        row.key.split(['/', '\u{1}']).any(|part| part == id)
            || row.key == id
            || row.value.as_ref().is_some_and(|value| names(value, id))
    };
    let mut jobs = seen.jobs.iter().filter_map(|n| changes.enqueue.get(*n));
    rows.into_iter().any(named)
        || jobs.any(|job| serde_json::to_value(job).is_ok_and(|value| names(&value, id)))
}

fn names(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text == id,
        Value::Array(values) => values.iter().any(|value| names(value, id)),
        Value::Object(fields) => fields.values().any(|value| names(value, id)),
        _ => false,
    }
}

/// The last record before an instant, none behind `upto`. The times of the ledger never run backwards.
async fn last_before(app: &Shared, at: Timestamp, upto: Seq) -> Result<Seq, WebError> {
    let (mut low, mut high) = (0, upto);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        match app.store.tail(middle - 1, 1).await?.pop() {
            Some(entry) if entry.at < at => low = middle,
            _ => high = middle - 1,
        }
    }
    Ok(low)
}

/// People of the visitor's agency, for the form.
pub(super) async fn people(app: &Shared, agency: &str) -> Result<Vec<(String, String)>, WebError> {
    let rows = app.store.list::<User>("user_by_agency", &join(&[agency, ""]), 200).await?;
    Ok(rows.into_iter().map(|row| (row.record.id.to_string(), row.record.name)).collect())
}
