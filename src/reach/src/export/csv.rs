//! CSV for Excel: UTF-8 with a byte order mark, CRLF, one line per number.

use super::{
    Reports,
    table::{COLUMNS, Line, Of, lines},
};

/// The reports as CSV, one head and one line per number. An empty field is "not known"; a zero is a zero.
pub fn csv(reports: &Reports) -> String {
    let mut out = String::from("\u{feff}");
    put(&mut out, COLUMNS.iter().map(|column| column.name.to_owned()));
    for line in lines(reports) {
        put(&mut out, COLUMNS.iter().map(|column| field(&column.of, &line).unwrap_or_default()));
    }
    out
}

fn field(of: &Of, line: &Line<'_>) -> Option<String> {
    match of {
        Of::Text(of) => of(line).map(|text| csv_cell(&text)),
        Of::Count(of) => of(line).map(|count| count.to_string()),
        Of::Change(of) => of(line).map(|change| change.to_string()),
        Of::Flag(of) => of(line).map(|flag| flag.to_string()),
        Of::Time(of) => of(line).map(|at| at.to_string()),
    }
}

fn put(out: &mut String, fields: impl Iterator<Item = String>) {
    for (n, field) in fields.enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&field);
    }
    out.push_str("\r\n");
}

/// A cell of CSV: quoted where it must be. A text that a spreadsheet would run as a formula gets an apostrophe.
pub fn csv_cell(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_formulas_disarmed() {
        for (text, expect) in [
            ("Bão số 3, lũ quét", "\"Bão số 3, lũ quét\""),
            ("nói \"gấp\"", "\"nói \"\"gấp\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("- gạch đầu dòng", "'- gạch đầu dòng"),
            ("+84", "'+84"),
        ] {
            assert_eq!(csv_cell(text), expect);
        }
    }
}
