//! Marks between words: pauses, joints, and signs that are words.

use super::{
    super::{
        Lang,
        reader::{Match, Reader, Role},
    },
    says,
};

pub(super) fn mark(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let c = reader.char(at);
    let (before, after) = (reader.before(at), reader.char(at + 1));
    let pause = |mark: &str| says(at + 1, mark, Role::Pause);
    match c {
        '-' | '‐' | '‑' | '–' | '—' | '−' => dash(reader, at),
        '/' => slash(reader, at),
        // The end of an official text.
        '.' if after == '/' && reader.char(at + 2) == '.' => says(at + 3, ".", Role::Pause),
        '.' if between(before, after) => {
            says(at + 1, if reader.lang == Lang::Vi { "chấm" } else { "point" }, Role::Read)
        }
        '.' | '…' => pause("."),
        // A ratio or a scale.
        ':' if before.is_ascii_digit() && after.is_ascii_digit() => {
            says(at + 1, if reader.lang == Lang::Vi { "trên" } else { "to" }, Role::Read)
        }
        '?' => pause("?"),
        '!' => pause("!"),
        _ => match reader.table.sign.get(&c) {
            Some(said) => {
                says(at + 1, said.clone(), if "%‰°".contains(c) { Role::Unit } else { Role::Read })
            }
            // Digits of other scripts and the like are said as they are.
            None if c.is_alphanumeric() => says(at + 1, c.to_string(), Role::Word),
            None => pause(","),
        },
    }
}

/// Whether a point stands inside something with a digit.
fn between(before: char, after: char) -> bool {
    before.is_alphanumeric()
        && after.is_alphanumeric()
        && (before.is_ascii_digit() || after.is_ascii_digit())
}

/// A range between numbers, a sign before one, a joint between letters, else a pause.
fn dash(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (before, after) = (reader.before(at), reader.char(at + 1));
    let next = reader.spaces(at + 1);
    let roman_next = reader.takes_roman() && "IVX".contains(reader.char(next));
    if reader.measured() && (reader.char(next).is_ascii_digit() || roman_next) {
        return says(at + 1, if reader.lang == Lang::Vi { "đến" } else { "to" }, Role::Read);
    }
    if after.is_ascii_digit() && (before == '\0' || before.is_whitespace() || "([".contains(before))
    {
        return says(at + 1, if reader.lang == Lang::Vi { "âm" } else { "minus" }, Role::Read);
    }
    let joint = before.is_alphanumeric() && after.is_alphanumeric();
    says(at + 1, ",", if joint { Role::Silent } else { Role::Pause })
}

fn slash(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (before, after) = (reader.before(at), reader.char(at + 1));
    let vi = reader.lang == Lang::Vi;
    if before.is_alphanumeric() && after.is_ascii_digit() {
        let end = reader.digits(at + 1);
        let year: Option<u32> = reader.text(at + 1, end).parse().ok();
        let of_year = year.is_some_and(|year| (1900..=2100).contains(&year))
            && matches!(reader.written(1), "quý" | "tháng" | "kỳ" | "khóa" | "đợt" | "quarter");
        let said = match (of_year, vi) {
            (true, true) => "năm",
            (true, false) => "of",
            (false, true) => "xuyệt",
            (false, false) => "slash",
        };
        return says(at + 1, said, Role::Read);
    }
    if reader.after("per") && reader.near_number() && after.is_alphabetic() {
        return says(at + 1, if vi { "mỗi" } else { "per" }, Role::Read);
    }
    if before.is_ascii_digit() && after.is_alphabetic() {
        return says(at + 1, if vi { "xuyệt" } else { "slash" }, Role::Read);
    }
    says(at + 1, ",", Role::Pause)
}
