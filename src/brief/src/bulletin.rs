//! What an emergency bulletin says: how grave, where, until when, what to do, whom to call. Nothing is guessed.

use std::ops::Range;

use loa_model::{
    Article, BlockKind, Passage,
    brief::{Bulletin, Level},
};

use crate::{
    actions::actions,
    find,
    hotlines::hotlines,
    scan,
    sentence::sentences,
    text::{Sentence, whole},
};

const RISK: &str = "rủi ro thiên tai";
/// Words before a level that make it another day's or nobody's.
const NOT_NOW: [&str; 12] = [
    "không",
    "chưa",
    "nếu",
    "từng",
    "hạ",
    "giảm",
    "nâng",
    "có thể",
    "nguy cơ",
    "năm",
    "trước đó",
    "khả năng",
];
/// Words behind a level that say where it holds.
const PARTS: [&str; 11] =
    ["tại", "ở", "vùng", "khu vực", "trên", "đối với", "cho", "riêng", "trong", "phía", "các"];
/// Wind, sea and earthquakes are counted in “cấp” too.
const SCALES: [&str; 9] =
    ["gió", "gió mạnh", "gió giật", "giật", "mạnh", "sức gió", "bão", "động đất", "sóng"];
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
/// Papers whose validity is not the bulletin's.
const PAPERS: [&str; 8] =
    ["luật", "nghị định", "nghị quyết", "quyết định", "thông tư", "giấy phép", "hợp đồng", "vé"];
/// Longest area, in characters.
const LONGEST: usize = 60;

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

/// The level of risk: of headline and standfirst, else the only one of the article.
fn level(article: &Article, area: Option<&Passage>) -> Option<Level> {
    let mut found: Vec<(bool, usize, Risk)> = Vec::new();
    for (index, block) in article.blocks.iter().enumerate() {
        if matches!(block.kind, BlockKind::Caption | BlockKind::Quote) {
            continue;
        }
        let head = matches!(block.kind, BlockKind::Title | BlockKind::Sapo);
        for sentence in sentences(&block.text) {
            let text = block.text.get(sentence.clone()).unwrap_or_default();
            found.extend(risks(text, area).into_iter().map(|risk| {
                (head, index, Risk { place: find::shifted(&risk.place, sentence.start), ..risk })
            }));
        }
    }
    let heads = found.iter().any(|(head, ..)| *head);
    found.retain(|(head, ..)| *head || !heads);
    let (_, block, risk) = found.first()?;
    let agree = found.iter().all(|(_, _, other)| other.rank == risk.rank);
    let rank = risk.rank.filter(|_| agree)?;
    Some(Level { rank, words: whole(article, *block, &risk.place) })
}

/// A mention of a level; without a rank when the sentence leaves doubt which.
#[derive(Debug)]
struct Risk {
    rank: Option<u8>,
    place: Range<usize>,
}

fn risks(text: &str, area: Option<&Passage>) -> Vec<Risk> {
    let found = find::places(text, RISK).filter_map(|risk| {
        let (rank, end) = rank_after(text, risk.end)?;
        let before = text.get(..risk.start)?;
        let start = find::ending(before.trim_end(), &["cấp độ"]).unwrap_or(risk.start);
        let near = before.get(before.rfind([',', ';', ':']).map_or(0, |at| at + 1)..)?;
        let after = text.get(end..)?.trim_start();
        // The level of a part is not the bulletin's, unless the bulletin is about that part.
        let whole = find::opening(after, &PARTS).is_none()
            || area.is_some_and(|area| after.contains(&area.text));
        let sure = whole && !find::says(near, &NOT_NOW) && only_level(text, rank, &(start..end));
        Some(Risk { rank: sure.then_some(rank), place: start..end })
    });
    found.collect()
}

/// “cấp 3” behind the words, at once, or behind “:”, “do mưa lớn:” and their like.
fn rank_after(text: &str, at: usize) -> Option<(u8, usize)> {
    let rest = text.get(at..)?;
    let word = find::places(rest, "cấp").next()?;
    let between = rest.get(..word.start)?.trim();
    let cause = find::opening(between, &["do", "vì"]).is_some() && between.ends_with(':');
    let short = between.split_whitespace().count() <= 24 && !between.contains(['.', ';']);
    let close = matches!(between, "" | ":" | "là" | "ở" | "ở mức");
    if !close && (!cause || !short) {
        return None;
    }
    let tail = rest.get(word.end..)?.strip_prefix(' ')?;
    let tail =
        find::opening(tail, &["độ"]).and_then(|at| tail.get(at..)).map_or(tail, str::trim_start);
    let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rank = tail.get(..digits)?.parse().ok().filter(|rank| (1..=5).contains(rank))?;
    let end = text.len() - tail.len() + digits;
    let after = text.get(end..)?;
    (!after.starts_with(char::is_alphanumeric)).then_some((rank, end))
}

/// Whether no other level stands in the sentence, as in “cấp 3, cấp 2” or “cấp 3 - 4”.
fn only_level(text: &str, rank: u8, place: &Range<usize>) -> bool {
    let after = text.get(place.end..).unwrap_or_default().trim_start();
    let joined = after.strip_prefix(['-', '–', '—', '/', '+']).or_else(|| {
        find::opening(after, &["đến", "tới", "hoặc", "và", "lên"]).and_then(|at| after.get(at..))
    });
    let span = joined.is_some_and(|t| t.trim_start().starts_with(|c: char| c.is_ascii_digit()));
    let other = find::places(text, "cấp").any(|word| {
        let before = text.get(..word.start).unwrap_or_default().trim_end();
        let number = text.get(word.end..).unwrap_or_default().trim_start();
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let level = number.get(..digits).and_then(|n| n.parse::<u8>().ok());
        level.is_some_and(|n| n != rank && n <= 5) && find::ending(before, &SCALES).is_none()
    });
    !span && !other
}

/// Where it holds, from the headline, else the standfirst, else the first sentence of the body.
fn area(article: &Article) -> Option<Passage> {
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
    use crate::{
        tests::{article, block},
        text::body_sentences,
    };

    fn bulletin_of(title: &str, texts: &[&str]) -> Option<Bulletin> {
        let mut blocks = vec![block(BlockKind::Title, title)];
        blocks.extend(texts.iter().map(|text| block(BlockKind::Paragraph, text)));
        let article = article(blocks);
        bulletin(&article, &body_sentences(&article))
    }

    #[test]
    fn one_level_or_none() {
        let check = |texts: &[&str], expected: Option<(u8, &str)>| {
            let found = bulletin_of("Cảnh báo mưa lũ", texts).and_then(|b| b.level);
            let found = found.as_ref().map(|l| (l.rank, l.words.text.as_str()));
            assert_eq!(found, expected, "{texts:?}");
        };
        check(&["Cảnh báo rủi ro thiên tai cấp 3."], Some((3, "rủi ro thiên tai cấp 3")));
        check(
            &["Cấp độ rủi ro thiên tai: cấp 2. Gió cấp 5, giật cấp 7."],
            Some((2, "Cấp độ rủi ro thiên tai: cấp 2")),
        );
        check(
            &["Cảnh báo cấp độ rủi ro thiên tai do lũ quét, sạt lở đất: Cấp 1."],
            Some((1, "cấp độ rủi ro thiên tai do lũ quét, sạt lở đất: Cấp 1")),
        );
        check(
            &["Rủi ro thiên tai cấp 3.", "Đến tối vẫn là rủi ro thiên tai cấp 3, gió mạnh cấp 4."],
            Some((3, "Rủi ro thiên tai cấp 3")),
        );
        check(&["Rủi ro thiên tai cấp 3.", "Vùng núi rủi ro thiên tai cấp 2."], None);
        check(&["Rủi ro thiên tai cấp 3, riêng Hà Tĩnh cấp 2."], None);
        check(
            &[
                "Cấp độ rủi ro thiên tai do lũ quét, sạt lở đất, sụt lún đất do mưa lũ hoặc dòng chảy: Cấp 1.",
            ],
            Some((
                1,
                "Cấp độ rủi ro thiên tai do lũ quét, sạt lở đất, sụt lún đất do mưa lũ hoặc dòng chảy: Cấp 1",
            )),
        );
        check(&["Cấp độ rủi ro thiên tai: Cấp 4 vùng biển phía Đông giữa Biển Đông."], None);
        check(&["Rủi ro thiên tai cấp 3-4."], None);
        check(&["Rủi ro thiên tai cấp 3 đến 4."], None);
        check(&["Rủi ro thiên tai cấp 12."], None);
        check(&["Nếu mưa thêm, có thể rủi ro thiên tai cấp 4."], None);
        check(&["Gió mạnh cấp 5, sóng biển cao 4 m."], None);
        check(&["Rủi ro thiên tai đã qua. Trường cấp 3 mở cửa."], None);
        let headed =
            bulletin_of("Cảnh báo lũ: Rủi ro thiên tai cấp 3", &["Xã Ẫng rủi ro thiên tai cấp 2."]);
        assert_eq!(headed.unwrap().level.unwrap().rank, 3);
    }

    #[test]
    fn where_it_holds() {
        let check = |title: &str, first: &str, expected: Option<&str>| {
            let found = bulletin_of(title, &[first]).and_then(|b| b.area);
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

    #[test]
    fn until_when_it_holds() {
        let check = |text: &str, expected: Option<&str>| {
            let found = bulletin_of("Cảnh báo mưa lũ", &[text]).and_then(|b| b.until);
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
