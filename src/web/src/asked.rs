//! What a list is asked for: its filters as an address has them, each taken back by a press, and days as instants.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::calendar::zone;

/// A filter that is on.
#[derive(Debug, Serialize)]
pub(crate) struct Chip {
    pub(crate) name: &'static str,
    /// What it asks for, as people read it.
    pub(crate) value: String,
    /// The list without it.
    pub(crate) without: String,
}

/// The filters that are on, in the order of their fields.
#[derive(Debug, Clone)]
pub(crate) struct Filters(Vec<(&'static str, String)>);

impl Filters {
    /// Of all fields of a form; what is empty asks for nothing.
    pub(crate) fn of(fields: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self(fields.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The address of the list without one of its filters, with some more.
    pub(crate) fn address(&self, path: &str, without: &str, more: &[(&str, &str)]) -> String {
        let own = self.0.iter().filter(|(name, _)| *name != without);
        let own = own.map(|(name, value)| (*name, value.as_str()));
        let more = more.iter().copied().filter(|(_, value)| !value.is_empty());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(own.chain(more)).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// A chip for each filter; `shown` says what people call its value.
    pub(crate) fn chips(&self, path: &str, shown: impl Fn(&str, &str) -> String) -> Vec<Chip> {
        let chip = |(name, value): &(&'static str, String)| Chip {
            name,
            value: shown(name, value),
            without: self.address(path, name, &[]),
        };
        self.0.iter().map(chip).collect()
    }
}

/// A day as a field has it.
pub(crate) fn day(day: Option<Date>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// The beginning of a day where the newsroom is; nothing for days beyond all instants.
pub(crate) fn begin(day: Date) -> Option<Timestamp> {
    day.to_zoned(zone()).ok().map(|day| day.timestamp())
}

/// From when to before when: from the beginning of the first day to the end of the last.
pub(crate) fn stretch(
    from: Option<Date>,
    to: Option<Date>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    // Nothing is after the last day that there is.
    let after = to.and_then(|day| day.tomorrow().ok()).and_then(begin);
    (from.and_then(begin), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_is_taken_back_by_itself() {
        let filters = Filters::of([
            ("q", " bão & lũ ".to_owned()),
            ("state", String::new()),
            ("from", day("2026-12-01".parse().ok())),
        ]);
        assert_eq!(filters.address("/", "", &[]), "/?q=b%C3%A3o+%26+l%C5%A9&from=2026-12-01");
        let chips = filters.chips("/", |name, value| format!("{name}: {value}"));
        let told: Vec<_> = chips.iter().map(|c| (c.value.as_str(), c.without.as_str())).collect();
        assert_eq!(
            told,
            [
                ("q: bão & lũ", "/?from=2026-12-01"),
                ("from: 2026-12-01", "/?q=b%C3%A3o+%26+l%C5%A9")
            ]
        );
        assert_eq!(Filters::of([("q", " ".to_owned())]).address("/", "", &[("trang", "")]), "/");
    }

    #[test]
    fn days_are_whole_where_the_newsroom_is() {
        let day: Option<Date> = "2026-12-01".parse().ok();
        let (from, before) = stretch(day, day);
        assert_eq!(from.map(|at| at.to_string()).as_deref(), Some("2026-11-30T17:00:00Z"));
        assert_eq!(before.map(|at| at.to_string()).as_deref(), Some("2026-12-01T17:00:00Z"));
        assert_eq!(stretch(None, Some(Date::MAX)), (None, None));
    }
}
