//! One call: the account's token in its header, the answer through `classify`, no secret in what comes out.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use loa_channel::{Cx, Error, ErrorKind, Result, RetryAdvice, To};
use loa_model::Digest;
use loa_net::{Body, Client, Limits, Method, Request, Response, Sent};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::{
    classify::{self, Answer, Call, Session},
    config::Config,
    quota,
};

/// The API of all accounts of this channel.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) config: Config,
    calls: Client,
    uploads: Client,
    pub(crate) oauth: Client,
    /// Digest of the access token the platform refused, by account: it is renewed whatever its age.
    refused: Mutex<BTreeMap<String, Digest>>,
}

impl Api {
    pub(crate) fn new(config: Config, limits: Limits) -> Result<Self> {
        if !config.is_valid_chunk() {
            return Err(Error::internal("chunk_bytes must be a multiple of 262144, not 0"));
        }
        let client = |base: &Url, limits| {
            Client::trusted(base.clone(), limits).map_err(|e| Error::internal(e.message))
        };
        let long = Limits { total: config.upload_timeout(), ..limits.clone() };
        Ok(Self {
            calls: client(&config.api_base, limits.clone())?,
            uploads: client(&config.upload_base, long)?,
            oauth: client(&config.oauth_base, limits)?,
            config,
            refused: Mutex::new(BTreeMap::new()),
        })
    }

    /// A read.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T> {
        let request = with_query(Request::get(url_of(&self.calls, path)?), query);
        let value = self.call(cx, to, &self.calls, request, Call::Read).await?;
        serde_json::from_value(value).map_err(|e| classify::unreadable(Call::Read, &e.to_string()))
    }

    /// A call that may change something: the gate is asked first.
    pub(crate) async fn effect(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Body,
    ) -> Result<Value> {
        let request =
            with_query(Request::new(method, url_of(&self.calls, path)?), query).body(body);
        self.call(cx, to, &self.calls, request.effectful(), Call::Effect).await
    }

    /// An upload in one request: a thumbnail or captions.
    pub(crate) async fn upload(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        path: &str,
        query: &[(&str, &str)],
        (mime, bytes): (&str, Bytes),
    ) -> Result<Value> {
        let request = Request::new(Method::POST, url_of(&self.uploads, path)?)
            .header("content-type", mime)
            .body(Body::Bytes(bytes))
            .effectful();
        self.call(cx, to, &self.uploads, with_query(request, query), Call::Effect).await
    }

    /// Opens an upload session: its address. It makes no video yet.
    pub(crate) async fn open_session(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        query: &[(&str, &str)],
        headers: &[(&str, String)],
        body: Value,
    ) -> Result<Url> {
        let url = url_of(&self.uploads, "upload/youtube/v3/videos")?;
        let mut request = with_query(Request::new(Method::POST, url), query).body(Body::Json(body));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.effectful();
        let answer = self.send(cx, to, &self.uploads, request, Call::Effect).await?;
        classify::reply(Call::Effect, cx.clock.now(), Answer::from(&answer))
            .map_err(|error| self.noted(error, to))?;
        let session = answer.header("location").and_then(|to| answer.url.join(to).ok());
        session
            .filter(|session| session.origin() == self.config.upload_base.origin())
            .ok_or_else(|| classify::unreadable(Call::Effect, "upload session of this host"))
    }

    /// Asks an upload session where it stands.
    pub(crate) async fn probe(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        session: &Url,
        total: u64,
    ) -> Result<Session> {
        let request = Request::new(Method::PUT, session.clone())
            .header("content-range", format!("bytes */{total}"));
        let answer = self.send(cx, to, &self.uploads, request, Call::Read).await?;
        classify::session(Call::Read, cx.clock.now(), Answer::from(&answer))
            .map_err(|error| self.noted(error, to))
    }

    /// Sends the bytes from `first` on to an upload session.
    pub(crate) async fn put_chunk(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        session: &Url,
        (first, total): (u64, u64),
        chunk: Bytes,
    ) -> Result<Session> {
        let last = (first + chunk.len() as u64).saturating_sub(1);
        let request = Request::new(Method::PUT, session.clone())
            .header("content-type", "video/mp4")
            .header("content-range", format!("bytes {first}-{last}/{total}"))
            .body(Body::Bytes(chunk))
            .effectful();
        let answer = self.send(cx, to, &self.uploads, request, Call::Effect).await?;
        classify::session(Call::Effect, cx.clock.now(), Answer::from(&answer))
            .map_err(|error| self.noted(error, to))
    }

    async fn call(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        client: &Client,
        request: Request,
        call: Call,
    ) -> Result<Value> {
        let answer = self.send(cx, to, client, request, call).await?;
        classify::reply(call, cx.clock.now(), Answer::from(&answer))
            .map_err(|error| self.noted(error, to))
    }

    async fn send(
        &self,
        cx: &Cx<'_>,
        to: To<'_>,
        client: &Client,
        request: Request,
        call: Call,
    ) -> Result<Response> {
        let token = required(to, "access_token")?;
        let price = quota::price(&request);
        let request = request.secret_header("authorization", format!("Bearer {token}"));
        let gate = (call == Call::Effect).then_some(cx.gate);
        let answer = client.send(request, gate).await;
        let went_out = answer.as_ref().err().is_none_or(|error| error.sent == Sent::Maybe);
        if let Some(price) = price.filter(|_| went_out) {
            cx.ear.hear(price);
        }
        answer.map_err(|error| clean(classify::transport(call, error), to))
    }

    /// Remembers a refused token and takes secrets out of the message.
    fn noted(&self, error: Error, to: To<'_>) -> Error {
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
}

fn url_of(client: &Client, path: &str) -> Result<Url> {
    client.join(path).map_err(|error| Error::internal(error.message))
}

fn with_query(mut request: Request, query: &[(&str, &str)]) -> Request {
    for (name, value) in query {
        request = request.query(name, value);
    }
    request
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
