//! A child cannot outlive, outgrow or reach out of its limits.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use loa_jail::{Done, Error, Job, Landlock, Limits, run};
use loa_model::{Cancel, Progress};
use serde_json::{Value, json};

fn job(input: Value) -> Job {
    // Cargo puts examples beside `deps`, where this test runs from.
    let test = std::env::current_exe().expect("a test has a path");
    let target = test.ancestors().nth(2).expect("tests run from target/*/deps");
    let exe: PathBuf = target.join("examples/jail_child");
    assert!(exe.exists(), "{} is built by `cargo test`", exe.display());
    let limits = Limits { memory_bytes: 512 << 20, cpu_s: 20, ..Limits::default() };
    Job { exe, args: vec![], input, limits, wall: Duration::from_secs(20) }
}

async fn done(job: Job) -> Result<Done, Error> {
    run(job, &Cancel::new(), |_| ()).await
}

#[tokio::test]
async fn a_job_comes_back_with_its_progress() {
    let mut heard: Vec<Progress> = Vec::new();
    let input = json!({"do": "echo", "chữ": "nghị quyết ẫ ễ ộ ữ ặ"});
    let out = run(job(input.clone()), &Cancel::new(), |p| heard.push(p)).await.unwrap();
    assert_eq!(out.value, input);
    assert!(out.confinement.seccomp);
    assert_eq!(
        heard.iter().map(|p| (p.done, p.total)).collect::<Vec<_>>(),
        [(1, 3), (2, 3), (3, 3)]
    );
}

#[tokio::test]
async fn the_environment_is_empty_but_for_the_allocator() {
    let out = done(job(json!({"do": "environment"}))).await.unwrap();
    assert_eq!(out.value, json!(["MALLOC_PERTURB_=165"]));
}

#[tokio::test]
async fn a_late_child_is_killed() {
    let wall = Duration::from_millis(300);
    let started = Instant::now();
    let error = done(Job { wall, ..job(json!({"do": "hang"})) }).await.unwrap_err();
    assert!(matches!(error, Error::Late { limit, .. } if limit == wall), "{error}");
    assert!(started.elapsed() >= wall && started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn cancelling_kills_and_reaps_the_child() {
    let cancel = Cancel::new();
    let mut heard = None;
    let hang = job(json!({"do": "hang"}));
    // The child hangs whatever happens, so only the wish can end it.
    let error = run(hang, &cancel, |progress| {
        heard = Some((progress.done, Instant::now()));
        cancel.cancel();
    });
    assert!(matches!(error.await.unwrap_err(), Error::Cancelled));
    let (pid, asked) = heard.expect("it ran");
    assert!(asked.elapsed() < Duration::from_secs(2), "took {:?}", asked.elapsed());
    assert!(!PathBuf::from(format!("/proc/{pid}")).exists(), "still there");
}

#[tokio::test]
async fn memory_is_limited() {
    let error = done(job(json!({"do": "grow"}))).await.unwrap_err();
    let Error::Died { log, .. } = &error else { panic!("{error}") };
    assert!(log.contains("memory allocation"), "{log}");
}

#[tokio::test]
async fn processor_time_is_limited() {
    let mut job = job(json!({"do": "spin"}));
    job.limits.cpu_s = 1;
    let error = done(job).await.unwrap_err();
    assert!(matches!(&error, Error::Died { .. }), "{error}");
}

#[tokio::test]
async fn file_size_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big");
    let mut job = job(json!({"do": "write", "path": path, "bytes": 1 << 20}));
    job.limits.write = vec![dir.path().into()];
    job.limits.file_bytes = 1000;
    let error = done(job).await.unwrap_err();
    assert!(matches!(&error, Error::Died { .. } | Error::Refused { .. }), "{error}");
    assert!(std::fs::metadata(&path).unwrap().len() <= 1000);
}

#[tokio::test]
async fn sockets_and_programs_are_refused() {
    for what in ["socket", "exec"] {
        let out = done(job(json!({"do": what}))).await.unwrap();
        assert_eq!(out.value, json!("permission denied"), "{what}");
    }
}

#[tokio::test]
async fn folders_outside_are_closed() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, other) = (dir.path().join("mine"), dir.path().join("other"));
    for folder in [&mine, &other] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("secret"), "bí mật").unwrap();
    }
    let ask = |what: &str, folder: &PathBuf, file: &str| {
        let mut job = job(json!({"do": what, "path": folder.join(file)}));
        job.limits.write = vec![mine.clone()];
        job
    };
    assert_eq!(done(ask("read", &mine, "secret")).await.unwrap().value, json!("bí mật"));
    let inside = done(ask("write", &mine, "new")).await.unwrap();
    if inside.confinement.landlock == Landlock::Absent {
        println!("SKIPPED: this kernel has no landlock, folders cannot be closed here");
        return;
    }
    for what in ["read", "write"] {
        let error = done(ask(what, &other, "secret")).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{what}: {error}");
    }
}

#[tokio::test]
async fn last_words_and_reasons_are_kept() {
    let died = done(job(json!({"do": "die"}))).await.unwrap_err();
    assert!(
        matches!(died, Error::Died { .. }) && died.log().contains("lời cuối: ẫ ễ ộ ữ ặ"),
        "{died}"
    );
    let refused = done(job(json!({"do": "bay"}))).await.unwrap_err();
    assert!(matches!(&refused, Error::Refused { message, .. } if message == "không hiểu: bay"));
    let garbage = done(job(json!({"do": "garbage"}))).await.unwrap_err();
    assert!(matches!(garbage, Error::Protocol { .. }), "{garbage}");
    let missing = done(Job { exe: "/nowhere/loa".into(), ..job(json!(0)) }).await.unwrap_err();
    assert!(matches!(missing, Error::Start { .. }));
}
