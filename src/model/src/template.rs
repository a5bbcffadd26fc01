//! Templates that an agency wrote itself. They are code that nobody here reviewed: records only hold them, `pipeline` draws
//! them in a child under limits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    digest::{Digest, DigestBuilder},
    record::{IndexEntry, Record, join},
    user::Actor,
};

/// What the names of own templates begin with wherever a template is named; no reviewed one lies in such a folder.
pub const OWN: &str = "own/";
/// Longest name.
pub const MOST_NAME: usize = 40;
/// Longest file, in bytes.
pub const MOST_BYTES: usize = 128 << 10;
/// Most templates of one agency.
pub const MOST_OWN: usize = 50;

const SOURCE: &str = "template.typ";
const MANIFEST: &str = "template.toml";
const SAMPLES: &str = "sample.json";

/// A template of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTemplate {
    /// Agency (tenant).
    pub agency: String,
    /// Name, unique in the agency.
    pub name: String,
    /// `template.typ`, `template.toml` and, where there is one, `sample.json`.
    pub files: BTreeMap<String, String>,
    /// Digest of the files, part of every recipe made with it.
    pub digest: Digest,
    /// Who added it last.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Why it is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Not a name.
    #[error(
        "Tên mẫu gồm 1–{MOST_NAME} chữ thường không dấu, chữ số hoặc gạch nối, không có gạch nối ở hai đầu / \
         A template's name is 1–{MOST_NAME} of a–z, 0–9 and -, without - at its ends: {0:?}"
    )]
    Name(String),
    /// A file that a template does not have.
    #[error(
        "Mẫu chỉ gồm {SOURCE}, {MANIFEST} và {SAMPLES} / A template has {SOURCE}, {MANIFEST} and {SAMPLES} only: {0:?}"
    )]
    File(String),
    /// A file that every template has.
    #[error("Thiếu tệp {0} / {0} is missing")]
    Missing(&'static str),
    /// Too long.
    #[error("{file}: {bytes} byte, tối đa {MOST_BYTES} / {bytes} bytes, at most {MOST_BYTES}")]
    Long {
        /// File.
        file: String,
        /// Its length.
        bytes: usize,
    },
}

impl OwnTemplate {
    /// A template whose name and files may be kept. What is in the files is not looked at.
    ///
    /// # Errors
    /// [`BadTemplate`], for people, in both languages.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use loa_model::{Actor, OwnTemplate};
    ///
    /// let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    /// let files = BTreeMap::from([file("template.typ", "#show: setup"), file("template.toml", "version = \"1\"")]);
    /// let by = Actor::Operator("command line".to_owned());
    /// let at = "2026-11-22T03:00:00Z".parse().unwrap();
    /// let made = OwnTemplate::new("demo", "ban-tin", files.clone(), by.clone(), at).unwrap();
    /// assert_eq!(made.id(), "own/ban-tin");
    /// assert!(OwnTemplate::new("demo", "Bản tin", files, by, at).is_err());
    /// ```
    pub fn new(
        agency: &str,
        name: &str,
        files: BTreeMap<String, String>,
        by: Actor,
        at: Timestamp,
    ) -> Result<Self, BadTemplate> {
        if !is_name(name) {
            return Err(BadTemplate::Name(name.to_owned()));
        }
        for (file, text) in &files {
            if ![SOURCE, MANIFEST, SAMPLES].contains(&file.as_str()) {
                return Err(BadTemplate::File(file.clone()));
            }
            if text.len() > MOST_BYTES {
                return Err(BadTemplate::Long { file: file.clone(), bytes: text.len() });
            }
        }
        for file in [SOURCE, MANIFEST] {
            if !files.contains_key(file) {
                return Err(BadTemplate::Missing(file));
            }
        }
        let digest = DigestBuilder::new("own-template/1").json("files", &files).finish();
        Ok(Self { agency: agency.to_owned(), name: name.to_owned(), files, digest, by, at })
    }

    /// Its name among all templates: `own/<name>`.
    pub fn id(&self) -> String {
        format!("{OWN}{}", self.name)
    }

    /// Its `template.toml`.
    pub fn manifest(&self) -> &str {
        self.files.get(MANIFEST).map(String::as_str).unwrap_or_default()
    }

    /// Key of the own template that a variant or a choice names; nothing when it names a reviewed one.
    pub fn key_of(agency: &str, id: &str) -> Option<String> {
        id.strip_prefix(OWN).map(|name| join(&[agency, name]))
    }

    /// Where the templates of an agency begin in the index `own_template_by_agency`.
    pub fn of_agency(agency: &str) -> String {
        join(&[agency, ""])
    }
}

/// Whether it can name a template or a brand kit of an agency.
pub(crate) fn is_name(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let ends = !name.starts_with('-') && !name.ends_with('-');
    letters && ends && (1..=MOST_NAME).contains(&name.len())
}

impl Record for OwnTemplate {
    const TABLE: &'static str = "own_template";
    fn key(&self) -> String {
        join(&[&self.agency, &self.name])
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "own_template_by_agency", key: self.key() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str, files: &[(&str, &str)]) -> Result<OwnTemplate, BadTemplate> {
        let files = files.iter().map(|(f, t)| ((*f).to_owned(), (*t).to_owned())).collect();
        let at = "2026-11-22T03:00:00Z".parse().unwrap();
        OwnTemplate::new("so-tt", name, files, Actor::Operator("máy".to_owned()), at)
    }

    const BOTH: [(&str, &str); 2] = [(SOURCE, "Ẫ"), (MANIFEST, "")];

    #[test]
    fn names_cannot_lead_out_of_their_folder() {
        for good in ["a", "0", "ban-tin-2027", &"x".repeat(MOST_NAME)] {
            assert_eq!(made(good, &BOTH).unwrap().id(), format!("own/{good}"));
        }
        let long = "x".repeat(MOST_NAME + 1);
        for bad in ["", "..", "../lib", "a/b", "-a", "a-", "A", "bản", "a_b", "a\u{1}b", &long] {
            assert_eq!(made(bad, &BOTH).unwrap_err(), BadTemplate::Name(bad.to_owned()));
        }
    }

    #[test]
    fn only_the_three_files_are_taken_and_none_is_long() {
        assert!(made("a", &[BOTH[0], BOTH[1], (SAMPLES, "{}")]).is_ok());
        for bad in ["lib/kit.typ", "../template.typ", "template.typ ", "labels.toml", ""] {
            let why = made("a", &[BOTH[0], BOTH[1], (bad, "")]).unwrap_err();
            assert_eq!(why, BadTemplate::File(bad.to_owned()));
        }
        assert_eq!(made("a", &BOTH[..1]).unwrap_err(), BadTemplate::Missing(MANIFEST));
        assert_eq!(made("a", &BOTH[1..]).unwrap_err(), BadTemplate::Missing(SOURCE));
        // Bytes and not letters: Ẫ has three.
        let long = "Ẫ".repeat(MOST_BYTES / 3 + 1);
        let why = made("a", &[(SOURCE, &long), BOTH[1]]).unwrap_err();
        assert_eq!(why, BadTemplate::Long { file: SOURCE.to_owned(), bytes: long.len() });
    }

    #[test]
    fn other_files_are_another_digest_and_agencies_do_not_share_keys() {
        let (one, two) = (made("a", &BOTH).unwrap(), made("b", &BOTH).unwrap());
        assert_eq!(one.digest, two.digest);
        assert_ne!(made("a", &[(SOURCE, "Ấ"), BOTH[1]]).unwrap().digest, one.digest);
        assert_eq!(OwnTemplate::key_of("so-tt", "own/a").as_deref(), Some(one.key().as_str()));
        assert_ne!(OwnTemplate::key_of("so", "own/a"), Some(one.key()));
        assert_eq!(OwnTemplate::key_of("so-tt", "tin-nhanh"), None);
        assert!(one.key().starts_with(&OwnTemplate::of_agency("so-tt")));
        assert!(!one.key().starts_with(&OwnTemplate::of_agency("so")));
    }
}
