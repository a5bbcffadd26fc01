//! A sentence with its place, and passages cut from it.

use std::ops::Range;

use loa_model::{Article, Edit, Passage, Span};

use crate::sentence::sentences;

/// Openings that say where a report comes from or tie a sentence to the one before; what follows stands alone.
pub(crate) const CONNECTIVES: [&str; 9] = [
    "Theo đó, ",
    "Ngoài ra, ",
    "Bên cạnh đó, ",
    "Đồng thời, ",
    "Cụ thể, ",
    "Cùng với đó, ",
    "Mặt khác, ",
    "Được biết, ",
    "Cũng theo đó, ",
];

/// A place in a block.
pub(crate) fn span(article: &Article, block: usize, range: &Range<usize>) -> Span {
    let small = |n: usize| u32::try_from(n).expect("a block is far smaller than 4 GiB");
    Span {
        revision: article.revision,
        block: small(block),
        start: small(range.start),
        end: small(range.end),
    }
}

/// The words at a place, whole.
pub(crate) fn whole(article: &Article, block: usize, range: &Range<usize>) -> Passage {
    let span = span(article, block, range);
    Passage { text: span.of(article).unwrap_or_default().to_owned(), span, edits: Vec::new() }
}

/// The words at a place with the allowed cuts, each recorded: an agency's prefix or a connective in front when what
/// follows begins with a capital, the `./.` of an ending, the `;` of a list item.
pub(crate) fn trimmed(article: &Article, block: usize, range: &Range<usize>) -> Passage {
    let mut passage = whole(article, block, range);
    let text = passage.text.clone();
    let front = prefix(&text);
    let back = if text.ends_with("./.") { 2 } else { usize::from(text.ends_with(';')) };
    let mut cut = |from: usize, to: usize| {
        if from < to {
            let span = span(article, block, &(range.start + from..range.start + to));
            passage.edits.push(Edit::Cut { span });
        }
    };
    cut(0, front);
    cut(text.len() - back, text.len());
    text.get(front..text.len() - back).unwrap_or_default().clone_into(&mut passage.text);
    passage
}

/// Bytes in front that may go.
pub(crate) fn prefix(text: &str) -> usize {
    let agency = || {
        let (name, rest) = text.strip_prefix('(')?.split_once(')')?;
        let rest = rest.trim_start().strip_prefix(['-', '–', '—'])?;
        (name.chars().count() <= 40 && !name.contains(|c: char| c.is_ascii_digit()))
            .then_some(rest.trim_start())
    };
    let connective = || CONNECTIVES.iter().find_map(|connective| text.strip_prefix(connective));
    let rest = agency().or_else(connective);
    // A sentence shown without its beginning must still begin like one.
    rest.filter(|rest| rest.starts_with(char::is_uppercase))
        .map_or(0, |rest| text.len() - rest.len())
}

/// A sentence of the article.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) block: usize,
    pub(crate) range: Range<usize>,
    /// Number among the sentences of the body.
    pub(crate) position: usize,
}

impl Sentence {
    pub(crate) fn of<'a>(&self, article: &'a Article) -> &'a str {
        article
            .blocks
            .get(self.block)
            .and_then(|block| block.text.get(self.range.clone()))
            .unwrap_or_default()
    }
}

/// Sentences of every block whose words may be shown.
pub(crate) fn body_sentences(article: &Article) -> Vec<Sentence> {
    let bodies = article
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| loa_model::brief::is_body(block.kind));
    let ranges = bodies
        .flat_map(|(block, b)| sentences(&b.text).into_iter().map(move |range| (block, range)));
    ranges
        .enumerate()
        .map(|(position, (block, range))| Sentence { block, range, position })
        .collect()
}
