//! `loa templates`: which there are, whether they keep what they promise, how they look.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use loa_canvas::{Engine, Manifest, TemplateKind, encode, photo};
use loa_infographic::{SourcePhoto, sheet, specimens};
use loa_model::{Actor, OwnTemplate};
use loa_pipeline::{own_templates, remove_own};
use loa_web::Cards as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli,
    house::{self, House},
    local, ops,
    settings::Settings,
    show, terminal,
};

/// The sample that every size must hold.
const TYPICAL: &str = "typical";
/// JPEG quality of a sheet.
const SHEET_QUALITY: u8 = 70;

/// Follows an order. Returns whether all is well.
pub(crate) async fn run(settings: Settings, order: cli::Templates) -> anyhow::Result<bool> {
    match order {
        cli::Templates::List(order) => Box::pin(list(settings, order)).await.map(|()| true),
        cli::Templates::Check(order) => check(&settings, &house::engine(&settings)?, &order),
        cli::Templates::Preview(order) => {
            preview(&settings, &house::engine(&settings)?, &order).map(|()| true)
        }
        cli::Templates::Add(order) => add(settings, order).await,
        cli::Templates::Remove(order) => {
            let cli::OwnRemoved { name, agency, json } = order;
            let value = ask(settings, Own::Remove { agency, name }).await?;
            show(&value, json.json).map(|()| true)
        }
    }
}

/// What is asked about the templates of an agency.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Own {
    List { agency: String },
    Add { agency: String, name: String, files: BTreeMap<String, String> },
    Remove { agency: String, name: String },
}

async fn ask(settings: Settings, order: Own) -> anyhow::Result<Value> {
    local::ask(settings, "templates", serde_json::to_value(order)?, false).await
}

/// Follows an order in the process that owns the data folder.
pub(crate) async fn own(house: &House, order: Own) -> anyhow::Result<Value> {
    let by = Actor::Operator("command line".to_owned());
    match order {
        Own::List { agency } => {
            ops::agency(house, &agency).await?;
            let all = own_templates(&*house.store, &agency).await?;
            Ok(all.iter().map(|(own, manifest)| view(&own.id(), manifest, &[])).collect())
        }
        Own::Add { agency, name, files } => {
            ops::agency(house, &agency).await?;
            let own = OwnTemplate::new(&agency, &name, files, by, house.now())?;
            let (id, digest) = (own.id(), own.digest);
            let kept = house.easel()?.keep(own).await;
            let (why, findings) = kept.err().map(|no| (no.why, no.findings)).unzip();
            Ok(json!({
                "template": id, "agency": agency, "digest": digest, "kept": why.is_none(), "why": why,
                "findings": findings.unwrap_or_default(),
            }))
        }
        Own::Remove { agency, name } => {
            if !remove_own(&*house.store, &agency, &name, by).await? {
                bail!(
                    "cơ quan {agency} không có mẫu {name} · agency {agency} has no template {name}"
                );
            }
            Ok(json!({ "removed": name, "agency": agency }))
        }
    }
}

async fn add(settings: Settings, order: cli::OwnAdded) -> anyhow::Result<bool> {
    let cli::OwnAdded { dir, agency, name, json } = order;
    let dir = house::absolute(&dir)?;
    let folder = || dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.or_else(folder).unwrap_or_default();
    let mut files = BTreeMap::new();
    for file in ["template.typ", "template.toml", "sample.json"] {
        let path = dir.join(file);
        if path.exists() {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(file.to_owned(), text);
        }
    }
    let value = ask(settings, Own::Add { agency, name, files }).await?;
    show(&value, json.json)?;
    Ok(value["kept"] == true)
}

fn view(id: &str, manifest: &Manifest, samples: &[&String]) -> Value {
    let sizes = manifest.sizes.iter().map(|size| {
        let (width, height) = size.px.or(size.mm).unwrap_or_default();
        json!({ "id": size.id, "width": width, "height": height })
    });
    json!({
        "id": id, "name_vi": manifest.name_vi, "name_en": manifest.name_en,
        "kind": kind(manifest.kind), "version": manifest.version, "stories": manifest.stories,
        "draws": manifest.draws, "sizes": sizes.collect::<Vec<_>>(), "samples": samples,
    })
}

async fn list(settings: Settings, order: cli::Listed) -> anyhow::Result<()> {
    let engine = house::engine(&settings)?;
    let reviewed = engine.templates().values();
    let reviewed =
        reviewed.map(|one| view(&one.id, &one.manifest, &one.samples.keys().collect::<Vec<_>>()));
    let mut all: Vec<Value> = reviewed.collect();
    if let Some(agency) = order.agency {
        let own = ask(settings, Own::List { agency }).await?;
        all.extend(own.as_array().into_iter().flatten().cloned());
    }
    if order.json.json {
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
    let Some(bytes) = house::sample_photo(settings)? else { return Ok(None) };
    let photo = photo::decode(&bytes)?;
    Ok(Some(SourcePhoto {
        focus: photo.focus(),
        photo,
        alt: "Ảnh minh họa".to_owned(),
        credit: "Ảnh: Minh Họa".to_owned(),
    }))
}
