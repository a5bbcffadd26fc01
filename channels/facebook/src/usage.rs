//! The usage headers of an answer: percent of an allowance, and when access is regained.

use std::time::Duration;

use loa_channel::{Scope, Usage};
use loa_net::Response;
use serde_json::Value;

/// Windows of the platform's call counts.
const WINDOW: Duration = Duration::from_hours(1);

/// What the headers say; nothing when there are none or they cannot be read.
pub(crate) fn told(response: &Response) -> Vec<Usage> {
    let regained = regained_in(response);
    let read = |name: &str| -> Option<Value> { serde_json::from_str(response.header(name)?).ok() };
    let app = read("x-app-usage").as_ref().and_then(highest);
    let page = read("x-page-usage").as_ref().and_then(highest);
    let pages = read("x-business-use-case-usage");
    let by_page = pages.as_ref().into_iter().flat_map(rows).filter_map(highest).max();
    let levels = [(Scope::App, app), (Scope::Account, page.max(by_page))];
    let levels = levels.into_iter().filter_map(|(scope, percent)| {
        // The platform's own word on the end of it is worth more than the length of a window.
        Some(Usage::Level { scope, percent: percent?, lasts: regained.unwrap_or(WINDOW) })
    });
    levels.collect()
}

/// When access is regained, in the header's minutes; nothing when it is not lost.
pub(crate) fn regained_in(response: &Response) -> Option<Duration> {
    let pages: Value = serde_json::from_str(response.header("x-business-use-case-usage")?).ok()?;
    let minutes = rows(&pages).filter_map(|row| row["estimated_time_to_regain_access"].as_u64());
    let longest = minutes.max().filter(|minutes| *minutes > 0)?;
    Some(Duration::from_secs(longest.saturating_mul(60)))
}

/// One row per kind of call and Page.
fn rows(pages: &Value) -> impl Iterator<Item = &Value> {
    let lists = pages.as_object().into_iter().flat_map(|pages| pages.values());
    lists.filter_map(Value::as_array).flatten()
}

/// The highest of the three percentages; the platform throttles at the first that is full.
fn highest(row: &Value) -> Option<u8> {
    let names = ["call_count", "total_time", "total_cputime"];
    let percent = names.iter().filter_map(|name| row[*name].as_f64()).reduce(f64::max)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what a byte holds"
    )]
    Some(percent.clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Response {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Response {
            status: 200,
            headers: headers.iter().map(pair).collect(),
            body: bytes::Bytes::new(),
            url: "http://127.0.0.1/".parse().unwrap(),
        }
    }

    fn level(scope: Scope, percent: u8, minutes: u64) -> Usage {
        Usage::Level { scope, percent, lasts: Duration::from_secs(minutes * 60) }
    }

    #[test]
    fn each_header_tells_its_own_scope_and_the_fullest_of_three() {
        let app = ("x-app-usage", r#"{"call_count":28,"total_time":25,"total_cputime":31}"#);
        let page = ("x-page-usage", r#"{"call_count":61.9,"total_time":5,"total_cputime":5}"#);
        let pages = (
            "x-business-use-case-usage",
            r#"{"1":[{"type":"pages","call_count":12,"total_cputime":77,"total_time":3,
                "estimated_time_to_regain_access":0},{"type":"instagram","call_count":9}]}"#,
        );
        assert_eq!(told(&answer(&[app])), [level(Scope::App, 31, 60)]);
        assert_eq!(told(&answer(&[page])), [level(Scope::Account, 61, 60)]);
        assert_eq!(told(&answer(&[pages])), [level(Scope::Account, 77, 60)]);
        let both = [level(Scope::App, 31, 60), level(Scope::Account, 77, 60)];
        assert_eq!(told(&answer(&[app, page, pages])), both);
    }

    #[test]
    fn the_time_to_regain_access_is_how_long_the_reading_holds() {
        let app = ("x-app-usage", r#"{"call_count":100}"#);
        let pages = (
            "x-business-use-case-usage",
            r#"{"1":[{"call_count":100,"estimated_time_to_regain_access":7}],
                "2":[{"call_count":100,"estimated_time_to_regain_access":19}]}"#,
        );
        let both = [level(Scope::App, 100, 19), level(Scope::Account, 100, 19)];
        assert_eq!(told(&answer(&[app, pages])), both);
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for bad in ["", "{", "[]", "7", r#"{"call_count":"x"}"#, r#"{"1":{}}"#, r#"{"1":[7]}"#] {
            let headers = [("x-app-usage", bad), ("x-business-use-case-usage", bad)];
            assert_eq!(told(&answer(&headers)), [], "{bad}");
        }
        assert_eq!(told(&answer(&[])), []);
    }
}
