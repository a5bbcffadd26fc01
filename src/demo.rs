//! `loa demo`: the main job on one machine, everything in one folder, from the article to the reach table.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    AccountName, Actor, Agency, Clock as _, DeliveryState, Post, Priority, Role, Sample, Secret,
    User, When, record::join,
};
use loa_net::{Client, Limits, Request};
use loa_reach::By;
use loa_sandbox::{Advance, Options, Running as Platforms, Sandbox, VirtualClock};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    channels, cli,
    house::{self, House},
    ops, report,
    settings::{AccountSetting, Settings},
    terminal,
    world::{self, WallClock},
};

/// Sample numbers taken in the demo: 15 minutes to 48 hours.
const STEPS: u32 = 6;
/// Seed of the audience.
const SEED: u64 = 20_261_122;
const AGENCY: &str = "demo";

/// What the folder remembers beside the data: addresses must stay, or links of old receipts would die.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    port: u16,
    sandbox_port: u16,
    people: Vec<Person>,
    /// When the demo was first started: its article is dated by it. Folders of earlier releases keep the sample's own day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    begun: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Person {
    login: String,
    name: String,
    roles: Vec<Role>,
    password: String,
}

/// A step with its time, for the summary.
struct Steps {
    started: Instant,
    done: Vec<Value>,
}

impl Steps {
    fn new() -> Self {
        Self { started: Instant::now(), done: Vec::new() }
    }

    fn end(&mut self, vi: &str, en: &str) {
        let ms = self.started.elapsed().as_millis();
        let seconds = self.started.elapsed().as_secs_f64();
        terminal::say(&format!("  ✓ {vi} · {en}  ({seconds:.1} s)"));
        self.done.push(json!({ "step": en, "ms": u64::try_from(ms).unwrap_or(u64::MAX) }));
        self.started = Instant::now();
    }
}

/// Runs the demo; `true` when every step worked.
pub(crate) async fn run(order: &cli::Demo) -> anyhow::Result<bool> {
    let dir = house::absolute(&order.dir)?;
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    terminal::say(&format!("Loa demo: {}", dir.display()));
    let mut steps = Steps::new();
    let kept = kept(&dir, order.port).await?;
    let clock = VirtualClock::open(&dir.join("clock.json"), Arc::new(WallClock))?;
    let platforms = Sandbox::start(
        channels::stand_ins(),
        Options {
            dir: dir.join("sandbox"),
            port_base: kept.sandbox_port,
            seed: SEED,
            clock: clock.clone(),
            advance: Some(clock.clone()),
            media_fetch: true,
            accounts: loa_sandbox::SAMPLES,
        },
    )
    .await
    .context("the stand-in platforms cannot start; is another demo running in this folder?")?;
    steps.end("bốn nền tảng mô phỏng", "four stand-in platforms");

    let settings = settings(&dir, &kept, platforms.addresses())?;
    let listener = TcpListener::bind(&settings.web.listen).await.with_context(|| {
        let at = &settings.web.listen;
        format!("không mở được {at}, hãy chọn --port khác · cannot listen on {at}: choose another --port")
    })?;
    let house = Arc::new(House::open(settings).await?);
    people(&house, &kept).await?;
    secrets(&house, platforms.addresses()).await?;
    let running = house.start(Some(listener), true)?;
    steps.end("máy chủ Loa", "the Loa server");
    if !order.once {
        // Whoever waits for pictures and clips can look around already.
        let people = kept.people.iter().map(|one| format!("{} {}", one.login, one.password));
        let people: Vec<String> = people.collect();
        terminal::say(&format!("  {}  {}", running.url, people.join(" | ")));
    }

    let outcome = flow(&house, &clock, &dir, &kept, &mut steps).await;
    let worked = match outcome {
        Ok((receipts, reach)) => {
            show(order, &house, &kept, &steps, &running.url, &platforms, &receipts, &reach)?
        }
        Err(error) if order.once => {
            stop(running, platforms).await?;
            return Err(error);
        }
        Err(error) => {
            terminal::say(&format!("loa demo: {error:#}"));
            false
        }
    };
    if !order.once {
        terminal::say("Ctrl-C để dừng · Ctrl-C stops");
        interrupted().await?;
    }
    stop(running, platforms).await?;
    Ok(worked)
}

async fn stop(running: house::Running, platforms: Platforms) -> anyhow::Result<()> {
    running.stop().await?;
    platforms.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C or the polite signal to end.
pub(crate) async fn interrupted() -> anyhow::Result<()> {
    let mut ended = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed?,
        _ = ended.recv() => {}
    }
    Ok(())
}

async fn kept(dir: &Path, port: u16) -> anyhow::Result<Kept> {
    let path = dir.join("demo.json");
    let ids = loa_model::Ids::new(Arc::new(WallClock), Arc::new(world::OsEntropy));
    let person = |login: &str, name: &str, roles: &[Role]| Person {
        login: login.to_owned(),
        name: name.to_owned(),
        roles: roles.to_vec(),
        password: ids.token(12),
    };
    let people = vec![
        person("lan", "Nguyễn Thị Lan", &[Role::Author, Role::Editor]),
        person("minh", "Trần Đức Minh", &[Role::Approver, Role::Analyst]),
        person("quantri", "Lê Hoàng Quân", &[Role::Admin]),
        person("phantich", "Phạm Thu Hà", &[Role::Analyst]),
    ];
    if path.exists() {
        let text = std::fs::read_to_string(&path)?;
        let mut kept: Kept = serde_json::from_str(&text).with_context(|| {
            format!("{} is damaged; delete the folder to begin anew", path.display())
        })?;
        let before = kept.people.len();
        for one in people {
            if kept.people.iter().all(|known| known.login != one.login) {
                kept.people.push(one);
            }
        }
        if kept.people.len() > before {
            world::write_private(&path, &serde_json::to_vec_pretty(&kept)?)?;
        }
        return Ok(kept);
    }
    let sandbox_port = free_ports(5).await?;
    let port = if port == 0 { free_ports(1).await? } else { port };
    let kept = Kept { port, sandbox_port, people, begun: Some(WallClock.now()) };
    world::write_private(&path, &serde_json::to_vec_pretty(&kept)?)?;
    Ok(kept)
}

/// The first of `count` neighbouring ports that are free now.
async fn free_ports(count: u16) -> anyhow::Result<u16> {
    for _ in 0..50 {
        let first = TcpListener::bind("127.0.0.1:0").await?;
        let base = first.local_addr()?.port();
        let mut held = vec![first];
        for offset in 1..count {
            let Some(port) = base.checked_add(offset) else { break };
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => held.push(listener),
                Err(_) => break,
            }
        }
        if held.len() == usize::from(count) {
            return Ok(base);
        }
    }
    bail!("no {count} neighbouring ports are free on this machine")
}

/// Settings of the folder, also written to `config.toml` so that other commands can be used on it.
fn settings(dir: &Path, kept: &Kept, addresses: &Value) -> anyhow::Result<Settings> {
    let mut settings = Settings {
        data: dir.join("data"),
        virtual_clock: dir.join("clock.json"),
        allow_loopback: true,
        demo: true,
        ..Settings::default()
    };
    settings.web.listen = format!("127.0.0.1:{}", kept.port);
    settings.web.public_url = format!("http://127.0.0.1:{}", kept.port);
    settings.agencies = vec![Agency {
        name: AGENCY.to_owned(),
        title: "Cổng Thông tin điện tử Minh Họa".to_owned(),
        brand: "demo".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        urgent_alone: false,
    }];
    for name in channels::names() {
        let Some(pointed) = channels::point(name, addresses) else {
            bail!("the sandbox has no {name}")
        };
        settings.channels.entry(name.to_owned()).or_default().extend(pointed.config);
        let sample = &addresses[name]["accounts"][0];
        let mut own: std::collections::BTreeMap<String, String> =
            pointed.settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        own.insert("webhook_url".to_owned(), format!("{}/hook/{name}", settings.web.public_url));
        settings.accounts.push(AccountSetting {
            name: format!("{name}:minh-hoa").parse()?,
            agency: AGENCY.to_owned(),
            title: sample["name"].as_str().unwrap_or(name).to_owned(),
            remote_id: sample["id"].as_str().unwrap_or_default().to_owned(),
            settings: own,
            secret_file: PathBuf::new(),
            timetable: None,
        });
    }
    std::fs::write(dir.join("config.toml"), toml::to_string_pretty(&settings)?)?;
    Settings::load(Some(&dir.join("config.toml")), None)
}

async fn people(house: &House, kept: &Kept) -> anyhow::Result<()> {
    for person in &kept.people {
        if ops::login(house, &person.login).await?.is_some() {
            continue;
        }
        let user = User {
            id: house.ids.make(),
            agency: AGENCY.to_owned(),
            login: person.login.clone(),
            name: person.name.clone(),
            roles: person.roles.clone(),
            also: Vec::new(),
            password_hash: loa_web::hash_password(&person.password, &*house.entropy),
            lang: "vi".to_owned(),
            deactivated_at: None,
            must_renew: false,
        };
        let actor = Actor::Operator("demo".to_owned());
        house.store.commit(Changes::by(actor, "add sample person").insert(&user)).await?;
    }
    Ok(())
}

async fn secrets(house: &House, addresses: &Value) -> anyhow::Result<()> {
    for account in house.settings.accounts.iter().map(|account| &account.name) {
        if house.vault.get(account).await.is_ok() {
            continue;
        }
        let name = account.channel();
        let pointed = channels::point(name, addresses)
            .with_context(|| format!("the sandbox has no {name}"))?;
        let values = (pointed.secret)(&addresses[name], 0);
        let secret = Secret::new(values.into_iter().map(|(key, value)| (key.to_owned(), value)));
        house.vault.put(account, secret, Actor::Operator("demo".to_owned())).await?;
    }
    Ok(())
}

/// Article → receipts → reach. What an earlier run did is not done again.
async fn flow(
    house: &Arc<House>,
    clock: &Arc<VirtualClock>,
    dir: &Path,
    kept: &Kept,
    steps: &mut Steps,
) -> anyhow::Result<(Value, Value)> {
    let (progress, mut told) = mpsc::channel::<Value>(64);
    tokio::spawn(async move {
        while let Some(step) = told.recv().await {
            terminal::say(&format!("    {}", step.as_str().unwrap_or_default()));
        }
    });
    let source = sample_article(dir, kept.begun)?;
    let (source, priority) = (source.display().to_string(), Priority::Normal);
    let (article, new) = house.flow.take_in(&source, AGENCY, priority, None).await?;
    let (vi, en) = if new {
        ("đọc bài viết mẫu", "read the sample article")
    } else {
        ("bài viết đã có", "the article is known")
    };
    steps.end(vi, en);
    ops::rendered(house, &article, &progress).await?;
    steps.end("đồ họa, clip ngắn, bản nhẹ", "infographic, short clip, low-band clip");

    let names = |role: Role| {
        kept.people
            .iter()
            .find(|person| person.roles.contains(&role))
            .map(|person| person.login.clone())
    };
    let (author, approver) =
        (names(Role::Author).unwrap_or_default(), names(Role::Approver).unwrap_or_default());
    let author = ops::login(house, &author).await?.context("the sample author is gone")?;
    let approver = ops::login(house, &approver).await?.context("the sample approver is gone")?;
    let accounts: Vec<AccountName> =
        house.settings.accounts.iter().map(|account| account.name.clone()).collect();
    let posts = ops::compose(house, &article, &accounts, &author, When::Soon, priority).await?;
    steps.end("soạn bài cho bốn kênh", "posts composed for four channels");
    ops::submit(house, &posts, &author).await?;
    ops::approve(house, &posts, &approver).await?;
    steps.end("hai người: gửi duyệt, phê duyệt", "two people: submitted, approved");
    publish(house, clock, &posts, &progress).await?;
    steps.end("đăng lên bốn kênh", "published on four channels");
    let receipts = ops::receipts(house, &article).await?;
    measure(house, clock, &posts).await?;
    steps.end("hai ngày số liệu trên đồng hồ ảo", "two days of numbers on the virtual clock");
    let order = report::ReportArgs { from: None, to: None, by: vec![By::Post], lang: "vi".into() };
    let reach = serde_json::to_value(report::counted(house, order).await?)?;
    Ok((receipts, reach))
}

/// Waits until every post is live. Waits of platforms and of pacing pass on the virtual clock, not on ours.
async fn publish(
    house: &Arc<House>,
    clock: &Arc<VirtualClock>,
    posts: &[Post],
    progress: &mpsc::Sender<Value>,
) -> anyhow::Result<()> {
    let settled = ops::settled(house, posts, progress, Duration::from_mins(3));
    tokio::pin!(settled);
    loop {
        tokio::select! {
            done = &mut settled => return done,
            () = tokio::time::sleep(Duration::from_millis(250)) => clock.advance(Duration::from_secs(1))?,
        }
    }
}

/// Lets two days pass on the virtual clock, from sample to sample; people follow the short links meanwhile.
async fn measure(
    house: &Arc<House>,
    clock: &Arc<VirtualClock>,
    posts: &[Post],
) -> anyhow::Result<()> {
    let mut live: Vec<(Post, Timestamp)> = Vec::new();
    for post in posts {
        let delivery = ops::delivery_of(house, post).await?;
        if let Some(receipt) =
            delivery.filter(|d| d.state == DeliveryState::Published).and_then(|d| d.receipt)
        {
            live.push((post.clone(), receipt.at));
        }
    }
    let Some(last_live) = live.iter().map(|(_, at)| *at).max() else { return Ok(()) };
    let mut commits = house.store.watch();
    for step in 0..STEPS {
        let offset =
            loa_reach::offset(step).context("the plan of samples is shorter than the demo")?;
        // One minute of room: a measurement is due at its own post's time, not at the last one's.
        let until = last_live + offset + SignedDuration::from_mins(1);
        let left = until.duration_since(house.now());
        if left.is_positive() {
            readers(house, &live, step).await?;
            clock.advance(Duration::try_from(left)?)?;
        }
        let taken = async {
            loop {
                let mut missing = 0;
                for (post, _) in &live {
                    let samples = house
                        .store
                        .list::<Sample>("sample_by_post", &join(&[&post.id.to_string(), ""]), 100)
                        .await?;
                    missing += usize::from(!samples.iter().any(|row| row.record.step >= step));
                }
                if missing == 0 {
                    return anyhow::Ok(());
                }
                commits.changed().await.context("the store is closed")?;
            }
        };
        match tokio::time::timeout(Duration::from_mins(1), taken).await {
            Ok(done) => done?,
            Err(_) => bail!("the numbers of sample {step} did not arrive; the log says why"),
        }
    }
    Ok(())
}

/// A few readers open each short link, as people would.
async fn readers(house: &House, live: &[(Post, Timestamp)], step: u32) -> anyhow::Result<()> {
    let base: url::Url = house.settings.web.public_url.parse()?;
    let client = Client::trusted(base, Limits::default())?;
    for (index, (post, _)) in live.iter().enumerate() {
        let mut chance = [0u8; 1];
        house.entropy.fill(&mut chance);
        let count = 2 + usize::from(chance[0] % 5) + index + step as usize;
        for _ in 0..count {
            client.send(Request::get(post.content.link.url.parse()?), None).await?;
        }
    }
    Ok(())
}

/// The sample article and its photos, as files beside the data.
fn sample_article(dir: &Path, begun: Option<Timestamp>) -> anyhow::Result<PathBuf> {
    let folder = dir.join("article");
    let all = world::assets(None)?;
    for (name, bytes) in world::under(&all, "demo") {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        match begun.filter(|_| name == "article.html") {
            Some(begun) => std::fs::write(&path, dated(&String::from_utf8_lossy(bytes), begun)?)?,
            None => std::fs::write(&path, bytes)?,
        }
    }
    Ok(folder.join("article.html"))
}

/// The sample article as if it had come out shortly before the demo began: how long it took to the channels is then a time that
/// people can believe. The day of its decree is a word of the article and stays.
fn dated(page: &str, begun: Timestamp) -> anyhow::Result<String> {
    let at = |minutes: i64| {
        let at = begun.checked_sub(SignedDuration::from_mins(minutes))?;
        at.in_tz("Asia/Ho_Chi_Minh")
    };
    let (published, changed) = (at(45)?, at(10)?);
    Ok(page
        .replace("2026-11-16T08:30:00", &published.strftime("%Y-%m-%dT%H:%M:00").to_string())
        .replace("2026-11-16T09:05:00", &changed.strftime("%Y-%m-%dT%H:%M:00").to_string())
        .replace("16/11/2026 08:30", &published.strftime("%d/%m/%Y %H:%M").to_string()))
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything there is to tell at the end, in one place"
)]
fn show(
    order: &cli::Demo,
    house: &House,
    kept: &Kept,
    steps: &Steps,
    url: &str,
    platforms: &Platforms,
    receipts: &Value,
    reach: &Value,
) -> anyhow::Result<bool> {
    let posts = receipts["posts"].as_array().cloned().unwrap_or_default();
    let worked = !posts.is_empty() && posts.iter().all(|post| post["state"] == "published");
    let sign_ins: Vec<Value> =
        kept.people.iter().map(|person| json!({ "login": person.login, "password": person.password, "name": person.name })).collect();
    if order.json.json {
        let article = receipts["article"].as_str().unwrap_or_default();
        let value = json!({
            "worked": worked, "steps": steps.done, "receipts": receipts["posts"], "reach": reach["reports"],
            "url": url, "article_url": format!("{url}/bai-viet/{article}"), "sign_ins": sign_ins,
            "sandbox": { "control": platforms.control() }, "at": house.now(),
        });
        terminal::out(&value.to_string())?;
        return Ok(worked);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![vec![
        "KÊNH · CHANNEL".to_owned(),
        "DẠNG · FORMAT".to_owned(),
        "TRẠNG THÁI · STATE".to_owned(),
        "LIÊN KẾT · LINK".to_owned(),
    ]];
    for post in &posts {
        lines.push(vec![
            text(&post["account"]),
            text(&post["format"]),
            text(&post["state"]),
            text(&post["receipt"]["url"]),
        ]);
    }
    terminal::out(&format!("\n{}", terminal::table(&lines)))?;
    let metrics = ["views", "reactions", "comments", "shares", "link_clicks"];
    let mut lines = vec![["BÀI ĐĂNG · POST", "tiếp cận · reach"].map(str::to_owned).to_vec()];
    if let Some(head) = lines.first_mut() {
        head.extend(metrics.map(str::to_owned));
    }
    for row in reach["reports"][0]["rows"].as_array().into_iter().flatten() {
        let post = posts.iter().find(|post| post["post"] == row["key"]);
        let name = post.map_or_else(
            || text(&row["label"]),
            |post| format!("{} {}", text(&post["account"]), text(&post["format"])),
        );
        let number = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), thousands);
        let mut line = vec![name, number(row["reach"]["at_most"].as_u64())];
        for metric in metrics {
            let cell =
                row["cells"].as_array().into_iter().flatten().find(|cell| cell["metric"] == metric);
            line.push(number(cell.and_then(|cell| cell["latest"].as_u64())));
        }
        lines.push(line);
    }
    terminal::out(&terminal::table(&lines))?;
    terminal::out(
        "– kênh không cung cấp · not provided by the channel; tiếp cận không cộng · reach is never added\n",
    )?;
    terminal::out(&format!("{url}  (đăng nhập · sign in)"))?;
    for person in &kept.people {
        terminal::out(&format!("  {:<9} {}   {}", person.login, person.password, person.name))?;
    }
    for name in channels::names() {
        terminal::out(&format!(
            "  {name:<9} {}",
            text(&platforms.addresses()[name]["accounts"][0]["url"])
        ))?;
    }
    Ok(worked)
}

fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_article_came_out_shortly_before_the_demo() {
        let all = world::assets(None).expect("they are embedded");
        let page = world::under(&all, "demo").find(|(name, _)| *name == "article.html");
        let page = String::from_utf8_lossy(page.expect("the sample").1).into_owned();
        let begun: Timestamp = "2027-01-01T17:20:00Z".parse().expect("an instant");
        let dated = dated(&page, begun).expect("a day that there is");
        assert!(
            dated.contains("2027-01-01T23:35:00+07:00"),
            "published three quarters of an hour before"
        );
        assert!(dated.contains("2027-01-02T00:10:00+07:00") && dated.contains("01/01/2027 23:35"));
        assert!(!dated.contains("2026-11-16"));
        assert!(dated.contains("ngày 15 tháng 11 năm 2026"), "the words stay");
    }
}
