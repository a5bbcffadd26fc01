//! One request to the platform: address, token, gate, meaning.

use std::time::Duration;

use loa_channel::{Cx, Error, ErrorKind, Result, RetryAdvice, To};
use loa_model::delivery::Effect;
use loa_net::{Body, Method, Request};
use serde_json::{Map, Value};

use crate::{Viber, classify};

/// Name of the token in the secret. It also signs the platform's messages to us.
pub const AUTH_TOKEN: &str = "auth_token";

/// Largest request the platform takes, bytes of JSON.
const MAX_REQUEST: usize = 30 * 1024;

/// Longest exchange.
const PATIENCE: Duration = Duration::from_secs(30);

impl Viber {
    /// Calls `name`. The token goes in the header and in the body: the Channels API documents the body, the Bot API the header.
    pub(crate) async fn call(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        effect: Effect,
        name: &str,
        mut body: Map<String, Value>,
    ) -> Result<Value> {
        let token = token(to)?;
        body.insert("auth_token".to_owned(), token.into());
        let body = Value::Object(body);
        let length = body.to_string().len();
        if length > MAX_REQUEST {
            let message = format!("the request has {length} bytes, {MAX_REQUEST} are allowed");
            return Err(Error::new(ErrorKind::Content, RetryAdvice::Never, message));
        }
        let url = self.client.join(name).map_err(|error| classify::transport(error, effect))?;
        let mut request = Request::new(Method::POST, url)
            .secret_header("X-Viber-Auth-Token", token)
            .body(Body::Json(body))
            .timeout(PATIENCE);
        request.effect = effect != Effect::Read;
        let gate = request.effect.then_some(cx.gate);
        let sent = self.client.send(request, gate).await;
        let response = sent.map_err(|error| classify::transport(error, effect))?;
        classify::answer(&response, effect, to.secret)
    }
}

pub(crate) fn token(to: To<'_>) -> Result<&str> {
    to.secret.get(AUTH_TOKEN).ok_or_else(|| {
        let message = "the account has no auth token, connect it again";
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })
}
