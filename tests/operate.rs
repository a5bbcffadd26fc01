//! What operators and editors do from the command line, through the real binary: decide about a post, stop and start, connect
//! an account again, back up and restore.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::unnecessary_debug_formatting,
    reason = "settings are written as TOML text, quoted by Debug"
)]

mod newsroom;

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use loa_model::{Actor, Clock, Delivery, seams::BoxFuture};
use loa_store::{Changes, SledStore, Store as _, StoreExt as _};
use newsroom::{
    LOA, Newsroom, Platforms, SHORT, article, brief_one, empty, once_each, pause, ports, posts,
    said,
};
use serde_json::{Value, json};

fn run(newsroom: &Newsroom, arguments: &[&str]) -> Output {
    newsroom.command(arguments).output().unwrap()
}

fn done(newsroom: &Newsroom, arguments: &[&str]) -> Value {
    let out = run(newsroom, arguments);
    assert!(out.status.success(), "{arguments:?}: {}", said(&out));
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(&out)))
}

fn refused(newsroom: &Newsroom, arguments: &[&str], why: &str) {
    let out = run(newsroom, arguments);
    assert_eq!(out.status.code(), Some(1), "{arguments:?}: {}", said(&out));
    assert!(said(&out).contains(why), "{arguments:?} does not say {why:?}: {}", said(&out));
}

#[test]
fn newsrooms_of_one_process_get_ports_of_their_own() {
    let told: Vec<u16> = (0..4).map(|_| ports()).collect();
    // From one to the next there is room for three of the sweep.
    assert!(told.windows(2).all(|pair| pair[0].abs_diff(pair[1]) >= 30), "{told:?}");
}

#[test]
fn an_unclear_post_is_decided_by_an_approver_with_the_evidence() {
    let (platforms, newsroom) = empty("unclear", ports(), "");
    platforms.fault(&json!({ "platform": "viber", "path": "/pa/post", "times": 1, "kind": "drop_after_commit" }));
    let out = newsroom.publish(&brief_one(&newsroom.dir), "viber:thu", None);
    let all = posts(&out);
    let post = all.iter().find(|post| post["account"] == "viber:thu").unwrap();
    assert_eq!(post["state"], "uncertain", "{post}");
    let id = post["post"].as_str().unwrap();
    let shown = done(&newsroom, &["post", "show", id, "--json"]);
    assert!(!shown["evidence"].as_array().unwrap().is_empty(), "{shown}");
    assert_eq!(shown["digest"], post["digest"]);

    refused(&newsroom, &["post", "confirm-live", id, "--as", "lan"], "Approver");
    refused(&newsroom, &["post", "confirm-absent", id, "--as", "minh"], "--reason");
    refused(&newsroom, &["post", "retract", id, "--as", "minh", "--reason", "sai"], "not done");
    let seen = ["post", "confirm-live", id, "--as", "minh", "--url", "https://vb.me/x", "--json"];
    let live = done(&newsroom, &seen);
    assert_eq!(
        (&live["state"], &live["receipt"]["url"]),
        (&json!("published"), &json!("https://vb.me/x"))
    );
    assert_eq!(platforms.live("viber", post["marker"].as_str().unwrap()), 1);
    newsroom.verify();
}

#[test]
fn what_is_urgent_is_so_from_the_command_to_the_delivery() {
    let (_platforms, newsroom) = empty("urgent", ports(), "");
    let source = brief_one(&newsroom.dir);
    let publish = ["publish", &source, "--to", "viber:thu", "--json"];
    let wrong = run(&newsroom, &[&publish[..], &["--as", "lan", "--priority", "gap"]].concat());
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
    for words in ["hãy chọn urgent", "choose urgent, normal or backfill"] {
        assert!(said(&wrong).contains(words), "{}", said(&wrong));
    }
    // Who may not compose says nothing about how urgent it is either, and leaves nothing behind.
    let approver = [&publish[..], &["--as", "minh", "--priority", "urgent"]].concat();
    refused(&newsroom, &approver, "neither author nor editor");
    assert_eq!(newsroom.status()["articles"], 0);

    let signed = ["--as", "lan", "--approve-as", "minh", "--wait", "--priority", "urgent"];
    let told = done(&newsroom, &[&publish[..], &signed].concat());
    let post = &told["posts"][0];
    assert_eq!((&post["state"], &post["priority"]), (&json!("published"), &json!("urgent")));
    let delivery = done(&newsroom, &["post", "show", post["post"].as_str().unwrap(), "--json"]);
    assert_eq!(delivery["priority"], "urgent", "{delivery}");
    newsroom.verify();
}

#[test]
fn what_is_paused_waits_and_goes_out_once_it_may() {
    let (platforms, newsroom) = empty("paused", ports(), "");
    refused(&newsroom, &["pause", "facebook:thu", "--as", "minh"], "--reason");
    refused(&newsroom, &["pause", "channel", "--as", "minh", "--reason", "x"], "no scope");
    let why = ["--as", "minh", "--reason", "kiểm tra"];
    done(&newsroom, &[&["pause", "facebook:thu"], &why[..], &["--json"]].concat());
    done(&newsroom, &[&["pause", "channel/viber"], &why[..], &["--json"]].concat());
    let source = brief_one(&newsroom.dir);
    // Some seconds of a running loa: what may go goes, the rest waits.
    let mut child = newsroom.start(&source, SHORT);
    for _ in 0..600 {
        if newsroom.dir.join("data/loa.sock").exists()
            && newsroom.status()["deliveries"]["published"] == 1
        {
            break;
        }
        pause(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let waiting = newsroom.status()["deliveries"].clone();
    assert_eq!((&waiting["published"], &waiting["ready"]), (&json!(1), &json!(2)), "{waiting}");
    done(&newsroom, &["resume", "facebook:thu", "--as", "minh", "--json"]);
    done(&newsroom, &["resume", "channel/viber", "--as", "minh", "--json"]);
    let out = newsroom.publish(&source, SHORT, None);
    once_each(&platforms, &out, SHORT, "after the pause");
}

#[test]
fn credentials_are_replaced_without_being_shown() {
    let (_platforms, newsroom) = empty("connected", ports(), "");
    let connect = |login: &str, text: &str| {
        let mut command = newsroom.command(&["connect", "facebook:thu", "--as", login, "--json"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    for (login, text) in [
        ("minh", "bí mật"),
        ("minh", "page_token = \"\"\n"),
        ("lan", "page_token = \"EAAB-s3cret\"\n"),
    ] {
        let out = connect(login, text);
        assert_eq!(out.status.code(), Some(1), "{login} {text}: {}", said(&out));
        assert!(!said(&out).contains("s3cret"), "{}", said(&out));
    }
    let out = connect("minh", "page_token = \"EAAB-s3cret\"\n");
    assert!(out.status.success() && !said(&out).contains("s3cret"), "{}", said(&out));
    let ledger = newsroom.dir.join("data/ledger");
    for entry in fs::read_dir(ledger).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|part| part == b"s3cret"), "a secret in clear");
    }
}

#[test]
fn a_backup_of_a_running_loa_is_whole_grows_and_can_be_restored() {
    let (_platforms, newsroom) = empty("kept", ports(), "");
    let source = brief_one(&newsroom.dir);
    let out = newsroom.publish(&source, "viber:thu", None);
    assert!(out.status.success(), "{}", said(&out));
    let mut server =
        newsroom.command(&["all"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !newsroom.dir.join("data/loa.sock").exists() {
        assert!(server.try_wait().unwrap().is_none(), "loa all ended");
        pause(Duration::from_millis(20));
    }
    let copy = newsroom.dir.join("sao-luu").display().to_string();
    let first = done(&newsroom, &["backup", &copy, "--json"]);
    assert!(first["done"]["new_blobs"].as_u64().unwrap() > 0, "{first}");
    let second = done(&newsroom, &["backup", &copy, "--json"]);
    assert_eq!(second["done"]["new_blobs"], 0, "what was there is copied again: {second}");
    assert_eq!(done(&newsroom, &["verify", "--backup", &copy, "--json"])["sound"], true);
    assert!(!newsroom.dir.join("sao-luu/keys").exists(), "keys are in the backup");
    done(&newsroom, &["rebuild", "--json"]);
    server.kill().unwrap();
    server.wait().unwrap();

    refused(&newsroom, &["restore", &copy], "empty folder");
    let other = newsroom.dir.join("phuc-hoi").display().to_string();
    let restored = done(&newsroom, &["--data", &other, "restore", &copy, "--json"]);
    assert_eq!(restored["restored"]["seq"], second["done"]["seq"]);
    fs::create_dir_all(newsroom.dir.join("phuc-hoi/keys")).unwrap();
    for entry in fs::read_dir(newsroom.dir.join("data/keys")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), newsroom.dir.join("phuc-hoi/keys").join(entry.file_name())).unwrap();
    }
    assert_eq!(done(&newsroom, &["--data", &other, "verify", "--json"])["sound"], true);
    let status = done(&newsroom, &["--data", &other, "status", "--json"]);
    assert_eq!(status["deliveries"]["published"], 1, "{status}");
    // Half a backup is none.
    fs::remove_file(newsroom.dir.join("sao-luu/manifest.json")).unwrap();
    let torn = Command::new(LOA).args(["verify", "--backup", &copy]).output().unwrap();
    assert_eq!(torn.status.code(), Some(1), "{}", said(&torn));
}

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

#[test]
fn verify_names_the_invariant_that_the_ledger_shows_to_be_broken() {
    let (_platforms, newsroom) = empty("forged", ports(), "");
    let out = newsroom.publish(&brief_one(&newsroom.dir), "viber:thu", None);
    assert!(out.status.success(), "{}", said(&out));
    let sound = done(&newsroom, &["verify", "--json"]);
    assert_eq!((&sound["sound"], &sound["broken"]), (&json!(true), &json!([])), "{sound}");
    assert!(sound["deliveries"].as_u64().unwrap() > 0, "{sound}");
    // Somebody writes a receipt away.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (data, options) = (newsroom.dir.join("data"), loa_store::Options::default());
        let store = SledStore::open(&data, std::sync::Arc::new(Noon), options).unwrap();
        let mut kept = store.all::<Delivery>(1).await.unwrap().remove(0);
        kept.record.receipt = None;
        let changes = Changes::by(Actor::Operator("kẻ lạ".into()), "forge");
        store.commit(changes.update(&kept.record, kept.version)).await.unwrap();
    });
    let out = run(&newsroom, &["verify"]);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    for words in ["I2 delivery ", "không có biên nhận", "published without a receipt"] {
        assert!(said(&out).contains(words), "it does not say {words:?}: {}", said(&out));
    }
}

/// On a clock that stands still no lease runs out: what is free again was handed back.
#[test]
fn an_end_in_the_middle_of_a_drawing_hands_its_job_back_at_once() {
    let base = ports();
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("handed-back-{}", std::process::id()));
    fs::remove_dir_all(&dir).ok();
    let platforms = Platforms::still(&dir.join("sandbox"), base, 1);
    let newsroom = Newsroom::new(&dir, base, &platforms.first_line, "");
    newsroom.people();
    let mut server = newsroom.command(&["all"]).stderr(Stdio::null()).spawn().unwrap();
    let socket = dir.join("data/loa.sock");
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        assert!(
            (0..1200).any(|_| {
                pause(Duration::from_millis(50));
                holds()
            }),
            "{what}"
        );
    };
    until("it listens", &|| socket.exists());
    let asked = ["publish", &article(), "--to", "viber:thu", "--as", "lan", "--json"];
    let mut asked = newsroom.command(&asked);
    let mut asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("a clip is being drawn", &|| {
        let variants = newsroom.status()["variants"].clone();
        variants["rendered"].as_u64() >= Some(1) && variants["rendering"] == 1
    });
    let ended = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(ended.success());
    assert!(server.wait().unwrap().success(), "it ends cleanly");
    asked.wait().unwrap();
    let jobs = newsroom.status()["jobs"].clone();
    assert!(jobs["executing"].is_null() && jobs["available"].as_u64() >= Some(1), "{jobs}");
    newsroom.verify();
}
