//! A line chart as SVG, drawn on the server, with the same numbers as a table.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::Series;

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
}

/// A drawn chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// SVG without scripts, styles from outside or fixed size.
    pub svg: String,
    /// The same as a table: head, then a line per time; a number that was not given is the word for it.
    pub table: Vec<Vec<String>>,
}

const WIDTH: f64 = 720.0;
/// Of the drawing; the legend is below it, a line each.
const HEIGHT: f64 = 296.0;
const LEGEND: f64 = 18.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 36.0;
/// Readable on white and apart from each other for colour-blind readers (Okabe and Ito), with dashes as a second sign.
const STROKES: [(&str, &str); 6] = [
    ("#0072b2", ""),
    ("#d55e00", "6 3"),
    ("#007a5a", "2 3"),
    ("#9c4f7c", "8 3 2 3"),
    ("#806000", "4 2"),
    ("#333333", "1 3"),
];

/// A number as Vietnamese readers write it: dots between thousands.
pub(crate) fn vietnamese(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// Draws the series. A missing number breaks the line; a changed definition is marked by an upright dashed line.
pub fn chart(series: &[Series], text: &ChartText) -> Drawn {
    let zone = TimeZone::get(&text.zone).unwrap_or(TimeZone::UTC);
    let mut times: Vec<Timestamp> = series.iter().flat_map(|s| &s.points).map(|p| p.at).collect();
    times.sort_unstable();
    times.dedup();
    let most = series.iter().flat_map(|s| &s.points).filter_map(|p| p.value).max().unwrap_or(0);
    let top = nice(most);
    let (first, last) = match (times.first(), times.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
    };
    let span = last.duration_since(first).as_secs_f64().max(1.0);
    let x = |at: Timestamp| {
        LEFT + (WIDTH - LEFT - RIGHT) * at.duration_since(first).as_secs_f64() / span
    };
    let y = |value: u64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ratio(value, top);
    let mut svg = String::new();
    let height = HEIGHT + LEGEND * cell(series.len());
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"chart-title chart-desc\" font-family=\"sans-serif\" font-size=\"12\"><title id=\"chart-title\">{}</title><desc id=\"chart-desc\">{}</desc>",
            escaped(&text.title),
            escaped(&text.description),
        ),
    );
    for part in 0..=4u64 {
        let value = top / 4 * part;
        let at = y(value);
        put(
            &mut svg,
            format_args!(
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d9d9d9\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#333333\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                at + 4.0,
                vietnamese(value),
            ),
        );
    }
    for (n, at) in [first, last].into_iter().enumerate().take(times.len().min(2)) {
        let anchor = if n == 0 { "start" } else { "end" };
        put(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"#333333\">{}</text>",
                x(at),
                HEIGHT - BOTTOM + 18.0,
                when(at, &zone),
            ),
        );
    }
    for (n, one) in series.iter().enumerate() {
        let (colour, dash) = STROKES[n % STROKES.len()];
        draw(&mut svg, one, colour, dash, &x, &y);
        let (column, line) = (LEFT, HEIGHT + LEGEND * cell(n));
        put(
            &mut svg,
            format_args!(
                "<line x1=\"{column:.1}\" x2=\"{:.1}\" y1=\"{line:.1}\" y2=\"{line:.1}\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"#333333\">{}</text>",
                column + 24.0,
                column + 30.0,
                line + 4.0,
                escaped(&one.label),
            ),
        );
    }
    svg.push_str("</svg>");
    Drawn { svg, table: table(series, &times, text, &zone) }
}

fn draw(
    svg: &mut String,
    series: &Series,
    colour: &str,
    dash: &str,
    x: &impl Fn(Timestamp) -> f64,
    y: &impl Fn(u64) -> f64,
) {
    let mut path = String::new();
    let mut pen = 'M';
    for point in &series.points {
        let Some(value) = point.value else {
            pen = 'M';
            continue;
        };
        if point.method_break {
            pen = 'M';
            put(
                svg,
                format_args!(
                    "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1:.1}\" stroke=\"{colour}\" stroke-dasharray=\"2 4\" class=\"method-break\"/>",
                    x(point.at),
                    HEIGHT - BOTTOM,
                ),
            );
        }
        put(&mut path, format_args!("{pen}{:.1} {:.1}", x(point.at), y(value)));
        pen = 'L';
        put(
            svg,
            format_args!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>",
                x(point.at),
                y(value)
            ),
        );
    }
    if !path.is_empty() {
        put(
            svg,
            format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>"
            ),
        );
    }
}

fn table(
    series: &[Series],
    times: &[Timestamp],
    text: &ChartText,
    zone: &TimeZone,
) -> Vec<Vec<String>> {
    let mut head = vec![String::new()];
    head.extend(series.iter().map(|one| format!("{} · {}", one.label, one.source_name)));
    let mut lines = vec![head];
    for at in times {
        let mut line = vec![when(*at, zone)];
        line.extend(series.iter().map(|one| {
            let value =
                one.points.iter().find(|point| point.at == *at).and_then(|point| point.value);
            value.map_or_else(|| text.missing.clone(), vietnamese)
        }));
        lines.push(line);
    }
    lines
}

fn when(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M %d/%m/%Y").to_string()
}

/// The next of 4, 8, 20, 40, 80, 200 …: its quarters are whole.
fn nice(most: u64) -> u64 {
    let mut unit = 4u64;
    loop {
        for times in [1, 2, 5] {
            if let Some(top) = unit.checked_mul(times).filter(|top| *top >= most) {
                return top;
            }
        }
        match unit.checked_mul(10) {
            Some(next) => unit = next,
            None => return u64::MAX,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels need no more than 53 bits")]
fn ratio(value: u64, top: u64) -> f64 {
    value as f64 / top.max(1) as f64
}

fn cell(n: usize) -> f64 {
    f64::from(u16::try_from(n).unwrap_or(u16::MAX))
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a String takes everything");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_the_vietnamese_way() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (1_234_567, "1.234.567")] {
            assert_eq!(vietnamese(number), text);
        }
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (most, top) in [(0, 4), (4, 4), (5, 8), (9, 20), (41, 80), (1999, 2000), (2001, 4000)] {
            assert_eq!(nice(most), top);
        }
    }
}
