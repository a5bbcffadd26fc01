//! The campaign: the real binary posts to every channel for days on the virtual clock, under faults, killed again and again.
//! What counts is what the platforms say their audience saw. `make campaign POSTS=10000` is the long form of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::print_stdout,
    clippy::unnecessary_debug_formatting,
    reason = "counts are small; settings are TOML text, quoted by Debug; the campaign tells its table"
)]

mod newsroom;

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{Clock, Delivery, DeliveryState as State, Post, seams::BoxFuture};
use loa_store::{SledStore, StoreExt as _};
use newsroom::{CHANNELS, LOA, Newsroom, Platforms, account_name, call, pause, ports, said, send};
use serde_json::{Value, json};

/// Posts of each channel when nobody says how many.
const POSTS: usize = 100;
/// A project may insert 100 videos a day, of which a fifth is kept for urgent posts, and some inserts fail.
const MOST_ACCOUNTS: usize = 72;
/// Time of ours that the binary has for a step of the virtual clock. Optimised, it needs less.
const STEP: Duration = Duration::from_millis(if cfg!(debug_assertions) { 40 } else { 12 });
/// Days between two on which somebody takes a grant back by mistake.
const WITHDRAWN_EVERY: usize = 10;
/// The challenge of an empty verifier.
const NO_VERIFIER: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
/// Longest time a day's posts may take to come to rest, on the virtual clock.
const PATIENCE: SignedDuration = SignedDuration::from_hours(12);

/// Drawn of every article is what the posts need, and the measuring of numbers begins after the campaign.
const SETTINGS: &str = r#"
[delivery]
first_measure_s = 4000000000
[pipeline]
variants = ["infographic", "low_band"]
[[profiles.facebook]]
format = "photo"
after_minutes = 0
media = [{ from = "variant", role = "photo", kind = "infographic", renditions = ["portrait"], required = true }]
[[profiles.viber]]
format = "photo"
after_minutes = 0
media = [{ from = "variant", role = "photo", kind = "infographic", renditions = ["portrait"], required = true }]
[[profiles.youtube]]
format = "short_video"
after_minutes = 0
media = [{ from = "variant", role = "video", kind = "low_band", renditions = ["360p"], required = true }]
"#;

/// What goes wrong, per mille of the requests that match. Credentials that only a person can renew are left alone.
fn faults() -> Vec<Value> {
    let rule = |platform: &str, path: &str, per_mille: u32, what: Value| {
        let mut rule = json!({ "platform": platform, "path": path, "per_mille": per_mille, "times": u32::MAX });
        rule.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        rule
    };
    let mut all = Vec::new();
    for (platform, public) in [
        ("facebook", "/v26.0/*/feed"),
        ("zalo", "/v2.0/article/*"),
        ("youtube", "/youtube/v3/videos"),
        ("viber", "/pa/post"),
    ] {
        all.push(rule(platform, public, 30, json!({ "kind": "drop_after_commit" })));
        all.push(rule(
            platform,
            public,
            20,
            json!({ "kind": "error_after_commit", "status": 502 }),
        ));
        all.push(rule(platform, public, 20, json!({ "kind": "drop_before_commit" })));
        all.push(rule(platform, public, 15, json!({ "kind": "throttle", "wait_ms": 60_000 })));
        all.push(rule(platform, public, 20, json!({ "kind": "slow", "virtual_ms": 8_000 })));
        all.push(rule(platform, "*", 5, json!({ "kind": "error_before_commit", "status": 500 })));
        all.push(rule(platform, "*", 50, json!({ "kind": "listing_lag", "ms": 60_000 })));
    }
    // Not at the door where tokens are renewed: refused there, only a person helps.
    for (platform, path) in [("zalo", "/v2.0/article/create"), ("youtube", "/upload/*")] {
        all.push(rule(platform, path, 10, json!({ "kind": "expired_token" })));
    }
    all
}

/// The campaign under way.
struct Campaign {
    platforms: Platforms,
    newsroom: Newsroom,
    accounts: usize,
    web: String,
    server: Option<Child>,
    random: u64,
    kills: u32,
    /// Accounts that a person connected again.
    connected: u32,
}

impl Campaign {
    fn open(accounts: usize) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("campaign-{}", std::process::id()));
        fs::remove_dir_all(&dir).ok();
        let base = ports();
        let platforms = Platforms::still(&dir.join("sandbox"), base, accounts.max(2));
        let newsroom =
            Newsroom::with_accounts(accounts, &dir, base, &platforms.first_line, SETTINGS);
        newsroom.people();
        let web = format!("127.0.0.1:{}", base + 5);
        Self {
            platforms,
            newsroom,
            accounts,
            web,
            server: None,
            random: 0xCA_3A16,
            kills: 0,
            connected: 0,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }

    fn serve(&mut self) {
        let path = self.newsroom.dir.join("loa.log");
        let log = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut command = self.newsroom.command(&["all"]);
        self.server = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        for _ in 0..3_000 {
            if std::net::TcpStream::connect(&self.web).is_ok()
                && self.newsroom.dir.join("data/loa.sock").exists()
            {
                return;
            }
            pause(Duration::from_millis(20));
        }
        panic!("{LOA} all did not come up; its log is in {}", self.newsroom.dir.display());
    }

    /// SIGKILL, as a power button would, and a new start.
    fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
        // The socket of the dead process would look like that of the new one.
        fs::remove_file(self.newsroom.dir.join("data/loa.sock")).unwrap();
        self.kills += 1;
        self.serve();
    }

    fn now(&self) -> Timestamp {
        let clock = self.platforms.control("GET", "/control/clock", &Value::Null);
        clock["now"].as_str().unwrap().parse().unwrap()
    }

    /// Posts one article to every account, due a day later, and sees it through.
    fn day(&mut self, number: usize, posts: usize) {
        let source = self.article(number);
        // No two days share an allowance.
        let due = self.now() + SignedDuration::from_hours(24);
        let names = (0..posts.min(self.accounts))
            .flat_map(|n| CHANNELS.iter().map(move |channel| account_name(channel, n)))
            .collect::<Vec<_>>()
            .join(",");
        let arguments = [
            "publish",
            &source,
            "--to",
            &names,
            "--as",
            "lan",
            "--approve-as",
            "minh",
            "--json",
            "--at",
            &due.to_string(),
        ];
        let out = self.newsroom.command(&arguments).output().unwrap();
        assert!(out.status.success(), "day {number}: {}", said(&out));
        self.advance_to(due);
        if number % WITHDRAWN_EVERY == 1 {
            let whose = &self.platforms.first_line["zalo"]["accounts"]
                [number % posts.min(self.accounts)]["id"];
            let order = json!({ "whose": whose, "action": "revoke" });
            self.platforms.control("POST", "/control/zalo/tokens", &order);
        }
        let late = due + PATIENCE;
        let mut until_kill = 20 + self.below(60);
        let mut before = Value::Null;
        loop {
            let status = self.newsroom.status();
            let counts = &status["deliveries"];
            let of = |states: &[&str]| -> u64 {
                states.iter().map(|state| counts[*state].as_u64().unwrap_or(0)).sum()
            };
            let busy = of(&["leased", "intent", "ready", "scheduled"]);
            self.connect_again(&status);
            let viber = waiting(&status);
            if busy == 0 && of(&["uncertain"]) <= viber {
                return;
            }
            assert!(self.now() < late, "day {number} does not come to rest: {counts}");
            // Where nothing is on the wire and nothing moves only time has to pass.
            let idle = of(&["leased", "intent"]) == 0 && (of(&["ready"]) == 0 || *counts == before);
            before = counts.clone();
            let (steps, step_ms) = if idle { (10, 60_000) } else { (40, 1_000) };
            for _ in 0..steps {
                self.platforms.advance(step_ms);
                pause(STEP);
                until_kill = until_kill.saturating_sub(1);
                if until_kill == 0 {
                    self.kill();
                    until_kill = 100 + self.below(400);
                }
            }
        }
    }

    /// A person on duty signs in anew where the platform refuses the credentials: their grant was taken back, or a kill cut off
    /// the renewal of a token that works once.
    fn connect_again(&mut self, status: &Value) {
        let refused = status["accounts"].as_array().unwrap().iter();
        let refused = refused.filter(|account| account["status"]["status"] == "needs_reauth");
        let names: Vec<_> = refused.map(|a| a["name"].as_str().unwrap().to_owned()).collect();
        for name in names {
            let number = (0..self.accounts).find(|n| account_name("zalo", *n) == name);
            let number = number.unwrap_or_else(|| panic!("{name} needs new credentials"));
            let secret = self.sign_in_to_zalo(number);
            let mut command = self.newsroom.command(&["connect", &name, "--as", "minh", "--json"]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
            let out = child.wait_with_output().unwrap();
            assert!(out.status.success(), "{name}: {}", said(&out));
            self.connected += 1;
        }
    }

    /// Goes through the platform's consent page, and trades its code for tokens.
    fn sign_in_to_zalo(&self, number: usize) -> String {
        let zalo = &self.platforms.first_line["zalo"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (app, secret) = (text(&zalo["app"]["id"]), text(&zalo["app"]["secret"]));
        let (oauth, oa) = (text(&zalo["oauth"]), text(&zalo["accounts"][number]["id"]));
        let page = format!(
            "{oauth}/permission?app_id={app}&redirect_uri=http%3A%2F%2F127.0.0.1%2F&code_challenge={NO_VERIFIER}"
        );
        let page = call("GET", &page, &Value::Null).unwrap();
        let offered = page.split_once(&format!("oa_id={oa}"));
        let (before, _) = offered.unwrap_or_else(|| panic!("{page}"));
        let code = before.rsplit("code=").next().unwrap();
        let code: String = code.chars().take_while(|c| !matches!(c, '&' | '"')).collect();
        let header =
            format!("content-type: application/x-www-form-urlencoded\r\nsecret_key: {secret}");
        let form = format!("grant_type=authorization_code&app_id={app}&code={code}");
        let tokens = send("POST", &format!("{oauth}/access_token"), &header, &form).unwrap();
        let tokens: Value = serde_json::from_str(&tokens).unwrap_or_else(|_| panic!("{tokens}"));
        let (access, refresh) = (&tokens["access_token"], &tokens["refresh_token"]);
        assert!(access.is_string() && refresh.is_string(), "{tokens}");
        format!("access_token = {access}\nrefresh_token = {refresh}\napp_secret = {secret:?}\n")
    }

    fn advance_to(&self, at: Timestamp) {
        let left = at.duration_since(self.now());
        self.platforms.advance(u64::try_from(left.as_millis().max(0)).unwrap());
    }

    fn article(&self, number: usize) -> String {
        let path = self.newsroom.dir.join(format!("ngay-{number}.md"));
        let text = format!(
            "---\nurl: https://minhhoa.example/cap-the-{number}.htm\npublisher: Cổng Thông tin điện tử Minh Họa\n\
             lang: vi\nsection: Đời sống\npublished_at: 2026-11-20T08:00:00+07:00\n---\n\n\
             # Cấp thẻ căn cước lưu động tại {xa} xã vùng cao, đợt {number}\n\n\
             > Công an tỉnh Minh Họa cấp thẻ căn cước lưu động tại {xa} xã vùng cao trong đợt {number}.\n\n\
             Người dân không phải trả lệ phí cấp lần đầu. Mỗi xã có một điểm tiếp nhận mở cửa cả thứ bảy.\n\n\
             Dự kiến khoảng {nguoi} người được cấp thẻ trong đợt này.\n",
            xa = 3 + number % 20,
            nguoi = 400 + number,
        );
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Ends the server politely.
    fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let id = server.id().to_string();
        assert!(std::process::Command::new("kill").arg(&id).status().unwrap().success());
        server.wait().unwrap();
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().ok();
            server.wait().ok();
        }
    }
}

/// Posts of unclear outcome on the channel that cannot be asked: they wait for a person.
fn waiting(status: &Value) -> u64 {
    let all = status["uncertain"].as_array().unwrap();
    let of_viber = |one: &&Value| one["account"].as_str().unwrap().starts_with("viber:");
    all.iter().filter(of_viber).count() as u64
}

/// What the campaign came to.
#[derive(Debug, Default)]
struct Tally {
    posts: u64,
    duplicates: u64,
    lost: u64,
    uncertain: u64,
    resolved: u64,
    waiting: u64,
    unequal: u64,
    attempts: u64,
}

#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// Compares what the ledger says with what each platform's audience saw.
fn tally(
    dir: &Path,
    now: Timestamp,
    shown: &HashMap<String, Vec<Value>>,
) -> BTreeMap<String, Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let clock = Arc::new(Still(now));
    let store = SledStore::open(&dir.join("data"), clock, loa_store::Options::default()).unwrap();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for row in runtime.block_on(store.all::<Delivery>(1_000_000)).unwrap() {
        let d = row.record;
        let post = runtime.block_on(store.read::<Post>(&d.post.to_string())).unwrap();
        let post = post.unwrap().record;
        let tally = tallies.entry(d.account.channel().to_owned()).or_default();
        let none = Vec::new();
        let seen = shown.get(&d.marker).unwrap_or(&none);
        let live: Vec<_> = seen.iter().filter(|post| post["state"] == "visible").collect();
        tally.posts += 1;
        tally.attempts += u64::from(d.attempt);
        tally.duplicates += (live.len() as u64).saturating_sub(1);
        let was_unclear = !d.evidence.is_empty();
        tally.uncertain += u64::from(was_unclear);
        match d.state {
            State::Published => {
                tally.resolved += u64::from(was_unclear);
                tally.lost += u64::from(live.is_empty());
                let equal = live.iter().all(|shown| is_made_of(&post, shown));
                let approved = post.approval.as_ref().map(|approval| approval.digest);
                let signed = approved == Some(d.digest) && post.digest() == d.digest;
                if !equal || !signed {
                    tally.unequal += 1;
                    println!("not as approved: {} {}: {live:?}", d.account, d.marker);
                }
            }
            State::Uncertain if d.account.channel() == "viber" => tally.waiting += 1,
            other => {
                tally.lost += 1;
                println!("lost: {} {} is {other:?}: {}", d.account, d.marker, d.reason);
            }
        }
    }
    tallies
}

/// Whether the audience sees our files byte for byte and our words letter by letter.
fn is_made_of(post: &Post, shown: &Value) -> bool {
    let received: Vec<&str> =
        shown["media"].as_array().unwrap().iter().filter_map(|m| m["sha256"].as_str()).collect();
    let files =
        post.content.media.iter().all(|media| received.contains(&media.blob.to_string().as_str()));
    let extra = shown["extra"].as_array().unwrap().iter().filter_map(Value::as_str);
    let all = extra.fold(shown["text"].as_str().unwrap().to_owned(), |mut all, field| {
        write!(all, "\n{field}").unwrap();
        all
    });
    let words = post.content.text.lines().chain([post.content.title.as_str()]);
    files && words.map(str::trim).all(|line| all.contains(line))
}

/// Posts of a platform by the code of their short link.
fn shown(platforms: &Platforms) -> HashMap<String, Vec<Value>> {
    let mut by_marker: HashMap<String, Vec<Value>> = HashMap::new();
    let base = platforms.first_line["control"].as_str().unwrap();
    for channel in CHANNELS {
        let answer = call("GET", &format!("{base}/control/{channel}/posts"), &Value::Null).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        for post in answer["posts"].as_array().unwrap() {
            let text = post.to_string();
            let code = text.split("/l/").nth(1).unwrap_or_default();
            let code: String = code.chars().take_while(char::is_ascii_alphanumeric).collect();
            by_marker.entry(code).or_default().push(post.clone());
        }
    }
    by_marker
}

#[test]
fn never_twice_never_lost_exactly_what_was_approved() {
    #[expect(clippy::disallowed_methods, reason = "`make campaign` says how many")]
    let posts = std::env::var("POSTS").ok().map_or(POSTS, |text| text.parse().unwrap());
    let accounts = (posts / 2).clamp(1, MOST_ACCOUNTS);
    let mut campaign = Campaign::open(accounts);
    for fault in faults() {
        campaign.platforms.fault(&fault);
    }
    campaign.serve();
    let mut left = posts;
    for number in 1.. {
        let today = left.min(accounts);
        campaign.day(number, today);
        left -= today;
        if posts > POSTS {
            let now = campaign.now();
            println!("day {number}, {now}: {} of {posts} posts a channel", posts - left);
        }
        if left == 0 {
            break;
        }
    }
    let fired = campaign.platforms.control("GET", "/control/faults", &Value::Null);
    let fired: u64 =
        fired["faults"].as_array().unwrap().iter().map(|f| f["fired"].as_u64().unwrap()).sum();
    let now = campaign.now();
    campaign.stop();
    campaign.newsroom.verify();
    let tallies = tally(&campaign.newsroom.dir, now, &shown(&campaign.platforms));
    println!("channel   posts duplicates lost uncertain resolved waiting attempts unequal");
    let mut all = Tally::default();
    for (channel, one) in &tallies {
        println!(
            "{channel:<9} {:>5} {:>10} {:>4} {:>9} {:>8} {:>7} {:>8} {:>7}",
            one.posts,
            one.duplicates,
            one.lost,
            one.uncertain,
            one.resolved,
            one.waiting,
            one.attempts,
            one.unequal
        );
        assert_eq!(one.posts, posts as u64, "{channel} has another number of deliveries");
        all.posts += one.posts;
        all.duplicates += one.duplicates;
        all.lost += one.lost;
        all.uncertain += one.uncertain;
        all.resolved += one.resolved;
        all.waiting += one.waiting;
        all.unequal += one.unequal;
    }
    let published = all.posts - all.lost - all.waiting;
    let equal = 100.0 * (published - all.unequal) as f64 / published as f64;
    println!(
        "killed {} times, {accounts} accounts a channel, {} connected again by a person",
        campaign.kills, campaign.connected
    );
    println!(
        "posts={} channels={} faults={fired} duplicates={} lost={} uncertain={} resolved={} waiting={} bytes_equal={equal:.2}%",
        posts,
        tallies.len(),
        all.duplicates,
        all.lost,
        all.uncertain,
        all.resolved,
        all.waiting
    );
    assert_eq!((all.duplicates, all.lost, all.unequal), (0, 0, 0));
    assert_eq!(all.uncertain, all.resolved + all.waiting, "an unclear outcome went missing");
    assert!(fired > posts as u64 / 10, "only {fired} faults befell the campaign");
    assert!(all.uncertain > 0 && campaign.kills > 0, "nothing was put to the test");
    assert!(campaign.connected > 0, "nobody had to sign in anew");
    fs::remove_dir_all(&campaign.newsroom.dir).ok();
}
