//! A table as a chart: how long each of its numbers is beside the others, or that a picture of them would mislead.
//!
//! Numbers decide lengths and nothing else: what is written in a picture are the cells. In any doubt there is no chart, and the
//! table is drawn as it stands. Cards and clips ask the same question here, so a table is charted in both or in neither.

mod cell;
mod time;

use loa_model::{Passage, brief::Table};

use cell::{Cell, is_hedged, numbers};

/// Fewest rows of a line: two points are a comparison.
const FEWEST_POINTS: usize = 3;
/// Parts of one whole, in millionths: 100 %, and what rounding may add or take.
const WHOLE: u128 = 100_000_000;
const ROUNDING: u128 = 500_000;

/// How a table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Bars from zero, one a row and column.
    Bars,
    /// A line over time from zero.
    Line,
    /// Parts of one whole.
    Share,
}

impl Kind {
    /// Its name in the data of a template.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Line => "line",
            Self::Share => "share",
        }
    }
}

/// A table that can be charted.
///
/// ```
/// use loa_canvas::chart::{Chart, Kind};
/// use loa_model::{Passage, Span, brief::Table};
///
/// let cell = |text: &str| {
///     let span = Span { revision: 1, block: 0, start: 0, end: 0 };
///     Passage { text: text.to_owned(), span, edits: vec![] }
/// };
/// let row = |label, value| vec![cell(label), cell(value)];
/// let rows = vec![row("Mường Ẫng", "80%"), row("Tân Phú", "60%")];
/// let mut table = Table { columns: row("Xã", "Tỷ lệ giải ngân"), rows };
/// let chart = Chart::of(&table, "vi").unwrap();
/// assert_eq!((chart.kind, chart.strong), (Kind::Bars, Some(0)));
/// assert_eq!(chart.lengths(Kind::Bars), [[1.0], [0.75]]);
///
/// // A range has no length, so there is no chart.
/// table.rows[0][1] = cell("75–80%");
/// assert_eq!(Chart::of(&table, "vi"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The kind that says most.
    pub kind: Kind,
    /// The latest row of a line, else the only greatest of the last column.
    pub strong: Option<usize>,
    /// What each row says, in one unit.
    rows: Vec<Vec<u128>>,
}

impl Chart {
    /// Reads a table written in this language; nothing when its cells are not numbers of one unit, or a picture of them would say
    /// what the article does not.
    pub fn of(table: &Table, lang: &str) -> Option<Self> {
        let (first, heads) = table.columns.split_first()?;
        let cells = cells(table)?;
        let labels: Vec<&str> = table.rows.iter().map(|row| row[0].text.trim()).collect();
        let units: Vec<_> =
            heads.iter().zip(&cells[0]).map(|(head, cell)| unit(head, cell)).collect();
        let (unit, rest) = units.split_first()?;
        let is_time = time::all(&labels);
        let is_same = rest.iter().all(|other| other == unit);
        let is_named = labels.iter().all(|label| is_time || label.contains(char::is_alphabetic));
        let is_flat =
            is_time || !(is_nested(&labels) || labels.iter().any(|label| is_total(label)));
        // “7 giờ” is a time of the day or a length of it.
        let is_clock = ["giờ", "h"].contains(&unit.cell.as_str());
        if !is_same || !is_named || !is_flat || is_clock {
            return None;
        }
        let digits: Vec<&str> = cells.iter().flatten().map(|cell| cell.digits).collect();
        let are_years = digits.iter().all(|digits| time::is_year(digits));
        if *unit == Unit::default() && (are_years || !is_alike(first, heads, &labels, is_time)) {
            return None;
        }
        let scales = cells.iter().flatten().map(|cell| cell.scale);
        let values: Vec<u128> = numbers(&digits, lang)?
            .into_iter()
            .zip(scales)
            .map(|(value, scale)| value.checked_mul(scale))
            .collect::<Option<_>>()?;
        let rows: Vec<Vec<u128>> = values.chunks(heads.len()).map(<[_]>::to_vec).collect();
        let sum = values.iter().try_fold(0_u128, |sum, value| sum.checked_add(*value))?;
        // The lengths must stay below the greatest number there is.
        if sum == 0 || sum.checked_mul(2 * u128::from(FULL)).is_none() {
            return None;
        }
        let is_share = heads.len() == 1 && unit.is_percent() && sum.abs_diff(WHOLE) <= ROUNDING;
        let kind = if rows.len() >= FEWEST_POINTS && time::evenly(&labels) {
            Kind::Line
        } else if is_share {
            Kind::Share
        } else {
            Kind::Bars
        };
        // A row that is all the others together dwarfs them; parts of a hundred may be so by chance.
        if kind == Kind::Bars && !unit.is_percent() && (0..rows.len()).any(|at| is_sum(&rows, at)) {
            return None;
        }
        let strong = if kind == Kind::Line { Some(rows.len() - 1) } else { greatest(&rows) };
        Some(Self { kind, strong, rows })
    }

    /// How long each value is when drawn in this way, 0 to 1 in steps of 1/10,000: beside the greatest, or of the whole. A list for
    /// each row of the table, without its first column.
    pub fn lengths(&self, kind: Kind) -> Vec<Vec<f64>> {
        let all = || self.rows.iter().flatten();
        let full =
            if kind == Kind::Share { all().sum() } else { all().copied().max().unwrap_or(1) };
        let length = |value: &u128| {
            let parts = (value * u128::from(FULL) + full / 2) / full;
            f64::from(u32::try_from(parts).unwrap_or(FULL)) / f64::from(FULL)
        };
        self.rows.iter().map(|row| row.iter().map(length).collect()).collect()
    }
}

/// The length of the greatest: finer than the pixels of any card.
const FULL: u32 = 10_000;

/// Every cell but the first column's, when each is a number and those of a column have one unit.
fn cells(table: &Table) -> Option<Vec<Vec<Cell<'_>>>> {
    fn row(cells: &[Passage]) -> Option<Vec<Cell<'_>>> {
        cells.iter().skip(1).map(|cell| Cell::of(&cell.text)).collect()
    }
    let whole = table.rows.iter().all(|row| row.len() == table.columns.len());
    let rows = table.rows.iter().map(|cells| row(cells)).collect::<Option<Vec<_>>>()?;
    let first = rows.first()?;
    let same =
        |row: &Vec<Cell<'_>>| row.iter().zip(first).all(|(one, other)| one.unit == other.unit);
    (whole && rows.len() >= 2 && rows.iter().all(same)).then_some(rows)
}

/// What the numbers of a column count, as far as its cells and its head say so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Unit {
    cell: String,
    head: String,
}

impl Unit {
    fn is_percent(&self) -> bool {
        [self.cell.as_str(), &self.head].iter().all(|unit| matches!(*unit, "" | "%"))
            && (self.cell == "%" || self.head == "%")
    }
}

/// The unit of a column: in its cells, and in its head in parentheses (“Giá (đồng/lít)”, “Tỷ trọng (%)”) or as its last sign.
fn unit(head: &Passage, cell: &Cell<'_>) -> Unit {
    let head = head.text.trim().to_lowercase();
    let inner = head.strip_suffix(')').and_then(|head| head.rsplit_once('('));
    let inner = inner.map_or("", |(_, inner)| inner).trim();
    let inner = ["đvt:", "đơn vị:", "đơn vị tính:", "unit:"]
        .iter()
        .find_map(|word| inner.strip_prefix(word))
        .unwrap_or(inner)
        .trim();
    // “(01/7)” is a day.
    let is_unit = !inner.contains(|c: char| c.is_ascii_digit());
    let head = if head.ends_with('%') {
        "%"
    } else if is_unit {
        inner
    } else {
        ""
    };
    Unit { cell: cell.unit.clone(), head: head.to_owned() }
}

/// Rows under rows: “- Trong đó: nữ”, “1.1 …”, or “I.” beside “1.”: a part would stand beside its whole.
fn is_nested(labels: &[&str]) -> bool {
    #[derive(PartialEq)]
    enum Mark {
        None,
        Number,
        Letter,
        Nested,
    }
    let mark = |label: &&str| {
        let label = label.to_lowercase();
        let first = label.split_whitespace().next().unwrap_or_default();
        let body = first.trim_end_matches(['.', ')', ':', '/']);
        let is_number = body.chars().all(|c| c.is_ascii_digit());
        // “TP.” numbers nothing.
        let is_letter = body.chars().count() == 1 || body.chars().all(|c| "ivx".contains(c));
        let is_dotted = body.contains('.') && body.chars().all(|c| c.is_ascii_digit() || c == '.');
        let opens = |word: &&str| label.starts_with(word);
        if is_dotted || ["-", "–", "+", "•", "*", "trong đó", "of which"].iter().any(opens) {
            Mark::Nested
        } else if body == first || !(is_number || is_letter) {
            Mark::None
        } else if is_number {
            Mark::Number
        } else {
            Mark::Letter
        }
    };
    let marks: Vec<_> = labels.iter().map(mark).collect();
    marks.contains(&Mark::Nested) || marks.windows(2).any(|pair| pair[0] != pair[1])
}

/// A row that sums up the others stands beside them as if it were one of them.
fn is_total(label: &str) -> bool {
    const TOTALS: [&str; 8] =
        ["tổng", "tổng cộng", "tổng số", "cộng", "chung", "toàn bộ", "total", "all"];
    let label = label.to_lowercase();
    let label = label.trim_end_matches([':', '.', ' ']);
    TOTALS.contains(&label) || label.starts_with("tổng cộng ") || label.starts_with("tổng số ")
}

/// Whether rows and columns without a unit count the same thing all the same: the head says what is counted, or the rows are
/// moments, or of one kind (“Vùng I”, “Vùng II”); and two columns are two moments.
fn is_alike(first: &Passage, heads: &[Passage], labels: &[&str], is_time: bool) -> bool {
    const COUNTS: [&str; 4] = ["số ", "dân số", "number of ", "population"];
    const VAGUE: [&str; 4] = ["số lượng", "số liệu", "số tiền", "số đo"];
    const ORDERS: [&str; 7] = ["hạng", "mã", "stt", "thứ", "vị", "rank", "code"];
    const KINDS: [&str; 5] = ["chỉ tiêu", "nội dung", "hạng mục", "tiêu chí", "indicator"];
    let heads: Vec<String> = heads.iter().map(|head| head.text.trim().to_lowercase()).collect();
    let counts = |head: &String| {
        COUNTS.iter().any(|word| head.starts_with(word))
            && !VAGUE.iter().any(|word| head.starts_with(word))
    };
    let mut kinds =
        labels.iter().map(|label| label.split_whitespace().next().map(str::to_lowercase));
    let kind = kinds.next();
    // “Số hộ”, “Số xã”: each row counts another thing.
    let one_kind = kinds.all(|other| Some(&other) == kind.as_ref())
        && !labels.iter().any(|label| counts(&label.to_lowercase()) || label.contains('('))
        && !KINDS.contains(&first.text.trim().to_lowercase().as_str());
    // A rank, a code: the greater is not more.
    let orders = |head: &String| head.split_whitespace().any(|word| ORDERS.contains(&word));
    match heads.as_slice() {
        heads if heads.iter().any(orders) => false,
        [head] => is_time || one_kind || counts(head),
        heads => {
            let said: Vec<_> = heads.iter().map(|head| beside_moment(head)).collect();
            let same = said.windows(2).all(|pair| pair[0].is_some() && pair[0] == pair[1]);
            (is_time || one_kind) && same
        }
    }
}

/// What a head says beside the moment it names; nothing when it names none.
fn beside_moment(head: &str) -> Option<Vec<&str>> {
    const WHEN: [&str; 14] = [
        "trước", "sau", "đây", "nay", "hiện", "tại", "hành", "cũ", "mới", "năm", "quý", "tháng",
        "từ", "ngày",
    ];
    let words = || head.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_when = |word: &&str| WHEN.contains(word) || word.contains(|c: char| c.is_ascii_digit());
    let rest = words().filter(|word| !is_when(word)).collect();
    (words().any(|word| is_when(&word)) && !is_hedged(head)).then_some(rest)
}

/// Whether a row is all the others together, in each column.
fn is_sum(rows: &[Vec<u128>], at: usize) -> bool {
    let columns = rows[at].len();
    let total = |column: usize| rows.iter().map(|row| row[column]).sum::<u128>();
    rows.len() >= 3 && (0..columns).all(|column| total(column) == 2 * rows[at][column])
}

/// The row with the greatest number of the last column, when it is the only one.
fn greatest(rows: &[Vec<u128>]) -> Option<usize> {
    let most = rows.iter().filter_map(|row| row.last()).max()?;
    let mut found = (0..rows.len()).filter(|at| rows[*at].last() == Some(most));
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests;
