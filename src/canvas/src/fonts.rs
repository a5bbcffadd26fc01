//! Fonts: those in memory, and those of the machine, which are read when a text needs their letters.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use typst::{
    foundations::Bytes,
    text::{Font, FontBook, FontInfo},
};

use crate::{Error, Result};

/// Families tried after the brand's own.
const LATIN: [&str; 2] = ["Be Vietnam Pro", "Noto Sans"];
/// Families tried last. Of the East Asian ones, which draw the same letter each in its own way, that of the language comes
/// before them.
const OTHERS: [&str; 7] = [
    "Noto Sans CJK KR",
    "Noto Sans CJK SC",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
    "Noto Sans Khmer",
    "Noto Sans Lao",
    "Noto Sans Arabic",
];
/// Files of the machine that hold them, in the weights that templates use.
const FILES: [&str; 10] = [
    "NotoSans-Bold.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansArabic-Bold.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansCJK-Bold.ttc",
    "NotoSansCJK-Regular.ttc",
    "NotoSansKhmer-Bold.ttf",
    "NotoSansKhmer-Regular.ttf",
    "NotoSansLao-Bold.ttf",
    "NotoSansLao-Regular.ttf",
];

/// Font files below a folder of the machine that templates can use, sorted. None where there is no such folder.
pub(crate) fn of_machine(folder: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    FILES.iter().map(|name| folder.join(name)).filter(|path| path.is_file())
}

/// Whether a file goes by the name of a font.
pub fn is_font(path: &str) -> bool {
    let end = Path::new(path).extension().and_then(|end| end.to_str());
    end.is_some_and(|end| ["ttf", "otf", "ttc"].iter().any(|font| end.eq_ignore_ascii_case(font)))
}

/// Every font, in the order of the book.
pub(crate) struct Fonts {
    slots: Vec<Slot>,
    files: Vec<MachineFile>,
}

enum Slot {
    Here(Font),
    /// A face of a file of the machine.
    There {
        file: usize,
        face: u32,
        font: OnceLock<Option<Font>>,
    },
}

/// A file that stays on disk until one of its letters is drawn.
struct MachineFile {
    path: PathBuf,
    bytes: OnceLock<Option<Bytes>>,
}

impl Fonts {
    /// Parses what is in memory, and of the files of the machine only what letters they have.
    ///
    /// # Errors
    /// [`Error::NoFonts`] when nothing in memory is a font, [`Error::Asset`] for a file that cannot be read.
    pub(crate) fn new(here: &[bytes::Bytes], there: &[PathBuf]) -> Result<(Self, FontBook)> {
        let (mut slots, mut book) = (Vec::new(), FontBook::new());
        for font in here.iter().flat_map(|file| Font::iter(Bytes::new(file.clone()))) {
            book.push(font.info().clone());
            slots.push(Slot::Here(font));
        }
        if slots.is_empty() {
            return Err(Error::NoFonts);
        }
        let mut files = Vec::new();
        for path in there {
            let bytes = std::fs::read(path).map_err(|error| Error::Asset {
                path: path.display().to_string(),
                problem: error.to_string(),
            })?;
            for face in 0.. {
                // Faces are numbered without gaps.
                let Some(info) = FontInfo::new(&bytes, face) else { break };
                let known = LATIN.iter().chain(&OTHERS);
                if known.into_iter().any(|known| info.family.eq_ignore_ascii_case(known)) {
                    slots.push(Slot::There { file: files.len(), face, font: OnceLock::new() });
                    book.push(info);
                }
            }
            files.push(MachineFile { path: path.clone(), bytes: OnceLock::new() });
        }
        Ok((Self { slots, files }, book))
    }

    /// The faces in memory of the first family that is tried: of one that is not there, all faces in memory.
    pub(crate) fn plain(&self) -> impl Iterator<Item = &Font> {
        let here = || {
            self.slots.iter().filter_map(|slot| match slot {
                Slot::Here(font) => Some(font),
                Slot::There { .. } => None,
            })
        };
        let ours = |font: &&Font| font.info().family.eq_ignore_ascii_case(LATIN[0]);
        let any = here().any(|font| ours(&font));
        here().filter(move |font| !any || ours(font))
    }

    /// The font of this place in the book. Nothing when its file is gone: its letters count as missing then.
    pub(crate) fn get(&self, index: usize) -> Option<Font> {
        match self.slots.get(index)? {
            Slot::Here(font) => Some(font.clone()),
            Slot::There { file, face, font } => {
                let font = font.get_or_init(|| {
                    let file = self.files.get(*file)?;
                    let bytes = file
                        .bytes
                        .get_or_init(|| Some(Bytes::new(std::fs::read(&file.path).ok()?)));
                    Font::new(bytes.clone()?, *face)
                });
                font.clone()
            }
        }
    }
}

/// The families of a book that a template in this language uses, best first: the brand's own, then ours.
pub(crate) fn families(book: &FontBook, own: &[String], lang: &str) -> Vec<String> {
    let region = match lang.split('-').next().unwrap_or_default() {
        "zh" if ["TW", "HK", "MO", "Hant"].iter().any(|end| lang.contains(end)) => "TC",
        "zh" => "SC",
        "ja" => "JP",
        _ => "KR",
    };
    let first = format!("Noto Sans CJK {region}");
    let ours = LATIN.into_iter().chain([first.as_str()]).chain(OTHERS);
    let mut families: Vec<String> = Vec::new();
    for name in own.iter().map(String::as_str).chain(ours) {
        if book.contains_family(&name.to_lowercase())
            && !families.iter().any(|known| known.eq_ignore_ascii_case(name))
        {
            families.push(name.to_owned());
        }
    }
    if families.is_empty() {
        families.extend(book.families().next().map(|(name, _)| name.to_owned()));
    }
    families
}
