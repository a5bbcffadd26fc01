//! `loa report` through the real binary: every format to a file or to standard output, asked of the process that owns the
//! folder or of the folder itself.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::unnecessary_debug_formatting,
    reason = "settings are written as TOML text, quoted by Debug"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountStatus, Actor, ArticleId, Clock, Delivery, DeliveryId, DeliveryState, Digest,
    Link, Metric, Post, PostContent, PostFormat, PostId, PostState, Priority, Receipt, Sample,
    SampleId, UserId, Value, seams::BoxFuture,
};
use loa_store::{Changes, Options, SledStore, Store as _};
use serde_json::json;
use uuid::Uuid;

const LOA: &str = env!("CARGO_BIN_EXE_loa");

/// A time long before any machine that runs this.
fn published() -> Timestamp {
    "2024-11-22T02:00:00Z".parse().unwrap()
}

#[derive(Debug)]
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        published()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

/// A data folder of one agency with live and measured posts, and its settings.
struct Newsroom {
    dir: tempfile::TempDir,
}

/// Account, format, title, and the numbers of the last sample; a number that is not there was not given.
type Told = (&'static str, PostFormat, &'static str, &'static [(Metric, &'static str, u64)]);

const TOLD: [Told; 4] = [
    (
        "facebook:thu",
        PostFormat::Photo,
        "Xóa nhà tạm, nhà dột nát trước Tết Nguyên đán",
        &[
            (Metric::Views, "post_media_view", 12_480),
            (Metric::Reach, "post_total_media_view_unique", 9_310),
            (Metric::Comments, "comments", 0),
        ],
    ),
    (
        "facebook:thu",
        PostFormat::ShortVideo,
        "=HYPERLINK(\"http://example.org\")",
        &[
            (Metric::Views, "post_media_view", 30_007),
            (Metric::Reach, "post_total_media_view_unique", 21_000),
        ],
    ),
    (
        "zalo:thu",
        PostFormat::Article,
        "Nghị quyết về đường sắt",
        &[(Metric::Views, "total_view", 4_096)],
    ),
    ("viber:thu", PostFormat::Photo, "Đường sắt Lào Cai – Hà Nội – Hải Phòng", &[]),
];

impl Newsroom {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let store = SledStore::open(&data, Arc::new(Then), Options::default()).unwrap();
        store.commit(accounts()).await.unwrap();
        for (n, told) in (1..).zip(TOLD) {
            store.commit(live(n, told)).await.unwrap();
        }
        drop(store);
        let settings = format!(
            "data = {data:?}\n[web]\nlisten = \"127.0.0.1:0\"\n[[agencies]]\nname = \"thu\"\ntitle = \"Cổng thử\"\nbrand = \"demo\"\nzone = \"Asia/Ho_Chi_Minh\"\n"
        );
        fs::write(dir.path().join("loa.toml"), settings).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LOA);
        command.arg("--config").arg(self.path("loa.toml")).args(arguments);
        command
    }

    fn report(&self, more: &[&str]) -> Output {
        let period = ["report", "reach", "--from", "2024-11-22", "--to", "2024-11-23"];
        self.command(&[&period, more].concat()).output().unwrap()
    }

    /// A process that owns the folder.
    fn owner(&self) -> Owner {
        let child =
            self.command(&["all"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let owner = Owner(child);
        for _ in 0..600 {
            if self.path("data/loa.sock").exists() {
                return owner;
            }
            pause();
        }
        panic!("the process never served its socket");
    }
}

struct Owner(Child);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test waits for another process in real time, bounded"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// The accounts of the posts.
fn accounts() -> Changes {
    let names = ["facebook:thu", "zalo:thu", "viber:thu"];
    names.iter().fold(Changes::by(Actor::Operator("test".into()), "add accounts"), |all, name| {
        all.insert(&Account {
            name: name.parse().unwrap(),
            agency: "thu".into(),
            title: "Cổng thử".into(),
            remote_id: "1".into(),
            settings: BTreeMap::new(),
            status: AccountStatus::Active,
        })
    })
}

fn live(n: u128, (account, format, title, numbers): Told) -> Changes {
    let (id, at) = (Uuid::from_u128(n), published());
    let post = Post {
        id: PostId(id),
        agency: "thu".into(),
        article: ArticleId(Uuid::from_u128(9)),
        revision: 1,
        account: account.parse().unwrap(),
        content: PostContent {
            format,
            lang: "vi".into(),
            title: title.into(),
            author: String::new(),
            text: title.into(),
            body: vec![],
            media: vec![],
            link: Link { code: format!("k{n}"), url: String::new(), target: String::new() },
            tags: vec![],
        },
        state: PostState::Approved,
        scheduled_at: at,
        zone: "Asia/Ho_Chi_Minh".into(),
        timing: loa_model::Timing::Soon,
        priority: Priority::Normal,
        author: UserId(id),
        editors: vec![],
        rewritten: vec![],
        approval: None,
        reason: String::new(),
        created_at: at,
    };
    let delivery = Delivery {
        digest: Digest::of(b"x"),
        state: DeliveryState::Published,
        attempt: 1,
        fence: 1,
        receipt: Some(Receipt {
            remote_id: format!("r{n}"),
            url: String::new(),
            raw: serde_json::Value::Null,
            at,
        }),
        ..Delivery::planned(DeliveryId(id), &post, (at, at), at)
    };
    let value = |(metric, source_name, value): &(Metric, &str, u64)| Value {
        metric: *metric,
        source_name: (*source_name).into(),
        definition: "2024-11".into(),
        value: *value,
    };
    let sample = Sample {
        id: SampleId(id),
        agency: post.agency.clone(),
        post: post.id,
        article: post.article,
        account: post.account.clone(),
        step: 0,
        taken_at: at + SignedDuration::from_hours(3),
        values: numbers.iter().map(value).collect(),
        raw: serde_json::Value::Null,
    };
    let actor = Actor::Operator("test".into());
    let changes = Changes::by(actor, "publish").insert(&post).insert(&delivery);
    if numbers.is_empty() { changes } else { changes.insert(&sample) }
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[tokio::test]
async fn every_format_is_the_same_to_a_file_to_a_pipe_and_over_the_socket() {
    let newsroom = Newsroom::new().await;
    let owner = newsroom.owner();
    let over_socket = ["json", "csv", "xlsx", "parquet"].map(|format| {
        let out = newsroom.report(&["--by", "channel,post", "--format", format]);
        assert!(out.status.success(), "{format}: {}", said(&out));
        (format, out.stdout)
    });
    drop(owner);
    for (format, bytes) in &over_socket {
        let file = newsroom.path("report");
        let arguments = ["--by", "channel,post", "--format", format, "--out"];
        let out = newsroom.report(&[&arguments[..], &[file.to_str().unwrap()]].concat());
        assert!(out.status.success(), "{format}: {}", said(&out));
        assert!(out.stdout.is_empty(), "{format}: the report goes to the file only");
        assert!(fs::read(&file).unwrap() == *bytes, "{format}: other bytes without the socket");
    }
    let [(_, value), (_, csv), (_, xlsx), (_, parquet)] = over_socket;
    let value: serde_json::Value = serde_json::from_slice(&value).unwrap();
    assert_eq!(value["agencies"][0]["title"], "Cổng thử");
    let total = &value["reports"][0]["total"];
    assert_eq!((&total["posts"], &total["measured"]), (&json!(4), &json!(3)));
    assert_eq!(total["reach"], json!({ "at_least": 21_000, "at_most": 30_310, "posts": 2 }));
    let csv = String::from_utf8(csv).unwrap();
    // The words of the pages, in one language.
    assert!(csv.starts_with("\u{feff}Chia theo,Cơ quan,Dòng,"), "{csv}");
    assert!(
        csv.contains(
            "Facebook,\"bài ảnh, bài chữ\",post_media_view,2024-11,42487,2,42487,2,,,không,không,"
        ),
        "{csv}"
    );
    assert!(
        csv.contains("Bài đăng,Cổng thử,\"Cổng thử · Facebook · Bài ảnh · 09:00 22/11/2024"),
        "{csv}"
    );
    let english = newsroom.report(&["--by", "channel", "--lang", "en", "--format", "csv"]);
    let english = String::from_utf8(english.stdout).unwrap();
    assert!(english.starts_with("\u{feff}Cut,Agency,Channel,"), "{english}");
    assert!(english.contains(",no,no,") && !english.contains("không"), "{english}");
    assert!(csv.contains("Đường sắt Lào Cai – Hà Nội – Hải Phòng"), "{csv}");
    assert!(xlsx.starts_with(b"PK\x03\x04"));
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[tokio::test]
async fn what_cannot_be_done_says_what_to_do_instead() {
    let newsroom = Newsroom::new().await;
    for (arguments, code, words) in [
        (&["--format", "docx"][..], 2, "hãy chọn json, csv, xlsx, parquet hoặc pdf · choose json"),
        (
            &["--by", "kenh"],
            2,
            "choose channel, account, format, article, post, section, language or agency",
        ),
        (&["--from", "22/11/2024"], 2, "hãy viết ngày như 2026-11-22"),
        (&["--from", "2024-11-24"], 1, "kỳ báo cáo không có ngày nào"),
        (&["--out", "no/such/folder/report"], 1, "không ghi được no/such/folder/report · cannot"),
    ] {
        let mut all = vec!["report", "reach", "--to", "2024-11-23"];
        all.extend(arguments);
        let out = newsroom.command(&all).output().unwrap();
        assert_eq!(out.status.code(), Some(code), "{arguments:?}: {}", said(&out));
        assert!(said(&out).contains(words), "{arguments:?}: {}", said(&out));
        assert!(out.stdout.is_empty());
    }
}

#[test]
fn pages_and_files_say_the_same_of_a_metric() {
    let words = |lang: &str| -> toml::Table {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/web/{lang}.toml"));
        fs::read_to_string(path).unwrap().parse().unwrap()
    };
    let (vi, en) = (words("vi"), words("en"));
    let names = vi["metric"].as_table().unwrap();
    assert_eq!(names.len(), 9);
    for key in names.keys() {
        let own = loa_reach::metric_words(serde_json::from_value(json!(key)).unwrap());
        let page = |table: &toml::Table, of: &str| table[of][key].as_str().unwrap().to_owned();
        assert_eq!(page(&vi, "metric"), own.vi);
        assert_eq!(page(&en, "metric"), own.en);
        assert_eq!(page(&vi, "metric_help"), own.means_vi);
        assert_eq!(page(&en, "metric_help"), own.means_en);
    }
}
