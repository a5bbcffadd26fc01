//! Photos of the article that are shown whole: maps, diagrams and charts that somebody drew, of which a crop would say
//! something else.

use loa_model::{Article, BadStoryboard, Photo, Storyboard, Topic};

use super::{Layout, Order, Pictured};

/// How a caption begins that says its photo is drawn, in small letters.
const DRAWN: [&str; 12] = [
    "bản đồ",
    "lược đồ",
    "sơ đồ",
    "đồ họa",
    "đồ hoạ",
    "biểu đồ",
    "infographic",
    "infographics",
    "map",
    "diagram",
    "chart",
    "graphic",
];

/// What the article says under a photo; empty when it says nothing, or has no such photo.
pub(crate) fn caption(article: &Article, photo: usize) -> &str {
    article.photos.get(photo).map_or("", |photo| photo.caption.trim())
}

/// Whose a photo is, as published.
pub(crate) fn credit(article: &Article, photo: usize) -> &str {
    article.photos.get(photo).map_or("", |photo| photo.credit.trim())
}

/// Whether a photo says of itself that it was drawn.
fn is_drawn(photo: &Photo) -> bool {
    let says = |words: &str| {
        let words = words.trim_start().to_lowercase();
        DRAWN.iter().any(|name| {
            let rest = words.strip_prefix(name);
            rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    says(&photo.caption) || says(&photo.alt)
}

fn drawn<'a>(order: &'a Order<'_>) -> impl Iterator<Item = &'a Pictured> {
    let photos = &order.article.photos;
    order.photos.iter().filter(|one| photos.get(one.index as usize).is_some_and(is_drawn))
}

/// Those that tell something as scenes of their own.
pub(crate) fn told<'a>(order: &'a Order<'_>) -> impl Iterator<Item = Topic> + 'a {
    drawn(order).map(|one| Topic::Picture(one.index as usize))
}

/// Longest side of a photo that the engine shows whole, pixels: what is smaller is a blur on a screen.
const LEAST_SIDE: u32 = 400;

/// Whether what is told can be read: of a strip much higher than wide that is shown whole, or of a stamp, nothing can.
pub(crate) fn is_readable(order: &Order<'_>, topic: &Topic) -> bool {
    let Topic::Picture(n) = topic else { return true };
    let photo = order.photos.iter().find(|photo| photo.index as usize == *n);
    photo.is_none_or(|photo| {
        let (width, height) = photo.size;
        width.max(height) >= LEAST_SIDE && u64::from(height) * 2 <= u64::from(width) * 5
    })
}

/// Those that may move behind words: what is drawn is not among them, unless there is nothing else.
pub(crate) fn behind(order: &Order<'_>) -> Vec<Pictured> {
    let drawn: Vec<u32> = drawn(order).map(|one| one.index).collect();
    let all = order.photos.iter().copied();
    let plain: Vec<Pictured> = all.filter(|one| !drawn.contains(&one.index)).collect();
    if plain.is_empty() { order.photos.to_vec() } else { plain }
}

/// Refuses a photo that cannot be shown.
pub(crate) fn check(
    order: &Order<'_>,
    layout: &Layout,
    board: &Storyboard,
) -> Result<(), BadStoryboard> {
    let there = |n: usize| order.photos.iter().any(|photo| photo.index as usize == n);
    let gone = board.beats.iter().position(
        |beat| matches!(beat.of, Topic::Picture(n) if layout.shows(&beat.of) && !there(n)),
    );
    gone.map_or(Ok(()), |scene| Err(BadStoryboard::NoPhoto(scene)))
}

#[cfg(test)]
mod tests;
