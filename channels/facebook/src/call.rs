//! One request to the platform: address, token, proof, gate, meaning.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use loa_channel::{Cx, Error, Result, To};
use loa_model::delivery::Effect;
use loa_net::{Body, Method, Part, Request};
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use crate::{Facebook, classify, usage};

/// Name of the Page token in the secret.
pub const PAGE_TOKEN: &str = "page_token";

/// Name of the app's secret: signs requests when it is there, verifies webhooks.
pub const APP_SECRET: &str = "app_secret";

/// Longest upload of one file.
const UPLOAD: Duration = Duration::from_mins(10);

/// Named values of a request.
pub(crate) type Pairs<'a> = Vec<(&'a str, String)>;

impl Facebook {
    /// Reads an object or a list.
    pub(crate) async fn get(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        query: Pairs<'_>,
    ) -> Result<Value> {
        let mut request = Request::get(self.at(path)?);
        for (name, value) in with_proof(to, query)? {
            request = request.query(name, &value);
        }
        self.call(cx, to, Effect::Read, request.secret_header("Authorization", bearer(to)?)).await
    }

    /// Changes something.
    pub(crate) async fn post(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        effect: Effect,
        path: &str,
        form: Pairs<'_>,
    ) -> Result<Value> {
        let form = with_proof(to, form)?.into_iter();
        let form = form.map(|(name, value)| (name.to_owned(), value)).collect();
        let request = Request::new(Method::POST, self.at(path)?).body(Body::Form(form));
        self.call(cx, to, effect, request.secret_header("Authorization", bearer(to)?)).await
    }

    /// Uploads a picture beside its named values.
    pub(crate) async fn post_file(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        form: Pairs<'_>,
        file: Part,
    ) -> Result<Value> {
        let form = with_proof(to, form)?.into_iter();
        let mut parts: Vec<_> = form.map(|(name, value)| Part::text(name, value)).collect();
        parts.push(file);
        let request = Request::new(Method::POST, self.at(path)?)
            .body(Body::Multipart(parts))
            .timeout(UPLOAD)
            .secret_header("Authorization", bearer(to)?);
        self.call(cx, to, Effect::Hidden, request).await
    }

    /// Sends the bytes of a video from `offset` on to the address the platform named. It is used as it is; `net` refuses
    /// an origin that is not ours.
    pub(crate) async fn post_bytes(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        url: &str,
        bytes: bytes::Bytes,
        offset: u64,
    ) -> Result<Value> {
        let total = bytes.len();
        let from = usize::try_from(offset).unwrap_or(total).min(total);
        let url: Url =
            url.parse().map_err(|error| Error::internal(format!("bad upload address: {error}")))?;
        let token = token(to)?;
        let request = Request::new(Method::POST, url)
            .secret_header("Authorization", format!("OAuth {token}"))
            .header("offset", from.to_string())
            .header("file_size", total.to_string())
            .header("Content-Type", "application/octet-stream")
            .body(Body::Bytes(bytes.slice(from..)))
            .timeout(UPLOAD);
        self.call(cx, to, Effect::Hidden, request).await
    }

    /// Removes an object.
    pub(crate) async fn delete(&self, cx: &Cx<'_>, to: To<'_>, path: &str) -> Result<Value> {
        let mut request = Request::new(Method::DELETE, self.at(path)?);
        for (name, value) in with_proof(to, vec![])? {
            request = request.query(name, &value);
        }
        let request = request.secret_header("Authorization", bearer(to)?);
        self.call(cx, to, Effect::Idempotent, request).await
    }

    fn at(&self, path: &str) -> Result<Url> {
        let path = format!("{}/{path}", self.config.version);
        self.client.join(&path).map_err(|error| classify::transport(error, Effect::Read))
    }

    async fn call(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        effect: Effect,
        mut request: Request,
    ) -> Result<Value> {
        request.effect = effect != Effect::Read;
        let gate = request.effect.then_some(cx.gate);
        let sent = self.client.send(request, gate).await;
        let response = sent.map_err(|error| classify::transport(error, effect))?;
        for usage in usage::told(&response) {
            cx.ear.hear(usage);
        }
        classify::answer(&response, effect, to.secret)
    }
}

fn token(to: To<'_>) -> Result<&str> {
    to.secret.get(PAGE_TOKEN).ok_or_else(|| {
        let advice = loa_channel::RetryAdvice::Reauthorize;
        let message = "the account has no page token, connect it again";
        Error::new(loa_channel::ErrorKind::Auth, advice, message)
    })
}

fn bearer(to: To<'_>) -> Result<String> {
    Ok(format!("Bearer {}", token(to)?))
}

/// The token signed with the app's secret, for apps that require it.
fn with_proof<'a>(to: To<'_>, mut pairs: Pairs<'a>) -> Result<Pairs<'a>> {
    if let Some(app_secret) = to.secret.get(APP_SECRET) {
        let mut mac = mac(app_secret);
        mac.update(token(to)?.as_bytes());
        pairs.push(("appsecret_proof", hex::encode(mac.finalize().into_bytes())));
    }
    Ok(pairs)
}

pub(crate) fn mac(app_secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(app_secret.as_bytes()).expect("a key of any length is taken")
}
