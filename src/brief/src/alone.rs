//! Whether words say something without their neighbours.

use crate::{find, text::CONNECTIVES};

/// Openings that lean on the sentence before.
const LEANING: [&str; 20] = [
    "Tại đây",
    "Điều này",
    "Điều đó",
    "Do đó",
    "Vì vậy",
    "Vì thế",
    "Họ ",
    "Ông ",
    "Bà ",
    "Anh ",
    "Chị ",
    "Đây là",
    "Tuy nhiên",
    "Việc này",
    "Trong đó",
    "Nhờ đó",
    "Qua đó",
    "Từ đó",
    "Đồng thời",
    "Ngoài ra",
];
/// Words that point back when they stand near the beginning.
const POINTING: [&str; 9] =
    ["này", "đó", "ấy", "kia", "đây", "nói trên", "nêu trên", "cùng ngày", "cùng năm"];
/// Openings that go on with what was said.
const GOING_ON: [&str; 11] = [
    "tiếp theo",
    "ngay sau",
    "đến nay",
    "cũng",
    "nhưng",
    "song",
    "và",
    "còn",
    "bởi vậy",
    "vậy",
    "trái lại",
];
const PERSONS: [&str; 5] = ["ông", "bà", "anh", "chị", "họ"];
/// Words in front among which a pointing word leans on the sentence before.
const FRONT: usize = 8;

/// Whether a sentence begins by leaning on the one before.
pub(crate) fn opens_leaning(text: &str) -> bool {
    LEANING.iter().any(|opening| text.starts_with(opening))
}

/// Whether marks are closed and the words begin and end like a statement.
pub(crate) fn is_whole(text: &str) -> bool {
    is_closed(text) && text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
}

/// Whether quotation marks and brackets are closed and nothing is announced or asked.
fn is_closed(text: &str) -> bool {
    text.matches('“').count() == text.matches('”').count()
        && text.matches('(').count() == text.matches(')').count()
        && !text.ends_with([':', '?'])
}

/// Whether the words may be shown without their neighbours: stricter than what makes a point.
pub(crate) fn stands(text: &str) -> bool {
    is_closed(text) && text.matches('"').count().is_multiple_of(2) && !leans(text)
}

/// Whether the words need the sentence before to be understood: stricter than [`opens_leaning`].
fn leans(text: &str) -> bool {
    let front = text.split(' ').take(FRONT).map(str::len).sum::<usize>() + FRONT - 1;
    let front = (0..=front.min(text.len())).rev().find_map(|end| text.get(..end));
    let people = find::opening(text, &["bà con", "anh em", "chị em", "ông bà"]).is_some();
    let somebody = |clause: &str| {
        find::opening(clause, &PERSONS)
            .and_then(|end| clause.get(end..))
            .is_some_and(|rest| rest.trim_start().starts_with(char::is_lowercase))
    };
    let clause = text.split_once(", ").map_or("", |(_, clause)| clause);
    (opens_leaning(text) && !people)
        || (somebody(clause) && find::opening(clause, &["bà con", "anh em"]).is_none())
        || CONNECTIVES.iter().any(|connective| text.starts_with(connective))
        || find::opening(text, &GOING_ON).is_some()
        || front.is_some_and(|front| find::says(front, &POINTING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_its_neighbours() {
        for text in [
            "Tại đây, Thủ tướng trao quà.",
            "Theo đó, từ ngày 1/7/2026 lương tăng.",
            "Nghị định này có hiệu lực từ ngày 1/1/2027.",
            "Ngày 15/3/2026, ông được bổ nhiệm làm Thứ trưởng.",
            "Trước đó, ngày 2/3/2026 Bộ họp.",
            "Bà cho biết sẽ làm ngay.",
        ] {
            assert!(leans(text), "{text}");
        }
        for text in [
            "Bà con cần rời khỏi vùng trũng.",
            "Ngày 15/3/2026, ông Lê Ẫn được bổ nhiệm.",
            "Tổng vốn gần 2.450 tỷ đồng cho cả giai đoạn của đề án, trong đó có ngân sách.",
        ] {
            assert!(!leans(text), "{text}");
        }
    }
}
