//! A correction that the newsroom published: what was said and what is right, both in quotation marks.

use std::ops::Range;

use loa_model::{Article, BlockKind, Passage, brief::Correction};

use crate::{find, sentence::sentences, text::whole};

const NOTICES: [&str; 2] = ["đính chính", "cải chính"];
/// Words of a newsroom that corrects itself.
const OWN: [&str; 9] = [
    "xin lỗi",
    "cáo lỗi",
    "xin đọc",
    "xin sửa",
    "xin được sửa",
    "xin đính chính",
    "xin được đính chính",
    "xin cải chính",
    "nay sửa",
];
/// Words of a denial: somebody else said it.
const DENIALS: [&str; 11] = [
    "mạng xã hội",
    "tin giả",
    "sai sự thật",
    "bịa đặt",
    "tin đồn",
    "lan truyền",
    "xuyên tạc",
    "thất thiệt",
    "một số báo",
    "một số trang",
    "một số tờ báo",
];
/// Words before what was said.
const BEFORE: [&str; 24] = [
    "có câu",
    "có đoạn",
    "có ghi",
    "có nêu",
    "đã viết",
    "có viết",
    "đã đưa",
    "đã in",
    "đã đăng",
    "đã nêu",
    "đã ghi",
    "viết nhầm",
    "ghi nhầm",
    "in nhầm",
    "đưa nhầm",
    "nêu nhầm",
    "viết sai",
    "ghi sai",
    "in sai",
    "đăng",
    "đưa tin",
    "thay vì",
    "thay cho",
    "đã in nhầm",
];
/// Words before what is right.
const AFTER: [&str; 15] = [
    "đọc là",
    "đọc lại là",
    "đọc đúng là",
    "xin sửa",
    "xin sửa lại",
    "sửa lại là",
    "sửa lại thành",
    "sửa thành",
    "sửa là",
    "nay sửa",
    "đúng là",
    "đúng phải là",
    "đính chính là",
    "đính chính thành",
    "đính chính lại là",
];
/// Words between such a cue and the quotation that make it the name of a piece, or the cue another word (“đăng ký”).
const PIECES: [&str; 12] = [
    "bài",
    "tin bài",
    "nhan đề",
    "tựa đề",
    "tiêu đề",
    "tít",
    "chuyên mục",
    "mục",
    "phóng sự",
    "ký",
    "nhập",
    "cai",
];
/// Most words between a cue and its quotation.
const NEAR: usize = 6;
const REASONS: [&str; 8] = [
    "do sơ suất",
    "do sơ xuất",
    "do nhầm lẫn",
    "do sai sót",
    "do lỗi",
    "do thiếu sót",
    "vì sơ suất",
    "vì nhầm lẫn",
];
/// Longest reason, in words.
const LONGEST: usize = 16;

/// What a correction notice corrects; nothing unless it says exactly one thing and its correction.
pub(crate) fn correction(article: &Article) -> Option<Correction> {
    if !is_notice(article) {
        return None;
    }
    let mut before: Vec<Passage> = Vec::new();
    let mut after: Vec<Passage> = Vec::new();
    let mut reasons: Vec<Passage> = Vec::new();
    let mut read_as = 0;
    for (index, block) in article.blocks.iter().enumerate() {
        if !matches!(block.kind, BlockKind::Sapo | BlockKind::Paragraph | BlockKind::ListItem) {
            continue;
        }
        let text = &block.text;
        read_as += find::places(text, "đọc là").count();
        let mut from = 0;
        for words in quoted(text)? {
            let lead = text.get(from..words.start).unwrap_or_default();
            from = words.end;
            match says(lead) {
                Some(Side::Before) => before.push(whole(article, index, &words)),
                Some(Side::After) => after.push(whole(article, index, &words)),
                None => {}
            }
        }
        reasons.extend(reason(text).map(|range| whole(article, index, &range)));
    }
    let ([said], [right]) = (before.as_slice(), after.as_slice()) else { return None };
    let reason = if reasons.len() == 1 { reasons.pop() } else { None };
    (said.text != right.text && read_as <= 1).then(|| Correction {
        before: said.clone(),
        after: right.clone(),
        reason,
    })
}

/// Whether headline or first sentence says that the newsroom corrects itself: a denial corrects others.
fn is_notice(article: &Article) -> bool {
    let is_text = |kind: BlockKind| {
        matches!(kind, BlockKind::Sapo | BlockKind::Paragraph | BlockKind::ListItem)
    };
    let body = article.blocks.iter().find(|b| is_text(b.kind));
    let first = body.and_then(|b| b.text.get(sentences(&b.text).into_iter().next()?));
    let says = |any: &[&str]| article.blocks.iter().any(|b| find::says(&b.text, any));
    let notice = find::says(article.title(), &NOTICES)
        || first.is_some_and(|sentence| find::says(sentence, &NOTICES));
    notice && says(&OWN) && !says(&DENIALS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// On which side the quotation stands that these words introduce.
fn says(lead: &str) -> Option<Side> {
    let last =
        |cues: &[&str]| cues.iter().flat_map(|cue| find::places(lead, cue)).map(|at| at.end).max();
    let (before, after) = (last(&BEFORE), last(&AFTER));
    let (side, end) = if before > after { (Side::Before, before?) } else { (Side::After, after?) };
    // "bài đăng ngày 15/11: “…”" names a piece.
    if Some(end) == last(&["đăng"]) && find::says(lead, &PIECES) {
        return None;
    }
    let between = lead.get(end..)?;
    let near = between.split_whitespace().count() <= NEAR
        && !find::says(between, &PIECES)
        && sentences(between).len() <= 1
        && !between.contains(['.', ';']);
    near.then_some(side)
}

/// The words inside the quotation marks of a block; nothing when a mark is never closed.
fn quoted(text: &str) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, c) in text.char_indices() {
        match (open, c) {
            (None, '“' | '"') => {
                open = Some((at + c.len_utf8(), if c == '“' { '”' } else { '"' }));
            }
            (Some((start, close)), c) if c == close => {
                let words = find::bare(text, start..at);
                if text.get(words.clone())?.contains(char::is_alphanumeric) {
                    found.push(words);
                }
                open = None;
            }
            // A quotation in a quotation: where the outer one ends is a guess.
            (Some(_), '“') => return None,
            _ => {}
        }
    }
    open.is_none().then_some(found)
}

/// The clause that says why, up to its comma or stop.
fn reason(text: &str) -> Option<Range<usize>> {
    let start =
        REASONS.iter().filter_map(|r| find::places(text, r).next()).map(|r| r.start).min()?;
    let rest = text.get(start..)?;
    let stop = |(at, c): &(usize, char)| {
        let next = rest.get(at + c.len_utf8()..).and_then(|r| r.chars().next());
        matches!(c, ',' | '.' | ';') && next.is_none_or(char::is_whitespace)
    };
    let end = rest.char_indices().find(stop).map_or(rest.len(), |(at, _)| at);
    let clause = rest.get(..end)?.trim_end();
    let told = ["đã", "nên", "bài", "báo", "tin", "xin", "chúng tôi", "cổng", "tòa soạn"];
    let fits = (4..=LONGEST).contains(&clause.split_whitespace().count())
        && !find::says(clause, &told)
        && !clause.contains(['“', '"', '(', ':']);
    fits.then(|| start..start + clause.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::headed;

    fn found(title: &str, texts: &[&str]) -> Option<(String, String, String)> {
        let article = headed(title, texts);
        correction(&article).map(|c| {
            let all = [Some(&c.before), Some(&c.after), c.reason.as_ref()];
            assert!(all.iter().flatten().all(|p| p.is_faithful(&article)));
            (c.before.text.clone(), c.after.text, c.reason.map(|r| r.text).unwrap_or_default())
        })
    }

    fn is(title: &str, texts: &[&str], before: &str, after: &str, reason: &str) {
        let expected = Some((before.to_owned(), after.to_owned(), reason.to_owned()));
        assert_eq!(found(title, texts), expected, "{texts:?}");
    }

    #[test]
    fn what_was_said_and_what_is_right() {
        is(
            "Đính chính",
            &[
                "Trong bài “Hỗ trợ sinh kế miền núi” đăng ngày 15/11/2026, do sơ suất trong khâu biên tập, chúng tôi đã viết: “mức hỗ trợ 30 triệu đồng mỗi người”. Xin đọc là: “không quá 30 triệu đồng mỗi hộ”. Thành thật xin lỗi bạn đọc.",
            ],
            "mức hỗ trợ 30 triệu đồng mỗi người",
            "không quá 30 triệu đồng mỗi hộ",
            "do sơ suất trong khâu biên tập",
        );
        is(
            "Thông tin lại về mức phí",
            &[
                "Cổng Thông tin điện tử xin lỗi và đính chính như sau.",
                "Đoạn 2 viết nhầm là \"xã Mường Ẫng\", nay sửa lại thành \"xã Mường Ảng\".",
            ],
            "xã Mường Ẫng",
            "xã Mường Ảng",
            "",
        );
    }

    #[test]
    fn a_reason_is_one_whole_clause_or_none() {
        let reason = |text: &str| found("Đính chính", &[text]).unwrap().2;
        let pair = "đã viết “A một”. Xin đọc là “A hai”";
        assert_eq!(reason(&format!("Do lỗi kỹ thuật, báo {pair}.")), "Do lỗi kỹ thuật");
        assert_eq!(reason(&format!("Do lỗi kỹ thuật bài hôm qua {pair}.")), "");
        assert_eq!(reason(&format!("Do lỗi kỹ thuật báo Ẫ đã in sai, báo {pair}.")), "");
        let two =
            ["Đính chính do lỗi dàn trang, xin lỗi.", &format!("Do sơ suất biên tập, báo {pair}.")];
        assert_eq!(found("Đính chính", &two).unwrap().2, "");
    }

    #[test]
    fn no_guess_when_it_is_not_one_pair() {
        let none = |title: &str, text: &str| assert_eq!(found(title, &[text]), None, "{text}");
        none("Tin vắn", "Báo đã viết “A một”, xin đọc là “B hai”.");
        none("Đính chính", "Báo đã viết 30 triệu, xin đọc là “20 triệu”.");
        none("Đính chính", "Báo đã viết “30 triệu”, đúng ra là 20 triệu.");
        none(
            "Đính chính",
            "Đã viết “A một”, xin đọc là “A hai”; đã viết “B một”, xin đọc là “B hai”.",
        );
        none("Đính chính", "Đã viết “A một”, xin đọc là “A hai”; trang 3 số 15 xin đọc là 16.");
        none("Đính chính", "Đã viết trong bài “A một”. Xin đọc là “A hai”.");
        none("Đính chính", "Đã viết “A một”, ghi nhầm “B một”, xin đọc là “A hai”.");
        none("Đính chính", "Đã viết “A một”, nay sửa “A hai”, sửa thành “A ba”.");
        none("Đính chính", "Đã đăng bài “A một”. Xin đọc là “A hai”.");
        none("Đính chính", "Bài đăng ngày 15/11/2026, “A một”, có mức xin đọc là “A hai”.");
        none("Đính chính", "Người dân đăng ký “A một”. Xin đọc là “A hai”.");
        none("Đính chính", "Đã viết “A “một””, xin đọc là “A hai”.");
        none("Đính chính", "Đã viết “A một”, xin đọc là “A hai”, “A ba.");
        none("Đính chính", "Đã viết “A một, xin đọc là “A hai”.");
        none(
            "Bộ Y tế đính chính tin đồn",
            "Mạng xã hội đã đăng “uống nước lá khỏi bệnh” và người dân tin.",
        );
        none("Đính chính", "Đã viết “A một”, xin đọc là “A một”.");
        // Somebody else said it.
        none(
            "Bộ Y tế đính chính",
            "Báo Ẫ đưa tin: “Bộ cấm thuốc A”. Thông tin đúng là: “Bộ khuyến cáo về thuốc A”.",
        );
        none(
            "Đính chính tin giả",
            "Trên mạng xã hội đã đăng “Bộ cấm thuốc A”, xin đọc là “Bộ khuyến cáo về thuốc A”.",
        );
    }
}
