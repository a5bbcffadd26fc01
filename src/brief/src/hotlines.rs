//! Telephone numbers to call. A number of people, a house or an account must never become one.

use std::ops::Range;

use loa_model::{Article, BlockKind, brief::Hotline};

use crate::{
    find, scan,
    sentence::sentences,
    text::{Sentence, whole},
};

/// Most numbers of a bulletin.
const MOST: usize = 2;
/// Numbers of three digits that everybody may call.
const SHORT: [&str; 5] = ["111", "112", "113", "114", "115"];
/// Words that make a number one to call.
const CUES: [&str; 8] =
    ["gọi", "đường dây nóng", "hotline", "tổng đài", "điện thoại", "số máy", "số khẩn cấp", "ĐT"];
/// Words that may stand between such a cue and a short number.
const FILLERS: [&str; 8] =
    ["số", "ngay", "đến", "tới", "khẩn cấp", "điện thoại", "theo số", "tổng đài"];
/// Words that make a number another kind of number.
const OTHERS: [&str; 12] = [
    "tài khoản",
    "tk",
    "stk",
    "mã số",
    "mã số thuế",
    "fax",
    "căn cước",
    "giấy phép",
    "cuộc gọi",
    "gọi là",
    "tên gọi",
    "ghi nhận",
];
/// Words of a sentence whose long number is an account.
const ACCOUNTS: [&str; 8] = [
    "ngân hàng",
    "vietcombank",
    "vietinbank",
    "agribank",
    "bidv",
    "quyên góp",
    "ủng hộ",
    "chuyển khoản",
];
/// Words that may follow a short number.
const FOLLOWS: [&str; 9] = ["để", "khi", "hoặc", "hay", "nếu", "và", "ngay", "miễn phí", "nhằm"];
/// Words that no label holds.
const NO_LABEL: [&str; 13] = [
    "gọi",
    "liên hệ",
    "cần",
    "hãy",
    "báo",
    "vui lòng",
    "theo",
    "qua",
    "xin",
    "ghi nhận",
    "tiếp nhận",
    "có",
    "đã",
];
/// Longest label, in characters.
const LONGEST: usize = 50;

/// Numbers to call, in their order.
pub(crate) fn hotlines(article: &Article, body: &[Sentence]) -> Vec<Hotline> {
    let mut found: Vec<Hotline> = Vec::new();
    for sentence in body {
        let kind = article.blocks.get(sentence.block).map(|b| b.kind);
        if kind == Some(BlockKind::Quote) {
            continue;
        }
        let text = sentence.of(article);
        let listed = kind == Some(BlockKind::ListItem)
            && names_numbers(lead(article, sentence.block))
            && sentence.range.start == 0;
        for (number, label) in numbers(text, listed) {
            let passage = |range: &Range<usize>| {
                whole(article, sentence.block, &find::shifted(range, sentence.range.start))
            };
            let number = passage(&number);
            if !found.iter().any(|known| known.number.text == number.text) {
                found.push(Hotline { number, label: label.as_ref().map(passage) });
            }
        }
    }
    found.truncate(MOST);
    found
}

/// The line before a list.
fn lead(article: &Article, block: usize) -> &str {
    let before = article.blocks.iter().take(block).rev().find(|b| b.kind != BlockKind::ListItem);
    let lead = before.filter(|b| matches!(b.kind, BlockKind::Paragraph | BlockKind::Heading));
    lead.and_then(|b| b.text.get(sentences(&b.text).pop()?)).unwrap_or_default()
}

/// Whether the line before a list says that telephone numbers follow.
fn names_numbers(lead: &str) -> bool {
    let names = ["đường dây nóng", "số điện thoại", "hotline", "số khẩn cấp"];
    find::says(lead, &names)
        && !lead.contains(|c: char| c.is_ascii_digit())
        && !find::says(lead, &["ghi nhận", "tiếp nhận", "thống kê", "số liệu", "tài khoản"])
}

/// Numbers to call in a sentence, each with its label.
fn numbers(text: &str, listed: bool) -> Vec<(Range<usize>, Option<Range<usize>>)> {
    let mut found: Vec<(Range<usize>, Option<Range<usize>>)> = Vec::new();
    let mut at = 0;
    for start in scan::starts_of_numbers(text) {
        let Some(number) = phone(text, start).filter(|number| number.start >= at) else { continue };
        at = number.end;
        let before = text.get(..start).unwrap_or_default();
        if find::says(before, &OTHERS) {
            continue;
        }
        let short = number.len() == 3;
        let label = label(before);
        let chained = found.last().is_some_and(|(last, _)| {
            let between = before.get(last.end..).unwrap_or_default();
            matches!(between.trim(), "," | ";" | "và" | "hoặc" | "hay" | "-" | "–")
        });
        let rest = text.get(number.end..).unwrap_or_default();
        let ends = rest.trim_matches([' ', '.', ';']).is_empty();
        let item = listed && label.is_some() && ends;
        let called = if short {
            (is_called(before) || chained || item) && may_follow(rest)
        } else {
            (is_near_cue(before) || chained || item) && !find::says(text, &ACCOUNTS)
        };
        if called {
            found.push((number, label));
        }
    }
    found
}

/// A telephone number at a place: 112, 1900 1234, 0912.345.678. All digits that hang together, or none.
fn phone(text: &str, start: usize) -> Option<Range<usize>> {
    let mut digits = String::new();
    let mut end = start;
    let mut open = true;
    for (at, c) in text.get(start..)?.char_indices() {
        if c.is_ascii_digit() {
            digits.push(c);
            end = start + at + 1;
            open = true;
        } else if matches!(c, ' ' | '.' | '-') && open {
            open = false;
        } else {
            break;
        }
    }
    let rest = text.get(end..)?;
    let mut next = rest.chars();
    let (first, second) = (next.next(), next.next());
    let glued = first.is_some_and(|c| c.is_alphanumeric() || matches!(c, '%' | '/'))
        || (first.is_some_and(|c| matches!(c, ',' | ':'))
            && second.is_some_and(|c| c.is_ascii_digit()));
    let count = digits.len();
    let toll =
        (digits.starts_with("1900") || digits.starts_with("1800")) && (8..=10).contains(&count);
    let line = digits.starts_with('0')
        && !digits.starts_with("00")
        && !digits.starts_with("01")
        && (10..=11).contains(&count);
    let short = end - start == 3 && SHORT.contains(&digits.as_str());
    (!glued && (toll || line || short)).then_some(start..end)
}

/// Whether words that call stand right before a short number.
fn is_called(before: &str) -> bool {
    let mut words = before.trim_end();
    loop {
        if find::ending(words, &CUES).is_some() {
            return find::ending(words, &["kêu gọi", "tên gọi"]).is_none();
        }
        let shorter = words
            .strip_suffix(':')
            .or_else(|| find::ending(words, &FILLERS).and_then(|start| words.get(..start)));
        let Some(shorter) = shorter else { return false };
        words = shorter.trim_end();
    }
}

/// Whether what follows a short number is not what it counts.
fn may_follow(rest: &str) -> bool {
    let word = rest.trim_start();
    !rest.starts_with(' ')
        || word.starts_with(['(', '–', '-'])
        || find::opening(word, &FOLLOWS).is_some()
}

/// Whether words that call stand among the twelve before a long number.
fn is_near_cue(before: &str) -> bool {
    let words: Vec<&str> = before.split(' ').collect();
    let near = words.iter().rev().take(13).rev().copied().collect::<Vec<_>>().join(" ");
    find::says(&near, &CUES) || find::says(&near, &["liên hệ"])
}

/// Whose number it is: a short noun phrase before a colon.
fn label(before: &str) -> Option<Range<usize>> {
    let words = before.trim_end().strip_suffix(':')?;
    let start = words.rfind([',', ';', '(', '.', ':']).map_or(0, |at| at + 1);
    let range = find::bare(words, start..words.len());
    let label = words.get(range.clone())?;
    let fits = label.starts_with(char::is_alphabetic)
        && label.chars().count() <= LONGEST
        && label.split(' ').count() <= 9
        && !label.contains(|c: char| c.is_ascii_digit() || matches!(c, '“' | '"' | ')'))
        && !find::says(label, &NO_LABEL);
    fits.then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tests::{article, block},
        text::body_sentences,
    };

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = numbers(text, false);
        let found: Vec<_> = found
            .into_iter()
            .map(|(n, l)| (text.get(n).unwrap(), l.map_or("", |l| text.get(l).unwrap())))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_to_call() {
        check("Khi cần cứu nạn, gọi ngay 112.", &[("112", "")]);
        check("Gọi số 113, 114 hoặc 115 để được giúp.", &[("113", ""), ("114", ""), ("115", "")]);
        check("Đường dây nóng: 1900 9095.", &[("1900 9095", "Đường dây nóng")]);
        check(
            "Đường dây nóng Ban Chỉ huy tỉnh Ẫng: 0216.385.2345; trực ban: 0912.345.678.",
            &[
                ("0216.385.2345", "Đường dây nóng Ban Chỉ huy tỉnh Ẫng"),
                ("0912.345.678", "trực ban"),
            ],
        );
        check("Liên hệ số điện thoại 024 3733 0664 để báo tin.", &[("024 3733 0664", "")]);
    }

    #[test]
    fn numbers_that_count_or_name_something_else() {
        for text in [
            "Mưa lũ làm 112 người chết và mất tích.",
            "Lực lượng chức năng gọi 112 người dân ra khỏi vùng sạt lở.",
            "Đường dây nóng đã tiếp nhận 113 cuộc gọi cầu cứu.",
            "Tổng đài ghi nhận số ca cấp cứu: 115.",
            "Tổng đài nhận tin, số người mất tích: 112.",
            "Điểm sơ tán đặt tại số 113 đường Láng.",
            "Công điện số 112 của Thủ tướng.",
            "Gọi 115.000 đồng, 114,5 tấn, 113/115 xã, 112% là sai.",
            "Có 500 cuộc gọi 115 trong đêm.",
            "Ủng hộ qua số tài khoản 0912345678, gọi để biết thêm.",
            "Năm 1900-1954, số 19001 và ngày 01.01.2027, gọi về nhà.",
            "Cơn bão được gọi là số 113.",
            "Công an xã đến từng nhà gọi 115 trong số 300 hộ.",
            "Tỉnh kêu gọi 112.",
            "Liên hệ qua số tài khoản 0912345678.",
            "Gọi 112/115 xã.",
            "Gọi 114,5 triệu lượt.",
            "Liên hệ để ủng hộ: 0912345678 (Vietcombank).",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn items_under_a_line_that_names_numbers() {
        assert_eq!(numbers("Cứu nạn: 112;", true).len(), 1);
        assert_eq!(numbers("Cứu nạn: 112 người;", true).len(), 0);
        assert_eq!(numbers("Người bị nạn được cứu 112", true).len(), 0);
        let calls = |lead: &str| {
            let article = article(vec![
                block(BlockKind::Paragraph, lead),
                block(BlockKind::ListItem, "Cứu nạn: 112;"),
            ]);
            let found = hotlines(&article, &body_sentences(&article));
            assert!(found.iter().all(|h| h.number.is_faithful(&article)));
            found.len()
        };
        assert_eq!((calls("Các số điện thoại khẩn cấp:"), calls("Số vụ trong đêm:")), (1, 0));
        assert!(names_numbers("Các số điện thoại khẩn cấp:"));
        assert!(!names_numbers("Thống kê của đường dây nóng trong ngày:"));
    }
}
