//! Words in a text, whatever their case, with their places.

use std::ops::Range;

fn same(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase())
}

fn ends_word(text: &str, at: usize) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let before = word(text.get(..at).and_then(|t| t.chars().next_back()));
    let after = word(text.get(at..).and_then(|t| t.chars().next()));
    !(before && after)
}

/// The end of `words` when they stand at `at`.
fn matched(text: &str, at: usize, words: &str) -> Option<usize> {
    let rest = text.get(at..)?;
    let mut letters = rest.char_indices();
    for wanted in words.chars() {
        letters.next().filter(|(_, c)| same(*c, wanted))?;
    }
    let end = at + letters.next().map_or(rest.len(), |(end, _)| end);
    (ends_word(text, at) && ends_word(text, end)).then_some(end)
}

/// Everywhere these words stand, whole.
pub(crate) fn places<'a>(
    text: &'a str,
    words: &'a str,
) -> impl Iterator<Item = Range<usize>> + use<'a> {
    text.char_indices().filter_map(move |(at, _)| matched(text, at, words).map(|end| at..end))
}

/// Whether any of these stands in the text.
pub(crate) fn says(text: &str, any: &[&str]) -> bool {
    any.iter().any(|words| places(text, words).next().is_some())
}

/// The end of the longest of these that the text begins with.
pub(crate) fn opening(text: &str, any: &[&str]) -> Option<usize> {
    any.iter().filter_map(|words| matched(text, 0, words)).max()
}

/// The start of the longest of these that the text ends with.
pub(crate) fn ending(text: &str, any: &[&str]) -> Option<usize> {
    let start = |words: &&str| {
        let letters = words.chars().count().checked_sub(1)?;
        let (at, _) = text.char_indices().rev().nth(letters)?;
        matched(text, at, words).filter(|end| *end == text.len())?;
        Some(at)
    };
    any.iter().filter_map(start).min()
}

/// A range of a part, in the whole that the part lies in from `by` on.
pub(crate) fn shifted(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// A range without the spaces around its words.
pub(crate) fn bare(text: &str, range: Range<usize>) -> Range<usize> {
    let words = text.get(range.clone()).unwrap_or_default();
    let start = range.start + words.len() - words.trim_start().len();
    start..start + words.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_of_any_case() {
        let check = |text: &str, words: &str, expected: &[&str]| {
            let found: Vec<_> = places(text, words).map(|r| text.get(r).unwrap()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("RỦI RO, rủi ro; Rủi rong", "rủi ro", &["RỦI RO", "rủi ro"]);
        check("İ đính chính", "đính chính", &["đính chính"]);
        check("các bước, cách làm", "cá", &[]);
        assert_eq!(opening("Bước 1: Ẫ", &["bước", "bước 1"]), Some("Bước 1".len()));
        assert_eq!(ending("theo Nghị định", &["nghị định"]), Some("theo ".len()));
        assert_eq!(ending("định", &["nghị định", ""]), None);
    }
}
