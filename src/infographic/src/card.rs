//! What one card says: the data for the template, and beside it where each string comes from.

use loa_canvas::{DrawnText, Engine, Manifest, PreparedPhoto};
use loa_model::{Article, Figure, Passage, Span, template::OWN};
use serde_json::{Value, json};

use crate::{
    Error, Order, Result,
    amount::Amount,
    details::{Details, Lead},
    publisher, shown_address,
    trace::{Known, Origin, Squeezed, origin},
    whole,
};

/// A card ready to be laid out.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    /// Numbers a template may draw on its own: places of points and of steps, from 1.
    places: usize,
    /// Data of the template.
    pub(crate) data: Value,
    /// Every string it may draw, with its origin.
    pub(crate) known: Vec<Known>,
    /// What the brief has and this card has not.
    pub(crate) left_out: Vec<String>,
}

/// Characters beyond which no card holds a headline at 28 px; it is not even tried, layout of endless text takes seconds.
pub(crate) const MAX_TITLE: usize = 700;
impl Card {
    pub(crate) fn new(
        engine: &Engine,
        order: &Order<'_>,
        manifest: &Manifest,
        amount: Amount,
    ) -> Result<Self> {
        let figures = amount.figures;
        let Order { article, brief, .. } = order;
        let labels = engine.labels(&article.lang);
        let brand = engine.brand(order.brand)?;
        let mut known = Vec::new();
        let mut edited = false;
        let mut passage = |field: String, passage: &Passage| -> Result<String> {
            edited |= passage.is_edited();
            let origin = origin(passage, article)?;
            known.push(Known { field, text: passage.text.clone(), origin, must: true });
            Ok(passage.text.clone())
        };
        let lead = Lead::of(manifest).filter(|lead| lead.is_in(brief, &article.lang));
        let said = match (lead, &brief.bulletin) {
            (Some(Lead::Bulletin), Some(bulletin)) => ("actions", &bulletin.actions),
            _ => ("points", &brief.points),
        };
        let title = passage("title".to_owned(), &brief.title)?;
        let mut set_points = Vec::new();
        let points = amount.points(said.1.len());
        for (index, point) in said.1.iter().enumerate().take(points.end).skip(points.start) {
            set_points.push(passage(format!("{}.{index}", said.0), point)?);
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
                known.push(Known { field, text: text.clone(), origin: origin.clone(), must: true });
            }
        }
        let details = Details::of(article, brief, manifest, amount)?;
        edited |= details.known.iter().any(|known| matches!(known.origin, Origin::Edited { .. }));
        known.extend(details.known);
        let url = order.link.unwrap_or(article.web_address());
        let shown = shown_address(url);
        let note =
            if edited { labels.get("edited").cloned().unwrap_or_default() } else { String::new() };
        let article_fields = [
            ("category", article.section.clone()),
            ("source", publisher(article).to_owned()),
            ("date", order.date.to_owned()),
        ];
        for (field, text) in article_fields {
            known.push(Known::may(field, text, Origin::Article));
        }
        known.push(Known::may("url_short", shown.clone(), Origin::Link));
        for text in [brand.name(&article.lang), &brand.tagline] {
            known.push(Known::may("agency", text.to_owned(), Origin::Brand));
        }
        for (key, text) in &labels {
            known.push(Known::may(&format!("labels.{key}"), text.clone(), Origin::Label));
        }
        let rest = |name: &'static str, from: usize, all: usize| {
            (from..all).map(move |index| format!("{name}.{index}"))
        };
        let skipped = amount.events(brief.events.len()).start;
        let texts = brief.steps.iter().enumerate().filter(|(_, step)| step.text.is_some());
        let texts = texts.map(|(index, _)| format!("steps.{index}.text"));
        let left_out: Vec<String> = match lead {
            // What is not on this page is on another one.
            _ if amount.page.is_some() => Vec::new(),
            Some(Lead::Steps) => texts.filter(|_| !amount.texts).collect(),
            Some(Lead::Events) => rest("events", 0, skipped).collect(),
            Some(Lead::Table | Lead::Chart) => Vec::new(),
            _ => rest(said.0, points.end, said.1.len())
                .chain(rest("figures", figures, brief.figures.len()))
                .collect(),
        };
        let mut data = json!({
            "lang": article.lang, "category": article.section, "date": order.date, "title": title,
            "points": set_points, "figures": set_figures, "source": publisher(article),
            "url": url, "url_short": shown, "note": note,
        });
        data.as_object_mut().expect("an object").extend(details.data);
        if let Some(page) = amount.page {
            for (field, number) in [("page", page.number), ("pages", page.of)] {
                known.push(Known::may(field, number.to_string(), Origin::Label));
            }
            data["page"] = page.number.into();
            data["pages"] = page.of.into();
            data["first"] = page.first.into();
        } else if lead == Some(Lead::Events) {
            data["older"] = skipped.into();
        }
        let steps = if lead == Some(Lead::Steps) { brief.steps.len() } else { 0 };
        let places = points.end.max(steps);
        Ok(Self { places, data, known, left_out })
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
            let is_step = (1..=self.places).any(|number| run.0 == number.to_string());
            if !is_step && !sources.iter().any(|source| source.0.contains(&run.0)) {
                let text = drawn.text.clone();
                return Err(Error::Untraced { template: template.to_owned(), text });
            }
        }
        if template.starts_with(OWN)
            && let Some(text) = whole::piece(&sources, self.places, texts)
        {
            return Err(Error::Piece { template: template.to_owned(), text: text.to_owned() });
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
        let absent = |known: &&Known| {
            let want = Squeezed::of(&known.text);
            // Runs of right-to-left scripts come in the order of the eye: their letters are compared without order.
            if want.is_right_to_left() {
                !want.letters_within(&page)
            } else {
                !page.contains(&want.0)
            }
        };
        self.known.iter().filter(|k| k.must).find(absent).map(|known| known.text.clone())
    }
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
