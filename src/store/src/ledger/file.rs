//! What the ledger asks of a disk: so little that a simulated one can lose power after every call.

use std::{
    fmt, fs,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
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
    /// Makes an empty file whose name survives a power loss.
    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>>;
}

/// A folder on the disk of this machine.
#[derive(Debug)]
pub(crate) struct DiskFolder(PathBuf);

impl DiskFolder {
    /// The folder, made when it is not there.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        sync_folder(path)?;
        path.parent().map_or(Ok(()), sync_folder)?;
        Ok(Self(path.to_owned()))
    }
}

impl LogFolder for DiskFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.0)?.map(|entry| entry.map(|entry| entry.file_name()));
        names.map(|name| Ok(name?.to_string_lossy().into_owned())).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let file = fs::OpenOptions::new().read(true).append(true).open(self.0.join(name))?;
        Ok(Box::new(DiskFile(file)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        let path = self.0.join(name);
        let file = fs::OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        file.sync_all()?;
        sync_folder(&self.0)?;
        Ok(Box::new(DiskFile(file)))
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
