//! The time of a post while it is edited: what it gets into the way of there, and a later time without it.

use jiff::{Span, civil::DateTime};
use serde::Serialize;

use super::Desk;
use crate::{
    Shared, approvals::answers::problem, article::ZONE, auth::Visitor, calendar::zone,
    error::WebError, view,
};

/// A time that gets into the way of other posts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crowded {
    at: String,
    /// Keys of the words: `clash.<key>`.
    clashes: Vec<&'static str>,
    /// Day of the calendar where the others stand.
    day: String,
    /// A later time without it; empty when there is none within two days.
    later: String,
    /// The same as forms take it.
    later_at: String,
    /// The same as an instant, for the schedule of the post.
    later_instant: Option<jiff::Timestamp>,
    version: u64,
}

/// What the time of the post gets into the way of; nothing when that is nothing.
pub(super) async fn crowded(
    app: &Shared,
    visitor: &Visitor,
    desk: &Desk,
) -> Result<Option<Crowded>, WebError> {
    let (post, zone) = (&desk.post, zone());
    let day = post.scheduled_at.to_zoned(zone.clone()).date();
    let midnight = |day: jiff::civil::Date| {
        zone.to_timestamp(DateTime::from_parts(day, jiff::civil::Time::midnight()))
    };
    let last = day.checked_add(Span::new().days(3));
    let (Ok(from), Some(until)) = (midnight(day), last.ok().and_then(|day| midnight(day).ok()))
    else {
        return Ok(None);
    };
    let found = app.review.calendar(&visitor.user.agency, from, until, &zone).await;
    let found = found.map_err(|error| problem(app, &error))?;
    let Some(entry) = found.entries.iter().find(|entry| entry.id == post.id) else {
        return Ok(None);
    };
    if entry.clashes.is_empty() || entry.room.is_err() {
        return Ok(None);
    }
    let later = found.later(post.id, &zone, until).filter(|_| !found.cut);
    Ok(Some(Crowded {
        at: view::time(entry.at, ZONE),
        clashes: entry.clashes.iter().map(|clash| clash.key()).collect(),
        day: day.to_string(),
        later: later.map(|at| view::time(at, ZONE)).unwrap_or_default(),
        later_at: later
            .map(|at| zone.to_datetime(at).strftime("%Y-%m-%dT%H:%M").to_string())
            .unwrap_or_default(),
        later_instant: later,
        version: entry.version,
    }))
}
