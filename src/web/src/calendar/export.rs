//! What a calendar shows as a file: CSV for any program, XLSX with times as times.

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp, civil::DateTime};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{EntryView, Titles, api, look, view, zone};
use crate::{Shared, auth::Visitor, error::WebError};

/// Form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Csv,
    Xlsx,
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    format: Kind,
    from: Timestamp,
    to: Timestamp,
    channel: Option<String>,
    state: Option<String>,
}

/// Columns: the key of each head, `calendar_export.<key>`.
const COLUMNS: [&str; 11] = [
    "at",
    "channel",
    "account",
    "account_title",
    "format",
    "state",
    "title",
    "locked",
    "clashes",
    "article",
    "id",
];

/// The filtered posts of a stretch of time as a file.
pub(crate) async fn export(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let (channel, state) = (asked.channel.as_deref(), asked.state.as_deref());
    let sought = api::sought(&app, (asked.from, asked.to), channel, state)?;
    let found = look(&app, &visitor, &sought).await?;
    let (mut titles, mut rows) = (Titles::default(), Vec::new());
    for entry in &found.entries {
        let shown = view(&app, &visitor, &found, &mut titles, entry).await?;
        rows.push((zone().to_datetime(entry.at), cells(&app, &visitor.lang, &shown)));
    }
    let word = |key: &str| app.assets.word(&visitor.lang, &format!("calendar_export.{key}"));
    let heads = COLUMNS.map(word);
    let (bytes, mime, ending) = match asked.format {
        Kind::Csv => (csv(&heads, &rows).into_bytes(), "text/csv; charset=utf-8", "csv"),
        Kind::Xlsx => {
            let book = xlsx(&word("sheet"), &heads, &rows).map_err(|error| {
                tracing::error!(%error, "A calendar could not be written as a workbook");
                WebError::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Không ghi được tệp, đã ghi nhật ký / The file failed, it is in the log",
                )
            })?;
            (book, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
        }
    };
    let day = |at: Timestamp| zone().to_datetime(at).date();
    // Its first and its last day.
    let (first, last) = (day(asked.from), day(asked.to - SignedDuration::from_nanos(1)));
    let name = format!("attachment; filename=\"lich-dang-{first}_{last}.{ending}\"");
    let mut response =
        ([(header::CONTENT_TYPE, HeaderValue::from_static(mime))], bytes).into_response();
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// All but the time.
fn cells(app: &Shared, lang: &str, entry: &EntryView) -> Vec<String> {
    let word = |table: &str, key: &str| app.assets.word(lang, &format!("{table}.{key}"));
    let locked = if entry.locked.is_empty() { String::new() } else { word("locked", entry.locked) };
    let clashes: Vec<String> = entry.clashes.iter().map(|key| word("clash", key)).collect();
    vec![
        entry.channel_title.clone(),
        entry.account.clone(),
        entry.account_title.clone(),
        word("format", &entry.format),
        word("state", &entry.state),
        entry.title.clone(),
        locked,
        clashes.join("; "),
        entry.article.clone(),
        entry.id.clone(),
    ]
}

/// UTF-8 with a byte order mark and CRLF, as Excel wants it.
fn csv(heads: &[String], rows: &[(DateTime, Vec<String>)]) -> String {
    let mut out = String::from("\u{feff}");
    let mut line = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<String> = cells.map(|cell| escaped(&cell)).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    };
    line(&mut heads.iter().cloned());
    for (at, cells) in rows {
        let at = at.strftime("%Y-%m-%d %H:%M").to_string();
        line(&mut std::iter::once(at).chain(cells.iter().cloned()));
    }
    out
}

/// Quoted where CSV needs it. A text that a spreadsheet would run as a formula gets an apostrophe.
fn escaped(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if risky { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';', '\'']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Texts are written as texts, never as formulas.
fn xlsx(
    name: &str,
    heads: &[String],
    rows: &[(DateTime, Vec<String>)],
) -> Result<Vec<u8>, XlsxError> {
    const WIDTHS: [f64; 11] = [17.0, 14.0, 24.0, 28.0, 14.0, 16.0, 70.0, 34.0, 34.0, 38.0, 38.0];
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name(name)?;
    let head = Format::new().set_bold();
    let time = Format::new().set_num_format("dd/mm/yyyy hh:mm");
    for (column, (text, width)) in (0u16..).zip(heads.iter().zip(WIDTHS)) {
        sheet.write_string_with_format(0, column, text, &head)?;
        sheet.set_column_width(column, width)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    for (row, (at, cells)) in (1u32..).zip(rows) {
        sheet.write_datetime_with_format(row, 0, *at, &time)?;
        for (column, cell) in (1u16..).zip(cells) {
            sheet.write_string(row, column, cell)?;
        }
    }
    book.save_to_buffer()
}

/// The export as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let mut parameters = api::parameters();
    parameters.insert(
        0,
        json!({ "name": "format", "in": "query", "required": true, "schema": { "enum": ["csv", "xlsx"] } }),
    );
    let file = json!({ "schema": { "type": "string", "format": "binary" } });
    json!({
        "summary": "The same posts as a file: CSV with a byte order mark, or XLSX",
        "parameters": parameters,
        "responses": {
            "200": { "description": "The file", "content": {
                "text/csv": file.clone(),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": file,
            } },
            "400": { "description": "A parameter is missing or cannot be read" },
            "422": { "description": "The period is empty or too long, or a name is unknown" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        let at = "2026-11-16T09:05:00".parse().unwrap();
        let row =
            vec!["=HYPERLINK(\"x\")".to_owned(), "Bão số 3, lũ".into(), "\t1".into(), "ộ".into()];
        let text = csv(&["Giờ".to_owned(), "@x".into()], &[(at, row)]);
        assert_eq!(
            text,
            "\u{feff}Giờ,\"'@x\"\r\n2026-11-16 09:05,\"'=HYPERLINK(\"\"x\"\")\",\"Bão số 3, lũ\",\"'\t1\",ộ\r\n"
        );
    }
}
