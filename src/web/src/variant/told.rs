//! The operations on variants as `OpenAPI` says them.

use serde_json::{Value, json};

use super::CHOSEN;
use crate::{clip, operation::told::body, pages::name_of, preview};

fn path(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}

fn kinds() -> Value {
    json!({ "enum": CHOSEN.map(|kind| name_of(&kind)) })
}

/// Having one made.
pub(crate) fn order() -> Value {
    let mut choices = preview::choices();
    choices["properties"]["clip"] = clip::storyboard();
    let schema = json!({
        "type": "object", "required": ["kind"], "additionalProperties": false,
        "properties": {
            "kind": kinds(), "brand": { "type": ["string", "null"] }, "choices": choices,
        },
    });
    json!({
        "summary": "Have a variant of an article made as a person chooses it (roles author, editor); what is absent is as the engine chooses, and the same choices again make nothing",
        "parameters": [path("id")],
        "requestBody": body(&schema),
        "responses": {
            "200": { "description": "The same is there already: its id and state" },
            "202": { "description": "Queued: id of the variant and of the job that draws it" },
            "404": { "description": "The agency has no such article" },
            "422": { "description": "What does not fit the article, application/problem+json" },
        },
    })
}

/// What can be chosen.
pub(crate) fn editor() -> Value {
    json!({
        "summary": "What can be chosen for a variant and what is chosen now: lines with their own words and places, scenes, templates, brand kits, photos, voices (roles author, editor)",
        "parameters": [path("id"), { "name": "kind", "in": "path", "required": true, "schema": kinds() }],
        "responses": {
            "200": { "description": "The editor of a card or of a clip" },
            "404": { "description": "The agency has no such article, or nobody chooses for this kind" },
            "422": { "description": "The article has no brief yet, application/problem+json" },
        },
    })
}
