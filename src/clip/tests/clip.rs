//! A clip by facts: what a player, a platform and a slow link will find in the file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use loa_clip::{
    Bulletin, Compositor, Error, PhotoFile, Rate, Request, Rung, SoundCodec, SoundRate, VideoFile,
    render,
    timeline::{Canvas, Place, Source},
    worker,
};
use loa_model::{Cancel, Digest, Fit, Music};

#[path = "support/film.rs"]
mod film;
mod support;

use film::{fast, files, heard, number, probe, request, run, runner, ssim, timeline};

#[test]
fn a_file_is_what_players_and_platforms_expect() {
    let dir = tempfile::tempdir().unwrap();
    let rungs = vec![fast("big"), Rung { divisor: 2, ..fast("half") }];
    let request = request(dir.path(), timeline(3, false), rungs);
    let mut told = vec![];
    let outputs = worker::work(&request, &Cancel::new(), |p| told.push(p)).unwrap();
    assert_eq!(
        files(&request.films[0].out),
        ["big.mp4", "captions.srt", "captions.vtt", "half.mp4", "poster.jpg", "thumbnail.jpg"]
    );
    assert_eq!(told.last().map(|p| (p.done, p.total)), Some((90, 90)));

    for (output, size) in outputs.iter().zip([(180, 320), (90, 160)]) {
        let facts = probe(&output.path);
        let (video, audio) = (&facts["streams"][0], &facts["streams"][1]);
        for (key, expected) in [
            ("codec_name", "h264"),
            ("profile", "High"),
            ("pix_fmt", "yuv420p"),
            ("color_range", "tv"),
            ("color_space", "bt709"),
            ("color_transfer", "bt709"),
            ("color_primaries", "bt709"),
            ("r_frame_rate", "30/1"),
            ("avg_frame_rate", "30/1"),
            ("nb_frames", "90"),
        ] {
            assert_eq!(video[key], expected, "{key}");
        }
        assert_eq!(
            (video["width"].as_u64(), video["height"].as_u64()),
            (Some(size.0), Some(size.1))
        );
        assert_eq!((u64::from(output.width), u64::from(output.height)), size);
        assert_eq!((&audio["codec_name"], &audio["profile"]), (&"aac".into(), &"LC".into()));
        assert_eq!((&audio["sample_rate"], &audio["channels"]), (&"48000".into(), &2.into()));
        let (v, a) = (number(&video["duration"]), number(&audio["duration"]));
        assert!((v - 3.0).abs() < 0.034 && (v - a).abs() < 0.040, "{v} {a}");
        assert_eq!(output.duration_ms, 3000);
        assert_eq!(output.bytes, fs::metadata(&output.path).unwrap().len());
        assert_eq!(output.alt, request.films[0].timeline.alt);

        let packets = facts["packets"].as_array().unwrap();
        let shown = packets.iter().filter(|p| p["codec_type"] == "video");
        let mut pts: Vec<i64> = shown.clone().map(|p| p["pts"].as_i64().unwrap()).collect();
        pts.sort_unstable();
        assert!(pts.windows(2).all(|pair| pair[1] - pair[0] == 3000), "a gap between frames");
        let mut keys: Vec<i64> = shown
            .filter(|p| p["flags"].as_str().is_some_and(|flags| flags.starts_with('K')))
            .map(|p| p["pts"].as_i64().unwrap() / 3000)
            .collect();
        keys.push(90);
        assert!(keys[0] == 0 && keys.windows(2).all(|pair| pair[1] - pair[0] <= 60), "{keys:?}");

        let bytes = fs::read(&output.path).unwrap();
        let at = |name: &[u8]| bytes.windows(4).position(|four| four == name).unwrap();
        assert!(at(b"moov") < at(b"mdat"), "not ready to stream");
    }
    let poster = image::open(request.films[0].out.join("poster.jpg")).unwrap();
    assert_eq!((poster.width(), poster.height()), (180, 320));
}

#[test]
fn what_is_decoded_is_what_was_composed() {
    let dir = tempfile::tempdir().unwrap();
    let request = request(dir.path(), timeline(2, false), vec![fast("clip")]);
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    let raw = dir.path().join("raw.yuv");
    let (from, to) = (outputs[0].path.to_str().unwrap(), raw.to_str().unwrap());
    run("ffmpeg", &["-v", "error", "-i", from, "-pix_fmt", "yuv420p", "-f", "rawvideo", to]);
    let decoded = fs::read(&raw).unwrap();
    let pictures = worker::load(&request, &request.films[0]).unwrap();
    let mut compositor = Compositor::new(&request.films[0].timeline, &pictures).unwrap();
    let size = 180 * 320 * 3 / 2;
    assert_eq!(decoded.len(), size * 60);
    for number in [0, 15, 29, 33, 36, 59] {
        let composed = compositor.still(number).unwrap();
        let shown = &decoded[number as usize * size..][..180 * 320];
        let score = ssim(&composed, shown);
        assert!(score >= 0.97, "frame {number}: {score}");
    }
}

#[test]
fn it_is_as_loud_as_promised_and_never_clips() {
    let dir = tempfile::tempdir().unwrap();
    let low = Rung { rate: Rate::Quality(30), ..Rung::low_band("low", 148, 28) };
    let rungs = vec![fast("master"), Rung { preset: "ultrafast".into(), ..low }];
    let request = request(dir.path(), timeline(10, true), rungs);
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    for output in &outputs[..2] {
        let (lufs, peak) = heard(&output.path);
        assert!((lufs + 14.0).abs() <= 0.5, "{}: {lufs} LUFS", output.name);
        assert!(peak <= -1.0, "{}: {peak} dBTP", output.name);
    }
}

#[test]
fn a_low_band_file_keeps_its_budget() {
    let dir = tempfile::tempdir().unwrap();
    let mut timeline = timeline(16, true);
    timeline.canvas = Canvas { width: 360, height: 640, fps: 12 };
    for shot in timeline.scenes.iter_mut().filter_map(|s| s.shot.as_mut()) {
        shot.place = Place { x: 0, y: 0, width: 360, height: 640 };
    }
    // As greedy as it gets: grain kept, quality beyond reason. The cap must hold it.
    timeline.clean_photos = false;
    let rate = Rate::Capped { quality: 8, total_kbps: 148 };
    let rung = Rung { rate, preset: "veryfast".into(), ..Rung::low_band("360p", 148, 28) };
    let request = request(dir.path(), timeline, vec![rung]);
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    let kbps = outputs[0].bytes * 8 / outputs[0].duration_ms;
    assert!(kbps <= 150, "{kbps} kbit/s");
    let facts = probe(&outputs[0].path);
    assert_eq!(facts["streams"][1]["channels"], 1);
    assert_eq!(facts["streams"][0]["r_frame_rate"], "12/1");
}

#[test]
fn a_file_over_its_budget_is_refused_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let rate = Rate::Capped { quality: 20, total_kbps: 10 };
    let request =
        request(dir.path(), timeline(2, false), vec![fast("ok"), Rung { rate, ..fast("tight") }]);
    let error = worker::work(&request, &Cancel::new(), |_| ()).unwrap_err();
    assert!(matches!(&error, Error::OverBudget { name, .. } if name == "tight"), "{error}");
    assert!(files(&request.films[0].out).is_empty(), "{:?}", files(&request.films[0].out));
}

#[test]
fn cancelling_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let request = request(dir.path(), timeline(4, false), vec![fast("clip")]);
    let cancel = Cancel::new();
    let error = worker::work(&request, &cancel, |_| cancel.cancel()).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
    assert!(files(&request.films[0].out).is_empty());
}

#[test]
fn a_corrupt_photo_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut request = request(dir.path(), timeline(2, false), vec![fast("clip")]);
    let whole = fs::read(&request.photos[1].path).unwrap();
    let broken = dir.path().join("broken.jpg");
    for content in [&whole[..64], b"<html>not a photo</html>", b""] {
        fs::write(&broken, content).unwrap();
        request.photos[1] = PhotoFile { index: 1, path: broken.clone() };
        let error = worker::work(&request, &Cancel::new(), |_| ()).unwrap_err();
        assert!(matches!(&error, Error::Photo(why) if why.starts_with("number 2")), "{error}");
        assert!(files(&request.films[0].out).is_empty());
    }
}

#[tokio::test]
async fn two_children_write_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let mut written = vec![];
    for run in ["one", "two"] {
        let rungs = vec![fast("a"), Rung { divisor: 2, ..fast("b") }];
        let request = request(&dir.path().join(run), timeline(2, false), rungs);
        let mut told = 0;
        let outputs = render(&request, &runner(), &Cancel::new(), |_| told += 1).await.unwrap();
        assert!(told >= 2, "{told} reports");
        written.push(outputs.iter().map(|o| fs::read(&o.path).unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(written[0].len(), 6);
    assert!(written[0] == written[1], "two runs differ");
}

#[tokio::test]
async fn a_cancelled_child_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let request = request(dir.path(), timeline(60, false), vec![fast("clip")]);
    let cancel = Cancel::new();
    let stop = |progress: loa_model::Progress| {
        if progress.done > 0 {
            cancel.cancel();
        }
    };
    let error = render(&request, &runner(), &cancel, stop).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(files(&request.films[0].out).is_empty(), "{:?}", files(&request.films[0].out));
}

#[tokio::test]
async fn a_child_tells_why_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let mut request = request(dir.path(), timeline(2, false), vec![fast("clip")]);
    fs::write(&request.photos[0].path, "không phải ảnh").unwrap();
    let error = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("number 1"), "{error}");
    request.films[0].timeline.scenes.clear();
    let error = render(&request, &runner(), &Cancel::new(), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("without a scene"), "{error}");
}

#[test]
fn captions_travel_in_the_file_and_a_strict_platform_gets_no_edit_list() {
    let dir = tempfile::tempdir().unwrap();
    let strict = Rung { edit_list: false, ..fast("strict") };
    let rungs = vec![Rung { captions: true, ..fast("own") }, strict];
    let request = request(dir.path(), timeline(4, false), rungs);
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    let own = probe(&outputs[0].path);
    let text = &own["streams"][2];
    assert_eq!(
        (&text["codec_name"], &text["tags"]["language"]),
        (&"mov_text".into(), &"vie".into())
    );
    let srt = dir.path().join("own.srt");
    let (from, to) = (outputs[0].path.to_str().unwrap(), srt.to_str().unwrap());
    run("ffmpeg", &["-v", "error", "-i", from, "-map", "0:s:0", to]);
    let read = fs::read_to_string(&srt).unwrap().replace("\r\n", "\n");
    // Players may say the style as tags; the words and times are ours.
    for part in ["00:00:00,000 --> 00:00:01,000", "Hỗ trợ 2,5 triệu hộ dân\nvùng sâu, vùng xa"]
    {
        assert!(read.contains(part), "{read}");
    }
    assert!(read.contains("00:00:02,000 --> 00:00:03,000"), "{read}");

    let bytes = fs::read(&outputs[1].path).unwrap();
    assert!(!bytes.windows(4).any(|four| four == b"elst"), "there is an edit list");
    assert!(fs::read(&outputs[0].path).unwrap().windows(4).any(|four| four == b"elst"));
    let strict = probe(&outputs[1].path);
    for stream in strict["streams"].as_array().unwrap() {
        let start = number(&stream["start_time"]);
        assert!(start.abs() < 0.003, "{}: starts at {start}", stream["codec_type"]);
    }
}

#[test]
fn the_sound_alone_comes_in_three_kinds() {
    let dir = tempfile::tempdir().unwrap();
    let mut request = request(dir.path(), timeline(8, true), vec![]);
    let kinds = [(SoundCodec::Aac, 32), (SoundCodec::Opus, 24), (SoundCodec::Mp3, 32)];
    request.films[0].bulletins = kinds
        .map(|(codec, kbps)| Bulletin {
            name: format!("{codec:?}"),
            sound: SoundRate { codec, channels: 1, kbps },
        })
        .into();
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    for (output, (name, mime)) in
        outputs.iter().zip([("aac", "audio/mp4"), ("opus", "audio/ogg"), ("mp3", "audio/mpeg")])
    {
        let facts = probe(&output.path);
        assert_eq!(facts["streams"][0]["codec_name"], name);
        assert_eq!(output.mime, mime);
        assert!((number(&facts["format"]["duration"]) - 8.0).abs() < 0.08, "{name}");
        let (lufs, peak) = heard(&output.path);
        assert!((lufs + 14.0).abs() <= 0.6, "{name}: {lufs} LUFS");
        assert!(peak <= -0.9, "{name}: {peak} dBTP");
        assert!(output.bytes < 45_000, "{name}: {} bytes", output.bytes);
    }
}

#[test]
fn a_file_that_may_not_be_larger_is_worse_instead() {
    let dir = tempfile::tempdir().unwrap();
    let free = request(dir.path(), timeline(4, false), vec![fast("free")]);
    let whole = worker::work(&free, &Cancel::new(), |_| ()).unwrap()[0].bytes;
    let most = whole * 2 / 3;
    let sized = Rung { rate: Rate::Sized { quality: 16, bytes: most }, ..fast("sized") };
    let request = request(dir.path(), timeline(4, false), vec![sized]);
    let mut told = vec![];
    let made = worker::work(&request, &Cancel::new(), |p| told.push(p.done)).unwrap();
    assert!(made[0].bytes <= most && made[0].bytes > most / 2, "{} of {most}", made[0].bytes);
    assert!(told.windows(2).all(|pair| pair[0] <= pair[1]), "progress goes back: {told:?}");
}

/// A film that is two seconds of a video of this size, from its second second on, and its source.
fn piece(folder: &Path, size: &str) -> (Request, PathBuf) {
    let source = folder.join("source.mp4");
    let pictures = format!("testsrc2=s={size}:r=25:d=5");
    let to = source.to_str().expect("UTF-8");
    let made = "-c:v libx264 -preset ultrafast -g 25 -sc_threshold 0 -pix_fmt yuv420p -c:a aac";
    let mut args = vec!["-v", "error", "-f", "lavfi", "-i", &pictures, "-f", "lavfi", "-i"];
    args.extend(["sine=f=440:r=48000:d=5"].into_iter().chain(made.split(' ')).chain([to]));
    run("ffmpeg", &args);
    let mut timeline = timeline(4, false);
    timeline.bar_height = 0;
    timeline.captions.clear();
    timeline.scenes.truncate(1);
    let scene = &mut timeline.scenes[0];
    (scene.fade_out, scene.cues) = (0, vec![]);
    let shot = scene.shot.as_mut().expect("the scene shows something");
    shot.source = Source::Video { video: 0, from_ms: 1000, fit: Fit::Pad };
    shot.place = Place { x: 0, y: 0, width: 180, height: 320 };
    shot.to = shot.from;
    shot.melt = 0;
    let rungs = vec![fast("big"), Rung { divisor: 2, ..fast("half") }];
    let mut request = request(folder, timeline, rungs);
    request.films[0].score.music = Music::Silent;
    let digest = Digest::of(&fs::read(&source).expect("ffmpeg has written it")).to_string();
    request.videos = vec![VideoFile { index: 0, path: source.clone(), digest }];
    (request, source)
}

/// What a decoder is given of the picture, from a packet on.
fn packets(path: &Path, from: usize) -> Vec<String> {
    let args = ["-v", "error", "-show_packets", "-show_data_hash", "md5", "-of", "json"];
    let path = path.to_str().expect("UTF-8");
    let args: Vec<&str> = args.into_iter().chain(["-select_streams", "v", path]).collect();
    let shown: serde_json::Value =
        serde_json::from_str(&run("ffprobe", &args).0).expect("ffprobe writes JSON");
    let hash =
        |packet: &serde_json::Value| packet["data_hash"].as_str().expect("a hash").to_owned();
    shown["packets"].as_array().expect("packets").iter().skip(from).map(hash).collect()
}

#[test]
fn a_video_that_nothing_is_done_to_is_not_encoded_again() {
    let dir = tempfile::tempdir().unwrap();
    let (request, source) = piece(dir.path(), "180x320");
    let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
    assert_eq!(
        files(&request.films[0].out),
        ["big.mp4", "captions.srt", "captions.vtt", "half.mp4", "poster.jpg", "thumbnail.jpg"]
    );
    let of = |name: &str| outputs.iter().find(|output| output.name == name).unwrap();
    let (whole, half) = (of("big"), of("half"));
    assert_eq!((whole.width, whole.height, whole.duration_ms), (180, 320, 2000));
    let (copied, from) = (packets(&whole.path, 0), packets(&source, 25));
    assert!((50..=53).contains(&copied.len()), "{}", copied.len());
    assert_eq!(copied, from[..copied.len()]);
    let facts = probe(&half.path);
    assert_eq!((facts["streams"][0]["width"].as_u64(), half.width), (Some(90), 90));

    // Anything that is drawn or heard besides, and another size: then it is encoded.
    for (size, change) in [("180x320", Some(true)), ("180x320", Some(false)), ("90x160", None)] {
        let dir = tempfile::tempdir().unwrap();
        let (mut request, source) = piece(dir.path(), size);
        match change {
            Some(true) => request.films[0].timeline.bar_height = 4,
            Some(false) => request.films[0].score.music = Music::Calm,
            None => {}
        }
        let outputs = worker::work(&request, &Cancel::new(), |_| ()).unwrap();
        let whole = outputs.iter().find(|output| output.name == "big").unwrap();
        let facts = probe(&whole.path);
        assert_eq!(facts["streams"][0]["r_frame_rate"], "30/1", "{size}");
        assert_ne!(packets(&whole.path, 0)[0], packets(&source, 25)[0], "{size}");
    }
}
