//! The operations of this module as `OpenAPI` says them.

use loa_model::MediaRole;
use serde_json::{Value, json};

use crate::{approvals, pages::name_of};

const PROBLEMS: [(&str, &str); 3] = [
    ("400", "The body is no JSON"),
    ("404", "No such post in the caller's agency"),
    ("422", "The body does not fit: an unknown file, or more or fewer parts than the post has"),
];

/// The schema of words.
fn words() -> Value {
    use MediaRole as R;
    let roles = [R::Photo, R::Cover, R::Video, R::Thumbnail, R::Captions].map(|r| name_of(&r));
    let text = json!({ "type": ["string", "null"] });
    let texts = |what: &str| json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": what });
    json!({
        "type": "object", "additionalProperties": false,
        "description": "What is absent stays as it is",
        "properties": {
            "title": text, "author": text, "text": text, "tags": texts("Without #"),
            "body": texts("Of an article post: every paragraph and every caption of a picture, each in its place"),
            "files": {
                "type": ["array", "null"],
                "description": "All files in order: those of the post, or others of its article",
                "items": {
                    "type": "object", "required": ["role", "sha256", "alt"], "additionalProperties": false,
                    "properties": {
                        "role": { "enum": roles },
                        "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                        "alt": { "type": "string", "description": "What the picture shows" },
                    },
                },
            },
            "captions": texts("The words of every caption of the clip; an empty one is left out"),
        },
    })
}

/// Counting as `OpenAPI` says it.
pub(super) fn check() -> Value {
    let schema = json!({
        "type": "object", "required": ["words"], "additionalProperties": false,
        "properties": { "words": words() },
    });
    let summary = "Count drafted words of a post by its channel's own rules, without keeping them (roles author, editor)";
    let ok = "limits: each with what is counted; problems: what the channel would refuse, what to do, and whether \
              it can be fixed; time: what it gets into the way of, and a later one for its schedule; digest; frame: HTML as the channel shows it";
    approvals::told(summary, ok, Some(schema), &PROBLEMS)
}

/// Proposing a change as `OpenAPI` says it.
pub(super) fn fix() -> Value {
    let schema = json!({
        "type": "object", "required": ["field", "problem"], "additionalProperties": false,
        "properties": {
            "words": words(),
            "field": { "type": "string", "description": "As a problem says it, for example text" },
            "problem": { "type": "string", "description": "As a problem says it, for example too_long" },
        },
    });
    let summary = "Propose a change of drafted words without one problem; nothing is kept (roles author, editor)";
    let ok = "words: as they would be, for PATCH; changes: by words; limits and problems then";
    let mut problems = PROBLEMS.to_vec();
    problems.push(("409", "There is no such problem, or a person has to decide"));
    problems.push(("501", "This build has no such channel"));
    approvals::told(summary, ok, Some(schema), &problems)
}

/// Keeping as `OpenAPI` says it.
pub(super) fn keep() -> Value {
    let schema = json!({
        "type": "object", "required": ["words"], "additionalProperties": false,
        "properties": {
            "digest": {
                "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$",
                "description": "What was looked at: another post is left as it is",
            },
            "words": words(),
        },
    });
    let summary = "Write a post in other words (roles author, editor): it is a draft then, and an approved one is replaced by a draft";
    let ok =
        "id: the post, or the draft that replaces it; rewritten: what a person wrote; problems";
    let mut problems = PROBLEMS.to_vec();
    problems.push(("409", "It changed meanwhile, or it is live or on its way"));
    approvals::told(summary, ok, Some(schema), &problems)
}
