#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "ffmpeg"),
    allow(
        dead_code,
        unused_imports,
        reason = "without an encoder most of the crate has nothing to do"
    )
)]

// Tests of this crate share their sample with its examples, which know the crate by its name.
#[cfg(test)]
extern crate self as loa_clip;

pub mod caption;
mod compositor;
mod counting;
#[cfg(feature = "ffmpeg")]
mod crew;
mod draw;
mod encode;
mod error;
mod ffi;
#[cfg(feature = "ffmpeg")]
pub mod least;
pub mod music;
mod photo;
pub mod provenance;
pub mod reel;
mod rehearsal;
mod render;
mod rows;
mod sampler;
pub mod score;
mod segment;
pub mod sound;
mod sprite;
mod story;
pub mod subtitle;
pub mod timeline;
pub mod voice;
pub mod worker;
mod yuv;

pub use compositor::{Compositor, Footage, Pictures};
pub use draw::{SpriteFile, draw, keep};
pub use encode::{Bulletin, Encoded, Rate, Rung, SoundCodec, SoundRate};
pub use error::{Error, Result};
pub use photo::{load as load_photo, load_whole as load_whole_photo};
pub use rehearsal::{Rehearsal, Seen, StillOf};
pub use render::{Folders, Runner, Wanted, film, prepare, render};
pub use score::{Said, Score};
pub use segment::prune;
pub use sprite::{Bitmap, Sprite};
pub use story::{
    Cast, Filmed, Followed, Format, Look, Order, Pictured, Spoken, cast, propose, script, topics,
    words,
};
pub use timeline::Timeline;
pub use worker::{Film, Output, PhotoFile, Request, VideoFile};
pub use yuv::{FrameMut, Plane, PlaneMut, Yuv};
