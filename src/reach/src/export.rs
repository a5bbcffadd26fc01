//! Reports as files. JSON is the serde form; CSV is for Excel: UTF-8 with a byte order mark, CRLF, one line per number.

use loa_model::Metric;

use crate::{Report, ReportRow};

const HEAD: [&str; 16] = [
    "row",
    "label",
    "posts",
    "measured",
    "metric",
    "channel",
    "source_name",
    "definition",
    "latest",
    "latest_posts",
    "gain",
    "gain_posts",
    "at_least",
    "at_most",
    "fell",
    "method_break",
];

/// The report as CSV. An empty field is "not known"; a zero is a zero.
pub fn csv(report: &Report) -> String {
    let mut out = String::from("\u{feff}");
    line(&mut out, HEAD.map(str::to_owned));
    for row in report.rows.iter().chain([&report.total]) {
        rows_of(&mut out, row);
    }
    let as_of = report.as_of.map(|at| at.to_string()).unwrap_or_default();
    let query = &report.query;
    line(
        &mut out,
        [
            "as_of".into(),
            as_of,
            "from".into(),
            query.from.to_string(),
            "to".into(),
            query.to.to_string(),
        ],
    );
    out
}

fn rows_of(out: &mut String, row: &ReportRow) {
    let base =
        || [row.key.clone(), row.label.clone(), row.posts.to_string(), row.measured.to_string()];
    let none = String::new;
    if row.cells.is_empty() && row.reach.is_none() {
        line(out, base());
    }
    for cell in &row.cells {
        let gain = cell.gain.map(|gain| gain.to_string()).unwrap_or_default();
        let numbers = [
            name(cell.metric),
            cell.channel.clone(),
            cell.source_name.clone(),
            cell.definition.clone(),
            cell.latest.to_string(),
            cell.posts.to_string(),
            gain,
            cell.gain_posts.to_string(),
            none(),
            none(),
            cell.fell.to_string(),
            cell.method_break.to_string(),
        ];
        line(out, base().into_iter().chain(numbers));
    }
    if let Some(reach) = &row.reach {
        let numbers = [
            name(Metric::Reach),
            none(),
            none(),
            none(),
            none(),
            reach.posts.to_string(),
            none(),
            none(),
            reach.at_least.to_string(),
            reach.at_most.to_string(),
            none(),
            none(),
        ];
        line(out, base().into_iter().chain(numbers));
    }
}

fn name(metric: Metric) -> String {
    serde_json::to_value(metric)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn line(out: &mut String, fields: impl IntoIterator<Item = String>) {
    for (n, field) in fields.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&escaped(&field));
    }
    out.push_str("\r\n");
}

/// Quoted where CSV needs it. A text that a spreadsheet would run as a formula gets an apostrophe; a number does not.
fn escaped(field: &str) -> String {
    let risky =
        field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
    let field = if risky { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\n', '\r', ';']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_disarmed() {
        for (field, expect) in [
            ("Bão số 3, lũ quét", "\"Bão số 3, lũ quét\""),
            ("nói \"gấp\"", "\"nói \"\"gấp\"\"\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-12", "-12"),
            ("- gạch đầu dòng", "'- gạch đầu dòng"),
        ] {
            assert_eq!(escaped(field), expect);
        }
    }
}
