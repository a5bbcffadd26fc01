//! Steps of a procedure: all of them or none. A procedure that lacks a step is wrong.

use std::ops::{Range, RangeInclusive};

use loa_model::{Article, Block, BlockKind, Step};

use crate::{
    find,
    sentence::sentences,
    text::{trimmed, whole},
};

/// How many steps a procedure has.
const STEPS: RangeInclusive<usize> = 2..=12;
/// Fewest items of a list without “Bước”.
const FEWEST_ITEMS: usize = 3;

/// Words right before a list that make its items steps.
const ORDERED: [&str; 13] = [
    "các bước",
    "bước sau",
    "bước như sau",
    "trình tự sau",
    "trình tự như sau",
    "trình tự thực hiện",
    "quy trình sau",
    "quy trình như sau",
    "quy trình thực hiện",
    "các thao tác",
    "thao tác sau",
    "thao tác như sau",
    "lần lượt như sau",
];
/// Words that announce how something is done; the items must then tell the reader what to do.
const ANNOUNCED: [&str; 11] = [
    "thực hiện như sau",
    "làm như sau",
    "cách làm",
    "cách thực hiện",
    "cách thức",
    "hướng dẫn cách",
    "làm thế nào",
    "làm sao để",
    "cần làm gì",
    "các bước",
    "quy trình",
];
/// The same at the beginning of a headline.
const HEADS: [&str; 6] = ["cách", "hướng dẫn", "thủ tục", "các bước", "quy trình", "trình tự"];
/// Words right before a list whose items are no steps.
const OTHER_LISTS: [&str; 27] = [
    "đã",
    "giao các",
    "giao bộ",
    "chỉ đạo",
    "hồ sơ gồm",
    "hồ sơ bao gồm",
    "thành phần hồ sơ",
    "giấy tờ",
    "đối tượng",
    "điều kiện",
    "trường hợp",
    "nguyên tắc",
    "mức",
    "lưu ý",
    "nội dung sau",
    "nhiệm vụ",
    "giải pháp",
    "mục tiêu",
    "yêu cầu",
    "lợi ích",
    "ưu điểm",
    "hình thức",
    "một trong",
    "dự kiến",
    "đề xuất",
    "quyền",
    "hành vi",
];
/// What somebody who follows a procedure does.
const DOINGS: [&str; 44] = [
    "truy cập",
    "đăng nhập",
    "đăng ký",
    "đăng xuất",
    "chọn",
    "lựa chọn",
    "nhập",
    "điền",
    "nộp",
    "chuẩn bị",
    "kiểm tra",
    "nhận",
    "tải",
    "bấm",
    "nhấn",
    "mở",
    "quét",
    "xác nhận",
    "xác thực",
    "thanh toán",
    "gửi",
    "theo dõi",
    "đến",
    "mang",
    "ký",
    "khai",
    "kê khai",
    "cài đặt",
    "cài",
    "chụp",
    "soạn",
    "gọi",
    "vào",
    "liên hệ",
    "bật",
    "tắt",
    "xem",
    "in",
    "lưu",
    "đọc",
    "tìm",
    "tra cứu",
    "đối chiếu",
    "chờ",
];
/// Words before a colon that say nothing without what follows.
const DANGLING: [&str; 9] =
    ["sau", "sau đây", "gồm", "gồm có", "bao gồm", "là", "tại", "dưới đây", "lưu ý"];
/// Words that begin a condition: without what follows it is no step.
const CONDITIONS: [&str; 7] = ["nếu", "trường hợp", "khi", "đối với", "với", "riêng", "sau khi"];
const NUMERALS: [(&str, usize); 11] = [
    ("hai", 2),
    ("ba", 3),
    ("bốn", 4),
    ("năm", 5),
    ("sáu", 6),
    ("bảy", 7),
    ("tám", 8),
    ("chín", 9),
    ("mười", 10),
    ("mười một", 11),
    ("mười hai", 12),
];

/// The words of a step, without its number.
#[derive(Debug, Clone)]
struct Piece {
    block: usize,
    range: Range<usize>,
    /// Whether the article says more of it in blocks of their own.
    more: bool,
}

/// The steps of an article, in their order.
pub(crate) fn steps(article: &Article) -> Vec<Step> {
    let pieces = if speaks_of_numbered(article) { numbered(article) } else { listed(article) };
    let pieces = pieces
        .filter(|pieces| STEPS.contains(&pieces.len()) && says_so_many(article, pieces.len()));
    let steps = pieces.and_then(|pieces| pieces.iter().map(|piece| step(article, piece)).collect());
    steps.unwrap_or_default()
}

fn has_steps(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Heading)
}

/// “Bước 3” at the beginning: its number and where its words begin, if a mark stands behind it.
fn marker(text: &str) -> Option<(usize, Option<usize>)> {
    let word = find::opening(text, &["bước"])?;
    let rest = text.get(word..)?.strip_prefix(' ')?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number = rest.get(..digits)?.parse().ok()?;
    let rest = rest.get(digits..)?.trim_start();
    let behind = rest.strip_prefix([':', '.', '–', '-', '—', ')']);
    let behind = behind.filter(|behind| !behind.starts_with(|c: char| c.is_ascii_digit()));
    Some((number, behind.map(|behind| text.len() - behind.len())))
}

/// Places where a block or a sentence of it begins with “Bước” and a number.
fn markers(block: &Block) -> Vec<(usize, usize, Option<usize>)> {
    let mut starts: Vec<usize> = sentences(&block.text).into_iter().map(|r| r.start).collect();
    starts.insert(0, 0);
    starts.dedup();
    let found = starts.into_iter().filter_map(|at| {
        let (number, words) = marker(block.text.get(at..)?)?;
        Some((at, number, words.map(|words| at + words)))
    });
    found.collect()
}

fn speaks_of_numbered(article: &Article) -> bool {
    article.blocks.iter().any(|b| has_steps(b.kind) && !markers(b).is_empty())
}

fn numbered(article: &Article) -> Option<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, block) in article.blocks.iter().enumerate() {
        let found = if has_steps(block.kind) { markers(block) } else { Vec::new() };
        let last_step = find::opening(&block.text, &["bước cuối", "bước tiếp", "bước kế"]);
        if last_step.is_some() && has_steps(block.kind) {
            return None;
        }
        let ends = found.iter().skip(1).map(|(at, ..)| *at).chain([block.text.len()]);
        for ((_, number, words), end) in found.iter().zip(ends) {
            if *number != pieces.len() + 1 {
                return None;
            }
            pieces.push(Piece { block: index, range: (*words)?..end, more: false });
        }
        if found.is_empty()
            && block.kind != BlockKind::Caption
            && let Some(last) = pieces.last_mut()
        {
            last.more = true;
        }
    }
    // What stands behind the last step may be about anything.
    if let Some(last) = pieces.last_mut() {
        last.more = false;
    }
    let mentioned = |block: &Block| {
        find::places(&block.text, "bước")
            .filter_map(|at| marker(block.text.get(at.start..)?))
            .all(|(number, _)| number <= pieces.len())
    };
    article.blocks.iter().all(mentioned).then_some(pieces)
}

/// Whether every “4 bước”, “bốn bước” of the article is the number found.
fn says_so_many(article: &Article, count: usize) -> bool {
    article.blocks.iter().all(|block| {
        find::places(&block.text, "bước").all(|at| {
            let before = block.text.get(..at.start).unwrap_or_default().trim_end();
            let digits = before.rsplit(' ').next().and_then(|word| word.parse().ok());
            let word = NUMERALS
                .iter()
                .filter_map(|(word, n)| find::ending(before, &[*word]).map(|start| (start, *n)))
                .min();
            let factor = |start: usize| {
                let before = before.get(..start).unwrap_or_default().trim_end();
                find::ending(before, &["xác thực", "xác minh", "bảo mật"]).is_some()
            };
            let said = match (digits, word) {
                (Some(n), _) => Some((n, before.rfind(' ').map_or(0, |at| at + 1))),
                (None, Some((start, n))) => Some((n, start)),
                (None, None) => None,
            };
            said.is_none_or(|(n, start)| n == count || !STEPS.contains(&n) || factor(start))
        })
    })
}

/// The only list of the article that is announced as a procedure.
fn listed(article: &Article) -> Option<Vec<Piece>> {
    let mut found: Vec<Vec<Piece>> = Vec::new();
    let mut at = 0;
    while at < article.blocks.len() {
        let items: Vec<(usize, &Block)> = article
            .blocks
            .iter()
            .enumerate()
            .skip(at)
            .take_while(|(_, block)| block.kind == BlockKind::ListItem)
            .collect();
        if items.len() >= FEWEST_ITEMS && announced(article, at, &items) {
            found.push(pieces(&items)?);
        }
        at += items.len().max(1);
    }
    // Two procedures in one article: which one is meant nobody knows.
    let first = found.pop()?;
    found.is_empty().then_some(first)
}

fn announced(article: &Article, first: usize, items: &[(usize, &Block)]) -> bool {
    let before = article.blocks.iter().take(first).rev().find(|b| b.kind != BlockKind::Caption);
    let lead = before
        .filter(|b| matches!(b.kind, BlockKind::Paragraph | BlockKind::Heading))
        .map_or("", |b| {
            let last = sentences(&b.text).pop().unwrap_or_default();
            b.text.get(last).unwrap_or_default()
        });
    let heads = before.is_some_and(|b| b.kind == BlockKind::Heading);
    if find::says(lead, &OTHER_LISTS) || !(heads || lead.ends_with(':')) {
        return false;
    }
    if find::says(lead, &ORDERED) {
        return true;
    }
    let does = |(_, block): &(usize, &Block)| {
        let words = ordinal(&block.text).map_or(0, |(_, at)| at);
        block.text.get(words..).is_some_and(|text| find::opening(text, &DOINGS).is_some())
    };
    let title = article.title();
    let head = find::opening(title, &HEADS).is_some()
        || find::says(title, &ANNOUNCED)
        || find::says(article.sapo(), &ANNOUNCED);
    (head || find::says(lead, &ANNOUNCED)) && items.iter().all(does)
}

/// “2. ”, “2) ” in front of an item: its number and where its words begin.
fn ordinal(text: &str) -> Option<(usize, usize)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = text.get(..text.len() - rest.len())?.parse().ok()?;
    let words = rest.strip_prefix(['.', ')'])?.strip_prefix(' ')?;
    Some((number, text.len() - words.len()))
}

fn pieces(items: &[(usize, &Block)]) -> Option<Vec<Piece>> {
    let numbers: Vec<_> = items.iter().map(|(_, block)| ordinal(&block.text)).collect();
    let none = numbers.iter().all(Option::is_none);
    let all = numbers.iter().enumerate().all(|(i, o)| o.is_some_and(|(n, _)| n == i + 1));
    let piece = |((block, b), number): (&(usize, &Block), &Option<(usize, usize)>)| Piece {
        block: *block,
        range: number.map_or(0, |(_, words)| words)..b.text.len(),
        more: false,
    };
    // A sub-item is no step of its own.
    let plain = items.iter().all(|(_, b)| !b.text.starts_with(['+', '-', '–', '•', '*']));
    ((none || all) && plain).then(|| items.iter().zip(&numbers).map(piece).collect())
}

fn step(article: &Article, piece: &Piece) -> Option<Step> {
    let text = article.blocks.get(piece.block)?.text.as_str();
    let all = find::bare(text, piece.range.clone());
    let words = text.get(all.clone())?;
    // A list that follows belongs to the step and would be missing.
    if words.ends_with(':') {
        return None;
    }
    let first = sentences(words).into_iter().next()?.end;
    let split = words.match_indices(':').map(|(at, _)| at).find(|at| {
        let title = words.get(..*at).unwrap_or_default();
        let rest = words.get(at + 1..).unwrap_or_default();
        *at < first
            && rest.starts_with(' ')
            && title.matches('(').count() == title.matches(')').count()
            && title.matches('“').count() == title.matches('”').count()
            && find::ending(title, &DANGLING).is_none()
            && find::opening(title, &CONDITIONS).is_none()
    });
    let (title, rest) = split.map_or((first, first), |at| (at, at + 1));
    let mut kept = words.get(..title)?.trim_end();
    if !kept.ends_with("v.v.") && !kept.ends_with("...") {
        kept = kept.trim_end_matches("./.").trim_end_matches(['.', ';', ',', ':']).trim_end();
    }
    if !kept.contains(char::is_alphabetic) {
        return None;
    }
    let text = find::bare(text, all.start + rest..all.end);
    let says = words.get(rest..)?.contains(char::is_alphanumeric) && !piece.more;
    Some(Step {
        title: whole(article, piece.block, &(all.start..all.start + kept.len())),
        text: says.then(|| trimmed(article, piece.block, &text)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{article, block};

    fn check(blocks: &[(BlockKind, &str)], expected: &[(&str, &str)]) {
        let article = article(blocks.iter().map(|(kind, text)| block(*kind, text)).collect());
        let steps = steps(&article);
        let faithful = |s: &Step| {
            s.title.is_faithful(&article) && s.text.iter().all(|t| t.is_faithful(&article))
        };
        assert!(steps.iter().all(faithful));
        let shown: Vec<_> = steps
            .iter()
            .map(|s| (s.title.text.as_str(), s.text.as_ref().map_or("", |t| t.text.as_str())))
            .collect();
        assert_eq!(shown, expected);
    }

    use BlockKind::{Heading, ListItem, Paragraph, Title};

    #[test]
    fn numbered_steps() {
        check(
            &[
                (Title, "Hướng dẫn cấp đổi giấy phép lái xe"),
                (Paragraph, "Bước 1: Chuẩn bị hồ sơ. Hồ sơ gồm ảnh thẻ và giấy khám sức khỏe."),
                (Paragraph, "Bước 2. Nộp hồ sơ: qua Cổng Dịch vụ công quốc gia hoặc tại xã;"),
                (Paragraph, "BƯỚC 3 – Nhận kết quả sau 05 ngày làm việc./."),
            ],
            &[
                ("Chuẩn bị hồ sơ", "Hồ sơ gồm ảnh thẻ và giấy khám sức khỏe."),
                ("Nộp hồ sơ", "qua Cổng Dịch vụ công quốc gia hoặc tại xã"),
                ("Nhận kết quả sau 05 ngày làm việc", ""),
            ],
        );
        check(
            &[
                (Paragraph, "Bước 1: Nếu có tài khoản: đăng nhập. Nếu chưa: đăng ký."),
                (Paragraph, "Bước 2: Ký số."),
            ],
            &[("Nếu có tài khoản: đăng nhập", "Nếu chưa: đăng ký."), ("Ký số", "")],
        );
        // In one paragraph, and a step whose rest stands in blocks of its own keeps its title only.
        check(
            &[(Title, "A"), (Paragraph, "Cách làm: Bước 1: Mở ứng dụng. Bước 2: Quét mã ẫ.")],
            &[],
        );
        check(
            &[(Title, "A"), (Paragraph, "Làm thế này. Bước 1: Mở ứng dụng. Bước 2: Quét mã ẫ.")],
            &[("Mở ứng dụng", ""), ("Quét mã ẫ", "")],
        );
        check(
            &[
                (Heading, "Bước 1: Đăng nhập"),
                (Paragraph, "Vào địa chỉ https://dichvucong.example."),
                (Heading, "Bước 2: Nộp tờ khai. Có thể nộp lúc 7:30."),
            ],
            &[("Đăng nhập", ""), ("Nộp tờ khai", "Có thể nộp lúc 7:30.")],
        );
    }

    #[test]
    fn all_of_them_or_none() {
        let none = |texts: &[&str]| {
            check(&texts.iter().map(|text| (Paragraph, *text)).collect::<Vec<_>>(), &[]);
        };
        none(&["Bước 1: Chuẩn bị.", "Bước 3: Nhận."]);
        none(&["Bước 2: Nộp.", "Bước 3: Nhận."]);
        none(&["Bước 1: Chuẩn bị."]);
        none(&["Bước 1: Một.", "Bước 2: Hai.", "Bước 1: Một.", "Bước 2: Hai."]);
        none(&["Bước 1: Chuẩn bị.", "Bước 2: Nộp.", "Bước 3 cán bộ trả kết quả."]);
        none(&["Bước 1: Chuẩn bị.", "Bước 2: Nộp.", "Nếu bị trả lại, xem bước 3."]);
        none(&["Bước 1: Chuẩn bị.", "Bước 2: Nộp.", "Bước cuối cùng: Nhận."]);
        none(&["Bước 1: Chuẩn bị hồ sơ gồm:", "Bước 2: Nộp."]);
        none(&["Bước 1: Chuẩn bị.", "Bước 1.1: Chụp ảnh.", "Bước 2: Nộp."]);
        none(&["Thủ tục có ba bước.", "Bước 1: Chuẩn bị.", "Bước 2: Nộp."]);
        none(&["Thủ tục có 4 bước.", "Bước 1: Chuẩn bị.", "Bước 2: Nộp."]);
        let pair = ["Bật xác thực ba bước.", "Bước 1: Chuẩn bị.", "Bước 2: Nộp."];
        check(&pair.map(|text| (Paragraph, text)), &[("Chuẩn bị", ""), ("Nộp", "")]);
    }

    #[test]
    fn announced_lists() {
        let list = |title: &'static str, lead: &'static str, items: &[&'static str]| {
            let mut blocks = vec![(Title, title), (Paragraph, lead)];
            blocks.extend(items.iter().map(|item| (ListItem, *item)));
            blocks.push((Paragraph, "Thông tin chi tiết có trên cổng."));
            blocks
        };
        let items = ["Truy cập Cổng Dịch vụ công;", "Điền tờ khai: họ tên, nơi ở;", "Nộp lệ phí."];
        let found = [
            ("Truy cập Cổng Dịch vụ công", ""),
            ("Điền tờ khai", "họ tên, nơi ở"),
            ("Nộp lệ phí", ""),
        ];
        check(&list("Cách nộp thuế qua điện thoại", "Người dân làm như sau:", &items), &found);
        check(&list("Tin", "Việc đăng ký theo các bước sau:", &items), &found);
        let numbered = ["1. Truy cập cổng.", "2. Chọn thủ tục.", "3. Ký số."];
        check(
            &list("Cách đăng ký khai sinh", "Các bước:", &numbered),
            &[("Truy cập cổng", ""), ("Chọn thủ tục", ""), ("Ký số", "")],
        );
        // Two procedures: which one is meant?
        let mut two = list("Cách nộp thuế", "Trên điện thoại, các bước:", &items);
        two.extend(list("", "Trên máy tính, các bước:", &items).into_iter().skip(1));
        check(&two, &[]);
        // No procedure: amounts, papers, orders to offices, a gap in the numbers, items under items.
        let amounts =
            ["Hộ nghèo 30 triệu đồng;", "Hộ cận nghèo 20 triệu đồng;", "Hộ khác 10 triệu đồng."];
        check(&list("Hướng dẫn hỗ trợ", "Mức hỗ trợ thực hiện như sau:", &amounts), &[]);
        check(&list("Hướng dẫn hỗ trợ", "Thực hiện như sau:", &amounts), &[]);
        let papers = ["Tờ khai;", "Ảnh thẻ;", "Căn cước."];
        check(&list("Thủ tục cấp hộ chiếu", "Hồ sơ gồm:", &papers), &[]);
        let orders = ["Rà soát thủ tục;", "Trình Chính phủ;", "Hoàn thiện dữ liệu."];
        check(&list("Thủ tục phải gọn", "Thủ tướng giao các bộ:", &orders), &[]);
        check(&list("Tin", "Thủ tướng giao các bộ theo quy trình sau:", &orders), &[]);
        check(&list("Tin", "Tỉnh đã làm xong các bước:", &orders), &[]);
        check(&list("Cách làm", "Các bước:", &["1. Mở.", "3. Chọn.", "4. Ký."]), &[]);
        check(&list("Cách làm", "Các bước:", &["Mở máy:", "- Bấm nút.", "Ký."]), &[]);
        check(&list("Cách làm", "Có 4 bước sau:", &items), &[]);
        check(&list("Tin", "Danh sách:", &items), &[]);
    }
}
