#![doc = include_str!("../README.md")]

mod error;
mod flow;
mod hands;
mod preview;
mod studio;
mod worker;

pub use error::{Error, Result};
pub use flow::{Deps, Done, Flow, Profiles};
pub use hands::{BlobReader, PublicUrls, VaultSecrets};
pub use preview::{Draft, Preview};
pub use studio::{Made, MakeEngine, PhotoOnDisk, Recipe, Stamp, Studio, Take};
pub use worker::{Config, ProgressBoard, Worker};
