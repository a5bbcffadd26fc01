//! Workbooks read without the crate that writes them.

use std::{collections::BTreeMap, io::Read as _};

/// A cell as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Flag(bool),
}

/// A sheet as the file has it.
#[derive(Debug)]
pub struct Sheet {
    pub name: String,
    pub cells: BTreeMap<String, Cell>,
    pub xml: String,
}

/// The files a workbook is made of.
pub fn parts(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

/// The sheets as another program would read them.
pub fn sheets(bytes: &[u8]) -> Vec<Sheet> {
    let parts = parts(bytes);
    let strings = roxmltree::Document::parse(&parts["xl/sharedStrings.xml"]).unwrap();
    let strings: Vec<String> = strings
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
        .map(|item| item.descendants().filter_map(|n| n.text().filter(|_| n.is_text())).collect())
        .collect();
    let book = roxmltree::Document::parse(&parts["xl/workbook.xml"]).unwrap();
    let names = book.descendants().filter(|node| node.has_tag_name("sheet"));
    names
        .enumerate()
        .map(|(index, node)| {
            let xml = parts[&format!("xl/worksheets/sheet{}.xml", index + 1)].clone();
            let sheet = roxmltree::Document::parse(&xml).unwrap();
            let cells = sheet.descendants().filter(|node| node.has_tag_name("c"));
            let cells = cells
                .map(|cell| {
                    assert!(!cell.children().any(|n| n.has_tag_name("f")), "a formula");
                    let text = cell
                        .children()
                        .find(|n| n.has_tag_name("v"))
                        .and_then(|n| n.text())
                        .expect("a cell that is there has something in it");
                    let value = match cell.attribute("t") {
                        Some("s") => Cell::Text(strings[text.parse::<usize>().unwrap()].clone()),
                        Some("b") => Cell::Flag(text == "1"),
                        None => Cell::Number(text.parse().unwrap()),
                        Some(other) => panic!("a cell of type {other}"),
                    };
                    (cell.attribute("r").unwrap().to_owned(), value)
                })
                .collect();
            Sheet { name: node.attribute("name").unwrap().to_owned(), cells, xml }
        })
        .collect()
}

impl Sheet {
    /// Lines by their Vietnamese heading.
    pub fn lines(&self) -> Vec<BTreeMap<String, Cell>> {
        let mut heads = BTreeMap::new();
        let mut lines: BTreeMap<u32, BTreeMap<String, Cell>> = BTreeMap::new();
        for (at, cell) in &self.cells {
            let (column, row): (String, String) = at.chars().partition(char::is_ascii_alphabetic);
            match (row.parse().unwrap(), cell) {
                (1, Cell::Text(text)) => {
                    heads.insert(column, text.clone());
                }
                (row, cell) => {
                    lines.entry(row).or_default().insert(column, cell.clone());
                }
            }
        }
        let named = |line: BTreeMap<String, Cell>| {
            line.into_iter().map(|(column, cell)| (heads[&column].clone(), cell)).collect()
        };
        lines.into_values().map(named).collect()
    }
}
