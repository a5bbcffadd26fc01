#![doc = include_str!("../README.md")]

mod address;
mod client;
mod connect;
mod error;
mod redact;
mod request;
mod resolve;

pub use address::Policy;
pub use client::{Client, Limits};
pub use error::{Error, ErrorKind, Result, Sent};
pub use redact::{redact, redact_json, redacted_url};
pub use request::{Body, Part, Request, Response};
pub use reqwest::Method;

#[cfg(test)]
mod tests;
