//! The operations about people as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::{piece, told::body};

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
    let summary = "People of the caller's agency by sign-in name, with roles, last sign-in, whether they may sign in, and whether they have yet to choose a password of their own (must_renew; role admin)";
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

/// The letting in.
pub(crate) fn invite() -> Value {
    refuses(json!({
        "summary": "Let a person of another agency work in the caller's, too, with these roles (role admin)",
        "requestBody": body(&object(&["login", "roles"], &["login", "roles"])),
        "responses": {
            "200": { "description": "id, login and name" },
            "409": { "description": "Somebody changed the person just now" },
        },
    }))
}

/// The taking out.
pub(crate) fn take_out() -> Value {
    json!({
        "summary": "Take a person of another agency out of the caller's (role admin); their tokens of it are revoked",
        "parameters": id(),
        "responses": {
            "204": { "description": "They work here no more" },
            "404": { "description": "Nobody of this id works in the agency" },
            "409": { "description": "Somebody changed the person just now" },
            "422": { "description": "They belong to the agency, or nobody would administer it" },
        },
    })
}

/// The new password.
pub(crate) fn give() -> Value {
    let fresh = json!({ "type": "object", "additionalProperties": false, "properties": {
        "revoke_tokens": { "type": "boolean", "default": true },
    } });
    json!({
        "summary": "Give a person a new password, told once (role admin); their sessions end, and their API tokens unless the body says otherwise",
        "parameters": id(),
        "requestBody": { "required": false, "content": { "application/json": { "schema": fresh } } },
        "responses": {
            "200": { "description": "id, login and password" },
            "400": { "description": "The body is no JSON" },
            "404": { "description": "The agency has nobody of this id" },
            "409": { "description": "Somebody changed the person just now" },
            "415": { "description": "The body is not said to be JSON" },
            "422": { "description": "Another agency keeps the password of this person, or the body does not say what is asked for" },
        },
    })
}
