#![doc = include_str!("../README.md")]

pub mod account;
pub mod address;
pub mod article;
pub mod brand;
pub mod brief;
pub mod capability;
pub mod captions;
pub mod choices;
pub mod connect;
pub mod delivery;
pub mod digest;
pub mod feed;
pub mod ids;
pub mod job;
pub mod measure;
pub mod post;
pub mod progress;
pub mod public;
pub mod reason;
pub mod record;
pub mod schedule;
pub mod seams;
pub mod storyboard;
pub mod template;
pub mod theme;
pub mod user;
pub mod variant;

pub use account::{Account, AccountName, AccountStatus, Agency, Installation, Secret};
pub use address::PostAddress;
pub use article::{Article, ArticleState, Block, BlockKind, Doubt, Photo, SourceRef, Video};
pub use brand::{BadBrand, Face, KeptLogo, LogoFormat, OwnBrand};
pub use brief::{
    Brief, Bulletin, Correction, DateMention, Edit, Event, Figure, Hotline, LegalDoc, Level,
    Passage, Quote, Span, Step, StoryKind, Table,
};
pub use capability::{Capability, ClipPreset, FormatRule, MediaRule, NumberName, Violation};
pub use choices::{BadChoice, BriefList, Choices, Chosen, ChosenPart, FocusPoint, PhotoChoice};
pub use connect::{Connect, ConnectField, Credentials, FieldInput, Kept, Lasts, Untaken, Words};
pub use delivery::{Delivery, DeliveryState, Event as DeliveryEvent, Intent, Receipt, Ticket};
pub use digest::{BlobHash, Digest, DigestBuilder};
pub use feed::{Feed, FeedFailure, FeedItem, ItemState, Then};
pub use ids::{
    ArticleId, BriefId, DeliveryId, FeedId, Ids, JobId, PostId, SampleId, UserId, VariantId,
};
pub use job::{Handed, Job, JobKind, JobState, Priority};
pub use measure::{Measured, Metric, Sample, Value};
pub use post::{
    Approval, BodyBlock, Link, Media, MediaRole, Post, PostContent, PostFormat, PostState,
    Rewritten, Shape,
};
pub use progress::{Cancel, Progress};
pub use public::{ClickCount, PublicMedia};
pub use reason::Why;
pub use record::{IndexEntry, Record};
pub use schedule::{Plan, QuietHours, Timetable, Timing, When};
pub use seams::{Clock, Entropy, Gate, GateClosed};
pub use storyboard::{
    BadStoryboard, Beat, Cut, Fit, MediaCount, Music, Storyboard, Topic, Transition,
};
pub use template::{BadTemplate, OwnTemplate};
pub use theme::{Colour, Theme};
pub use user::{Actor, Login, Membership, Role, User};
pub use variant::{Rendition, Variant, VariantKind, VariantState};

/// A move that the state machine of a record does not list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("illegal move: {what} cannot take {event} in state {state}")]
pub struct IllegalMove {
    /// Kind of record, for example `delivery`.
    pub what: &'static str,
    /// State the record was in.
    pub state: String,
    /// Event that was refused.
    pub event: String,
}
