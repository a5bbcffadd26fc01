//! `loa brands`: the brand kits there are, and keeping or removing one of an agency.

use anyhow::{Context as _, bail};
use loa_canvas::Brand;
use loa_model::{Actor, Face, OwnBrand};
use loa_pipeline::{Kept, Kit, LogoChange, NewKit, Removed, SentKit, Wish, own_kits, remove_kit};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli,
    house::{self, House},
    local, ops,
    settings::Settings,
    show, terminal,
};

/// Follows an order. Returns whether all is well.
pub(crate) async fn run(settings: Settings, order: cli::Brands) -> anyhow::Result<bool> {
    match order {
        cli::Brands::List(order) => Box::pin(list(settings, order)).await.map(|()| true),
        cli::Brands::Add(order) => Box::pin(add(settings, order)).await,
        cli::Brands::Remove(order) => {
            let cli::OwnRemoved { name, agency, json } = order;
            let value = ask(settings, Own::Remove { agency, name }).await?;
            show(&value, json.json).map(|()| true)
        }
    }
}

/// What is asked about the kits of an agency.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Own {
    List { agency: String },
    Add { kit: Box<SentKit> },
    Remove { agency: String, name: String },
}

async fn ask(settings: Settings, order: Own) -> anyhow::Result<Value> {
    local::ask(settings, "brands", serde_json::to_value(order)?, false).await
}

fn by() -> Actor {
    Actor::Operator("command line".to_owned())
}

/// Follows an order in the process that owns the data folder.
pub(crate) async fn own(house: &House, order: Own) -> anyhow::Result<Value> {
    match order {
        Own::List { agency } => {
            ops::agency(house, &agency).await?;
            let kits = own_kits(&*house.store, &house.blobs, &agency).await?;
            Ok(kits.iter().map(|kit| view(&kit.own)).collect())
        }
        Own::Add { kit } => {
            let Kit { own, logo } = kit.kit().map_err(anyhow::Error::msg)?;
            ops::agency(house, &own.agency).await?;
            let there = own_kits(&*house.store, &house.blobs, &own.agency).await?;
            let known = there.iter().any(|kit| kit.own.name == own.name);
            let new = NewKit {
                agency: own.agency.clone(),
                name: own.name.clone(),
                face: own.face,
                logo: logo.map_or(LogoChange::Remove, LogoChange::New),
            };
            let wish = if known { Wish::Change(None) } else { Wish::Add };
            let easel = house.easel()?;
            let place = (&*house.store, &*house.blobs);
            let made = (by(), house.now());
            let kept = easel.studio.keep_kit(place, new, wish, easel.photo.clone(), made).await?;
            let (own, why) = match kept {
                Kept::Yes(own) => (Some(own), None),
                Kept::No(why) => (None, Some(why)),
                Kept::Missing | Kept::Taken | Kept::Raced => bail!(
                    "có người vừa đổi bộ nhận diện này, hãy thử lại · somebody changed this brand kit just now, try again"
                ),
            };
            Ok(json!({ "kept": own.is_some(), "why": why, "brand": own.as_deref().map(view) }))
        }
        Own::Remove { agency, name } => {
            match remove_kit(&*house.store, &agency, &name, by()).await? {
                Removed::Yes => Ok(json!({ "removed": name, "agency": agency })),
                Removed::Missing => bail!(
                    "cơ quan {agency} không có bộ nhận diện {name} · agency {agency} has no brand kit {name}"
                ),
                Removed::Used => bail!(
                    "cơ quan {agency} đang dùng bộ nhận diện {name}, hãy chọn bộ khác trước · agency {agency} uses brand kit {name}, choose another one first"
                ),
            }
        }
    }
}

fn view(own: &OwnBrand) -> Value {
    json!({
        "id": own.id(), "name_vi": own.face.title_vi, "name_en": own.face.title_en,
        "version": own.version, "digest": own.digest, "colours": own.face.theme,
        "logo": own.face.logo.is_some(),
    })
}

async fn add(settings: Settings, order: cli::OwnAdded) -> anyhow::Result<bool> {
    let cli::OwnAdded { dir, agency, name, json } = order;
    let dir = house::absolute(&dir)?;
    let folder = || dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.or_else(folder).unwrap_or_default();
    let path = dir.join("brand.toml");
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    // A file that cannot be read is told as one that is not there, with its name.
    let file = |name: &str| std::fs::read(dir.join(name)).ok().map(Into::into);
    let read = Brand::parse(&name, &text, file)?;
    let face = Face {
        title_vi: read.name_vi,
        title_en: read.name_en,
        tagline: read.tagline,
        theme: read.theme,
        logo: None,
    };
    let own = OwnBrand::new(&agency, &name, face, by(), jiff::Timestamp::UNIX_EPOCH)?;
    let kit = Kit { own, logo: read.logo.map(|logo| logo.bytes) };
    let value = ask(settings, Own::Add { kit: Box::new(kit.sent()) }).await?;
    show(&value, json.json)?;
    Ok(value["kept"] == true)
}

async fn list(settings: Settings, order: cli::Listed) -> anyhow::Result<()> {
    let engine = house::engine(&settings)?;
    let reviewed = engine.brands().values().map(|kit| {
        json!({
            "id": kit.id, "name_vi": kit.name_vi, "name_en": kit.name_en, "version": kit.version,
            "colours": kit.theme, "logo": kit.logo.is_some(),
        })
    });
    let mut all: Vec<Value> = reviewed.collect();
    if let Some(agency) = order.agency {
        let own = ask(settings, Own::List { agency }).await?;
        all.extend(own.as_array().into_iter().flatten().cloned());
    }
    if order.json.json {
        return show(&json!(all), true);
    }
    for kit in &all {
        let [id, vi, en] = ["id", "name_vi", "name_en"].map(|key| kit[key].as_str().unwrap_or(""));
        terminal::out(&format!("{id:<24} {vi} · {en}"))?;
    }
    Ok(())
}
