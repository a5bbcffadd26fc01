//! Credentials that age, and messages that must prove where they come from.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Cx, Error, ErrorKind, InboundEvent, Result, RetryAdvice, To};
use loa_model::Secret;
use loa_net::{Body, Method, Request};
use sha2::{Digest as _, Sha256};

use crate::{
    api::{Api, clean, required},
    classify::{self, Call},
    wire::Stamped,
};

/// Lifetime of an access token when the answer does not say.
const LIFE_S: u64 = 90_000;

/// New tokens when the access token is old, unknown in age or refused; nothing otherwise.
///
/// The refresh token works once: the vault marks the attempt before this call and keeps its result after it.
pub(crate) async fn refresh(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Option<Secret>> {
    let now = cx.clock.now();
    if !is_due(api, to, now) {
        return Ok(None);
    }
    let form = vec![
        ("refresh_token".to_owned(), required(to, "refresh_token")?.to_owned()),
        ("app_id".to_owned(), app_id(to)?.to_owned()),
        ("grant_type".to_owned(), "refresh_token".to_owned()),
    ];
    let url = api.oauth.join("access_token").map_err(|e| Error::internal(e.message))?;
    let request = Request::new(Method::POST, url)
        .secret_header("secret_key", required(to, "app_secret")?)
        .body(Body::Form(form))
        .effectful();
    // A lost answer is tried once more with the same token: the platform either repeats itself or refuses it.
    let answer = api.oauth.send(request, Some(cx.gate)).await;
    let answer = answer.map_err(|error| clean(classify::transport(Call::Read, error), to))?;
    let tokens = classify::tokens(answer.status, &answer.body).map_err(|error| clean(error, to))?;
    let life = Duration::from_secs(tokens.expires_in.unwrap_or(LIFE_S));
    let expires_at = now.checked_add(life).unwrap_or(Timestamp::MAX);
    let named = |name: &str, value: String| (name.to_owned(), value);
    Ok(Some(Secret::new([
        named("access_token", tokens.access_token),
        named("refresh_token", tokens.refresh_token),
        named("expires_at", expires_at.to_string()),
        named("rotated_at", now.to_string()),
    ])))
}

/// Whether the tokens are to be renewed: by their age, or because the platform refused them.
pub(crate) fn is_due(api: &Api, to: To<'_>, now: Timestamp) -> bool {
    let Some(token) = to.secret.get("access_token") else { return true };
    let rotated: Option<Timestamp> = to.secret.get("rotated_at").and_then(|text| text.parse().ok());
    let old = SignedDuration::from_hours(api.config.refresh_after_h.into());
    rotated.is_none_or(|rotated| now.duration_since(rotated) >= old) || api.is_refused(to, token)
}

/// The app id: a setting of the account, or a value of its secret.
fn app_id(to: To<'_>) -> Result<&str> {
    let known = to.account.settings.get("app_id").map(String::as_str);
    known.filter(|id| !id.is_empty()).or(to.secret.get("app_id")).ok_or_else(|| {
        let message = "the account has no app_id, add it to its settings";
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })
}

/// A message whose mac fits. Its stamp is inside the body, so that one field is read before the check; nothing else is.
pub(crate) fn inbound(
    to: To<'_>,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Vec<InboundEvent>> {
    let forged = |why: &str| Error::new(ErrorKind::Forged, RetryAdvice::Never, why);
    let given = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("x-zevent-signature"))
        .and_then(|(_, value)| value.trim().strip_prefix("mac="))
        .ok_or_else(|| forged("the message carries no signature"))?;
    let key = to
        .secret
        .get("oa_secret_key")
        .ok_or_else(|| forged("the account has no oa_secret_key to check the message with"))?;
    let stamp = serde_json::from_slice::<Stamped>(body)
        .map_err(|_| forged("the message carries no timestamp"))?
        .timestamp;
    // Which id comes first is disputed in the field, so both are tried.
    let app = app_id(to).unwrap_or_default();
    let signer = [("app_id", app), ("oa_id", to.account.remote_id.as_str())]
        .into_iter()
        .find(|(_, id)| !id.is_empty() && same(&mac(id, body, &stamp, key), given));
    let Some((signer, _)) = signer else {
        return Err(forged("the signature does not match the message"));
    };
    tracing::debug!(account = %to.account.name, signer, "a webhook is genuine");
    let event = serde_json::from_slice(body).map_err(|e| Error::internal(e.to_string()))?;
    Ok(vec![InboundEvent::Other(event)])
}

/// Plain SHA-256 over the pieces, not an HMAC.
fn mac(id: &str, body: &[u8], stamp: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(id.as_bytes());
    hash.update(body);
    hash.update(stamp.as_bytes());
    hash.update(key.as_bytes());
    hex::encode(hash.finalize())
}

/// Equal, in a time that does not depend on where they differ.
fn same(ours: &str, given: &str) -> bool {
    let given = given.to_ascii_lowercase();
    let differ = ours.bytes().zip(given.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    ours.len() == given.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{account, secret};

    const BODY: &str = r#"{"event_name":"follow","oa_id":"388613280879808645","follower":{"id":"24684588352919792"},"source":"oa_profile","app_id":"3608465248940903967","timestamp":"1602560967477"}"#;
    const MAC: &str = "81b8eedd5c6642dfcce77ccf904a314b73bfb97d9857f9e26fdcc8ecf5dac5fd";

    fn check(mac: &str, body: &str) -> Result<Vec<InboundEvent>> {
        let mut account = account();
        account.settings.insert("app_id".into(), "3608465248940903967".into());
        let secret = secret(&[("oa_secret_key", "OASECRETsandbox")]);
        let headers = [("X-ZEvent-Signature".to_owned(), format!("mac={mac}"))];
        inbound(To { account: &account, secret: &secret }, &headers, body.as_bytes())
    }

    #[test]
    fn the_known_vector_is_genuine_and_any_change_is_forged() {
        assert_eq!(check(MAC, BODY).unwrap().len(), 1);
        assert_eq!(check(&MAC.to_uppercase(), BODY).unwrap().len(), 1);
        for (mac, body) in [
            (MAC.replace('8', "9"), BODY.to_owned()),
            (MAC.get(..63).unwrap().to_owned(), BODY.to_owned()),
            (String::new(), BODY.to_owned()),
            (MAC.to_owned(), BODY.replace("follow", "unfollow")),
            (MAC.to_owned(), "đây không phải JSON".to_owned()),
        ] {
            assert_eq!(check(&mac, &body).unwrap_err().kind, ErrorKind::Forged, "{mac}");
        }
    }
}
