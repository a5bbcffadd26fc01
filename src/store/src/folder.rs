//! The data folder of an embedded store: who owns it, who wrote it, and what may be believed after its last end.

mod mark;

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ledger::{Checkpoint, make_folder, sync_folder},
};
use mark::Mark;

/// Format of the data folder, and of a backup, that this release writes; it reads every one up to it. Raised with the
/// `SCHEMA` of any record and whenever a file changes its meaning: an older release then refuses the folder and does not
/// misread it.
pub const FORMAT: u32 = 1;

/// The release that writes.
pub(crate) const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// File that says who wrote the folder. The first release wrote none.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Format {
    format: u32,
    release: String,
}

/// What may be believed of a folder, after how the last run ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// There is no index: nothing is known.
    Fresh,
    /// Everything that was written is still there: a clean end, or only the process died. Checking goes on from here.
    Whole(Option<Checkpoint>),
    /// Power may have been lost, files were changed, or the last run saw something broken: all is checked anew.
    Doubtful(String),
}

/// A data folder this process owns.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    boot: String,
    /// As it was written last, once this run has begun.
    mark: Mutex<Mark>,
    /// Locked as long as it is open; the kernel lets go of it however the process ends.
    _lock: fs::File,
}

impl DataFolder {
    /// Takes the folder, made when it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it, [`Error::Newer`] when a newer release wrote it, [`Error::Refused`]
    /// when a restore into it did not finish.
    pub(crate) fn open(path: &Path, boot: Option<String>) -> Result<Self> {
        make_folder(path).map_err(|error| io_error(path, &error))?;
        let lock = lock(path)?;
        if path.join(RESTORING).exists() {
            return Err(Error::Refused {
                what: path.display().to_string(),
                why: "a restore into it did not finish: run `loa restore` again · \
                      lần phục hồi trước chưa xong: hãy chạy lại `loa restore`"
                    .to_owned(),
            });
        }
        sign(path)?;
        let boot = boot.or_else(boot_id).unwrap_or_default();
        Ok(Self { path: path.to_owned(), boot, mark: Mutex::default(), _lock: lock })
    }

    /// Folder of the segments.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path.join(LEDGER)
    }

    /// Folder of the index.
    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// The absolute path of a folder that does not lie in this one: a backup there would be lost with its original.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub(crate) fn outside(&self, dir: &Path) -> Result<PathBuf> {
        let dir = absolute(dir)?;
        if dir.starts_with(absolute(&self.path)?) {
            return Err(Error::Refused {
                what: dir.display().to_string(),
                why: "it lies in the data folder: name one outside, best on another disk · \
                      thư mục này nằm trong thư mục dữ liệu: hãy chọn nơi khác, tốt nhất là ổ đĩa khác"
                    .to_owned(),
            });
        }
        Ok(dir)
    }

    /// What may be believed.
    pub(crate) fn trust(&self) -> Trust {
        if !self.index().exists() {
            return Trust::Fresh;
        }
        let mark = fs::read(self.mark_path()).ok();
        let Some(mark) = mark.and_then(|bytes| serde_json::from_slice::<Mark>(&bytes).ok()) else {
            return Trust::Doubtful("it has no mark of its last run".to_owned());
        };
        match mark.distrust(&self.boot, &self.index()) {
            Some(why) => Trust::Doubtful(why),
            // One that does not parse is as good as none: all is checked then.
            None => Trust::Whole(
                fs::read(self.checkpoint_path())
                    .ok()
                    .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
            ),
        }
    }

    /// Notes that the index, made when it is not there, is in use from now on.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn begin(&self) -> Result<()> {
        let index = self.index();
        let mark = fs::create_dir_all(&index).and_then(|()| Mark::in_use(&self.boot, &index));
        self.write(&mut self.mark(), mark.map_err(|error| io_error(&index, &error))?)
    }

    /// Something of the index or the ledger was seen to be wrong: the next start believes neither.
    pub(crate) fn doubt(&self, why: &str) {
        let mut mark = self.mark();
        if !mark.doubt.is_empty() {
            return;
        }
        tracing::error!("The next start of loa checks the ledger and builds the index anew: {why}");
        let doubtful = mark.clone().doubted(why);
        if let Err(error) = self.write(&mut mark, doubtful) {
            // Then the next start meets the same flaw where this one did.
            tracing::error!("The doubt could not be noted: {error}");
        }
    }

    /// Makes the index last and notes a clean end, unless something was wrong. Nobody may use the index any more.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn end(&self) -> Result<()> {
        let mut mark = self.mark();
        if !mark.doubt.is_empty() {
            return Ok(());
        }
        let index = self.index();
        let synced = let_go(&index.join(INDEX_FILE))
            .and_then(|()| sync_tree(&index))
            .and_then(|()| mark.clone().ended(&index));
        let ended = synced.map_err(|error| io_error(&index, &error))?;
        self.write(&mut mark, ended)
    }

    /// Keeps a checkpoint, in place of the one before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn keep(&self, checkpoint: &Checkpoint) -> Result<()> {
        let path = self.checkpoint_path();
        let bytes = serde_json::to_vec(checkpoint).expect("a checkpoint is JSON");
        replace(&path, &bytes).map_err(|error| io_error(&path, &error))
    }

    /// Forgets the checkpoint: what it says is not believed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn forget_checkpoint(&self) -> Result<()> {
        let path = self.checkpoint_path();
        let gone = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.and_then(|()| sync_folder(&self.path)),
        };
        gone.map_err(|error| io_error(&path, &error))
    }

    /// Moves the index aside, for somebody to look at. Returns where it went.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn set_index_aside(&self) -> Result<PathBuf> {
        let aside = (1..).map(|n| self.path.join(format!("index.broken-{n}")));
        let aside = aside.into_iter().find(|path| !path.exists()).expect("numbers do not end");
        let moved = fs::rename(self.index(), &aside).and_then(|()| sync_folder(&self.path));
        moved.map_err(|error| io_error(&aside, &error))?;
        Ok(aside)
    }

    /// Throws the index away and begins an empty one. Nobody may use the old one any more.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn empty_index(&self) -> Result<()> {
        let index = self.index();
        let gone = fs::remove_dir_all(&index).and_then(|()| sync_folder(&self.path));
        gone.map_err(|error| io_error(&index, &error))?;
        self.begin()
    }

    fn write(&self, mark: &mut Mark, new: Mark) -> Result<()> {
        let path = self.mark_path();
        let bytes = serde_json::to_vec(&new).expect("a mark is JSON");
        replace(&path, &bytes).map_err(|error| io_error(&path, &error))?;
        *mark = new;
        Ok(())
    }

    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark_path(&self) -> PathBuf {
        self.path.join("index.mark")
    }

    fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint")
    }
}

/// Folder of the segments, in a data folder and in a backup.
pub(crate) const LEDGER: &str = "ledger";
/// File of the index that sled locks.
const INDEX_FILE: &str = "db";
/// Between two looks whether sled has let go of it.
const LET_GO_PAUSE: Duration = Duration::from_millis(20);
/// Looks before it is not waited for any longer.
const LET_GO_LOOKS: u32 = 1_500;
/// A file that stands in the data folder while a backup is laid into it.
pub(crate) const RESTORING: &str = "restoring";

/// Takes a folder for this process.
///
/// # Errors
/// [`Error::Locked`] when another process has it.
pub(crate) fn lock(path: &Path) -> Result<fs::File> {
    let name = path.join("lock");
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    let lock = lock.map_err(|error| io_error(&name, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(Error::Locked(path.display().to_string())),
        Err(fs::TryLockError::Error(error)) => Err(io_error(&name, &error)),
    }
}

/// Refuses a folder of a newer release, and notes that this one writes it from now on.
///
/// # Errors
/// [`Error::Newer`].
pub(crate) fn sign(path: &Path) -> Result<()> {
    let file = path.join("format");
    let ours = Format { format: FORMAT, release: RELEASE.to_owned() };
    match fs::read(&file) {
        Ok(bytes) => {
            let found: Format = serde_json::from_slice(&bytes)
                .map_err(|error| Error::Io(format!("{}: {error}", file.display())))?;
            readable(path, found.format, &found.release)?;
            if found == ours {
                return Ok(());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io_error(&file, &error)),
    }
    let bytes = serde_json::to_vec(&ours).expect("it is JSON");
    replace(&file, &bytes).map_err(|error| io_error(&file, &error))
}

/// Whether this release reads a format.
///
/// # Errors
/// [`Error::Newer`].
pub(crate) fn readable(path: &Path, format: u32, release: &str) -> Result<()> {
    if format <= FORMAT {
        return Ok(());
    }
    let (path, release) = (path.display().to_string(), release.to_owned());
    Err(Error::Newer { path, release, format })
}

/// Writes a small file so that a power loss leaves the old or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Waits until nobody holds the lock of a file any more. Threads of sled's own may write on after it was dropped; until they
/// have ended, what lies there is not what the next start finds, and that start could not open it.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] after half a minute.
fn let_go(path: &Path) -> io::Result<()> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for _ in 0..LET_GO_LOOKS {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(fs::TryLockError::WouldBlock) => pause(),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "somebody still has it open"))
}

#[expect(clippy::disallowed_methods, reason = "threads of a library end in real time")]
fn pause() {
    std::thread::sleep(LET_GO_PAUSE);
}

fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(path)
}

pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| io_error(path, &error))
}

fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

pub(crate) fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Io(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_waits_for_whoever_still_has_the_index() {
        let dir = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(dir.path(), Some("boot".to_owned())).unwrap();
        folder.begin().unwrap();
        let writer = fs::File::create(folder.index().join(INDEX_FILE)).unwrap();
        writer.lock().unwrap();
        let late = std::thread::scope(|scope| {
            let end = scope.spawn(|| folder.end());
            for _ in 0..200_000 {
                assert!(!end.is_finished(), "it did not wait");
                std::thread::yield_now();
            }
            fs::write(folder.index().join("snapshot"), b"written late").unwrap();
            drop(writer);
            end.join().unwrap()
        });
        late.unwrap();
        assert_eq!(folder.trust(), Trust::Whole(None), "the file written late belongs to the end");
    }
}
