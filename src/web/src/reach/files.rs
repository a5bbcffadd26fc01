//! Reports as files: the same bytes as the command line writes.

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use loa_model::Agency;
use loa_reach::Reports;
use loa_store::StoreExt;

use super::{Ask, Wanted, failed, overview};
use crate::{Shared, article::ZONE, auth::Visitor, error::WebError};

/// Who draws reports on paper: made by `main`, which knows fonts, templates and brands.
pub trait Paper: Send + Sync {
    /// The reports as PDF under the letterhead of their first agency; the error is for people, in both languages.
    fn pdf(&self, reports: Reports) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

/// Files there are: name and media type.
pub(super) const FILES: [(&str, &str); 5] = [
    ("lan-toa.csv", "text/csv; charset=utf-8"),
    ("lan-toa.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("lan-toa.parquet", "application/vnd.apache.parquet"),
    ("lan-toa.pdf", "application/pdf"),
    ("luot-xem.svg", "image/svg+xml"),
];

async fn reports(app: &Shared, visitor: &Visitor, wanted: &Wanted) -> Result<Reports, WebError> {
    let name = &visitor.user.agency;
    let agency = app.store.read::<Agency>(name).await?.map(|row| row.record);
    let agency = agency.unwrap_or_else(|| Agency {
        name: name.clone(),
        title: name.clone(),
        brand: name.clone(),
        zone: ZONE.to_owned(),
        urgent_alone: false,
    });
    let reports = overview::reports(app, name, wanted).await?;
    Ok(Reports { zone: ZONE.to_owned(), agencies: vec![agency], reports })
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
    let bytes = if extension == "svg" {
        let told = overview::told(&app, &visitor.user.agency, &wanted).await?;
        let drawn = overview::drawn(&app, &visitor.lang, &told.trend);
        if drawn.svg.is_empty() {
            // Nothing was gained: there is nothing to draw.
            return Err(WebError::missing());
        }
        drawn.svg.into_bytes()
    } else {
        let reports = reports(&app, &visitor, &wanted).await?;
        match extension {
            "pdf" => app.paper.pdf(reports).await.map_err(undrawn)?,
            _ => written(extension.to_owned(), reports).await?,
        }
    };
    let days = wanted.days;
    let shown = format!("attachment; filename=\"{stem}-{}-{}.{extension}\"", days.first, days.last);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, shown)];
    Ok((headers, bytes).into_response())
}

/// Writing takes a moment: off the async workers.
async fn written(extension: String, reports: Reports) -> Result<Vec<u8>, WebError> {
    let write = move || match extension.as_str() {
        "csv" => Ok(loa_reach::csv(&reports).into_bytes()),
        "xlsx" => loa_reach::xlsx(&reports),
        _ => loa_reach::parquet(&reports),
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
