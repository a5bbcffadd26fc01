//! The log of requests a stand-in saw, without secrets.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Requests kept: the newest ones, in memory only.
const KEPT: usize = 5_000;
/// Characters kept of one field.
const FIELD: usize = 2_000;

/// Names of parameters that carry secrets on one platform or another.
const SECRET: &[&str] = &[
    "access_token",
    "appsecret_proof",
    "auth_token",
    "client_secret",
    "code",
    "code_verifier",
    "input_token",
    "refresh_token",
    "secret_key",
    "token",
];

/// A file of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFile {
    /// Name of the part.
    pub part: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// One request as seen, secrets replaced by `***`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRequest {
    /// Number, from 1.
    pub number: u64,
    /// When it came, on the stand-in's clock.
    pub at: Timestamp,
    /// Method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Parameters of query and body.
    pub fields: BTreeMap<String, String>,
    /// Files.
    pub files: Vec<SeenFile>,
    /// Length of the body as the caller gave it; nothing when it gave none.
    #[serde(default)]
    pub length: Option<u64>,
    /// Status answered; nothing when the connection was cut.
    pub status: Option<u16>,
    /// Whether something was stored.
    pub committed: bool,
    /// The fault that was played, if any.
    pub fault: Option<String>,
}

/// The newest requests of a platform.
#[derive(Debug, Default)]
pub struct RequestLog {
    inner: Mutex<(u64, VecDeque<SeenRequest>)>,
}

impl RequestLog {
    /// Every request kept, oldest first.
    pub fn all(&self) -> Vec<SeenRequest> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.1.iter().cloned().collect()
    }

    pub(crate) fn push(&self, mut seen: SeenRequest) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.0 += 1;
        seen.number = inner.0;
        if inner.1.len() == KEPT {
            inner.1.pop_front();
        }
        inner.1.push_back(seen);
    }
}

/// What the reader of a request notes for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note {
    inner: Arc<Mutex<Noted>>,
}

/// Parameters and files of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) files: Vec<SeenFile>,
}

impl Note {
    pub(crate) fn field(&self, name: &str, value: &str) {
        let value = redacted(name, value);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.fields.insert(name.to_owned(), value);
    }

    pub(crate) fn file(&self, file: SeenFile) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.files.push(file);
    }

    pub(crate) fn take(&self) -> Noted {
        std::mem::take(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn redacted(name: &str, value: &str) -> String {
    let secret = SECRET.contains(&name) || name.ends_with("_token") || name.ends_with("_secret");
    if secret { "***".to_owned() } else { value.chars().take(FIELD).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_reach_the_log() {
        let note = Note::default();
        note.field("access_token", "EAAG-bí-mật");
        note.field("fb_exchange_token", "EAAG-bí-mật");
        note.field("message", "Chào buổi sáng");
        let noted = note.take();
        assert!(!format!("{noted:?}").contains("bí-mật"));
        assert_eq!(noted.fields.get("message").unwrap(), "Chào buổi sáng");
    }
}
