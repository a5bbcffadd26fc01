//! Scenes with their times, pictures, layers and captions.

use loa_model::{Beat, Fit, Passage, PhotoChoice, Topic};
use serde_json::json;

use super::{
    Layout, Order, Pictured, Spoken, Told, board,
    cues::{Layered, Span},
    picture,
    plates::{Page, Plate, kind},
    spoken as told,
};
use crate::{
    caption,
    provenance::Facts,
    score::Said,
    timeline::{
        Caption, Cue, Motion, Plate as Drawing, Scene, SceneKind, Shot, Source, SpriteKey,
        Timeline, View,
    },
};

/// Characters of a line of a burned-in caption: big type for phones.
const BURNED_LINE: usize = 30;
/// Plate with the mark of an agency that shares the look of a family.
const SIGNATURE: &str = "signature";
/// What it takes to find one's way on a map or diagram, seconds.
const LOOK_S: f64 = 2.5;
/// Silence before and after the voice of a scene, milliseconds.
const BREATH_MS: (u32, u32) = (350, 450);

/// What is seen of a beat: all of it, or one of its pages.
struct Item<'a> {
    beat: usize,
    of: &'a Beat,
    page: Page,
    /// Share of the beat's words on this page: where it starts and ends.
    share: (f64, f64),
}

pub(crate) struct Builder<'a> {
    order: &'a Order<'a>,
    pub(super) layout: &'static Layout,
    facts: Facts,
    out: Timeline,
    said: Vec<Said>,
    /// Photos that take turns behind the words.
    behind: Vec<Pictured>,
    next_photo: usize,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(order: &'a Order<'a>, layout: &'static Layout) -> Self {
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
        let (facts, behind) = (Facts::of(order), picture::behind(order));
        Self { order, layout, facts, out, said: vec![], behind, next_photo: 0 }
    }

    pub(crate) fn run(
        mut self,
        beats: &[(usize, &Beat)],
        spoken: &[Spoken],
        slower: f64,
    ) -> (Timeline, Vec<Said>) {
        let items: Vec<Item<'_>> =
            beats.iter().flat_map(|(i, beat)| self.pages(*i, beat)).collect();
        let pages = beats.iter().filter(|(_, beat)| beat.of != Topic::End).count();
        for (n, item) in items.iter().enumerate() {
            let page = beats.iter().position(|(i, _)| *i == item.beat).unwrap_or(0) + 1;
            let voice = spoken.iter().find(|voice| voice.beat == item.beat);
            let last = n + 1 == items.len();
            let next = items.get(n + 1).map(|next| next.of);
            self.scene(item, (n, page, pages), voice, slower, (last, next));
        }
        if let Some(first) = self.out.scenes.first() {
            // Everything stands, nothing leaves yet.
            self.out.poster = first.frames.saturating_sub(self.layout.fade.max(1) + first.fade_out);
        }
        (self.out, self.said)
    }

    /// Words that are too many for one screen of this layout come on several.
    fn pages<'b>(&self, beat: usize, of: &'b Beat) -> Vec<Item<'b>> {
        let whole = |text| Item { beat, of, page: Page { text }, share: (0.0, 1.0) };
        let most = self.layout.page_of(&of.of);
        let long = self.paged(&of.of).filter(|text| most > 0 && caption::length(text) > most);
        let Some(text) = long else { return vec![whole(None)] };
        let parts = caption::pages(text, most);
        let all: usize = parts.iter().map(|part| caption::length(part)).sum();
        let mut done = 0;
        parts
            .into_iter()
            .map(|part| {
                let from = share(done, all);
                done += caption::length(&part);
                Item { beat, of, page: Page { text: Some(part) }, share: (from, share(done, all)) }
            })
            .collect()
    }

    /// The words of a topic that may be parted into pages.
    fn paged(&self, topic: &Topic) -> Option<&'a str> {
        let brief = self.order.brief;
        if let Topic::Picture(n) = topic {
            return Some(picture::caption(self.order.article, *n));
        }
        let passage = match topic {
            Topic::Title => Some(&brief.title),
            Topic::Sapo => brief.sapo.as_ref(),
            Topic::Point(n) => brief.points.get(*n),
            Topic::Quote(n) => brief.quotes.get(*n).map(|quote| &quote.words),
            Topic::Step(n) => brief.steps.get(*n).map(|s| s.text.as_ref().unwrap_or(&s.title)),
            Topic::Event(n) => brief.events.get(*n).map(|event| &event.text),
            _ => None,
        };
        passage.map(|passage| passage.text.trim())
    }

    fn scene(
        &mut self,
        item: &Item<'_>,
        (n, page, pages): (usize, usize, usize),
        voice: Option<&Spoken>,
        slower: f64,
        (last, next): (bool, Option<&Beat>),
    ) {
        let layout = self.layout;
        let topic = &item.of.of;
        let kind = kind(topic);
        let id = format!("scene-{}", n + 1);
        let start = self.out.frames();
        let told = told(self.order.article, self.order.brief, topic);
        let below = self.below(topic, voice.is_some());
        let seconds = self.seconds(item, &told, below.as_ref().map(|(_, p)| *p), voice) * slower;
        let asked = item.of.ms.map(|ms| f64::from(ms) / 1000.0 * (item.share.1 - item.share.0));
        // As long as a person asked for; never so short that a voice is cut off.
        let spoken_s = voice.map_or(0.0, |voice| self.voice_s(item, voice));
        let seconds = asked.unwrap_or(seconds).max(spoken_s);
        let (enter, fade) = if start == 0 {
            layout.transition(Some(loa_model::Transition::Cut))
        } else {
            layout.transition(item.of.enter)
        };
        let frames = layout.frames(seconds).max(fade + 1);
        let fade_out = match next {
            Some(next) if !last => layout.transition(next.enter).1,
            _ => 0,
        };

        let lower_third = layout.extras && kind == SceneKind::Title;
        let raised =
            if layout.extras && (below.is_some() || lower_third) { layout.raise } else { 0 };
        let has_photo = !self.order.photos.is_empty();
        let (template, layers) = layout.template(kind, has_photo);
        let mut plate = Plate::new(self.order, &self.facts, &id);
        plate.fill(topic, &item.page, layout.still);
        // Where no bar runs along the foot, the pages are counted at the head: one of the two is enough.
        if *topic != Topic::End && layout.bar_height == 0 {
            plate.numbered(page, pages);
        }
        let (data, texts) = plate.finish();
        let mut cues = if kind == SceneKind::Cut {
            vec![]
        } else {
            let layered = Layered { id: &id, template, layers, data: &data };
            self.cues(&layered, Span { fade, frames, fade_out, last })
        };
        self.out.texts.extend(texts);
        let mut safe = layout.safe;
        safe[2] += raised;
        if kind != SceneKind::Cut {
            let own = kind == SceneKind::End;
            let drawing = Drawing { id: id.clone(), template: template.into(), data, safe, own };
            if kind == SceneKind::Title && self.order.look.shared && !layout.still {
                self.sign(&drawing);
            }
            self.out.plates.push(drawing);
        }
        if start == 0 {
            // Feeds and previews show the first picture: its words stand in it.
            for cue in &mut cues {
                cue.frames = cue.frames.map(|frames| frames + cue.start);
                (cue.start, cue.motion) = (0, Motion::Still);
            }
        }
        if kind == SceneKind::Title && self.order.look.shared && !layout.still {
            self.signed(&mut cues, frames);
        }
        let shot = self.shot(item.of, kind, page);
        let beat = u32::try_from(item.beat).unwrap_or(u32::MAX);
        let scene = Scene { kind, beat, start, frames, enter, fade_in: fade, fade_out, shot, cues };
        self.out.scenes.push(scene);

        let below_from = start + below.as_ref().map_or(0, |(share, _)| portion(frames, *share));
        if let Some((_, passage)) = below.filter(|_| layout.extras) {
            self.burn(passage, &id, below_from, start + frames - fade_out);
        }
        if lower_third {
            let until = if below_from > start { below_from } else { start + frames - fade_out };
            self.lower_third(start + layout.fade, until);
        }
        // Words that nobody says are told when they are seen.
        let silent_figure = voice.is_none() && matches!(topic, Topic::Figure(_));
        let told_from = if silent_figure { below_from } else { start };
        self.tell(item, &told, voice, (told_from, start + frames));
    }

    /// The opening once more in the agency's own kit: its mark is taken from there.
    fn sign(&mut self, title: &Drawing) {
        let texts: Vec<_> =
            self.out.texts.iter().filter(|text| text.plate == title.id).cloned().collect();
        let drawn = |text| crate::timeline::Drawn { plate: SIGNATURE.into(), ..text };
        self.out.texts.extend(texts.into_iter().map(drawn));
        self.out.plates.push(Drawing { id: SIGNATURE.into(), own: true, ..title.clone() });
    }

    /// The agency's mark stands on the first stretch of the opening, the one of its family after that.
    fn signed(&self, cues: &mut Vec<Cue>, frames: u32) {
        const HEAD: usize = 1;
        let rung = crate::Rung::master("");
        let stretch = crate::segment::first(self.layout.canvas, frames, &rung);
        let Some(head) = cues.get_mut(HEAD) else { return };
        let mut own = head.clone();
        own.sprite.plate = SIGNATURE.into();
        own.frames = Some(stretch);
        head.start = stretch;
        cues.insert(HEAD, own);
    }

    /// Words under the scene's own: where they start, as a share of the scene, and what they are. A voice says them.
    fn below(&self, topic: &Topic, voice: bool) -> Option<(f64, &'a Passage)> {
        let brief = self.order.brief;
        let layout = self.layout;
        if layout.longest_below == 0 {
            return None;
        }
        match topic {
            Topic::Title => brief.sapo.as_ref().filter(|sapo| board::is_short(sapo)).map(|sapo| {
                let first = read(&brief.title.text);
                (first / (first + read(&sapo.text)), sapo)
            }),
            Topic::Figure(n) => brief
                .figures
                .get(*n)
                .map(|figure| &figure.sentence)
                .filter(|sentence| {
                    let told = brief.points.iter().any(|p| p.span == sentence.span);
                    !told && caption::length(&sentence.text) <= layout.longest_below
                })
                .map(|sentence| (if voice { 0.0 } else { 0.25 }, sentence)),
            _ => None,
        }
    }

    /// Seconds the voice of an item needs, with a breath before and after it.
    fn voice_s(&self, item: &Item<'_>, voice: &Spoken) -> f64 {
        let part = item.share.1 - item.share.0;
        let breath = f64::from(BREATH_MS.0 + BREATH_MS.1) * if part < 1.0 { part } else { 1.0 };
        (f64::from(voice.sounding()) * part + breath) / 1000.0
            + f64::from(self.layout.fade) / f64::from(self.layout.canvas.fps)
    }

    fn seconds(
        &self,
        item: &Item<'_>,
        told: &[Told<'_>],
        below: Option<&Passage>,
        voice: Option<&Spoken>,
    ) -> f64 {
        let layout = self.layout;
        let brief = self.order.brief;
        let topic = &item.of.of;
        if let Topic::Cut(cut) = topic {
            return f64::from(cut.to_ms - cut.from_ms) / 1000.0;
        }
        // A picture wants to be looked at before its words are read.
        let look_s = match topic {
            Topic::Picture(_) if item.share.0 <= 0.0 => LOOK_S,
            _ => 0.0,
        };
        if let Some(voice) = voice {
            return self.voice_s(item, voice).max(layout.least_s + look_s);
        }
        let words = match &item.page.text {
            Some(part) => read(part),
            None => told.iter().map(|told| read(&told.text())).sum(),
        };
        let seconds = match topic {
            Topic::End => return layout.end_s,
            Topic::Figure(n) => {
                let label = brief.figures.get(*n).map_or("", |figure| figure.label.text.as_str());
                let told = below.map_or(0.0, |passage| read(&passage.text) / 0.75);
                (1.5 + read(label)).max(told)
            }
            Topic::Title if layout.still => read(&brief.title.text),
            Topic::Table | Topic::Chart => {
                let cells = brief
                    .table
                    .iter()
                    .flat_map(|t| t.columns.iter().chain(t.rows.iter().flatten()));
                2.0 + cells.map(|cell| read(&cell.text) - 0.9).sum::<f64>()
            }
            _ => words + look_s,
        };
        seconds.max(layout.least_s * if item.page.text.is_some() { 0.7 } else { 1.0 } + look_s)
    }

    fn shot(&mut self, beat: &Beat, kind: SceneKind, page: usize) -> Option<Shot> {
        let layout = self.layout;
        let still = View { x: 0.5, y: 0.5, zoom: 1.0 };
        if let Topic::Cut(cut) = &beat.of {
            let video = u32::try_from(cut.video).unwrap_or(u32::MAX);
            let source = Source::Video { video, from_ms: cut.from_ms, fit: cut.fit };
            let (x, y) = beat.focus.map_or((0.5, 0.5), loa_model::FocusPoint::share);
            let view = View { x, y, zoom: 1.0 };
            let canvas = layout.canvas;
            let place =
                crate::timeline::Place { x: 0, y: 0, width: canvas.width, height: canvas.height };
            let canvas = (canvas.width, canvas.height);
            let path = match (cut.fit, beat.focus) {
                (Fit::Crop, None) => self.order.followed(cut, canvas),
                _ => Vec::new(),
            };
            return Some(Shot { source, place, melt: 0, from: view, to: view, path });
        }
        if let Topic::Picture(n) = &beat.of {
            let photo = self.order.photos.iter().find(|photo| photo.index as usize == *n)?;
            let (width, height) = photo.size;
            let source = Source::Whole { photo: photo.index, width, height };
            let place = layout.whole_photo;
            return Some(Shot { source, place, melt: 0, from: still, to: still, path: Vec::new() });
        }
        if !layout.shows_photo(kind) {
            return None;
        }
        let photos = self.order.photos;
        let pictured = match beat.photo {
            PhotoChoice::Without => return None,
            PhotoChoice::At(index) => *photos.iter().find(|photo| photo.index as usize == index)?,
            PhotoChoice::First => {
                let next = *self.behind.get(self.next_photo % self.behind.len().max(1))?;
                self.next_photo += 1;
                next
            }
        };
        let source = Source::Photo(pictured.index);
        let (place, melt) = (layout.photo, layout.melt);
        let (x, y) = beat.focus.map_or(pictured.focus, loa_model::FocusPoint::share);
        if layout.still {
            let view = View { x, y, ..still };
            return Some(Shot { source, place, melt, from: view, to: view, path: Vec::new() });
        }
        // In and to the right, then out and to the left: neighbours never move alike, and what stands out stays in sight.
        let near = View { x: x + 0.02, y: y + 0.01, zoom: 1.13 };
        let far = View { x: x - 0.03, y, zoom: 1.0 };
        let (from, to) = if page % 2 == 1 { (far, near) } else { (near, far) };
        Some(Shot { source, place, melt, from, to, path: Vec::new() })
    }

    /// Captions that are part of the picture.
    fn burn(&mut self, passage: &Passage, id: &str, from: u32, to: u32) {
        let lines = caption::split_at(&passage.text, BURNED_LINE);
        for (i, (caption, (start, end))) in lines.iter().zip(spread(&lines, from, to)).enumerate() {
            let plate = format!("{id}-caption-{i}");
            self.out.texts.extend(caption.iter().map(|line| crate::timeline::Drawn {
                plate: plate.clone(),
                field: "points".into(),
                text: line.clone(),
                origin: crate::timeline::Origin::Part { passage: passage.clone() },
                edited: passage.is_edited(),
            }));
            let data = json!({"lang": self.order.article.lang, "points": caption});
            self.overlay(plate, "clip-caption", data, (start, end), Motion::Still);
        }
    }

    fn lower_third(&mut self, from: u32, to: u32) {
        let id = "lower-third";
        let mut plate = Plate::new(self.order, &self.facts, id);
        plate.fact("kicker", "date");
        plate.fact("text", "publisher");
        let (data, texts) = plate.finish();
        self.out.texts.extend(texts);
        let motion = Motion::Rise { frames: self.layout.frames(0.4), by: 24 };
        self.overlay(id.into(), "clip-lower-third", data, (from, to), motion);
    }

    fn overlay(
        &mut self,
        plate: String,
        template: &str,
        data: serde_json::Value,
        (start, end): (u32, u32),
        motion: Motion,
    ) {
        let sprite = SpriteKey { plate: plate.clone(), layer: 0 };
        let frames = Some(end.saturating_sub(start));
        self.out.overlays.push(Cue { sprite, start, frames, leave: 0, motion });
        let safe = self.layout.beside;
        let template = template.into();
        self.out.plates.push(Drawing { id: plate, template, data, safe, own: false });
    }

    /// Captions for people who switch them on, in time with the voice when there is one; and the voice itself.
    fn tell(
        &mut self,
        item: &Item<'_>,
        told: &[Told<'_>],
        voice: Option<&Spoken>,
        (from, to): (u32, u32),
    ) {
        let fps = self.layout.canvas.fps;
        let texts: Vec<String> = match &item.page.text {
            Some(part) => vec![part.clone()],
            None => told.iter().map(Told::text).collect(),
        };
        let texts = match &item.of.of {
            // A sentence that nobody says and nobody could read in the time of its figure: what is drawn is told.
            Topic::Figure(n)
                if voice.is_none() && too_fast(&texts, f64::from(to - from) / f64::from(fps)) =>
            {
                let figure = self.order.brief.figures.get(*n);
                let drawn = figure.map(|figure| {
                    let amount = format!("{} {}", figure.value, figure.unit);
                    vec![amount.trim().to_owned(), figure.label.text.trim().to_owned()]
                });
                drawn.unwrap_or(texts)
            }
            _ => texts,
        };
        let lines: Vec<_> = texts.iter().flat_map(|text| caption::split(text)).collect();
        let mut span = (from, to);
        if let Some(voice) = voice {
            // A transition belongs to the scene before as well.
            let entering = self.out.scenes.last().map_or(0, |scene| scene.fade_in);
            let start_ms = (from + entering) * 1000 / fps + BREATH_MS.0;
            let part = |share: f64| portion(voice.sounding(), share);
            let (a, b) = (part(item.share.0), part(item.share.1));
            if item.share.0 <= 0.0 {
                self.said.push(Said {
                    path: voice.path.clone(),
                    digest: voice.digest.clone(),
                    at_ms: start_ms,
                    from_ms: voice.lead_ms,
                    to_ms: voice.ms.saturating_sub(voice.tail_ms),
                });
            }
            let spoken_to = ((start_ms + b - a) * fps).div_ceil(1000) + fps / 5;
            span = (start_ms * fps / 1000, spoken_to.min(to));
        }
        for (lines, (start, end)) in lines.iter().zip(spread(&lines, span.0, span.1)) {
            self.out.captions.push(Caption { start, end, lines: lines.clone() });
        }
    }
}

/// A share (0–1) of some frames or milliseconds.
fn portion(whole: u32, share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number is no more than it"
    )]
    let part = (f64::from(whole) * share.clamp(0.0, 1.0)) as u32;
    part
}

fn share(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    number(part) / number(whole.max(1))
}

/// Letters a second that can just be read.
const FASTEST: f64 = 20.0;

fn too_fast(texts: &[String], seconds: f64) -> bool {
    f64::from(texts.iter().map(|text| chars(text)).sum::<u32>()) > seconds * FASTEST
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
        let all = u64::from(to.saturating_sub(from));
        from + u32::try_from(all * u64::from(done) / u64::from(total.max(1))).unwrap_or(0)
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

fn alt(brief: &loa_model::Brief) -> String {
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
