//! The engine: assets in, laid-out pages and pixels out.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};
use typst::{
    Library, LibraryExt, World, WorldExt,
    diag::SourceDiagnostic,
    foundations::{Bytes, Datetime, Smart},
    syntax::Source,
    utils::LazyHash,
};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use loa_model::{Digest, digest::DigestBuilder};

use crate::{
    Error, Pixels, PreparedPhoto, Result,
    asset::{self, Assets, Labels, Manifest, Template, TemplateKind},
    brand::Brand,
    fonts::{self, Fonts},
    inspect::{self, DrawnText},
    qr,
    raster::{self, Placed},
    sanitise,
    world::{Closed, Ground, virtual_file},
};

/// Least and greatest side of a canvas, pixels or millimetres.
const SIDES: std::ops::RangeInclusive<u32> = 64..=8192;
/// Quality of a photo inside a PDF.
const PRINT_QUALITY: u8 = 90;
/// Pixels of a module of a code inside a PDF: printers smooth pixels that they enlarge.
const PRINT_MODULE: u32 = 8;
/// Most photos of one picture.
const MAX_PHOTOS: usize = 8;
/// How many later pictures a cached piece of layout outlives: enough for the sizes of one article, flat in memory.
const CACHE_AGE: usize = 10;
/// What is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Pixels; millimetres of paper.
    pub width: u32,
    /// Pixels; millimetres of paper.
    pub height: u32,
    /// Top, right, bottom, left: pixels a platform's buttons may cover. Templates keep text out of them.
    pub safe: [u32; 4],
}

impl Canvas {
    /// A canvas without covered edges.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height, safe: [0; 4] }
    }

    /// The same canvas with its edges covered: top, right, bottom, left, pixels.
    #[must_use]
    pub const fn with_safe(self, safe: [u32; 4]) -> Self {
        Self { safe, ..self }
    }
}

/// One order to draw.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// Template, the name of its folder.
    pub template: &'a str,
    /// Brand kit, the name of its folder.
    pub brand: &'a str,
    /// Canvas.
    pub canvas: Canvas,
    /// An object; fields it lacks are empty for the template. See the README for their names.
    pub data: &'a Value,
    /// Photos at the pixels of their slots.
    pub photos: &'a [PreparedPhoto],
}

/// Draws templates with brands. Made once, shared by threads.
pub struct Engine {
    ground: Ground,
    templates: BTreeMap<String, Template>,
    brands: BTreeMap<String, Brand>,
    labels: Labels,
    digest: Digest,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.digest.short())
    }
}

impl Engine {
    /// The files of our own family, as they were handed in.
    pub(crate) fn plain_fonts(&self) -> Vec<Vec<u8>> {
        self.ground.fonts.plain().map(|font| font.data().to_vec()).collect()
    }

    /// Reads the assets once: fonts are parsed, manifests and brand kits are checked.
    ///
    /// # Errors
    /// [`Error::NoFonts`] without a usable font, [`Error::Asset`] for a file that cannot be used,
    /// [`Error::Contrast`] for a brand kit that is hard to read.
    pub fn new(assets: &Assets) -> Result<Self> {
        let parsed = asset::parse(assets)?;
        // A kit may bring the fonts that it names.
        let kits = assets.brands.iter().filter(|(path, _)| fonts::is_font(path));
        let kits: Vec<_> = kits.map(|(_, bytes)| bytes.clone()).collect();
        let here = [&assets.fonts[..], &kits].concat();
        let (fonts, book) = Fonts::new(&here, &assets.machine_fonts)?;
        let mut digest = DigestBuilder::new("canvas/1");
        for file in &here {
            digest = digest.field("font", Digest::of(file).0);
        }
        for file in &assets.machine_fonts {
            digest = digest.field("machine font", file.as_os_str().as_encoded_bytes());
        }
        let mut sources = HashMap::new();
        for (path, text) in parsed.sources {
            digest = digest.field(&path, &text);
            let bad = || Error::Asset { path: path.clone(), problem: "not a usable path".into() };
            let id = virtual_file(&format!("/{path}")).ok_or_else(bad)?;
            sources.insert(id, Source::new(id, text));
        }
        let ground = Ground {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(book),
            fonts,
            sources,
        };
        Ok(Self {
            ground,
            templates: parsed.templates,
            brands: parsed.brands,
            labels: parsed.labels,
            digest: digest
                .json("labels", &assets.templates.get("lib/labels.toml").map(|b| b.to_vec()))
                .finish(),
        })
    }

    /// Digest of fonts (of the machine's, where they lie), template sources and labels: of what this engine would draw with.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Templates by name.
    pub fn templates(&self) -> &BTreeMap<String, Template> {
        &self.templates
    }

    /// A template.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`].
    pub fn template(&self, id: &str) -> Result<&Template> {
        self.templates.get(id).ok_or_else(|| Error::UnknownTemplate(id.to_owned()))
    }

    /// Brand kits by name.
    pub fn brands(&self) -> &BTreeMap<String, Brand> {
        &self.brands
    }

    /// The kit in which clips of an agency are drawn between their opening and their end card.
    ///
    /// # Errors
    /// [`Error::UnknownBrand`].
    pub fn family(&self, id: &str) -> Result<&Brand> {
        self.brand(self.brand(id)?.family.as_deref().unwrap_or(id))
    }

    /// A brand kit.
    ///
    /// # Errors
    /// [`Error::UnknownBrand`].
    pub fn brand(&self, id: &str) -> Result<&Brand> {
        self.brands.get(id).ok_or_else(|| Error::UnknownBrand(id.to_owned()))
    }

    /// Fixed words of the templates in this language; Vietnamese when there are none.
    pub fn labels(&self, lang: &str) -> BTreeMap<String, String> {
        let short = lang.split('-').next().unwrap_or_default();
        let found = self.labels.get(short).or_else(|| self.labels.get("vi"));
        found.cloned().unwrap_or_default()
    }

    /// Lays a sheet out without drawing it.
    ///
    /// # Errors
    /// An unknown name, a canvas beyond its bounds, an address too long for a QR code, or a template that does not
    /// compile, has not the pages its manifest promises or not the size of the canvas.
    pub fn compose(&self, sheet: &Sheet<'_>) -> Result<Layout> {
        let template = self.template(sheet.template)?;
        let brand = self.brand(sheet.brand)?;
        let Canvas { width, height, .. } = sheet.canvas;
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return Err(Error::Canvas { width, height, least: *SIDES.start(), most: *SIDES.end() });
        }
        let world = self.world(sheet, template, brand)?;
        let compiled = typst::compile::<PagedDocument>(&world);
        let document = compiled.output.map_err(|found| Error::Template {
            template: template.id.clone(),
            problem: found.iter().map(|d| describe(&world, d)).collect::<Vec<_>>().join("; "),
        })?;
        typst::comemo::evict(CACHE_AGE);
        let Manifest { kind, layers: promised, .. } = template.manifest;
        let broke = |problem: String| Error::Template { template: template.id.clone(), problem };
        let pages = document.pages();
        if kind != TemplateKind::Document && pages.len() != promised {
            return Err(broke(format!("{} pages, its manifest promises {promised}", pages.len())));
        }
        let size = points_of(sheet.canvas, kind);
        for page in pages {
            let (files, photos) = (world.files.values(), &world.photos);
            if let Some(what) = inspect::refused_picture(page, &files, photos) {
                return Err(broke(what.to_owned()));
            }
            let found = page.frame.size();
            let off = [found.x.to_pt() - size[0], found.y.to_pt() - size[1]];
            if off.iter().any(|difference| difference.abs() > 0.01) {
                return Err(broke(format!("a page of {found:?} on a canvas of {width}x{height}")));
            }
        }
        let unit = unit_of(sheet.canvas, kind);
        Ok(Layout {
            document,
            photos: world.photos,
            size,
            least_type: template.manifest.min_type * unit,
        })
    }

    /// Draws a template of one page.
    ///
    /// # Errors
    /// As [`Engine::compose`].
    pub fn page(&self, sheet: &Sheet<'_>) -> Result<Pixels> {
        Ok(self.compose(sheet)?.pixels(0, 1.0))
    }

    /// Draws a template of layers: each the size of the canvas, lowest first, clear where nothing is.
    ///
    /// # Errors
    /// As [`Engine::compose`].
    pub fn layers(&self, sheet: &Sheet<'_>) -> Result<Vec<Pixels>> {
        let layout = self.compose(sheet)?;
        Ok((0..layout.len()).map(|index| layout.pixels(index, 1.0)).collect())
    }

    fn world(&self, sheet: &Sheet<'_>, template: &Template, brand: &Brand) -> Result<Closed<'_>> {
        let kind = template.manifest.kind;
        let mut files = HashMap::new();
        let mut put = |path: &str, bytes: Bytes| {
            let id = virtual_file(path).expect("fixed names are valid virtual paths");
            files.insert(id, bytes);
        };
        let mut data = with_defaults(sheet.data);
        // Read before sanitising: a code holds the address itself.
        let address = data.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
        for value in data.values_mut() {
            sanitise_all(value);
        }
        let lang = data.get("lang").and_then(Value::as_str).unwrap_or("vi").to_owned();
        let (mut photos, mut placed) = (Vec::new(), Vec::new());
        for (index, photo) in sheet.photos.iter().take(MAX_PHOTOS).enumerate() {
            let path = format!("/photo-{index}");
            // Pixels are laid in their place when the page is drawn; a PDF carries the JPEG itself.
            let format = if kind.is_paper() {
                put(&path, Bytes::new(photo.jpeg(PRINT_QUALITY)?));
                "jpg"
            } else {
                let it = Placed::new(index, photo);
                put(&path, it.stand_in().clone());
                placed.push(it);
                "svg"
            };
            photos.push(json!({
                "file": path, "format": format, "w": photo.width, "h": photo.height,
                "alt": sanitise::text(&photo.alt), "credit": sanitise::text(&photo.credit),
            }));
        }
        let code = if address.is_empty() {
            Value::Null
        } else {
            let code = qr::modules(&address)?;
            let module = if kind.is_paper() { PRINT_MODULE } else { 1 };
            let side = code.side * module;
            put("/qr", Bytes::new(code.enlarged(module)));
            let format = json!({"encoding": "luma8", "width": side, "height": side});
            json!({"file": "/qr", "format": format, "n": code.side})
        };
        let logo = brand.logo.as_ref().map(|logo| {
            put("/logo", Bytes::new(logo.bytes.clone()));
            json!({"file": "/logo", "format": logo.format})
        });
        let [width, height] = points_of(sheet.canvas, kind);
        let direction = if is_right_to_left(&lang) { "rtl" } else { "ltr" };
        let own = json!({
            "dir": direction,
            "agency": {
                "name": sanitise::text(brand.name(&lang)),
                "tagline": sanitise::text(&brand.tagline),
                "logo": logo,
            },
            "theme": brand.theme,
            "fonts": fonts::families(&self.ground.book, &brand.fonts, &lang),
            "labels": self.labels(&lang),
            "photos": photos,
            "qr": code,
            "canvas": {
                "w": width, "h": height, "safe": sheet.canvas.safe,
                "unit": unit_of(sheet.canvas, kind), "transparent": kind == TemplateKind::Layers,
            },
        });
        let json_of = |value: &Value| {
            Bytes::new(serde_json::to_vec(value).expect("values of strings and numbers serialize"))
        };
        // In files of their own: what the compiler makes of code that reads these alone serves the next card as well.
        let (dir, labels, canvas) = (&own["dir"], &own["labels"], &own["canvas"]);
        let of_canvas = json!({"lang": lang, "dir": dir, "labels": labels, "canvas": canvas});
        let of_brand = json!({"agency": &own["agency"], "theme": &own["theme"]});
        put("/canvas.json", json_of(&of_canvas));
        put("/brand.json", json_of(&of_brand));
        if let Value::Object(own) = own {
            data.extend(own);
        }
        put("/data.json", json_of(&Value::Object(data)));
        let main = virtual_file(&format!("/{}/template.typ", template.id))
            .expect("sources with this path were interned when the engine was made");
        Ok(Closed { ground: &self.ground, main, files, photos: placed })
    }
}

/// Pages laid out, ready to be drawn, looked into or exported.
#[derive(Debug, Clone)]
pub struct Layout {
    document: PagedDocument,
    photos: Vec<Placed>,
    size: [f64; 2],
    least_type: f64,
}

/// Something a reader would miss on a page.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// Text that does not fit: part of it lies outside its box or the canvas.
    Cut(DrawnText),
    /// Type below what the template promises, in pixels of the canvas.
    Small {
        /// The text.
        text: DrawnText,
        /// The promise.
        least: f64,
    },
}

impl Layout {
    /// Pages or layers.
    pub fn len(&self) -> usize {
        self.document.pages().len()
    }

    /// Never: a layout has at least one page.
    pub fn is_empty(&self) -> bool {
        self.document.pages().is_empty()
    }

    /// Draws a page at `scale` pixels per canvas pixel (0.5 for a preview). Pages that do not exist are one clear pixel.
    pub fn pixels(&self, index: usize, scale: f64) -> Pixels {
        let Some(page) = self.document.pages().get(index) else {
            return Pixels::filled(1, 1, [0; 4]);
        };
        raster::draw(page, scale.clamp(0.05, 4.0), &self.photos)
    }

    /// Every run of text, page by page, in drawing order.
    pub fn texts(&self) -> Vec<DrawnText> {
        let pages = self.document.pages().iter().enumerate();
        pages.flat_map(|(index, page)| inspect::texts(index, page)).collect()
    }

    /// What a reader would miss: text that is cut or too small. Empty for a page that may go out.
    pub fn problems(&self) -> Vec<Problem> {
        let least = self.least_type;
        let judge = |text: DrawnText| {
            if !text.whole {
                Some(Problem::Cut(text))
            } else if text.size < least - 0.01 {
                Some(Problem::Small { text, least })
            } else {
                None
            }
        };
        self.texts().into_iter().filter_map(judge).collect()
    }

    /// Width and height of a page in whole points.
    pub fn points(&self) -> (u32, u32) {
        let [width, height] = self.size;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a canvas is bounded and positive"
        )]
        (width.round() as u32, height.round() as u32)
    }

    /// A PDF for screen readers (PDF/UA-1), the same bytes every time; `ident` tells documents apart. With a date it is one for
    /// archives too (PDF/A-2a), which does not exist without.
    ///
    /// # Errors
    /// [`Error::Encode`] when the pages do not keep the standard, for example when they have no heading.
    pub fn pdf(&self, ident: &str, date: Option<Timestamp>) -> Result<Vec<u8>> {
        let failed = |problem: String| Error::Encode { format: "pdf", problem };
        let timestamp = date.and_then(timestamp_of);
        let standards: &[PdfStandard] = match timestamp {
            Some(_) => &[PdfStandard::Ua_1, PdfStandard::A_2a],
            None => &[PdfStandard::Ua_1],
        };
        let options = PdfOptions {
            ident: Smart::Custom(ident.to_owned()),
            creator: Smart::Custom(Some("Loa".to_owned())),
            timestamp,
            standards: PdfStandards::new(standards)
                .map_err(|refused| failed(refused.message().to_string()))?,
            ..Default::default()
        };
        typst_pdf::pdf(&self.document, &options).map_err(|found| {
            failed(found.iter().map(|d| d.message.to_string()).collect::<Vec<_>>().join("; "))
        })
    }
}

fn timestamp_of(date: Timestamp) -> Option<typst_pdf::Timestamp> {
    let at = date.to_zoned(TimeZone::UTC);
    let small = |value: i8| u8::try_from(value).ok();
    let datetime = Datetime::from_ymd_hms(
        at.year().into(),
        small(at.month())?,
        small(at.day())?,
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
    )?;
    Some(typst_pdf::Timestamp::new_utc(datetime))
}

fn describe(world: &Closed<'_>, found: &SourceDiagnostic) -> String {
    let mut text = found.message.to_string();
    let place = found.span.id().and_then(|id| {
        let line = world.source(id).ok()?.lines().byte_to_line(world.range(found.span)?.start)?;
        Some(format!(" ({}:{})", id.vpath().get_without_slash(), line + 1))
    });
    text.push_str(&place.unwrap_or_default());
    for hint in &found.hints {
        text.push_str(", ");
        text.push_str(&hint.v);
    }
    text
}

/// Every field a template may ask for, so that a missing one is empty and never an error.
fn with_defaults(data: &Value) -> Map<String, Value> {
    let defaults = json!({
        "lang": "vi", "kicker": "", "title": "", "text": "", "value": "", "unit": "", "label": "",
        "speaker": "", "role": "", "source": "", "url": "", "url_short": "", "date": "",
        "category": "", "credit": "", "note": "", "page": 0, "pages": 0,
        "points": [], "figures": [], "quote": {"words": "", "speaker": "", "role": ""},
        "max_points": 5,
    });
    let mut all = match defaults {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    if let Value::Object(given) = data {
        for (name, value) in given {
            if !value.is_null() {
                all.insert(name.clone(), value.clone());
            }
        }
    }
    all
}

fn sanitise_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = sanitise::text(text),
        Value::Array(items) => items.iter_mut().for_each(sanitise_all),
        Value::Object(fields) => fields.values_mut().for_each(sanitise_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Width and height of a page: a pixel is a point, paper is measured in millimetres.
fn points_of(canvas: Canvas, kind: TemplateKind) -> [f64; 2] {
    let unit = if kind.is_paper() { 72.0 / 25.4 } else { 1.0 };
    [canvas.width, canvas.height].map(|side| f64::from(side) * unit)
}

/// Points of one design unit: a card is read at the width of a phone whatever its height, a clip by its shorter side.
fn unit_of(canvas: Canvas, kind: TemplateKind) -> f64 {
    let [width, height] = points_of(canvas, kind);
    let base = match kind {
        TemplateKind::Page | TemplateKind::Paper | TemplateKind::Document => width,
        TemplateKind::Layers => width.min(height),
    };
    base / 1080.0
}

fn is_right_to_left(lang: &str) -> bool {
    matches!(lang.split('-').next(), Some("ar" | "fa" | "he" | "ur"))
}
