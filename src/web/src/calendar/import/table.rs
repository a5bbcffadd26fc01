//! Tables of text as spreadsheets write them.

/// Cells of a table of text. The mark of its first line decides what parts them: a comma, a semicolon or a tab.
pub(super) fn table(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let marks = [',', ';', '\t'];
    let mark = marks.into_iter().max_by_key(|mark| first.matches(*mark).count()).unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c if c == mark && !quoted => row.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    row.push(cell);
    rows.push(row);
    rows.retain(|row| row.iter().any(|cell| !cell.trim().is_empty()));
    rows
}

/// A table as text that [`table`] reads back: what a workbook held goes through the form so.
pub(super) fn written(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            if column > 0 {
                out.push('\t');
            }
            // The marks of the first line decide what parts cells.
            let cell = if n == 0 { cell.replace([',', ';'], " ") } else { cell.clone() };
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        }
        out.push('\n');
    }
    out
}

/// A cell without the apostrophe that keeps spreadsheets from running it as a formula.
pub(super) fn plain(cell: &str) -> &str {
    let rest = cell.strip_prefix('\'');
    rest.filter(|rest| rest.starts_with(['=', '+', '-', '@', '\t', '\r'])).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_spreadsheets_write_it() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let expect = vec![row(["a", "b;c", "x"]), row(["Bão, \"lũ\"\nquét", "", "ộ"])];
        for text in [
            "\u{feff}a,b;c,x\r\n\"Bão, \"\"lũ\"\"\nquét\",,ộ\r\n",
            "a\tb;c\tx\n\"Bão, \"\"lũ\"\"\nquét\"\t\tộ\n\n",
            "a;\"b;c\";x\n\"Bão, \"\"lũ\"\"\nquét\";;ộ",
        ] {
            assert_eq!(table(text), expect, "{text:?}");
        }
        assert_eq!(table(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let rows = [row(&["Giờ", "Lời"]), row(&["7", "a\t\"b\"\nc;d,e"]), row(&["", "ộ"])];
        assert_eq!(table(&written(&rows)), rows);
        assert_eq!(table(&written(&[row(&["a,b,c", "d"]), row(&["x", "y"])]))[1], row(&["x", "y"]));
        assert_eq!((plain("'=1"), plain("'a"), plain("=1")), ("=1", "'a", "=1"));
    }
}
