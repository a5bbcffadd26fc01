#![doc = include_str!("../README.md")]

mod error;
mod flow;
mod hands;
mod studio;
mod worker;

pub use error::{Error, Result};
pub use flow::{Deps, Done, Flow, Profiles};
pub use hands::{BlobReader, PublicUrls, VaultSecrets};
pub use studio::{Made, MakeEngine, PhotoOnDisk, Recipe, Studio, Take};
pub use worker::{Config, ProgressBoard, Worker};
