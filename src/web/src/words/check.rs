//! Counting and keeping: `/api/v1/posts/{id}/check` while somebody writes, `PATCH /api/v1/posts/{id}` when it is done.

use std::collections::BTreeMap;

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use loa_model::{Digest, Post, PostContent, Rewritten, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Desk, Wording, keep as keep_draft,
    problem::{self, Problem},
    read_cues,
    time::{Crowded, crowded},
};
use crate::{
    Shared,
    approvals::{
        answers,
        look::{Limit, limits},
    },
    article::ZONE,
    auth::Visitor,
    channels::name_of_user,
    error::WebError,
    pages::{self, name_of},
    post::{frame, own_post},
    view,
};

/// That a person wrote something in other words, and which those were before.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Mark {
    /// As in the record: `text`, `media.0.alt`.
    pub(crate) field: String,
    /// Its name.
    name: String,
    by: String,
    at: String,
    pub(crate) was: String,
}

/// What of a post a person wrote in other words.
pub(crate) async fn marks(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    names: &mut BTreeMap<UserId, String>,
) -> Result<Vec<Mark>, WebError> {
    let mut found = Vec::new();
    for mark in &post.rewritten {
        found.push(Mark {
            field: mark.field.clone(),
            name: name(app, &visitor.lang, &post.content, &mark.field),
            by: name_of_user(app, mark.by, names).await?,
            at: view::time(mark.at, ZONE),
            was: was(app, mark).await?,
        });
    }
    Ok(found)
}

/// What stood there before; of captions their words, not the name of their file.
async fn was(app: &Shared, mark: &Rewritten) -> Result<String, WebError> {
    if !mark.field.ends_with(".captions") {
        return Ok(mark.was.clone());
    }
    let Ok(blob) = mark.was.parse::<Digest>() else { return Ok(String::new()) };
    let cues = read_cues(app, blob, 0).await?;
    Ok(cues.into_iter().map(|cue| cue.text).collect::<Vec<_>>().join("\n"))
}

/// The name of a field that was rewritten.
fn name(app: &Shared, lang: &str, content: &PostContent, field: &str) -> String {
    let mut parts = field.split('.');
    let (of, index) = (parts.next().unwrap_or_default(), parts.next());
    let index = index.and_then(|index| index.parse::<usize>().ok());
    let word = |key: &str| app.assets.word(lang, key);
    match (of, index, parts.next()) {
        ("body", Some(at), _) => format!("{} {}", word("approvals.field_body"), at + 1),
        ("media", Some(at), Some("alt")) => {
            let role = content.media.get(at).map(|file| name_of(&file.role)).unwrap_or_default();
            format!("{} ({})", word("approvals.alt"), word(&format!("role.{role}")))
        }
        ("media", ..) => word("role.captions"),
        _ => word(&format!("approvals.field_{of}")),
    }
}

/// What a draft of a post comes to.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Checked {
    pub(crate) limits: Vec<Limit>,
    pub(crate) problems: Vec<Problem>,
    /// What its time gets into the way of, and a later one without it.
    time: Option<Crowded>,
    digest: Digest,
    /// Whether it differs from the post as it is kept.
    changed: bool,
    /// As its channel shows it, HTML; null when the channel brought no frame.
    pub(crate) frame: Option<String>,
}

/// Counts, limits and problems of a draft, and how it looks.
pub(crate) async fn checked(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
    content: &PostContent,
) -> Result<Checked, WebError> {
    let draft = Post { content: content.clone(), ..desk.post.clone() };
    let title = pages::account_title(app, &draft).await?;
    Ok(Checked {
        limits: limits(app, visitor, &draft),
        problems: problem::problems(app, &visitor.lang, (&draft, content), Some(desk)),
        time: crowded(app, visitor, desk).await?,
        digest: draft.digest(),
        changed: *content != desk.post.content,
        frame: frame(app, visitor, &draft, &title),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    words: Wording,
}

/// Counts a draft; nothing is kept.
pub(crate) async fn check(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Ask>,
) -> Result<Json<Checked>, WebError> {
    let desk = Desk::of(&app, own_post(&app, &visitor, &id).await?).await?;
    let draft = desk.draft(&ask.words)?;
    Ok(Json(checked(&app, &visitor, &desk, &draft.content).await?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// What was looked at: words that somebody else wrote meanwhile are not lost.
    digest: Option<Digest>,
    words: Wording,
}

/// Keeps other words of a post.
pub(crate) async fn keep(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<Value>, WebError> {
    let desk = Desk::of(&app, own_post(&app, &visitor, &id).await?).await?;
    let draft = desk.draft(&change.words)?;
    let kept = keep_draft(&app, &visitor, (&desk, draft), change.digest).await?;
    let post = kept.map_err(|error| answers::problem(&app, &error))?;
    let problems = problem::problems(&app, &visitor.lang, (&post, &post.content), None);
    Ok(Json(json!({
        "id": post.id, "state": name_of(&post.state), "digest": post.digest(),
        "replaces": (post.id != desk.post.id).then_some(desk.post.id),
        "rewritten": marks(&app, &visitor, &post, &mut BTreeMap::new()).await?,
        "problems": problems,
    })))
}
