//! From a brief to a timeline: which scenes, for how long, with which words.

use loa_model::{Article, Brief, Figure, Passage, Quote, Span, StoryKind};
use serde_json::{Map, Value, json};

use crate::{
    caption,
    provenance::Facts,
    timeline::{
        Caption, Cue, Drawn, Motion, Origin, Plate, Scene, SceneKind, Shot, SpriteKey, Timeline,
        View,
    },
};

mod layout;

use layout::Layout;
pub use layout::Look;

/// What a clip is made of.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The revision the brief was read from.
    pub article: &'a Article,
    /// What matters in it.
    pub brief: &'a Brief,
    /// Address inside the QR code.
    pub link: &'a str,
    /// Address as shown.
    pub link_short: &'a str,
    /// Indexes of the article's photos that can be shown, in order.
    pub photos: &'a [u32],
    /// Colours of the brand.
    pub look: Look,
}

/// Characters of a line of a burned-in caption: big type for phones.
const BURNED_LINE: usize = 30;
/// Longest standfirst that makes a scene, characters.
const LONGEST_SAPO: u32 = 260;

/// A vertical clip of 15–60 s: photos that move, cross-fades, captions.
pub fn short(order: &Order<'_>) -> Timeline {
    build(order, &layout::SHORT)
}

/// The clip for slow links, with a layout of its own: very big type, still pictures, hard cuts.
pub fn low_band(order: &Order<'_>) -> Timeline {
    build(order, &layout::LOW)
}

/// One scene before it has a time.
enum Item<'a> {
    Title,
    Point(&'a Passage),
    Figure(&'a Figure),
    Quote(&'a Quote),
    End,
}

fn build(order: &Order<'_>, layout: &'static Layout) -> Timeline {
    let mut items = choose(order.brief, layout);
    loop {
        let timeline = Builder::new(order, layout).run(&items, 1.0);
        let seconds = f64::from(timeline.frames()) / f64::from(layout.canvas.fps);
        if seconds > layout.longest_s && items.len() > 3 {
            // The last one before the end card matters least.
            items.remove(items.len() - 2);
        } else if seconds < layout.shortest_s {
            // Rounding up by a little is better than a clip that is refused for a frame.
            let slower = layout.shortest_s / seconds * 1.01;
            return Builder::new(order, layout).run(&items, slower);
        } else {
            return timeline;
        }
    }
}

/// Scenes in order of telling, by kind of story.
fn choose<'a>(brief: &'a Brief, layout: &Layout) -> Vec<Item<'a>> {
    // A standfirst that is too long for captions under the title is the first point, unless points are from it already.
    let sapo = brief.sapo.iter().filter(|sapo| {
        let taken = |point: &Passage| point.span.block == sapo.span.block;
        (layout.short_sapo + 1..=LONGEST_SAPO).contains(&chars(&sapo.text))
            && !brief.points.iter().any(taken)
    });
    let mut points = sapo.chain(&brief.points).map(Item::Point);
    let mut figures = brief.figures.iter().map(Item::Figure);
    let mut quotes = brief.quotes.iter().map(Item::Quote);
    let order: &[char] = match brief.story {
        StoryKind::News
        | StoryKind::HowTo
        | StoryKind::Timeline
        | StoryKind::Comparison
        | StoryKind::Correction => &['p', 'f', 'p', 'q', 'p', 'p'],
        StoryKind::Figures => &['f', 'f', 'p', 'f', 'p', 'q'],
        StoryKind::Quote => &['q', 'p', 'p', 'f', 'q'],
        StoryKind::Decree => &['p', 'p', 'p', 'f', 'p'],
        StoryKind::Alert => &['p', 'p', 'p', 'p'],
    };
    let mut items = vec![Item::Title];
    items.extend(order.iter().filter_map(|kind| match kind {
        'p' => points.next(),
        'f' => figures.next(),
        _ => quotes.next(),
    }));
    items.push(Item::End);
    items
}

struct Builder<'a> {
    order: &'a Order<'a>,
    layout: &'static Layout,
    facts: Facts,
    out: Timeline,
    next_photo: usize,
}

impl<'a> Builder<'a> {
    fn new(order: &'a Order<'a>, layout: &'static Layout) -> Self {
        let look = order.look;
        let out = Timeline {
            canvas: layout.canvas,
            ground: look.ground,
            bar_colour: look.accent,
            bar_height: layout.bar_height,
            scenes: vec![],
            overlays: vec![],
            plates: vec![],
            captions: vec![],
            texts: vec![],
            clean_photos: layout.still,
            poster: 0,
            alt: alt(order.brief),
        };
        Self { order, layout, facts: Facts::of(order), out, next_photo: 0 }
    }

    fn run(mut self, items: &[Item<'_>], slower: f64) -> Timeline {
        let pages = items.len() - 1;
        for (i, item) in items.iter().enumerate() {
            self.scene(item, i + 1, pages, slower, i + 1 == items.len());
        }
        let title = &self.out.scenes[0];
        self.out.poster = title.frames.saturating_sub(self.layout.fade.max(1));
        self.out
    }

    fn scene(&mut self, item: &Item<'_>, page: usize, pages: usize, slower: f64, last: bool) {
        let layout = self.layout;
        let brief = self.order.brief;
        let id = format!("scene-{page}");
        let start = self.out.frames();
        // Words under the scene's own: where they start, as a share of the scene, and what they are.
        let mut below: Option<(f64, &Passage)> = None;
        let mut spoken: Vec<&Passage> = vec![];
        let kind = match item {
            Item::Title => {
                spoken.push(&brief.title);
                below =
                    brief.sapo.as_ref().filter(|s| chars(&s.text) <= layout.short_sapo).map(|s| {
                        spoken.push(s);
                        let first = read(&brief.title.text);
                        (first / (first + read(&s.text)), s)
                    });
                SceneKind::Title
            }
            Item::Point(point) => {
                spoken.push(point);
                SceneKind::Point
            }
            Item::Figure(figure) => {
                spoken.push(&figure.sentence);
                let told = brief.points.iter().any(|p| p.span == figure.sentence.span);
                below = (!told && chars(&figure.sentence.text) <= layout.longest_below)
                    .then_some((0.25, &figure.sentence));
                SceneKind::Figure
            }
            Item::Quote(quote) => {
                spoken.push(&quote.words);
                SceneKind::Quote
            }
            Item::End => SceneKind::End,
        };
        let seconds = match item {
            Item::End => layout.end_s,
            Item::Title => spoken.iter().map(|p| read(&p.text)).sum::<f64>().max(layout.least_s),
            Item::Figure(figure) => {
                let shown = 1.5 + read(&figure.label.text);
                let told = below.map_or(0.0, |(_, p)| read(&p.text) / 0.75);
                shown.max(told).max(layout.least_s)
            }
            Item::Point(p) => read(&p.text).max(layout.least_s),
            Item::Quote(q) => (1.0 + read(&q.words.text)).max(layout.least_s),
        };
        let fade = if start == 0 { 0 } else { layout.fade };
        let frames = layout.frames(seconds * slower).max(fade + 1);
        let fade_out = if last { 0 } else { layout.fade };

        let lower_third = layout.extras && matches!(item, Item::Title);
        let raised =
            if layout.extras && (below.is_some() || lower_third) { layout.raise } else { 0 };
        let (template, layers, data) = self.plate(item, &id, page, pages);
        let mut safe = layout.safe;
        safe[2] += raised;
        self.out.plates.push(Plate { id: id.clone(), template: template.into(), data, safe });
        let cues =
            (0..layers).map(|layer| self.cue(&id, layer, template, (fade, frames, last))).collect();
        let shot = (!matches!(item, Item::End) && layout.shows_photo(kind))
            .then(|| self.shot(page))
            .flatten();
        self.out.scenes.push(Scene { kind, start, frames, fade_in: fade, fade_out, shot, cues });

        let below_from = start + below.map_or(0, |(share, _)| portion(frames, share));
        if let Some((_, passage)) = below.filter(|_| layout.extras) {
            self.burn(passage, &id, below_from, start + frames - fade_out);
        }
        if lower_third {
            let until = if below.is_some() { below_from } else { start + frames - fade_out };
            self.lower_third(start + layout.fade, until);
        }
        self.tell(&spoken, start, start + frames);
    }

    /// Template, its number of layers and its data.
    fn plate(
        &mut self,
        item: &Item<'_>,
        id: &str,
        page: usize,
        pages: usize,
    ) -> (&'static str, usize, Value) {
        let layout = self.layout;
        let mut data = Map::new();
        data.insert("lang".into(), json!(self.order.article.lang));
        match item {
            Item::Title => {
                self.passage(&mut data, id, "text", &self.order.brief.title);
                self.fact(&mut data, id, "kicker", "section");
            }
            Item::Point(point) => self.passage(&mut data, id, "text", point),
            Item::Figure(figure) => {
                self.words(&mut data, id, "value", &figure.value, figure.span);
                self.words(&mut data, id, "unit", &figure.unit, figure.span);
                self.passage(&mut data, id, "label", &figure.label);
            }
            Item::Quote(quote) => {
                self.passage(&mut data, id, "text", &quote.words);
                self.words(&mut data, id, "speaker", &quote.speaker, quote.speaker_span);
                // The office stands somewhere in the block that names the speaker.
                let block = self.order.article.blocks.get(quote.speaker_span.block as usize);
                let end = block.map_or(0, |b| u32::try_from(b.text.len()).unwrap_or(u32::MAX));
                let whole = Span { start: 0, end, ..quote.speaker_span };
                self.words(&mut data, id, "role", &quote.role, whole);
                if layout.still {
                    let speaker = data.remove("speaker").unwrap_or_default();
                    data.remove("role");
                    self.out
                        .texts
                        .retain(|d| d.plate != id || (d.field != "role" && d.field != "speaker"));
                    data.insert("kicker".into(), speaker);
                    self.out.texts.push(Drawn {
                        plate: id.into(),
                        field: "kicker".into(),
                        text: quote.speaker.clone(),
                        origin: Origin::Words { span: quote.speaker_span },
                        edited: false,
                    });
                }
            }
            Item::End => {
                self.fact(&mut data, id, "url", "link");
                self.fact(&mut data, id, "url_short", "link_short");
                self.fact(&mut data, id, "source", "source");
            }
        }
        if !matches!(item, Item::End) {
            data.insert("page".into(), json!(page));
            data.insert("pages".into(), json!(pages));
        }
        let has_photo = !self.order.photos.is_empty();
        let (template, layers) = layout.template(item.kind(), has_photo);
        (template, layers, Value::Object(data))
    }

    fn cue(
        &self,
        plate: &str,
        layer: usize,
        template: &str,
        (fade, frames, last): (u32, u32, bool),
    ) -> Cue {
        let layout = self.layout;
        let sprite = SpriteKey { plate: plate.into(), layer };
        // Ground and head are alike from scene to scene and stand; words come one after the other and leave before the
        // next scene comes, so that two texts never lie over each other.
        let stands = layer == 0 || layout.still || (layer == 1 && template != "clip-end");
        if stands {
            return Cue { sprite, start: 0, frames: None, leave: 0, motion: Motion::Still };
        }
        let step = u32::try_from(layer).unwrap_or(0).saturating_sub(2) * layout.frames(0.16);
        let motion =
            Motion::Rise { frames: layout.frames(0.5), by: (layout.canvas.height / 40) & !1 };
        let start = fade * 2 / 3 + step;
        let (shown, leave) = if last {
            (None, 0)
        } else {
            (Some(frames.saturating_sub(start)), layout.frames(0.25))
        };
        Cue { sprite, start, frames: shown, leave, motion }
    }

    fn shot(&mut self, page: usize) -> Option<Shot> {
        let photos = self.order.photos;
        let photo = *photos.get(self.next_photo % photos.len().max(1))?;
        self.next_photo += 1;
        let (height, melt) = (self.layout.photo_height, self.layout.melt);
        let still = View { x: 0.5, y: 0.4, zoom: 1.0 };
        if self.layout.still {
            return Some(Shot { photo, height, melt, from: still, to: still });
        }
        // In and to the right, then out and to the left: neighbours never move alike.
        let (near, far) =
            (View { x: 0.62, y: 0.45, zoom: 1.13 }, View { x: 0.38, y: 0.4, zoom: 1.0 });
        let (from, to) = if page % 2 == 1 { (far, near) } else { (near, far) };
        Some(Shot { photo, height, melt, from, to })
    }

    /// Captions that are part of the picture.
    fn burn(&mut self, passage: &Passage, id: &str, from: u32, to: u32) {
        let lines = caption::split_at(&passage.text, BURNED_LINE);
        for (i, (caption, (start, end))) in lines.iter().zip(spread(&lines, from, to)).enumerate() {
            let plate = format!("{id}-caption-{i}");
            self.out.texts.extend(caption.iter().map(|line| Drawn {
                plate: plate.clone(),
                field: "points".into(),
                text: line.clone(),
                origin: Origin::Part { passage: passage.clone() },
                edited: passage.is_edited(),
            }));
            let data = json!({"lang": self.order.article.lang, "points": caption});
            self.overlay(plate, "clip-caption", data, start, end, Motion::Still);
        }
    }

    fn lower_third(&mut self, from: u32, to: u32) {
        let id = "lower-third";
        let mut data = Map::new();
        data.insert("lang".into(), json!(self.order.article.lang));
        self.fact(&mut data, id, "kicker", "date");
        self.fact(&mut data, id, "text", "publisher");
        let motion = Motion::Rise { frames: self.layout.frames(0.4), by: 24 };
        self.overlay(id.into(), "clip-lower-third", Value::Object(data), from, to, motion);
    }

    fn overlay(
        &mut self,
        plate: String,
        template: &str,
        data: Value,
        start: u32,
        end: u32,
        motion: Motion,
    ) {
        let sprite = SpriteKey { plate: plate.clone(), layer: 0 };
        let frames = Some(end.saturating_sub(start));
        self.out.overlays.push(Cue { sprite, start, frames, leave: 0, motion });
        self.out.plates.push(Plate {
            id: plate,
            template: template.into(),
            data,
            safe: self.layout.safe,
        });
    }

    /// Captions for people who switch them on.
    fn tell(&mut self, spoken: &[&Passage], from: u32, to: u32) {
        let lines: Vec<_> = spoken.iter().flat_map(|p| caption::split(&p.text)).collect();
        for (lines, (start, end)) in lines.iter().zip(spread(&lines, from, to)) {
            self.out.captions.push(Caption { start, end, lines: lines.clone() });
        }
    }

    fn passage(
        &mut self,
        data: &mut Map<String, Value>,
        plate: &str,
        field: &str,
        passage: &Passage,
    ) {
        let origin = Origin::Passage { span: passage.span, edits: passage.edits.clone() };
        if passage.is_edited() && field == "text" {
            self.put(
                data,
                plate,
                "kicker",
                &self.facts.edited.clone(),
                Origin::Fact { field: "edited".into() },
                false,
            );
        }
        self.put(data, plate, field, &passage.text, origin, passage.is_edited());
    }

    fn words(
        &mut self,
        data: &mut Map<String, Value>,
        plate: &str,
        field: &str,
        text: &str,
        span: Span,
    ) {
        self.put(data, plate, field, text, Origin::Words { span }, false);
    }

    fn fact(&mut self, data: &mut Map<String, Value>, plate: &str, field: &str, fact: &str) {
        let text = self.facts.get(fact).to_owned();
        self.put(data, plate, field, &text, Origin::Fact { field: fact.into() }, false);
    }

    fn put(
        &mut self,
        data: &mut Map<String, Value>,
        plate: &str,
        field: &str,
        text: &str,
        origin: Origin,
        edited: bool,
    ) {
        // A mark “đã biên tập” set before is not overwritten by a section.
        if text.is_empty() || data.contains_key(field) {
            return;
        }
        data.insert(field.into(), json!(text));
        let (plate, field, text) = (plate.to_owned(), field.to_owned(), text.to_owned());
        self.out.texts.push(Drawn { plate, field, text, origin, edited });
    }
}

impl Item<'_> {
    fn kind(&self) -> SceneKind {
        match self {
            Self::Title => SceneKind::Title,
            Self::Point(_) => SceneKind::Point,
            Self::Figure(_) => SceneKind::Figure,
            Self::Quote(_) => SceneKind::Quote,
            Self::End => SceneKind::End,
        }
    }
}

/// A share (0–1) of some frames.
fn portion(frames: u32, share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of frames is no more than them"
    )]
    let part = (f64::from(frames) * share.clamp(0.0, 1.0)) as u32;
    part
}

/// Seconds to read a text: a moment to find it, then 17 characters a second.
pub(crate) fn read(text: &str) -> f64 {
    1.2 + f64::from(chars(text)) / 17.0
}

fn chars(text: &str) -> u32 {
    u32::try_from(caption::length(text)).unwrap_or(u32::MAX)
}

/// Shares frames among captions by their length.
fn spread(captions: &[Vec<String>], from: u32, to: u32) -> Vec<(u32, u32)> {
    let weight = |lines: &Vec<String>| 8 + lines.iter().map(|l| chars(l)).sum::<u32>();
    let total: u32 = captions.iter().map(weight).sum();
    let mut done = 0;
    let at = |done: u32| {
        from + u32::try_from(u64::from(to - from) * u64::from(done) / u64::from(total.max(1)))
            .unwrap_or(0)
    };
    captions
        .iter()
        .map(|lines| {
            let start = at(done);
            done += weight(lines);
            (start, at(done))
        })
        .collect()
}

fn alt(brief: &Brief) -> String {
    let points = brief.points.iter().take(4).map(|p| p.text.trim());
    std::iter::once(brief.title.text.trim())
        .chain(points)
        .map(|text| {
            if text.ends_with(['.', '!', '?', '…']) {
                text.to_owned()
            } else {
                format!("{text}.")
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests;
