//! Dates and times of day.

use super::{
    super::{
        Lang, number,
        reader::{Match, Reader, Role},
    },
    says,
};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A number of at most `most` digits: its value and end.
fn part(reader: &Reader<'_>, at: usize, most: usize) -> Option<(u64, usize)> {
    let end = reader.digits(at);
    let value = reader.text(at, end).parse().ok()?;
    (end - at <= most).then_some((value, end))
}

/// Whether a date can begin at `at`: not in the middle of something longer.
fn begins(reader: &Reader<'_>, at: usize) -> bool {
    let inside = "/.,".contains(reader.before(at)) && reader.before(at) != '\0';
    reader.char(at).is_ascii_digit()
        && !reader.before(at).is_alphanumeric()
        && !(inside && at.checked_sub(2).is_some_and(|at| reader.char(at).is_ascii_digit()))
}

/// Whether a date is over at `end`: no letter, and no further part of digits.
fn ends(reader: &Reader<'_>, end: usize) -> bool {
    let goes_on = "/-.".contains(reader.char(end)) && reader.char(end + 1).is_ascii_digit();
    // A range goes on after a whole date, but in its own way.
    let range = reader.char(end) == '-';
    reader.edge(end) && (!goes_on || range)
}

/// A year of four digits: its value and end.
fn year(reader: &Reader<'_>, at: usize) -> Option<(u64, usize)> {
    part(reader, at, 4).filter(|&(value, end)| end - at == 4 && (1000..=2999).contains(&value))
}

/// A month as it is counted: the fourth is “tư”.
fn vi_month(month: u64) -> String {
    if month == 4 { "tư".to_owned() } else { number::words(month, Lang::Vi) }
}

fn en_month(month: u64) -> Option<&'static str> {
    MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?).copied()
}

/// 22/11/2026, with `/`, `-` or `.`; always day, month, year.
pub(super) fn full(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (day, end) = part(reader, at, 2).filter(|_| begins(reader, at))?;
    let mark = reader.char(end);
    let (month, middle) = part(reader, end + 1, 2).filter(|_| "/-.".contains(mark))?;
    if reader.char(middle) != mark || !(1..=31).contains(&day) || !(1..=12).contains(&month) {
        return None;
    }
    let (year, end) = year(reader, middle + 1)?;
    if !ends(reader, end) {
        return None;
    }
    let said = match reader.lang {
        Lang::Vi => format!("{} năm {}", vi_day(reader, day, month), number::words(year, Lang::Vi)),
        Lang::En => format!("{} {}", en_day(day, month)?, number::en_year(year)),
    };
    says(end, said, Role::Number)
}

fn vi_day(reader: &Reader<'_>, day: u64, month: u64) -> String {
    let lead = if reader.after("daytime") { "" } else { "ngày " };
    format!("{lead}{} tháng {}", number::words(day, Lang::Vi), vi_month(month))
}

fn en_day(day: u64, month: u64) -> Option<String> {
    Some(format!("the {} of {}", number::en_ordinal(day), en_month(month)?))
}

/// 11/2026 as a month of a year or, after “quý”, a quarter; not after “số”, where it is a number of a law.
pub(super) fn month(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (month, middle) = part(reader, at, 2).filter(|_| begins(reader, at))?;
    let said_month = reader.last() == "tháng";
    let mark = reader.char(middle);
    if !(mark == '/' || said_month && "-.".contains(mark)) || reader.after("legal") {
        return None;
    }
    let (year, end) = year(reader, middle + 1).filter(|&(_, end)| ends(reader, end))?;
    let said = match reader.lang {
        Lang::Vi => {
            let lead = match reader.last() {
                "tháng" if (1..=12).contains(&month) => vi_month(month),
                "quý" | "kỳ" | "kì" | "vụ" | "khóa" => number::words(month, Lang::Vi),
                _ if (1..=12).contains(&month) => format!("tháng {}", vi_month(month)),
                _ => return None,
            };
            format!("{lead} năm {}", number::words(year, Lang::Vi))
        }
        Lang::En if reader.last() == "quarter" => {
            format!("{} of {}", number::words(month, Lang::En), number::en_year(year))
        }
        Lang::En => format!("{} {}", en_month(month)?, number::en_year(year)),
    };
    says(end, said, Role::Number)
}

/// 22/11 where it is a date: after a word that takes one, in brackets, or when the first number is too large for a share
/// of twelve. 22-11 only after “ngày”.
pub(super) fn day(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (day, middle) = part(reader, at, 2).filter(|_| begins(reader, at))?;
    let mark = reader.char(middle);
    let (month, end) = part(reader, middle + 1, 2).filter(|_| "/-".contains(mark))?;
    let possible = (1..=31).contains(&day) && (1..=12).contains(&month);
    if !possible || !ends(reader, end) {
        return None;
    }
    // The other end of a range: “5/6 - 7/8”.
    let ranged = matches!(reader.last(), "-" | "–" | "—") && reader.written(1).contains('/');
    let sure = match (mark, reader.lang) {
        ('-', Lang::Vi) => reader.after("daytime"),
        ('-', Lang::En) => false,
        _ => {
            ranged
                || reader.after("date")
                || reader.before(at) == '('
                || (day, month) != (24, 7) && day > 12
        }
    };
    // A longer range of days is no date: “ngày 5-7/11”.
    let longer = reader.char(end) == '/';
    if !sure || longer {
        return None;
    }
    let said = match reader.lang {
        Lang::Vi => vi_day(reader, day, month),
        Lang::En => en_day(day, month)?,
    };
    says(end, said, Role::Number)
}

/// 7h30, 7h, 07:30, 07:30:15; minutes of nothing are not said.
pub(super) fn time(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let (hour, mark) = part(reader, at, 2).filter(|_| begins(reader, at))?;
    let colon = reader.char(mark) == ':';
    if hour > 24 || !(colon || "hHg".contains(reader.char(mark))) {
        return None;
    }
    let two = |at| part(reader, at, 2).filter(|&(value, end)| end == at + 2 && value < 60);
    let (minute, mut end) = match two(mark + 1) {
        Some((minute, end)) => (Some(minute), end),
        None if !colon && reader.char(mark) != 'g' => (None, mark + 1),
        None => return None,
    };
    let mut second = None;
    if colon && reader.char(end) == ':' {
        let (value, after) = two(end + 1)?;
        (second, end) = (Some(value), after);
    }
    if !reader.edge(end) {
        return None;
    }
    let said = match reader.lang {
        Lang::Vi => {
            let word = |value| number::words(value, Lang::Vi);
            let mut said = format!("{} giờ", word(hour));
            if minute.is_some_and(|minute| minute > 0) || second.is_some() {
                said = format!("{said} {} phút", word(minute.unwrap_or_default()));
            }
            second.map_or(said.clone(), |second| format!("{said} {} giây", word(second)))
        }
        Lang::En => {
            let word = |value| number::words(value, Lang::En);
            let half_day = ["am", "pm", "a.m", "p.m"].iter().any(|half| {
                reader
                    .text(reader.spaces(end), reader.spaces(end) + 3)
                    .trim_end_matches('.')
                    .starts_with(half)
            });
            let said = match minute.unwrap_or_default() {
                0 if half_day => word(hour),
                0 => format!("{} o'clock", word(hour)),
                minute @ 1..=9 => format!("{} oh {}", word(hour), word(minute)),
                minute => format!("{} {}", word(hour), word(minute)),
            };
            second.map_or(said.clone(), |second| format!("{said} and {} seconds", word(second)))
        }
    };
    says(end, said, Role::Number)
}
