//! What a size can hold: tried fullest first, measured on the layout, never cut.

use loa_canvas::{Engine, Layout, PreparedPhoto, Problem, Sheet, Size, Template};
use loa_model::{Violation, template::OWN};

use crate::{
    Error, MOST_PAGES, Order, Result, Spread,
    amount::{self, Amount},
    card::{Card, MAX_TITLE},
    seen,
};

/// A laid-out picture.
pub(crate) struct Drawn<'a> {
    pub(crate) family: &'a Template,
    pub(crate) card: Card,
    pub(crate) layout: Layout,
    /// Which page of a carousel, from 1.
    pub(crate) page: Option<usize>,
}

/// Why an amount does not fit: problem, what it is, what the limit is.
type Misfit = (&'static str, String, String);

/// The pictures of one size by the first family that holds it, or what is wrong with the last one's. A template of the same
/// sizes stands behind each of its sizes' names.
pub(crate) fn size<'a>(
    engine: &Engine,
    order: &Order<'_>,
    families: &[&'a Template],
    size: &Size,
) -> Result<Result<Vec<Drawn<'a>>, Violation>> {
    let length = order.brief.title.text.chars().count();
    if length > MAX_TITLE {
        let title = order.brief.title.text.clone();
        let misfit = ("too_long", title, MAX_TITLE.to_string());
        return Ok(Err(violation(size, misfit)));
    }
    let mut last = None;
    for family in families {
        let Some(size) = family.manifest.sizes.iter().find(|own| own.id == size.id) else {
            continue;
        };
        let sized = Sized { engine, order, family, size };
        let drawn = match order.spread {
            Spread::Card => sized.card()?.map(|drawn| vec![drawn]),
            Spread::Carousel => {
                match amount::spread(order.brief, &order.article.lang, &family.manifest) {
                    Some(items) => sized.pages(items)?,
                    None => continue,
                }
            }
        };
        match drawn {
            Ok(drawn) => return Ok(Ok(drawn)),
            Err(misfit) => last = Some(misfit),
        }
    }
    // No family has a list to spread: there is no carousel.
    Ok(last.map_or(Ok(Vec::new()), |misfit| Err(violation(size, misfit))))
}

fn violation(size: &Size, (problem, is, limit): Misfit) -> Violation {
    let field = format!("infographic.{}", size.id);
    Violation { field, problem: problem.to_owned(), is, limit }
}

/// One size of one family.
struct Sized<'a, 'o> {
    engine: &'o Engine,
    order: &'o Order<'o>,
    family: &'a Template,
    size: &'o Size,
}

impl<'a> Sized<'a, '_> {
    /// The fullest card that is whole and readable, or what is wrong with the barest one.
    fn card(&self) -> Result<Result<Drawn<'a>, Misfit>> {
        let tries = amount::amounts(
            self.order.brief,
            &self.order.article.lang,
            &self.family.manifest,
            self.size,
        );
        let limit = self.size.max_points.to_string();
        let mut last = ("count", "too many to show whole".to_owned(), limit);
        let photos = self.photos()?;
        for amount in tries {
            match self.attempt(amount, &photos)? {
                Ok(mut drawn) => {
                    drawn.card.left_out.extend(self.blurred());
                    return Ok(Ok(drawn));
                }
                Err(misfit) => last = misfit,
            }
        }
        Ok(Err(last))
    }

    /// The fewest pages that hold the whole list: none when one would do.
    fn pages(&self, items: usize) -> Result<Result<Vec<Drawn<'a>>, Misfit>> {
        let photos = self.photos()?;
        let mut last = ("count", items.to_string(), MOST_PAGES.to_string());
        'more: for of in 1..=items.min(MOST_PAGES) {
            if items.div_ceil(of) > self.size.max_points {
                continue;
            }
            let mut drawn = Vec::with_capacity(of);
            for amount in amount::pages(items, of) {
                // The photo opens a carousel, its lists need the room.
                let photos = if drawn.is_empty() { &photos[..] } else { &[] };
                match self.attempt(amount, photos)? {
                    Ok(page) => drawn.push(page),
                    Err(misfit) => {
                        last = misfit;
                        continue 'more;
                    }
                }
            }
            return Ok(Ok(if of == 1 { Vec::new() } else { drawn }));
        }
        Ok(Err(last))
    }

    /// The photos at their slots: none where one has too few pixels, since no photo is better than a blur.
    fn photos(&self) -> Result<Vec<PreparedPhoto>> {
        let slots = self.order.photos.iter().zip(&self.size.photos);
        let sharp = slots.take_while(|(photo, slot)| photo.fills(**slot));
        Ok(sharp
            .map(|(photo, slot)| photo.prepared(*slot, self.size.rest))
            .collect::<Result<_, _>>()?)
    }

    /// Names of photos that there is a slot for but too few pixels.
    fn blurred(&self) -> impl Iterator<Item = String> {
        let slots = self.order.photos.iter().zip(&self.size.photos);
        let sharp = slots.clone().take_while(|(photo, slot)| photo.fills(**slot)).count();
        (sharp..slots.len()).map(|index| format!("photos.{index}"))
    }

    /// Lays an amount out and looks at what came of it.
    fn attempt(
        &self,
        amount: Amount,
        photos: &[PreparedPhoto],
    ) -> Result<Result<Drawn<'a>, Misfit>> {
        if self.order.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let template = self.family.id.as_str();
        let card = Card::new(self.engine, self.order, &self.family.manifest, amount)?;
        let canvas = self.size.canvas();
        let sheet = Sheet { template, brand: self.order.brand, canvas, data: &card.data, photos };
        let layout = self.engine.compose(&sheet)?;
        let texts = layout.texts();
        if let Some(text) = texts.iter().find(|text| !text.legible) {
            let limit = "no font has every letter".to_owned();
            return Ok(Err(("forbidden_character", text.text.clone(), limit)));
        }
        if let Some(problem) = layout.problems().into_iter().next() {
            return Ok(Err(match problem {
                Problem::Cut(text) => ("too_long", text.text, "does not fit".to_owned()),
                Problem::Small { text, least } => ("too_long", text.text, format!("{least:.0} px")),
            }));
        }
        card.check(template, photos, &texts)?;
        if let Some(text) = card.missing(&texts) {
            return Ok(Err(("too_long", text, "not drawn whole".to_owned())));
        }
        if template.starts_with(OWN)
            && let Some((text, why)) = seen::hidden(&layout)
        {
            return Err(Error::Hidden { template: template.to_owned(), text, why });
        }
        let page = amount.page.map(|page| page.number);
        Ok(Ok(Drawn { family: self.family, card, layout, page }))
    }
}
