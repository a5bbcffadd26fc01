//! Where a bulletin holds: names of places behind the danger, when nothing more can belong to them.

use std::ops::Range;

use loa_model::{Article, BlockKind, Passage};

use crate::{find, sentence::sentences, text::whole};

const PLACES: [&str; 4] = ["tại", "ở", "trên địa bàn", "khu vực"];
const DANGERS: [&str; 19] = [
    "bão",
    "lũ",
    "lũ quét",
    "lụt",
    "ngập",
    "ngập lụt",
    "mưa",
    "mưa lớn",
    "dông",
    "lốc",
    "sạt lở",
    "sạt lở đất",
    "áp thấp nhiệt đới",
    "cháy rừng",
    "rét hại",
    "nắng nóng",
    "hạn hán",
    "xâm nhập mặn",
    "triều cường",
];
/// Words of a sentence in which a place is where people meet, or where something happened.
const VENUES: [&str; 25] = [
    "họp",
    "cuộc họp",
    "hội nghị",
    "kiểm tra",
    "làm việc",
    "thăm",
    "diễn ra",
    "tổ chức",
    "chủ trì",
    "phát biểu",
    "như",
    "từng",
    "năm ngoái",
    "đã",
    "trận",
    "vụ",
    "khắc phục",
    "hậu quả",
    "tìm kiếm",
    "mất tích",
    "nạn nhân",
    "thiệt hại",
    "cứu trợ",
    "chia buồn",
    "sau",
];
/// Words of a sentence that looks ahead.
const WARNS: [&str; 9] = [
    "cảnh báo",
    "nguy cơ",
    "dự báo",
    "ứng phó",
    "đề phòng",
    "phòng chống",
    "phòng, chống",
    "phòng tránh",
    "khả năng",
];
/// Small words that are part of where something is.
const WHERE: [&str; 32] = [
    "tỉnh",
    "thành",
    "phố",
    "các",
    "xã",
    "phường",
    "huyện",
    "quận",
    "đặc",
    "khu",
    "vực",
    "vùng",
    "núi",
    "trung",
    "du",
    "ven",
    "biển",
    "phía",
    "đồng",
    "bằng",
    "miền",
    "sông",
    "hạ",
    "lưu",
    "thượng",
    "nguồn",
    "đảo",
    "và",
    "bắc",
    "nam",
    "từ",
    "đến",
];
/// Words with which the rest of a sentence goes on behind a place.
const BEHIND: [&str; 4] = ["có", "tiếp", "đang", "sẽ"];
/// Longest area, in characters.
const LONGEST: usize = 60;

/// Where it holds, from the headline, else the standfirst, else the first sentence of the body.
pub(crate) fn area(article: &Article) -> Option<Passage> {
    let first = |kind: BlockKind| {
        let index = article.blocks.iter().position(|block| block.kind == kind)?;
        let text = &article.blocks.get(index)?.text;
        let sentence = sentences(text).into_iter().next()?;
        let mut found = areas(text.get(sentence.clone())?)?;
        // Two areas in one sentence: which one is warned of is a guess.
        let only = if found.len() == 1 { found.pop() } else { None };
        Some(whole(article, index, &find::shifted(&only?, sentence.start)))
    };
    [BlockKind::Title, BlockKind::Sapo, BlockKind::Paragraph].into_iter().find_map(first)
}

/// Areas that a sentence warns of; nothing when one of them has no sure end.
fn areas(text: &str) -> Option<Vec<Range<usize>>> {
    if find::says(text, &VENUES) || !find::says(text, &WARNS) {
        return None;
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    for (word, place) in PLACES.iter().flat_map(|w| find::places(text, w).map(move |p| (*w, p))) {
        let before = text.get(..place.start).unwrap_or_default().trim_end();
        let near = before.get(before.rfind([',', ';', ':']).map_or(0, |at| at + 1)..);
        let danger = near.is_some_and(|near| find::says(near, &DANGERS));
        // "tại khu vực …": the first word opens it.
        let inner = find::ending(before, &["tại", "ở", "trên", "trên địa bàn", "các"]).is_some();
        if !danger || (word == "khu vực" && inner && find::ending(before, &["trên"]).is_none()) {
            continue;
        }
        let start = if word == "khu vực" { place.start } else { place.end + 1 };
        found.push(start..area_end(text, start)?);
    }
    Some(found)
}

/// The end of the names of places from `start` on, if what follows leaves no doubt that they are all.
fn area_end(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..)?;
    let mut end = 0;
    let mut named = false;
    let mut at = 0;
    for word in rest.split(' ') {
        let name = word.trim_end_matches([',', '.', ';', ':', ')', '!']);
        let capital = name.starts_with(char::is_uppercase);
        // In a headline all in capitals every word looks like a name.
        let shouted =
            name.chars().count() > 1 && name != "TP" && !name.contains(char::is_lowercase);
        if capital && shouted {
            return None;
        }
        if !(capital || WHERE.contains(&name)) {
            let before = rest.get(..at)?.trim_end();
            let sure = BEHIND.contains(&name) && !before.ends_with(',');
            if !sure {
                return None;
            }
            break;
        }
        named |= capital;
        end = at + name.len();
        at += word.len() + 1;
        if word.len() > name.len() && !word.ends_with(',') {
            break;
        }
    }
    let words = rest.get(..end)?;
    let last = words.rsplit(' ').next()?;
    let ends_well = last.starts_with(char::is_uppercase)
        || find::ending(words, &["miền núi", "vùng núi", "ven biển", "trung du"]).is_some();
    let closed = !words.contains(['(', '“', '"']);
    let spans = |word| find::places(words, word).next().map(|place| place.start);
    let span = match (spans("từ"), spans("đến")) {
        (Some(from), Some(to)) => from < to,
        (None, None) => true,
        _ => false,
    };
    (named && ends_well && closed && span && words.chars().count() <= LONGEST)
        .then_some(start + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::headed;

    #[test]
    fn where_it_holds() {
        let check = |title: &str, first: &str, expected: Option<&str>| {
            let found = area(&headed(title, &[first]));
            assert_eq!(found.map(|p| p.text).as_deref(), expected, "{title} / {first}");
        };
        check(
            "Cảnh báo lũ quét, sạt lở đất khu vực tỉnh Lào Cai",
            "",
            Some("khu vực tỉnh Lào Cai"),
        );
        check(
            "Cảnh báo mưa lớn trên địa bàn tỉnh Nghệ An và Hà Tĩnh",
            "",
            Some("tỉnh Nghệ An và Hà Tĩnh"),
        );
        check(
            "Nguy cơ sạt lở đất tại Yên Bái, Lào Cai, Sơn La",
            "",
            Some("Yên Bái, Lào Cai, Sơn La"),
        );
        check(
            "Tin cảnh báo",
            "Lũ quét ở vùng núi phía Bắc có nguy cơ xảy ra trong đêm.",
            Some("vùng núi phía Bắc"),
        );
        check("Khẩn trương tìm người mất tích vụ sạt lở đất tại Lào Cai", "", None);
        check("Lũ quét tại Lào Cai: sơ tán khẩn 5 hộ", "", None);
        check("Họp khẩn ứng phó mưa lũ tại Hà Nội", "", None);
        check("Ứng phó bão số 3 tại Hà Nội, Thủ tướng yêu cầu sơ tán", "", None);
        check(
            "Cảnh báo mưa lớn tại khu vực từ Thanh Hóa đến Quảng Ngãi",
            "",
            Some("khu vực từ Thanh Hóa đến Quảng Ngãi"),
        );
        check("CẢNH BÁO MƯA LŨ TẠI LÀO CAI GÂY NGẬP ÚNG", "", None);
        check("Cảnh báo mưa lớn tại Hà Nội đến Tết", "", None);
        check("Cảnh báo lũ tại Lào Cai trừ xã Ẫng", "", None);
        check("Sơ tán dân vì mưa lũ tại nhà văn hóa", "", None);
        check("Cảnh báo lũ tại Lào Cai và mưa tại Hà Nội", "", None);
    }
}
