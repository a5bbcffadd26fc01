//! Fields and values of records as people read them. What has no words is shown as it is written.

use jiff::Timestamp;
use serde_json::Value;

use crate::{article::ZONE, assets::Assets, view};

/// Tables of the locale files that values of a field are looked up in, by the field's name.
const VALUES: &[(&str, &[&str])] = &[
    ("state", &["state", "variant_state", "article_state", "audit_value"]),
    ("status", &["audit_value", "account_state"]),
    ("roles", &["person"]),
    ("scopes", &["token"]),
    ("priority", &["priority"]),
    ("format", &["format"]),
    ("metric", &["metric"]),
    ("kind", &["variant", "incident_name", "job", "audit_value"]),
];

/// Words of the reader's language.
#[derive(Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) assets: &'a Assets,
    pub(super) lang: &'a str,
}

impl Words<'_> {
    fn find(self, key: &str) -> Option<String> {
        let word = self.assets.word(self.lang, key);
        (word != key).then_some(word)
    }

    /// The word of a table; the key itself where there is none.
    pub(super) fn of(self, table: &str, key: &str) -> String {
        self.find(&format!("{table}.{key}")).unwrap_or_else(|| key.to_owned())
    }

    /// A field by its path: `content.text` is *Nội dung › Lời*.
    pub(super) fn field(self, path: &str) -> String {
        let parts = path.split('.').map(|part| self.of("audit_field", part));
        parts.collect::<Vec<_>>().join(" › ")
    }

    /// A value of a field, by the last part of the field's path.
    pub(super) fn value(self, field: &str, value: &Value) -> String {
        match value {
            Value::Null => "—".to_owned(),
            Value::Bool(true) => self.of("audit", "yes"),
            Value::Bool(false) => self.of("audit", "no"),
            Value::Number(number) => match (number.as_u64(), field) {
                (Some(bytes), "bytes") => view::size(bytes, self.lang),
                (Some(number), _) => view::number(number, self.lang),
                _ => number.to_string(),
            },
            Value::String(text) => self.text(field, text),
            Value::Array(values) => {
                let all = values.iter().map(|value| self.value(field, value));
                all.collect::<Vec<_>>().join(if values.iter().all(is_short) { ", " } else { "; " })
            }
            Value::Object(fields) => {
                if let (Some(first), Some(last)) = (fields.get("first"), fields.get("last")) {
                    return format!("{} – {}", self.value("day", first), self.value("day", last));
                }
                let told = ["title", "name", "text", "alt", "label", "what", "agency"];
                let told = told.iter().find_map(|name| fields.get(*name)).filter(|v| v.is_string());
                told.map_or_else(|| value.to_string(), |text| self.value(field, text))
            }
        }
    }

    fn text(self, field: &str, text: &str) -> String {
        if text.is_empty() {
            return "—".to_owned();
        }
        if let Some((_, tables)) = VALUES.iter().find(|(name, _)| *name == field) {
            let found = tables.iter().find_map(|table| self.find(&format!("{table}.{text}")));
            return found.unwrap_or_else(|| text.to_owned());
        }
        // A headline that looks like an instant is none: only whole ones of the clock are.
        if text.len() >= 20
            && text.ends_with('Z')
            && let Ok(at) = text.parse::<Timestamp>()
        {
            return view::time(at, ZONE);
        }
        if field == "day"
            && let Ok(day) = text.parse::<jiff::civil::Date>()
        {
            return day.strftime("%d/%m/%Y").to_string();
        }
        let digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match text.get(..8).filter(|_| digest) {
            Some(start) => format!("{start}…"),
            None => text.to_owned(),
        }
    }
}

fn is_short(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.chars().count() <= 40)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_as_people_write_them() {
        let locale = "[audit]\nyes = \"có\"\nno = \"không\"\n[person]\nadmin = \"quản trị\"\n[audit_field]\ncontent = \"Nội dung\"\ntext = \"Lời\"\n";
        let none = std::iter::empty();
        let assets = Assets::new(
            none,
            [("vi".to_owned(), locale.to_owned())],
            std::collections::BTreeMap::new(),
        );
        let assets = assets.expect("a small locale");
        let words = Words { assets: &assets, lang: "vi" };
        assert_eq!(words.field("content.text"), "Nội dung › Lời");
        assert_eq!(words.field("content.strange"), "Nội dung › strange");
        for (field, value, said) in [
            ("urgent_alone", json!(true), "có"),
            ("at", json!("2026-11-15T00:30:00Z"), "07:30 15/11/2026"),
            ("title", json!("2026-11-15"), "2026-11-15"),
            ("day", json!("2026-11-15"), "15/11/2026"),
            ("roles", json!(["admin", "strange"]), "quản trị, strange"),
            ("bytes", json!(3_440_000), "3,4 MB"),
            ("views", json!(12_345), "12.345"),
            ("digest", json!("0".repeat(64)), "00000000…"),
            ("text", json!(""), "—"),
            (
                "days",
                json!({ "first": "2026-11-01", "last": "2026-11-30" }),
                "01/11/2026 – 30/11/2026",
            ),
            ("media", json!([{ "alt": "Ảnh một" }, { "alt": "Ảnh hai" }]), "Ảnh một; Ảnh hai"),
        ] {
            assert_eq!(words.value(field, &value), said, "{field}");
        }
    }
}
