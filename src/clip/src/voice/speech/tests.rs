//! The rules by their cases, and what holds for every text.

use proptest::prelude::*;

use super::{Kind, Lang, Unsaid, number, spoken, unsaid};

fn cases(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap_or_else(|| panic!("{line:?} has no tab")))
}

const VI: &str = include_str!("cases-vi.tsv");
const EN: &str = include_str!("cases-en.tsv");

#[test]
fn every_case_is_said_as_it_must_be() {
    let mut wrong = Vec::new();
    for (lang, table, least) in [(Lang::Vi, VI, 150), (Lang::En, EN, 40)] {
        assert!(cases(table).count() >= least);
        for (written, wanted) in cases(table) {
            let said = spoken(written, lang).text();
            if said != wanted {
                wrong.push(format!("{written}\n  said:   {said}\n  wanted: {wanted}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_check_agrees_with_every_case() {
    let mut wrong = Vec::new();
    for (lang, table) in [(Lang::Vi, VI), (Lang::En, EN)] {
        for (written, wanted) in cases(table) {
            let differs = unsaid(written, wanted, lang);
            if !differs.is_empty() {
                wrong.push(format!("{written} | {wanted}: {differs:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// Decimal digits with the groups of the language.
fn grouped(value: u64, lang: Lang) -> String {
    let digits = value.to_string();
    let mark = if lang == Lang::Vi { '.' } else { ',' };
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

fn lang() -> impl Strategy<Value = Lang> {
    prop_oneof![Just(Lang::Vi), Just(Lang::En)]
}

/// Numbers of every length alike.
fn value() -> impl Strategy<Value = u64> {
    (1u32..=18).prop_flat_map(|digits| 0..10u64.pow(digits))
}

/// Something like an article: words, numbers, marks and oddities of both forms of Unicode.
fn prose() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-zA-ZđĐáàảãạâấầẩẫậăắêếôồơớưừ]{1,7}",
        "[0-9]{1,9}",
        "[0-9]{1,3}([.,/:-][0-9]{1,4}){1,3}",
        "[A-ZĐ]{1,6}",
        "[IVX]{1,5}",
        "\\PC{1,3}",
        Just("e\u{302}\u{301}".to_owned()),
        prop::sample::select(vec![
            " ", "\n", ". ", ", ", "(", ")", "/", "-", " – ", "%", "$", "°C", "km²", "ngày ",
            "khóa ", "h", "+", "@",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_number_goes_there_and_back(value in value(), lang in lang(), plain in any::<bool>()) {
        let written = if plain { value.to_string() } else { grouped(value, lang) };
        let text = format!("x {written} y");
        let said = spoken(&text, lang).text();
        prop_assert!(unsaid(&text, &said, lang).is_empty(), "{} | {}", text, said);
    }

    #[test]
    fn another_number_is_found(value in value(), other in value(), lang in lang()) {
        prop_assume!(value != other);
        let (text, wrong) = (format!("x {} y", grouped(value, lang)), spoken(&grouped(other, lang), lang).text());
        let said = format!("x {wrong} y");
        prop_assert!(!unsaid(&text, &said, lang).is_empty(), "{} | {}", text, said);
    }

    #[test]
    fn a_decimal_goes_there_and_back(whole in 0u64..100_000, tail in "[0-9]{1,5}", other in "[0-9]{1,5}", lang in lang()) {
        let mark = if lang == Lang::Vi { ',' } else { '.' };
        let text = format!("x {}{mark}{tail} y", grouped(whole, lang));
        let said = spoken(&text, lang).text();
        prop_assert!(unsaid(&text, &said, lang).is_empty(), "{} | {}", text, said);
        prop_assume!(tail != other);
        let wrong = spoken(&format!("x {}{mark}{other} y", grouped(whole, lang)), lang).text();
        prop_assert!(!unsaid(&text, &wrong, lang).is_empty(), "{} | {}", text, wrong);
    }

    #[test]
    fn a_date_goes_there_and_back_and_another_is_found(
        (d, m, y) in (1u32..=31, 1u32..=12, 1900u32..=2099),
        (d2, m2, y2) in (1u32..=31, 1u32..=12, 1900u32..=2099),
        mark in prop::sample::select(vec!['/', '-', '.']),
        lang in lang(),
    ) {
        let write = |d, m, y| format!("Ngày {d:02}{mark}{m:02}{mark}{y} có");
        let text = write(d, m, y);
        let said = spoken(&text, lang).text();
        prop_assert!(unsaid(&text, &said, lang).is_empty(), "{} | {}", text, said);
        prop_assume!((d, m, y) != (d2, m2, y2));
        let wrong = spoken(&write(d2, m2, y2), lang).text();
        prop_assert!(!unsaid(&text, &wrong, lang).is_empty(), "{} | {}", text, wrong);
    }

    #[test]
    fn a_phone_number_goes_there_and_back(number in "0[0-9]{9}", lang in lang()) {
        let text = format!("số {number}.");
        let said = spoken(&text, lang).text();
        prop_assert_eq!(said.split_whitespace().count(), 11, "{}", said);
        prop_assert!(unsaid(&text, &said, lang).is_empty(), "{}", said);
    }

    #[test]
    fn nothing_is_dropped(text in prose(), lang in lang()) {
        let spoken = spoken(&text, lang);
        let mut end = 0;
        for piece in &spoken.pieces {
            prop_assert!(piece.span.start >= end && piece.span.end > piece.span.start);
            prop_assert!(spoken.source.get(piece.span.clone()).is_some());
            prop_assert!(!piece.said.is_empty());
            end = piece.span.end;
        }
        for (at, c) in spoken.source.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            let by = spoken.pieces.iter().find(|piece| piece.span.contains(&at));
            prop_assert!(by.is_some_and(|piece| piece.kind != Kind::Pause), "{:?} of {:?}", c, spoken.source);
        }
    }

    #[test]
    fn digits_are_never_given_to_a_voice(text in prose(), lang in lang()) {
        let said = spoken(&text, lang).text();
        prop_assert!(!said.contains(|c: char| c.is_ascii_digit()), "{}", said);
    }
}

#[test]
fn the_form_of_unicode_does_not_matter() {
    use unicode_normalization::UnicodeNormalization;
    let text =
        "Nghị định 42/2022/NĐ-CP của UBTVQH có hiệu lực từ quý III/2026, ở 5 xã, thế kỷ XXI.";
    let decomposed: String = text.nfd().collect();
    assert_ne!(text, decomposed);
    assert_eq!(spoken(text, Lang::Vi), spoken(&decomposed, Lang::Vi));
    let said = spoken(&decomposed, Lang::Vi).text();
    assert!(unicode_normalization::is_nfc(&said));
    assert!(unsaid(&decomposed, &said, Lang::Vi).is_empty());
}

#[test]
fn what_is_missing_and_what_is_added_is_told() {
    let text = "Có 25 xã và 3,5% hộ.";
    let missing = unsaid(text, "có xã và ba phẩy năm phần trăm hộ", Lang::Vi);
    assert_eq!(missing, [Unsaid::Missing { written: "25".into(), span: 4..6 }]);
    let added =
        unsaid(text, "có hai mươi lăm xã và ba phẩy năm phần trăm hộ nghèo một nghìn", Lang::Vi);
    assert_eq!(added, [Unsaid::Added { said: "một nghìn".into() }]);
    // A scale, a sign and a word of the text count too.
    for (text, said) in [
        ("5 triệu", "năm tỷ"),
        ("30 nghìn", "ba mươi"),
        ("nhiệt độ -5°C", "nhiệt độ năm độ xê"),
        ("5%", "năm"),
        ("khóa XV", "khóa mười bốn"),
        ("khóa XV", "khóa"),
        ("ba người", "người"),
        ("7h30", "bảy giờ ba mươi mốt phút"),
        ("0912345678", "không chín một hai ba bốn năm sáu bảy chín"),
        ("0912345678", "chín một hai ba bốn năm sáu bảy tám"),
        ("20 5", "hai mươi lăm"),
        ("2,05", "hai phẩy năm"),
        ("tháng 11/2026", "tháng mười hai năm hai nghìn không trăm hai mươi sáu"),
    ] {
        assert!(!unsaid(text, said, Lang::Vi).is_empty(), "{text} | {said}");
    }
}

#[test]
fn numbers_are_as_long_as_they_come() {
    assert_eq!(number::words(999_999_999_999_999_999, Lang::Vi).split(' ').count(), 6 * 5 + 5);
    assert_eq!(number::cardinal("1234567890123456789", Lang::Vi).split(' ').count(), 19);
    let romans = ["IV", "IX", "XIV", "XL", "XLIX", "MMMCMXCIX"].map(number::roman);
    assert_eq!(romans, [4, 9, 14, 40, 49, 3999].map(Some));
    assert!(["", "IIII", "VX", "IC", "ABC", "VV"].iter().all(|bad| number::roman(bad).is_none()));
}

/// Lines as portals write them; each must be speakable without a difference.
const PROSE: [&str; 36] = [
    "Ngày 22/11, tại TP.HCM, Thủ tướng dự Lễ kỷ niệm 80 năm (23/11/1945-23/11/2025).",
    "Quyết định số 1719/QĐ-TTg ngày 14/10/2021, giai đoạn I: từ năm 2021 đến năm 2025.",
    "Khoản 2 Điều 5 Luật số 31/2024/QH15; Chỉ thị 05-CT/TW; Nghị quyết 18-NQ/TW.",
    "Điện thoại: 024.3843.1234; Fax: 080.44130, hoặc gọi 1900 1234 (miễn phí).",
    "Có 02 dự án, 01 người bị thương lúc 00h00; đến 0h15' cùng ngày đã khắc phục.",
    "Gió cấp 8-9, giật cấp 11; mưa 1.000 - 1.500 mm, có nơi trên 1.600mm.",
    "Vị trí tâm bão: 15,5°N-108,2°E, di chuyển 10-15km/h.",
    "Hoàn thành 7/10 chỉ tiêu, 20/20 tiêu chí, 63/63 tỉnh; trực 24/24 giờ.",
    "Năm học 2025 - 2026; Hội nghị Trung ương 13 khóa XIII; thế kỷ XX, XXI.",
    "QCVN 01:2021/BXD; số tài khoản 1234567890123; CCCD 001099012345.",
    "Nhà máy 3.200MW, đường dây 500kV dài 12,7km trên QL.1.",
    "Từ 8-10/11/2026 và từ ngày 15-16/12; nghỉ 30/4 và 1/5.",
    "Dịp lễ 1/5-7/5, mở cửa 10h-11h30 và 13h30-17h.",
    "Bụi PM2.5 là 35,5 µg/m³, khí CO2 giảm 1,5-2%.",
    "Máy bay Su-30MK2, khối A80, ca F0 và Covid-19.",
    "Mạng 5G/4G phủ 99,8% dân số; tốc độ 150Mbps.",
    "Hơn 2/3 số đại biểu, 1/2 diện tích và 3/4 số hộ.",
    "Thu 1.234.567,89 đồng; lãi suất 6,5%/năm; học phí 500.000 đồng/tháng.",
    "Ông A. nộp 30.000đ, còn 2,3 tỷ USD (tương đương 58.000 tỷ đồng).",
    "Nhiệt độ từ -5°C đến 3°C, có nơi dưới -7°C.",
    "Một trong ba xã, hai người, năm nay, thứ tư, đầu tư, không có ai.",
    "Quý III/2026 tăng 7,2%, quý IV/2026 dự kiến 8%; 9 tháng năm 2026 đạt 6,8%.",
    "Tháng 5 năm 2025, trong 5 năm, năm năm sau, 5 năm một lần.",
    "Lần thứ nhất, lần thứ 2, lần thứ III và lần thứ 4.",
    "Tỷ lệ bản đồ 1:500, tỷ số 2:1, khoảng 3 x 4 m.",
    "Truy cập https://dichvucong.gov.vn/p/k7m2p9?id=12 hoặc gửi info@chinhphu.vn.",
    "Bộ GD&ĐT, Bộ NN&MT, Sở LĐ-TB&XH, UBND xã/phường, HĐND cấp tỉnh.",
    "Ở 34 tỉnh, thành phố; 3.321 xã; bình quân 120 người/km2.",
    "TIN MỚI: 15 XÃ VÙNG CAO CÓ ĐIỆN TRONG NĂM 2026",
    "• Mức 1: 20 triệu đồng/hộ • Mức 2: 30 triệu đồng/hộ ./.",
    "Vay 100 triệu đồng trong 36 tháng, lãi 50% lãi suất.",
    "Chương II, mục 3, phụ lục IV, bảng V.",
    "Tăng gấp 3-4 lần, đạt +0,5 điểm, hơn 1,5 lần.",
    "Phiên bản 2.0.1 ra ngày 1.12.2026, bản cũ là 1.9.",
    "Hai mươi lăm năm (1999–2024), 25 năm xây dựng.",
    "Khoảng 1 triệu người, 1,2 triệu lượt, 3 nghìn tỷ đồng.",
];

#[test]
fn what_portals_write_is_said_truthfully() {
    let article = include_str!("../../../../../assets/demo/article.html");
    let mut lines: Vec<String> = PROSE.iter().map(|line| (*line).to_owned()).collect();
    // The text between the tags of the demo article.
    let body = article.split_once("<body>").unwrap().1;
    lines.extend(body.split('<').filter_map(|part| Some(part.split_once('>')?.1.to_owned())));
    let mut wrong = Vec::new();
    for line in lines.iter().filter(|line| line.chars().any(char::is_alphanumeric)) {
        let said = spoken(line, Lang::Vi).text();
        let differs = unsaid(line, &said, Lang::Vi);
        if !differs.is_empty() {
            wrong.push(format!("{line}\n  said: {said}\n  {differs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines\n{}", wrong.len(), wrong.join("\n"));
}
