//! Providers against loopback servers and small scripts, takes against their folder.

#![allow(
    clippy::cast_precision_loss,
    reason = "milliseconds of a minute fit every number type here"
)]

use std::{
    collections::VecDeque,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use loa_model::{Cancel, Digest};
use loa_net::Policy;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    Booth, Error, Line, Manners, Provider, Take, answered,
    speech::{Lang, spoken},
    wave::Wave,
};

mod espeak;
mod program;

const TEXT: &str = "Có 1.200 xã được hỗ trợ.";

fn vi(text: &str) -> Line {
    Line { lang: Lang::Vi, text: text.to_owned() }
}

/// A tone with silence around it: 100 ms, `ms`, 200 ms.
fn tone(ms: u32) -> Vec<u8> {
    let rate = 16_000u32;
    let sample = |i: u32| match i / (rate / 1_000) {
        at if at < 100 || at >= 100 + ms => 0,
        _ => {
            if (i / 40).is_multiple_of(2) {
                6_000
            } else {
                -6_000
            }
        }
    };
    let samples = (0..(ms + 300) * (rate / 1_000)).map(sample).collect();
    Wave { rate, samples }.seal()
}

/// Speech as long as these words want.
fn speech(text: &str) -> Vec<u8> {
    tone(u32::try_from(spoken(text, Lang::Vi).text().chars().count() * 80).unwrap())
}

enum Reply {
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    Endless,
    Never,
}

fn ok(body: impl Into<Vec<u8>>) -> Reply {
    Reply::Answer(200, vec![], body.into())
}

fn status(status: u16, body: &str) -> Reply {
    Reply::Answer(status, vec![], body.into())
}

/// A server that gives its replies in order and keeps what it was asked.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(replies: impl FnOnce(&str) -> Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let replies: VecDeque<Reply> = replies(&base).into();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        tokio::spawn(async move {
            for reply in replies {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                loop {
                    let text = String::from_utf8_lossy(&request).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head.to_lowercase().lines().find_map(|l| {
                            l.strip_prefix("content-length: ").and_then(|l| l.parse::<usize>().ok())
                        });
                        if body.len() >= length.unwrap_or(0) {
                            break;
                        }
                    }
                    assert!(socket.read_buf(&mut request).await.unwrap() > 0);
                }
                heard.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                match reply {
                    Reply::Answer(status, headers, body) => {
                        let mut top = format!(
                            "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
                            body.len()
                        );
                        for (name, value) in headers {
                            top = top + name + ": " + &value + "\r\n";
                        }
                        socket.write_all(format!("{top}\r\n").as_bytes()).await.unwrap();
                        socket.write_all(&body).await.unwrap();
                    }
                    Reply::Endless => {
                        socket.write_all(b"HTTP/1.1 200 X\r\n\r\nRIFF").await.unwrap();
                        while socket.write_all(&[0; 8_192]).await.is_ok() {}
                    }
                    Reply::Never => {
                        tokio::spawn(async move {
                            tokio::time::sleep(Duration::from_mins(1)).await;
                            drop(socket);
                        });
                    }
                }
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn manners() -> Manners {
    Manners {
        call: Duration::from_secs(10),
        poll: Duration::from_millis(20),
        patience: Duration::from_millis(200),
        max_bytes: 1 << 20,
    }
}

fn booth(provider: serde_json::Value, folder: &Path) -> Booth {
    booth_with(provider, folder, manners())
}

fn booth_with(provider: serde_json::Value, folder: &Path, manners: Manners) -> Booth {
    let provider: Provider = serde_json::from_value(provider).unwrap();
    Booth::new(provider, folder, &Policy { allow_loopback: true, ..Policy::default() }, manners)
        .unwrap()
}

fn openai(base: &str) -> serde_json::Value {
    json!({"kind": "openai", "base": base, "model": "m-1", "voice": "lan", "key": {"token": "sk-hidden"}})
}

fn fpt(base: &str) -> serde_json::Value {
    json!({"kind": "fpt", "base": base, "voice": "banmai", "speed": -1, "key": {"token": "fpt-hidden"}})
}

fn vbee(base: &str) -> serde_json::Value {
    json!({"kind": "vbee", "base": base, "app_id": "app", "voice": "hn_female", "callback": "https://cong.example/voice",
           "max_chars": 300, "key": {"token": "vbee-hidden"}})
}

async fn one(booth: &Booth, text: &str) -> Result<Take, Error> {
    booth.speak(&[vi(text)], &Cancel::new()).await.map(|mut takes| takes.remove(0))
}

#[tokio::test]
async fn openai_is_asked_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| vec![ok(speech(TEXT))]).await;
    let booth = booth(openai(&server.base), folder.path());
    let take = one(&booth, TEXT).await.unwrap();
    assert_eq!((take.lead_ms, take.tail_ms), (100, 200));
    let bytes = fs::read(&take.path).unwrap();
    assert_eq!(take.digest, Digest::of(&bytes));
    let reader = hound::WavReader::new(bytes.as_slice()).unwrap();
    assert_eq!((reader.spec().channels, reader.spec().bits_per_sample), (1, 16));
    assert_eq!(
        u64::from(reader.duration()) * 1_000 / u64::from(reader.spec().sample_rate),
        take.ms
    );

    // The second time nobody is asked: the server has no second answer.
    assert_eq!(one(&booth, TEXT).await.unwrap(), take);
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let (head, body) = asked[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/audio/speech HTTP/1.1"), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sk-hidden"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body,
        json!({"model": "m-1", "voice": "lan", "speed": 1.0, "response_format": "wav",
               "input": "Có một nghìn hai trăm xã được hỗ trợ."})
    );
    // No draft stays.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_damaged_take_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| (0..4).map(|_| ok(speech(TEXT))).collect()).await;
    let booth = booth(openai(&server.base), folder.path());
    let take = one(&booth, TEXT).await.unwrap();
    let whole = fs::read(&take.path).unwrap();
    let mut flipped = whole.clone();
    flipped[5_000] ^= 1;
    for (times, damage) in
        [flipped, whole[..whole.len() / 2].to_vec(), Vec::new()].into_iter().enumerate()
    {
        fs::write(&take.path, damage).unwrap();
        assert_eq!(one(&booth, TEXT).await.unwrap(), take);
        assert_eq!(fs::read(&take.path).unwrap(), whole);
        assert_eq!(server.asked().len(), times + 2);
    }
}

#[tokio::test]
async fn fpt_is_fetched_when_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    // The file is on another host, which the guarded client may reach here.
    let files = Server::start(|_| vec![status(404, ""), status(404, ""), ok(speech(TEXT))]).await;
    let link = format!("{}/a/b.wav", files.base);
    let server = Server::start(|_| {
        vec![ok(json!({"error": 0, "async": link, "request_id": "r"}).to_string())]
    })
    .await;
    let take = one(&booth(fpt(&server.base), folder.path()), TEXT).await.unwrap();
    assert!(take.ms > 1_000);
    assert_eq!(files.asked().len(), 3);
    assert!(
        files
            .asked()
            .iter()
            .all(|asked| asked.starts_with("GET /a/b.wav") && !asked.contains("hidden"))
    );
    let asked = server.asked().remove(0).to_lowercase();
    for part in
        ["post /hmi/tts/v5", "api_key: fpt-hidden", "voice: banmai", "speed: -1", "format: wav"]
    {
        assert!(asked.contains(part), "{part} | {asked}");
    }
    assert!(asked.ends_with("có một nghìn hai trăm xã được hỗ trợ."), "{asked}");
}

#[tokio::test]
async fn a_file_on_a_host_of_the_inner_network_is_not_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let link = "http://127.0.0.1:9/a.wav";
    let server = Server::start(|_| vec![ok(json!({"error": 0, "async": link}).to_string())]).await;
    let provider = serde_json::from_value(fpt(&server.base)).unwrap();
    let booth = Booth::new(provider, folder.path(), &Policy::default(), manners()).unwrap();
    let error = one(&booth, TEXT).await.unwrap_err();
    assert!(error.to_string().contains("not a public address"), "{error}");
}

#[tokio::test]
async fn patience_ends() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|base| {
        let link = format!("{base}/a.wav");
        let accepted = ok(json!({"error": 0, "async": link}).to_string());
        [accepted].into_iter().chain((0..40).map(|_| status(404, ""))).collect()
    })
    .await;
    let error = one(&booth(fpt(&server.base), folder.path()), TEXT).await.unwrap_err();
    assert!(error.to_string().contains("not ready within"), "{error}");
    assert!((8..=12).contains(&server.asked().len()), "{}", server.asked().len());
}

#[tokio::test]
async fn vbee_is_asked_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let progress = || {
        ok(json!({"status": 1, "result": {"request_id": "a/b", "status": "IN_PROGRESS"}})
            .to_string())
    };
    let server = Server::start(|base| {
        let done = json!({"status": 1, "result": {"request_id": "a/b", "status": "SUCCESS", "audio_link": format!("{base}/f.wav")}});
        vec![progress(), progress(), progress(), ok(done.to_string()), ok(speech(TEXT))]
    })
    .await;
    one(&booth(vbee(&server.base), folder.path()), TEXT).await.unwrap();
    let asked = server.asked();
    assert!(asked[0].starts_with("POST /api/v1/tts HTTP"), "{}", asked[0]);
    assert!(asked[0].contains("\"callback_url\":\"https://cong.example/voice\""), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /api/v1/tts/a%2Fb HTTP"), "{}", asked[1]);
    assert!(asked[1].to_lowercase().contains("authorization: bearer vbee-hidden"));
    assert!(asked[4].starts_with("GET /f.wav HTTP"), "{}", asked[4]);
    assert_eq!(asked.len(), 5);
}

#[tokio::test]
async fn the_answer_of_a_callback_ends_the_questions() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| {
        let accepted = json!({"result": {"request_id": "r-7", "status": "IN_PROGRESS"}});
        vec![ok(accepted.to_string()), ok(speech(TEXT))]
    })
    .await;
    let booth = booth(vbee(&server.base), folder.path());
    let told = json!({"request_id": "r-7", "status": "SUCCESS", "audio_link": format!("{}/g.wav", server.base)});
    booth.hand_in(answered(told.to_string().as_bytes()).unwrap());
    one(&booth, TEXT).await.unwrap();
    assert!(server.asked()[1].starts_with("GET /g.wav HTTP"));
    assert!(answered(b"{}").is_err() && answered(b"no").is_err());
    assert!(answered(br#"{"request_id": "x", "status": "SUCCESS"}"#).is_err());
}

#[tokio::test]
async fn long_text_is_spoken_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Có 1.200 xã được hỗ trợ. ".repeat(30);
    let count = Arc::new(AtomicUsize::new(0));
    let server = Server::start(|base| {
        (0..8)
            .flat_map(|i| {
                let done = json!({"result": {"request_id": format!("r{i}"), "status": "SUCCESS", "audio_link": format!("{base}/{i}.wav")}});
                // Words of up to 300 characters.
                [ok(done.to_string()), ok(tone(20_000))]
            })
            .collect()
    })
    .await;
    let booth = booth(vbee(&server.base), folder.path());
    let take = one(&booth, &text).await.unwrap();
    let mut heard = Vec::new();
    for asked in server.asked().iter().filter(|asked| asked.starts_with("POST")) {
        let body: serde_json::Value =
            serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
        let words = body["input_text"].as_str().unwrap().to_owned();
        assert!(words.chars().count() <= 300 && words.ends_with('.'), "{words}");
        heard.push(words);
        count.fetch_add(1, Ordering::Relaxed);
    }
    let parts = count.load(Ordering::Relaxed) as u64;
    assert!(parts > 3);
    assert_eq!(heard.join(" "), spoken(&text, Lang::Vi).text());
    assert_eq!(take.ms, parts * 20_300 + (parts - 1) * 250);
}

#[tokio::test]
async fn refusals_are_told_and_only_some_are_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let short = |ms| Reply::Answer(429, vec![("Retry-After", ms)], b"slow down".to_vec());
    let cases: Vec<(Vec<Reply>, usize, &str)> = vec![
        (
            vec![status(401, "bad key sk-hidden"), ok(speech(TEXT))],
            1,
            "(HTTP 401): bad key REDACTED; check the key",
        ),
        (vec![status(400, "no such voice"), ok(speech(TEXT))], 1, "check the voice and the model"),
        (vec![short("0".into()), status(503, ""), ok(speech(TEXT))], 3, ""),
        (
            vec![status(500, "a"), status(500, "b"), status(500, "c"), ok(speech(TEXT))],
            3,
            "the service is in trouble",
        ),
        (vec![short("3600".into()), ok(speech(TEXT))], 1, "asked too often"),
        (
            vec![ok("<html>not a voice</html>"), ok(speech(TEXT))],
            1,
            "it is no WAV: 24 bytes that begin with \"<html>not",
        ),
        (vec![ok(&tone(0)[..tone(0).len() - 40])], 1, "it is silent"),
        (vec![ok(tone(60_000 / 2))], 1, "are plausible"),
        (vec![ok(tone(100))], 1, "are plausible"),
        (vec![ok(&speech(TEXT)[..9_000])], 1, "was cut off"),
        (vec![Reply::Endless], 1, "larger than 1048576 bytes"),
    ];
    for (replies, times, wanted) in cases {
        let server = Server::start(|_| replies).await;
        let outcome = one(&booth(openai(&server.base), folder.path()), TEXT).await;
        assert_eq!(server.asked().len(), times, "{wanted}");
        match outcome {
            Ok(take) => {
                assert_eq!(wanted, "");
                fs::remove_file(take.path).unwrap();
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert!(!wanted.is_empty() && shown.contains(wanted), "{shown}");
                assert!(shown.starts_with("voice openai") && !shown.contains("hidden"), "{shown}");
            }
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "a bad answer is kept: {wanted}"
        );
    }
    let server =
        Server::start(|_| vec![ok(json!({"error": 4, "message": "no credit"}).to_string())]).await;
    let error = one(&booth(fpt(&server.base), folder.path()), TEXT).await.unwrap_err();
    assert!(error.to_string().contains("error 4: no credit"), "{error}");
    let failed =
        json!({"result": {"request_id": "r", "status": "FAILURE", "error_message": "bad voice"}});
    let server = Server::start(|_| vec![ok(failed.to_string())]).await;
    let error = one(&booth(vbee(&server.base), folder.path()), TEXT).await.unwrap_err();
    assert!(error.to_string().contains("bad voice"), "{error}");
}

#[tokio::test]
async fn a_wish_to_stop_is_heard_soon() {
    let folder = tempfile::tempdir().unwrap();
    let waiting =
        || ok(json!({"result": {"request_id": "r", "status": "IN_PROGRESS"}}).to_string());
    let slow = Server::start(|_| vec![Reply::Never]).await;
    let polled = Server::start(|_| (0..100).map(|_| waiting()).collect()).await;
    let again =
        Server::start(|_| vec![Reply::Answer(429, vec![("Retry-After", "20".into())], vec![])])
            .await;
    for provider in [openai(&slow.base), vbee(&polled.base), openai(&again.base)] {
        let patient = Manners { patience: Duration::from_mins(1), ..manners() };
        stops(&booth_with(provider, folder.path(), patient), 150).await;
    }
}

async fn stops(booth: &Booth, after_ms: u64) {
    let cancel = Cancel::new();
    let wish = cancel.clone();
    let (done, asked) = tokio::join!(
        async {
            let outcome = booth.speak(&[vi(TEXT)], &cancel).await;
            (outcome, Instant::now())
        },
        async {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            wish.cancel();
            Instant::now()
        }
    );
    assert!(matches!(done.0, Err(Error::Cancelled)), "{:?}", done.0);
    let took = done.1.duration_since(asked);
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn what_cannot_be_spoken_is_refused_before_anyone_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|_| vec![]).await;
    let booth = booth(openai(&server.base), folder.path());
    for (text, wanted) in
        [("", "nothing in"), ("— … —", "nothing in"), (&*"a ".repeat(6_000), "split the scene")]
    {
        let error = one(&booth, text).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    let nobody = Booth::new(Provider::None, folder.path(), &Policy::default(), manners()).unwrap();
    assert!(!nobody.is_on() && matches!(one(&nobody, TEXT).await, Err(Error::Off)));
}

#[test]
fn a_configuration_is_read_strictly_and_shows_no_key() {
    for good in [
        json!({"kind": "none"}),
        json!({"kind": "espeak"}),
        json!({"kind": "espeak", "voice": "vi-vn-x-south", "words_per_minute": 140}),
        json!({"kind": "command", "program": "/opt/piper", "args": ["--lang", "{lang}"]}),
        openai("https://a.example"),
        fpt("https://a.example"),
        vbee("https://a.example"),
    ] {
        let provider: Provider = serde_json::from_value(good).unwrap();
        assert!(!format!("{provider:?}").contains("hidden"), "{provider:?}");
        let back: Provider =
            serde_json::from_value(serde_json::to_value(&provider).unwrap()).unwrap();
        assert_eq!(back, provider);
        provider.check().unwrap();
        let mut unknown = serde_json::to_value(&provider).unwrap();
        unknown["sped"] = json!(1);
        if provider != Provider::None {
            assert!(serde_json::from_value::<Provider>(unknown).is_err(), "{provider:?}");
        }
    }
    let mut no_key = fpt("https://a.example");
    no_key["key"] = json!({});
    for bad in [
        json!({"kind": "espeak", "words_per_minute": 20}),
        json!({"kind": "espeak", "voice": "-w"}),
        no_key,
    ] {
        let provider: Provider = serde_json::from_value(bad).unwrap();
        assert!(provider.check().is_err(), "{provider:?}");
    }
}
