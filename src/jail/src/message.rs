//! What a child says: one JSON value a line.

use loa_model::Progress;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Confinement;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    /// It is under its limits and reads its request now.
    Confined(Confinement),
    /// How far it is.
    Progress(Progress),
    /// The result; the last message.
    Done(Value),
    /// It cannot; the last message.
    Failed(String),
}
