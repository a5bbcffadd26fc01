//! Sentences that tell people what to do in an emergency, and only those that do.

use std::ops::Range;

use loa_model::{Article, BlockKind, Passage};

use crate::{
    alone, find,
    sentence::sentences,
    text::{Sentence, trimmed},
};

/// Most actions of a bulletin.
const MOST: usize = 5;
/// Who is told.
const PEOPLE: [&str; 17] = [
    "người dân",
    "mọi người dân",
    "bà con",
    "nhân dân",
    "mọi người",
    "các hộ dân",
    "hộ dân",
    "các gia đình",
    "người đi đường",
    "người tham gia giao thông",
    "ngư dân",
    "tàu thuyền",
    "các tàu thuyền",
    "chủ tàu thuyền",
    "chủ phương tiện",
    "du khách",
    "phụ huynh",
];
/// What people “phải” do; “phải sơ tán” may be a report.
const DUTIES: [&str; 9] = [
    "tuyệt đối",
    "chấp hành",
    "tuân thủ",
    "cảnh giác",
    "bình tĩnh",
    "lưu ý",
    "chú ý",
    "đề phòng",
    "thực hiện",
];
/// What forbids. “Không” alone is not: “không liên lạc được” is a report.
const FORBIDDEN: [&str; 17] = [
    "tuyệt đối không",
    "không nên",
    "không được ra",
    "không được đi",
    "không được đến",
    "không được vào",
    "không được ở lại",
    "không được quay",
    "không được vượt",
    "không được rời",
    "không được neo",
    "không được tự ý",
    "không được chủ quan",
    "không được sử dụng",
    "không được đánh bắt",
    "không được lội",
    "không được đốt",
];
/// “cần được hỗ trợ” is a need and “không được hỗ trợ” a refusal.
const NOT_TOLD: [&str; 13] = [
    "hãy cùng",
    "hãy xem",
    "hãy đọc",
    "hãy để",
    "cần được",
    "không cần",
    "không phải",
    "không còn",
    "không thể",
    "không kịp",
    "không bị",
    "không may",
    "không biết",
];
/// Words that count who or how long.
const AMOUNTS: [&str; 6] = ["suốt", "nhiều", "hàng chục", "hàng trăm", "hàng nghìn", "tàu"];
/// Words of a report.
const REPORTS: [&str; 5] = ["đã", "đang", "vừa", "từng", "sẽ"];
/// Words that begin a condition: inside it anything may be the case.
const CONDITIONS: [&str; 5] = ["khi", "nếu", "nơi", "lúc", "để"];
/// Who warns: what follows tells.
const WARNS: [&str; 8] =
    ["khuyến cáo", "đề nghị", "kêu gọi", "yêu cầu", "khuyên", "lưu ý", "nhắc", "khuyến nghị"];
/// Openings that can only be orders.
const ORDERS: [&str; 24] = [
    "hãy",
    "tuyệt đối không",
    "không đi",
    "không ra",
    "không vượt",
    "không lại gần",
    "không đến gần",
    "không tự ý",
    "không vớt",
    "không chạm",
    "không trú",
    "không neo",
    "không ở lại",
    "không dừng",
    "không đánh bắt",
    "không chủ quan",
    "không sử dụng",
    "không cho trẻ",
    "không để trẻ",
    "không đốt",
    "không lội",
    "không bơi",
    "gọi ngay",
    "gọi số",
];
/// Openings of items of a list that the reader is to do.
const DOINGS: [&str; 30] = [
    "chủ động",
    "khẩn trương",
    "sơ tán",
    "di dời",
    "theo dõi",
    "thường xuyên theo dõi",
    "chuẩn bị",
    "dự trữ",
    "chằng chống",
    "gia cố",
    "tránh",
    "hạn chế",
    "rời",
    "rời khỏi",
    "nhanh chóng",
    "cắt điện",
    "ngắt",
    "tắt",
    "ở trong nhà",
    "đưa",
    "kê cao",
    "kiểm tra",
    "quan sát",
    "báo ngay",
    "gọi",
    "mang",
    "giữ",
    "tìm",
    "đóng",
    "sạc",
];
/// What else somebody “cần” or “nên” do; what they need (“cần nước sạch”) is not here.
const CAREFUL: [&str; 23] = [
    "tuyệt đối",
    "không",
    "hết sức",
    "lập tức",
    "ngay lập tức",
    "lưu ý",
    "chú ý",
    "thực hiện",
    "tuân thủ",
    "chấp hành",
    "bình tĩnh",
    "cảnh giác",
    "nâng cao",
    "đề phòng",
    "phòng tránh",
    "thường xuyên",
    "liên hệ",
    "che chắn",
    "di chuyển",
    "neo đậu",
    "bảo vệ",
    "thu hoạch",
    "vào bờ",
];
/// Offices: what they are told is not for everybody.
const OFFICES: [&str; 20] = [
    "địa phương",
    "các địa phương",
    "ubnd",
    "ủy ban",
    "chủ tịch",
    "các bộ",
    "bộ trưởng",
    "bộ công an",
    "bộ quốc phòng",
    "bộ nông nghiệp",
    "bộ xây dựng",
    "bộ y tế",
    "sở",
    "các sở",
    "ban chỉ huy",
    "ban chỉ đạo",
    "lực lượng",
    "quân khu",
    "cơ quan",
    "đơn vị",
];
/// Words of a line before a list that make it a list of what to do.
const ADVISES: [&str; 9] = [
    "khuyến cáo",
    "cần làm",
    "cần thực hiện",
    "cần lưu ý",
    "biện pháp an toàn",
    "kỹ năng",
    "việc cần làm",
    "cần",
    "nên",
];

/// What people are told to do: first what is said to everybody, then what is asked of offices.
pub(crate) fn actions(article: &Article, body: &[Sentence]) -> Vec<Passage> {
    let mut people: Vec<Passage> = Vec::new();
    let mut offices: Vec<Passage> = Vec::new();
    for sentence in body {
        let Some(kind) = article.blocks.get(sentence.block).map(|b| b.kind) else { continue };
        if !matches!(kind, BlockKind::Paragraph | BlockKind::ListItem) {
            continue;
        }
        let passage = trimmed(article, sentence.block, &sentence.range);
        let list = kind == BlockKind::ListItem && advises(lead(article, sentence.block));
        let known = people.iter().chain(&offices).any(|p| p.text == passage.text);
        if known || !may_be_shown(&passage.text) {
            continue;
        }
        // Items under an order to offices are theirs.
        let theirs =
            kind == BlockKind::ListItem && find::says(lead(article, sentence.block), &OFFICES);
        if tells_people(&passage.text) && !theirs || list && begins_doing(&passage.text) {
            people.push(passage);
        } else if tells_offices(&passage.text) {
            offices.push(passage);
        }
    }
    people.append(&mut offices);
    people.truncate(MOST);
    people
}

/// The last sentence before the list that this block is an item of.
fn lead(article: &Article, block: usize) -> &str {
    let kinds = [BlockKind::ListItem, BlockKind::Caption];
    let before = article.blocks.iter().take(block).rev().find(|b| !kinds.contains(&b.kind));
    let lead = before.filter(|b| matches!(b.kind, BlockKind::Paragraph | BlockKind::Heading));
    lead.and_then(|b| b.text.get(sentences(&b.text).pop()?)).unwrap_or_default()
}

fn advises(lead: &str) -> bool {
    find::says(lead, &PEOPLE) && find::says(lead, &ADVISES) && !find::says(lead, &OFFICES)
}

fn may_be_shown(text: &str) -> bool {
    let count = text.split_whitespace().count();
    (3..=50).contains(&count)
        && alone::is_whole(text)
        && alone::stands(text)
        && !text.contains(['“', '"', '?'])
        && !is_statement(text)
}

/// “Chủ động phòng tránh là yếu tố hàng đầu” tells nobody to do anything.
fn is_statement(text: &str) -> bool {
    find::places(text, "là").any(|at| {
        let before = text.get(..at.start).unwrap_or_default().trim_end();
        find::ending(before, &["nhất", "đặc biệt", "hoặc", "nghĩa"]).is_none()
    })
}

fn reports(text: &str) -> bool {
    let condition = CONDITIONS.iter().filter_map(|w| find::places(text, w).next()).map(|r| r.start);
    let told = text.get(..condition.min().unwrap_or(text.len())).unwrap_or_default();
    find::says(text, &NOT_TOLD) || find::says(told, &REPORTS)
}

fn does(text: &str) -> bool {
    find::opening(text, &DOINGS).or_else(|| find::opening(text, &CAREFUL)).is_some()
}

fn tells_people(text: &str) -> bool {
    if find::opening(text, &ORDERS).is_some() {
        // "Không ra khơi nhiều ngày, ngư dân gặp khó": who does not stands behind.
        let forbids = find::opening(text, &["không"]).is_some();
        let about = find::says(text, &PEOPLE) || find::says(text, &AMOUNTS);
        return !(reports(text) || forbids && about);
    }
    PEOPLE.iter().flat_map(|who| find::places(text, who)).any(|who| {
        let before = text.get(..who.start).unwrap_or_default().trim_end();
        let clause = text.get(who.end..).unwrap_or_default();
        let warned = find::ending(before, &WARNS).is_some() && !reports(before);
        let conditional = before.ends_with(',') && find::opening(before, &CONDITIONS).is_some();
        // "5.000 người dân cần …", "nhiều người dân phải …" count people.
        if !(before.is_empty() || warned || conditional) || reports(clause) {
            return false;
        }
        let words = clause.trim_start();
        let after = |end: usize| clause.get(end..).unwrap_or_default().trim_start();
        let needs = |word: Range<usize>| {
            let near = clause.get(..word.start).unwrap_or_default().split(' ').count() <= 12;
            near && does(after(word.end))
        };
        let must = |word: Range<usize>| find::opening(after(word.end), &DUTIES).is_some();
        // "chủ quan nên không sơ tán" gives a reason.
        let should = find::opening(words, &["nên"]).and_then(|end| words.get(end..));
        let told = ["cần", "hãy"].iter().flat_map(|word| find::places(clause, word)).any(needs)
            || find::places(clause, "phải").any(must)
            || should.is_some_and(|rest| does(rest.trim_start()));
        told || find::opening(words, &FORBIDDEN).is_some() || (warned && does(words))
    })
}

fn begins_doing(text: &str) -> bool {
    !reports(text) && find::opening(text, &DOINGS).is_some()
}

/// An order to offices, with who gives or gets it: “yêu cầu các địa phương khẩn trương …”.
fn tells_offices(text: &str) -> bool {
    const URGENT: [&str; 5] = ["khẩn trương", "chủ động", "sơ tán", "tuyệt đối không", "di dời"];
    let ordered =
        ["yêu cầu", "đề nghị"].into_iter().flat_map(|w| find::places(text, w)).any(|at| {
            let rest = text.get(at.end..).unwrap_or_default().trim_start();
            find::opening(rest, &OFFICES).is_some()
        });
    ordered && find::says(text, &URGENT) && !reports(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tests::{article, block},
        text::body_sentences,
    };

    fn check(blocks: &[(BlockKind, &str)], expected: &[&str]) {
        let article = article(blocks.iter().map(|(kind, text)| block(*kind, text)).collect());
        let found = actions(&article, &body_sentences(&article));
        assert!(found.iter().all(|p| p.is_faithful(&article)));
        let shown: Vec<_> = found.iter().map(|p| p.text.as_str()).collect();
        assert_eq!(shown, expected);
    }

    use BlockKind::{ListItem, Paragraph};

    #[test]
    fn what_people_are_told() {
        for text in [
            "Người dân cần khẩn trương rời khỏi vùng trũng thấp.",
            "Cơ quan khí tượng khuyến cáo người dân không ra khỏi nhà khi có dông.",
            "Tuyệt đối không đi qua ngầm, tràn khi nước lũ lên cao.",
            "Không vớt củi trên sông, suối.",
            "Hãy gọi 112 khi cần cứu nạn.",
            "Khi lũ đang lên, người dân cần di chuyển đến nơi cao.",
            "Không đi qua ngầm khi nước đang chảy xiết.",
            "Người dân vùng hạ lưu sông Ẫng phải tuyệt đối chấp hành lệnh cấm.",
            "Ngành điện đề nghị bà con cắt điện ở những nơi đang ngập.",
            "Tàu thuyền không được ra khơi từ trưa nay, nhất là tàu nhỏ.",
            "Thủ tướng yêu cầu các địa phương khẩn trương sơ tán dân khỏi vùng sạt lở.",
        ] {
            check(&[(Paragraph, text)], &[text]);
        }
    }

    #[test]
    fn what_only_sounds_so() {
        for text in [
            "Không có thiệt hại về người.",
            "Hàng trăm người dân phải sơ tán trong đêm.",
            "Hơn 5.000 người dân cần sơ tán khỏi vùng lũ.",
            "Người dân cần được hỗ trợ lương thực.",
            "Người dân không được hỗ trợ nếu xây trái phép.",
            "Người dân đã chủ động chằng chống nhà cửa.",
            "Người dân không cần lo lắng về giá gạo.",
            "Chủ động phòng ngừa là yếu tố hàng đầu.",
            "Lực lượng công an khẩn trương tìm kiếm người mất tích.",
            "Chủ động bố trí lực lượng, phương tiện.",
            "Tại đây, người dân cần rời đi ngay.",
            "Người dân cần di dời đã được đưa đến trường học.",
            "Người dân cần di dời là 500 hộ.",
            "Không ra khơi nhiều ngày, ngư dân gặp khó.",
            "Không ra khơi, hàng trăm phương tiện nằm bờ.",
            "Hãy cùng xem toàn cảnh trận lũ.",
            "Bà con cần nước sạch, mì tôm.",
            "Người dân phải bỏ nhà chạy lũ.",
            "Người dân xã Ẫng phải khẩn trương sơ tán.",
            "Người dân chủ quan nên không sơ tán.",
            "Bà con khẩn trương thu hoạch lúa trước bão.",
            "Tàu thuyền không liên lạc được với đất liền.",
            "Người dân không được tiếp cận nước sạch.",
            "Tỉnh đã khuyến cáo người dân không ra biển.",
            "Ông Lê Ẫn nói: “Người dân cần sơ tán ngay.”",
        ] {
            check(&[(Paragraph, text)], &[]);
        }
    }

    #[test]
    fn lists_are_for_those_they_name() {
        let items =
            [(ListItem, "Chuẩn bị đèn pin, nước uống;"), (ListItem, "Không lội qua suối ẫ;")];
        let mut blocks = vec![(Paragraph, "Để bảo đảm an toàn, người dân cần:")];
        blocks.extend(items);
        check(&blocks, &["Chuẩn bị đèn pin, nước uống", "Không lội qua suối ẫ"]);
        let mut blocks =
            vec![(Paragraph, "Thủ tướng yêu cầu Chủ tịch UBND tỉnh vì người dân cần:")];
        blocks.extend(items);
        check(&blocks, &[]);
    }

    #[test]
    fn people_first_and_five_at_most() {
        let order = "Thủ tướng yêu cầu các địa phương khẩn trương sơ tán dân.";
        let told = ["Hãy ở nhà, một.", "Hãy ở nhà, hai.", "Hãy ở nhà, ba.", "Hãy ở nhà, bốn."];
        let mut blocks = vec![(Paragraph, order)];
        blocks.extend(told.map(|text| (Paragraph, text)));
        blocks.push((Paragraph, told[0]));
        check(&blocks, &[told[0], told[1], told[2], told[3], order]);
    }
}
