//! What a cell of a table counts: exactly one number as written, and its unit.

/// A number as its digits stand, and the unit behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    /// Digits and separators.
    pub(super) digits: &'a str,
    /// What the words “nghìn”, “triệu”, “tỷ” in front of the unit multiply it with.
    pub(super) scale: u128,
    /// The rest of the unit in small letters, may be empty.
    pub(super) unit: String,
}

/// Words that make a number more or less than it says, or the end of a range: such a cell has no length.
const HEDGES: [&str; 34] = [
    "around",
    "decrease",
    "down",
    "dự",
    "est",
    "estimated",
    "fall",
    "from",
    "giảm",
    "gần",
    "hơn",
    "increase",
    "khoảng",
    "kém",
    "less",
    "lower",
    "lẻ",
    "more",
    "nearly",
    "ngoài",
    "over",
    "rưỡi",
    "to",
    "trở",
    "tăng",
    "tối",
    "tới",
    "under",
    "up",
    "xấp",
    "âm",
    "ít",
    "đến",
    "ước",
];
/// Most words of a unit: more are a sentence.
const LONGEST_UNIT: usize = 4;

impl<'a> Cell<'a> {
    /// Reads a cell; nothing when it is not one number, or in any doubt: a range, a hedge, a sign, a second number, a mark.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let is_digit = |c: char| matches!(c, '0'..='9' | '.' | ',');
        let end = text.find(|c| !is_digit(c)).unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let rest = rest.trim();
        let begins_unit = |c: char| c.is_alphabetic() || matches!(c, '%' | '‰' | '°' | '(');
        if !digits.starts_with(|c: char| c.is_ascii_digit())
            || !rest.chars().next().is_none_or(begins_unit)
            || rest.chars().any(|c| c.is_numeric() && !matches!(c, '²' | '³'))
        {
            return None;
        }
        let unit = rest.to_lowercase();
        let words: Vec<&str> = unit.split_whitespace().collect();
        if words.len() > LONGEST_UNIT || is_hedged(&unit) {
            return None;
        }
        let scales = words.iter().map_while(|word| scale_of(word));
        let (count, scale) = scales.fold((0, 1), |(count, all), scale| (count + 1, all * scale));
        Some(Self {
            digits,
            scale,
            unit: words.into_iter().skip(count).collect::<Vec<_>>().join(" "),
        })
    }
}

/// Whether words make what they stand beside uncertain or relative.
pub(super) fn is_hedged(words: &str) -> bool {
    words.split(|c: char| !c.is_alphanumeric()).any(|word| HEDGES.contains(&word))
}

fn scale_of(word: &str) -> Option<u128> {
    Some(match word {
        "nghìn" | "ngàn" | "thousand" => 1_000,
        "triệu" | "million" => 1_000_000,
        "tỷ" | "tỉ" | "billion" => 1_000_000_000,
        _ => return None,
    })
}

/// Which marks part thousands and decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    thousands: char,
    decimals: char,
}

/// As Vietnamese is written: `1.234,5`.
const COMMA: Style = Style { thousands: '.', decimals: ',' };
/// As English is written: `1,234.5`.
const POINT: Style = Style { thousands: ',', decimals: '.' };

/// Digits behind the decimal mark that are kept exactly; more are refused.
const DECIMALS: usize = 6;
/// Most digits in front of it.
const WHOLE: usize = 15;

struct Read {
    millionths: Vec<u128>,
    /// Whether a cell would be a thousand times as much in the other style: `1,234`.
    doubtful: bool,
}

/// The numbers of a table in millionths, all read in one style: that of the language, another only when it alone reads all of
/// them and leaves no doubt. Nothing when the cells can be read in two ways.
pub(super) fn numbers(digits: &[&str], lang: &str) -> Option<Vec<u128>> {
    let (own, other) = match lang.split('-').next().unwrap_or_default() {
        "en" | "ko" | "zh" | "ja" => (POINT, COMMA),
        _ => (COMMA, POINT),
    };
    match (read(digits, own), read(digits, other)) {
        (Some(own), Some(_)) => (!own.doubtful).then_some(own.millionths),
        (Some(own), None) => Some(own.millionths),
        (None, Some(other)) => (!other.doubtful).then_some(other.millionths),
        (None, None) => None,
    }
}

fn read(digits: &[&str], style: Style) -> Option<Read> {
    let mut read = Read { millionths: Vec::new(), doubtful: false };
    for digits in digits {
        let (whole, decimals) =
            digits.split_once(style.decimals).map_or((*digits, None), |(w, d)| (w, Some(d)));
        let groups: Vec<&str> = whole.split(style.thousands).collect();
        let first = groups.first().copied().unwrap_or_default();
        let grouped = groups.len() > 1;
        let longest = if grouped { 3 } else { WHOLE };
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        // “05” is written so that nobody adds a digit; “0214” is no number of things.
        let padded = first.starts_with('0') && (grouped || first.len() > 2);
        if padded
            || first.len() > longest
            || groups.iter().skip(1).any(|group| group.len() != 3)
            || !groups.iter().all(|group| is_number(group))
            || !decimals.is_none_or(|d| is_number(d) && d.len() <= DECIMALS)
        {
            return None;
        }
        let decimals = decimals.unwrap_or_default();
        read.doubtful |=
            decimals.len() == 3 && !grouped && first.len() <= 3 && !first.starts_with('0');
        let whole = groups.concat();
        if whole.len() > WHOLE {
            return None;
        }
        read.millionths.push(format!("{whole}{decimals:0<DECIMALS$}").parse().ok()?);
    }
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_number_with_its_unit() {
        for (text, want) in [
            ("4.960.000", Some(("4.960.000", 1, ""))),
            (" 92,4% ", Some(("92,4", 1, "%"))),
            ("92,4 %", Some(("92,4", 1, "%"))),
            ("25 triệu đồng", Some(("25", 1_000_000, "đồng"))),
            ("1,2 Tỷ đồng", Some(("1,2", 1_000_000_000, "đồng"))),
            ("3 nghìn tỷ đồng/năm", Some(("3", 1_000_000_000_000, "đồng/năm"))),
            ("100 m³", Some(("100", 1, "m³"))),
            ("05 người", Some(("05", 1, "người"))),
            ("8\u{a0}ha", Some(("8", 1, "ha"))),
            ("15 ca", Some(("15", 1, "ca"))),
            ("12 căn nhà tạm", Some(("12", 1, "căn nhà tạm"))),
            // Ranges, dates, fractions, second numbers.
            ("15-20", None),
            ("15 – 20%", None),
            ("từ 15 đến 20", None),
            ("15 đến dưới", None),
            ("01/7/2026", None),
            ("1 234", None),
            ("60 triệu đồng (tăng 5%)", None),
            ("½", None),
            ("7½", None),
            ("٣", None),
            // Hedges and signs.
            ("gần 30", None),
            ("không quá 60 triệu đồng", None),
            ("2 triệu rưỡi", None),
            ("12 tỷ đồng trở lên", None),
            ("60 triệu (dự kiến)", None),
            ("30% giảm", None),
            ("~30", None),
            ("≥ 5", None),
            ("-5", None),
            ("−5%", None),
            ("+5%", None),
            ("30*", None),
            // Nothing there.
            ("", None),
            ("–", None),
            ("Miễn phí", None),
            ("10 năm kể từ ngày cấp", None),
        ] {
            let cell = Cell::of(text);
            let got = cell.as_ref().map(|cell| (cell.digits, cell.scale, cell.unit.as_str()));
            assert_eq!(got, want, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_written_or_not_at_all() {
        let whole =
            |numbers: &[u128]| Some(numbers.iter().map(|n| n * 1_000_000).collect::<Vec<_>>());
        for (digits, vi, en) in [
            (&["4.960.000", "950"][..], whole(&[4_960_000, 950]), whole(&[4_960_000, 950])),
            (&["1.234", "950"], whole(&[1_234, 950]), None),
            (&["1,234", "950"], None, whole(&[1_234, 950])),
            (&["1.234,5"], Some(vec![1_234_500_000]), Some(vec![1_234_500_000])),
            (
                &["1,234.5", "7"],
                Some(vec![1_234_500_000, 7_000_000]),
                Some(vec![1_234_500_000, 7_000_000]),
            ),
            (
                &["92,4", "74"],
                Some(vec![92_400_000, 74_000_000]),
                Some(vec![92_400_000, 74_000_000]),
            ),
            (
                &["92.4", "74"],
                Some(vec![92_400_000, 74_000_000]),
                Some(vec![92_400_000, 74_000_000]),
            ),
            // Half written so, half otherwise: 8.23 is a decimal, 1.234 may be either.
            (&["8.23", "1.234"], None, Some(vec![8_230_000, 1_234_000])),
            (&["8,2", "1,234"], Some(vec![8_200_000, 1_234_000]), None),
            (&["0,125", "0,5"], Some(vec![125_000, 500_000]), Some(vec![125_000, 500_000])),
            (&["1.23.456"], None, None),
            (&["12.34.5"], None, None),
            (&["1234.567.890"], None, None),
            (&["5,", "3"], None, None),
            (&["5,1,2"], None, None),
            (&["0214"], None, None),
            (&["1,2345678"], None, None),
            (&["1234567890123456"], None, None),
        ] {
            assert_eq!(numbers(digits, "vi"), vi, "vi {digits:?}");
            assert_eq!(numbers(digits, "en-GB"), en, "en {digits:?}");
        }
    }
}
