//! Whether what is spoken says the numbers of the text, all of them and no other.
//!
//! It hears number words back into digits with a grammar of its own and lays them beside the digits of the text; words
//! that are written and spoken alike stand for themselves. Nothing here reads the tables or the rules of the reader.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{
    Lang,
    source::{Want, wants},
};

/// A difference between a text and how it is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsaid {
    /// The text has it and nobody says it.
    Missing {
        /// As written.
        written: String,
        /// Its bytes of the text in NFC.
        span: Range<usize>,
    },
    /// It is said and the text does not have it.
    Added {
        /// As spoken.
        said: String,
    },
}

/// What a fault costs, against 1 for a word that is only written or only spoken.
const FAULT: u32 = 1_000;

/// The numbers that differ between a text and how it is spoken; none when every number is said and no other.
///
/// Time and memory grow with the product of both lengths: a scene of 2,000 characters takes some milliseconds.
///
/// ```
/// use loa_clip::voice::speech::{Lang, unsaid};
/// assert!(unsaid("Có 25 xã.", "Có hai mươi lăm xã.", Lang::Vi).is_empty());
/// assert!(!unsaid("Có 25 xã.", "Có hai mươi tư xã.", Lang::Vi).is_empty());
/// ```
pub fn unsaid(source: &str, spoken: &str, lang: Lang) -> Vec<Unsaid> {
    let source: String = source.nfc().collect();
    let wants = wants(&source, lang);
    let spoken: String = spoken.nfc().collect::<String>().to_lowercase();
    let words: Vec<&str> =
        spoken.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let heard: Vec<Vec<(String, usize)>> =
        (0..words.len()).map(|at| numbers(&words, at, lang)).collect();
    let table = Alignment { wants: &wants, words: &words, heard: &heard, lang };
    table.faults(&source)
}

/// A text laid beside what is spoken.
struct Alignment<'a> {
    wants: &'a [(Want, Range<usize>)],
    words: &'a [&'a str],
    heard: &'a [Vec<(String, usize)>],
    lang: Lang,
}

impl Alignment<'_> {
    /// Where the words end that satisfy want `i` from word `j`.
    fn met(&self, i: usize, j: usize) -> Vec<usize> {
        let rest = self.words.get(j..).unwrap_or_default();
        match &self.wants[i].0 {
            Want::Word(word) => {
                rest.first().filter(|said| *said == word).map(|_| j + 1).into_iter().collect()
            }
            Want::May(word) => {
                rest.first().filter(|said| *said == word).map(|_| j + 1).into_iter().collect()
            }
            Want::Must(words) => {
                rest.starts_with(words).then_some(j + words.len()).into_iter().collect()
            }
            Want::Number { digits, .. } => {
                let heard = self.heard.get(j).map_or(&[][..], Vec::as_slice);
                heard.iter().filter(|(value, _)| same(digits, value)).map(|&(_, end)| end).collect()
            }
        }
    }

    fn unmet(&self, i: usize) -> u32 {
        match &self.wants[i].0 {
            Want::Word(word) if is_number_word(word, "", self.lang) => FAULT,
            Want::Word(_) => 1,
            Want::Number { must: false, .. } | Want::May(_) => 0,
            Want::Must(_) | Want::Number { .. } => FAULT,
        }
    }

    fn added(&self, j: usize) -> u32 {
        let before = j.checked_sub(1).map_or("", |j| self.words[j]);
        if is_number_word(self.words[j], before, self.lang) { FAULT } else { 1 }
    }

    fn faults(&self, source: &str) -> Vec<Unsaid> {
        let (rows, columns) = (self.wants.len() + 1, self.words.len() + 1);
        let mut costs = vec![0u32; rows * columns];
        let at = |i: usize, j: usize| i * columns + j;
        for i in (0..rows).rev() {
            for j in (0..columns).rev() {
                let skip_want = (i + 1 < rows).then(|| costs[at(i + 1, j)] + self.unmet(i));
                let skip_word = (j + 1 < columns).then(|| costs[at(i, j + 1)] + self.added(j));
                let met = if i + 1 < rows { self.met(i, j) } else { Vec::new() };
                let met = met.into_iter().map(|end| costs[at(i + 1, end)]);
                costs[at(i, j)] = met.chain(skip_want).chain(skip_word).min().unwrap_or(0);
            }
        }
        let mut faults = Vec::new();
        let (mut i, mut j) = (0, 0);
        while i + 1 < rows || j + 1 < columns {
            let cost = costs[at(i, j)];
            let met = if i + 1 < rows { self.met(i, j) } else { Vec::new() };
            if let Some(end) = met.into_iter().find(|&end| costs[at(i + 1, end)] == cost) {
                (i, j) = (i + 1, end);
            } else if i + 1 < rows && costs[at(i + 1, j)] + self.unmet(i) == cost {
                if self.unmet(i) == FAULT {
                    let span = self.wants[i].1.clone();
                    let written = source.get(span.clone()).unwrap_or_default().to_owned();
                    faults.push(Unsaid::Missing { written, span });
                }
                i += 1;
            } else {
                if self.added(j) == FAULT {
                    match faults.last_mut() {
                        Some(Unsaid::Added { said })
                            if j > 0 && said.ends_with(self.words[j - 1]) =>
                        {
                            said.push(' ');
                            said.push_str(self.words[j]);
                        }
                        _ => faults.push(Unsaid::Added { said: self.words[j].to_owned() }),
                    }
                }
                j += 1;
            }
        }
        faults
    }
}

/// Whether these digits of the text are this value. Only the zero of “07” may go unsaid.
fn same(written: &str, heard: &str) -> bool {
    written == heard || written.len() == 2 && written.strip_prefix('0') == Some(heard)
}

/// Words that mean a number wherever nobody wrote them as words.
fn is_number_word(word: &str, before: &str, lang: Lang) -> bool {
    match lang {
        // “tư” is a number only where one can end with it.
        Lang::Vi if word == "tư" => {
            matches!(before, "mươi" | "linh" | "lẻ" | "tháng" | "thứ" | "phần" | "trăm")
        }
        Lang::Vi => {
            vi_digit(word).is_some() && word != "nhất"
                || vi_scale(word).is_some()
                || matches!(
                    word,
                    "mười" | "mươi" | "mốt" | "lăm" | "trăm" | "linh" | "lẻ" | "phẩy" | "âm"
                )
        }
        Lang::En => {
            en_small(word).is_some_and(|(_, place)| !place || word != "second")
                || en_tens(word).is_some()
                || en_scale(word).is_some()
                || matches!(word, "hundred" | "hundredth" | "point" | "oh" | "minus")
        }
    }
}

/// Every number that can be heard from word `at`: digits and the word behind it.
fn numbers(words: &[&str], at: usize, lang: Lang) -> Vec<(String, usize)> {
    let mut whole = row(words, at, lang);
    match lang {
        Lang::Vi => {
            whole.extend(vi_whole(words, at).into_iter().map(|(v, end)| (v.to_string(), end)));
        }
        Lang::En => {
            whole.extend(en_whole(words, at).into_iter().map(|(v, end)| (v.to_string(), end)));
            let months = [
                "january",
                "february",
                "march",
                "april",
                "may",
                "june",
                "july",
                "august",
                "september",
                "october",
                "november",
                "december",
            ];
            let month =
                words.get(at).and_then(|word| months.iter().position(|month| month == word));
            whole.extend(month.map(|month| ((month + 1).to_string(), at + 1)));
        }
    }
    let point = if lang == Lang::Vi { "phẩy" } else { "point" };
    let mut all = Vec::new();
    for (value, end) in whole {
        if words.get(end) == Some(&point) {
            let mut tails = row(words, end + 1, lang);
            if lang == Lang::Vi {
                let short = vi_whole(words, end + 1).into_iter().filter(|&(v, _)| v >= 10);
                tails.extend(short.map(|(v, end)| (v.to_string(), end)));
            }
            all.extend(tails.into_iter().map(|(tail, end)| (format!("{value}.{tail}"), end)));
        }
        all.push((value, end));
    }
    all
}

/// Digits said one by one, each length that can be heard.
fn row(words: &[&str], at: usize, lang: Lang) -> Vec<(String, usize)> {
    let mut digits = String::new();
    let mut all = Vec::new();
    for (i, word) in words.iter().enumerate().skip(at).take(40) {
        let digit = match lang {
            Lang::Vi => vi_digit(word),
            Lang::En if *word == "oh" => Some(0),
            Lang::En => {
                en_small(word).filter(|&(value, place)| value < 10 && !place).map(|(v, _)| v)
            }
        };
        let Some(digit) = digit else { break };
        digits.push_str(&digit.to_string());
        all.push((digits.clone(), i + 1));
    }
    all
}

fn vi_digit(word: &str) -> Option<u64> {
    Some(match word {
        "không" => 0,
        "một" | "nhất" => 1,
        "hai" => 2,
        "ba" => 3,
        "bốn" | "tư" => 4,
        "năm" => 5,
        "sáu" => 6,
        "bảy" | "bẩy" => 7,
        "tám" => 8,
        "chín" => 9,
        _ => return None,
    })
}

fn vi_scale(word: &str) -> Option<u64> {
    Some(match word {
        "nghìn" | "ngàn" => 1_000,
        "triệu" => 1_000_000,
        "tỷ" | "tỉ" => 1_000_000_000,
        _ => return None,
    })
}

/// Below 100, and whether it can follow “trăm” without “linh”.
fn vi_tens(words: &[&str], at: usize) -> Vec<(u64, usize, bool)> {
    let word = |i: usize| words.get(i).copied().unwrap_or_default();
    let mut all = Vec::new();
    let (tens, next) = match (word(at), word(at + 1)) {
        ("mười", _) => (10, at + 1),
        (digit, "mươi") => match vi_digit(digit) {
            Some(digit @ 2..) => (digit * 10, at + 2),
            _ => return all,
        },
        (digit, _) => {
            all.extend(vi_digit(digit).map(|digit| (digit, at + 1, false)));
            return all;
        }
    };
    all.push((tens, next, true));
    let ones = match word(next) {
        "mốt" if tens > 10 => Some(1),
        "lăm" | "nhăm" => Some(5),
        "một" if tens > 10 => None,
        "không" | "nhất" => None,
        digit => vi_digit(digit),
    };
    all.extend(ones.map(|ones| (tens + ones, next + 1, true)));
    all
}

/// Below 1,000, and whether it said its hundreds.
fn vi_hundreds(words: &[&str], at: usize) -> Vec<(u64, usize, bool)> {
    let mut all: Vec<(u64, usize, bool)> =
        vi_tens(words, at).into_iter().map(|(value, end, _)| (value, end, false)).collect();
    let digit = words.get(at).and_then(|word| vi_digit(word));
    if let (Some(hundreds), Some(&"trăm")) = (digit, words.get(at + 1)) {
        let next = at + 2;
        all.push((hundreds * 100, next, true));
        if matches!(words.get(next), Some(&"linh" | &"lẻ")) {
            let ones = words.get(next + 1).and_then(|word| vi_digit(word)).filter(|&ones| ones > 0);
            all.extend(ones.map(|ones| (hundreds * 100 + ones, next + 2, true)));
        } else {
            let tens = vi_tens(words, next).into_iter().filter(|&(_, _, tens)| tens);
            all.extend(tens.map(|(value, end, _)| (hundreds * 100 + value, end, true)));
        }
    }
    all
}

/// Groups with falling scales below `most`. Behind a scale a group says its hundreds.
fn vi_groups(words: &[&str], at: usize, most: u64, first: bool) -> Vec<(u64, usize)> {
    let mut all = Vec::new();
    for (group, end, hundreds) in vi_hundreds(words, at) {
        if !first && !hundreds {
            continue;
        }
        all.push((group, end));
        let scale = words.get(end).and_then(|word| vi_scale(word)).filter(|&scale| scale < most);
        let Some(scale) = scale.filter(|_| group > 0) else { continue };
        all.push((group * scale, end + 1));
        let rest =
            vi_groups(words, end + 1, scale, false).into_iter().filter(|&(rest, _)| rest < scale);
        all.extend(rest.map(|(rest, end)| (group * scale + rest, end)));
    }
    all
}

fn vi_whole(words: &[&str], at: usize) -> Vec<(u64, usize)> {
    const BILLION: u64 = 1_000_000_000;
    let mut all = vi_groups(words, at, BILLION, true);
    for (high, end) in all.clone() {
        if high > 0 && words.get(end).and_then(|word| vi_scale(word)) == Some(BILLION) {
            all.push((high * BILLION, end + 1));
            let low = vi_groups(words, end + 1, BILLION, false).into_iter();
            all.extend(low.map(|(low, end)| (high * BILLION + low, end)));
        }
    }
    all
}

/// Below 20, and whether it is a place in a row.
fn en_small(word: &str) -> Option<(u64, bool)> {
    const CARDINALS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const PLACES: [&str; 20] = [
        "zeroth",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
    ];
    let find = |list: &[&str], place| {
        let at = list.iter().position(|known| *known == word)?;
        Some((u64::try_from(at).ok()?, place))
    };
    find(&CARDINALS, false).or_else(|| find(&PLACES, true))
}

fn en_tens(word: &str) -> Option<(u64, bool)> {
    let (stem, place) = match word.strip_suffix("ieth") {
        Some(stem) => (stem, true),
        None => (word.strip_suffix('y')?, false),
    };
    let tens = match stem {
        "twent" => 20,
        "thirt" => 30,
        "fort" => 40,
        "fift" => 50,
        "sixt" => 60,
        "sevent" => 70,
        "eight" => 80,
        "ninet" => 90,
        _ => return None,
    };
    Some((tens, place))
}

fn en_scale(word: &str) -> Option<u64> {
    Some(match word.strip_suffix("th").unwrap_or(word) {
        "thousand" => 1_000,
        "million" => 1_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        "quadrillion" => 1_000_000_000_000_000,
        _ => return None,
    })
}

/// Below 100.
fn en_below_hundred(words: &[&str], at: usize) -> Vec<(u64, usize)> {
    let Some(word) = words.get(at) else { return Vec::new() };
    if let Some((value, _)) = en_small(word) {
        return vec![(value, at + 1)];
    }
    let Some((tens, place)) = en_tens(word) else { return Vec::new() };
    let mut all = vec![(tens, at + 1)];
    let ones = words.get(at + 1).and_then(|word| en_small(word)).filter(|_| !place);
    all.extend(
        ones.filter(|(ones, _)| (1..10).contains(ones)).map(|(ones, _)| (tens + ones, at + 2)),
    );
    all
}

fn en_groups(words: &[&str], at: usize, most: u64) -> Vec<(u64, usize)> {
    let after_and = |at: usize| if words.get(at) == Some(&"and") { at + 1 } else { at };
    let mut groups = en_below_hundred(words, at);
    for (hundreds, end) in groups.clone() {
        if (1..10).contains(&hundreds) && matches!(words.get(end), Some(&"hundred" | &"hundredth"))
        {
            groups.push((hundreds * 100, end + 1));
            let tail = en_below_hundred(words, after_and(end + 1)).into_iter();
            groups.extend(tail.filter(|&(v, _)| v > 0).map(|(v, end)| (hundreds * 100 + v, end)));
        }
    }
    let mut all = groups.clone();
    for (group, end) in groups {
        let scale = words.get(end).and_then(|word| en_scale(word)).filter(|&scale| scale < most);
        let Some(scale) = scale.filter(|_| group > 0) else { continue };
        all.push((group * scale, end + 1));
        let rest = en_groups(words, after_and(end + 1), scale).into_iter();
        all.extend(
            rest.filter(|&(v, _)| v > 0 && v < scale).map(|(v, end)| (group * scale + v, end)),
        );
    }
    all
}

/// Whole numbers, and years in two halves.
fn en_whole(words: &[&str], at: usize) -> Vec<(u64, usize)> {
    let mut all = en_groups(words, at, u64::MAX);
    for (high, end) in en_below_hundred(words, at) {
        if !(11..=20).contains(&high) {
            continue;
        }
        match words.get(end) {
            Some(&"hundred") => all.push((high * 100, end + 1)),
            Some(&"oh") => {
                let ones =
                    words.get(end + 1).and_then(|word| en_small(word)).filter(|(v, _)| *v < 10);
                all.extend(ones.map(|(ones, _)| (high * 100 + ones, end + 2)));
            }
            _ => {
                let low = en_below_hundred(words, end).into_iter().filter(|&(v, _)| v >= 10);
                all.extend(low.map(|(low, end)| (high * 100 + low, end)));
            }
        }
    }
    all
}
