//! *Nhật ký*: who did what, read from the ledger from its end backwards; each agency sees its own rows only.

mod acts;
mod chain;
mod fields;
mod file;
mod look;
mod names;
pub(crate) mod told;
mod words;

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Html,
};
use jiff::{Timestamp, civil::Date};
use loa_model::{Actor, PostId, Role, UserId};
use loa_store::{Change, Seq};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use chain::Checked;
pub(crate) use chain::operation as verify;
use fields::Told;
pub(crate) use fields::is_secret;
pub(crate) use file::file;
use look::{Owners, Seen, Wanted, Who};
use names::Names;

use crate::{
    Shared,
    article::ZONE,
    articles::fold::fold,
    asked::{self, Chip, Filters},
    auth::Visitor,
    channels::name_of_user,
    error::WebError,
    operation::piece::{self, Part, Piece},
    pages, view,
    ways::Access,
};

/// Who reads it.
pub(crate) const READERS: Access = Access::Only(&[Role::Approver, Role::Analyst, Role::Admin]);
/// Who has the chain checked.
pub(crate) const CHECKERS: Access = Access::Only(&[Role::Approver, Role::Admin]);

/// Lines of a page.
const A_PAGE: usize = 50;
/// Records that are looked at for a page.
const A_LOOK: u64 = 2000;
/// Records of a line that are named.
const NAMED: usize = 6;
/// Who is looked for where nobody says: what machines do is hundreds of records for each press of a button.
const HUMANS: &str = "humans";
/// Whoever it was.
const EVERYBODY: &str = "all";
/// Rows whose fields are told.
const TOLD: usize = 20;

/// What is asked for. What is empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Question {
    /// `humans` (people and operators), `people`, `operators`, `machines`, or a person's id; `all` is the same as nothing.
    who: String,
    /// What was done, as the code calls it; `delivery` for every move of a delivery, `decisions` for what approvers
    /// decide about posts.
    act: String,
    /// Id of an article or a post, a link code or its address, or an account name.
    about: String,
    /// On this day or later.
    #[serde(deserialize_with = "view::some")]
    from: Option<Date>,
    /// On this day or before.
    #[serde(deserialize_with = "view::some")]
    to: Option<Date>,
    /// Older than this record.
    before: String,
    /// The record whose fields are shown.
    open: String,
}

/// A record that was touched.
#[derive(Debug, Clone, Serialize)]
struct Touched {
    /// Its table.
    kind: String,
    /// What people call it; empty where that is nobody's business.
    name: String,
    /// Its key; empty where that is nobody's business.
    id: String,
    /// Page of it; empty when there is none.
    link: String,
}

/// What became of a record.
#[derive(Debug, Clone, Serialize)]
struct Became {
    #[serde(flatten)]
    record: Touched,
    #[serde(flatten)]
    told: Told,
}

/// A line of the log.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    seq: Seq,
    at: Timestamp,
    shown_at: String,
    /// `person`, `machine` or `operator`.
    by: &'static str,
    who: String,
    /// Id of a person.
    person: String,
    act: String,
    words: String,
    records: Vec<Touched>,
    /// Records beyond those.
    more: usize,
    hash: String,
    hash_short: String,
    /// What changed, of the line that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<Became>>,
}

#[derive(Debug, Serialize)]
struct Lines {
    entries: Vec<Line>,
    /// Where to go on.
    next: Option<Seq>,
    /// Records that were looked at.
    looked: u64,
}

#[derive(Debug, Serialize)]
struct Page {
    asked: Question,
    chips: Vec<Chip>,
    people: Vec<(String, String)>,
    acts: Vec<(String, String)>,
    lines: Vec<LineView>,
    looked: String,
    /// Fewer lines than fit, and older ones were not looked at yet.
    cut: bool,
    older: String,
    older_seq: String,
    newest: String,
    file: String,
    /// Where the chain is checked, so that the page comes back as it was asked for.
    check: String,
    may_check: bool,
    checked: Option<Checked>,
}

/// A line with the address that opens or closes it.
#[derive(Debug, Serialize)]
struct LineView {
    turn: String,
    #[serde(flatten)]
    line: Line,
}

/// The question is none.
fn unreadable() -> WebError {
    WebError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "Điều kiện tìm không hợp lệ: xem lại người, ngày và số bản ghi / The search makes no sense: look at the person, the days and the record number",
    )
}

fn number(text: &str) -> Result<Option<Seq>, WebError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| unreadable())
}

impl Question {
    fn filters(&self) -> Filters {
        Filters::of([
            ("who", self.who.clone()),
            ("act", self.act.clone()),
            ("about", self.about.clone()),
            ("from", asked::day(self.from)),
            ("to", asked::day(self.to)),
        ])
    }

    async fn wanted(&self, app: &Shared, visitor: &Visitor) -> Result<Wanted, WebError> {
        let who = match self.who.trim() {
            "" | EVERYBODY => None,
            HUMANS => Some(Who::Humans),
            "people" => Some(Who::People),
            "machines" => Some(Who::Machines),
            "operators" => Some(Who::Operators),
            id => Some(Who::Person(id.parse().map_err(|_| unreadable())?)),
        };
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to < from
        {
            return Err(unreadable());
        }
        let about = self.about.trim();
        let code = about.rsplit_once("/l/").map_or(about, |(_, code)| code);
        let is_code = !code.is_empty() && code.parse::<PostId>().is_err() && !code.contains(':');
        let post = if is_code { look::by_code(app, code).await? } else { None };
        let post = post.filter(|post| post.agency == visitor.user.agency);
        let about = post.map_or_else(|| code.to_owned(), |post| post.id.to_string());
        let act = self.act.trim().to_owned();
        let before = number(&self.before)?;
        Ok(Wanted { who, act, about, from: self.from, to: self.to, before })
    }
}

/// Words for lines: people by name, acts in the reader's language.
struct Teller<'a> {
    app: &'a Shared,
    visitor: &'a Visitor,
    people: BTreeMap<UserId, String>,
    names: Names<'a>,
}

impl<'a> Teller<'a> {
    fn new(app: &'a Shared, visitor: &'a Visitor) -> Self {
        Self { app, visitor, people: BTreeMap::new(), names: Names::new(app, visitor) }
    }

    async fn line(&mut self, seen: &Seen) -> Result<Line, WebError> {
        let changes = &seen.entry.changes;
        let (by, who, person) = match &changes.actor {
            Actor::User(id) => {
                ("person", name_of_user(self.app, *id, &mut self.people).await?, id.to_string())
            }
            Actor::Worker(name) => ("machine", name.clone(), String::new()),
            Actor::Operator(name) => ("operator", name.clone(), String::new()),
        };
        let mut records = Vec::new();
        for change in seen.rows.iter().filter_map(|n| changes.rows.get(*n)).take(NAMED) {
            records.push(self.names.touched(change).await?);
        }
        for job in seen.jobs.iter().filter_map(|n| changes.enqueue.get(*n)) {
            if records.len() < NAMED {
                let work = serde_json::to_value(&job.work).unwrap_or_default();
                let name = self.names.job(&work).await?;
                let (kind, id) = ("job".to_owned(), job.id.to_string());
                records.push(Touched { kind, name, id, link: String::new() });
            }
        }
        let more = (seen.rows.len() + seen.jobs.len()).saturating_sub(records.len());
        Ok(Line {
            seq: seen.entry.seq,
            at: seen.entry.at,
            shown_at: view::time(seen.entry.at, ZONE),
            by,
            who,
            person,
            act: changes.what.clone(),
            words: acts::words(&self.app.assets, &self.visitor.lang, &changes.what),
            records,
            more,
            hash: seen.hash.to_string(),
            hash_short: seen.hash.short(),
            changes: None,
        })
    }

    /// The line with what changed.
    async fn opened(&mut self, seen: &Seen) -> Result<Line, WebError> {
        let mut line = self.line(seen).await?;
        let mut became = Vec::new();
        let rows = seen.rows.iter().filter_map(|n| seen.entry.changes.rows.get(*n));
        let rows: Vec<&Change> = rows.take(TOLD).collect();
        for change in rows {
            let (agency, seq) = (&self.visitor.user.agency, seen.entry.seq);
            let told = fields::told(self.app, agency, seq, change, &mut self.names).await?;
            became.push(Became { record: self.names.touched(change).await?, told });
        }
        line.changes = Some(became);
        Ok(line)
    }
}

async fn lines(
    app: &Shared,
    visitor: &Visitor,
    asked: &Question,
    most: usize,
) -> Result<Lines, WebError> {
    let wanted = asked.wanted(app, visitor).await?;
    let open = number(&asked.open)?;
    let mut owners = Owners::new(app, visitor);
    let found = look::back(app, &mut owners, &wanted, (most, A_LOOK)).await?;
    let mut teller = Teller::new(app, visitor);
    let mut entries = Vec::new();
    for seen in &found.seen {
        entries.push(if open == Some(seen.entry.seq) {
            teller.opened(seen).await?
        } else {
            teller.line(seen).await?
        });
    }
    Ok(Lines { entries, next: found.next, looked: found.looked })
}

/// The log as an operation.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(mut asked): Query<Question>,
    Query(part): Query<Part>,
) -> Result<Piece<Line>, WebError> {
    if let Some(after) = part.after::<Seq>()? {
        asked.before = after.to_string();
    }
    let found = lines(&app, &visitor, &asked, part.limit()?).await?;
    let next = found.next.map(|seq| piece::cursor(&seq));
    Ok(Piece::new(found.entries, next).with("looked", found.looked))
}

/// One record of it, with what changed.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Json<Value>, WebError> {
    let seq = id.parse().map_err(|_| WebError::missing())?;
    let mut owners = Owners::new(&app, &visitor);
    let seen = look::one(&app, &mut owners, seq).await?.ok_or_else(WebError::missing)?;
    Ok(Json(json!(Teller::new(&app, &visitor).opened(&seen).await?)))
}

/// The page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
) -> Result<Html<String>, WebError> {
    show(&app, &visitor, asked, None).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Behind {
    after: String,
}

/// Checks the chain and shows what came of it above the log.
pub(crate) async fn check(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Question>,
    Form(from): Form<Behind>,
) -> Result<Html<String>, WebError> {
    let after = number(&from.after)?.unwrap_or(0);
    let checked = chain::check(&*app.store, after, chain::MOST).await?;
    show(&app, &visitor, asked, Some(checked)).await
}

async fn show(
    app: &Shared,
    visitor: &Visitor,
    asked: Question,
    checked: Option<Checked>,
) -> Result<Html<String>, WebError> {
    const PATH: &str = "/nhat-ky";
    let mut asked = asked;
    if asked == Question::default() {
        HUMANS.clone_into(&mut asked.who);
    }
    let Lines { entries, next, looked } = lines(app, visitor, &asked, A_PAGE).await?;
    let people = look::people(app, &visitor.user.agency).await?;
    let word = |act: &str| acts::words(&app.assets, &visitor.lang, act);
    let mut acts: Vec<(String, String)> =
        acts::ACTS.iter().chain([&acts::MOVES]).map(|act| ((*act).to_owned(), word(act))).collect();
    // Đ stands with D, as in a dictionary.
    acts.sort_by_cached_key(|(_, words)| (fold(words), words.clone()));
    acts.insert(0, (acts::DECISIONS.to_owned(), word(acts::DECISIONS)));
    let shown = |name: &str, value: &str| match name {
        "act" => word(value),
        "who" => {
            let person = people.iter().find(|(id, _)| id == value);
            person.map_or_else(
                || app.assets.word(&visitor.lang, &format!("audit.{value}")),
                |(_, name)| name.clone(),
            )
        }
        _ => value.to_owned(),
    };
    let filters = asked.filters();
    let mut chips = filters.chips(PATH, shown);
    // What is asked for where nobody says is not taken back.
    chips.retain(|chip| chip.name != "who" || asked.who != HUMANS);
    let older_seq = next.map(|seq| seq.to_string()).unwrap_or_default();
    let turn = |line: &Line| {
        let seq = line.seq.to_string();
        let open = if line.changes.is_some() { "" } else { &*seq };
        let more = [("before", &*asked.before), ("open", open)];
        format!("{}#n{seq}", filters.address(PATH, "", &more))
    };
    let page = Page {
        chips,
        cut: next.is_some() && entries.len() < A_PAGE,
        lines: entries.into_iter().map(|line| LineView { turn: turn(&line), line }).collect(),
        looked: view::number(looked, &visitor.lang),
        older: next
            .map(|_| filters.address(PATH, "", &[("before", &older_seq)]))
            .unwrap_or_default(),
        older_seq,
        newest: if asked.before.is_empty() {
            String::new()
        } else {
            filters.address(PATH, "", &[])
        },
        file: filters.address("/api/v1/audit/nhat-ky.csv", "", &[("before", &asked.before)]),
        check: filters.address("/nhat-ky/kiem-tra", "", &[("before", &asked.before)]),
        may_check: CHECKERS.lets(Some(&visitor.user.roles)),
        people,
        acts,
        asked,
        checked,
    };
    pages::draw(app, visitor, "audit", "pages/audit.html", page).await
}
