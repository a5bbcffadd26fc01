//! The brief beside its source: each piece with the place it was taken from.

use loa_model::{Article, Brief, BriefList, Figure, Passage, Quote, Span};
use serde::Serialize;

/// A piece of the brief.
#[derive(Debug, Serialize)]
pub(crate) struct Piece {
    text: String,
    /// What stands before it: an amount, a speaker, a date.
    head: String,
    /// Where it is from; see [`at`].
    at: String,
    block: u32,
    edited: bool,
}

/// Pieces of one kind.
#[derive(Debug, Serialize)]
pub(crate) struct Group {
    /// Key of its heading among the words.
    name: &'static str,
    pieces: Vec<Piece>,
}

/// A place for a script: block, start and end, counted as scripts count letters (UTF-16). Empty when it is not there.
pub(crate) fn at(article: &Article, span: Span) -> String {
    let text = article.blocks.get(span.block as usize).map_or("", |block| block.text.as_str());
    let units = |end: u32| text.get(..end as usize).map(|text| text.encode_utf16().count());
    match (units(span.start), units(span.end)) {
        (Some(start), Some(end)) if span.revision == article.revision => {
            format!("{}:{start}:{end}", span.block)
        }
        _ => String::new(),
    }
}

/// A figure as people read it: a percentage is one thing with its sign.
pub(crate) fn amount(figure: &Figure) -> String {
    let gap = if matches!(figure.unit.as_str(), "" | "%") { "" } else { " " };
    format!("{}{gap}{}", figure.value, figure.unit)
}

/// What stands before the words of a part of the brief: the number, who says it, the day.
pub(crate) fn head(brief: &Brief, list: BriefList, of: usize) -> String {
    let head = match list {
        BriefList::Points => None,
        BriefList::Figures => brief.figures.get(of).map(amount),
        BriefList::Quotes => {
            let whose = |quote: &Quote| format!("{} {}", quote.role, quote.speaker);
            brief.quotes.get(of).map(|quote| whose(quote).trim().to_owned())
        }
        BriefList::Dates => {
            brief.dates.get(of).map(|day| day.date.strftime("%d/%m/%Y").to_string())
        }
    };
    head.unwrap_or_default()
}

/// Everything in the brief that has words, by kind.
pub(crate) fn groups(brief: &Brief, article: &Article) -> Vec<Group> {
    let piece = |head: String, passage: &Passage| Piece {
        text: passage.text.trim().to_owned(),
        head,
        at: at(article, passage.span),
        block: passage.span.block,
        edited: passage.is_edited(),
    };
    let plain = |passage: &Passage| piece(String::new(), passage);
    let place = |text: &str, span: Span| Piece {
        text: text.to_owned(),
        head: String::new(),
        at: at(article, span),
        block: span.block,
        edited: false,
    };
    let title = std::iter::once(plain(&brief.title)).chain(brief.sapo.iter().map(plain));
    let listed = |list: BriefList| {
        let words = list.words(brief).into_iter().enumerate();
        words.map(move |(of, words)| piece(head(brief, list, of), words))
    };
    // The number is where a figure is, not what it counts.
    let figures = brief.figures.iter().zip(listed(BriefList::Figures));
    let figures = figures.map(|(figure, piece)| Piece { at: at(article, figure.span), ..piece });
    let events = brief.events.iter().map(|event| piece(event.date.text.clone(), &event.text));
    let steps = brief
        .steps
        .iter()
        .enumerate()
        .map(|(n, step)| piece((n + 1).to_string(), step.text.as_ref().unwrap_or(&step.title)));
    let documents = brief.legal_docs.iter().map(|doc| Piece {
        head: doc.name.as_ref().map(|name| name.text.clone()).unwrap_or_default(),
        ..place(&doc.number, doc.span)
    });
    let bulletin = brief.bulletin.iter().flat_map(|bulletin| {
        let level = bulletin.level.iter().map(|level| &level.words);
        level.chain(&bulletin.area).chain(&bulletin.until).chain(&bulletin.actions).map(plain)
    });
    let all: [(&'static str, Vec<Piece>); 9] = [
        ("head", title.collect()),
        ("alert", bulletin.collect()),
        ("points", listed(BriefList::Points).collect()),
        ("figures", figures.collect()),
        ("quotes", listed(BriefList::Quotes).collect()),
        ("steps", steps.collect()),
        ("events", events.collect()),
        ("dates", listed(BriefList::Dates).collect()),
        ("documents", documents.collect()),
    ];
    let some = all.into_iter().filter(|(_, pieces)| !pieces.is_empty());
    some.map(|(name, pieces)| Group { name, pieces }).collect()
}
