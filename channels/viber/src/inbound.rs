//! Messages from the platform: the signature over the raw bytes first, the JSON after. A Channel only ever sends the check of
//! its webhook; nothing in it proves a post.

use hmac::{Hmac, KeyInit as _, Mac as _};
use loa_channel::{Error, ErrorKind, InboundEvent, Result, RetryAdvice, To};
use sha2::Sha256;

use crate::call::AUTH_TOKEN;

pub(crate) fn events(
    to: To<'_>,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Vec<InboundEvent>> {
    let forged = |message: &str| Error::new(ErrorKind::Forged, RetryAdvice::Never, message);
    let token =
        to.secret.get(AUTH_TOKEN).ok_or_else(|| forged("no token to verify messages with"))?;
    let given = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-viber-content-signature"))
        .and_then(|(_, value)| hex::decode(value).ok())
        .ok_or_else(|| forged("the message has no signature"))?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length is taken");
    mac.update(body);
    mac.verify_slice(&given).map_err(|_| forged("the signature does not match"))?;
    let message = serde_json::from_slice(body).map_err(|error| {
        let what = format!("the message is not JSON: {error}");
        Error::new(ErrorKind::Protocol, RetryAdvice::Never, what)
    })?;
    Ok(vec![InboundEvent::Other(message)])
}
