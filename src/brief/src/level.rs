//! How grave a danger is: the level of risk, when a bulletin states one and no other.

use std::ops::Range;

use loa_model::{Article, BlockKind, Passage, brief::Level};

use crate::{find, sentence::sentences, text::whole};

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

/// The level of risk: of headline and standfirst unless a higher one is stated below, else the only one of the article.
pub(crate) fn level(article: &Article, area: Option<&Passage>) -> Option<Level> {
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
    // A headline may be older than the text: it never makes a danger smaller.
    let worst = found.iter().filter_map(|(.., risk)| risk.rank).max();
    found.retain(|(head, ..)| *head || !heads);
    let (_, block, risk) = found.first()?;
    let agree = found.iter().all(|(_, _, other)| other.rank == risk.rank);
    let rank = risk.rank.filter(|rank| agree && worst == Some(*rank))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{area::area, tests::headed};

    #[test]
    fn one_level_or_none() {
        let check = |texts: &[&str], expected: Option<(u8, &str)>| {
            let found = level(&headed("Cảnh báo mưa lũ", texts), None);
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
        // The level of the part that the bulletin is about, and of the headline.
        let part = headed("Cảnh báo lũ quét tại Lào Cai", &["Rủi ro thiên tai cấp 3 tại Lào Cai."]);
        assert_eq!(level(&part, area(&part).as_ref()).unwrap().rank, 3);
        let first =
            headed("Cảnh báo lũ: Rủi ro thiên tai cấp 3", &["Xã Ẫng rủi ro thiên tai cấp 2."]);
        assert_eq!(level(&first, None).unwrap().rank, 3);
        let older = headed("Rủi ro thiên tai cấp 3", &["Đến 7 giờ là rủi ro thiên tai cấp 4."]);
        assert_eq!(level(&older, None), None, "a headline makes no danger smaller");
    }
}
