//! The command line. Stable: scripts depend on it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Loa: one article in, faithful posts on four channels out, once each.
#[derive(Debug, Parser)]
#[command(name = "loa", version, about, long_about = None, propagate_version = true)]
pub(crate) struct Cli {
    /// Settings laid over config/default.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder; default from the settings.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What to do; `all` when nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Output as one JSON value on stdout.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Json {
    /// Print one JSON value on stdout and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Every role and operation.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The main job on this machine: sandbox, server, sample agency and article, all in one folder.
    Demo(Demo),
    /// Web and worker in one process (default).
    All,
    /// Web only (needs PostgreSQL).
    Serve,
    /// Worker only (needs PostgreSQL).
    Work,
    /// The four stand-in platforms on loopback.
    Sandbox(SandboxArgs),
    /// Read a source and print its article and brief.
    Ingest(Source),
    /// Render a source to files and manifest.json.
    Render(Render),
    /// The whole flow: read, render, compose, submit; wait for receipts.
    Publish(Publish),
    /// What is queued, running, live, unclear.
    Status(Json),
    /// Reports.
    #[command(subcommand)]
    Report(Report),
    /// Check ledger, index and invariants.
    Verify(Json),
    /// Check that this machine can run Loa.
    Doctor(Json),
    /// Add a person; the password is read from standard input.
    User(UserArgs),
    /// Internal: encode or decode one medium under limits.
    #[command(hide = true)]
    MediaWorker,
}

/// `loa demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Everything lives here.
    #[arg(long, default_value = "demo", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Port of the pages; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// End after the reach table.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa sandbox`.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// State of the platforms.
    #[arg(long, default_value = "sandbox", value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// First port; 0 takes free ones.
    #[arg(long, default_value_t = 0)]
    pub(crate) port_base: u16,
    /// Seed of audience growth.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Run on a virtual clock kept in the folder, moved by the control address.
    #[arg(long)]
    pub(crate) virtual_clock: bool,
}

/// A source and where its result goes.
#[derive(Debug, Args)]
pub(crate) struct Source {
    /// URL, .html, .json, .md, .txt or feed.
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa render`.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// URL, .html, .json, .md, .txt or feed.
    pub(crate) source: String,
    /// Folder for the files.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only these: infographic, clip, text.
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Template of the infographic.
    #[arg(long)]
    pub(crate) template: Option<String>,
    /// Brand kit.
    #[arg(long, default_value = "demo")]
    pub(crate) brand: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// URL, .html, .json, .md, .txt or feed.
    pub(crate) source: String,
    /// Accounts, `channel:name`, comma separated.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) to: Vec<String>,
    /// When: an instant (RFC 3339), wall time of the agency, or `next` for each account's next free slot; as soon as approved when absent.
    #[arg(long)]
    pub(crate) at: Option<String>,
    /// Login of the author.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) author: Option<String>,
    /// Login of the approver; only in a demo folder.
    #[arg(long, value_name = "USER")]
    pub(crate) approve_as: Option<String>,
    /// Wait until every post is live or needs a person.
    #[arg(long)]
    pub(crate) wait: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa report`.
#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// Reach of posts in a period.
    Reach(ReachArgs),
}

/// `loa report reach`.
#[derive(Debug, Args)]
pub(crate) struct ReachArgs {
    /// First day.
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// Last day.
    #[arg(long)]
    pub(crate) to: Option<String>,
    /// Cuts: channel, format, article, post.
    #[arg(long, value_delimiter = ',')]
    pub(crate) by: Vec<String>,
    /// json or csv.
    #[arg(long, default_value = "json")]
    pub(crate) format: String,
}

/// `loa user`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    /// Sign-in name.
    pub(crate) login: String,
    /// Name shown to others.
    #[arg(long)]
    pub(crate) name: String,
    /// Agency.
    #[arg(long)]
    pub(crate) agency: String,
    /// author, editor, approver, analyst, admin; comma separated.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) roles: Vec<String>,
}
