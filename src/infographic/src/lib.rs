#![doc = include_str!("../README.md")]

mod alt;
mod amount;
mod card;
mod details;
mod fit;
mod gallery;
mod order;
mod seen;
mod trace;
mod whole;

pub use gallery::{Specimen, sheet, side_by_side, specimens, specimens_of};
pub use order::{File, Format, MOST_PAGES, Order, PAPER_DPI, Rendered, SourcePhoto, Spread};

use std::{cell::LazyCell, fmt::Write as _};

use loa_canvas::{Engine, Size, Template, TemplateKind, encode};
use loa_model::{Article, Brief, Digest, Progress, digest::DigestBuilder};
use serde_json::{Value, json};

use crate::{details::Lead, fit::Drawn};

/// Why no card was drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The brief was read from another edition of the article.
    #[error(
        "the brief is of revision {brief}, the article is revision {article}: read the brief again"
    )]
    Stale {
        /// Revision of the brief.
        brief: u32,
        /// Revision of the article.
        article: u32,
    },
    /// Words that are neither the article's own nor marked as edited.
    #[error(
        "not in the article and not marked as edited: {0:?}: correct the brief, or record the edit"
    )]
    Unfaithful(String),
    /// A template drew words that nobody gave it.
    #[error("template {template} drew {text:?}, which comes from nowhere")]
    Untraced {
        /// Template.
        template: String,
        /// The words.
        text: String,
    },
    /// A template that nobody reviewed drew a part of a string: parts could say anything.
    #[error(
        "template {template} drew {text:?}, which is not a whole string: each is drawn from its first letter to its last before the next"
    )]
    Piece {
        /// Template.
        template: String,
        /// The words.
        text: String,
    },
    /// A template that nobody reviewed drew words that cannot be read.
    #[error("template {template} drew {text:?} so that it is not read: {why}")]
    Hidden {
        /// Template.
        template: String,
        /// The words.
        text: String,
        /// Why.
        why: String,
    },
    /// A size the template does not have.
    #[error("template {template} has no size {size:?}")]
    UnknownSize {
        /// Template.
        template: String,
        /// Size asked for.
        size: String,
    },
    /// No template is made for this kind of story, or the one asked for draws layers.
    #[error("no template of pages for story kind {0:?}")]
    NoTemplate(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The canvas could not draw.
    #[error(transparent)]
    Canvas(#[from] loa_canvas::Error),
}

/// JPEG quality of a picture that is only looked at.
const PREVIEW_QUALITY: u8 = 75;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Draws the cards and posters of articles. Holds nothing: everything comes with the order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Infographic;

impl Infographic {
    /// Draws every size of the order: cards of templates of pages, posters of templates of paper.
    ///
    /// A size shows as much as fits at readable type, in whole pieces, and what was left out is in the manifest. A size that
    /// cannot hold what its family leads with is drawn by the next one made for this kind of story, unless the order names a
    /// template. One that cannot even hold its headline gives a violation instead of files. A carousel shows everything of its
    /// list, see [`Spread`].
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::Unfaithful`] and [`Error::Untraced`] guard the truth of every drawn word; the others
    /// name an order that cannot be followed. [`Error::Cancelled`] is answered between two pictures.
    pub fn render(
        &self,
        engine: &Engine,
        order: &Order<'_>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Rendered> {
        let Order { article, brief, .. } = order;
        if brief.revision != article.revision || brief.article_digest != article.digest {
            return Err(Error::Stale { brief: brief.revision, article: article.revision });
        }
        let families = choose(engine, order)?;
        let Template { id: template, manifest, .. } = families[0];
        let brand = engine.brand(order.brand)?;
        let sizes = chosen_sizes(template, &manifest.sizes, order.sizes)?;
        let total = sizes.len() as u64;
        let step = |done: u64| Progress {
            step: "render.infographic".to_owned(),
            done,
            total,
            eta_ms: None,
        };
        let mut rendered = Rendered {
            template: template.clone(),
            recipe: recipe(
                article.digest,
                brief,
                &(template.clone(), manifest.version.clone()),
                order.brand,
                brand,
            ),
            files: Vec::new(),
            violations: Vec::new(),
            provenance: Value::Null,
        };
        let mut pictures = Vec::new();
        progress(step(0));
        for (done, size) in sizes.iter().enumerate() {
            if order.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            match fit::size(engine, order, &families, size)? {
                Ok(drawn) => {
                    for one in &drawn {
                        pictures.push(picture(engine, order, size, one, &mut rendered)?);
                    }
                }
                Err(violation) => rendered.violations.push(violation),
            }
            progress(step(done as u64 + 1));
        }
        rendered.provenance = json!({
            "article": article.id, "revision": article.revision, "article_digest": article.digest,
            "template": template, "brand": order.brand, "recipe": rendered.recipe, "pictures": pictures,
            "violations": rendered.violations,
        });
        Ok(rendered)
    }
}

/// Digest of everything that decides what a card says and how it looks; not of the engine, so that a new one never makes
/// an approved card stale. `template` is its name and version.
pub fn recipe(
    article: Digest,
    brief: &Brief,
    template: &(String, String),
    brand_name: &str,
    brand: &loa_canvas::Brand,
) -> Digest {
    let logo = brand.logo.as_ref().map(|logo| Digest::of(&logo.bytes));
    let Brief { steps, events, table, bulletin, correction, .. } = brief;
    let documents = brief.legal_docs.iter().map(|doc| (&doc.name, &doc.issuer, &doc.date));
    let dates = brief.dates.iter().map(|date| &date.words);
    let mut digest = DigestBuilder::new("infographic/1");
    // What a brief of an earlier release has not is not in its digest: what was approved stays so.
    for (field, is_there, value) in [
        ("steps", !steps.is_empty(), json!(steps)),
        ("events", !events.is_empty(), json!(events)),
        ("table", table.is_some(), json!(table)),
        ("bulletin", bulletin.is_some(), json!(bulletin)),
        ("correction", correction.is_some(), json!(correction)),
        (
            "documents",
            documents
                .clone()
                .any(|(name, issuer, date)| name.is_some() || issuer.is_some() || date.is_some()),
            json!(documents.collect::<Vec<_>>()),
        ),
        ("dates", dates.clone().any(Option::is_some), json!(dates.collect::<Vec<_>>())),
    ] {
        if is_there {
            digest = digest.json(field, &value);
        }
    }
    digest
        .json("article", &article)
        // Not its id: reading the same words again changes nothing.
        .json("story", &brief.story)
        .json("title", &brief.title)
        .json("points", &brief.points)
        .json("figures", &brief.figures)
        .json("quotes", &brief.quotes)
        .json("template", template)
        .field("brand", brand_name)
        .field("brand version", &brand.version)
        .json("theme", &brand.theme)
        .json("names", &[&brand.name_vi, &brand.name_en, &brand.tagline])
        .json("logo", &logo)
        .finish()
}

fn picture(
    engine: &Engine,
    order: &Order<'_>,
    size: &Size,
    Drawn { family, card, layout, page }: &Drawn<'_>,
    rendered: &mut Rendered,
) -> Result<Value> {
    let alt = alt::text(order, card, &engine.labels(&order.article.lang));
    let kind = family.manifest.kind;
    let scale = if kind == TemplateKind::Paper { PAPER_DPI / 72.0 } else { 1.0 };
    let pixels = LazyCell::new(|| layout.pixels(0, scale));
    let mut names = Vec::new();
    for format in order.formats {
        let mut looked_at = None;
        let (bytes, mime, end, quality) = match format {
            Format::Png => (encode::png(&pixels)?, "image/png", "png", None),
            Format::Jpeg { max_bytes } => {
                let (bytes, quality) = encode::jpeg_within(&pixels, *max_bytes)?;
                (bytes, "image/jpeg", "jpg", Some(quality))
            }
            Format::Half => {
                let half = layout.pixels(0, scale / 2.0);
                looked_at = Some((half.width, half.height));
                (encode::jpeg(&half, PREVIEW_QUALITY)?, "image/jpeg", "jpg", Some(PREVIEW_QUALITY))
            }
            Format::Pdf => {
                let ident = format!("{} {}", rendered.recipe, size.id);
                let bytes = layout.pdf(&ident, order.article.published_at)?;
                (bytes, "application/pdf", "pdf", None)
            }
        };
        let (width, height) = match format {
            Format::Pdf => layout.points(),
            Format::Half => looked_at.unwrap_or_default(),
            Format::Png | Format::Jpeg { .. } => (pixels.width, pixels.height),
        };
        let name = match page {
            Some(page) => format!("{}-{page}.{end}", size.id),
            None => format!("{}.{end}", size.id),
        };
        names.push(name.clone());
        rendered.files.push(File {
            name,
            size: size.id.clone(),
            mime,
            width,
            height,
            bytes,
            quality,
            alt: alt.clone(),
        });
    }
    Ok(json!({
        "size": size.id, "page": page, "template": family.id, "files": names, "alt": alt,
        "drawn": card.known, "left_out": card.left_out,
    }))
}

/// Whether a carousel may be drawn of a brief: its kind of story leads with a list.
pub fn may_spread(brief: &Brief) -> bool {
    use loa_model::StoryKind as Kind;
    match brief.story {
        Kind::HowTo => brief.steps.len() > 1,
        Kind::Timeline => brief.events.len() > 1,
        Kind::Comparison => brief.table.as_ref().is_some_and(|table| table.rows.len() > 1),
        Kind::Alert => brief.bulletin.as_ref().is_some_and(|b| b.actions.len() > 1),
        Kind::News | Kind::Figures | Kind::Quote | Kind::Decree | Kind::Correction => false,
    }
}

/// The template of the order, or those made for its kind of story whose lead the brief has, best first.
fn choose<'a>(engine: &'a Engine, order: &Order<'_>) -> Result<Vec<&'a Template>> {
    if let Some(id) = order.template {
        let template = engine.template(id)?;
        if template.manifest.kind == TemplateKind::Layers {
            return Err(Error::NoTemplate(id.to_owned()));
        }
        return Ok(vec![template]);
    }
    let story = serde_json::to_value(order.brief.story).unwrap_or_default();
    let story = story.as_str().unwrap_or_default().to_owned();
    let rank = |stories: &[String]| stories.iter().position(|known| *known == story);
    let mut made_for_it: Vec<_> = engine
        .templates()
        .values()
        .filter(|template| template.manifest.kind == TemplateKind::Page)
        .filter(|family| {
            let lead = Lead::of(&family.manifest);
            lead.is_none_or(|lead| lead.is_in(order.brief, &order.article.lang))
        })
        .filter_map(|template| Some((rank(&template.manifest.stories)?, &template.id, template)))
        .collect();
    made_for_it.sort_unstable_by_key(|(rank, id, _)| (*rank, *id));
    if made_for_it.is_empty() {
        return Err(Error::NoTemplate(story));
    }
    Ok(made_for_it.into_iter().map(|(.., template)| template).collect())
}

fn chosen_sizes<'a>(template: &str, all: &'a [Size], wanted: &[&str]) -> Result<Vec<&'a Size>> {
    if wanted.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |id: &&str| {
        let unknown =
            || Error::UnknownSize { template: template.to_owned(), size: (*id).to_owned() };
        all.iter().find(|size| size.id == **id).ok_or_else(unknown)
    };
    wanted.iter().map(find).collect()
}

/// The address as people read it: without its scheme, only the host when it is long.
pub(crate) fn shown_address(url: &str) -> String {
    let plain = url.trim_start_matches("https://").trim_start_matches("http://");
    let plain = plain.trim_start_matches("www.").trim_end_matches('/');
    let mut shown = String::new();
    if plain.chars().count() <= 32 {
        shown.push_str(plain);
    } else {
        write!(shown, "{}", plain.split('/').next().unwrap_or_default())
            .expect("writing to a string cannot fail");
    }
    shown
}

/// The publisher of an article, for the source line.
pub(crate) fn publisher(article: &Article) -> &str {
    &article.source.publisher
}
