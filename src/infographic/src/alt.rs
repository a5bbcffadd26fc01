//! Alternative text: what the card says, in the same order, for those who hear it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Order, card::Card, publisher};

/// Section, headline, what the family leads with, figures, points and source as sentences. All of it is what the card was given.
pub(crate) fn text(order: &Order<'_>, card: &Card, labels: &BTreeMap<String, String>) -> String {
    let label = |key: &str| labels.get(key).map_or("", String::as_str);
    let mut parts = Vec::new();
    let section = order.article.section.trim();
    let title = order.brief.title.text.trim();
    parts.push(if section.is_empty() { title.to_owned() } else { format!("{section}: {title}") });
    parts.extend(lead(&card.data, &label));
    for figure in list(&card.data, "figures") {
        parts.push(joined(figure, &["value", "unit", "label"], " "));
    }
    parts.extend(list(&card.data, "points").iter().filter_map(Value::as_str).map(trimmed));
    if !publisher(order.article).is_empty() {
        parts.push(format!("{}: {}", label("source"), publisher(order.article)));
    }
    let ended = |part: &String| {
        let open = !part.ends_with(['.', '!', '?', '…', '”']);
        if open { format!("{part}.") } else { part.clone() }
    };
    parts.iter().filter(|part| !part.is_empty()).map(ended).collect::<Vec<_>>().join(" ")
}

/// What a family leads with, in the order in which it is read.
fn lead<'a>(data: &Value, label: &impl Fn(&str) -> &'a str) -> Vec<String> {
    let named = |key: &str, words: String| {
        if words.is_empty() { words } else { format!("{}: {words}", label(key)) }
    };
    let mut parts = Vec::new();
    if let Some(quote) = data.get("quote") {
        let who = joined(quote, &["speaker", "role"], ", ");
        parts.push(format!("“{}” – {who}", field(quote, "words")));
    }
    for document in list(data, "documents") {
        parts.push(joined(document, &["name", "number", "issuer", "date"], " "));
    }
    parts.push(named("effective", field(data, "effective")));
    if let Some(level) = data.get("level") {
        parts.push(field(level, "text"));
    }
    parts.push(named("area", field(data, "area")));
    parts.push(named("until", field(data, "until")));
    for hotline in list(data, "hotlines") {
        let whose = field(hotline, "label");
        let whose = if whose.is_empty() { label("hotline").to_owned() } else { whose };
        parts.push(format!("{whose}: {}", field(hotline, "number")));
    }
    let first = data.get("first").and_then(Value::as_u64).unwrap_or(0);
    for (number, step) in (first + 1..).zip(list(data, "steps")) {
        parts.push(format!("{number}. {}", joined(step, &["title", "text"], ": ")));
    }
    for event in list(data, "events") {
        parts.push(joined(event, &["date", "text"], ": "));
    }
    if let Some(table) = data.get("table") {
        let heads = texts(list(table, "columns"));
        for row in list(table, "rows").iter().filter_map(Value::as_array) {
            parts.push(compared(&heads, &texts(row)));
        }
    }
    if let Some(chart) = data.get("chart") {
        let heads = texts(list(chart, "columns"));
        let kind = label(&format!("chart_{}", field(chart, "kind"))).to_owned();
        // A single head is said once, with what it is a chart of.
        let single = heads.get(1).filter(|_| heads.len() == 2);
        parts.push(single.map_or(kind.clone(), |head| format!("{kind}: {head}")));
        for row in list(chart, "rows") {
            let values = list(row, "values").iter().filter_map(|value| value.get("text")?.as_str());
            let cells: Vec<_> = row["label"].as_str().into_iter().chain(values).collect();
            let heads = if single.is_some() { &[""; 2][..] } else { &heads };
            parts.push(compared(heads, &cells));
        }
    }
    if let Some(correction) = data.get("correction") {
        parts.push(label("correction").to_owned());
        for part in ["before", "after", "reason"] {
            parts.push(named(part, field(correction, part)));
        }
    }
    parts
}

/// A row of a table: what is compared, and each cell behind the head of its column.
fn compared(heads: &[&str], cells: &[&str]) -> String {
    let said = heads.iter().zip(cells).skip(1);
    let said: Vec<_> =
        said.map(|(head, cell)| format!("{head} {cell}").trim().to_owned()).collect();
    format!("{}: {}", cells.first().unwrap_or(&""), said.join(", "))
}

fn texts(cells: &[Value]) -> Vec<&str> {
    cells.iter().filter_map(Value::as_str).collect()
}

fn list<'a>(data: &'a Value, field: &str) -> &'a [Value] {
    data.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn field(data: &Value, field: &str) -> String {
    data.get(field).and_then(Value::as_str).map(trimmed).unwrap_or_default()
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn joined(data: &Value, fields: &[&str], between: &str) -> String {
    let words = fields.iter().map(|name| field(data, name)).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(between)
}
