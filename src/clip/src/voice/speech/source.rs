//! What a text wants to be heard: its words, and its numbers as digits. Knows nothing of how they are spoken.

use std::ops::Range;

use super::Lang;

/// Something that should be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Want {
    /// A word, in small letters.
    Word(String),
    /// A number by its digits, `12` or `2.5`.
    Number { digits: String, must: bool },
    /// Words that must be heard: those of a sign.
    Must(&'static [&'static str]),
    /// A word that may be heard though it is not written: “năm” in 11/2026.
    May(&'static str),
}

/// A want and its bytes of the text.
pub(super) type Token = (Want, Range<usize>);

/// Words after which capitals of the Roman kind are a number.
const TAKES_ROMAN: [&str; 22] = [
    "khóa", "khoá", "hội", "kỷ", "kỉ", "chương", "quý", "kỳ", "kì", "thứ", "điều", "phần", "mục",
    "chapter", "article", "part", "war", "session", "congress", "section", "phase", "volume",
];

/// The wants of a text in NFC.
pub(super) fn wants(text: &str, lang: Lang) -> Vec<Token> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let char_at = |i: usize| chars.get(i).map_or('\0', |&(_, c)| c);
    let byte_at = |i: usize| chars.get(i).map_or(text.len(), |&(byte, _)| byte);
    let mut out: Vec<Token> = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let from = i;
        let c = char_at(i);
        let before = i.checked_sub(1).map_or('\0', char_at);
        if c.is_ascii_digit() {
            // Groups and decimals hang together: digits with single marks between them.
            let is_mark = |c: char| matches!(c, '.' | ',' | '\u{a0}' | '\u{202f}' | '\u{2009}');
            while char_at(i).is_ascii_digit()
                || is_mark(char_at(i)) && char_at(i + 1).is_ascii_digit()
            {
                i += 1;
            }
            let whole: String = chars[from..i].iter().map(|&(_, c)| c).collect();
            number(&whole, (byte_at(from), before), lang, &mut out);
        } else if c.is_alphabetic() {
            while char_at(i).is_alphanumeric() && !char_at(i).is_ascii_digit()
                || unicode_normalization::char::is_combining_mark(char_at(i))
            {
                i += 1;
            }
            let word: String = chars[from..i].iter().map(|&(_, c)| c).collect();
            out.push((letters(&word, &out), byte_at(from)..byte_at(i)));
        } else {
            i += 1;
            let sign = sign(c, lang).or_else(|| {
                let opens = before == '\0' || before.is_whitespace() || before == '(';
                let near =
                    out.iter().rev().take(2).any(|(want, _)| matches!(want, Want::Number { .. }));
                let minus = matches!(c, '-' | '−' | '–') && opens && char_at(i).is_ascii_digit();
                let said: &[&str] = if lang == Lang::Vi { &["âm"] } else { &["minus"] };
                (minus && !near).then_some(said)
            });
            out.extend(sign.map(|said| (Want::Must(said), byte_at(from)..byte_at(i))));
        }
    }
    out
}

/// Signs whose words would else be numbers that nobody wrote.
fn sign(c: char, lang: Lang) -> Option<&'static [&'static str]> {
    Some(match (c, lang) {
        ('%', Lang::Vi) => &["phần", "trăm"],
        ('‰', Lang::Vi) => &["phần", "nghìn"],
        ('½', Lang::Vi) => &["một", "phần", "hai"],
        ('¼', Lang::Vi) => &["một", "phần", "tư"],
        ('¾', Lang::Vi) => &["ba", "phần", "tư"],
        ('%', Lang::En) => &["percent"],
        ('‰', Lang::En) => &["per", "mille"],
        ('½', Lang::En) => &["one", "half"],
        ('¼', Lang::En) => &["one", "quarter"],
        ('¾', Lang::En) => &["three", "quarters"],
        _ => return None,
    })
}

fn letters(word: &str, before: &[Token]) -> Want {
    let value = roman(word);
    let taken = match before.last() {
        Some((Want::Word(last), _)) => TAKES_ROMAN.contains(&last.as_str()),
        _ => false,
    };
    match value {
        // Elsewhere it may be read as a number, and then as this one.
        Some(value) => Want::Number { digits: value.to_string(), must: taken },
        _ => Want::Word(word.to_lowercase()),
    }
}

/// The value of I, V and X with a few L and C, by adding up and taking away; nothing for what is hardly a numeral.
fn roman(word: &str) -> Option<i32> {
    let worth = |c| match c {
        'I' => Some(1),
        'V' => Some(5),
        'X' => Some(10),
        'L' => Some(50),
        'C' => Some(100),
        'D' => Some(500),
        'M' => Some(1000),
        _ => None,
    };
    let values: Vec<i32> = word.chars().map(worth).collect::<Option<_>>()?;
    let small = word.contains(['I', 'V', 'X']);
    let four = values.windows(4).any(|w| w.iter().all(|v| *v == w[0]));
    let next = values.iter().skip(1).chain([&0]);
    let sum = values.iter().zip(next).map(|(v, next)| if v < next { -v } else { *v }).sum();
    (small && !four).then_some(sum)
}

/// A run of digits and marks as the numbers that it is.
fn number(run: &str, (start, before): (usize, char), lang: Lang, out: &mut Vec<Token>) {
    let (group, point) = if lang == Lang::Vi { ('.', ',') } else { (',', '.') };
    let span = start..start + run.len();
    // “h00” of a time need not be heard, nor the digit of “km2”.
    let idle = match out.last() {
        Some((Want::Word(unit), at)) if at.end == start => {
            let square = ["m", "km", "cm", "mm", "dm"].contains(&unit.as_str());
            square && matches!(run, "2" | "3") || unit == "h" && run == "00"
        }
        Some((Want::Number { .. }, at)) => before == ':' && at.end + 1 == start && run == "00",
        _ => false,
    };
    let push = |digits: String, span: Range<usize>, out: &mut Vec<Token>| {
        out.push((Want::Number { digits, must: !idle }, span));
    };
    let is_space = |c: char| matches!(c, '\u{a0}' | '\u{202f}' | '\u{2009}');
    for mark in [group, point, ' '] {
        let same = |c: char| c == mark || mark == ' ' && is_space(c);
        let (whole, fraction) = match run.split_once(point) {
            Some((whole, fraction)) if mark != point => (whole, Some(fraction)),
            _ => (run, None),
        };
        let parts: Vec<&str> = whole.split(same).collect();
        let grouped = parts.len() > if mark == point { 2 } else { 1 }
            && parts
                .first()
                .is_some_and(|first| (1..=3).contains(&first.len()) && !first.starts_with('0'))
            && parts.iter().skip(1).all(|part| part.len() == 3);
        let numeric = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if grouped && parts.iter().all(|part| numeric(part)) && fraction.is_none_or(numeric) {
            let digits = parts.concat();
            let digits = fraction.map_or(digits.clone(), |fraction| format!("{digits}.{fraction}"));
            push(digits, span, out);
            return;
        }
    }
    let parts: Vec<&str> = run.split(|c: char| !c.is_ascii_digit()).collect();
    if let (&[whole, fraction], true) = (parts.as_slice(), run.contains(point)) {
        push(format!("{whole}.{fraction}"), span, out);
        return;
    }
    let mut at = start;
    for part in parts {
        let inside = at > start;
        if part.len() == 4 && (inside || "/-.".contains(before)) && lang == Lang::Vi {
            out.push((Want::May("năm"), at..at));
        }
        push(part.to_owned(), at..at + part.len(), out);
        // Each mark between is one character; its bytes follow from the text.
        at += part.len();
        at += run.get(at - start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
}
