//! The overview: numbers of a period beside earlier ones, their trend, and one cut.

use axum::{
    Extension, Json,
    extract::{Query, State},
    response::Html,
};
use loa_model::{Metric, PostId};
use loa_reach::{
    By, ChartText, Compared, Drawn, Figure, Incomparable, Overview, Period, ReachRange, Report,
    TrendLine,
};
use serde::Serialize;

use super::{
    Ask, Head, METRICS, Names, Wanted, channel_name, failed, format_word, percent, signed,
};
use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    view,
};

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

/// Numbers of an agency over a period.
pub(crate) async fn told(app: &Shared, agency: &str, wanted: &Wanted) -> Result<Told, WebError> {
    let store = &*app.store;
    let overview = loa_reach::overview(store, agency, wanted.days, ZONE, None).await;
    let trend = loa_reach::trend(store, agency, wanted.days, ZONE, Metric::Views).await;
    let cuts = reports(app, agency, wanted).await?;
    Ok(Told { overview: overview.map_err(failed)?, trend: trend.map_err(failed)?, cuts })
}

/// One report for each cut.
pub(crate) async fn reports(
    app: &Shared,
    agency: &str,
    wanted: &Wanted,
) -> Result<Vec<Report>, WebError> {
    let (from, to) = wanted.days.span(ZONE);
    // The cut of the query is that of each report.
    let (agency, by) = (agency.to_owned(), By::Channel);
    let query = loa_reach::Query { agency, from, to, by, population: None };
    loa_reach::reports(&*app.store, &query, &wanted.by).await.map_err(failed)
}

/// The numbers as JSON.
pub(crate) async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Json<Told>, WebError> {
    let wanted = ask.wanted(app.clock.now())?;
    Ok(Json(told(&app, &visitor.user.agency, &wanted).await?))
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
    label: String,
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
        let cards = METRICS.iter().map(|metric| Card {
            metric: name_of(metric),
            lines: figures
                .iter()
                .filter(|figure| figure.cell.metric == *metric)
                .map(|figure| line(app, lang, figure))
                .collect(),
        });
        let cards = cards.collect();
        let drawn = drawn(app, lang, &told.trend);
        let mut cuts = Vec::new();
        for report in &told.cuts {
            cuts.push(cut(reader, report).await?);
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
            cards,
            chart: drawn.svg,
            table: drawn.table,
            metrics: METRICS.iter().map(name_of).collect(),
            cuts,
            empty: period.total.posts == 0,
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
        thousands: view::thousands(lang),
    };
    let lines: Vec<_> = trend
        .iter()
        .map(|one| {
            let name = channel_name(app, &one.channel);
            (format!("{name} · {} ({})", one.source_name, one.definition), one.clone())
        })
        .collect();
    loa_reach::trend_chart(&lines, &text)
}

fn range(reach: ReachRange, lang: &str) -> Range {
    Range {
        at_least: view::number(reach.at_least, lang),
        at_most: view::number(reach.at_most, lang),
        posts: view::number(reach.posts.into(), lang),
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

fn line(app: &Shared, lang: &str, figure: &Figure) -> Line {
    let cell = &figure.cell;
    Line {
        channel: channel_name(app, &cell.channel),
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
    Ok(Cut { by: name_of(&by), rows })
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
        By::Article | By::Post | By::Section | By::Language => row.label.clone(),
    };
    let href = match by {
        _ if total || !reader.inside => String::new(),
        By::Article => format!("/bao-cao/bai-viet/{}", row.key),
        By::Post if row.key.parse::<PostId>().is_ok() => format!("/bai-dang/{}", row.key),
        _ => String::new(),
    };
    let cells = METRICS.iter().map(|metric| RowCell {
        metric: name_of(metric),
        numbers: row
            .cells
            .iter()
            .filter(|cell| cell.metric == *metric)
            .filter_map(|cell| {
                let value = signed(cell.gain?, lang);
                Some(Number { value, channel: channel_name(app, &cell.channel) })
            })
            .collect(),
    });
    let number = |n: u32| view::number(n.into(), lang);
    Ok(Row {
        label,
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

/// The overview as a page.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(ask): Query<Ask>,
) -> Result<Html<String>, WebError> {
    let mut wanted = ask.wanted(app.clock.now())?;
    // One table at a time.
    wanted.by.truncate(1);
    let told = told(&app, &visitor.user.agency, &wanted).await?;
    let reader = Reader { app: &app, lang: &visitor.lang, inside: true };
    let page = Page {
        head: Head::of(&visitor, "overview", &wanted, told.overview.period.as_of),
        numbers: Numbers::of(&reader, &told).await?,
        all_cuts: By::ALL.iter().map(name_of).collect(),
    };
    pages::draw(&app, &visitor, "reach", "pages/reach.html", page).await
}
