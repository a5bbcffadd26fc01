//! What a post says, edited where it is seen: its words, the descriptions of its pictures, the captions of its clip. Counts,
//! limits and what is wrong come from here for the page and for `/api/v1`, so that they never differ.

pub(crate) mod check;
pub(crate) mod fix;
pub(crate) mod page;
pub(crate) mod problem;
mod time;
mod told;

use axum::http::{Method, StatusCode};
use bytes::Bytes;
use loa_model::{
    BodyBlock, Delivery, DeliveryState, Digest, Media, MediaRole, Post, PostContent, PostState,
    Role, Variant, VariantState,
    captions::{self, BadCaptions, Cue},
    record::join,
};
use loa_store::StoreExt as _;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    ways::{WRITERS, Ways},
};

/// Largest file of captions that is edited here, bytes.
const MOST_CAPTIONS: u64 = 1 << 20;
/// Variants of an article whose files are offered, the newest.
const MOST_VARIANTS: usize = 200;

/// The addresses of this module.
pub(crate) fn ways(ways: Ways) -> Ways {
    ways.get("/bai-dang/{id}/sua", WRITERS, page::page)
        .post("/bai-dang/{id}/sua", WRITERS, page::press)
        .api(Method::PATCH, "/api/v1/posts/{id}", WRITERS, (told::keep(), check::keep))
        .api(Method::POST, "/api/v1/posts/{id}/check", WRITERS, (told::check(), check::check))
        .api(Method::POST, "/api/v1/posts/{id}/fix", WRITERS, (told::fix(), fix::operation))
}

/// Words of a post as forms and operations send them. What is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wording {
    /// One line.
    pub(crate) title: Option<String>,
    /// One line.
    pub(crate) author: Option<String>,
    pub(crate) text: Option<String>,
    /// Without `#`.
    pub(crate) tags: Option<Vec<String>>,
    /// Of an article post: each paragraph, and the caption of each picture between them, in its place.
    pub(crate) body: Option<Vec<String>>,
    /// The files, in order.
    pub(crate) files: Option<Vec<FileWords>>,
    /// The words of each caption of the clip, in its place.
    pub(crate) captions: Option<Vec<String>>,
}

/// A file of the post, or one of its article that takes its place, with what describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileWords {
    pub(crate) role: MediaRole,
    pub(crate) sha256: Digest,
    pub(crate) alt: String,
}

/// A post while it is edited: as it is kept, and what belongs to it.
pub(crate) struct Desk {
    pub(crate) post: Post,
    /// Files that may be in it: its own, renditions of the current variants, photos of the article.
    pub(crate) files: Vec<Media>,
    /// Captions of its clip; nothing without any.
    pub(crate) cues: Vec<Cue>,
    /// The article, when it is still known.
    pub(crate) article: Option<loa_model::Article>,
}

/// A post with other words, not kept yet.
pub(crate) struct Draft {
    pub(crate) content: PostContent,
    /// New captions, whose file is not kept yet.
    pub(crate) captions: Option<Bytes>,
}

impl Desk {
    pub(crate) async fn of(app: &Shared, post: Post) -> Result<Self, WebError> {
        let key = loa_model::article::article_key(post.article, post.revision);
        let article = app.store.read::<loa_model::Article>(&key).await?.map(|row| row.record);
        let prefix = join(&[&post.article.to_string(), &format!("{:06}", post.revision), ""]);
        let rows = app.store.list_last::<Variant>("variant_by_article", &prefix, MOST_VARIANTS);
        let mut files = post.content.media.clone();
        let mut drawn: Vec<Variant> = rows.await?.into_iter().map(|row| row.record).collect();
        drawn.retain(|variant| variant.state == VariantState::Rendered);
        // Cards before posters of clips, of each kind the newest.
        drawn.sort_by_key(|variant| (variant.kind, std::cmp::Reverse(variant.id)));
        for variant in &drawn {
            files.extend(variant.renditions.iter().map(|file| rendered(variant, file)));
        }
        let photos = article.iter().flat_map(|article| &article.photos);
        files.extend(photos.filter_map(photographed));
        let cues = cues(app, &post.content).await?;
        Ok(Self { post, files, cues, article })
    }

    /// The post with these words.
    pub(crate) fn draft(&self, words: &Wording) -> Result<Draft, WebError> {
        let old = &self.post.content;
        let mut new = old.clone();
        if let Some(title) = &words.title {
            new.title = said(&old.title, title, line);
        }
        if let Some(author) = &words.author {
            new.author = said(&old.author, author, line);
        }
        if let Some(text) = &words.text {
            new.text = said(&old.text, text, lines);
        }
        if let Some(tags) = &words.tags {
            new.tags.clear();
            for tag in tags.iter().map(|tag| line(tag).trim_start_matches('#').replace(' ', "")) {
                if !tag.is_empty() && !new.tags.contains(&tag) {
                    new.tags.push(tag);
                }
            }
        }
        if let Some(body) = &words.body {
            if body.len() != new.body.len() {
                return Err(WebError::unfit(format!(
                    "Thân bài phải có đúng {0} phần như trước / The body must have {0} parts as before",
                    new.body.len()
                )));
            }
            for (block, new) in new.body.iter_mut().zip(body) {
                match block {
                    BodyBlock::Text { text } => *text = said(text, new, lines),
                    BodyBlock::Picture { caption, .. } => *caption = said(caption, new, line),
                }
            }
        }
        if let Some(files) = &words.files {
            let mut media = Vec::new();
            for file in files {
                let known = self.files.iter().find(|known| known.blob == file.sha256);
                let known = known.ok_or_else(|| {
                    WebError::unfit(
                        "Tệp này không thuộc bài viết / This file is not of the article",
                    )
                })?;
                let alt = said(&known.alt, &file.alt, lines);
                media.push(Media { role: file.role, alt, ..known.clone() });
            }
            new = new.with_media(media);
        }
        let captions = match &words.captions {
            Some(said) => self.reworded(said, &mut new)?,
            None => None,
        };
        Ok(Draft { content: new, captions })
    }

    /// The file of the captions with these words, when they are others.
    fn reworded(&self, said: &[String], new: &mut PostContent) -> Result<Option<Bytes>, WebError> {
        let said: Vec<String> = said.iter().map(|text| text.nfc().collect()).collect();
        let cues = captions::reworded(&self.cues, &said).map_err(|error| match error {
            BadCaptions::Empty => WebError::unfit(
                "Phụ đề không được để trống hết / At least one caption must have words",
            ),
            BadCaptions::Count(_) | BadCaptions::NotSubRip => WebError::unfit(format!(
                "Phải có đúng {0} câu phụ đề / There must be {0} captions",
                self.cues.len()
            )),
        })?;
        let file = new.media.iter_mut().find(|file| file.role == MediaRole::Captions);
        let (Some(file), true) = (file, cues != self.cues) else { return Ok(None) };
        let bytes = Bytes::from(captions::srt(&cues));
        file.blob = Digest::of(&bytes);
        file.bytes = bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// All words of a draft of this post, as a form sends them.
    pub(crate) fn wording(&self, content: &PostContent) -> Wording {
        let body = self.post.content.body.iter();
        let of_block = |block: &BodyBlock| match block {
            BodyBlock::Text { text } => text.clone(),
            BodyBlock::Picture { caption, .. } => caption.clone(),
        };
        let own = |file: &Media| {
            let known = self.files.iter().any(|known| known.blob == file.blob);
            // Captions that are not kept yet are told by their words, beside the file they were.
            let kept = self.post.content.media_of(file.role).next().filter(|_| !known);
            kept.map_or(file.blob, |kept| kept.blob)
        };
        let files = content.media.iter().map(|file| FileWords {
            role: file.role,
            sha256: own(file),
            alt: file.alt.clone(),
        });
        Wording {
            title: Some(content.title.clone()),
            author: Some(content.author.clone()),
            text: Some(content.text.clone()),
            tags: Some(content.tags.clone()),
            // As many as the post has: pictures that a draft leaves out are known by its files.
            body: Some(body.map(of_block).collect()),
            files: Some(files.collect()),
            captions: None,
        }
    }
}

/// What is written now: as it was before when only blanks and the like differ, for nobody wrote those.
fn said(old: &str, new: &str, plain: fn(&str) -> String) -> String {
    let new = plain(new);
    if plain(old) == new { old.to_owned() } else { new }
}

/// One line, as it is written everywhere: NFC, single blanks.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect()
}

/// Lines apart by `\n`, without blanks at their ends and at the end of the text.
fn lines(text: &str) -> String {
    let text: String = text.replace("\r\n", "\n").nfc().collect();
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

fn rendered(variant: &Variant, file: &loa_model::Rendition) -> Media {
    Media {
        role: MediaRole::Photo,
        blob: file.blob,
        bytes: file.bytes,
        mime: file.mime.clone(),
        width: file.width,
        height: file.height,
        duration_ms: file.duration_ms,
        alt: file.alt.clone(),
        variant: Some(variant.id),
    }
}

fn photographed(photo: &loa_model::Photo) -> Option<Media> {
    let alt = if photo.alt.is_empty() { &photo.caption } else { &photo.alt };
    Some(Media {
        role: MediaRole::Photo,
        blob: photo.blob?,
        bytes: 0,
        mime: photo.mime.clone(),
        width: 0,
        height: 0,
        duration_ms: 0,
        alt: alt.clone(),
        variant: None,
    })
}

/// The captions that a post brings; nothing when it brings none, or none that can be edited here.
async fn cues(app: &Shared, content: &PostContent) -> Result<Vec<Cue>, WebError> {
    let Some(file) = content.media_of(MediaRole::Captions).next() else { return Ok(Vec::new()) };
    read_cues(app, file.blob, file.bytes).await
}

/// The captions of a file; nothing when it is too long or no captions.
pub(crate) async fn read_cues(
    app: &Shared,
    blob: Digest,
    bytes: u64,
) -> Result<Vec<Cue>, WebError> {
    if bytes > MOST_CAPTIONS {
        return Ok(Vec::new());
    }
    let bytes = app.blobs.get(blob).await?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    Ok(captions::parse(text).unwrap_or_default())
}

/// Whether this visitor may edit a post now.
pub(crate) fn may_edit(visitor: &Visitor, post: &Post, delivery: Option<&Delivery>) -> bool {
    use DeliveryState as S;
    let writes = visitor.user.is(Role::Author) || visitor.user.is(Role::Editor);
    let unsent = |d: &Delivery| {
        let waits = matches!(d.state, S::Scheduled | S::Ready | S::Leased | S::Held);
        d.state.is_terminal() || (waits && !d.may_be_live())
    };
    writes
        && match post.state {
            PostState::Draft | PostState::InReview | PostState::Returned => true,
            PostState::Approved => delivery.is_none_or(unsent),
            PostState::Void => false,
        }
}

/// Keeps a draft: the post as it is then, which is another one when it was approved before.
async fn keep(
    app: &Shared,
    visitor: &Visitor,
    (desk, draft): (&Desk, Draft),
    seen: Option<Digest>,
) -> Result<Result<Post, loa_review::ReviewError>, WebError> {
    let now = desk.post.digest();
    if let Some(seen) = seen.filter(|seen| *seen != now) {
        return Ok(Err(loa_review::ReviewError::Changed { seen, now }));
    }
    if draft.content == desk.post.content {
        // Nothing to keep: an approval stays.
        return Ok(Ok(desk.post.clone()));
    }
    if let Some(bytes) = draft.captions {
        // The bytes are kept before anything names them.
        app.blobs.put(bytes).await?;
    }
    Ok(app.review.reword(&visitor.user, desk.post.id, now, draft.content).await)
}

/// An answer to what only a person can do.
fn for_people() -> WebError {
    WebError::new(
        StatusCode::CONFLICT,
        "Việc này cần người quyết định, máy không sửa được / A person has to decide this, it cannot be fixed by itself",
    )
}
