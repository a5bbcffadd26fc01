//! The access token lives an hour; the refresh token stays.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loa_channel::{Cx, Error, ErrorKind, Result, RetryAdvice, To};
use loa_model::Secret;
use loa_net::{Body, Method, Request};

use crate::{
    api::{Api, clean, required},
    classify::{self, Answer, Call},
};

/// Lifetime of an access token when the answer does not say.
const LIFE_S: u64 = 3_599;

/// A new access token when the old one is about to end, unknown in age or refused; nothing otherwise.
pub(crate) async fn refresh(api: &Api, cx: &Cx<'_>, to: To<'_>) -> Result<Option<Secret>> {
    let now = cx.clock.now();
    if !is_due(api, to, now) {
        return Ok(None);
    }
    let mut form = vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), required(to, "refresh_token")?.to_owned()),
        ("client_id".to_owned(), client_id(to)?.to_owned()),
    ];
    if let Some(secret) = to.secret.get("client_secret") {
        form.push(("client_secret".to_owned(), secret.to_owned()));
    }
    let url = api.oauth.join("token").map_err(|e| Error::internal(e.message))?;
    let request = Request::new(Method::POST, url).body(Body::Form(form)).effectful();
    // The refresh token is not used up, so a lost answer is simply asked for again.
    let answer = api.oauth.send(request, Some(cx.gate)).await;
    let answer = answer.map_err(|error| clean(classify::transport(Call::Read, error), to))?;
    let tokens = classify::tokens(Answer::from(&answer)).map_err(|error| clean(error, to))?;
    let life = Duration::from_secs(tokens.expires_in.unwrap_or(LIFE_S));
    let expires_at = now.checked_add(life).unwrap_or(Timestamp::MAX);
    let named = |name: &str, value: String| (name.to_owned(), value);
    Ok(Some(Secret::new([
        named("access_token", tokens.access_token),
        named("refresh_token", tokens.refresh_token.unwrap_or_default()),
        named("expires_at", expires_at.to_string()),
        named("rotated_at", now.to_string()),
    ])))
}

/// Whether the tokens are to be renewed: by their age, or because the platform refused them.
pub(crate) fn is_due(api: &Api, to: To<'_>, now: Timestamp) -> bool {
    let Some(token) = to.secret.get("access_token") else { return true };
    let expires: Option<Timestamp> = to.secret.get("expires_at").and_then(|text| text.parse().ok());
    let least = SignedDuration::from_secs(api.config.refresh_before_s.into());
    expires.is_none_or(|expires| expires.duration_since(now) < least) || api.is_refused(to, token)
}

/// The client id: a setting of the account, or a value of its secret.
fn client_id(to: To<'_>) -> Result<&str> {
    let known = to.account.settings.get("client_id").map(String::as_str);
    known.filter(|id| !id.is_empty()).or(to.secret.get("client_id")).ok_or_else(|| {
        let message = "the account has no client_id, add it to its settings";
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })
}
