//! Alternative text: what the card says, in the same order, for those who hear it.

use std::collections::BTreeMap;

use crate::{Order, card::Card, publisher};

/// Section, headline, figure, points and source as sentences.
pub(crate) fn text(order: &Order<'_>, card: &Card, labels: &BTreeMap<String, String>) -> String {
    let brief = order.brief;
    let mut parts = Vec::new();
    let section = order.article.section.trim();
    let title = brief.title.text.trim();
    parts.push(if section.is_empty() { title.to_owned() } else { format!("{section}: {title}") });
    for figure in brief.figures.iter().take(card.figures) {
        let words = [figure.value.as_str(), &figure.unit, &figure.label.text];
        let words: Vec<_> =
            words.iter().map(|word| word.trim()).filter(|w| !w.is_empty()).collect();
        parts.push(words.join(" "));
    }
    parts.extend(brief.points.iter().take(card.points).map(|point| point.text.trim().to_owned()));
    let label = labels.get("source").map_or("", String::as_str);
    if !publisher(order.article).is_empty() {
        parts.push(format!("{label}: {}", publisher(order.article)));
    }
    let ended = |part: &String| {
        let open = !part.ends_with(['.', '!', '?', '…', '”']);
        if open { format!("{part}.") } else { part.clone() }
    };
    parts.iter().map(ended).collect::<Vec<_>>().join(" ")
}
