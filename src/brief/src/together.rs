//! Numbers that are told together: “lần lượt là 312 và 287 hộ”, “5 hoặc 6 ngày”, “10 đến 20 triệu đồng”. One of them alone says
//! something else than the article.

use std::ops::Range;

use crate::figures::{RANGES, is_opened, with_hedges};

/// A number, and the end of it with its own unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) number: Range<usize>,
    /// Empty where it has none of its own.
    pub(crate) unit: Range<usize>,
}

impl Counted {
    fn end(&self) -> usize {
        if self.unit.is_empty() { self.number.end } else { self.unit.end }
    }
}

/// How two numbers stand beside each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    Comma,
    And,
}

/// Numbers that nobody may tell without the others beside them: with one unit for all, or with the same. “30 triệu đồng và 5
/// tấn gạo” are two amounts, and a comma alone joins nothing.
pub(crate) fn told_together(text: &str, numbers: &[Counted]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while from < numbers.len() {
        let joints: Vec<Joint> =
            numbers.windows(2).skip(from).map_while(|pair| joint(text, pair)).collect();
        let to = from + joints.len();
        if joints.contains(&Joint::And) {
            found.extend(numbers.iter().take(to + 1).skip(from).map(|c| c.number.clone()));
        }
        from = to + 1;
    }
    found
}

fn joint(text: &str, pair: &[Counted]) -> Option<Joint> {
    const AND: [&str; 7] = ["và", "hoặc", "hay", "và/hoặc", ", và", ", hoặc", ", hay"];
    let [one, other] = pair else { return None };
    let words = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
    let shared = one.unit.is_empty() || words(&one.unit) == words(&other.unit);
    if !shared {
        return None;
    }
    let between = |to: usize| words(&(one.end()..to)).trim();
    let range = between(other.number.start);
    if RANGES.contains(&range) {
        // These are one quantity with two ends.
        let one_quantity = matches!(range, "-" | "–") || is_opened(text, one.number.start);
        return (!one_quantity).then_some(Joint::And);
    }
    match between(with_hedges(text, other.number.start)) {
        "," => Some(Joint::Comma),
        words => AND.contains(&words).then_some(Joint::And),
    }
}

/// Whether what is counted belongs to several numbers, or breaks off before the next: “lần lượt là 312 và”.
pub(crate) fn is_half(label: &str) -> bool {
    let label = label.to_lowercase();
    let last = label.split_whitespace().next_back().unwrap_or_default();
    ["lần lượt", "tương ứng"].iter().any(|word| label.contains(word))
        || ["và", "hoặc", "hay", "và/hoặc"].contains(&last)
}
