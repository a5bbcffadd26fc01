//! What a channel would refuse, mended where that needs no judgement: with the article's own words and its own files. A person
//! sees the change before it is kept.

use std::{collections::BTreeSet, ops::Range};

use loa_model::{
    Article, Capability, FormatRule, Media, MediaRole, MediaRule, PostContent, Violation,
    capability::TextLimit,
};

use crate::{compose::labels, sentence::sentences};

/// What a post may be mended with.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The article it was made from.
    pub article: &'a Article,
    /// What its channel takes.
    pub capability: &'a Capability,
    /// Files that may take the place of one, the best first: renditions of current variants, photos of the article.
    pub files: &'a [Media],
}

/// Shortest part of a title that still is one, in characters.
const LEAST_TITLE: usize = 12;

/// The content without this problem, and without a new one; nothing where a person has to decide.
///
/// Words are never made up: sentences, hashtags or points are left out whole, first what is said twice, points last; a title ends at a comma or colon
/// of its own at the earliest; what is missing comes from the article; a file gives way to another one of the same article.
pub fn mend(
    content: &PostContent,
    violation: &Violation,
    means: &Means<'_>,
) -> Option<PostContent> {
    let rule = means.capability.formats.get(&content.format)?;
    let mended = match (violation.field.as_str(), violation.problem.as_str()) {
        ("text", "too_long") => text(content, rule, means.article)?,
        ("text", "link_missing") => linked(content, rule, means.article),
        ("title", "too_long") => title(content, rule, means.article)?,
        ("title", "missing") => {
            let titled = PostContent { title: means.article.title().to_owned(), ..content.clone() };
            let titled = PostContent { title: allowed(&titled.title, rule), ..titled };
            match rule.title.filter(|limit| limit.unit.count(&titled.title) > limit.max) {
                Some(_) => title(&titled, rule, means.article)?,
                None => titled,
            }
        }
        ("author", "too_long") => {
            let limit = rule.author?;
            let names = std::iter::once(&means.article.source.publisher);
            let mut names = names.chain(&means.article.authors);
            let fits = |name: &&String| !name.is_empty() && limit.unit.count(name) <= limit.max;
            PostContent { author: names.find(fits)?.clone(), ..content.clone() }
        }
        ("title", "unsupported") => PostContent { title: String::new(), ..content.clone() },
        ("author", "unsupported") => PostContent { author: String::new(), ..content.clone() },
        ("title", "forbidden_character") => {
            PostContent { title: allowed(&content.title, rule), ..content.clone() }
        }
        ("text", "forbidden_character") => {
            PostContent { text: allowed(&content.text, rule), ..content.clone() }
        }
        (field, problem) => files(content, rule, (role_of(rule, content, field)?, problem), means)?,
    };
    let before = means.capability.check(content);
    let after = means.capability.check(&mended);
    let same = |one: &Violation, other: &Violation| {
        one.field == other.field && one.problem == other.problem
    };
    let count = |all: &[Violation], one: &Violation| all.iter().filter(|v| same(v, one)).count();
    let better = count(&after, violation) < count(&before, violation);
    let none_new = after.iter().all(|one| count(&after, one) <= count(&before, one));
    (better && none_new && mended != *content).then_some(mended)
}

/// The role that a field of a violation is about, for example `media.photo.bytes`.
fn role_of(format: &FormatRule, content: &PostContent, field: &str) -> Option<MediaRole> {
    let name = field.strip_prefix("media.")?.split('.').next()?;
    let of = |role: &MediaRole| serde_json::to_value(role).is_ok_and(|value| value == name);
    let known = format.media.keys().copied().chain(content.media.iter().map(|file| file.role));
    known.into_iter().find(of)
}

// Words.

/// Parts of one kind, in their order.
type Parts = fn(&[String], &Kept<'_>, &Article) -> Vec<Place>;

/// What may be left out, what is missed least first; of each the last.
const LEAST_FIRST: [Parts; 5] = [repeated, hashtags, free, others, points];

/// The words with whole parts left out until they fit: facts go last, the first sentence stays.
fn text(content: &PostContent, rule: &FormatRule, article: &Article) -> Option<PostContent> {
    let limit = rule.text;
    let mut lines: Vec<String> = content.text.lines().map(str::to_owned).collect();
    let kept = Kept { link: &content.link.url, source: labels(&content.lang).source };
    let fits = |lines: &[String]| limit.unit.count(&joined(lines)) <= limit.max;
    for parts in LEAST_FIRST {
        // From the end, so that the places of those before stay what they are.
        for place in parts(&lines, &kept, article).into_iter().rev() {
            if fits(&lines) {
                break;
            }
            cut(&mut lines, place);
        }
    }
    if !fits(&lines) && !shorten_last(&mut lines, &kept, limit) {
        return None;
    }
    Some(PostContent { text: joined(&lines), ..content.clone() })
}

/// Lines that always stay.
struct Kept<'a> {
    link: &'a str,
    source: &'a str,
}

/// What a line of a message is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Fixed,
    Tags,
    Point,
    Prose,
}

impl Kept<'_> {
    fn kind(&self, line: &str) -> Kind {
        let line = line.trim();
        let mut words = line.split_whitespace();
        if line.is_empty()
            || (!self.link.is_empty() && line.contains(self.link))
            || line.starts_with(self.source.trim())
        {
            Kind::Fixed
        } else if words.all(|word| word.starts_with('#')) {
            Kind::Tags
        } else if line.starts_with('•') {
            Kind::Point
        } else {
            Kind::Prose
        }
    }

    fn of(&self, lines: &[String], kind: Kind) -> Vec<usize> {
        (0..lines.len()).filter(|at| self.kind(&lines[*at]) == kind).collect()
    }
}

/// A part of a line that may be left out.
type Place = (usize, Range<usize>);

/// Sentences of prose in their order.
fn said(lines: &[String], kept: &Kept<'_>) -> Vec<Place> {
    let of_line = |at: usize| sentences(&lines[at]).into_iter().map(move |range| (at, range));
    kept.of(lines, Kind::Prose).into_iter().flat_map(of_line).collect()
}

fn whole_lines(lines: &[String], kept: &Kept<'_>, kind: Kind) -> Vec<Place> {
    kept.of(lines, kind).into_iter().map(|at| (at, 0..lines[at].len())).collect()
}

fn words<'a>(lines: &'a [String], (at, range): &Place) -> &'a str {
    lines[*at].get(range.clone()).unwrap_or_default().trim()
}

/// Sentences and points that were said before, word for word.
fn repeated(lines: &[String], kept: &Kept<'_>, _: &Article) -> Vec<Place> {
    let mut all = said(lines, kept);
    all.extend(whole_lines(lines, kept, Kind::Point));
    all.sort_by_key(|(at, range)| (*at, range.start));
    let mut known = BTreeSet::new();
    let bare = |place: &Place| {
        let words = words(lines, place).trim_start_matches('•').trim();
        words.trim_end_matches('.').to_lowercase()
    };
    all.retain(|place| !known.insert(bare(place)));
    all
}

fn hashtags(lines: &[String], kept: &Kept<'_>, _: &Article) -> Vec<Place> {
    let of_line = |at: usize| {
        let line = lines[at].as_str();
        let starts = line.match_indices('#').map(|(start, _)| start);
        starts.map(move |start| {
            let rest = line.get(start..).unwrap_or_default();
            (at, start..start + rest.find(char::is_whitespace).unwrap_or(rest.len()))
        })
    };
    kept.of(lines, Kind::Tags).into_iter().flat_map(of_line).collect()
}

/// Sentences but the first that are not the article's.
fn free(lines: &[String], kept: &Kept<'_>, article: &Article) -> Vec<Place> {
    let mut own = others(lines, kept, article);
    own.retain(|place| {
        let words = words(lines, place);
        article.blocks.iter().all(|block| !block.text.contains(words))
    });
    own
}

/// Sentences but the first.
fn others(lines: &[String], kept: &Kept<'_>, _: &Article) -> Vec<Place> {
    said(lines, kept).into_iter().skip(1).collect()
}

/// Points; one of them stays where nothing else is said.
fn points(lines: &[String], kept: &Kept<'_>, _: &Article) -> Vec<Place> {
    let stay = usize::from(said(lines, kept).is_empty());
    whole_lines(lines, kept, Kind::Point).into_iter().skip(stay).collect()
}

/// Takes a part out of its line, and the line with its last part.
fn cut(lines: &mut Vec<String>, (at, range): Place) {
    let line = &lines[at];
    let before = line.get(..range.start).unwrap_or_default().trim_end();
    let after = line.get(range.end..).unwrap_or_default().trim_start();
    let between = if before.is_empty() || after.is_empty() { "" } else { " " };
    let rest = format!("{before}{between}{after}");
    if rest.is_empty() {
        lines.remove(at);
    } else {
        lines[at] = rest;
    }
}

/// Ends the one sentence that is left where a part of it ends; false when none of its parts is short enough.
fn shorten_last(lines: &mut [String], kept: &Kept<'_>, limit: TextLimit) -> bool {
    let mut said = kept.of(lines, Kind::Prose);
    said.extend(kept.of(lines, Kind::Point));
    let [only] = said[..] else { return false };
    // The others are counted beside one letter, so that no line end of theirs is lost.
    let others: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == only { "x".to_owned() } else { line.clone() })
        .collect();
    let others = limit.unit.count(&joined(&others)) - limit.unit.count("x");
    let room = TextLimit { max: limit.max.saturating_sub(others), ..limit };
    match part(&lines[only], room) {
        Some(shorter) => {
            lines[only] = shorter;
            true
        }
        None => false,
    }
}

/// Lines as a text, with no more than one empty line between two of them.
fn joined(lines: &[String]) -> String {
    let mut out: Vec<&str> = Vec::new();
    for line in lines {
        if !(line.trim().is_empty() && out.last().is_none_or(|last| last.trim().is_empty())) {
            out.push(line);
        }
    }
    out.join("\n").trim_end().to_owned()
}

/// The longest beginning of a sentence that ends where a part of it ends and fits.
fn part(sentence: &str, limit: TextLimit) -> Option<String> {
    let mut ends: Vec<usize> = Vec::new();
    let mut chars = sentence.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        // A comma inside a number ends nothing.
        let blank_follows = chars.peek().is_some_and(|(_, next)| next.is_whitespace());
        if matches!(c, ',' | ';' | ':' | '–' | '—') && blank_follows {
            ends.push(at);
        }
    }
    let parts = ends.into_iter().rev().filter_map(|end| sentence.get(..end)).map(str::trim_end);
    let fits =
        |part: &&str| limit.unit.count(part) <= limit.max && part.chars().count() >= LEAST_TITLE;
    parts.into_iter().find(fits).map(str::to_owned)
}

/// A title that fits: the article's own, or the longest part of this one.
fn title(content: &PostContent, rule: &FormatRule, article: &Article) -> Option<PostContent> {
    let limit = rule.title?;
    let own = allowed(article.title(), rule);
    let title = if !own.is_empty() && limit.unit.count(&own) <= limit.max {
        own
    } else {
        part(&content.title, limit).or_else(|| part(&own, limit))?
    };
    Some(PostContent { title, ..content.clone() })
}

/// The words with the line of the short link, as it is composed.
fn linked(content: &PostContent, rule: &FormatRule, article: &Article) -> PostContent {
    let line = format!("{}{}", labels(&content.lang).more, content.link.url);
    let text = content.text.trim_end();
    let between = if text.is_empty() { "" } else { "\n\n" };
    let whole = PostContent { text: format!("{text}{between}{line}"), ..content.clone() };
    if rule.text.unit.count(&whole.text) <= rule.text.max {
        return whole;
    }
    self::text(&whole, rule, article).unwrap_or(whole)
}

/// The text without characters that the platform refuses: what looks like them takes their place where there is something.
fn allowed(text: &str, rule: &FormatRule) -> String {
    let of = |c: char| match c {
        c if !rule.forbidden.contains(c) => Some(c),
        '<' if !rule.forbidden.contains('‹') => Some('‹'),
        '>' if !rule.forbidden.contains('›') => Some('›'),
        _ => None,
    };
    text.chars().filter_map(of).collect()
}

// Files.

fn files(
    content: &PostContent,
    format: &FormatRule,
    (role, problem): (MediaRole, &str),
    means: &Means<'_>,
) -> Option<PostContent> {
    let Some(limits) = format.media.get(&role) else {
        let rest = content.media.iter().filter(|file| file.role != role).cloned();
        return Some(content.with_media(rest.collect()));
    };
    let mut media = content.media.clone();
    match problem {
        "count" => {
            let mut there: Vec<usize> =
                (0..media.len()).filter(|at| media[*at].role == role).collect();
            while there.len() > limits.max {
                media.remove(there.pop()?);
            }
            for _ in there.len()..limits.min {
                let file = other(means.files, &media, (role, limits), None)?;
                media.push(file);
            }
        }
        "missing" => {
            for file in media.iter_mut().filter(|file| file.role == role) {
                if file.alt.trim().is_empty() {
                    file.alt = described(file, means).unwrap_or_default();
                }
            }
        }
        _ => {
            for at in 0..media.len() {
                if media[at].role == role && !takes(limits, &media[at]) {
                    let like = media[at].clone();
                    media[at] = other(means.files, &media, (role, limits), Some(&like))?;
                }
            }
        }
    }
    Some(content.with_media(media))
}

/// A file that the channel takes and the post has not: of the same variant where there is one.
fn other(
    files: &[Media],
    has: &[Media],
    (role, limits): (MediaRole, &MediaRule),
    like: Option<&Media>,
) -> Option<Media> {
    let fits = |file: &&Media| takes(limits, file) && has.iter().all(|own| own.blob != file.blob);
    let of_variant = |file: &&Media| like.is_some_and(|like| like.variant == file.variant);
    let mut same = files.iter().filter(fits).filter(of_variant);
    let found = same.next().or_else(|| files.iter().find(fits))?;
    Some(Media { role, ..found.clone() })
}

/// Whether the channel takes a file, as [`Capability::check`] does.
fn takes(limits: &MediaRule, file: &Media) -> bool {
    let longest = limits.max_duration_ms == 0 || file.duration_ms <= limits.max_duration_ms;
    limits.mime.contains(&file.mime)
        && file.bytes <= limits.max_bytes
        && file.width >= limits.min_width
        && file.height >= limits.min_height
        && file.duration_ms >= limits.min_duration_ms
        && longest
        && (!limits.upright || file.height >= file.width)
}

/// What a picture shows: as it was drawn with, or as the article says of its photo.
fn described(file: &Media, means: &Means<'_>) -> Option<String> {
    let drawn = means.files.iter().filter(|other| other.blob == file.blob).map(|other| &other.alt);
    let photos = means.article.photos.iter().filter(|photo| photo.blob == Some(file.blob));
    let published = photos.flat_map(|photo| [&photo.alt, &photo.caption]);
    drawn.chain(published).find(|alt| !alt.trim().is_empty()).cloned()
}
