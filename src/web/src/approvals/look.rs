//! One post as an approver reads it: its words and files, exactly, beside the article they come from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{
    Article, Post, PostState, Role, Span, UserId, Variant, article::article_key,
    capability::TextLimit,
};
use loa_store::StoreExt;
use serde::Serialize;
use serde_json::Value;

use super::{
    approved_before,
    compare::{self, Difference, Piece},
    handed_in, waited,
};
use crate::{
    Shared, approvals,
    article::{ZONE, web_address},
    auth::Visitor,
    brands::redraw,
    channels::name_of_user,
    correction,
    emergency::may_sign_alone,
    error::WebError,
    pages::{self, name_of},
    view,
    words::{
        check::{Mark, marks},
        problem::{Problem, problems},
    },
};

#[derive(Debug, Clone, Serialize)]
struct BlockView {
    kind: String,
    pieces: Vec<Piece>,
}

/// The article that the post was made from.
#[derive(Debug, Clone, Serialize)]
struct Source {
    title: String,
    publisher: String,
    url: String,
    revision: u32,
    lang: String,
    digest: String,
    digest_short: String,
    blocks: Vec<BlockView>,
    /// Sentences of the post that do not stand in it word for word.
    strange: Vec<String>,
}

/// A file that goes out.
#[derive(Debug, Clone, Serialize)]
struct FileView {
    role: String,
    mime: String,
    /// The same as people call it.
    kind: String,
    sha256: String,
    /// Pixels and seconds, where there are any.
    facts: String,
    bytes: u64,
    size: String,
    /// The largest that the channel takes; empty when it says none.
    most: String,
    alt: String,
}

/// A limit of the channel, counted by its own rule.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Limit {
    /// `title`, `text`, `author`, or `files` of a role.
    name: &'static str,
    role: String,
    is: usize,
    max: usize,
    shown: String,
    /// What is counted; empty for files.
    unit: String,
    over: bool,
}

impl Limit {
    /// Whether it counts the words of this field.
    pub(crate) fn is_of(&self, field: &str) -> bool {
        self.name == field
    }
}

/// The post that was approved before, and what differs.
#[derive(Debug, Clone, Serialize)]
struct Before {
    post: String,
    digest: String,
    digest_short: String,
    by: String,
    at: Option<Timestamp>,
    shown_at: String,
    #[serde(flatten)]
    difference: Difference,
}

/// The live post that other words are written for.
#[derive(Debug, Clone, Serialize)]
struct CorrectsView {
    live: String,
    reason: String,
    by: String,
    at: Timestamp,
    shown_at: String,
}

/// What an approver asked for, and what changed since.
#[derive(Debug, Clone, Serialize)]
struct SentBack {
    by: String,
    /// Whoever looks sent it back.
    you: bool,
    reason: String,
    at: Timestamp,
    shown_at: String,
    #[serde(flatten)]
    difference: Difference,
}

/// One post.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Look {
    id: String,
    article: String,
    account: String,
    account_title: String,
    channel: String,
    format: String,
    lang: String,
    state: String,
    priority: &'static str,
    scheduled_at: Timestamp,
    author: String,
    /// Who else wrote any version of it.
    editors: Vec<String>,
    since: Option<Timestamp>,
    /// How long ago that is, in words; not told to machines.
    #[serde(skip_serializing_if = "String::is_empty")]
    waited: String,
    title: String,
    byline: String,
    text: String,
    tags: Vec<String>,
    link: String,
    digest: String,
    digest_short: String,
    files: Vec<FileView>,
    limits: Vec<Limit>,
    violations: Vec<Problem>,
    /// It waits and shows a picture whose brand kit changed since.
    old_brand: bool,
    /// A picture or clip of it was made anew since it was handed in.
    replaced: bool,
    /// What it corrects; nothing when it is a post of its own.
    corrects: Option<CorrectsView>,
    /// What of it a person wrote in other words.
    rewritten: Vec<Mark>,
    source: Option<Source>,
    /// What an approver asked for when it was sent back last; nothing when it never was.
    sent_back: Option<SentBack>,
    /// Nothing when it is the first of its article, account and format.
    before: Option<Before>,
    mine: bool,
    may_sign: bool,
    /// Its writer may sign it in an emergency.
    may_sign_alone: bool,
}

impl Look {
    /// Without what only passes: `since` tells a machine how long it waits, and stays the same while nothing happens.
    pub(super) fn for_machines(self) -> Self {
        Self { waited: String::new(), ..self }
    }

    /// With long stretches that did not change folded, so that what changed is seen at once.
    pub(super) fn for_people(mut self) -> Self {
        let differences = [
            self.before.as_mut().map(|before| &mut before.difference),
            self.sent_back.as_mut().map(|sent| &mut sent.difference),
        ];
        for difference in differences.into_iter().flatten() {
            difference.fold();
        }
        self
    }
}

/// What an approver reads of a post.
pub(crate) async fn look(app: &Shared, visitor: &Visitor, post: &Post) -> Result<Look, WebError> {
    let mut names: BTreeMap<UserId, String> = BTreeMap::new();
    let waiting = post.state == PostState::InReview;
    let since = if waiting { handed_in(app, post).await? } else { None };
    let wait = since.map(|at| waited(app, &visitor.lang, app.clock.now().duration_since(at)));
    let author = name_of_user(app, post.author, &mut names).await?;
    let mut editors = Vec::new();
    for id in &post.editors {
        editors.push(name_of_user(app, *id, &mut names).await?);
    }
    let (digest, content) = (post.digest(), &post.content);
    let mine = post.was_written_by(visitor.user.id);
    Ok(Look {
        id: post.id.to_string(),
        article: post.article.to_string(),
        account: post.account.to_string(),
        account_title: pages::account_title(app, post).await?,
        channel: pages::channel_title(app, &post.account),
        format: name_of(&content.format),
        lang: content.lang.clone(),
        state: pages::state_of(app, post).await?.0,
        priority: post.priority.name(),
        scheduled_at: post.scheduled_at,
        author,
        editors,
        since,
        waited: wait.unwrap_or_else(|| "—".to_owned()),
        title: content.title.clone(),
        byline: content.author.clone(),
        text: content.text.clone(),
        tags: content.tags.clone(),
        link: web_address(&content.link.url),
        digest: digest.to_string(),
        digest_short: digest.short(),
        files: files(app, visitor, post),
        limits: limits(app, visitor, post),
        violations: problems(app, &visitor.lang, (post, content), None),
        old_brand: waiting && redraw::shows_old(app, post).await?,
        replaced: waiting && redraw::is_replaced(app, post).await?,
        corrects: corrects(app, post, &mut names).await?,
        rewritten: marks(app, visitor, post, &mut names).await?,
        source: source(app, post).await?,
        sent_back: sent_back(app, visitor, post, &mut names).await?,
        before: before(app, post, &mut names).await?,
        mine,
        may_sign_alone: may_sign_alone(app, visitor, post).await?,
        may_sign: waiting && !mine && visitor.user.is(Role::Approver),
    })
}

async fn corrects(
    app: &Shared,
    post: &Post,
    names: &mut BTreeMap<UserId, String>,
) -> Result<Option<CorrectsView>, WebError> {
    let Some(corrects) = correction::corrects(app, post).await? else { return Ok(None) };
    Ok(Some(CorrectsView {
        live: corrects.live.to_string(),
        reason: corrects.reason,
        by: name_of_user(app, corrects.by, names).await?,
        at: corrects.at,
        shown_at: view::time(corrects.at, ZONE),
    }))
}

fn files(app: &Shared, visitor: &Visitor, post: &Post) -> Vec<FileView> {
    let capability = app.capabilities.get(post.account.channel());
    let rule = capability.and_then(|capability| capability.formats.get(&post.content.format));
    let lang = &visitor.lang;
    let of = |file: &loa_model::Media| {
        let mut facts = Vec::new();
        if file.width > 0 {
            facts.push(format!("{}×{}", file.width, file.height));
        }
        if file.duration_ms > 0 {
            facts.push(format!("{} s", file.duration_ms.div_ceil(1000)));
        }
        let most = rule.and_then(|rule| rule.media.get(&file.role)).map(|rule| rule.max_bytes);
        FileView {
            role: name_of(&file.role),
            kind: view::file_kind(&file.mime).to_owned(),
            mime: file.mime.clone(),
            sha256: file.blob.to_string(),
            facts: facts.join(" · "),
            bytes: file.bytes,
            size: view::size(file.bytes, lang),
            most: most.map(|most| view::size(most, lang)).unwrap_or_default(),
            alt: file.alt.clone(),
        }
    };
    post.content.media.iter().map(of).collect()
}

/// Limits of the channel with what the post has of each.
pub(crate) fn limits(app: &Shared, visitor: &Visitor, post: &Post) -> Vec<Limit> {
    let content = &post.content;
    let capability = app.capabilities.get(post.account.channel());
    let rule = capability.and_then(|capability| capability.formats.get(&content.format));
    let Some(rule) = rule else { return Vec::new() };
    let number = |n: usize| view::number(u64::try_from(n).unwrap_or(u64::MAX), &visitor.lang);
    let mut found = Vec::new();
    let texts: [(&'static str, &str, Option<TextLimit>); 3] = [
        ("title", &content.title, rule.title),
        ("author", &content.author, rule.author),
        ("text", &content.text, Some(rule.text)),
    ];
    for (name, text, limit) in texts {
        let Some(limit) = limit else { continue };
        let (is, max) = (limit.unit.count(text), limit.max);
        let shown = format!("{} / {}", number(is), number(max));
        let unit = name_of(&limit.unit);
        found.push(Limit { name, role: String::new(), is, max, shown, unit, over: is > max });
    }
    for (role, rule) in &rule.media {
        let is = content.media_of(*role).count();
        let (min, max) = (rule.min, rule.max);
        let range =
            if min == max { number(max) } else { format!("{}–{}", number(min), number(max)) };
        found.push(Limit {
            name: "files",
            role: name_of(role),
            is,
            max,
            shown: format!("{} / {range}", number(is)),
            unit: String::new(),
            over: is < min || is > max,
        });
    }
    found
}

async fn source(app: &Shared, post: &Post) -> Result<Option<Source>, WebError> {
    let key = article_key(post.article, post.revision);
    let Some(article) = app.store.read::<Article>(&key).await?.map(|row| row.record) else {
        return Ok(None);
    };
    let mut drawn = Vec::new();
    for id in post.content.media.iter().filter_map(|file| file.variant) {
        if let Some(row) = app.store.read::<Variant>(&id.to_string()).await? {
            spans(&row.record.provenance, &article, &mut drawn);
        }
    }
    let pieces = compare::passages(&article, &post.content, &drawn);
    let blocks = article.blocks.iter().zip(pieces);
    Ok(Some(Source {
        title: article.title().to_owned(),
        publisher: article.source.publisher.clone(),
        url: web_address(&article.source.canonical_url),
        revision: article.revision,
        lang: article.lang.clone(),
        digest: article.digest.to_string(),
        digest_short: article.digest.short(),
        strange: compare::not_in(&article, &post.content),
        blocks: blocks
            .map(|(block, pieces)| BlockView { kind: name_of(&block.kind), pieces })
            .collect(),
    }))
}

/// Every place of the article that a renderer says it drew, wherever it stands in its account.
fn spans(provenance: &Value, article: &Article, found: &mut Vec<Span>) {
    match provenance {
        Value::Array(items) => items.iter().for_each(|item| spans(item, article, found)),
        Value::Object(map) => {
            for (key, value) in map {
                let span = (key == "span").then(|| serde_json::from_value::<Span>(value.clone()));
                match span {
                    Some(Ok(span)) if span.of(article).is_some() => found.push(span),
                    _ => spans(value, article, found),
                }
            }
        }
        _ => {}
    }
}

async fn sent_back(
    app: &Shared,
    visitor: &Visitor,
    post: &Post,
    names: &mut BTreeMap<UserId, String>,
) -> Result<Option<SentBack>, WebError> {
    if post.state != PostState::InReview {
        return Ok(None);
    }
    let Some((old, by, at)) = approvals::sent_back(app, post).await? else { return Ok(None) };
    let name = match by {
        Some(id) => name_of_user(app, id, names).await?,
        None => String::new(),
    };
    Ok(Some(SentBack {
        by: name,
        you: by == Some(visitor.user.id),
        reason: old.reason.clone(),
        at,
        shown_at: view::time(at, ZONE),
        difference: compare::difference(&old, post),
    }))
}

async fn before(
    app: &Shared,
    post: &Post,
    names: &mut BTreeMap<UserId, String>,
) -> Result<Option<Before>, WebError> {
    let Some(old) = approved_before(app, post).await? else { return Ok(None) };
    let by = match &old.approval {
        Some(approval) => name_of_user(app, approval.by, names).await?,
        None => String::new(),
    };
    let at = old.approval.as_ref().map(|approval| approval.at);
    let digest = old.digest();
    Ok(Some(Before {
        post: old.id.to_string(),
        digest: digest.to_string(),
        digest_short: digest.short(),
        by,
        at,
        shown_at: at.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        difference: compare::difference(&old, post),
    }))
}
