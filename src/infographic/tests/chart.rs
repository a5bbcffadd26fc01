//! Charts: lengths are those of the article's numbers, measured on the picture, and every word is a cell of its table.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "some stories are told by the other tests")]
mod support;

use loa_canvas::{Colour, Layout, Sheet};
use loa_infographic::{Error, Format, Infographic, Order, Rendered, Spread, specimens};
use loa_model::{Article, Block, BlockKind, Brief, Cancel, StoryKind, Table};
use serde_json::{Value, json};
use support::{ENGINE, Story, passage, told};

/// A story with a table, cells parted by tabs, its heads first.
fn tabled(kind: StoryKind, lines: &[&str]) -> (Article, Brief) {
    let (mut article, mut brief) =
        told(&Story {
            title: "Bảng số liệu của tỉnh Minh Họa", points: &[], figure: None
        });
    let mut rows = Vec::new();
    for line in lines {
        article.blocks.push(Block { kind: BlockKind::TableRow, text: (*line).to_owned() });
        rows.push(line.split('\t').map(|cell| passage(&article, cell)).collect());
    }
    article.digest = article.content_digest();
    brief.article_digest = article.digest;
    brief.story = kind;
    let columns = rows.remove(0);
    brief.table = Some(Table { columns, rows });
    (article, brief)
}

fn render(article: &Article, brief: &Brief, template: Option<&str>) -> Result<Rendered, Error> {
    let order = Order {
        article,
        brief,
        photos: &[],
        brand: "demo",
        template,
        sizes: &[],
        formats: &[Format::Half],
        spread: Spread::Card,
        link: Some("https://minhhoa.example/l/k7Xq2"),
        date: "22/11/2026",
        cancel: &Cancel::new(),
    };
    Infographic.render(&ENGINE, &order, &mut |_| {})
}

/// Size, family and alternative text of each picture.
fn pictures(done: &Rendered) -> Vec<[&str; 3]> {
    let pictures = done.provenance["pictures"].as_array().unwrap().iter();
    pictures.map(|one| ["size", "template", "alt"].map(|key| one[key].as_str().unwrap())).collect()
}

/// The family of each size, from portrait to youtube; a chart with its kind.
fn drawn_as(lines: &[&str]) -> Vec<String> {
    let (article, brief) = tabled(StoryKind::Comparison, lines);
    let done = render(&article, &brief, None).unwrap();
    assert_eq!(done.violations, [], "{lines:?}");
    let heads = brief.table.iter().flat_map(|table| table.columns.iter().skip(1));
    let heads: Vec<_> = heads.map(|head| head.text.as_str()).collect();
    pictures(&done)
        .into_iter()
        .map(|[_, family, alt]| {
            if family == "tin-nhanh" {
                return family.to_owned();
            }
            // Whoever hears the card hears every cell.
            let rows = brief.table.iter().flat_map(|table| &table.rows).flatten();
            for words in rows.map(|cell| cell.text.as_str()).chain(heads.iter().copied()) {
                assert!(alt.contains(words), "{words:?} is not in {alt:?}");
            }
            let kinds = ["thanh", "đường", "cơ cấu"];
            let kind = kinds.iter().find(|kind| alt.contains(&format!("Biểu đồ {kind}")));
            kind.map_or(family.to_owned(), |kind| format!("{family} {kind}"))
        })
        .collect()
}

#[test]
fn each_table_is_drawn_as_the_chart_that_says_most_and_fits() {
    let bars = ["bieu-do thanh"; 5];
    assert_eq!(drawn_as(&["Xã\tTỷ lệ", "Ẫng\t80%", "Hồ\t60%"]), bars);
    let line = drawn_as(&["Năm\tThu (tỷ đồng)", "2024\t8.120", "2025\t9.870", "2026\t12.300"]);
    assert_eq!(line, ["bieu-do đường"; 5]);
    let share = drawn_as(&["Khu vực\tTỷ trọng", "Nông nghiệp\t25%", "Dịch vụ\t75%"]);
    assert_eq!(share, ["bieu-do cơ cấu"; 5]);
    // Labels that do not fit under a line fit beside bars.
    let wordy = drawn_as(&[
        "Quý\tKim ngạch",
        "Quý III/2025\t1.312,5 triệu USD",
        "Quý IV/2025\t1.344,8 triệu USD",
        "Quý I/2026\t1.356,1 triệu USD",
        "Quý II/2026\t1.405,9 triệu USD",
    ]);
    assert_eq!(wordy, bars);
    let text = drawn_as(&["Việc\tCũ\tMới", "Lệ phí\t135.000\tMiễn phí", "Nơi nộp\tSở\tXã"]);
    assert_eq!(text, ["so-sanh"; 5]);
}

#[test]
fn a_chart_that_a_size_cannot_hold_is_a_table_or_news_there_and_never_part_of_one() {
    let months: Vec<String> =
        (1..=12).map(|month| format!("Tháng {month}\t{} nghìn lượt", 60 + month * 3)).collect();
    let mut year = vec!["Tháng\tLượt khách"];
    year.extend(months.iter().map(String::as_str));
    let done = drawn_as(&year);
    assert_eq!(done[0], "bieu-do thanh");
    assert_eq!(done[2], "bieu-do thanh");
    // Neither chart nor table of twelve rows fits there.
    assert_eq!(done[3..], ["tin-nhanh", "tin-nhanh"]);
    // Twelve rows that are no chart: more than the table draws.
    let words: Vec<String> = (1..=12).map(|row| format!("Việc {row}\tdo xã làm")).collect();
    let mut duties = vec!["Việc\tAi làm"];
    duties.extend(words.iter().map(String::as_str));
    assert_eq!(drawn_as(&duties), ["tin-nhanh"; 5]);
    // Who names the family hears why.
    let (article, brief) = tabled(StoryKind::Comparison, &year);
    let named = render(&article, &brief, Some("bieu-do")).unwrap();
    let refused: Vec<_> = named.violations.iter().map(|one| one.field.as_str()).collect();
    assert!(refused.contains(&"infographic.link"), "{refused:?}");
}

#[test]
fn key_figures_come_before_the_chart_of_an_article_that_has_both() {
    let lines = ["Xã\tTỷ lệ", "Ẫng\t80%", "Hồ\t60%"];
    let (article, brief) = tabled(StoryKind::Figures, &lines);
    assert_eq!(render(&article, &brief, None).unwrap().template, "so-lieu");
    let (article, brief) = tabled(StoryKind::News, &lines);
    assert_eq!(render(&article, &brief, None).unwrap().template, "tin-nhanh");
    let asked = render(&article, &brief, Some("bieu-do")).unwrap();
    assert!(
        pictures(&asked).iter().all(|[.., alt]| alt.contains("Biểu đồ thanh: Tỷ lệ. Ẫng: 80%."))
    );
}

#[test]
fn a_cell_that_is_not_the_articles_is_refused() {
    let lines = ["Xã\tTỷ lệ", "Ẫng\t80%", "Hồ\t60%"];
    for (row, column, words) in [(0, 1, "90%"), (1, 0, "Bản Hồ")] {
        let (article, mut brief) = tabled(StoryKind::Comparison, &lines);
        brief.table.as_mut().unwrap().rows[row][column].text = words.to_owned();
        let refused = render(&article, &brief, None);
        assert!(matches!(refused, Err(Error::Unfaithful(_))), "{words}: {refused:?}");
    }
}

/// Label, value and length of each row.
type Rows<'a> = [(&'a str, &'a str, f64)];

fn composed(size: &str, kind: &str, rows: &Rows<'_>, strong: Option<usize>) -> Layout {
    let family = ENGINE.template("bieu-do").unwrap();
    let size = family.manifest.sizes.iter().find(|own| own.id == size).unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|(label, text, length)| {
            json!({"label": label, "values": [{"text": text, "length": length}]})
        })
        .collect();
    let columns = ["Xã", "Tỷ lệ"];
    let chart = json!({"kind": kind, "columns": columns, "rows": rows, "strong": strong});
    let data = json!({"title": "Giải ngân", "chart": chart});
    let canvas = size.canvas();
    let sheet = Sheet { template: "bieu-do", brand: "demo", canvas, data: &data, photos: &[] };
    let layout = ENGINE.compose(&sheet).unwrap();
    assert!(layout.problems().is_empty(), "{kind} {canvas:?}");
    layout
}

/// Left, top, right, bottom of these words.
fn area(layout: &Layout, words: &str) -> [f64; 4] {
    layout.texts().iter().find(|text| text.text == words).unwrap().area
}

const SIZES: [&str; 5] = ["portrait", "square", "story", "link", "youtube"];

#[test]
fn points_of_a_line_stand_as_high_as_the_numbers_say() {
    let rows =
        [("2023", "0%", 0.0), ("2024", "20%", 0.25), ("2025", "60%", 0.75), ("2026", "80%", 1.0)];
    for size in SIZES {
        let layout = composed(size, "line", &rows, None);
        // Each value stands as far above its point as the others.
        let tops: Vec<_> = rows.iter().map(|(_, text, _)| area(&layout, text)[1]).collect();
        let high = tops[0] - tops[3];
        assert!(high > 100.0, "{size}: {high}");
        for ((label, _, length), top) in rows.iter().zip(&tops) {
            assert!((tops[0] - top - high * length).abs() < 1.0, "{size} {label}: {tops:?}");
        }
        // Time runs in even steps.
        let lefts =
            rows.map(|(label, ..)| area(&layout, label)).map(|at| f64::midpoint(at[0], at[2]));
        let step = lefts[1] - lefts[0];
        assert!(lefts.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 2.0), "{lefts:?}");
    }
}

#[test]
fn parts_of_a_whole_are_as_high_as_their_numbers_say() {
    let rows = [("Ẫng", "50%", 0.5), ("Hồ", "30%", 0.3), ("Phú", "18%", 0.18), ("Lầu", "2%", 0.02)];
    let paper = ENGINE.brand("demo").unwrap().theme.paper;
    for size in SIZES {
        let layout = composed(size, "share", &rows, Some(0));
        let picture = layout.pixels(0, 1.0);
        let [left, _, _, under] = area(&layout, "Tỷ lệ");
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place on a card"
        )]
        let (x, top) = (left as usize + 8, under as usize);
        // Down the column: parts parted by seams of paper, the foot after them.
        let width = picture.width as usize * 4;
        let mut parts: Vec<usize> = Vec::new();
        let mut inside = false;
        for row in picture.rgba.chunks_exact(width).skip(top) {
            let colour = Colour([row[x * 4], row[x * 4 + 1], row[x * 4 + 2]]);
            let is_part = colour.contrast(paper) >= 3.0;
            if is_part && !inside {
                parts.push(0);
            }
            if is_part && parts.len() > rows.len() {
                break;
            }
            if let Some(part) = parts.last_mut().filter(|_| is_part) {
                *part += 1;
            }
            inside = is_part;
        }
        parts.truncate(rows.len());
        let whole = f64::from(u32::try_from(parts.iter().sum::<usize>()).unwrap()) + 15.0;
        assert_eq!(parts.len(), rows.len(), "{size}: {parts:?}");
        for ((label, _, length), part) in rows.iter().zip(&parts) {
            let part = f64::from(u32::try_from(*part).unwrap());
            assert!((part + 4.0 - whole * length).abs() <= 8.0, "{size} {label}: {parts:?}");
        }
    }
}

#[test]
fn bars_are_as_long_as_the_numbers_say_and_stand_out_from_the_paper() {
    let rows = [("Ẫng", "80%", 1.0), ("Hồ", "60%", 0.75), ("Phú", "12%", 0.15), ("Lầu", "0%", 0.0)];
    let paper = ENGINE.brand("demo").unwrap().theme.paper;
    for size in SIZES {
        let layout = composed(size, "bars", &rows, Some(0));
        let picture = layout.pixels(0, 1.0);
        let colour = |x: usize, y: usize| {
            let at = (y * picture.width as usize + x) * 4;
            Colour([picture.rgba[at], picture.rgba[at + 1], picture.rgba[at + 2]])
        };
        let bar = |label: &str, value: &str| -> Vec<Colour> {
            let (from, to) = (area(&layout, label), area(&layout, value));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place on a card"
            )]
            let place = |x: f64| x.round() as usize;
            let y = place(f64::midpoint(from[1], from[3]));
            let row = (place(from[2]) + 4..place(to[0]) - 4).map(|x| colour(x, y));
            row.filter(|colour| colour.contrast(paper) >= 1.2).collect()
        };
        let bars: Vec<_> = rows.iter().map(|(label, value, _)| bar(label, value)).collect();
        // The line at zero is there in each row.
        let zero = bars[3].len();
        assert!((2..=8).contains(&zero), "{size}: {zero}");
        let long = |bar: &[Colour]| f64::from(u32::try_from(bar.len() - zero).unwrap());
        for ((label, _, length), bar) in rows.iter().zip(&bars) {
            let want = long(&bars[0]) * length;
            assert!(
                (long(bar) - want).abs() <= 2.5,
                "{size} {label}: {} and not {want}",
                long(bar)
            );
            // The accent lies inside the bar that counts; an edge of a pixel is a mixture.
            let pale = bar.iter().filter(|colour| colour.contrast(paper) < 3.0).count();
            let accent = if *label == "Ẫng" { 14 } else { 0 };
            assert!(pale <= accent + 2, "{size} {label}: {pale} pixels are too pale");
        }
        assert!(long(&bars[0]) * 4.0 > f64::from(picture.width), "{size}: {}", long(&bars[0]));
    }
}

#[test]
fn every_sample_is_drawn_whole_or_refused_by_the_sizes_that_are_known_to() {
    let drawn = specimens(&ENGINE, "bieu-do", "demo", None, (None, None)).unwrap();
    let refused: Vec<_> = drawn
        .iter()
        // The fonts of a machine may have no Korean.
        .filter(|one| one.sample != "korean" && !one.problems.is_empty())
        .map(|one| (one.sample.as_str(), one.size.as_str()))
        .collect();
    let known = [
        ("lines", "link"),
        ("longest", "square"),
        ("longest", "link"),
        ("longest", "youtube"),
        ("months", "square"),
        ("months", "link"),
        ("months", "youtube"),
    ];
    assert_eq!(refused, known);
    assert!(drawn.iter().all(|one| one.pixels.rgba.len() > 4));
}

#[test]
fn words_of_a_person_in_a_chart_end_in_a_picture_or_a_violation() {
    let hostile = [
        "ẫ".repeat(2000),
        "#panic(\"x\") $x$".to_owned(),
        "\u{202e}gnồđ".to_owned(),
        "Dài dòng ".repeat(40),
    ];
    for words in hostile {
        let (article, brief) = tabled(StoryKind::Comparison, &["Xã\tTỷ lệ", "Ẫng\t80%", "Hồ\t60%"]);
        let mut spoiled = serde_json::to_value(&brief).unwrap();
        let by = "01890000-0000-7000-8000-0000000000aa";
        let edit = json!([{ "op": "rewritten", "by": by, "at": "2026-11-22T04:00:00Z" }]);
        for place in ["/table/rows/0/0", "/table/columns/0", "/table/columns/1"] {
            let passage: &mut Value = spoiled.pointer_mut(place).unwrap();
            passage["text"] = words.clone().into();
            passage["edits"] = edit.clone();
        }
        let brief: Brief = serde_json::from_value(spoiled).unwrap();
        let done = render(&article, &brief, None).unwrap();
        assert_eq!(done.files.len() + done.violations.len(), 5, "{words}");
    }
}
