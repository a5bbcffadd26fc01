//! Numbers as words. They come as their digits, so that no size is too large and no zero is lost.

use super::Lang;

/// Digits that are still said as one number; longer ones are said one by one.
const MOST_DIGITS: usize = 18;
const VI: [&str; 10] = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"];
const EN: [&str; 20] = [
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
const EN_TENS: [&str; 10] =
    ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const EN_SCALES: [&str; 6] = ["", "thousand", "million", "billion", "trillion", "quadrillion"];

/// A whole number. One leading zero is not said (“07 ngày”), more are (“007”).
pub(super) fn cardinal(digits: &str, lang: Lang) -> String {
    let zeros = digits.chars().take_while(|&c| c == '0').count();
    let odd_zeros = zeros > 1 || zeros == 1 && digits.len() > 2;
    match digits.parse::<u64>() {
        Ok(value) if !odd_zeros && digits.len() <= MOST_DIGITS => words(value, lang),
        _ => one_by_one(digits, lang),
    }
}

/// Each digit by its name.
pub(super) fn one_by_one(digits: &str, lang: Lang) -> String {
    let name = |digit: u32| match lang {
        Lang::Vi => VI[digit as usize],
        Lang::En => EN[digit as usize],
    };
    digits.chars().filter_map(|c| c.to_digit(10)).map(name).collect::<Vec<_>>().join(" ")
}

/// The digits after the mark of a decimal: as a number when that is short, else one by one.
pub(super) fn fraction(digits: &str, lang: Lang) -> String {
    if lang == Lang::Vi && digits.len() <= 2 && !digits.starts_with('0') {
        cardinal(digits, lang)
    } else {
        one_by_one(digits, lang)
    }
}

/// A value in words.
pub(super) fn words(value: u64, lang: Lang) -> String {
    let mut out = Vec::new();
    match lang {
        Lang::Vi => vi(value, &mut out),
        Lang::En => return en(value),
    }
    out.join(" ")
}

fn vi(value: u64, out: &mut Vec<&'static str>) {
    const BILLION: u64 = 1_000_000_000;
    if value == 0 {
        out.push(VI[0]);
        return;
    }
    let (high, low) = (value / BILLION, value % BILLION);
    if high > 0 {
        vi(high, out);
        out.push("tỷ");
    }
    for (unit, scale) in [(1_000_000, "triệu"), (1_000, "nghìn"), (1, "")] {
        let group = low / unit % 1_000;
        if group > 0 {
            vi_group(group, !out.is_empty(), out);
            out.extend((!scale.is_empty()).then_some(scale));
        }
    }
}

/// One to 999; after a higher group also its empty hundreds are said.
fn vi_group(group: u64, after: bool, out: &mut Vec<&'static str>) {
    let digit = |n: u64| VI[usize::try_from(n % 10).expect("a digit")];
    let (hundreds, tens, ones) = (group / 100, group / 10 % 10, group % 10);
    let after = after || hundreds > 0;
    if after {
        out.extend([digit(hundreds), "trăm"]);
    }
    match tens {
        0 if after && ones > 0 => out.push("linh"),
        0 => {}
        1 => out.push("mười"),
        _ => out.extend([digit(tens), "mươi"]),
    }
    match (tens, ones) {
        (_, 0) => {}
        (2.., 1) => out.push("mốt"),
        (2.., 4) => out.push("tư"),
        (0, 4) if after => out.push("tư"),
        (1.., 5) => out.push("lăm"),
        _ => out.push(digit(ones)),
    }
}

fn en(value: u64) -> String {
    if value == 0 {
        return EN[0].to_owned();
    }
    let mut groups = Vec::new();
    let mut rest = value;
    while rest > 0 {
        groups.push(rest % 1_000);
        rest /= 1_000;
    }
    let mut out: Vec<String> = Vec::new();
    for (at, &group) in groups.iter().enumerate().rev().filter(|&(_, &group)| group > 0) {
        let (hundreds, tail) = (group / 100, group % 100);
        if hundreds > 0 {
            out.push(format!("{} hundred", en_small(hundreds)));
        }
        if tail > 0 {
            if hundreds > 0 || at == 0 && !out.is_empty() {
                out.push("and".into());
            }
            out.push(en_small(tail));
        }
        if at > 0 {
            out.push(EN_SCALES[at].into());
        }
    }
    out.join(" ")
}

fn en_small(value: u64) -> String {
    let value = usize::try_from(value % 100).expect("below 100");
    match (value / 10, value % 10) {
        (0 | 1, _) => EN[value].to_owned(),
        (tens, 0) => EN_TENS[tens].to_owned(),
        (tens, ones) => format!("{}-{}", EN_TENS[tens], EN[ones]),
    }
}

/// An English year: in two halves where people say it so.
pub(super) fn en_year(year: u64) -> String {
    let (high, low) = (year / 100, year % 100);
    match (year, low) {
        (1100..=1999 | 2010..=2099, 0) => format!("{} hundred", en_small(high)),
        (1100..=1999, 1..=9) => format!("{} oh {}", en_small(high), en_small(low)),
        (1100..=1999 | 2010..=2099, _) => format!("{} {}", en_small(high), en_small(low)),
        _ => en(year),
    }
}

/// An English place in a row: twenty-first.
pub(super) fn en_ordinal(value: u64) -> String {
    let cardinal = en(value);
    let cut = cardinal.rfind([' ', '-']).map_or(0, |at| at + 1);
    let (head, last) = cardinal.split_at(cut);
    let last = match last {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        tens if tens.ends_with('y') => format!("{}ieth", tens.trim_end_matches('y')),
        other => format!("{other}th"),
    };
    format!("{head}{last}")
}

/// The value of a Roman numeral written the right way, up to 3,999.
pub(super) fn roman(text: &str) -> Option<u64> {
    const STEPS: [(u64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let (mut rest, mut value) = (text, 0);
    for (step, letters) in STEPS {
        // Nothing stands four times, and the halves stand once.
        let most = if letters.len() == 1 && !"DLV".contains(letters) { 3 } else { 1 };
        for _ in 0..most {
            match rest.strip_prefix(letters) {
                Some(shorter) => (rest, value) = (shorter, value + step),
                None => break,
            }
        }
    }
    (rest.is_empty() && value > 0).then_some(value)
}
