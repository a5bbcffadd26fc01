//! The platform's own types. Ids are text: they exceed 2^53, and some answers give them as numbers.

#![expect(clippy::struct_field_names, reason = "the names are the platform's")]

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Reply of a creating request that asked for these fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Created {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    pub(crate) permalink_url: String,
    pub(crate) created_time: String,
}

/// Reply of `upload_phase=start`.
#[derive(Debug, Deserialize)]
pub(crate) struct ReelStart {
    #[serde(deserialize_with = "text")]
    pub(crate) video_id: String,
    pub(crate) upload_url: String,
}

/// A video or Reel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Video {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    pub(crate) description: String,
    #[serde(deserialize_with = "text")]
    pub(crate) post_id: String,
    pub(crate) permalink_url: String,
    pub(crate) created_time: String,
    pub(crate) published: Option<bool>,
    pub(crate) status: Status,
}

/// State of a video. The documents spell `bytes_transfered` and `completed`, the wire `bytes_transferred` and `complete`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) video_status: String,
    pub(crate) uploading_phase: Phase,
    pub(crate) processing_phase: Phase,
    pub(crate) publishing_phase: Phase,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Phase {
    pub(crate) status: String,
    #[serde(alias = "bytes_transfered")]
    pub(crate) bytes_transferred: Option<Value>,
    pub(crate) publish_status: String,
    pub(crate) error: Option<Value>,
    pub(crate) errors: Option<Value>,
}

impl Phase {
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.status.as_str(), "complete" | "completed")
    }

    /// What the phase says went wrong, for people.
    fn failure(&self) -> Option<String> {
        let said = self.error.iter().chain(&self.errors).find(|value| is_something(value));
        let failed = self.status == "error" || self.publish_status == "error" || said.is_some();
        failed.then(|| said.map(Value::to_string).unwrap_or_default())
    }
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

impl Video {
    /// Whether the audience sees it.
    pub(crate) fn is_public(&self) -> bool {
        let phase = &self.status.publishing_phase.publish_status;
        phase == "published" || (!self.post_id.is_empty() && self.published != Some(false))
    }

    /// Whether the platform is still at work: nobody can tell yet what will come of it.
    pub(crate) fn is_busy(&self) -> bool {
        let busy = |phase: &Phase| phase.status == "in_progress";
        busy(&self.status.processing_phase) || busy(&self.status.publishing_phase)
    }

    /// What went wrong with it; a new upload is needed.
    pub(crate) fn failure(&self) -> Option<String> {
        let status = &self.status;
        let dead = matches!(status.video_status.as_str(), "upload_failed" | "error" | "expired");
        let phases = [&status.uploading_phase, &status.processing_phase, &status.publishing_phase];
        let said = phases.into_iter().find_map(Phase::failure);
        said.or_else(|| dead.then(|| status.video_status.clone()))
    }

    /// Bytes the platform holds.
    pub(crate) fn bytes_held(&self) -> u64 {
        match &self.status.uploading_phase.bytes_transferred {
            Some(Value::String(text)) => text.parse().unwrap_or(0),
            Some(value) => value.as_u64().unwrap_or(0),
            None => 0,
        }
    }

    /// Whether every byte is there.
    pub(crate) fn is_uploaded(&self) -> bool {
        self.status.uploading_phase.is_complete() || self.status.video_status == "upload_complete"
    }
}

/// A post, with the fields read-back asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Post {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) created_time: String,
    pub(crate) permalink_url: String,
    pub(crate) is_published: Option<bool>,
    pub(crate) attachments: Value,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Paging {
    pub(crate) cursors: Cursors,
    pub(crate) next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cursors {
    pub(crate) after: String,
}

impl<T> List<T> {
    /// Cursor of the next page. The address the platform names is not followed, only its cursor.
    pub(crate) fn next(&self) -> Option<&str> {
        let more = self.paging.next.is_some() && !self.paging.cursors.after.is_empty();
        more.then_some(self.paging.cursors.after.as_str())
    }
}

/// One metric of an object.
#[derive(Debug, Deserialize)]
pub(crate) struct Insight {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) values: Vec<InsightValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct InsightValue {
    #[serde(default)]
    pub(crate) value: Value,
}

/// The platform's error.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: i64,
    pub(crate) error_subcode: i64,
    pub(crate) is_transient: bool,
    pub(crate) error_user_msg: String,
}

/// The error of the byte server, which has a shape of its own.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(crate) struct UploadFailure {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) message: String,
}

/// Reads a value, or nothing when it has another shape.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

/// `2026-11-22T12:00:00+0000`: the offset has no colon.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text).ok().or_else(|| text.parse().ok())
}

/// An id given as text or as a number; anything else is empty.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    })
}
