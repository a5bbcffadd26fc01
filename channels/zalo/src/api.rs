//! One call: the account's token in its header, the answer through `classify`, no secret in what comes out.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use loa_channel::{Cx, Error, ErrorKind, Result, RetryAdvice, To};
use loa_model::{Digest, Gate};
use loa_net::{Body, Client, Limits, Part, Request, Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::Sha256;

use crate::{
    classify::{self, Call},
    config::Config,
    usage,
};

/// Longest upload of one file.
const UPLOAD: Duration = Duration::from_mins(10);

/// The API of all accounts of this channel.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) config: Config,
    calls: Client,
    pub(crate) oauth: Client,
    /// Digest of the access token the platform refused, by account: it is renewed whatever its age.
    refused: Mutex<BTreeMap<String, Digest>>,
    /// Changes of articles the platform works on, by account and article: what was sent and the token to ask about it.
    changes: Mutex<BTreeMap<(String, String), (Digest, String)>>,
}

impl Api {
    pub(crate) fn new(config: Config, limits: Limits) -> Result<Self> {
        let client = |base: &url::Url, limits| {
            Client::trusted(base.clone(), limits).map_err(|e| Error::internal(e.message))
        };
        let calls = client(&config.api_base, limits.clone())?;
        let oauth = client(&config.oauth_base, limits)?;
        Ok(Self { config, calls, oauth, refused: Mutex::default(), changes: Mutex::default() })
    }

    /// A read with plain query parameters.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T> {
        let mut request = Request::get(self.url(path)?);
        for (name, value) in query {
            request = request.query(name, value);
        }
        let data = self.send(cx, to, request, Call::Read).await?;
        serde_json::from_value(data).map_err(|e| classify::unreadable(Call::Read, &e.to_string()))
    }

    /// A call that may change something: the gate is asked first.
    pub(crate) async fn effect(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Value> {
        let request = self.post(path, body)?.effectful();
        self.send(cx, to, request, Call::Effect).await
    }

    /// The raw answer of a read that is a POST.
    pub(crate) async fn ask(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Response> {
        self.raw(cx, to, self.post(path, body)?).await
    }

    /// Sends a file, which nothing shows yet: the gate is asked first all the same.
    pub(crate) async fn upload(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        file: Part,
    ) -> Result<Value> {
        let request = Request::new(loa_net::Method::POST, self.url(path)?)
            .body(Body::Multipart(vec![file]))
            .timeout(UPLOAD)
            .effectful();
        self.send(cx, to, request, Call::Upload).await
    }

    /// The raw answer of a read about an upload. Its token goes as header and as parameter: the official SDKs differ.
    pub(crate) async fn look(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        token: &str,
    ) -> Result<Response> {
        let request = Request::get(self.url(path)?).query("token", token);
        self.raw(cx, to, request.secret_header("token", token)).await
    }

    async fn raw(&self, cx: &Cx<'_>, to: To<'_>, read: Request) -> Result<Response> {
        let request = signed(read, to, self.config.appsecret_proof)?;
        let answer = self.exchange(cx, request, None).await;
        answer.map_err(|error| clean(classify::transport(Call::Read, error), to))
    }

    async fn exchange(
        &self,
        cx: &Cx<'_>,
        request: Request,
        gate: Option<&dyn Gate>,
    ) -> loa_net::Result<Response> {
        let answer = self.calls.send(request, gate).await?;
        if let Some(usage) = usage::told(&answer, cx.clock.now()) {
            cx.ear.hear(usage);
        }
        Ok(answer)
    }

    async fn send(&self, cx: &Cx<'_>, to: To<'_>, request: Request, call: Call) -> Result<Value> {
        let gate = (call != Call::Read).then_some(cx.gate);
        let request = signed(request, to, self.config.appsecret_proof)?;
        let answer = self.exchange(cx, request, gate).await;
        let outcome = answer.map_err(|error| classify::transport(call, error)).and_then(
            |Response { status, body, .. }| classify::reply(call, cx.clock.now(), status, &body),
        );
        outcome.map_err(|error| self.noted(error, to))
    }

    /// Remembers a refused token and takes secrets out of the message.
    pub(crate) fn noted(&self, error: Error, to: To<'_>) -> Error {
        if classify::is_dead_token(&error)
            && let Some(token) = to.secret.get("access_token")
            && let Ok(mut refused) = self.refused.lock()
        {
            refused.insert(to.account.name.to_string(), Digest::of(token.as_bytes()));
        }
        clean(error, to)
    }

    /// Whether the platform refused this very token since the process started.
    pub(crate) fn is_refused(&self, to: To<'_>, token: &str) -> bool {
        self.refused.lock().is_ok_and(|refused| {
            refused.get(to.account.name.as_str()) == Some(&Digest::of(token.as_bytes()))
        })
    }

    /// The token of this very change of an article, when it was sent since the process started.
    pub(crate) fn change_under_way(&self, to: To<'_>, id: &str, what: Digest) -> Option<String> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = changes.get(&(to.account.name.to_string(), id.to_owned()))?;
        (sent.0 == what).then(|| sent.1.clone())
    }

    /// Keeps what was sent about an article; nothing once it has come to its end.
    pub(crate) fn note_change(&self, to: To<'_>, id: &str, sent: Option<(Digest, String)>) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (to.account.name.to_string(), id.to_owned());
        match sent {
            Some(sent) => changes.insert(key, sent),
            None => changes.remove(&key),
        };
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<Request> {
        let body = serde_json::to_value(body).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Request::new(loa_net::Method::POST, self.url(path)?).body(Body::Json(body)))
    }

    fn url(&self, path: &str) -> Result<url::Url> {
        self.calls.join(path).map_err(|error| Error::internal(error.message))
    }
}

fn signed(request: Request, to: To<'_>, with_proof: bool) -> Result<Request> {
    let token = required(to, "access_token")?;
    let request = request.secret_header("access_token", token);
    if !with_proof {
        return Ok(request);
    }
    let proof = appsecret_proof(required(to, "app_secret")?, token);
    Ok(request.secret_header("appsecret_proof", proof))
}

/// A value of the account's secret.
pub(crate) fn required<'a>(to: To<'a>, name: &str) -> Result<&'a str> {
    to.secret.get(name).ok_or_else(|| {
        let message = format!("the account has no {name}, connect it again");
        Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message)
    })
}

/// `error` without any value of the account's secret.
pub(crate) fn clean(mut error: Error, to: To<'_>) -> Error {
    error.message = loa_net::redact(&error.message, to.secret.values());
    error
}

/// Hex of HMAC-SHA256 of the token under the app's secret.
fn appsecret_proof(app_secret: &str, token: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(token.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_matches_the_known_vector() {
        assert_eq!(
            appsecret_proof("APPSECRETsandbox", "ACCESSTOKENsandbox"),
            "df59c0eb5e2e55a60dfd7c773be87dc0284265975ac7538aa462bf6877a67d57"
        );
    }
}
