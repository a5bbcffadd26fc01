//! The operations about feeds as `OpenAPI` says them.

use serde_json::{Value, json};

use crate::operation::{piece, told::body};

fn fields() -> Value {
    json!({
        "url": { "type": "string", "description": "Address of the RSS or Atom feed, http or https" },
        "title": { "type": "string", "maxLength": 120, "description": "The feed's own title when empty" },
        "every_minutes": { "type": "integer", "minimum": 5, "maximum": 1440 },
        "hours": { "type": "integer", "minimum": 0, "maximum": 168, "description": "How far the first look goes back" },
        "accounts": { "type": "array", "items": { "type": "string" }, "description": "Drafts are written for these; none: entries are only read" },
        "paused": { "type": "boolean" },
    })
}

fn object(required: &[&str], names: &[&str]) -> Value {
    let all = fields();
    let some: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), all[*name].clone())).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": some })
}

/// With the answers to a JSON body that is not right.
fn refuses(mut told: Value) -> Value {
    told["responses"]["400"] = json!({ "description": "The body is no JSON" });
    told["responses"]["415"] = json!({ "description": "The body is not said to be JSON" });
    told["responses"]["422"] =
        json!({ "description": "Something in it cannot be; the problem says what" });
    told
}

/// About one feed.
fn of_one(mut told: Value) -> Value {
    told["parameters"] = json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }]);
    told["responses"]["404"] =
        json!({ "description": "No feed of the caller's agency has this id" });
    told
}

/// About one feed that is changed.
fn changes(mut told: Value) -> Value {
    told["responses"]["409"] = json!({ "description": "Somebody changed it at the same time" });
    of_one(told)
}

pub(crate) fn list() -> Value {
    piece::told(
        "Feeds that the caller's agency watches, the newest first, each with its last look and what is wrong with it",
        "Feeds",
        &[],
    )
}

pub(crate) fn taste() -> Value {
    refuses(json!({
        "summary": "Read a feed and tell what it holds; nothing is kept",
        "requestBody": body(&object(&["url"], &["url"])),
        "responses": { "200": { "description": "Title, number of entries, and the first 20 of them" } },
    }))
}

pub(crate) fn add() -> Value {
    refuses(json!({
        "summary": "Watch a feed: each new entry is read once, at most 20 a look, the rest at the next",
        "requestBody": body(&object(&["url"], &["url", "title", "every_minutes", "hours", "accounts"])),
        "responses": { "201": { "description": "The feed; its first look is queued" } },
    }))
}

pub(crate) fn one() -> Value {
    of_one(json!({
        "summary": "A feed with the 100 entries that were found last, each with what became of it",
        "responses": { "200": { "description": "JSON" } },
    }))
}

pub(crate) fn change() -> Value {
    changes(refuses(json!({
        "summary": "Change how a feed is watched, pause or resume it; what is not said stays",
        "requestBody": body(&object(&[], &["title", "every_minutes", "accounts", "paused"])),
        "responses": { "200": { "description": "The feed" } },
    })))
}

pub(crate) fn look() -> Value {
    changes(json!({
        "summary": "Look at a feed now and not at its time",
        "responses": {
            "202": { "description": "The feed; the look is queued" },
            "422": { "description": "It is paused" },
        },
    }))
}

pub(crate) fn read() -> Value {
    changes(refuses(json!({
        "summary": "Read an entry that was left alone as too old, or that could not be read",
        "requestBody": body(&object(&["url"], &["url"])),
        "responses": { "202": { "description": "The entry as it stands now" } },
    })))
}

pub(crate) fn remove() -> Value {
    changes(json!({
        "summary": "Watch a feed no more; its articles stay, and watched again it does not read them twice",
        "responses": { "204": { "description": "Done" } },
    }))
}
