//! A variant made anew as a person chose it: one way for the editor on the page of an article and for programs.

use std::collections::BTreeMap;

use axum::{
    Extension, Form, Json,
    body::Bytes,
    extract::{Path, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use loa_model::{
    Agency, Article, Brief, BriefList, Choices, Chosen, ChosenPart, Digest, DigestBuilder, Job,
    JobId, JobState, Priority, User, Variant, VariantId, VariantKind, VariantState,
    variant::VariantEvent,
};
use loa_store::{Changes, JobView, StoreExt};
use serde::{Deserialize, Serialize};

use crate::{
    Shared, article,
    auth::Visitor,
    brands::{self, Kit, redraw::redraw},
    clip,
    decide::desk_refusal,
    error::WebError,
    pages::{self, name_of},
    picture,
    preview::brand_of,
    view,
    ways::{WRITERS, Ways},
};

mod told;

/// Kinds that a person can have made as they choose, in the order in which people see them.
pub(crate) const CHOSEN: [VariantKind; 6] = [
    VariantKind::Infographic,
    VariantKind::ShortClip,
    VariantKind::SquareClip,
    VariantKind::LongClip,
    VariantKind::LowBand,
    VariantKind::Audio,
];

/// Addresses of this module.
pub(crate) fn ways(ways: Ways) -> Ways {
    ways.post("/bai-viet/{id}/chinh", WRITERS, press)
        .post("/bai-viet/{id}/dung-lai", WRITERS, again)
        .api(Method::POST, "/api/v1/articles/{id}/variants", WRITERS, (told::order(), operation))
        .api(
            Method::GET,
            "/api/v1/articles/{id}/variants/{kind}",
            WRITERS,
            (told::editor(), editor),
        )
}

/// What an editor of an article's variants has before them.
pub(crate) struct Bench {
    pub(crate) article: Article,
    /// As the article says it.
    pub(crate) brief: Brief,
    /// Those that are not stale, the latest last.
    pub(crate) variants: Vec<Variant>,
}

impl Bench {
    /// Of an article of the visitor's agency.
    pub(crate) async fn of(app: &Shared, visitor: &Visitor, id: &str) -> Result<Self, WebError> {
        let article = article::find(app, visitor, id).await?;
        let brief = article::brief_of(app, &article).await?;
        let brief = brief.ok_or_else(|| WebError::unfit(article::NO_BRIEF))?;
        Self::with(app, article, brief).await
    }

    pub(crate) async fn with(
        app: &Shared,
        article: Article,
        brief: Brief,
    ) -> Result<Self, WebError> {
        let mut variants = article::variants_of(app, &article).await?;
        variants.retain(|one| one.state != VariantState::Stale);
        variants.sort_by_key(|variant| variant.id);
        Ok(Self { article, brief, variants })
    }

    /// The variant of now.
    pub(crate) fn now(&self, kind: VariantKind) -> Option<&Variant> {
        self.variants.iter().rev().find(|variant| variant.kind == kind)
    }

    /// What was chosen for the variant of now.
    pub(crate) fn choices(&self, kind: VariantKind) -> Option<&Choices> {
        Some(&self.now(kind)?.chosen.as_ref()?.choices)
    }

    /// The choice that holds the words of now: what was written last, for whichever variant.
    pub(crate) fn written(&self) -> Option<&Chosen> {
        let chosen = self.variants.iter().filter(|variant| CHOSEN.contains(&variant.kind));
        let chosen = chosen.filter_map(|one| Some((one.chosen.as_ref()?, one.id)));
        chosen.max_by_key(|(chosen, id)| (chosen.at, *id)).map(|(chosen, _)| chosen)
    }

    /// What is told now, and nothing else that was chosen.
    pub(crate) fn words(&self) -> Choices {
        self.written().map(|chosen| chosen.choices.words()).unwrap_or_default()
    }

    /// Whether a variant that is drawn tells other words than those of now: somebody wrote them for another one since.
    pub(crate) fn is_reworded(&self, variant: &Variant) -> bool {
        let told = variant.chosen.as_ref().map(|chosen| chosen.choices.words()).unwrap_or_default();
        variant.state == VariantState::Rendered && told != self.words()
    }

    /// What was chosen for a kind, in the words of now: its scenes follow what they tell.
    pub(crate) fn choices_now(&self, kind: VariantKind) -> Choices {
        let before = self.choices(kind).cloned().unwrap_or_default();
        let clip = before.clip.is_some().then(|| clip::edit::chosen(self, kind));
        let Choices { template, photo, focus, .. } = before;
        Choices { template, photo, focus, clip, ..self.words() }
    }

    /// The parts of a list that are told now, in their order.
    pub(crate) fn list(&self, list: BriefList) -> Vec<ChosenPart> {
        list_of(&self.words(), list, &self.brief)
    }

    /// The lists of now by their names.
    pub(crate) fn lists(&self) -> BTreeMap<&'static str, Vec<ChosenPart>> {
        BriefList::ALL.into_iter().map(|list| (list.name(), self.list(list))).collect()
    }

    /// The brief as it is told now: in the words of whoever wrote last.
    pub(crate) fn brief_of_now(&self) -> Brief {
        let mut brief = self.brief.clone();
        match self.written() {
            Some(chosen) if chosen.apply(&mut brief).is_ok() => brief,
            _ => self.brief.clone(),
        }
    }

    /// Who wrote the words of now and when; nothing where they are the article's.
    pub(crate) async fn writer(
        &self,
        app: &Shared,
        lang: &str,
    ) -> Result<Option<String>, WebError> {
        let Some(chosen) = self.written() else { return Ok(None) };
        if self.brief_of_now().passages().all(|passage| !passage.is_edited()) {
            return Ok(None);
        }
        let user = app.store.read::<User>(&chosen.by.to_string()).await?;
        let name = user.map(|row| row.record.name).unwrap_or_default();
        Ok(Some(format!("{name}, {}", view::told_time(chosen.at, article::ZONE, lang))))
    }

    /// The brand kits to choose from, and the one of now: what a person chose, else the agency's.
    pub(crate) async fn brands(
        &self,
        app: &Shared,
        kind: VariantKind,
    ) -> Result<(Vec<KitChoice>, String), WebError> {
        let agency = &self.article.agency;
        let own = brand_of(app, agency).await?;
        let mut kits = kit_choices(app, agency).await?;
        if kits.iter().all(|kit| kit.id != own) {
            let (id, name_vi, name_en) = (own.clone(), own.clone(), own.clone());
            kits.insert(0, KitChoice { id, name_vi, name_en });
        }
        let chosen = self.now(kind).filter(|variant| variant.chosen.is_some());
        let chosen = chosen.map(|variant| variant.brand.clone());
        let now = chosen.filter(|brand| kits.iter().any(|kit| kit.id == *brand)).unwrap_or(own);
        Ok((kits, now))
    }
}

/// The parts of a list that choices tell.
pub(crate) fn list_of(choices: &Choices, list: BriefList, brief: &Brief) -> Vec<ChosenPart> {
    choices.list(list).map_or_else(|| list.own(brief), <[ChosenPart]>::to_vec)
}

/// Choices without what is as the article says it: the same words are the same choices, however they were told.
pub(crate) fn plain(choices: Choices, brief: &Brief) -> Choices {
    let title = choices.title.clone().filter(|title| title.trim() != brief.title.text);
    let mut plain = Choices { title, ..choices };
    for list in BriefList::ALL {
        let words = list.words(brief);
        let mut parts = list_of(&plain, list, brief);
        for part in &mut parts {
            let own = words.get(part.of).map(|own| own.text.as_str());
            part.text = part.text.take().filter(|text| Some(text.trim()) != own);
        }
        plain.choose(list, Some(parts).filter(|parts| *parts != list.own(brief)));
    }
    plain
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) kind: VariantKind,
    /// The agency's when absent.
    pub(crate) brand: Option<String>,
    #[serde(default)]
    pub(crate) choices: Choices,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Made {
    id: VariantId,
    kind: VariantKind,
    state: VariantState,
    /// The job that draws it; nothing where the same is there already.
    job: Option<JobId>,
}

/// Queues a variant as it was chosen. The same choices again queue nothing.
async fn make(
    app: &Shared,
    visitor: &Visitor,
    bench: Bench,
    Order { kind, brand, choices }: Order,
) -> Result<Made, WebError> {
    let (kits, _) = bench.brands(app, kind).await?;
    let brand = match brand.filter(|brand| !brand.is_empty()) {
        Some(brand) => brand,
        None => brand_of(app, &bench.article.agency).await?,
    };
    if kits.iter().all(|kit| kit.id != brand) {
        return Err(WebError::unfit(format!(
            "Không có bộ nhận diện {brand} / There is no brand kit {brand}"
        )));
    }
    let choices = plain(choices, &bench.brief);
    let (choices, template, own) = match kind {
        VariantKind::Infographic => picture::fitting(app, visitor, &bench, choices).await?,
        kind if clip::KINDS.contains(&kind) => {
            let choices =
                clip::edit::fitting(app, visitor, &bench, (kind, &brand), choices).await?;
            (choices, String::new(), None)
        }
        _ => return Err(by_machine()),
    };
    let of = (&bench.article, &bench.brief);
    let recipe = recipe(of, kind, &choices, &brand, own);
    let recipe = brands::covering(app, &bench.article.agency, &brand, recipe).await?;
    let chosen = Chosen { choices, by: visitor.user.id, at: app.clock.now() };
    if let Some(before) = bench.now(kind).filter(|before| before.recipe == recipe)
        && is_there(app, before).await?
    {
        return Ok(Made { id: before.id, kind, state: before.state, job: None });
    }
    let variant = Variant {
        id: app.ids.make(),
        agency: bench.article.agency.clone(),
        article: bench.article.id,
        revision: bench.article.revision,
        kind,
        template,
        brand,
        kit: None,
        recipe,
        state: VariantState::Queued,
        renditions: Vec::new(),
        provenance: serde_json::Value::Null,
        reason: String::new(),
        chosen: Some(chosen),
    };
    let job = asked_for(app, &variant);
    let made = Made { id: variant.id, kind, state: variant.state, job: Some(job.id) };
    let purpose = if kind == VariantKind::Infographic { "draw anew" } else { "arrange a clip" };
    let changes = Changes::by(visitor.actor(), purpose).insert(&variant).enqueue(job);
    app.store.commit(changes).await?;
    Ok(made)
}

/// The job that makes a variant for a person who waits for it: before all that nobody asked for.
pub(crate) fn asked_for(app: &Shared, variant: &Variant) -> Job {
    let job = Job::new(app.ids.make(), &variant.agency, variant.work(), app.clock.now());
    Job { priority: Priority::Urgent, ..job }
}

/// Whether a variant is drawn, or will be: a job that was called off leaves one that nobody draws.
async fn is_there(app: &Shared, variant: &Variant) -> Result<bool, WebError> {
    if !matches!(variant.state, VariantState::Queued | VariantState::Rendering) {
        return Ok(variant.state == VariantState::Rendered);
    }
    for state in pages::UNFINISHED {
        let jobs = pages::jobs_of(app, &variant.agency, state).await?;
        if jobs.iter().any(|view| view.job.work.variant() == Some(variant.id)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which variant is to be made again.
#[derive(Debug, Deserialize)]
struct Again {
    #[serde(default)]
    dang: String,
}

/// Has a variant made that could not be, or that nobody makes any more: as it was meant to be.
async fn again(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Form(Again { dang }): Form<Again>,
) -> Result<Response, WebError> {
    let bench = Bench::of(&app, &visitor, &id).await?;
    let kind: VariantKind = named("dang", &dang).map_err(WebError::unfit)?;
    let to = format!("/bai-viet/{id}?ban={}#h-variants", name_of(&kind));
    let variant = bench.now(kind).ok_or_else(WebError::missing)?;
    if bench.is_reworded(variant) {
        redraw(&app, &visitor, &bench.article, Some(kind)).await?;
        return Ok(Redirect::to(&to).into_response());
    }
    if is_there(&app, variant).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let of_it = |view: &JobView| view.job.work.variant() == Some(variant.id);
    // The job that was given up does it, where there is one: nobody has to deal with it besides.
    let dead = pages::jobs_of(&app, &variant.agency, JobState::Discarded).await?;
    let dead = dead.into_iter().find(of_it).map(|view| view.job.id);
    if let Some(job) = dead.filter(|_| variant.state != VariantState::Failed) {
        let done = app.desk.retry_job(job, visitor.user.id).await;
        done.map_err(|error| desk_refusal(&app, &visitor, &error))?;
        return Ok(Redirect::to(&to).into_response());
    }
    let row = app.store.read::<Variant>(&variant.id.to_string()).await?;
    let mut row = row.ok_or_else(WebError::missing)?;
    let event = match row.record.state {
        VariantState::Rendering => Some(VariantEvent::Release),
        VariantState::Failed => Some(VariantEvent::Retry),
        _ => None,
    };
    if let Some(state) = event.and_then(|event| row.record.state.next(event).ok()) {
        row.record.state = state;
    }
    row.record.reason = String::new();
    let job = asked_for(&app, &row.record);
    let changes = Changes::by(visitor.actor(), "draw a variant again");
    app.store.commit(changes.update(&row.record, row.version).enqueue(job)).await?;
    Ok(Redirect::to(&to).into_response())
}

/// Nobody chooses for this kind.
fn by_machine() -> WebError {
    WebError::unfit(
        "Dạng này do máy dựng từ bản tóm lược, không chỉnh được / This kind is made of the brief by itself, there is nothing to choose",
    )
}

/// Digest of everything that decides a variant that a person chose.
pub(crate) fn recipe(
    (article, brief): (&Article, &Brief),
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

/// The form, sent as it is: back to the editor, where its progress is.
async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let bench = Bench::of(&app, &visitor, &id).await?;
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let one = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let kind: VariantKind = named("dang", one("dang")).map_err(WebError::unfit)?;
    let choices = match kind {
        VariantKind::Infographic => picture::read(&pairs, &bench.brief),
        kind if clip::KINDS.contains(&kind) => clip::edit::read(&pairs, &bench),
        _ => return Err(by_machine()),
    };
    let choices = choices.map_err(WebError::unfit)?;
    let brand = Some(one("brand").to_owned());
    make(&app, &visitor, bench, Order { kind, brand, choices }).await?;
    Ok(Redirect::to(&format!("/bai-viet/{id}?sua={}", name_of(&kind))).into_response())
}

/// The same for programs, and for the editor with script.
async fn operation(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, WebError> {
    let order: Order = serde_json::from_slice(&body).map_err(|error| {
        WebError::unfit(format!("Yêu cầu không đúng: {error} / The request is not right: {error}"))
    })?;
    let bench = Bench::of(&app, &visitor, &id).await?;
    let made = make(&app, &visitor, bench, order).await?;
    let status = if made.job.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(made)).into_response())
}

/// What can be chosen for a variant, and what is chosen now.
async fn editor(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path((id, kind)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let kind: VariantKind = named("kind", &kind).map_err(|_| WebError::missing())?;
    let bench = Bench::of(&app, &visitor, &id).await?;
    Ok(Json(Editor::of(&app, &visitor, &bench, kind).await?).into_response())
}

/// The editor of a variant, filled with what was chosen last.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Editor {
    /// A card.
    Card(Box<picture::Editor>),
    /// A clip, or a bulletin.
    Clip(Box<clip::edit::Editor>),
}

impl Editor {
    /// Not found where nobody chooses.
    pub(crate) async fn of(
        app: &Shared,
        visitor: &Visitor,
        bench: &Bench,
        kind: VariantKind,
    ) -> Result<Self, WebError> {
        if kind == VariantKind::Infographic {
            return Ok(Self::Card(Box::new(picture::editor(app, visitor, bench).await?)));
        }
        if clip::KINDS.contains(&kind) {
            let editor = clip::edit::editor(app, visitor, bench, kind).await?;
            return Ok(Self::Clip(Box::new(editor)));
        }
        Err(WebError::missing())
    }
}

/// A brand kit that people choose from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct KitChoice {
    pub(crate) id: String,
    name_vi: String,
    name_en: String,
}

/// The kits that an agency may use: its own, then the reviewed ones.
pub(crate) async fn kit_choices(app: &Shared, agency: &str) -> Result<Vec<KitChoice>, WebError> {
    let row = app.store.read::<Agency>(agency).await?;
    let used = row.map(|row| row.record.brand).unwrap_or_default();
    let kits = brands::open(app, agency, &used).await?;
    let choice = |kit: Kit| {
        let (name_vi, title_en) = (kit.title_vi, kit.title_en);
        // A kit need not have a name in English.
        let name_en = if title_en.is_empty() { name_vi.clone() } else { title_en };
        KitChoice { id: kit.id, name_vi, name_en }
    };
    Ok(kits.into_iter().map(choice).collect())
}

/// A brand kit as an editor chooses it.
#[derive(Serialize)]
pub(crate) struct KitView {
    id: String,
    name: String,
    on: bool,
}

/// The kits in the reader's language.
pub(crate) async fn kits(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
    kind: VariantKind,
) -> Result<Vec<KitView>, WebError> {
    let (kits, now) = bench.brands(app, kind).await?;
    let view = |kit: KitChoice| KitView {
        on: kit.id == now,
        id: kit.id,
        name: if visitor.lang == "en" { kit.name_en } else { kit.name_vi },
    };
    Ok(kits.into_iter().map(view).collect())
}

/// A line that a person takes, leaves out or writes otherwise.
#[derive(Serialize)]
pub(crate) struct Line {
    /// Name of its list; empty for the headline.
    list: &'static str,
    /// Which part of its list, from 0; nothing for the headline.
    pub(crate) of: Option<usize>,
    /// What stands before the words and stays as it is: the number of a figure, the speaker of a quotation, a day.
    head: String,
    /// Whether a person may write it otherwise.
    written: bool,
    /// As it is told.
    pub(crate) text: String,
    /// As the article says it.
    pub(crate) words: String,
    pub(crate) edited: bool,
    /// Where it is from, for the script.
    pub(crate) at: String,
    /// Paragraph it is from.
    pub(crate) block: u32,
}

impl Line {
    /// The headline of now.
    pub(crate) fn title(bench: &Bench) -> Self {
        Self::of(bench, None, &bench.brief.title, bench.words().title)
    }

    /// A part of a list with the words that were written for it; nothing where the brief has no such part.
    pub(crate) fn part(bench: &Bench, list: BriefList, part: &ChosenPart) -> Option<Self> {
        let passage = *list.words(&bench.brief).get(part.of)?;
        Some(Self::of(bench, Some((list, part.of)), passage, part.text.clone()))
    }

    fn of(
        bench: &Bench,
        of: Option<(BriefList, usize)>,
        passage: &loa_model::Passage,
        text: Option<String>,
    ) -> Self {
        let words = passage.text.trim().to_owned();
        let text = text.unwrap_or_else(|| words.clone());
        Self {
            list: of.map_or("", |(list, _)| list.name()),
            head: of.map(|(list, of)| article::head(&bench.brief, list, of)).unwrap_or_default(),
            written: of.is_none_or(|(list, _)| list.is_written()),
            of: of.map(|(_, of)| of),
            edited: text.trim() != words,
            text,
            words,
            at: article::at(&bench.article, passage.span),
            block: passage.span.block,
        }
    }
}

/// A photo of the article that is there.
#[derive(Serialize)]
pub(crate) struct MediaView {
    /// From 0.
    pub(crate) index: usize,
    pub(crate) number: usize,
    pub(crate) blob: String,
    pub(crate) caption: String,
}

/// Photos of the article that are there.
pub(crate) fn photos(article: &Article) -> Vec<MediaView> {
    let there = article.photos.iter().enumerate().filter_map(|(index, photo)| {
        let blob = photo.blob?.to_string();
        let caption = if photo.caption.is_empty() { &photo.alt } else { &photo.caption };
        Some(MediaView { index, number: index + 1, blob, caption: caption.clone() })
    });
    there.collect()
}

/// A value of a closed list by its name.
pub(crate) fn named<T: serde::de::DeserializeOwned>(field: &str, name: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|_| format!("{field} = {name:?}"))
}
