//! Choosing how the card of an article is drawn: template, headline, points and their order, photo and what it keeps in sight.
//! The form works without script; with it, the card is drawn anew while the form changes.

use axum::{
    Extension,
    extract::{Path, State},
    response::{Html, Response},
};
use loa_model::{
    Article, Brief, Choices, Chosen, ChosenPoint, Digest, DigestBuilder, FocusPoint, Job, JobKind,
    PhotoChoice, Variant, VariantKind, VariantState, record::join,
};
use loa_store::{Changes, StoreExt};
use serde::Serialize;

use crate::{
    Shared, article,
    auth::Visitor,
    brands,
    error::WebError,
    pages,
    preview::{self, Family},
};

/// Sizes offered for looking when a family does not say its own.
const USUAL: &str = "portrait";

#[derive(Serialize)]
struct PointView {
    of: usize,
    place: usize,
    on: bool,
    /// As it is drawn.
    text: String,
    /// As the article says it.
    words: String,
}

#[derive(Serialize)]
struct PhotoView {
    value: String,
    number: usize,
    blob: String,
    caption: String,
    on: bool,
}

#[derive(Serialize)]
struct FamilyView {
    id: String,
    name: String,
    on: bool,
}

#[derive(Serialize)]
struct Page {
    id: String,
    lang: String,
    article_title: String,
    title: String,
    /// The article's own.
    title_words: String,
    families: Vec<FamilyView>,
    sizes: Vec<(String, u32, u32)>,
    points: Vec<PointView>,
    photos: Vec<PhotoView>,
    without_photo: bool,
    /// Hundredths from the left and from the top; empty where the engine finds it.
    focus: Option<(f64, f64)>,
    /// The card of now.
    picture: Option<String>,
    alt: String,
}

/// What both ways in need: the article, its brief, and the card of now.
struct Desk {
    article: Article,
    brief: Brief,
    now: Option<Variant>,
    families: Vec<Family>,
}

impl Desk {
    async fn of(app: &Shared, visitor: &Visitor, id: &str) -> Result<Self, WebError> {
        let article = article::find(app, visitor, id).await?;
        let brief = article::brief_of(app, &article).await?;
        let brief = brief.ok_or_else(|| WebError::unfit(article::NO_BRIEF))?;
        let key = join(&[&article.id.to_string(), &format!("{:06}", article.revision)]);
        let rows = app.store.list::<Variant>("variant_by_article", &key, 100).await?;
        let cards = rows.into_iter().map(|row| row.record).filter(|variant| {
            variant.kind == VariantKind::Infographic && variant.state != VariantState::Stale
        });
        let now = cards.max_by_key(|variant| variant.id);
        let families = app.cards.families(&article.agency).await.map_err(|why| {
            tracing::error!(why, "The templates of cards cannot be read");
            WebError::unfit(why)
        })?;
        Ok(Self { article, brief, now, families })
    }

    /// Digest of the chosen template, when the agency wrote it itself: changed since, it is another card.
    fn own_of(&self, choices: &Choices) -> Option<Digest> {
        let id = choices.template.as_deref()?;
        self.families.iter().find(|family| family.id == id)?.own
    }

    fn choices(&self) -> Choices {
        let chosen = self.now.as_ref().and_then(|variant| variant.chosen.as_ref());
        chosen.map(|chosen| chosen.choices.clone()).unwrap_or_default()
    }
}

/// The form, filled with what was chosen last.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Html<String>, WebError> {
    let desk = Desk::of(&app, &visitor, &id).await?;
    let choices = desk.choices();
    let named = |family: &Family| {
        let name = if visitor.lang == "en" { &family.name_en } else { &family.name_vi };
        let on = choices.template.as_deref() == Some(family.id.as_str());
        FamilyView { id: family.id.clone(), name: name.clone(), on }
    };
    let first = |family: &&Family| family.sizes.iter().any(|(size, ..)| size == USUAL);
    let sizes = desk.families.iter().find(first).map(|family| family.sizes.clone());
    let picture = desk
        .now
        .as_ref()
        .and_then(|variant| variant.renditions.iter().find(|file| file.mime.starts_with("image/")));
    let page = Page {
        id: desk.article.id.to_string(),
        lang: desk.article.lang.clone(),
        article_title: desk.article.title().to_owned(),
        title: choices.title.clone().unwrap_or_else(|| desk.brief.title.text.clone()),
        title_words: desk.brief.title.text.clone(),
        families: desk.families.iter().map(named).collect(),
        sizes: sizes.unwrap_or_default(),
        points: points(&desk.brief, choices.points.as_deref()),
        photos: photos(&desk.article, choices.photo),
        without_photo: choices.photo == PhotoChoice::Without,
        focus: choices.focus.map(|focus| {
            let (x, y) = focus.share();
            (x * 100.0, y * 100.0)
        }),
        picture: picture.map(|file| file.blob.to_string()),
        alt: picture.map(|file| file.alt.clone()).unwrap_or_default(),
    };
    pages::draw(&app, &visitor, "articles", "pages/picture.html", page).await
}

/// Points that are drawn in their order, then the others.
fn points(brief: &Brief, chosen: Option<&[ChosenPoint]>) -> Vec<PointView> {
    let all: Vec<ChosenPoint> =
        (0..brief.points.len()).map(|of| ChosenPoint { of, text: None }).collect();
    let drawn = chosen.unwrap_or(&all);
    let left = all.iter().filter(|point| drawn.iter().all(|other| other.of != point.of));
    let shown = drawn.iter().map(|point| (point, true)).chain(left.map(|point| (point, false)));
    shown
        .enumerate()
        .filter_map(|(place, (point, on))| {
            let words = brief.points.get(point.of)?.text.clone();
            let text = point.text.clone().unwrap_or_else(|| words.clone());
            Some(PointView { of: point.of, place: place + 1, on, text, words })
        })
        .collect()
}

/// Photos that are there; the first goes by that name, so that another one may stand in for it.
fn photos(article: &Article, choice: PhotoChoice) -> Vec<PhotoView> {
    let mut there = Vec::new();
    for (index, photo) in article.photos.iter().enumerate() {
        let Some(blob) = photo.blob else { continue };
        let is_first = there.is_empty();
        let value = if is_first { "first".to_owned() } else { index.to_string() };
        let on = choice == PhotoChoice::At(index) || (is_first && choice == PhotoChoice::First);
        let caption = if photo.caption.is_empty() { &photo.alt } else { &photo.caption };
        let (number, caption, blob) = (index + 1, caption.clone(), blob.to_string());
        there.push(PhotoView { value, number, blob, caption, on });
    }
    there
}

/// Queues the card as it was chosen. The same choices again queue nothing.
pub(crate) async fn draw(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let desk = Desk::of(&app, &visitor, &id).await?;
    let pairs: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).collect();
    let choices = read(&pairs, &desk.brief).map_err(WebError::unfit)?;
    let known = |id: &String| desk.families.iter().any(|family| family.id == *id);
    if let Some(unknown) = choices.template.as_ref().filter(|id| !known(id)) {
        return Err(WebError::unfit(format!(
            "Không có mẫu {unknown} / There is no template {unknown}"
        )));
    }
    preview::photo_of(&choices, &desk.article).map_err(WebError::unfit)?;
    let now = app.clock.now();
    let chosen = Chosen { choices, by: visitor.user.id, at: now };
    let mut brief = desk.brief.clone();
    chosen.apply(&mut brief).map_err(|why| WebError::unfit(why.to_string()))?;
    let own = desk.own_of(&chosen.choices);
    let Desk { article, now: before, .. } = desk;
    let brand = preview::brand_of(&app, &article.agency).await?;
    let kind = VariantKind::Infographic;
    let recipe = recipe(&article, &desk.brief, kind, &chosen.choices, &brand, own);
    let template = chosen.choices.template.clone().unwrap_or_default();
    let new = New { kind, template, brand, chosen, recipe };
    queue(&app, &visitor, (&article, before), new, "draw anew").await
}

/// A variant as a person chose it.
pub(crate) struct New {
    pub(crate) kind: VariantKind,
    pub(crate) template: String,
    pub(crate) brand: String,
    pub(crate) chosen: Chosen,
    pub(crate) recipe: Digest,
}

/// Queues it, unless `before`, the one of now, is the same. Back to the article then.
pub(crate) async fn queue(
    app: &Shared,
    visitor: &Visitor,
    (article, before): (&Article, Option<Variant>),
    New { kind, template, brand, chosen, recipe }: New,
    purpose: &'static str,
) -> Result<Response, WebError> {
    let recipe = brands::covering(app, &article.agency, &brand, recipe).await?;
    let waits = before
        .is_some_and(|variant| variant.recipe == recipe && variant.state != VariantState::Failed);
    if !waits {
        let now = chosen.at;
        let variant = Variant {
            id: app.ids.make(),
            agency: article.agency.clone(),
            article: article.id,
            revision: article.revision,
            kind,
            template,
            brand,
            kit: None,
            chosen: Some(chosen),
            recipe,
            state: VariantState::Queued,
            renditions: Vec::new(),
            provenance: serde_json::Value::Null,
            reason: String::new(),
        };
        let work = JobKind::Render { variant: variant.id };
        let job = Job::new(app.ids.make(), &article.agency, work, now);
        let changes = Changes::by(visitor.actor(), purpose).insert(&variant).enqueue(job);
        app.store.commit(changes).await?;
    }
    Ok(article::back(&article.id.to_string()))
}

/// Digest of everything that decides a variant that a person chose.
pub(crate) fn recipe(
    article: &Article,
    brief: &Brief,
    kind: VariantKind,
    choices: &Choices,
    brand: &str,
    own: Option<Digest>,
) -> Digest {
    let mut digest = DigestBuilder::new("variant/chosen/1");
    if let Some(own) = own {
        digest = digest.json("own", &own);
    }
    // The first that people could choose were cards: theirs stays what it was.
    if kind != VariantKind::Infographic {
        digest = digest.json("kind", &kind);
    }
    digest
        .json("article", &article.digest)
        .json("story", &brief.story)
        .json("words", &brief.passages().collect::<Vec<_>>())
        .json("choices", choices)
        .field("brand", brand)
        .finish()
}

/// The form as choices. What is as the engine chooses is left to it.
fn read<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)], brief: &Brief) -> Result<Choices, String> {
    let all = |name: &str| {
        let name = name.to_owned();
        pairs.iter().filter(move |(key, _)| key.as_ref() == name).map(|(_, value)| value.as_ref())
    };
    let one = |name: &str| all(name).next().unwrap_or_default();
    let mut points: Vec<(u32, ChosenPoint)> = Vec::new();
    for index in all("point") {
        let of: usize = index.parse().map_err(|_| format!("point = {index:?}"))?;
        let text = one(&format!("text-{of}")).replace("\r\n", " ");
        let words = brief.points.get(of).map(|point| point.text.as_str());
        let text = (Some(text.trim()) != words).then_some(text);
        // A number that is missing or none comes last.
        let place = one(&format!("place-{of}")).parse().unwrap_or(u32::MAX);
        points.push((place, ChosenPoint { of, text }));
    }
    points.sort_by_key(|(place, point)| (*place, point.of));
    let points: Vec<ChosenPoint> = points.into_iter().map(|(_, point)| point).collect();
    let untouched = points.len() == brief.points.len()
        && points.iter().enumerate().all(|(place, p)| p.of == place && p.text.is_none());
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
    let title = one("title").replace("\r\n", " ");
    Ok(Choices {
        template: Some(one("template")).filter(|id| !id.is_empty()).map(str::to_owned),
        title: (title.trim() != brief.title.text).then_some(title),
        points: (!untouched).then_some(points),
        photo,
        focus: focus.filter(|_| photo != PhotoChoice::Without),
        clip: None,
    })
}
