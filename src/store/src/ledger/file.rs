//! What the ledger asks of a disk: so little that a simulated one can lose power after every call.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// A file that only grows, but for its torn tail.
pub(crate) trait LogFile: Send {
    /// Writes behind the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when all that was appended survives a power loss.
    fn sync_data(&mut self) -> io::Result<()>;
    /// Bytes in the file.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Reads some bytes; 0 at the end.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
}

/// A folder of such files.
pub(crate) trait LogFolder: fmt::Debug + Send + Sync {
    /// Names of the files, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Opens a file that is there for reading only.
    fn read(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Makes an empty file whose name survives a power loss.
    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
    /// Removes a file for good, if it is there.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Bytes that this process may still write to the disk.
    fn free(&self) -> io::Result<u64>;
    /// Takes so many bytes of the disk for later, instead of what was taken before.
    fn set_ballast(&self, bytes: u64) -> io::Result<()>;
}

/// A folder on the disk of this machine. Its ballast lies beside it.
#[derive(Debug)]
pub(crate) struct DiskFolder {
    path: PathBuf,
    ballast: PathBuf,
}

impl DiskFolder {
    /// The folder, made when it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        make_folder(path)?;
        // What a killed process made may not be durable yet.
        sync_folder(path)?;
        path.parent().map_or(Ok(()), sync_folder)?;
        Ok(Self::there(path))
    }

    /// A folder that is there already, for reading.
    pub(crate) fn there(path: &Path) -> Self {
        Self { path: path.to_owned(), ballast: path.with_file_name("ballast") }
    }
}

impl LogFolder for DiskFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| entry.map(|entry| entry.file_name()));
        names.map(|name| Ok(name?.to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let file = fs::OpenOptions::new().read(true).append(true).open(self.path.join(name))?;
        Ok(Box::new(DiskFile(file)))
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(DiskFile(fs::File::open(self.path.join(name))?)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let path = self.path.join(name);
        let file = fs::OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        file.sync_all()?;
        sync_folder(&self.path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        remove_if_there(&self.path.join(name))?;
        sync_folder(&self.path)
    }

    fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.path)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn set_ballast(&self, bytes: u64) -> io::Result<()> {
        // The one of the last run does as well, unless it is a hole.
        let same = |there: fs::Metadata| there.len() == bytes && there.blocks() * 512 >= bytes;
        if bytes > 0 && fs::metadata(&self.ballast).is_ok_and(same) {
            return Ok(());
        }
        remove_if_there(&self.ballast)?;
        if bytes > 0 {
            let file = fs::File::create(&self.ballast)?;
            // Blocks of its own, not a hole: only those come back when it is removed.
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes)?;
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder and those it lies in, as far as they are not there. Their names survive a power loss.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Ok(()),
    };
    make_folder(parent)?;
    match fs::create_dir(path) {
        // Somebody else made it at the same moment.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => Err(error),
        _ => sync_folder(parent),
    }
}

/// Makes the names in a folder survive a power loss.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

struct DiskFile(fs::File);

impl LogFile for DiskFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(bytes, offset)
    }
}
