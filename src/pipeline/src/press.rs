//! Templates that an agency wrote itself: the child's side. It is under its limits before it reads what it is asked.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use loa_canvas::{Engine, photo};
use loa_infographic::{SourcePhoto, specimens_of};
use loa_model::{Article, Brief, Cancel, Progress};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Finding, PhotoOnDisk, Recipe, Sources,
    kits::{self, SentKit},
    preview::Decoded,
    studio::{self, Shape},
};

/// Files of a template, by their path below the reviewed templates: always in a folder of their own.
pub type Files = BTreeMap<String, String>;

/// The family whose typical story every template must hold.
const USUAL: &str = "tin-nhanh";
/// The sample that every size must hold.
const TYPICAL: &str = "typical";

/// A photo in a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Photo {
    pub(crate) index: usize,
    pub(crate) path: PathBuf,
}

/// What the child is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) sources: Sources,
    /// `own/<name>`.
    pub(crate) id: String,
    /// By their name in the folder of the template.
    pub(crate) files: BTreeMap<String, String>,
    /// Folder for the results.
    pub(crate) out: PathBuf,
    /// The brand kit, when the agency made it itself.
    #[serde(default)]
    pub(crate) kit: Option<SentKit>,
    pub(crate) work: Work,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// Cards of an article.
    Card {
        article: Box<Article>,
        brief: Box<Brief>,
        recipe: Recipe,
        photos: Vec<Photo>,
        date: String,
        shape: Shape,
    },
    /// Samples, to be looked at by nobody.
    Check { brand: String, photo: Option<PathBuf> },
}

impl Work {
    /// Files that it reads.
    pub(crate) fn photos(&self) -> Vec<PathBuf> {
        match self {
            Self::Card { photos, .. } => photos.iter().map(|photo| photo.path.clone()).collect(),
            Self::Check { photo, .. } => photo.iter().cloned().collect(),
        }
    }
}

/// What it answers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) files: Vec<Sheet>,
    pub(crate) provenance: Value,
    pub(crate) focus: Option<(f64, f64)>,
    pub(crate) findings: Vec<Finding>,
}

/// A file in the folder for the results.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sheet {
    pub(crate) file: String,
    pub(crate) alt: String,
}

/// The body of the role `card-worker`. `make` makes the engine of reviewed assets and these files. Call it from `main` before a
/// second thread runs.
pub fn card_worker(
    input: impl BufRead,
    output: impl Write,
    make: impl FnOnce(&Sources, &Files) -> Result<Engine, String>,
) -> ExitCode {
    loa_jail::serve(input, output, |request: Request, reporter| {
        let cancel = Cancel::new();
        let mut tell = |progress| {
            // When the parent is gone nobody wants the result.
            if reporter.progress(progress).is_err() {
                cancel.cancel();
            }
        };
        let files = request.files.iter();
        let files = files.map(|(name, text)| (format!("{}/{name}", request.id), text.clone()));
        let engine = make(&request.sources, &files.collect())?;
        draw(engine, request, &cancel, &mut tell)
    })
}

fn draw(
    engine: Engine,
    request: Request,
    cancel: &Cancel,
    tell: &mut dyn FnMut(Progress),
) -> Result<Reply, String> {
    let Request { id, out, kit, work, .. } = request;
    let kit = kit.map(SentKit::kit).transpose()?;
    let engine =
        kits::with_kit(Arc::new(engine), kit.as_ref()).map_err(|error| error.to_string())?;
    let engine = &*engine;
    match work {
        Work::Check { brand, photo } => {
            let findings = check(engine, &id, &brand, photo.as_deref())?;
            Ok(Reply { findings, ..Reply::default() })
        }
        Work::Card { article, brief, recipe, photos, date, shape } => {
            let mut on_disk = Vec::new();
            for Photo { index, path } in photos {
                on_disk.push(PhotoOnDisk { index, bytes: read(&path)?.into(), path });
            }
            let order = studio::Order {
                article: &article,
                brief: &brief,
                recipe: &recipe,
                photos: &on_disk,
                decoded: &Decoded::default(),
                date: &date,
                out: &out,
                cancel,
                shape,
            };
            let drawn = studio::card(engine, order, tell).map_err(|error| error.to_string())?;
            let sheet = |made: studio::Made| Sheet {
                file: made.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                alt: made.alt,
            };
            Ok(Reply {
                files: drawn.made.into_iter().map(sheet).collect(),
                provenance: drawn.provenance,
                focus: drawn.focus.map(|focus| (focus.x, focus.y)),
                findings: Vec::new(),
            })
        }
    }
}

/// Draws its samples and the usual story. Any other sample than the typical one may be too long for a size: less of it is drawn.
fn check(
    engine: &Engine,
    id: &str,
    brand: &str,
    photo: Option<&Path>,
) -> Result<Vec<Finding>, String> {
    let photo = photo.map(read).transpose()?;
    let photo = photo.map(|bytes| photo::decode(&bytes)).transpose();
    let photo = photo.map_err(|error| error.to_string())?.map(|photo| SourcePhoto {
        focus: photo.focus(),
        photo,
        alt: "Ảnh minh họa".to_owned(),
        credit: "Ảnh: Minh Họa".to_owned(),
    });
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let mut samples = engine.template(id).map_err(|error| told(&error))?.samples.clone();
    let usual = engine.template(USUAL).map_err(|error| told(&error))?;
    samples.extend(usual.samples.get(TYPICAL).map(|story| (USUAL.to_owned(), story.clone())));
    let drawn = specimens_of(engine, id, &samples, brand, photo.as_ref(), (None, None));
    let mut findings = Vec::new();
    for one in drawn.map_err(|error| told(&error))? {
        let must = [TYPICAL, USUAL].contains(&one.sample.as_str());
        let problems = one.problems.into_iter().filter(|_| must).chain(one.stray);
        findings.extend(problems.map(|problem| Finding {
            sample: one.sample.clone(),
            size: one.size.clone(),
            problem,
        }));
    }
    Ok(findings)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}
