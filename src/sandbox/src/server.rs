//! Starts platforms on loopback, one port each, and the control API.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use loa_model::seams::SharedClock;
use serde_json::{Map, Value};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

use crate::{
    book::Book,
    clock::Advance,
    control,
    door::{Door, pass},
    error::{Error, Result},
    fault::FaultBoard,
    fetch::Fetcher,
    growth::Growth,
    line::{Cut, Exchange},
    media::{MediaStore, sniff},
    platform::{Ground, Platform, StandIn},
    traffic::RequestLog,
};

/// Accounts every platform begins with.
pub const SAMPLES: u32 = 2;

/// How long open connections may take to end when the sandbox stops.
const GRACE: Duration = Duration::from_millis(500);

/// How to start.
#[derive(Clone)]
pub struct Options {
    /// Folder of all state; made when missing.
    pub dir: PathBuf,
    /// First port: control, then one for each platform in order. Zero takes free ports.
    pub port_base: u16,
    /// Seed of everything that looks random.
    pub seed: u64,
    /// Time.
    pub clock: SharedClock,
    /// The same clock where it can be moved; the control API refuses to move it otherwise.
    pub advance: Option<Arc<dyn Advance>>,
    /// Whether platforms that fetch media by address may fetch from this machine.
    pub media_fetch: bool,
    /// Sample accounts of each platform, at least [`SAMPLES`].
    pub accounts: u32,
}

/// The stand-in platforms.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox;

/// Platforms that run. Dropped, they take no new connections; [`Running::shutdown`] also ends the open ones.
pub struct Running {
    addresses: Value,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
}

/// What the control API reaches of one platform.
pub(crate) struct Open {
    pub(crate) stand_in: Arc<dyn StandIn>,
    pub(crate) book: Arc<Book>,
    pub(crate) log: Arc<RequestLog>,
}

impl Sandbox {
    /// Starts `platforms` and the control API. State from an earlier run in the same folder goes on.
    ///
    /// # Errors
    /// [`Error::Listen`] when a port is taken, [`Error::File`] and [`Error::Damaged`] about the folder.
    pub async fn start(platforms: Vec<Box<dyn Platform>>, options: Options) -> Result<Running> {
        let board = Arc::new(FaultBoard::new(options.seed));
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let mut addresses = Map::new();
        let mut open = BTreeMap::new();
        let control = listen(options.port_base, 0).await?;
        let control_base = base(&control)?;
        for (number, platform) in (1u16..).zip(platforms) {
            let listener = listen(options.port_base, number).await?;
            let base = base(&listener)?;
            let dir = options.dir.join(platform.name());
            std::fs::create_dir_all(&dir).map_err(Error::file("make", &dir))?;
            let book = Arc::new(Book::open(&dir.join("book.jsonl"))?);
            let media = MediaStore::open(&dir.join("media"))?;
            let clock = options.clock.clone();
            let stand_in = platform.open(Ground {
                base,
                seed: options.seed,
                accounts: options.accounts,
                clock: clock.clone(),
                book: book.clone(),
                media: media.clone(),
                fetcher: Fetcher::new(book.clone(), clock.clone(), options.media_fetch),
                growth: Growth::new(options.seed),
            })?;
            let log = Arc::new(RequestLog::default());
            let door = Door {
                name: platform.name(),
                clock,
                board: board.clone(),
                log: log.clone(),
                stand_in: stand_in.clone(),
            };
            let files = Router::new().route("/_media/{sha256}", get(file)).with_state(media);
            let router = stand_in
                .router()
                .layer(middleware::from_fn_with_state(door, pass))
                .layer(DefaultBodyLimit::disable())
                .merge(files);
            servers.spawn(serve(listener, router, stopped.clone()));
            addresses.insert(platform.name().to_owned(), stand_in.addresses());
            open.insert(platform.name(), Open { stand_in, book, log });
        }
        addresses.insert("control".to_owned(), Value::String(control_base));
        let desk = control::Desk::new(options.clock, options.advance, board, open);
        servers.spawn(serve(control, desk.router(), stopped));
        Ok(Running { addresses: Value::Object(addresses), stop, servers })
    }
}

impl Running {
    /// The first line of `loa sandbox`: addresses of every platform and of the control API, sample accounts and tokens.
    pub fn addresses(&self) -> &Value {
        &self.addresses
    }

    /// Address of the control API.
    pub fn control(&self) -> &str {
        self.addresses.get("control").and_then(Value::as_str).unwrap_or_default()
    }

    /// Stops listening and lets open answers end, for half a second at most. State is on disk already.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.servers.join_next().await.is_some() {} };
        if timeout(GRACE, all).await.is_err() {
            self.servers.shutdown().await;
        }
    }
}

async fn listen(port_base: u16, number: u16) -> Result<TcpListener> {
    let port = if port_base == 0 { 0 } else { port_base.saturating_add(number) };
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|source| Error::Listen { port, source })
}

fn base(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr().map_err(|source| Error::Listen { port: 0, source })?;
    Ok(format!("http://{address}"))
}

async fn serve(listener: TcpListener, router: Router, mut stopped: watch::Receiver<bool>) {
    let until = async move {
        // An error means the sender is gone, which is a stop too.
        if stopped.wait_for(|stop| *stop).await.is_err() {
            tracing::debug!("the sandbox was dropped");
        }
    };
    let service = router.into_make_service_with_connect_info::<Cut>();
    let served = axum::serve(Exchange(listener), service).with_graceful_shutdown(until).await;
    if let Err(error) = served {
        tracing::error!(%error, "a stand-in stopped listening");
    }
}

/// A file as received, whole or in part: players ask for ranges.
async fn file(
    State(media): State<MediaStore>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(bytes) = media.get(&sha256).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = [(header::CONTENT_TYPE, sniff(&bytes)), (header::ACCEPT_RANGES, "bytes")];
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let Some((first, last)) = asked.and_then(|range| parse_range(range, bytes.len())) else {
        return (kind, bytes).into_response();
    };
    let shown = format!("bytes {first}-{last}/{}", bytes.len());
    let part = bytes.slice(first..=last);
    (StatusCode::PARTIAL_CONTENT, kind, [(header::CONTENT_RANGE, shown)], part).into_response()
}

/// First and last byte of `bytes=a-b` or `bytes=a-`.
fn parse_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let end = length.checked_sub(1)?;
    let last = if last.is_empty() { end } else { last.parse::<usize>().ok()?.min(end) };
    (first <= last).then_some((first, last))
}
