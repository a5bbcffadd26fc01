#![doc = include_str!("../README.md")]

mod body;
mod clean;
mod config;
mod date;
mod draft;
mod error;
mod feed;
mod json;
mod markdown;
mod meta;
mod page;
mod read;
mod video;

pub use clean::clean;
pub use config::Config;
pub use draft::{
    Draft, FetchedPhoto, FetchedVideo, FetchedVideos, MediaPlace, PhotoRef, VideoRef,
    WARNING_CODES, Warning,
};
pub use error::{Error, Result};
pub use feed::{FeedEntry, FeedRead, FeedStamp, address_of, entries, tidy};
pub use read::{Ingest, Kind, MAX_PAGE, Place, Source, parse};

#[cfg(test)]
mod tests;
