//! Tables of the other pages of reports: rankings, hours, operations, the posts of an article. One table, three formats.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use loa_model::AccountName;
use parquet::{
    data_type::{BoolType, ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{metadata::KeyValue, properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use rust_xlsxwriter::{
    Color, DocProperties, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, XlsxError,
};

use super::{
    Titles,
    csv::csv_cell,
    parquet::put,
    words::{READING, cell_words},
    xlsx::text as quoted,
};
use crate::{Error, Result};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// A number.
    Count,
    /// True or false.
    Flag,
    /// An instant.
    Time,
}

/// A column: its stable name for machines, its heading for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Name; scripts depend on it.
    pub name: &'static str,
    /// Vietnamese heading.
    pub vi: &'static str,
    /// English heading.
    pub en: &'static str,
    /// Type.
    pub kind: Kind,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Datum {
    /// Not known, or not asked of this row: never a zero.
    None,
    /// Words.
    Text(String),
    /// A number.
    Count(u64),
    /// True or false.
    Flag(bool),
    /// An instant.
    Time(Timestamp),
}

/// A table with what was asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// Vietnamese title.
    pub vi: &'static str,
    /// English title.
    pub en: &'static str,
    /// What was asked and what is counted: a name in both languages and the answer.
    pub about: Vec<(String, String)>,
    /// IANA zone of times as people see them.
    pub zone: String,
    /// Columns.
    pub heads: Vec<Head>,
    /// Rows: a datum for each column.
    pub rows: Vec<Vec<Datum>>,
    /// Time of the newest number in it.
    pub as_of: Option<Timestamp>,
}

impl Grid {
    /// The accounts whose titles the files for people say.
    pub fn accounts(&self) -> BTreeSet<AccountName> {
        let column = self.heads.iter().position(|head| head.name == "account");
        let cells = self.rows.iter().filter_map(|row| row.get(column?));
        let named = |cell: &Datum| match cell {
            Datum::Text(name) => name.parse().ok(),
            _ => None,
        };
        cells.filter_map(named).collect()
    }

    /// For Excel: UTF-8 with a byte order mark, in the reader's words, times of the zone. An empty field is "not known"; a zero is a
    /// zero.
    pub fn csv(&self, titles: &Titles) -> String {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let word = |head: &Head| csv_cell(&titles.say((head.vi, head.en)));
        let mut out = String::from("\u{feff}");
        let mut put = |fields: Vec<String>| {
            out.push_str(&fields.join(","));
            out.push_str("\r\n");
        };
        put(self.heads.iter().map(word).collect());
        for row in &self.rows {
            let cells = self.heads.iter().zip(row);
            put(cells.map(|(head, datum)| field(head, datum, &zone, titles)).collect());
        }
        out
    }

    /// A workbook: numbers as numbers, times as times, and a sheet that says what was asked and how to read it.
    ///
    /// # Errors
    /// [`Error::Export`] when a sheet would break a limit of the format.
    pub fn xlsx(&self, titles: &Titles) -> Result<Vec<u8>> {
        self.workbook(titles)
            .map_err(|error| Error::Export { format: "xlsx", problem: error.to_string() })
    }

    /// For analysis programs. Null is "not known"; times are instants.
    ///
    /// # Errors
    /// [`Error::Export`] when a file would break a limit of the format.
    pub fn parquet(&self) -> Result<Vec<u8>> {
        self.columns()
            .map_err(|error| Error::Export { format: "parquet", problem: error.to_string() })
    }

    fn workbook(&self, titles: &Titles) -> Result<Vec<u8>, XlsxError> {
        let plain = Format::new().set_align(FormatAlign::Top);
        let number = plain.clone().set_num_format("#,##0");
        let time = plain.clone().set_num_format("dd/mm/yyyy hh:mm");
        let head = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_background_color(Color::RGB(0x00E7_ECF3))
            .set_border_bottom(FormatBorder::Thin);
        let mut book = Workbook::new();
        // The time of the newest number, never the clock: the same numbers are the same bytes.
        let made = self.as_of.unwrap_or_default().to_zoned(TimeZone::UTC).datetime();
        let title = format!("{} / {}", self.vi, self.en);
        book.set_properties(
            &DocProperties::new().set_title(&title).set_author("Loa").set_creation_datetime(&made),
        );
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let sheet = book.add_worksheet();
        sheet.set_name(self.vi)?;
        let mut last = 0;
        for (at, own) in (0..).zip(&self.heads) {
            sheet.write_string_with_format(0, at, format!("{}\n{}", own.vi, own.en), &head)?;
            let width = if own.kind == Kind::Text { 26.0 } else { 16.0 };
            sheet.set_column_width(at, width)?;
        }
        sheet.set_row_height(0, 34)?;
        for row in &self.rows {
            last += 1;
            for ((at, head), datum) in (0..).zip(&self.heads).zip(row) {
                match datum {
                    Datum::None => continue,
                    Datum::Text(name) => {
                        let words = cell_words(titles, head.name, name);
                        sheet.write_string_with_format(last, at, &words, &quoted(&words, &plain))?
                    }
                    Datum::Count(count) => sheet.write_with_format(last, at, *count, &number)?,
                    Datum::Flag(flag) => {
                        sheet.write_boolean_with_format(last, at, *flag, &plain)?
                    }
                    Datum::Time(at_time) => {
                        let local = at_time.to_zoned(zone.clone()).datetime();
                        sheet.write_with_format(last, at, &local, &time)?
                    }
                };
            }
        }
        let edge = u16::try_from(self.heads.len().saturating_sub(1)).unwrap_or(0);
        sheet.set_freeze_panes(1, 0)?.autofilter(0, 0, last, edge)?;
        sheet.ignore_error_range(0, 0, last.max(1), edge, IgnoreError::NumberStoredAsText)?;
        sheet
            .set_landscape()
            .set_paper_size(9)
            .set_print_fit_to_pages(1, 0)
            .set_repeat_rows(0, 0)?;
        sheet.set_footer("&L&A&RTrang / Page &P / &N");
        let notes = book.add_worksheet();
        notes.set_name("Định nghĩa · Definitions")?;
        notes.set_column_width(0, 44)?.set_column_width(1, 90)?;
        let wrapped = plain.clone().set_text_wrap();
        let reading = READING.iter().flat_map(|(vi, en)| [("", *vi), ("", *en)]);
        let about = self.about.iter().map(|(what, told)| (what.as_str(), told.as_str()));
        let zone = [("Múi giờ / Time zone", self.zone.as_str())];
        let lines = zone.into_iter().chain(about).chain([("Cách đọc / How to read", "")]);
        for (at, (what, told)) in (0..).zip(lines.chain(reading)) {
            for (column, words) in [(0, what), (1, told)].into_iter().filter(|(_, w)| !w.is_empty())
            {
                notes.write_string_with_format(at, column, words, &quoted(words, &wrapped))?;
            }
        }
        notes.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
        book.save_to_buffer()
    }

    fn columns(&self) -> Result<Vec<u8>, ParquetError> {
        let declared = |head: &Head| {
            let (kind, logical) = match head.kind {
                Kind::Text => ("BYTE_ARRAY", " (STRING)"),
                Kind::Count => ("INT64", " (INTEGER(64,false))"),
                Kind::Flag => ("BOOLEAN", ""),
                Kind::Time => ("INT64", " (TIMESTAMP(MICROS,true))"),
            };
            format!("OPTIONAL {kind} {}{logical};\n", head.name)
        };
        let fields: String = self.heads.iter().map(declared).collect();
        let schema = parse_message_type(&format!("message reach {{ {fields} }}"))?;
        let about = serde_json::to_string(&self.about).expect("pairs of texts serialize");
        let properties = WriterProperties::builder()
            .set_created_by("Loa".to_owned())
            .set_key_value_metadata(Some(vec![
                KeyValue::new("loa.about".to_owned(), about),
                KeyValue::new("loa.zone".to_owned(), self.zone.clone()),
            ]))
            .build();
        let mut file = SerializedFileWriter::new(Vec::new(), schema.into(), properties.into())?;
        let mut group = file.next_row_group()?;
        for (n, head) in self.heads.iter().enumerate() {
            let mut column = group.next_column()?.expect("the schema was made of these columns");
            let own = || self.rows.iter().map(move |row| row.get(n));
            match head.kind {
                Kind::Text => put::<ByteArrayType>(
                    &mut column,
                    own().map(|datum| match datum {
                        Some(Datum::Text(words)) => Some(ByteArray::from(words.as_str())),
                        _ => None,
                    }),
                ),
                Kind::Count => put::<Int64Type>(
                    &mut column,
                    own().map(|datum| match datum {
                        Some(Datum::Count(count)) => Some(count.cast_signed()),
                        _ => None,
                    }),
                ),
                Kind::Flag => put::<BoolType>(
                    &mut column,
                    own().map(|datum| match datum {
                        Some(Datum::Flag(flag)) => Some(*flag),
                        _ => None,
                    }),
                ),
                Kind::Time => put::<Int64Type>(
                    &mut column,
                    own().map(|datum| match datum {
                        Some(Datum::Time(at)) => Some(at.as_microsecond()),
                        _ => None,
                    }),
                ),
            }?;
            column.close()?;
        }
        group.close()?;
        file.into_inner()
    }
}

fn field(head: &Head, datum: &Datum, zone: &TimeZone, titles: &Titles) -> String {
    match datum {
        Datum::None => String::new(),
        Datum::Text(name) => csv_cell(&cell_words(titles, head.name, name)),
        Datum::Count(count) => count.to_string(),
        Datum::Flag(flag) => titles.flag(*flag),
        Datum::Time(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
    }
}
