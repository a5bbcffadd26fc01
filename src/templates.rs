//! `loa templates`: which there are, whether they keep what they promise, how they look.

use std::path::Path;

use anyhow::{Context as _, bail};
use loa_canvas::{Engine, TemplateKind, encode, photo};
use loa_infographic::{SourcePhoto, sheet, specimens};
use serde_json::{Value, json};

use crate::{cli, house, settings::Settings, show, terminal, world};

/// The sample that every size must hold.
const TYPICAL: &str = "typical";
/// JPEG quality of a sheet.
const SHEET_QUALITY: u8 = 70;
/// Photo of the samples that have one, below `assets`.
const PHOTO: &str = "demo/photos";

/// Follows an order. Returns whether all is well.
pub(crate) fn run(settings: &Settings, order: &cli::Templates) -> anyhow::Result<bool> {
    let engine = house::engine(settings)?;
    match order {
        cli::Templates::List(output) => list(&engine, output.json).map(|()| true),
        cli::Templates::Check(order) => check(settings, &engine, order),
        cli::Templates::Preview(order) => preview(settings, &engine, order).map(|()| true),
    }
}

fn list(engine: &Engine, as_json: bool) -> anyhow::Result<()> {
    let all: Vec<Value> = engine
        .templates()
        .values()
        .map(|template| {
            let manifest = &template.manifest;
            let sizes = manifest.sizes.iter().map(|size| {
                let (width, height) = size.px.or(size.mm).unwrap_or_default();
                json!({ "id": size.id, "width": width, "height": height })
            });
            json!({
                "id": template.id, "name_vi": manifest.name_vi, "name_en": manifest.name_en,
                "kind": kind(manifest.kind), "version": manifest.version, "stories": manifest.stories,
                "draws": manifest.draws, "sizes": sizes.collect::<Vec<_>>(),
                "samples": template.samples.keys().collect::<Vec<_>>(),
            })
        })
        .collect();
    if as_json {
        return show(&json!(all), true);
    }
    for template in &all {
        let [id, kind, vi, en] =
            ["id", "kind", "name_vi", "name_en"].map(|key| template[key].as_str().unwrap_or(""));
        let sizes: Vec<_> = template["sizes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|s| s["id"].as_str())
            .collect();
        terminal::out(&format!("{id:<18} {kind:<9} {vi} · {en}  {}", sizes.join(" ")))?;
    }
    Ok(())
}

fn kind(kind: TemplateKind) -> &'static str {
    match kind {
        TemplateKind::Page => "page",
        TemplateKind::Layers => "layers",
        TemplateKind::Paper => "paper",
        TemplateKind::Document => "document",
    }
}

/// The templates that were named, or all that have samples.
fn chosen(engine: &Engine, named: &[String]) -> anyhow::Result<Vec<String>> {
    for id in named {
        if engine.template(id)?.samples.is_empty() {
            bail!(
                "template {id} has no sample.json: add one with a story {TYPICAL:?} · \
                 mẫu {id} chưa có sample.json: hãy thêm một bài tên {TYPICAL:?}"
            );
        }
    }
    let all = engine.templates().values().filter(|template| !template.samples.is_empty());
    let wanted = all.filter(|template| named.is_empty() || named.contains(&template.id));
    Ok(wanted.map(|template| template.id.clone()).collect())
}

fn check(settings: &Settings, engine: &Engine, order: &cli::TemplateCheck) -> anyhow::Result<bool> {
    let photo = sample_photo(settings)?;
    let (mut sound, mut found) = (true, Vec::new());
    for id in chosen(engine, &order.templates)? {
        for one in specimens(engine, &id, &order.brand, photo.as_ref(), (None, None))? {
            // Any other sample may be too long for a size: less of it is drawn then.
            let fails = one.sample == TYPICAL && !one.problems.is_empty();
            sound &= !fails;
            if !order.json.json {
                let mark = if fails {
                    "✗"
                } else if one.problems.is_empty() {
                    "✓"
                } else {
                    "–"
                };
                let first = one.problems.first().map_or("", String::as_str);
                terminal::out(&format!("{mark} {id} {} {} {first}", one.sample, one.size))?;
            }
            found.push(json!({
                "template": id, "sample": one.sample, "size": one.size, "problems": one.problems, "fails": fails,
            }));
        }
    }
    if order.json.json {
        show(&json!({ "sound": sound, "specimens": found }), true)?;
    }
    Ok(sound)
}

fn preview(
    settings: &Settings,
    engine: &Engine,
    order: &cli::TemplatePreview,
) -> anyhow::Result<()> {
    let photo = sample_photo(settings)?;
    std::fs::create_dir_all(&order.out)
        .with_context(|| format!("cannot make {}", order.out.display()))?;
    let only = (order.sample.as_deref(), order.size.as_deref());
    let mut files = Vec::new();
    for id in chosen(engine, &order.templates)? {
        let drawn = specimens(engine, &id, &order.brand, photo.as_ref(), only)?;
        if drawn.is_empty() {
            bail!(
                "template {id} has no such sample or size: see `loa templates list --json` · không có bài mẫu hoặc cỡ này"
            );
        }
        if order.sheet {
            // A sheet is looked at, not measured.
            files.push(write(
                &order.out,
                &format!("{id}.jpg"),
                &encode::jpeg(&sheet(&drawn), SHEET_QUALITY)?,
            )?);
            continue;
        }
        for one in drawn {
            let name = format!("{id}-{}-{}.png", one.sample, one.size);
            files.push(write(&order.out, &name, &encode::png(&one.pixels)?)?);
            for problem in &one.problems {
                terminal::say(&format!("{name}: {problem}"));
            }
        }
    }
    if order.json.json {
        return show(&json!({ "files": files }), true);
    }
    terminal::out(&format!("{} files in {}", files.len(), order.out.display()))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}

/// A photo for the samples: the first one of the demo.
fn sample_photo(settings: &Settings) -> anyhow::Result<Option<SourcePhoto>> {
    let overlay = Some(settings.assets.as_path()).filter(|path| !path.as_os_str().is_empty());
    let all = world::assets(overlay)?;
    let first = world::under(&all, PHOTO).next().map(|(_, bytes)| bytes.clone());
    let Some(bytes) = first else { return Ok(None) };
    let photo = photo::decode(&bytes)?;
    Ok(Some(SourcePhoto {
        focus: photo.focus(),
        photo,
        alt: "Ảnh minh họa".to_owned(),
        credit: "Ảnh: Minh Họa".to_owned(),
    }))
}
