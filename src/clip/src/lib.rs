#![doc = include_str!("../README.md")]

// Tests of this crate share their sample with its examples, which know the crate by its name.
#[cfg(test)]
extern crate self as loa_clip;

pub mod caption;
mod compositor;
mod draw;
mod encode;
mod error;
mod ffi;
mod photo;
pub mod provenance;
pub mod reel;
mod render;
mod rows;
mod sampler;
pub mod sound;
mod sprite;
mod story;
pub mod subtitle;
pub mod timeline;
pub mod worker;
mod yuv;

pub use compositor::{Compositor, Pictures};
pub use draw::{SpriteFile, draw, keep};
#[cfg(feature = "ffmpeg")]
pub use encode::{Composed, compose, encode_composed};
pub use encode::{Encoded, Film, Rate, Rung, encode};
pub use error::{Error, Result};
pub use photo::load as load_photo;
pub use render::{Folders, Runner, prepare, render};
pub use sprite::{Bitmap, Sprite};
pub use story::{Look, Order, low_band, short};
pub use timeline::Timeline;
pub use worker::{Output, PhotoFile, Request};
pub use yuv::{FrameMut, Plane, PlaneMut, Yuv};
