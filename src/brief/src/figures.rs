//! Numbers that matter: value with its hedge, unit, and what is counted.

use std::ops::Range;

use loa_model::{Article, BlockKind, Figure, Passage};

use crate::{
    scan,
    text::{Sentence, prefix, span, trimmed, whole},
    together::{Counted, is_half, told_together},
};

/// Units, longer ones before their beginnings.
const UNITS: [&str; 78] = [
    "nghìn tỷ đồng",
    "nghìn tỉ đồng",
    "triệu tỷ đồng",
    "tỷ đồng",
    "tỉ đồng",
    "triệu đồng",
    "nghìn đồng",
    "ngàn đồng",
    "đồng",
    "tỷ USD",
    "tỉ USD",
    "triệu USD",
    "nghìn USD",
    "USD",
    "triệu euro",
    "euro",
    "VND",
    "điểm phần trăm",
    "%",
    "km²",
    "km2",
    "km/h",
    "km",
    "m²",
    "m2",
    "m³",
    "m3",
    "mm",
    "cm",
    "ha",
    "héc ta",
    "triệu tấn",
    "nghìn tấn",
    "tấn",
    "tạ",
    "kg",
    "MW",
    "kWh",
    "triệu kWh",
    "Mbps",
    "triệu người",
    "nghìn người",
    "người dân",
    "người",
    "triệu lượt",
    "lượt",
    "triệu hộ",
    "hộ dân",
    "hộ nghèo",
    "hộ gia đình",
    "hộ",
    "ngày làm việc",
    "ngày",
    "tháng",
    "năm",
    "giờ",
    "phút",
    "tuổi",
    "lần",
    "xã",
    "phường",
    "tỉnh",
    "huyện",
    "thôn",
    "bản",
    "trường",
    "học sinh",
    "doanh nghiệp",
    "lao động",
    "hồ sơ",
    "thủ tục",
    "công trình",
    "dự án",
    "nhà",
    "triệu",
    "tỷ",
    "nghìn",
    "điểm",
];

/// Words before a number that change what it says: never parted from it.
pub(crate) const HEDGES: [&str; 28] = [
    "không quá",
    "không vượt quá",
    "không dưới",
    "không ít hơn",
    "không thấp hơn",
    "không cao hơn",
    "tối đa",
    "tối thiểu",
    "ít nhất",
    "nhiều nhất",
    "khoảng",
    "gần",
    "hơn",
    "trên",
    "dưới",
    "ước đạt",
    "ước",
    "dự kiến",
    "chừng",
    "xấp xỉ",
    "đến",
    "tới",
    "lên đến",
    "lên tới",
    "chỉ",
    "từ",
    "chưa đến",
    "đạt gần",
];

/// Words between the two ends of a range.
pub(crate) const RANGES: [&str; 9] =
    ["đến", "tới", "lên", "xuống", "xuống còn", "lên đến", "lên tới", "-", "–"];

/// Words after which a number is a name or a date, not a quantity.
const NAMES: [&str; 24] = [
    "năm",
    "tháng",
    "ngày",
    "quý",
    "điều",
    "khoản",
    "điểm",
    "chương",
    "số",
    "thứ",
    "khóa",
    "kỳ",
    "lần thứ",
    "hạng",
    "loại",
    "cấp",
    "nhóm",
    "giai đoạn",
    "quốc lộ",
    "đường",
    "tổ",
    "hồi",
    "lúc",
    "trang",
];

/// Most figures of a brief.
const MOST: usize = 8;

/// Whether two units are one, as far as they are told: “triệu đồng mỗi hộ” and “triệu đồng”.
fn alike(one: &str, other: &str) -> bool {
    one.is_empty() == other.is_empty() && (one.starts_with(other) || other.starts_with(one))
}

/// Figures of an article, the weightiest first.
pub(crate) fn figures(article: &Article, sentences: &[Sentence]) -> Vec<Figure> {
    let mut found: Vec<(f64, Figure)> = Vec::new();
    for sentence in sentences {
        let text = sentence.of(article);
        for place in alone(text) {
            let figure = figure(article, sentence, &place);
            // “30 triệu đồng mỗi hộ” and “30 triệu đồng” of another sentence are one amount.
            let same =
                |f: &(f64, Figure)| f.1.value == figure.value && alike(&f.1.unit, &figure.unit);
            if !found.iter().any(same) {
                found.push((weight(article, sentence, &figure), figure));
            }
        }
    }
    // A stable sort keeps the order of the text among equals.
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut chosen: Vec<Figure> = Vec::new();
    while chosen.len() < MOST && !found.is_empty() {
        // Another figure of a unit that is there already is worth less.
        let worth = |(weight, figure): &(f64, Figure)| {
            let same = chosen.iter().filter(|known| alike(&known.unit, &figure.unit)).count();
            weight - 0.2 * f64::from(u8::try_from(same).unwrap_or(u8::MAX))
        };
        let best =
            (0..found.len()).rev().max_by(|a, b| worth(&found[*a]).total_cmp(&worth(&found[*b])));
        let Some(best) = best else { break };
        chosen.push(found.remove(best).1);
    }
    chosen
}

fn weight(article: &Article, sentence: &Sentence, figure: &Figure) -> f64 {
    let money = figure.unit.contains("đồng") || figure.unit.contains("USD");
    let kind = article.blocks.get(sentence.block).map(|block| block.kind);
    let position = f64::from(u32::try_from(sentence.position).unwrap_or(u32::MAX));
    let hedged = figure.value.starts_with(char::is_alphabetic);
    let spoken = sentence.of(article).contains('“');
    let big =
        figure.value.contains('.') || figure.unit.contains("triệu") || figure.unit.contains("tỷ");
    1.0 / (1.0 + position * 0.25)
        + f64::from(u8::from(money)) * 0.5
        + f64::from(u8::from(figure.unit == "%" || figure.unit == "điểm phần trăm")) * 0.25
        + f64::from(u8::from(big)) * 0.3
        + f64::from(u8::from(hedged)) * 0.1
        + f64::from(u8::from(kind == Some(BlockKind::Sapo))) * 0.3
        - f64::from(u8::from(spoken)) * 0.8
}

/// Place of a quantity in its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// Hedge and number.
    value: Range<usize>,
    /// Unit, empty at the end of the value when there is none.
    unit: Range<usize>,
}

/// Quantities that can be told by themselves, each with what is counted: those of an enumeration would be half of it.
fn alone(text: &str) -> Vec<Quantity> {
    let counted = |number: Range<usize>| Counted { unit: unit_at(text, number.end), number };
    let numbers: Vec<_> = numbers(text).into_iter().map(counted).collect();
    let together = told_together(text, &numbers);
    let mut found = quantities(text);
    found.retain(|place| {
        let value = &place.value;
        let listed = together.iter().any(|n| value.start <= n.start && n.end <= value.end);
        let end = if place.unit.is_empty() { value.end } else { place.unit.end };
        let label = label(text, &(value.start..end));
        !listed && !is_half(text.get(label).unwrap_or_default())
    });
    found
}

/// Numbers of a sentence that count something: no dates, no numbers of laws, no names.
fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut taken = scan::legal_numbers(text);
    taken.extend(scan::dates(text, None).into_iter().map(|date| date.range));
    let mut numbers = scan::numbers(text);
    numbers.retain(|n| !taken.iter().any(|t| t.start <= n.start && n.end <= t.end));
    numbers.retain(|n| !last_words_are(text.get(..n.start).unwrap_or_default(), &NAMES));
    numbers
}

/// Quantities of a sentence, ranges as one.
pub(crate) fn quantities(text: &str) -> Vec<Quantity> {
    let mut found: Vec<Quantity> = Vec::new();
    for number in numbers(text) {
        let unit = unit_at(text, number.end);
        let has_unit = !unit.is_empty();
        // "từ 5 ngày xuống còn 2 ngày", "10-20 triệu": one quantity with two ends.
        let range_from = range_start(text, number.start);
        if let Some(from) = range_from {
            if found.last().is_some_and(|last| last.value.end > from) {
                found.pop();
            }
            if has_unit {
                found.push(Quantity { value: with_hedges(text, from)..number.end, unit });
            }
            continue;
        }
        let grouped = text.get(number.clone()).is_some_and(|n| n.contains('.'));
        if has_unit || grouped {
            found.push(Quantity { value: with_hedges(text, number.start)..number.end, unit });
        }
    }
    found
}

fn unit_at(text: &str, end: usize) -> Range<usize> {
    let rest = text.get(end..).unwrap_or_default();
    let gap = rest.len() - rest.trim_start_matches(' ').len();
    let after = rest.get(gap..).unwrap_or_default();
    let whole_word = |unit: &&&str| {
        after.strip_prefix(**unit).is_some_and(|left| {
            !left.chars().next().is_some_and(char::is_alphanumeric) || unit.ends_with('%')
        })
    };
    // "đồng chí" is no money and "năm 2026" no span of years.
    let person = after.starts_with("đồng chí");
    let Some(unit) = UNITS
        .iter()
        .filter(|_| !person && gap <= 1)
        .filter(|unit| whole_word(unit))
        .max_by_key(|unit| unit.len())
    else {
        return end..end;
    };
    let mut to = end + gap + unit.len();
    to += text.get(to..).map_or(0, per);
    let names_a_year = *unit == "năm"
        && text
            .get(to..)
            .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    if names_a_year { end..end } else { end + gap..to }
}

/// Length of what an amount is for, right after it: “/hộ”, “ mỗi hộ”, “ một người”. Without it the amount is another one.
fn per(rest: &str) -> usize {
    const OF: [&str; 16] = [
        "tháng", "năm", "quý", "tuần", "ngày", "giờ", "hộ", "người", "ha", "héc ta", "xã", "huyện",
        "tỉnh", "thôn", "bản", "suất",
    ];
    let link = ["/", " mỗi ", " một "].iter().find(|link| rest.starts_with(**link));
    let Some(after) = link.and_then(|link| rest.strip_prefix(*link)) else { return 0 };
    let ends = |left: &str| !left.chars().next().is_some_and(char::is_alphanumeric);
    let of = OF.iter().filter(|of| after.strip_prefix(**of).is_some_and(ends));
    of.map(|of| rest.len() - after.len() + of.len()).max().unwrap_or(0)
}

/// Start of the number before when the two are the ends of one range.
fn range_start(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?.trim_end();
    let link =
        RANGES.iter().filter(|link| before.ends_with(**link)).max_by_key(|link| link.len())?;
    let left = before.strip_suffix(link)?;
    let dash = matches!(*link, "-" | "–");
    if !dash && !left.ends_with(' ') {
        return None;
    }
    let left = left.trim_end();
    let first = scan::numbers(left).pop()?;
    let unit = unit_at(left, first.end);
    let reaches = first.end == left.len() || (!unit.is_empty() && unit.end == left.len());
    (reaches && (dash || is_opened(left, first.start))).then_some(first.start)
}

/// Whether a number is the first end of a range: “từ 10”, “từ khoảng 10”.
pub(crate) fn is_opened(text: &str, at: usize) -> bool {
    let hedges = text.get(with_hedges(text, at)..at).unwrap_or_default().to_lowercase();
    hedges.split(' ').any(|word| word == "từ")
}

/// The place where the hedges before a number begin.
pub(crate) fn with_hedges(text: &str, at: usize) -> usize {
    let mut start = at;
    loop {
        let before = text.get(..start).unwrap_or_default();
        let Some(words) = before.strip_suffix(' ') else { return start };
        let lower = words.to_lowercase();
        if lower.len() != words.len() {
            return start;
        }
        let fits = |hedge: &&&str| {
            lower
                .strip_suffix(**hedge)
                .is_some_and(|left| !left.chars().next_back().is_some_and(char::is_alphanumeric))
        };
        match HEDGES.iter().filter(fits).max_by_key(|hedge| hedge.len()) {
            Some(hedge) => start = words.len() - hedge.len(),
            None => return start,
        }
    }
}

fn last_words_are(before: &str, names: &[&str]) -> bool {
    let before = before.trim_end().to_lowercase();
    names.iter().any(|name| {
        before
            .strip_suffix(name)
            .is_some_and(|left| !left.chars().next_back().is_some_and(char::is_alphanumeric))
    })
}

fn figure(article: &Article, sentence: &Sentence, place: &Quantity) -> Figure {
    let text = sentence.of(article);
    let shift =
        |range: &Range<usize>| sentence.range.start + range.start..sentence.range.start + range.end;
    let part = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().to_owned();
    let end = if place.unit.is_empty() { place.value.end } else { place.unit.end };
    let label: Passage =
        whole(article, sentence.block, &shift(&label(text, &(place.value.start..end))));
    Figure {
        value: part(&place.value),
        unit: part(&place.unit),
        label,
        span: span(article, sentence.block, &shift(&(place.value.start..end))),
        sentence: trimmed(article, sentence.block, &sentence.range),
    }
}

/// What is counted: the words before the figure, from the start of the sentence when they are few, else of its clause;
/// with too few words before it, the clause it stands in.
fn label(text: &str, figure: &Range<usize>) -> Range<usize> {
    const TAIL: [&str; 12] =
        ["trong", "là", "đạt", "bằng", "với", "còn", "tại", "ở", "được", "có", "của", "gồm"];
    let count = |range: &Range<usize>| {
        text.get(range.clone()).unwrap_or_default().split_whitespace().count()
    };
    let before = text.get(..figure.start).unwrap_or_default();
    let opening = ["Theo đó, ", "Cụ thể, ", "Ngoài ra, ", "Trong đó, ", "trong đó "]
        .iter()
        .find(|o| before.starts_with(**o));
    let start = opening.map_or_else(|| prefix(text), |opening| opening.len()).min(figure.start);
    let mark = |c: char| matches!(c, ',' | ';' | ':' | '(' | '”' | '“');
    let clause = before.char_indices().rev().filter(|(at, c)| {
        mark(*c) && before.get(at + 1..).is_some_and(|r| r.starts_with(' ') || *c == '(')
    });
    let clause = clause.map(|(at, c)| at + c.len_utf8()).next().unwrap_or(0).max(start);
    let holds_number =
        before.get(start..).is_some_and(|b| b.contains(|c: char| c.is_ascii_digit()));
    let from = if holds_number || count(&(start..figure.start)) > 14 { clause } else { start };
    let mut range = trim(text, from..figure.start);
    loop {
        let words = text.get(range.clone()).unwrap_or_default();
        let Some((left, last)) = words.rsplit_once(' ') else { break };
        if !TAIL.contains(&last) {
            break;
        }
        range = trim(text, range.start..range.start + left.len());
    }
    if count(&range) > 10 {
        // What is counted stands last: "hỗ trợ sinh kế và phổ cập dịch vụ công" before "1.200 xã".
        let last = text.get(range.clone()).unwrap_or_default().rfind(" và ");
        let shorter = last.map(|at| range.start + at + " và ".len()..range.end);
        range = shorter.filter(|shorter| count(shorter) >= 3).unwrap_or(range);
    }
    for lead in ["với ", "trong đó ", "và ", "tại ", "có "] {
        let leads = text.get(range.clone()).is_some_and(|words| words.starts_with(lead));
        range.start += if leads { lead.len() } else { 0 };
    }
    if count(&range) >= 2 {
        return range;
    }
    let after = text.get(figure.end..).unwrap_or_default();
    let stop = after.find([',', ';', ':', '(']).unwrap_or(after.len());
    trim(text, clause..figure.end + stop)
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let words = text.get(range.clone()).unwrap_or_default();
    let marks = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.' | '/' | '(');
    let start = range.start + words.len() - words.trim_start_matches(marks).len();
    start..(start + words.trim_matches(marks).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hedges_stay_and_names_are_no_quantities() {
        let check = |text: &str, expected: &[(&str, &str, &str)]| {
            let found: Vec<_> = quantities(text)
                .into_iter()
                .map(|q| {
                    let end = if q.unit.is_empty() { q.value.end } else { q.unit.end };
                    let label = text.get(label(text, &(q.value.start..end))).unwrap();
                    (text.get(q.value).unwrap(), text.get(q.unit).unwrap(), label)
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check(
            "Theo đó, tổng kinh phí thực hiện gần 2.450 tỷ đồng, trong đó ngân sách trung ương bảo đảm 70%.",
            &[
                ("gần 2.450", "tỷ đồng", "tổng kinh phí thực hiện"),
                ("70", "%", "ngân sách trung ương bảo đảm"),
            ],
        );
        check(
            "Hộ nghèo, hộ cận nghèo được hỗ trợ không quá 30 triệu đồng để mua giống.",
            &[("không quá 30", "triệu đồng", "Hộ nghèo, hộ cận nghèo được hỗ trợ")],
        );
        check(
            "Thời gian giải quyết giảm từ 5 ngày xuống còn 2 ngày làm việc.",
            &[("từ 5 ngày xuống còn 2", "ngày làm việc", "Thời gian giải quyết giảm")],
        );
        check(
            "Dự kiến khoảng 185.000 hộ dân được thụ hưởng.",
            &[("Dự kiến khoảng 185.000", "hộ dân", "Dự kiến khoảng 185.000 hộ dân được thụ hưởng")],
        );
        check(
            "Mức hỗ trợ không quá 30 triệu đồng mỗi hộ, 936.000 đồng một tháng, 5 kg mỗi hội viên.",
            &[
                ("không quá 30", "triệu đồng mỗi hộ", "Mức hỗ trợ"),
                ("936.000", "đồng một tháng", "936.000 đồng một tháng"),
                ("5", "kg", "5 kg mỗi hội viên"),
            ],
        );
        check(
            "Hỗ trợ 10-20 triệu đồng/hộ, từ 10 đến 15% vốn.",
            &[("10-20", "triệu đồng/hộ", "Hỗ trợ"), ("từ 10 đến 15", "%", "từ 10 đến 15% vốn")],
        );
        check(
            "Điều 5 Nghị định 42/2022/NĐ-CP, năm 2030, ngày 15/11/2026, tháng 9, quý 1, 3 đồng chí, thứ 7",
            &[],
        );
        check(
            "Mức tăng không vượt quá 1,5 lần, ước đạt trên 3 triệu tấn.",
            &[
                ("không vượt quá 1,5", "lần", "Mức tăng"),
                ("ước đạt trên 3", "triệu tấn", "ước đạt trên 3 triệu tấn"),
            ],
        );
    }

    #[test]
    fn numbers_that_are_told_together_are_no_figures_by_themselves() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let part = |range: Range<usize>| text.get(range).unwrap();
            let told = alone(text).into_iter().map(|q| (part(q.value), part(q.unit)));
            assert_eq!(told.collect::<Vec<_>>(), expected, "{text}");
        };
        let homes = "Huyện Lý Sơn và thị xã Đức Phổ có số hộ thiệt hại nhiều nhất, lần lượt là 312 và 287 hộ";
        check(homes, &[]);
        check(&format!("{homes}; tổng kinh phí 31,25 tỷ đồng."), &[("31,25", "tỷ đồng")]);
        check("Sản lượng của A, B và C lần lượt đạt 1.200, gần 950 và khoảng 300 tấn.", &[]);
        check(
            "Mức hỗ trợ lần lượt là 30 triệu đồng ở A, 60 triệu đồng ở B.",
            &[("60", "triệu đồng")],
        );
        check("Hai xã nhận 312 hộ và 287 hộ tương ứng.", &[]);
        check("Mức phí tương ứng là 5% và 7%.", &[]);
        check("Thời gian giải quyết là 5 hoặc 6 ngày làm việc.", &[]);
        check("Phạt tiền 30 triệu đồng hay 60 triệu đồng.", &[]);
        check("Mức hỗ trợ 10 đến 20 triệu đồng.", &[]);
        // Ranges and amounts of their own stay.
        check("Mức hỗ trợ từ 10 đến 20 triệu đồng.", &[("từ 10 đến 20", "triệu đồng")]);
        check("Từ khoảng 10% đến 15% vốn.", &[("Từ khoảng 10% đến 15", "%")]);
        check("Mỗi hộ nhận 30 triệu đồng và 5 tấn gạo.", &[("30", "triệu đồng")]);
        check("Đợt này hỗ trợ 30 triệu đồng, 5 tấn gạo.", &[("30", "triệu đồng"), ("5", "tấn")]);
        check("Năm 2025 và 2026, cả tỉnh xây 120 nhà.", &[("120", "nhà")]);
        check("Chuyển 30 tỷ đồng đến 12 xã vùng lũ.", &[("30", "tỷ đồng"), ("đến 12", "xã")]);
    }
}
