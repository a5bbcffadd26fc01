#![doc = include_str!("../README.md")]

mod cinema;
mod composing;
mod error;
mod flow;
mod footage;
mod hands;
mod health;
mod intake;
mod kits;
mod own;
mod press;
mod preview;
mod rehearsal;
mod shelf;
mod studio;
mod watch;
mod words;
mod worker;

pub use cinema::{Cinema, Preset};
pub use error::{Error, Result};
pub use flow::{Deps, Done, Flow, Profiles};
pub use footage::VideoOnDisk;
pub use hands::{BlobReader, PublicUrls, VaultSecrets};
pub use kits::{
    Kept, Kit, LogoChange, NewKit, Removed, Reviewed, Sampled, SentKit, Wish, own_kits, remove_kit,
    with_kit,
};
pub use own::{Finding, Limit, Press, Sources};
pub use press::{Files, card_worker};
pub use preview::{Draft, Preview};
pub use rehearsal::{Arranged, ClipDraft, FetchPhoto, Place, Rehearsed, Row, Telling};
pub use shelf::{own_templates, read_manifest, remove_own};
pub use studio::{Made, MakeEngine, PhotoOnDisk, Recipe, Stamp, Studio, Take};
pub use worker::{Config, ProgressBoard, Worker};
