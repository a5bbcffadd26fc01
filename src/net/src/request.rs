//! What is sent and what comes back.

use std::{fmt, path::PathBuf, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use loa_model::Digest;
use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::redact::redacted_url;

/// A request. Debug shows its method and redacted address only.
#[derive(Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute address.
    pub url: Url,
    /// Headers that are no secret.
    pub headers: Vec<(String, String)>,
    /// Headers that are: never printed, never sent on to another origin by a redirect.
    pub secret_headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
    /// Longest the whole exchange may take; the client's own limit when absent.
    pub timeout: Option<Duration>,
    /// Largest answer in bytes; the client's own limit when absent.
    pub max_body: Option<u64>,
    /// File that takes the body of a 2xx answer, piece by piece and in place of what it held; memory when absent.
    pub into_file: Option<PathBuf>,
    /// Whether it changes something on the other side.
    pub effect: bool,
}

impl Request {
    /// A request without headers, body or effect.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: Body::Empty,
            timeout: None,
            max_body: None,
            into_file: None,
            effect: false,
        }
    }

    /// A read.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this header, which is a secret.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.secret_headers.push((name.to_owned(), value.into()));
        self
    }

    /// With this query pair added.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// With this time limit of the whole exchange.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// With this cap of the answer in bytes, above or below the client's own.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// Its answer, when it is 2xx, goes into this file and not into memory: [`Response::body`] is empty then. After an
    /// error the file may hold a part of the answer.
    #[must_use]
    pub fn into_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.into_file = Some(path.into());
        self
    }

    /// It changes something on the other side.
    #[must_use]
    pub fn effectful(mut self) -> Self {
        self.effect = true;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &redacted_url(&self.url))
            .field("body", &self.body)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

/// A body. Debug shows its kind only.
#[derive(Clone, Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// Bytes as they are; give the `Content-Type` as a header.
    Bytes(Bytes),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// `application/json`.
    Json(Value),
    /// `multipart/form-data`.
    Multipart(Vec<Part>),
}

/// A part of a multipart body.
#[derive(Clone)]
pub struct Part {
    /// Field name.
    pub name: String,
    /// File name, when it is a file.
    pub file_name: Option<String>,
    /// Media type; none is sent when absent.
    pub mime: Option<String>,
    /// Content.
    pub bytes: Bytes,
}

impl Part {
    /// A text field.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            file_name: None,
            mime: None,
            bytes: Bytes::from(value.into()),
        }
    }

    /// A file.
    pub fn file(name: &str, file_name: &str, mime: &str, bytes: Bytes) -> Self {
        let mime = (!mime.is_empty()).then(|| mime.to_owned());
        Self { name: name.to_owned(), file_name: Some(file_name.to_owned()), mime, bytes }
    }
}

impl Body {
    /// The bytes and their media type; the same body gives the same bytes.
    pub(crate) fn encode(self) -> (Bytes, Option<String>) {
        match self {
            Self::Empty => (Bytes::new(), None),
            Self::Bytes(bytes) => (bytes, None),
            Self::Form(pairs) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(pairs);
                (form.finish().into(), Some("application/x-www-form-urlencoded".to_owned()))
            }
            Self::Json(value) => (value.to_string().into(), Some("application/json".to_owned())),
            Self::Multipart(parts) => multipart(&parts),
        }
    }
}

/// The boundary is a digest of the parts: no randomness, and no part can hold it by chance or by intent.
fn multipart(parts: &[Part]) -> (Bytes, Option<String>) {
    let mut seed = BytesMut::new();
    for part in parts {
        seed.put_slice(part.name.as_bytes());
        seed.put_slice(&Digest::of(&part.bytes).0);
    }
    let boundary = format!("loa-{}", Digest::of(&seed).short());
    let length: usize = parts.iter().map(|part| part.bytes.len() + 256).sum();
    let mut body = BytesMut::with_capacity(length);
    for part in parts {
        let mut head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
            quoted(&part.name)
        );
        if let Some(file_name) = &part.file_name {
            head.push_str("; filename=\"");
            head.push_str(&quoted(file_name));
            head.push('"');
        }
        if let Some(mime) = &part.mime {
            head.push_str("\r\nContent-Type: ");
            head.push_str(&mime.replace(['\r', '\n'], " "));
        }
        head.push_str("\r\n\r\n");
        body.put_slice(head.as_bytes());
        body.put_slice(&part.bytes);
        body.put_slice(b"\r\n");
    }
    body.put_slice(format!("--{boundary}--\r\n").as_bytes());
    (body.freeze(), Some(format!("multipart/form-data; boundary={boundary}")))
}

/// Escaped as browsers do it.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Form(pairs) => write!(f, "Form({} pairs)", pairs.len()),
            Self::Json(_) => f.write_str("Json(…)"),
            Self::Multipart(parts) => write!(f, "Multipart({} parts)", parts.len()),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Part({:?}, {} bytes)", self.name, self.bytes.len())
    }
}

/// An answer, its whole body within the cap. Any status, also 4xx and 5xx. Debug shows neither headers nor body.
#[derive(Clone)]
pub struct Response {
    /// Status.
    pub status: u16,
    /// Headers in order, names in lower case; a value that is not text is left out.
    pub headers: Vec<(String, String)>,
    /// Body; empty when a file took it.
    pub body: Bytes,
    /// Address that answered, after redirects.
    pub url: Url,
}

impl Response {
    /// The first header of this name (any case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, when it is.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .field("url", &redacted_url(&self.url))
            .finish_non_exhaustive()
    }
}
