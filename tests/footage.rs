//! The article's own videos in its clips: found, cut, followed by the camera, looked at before anything is encoded, and
//! refused with the reason when they are damaged.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use futures::FutureExt as _;
use loa_canvas::{Assets, Engine};
use loa_clip::{Runner, timeline::SceneKind};
use loa_model::{
    Article, Block, BlockKind, Brief, Cancel, Digest, Passage, Span, Storyboard, VariantKind, Video,
};
use loa_pipeline::{Cinema, ClipDraft, Recipe, Rehearsed, Studio, Take, VideoOnDisk};
use serde_json::json;

const LOA: &str = env!("CARGO_BIN_EXE_loa");
const SAID: [&str; 4] = [
    "Cầu nối hai xã vùng cao được đưa vào sử dụng",
    "Sáng 28/11, cây cầu nối hai xã vùng cao được đưa vào sử dụng sau hai năm xây dựng.",
    "Cây cầu giúp 1.200 hộ dân đi lại an toàn trong mùa mưa.",
    "Người dân hai bờ không còn phải đi vòng 14 km.",
];

struct Room {
    folder: tempfile::TempDir,
    studio: Studio,
    article: Article,
    brief: Brief,
    videos: Vec<VideoOnDisk>,
}

fn ffmpeg(args: &[&str]) {
    let done = Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

impl Room {
    /// An article with the video that `make` writes to a path.
    fn new(name: &str, make: impl Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        make(&path);
        let digest = Digest::of(&fs::read(&path).unwrap());
        let kept = folder.path().join("kept");
        fs::create_dir_all(&kept).unwrap();
        let runner = Runner { exe: LOA.into(), args: vec!["media-worker".into()] };
        let engine = || {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
            let assets = Assets::from_dir(&folder, &[]).map_err(|error| error.to_string())?;
            Engine::new(&assets).map_err(|error| error.to_string())
        };
        let studio = Studio::new(Box::new(engine), Cinema::new(runner).with_cache(kept));
        let (article, brief) = story(digest);
        let videos = vec![VideoOnDisk { index: 0, path, digest }];
        Self { folder, studio, article, brief, videos }
    }

    async fn rehearse(&self, clip: &Storyboard) -> loa_pipeline::Result<Rehearsed> {
        let draft = ClipDraft {
            article: self.article.clone(),
            brief: self.brief.clone(),
            kind: VariantKind::ShortClip,
            clip: clip.clone(),
            brand: "demo".to_owned(),
            kit: None,
            photos: vec![],
            fetch: Arc::new(|_| async { Err("there is no photo".to_owned()) }.boxed()),
            videos: self.videos.clone(),
        };
        self.studio.rehearse(draft).await
    }

    /// The finished clip of these scenes.
    async fn made(&self, clip: Storyboard) -> PathBuf {
        let [work, out] = ["work", "out"].map(|name| self.folder.path().join(name));
        for folder in [&work, &out] {
            fs::create_dir_all(folder).unwrap();
        }
        let recipe = Recipe { brand: "demo".to_owned(), clip: Some(clip), ..Recipe::default() };
        let take = Take {
            article: &self.article,
            brief: &self.brief,
            photos: &[],
            videos: &self.videos,
            recipe: &recipe,
            work: &work,
            out: &out,
            cancel: &Cancel::new(),
        };
        let (made, _) = self.studio.draw(VariantKind::ShortClip, take, &|_| {}).await.unwrap();
        made.iter().find(|file| file.name == "540p").unwrap().path.clone()
    }
}

fn story(video: Digest) -> (Article, Brief) {
    let mut article: Article = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000001", "agency": "thu", "revision": 1, "digest": "0".repeat(64),
        "state": "ready", "source": {"canonical_url": "https://mh.example/cau", "publisher": "Minh Họa", "via": "html"},
        "lang": "vi", "section": "Giao thông", "authors": [], "published_at": "2026-11-28T01:30:00Z",
        "embargo_until": null, "keywords": [], "blocks": [], "photos": [], "fetched_at": "2026-11-28T02:00:00Z"
    }))
    .unwrap();
    let kind = |n: usize| if n == 0 { BlockKind::Title } else { BlockKind::Paragraph };
    article.blocks = SAID
        .iter()
        .enumerate()
        .map(|(n, text)| Block { kind: kind(n), text: (*text).to_owned() })
        .collect();
    article.videos = vec![Video {
        url: "https://mh.example/cau.mp4".to_owned(),
        blob: Some(video),
        mime: "video/mp4".to_owned(),
        caption: "Ngày khánh thành".to_owned(),
        credit: String::new(),
    }];
    article.digest = article.content_digest();
    let passage = |n: usize| {
        let end = u32::try_from(SAID[n].len()).unwrap();
        let span = Span { revision: 1, block: u32::try_from(n).unwrap(), start: 0, end };
        Passage { text: SAID[n].to_owned(), span, edits: vec![] }
    };
    let points: Vec<Passage> = (1..SAID.len()).map(passage).collect();
    let brief = serde_json::from_value(json!({
        "id": "01890000-0000-7000-8000-000000000002", "agency": "thu", "article": article.id, "revision": 1,
        "article_digest": article.digest, "story": "news", "title": passage(0), "sapo": null, "points": points,
        "figures": [], "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
    }))
    .unwrap();
    (article, brief)
}

fn board(beats: &serde_json::Value) -> Storyboard {
    serde_json::from_value(json!({ "beats": beats, "music": "silent" })).unwrap()
}

/// Bright pixels of a frame of 270×480, without the rows where names and bars stand.
fn bright(clip: &Path, second: f64) -> usize {
    let at = second.to_string();
    let size = ["-frames:v", "1", "-s", "270x480", "-pix_fmt", "gray", "-f", "rawvideo", "-"];
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &at, "-i"])
        .arg(clip)
        .args(size)
        .output();
    let pixels = done.unwrap().stdout;
    assert_eq!(pixels.len(), 270 * 480);
    pixels[270 * 120..270 * 360].iter().filter(|luma| **luma > 200).count()
}

fn moving(path: &Path) {
    let pattern = "testsrc2=s=640x360:r=25:d=12";
    let sound = "sine=f=440:r=48000:d=12";
    let encode = ["-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-c:a", "aac"];
    let input = ["-f", "lavfi", "-i", pattern, "-f", "lavfi", "-i", sound];
    ffmpeg(&[&input[..], &encode, &[path.to_str().unwrap()]].concat());
}

#[tokio::test]
async fn the_engine_shows_what_was_filmed_and_it_is_seen_before_it_is_encoded() {
    let room = Room::new("cau.mkv", moving);
    let shown = room.rehearse(&Storyboard::default()).await.unwrap();
    let scenes = shown.clip.scenes();
    let cut = scenes.iter().find(|scene| scene.kind == SceneKind::Cut);
    let cut = cut.unwrap_or_else(|| panic!("no piece of the video: {scenes:?}"));
    assert_eq!(scenes[0].kind, SceneKind::Title);
    assert!((2_000..=8_500).contains(&(cut.to_ms - cut.from_ms)), "{cut:?}");
    // Two moments of it are two pictures, and colourful ones; the scene before it is not.
    let picture =
        |ms: u64| image::load_from_memory(&shown.clip.jpeg(ms).unwrap()).unwrap().to_rgb8();
    let colourful = |ms: u64| {
        let pixels = picture(ms);
        let strong =
            pixels.pixels().filter(|p| p.0.iter().max().unwrap() - p.0.iter().min().unwrap() > 150);
        strong.count() * 100 / pixels.pixels().len()
    };
    let middle = u64::midpoint(cut.from_ms, cut.to_ms);
    assert!(colourful(middle) > 10, "{} of 100", colourful(middle));
    assert!(colourful(scenes[0].still_ms) < 10);
    assert_ne!(picture(middle), picture(cut.from_ms + 800));
    let arranged = room.rehearse(&board(&json!([{"of": "title"}, {"of": "end"}]))).await.unwrap();
    assert!(arranged.clip.scenes().iter().all(|scene| scene.kind != SceneKind::Cut));
}

#[tokio::test]
async fn a_cropped_piece_follows_what_moves() {
    let room = Room::new("cau.mp4", |path| {
        // A white square that wanders from the left edge of a tall window in the middle to its right edge, and beyond it.
        let scene = "color=0x202020:s=1280x720:r=25:d=9[ground];color=white:s=120x120:r=25:d=9[square];[ground][square]overlay=x=220+70*t:y=300";
        let encode = ["-c:v", "libx264", "-preset", "veryfast", "-t", "9"];
        let path = [path.to_str().unwrap()];
        ffmpeg(&[&["-filter_complex", scene][..], &encode, &path].concat());
    });
    let piece = |fit: &str, more: serde_json::Value| {
        let mut beat =
            json!({"of": {"cut": {"video": 0, "from_ms": 0, "to_ms": 8000, "fit": fit}}});
        beat.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        board(&json!([beat, {"of": "end"}]))
    };
    let clip = room.made(piece("crop", json!({}))).await;
    let seen = [0.5, 4.0, 7.5].map(|second| bright(&clip, second));
    // All of it is a square of 80 pixels.
    assert!(seen.iter().all(|pixels| *pixels > 4_500), "{seen:?}");
    let clip = room.made(piece("crop", json!({"focus": {"x": 0.9, "y": 0.5}}))).await;
    assert!(bright(&clip, 0.5) < 100, "a person said where to look");
    let clip = room.made(piece("pad", json!({}))).await;
    let whole = bright(&clip, 4.0);
    assert!((400..1_500).contains(&whole), "{whole}: all of the picture is in the frame");
}

#[tokio::test]
async fn a_damaged_video_is_left_out_by_the_engine_and_refused_to_a_person() {
    let room = Room::new("cau.mkv", |path| {
        moving(path);
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() * 4 / 10]).unwrap();
    });
    let shown = room.rehearse(&Storyboard::default()).await.unwrap();
    assert!(shown.clip.scenes().iter().all(|scene| scene.kind != SceneKind::Cut));
    let cut = json!([{"of": {"cut": {"video": 0, "from_ms": 0, "to_ms": 3000}}}, {"of": "end"}]);
    let refused = room.rehearse(&board(&cut)).await.unwrap_err().to_string();
    assert!(refused.contains("number 1") && refused.contains("95 %"), "{refused}");
}
