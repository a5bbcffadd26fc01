//! Numbers, money, phone numbers and the numbers of laws.

use super::{
    super::{
        Lang, number,
        reader::{Match, Reader, Role},
    },
    says, word,
};

/// A number as written: its parts and where it ends.
struct Figure {
    whole: String,
    fraction: Option<String>,
    end: usize,
}

/// The number at `at`: `1.234.567,8` in Vietnamese, `1,234,567.8` in English. A thousand is grouped by the mark of the
/// language only; groups of the other mark are taken when there are several.
fn figure(reader: &Reader<'_>, at: usize) -> Option<Figure> {
    if !reader.char(at).is_ascii_digit() {
        return None;
    }
    let (group, point) = if reader.lang == Lang::Vi { ('.', ',') } else { (',', '.') };
    let first = reader.digits(at);
    let mut whole = reader.text(at, first);
    let groups = |mark: char| {
        let mut end = first;
        let mut count = 0;
        while (reader.char(end) == mark
            || mark == ' ' && "\u{a0}\u{202f}\u{2009}".contains(reader.char(end)))
            && reader.digits(end + 1) == end + 4
        {
            end += 4;
            count += 1;
        }
        (end, count)
    };
    let can_group = first - at <= 3 && !(whole.starts_with('0'));
    let mut end = first;
    if can_group {
        let own = groups(group);
        let hard = groups(' ');
        let other = groups(point);
        if own.1 > 0 {
            end = own.0;
        } else if hard.1 > 0 {
            end = hard.0;
        } else if other.1 > 1 {
            end = other.0;
        }
        whole = reader.text(at, end).chars().filter(char::is_ascii_digit).collect();
    }
    let after = reader.digits(end + 1);
    // “5,6,7” is a row of numbers, “1.2.3” a number of a version.
    let goes_on = reader.char(after) == reader.char(end) && reader.char(after + 1).is_ascii_digit();
    let behind = at > 1 && reader.before(at) == point && reader.char(at - 2).is_ascii_digit();
    if reader.char(end) == point && after > end + 1 && !goes_on && !behind {
        let fraction = Some(reader.text(end + 1, after));
        return Some(Figure { whole, fraction, end: after });
    }
    Some(Figure { whole, fraction: None, end })
}

impl Figure {
    fn said(&self, lang: Lang) -> String {
        let whole = number::cardinal(&self.whole, lang);
        let point = if lang == Lang::Vi { "phẩy" } else { "point" };
        match &self.fraction {
            Some(digits) => format!("{whole} {point} {}", number::fraction(digits, lang)),
            None => whole,
        }
    }
}

/// A number, a share (`1/3`) or, in English, a place in a row (`22nd`).
pub(super) fn number(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let found = figure(reader, at)?;
    let plain = found.fraction.is_none();
    if let Some(share) = plain.then(|| share(reader, &found)).flatten() {
        return Some(share);
    }
    let value: Option<u64> = found.whole.parse().ok();
    let said = match (reader.lang, value) {
        // Behind a point every digit counts.
        _ if ".,".contains(reader.before(at))
            && found.whole.starts_with('0')
            && found.whole.len() > 1 =>
        {
            number::one_by_one(&found.whole, reader.lang)
        }
        // Numbers of accounts and papers: nobody says so many digits as one number.
        _ if plain && found.whole.len() >= 9 && found.end - at == found.whole.len() => {
            number::one_by_one(&found.whole, reader.lang)
        }
        (Lang::Vi, Some(4)) if plain && matches!(reader.last(), "tháng" | "thứ") => {
            "tư".to_owned()
        }
        (Lang::Vi, Some(1)) if plain && reader.last() == "thứ" => "nhất".to_owned(),
        (Lang::En, Some(value)) if plain => {
            let ending = reader.text(found.end, found.end + 2).to_lowercase();
            if matches!(ending.as_str(), "st" | "nd" | "rd" | "th") && reader.edge(found.end + 2) {
                return says(found.end + 2, number::en_ordinal(value), Role::Number);
            }
            let four = found.whole.len() == 4 && found.end == at + 4;
            let dated = reader.after("year") || reader.table.is("month", reader.written(1));
            if four && dated && (1100..=2099).contains(&value) {
                number::en_year(value)
            } else if reader.after("month") && (1..=31).contains(&value) && found.end - at <= 2 {
                number::en_ordinal(value)
            } else {
                found.said(Lang::En)
            }
        }
        _ => found.said(reader.lang),
    };
    says(found.end, said, Role::Number)
}

/// `1/3` is “một phần ba”, `100/120` “một trăm trên một trăm hai mươi”.
fn share(reader: &Reader<'_>, top: &Figure) -> Option<Match> {
    let bottom = figure(reader, top.end + 1).filter(|_| reader.char(top.end) == '/')?;
    let over = bottom.end;
    let alone = bottom.fraction.is_none()
        && reader.edge(over)
        && (!"/-".contains(reader.char(over)) || reader.edge(over + 1));
    let value = |figure: &Figure| figure.whole.parse::<u64>().ok();
    let (a, b) = (value(top)?, value(&bottom)?);
    if !alone || reader.after("legal") || (1900..=2100).contains(&b) {
        return None;
    }
    let (lang, part) = (reader.lang, b <= 10 && a < b);
    let (over_word, top_said) = (if lang == Lang::Vi { "trên" } else { "out of" }, top.said(lang));
    let said = match lang {
        Lang::Vi if part && b == 4 => format!("{top_said} phần tư"),
        Lang::Vi if part => format!("{top_said} phần {}", bottom.said(lang)),
        _ => format!("{top_said} {over_word} {}", bottom.said(lang)),
    };
    says(over, said, Role::Number)
}

/// `$5 million` and `US$5`: the money is said after the number.
pub(super) fn money(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let sign =
        reader.table.sign.get(&reader.char(at)).filter(|_| "$€£¥₫".contains(reader.char(at)))?;
    let found = figure(reader, reader.spaces(at + 1))?;
    let mut said = found.said(reader.lang);
    let mut end = found.end;
    let from = reader.spaces(end);
    let word = reader.text(from, reader.letters(from));
    if reader.table.is("magnitude", &word.to_lowercase()) {
        said = format!("{said} {word}");
        end = reader.letters(from);
    }
    says(end, format!("{said} {sign}"), Role::Number)
}

/// Phone numbers, digit by digit: an international one, one that begins with 0, 1800 and 1900, or a short one after a
/// word that takes one.
pub(super) fn phone(reader: &Reader<'_>, at: usize) -> Option<Match> {
    let first = reader.char(at);
    let opens = first == '+' || first == '(' && reader.char(at + 1) == '0';
    if !(first.is_ascii_digit() || opens) || !reader.edge(at.wrapping_sub(1)) {
        return None;
    }
    // A part of a longer number is no phone number.
    if at > 1 && ".,/-".contains(reader.before(at)) && reader.char(at - 2).is_ascii_digit() {
        return None;
    }
    let mut groups = Vec::new();
    let mut end = if opens { at + 1 } else { at };
    while reader.char(end).is_ascii_digit() {
        let after = reader.digits(end);
        groups.push(reader.text(end, after));
        end = after;
        let closes = usize::from(reader.char(end) == ')' && first == '(' && groups.len() == 1);
        let gap = closes + usize::from(" .-\u{a0}".contains(reader.char(end + closes)));
        if gap == 0 || !reader.char(end + gap).is_ascii_digit() {
            break;
        }
        end += gap;
    }
    let count: usize = groups.iter().map(String::len).sum();
    let lead = groups.first().cloned().unwrap_or_default();
    let later_long = groups.iter().skip(1).all(|group| group.len() >= 3);
    let is = match lead.as_str() {
        _ if !reader.edge(end) => false,
        _ if first == '+' => (9..=13).contains(&count),
        "1800" | "1900" => (8..=10).contains(&count),
        _ if groups.len() == 1 && (lead.starts_with("1900") || lead.starts_with("1800")) => {
            count == 8
        }
        _ if first == '(' => (10..=11).contains(&count),
        _ if lead.starts_with('0') => (9..=11).contains(&count) && later_long,
        // “gọi 112”, “đường dây nóng 1022”.
        _ => {
            end = at + lead.len();
            groups.truncate(1);
            let called = reader.after("call")
                || reader.last() == "số" && reader.table.is("call", reader.written(1));
            called
                && (3..=5).contains(&lead.len())
                && reader.edge(end)
                && !",%".contains(reader.char(end))
        }
    };
    if !is {
        return None;
    }
    let digits: String = groups.concat();
    let plus = if first == '+' { reader.table.sign.get(&'+') } else { None };
    let said = number::one_by_one(&digits, reader.lang);
    says(end, plus.map_or(said.clone(), |plus| format!("{plus} {said}")), Role::Number)
}

/// Numbers of laws, as newsreaders say them: `42/2022/NĐ-CP` is “số bốn mươi hai xuyệt hai nghìn không trăm hai mươi hai
/// xuyệt nờ đê xê pê”, `57-NQ/TW` “số năm mươi bảy nờ quy xuyệt trung ương”. “số” is not said twice.
pub(super) fn legal(reader: &Reader<'_>, at: usize) -> Option<Match> {
    if !reader.char(at).is_ascii_digit() || reader.before(at) == '/' {
        return None;
    }
    let first = reader.digits(at);
    let mut end = first;
    let mut said = vec![law_number(reader, at, first)];
    let slash = if reader.lang == Lang::Vi { "xuyệt" } else { "slash" };
    if reader.char(end) == '/' && reader.digits(end + 1) == end + 5 {
        said.extend([slash.to_owned(), law_number(reader, end + 1, end + 5)]);
        end += 5;
    }
    let mut capitals = 0;
    let mut codes = 0;
    while "/-&".contains(reader.char(end)) && reader.char(end + 1).is_alphanumeric() {
        let from = end + 1;
        let letters = reader.letters(from);
        let code = reader.text(from, letters);
        let own = code.chars().filter(|c| c.is_uppercase()).count();
        if letters > from && (own == 0 || code.chars().count() - own > 1) {
            return None;
        }
        if reader.char(end) == '/' {
            said.push(slash.to_owned());
        }
        if letters > from {
            said.push(match code.as_str() {
                "TW" | "TƯ" if reader.lang == Lang::Vi => "trung ương".to_owned(),
                _ => word::letters(reader, &code),
            });
        }
        end = reader.digits(letters);
        if end > letters {
            said.push(law_number(reader, letters, end));
        }
        (capitals, codes) = (capitals + own, codes + 1);
    }
    if codes == 0 || capitals < 2 || !reader.edge(end) {
        return None;
    }
    let lead = match reader.lang {
        Lang::Vi if reader.last() != "số" => "số ",
        Lang::En if !matches!(reader.last(), "no." | "number" | "no") => "number ",
        _ => "",
    };
    says(end, format!("{lead}{}", said.join(" ")), Role::Read)
}

/// Its zeros are said too: “05/2024” is “không năm”.
fn law_number(reader: &Reader<'_>, from: usize, to: usize) -> String {
    let digits = reader.text(from, to);
    if digits.starts_with('0') {
        number::one_by_one(&digits, reader.lang)
    } else {
        number::cardinal(&digits, reader.lang)
    }
}
