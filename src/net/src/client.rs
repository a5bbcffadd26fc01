//! The two clients and the one way to send.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::BytesMut;
use loa_model::Gate;
use reqwest::{
    Method,
    header::{HeaderName, HeaderValue, LOCATION},
};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::{fs::File, io::AsyncWriteExt as _, sync::mpsc, time::timeout};
use url::{Origin, Url};

use crate::{
    address::Policy,
    connect::{Ask, AskLayer},
    error::{Error, ErrorKind, Result, Sent},
    redact::redacted_url,
    request::{Request, Response},
    resolve::{Resolve, System, Target, target},
};

/// Redirects a guarded client follows.
const MAX_REDIRECTS: usize = 5;

/// What the other side is told we are.
const USER_AGENT: &str = concat!("loa/", env!("CARGO_PKG_VERSION"));

/// Caps of one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest until TCP and TLS stand.
    pub connect: Duration,
    /// Longest of a whole exchange, redirects included, unless the request says otherwise.
    pub total: Duration,
    /// Largest answer in bytes, unless the request says otherwise.
    pub max_body: u64,
}

impl Default for Limits {
    /// 10 s to connect, 30 s in all, 8 MiB.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
            max_body: 8 * 1024 * 1024,
        }
    }
}

/// Sends requests. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    reach: Reach,
    limits: Limits,
    resolver: Arc<dyn Resolve>,
}

/// Where a client may go.
#[derive(Clone)]
enum Reach {
    /// To these origins; the first is that of the base.
    Origins { base: Url, origins: Vec<Origin> },
    /// Anywhere public.
    Public(Policy),
}

impl Client {
    /// A client of one configured platform: it talks to the origin of `base` only.
    ///
    /// # Errors
    /// [`ErrorKind::Request`] when `base` is not an http or https address with a host.
    pub fn trusted(base: Url, limits: Limits) -> Result<Self> {
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            let message = format!("{} is not an http address", redacted_url(&base));
            return Err(Error::unsent(ErrorKind::Request, message));
        }
        let origins = vec![base.origin()];
        Ok(Self { reach: Reach::Origins { base, origins }, limits, resolver: Arc::new(System) })
    }

    /// A client of addresses that users gave. It only reads.
    ///
    /// # Errors
    /// None today; a platform without a resolver could have one.
    pub fn guarded(limits: Limits, policy: Policy) -> Result<Self> {
        Ok(Self { reach: Reach::Public(policy), limits, resolver: Arc::new(System) })
    }

    /// This client, also allowed to talk to the origins of these addresses. Nothing changes for a guarded client.
    #[must_use]
    pub fn allowing<'a>(mut self, others: impl IntoIterator<Item = &'a Url>) -> Self {
        if let Reach::Origins { origins, .. } = &mut self.reach {
            origins.extend(others.into_iter().map(Url::origin));
        }
        self
    }

    /// The base followed by `path` (a leading slash is ignored, segments are taken as they are).
    ///
    /// # Errors
    /// [`ErrorKind::Request`] for a guarded client or a path that makes no address.
    pub fn join(&self, path: &str) -> Result<Url> {
        let Reach::Origins { base, .. } = &self.reach else {
            return Err(Error::unsent(ErrorKind::Request, "a guarded client has no base"));
        };
        let mut root = base.clone();
        root.set_query(None);
        root.set_fragment(None);
        let path =
            format!("{}/{}", root.path().trim_end_matches('/'), path.trim_start_matches('/'));
        root.join(&path)
            .map_err(|error| Error::unsent(ErrorKind::Request, format!("bad path: {error}")))
    }

    /// Sends `request` once and reads the answer, whatever its status. The gate is asked when the connection stands,
    /// before the first byte of the request.
    ///
    /// # Errors
    /// See [`ErrorKind`]; [`Error::sent`] says whether the request can have arrived.
    pub async fn send(&self, request: Request, gate: Option<&dyn Gate>) -> Result<Response> {
        let whole = request.timeout.unwrap_or(self.limits.total);
        let shown = format!("{} {}", request.method, redacted_url(&request.url));
        let mut let_go = false;
        let exchange = async {
            match &self.reach {
                Reach::Origins { origins, .. } => {
                    if !origins.contains(&request.url.origin()) {
                        let message = format!("{shown}: not an address of this platform");
                        return Err(Error::unsent(ErrorKind::Forbidden, message));
                    }
                    let to = target(&*self.resolver, &request.url).await?;
                    self.exchange(request, &to, gate, &mut let_go).await
                }
                Reach::Public(policy) => self.follow(policy, request, gate, &mut let_go).await,
            }
        };
        let outcome = timeout(whole, exchange).await.unwrap_or_else(|_| {
            let sent = if let_go { Sent::Maybe } else { Sent::No };
            let message = format!("{shown}: no answer within {} ms", whole.as_millis());
            Err(Error::new(ErrorKind::Timeout, sent, message))
        });
        match &outcome {
            Ok(response) => tracing::debug!(status = response.status, "{shown}"),
            Err(error) => tracing::debug!(%error, "{shown}"),
        }
        outcome
    }

    /// A guarded read with its redirects, each address checked and pinned.
    async fn follow(
        &self,
        policy: &Policy,
        mut request: Request,
        gate: Option<&dyn Gate>,
        let_go: &mut bool,
    ) -> Result<Response> {
        if request.effect || !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(Error::unsent(ErrorKind::Request, "a guarded client only reads"));
        }
        for _ in 0..=MAX_REDIRECTS {
            Policy::check_url(&request.url)?;
            let to = target(&*self.resolver, &request.url).await?;
            for address in &to.addresses {
                policy.check_address(address.ip(), address.port())?;
            }
            let response = self.exchange(request.clone(), &to, gate, let_go).await?;
            let next = response.header(LOCATION.as_str());
            let Some(next) =
                next.filter(|_| matches!(response.status, 301 | 302 | 303 | 307 | 308))
            else {
                return Ok(response);
            };
            let next = request.url.join(next).map_err(|error| {
                let message = format!("{}: bad redirect: {error}", redacted_url(&request.url));
                Error::new(ErrorKind::Redirect, Sent::Maybe, message)
            })?;
            if next.origin() != request.url.origin() {
                request.secret_headers.clear();
            }
            request.url = next;
        }
        let message =
            format!("{}: more than {MAX_REDIRECTS} redirects", redacted_url(&request.url));
        Err(Error::new(ErrorKind::Redirect, Sent::Maybe, message))
    }

    /// One request on one connection of its own.
    async fn exchange(
        &self,
        request: Request,
        to: &Target,
        gate: Option<&dyn Gate>,
        let_go: &mut bool,
    ) -> Result<Response> {
        let url = request.url.clone();
        let shown = redacted_url(&url);
        let cap = request.max_body.unwrap_or(self.limits.max_body);
        let into_file = request.into_file.clone();
        let (asks, mut asked) = mpsc::channel::<Ask>(1);
        let client = self.connector(to, &url, asks)?;
        let request = wire_request(request)?;
        let mut refused = None;
        // Only this request, not an earlier hop of a redirect, decides what an error means.
        let mut gone = false;
        let sending = client.execute(request);
        tokio::pin!(sending);
        let answer = loop {
            tokio::select! {
                biased;
                Some(ask) = asked.recv() => {
                    // A second connection for one request would be a second request.
                    let go = !gone && refused.is_none() && match gate.map(Gate::open) {
                        Some(Err(closed)) => {
                            refused = Some(closed);
                            false
                        }
                        None | Some(Ok(())) => true,
                    };
                    if go {
                        gone = true;
                        *let_go = true;
                    }
                    if ask.send(go).is_err() {
                        tracing::debug!("{shown}: the connection went before it was let go");
                    }
                }
                answer = &mut sending => break answer,
            }
        };
        if let (Some(closed), false) = (&refused, gone) {
            return Err(Error::unsent(ErrorKind::Gate, format!("{shown}: {closed}")));
        }
        let answer = answer.map_err(|error| failed(&shown, &error, gone))?;
        read(answer, cap, into_file.as_deref(), url, &shown).await
    }

    fn connector(
        &self,
        to: &Target,
        url: &Url,
        asks: mpsc::Sender<Ask>,
    ) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(self.limits.connect)
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls_config(url)?)
            .connector_layer(AskLayer(asks));
        if let Some(name) = &to.name {
            builder = builder.resolve_to_addrs(name, &to.addresses);
        }
        builder.build().map_err(|error| {
            Error::unsent(ErrorKind::Request, format!("cannot make a client: {}", plain(&error)))
        })
    }

    #[cfg(test)]
    pub(crate) fn with_resolver(mut self, resolver: Arc<dyn Resolve>) -> Self {
        self.resolver = resolver;
        self
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reach {
            Reach::Origins { base, .. } => write!(f, "Client(trusted {})", redacted_url(base)),
            Reach::Public(policy) => write!(f, "Client(guarded {policy:?})"),
        }
    }
}

/// Reads the answer up to `cap` bytes, a good one into its file when it has one.
async fn read(
    mut answer: reqwest::Response,
    cap: u64,
    into_file: Option<&Path>,
    url: Url,
    shown: &str,
) -> Result<Response> {
    let status = answer.status().as_u16();
    let with_status = |mut error: Error| {
        error.status = Some(status);
        error
    };
    let too_large = || {
        let message = format!("{shown}: the answer is larger than {cap} bytes");
        with_status(Error::new(ErrorKind::TooLarge, Sent::Maybe, message))
    };
    let headers = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| {
            let value = std::str::from_utf8(value.as_bytes()).ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect();
    if answer.content_length().is_some_and(|length| length > cap) {
        return Err(too_large());
    }
    // What a refusal or a redirect says is for the caller and never the file that was asked for.
    let path = into_file.filter(|_| answer.status().is_success());
    let unwritable = |error: std::io::Error| {
        let message = format!("{shown}: the file for the answer cannot be written: {error}");
        with_status(Error::new(ErrorKind::File, Sent::Maybe, message))
    };
    let mut file = match path {
        Some(path) => Some(File::create(path).await.map_err(unwritable)?),
        None => None,
    };
    let mut body = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) =
        answer.chunk().await.map_err(|error| with_status(failed(shown, &error, true)))?
    {
        length += chunk.len() as u64;
        if length > cap {
            return Err(too_large());
        }
        match &mut file {
            Some(file) => file.write_all(&chunk).await.map_err(unwritable)?,
            None => body.extend_from_slice(&chunk),
        }
    }
    if let Some(file) = &mut file {
        // The last piece may still be on its way to the disk, and its failure would be lost with the handle.
        file.flush().await.map_err(unwritable)?;
    }
    Ok(Response { status, headers, body: body.freeze(), url })
}

fn wire_request(request: Request) -> Result<reqwest::Request> {
    let bad = |what: &str| Error::unsent(ErrorKind::Request, format!("bad header {what}"));
    let has_body = matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
    let (bytes, mime) = request.body.encode();
    let mut wire = reqwest::Request::new(request.method, request.url);
    let headers = wire.headers_mut();
    for (secret, pairs) in [(false, &request.headers), (true, &request.secret_headers)] {
        for (name, value) in pairs {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| bad(name))?;
            value.set_sensitive(secret);
            headers.append(key, value);
        }
    }
    if let Some(mime) = mime {
        let value = HeaderValue::from_str(&mime).map_err(|_| bad("content-type"))?;
        headers.insert(reqwest::header::CONTENT_TYPE, value);
    }
    if bytes.is_empty() && has_body {
        // Without it a front end may answer 411: the length of nothing is said only when it is asked for.
        headers.insert(reqwest::header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    } else if !bytes.is_empty() {
        *wire.body_mut() = Some(bytes.into());
    }
    Ok(wire)
}

/// What a failure of the transport means. Before the request was let go it is a failure to connect, whatever it is called.
fn failed(shown: &str, error: &reqwest::Error, gone: bool) -> Error {
    let kind = match (gone, error.is_timeout()) {
        (_, true) => ErrorKind::Timeout,
        (true, false) => ErrorKind::Broken,
        (false, false) if error.is_builder() => ErrorKind::Request,
        (false, false) if caused_by_tls(error) => ErrorKind::Tls,
        (false, false) => ErrorKind::Connect,
    };
    let sent = if gone { Sent::Maybe } else { Sent::No };
    Error::new(kind, sent, format!("{shown}: {}", plain(error)))
}

fn caused_by_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An io::Error shows what it wraps by get_ref and not by source.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = wrapped.map(|inner| inner as _).or_else(|| error.source());
    }
    false
}

/// The last cause: the first ones only repeat the address, which is shown redacted.
fn plain(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) => "the exchange failed".to_owned(),
        None => cause.to_string(),
    }
}

/// TLS settings, made once: the system's certificates are read on the first https request, so a plain loopback
/// platform needs none.
fn tls_config(url: &Url) -> Result<ClientConfig> {
    static SYSTEM: OnceLock<Result<ClientConfig, String>> = OnceLock::new();
    static NONE: OnceLock<ClientConfig> = OnceLock::new();
    let versions = || {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    };
    if url.scheme() != "https" {
        let none = NONE.get_or_init(|| {
            versions()
                .expect("ring has the default versions")
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth()
        });
        return Ok(none.clone());
    }
    let system = SYSTEM.get_or_init(|| {
        let builder = versions().and_then(BuilderVerifierExt::with_platform_verifier);
        let mut config = builder.map_err(|error| error.to_string())?.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    });
    system.clone().map_err(|message| {
        let message = format!("cannot read the system's certificates: {message}");
        Error::unsent(ErrorKind::Tls, message)
    })
}
