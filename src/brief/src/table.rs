//! The first table that compares: two or three columns, up to twelve rows, nothing missing. A card
//! that draws fewer is not made of it: a chart holds the months of a year.

use std::ops::Range;

use loa_model::{Article, Block, BlockKind, Passage, brief::Table};

use crate::{find, scan, text::whole};

/// Longest cell, in characters: a longer one is text and no cell.
const LONGEST: usize = 60;
/// Most rows below the head.
const MOST_ROWS: usize = 12;

/// The first table whose every row has the same two or three cells.
pub(crate) fn table(article: &Article) -> Option<Table> {
    let mut at = 0;
    while at < article.blocks.len() {
        let rows: Vec<(usize, &Block)> = article
            .blocks
            .iter()
            .enumerate()
            .skip(at)
            .take_while(|(_, block)| block.kind == BlockKind::TableRow)
            .collect();
        at += rows.len().max(1);
        if let Some(table) = read(article, &rows) {
            return Some(table);
        }
    }
    None
}

fn read(article: &Article, rows: &[(usize, &Block)]) -> Option<Table> {
    let ((head, first), body) = rows.split_first()?;
    let columns = cells(&first.text);
    if !(2..=3).contains(&columns.len()) || !(2..=MOST_ROWS).contains(&body.len()) {
        return None;
    }
    let text = |block: &Block, cell: &Range<usize>| {
        block.text.get(cell.clone()).unwrap_or_default().to_owned()
    };
    let fits = |cell: &str| (1..=LONGEST).contains(&cell.chars().count());
    let heads = columns.iter().enumerate().all(|(i, cell)| {
        let words = text(first, cell);
        // Above what is compared nothing need stand; a quantity is the cell of a table without a head.
        (i == 0 && words.is_empty()) || (fits(&words) && (i == 0 || !is_quantity(&words)))
    });
    let passage = |block: usize, cells: &[Range<usize>]| -> Vec<Passage> {
        cells.iter().map(|cell| whole(article, block, cell)).collect()
    };
    let row = |(block, b): &(usize, &Block)| {
        let cells = cells(&b.text);
        let whole = cells.len() == columns.len() && cells.iter().all(|cell| fits(&text(b, cell)));
        whole.then(|| passage(*block, &cells))
    };
    let rows = body.iter().map(row).collect::<Option<_>>()?;
    heads.then(|| Table { columns: passage(*head, &columns), rows })
}

/// The cells of a row, without the spaces around their words.
fn cells(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut found = Vec::new();
    for cell in text.split('\t') {
        found.push(find::bare(text, at..at + cell.len()));
        at += cell.len() + 1;
    }
    found
}

/// Whether a cell is an amount and no head: “4.960.000 đồng”, “70%”, but not “2026” or “6 tháng đầu năm”.
fn is_quantity(cell: &str) -> bool {
    const TIMES: [&str; 7] = ["tháng", "quý", "năm", "ngày", "giờ", "tuổi", "tuần"];
    let Some(number) = scan::numbers(cell).into_iter().find(|number| number.start == 0) else {
        return false;
    };
    let rest = cell.get(number.end..).unwrap_or_default();
    let year = number.len() == 4 && rest.is_empty();
    !year && !TIMES.iter().any(|time| rest.trim_start().starts_with(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{article, block};

    fn check(rows: &[&str], expected: Option<&str>) {
        let mut blocks = vec![block(BlockKind::Title, "Bảng giá")];
        blocks.extend(rows.iter().map(|row| {
            let kind = if row.contains('\t') { BlockKind::TableRow } else { BlockKind::Paragraph };
            block(kind, row)
        }));
        let article = article(blocks);
        let line = |row: &Vec<Passage>| {
            assert!(row.iter().all(|cell| cell.is_faithful(&article)));
            row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("|")
        };
        let shown = table(&article).map(|t| {
            std::iter::once(&t.columns).chain(&t.rows).map(line).collect::<Vec<_>>().join("\n")
        });
        assert_eq!(shown.as_deref(), expected);
    }

    #[test]
    fn whole_small_tables() {
        check(
            &[
                "\tNăm 2025\tTừ 1/7/2026",
                "Vùng I\t4.960.000\t5.310.000",
                "Vùng Ẫ\t4.410.000\t 4.730.000 ",
            ],
            Some("|Năm 2025|Từ 1/7/2026\nVùng I|4.960.000|5.310.000\nVùng Ẫ|4.410.000|4.730.000"),
        );
        // The first that fits, not the first.
        check(
            &["A\tB", "Chỉ một\thàng", "Rồi tới bảng sau.", "Mục\tMức", "a\t1", "b\t2"],
            Some("Mục|Mức\na|1\nb|2"),
        );
    }

    #[test]
    fn anything_else_is_no_table() {
        let long = format!("a\t{}", "ẫ".repeat(61));
        check(&["A\tB", "a\t1"], None);
        check(&["A\tB", "a\t1", "b\t2\t3"], None);
        check(&["A\tB", "a\t1", "b\t"], None);
        check(&["A\t", "a\t1", "b\t2"], None);
        check(&["A\tB", "a\t1", &long], None);
        check(&["A\tB\tC\tD", "a\t1\t2\t3", "b\t1\t2\t3"], None);
        check(
            &["Vùng I\t4.960.000 đồng", "Vùng II\t4.410.000 đồng", "Vùng III\t3.860.000 đồng"],
            None,
        );
        let year: Vec<String> = (1..=12).map(|month| format!("Tháng {month}\t{month}0")).collect();
        let mut rows: Vec<&str> =
            std::iter::once("Tháng\tLượt khách").chain(year.iter().map(String::as_str)).collect();
        check(&rows, Some(&rows.join("\n").replace('\t', "|")));
        rows.push("Cả năm\t780");
        check(&rows, None);
    }
}
