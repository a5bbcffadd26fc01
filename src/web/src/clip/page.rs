//! The page on which an editor arranges a clip: a form that works without script; with it, the clip is drawn anew while the
//! form changes, and any moment of it can be looked at.

use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{Html, Response},
};
use loa_model::{
    Article, Beat, Brief, Chosen, Cut, Fit, FocusPoint, PhotoChoice, Storyboard, Topic, Transition,
    Variant, VariantKind, VariantState,
};
use serde::{Deserialize, Serialize};

use super::{Arranged, ClipRow, KINDS, Place, WantedClip, check, variants, words};
use crate::{
    Shared, article,
    auth::Visitor,
    error::WebError,
    pages::{self, name_of},
    picture::{New, queue, recipe},
    preview::brand_of,
};

#[derive(Serialize)]
struct RowView {
    n: usize,
    topic: String,
    kind: String,
    /// Place among its like, from 1.
    number: Option<usize>,
    words: String,
    on: bool,
    left_out: bool,
    place: usize,
    seconds: String,
    photo: String,
    x: String,
    y: String,
    enter: String,
    cut: Option<CutView>,
}

#[derive(Serialize)]
struct CutView {
    video: usize,
    from: String,
    to: String,
    fit: String,
}

#[derive(Serialize)]
struct MediaView {
    index: usize,
    number: usize,
    blob: String,
    caption: String,
}

#[derive(Serialize)]
struct Named {
    #[serde(rename = "value")]
    id: String,
    name: String,
    on: bool,
}

#[derive(Serialize)]
struct Page {
    id: String,
    lang: String,
    article_title: String,
    kind: String,
    kinds: Vec<Named>,
    moves: bool,
    shows: bool,
    wrong: Option<String>,
    rows: Vec<RowView>,
    photos: Vec<MediaView>,
    videos: Vec<MediaView>,
    voices: Vec<Named>,
    voice: String,
    voice_default: String,
    music: String,
    video: Option<String>,
    poster: Option<String>,
    alt: String,
    /// The clip of now is still being made, or could not be.
    stale: bool,
}

/// What both ways in need.
struct Desk {
    article: Article,
    /// With the words of the card.
    brief: Brief,
    now: Option<Variant>,
    cards: Vec<Variant>,
    brand: String,
}

impl Desk {
    async fn of(
        app: &Shared,
        visitor: &Visitor,
        id: &str,
        kind: VariantKind,
    ) -> Result<Self, WebError> {
        let article = article::find(app, visitor, id).await?;
        let brief = article::brief_of(app, &article).await?;
        let mut brief = brief.ok_or_else(|| WebError::unfit(article::NO_BRIEF))?;
        let mut cards = variants(app, &article, &[kind, VariantKind::Infographic]).await?;
        let clips = cards.extract_if(.., |variant| variant.kind == kind);
        let now = clips.last();
        let chosen = Chosen { choices: words(&cards), by: visitor.user.id, at: app.clock.now() };
        chosen.apply(&mut brief).map_err(|why| WebError::unfit(why.to_string()))?;
        let brand = brand_of(app, &article.agency).await?;
        Ok(Self { article, brief, now, cards, brand })
    }

    /// What was chosen last.
    fn clip(&self) -> Storyboard {
        let chosen = self.now.as_ref().and_then(|variant| variant.chosen.as_ref());
        chosen.and_then(|chosen| chosen.choices.clip.clone()).unwrap_or_default()
    }

    async fn arranged(&self, app: &Shared, kind: VariantKind, clip: Storyboard) -> Arranged {
        let wanted = WantedClip {
            article: self.article.clone(),
            brief: self.brief.clone(),
            kind,
            clip,
            brand: self.brand.clone(),
        };
        app.clips.arrange(wanted).await
    }
}

/// Which clip the page is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    #[serde(default = "super::short")]
    dang: VariantKind,
}

fn known(kind: VariantKind) -> Result<VariantKind, WebError> {
    if KINDS.contains(&kind) { Ok(kind) } else { Err(WebError::missing()) }
}

/// The form, filled with what was chosen last.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<Html<String>, WebError> {
    let kind = known(which.dang)?;
    let desk = Desk::of(&app, &visitor, &id, kind).await?;
    let clip = desk.clip();
    // A clip that was arranged of words that are there no more is begun anew.
    let fits = check(&clip, &desk.brief, &desk.article);
    let (clip, gone) = match fits {
        Ok(()) => (clip, None),
        Err(why) => (Storyboard { beats: Vec::new(), ..clip }, Some(why)),
    };
    let arranged = desk.arranged(&app, kind, clip.clone()).await;
    let file = |prefix: &str| {
        let files = desk.now.as_ref().map(|variant| &variant.renditions);
        files.into_iter().flatten().find(|file| file.mime.starts_with(prefix))
    };
    let moving = if kind == VariantKind::Audio { "audio/" } else { "video/" };
    let (video, poster) = (file(moving), file("image/"));
    let kinds = KINDS.map(|of| Named { id: name_of(&of), name: String::new(), on: of == kind });
    let voices = arranged.voices.iter().map(|name| Named {
        id: name.clone(),
        name: name.clone(),
        on: clip.voice.as_ref() == Some(name),
    });
    let page = Page {
        id: desk.article.id.to_string(),
        lang: desk.article.lang.clone(),
        article_title: desk.article.title().to_owned(),
        kind: name_of(&kind),
        kinds: kinds.into(),
        moves: arranged.moves && kind != VariantKind::Audio,
        shows: kind != VariantKind::Audio,
        wrong: gone.or(arranged.wrong),
        rows: rows(&arranged.rows),
        photos: photos(&desk.article),
        videos: videos(&desk.article),
        voices: voices.collect(),
        voice: clip.voice.clone().unwrap_or_default(),
        voice_default: arranged.voice,
        music: clip.music.map(|music| name_of(&music)).unwrap_or_default(),
        video: video.map(|file| file.blob.to_string()),
        poster: poster.map(|file| file.blob.to_string()),
        alt: poster.map(|file| file.alt.clone()).unwrap_or_default(),
        stale: desk.now.as_ref().is_some_and(|now| now.state != VariantState::Rendered),
    };
    pages::draw(&app, &visitor, "articles", "pages/clip.html", page).await
}

fn photos(article: &Article) -> Vec<MediaView> {
    let there = article.photos.iter().enumerate().filter_map(|(index, photo)| {
        let blob = photo.blob?.to_string();
        let caption = if photo.caption.is_empty() { &photo.alt } else { &photo.caption };
        Some(MediaView { index, number: index + 1, blob, caption: caption.clone() })
    });
    there.collect()
}

fn videos(article: &Article) -> Vec<MediaView> {
    let there = article.videos.iter().enumerate().filter_map(|(index, video)| {
        let blob = video.blob?.to_string();
        Some(MediaView { index, number: index + 1, blob, caption: video.caption.clone() })
    });
    there.collect()
}

/// Seconds as a field holds them.
fn seconds(ms: u32) -> String {
    let text = format!("{}.{:03}", ms / 1000, ms % 1000);
    let short = text.trim_end_matches('0').trim_end_matches('.');
    short.to_owned()
}

fn rows(rows: &[ClipRow]) -> Vec<RowView> {
    let view = |(n, row): (usize, &ClipRow)| {
        let topic = serde_json::to_value(&row.beat.of).unwrap_or_default();
        let (kind, number) = match &topic {
            serde_json::Value::Object(map) => {
                let (name, of) = map.iter().next().map_or(("", None), |(k, v)| (k, v.as_u64()));
                (name.to_owned(), of.and_then(|of| usize::try_from(of + 1).ok()))
            }
            other => (other.as_str().unwrap_or_default().to_owned(), None),
        };
        let cut = match &row.beat.of {
            Topic::Cut(cut) => Some(CutView {
                video: cut.video + 1,
                from: seconds(cut.from_ms),
                to: seconds(cut.to_ms),
                fit: name_of(&cut.fit),
            }),
            _ => None,
        };
        let spot = row.beat.focus.map(FocusPoint::share);
        let hundredths = |share: f64| format!("{:.1}", share * 100.0);
        RowView {
            n,
            topic: topic.to_string(),
            kind,
            number,
            words: row.words.clone(),
            on: row.place == Place::Told,
            left_out: row.place == Place::LeftOut,
            place: n + 1,
            seconds: row.beat.ms.map(seconds).unwrap_or_default(),
            photo: match row.beat.photo {
                PhotoChoice::First => "next".to_owned(),
                PhotoChoice::Without => "without".to_owned(),
                PhotoChoice::At(index) => index.to_string(),
            },
            x: spot.map(|(x, _)| hundredths(x)).unwrap_or_default(),
            y: spot.map(|(_, y)| hundredths(y)).unwrap_or_default(),
            enter: row.beat.enter.map(|enter| name_of(&enter)).unwrap_or_default(),
            cut,
        }
    };
    rows.iter().enumerate().map(view).collect()
}

/// Queues the clip as it was arranged. The same again queues nothing.
pub(crate) async fn draw(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    body: String,
) -> Result<Response, WebError> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let (kind, mut clip) = read(&pairs).map_err(WebError::unfit)?;
    let kind = known(kind)?;
    let desk = Desk::of(&app, &visitor, &id, kind).await?;
    let bare = Storyboard { beats: Vec::new(), ..clip.clone() };
    let own = desk.arranged(&app, kind, bare.clone()).await;
    let told = own.rows.iter().filter(|row| row.place == Place::Told).map(|row| &row.beat);
    if told.eq(&clip.beats) {
        // What is as the engine chooses is left to it.
        clip = bare;
    }
    check(&clip, &desk.brief, &desk.article).map_err(WebError::unfit)?;
    if let Some(voice) = clip.voice.as_ref().filter(|name| name.as_str() != "none")
        && !own.voices.contains(voice)
    {
        return Err(WebError::unfit(format!("Không có giọng {voice} / There is no voice {voice}")));
    }
    let arranged = desk.arranged(&app, kind, clip.clone()).await;
    if let Some(why) = arranged.wrong {
        return Err(WebError::unfit(why));
    }
    let mut choices = words(&desk.cards);
    choices.clip = Some(clip);
    let Desk { article, brief, now: before, brand, .. } = desk;
    let recipe = recipe(&article, &brief, kind, &choices, &brand, None);
    let chosen = Chosen { choices, by: visitor.user.id, at: app.clock.now() };
    let new = New { kind, template: String::new(), brand, chosen, recipe };
    queue(&app, &visitor, (&article, before), new, "arrange a clip").await
}

/// The form as a kind of clip and its storyboard. What is as the engine chooses is left to it.
fn read(pairs: &[(String, String)]) -> Result<(VariantKind, Storyboard), String> {
    let one = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let numbers = pairs.iter().filter_map(|(key, _)| key.strip_prefix("topic-")?.parse().ok());
    let mut beats: Vec<(u32, usize, Beat)> = Vec::new();
    for n in numbers.collect::<std::collections::BTreeSet<usize>>() {
        let field = |name: &str| one(&format!("{name}-{n}"));
        if field("on").is_empty() {
            continue;
        }
        let beat = beat(n, field)?;
        // A place that is missing comes last, before the end card.
        let place = field("place").parse().unwrap_or(u32::MAX - 1);
        let place = if beat.of == Topic::End { u32::MAX } else { place };
        beats.push((place, n, beat));
    }
    beats.sort_by_key(|(place, n, _)| (*place, *n));
    let beats: Vec<Beat> = beats.into_iter().map(|(_, _, beat)| beat).collect();
    if beats.is_empty() {
        return Err("Hãy chọn ít nhất một cảnh / Choose at least one scene".to_owned());
    }
    let kind = named("dang", one("dang"))?;
    let voice = Some(one("voice")).filter(|name| !name.is_empty()).map(str::to_owned);
    let music = Some(one("music")).filter(|name| !name.is_empty());
    let music = music.map(|name| named("music", name)).transpose()?;
    Ok((kind, Storyboard { beats, voice, music }))
}

/// A scene of the form; `field` gives its fields by name.
fn beat<'a>(n: usize, field: impl Fn(&str) -> &'a str) -> Result<Beat, String> {
    let scene = n + 1;
    let topic = field("topic");
    let mut of: Topic = serde_json::from_str(topic).map_err(|_| format!("topic-{n} = {topic}"))?;
    let number = |text: &str, what: (&str, &str)| {
        let value = text.replace(',', ".").parse::<f64>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| {
            format!(
                "Cảnh {scene}: {} phải là số / Scene {scene}: {} must be a number",
                what.0, what.1
            )
        })
    };
    let ms = |name: &str| {
        let text = field(name);
        if text.is_empty() {
            return Ok(None);
        }
        number(text, ("thời lượng (giây)", "the time in seconds")).map(|s| Some(whole_ms(s)))
    };
    if let Topic::Cut(cut) = &mut of {
        let fit = Some(field("fit")).filter(|fit| !fit.is_empty());
        *cut = Cut {
            video: cut.video,
            from_ms: ms("from")?.unwrap_or(cut.from_ms),
            to_ms: ms("to")?.unwrap_or(cut.to_ms),
            fit: fit.map(|fit| named::<Fit>("fit", fit)).transpose()?.unwrap_or(cut.fit),
        };
    }
    let photo = match field("photo") {
        "" | "next" => PhotoChoice::First,
        "without" => PhotoChoice::Without,
        index => PhotoChoice::At(index.parse().map_err(|_| format!("photo-{n} = {index}"))?),
    };
    let focus = match (field("x"), field("y")) {
        ("", "") => None,
        (x, y) => {
            let what = ("điểm chính của ảnh", "the focus of the photo");
            let place = FocusPoint::at(number(x, what)? / 100.0, number(y, what)? / 100.0);
            Some(place.ok_or_else(|| {
                format!("Cảnh {scene}: điểm chính của ảnh là hai số từ 0 đến 100 / Scene {scene}: the focus of the photo is two numbers from 0 to 100")
            })?)
        }
    };
    let enter = Some(field("enter")).filter(|enter| !enter.is_empty());
    let enter = enter.map(|enter| named::<Transition>("enter", enter)).transpose()?;
    let focus = focus.filter(|_| photo != PhotoChoice::Without);
    Ok(Beat { of, ms: ms("s")?, photo, focus, enter })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest number there is, and the storyboard has bounds of its own"
)]
fn whole_ms(seconds: f64) -> u32 {
    (seconds * 1000.0).round() as u32
}

/// A value of a closed list by its name.
fn named<T: serde::de::DeserializeOwned>(field: &str, name: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|_| format!("{field} = {name:?}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_form_is_a_storyboard_in_the_order_of_its_places() {
        let (kind, clip) = read(&pairs(&[
            ("dang", "square_clip"),
            ("voice", "none"),
            ("music", "bright"),
            ("topic-0", r#""title""#),
            ("on-0", "1"),
            ("place-0", "2"),
            ("s-0", "4,25"),
            ("topic-1", r#"{"point":1}"#),
            ("on-1", "1"),
            ("place-1", "1"),
            ("photo-1", "2"),
            ("x-1", "25"),
            ("y-1", "50,0"),
            ("enter-1", "wipe"),
            ("topic-2", r#"{"figure":0}"#),
            ("place-2", "3"),
            ("topic-3", r#""end""#),
            ("on-3", "1"),
            ("topic-4", r#"{"cut":{"video":0,"from_ms":0,"to_ms":5000}}"#),
            ("on-4", "1"),
            ("from-4", "1.5"),
            ("to-4", "6"),
            ("fit-4", "crop"),
        ]))
        .unwrap();
        assert_eq!(kind, VariantKind::SquareClip);
        let expected = json!({
            "beats": [
                {"of": {"point": 1}, "photo": {"at": 2}, "focus": {"x": 0.25, "y": 0.5}, "enter": "wipe"},
                {"of": "title", "ms": 4250},
                {"of": {"cut": {"video": 0, "from_ms": 1500, "to_ms": 6000, "fit": "crop"}}},
                {"of": "end"}
            ],
            "voice": "none", "music": "bright"
        });
        assert_eq!(serde_json::to_value(&clip).unwrap(), expected);
    }

    #[test]
    fn what_is_no_storyboard_is_told_with_its_scene() {
        let title = [("dang", "short_clip"), ("topic-0", r#""title""#), ("on-0", "1")];
        let with = |more: &[(&str, &str)]| read(&pairs(&[&title[..], more].concat()));
        assert!(with(&[]).is_ok());
        for (more, told) in [
            (&[("s-0", "lâu")][..], "Cảnh 1: thời lượng"),
            (&[("x-0", "140"), ("y-0", "10")][..], "Cảnh 1: điểm chính"),
            (&[("x-0", "40")][..], "Cảnh 1: điểm chính"),
            (&[("photo-0", "x")][..], "photo-0"),
            (&[("enter-0", "spin")][..], "enter"),
            (&[("music", "jazz")][..], "music"),
        ] {
            let error = with(more).unwrap_err();
            assert!(error.contains(told), "{more:?}: {error}");
        }
        assert!(read(&pairs(&title[..2])).unwrap_err().contains("ít nhất một cảnh"));
        assert!(read(&pairs(&[("dang", "podcast"), title[1], title[2]])).is_err());
    }

    #[test]
    fn seconds_are_short() {
        for (ms, text) in
            [(4000, "4"), (4500, "4.5"), (4250, "4.25"), (10_000, "10"), (120, "0.12")]
        {
            assert_eq!(seconds(ms), text);
        }
    }
}
