//! The variants of an article as people see them: pictures, players with their scenes, and where every word is from.

use loa_model::{Article, BlockKind, Rendition, Span, Variant, VariantKind, VariantState};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::told;
use crate::{
    pages::{JobCard, name_of},
    variant::{Bench, CHOSEN},
    view::{self, ReasonView},
};

const PDF: &str = "application/pdf";
const VTT: &str = "text/vtt";

/// A file of a variant.
#[derive(Serialize)]
struct FileView {
    name: String,
    blob: String,
    facts: String,
}

/// A page of a carousel.
#[derive(Serialize)]
struct PageView {
    blob: String,
    alt: String,
}

/// Words that were drawn.
#[derive(Serialize)]
struct Traced {
    text: String,
    block: Option<u32>,
    place: Option<String>,
    /// Where it is from, for the script.
    at: String,
    edited: bool,
}

/// A scene of a finished clip.
#[derive(Serialize)]
struct SceneView {
    kind: String,
    from_ms: u64,
    to_ms: u64,
    /// `1:05`.
    time: String,
    lines: Vec<Traced>,
}

/// The variant that is looked at.
#[derive(Serialize)]
pub(crate) struct VariantView {
    kind: String,
    state: String,
    reason: ReasonView,
    video: Option<String>,
    /// A bulletin without pictures.
    sound: Option<String>,
    /// Captions of the video.
    captions: Option<String>,
    duration_ms: u64,
    scenes: Vec<SceneView>,
    picture: Option<String>,
    /// Pages after the first, of a carousel.
    more: Vec<PageView>,
    poster: Option<String>,
    /// A file to be printed, of a variant that has no picture.
    document: Option<String>,
    width: u32,
    height: u32,
    alt: String,
    files: Vec<FileView>,
    /// Sizes that could not be drawn, with the reason.
    violations: Value,
    provenance: Vec<Traced>,
    /// Whether a person chose it, or may.
    chosen: bool,
    may_choose: bool,
    /// The job that draws it.
    job: Option<JobCard>,
}

/// A variant among the others.
#[derive(Serialize)]
pub(crate) struct Tab {
    kind: String,
    state: String,
    /// Its picture, small.
    picture: Option<String>,
    on: bool,
    may_choose: bool,
    job: Option<JobCard>,
}

/// Of each kind the one that counts: the newest, and what was drawn before it while it is not. What was replaced is only in
/// the posts that have it.
pub(crate) fn of_now(mut variants: Vec<Variant>) -> Vec<Variant> {
    variants.sort_by_key(|variant| (variant.kind, variant.id));
    let passed = |one: &Variant, later: &[Variant]| {
        later.iter().any(|other| other.kind == one.kind && other.state == VariantState::Rendered)
    };
    (0..variants.len())
        .filter(|at| !passed(&variants[*at], &variants[at + 1..]))
        .map(|at| variants[at].clone())
        .collect()
}

/// The job that draws it and has work before it.
fn drawing<'a>(variant: &Variant, jobs: &'a [JobCard]) -> Option<&'a JobCard> {
    jobs.iter().find(|job| job.draws(variant.id) && job.is_running())
}

/// How a variant stands: `stopped` where nobody draws it any more, because its job was called off or died; `reworded` where
/// the words of now are others.
fn state_of(variant: &Variant, jobs: &[JobCard], bench: Option<&Bench>) -> String {
    if bench.is_some_and(|bench| bench.is_reworded(variant)) {
        return "reworded".to_owned();
    }
    let waits = matches!(variant.state, VariantState::Queued | VariantState::Rendering);
    if waits && drawing(variant, jobs).is_none() {
        return "stopped".to_owned();
    }
    name_of(&variant.state)
}

fn picture_of(variant: &Variant) -> Option<&Rendition> {
    let small = variant.rendition("thumbnail");
    small.or_else(|| variant.renditions.iter().find(|file| file.mime.starts_with("image/")))
}

/// One tab for each kind, in the order of the kinds; `on` is the one that is looked at.
pub(crate) fn tabs(
    variants: &[Variant],
    on: VariantKind,
    jobs: &[JobCard],
    bench: Option<&Bench>,
) -> Vec<Tab> {
    let mut tabs: Vec<Tab> = Vec::new();
    let mut kinds: Vec<VariantKind> = variants.iter().map(|variant| variant.kind).collect();
    kinds.dedup();
    for kind in kinds {
        let own = || variants.iter().filter(|variant| variant.kind == kind);
        let Some(newest) = own().next_back() else { continue };
        let picture = own().rev().find_map(picture_of);
        tabs.push(Tab {
            kind: name_of(&kind),
            state: state_of(newest, jobs, bench),
            picture: picture.map(|file| file.blob.to_string()),
            on: kind == on,
            may_choose: CHOSEN.contains(&kind),
            job: drawing(newest, jobs).cloned(),
        });
    }
    tabs
}

/// Kinds that a person can have made and that are not there.
pub(crate) fn others(variants: &[Variant], on: VariantKind) -> Vec<Tab> {
    let missing = |kind: &VariantKind| variants.iter().all(|variant| variant.kind != *kind);
    let tab = |kind: VariantKind| Tab {
        kind: name_of(&kind),
        state: String::new(),
        picture: None,
        on: kind == on,
        may_choose: true,
        job: None,
    };
    CHOSEN.into_iter().filter(missing).map(tab).collect()
}

/// The newest variant of a kind; what was drawn of the one before it is shown until it is drawn itself.
pub(crate) fn shown(
    variants: &[Variant],
    kind: VariantKind,
    article: &Article,
    lang: &str,
    (jobs, bench): (&[JobCard], Option<&Bench>),
    reason: impl Fn(&str) -> ReasonView,
) -> Option<VariantView> {
    let own = || variants.iter().filter(|variant| variant.kind == kind);
    let newest = own().next_back()?;
    let drawn = own().rev().find(|variant| !variant.renditions.is_empty()).unwrap_or(newest);
    let view = view_of(drawn, article, lang);
    Some(VariantView {
        state: state_of(newest, jobs, bench),
        reason: reason(&newest.reason),
        chosen: newest.chosen.is_some(),
        may_choose: CHOSEN.contains(&kind),
        job: drawing(newest, jobs).cloned(),
        ..view
    })
}

fn view_of(variant: &Variant, article: &Article, lang: &str) -> VariantView {
    let first = |prefix: &str| variant.renditions.iter().find(|file| file.mime.starts_with(prefix));
    let blob = |file: Option<&Rendition>| file.map(|file| file.blob.to_string());
    let video = first("video/");
    let picture = first("image/");
    let shown = video.or(picture);
    let facts = |file: &Rendition| {
        let mut parts = Vec::new();
        if file.width > 0 && file.mime != PDF {
            parts.push(format!("{}×{}", file.width, file.height));
        }
        if file.duration_ms > 0 {
            parts.push(format!("{} s", file.duration_ms.div_ceil(1000)));
        }
        parts.push(view::size(file.bytes, lang));
        parts.join(" · ")
    };
    let sound = first("audio/");
    VariantView {
        kind: name_of(&variant.kind),
        state: name_of(&variant.state),
        reason: ReasonView::default(),
        video: blob(video),
        sound: blob(sound.filter(|_| video.is_none())),
        captions: blob(first(VTT)),
        duration_ms: video.or(sound).map_or(0, |file| file.duration_ms),
        scenes: scenes(&variant.provenance, article),
        picture: blob(picture),
        more: variant
            .renditions
            .iter()
            .skip(1)
            .filter(|_| variant.kind == VariantKind::Carousel)
            .map(|file| PageView { blob: file.blob.to_string(), alt: file.alt.clone() })
            .collect(),
        document: blob(first(PDF)),
        poster: blob(picture.filter(|_| video.is_some())),
        width: shown.map_or(4, |file| file.width),
        height: shown.map_or(5, |file| file.height),
        alt: shown.map(|file| file.alt.clone()).unwrap_or_default(),
        files: variant
            .renditions
            .iter()
            .map(|file| FileView {
                name: file.name.clone(),
                blob: file.blob.to_string(),
                facts: facts(file),
            })
            .collect(),
        violations: variant.provenance["violations"].clone(),
        provenance: places(&variant.provenance, article),
        chosen: variant.chosen.is_some(),
        may_choose: false,
        job: None,
    }
}

/// The place of something drawn: beside its words, or with its origin.
fn span_of(map: &serde_json::Map<String, Value>, article: &Article) -> Option<Span> {
    let origin = map.get("origin");
    let passage = origin.and_then(|origin| origin.get("passage"));
    let span = [
        map.get("span"),
        origin.and_then(|of| of.get("span")),
        passage.and_then(|of| of.get("span")),
    ];
    let span = span.into_iter().flatten().find(|span| !span.is_null())?;
    let span: Span = Span::deserialize(span).ok()?;
    span.of(article).is_some().then_some(span)
}

fn traced(map: &serde_json::Map<String, Value>, article: &Article) -> Option<Traced> {
    let text = map.get("text")?.as_str().filter(|text| !text.is_empty())?;
    let span = span_of(map, article);
    let block = span.map(|span| span.block);
    Some(Traced {
        text: text.to_owned(),
        block,
        place: block.map(|block| format!("§{}", block + 1)),
        at: span.map(|span| told::at(article, span)).unwrap_or_default(),
        edited: map.get("edited").and_then(Value::as_bool).unwrap_or(false)
            || map.get("from").and_then(Value::as_str) == Some("edited"),
    })
}

/// The renderer's provenance: a list of `{"text", "span"?, "edited"?}` at the top or under any key. The words that a span
/// is told with come before the same words without one.
fn places(provenance: &Value, article: &Article) -> Vec<Traced> {
    let mut found: Vec<Traced> = Vec::new();
    let mut queue = vec![provenance];
    while let Some(value) = queue.pop() {
        match value {
            Value::Array(items) => queue.extend(items.iter().rev()),
            Value::Object(map) if map.contains_key("text") => {
                let known = |one: &Traced| found.iter().any(|other| other.text == one.text);
                found.extend(traced(map, article).filter(|one| !known(one)));
            }
            Value::Object(map) => queue.extend(map.values().rev()),
            _ => {}
        }
    }
    found
}

/// The scenes that are kept with a clip: of the first film, where there are several.
fn scenes(provenance: &Value, article: &Article) -> Vec<SceneView> {
    let mut queue = vec![provenance];
    while let Some(value) = queue.pop() {
        match value {
            Value::Array(items) => queue.extend(items.iter().rev()),
            Value::Object(map) => {
                let Some(scenes) = map.get("scenes").and_then(Value::as_array) else { continue };
                return scenes.iter().filter_map(|scene| scene_of(scene, article)).collect();
            }
            _ => {}
        }
    }
    Vec::new()
}

fn scene_of(scene: &Value, article: &Article) -> Option<SceneView> {
    let ms = |name: &str| scene.get(name)?.as_u64();
    let from_ms = ms("from_ms")?;
    let lines = scene.get("lines").and_then(Value::as_array).into_iter().flatten();
    let lines: Vec<Traced> = lines.filter_map(|line| traced(line.as_object()?, article)).collect();
    // The standfirst is told as a point is, and has a name of its own where it is arranged.
    let block = lines.first().and_then(|line| article.blocks.get(line.block? as usize));
    let of_sapo = block.is_some_and(|block| block.kind == BlockKind::Sapo);
    let kind = scene.get("kind")?.as_str()?;
    Some(SceneView {
        kind: if of_sapo && kind == "point" { "sapo" } else { kind }.to_owned(),
        from_ms,
        to_ms: ms("to_ms")?,
        time: format!("{}:{:02}", from_ms / 60_000, from_ms / 1000 % 60),
        lines,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_standfirst_has_its_own_name_among_the_scenes() {
        let block = |kind: &str, text: &str| json!({"kind": kind, "text": text});
        let article: Article = serde_json::from_value(json!({
            "id": "01890000-0000-7000-8000-000000000001", "agency": "demo", "revision": 1,
            "digest": "0".repeat(64), "state": "ready",
            "source": {"canonical_url": "", "publisher": "", "via": "html"}, "lang": "vi",
            "section": "", "authors": [], "published_at": null, "embargo_until": null, "keywords": [],
            "blocks": [block("title", "Tựa"), block("sapo", "Mở đầu."), block("paragraph", "Một ý.")],
            "photos": [], "fetched_at": "2026-11-22T03:00:00Z"
        }))
        .unwrap();
        let kind = |kind: &str, block: u32| {
            let span = json!({"revision": 1, "block": block, "start": 0, "end": 4});
            let line = json!({"text": "x", "span": span});
            let scene = json!({"kind": kind, "from_ms": 0, "to_ms": 1, "lines": [line]});
            scene_of(&scene, &article).unwrap().kind
        };
        assert_eq!((kind("point", 1), kind("point", 2)), ("sapo".into(), "point".into()));
        assert_eq!(kind("figure", 1), "figure");
    }
}
