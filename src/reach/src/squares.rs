//! Maps of weekdays and hours as SVG: a square for each hour, the darker the more views.

use std::fmt::Write as _;

use crate::{
    HourMap,
    plot::{escaped, grouped},
};

/// Words of the maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourText {
    /// Title, read aloud first.
    pub title: String,
    /// What they show, in one sentence.
    pub description: String,
    /// The days, Monday first.
    pub days: [String; 7],
    /// Mark between thousands.
    pub thousands: char,
}

const LEFT: u32 = 96;
const SIDE: u32 = 40;
const HIGH: u32 = 30;
const HEAD: u32 = 58;
const FOOT: u32 = 22;
const WIDTH: u32 = LEFT + 24 * SIDE + 16;

/// Draws the maps below each other, each with its name. An hour of too few posts is a dot: its number says nothing.
pub fn hour_chart(maps: &[(String, HourMap)], text: &HourText) -> String {
    let one = HEAD + 7 * HIGH + FOOT;
    let height = u32::try_from(maps.len()).unwrap_or(u32::MAX).saturating_mul(one).max(one);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"hours-title hours-desc\" font-family=\"sans-serif\" font-size=\"12\"><title id=\"hours-title\">{}</title><desc id=\"hours-desc\">{}</desc>",
        escaped(&text.title),
        escaped(&text.description),
    );
    for (n, (label, map)) in (0..).zip(maps) {
        draw(&mut svg, n * one, label, map, text);
    }
    svg.push_str("</svg>");
    svg
}

fn draw(svg: &mut String, top: u32, label: &str, map: &HourMap, text: &HourText) {
    let most = map.hours.iter().filter_map(|hour| hour.median).max().unwrap_or(0).max(1);
    let mut put = |what: std::fmt::Arguments<'_>| {
        svg.write_fmt(what).expect("a String takes everything");
    };
    put(format_args!(
        "<text x=\"12\" y=\"{}\" font-size=\"14\" fill=\"currentColor\">{}</text>",
        top + 22,
        escaped(label),
    ));
    for hour in 0..24 {
        put(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"currentColor\">{hour}</text>",
            LEFT + hour * SIDE + SIDE / 2,
            top + HEAD - 8,
        ));
    }
    for (day, word) in (0..).zip(&text.days) {
        put(format_args!(
            "<text x=\"12\" y=\"{}\" fill=\"currentColor\">{}</text>",
            top + HEAD + day * HIGH + HIGH / 2 + 4,
            escaped(word),
        ));
        for hour in 0..24u32 {
            let found = map
                .hours
                .iter()
                .find(|own| (u32::from(own.weekday), u32::from(own.hour)) == (day, hour));
            let (x, y) = (LEFT + hour * SIDE, top + HEAD + day * HIGH);
            let median = found.and_then(|own| own.median);
            // A fifth of the largest median each, so that five shades can be told apart.
            let shade = median.map_or(0, |views| views.saturating_mul(5).div_ceil(most).max(1));
            let fill = ["none", "#d9e8f5", "#b0d0ea", "#7fb2dc", "#2f7fbf", "#00507f"]
                [usize::try_from(shade).unwrap_or(0).min(5)];
            put(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{HIGH}\" fill=\"{fill}\" stroke=\"#8c8c8c\" stroke-opacity=\".35\"/>",
            ));
            let (words, ink) = match (median, found) {
                (Some(views), _) => {
                    (grouped(views, text.thousands), if shade > 3 { "#fff" } else { "#16181d" })
                }
                (None, Some(_)) => ("·".to_owned(), "currentColor"),
                (None, None) => continue,
            };
            put(format_args!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"{ink}\">{words}</text>",
                x + SIDE / 2,
                y + HIGH / 2 + 4,
            ));
        }
    }
}
