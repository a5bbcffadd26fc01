//! The operations about accounts as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::{piece, told::body};

fn account() -> Value {
    json!([{ "name": "account", "in": "path", "required": true, "description": "channel:name",
        "schema": { "type": "string", "pattern": "^[a-z0-9-]+:[a-z0-9-]+$" } }])
}

fn values(what: &str) -> Value {
    json!({ "type": "object", "description": what, "additionalProperties": { "type": "string", "maxLength": 8192 } })
}

fn refuses(mut told: Value) -> Value {
    for (code, why) in [
        ("400", "The body is no JSON"),
        ("409", "Somebody changed the account just now, or its name is taken"),
        ("415", "The body is not said to be JSON"),
        ("422", "Something in it cannot be; the problem says what, and never a value"),
        ("429", "The account was tried too often, or too many requests of the token"),
    ] {
        told["responses"][code] = json!({ "description": why });
    }
    told
}

const ANSWER: &str = "account, status, and test: works, title, kind and message of what went wrong";

/// The list.
pub(crate) fn list() -> Value {
    piece::told(
        "Accounts of the caller's agency: status (active, paused, needs_reauth, or unconnected where it never worked) with its reason, last post that went live, last failure, next due, credentials (when they end, days left), what is left of each allowance and when units are back",
        "Accounts",
        &[],
    )
}

/// One.
pub(crate) fn one() -> Value {
    json!({
        "summary": "One account of the caller's agency, as in the list",
        "parameters": account(),
        "responses": {
            "200": { "description": "The account" },
            "404": { "description": "The agency has no such account" },
        },
    })
}

/// What the channels ask.
pub(crate) fn channels() -> Value {
    json!({
        "summary": "Channels of this build with what each asks for to connect an account, in both languages",
        "responses": { "200": { "description": "channels" } },
    })
}

/// The adding.
pub(crate) fn add() -> Value {
    let text = json!({ "type": "string", "maxLength": 120 });
    let schema = json!({
        "type": "object", "required": ["channel", "remote_id", "secrets"], "additionalProperties": false,
        "properties": {
            "channel": text, "name": text, "title": text, "remote_id": text,
            "settings": values("what the channel asks to be kept with the account"),
            "secrets": values("credentials; they go to the vault and are never told again"),
        },
    });
    refuses(json!({
        "summary": "Add an account with its credentials and ask the platform whether they work (role admin); it posts once they do",
        "requestBody": body(&schema),
        "responses": { "201": { "description": ANSWER } },
    }))
}

/// The change.
pub(crate) fn change() -> Value {
    let text = json!({ "type": "string", "maxLength": 120 });
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "title": text,
            "remote_id": { "type": "string", "maxLength": 120, "description": "only of an account that never worked" },
            "settings": values("all settings that the channel asks for; what is not in it is no more"),
        },
    });
    refuses(json!({
        "summary": "Change name, id or settings of an account; its platform is asked where id or settings changed (role admin)",
        "parameters": account(),
        "requestBody": body(&schema),
        "responses": {
            "200": { "description": format!("{ANSWER}; test is null where the platform was not asked") },
            "404": { "description": "The agency has no such account" },
        },
    }))
}

/// The removal.
pub(crate) fn remove() -> Value {
    json!({
        "summary": "Remove an account that never worked, with its credentials (role admin)",
        "parameters": account(),
        "responses": {
            "204": { "description": "It is gone" },
            "404": { "description": "The agency has no such account" },
            "409": { "description": "It was connected: posts and figures carry its name, pause it instead" },
        },
    })
}

/// The new credentials.
pub(crate) fn replace() -> Value {
    let schema = json!({
        "type": "object", "required": ["secrets"], "additionalProperties": false,
        "properties": { "secrets": values("new credentials; what is not given stays as it is") },
    });
    refuses(json!({
        "summary": "Replace credentials of an account and ask the platform whether they work (role admin)",
        "parameters": account(),
        "requestBody": body(&schema),
        "responses": {
            "200": { "description": ANSWER },
            "404": { "description": "The agency has no such account" },
        },
    }))
}

/// The test.
pub(crate) fn test() -> Value {
    json!({
        "summary": "Ask the platform whether an account works, with one harmless request (role admin)",
        "parameters": account(),
        "responses": {
            "200": { "description": ANSWER },
            "404": { "description": "The agency has no such account" },
            "409": { "description": "Somebody changed the account just now" },
            "429": { "description": "Tried too often; wait ten minutes" },
        },
    })
}
