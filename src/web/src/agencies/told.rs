//! The operations about agencies as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::{
    piece,
    told::{body, problem},
};

fn asks(mut told: Value, required: &[&str], names: &[&str]) -> Value {
    let all = json!({
        "name": { "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{1,29}$" },
        "title": { "type": "string", "minLength": 1, "maxLength": 120 },
        "zone": { "type": "string", "maxLength": 64, "description": "IANA zone, for example Asia/Ho_Chi_Minh" },
        "brand": { "type": "string", "description": "Brand kit: one of `brands` of the list; of a new agency, a kit made of its title when it is not given" },
        "urgent_alone": { "type": "boolean", "description": "An approver may sign an urgent post of their own" },
    });
    let some: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), all[*name].clone())).collect();
    let schema = json!({ "type": "object", "required": required, "additionalProperties": false, "properties": some });
    told["requestBody"] = body(&schema);
    told["responses"]["400"] = problem("The body is no JSON");
    told["responses"]["415"] = problem("The body is not said to be JSON");
    told["responses"]["422"] = problem("Something in it cannot be; the problem says what");
    told
}

/// The list.
pub(crate) fn list() -> Value {
    piece::told(
        "Agencies the caller administers: every one where theirs keeps the installation, else their own; and brand kits to choose from (role admin)",
        "Agencies; may_add, and brands that a new one may have",
        &[],
    )
}

/// One.
pub(crate) fn one() -> Value {
    let id =
        json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "An agency the caller administers (role admin)",
        "parameters": [id],
        "responses": {
            "200": { "description": "As in the list", "content": { "application/json": {} } },
            "404": problem("The caller administers no agency of this key"),
        },
    })
}

/// The adding.
pub(crate) fn add() -> Value {
    let told = json!({
        "summary": "Add an agency (role admin in the agency that keeps the installation); the caller administers it from then on",
        "responses": {
            "201": { "description": "name" },
            "409": problem("An agency with this key exists, or somebody changed the caller just now"),
        },
    });
    asks(told, &["name", "title"], &["name", "title", "zone", "brand"])
}

/// The changing.
pub(crate) fn change() -> Value {
    let id =
        json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
    let told = json!({
        "summary": "Change name, zone, brand kit and emergency rule of an agency (role admin); what is not said stays",
        "parameters": [id],
        "responses": {
            "204": { "description": "It is so" },
            "404": problem("The caller administers no agency of this key"),
            "409": problem("Somebody changed the agency just now"),
        },
    });
    asks(told, &[], &["title", "zone", "brand", "urgent_alone"])
}
