//! The pages of brand kits: the list, and the form that looks before it keeps. Both work without script.

use std::collections::BTreeMap;

use axum::{
    Extension, Form,
    extract::{Multipart, Path, Query, State, multipart::MultipartError},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use loa_model::{Actor, Article, Colour, Face, OwnBrand, Theme, User, template::OWN};
use loa_store::StoreExt;
use serde::{Deserialize, Serialize};

use crate::{
    Shared,
    article::{ZONE, newest},
    auth::Visitor,
    brands::{
        self, Kit, KitDraft, KitOf, KitWish, LOOKS, LogoWish, MOST_LOGO, PairView, pairs,
        redraw::old_drafts,
    },
    error::WebError,
    pages, view,
};

/// Words of a form that are kept as they were typed, at most.
const MOST_TYPED: usize = 2_000;

#[derive(Serialize)]
struct Swatch {
    role: &'static str,
    colour: String,
}

#[derive(Serialize)]
struct KitRow {
    id: String,
    /// Without `own/`; empty for a reviewed one.
    name: String,
    title: String,
    /// The name in the other language; empty when there is none.
    title_other: String,
    tagline: String,
    font: String,
    swatches: Vec<Swatch>,
    has_logo: bool,
    stamp: String,
    /// `4,9`: the least of all its pairs.
    least: String,
    used: bool,
    version: Option<u32>,
    changed_at: String,
    changed_by: String,
}

#[derive(Serialize)]
struct OldRow {
    id: String,
    title: String,
    lang: String,
    drafts: usize,
}

#[derive(Serialize)]
struct Page {
    kits: Vec<KitRow>,
    own: usize,
    old: Vec<OldRow>,
    /// Why nothing was changed; empty when something was.
    problem: String,
    /// What was done just now: a kit that is kept; empty else.
    kept: String,
}

fn swatches(theme: &Theme) -> Vec<Swatch> {
    let swatch = |role| theme.of(role).map(|colour| Swatch { role, colour: colour.to_string() });
    Theme::ROLES.into_iter().filter_map(swatch).collect()
}

/// A contrast as people read it: `4,9`. Rounded down, so that what is too little never looks like enough.
fn shown_ratio(ratio: f64, lang: &str) -> String {
    let text = format!("{:.1}", (ratio * 10.0).floor() / 10.0);
    if lang == "en" { text } else { text.replace('.', ",") }
}

async fn kit_row(
    app: &Shared,
    visitor: &Visitor,
    kit: Kit,
    used: &str,
) -> Result<KitRow, WebError> {
    let english = visitor.lang == "en" && !kit.title_en.is_empty();
    let (title, title_other) =
        if english { (kit.title_en, kit.title_vi) } else { (kit.title_vi, kit.title_en) };
    let least = kit.theme.pairs().iter().map(|pair| pair.ratio).fold(f64::INFINITY, f64::min);
    let changed_by = match kit.own.as_ref().map(|own| &own.by) {
        Some(Actor::User(id)) => {
            let person = app.store.read::<User>(&id.to_string()).await?;
            person.map(|row| row.record.name).unwrap_or_default()
        }
        Some(Actor::Operator(name) | Actor::Worker(name)) => name.clone(),
        None => String::new(),
    };
    let own = kit.own.as_ref();
    Ok(KitRow {
        used: kit.id == used,
        name: own.map(|own| own.name.clone()).unwrap_or_default(),
        title,
        title_other,
        tagline: kit.tagline,
        font: kit.font,
        swatches: swatches(&kit.theme),
        has_logo: kit.has_logo,
        least: shown_ratio(least, &visitor.lang),
        version: own.map(|own| own.version),
        changed_at: own.map(|own| view::time(own.at, ZONE)).unwrap_or_default(),
        changed_by,
        stamp: kit.stamp,
        id: kit.id,
    })
}

async fn drawn(
    app: &Shared,
    visitor: &Visitor,
    problem: String,
    kept: String,
) -> Result<Html<String>, WebError> {
    let agency = &visitor.user.agency;
    let (all, used) = brands::all(app, agency).await?;
    let mut kits = Vec::new();
    for kit in all {
        kits.push(kit_row(app, visitor, kit, &used).await?);
    }
    // The one in use first: it is what people come for.
    kits.sort_by_key(|kit| !kit.used);
    let mut old = Vec::new();
    for (id, drafts) in old_drafts(app, agency).await? {
        let article: Option<Article> = newest(app, id).await?;
        let Some(article) = article.filter(|article| article.agency == *agency) else { continue };
        let title = article.title().to_owned();
        old.push(OldRow { id: id.to_string(), title, lang: article.lang, drafts });
    }
    let own = kits.iter().filter(|kit| kit.version.is_some()).count();
    let page = Page { kits, own, old, problem, kept };
    pages::draw(app, visitor, "people", "pages/brands.html", page).await
}

/// What the page says besides the list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Said {
    /// The kit that was kept just now.
    #[serde(default)]
    giu: String,
}

/// The list.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Said { giu }): Query<Said>,
) -> Result<Html<String>, WebError> {
    drawn(&app, &visitor, String::new(), giu.chars().take(60).collect()).await
}

async fn back(
    app: &Shared,
    visitor: &Visitor,
    done: Result<(), WebError>,
) -> Result<Response, WebError> {
    match done {
        Ok(()) => Ok(Redirect::to("/quan-tri/nhan-dien").into_response()),
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            let page = drawn(app, visitor, problem, String::new()).await?;
            Ok((error.status, page).into_response())
        }
    }
}

/// Which kit the agency draws in.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    id: String,
}

/// Chooses the kit of the agency.
pub(crate) async fn choose(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Form(Chosen { id }): Form<Chosen>,
) -> Result<Response, WebError> {
    let done = brands::choose(&app, &visitor, &id).await;
    back(&app, &visitor, done).await
}

/// Removes a kit of the agency.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(name): Path<String>,
) -> Result<Response, WebError> {
    let gone = app.kits.remove_kit(&visitor.user.agency, &name, visitor.actor()).await;
    back(&app, &visitor, gone.map_err(WebError::from)).await
}

/// What the form holds, as it was typed.
#[derive(Debug, Clone, Default, Serialize)]
struct Typed {
    /// The kit that is changed; empty for a new one.
    was: String,
    version: String,
    name: String,
    title_vi: String,
    title_en: String,
    tagline: String,
    colours: BTreeMap<String, String>,
    /// A logo that came with an earlier look, as text: a browser does not keep the file.
    carried: String,
    without_logo: bool,
    /// Whether the kit that is changed has one.
    has_logo: bool,
}

#[derive(Serialize)]
struct Look {
    /// A `data:` address; empty when it could not be drawn.
    picture: String,
    width: u32,
    height: u32,
    family: &'static str,
}

#[derive(Serialize)]
struct PairRow {
    #[serde(flatten)]
    pair: PairView,
    /// `4,9:1`.
    shown: String,
}

#[derive(Serialize)]
struct Sheet {
    typed: Typed,
    roles: [&'static str; 6],
    looks: Vec<Look>,
    pairs: Vec<PairRow>,
    faint: usize,
    problem: String,
    /// The stamp of the kit that is changed, for its logo.
    stamp: String,
}

impl Typed {
    /// The form of a kit that is there.
    fn of(own: &OwnBrand) -> Self {
        let Face { title_vi, title_en, tagline, theme, logo } = &own.face;
        Self {
            was: own.name.clone(),
            version: own.version.to_string(),
            name: own.name.clone(),
            title_vi: title_vi.clone(),
            title_en: title_en.clone(),
            tagline: tagline.clone(),
            colours: colours(theme),
            has_logo: logo.is_some(),
            ..Self::default()
        }
    }

    /// The form of a new one in the colours of another.
    fn like(kit: &Kit) -> Self {
        Self { colours: colours(&kit.theme), ..Self::default() }
    }

    fn theme(&self) -> Result<Theme, WebError> {
        let colour = |role: &str| {
            let text = self.colours.get(role).cloned().unwrap_or_default();
            Colour::try_from(text.trim().to_owned()).map_err(|_| {
                WebError::unfit("Mỗi màu viết là #rrggbb, ví dụ #0b3b75 / Each colour is written #rrggbb, for example #0b3b75")
            })
        };
        let [brand, dark, accent, paper, ink, muted] = Theme::ROLES;
        Ok(Theme {
            brand: colour(brand)?,
            brand_dark: colour(dark)?,
            accent: colour(accent)?,
            paper: colour(paper)?,
            ink: colour(ink)?,
            muted: colour(muted)?,
        })
    }

    fn draft(&self, agency: &str) -> Result<KitDraft, WebError> {
        let logo = if self.without_logo {
            LogoWish::Remove
        } else if self.carried.is_empty() {
            LogoWish::Keep
        } else {
            LogoWish::New(brands::file(&self.carried)?)
        };
        let face = Face {
            title_vi: self.title_vi.clone(),
            title_en: self.title_en.clone(),
            tagline: self.tagline.clone(),
            theme: self.theme()?,
            logo: None,
        };
        let name = if self.was.is_empty() { &self.name } else { &self.was };
        Ok(KitDraft { agency: agency.to_owned(), name: name.clone(), face, logo })
    }
}

fn colours(theme: &Theme) -> BTreeMap<String, String> {
    swatches(theme).into_iter().map(|one| (one.role.to_owned(), one.colour)).collect()
}

async fn sheet(
    app: &Shared,
    visitor: &Visitor,
    typed: Typed,
    mut problem: String,
) -> Result<Html<String>, WebError> {
    let agency = &visitor.user.agency;
    let (mut looks, mut told) = (Vec::new(), Vec::new());
    match typed.draft(agency) {
        Ok(draft) => {
            told = pairs(&draft.face.theme);
            for look in LOOKS {
                match app.kits.sample(KitOf::Draft(draft.clone()), look).await {
                    Ok(drawn) => looks.push(Look {
                        picture: format!("data:image/jpeg;base64,{}", STANDARD.encode(&drawn.jpeg)),
                        width: drawn.width,
                        height: drawn.height,
                        family: look.0,
                    }),
                    // The others would say the same.
                    Err(why) => {
                        if problem.is_empty() {
                            problem =
                                WebError::unfit(why).mendable(&visitor.lang).unwrap_or_default();
                        }
                        break;
                    }
                }
            }
        }
        Err(error) if problem.is_empty() => {
            problem = error.mendable(&visitor.lang).unwrap_or_default();
        }
        Err(_) => {}
    }
    let faint = told.iter().filter(|pair| !pair.readable).count();
    let row = |pair: PairView| PairRow {
        shown: format!("{}:1", shown_ratio(pair.pair.ratio, &visitor.lang)),
        pair,
    };
    let pairs = told.into_iter().map(row).collect();
    let stamp = typed.version.clone();
    let sheet = Sheet { typed, roles: Theme::ROLES, looks, pairs, faint, problem, stamp };
    pages::draw(app, visitor, "people", "pages/brand.html", sheet).await
}

/// Which kit the form is about.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Of {
    /// The kit of the agency that is changed.
    #[serde(default)]
    ten: String,
    /// The kit whose colours a new one begins with.
    #[serde(default)]
    tu: String,
}

/// The form: empty colours are those of the kit that the agency uses.
pub(crate) async fn form(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Query(Of { ten, tu }): Query<Of>,
) -> Result<Html<String>, WebError> {
    let typed = if ten.is_empty() {
        let (kits, used) = brands::all(&app, &visitor.user.agency).await?;
        let wanted = if tu.is_empty() { &used } else { &tu };
        let kit = kits.iter().find(|kit| kit.id == *wanted).or(kits.first());
        let mut typed = kit.map(Typed::like).unwrap_or_default();
        if let Some(like) = kit.filter(|_| !tu.is_empty()) {
            typed.title_vi.clone_from(&like.title_vi);
            typed.title_en.clone_from(&like.title_en);
            typed.tagline.clone_from(&like.tagline);
        }
        typed
    } else {
        Typed::of(&brands::own(&app, &visitor, &ten).await?)
    };
    sheet(&app, &visitor, typed, String::new()).await
}

/// Looks, or keeps.
pub(crate) async fn press(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    form: Multipart,
) -> Result<Response, WebError> {
    let Sent { mut typed, file, keeps, wrong } = read(form).await;
    if !typed.was.is_empty() {
        let own = brands::own(&app, &visitor, &typed.was).await?;
        typed.has_logo = own.face.logo.is_some();
    }
    if let Some(file) = file {
        typed.carried = STANDARD.encode(&file);
        typed.without_logo = false;
    }
    if let Some(error) = wrong {
        let problem = error.mendable(&visitor.lang).unwrap_or_default();
        let page = sheet(&app, &visitor, typed, problem).await?;
        return Ok((error.status, page).into_response());
    }
    if !keeps {
        return Ok(sheet(&app, &visitor, typed, String::new()).await?.into_response());
    }
    let wish = match (typed.was.is_empty(), typed.version.parse()) {
        (true, _) => KitWish::Add,
        (false, seen) => KitWish::Change(seen.ok()),
    };
    let kept = match typed.draft(&visitor.user.agency) {
        Ok(draft) => brands::keep(&app, &visitor, draft, wish).await,
        Err(error) => Err(error),
    };
    match kept {
        Ok(own) => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("giu", &own.id().replacen(OWN, "", 1))
                .finish();
            Ok(Redirect::to(&format!("/quan-tri/nhan-dien?{query}")).into_response())
        }
        Err(error) => {
            let Some(problem) = error.mendable(&visitor.lang) else { return Err(error) };
            let problem = faint(&app, &visitor.lang, &typed).unwrap_or(problem);
            let page = sheet(&app, &visitor, typed, problem).await?;
            Ok((error.status, page).into_response())
        }
    }
}

/// What cannot be read, in the names that the form gives the colours; nothing when all can be.
fn faint(app: &Shared, lang: &str, typed: &Typed) -> Option<String> {
    let theme = typed.theme().ok()?;
    let word = |key: &str| app.assets.word(lang, key);
    let role = |role: &str| word(&format!("brand_role.{role}"));
    let pairs = theme.unreadable().into_iter().map(|pair| {
        let (ink, ground) = (role(pair.ink), role(pair.ground));
        format!("{ink} {} {ground} {}:1", word("brands.on"), shown_ratio(pair.ratio, lang))
    });
    let pairs: Vec<String> = pairs.collect();
    (!pairs.is_empty()).then(|| format!("{}: {}", word("brands.faint_list"), pairs.join("; ")))
}

/// A form as it came.
#[derive(Default)]
struct Sent {
    typed: Typed,
    file: Option<Bytes>,
    /// Whether it is to be kept, and not only looked at.
    keeps: bool,
    /// Why it cannot be; what came before is shown again.
    wrong: Option<WebError>,
}

async fn read(mut form: Multipart) -> Sent {
    let mut sent = Sent::default();
    if let Err(error) = read_into(&mut form, &mut sent).await {
        let too_large = error.status() == StatusCode::PAYLOAD_TOO_LARGE;
        sent.wrong.get_or_insert_with(|| {
            if too_large {
                return too_heavy();
            }
            WebError::unfit(
                "Không nhận được biểu mẫu, hãy thử lại / The form did not arrive, try again",
            )
        });
    }
    sent
}

fn too_heavy() -> WebError {
    WebError::unfit("Logo quá nặng, tối đa 2 MiB / The logo is too large, 2 MiB at most")
}

async fn read_into(form: &mut Multipart, sent: &mut Sent) -> Result<(), MultipartError> {
    while let Some(mut field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "logo" {
            let mut bytes = Vec::new();
            // One that is too large is read to its end and not kept: what was typed after it is not lost.
            while let Some(piece) = field.chunk().await? {
                if bytes.len() <= MOST_LOGO {
                    bytes.extend_from_slice(&piece);
                }
            }
            if bytes.len() > MOST_LOGO {
                sent.wrong = Some(too_heavy());
            } else {
                sent.file = Some(Bytes::from(bytes)).filter(|bytes| !bytes.is_empty());
            }
            continue;
        }
        let text = field.text().await?;
        let typed = &mut sent.typed;
        if name == "carried" {
            typed.carried = text;
            continue;
        }
        let text: String = text.chars().take(MOST_TYPED).collect();
        match name.as_str() {
            "was" => typed.was = text,
            "version" => typed.version = text,
            "name" => typed.name = text.trim().to_owned(),
            "title_vi" => typed.title_vi = text,
            "title_en" => typed.title_en = text,
            "tagline" => typed.tagline = text,
            "without_logo" => typed.without_logo = true,
            "do" => sent.keeps = text == "keep",
            role if Theme::ROLES.contains(&role) => {
                typed.colours.insert(role.to_owned(), text);
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_never_looks_like_enough() {
        assert_eq!(shown_ratio(4.499, "vi"), "4,4");
        assert_eq!(shown_ratio(4.5, "en"), "4.5");
    }
}
