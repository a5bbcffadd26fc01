//! Everything drawing needs from disk, handed in as values: fonts, templates, labels and brand kits.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde::Deserialize;

use crate::{Canvas, Error, Result, brand::Brand, fonts};

/// Files as bytes, not yet looked at. `main` fills it; tests may make their own.
#[derive(Debug, Clone, Default)]
pub struct Assets {
    /// Font files (TTF, OTF, TTC), the first family is the default one.
    pub fonts: Vec<Bytes>,
    /// Font files of the machine for letters that `fonts` has not, see [`Assets::machine_fonts`]. They are read again once a
    /// text needs them, so they should stay where they are.
    pub machine_fonts: Vec<PathBuf>,
    /// Below `assets/templates`: path with `/` → bytes.
    pub templates: BTreeMap<String, Bytes>,
    /// Below `assets/brands`: path with `/` → bytes.
    pub brands: BTreeMap<String, Bytes>,
}

impl Assets {
    /// Reads `dir/templates`, `dir/brands` and the fonts below `dir/vendor/fonts`, and looks for those of the machine in
    /// `machine`.
    ///
    /// The one function of this crate that reads files, and only below the folders it is given: tests call it.
    ///
    /// # Errors
    /// [`Error::Asset`] with the path that cannot be read.
    pub fn from_dir(dir: &Path, machine: &[&Path]) -> Result<Self> {
        let mut assets = Self::default();
        read_below(&dir.join("templates"), &mut assets.templates)?;
        read_below(&dir.join("brands"), &mut assets.brands)?;
        let vendor = dir.join("vendor/fonts");
        if vendor.is_dir() {
            let mut files = BTreeMap::new();
            read_below(&vendor, &mut files)?;
            assets
                .fonts
                .extend(files.into_iter().filter(|(p, _)| fonts::is_font(p)).map(|(_, b)| b));
        }
        assets.machine_fonts = Self::machine_fonts(machine.iter().copied());
        Ok(assets)
    }

    /// The fonts of other scripts that templates can use, sans faces in two weights, as far as these folders have them. A
    /// folder that does not exist has none: they are the machine's and optional.
    pub fn machine_fonts<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
        folders.into_iter().flat_map(fonts::of_machine).collect()
    }
}

fn read_below(root: &Path, files: &mut BTreeMap<String, Bytes>) -> Result<()> {
    let failed = |path: &Path, error: &std::io::Error| Error::Asset {
        path: path.display().to_string(),
        problem: error.to_string(),
    };
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| failed(&folder, &e))? {
            let path = entry.map_err(|e| failed(&folder, &e))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(inside) = path.strip_prefix(root) else { continue };
            let name = inside.to_string_lossy().replace('\\', "/");
            files.insert(name, std::fs::read(&path).map_err(|e| failed(&path, &e))?.into());
        }
    }
    Ok(())
}

/// What a template's pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateKind {
    /// One page, one opaque picture.
    Page,
    /// Pages are layers of one scene on a clear ground, lowest first.
    Layers,
    /// One sheet to be printed: its canvas is measured in millimetres.
    Paper,
    /// Pages of paper, as many as the data needs; their canvas is measured in millimetres.
    Document,
}

impl TemplateKind {
    /// Whether it is printed: measured in millimetres.
    pub(crate) fn is_paper(self) -> bool {
        matches!(self, Self::Paper | Self::Document)
    }
}

/// A size a template was designed for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Name of the rendition, for example `portrait`.
    pub id: String,
    /// Width and height in pixels: of a page.
    #[serde(default)]
    pub px: Option<(u32, u32)>,
    /// Width and height in millimetres: of paper.
    #[serde(default)]
    pub mm: Option<(u32, u32)>,
    /// Top, right, bottom, left: what a platform's buttons may cover, in pixels.
    #[serde(default)]
    pub safe: [u32; 4],
    /// Most points it draws.
    #[serde(default)]
    pub max_points: usize,
    /// Most figures it draws.
    #[serde(default)]
    pub max_figures: usize,
    /// Pixels of each photo it draws, in order.
    #[serde(default)]
    pub photos: Vec<(u32, u32)>,
    /// Where the focus of a photo comes to rest in its slot, 0–1 from the left and from the top: the middle of what the
    /// template leaves uncovered of it.
    #[serde(default = "middle")]
    pub rest: (f64, f64),
}

fn middle() -> (f64, f64) {
    (0.5, 0.5)
}

impl Size {
    /// The canvas to lay it out on.
    pub fn canvas(&self) -> Canvas {
        // Neither is refused with the manifest.
        let (width, height) = self.px.or(self.mm).unwrap_or_default();
        Canvas { width, height, safe: self.safe }
    }
}

/// `template.toml`: what a template is and what it promises.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version, part of every recipe made with it.
    pub version: String,
    /// Name in Vietnamese, for people.
    pub name_vi: String,
    /// Name in English, for people.
    pub name_en: String,
    /// Page, layers, paper or document.
    pub kind: TemplateKind,
    /// Layers it always has; 1 for a page or a sheet, without meaning for a document.
    #[serde(default = "one")]
    pub layers: usize,
    /// Story kinds it is made for, best first choice: `news`, `figures`, `quote`, `decree`, `alert`, `how_to`, `timeline`, `comparison`, `correction`.
    #[serde(default)]
    pub stories: Vec<String>,
    /// Smallest type in pixels per 1080 of the shorter side.
    #[serde(default = "least_type")]
    pub min_type: f64,
    /// Fields it draws; empty for all.
    #[serde(default)]
    pub draws: Vec<String>,
    /// Sizes it was designed for; layers take any canvas.
    #[serde(default)]
    pub sizes: Vec<Size>,
}

impl Manifest {
    /// Reads a `template.toml`.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn read(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for size in &manifest.sizes {
            let printed = manifest.kind.is_paper();
            if (size.px.is_some(), size.mm.is_some()) != (!printed, printed) {
                let problem = "sizes of paper are given in mm, all others in px";
                return Err(format!("size {:?}: {problem}", size.id));
            }
        }
        Ok(manifest)
    }
}

fn one() -> usize {
    1
}

fn least_type() -> f64 {
    28.0
}

/// A template: its manifest. Its source stays inside the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Name of its folder.
    pub id: String,
    /// What it promises.
    pub manifest: Manifest,
    /// Stories to look at it with, by name: data as [`crate::Sheet::data`]; a list `photos` that is not empty says that one
    /// has a photo.
    pub samples: BTreeMap<String, serde_json::Value>,
}

/// Fixed words of the templates (`Nguồn`, `Quét mã…`) by language, from `lib/labels.toml`.
pub type Labels = BTreeMap<String, BTreeMap<String, String>>;

/// Assets after a first look: nothing in here is guessed later.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    pub(crate) templates: BTreeMap<String, Template>,
    pub(crate) sources: BTreeMap<String, String>,
    pub(crate) brands: BTreeMap<String, Brand>,
    pub(crate) labels: Labels,
}

/// Words a template must not contain: what they do is slow, unbounded or reads what is not data.
const REFUSED: [&str; 4] = ["gradient.", "eval(", "plugin(", "read("];

pub(crate) fn parse(assets: &Assets) -> Result<Parsed> {
    let broken = |path: &str, problem: String| Error::Asset { path: path.to_owned(), problem };
    let mut parsed = Parsed {
        templates: BTreeMap::new(),
        sources: BTreeMap::new(),
        brands: BTreeMap::new(),
        labels: Labels::new(),
    };
    for (path, bytes) in &assets.templates {
        let text = || std::str::from_utf8(bytes).map_err(|error| broken(path, error.to_string()));
        if path.rsplit_once('.').is_some_and(|(_, end)| end == "typ") {
            let text = text()?;
            if let Some(word) = REFUSED.iter().find(|word| text.contains(**word)) {
                return Err(broken(path, format!("{word:?} is not allowed in a template")));
            }
            parsed.sources.insert(path.clone(), text.to_owned());
        } else if path == "lib/labels.toml" {
            parsed.labels =
                toml::from_str(text()?).map_err(|error| broken(path, error.to_string()))?;
        } else if let Some(id) = path.strip_suffix("/template.toml") {
            let manifest = Manifest::read(text()?).map_err(|problem| broken(path, problem))?;
            let samples = assets.templates.get(&format!("{id}/sample.json"));
            let samples = samples.map(|bytes| serde_json::from_slice(bytes)).transpose();
            let samples = samples
                .map_err(|error| broken(&format!("{id}/sample.json"), error.to_string()))?
                .unwrap_or_default();
            let template = Template { id: id.to_owned(), manifest, samples };
            parsed.templates.insert(id.to_owned(), template);
        }
    }
    for id in parsed.templates.keys() {
        let source = format!("{id}/template.typ");
        if !parsed.sources.contains_key(&source) {
            return Err(broken(&source, "missing beside its template.toml".to_owned()));
        }
    }
    for (path, bytes) in &assets.brands {
        let Some(id) = path.strip_suffix("/brand.toml") else { continue };
        let text = std::str::from_utf8(bytes).map_err(|error| broken(path, error.to_string()))?;
        let file = |name: &str| assets.brands.get(&format!("{id}/{name}")).cloned();
        parsed.brands.insert(id.to_owned(), Brand::parse(id, text, file)?);
    }
    Ok(parsed)
}
