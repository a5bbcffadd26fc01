//! Times as portals write them.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// An instant from RFC 3339, from ISO without an offset (Vietnamese time), or from `16/11/2026 08:30 GMT+7`.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = text.parse::<DateTime>() {
        return vietnamese(at);
    }
    // Portals write the day first; a leading weekday ("Thứ hai, ") and a separator ("-", "|", ",") are common.
    let numbers: Vec<(usize, i16)> = numbers(text);
    let slash = text.find('/')?;
    let first = numbers.iter().rposition(|(end, _)| *end == slash)?;
    let mut parts = numbers.get(first..)?.iter().map(|(_, n)| *n);
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let small = |n: i16| i8::try_from(n).ok();
    // "GMT+7" leaves its 7 behind when there is no time of day.
    let (hour, minute) = if text.contains(':') { (hour, minute) } else { (0, 0) };
    vietnamese(
        DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, 0, 0).ok()?,
    )
}

fn vietnamese(at: DateTime) -> Option<Timestamp> {
    Offset::constant(7).to_timestamp(at).ok()
}

/// Every run of digits with the byte after it.
fn numbers(text: &str) -> Vec<(usize, i16)> {
    let mut found = Vec::new();
    let mut run = String::new();
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_ascii_digit() {
            run.push(c);
        } else if !run.is_empty() {
            found.extend(run.parse().map(|number| (at, number)));
            run.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portal_dates() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(parse(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        };
        check("2026-11-16T08:30:00+07:00", Some("2026-11-16T01:30:00Z"));
        check("2026-11-16T08:30:00", Some("2026-11-16T01:30:00Z"));
        check("16/11/2026 08:30 GMT+7", Some("2026-11-16T01:30:00Z"));
        check("Thứ hai, 16/11/2026 | 08:30", Some("2026-11-16T01:30:00Z"));
        check("16/11/2026 GMT+7", Some("2026-11-15T17:00:00Z"));
        check("31/02/2026 08:30", None);
        check("hôm nay", None);
    }
}
