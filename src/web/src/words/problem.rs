//! What a channel would refuse of a post, in plain words, and what to do about it.

use loa_brief::{Means, mend};
use loa_model::{Capability, Post, PostContent, Violation};
use serde::Serialize;

use super::Desk;
use crate::{Shared, view};

/// Something that a channel would refuse.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    field: String,
    #[serde(rename = "problem")]
    kind: String,
    is: String,
    limit: String,
    /// What is wrong, a sentence.
    what: String,
    /// What to do, a sentence.
    todo: String,
    /// Whether the server can propose a change that mends it.
    fix: bool,
}

/// The sentence that a problem is told with: the key `problem.<it>` of the locale files.
pub(crate) fn key(violation: &Violation) -> &'static str {
    let part = violation.field.rsplit('.').next().unwrap_or_default();
    match (part, violation.problem.as_str()) {
        ("format", _) => "format",
        ("title", "missing") => "title_missing",
        (_, "forbidden_character") => "forbidden",
        (_, "link_missing") => "link_missing",
        ("text" | "title" | "author", "unsupported") => "words_unsupported",
        ("duration", "too_long") => "clip_too_long",
        ("duration", _) => "clip_too_short",
        (_, "too_long") => "words_too_long",
        ("alt", _) => "alt_missing",
        ("count", _) => "file_count",
        ("mime", _) => "file_kind",
        (_, "too_large") => "file_too_large",
        (_, "too_small") => "file_too_small",
        (_, "not_upright") => "not_upright",
        _ => "file_unsupported",
    }
}

/// The name of what a violation is about.
pub(crate) fn name(app: &Shared, lang: &str, field: &str) -> String {
    let key = match field.split('.').nth(1) {
        Some(role) => format!("role.{role}"),
        None => format!("approvals.field_{field}"),
    };
    app.assets.word(lang, &key)
}

/// What the channel would refuse of this content. `desk` is at hand where fixes are offered.
pub(crate) fn problems(
    app: &Shared,
    lang: &str,
    (post, content): (&Post, &PostContent),
    desk: Option<&Desk>,
) -> Vec<Problem> {
    let Some(capability) = app.capabilities.get(post.account.channel()) else { return Vec::new() };
    let means = desk.and_then(|desk| means(desk, capability));
    let fixed = |violation: &Violation| {
        means.as_ref().is_some_and(|means| mend(content, violation, means).is_some())
    };
    let all = capability.check(content).into_iter();
    let told = |violation: Violation| {
        let key = key(&violation);
        let (is, limit) = shown(app, lang, key, &violation);
        let say = |part: &str| {
            let words = app.assets.word(lang, &format!("{part}.{key}"));
            let words = words.replace("{field}", &name(app, lang, &violation.field));
            words.replace("{is}", &is).replace("{limit}", &limit)
        };
        Problem {
            what: say("problem"),
            todo: say("problem_todo"),
            fix: fixed(&violation),
            field: violation.field,
            kind: violation.problem,
            is: violation.is,
            limit: violation.limit,
        }
    };
    all.map(told).collect()
}

/// What a post on this desk may be mended with; nothing when its article is gone.
pub(crate) fn means<'a>(desk: &'a Desk, capability: &'a Capability) -> Option<Means<'a>> {
    let article = desk.article.as_ref()?;
    Some(Means { article, capability, files: &desk.files })
}

/// Both values of a violation as people read them.
fn shown(app: &Shared, lang: &str, key: &str, violation: &Violation) -> (String, String) {
    let number = |text: &str| {
        text.parse::<u64>().map_or_else(|_| text.to_owned(), |value| view::number(value, lang))
    };
    let seconds = |text: &str| {
        let ms = text.parse::<u64>().unwrap_or_default();
        format!("{} s", view::number(ms.div_ceil(1000), lang))
    };
    let size = |text: &str| view::size(text.parse().unwrap_or_default(), lang);
    let (is, limit) = (violation.is.as_str(), violation.limit.as_str());
    match key {
        "words_too_long" => {
            let (most, unit) = limit.split_once(' ').unwrap_or((limit, ""));
            let unit = app.assets.word(lang, &format!("unit.{}", unit.to_lowercase()));
            (number(is), format!("{} {unit}", number(most)))
        }
        "clip_too_long" | "clip_too_short" => (seconds(is), seconds(limit)),
        "file_kind" => {
            let all: Vec<&str> = limit.split(", ").map(view::file_kind).collect();
            (view::file_kind(is).to_owned(), all.join(", "))
        }
        "file_too_large" => (size(is), size(limit)),
        "format" => {
            let word = |name: &str| app.assets.word(lang, &format!("format.{}", snake(name)));
            let all: Vec<String> = limit.split(", ").map(word).collect();
            (word(is), all.join(", "))
        }
        "file_count" => {
            let (least, most) = limit.split_once('–').unwrap_or((limit, limit));
            (number(is), if least == most { number(most) } else { limit.to_owned() })
        }
        _ => (number(is), number(limit)),
    }
}

/// `ShortVideo` as `short_video`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every problem of every rule, as a capability tells it, and the sentence it gets.
    const ALL: [(&str, &str, &str); 19] = [
        ("format", "unsupported", "format"),
        ("text", "too_long", "words_too_long"),
        ("title", "too_long", "words_too_long"),
        ("author", "too_long", "words_too_long"),
        ("title", "unsupported", "words_unsupported"),
        ("author", "unsupported", "words_unsupported"),
        ("title", "missing", "title_missing"),
        ("text", "forbidden_character", "forbidden"),
        ("title", "forbidden_character", "forbidden"),
        ("text", "link_missing", "link_missing"),
        ("media.photo", "unsupported", "file_unsupported"),
        ("media.photo.count", "count", "file_count"),
        ("media.photo.mime", "unsupported", "file_kind"),
        ("media.photo.bytes", "too_large", "file_too_large"),
        ("media.photo.size", "too_small", "file_too_small"),
        ("media.video.duration", "too_short", "clip_too_short"),
        ("media.video.duration", "too_long", "clip_too_long"),
        ("media.video.aspect", "not_upright", "not_upright"),
        ("media.cover.alt", "missing", "alt_missing"),
    ];

    #[test]
    fn every_problem_is_told_in_a_sentence_of_its_own_in_both_languages() {
        let words = [
            include_str!("../../../../assets/web/vi.toml"),
            include_str!("../../../../assets/web/en.toml"),
        ]
        .map(|text| text.parse::<toml::Table>().unwrap());
        for (field, problem, expected) in ALL {
            let violation = Violation {
                field: field.into(),
                problem: problem.into(),
                is: String::new(),
                limit: String::new(),
            };
            assert_eq!(key(&violation), expected, "{field} {problem}");
            for words in &words {
                for part in ["problem", "problem_todo"] {
                    assert!(words[part][expected].is_str(), "{part}.{expected}");
                }
            }
        }
        assert_eq!(snake("ShortVideo"), "short_video");
    }
}
