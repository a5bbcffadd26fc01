//! Pieces of what `OpenAPI` says of operations.

use serde_json::{Value, json};

/// An answer that is a problem.
pub(crate) fn problem(words: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": words, "content": { "application/problem+json": { "schema": schema } } })
}

/// A body of JSON that has to be sent.
pub(crate) fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}
