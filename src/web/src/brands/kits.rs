//! What the pages ask of whoever draws in brand kits and keeps them.

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use loa_model::{Actor, Face, LogoFormat, OwnBrand, Theme};

use super::failed;
use crate::error::WebError;

/// A kit that pictures can be drawn in.
#[derive(Debug, Clone, PartialEq)]
pub struct Kit {
    /// By which it is named: that of a reviewed one, or `own/<name>`.
    pub id: String,
    /// Name of the agency in Vietnamese.
    pub title_vi: String,
    /// Name of the agency in English; may be empty.
    pub title_en: String,
    /// Line under it; may be empty.
    pub tagline: String,
    /// Family of type.
    pub font: String,
    /// Colours.
    pub theme: Theme,
    /// Whether it has a logo.
    pub has_logo: bool,
    /// Changes with whatever is drawn of it.
    pub stamp: String,
    /// The record, when the agency made it itself.
    pub own: Option<OwnBrand>,
}

/// What becomes of a logo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoWish {
    /// It stays as it is kept.
    Keep,
    /// There is none.
    Remove,
    /// It is this file, whatever it is called.
    New(Bytes),
}

/// A kit as a person wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct KitDraft {
    /// Agency (tenant).
    pub agency: String,
    /// Name, without `own/`.
    pub name: String,
    /// Words and colours; its logo is not looked at.
    pub face: Face,
    /// Logo.
    pub logo: LogoWish,
}

/// A kit to be drawn with.
#[derive(Debug, Clone, PartialEq)]
pub enum KitOf {
    /// One that this agency may use.
    Kept {
        /// Agency (tenant).
        agency: String,
        /// Its id.
        id: String,
    },
    /// One that is being made.
    Draft(KitDraft),
}

/// Whether a kit is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KitWish {
    /// There is none of its name yet.
    Add,
    /// There is one, of this version where the person has seen one.
    Change(Option<u32>),
}

/// A card at half size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleCard {
    /// JPEG.
    pub jpeg: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Why a kit is not kept or not removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KitError {
    /// The agency has none of this name.
    Missing,
    /// The agency has one of this name already.
    Taken,
    /// Somebody changed it since it was seen.
    Raced,
    /// The agency's pictures are drawn in it.
    Used,
    /// What is wrong with it, for people, in both languages where it is ours.
    Unfit(String),
    /// It could not be tried or kept.
    Failed(String),
}

/// Who draws in brand kits and keeps them. `main` hands it in, the pages know no canvas.
pub trait Kits: Send + Sync {
    /// The kits that an agency may use: its own, then the reviewed ones.
    fn kits<'a>(&'a self, agency: &'a str) -> BoxFuture<'a, Result<Vec<Kit>, String>>;

    /// The logo of a kit that the agency may use; nothing without one.
    fn logo<'a>(
        &'a self,
        agency: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<(LogoFormat, Bytes)>, String>>;

    /// The typical story of a family of cards in one of its sizes, or what is wrong with what was asked for.
    fn sample<'a>(
        &'a self,
        of: KitOf,
        look: (&'a str, &'a str),
    ) -> BoxFuture<'a, Result<SampleCard, String>>;

    /// Keeps a kit once the usual story was drawn in it.
    fn keep_kit(
        &self,
        draft: KitDraft,
        wish: KitWish,
        by: Actor,
        at: Timestamp,
    ) -> BoxFuture<'_, Result<OwnBrand, KitError>>;

    /// Takes a kit of an agency away, unless the agency draws in it.
    fn remove_kit<'a>(
        &'a self,
        agency: &'a str,
        name: &'a str,
        by: Actor,
    ) -> BoxFuture<'a, Result<(), KitError>>;
}

impl From<KitError> for WebError {
    fn from(error: KitError) -> Self {
        let conflict = |message: &str| Self::new(StatusCode::CONFLICT, message);
        match error {
            KitError::Missing => Self::missing(),
            KitError::Taken => conflict(
                "Cơ quan đã có bộ nhận diện mang mã này / The agency has a brand kit of this short name already",
            ),
            KitError::Raced => conflict(
                "Có người vừa đổi bộ này; hãy tải lại trang / Somebody changed this kit just now; reload the page",
            ),
            KitError::Used => conflict(
                "Cơ quan đang dùng bộ này; hãy chọn bộ khác cho cơ quan rồi mới bỏ / The agency uses this kit: choose another one for the agency first",
            ),
            KitError::Unfit(why) => Self::unfit(why),
            KitError::Failed(why) => failed(&why),
        }
    }
}
