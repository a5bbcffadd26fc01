//! `loa report`: the owner of the data folder answers with values, this process writes them in the format that was asked for.
//! The pages have their PDF drawn here too.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use futures::{FutureExt as _, future::BoxFuture};
use jiff::{ToSpan as _, civil::Date};
use loa_canvas::{Canvas, Sheet};
use loa_model::{Account, Agency, Metric, schedule, template::OWN};
use loa_pipeline::{Kit, SentKit, with_kit};
use loa_reach::{By, Days, Query, Reports, Titles};
use loa_store::{Blobs, Store, StoreExt};
use loa_web::Paper;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    USAGE,
    cli::{Format, ReachArgs},
    house::{self, House},
    local, ops,
    settings::Settings,
    terminal,
};

/// A4 in millimetres.
const A4: Canvas = Canvas::new(210, 297);

/// Width of a chart in pixels: sharp where it is printed over half a page.
const CHART: u32 = 1440;

/// Reach of posts in a period, to a file or to standard output.
pub(crate) async fn reach(settings: Settings, order: ReachArgs) -> anyhow::Result<ExitCode> {
    let ReachArgs { from, to, by, format, lang, out } = order;
    if format.is_binary() && out.is_none() && terminal::is_watched() {
        terminal::say(
            "loa: màn hình không hiện được định dạng này; hãy ghi ra tệp bằng --out TỆP hoặc chuyển hướng bằng > · \
             a terminal cannot show this format; name a file with --out FILE or redirect with >",
        );
        return Ok(ExitCode::from(USAGE));
    }
    let arguments = serde_json::to_value(ReportArgs { from, to, by, lang })?;
    let answer = local::ask(settings.clone(), "report", arguments, false).await?;
    let reports: Reports = serde_json::from_value(answer)
        .context("the running loa answers another kind of report; is it an older version?")?;
    let kit = if format == Format::Pdf { kit(&settings, &reports).await? } else { None };
    let write = move || written(format, &reports, &settings, kit.as_ref());
    let bytes = tokio::task::spawn_blocking(write).await??;
    match out {
        None => terminal::bytes(&bytes)?,
        Some(path) => std::fs::write(&path, bytes)
            .with_context(|| format!("không ghi được {0} · cannot write {0}", path.display()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The kit of the first agency, when it made it itself: the owner of the data folder has it.
async fn kit(settings: &Settings, reports: &Reports) -> anyhow::Result<Option<Kit>> {
    let own = reports.agencies.first().filter(|agency| agency.brand.starts_with(OWN));
    let Some(agency) = own else { return Ok(None) };
    let answer = local::ask(settings.clone(), "kit", json!(agency.name), false).await?;
    let sent: SentKit = serde_json::from_value(answer)
        .context("the running loa answers another kind of brand kit; is it an older version?")?;
    Ok(Some(sent.kit().map_err(anyhow::Error::msg)?))
}

fn written(
    format: Format,
    reports: &Reports,
    settings: &Settings,
    kit: Option<&Kit>,
) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        Format::Json => format!("{}\n", serde_json::to_string(reports)?).into_bytes(),
        Format::Csv => loa_reach::csv(reports).into_bytes(),
        Format::Xlsx => loa_reach::xlsx(reports)?,
        Format::Parquet => loa_reach::parquet(reports)?,
        Format::Pdf => pdf(reports, settings, kit)?,
    })
}

/// The report on A4, in the colours of the first agency.
fn pdf(reports: &Reports, settings: &Settings, kit: Option<&Kit>) -> anyhow::Result<Vec<u8>> {
    let agency = reports.agencies.first().context(
        "chưa có cơ quan nào để báo cáo, hãy thêm [[agencies]] vào tệp cấu hình · \
         there is no agency to report on, list one under [[agencies]] in the settings",
    )?;
    let data = loa_reach::paper(reports);
    let sheet =
        Sheet { template: "report", brand: &agency.brand, canvas: A4, data: &data, photos: &[] };
    let engine = with_kit(Arc::new(house::engine(settings)?), kit)?;
    let layout = engine.compose(&sheet)?;
    if let Some(problem) = layout.problems().first() {
        bail!(
            "báo cáo không vừa trang giấy, hãy dùng --format xlsx · the report does not fit its pages, use --format xlsx: {problem:?}"
        );
    }
    let queries: Vec<_> = reports.reports.iter().map(|report| &report.query).collect();
    Ok(layout.pdf(&serde_json::to_string(&queries)?, None)?)
}

/// Arguments of `loa report reach`: days of the zone of `reach`, both included; without days the last thirty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReportArgs {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    pub(crate) by: Vec<By>,
    /// Language of what people read in it.
    pub(crate) lang: String,
}

/// Reach of every agency in a period.
pub(crate) async fn counted(house: &House, order: ReportArgs) -> anyhow::Result<Reports> {
    let zone = schedule::zone(&house.settings.reach.zone)?;
    let last = order.to.unwrap_or_else(|| house.now().to_zoned(zone.clone()).date());
    let first = match order.from {
        Some(day) => day,
        None => last.checked_sub(29.days())?,
    };
    if first > last {
        bail!(
            "--from {first} sau --to {last}, kỳ báo cáo không có ngày nào · --from {first} is after --to {last}, the period has no day"
        );
    }
    let from = first.to_zoned(zone.clone())?.timestamp();
    let to = last.tomorrow()?.to_zoned(zone)?.timestamp();
    let mut cuts: Vec<By> = Vec::new();
    for by in order.by {
        if !cuts.contains(&by) {
            cuts.push(by);
        }
    }
    let agencies = house.store.all::<Agency>(1000).await?;
    let agencies: Vec<_> = agencies.into_iter().map(|row| row.record).collect();
    let books = loa_reach::Books::default();
    let books = books.open(&*house.store).await?;
    let mut reports = Vec::new();
    // Agencies side by side come first, then each of them.
    let (across, cuts): (Vec<By>, Vec<By>) = cuts.into_iter().partition(|by| *by == By::Agency);
    let query =
        |agency: &str, by| Query { agency: agency.to_owned(), from, to, by, population: None };
    if !across.is_empty() {
        let mut each = Vec::new();
        for agency in &agencies {
            let own = query(&agency.name, By::Channel);
            each.push((agency.title.clone(), loa_reach::report(books.of(&agency.name), &own)?));
        }
        reports.push(loa_reach::agencies(&each, &query("", By::Agency)));
    }
    for agency in &agencies {
        let own = query(&agency.name, By::Channel);
        reports.extend(loa_reach::reports(books.of(&agency.name), &own, &cuts)?);
    }
    let zone = house.settings.reach.zone.clone();
    let titles = Titles::new(&order.lang, &house.channels.capabilities());
    let (mut overview, mut trend) = (None, Vec::new());
    // The first page of the paper is of one agency.
    if let ([only], true) = (&agencies[..], across.is_empty()) {
        let (book, days) = (books.of(&only.name), Days { first, last });
        overview = Some(loa_reach::overview(book, days, &zone, None)?);
        let lines = loa_reach::trend(book, days, &zone, Metric::Views)?;
        let of = lines.iter().map(|one| (&*one.channel, &*one.source_name, &*one.definition));
        trend = titles.number_names(of).into_iter().zip(lines.iter().cloned()).collect();
    }
    let mut all = Reports { zone, agencies, reports, titles, overview, trend };
    for name in all.accounts() {
        if let Some(row) = house.store.read::<Account>(name.as_str()).await? {
            all.titles.name_account(&name, &row.record.title);
        }
    }
    Ok(all)
}

/// The kit that an agency made itself and draws in, for a process that draws its report.
pub(crate) async fn kept_kit(house: &House, name: &str) -> anyhow::Result<Value> {
    let agency = ops::agency(house, name).await?;
    let kit = Kit::find(&*house.store, &house.blobs, name, &agency.brand).await?;
    Ok(serde_json::to_value(kit.map(|kit| kit.sent()))?)
}

/// Draws on a thread of its own; what failed is said as pages say it.
fn apart(
    draw: impl FnOnce() -> anyhow::Result<Vec<u8>> + Send + 'static,
) -> BoxFuture<'static, Result<Vec<u8>, String>> {
    async move {
        let drawn = tokio::task::spawn_blocking(draw).await.map_err(|error| error.to_string())?;
        // The command line parts its languages with a dot, pages with a stroke.
        drawn.map_err(|error| error.to_string().replacen(" · ", " / ", 1))
    }
    .boxed()
}

/// Draws reports for the pages.
pub(crate) struct Press {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<Blobs>,
}

impl Paper for Press {
    fn pdf(&self, reports: Reports) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let settings = self.settings.clone();
        async move {
            let kit = match reports.agencies.first() {
                Some(agency) => {
                    Kit::find(&*self.store, &self.blobs, &agency.name, &agency.brand).await
                }
                None => Ok(None),
            };
            let kit = kit.map_err(|error| error.to_string())?;
            apart(move || pdf(&reports, &settings, kit.as_deref())).await
        }
        .boxed()
    }

    fn png(&self, svg: String) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let settings = self.settings.clone();
        apart(move || {
            let drawn = house::engine(&settings)?.picture(&svg, CHART);
            Ok(loa_canvas::encode::png(&drawn.context(
                "biểu đồ không vẽ được, hãy tải tệp SVG · the chart cannot be drawn, take the SVG",
            )?)?)
        })
    }
}
