//! Messages from the platform: the signature over the raw bytes first, the JSON after.

use hmac::Mac as _;
use loa_channel::{Error, ErrorKind, InboundEvent, Result, RetryAdvice, To};
use serde_json::Value;

use crate::call::{APP_SECRET, mac};

pub(crate) fn events(
    to: To<'_>,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Vec<InboundEvent>> {
    let forged = |message: &str| Error::new(ErrorKind::Forged, RetryAdvice::Never, message);
    let app_secret = to.secret.get(APP_SECRET);
    let app_secret = app_secret.ok_or_else(|| forged("no app secret to verify messages with"))?;
    let given = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-hub-signature-256"))
        .and_then(|(_, value)| value.strip_prefix("sha256="))
        .and_then(|hex| hex::decode(hex).ok())
        .ok_or_else(|| forged("the message has no signature"))?;
    let mut mac = mac(app_secret);
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| forged("the signature does not match"))?;
    let message: Value = serde_json::from_slice(body).map_err(|error| {
        let what = format!("the message is not JSON: {error}");
        Error::new(ErrorKind::Protocol, RetryAdvice::Never, what)
    })?;
    let mut events = Vec::new();
    let of_page = |entry: &&Value| entry["id"].as_str() == Some(&to.account.remote_id);
    for entry in message["entry"].as_array().into_iter().flatten().filter(of_page) {
        for change in entry["changes"].as_array().into_iter().flatten() {
            events.push(event(change));
        }
    }
    Ok(events)
}

/// A published post of the Page itself; comments and reactions name a post too and are none.
fn event(change: &Value) -> InboundEvent {
    let value = &change["value"];
    let item = value["item"].as_str().unwrap_or_default();
    let made = change["field"] == "feed"
        && value["verb"] == "add"
        && matches!(item, "status" | "photo" | "video" | "share" | "post")
        && value["comment_id"].is_null()
        && value["published"] != 0;
    match value["post_id"].as_str().filter(|_| made) {
        Some(id) => InboundEvent::Posted { remote_id: id.to_owned(), raw: change.clone() },
        None => InboundEvent::Other(change.clone()),
    }
}
