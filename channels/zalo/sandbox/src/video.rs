//! Files sent to the platform: videos of articles, pictures of chats.

use loa_sandbox::{Incoming, sniff};
use serde_json::json;

use crate::{
    App,
    api::{Answer, Reply},
    error::OaError,
    record::{TOKEN_LIFE, Video},
};

/// Largest video, bytes.
const VIDEO: usize = 50_000_000;
/// Largest picture, bytes.
const PICTURE: usize = 1_048_576;

impl App {
    /// `POST …/upload_video/preparevideo`: one part named `file`.
    pub(crate) async fn prepare_video(&self, oa: &str, incoming: &Incoming) -> Answer {
        let file = incoming.files.iter().find(|file| file.part == "file");
        let file = file.ok_or_else(|| OaError::invalid("file"))?;
        if file.bytes.len() > VIDEO {
            return Err(OaError::new(-210, "Parameter exceeds allowable limit"));
        }
        let kept = self.ground.media.put(&file.bytes).await?;
        let now = self.ground.clock.now();
        let token = self.ground.book.change(|leaf| {
            let token = self.opaque(leaf, "video");
            let id = format!("{:020x}", self.ground.growth.mix(&token, "video"));
            let video = Video {
                oa: oa.to_owned(),
                id,
                name: file.file_name.clone().unwrap_or_default(),
                file: kept,
                uploaded_at: now,
            };
            leaf.put("video", &token, &video);
            Ok::<_, OaError>(token)
        })?;
        Ok(Reply::stored(json!({ "token": token })))
    }

    /// `GET …/upload_video/verify`: the token as header or parameter.
    pub(crate) fn verify_video(&self, oa: &str, incoming: &Incoming) -> Answer {
        let token =
            incoming.header("token").or_else(|| incoming.field("token")).unwrap_or_default();
        let now = self.ground.clock.now();
        let video = self.ground.book.read(|leaf| leaf.get::<Video>("video", token));
        let video = video
            .filter(|video| video.oa == oa && now.duration_since(video.uploaded_at) < TOKEN_LIFE);
        let video = video.ok_or_else(|| OaError::invalid("token"))?;
        let status = video.status(now);
        let (message, percent) = match status {
            1 => ("success", 100),
            3 => ("processing", 40),
            _ => ("convert failed", 0),
        };
        let id = if status == 1 { video.id.as_str() } else { "" };
        Ok(Reply::read(json!({
            "status": status, "status_message": message, "video_id": id, "video_name": video.name,
            "video_size": video.file.bytes, "convert_percent": percent,
            "convert_error_code": if status == 4 { -1 } else { 0 },
        })))
    }

    /// `POST /v2.0/oa/upload/image`: for chats; an article cannot use it.
    pub(crate) async fn upload_image(&self, _oa: &str, incoming: &Incoming) -> Answer {
        let file = incoming.files.iter().find(|file| file.part == "file");
        let file = file.ok_or_else(|| OaError::invalid("file"))?;
        if !matches!(sniff(&file.bytes), "image/jpeg" | "image/png") {
            return Err(OaError::invalid("file"));
        }
        if file.bytes.len() > PICTURE {
            return Err(OaError::new(-210, "Parameter exceeds allowable limit"));
        }
        self.ground.media.put(&file.bytes).await?;
        let id =
            self.ground.book.change(|leaf| Ok::<_, OaError>(self.opaque(leaf, "attachment")))?;
        Ok(Reply::stored(json!({ "attachment_id": id })))
    }
}
