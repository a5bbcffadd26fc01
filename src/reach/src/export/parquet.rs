//! Parquet for analysis programs: the columns of the CSV with their types, one row per number.

use parquet::{
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    schema::parser::parse_message_type,
};

use super::{
    Reports,
    table::{COLUMNS, Column, Line, Of, lines},
};
use crate::{Error, Result};

/// The reports as Parquet. Null is "not known"; a zero is a zero. What was asked is in the metadata of the file, as JSON
/// under `loa.queries`; times are instants.
///
/// # Errors
/// [`Error::Export`] when a file would break a limit of the format.
pub fn parquet(reports: &Reports) -> Result<Vec<u8>> {
    written(reports)
        .map_err(|error| Error::Export { format: "parquet", problem: error.to_string() })
}

fn written(reports: &Reports) -> Result<Vec<u8>, ParquetError> {
    let fields: String = COLUMNS.iter().map(declaration).collect();
    let schema = parse_message_type(&format!("message reach {{ {fields} }}"))?;
    let queries: Vec<_> = reports.reports.iter().map(|report| &report.query).collect();
    let queries = serde_json::to_string(&queries).expect("queries serialize");
    let about = |key: &str, value: String| KeyValue::new(format!("loa.{key}"), value);
    let properties = WriterProperties::builder()
        .set_created_by("Loa".to_owned())
        .set_key_value_metadata(Some(vec![
            about("queries", queries),
            about("zone", reports.zone.clone()),
        ]))
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema.into(), properties.into())?;
    let lines = lines(reports);
    let mut group = file.next_row_group()?;
    for column in &COLUMNS {
        let mut writer = group.next_column()?.expect("the schema was made of these columns");
        match column.of {
            Of::Text(of) => {
                let text =
                    |line: &Line<'_>| of(line).map(|text| ByteArray::from(text.into_bytes()));
                put::<ByteArrayType>(&mut writer, lines.iter().map(text))
            }
            // The bits of a u64, declared as such.
            Of::Count(of) => put::<Int64Type>(
                &mut writer,
                lines.iter().map(|line| of(line).map(u64::cast_signed)),
            ),
            Of::Change(of) => put::<Int64Type>(&mut writer, lines.iter().map(of)),
            Of::Flag(of) => put::<BoolType>(&mut writer, lines.iter().map(of)),
            Of::Time(of) => put::<Int64Type>(
                &mut writer,
                lines.iter().map(|line| of(line).map(jiff::Timestamp::as_microsecond)),
            ),
        }?;
        writer.close()?;
    }
    group.close()?;
    file.into_inner()
}

fn declaration(column: &Column) -> String {
    let kind = match column.of {
        Of::Text(_) => ("BYTE_ARRAY", " (STRING)"),
        Of::Count(_) => ("INT64", " (INTEGER(64,false))"),
        Of::Change(_) => ("INT64", ""),
        Of::Flag(_) => ("BOOLEAN", ""),
        Of::Time(_) => ("INT64", " (TIMESTAMP(MICROS,true))"),
    };
    format!("OPTIONAL {} {}{};\n", kind.0, column.name, kind.1)
}

/// One column: the values there are, and for every line whether it has one.
pub(super) fn put<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = Option<T::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let there: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    column.typed::<T>().write_batch(&values, Some(&there), None)?;
    Ok(())
}
