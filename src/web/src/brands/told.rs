//! The operations about brand kits as `OpenAPI` says them.

use serde_json::{Map, Value, json};

use crate::operation::{piece, told::body};

fn asks(required: &[&str], properties: &Value) -> Value {
    body(&json!({
        "type": "object", "required": required, "additionalProperties": false, "properties": properties,
    }))
}

fn name() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" })
}

fn path() -> Value {
    json!([{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }])
}

/// Words, colours and logo; `more` beside them.
fn fields(more: Value) -> Value {
    let text = |most: u32| json!({ "type": "string", "maxLength": most });
    let colour = json!({ "type": "string", "pattern": "^#[0-9a-fA-F]{6}$" });
    let roles = loa_model::Theme::ROLES;
    let colours: Map<String, Value> =
        roles.iter().map(|role| ((*role).to_owned(), colour.clone())).collect();
    let mut all = json!({
        "title_vi": { "type": "string", "minLength": 1, "maxLength": 80 }, "title_en": text(80), "tagline": text(60),
        "colours": { "type": "object", "required": roles, "additionalProperties": false, "properties": colours },
        "logo": { "type": ["string", "null"], "contentEncoding": "base64",
            "description": "An SVG, PNG or JPEG file of at most 2 MiB, told by its content; null for none" },
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

/// What an operation with a JSON body answers when it is not right.
fn refuses(mut told: Value) -> Value {
    told["responses"]["400"] = json!({ "description": "The body is no JSON" });
    told["responses"]["413"] = json!({ "description": "The body is too long" });
    told["responses"]["415"] = json!({ "description": "The body is not said to be JSON" });
    told["responses"]["422"] = json!({ "description": "Something in it cannot be: a word, a colour that is hard to read, a logo; the problem says what" });
    told
}

/// The list.
pub(crate) fn list() -> Value {
    piece::told(
        "Brand kits that the caller's agency may draw in: its own and the reviewed ones; used marks the one that it does",
        "Kits: id, names, colours by role, least contrast, version",
        &[],
    )
}

/// One.
pub(crate) fn one() -> Value {
    json!({
        "summary": "A brand kit that the caller's agency made",
        "parameters": path(),
        "responses": {
            "200": { "description": "As in the list" },
            "404": { "description": "The agency has no such kit" },
        },
    })
}

/// The adding.
pub(crate) fn add() -> Value {
    refuses(json!({
        "summary": "Add a brand kit (role admin); a sample card is drawn in each size first",
        "requestBody": asks(&["name", "title_vi", "colours"], &fields(json!({ "name": name() }))),
        "responses": {
            "201": { "description": "It is kept: id, name, version and digest" },
            "409": { "description": "The agency has a kit of this name" },
        },
    }))
}

/// The changing.
pub(crate) fn change() -> Value {
    let version = json!({ "version": { "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX, "description": "The version that was seen" } });
    refuses(json!({
        "summary": "Change a brand kit (role admin); what was drawn in it stays. A logo that is not said stays, too",
        "parameters": path(),
        "requestBody": asks(&["title_vi", "colours"], &fields(version)),
        "responses": {
            "200": { "description": "It is kept: id, name, version and digest. The same again is no new version" },
            "404": { "description": "The agency has no such kit" },
            "409": { "description": "Somebody changed it since that version" },
        },
    }))
}

/// The removing.
pub(crate) fn remove() -> Value {
    json!({
        "summary": "Remove a brand kit (role admin); what was drawn in it stays",
        "parameters": path(),
        "responses": {
            "204": { "description": "It is gone" },
            "404": { "description": "The agency has no such kit" },
            "409": { "description": "The agency uses it, or was changed just now" },
        },
    })
}

/// The choosing.
pub(crate) fn choose() -> Value {
    refuses(json!({
        "summary": "Draw the pictures of the caller's agency in this kit from now on (role admin)",
        "requestBody": asks(&["id"], &json!({ "id": { "type": "string" } })),
        "responses": {
            "204": { "description": "It is so" },
            "404": { "description": "The agency has no record" },
            "409": { "description": "Somebody changed the agency just now" },
        },
    }))
}

/// The looking.
pub(crate) fn preview() -> Value {
    let more = json!({
        "name": { "type": ["string", "null"], "description": "The kit that is changed: a logo that is not said is its own" },
        "look": { "type": "integer", "minimum": 0, "maximum": 2, "description": "Which of the samples" },
    });
    refuses(json!({
        "summary": "A sample card in a brand kit that is being made, and every text on its ground with its contrast; nothing is kept (role admin)",
        "requestBody": asks(&["title_vi", "colours"], &fields(more)),
        "responses": { "200": { "description": "The picture as a data: address, pairs of colours, what is wrong with the words" } },
    }))
}

/// The drawing anew.
pub(crate) fn redraw() -> Value {
    json!({
        "summary": "Draw the pictures and clips of an article anew whose brand kit or words changed since; drafts take them over",
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }],
        "responses": {
            "200": { "description": "queued: how many are drawn" },
            "404": { "description": "The agency has no such article" },
        },
    })
}
