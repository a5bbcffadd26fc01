//! Vietnamese sentences: where one ends and where a full stop is only a full stop.

use std::ops::Range;

/// What stands before a full stop without ending a sentence.
const ABBREVIATIONS: [&str; 28] = [
    "TP", "Tp", "TS", "ThS", "Ths", "PGS", "GS", "BS", "KS", "LS", "CN", "NSND", "NSƯT", "NGND",
    "NGƯT", "TX", "TT", "ĐT", "Th", "Mr", "Mrs", "Dr", "No", "CK1", "CK2", "tr", "đ/c", "St",
];

/// Byte ranges of the sentences of a block, without the spaces around them. Nothing but spaces lies between them.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    split(text, true).unwrap_or_else(|| split(text, false).unwrap_or_default())
}

/// Splits outside quotation marks; nothing when a quotation that was opened is never closed.
fn split(text: &str, keep_quotes: bool) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut inside = Inside::default();
    for (at, c) in text.char_indices() {
        inside.see(c);
        if !matches!(c, '.' | '!' | '?' | '…') && !inside.just_closed {
            continue;
        }
        let end = at + c.len_utf8();
        if keep_quotes && inside.any() {
            continue;
        }
        let closed_after_stop = inside.just_closed && ends_with_stop(text.get(start..at));
        let rest = text.get(end..).unwrap_or_default();
        if inside.just_closed && !closed_after_stop || !rest.starts_with(char::is_whitespace) {
            continue;
        }
        let next = rest.trim_start().chars().next();
        if next.is_none_or(|next| next.is_lowercase() || matches!(next, ')' | ',' | ';' | ':')) {
            continue;
        }
        if c == '.' && is_abbreviation(text.get(start..at).unwrap_or_default()) {
            continue;
        }
        push(&mut found, text, start..end);
        start = end;
    }
    push(&mut found, text, start..text.len());
    (!keep_quotes || !inside.any()).then_some(found)
}

fn ends_with_stop(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_end().ends_with(['.', '!', '?', '…']))
}

fn push(found: &mut Vec<Range<usize>>, text: &str, range: Range<usize>) {
    let piece = text.get(range.clone()).unwrap_or_default();
    let kept = piece.trim();
    if kept.chars().any(char::is_alphanumeric) {
        let start = range.start + (piece.len() - piece.trim_start().len());
        found.push(start..start + kept.len());
    } else if let Some(last) = found.last_mut().filter(|_| !kept.is_empty()) {
        // A stray mark belongs to what it follows.
        last.end = range.start + piece.trim_end().len();
    }
}

fn is_abbreviation(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '“' | '"' | '.'))
        .next()
        .unwrap_or_default();
    let mut letters = word.chars();
    let single = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    // "1." numbers a list when nothing stands before it.
    let number = before.trim_start().len() == word.len()
        && !word.is_empty()
        && word.chars().all(|c| c.is_ascii_digit());
    single || number || before.ends_with("v.v") || ABBREVIATIONS.contains(&word)
}

/// Which quotation marks are open.
#[derive(Default)]
struct Inside {
    curly: usize,
    straight: bool,
    just_closed: bool,
}

impl Inside {
    fn see(&mut self, c: char) {
        self.just_closed = false;
        match c {
            '“' | '«' => self.curly += 1,
            '”' | '»' => {
                self.just_closed = true;
                self.curly = self.curly.saturating_sub(1);
            }
            '"' => {
                self.straight = !self.straight;
                self.just_closed = !self.straight;
            }
            _ => {}
        }
    }

    fn any(&self) -> bool {
        self.curly > 0 || self.straight
    }
}

/// Words in lower case, split at everything that is neither letter nor digit.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = sentences(text).into_iter().map(|r| text.get(r).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn full_stops_that_end_nothing() {
        check(
            "TP. Hồ Chí Minh có 2,5 triệu hộ. TS. Lê A nói vậy.",
            &["TP. Hồ Chí Minh có 2,5 triệu hộ.", "TS. Lê A nói vậy."],
        );
        check(
            "Nghị định số 42/2022/NĐ-CP. Ngày 1.1.2027 có 1.200 xã.",
            &["Nghị định số 42/2022/NĐ-CP.", "Ngày 1.1.2027 có 1.200 xã."],
        );
        check(
            "Có gạo, muối, v.v. Dân vui. Ông Nguyễn V. An về.",
            &["Có gạo, muối, v.v. Dân vui.", "Ông Nguyễn V. An về."],
        );
        check("1. Mục đích của đề án. Hết./.", &["1. Mục đích của đề án.", "Hết./."]);
        check(
            "Chưa rõ… nhưng sẽ có. Thật không? Thật!",
            &["Chưa rõ… nhưng sẽ có.", "Thật không?", "Thật!"],
        );
        check("  ", &[]);
    }

    #[test]
    fn quotations_stay_whole() {
        check("Bà nói: “Một. Hai ẫ ễ.” Rồi về.", &["Bà nói: “Một. Hai ẫ ễ.”", "Rồi về."]);
        check("\"Một. Hai.\" Ba.", &["\"Một. Hai.\"", "Ba."]);
        check(
            "Chương trình “Mái ấm” Ngày mai bắt đầu.",
            &["Chương trình “Mái ấm” Ngày mai bắt đầu."],
        );
        // A mark that is never closed must not swallow the rest.
        check("Bà nói: “Một. Hai.", &["Bà nói: “Một.", "Hai."]);
    }
}
