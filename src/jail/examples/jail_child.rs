//! A child that does what its request says: for the tests of this crate.

use std::{
    hint::black_box,
    io::{stdin, stdout},
    net::TcpListener,
    process::ExitCode,
    thread::park,
};

use loa_model::Progress;
use serde_json::{Value, json};

fn main() -> ExitCode {
    loa_jail::serve(stdin().lock(), stdout(), |request: Value, reporter| {
        let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("do") {
            "echo" => {
                for done in 1..=3 {
                    let step = "render.clip".to_owned();
                    reporter.progress(Progress { step, done, total: 3, eta_ms: None })?;
                }
                Ok(request)
            }
            "environment" => {
                Ok(json!(std::env::vars().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()))
            }
            "hang" => {
                let (step, done) = ("render.clip".to_owned(), u64::from(std::process::id()));
                reporter.progress(Progress { step, done, total: 0, eta_ms: None })?;
                loop {
                    park();
                }
            }
            "spin" => loop {
                black_box(0);
            },
            "grow" => {
                let mut held: Vec<Vec<u8>> = Vec::new();
                loop {
                    held.push(vec![1; 16 << 20]);
                    black_box(&held);
                }
            }
            "socket" => match TcpListener::bind("127.0.0.1:0") {
                Ok(_) => Ok(json!("open")),
                Err(error) => Ok(json!(error.kind().to_string())),
            },
            "exec" => match std::process::Command::new("/bin/true").status() {
                Ok(_) => Ok(json!("ran")),
                Err(error) => Ok(json!(error.kind().to_string())),
            },
            "write" => {
                let bytes = request.get("bytes").and_then(Value::as_u64).unwrap_or(1);
                let content = vec![7; usize::try_from(bytes).expect("64 bit")];
                std::fs::write(text("path"), content)
                    .map(|()| json!("written"))
                    .map_err(|error| error.kind().to_string())
            }
            "read" => std::fs::read_to_string(text("path"))
                .map(Value::from)
                .map_err(|error| error.kind().to_string()),
            "die" => panic!("lời cuối: ẫ ễ ộ ữ ặ"),
            "garbage" => {
                use std::io::Write as _;
                stdout().write_all(b"not json\n").map_err(|error| error.to_string())?;
                loop {
                    park();
                }
            }
            other => Err(format!("không hiểu: {other}")),
        }
    })
}
