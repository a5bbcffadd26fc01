//! What a person at the terminal sees: results on stdout, everything else on stderr.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::LazyLock,
};

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
pub(crate) fn step(name: &str) -> String {
    words("step", name)
}

/// A state of a delivery in words; nothing for those that pass in moments.
pub(crate) fn state(state: DeliveryState) -> Option<String> {
    let passes =
        matches!(state, DeliveryState::Ready | DeliveryState::Leased | DeliveryState::Intent);
    (!passes).then(|| words("state", state.name()))
}

/// The words of the pages in both languages; the key itself where they have none.
fn words(table: &str, key: &str) -> String {
    static LANGUAGES: LazyLock<[toml::Table; 2]> = LazyLock::new(|| {
        [include_str!("../assets/web/vi.toml"), include_str!("../assets/web/en.toml")]
            .map(|text| text.parse().expect("a test reads the words of the pages"))
    });
    let word = |words: &toml::Table| words.get(table)?.get(key)?.as_str().map(str::to_owned);
    match LANGUAGES.each_ref().map(word) {
        [Some(vi), Some(en)] => format!("{vi} · {en}"),
        _ => key.to_owned(),
    }
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
    use loa_model::DeliveryState;

    use super::{state, step, table};

    #[test]
    fn every_state_and_step_has_its_words_in_both_languages() {
        for one in DeliveryState::ALL {
            let passes =
                matches!(one, DeliveryState::Ready | DeliveryState::Leased | DeliveryState::Intent);
            assert_eq!(state(one).is_none(), passes, "{one:?}");
            assert!(state(one).is_none_or(|words| words.contains(" · ")), "{one:?} has no words");
        }
        assert_eq!(state(DeliveryState::Published).as_deref(), Some("đã đăng · published"));
        assert_eq!(step("render.infographic"), "vẽ đồ họa · drawing the infographic");
        assert_eq!(step("ẩn.số"), "ẩn.số");
    }

    #[test]
    fn columns_line_up_with_vietnamese() {
        let rows = [
            vec!["kênh".to_owned(), "lượt xem".to_owned()],
            vec!["facebook:x".to_owned(), "1.234".to_owned()],
        ];
        assert_eq!(table(&rows), "kênh        lượt xem\nfacebook:x     1.234\n");
    }
}
