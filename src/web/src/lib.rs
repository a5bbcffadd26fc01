#![doc = include_str!("../README.md")]

mod api;
mod article;
mod assets;
mod attention;
mod auth;
mod channels;
mod clip;
mod decide;
mod error;
mod local;
mod media;
mod pages;
mod picture;
mod post;
mod preview;
mod priority;
mod progress;
mod public;
mod templates;
mod view;

use std::{collections::BTreeMap, future::Future, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, header},
    middleware,
    routing::{delete, get, post},
};
use loa_delivery::Desk;
use loa_model::{Capability, Ids, JobId, Progress, seams::SharedClock};
use loa_review::Review;
use loa_store::{Blobs, Store};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::watch};

pub use assets::{Assets, AssetsError};
pub use auth::{Session, hash_password};
pub use clip::{
    Arranged, ClipRow, Clips, Place, Rehearsed, Shown, Spot, Subtitle, Telling, WantedClip,
};
pub use local::{Local, call_local, serve_local};
pub use preview::{Cards, Drawn, Family, Refused, Wanted};

/// Settings of the pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address to listen on, `host:port`; port 0 takes a free one.
    pub listen: String,
    /// Address the outside sees: base of short links and public media, without a slash at the end.
    pub public_url: String,
    /// Hours a session lives.
    pub session_hours: i64,
    /// Language of a new visitor, `vi` or `en`.
    pub language: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: "http://127.0.0.1:8080".into(),
            session_hours: 12,
            language: "vi".into(),
        }
    }
}

/// Latest progress of each running job, made by `main`, written by the worker.
pub type ProgressMap = BTreeMap<JobId, Progress>;

/// What the pages are handed.
pub struct Deps {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Bytes.
    pub blobs: Arc<Blobs>,
    /// Moves posts through review.
    pub review: Review,
    /// Where people decide about what goes out and what is live.
    pub desk: Desk,
    /// Time.
    pub clock: SharedClock,
    /// Ids.
    pub ids: Ids,
    /// Templates, styles, words.
    pub assets: Assets,
    /// What each channel can do, by name.
    pub capabilities: BTreeMap<String, Capability>,
    /// How a post looks on each channel: template text by channel name.
    pub frames: BTreeMap<String, String>,
    /// Progress of running jobs.
    pub progress: watch::Receiver<ProgressMap>,
    /// Who draws cards while they are edited.
    pub cards: Arc<dyn Cards>,
    /// Who shows clips before they are made.
    pub clips: Arc<dyn Clips>,
    /// Settings.
    pub config: Config,
}

pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) review: Review,
    pub(crate) desk: Desk,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) assets: Assets,
    pub(crate) capabilities: BTreeMap<String, Capability>,
    pub(crate) progress: watch::Receiver<ProgressMap>,
    pub(crate) cards: Arc<dyn Cards>,
    pub(crate) clips: Arc<dyn Clips>,
    pub(crate) config: Config,
    pub(crate) attempts: auth::Attempts,
    pub(crate) counts: attention::Counts,
}

pub(crate) type Shared = Arc<App>;

/// Every page and address of the application.
///
/// # Errors
/// [`AssetsError`] when a channel's frame is not a valid template.
pub fn router(deps: Deps) -> Result<Router, AssetsError> {
    let mut assets = deps.assets;
    for (channel, frame) in deps.frames {
        assets.add_frame(&channel, frame)?;
    }
    let app: Shared = Arc::new(App {
        store: deps.store,
        blobs: deps.blobs,
        review: deps.review,
        desk: deps.desk,
        clock: deps.clock,
        ids: deps.ids,
        assets,
        capabilities: deps.capabilities,
        progress: deps.progress,
        cards: deps.cards,
        clips: deps.clips,
        config: deps.config,
        attempts: auth::Attempts::default(),
        counts: attention::Counts::default(),
    });
    let staff = Router::new()
        .route("/", get(pages::articles))
        .route("/bai-viet", post(pages::ingest))
        .route("/bai-viet/{id}", get(article::page))
        .route("/bai-viet/{id}/soan", post(article::compose))
        .route("/bai-viet/{id}/do-hoa", get(picture::page).post(picture::draw))
        .route("/bai-viet/{id}/dung-clip", get(clip::page::page).post(clip::page::draw))
        .route("/viec/{id}/tien-do", get(progress::stream))
        .route("/viec/{id}/huy", post(pages::cancel_job))
        .route("/viec/{id}/thu-lai", post(attention::retry))
        .route("/viec/{id}/bo", post(attention::give_up))
        .route("/bai-dang", get(pages::posts))
        .route("/bai-dang/{id}", get(decide::page))
        .route("/bai-dang/{id}/quyet-dinh", post(decide::decide))
        .route("/bai-dang/{id}/gui-duyet", post(crate::post::submit))
        .route("/bai-dang/{id}/duyet", post(crate::post::approve))
        .route("/bai-dang/{id}/tra-lai", post(crate::post::give_back))
        .route("/duyet", get(pages::approvals))
        .route("/can-xu-ly", get(attention::page))
        .route("/su-co/{id}/dong", post(attention::close))
        .route("/kenh", get(channels::page))
        .route("/kenh/tam-dung", post(channels::pause))
        .route("/kenh/chay-lai", post(channels::resume))
        .route("/bao-cao", get(pages::reach))
        .route("/tep/{hash}", get(media::blob))
        .route("/dang-xuat", post(auth::sign_out))
        .route("/api/v1/articles", get(api::articles))
        .route("/api/v1/posts", get(api::posts))
        .route("/api/v1/reach", get(api::reach))
        .route("/api/v1/preview", post(preview::preview))
        .route("/api/v1/preview/clip", post(clip::preview))
        .route("/api/v1/preview/clip/{id}/{file}", get(clip::frame))
        .route("/api/v1/templates", get(templates::list).post(templates::add))
        .route("/api/v1/templates/{name}", delete(templates::remove))
        .route_layer(middleware::from_fn_with_state(app.clone(), auth::require));
    let open = Router::new()
        .route("/dang-nhap", get(auth::form).post(auth::sign_in))
        .route("/ngon-ngu/{lang}", get(auth::language))
        .route("/m/{file}", get(media::public))
        .route("/hook/{account}", post(public::hook))
        .route("/l/{code}", get(public::short_link))
        .route("/l/{code}/nhe", get(public::light))
        .route("/static/{*file}", get(media::fixed))
        .route("/api/v1/openapi.json", get(api::openapi))
        .route("/khoe", get(|| async { "ok" }));
    Ok(staff
        .merge(open)
        .fallback(error::not_found)
        .layer(middleware::map_response(harden))
        .with_state(app))
}

/// Serves until `stop` resolves, then lets open requests finish.
///
/// # Errors
/// The listener's own error.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

async fn harden(mut response: axum::response::Response) -> axum::response::Response {
    const POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self'; style-src 'self' 'unsafe-inline'; \
                          frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
