//! Times from a table: a file that was saved from the calendar comes back with other times. It is tried first, row by row, and
//! moves posts only after somebody has seen what would come of it.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Multipart, State},
    response::Html,
};
use jiff::{Timestamp, civil::DateTime};
use loa_model::{Post, PostId, When, schedule::meant};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{shift, zone};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    error::{BETWEEN, WebError, parts},
    pages,
    post::own_post_row,
    view,
};

/// Rows of one table.
const MOST: usize = 500;
/// Bytes of one table.
const LONGEST: usize = 1_000_000;

/// A row: which post goes where.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    at: String,
}

/// What comes of a row.
#[derive(Debug, Clone, Serialize)]
struct Told {
    /// Its number, the first is 1.
    row: usize,
    id: String,
    /// `same`, `move`, `moved` or `refused`.
    outcome: &'static str,
    /// Words that tell the post for people.
    title: String,
    before: String,
    after: String,
    /// Why it is refused, in both languages.
    detail_vi: String,
    detail_en: String,
}

/// A time as people and programs write it: RFC 3339, or wall time of the newsroom.
fn time(text: &str) -> Option<When> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(shift::at(at));
    }
    let forms = ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%H:%M %d/%m/%Y", "%Y-%m-%dT%H:%M"];
    let wall = forms.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    Some(When::At { at: meant(wall, &zone()).ok()?.at, wall })
}

/// Tries or makes the moves of rows, each for itself.
async fn go(
    app: &Shared,
    visitor: &Visitor,
    rows: &[Row],
    dry: bool,
) -> Result<Vec<Told>, WebError> {
    if rows.len() > MOST {
        let vi = format!("Mỗi lần tối đa {MOST} dòng");
        return Err(WebError::unfit(format!("{vi}{BETWEEN}At most {MOST} rows at a time")));
    }
    let mut told = Vec::new();
    for (n, row) in (1..).zip(rows) {
        let mut outcome = Told {
            row: n,
            id: row.id.trim().to_owned(),
            outcome: "refused",
            title: String::new(),
            before: String::new(),
            after: String::new(),
            detail_vi: String::new(),
            detail_en: String::new(),
        };
        match one(app, visitor, row, dry, &mut outcome).await {
            Ok(what) => outcome.outcome = what,
            // A store that fails fails for all.
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(error) => {
                let (vi, en) = parts(&error.message);
                (outcome.detail_vi, outcome.detail_en) = (vi.to_owned(), en.to_owned());
            }
        }
        told.push(outcome);
    }
    Ok(told)
}

async fn one(
    app: &Shared,
    visitor: &Visitor,
    row: &Row,
    dry: bool,
    outcome: &mut Told,
) -> Result<&'static str, WebError> {
    let id: PostId = row
        .id
        .trim()
        .parse()
        .map_err(|_| WebError::unfit("Không phải mã bài đăng / Not the id of a post"))?;
    let kept = own_post_row(app, visitor, id).await?;
    let post: Post = kept.record;
    outcome.title = pages::account_title(app, &post).await?;
    let delivery = app.desk.delivery_of(id).await.map_err(|error| crate::decide::failed(&error))?;
    let at = delivery.map_or(post.scheduled_at, |row| row.record.stands_at());
    outcome.before = view::time(at, ZONE);
    let when = time(&row.at).ok_or_else(|| {
        WebError::unfit("Không đọc được giờ: hãy viết như 07:30 15/11/2026 / The time cannot be read: write it like 07:30 15/11/2026")
    })?;
    let When::At { at: wanted, .. } = when else { return Err(WebError::missing()) };
    outcome.after = view::time(wanted, ZONE);
    // Files say minutes.
    if outcome.after == outcome.before {
        return Ok("same");
    }
    if dry {
        let would = app.review.would_reschedule(&visitor.user, id, when, ZONE).await;
        would.map_err(|error| shift::failed(app, visitor, &error))?;
        return Ok("move");
    }
    shift::shift(app, visitor, id, when, Some(kept.version)).await?;
    Ok("moved")
}

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    rows: Vec<Row>,
    dry_run: bool,
}

/// Moves many posts, or says what would come of it.
pub(crate) async fn import(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    body: Bytes,
) -> Result<Json<Value>, WebError> {
    let asked: Asked = serde_json::from_slice(&body).map_err(|error| {
        WebError::unfit(format!(
            "Nội dung không đọc được: {error}{BETWEEN}The body cannot be read: {error}"
        ))
    })?;
    let told = go(&app, &visitor, &asked.rows, asked.dry_run).await?;
    let count = |what: &str| told.iter().filter(|row| row.outcome == what).count();
    let (moved, refused) = (count("moved") + count("move"), count("refused"));
    Ok(Json(json!({ "rows": told, "moved": moved, "refused": refused, "dry_run": asked.dry_run })))
}

/// The importing as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let row = json!({
        "type": "object", "required": ["id", "at"], "additionalProperties": false,
        "properties": {
            "id": { "type": "string" },
            "at": { "type": "string", "description": "RFC 3339, or wall time: 2026-11-15 07:30, 07:30 15/11/2026" },
        },
    });
    let asked = json!({
        "type": "object", "required": ["rows", "dry_run"], "additionalProperties": false,
        "properties": {
            "rows": { "type": "array", "items": row, "maxItems": MOST },
            "dry_run": { "type": "boolean" },
        },
    });
    json!({
        "summary": "Give many posts another time, each for itself; dry_run says what would come of it",
        "requestBody": { "required": true, "content": { "application/json": { "schema": asked } } },
        "responses": {
            "200": { "description": "For each row: same, move, moved, or refused with the reason" },
            "422": { "description": "The body does not fit, or has too many rows" },
        },
    })
}

/// Cells of a table of text. The mark of its first line decides what parts them: a comma, a semicolon or a tab.
fn table(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let marks = [',', ';', '\t'];
    let mark = marks.into_iter().max_by_key(|mark| first.matches(*mark).count()).unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c if c == mark && !quoted => row.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    row.push(cell);
    rows.push(row);
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    rows
}

/// A column that can be chosen.
#[derive(Serialize)]
struct Column {
    number: usize,
    name: String,
    /// It holds the posts, or the times.
    id: bool,
    at: bool,
}

#[derive(Default, Serialize)]
struct Page {
    text: String,
    columns: Vec<Column>,
    rows: Vec<Told>,
    /// Rows that would be moved, were moved, were refused.
    moves: usize,
    moved: usize,
    refused: usize,
    /// What is wrong with the table as a whole: a key of the words.
    problem: &'static str,
}

/// The page with an empty form.
pub(crate) async fn form(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    pages::draw(&app, &visitor, "calendar", "pages/calendar_import.html", Page::default()).await
}

/// Fields of the form.
#[derive(Default)]
struct Fields {
    file: String,
    text: String,
    id: Option<usize>,
    at: Option<usize>,
    sure: bool,
}

async fn fields(mut form: Multipart) -> Result<Fields, WebError> {
    let unread = |_| WebError::unfit("Không đọc được tệp / The file cannot be read");
    let mut fields = Fields::default();
    while let Some(field) = form.next_field().await.map_err(unread)? {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(unread)?;
        if bytes.len() > LONGEST {
            return Err(WebError::unfit("Bảng dài quá 1 MB / The table is longer than 1 MB"));
        }
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
            WebError::unfit("Tệp không phải CSV mã UTF-8; từ Excel hãy chọn “CSV UTF-8” / The file is no CSV in UTF-8; in Excel choose “CSV UTF-8”")
        })?;
        match name.as_str() {
            "file" => fields.file = text,
            "text" => fields.text = text,
            "id" => fields.id = text.parse().ok(),
            "at" => fields.at = text.parse().ok(),
            "sure" => fields.sure = !text.is_empty(),
            _ => {}
        }
    }
    Ok(fields)
}

/// Tries the table, or makes its moves once somebody has seen that.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Multipart,
) -> Result<Html<String>, WebError> {
    let fields = fields(form).await?;
    let text = if fields.file.trim().is_empty() { fields.text } else { fields.file };
    let mut rows = table(&text);
    let mut page = Page { text, ..Page::default() };
    if rows.len() < 2 {
        page.problem = "calendar_import.empty";
        return pages::draw(&app, &visitor, "calendar", "pages/calendar_import.html", page).await;
    }
    let heads = rows.remove(0);
    let known = |key: &str| {
        let words =
            ["vi", "en"].map(|lang| app.assets.word(lang, &format!("calendar_export.{key}")));
        heads.iter().position(|head| {
            let head = head.trim().to_lowercase();
            head == key || words.iter().any(|word| word.to_lowercase() == head)
        })
    };
    let (id, at) = (fields.id.or_else(|| known("id")), fields.at.or_else(|| known("at")));
    page.columns = (0..)
        .zip(&heads)
        .map(|(number, name)| Column {
            number,
            name: name.trim().to_owned(),
            id: id == Some(number),
            at: at == Some(number),
        })
        .collect();
    let (Some(id), Some(at)) = (id, at) else {
        page.problem = "calendar_import.columns";
        return pages::draw(&app, &visitor, "calendar", "pages/calendar_import.html", page).await;
    };
    let cell = |row: &Vec<String>, n: usize| row.get(n).cloned().unwrap_or_default();
    let wanted: Vec<Row> =
        rows.iter().map(|row| Row { id: cell(row, id), at: cell(row, at) }).collect();
    page.rows = go(&app, &visitor, &wanted, !fields.sure).await?;
    for row in &page.rows {
        match row.outcome {
            "move" => page.moves += 1,
            "moved" => page.moved += 1,
            "refused" => page.refused += 1,
            _ => {}
        }
    }
    pages::draw(&app, &visitor, "calendar", "pages/calendar_import.html", page).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_spreadsheets_write_it() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let expect = vec![row(["a", "b;c", "x"]), row(["Bão, \"lũ\"\nquét", "", "ộ"])];
        for text in [
            "\u{feff}a,b;c,x\r\n\"Bão, \"\"lũ\"\"\nquét\",,ộ\r\n",
            "a\tb;c\tx\n\"Bão, \"\"lũ\"\"\nquét\"\t\tộ\n\n",
            "a;\"b;c\";x\n\"Bão, \"\"lũ\"\"\nquét\";;ộ",
        ] {
            assert_eq!(table(text), expect, "{text:?}");
        }
        assert_eq!(table(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn times_are_read_in_the_zone_of_the_newsroom() {
        let expect: Timestamp = "2026-11-15T00:30:00Z".parse().unwrap();
        for text in [
            "2026-11-15 07:30",
            " 15/11/2026 07:30",
            "07:30 15/11/2026",
            "2026-11-15T00:30:00Z",
            "2026-11-15T07:30:00+07:00",
        ] {
            let Some(When::At { at, .. }) = time(text) else { panic!("{text}") };
            assert_eq!(at, expect, "{text}");
        }
        for text in ["", "31/02/2026 07:30", "07:30", "15/11/26 07:30 x"] {
            assert!(time(text).is_none(), "{text}");
        }
    }
}
