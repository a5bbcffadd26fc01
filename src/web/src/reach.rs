//! Reports for analysts: what is asked for, and the words that every page of them shares.

pub(crate) mod article;
pub(crate) mod files;
pub(crate) mod lists;
pub(crate) mod overview;
pub(crate) mod population;
pub(crate) mod share;
pub(crate) mod shelf;
pub(crate) mod told;

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use loa_model::{Account, AccountName, Membership, Metric, PostFormat, Role};
use loa_reach::{By, Days, PostRef, Titles};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    article::ZONE,
    auth::Visitor,
    channels::agency_title,
    error::{BETWEEN, WebError},
    pages::{channel_title, name_of},
    view,
    ways::{Access, Ways},
};

/// Who gives links to people outside.
pub(crate) const SHARERS: Access = Access::Only(SHARING);
const SHARING: &[Role] = &[Role::Approver, Role::Analyst, Role::Admin];

/// Who states how many people there are.
pub(crate) const COUNTERS: Access = Access::Only(COUNTING);
const COUNTING: &[Role] = &[Role::Analyst, Role::Admin];

/// The addresses of what came to reports last.
pub(crate) fn ways(ways: Ways) -> Ways {
    let staff = Access::Staff;
    ways.get("/bao-cao/dan-so", staff, population::page)
        .post("/bao-cao/dan-so", COUNTERS, population::press)
        .post("/bao-cao/dan-so/bo", COUNTERS, population::drop)
        .api(
            Method::GET,
            "/api/v1/reach/populations",
            staff,
            (population::list_told(), population::list),
        )
        .api(
            Method::POST,
            "/api/v1/reach/populations",
            COUNTERS,
            (population::add_told(), population::add),
        )
        .api(
            Method::DELETE,
            "/api/v1/reach/populations",
            COUNTERS,
            (population::remove_told(), population::remove),
        )
}

/// The agencies whose reports the visitor reads beside each other: those where they are analysts or administrators, and the one
/// they act for.
pub(crate) fn analysed(visitor: &Visitor) -> Vec<&str> {
    let reads = |there: &&Membership| {
        there.agency == visitor.user.agency
            || there.roles.iter().any(|role| COUNTING.contains(role))
    };
    visitor.agencies.iter().filter(reads).map(|there| there.agency.as_str()).collect()
}

/// Short and full names of the agencies of a cut by agency; none where it is not asked for.
pub(crate) async fn beside(
    app: &Shared,
    visitor: &Visitor,
    wanted: &Wanted,
) -> Result<Vec<(String, String)>, WebError> {
    let mut all = Vec::new();
    if wanted.by.contains(&By::Agency) {
        for name in analysed(visitor) {
            all.push((name.to_owned(), agency_title(app, name).await?));
        }
    }
    Ok(all)
}

/// Metrics in the order of pages; unique people come apart, as a range.
pub(crate) const METRICS: [Metric; 7] = [
    Metric::Views,
    Metric::Impressions,
    Metric::Reactions,
    Metric::Comments,
    Metric::Shares,
    Metric::Clicks,
    Metric::LinkClicks,
];

/// Periods that have a name.
pub(crate) const RANGES: [&str; 5] = ["7d", "30d", "90d", "month", "quarter"];
/// Most days of a report.
const MOST_DAYS: i64 = 366;

/// What a report is asked for: a period with a name, or days; a cut.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Ask {
    range: Option<String>,
    from: Option<String>,
    to: Option<String>,
    by: Option<String>,
}

/// The same, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// One of [`RANGES`], or `custom`.
    pub(crate) range: &'static str,
    pub(crate) days: Days,
    /// Whether its last day is not over: its numbers are provisional.
    pub(crate) running: bool,
    pub(crate) by: Vec<By>,
}

impl Wanted {
    /// The same without cuts.
    pub(crate) fn alone(&self) -> Self {
        Self { by: Vec::new(), ..self.clone() }
    }
}

/// What a page shows: what was asked, or what stands in its place and why.
pub(crate) struct Shown {
    pub(crate) wanted: Wanted,
    pub(crate) status: StatusCode,
    /// What was wrong with what was asked; empty when nothing was.
    pub(crate) wrong: String,
}

impl Ask {
    /// The same for a page: what cannot be asked is answered beside the form, over the last 30 days.
    pub(crate) fn shown(&self, now: Timestamp, lang: &str) -> Result<Shown, WebError> {
        match self.wanted(now) {
            Ok(wanted) => Ok(Shown { wanted, status: StatusCode::OK, wrong: String::new() }),
            Err(error) => {
                let by = cuts(self.by.as_deref()).ok().and(self.by.clone());
                let wanted = Self { by, ..Self::default() }.wanted(now)?;
                let (vi, en) = error
                    .message
                    .split_once(BETWEEN)
                    .unwrap_or((error.message.as_ref(), error.message.as_ref()));
                let wrong = if lang == "en" { en } else { vi }.to_owned();
                Ok(Shown { wanted, status: error.status, wrong })
            }
        }
    }

    /// Days of our zone: the last 30 when nothing is said.
    pub(crate) fn wanted(&self, now: Timestamp) -> Result<Wanted, WebError> {
        let text = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let (from, to) = (text(&self.from), text(&self.to));
        let named = text(&self.range).filter(|range| range != "custom");
        let today = now.to_zoned(TimeZone::get(ZONE).unwrap_or(TimeZone::UTC)).date();
        let (range, days) = match named {
            Some(name) => named_days(&name, today)?,
            None if from.is_none() && to.is_none() => named_days("30d", today)?,
            None => {
                let last = to.as_deref().map_or(Ok(today), day)?;
                let first =
                    from.as_deref().map_or_else(|| Ok(last.saturating_sub(29.days())), day)?;
                ("custom", Days { first, last })
            }
        };
        match days.count() {
            None => Err(WebError::unfit(
                "Ngày cuối đứng trước ngày đầu / The last day is before the first",
            )),
            Some(count) if count > MOST_DAYS => Err(WebError::unfit(
                "Kỳ báo cáo dài nhất là 366 ngày / A report covers at most 366 days",
            )),
            Some(_) => {
                let by = cuts(text(&self.by).as_deref())?;
                Ok(Wanted { range, days, running: days.last >= today, by })
            }
        }
    }
}

fn named_days(name: &str, today: Date) -> Result<(&'static str, Days), WebError> {
    let since = |days: i64| today.saturating_sub((days - 1).days());
    let quarter = (today.month() - 1) / 3 * 3 + 1;
    let first_of = |month: i8| Date::new(today.year(), month, 1).unwrap_or(today);
    let known = RANGES.into_iter().find(|range| *range == name);
    let first = match known {
        Some("7d") => since(7),
        Some("30d") => since(30),
        Some("90d") => since(90),
        Some("month") => first_of(today.month()),
        Some("quarter") => first_of(quarter),
        _ => {
            return Err(WebError::unfit(
                "Không có kỳ này: chọn 7d, 30d, 90d, month, quarter hoặc custom / There is no such period: choose 7d, 30d, 90d, month, quarter or custom",
            ));
        }
    };
    Ok((known.unwrap_or("custom"), Days { first, last: today }))
}

fn day(text: &str) -> Result<Date, WebError> {
    let bad = |_| {
        WebError::unfit(
            "Ngày không hợp lệ, viết như 2026-11-30 / Not a valid day, write it as 2026-11-30",
        )
    };
    let day: Date = text.parse().map_err(bad)?;
    // Days that nothing was published on are no error; days outside of the calendars of databases are.
    if !(1900..=2200).contains(&day.year()) {
        return Err(WebError::unfit("Ngày nằm ngoài 1900–2200 / The day is outside 1900–2200"));
    }
    Ok(day)
}

fn cuts(text: Option<&str>) -> Result<Vec<By>, WebError> {
    let mut cuts = Vec::new();
    for name in text.unwrap_or("channel").split(',') {
        let known = By::ALL.into_iter().find(|by| name_of(by) == name);
        let by = known
            .ok_or_else(|| WebError::unfit("Không có cách chia này / There is no such cut"))?;
        if !cuts.contains(&by) {
            cuts.push(by);
        }
    }
    Ok(cuts)
}

/// A failure of a report, for people.
pub(crate) fn failed(error: loa_reach::Error) -> WebError {
    match error {
        loa_reach::Error::Store(error) => error.into(),
        loa_reach::Error::TooMany { most } => WebError::unfit(format!(
            "Kỳ này có hơn {most} bài đăng, hãy chọn kỳ ngắn hơn / The period has more than {most} posts, choose a shorter one"
        )),
        other => {
            tracing::error!(error = %other, "Could not write a report");
            WebError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Không lập được báo cáo, đã ghi nhật ký / The report failed, it is in the log",
            )
        }
    }
}

/// What the head of every page of reports shows: the period, and how to ask for another.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Head {
    /// Which page it is.
    tab: &'static str,
    range: &'static str,
    ranges: [&'static str; 5],
    from: String,
    to: String,
    /// The days in words.
    days: String,
    before: String,
    last_year: String,
    /// The same period as an address asks for it.
    query: String,
    /// Time of the newest number; empty when there is none.
    as_of: String,
    running: bool,
    may_share: bool,
    /// Whose numbers they are, for the head of what is printed.
    agency: String,
    /// When the page was made.
    made_at: String,
    /// What was wrong with what was asked; empty when nothing was.
    wrong: String,
}

impl Head {
    pub(crate) async fn of(
        app: &Shared,
        visitor: &Visitor,
        tab: &'static str,
        (wanted, wrong): (&Wanted, String),
        as_of: Option<Timestamp>,
    ) -> Result<Self, WebError> {
        let Days { first, last } = wanted.days;
        Ok(Self {
            agency: agency_title(app, &visitor.user.agency).await?,
            made_at: view::time(app.clock.now(), ZONE),
            tab,
            wrong,
            range: wanted.range,
            ranges: RANGES,
            from: first.to_string(),
            to: last.to_string(),
            days: days_words(wanted.days),
            before: days_words(wanted.days.before()),
            last_year: days_words(wanted.days.last_year()),
            query: format!("from={first}&to={last}"),
            as_of: as_of.map(|at| view::time(at, ZONE)).unwrap_or_default(),
            running: wanted.running,
            may_share: visitor.user.is_any(SHARING),
        })
    }
}

/// Days as people write them: `16/11/2026 – 22/11/2026`.
pub(crate) fn days_words(days: Days) -> String {
    let day = |day: Date| day.strftime("%d/%m/%Y").to_string();
    format!("{} – {}", day(days.first), day(days.last))
}

/// A number with its sign as people write it: `−1.200`.
pub(crate) fn signed(value: i64, lang: &str) -> String {
    let sign = if value < 0 { "−" } else { "" };
    format!("{sign}{}", view::number(value.unsigned_abs(), lang))
}

/// A change in tenths of a percent: `+12,5%`.
pub(crate) fn percent(permille: i64, lang: &str) -> String {
    let sign = match permille {
        0 => "",
        1.. => "+",
        ..0 => "−",
    };
    let (whole, tenth) = (permille.unsigned_abs() / 10, permille.unsigned_abs() % 10);
    let point = if lang == "en" { '.' } else { ',' };
    format!("{sign}{}{point}{tenth}%", view::number(whole, lang))
}

/// Names that pages say instead of ids, each looked up once.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// The name the audience sees, with its channel: `Cổng Thông tin · Facebook`.
    pub(crate) async fn account(
        &mut self,
        app: &Shared,
        name: &AccountName,
    ) -> Result<String, WebError> {
        if let Some(title) = self.0.get(name.as_str()) {
            return Ok(title.clone());
        }
        let account = app.store.read::<Account>(name.as_str()).await?;
        let title = account.map_or_else(|| name.to_string(), |row| row.record.title);
        let title = format!("{title} · {}", channel_title(app, name));
        self.0.insert(name.to_string(), title.clone());
        Ok(title)
    }
}

/// Name of a kind of platform, for people.
pub(crate) fn channel_name(app: &Shared, channel: &str) -> String {
    app.capabilities.get(channel).map_or_else(|| channel.to_owned(), |found| found.title.clone())
}

/// Names of numbers for people, each told by its channel, platform's name and definition: `Facebook · video ngắn`.
pub(crate) fn number_names<'a>(
    app: &Shared,
    lang: &str,
    of: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Vec<String> {
    Titles::new(lang, &app.capabilities).number_names(of)
}

/// Name of a number for people.
pub(crate) fn number_name(app: &Shared, lang: &str, channel: &str, source: &str) -> String {
    match number_title(app, lang, channel, source) {
        Some(title) => format!("{} · {title}", channel_name(app, channel)),
        None => channel_name(app, channel),
    }
}

/// What a number of a channel counts, where its metric does not say it all.
pub(crate) fn number_title<'a>(
    app: &'a Shared,
    lang: &str,
    channel: &str,
    source: &str,
) -> Option<&'a str> {
    app.capabilities.get(channel)?.number_title(source, lang)
}

/// A form of posts in words.
pub(crate) fn format_word(app: &Shared, lang: &str, format: PostFormat) -> String {
    app.assets.word(lang, &format!("format.{}", name_of(&format)))
}

/// A post in a list.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PostLine {
    post: String,
    article: String,
    title: String,
    account: String,
    format: String,
    live_since: String,
}

impl PostLine {
    pub(crate) async fn of(
        app: &Shared,
        visitor: &Visitor,
        names: &mut Names,
        post: &PostRef,
    ) -> Result<Self, WebError> {
        Ok(Self {
            post: post.post.to_string(),
            article: post.article.to_string(),
            title: post.title.clone(),
            account: names.account(app, &post.account).await?,
            format: format_word(app, &visitor.lang, post.format),
            live_since: view::told_time(post.live_since, ZONE, &visitor.lang),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(range: &str, from: &str, to: &str, by: &str) -> Result<Wanted, WebError> {
        let text = |text: &str| Some(text.to_owned());
        let ask = Ask { range: text(range), from: text(from), to: text(to), by: text(by) };
        // The last hour of a day in Hanoi is the one before midnight there.
        ask.wanted("2026-11-30T16:30:00Z".parse().unwrap())
    }

    #[test]
    fn periods_have_names_or_days() {
        for (range, from, to, expect) in [
            ("", "", "", ("30d", "2026-11-01", "2026-11-30")),
            ("7d", "2020-01-01", "", ("7d", "2026-11-24", "2026-11-30")),
            ("90d", "", "", ("90d", "2026-09-02", "2026-11-30")),
            ("month", "", "", ("month", "2026-11-01", "2026-11-30")),
            ("quarter", "", "", ("quarter", "2026-10-01", "2026-11-30")),
            ("custom", "2026-05-01", "2026-05-02", ("custom", "2026-05-01", "2026-05-02")),
            ("", "2026-11-20", "", ("custom", "2026-11-20", "2026-11-30")),
            ("", "", "2026-05-30", ("custom", "2026-05-01", "2026-05-30")),
        ] {
            let wanted = ask(range, from, to, "").unwrap();
            let days = (wanted.range, wanted.days.first.to_string(), wanted.days.last.to_string());
            assert_eq!(days, (expect.0, expect.1.to_owned(), expect.2.to_owned()), "{range}");
            assert_eq!(wanted.by, [By::Channel]);
        }
        assert_eq!(ask("", "", "", "format,section,format").unwrap().by, [By::Format, By::Section]);
        for (range, from, to, by) in [
            ("year", "", "", ""),
            ("", "2026-11-02", "2026-11-01", ""),
            ("", "2025-11-29", "2026-11-30", ""),
            ("", "30/11/2026", "", ""),
            ("", "", "9999-12-31", ""),
            ("", "", "", "province"),
        ] {
            let refused = ask(range, from, to, by).unwrap_err();
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{range} {from} {to} {by}"
            );
            assert!(refused.message.contains(" / "), "in two languages: {}", refused.message);
        }
    }

    #[test]
    fn changes_are_said_with_their_sign() {
        assert_eq!(percent(125, "vi"), "+12,5%");
        assert_eq!(percent(-15_004, "en"), "−1,500.4%");
        assert_eq!(percent(0, "vi"), "0,0%");
        assert_eq!(signed(-1200, "vi"), "−1.200");
    }
}
