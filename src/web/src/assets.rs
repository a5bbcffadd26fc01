//! Templates, words and files of the pages, handed in as values.

pub(crate) mod times;

use std::{collections::BTreeMap, sync::Arc};

use axum::http::HeaderValue;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use minijinja::{
    Environment, Value, context, escape_formatter,
    value::{Serde, ValueKind},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::guard;

/// An asset that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    /// A template does not parse.
    #[error("template {name}: {source}")]
    Template {
        /// Its name.
        name: String,
        /// Line and reason.
        source: minijinja::Error,
    },
    /// A locale file does not parse.
    #[error("locale {lang}: {why}")]
    Locale {
        /// Its language.
        lang: String,
        /// Line and reason.
        why: String,
    },
}

/// Everything the pages are made of.
#[derive(Clone)]
pub struct Assets {
    env: Environment<'static>,
    words: Arc<BTreeMap<String, BTreeMap<String, String>>>,
    files: Arc<BTreeMap<String, Fixed>>,
    policy: HeaderValue,
}

/// A fixed file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fixed {
    pub(crate) bytes: Bytes,
    /// Names these bytes, whether they are sent compressed or not: a weak entity tag (RFC 9110 §8.8.3).
    pub(crate) tag: String,
}

impl From<Bytes> for Fixed {
    fn from(bytes: Bytes) -> Self {
        let tag = format!("W/\"{}\"", loa_model::Digest::of(&bytes));
        Self { bytes, tag }
    }
}

impl Assets {
    /// Assets from templates (`pages/x.html`), locale files (`vi` → TOML texts, laid over each other) and fixed files.
    ///
    /// # Errors
    /// [`AssetsError`] names the file, the line and the reason.
    pub fn new(
        templates: impl IntoIterator<Item = (String, String)>,
        locales: impl IntoIterator<Item = (String, String)>,
        files: BTreeMap<String, Bytes>,
    ) -> Result<Self, AssetsError> {
        let mut env = Environment::new();
        // The engine's own word for a boolean is Python's: no form, script or ARIA attribute reads `True`.
        env.set_formatter(|out, state, value| match (value.kind(), value.is_true()) {
            (ValueKind::Bool, true) => Ok(out.write_str("true")?),
            (ValueKind::Bool, false) => Ok(out.write_str("false")?),
            _ => escape_formatter(out, state, value),
        });
        let mut inline = Vec::new();
        for (name, text) in templates {
            inline.extend(styles(&text).map(|(style, _)| STANDARD.encode(Sha256::digest(style))));
            env.add_template_owned(name.clone(), text)
                .map_err(|source| AssetsError::Template { name, source })?;
        }
        let mut words: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for (lang, text) in locales {
            let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
                AssetsError::Locale { lang: lang.clone(), why: error.to_string() }
            })?;
            flatten("", &table, words.entry(lang).or_default());
        }
        let policy = guard::policy(&inline);
        let files = files.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
        Ok(Self { env, words: Arc::new(words), files: Arc::new(files), policy })
    }

    /// Adds the frame of a channel under `frame/<channel>.html`. The styles that it brings go to the others: a page has none of
    /// its own.
    pub(crate) fn add_frame(&mut self, channel: &str, frame: &str) -> Result<(), AssetsError> {
        let (mut bare, mut brought) = (frame.to_owned(), String::new());
        for (style, whole) in styles(frame) {
            brought.push_str(style);
            bare = bare.replacen(whole, "", 1);
        }
        let files = Arc::make_mut(&mut self.files);
        let all = files.entry("app.css".to_owned()).or_default();
        *all = Bytes::from([&all.bytes[..], brought.as_bytes()].concat()).into();
        let name = format!("frame/{channel}.html");
        self.env
            .add_template_owned(name.clone(), bare)
            .map_err(|source| AssetsError::Template { name, source })
    }

    /// A template with `data`, the words of `lang` as `t("key")`, and times as `lang` writes them as `moment(at)`: words that look
    /// like a time stay as they are.
    pub(crate) fn render(
        &self,
        name: &str,
        lang: &str,
        data: impl Serialize + 'static,
    ) -> Result<String, minijinja::Error> {
        let words = Arc::clone(&self.words);
        let chosen = lang.to_owned();
        let t = Value::from_function(move |key: &str| -> String { word(&words, &chosen, key) });
        let english = lang == "en";
        let moment = Value::from_function(move |at: Value| {
            let told = at.as_str().filter(|_| english).and_then(times::in_english);
            told.map_or(at, Value::from)
        });
        let data = Value::from(Serde(&data));
        self.env.get_template(name)?.render(context! { t, moment, lang => lang, ..data })
    }

    /// A word in `lang`; in the other language, else the key itself, when it is missing.
    pub fn word(&self, lang: &str, key: &str) -> String {
        word(&self.words, lang, key)
    }

    /// What browsers may load, as the templates need it.
    pub(crate) fn policy(&self) -> HeaderValue {
        self.policy.clone()
    }

    /// A fixed file.
    pub(crate) fn file(&self, name: &str) -> Option<Fixed> {
        self.files.get(name).cloned()
    }

    /// Keys that one language has and another lacks: must be empty.
    pub fn missing_words(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (lang, words) in self.words.iter() {
            for (other, others) in self.words.iter().filter(|(other, _)| *other != lang) {
                missing.extend(
                    words
                        .keys()
                        .filter(|key| !others.contains_key(*key))
                        .map(|key| format!("{other}: {key}")),
                );
            }
        }
        missing
    }
}

/// The styles that stand in a template, each with its tags.
fn styles(text: &str) -> impl Iterator<Item = (&str, &str)> {
    const OPEN: &str = "<style>";
    const CLOSE: &str = "</style>";
    text.split_inclusive(CLOSE).filter_map(|part| {
        let whole = part.get(part.find(OPEN)?..)?;
        Some((whole.strip_prefix(OPEN)?.strip_suffix(CLOSE)?, whole))
    })
}

fn word(words: &BTreeMap<String, BTreeMap<String, String>>, lang: &str, key: &str) -> String {
    let found = words.get(lang).and_then(|own| own.get(key));
    found
        .or_else(|| words.values().find_map(|own| own.get(key)))
        .cloned()
        .unwrap_or_else(|| key.to_owned())
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten(&key, inner, into),
            toml::Value::String(text) => {
                into.insert(key, text.clone());
            }
            other => {
                into.insert(key, other.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boolean_is_printed_as_forms_scripts_and_aria_read_it() {
        let template = "{{ on }} {{ not on }} {{ text }}".to_owned();
        let assets = Assets::new([("pages/x.html".to_owned(), template)], [], BTreeMap::new());
        let data = serde_json::json!({ "on": true, "text": "<b>" });
        let drawn = assets.expect("it parses").render("pages/x.html", "vi", data);
        assert_eq!(drawn.expect("it is drawn"), "true false &lt;b&gt;");
    }

    #[test]
    fn times_are_told_in_english_and_words_that_look_like_one_stay() {
        let template = "{{ moment(at) }} | {{ moment(none or \"—\") }} | {{ words }}".to_owned();
        let assets = Assets::new([("pages/x.html".to_owned(), template)], [], BTreeMap::new());
        let assets = assets.expect("it parses");
        for (lang, told) in [
            ("en", "07:30, 3 Dec 2026 | — | 15/11/2026"),
            ("vi", "07:30 03/12/2026 | — | 15/11/2026"),
        ] {
            let data = serde_json::json!({ "at": "07:30 03/12/2026", "words": "15/11/2026" });
            let drawn = assets.render("pages/x.html", lang, data).expect("it is drawn");
            assert_eq!(drawn.replace("&#x2f;", "/"), told);
        }
    }

    #[test]
    fn the_day_of_a_date_is_told_in_english_and_a_figure_stays_what_the_article_says() {
        let page = include_str!("../../../assets/web/pages/brief_group.html").to_owned();
        let pages = [("pages/x.html".to_owned(), page)];
        let assets = Assets::new(pages, [], BTreeMap::new()).expect("it parses");
        for (name, head, told) in [
            ("figures", "1/5", "<b>1/5</b>"),
            ("events", "2/9/2026", "<b>2/9/2026</b>"),
            ("dates", "02/09/2026", "<b>2 Sep 2026</b>"),
        ] {
            let piece = serde_json::json!({ "head": head, "text": "", "at": "", "block": 0, "edited": false });
            let group = serde_json::json!({ "name": name, "pieces": [piece] });
            let data = serde_json::json!({ "group": group, "article": { "lang": "vi" } });
            let drawn = assets.render("pages/x.html", "en", data).expect("it is drawn");
            assert!(drawn.replace("&#x2f;", "/").contains(told), "{drawn}");
        }
    }
}
