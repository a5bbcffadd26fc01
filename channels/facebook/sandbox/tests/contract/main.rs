//! The stand-in over plain HTTP, in the request shapes of the real clients.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod posts;
mod support;
mod videos;
