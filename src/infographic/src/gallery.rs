//! Samples of a template, drawn to be looked at: by who designs it, and side by side on a sheet.

use std::collections::BTreeMap;

use loa_canvas::{Engine, Layout, Pixels, PreparedPhoto, Problem, Sheet};
use loa_model::template::OWN;
use serde_json::Value;

use crate::{Result, SourcePhoto, seen, whole};

/// Specimens are drawn at half size.
const SCALE: f64 = 0.5;
/// Pixels between the pictures of a sheet.
const GAP: u32 = 24;
const PAPER: [u8; 4] = [226, 228, 232, 255];
const WRONG: [u8; 4] = [214, 20, 20, 255];

/// One sample of a template in one size.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// Name of the sample.
    pub sample: String,
    /// Name of the size.
    pub size: String,
    /// Half as wide and high as the card.
    pub pixels: Pixels,
    /// What is too small or cut: the words and why. Such a card is never published, its brief is shown with less.
    pub problems: Vec<String>,
    /// Of a template that nobody reviewed: the first run that is no whole string of the sample, or is not read.
    pub stray: Option<String>,
}

/// Draws every sample of a template in every size; only one sample or size when it is named. Samples with photos get `photo`.
///
/// # Errors
/// Those of the canvas: an unknown name, or a template that does not compile, with its file and line.
pub fn specimens(
    engine: &Engine,
    template: &str,
    brand: &str,
    photo: Option<&SourcePhoto>,
    (only_sample, only_size): (Option<&str>, Option<&str>),
) -> Result<Vec<Specimen>> {
    let family = engine.template(template)?;
    specimens_of(engine, template, &family.samples, brand, photo, (only_sample, only_size))
}

/// As [`specimens`], with samples that need not be those of the template.
///
/// # Errors
/// As [`specimens`].
pub fn specimens_of(
    engine: &Engine,
    template: &str,
    samples: &BTreeMap<String, Value>,
    brand: &str,
    photo: Option<&SourcePhoto>,
    (only_sample, only_size): (Option<&str>, Option<&str>),
) -> Result<Vec<Specimen>> {
    let family = engine.template(template)?;
    let wanted = |only: Option<&str>, name: &str| only.is_none_or(|only| only == name);
    let mut drawn = Vec::new();
    for (sample, data) in samples.iter().filter(|(name, _)| wanted(only_sample, name)) {
        for size in family.manifest.sizes.iter().filter(|size| wanted(only_size, &size.id)) {
            let has_photo = data["photos"].as_array().is_some_and(|photos| !photos.is_empty());
            let slot = size.photos.first().filter(|_| has_photo);
            let photos = photo
                .zip(slot)
                .map(|(photo, slot)| photo.prepared(*slot, size.rest))
                .transpose()?;
            let photos = Vec::from_iter(photos);
            let mut data = data.clone();
            keep(&mut data, "points", size.max_points);
            keep(&mut data, "figures", size.max_figures);
            let (layout, problems) = loop {
                let canvas = size.canvas();
                let sheet = Sheet { template, brand, canvas, data: &data, photos: &photos };
                let layout = engine.compose(&sheet)?;
                let problems = layout.problems();
                if problems.is_empty() || !lessen(&mut data) {
                    break (layout, problems);
                }
            };
            // What is cut has no ink to look for.
            let stray = if template.starts_with(OWN) && problems.is_empty() {
                stray(engine, brand, &data, &photos, &layout)?
            } else {
                None
            };
            let problems = problems.into_iter().map(|problem| match problem {
                Problem::Cut(text) => format!("does not fit: {:?}", text.text),
                Problem::Small { text, least } => {
                    format!("{:.1} px, at least {least:.0}: {:?}", text.size, text.text)
                }
            });
            let texts = layout.texts();
            let unread = texts.iter().filter(|text| !text.legible);
            let unread = unread.map(|text| format!("no font has every letter: {:?}", text.text));
            drawn.push(Specimen {
                sample: sample.clone(),
                size: size.id.clone(),
                problems: problems.chain(unread).collect(),
                stray,
                pixels: layout.pixels(0, SCALE),
            });
        }
    }
    Ok(drawn)
}

/// What a template that nobody reviewed does with the words of a sample that it must not.
fn stray(
    engine: &Engine,
    brand: &str,
    data: &Value,
    photos: &[PreparedPhoto],
    layout: &Layout,
) -> Result<Option<String>> {
    let credits: Vec<&str> = photos.iter().map(|photo| photo.credit.as_str()).collect();
    if let Some(text) = whole::stray(engine, brand, data, &credits, &layout.texts())? {
        return Ok(Some(format!("not a whole string of the sample: {text:?}")));
    }
    Ok(seen::hidden(layout).map(|(text, why)| format!("is not read, {why}: {text:?}")))
}

/// Keeps the first items of a list.
fn keep(data: &mut Value, list: &str, most: usize) {
    if let Some(items) = data.get_mut(list).and_then(Value::as_array_mut) {
        items.truncate(most);
    }
}

/// Leaves a whole piece of a sample out, as an order leaves out pieces of a brief; false when nothing may go any more.
fn lessen(data: &mut Value) -> bool {
    fn list<'a>(data: &'a mut Value, name: &str, least: usize) -> Option<&'a mut Vec<Value>> {
        data.get_mut(name).and_then(Value::as_array_mut).filter(|items| items.len() > least)
    }
    if let Some(points) = list(data, "points", 0) {
        return points.pop().is_some();
    }
    if let Some(figures) = list(data, "figures", 0) {
        return figures.pop().is_some();
    }
    if let Some(events) = list(data, "events", 2) {
        events.remove(0);
        return true;
    }
    // As an order does with a line or a share; the greatest is then the measure.
    if let Some(chart) = data.get_mut("chart").filter(|chart| chart["kind"] != "bars") {
        chart["kind"] = "bars".into();
        let lengths = |row: &Value| -> Vec<f64> {
            let values = row["values"].as_array().into_iter().flatten();
            values.filter_map(|value| value["length"].as_f64()).collect()
        };
        let rows = chart["rows"].as_array_mut().map_or(&mut [][..], Vec::as_mut_slice);
        let most = rows.iter().flat_map(lengths).fold(0.0, f64::max);
        for value in rows.iter_mut().filter_map(|row| row["values"].as_array_mut()).flatten() {
            value["length"] = value["length"].as_f64().map(|length| length / most).into();
        }
        return true;
    }
    let steps = list(data, "steps", 0).map_or(&mut [][..], Vec::as_mut_slice);
    let texts = steps.iter_mut().filter_map(|step| step.as_object_mut()?.remove("text"));
    texts.filter(|text| text != "").count() > 0
}

/// Specimens as [`side_by_side`], halved once more: a page that is looked at.
pub fn sheet(specimens: &[Specimen]) -> Pixels {
    let halved = |one: &Specimen| Specimen { pixels: one.pixels.halved(), ..one.clone() };
    side_by_side(&specimens.iter().map(halved).collect::<Vec<_>>())
}

/// Specimens side by side, each sample in a row of its own; those with problems are framed in red.
pub fn side_by_side(specimens: &[Specimen]) -> Pixels {
    let mut rows: Vec<Vec<&Specimen>> = Vec::new();
    for specimen in specimens {
        match rows.last_mut().filter(|row| row[0].sample == specimen.sample) {
            Some(row) => row.push(specimen),
            None => rows.push(vec![specimen]),
        }
    }
    let wide = |row: &[&Specimen]| row.iter().map(|s| s.pixels.width + GAP).sum::<u32>() + GAP;
    let high = |row: &[&Specimen]| row.iter().map(|s| s.pixels.height).max().unwrap_or(0) + GAP;
    let width = rows.iter().map(|row| wide(row)).max().unwrap_or(GAP);
    let height = rows.iter().map(|row| high(row)).sum::<u32>() + GAP;
    let mut page = Pixels::filled(width, height, PAPER);
    let mut top = GAP;
    for row in &rows {
        let mut left = GAP;
        for specimen in row {
            let Pixels { width, height, .. } = specimen.pixels;
            if !specimen.problems.is_empty() {
                let frame = Pixels::filled(width + 12, height + 12, WRONG);
                place(&mut page, &frame, left - 6, top - 6);
            }
            place(&mut page, &specimen.pixels, left, top);
            left += width + GAP;
        }
        top += high(row);
    }
    page
}

/// Copies a picture to a place where it fits.
fn place(page: &mut Pixels, picture: &Pixels, left: u32, top: u32) {
    let (from, to) = (picture.width as usize * 4, page.width as usize * 4);
    let rows = page.rgba.chunks_exact_mut(to).skip(top as usize);
    for (row, pixels) in rows.zip(picture.rgba.chunks_exact(from)) {
        let start = left as usize * 4;
        row[start..start + from].copy_from_slice(pixels);
    }
}
