//! Walks a text once and lets the rules say what stands at each place.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    Kind, Lang, Piece, rules,
    table::{self, Table},
};

/// What a rule says for the characters up to `end`.
pub(super) struct Match {
    pub end: usize,
    pub said: String,
    pub role: Role,
}

/// What was said, as far as it decides how the next thing is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A word as written.
    Word,
    /// Said otherwise.
    Read,
    /// A number.
    Number,
    /// A number that was written in Roman letters.
    Roman,
    /// A unit.
    Unit,
    /// A pause.
    Pause,
    /// A joint that is not heard, like a hyphen.
    Silent,
}

/// A text being read.
pub(super) struct Reader<'a> {
    pub lang: Lang,
    pub table: &'static Table,
    source: &'a str,
    chars: Vec<char>,
    /// Byte of each character, and the end.
    bytes: Vec<usize>,
    pieces: Vec<Piece>,
    /// What was written, in small letters; a pause is its mark.
    written: Vec<(String, Role)>,
    /// Whether a Roman numeral may go on: “khóa XIV, XV”.
    roman: bool,
}

/// The pieces of a text that is in NFC.
pub(super) fn read(source: &str, lang: Lang) -> Vec<Piece> {
    let chars: Vec<char> = source.chars().collect();
    let bytes: Vec<usize> = source.char_indices().map(|(at, _)| at).chain([source.len()]).collect();
    let mut reader = Reader {
        lang,
        table: table::of(lang),
        source,
        chars,
        bytes,
        pieces: Vec::new(),
        written: Vec::new(),
        roman: false,
    };
    let mut at = 0;
    while at < reader.chars.len() {
        let c = reader.char(at);
        let found = if c == '\n' {
            Match { end: at + 1, said: ".".into(), role: Role::Pause }
        } else if c.is_whitespace() || is_unseen(c) {
            at += 1;
            continue;
        } else {
            rules::at(&reader, at)
        };
        debug_assert!(found.end > at, "a rule that reads nothing would never end");
        let end = found.end;
        reader.keep(at, found);
        at = end;
    }
    // Nothing is waited for at the end.
    reader.pieces.pop_if(|last| last.said == ",");
    reader.pieces
}

/// Characters that are written for the setter of the text and nobody sees.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe0e}' | '\u{fe0f}'
    )
}

impl Reader<'_> {
    /// The character at `at`, nothing (U+0000) behind the end.
    pub(super) fn char(&self, at: usize) -> char {
        self.chars.get(at).copied().unwrap_or('\0')
    }

    /// The character before `at`.
    pub(super) fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or('\0', |at| self.char(at))
    }

    pub(super) fn text(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or_default().iter().collect()
    }

    /// End of the digits that begin at `at`.
    pub(super) fn digits(&self, at: usize) -> usize {
        self.run(at, |c| c.is_ascii_digit())
    }

    /// End of the letters that begin at `at`.
    pub(super) fn letters(&self, at: usize) -> usize {
        self.run(at, |c| c.is_alphabetic() || is_combining_mark(c))
    }

    pub(super) fn run(&self, at: usize, is: impl Fn(char) -> bool) -> usize {
        let rest = self.chars.get(at..).unwrap_or_default();
        at + rest.iter().take_while(|&&c| is(c)).count()
    }

    pub(super) fn spaces(&self, at: usize) -> usize {
        self.run(at, |c| c.is_whitespace() && c != '\n')
    }

    /// Whether nothing goes on at `at` that would belong to a word or number.
    pub(super) fn edge(&self, at: usize) -> bool {
        !self.char(at).is_alphanumeric()
    }

    /// What was written `back` words before, in small letters, pauses left out.
    pub(super) fn written(&self, back: usize) -> &str {
        let words = self.written.iter().rev().filter(|(_, role)| *role != Role::Pause);
        words.map(|(text, _)| text.as_str()).nth(back).unwrap_or_default()
    }

    /// The word right before, none when there is a pause between.
    pub(super) fn last(&self) -> &str {
        self.written
            .last()
            .filter(|(_, role)| *role != Role::Pause)
            .map_or("", |(text, _)| text.as_str())
    }

    /// Whether the word before is of this kind in the table.
    pub(super) fn after(&self, kind: &str) -> bool {
        self.table.is(kind, self.last())
    }

    /// Whether a number, maybe with its unit or “million”, stands right before.
    pub(super) fn measured(&self) -> bool {
        match self.written.last() {
            Some((_, Role::Number | Role::Roman | Role::Unit)) => true,
            Some((text, _)) => {
                self.table.is("magnitude", text)
                    && self
                        .written
                        .iter()
                        .rev()
                        .find(|(text, _)| !self.table.is("magnitude", text))
                        .is_some_and(|(_, role)| *role == Role::Number)
            }
            None => false,
        }
    }

    /// Whether a number stands among the last few words.
    pub(super) fn near_number(&self) -> bool {
        self.written.iter().rev().take(5).any(|(_, role)| *role == Role::Number)
    }

    /// Whether a Roman numeral can stand here.
    pub(super) fn takes_roman(&self) -> bool {
        self.roman || self.after("roman")
    }

    fn keep(&mut self, from: usize, found: Match) {
        let Match { end, said, role } = found;
        if role == Role::Silent {
            return;
        }
        let span = self.bytes[from]..self.bytes[end];
        let written = self.source.get(span.clone()).unwrap_or_default().to_lowercase();
        let joins = matches!(written.as_str(), "và" | "đến" | "hoặc" | "and" | "to" | "or" | ",")
            || said == "đến"
            || said == "to";
        self.roman = role == Role::Roman || self.roman && joins;
        let said: String = said.nfc().collect();
        let kind = match role {
            Role::Pause => Kind::Pause,
            Role::Word => Kind::Word,
            _ => Kind::Read,
        };
        if kind != Kind::Pause {
            self.written.push((written, role));
            self.pieces.push(Piece { said, span, kind });
            return;
        }
        match self.pieces.last_mut() {
            // A text does not begin with a pause.
            None => {}
            Some(last) if last.kind == Kind::Pause => {
                last.span.end = span.end;
                if last.said == "," {
                    last.said = said;
                }
            }
            Some(_) => {
                self.written.push((written, role));
                self.pieces.push(Piece { said, span, kind });
            }
        }
    }
}
