//! The operations about people as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::piece;

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn id() -> Value {
    json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }])
}

fn fields() -> Value {
    let role = json!({ "enum": ["author", "editor", "approver", "analyst", "admin"] });
    json!({
        "login": { "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{1,39}$" },
        "name": { "type": "string", "minLength": 1, "maxLength": 80 },
        "roles": { "type": "array", "items": role },
        "lang": { "enum": ["vi", "en"] },
        "active": { "type": "boolean" },
    })
}

fn object(required: &[&str], names: &[&str]) -> Value {
    let all = fields();
    let some: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), all[*name].clone())).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": some })
}

/// What an operation with a JSON body answers when it is not right.
fn refuses(mut told: Value) -> Value {
    told["responses"]["400"] = json!({ "description": "The body is no JSON" });
    told["responses"]["415"] = json!({ "description": "The body is not said to be JSON" });
    told["responses"]["422"] =
        json!({ "description": "Something in it cannot be; the problem says what" });
    told
}

/// The list.
pub(crate) fn list() -> Value {
    let summary = "People of the caller's agency by sign-in name, with roles, last sign-in and whether they may sign in (role admin)";
    piece::told(summary, "People", &[])
}

/// One person.
pub(crate) fn one() -> Value {
    json!({
        "summary": "One person of the caller's agency (role admin)",
        "parameters": id(),
        "responses": {
            "200": { "description": "The person", "content": { "application/json": {} } },
            "404": { "description": "The agency has nobody of this id" },
        },
    })
}

/// The adding.
pub(crate) fn add() -> Value {
    refuses(json!({
        "summary": "Add a person (role admin); the answer tells the first password, once",
        "requestBody": body(&object(&["login", "name", "roles"], &["login", "name", "roles", "lang"])),
        "responses": {
            "201": { "description": "id, login and password" },
            "409": { "description": "The sign-in name is taken" },
        },
    }))
}

/// The changing.
pub(crate) fn change() -> Value {
    refuses(json!({
        "summary": "Change name and roles of a person, or whether they may sign in (role admin); what is not said stays",
        "parameters": id(),
        "requestBody": body(&object(&[], &["name", "roles", "active"])),
        "responses": {
            "204": { "description": "It is so" },
            "404": { "description": "The agency has nobody of this id" },
            "409": { "description": "Somebody changed the person just now" },
        },
    }))
}

/// The new password.
pub(crate) fn give() -> Value {
    json!({
        "summary": "Give a person a new password, told once (role admin); their sessions end",
        "parameters": id(),
        "responses": {
            "200": { "description": "id, login and password" },
            "404": { "description": "The agency has nobody of this id" },
            "409": { "description": "Somebody changed the person just now" },
        },
    })
}
