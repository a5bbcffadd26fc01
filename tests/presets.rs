//! Every clip that is made for a channel keeps to what the channel's contract asks of a file: read back from the files of the
//! real binary.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use loa_model::{
    BlobHash, Capability, ClipPreset, Link, Media, MediaRole, PostContent, VariantKind,
};
use serde_json::{Value, json};

const LOA: &str = env!("CARGO_BIN_EXE_loa");
/// What each channel says of itself.
const CHANNELS: [&str; 4] = [
    include_str!("../channels/facebook/capability.toml"),
    include_str!("../channels/viber/capability.toml"),
    include_str!("../channels/youtube/capability.toml"),
    include_str!("../channels/zalo/capability.toml"),
];

/// Enough to tell for a long clip, and little more.
fn article() -> Value {
    let said = [
        "Từ ngày 01/01/2027, mỗi hộ nghèo ở xã miền núi được hỗ trợ không quá 30 triệu đồng để mua cây giống, con giống.",
        "Hộ mới thoát nghèo trong vòng 36 tháng được hỗ trợ tối đa 20 triệu đồng, chi trả qua tài khoản ngân hàng.",
        "Tổng kinh phí thực hiện gần 2.450 tỷ đồng, trong đó ngân sách trung ương bảo đảm 70%.",
        "Dự kiến khoảng 185.000 hộ dân được thụ hưởng ngay trong năm đầu tiên của chương trình.",
        "Các địa phương phải công khai danh sách hộ được hỗ trợ tại nhà văn hóa thôn, bản trước ngày 15/12.",
        "Điểm hỗ trợ dịch vụ công mở cửa cả thứ Bảy và miễn phí đường truyền Internet trong 24 tháng.",
        "“Không để ai bị bỏ lại phía sau trong chuyển đổi số”, ông Nguyễn Văn Ẩn, Cục trưởng Cục Viễn thông, nhấn mạnh.",
    ];
    let block = |text: &str| json!({ "kind": "paragraph", "text": text });
    json!({
        "schema": "loa/article-1", "url": "https://minhhoa.example/ho-tro.htm", "lang": "vi",
        "publisher": "Cổng Thông tin điện tử Minh Họa", "section": "Chính sách mới",
        "title": "Hỗ trợ sinh kế, đưa dịch vụ công số đến từng bản làng miền núi",
        "sapo": "Nghị định 999/2026/NĐ-CP quy định chính sách hỗ trợ sinh kế và phổ cập dịch vụ công trực tuyến tại gần 1.200 xã miền núi.",
        "published_at": "2026-11-16T08:30:00+07:00",
        "blocks": said.map(block),
    })
}

struct Made {
    manifest: Value,
    folder: PathBuf,
}

impl Made {
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("presets");
        fs::create_dir_all(&folder).unwrap();
        let source = folder.join("article.json");
        fs::write(&source, article().to_string()).unwrap();
        let out = folder.join("out");
        let mut command = Command::new(LOA);
        command.arg("render").arg(source).arg("--out").arg(&out);
        let done = command.args(["--only", "clip,long", "--json"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { manifest: serde_json::from_slice(&done.stdout).unwrap(), folder: out }
    }

    fn find(&self, kind: VariantKind, rendition: &str) -> &Value {
        let kind = serde_json::to_value(kind).unwrap();
        let mut files = self.manifest["files"].as_array().unwrap().iter();
        let found = files.find(|file| file["kind"] == kind && file["name"] == rendition);
        found.unwrap_or_else(|| panic!("no {rendition} of {kind} is made: {}", self.manifest))
    }
}

/// The file as a post carries it.
fn media(file: &Value) -> Media {
    let number = |name: &str| file[name].as_u64().unwrap();
    Media {
        role: MediaRole::Video,
        blob: BlobHash::of(b"the bytes do not matter here"),
        bytes: number("bytes"),
        mime: file["mime"].as_str().unwrap().to_owned(),
        width: number("width").try_into().unwrap(),
        height: number("height").try_into().unwrap(),
        duration_ms: number("duration_ms"),
        alt: String::new(),
        variant: None,
    }
}

fn probe(path: &Path) -> Value {
    let show = ["-show_streams", "-show_format", "-show_packets", "-v", "error", "-of", "json"];
    let done = Command::new("ffprobe").args(show).arg(path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).or(value.as_f64()).unwrap()
}

fn position(bytes: &[u8], name: [u8; 4]) -> Option<usize> {
    bytes.windows(4).position(|four| *four == name)
}

/// Everything that is wrong with a file for a preset of a channel.
fn wrong(channel: &Capability, preset: &ClipPreset, file: &Value, path: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |what: &str, is: bool, found: &dyn std::fmt::Debug| {
        if !is {
            wrong.push(format!("{what}: {found:?}"));
        }
    };
    let facts = probe(path);
    let streams = facts["streams"].as_array().unwrap();
    let of = |kind: &str| streams.iter().find(|stream| stream["codec_type"] == kind).unwrap();
    let (video, sound) = (of("video"), of("audio"));
    for (key, value) in [
        ("codec_name", "h264"),
        ("profile", "High"),
        ("pix_fmt", "yuv420p"),
        ("color_space", "bt709"),
        ("color_primaries", "bt709"),
        ("color_transfer", "bt709"),
        ("color_range", "tv"),
    ] {
        must(key, video[key] == value, &video[key]);
    }
    must(
        "constant rate",
        video["r_frame_rate"] == video["avg_frame_rate"],
        &video["avg_frame_rate"],
    );
    must("AAC-LC", sound["codec_name"] == "aac" && sound["profile"] == "LC", &sound["profile"]);
    must("48 kHz", sound["sample_rate"] == "48000", &sound["sample_rate"]);
    // How many bits it takes depends on what is heard: soft music alone needs fewer than it may have.
    if preset.sound_kbps.is_some() {
        must("two channels", sound["channels"] == 2, &sound["channels"]);
    }
    let packets = facts["packets"].as_array().unwrap().iter();
    let keys = packets.filter(|packet| {
        packet["codec_type"] == "video" && packet["flags"].as_str().unwrap().starts_with('K')
    });
    let mut keys: Vec<f64> = keys.map(|packet| number(&packet["pts_time"])).collect();
    keys.push(number(&video["duration"]));
    let apart = f64::from(preset.keyframe_ms) / 1000.0 + 0.1;
    let far = keys.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    must("distance of keyframes", far <= apart, &far);
    let bytes = fs::read(path).unwrap();
    let head = &bytes[..position(&bytes, *b"mdat").unwrap()];
    must("faststart", position(head, *b"moov").is_some(), &"moov");
    let edits = position(head, *b"elst").is_some();
    must("edit list", edits == preset.edit_list, &edits);
    let limit = channel.most_bytes(preset).unwrap();
    must("bytes", bytes.len() as u64 <= limit, &bytes.len());
    let post = PostContent {
        format: preset.format,
        lang: "vi".into(),
        title: String::new(),
        author: String::new(),
        text: String::new(),
        body: vec![],
        media: vec![media(file)],
        link: Link { code: String::new(), url: String::new(), target: String::new() },
        tags: vec![],
    };
    let broken = channel.check(&post);
    let broken = broken.iter().filter(|one| one.field.starts_with("media.video"));
    for violation in broken {
        must("limit of the channel", false, violation);
    }
    wrong
}

#[test]
fn every_clip_is_what_its_channel_takes() {
    let made = Made::new();
    let mut checked = Vec::new();
    for text in CHANNELS {
        let channel = Capability::from_toml(text).unwrap();
        for preset in &channel.clips {
            let file = made.find(preset.kind, &preset.rendition);
            let path = made.folder.join(file["file"].as_str().unwrap());
            let found = wrong(&channel, preset, file, &path);
            assert_eq!(found, [""; 0], "{} {:?}", channel.channel, preset);
            checked.push((channel.channel.clone(), preset.kind, preset.rendition.clone()));
            // The check can tell: what another channel asks is not kept by chance.
            let strict = ClipPreset {
                keyframe_ms: 100,
                edit_list: !preset.edit_list,
                sound_kbps: Some(2000),
                ..preset.clone()
            };
            assert_eq!(
                wrong(&channel, &strict, file, &path).len(),
                2 + usize::from(preset.kind == VariantKind::LowBand)
            );
        }
    }
    assert_eq!(checked.len(), 7, "{checked:?}");
}
