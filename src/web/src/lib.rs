#![doc = include_str!("../README.md")]

mod accounts;
mod acting;
mod agencies;
mod api;
mod approvals;
mod article;
mod articles;
mod asked;
mod assets;
mod attention;
mod audit;
mod auth;
mod brands;
mod calendar;
mod channels;
mod clip;
mod correction;
mod decide;
mod emergency;
mod error;
mod feeds;
mod guard;
mod local;
mod machine;
mod media;
mod operate;
mod operation;
mod own;
mod pages;
mod people;
mod picture;
mod post;
mod posts;
mod preview;
mod priority;
mod progress;
mod public;
mod reach;
mod setup;
mod squeeze;
mod start;
mod takedown;
mod templates;
mod timeline;
mod tokens;
mod variant;
mod view;
mod ways;
mod words;

use std::{collections::BTreeMap, future::Future, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    handler::Handler as _,
    http::Method,
    middleware::{self, Next},
    response::Response,
};
use loa_delivery::Desk;
use loa_model::{Capability, Ids, JobId, Progress, seams::SharedClock};
use loa_review::Review;
use loa_store::{Blobs, Store};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::watch};

pub use accounts::Connections;
pub use assets::{Assets, AssetsError};
pub use auth::{Session, hash_password};
pub use brands::{Kit, KitDraft, KitError, KitOf, KitWish, Kits, LogoWish, SampleCard};
pub use clip::{
    Arranged, ClipRow, Clips, Place, Rehearsed, Shown, Spot, Subtitle, Telling, WantedClip,
};
pub use local::{Local, call_local, serve_local};
pub use operation::{
    ASKS,
    once::{Answer as KeptAnswer, Kept as KeptRequest},
};
pub use preview::{Cards, Drawn, Family, Refused, Wanted};
pub use reach::files::Paper;
pub use setup::Setup;
pub use tokens::{ApiToken, Scope};
pub use ways::{Access, Way};

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
    /// Who draws in brand kits and keeps them.
    pub kits: Arc<dyn Kits>,
    /// Who draws reports on paper.
    pub paper: Arc<dyn Paper>,
    /// Reads feeds that are tried before they are watched: over a guarded client, since people give the addresses.
    pub ingest: loa_ingest::Ingest,
    /// Who keeps credentials of accounts and asks platforms about them.
    pub connections: Arc<dyn Connections>,
    /// What the first set-up is opened with.
    pub setup: Setup,
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
    pub(crate) small: media::Small,
    pub(crate) clips: Arc<dyn Clips>,
    pub(crate) kits: Arc<dyn Kits>,
    pub(crate) paper: Arc<dyn Paper>,
    pub(crate) ingest: loa_ingest::Ingest,
    pub(crate) config: Config,
    pub(crate) connections: Arc<dyn Connections>,
    pub(crate) door: setup::Door,
    pub(crate) begun: start::Begun,
    pub(crate) attempts: auth::Attempts,
    pub(crate) limits: tokens::Limits,
    pub(crate) keys: operation::once::Keys,
    pub(crate) counts: attention::Counts,
    pub(crate) catalogue: articles::Catalogue,
    pub(crate) reach: reach::shelf::Shelf,
}

pub(crate) type Shared = Arc<App>;

/// Every page and address of the application.
///
/// # Errors
/// [`AssetsError`] when a channel's frame is not a valid template.
pub fn router(deps: Deps) -> Result<Router, AssetsError> {
    let mut assets = deps.assets;
    for (channel, frame) in deps.frames {
        assets.add_frame(&channel, &frame)?;
    }
    // Whatever an operation commits, it commits on the terms of its request.
    let store: Arc<dyn Store> = Arc::new(operation::terms::Careful(deps.store));
    let app: Shared = Arc::new(App {
        review: deps.review.over(Arc::clone(&store)),
        desk: deps.desk.over(Arc::clone(&store)),
        store,
        blobs: deps.blobs,
        clock: deps.clock,
        ids: deps.ids,
        assets,
        capabilities: deps.capabilities,
        progress: deps.progress,
        cards: deps.cards,
        small: media::Small::default(),
        clips: deps.clips,
        kits: deps.kits,
        paper: deps.paper,
        ingest: deps.ingest,
        config: deps.config,
        connections: deps.connections,
        door: setup::Door::new(deps.setup),
        begun: start::Begun::default(),
        attempts: auth::Attempts::default(),
        limits: tokens::Limits::default(),
        keys: operation::once::Keys::default(),
        counts: attention::Counts::default(),
        catalogue: articles::Catalogue::default(),
        reach: reach::shelf::Shelf::default(),
    });
    let (router, ways) = table();
    let gate = Arc::new(ways::Gate::of(&ways));
    let rules = Arc::new(operation::Rules::new(&app, &router, &ways));
    let router = router
        .route_layer(middleware::from_fn_with_state(rules, operation::keep))
        .route_layer(middleware::from_fn_with_state((Arc::clone(&app), gate), auth::require))
        .fallback(error::not_found)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), finish))
        .layer(squeeze::layer());
    Ok(router.with_state(app))
}

/// Every address there is, with who may ask for it.
pub fn ways() -> Vec<Way> {
    table().1
}

fn table() -> (Router<Shared>, Vec<Way>) {
    use approvals::answers::{self, approve_told, many_told, reject_told, return_told};
    use ways::{ADMINS, Access, NEWSROOM, SIGNERS, SWITCHERS, WRITERS};
    let (anyone, staff) = (Access::Anyone, Access::Staff);
    let (clip, frame) = clip::openapi();
    ways::Ways::default()
        .and(agencies::ways)
        .and(words::ways)
        .and(operate::ways)
        .and(feeds::ways)
        .and(setup::ways)
        .and(start::ways)
        .and(accounts::ways)
        .and(variant::ways)
        .and(article::address::ways)
        .and(brands::ways)
        .and(reach::ways)
        .get("/", staff, articles::page)
        .post("/bai-viet", WRITERS, articles::add)
        .post("/bai-viet/tep", WRITERS, articles::upload.layer(articles::limit()))
        .post("/bai-viet/soan", WRITERS, articles::compose)
        .get("/bai-viet/{id}", staff, article::page)
        .post("/bai-viet/{id}/soan", WRITERS, article::compose)
        .get("/bai-viet/{id}/go", staff, takedown::page)
        .post("/bai-viet/{id}/go", SIGNERS, takedown::press)
        .get("/viec/{id}/tien-do", staff, progress::stream)
        .post("/viec/{id}/huy", NEWSROOM, pages::cancel_job)
        .post("/viec/{id}/thu-lai", NEWSROOM, attention::retry)
        .post("/viec/{id}/bo", NEWSROOM, attention::give_up)
        .get("/bai-dang", staff, posts::page)
        .get("/bai-dang/{id}", staff, decide::page)
        .post("/bai-dang/{id}/quyet-dinh", NEWSROOM, decide::decide)
        .post("/bai-dang/{id}/gui-duyet", WRITERS, crate::post::submit)
        .post("/bai-viet/{id}/gui-duyet", WRITERS, article::handing::submit)
        .post("/bai-dang/{id}/duyet", SIGNERS, crate::post::approve)
        .post("/bai-dang/{id}/tra-lai", SIGNERS, crate::post::give_back)
        .post("/bai-dang/{id}/tu-choi", SIGNERS, answers::reject)
        .get("/bai-dang/{id}/dinh-chinh", WRITERS, correction::page)
        .post("/bai-dang/{id}/dinh-chinh", WRITERS, correction::press)
        .post("/bai-dang/{id}/gui-dinh-chinh", SIGNERS, correction::send)
        .post("/bai-dang/{id}/duyet-khan", SIGNERS, emergency::press)
        .post("/bai-dang/{id}/xem-lai", SIGNERS, emergency::look)
        .get("/duyet", staff, approvals::page)
        .post("/duyet/nhieu", SIGNERS, answers::approve_ticked)
        .get("/can-xu-ly", staff, attention::page)
        .post("/su-co/{id}/dong", Access::Only(loa_delivery::CLOSERS), attention::close)
        .get("/lich", staff, calendar::page::page)
        .post("/bai-dang/{id}/doi-gio", NEWSROOM, calendar::page::shift)
        .get("/lich/nhap", NEWSROOM, calendar::import::form)
        .post("/lich/nhap", NEWSROOM, calendar::import::press)
        .get("/kenh", staff, channels::page)
        .get("/kenh/dung", SWITCHERS, channels::sure)
        .post("/kenh/tam-dung", SWITCHERS, channels::pause)
        .post("/kenh/chay-lai", SWITCHERS, channels::resume)
        .get("/bao-cao", staff, reach::overview::page)
        .get("/bao-cao/bai-viet/{id}", staff, reach::article::page)
        .get("/bao-cao/bai-dang", staff, reach::lists::posts_page)
        .get("/bao-cao/khung-gio", staff, reach::lists::hours_page)
        .get("/bao-cao/van-hanh", staff, reach::lists::work_page)
        .get("/bao-cao/chia-se", reach::SHARERS, reach::share::page)
        .post("/bao-cao/chia-se", reach::SHARERS, reach::share::make)
        .post("/bao-cao/chia-se/{id}/thu-hoi", reach::SHARERS, reach::share::revoke)
        .get("/nhat-ky", audit::READERS, audit::page)
        .post("/nhat-ky/kiem-tra", audit::CHECKERS, audit::check)
        .get("/tep/{hash}", staff, media::blob)
        .get("/tep/{hash}/nho", staff, media::small)
        .post("/dang-xuat", staff, auth::sign_out)
        .get("/quan-tri", ADMINS, people::page::page)
        .post("/quan-tri/nguoi", ADMINS, people::page::make)
        .post("/quan-tri/nguoi/{id}", ADMINS, people::page::edit)
        .post("/quan-tri/nguoi/{id}/mat-khau", ADMINS, people::page::give)
        .post("/quan-tri/nguoi/{id}/ngung", ADMINS, people::page::deactivate)
        .post("/quan-tri/moi", ADMINS, people::page::invite)
        .post("/quan-tri/nguoi/{id}/dua-ra", ADMINS, people::page::take_out)
        .get("/quan-tri/ma", ADMINS, tokens::others::page)
        .post("/quan-tri/ma/{id}/thu-hoi", ADMINS, tokens::others::revoke)
        .post("/quan-tri/nguoi/{id}/mo-lai", ADMINS, people::page::reactivate)
        .get("/toi", staff, own::page)
        .get("/toi/mat-khau", staff, own::renew::page)
        .post("/toi/mat-khau", staff, own::password)
        .post("/toi/ngon-ngu", staff, own::language)
        .post("/toi/co-quan", staff, acting::choose)
        .post("/toi/ma", staff, tokens::make)
        .post("/toi/ma/{id}/thu-hoi", staff, tokens::revoke)
        .post("/toi/phien/khac/thu-hoi", staff, own::end_others)
        .post("/toi/phien/{id}/thu-hoi", staff, own::end)
        .api(Method::GET, "/api/v1/articles", staff, (articles::told(), articles::list))
        .api(
            Method::GET,
            "/api/v1/articles/{id}",
            staff,
            (article::api::told(), article::api::operation),
        )
        .api(
            Method::POST,
            "/api/v1/articles/{id}/retract",
            SIGNERS,
            (takedown::told(), takedown::operation),
        )
        .api(Method::GET, "/api/v1/posts", staff, (api::posts_told(), api::posts))
        .api(Method::GET, "/api/v1/approvals", staff, (approvals::list_told(), approvals::list))
        .api(Method::POST, "/api/v1/posts/approve", SIGNERS, (many_told(), answers::approve_many))
        .api(Method::GET, "/api/v1/posts/{id}", staff, (approvals::one_told(), approvals::one))
        .api(
            Method::POST,
            "/api/v1/posts/{id}/approve",
            SIGNERS,
            (approve_told(), answers::approve_one),
        )
        .api(
            Method::POST,
            "/api/v1/posts/{id}/return",
            SIGNERS,
            (return_told(), answers::return_one),
        )
        .api(
            Method::POST,
            "/api/v1/posts/{id}/reject",
            SIGNERS,
            (reject_told(), answers::reject_one),
        )
        .api(
            Method::POST,
            "/api/v1/posts/{id}/second-look",
            SIGNERS,
            (emergency::told(), emergency::look_one),
        )
        .api(
            Method::POST,
            "/api/v1/posts/{id}/correct",
            WRITERS,
            (correction::told(), correction::operation),
        )
        .api(
            Method::GET,
            "/api/v1/posts/{id}/timeline",
            staff,
            (timeline::told(), timeline::operation),
        )
        .api(
            Method::POST,
            "/api/v1/posts/{id}/schedule",
            NEWSROOM,
            (calendar::schedule_told(), calendar::schedule),
        )
        .api(
            Method::GET,
            "/api/v1/calendar",
            staff,
            (calendar::calendar_told(), calendar::calendar),
        )
        .api(
            Method::GET,
            "/api/v1/calendar/export",
            staff,
            (calendar::export::told(), calendar::export::export),
        )
        .api(
            Method::POST,
            "/api/v1/calendar/import",
            NEWSROOM,
            (calendar::import::told(), calendar::import::import),
        )
        .api(Method::GET, "/api/v1/reach", staff, (api::reach_told(), api::reach))
        .api(
            Method::GET,
            "/api/v1/reach/overview",
            staff,
            (reach::told::overview(), reach::overview::operation),
        )
        .api(
            Method::GET,
            "/api/v1/reach/articles/{id}",
            staff,
            (reach::told::article(), reach::article::operation),
        )
        .api(
            Method::GET,
            "/api/v1/reach/articles/{id}/{file}",
            staff,
            (reach::told::article_file(), reach::files::article),
        )
        .api(
            Method::GET,
            "/api/v1/reach/posts",
            staff,
            (reach::told::ranking(), reach::lists::ranking),
        )
        .api(Method::GET, "/api/v1/reach/hours", staff, (reach::told::hours(), reach::lists::hours))
        .api(
            Method::GET,
            "/api/v1/reach/operations",
            staff,
            (reach::told::operations(), reach::lists::operations),
        )
        .api(
            Method::GET,
            "/api/v1/reach/files/{file}",
            staff,
            (reach::told::file(), reach::files::file),
        )
        .api(
            Method::GET,
            "/api/v1/reach/shares",
            reach::SHARERS,
            (reach::told::shares(), reach::share::list),
        )
        .api(
            Method::POST,
            "/api/v1/reach/shares",
            reach::SHARERS,
            (reach::told::share(), reach::share::add),
        )
        .api(
            Method::DELETE,
            "/api/v1/reach/shares/{id}",
            reach::SHARERS,
            (reach::told::unshare(), reach::share::remove),
        )
        .api(Method::GET, "/api/v1/audit", audit::READERS, (audit::told::list(), audit::list))
        .api(Method::GET, "/api/v1/audit/{id}", audit::READERS, (audit::told::one(), audit::one))
        .api(
            Method::GET,
            "/api/v1/audit/nhat-ky.csv",
            audit::READERS,
            (audit::told::file(), audit::file),
        )
        .api(
            Method::POST,
            "/api/v1/audit/verify",
            audit::CHECKERS,
            (audit::told::verify(), audit::verify),
        )
        .api(Method::POST, "/api/v1/preview", NEWSROOM, (preview::openapi(), preview::preview))
        .api(Method::POST, "/api/v1/preview/clip", NEWSROOM, (clip, clip::preview))
        .api(Method::GET, "/api/v1/preview/clip/{id}/{file}", NEWSROOM, (frame, clip::frame))
        .api(Method::GET, "/api/v1/templates", staff, (templates::list_told(), templates::list))
        .api(Method::POST, "/api/v1/templates", ADMINS, (templates::add_told(), templates::add))
        .api(
            Method::DELETE,
            "/api/v1/templates/{name}",
            ADMINS,
            (templates::remove_told(), templates::remove),
        )
        .api(Method::GET, "/api/v1/users", ADMINS, (people::told::list(), people::list))
        .api(Method::POST, "/api/v1/users", ADMINS, (people::told::add(), people::add_one))
        .api(
            Method::PATCH,
            "/api/v1/users/{id}",
            ADMINS,
            (people::told::change(), people::change_one),
        )
        .api(
            Method::POST,
            "/api/v1/users/invite",
            ADMINS,
            (people::told::invite(), people::guests::invite_one),
        )
        .api(
            Method::DELETE,
            "/api/v1/users/{id}/membership",
            ADMINS,
            (people::told::take_out(), people::guests::take_out_one),
        )
        .api(
            Method::POST,
            "/api/v1/users/{id}/password",
            ADMINS,
            (people::told::give(), people::give_one),
        )
        .api(Method::GET, "/api/v1/users/{id}", ADMINS, (people::told::one(), people::one))
        .api(Method::GET, "/api/v1/tokens/{id}", staff, (tokens::one_told(), tokens::one))
        .api(Method::GET, "/api/v1/sessions/{id}", staff, (own::one_told(), own::one))
        .api(
            Method::GET,
            "/api/v1/reach/shares/{id}",
            reach::SHARERS,
            (reach::told::one_share(), reach::share::one),
        )
        .api(
            Method::GET,
            "/api/v1/templates/{name}",
            staff,
            (templates::one_told(), templates::one),
        )
        .api(Method::GET, "/api/v1/tokens", staff, (tokens::list_told(), tokens::list))
        .api(Method::DELETE, "/api/v1/tokens/{id}", staff, (tokens::remove_told(), tokens::remove))
        .api(
            Method::POST,
            "/api/v1/own/password",
            staff,
            (own::password_told(), own::password_operation),
        )
        .api(Method::GET, "/api/v1/own/agencies", staff, (acting::list_told(), acting::list))
        .api(Method::PUT, "/api/v1/own/agency", staff, (acting::set_told(), acting::set))
        .api(
            Method::PUT,
            "/api/v1/own/language",
            staff,
            (own::language_told(), own::language_operation),
        )
        .api(
            Method::DELETE,
            "/api/v1/sessions",
            staff,
            (own::remove_others_told(), own::remove_others),
        )
        .api(Method::GET, "/api/v1/sessions", staff, (own::list_told(), own::list))
        .api(Method::DELETE, "/api/v1/sessions/{id}", staff, (own::remove_told(), own::remove))
        .get("/dang-nhap", anyone, auth::form)
        .post("/dang-nhap", anyone, auth::sign_in)
        .get("/ngon-ngu/{lang}", anyone, auth::language)
        .get("/m/{file}", anyone, media::public)
        .post("/hook/{account}", anyone, public::hook)
        .get("/l/{code}", anyone, public::short_link)
        .get("/l/{code}/nhe", anyone, public::light)
        .get("/static/{*file}", anyone, media::fixed)
        .api(Method::GET, "/api/v1/openapi.json", anyone, (api::openapi_told(), api::openapi))
        .get("/chia-se/{token}", anyone, reach::share::open)
        .get("/khoe", anyone, || async { "ok" })
        .done()
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

/// Puts what every answer carries on it, and says what went wrong: with an operation as a problem, else as a page.
async fn finish(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (operates, media) = (path.starts_with("/api/"), path.starts_with("/m/"));
    let for_machines = media || ["/hook/", "/static/"].iter().any(|part| path.starts_with(part));
    let lang = auth::language_of(request.headers(), &app.config.language);
    let back = auth::came_from(request.headers());
    let mut response = next.run(request).await;
    if operates {
        response = error::told(response, &lang).await;
    } else if !for_machines {
        response = error::shown(response, &lang, back.as_deref()).await;
    }
    guard::put_on(&app, media, response.headers_mut());
    response
}
