//! The tables of a language: acronyms, units, signs and letters, read from the data files beside this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use super::Lang;

/// What one language says for what is written.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Acronyms and abbreviations by their first letter, longest first.
    pub short: BTreeMap<char, Vec<Entry>>,
    /// Units by their first letter, longest first.
    pub unit: BTreeMap<char, Vec<Entry>>,
    /// Signs.
    pub sign: BTreeMap<char, String>,
    /// Names of letters, by the capital.
    pub letter: BTreeMap<char, String>,
    /// Kinds of words that decide how the next thing is read.
    pub words: BTreeMap<String, BTreeSet<String>>,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub written: Vec<char>,
    pub said: String,
    /// Stands after a number only: alone it could be a word.
    pub after_number: bool,
}

/// The table of a language.
pub(super) fn of(lang: Lang) -> &'static Table {
    static VI: LazyLock<Table> = LazyLock::new(|| parse(include_str!("vi.tsv")));
    static EN: LazyLock<Table> = LazyLock::new(|| parse(include_str!("en.tsv")));
    match lang {
        Lang::Vi => &VI,
        Lang::En => &EN,
    }
}

impl Table {
    /// Whether `word` is of this kind.
    pub(super) fn is(&self, kind: &str, word: &str) -> bool {
        self.words.get(kind).is_some_and(|words| words.contains(word))
    }
}

/// Lines of `kind<tab>written<tab>said`; a kind of words has its words in the second column, parted by `|`.
fn parse(text: &str) -> Table {
    let mut table = Table::default();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let (Some(kind), Some(written)) = (columns.next(), columns.next()) else {
            unreachable!("a line of the table without columns: {line}");
        };
        let said = columns.next().unwrap_or_default().to_owned();
        let first = written.chars().next().unwrap_or_default();
        let entry = |after_number| Entry {
            written: written.chars().collect(),
            said: said.clone(),
            after_number,
        };
        match kind {
            "short" => table.short.entry(first).or_default().push(entry(false)),
            "unit" => table.unit.entry(first).or_default().push(entry(false)),
            "count" => table.unit.entry(first).or_default().push(entry(true)),
            "sign" => drop(table.sign.insert(first, said)),
            "letter" => drop(table.letter.insert(first, said)),
            _ => {
                let words = written.split('|').map(str::to_owned).collect();
                table.words.insert(kind.to_owned(), words);
            }
        }
    }
    for entries in table.short.values_mut().chain(table.unit.values_mut()) {
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.written.len()));
    }
    table
}
