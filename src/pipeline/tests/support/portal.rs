//! A portal on loopback whose answers a test changes as it goes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};

/// What it answers under a path.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: u16,
    pub body: String,
    /// Told with the answer; a question that holds it is answered with 304.
    pub etag: Option<String>,
}

#[derive(Debug, Default)]
pub struct Portal {
    pub pages: Mutex<BTreeMap<String, Said>>,
    /// Paths that were asked for, with the `If-None-Match` of the question.
    pub asked: Mutex<Vec<(String, Option<String>)>>,
    pub port: u16,
}

/// An entry of a feed: path, title, day as the feed writes it; no day where it is empty.
pub type Entry<'a> = (&'a str, &'a str, &'a str);

impl Portal {
    pub async fn open() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let portal = Arc::new(Self { port, ..Self::default() });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&portal));
        tokio::spawn(async move { axum::serve(listener, app).await });
        portal
    }

    pub fn policy(&self) -> loa_net::Policy {
        loa_net::Policy { allow_loopback: true, ports: vec![self.port] }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn says(&self, path: &str, status: u16, body: impl Into<String>) {
        let said = Said { status, body: body.into(), etag: None };
        self.pages.lock().unwrap().insert(path.to_owned(), said);
    }

    /// A feed of these entries, in this order.
    pub fn feed(&self, path: &str, entries: &[Entry<'_>]) {
        let day = |day: &str| match day {
            "" => String::new(),
            day => format!("<pubDate>{day}</pubDate>"),
        };
        let item = |(path, title, at): &Entry<'_>| {
            let (link, at) = (self.url(path).replace('&', "&amp;"), day(at));
            format!("<item><title>{title}</title><link>{link}</link>{at}</item>")
        };
        let items = entries.iter().map(item).collect::<String>();
        let body = format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Cổng Minh Họa</title>{items}</channel></rss>"
        );
        self.says(path, 200, body);
    }

    /// An article under this path.
    pub fn article(&self, path: &str, title: &str) {
        let body = format!(
            "<html lang=\"vi\"><head><title>{title}</title></head><body><h1>{title}</h1>\
             <div class=\"detail-content\"><p>Học sinh toàn tỉnh nghỉ học từ chiều nay. Tàu thuyền không được ra khơi.</p></div></body></html>"
        );
        self.says(path, 200, body);
    }

    /// How often it was asked.
    pub fn questions(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Tells this with the next answers under a path.
    pub fn etag(&self, path: &str, etag: &str) {
        self.pages.lock().unwrap().get_mut(path).unwrap().etag = Some(etag.to_owned());
    }
}

async fn answer(State(portal): State<Arc<Portal>>, uri: Uri, headers: HeaderMap) -> Response {
    let known = headers.get("if-none-match").map(|value| value.to_str().unwrap().to_owned());
    let path = uri.path().to_owned();
    portal.asked.lock().unwrap().push((path.clone(), known.clone()));
    let said = portal.pages.lock().unwrap().get(&path).cloned();
    let Some(said) = said else { return StatusCode::NOT_FOUND.into_response() };
    if said.etag.is_some() && said.etag == known {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let kind = if said.body.contains("<rss") { "application/rss+xml" } else { "text/html" };
    let status = StatusCode::from_u16(said.status).unwrap();
    let mut answer = (status, [("content-type", kind)], said.body).into_response();
    if let Some(etag) = said.etag {
        answer.headers_mut().insert("etag", etag.parse().unwrap());
    }
    answer
}
