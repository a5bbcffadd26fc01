//! What is kept: a table, a key, and the index entries by which it is found again.

use serde::{Serialize, de::DeserializeOwned};

/// An entry of a secondary index: rows of one index are read in the order of `key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// Name of the index, unique over all tables, for example `delivery_by_account`.
    pub index: &'static str,
    /// Sort key. Parts are joined with [`join`], times written with [`time_key`].
    pub key: String,
}

/// A type that is kept in the store as versioned JSON.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// Table name, unique.
    const TABLE: &'static str;
    /// Schema version of the JSON, raised when its meaning changes: then [`Record::upgrade`] reads the earlier ones. Fields
    /// with a default may come and go without it. `FORMAT` of the store is raised with it, so that an older release refuses
    /// the data folder and does not misread it.
    const SCHEMA: u16 = 1;
    /// Primary key.
    fn key(&self) -> String;
    /// JSON of an earlier schema as JSON of this one. Called only for records of an earlier one.
    fn upgrade(_schema: u16, value: serde_json::Value) -> serde_json::Value {
        value
    }
    /// Entries of the secondary indexes.
    fn index(&self) -> Vec<IndexEntry> {
        Vec::new()
    }
}

/// Joins the parts of an index key with a separator below every printable character.
pub fn join(parts: &[&str]) -> String {
    parts.join("\u{1}")
}

/// An instant as a fixed-width key that sorts by time (microseconds since 1970, zero before).
pub fn time_key(at: jiff::Timestamp) -> String {
    format!("{:016}", at.as_microsecond().max(0))
}

/// Whether a count says nothing: such a field is left out, as earlier releases wrote the record.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(crate) fn is_zero(count: &u32) -> bool {
    *count == 0
}
