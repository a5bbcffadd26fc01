//! How the table of a brief is told: as a chart where its numbers can be one, else row by row.

use loa_canvas::chart::Chart;
use loa_model::{BadStoryboard, Storyboard, Topic};

use super::{Layout, Order};

/// The chart of the brief's table, whatever screen it is for.
pub(crate) fn of(order: &Order<'_>) -> Option<Chart> {
    order.brief.table.as_ref().and_then(|table| Chart::of(table, &order.article.lang))
}

/// Whether the table is told in this way, every row of it.
pub(crate) fn holds(order: &Order<'_>, layout: &Layout, topic: &Topic) -> bool {
    let rows = order.brief.table.as_ref().map_or(0, |table| table.rows.len());
    let is_there = rows > 0 && rows <= layout.rows(topic) && layout.shows(topic);
    is_there && (*topic != Topic::Chart || of(order).is_some())
}

/// The way that says most: a table is told once.
pub(crate) fn best(order: &Order<'_>, layout: &Layout) -> Option<Topic> {
    [Topic::Chart, Topic::Table].into_iter().find(|topic| holds(order, layout, topic))
}

/// Refuses a chart of what is none, and a table of which rows would be left out.
pub(crate) fn check(
    order: &Order<'_>,
    layout: &Layout,
    board: &Storyboard,
) -> Result<(), BadStoryboard> {
    for (scene, beat) in board.beats.iter().enumerate() {
        let is_table = matches!(beat.of, Topic::Table | Topic::Chart);
        if !is_table || !layout.shows(&beat.of) || holds(order, layout, &beat.of) {
            continue;
        }
        return Err(if beat.of == Topic::Chart && of(order).is_none() {
            BadStoryboard::NoChart(scene)
        } else {
            BadStoryboard::TooManyRows { scene, most: layout.rows(&beat.of) }
        });
    }
    Ok(())
}
