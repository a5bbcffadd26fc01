//! The first sheet of a workbook (XLSX) as a table of text. Files come from people: no more is unpacked than a table may hold,
//! whatever the file says of its own sizes, and no formula is ever computed.

use std::io::{Cursor, Read as _};

use jiff::{
    SignedDuration,
    civil::{DateTime, date},
};
use roxmltree::{Document, Node, ParsingOptions};
use zip::ZipArchive;

/// Bytes of one part of a workbook when it is unpacked.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// Elements of one part.
const MOST_NODES: u32 = 1_000_000;
/// Files inside a workbook.
const MOST_FILES: usize = 2_000;
/// Columns that are looked at.
const MOST_COLUMNS: usize = 100;

/// Why a workbook gives no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is no workbook, or one that a password locks.
    NoWorkbook,
    /// Its parts are larger than any table of posts.
    TooLarge,
}

impl Broken {
    /// The key of its words.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::NoWorkbook => "calendar_import.no_workbook",
            Self::TooLarge => "calendar_import.too_large",
        }
    }
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Whether these bytes are a workbook and no text.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Rows of the first sheet, at most `most` of them; empty ones are left out.
pub(super) fn table(bytes: &[u8], most: usize) -> Result<Vec<Vec<String>>, Broken> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Broken::NoWorkbook)?;
    if archive.len() > MOST_FILES {
        return Err(Broken::TooLarge);
    }
    let book = part(&mut archive, "xl/workbook.xml")?.ok_or(Broken::NoWorkbook)?;
    let relations = part(&mut archive, "xl/_rels/workbook.xml.rels")?.unwrap_or_default();
    let (path, from_1904) = first_sheet(&book, &relations)?;
    let strings = part(&mut archive, "xl/sharedStrings.xml")?;
    let strings = strings.map(|xml| shared(&xml)).transpose()?.unwrap_or_default();
    let styles = part(&mut archive, "xl/styles.xml")?;
    let times = styles.map(|xml| time_styles(&xml)).transpose()?.unwrap_or_default();
    let sheet = part(&mut archive, &path)?.ok_or(Broken::NoWorkbook)?;
    let sheet = parsed(&sheet)?;
    let mut rows = Vec::new();
    for row in elements(sheet.root_element(), "row") {
        let mut cells = Vec::new();
        for cell in row.children().filter(|node| is(node, "c")) {
            let at = cell.attribute("r").and_then(column).unwrap_or(cells.len());
            if at >= MOST_COLUMNS {
                continue;
            }
            if cells.len() <= at {
                cells.resize(at + 1, String::new());
            }
            cells[at] = text(cell, &strings, &times, from_1904);
        }
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if rows.len() >= most {
            return Err(Broken::TooLarge);
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// A part as text; nothing when there is none of this name.
fn part(archive: &mut Archive<'_>, name: &str) -> Result<Option<String>, Broken> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(_) => return Err(Broken::NoWorkbook),
    };
    let mut bytes = Vec::new();
    // What the file says of its size is a claim: only what comes out is counted.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|_| Broken::NoWorkbook)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Broken::TooLarge);
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Broken::NoWorkbook)
}

fn parsed(xml: &str) -> Result<Document<'_>, Broken> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(xml.trim_start_matches('\u{feff}'), options).map_err(|error| {
        match error {
            roxmltree::Error::NodesLimitReached => Broken::TooLarge,
            _ => Broken::NoWorkbook,
        }
    })
}

/// Names are told without their space: programs write it in several ways.
fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn elements<'a, 'input>(
    of: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    of.descendants().filter(move |node| is(node, name))
}

/// Where the first sheet is, and whether its days are counted from 1904.
fn first_sheet(book: &str, relations: &str) -> Result<(String, bool), Broken> {
    let book = parsed(book)?;
    let from_1904 = elements(book.root_element(), "workbookPr")
        .any(|node| matches!(node.attribute("date1904"), Some("1" | "true")));
    let sheet = elements(book.root_element(), "sheet").next().ok_or(Broken::NoWorkbook)?;
    let id = sheet
        .attributes()
        .find(|attribute| attribute.name() == "id" && attribute.namespace().is_some());
    let mut path = "xl/worksheets/sheet1.xml".to_owned();
    if let (Some(id), false) = (id, relations.is_empty()) {
        let relations = parsed(relations)?;
        let of_it = |node: &Node<'_, '_>| node.attribute("Id") == Some(id.value());
        let target = elements(relations.root_element(), "Relationship").find(of_it);
        if let Some(target) = target.and_then(|node| node.attribute("Target")) {
            path = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
        }
    }
    Ok((path, from_1904))
}

/// Texts that cells name by number.
fn shared(xml: &str) -> Result<Vec<String>, Broken> {
    let document = parsed(xml)?;
    Ok(document.root_element().children().filter(|node| is(node, "si")).map(words).collect())
}

/// The words of a text, without how an East Asian reader would say them.
fn words(of: Node<'_, '_>) -> String {
    let spoken = |node: &Node<'_, '_>| node.ancestors().any(|above| is(&above, "rPh"));
    let texts = elements(of, "t").filter(|node| !spoken(node));
    texts
        .flat_map(|node| node.children().filter_map(|text| text.text().map(str::to_owned)))
        .collect()
}

/// For each style of cells, whether it shows a number as a time.
fn time_styles(xml: &str) -> Result<Vec<bool>, Broken> {
    let document = parsed(xml)?;
    let root = document.root_element();
    let own: Vec<(u32, bool)> = elements(root, "numFmt")
        .filter_map(|node| {
            let id = node.attribute("numFmtId")?.parse().ok()?;
            Some((id, shows_time(node.attribute("formatCode")?)))
        })
        .collect();
    let of = |node: Node<'_, '_>| {
        let id: u32 = node.attribute("numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
        let named = own.iter().find(|(known, _)| *known == id).map(|(_, time)| *time);
        // Formats of the standard that have no name of their own.
        named.unwrap_or(matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58))
    };
    let cells = root.children().find(|node| is(node, "cellXfs"));
    let formats = cells.into_iter().flat_map(|node| node.children().filter(|node| is(node, "xf")));
    Ok(formats.map(of).collect())
}

/// Whether a format holds a part of a time, outside quoted words and what stands in brackets.
fn shows_time(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut skip) = (false, false, false);
    code.chars().any(|c| {
        if std::mem::take(&mut skip) {
            return false;
        }
        match c {
            '\\' | '_' | '*' => skip = true,
            '"' => quoted = !quoted,
            '[' => bracketed = true,
            ']' => bracketed = false,
            _ => {}
        }
        !quoted && !bracketed && matches!(c.to_ascii_lowercase(), 'y' | 'd' | 'h' | 's')
    })
}

/// The column of a reference: `AB12` is 27.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters
        .take(4)
        .fold(0_usize, |n, letter| n * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// What a cell shows. A formula counts as the value that was kept with it; one without is its own text.
fn text(cell: Node<'_, '_>, strings: &[String], times: &[bool], from_1904: bool) -> String {
    let child = |name: &'static str| cell.children().find(|node| is(node, name));
    let value = child("v").and_then(|node| node.text()).unwrap_or_default();
    match cell.attribute("t") {
        Some("s") => {
            value.parse().ok().and_then(|n: usize| strings.get(n).cloned()).unwrap_or_default()
        }
        Some("inlineStr") => child("is").map(words).unwrap_or_default(),
        Some("str" | "e" | "d") => value.to_owned(),
        Some("b") => (value == "1").to_string(),
        _ if value.is_empty() => {
            let formula = child("f").and_then(|node| node.text()).filter(|text| !text.is_empty());
            formula.map(|text| format!("={text}")).unwrap_or_default()
        }
        _ => {
            let style: usize = cell.attribute("s").and_then(|s| s.parse().ok()).unwrap_or(0);
            let is_time = times.get(style).copied().unwrap_or(false);
            let time = value.parse().ok().filter(|_| is_time).and_then(|n| wall(n, from_1904));
            time.map_or_else(
                || value.to_owned(),
                |time| time.strftime("%Y-%m-%d %H:%M").to_string(),
            )
        }
    }
}

/// The wall time of a day number as Excel counts them, to the minute.
pub(super) fn wall(days: f64, from_1904: bool) -> Option<DateTime> {
    // Excel takes 1900 for a leap year: from March on its first day is 30 December 1899.
    let first = if from_1904 { date(1904, 1, 1) } else { date(1899, 12, 30) };
    if !(61.0..2_958_466.0).contains(&days) {
        return None;
    }
    let minutes = (days * 1440.0).round();
    let later = SignedDuration::try_from_secs_f64(minutes * 60.0).ok()?;
    first.to_datetime(jiff::civil::Time::midnight()).checked_add(later).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rust_xlsxwriter::{Format, Formula, Workbook};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    /// A workbook made of these files.
    fn book(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const BOOK: &[u8] = b"<workbook><sheets><sheet name=\"a\"/></sheets></workbook>";

    #[test]
    fn times_texts_and_formulas_are_read_as_people_see_them() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let time = Format::new().set_num_format("dd/mm/yyyy hh:mm");
        let odd = Format::new().set_num_format("[$-42A]0.0\" giờ\"");
        for (column, head) in (0u16..).zip(["Giờ", "Tài khoản", "Lời"]) {
            sheet.write_string(0, column, head).unwrap();
        }
        let wall: DateTime = "2026-11-20T07:30:00".parse().unwrap();
        sheet.write_datetime_with_format(1, 0, wall, &time).unwrap();
        sheet.write_string(1, 1, "facebook:cong-tin").unwrap();
        sheet.write_string(1, 2, "Bão \"số\" 9 & lũ\nquét").unwrap();
        sheet.write_string(3, 0, "07:30 21/11/2026").unwrap();
        sheet
            .write_formula(3, 1, Formula::new("=HYPERLINK(\"x\")").set_result("zalo:cong-tin"))
            .unwrap();
        sheet.write_number_with_format(3, 2, 12.0, &odd).unwrap();
        sheet.write_boolean(4, 3, true).unwrap();
        let bytes = book.save_to_buffer().unwrap();
        assert!(is_one(&bytes) && !is_one(b"a,b"));
        let read = table(&bytes, 10).unwrap();
        assert_eq!(
            read,
            [
                row(&["Giờ", "Tài khoản", "Lời"]),
                row(&["2026-11-20 07:30", "facebook:cong-tin", "Bão \"số\" 9 & lũ\nquét"]),
                row(&["07:30 21/11/2026", "zalo:cong-tin", "12"]),
                row(&["", "", "", "true"]),
            ]
        );
        assert_eq!(table(&bytes, 3), Err(Broken::TooLarge));
    }

    #[test]
    fn days_are_counted_from_1900_or_1904() {
        let at = |text: &str| Some(text.parse::<DateTime>().unwrap());
        assert_eq!(wall(46346.3125, false), at("2026-11-20T07:30:00"));
        assert_eq!(wall(44884.3125, true), at("2026-11-20T07:30:00"));
        // A fraction that no minute is exactly.
        assert_eq!(wall(46_346.020_833_333, false), at("2026-11-20T00:30:00"));
        assert_eq!(
            (wall(-1.0, false), wall(1e12, false), wall(f64::NAN, false)),
            (None, None, None)
        );
    }

    #[test]
    fn a_cell_without_a_place_follows_the_one_before_and_a_formula_without_a_value_is_text() {
        let sheet = "<worksheet><sheetData><row><c t=\"inlineStr\"><is><t>a</t><rPh><t>đọc</t></rPh></is></c><c><f>1+1</f></c>\
            <c r=\"E1\"><v>7</v></c><c t=\"s\"><v>99</v></c><c r=\"ZZZZ1\"><v>1</v></c></row></sheetData></worksheet>";
        let bytes =
            book(&[("xl/workbook.xml", BOOK), ("xl/worksheets/sheet1.xml", sheet.as_bytes())]);
        assert_eq!(table(&bytes, 9).unwrap(), [row(&["a", "=1+1", "", "", "7", ""])]);
    }

    #[test]
    fn what_is_no_table_is_refused_before_it_fills_the_memory() {
        let bomb = vec![b' '; usize::try_from(MOST_BYTES).unwrap() + 2];
        let large = book(&[("xl/workbook.xml", BOOK), ("xl/worksheets/sheet1.xml", &bomb)]);
        assert!(large.len() < 100_000, "it is small before it is unpacked");
        assert_eq!(table(&large, 9), Err(Broken::TooLarge));
        let large = book(&[("xl/workbook.xml", &bomb)]);
        assert_eq!(table(&large, 9), Err(Broken::TooLarge));
        let cells = format!("<worksheet>{}</worksheet>", "<c/>".repeat(1_000_001));
        let many =
            book(&[("xl/workbook.xml", BOOK), ("xl/worksheets/sheet1.xml", cells.as_bytes())]);
        assert_eq!(table(&many, 9), Err(Broken::TooLarge));
        let deep = "<a>".repeat(300_000);
        let deep =
            book(&[("xl/workbook.xml", BOOK), ("xl/worksheets/sheet1.xml", deep.as_bytes())]);
        assert_eq!(table(&deep, 9), Err(Broken::NoWorkbook));
        // Words that stand for others, ten deep, are how a small file becomes a large one.
        let laughs =
            b"<!DOCTYPE w [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><workbook>&b;</workbook>";
        assert_eq!(table(&book(&[("xl/workbook.xml", laughs)]), 9), Err(Broken::NoWorkbook));
        // Paths that lead elsewhere lead nowhere.
        let away = b"<Relationships><Relationship Id=\"r1\" Target=\"../../../etc/passwd\"/></Relationships>";
        let named = b"<workbook xmlns:r=\"x\"><sheets><sheet r:id=\"r1\"/></sheets></workbook>";
        let away = book(&[("xl/workbook.xml", named), ("xl/_rels/workbook.xml.rels", away)]);
        assert_eq!(table(&away, 9), Err(Broken::NoWorkbook));
        for bytes in [&b"PK\x03\x04"[..], b"", &book(&[("word/document.xml", b"<w/>")])] {
            assert_eq!(table(bytes, 9), Err(Broken::NoWorkbook));
        }
    }

    #[test]
    fn formats_show_a_time_or_they_do_not() {
        for code in ["dd/mm/yyyy hh:mm", "h:mm AM/PM", "[$-42A]dd mmmm", "[h]:mm:ss"] {
            assert!(shows_time(code), "{code}");
        }
        for code in ["General", "0.00", "\"days\" 0", "#,##0\\d", "0.0_d", "[Red]0"] {
            assert!(!shows_time(code), "{code}");
        }
    }
}
