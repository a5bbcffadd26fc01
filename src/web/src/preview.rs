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
use loa_model::{Agency, Article, Brief, Edit, Passage, Role, UserId, Violation};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Shared, article, auth::Visitor, error::WebError};

/// Characters of one edited passage, at most.
const MOST_LETTERS: usize = 10_000;

/// Where the eye should rest on a photo: 0 to 1 from the left and from the top.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Focus {
    /// 0 left edge, 1 right edge.
    pub x: f64,
    /// 0 top edge, 1 bottom edge.
    pub y: f64,
}

/// A card that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Article.
    pub article: Article,
    /// Its brief with the changes of the editor.
    pub brief: Brief,
    /// Template; the kind of story chooses when absent.
    pub template: Option<String>,
    /// Brand kit.
    pub brand: String,
    /// Name of the size.
    pub size: String,
    /// Which photo of the article; none when absent.
    pub photo: Option<usize>,
    /// What its crop keeps in sight.
    pub focus: Option<Focus>,
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
    /// Why the size cannot hold it.
    pub violations: Vec<Violation>,
}

/// Who draws. `main` hands it in, the pages know no canvas.
pub trait Cards: Send + Sync {
    /// Draws a card at half size, or says what is wrong with what was asked for.
    fn draw(&self, wanted: Wanted) -> BoxFuture<'_, Result<Drawn, String>>;
}

/// A point of the brief, in the place where the editor wants it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    /// Which point of the brief, from 0.
    of: usize,
    /// Its words, when a person wrote others.
    text: Option<String>,
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    article: String,
    #[serde(default = "portrait")]
    size: String,
    template: Option<String>,
    brand: Option<String>,
    title: Option<String>,
    /// Those that are to be drawn, in their order; as in the brief when absent.
    points: Option<Vec<Point>>,
    #[serde(default)]
    photo: Photo,
    focus: Option<Focus>,
}

fn portrait() -> String {
    "portrait".to_owned()
}

/// The first photo unless another one is named; `null` for none.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Photo(Option<usize>);

impl Default for Photo {
    fn default() -> Self {
        Self(Some(0))
    }
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

/// Draws and answers with the picture as a `data:` address, its alternative text, and where each word comes from.
pub(crate) async fn preview(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Response, WebError> {
    if !visitor.user.is_any(&[Role::Author, Role::Editor, Role::Approver]) {
        return Err(WebError::forbidden());
    }
    let ask: Ask = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        Err(error) => return Ok(problem(error.to_string())),
    };
    let article = article::find(&app, &visitor, &ask.article).await?;
    let Some(brief) = article::brief_of(&app, &article).await? else {
        return Ok(problem(
            "Bài chưa có bản tóm lược, hãy chờ đọc xong / The article has no brief yet, wait until it is read".to_owned(),
        ));
    };
    let now = app.clock.now();
    let brief = match edited(brief, &ask, visitor.user.id, now) {
        Ok(brief) => brief,
        Err(why) => return Ok(problem(why)),
    };
    let agency = app.store.read::<Agency>(&article.agency).await?;
    let own = agency.map_or_else(|| "demo".to_owned(), |row| row.record.brand);
    let has_photo = ask.photo.0.filter(|index| *index < article.photos.len());
    let wanted = Wanted {
        brief,
        template: ask.template,
        brand: ask.brand.unwrap_or(own),
        size: ask.size,
        photo: has_photo,
        focus: ask.focus,
        article,
    };
    let drawn = match app.cards.draw(wanted).await {
        Ok(drawn) => drawn,
        Err(why) => return Ok(problem(why)),
    };
    let picture = (!drawn.jpeg.is_empty())
        .then(|| format!("data:image/jpeg;base64,{}", STANDARD.encode(&drawn.jpeg)));
    Ok(Json(json!({
        "picture": picture, "width": drawn.width, "height": drawn.height, "alt": drawn.alt,
        "template": drawn.picture["template"], "drawn": drawn.picture["drawn"],
        "left_out": drawn.picture["left_out"], "violations": drawn.violations,
    }))
    .into_response())
}

/// The brief as the editor has it: what was rewritten is marked as theirs.
fn edited(mut brief: Brief, ask: &Ask, by: UserId, at: jiff::Timestamp) -> Result<Brief, String> {
    let rewrite = |passage: &mut Passage, text: &Option<String>| -> Result<(), String> {
        let Some(text) = text.as_deref().map(str::trim).filter(|text| *text != passage.text) else {
            return Ok(());
        };
        if text.chars().count() > MOST_LETTERS {
            return Err(format!("Tối đa {MOST_LETTERS} ký tự / At most {MOST_LETTERS} characters"));
        }
        text.clone_into(&mut passage.text);
        passage.edits.push(Edit::Rewritten { by, at });
        Ok(())
    };
    rewrite(&mut brief.title, &ask.title)?;
    if let Some(points) = &ask.points {
        let mut chosen = Vec::new();
        for point in points {
            let mut passage = brief.points.get(point.of).cloned().ok_or_else(|| {
                let count = brief.points.len();
                format!(
                    "Bản tóm lược có {count} ý / The brief has {count} points: points[].of = {}",
                    point.of
                )
            })?;
            rewrite(&mut passage, &point.text)?;
            chosen.push(passage);
        }
        brief.points = chosen;
    }
    Ok(brief)
}

/// RFC 9457.
fn problem(detail: String) -> Response {
    let problem = Problem {
        r#type: "about:blank",
        title: "Không vẽ được / Cannot be drawn",
        status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(),
        detail,
    };
    let mut headers = HeaderMap::new();
    let kind = header::HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, kind);
    let body = serde_json::to_vec(&problem).expect("a problem is JSON");
    (StatusCode::UNPROCESSABLE_ENTITY, headers, body).into_response()
}

/// Its entry in the description of the interface.
pub(crate) fn openapi() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let point = json!({
        "type": "object", "required": ["of"], "additionalProperties": false,
        "properties": { "of": { "type": "integer", "minimum": 0 }, "text": text },
    });
    let ask = json!({
        "type": "object", "required": ["article"], "additionalProperties": false,
        "properties": {
            "article": text, "size": text, "template": text, "brand": text, "title": text,
            "points": { "type": "array", "items": point },
            "photo": { "type": ["integer", "null"], "minimum": 0 },
            "focus": {
                "type": "object", "required": ["x", "y"], "additionalProperties": false,
                "properties": { "x": number, "y": number },
            },
        },
    });
    json!({ "post": {
        "summary": "A card at half size with an editor's changes; nothing is kept",
        "requestBody": { "required": true, "content": { "application/json": { "schema": ask } } },
        "responses": {
            "200": { "description": "The picture as a data: address, its alternative text, origins, violations" },
            "422": { "description": "What is wrong with the request or the template, application/problem+json" },
        },
    }})
}
