//! The closed world a template compiles in: its sources, its data and its pictures, nothing else.
//!
//! No file, no network, no packages, no clock. Names of virtual files are fixed, since the compiler keeps every name it
//! ever saw in a table of 65 535 for the life of the process.

use std::collections::HashMap;

use typst::{
    Library, World,
    diag::{FileError, FileResult},
    foundations::{Bytes, Datetime, Duration},
    syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot},
    text::{Font, FontBook},
    utils::LazyHash,
};

use crate::{fonts::Fonts, raster::Placed};

/// What does not change between pictures.
pub(crate) struct Ground {
    pub(crate) library: LazyHash<Library>,
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) fonts: Fonts,
    pub(crate) sources: HashMap<FileId, Source>,
}

/// One picture's world.
pub(crate) struct Closed<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) main: FileId,
    pub(crate) files: HashMap<FileId, Bytes>,
    /// Photos whose stand-ins are among the files.
    pub(crate) photos: Vec<Placed>,
}

/// The id of a virtual path. Only call it with fixed names and names of templates, see above.
pub(crate) fn virtual_file(path: &str) -> Option<FileId> {
    let path = VirtualPath::new(path).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl World for Closed<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.ground.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.ground.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        self.ground.sources.get(&id).cloned().ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        self.files.get(&id).cloned().ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.ground.fonts.get(index)
    }

    /// Dates come formatted in the data: a template never asks what day it is.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
