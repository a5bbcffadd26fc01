//! Every word drawn is the article's own or marked as edited: checked on the data before drawing, and again on what the
//! canvas really set.

use std::collections::BTreeMap;

use jiff::tz::Offset;
use loa_canvas::sanitise;
use loa_model::{Article, Brief, Passage};
use serde_json::{Value, json};

use crate::{
    Error, Result, counting,
    story::{Order, picture},
    timeline::{Drawn, Origin, Plate, Scene, Source, Timeline},
};

/// Words that are not in the text of the article but are facts about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    section: String,
    publisher: String,
    date: String,
    source: String,
    link: String,
    link_short: String,
    pub(crate) edited: String,
    /// Section and mark, for what has both.
    section_edited: String,
}

impl Facts {
    pub(crate) fn of(order: &Order<'_>) -> Self {
        let article = order.article;
        let mut source = vec![article.source.publisher.clone()];
        for photo in order.photos {
            let credit = article.photos.get(photo.index as usize).map_or("", |p| p.credit.trim());
            if !credit.is_empty() && !source.iter().any(|known| known == credit) {
                source.push(credit.to_owned());
            }
        }
        // Vietnam has one zone and no daylight saving.
        let date = article
            .published_at
            .map(|at| Offset::constant(7).to_datetime(at).date().strftime("%d/%m/%Y").to_string());
        let edited = if article.lang.starts_with("vi") { "Đã biên tập" } else { "Edited" };
        let section = article.section.as_str();
        let both = [section, edited].into_iter().filter(|part| !part.is_empty());
        Self {
            section_edited: both.collect::<Vec<_>>().join(" · "),
            section: article.section.clone(),
            publisher: article.source.publisher.clone(),
            date: date.unwrap_or_default(),
            source: source.join(" · "),
            link: order.link.to_owned(),
            link_short: order.link_short.to_owned(),
            edited: edited.to_owned(),
        }
    }

    pub(crate) fn get(&self, field: &str) -> &str {
        match field {
            "section" => &self.section,
            "publisher" => &self.publisher,
            "date" => &self.date,
            "source" => &self.source,
            "link" => &self.link,
            "link_short" => &self.link_short,
            "edited" => &self.edited,
            "section_edited" => &self.section_edited,
            _ => "",
        }
    }
}

/// Checks every string of the timeline against the article, the brief and the order.
///
/// # Errors
/// [`Error::Unfaithful`] with the first string that is not what its origin says, or has none.
pub fn check(timeline: &Timeline, order: &Order<'_>) -> Result<()> {
    let facts = Facts::of(order);
    for drawn in &timeline.texts {
        if !is_true(drawn, order.article, order.brief, &facts) {
            let (plate, text) = (drawn.plate.clone(), drawn.text.clone());
            return Err(Error::Unfaithful { plate, text });
        }
    }
    for scene in &timeline.scenes {
        if let Some(drawn) = beside_another(timeline, scene) {
            let (plate, text) = (drawn.plate.clone(), drawn.text.clone());
            return Err(Error::Unfaithful { plate, text });
        }
    }
    // Nothing is drawn that is not listed.
    for plate in &timeline.plates {
        for (field, text) in strings(plate) {
            let listed = timeline.texts.iter().any(|drawn| {
                drawn.plate == plate.id && drawn.field == field && same(&drawn.text, text)
            });
            if !listed {
                return Err(Error::Unfaithful { plate: plate.id.clone(), text: text.to_owned() });
            }
        }
    }
    Ok(())
}

/// What stands in a scene but is said of another photo than the one that is shown whole in it.
fn beside_another<'a>(timeline: &'a Timeline, scene: &Scene) -> Option<&'a Drawn> {
    let shown = scene.shot.as_ref().and_then(|shot| match shot.source {
        Source::Whole { photo, .. } => Some(photo),
        _ => None,
    });
    timeline.texts.iter().find(|drawn| match &drawn.origin {
        Origin::Caption { photo, .. } | Origin::Credit { photo } => {
            let is_here = scene.cues.iter().any(|cue| cue.sprite.plate == drawn.plate);
            is_here && shown != Some(*photo)
        }
        _ => false,
    })
}

/// Every string of a plate's data with the name of its field.
fn strings(plate: &Plate) -> Vec<(&str, &str)> {
    fn walk<'a>(field: &'a str, value: &'a Value, out: &mut Vec<(&'a str, &'a str)>) {
        match value {
            Value::String(text) if !text.is_empty() => out.push((field, text)),
            Value::Array(list) => list.iter().for_each(|value| walk(field, value, out)),
            // How a chart is drawn is no word of it; a template that drew it would be found by `check_set`.
            Value::Object(parts) => parts
                .iter()
                .filter(|(name, _)| (field, name.as_str()) != ("chart", "kind"))
                .for_each(|(_, value)| walk(field, value, out)),
            _ => {}
        }
    }
    let mut out = Vec::new();
    for (field, value) in plate.data.as_object().into_iter().flatten() {
        if field != "lang" {
            walk(field, value, &mut out);
        }
    }
    out
}

fn same(one: &str, two: &str) -> bool {
    one.split_whitespace().eq(two.split_whitespace())
}

fn is_true(drawn: &Drawn, article: &Article, brief: &Brief, facts: &Facts) -> bool {
    let honest = |passage: &Passage| {
        brief.passages().any(|known| known == passage)
            && (passage.is_edited() || passage.is_faithful(article))
            && passage.is_edited() == drawn.edited
    };
    match &drawn.origin {
        Origin::Passage { span, edits } => {
            honest(&Passage { text: drawn.text.clone(), span: *span, edits: edits.clone() })
        }
        Origin::Part { passage } => {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            honest(passage) && words(&passage.text).contains(&words(&drawn.text))
        }
        Origin::Words { span } => span.of(article).is_some_and(|text| text.contains(&drawn.text)),
        Origin::Caption { photo, part } => {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let caption = picture::caption(article, *photo as usize);
            let is_it = if *part {
                words(caption).contains(&words(&drawn.text))
            } else {
                caption == drawn.text
            };
            is_it && !drawn.text.is_empty() && !drawn.edited
        }
        Origin::Credit { photo } => {
            !drawn.text.is_empty() && picture::credit(article, *photo as usize) == drawn.text
        }
        Origin::Fact { field } => !drawn.text.is_empty() && facts.get(field) == drawn.text,
        Origin::Counted { of } => {
            *of == brief.steps.len()
                && drawn.text.parse::<usize>().is_ok_and(|n| (1..=*of).contains(&n))
        }
        Origin::Counting { to } => {
            // The figure itself is a string of the same plate, with an origin of its own.
            brief.figures.iter().any(|figure| figure.value == *to)
                && counting::leads_to(&drawn.text, to)
        }
    }
}

/// Checks what the canvas set for one plate: all of it inside its place, and no word that is neither the plate's, the
/// agency's nor a fixed label of the templates.
pub(crate) fn check_set(
    plate: &Plate,
    set: &[loa_canvas::DrawnText],
    agency: [&str; 2],
    labels: &BTreeMap<String, String>,
) -> Result<()> {
    // The canvas sets capitals, composes letters and adds places to break.
    let squeeze = |text: &str| sanitise::bare(text).to_uppercase();
    let mut known: Vec<String> =
        strings(plate).into_iter().map(|(_, text)| squeeze(text)).collect();
    known.extend(agency.map(&squeeze));
    known.extend(labels.values().map(|label| squeeze(label)));
    for run in set {
        let error = |plate: &Plate| (plate.id.clone(), run.text.clone());
        if !run.whole {
            let (plate, text) = error(plate);
            return Err(Error::Overflow { plate, text });
        }
        let words = squeeze(&run.text);
        // An opening quotation mark and the colon after a label are ornaments of the templates.
        let bare = words.trim_matches([':', '“', '”']);
        let found = |text: &String| text.contains(&words) || text.contains(bare);
        if !bare.is_empty() && !known.iter().any(found) && !spans_two(bare, &known) {
            let (plate, text) = error(plate);
            return Err(Error::Unfaithful { plate, text });
        }
    }
    Ok(())
}

/// A run may hold a label and a fact side by side (`Nguồn: …`): then each half is known.
fn spans_two(words: &str, known: &[String]) -> bool {
    words.split_once(':').is_some_and(|(label, fact)| {
        known.iter().any(|k| k == label) && known.iter().any(|k| k.contains(fact))
    })
}

/// What is kept with the variant, as JSON: each string with its origin, and after them the scenes with their times and
/// what is told in each.
///
/// # Panics
/// Never: both are plain data.
pub fn report(timeline: &Timeline) -> Value {
    let told = |drawn: &Drawn| serde_json::to_value(drawn).expect("origins are plain data");
    let mut report: Vec<Value> = timeline.texts.iter().map(told).collect();
    let scenes: Vec<Value> = (0..timeline.scenes.len()).map(|n| scene(timeline, n)).collect();
    report.push(json!({ "scenes": scenes }));
    Value::Array(report)
}

/// A scene by its index: what it shows, from when to when, and its words with their places.
fn scene(timeline: &Timeline, n: usize) -> Value {
    let scene = &timeline.scenes[n];
    let own = |drawn: &&Drawn| {
        let rest = drawn.plate.strip_prefix("scene-").and_then(|rest| rest.split('-').next());
        rest.and_then(|number| number.parse::<usize>().ok()) == Some(n + 1)
    };
    let mine: Vec<&Drawn> = timeline.texts.iter().filter(own).collect();
    let whole: Vec<&str> = mine
        .iter()
        .filter(|drawn| matches!(drawn.origin, Origin::Passage { .. }))
        .map(|drawn| drawn.text.as_str())
        .collect();
    let mut lines: Vec<Value> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for drawn in &mine {
        let span = match &drawn.origin {
            Origin::Passage { span, .. } | Origin::Words { span } => Some(*span),
            // Pieces of what stands there as a whole are told once.
            Origin::Part { passage } if whole.contains(&passage.text.as_str()) => continue,
            Origin::Part { passage } => Some(passage.span),
            Origin::Caption { .. } => None,
            Origin::Credit { .. }
            | Origin::Fact { .. }
            | Origin::Counted { .. }
            | Origin::Counting { .. } => continue,
        };
        if !told.contains(&drawn.text.as_str()) {
            told.push(&drawn.text);
            lines.push(json!({ "text": drawn.text, "span": span, "edited": drawn.edited }));
        }
    }
    json!({
        "kind": scene.kind, "from_ms": timeline.ms(scene.start),
        "to_ms": timeline.ms(scene.start + scene.frames), "lines": lines,
    })
}
