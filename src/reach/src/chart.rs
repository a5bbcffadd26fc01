//! Line charts as SVG, drawn on the server, with the same numbers as a table.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{
    Series, TrendLine,
    plot::{Line, Plot, Spot, grouped, ratio, signed},
};

/// Words and zone of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartText {
    /// Title, read aloud first.
    pub title: String,
    /// What the chart shows, in one sentence.
    pub description: String,
    /// IANA zone of the times shown.
    pub zone: String,
    /// Word for "no data", shown in the table.
    pub missing: String,
    /// How a day is written, for `strftime`.
    pub day: String,
    /// Mark between thousands: a dot in Vietnamese, a comma in English.
    pub thousands: char,
}

/// Units of ages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeWords {
    /// Minutes.
    pub minutes: String,
    /// Hours.
    pub hours: String,
    /// Days.
    pub days: String,
}

/// A drawn chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// SVG without scripts, styles from outside or fixed size.
    pub svg: String,
    /// The same as a table: head, then a line per time; a number that was not given is the word for it.
    pub table: Vec<Vec<String>>,
}

/// Draws the series by time. A missing number breaks the line; a changed definition is marked by an upright dashed line.
pub fn chart(series: &[Series], text: &ChartText) -> Drawn {
    let zone = TimeZone::get(&text.zone).unwrap_or(TimeZone::UTC);
    let mut times: Vec<Timestamp> = series.iter().flat_map(|s| &s.points).map(|p| p.at).collect();
    times.sort_unstable();
    times.dedup();
    let (first, last) = match (times.first(), times.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
    };
    let span = last.duration_since(first).as_secs_f64().max(1.0);
    let x = |at: Timestamp| at.duration_since(first).as_secs_f64() / span;
    let marks = [(0.0, first), (1.0, last)].into_iter().take(times.len().min(2));
    let plot = Plot {
        title: &text.title,
        description: &text.description,
        mark: text.thousands,
        lines: series.iter().map(|one| line(one, &x, &|at| when(at, &zone, &text.day))).collect(),
        marks: marks.map(|(x, at)| (x, when(at, &zone, &text.day))).collect(),
    };
    let mut table = vec![head(series)];
    for at in &times {
        let mut line = vec![when(*at, &zone, &text.day)];
        line.extend(series.iter().map(|one| {
            let value =
                one.points.iter().find(|point| point.at == *at).and_then(|point| point.value);
            value.map_or_else(|| text.missing.clone(), |value| grouped(value, text.thousands))
        }));
        table.push(line);
    }
    Drawn { svg: plot.svg(), table }
}

/// Draws the series by the age of their posts, so that posts of different days lie on each other. Ages are spread evenly by their
/// ratio: most of a post's life is in its first hours. The table has a line for each age at which something was read.
pub fn age_chart(series: &[Series], text: &ChartText, words: &AgeWords) -> Drawn {
    let age = |one: &Series, at: Timestamp| at.duration_since(one.live_since);
    let ages = || series.iter().flat_map(|one| one.points.iter().map(|p| age(one, p.at)));
    let oldest = ages().max().unwrap_or_default().max(SignedDuration::from_hours(1));
    let x = |age: SignedDuration| spread(age) / spread(oldest);
    let marks = MARKS
        .map(SignedDuration::from_mins)
        .into_iter()
        .filter(|mark| *mark <= oldest)
        .map(|mark| (x(mark), age_words(mark, words)));
    let plot = Plot {
        title: &text.title,
        description: &text.description,
        mark: text.thousands,
        lines: series
            .iter()
            .map(|one| line(one, &|at| x(age(one, at)), &|at| age_words(age(one, at), words)))
            .collect(),
        marks: marks.collect(),
    };
    let mut rows: BTreeMap<i64, Vec<Option<u64>>> = BTreeMap::new();
    for (n, one) in series.iter().enumerate() {
        for point in &one.points {
            let row = rows
                .entry(age(one, point.at).as_mins())
                .or_insert_with(|| vec![None; series.len()]);
            row[n] = point.value;
        }
    }
    let mut table = vec![head(series)];
    for (minutes, values) in rows {
        let mut line = vec![age_words(SignedDuration::from_mins(minutes), words)];
        let value = |value: Option<u64>| {
            value.map_or_else(|| text.missing.clone(), |value| grouped(value, text.thousands))
        };
        line.extend(values.into_iter().map(value));
        table.push(line);
    }
    Drawn { svg: plot.svg(), table }
}

/// Draws gains day by day. A day of which nothing is known breaks the line.
pub fn trend_chart(trend: &[(String, TrendLine)], text: &ChartText) -> Drawn {
    let days: Vec<Date> = trend
        .first()
        .map(|(_, one)| one.days.iter().map(|(day, _)| *day).collect())
        .unwrap_or_default();
    let last = u64::try_from(days.len().saturating_sub(1)).unwrap_or(1);
    let x = |n: usize| ratio(u64::try_from(n).unwrap_or(0), last);
    let word = |day: &Date| day.strftime(&text.day).to_string();
    let lines = trend.iter().map(|(label, one)| Line {
        label: label.clone(),
        spots: (0..)
            .zip(&one.days)
            .map(|(n, (day, value))| Spot {
                x: x(n),
                value: *value,
                method_break: false,
                when: word(day),
            })
            .collect(),
    });
    let marks = marked(days.len()).into_iter().map(|n| (x(n), word(&days[n])));
    let plot = Plot {
        title: &text.title,
        description: &text.description,
        mark: text.thousands,
        lines: lines.collect(),
        marks: marks.collect(),
    };
    let mut table = vec![vec![String::new()]];
    table[0].extend(trend.iter().map(|(label, _)| label.clone()));
    for (n, day) in days.iter().enumerate() {
        let mut line = vec![word(day)];
        line.extend(trend.iter().map(|(_, one)| {
            let value = one.days.get(n).and_then(|(_, value)| *value);
            value.map_or_else(|| text.missing.clone(), |value| signed(value, text.thousands))
        }));
        table.push(line);
    }
    Drawn { svg: plot.svg(), table }
}

/// Which of so many days have their date below the scale: the ends, and where there is room some between, evenly.
fn marked(days: usize) -> Vec<usize> {
    let Some(last) = days.checked_sub(1) else { return Vec::new() };
    let parts = last.clamp(1, 5);
    let mut marks: Vec<usize> = (0..=parts).map(|part| last * part / parts).collect();
    marks.dedup();
    marks
}

/// Ages under the scale, minutes.
const MARKS: [i64; 7] = [15, 60, 6 * 60, 24 * 60, 7 * 24 * 60, 28 * 24 * 60, 180 * 24 * 60];

/// Where an age lies: as far from twice the age as that from four times, nearly evenly within the first quarter of an hour.
fn spread(age: SignedDuration) -> f64 {
    (age.as_secs_f64().max(0.0) / 900.0).ln_1p()
}

/// An age in the largest unit of which it has at least one, whole: `15 phút`, `6 giờ`, `28 ngày`. From two units on with the
/// first below: `1 giờ 30 phút`.
pub fn age_words(age: SignedDuration, words: &AgeWords) -> String {
    let minutes = age.as_mins().max(0);
    let (hours, days) = (minutes / 60, minutes / (24 * 60));
    let pair = |large: i64, large_word: &str, small: i64, small_word: &str| {
        if small == 0 {
            format!("{large} {large_word}")
        } else {
            format!("{large} {large_word} {small} {small_word}")
        }
    };
    match (days, hours) {
        (0, 0) => format!("{minutes} {}", words.minutes),
        (0, _) => pair(hours, &words.hours, minutes % 60, &words.minutes),
        _ => pair(days, &words.days, hours % 24, &words.hours),
    }
}

fn line(
    series: &Series,
    x: &impl Fn(Timestamp) -> f64,
    when: &impl Fn(Timestamp) -> String,
) -> Line {
    let spot = |point: &crate::Point| Spot {
        x: x(point.at),
        value: point.value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)),
        method_break: point.method_break,
        when: when(point.at),
    };
    Line { label: series.label.clone(), spots: series.points.iter().map(spot).collect() }
}

fn head(series: &[Series]) -> Vec<String> {
    let mut head = vec![String::new()];
    head.extend(series.iter().map(|one| one.label.clone()));
    head
}

fn when(at: Timestamp, zone: &TimeZone, day: &str) -> String {
    at.to_zoned(zone.clone()).strftime(&format!("%H:%M {day}")).to_string()
}
