//! Markdown with optional front matter, and plain text.

use loa_model::{Block, BlockKind, SourceRef};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use url::Url;

use crate::{
    Error, Place, Result,
    clean::{clean, split_credit},
    date,
    draft::{Draft, PhotoRef},
    page,
    video::{Form, Named, Videos},
};

/// How the text under the front matter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Markdown,
    Plain,
}

/// Reads an article.
///
/// # Errors
/// [`Error::FrontMatter`], [`Error::NoTitle`], [`Error::EmptyBody`].
pub(crate) fn read(text: &str, writing: Writing, place: &Place) -> Result<Draft> {
    let mut draft = Draft {
        source: SourceRef {
            canonical_url: String::new(),
            publisher: String::new(),
            via: "markdown".to_owned(),
        },
        lang: "vi".to_owned(),
        section: String::new(),
        authors: Vec::new(),
        published_at: None,
        embargo_until: None,
        keywords: Vec::new(),
        blocks: Vec::new(),
        photos: Vec::new(),
        videos: Vec::new(),
        warnings: Vec::new(),
    };
    let (mut title, mut sapo) = (String::new(), String::new());
    let text = front_matter(text, &mut draft, &mut title, &mut sapo)?;
    let address =
        (!draft.source.canonical_url.is_empty()).then_some(draft.source.canonical_url.as_str());
    let place = place.clone().with_page(address);
    let blocks = match writing {
        Writing::Markdown => markdown(&text, &place, &mut draft, &mut title, &mut sapo),
        Writing::Plain => {
            let mut blocks = text.replace("\r\n", "\n");
            blocks.push('\n');
            let mut parts = blocks.split("\n\n").map(clean).filter(|part| !part.is_empty());
            if title.is_empty() {
                title = parts.next().unwrap_or_default();
            }
            parts.map(|text| Block { kind: BlockKind::Paragraph, text }).collect()
        }
    };
    draft.belongs_at(&place);
    if draft.published_at.is_none() {
        draft.warn("no_date", "");
    }
    draft.set_text(&title, &sapo, blocks)?;
    Ok(draft)
}

/// Reads `key: value` lines between two `---` lines and returns what follows them.
fn front_matter(
    text: &str,
    draft: &mut Draft,
    title: &mut String,
    sapo: &mut String,
) -> Result<String> {
    let mut lines = text.lines();
    if lines.clone().next().is_none_or(|line| line.trim_end() != "---") {
        return Ok(text.to_owned());
    }
    lines.next();
    for (number, line) in (2..).zip(lines.by_ref()) {
        let line = line.trim();
        if line == "---" {
            return Ok(lines.collect::<Vec<_>>().join("\n"));
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| Error::FrontMatter { line: number, why: why.to_owned() };
        let (key, value) = line.split_once(':').ok_or_else(|| wrong("write key: value"))?;
        let value = clean(value.trim().trim_matches(['"', '\'']));
        let time = || {
            date::parse(&value).ok_or_else(|| wrong("write a time like 2026-11-16T08:30:00+07:00"))
        };
        let list = || {
            value.trim_matches(['[', ']']).split(',').map(clean).filter(|v| !v.is_empty()).collect()
        };
        match key.trim() {
            "title" => title.clone_from(&value),
            "sapo" => sapo.clone_from(&value),
            "url" => {
                let url = Url::parse(&value).ok().and_then(page::tidy_url);
                draft.source.canonical_url =
                    url.ok_or_else(|| wrong("url must be an http address"))?;
            }
            "publisher" => draft.source.publisher.clone_from(&value),
            "lang" => draft.lang.clone_from(&value),
            "section" => draft.section.clone_from(&value),
            "author" | "authors" => draft.authors = list(),
            "keywords" | "tags" => draft.keywords = list(),
            "published_at" | "date" => draft.published_at = Some(time()?),
            "embargo_until" => draft.embargo_until = Some(time()?),
            _ => {
                return Err(wrong(
                    "unknown key; known: title, sapo, url, publisher, lang, section, author, keywords, published_at, embargo_until",
                ));
            }
        }
    }
    Err(Error::FrontMatter { line: 1, why: "the closing --- is missing".to_owned() })
}

fn markdown(
    text: &str,
    place: &Place,
    draft: &mut Draft,
    title: &mut String,
    sapo: &mut String,
) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut words = String::new();
    let mut kinds = vec![BlockKind::Paragraph];
    let mut cells: Vec<String> = Vec::new();
    // Source and title of the picture whose alternative text is being read.
    let mut picture: Option<(String, String)> = None;
    let mut is_title = false;
    let mut videos = Videos::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        let kind = *kinds.last().unwrap_or(&BlockKind::Paragraph);
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            Event::Start(Tag::Heading { level, .. }) => {
                is_title = level == HeadingLevel::H1 && title.is_empty();
                push(&mut blocks, kind, &mut words);
                kinds.push(BlockKind::Heading);
            }
            Event::End(TagEnd::Heading(_)) => {
                kinds.pop();
                if is_title {
                    *title = clean(&std::mem::take(&mut words));
                }
                push(&mut blocks, BlockKind::Heading, &mut words);
            }
            Event::Start(Tag::BlockQuote(_)) => kinds.push(BlockKind::Quote),
            Event::Start(Tag::Item) => {
                push(&mut blocks, kind, &mut words);
                kinds.push(BlockKind::ListItem);
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::Item) => {
                kinds.pop();
                push(&mut blocks, kind, &mut words);
            }
            Event::End(TagEnd::Paragraph) => {
                // A quotation right under the headline is the standfirst.
                if kind == BlockKind::Quote && blocks.is_empty() && sapo.is_empty() {
                    *sapo = clean(&std::mem::take(&mut words));
                }
                push(&mut blocks, kind, &mut words);
            }
            Event::Start(Tag::Image { dest_url, title, .. }) => {
                push(&mut blocks, kind, &mut words);
                picture = Some((dest_url.into_string(), title.into_string()));
            }
            Event::End(TagEnd::Image) => {
                let (source, credit) = picture.take().unwrap_or_default();
                let (caption, inline) = split_credit(&std::mem::take(&mut words));
                let credit = if credit.is_empty() { inline } else { clean(&credit) };
                if Form::of(&source, "") != Form::Unknown {
                    // Markdown has no video of its own: the ending tells.
                    let named =
                        Named { caption: caption.clone(), credit, ..Named::one(&source, "") };
                    if videos.take(named, place) {
                        push(&mut blocks, BlockKind::Caption, &mut caption.clone());
                    }
                    continue;
                }
                match place.media(&source) {
                    Some(place) => {
                        push(&mut blocks, BlockKind::Caption, &mut caption.clone());
                        draft.photos.push(PhotoRef {
                            place,
                            alt: caption.clone(),
                            caption,
                            credit,
                        });
                    }
                    None => draft.warn("photo_left_out", source),
                }
            }
            Event::End(TagEnd::TableCell) => cells.push(clean(&std::mem::take(&mut words))),
            Event::End(TagEnd::TableRow | TagEnd::TableHead) => {
                let text = std::mem::take(&mut cells).join("\t");
                blocks.push(Block { kind: BlockKind::TableRow, text });
            }
            _ => {}
        }
    }
    push(&mut blocks, BlockKind::Paragraph, &mut words);
    draft.set_videos(videos);
    blocks
}

fn push(blocks: &mut Vec<Block>, kind: BlockKind, words: &mut String) {
    let text = clean(&std::mem::take(words));
    if !text.is_empty() {
        blocks.push(Block { kind, text });
    }
}
