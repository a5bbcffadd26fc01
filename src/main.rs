//! The binary: roles and operations of Loa. The only place that wires crates together.

mod acts;
mod brands;
mod channels;
mod cli;
mod connections;
mod demo;
mod doctor;
mod house;
mod kits;
mod local;
mod offline;
mod ops;
mod preview;
mod report;
mod settings;
mod templates;
mod terminal;
mod upkeep;
mod world;

use std::{io::Read as _, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Parser as _;
use cli::{Cli, Command};
use serde_json::{Value, json};
use settings::Settings;

/// What a server took for a moment, for a page or an upload, goes back to the machine once it stands still; with the allocator of
/// the C library it stayed.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What the caller did wrong: exit 2.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before any thread: the child puts itself under limits first.
    if matches!(cli.command, Some(Command::MediaWorker)) {
        return loa_clip::worker::main(std::io::stdin().lock(), std::io::stdout().lock());
    }
    if matches!(cli.command, Some(Command::CardWorker)) {
        let make = |sources: &loa_pipeline::Sources, own: &loa_pipeline::Files| {
            house::engine_with(&sources.assets, &sources.fonts, own)
                .map_err(|error| format!("{error:#}"))
        };
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        return loa_pipeline::card_worker(input, output, make);
    }
    let filter = tracing_subscriber::EnvFilter::new(settings::log_filter(quiet(&cli)));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::say(&format!("loa: the runtime cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            terminal::say(&format!("loa: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Commands that end by themselves log only what somebody must know.
fn quiet(cli: &Cli) -> &'static str {
    match cli.command {
        None | Some(Command::All | Command::Serve | Command::Work | Command::Sandbox(_)) => "info",
        _ => "error",
    }
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let load = || {
        let settings = Settings::load(cli.config.as_deref(), cli.data.as_deref())?;
        anyhow::Ok(settings.listening(cli.listen.as_deref()))
    };
    match cli.command.unwrap_or(Command::All) {
        Command::MediaWorker | Command::CardWorker => {
            unreachable!("answered before the runtime starts")
        }
        Command::Demo(order) => Ok(code(demo::run(&order).await?)),
        Command::All => all(load()?).await,
        Command::Serve | Command::Work => {
            terminal::say(
                "loa: serve và work chạy riêng cần PostgreSQL, chưa có trong bản này; hãy dùng `loa all` · \
                 serve and work apart need PostgreSQL, which this build does not have; use `loa all`",
            );
            Ok(ExitCode::from(USAGE))
        }
        Command::Sandbox(order) => sandbox(&order).await,
        Command::Ingest(order) => {
            offline::ingest(&load()?, &order).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Render(order) => {
            offline::render(&load()?, &order).await.map(|()| ExitCode::SUCCESS)
        }
        Command::Publish(order) => publish(load()?, order).await,
        Command::Status(output) => {
            let value = local::ask(load()?, "status", Value::Null, false).await?;
            show(&value, output.json)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Report(cli::Report::Reach(order)) => report::reach(load()?, order).await,
        Command::Verify(order) => {
            let value = match &order.backup {
                Some(dir) => upkeep::check(dir).await?,
                None => local::ask(load()?, "verify", Value::Null, false).await?,
            };
            show(&value, order.json.json)?;
            Ok(code(value["sound"] == true))
        }
        Command::Rebuild(output) => answer(load()?, "rebuild", Value::Null, output).await,
        Command::Backup(order) => {
            let dir = json!(house::absolute(&order.dir)?);
            let value = local::ask(load()?, "backup", dir, false).await?;
            show(&value, order.json.json)?;
            Ok(code(value["sound"] == true))
        }
        Command::Restore(order) => {
            let value = upkeep::restore(&load()?, &order.dir).await?;
            show(&value, order.json.json)?;
            Ok(code(value["sound"] == true))
        }
        Command::Post(cli::PostAct { act, id, by, reason, url, at, json }) => {
            let order = acts::PostAct { act, id, by, reason, url, at };
            answer(load()?, "post", serde_json::to_value(order)?, json).await
        }
        Command::Pause(order) => switch(load()?, order, true).await,
        Command::Resume(order) => switch(load()?, order, false).await,
        Command::Incidents(cli::Incidents { close, by, json }) => {
            let order = acts::Incidents { close, by };
            answer(load()?, "incidents", serde_json::to_value(order)?, json).await
        }
        Command::Connect(order) => connect(load()?, order).await,
        Command::Brands(order) => Ok(code(Box::pin(brands::run(load()?, order)).await?)),
        Command::Templates(order) => Ok(code(Box::pin(templates::run(load()?, order)).await?)),
        Command::Doctor(output) => Ok(code(doctor::run(&load()?, output.json).await?)),
        Command::User(order) => user(load()?, order).await,
    }
}

fn code(worked: bool) -> ExitCode {
    if worked { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// JSON on one line for scripts, indented for people.
fn show(value: &Value, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        terminal::out(&value.to_string())
    } else {
        terminal::out(&serde_json::to_string_pretty(value)?)
    }
}

/// Asks the owner of the folder, or opens it, and shows the answer.
async fn answer(
    settings: Settings,
    command: &str,
    arguments: Value,
    output: cli::Json,
) -> anyhow::Result<ExitCode> {
    show(&local::ask(settings, command, arguments, false).await?, output.json)?;
    Ok(ExitCode::SUCCESS)
}

async fn switch(settings: Settings, order: cli::Switch, on: bool) -> anyhow::Result<ExitCode> {
    let cli::Switch { scope, by, reason, json } = order;
    let order = acts::Switch { scope, on, by, reason };
    answer(settings, "switch", serde_json::to_value(order)?, json).await
}

async fn connect(settings: Settings, order: cli::Connect) -> anyhow::Result<ExitCode> {
    let cli::Connect { account, by, json } = order;
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("the credentials cannot be read")?;
    // The text is a secret: an error must not repeat it.
    let values = toml::from_str(&text).map_err(|_| {
        anyhow::anyhow!(
            "cần các dòng tên = \"giá trị\" · lines of the form name = \"value\" are needed"
        )
    })?;
    let order = acts::Connect { account, values, by };
    answer(settings, "connect", serde_json::to_value(order)?, json).await
}

/// Web and worker until a signal.
async fn all(settings: Settings) -> anyhow::Result<ExitCode> {
    let listen = settings.web.listen.clone();
    let listener = tokio::net::TcpListener::bind(&listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let house = Arc::new(house::House::open(settings).await?);
    let running = house.start(Some(listener), true)?;
    if let Some(code) = &house.code {
        let at = &house.settings.web.public_url;
        terminal::say(&format!(
            "loa: Loa chưa có ai. Hãy mở {at}/cai-dat và nhập mã cài đặt (dùng một lần) · \
             Loa has nobody yet. Open {at}/cai-dat and enter the set-up code (works once):\n\n    {code}\n"
        ));
    }
    terminal::say(&format!("loa: {}", running.url));
    demo::interrupted().await?;
    running.stop().await?;
    Ok(ExitCode::SUCCESS)
}

async fn sandbox(order: &cli::SandboxArgs) -> anyhow::Result<ExitCode> {
    let wall: loa_model::seams::SharedClock = Arc::new(world::WallClock);
    std::fs::create_dir_all(&order.dir)?;
    let moved = if order.virtual_clock {
        Some(loa_sandbox::VirtualClock::open(&order.dir.join("clock.json"), wall.clone())?)
    } else {
        None
    };
    let options = loa_sandbox::Options {
        dir: order.dir.clone(),
        port_base: order.port_base,
        seed: order.seed,
        clock: moved.clone().map_or(wall, |clock| clock as loa_model::seams::SharedClock),
        advance: moved.map(|clock| clock as Arc<dyn loa_sandbox::Advance>),
        media_fetch: true,
        accounts: order.accounts,
    };
    let running = loa_sandbox::Sandbox::start(channels::stand_ins(), options).await?;
    terminal::out(&running.addresses().to_string())?;
    demo::interrupted().await?;
    running.shutdown().await;
    Ok(ExitCode::SUCCESS)
}

async fn publish(settings: Settings, order: cli::Publish) -> anyhow::Result<ExitCode> {
    // The running loa may have another working folder: a file goes by its whole path.
    let source = match loa_ingest::Source::parse(&order.source) {
        loa_ingest::Source::Url(url) => url.to_string(),
        loa_ingest::Source::File(path) => house::absolute(&path)?.display().to_string(),
        loa_ingest::Source::Bytes { name, .. } => name,
    };
    let wait = order.wait && order.approve_as.is_some();
    let arguments = ops::Publish {
        source,
        to: order.to,
        at: order.at,
        priority: order.priority,
        author: order.author,
        approve_as: order.approve_as,
        wait: order.wait,
    };
    let value = local::ask(settings, "publish", serde_json::to_value(arguments)?, true).await?;
    show(&value, order.json.json)?;
    let live = value["posts"]
        .as_array()
        .is_some_and(|posts| posts.iter().all(|post| post["state"] == "published"));
    Ok(code(!wait || live))
}

async fn user(settings: Settings, order: cli::UserArgs) -> anyhow::Result<ExitCode> {
    let mut password = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut password)
        .context("the password is read from standard input")?;
    let password = password.trim_end_matches(['\n', '\r']);
    if password.chars().count() < 12 {
        terminal::say(
            "loa: mật khẩu cần ít nhất 12 ký tự · the password needs at least 12 characters",
        );
        return Ok(ExitCode::from(USAGE));
    }
    let arguments = json!(ops::NewUser {
        login: order.login,
        name: order.name,
        agency: order.agency,
        roles: order.roles,
        password_hash: loa_web::hash_password(password, &world::OsEntropy),
    });
    let value = local::ask(settings, "user", arguments, false).await?;
    terminal::out(&value.to_string())?;
    Ok(ExitCode::SUCCESS)
}
