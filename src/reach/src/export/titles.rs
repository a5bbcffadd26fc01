//! What people call what reports have keys of.

use std::collections::BTreeMap;

use jiff::{Zoned, civil::Date};
use loa_model::{AccountName, Capability};
use serde::{Deserialize, Serialize};

use crate::plot::{grouped, signed};

/// What people call channels, accounts and numbers, and in which language they read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titles {
    /// `vi` or `en`.
    pub lang: String,
    /// Names of channels.
    pub channels: BTreeMap<String, String>,
    /// Names of accounts, each with its channel.
    pub accounts: BTreeMap<String, String>,
    /// What a number of a channel counts where its metric does not say it all: channel, the platform's name, words.
    pub numbers: Vec<(String, String, String)>,
}

impl Titles {
    /// Names of the channels and of their numbers.
    pub fn new(lang: &str, capabilities: &BTreeMap<String, Capability>) -> Self {
        let mut titles = Self { lang: lang.to_owned(), ..Self::default() };
        for (channel, capability) in capabilities {
            titles.channels.insert(channel.clone(), capability.title.clone());
            titles.numbers.extend(capability.numbers.iter().map(|number| {
                let words = number.title.in_language(lang).to_owned();
                (channel.clone(), number.source_name.clone(), words)
            }));
        }
        titles
    }

    /// Calls an account by its title and its channel.
    pub fn name_account(&mut self, name: &AccountName, title: &str) {
        let title = format!("{title} · {}", self.channel(name.channel()));
        self.accounts.insert(name.to_string(), title);
    }

    /// Words in the language of the reader.
    pub(crate) fn say(&self, (vi, en): (&str, &str)) -> String {
        if self.lang == "en" { en } else { vi }.to_owned()
    }

    /// Between thousands.
    fn mark(&self) -> char {
        if self.lang == "en" { ',' } else { '.' }
    }

    /// A count: `1.234`, in English `1,234`.
    pub(crate) fn count(&self, number: u64) -> String {
        grouped(number, self.mark())
    }

    /// A gain with its sign.
    pub(crate) fn gain(&self, gain: i64) -> String {
        let sign = if gain > 0 { "+" } else { "" };
        format!("{sign}{}", signed(gain, self.mark()))
    }

    /// A day: `03/12/2026`, in English `3 Dec 2026`.
    pub(crate) fn day(&self, day: Date) -> String {
        day.strftime(&self.say(("%d/%m/%Y", "%-d %b %Y"))).to_string()
    }

    /// A minute: `07:30 03/12/2026`, in English `07:30, 3 Dec 2026`.
    pub(crate) fn minute(&self, at: &Zoned) -> String {
        at.strftime(&self.say(("%H:%M %d/%m/%Y", "%H:%M, %-d %b %Y"))).to_string()
    }

    pub(crate) fn flag(&self, flag: bool) -> String {
        self.say(if flag { ("có", "yes") } else { ("không", "no") })
    }

    pub(crate) fn channel(&self, name: &str) -> String {
        self.channels.get(name).map_or(name, String::as_str).to_owned()
    }

    pub(crate) fn account(&self, name: &str) -> String {
        self.accounts.get(name).map_or(name, String::as_str).to_owned()
    }

    /// What a number counts; empty where its metric says it all.
    pub(crate) fn number(&self, channel: &str, source: &str) -> &str {
        let known = self.numbers.iter().find(|(of, name, _)| of == channel && name == source);
        known.map_or("", |(.., words)| words)
    }

    /// Names of numbers, each told by its channel, the platform's name and its definition: `Facebook · video ngắn`. Two that would be
    /// called the same say their definition too.
    pub fn number_names<'a>(
        &self,
        of: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Vec<String> {
        let label = |(channel, source, definition): (&str, &str, &str)| {
            let counts = match self.number(channel, source) {
                "" => String::new(),
                words => format!(" · {words}"),
            };
            let by = format!("{} {definition}", self.say(("cách tính", "definition")));
            [format!("{}{counts}", self.channel(channel)), by, source.to_owned()]
        };
        told_apart(&of.into_iter().map(label).collect::<Vec<_>>())
    }
}

/// Each label as short as it can be while no other is the same: its first part, and of the others those that part it from some.
pub fn told_apart<const N: usize>(labels: &[[String; N]]) -> Vec<String> {
    let mut told: Vec<String> = labels.iter().map(|parts| parts[0].clone()).collect();
    for nth in 1..N {
        let parts: Vec<&String> = labels.iter().filter_map(|parts| parts.get(nth)).collect();
        let before: Vec<(String, &String)> = told.iter().cloned().zip(parts).collect();
        for (label, (own, part)) in told.iter_mut().zip(&before) {
            if before.iter().any(|(other, theirs)| other == own && theirs != part) {
                *label = format!("{own} · {part}");
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_no_more_than_parts_them() {
        let label = |parts: [&str; 3]| parts.map(str::to_owned);
        for (labels, told) in [
            (vec![label(["a", "x", "1"]), label(["b", "x", "1"])], vec!["a", "b"]),
            (vec![label(["a", "x", "1"]), label(["a", "y", "1"])], vec!["a · x", "a · y"]),
            (
                vec![label(["a", "x", "1"]), label(["a", "x", "2"]), label(["a", "y", "2"])],
                vec!["a · x · 1", "a · x · 2", "a · y"],
            ),
            (vec![label(["a", "x", "1"]), label(["a", "x", "1"])], vec!["a", "a"]),
        ] {
            assert_eq!(told_apart(&labels), told);
        }
    }
}
