//! Reports as files: every chart as SVG and PNG, every table as CSV, workbook and Parquet, the report as PDF.

use std::collections::BTreeSet;

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use loa_model::{Account, AccountName, Agency, Metric};
use loa_reach::{By, Grid, HourText, Reports, Titles};
use loa_store::StoreExt;

use super::{Ask, Wanted, article, days_words, failed, lists, overview};
use crate::{Shared, article::ZONE, auth::Visitor, channels::agency_title, error::WebError, view};

/// Who draws reports on paper: made by `main`, which knows fonts, templates and brands.
pub trait Paper: Send + Sync {
    /// The reports as PDF under the letterhead of their first agency; the error is for people, in both languages.
    fn pdf(&self, reports: Reports) -> BoxFuture<'_, Result<Vec<u8>, String>>;

    /// A chart that is drawn already, an SVG, as PNG in the same fonts; the error is for people, in both languages.
    fn png(&self, svg: String) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

const CSV: &str = "text/csv; charset=utf-8";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const PARQUET: &str = "application/vnd.apache.parquet";
const PDF: &str = "application/pdf";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";

/// Files there are of a period: name and media type.
pub(super) const FILES: [(&str, &str); 17] = [
    ("lan-toa.csv", CSV),
    ("lan-toa.xlsx", XLSX),
    ("lan-toa.parquet", PARQUET),
    ("lan-toa.pdf", PDF),
    ("luot-xem.svg", SVG),
    ("luot-xem.png", PNG),
    ("bai-dang.csv", CSV),
    ("bai-dang.xlsx", XLSX),
    ("bai-dang.parquet", PARQUET),
    ("khung-gio.csv", CSV),
    ("khung-gio.xlsx", XLSX),
    ("khung-gio.parquet", PARQUET),
    ("khung-gio.svg", SVG),
    ("khung-gio.png", PNG),
    ("van-hanh.csv", CSV),
    ("van-hanh.xlsx", XLSX),
    ("van-hanh.parquet", PARQUET),
];

/// Files there are of an article.
pub(super) const OF_ARTICLE: [(&str, &str); 5] = [
    ("chart.svg", SVG),
    ("chart.png", PNG),
    ("luot-xem.csv", CSV),
    ("luot-xem.xlsx", XLSX),
    ("luot-xem.parquet", PARQUET),
];

/// What a file is made of.
enum Content {
    Reports(Box<Reports>),
    Grid(Grid),
    /// Empty when there is nothing to draw.
    Chart(String),
}

/// The letterhead of an agency; of one without a record its name.
async fn letterhead(app: &Shared, name: &str) -> Result<Agency, WebError> {
    let agency = app.store.read::<Agency>(name).await?.map(|row| row.record);
    Ok(agency.unwrap_or_else(|| Agency {
        name: name.to_owned(),
        title: name.to_owned(),
        brand: name.to_owned(),
        zone: ZONE.to_owned(),
        urgent_alone: false,
    }))
}

/// The reports of a period. With the cut by agency, every cut is there of each of them.
async fn reports(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
    paper: bool,
) -> Result<Reports, WebError> {
    let own = visitor.user.agency.as_str();
    let others = super::beside(app, visitor, wanted).await?;
    let mut agencies = vec![letterhead(app, own).await?];
    for (name, _) in others.iter().filter(|(name, _)| name != own) {
        agencies.push(letterhead(app, name).await?);
    }
    let books = app.reach.open(app).await?;
    let mut all = overview::reports(&books, (own, &others), wanted).map_err(failed)?;
    let by: Vec<By> = wanted.by.iter().copied().filter(|by| *by != By::Agency).collect();
    let each = Wanted { by, ..wanted.clone() };
    for (name, _) in others.iter().filter(|(name, _)| name != own) {
        all.extend(overview::reports(&books, (name, &[]), &each).map_err(failed)?);
    }
    let (mut first, mut trend) = (None, Vec::new());
    // The first page of the paper is of one agency.
    if paper && !wanted.by.contains(&By::Agency) {
        let told = overview::told(app, own, &[], &wanted.alone()).await?;
        trend = overview::named(app, &visitor.lang, &told.trend);
        first = Some(told.overview.clone());
    }
    let (zone, unnamed) = (ZONE.to_owned(), Titles::default());
    let mut reports =
        Reports { zone, agencies, reports: all, titles: unnamed, overview: first, trend };
    reports.titles = titles(app, &visitor.lang, reports.accounts()).await?;
    Ok(reports)
}

/// What people call channels, numbers and these accounts.
async fn titles(
    app: &Shared,
    lang: &str,
    accounts: BTreeSet<AccountName>,
) -> Result<Titles, WebError> {
    let mut titles = Titles::new(lang, &app.capabilities);
    for account in accounts {
        if let Some(row) = app.store.read::<Account>(account.as_str()).await? {
            titles.name_account(&account, &row.record.title);
        }
    }
    Ok(titles)
}

/// The maps of hours, drawn; nothing when there are none.
async fn hours(app: &Shared, visitor: &Visitor, wanted: &Wanted) -> Result<String, WebError> {
    let maps = lists::mapped(app, visitor, wanted).await?;
    if maps.is_empty() {
        return Ok(String::new());
    }
    let word = |key: &str| app.assets.word(&visitor.lang, key);
    let text = HourText {
        title: word("report.tab_hours"),
        description: word("report.hours_help"),
        days: [0, 1, 2, 3, 4, 5, 6].map(|day| word(&format!("report.day_{day}"))),
        thousands: view::thousands(&visitor.lang),
    };
    let of = maps.iter().map(|map| (&*map.channel, &*map.source_name, &*map.definition));
    let names = super::number_names(app, &visitor.lang, of);
    let charted: Vec<_> = names.into_iter().zip(maps.iter().cloned()).collect();
    Ok(loa_reach::hour_chart(&charted, &text))
}

/// A chart with what it is of, whose numbers it has and as of when; nothing stays nothing.
async fn captioned(
    app: &Shared,
    visitor: &Visitor,
    (svg, title): (&str, &str),
    as_of: Option<Timestamp>,
) -> Result<String, WebError> {
    if svg.is_empty() {
        return Ok(String::new());
    }
    let agency = agency_title(app, &visitor.user.agency).await?;
    let word = app.assets.word(&visitor.lang, "reach.as_of");
    let told = |at| format!(" · {word} {}", view::told_time(at, ZONE, &visitor.lang));
    let as_of = as_of.map(told).unwrap_or_default();
    Ok(loa_reach::captioned(svg, title, &format!("{agency}{as_of} · Loa")))
}

async fn content(
    app: &Shared,
    visitor: &Visitor,
    (stem, extension): (&str, &str),
    wanted: &Wanted,
) -> Result<Content, WebError> {
    let drawn = matches!(extension, "svg" | "png");
    let agency = &visitor.user.agency;
    let word = |key: &str| app.assets.word(&visitor.lang, key);
    let asked = [
        ("Cơ quan / Agency", agency_title(app, agency).await?),
        ("Kỳ / Period", days_words(wanted.days)),
    ];
    Ok(match stem {
        "luot-xem" => {
            let told = overview::told(app, agency, &[], &wanted.alone()).await?;
            let svg = overview::drawn(app, &visitor.lang, &told.trend).svg;
            let title = format!("{} · {}", word("report.trend"), days_words(wanted.days));
            Content::Chart(
                captioned(app, visitor, (&svg, &title), told.overview.period.as_of).await?,
            )
        }
        "khung-gio" if drawn => {
            let as_of = lists::mapped(app, visitor, wanted).await?;
            let as_of = as_of.iter().filter_map(|map| map.as_of).max();
            let svg = hours(app, visitor, wanted).await?;
            let title = format!("{} · {}", word("report.tab_hours"), days_words(wanted.days));
            Content::Chart(captioned(app, visitor, (&svg, &title), as_of).await?)
        }
        "khung-gio" => {
            let maps = lists::mapped(app, visitor, wanted).await?;
            Content::Grid(loa_reach::hours_grid(&maps, ZONE, &asked))
        }
        "bai-dang" => {
            let told = lists::ranked(app, visitor, wanted).await?;
            Content::Grid(loa_reach::ranking_grid(&told, ZONE, &asked))
        }
        "van-hanh" => {
            let told = lists::worked(app, visitor, wanted).await?;
            Content::Grid(loa_reach::operations_grid(&told, ZONE, &asked))
        }
        _ => Content::Reports(Box::new(reports(app, visitor, wanted, extension == "pdf").await?)),
    })
}

/// A report as a file to keep.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(file): Path<String>,
    Query(ask): Query<Ask>,
) -> Result<Response, WebError> {
    let known = FILES.into_iter().find(|(name, _)| *name == file);
    let (name, kind) = known.ok_or_else(WebError::missing)?;
    let wanted = ask.wanted(app.clock.now())?;
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let content = content(&app, &visitor, (stem, extension), &wanted).await?;
    let days = wanted.days;
    let shown = format!("{stem}-{}-{}.{extension}", days.first, days.last);
    answer((&app, &visitor), content, kind, extension, &shown).await
}

/// A chart or the numbers of an article as a file to keep.
pub(crate) async fn article(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let known = OF_ARTICLE.into_iter().find(|(name, _)| *name == file);
    let (name, kind) = known.ok_or_else(WebError::missing)?;
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let article = article::find(&app, &visitor, &id).await?;
    let content = if matches!(extension, "svg" | "png") {
        let (svg, as_of) = article::chart(&app, &visitor, &article).await?;
        let title =
            format!("{}: {}", app.assets.word(&visitor.lang, "metric.views"), article.title());
        Content::Chart(captioned(&app, &visitor, (&svg, &title), as_of).await?)
    } else {
        let lives = loa_reach::lives(&*app.store, &article.agency, article.id, Metric::Views);
        let asked = [("Bài viết / Article", article.title().to_owned())];
        let lives = lives.await.map_err(failed)?;
        Content::Grid(loa_reach::article_grid(&lives, app.clock.now(), ZONE, &asked))
    };
    answer((&app, &visitor), content, kind, extension, &format!("{stem}-{id}.{extension}")).await
}

async fn answer(
    (app, visitor): (&Shared, &Visitor),
    content: Content,
    kind: &'static str,
    extension: &str,
    name: &str,
) -> Result<Response, WebError> {
    let bytes = match content {
        // There is nothing to draw.
        Content::Chart(svg) if svg.is_empty() => return Err(WebError::missing()),
        Content::Chart(svg) if extension == "png" => app.paper.png(svg).await.map_err(undrawn)?,
        Content::Chart(svg) => svg.into_bytes(),
        Content::Reports(reports) if extension == "pdf" => {
            app.paper.pdf(*reports).await.map_err(undrawn)?
        }
        other => {
            let accounts = match &other {
                Content::Grid(grid) => grid.accounts(),
                _ => BTreeSet::new(),
            };
            let titles = titles(app, &visitor.lang, accounts).await?;
            written(extension.to_owned(), titles, other).await?
        }
    };
    let shown = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, shown)];
    Ok((headers, bytes).into_response())
}

/// Writing takes a moment: off the async workers.
async fn written(extension: String, titles: Titles, content: Content) -> Result<Vec<u8>, WebError> {
    let write = move || match (content, extension.as_str()) {
        (Content::Reports(reports), "csv") => Ok(loa_reach::csv(&reports).into_bytes()),
        (Content::Reports(reports), "xlsx") => loa_reach::xlsx(&reports),
        (Content::Reports(reports), _) => loa_reach::parquet(&reports),
        (Content::Grid(grid), "csv") => Ok(grid.csv(&titles).into_bytes()),
        (Content::Grid(grid), "xlsx") => grid.xlsx(&titles),
        (Content::Grid(grid), _) => grid.parquet(),
        (Content::Chart(svg), _) => Ok(svg.into_bytes()),
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(bytes) => bytes.map_err(failed),
        Err(error) => {
            tracing::error!(%error, "A report was not written");
            Err(WebError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Không ghi được báo cáo, đã ghi nhật ký / The report was not written, it is in the log",
            ))
        }
    }
}

fn undrawn(error: String) -> WebError {
    tracing::warn!(%error, "A report was not drawn on paper");
    WebError::new(StatusCode::UNPROCESSABLE_ENTITY, error)
}
