//! A workbook for analysts: a sheet per cut, numbers as numbers, days as days, and a sheet of definitions.

use jiff::civil;
use rust_xlsxwriter::{
    Color, DocProperties, Format, FormatAlign, FormatBorder, IgnoreError, Workbook, Worksheet,
    XlsxError,
};

use super::{
    Reports,
    table::{Line, lines_of, metrics, sources},
    words::{NO_DATA, READING, both, cut_words, metric_words, row_words},
};
use crate::{By, Error, Report, Result, summable};

/// The reports as a workbook. An empty cell is "not known"; a zero is a zero. Texts are texts, also those that look like
/// formulas. Days and times are those of `Reports::zone`.
///
/// # Errors
/// [`Error::Export`] when a sheet would break a limit of the format, such as its million lines.
pub fn xlsx(reports: &Reports) -> Result<Vec<u8>> {
    written(reports).map_err(|error| Error::Export { format: "xlsx", problem: error.to_string() })
}

/// A metric in the language of the reader.
fn said(all: &Reports, metric: loa_model::Metric) -> String {
    let words = metric_words(metric);
    all.titles.say((words.vi, words.en))
}

/// What a number counts where its metric does not say it all.
fn counts(line: &Line<'_>, all: &Reports) -> Option<String> {
    let cell = line.cell()?;
    let words = all.titles.number(&cell.channel, &cell.source_name);
    (!words.is_empty()).then(|| words.to_owned())
}

/// A column for people: its heading and width in characters, and what a line has in it.
pub(super) struct Column {
    pub(super) vi: &'static str,
    pub(super) en: &'static str,
    width: f64,
    pub(super) of: Of,
}

pub(super) enum Of {
    Text(fn(&Line<'_>, &Reports) -> Option<String>),
    Count(fn(&Line<'_>) -> Option<u64>),
    Change(fn(&Line<'_>) -> Option<i64>),
    Flag(fn(&Line<'_>) -> Option<bool>),
    Day(fn(&Line<'_>, &Reports) -> civil::Date),
    Time(fn(&Line<'_>, &Reports) -> Option<civil::DateTime>),
}

/// The second column is the cut's own: its heading is written over.
pub(super) const CUT: u16 = 1;

#[rustfmt::skip]
pub(super) const COLUMNS: [Column; 21] = [
    Column { vi: "Cơ quan", en: "Agency", width: 28.0, of: Of::Text(|line, all| Some(all.agency(line.agency()).to_owned())) },
    Column { vi: "", en: "", width: 34.0, of: Of::Text(|line, all| Some(row_words(all, line.report.query.by, line.row, line.total))) },
    Column { vi: "Bài lên hoặc được đo", en: "Posts live or measured", width: 10.0, of: Of::Count(|line| Some(line.row.posts.into())) },
    Column { vi: "Có số liệu", en: "Measured", width: 10.0, of: Of::Count(|line| Some(line.row.measured.into())) },
    Column { vi: "Chỉ số", en: "Metric", width: 30.0, of: Of::Text(|line, all| line.metric().map(|metric| said(all, metric))) },
    Column { vi: "Kênh của số", en: "Channel of it", width: 13.0, of: Of::Text(|line, all| line.cell().map(|c| all.titles.channel(&c.channel))) },
    Column { vi: "Số đếm gì", en: "What it counts", width: 22.0, of: Of::Text(counts) },
    Column { vi: "Tên gốc của kênh", en: "Source name", width: 26.0, of: Of::Text(|line, _| line.cell().map(|c| c.source_name.clone())) },
    Column { vi: "Định nghĩa", en: "Definition", width: 14.0, of: Of::Text(|line, _| line.cell().map(|c| c.definition.clone())) },
    Column { vi: "Lũy kế", en: "Latest total", width: 14.0, of: Of::Count(|line| line.cell().map(|c| c.latest)) },
    Column { vi: "Lũy kế của số bài", en: "Latest: of posts", width: 9.0, of: Of::Count(|line| line.posts().map(u64::from)) },
    Column { vi: "Tăng trong kỳ", en: "Gain in period", width: 14.0, of: Of::Change(|line| line.cell().and_then(|c| c.gain)) },
    Column { vi: "Tăng của số bài", en: "Gain: of posts", width: 9.0, of: Of::Count(|line| line.gain_posts().map(u64::from)) },
    Column { vi: "Ít nhất (người)", en: "At least (people)", width: 15.0, of: Of::Count(|line| line.reach().map(|r| r.at_least)) },
    Column { vi: "Nhiều nhất (người)", en: "At most (people)", width: 17.0, of: Of::Count(|line| line.reach().map(|r| r.at_most)) },
    Column { vi: "Có lúc giảm", en: "Counter fell", width: 12.0, of: Of::Flag(|line| line.cell().map(|c| c.fell)) },
    Column { vi: "Đổi cách tính", en: "Method changed", width: 14.0, of: Of::Flag(|line| line.cell().map(|c| c.method_break)) },
    Column { vi: "Từ ngày", en: "From", width: 11.0, of: Of::Day(|line, all| all.days(&line.report.query).0) },
    Column { vi: "Đến hết ngày", en: "To (included)", width: 12.0, of: Of::Day(|line, all| all.days(&line.report.query).1) },
    Column { vi: "Số liệu lấy lúc", en: "As of", width: 17.0, of: Of::Time(|line, all| line.report.as_of.map(|at| at.to_zoned(all.zone()).datetime())) },
    Column { vi: "Mã dòng", en: "Row key", width: 38.0, of: Of::Text(|line, _| Some(line.row.key.clone())) },
];

/// How cells look.
struct Look {
    head: Format,
    title: Format,
    plain: Format,
    wrapped: Format,
    number: Format,
    day: Format,
    time: Format,
}

impl Look {
    fn new() -> Self {
        let plain = Format::new().set_align(FormatAlign::Top);
        let formatted = |pattern: &str| plain.clone().set_num_format(pattern);
        Self {
            head: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Center)
                .set_align(FormatAlign::VerticalCenter)
                .set_background_color(Color::RGB(0x00E7_ECF3))
                .set_border_bottom(FormatBorder::Thin),
            title: Format::new().set_bold().set_font_size(14),
            wrapped: plain.clone().set_text_wrap(),
            number: formatted("#,##0"),
            day: formatted("dd/mm/yyyy"),
            time: formatted("dd/mm/yyyy hh:mm"),
            plain,
        }
    }
}

fn written(reports: &Reports) -> Result<Vec<u8>, XlsxError> {
    let look = Look::new();
    let mut book = Workbook::new();
    // The time of the newest number, never the clock: the same reports are the same bytes.
    let as_of = reports.reports.iter().filter_map(|report| report.as_of).max();
    let made = as_of.unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).datetime();
    book.set_properties(
        &DocProperties::new()
            .set_title("Báo cáo lan tỏa / Reach report")
            .set_author("Loa")
            .set_creation_datetime(&made),
    );
    let mut cuts: Vec<By> = Vec::new();
    for report in &reports.reports {
        if !cuts.contains(&report.query.by) {
            cuts.push(report.query.by);
        }
    }
    for cut in cuts {
        let own = reports.reports.iter().filter(|report| report.query.by == cut);
        numbers(book.add_worksheet(), cut, own, reports, &look)?;
    }
    definitions(book.add_worksheet(), reports, &look)?;
    book.save_to_buffer()
}

/// The sheet of one cut: every agency's lines below each other, so that they can be filtered.
fn numbers<'a>(
    sheet: &mut Worksheet,
    cut: By,
    own: impl Iterator<Item = &'a Report>,
    reports: &Reports,
    look: &Look,
) -> Result<(), XlsxError> {
    let words = cut_words(cut);
    sheet.set_name(format!("{} · {}", words.0, words.1))?;
    for (at, column) in (0..).zip(&COLUMNS) {
        let (vi, en) = if at == CUT { words } else { (column.vi, column.en) };
        sheet.write_string_with_format(0, at, format!("{vi}\n{en}"), &look.head)?;
        sheet.set_column_width(at, column.width)?;
    }
    sheet.set_row_height(0, 34)?;
    let mut last = 0;
    for line in own.flat_map(lines_of) {
        last += 1;
        for (at, column) in (0..).zip(&COLUMNS) {
            cell(sheet, (last, at), &column.of, &line, reports, look)?;
        }
    }
    let edge = u16::try_from(COLUMNS.len() - 1).expect("a sheet has few columns");
    sheet.set_freeze_panes(1, CUT + 1)?.autofilter(0, 0, last, edge)?;
    // Versions of definitions are texts of digits and stay so.
    sheet.ignore_error_range(0, 0, last.max(1), edge, IgnoreError::NumberStoredAsText)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    sheet.set_footer("&L&A&RTrang / Page &P / &N");
    Ok(())
}

/// Writes what the line has; what it has not stays an empty cell.
fn cell(
    sheet: &mut Worksheet,
    (row, at): (u32, u16),
    of: &Of,
    line: &Line<'_>,
    reports: &Reports,
    look: &Look,
) -> Result<(), XlsxError> {
    let bold =
        |format: &Format| if line.total { format.clone().set_bold() } else { format.clone() };
    match of {
        Of::Text(of) => {
            if let Some(value) = of(line, reports) {
                sheet.write_string_with_format(
                    row,
                    at,
                    &value,
                    &bold(&text(&value, &look.plain)),
                )?;
            }
        }
        Of::Count(of) => {
            if let Some(value) = of(line) {
                sheet.write_with_format(row, at, value, &bold(&look.number))?;
            }
        }
        Of::Change(of) => {
            if let Some(value) = of(line) {
                sheet.write_with_format(row, at, value, &bold(&look.number))?;
            }
        }
        Of::Flag(of) => {
            if let Some(value) = of(line) {
                sheet.write_boolean_with_format(row, at, value, &bold(&look.plain))?;
            }
        }
        Of::Day(of) => {
            sheet.write_with_format(row, at, &of(line, reports), &bold(&look.day))?;
        }
        Of::Time(of) => {
            if let Some(value) = of(line, reports) {
                sheet.write_with_format(row, at, &value, &bold(&look.time))?;
            }
        }
    }
    Ok(())
}

/// A text that would become a formula when someone edits its cell is marked as text for good.
pub(super) fn text(value: &str, format: &Format) -> Format {
    if value.starts_with(['=', '+', '-', '@']) {
        format.clone().set_quote_prefix()
    } else {
        format.clone()
    }
}

/// The populations that bound reach, each with where it is from; empty where none was stated.
fn populations(reports: &Reports, report: &Report) -> String {
    let asked = report.query.population.map(|people| people.to_string());
    let stated = report.populations.iter().map(|population| {
        let whose = population
            .account
            .as_ref()
            .map_or_else(|| reports.agency(&population.agency).to_owned(), ToString::to_string);
        let day = population.as_of.strftime("%d/%m/%Y");
        format!("{whose}: {} ({}, {day})", population.people, population.source)
    });
    asked.into_iter().chain(stated).collect::<Vec<_>>().join("; ")
}

/// What was asked, what each number counts, by which definition, and how to read it.
fn definitions(sheet: &mut Worksheet, reports: &Reports, look: &Look) -> Result<(), XlsxError> {
    sheet.set_name("Định nghĩa · Definitions")?;
    for (at, width) in [34.0, 30.0, 44.0, 44.0, 22.0].into_iter().enumerate() {
        sheet.set_column_width(u16::try_from(at).expect("five columns"), width)?;
    }
    let mut row = 0;
    let mut put = |fields: &[&str], format: &Format| {
        for (at, field) in (0..).zip(fields).filter(|(_, field)| !field.is_empty()) {
            sheet.write_string_with_format(row, at, *field, &text(field, format))?;
        }
        row += 1;
        Ok::<(), XlsxError>(())
    };
    put(&["Báo cáo lan tỏa / Reach report"], &look.title)?;
    put(&[&format!("Múi giờ / Time zone: {}", reports.zone)], &look.plain)?;
    put(&[], &look.plain)?;
    put(
        &[
            "Cơ quan\nAgency",
            "Bảng\nSheet",
            "Kỳ\nPeriod",
            "Số liệu lấy lúc\nAs of",
            "Dân số\nPopulation",
        ],
        &look.head,
    )?;
    for report in &reports.reports {
        let (from, to) = reports.days(&report.query);
        let as_of = report.as_of.map(|at| at.to_zoned(reports.zone()));
        let known = |as_of: &jiff::Zoned| as_of.strftime("%d/%m/%Y %H:%M").to_string();
        let (vi, en) = cut_words(report.query.by);
        put(
            &[
                reports.agency(&report.query.agency),
                &format!("{vi} · {en}"),
                &format!("{} – {}", from.strftime("%d/%m/%Y"), to.strftime("%d/%m/%Y")),
                &as_of.as_ref().map_or_else(|| reports.titles.say(NO_DATA), known),
                &populations(reports, report),
            ],
            &look.wrapped,
        )?;
    }
    put(&[], &look.plain)?;
    put(&["Cách đọc\nHow to read"], &look.head)?;
    for (vi, en) in READING {
        put(&[vi], &look.plain)?;
        put(&[en], &look.plain)?;
    }
    put(&[], &look.plain)?;
    put(&["Chỉ số\nMetric", "Cộng được?\nMay it be added?", "Nghĩa", "Meaning"], &look.head)?;
    for metric in metrics(reports) {
        let words = metric_words(metric);
        let adds = if summable(metric) {
            "trong cùng một định nghĩa / within one definition"
        } else {
            "không / no"
        };
        put(&[&both(metric), adds, words.means_vi, words.means_en], &look.wrapped)?;
    }
    put(&[], &look.plain)?;
    put(
        &[
            "Chỉ số\nMetric",
            "Kênh\nChannel",
            "Tên gốc của kênh\nSource name",
            "Định nghĩa\nDefinition",
        ],
        &look.head,
    )?;
    for (metric, channel, source, definition) in sources(reports) {
        let channel = reports.titles.channel(channel);
        put(&[&both(metric), &channel, source, definition], &look.wrapped)?;
    }
    sheet.ignore_error_range(0, 0, row, 4, IgnoreError::NumberStoredAsText)?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    Ok(())
}
