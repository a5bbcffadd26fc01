//! The operations of the log as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::{
    piece,
    told::{body, problem},
};

fn questions() -> Value {
    let text = json!({ "type": "string" });
    let day = json!({ "type": "string", "format": "date" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let parameter = |name: &str, schema: &Value, words: &str| json!({ "name": name, "in": "query", "required": false, "schema": schema, "description": words });
    json!([
        parameter(
            "who",
            &text,
            "humans (people and operators), people, machines, operators, or the id of a person; all is everybody, as without it"
        ),
        parameter(
            "act",
            &text,
            "What was done, as `act` of an entry says it; delivery for every move of a delivery, decisions for what approvers decide"
        ),
        parameter(
            "about",
            &text,
            "Id of an article or a post, a link code or its address, or an account name"
        ),
        parameter("from", &day, "First day, Asia/Ho_Chi_Minh"),
        parameter("to", &day, "Last day, included"),
        parameter(
            "before",
            &number,
            "Only records older than this number: `next` of the answer before"
        ),
    ])
}

/// The list.
pub(crate) fn list() -> Value {
    let mut parameters = questions();
    if let Some(all) = parameters.as_array_mut() {
        all.push(json!({ "name": "open", "in": "query", "required": false, "schema": { "type": "integer", "minimum": 0 }, "description": "The record whose changes are told" }));
    }
    piece::told(
        "Who did what, the newest first; at most 2000 records are looked at, so an answer may hold fewer lines than asked for, or none, and `next` still says where to go on",
        "Lines, and how many records were looked at",
        parameters.as_array().map_or(&[], Vec::as_slice),
    )
}

/// One record.
pub(crate) fn one() -> Value {
    json!({
        "summary": "One record of the log with what changed: fields before and after, nothing secret",
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" }, "description": "Number of the record" }],
        "responses": {
            "200": { "description": "JSON", "content": { "application/json": {} } },
            "400": problem("The address cannot be read"),
            "404": problem("There is no such record, or it is of another agency"),
        },
    })
}

/// The check.
pub(crate) fn verify() -> Value {
    let schema = json!({ "type": "object", "additionalProperties": false, "properties": {
        "after": { "type": "integer", "minimum": 0, "maximum": u64::MAX, "description": "Goes on behind this record" },
    } });
    json!({
        "summary": "Checks that every record of the ledger names the hash of the one before, 200000 records at a time",
        "requestBody": body(&schema),
        "responses": {
            "200": { "description": "JSON", "content": { "application/json": {} } },
            "400": problem("The body is no JSON"),
            "413": problem("The body is too long"),
            "415": problem("The body is not called JSON"),
            "422": problem("The body does not say what is asked for"),
        },
    })
}

/// The file.
pub(crate) fn file() -> Value {
    json!({
        "summary": "What was found as CSV, for people: in their language, local times, at most 10000 lines; the last line says where it was cut",
        "parameters": questions(),
        "responses": {
            "200": { "description": "The file", "content": { "text/csv": {} } },
            "400": problem("The question cannot be read"),
            "422": problem("The question makes no sense"),
        },
    })
}
