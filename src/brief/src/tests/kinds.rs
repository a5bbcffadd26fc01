//! A whole article of each kind of story.

use super::*;
use BlockKind::{Heading, ListItem, Paragraph, Sapo, TableRow, Title};

/// Words of passages, for whole articles.
fn words<'a>(passages: impl IntoIterator<Item = &'a Passage>) -> Vec<&'a str> {
    passages.into_iter().map(|p| p.text.as_str()).collect()
}

/// The brief of an article, every passage of which must be the article's.
fn brief_of(blocks: &[(BlockKind, &str)]) -> Brief {
    let article = article(blocks.iter().map(|(kind, text)| block(*kind, text)).collect());
    let brief = extract(&article, &ids());
    assert_eq!(brief.unfaithful(&article), Vec::<&Passage>::new());
    brief
}

#[test]
fn a_procedure() {
    let brief = brief_of(&[
        (Title, "Hướng dẫn nộp hồ sơ đăng ký khai sinh qua mạng"),
        (
            Sapo,
            "Người dân có thể đăng ký khai sinh cho con ngay tại nhà với bốn bước trên Cổng Dịch vụ công.",
        ),
        (
            Paragraph,
            "(Minh Họa) - Từ tháng 11, cha mẹ không phải đến trụ sở xã để nộp tờ khai bằng giấy.",
        ),
        (Heading, "Các bước thực hiện"),
        (
            Paragraph,
            "Bước 1: Đăng nhập Cổng Dịch vụ công quốc gia bằng tài khoản định danh điện tử mức độ 2.",
        ),
        (
            Paragraph,
            "Bước 2: Chọn thủ tục “Đăng ký khai sinh”. Người nộp kiểm tra nơi cư trú của trẻ trước khi bấm tiếp.",
        ),
        (
            Paragraph,
            "Bước 3: Điền tờ khai và tải giấy tờ lên: giấy chứng sinh, căn cước của cha mẹ;",
        ),
        (Paragraph, "Bước 4: Nhận kết quả trong 03 ngày làm việc./."),
    ]);
    assert_eq!(brief.story, StoryKind::HowTo);
    let shown: Vec<_> = brief
        .steps
        .iter()
        .map(|s| (s.title.text.as_str(), s.text.as_ref().map(|t| t.text.as_str())))
        .collect();
    assert_eq!(
        shown,
        [
            (
                "Đăng nhập Cổng Dịch vụ công quốc gia bằng tài khoản định danh điện tử mức độ 2",
                None
            ),
            (
                "Chọn thủ tục “Đăng ký khai sinh”",
                Some("Người nộp kiểm tra nơi cư trú của trẻ trước khi bấm tiếp.")
            ),
            ("Điền tờ khai và tải giấy tờ lên", Some("giấy chứng sinh, căn cước của cha mẹ")),
            ("Nhận kết quả trong 03 ngày làm việc", None),
        ]
    );
    assert!(brief.table.is_none() && brief.bulletin.is_none() && brief.correction.is_none());
}

#[test]
fn a_line_of_time() {
    let brief = brief_of(&[
        (Title, "Những dấu mốc của cây cầu qua sông Ẫng"),
        (Sapo, "Sau gần ba năm thi công, cầu Mường Ẫng sắp đưa vào sử dụng."),
        (
            Paragraph,
            "Dự án được HĐND tỉnh thông qua chủ trương ngày 12/12/2023 với tổng vốn gần 850 tỷ đồng.",
        ),
        (
            Paragraph,
            "Ngày 15/3/2024, UBND tỉnh phát lệnh khởi công. Sau đó, ngày 2/4/2024 máy móc được đưa đến.",
        ),
        (ListItem, "20/9/2025: hợp long nhịp chính;"),
        (ListItem, "Ngày 1 tháng 11 năm 2026, tại hai đầu cầu, đơn vị thi công thử tải."),
        (
            Paragraph,
            "Việc thu phí theo Nghị định 42/2022/NĐ-CP ngày 24/6/2022 của Chính phủ chưa được đặt ra.",
        ),
    ]);
    assert_eq!(brief.story, StoryKind::Timeline);
    let shown: Vec<_> =
        brief.events.iter().map(|e| (e.date.text.as_str(), e.text.text.as_str())).collect();
    assert_eq!(
        shown,
        [
            (
                "12/12/2023",
                "Dự án được HĐND tỉnh thông qua chủ trương ngày 12/12/2023 với tổng vốn gần 850 tỷ đồng."
            ),
            ("15/3/2024", "UBND tỉnh phát lệnh khởi công."),
            ("20/9/2025", "hợp long nhịp chính"),
            (
                "1 tháng 11 năm 2026",
                "Ngày 1 tháng 11 năm 2026, tại hai đầu cầu, đơn vị thi công thử tải."
            ),
        ]
    );
    let doc = &brief.legal_docs[0];
    assert_eq!(
        words(doc.name.iter().chain(&doc.issuer).chain(&doc.date)),
        ["Nghị định", "Chính phủ", "24/6/2022"]
    );
    assert_eq!(words(brief.dates.iter().flat_map(|d| &d.words))[0], "12/12/2023");
}

#[test]
fn a_comparison() {
    let brief = brief_of(&[
        (Title, "So sánh mức lương tối thiểu vùng trước và sau điều chỉnh"),
        (Sapo, "Lương tối thiểu của bốn vùng tăng bình quân 7,2%."),
        (Paragraph, "Mức lương tối thiểu tháng của từng vùng như sau."),
        (TableRow, "\tHiện nay\tTừ ngày 01/01/2027"),
        (TableRow, "Vùng I\t4.960.000 đồng\t5.310.000 đồng"),
        (TableRow, "Vùng II\t4.410.000 đồng\t4.730.000 đồng"),
        (TableRow, "Vùng III\t3.860.000 đồng\t4.140.000 đồng"),
        (Paragraph, "Doanh nghiệp không được trả lương thấp hơn mức của vùng."),
    ]);
    assert_eq!(brief.story, StoryKind::Comparison);
    let table = brief.table.unwrap();
    assert_eq!(words(&table.columns), ["", "Hiện nay", "Từ ngày 01/01/2027"]);
    assert_eq!(table.rows.len(), 3);
    assert_eq!(words(&table.rows[2]), ["Vùng III", "3.860.000 đồng", "4.140.000 đồng"]);
}

#[test]
fn an_emergency_bulletin() {
    let brief = brief_of(&[
        (Title, "Cảnh báo lũ quét, sạt lở đất khu vực tỉnh Lào Cai"),
        (
            Sapo,
            "Mưa lớn kéo dài, đất đã bão hòa nước. Cấp độ rủi ro thiên tai do lũ quét, sạt lở đất: cấp 2.",
        ),
        (Paragraph, "Đến 7 giờ ngày 16/11, mưa lũ đã làm 112 người bị thương, gió cấp 5."),
        (
            Paragraph,
            "Người dân cần rời ngay khỏi chân đồi, taluy và ven suối. Tuyệt đối không đi qua ngầm, tràn khi nước chảy xiết.",
        ),
        (Paragraph, "Khi sơ tán, người dân cần:"),
        (ListItem, "Mang theo giấy tờ, thuốc men, đèn pin;"),
        (ListItem, "Giữ liên lạc với trưởng bản."),
        (
            Paragraph,
            "Lực lượng chức năng đã gọi 113 hộ ra khỏi vùng nguy hiểm. Khi cần cứu nạn, gọi 112. Đường dây nóng Ban Chỉ huy tỉnh: 0214.384.0112.",
        ),
        (Paragraph, "Bản tin có giá trị đến 19 giờ ngày 17/11/2026."),
    ]);
    assert_eq!(brief.story, StoryKind::Alert);
    let bulletin = brief.bulletin.unwrap();
    let level = bulletin.level.unwrap();
    assert_eq!(
        (level.rank, level.words.text.as_str()),
        (2, "Cấp độ rủi ro thiên tai do lũ quét, sạt lở đất: cấp 2")
    );
    assert_eq!(bulletin.area.unwrap().text, "khu vực tỉnh Lào Cai");
    assert_eq!(bulletin.until.unwrap().text, "19 giờ ngày 17/11/2026");
    assert_eq!(
        words(&bulletin.actions),
        [
            "Người dân cần rời ngay khỏi chân đồi, taluy và ven suối.",
            "Tuyệt đối không đi qua ngầm, tràn khi nước chảy xiết.",
            "Mang theo giấy tờ, thuốc men, đèn pin",
            "Giữ liên lạc với trưởng bản.",
        ]
    );
    let calls: Vec<_> = bulletin
        .hotlines
        .iter()
        .map(|h| (h.number.text.as_str(), h.label.as_ref().map(|l| l.text.as_str())))
        .collect();
    assert_eq!(calls, [("112", None), ("0214.384.0112", Some("Đường dây nóng Ban Chỉ huy tỉnh"))]);
}

#[test]
fn only_an_alert_has_a_bulletin() {
    let texts = [
        (Title, "Thăm khu vực sau thiên tai"),
        (Paragraph, "Người dân cần rời ngay khỏi chân đồi. Rủi ro thiên tai cấp 3. Gọi 112."),
    ];
    assert_eq!(brief_of(&texts).bulletin, None);
    let alert = [(Title, "Cảnh báo mưa lũ"), (Paragraph, "Trời còn mưa to ở nhiều nơi.")];
    let brief = brief_of(&alert);
    assert_eq!((brief.story, brief.bulletin), (StoryKind::Alert, None));
}

#[test]
fn a_correction() {
    let brief = brief_of(&[
        (Title, "Đính chính thông tin về mức hỗ trợ mưa lũ khẩn cấp"),
        (
            Paragraph,
            "Trong bài “Hỗ trợ sinh kế cho miền núi” đăng ngày 15/11/2026, do sơ suất trong khâu biên tập, Cổng Thông tin điện tử Minh Họa đã viết: “mỗi người được hỗ trợ 30 triệu đồng”.",
        ),
        (
            Paragraph,
            "Xin đọc là: “mỗi hộ được hỗ trợ không quá 30 triệu đồng”. Cổng Thông tin điện tử xin lỗi bạn đọc./.",
        ),
    ]);
    assert_eq!(brief.story, StoryKind::Correction);
    let correction = brief.correction.unwrap();
    assert_eq!(correction.before.text, "mỗi người được hỗ trợ 30 triệu đồng");
    assert_eq!(correction.after.text, "mỗi hộ được hỗ trợ không quá 30 triệu đồng");
    assert_eq!(correction.reason.unwrap().text, "do sơ suất trong khâu biên tập");
}
