#![doc = include_str!("../README.md")]

pub mod asset;
pub mod brand;
pub mod chart;
pub mod encode;
mod engine;
mod error;
mod fonts;
mod inspect;
pub mod photo;
mod pixels;
pub mod qr;
mod raster;
mod salience;
pub mod sanitise;
mod svg;
mod under;
mod world;

pub use asset::{Assets, Manifest, Size, Template, TemplateKind};
pub use brand::{Brand, Colour, Theme};
pub use engine::{Canvas, Engine, Layout, Problem, Sheet};
pub use error::{Error, Result};
pub use fonts::is_font;
pub use inspect::DrawnText;
pub use photo::{DecodedPhoto, Focus, PreparedPhoto};
pub use pixels::Pixels;
