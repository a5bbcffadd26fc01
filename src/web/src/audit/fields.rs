//! What a commit changed, field by field: what it was, what it is. Nothing secret is ever told.

use std::collections::{BTreeMap, BTreeSet};

use loa_store::{Change, Expect, Seq};
use serde::Serialize;
use serde_json::Value;

use crate::{Shared, error::WebError};

/// Tables whose fields are told. Of every other one, also of one that comes later, only the kind is.
const OPEN: [&str; 23] = [
    "account",
    "agency",
    "article",
    "brief",
    "click_count",
    "correction",
    "corrects",
    "delivery",
    "incident",
    "job",
    "kill_switch",
    "own_template",
    "post",
    "reach_population",
    "reach_rollup",
    "reach_totals",
    "sample",
    "second_look",
    "set_aside",
    "slot",
    "timetable",
    "user",
    "variant",
];
/// A field whose name holds one of these is not told, wherever it is.
const SECRET: [&str; 9] =
    ["password", "token", "secret", "ticket", "cookie", "credential", "nonce", "upload", "session"];
/// Most characters of a value.
const MOST_CHARS: usize = 300;
/// Most fields of a row.
const MOST_FIELDS: usize = 60;
/// How deep fields are told one by one.
const DEPTH: usize = 4;
/// Records that are searched for what a row was, where the commit does not say which version it replaced.
const BACK: u64 = 512;
const CHUNK: u64 = 64;

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Field {
    name: String,
    /// Nothing when it was not there, or is not known.
    before: Option<String>,
    /// Nothing when it is not there any more.
    after: Option<String>,
    /// It changed, and to what is not told.
    secret: bool,
}

/// What became of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Told {
    /// `new`, `changed`, `deleted`, `unknown` (what it was was not found) or `closed` (only its kind is told).
    how: &'static str,
    fields: Vec<Field>,
    /// Fields beyond those.
    more: usize,
}

/// Whether the fields of a table are told.
pub(super) fn is_open(table: &str) -> bool {
    OPEN.contains(&table)
}

/// What a change did.
pub(super) async fn told(app: &Shared, seq: Seq, change: &Change) -> Result<Told, WebError> {
    if !is_open(&change.table) {
        return Ok(Told { how: "closed", ..Told::default() });
    }
    let before = match change.expect {
        Expect::Absent => None,
        Expect::Version(version) => at(app, version, change).await?,
        Expect::Any => earlier(app, seq, change).await?,
    };
    // What it was in the hands of another agency is theirs.
    let agency = |value: &Value| value.get("agency").cloned();
    let now = change.value.as_ref().and_then(agency);
    let before = before.filter(|before| now.is_none() || agency(before) == now);
    let how = match (&change.value, change.expect, &before) {
        (None, ..) => "deleted",
        (Some(_), Expect::Absent, _) => "new",
        (Some(_), _, Some(_)) => "changed",
        (Some(_), _, None) => "unknown",
    };
    let mut told = differences(before.as_ref(), change.value.as_ref());
    told.how = how;
    Ok(told)
}

fn value_of(changes: Vec<Change>, of: &Change) -> Option<Value> {
    let found = changes.into_iter().find(|row| row.table == of.table && row.key == of.key);
    found.and_then(|row| row.value)
}

async fn at(app: &Shared, version: Seq, of: &Change) -> Result<Option<Value>, WebError> {
    let entry = app.store.tail(version.saturating_sub(1), 1).await?.pop();
    Ok(entry.and_then(|entry| value_of(entry.changes.rows, of)))
}

/// The value that the row had last, as far as it is not long ago.
async fn earlier(app: &Shared, seq: Seq, of: &Change) -> Result<Option<Value>, WebError> {
    let mut upto = seq.saturating_sub(1);
    let end = upto.saturating_sub(BACK);
    while upto > end {
        let size = CHUNK.min(upto - end);
        let limit = usize::try_from(size).unwrap_or_default();
        for entry in app.store.tail(upto - size, limit).await?.into_iter().rev() {
            if let Some(value) = value_of(entry.changes.rows, of) {
                return Ok(Some(value));
            }
        }
        upto -= size;
    }
    Ok(None)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// The fields of a value by their paths; what is secret keeps no value.
fn flat(name: &str, value: &Value, depth: usize, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if depth < DEPTH && !fields.is_empty() => {
            for (field, value) in fields {
                let path = if name.is_empty() { field.clone() } else { format!("{name}.{field}") };
                if is_secret(field) {
                    into.insert(path, value.clone());
                } else {
                    flat(&path, value, depth + 1, into);
                }
            }
        }
        _ => {
            into.insert(name.to_owned(), value.clone());
        }
    }
}

/// A value without what is secret in it.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(cleaned).collect(),
        Value::Object(fields) => {
            let open = fields.iter().filter(|(name, _)| !is_secret(name));
            Value::Object(open.map(|(name, value)| (name.clone(), cleaned(value))).collect())
        }
        other => other.clone(),
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => return "—".to_owned(),
        other => cleaned(other).to_string(),
    };
    let mut chars = text.chars();
    let short: String = chars.by_ref().take(MOST_CHARS).collect();
    if chars.next().is_some() { format!("{short}…") } else { short }
}

fn differences(before: Option<&Value>, after: Option<&Value>) -> Told {
    let fields = |value: Option<&Value>| {
        let mut fields = BTreeMap::new();
        if let Some(value) = value {
            flat("", value, 0, &mut fields);
        }
        fields
    };
    let (old, new) = (fields(before), fields(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let mut told = Told::default();
    for name in changed {
        if told.fields.len() >= MOST_FIELDS {
            told.more += 1;
            continue;
        }
        let secret = name.split('.').any(is_secret);
        let text = |value: Option<&Value>| value.filter(|_| !secret).map(shown);
        let (before, after) = (text(old.get(name)), text(new.get(name)));
        told.fields.push(Field { name: name.clone(), before, after, secret });
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_told_and_nothing_secret() {
        let before = json!({
            "name": "Mẫn", "password_hash": "$argon2id$cũ", "roles": ["author"], "same": 1,
            "deep": { "a": { "b": 1, "access_token": "kín" } }, "list": [{ "secret": "kín", "n": 1 }],
        });
        let after = json!({
            "name": "Mẫn", "password_hash": "$argon2id$mới", "roles": ["author", "admin"], "same": 1,
            "deep": { "a": { "b": 2, "access_token": "kín hơn" } }, "list": [{ "secret": "kín hơn", "n": 2 }],
        });
        let told = differences(Some(&before), Some(&after));
        let names: Vec<_> = told.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["deep.a.access_token", "deep.a.b", "list", "password_hash", "roles"]);
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("kín") && !text.contains("argon2id"), "{text}");
        assert_eq!(told.fields[2].after.as_deref(), Some("[{\"n\":2}]"));
        assert_eq!(told.fields[4].before.as_deref(), Some("[\"author\"]"));
        assert!(told.fields[3].secret && told.fields[3].after.is_none());
    }

    #[test]
    fn long_values_and_many_fields_are_cut() {
        let many: serde_json::Map<String, Value> =
            (0..70).map(|n| (format!("f{n:02}"), "ấ".repeat(400).into())).collect();
        let told = differences(None, Some(&Value::Object(many)));
        assert_eq!((told.fields.len(), told.more), (60, 10));
        assert_eq!(told.fields[0].after.as_deref().map(|text| text.chars().count()), Some(301));
    }

    #[test]
    fn a_table_that_nobody_named_is_closed() {
        for table in ["session", "secret", "public_media", "reach_share", "api_token", "pace"] {
            assert!(!is_open(table), "{table}");
        }
    }
}
