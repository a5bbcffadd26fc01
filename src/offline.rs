//! `loa ingest` and `loa render`: a source to words and files, without a data folder.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use loa_brief::Picture;
use loa_ingest::{Ingest, Source};
use loa_model::{Article, Brief, Cancel, Digest, Ids, Link, Progress, VariantKind};
use loa_pipeline::{PhotoOnDisk, Recipe, Take, VideoOnDisk};
use serde_json::{Value, json};

use crate::{
    channels, cli, house,
    settings::Settings,
    terminal,
    world::{self, OsEntropy, WallClock},
};

/// An article with its brief and its photos on disk.
struct Read {
    article: Article,
    brief: Brief,
    photos: Vec<PhotoOnDisk>,
    videos: Vec<VideoOnDisk>,
    warnings: Vec<Value>,
}

async fn read(settings: &Settings, source: &str, folder: &Path) -> anyhow::Result<Read> {
    let ids = Ids::new(Arc::new(WallClock), Arc::new(OsEntropy));
    let ingest = Ingest::new(house::guarded(settings)?).with(settings.ingest.clone());
    let source = Source::parse(source);
    let mut draft = ingest.read(&source, None).await?;
    let fetched = ingest.fetch_photos(&mut draft).await?;
    let mut photos = Vec::new();
    let mut kept = Vec::new();
    for photo in fetched {
        let path = folder.join(format!("photo-{}", photo.index));
        tokio::fs::write(&path, &photo.bytes)
            .await
            .with_context(|| format!("cannot write {}", path.display()))?;
        kept.push((photo.index, Digest::of(&photo.bytes), photo.mime.to_owned()));
        photos.push((Digest::of(&photo.bytes), path, photo.bytes));
    }
    let fetched = ingest.fetch_videos(&mut draft, folder).await.fetched;
    let mut videos = Vec::new();
    let mut films = Vec::new();
    for video in fetched {
        let bytes = tokio::fs::read(&video.path)
            .await
            .with_context(|| format!("cannot read {}", video.path.display()))?;
        let digest = Digest::of(&bytes);
        films.push((video.index, digest, video.mime.to_owned()));
        videos.push((digest, video.path));
    }
    draft.keep_videos(&films);
    let warnings = draft
        .warnings
        .iter()
        .map(|warning| json!({ "code": warning.code, "detail": warning.detail }))
        .collect();
    let now = loa_model::Clock::now(&WallClock);
    let article = draft.article(ids.make(), "command-line", 1, Some(&kept), now);
    let brief = loa_brief::extract(&article, &ids);
    // Photos that could not be had are no photos of the article: indexes are those of what is left.
    let index_of = |blob: Digest| article.photos.iter().position(|photo| photo.blob == Some(blob));
    let photos = photos
        .into_iter()
        .filter_map(|(blob, path, bytes)| Some(PhotoOnDisk { index: index_of(blob)?, path, bytes }))
        .collect();
    let index_of = |blob: Digest| article.videos.iter().position(|video| video.blob == Some(blob));
    let videos = videos
        .into_iter()
        .filter_map(|(digest, path)| Some(VideoOnDisk { index: index_of(digest)?, path, digest }))
        .collect();
    Ok(Read { article, brief, photos, videos, warnings })
}

/// Prints article and brief.
pub(crate) async fn ingest(settings: &Settings, order: &cli::Source) -> anyhow::Result<()> {
    let folder = Scratch::new()?;
    let read = read(settings, &order.source, &folder.0).await?;
    if order.json.json {
        return terminal::out(
            &json!({ "article": read.article, "brief": read.brief, "warnings": read.warnings })
                .to_string(),
        );
    }
    terminal::out(read.article.title())?;
    terminal::out(&format!("\n{}\n", read.article.sapo()))?;
    for point in &read.brief.points {
        terminal::out(&format!("  • {}", point.text))?;
    }
    for figure in &read.brief.figures {
        terminal::out(&format!("  # {} {} — {}", figure.value, figure.unit, figure.label.text))?;
    }
    for quote in &read.brief.quotes {
        terminal::out(&format!("  “{}” — {}", quote.words.text, quote.speaker))?;
    }
    for warning in &read.warnings {
        terminal::say(&format!("? {warning}"));
    }
    Ok(())
}

/// Draws everything into a folder, with `manifest.json`.
pub(crate) async fn render(settings: &Settings, order: &cli::Render) -> anyhow::Result<()> {
    const KNOWN: [&str; 8] =
        ["infographic", "carousel", "clip", "long", "square", "audio", "poster", "text"];
    if let Some(other) = order.only.iter().find(|name| !KNOWN.contains(&name.as_str())) {
        bail!("--only {other} is not offered: choose from {}", KNOWN.join(", "));
    }
    let wanted = |name: &str| order.only.is_empty() || order.only.iter().any(|only| only == name);
    std::fs::create_dir_all(&order.out)
        .with_context(|| format!("cannot make {}", order.out.display()))?;
    let out = house::absolute(&order.out)?;
    let scratch = Scratch::new()?;
    let read = read(settings, &order.source, &scratch.0).await?;
    let studio = house::studio(settings, &scratch.0.join("kept")).await?;
    let recipe = Recipe {
        template: order.template.clone(),
        brand: order.brand.clone(),
        ..Recipe::default()
    };
    let cancel = Cancel::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        if crate::demo::interrupted().await.is_ok() {
            stop.cancel();
        }
    });
    let mut kinds = Vec::new();
    if wanted("infographic") {
        kinds.push(VariantKind::Infographic);
    }
    if wanted("carousel") && loa_infographic::may_spread(&read.brief) {
        kinds.push(VariantKind::Carousel);
    }
    if wanted("clip") {
        kinds.extend([VariantKind::ShortClip, VariantKind::LowBand]);
    }
    // Only when asked for by name: not every story has enough to tell, and not every house a voice.
    let asked = [
        ("long", VariantKind::LongClip),
        ("square", VariantKind::SquareClip),
        ("audio", VariantKind::Audio),
    ];
    let named = |name: &str| order.only.iter().any(|only| only == name);
    kinds.extend(asked.into_iter().filter(|(name, _)| named(name)).map(|(_, kind)| kind));
    if wanted("poster") {
        kinds.push(VariantKind::Poster);
    }
    let (mut files, mut violations) = (Vec::new(), Vec::new());
    for kind in kinds {
        let name = serde_json::to_value(kind)?.as_str().unwrap_or_default().to_owned();
        let folder = out.join(&name);
        std::fs::create_dir_all(&folder)?;
        let work = scratch.0.join(&name);
        std::fs::create_dir_all(&work)?;
        let take = Take {
            article: &read.article,
            brief: &read.brief,
            photos: &read.photos,
            videos: &read.videos,
            recipe: &recipe,
            work: &work,
            out: &folder,
            cancel: &cancel,
        };
        let shown = std::sync::atomic::AtomicU64::new(u64::MAX);
        let progress = |now: Progress| {
            let percent = (now.done * 100).checked_div(now.total).unwrap_or(0) / 10 * 10;
            if shown.swap(percent, std::sync::atomic::Ordering::Relaxed) != percent {
                terminal::say(&format!("{name}: {} {percent} %", terminal::step(&now.step)));
            }
        };
        let (made, provenance) = studio.draw(kind, take, &progress).await?;
        for violation in provenance["violations"].as_array().into_iter().flatten() {
            let [size, is] = ["field", "is"].map(|key| violation[key].as_str().unwrap_or_default());
            terminal::say(&format!("{name}: {size}: không vừa · does not fit: {is}"));
            violations.push(violation.clone());
        }
        for file in made {
            let bytes = tokio::fs::read(&file.path).await?;
            files.push(json!({
                "kind": name, "name": file.name, "file": relative(&file.path, &out), "sha256": Digest::of(&bytes),
                "width": file.width, "height": file.height, "duration_ms": file.duration_ms, "bytes": file.bytes,
                "mime": file.mime, "alt": file.alt, "provenance": provenance,
            }));
        }
    }
    if wanted("text") {
        files.extend(texts(settings, &read, &out)?);
    }
    let manifest = json!({
        "article": { "title": read.article.title(), "url": read.article.source.canonical_url, "digest": read.article.digest },
        "files": files, "violations": violations,
    });
    std::fs::write(out.join("manifest.json"), serde_json::to_vec_pretty(&manifest)?)?;
    if order.json.json {
        terminal::out(&manifest.to_string())
    } else {
        terminal::out(&format!("{} files in {}", files.len(), out.display()))
    }
}

/// The words of each default post, with the article's own address in the place of a short link.
fn texts(settings: &Settings, read: &Read, out: &Path) -> anyhow::Result<Vec<Value>> {
    let folder = out.join("text");
    std::fs::create_dir_all(&folder)?;
    let built = channels::build(&settings.channels)?;
    let url = read.article.web_address().to_owned();
    let link = Link { code: String::new(), url: url.clone(), target: url };
    let mut files = Vec::new();
    for (channel, capability) in built.capabilities() {
        for slot in settings.profiles.get(&channel).into_iter().flatten() {
            let Some(rule) = capability.formats.get(&slot.format) else { continue };
            let none: [Picture; 0] = [];
            let composed =
                loa_brief::compose(&read.article, &read.brief, rule, slot.format, &link, &none);
            let format = serde_json::to_value(slot.format)?.as_str().unwrap_or_default().to_owned();
            let path = folder.join(format!("{channel}-{format}.json"));
            let bytes = serde_json::to_vec_pretty(&composed)?;
            std::fs::write(&path, &bytes)?;
            files.push(json!({
                "kind": "text", "name": format!("{channel} {format}"), "file": relative(&path, out), "sha256": Digest::of(&bytes),
                "width": 0, "height": 0, "duration_ms": 0, "bytes": bytes.len(), "mime": "application/json", "alt": "",
                "provenance": composed.lines,
            }));
        }
    }
    Ok(files)
}

fn relative(path: &Path, base: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}

/// A folder of its own that goes away with the value.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let ids = Ids::new(Arc::new(WallClock), Arc::new(OsEntropy));
        let path = world::temporary().join(format!("loa-{}", ids.token(16)));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(path = %self.0.display(), %error, "A temporary folder could not be removed");
        }
    }
}
