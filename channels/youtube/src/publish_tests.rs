use std::sync::{Arc, Mutex};

use loa_channel::{Channel as _, Lookup};
use serde_json::Value;

use loa_net::Limits;

use super::*;
use crate::{
    Config, YouTube,
    testing::{Reply, SRT, Seen, Server, World, run, video},
};

const CHUNK: usize = 262_144;

/// One channel as the scripted platform holds it.
#[derive(Default)]
struct Platform {
    base: String,
    session: Option<(Vec<u8>, usize)>,
    pending: Value,
    final_answer: Option<String>,
    videos: Vec<Value>,
    polls: u32,
    captions: u32,
    /// Faults, each once.
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The chunk that starts here is stored and its answer lost.
    LoseChunk(usize),
    /// Only half of the chunk that starts here is stored, then 503.
    HalfChunk(usize),
    /// The session is forgotten before this offset.
    ForgetSession(usize),
    /// The answer to a call of this path is lost after it was obeyed.
    Lose(&'static str),
    /// A call of this path is refused with this status and reason.
    Refuse(&'static str, u16, &'static str),
    /// The platform turns the next video down.
    Reject(&'static str),
}

impl Platform {
    fn take(&mut self, fault: Fault) -> bool {
        let at = self.faults.iter().position(|known| *known == fault);
        at.map(|at| self.faults.remove(at)).is_some()
    }

    fn put(&mut self, seen: &Seen) -> Reply {
        let range = seen.headers["content-range"].clone();
        let answer = |status, header, body: &str| Some((status, header, body.to_owned()));
        if let Some(done) = &self.final_answer {
            return answer(201, None, done);
        }
        let Some((mut held, total)) = self.session.take() else { return answer(404, None, "") };
        let first: usize = match range.strip_prefix("bytes ").unwrap().split(['-', '/']).next() {
            Some("*") => {
                assert_eq!(range, format!("bytes */{total}"));
                assert_eq!(seen.headers["content-length"], "0");
                held.len()
            }
            first => first.unwrap().parse().unwrap(),
        };
        assert_eq!(first, held.len(), "a gap or an overlap stores nothing");
        if self.take(Fault::ForgetSession(first)) {
            return answer(404, None, "");
        }
        let half = !seen.body.is_empty() && self.take(Fault::HalfChunk(first));
        let lost = !seen.body.is_empty() && self.take(Fault::LoseChunk(first));
        let take = if half { seen.body.len() / 2 } else { seen.body.len() };
        held.extend_from_slice(&seen.body[..take]);
        let size = held.len();
        if size == total {
            assert_eq!(held, video(), "the bytes arrive as they are");
            let id = format!("vid0000000{}", self.videos.len());
            let mut made = self.pending.clone();
            made["id"] = json!(id);
            made["status"]["uploadStatus"] = json!("uploaded");
            if let Some(Fault::Reject(reason)) =
                self.faults.iter().copied().find(|f| matches!(f, Fault::Reject(_)))
            {
                made["status"]["uploadStatus"] = json!("rejected");
                made["status"]["rejectionReason"] = json!(reason);
            }
            self.final_answer = Some(made.to_string());
            self.videos.push(made);
        } else {
            assert!(take % CHUNK == 0 || half, "a chunk is a multiple of 256 KiB");
            self.session = Some((held, total));
        }
        match (lost, half, &self.final_answer) {
            (true, ..) => None,
            (_, true, _) => answer(503, None, ""),
            (.., Some(done)) => answer(201, None, done),
            _ if size == 0 => answer(308, None, ""),
            _ => answer(308, Some(("Range", format!("bytes=0-{}", size - 1))), ""),
        }
    }

    fn answer(&mut self, seen: &Seen) -> Reply {
        assert_eq!(seen.headers["authorization"], "Bearer ACCESSTOKENsandbox");
        let path = seen.path().to_owned();
        let refused = self
            .faults
            .iter()
            .copied()
            .find(|f| matches!(f, Fault::Refuse(p, ..) if path == *p && seen.method != "GET"));
        if let Some(Fault::Refuse(_, status, reason)) = refused {
            self.faults.retain(|f| Some(*f) != refused);
            let body = json!({"error": {"message": reason, "errors": [{"reason": reason}]}});
            return Some((status, None, body.to_string()));
        }
        let ids: Vec<String> =
            seen.query("id").unwrap_or_default().split(',').map(str::to_owned).collect();
        let list = |items: Vec<Value>| json!({"items": items});
        let body = match (seen.method.as_str(), path.as_str()) {
            ("POST", "/upload/youtube/v3/videos") => {
                assert_eq!(seen.query("uploadType").unwrap(), "resumable");
                assert_eq!(seen.headers["x-upload-content-type"], "video/mp4");
                let total = seen.headers["x-upload-content-length"].parse().unwrap();
                self.session = Some((Vec::new(), total));
                self.final_answer = None;
                self.pending = seen.json();
                let session = format!("{}upload/session?upload_id=SESSIONKEY", self.base);
                return Some((200, Some(("Location", session)), String::new()));
            }
            ("PUT", "/upload/session") => return self.put(seen),
            ("GET", "/youtube/v3/channels") => list(vec![json!({"id": "UCsandbox",
                "snippet": {"title": "Cổng thông tin mẫu"},
                "statistics": {"subscriberCount": "1200", "hiddenSubscriberCount": false},
                "contentDetails": {"relatedPlaylists": {"uploads": "UUsandbox"}}})]),
            ("GET", "/youtube/v3/playlistItems") => {
                assert_eq!(seen.query("playlistId").unwrap(), "UUsandbox");
                list(
                    self.videos
                        .iter()
                        .rev()
                        .map(|video| {
                            json!({
                    "snippet": {"publishedAt": "2026-11-22T02:00:00Z"},
                    "contentDetails": {"videoId": video["id"]}})
                        })
                        .collect(),
                )
            }
            ("GET", "/youtube/v3/videos") => {
                let part = seen.query("part").unwrap();
                let found = self.videos.iter().filter(|v| ids.iter().any(|id| v["id"] == *id));
                let mut found: Vec<Value> = found.cloned().collect();
                if part.contains("processingDetails") {
                    self.polls += 1;
                    let state = if self.polls > 2 { "succeeded" } else { "processing" };
                    for video in &mut found {
                        video["processingDetails"] = json!({"processingStatus": state});
                    }
                }
                list(found)
            }
            ("POST", "/upload/youtube/v3/thumbnails/set") => {
                assert_eq!(seen.headers["content-type"], "image/jpeg");
                list(vec![json!({"default": {}})])
            }
            ("POST", "/upload/youtube/v3/captions") => {
                self.captions += 1;
                if self.captions > 1 {
                    let body = json!({"error": {"errors": [{"reason": "captionExists"}]}});
                    return Some((409, None, body.to_string()));
                }
                json!({"snippet": {"status": "serving"}})
            }
            ("PUT", "/youtube/v3/videos") => {
                let new = seen.json();
                let part = seen.query("part").unwrap();
                let video = self.videos.iter_mut().find(|v| v["id"] == new["id"]).unwrap();
                let upload = video["status"]["uploadStatus"].clone();
                video[part.as_str()] = new[part.as_str()].clone();
                video["status"]["uploadStatus"] = upload;
                video.clone()
            }
            ("DELETE", "/youtube/v3/videos") => {
                let before = self.videos.len();
                self.videos.retain(|video| video["id"] != ids[0].as_str());
                if self.videos.len() == before {
                    let body = json!({"error": {"errors": [{"reason": "videoNotFound"}]}});
                    return Some((404, None, body.to_string()));
                }
                return Some((204, None, String::new()));
            }
            ("GET", "/youtube/v3/videos:batchGetStats") => list(vec![json!({"id": "vid00000000",
                "statistics": {"viewCount": "1204", "likeCount": "0"}})]),
            other => panic!("unexpected call {other:?}"),
        };
        let path: &'static str = match path.as_str() {
            "/upload/youtube/v3/captions" => "captions",
            "/upload/youtube/v3/thumbnails/set" => "thumbnail",
            "/youtube/v3/videos" if seen.method == "PUT" => "publish",
            _ => "",
        };
        if self.take(Fault::Lose(path)) { None } else { Some((200, None, body.to_string())) }
    }
}

async fn start(faults: &[Fault]) -> (World, Arc<Mutex<Platform>>, Server, YouTube) {
    let shared = Arc::new(Mutex::new(Platform { faults: faults.to_vec(), ..Platform::default() }));
    let platform = shared.clone();
    let server = Server::start(move |seen| platform.lock().unwrap().answer(seen)).await;
    shared.lock().unwrap().base = server.base.to_string();
    let config = Config {
        api_base: server.base.clone(),
        upload_base: server.base.clone(),
        oauth_base: server.base.clone(),
        chunk_bytes: CHUNK as u64,
        ..Config::default()
    };
    (World::new(), shared, server, YouTube::new(config, Limits::default()).unwrap())
}

/// Drives the chain as a worker would: each wait moves the clock, an unknown outcome is tried again from its ticket, a
/// worker that dies forgets everything but the ticket.
async fn drive(youtube: &YouTube, world: &mut World) -> (Result<Receipt>, Vec<String>) {
    let mut steps = Vec::new();
    let mut at: Option<Ticket> = None;
    for _ in 0..60 {
        match youtube.advance(&world.cx(), world.to(), world.post(), at.clone()).await {
            Ok(Progress::Live(receipt)) => return (Ok(receipt), steps),
            Ok(Progress::Again { ticket, wait }) => {
                assert!(!ticket.data.to_string().contains("ACCESSTOKEN"));
                steps.push(ticket.step.clone());
                world.later(i64::try_from(wait.as_secs()).unwrap());
                at = Some(ticket);
            }
            Err(error) if error.advice == RetryAdvice::Verify => {
                let effect = youtube.effect(&world.content, at.as_ref());
                assert!(matches!(effect, Effect::Hidden | Effect::Idempotent), "{effect:?}");
                assert!(!error.to_string().contains("SESSIONKEY"), "{error}");
                steps.push("lost".to_owned());
                world.later(30);
            }
            Err(error) => return (Err(error), steps),
        }
    }
    panic!("the chain does not end: {steps:?}");
}

#[test]
fn a_short_is_uploaded_private_processed_dressed_and_made_public() {
    run(async {
        let (mut world, platform, server, youtube) = start(&[]).await;
        let (receipt, steps) = drive(&youtube, &mut world).await;
        let receipt = receipt.unwrap();
        assert_eq!(
            steps,
            [
                "upload",
                "upload",
                "upload",
                "processing",
                "processing",
                "processing",
                "thumbnail",
                "captions",
                "publish"
            ]
        );
        assert_eq!(receipt.remote_id, "vid00000000");
        assert_eq!(receipt.url, "https://www.youtube.com/shorts/vid00000000");
        let created = server.last("POST", "/upload/youtube/v3/videos");
        assert_eq!(created.headers["slug"], "00000000-0000-0000-0000-000000000007.mp4");
        let created = created.json();
        assert_eq!(created["snippet"]["categoryId"], "25");
        assert_eq!(created["snippet"]["tags"], json!(["đường bộ", "nghị quyết"]));
        let mut status = created["status"].clone();
        assert_eq!(
            status,
            json!({"privacyStatus": "private", "license": "youtube", "embeddable": true,
            "publicStatsViewable": true, "selfDeclaredMadeForKids": false, "containsSyntheticMedia": false})
        );
        status["privacyStatus"] = json!("public");
        assert_eq!(server.last("PUT", "/youtube/v3/videos").json()["status"], status);
        let captions = server.last("POST", "/upload/youtube/v3/captions");
        let body = String::from_utf8(captions.body.clone()).unwrap();
        assert!(captions.headers["content-type"].starts_with("multipart/related; boundary=loa-"));
        assert!(body.contains(SRT) && body.contains("\"language\":\"vi\""));
        assert_eq!(platform.lock().unwrap().videos.len(), 1);
    });
}

#[test]
fn a_wide_video_without_thumbnail_and_captions_takes_no_empty_step() {
    run(async {
        let (mut world, _, _, youtube) = start(&[]).await;
        world.content.format = loa_model::PostFormat::Video;
        world.content.media.truncate(1);
        let (receipt, steps) = drive(&youtube, &mut world).await;
        assert_eq!(receipt.unwrap().url, "https://www.youtube.com/watch?v=vid00000000");
        assert_eq!(steps.last().map(String::as_str), Some("publish"));
        assert!(!steps.iter().any(|step| step == "thumbnail" || step == "captions"));
    });
}

#[test]
fn any_lost_answer_leaves_one_video_and_resends_no_byte_that_arrived() {
    for faults in [
        vec![Fault::LoseChunk(0)],
        vec![Fault::LoseChunk(CHUNK)],
        vec![Fault::LoseChunk(2 * CHUNK)], // The final one: only the session knows the id.
        vec![Fault::HalfChunk(0)],
        vec![Fault::ForgetSession(CHUNK)],
        vec![Fault::Lose("thumbnail"), Fault::Lose("captions"), Fault::Lose("publish")],
        vec![Fault::LoseChunk(0), Fault::HalfChunk(CHUNK), Fault::Lose("captions")],
    ] {
        run(async {
            let (mut world, platform, _, youtube) = start(&faults).await;
            let (receipt, _) = drive(&youtube, &mut world).await;
            let platform = platform.lock().unwrap();
            assert!(platform.faults.is_empty(), "{faults:?} did not all happen");
            assert_eq!(platform.videos.len(), 1, "{faults:?}");
            assert_eq!(platform.videos[0]["status"]["privacyStatus"], "public");
            assert_eq!(receipt.unwrap().remote_id, "vid00000000");
        });
    }
}

#[test]
fn a_chain_that_starts_again_adopts_its_own_upload() {
    run(async {
        let (mut world, platform, server, youtube) = start(&[]).await;
        let (first, _) = drive(&youtube, &mut world).await;
        let (second, steps) = drive(&youtube, &mut world).await;
        assert_eq!(first.unwrap().remote_id, second.unwrap().remote_id);
        assert_eq!(steps[0], "processing");
        assert_eq!(platform.lock().unwrap().videos.len(), 1);
        let opened = server
            .seen
            .lock()
            .unwrap()
            .iter()
            .filter(|s| s.method == "POST" && s.path() == "/upload/youtube/v3/videos")
            .count();
        assert_eq!(opened, 1);
    });
}

#[test]
fn a_rejected_video_is_never_called_live() {
    for (reason, kind) in [("copyright", ErrorKind::Content), ("duplicate", ErrorKind::Content)] {
        run(async {
            let (mut world, _, _, youtube) = start(&[Fault::Reject(reason)]).await;
            let (outcome, _) = drive(&youtube, &mut world).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.kind, error.advice), (kind, RetryAdvice::Never));
            assert_eq!(error.platform_code, reason);
        });
    }
}

#[test]
fn a_rejected_duplicate_of_our_own_upload_is_dropped_and_the_first_adopted() {
    run(async {
        let (mut world, platform, _, youtube) = start(&[]).await;
        let own = |id: &str, status: &str| {
            json!({"id": id,
            "snippet": {"description": world.content.text},
            "status": {"uploadStatus": status, "rejectionReason": "duplicate", "privacyStatus": "private"}})
        };
        platform.lock().unwrap().videos = vec![own("first", "processed"), own("copy", "rejected")];
        let Progress::Again { ticket, .. } =
            (Step::Processing { video: "copy".into(), polls: 0 }).next()
        else {
            unreachable!()
        };
        let mut at = Some(ticket);
        let receipt = loop {
            match youtube.advance(&world.cx(), world.to(), world.post(), at).await.unwrap() {
                Progress::Live(receipt) => break receipt,
                Progress::Again { ticket, wait } => {
                    world.later(i64::try_from(wait.as_secs()).unwrap());
                    at = Some(ticket);
                }
            }
        };
        assert_eq!(receipt.remote_id, "first");
        assert_eq!(platform.lock().unwrap().videos.len(), 1);
    });
}

#[test]
fn a_thumbnail_that_is_not_allowed_does_not_keep_the_video_back_and_is_told() {
    run(async {
        let fault =
            Fault::Refuse("/upload/youtube/v3/thumbnails/set", 429, "uploadRateLimitExceeded");
        let (mut world, _, _, youtube) = start(&[fault]).await;
        let (receipt, _) = drive(&youtube, &mut world).await;
        let skipped = receipt.unwrap().raw["skipped"].to_string();
        assert!(skipped.contains("uploadRateLimitExceeded"), "{skipped}");
    });
}

#[test]
fn a_full_quota_waits_for_midnight_pacific_before_any_byte() {
    run(async {
        let fault = Fault::Refuse("/upload/youtube/v3/videos", 403, "quotaExceeded");
        let (mut world, platform, _, youtube) = start(&[fault]).await;
        let (outcome, steps) = drive(&youtube, &mut world).await;
        let RetryAdvice::Later { wait, .. } = outcome.unwrap_err().advice else { panic!("later") };
        assert_eq!(wait.as_secs(), 6 * 3600, "02:00 UTC is 18:00 in California");
        assert!(steps.is_empty() && platform.lock().unwrap().session.is_none());
    });
}

#[test]
fn a_session_on_another_host_is_not_followed() {
    run(async {
        let (mut world, platform, server, youtube) = start(&[]).await;
        platform.lock().unwrap().base = "http://127.0.0.2:9/".into();
        let error = youtube.advance(&world.cx(), world.to(), world.post(), None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(!server.seen.lock().unwrap().iter().any(|seen| seen.method == "PUT"));
        world.content.title = "<b>Nghị quyết</b>".into();
        let before = server.seen.lock().unwrap().len();
        let error = youtube.advance(&world.cx(), world.to(), world.post(), None).await.unwrap_err();
        assert_eq!((error.kind, error.advice), (ErrorKind::Content, RetryAdvice::Never));
        world.content.title = "Nghị quyết".into();
        world.content.tags = vec!["đường bộ Việt Nam".into(); 30];
        assert!(youtube.advance(&world.cx(), world.to(), world.post(), None).await.is_err());
        assert_eq!(
            server.seen.lock().unwrap().len(),
            before,
            "an over-limit post makes no request"
        );
    });
}

#[test]
fn find_amend_measure_and_retract_a_live_video() {
    run(async {
        let (mut world, platform, server, youtube) = start(&[]).await;
        let (receipt, _) = drive(&youtube, &mut world).await;
        let receipt = receipt.unwrap();
        let what =
            Lookup { marker: "k7f3q", content: &world.content, ticket: None, since: world.since };
        let found = youtube.find(&world.cx(), world.to(), what).await.unwrap();
        assert_eq!((found.len(), &found[0].url), (1, &receipt.url));
        let other = Lookup { marker: "k7f3", ..what };
        assert!(youtube.find(&world.cx(), world.to(), other).await.unwrap().is_empty());

        platform.lock().unwrap().videos[0]["snippet"]["categoryId"] = json!("27");
        world.content.title = "Đính chính: nghị quyết mới".into();
        youtube.amend(&world.cx(), world.to(), &receipt, world.post()).await.unwrap();
        let snippet = server.last("PUT", "/youtube/v3/videos").json()["snippet"].clone();
        assert_eq!(
            (snippet["title"].as_str(), snippet["categoryId"].as_str()),
            (Some("Đính chính: nghị quyết mới"), Some("27"))
        );

        let gone = Receipt { remote_id: "gone".into(), ..receipt.clone() };
        let measured = youtube
            .measure(&world.cx(), world.to(), &[receipt.clone(), gone.clone()])
            .await
            .unwrap();
        let values: Vec<_> =
            measured[0].values.iter().map(|v| (v.source_name.as_str(), v.value)).collect();
        assert_eq!(values, [("viewCount", 1204), ("likeCount", 0)], "no comment count was given");
        assert_eq!((measured[0].alive, measured[1].alive), (Some(true), Some(false)));
        assert!(measured[1].values.is_empty());
        let audience = youtube.audience(&world.cx(), world.to()).await.unwrap();
        assert_eq!(audience.count, Some(1200));
        assert_eq!(youtube.health(&world.cx(), world.to()).await.unwrap().remote_id, "UCsandbox");

        youtube.retract(&world.cx(), world.to(), &receipt).await.unwrap();
        youtube.retract(&world.cx(), world.to(), &gone).await.unwrap();
        assert!(platform.lock().unwrap().videos.is_empty());
    });
}

#[test]
fn the_access_token_is_renewed_shortly_before_its_end_or_when_refused() {
    run(async {
        let mut world = World::new();
        let server = Server::start(|seen| {
            Some(if seen.path() == "/token" {
                let form = String::from_utf8(seen.body.clone()).unwrap();
                assert_eq!(form, "grant_type=refresh_token&refresh_token=REFRESHsandbox&client_id=client-1&client_secret=CLIENTSECRETsandbox");
                (200, None, r#"{"access_token":"A2secret","expires_in":3599}"#.into())
            } else {
                (401, None, r#"{"error":{"message":"bad ACCESSTOKENsandbox","errors":[{"reason":"authError"}]}}"#.into())
            })
        })
        .await;
        let config = Config {
            api_base: server.base.clone(),
            oauth_base: server.base.clone(),
            ..Config::default()
        };
        let youtube = YouTube::new(config.clone(), Limits::default()).unwrap();
        assert!(!youtube.ages(world.to(), world.cx().clock.now()), "half an hour left");
        assert!(
            youtube.refresh(&world.cx(), world.to()).await.unwrap().is_none(),
            "half an hour left"
        );
        let error = youtube.health(&world.cx(), world.to()).await.unwrap_err();
        assert_eq!(error.advice, RetryAdvice::Reauthorize);
        assert!(!error.to_string().contains("ACCESSTOKEN"), "{error}");
        assert!(youtube.ages(world.to(), world.cx().clock.now()), "refused");
        let new =
            youtube.refresh(&world.cx(), world.to()).await.unwrap().expect("refused, so renewed");
        assert_eq!(
            (new.get("access_token"), new.get("expires_at")),
            (Some("A2secret"), Some("2026-11-22T02:59:59Z"))
        );
        let kept = world.secret.clone().merged(new);
        assert_eq!(kept.get("refresh_token"), Some("REFRESHsandbox"));

        let other = YouTube::new(config, Limits::default()).unwrap();
        world.later(25 * 60 + 1);
        assert!(other.ages(world.to(), world.cx().clock.now()), "under five minutes left");
        assert!(
            other.refresh(&world.cx(), world.to()).await.unwrap().is_some(),
            "under five minutes left"
        );
    });
}

#[test]
fn the_frame_shows_player_and_words_escaped() {
    let mut world = World::new();
    world.content.text = "Mức hỗ trợ < 3 triệu & không quá hai lần".into();
    let mut env = minijinja::Environment::new();
    env.add_template("frame.html", crate::FRAME).unwrap();
    let html = env
        .get_template("frame.html")
        .unwrap()
        .render(minijinja::value::Serde(json!({
            "account": world.account, "content": world.content,
            "media_urls": ["video.mp4", "thumb.jpg", "captions.srt"],
        })))
        .unwrap();
    for wanted in [
        "loa-frame-youtube short",
        "src=\"video.mp4\"",
        "poster=\"thumb.jpg\"",
        "Mức hỗ trợ &lt; 3 triệu &amp; không",
    ] {
        assert!(html.contains(wanted), "{wanted} is missing in\n{html}");
    }
    assert!(!html.contains("#đường bộ"), "nobody sees the tags of a video there");
}
