//! The log as a file for spreadsheets.

use axum::{
    Extension,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use jiff::tz::TimeZone;

use super::{
    Line, Question, Teller,
    look::{self, Owners},
};
use crate::{Shared, article::ZONE, auth::Visitor, error::WebError};

/// Lines of a file.
const MOST_LINES: usize = 10_000;
/// Records that are looked at for a file.
const MOST_LOOKED: u64 = 100_000;

fn put(out: &mut String, fields: &[&str]) {
    let fields: Vec<String> = fields.iter().map(|field| loa_reach::csv_cell(field)).collect();
    out.push_str(&fields.join(","));
    out.push_str("\r\n");
}

/// Heads of the columns, as words are keyed.
const COLUMNS: [&str; 7] = ["number", "at", "by", "who", "act", "records", "hash"];

/// A line as the page says it, with times that a spreadsheet sorts.
fn line(out: &mut String, line: &Line, word: impl Fn(&str) -> String) {
    let records: Vec<String> = line
        .records
        .iter()
        .map(|one| {
            let (key, name) = (format!("audit_kind.{}", one.kind), &one.name);
            let kind = Some(word(&key)).filter(|kind| *kind != key);
            format!("{} {name}", kind.as_deref().unwrap_or(&one.kind)).trim().to_owned()
        })
        .collect();
    let more = if line.more > 0 { format!(" +{}", line.more) } else { String::new() };
    let records = format!("{}{more}", records.join("; "));
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    let at = line.at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let (seq, by) = (line.seq.to_string(), word(&format!("audit.by_{}", line.by)));
    put(out, &[&seq, &at, &by, &line.who, &line.words, &records, &line.hash]);
}

/// What was found, the newest first; its last line says where it was cut.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
) -> Result<Response, WebError> {
    let wanted = asked.wanted(&app, &visitor).await?;
    let mut owners = Owners::new(&app, &visitor);
    let found = look::back(&app, &mut owners, &wanted, (MOST_LINES, MOST_LOOKED)).await?;
    let mut teller = Teller::new(&app, &visitor);
    let mut out = String::from("\u{feff}");
    let word = |key: &str| app.assets.word(&visitor.lang, key);
    let heads = COLUMNS.map(|column| word(&format!("audit_column.{column}")));
    put(&mut out, &heads.each_ref().map(String::as_str));
    for seen in &found.seen {
        line(&mut out, &teller.line(seen).await?, word);
    }
    if let Some(next) = found.next {
        put(&mut out, &[&next.to_string(), "", "", "", &word("audit.file_cut"), "", ""]);
    }
    let day = wanted.to.map(|day| format!("-{day}")).unwrap_or_default();
    let name = format!("attachment; filename=\"nhat-ky{day}.csv\"");
    let kind = "text/csv; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], out).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_texts_quoted() {
        let mut out = String::new();
        put(&mut out, &["=1+1", "a,b", "nói \"gấp\"", "@x", "thường"]);
        assert_eq!(out, "'=1+1,\"a,b\",\"nói \"\"gấp\"\"\",'@x,thường\r\n");
    }
}
