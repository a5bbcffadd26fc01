//! CSV for Excel: UTF-8 with a byte order mark, CRLF, one line per number, in the words of the workbook.

use super::{
    Reports,
    table::{Line, lines},
    words::cut_words,
    xlsx::{COLUMNS, CUT, Of},
};

/// The reports as CSV: one head and one line per number, days of the zone with the last one included. An empty field is "not
/// known"; a zero is a zero. Totals are left out, so that a column adds up to what it should; a first column says the cut of
/// each line, because the lines of two cuts are the same posts twice.
pub fn csv(reports: &Reports) -> String {
    let mut out = String::from("\u{feff}");
    let mut cuts: Vec<_> = reports.reports.iter().map(|report| report.query.by).collect();
    cuts.dedup();
    let own = |at: u16| at == CUT && cuts.len() == 1;
    let heads = (0..).zip(&COLUMNS).map(|(at, column)| match cuts.first() {
        Some(by) if own(at) => reports.titles.say(cut_words(*by)),
        _ if at == CUT => reports.titles.say(("Dòng", "Row")),
        _ => reports.titles.say((column.vi, column.en)),
    });
    let first = reports.titles.say(("Chia theo", "Cut"));
    put(&mut out, std::iter::once(first).chain(heads).map(|head| csv_cell(&head)));
    for line in lines(reports).into_iter().filter(|line| !line.total) {
        let cut = reports.titles.say(cut_words(line.report.query.by));
        let fields = COLUMNS.iter().map(|column| field(&column.of, &line, reports));
        put(
            &mut out,
            std::iter::once(Some(csv_cell(&cut))).chain(fields).map(Option::unwrap_or_default),
        );
    }
    out
}

fn field(of: &Of, line: &Line<'_>, all: &Reports) -> Option<String> {
    match of {
        Of::Text(of) => of(line, all).map(|text| csv_cell(&text)),
        Of::Count(of) => of(line).map(|count| count.to_string()),
        Of::Change(of) => of(line).map(|change| change.to_string()),
        Of::Flag(of) => of(line).map(|flag| all.titles.flag(flag)),
        Of::Day(of) => Some(of(line, all).to_string()),
        Of::Time(of) => of(line, all).map(|at| at.strftime("%Y-%m-%d %H:%M").to_string()),
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
