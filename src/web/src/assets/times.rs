//! Times as pages write them, in English: `03/12/2026` is a day of March to one half of its readers.

use jiff::civil::Date;

/// The longest that is nothing but times.
const LONGEST: usize = 48;

/// A time, a day or a range of them, in English: `07:30 03/12/2026` becomes `07:30, 3 Dec 2026`. Nothing when the text is anything
/// else: the words of an article stay as they are.
pub(crate) fn in_english(text: &str) -> Option<String> {
    if text.len() > LONGEST || !text.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    match text.split_once(" – ") {
        None => time(text),
        Some((from, to)) => {
            // A range within one year says it once: `16/11 – 22/11/2026`.
            let year = to.get(to.len().checked_sub(5)?..)?;
            let short = || {
                let told = time(&format!("{from}{year}"))?;
                Some(told.strip_suffix(year.trim_start_matches('/'))?.trim_end().to_owned())
            };
            Some(format!("{} – {}", time(from).or_else(short)?, time(to)?))
        }
    }
}

fn time(text: &str) -> Option<String> {
    let (clock, day) = text.rsplit_once(' ').unwrap_or(("", text));
    let parts: Vec<&str> = day.split('/').collect();
    let digits = |part: &&str| part.bytes().all(|b| b.is_ascii_digit());
    let [d, m, y] = parts.as_slice() else { return None };
    if y.len() != 4 || !parts.iter().all(digits) || !clock.split(':').all(|part| digits(&part)) {
        return None;
    }
    let day = Date::new(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?).ok()?;
    let day = day.strftime("%-d %b %Y");
    Some(if clock.is_empty() { day.to_string() } else { format!("{clock}, {day}") })
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
            ("1/5", None),
            ("11/2026", None),
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
