//! The videos of an article: which names mean a file, which of them are one video, and what only a player can show.

use url::{Position, Url};

use crate::{
    MediaPlace, Place, VideoRef, Warning,
    clean::{clean, split_video_credit},
};

/// Videos of one article.
const MAX_VIDEOS: usize = 5;

const FILES: [&str; 7] = ["mp4", "mov", "m4v", "webm", "mkv", "ts", "avi"];
const STREAMS: [&str; 2] = ["m3u8", "mpd"];
const STREAM_TYPES: [&str; 6] = [
    "application/x-mpegurl",
    "application/vnd.apple.mpegurl",
    "application/dash+xml",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "video/vnd.mpeg.dash.mpd",
];

/// What the name of a video promises; the bytes are judged when they are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// One file.
    File,
    /// A list of pieces that a player fetches one after the other.
    Stream,
    /// Neither ending nor type tells.
    Unknown,
}

impl Form {
    /// By the declared media type and by the ending of the name.
    pub(crate) fn of(source: &str, mime: &str) -> Self {
        let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let path = source.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let ending = ending.unwrap_or_default();
        if STREAMS.contains(&ending.as_str()) || STREAM_TYPES.contains(&mime.as_str()) {
            Self::Stream
        } else if FILES.contains(&ending.as_str()) || mime.starts_with("video/") {
            Self::File
        } else {
            Self::Unknown
        }
    }
}

/// A video as a source names it: by one or more addresses with their declared types.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Addresses of the same video, each with its media type or an empty one.
    pub(crate) sources: Vec<(String, String)>,
    pub(crate) caption: String,
    pub(crate) credit: String,
}

impl Named {
    pub(crate) fn one(source: &str, mime: &str) -> Self {
        Self { sources: vec![(source.to_owned(), mime.to_owned())], ..Self::default() }
    }

    /// With these words under it, of which the credit is told apart.
    pub(crate) fn under(mut self, words: &str) -> Self {
        (self.caption, self.credit) = split_video_credit(words);
        self
    }
}

/// The videos of an article as they are found, and what an editor should know of the others.
#[derive(Debug, Default)]
pub(crate) struct Videos {
    pub(crate) found: Vec<VideoRef>,
    pub(crate) warnings: Vec<Warning>,
}

impl Videos {
    /// Takes a video when one of its addresses is a file's, and tells why not otherwise. Returns whether the article has it
    /// now.
    pub(crate) fn take(&mut self, named: Named, place: &Place) -> bool {
        let best = named.sources.iter().min_by_key(|(source, mime)| Form::of(source, mime));
        let Some((source, mime)) = best else { return false };
        let source = source.trim();
        match Form::of(source, mime) {
            Form::File => {}
            Form::Stream => {
                self.elsewhere(source, place);
                return false;
            }
            Form::Unknown => {
                self.left_out(source, "neither its ending nor its type is that of a video file");
                return false;
            }
        }
        let Some(found) = place.media(source).map(without_fragment) else {
            self.left_out(source, "no address, and no file beside the article");
            return false;
        };
        if let Some(known) = self.found.iter_mut().find(|known| same(&known.place, &found)) {
            if let (MediaPlace::Url(old), MediaPlace::Url(new)) = (&known.place, &found)
                && (old.scheme(), new.scheme()) == ("http", "https")
            {
                known.place = found;
            }
            if known.caption.is_empty() {
                known.caption = named.caption;
            }
            if known.credit.is_empty() {
                known.credit = named.credit;
            }
            return true;
        }
        if self.found.len() >= MAX_VIDEOS {
            self.left_out(source, &format!("an article has at most {MAX_VIDEOS} videos"));
            return false;
        }
        self.found.push(VideoRef {
            place: found,
            caption: named.caption,
            credit: named.credit,
            stored: None,
        });
        true
    }

    /// Takes what a frame shows when it is a file; tells of it when it looks like a player.
    pub(crate) fn frame(&mut self, source: &str, place: &Place) {
        match Form::of(source, "") {
            Form::File => {
                self.take(Named::one(source, ""), place);
            }
            Form::Stream => self.elsewhere(source, place),
            Form::Unknown if absolute(source, place).is_some_and(|url| is_player(&url)) => {
                self.elsewhere(source, place);
            }
            Form::Unknown => {}
        }
    }

    /// A video that only a player can show: it is not fetched.
    pub(crate) fn elsewhere(&mut self, source: &str, place: &Place) {
        let shown = absolute(source, place).map_or_else(|| clean(source), String::from);
        self.warn("video_elsewhere", shown);
    }

    fn left_out(&mut self, source: &str, why: &str) {
        self.warn("video_left_out", format!("{}: {why}", clean(source)));
    }

    /// The same player in the body and in the head is one doubt.
    fn warn(&mut self, code: &'static str, detail: String) {
        let warning = Warning { code, detail };
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// `#t=0.1` says where a player begins, not which file it is.
fn without_fragment(place: MediaPlace) -> MediaPlace {
    match place {
        MediaPlace::Url(mut url) => {
            url.set_fragment(None);
            MediaPlace::Url(url)
        }
        file @ MediaPlace::File(_) => file,
    }
}

/// Whether two places hold one video. The scheme does not tell files apart.
fn same(one: &MediaPlace, other: &MediaPlace) -> bool {
    match (one, other) {
        (MediaPlace::Url(one), MediaPlace::Url(other)) => {
            one[Position::BeforeHost..] == other[Position::BeforeHost..]
        }
        (one, other) => one == other,
    }
}

fn absolute(source: &str, place: &Place) -> Option<Url> {
    let source = source.trim();
    if let Some(rest) = source.strip_prefix("//") {
        return Url::parse(&format!("https://{rest}")).ok();
    }
    Url::parse(source).ok().or_else(|| place.page.as_ref()?.join(source).ok())
}

/// Whether the address of a frame is that of a video player, by the habits of video sites. A map or an advertisement in a
/// frame is none.
fn is_player(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let path = url.path().to_ascii_lowercase();
    let first = path.split('/').nth(1).unwrap_or_default();
    matches!(url.scheme(), "http" | "https")
        && (matches!(first, "embed" | "player")
            || path.contains("video")
            || ["player.", "video.", "videos.", "embed."]
                .iter()
                .any(|start| host.starts_with(start)))
}

/// Bytes from the start of a file that are enough to tell what it is.
pub(crate) const HEAD: usize = 4096;

/// Media type by the first bytes. Pictures and sound in the same containers are no video.
pub(crate) fn sniff(head: &[u8]) -> Option<&'static str> {
    const NO_VIDEO: [&[u8]; 9] =
        [b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis", b"M4A ", b"M4B "];
    match head {
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand.get(..4)? {
            b"qt  " => Some("video/quicktime"),
            brand if NO_VIDEO.contains(&brand) => None,
            _ => Some("video/mp4"),
        },
        [0x1a, 0x45, 0xdf, 0xa3, header @ ..] => match doc_type(header)? {
            b"webm" => Some("video/webm"),
            b"matroska" => Some("video/x-matroska"),
            _ => None,
        },
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some("video/x-msvideo"),
        [0x47, ..] => is_transport_stream(head).then_some("video/mp2t"),
        _ => None,
    }
}

/// The kind of document that an EBML header names; its element is `42 82`, a length of one byte, the name.
fn doc_type(header: &[u8]) -> Option<&[u8]> {
    let at = header.windows(2).take(64).position(|id| id == [0x42, 0x82])?;
    let (length, name) = header.get(at + 2..)?.split_first()?;
    let name = name.get(..usize::from(length & 0x7f))?;
    Some(name.split(|byte| *byte == 0).next().unwrap_or_default())
}

/// Packets of 188 bytes, each of which begins with `47`. One such byte is only a `G`, so three packets must be there.
fn is_transport_stream(head: &[u8]) -> bool {
    let starts = || head.iter().step_by(188);
    starts().count() >= 3 && starts().all(|byte| *byte == 0x47)
}
