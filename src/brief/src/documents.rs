//! Legal documents: number, kind, who issued them and when, as far as the words right around the number say so.

use std::ops::Range;

use jiff::civil::Date;
use loa_model::{Article, LegalDoc, Passage};

use crate::{
    find, scan,
    text::{span, whole},
};

/// Kinds of documents, and with what the code in their number begins.
const KINDS: [(&str, &[&str]); 15] = [
    ("Thông tư liên tịch", &["TTLT"]),
    ("Thông tư", &["TT"]),
    ("Bộ luật", &["QH"]),
    ("Luật", &["QH"]),
    ("Pháp lệnh", &["UBTVQH", "PL"]),
    ("Nghị định", &["NĐ"]),
    ("Nghị quyết", &["NQ", "QH", "UBTVQH"]),
    ("Quyết định", &["QĐ"]),
    ("Chỉ thị", &["CT"]),
    ("Công điện", &["CĐ"]),
    ("Kế hoạch", &["KH"]),
    ("Thông báo", &["TB"]),
    ("Kết luận", &["KL"]),
    ("Quy định", &["QĐ"]),
    ("Công văn", &[]),
];
/// Organs whose name is whole by itself, and ministries.
const ORGANS: [&str; 39] = [
    "Chính phủ",
    "Thủ tướng Chính phủ",
    "Thủ tướng",
    "Quốc hội",
    "Ủy ban Thường vụ Quốc hội",
    "Chủ tịch nước",
    "Bộ Chính trị",
    "Ban Bí thư",
    "Ban Chấp hành Trung ương",
    "Ban Chấp hành Trung ương Đảng",
    "Văn phòng Chính phủ",
    "Thanh tra Chính phủ",
    "Ngân hàng Nhà nước",
    "Ngân hàng Nhà nước Việt Nam",
    "Bảo hiểm xã hội Việt Nam",
    "Tòa án nhân dân tối cao",
    "Viện kiểm sát nhân dân tối cao",
    "Kiểm toán nhà nước",
    "Ủy ban Dân tộc",
    "Bộ Công an",
    "Bộ Công Thương",
    "Bộ Dân tộc và Tôn giáo",
    "Bộ Giao thông vận tải",
    "Bộ Giáo dục và Đào tạo",
    "Bộ Kế hoạch và Đầu tư",
    "Bộ Khoa học và Công nghệ",
    "Bộ Lao động - Thương binh và Xã hội",
    "Bộ Ngoại giao",
    "Bộ Nông nghiệp và Môi trường",
    "Bộ Nông nghiệp và Phát triển nông thôn",
    "Bộ Nội vụ",
    "Bộ Quốc phòng",
    "Bộ Thông tin và Truyền thông",
    "Bộ Tài chính",
    "Bộ Tài nguyên và Môi trường",
    "Bộ Tư pháp",
    "Bộ Văn hóa, Thể thao và Du lịch",
    "Bộ Xây dựng",
    "Bộ Y tế",
];
/// Organs of a place: the place follows.
const LOCAL: [&str; 8] = [
    "Chủ tịch UBND",
    "Chủ tịch Ủy ban nhân dân",
    "UBND",
    "Ủy ban nhân dân",
    "Uỷ ban nhân dân",
    "HĐND",
    "Hội đồng nhân dân",
    "Hội đồng Nhân dân",
];
const LEVELS: [&str; 9] =
    ["tỉnh", "thành phố", "TP", "TP.", "huyện", "quận", "thị xã", "xã", "phường"];

/// Whether the text ends with the kind of a document: a date behind it is the document's.
pub(crate) fn ends_with_kind(text: &str) -> bool {
    KINDS.iter().any(|(kind, _)| find::ending(text, &[*kind]).is_some())
        || find::ending(text, &["văn bản", "tờ trình", "báo cáo", "công hàm"]).is_some()
}

/// What one mention of a document says.
#[derive(Debug, Default)]
struct Said {
    name: Option<Range<usize>>,
    issuer: Option<Range<usize>>,
    date: Option<(Date, Range<usize>)>,
}

/// Documents in the order of their first mention; a later mention may say more, and two that differ say nothing.
pub(crate) fn legal_docs(article: &Article) -> Vec<LegalDoc> {
    let mut found: Vec<(LegalDoc, Vec<Option<Date>>)> = Vec::new();
    let mut doubtful: Vec<(usize, bool)> = Vec::new();
    for (index, block) in article.blocks.iter().enumerate() {
        for range in scan::legal_numbers(&block.text) {
            let number = block.text.get(range.clone()).unwrap_or_default();
            let said = said(article, &block.text, &range);
            let at = found.iter().position(|(doc, _)| doc.number == number).unwrap_or_else(|| {
                let doc = LegalDoc {
                    number: number.to_owned(),
                    span: span(article, index, &range),
                    name: None,
                    issuer: None,
                    date: None,
                };
                found.push((doc, Vec::new()));
                found.len() - 1
            });
            let Some((doc, days)) = found.get_mut(at) else { continue };
            let passage = |range: &Range<usize>| whole(article, index, range);
            doc.name = doc.name.take().or_else(|| said.name.as_ref().map(passage));
            let issuer = said.issuer.as_ref().map(passage);
            let differs = |old: &Passage| issuer.as_ref().is_some_and(|new| new.text != old.text);
            if doc.issuer.as_ref().is_some_and(differs) {
                doubtful.push((at, true));
            }
            doc.issuer = doc.issuer.take().or(issuer);
            if let Some((day, range)) = said.date {
                doc.date = doc.date.take().or_else(|| Some(passage(&range)));
                days.push(Some(day));
            }
            if days.iter().any(|day| Some(day) != days.first()) {
                doubtful.push((at, false));
            }
        }
    }
    for (at, issuer) in doubtful {
        if let Some((doc, _)) = found.get_mut(at) {
            *if issuer { &mut doc.issuer } else { &mut doc.date } = None;
        }
    }
    found.into_iter().map(|(doc, _)| doc).collect()
}

fn said(article: &Article, text: &str, number: &Range<usize>) -> Said {
    let name = name(text, number);
    let mut said = Said::default();
    let mut at = number.end;
    let rest = text.get(at..).unwrap_or_default();
    let lead = [" ", ", ", " ký ", " ban hành ", " được ban hành ", " ("]
        .into_iter()
        .filter(|lead| rest.starts_with(lead));
    for lead in lead {
        let from = at + lead.len();
        let says_day = text.get(from..).is_some_and(|rest| rest.starts_with("ngày "));
        let behind = |d: &scan::FoundDate| d.range.start == from && says_day;
        if let Some(date) = scan::dates(text, article.published_at).into_iter().find(behind) {
            at = date.range.end;
            said.date = Some((date.date, scan::without_word(text, &date.range)));
            break;
        }
    }
    let of = text.get(at..).and_then(|rest| rest.strip_prefix(" của "));
    said.issuer = of.and_then(|rest| organ(rest, text.len() - rest.len()));
    if let Some(name) = &name
        && said.issuer.is_none()
    {
        said.issuer = subject(text, name.start);
    }
    said.name = name;
    said
}

/// The kind of document right before its number.
fn name(text: &str, number: &Range<usize>) -> Option<Range<usize>> {
    let code = text.get(number.clone())?;
    let before = text.get(..number.start)?.strip_suffix(' ')?;
    let end = find::ending(before, &["số", "số:"]).unwrap_or(before.len());
    let before = text.get(..end)?.trim_end();
    let start = |kind: &str| find::ending(before, &[kind]);
    let (kind, codes, start) = KINDS
        .iter()
        .filter_map(|(kind, codes)| start(kind).map(|start| (*kind, *codes, start)))
        .min_by_key(|(_, _, start)| *start)?;
    // "CĐ-TTg", "118/2026/NĐ-CP", "57-NQ/TW": a kind that its number contradicts is no kind.
    let fits = codes.is_empty()
        || code.split(['/', '-']).any(|piece| codes.iter().any(|c| piece.starts_with(c)));
    // "Dự thảo Luật" has no number yet, and a party's "Quy định" is none of the state.
    (fits && !kind.is_empty()).then_some(start..before.len())
}

/// The organ that `rest` begins with; `at` is the place of `rest`.
fn organ(rest: &str, at: usize) -> Option<Range<usize>> {
    let minister =
        if rest.starts_with("Bộ trưởng Bộ") { "Bộ trưởng ".len() } else { 0 };
    let name = rest.get(minister..)?;
    let known = ORGANS.iter().filter(|organ| name.starts_with(**organ)).map(|o| o.len()).max();
    let known = known.map(|known| minister + known);
    let end = known.or_else(|| local(rest))?;
    let after = rest.get(end..)?;
    let next = after.trim_start();
    let word = after.starts_with(char::is_alphanumeric);
    // Two organs that act together, or a longer name.
    let more = ["- ", "– ", "và Bộ", ", Bộ", "và Ủy", "và UBND", ", UBND"]
        .iter()
        .any(|more| next.starts_with(more) || after.starts_with(more));
    let named = after.starts_with(' ') && next.starts_with(char::is_uppercase);
    (!word && !more && !named).then_some(at..at + end)
}

/// The end of an organ of a place: its name, the level, and the capitals of the place.
fn local(rest: &str) -> Option<usize> {
    let organ = LOCAL.iter().filter(|organ| rest.starts_with(**organ)).map(|o| o.len()).max()?;
    let tail = rest.get(organ..)?.strip_prefix(' ')?;
    let fits = |level: &&&str| tail.strip_prefix(**level).is_some_and(|t| t.starts_with(' '));
    let level = LEVELS.iter().filter(fits).map(|level| level.len()).max()?;
    let mut end = organ + 1 + level;
    let mut count = 0;
    for word in tail.get(level + 1..)?.split(' ') {
        if !word.starts_with(char::is_uppercase) {
            break;
        }
        let name = word.trim_end_matches([',', '.', ';', ':', ')']);
        end += 1 + name.len();
        count += 1;
        if name.len() < word.len() {
            break;
        }
    }
    (1..=4).contains(&count).then_some(end)
}

/// Who “ban hành” what begins at `at`: only the whole subject of a clause.
fn subject(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?.trim_end();
    let verb = find::ending(before, &["ban hành", "ký ban hành", "ký"])?;
    let mut before = before.get(..verb)?.trim_end();
    while let Some(end) = find::ending(before, &["vừa", "đã", "mới", "chính thức"]) {
        before = before.get(..end)?.trim_end();
    }
    let start = ORGANS
        .iter()
        .filter(|organ| before.ends_with(**organ))
        .map(|organ| before.len() - organ.len());
    let start = start.min()?;
    let lead = before.get(..start)?.trim_end();
    let alone = lead.is_empty()
        || lead.ends_with(['.', ';', '-', '–', ':'])
        || lead.strip_suffix(',').is_some_and(|l| {
            l.ends_with(|c: char| c.is_ascii_digit()) || find::ending(l, &["theo đó"]).is_some()
        });
    alone.then_some(start..before.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{article, block};
    use loa_model::BlockKind;

    fn docs(texts: &[&str]) -> Vec<String> {
        let blocks = texts.iter().map(|text| block(BlockKind::Paragraph, text)).collect();
        let article = article(blocks);
        let shown = |p: &Option<Passage>| {
            assert!(p.as_ref().is_none_or(|p| p.is_faithful(&article)));
            p.as_ref().map(|p| p.text.clone()).unwrap_or_default()
        };
        let line = |d: &LegalDoc| {
            [shown(&d.name), d.number.clone(), shown(&d.issuer), shown(&d.date)].join(" | ")
        };
        legal_docs(&article).iter().map(line).collect()
    }

    #[test]
    fn kind_issuer_and_day() {
        let check = |text: &str, expected: &[&str]| assert_eq!(docs(&[text]), expected, "{text}");
        check(
            "Theo Nghị định số 42/2022/NĐ-CP ngày 24 tháng 6 năm 2022 của Chính phủ quy định về dịch vụ công.",
            &["Nghị định | 42/2022/NĐ-CP | Chính phủ | 24 tháng 6 năm 2022"],
        );
        check(
            "Quyết định 574/QĐ-TTg ngày 15/3/2026 của Thủ tướng Chính phủ; Thông tư liên tịch số 01/2026/TTLT-BYT-BTC.",
            &[
                "Quyết định | 574/QĐ-TTg | Thủ tướng Chính phủ | 15/3/2026",
                "Thông tư liên tịch | 01/2026/TTLT-BYT-BTC |  | ",
            ],
        );
        check(
            "Chính phủ vừa ban hành Nghị định số 999/2026/NĐ-CP ngày 15/11/2026 về sinh kế.",
            &["Nghị định | 999/2026/NĐ-CP | Chính phủ | 15/11/2026"],
        );
        check(
            "Thủ tướng Chính phủ vừa ký Công điện số 208/CĐ-TTg; Phó Thủ tướng ký Công điện 209/CĐ-TTg.",
            &["Công điện | 208/CĐ-TTg | Thủ tướng Chính phủ | ", "Công điện | 209/CĐ-TTg |  | "],
        );
        check(
            "Thông tư 12/2026/TT-BNNMT của Bộ trưởng Bộ Nông nghiệp và Môi trường; Nghị quyết số 12/2026/NQ-HĐND ngày 9/7/2026 của HĐND tỉnh Lào Cai; Bộ luật số 45/2019/QH14.",
            &[
                "Thông tư | 12/2026/TT-BNNMT | Bộ trưởng Bộ Nông nghiệp và Môi trường | ",
                "Nghị quyết | 12/2026/NQ-HĐND | HĐND tỉnh Lào Cai | 9/7/2026",
                "Bộ luật | 45/2019/QH14 |  | ",
            ],
        );
    }

    #[test]
    fn what_the_words_do_not_say_stays_empty() {
        let check = |text: &str, expected: &[&str]| assert_eq!(docs(&[text]), expected, "{text}");
        // Another office than the one that ends the same way, two organs, a number that is not the kind's.
        check(
            "Văn phòng Ủy ban Chính phủ ban hành Nghị định số 1/2026/NĐ-CP.",
            &["Nghị định | 1/2026/NĐ-CP |  | "],
        );
        check(
            "Thông tư 5/2026/TT-BYT của Bộ Y tế - Bộ Tài chính.",
            &["Thông tư | 5/2026/TT-BYT |  | "],
        );
        check("Thông tư hướng dẫn 42/2022/NĐ-CP", &[" | 42/2022/NĐ-CP |  | "]);
        check(
            "Thông tư 42/2022/NĐ-CP; các Nghị định 7/2022/NĐ-CP, 8/2022/NĐ-CP",
            &[" | 42/2022/NĐ-CP |  | ", "Nghị định | 7/2022/NĐ-CP |  | ", " | 8/2022/NĐ-CP |  | "],
        );
        check(
            "Nghị định 9/2026/NĐ-CP có hiệu lực từ ngày 1/1/2027.",
            &["Nghị định | 9/2026/NĐ-CP |  | "],
        );
    }

    #[test]
    fn a_later_mention_says_more_and_a_contradiction_nothing() {
        let first = "Nghị định 42/2022/NĐ-CP quy định về dịch vụ công.";
        let second = "Nghị định số 42/2022/NĐ-CP ngày 24/6/2022 của Chính phủ đã rõ.";
        assert_eq!(docs(&[first, second]), ["Nghị định | 42/2022/NĐ-CP | Chính phủ | 24/6/2022"]);
        let other = "Nghị định số 42/2022/NĐ-CP ngày 25/6/2022 của Thủ tướng Chính phủ.";
        assert_eq!(docs(&[second, other]), ["Nghị định | 42/2022/NĐ-CP |  | "]);
    }
}
