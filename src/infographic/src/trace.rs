//! Where a drawn string comes from, and how two strings are compared when one of them was set.

use loa_canvas::sanitise;
use loa_model::{Article, Edit, Passage, Span};
use serde::Serialize;

use crate::{Error, Result};

/// Origin of a string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "from")]
pub(crate) enum Origin {
    /// The article's own words at this place, with recorded cuts.
    Span { span: Span, edits: Vec<Edit> },
    /// A person's words for this place: shown as edited.
    Edited { span: Span, edits: Vec<Edit> },
    /// A field of the article: section, publisher, date.
    Article,
    /// The address.
    Link,
    /// The brand kit.
    Brand,
    /// Fixed words of the templates.
    Label,
}

/// A string with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Known {
    pub(crate) field: String,
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// Whether the card is none without it.
    #[serde(skip)]
    pub(crate) must: bool,
}

impl Known {
    /// A string that a template may leave out.
    pub(crate) fn may(field: &str, text: String, origin: Origin) -> Self {
        Self { field: field.to_owned(), text, origin, must: false }
    }
}

/// Where a passage comes from.
///
/// # Errors
/// [`Error::Unfaithful`] when it is neither the article's own words nor marked as edited.
pub(crate) fn origin(passage: &Passage, article: &Article) -> Result<Origin> {
    if passage.is_edited() {
        return Ok(Origin::Edited { span: passage.span, edits: passage.edits.clone() });
    }
    if passage.is_faithful(article) {
        return Ok(Origin::Span { span: passage.span, edits: passage.edits.clone() });
    }
    Err(Error::Unfaithful(passage.text.clone()))
}

/// A string without spaces, case and what setting adds: a headline in capitals over two lines equals its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Squeezed(pub(crate) String);

impl Squeezed {
    pub(crate) fn of(text: &str) -> Self {
        Self(sanitise::bare(&sanitise::text(text)).to_lowercase())
    }

    /// As [`Squeezed::of`], for a run read from a page: a run may begin with a mark whose letter is in the run before.
    pub(crate) fn drawn(run: &str) -> Self {
        Self(sanitise::bare(run).to_lowercase())
    }

    pub(crate) fn is_right_to_left(&self) -> bool {
        self.0.chars().any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'))
    }

    /// Whether every letter is there as often as needed, in whatever order.
    pub(crate) fn letters_within(&self, page: &str) -> bool {
        let mut rest: Vec<char> = page.chars().collect();
        rest.sort_unstable();
        let mut want: Vec<char> = self.0.chars().collect();
        want.sort_unstable();
        let mut rest = rest.into_iter();
        want.into_iter().all(|letter| rest.by_ref().any(|have| have == letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_changes_nothing_that_counts() {
        let source = Squeezed::of("Hỗ trợ 60 triệu đồng");
        assert_eq!(Squeezed::of("HỖ TRỢ 60\u{a0}TRIỆU\u{a0}ĐỒNG"), source);
        assert_eq!(Squeezed::of("Ho\u{302}\u{303} trợ 60 triệu đồng"), source);
        assert_ne!(Squeezed::of("Hỗ trợ 6 triệu đồng"), source);
        let arabic = Squeezed::of("مرحبا");
        assert!(arabic.is_right_to_left() && arabic.letters_within("ابحرمx"));
        assert!(!arabic.letters_within("ابحر"));
    }
}
