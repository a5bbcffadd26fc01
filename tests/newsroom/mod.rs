//! The real binary against the stand-in platforms: a sandbox in a process of its own, and a newsroom that publishes to it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::RecvTimeoutError,
    },
    time::Duration,
};

use serde_json::{Value, json};

pub const LOA: &str = env!("CARGO_BIN_EXE_loa");
/// Publishing takes seconds; beside encoders on two cores, a minute.
const LONGEST: Duration = Duration::from_mins(4);

/// A sandbox of four platforms in a process of its own, whose virtual clock is kept moving.
pub struct Platforms {
    child: Child,
    pub first_line: Value,
    stop: Arc<AtomicBool>,
    ticking: Option<std::thread::JoinHandle<()>>,
}

impl Platforms {
    pub fn start(dir: &Path, port_base: u16) -> Self {
        Self::still(dir, port_base, 2).ticking()
    }

    /// With so many accounts each, on a clock that only moves when it is told to.
    pub fn still(dir: &Path, port_base: u16, accounts: usize) -> Self {
        let mut child = Command::new(LOA)
            .args(["sandbox", "--virtual-clock", "--seed", "7", "--dir"])
            .arg(dir)
            .args(["--port-base", &port_base.to_string(), "--accounts", &accounts.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(child.stdout.take().unwrap()),
            &mut line,
        )
        .unwrap();
        let first_line: Value = serde_json::from_str(&line).expect("the first line is JSON");
        Self { child, first_line, stop: Arc::new(AtomicBool::new(false)), ticking: None }
    }

    /// Waits of platforms and of pacing pass on the virtual clock, not on ours.
    fn ticking(mut self) -> Self {
        let control = self.first_line["control"].as_str().unwrap().to_owned();
        let stopped = Arc::clone(&self.stop);
        self.ticking = Some(std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                call("POST", &format!("{control}/control/clock/advance"), &json!({ "ms": 1000 }))
                    .ok();
                pause(Duration::from_millis(60));
            }
        }));
        self
    }

    /// Moves the clock.
    pub fn advance(&self, ms: u64) {
        self.control("POST", "/control/clock/advance", &json!({ "ms": ms }));
    }

    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let base = self.first_line["control"].as_str().unwrap();
        serde_json::from_str(&call(method, &format!("{base}{path}"), body).unwrap())
            .unwrap_or_default()
    }

    /// Posts the audience sees with this marker.
    pub fn live(&self, channel: &str, marker: &str) -> u64 {
        let count = self.control(
            "GET",
            &format!("/control/{channel}/creates?marker={marker}"),
            &Value::Null,
        );
        count["live"].as_u64().unwrap()
    }

    pub fn fault(&self, rule: &Value) {
        self.control("POST", "/control/faults", rule);
    }
}

impl Drop for Platforms {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(ticking) = self.ticking.take() {
            ticking.join().ok();
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test waits for other processes in real time, bounded"
)]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A small HTTP client: the tests speak to loopback only.
pub fn call(method: &str, url: &str, body: &Value) -> std::io::Result<String> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    send(method, url, "content-type: application/json", &text)
}

/// One request with this header beside those that each has.
pub fn send(method: &str, url: &str, header: &str, text: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = std::net::TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{header}\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        // One chunk is all these answers have.
        let body = body.split_once("\r\n").map_or(body, |(_, rest)| rest);
        return Ok(body.split("\r\n0\r\n").next().unwrap_or(body).to_owned());
    }
    Ok(body.to_owned())
}

/// Neighbouring free ports for one newsroom at a time, until this process ends: nobody else is told of them while they are not
/// bound, for a listener next to them is.
pub fn ports() -> u16 {
    static TOLD: AtomicU32 = AtomicU32::new(0);
    static HELD: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    // Below the range from which the system takes ports of outgoing connections.
    let start = std::process::id() % 400;
    loop {
        let told = TOLD.fetch_add(1, Ordering::Relaxed);
        assert!(told < 400, "no free ports");
        let base = 20_000 + ((start + told) % 400) as u16 * 30;
        let Ok(next_to_them) = TcpListener::bind(("127.0.0.1", base + 6)) else { continue };
        let all: Result<Vec<_>, _> =
            (0..6).map(|n| TcpListener::bind(("127.0.0.1", base + n))).collect();
        if all.is_ok() {
            HELD.lock().unwrap().push(next_to_them);
            return base;
        }
    }
}

/// A folder with settings that point at a sandbox, two people and the secrets of its accounts.
pub struct Newsroom {
    pub dir: PathBuf,
}

impl Newsroom {
    pub fn new(dir: &Path, base: u16, first_line: &Value, more: &str) -> Self {
        Self::with_accounts(1, dir, base, first_line, &format!("{QUICK}{more}"))
    }

    /// With so many accounts of each channel: `<channel>:thu`, `<channel>:thu-2` and so on.
    pub fn with_accounts(
        accounts: usize,
        dir: &Path,
        base: u16,
        first_line: &Value,
        more: &str,
    ) -> Self {
        fs::create_dir_all(dir).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let web = format!("http://127.0.0.1:{}", base + 5);
        let mut settings = format!(
            "data = {:?}\nvirtual_clock = {:?}\nallow_loopback = true\ndemo = true\n\n[web]\nlisten = \"127.0.0.1:{}\"\npublic_url = {web:?}\n\n\
             [[agencies]]\nname = \"thu\"\ntitle = \"Cổng thử\"\nbrand = \"demo\"\nzone = \"Asia/Ho_Chi_Minh\"\n{more}\n",
            dir.join("data"),
            dir.join("sandbox/clock.json"),
            base + 5,
        );
        let at = |channel: &str, key: &str| text(&first_line[channel][key]);
        settings += &format!(
            "\n[channels.facebook]\ngraph = {0:?}\ngraph_video = {0:?}\nrupload = {0:?}\noauth = {0:?}\n[channels.viber]\nbase = {1:?}\n\
             [channels.youtube]\napi_base = {2:?}\nupload_base = {2:?}\noauth_base = {2:?}\nwatch_base = {2:?}\n\
             [channels.zalo]\napi_base = {3:?}\noauth_base = {4:?}\narticle_page = {5:?}\n",
            at("facebook", "graph"),
            format!("{}/pa/", at("viber", "api")),
            at("youtube", "api"),
            at("zalo", "api"),
            at("zalo", "oauth"),
            format!("{}/d", at("zalo", "api")),
        );
        let all = CHANNELS.iter().flat_map(|channel| (0..accounts).map(move |n| (*channel, n)));
        for (channel, number) in all {
            let account = &first_line[channel]["accounts"][number];
            let own_name = account_name(channel, number);
            let one = |name: &str| text(&account[name]);
            let (secret, own) = match channel {
                "facebook" => (vec![("page_token", one("token"))], vec![]),
                "viber" => (
                    vec![("auth_token", one("token"))],
                    vec![("from", one("from")), ("webhook_url", format!("{web}/hook/{own_name}"))],
                ),
                "youtube" => (
                    vec![
                        ("access_token", one("token")),
                        ("refresh_token", one("refresh_token")),
                        ("client_secret", text(&first_line[channel]["client"]["secret"])),
                    ],
                    vec![("client_id", text(&first_line[channel]["client"]["id"]))],
                ),
                _ => (
                    vec![
                        ("access_token", one("access_token")),
                        ("refresh_token", one("refresh_token")),
                        ("app_secret", text(&first_line[channel]["app"]["secret"])),
                    ],
                    vec![("app_id", text(&first_line[channel]["app"]["id"]))],
                ),
            };
            let lines = |pairs: &[(&str, String)]| {
                pairs.iter().map(|(k, v)| format!("{k} = {v:?}\n")).collect::<String>()
            };
            let file = dir.join(format!("{channel}-{number}.secret"));
            fs::write(&file, lines(&secret)).unwrap();
            settings += &format!(
                "\n[[accounts]]\nname = \"{own_name}\"\nagency = \"thu\"\ntitle = \"Trang thử\"\nremote_id = {:?}\nsecret_file = {file:?}\n[accounts.settings]\n{}",
                one("id"),
                lines(&own),
            );
        }
        fs::write(dir.join("loa.toml"), settings).unwrap();
        Self { dir: dir.to_owned() }
    }

    /// Other settings over the same folder.
    pub fn settle(&mut self, platforms: &Platforms, base: u16, more: &str) {
        *self = Self::new(&self.dir, base, &platforms.first_line, more);
    }

    pub fn people(&self) {
        for (login, name, roles) in
            [("lan", "Nguyễn Thị Lan", "author,editor"), ("minh", "Trần Đức Minh", "approver")]
        {
            let mut child = self
                .command(&["user", login, "--name", name, "--agency", "thu", "--roles", roles])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"mot mat khau dai\n")
                .unwrap();
            assert!(child.wait().unwrap().success());
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LOA);
        command.arg("--config").arg(self.dir.join("loa.toml")).args(arguments);
        command
    }

    fn publishing(&self, source: &str, to: &str) -> Command {
        self.command(&[
            "publish",
            source,
            "--to",
            to,
            "--as",
            "lan",
            "--approve-as",
            "minh",
            "--wait",
            "--json",
        ])
    }

    /// The whole flow on its way.
    pub fn start(&self, source: &str, to: &str) -> Child {
        let mut command = self.publishing(source, to);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn publish(&self, source: &str, to: &str, abort_after: Option<u64>) -> Output {
        let mut command = self.publishing(source, to);
        if let Some(seq) = abort_after {
            command.env("LOA_ABORT_AFTER_SEQ", seq.to_string());
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        self.ended(child)
    }

    /// What a child said in the end. One that takes far too long is ended, and the newsroom tells how far it came.
    fn ended(&self, child: Child) -> Output {
        let pid = child.id();
        let (over, is_over) = std::sync::mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            let slow = is_over.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout);
            if slow {
                Command::new("kill").arg(pid.to_string()).status().ok();
            }
            slow
        });
        let out = child.wait_with_output().unwrap();
        drop(over);
        assert!(!guard.join().unwrap(), "it hung: {}\n{:#}", said(&out), self.status());
        out
    }

    pub fn status(&self) -> Value {
        let out = self.command(&["status", "--json"]).output().unwrap();
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(&out)))
    }

    pub fn verify(&self) {
        let out = self.command(&["verify", "--json"]).output().unwrap();
        assert!(
            out.status.success(),
            "{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
}

/// Name of an account by its place among the sandbox's accounts.
pub fn account_name(channel: &str, number: usize) -> String {
    match number {
        0 => format!("{channel}:thu"),
        n => format!("{channel}:thu-{}", n + 1),
    }
}

pub const CHANNELS: [&str; 4] = ["facebook", "viber", "youtube", "zalo"];
pub const ALL: &str = "facebook:thu,viber:thu,youtube:thu,zalo:thu";
/// Accounts whose posts need no clip.
pub const SHORT: &str = "facebook:thu,viber:thu,zalo:thu";

/// Settings under which drawing takes moments: one card, no clip.
const ONE_CARD: &str = r#"
[pipeline]
variants = ["infographic"]
[[profiles.facebook]]
format = "photo"
after_minutes = 0
media = [{ from = "variant", role = "photo", kind = "infographic", renditions = ["portrait"], required = true }]
"#;

/// What is drawn once for all, and one post on Viber: a long clip and a second post would double the time of every sweep.
const USUAL: &str = r#"
[pipeline]
variants = ["infographic", "carousel", "short_clip", "low_band"]
[[profiles.viber]]
format = "photo"
after_minutes = 0
media = [{ from = "variant", role = "photo", kind = "infographic", renditions = ["portrait"], required = true }]
"#;

/// Unclear outcomes are looked up soon: these stand-ins show at once what they have.
const QUICK: &str = "[delivery]\nquarantine_s = 20\nread_back_apart_s = 5\nread_back_again_s = 5\n";

/// A short article of one folder.
pub fn brief_one(dir: &Path) -> String {
    let path = dir.join("ngan.md");
    let text = "---\nurl: https://minhhoa.example/cap-the-can-cuoc-luu-dong.htm\n\
        publisher: Cổng Thông tin điện tử Minh Họa\nlang: vi\nsection: Đời sống\n\
        published_at: 2026-11-20T08:00:00+07:00\n---\n\n\
        # Cấp thẻ căn cước lưu động tại 12 xã vùng cao\n\n\
        > Công an tỉnh Minh Họa cấp thẻ căn cước lưu động tại 12 xã vùng cao từ ngày 01/12/2026.\n\n\
        Người dân không phải trả lệ phí cấp lần đầu. Mỗi xã có một điểm tiếp nhận mở cửa cả thứ bảy.\n\n\
        Dự kiến khoảng 8.400 người được cấp thẻ trong đợt này.\n";
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

pub fn article() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/article.html").display().to_string()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

pub fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

pub fn posts(out: &Output) -> Vec<Value> {
    let value: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(out)));
    value["posts"].as_array().unwrap().clone()
}

/// Each post of the run is seen exactly once by the audience; where nothing can be read back a person may have to look.
pub fn once_each(platforms: &Platforms, out: &Output, to: &str, about: &str) {
    let posts = posts(out);
    assert!(posts.len() >= to.split(',').count(), "{about}: {}", said(out));
    for post in posts {
        let account = post["account"].as_str().unwrap();
        // The drawn folder holds a post that nobody approved.
        if !to.split(',').any(|name| name == account) {
            continue;
        }
        let channel = account.split(':').next().unwrap();
        let live = platforms.live(channel, post["marker"].as_str().unwrap());
        if post["state"] == "uncertain" && channel == "viber" {
            assert!(live <= 1, "{about}: {account} is live {live} times");
        } else {
            assert_eq!(post["state"], "published", "{about}: {post}");
            assert_eq!(live, 1, "{about}: {account} is live {live} times");
        }
    }
}

/// A data folder with the article read and drawn, made once for all tests and processes of one build: drawing takes most
/// of the time.
pub fn drawn() -> PathBuf {
    let all = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let built = fs::metadata(LOA).unwrap().modified().unwrap();
    let age = built.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let dir = all.join(format!("drawn-{age}"));
    let lock = fs::File::create(all.join("drawn.lock")).unwrap();
    lock.lock().unwrap();
    if dir.join("done").exists() {
        return dir;
    }
    fs::remove_dir_all(&dir).ok();
    let base = ports();
    // A clock that stands: else all that the drawing takes, fifteen times over on a busy machine, is ahead of every copy, and
    // its post is due only then.
    let platforms = Platforms::still(&dir.join("sandbox"), base, 2);
    let newsroom = Newsroom::new(&dir, base, &platforms.first_line, USUAL);
    newsroom.people();
    // Without an approver the posts wait: nothing is sent.
    let arguments = ["publish", &article(), "--to", "viber:thu", "--as", "lan", "--json"];
    let out = newsroom.command(&arguments).output().unwrap();
    assert!(out.status.success(), "{}", said(&out));
    fs::write(dir.join("done"), "").unwrap();
    dir
}

/// A newsroom that has its people and nothing else; one card is all it draws.
pub fn empty(name: &str, base: u16, more: &str) -> (Platforms, Newsroom) {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::remove_dir_all(&dir).ok();
    let platforms = Platforms::start(&dir.join("sandbox"), base);
    let newsroom = Newsroom::new(&dir, base, &platforms.first_line, &format!("{ONE_CARD}{more}"));
    newsroom.people();
    (platforms, newsroom)
}

/// A newsroom over a copy of the drawn folder, with a fresh sandbox of the same addresses.
pub fn fresh(name: &str, base: u16) -> (Platforms, Newsroom) {
    let dir =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::remove_dir_all(&dir).ok();
    copy(&drawn().join("data"), &dir.join("data"));
    let platforms = Platforms::start(&dir.join("sandbox"), base);
    let newsroom = Newsroom::new(&dir, base, &platforms.first_line, USUAL);
    (platforms, newsroom)
}
