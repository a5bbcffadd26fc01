//! The log as a file for spreadsheets.

use axum::{
    Extension,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};

use super::{
    Line, Question, Teller,
    look::{self, Owners},
};
use crate::{Shared, auth::Visitor, error::WebError};

/// Lines of a file.
const MOST_LINES: usize = 10_000;
/// Records that are looked at for a file.
const MOST_LOOKED: u64 = 100_000;

fn put(out: &mut String, fields: &[&str]) {
    let fields: Vec<String> = fields.iter().map(|field| loa_reach::csv_cell(field)).collect();
    out.push_str(&fields.join(","));
    out.push_str("\r\n");
}

fn line(out: &mut String, line: &Line, word: impl Fn(&str) -> String) {
    let kind = |kind: &str| {
        let key = format!("audit_kind.{kind}");
        let told = word(&key);
        if told == key { kind.to_owned() } else { told }
    };
    let records: Vec<String> = line
        .records
        .iter()
        .map(|one| format!("{} {}", kind(&one.kind), one.name).trim().to_owned())
        .collect();
    let more = if line.more > 0 { format!(" +{}", line.more) } else { String::new() };
    let records = format!("{}{more}", records.join("; "));
    let (seq, at) = (line.seq.to_string(), line.at.to_string());
    put(out, &[&seq, &at, line.by, &line.who, &line.act, &line.words, &records, &line.hash]);
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
    let heads = ["number", "at", "by", "who", "act", "words", "records", "hash"];
    let heads = heads.map(|head| word(&format!("audit_file.{head}")));
    put(&mut out, &heads.each_ref().map(String::as_str));
    for seen in &found.seen {
        line(&mut out, &teller.line(seen).await?, word);
    }
    if let Some(next) = found.next {
        let said = app.assets.word(&visitor.lang, "audit.file_cut");
        put(&mut out, &[&next.to_string(), "", "", "", "cut", &said, "", ""]);
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
