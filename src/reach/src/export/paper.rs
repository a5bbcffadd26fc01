//! A report as the template `report` draws it: words and numbers as they stand on paper, nothing left to decide.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Reports,
    table::metrics,
    words::{NO_DATA, READING, cut_words, metric_words, row_words},
};
use crate::{Cell, Figure, Report, ReportRow, plot::nice};

/// Where a number would stand if it were known.
const UNKNOWN: &str = "–";

/// The data of the template `report`, which chooses the words of the reader's language. Whoever has fonts and templates draws it.
pub fn paper(reports: &Reports) -> Value {
    let section = |title: &str, name: &str| {
        let own = reports.reports.iter().filter(|report| report.query.agency == name);
        // The total is that of all posts, however they are cut: it stands once.
        let cuts: Vec<Value> =
            own.enumerate().map(|(n, report)| cut(reports, report, n == 0)).collect();
        (!cuts.is_empty()).then(|| json!({ "name": title, "cuts": cuts }))
    };
    // What several have side by side comes before each of them.
    let across = section(&reports.titles.say(("Các cơ quan", "All agencies")), "");
    let each = reports.agencies.iter().filter_map(|agency| section(&agency.title, &agency.name));
    let agencies: Vec<Value> = across.into_iter().chain(each).collect();
    let metrics: Vec<Value> = metrics(reports)
        .into_iter()
        .map(metric_words)
        .map(|words| {
            json!({ "vi": words.vi, "en": words.en, "means_vi": words.means_vi, "means_en": words.means_en })
        })
        .collect();
    let reading: Vec<Value> =
        READING.iter().map(|(vi, en)| json!({ "vi": vi, "en": en })).collect();
    let before = reports.overview.as_ref().map(|overview| overview.before.days);
    let day = |day| reports.titles.day(day);
    let before =
        before.map(|days| format!("{} – {}", day(days.first), day(days.last))).unwrap_or_default();
    json!({
        "figures": figures(reports), "before_days": before, "chart": chart(reports),
        "lang": reports.titles.say(("vi", "en")), "title": "Báo cáo lan tỏa", "title_en": "Reach report",
        "zone": reports.zone, "agencies": agencies, "metrics": metrics, "reading": reading,
    })
}

/// What was gained in the period and in the one before, a line each; reach as a range.
fn figures(reports: &Reports) -> Vec<Value> {
    let Some(overview) = &reports.overview else { return Vec::new() };
    let titles = &reports.titles;
    let gain = |gain: Option<i64>| gain.map_or_else(|| UNKNOWN.to_owned(), |n| titles.gain(n));
    let range = |row: &ReportRow| match row.reach {
        Some(reach) if reach.at_least == reach.at_most => titles.count(reach.at_least),
        Some(reach) => {
            format!("{} – {}", titles.count(reach.at_least), titles.count(reach.at_most))
        }
        None => UNKNOWN.to_owned(),
    };
    let published = json!({
        "vi": "Bài đăng lên trong kỳ", "en": "Posts that went live", "channel": "", "counts": "",
        "value": titles.count(overview.period.published.into()),
        "before": titles.count(overview.before.published.into()), "change": "",
    });
    let reach = json!({
        "vi": "Tiếp cận (lũy kế)", "en": "Reach (in all)", "channel": "", "counts": "",
        "value": range(&overview.period.total), "before": range(&overview.before.total), "change": "",
    });
    let line = |figure: &Figure| {
        let (cell, words) = (&figure.cell, metric_words(figure.cell.metric));
        let change = figure.before.change_permille.map_or_else(
            || UNKNOWN.to_owned(),
            |change| {
                let sign = if change < 0 { "−" } else { "+" };
                let (whole, tenth) = (change.unsigned_abs() / 10, change.unsigned_abs() % 10);
                let mark = titles.say((",", "."));
                format!("{sign}{}{mark}{tenth}%", titles.count(whole))
            },
        );
        json!({
            "vi": words.vi, "en": words.en, "channel": reports.titles.channel(&cell.channel),
            "counts": reports.titles.number(&cell.channel, &cell.source_name),
            "value": gain(cell.gain), "before": gain(figure.before.gain), "change": change,
        })
    };
    [published, reach].into_iter().chain(overview.figures.iter().map(line)).collect()
}

/// What the chart of the first page is drawn of; nothing where nothing was gained.
fn chart(reports: &Reports) -> Option<Value> {
    let (_, first) = reports.trend.first()?;
    let pattern = reports.titles.say(("%d/%m", "%-d %b"));
    let day = |day: &jiff::civil::Date| day.strftime(&pattern).to_string();
    let days: Vec<String> = first.days.iter().map(|(of, _)| day(of)).collect();
    let gains = || reports.trend.iter().flat_map(|(_, line)| &line.days).filter_map(|(_, n)| *n);
    let most = nice(gains().max().unwrap_or(0).max(0).unsigned_abs());
    let scale: Vec<String> = (0..=4).map(|part| reports.titles.count(most / 4 * part)).collect();
    let lines = reports.trend.iter().map(|(label, line)| {
        let values: Vec<Option<i64>> = line.days.iter().map(|(_, gain)| *gain).collect();
        json!({ "label": label, "values": values })
    });
    let lines: Vec<Value> = lines.collect();
    Some(json!({ "days": days, "most": most, "scale": scale, "lines": lines }))
}

fn cut(reports: &Reports, report: &Report, with_total: bool) -> Value {
    let (vi, en) = cut_words(report.query.by);
    let (from, to) = reports.days(&report.query);
    let day = |day| reports.titles.day(day);
    let as_of = |at: Timestamp| reports.titles.minute(&at.to_zoned(reports.zone()));
    let total = with_total.then_some((&report.total, true));
    let rows = total.into_iter().chain(report.rows.iter().map(|row| (row, false)));
    let rows: Vec<Value> = rows
        .map(|(row, total)| {
            self::row(reports, row, &row_words(reports, report.query.by, row, total), total)
        })
        .collect();
    json!({
        "vi": vi, "en": en, "from": day(from), "to": day(to),
        "as_of": report.as_of.map_or_else(|| reports.titles.say(NO_DATA), as_of),
        "population": population(reports, report),
        "rows": rows,
    })
}

/// The populations that bound reach, each with where it is from.
fn population(reports: &Reports, report: &Report) -> Option<String> {
    let stated = report.populations.iter().map(|population| {
        let whose = population
            .account
            .as_ref()
            .map(|account| format!("{}: ", reports.titles.account(account.as_str())));
        let whose = whose.or_else(|| {
            let several = reports.agencies.len() > 1;
            several.then(|| format!("{}: ", reports.agency(&population.agency)))
        });
        let day = reports.titles.day(population.as_of);
        let people = reports.titles.count(population.people);
        format!("{}{people} ({}, {day})", whose.unwrap_or_default(), population.source)
    });
    let all: Vec<String> = report
        .query
        .population
        .map(|people| reports.titles.count(people))
        .into_iter()
        .chain(stated)
        .collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn row(reports: &Reports, row: &ReportRow, label: &str, total: bool) -> Value {
    let count = |n| reports.titles.count(n);
    let reach = row.reach.map(|reach| {
        json!({
            "at_least": count(reach.at_least), "at_most": count(reach.at_most),
            "posts": count(reach.posts.into()),
        })
    });
    json!({
        "label": label, "total": total,
        "posts": count(row.posts.into()), "measured": count(row.measured.into()),
        "reach": reach, "numbers": row.cells.iter().map(|cell| number(reports, cell)).collect::<Vec<_>>(),
    })
}

fn number(reports: &Reports, cell: &Cell) -> Value {
    let (words, titles) = (metric_words(cell.metric), &reports.titles);
    json!({
        "vi": words.vi, "en": words.en, "channel": reports.titles.channel(&cell.channel),
        "counts": reports.titles.number(&cell.channel, &cell.source_name),
        "source": cell.source_name, "definition": cell.definition,
        "latest": titles.count(cell.latest), "posts": titles.count(cell.posts.into()),
        "gain": cell.gain.map_or_else(|| UNKNOWN.to_owned(), |n| titles.gain(n)),
        "gain_posts": titles.count(cell.gain_posts.into()),
        "fell": cell.fell, "method_break": cell.method_break,
    })
}
