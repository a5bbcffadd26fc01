//! Words of named people. A quotation whose speaker is not named beside it is left out: no guessing.

use std::ops::Range;

use loa_model::{Article, BlockKind, Quote};

use crate::{
    sentence::sentences,
    text::{span, whole},
};

const HONORIFICS: [&str; 12] = [
    "ông ",
    "bà ",
    "Ông ",
    "Bà ",
    "đồng chí ",
    "Đồng chí ",
    "anh ",
    "chị ",
    "Anh ",
    "Chị ",
    "già làng ",
    "nghệ nhân ",
];
const OFFICES: [&str; 26] = [
    "Phó Thủ tướng",
    "Thủ tướng Chính phủ",
    "Thủ tướng",
    "Chủ tịch nước",
    "Chủ tịch Quốc hội",
    "Tổng Bí thư",
    "Bộ trưởng",
    "Thứ trưởng",
    "Phó Chủ tịch",
    "Chủ tịch",
    "Phó Bí thư",
    "Bí thư",
    "Phó Giám đốc",
    "Giám đốc",
    "Vụ trưởng",
    "Phó Vụ trưởng",
    "Cục trưởng",
    "Phó Cục trưởng",
    "Chánh Văn phòng",
    "Chủ nhiệm",
    "Viện trưởng",
    "Hiệu trưởng",
    "Trưởng ban",
    "Trưởng phòng",
    "Trưởng bản",
    "Trưởng thôn",
];
const VERBS: [&str; 20] = [
    "nhấn mạnh",
    "cho biết",
    "khẳng định",
    "phát biểu",
    "chia sẻ",
    "yêu cầu",
    "đề nghị",
    "nói",
    "cho hay",
    "bày tỏ",
    "chỉ rõ",
    "nêu rõ",
    "thông tin",
    "cho rằng",
    "tâm sự",
    "kể",
    "lưu ý",
    "đánh giá",
    "chỉ đạo",
    "kêu gọi",
];
/// Words before a place name: capitals after them name no person.
const PLACES: [&str; 13] =
    ["tỉnh", "xã", "phường", "huyện", "bản", "thôn", "TP", "phố", "Bộ", "Sở", "UBND", "HĐND", "Vụ"];
/// Fewest words worth quoting.
const ENOUGH: usize = 6;

/// Quotations of an article in its order.
pub(crate) fn quotes(article: &Article) -> Vec<Quote> {
    let mut found = Vec::new();
    for (block, b) in article.blocks.iter().enumerate() {
        if !matches!(b.kind, BlockKind::Paragraph | BlockKind::Quote | BlockKind::ListItem) {
            continue;
        }
        for sentence in sentences(&b.text) {
            let text = b.text.get(sentence.clone()).unwrap_or_default();
            let Some(words) = quoted(text) else { continue };
            let Some((name, role)) = speaker(text, &words) else { continue };
            let shift =
                |range: &Range<usize>| sentence.start + range.start..sentence.start + range.end;
            let part =
                |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().to_owned();
            found.push(Quote {
                words: whole(article, block, &shift(&words)),
                speaker: part(&name),
                role: role.as_ref().map(part).unwrap_or_default(),
                speaker_span: span(article, block, &shift(&name)),
            });
        }
    }
    found
}

/// The words between the quotation marks, when there are enough of them to be speech and not a name.
fn quoted(text: &str) -> Option<Range<usize>> {
    let (open, close) = if text.contains('“') { ('“', '”') } else { ('"', '"') };
    let start = text.find(open)? + open.len_utf8();
    let end = start + text.get(start..)?.find(close)?;
    (text.get(start..end)?.split_whitespace().count() >= ENOUGH).then_some(start..end)
}

/// Name and office of who says it: before the quotation, else after it.
fn speaker(text: &str, words: &Range<usize>) -> Option<(Range<usize>, Option<Range<usize>>)> {
    let before = text.get(..words.start)?;
    let after_start = words.end + 1;
    let after_start = (after_start..text.len().min(after_start + 4))
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    named(text, 0..before.len(), true).or_else(|| named(text, after_start..text.len(), false))
}

fn named(
    text: &str,
    within: Range<usize>,
    last: bool,
) -> Option<(Range<usize>, Option<Range<usize>>)> {
    let part = text.get(within.clone())?;
    // Without a verb of speaking the person may be anybody.
    let says =
        |at: usize| part.get(at..).is_some_and(|rest| VERBS.iter().any(|verb| rest.contains(verb)));
    let starts = |at: usize| {
        part.get(..at).is_some_and(|p| !p.chars().next_back().is_some_and(char::is_alphanumeric))
    };
    let mut honoured: Vec<usize> = HONORIFICS
        .iter()
        .flat_map(|h| part.match_indices(h).map(|(at, h)| (at, at + h.len())))
        .filter(|(at, end)| {
            starts(*at)
                && says(*at)
                && part.get(*end..).is_some_and(|r| r.starts_with(char::is_uppercase))
        })
        .map(|(_, end)| end)
        .collect();
    honoured.sort_unstable();
    let at = if last { honoured.last() } else { honoured.first() };
    if let Some(&at) = at {
        let name = capitals(part, at);
        let role = role_after(part, name.end);
        return Some((shift(&name, within.start), role.map(|role| shift(&role, within.start))));
    }
    // "Bộ trưởng Nguyễn Văn An nhấn mạnh": the name is the run of capitals before the verb.
    let verb = VERBS.iter().filter_map(|verb| part.find(&format!(" {verb}"))).min()?;
    let subject = part.get(..verb)?.trim_end_matches(',');
    let office = OFFICES.iter().filter_map(|office| subject.find(office)).min()?;
    let run = trailing_capitals(subject, office);
    let count = subject.get(run.clone())?.split_whitespace().count();
    let mut head = subject.get(office..run.start)?.trim_end();
    let known = OFFICES
        .iter()
        .filter_map(|office| subject.get(run.clone())?.strip_prefix(office))
        .map(str::len)
        .min();
    let mut name = run.clone();
    if let Some(rest) = known {
        // The office itself begins with a capital: "Bộ trưởng" stands inside the run only when it has one word.
        name = run.end - subject.get(run.end - rest..run.end)?.trim_start().len()..run.end;
        head = subject.get(office..name.start)?.trim_end();
    }
    let before_run = head.split_whitespace().next_back().unwrap_or_default();
    if !(2..=4).contains(&count) || PLACES.contains(&before_run) || head.is_empty() {
        return None;
    }
    Some((shift(&name, within.start), Some(shift(&(office..office + head.len()), within.start))))
}

fn shift(range: &Range<usize>, by: usize) -> Range<usize> {
    range.start + by..range.end + by
}

/// Up to five capitalised words from `at` on.
fn capitals(text: &str, at: usize) -> Range<usize> {
    let mut end = at;
    for word in text.get(at..).unwrap_or_default().split(' ').take(5) {
        if !word.starts_with(char::is_uppercase) {
            break;
        }
        let bare = word.trim_end_matches([',', ':', '.', '(', ')', ';']);
        let next = if end == at { at } else { end + 1 };
        end = next + bare.len();
        if bare.len() != word.len() {
            break;
        }
    }
    at..end
}

/// The run of capitalised words at the end of `text`, not before `from`.
fn trailing_capitals(text: &str, from: usize) -> Range<usize> {
    let mut start = text.len();
    while let Some(rest) = text.get(from..start) {
        let trimmed = rest.trim_end();
        let word = trimmed.rsplit(' ').next().unwrap_or_default();
        if word.is_empty() || !word.starts_with(char::is_uppercase) {
            break;
        }
        start = from + trimmed.len() - word.len();
    }
    start..text.len()
}

/// The office between the commas after a name.
fn role_after(text: &str, end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..)?.strip_prefix([',', '('])?;
    let lead = rest.len() - rest.trim_start().len();
    let body = rest.trim_start();
    let verb = VERBS.iter().filter_map(|verb| body.find(verb)).min().unwrap_or(body.len());
    let comma = body.find([',', ')', ':', '“', '"', '.']).unwrap_or(body.len());
    // An office may name a place after a comma ("…, tỉnh Lào Cai,"): the verb ends it then.
    let role = body.get(..verb.min(comma))?.trim_end_matches([' ', ',']);
    let start = end + 1 + lead;
    (role.split_whitespace().count() >= 2).then_some(start..start + role.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speakers_are_named_or_the_words_left_out() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = quoted(text).and_then(|words| speaker(text, &words));
            let found = found.map(|(name, role)| {
                (text.get(name).unwrap(), role.map_or("", |r| text.get(r).unwrap()))
            });
            assert_eq!(found, expected, "{text}");
        };
        check(
            "Phát biểu tại lễ công bố, bà Lò Thị Minh Ngọc, Vụ trưởng Vụ Phát triển vùng cao, nhấn mạnh: “Không để người dân phải vượt núi. Phải có.”",
            Some(("Lò Thị Minh Ngọc", "Vụ trưởng Vụ Phát triển vùng cao")),
        );
        check(
            "“Bà con không còn phải nghỉ một buổi nương”, ông Giàng A Tếnh, Chủ tịch UBND xã, cho biết.",
            Some(("Giàng A Tếnh", "Chủ tịch UBND xã")),
        );
        check(
            "Bộ trưởng Nguyễn Thị Ẫn khẳng định: \"Việc này phải làm xong trong năm nay\".",
            Some(("Nguyễn Thị Ẫn", "Bộ trưởng")),
        );
        check("Bà Đặng Thị Hoa nói: “Tôi rất vui vì có điểm hỗ trợ”.", Some(("Đặng Thị Hoa", "")));
        // Capitals after a place word name a place, and words without a speaker are nobody's.
        check("Chủ tịch UBND tỉnh Lào Cai nói: “Tỉnh sẽ làm ngay trong tháng này”.", None);
        check("Khẩu hiệu “Không để ai bị bỏ lại phía sau” được treo khắp nơi.", None);
        check("Chương trình “Sóng và máy tính” do bà Lê Thị An phát biểu khai mạc.", None);
    }
}
