//! What one card says: the data for the template, and beside it where each string comes from.

use std::cmp::Reverse;

use loa_canvas::{DrawnText, Engine, PreparedPhoto, Size};
use loa_model::{Article, Brief, Figure, Passage, Span};
use serde_json::{Value, json};

use crate::{
    Error, Order, Result, publisher, shown_address,
    trace::{Known, Origin, Squeezed},
};

/// A card ready to be laid out.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    /// Points drawn.
    pub(crate) points: usize,
    /// Figures drawn.
    pub(crate) figures: usize,
    /// Data of the template.
    pub(crate) data: Value,
    /// Every string it may draw, with its origin.
    pub(crate) known: Vec<Known>,
    /// What the brief has and this card has not.
    pub(crate) left_out: Vec<String>,
}

/// Characters beyond which no card holds a headline at 28 px; it is not even tried, layout of endless text takes seconds.
pub(crate) const MAX_TITLE: usize = 700;
/// The same for a point.
const MAX_POINT: usize = 500;

/// How many points and figures to try, fullest first.
///
/// As many of them as fit, a figure before a point. A figure is worth more than a third point, two points are worth more than the
/// figure, and a headline alone is a card too.
pub(crate) fn amounts(brief: &Brief, size: &Size) -> Vec<(usize, usize)> {
    let short = |passage: &&Passage| passage.text.chars().count() <= MAX_POINT;
    let points = brief.points.iter().take(size.max_points).take_while(short).count();
    let figures = brief.figures.len().min(size.max_figures);
    let few = points.min(2);
    let one = figures.min(1);
    let mut tries: Vec<(usize, usize)> = (few..=points)
        .flat_map(|points| (one..=figures).map(move |figures| (points, figures)))
        .collect();
    tries.sort_by_key(|(points, figures)| Reverse((points + figures, *figures)));
    tries.extend((1..=points).rev().map(|points| (points, 0)));
    tries.extend([(1.min(points), one), (0, one), (0, 0)]);
    let mut seen = Vec::new();
    tries.retain(|amount| {
        let new = !seen.contains(amount);
        seen.push(*amount);
        new
    });
    tries
}

impl Card {
    pub(crate) fn new(
        engine: &Engine,
        order: &Order<'_>,
        points: usize,
        figures: usize,
    ) -> Result<Self> {
        let Order { article, brief, .. } = order;
        let labels = engine.labels(&article.lang);
        let brand = engine.brand(order.brand)?;
        let mut known = Vec::new();
        let mut edited = false;
        let mut passage = |field: String, passage: &Passage| -> Result<String> {
            edited |= passage.is_edited();
            known.push(Known {
                field,
                text: passage.text.clone(),
                origin: origin(passage, article)?,
            });
            Ok(passage.text.clone())
        };
        let title = passage("title".to_owned(), &brief.title)?;
        let mut set_points = Vec::new();
        for (index, point) in brief.points.iter().take(points).enumerate() {
            set_points.push(passage(format!("points.{index}"), point)?);
        }
        let mut set_figures = Vec::new();
        for (index, figure) in brief.figures.iter().take(figures).enumerate() {
            let label = passage(format!("figures.{index}.label"), &figure.label)?;
            set_figures.push(json!({"value": figure.value, "unit": figure.unit, "label": label}));
        }
        for (index, figure) in brief.figures.iter().take(figures).enumerate() {
            let origin = origin_of_number(figure, article)?;
            edited |= matches!(origin, Origin::Edited { .. });
            for (part, text) in [("value", &figure.value), ("unit", &figure.unit)] {
                let field = format!("figures.{index}.{part}");
                known.push(Known { field, text: text.clone(), origin: origin.clone() });
            }
        }
        let url = order.link.unwrap_or(&article.source.canonical_url);
        let shown = shown_address(url);
        let note =
            if edited { labels.get("edited").cloned().unwrap_or_default() } else { String::new() };
        let article_fields = [
            ("category", article.section.clone()),
            ("source", publisher(article).to_owned()),
            ("date", order.date.to_owned()),
        ];
        for (field, text) in article_fields {
            known.push(Known { field: field.to_owned(), text, origin: Origin::Article });
        }
        known.push(Known { field: "url_short".into(), text: shown.clone(), origin: Origin::Link });
        for text in [brand.name(&article.lang), &brand.tagline] {
            known.push(Known {
                field: "agency".into(),
                text: text.to_owned(),
                origin: Origin::Brand,
            });
        }
        for (key, text) in &labels {
            let field = format!("labels.{key}");
            known.push(Known { field, text: text.clone(), origin: Origin::Label });
        }
        let rest = |name: &'static str, from: usize, all: usize| {
            (from..all).map(move |index| format!("{name}.{index}"))
        };
        let left_out = rest("points", points, brief.points.len())
            .chain(rest("figures", figures, brief.figures.len()))
            .collect();
        let data = json!({
            "lang": article.lang, "category": article.section, "date": order.date, "title": title,
            "points": set_points, "figures": set_figures, "source": publisher(article),
            "url": url, "url_short": shown, "note": note,
        });
        Ok(Self { points, figures, data, known, left_out })
    }

    /// Every run of text on the page must come from somewhere.
    pub(crate) fn check(
        &self,
        template: &str,
        photos: &[PreparedPhoto],
        texts: &[DrawnText],
    ) -> Result<()> {
        let mut sources: Vec<Squeezed> = self.known.iter().map(|k| Squeezed::of(&k.text)).collect();
        sources.extend(photos.iter().map(|photo| Squeezed::of(&photo.credit)));
        // “Nguồn: Cổng Minh Họa” is shaped as one run.
        let label = self.known.iter().find(|known| known.field == "labels.source");
        let source = self.known.iter().find(|known| known.field == "source");
        if let (Some(label), Some(source)) = (label, source) {
            sources.push(Squeezed::of(&format!("{}: {}", label.text, source.text)));
        }
        for drawn in texts {
            let run = Squeezed::drawn(&drawn.text);
            let is_step = (1..=self.points).any(|number| run.0 == number.to_string());
            if !is_step && !sources.iter().any(|source| source.0.contains(&run.0)) {
                let text = drawn.text.clone();
                return Err(Error::Untraced { template: template.to_owned(), text });
            }
        }
        Ok(())
    }

    /// The first string of headline, points and figures that is not on the page from its first to its last letter.
    pub(crate) fn missing(&self, texts: &[DrawnText]) -> Option<String> {
        let page: String = texts.iter().map(|drawn| Squeezed::drawn(&drawn.text).0).collect();
        // A rewritten passage may only be shown with its mark.
        let note = self.data["note"].as_str().unwrap_or_default();
        if !page.contains(&Squeezed::of(note).0) {
            return Some(note.to_owned());
        }
        let must = |field: &str| {
            field == "title" || field.starts_with("points.") || field.starts_with("figures.")
        };
        let absent = |known: &&Known| {
            let want = Squeezed::of(&known.text);
            // Runs of right-to-left scripts come in the order of the eye: their letters are compared without order.
            if want.is_right_to_left() {
                !want.letters_within(&page)
            } else {
                !page.contains(&want.0)
            }
        };
        self.known.iter().filter(|k| must(&k.field)).find(absent).map(|known| known.text.clone())
    }
}

fn origin(passage: &Passage, article: &Article) -> Result<Origin> {
    if passage.is_edited() {
        return Ok(Origin::Edited { span: passage.span, edits: passage.edits.clone() });
    }
    if passage.is_faithful(article) {
        return Ok(Origin::Span { span: passage.span, edits: passage.edits.clone() });
    }
    Err(Error::Unfaithful(passage.text.clone()))
}

/// Value and unit must stand at their place in the article; a person's edit of the sentence covers them.
fn origin_of_number(figure: &Figure, article: &Article) -> Result<Origin> {
    let span: Span = figure.span;
    let found = Squeezed::of(span.of(article).unwrap_or_default());
    let value = Squeezed::of(&figure.value);
    let unit = Squeezed::of(&figure.unit);
    if !value.0.is_empty() && found.0.contains(&value.0) && found.0.contains(&unit.0) {
        return Ok(Origin::Span { span, edits: Vec::new() });
    }
    if figure.sentence.is_edited() {
        return Ok(Origin::Edited { span, edits: figure.sentence.edits.clone() });
    }
    Err(Error::Unfaithful(format!("{} {}", figure.value, figure.unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_go_before_the_figure_and_the_headline_stays() {
        let mut size: Size = serde_json::from_value(json!({
            "id": "portrait", "px": [1080, 1350], "max_points": 4, "max_figures": 1
        }))
        .unwrap();
        let empty = Passage {
            text: String::new(),
            span: Span { revision: 1, block: 0, start: 0, end: 0 },
            edits: Vec::new(),
        };
        let mut brief: Brief = serde_json::from_value(json!({
            "id": "00000000-0000-7000-8000-000000000000", "agency": "demo",
            "article": "00000000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": empty, "sapo": null,
            "points": [empty, empty, empty], "figures": [], "quotes": [], "dates": [],
            "legal_docs": [], "hashtags": []
        }))
        .unwrap();
        assert_eq!(amounts(&brief, &size), [(3, 0), (2, 0), (1, 0), (0, 0)]);
        let figure = Figure {
            value: "1".into(),
            unit: String::new(),
            label: empty.clone(),
            span: empty.span,
            sentence: empty,
        };
        brief.figures.push(figure.clone());
        let fewer = [(3, 0), (2, 0), (1, 0), (1, 1), (0, 1), (0, 0)];
        assert_eq!(amounts(&brief, &size), [&[(3, 1), (2, 1)], &fewer[..]].concat());
        brief.figures.push(figure);
        assert_eq!(amounts(&brief, &size)[..2], [(3, 1), (2, 1)]);
        size.max_figures = 2;
        let want = [&[(3, 2), (2, 2), (3, 1), (2, 1)], &fewer[..]].concat();
        assert_eq!(amounts(&brief, &size), want);
    }
}
