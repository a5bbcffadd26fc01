//! How long pages take over a full store: 100,000 posts of 25,000 articles, a month of 2,000, and 1,000,000 samples, asked by eight
//! browsers at once over loopback. `cargo run --release -p loa-web --example bench_web` prints rows for `make bench`, and on
//! stderr what each address took.
//!
//! A row is the p95 of its slowest address; its spread is the range of the rounds. For a quick look, a first word
//! measures only the rows that have it in their name, and a second one says how many posts: `web 2000`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    io::{self, Write as _},
    sync::Arc,
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountStatus, Article, ArticleId, Delivery, DeliveryState, Digest, Metric, Post,
    PostFormat, PostState, Receipt, Sample, Value,
};
use loa_store::{Changes, Options, SledStore, Store};
use loa_web::Session;
use serde_json::json;
use support::{World, records};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const POSTS: i64 = 100_000;
/// Posts of a month of thirty days, evenly: one every 21 minutes and 36 seconds.
const APART: SignedDuration = SignedDuration::from_secs(30 * 86_400 / 2_000);
const POSTS_AN_ARTICLE: i64 = 4;
const CLIENTS: usize = 8;
/// How often each browser asks for each address in a round.
const TIMES: usize = 8;
const ROUNDS: usize = 3;
const TOKEN: &str = "token";

/// Account, format, and what its platform calls its numbers.
const LINES: [(&str, PostFormat, &str); 4] = [
    ("facebook:cong-tin", PostFormat::ShortVideo, "fb_reels_total_plays"),
    ("zalo:cong-tin", PostFormat::Article, "view_count"),
    ("viber:cong-tin", PostFormat::Photo, "views"),
    ("youtube:cong-tin", PostFormat::Video, "viewCount"),
];
/// Minutes after posting and how much of the whole was seen by then, in hundredths: ten samples a post.
const GROWTH: [(i64, u64); 10] = [
    (15, 4),
    (60, 13),
    (180, 27),
    (360, 41),
    (1_440, 66),
    (2_880, 75),
    (10_080, 89),
    (40_320, 96),
    (83_520, 98),
    (126_720, 100),
];
const SUBJECTS: [&str; 6] = [
    "Gần 1.200 xã miền núi được hỗ trợ sinh kế",
    "Lịch tiêm chủng mở rộng tháng 12",
    "Các tỉnh ven biển chủ động phương án sơ tán dân trước bão",
    "Chính phủ họp phiên thường kỳ",
    "Dự thảo nghị định về định danh và xác thực điện tử",
    "Đưa dịch vụ công trực tuyến đến từng bản làng",
];

/// Row, bound in milliseconds, addresses.
const ROWS: [(&str, f64, &[&str]); 3] = [
    ("web.calendar_p95_ms", 100.0, &["/lich?xem=thang&ngay=2026-11-16"]),
    (
        "web.report_p95_ms",
        100.0,
        &[
            "/bao-cao",
            "/bao-cao?range=7d",
            "/bao-cao?from=2026-08-01&to=2026-08-31",
            "/bao-cao/bai-viet/{article}",
            "/bao-cao/bai-dang",
            "/bao-cao/khung-gio",
            "/bao-cao/van-hanh",
        ],
    ),
    (
        "web.list_p95_ms",
        50.0,
        &[
            "/",
            "/?q=dich+vu+cong",
            "/?trang=200",
            "/?section=Ch%C3%ADnh+s%C3%A1ch",
            "/?status=published",
        ],
    ),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut asked = std::env::args().skip(1);
    let only = asked.next().unwrap_or_default();
    let posts = asked.next().map_or(Ok(POSTS), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let clock: Arc<support::Hand> =
        Arc::new(support::Hand("2026-11-16T09:30:00Z".parse::<Timestamp>()?.into()));
    let store = Arc::new(SledStore::open(folder.path(), clock, Options::default())?);
    let world = World::over(store.clone()).await;
    let begun = Instant::now();
    fill(&*store, &world, posts).await?;
    writeln!(
        io::stderr(),
        "bench: {posts} posts and {} samples stored in {:.0} s",
        posts * 10,
        begun.elapsed().as_secs_f64()
    )?;

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let stop = async { drop(ended.await) };
    let server = tokio::spawn(loa_web::serve(listener, world.router.clone(), stop));

    let article = article_id(posts / POSTS_AN_ARTICLE / 2)?;
    let mut rows = Vec::new();
    for (name, bound, addresses) in ROWS.iter().copied().filter(|row| row.0.contains(&only)) {
        let mut rounds = vec![0_f64; ROUNDS];
        for path in addresses {
            let path = path.replace("{article}", &article.to_string());
            let first = ask(address, &path, 1).await?;
            let mut told = Vec::new();
            for round in &mut rounds {
                let p95 = together(address, &path).await?;
                *round = round.max(p95);
                told.push(format!("{p95:.1}"));
            }
            let told = told.join(" ");
            writeln!(io::stderr(), "bench: first {:.0} ms, then p95 {told} ms {path}", first[0])?;
        }
        rounds.sort_by(f64::total_cmp);
        let value = rounds[ROUNDS / 2];
        rows.push(json!({
            "name": name, "value": value, "unit": "ms", "bound": bound, "ok": value <= bound,
            "n": ROUNDS * CLIENTS * TIMES, "spread": (rounds[ROUNDS - 1] - rounds[0]) / value,
        }));
    }
    drop(end);
    server.await??;
    writeln!(io::stdout(), "{}", serde_json::Value::Array(rows))?;
    Ok(())
}

/// The p95 of what every browser waited, in milliseconds.
async fn together(address: std::net::SocketAddr, path: &str) -> io::Result<f64> {
    let browsers = (0..CLIENTS).map(|_| {
        let path = path.to_owned();
        tokio::spawn(async move { ask(address, &path, TIMES).await })
    });
    let mut times = Vec::new();
    for browser in browsers.collect::<Vec<_>>() {
        times.extend(browser.await??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[(times.len() - 1) * 95 / 100])
}

/// Asks over one connection again and again; milliseconds from the question to the last byte of each answer.
async fn ask(address: std::net::SocketAddr, path: &str, times: usize) -> io::Result<Vec<f64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let question = format!(
        "GET {path} HTTP/1.1\r\nHost: loa.example\r\nCookie: __Host-loa={TOKEN}; lang=vi\r\n\r\n"
    );
    let mut took = Vec::new();
    let mut bytes = vec![0; 1 << 16];
    for _ in 0..times {
        let begun = Instant::now();
        stream.write_all(question.as_bytes()).await?;
        let mut answer: Vec<u8> = Vec::new();
        let mut whole = None;
        while whole.is_none_or(|whole| answer.len() < whole) {
            let n = stream.read(&mut bytes).await?;
            if n == 0 {
                return Err(io::Error::other(format!("{path}: the answer broke off")));
            }
            answer.extend_from_slice(&bytes[..n]);
            if whole.is_none() {
                whole = length(&answer, path)?;
            }
        }
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

/// Length of an answer as its head says, once the head is whole.
fn length(answer: &[u8], path: &str) -> io::Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        return Err(io::Error::other(format!("{path}: {status}")));
    }
    let said = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let said: usize = said.and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
        io::Error::other(format!("{path}: the answer does not say how long it is"))
    })?;
    Ok(Some(end + 4 + said))
}

fn article_id(n: i64) -> Result<ArticleId, Box<dyn std::error::Error>> {
    Ok(format!("00000000-0000-7000-8000-01{n:010x}").parse()?)
}

/// Everything the pages ask for.
async fn fill(
    store: &dyn Store,
    world: &World,
    posts: i64,
) -> Result<(), Box<dyn std::error::Error>> {
    let by = || Changes::by(records::by(), "fill");
    let people = &world.people;
    let mut changes = by().insert(&people.author).insert(&people.approver).insert(&people.admin);
    for (name, _, _) in LINES {
        changes = changes.insert(&Account {
            name: name.parse()?,
            agency: "demo".into(),
            title: format!("Trang {name}"),
            remote_id: "1".into(),
            settings: std::collections::BTreeMap::new(),
            status: AccountStatus::Active,
        });
    }
    let user = loa_model::User { roles: loa_model::Role::ALL.to_vec(), ..people.author.clone() };
    let expires_at = "2027-11-01T00:00:00Z".parse()?;
    let session = Session::new(Digest::of(TOKEN.as_bytes()), user.id, expires_at);
    store.commit(changes.insert(&session)).await?;
    store.commit(by().put(&user, loa_store::Expect::Any)).await?;

    // The last of them is due at the end of the month.
    let last: Timestamp = "2026-11-30T16:50:00Z".parse()?;
    let now: Timestamp = "2026-11-16T09:30:00Z".parse()?;
    let mut changes = by();
    for n in 0..posts {
        let at = last - APART * i32::try_from(n)?;
        let article = article_id(n / POSTS_AN_ARTICLE)?;
        if n % POSTS_AN_ARTICLE == 0 {
            changes = changes.insert(&written(&world.article, article, n / POSTS_AN_ARTICLE, at));
        }
        let (post, delivery) = planned(world, article, n, at, now)?;
        changes = changes.insert(&post).insert(&delivery);
        if at <= now {
            for sample in samples(&post, n, at, now)? {
                changes = changes.insert(&sample);
            }
        }
        if n % 200 == 199 {
            store.commit(std::mem::replace(&mut changes, by())).await?;
        }
    }
    store.commit(changes).await?;
    Ok(())
}

fn written(like: &Article, id: ArticleId, n: i64, at: Timestamp) -> Article {
    let which = usize::try_from(n).unwrap_or(0);
    let subject = SUBJECTS[which % SUBJECTS.len()];
    let mut article = Article { id, photos: Vec::new(), ..like.clone() };
    article.blocks.truncate(8);
    article.blocks[0].text = format!("{subject}, đợt {n}");
    let section = ["Chính sách", "Y tế", "Giáo dục", "Thiên tai"][which % 4];
    section.clone_into(&mut article.section);
    article.source.publisher = format!("Cổng thông tin tỉnh số {}", which % 63);
    article.source.canonical_url = format!("https://tinh.example/bai-{n}");
    let out = at - SignedDuration::from_mins(90);
    (article.fetched_at, article.published_at) = (out, Some(out));
    article.digest = article.content_digest();
    article
}

fn planned(
    world: &World,
    article: ArticleId,
    n: i64,
    at: Timestamp,
    now: Timestamp,
) -> Result<(Post, Delivery), Box<dyn std::error::Error>> {
    let (account, format, _) = LINES[usize::try_from(n)? % LINES.len()];
    let mut post = Post {
        id: format!("00000000-0000-7000-8000-02{n:010x}").parse()?,
        article,
        account: account.parse()?,
        scheduled_at: at,
        state: PostState::Approved,
        ..world.posts.draft.clone()
    };
    post.content.format = format;
    post.content.title = format!("{}, đợt {n}", SUBJECTS[usize::try_from(n)? % SUBJECTS.len()]);
    post.content.link.code = format!("c{n}");
    let post = records::approved(post, &world.people.approver);
    let live = at <= now;
    let state = if live { DeliveryState::Published } else { DeliveryState::Scheduled };
    let mut delivery = Delivery {
        id: format!("00000000-0000-7000-8000-03{n:010x}").parse()?,
        ..records::delivery(&world.ids, &post, state)
    };
    delivery.receipt = live.then(|| Receipt {
        remote_id: n.to_string(),
        url: format!("https://platform.example/{n}"),
        raw: serde_json::Value::Null,
        at: at + SignedDuration::from_secs(n % 90),
    });
    Ok((post, delivery))
}

fn samples(
    post: &Post,
    n: i64,
    at: Timestamp,
    now: Timestamp,
) -> Result<Vec<Sample>, Box<dyn std::error::Error>> {
    let (_, _, name) = LINES[usize::try_from(n)? % LINES.len()];
    let whole = 400 + u64::try_from(n)?.wrapping_mul(2_654_435_761) % 9_000;
    let mut all = Vec::new();
    for (step, (minutes, part)) in (0..).zip(GROWTH) {
        let taken_at = at + SignedDuration::from_mins(minutes);
        if taken_at > now {
            break;
        }
        let value = |metric, name: &str, value| Value {
            metric,
            source_name: name.to_owned(),
            definition: "2026-06".to_owned(),
            value,
        };
        let seen = whole * part / 100;
        all.push(Sample {
            id: format!("00000000-0000-7000-8000-04{:010x}", n * 10 + i64::from(step)).parse()?,
            agency: post.agency.clone(),
            post: post.id,
            article: post.article,
            account: post.account.clone(),
            step,
            taken_at,
            values: vec![
                value(Metric::Views, name, seen),
                value(Metric::Reactions, "likes", seen / 14),
                value(Metric::Reach, "post_impressions_unique", seen * 3 / 4),
            ],
            raw: json!({ "id": n, "views": seen, "likes": seen / 14 }),
        });
    }
    Ok(all)
}
