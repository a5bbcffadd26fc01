//! A request read whole, however its parameters came: query, form, JSON or multipart, mixed.

use std::{collections::BTreeMap, convert::Infallible};

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Multipart, Request},
    http::{HeaderMap, Method, header},
};
use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    media,
    traffic::{Note, SeenFile},
};

/// Largest request read, bytes.
const LARGEST: usize = 512 * 1024 * 1024;

/// A request, parameters merged: those of the body win over those of the query.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// Method.
    pub method: Method,
    /// Path without the query.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Parameters of the query alone.
    pub query: BTreeMap<String, String>,
    /// Parameters of query and body; JSON values that are no strings stand as JSON.
    pub fields: BTreeMap<String, String>,
    /// Repeated parameters of the query, in order.
    pub pairs: Vec<(String, String)>,
    /// The JSON body, if it was one.
    pub json: Option<Value>,
    /// Files of a multipart body.
    pub files: Vec<FilePart>,
    /// The body as it came; empty when it was multipart.
    pub body: Bytes,
    /// Why the body could not be read, if it could not.
    pub malformed: Option<String>,
}

/// A file of a multipart body.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// Name of the part.
    pub part: String,
    /// File name given, if any.
    pub file_name: Option<String>,
    /// Media type given, if any.
    pub content_type: Option<String>,
    /// Bytes.
    pub bytes: Bytes,
}

impl Incoming {
    /// A parameter.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter as a whole number, given as a number or as text.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name)?.trim().parse().ok()
    }

    /// A parameter as a truth value: `true`, `1`, `false`, `0`.
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.field(name)?.trim() {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            _ => None,
        }
    }

    async fn read_body(&mut self, request: Request, note: &Note) -> Result<(), String> {
        let kind = self.header(header::CONTENT_TYPE.as_str()).unwrap_or("").to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            return self.read_parts(request, note).await;
        }
        let body = to_bytes(request.into_body(), LARGEST).await.map_err(|e| e.to_string())?;
        self.body = body.clone();
        if body.is_empty() {
            return Ok(());
        }
        if kind.starts_with("application/x-www-form-urlencoded") {
            for (name, value) in form_urlencoded::parse(&body) {
                note.field(&name, &value);
                self.fields.insert(name.into_owned(), value.into_owned());
            }
            return Ok(());
        }
        let looks_json = kind.contains("json") || (kind.is_empty() && body.first() == Some(&b'{'));
        if !looks_json {
            let sha256 = media::hash(&body);
            note.file(SeenFile { part: "body".to_owned(), bytes: body.len() as u64, sha256 });
            return Ok(());
        }
        let value: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        for (name, value) in value.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            note.field(name, &text);
            self.fields.insert(name.clone(), text);
        }
        self.json = Some(value);
        Ok(())
    }

    async fn read_parts(&mut self, request: Request, note: &Note) -> Result<(), String> {
        let mut parts = Multipart::from_request(request, &()).await.map_err(|e| e.body_text())?;
        while let Some(part) = parts.next_field().await.map_err(|e| e.body_text())? {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let content_type = part.content_type().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|e| e.body_text())?;
            match std::str::from_utf8(&bytes) {
                Ok(text) if file_name.is_none() => {
                    note.field(&name, text);
                    self.fields.insert(name, text.to_owned());
                }
                _ => {
                    let sha256 = media::hash(&bytes);
                    let len = bytes.len() as u64;
                    note.file(SeenFile { part: name.clone(), bytes: len, sha256 });
                    self.files.push(FilePart { part: name, file_name, content_type, bytes });
                }
            }
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequest<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &S) -> Result<Self, Infallible> {
        let note = request.extensions().get::<Note>().cloned().unwrap_or_default();
        let mut incoming = Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            headers: request.headers().clone(),
            ..Self::default()
        };
        for (name, value) in
            form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        {
            note.field(&name, &value);
            incoming.pairs.push((name.clone().into_owned(), value.clone().into_owned()));
            incoming.query.insert(name.clone().into_owned(), value.clone().into_owned());
            incoming.fields.insert(name.into_owned(), value.into_owned());
        }
        incoming.malformed = incoming.read_body(request, &note).await.err();
        Ok(incoming)
    }
}

/// A request with this body, for looking into it before it is routed on.
pub(crate) fn with_body(parts: axum::http::request::Parts, body: Bytes) -> Request {
    Request::from_parts(parts, Body::from(body))
}
