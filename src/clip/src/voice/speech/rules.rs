//! The rules, in the order in which they are asked.

mod address;
mod date;
mod figure;
mod mark;
mod word;

use super::reader::{Match, Reader, Role};

/// What is said at `at`, which is neither a space nor the end.
pub(super) fn at(reader: &Reader<'_>, at: usize) -> Match {
    const RULES: [fn(&Reader<'_>, usize) -> Option<Match>; 14] = [
        address::address,
        word::short,
        figure::phone,
        figure::legal,
        date::full,
        date::month,
        date::day,
        date::time,
        figure::money,
        figure::number,
        word::unit,
        word::roman,
        word::word,
        mark::mark,
    ];
    RULES.iter().find_map(|rule| rule(reader, at)).unwrap_or_else(|| Match {
        end: at + 1,
        said: ",".into(),
        role: Role::Pause,
    })
}

/// A match that says something.
#[expect(clippy::unnecessary_wraps, reason = "it is how every rule ends")]
fn says(end: usize, said: impl Into<String>, role: Role) -> Option<Match> {
    Some(Match { end, said: said.into(), role })
}
