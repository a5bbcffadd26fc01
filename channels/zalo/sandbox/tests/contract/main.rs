//! The stand-in over plain HTTP, in the request shapes of the official SDKs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod articles;
mod support;
