//! A change that mends what a channel would refuse: proposed, shown, and kept by a person only.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use loa_brief::mend;
use loa_model::{Media, PostContent};
use serde::{Deserialize, Serialize};

use super::{
    Desk, Wording,
    check::{Checked, checked},
    for_people, problem,
};
use crate::{
    Shared,
    approvals::compare::{Piece, by_words},
    auth::Visitor,
    error::WebError,
    pages::name_of,
    post::{capability, own_post},
    view,
};

/// What a field becomes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FieldChange {
    field: String,
    /// Its name.
    name: String,
    /// Both texts by words.
    pieces: Vec<Piece>,
}

/// A change that is proposed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Proposal {
    /// All words as they would be.
    pub(crate) words: Wording,
    pub(crate) changes: Vec<FieldChange>,
    #[serde(flatten)]
    checked: Checked,
}

/// A change of this draft without this problem.
pub(crate) async fn propose(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
    (words, field, kind): (&Wording, &str, &str),
) -> Result<Proposal, WebError> {
    let capability = capability(app, &desk.post)?;
    let draft = desk.draft(words)?;
    let means = problem::means(desk, capability).ok_or_else(for_people)?;
    let mut all = capability.check(&draft.content).into_iter();
    let violation = all.find(|one| one.field == field && one.problem == kind);
    let mended = violation.and_then(|violation| mend(&draft.content, &violation, &means));
    proposal(app, visitor, desk, (words, &draft.content, &mended.ok_or_else(for_people)?)).await
}

/// The change that gives a field back the words it was composed with.
pub(crate) async fn restore(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
    (words, field): (&Wording, &str),
) -> Result<Proposal, WebError> {
    let draft = desk.draft(words)?;
    let mark = desk.post.rewriting(field).ok_or_else(for_people)?;
    let mut restored = draft.content.clone();
    let mut parts = field.split('.');
    let (of, index) = (parts.next().unwrap_or_default(), parts.next());
    let index = index.and_then(|index| index.parse::<usize>().ok());
    let alt = parts.next() == Some("alt");
    let was = mark.was.clone();
    let mut words = words.clone();
    match (of, index) {
        ("title", _) => restored.title = was,
        ("author", _) => restored.author = was,
        ("text", _) => restored.text = was,
        ("tags", _) => restored.tags = was.split_whitespace().map(str::to_owned).collect(),
        ("body", Some(at)) => {
            let mut body = words.body.or(desk.wording(&draft.content).body).unwrap_or_default();
            *body.get_mut(at).ok_or_else(for_people)? = was;
            words.body = Some(body);
            restored = desk.draft(&words)?.content;
        }
        ("media", Some(at)) if alt => {
            restored.media.get_mut(at).ok_or_else(for_people)?.alt = was;
        }
        _ => return Err(for_people()),
    }
    proposal(app, visitor, desk, (&words, &draft.content, &restored)).await
}

/// What the post would be with these words instead of those.
pub(super) async fn proposal(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
    (words, from, to): (&Wording, &PostContent, &PostContent),
) -> Result<Proposal, WebError> {
    let whole = desk.wording(to);
    let whole = Wording {
        body: words.body.clone().or(whole.body.clone()),
        captions: words.captions.clone(),
        ..whole
    };
    Ok(Proposal {
        changes: changes(app, &visitor.lang, from, to),
        words: whole,
        checked: checked(app, visitor, desk, to).await?,
    })
}

/// What differs between two contents of a post.
fn changes(app: &Shared, lang: &str, from: &PostContent, to: &PostContent) -> Vec<FieldChange> {
    let mut found = Vec::new();
    let mut put = |field: &str, before: &str, now: &str| {
        if before != now {
            found.push(FieldChange {
                field: field.to_owned(),
                name: problem::name(app, lang, field),
                pieces: by_words(before, now),
            });
        }
    };
    put("title", &from.title, &to.title);
    put("author", &from.author, &to.author);
    put("text", &from.text, &to.text);
    put("tags", &from.tags.join(" "), &to.tags.join(" "));
    let roles = from.media.iter().chain(&to.media).map(|file| file.role);
    let roles: std::collections::BTreeSet<_> = roles.collect();
    for role in roles {
        let (before, now): (Vec<_>, Vec<_>) =
            (from.media_of(role).collect(), to.media_of(role).collect());
        for at in 0..before.len().max(now.len()) {
            let (was, is) = (before.get(at), now.get(at));
            let field = format!("media.{}", name_of(&role));
            if was.map(|file| file.blob) != is.map(|file| file.blob) {
                let facts =
                    |file: Option<&&Media>| file.map(|f| facts(f, lang)).unwrap_or_default();
                put(&field, &facts(was), &facts(is));
            } else if let Some((was, is)) = was.zip(is) {
                put(&format!("{field}.alt"), &was.alt, &is.alt);
            }
        }
    }
    found
}

/// What tells one file from another: kind, pixels, seconds, length, its name by hash.
pub(crate) fn facts(file: &Media, lang: &str) -> String {
    let mut parts = vec![view::file_kind(&file.mime).to_owned()];
    if file.width > 0 {
        parts.push(format!("{}×{}", file.width, file.height));
    }
    if file.duration_ms > 0 {
        parts.push(format!("{} s", file.duration_ms.div_ceil(1000)));
    }
    if file.bytes > 0 {
        parts.push(view::size(file.bytes, lang));
    }
    parts.push(file.blob.short());
    parts.join(" · ")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    #[serde(default)]
    words: Wording,
    field: String,
    problem: String,
}

/// Proposes a change; nothing is kept.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Json(ask): Json<Ask>,
) -> Result<Json<Proposal>, WebError> {
    let desk = Desk::of(&app, own_post(&app, &visitor, &id).await?).await?;
    let asked = (&ask.words, ask.field.as_str(), ask.problem.as_str());
    Ok(Json(propose(&app, &visitor, &desk, asked).await?))
}
