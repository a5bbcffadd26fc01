//! Reels and videos of the feed: started, finished, shown, with thumbnails and captions.

use jiff::{SignedDuration, Timestamp};
use loa_sandbox::Page as Leaf;
use serde_json::{Value, json};

use crate::{
    App,
    api::{Answer, Call, Reply},
    error::GraphError,
    record::{Post, Video, VideoKind, stamp},
};

/// Reels a Page may publish through the API in a rolling day.
const REELS_A_DAY: usize = 30;
/// Bytes asked for at a time in a chunked upload.
const CHUNK: u64 = 4 * 1024 * 1024;

impl App {
    /// A video that exists.
    pub(crate) fn video(&self, id: &str) -> Result<Video, GraphError> {
        let video = self.ground.book.read(|leaf| leaf.get::<Video>("video", id));
        video.filter(|video| !video.removed).ok_or_else(|| GraphError::missing(id))
    }

    fn start(&self, page: &str, kind: VideoKind, size: Option<u64>) -> Result<String, GraphError> {
        let now = self.ground.clock.now();
        self.ground.book.change(|leaf| {
            let id = self.new_id(leaf);
            let video = Video {
                page: page.to_owned(),
                kind,
                size,
                pieces: Vec::new(),
                file: None,
                started_at: now,
                uploaded_at: None,
                title: String::new(),
                description: String::new(),
                thumbnail: None,
                captions: Vec::new(),
                post: None,
                removed: false,
                cancelled: false,
            };
            leaf.put("video", &id, &video);
            Ok(id)
        })
    }

    /// `POST /{page}/video_reels`.
    pub(crate) fn reel(&self, call: &Call, page: &str) -> Answer {
        match call.incoming.field("upload_phase") {
            Some("start" | "START") => {
                let id = self.start(page, VideoKind::Reel, None)?;
                let url = format!("{}/video-upload/v26.0/{id}", self.ground.base);
                Ok(Reply::stored(json!({ "video_id": id, "upload_url": url })))
            }
            Some("finish" | "FINISH") => {
                let id = call.incoming.field("video_id").unwrap_or_default();
                let state = call.incoming.field("video_state").unwrap_or("PUBLISHED");
                match state {
                    "PUBLISHED" | "DRAFT" => {}
                    "SCHEDULED" => {
                        return Err(GraphError::param("This stand-in schedules no reels"));
                    }
                    _ => return Err(GraphError::param("video_state is not known")),
                }
                self.finish(call, page, id, VideoKind::Reel, state == "PUBLISHED")?;
                Ok(Reply::success())
            }
            _ => Err(GraphError::param("upload_phase must be start or finish")),
        }
    }

    /// `POST /{page}/videos`: chunked, or in one request.
    pub(crate) async fn feed_video(&self, call: &Call, page: &str) -> Answer {
        let incoming = &call.incoming;
        let published = incoming.truth("published").unwrap_or(true);
        let session = incoming.field("upload_session_id").unwrap_or_default();
        match incoming.field("upload_phase") {
            Some("start") => {
                let size = incoming.number("file_size").filter(|size| *size > 0);
                let size = size.ok_or_else(|| GraphError::param("file_size is required"))?;
                let id = self.start(page, VideoKind::Feed, Some(size))?;
                Ok(Reply::stored(json!({
                    "upload_session_id": id, "video_id": id,
                    "start_offset": "0", "end_offset": size.min(CHUNK).to_string(),
                })))
            }
            Some("transfer") => {
                let video = self.open_session(session, page)?;
                let offsets = next_offsets(&video);
                let file = incoming
                    .files
                    .first()
                    .ok_or_else(|| GraphError::param("The chunk is missing"))?;
                if incoming.number("start_offset") != Some(video.received())
                    || file.bytes.len() as u64 > CHUNK
                {
                    let message = "There was a problem uploading your video. Please try again.";
                    return Err(GraphError::new(6001, message).sub(1_363_037).data(offsets));
                }
                let video = self.add_piece(session, &file.bytes, None).await?;
                Ok(Reply::stored(next_offsets(&video)))
            }
            Some("finish") => {
                self.finish(call, page, session, VideoKind::Feed, published)?;
                Ok(Reply::success())
            }
            Some("cancel") => {
                self.open_session(session, page)?;
                self.ground.book.change(|leaf| {
                    let mut video: Video =
                        leaf.get("video", session).ok_or_else(|| GraphError::missing(session))?;
                    video.cancelled = true;
                    video.removed = true;
                    leaf.put("video", session, &video);
                    Ok(Reply::success())
                })
            }
            Some(_) => Err(GraphError::param("upload_phase is not known")),
            None => {
                let file = incoming
                    .files
                    .iter()
                    .find(|file| file.part != "thumb")
                    .ok_or_else(|| GraphError::param("No video was given"))?;
                let id = self.start(page, VideoKind::Feed, Some(file.bytes.len() as u64))?;
                self.add_piece(&id, &file.bytes, None).await?;
                self.finish(call, page, &id, VideoKind::Feed, published)?;
                Ok(Reply::stored(json!({ "id": id })))
            }
        }
    }

    fn open_session(&self, session: &str, page: &str) -> Result<Video, GraphError> {
        let video = self.video(session)?;
        let open = video.page == page
            && video.kind == VideoKind::Feed
            && video.post.is_none()
            && !video.cancelled;
        if open { Ok(video) } else { Err(GraphError::param("The upload session is not open")) }
    }

    /// The one request that publishes a video: it makes the post.
    fn finish(
        &self,
        call: &Call,
        page: &str,
        id: &str,
        kind: VideoKind,
        published: bool,
    ) -> Result<(), GraphError> {
        let incoming = &call.incoming;
        let now = self.ground.clock.now();
        self.ground.book.change(|leaf| {
            let found = leaf
                .get::<Video>("video", id)
                .filter(|video| !video.removed && video.page == page && video.kind == kind);
            let mut video = found.ok_or_else(|| GraphError::missing(id))?;
            if video.file.is_none() {
                return Err(GraphError::new(6001, "The video has not been uploaded completely"));
            }
            // Nothing is documented about a second finish; a stand-in that swallowed it would hide a mistake.
            if video.post.is_some() {
                return Err(GraphError::param("The video has already been published"));
            }
            if kind == VideoKind::Reel && reels_of_day(leaf, page, now) >= REELS_A_DAY {
                let text = "Trang đã đăng đủ 30 thước phim trong 24 giờ.";
                return Err(GraphError::new(32, "(#32) Page request limit reached").user(text));
            }
            let field = |name: &str| incoming.field(name).unwrap_or_default().to_owned();
            video.title = field("title");
            video.description = field("description");
            let live_from = video.ready_at().filter(|_| video.playable()).map(|at| at.max(now));
            let post = Post {
                id: format!("{page}_{}", self.new_id(leaf)),
                page: page.to_owned(),
                message: video.description.clone(),
                link: None,
                photos: Vec::new(),
                video: Some(id.to_owned()),
                reel: kind == VideoKind::Reel,
                published,
                scheduled_at: None,
                created_at: now,
                updated_at: now,
                live_from,
                removed: false,
            };
            video.post = Some(post.id.clone());
            leaf.put("video", id, &video);
            self.keep_new(leaf, &post, now);
            Ok(())
        })
    }

    /// The `status` object of a video: stages run on the stand-in's clock.
    pub(crate) fn status(&self, video: &Video, post: Option<&Post>) -> Value {
        let now = self.ground.clock.now();
        let ready = video.ready_at().is_some_and(|at| at <= now);
        let broken = ready && !video.playable();
        let live = post.filter(|post| post.visible(now));
        let processing = match (video.uploaded_at, ready) {
            (None, _) => "not_started",
            (Some(_), false) => "in_progress",
            (Some(_), true) if broken => "error",
            (Some(_), true) => "complete",
        };
        let mut status = json!({
            "video_status": match (video.uploaded_at, ready) {
                (None, _) => "uploading",
                (Some(_), false) => "processing",
                (Some(_), true) if broken => "error",
                (Some(_), true) => "ready",
            },
            "uploading_phase": {
                "status": match (video.uploaded_at, video.received()) {
                    (Some(_), _) => "complete",
                    (None, 0) => "not_started",
                    (None, _) => "in_progress",
                },
                "bytes_transferred": video.received(),
                "source_file_size": video.size.unwrap_or(0),
            },
            "processing_phase": { "status": processing },
            "publishing_phase": { "status": match (post, live) {
                (_, Some(_)) => "complete",
                (Some(_), None) if broken => "error",
                (Some(post), None) if post.published => "in_progress",
                _ => "not_started",
            } },
        });
        if broken {
            let message = "The file is not a video that can be played.";
            status["processing_phase"]["errors"] =
                json!([{ "code": 1_363_026, "message": message }]);
        }
        // It says `published` only of what people can see: a reader may take it for proof.
        let phase = &mut status["publishing_phase"];
        if let Some(at) = live.and_then(|post| post.live_from) {
            phase["publish_status"] = "published".into();
            phase["publish_time"] = stamp(at).into();
        } else if broken && post.is_some() {
            phase["publish_status"] = "error".into();
        } else if post.is_some_and(|post| !post.published) {
            phase["publish_status"] = "draft".into();
        }
        status
    }

    /// `POST /{video}/thumbnails`.
    pub(crate) async fn set_thumbnail(&self, call: &Call, id: &str) -> Answer {
        let file = call.incoming.files.first();
        let file = file.ok_or_else(|| GraphError::param("The thumbnail is missing"))?;
        let kept = self.ground.media.put(&file.bytes).await?;
        if !matches!(kept.mime.as_str(), "image/jpeg" | "image/png") {
            return Err(GraphError::new(324, "(#324) Missing or invalid image file"));
        }
        self.ground.book.change(|leaf| {
            let mut video: Video = leaf.get("video", id).ok_or_else(|| GraphError::missing(id))?;
            video.thumbnail = Some(kept);
            leaf.put("video", id, &video);
            Ok(Reply::success())
        })
    }

    /// `GET /{video}/thumbnails`.
    pub(crate) fn thumbnails(&self, id: &str) -> Answer {
        let rows: Vec<Value> = self
            .video(id)?
            .thumbnail
            .iter()
            .map(|file| {
                let uri = format!("{}/_media/{}", self.ground.base, file.sha256);
                json!({ "id": format!("{id}1"), "uri": uri, "is_preferred": true, "scale": 1 })
            })
            .collect();
        Ok(Reply::read(json!({ "data": rows })))
    }

    /// `POST /{video}/captions`: the locale is in the file's name.
    pub(crate) async fn set_captions(&self, call: &Call, id: &str) -> Answer {
        let file = call.incoming.files.first();
        let file = file.ok_or_else(|| GraphError::param("captions_file is missing"))?;
        let name = file.file_name.clone().unwrap_or_default();
        let locale = name
            .strip_suffix(".srt")
            .and_then(|stem| stem.rsplit_once('.'))
            .map(|(_, locale)| locale.to_owned())
            .filter(|locale| locale.split('_').count() == 2);
        let locale = locale
            .ok_or_else(|| GraphError::param("The captions file must be named name.locale.srt"))?;
        if !String::from_utf8_lossy(&file.bytes).contains("-->") {
            return Err(GraphError::param("The captions file is not an SRT file"));
        }
        let kept = self.ground.media.put(&file.bytes).await?;
        self.ground.book.change(|leaf| {
            let mut video: Video = leaf.get("video", id).ok_or_else(|| GraphError::missing(id))?;
            video.captions.retain(|(known, _)| *known != locale);
            video.captions.push((locale, kept));
            leaf.put("video", id, &video);
            Ok(Reply::success())
        })
    }

    /// `GET /{video}/captions`.
    pub(crate) fn captions(&self, id: &str) -> Answer {
        let video = self.video(id)?;
        let rows: Vec<Value> = video
            .captions
            .iter()
            .map(|(locale, _)| json!({ "locale": locale, "is_default": false }))
            .collect();
        Ok(Reply::read(json!({ "data": rows })))
    }
}

fn next_offsets(video: &Video) -> Value {
    let start = video.received();
    let end = video.size.unwrap_or(start).min(start + CHUNK);
    json!({ "start_offset": start.to_string(), "end_offset": end.to_string() })
}

fn reels_of_day(leaf: &Leaf, page: &str, now: Timestamp) -> usize {
    let posts: Vec<(String, Post)> = leaf.list("post");
    posts
        .iter()
        .filter(|(_, post)| post.reel && post.published && post.page == page)
        .filter(|(_, post)| now.duration_since(post.created_at) < SignedDuration::from_hours(24))
        .count()
}
