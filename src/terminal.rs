//! What a person at the terminal sees: results on stdout, everything else on stderr.

use std::io::{IsTerminal as _, Write as _};

use loa_model::DeliveryState;
use serde_json::Value;

/// A line of the result.
pub(crate) fn out(line: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// The result as bytes, nothing added.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

/// Whether a person looks at the results, and no file or program takes them.
pub(crate) fn is_watched() -> bool {
    std::io::stdout().is_terminal()
}

/// A line about the work.
pub(crate) fn say(line: &str) {
    // A closed stderr must not stop the work.
    writeln!(std::io::stderr().lock(), "{line}").unwrap_or(());
}

/// A step of a running command.
pub(crate) fn progress(step: &Value) {
    match step {
        Value::String(text) => say(text),
        other => say(&other.to_string()),
    }
}

/// A step of a job in words.
pub(crate) fn step(name: &str) -> &str {
    match name {
        "render.infographic" => "vẽ đồ họa · drawing the infographic",
        "render.layers" => "vẽ các lớp hình · drawing layers",
        "render.clip.prepare" => "chuẩn bị clip · preparing the clip",
        "render.clip" => "kết xuất clip · encoding the clip",
        other => other,
    }
}

/// A state of a delivery in words; nothing for those that pass in moments.
pub(crate) fn state(state: DeliveryState) -> Option<&'static str> {
    Some(match state {
        DeliveryState::Scheduled => "đã hẹn giờ · scheduled",
        DeliveryState::Ready | DeliveryState::Leased | DeliveryState::Intent => return None,
        DeliveryState::Published => "đã đăng · published",
        DeliveryState::Uncertain => "chưa rõ kết quả · outcome unclear",
        DeliveryState::Rejected => "kênh từ chối · rejected by channel",
        DeliveryState::Dead => "đăng lỗi · failed",
        DeliveryState::Held => "tạm giữ · held",
        DeliveryState::Cancelled => "đã hủy · cancelled",
        DeliveryState::Missed => "lỡ giờ · missed",
        DeliveryState::Correcting => "đang đính chính · correcting",
        DeliveryState::Retracting => "đang gỡ · taking down",
        DeliveryState::Retracted => "đã gỡ · taken down",
        DeliveryState::Gone => "không còn trên kênh · gone from channel",
    })
}

/// A table with columns as wide as they need, numbers to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let number =
        |cell: &str| cell.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '–'));
    let mut out = String::new();
    for row in rows {
        for (cell, width) in row.iter().zip(&widths) {
            let pad = " ".repeat(width - cell.chars().count());
            let (left, right) = if number(cell) { (pad.as_str(), "") } else { ("", pad.as_str()) };
            out.push_str(left);
            out.push_str(cell);
            out.push_str(right);
            out.push_str("  ");
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_line_up_with_vietnamese() {
        let rows = [
            vec!["kênh".to_owned(), "lượt xem".to_owned()],
            vec!["facebook:x".to_owned(), "1.234".to_owned()],
        ];
        assert_eq!(table(&rows), "kênh        lượt xem\nfacebook:x     1.234\n");
    }
}
