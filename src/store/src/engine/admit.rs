//! What the engine takes at all.

use serde_json::Value;

use super::{VALUE_LIMIT, refused};
use crate::{changes::Change, error::Result, queue};

/// Whether a caller may ask for this change at all.
pub(super) fn admit(change: &Change) -> Result<()> {
    if [queue::JOBS, queue::LEASES].contains(&change.table.as_str()) {
        return Err(refused(
            change,
            "the queue keeps this table: enqueue, finish or lease instead",
        ));
    }
    let index = change.index.iter().flat_map(|(index, key)| [index, key]);
    if [&change.table, &change.key].into_iter().chain(index).any(|text| text.contains('\0')) {
        return Err(refused(change, "names and keys hold no NUL"));
    }
    if change.table.is_empty() || change.table.len() + change.key.len() > 1024 {
        return Err(refused(change, "a table has a name, and a key is at most 1,000 bytes long"));
    }
    let bytes = change.value.as_ref().map_or(0, |value| value.to_string().len());
    if bytes >= VALUE_LIMIT {
        let why = format!("its value has {bytes} bytes; put what is over 64 KiB into a blob");
        return Err(refused(change, &why));
    }
    Ok(())
}

/// Whether a number in it may come back rounded.
pub(super) fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_float),
        Value::Object(values) => values.values().any(has_float),
        _ => false,
    }
}
