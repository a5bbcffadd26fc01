//! Words, acronyms, units and Roman numerals.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    super::{
        Lang, number,
        reader::{Match, Reader, Role},
        table::Entry,
    },
    says,
};

/// The longest entry that is written at `at` and ends there.
fn entry<'a>(
    reader: &Reader<'_>,
    at: usize,
    entries: Option<&'a Vec<Entry>>,
) -> Option<(&'a Entry, usize)> {
    entries?.iter().find_map(|entry| {
        let end = at + entry.written.len();
        let same = entry.written.iter().enumerate().all(|(i, &c)| reader.char(at + i) == c);
        let last = entry.written.last().copied().unwrap_or_default();
        let over = last == '.' || !last.is_alphanumeric() || reader.edge(end);
        (same && over).then_some((entry, end))
    })
}

/// Acronyms and abbreviations of the table.
pub(super) fn short(reader: &Reader<'_>, at: usize) -> Option<Match> {
    if reader.before(at).is_alphanumeric() {
        return None;
    }
    let (entry, end) = entry(reader, at, reader.table.short.get(&reader.char(at)))?;
    let written: String = entry.written.iter().collect();
    let before_number = reader.char(reader.spaces(end)).is_ascii_digit();
    if written == "No." && !before_number || shouted(reader, at, end) {
        return None;
    }
    // “US$5” is money before its number.
    if written.ends_with('$') && before_number {
        let mut money = super::figure::money(reader, end - 1)?;
        let sign = reader.table.sign.get(&'$').map_or("", String::as_str);
        money.said = format!("{}{}", money.said.trim_end_matches(sign), entry.said);
        return Some(money);
    }
    let role = if reader.measured() { Role::Unit } else { Role::Read };
    says(end, entry.said.clone(), role)
}

/// Units: some anywhere, some only where a number stands before.
pub(super) fn unit(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let before = reader.before(at);
    if before.is_alphabetic() {
        return None;
    }
    let (entry, end) = entry(reader, at, reader.table.unit.get(&reader.char(at)))?;
    let counted = reader.measured() || before == '/' && reader.near_number();
    (counted || !entry.after_number).then(|| says(end, entry.said.clone(), Role::Unit)).flatten()
}

/// Roman numerals after a word that takes them, and those that follow such a one.
pub(super) fn roman(reader: &Reader<'_>, at: usize) -> Option<Match> {
    if reader.before(at).is_alphanumeric() || !reader.takes_roman() {
        return None;
    }
    let end = reader.letters(at);
    let text = reader.text(at, end);
    // “hạng C” and “nhóm D” are letters.
    let value =
        number::roman(&text).filter(|_| text.contains(['I', 'V', 'X']) && reader.edge(end))?;
    let said = match (reader.lang, reader.last(), value) {
        (Lang::Vi, "thứ", 1) => "nhất".to_owned(),
        (Lang::Vi, "thứ", 4) => "tư".to_owned(),
        _ => number::words(value, reader.lang),
    };
    says(end, said, Role::Roman)
}

/// Everything else that has letters.
pub(super) fn word(reader: &Reader<'_>, at: usize) -> Option<Match> {
    if !reader.char(at).is_alphabetic() {
        return None;
    }
    let mut end = reader.letters(at);
    // An apostrophe inside belongs to the word.
    while "'’".contains(reader.char(end)) && reader.char(end + 1).is_alphabetic() {
        end = reader.letters(end + 1);
    }
    let text = reader.text(at, end);
    let letters_of = || says(end, letters(reader, &text), Role::Read);
    let count = text.chars().filter(|c| !is_combining_mark(*c)).count();
    let capitals = text.chars().all(|c| c.is_uppercase() || is_combining_mark(c));
    if count == 1 {
        let beside = reader.before(at).is_ascii_digit() || reader.char(end).is_ascii_digit();
        let lone = reader.lang == Lang::Vi && !has_vowel(&text);
        return if lone || beside { letters_of() } else { says(end, text, Role::Word) };
    }
    if capitals && text.chars().any(char::is_uppercase) {
        let lower = text.to_lowercase();
        let spoken = match reader.lang {
            Lang::Vi => {
                marked(&lower) && syllable(&lower)
                    || shouted(reader, at, end)
                    || count > 6 && has_vowel(&text)
            }
            Lang::En => has_vowel(&text) && (count > 4 || count > 2 && shouted(reader, at, end)),
        };
        return if spoken { says(end, lower, Role::Word) } else { letters_of() };
    }
    if has_vowel(&text)
        || !text.chars().all(|c| base(c).is_ascii_alphabetic() || c == 'đ' || c == 'Đ')
    {
        says(end, text, Role::Word)
    } else {
        letters_of()
    }
}

/// Each letter by its name.
pub(super) fn letters(reader: &Reader<'_>, text: &str) -> String {
    let name = |c: char| {
        let capital = c.to_uppercase().next().unwrap_or(c);
        let names = &reader.table.letter;
        let plain = base(c).to_ascii_uppercase();
        names.get(&capital).or_else(|| names.get(&plain)).cloned().unwrap_or_else(|| c.to_string())
    };
    text.chars().filter(|c| c.is_alphanumeric()).map(name).collect::<Vec<_>>().join(" ")
}

/// The letter without its marks.
fn base(c: char) -> char {
    c.nfd().next().unwrap_or(c)
}

pub(super) fn has_vowel(text: &str) -> bool {
    text.chars().any(|c| "aeiouyAEIOUY".contains(base(c)))
}

/// Whether a letter carries a mark, đ aside: words do, acronyms hardly.
fn marked(lower: &str) -> bool {
    lower.chars().any(|c| base(c) != c)
}

/// Whether the word stands in a line of capitals, so that capitals mean nothing.
fn shouted(reader: &Reader<'_>, at: usize, end: usize) -> bool {
    let here = reader.text(at, end).to_lowercase();
    if reader.lang == Lang::Vi && !syllable(&here) {
        return false;
    }
    let loud = |text: &str| {
        let capitals = text.chars().count() > 1 && text.chars().all(char::is_uppercase);
        let lower = text.to_lowercase();
        let word = match reader.lang {
            Lang::Vi => marked(&lower) && syllable(&lower),
            Lang::En => has_vowel(text) && lower.len() > 3,
        };
        capitals && word
    };
    let next = reader.spaces(end);
    let mut last = at;
    while reader.before(last) == ' ' {
        last -= 1;
    }
    let mut first = last;
    while reader.before(first).is_alphabetic() {
        first -= 1;
    }
    loud(&reader.text(next, reader.letters(next))) || loud(&reader.text(first, last))
}

/// Whether this is a Vietnamese syllable, in small letters.
fn syllable(lower: &str) -> bool {
    const ONSETS: [&str; 28] = [
        "", "b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh",
        "nh", "p", "ph", "qu", "r", "s", "t", "th", "tr", "v", "x",
    ];
    const CODAS: [&str; 9] = ["", "c", "ch", "m", "n", "ng", "nh", "p", "t"];
    let plain: String =
        lower.chars().map(|c| if base(c).is_ascii() { base(c) } else { c }).collect();
    let is_vowel = |c: char| "aeiouy".contains(c);
    ONSETS.iter().filter_map(|onset| plain.strip_prefix(onset)).any(|rest| {
        let coda = rest.trim_start_matches(is_vowel);
        let nucleus = rest.chars().count() - coda.chars().count();
        (1..=3).contains(&nucleus) && CODAS.contains(&coda)
    })
}
