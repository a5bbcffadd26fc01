//! The form in which an editor arranges a clip: scenes, their lines, voice and music. It works without script; with it, the
//! clip is drawn anew while the form changes, and any moment of it can be looked at.

use std::collections::BTreeMap;

use loa_model::{
    Beat, Brief, BriefList, Choices, Chosen, ChosenPart, Cut, Fit, FocusPoint, PhotoChoice, Span,
    Storyboard, Topic, Transition, VariantKind, VariantState,
};
use serde::Serialize;

use super::{Arranged, ClipRow, Place, WantedClip, check};
use crate::{
    Shared, article,
    auth::Visitor,
    error::WebError,
    pages::name_of,
    variant::{self, Bench, KitView, Line, MediaView, named, plain},
};

#[derive(Serialize)]
struct RowView {
    n: usize,
    topic: String,
    kind: String,
    /// Place among its like, from 1.
    number: Option<usize>,
    words: String,
    /// The same, when a person may write it otherwise.
    line: Option<Line>,
    /// Where the words are from, for the script.
    at: String,
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
struct Named {
    name: String,
    on: bool,
}

/// The form of a clip, filled with what was chosen last.
#[derive(Serialize)]
pub(crate) struct Editor {
    moves: bool,
    shows: bool,
    wrong: Option<String>,
    rows: Vec<RowView>,
    /// The lists whose parts scenes tell by their place, as they are written now.
    #[serde(flatten)]
    lists: BTreeMap<&'static str, Vec<ChosenPart>>,
    /// Their order as the form sends it back.
    order: String,
    /// Who wrote what is not the article's, and when.
    writer: Option<String>,
    brands: Vec<KitView>,
    photos: Vec<MediaView>,
    videos: Vec<MediaView>,
    voices: Vec<Named>,
    voice: String,
    voice_default: String,
    music: String,
    /// The finished clip of now.
    video: Option<String>,
    poster: Option<String>,
    alt: String,
    /// The clip of now is still being made, or could not be.
    stale: bool,
}

async fn arranged(
    app: &Shared,
    bench: &Bench,
    brief: &Brief,
    (kind, brand): (VariantKind, &str),
    clip: Storyboard,
) -> Arranged {
    let (article, brief) = (bench.article.clone(), brief.clone());
    let wanted = WantedClip { article, brief, kind, clip, brand: brand.to_owned() };
    app.clips.arrange(wanted).await
}

/// The list that a scene tells a part of, and at which place.
fn told_of(topic: &Topic) -> Option<(BriefList, usize)> {
    match topic {
        Topic::Point(n) => Some((BriefList::Points, *n)),
        Topic::Figure(n) => Some((BriefList::Figures, *n)),
        Topic::Quote(n) => Some((BriefList::Quotes, *n)),
        _ => None,
    }
}

/// The same scene of the part at another place.
fn moved(topic: Topic, n: usize) -> Topic {
    match topic {
        Topic::Point(_) => Topic::Point(n),
        Topic::Figure(_) => Topic::Figure(n),
        Topic::Quote(_) => Topic::Quote(n),
        other => other,
    }
}

/// The order of the lists of now: scenes tell their parts by their place.
fn order(bench: &Bench) -> String {
    let list = |list| {
        let parts = bench.list(list);
        parts.iter().map(|part| part.of.to_string()).collect::<Vec<_>>().join(" ")
    };
    BriefList::ALL.map(list).join("/")
}

/// What was chosen last. Its scenes tell parts of lists by their place: they follow them where somebody moved these since.
pub(crate) fn chosen(bench: &Bench, kind: VariantKind) -> Storyboard {
    let Some(choices) = bench.choices(kind) else { return Storyboard::default() };
    let Some(clip) = choices.clip.clone() else { return Storyboard::default() };
    let follow = |beat: Beat| {
        let Some((list, n)) = told_of(&beat.of) else { return Some(beat) };
        let of = variant::list_of(choices, list, &bench.brief).get(n)?.of;
        let n = bench.list(list).iter().position(|part| part.of == of)?;
        Some(Beat { of: moved(beat.of, n), ..beat })
    };
    let beats: Vec<Beat> = clip.beats.into_iter().filter_map(follow).collect();
    // An end card alone is no clip.
    let tells = beats.iter().any(|beat| beat.of != Topic::End);
    Storyboard { beats: if tells { beats } else { Vec::new() }, ..clip }
}

/// The form, filled with what was chosen last.
pub(crate) async fn editor(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
    kind: VariantKind,
) -> Result<Editor, WebError> {
    let brief = bench.brief_of_now();
    let clip = chosen(bench, kind);
    // A clip that was arranged of what is there no more is begun anew.
    let fits = check(&clip, &brief, &bench.article);
    let (clip, gone) = match fits {
        Ok(()) => (clip, None),
        Err(why) => (Storyboard { beats: Vec::new(), ..clip }, Some(why)),
    };
    let (_, brand) = bench.brands(app, kind).await?;
    let arranged = arranged(app, bench, &brief, (kind, &brand), clip.clone()).await;
    let now = bench.now(kind);
    let file = |prefix: &str| {
        let files = now.map(|variant| &variant.renditions);
        files.into_iter().flatten().find(|file| file.mime.starts_with(prefix))
    };
    let moving = if kind == VariantKind::Audio { "audio/" } else { "video/" };
    let (video, poster) = (file(moving), file("image/"));
    let voices = arranged.voices.iter();
    let voices = voices
        .map(|name| Named { name: name.clone(), on: clip.voice.as_ref() == Some(name) })
        .collect();
    Ok(Editor {
        moves: arranged.moves && kind != VariantKind::Audio,
        shows: kind != VariantKind::Audio,
        wrong: gone.or(arranged.wrong),
        rows: rows(&arranged.rows, bench, &brief),
        lists: bench.lists(),
        order: order(bench),
        writer: bench.writer(app, &visitor.lang).await?,
        brands: variant::kits(app, visitor, bench, kind).await?,
        photos: variant::photos(&bench.article),
        videos: videos(bench),
        voices,
        voice: clip.voice.clone().unwrap_or_default(),
        voice_default: arranged.voice,
        music: clip.music.map(|music| name_of(&music)).unwrap_or_default(),
        video: video.map(|file| file.blob.to_string()),
        poster: poster.map(|file| file.blob.to_string()),
        alt: poster.map(|file| file.alt.clone()).unwrap_or_default(),
        stale: now.is_some_and(|now| now.state != VariantState::Rendered),
    })
}

fn videos(bench: &Bench) -> Vec<MediaView> {
    let there = bench.article.videos.iter().enumerate().filter_map(|(index, video)| {
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

/// Where the words of a scene are in the article.
fn place_of(of: &Topic, brief: &Brief) -> Option<Span> {
    match of {
        Topic::Title => Some(brief.title.span),
        Topic::Sapo => brief.sapo.as_ref().map(|sapo| sapo.span),
        Topic::Point(n) => brief.points.get(*n).map(|point| point.span),
        Topic::Figure(n) => brief.figures.get(*n).map(|figure| figure.label.span),
        Topic::Quote(n) => brief.quotes.get(*n).map(|quote| quote.words.span),
        Topic::Step(n) => {
            brief.steps.get(*n).map(|step| step.text.as_ref().unwrap_or(&step.title).span)
        }
        Topic::Event(n) => brief.events.get(*n).map(|event| event.text.span),
        Topic::Table
        | Topic::Chart
        | Topic::Alert
        | Topic::Picture(_)
        | Topic::Cut(_)
        | Topic::End => None,
    }
}

/// What a scene shows, in a line: a figure with what it counts, for the sentence it stands in may hold others.
fn said(row: &ClipRow, brief: &Brief) -> String {
    let Topic::Figure(n) = row.beat.of else { return row.words.clone() };
    let Some(figure) = brief.figures.get(n) else { return row.words.clone() };
    format!("{} · {}", article::amount(figure), figure.label.text)
}

fn rows(rows: &[ClipRow], bench: &Bench, brief: &Brief) -> Vec<RowView> {
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
        let line = match &row.beat.of {
            Topic::Title => Some(Line::title(bench)),
            topic => told_of(topic)
                .filter(|(list, _)| list.is_written())
                .and_then(|(list, n)| Line::part(bench, list, bench.list(list).get(n)?)),
        };
        let at = place_of(&row.beat.of, brief).map(|span| article::at(&bench.article, span));
        let spot = row.beat.focus.map(FocusPoint::share);
        let hundredths = |share: f64| format!("{:.1}", share * 100.0);
        RowView {
            n,
            topic: topic.to_string(),
            kind,
            number,
            words: said(row, brief),
            line,
            at: at.unwrap_or_default(),
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

/// Choices that can be told. Words that nobody chose are those that were written last.
pub(crate) async fn fitting(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
    (kind, brand): (VariantKind, &str),
    choices: Choices,
) -> Result<Choices, WebError> {
    let words = choices.words();
    if (Choices { clip: choices.clip.clone(), ..words.clone() }) != choices {
        return Err(WebError::unfit(
            "Clip nhận lời, cảnh, giọng đọc và nhạc; mẫu và ảnh chọn theo từng cảnh / A clip takes words, scenes, voice and music; photos are chosen scene by scene",
        ));
    }
    let mut clip = choices.clip.unwrap_or_default();
    let brief = told(app, visitor, bench, &words).map_err(WebError::unfit)?;
    let bare = Storyboard { beats: Vec::new(), ..clip.clone() };
    let own = arranged(app, bench, &brief, (kind, brand), bare.clone()).await;
    let proposed = own.rows.iter().filter(|row| row.place == Place::Told).map(|row| &row.beat);
    if proposed.eq(&clip.beats) {
        // What is as the engine chooses is left to it.
        clip = bare;
    }
    check(&clip, &brief, &bench.article).map_err(WebError::unfit)?;
    if let Some(voice) = clip.voice.as_ref().filter(|name| name.as_str() != "none")
        && !own.voices.contains(voice)
    {
        return Err(WebError::unfit(format!("Không có giọng {voice} / There is no voice {voice}")));
    }
    let arranged = arranged(app, bench, &brief, (kind, brand), clip.clone()).await;
    if let Some(why) = arranged.wrong {
        return Err(WebError::unfit(why));
    }
    Ok(Choices { clip: Some(clip), ..words })
}

/// The brief in the words of these choices.
pub(crate) fn told(
    app: &Shared,
    visitor: &Visitor,
    bench: &Bench,
    words: &Choices,
) -> Result<Brief, String> {
    let mut brief = bench.brief.clone();
    let chosen = Chosen { choices: words.clone(), by: visitor.user.id, at: app.clock.now() };
    chosen.apply(&mut brief).map_err(|why| why.to_string())?;
    Ok(brief)
}

/// The form as choices. What is as the engine chooses is left to it, and lines that the form does not hold stay as they are.
pub(crate) fn read(pairs: &[(String, String)], bench: &Bench) -> Result<Choices, String> {
    let (clip, lines) = scenes(pairs)?;
    // The form must be of the order that is there.
    let seen = pairs.iter().find(|(key, _)| key == "order").map(|(_, value)| value.as_str());
    if seen.is_some_and(|seen| seen != order(bench)) {
        return Err("Có người vừa đổi thứ tự hay bỏ bớt phần kể; hãy tải lại trang / Somebody just moved or left out what is told; reload the page".to_owned());
    }
    let mut choices = Choices { clip: Some(clip), ..bench.words() };
    for (topic, text) in lines {
        if topic == Topic::Title {
            choices.title = Some(text);
        } else if let Some((list, n)) = told_of(&topic).filter(|(list, _)| list.is_written()) {
            let mut parts = variant::list_of(&choices, list, &bench.brief);
            if let Some(part) = parts.get_mut(n) {
                part.text = Some(text);
            }
            choices.choose(list, Some(parts));
        }
    }
    Ok(plain(choices, &bench.brief))
}

/// Lines of the form by what they tell.
type Lines = Vec<(Topic, String)>;

/// The form as a storyboard, and the lines that were written in it.
fn scenes(pairs: &[(String, String)]) -> Result<(Storyboard, Lines), String> {
    let one = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.trim())
    };
    let numbers = pairs.iter().filter_map(|(key, _)| key.strip_prefix("topic-")?.parse().ok());
    let mut beats: Vec<(u32, usize, Beat)> = Vec::new();
    let mut lines = Lines::new();
    for n in numbers.collect::<std::collections::BTreeSet<usize>>() {
        let field = |name: &str| one(&format!("{name}-{n}"));
        let beat = || beat(n, field);
        if pairs.iter().any(|(key, _)| *key == format!("text-{n}")) {
            lines.push((topic(n, field)?, field("text").replace("\r\n", " ")));
        }
        if field("on").is_empty() {
            continue;
        }
        let beat = beat()?;
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
    let voice = Some(one("voice")).filter(|name| !name.is_empty()).map(str::to_owned);
    let music = Some(one("music")).filter(|name| !name.is_empty());
    let music = music.map(|name| named("music", name)).transpose()?;
    Ok((Storyboard { beats, voice, music }, lines))
}

/// What a scene of the form tells.
fn topic<'a>(n: usize, field: impl Fn(&str) -> &'a str) -> Result<Topic, String> {
    let topic = field("topic");
    serde_json::from_str(topic).map_err(|_| format!("topic-{n} = {topic}"))
}

/// A scene of the form; `field` gives its fields by name.
fn beat<'a>(n: usize, field: impl Fn(&str) -> &'a str) -> Result<Beat, String> {
    let scene = n + 1;
    let mut of = topic(n, &field)?;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_form_is_a_storyboard_in_the_order_of_its_places() {
        let (clip, lines) = scenes(&pairs(&[
            ("voice", "none"),
            ("music", "bright"),
            ("topic-0", r#""title""#),
            ("on-0", "1"),
            ("place-0", "2"),
            ("s-0", "4,25"),
            ("text-0", "Tựa khác"),
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
        assert_eq!(lines, [(Topic::Title, "Tựa khác".to_owned())]);
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
        let title = [("topic-0", r#""title""#), ("on-0", "1")];
        let with = |more: &[(&str, &str)]| scenes(&pairs(&[&title[..], more].concat()));
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
        assert!(scenes(&pairs(&title[..1])).unwrap_err().contains("ít nhất một cảnh"));
    }

    #[test]
    fn a_figure_is_named_by_itself_and_not_by_its_sentence() {
        let span = json!({"revision": 1, "block": 1, "start": 0, "end": 1});
        let label = json!({"text": "mức hỗ trợ", "span": span, "edits": []});
        let figure = |value: &str, unit: &str| json!({"value": value, "unit": unit, "label": label, "span": span, "sentence": label});
        let brief: Brief = serde_json::from_value(json!({
            "id": "01890000-0000-7000-8000-000000000002", "agency": "demo",
            "article": "01890000-0000-7000-8000-000000000001", "revision": 1,
            "article_digest": "0".repeat(64), "story": "news", "title": label, "sapo": null, "points": [],
            "figures": [figure("30", "triệu đồng mỗi hộ"), figure("70", "%")],
            "quotes": [], "dates": [], "legal_docs": [], "hashtags": []
        }))
        .unwrap();
        let row = |of: serde_json::Value| ClipRow {
            beat: serde_json::from_value(json!({"of": of})).unwrap(),
            words: "Cả câu.".to_owned(),
            place: Place::Told,
        };
        for (of, told) in [
            (json!({"figure": 0}), "30 triệu đồng mỗi hộ · mức hỗ trợ"),
            (json!({"figure": 1}), "70% · mức hỗ trợ"),
            (json!({"figure": 2}), "Cả câu."),
            (json!("sapo"), "Cả câu."),
        ] {
            assert_eq!(said(&row(of), &brief), told);
        }
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
