//! The overview: numbers of a period beside earlier ones, their trend, and one cut.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Query, State},
    http::StatusCode,
    response::Html,
};
use loa_model::{Metric, PostId};
use loa_reach::{
    By, Cell, ChartText, Compared, Drawn, Figure, Incomparable, Open, Overview, Period, Population,
    ReachRange, Report, TrendLine,
};
use serde::Serialize;

use super::{
    Ask, Head, METRICS, Names, Shown, Wanted, channel_name, format_word, number_names, percent,
    signed,
};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    view,
};

/// Rows of a cut by article or post that pages and operations list, the newest; files have all of them.
const ROWS: usize = 200;

/// What the overview knows: the same for the page, the operation and a shared link.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    #[serde(flatten)]
    pub(crate) overview: Overview,
    /// Views gained day by day.
    pub(crate) trend: Vec<TrendLine>,
    /// One report a cut.
    pub(crate) cuts: Vec<Report>,
}

/// Numbers of an agency over a period; `others` are those that stand beside it in the cut by agency.
pub(crate) async fn told(
    app: &Shared,
    agency: &str,
    others: &[(String, String)],
    wanted: &Wanted,
) -> Result<Arc<Told>, WebError> {
    let books = app.reach.open(app).await?;
    let mut agencies = vec![agency.to_owned()];
    agencies.extend(others.iter().map(|(name, _)| name.clone()));
    let answer = app.reach.told.of(&books, &agencies, (wanted.days, &wanted.by), None, || {
        let book = books.of(agency);
        let mut cuts = reports(&books, (agency, others), wanted)?;
        for report in &mut cuts {
            report.newest(ROWS);
        }
        Ok(Told {
            overview: loa_reach::overview(book, wanted.days, ZONE, None)?,
            trend: loa_reach::trend(book, wanted.days, ZONE, Metric::Views)?,
            cuts,
        })
    });
    answer.await
}

/// One report for each cut, in the order they were asked for.
pub(crate) fn reports(
    books: &Open<'_>,
    (agency, others): (&str, &[(String, String)]),
    wanted: &Wanted,
) -> loa_reach::Result<Vec<Report>> {
    let (from, to) = wanted.days.span(ZONE);
    // The cut of the query is that of each report.
    let query = |agency: &str| loa_reach::Query {
        agency: agency.to_owned(),
        from,
        to,
        by: By::Channel,
        population: None,
    };
    let own: Vec<By> = wanted.by.iter().copied().filter(|by| *by != By::Agency).collect();
    let mut own = loa_reach::reports(books.of(agency), &query(agency), &own)?.into_iter();
    let mut all = Vec::new();
    for by in &wanted.by {
        if *by == By::Agency {
            let mut each = Vec::new();
            for (name, title) in others {
                let report = loa_reach::report(books.of(name), &query(name))?;
                each.push((title.clone(), report));
            }
            all.push(loa_reach::agencies(&each, &query("")));
        } else {
            all.extend(own.next());
        }
    }
    Ok(all)
}

/// The numbers as JSON.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Arc<Told>>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    let others = super::beside(&app, &visitor, &wanted).await?;
    Ok(Json(told(&app, &visitor.user.agency, &others, &wanted).await?))
}

/// A number beside an earlier one.
#[derive(Debug, Serialize)]
struct Beside {
    value: Option<String>,
    change: Option<String>,
    /// `up`, `down`, or nothing.
    way: &'static str,
    /// Key of the word that says why there is no change.
    why: &'static str,
}

/// One definition of a number.
#[derive(Debug, Serialize)]
struct Line {
    /// Whose number it is and what it counts.
    channel: String,
    source: String,
    definition: String,
    gain: Option<String>,
    gain_posts: String,
    latest: String,
    fell: bool,
    method_break: bool,
    before: Beside,
    last_year: Beside,
}

#[derive(Debug, Serialize)]
struct Card {
    metric: String,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Range {
    at_least: String,
    at_most: String,
    posts: String,
    capped: bool,
}

/// A population that bounds reach, in words.
#[derive(Debug, Serialize)]
struct Bound {
    /// Whose people; empty of the agency of the page.
    of: String,
    people: String,
    as_of: String,
    source: String,
}

/// A number of a row in words.
#[derive(Debug, Serialize)]
struct Number {
    value: String,
    channel: String,
}

#[derive(Debug, Serialize)]
struct RowCell {
    metric: String,
    numbers: Vec<Number>,
}

#[derive(Debug, Serialize)]
struct Row {
    /// Whether it is all of them.
    total: bool,
    label: String,
    /// Of a post: its account, format and time.
    detail: String,
    /// Page about it; empty when there is none.
    href: String,
    posts: String,
    measured: String,
    reach: Option<Range>,
    cells: Vec<RowCell>,
}

#[derive(Debug, Serialize)]
struct Cut {
    by: String,
    /// The last one is all of them.
    rows: Vec<Row>,
    /// How many rows only the files have; empty when all are here.
    left_off: String,
    /// Time of the newest number in it, where it is not that of the page.
    as_of: String,
}

/// The numbers in words.
#[derive(Debug, Serialize)]
pub(crate) struct Numbers {
    published: String,
    published_before: String,
    published_last_year: String,
    posts: String,
    measured: String,
    reach: Option<Range>,
    reach_before: Option<Range>,
    reach_last_year: Option<Range>,
    /// Times of the newest numbers of the other periods; empty when there are none.
    before_as_of: String,
    last_year_as_of: String,
    /// Populations that bound reach.
    bounds: Vec<Bound>,
    cards: Vec<Card>,
    chart: String,
    /// The numbers of the chart: a head, then a line a day.
    table: Vec<Vec<String>>,
    metrics: Vec<String>,
    cuts: Vec<Cut>,
    empty: bool,
}

/// Who reads: what may be linked and in which words.
pub(crate) struct Reader<'a> {
    pub(crate) app: &'a Shared,
    pub(crate) lang: &'a str,
    /// Whether pages of the staff are linked.
    pub(crate) inside: bool,
}

impl Numbers {
    pub(crate) async fn of(reader: &Reader<'_>, told: &Told) -> Result<Self, WebError> {
        let (app, lang) = (reader.app, reader.lang);
        let Overview { period, before, last_year, figures } = &told.overview;
        let number = |n: u32| view::number(n.into(), lang);
        let reach = |period: &Period| period.total.reach.map(|reach| range(reach, lang));
        let as_of =
            |period: &Period| period.as_of.map(|at| view::time(at, ZONE)).unwrap_or_default();
        let cards = METRICS.iter().map(|metric| {
            let own = || figures.iter().filter(|figure| figure.cell.metric == *metric);
            let names = number_names(app, lang, own().map(|figure| of(&figure.cell)));
            let lines = own().zip(names).map(|(figure, name)| line(lang, figure, name));
            Card { metric: name_of(metric), lines: lines.collect() }
        });
        let cards = cards.collect();
        let drawn = drawn(app, lang, &told.trend);
        let mut cuts = Vec::new();
        for report in &told.cuts {
            cuts.push(cut(reader, report).await?);
        }
        let (mut bounds, mut names) = (Vec::new(), Names::default());
        for population in &period.populations {
            let whose = match &population.account {
                Some(account) => Some(names.account(app, account).await?),
                None => None,
            };
            bounds.push(bound(population, whose, lang));
        }
        Ok(Self {
            published: number(period.published),
            published_before: number(before.published),
            published_last_year: number(last_year.published),
            posts: number(period.total.posts),
            measured: number(period.total.measured),
            reach: reach(period),
            reach_before: reach(before),
            reach_last_year: reach(last_year),
            before_as_of: as_of(before),
            last_year_as_of: as_of(last_year),
            bounds,
            cards,
            chart: drawn.svg,
            table: drawn.table,
            metrics: METRICS.iter().map(name_of).collect(),
            cuts,
            empty: period.total.posts == 0 && told.cuts.iter().all(|cut| cut.total.posts == 0),
        })
    }
}

/// The trend as a chart; nothing when nothing was gained.
pub(crate) fn drawn(app: &Shared, lang: &str, trend: &[TrendLine]) -> Drawn {
    if trend.is_empty() {
        return Drawn { svg: String::new(), table: Vec::new() };
    }
    let word = |key: &str| app.assets.word(lang, key);
    let text = ChartText {
        title: word("report.trend"),
        description: word("report.trend_help"),
        zone: ZONE.to_owned(),
        missing: "—".to_owned(),
        day: view::day_pattern(lang).to_owned(),
        thousands: view::thousands(lang),
    };
    loa_reach::trend_chart(&named(app, lang, trend), &text)
}

/// Lines with the names that people tell them apart by.
pub(crate) fn named(app: &Shared, lang: &str, trend: &[TrendLine]) -> Vec<(String, TrendLine)> {
    let of = trend.iter().map(|one| (&*one.channel, &*one.source_name, &*one.definition));
    number_names(app, lang, of).into_iter().zip(trend.iter().cloned()).collect()
}

fn range(reach: ReachRange, lang: &str) -> Range {
    Range {
        at_least: view::number(reach.at_least, lang),
        at_most: view::number(reach.at_most, lang),
        posts: view::number(reach.posts.into(), lang),
        capped: reach.capped,
    }
}

fn bound(population: &Population, whose: Option<String>, lang: &str) -> Bound {
    Bound {
        of: whose.unwrap_or_default(),
        people: view::number(population.people, lang),
        as_of: population.as_of.strftime("%d/%m/%Y").to_string(),
        source: population.source.clone(),
    }
}

fn beside(compared: &Compared, lang: &str) -> Beside {
    Beside {
        value: compared.gain.map(|gain| signed(gain, lang)),
        change: compared.change_permille.map(|change| percent(change, lang)),
        way: match compared.change_permille.map(i64::signum) {
            Some(1) => "up",
            Some(-1) => "down",
            _ => "",
        },
        why: match compared.why {
            Some(Incomparable::Missing) => "missing",
            Some(Incomparable::MethodBreak) => "method_break",
            Some(Incomparable::FromNothing) => "from_nothing",
            None => "",
        },
    }
}

/// By what a number is told from others.
fn of(cell: &Cell) -> (&str, &str, &str) {
    (&cell.channel, &cell.source_name, &cell.definition)
}

fn line(lang: &str, figure: &Figure, name: String) -> Line {
    let cell = &figure.cell;
    Line {
        channel: name,
        source: cell.source_name.clone(),
        definition: cell.definition.clone(),
        gain: cell.gain.map(|gain| signed(gain, lang)),
        gain_posts: view::number(cell.gain_posts.into(), lang),
        latest: view::number(cell.latest, lang),
        fell: cell.fell,
        method_break: cell.method_break,
        before: beside(&figure.before, lang),
        last_year: beside(&figure.last_year, lang),
    }
}

async fn cut(reader: &Reader<'_>, report: &Report) -> Result<Cut, WebError> {
    let mut names = Names::default();
    let by = report.query.by;
    let mut rows = Vec::new();
    for row in &report.rows {
        rows.push(row_view(reader, &mut names, by, row, false).await?);
    }
    rows.push(row_view(reader, &mut names, by, &report.total, true).await?);
    let left_off = match report.left_off {
        0 => String::new(),
        more => view::number(u64::try_from(more).unwrap_or(u64::MAX), reader.lang),
    };
    let as_of = report.as_of.filter(|_| by == By::Agency);
    let as_of = as_of.map(|at| view::time(at, ZONE)).unwrap_or_default();
    Ok(Cut { by: name_of(&by), rows, left_off, as_of })
}

async fn row_view(
    reader: &Reader<'_>,
    names: &mut Names,
    by: By,
    row: &loa_reach::ReportRow,
    total: bool,
) -> Result<Row, WebError> {
    let (app, lang) = (reader.app, reader.lang);
    let word = |key: &str| app.assets.word(lang, key);
    let label = match by {
        _ if total => word("report.total"),
        By::Channel => channel_name(app, &row.key),
        By::Account => match row.key.parse() {
            Ok(name) => names.account(app, &name).await?,
            Err(_) => row.label.clone(),
        },
        By::Format => serde_json::from_value(row.key.as_str().into())
            .map_or_else(|_| row.label.clone(), |format| format_word(app, lang, format)),
        By::Section if row.key.is_empty() => word("report.no_section"),
        By::Language if matches!(row.key.as_str(), "vi" | "en") => {
            word(&format!("report.lang_{}", row.key))
        }
        By::Post => row.post.as_ref().map_or_else(|| row.label.clone(), |post| post.title.clone()),
        By::Article | By::Section | By::Language | By::Agency => row.label.clone(),
    };
    let detail = match &row.post {
        Some(post) => {
            let account = names.account(app, &post.account).await?;
            let format = format_word(app, lang, post.format);
            let at = view::told_time(post.live_since, ZONE, lang);
            format!("{account} · {format} · {at}")
        }
        None => String::new(),
    };
    let href = match by {
        _ if total || !reader.inside => String::new(),
        By::Article => format!("/bao-cao/bai-viet/{}", row.key),
        By::Post if row.key.parse::<PostId>().is_ok() => format!("/bai-dang/{}", row.key),
        _ => String::new(),
    };
    let cells = METRICS.iter().map(|metric| RowCell {
        metric: name_of(metric),
        numbers: {
            let own = || row.cells.iter().filter(|c| c.metric == *metric && c.gain.is_some());
            let names = number_names(app, lang, own().map(of));
            let value = |cell: &Cell| signed(cell.gain.unwrap_or_default(), lang);
            own().zip(names).map(|(cell, channel)| Number { value: value(cell), channel }).collect()
        },
    });
    let number = |n: u32| view::number(n.into(), lang);
    Ok(Row {
        total,
        label,
        detail,
        href,
        posts: number(row.posts),
        measured: number(row.measured),
        reach: row.reach.map(|reach| range(reach, lang)),
        cells: cells.collect(),
    })
}

#[derive(Serialize)]
struct Page {
    head: Head,
    #[serde(flatten)]
    numbers: Numbers,
    all_cuts: Vec<String>,
}

/// Cuts that say anything to whoever looks: agencies stand beside each other where there are several.
fn cuts_for(visitor: &Visitor) -> Vec<String> {
    let several = super::analysed(visitor).len() > 1;
    By::ALL.iter().filter(|by| several || **by != By::Agency).map(name_of).collect()
}

/// The overview as a page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<(StatusCode, Html<String>), WebError> {
    let Shown { mut wanted, status, wrong } = ask.shown(app.clock.now(), &visitor.lang)?;
    // One table at a time.
    wanted.by.truncate(1);
    let others = super::beside(&app, &visitor, &wanted).await?;
    let told = told(&app, &visitor.user.agency, &others, &wanted).await?;
    let reader = Reader { app: &app, lang: &visitor.lang, inside: true };
    let page = Page {
        head: Head::of(&app, &visitor, "overview", (&wanted, wrong), told.overview.period.as_of)
            .await?,
        numbers: Numbers::of(&reader, &told).await?,
        all_cuts: cuts_for(&visitor),
    };
    Ok((status, pages::draw(&app, &visitor, "reach", "pages/reach.html", page).await?))
}
