//! Choosing how the card of an article is drawn: template, headline, points and their order, photo and what it keeps in sight.

use loa_model::{
    BriefList, Choices, Chosen, ChosenPart, Digest, FocusPoint, PhotoChoice, VariantKind,
};
use serde::Serialize;

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    preview::{self, Family},
    variant::{self, Bench, KitView, Line, MediaView, plain},
};

/// Size whose list is offered for looking, when a family does not say its own.
const USUAL: &str = "portrait";

#[derive(Serialize)]
struct PartView {
    #[serde(flatten)]
    line: Line,
    place: usize,
    on: bool,
}

#[derive(Serialize)]
struct PhotoView {
    value: String,
    #[serde(flatten)]
    photo: MediaView,
    on: bool,
}

#[derive(Serialize)]
struct FamilyView {
    id: String,
    name: String,
    on: bool,
}

/// The form of a card, filled with what was chosen last.
#[derive(Serialize)]
pub(crate) struct Editor {
    title: Line,
    points: Vec<PartView>,
    figures: Vec<PartView>,
    quotes: Vec<PartView>,
    dates: Vec<PartView>,
    /// Who wrote what is not the article's, and when.
    writer: Option<String>,
    families: Vec<FamilyView>,
    brands: Vec<KitView>,
    sizes: Vec<(String, u32, u32)>,
    photos: Vec<PhotoView>,
    without_photo: bool,
    /// Hundredths from the left and from the top; empty where the engine finds it.
    focus: Option<(f64, f64)>,
}

async fn families(app: &Shared, bench: &Bench) -> Result<Vec<Family>, WebError> {
    app.cards.families(&bench.article.agency).await.map_err(|why| {
        tracing::error!(why, "The templates of cards cannot be read");
        WebError::unfit(why)
    })
}

/// Choices that can be drawn, with the template, and its digest when the agency wrote it itself: changed since, it is
/// another card.
pub(crate) async fn fitting(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
    choices: Choices,
) -> Result<(Choices, String, Option<Digest>), WebError> {
    if choices.clip.is_some() {
        return Err(WebError::unfit("Đồ họa không có cảnh phim / A card has no scenes of a clip"));
    }
    let families = families(app, bench).await?;
    let mut own = None;
    if let Some(id) = &choices.template {
        let family = families.iter().find(|family| family.id == *id).ok_or_else(|| {
            WebError::unfit(format!("Không có mẫu {id} / There is no template {id}"))
        })?;
        own = family.own;
    }
    preview::photo_of(&choices, &bench.article).map_err(WebError::unfit)?;
    let chosen = Chosen { choices, by: visitor.user.id, at: app.clock.now() };
    chosen.apply(&mut bench.brief.clone()).map_err(|why| WebError::unfit(why.to_string()))?;
    let template = chosen.choices.template.clone().unwrap_or_default();
    Ok((chosen.choices, template, own))
}

/// The form, filled with what was chosen last.
pub(crate) async fn editor(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
) -> Result<Editor, WebError> {
    let families = families(app, bench).await?;
    let kind = VariantKind::Infographic;
    let choices = bench.choices(kind).cloned().unwrap_or_default();
    let named = |family: &Family| {
        let name = if visitor.lang == "en" { &family.name_en } else { &family.name_vi };
        let on = choices.template.as_deref() == Some(family.id.as_str());
        FamilyView { id: family.id.clone(), name: name.clone(), on }
    };
    let first = |family: &&Family| family.sizes.iter().any(|(size, ..)| size == USUAL);
    let sizes = families.iter().find(first).map(|family| family.sizes.clone());
    Ok(Editor {
        title: Line::title(bench),
        points: parts(bench, BriefList::Points),
        figures: parts(bench, BriefList::Figures),
        quotes: parts(bench, BriefList::Quotes),
        dates: parts(bench, BriefList::Dates),
        writer: bench.writer(app, &visitor.lang).await?,
        families: families.iter().map(named).collect(),
        brands: variant::kits(app, visitor, bench, kind).await?,
        sizes: sizes.unwrap_or_default(),
        photos: photos(bench, choices.photo),
        without_photo: choices.photo == PhotoChoice::Without,
        focus: choices.focus.map(|focus| {
            let (x, y) = focus.share();
            (x * 100.0, y * 100.0)
        }),
    })
}

/// Parts of a list that are drawn in their order, then the others.
fn parts(bench: &Bench, list: BriefList) -> Vec<PartView> {
    let drawn = bench.list(list);
    let mut left = list.own(&bench.brief);
    left.retain(|part| drawn.iter().all(|other| other.of != part.of));
    let shown = drawn.iter().map(|part| (part, true)).chain(left.iter().map(|p| (p, false)));
    shown
        .enumerate()
        .filter_map(|(place, (part, on))| {
            Some(PartView { line: Line::part(bench, list, part)?, place: place + 1, on })
        })
        .collect()
}

/// Photos that are there; the first goes by that name, so that another one may stand in for it.
fn photos(bench: &Bench, choice: PhotoChoice) -> Vec<PhotoView> {
    let there = variant::photos(&bench.article).into_iter().enumerate();
    let view = |(place, photo): (usize, MediaView)| {
        let is_first = place == 0;
        let value = if is_first { "first".to_owned() } else { photo.index.to_string() };
        let is_it = choice == PhotoChoice::At(photo.index);
        PhotoView { value, photo, on: is_it || (is_first && choice == PhotoChoice::First) }
    };
    there.map(view).collect()
}

/// The form as choices. What is as the engine chooses is left to it.
pub(crate) fn read(
    pairs: &[(String, String)],
    brief: &loa_model::Brief,
) -> Result<Choices, String> {
    let all = |name: &str| {
        let name = name.to_owned();
        pairs.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_str())
    };
    let one = |name: &str| all(name).next().unwrap_or_default();
    let list = |list: BriefList| {
        let name = list.name();
        let mut parts: Vec<(u32, ChosenPart)> = Vec::new();
        for index in all(name) {
            let of: usize = index.parse().map_err(|_| format!("{name} = {index:?}"))?;
            let text = list.is_written().then(|| one(&format!("text-{name}-{of}")));
            let text = text.map(|text| text.replace("\r\n", " "));
            // A number that is missing or none comes last.
            let place = one(&format!("place-{name}-{of}")).parse().unwrap_or(u32::MAX);
            parts.push((place, ChosenPart { of, text }));
        }
        parts.sort_by_key(|(place, part)| (*place, part.of));
        Ok::<_, String>(parts.into_iter().map(|(_, part)| part).collect())
    };
    let photo = match one("photo") {
        "" | "first" => PhotoChoice::First,
        "without" => PhotoChoice::Without,
        index => PhotoChoice::At(index.parse().map_err(|_| format!("photo = {index:?}"))?),
    };
    let focus = match (one("x").trim(), one("y").trim()) {
        ("", "") => None,
        (x, y) => {
            let share = |text: &str| text.replace(',', ".").parse::<f64>().ok().map(|n| n / 100.0);
            let place = share(x).zip(share(y)).and_then(|(x, y)| FocusPoint::at(x, y));
            Some(place.ok_or(
                "Điểm chính của ảnh là hai số từ 0 đến 100 / The focus of the photo is two numbers from 0 to 100",
            )?)
        }
    };
    let mut choices = Choices {
        template: Some(one("template")).filter(|id| !id.is_empty()).map(str::to_owned),
        title: Some(one("title").replace("\r\n", " ")),
        photo,
        focus: focus.filter(|_| photo != PhotoChoice::Without),
        ..Choices::default()
    };
    for one in BriefList::ALL {
        choices.choose(one, Some(list(one)?));
    }
    Ok(plain(choices, brief))
}
