//! Templates that nobody reviewed may not compose words of pieces: what they draw are whole strings, each from its first letter to
//! its last before the next begins. Letters and words picked out of the article could say anything.

use loa_canvas::{DrawnText, Engine};
use serde_json::Value;

use crate::{Result, trace::Squeezed};

/// The first run that neither begins one of `sources` nor goes on where the run before it ended, or that ends a page amid a
/// string. `places` are numbers that a template may draw between two strings.
pub(crate) fn piece<'a>(
    sources: &[Squeezed],
    places: usize,
    texts: &'a [DrawnText],
) -> Option<&'a str> {
    // Where a reader may be: string and letters of it that were read.
    let mut read: Vec<(usize, usize)> = Vec::new();
    let mut last: Option<&DrawnText> = None;
    let between = |read: &[(usize, usize)]| {
        read.is_empty() || read.iter().any(|(source, at)| *at == sources[*source].0.len())
    };
    for drawn in texts {
        let run = Squeezed::drawn(&drawn.text);
        let turned = last.is_some_and(|last| last.page != drawn.page);
        if turned && !between(&read) {
            return last.map(|last| last.text.as_str());
        }
        last = Some(drawn);
        if run.0.is_empty() {
            continue;
        }
        // Runs of right-to-left scripts come in the order of the eye: each must be one of a source, as for any template.
        if run.is_right_to_left() {
            continue;
        }
        let may_begin = turned || between(&read);
        let mut next: Vec<(usize, usize)> = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let places = read.iter().filter(|(of, _)| *of == index && !turned).map(|(_, at)| *at);
            for at in places.chain(may_begin.then_some(0)) {
                let rest = source.0.get(at..).unwrap_or_default();
                if rest.starts_with(&run.0) {
                    next.push((index, at + run.0.len()));
                }
            }
        }
        if may_begin && (1..=places).any(|number| run.0 == number.to_string()) {
            // As good as a string that was read to its end.
            next.extend(sources.first().map(|source| (0, source.0.len())));
        }
        if next.is_empty() {
            return Some(&drawn.text);
        }
        next.sort_unstable();
        next.dedup();
        read = next;
    }
    if between(&read) { None } else { last.map(|last| last.text.as_str()) }
}

/// The first run of a sample that is none of its strings, nor a label, nor a name of the brand kit.
pub(crate) fn stray(
    engine: &Engine,
    brand: &str,
    data: &Value,
    credits: &[&str],
    texts: &[DrawnText],
) -> Result<Option<String>> {
    let lang = data["lang"].as_str().unwrap_or("vi");
    let (brand, labels) = (engine.brand(brand)?, engine.labels(lang));
    let mut known = Vec::new();
    strings(data, &mut known);
    known.extend([brand.name(lang), &brand.tagline]);
    known.extend(credits);
    known.extend(labels.values().map(String::as_str));
    let source = data["source"].as_str().unwrap_or_default();
    let line = labels.get("source").map(|label| format!("{label}: {source}"));
    known.extend(line.as_deref());
    let sources: Vec<Squeezed> = known.into_iter().map(Squeezed::of).collect();
    let items = |field: &str| data[field].as_array().map_or(0, Vec::len);
    let places = items("points").max(items("steps"));
    Ok(piece(&sources, places, texts).map(str::to_owned))
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sources: &[&str], runs: &[&str]) -> Option<String> {
        let sources: Vec<_> = sources.iter().map(|text| Squeezed::of(text)).collect();
        let drawn = |text: &&str| DrawnText {
            page: 0,
            text: (*text).to_owned(),
            size: 30.0,
            area: [0.0; 4],
            colour: None,
            whole: true,
            legible: true,
        };
        let texts: Vec<_> = runs.iter().map(drawn).collect();
        piece(&sources, 2, &texts).map(str::to_owned)
    }

    const SAID: [&str; 3] = ["Không hỗ trợ quá 60 triệu đồng", "Hỗ trợ nhà", "Nguồn"];

    #[test]
    fn whole_strings_over_lines_and_in_any_order_are_drawn() {
        for runs in [
            &["HỖ TRỢ", " NHÀ", "Không hỗ trợ ", "quá 60\u{a0}triệu", " đồng"][..],
            &["1", "Không hỗ trợ quá 60 triệu đồng", "2", "Hỗ trợ nhà", "Nguồn", "Nguồn"],
            &[],
            &[" "],
        ] {
            assert_eq!(found(&SAID, runs), None, "{runs:?}");
        }
        // A place looks like the beginning of a number.
        assert_eq!(found(&["1.200 hộ", "Tựa"], &["1", "1.200 hộ", "1", "Tựa"]), None);
        // Of two strings that begin alike either may be meant.
        assert_eq!(found(&["Hỗ trợ", "Hỗ trợ nhà"], &["Hỗ trợ", "nhà", "Hỗ trợ"]), None);
    }

    #[test]
    fn words_and_letters_that_were_picked_out_are_not() {
        for (runs, piece) in [
            // Every run is in the article, and together they say the opposite of it.
            (&["hỗ trợ", "quá 60 triệu đồng"][..], "quá 60 triệu đồng"),
            (&["Không", "hỗ trợ nhà"], "hỗ trợ nhà"),
            (&["Hỗ trợ", "1", "nhà"], "1"),
            (&["n", "h", "à"], "h"),
            (&["Không hỗ trợ quá 60 triệu"], "Không hỗ trợ quá 60 triệu"),
            (&["Nguồn", "khác"], "khác"),
            (&["3"], "3"),
        ] {
            assert_eq!(found(&SAID, runs).as_deref(), Some(piece), "{runs:?}");
        }
    }
}
