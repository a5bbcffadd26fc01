//! The main job through the real binary against the stand-in platforms: live once, whatever dies in between.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::unnecessary_debug_formatting,
    reason = "settings are written as TOML text, quoted by Debug"
)]

mod newsroom;

use std::{fs, path::Path, process::Command, time::Duration};

use newsroom::{
    ALL, LOA, SHORT, article, brief_one, empty, fresh, once_each, pause, ports, posts, said,
};
use serde_json::{Value, json};

#[test]
fn the_main_job_and_its_faults() {
    let base = ports();
    // Happy path, then again: nothing is posted twice.
    let (platforms, newsroom) = fresh("happy", base);
    let out = newsroom.publish(&article(), ALL, None);
    assert!(out.status.success(), "{}", said(&out));
    assert_eq!(posts(&out).len(), 5);
    once_each(&platforms, &out, ALL, "happy path");
    let again = newsroom.publish(&article(), ALL, None);
    assert!(again.status.success(), "{}", said(&again));
    once_each(&platforms, &again, ALL, "second run");
    assert_eq!(newsroom.status()["deliveries"]["published"], 5);
    newsroom.verify();
    drop(platforms);

    // The reply is lost after the platform took the post.
    let (platforms, newsroom) = fresh("dropped", base);
    for (platform, path) in [
        ("facebook", "/v26.0/*/feed"),
        ("zalo", "/v2.0/article/create"),
        ("youtube", "/youtube/v3/videos"),
    ] {
        platforms.fault(
            &json!({ "platform": platform, "path": path, "times": 1, "kind": "drop_after_commit" }),
        );
    }
    let to = "facebook:thu,zalo:thu,youtube:thu";
    let out = newsroom.publish(&article(), to, None);
    once_each(&platforms, &out, to, "reply dropped after commit");
    drop(platforms);

    // Throttled with a wait, and a token that ran out.
    let (platforms, newsroom) = fresh("throttled", base);
    platforms.fault(&json!({ "platform": "facebook", "path": "/v26.0/*/photos", "times": 1, "kind": "throttle", "wait_ms": 60000 }));
    let id = platforms.first_line["youtube"]["accounts"][0]["id"].clone();
    platforms.control(
        "POST",
        "/control/youtube/tokens",
        &json!({ "whose": id, "action": "expire" }),
    );
    let to = "facebook:thu,youtube:thu";
    let out = newsroom.publish(&article(), to, None);
    once_each(&platforms, &out, to, "429 with wait, token expired");
}

#[test]
fn a_post_killed_at_any_ledger_record_is_neither_lost_nor_doubled() {
    let base = ports();
    let (platforms, newsroom) = fresh("count", base);
    let before = newsroom.status()["seq"].as_u64().unwrap();
    let out = newsroom.publish(&article(), ALL, None);
    assert!(out.status.success(), "{}", said(&out));
    let records = newsroom.status()["seq"].as_u64().unwrap() - before;
    drop(platforms);
    assert!(records > 30, "the run wrote only {records} records");
    // Every record in turn, three newsrooms side by side: they wait for platforms more than they work.
    let died: u64 = std::thread::scope(|scope| {
        let parts = [0, 1, 2].map(|part| {
            scope.spawn(move || killed_at((1..=records).filter(|n| n % 3 == part), part))
        });
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    println!("died after {died} of {records} records in turn, each once in the end");
    assert!(died * 10 >= records * 8, "only {died} of {records} runs died");
}

fn killed_at(records: impl Iterator<Item = u64>, part: u64) -> u64 {
    let base = ports();
    let mut died = 0;
    for after in records {
        let (platforms, newsroom) = fresh(&format!("killed-{part}"), base);
        let seq = newsroom.status()["seq"].as_u64().unwrap() + after;
        let killed = newsroom.publish(&article(), ALL, Some(seq));
        died += u64::from(killed.status.code().is_none());
        let out = newsroom.publish(&article(), ALL, None);
        once_each(&platforms, &out, ALL, &format!("died after record {after}"));
        newsroom.verify();
    }
    died
}

/// What an account of the run became, by `channel:name`.
fn state_of<'a>(posts: &'a [Value], account: &str) -> Vec<&'a Value> {
    posts.iter().filter(|post| post["account"] == account).collect()
}

#[test]
fn an_article_changed_before_its_approval_goes_out_as_it_is_now() {
    let (platforms, newsroom) = empty("changed", ports(), "");
    let source = brief_one(&newsroom.dir);
    let waits = ["publish", &source, "--to", SHORT, "--as", "lan", "--json"];
    let out = newsroom.command(&waits).output().unwrap();
    assert!(out.status.success(), "{}", said(&out));
    let old = posts(&out);
    assert!(old.iter().all(|post| post["state"] == "in_review"), "{old:?}");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("từ ngày 01/12/2026", "từ ngày 15/12/2026")).unwrap();

    let out = newsroom.publish(&source, SHORT, None);
    once_each(&platforms, &out, SHORT, "the new revision");
    for post in &old {
        let channel = post["account"].as_str().unwrap().split(':').next().unwrap();
        let marker = post["marker"].as_str().unwrap();
        assert_eq!(platforms.live(channel, marker), 0, "the old words went out: {post}");
        let seen = platforms.control("GET", &format!("/control/{channel}/posts"), &Value::Null);
        let seen = seen.to_string();
        assert!(!seen.contains("01/12/2026"), "{channel} shows the old date: {seen}");
    }
    let status = newsroom.status();
    assert_eq!(status["variants"]["stale"], 1, "{status}");
    newsroom.verify();
}

#[test]
fn a_video_that_a_channel_does_not_take_is_refused_with_a_reason() {
    // Too small for a Reel: found before anything is sent.
    let reel_of_the_light_clip = r#"
[[profiles.facebook]]
format = "short_video"
after_minutes = 0
media = [{ from = "variant", role = "video", kind = "low_band", renditions = ["360p"], required = true }]
"#;
    let base = ports();
    let (platforms, mut newsroom) = fresh("small", base);
    newsroom.settle(&platforms, base, reel_of_the_light_clip);
    let out = newsroom.publish(&article(), "facebook:thu", None);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    assert!(said(&out).contains("breaks limits of its channel"), "{}", said(&out));
    assert!(said(&out).contains("360"), "it does not say what is wrong: {}", said(&out));
    let sent = platforms.control("GET", "/control/facebook/requests", &Value::Null);
    assert_eq!(sent["requests"], json!([]), "something was sent");
    drop(platforms);

    // The platform itself cannot use it: rejected with its words, and the other posts are not held up.
    let (platforms, newsroom) = fresh("refused", base);
    platforms.fault(&json!({
        "platform": "facebook", "path": "/v26.0/*/video_reels", "contains": "finish", "times": 9,
        "kind": "error_before_commit", "status": 400,
        "body": { "error": { "code": 352, "message": "The video format is not supported", "type": "OAuthException" } },
    }));
    let out = newsroom.publish(&article(), "facebook:thu,viber:thu", None);
    assert_eq!(out.status.code(), Some(1), "{}", said(&out));
    let all = posts(&out);
    let mut states: Vec<_> = state_of(&all, "facebook:thu").iter().map(|p| &p["state"]).collect();
    states.sort_by_key(ToString::to_string);
    assert_eq!(states, ["published", "rejected"], "{all:?}");
    assert!(said(&out).contains("not supported"), "the reason is lost: {}", said(&out));
    assert!(state_of(&all, "viber:thu").iter().any(|post| post["state"] == "published"));
    newsroom.verify();
}

/// From the first record of an empty newsroom on: read, briefed, drawn, composed, submitted.
#[test]
fn an_article_killed_while_it_is_read_and_drawn_is_published_once() {
    let base = ports();
    let (platforms, newsroom) = empty("drawing", base, "");
    let source = brief_one(&newsroom.dir);
    let before = newsroom.status()["seq"].as_u64().unwrap();
    let waits = ["publish", &source, "--to", SHORT, "--as", "lan", "--json"];
    let out = newsroom.command(&waits).output().unwrap();
    assert!(out.status.success(), "{}", said(&out));
    let records = newsroom.status()["seq"].as_u64().unwrap() - before;
    drop(platforms);
    assert!(records > 8, "reading and drawing wrote only {records} records");
    let (mut died, mut seen) = (0, std::collections::BTreeSet::new());
    for after in 1..=records {
        let (platforms, newsroom) = empty("drawing", base, "");
        let source = brief_one(&newsroom.dir);
        let seq = newsroom.status()["seq"].as_u64().unwrap() + after;
        let killed = newsroom.publish(&source, SHORT, Some(seq));
        died += u64::from(killed.status.code().is_none());
        seen.extend(newsroom.status()["articles"].as_u64());
        let out = newsroom.publish(&source, SHORT, None);
        once_each(&platforms, &out, SHORT, &format!("died after record {after}"));
        assert_eq!(newsroom.status()["articles"], 1, "read twice after record {after}");
        newsroom.verify();
    }
    assert!(died * 10 >= records * 8, "only {died} of {records} runs died");
    assert!(seen.contains(&0) || seen.contains(&1), "no run died early: {seen:?}");
}

/// SIGKILL does not wait for a record: inside requests, encodes, renames and syncs, several times in one life. Ten rounds,
/// as many as `KILL_ROUNDS` says in `make soak`.
#[test]
fn killed_at_random_moments_everything_is_live_once() {
    #[expect(clippy::disallowed_methods, reason = "`make soak` says how many")]
    let rounds = std::env::var("KILL_ROUNDS").map_or(10, |text| text.parse().unwrap());
    let base = ports();
    let mut random = Random(0x10A);
    let mut killed = 0;
    for round in 0..rounds {
        // Half of them begin with nothing, half with everything drawn and all four channels.
        let (drawn, to) = (round % 2 == 1, if round % 2 == 1 { ALL } else { SHORT });
        let (platforms, newsroom) =
            if drawn { fresh("random", base) } else { empty("random", base, "") };
        let source = if drawn { article() } else { brief_one(&newsroom.dir) };
        for _ in 0..=random.below(2) {
            let mut child = newsroom.start(&source, to);
            pause(Duration::from_millis(150 + random.below(3_500)));
            child.kill().unwrap();
            killed += u64::from(child.wait().unwrap().code().is_none());
        }
        let out = newsroom.publish(&source, to, None);
        once_each(&platforms, &out, to, &format!("round {round}"));
        newsroom.verify();
        if (round + 1) % 20 == 0 {
            println!("{} rounds", round + 1);
        }
    }
    println!("killed {killed} times in {rounds} rounds, each post live once in the end");
    assert!(killed >= rounds, "only {killed} processes were killed at work");
}

/// Seeded, so that a failing round can be looked at again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn bad_input_gets_a_clear_error_and_stores_nothing() {
    let base = ports();
    let (_platforms, newsroom) = fresh("bad", base);
    let before = newsroom.status()["articles"].clone();
    let empty = newsroom.dir.join("trong.html");
    fs::write(&empty, "<html><body><p></p></body></html>").unwrap();
    for source in
        [empty.display().to_string(), newsroom.dir.join("khong-co.md").display().to_string()]
    {
        let out = newsroom.publish(&source, ALL, None);
        assert_eq!(out.status.code(), Some(1), "{}", said(&out));
        assert!(String::from_utf8_lossy(&out.stderr).contains("loa: "), "{}", said(&out));
    }
    let nobody = newsroom.publish(&article(), "facebook:khac", None);
    assert!(said(&nobody).contains("has no account"), "{}", said(&nobody));
    assert_eq!(newsroom.status()["articles"], before);
    let usage = newsroom.command(&["publish"]).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    let apart = newsroom.command(&["serve"]).output().unwrap();
    assert_eq!(apart.status.code(), Some(2));
}

#[test]
fn every_kind_of_source_is_read_the_same() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut titles = Vec::new();
    for source in
        ["assets/demo/article.html", "tests/articles/article.json", "tests/articles/article.md"]
    {
        let out =
            Command::new(LOA).arg("ingest").arg(root.join(source)).arg("--json").output().unwrap();
        assert!(out.status.success(), "{source}: {}", said(&out));
        let value: Value = serde_json::from_slice(&out.stdout).unwrap();
        titles.push(value["article"]["blocks"][0]["text"].as_str().unwrap().to_owned());
    }
    assert!(titles.windows(2).all(|pair| pair[0] == pair[1]), "{titles:?}");
    // An address inside the office network is not read.
    let inside = Command::new(LOA)
        .args(["ingest", "http://169.254.169.254/latest", "--json"])
        .output()
        .unwrap();
    assert_eq!(inside.status.code(), Some(1));
}
