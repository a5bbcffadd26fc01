//! The command line. Stable: scripts depend on it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::civil::Date;
use loa_model::Priority;
use loa_reach::By;

use crate::acts::Act;

/// What somebody who has just installed it wants to know.
const FIRST_RUN: &str = "First run: `loa --data DIR` starts pages and worker together and needs nothing else. It prints an address \
and a one-time code; open the address and type the code to make your agency and its first administrator. Another port: \
`--listen 127.0.0.1:9000`, or `listen` under [web] of the file given with --config. To look around without any account: `loa demo`.";

/// Loa: one article in, faithful posts on four channels out, once each.
#[derive(Debug, Parser)]
#[command(name = "loa", version, about, long_about = None, propagate_version = true, after_help = FIRST_RUN)]
pub(crate) struct Cli {
    /// Settings laid over config/default.toml.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder; default from the settings.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Where the pages listen, for example 127.0.0.1:9000; default from the settings.
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,
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
    /// Pages only; needs PostgreSQL, which is not in this build: use `all`.
    Serve,
    /// Worker only; needs PostgreSQL, which is not in this build: use `all`.
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
    /// Check ledger, index and invariants; or a backup.
    Verify(Verify),
    /// Build the index anew from the ledger.
    Rebuild(Json),
    /// Copy ledger and blobs into a folder, while it runs; a second time only what is new.
    Backup(Folder),
    /// Make an empty data folder of a backup.
    Restore(Folder),
    /// Show a post, or decide about it: confirm-live, confirm-absent, cancel, hold, release, retry, retract.
    Post(PostAct),
    /// Stop posting: an account, `channel/NAME`, `agency/NAME` or `all`.
    Pause(Switch),
    /// Let it post again.
    Resume(Switch),
    /// Open incidents; close one that was dealt with.
    Incidents(Incidents),
    /// Replace the credentials of an account, read from standard input, and let it post again.
    Connect(Connect),
    /// Brand kits that pictures are drawn in: which there are, and those of an agency.
    #[command(subcommand)]
    Brands(Brands),
    /// Templates of pictures: which there are, whether they keep what they promise, how they look.
    #[command(subcommand)]
    Templates(Templates),
    /// Check that this machine can run Loa.
    Doctor(Json),
    /// Add a person; the password is read from standard input.
    User(UserArgs),
    /// Internal: encode or decode one medium under limits.
    #[command(hide = true)]
    MediaWorker,
    /// Internal: draw cards of a template that nobody reviewed, under limits.
    #[command(hide = true)]
    CardWorker,
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
    /// Sample accounts of each platform.
    #[arg(long, default_value_t = loa_sandbox::SAMPLES, value_name = "N")]
    pub(crate) accounts: u32,
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
    /// Only these: infographic, carousel, clip, poster, text.
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
    /// urgent, normal or backfill: what is urgent goes before everything else, backfill whenever there is room.
    #[arg(long, default_value = "normal", value_parser = priority)]
    pub(crate) priority: Priority,
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
    /// First day, as 2026-11-01; without days the last thirty.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) from: Option<Date>,
    /// Last day, included.
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) to: Option<Date>,
    /// Cuts: channel, account, format, article, post, section, language, agency; comma separated.
    #[arg(long, value_delimiter = ',', default_value = "channel", value_parser = cut)]
    pub(crate) by: Vec<By>,
    /// json, csv, xlsx, parquet or pdf.
    #[arg(long, default_value = "json", value_parser = format)]
    pub(crate) format: Format,
    /// Language of what people read in it: vi or en.
    #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
    pub(crate) lang: String,
    /// Write the report here; to standard output when absent.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
    Xlsx,
    Parquet,
    Pdf,
}

const FORMATS: [(&str, Format); 5] = [
    ("json", Format::Json),
    ("csv", Format::Csv),
    ("xlsx", Format::Xlsx),
    ("parquet", Format::Parquet),
    ("pdf", Format::Pdf),
];

impl Format {
    /// Whether a terminal cannot show it.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Xlsx | Self::Parquet | Self::Pdf)
    }
}

// Clap says which option was wrong and ends with 2; these say what to write instead.

fn format(text: &str) -> Result<Format, &'static str> {
    let known = FORMATS.iter().find(|(name, _)| *name == text);
    known.map(|(_, format)| *format).ok_or(
        "hãy chọn json, csv, xlsx, parquet hoặc pdf · choose json, csv, xlsx, parquet or pdf",
    )
}

fn cut(text: &str) -> Result<By, &'static str> {
    serde_json::from_value(text.into()).map_err(|_| {
        "hãy chọn channel, account, format, article, post, section, language hoặc agency · \
         choose channel, account, format, article, post, section, language or agency"
    })
}

fn priority(text: &str) -> Result<Priority, &'static str> {
    Priority::named(text).ok_or(
        "hãy chọn urgent (khẩn), normal (bình thường) hoặc backfill (khi rảnh) · choose urgent, normal or backfill",
    )
}

fn day(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_| "hãy viết ngày như 2026-11-22 · write a day like 2026-11-22")
}

/// `loa verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Check this backup instead of the data folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) backup: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa brands`.
#[derive(Debug, Subcommand)]
pub(crate) enum Brands {
    /// Every brand kit that comes with Loa, and those of an agency.
    List(Listed),
    /// Keep a kit of an agency, once a sample card was drawn in it in each size; one of the same name is changed.
    Add(OwnAdded),
    /// Remove a kit of an agency that does not draw in it; what was drawn stays.
    Remove(OwnRemoved),
}

/// `loa brands list` and `loa templates list`.
#[derive(Debug, Args)]
pub(crate) struct Listed {
    /// Those of this agency too.
    #[arg(long)]
    pub(crate) agency: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa brands add` and `loa templates add`.
#[derive(Debug, Args)]
pub(crate) struct OwnAdded {
    /// Its folder: brand.toml and, where it names one, a logo; or template.typ, template.toml and, where there is one, sample.json.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Agency.
    #[arg(long)]
    pub(crate) agency: String,
    /// Its name; that of the folder when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa brands remove` and `loa templates remove`.
#[derive(Debug, Args)]
pub(crate) struct OwnRemoved {
    /// Its name.
    pub(crate) name: String,
    /// Agency.
    #[arg(long)]
    pub(crate) agency: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa templates`.
#[derive(Debug, Subcommand)]
pub(crate) enum Templates {
    /// Every template with its sizes and the kinds of story it is made for.
    List(Listed),
    /// Draw the samples of templates; fails when a typical story does not fit or type is too small.
    Check(TemplateCheck),
    /// Draw the samples of templates into a folder, at half size.
    Preview(TemplatePreview),
    /// Keep a template that an agency wrote, once its samples were drawn under limits; one of the same name is replaced.
    Add(OwnAdded),
    /// Remove a template of an agency; cards drawn with it stay.
    Remove(OwnRemoved),
}

/// `loa templates check`.
#[derive(Debug, Args)]
pub(crate) struct TemplateCheck {
    /// Templates; all that have samples when none is named.
    #[arg(value_name = "TEMPLATE")]
    pub(crate) templates: Vec<String>,
    /// Brand kit.
    #[arg(long, default_value = "demo")]
    pub(crate) brand: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa templates preview`.
#[derive(Debug, Args)]
pub(crate) struct TemplatePreview {
    /// Templates; all that have samples when none is named.
    #[arg(value_name = "TEMPLATE")]
    pub(crate) templates: Vec<String>,
    /// Folder for the pictures.
    #[arg(long, default_value = "preview", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only this size.
    #[arg(long)]
    pub(crate) size: Option<String>,
    /// Only this sample.
    #[arg(long)]
    pub(crate) sample: Option<String>,
    /// Brand kit.
    #[arg(long, default_value = "demo")]
    pub(crate) brand: String,
    /// All samples and sizes of a template on one sheet.
    #[arg(long)]
    pub(crate) sheet: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa backup` and `loa restore`.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder of the backup.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa post`.
#[derive(Debug, Args)]
pub(crate) struct PostAct {
    /// What to do.
    #[arg(value_enum)]
    pub(crate) act: Act,
    /// Id of the post or of its delivery, as `loa status` and `loa publish` print it.
    pub(crate) id: String,
    /// Login of who decides.
    #[arg(long = "as", value_name = "USER", default_value = "")]
    pub(crate) by: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// Where it was seen, for confirm-live.
    #[arg(long, default_value = "")]
    pub(crate) url: String,
    /// When to try again, for retry, as in `loa publish --at`; now when absent.
    #[arg(long)]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa pause` and `loa resume`.
#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// `channel:account`, `channel/<name>`, `agency/<name>` or `all`.
    pub(crate) scope: String,
    /// Login of who decides.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) by: String,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa incidents`.
#[derive(Debug, Args)]
pub(crate) struct Incidents {
    /// Close this one.
    #[arg(long, value_name = "ID", requires = "by")]
    pub(crate) close: Option<String>,
    /// Login of who closes it.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) by: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// `loa connect`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// `channel:account`.
    pub(crate) account: loa_model::AccountName,
    /// Login of who connects it.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) by: String,
    #[command(flatten)]
    pub(crate) json: Json,
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
