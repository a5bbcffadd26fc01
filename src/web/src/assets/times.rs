//! Times as pages write them, in English: `03/12/2026` is a day of March to one half of its readers.

use jiff::civil::Date;

/// The longest that is nothing but times.
const LONGEST: usize = 48;

/// A time, a day, a month or a range of them, in English: `07:30 03/12/2026` becomes `07:30, 3 Dec 2026`. Nothing when the text is
/// anything else: the words of an article stay as they are.
pub(crate) fn in_english(text: &str) -> Option<String> {
    if text.len() > LONGEST || !text.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match text.split_once(" – ") {
        None => time(text),
        Some((from, to)) => Some(format!("{} – {}", time(from)?, time(to)?)),
    }
}

fn time(text: &str) -> Option<String> {
    let (clock, day) = text.rsplit_once(' ').unwrap_or(("", text));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = day.split('/').collect();
    if !parts.iter().all(|part| digits(part)) || !clock.split(':').all(digits) {
        return None;
    }
    let date = |y: &str, m: &str, d: &str| {
        Date::new(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?).ok()
    };
    let told = match parts.as_slice() {
        [d, m, y] if y.len() == 4 => date(y, m, d)?.strftime("%-d %b %Y"),
        [m, y] if y.len() == 4 => date(y, m, "1")?.strftime("%B %Y"),
        // Any year with the day.
        [d, m] => date("2000", m, d)?.strftime("%-d %b"),
        _ => return None,
    };
    Some(if clock.is_empty() { told.to_string() } else { format!("{clock}, {told}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_and_nothing_else_is_touched() {
        for (text, expected) in [
            ("03/12/2026", Some("3 Dec 2026")),
            ("07:30 03/12/2026", Some("07:30, 3 Dec 2026")),
            ("07:30:05 03/12/2026", Some("07:30:05, 3 Dec 2026")),
            ("16/11 – 22/11/2026", Some("16 Nov – 22 Nov 2026")),
            ("07:30 01/01/2026 – 08:00 02/01/2027", Some("07:30, 1 Jan 2026 – 08:00, 2 Jan 2027")),
            ("1/12", Some("1 Dec")),
            ("11/2026", Some("November 2026")),
            ("28/12/2026 – 03/01/2027", Some("28 Dec 2026 – 3 Jan 2027")),
            ("1/13", None),
            ("3/4/5", None),
            ("31/02/2026", None),
            ("từ 03/12/2026", None),
            ("Nghị định 15/07/2026", None),
            ("03/12/2026.", None),
            ("", None),
        ] {
            assert_eq!(in_english(text).as_deref(), expected, "{text}");
        }
    }
}
