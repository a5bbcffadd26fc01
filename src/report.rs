//! `loa report`: the owner of the data folder answers with values, this process writes them in the format that was asked for.
//! The pages have their PDF drawn here too.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use futures::{FutureExt as _, future::BoxFuture};
use loa_canvas::{Canvas, Sheet};
use loa_reach::Reports;
use loa_web::Paper;

use crate::{
    USAGE,
    cli::{Format, ReachArgs},
    house, local, ops,
    settings::Settings,
    terminal,
};

/// A4 in millimetres.
const A4: Canvas = Canvas::new(210, 297);

/// Width of a chart in pixels: sharp where it is printed over half a page.
const CHART: u32 = 1440;

/// Reach of posts in a period, to a file or to standard output.
pub(crate) async fn reach(settings: Settings, order: ReachArgs) -> anyhow::Result<ExitCode> {
    let ReachArgs { from, to, by, format, out } = order;
    if format.is_binary() && out.is_none() && terminal::is_watched() {
        terminal::say(
            "loa: màn hình không hiện được định dạng này; hãy ghi ra tệp bằng --out TỆP hoặc chuyển hướng bằng > · \
             a terminal cannot show this format; name a file with --out FILE or redirect with >",
        );
        return Ok(ExitCode::from(USAGE));
    }
    let arguments = serde_json::to_value(ops::ReportArgs { from, to, by })?;
    let answer = local::ask(settings.clone(), "report", arguments, false).await?;
    let reports: Reports = serde_json::from_value(answer)
        .context("the running loa answers another kind of report; is it an older version?")?;
    let bytes = tokio::task::spawn_blocking(move || written(format, &reports, &settings)).await??;
    match out {
        None => terminal::bytes(&bytes)?,
        Some(path) => std::fs::write(&path, bytes)
            .with_context(|| format!("không ghi được {0} · cannot write {0}", path.display()))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn written(format: Format, reports: &Reports, settings: &Settings) -> anyhow::Result<Vec<u8>> {
    Ok(match format {
        Format::Json => format!("{}\n", serde_json::to_string(reports)?).into_bytes(),
        Format::Csv => loa_reach::csv(reports).into_bytes(),
        Format::Xlsx => loa_reach::xlsx(reports)?,
        Format::Parquet => loa_reach::parquet(reports)?,
        Format::Pdf => pdf(reports, settings)?,
    })
}

/// The report on A4, in the colours of the first agency.
fn pdf(reports: &Reports, settings: &Settings) -> anyhow::Result<Vec<u8>> {
    let agency = reports.agencies.first().context(
        "chưa có cơ quan nào để báo cáo, hãy thêm [[agencies]] vào tệp cấu hình · \
         there is no agency to report on, list one under [[agencies]] in the settings",
    )?;
    let data = loa_reach::paper(reports);
    let sheet =
        Sheet { template: "report", brand: &agency.brand, canvas: A4, data: &data, photos: &[] };
    let layout = house::engine(settings)?.compose(&sheet)?;
    if let Some(problem) = layout.problems().first() {
        bail!(
            "báo cáo không vừa trang giấy, hãy dùng --format xlsx · the report does not fit its pages, use --format xlsx: {problem:?}"
        );
    }
    let queries: Vec<_> = reports.reports.iter().map(|report| &report.query).collect();
    Ok(layout.pdf(&serde_json::to_string(&queries)?, None)?)
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
pub(crate) struct Press(pub(crate) Settings);

impl Paper for Press {
    fn pdf(&self, reports: Reports) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let settings = self.0.clone();
        apart(move || pdf(&reports, &settings))
    }

    fn png(&self, svg: String) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        let settings = self.0.clone();
        apart(move || {
            let drawn = house::engine(&settings)?.picture(&svg, CHART);
            Ok(loa_canvas::encode::png(&drawn.context(
                "biểu đồ không vẽ được, hãy tải tệp SVG · the chart cannot be drawn, take the SVG",
            )?)?)
        })
    }
}
