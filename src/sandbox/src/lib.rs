#![doc = include_str!("../README.md")]

pub mod book;
pub mod client;
pub mod clock;
mod control;
mod door;
pub mod error;
pub mod fault;
pub mod fetch;
pub mod growth;
pub mod html;
pub mod incoming;
mod line;
pub mod media;
pub mod platform;
pub mod post;
mod server;
pub mod traffic;

pub use book::{Book, Page};
pub use client::ControlClient;
pub use clock::{Advance, ManualClock, VirtualClock};
pub use door::{Committed, ListingLag};
pub use error::{Error, Result};
pub use fault::{Fault, FaultBoard, FaultRule};
pub use fetch::{FetchError, Fetched, Fetcher};
pub use growth::{Growth, Numbers, Pull};
pub use incoming::{FilePart, Incoming};
pub use media::{MediaRef, MediaStore, sniff};
pub use platform::{Ground, Platform, Refusal, StandIn, TokenAction, Webhook};
pub use post::{Create, PostMedia, PostStatus, StoredPost};
pub use server::{Options, Running, SAMPLES, Sandbox};
pub use traffic::{RequestLog, SeenRequest};
