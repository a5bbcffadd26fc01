//! The page: a file or a pasted table, which column is what, what would come of each row, and the button that does it.

use axum::{
    Extension,
    extract::{Multipart, State},
    response::Html,
};
use serde::Serialize;

use super::{
    LONGEST, MOST, Row, Told, go,
    table::{plain, table, written},
    workbook,
};
use crate::{Shared, auth::Visitor, error::WebError, pages};

/// What a column can be.
const KINDS: [&str; 5] = ["at", "id", "article", "account", "words"];

/// Heads that say what a column holds, beside those of our own files.
const HEADS: [&[&str]; KINDS.len()] = [
    &[
        "giờ",
        "ngày giờ",
        "ngày giờ đăng",
        "ngày đăng",
        "thời gian",
        "thời gian đăng",
        "thời điểm",
        "thời điểm đăng",
        "time",
        "date",
        "date and time",
    ],
    &["mã bài", "post"],
    &["bài viết", "bài", "địa chỉ bài viết", "địa chỉ", "đường dẫn", "liên kết", "url", "link"],
    &["kênh đăng", "trang", "tên tài khoản", "channel"],
    &["lời", "nội dung", "lời bài", "text", "caption", "message"],
];

/// A column that can be chosen.
#[derive(Serialize)]
struct Column {
    number: usize,
    name: String,
    /// What it holds; empty when nothing that is looked at.
    is: &'static str,
}

#[derive(Default, Serialize)]
struct Page {
    text: String,
    columns: Vec<Column>,
    rows: Vec<Told>,
    /// Rows that would be moved or made, that were, and that are refused.
    moves: usize,
    moved: usize,
    makes: usize,
    made: usize,
    refused: usize,
    /// What is wrong with the table as a whole: a key of the words.
    problem: &'static str,
    /// Whether the columns are only asked for.
    asks: bool,
}

async fn draw(app: &Shared, visitor: &Visitor, page: Page) -> Result<Html<String>, WebError> {
    pages::draw(app, visitor, "calendar", "pages/calendar_import.html", page).await
}

/// The page with an empty form.
pub(crate) async fn form(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    draw(&app, &visitor, Page::default()).await
}

/// What somebody chose a column for.
#[derive(Default, Clone, Copy)]
enum Choice {
    /// Nobody was asked yet: heads decide.
    #[default]
    Unasked,
    /// No column.
    None,
    Column(usize),
}

/// Fields of the form.
#[derive(Default)]
struct Fields {
    file: Vec<u8>,
    text: String,
    /// The columns that were chosen, as in [`KINDS`].
    columns: [Choice; KINDS.len()],
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
        if name == "file" {
            fields.file = bytes.to_vec();
            continue;
        }
        let text = utf8(bytes.to_vec())?;
        match name.as_str() {
            "text" => fields.text = text,
            "sure" => fields.sure = !text.is_empty(),
            name => {
                if let Some(kind) = KINDS.iter().position(|kind| *kind == name) {
                    fields.columns[kind] = text.parse().map_or(Choice::None, Choice::Column);
                }
            }
        }
    }
    Ok(fields)
}

fn utf8(bytes: Vec<u8>) -> Result<String, WebError> {
    String::from_utf8(bytes).map_err(|_| {
        WebError::unfit("Tệp không phải Excel (.xlsx) hay CSV mã UTF-8; từ Excel hãy lưu lại dạng “.xlsx” / The file is neither Excel (.xlsx) nor CSV in UTF-8; save it again from Excel as “.xlsx”")
    })
}

/// Rows of what came: a workbook, a file of text, or text that was pasted.
async fn rows(fields: &mut Fields) -> Result<Result<Vec<Vec<String>>, &'static str>, WebError> {
    let file = std::mem::take(&mut fields.file);
    if workbook::is_one(&file) {
        // To unpack and parse takes a while: not on the threads that serve requests.
        let read = tokio::task::spawn_blocking(move || workbook::table(&file, MOST + 1)).await;
        let read = read.unwrap_or(Err(workbook::Broken::NoWorkbook));
        let rows = read.map_err(workbook::Broken::key);
        fields.text = rows.as_deref().map(written).unwrap_or_default();
        return Ok(rows);
    }
    if !file.iter().all(u8::is_ascii_whitespace) {
        fields.text = utf8(file)?;
    }
    Ok(Ok(table(&fields.text)))
}

/// Tries the table, or does what it says once somebody has seen that.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Multipart,
) -> Result<Html<String>, WebError> {
    let mut fields = fields(form).await?;
    let rows = rows(&mut fields).await?;
    let mut page = Page { text: std::mem::take(&mut fields.text), ..Page::default() };
    let mut rows = match rows {
        Ok(rows) if rows.len() >= 2 => rows,
        Ok(_) => {
            return draw(&app, &visitor, Page { problem: "calendar_import.empty", ..page }).await;
        }
        Err(problem) => return draw(&app, &visitor, Page { problem, ..page }).await,
    };
    let heads = rows.remove(0);
    let known = |n: usize| {
        let key = KINDS[n];
        let words =
            ["vi", "en"].map(|lang| app.assets.word(lang, &format!("calendar_export.{key}")));
        let ours = |head: &str| head == key || words.iter().any(|word| word.to_lowercase() == head);
        heads.iter().position(|head| {
            let head = head.trim().to_lowercase();
            ours(&head) || HEADS[n].contains(&head.as_str())
        })
    };
    let mut chosen = [None; KINDS.len()];
    for (n, column) in chosen.iter_mut().enumerate() {
        *column = match fields.columns[n] {
            Choice::Unasked => known(n),
            Choice::None => None,
            Choice::Column(number) => Some(number),
        };
    }
    let is = |number: usize| {
        let kind = chosen.iter().position(|column| *column == Some(number));
        kind.map_or("", |kind| KINDS[kind])
    };
    page.columns = (0..)
        .zip(&heads)
        .map(|(number, name)| Column { number, name: name.trim().to_owned(), is: is(number) })
        .collect();
    let [at, id, article, account, text] = chosen;
    if at.is_none() || (id.is_none() && (article.is_none() || account.is_none())) {
        // Whoever was not asked before made no mistake.
        page.asks = fields.columns.iter().all(|choice| matches!(choice, Choice::Unasked));
        page.problem = "calendar_import.columns";
        return draw(&app, &visitor, page).await;
    }
    let cell = |row: &[String], column: Option<usize>| {
        let cell = column.and_then(|column| row.get(column)).map(String::as_str);
        plain(cell.unwrap_or_default()).to_owned()
    };
    let wanted: Vec<Row> = rows
        .iter()
        .map(|row| Row {
            id: cell(row, id),
            at: cell(row, at),
            article: cell(row, article),
            account: cell(row, account),
            text: cell(row, text),
        })
        .collect();
    // The heads are the first line.
    page.rows = go(&app, &visitor, (2, &wanted), !fields.sure).await?;
    for row in &page.rows {
        match row.outcome {
            "move" => page.moves += 1,
            "moved" => page.moved += 1,
            "make" => page.makes += 1,
            "made" => page.made += 1,
            "refused" => page.refused += 1,
            _ => {}
        }
    }
    draw(&app, &visitor, page).await
}
