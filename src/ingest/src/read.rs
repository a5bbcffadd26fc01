//! From a source to a draft, its photos and its videos: the only part of this crate that touches network or disk.

use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use loa_net::{Client, Request};
use tokio::io::AsyncReadExt as _;
use url::Url;

use crate::{
    Config, Draft, Error, FeedEntry, FeedRead, FeedStamp, FetchedPhoto, FetchedVideo,
    FetchedVideos, MediaPlace, Result, Warning, clean, feed, json,
    markdown::{self, Writing},
    page, video,
};

/// Largest page or file, 5 MiB.
pub const MAX_PAGE: usize = 5 * 1024 * 1024;
/// Largest photo, 20 MiB; the client's own cap may be lower.
const MAX_PHOTO: usize = 20 * 1024 * 1024;

/// What a person points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Url(Url),
    /// A file.
    File(PathBuf),
    /// The bytes of a file that somebody handed in.
    Bytes {
        /// Its name, of which the ending says what it is.
        name: String,
        /// Its bytes.
        bytes: Bytes,
        /// Where the article was published, for a file that does not say it.
        page: Option<Url>,
    },
}

impl Source {
    /// An http address, or else a path.
    pub fn parse(text: &str) -> Self {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::File(PathBuf::from(text)),
        }
    }
}

/// How an article is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page.
    Html,
    /// `loa/article-1` or ninjs.
    Json,
    /// Markdown with optional front matter.
    Markdown,
    /// Paragraphs between empty lines, the first one the title.
    Text,
}

impl Kind {
    /// The kind of a file by its name.
    ///
    /// # Errors
    /// [`Error::UnknownKind`].
    pub fn of(path: &Path) -> Result<Self> {
        let extension =
            path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "html" | "htm" | "xhtml" => Ok(Self::Html),
            "json" => Ok(Self::Json),
            "md" | "markdown" => Ok(Self::Markdown),
            "txt" => Ok(Self::Text),
            _ => Err(Error::UnknownKind { what: path.display().to_string() }),
        }
    }
}

/// Where the relative addresses of a source lead.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Address of the page.
    pub page: Option<Url>,
    /// Folder whose files the source may name; none outside it.
    pub folder: Option<PathBuf>,
}

impl Place {
    /// This place, at this address when it had none.
    #[must_use]
    pub(crate) fn with_page(mut self, canonical: Option<&str>) -> Self {
        self.page = self.page.or_else(|| canonical.and_then(|url| Url::parse(url).ok()));
        self
    }

    pub(crate) fn shown(&self) -> String {
        self.page.as_ref().map(Url::to_string).unwrap_or_default()
    }

    /// Where a photo or video named by the source is: a file beside it, else an address. A name that climbs out of the
    /// folder is neither.
    pub(crate) fn media(&self, source: &str) -> Option<MediaPlace> {
        let absolute = Url::parse(source).ok();
        if let Some(url) = absolute {
            return matches!(url.scheme(), "http" | "https").then_some(MediaPlace::Url(url));
        }
        if let Some(folder) = &self.folder
            && !source.starts_with("//")
        {
            let relative = Path::new(source);
            let inside = relative
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            // A link may lead out of the folder: the place it leads to is what counts.
            let real = folder.join(relative).canonicalize().ok();
            let real = real.filter(|path| {
                path.is_file() && folder.canonicalize().is_ok_and(|folder| path.starts_with(folder))
            });
            if let (true, Some(path)) = (inside, real) {
                return Some(MediaPlace::File(path));
            }
        }
        self.page.as_ref().and_then(|page| page.join(source).ok()).map(MediaPlace::Url)
    }
}

/// An article from its text. Pure: nothing is fetched.
///
/// # Errors
/// Every content error of [`Error`].
pub fn parse(kind: Kind, text: &str, place: &Place, via: &str) -> Result<Draft> {
    match kind {
        Kind::Html => page::read(text, place, via),
        Kind::Json => json::read(text, place),
        Kind::Markdown => markdown::read(text, Writing::Markdown, place),
        Kind::Text => markdown::read(text, Writing::Plain, place),
    }
}

/// Reads sources with a guarded client.
#[derive(Debug, Clone)]
pub struct Ingest {
    client: Client,
    config: Config,
}

impl Ingest {
    /// Reads the web through `client`, which must be a guarded one: the addresses come from users.
    pub fn new(client: Client) -> Self {
        Self { client, config: Config::default() }
    }

    /// This, with these limits in place of the defaults.
    #[must_use]
    pub fn with(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Reads one article. A file's photos and videos must lie in `folder`, its own folder when absent.
    ///
    /// # Errors
    /// Every case of [`Error`]; nothing was stored.
    pub async fn read(&self, source: &Source, folder: Option<&Path>) -> Result<Draft> {
        let (kind, bytes, charset, place, via) = match source {
            Source::Url(url) => {
                let answer = self.get(url.clone(), MAX_PAGE).await?;
                let mime = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
                let start = String::from_utf8_lossy(
                    answer.body.get(..answer.body.len().min(300)).unwrap_or_default(),
                );
                if mime.contains("rss")
                    || mime.contains("atom")
                    || start.contains("<rss")
                    || start.contains("<feed")
                {
                    return Err(Error::IsFeed { what: url.to_string() });
                }
                let kind = match mime.as_str() {
                    m if m.contains("json") => Kind::Json,
                    m if m.contains("markdown") => Kind::Markdown,
                    m if m.is_empty() || m.contains("html") => Kind::Html,
                    _ => return Err(Error::UnknownKind { what: format!("{url} ({mime})") }),
                };
                let charset =
                    mime.split_once("charset=").map(|(_, name)| name.trim_matches('"').to_owned());
                let page = Some(answer.url.clone());
                (kind, answer.body, charset, Place { page, folder: None }, "url")
            }
            Source::File(path) => {
                let kind = Kind::of(path)?;
                let bytes = file(path, MAX_PAGE).await?;
                let beside = path
                    .parent()
                    .map(|parent| if parent == Path::new("") { Path::new(".") } else { parent });
                let folder = folder.or(beside).map(Path::to_owned);
                (kind, bytes, None, Place { page: None, folder }, "html")
            }
            Source::Bytes { name, bytes, page } => {
                let kind = Kind::of(Path::new(name))?;
                let place = Place { page: page.clone(), folder: None };
                (kind, bytes.clone(), None, place, "html")
            }
        };
        let text = clean::decode(&bytes, charset.as_deref()).ok_or(Error::Encoding)?;
        let fetched = matches!(source, Source::Url(_)) && kind == Kind::Html;
        if fetched && !text.to_ascii_lowercase().contains("</html") {
            return Err(Error::Truncated { url: place.shown() });
        }
        // A large page takes a while to parse: not on the threads that serve requests.
        tokio::task::spawn_blocking(move || parse(kind, &text, &place, via))
            .await
            .map_err(|_| Error::UnknownKind { what: "this page (its parser failed)".to_owned() })?
    }

    /// The entries of an RSS or Atom feed.
    ///
    /// # Errors
    /// [`Error::Feed`] and the errors of fetching.
    pub async fn read_feed(&self, source: &Source) -> Result<Vec<FeedEntry>> {
        match source {
            Source::Url(url) => {
                let answer = self.get(url.clone(), MAX_PAGE).await?;
                feed::entries(&answer.body, Some(&answer.url))
            }
            Source::File(path) => feed::entries(&file(path, MAX_PAGE).await?, None),
            Source::Bytes { bytes, .. } => feed::entries(bytes, None),
        }
    }

    /// Looks at a feed that is watched; nothing when the portal says that it is as it was when `stamp` was given.
    ///
    /// # Errors
    /// [`Error::Feed`], [`Error::TooMany`] and the errors of fetching.
    pub async fn look(&self, url: &Url, stamp: &FeedStamp) -> Result<Option<FeedRead>> {
        let shown = loa_net::redacted_url(url);
        let mut request = Request::get(url.clone()).at_most(MAX_PAGE as u64);
        for (name, value) in
            [("if-none-match", &stamp.etag), ("if-modified-since", &stamp.modified)]
        {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let answer = self.ask(request, MAX_PAGE as u64).await?;
        if answer.status == 304 && *stamp != FeedStamp::default() {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(Error::Status { url: shown, status: answer.status });
        }
        // A long one comes back as it was written, or not at all: it is sent with each question.
        let kept = |name| answer.header(name).filter(|text| text.len() <= 512).map(str::to_owned);
        let stamp = FeedStamp { etag: kept("etag"), modified: kept("last-modified") };
        let (body, base) = (answer.body, answer.url);
        let read = tokio::task::spawn_blocking(move || feed::read(&body, Some(&base)))
            .await
            .map_err(|_| Error::Feed("its parser failed".to_owned()))??;
        if read.entries.len() > feed::MOST {
            return Err(Error::TooMany { limit: feed::MOST });
        }
        Ok(Some(FeedRead { stamp, ..read }))
    }

    /// Fetches the photos of a draft. One that is refused for good or is no picture is left out with a warning.
    ///
    /// # Errors
    /// [`Error::Fetch`] or [`Error::Status`] when a photo may be there later: try the whole article again then.
    pub async fn fetch_photos(&self, draft: &mut Draft) -> Result<Vec<FetchedPhoto>> {
        let mut fetched = Vec::new();
        let mut left_out = Vec::new();
        for (index, photo) in draft.photos.iter().enumerate() {
            let bytes = match &photo.place {
                MediaPlace::Url(url) => {
                    self.get(url.clone(), MAX_PHOTO).await.map(|answer| answer.body)
                }
                MediaPlace::File(path) => file(path, MAX_PHOTO).await,
            };
            match bytes {
                Ok(bytes) => match sniff(&bytes) {
                    Some(mime) => fetched.push(FetchedPhoto { index, bytes, mime }),
                    None => left_out.push(format!("{:?}: not a picture", photo.place)),
                },
                Err(error) if error.may_work_later() => return Err(error),
                Err(error) => left_out.push(error.to_string()),
            }
        }
        let warning = |detail| Warning { code: "photo_left_out", detail };
        draft.warnings.extend(left_out.into_iter().map(warning));
        Ok(fetched)
    }

    /// Fetches the videos of a draft, each into a file of its own in `folder`, which is this draft's alone; one beside a
    /// local article stays where it is. One that cannot be had, is too large or is no video is left out with a warning: an
    /// article never waits for its videos. Store what came, then tell [`Draft::keep_videos`].
    pub async fn fetch_videos(&self, draft: &mut Draft, folder: &Path) -> FetchedVideos {
        let mut videos = FetchedVideos::default();
        let mut left_out = Vec::new();
        for (index, video) in draft.videos.iter().enumerate() {
            let (shown, path) = match &video.place {
                MediaPlace::Url(url) => {
                    (loa_net::redacted_url(url), folder.join(format!("video-{index}")))
                }
                MediaPlace::File(path) => (path.display().to_string(), path.clone()),
            };
            let why = match self.video(&video.place, &path).await {
                Ok((bytes, Some(mime))) => {
                    videos.fetched.push(FetchedVideo { index, path, bytes, mime });
                    continue;
                }
                Ok((_, None)) => format!(
                    "{shown}: not a video; its bytes are those of no mp4, mov, webm, mkv, ts or avi file"
                ),
                Err(error) => {
                    if error.may_work_later() {
                        videos.maybe_later.push(index);
                    }
                    error.to_string()
                }
            };
            left_out.push(why);
            // What came of it is of no use, and a folder of work is small.
            if matches!(video.place, MediaPlace::Url(_))
                && let Err(error) = tokio::fs::remove_file(&path).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                left_out.push(format!("{}: cannot be removed: {error}", path.display()));
            }
        }
        let warning = |detail| Warning { code: "video_left_out", detail };
        draft.warnings.extend(left_out.into_iter().map(warning));
        videos
    }

    /// Brings one video to `path`, or finds it there; its length, and its media type when it is a video.
    async fn video(&self, place: &MediaPlace, path: &Path) -> Result<(u64, Option<&'static str>)> {
        let limit = self.config.video_max_bytes;
        if let MediaPlace::Url(url) = place {
            let request = Request::get(url.clone())
                .at_most(limit)
                .timeout(self.config.video_timeout())
                .into_file(path);
            self.send(request, limit).await?;
        }
        let failed =
            |error: std::io::Error| Error::File { path: path.to_owned(), why: error.to_string() };
        let file = tokio::fs::File::open(path).await.map_err(failed)?;
        let bytes = file.metadata().await.map_err(failed)?.len();
        if bytes > limit {
            return Err(Error::TooLarge { what: path.display().to_string(), limit });
        }
        let mut head = Vec::with_capacity(video::HEAD);
        file.take(video::HEAD as u64).read_to_end(&mut head).await.map_err(failed)?;
        Ok((bytes, video::sniff(&head)))
    }

    async fn get(&self, url: Url, limit: usize) -> Result<loa_net::Response> {
        let what = loa_net::redacted_url(&url);
        let answer = self.send(Request::get(url), limit as u64).await?;
        if answer.body.len() > limit {
            return Err(Error::TooLarge { what, limit: limit as u64 });
        }
        Ok(answer)
    }

    async fn ask(&self, request: Request, limit: u64) -> Result<loa_net::Response> {
        let shown = loa_net::redacted_url(&request.url);
        let request = request.header("accept-language", "vi,en;q=0.5");
        self.client.send(request, None).await.map_err(|error| failed(&shown, &error, limit))
    }

    async fn send(&self, request: Request, limit: u64) -> Result<loa_net::Response> {
        let shown = loa_net::redacted_url(&request.url);
        let answer = self.ask(request, limit).await?;
        if !answer.is_success() {
            return Err(Error::Status { url: shown, status: answer.status });
        }
        Ok(answer)
    }
}

fn failed(shown: &str, error: &loa_net::Error, limit: u64) -> Error {
    use loa_net::ErrorKind as K;
    if error.kind == K::TooLarge {
        return Error::TooLarge { what: shown.to_owned(), limit };
    }
    let again = matches!(error.kind, K::Timeout | K::Connect | K::Broken);
    Error::Fetch { url: shown.to_owned(), why: error.to_string(), again }
}

async fn file(path: &Path, limit: usize) -> Result<Bytes> {
    let failed =
        |error: std::io::Error| Error::File { path: path.to_owned(), why: error.to_string() };
    let length = tokio::fs::metadata(path).await.map_err(failed)?.len();
    if length > limit as u64 {
        let limit = limit as u64;
        return Err(Error::TooLarge { what: path.display().to_string(), limit });
    }
    tokio::fs::read(path).await.map(Bytes::from).map_err(failed)
}

/// Media type by the first bytes.
fn sniff(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
