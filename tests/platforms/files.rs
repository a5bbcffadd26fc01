//! Media at public addresses: a file server on loopback, with a place that answers webhook checks, and a server of another
//! origin that only counts.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use loa_channel::{Blobs as _, MediaUrls, fixture::MemoryBlobs};
use loa_model::{BlobHash, DeliveryId, Media};
use tokio::net::TcpListener;
use url::Url;

/// Serves every blob under an address per delivery.
#[derive(Debug)]
pub struct Files {
    base: String,
}

/// Another origin: nobody may speak to it.
#[derive(Debug)]
pub struct Elsewhere {
    base: String,
    hits: Arc<AtomicU64>,
}

impl Files {
    pub async fn serve(blobs: Arc<MemoryBlobs>) -> Self {
        let router = Router::new()
            .route("/m/{delivery}/{file}", get(file))
            .route("/hook", post(async || StatusCode::OK))
            .with_state(blobs);
        Self { base: listen(router).await }
    }

    /// What the address of every file begins with.
    pub fn base(&self) -> String {
        format!("{}/m/", self.base)
    }

    /// An address that answers a platform's check of a webhook.
    pub fn hook(&self) -> String {
        format!("{}/hook", self.base)
    }
}

#[async_trait]
impl MediaUrls for Files {
    async fn url(&self, delivery: DeliveryId, media: &Media) -> loa_channel::Result<Url> {
        let extension = match media.mime.as_str() {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "video/mp4" => "mp4",
            other => panic!("no extension for {other}"),
        };
        let address = format!("{}/m/{delivery}/{}.{extension}", self.base, media.blob);
        Ok(address.parse().expect("written as an address"))
    }
}

impl Elsewhere {
    pub async fn listen() -> Self {
        let hits = Arc::new(AtomicU64::new(0));
        let count = hits.clone();
        let router = Router::new().fallback(move || {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(StatusCode::OK)
        });
        Self { base: listen(router).await, hits }
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the runtime of the test.
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

async fn file(
    State(blobs): State<Arc<MemoryBlobs>>,
    Path((_, name)): Path<(String, String)>,
) -> Response {
    let (hash, extension) = name.split_once('.').unwrap_or_default();
    let Ok(hash) = hash.parse::<BlobHash>() else { return StatusCode::NOT_FOUND.into_response() };
    let mime = match extension {
        "jpg" => "image/jpeg",
        "png" => "image/png",
        _ => "video/mp4",
    };
    match blobs.read(hash).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, mime)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
