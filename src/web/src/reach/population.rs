//! How many people there are at all: stated by a person with a source and a day, the upper end of reach.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::civil::Date;
use loa_model::{Account, AccountName, Record, record::join};
use loa_reach::Population;
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{COUNTING, Names, failed};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    channels::{agency_title, name_of_user},
    error::WebError,
    operation::{
        piece::{self, Part, Piece},
        told::{body, problem},
    },
    pages, view,
};

/// Most accounts of a list to choose from.
const ACCOUNTS: usize = 1000;
/// More people than there are.
const MOST: u64 = 20_000_000_000;
/// Letters of a source that anybody reads.
const LONG: usize = 300;

/// A figure as it is stated.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stated {
    /// The account; of the whole agency when it is empty or left out.
    #[serde(default)]
    account: String,
    people: u64,
    as_of: String,
    source: String,
}

/// The same as a form sends it: a number with marks between thousands is one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    account: String,
    people: String,
    as_of: String,
    source: String,
}

/// Which figure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    #[serde(default)]
    account: String,
    as_of: String,
}

fn day(text: &str) -> Result<Date, WebError> {
    let day: Option<Date> = text.parse().ok();
    day.filter(|day| (1900..=2200).contains(&day.year())).ok_or_else(|| {
        WebError::unfit(
            "Ngày không hợp lệ, viết như 2026-11-30 / Not a valid day, write it as 2026-11-30",
        )
    })
}

/// The account of the visitor's agency; none of the agency itself.
async fn account(
    app: &Shared,
    visitor: &Visitor,
    name: &str,
) -> Result<Option<AccountName>, WebError> {
    if name.is_empty() {
        return Ok(None);
    }
    let parsed: AccountName = name.parse().map_err(|_| WebError::missing())?;
    let kept = app.store.read::<Account>(parsed.as_str()).await?;
    let own = kept.is_some_and(|row| row.record.agency == visitor.user.agency);
    if own { Ok(Some(parsed)) } else { Err(WebError::missing()) }
}

/// Keeps a figure.
async fn state(app: &Shared, visitor: &Visitor, stated: Stated) -> Result<Population, WebError> {
    let source = stated.source.trim();
    if source.is_empty() || source.chars().count() > LONG {
        return Err(WebError::unfit(
            "Hãy ghi nguồn của con số, không quá 300 chữ / Say where the figure is from, in at most 300 letters",
        ));
    }
    if !(1..=MOST).contains(&stated.people) {
        return Err(WebError::unfit(
            "Số người phải từ 1 đến 20 tỷ / The number of people is from 1 to 20 billion",
        ));
    }
    let now = app.clock.now();
    let as_of = day(&stated.as_of)?;
    if as_of > view::day(now, ZONE) {
        return Err(WebError::unfit(
            "Ngày của con số chưa đến / The day of the figure is still to come",
        ));
    }
    let population = Population {
        agency: visitor.user.agency.clone(),
        account: account(app, visitor, &stated.account).await?,
        people: stated.people,
        as_of,
        source: source.to_owned(),
        given_by: visitor.user.id,
        given_at: now,
    };
    loa_reach::state_population(&*app.store, &population).await.map_err(failed)?;
    Ok(population)
}

async fn withdraw(app: &Shared, visitor: &Visitor, which: &Which) -> Result<(), WebError> {
    let as_of = which.as_of.parse().map_err(|_| WebError::missing())?;
    // An account that is gone may still have a figure: its name is enough.
    let account = match which.account.as_str() {
        "" => None,
        name => Some(name.parse::<AccountName>().map_err(|_| WebError::missing())?),
    };
    let key = (visitor.user.agency.as_str(), account.as_ref(), as_of);
    let found = loa_reach::withdraw_population(&*app.store, key, visitor.user.id).await;
    if found.map_err(failed)? { Ok(()) } else { Err(WebError::missing()) }
}

#[derive(Serialize)]
struct Row {
    /// Name of the account for forms; empty of the agency.
    account: String,
    whose: String,
    people: String,
    /// The day as forms send it, and in words.
    day: String,
    as_of: String,
    source: String,
    given_by: String,
    given_at: String,
    /// Whether reports of today use it.
    used: bool,
}

#[derive(Serialize)]
struct Choice {
    name: String,
    title: String,
}

#[derive(Serialize)]
struct Page {
    /// For the head of what is printed.
    agency: String,
    made_at: String,
    rows: Vec<Row>,
    accounts: Vec<Choice>,
    today: String,
    may_state: bool,
    may_share: bool,
    /// Why the figure was not taken; empty when nothing was wrong.
    wrong: String,
    /// What was typed.
    typed: BTreeMap<&'static str, String>,
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    wrong: String,
    typed: BTreeMap<&'static str, String>,
) -> Result<Html<String>, WebError> {
    let agency = &visitor.user.agency;
    let lang = visitor.lang.as_str();
    let stated = loa_reach::populations(&*app.store, agency).await.map_err(failed)?;
    let (mut names, mut people, mut rows) = (Names::default(), BTreeMap::new(), Vec::new());
    for (n, population) in stated.iter().enumerate() {
        let whose = match &population.account {
            Some(name) => names.account(app, name).await?,
            None => String::new(),
        };
        // By whose they are and then by day: the last of each is the one that is used.
        let next = stated.get(n + 1).map(|next| &next.account);
        rows.push(Row {
            account: population.account.as_ref().map(ToString::to_string).unwrap_or_default(),
            whose,
            people: view::number(population.people, lang),
            day: population.as_of.to_string(),
            as_of: population.as_of.strftime("%d/%m/%Y").to_string(),
            source: population.source.clone(),
            given_by: name_of_user(app, population.given_by, &mut people).await?,
            given_at: view::time(population.given_at, ZONE),
            used: next != Some(&population.account),
        });
    }
    let prefix = join(&[agency, ""]);
    let mut accounts = Vec::new();
    for row in app.store.list::<Account>("account_by_agency", &prefix, ACCOUNTS).await? {
        let name = row.record.name;
        accounts.push(Choice { title: names.account(app, &name).await?, name: name.to_string() });
    }
    let today = view::day(app.clock.now(), ZONE).to_string();
    let may_state = visitor.user.is_any(COUNTING);
    let title = agency_title(app, agency).await?;
    let made_at = view::time(app.clock.now(), ZONE);
    let may_share = visitor.user.is_any(super::SHARING);
    let page =
        Page { agency: title, made_at, rows, accounts, today, may_state, may_share, wrong, typed };
    pages::draw(app, visitor, "reach", "pages/reach_population.html", page).await
}

/// The figures of the agency.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, String::new(), BTreeMap::new()).await
}

/// States a figure; what is wrong with it is said beside the form.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(order): Form<Order>,
) -> Result<Response, WebError> {
    let typed = BTreeMap::from([
        ("account", order.account.clone()),
        ("people", order.people.clone()),
        ("as_of", order.as_of.clone()),
        ("source", order.source.clone()),
    ]);
    let digits: String =
        order.people.chars().filter(|c| !matches!(c, '.' | ',' | ' ' | '\u{a0}')).collect();
    let stated = match digits.parse() {
        Ok(people) => {
            let Order { account, as_of, source, .. } = order;
            state(&app, &visitor, Stated { account, people, as_of, source }).await
        }
        Err(_) => Err(WebError::unfit(
            "Số người là một số nguyên / The number of people is a whole number",
        )),
    };
    match stated {
        Ok(_) => Ok(Redirect::to("/bao-cao/dan-so").into_response()),
        Err(error) => {
            let Some(wrong) = error.mendable(&visitor.lang) else { return Err(error) };
            let page = drawn(&app, &visitor, wrong, typed).await?;
            Ok((error.status, page).into_response())
        }
    }
}

/// Takes a figure back.
pub(crate) async fn drop(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(which): Form<Which>,
) -> Result<Redirect, WebError> {
    withdraw(&app, &visitor, &which).await?;
    Ok(Redirect::to("/bao-cao/dan-so"))
}

/// The figures as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<Population>, WebError> {
    let all = loa_reach::populations(&*app.store, &visitor.user.agency).await.map_err(failed)?;
    Piece::of(all, &part, Record::key)
}

/// States a figure for a machine.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(stated): Json<Stated>,
) -> Result<Response, WebError> {
    let population = state(&app, &visitor, stated).await?;
    Ok((StatusCode::CREATED, Json(population)).into_response())
}

/// Takes one back for a machine.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(which): Query<Which>,
) -> Result<StatusCode, WebError> {
    withdraw(&app, &visitor, &which).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The list as `OpenAPI` says it.
pub(crate) fn list_told() -> Value {
    piece::told(
        "How many people there are of the agency and its accounts, as stated, by day; reports use the newest that is not of a day after the period",
        "Figures",
        &[],
    )
}

/// A figure, stated.
pub(crate) fn add_told() -> Value {
    let schema = json!({
        "type": "object", "required": ["people", "as_of", "source"], "additionalProperties": false,
        "properties": {
            "account": { "type": "string", "description": "channel:name; of the whole agency when left out" },
            "people": { "type": "integer", "minimum": 1, "maximum": MOST },
            "as_of": { "type": "string", "format": "date" },
            "source": { "type": "string", "minLength": 1, "maxLength": LONG },
        },
    });
    json!({
        "summary": "State how many people an agency or an account can reach at all, with the source and its day; it caps the upper end of reach",
        "requestBody": body(&schema),
        "responses": {
            "201": { "description": "What is kept", "content": { "application/json": {} } },
            "400": problem("The body is no JSON"),
            "404": problem("The agency has no such account"),
            "409": problem("Somebody stated another figure just now"),
            "415": problem("The body is not said to be JSON"),
            "422": problem("The number, the day or the source is not right"),
        },
    })
}

/// A figure, taken back.
pub(crate) fn remove_told() -> Value {
    let text = |name: &str, required: bool| json!({ "name": name, "in": "query", "required": required, "schema": { "type": "string" } });
    json!({
        "summary": "Take a figure back: reports use the one before it, or none",
        "parameters": [text("account", false), text("as_of", true)],
        "responses": {
            "204": { "description": "It bounds nothing any more" },
            "400": problem("A parameter is missing"),
            "404": problem("There is no such figure"),
            "409": problem("Somebody changed it just now"),
        },
    })
}
