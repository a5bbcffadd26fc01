//! *Sửa nội dung*: the post in its channel's frame beside its words, counted while they are written.

use std::collections::BTreeMap;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use loa_model::{FormatRule, MediaRole, Post, PostContent};
use loa_review::ReviewError;
use serde::Serialize;

use super::{
    Desk, Draft, FileWords, Wording,
    check::{Checked, Mark, checked, marks},
    fix::{Proposal, facts, proposal, propose, restore},
    keep, may_edit,
};
use crate::{
    Shared,
    approvals::look::Limit,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    post::{own_post, refusal},
};

/// Words that are written in one field.
#[derive(Serialize)]
struct Field {
    /// As in the record: `text`, `body.1`.
    key: String,
    /// Name in the form.
    input: &'static str,
    label: String,
    value: String,
    /// Lines that are shown; one is a line.
    rows: usize,
    /// What a channel counts of it.
    limit: Option<Limit>,
    mark: Option<Mark>,
}

/// A file with its description.
#[derive(Serialize)]
struct FileField {
    role: String,
    /// Which of several of its role, from 1; nothing when it is the only one.
    number: Option<usize>,
    sha256: String,
    facts: String,
    picture: bool,
    clip: bool,
    alt: String,
    count: usize,
    mark: Option<Mark>,
}

/// A caption of the clip.
#[derive(Serialize)]
struct CueField {
    from_ms: u64,
    to_ms: u64,
    time: String,
    text: String,
}

#[derive(Serialize)]
struct Page {
    id: String,
    lang: String,
    article: String,
    article_title: String,
    account_title: String,
    channel: String,
    format: String,
    state: String,
    /// It is approved: what is kept makes a new draft and voids the signature.
    signed: bool,
    may: bool,
    /// Whether the channel has a place for descriptions of pictures.
    describes: bool,
    /// Digest of what was looked at first: that of the draft is another one.
    seen: String,
    fields: Vec<Field>,
    files: Vec<FileField>,
    cues: Vec<CueField>,
    /// The mark of the captions.
    captions: Option<Mark>,
    #[serde(flatten)]
    checked: Checked,
    proposal: Option<Proposal>,
    /// The words before the proposal, for whoever does not want it.
    before: String,
    problem: String,
}

/// What the page is drawn for.
#[derive(Default)]
struct Shown {
    words: Wording,
    proposal: Option<Proposal>,
    before: Option<Wording>,
    problem: String,
    /// What was looked at first; that of the post when empty.
    digest: String,
}

async fn draw(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
    shown: Shown,
) -> Result<Html<String>, WebError> {
    // What does not fit is left out of the picture; its fields show it all the same.
    let spoken = || Wording { captions: None, ..shown.words.clone() };
    let draft = desk.draft(&shown.words).or_else(|_| desk.draft(&spoken()));
    let draft = draft.or_else(|_| desk.draft(&Wording::default()))?;
    let content = &draft.content;
    let post = &desk.post;
    let all = marks(app, visitor, post, &mut BTreeMap::new()).await?;
    let mark = |key: &str| all.iter().find(|mark| mark.field == key).cloned();
    let checked = checked(app, visitor, desk, content).await?;
    let capability = app.capabilities.get(post.account.channel());
    let rule = capability.and_then(|capability| capability.formats.get(&content.format));
    let words = desk.wording(content);
    let body = shown.words.body.clone().or(words.body).unwrap_or_default();
    let fields = fields(app, visitor, (content, &body), rule, &checked.limits, &mark);
    let files = content.media.iter().enumerate();
    let files = files.map(|(at, file)| FileField {
        role: name_of(&file.role),
        number: number(content, at),
        sha256: words
            .files
            .as_ref()
            .and_then(|files| files.get(at))
            .map_or(file.blob, |f| f.sha256)
            .to_string(),
        facts: facts(file, &visitor.lang),
        picture: file.mime.starts_with("image/"),
        clip: file.mime.starts_with("video/"),
        alt: file.alt.clone(),
        count: file.alt.chars().count(),
        mark: mark(&format!("media.{at}.alt")),
    });
    let said = shown.words.captions.as_ref();
    let cues = desk.cues.iter().enumerate().map(|(at, cue)| CueField {
        from_ms: cue.from_ms,
        to_ms: cue.to_ms,
        time: format!("{} – {}", clock(cue.from_ms), clock(cue.to_ms)),
        text: said.and_then(|said| said.get(at)).unwrap_or(&cue.text).clone(),
    });
    let delivery = pages::state_of(app, post).await?;
    let page = Page {
        id: post.id.to_string(),
        lang: content.lang.clone(),
        article: post.article.to_string(),
        article_title: pages::article_title(app, post).await?,
        account_title: pages::account_title(app, post).await?,
        channel: pages::channel_title(app, &post.account),
        format: name_of(&content.format),
        may: may_edit(visitor, post, delivery.1.as_ref()),
        signed: post.state == loa_model::PostState::Approved,
        state: delivery.0,
        describes: rule.is_some_and(|rule| rule.alt_required),
        seen: if shown.digest.is_empty() { post.digest().to_string() } else { shown.digest },
        fields,
        files: files.collect(),
        cues: cues.collect(),
        captions: all.iter().find(|mark| mark.field.ends_with(".captions")).cloned(),
        checked,
        proposal: shown.proposal,
        before: shown
            .before
            .and_then(|words| serde_json::to_string(&words).ok())
            .unwrap_or_default(),
        problem: shown.problem,
    };
    pages::draw(app, visitor, "posts", "pages/post_words.html", page).await
}

/// The fields of the format, with what is in others although the channel takes none.
fn fields(
    app: &Shared,
    visitor: &Visitor,
    (content, body): (&PostContent, &[String]),
    rule: Option<&FormatRule>,
    limits: &[Limit],
    mark: &dyn Fn(&str) -> Option<Mark>,
) -> Vec<Field> {
    let word = |key: &str| app.assets.word(&visitor.lang, key);
    let field = |input: &'static str, value: &str, rows| Field {
        key: input.to_owned(),
        input,
        label: word(&format!("approvals.field_{input}")),
        value: value.to_owned(),
        rows,
        limit: limits.iter().find(|limit| limit.is_of(input)).cloned(),
        mark: mark(input),
    };
    let mut all = Vec::new();
    if rule.is_some_and(|rule| rule.title.is_some()) || !content.title.is_empty() {
        all.push(field("title", &content.title, 2));
    }
    if rule.is_some_and(|rule| rule.author.is_some()) || !content.author.is_empty() {
        all.push(field("author", &content.author, 1));
    }
    all.push(field("text", &content.text, if content.body.is_empty() { 12 } else { 4 }));
    for (at, text) in body.iter().enumerate() {
        let key = format!("body.{at}");
        let label = format!("{} {}", word("approvals.field_body"), at + 1);
        let rows = 1 + text.chars().count() / 70;
        all.push(Field {
            mark: mark(&key),
            key,
            label,
            limit: None,
            ..field("body", text, rows.clamp(2, 8))
        });
    }
    if !content.tags.is_empty() || mark("tags").is_some() {
        all.push(field("tags", &content.tags.join(", "), 1));
    }
    all
}

/// Which of several files of its role one is.
fn number(content: &PostContent, at: usize) -> Option<usize> {
    let role = content.media.get(at)?.role;
    let before = content.media.iter().take(at).filter(|file| file.role == role).count();
    (content.media_of(role).count() > 1).then_some(before + 1)
}

/// `01:02,5`: as people read a place in a clip.
fn clock(ms: u64) -> String {
    let s = ms / 1000;
    format!("{:02}:{:02},{}", s / 60, s % 60, ms % 1000 / 100)
}

pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let desk = Desk::of(&app, own_post(&app, &visitor, &id).await?).await?;
    draw(&app, &visitor, &desk, Shown::default()).await
}

/// What a form sends: its words, and which of its buttons was pressed.
#[derive(Default)]
struct Form {
    words: Wording,
    digest: String,
    fix: Option<String>,
    restore: Option<String>,
    undo: bool,
    before: String,
}

impl Form {
    fn read(body: &str) -> Result<Self, WebError> {
        // Files, paragraphs and captions repeat their names, which form structs cannot hold.
        let mut form = Self::default();
        let (mut roles, mut files, mut alts) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in url::form_urlencoded::parse(body.as_bytes()).into_owned() {
            let words = &mut form.words;
            match name.as_str() {
                "title" => words.title = Some(value),
                "author" => words.author = Some(value),
                "text" => words.text = Some(value),
                "tags" => {
                    let tags = value.split([',', '#', '\n']).map(|tag| tag.trim().to_owned());
                    words.tags = Some(tags.filter(|tag| !tag.is_empty()).collect());
                }
                "body" => words.body.get_or_insert_default().push(value),
                "cue" => words.captions.get_or_insert_default().push(value),
                "role" => roles.push(value),
                "file" => files.push(value),
                "alt" => alts.push(value),
                "digest" => form.digest = value,
                "fix" => form.fix = Some(value),
                "restore" => form.restore = Some(value),
                "undo" => form.undo = true,
                "before" => form.before = value,
                _ => {}
            }
        }
        if roles.len() != files.len() || files.len() != alts.len() {
            return Err(WebError::missing());
        }
        let mut all = Vec::new();
        for ((role, file), alt) in roles.into_iter().zip(files).zip(alts) {
            let role: MediaRole =
                serde_json::from_value(role.into()).map_err(|_| WebError::missing())?;
            let sha256 = file.parse().map_err(|_| WebError::missing())?;
            all.push(FileWords { role, sha256, alt });
        }
        if !all.is_empty() {
            form.words.files = Some(all);
        }
        Ok(form)
    }
}

/// Keeps the words, or shows a change that is asked for; a refusal keeps what was written before the eyes.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let desk = Desk::of(&app, own_post(&app, &visitor, &id).await?).await?;
    let form = Form::read(&body)?;
    let digest = form.digest.clone();
    if form.undo {
        let words = serde_json::from_str(&form.before).map_err(|_| WebError::missing())?;
        let shown = Shown { words, digest, ..Shown::default() };
        return Ok(draw(&app, &visitor, &desk, shown).await?.into_response());
    }
    let asked = match (&form.fix, &form.restore) {
        (Some(fix), _) => {
            let (field, problem) = fix.split_once(' ').ok_or_else(WebError::missing)?;
            Some(propose(&app, &visitor, &desk, (&form.words, field, problem)).await)
        }
        (None, Some(field)) => Some(restore(&app, &visitor, &desk, (&form.words, field)).await),
        (None, None) => None,
    };
    let (status, shown) = match asked {
        Some(Ok(proposal)) => {
            let words = proposal.words.clone();
            let before = Some(form.words);
            (
                StatusCode::OK,
                Shown { words, proposal: Some(proposal), before, digest, ..Shown::default() },
            )
        }
        Some(Err(error)) => {
            let problem = error.mendable(&visitor.lang).ok_or(error)?;
            (StatusCode::CONFLICT, Shown { words: form.words, problem, digest, ..Shown::default() })
        }
        None => match kept(&app, &visitor, &desk, &form).await? {
            Kept::As(post) => {
                return Ok(Redirect::to(&format!("/bai-dang/{}", post.id)).into_response());
            }
            Kept::Not(problem) => {
                let words = form.words;
                (StatusCode::CONFLICT, Shown { words, problem, digest, ..Shown::default() })
            }
            Kept::Late(content) => {
                // What would change of the words that are there now; kept again it is over those.
                let asked = (&form.words, &desk.post.content, &*content);
                let proposal = Some(proposal(&app, &visitor, &desk, asked).await?);
                let problem = app.assets.word(&visitor.lang, "words.changed");
                let (words, before) = (form.words, Some(Wording::default()));
                let digest = String::new();
                (StatusCode::CONFLICT, Shown { words, proposal, before, problem, digest })
            }
        },
    };
    Ok((status, draw(&app, &visitor, &desk, shown).await?).into_response())
}

/// What became of words that somebody wants to keep.
enum Kept {
    /// They are those of this post.
    As(Box<Post>),
    /// They were refused.
    Not(String),
    /// Somebody else wrote other ones since; this is what the post would be.
    Late(Box<PostContent>),
}

/// Keeps the words of the form.
async fn kept(app: &Shared, visitor: &Visitor, desk: &Desk, form: &Form) -> Result<Kept, WebError> {
    let draft: Draft = match desk.draft(&form.words) {
        Ok(draft) => draft,
        Err(error) => return Ok(Kept::Not(error.mendable(&visitor.lang).ok_or(error)?)),
    };
    let seen = form.digest.parse().map_err(|_| WebError::missing())?;
    let content = draft.content.clone();
    Ok(match keep(app, visitor, (desk, draft), Some(seen)).await? {
        Ok(post) => Kept::As(Box::new(post)),
        Err(ReviewError::Changed { .. }) => Kept::Late(Box::new(content)),
        Err(error) => Kept::Not(refusal(app, visitor, &error)),
    })
}
