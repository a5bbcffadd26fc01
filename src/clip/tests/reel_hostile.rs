//! Files that want to hurt: each is refused or survived in the child, within memory and time.

#![cfg(feature = "ffmpeg")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use loa_clip::reel::{Answer, Ask, Bounds};
use loa_jail::{Job, Limits};
use loa_model::Cancel;

#[path = "support/reel.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;

use support::make;

/// Address space of the child: the bound on memory that the kernel holds it to.
const MEMORY: u64 = 1 << 30;
/// On the clock, with other tests beside it.
const SECONDS: u64 = 20;

fn exe() -> PathBuf {
    // Cargo puts examples beside `deps`, where this test runs from.
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(2).expect("tests run from target/*/deps");
    let exe = target.join("examples/reel_worker");
    assert!(exe.exists(), "{} is built by `cargo test`", exe.display());
    exe
}

/// Asks a child that may read this folder only.
async fn ask(folder: &Path, ask: Ask) -> Result<Answer, loa_jail::Error> {
    let limits = Limits {
        memory_bytes: MEMORY,
        cpu_s: SECONDS * 2,
        read: vec![folder.into()],
        write: vec![folder.into()],
        ..Limits::default()
    };
    let job = Job {
        exe: exe(),
        args: vec![],
        input: serde_json::to_value(ask).expect("plain data"),
        limits,
        wall: Duration::from_secs(SECONDS),
    };
    let done = loa_jail::run(job, &Cancel::new(), |_| ()).await?;
    Ok(serde_json::from_value(done.value).expect("an answer"))
}

async fn health(path: &Path) -> Result<Answer, String> {
    let question = Ask::Health { path: path.into(), bounds: Bounds::default() };
    let started = Instant::now();
    let answer = ask(path.parent().expect("a folder"), question).await;
    assert!(started.elapsed().as_secs() < SECONDS, "{}: too slow", path.display());
    answer.map_err(|error| match error {
        loa_jail::Error::Refused { message, .. } => message,
        other => panic!("{}: {other:?}", path.display()),
    })
}

fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40).to_le_bytes()[0]
        })
        .collect()
}

fn good(folder: &Path, name: &str) -> Vec<u8> {
    let source = "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -f lavfi -i sine=d=4 \
        -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -c:a aac";
    fs::read(make(folder, name, source)).expect("it was just made")
}

/// An AVI with this many tracks and nothing in them.
fn many_tracks(count: u32) -> Vec<u8> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let size = u32::try_from(body.len()).expect("small").to_le_bytes();
        [name as &[u8], &size, body].concat()
    };
    let mut header = [0u8; 56];
    header[24..28].copy_from_slice(&count.to_le_bytes());
    let mut stream = [0u8; 56];
    stream[..8].copy_from_slice(b"vidsH264");
    stream[20] = 1;
    stream[24] = 25;
    let mut format = [0u8; 40];
    format[0] = 40;
    (format[4], format[8]) = (64, 48);
    format[16..20].copy_from_slice(b"H264");
    let one = [b"strl" as &[u8], &chunk(b"strh", &stream), &chunk(b"strf", &format)].concat();
    let mut list = [b"hdrl" as &[u8], &chunk(b"avih", &header)].concat();
    (0..count).for_each(|_| list.extend(chunk(b"LIST", &one)));
    let body = [b"AVI " as &[u8], &chunk(b"LIST", &list), &chunk(b"LIST", b"movi")].concat();
    chunk(b"RIFF", &body)
}

#[tokio::test]
async fn what_is_no_video_is_refused_before_it_is_parsed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("news.mp4");
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
    let ts = {
        let mut bytes = noise(188 * 50, 7);
        bytes.iter_mut().step_by(188).for_each(|byte| *byte = 0x47);
        bytes
    };
    for (what, bytes, why) in [
        ("playlist", list.as_bytes().to_vec(), "playlist"),
        ("concat", b"ffconcat version 1.0\nfile '/etc/passwd'\n".to_vec(), "list of files"),
        ("empty", vec![], "empty"),
        ("noise", noise(200_000, 1), "no video we read"),
        (
            "noise as MP4",
            [b"\0\0\0\x18ftypisom" as &[u8], &noise(200_000, 2)].concat(),
            "cannot be opened",
        ),
        (
            "noise as MKV",
            [b"\x1a\x45\xdf\xa3" as &[u8], &noise(200_000, 3)].concat(),
            "cannot be opened",
        ),
        ("noise as AVI", [b"RIFF\0\0\0\0AVI " as &[u8], &noise(200_000, 4)].concat(), "video: "),
        ("noise as TS", ts, "video: "),
        ("10,000 tracks", many_tracks(10_000), "more than 32 tracks"),
        ("a song", b"ID3\x03\0\0\0\0\0\0".to_vec(), "no video we read"),
    ] {
        fs::write(&path, bytes).unwrap();
        let said = health(&path).await.expect_err(what);
        assert!(said.contains(why), "{what}: {said}");
    }
}

#[tokio::test]
async fn broken_files_are_survived() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.mp4", "a.mkv", "a.ts", "a.avi"] {
        let whole = good(dir.path(), name);
        let path = dir.path().join(name);
        let answer = health(&path).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            matches!(answer, Answer::Health(h) if h.decoded == 100 && h.expected == 100),
            "{name}: {answer:?}"
        );

        let mut flipped = whole.clone();
        let places = noise(12_000, 5);
        for place in places.chunks_exact(3) {
            let at =
                usize::from(place[0]) << 16 | usize::from(place[1]) << 8 | usize::from(place[2]);
            let at = 600 + at % (whole.len() - 600);
            flipped[at] ^= 0xff;
        }
        let mut index = whole.clone();
        // The index of an MP4 stands at its end, that of the others at the beginning.
        let at = index.windows(4).position(|four| four == b"moov").unwrap_or(100);
        let count = (index.len() - at - 8).min(400);
        index[at + 8..at + 8 + count].copy_from_slice(&noise(count, 6));
        for (what, bytes) in [
            ("cut", whole[..whole.len() / 2].to_vec()),
            ("flipped", flipped),
            ("index", index),
            ("head only", whole[..1000].to_vec()),
        ] {
            fs::write(&path, bytes).unwrap();
            match health(&path).await {
                Ok(Answer::Health(health)) => assert!(health.decoded * 100 >= health.expected * 95),
                Ok(other) => panic!("{name} {what}: {other:?}"),
                Err(why) => assert!(why.starts_with("video: "), "{name} {what}: {why}"),
            }
        }
    }
    let cut = good(dir.path(), "cut.mp4");
    let path = dir.path().join("cut.mp4");
    fs::write(&path, &cut[..cut.len() / 2]).unwrap();
    let why = health(&path).await.expect_err("its index is gone");
    assert!(why.contains("not finished"), "{why}");
    let whole = good(dir.path(), "half.ts");
    let path = dir.path().join("half.ts");
    let mut hurt = whole.clone();
    let count = hurt.len();
    hurt[count / 3..count * 2 / 3].fill(0);
    fs::write(&path, hurt).unwrap();
    let why = health(&path).await.expect_err("a third of it is gone");
    assert!(why.contains("95 %"), "{why}");
}

#[tokio::test]
async fn giants_are_refused_before_they_cost_anything() {
    let dir = tempfile::tempdir().unwrap();
    // Two pictures are 430 MB decoded; the file is some hundred kilobytes.
    let giant = make(
        dir.path(),
        "giant.mp4",
        "-f lavfi -i color=navy:s=16384x8704:r=25 -frames:v 1 \
        -c:v libx264 -preset ultrafast -x264-params threads=1:rc-lookahead=0:sliced-threads=0 -pix_fmt yuv420p",
    );
    let why = health(&giant).await.expect_err("16384 × 8704");
    assert!(why.contains("larger than 3840 × 2160"), "{why}");
    let large = make(
        dir.path(),
        "large.mkv",
        "-f lavfi -i color=navy:s=3860x2160:r=25 -frames:v 1 \
        -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
    );
    let why = health(&large).await.expect_err("3860 × 2160");
    assert!(why.contains("3840 × 2160"), "{why}");
    let long = make(
        dir.path(),
        "long.mp4",
        "-f lavfi -i color=navy:s=64x64:r=1/3600 -t 36000 -c:v libx264 -pix_fmt yuv420p",
    );
    let why = health(&long).await.expect_err("10 h");
    assert!(why.contains("minutes long, at most 240"), "{why}");
    // A second that says it is ten hours.
    let mut liar = fs::read(make(
        dir.path(),
        "liar.mkv",
        "-f lavfi -i testsrc2=s=64x64:r=25:d=1 -c:v libx264",
    ))
    .unwrap();
    let at = liar.windows(3).position(|three| three == [0x44, 0x89, 0x88]).expect("a duration");
    liar[at + 3..at + 11].copy_from_slice(&36_000_000f64.to_be_bytes());
    let path = dir.path().join("liar.mkv");
    fs::write(&path, liar).unwrap();
    let why = health(&path).await.expect_err("10 h");
    assert!(why.contains("600 minutes"), "{why}");
}

#[tokio::test]
async fn the_child_answers_every_question() {
    let dir = tempfile::tempdir().unwrap();
    good(dir.path(), "a.mp4");
    let (path, bounds) = (dir.path().join("a.mp4"), Bounds::default());
    let facts = ask(dir.path(), Ask::Probe { path: path.clone(), bounds }).await.unwrap();
    assert!(matches!(facts, Answer::Facts(facts) if facts.width == 320 && facts.has_sound));
    let found = ask(dir.path(), Ask::Propose { path: path.clone(), bounds, wanted_ms: 2000 }).await;
    assert!(matches!(found.unwrap(), Answer::Proposal(found) if !found.cuts.is_empty()));
    let out = dir.path().join("piece.mp4");
    let question = Ask::Copy { path, bounds, in_ms: 1000, out_ms: 2000, out: out.clone() };
    assert!(matches!(ask(dir.path(), question).await.unwrap(), Answer::Copied(_)));
    assert!(out.exists());
    // A file outside its folder is not there for the child, where the kernel has landlock.
    let other = tempfile::tempdir().unwrap();
    good(other.path(), "b.mp4");
    let question = Ask::Probe { path: other.path().join("b.mp4"), bounds };
    if let Ok(answer) = ask(dir.path(), question).await {
        assert!(matches!(answer, Answer::Facts(_)), "no landlock here");
    }
}
