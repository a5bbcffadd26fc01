//! Arranging a clip: `POST /api/v1/preview/clip` tells its scenes and draws it, any frame of it is at an address of its own.
//! Nothing of it is kept until the editor has it made.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use loa_model::{
    Article, Beat, Brief, Choices, ChosenPart, Digest, MediaCount, PhotoChoice, Storyboard, Topic,
    VariantKind,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    pages,
    preview::{self, brand_of, problem},
    variant::Bench,
};

pub(crate) mod edit;

/// A clip that is being arranged.
#[derive(Debug, Clone)]
pub struct WantedClip {
    /// Article.
    pub article: Article,
    /// Its brief with the changes of the editor.
    pub brief: Brief,
    /// Which clip.
    pub kind: VariantKind,
    /// Scenes, voice, music; the engine chooses the scenes when there are none.
    pub clip: Storyboard,
    /// Brand kit.
    pub brand: String,
}

/// Whether a scene is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is.
    Told,
    /// The engine has no time for it.
    LeftOut,
    /// Nobody chose it.
    Unused,
}

/// A scene that is told or could be.
#[derive(Debug, Clone)]
pub struct ClipRow {
    /// The scene.
    pub beat: Beat,
    /// Its words.
    pub words: String,
    /// Whether it is told.
    pub place: Place,
}

/// Every scene that can be told, and what else is chosen for a clip.
#[derive(Debug, Clone, Default)]
pub struct Arranged {
    /// Those of the clip in their order, then the others, the end card last.
    pub rows: Vec<ClipRow>,
    /// Whether transitions and cameras mean something in it.
    pub moves: bool,
    /// Why it cannot be told as it is, for people.
    pub wrong: Option<String>,
    /// Names of the voices.
    pub voices: Vec<String>,
    /// The voice that speaks where nobody chose one.
    pub voice: String,
}

/// A scene, or a page of one, of a clip that was drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Index of its beat in the storyboard.
    pub beat: usize,
    /// What it shows: `title`, `point`…
    pub kind: String,
    /// First moment.
    pub from_ms: u64,
    /// One past the last moment.
    pub to_ms: u64,
    /// A moment at which everything of it stands.
    pub still_ms: u64,
    /// What is told in it.
    pub words: String,
    /// Its photo, from 0.
    pub photo: Option<u32>,
    /// Where the camera looks at the end: shares from the left and from the top.
    pub focus: Option<Spot>,
}

/// A place on a photo: shares from the left and from the top.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spot {
    /// 0 left edge, 1 right edge.
    pub x: f64,
    /// 0 top edge, 1 bottom edge.
    pub y: f64,
}

/// A caption of a clip that was drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Subtitle {
    /// First moment.
    pub from_ms: u64,
    /// One past the last moment.
    pub to_ms: u64,
    /// One or two lines.
    pub text: String,
}

/// Who tells a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Telling {
    /// Nobody speaks.
    None,
    /// The times are those of the voice.
    Kept,
    /// The words were not spoken yet: the times follow the voice once they are.
    Waiting,
}

/// A clip that was drawn to be looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Rehearsed {
    /// By which its frames are asked for.
    pub id: Digest,
    /// Pixels of the clip.
    pub width: u32,
    /// Pixels of the clip.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// Length.
    pub duration_ms: u64,
    /// Who tells it.
    pub voice: Telling,
    /// Scenes in order.
    pub scenes: Vec<Shown>,
    /// Captions in order.
    pub captions: Vec<Subtitle>,
    /// Indices of the beats that are not told.
    pub left_out: Vec<usize>,
}

/// Who shows clips before they are made. `main` hands it in, the pages know no compositor.
pub trait Clips: Send + Sync {
    /// The scenes, without drawing anything.
    fn arrange(&self, wanted: WantedClip) -> BoxFuture<'_, Arranged>;

    /// Draws a clip to be looked at, or says what is wrong with what was asked for.
    fn rehearse(&self, wanted: WantedClip) -> BoxFuture<'_, Result<Rehearsed, String>>;

    /// A frame of what was drawn for this agency, as JPEG; nothing when it is forgotten.
    fn frame<'a>(
        &'a self,
        agency: &'a str,
        id: Digest,
        ms: u64,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, String>>;
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    article: String,
    #[serde(default = "short")]
    kind: VariantKind,
    brand: Option<String>,
    /// Headline and lists of the brief, when they are not those that were written last.
    title: Option<String>,
    points: Option<Vec<ChosenPart>>,
    figures: Option<Vec<ChosenPart>>,
    quotes: Option<Vec<ChosenPart>>,
    dates: Option<Vec<ChosenPart>>,
    #[serde(default)]
    clip: Storyboard,
}

fn short() -> VariantKind {
    VariantKind::ShortClip
}

/// Kinds of clips, in the order in which people see them.
pub(crate) const KINDS: [VariantKind; 5] = [
    VariantKind::ShortClip,
    VariantKind::SquareClip,
    VariantKind::LongClip,
    VariantKind::LowBand,
    VariantKind::Audio,
];

/// Draws and answers with the scenes, their times and the name by which frames are asked for.
pub(crate) async fn preview(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Response, WebError> {
    let ask: Ask = match serde_json::from_slice(&body) {
        Ok(ask) => ask,
        Err(error) => return Ok(problem(error.to_string())),
    };
    if !KINDS.contains(&ask.kind) {
        return Ok(problem(format!("kind = {:?}", pages::name_of(&ask.kind))));
    }
    let bench = Bench::of(&app, &visitor, &ask.article).await?;
    let Ask { title, points, figures, quotes, dates, .. } = ask;
    let words = Choices { title, points, figures, quotes, dates, ..Choices::default() };
    let words = if words == Choices::default() { bench.words() } else { words };
    let told = edit::told(&app, &visitor, &bench, &words);
    let told = told.and_then(|brief| check(&ask.clip, &brief, &bench.article).map(|()| brief));
    let brief = match told {
        Ok(brief) => brief,
        Err(why) => return Ok(problem(why)),
    };
    let article = bench.article;
    let brand = match ask.brand {
        Some(brand) => brand,
        None => brand_of(&app, &article.agency).await?,
    };
    let wanted = WantedClip { article, brief, kind: ask.kind, clip: ask.clip, brand };
    Ok(match app.clips.rehearse(wanted).await {
        Ok(drawn) => Json(drawn).into_response(),
        Err(why) => problem(why),
    })
}

/// Whether a storyboard fits its article.
pub(crate) fn check(clip: &Storyboard, brief: &Brief, article: &Article) -> Result<(), String> {
    clip.check(brief, MediaCount::of(article)).map_err(|why| why.to_string())?;
    for beat in &clip.beats {
        let photo = match beat.of {
            Topic::Picture(n) => PhotoChoice::At(n),
            _ => beat.photo,
        };
        let choices = Choices { photo, ..Choices::default() };
        preview::photo_of(&choices, article)?;
    }
    Ok(())
}

/// `/api/v1/preview/clip/<id>/<ms>.jpg`: a frame of what was drawn.
pub(crate) async fn frame(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let id: Digest = id.parse().map_err(|_| WebError::missing())?;
    let ms = file.strip_suffix(".jpg").and_then(|ms| ms.parse().ok());
    let ms: u64 = ms.ok_or_else(WebError::missing)?;
    let frame = app.clips.frame(&visitor.user.agency, id, ms).await.map_err(|why| {
        tracing::error!(why, "A frame cannot be drawn");
        WebError::new(StatusCode::UNPROCESSABLE_ENTITY, why)
    })?;
    let jpeg = frame.ok_or_else(WebError::missing)?;
    // The name is a digest of everything that decides the picture.
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "private, max-age=3600, immutable"),
    ];
    Ok((headers, jpeg).into_response())
}

/// The operations as `OpenAPI` says them: the drawing, and a frame of it.
pub(crate) fn openapi() -> (Value, Value) {
    let text = json!({ "type": "string" });
    let kinds: Vec<String> = KINDS.iter().map(pages::name_of).collect();
    let mut properties = preview::words();
    for (name, schema) in [
        ("article", text.clone()),
        ("kind", json!({ "enum": kinds })),
        ("brand", text.clone()),
        ("clip", storyboard()),
    ] {
        properties[name] = schema;
    }
    let ask = json!({
        "type": "object", "required": ["article"], "additionalProperties": false,
        "properties": properties,
    });
    let post = json!({
        "summary": "A clip's scenes and times with an editor's changes, to be looked at; nothing is kept",
        "requestBody": { "required": true, "content": { "application/json": { "schema": ask } } },
        "responses": {
            "200": { "description": "Scenes, captions, length, and the id by which frames are asked for" },
            "404": { "description": "The agency has no such article" },
            "422": { "description": "What is wrong with the request, application/problem+json" },
        },
    });
    let path = |name: &str| json!({ "name": name, "in": "path", "required": true, "schema": text });
    let get = json!({
        "summary": "A frame of a clip that was drawn, at a moment in milliseconds (`1500.jpg`)",
        "parameters": [path("id"), path("file")],
        "responses": {
            "200": { "description": "image/jpeg, at most 640 pixels wide or high" },
            "404": { "description": "Forgotten: ask for the preview again" },
        },
    });
    (post, get)
}

/// A storyboard as `OpenAPI` says it.
pub(crate) fn storyboard() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let cut = json!({
        "type": "object", "required": ["video", "from_ms", "to_ms"], "additionalProperties": false,
        "properties": {
            "video": number, "from_ms": number, "to_ms": number, "fit": { "enum": ["pad", "crop"] },
        },
    });
    let numbered = ["point", "figure", "quote", "step", "event", "picture"].map(|name| {
        json!({
            "type": "object", "required": [name], "additionalProperties": false,
            "properties": { name: number },
        })
    });
    let mut topics = vec![
        json!({ "enum": ["title", "sapo", "table", "chart", "alert", "end"] }),
        json!({
            "type": "object", "required": ["cut"], "additionalProperties": false,
            "properties": { "cut": cut },
        }),
    ];
    topics.extend(numbered);
    let photo = json!({ "oneOf": [
        { "enum": ["first", "without"] },
        {
            "type": "object", "required": ["at"], "additionalProperties": false,
            "properties": { "at": number },
        },
    ]});
    let focus = json!({
        "type": "object", "required": ["x", "y"], "additionalProperties": false,
        "properties": { "x": share, "y": share },
    });
    let beat = json!({
        "type": "object", "required": ["of"], "additionalProperties": false,
        "properties": {
            "of": { "oneOf": topics }, "ms": number, "photo": photo, "focus": focus,
            "enter": { "enum": ["cut", "fade", "slide", "wipe"] },
        },
    });
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "beats": { "type": "array", "items": beat }, "voice": { "type": "string" },
            "music": { "enum": ["calm", "bright", "silent"] },
        },
    })
}
