//! Posts from a table: a row that names a post gives it another time, a row that names an article and an account makes a post
//! there. It is tried first, row by row, and nothing is done before somebody has seen what would come of it.

mod make;
mod page;
mod table;

use std::collections::BTreeMap;

use axum::{Extension, Json, body::Bytes, extract::State};
use jiff::{Timestamp, civil::DateTime};
use loa_model::{Post, PostId, When, schedule::meant};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use page::{form, press};

use super::{shift, workbook, zone};
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

/// A row: a post that gets another time, or the article and the account of a post that is made for it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(default)]
    id: String,
    at: String,
    /// Address or id.
    #[serde(default)]
    article: String,
    /// Name or title, or the channel where there is one account of it.
    #[serde(default)]
    account: String,
    /// Words in place of those of the brief.
    #[serde(default)]
    text: String,
}

impl Row {
    /// Whether it makes a post.
    fn makes(&self) -> bool {
        self.id.trim().is_empty() && !self.article.trim().is_empty()
    }
}

/// What comes of a row.
#[derive(Debug, Clone, Serialize)]
struct Told {
    /// Its number, the first is 1; in a file that of its line.
    row: usize,
    id: String,
    /// The article of a post that is made, once it is here.
    article: String,
    /// `same`, `move`, `moved`, `make`, `made` or `refused`.
    outcome: &'static str,
    /// Words that tell the post for people.
    title: String,
    /// The headline of its article, or the address that is read for it.
    what: String,
    before: String,
    after: String,
    /// Why it is refused, in both languages.
    detail_vi: String,
    detail_en: String,
}

/// Hours as people write them: `9h30`, `9 giờ`, `9g30`.
fn plain_hours(text: &str) -> String {
    let text = text.to_lowercase().replace("giờ", "h").replace(',', " ");
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let hours = |c: char| c.is_ascii_digit() || c == 'h' || c == 'g';
        match words.last_mut().filter(|last| {
            // Parted by a blank: `9 h`, `9h 30`.
            let open = last.ends_with(['h', 'g']);
            word.starts_with(['h', 'g']) || open && word.len() <= 2 && word.chars().all(hours)
        }) {
            Some(last) => last.push_str(word),
            None => words.push(word.to_owned()),
        }
    }
    let clock = |word: &String| {
        let Some((hour, minute)) = word.split_once(['h', 'g']) else { return word.clone() };
        let digits = |text: &str| text.len() <= 2 && text.chars().all(|c| c.is_ascii_digit());
        let fits = !hour.is_empty() && digits(hour) && digits(minute);
        let minute = if minute.is_empty() { "00" } else { minute };
        if fits { format!("{hour}:{minute}") } else { word.clone() }
    };
    words.iter().map(clock).collect::<Vec<_>>().join(" ")
}

/// A time as people and programs write it: RFC 3339, or wall time of the newsroom.
fn time(text: &str) -> Option<When> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(shift::at(at));
    }
    // A day as spreadsheets count them, in a cell that nobody said to be one.
    let days = text.parse::<f64>().ok().filter(|days| (40_000.0..80_000.0).contains(days));
    let forms = [
        "%Y-%m-%d %H:%M",
        "%d/%m/%Y %H:%M",
        "%H:%M %d/%m/%Y",
        "%d-%m-%Y %H:%M",
        "%H:%M %d-%m-%Y",
        "%Y-%m-%dt%H:%M",
    ];
    let wall = if let Some(days) = days {
        workbook::wall(days, false)?
    } else {
        let text = plain_hours(text);
        forms.iter().find_map(|form| DateTime::strptime(form, &text).ok())?
    };
    Some(When::At { at: meant(wall, &zone()).ok()?.at, wall })
}

/// Tries or does what rows say, each for itself. The first has this number.
async fn go(
    app: &Shared,
    visitor: &Visitor,
    (first, rows): (usize, &[Row]),
    dry: bool,
) -> Result<Vec<Told>, WebError> {
    if rows.len() > MOST {
        let vi = format!("Mỗi lần tối đa {MOST} dòng");
        return Err(WebError::unfit(format!("{vi}{BETWEEN}At most {MOST} rows at a time")));
    }
    let (mut told, mut wanted) = (Vec::new(), BTreeMap::new());
    for (n, row) in (first..).zip(rows) {
        let mut outcome = Told {
            row: n,
            id: row.id.trim().to_owned(),
            article: String::new(),
            outcome: "refused",
            title: String::new(),
            what: String::new(),
            before: String::new(),
            after: String::new(),
            detail_vi: String::new(),
            detail_en: String::new(),
        };
        let done = if row.makes() {
            make::make(app, visitor, row, dry, &mut outcome, &mut wanted).await
        } else {
            one(app, visitor, row, dry, &mut outcome).await
        };
        match done {
            Ok(what) => outcome.outcome = what,
            // A store that fails fails for all.
            Err(error) if error.status.is_server_error() => return Err(error),
            Err(error) => {
                let (vi, en) = parts(&error.message);
                (outcome.detail_vi, outcome.detail_en) = (vi.to_owned(), en.to_owned());
                // What was not understood is shown as it was written.
                for (told, written) in [
                    (&mut outcome.title, &row.account),
                    (&mut outcome.what, &row.article),
                    (&mut outcome.after, &row.at),
                ] {
                    if told.is_empty() {
                        written.trim().clone_into(told);
                    }
                }
            }
        }
        told.push(outcome);
    }
    Ok(told)
}

/// The time of a row.
fn wanted_time(row: &Row) -> Result<(When, Timestamp), WebError> {
    match time(&row.at) {
        Some(when @ When::At { at, .. }) => Ok((when, at)),
        _ => Err(WebError::unfit(
            "Không đọc được giờ: hãy viết như 07:30 15/11/2026 / The time cannot be read: write it like 07:30 15/11/2026",
        )),
    }
}

async fn one(
    app: &Shared,
    visitor: &Visitor,
    row: &Row,
    dry: bool,
    outcome: &mut Told,
) -> Result<&'static str, WebError> {
    if row.id.trim().is_empty() {
        return Err(WebError::unfit(
            "Thiếu bài viết; hãy ghi địa chỉ https:// hoặc mã bài viết, hoặc mã bài đăng để đổi giờ / The article is missing; write its https:// address or its id, or the id of a post to move",
        ));
    }
    let id: PostId = row.id.trim().parse().map_err(|_| {
        WebError::unfit("Không phải mã bài đăng; để soạn bài mới, để trống ô này và ghi bài viết, tài khoản / Not the id of a post; for a new one leave this cell empty and name an article and an account")
    })?;
    let kept = own_post_row(app, visitor, id).await?;
    let post: Post = kept.record;
    outcome.title = pages::account_title(app, &post).await?;
    let delivery = app.desk.delivery_of(id).await.map_err(|error| crate::decide::failed(&error))?;
    let at = delivery.map_or(post.scheduled_at, |row| row.record.stands_at());
    outcome.before = view::time(at, ZONE);
    let (when, wanted) = wanted_time(row)?;
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

/// Moves and makes many posts, or says what would come of it.
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
    let told = go(&app, &visitor, (1, &asked.rows), asked.dry_run).await?;
    let count = |what: &str| told.iter().filter(|row| row.outcome == what).count();
    let (moved, made) = (count("moved") + count("move"), count("made") + count("make"));
    let refused = count("refused");
    Ok(Json(json!({
        "rows": told, "moved": moved, "made": made, "refused": refused, "dry_run": asked.dry_run,
    })))
}

/// The importing as `OpenAPI` says it.
pub(crate) fn told() -> Value {
    let row = json!({
        "type": "object", "required": ["at"], "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "description": "The post that gets another time; without it article and account make one" },
            "article": { "type": "string", "description": "Address or id of an article; one that is not here is read first" },
            "account": { "type": "string", "description": "Name of an account, or its title, or its channel where the agency has one account there" },
            "text": { "type": "string", "maxLength": 5000, "description": "Words of the new post in place of those of the brief" },
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
        "summary": "Give many posts another time, or make posts of articles at a time, each for itself and none twice; dry_run says what would come of it",
        "requestBody": { "required": true, "content": { "application/json": { "schema": asked } } },
        "responses": {
            "200": { "description": "For each row: same, move or moved, make or made, or refused with the reason and what to do" },
            "422": { "description": "The body does not fit, or has too many rows" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_zone_of_the_newsroom() {
        let expect: Timestamp = "2026-11-15T00:30:00Z".parse().unwrap();
        for text in [
            "2026-11-15 07:30",
            " 15/11/2026 07:30",
            "07:30 15/11/2026",
            "2026-11-15T00:30:00Z",
            "2026-11-15T07:30:00+07:00",
            "46341.3125",
            "15/11/2026 7h30",
            "7h30 15/11/2026",
            "7 giờ 30, 15/11/2026",
            "07g30 15-11-2026",
            "15/11/2026 7:30",
            "2026-11-15T07:30",
        ] {
            let Some(When::At { at, .. }) = time(text) else { panic!("{text}") };
            assert_eq!(at, expect, "{text}");
        }
        for text in
            ["", "31/02/2026 07:30", "07:30", "15/11/26 07:30 x", "15/11/2026 25h", "h 15/11/2026"]
        {
            assert!(time(text).is_none(), "{text}");
        }
    }
}
