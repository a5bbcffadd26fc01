//! Text without secrets.

use serde_json::Value;
use url::Url;

const MARK: &str = "REDACTED";

/// Secrets shorter than this are not looked for: they would tear holes in ordinary words.
const SHORTEST: usize = 4;

/// `text` with every one of `secrets` replaced by `REDACTED`, also where it stands percent-encoded.
///
/// ```
/// assert_eq!(loa_net::redact("bad token EAAB12", ["EAAB12"]), "bad token REDACTED");
/// ```
pub fn redact<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let mut clean = text.to_owned();
    for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
        clean = clean.replace(secret, MARK);
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        if encoded != secret {
            clean = clean.replace(&encoded, MARK);
        }
    }
    clean
}

/// `value` with every one of `secrets` replaced in its texts and keys.
pub fn redact_json(value: Value, secrets: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text, secrets.iter().copied())),
        Value::Array(items) => {
            items.into_iter().map(|item| redact_json(item, secrets)).collect::<Vec<_>>().into()
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, item)| (redact(&key, secrets.iter().copied()), redact_json(item, secrets)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other,
    }
}

/// The address for people and logs: no user, no fragment, query values replaced by `REDACTED`.
pub fn redacted_url(url: &Url) -> String {
    let mut clean = url.clone();
    clean.set_fragment(None);
    if !clean.username().is_empty() || clean.password().is_some() {
        // An address without a host has no user either, so this cannot fail where it matters.
        let cleared = clean.set_username("").and_then(|()| clean.set_password(None));
        if cleared.is_err() {
            return MARK.to_owned();
        }
    }
    if url.query().is_some() {
        let keys: Vec<String> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
        clean.query_pairs_mut().clear().extend_pairs(keys.iter().map(|key| (key, MARK)));
    }
    clean.into()
}
