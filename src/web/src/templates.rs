//! `/api/v1/templates`: the families of cards that an agency may use. Who administers it adds its own; they are code that
//! nobody reviewed, so they are tried and drawn in a child under limits.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use loa_model::OwnTemplate;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    operation::piece::{self, Part, Piece},
    preview::{Family, problems},
};

/// Reviewed families and those of the caller's agency, which are marked.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<Value>, WebError> {
    let views = views(&app, &visitor).await?;
    Piece::of(views, &part, |view| view["id"].as_str().unwrap_or_default().to_owned())
}

/// One of the agency's own.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<Value>, WebError> {
    let id = format!("own/{name}");
    let found = views(&app, &visitor).await?.into_iter().find(|view| view["id"] == id);
    found.map(Json).ok_or_else(WebError::missing)
}

async fn views(app: &Shared, visitor: &Visitor) -> Result<Vec<Value>, WebError> {
    let families = app.cards.families(&visitor.user.agency).await.map_err(|why| {
        tracing::error!(why, "The templates of cards cannot be read");
        WebError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    let size = |(id, width, height)| json!({ "id": id, "width": width, "height": height });
    let view = |family: Family| {
        json!({
            "id": family.id, "name_vi": family.name_vi, "name_en": family.name_en, "own": family.own.is_some(),
            "digest": family.own, "sizes": family.sizes.into_iter().map(size).collect::<Vec<_>>(),
        })
    };
    Ok(families.into_iter().map(view).collect())
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    name: String,
    files: BTreeMap<String, String>,
}

/// Keeps a template once its samples were drawn; one of the same name is replaced.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Response, WebError> {
    let ask: Ask = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        Err(error) => return Ok(problems(error.to_string(), Vec::new())),
    };
    let (agency, by, now) = (&visitor.user.agency, visitor.actor(), app.clock.now());
    let template = match OwnTemplate::new(agency, &ask.name, ask.files, by, now) {
        Ok(template) => template,
        Err(why) => return Ok(problems(why.to_string(), Vec::new())),
    };
    let told = json!({ "id": template.id(), "digest": template.digest });
    match app.cards.keep(template).await {
        Ok(()) => Ok((StatusCode::CREATED, Json(told)).into_response()),
        Err(refused) => Ok(problems(refused.why, refused.findings)),
    }
}

/// Takes a template away; cards that were drawn with it stay.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<StatusCode, WebError> {
    let gone = app.cards.remove(&visitor.user.agency, &name, visitor.actor()).await;
    let gone = gone.map_err(|why| {
        tracing::error!(why, "A template cannot be removed");
        WebError::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(WebError::missing()) }
}

/// The list as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    piece::told("Families of cards by id, those of the caller's agency marked", "Families", &[])
}

/// One as `OpenAPI` says it.
pub(crate) fn one_told() -> Value {
    let name =
        json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "One template of the caller's agency",
        "parameters": [name],
        "responses": {
            "200": { "description": "The template", "content": { "application/json": {} } },
            "404": { "description": "The agency has no such template" },
        },
    })
}

/// The adding as `OpenAPI` says it.
pub(crate) fn add_told() -> Value {
    let text = json!({ "type": "string" });
    let files = json!({
        "type": "object", "required": ["template.typ", "template.toml"], "additionalProperties": false,
        "properties": { "template.typ": text, "template.toml": text, "sample.json": text },
    });
    let ask = json!({
        "type": "object", "required": ["name", "files"], "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" },
            "files": files,
        },
    });
    json!({
        "summary": "Add or replace a template of the caller's agency (role admin); its samples are drawn under limits first",
        "requestBody": { "required": true, "content": { "application/json": { "schema": ask } } },
        "responses": {
            "201": { "description": "It is kept: id and digest" },
            "422": { "description": "What is wrong, with file and line, application/problem+json; errors lists what the samples show" },
        },
    })
}

/// The removing as `OpenAPI` says it.
pub(crate) fn remove_told() -> Value {
    let name =
        json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
    json!({
        "summary": "Remove a template of the caller's agency (role admin); cards drawn with it stay",
        "parameters": [name],
        "responses": {
            "204": { "description": "It is gone" },
            "404": { "description": "The agency has no such template" },
        },
    })
}
