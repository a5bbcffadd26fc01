//! *Nhận diện*: the brand kits that cards, posters and clips are drawn in. Reviewed ones come with Loa; an agency makes its own,
//! looks at it before it is kept, and chooses the one its pictures are drawn in.

mod kits;
pub(crate) mod page;
pub(crate) mod redraw;
pub(crate) mod told;

use axum::{
    Extension, Json,
    extract::{DefaultBodyLimit, Path, Query, State},
    handler::Handler as _,
    http::{HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use loa_model::{
    Agency, Digest, DigestBuilder, Face, OwnBrand, Theme, brand::is_open_to, theme::Pair,
};
use loa_store::{Changes, StoreExt};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{
    Shared,
    auth::Visitor,
    error::WebError,
    operation::piece::{Part, Piece},
    ways::{ADMINS, Access, WRITERS, Ways},
};

pub use kits::{Kit, KitDraft, KitError, KitOf, KitWish, Kits, LogoWish, SampleCard};

/// Largest file of a logo, bytes.
pub(crate) const MOST_LOGO: usize = 2 << 20;
/// Families and sizes of cards that a kit is looked at with.
pub(crate) const LOOKS: [(&str, &str); 3] =
    [("tin-nhanh", "square"), ("so-lieu", "square"), ("trich-dan", "square")];

/// How much a form with a logo may hold: the file, or its text in base64.
pub(crate) fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(MOST_LOGO / 3 * 4 + 64 * 1024)
}

/// How much the form of the page may hold: a logo that is too large is told beside what was typed, so it is let in and not kept.
fn form_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(16 << 20)
}

/// The addresses of kits.
pub(crate) fn ways(ways: Ways) -> Ways {
    let staff = Access::Staff;
    ways.get("/quan-tri/nhan-dien", ADMINS, page::page)
        .get("/quan-tri/nhan-dien/bo", ADMINS, page::form)
        .post("/quan-tri/nhan-dien/bo", ADMINS, page::press.layer(form_limit()))
        .post("/quan-tri/nhan-dien/bo/{name}/xoa", ADMINS, page::remove)
        .post("/quan-tri/nhan-dien/dung", ADMINS, page::choose)
        .get("/nhan-dien/logo", staff, logo)
        .get("/nhan-dien/the-mau", staff, sample)
        .post("/bai-viet/{id}/ve-lai", WRITERS, redraw::press)
        .api(Method::GET, "/api/v1/brands", staff, (told::list(), list))
        .api(Method::POST, "/api/v1/brands", ADMINS, (told::add(), add.layer(limit())))
        .api(Method::PUT, "/api/v1/brand", ADMINS, (told::choose(), choose_one))
        .api(Method::GET, "/api/v1/brands/{name}", staff, (told::one(), one))
        .api(Method::PUT, "/api/v1/brands/{name}", ADMINS, (told::change(), change.layer(limit())))
        .api(Method::DELETE, "/api/v1/brands/{name}", ADMINS, (told::remove(), remove))
        .api(
            Method::POST,
            "/api/v1/preview/brand",
            ADMINS,
            (told::preview(), preview.layer(limit())),
        )
        .api(
            Method::POST,
            "/api/v1/articles/{id}/redraw",
            WRITERS,
            (told::redraw(), redraw::operation),
        )
}

/// A failure that is ours: its words are in the log, not in the answer.
fn failed(why: &str) -> WebError {
    tracing::error!(why, "A brand kit cannot be read, drawn or kept");
    WebError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Lỗi khi đọc hoặc vẽ bộ nhận diện, đã ghi nhật ký / A brand kit could not be read or drawn, it is in the log",
    )
}

/// Every kit that the visitor's agency may use, and the id of the one that it does.
pub(crate) async fn all(app: &Shared, agency: &str) -> Result<(Vec<Kit>, String), WebError> {
    let used = crate::preview::brand_of(app, agency).await?;
    Ok((open(app, agency, &used).await?, used))
}

/// The kits that an agency may draw in. The sample of the fictional portal is not among them, but for its own agency and for
/// one that draws in it already: what is there stays to be seen.
pub(crate) async fn open(app: &Shared, agency: &str, used: &str) -> Result<Vec<Kit>, WebError> {
    let mut kits = app.kits.kits(agency).await.map_err(|why| failed(&why))?;
    kits.retain(|kit| is_open_to(&kit.id, agency) || kit.id == used);
    Ok(kits)
}

/// The kit of the visitor's agency that is called so.
async fn own(app: &Shared, visitor: &Visitor, name: &str) -> Result<OwnBrand, WebError> {
    let key = loa_model::record::join(&[&visitor.user.agency, name]);
    let row = app.store.read::<OwnBrand>(&key).await?.ok_or_else(WebError::missing)?;
    Ok(row.record)
}

/// From now on the pictures of the agency are drawn in this kit; what is drawn stays as it is.
pub(crate) async fn choose(app: &Shared, visitor: &Visitor, id: &str) -> Result<(), WebError> {
    let agency = &visitor.user.agency;
    let (kits, _) = all(app, agency).await?;
    if !kits.iter().any(|kit| kit.id == id) {
        return Err(WebError::unfit("Không có bộ nhận diện này / There is no such brand kit"));
    }
    let row = app.store.read::<Agency>(agency).await?.ok_or_else(WebError::missing)?;
    if row.record.brand != id {
        let agency = Agency { brand: id.to_owned(), ..row.record };
        let changes = Changes::by(visitor.actor(), "choose brand kit");
        app.store.commit(changes.update(&agency, row.version)).await?;
    }
    Ok(())
}

/// The digest of a recipe, with what an agency's own kit holds: changed, it gives another picture.
pub(crate) async fn covering(
    app: &Shared,
    agency: &str,
    brand: &str,
    recipe: Digest,
) -> Result<Digest, WebError> {
    let Some(key) = OwnBrand::key_of(agency, brand) else { return Ok(recipe) };
    let row = app.store.read::<OwnBrand>(&key).await?.ok_or_else(|| {
        WebError::unfit(
            "Cơ quan không còn bộ nhận diện này / The agency does not have this brand kit any more",
        )
    })?;
    let digest = DigestBuilder::new("variant/own-kit/1").json("recipe", &recipe);
    Ok(digest.json("kit", &row.record.digest).finish())
}

fn view(kit: &Kit, used: &str) -> Value {
    let pairs = kit.theme.pairs();
    let least = pairs.iter().map(|pair| pair.ratio).fold(f64::INFINITY, f64::min);
    let own = kit.own.as_ref();
    json!({
        "id": kit.id, "own": own.is_some(), "name": own.map(|own| &own.name), "title_vi": kit.title_vi,
        "title_en": kit.title_en, "tagline": kit.tagline, "font": kit.font, "colours": kit.theme,
        "logo": kit.has_logo, "least_contrast": hundredths(least), "used": kit.id == used,
        "version": own.map(|own| own.version), "digest": own.map(|own| own.digest),
        "changed_at": own.map(|own| own.at),
    })
}

/// A contrast as machines read it.
fn hundredths(ratio: f64) -> f64 {
    (ratio * 100.0).floor() / 100.0
}

/// The kits as JSON.
pub(crate) async fn list(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(part): Query<Part>,
) -> Result<Piece<Value>, WebError> {
    let (kits, used) = all(&app, &visitor.user.agency).await?;
    // Its own first, as people see them.
    let place = |kit: &Value| (kit["own"] != json!(true), kit["id"].to_string());
    Piece::of(kits.iter().map(|kit| view(kit, &used)), &part, place)
}

/// One kit of the agency as JSON.
pub(crate) async fn one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Json<Value>, WebError> {
    let id = own(&app, &visitor, &name).await?.id();
    let (kits, used) = all(&app, &visitor.user.agency).await?;
    let kit = kits.iter().find(|kit| kit.id == id).ok_or_else(WebError::missing)?;
    Ok(Json(view(kit, &used)))
}

/// Words, colours and logo as a machine sends them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    title_vi: String,
    #[serde(default)]
    title_en: String,
    #[serde(default)]
    tagline: String,
    colours: Theme,
    /// Not said: as it is. `null`: none. Else a file in base64.
    #[serde(default)]
    logo: LogoSaid,
    /// The version that was seen, of a change.
    #[serde(default)]
    version: Option<u32>,
}

/// What a machine says of a logo.
#[derive(Debug, Default)]
enum LogoSaid {
    /// Nothing: it stays.
    #[default]
    Nothing,
    /// `null`: there is none.
    Without,
    /// A file in base64.
    File(String),
}

impl<'de> Deserialize<'de> for LogoSaid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map_or(Self::Without, Self::File))
    }
}

/// The same with the name of a new one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct New {
    name: String,
    title_vi: String,
    #[serde(default)]
    title_en: String,
    #[serde(default)]
    tagline: String,
    colours: Theme,
    #[serde(default)]
    logo: Option<String>,
}

/// A file of a logo that came as text.
pub(crate) fn file(text: &str) -> Result<Bytes, WebError> {
    let unfit = || WebError::unfit("logo không phải base64 / logo is not base64");
    // Longer than any file that is looked at.
    if text.len() > MOST_LOGO / 3 * 4 + 4 {
        return Err(WebError::unfit(
            "Logo quá nặng, tối đa 2 MiB / The logo is too large, 2 MiB at most",
        ));
    }
    STANDARD.decode(text).map(Bytes::from).map_err(|_| unfit())
}

impl Told {
    fn draft(self, agency: &str, name: &str) -> Result<(KitDraft, Option<u32>), WebError> {
        let Self { title_vi, title_en, tagline, colours, logo, version } = self;
        let logo = match logo {
            LogoSaid::Nothing => LogoWish::Keep,
            LogoSaid::Without => LogoWish::Remove,
            LogoSaid::File(text) => LogoWish::New(file(&text)?),
        };
        let face = Face { title_vi, title_en, tagline, theme: colours, logo: None };
        let draft = KitDraft { agency: agency.to_owned(), name: name.to_owned(), face, logo };
        Ok((draft, version))
    }
}

/// Adds a kit for a machine.
pub(crate) async fn add(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(new): Json<New>,
) -> Result<Response, WebError> {
    let New { name, title_vi, title_en, tagline, colours, logo } = new;
    let told = Told {
        title_vi,
        title_en,
        tagline,
        colours,
        logo: logo.map_or(LogoSaid::Without, LogoSaid::File),
        version: None,
    };
    let (draft, _) = told.draft(&visitor.user.agency, &name)?;
    let kept = keep(&app, &visitor, draft, KitWish::Add).await?;
    Ok((StatusCode::CREATED, Json(made(&kept))).into_response())
}

/// Changes a kit for a machine.
pub(crate) async fn change(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
    Json(told): Json<Told>,
) -> Result<Json<Value>, WebError> {
    let (draft, seen) = told.draft(&visitor.user.agency, &name)?;
    let kept = keep(&app, &visitor, draft, KitWish::Change(seen)).await?;
    Ok(Json(made(&kept)))
}

fn made(kept: &OwnBrand) -> Value {
    json!({ "id": kept.id(), "name": kept.name, "version": kept.version, "digest": kept.digest })
}

/// Keeps a kit in the name of the visitor.
pub(crate) async fn keep(
    app: &Shared,
    visitor: &Visitor,
    draft: KitDraft,
    wish: KitWish,
) -> Result<OwnBrand, WebError> {
    let kept = app.kits.keep_kit(draft, wish, visitor.actor(), app.clock.now()).await;
    Ok(kept?)
}

/// Removes a kit for a machine.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<StatusCode, WebError> {
    app.kits.remove_kit(&visitor.user.agency, &name, visitor.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which kit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    id: String,
}

/// Chooses the agency's kit for a machine.
pub(crate) async fn choose_one(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(Which { id }): Json<Which>,
) -> Result<StatusCode, WebError> {
    choose(&app, &visitor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A kit that is being made, and what of it is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// The kit that is changed: a logo that is not said is its own.
    #[serde(default)]
    name: Option<String>,
    title_vi: String,
    #[serde(default)]
    title_en: String,
    #[serde(default)]
    tagline: String,
    colours: Theme,
    #[serde(default)]
    logo: LogoSaid,
    /// Which of the samples, from 0.
    #[serde(default)]
    look: usize,
}

/// A text on its ground, for whoever makes a kit.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PairView {
    #[serde(flatten)]
    pair: Pair,
    readable: bool,
    /// The nearest colour of the text that can be read there; nothing when it can be, or when only the ground can change.
    better: Option<String>,
}

/// The texts on their grounds, those that cannot be read first.
pub(crate) fn pairs(theme: &Theme) -> Vec<PairView> {
    let view = |pair: Pair| PairView {
        readable: pair.is_readable(),
        better: (!pair.is_readable()).then(|| nearest(theme, &pair)).flatten(),
        pair: Pair { ratio: hundredths(pair.ratio), ..pair },
    };
    let mut pairs: Vec<_> = theme.pairs().into_iter().map(view).collect();
    pairs.sort_by_key(|pair| pair.readable);
    pairs
}

/// The colour of a text, made darker or lighter until it can be read on every ground that it stands on; where there is none, until
/// it can on this one. White is not of the kit: nothing is better than it.
fn nearest(theme: &Theme, pair: &Pair) -> Option<String> {
    use loa_model::Colour;
    theme.of(pair.ink)?;
    let steps = || {
        let parts = (0..=100_u8).rev().step_by(2);
        parts.flat_map(|part| [Colour::BLACK, Colour::WHITE].map(|end| pair.of.mixed(part, end)))
    };
    let everywhere = |colour: &Colour| {
        let changed = theme.clone().with(pair.ink, *colour).unreadable();
        changed.iter().all(|other| other.ink != pair.ink)
    };
    let here = |colour: &Colour| colour.contrast(pair.on) >= loa_model::theme::LEAST_CONTRAST;
    steps().find(everywhere).or_else(|| steps().find(here)).map(String::from)
}

/// Draws a sample in a kit that nobody keeps.
pub(crate) async fn preview(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Json(ask): Json<Ask>,
) -> Result<Json<Value>, WebError> {
    let Ask { name, title_vi, title_en, tagline, colours, logo, look } = ask;
    let pairs = pairs(&colours);
    let told = Told { title_vi, title_en, tagline, colours, logo, version: None };
    let (draft, _) = told.draft(&visitor.user.agency, &name.unwrap_or_default())?;
    let wrong = wrong(&draft.face);
    let look = *LOOKS.get(look).unwrap_or(&LOOKS[0]);
    let drawn = app.kits.sample(KitOf::Draft(draft), look).await.map_err(WebError::unfit)?;
    let picture = format!("data:image/jpeg;base64,{}", STANDARD.encode(&drawn.jpeg));
    Ok(Json(json!({
        "picture": picture, "width": drawn.width, "height": drawn.height, "template": look.0,
        "pairs": pairs, "problem": wrong,
    })))
}

/// What is wrong with the words; the colours are told one by one.
pub(crate) fn wrong(face: &Face) -> Option<String> {
    match face.clone().checked() {
        Err(loa_model::BadBrand::Faint(_)) | Ok(_) => None,
        Err(why) => Some(why.to_string()),
    }
}

/// Which kit, and what of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    bo: String,
    #[serde(default)]
    mau: usize,
    /// Changes with the kit, so that a browser may keep what it got.
    #[serde(default)]
    v: String,
}

/// What is kept by a browser: nothing while nobody says which state of the kit it is.
fn kept_for(v: &str) -> (HeaderName, &'static str) {
    let long = "private, max-age=604800, immutable";
    (header::CACHE_CONTROL, if v.is_empty() { "no-store" } else { long })
}

/// The logo of a kit, for pages.
pub(crate) async fn logo(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Asked { bo, v, .. }): Query<Asked>,
) -> Result<Response, WebError> {
    let found = app.kits.logo(&visitor.user.agency, &bo).await.map_err(|why| failed(&why))?;
    let (format, bytes) = found.ok_or_else(WebError::missing)?;
    Ok(([(header::CONTENT_TYPE, format.mime()), kept_for(&v)], bytes).into_response())
}

/// A sample card in a kit, drawn now.
pub(crate) async fn sample(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Asked { bo, mau, v }): Query<Asked>,
) -> Result<Response, WebError> {
    let (kits, _) = all(&app, &visitor.user.agency).await?;
    let look = *LOOKS.get(mau).ok_or_else(WebError::missing)?;
    let kit = kits.into_iter().find(|kit| kit.id == bo).ok_or_else(WebError::missing)?;
    let of = KitOf::Kept { agency: visitor.user.agency.clone(), id: kit.id };
    let drawn = app.kits.sample(of, look).await.map_err(|why| failed(&why))?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), kept_for(&v)], drawn.jpeg).into_response())
}

#[cfg(test)]
mod tests {
    use loa_model::Colour;

    use super::*;

    #[test]
    fn a_better_colour_is_the_nearest_that_can_be_read() {
        let colour = |text: &str| Colour::try_from(text.to_owned()).unwrap();
        let theme = Theme {
            brand: colour("#0b3b75"),
            brand_dark: colour("#072648"),
            accent: colour("#ffd34d"),
            paper: colour("#f7f9fc"),
            ink: colour("#141b24"),
            muted: colour("#8a97a5"),
        };
        let told = pairs(&theme);
        let first = &told[0];
        assert_eq!((first.pair.ink, first.pair.ground, first.readable), ("muted", "paper", false));
        let better = colour(first.better.as_deref().unwrap());
        // Near, and on every ground that it stands on: one press is enough.
        let ratio = better.contrast(theme.paper);
        assert!((4.5..6.0).contains(&ratio), "{ratio}");
        assert_eq!(theme.clone().with("muted", better).unreadable(), []);
        assert!(told.iter().rev().take(14).all(|pair| pair.readable && pair.better.is_none()));
        // On the grey in the middle nothing but black or white can be read, and one of them always can.
        let grey = Theme { paper: colour("#777777"), ..theme };
        for pair in pairs(&grey).iter().filter(|pair| !pair.readable) {
            assert_eq!(pair.better.is_some(), pair.pair.ink != "white", "{pair:?}");
        }
    }
}
