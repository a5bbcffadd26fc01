//! Templates that an agency wrote itself, drawn in a child under limits: the parent's side. Nothing the child says is believed
//! where it can be looked up.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use loa_canvas::{Focus, photo};
use loa_clip::Runner;
use loa_jail::{Job, Limits};
use loa_model::{Cancel, OwnTemplate, PhotoChoice, Progress};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{
    Draft, Error, Kit, Made, Preview, Recipe, Result, Take,
    press::{Photo, Reply, Request, Work},
    preview::take_at,
    shelf::read_manifest,
    studio::{self, Drawn, Shape},
};

/// Children at a time: who draws endlessly keeps only others of this kind waiting, and the rest of the machine is free.
const AT_A_TIME: usize = 2;
/// A check draws many cards: it may take so many times what one drawing may.
const CHECK: u64 = 3;
/// Longest file of a child, in bytes.
const FILE_BYTES: u64 = 64 << 20;

/// Where a child's engine finds what is not in the binary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sources {
    /// Folder laid over the embedded assets; empty for none.
    pub assets: PathBuf,
    /// Folders of fonts of other scripts.
    pub fonts: Vec<PathBuf>,
}

/// What one drawing may take; a check of all samples may take three times as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Processor time over all threads, in seconds.
    pub cpu_s: u64,
    /// On the clock of the machine.
    pub wall: Duration,
}

impl Default for Limit {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, cpu_s: 20, wall: Duration::from_secs(40) }
    }
}

/// Starts the children that draw templates which nobody reviewed.
#[derive(Debug)]
pub struct Press {
    runner: Runner,
    sources: Sources,
    work: PathBuf,
    limit: Limit,
    turns: Semaphore,
    folders: AtomicU64,
}

/// Something that a sample shows of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the sample.
    pub sample: String,
    /// Name of the size.
    pub size: String,
    /// What is wrong.
    pub problem: String,
}

/// Where and under what a child works.
#[derive(Clone, Copy)]
struct Call<'a> {
    out: &'a Path,
    cancel: &'a Cancel,
    limit: Limit,
}

/// The press, or that there is none.
pub(crate) fn press(press: Option<&Press>) -> Result<&Press> {
    press.ok_or_else(|| {
        Error::Engine(
            "mẫu riêng của cơ quan không vẽ được ở đây · templates of agencies are not drawn here"
                .to_owned(),
        )
    })
}

impl Press {
    /// A press whose children are started by `runner`, with folders of its own below `work`. One process owns that folder.
    pub fn new(runner: Runner, sources: Sources, work: PathBuf) -> Self {
        let turns = Semaphore::new(AT_A_TIME);
        Self { runner, sources, work, limit: Limit::default(), turns, folders: AtomicU64::new(0) }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limit(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// Draws the samples of a template in each of its sizes, and a story of ours. Nothing is wrong with it when nothing is found.
    ///
    /// # Errors
    /// [`Error::Own`] when its manifest promises too little, it does not compile, or it ran into a limit.
    pub async fn check(
        &self,
        own: &OwnTemplate,
        (brand, kit): (&str, Option<&Kit>),
        photo: Option<Bytes>,
    ) -> Result<Vec<Finding>> {
        let folder = Folder::new(self).await?;
        let photo = match photo {
            Some(bytes) => Some(folder.keep(&bytes).await?),
            None => None,
        };
        let work = Work::Check { brand: brand.to_owned(), photo };
        let limit = Limit {
            cpu_s: self.limit.cpu_s * CHECK,
            wall: self.limit.wall * u32::try_from(CHECK).unwrap_or(1),
            ..self.limit
        };
        let call = Call { out: &folder.out(), cancel: &Cancel::new(), limit };
        Ok(self.run((own, kit), work, call, &|_| {}).await?.findings)
    }

    pub(crate) async fn card(
        &self,
        own: &OwnTemplate,
        take: &Take<'_>,
        shape: Shape,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Drawn> {
        let photos =
            take.photos.iter().map(|one| Photo { index: one.index, path: one.path.clone() });
        let work = Work::Card {
            article: Box::new(take.article.clone()),
            brief: Box::new(take.brief.clone()),
            recipe: Recipe { template: Some(own.id()), ..take.recipe.clone() },
            photos: photos.collect(),
            // The child has no zones to ask.
            date: studio::shown_date(take.article),
            shape,
        };
        let call = Call { out: take.out, cancel: take.cancel, limit: self.limit };
        let kit = take.recipe.kit.as_deref();
        let mut reply = self.run((own, kit), work, call, progress).await?;
        let made = reply.files.iter().map(|sheet| believe(take.out, &sheet.file, &sheet.alt));
        let made = made.collect::<Result<_, _>>().map_err(|why| lied(own, &why))?;
        if let Some(provenance) = reply.provenance.as_object_mut() {
            provenance.insert("own".to_owned(), serde_json::json!(own.digest));
        }
        let focus = reply.focus.map(|(x, y)| Focus { x, y });
        Ok(Drawn { made, provenance: reply.provenance, focus })
    }

    pub(crate) async fn preview(&self, draft: Draft) -> Result<Preview> {
        let Draft { article, brief, recipe, photo } = draft;
        let own =
            recipe.own.clone().ok_or(Error::Missing { what: "template", id: String::new() })?;
        let folder = Folder::new(self).await?;
        let mut photos = Vec::new();
        let mut recipe = Recipe { photo: PhotoChoice::Without, ..recipe };
        if let Some((index, bytes)) = photo {
            recipe.photo = PhotoChoice::At(index);
            photos.push(studio::PhotoOnDisk { index, path: folder.keep(&bytes).await?, bytes });
        }
        let out = folder.out();
        let take = Take {
            videos: &[],
            article: &article,
            brief: &brief,
            photos: &photos,
            recipe: &recipe,
            work: &out,
            out: &out,
            cancel: &Cancel::new(),
        };
        let mut drawn = self.card(&own, &take, Shape::Half, &|_| {}).await?;
        let violations = take_at(&mut drawn.provenance, "/violations");
        let violations = serde_json::from_value(violations);
        let mut preview = Preview {
            jpeg: Vec::new(),
            width: 0,
            height: 0,
            alt: String::new(),
            picture: take_at(&mut drawn.provenance, "/pictures/0"),
            focus: drawn.focus,
            violations: violations.map_err(|error| lied(&own, &error.to_string()))?,
        };
        if let Some(made) = drawn.made.into_iter().next() {
            preview.jpeg = tokio::fs::read(&made.path).await.map_err(disk("a preview"))?;
            (preview.width, preview.height, preview.alt) = (made.width, made.height, made.alt);
        }
        Ok(preview)
    }

    async fn run(
        &self,
        (own, kit): (&OwnTemplate, Option<&Kit>),
        work: Work,
        Call { out, cancel, limit }: Call<'_>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Reply> {
        let refused = |why: String| Error::Own { id: own.id(), why };
        read_manifest(own.manifest()).map_err(refused)?;
        let mut read: Vec<PathBuf> = self.sources.fonts.clone();
        read.extend(
            Some(&self.sources.assets).filter(|path| !path.as_os_str().is_empty()).cloned(),
        );
        read.extend(work.photos());
        let request = Request {
            sources: self.sources.clone(),
            id: own.id(),
            files: own.files.clone(),
            out: out.to_path_buf(),
            kit: kit.map(Kit::sent),
            work,
        };
        let limits = Limits {
            memory_bytes: limit.memory_bytes,
            cpu_s: limit.cpu_s,
            file_bytes: FILE_BYTES,
            read,
            write: vec![out.to_path_buf()],
            ..Limits::default()
        };
        let job = Job {
            exe: self.runner.exe.clone(),
            args: self.runner.args.clone(),
            input: serde_json::to_value(request).expect("a request is plain data"),
            limits,
            wall: limit.wall,
        };
        let _turn = self.turns.acquire().await.expect("the turns are never closed");
        let done = loa_jail::run(job, cancel, progress).await;
        let done = done.map_err(|error| told(own, limit, error))?;
        serde_json::from_value(done.value).map_err(|error| lied(own, &error.to_string()))
    }
}

/// What a person is told of the end of a child.
fn told(own: &OwnTemplate, limit: Limit, error: loa_jail::Error) -> Error {
    use loa_jail::Error as Jail;
    let id = own.id();
    let why = match error {
        Jail::Cancelled => return Error::Cancelled,
        Jail::Start { .. } | Jail::Limit { .. } | Jail::Io(_) => return Error::Child(error),
        // What any template is refused for, in the words of the stage.
        Jail::Refused { message, .. } => message,
        Jail::Late { .. } => late(&id, "trên đồng hồ", "on the clock", limit.wall.as_secs()),
        Jail::Died { ref status, ref log } => {
            if log.contains("memory allocation") {
                let most = limit.memory_bytes >> 20;
                format!(
                    "Mẫu {id} dùng quá {most} MiB bộ nhớ nên bị dừng: hãy bớt dữ liệu dựng trong mẫu / \
                     Template {id} took more than {most} MiB of memory and was stopped: build less data in it"
                )
            } else if status.contains("SIGKILL") || status.contains("SIGXCPU") {
                late(&id, "bộ xử lý", "of processor time", limit.cpu_s)
            } else if log.contains("overflowed its stack") || status.contains("SIGSEGV") {
                format!(
                    "Mẫu {id} lồng quá sâu nên bị dừng: hãy bớt tầng lồng nhau / \
                     Template {id} is nested too deep and was stopped: nest less"
                )
            } else {
                format!(
                    "Mẫu {id} làm bộ vẽ dừng đột ngột / Template {id} crashed what draws it: {error}"
                )
            }
        }
        _ => return lied(own, &error.to_string()),
    };
    Error::Own { id, why }
}

fn late(id: &str, vi: &str, en: &str, seconds: u64) -> String {
    format!(
        "Mẫu {id} vẽ quá {seconds} giây {vi} nên bị dừng: hãy bớt vòng lặp / \
         Template {id} took more than {seconds} s {en} and was stopped: make its loops shorter"
    )
}

fn lied(own: &OwnTemplate, why: &str) -> Error {
    let id = own.id();
    let why = format!(
        "Kết quả vẽ mẫu {id} không dùng được / What drew template {id} gave no result: {why}"
    );
    Error::Own { id, why }
}

/// A file that the child says it made, as far as it is there and what it should be.
fn believe(out: &Path, file: &str, alt: &str) -> Result<Made, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if !file.bytes().all(plain) || file.starts_with('.') || !(1..=80).contains(&file.len()) {
        return Err(format!("{file:?} is no name of a file"));
    }
    let path = out.join(file);
    let failed = |error: std::io::Error| format!("{file}: {error}");
    // A link could lead anywhere: the parent reads more than the child may.
    if !std::fs::symlink_metadata(&path).map_err(failed)?.is_file() {
        return Err(format!("{file} is no file"));
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    let (mime, width, height) = photo::facts(&bytes).map_err(|error| format!("{file}: {error}"))?;
    Ok(Made {
        name: studio::name_of(file),
        path,
        mime: mime.to_owned(),
        width,
        height,
        duration_ms: 0,
        bytes: bytes.len() as u64,
        alt: alt.to_owned(),
    })
}

fn disk(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::Disk { what, why: error.to_string() }
}

/// A folder for one drawing that nobody keeps; it goes away with the value. What a process that died left there is emptied.
struct Folder(PathBuf);

impl Folder {
    async fn new(press: &Press) -> Result<Self> {
        let number = press.folders.fetch_add(1, Ordering::Relaxed);
        let folder = Self(press.work.join(format!("own-{number}")));
        // Usually there is none.
        drop(tokio::fs::remove_dir_all(&folder.0).await);
        tokio::fs::create_dir_all(folder.out()).await.map_err(disk("a folder for drawing"))?;
        Ok(folder)
    }

    fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    /// Puts a photo where the child may read it and not write.
    async fn keep(&self, bytes: &Bytes) -> Result<PathBuf> {
        let path = self.0.join("photo");
        tokio::fs::write(&path, bytes).await.map_err(disk("a photo for drawing"))?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "A work folder could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_it_made_is_looked_at() {
        let out = tempfile::tempdir().unwrap();
        let png =
            loa_canvas::encode::png(&loa_canvas::Pixels::filled(7, 5, [0, 0, 0, 255])).unwrap();
        std::fs::write(out.path().join("portrait.png"), &png).unwrap();
        std::fs::write(out.path().join("words.png"), "không phải ảnh").unwrap();
        std::fs::create_dir(out.path().join("folder.png")).unwrap();
        let secret = out.path().parent().unwrap().join("secret.png");
        std::os::unix::fs::symlink(&secret, out.path().join("link.png")).unwrap();
        let made = believe(out.path(), "portrait.png", "Ẫ").unwrap();
        assert_eq!((made.width, made.height, made.bytes), (7, 5, png.len() as u64));
        assert_eq!((made.mime.as_str(), made.alt.as_str()), ("image/png", "Ẫ"));
        for bad in [
            "../secret.png",
            "/etc/hostname",
            "",
            ".",
            "..",
            "link.png",
            "folder.png",
            "words.png",
            "none.png",
        ] {
            assert!(believe(out.path(), bad, "").is_err(), "{bad}");
        }
    }
}
