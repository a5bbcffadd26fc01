//! What pages show: times, numbers and names as people write them.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use loa_model::Why;
use serde::{Deserialize as _, Serialize};

use crate::{
    assets::{Assets, times::in_english},
    machine,
};

/// A reason in the reader's language: ours in words of the locale files, those of a platform or a person as they are.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ReasonView {
    /// Empty when the words say it all.
    ours: String,
    /// Empty when there are none.
    words: String,
    /// The sentence of a machine that `ours` tells, for who has to look further; empty where there is none.
    raw: String,
}

impl ReasonView {
    pub(crate) fn of(assets: &Assets, lang: &str, reason: &str) -> Self {
        let (why, words) = Why::of(reason);
        Self::told(assets, lang, why, words)
    }

    /// A sentence that is in the reader's language already, and words that are quoted beside it.
    pub(crate) fn said(ours: String, words: String) -> Self {
        Self { ours, words, raw: String::new() }
    }

    pub(crate) fn told(assets: &Assets, lang: &str, why: Option<Why>, words: &str) -> Self {
        let ours = why.map(|why| assets.word(lang, &format!("why.{}", why.key())));
        let ours = ours.unwrap_or_default();
        if why == Some(Why::Poison) {
            return Self { ours, words: String::new(), raw: words.to_owned() };
        }
        let Some(key) = machine::words(words) else { return Self::said(ours, words.to_owned()) };
        let told = assets.word(lang, key);
        let ours = if ours.is_empty() { told } else { format!("{ours} {told}") };
        Self { ours, words: String::new(), raw: words.to_owned() }
    }
}

/// A field of a form: empty says nothing.
pub(crate) fn some<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    let text = Option::<String>::deserialize(from)?;
    let text = text.filter(|text| !text.is_empty());
    text.map(|text| T::deserialize(serde::de::IntoDeserializer::into_deserializer(text)))
        .transpose()
}

/// An instant in an IANA zone: `07:30 15/11/2026`.
pub(crate) fn time(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%H:%M %d/%m/%Y").to_string()
}

/// The same inside a sentence of a language: `07:30, 15 Nov 2026` in English. Where a time stands alone, its template says
/// `moment` instead.
pub(crate) fn told_time(at: Timestamp, zone: &str, lang: &str) -> String {
    let time = time(at, zone);
    if lang == "en" { in_english(&time).unwrap_or(time) } else { time }
}

/// The pattern of a day in a language, for `strftime`.
pub(crate) fn day_pattern(lang: &str) -> &'static str {
    if lang == "en" { "%-d %b %Y" } else { "%d/%m/%Y" }
}

/// The same with its seconds: `07:30:05 15/11/2026`.
pub(crate) fn exact_time(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%H:%M:%S %d/%m/%Y").to_string()
}

/// The day of an instant in an IANA zone.
pub(crate) fn day(at: Timestamp, zone: &str) -> jiff::civil::Date {
    at.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC)).date()
}

/// The mark between thousands.
pub(crate) fn thousands(lang: &str) -> char {
    if lang == "en" { ',' } else { '.' }
}

/// A number with the thousands mark of the language: `12.345` or `12,345`.
pub(crate) fn number(value: u64, lang: &str) -> String {
    let digits = value.to_string();
    let mark = thousands(lang);
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

/// A length in bytes: `271 KB`, `3,4 MB`.
pub(crate) fn size(bytes: u64, lang: &str) -> String {
    if bytes < 1_000_000 {
        return format!("{} KB", number(bytes.div_ceil(1000), lang));
    }
    let tenths = bytes / 100_000;
    let point = if lang == "en" { '.' } else { ',' };
    format!("{}{point}{} MB", number(tenths / 10, lang), tenths % 10)
}

/// A kind of file as people call it: `JPEG`, `SRT`; its media type where there is no such name.
pub(crate) fn file_kind(mime: &str) -> &str {
    match mime {
        "image/jpeg" => "JPEG",
        "image/png" => "PNG",
        "image/webp" => "WebP",
        "video/mp4" => "MP4",
        "audio/mp4" => "M4A",
        "application/x-subrip" => "SRT",
        "text/vtt" => "WebVTT",
        "application/pdf" => "PDF",
        other => other,
    }
}

/// Text for HTML where no template is at hand.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' | '\'' => {
                // Writing to a String cannot fail.
                write!(out, "&#{};", u32::from(c)).unwrap_or_default();
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_in_both_languages() {
        assert_eq!(number(0, "vi"), "0");
        assert_eq!(number(1_234_567, "vi"), "1.234.567");
        assert_eq!(number(1_234_567, "en"), "1,234,567");
        assert_eq!(size(270_500, "vi"), "271 KB");
        assert_eq!(size(3_440_000, "vi"), "3,4 MB");
        assert_eq!(size(3_440_000, "en"), "3.4 MB");
        assert_eq!(escape("<ẫ & \"ộ\">"), "&lt;ẫ &amp; &#34;ộ&#34;&gt;");
    }

    #[test]
    fn hanoi_is_seven_hours_ahead() {
        let at: Timestamp = "2026-11-15T00:30:00Z".parse().unwrap();
        assert_eq!(time(at, "Asia/Ho_Chi_Minh"), "07:30 15/11/2026");
    }
}
