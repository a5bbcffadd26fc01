#![doc = include_str!("../README.md")]

mod child;
mod error;
mod limits;
mod message;
mod parent;
mod pipe;

pub use child::{Reporter, serve};
pub use error::{Error, Result};
pub use limits::{Confinement, Landlock, Limits, enter};
pub use parent::{Done, Job, run};
