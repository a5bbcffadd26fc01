//! Lines on a scale, as SVG: what charts by time, by age and by day share.

use std::fmt::Write as _;

/// A value of a line.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    /// From the left edge, 0, to the right one, 1.
    pub(crate) x: f64,
    /// Absent where it is not known: the line breaks.
    pub(crate) value: Option<i64>,
    /// Whether what is counted changed with it: the line begins anew and is marked.
    pub(crate) method_break: bool,
    /// When it was, in words: shown with the value to whoever points at it.
    pub(crate) when: String,
}

/// A line with its name.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) spots: Vec<Spot>,
}

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Plot<'a> {
    /// Title, read aloud first.
    pub(crate) title: &'a str,
    /// What it shows, in one sentence.
    pub(crate) description: &'a str,
    /// Mark between thousands.
    pub(crate) mark: char,
    pub(crate) lines: Vec<Line>,
    /// Words below the scale and where.
    pub(crate) marks: Vec<(f64, String)>,
}

const WIDTH: f64 = 760.0;
/// Of the drawing; the legend is below it, a line each.
const HEIGHT: f64 = 296.0;
const LEGEND: f64 = 28.0;
const LEFT: f64 = 84.0;
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
    ("#707070", "1 3"),
];
/// More values than these on one line stand without dots.
const DOTS: usize = 40;

/// A chart with what it is of above it and whose numbers it has below, so that it still says so where it is pasted.
pub fn captioned(svg: &str, title: &str, below: &str) -> String {
    const ROOM: f64 = 30.0;
    let Some((start, inner)) = svg.split_once("viewBox=\"0 0 ") else { return svg.to_owned() };
    let size = inner.split('"').next().unwrap_or_default();
    let mut parts = size.split(' ').map(|part| part.parse::<f64>().unwrap_or_default());
    let (width, height) = (parts.next().unwrap_or(WIDTH), parts.next().unwrap_or(HEIGHT));
    let whole = height + 2.0 * ROOM;
    let inside = format!("{start}viewBox=\"0 0 {inner}");
    let inside = inside.replacen(
        "<svg ",
        &format!("<svg y=\"{ROOM}\" width=\"{width}\" height=\"{height}\" "),
        1,
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {whole}\" font-family=\"sans-serif\"><rect width=\"{width}\" height=\"{whole}\" fill=\"#fff\"/><text x=\"16\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>{inside}<text x=\"16\" y=\"{:.1}\" font-size=\"11\" fill=\"#545b68\">{}</text></svg>",
        escaped(title),
        whole - 10.0,
        escaped(below),
    )
}

/// A number with a mark between thousands.
pub(crate) fn grouped(number: u64, mark: char) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// The same with its sign.
pub(crate) fn signed(number: i64, mark: char) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", grouped(number.unsigned_abs(), mark))
}

impl Plot<'_> {
    /// SVG without scripts, styles from outside or fixed size; its words and lines of the scale have the colour of the text around it.
    pub(crate) fn svg(&self) -> String {
        let values =
            || self.lines.iter().flat_map(|line| &line.spots).filter_map(|spot| spot.value);
        let top = nice(values().max().unwrap_or(0).max(0).unsigned_abs());
        let least = values().min().unwrap_or(0).min(0).unsigned_abs();
        // Below zero by whole quarters of what is above it, so that zero is a line of the scale.
        let quarter = (top / 4).max(1);
        let parts_below = least.div_ceil(quarter).min(1000);
        let parts = 4 + parts_below;
        let step = parts.div_ceil(8).max(1);
        let room = HEIGHT - TOP - BOTTOM;
        let zero = HEIGHT - BOTTOM - room * ratio(parts_below, parts);
        let x = |at: f64| LEFT + (WIDTH - LEFT - RIGHT) * at;
        let y = |value: i64| {
            let height = room * ratio(value.unsigned_abs(), quarter.saturating_mul(parts));
            if value < 0 { zero + height } else { zero - height }
        };
        let mut svg = String::new();
        let height = HEIGHT + LEGEND * cell(self.lines.len());
        put(
            &mut svg,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"chart-title chart-desc\" font-family=\"sans-serif\" font-size=\"12\"><title id=\"chart-title\">{}</title><desc id=\"chart-desc\">{}</desc>",
                escaped(self.title),
                escaped(self.description),
            ),
        );
        let floor = i64::try_from(quarter * parts_below).unwrap_or(i64::MAX);
        for part in (0..=parts).filter(|part| (part + parts - parts_below % step) % step == 0) {
            let value = i64::try_from(quarter.saturating_mul(part)).unwrap_or(i64::MAX) - floor;
            let at = y(value);
            put(
                &mut svg,
                format_args!(
                    "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"currentColor\" stroke-opacity=\"{}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"currentColor\">{}</text>",
                    WIDTH - RIGHT,
                    if value == 0 { ".45" } else { ".16" },
                    LEFT - 8.0,
                    at + 4.0,
                    signed(value, self.mark),
                ),
            );
        }
        for (at, words) in &self.marks {
            // A narrow screen has room for the ends only.
            let (anchor, class) = if *at < 0.04 {
                ("start", "end")
            } else if *at > 0.96 {
                ("end", "end")
            } else {
                ("middle", "between")
            };
            put(
                &mut svg,
                format_args!(
                    "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" fill=\"currentColor\">{}</text>",
                    x(*at),
                    HEIGHT - BOTTOM + 18.0,
                    escaped(words),
                ),
            );
        }
        for (n, line) in self.lines.iter().enumerate() {
            let (colour, dash) = STROKES[n % STROKES.len()];
            draw(&mut svg, line, (colour, dash), self.mark, (&x, &y));
            let (column, below) = (16.0, HEIGHT + LEGEND * cell(n));
            put(
                &mut svg,
                format_args!(
                    "<line x1=\"{column:.1}\" x2=\"{:.1}\" y1=\"{below:.1}\" y2=\"{below:.1}\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"currentColor\">{}</text>",
                    column + 24.0,
                    column + 30.0,
                    below + 4.0,
                    escaped(&line.label),
                ),
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

fn draw(
    svg: &mut String,
    line: &Line,
    (colour, dash): (&str, &str),
    mark: char,
    (x, y): (&impl Fn(f64) -> f64, &impl Fn(i64) -> f64),
) {
    // Above the line, so that they can be pointed at.
    let mut spots = String::new();
    let mut path = String::new();
    let mut pen = 'M';
    for (n, spot) in line.spots.iter().enumerate() {
        let Some(value) = spot.value else {
            pen = 'M';
            continue;
        };
        if spot.method_break {
            pen = 'M';
            put(
                svg,
                format_args!(
                    "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1:.1}\" stroke=\"{colour}\" stroke-dasharray=\"2 4\" class=\"method-break\"/>",
                    x(spot.x),
                    HEIGHT - BOTTOM,
                ),
            );
        }
        put(&mut path, format_args!("{pen}{:.1} {:.1}", x(spot.x), y(value)));
        let known =
            |n: Option<usize>| n.and_then(|n| line.spots.get(n)).is_some_and(|s| s.value.is_some());
        let alone = pen == 'M' && !known(n.checked_add(1));
        pen = 'L';
        let seen = line.spots.len() <= DOTS || alone;
        put(
            &mut spots,
            format_args!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{}\" fill=\"{}\"><title>{} · {}: {}</title></circle>",
                x(spot.x),
                y(value),
                if seen { 3 } else { 5 },
                if seen { colour } else { "transparent" },
                escaped(&line.label),
                escaped(&spot.when),
                signed(value, mark),
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
    svg.push_str(&spots);
}

/// The next of 4, 8, 20, 40, 80, 200 …: its quarters are whole.
pub(crate) fn nice(most: u64) -> u64 {
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
pub(crate) fn ratio(value: u64, top: u64) -> f64 {
    value as f64 / top.max(1) as f64
}

fn cell(n: usize) -> f64 {
    f64::from(u16::try_from(n).unwrap_or(u16::MAX))
}

fn put(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("a String takes everything");
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_the_vietnamese_way() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1.000"), (1_234_567, "1.234.567")] {
            assert_eq!(grouped(number, '.'), text);
        }
        assert_eq!(signed(-1500, ','), "−1,500");
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (most, top) in [(0, 4), (4, 4), (5, 8), (9, 20), (41, 80), (1999, 2000), (2001, 4000)] {
            assert_eq!(nice(most), top);
        }
    }

    #[test]
    fn what_was_taken_back_hangs_below_zero() {
        let when = String::new;
        let spot = |x, value| Spot { x, value: Some(value), method_break: false, when: when() };
        let line = Line { label: "a".into(), spots: vec![spot(0.0, 100), spot(1.0, -30)] };
        let (lines, marks) = (vec![line], vec![]);
        let plot = Plot { title: "t", description: "d", mark: '.', lines, marks };
        let svg = plot.svg();
        // Quarters of 50 up to 200; one of them below zero.
        for words in [">200<", ">0<", ">−50<"] {
            assert!(svg.contains(words), "{words} {svg}");
        }
        let places: Vec<f64> = svg
            .split(" cy=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
            .collect();
        // 244 pixels for five quarters of 50: zero at 211.2, 97.6 above it and 29.28 below.
        assert_eq!(places, [113.6, 240.5]);
    }
}
