//! Events: sentences with one full date each, one a day, oldest first.

use std::{collections::BTreeSet, ops::Range};

use jiff::civil::Date;
use loa_model::{Article, BlockKind, brief::Event};

use crate::{
    alone, documents, find,
    scan::{self, FoundDate},
    text::{Sentence, prefix, trimmed, whole},
};

/// Fewest different days that make a line of time.
const FEWEST: usize = 3;
/// Words right before a date that is not the day of what the sentence tells.
const ASIDE: [&str; 13] = [
    "trước",
    "sau",
    "chậm nhất",
    "muộn nhất",
    "so với",
    "so với thời điểm",
    "sinh",
    "tính đến",
    "tính đến hết",
    "tính tới",
    "tính từ",
    "cấp",
    "số liệu",
];
/// Words between a document's number and its date.
const SIGNED: [&str; 4] = ["", "ký", "ban hành", "được ban hành"];

/// Events of the body, oldest first; none when there are fewer than three days.
pub(crate) fn events(article: &Article, sentences: &[Sentence]) -> Vec<Event> {
    let mut found: Vec<Event> = Vec::new();
    let body = |s: &&Sentence| {
        let kind = article.blocks.get(s.block).map(|b| b.kind);
        matches!(kind, Some(BlockKind::Paragraph | BlockKind::ListItem))
    };
    let years = Years::of(article);
    for event in sentences.iter().filter(body).filter_map(|s| event(article, s, &years)) {
        if !found.iter().any(|known| known.day == event.day) {
            found.push(event);
        }
    }
    found.sort_by_key(|event| event.day);
    if found.len() < FEWEST {
        found.clear();
    }
    found
}

/// Years that the article names.
struct Years {
    named: BTreeSet<i16>,
}

impl Years {
    fn of(article: &Article) -> Self {
        let mut named = BTreeSet::new();
        for block in article.blocks.iter().filter(|b| b.kind != BlockKind::Caption) {
            let dates = scan::dates(&block.text, article.published_at);
            named.extend(dates.iter().filter(|d| says_year(&block.text, d)).map(|d| d.date.year()));
            for place in find::places(&block.text, "năm") {
                let rest = block.text.get(place.end..).unwrap_or_default().trim_start();
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let year = rest.get(..digits).filter(|digits| digits.len() == 4);
                named.extend(year.and_then(|year| year.parse::<i16>().ok()));
            }
        }
        Self { named }
    }

    /// Whether a date without a year can be of no other year: the article names none before it.
    fn sure(&self, date: Date) -> bool {
        self.named.iter().all(|year| *year >= date.year())
    }
}

fn says_year(text: &str, date: &FoundDate) -> bool {
    let words = text.get(date.range.clone()).unwrap_or_default();
    words.chars().rev().take_while(char::is_ascii_digit).count() == 4
}

fn event(article: &Article, sentence: &Sentence, years: &Years) -> Option<Event> {
    let text = sentence.of(article);
    let dates: Vec<FoundDate> = scan::dates(text, article.published_at);
    if dates.iter().any(|date| is_part_of_span(text, &date.range)) {
        return None;
    }
    let legal = scan::legal_numbers(text);
    let told = |d: &&FoundDate| !is_of_document(text, d, &legal) && !is_aside(text, d);
    let told: Vec<&FoundDate> = dates.iter().filter(told).collect();
    let date = *told.first()?;
    let leads = date.range.start == prefix(text);
    let clause = if leads { clause_after(text, date.range.end) } else { None };
    let alone = told.iter().all(|other| other.date == date.date);
    if (!alone && clause.is_none()) || !(says_year(text, date) || years.sure(date.date)) {
        return None;
    }
    let range = clause.unwrap_or(0..text.len());
    let shown = trimmed(article, sentence.block, &find::shifted(&range, sentence.range.start));
    let count = shown.text.split_whitespace().count();
    if !(2..=60).contains(&count) || !alone::stands(&shown.text) {
        return None;
    }
    let words = find::shifted(&scan::without_word(text, &date.range), sentence.range.start);
    Some(Event { day: date.date, date: whole(article, sentence.block, &words), text: shown })
}

/// What follows a date in front, when it is a clause by itself.
fn clause_after(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let marks = [": ", ", ", " – ", " - ", " — "];
    let (mark, clause) = marks.into_iter().find_map(|m| Some((m, rest.strip_prefix(m)?)))?;
    // Behind a comma the subject may come later: only what begins like a sentence is one.
    let begins = clause.chars().next()?;
    let whole = if mark == ": " { begins.is_alphanumeric() } else { begins.is_uppercase() };
    whole.then(|| text.len() - clause.len()..text.len())
}

/// Whether the date is one end of several days: “từ 10 đến 16/3/2026”, “ngày 15, 16/3/2026”.
fn is_part_of_span(text: &str, date: &Range<usize>) -> bool {
    let before = text.get(..date.start).unwrap_or_default().trim_end();
    let joined = find::ending(before, &["và", "đến", "tới", "hoặc", "đến hết", "hay"])
        .and_then(|at| before.get(..at))
        .or_else(|| before.strip_suffix([',', '-', '–', '—']));
    let after = text.get(date.end..).unwrap_or_default().trim_start();
    let goes_on = find::opening(after, &["và", "đến", "tới", "hoặc", "hay"])
        .and_then(|at| after.get(at..))
        .or_else(|| after.strip_prefix(['-', '–', '—']))
        .map(str::trim_start)
        .map(|rest| find::opening(rest, &["ngày"]).and_then(|at| rest.get(at..)).unwrap_or(rest));
    joined.is_some_and(|t| t.trim_end().ends_with(|c: char| c.is_ascii_digit()))
        || goes_on.is_some_and(|t| t.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the date is the one a document was signed on.
fn is_of_document(text: &str, date: &FoundDate, legal: &[Range<usize>]) -> bool {
    let before = text.get(..date.range.start).unwrap_or_default().trim_end();
    documents::ends_with_kind(before)
        || legal.iter().any(|number| {
            before.get(number.end..).is_some_and(|between| SIGNED.contains(&between.trim()))
        })
}

fn is_aside(text: &str, date: &FoundDate) -> bool {
    let before = text.get(..date.range.start).unwrap_or_default().trim_end();
    let quoted = before.matches('“').count() > before.matches('”').count();
    quoted || find::ending(before, &ASIDE).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tests::{article, block},
        text::body_sentences,
    };

    fn check(texts: &[&str], expected: &[(&str, &str)]) {
        let article = article(texts.iter().map(|text| block(BlockKind::Paragraph, text)).collect());
        let found = events(&article, &body_sentences(&article));
        assert!(found.iter().all(|e| e.date.is_faithful(&article) && e.text.is_faithful(&article)));
        let shown: Vec<_> =
            found.iter().map(|e| (e.date.text.as_str(), e.text.text.as_str())).collect();
        assert_eq!(shown, expected);
    }

    const TWO: [&str; 2] =
        ["Ngày 1/2/2026, Quốc hội họp phiên đầu.", "Ngày 1/3/2026, Chính phủ trình dự án."];
    const TWO_FOUND: [(&str, &str); 2] =
        [("1/2/2026", "Quốc hội họp phiên đầu."), ("1/3/2026", "Chính phủ trình dự án.")];

    #[test]
    fn dates_in_their_order() {
        check(
            &[
                "Ngày 15/3/2026, Thủ tướng phát lệnh khởi công.",
                "Dự án được Quốc hội thông qua ngày 30 tháng 11 năm 2024. Sau đó dân dời đi.",
                "20/12/2025: giải phóng xong mặt bằng;",
                "Ngày 15/3/2026, Hà Nội mưa lớn suốt buổi sáng.",
                "(Minh Họa) - Ngày 1/6/2026, tại Ẫng Cang, nhịp cầu đầu tiên được nối.",
            ],
            &[
                (
                    "30 tháng 11 năm 2024",
                    "Dự án được Quốc hội thông qua ngày 30 tháng 11 năm 2024.",
                ),
                ("20/12/2025", "giải phóng xong mặt bằng"),
                ("15/3/2026", "Thủ tướng phát lệnh khởi công."),
                ("1/6/2026", "Ngày 1/6/2026, tại Ẫng Cang, nhịp cầu đầu tiên được nối."),
            ],
        );
        check(&TWO, &[]);
    }

    #[test]
    fn dates_that_are_no_day_of_an_event() {
        for text in [
            "Các địa phương thực hiện Nghị định 42/2022/NĐ-CP ngày 24/6/2022 của Chính phủ.",
            "Bộ trả lời công văn ngày 5/5/2026 của tỉnh về nguồn vốn.",
            "Các xã nộp báo cáo trước ngày 10/4/2026 về tỉnh.",
            "Ai chưa đăng ký sau ngày 10/4/2026 sẽ bị xử phạt.",
            "Giá xăng tăng 3% so với ngày 1/1/2025 trên cả nước.",
            "Hội chợ mở cửa từ ngày 10 đến ngày 16/4/2026 tại Hà Nội.",
            "Trong hai ngày 15 và 16/4/2026, đoàn kiểm tra bốn xã.",
            "Từ 1/4/2026 đến 5/4/2026 cầu đóng để sửa chữa.",
            "Cầu khởi công ngày 3/4/2026 rồi khánh thành ngày 5/6/2027.",
            "Tại đây, ngày 9/4/2026 Bộ trưởng đã trao quà.",
            "Ngày 9/4/2026, ông được bổ nhiệm làm Thứ trưởng.",
            "Ông Lê Ẫn, sinh ngày 9/4/1970, là kỹ sư cầu đường.",
        ] {
            check(&[TWO[0], TWO[1], text], &[]);
        }
    }

    #[test]
    fn a_date_without_a_year_needs_a_sure_year() {
        let third = "Ngày 2/9, Thủ tướng cắt băng khánh thành.";
        let found = [TWO_FOUND[0], TWO_FOUND[1], ("2/9", "Thủ tướng cắt băng khánh thành.")];
        check(&[TWO[0], TWO[1], third], &found);
        check(&[TWO[0], TWO[1], "Năm 1945, cả nước vùng lên.", third], &[]);
    }
}
