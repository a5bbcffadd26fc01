//! Legal numbers, dates and numbers in a text, by hand-written scanners over whole characters.

use std::ops::Range;

use jiff::{Timestamp, civil::Date, tz::Offset};

/// Digits and the like at a place: the end of the run.
fn run(text: &str, from: usize, fits: impl Fn(char) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.find(|c| !fits(c)).unwrap_or(rest.len())
}

fn starts_word(text: &str, at: usize) -> bool {
    text.get(..at)
        .unwrap_or_default()
        .chars()
        .next_back()
        .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '/' | '.' | ',' | ':'))
}

fn digits_at(text: &str, at: usize, most: usize) -> Option<(usize, usize)> {
    let end = run(text, at, |c| c.is_ascii_digit());
    if end == at || end - at > most {
        return None;
    }
    Some((text.get(at..end)?.parse().ok()?, end))
}

pub(crate) fn starts_of_numbers(text: &str) -> impl Iterator<Item = usize> + '_ {
    let begins = |at: &usize| starts_word(text, *at);
    text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).filter(begins)
}

/// Legal documents: `42/2022/NĐ-CP`, `104/2016/QH13`, `57-NQ/TW`.
pub(crate) fn legal_numbers(text: &str) -> Vec<Range<usize>> {
    // "TTg" ends in a small letter.
    let upper = |c: char| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '-' | 'g');
    let mut found = Vec::new();
    for start in starts_of_numbers(text) {
        let Some((_, number)) = digits_at(text, start, 5) else { continue };
        let mut at = number;
        let rest = |at: usize| text.get(at..).unwrap_or_default();
        if rest(at).starts_with('/') {
            let year = digits_at(text, at + 1, 4)
                .filter(|(year, end)| *year >= 1945 && rest(*end).starts_with('/'));
            at = year.map_or(at, |(_, end)| end);
            let end = run(text, at + 1, upper);
            let kind = text.get(at + 1..end).unwrap_or_default().trim_end_matches('-');
            // A licence in a footer looks the same and is no law.
            let law = (kind.contains('-') && !kind.starts_with("GP")) || kind.starts_with("QH");
            if law && kind.starts_with(char::is_uppercase) {
                found.push(start..at + 1 + kind.len());
            }
        } else if let Some(kind) = rest(at).strip_prefix('-') {
            // Party documents: the kind first, then the organ.
            let kind_end = run(text, number + 1, char::is_uppercase);
            let organ_end = run(text, kind_end + 1, char::is_uppercase);
            if kind_end > number + 2
                && kind.starts_with(char::is_uppercase)
                && rest(kind_end).starts_with('/')
                && organ_end > kind_end + 2
            {
                found.push(start..organ_end);
            }
        }
    }
    found
}

/// A date and its place; the place includes “ngày”.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundDate {
    pub(crate) date: Date,
    pub(crate) range: Range<usize>,
}

/// Dates: `ngày 24 tháng 6 năm 2022`, `01/01/2027`, `30-6-2028`, `ngày 6/9` (year of publication when within half a year).
pub(crate) fn dates(text: &str, published: Option<Timestamp>) -> Vec<FoundDate> {
    let mut found: Vec<FoundDate> = Vec::new();
    for start in starts_of_numbers(text) {
        if found.last().is_some_and(|last| start < last.range.end) {
            continue;
        }
        let before = text.get(..start).unwrap_or_default();
        let said = ["ngày ", "Ngày "].iter().find(|word| before.ends_with(**word));
        let from = start - said.map_or(0, |word| word.len());
        let Some((day, end)) = digits_at(text, start, 2) else { continue };
        let rest = text.get(end..).unwrap_or_default();
        let date = if rest.starts_with(" tháng ") {
            let at = end + " tháng ".len();
            digits_at(text, at, 2).and_then(|(month, end)| {
                let word = " năm ";
                let year = text
                    .get(end..)
                    .filter(|rest| rest.starts_with(word))
                    .and_then(|_| digits_at(text, end + word.len(), 4));
                match year {
                    Some((year, end)) => civil(day, month, year).map(|date| (date, end)),
                    None => near(day, month, published).map(|date| (date, end)),
                }
            })
        } else if rest.starts_with(['/', '-', '.']) {
            let mark = rest.chars().next().unwrap_or('/');
            digits_at(text, end + 1, 2).and_then(|(month, end)| {
                let year = text
                    .get(end..)
                    .filter(|rest| rest.starts_with(mark))
                    .and_then(|_| digits_at(text, end + 1, 4));
                match year {
                    Some((year, end)) => civil(day, month, year).map(|date| (date, end)),
                    // "1/5" alone may be a fraction and "24/7" is no date: the word must stand before it.
                    None if said.is_some() && mark == '/' => {
                        near(day, month, published).map(|date| (date, end))
                    }
                    None => None,
                }
            })
        } else {
            None
        };
        if let Some((date, end)) =
            date.filter(|(_, end)| !text.get(*end..).unwrap_or_default().starts_with(['/', '%']))
        {
            found.push(FoundDate { date, range: from..end });
        }
    }
    found
}

/// The place of a date without “ngày” in front.
pub(crate) fn without_word(text: &str, range: &Range<usize>) -> Range<usize> {
    let words = text.get(range.clone()).unwrap_or_default();
    let rest = words.trim_start_matches(|c: char| !c.is_ascii_digit());
    range.end - rest.len()..range.end
}

fn civil(day: usize, month: usize, year: usize) -> Option<Date> {
    let year = i16::try_from(year).ok().filter(|year| (1900..=2200).contains(year))?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A date without a year: in the year of publication, unless that is more than half a year away.
fn near(day: usize, month: usize, published: Option<Timestamp>) -> Option<Date> {
    let today = Offset::constant(7).to_datetime(published?).date();
    let date = civil(day, month, usize::try_from(today.year()).ok()?)?;
    let apart = date.since(today).ok()?.get_days().abs();
    (apart <= 183).then_some(date)
}

/// Numbers as written in Vietnamese: dots between thousands, a comma before decimals.
pub(crate) fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for start in starts_of_numbers(text) {
        if found.last().is_some_and(|last| start < last.end) {
            continue;
        }
        let mut end = run(text, start, |c| c.is_ascii_digit());
        if end - start <= 3 {
            while let Some((_, group)) = text
                .get(end..)
                .and_then(|r| r.strip_prefix('.'))
                .and_then(|_| digits_at(text, end + 1, 3))
                .filter(|(_, g)| g - end == 4)
            {
                end = group;
            }
        }
        if let Some((_, decimals)) = text
            .get(end..)
            .and_then(|r| r.strip_prefix(','))
            .and_then(|_| digits_at(text, end + 1, 6))
        {
            end = decimals;
        }
        let next = text.get(end..).unwrap_or_default().chars().next();
        // "12/5", "3G", "1.2.3" are no quantities.
        let more =
            text.get(end..).unwrap_or_default().chars().nth(1).is_some_and(|c| c.is_ascii_digit());
        if next.is_some_and(|c| c.is_alphabetic() || c == '/' || (matches!(c, '.' | ':') && more)) {
            continue;
        }
        found.push(start..end);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, ranges: Vec<Range<usize>>) -> Vec<&str> {
        ranges.into_iter().map(|r| text.get(r).unwrap()).collect()
    }

    #[test]
    fn legal_documents() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(texts(text, legal_numbers(text)), expected, "{text}");
        };
        check(
            "Nghị định số 42/2022/NĐ-CP và 999/2026/NĐ-CP.",
            &["42/2022/NĐ-CP", "999/2026/NĐ-CP"],
        );
        check("Luật 104/2016/QH13, Quyết định 574/QĐ-TTg.", &["104/2016/QH13", "574/QĐ-TTg"]);
        check("Nghị quyết 57-NQ/TW, Giấy phép 00/GP-TTĐT, ngày 1/5/2026, 24/7", &["57-NQ/TW"]);
    }

    #[test]
    fn dates_need_a_reason() {
        let published: Timestamp = "2026-11-16T01:30:00Z".parse().unwrap();
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = dates(text, Some(published));
            let found: Vec<_> = found
                .iter()
                .map(|d| (d.date.to_string(), text.get(d.range.clone()).unwrap()))
                .collect();
            let found: Vec<_> = found.iter().map(|(date, text)| (date.as_str(), *text)).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("có hiệu lực từ ngày 01/01/2027.", &[("2027-01-01", "ngày 01/01/2027")]);
        check(
            "ngày 15 tháng 11 năm 2026 và 30-6-2028",
            &[("2026-11-15", "ngày 15 tháng 11 năm 2026"), ("2028-06-30", "30-6-2028")],
        );
        check(
            "ngày 20/11 và ngày 5 tháng 12, nhưng ngày 1/3 thì không chắc",
            &[("2026-11-20", "ngày 20/11"), ("2026-12-05", "ngày 5 tháng 12")],
        );
        check("trực 24/7, 1/5 số hộ, 31/02/2026, 12/2022/NĐ-CP", &[]);
    }

    #[test]
    fn quantities() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(texts(text, numbers(text)), expected, "{text}");
        };
        check(
            "2.450 tỷ đồng, 70%, 78,5%; 1.234.567,89 và 03 ngày.",
            &["2.450", "70", "78,5", "1.234.567,89", "03"],
        );
        check("mạng 5G, 42/2022/NĐ-CP, 12/5, lúc 7:30, bản 1.2.3", &[]);
        check("hết năm 2030. Năm 2031, tăng 5,", &["2030", "2031", "5"]);
    }
}
