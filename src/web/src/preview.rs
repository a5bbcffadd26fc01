//! `POST /api/v1/preview`: a card as it would be, at half size, while an editor types. Nothing of it is kept.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use loa_model::{
    Actor, Agency, Article, Brief, BriefList, Choices, Chosen, Digest, FocusPoint, OwnTemplate,
    PhotoChoice, Violation, brand::SAMPLE,
};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Shared, article, auth::Visitor, error::WebError};

/// A card that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Article.
    pub article: Article,
    /// Its brief with the changes of the editor.
    pub brief: Brief,
    /// What the editor chose; headline and lists are in the brief.
    pub choices: Choices,
    /// Brand kit.
    pub brand: String,
    /// Name of the size.
    pub size: String,
}

/// A card that was drawn, or why the size cannot hold it.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// JPEG; empty with a violation.
    pub jpeg: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Alternative text.
    pub alt: String,
    /// Template, drawn strings with their origin, what was left out.
    pub picture: Value,
    /// What the crop of the photo keeps in sight; nothing without a photo.
    pub focus: Option<FocusPoint>,
    /// Why the size cannot hold it.
    pub violations: Vec<Violation>,
}

/// A family of cards that people choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Family {
    /// Name of the template.
    pub id: String,
    /// Name in Vietnamese.
    pub name_vi: String,
    /// Name in English.
    pub name_en: String,
    /// Names of its sizes with their pixels.
    pub sizes: Vec<(String, u32, u32)>,
    /// Digest of its files, when the agency wrote it itself.
    pub own: Option<Digest>,
}

/// Why a template was not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong, for people, in both languages where it is ours.
    pub why: String,
    /// What its samples show, each with sample and size.
    pub findings: Vec<String>,
}

/// Who draws. `main` hands it in, the pages know no canvas.
pub trait Cards: Send + Sync {
    /// Draws a card at half size, or says what is wrong with what was asked for.
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>>;

    /// A JPEG of a picture, at most so many pixels wide, or what is wrong with the picture.
    fn small(&self, picture: Bytes, width: u32) -> BoxFuture<'_, Result<Vec<u8>, String>>;

    /// The families that an agency may use: the reviewed ones and its own.
    fn families<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Family>, String>>;

    /// Tries a template that an agency wrote, under limits, and keeps it when its samples are drawn.
    fn keep(&self, template: OwnTemplate) -> BoxFuture<'_, Result<(), Refused>>;

    /// Takes a template of an agency away; whether there was one.
    fn remove<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        by: Actor,
    ) -> BoxFuture<'a, Result<bool, String>>;
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    article: String,
    #[serde(default = "portrait")]
    size: String,
    brand: Option<String>,
    #[serde(default)]
    choices: Choices,
}

fn portrait() -> String {
    "portrait".to_owned()
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
}

/// Draws and answers with the picture as a `data:` address, its alternative text, and where each word comes from.
pub(crate) async fn preview(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Response, WebError> {
    let ask: Ask = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        Err(error) => return Ok(problem(error.to_string())),
    };
    let article = article::find(&app, &visitor, &ask.article).await?;
    let Some(mut brief) = article::brief_of(&app, &article).await? else {
        return Ok(problem(article::NO_BRIEF.to_owned()));
    };
    let chosen = Chosen { choices: ask.choices, by: visitor.user.id, at: app.clock.now() };
    if let Err(why) = chosen.apply(&mut brief) {
        return Ok(problem(why.to_string()));
    }
    let choices = chosen.choices;
    if let Err(why) = photo_of(&choices, &article) {
        return Ok(problem(why));
    }
    let brand = match ask.brand {
        Some(brand) => brand,
        None => brand_of(&app, &article.agency).await?,
    };
    let wanted = Wanted { article, brief, choices, brand, size: ask.size };
    let drawn = match app.cards.draw(wanted).await {
        Ok(drawn) => drawn,
        Err(why) => return Ok(problem(why)),
    };
    let picture = (!drawn.jpeg.is_empty())
        .then(|| format!("data:image/jpeg;base64,{}", STANDARD.encode(&drawn.jpeg)));
    Ok(Json(json!({
        "picture": picture, "width": drawn.width, "height": drawn.height, "alt": drawn.alt,
        "template": drawn.picture["template"], "drawn": drawn.picture["drawn"],
        "left_out": drawn.picture["left_out"], "focus": drawn.focus, "violations": drawn.violations,
    }))
    .into_response())
}

/// The brand kit of an agency.
pub(crate) async fn brand_of(app: &Shared, agency: &str) -> Result<String, WebError> {
    let row = app.store.read::<Agency>(agency).await?;
    // One that is not there draws in no kit, rather than in that of somebody else.
    let none = || if agency == SAMPLE { SAMPLE.to_owned() } else { String::new() };
    Ok(row.map_or_else(none, |row| row.record.brand))
}

/// Whether the article has the photo that was chosen.
pub(crate) fn photo_of(choices: &Choices, article: &Article) -> Result<(), String> {
    let PhotoChoice::At(index) = choices.photo else { return Ok(()) };
    let count = article.photos.len();
    let there = article.photos.get(index).is_some_and(|photo| photo.blob.is_some());
    there.then_some(()).ok_or_else(|| {
        format!(
            "Bài không có ảnh số {}, chỉ có {count} ảnh / The article has no photo {}, it has {count}",
            index + 1,
            index + 1
        )
    })
}

/// RFC 9457.
pub(crate) fn problem(detail: String) -> Response {
    problems(detail, Vec::new())
}

/// RFC 9457, with everything that is wrong.
pub(crate) fn problems(detail: String, errors: Vec<String>) -> Response {
    let problem = Problem {
        r#type: "about:blank",
        title: "Không vẽ được / Cannot be drawn",
        status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(),
        detail,
        errors,
    };
    let mut headers = HeaderMap::new();
    let kind = header::HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, kind);
    let body = serde_json::to_vec(&problem).expect("a problem is JSON");
    (StatusCode::UNPROCESSABLE_ENTITY, headers, body).into_response()
}

/// The words of choices as `OpenAPI` says them: the headline and the lists of the brief.
pub(crate) fn words() -> Value {
    let mut words = json!({ "title": { "type": "string" } });
    for list in BriefList::ALL {
        let mut part = json!({
            "type": "object", "required": ["of"], "additionalProperties": false,
            "properties": { "of": { "type": "integer", "minimum": 0 } },
        });
        if list.is_written() {
            part["properties"]["text"] = json!({ "type": "string" });
        }
        words[list.name()] = json!({ "type": "array", "items": part });
    }
    words
}

/// The choices of a card as `OpenAPI` says them.
pub(crate) fn choices() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let place = json!({
        "type": "object", "required": ["x", "y"], "additionalProperties": false,
        "properties": { "x": number, "y": number },
    });
    let photo = json!({ "oneOf": [
        { "enum": ["first", "without"] },
        {
            "type": "object", "required": ["at"], "additionalProperties": false,
            "properties": { "at": { "type": "integer", "minimum": 0 } },
        },
    ]});
    let mut properties = words();
    for (name, schema) in [("template", text), ("photo", photo), ("focus", place)] {
        properties[name] = schema;
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

/// The operation as `OpenAPI` says it.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let ask = json!({
        "type": "object", "required": ["article"], "additionalProperties": false,
        "properties": { "article": text, "size": text, "brand": text, "choices": choices() },
    });
    json!({
        "summary": "A card at half size with an editor's changes; nothing is kept",
        "requestBody": { "required": true, "content": { "application/json": { "schema": ask } } },
        "responses": {
            "200": { "description": "The picture as a data: address, its alternative text, origins, violations" },
            "404": { "description": "The agency has no such article" },
            "422": { "description": "What is wrong with the request or the template, application/problem+json" },
        },
    })
}
