//! The first start, through the real binary: a code in the terminal, an administrator, and an account of every channel that is
//! connected over the interface of the pages and answers for itself.
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
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use newsroom::{LOA, Newsroom, Platforms, ports};
use serde_json::{Value, json};

/// A process that ends with its test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts Loa and reads the set-up code off its terminal; nothing when it says its address and no code.
fn start(newsroom: &Newsroom) -> (Server, Option<String>) {
    let mut command = newsroom.command(&["all"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut server = Server(child);
    let mut lines = BufReader::new(server.0.stderr.take().unwrap()).lines();
    let (mut seen, mut code) = (String::new(), None);
    // The code stands before the address.
    while !seen.contains("loa: http") {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {seen}")).unwrap();
        let word = line.trim();
        let grouped = word.len() == 34 && word.split('-').all(|group| group.len() == 4);
        code = code.or_else(|| grouped.then(|| word.to_owned()));
        seen += &line;
    }
    // Whoever writes to a closed terminal must not stop: it is read to its end.
    std::thread::spawn(move || lines.for_each(drop));
    (server, code)
}

/// One request: status, the session that begins with it if any, and the body.
fn ask(base: &str, method: &str, path: &str, cookie: &str, body: &Value) -> (u16, String, Value) {
    let host = base.strip_prefix("http://").unwrap();
    let text = body.to_string();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncookie: {cookie}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let session = head.lines().find_map(|line| line.strip_prefix("set-cookie: loa="));
    let session = session.map(|rest| format!("loa={}", rest.split(';').next().unwrap()));
    (status, session.unwrap_or_default(), serde_json::from_str(body).unwrap_or_default())
}

/// Whether any file below a folder holds this text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        // A socket is no file that can be read.
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn an_empty_folder_is_set_up_with_the_code_of_the_terminal_and_connects_every_channel() {
    let dir = tempfile::tempdir().unwrap();
    let base = ports();
    let platforms = Platforms::start(&dir.path().join("sandbox"), base);
    let newsroom = Newsroom::with_accounts(0, dir.path(), base, &platforms.first_line, "");
    assert!(Path::new(LOA).exists());
    let (server, code) = start(&newsroom);
    let code = code.expect("nobody is there: a code is told");
    let web = format!("http://127.0.0.1:{}", base + 5);
    let setup = json!({
        "code": code,
        "agency": { "title": "Cổng Mới" },
        "person": { "name": "Quản", "login": "quan", "password": "một câu dài dễ nhớ", "roles": ["author"] },
    });
    let mut wrong = setup.clone();
    wrong["code"] = "sai".into();
    assert_eq!(ask(&web, "POST", "/api/v1/setup", "", &wrong).0, 422);
    let (status, cookie, told) = ask(&web, "POST", "/api/v1/setup", "", &setup);
    assert_eq!((status, &told["agency"]), (201, &json!("cong-moi")), "{told}");
    assert_eq!(ask(&web, "POST", "/api/v1/setup", "", &setup).0, 404, "it is done once");

    let at = &platforms.first_line;
    let of = |channel: &str| &at[channel]["accounts"][0];
    let accounts = [
        ("facebook", json!({}), json!({ "page_token": of("facebook")["token"] })),
        (
            "viber",
            json!({ "from": of("viber")["from"] }),
            json!({ "auth_token": of("viber")["token"] }),
        ),
        (
            "youtube",
            json!({ "client_id": at["youtube"]["client"]["id"] }),
            json!({ "refresh_token": of("youtube")["refresh_token"], "client_secret": at["youtube"]["client"]["secret"] }),
        ),
        (
            "zalo",
            json!({ "app_id": at["zalo"]["app"]["id"] }),
            json!({ "refresh_token": of("zalo")["refresh_token"], "app_secret": at["zalo"]["app"]["secret"] }),
        ),
    ];
    for (channel, settings, secrets) in accounts {
        let new = json!({
            "channel": channel, "remote_id": of(channel)["id"], "settings": settings, "secrets": secrets,
        });
        let (status, _, told) = ask(&web, "POST", "/api/v1/accounts", &cookie, &new);
        assert_eq!((status, &told["test"]["works"]), (201, &json!(true)), "{channel}: {told}");
        assert_eq!(told["status"], "active", "{channel}");
        for secret in secrets.as_object().unwrap().values() {
            let secret = secret.as_str().unwrap();
            assert!(!holds(&newsroom.dir.join("data"), secret), "{channel} left a secret in clear");
        }
    }
    // A token that the platform does not know: the account waits, and says why.
    let new = json!({
        "channel": "facebook", "name": "sai", "remote_id": of("facebook")["id"], "secrets": { "page_token": "khong-co" },
    });
    let (status, _, told) = ask(&web, "POST", "/api/v1/accounts", &cookie, &new);
    assert_eq!((status, &told["test"]["works"]), (201, &json!(false)), "{told}");
    assert_eq!((&told["status"], &told["test"]["kind"]), (&json!("unconnected"), &json!("auth")));
    let (_, _, steps) = ask(&web, "GET", "/api/v1/start", &cookie, &Value::Null);
    assert_eq!(steps["steps"][0]["done"], true, "{steps}");
    let (_, _, listed) = ask(&web, "GET", "/api/v1/accounts", &cookie, &Value::Null);
    let renewed = listed["items"].as_array().unwrap();
    let oa = renewed.iter().find(|account| account["name"] == "zalo:cong-moi").unwrap();
    assert!(oa["credentials"]["ends_at"].is_string(), "{oa}");

    drop(server);
    let (_server, code) = start(&newsroom);
    assert_eq!(code, None, "somebody is there: no start tells a code any more");
    assert_eq!(ask(&web, "POST", "/api/v1/setup", "", &setup).0, 404);
}
