use loa_model::Span;
use serde_json::Value;

use super::*;

fn passage(text: &str) -> Passage {
    let span = Span { revision: 1, block: 0, start: 0, end: 0 };
    Passage { text: text.to_owned(), span, edits: Vec::new() }
}

/// Lines of cells, the first of them the heads.
fn table(lines: &[&[&str]]) -> Table {
    let row = |cells: &&[&str]| cells.iter().map(|cell| passage(cell)).collect::<Vec<_>>();
    let mut rows: Vec<_> = lines.iter().map(row).collect();
    Table { columns: rows.remove(0), rows }
}

fn chart(lines: &[&[&str]]) -> Option<Chart> {
    Chart::of(&table(lines), "vi")
}

#[track_caller]
fn check(lines: &[&[&str]], kind: Kind, strong: Option<usize>, lengths: &[&[f64]]) {
    let Some(chart) = chart(lines) else { panic!("no chart of {lines:?}") };
    assert_eq!((chart.kind, chart.strong), (kind, strong), "{lines:?}");
    let got = chart.lengths(kind);
    assert_eq!(got.iter().map(Vec::as_slice).collect::<Vec<_>>(), lengths, "{lines:?}");
}

#[test]
fn numbers_of_one_unit_are_bars_from_zero() {
    check(
        &[&["Xã", "Tỷ lệ giải ngân"], &["Ẫng", "80%"], &["Tân Phú", "60%"], &["Hồ", "0%"]],
        Kind::Bars,
        Some(0),
        &[&[1.0], &[0.75], &[0.0]],
    );
    // Units that differ by a power of ten alone are one unit.
    check(
        &[&["Dự án", "Vốn"], &["Cầu", "1,5 tỷ đồng"], &["Đường", "750 triệu đồng"]],
        Kind::Bars,
        Some(0),
        &[&[1.0], &[0.5]],
    );
    check(
        &[
            &["Vùng", "Trước đây", "Từ 01/7/2026"],
            &["Vùng I", "4.000", "5.000"],
            &["Vùng II", "3.000", "5.000"],
        ],
        Kind::Bars,
        // Two are the greatest.
        None,
        &[&[0.8, 1.0], &[0.6, 1.0]],
    );
    check(
        &[&["Mặt hàng", "Giá (đồng/lít)"], &["E10", "19.830"], &["Dầu hỏa", "950"]],
        Kind::Bars,
        Some(0),
        &[&[1.0], &[0.0479]],
    );
    check(
        &[&["Xã", "Số hộ nghèo"], &["Ẫng", "950"], &["Tân Phú", "1.900"]],
        Kind::Bars,
        Some(1),
        &[&[0.5], &[1.0]],
    );
}

#[test]
fn moments_in_even_steps_are_a_line() {
    check(
        &[&["Năm", "Thu ngân sách (tỷ đồng)"], &["2024", "10"], &["2025", "20"], &["2026", "15"]],
        Kind::Line,
        Some(2),
        &[&[0.5], &[1.0], &[0.75]],
    );
    check(
        &[
            &["Quý", "Xuất (triệu USD)", "Nhập (triệu USD)"],
            &["Quý IV/2025", "1", "4"],
            &["Quý I/2026", "2", "3"],
            &["Quý II/2026", "3", "2"],
        ],
        Kind::Line,
        Some(2),
        &[&[0.25, 1.0], &[0.5, 0.75], &[0.75, 0.5]],
    );
    // Two points, or a step that is longer: a slope would say too much.
    for lines in [
        &[&["Năm", "Thu"][..], &["2025", "20"], &["2026", "15"]][..],
        &[&["Năm", "Thu"], &["2015", "20"], &["2020", "18"], &["2026", "15"]],
        &[&["Năm", "Thu"], &["2026", "20"], &["2025", "18"], &["2024", "15"]],
    ] {
        assert_eq!(chart(lines).map(|chart| chart.kind), Some(Kind::Bars), "{lines:?}");
    }
}

#[test]
fn parts_of_a_hundred_are_one_whole() {
    check(
        &[
            &["Khu vực", "Tỷ trọng"],
            &["Nông nghiệp", "25%"],
            &["Công nghiệp", "50%"],
            &["Dịch vụ", "25%"],
        ],
        Kind::Share,
        Some(1),
        &[&[0.25], &[0.5], &[0.25]],
    );
    // Rounded, with the unit in the head.
    let lines: [&[&str]; 4] = [
        &["Khu vực", "Cơ cấu (%)"],
        &["Nông nghiệp", "33,3"],
        &["Công nghiệp", "33,3"],
        &["Dịch vụ", "33,3"],
    ];
    let rounded = chart(&lines).unwrap();
    assert_eq!((rounded.kind, rounded.strong), (Kind::Share, None));
    // Drawn as bars they are measured by the greatest.
    assert_eq!(rounded.lengths(Kind::Bars), [[1.0], [1.0], [1.0]]);
    for lines in [
        &[&["Xã", "Tỷ lệ"][..], &["A", "60%"], &["B", "39,4%"]][..],
        &[&["Xã", "Hộ"], &["A", "60 hộ"], &["B", "40 hộ"]],
        &[&["Xã", "2025 (%)", "2026 (%)"], &["A", "25", "20"], &["B", "25", "30"]],
    ] {
        assert_eq!(chart(lines).map(|chart| chart.kind), Some(Kind::Bars), "{lines:?}");
    }
}

#[test]
fn what_a_picture_would_say_falsely_is_no_chart() {
    for lines in [
        // Not a number each, or none that is sure.
        &[
            &["Nội dung", "Cũ", "Mới"][..],
            &["Lệ phí", "135.000 đồng", "Miễn phí"],
            &["Thời hạn", "10 năm", "15 năm"],
        ][..],
        &[&["Xã", "Hộ"], &["A", "gần 60 hộ"], &["B", "40 hộ"]],
        &[&["Xã", "Hộ"], &["A", "50-60 hộ"], &["B", "40 hộ"]],
        &[&["Xã", "Mức tăng"], &["A", "5%"], &["B", "-2%"]],
        &[&["Xã", "Tỷ lệ"], &["A", "5%"], &["B", "–"]],
        &[&["Xã", "Tỷ lệ (%)"], &["A", "1,234"], &["B", "950"]],
        // Not one unit.
        &[&["Chế độ", "Từ 01/01/2027"], &["Tiền ăn", "936.000 đồng"], &["Gạo", "15 kg"]],
        &[&["Xã", "Diện tích (ha)", "Sản lượng (tấn)"], &["A", "5", "20"], &["B", "6", "30"]],
        &[&["Năm", "Số hộ", "Số người"], &["2025", "5", "20"], &["2026", "6", "30"]],
        &[&["Năm", "Năm 2025", "So với 2024"], &["Vùng I", "5", "20"], &["Vùng II", "6", "30"]],
        &[
            &["Vùng", "Diện tích 2026", "Sản lượng 2026"],
            &["Vùng I", "5", "20"],
            &["Vùng II", "6", "30"],
        ],
        &[
            &["Năm", "2025 (người)", "2026 (người) (ước)"],
            &["Vùng I", "5", "20"],
            &["Vùng II", "6", "30"],
        ],
        // No unit, and nothing says that the rows count the same.
        &[&["Thiệt hại", "Số lượng"], &["Người chết", "3"], &["Nhà sập", "1.200"]],
        &[&["Chỉ tiêu", "Kết quả"], &["Số hộ", "3"], &["Số xã", "12"]],
        &[&["Chỉ tiêu", "Kết quả"], &["Thu nội địa", "3"], &["Thu khác", "12"]],
        &[&["Cây", "Năm 2026"], &["Lúa (ha)", "3"], &["Lúa (tấn)", "12"]],
        // Totals among their parts.
        &[&["Xã", "Hộ"], &["A", "60 hộ"], &["B", "40 hộ"], &["Tổng cộng", "101 hộ"]],
        &[&["Xã", "Hộ"], &["A", "60 hộ"], &["B", "45 hộ"], &["Cả huyện", "105 hộ"]],
        &[
            &["Xã", "2025 (hộ)", "2026 (hộ)"],
            &["A", "1", "3"],
            &["B", "2", "5"],
            &["Toàn xã", "3", "8"],
        ],
        // Parts beside their whole.
        &[&["Dân số", "Người"], &["Cả xã", "900 người"], &["- Nữ", "450 người"]],
        &[&["Dân số", "Người"], &["Cả xã", "900 người"], &["Trong đó: nữ", "450 người"]],
        &[&["Khoản", "Số"], &["1. Thu", "9 tỷ đồng"], &["1.1. Thu nội địa", "4 tỷ đồng"]],
        &[&["Khoản", "Số"], &["I. Thu", "9 tỷ đồng"], &["1. Thu nội địa", "4 tỷ đồng"]],
        // The greater is not more.
        &[&["Tỉnh", "Thứ hạng"], &["Tỉnh A", "1"], &["Tỉnh B", "2"]],
        &[&["Tỉnh", "Thành lập"], &["Tỉnh A", "1997"], &["Tỉnh B", "2004"]],
        &[&["Điểm", "Mở cửa"], &["Chợ", "6 giờ"], &["Trạm y tế", "7 giờ"]],
        // Nothing to see.
        &[&["Xã", "Hộ"], &["A", "0 hộ"], &["B", "0 hộ"]],
        &[&["STT", "Hộ"], &["1", "5 hộ"], &["2", "6 hộ"]],
        &[&["Xã", "Hộ"], &["A", "5 hộ"]],
        &[&["Xã"], &["A"], &["B"]],
        &[&["Xã", "Hộ"], &["A", "5 hộ"], &["B"]],
        &[&["Xã", "Vốn"], &["A", "999999999999999 nghìn tỷ tỷ đồng"], &["B", "1 nghìn tỷ tỷ đồng"]],
    ] {
        assert_eq!(chart(lines), None, "{lines:?}");
    }
    assert!(chart(&[&["Nơi", "Hộ"], &["TP. Minh Họa", "60 hộ"], &["Ẫng", "9 hộ"]]).is_some());
    // Numbered, but not one under the other.
    assert!(
        chart(&[&["Khoản", "Số"], &["1. Thu", "9 tỷ đồng"], &["2. Chi", "4 tỷ đồng"]]).is_some()
    );
    // By chance one part of a hundred is as much as the others.
    assert!(chart(&[&["Xã", "Tỷ lệ"], &["A", "50%"], &["B", "30%"], &["C", "20%"]]).is_some());
    assert!(
        chart(&[&["Xã", "Hộ"], &["A", "60 hộ"], &["B", "40 hộ"], &["Tổng Cọt", "101 hộ"]])
            .is_some()
    );
}

#[test]
fn the_language_tells_thousands_from_decimals() {
    let lines: [&[&str]; 3] =
        [&["Region", "Households (thousand)"], &["North", "1,234"], &["South", "950"]];
    let of = |lang| Chart::of(&table(&lines), lang).map(|chart| chart.lengths(Kind::Bars));
    assert_eq!(of("en"), Some(vec![vec![1.0], vec![0.7699]]));
    assert_eq!(of("vi"), None);
}

#[test]
fn the_samples_of_the_family_are_charts_of_their_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/templates/bieu-do/sample.json");
    let samples: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| passage(value.as_str().unwrap());
    let items = |value: &Value| value.as_array().unwrap().clone();
    for (name, sample) in samples.as_object().unwrap() {
        let drawn = &sample["chart"];
        let row = |row: &Value| {
            let cells = items(&row["values"]);
            let cells = cells.iter().map(|cell| text(&cell["text"]));
            std::iter::once(text(&row["label"])).chain(cells).collect()
        };
        let table = Table {
            columns: items(&drawn["columns"]).iter().map(text).collect(),
            rows: items(&drawn["rows"]).iter().map(row).collect(),
        };
        let chart = Chart::of(&table, sample["lang"].as_str().unwrap());
        let chart = chart.unwrap_or_else(|| panic!("{name} is no chart"));
        let lengths = |row: &Value| -> Vec<f64> {
            items(&row["values"]).iter().map(|cell| cell["length"].as_f64().unwrap()).collect()
        };
        let lengths: Vec<_> = items(&drawn["rows"]).iter().map(lengths).collect();
        assert_eq!(drawn["kind"], chart.kind.name(), "{name}");
        assert_eq!(drawn["strong"], serde_json::json!(chart.strong), "{name}");
        assert_eq!(lengths, chart.lengths(chart.kind), "{name}");
    }
}
