//! Paper that only says what would be on it.

use futures::future::BoxFuture;
use loa_reach::Reports;
use loa_web::Paper;

/// Writes the name of the agency and how many reports there are; refuses more than six.
pub struct Typed;

impl Paper for Typed {
    fn pdf(&self, reports: Reports) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let count = reports.reports.len();
            if count > 6 {
                return Err(
                    "báo cáo không vừa trang giấy / the report does not fit its pages".to_owned()
                );
            }
            Ok(format!("%PDF-1.7 {} {count}", reports.agencies[0].title).into_bytes())
        })
    }

    fn png(&self, svg: String) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move { Ok(format!("\u{89}PNG of {} letters", svg.len()).into_bytes()) })
    }
}
