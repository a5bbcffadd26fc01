//! Programs that speak, by small scripts.

use super::*;

fn script(folder: &Path, text: &str) -> serde_json::Value {
    let path = folder.join(format!("voice-{}.sh", Digest::of(text.as_bytes()).short()));
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    json!({"kind": "command", "program": path, "args": ["{lang}"]})
}

#[tokio::test]
async fn a_program_gets_words_and_no_environment() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("a.wav");
    // A stream does not know its length: the header says so, as espeak's does.
    let mut streamed = speech(TEXT);
    streamed.truncate(streamed.len() - 40);
    streamed.splice(40..44, 0x7fff_f000u32.to_le_bytes());
    fs::write(&sound, streamed).unwrap();
    let seen = folder.path().join("seen");
    let text = format!(
        "/bin/cat > {0}; echo \"|$1|$HOME|$PATH_OF_TESTS|$CARGO\" >> {0}; /bin/cat {1}",
        seen.display(),
        sound.display()
    );
    let takes = folder.path().join("takes");
    let take = one(&booth(script(folder.path(), &text), &takes), TEXT).await.unwrap();
    assert_eq!(take.ms, 300 + 80 * spoken(TEXT, Lang::Vi).text().chars().count() as u64);
    assert_eq!(fs::read_to_string(seen).unwrap(), "Có một nghìn hai trăm xã được hỗ trợ.|vi|||\n");
}

#[tokio::test]
async fn programs_that_fail_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("echo the model is missing >&2; exit 3", "exit status: 3", "the model is missing"),
        ("exit 0", "it is no WAV: 0 bytes", ""),
        ("echo sorry", "begin with \"sorry", ""),
        ("/bin/cat /dev/zero", "wrote more than 1048576 bytes", ""),
        ("echo loading >&2; /bin/sleep 30 & /bin/sleep 30", "did not finish within 1 s", "loading"),
        ("exec 1>&-; /bin/sleep 30", "closed its output", ""),
    ];
    for (text, wanted, log) in cases {
        let hasty = Manners { call: Duration::from_secs(1), ..manners() };
        let booth = booth_with(script(folder.path(), text), &folder.path().join("takes"), hasty);
        let start = Instant::now();
        let error = one(&booth, TEXT).await.unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains(log), "{text}: {error}");
        assert!(start.elapsed() < Duration::from_secs(10), "{text}");
    }
    let missing = json!({"kind": "command", "program": "/no/such/voice"});
    let error = one(&booth(missing, folder.path()), TEXT).await.unwrap_err().to_string();
    assert!(error.contains("/no/such/voice") && error.contains("install it"), "{error}");
}

#[tokio::test]
async fn a_program_that_is_stopped_leaves_no_child() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("pid");
    let text = format!("/bin/sleep 57 & echo $! > {}; wait", mark.display());
    stops(&booth(script(folder.path(), &text), folder.path()), 600).await;
    let pid = fs::read_to_string(&mark).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    // Gone, or dead and waiting for init to take it; a machine with much to do takes a moment to end it.
    let mut left = 100;
    while fs::read_to_string(&stat).is_ok_and(|state| !state.contains(") Z ")) {
        left -= 1;
        assert!(left > 0, "{:?}", fs::read_to_string(&stat));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
