//! Every format is read back: the same numbers, nothing known made of nothing, Vietnamese whole, no formula, the same bytes.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use loa_model::{Agency, Metric, PostFormat};
use loa_reach::{By, Query, Reports, Titles, csv, paper, parquet, report, xlsx};
use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use support::{
    World, start, value,
    workbook::{Cell, parts, sheets},
};

const TITLE: &str = "Đường sắt Lào Cai – Hà Nội – Hải Phòng, bài 1";
const TRAP: &str = "=HYPERLINK(\"http://example.org\";\"ấn vào đây\")";

/// Two accounts: one gave views, a share count of zero and reach; the other gave reach only; a third post gave nothing. A
/// definition has a name that a spreadsheet would run.
fn reports() -> Reports {
    let world = World::new();
    let a = world.live(1, "memory:cong-tin", PostFormat::Photo, 9);
    let b = world.live(2, "memory:tinh", PostFormat::Video, 9);
    world.clock.set(start() + SignedDuration::from_mins(110));
    world.live(3, "khac:so", PostFormat::Photo, 9);
    let views = |n| value(Metric::Views, TRAP, n);
    world.sample(1, a, 15, vec![views(100)]);
    world.sample(
        2,
        a,
        180,
        vec![views(1_234_567), value(Metric::Reach, "1", 160), value(Metric::Shares, "2026-06", 0)],
    );
    world.sample(3, b, 180, vec![value(Metric::Reach, "1", 50)]);
    let at = |minutes| start() + SignedDuration::from_mins(minutes);
    let reports = [By::Account, By::Post].map(|by| {
        // The period begins after the posts: what was first counted in it has no known gain.
        let query =
            Query { agency: "demo".into(), from: at(100), to: at(60 * 24), by, population: None };
        report(world.open().of("demo"), &query).unwrap()
    });
    Reports {
        zone: "Asia/Ho_Chi_Minh".into(),
        agencies: vec![Agency {
            name: "demo".into(),
            title: "Cổng Thông tin điện tử Minh Họa".into(),
            brand: "demo".into(),
            zone: "Asia/Ho_Chi_Minh".into(),
            urgent_alone: false,
        }],
        reports: reports.to_vec(),
        titles: Titles::default(),
        overview: None,
        trend: Vec::new(),
    }
}

// --- csv ------------------------------------------------------------------

/// Rows of the CSV by column name; what Excel would show.
fn csv_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let text = text.strip_prefix('\u{feff}').expect("a mark that tells Excel it is UTF-8");
    assert!(!text.contains('\u{feff}') && !text.replace("\r\n", "").contains('\n'));
    let mut rows = text.split("\r\n").filter(|line| !line.is_empty()).map(fields);
    let head = rows.next().unwrap();
    rows.map(|row| {
        assert_eq!(row.len(), head.len(), "every line has every column: {row:?}");
        head.iter().cloned().zip(row).collect()
    })
    .collect()
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for char in line.chars() {
        match char {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

#[test]
fn csv_is_for_excel_and_leaves_the_unknown_empty() {
    let mut all = reports();
    all.titles.lang = "vi".into();
    all.titles.accounts.insert("memory:cong-tin".into(), "Cổng Thông tin".into());
    all.titles.numbers.push(("memory".into(), "views".into(), "video ngắn".into()));
    let rows = csv_rows(&csv(&all));
    let of = |label: &str, metric: &str| {
        rows.iter()
            .find(|row| {
                (&*row["Dòng"], &*row["Chỉ số"], &*row["Chia theo"]) == (label, metric, "Tài khoản")
            })
            .unwrap_or_else(|| panic!("{label} {metric} in {rows:?}"))
    };
    let shares = of("Cổng Thông tin", "Chia sẻ");
    let (latest, gain) = ("Lũy kế", "Tăng trong kỳ");
    assert_eq!((&*shares[latest], &*shares[gain]), ("0", ""), "a zero, and a gain not known");
    let views = of("Cổng Thông tin", "Lượt xem");
    assert_eq!((&*views[latest], &*views[gain]), ("1234567", "1234467"));
    assert_eq!(views["Định nghĩa"].replace("''", "'"), format!("'{}", TRAP.replace('"', "")));
    let reach = of("Cổng Thông tin", "Tiếp cận");
    assert_eq!((&*reach["Ít nhất (người)"], &*reach[latest]), ("160", ""));
    let silent = of("khac:so", "");
    assert_eq!((&*silent["Có số liệu"], &*silent[latest]), ("0", ""));
    // Days and times of the zone, the last day included.
    assert_eq!((&*views["Từ ngày"], &*views["Đến hết ngày"]), ("2026-11-22", "2026-11-23"));
    assert_eq!(views["Số liệu lấy lúc"], "2026-11-22 12:00");
    assert_eq!(views["Cơ quan"], "Cổng Thông tin điện tử Minh Họa");
    let post = rows.iter().find(|row| row["Dòng"].ends_with(TITLE)).unwrap();
    assert!(post["Dòng"].contains("Bài ảnh · 09:00 22/11/2026"), "{}", post["Dòng"]);
    // Nothing stands twice within one cut: no line is the total of others.
    let sum = |cut: &str| -> u64 {
        let own = rows.iter().filter(|row| row["Chia theo"] == cut && row["Chỉ số"] == "Lượt xem");
        own.map(|row| row[latest].parse::<u64>().unwrap()).sum()
    };
    assert_eq!((sum("Tài khoản"), sum("Bài đăng")), (1_234_567, 1_234_567));
    all.titles.lang = "en".into();
    all.reports.truncate(1);
    let rows = csv_rows(&csv(&all));
    assert!(
        rows.iter().all(|row| row.contains_key("Account")),
        "one cut is the head of its column"
    );
}

// --- parquet --------------------------------------------------------------

#[test]
fn parquet_has_types_nulls_and_the_query() {
    let reports = reports();
    let bytes = bytes::Bytes::from(parquet(&reports).unwrap());
    let file = SerializedFileReader::new(bytes).unwrap();
    let about = file.metadata().file_metadata().key_value_metadata().unwrap();
    let about = |key: &str| {
        about.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone()).unwrap()
    };
    let queries: Vec<Query> = serde_json::from_str(&about("loa.queries")).unwrap();
    assert_eq!(queries, reports.reports.iter().map(|r| r.query.clone()).collect::<Vec<_>>());
    assert_eq!(about("loa.zone"), "Asia/Ho_Chi_Minh");
    let rows: Vec<BTreeMap<String, Field>> = file
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().into_columns().into_iter().collect())
        .collect();
    let of = |key: &str, metric: &str| {
        let found = |row: &&BTreeMap<String, Field>| {
            (&row["row"], &row["metric"], &row["cut"])
                == (
                    &Field::Str(key.into()),
                    &Field::Str(metric.into()),
                    &Field::Str("account".into()),
                )
        };
        rows.iter().find(found).unwrap()
    };
    let views = of("memory:cong-tin", "views");
    assert_eq!(views["latest"], Field::ULong(1_234_567));
    assert_eq!(views["gain"], Field::Long(1_234_467));
    assert_eq!(views["definition"], Field::Str(TRAP.into()), "not changed: nobody runs it");
    assert_eq!(views["fell"], Field::Bool(false));
    let as_of = reports.reports[0].as_of.unwrap().as_microsecond();
    assert_eq!(views["as_of"], Field::TimestampMicros(as_of));
    let shares = of("memory:cong-tin", "shares");
    assert_eq!((&shares["latest"], &shares["gain"]), (&Field::ULong(0), &Field::Null));
    let reach = of("total", "reach");
    assert_eq!((&reach["at_least"], &reach["at_most"]), (&Field::ULong(160), &Field::ULong(210)));
    assert!(rows.iter().any(|row| row["label"].to_string().contains(TITLE)));
}

#[test]
fn parquet_without_any_report_is_a_table_without_rows() {
    let none = Reports { agencies: vec![], reports: vec![], ..reports() };
    let file = SerializedFileReader::new(bytes::Bytes::from(parquet(&none).unwrap())).unwrap();
    assert_eq!(file.metadata().file_metadata().num_rows(), 0);
    assert_eq!(file.metadata().file_metadata().schema().get_fields().len(), 21);
}

// --- xlsx -----------------------------------------------------------------

#[expect(clippy::unnecessary_wraps, reason = "as a cell that is there is compared")]
fn text(text: &str) -> Option<Cell> {
    Some(Cell::Text(text.to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "as a cell that is there is compared")]
fn number(number: f64) -> Option<Cell> {
    Some(Cell::Number(number))
}

#[test]
fn a_workbook_has_numbers_days_ranges_and_empty_cells() {
    let bytes = xlsx(&reports()).unwrap();
    let sheets = sheets(&bytes);
    let names: Vec<_> = sheets.iter().map(|sheet| &*sheet.name).collect();
    assert_eq!(names, ["Tài khoản · Account", "Bài đăng · Post", "Định nghĩa · Definitions"]);
    let lines = sheets[0].lines();
    let of = |label: &str, metric: Option<&str>| {
        let found = |line: &&BTreeMap<String, Cell>| {
            line.get("Tài khoản\nAccount") == text(label).as_ref()
                && line.get("Chỉ số\nMetric") == metric.and_then(text).as_ref()
        };
        lines.iter().find(found).unwrap_or_else(|| panic!("{label} {metric:?} in {lines:?}"))
    };
    let at = |line: &BTreeMap<String, Cell>, head: &str| line.get(head).cloned();
    let views = of("memory:cong-tin", Some("Lượt xem"));
    assert_eq!(at(views, "Cơ quan\nAgency"), text("Cổng Thông tin điện tử Minh Họa"));
    assert_eq!(at(views, "Lũy kế\nLatest total"), number(1_234_567.0));
    assert_eq!(at(views, "Tăng trong kỳ\nGain in period"), number(1_234_467.0));
    assert_eq!(at(views, "Định nghĩa\nDefinition"), text(TRAP));
    assert_eq!(at(views, "Có lúc giảm\nCounter fell"), Some(Cell::Flag(false)));
    // 22 November 2026 in Excel's count of days; the newest number was read at noon in Viet Nam.
    assert_eq!(at(views, "Từ ngày\nFrom"), number(46348.0));
    assert_eq!(at(views, "Đến hết ngày\nTo (included)"), number(46349.0));
    assert_eq!(at(views, "Số liệu lấy lúc\nAs of"), number(46348.5));
    let shares = of("memory:cong-tin", Some("Chia sẻ"));
    assert_eq!(at(shares, "Lũy kế\nLatest total"), number(0.0), "a zero is a zero");
    assert_eq!(at(shares, "Tăng trong kỳ\nGain in period"), None, "not known is no cell");
    assert_eq!(at(shares, "Định nghĩa\nDefinition"), text("2026-06"));
    let reach = of("Tổng", Some("Tiếp cận"));
    assert_eq!(at(reach, "Ít nhất (người)\nAt least (people)"), number(160.0));
    assert_eq!(at(reach, "Nhiều nhất (người)\nAt most (people)"), number(210.0));
    assert_eq!(at(reach, "Lũy kế\nLatest total"), None, "reach has no sum");
    let silent = of("khac:so", None);
    assert_eq!(at(silent, "Có số liệu\nMeasured"), number(0.0));
    assert_eq!(at(silent, "Lũy kế\nLatest total"), None);
    assert!(
        sheets[1].cells.values().any(|cell| matches!(cell, Cell::Text(t) if t.ends_with(TITLE)))
    );
    for sheet in &sheets[..2] {
        assert!(sheet.xml.contains("<pane xSplit=\"2\" ySplit=\"1\""), "the head stays in sight");
        assert!(sheet.xml.contains("<autoFilter ref=\"A1:U"), "{}", sheet.name);
        assert!(sheet.xml.contains("<cols><col min=\"1\""), "columns have widths");
    }
}

#[test]
fn a_workbook_says_what_its_numbers_mean() {
    let bytes = xlsx(&reports()).unwrap();
    let sheets = sheets(&bytes);
    let said: Vec<&str> = sheets[2]
        .cells
        .values()
        .filter_map(|cell| match cell {
            Cell::Text(text) => Some(&**text),
            Cell::Number(_) | Cell::Flag(_) => None,
        })
        .collect();
    for words in [
        "Số người khác nhau, do kênh ước tính; không cộng",
        "Times played or opened, by the channel's own rule",
        "22/11/2026 – 23/11/2026",
        "22/11/2026 12:00",
        TRAP,
    ] {
        assert!(said.contains(&words), "{words} in {said:?}");
    }
}

#[test]
fn a_text_that_looks_like_a_formula_stays_text_when_its_cell_is_edited() {
    let bytes = xlsx(&reports()).unwrap();
    let parts = parts(&bytes);
    let styles = roxmltree::Document::parse(&parts["xl/styles.xml"]).unwrap();
    let formats = styles.descendants().find(|node| node.has_tag_name("cellXfs")).unwrap();
    let quoted: Vec<bool> = formats
        .children()
        .filter(|node| node.has_tag_name("xf"))
        .map(|node| node.attribute("quotePrefix") == Some("1"))
        .collect();
    let strings = roxmltree::Document::parse(&parts["xl/sharedStrings.xml"]).unwrap();
    let items = strings.descendants().filter(|node| node.has_tag_name("si"));
    let trap = items
        .map(|item| item.descendants().filter_map(|n| n.text().filter(|_| n.is_text())).collect())
        .position(|text: String| text == TRAP)
        .unwrap()
        .to_string();
    let mut seen = 0;
    for sheet in sheets(&bytes) {
        let document = roxmltree::Document::parse(&sheet.xml).unwrap();
        for cell in document.descendants().filter(|node| node.has_tag_name("c")) {
            let is_text = cell.attribute("t") == Some("s");
            if is_text && cell.children().any(|n| n.text() == Some(&trap)) {
                let style: usize = cell.attribute("s").unwrap().parse().unwrap();
                assert!(quoted[style], "{} {:?}", sheet.name, cell.attribute("r"));
                seen += 1;
            }
        }
    }
    // Account and total, post and total, and the list of definitions.
    assert_eq!(seen, 5);
}

// --- paper ----------------------------------------------------------------

#[test]
fn paper_has_what_a_reader_needs_and_a_dash_for_the_unknown() {
    let data = paper(&reports());
    let cut = &data["agencies"][0]["cuts"][0];
    assert_eq!(data["agencies"][0]["name"], "Cổng Thông tin điện tử Minh Họa");
    assert_eq!(
        (&cut["from"], &cut["to"], &cut["as_of"]),
        (&"22/11/2026".into(), &"23/11/2026".into(), &"12:00 22/11/2026".into())
    );
    let rows = cut["rows"].as_array().unwrap();
    let row = |label: &str| rows.iter().find(|row| row["label"] == label).unwrap();
    let numbers = row("memory:cong-tin")["numbers"].as_array().unwrap();
    let number = |vi: &str| numbers.iter().find(|number| number["vi"] == vi).unwrap();
    assert_eq!(number("Lượt xem")["latest"], "1.234.567");
    assert_eq!(number("Lượt xem")["gain"], "+1.234.467");
    assert_eq!(number("Chia sẻ")["latest"], "0");
    assert_eq!(number("Chia sẻ")["gain"], "–");
    let total = row("Tổng");
    assert_eq!(
        (&total["reach"]["at_least"], &total["reach"]["at_most"]),
        (&"160".into(), &"210".into())
    );
    assert!(
        row("khac:so")["reach"].is_null() && row("khac:so")["numbers"] == serde_json::json!([])
    );
    let metrics: Vec<_> = data["metrics"].as_array().unwrap().iter().map(|m| &m["vi"]).collect();
    assert_eq!(metrics, ["Tiếp cận", "Lượt xem", "Chia sẻ"], "only what is in the report");
}

#[test]
fn paper_begins_with_the_period_beside_the_one_before_and_says_a_total_once() {
    let mut all = reports();
    assert_eq!(paper(&all)["figures"], serde_json::json!([]), "nobody asked for it");
    assert_eq!(paper(&all)["chart"], serde_json::Value::Null);
    let cuts = paper(&all)["agencies"][0]["cuts"].clone();
    let totals = |n: usize| {
        let rows = cuts[n]["rows"].as_array().unwrap();
        rows.iter().filter(|row| row["total"] == true).count()
    };
    assert_eq!((totals(0), totals(1)), (1, 0), "the total is the same however posts are cut");
    let world = World::new();
    let post = world.live(1, "memory:cong-tin", PostFormat::Photo, 9);
    world.sample(1, post, 15, vec![value(Metric::Views, "1", 1200)]);
    let day = start().to_zoned(jiff::tz::TimeZone::UTC).date();
    let days = loa_reach::Days { first: day, last: day };
    let books = world.open();
    let book = books.of("demo");
    all.titles.lang = "en".into();
    all.overview = Some(loa_reach::overview(book, days, "Asia/Ho_Chi_Minh", None).unwrap());
    let trend = loa_reach::trend(book, days, "Asia/Ho_Chi_Minh", Metric::Views).unwrap();
    all.trend = trend.into_iter().map(|line| ("Memory".to_owned(), line)).collect();
    let data = paper(&all);
    let views = data["figures"].as_array().unwrap().iter().find(|f| f["en"] == "Views").unwrap();
    assert_eq!((&views["value"], &views["before"]), (&"+1,200".into(), &"–".into()));
    assert_eq!((&data["lang"], &data["chart"]["most"]), (&"en".into(), &2000.into()));
    assert_eq!(data["chart"]["lines"][0]["values"], serde_json::json!([1200]));
    assert_eq!(
        (&data["chart"]["days"][0], &data["chart"]["scale"][4]),
        (&"22 Nov".into(), &"2,000".into())
    );
    let cut = &data["agencies"][0]["cuts"][0];
    assert_eq!(
        (&cut["from"], &cut["as_of"]),
        (&"22 Nov 2026".into(), &"12:00, 22 Nov 2026".into())
    );
}

#[test]
fn the_same_reports_are_the_same_bytes() {
    let (one, other) = (reports(), reports());
    assert_eq!(csv(&one), csv(&other));
    assert_eq!(xlsx(&one).unwrap(), xlsx(&other).unwrap());
    assert_eq!(parquet(&one).unwrap(), parquet(&other).unwrap());
    assert_eq!(paper(&one), paper(&other));
    let properties = &parts(&xlsx(&one).unwrap())["docProps/core.xml"];
    assert!(properties.contains("2026-11-22T05:00:00Z</dcterms:created>"), "{properties}");
}
