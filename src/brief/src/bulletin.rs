//! What an emergency bulletin says: how grave, where, until when, what to do, whom to call. Nothing is guessed.

use std::ops::Range;

use loa_model::{Article, Passage, brief::Bulletin};

use crate::{
    actions::actions,
    area::area,
    find,
    hotlines::hotlines,
    level::level,
    scan,
    text::{Sentence, whole},
};

/// Papers whose validity is not the bulletin's.
const PAPERS: [&str; 8] =
    ["luật", "nghị định", "nghị quyết", "quyết định", "thông tư", "giấy phép", "hợp đồng", "vé"];

/// What the bulletin says, if it says anything.
pub(crate) fn bulletin(article: &Article, body: &[Sentence]) -> Option<Bulletin> {
    let area = area(article);
    let bulletin = Bulletin {
        level: level(article, area.as_ref()),
        area,
        until: until(article, body),
        actions: actions(article, body),
        hotlines: hotlines(article, body),
    };
    let says = bulletin.level.is_some()
        || bulletin.area.is_some()
        || bulletin.until.is_some()
        || !bulletin.actions.is_empty();
    says.then_some(bulletin)
}

/// Until when the bulletin holds: one moment with a date, behind words that speak of its validity.
fn until(article: &Article, body: &[Sentence]) -> Option<Passage> {
    let mut found: Vec<Passage> = Vec::new();
    for sentence in body {
        let text = sentence.of(article);
        if find::says(text, &PAPERS) {
            continue;
        }
        let valid = ["giá trị", "hiệu lực"].into_iter().flat_map(|w| find::places(text, w));
        for place in valid {
            let before = text.get(..place.start).unwrap_or_default().trim_end();
            let said = before.is_empty() || find::ending(before, &["có", "còn"]).is_some();
            if !said {
                continue;
            }
            if let Some(range) = moment(text, place.end, article) {
                let range = find::shifted(&range, sentence.range.start);
                found.push(whole(article, sentence.block, &range));
            }
        }
    }
    let first = found.first()?;
    found.iter().all(|other| other.text == first.text).then(|| first.clone())
}

/// “đến 19 giờ ngày 06/9/2026”, “đến hết ngày 6/9”: the words behind “đến”.
fn moment(text: &str, from: usize, article: &Article) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let word = find::places(rest, "đến").next()?;
    let between = rest.get(..word.start)?;
    // "giá trị thiệt hại tính đến …" is no validity.
    let words = between.trim_start_matches(':').trim();
    let near = words.is_empty() || find::opening(words, &["từ", "kể từ"]).is_some();
    if !near || words.split(' ').count() > 9 || words.contains([';', '“']) {
        return None;
    }
    let start = from + word.end + 1;
    let words = text.get(start..)?;
    let date = scan::dates(words, article.published_at).into_iter().next()?;
    let lead = words.get(..date.range.start)?;
    // Nothing but an hour may stand before the date.
    let hour = |word: &str| {
        let word = word.trim_end_matches(',');
        let letters =
            word.trim_matches(|c: char| c.is_ascii_digit() || matches!(c, ':' | 'h' | 'g'));
        letters.is_empty()
            || matches!(
                word,
                "hết" | "lúc" | "giờ" | "phút" | "sáng" | "chiều" | "tối" | "đêm" | "trưa"
            )
    };
    let fits = lead.split_whitespace().all(hour) && lead.split_whitespace().count() <= 6;
    fits.then_some(start..start + date.range.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tests::headed, text::body_sentences};

    #[test]
    fn until_when_it_holds() {
        let check = |text: &str, expected: Option<&str>| {
            let article = headed("Cảnh báo mưa lũ", &[text]);
            let found = until(&article, &body_sentences(&article));
            assert_eq!(found.map(|p| p.text).as_deref(), expected, "{text}");
        };
        check("Bản tin có giá trị đến 19 giờ ngày 17/11/2026.", Some("19 giờ ngày 17/11/2026"));
        check(
            "Cảnh báo có hiệu lực từ 13 giờ ngày 16/11 đến hết ngày 18/11.",
            Some("hết ngày 18/11"),
        );
        check(
            "Bản tin có hiệu lực đến 07h30 ngày 17 tháng 11 năm 2026.",
            Some("07h30 ngày 17 tháng 11 năm 2026"),
        );
        // How long it rains and how many were counted is not how long the bulletin holds.
        check("Mưa còn kéo dài đến hết ngày 18/11/2026.", None);
        check("Tính đến 19 giờ ngày 16/11/2026 có 12 người mất tích.", None);
        check("Giá trị thiệt hại tính đến ngày 17/11/2026 là 5 tỷ đồng.", None);
        check("Cục Thống kê cập nhật giá trị từ nay đến ngày 18/11/2026.", None);
        check("Quyết định có hiệu lực đến hết ngày 31/12/2026.", None);
        check("Bản tin có giá trị đến khi có tin mới, sau ngày 18/11/2026.", None);
        check(
            "Bản tin có hiệu lực đến 9 giờ ngày 17/11. Lệnh có hiệu lực đến 9 giờ ngày 18/11.",
            None,
        );
    }
}
