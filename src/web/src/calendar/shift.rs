//! Moving a post: the one operation behind dragging, the form and `/api/v1`.

use axum::http::StatusCode;
use jiff::Timestamp;
use loa_model::{Post, PostId, When};
use loa_review::{BadTime, ReviewError};
use loa_store::StoreExt as _;

use super::zone;
use crate::{
    Shared, article::ZONE, auth::Visitor, decide::both, error::WebError, post::refusal, view,
};

/// Gives a post of the visitor's agency another time; the answer is the post and its new version.
pub(super) async fn shift(
    app: &Shared,
    visitor: &Visitor,
    id: PostId,
    when: When,
    seen: Option<u64>,
) -> Result<(Post, u64), WebError> {
    let moved = app.review.reschedule(&visitor.user, id, when, ZONE, seen).await;
    let post = moved.map_err(|error| failed(app, visitor, &error))?;
    let row = app.store.read::<Post>(&id.to_string()).await?.ok_or_else(WebError::missing)?;
    Ok((post, row.version))
}

/// The instant, with the wall time of the pages.
pub(super) fn at(at: Timestamp) -> When {
    When::At { at, wall: zone().to_datetime(at) }
}

/// A refusal in both languages, with the status that says who can mend it.
pub(super) fn failed(app: &Shared, visitor: &Visitor, error: &ReviewError) -> WebError {
    match error {
        ReviewError::Locked(why) => {
            WebError::new(StatusCode::CONFLICT, both(app, &format!("locked.{}", why.key())))
        }
        ReviewError::Time(why) => {
            let told = |lang| {
                let time = |at| view::told_time(at, ZONE, lang);
                let more = match why {
                    BadTime::Past => String::new(),
                    BadTime::Embargo { until } => time(*until),
                    BadTime::Outside { from, to } => format!("{} – {}", time(*from), time(*to)),
                };
                let word = app.assets.word(lang, &format!("bad_time.{}", why.key()));
                word.replace("{}", &more)
            };
            let message = format!("{}{}{}", told("vi"), crate::error::BETWEEN, told("en"));
            WebError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
        }
        ReviewError::NotFound { .. } => WebError::missing(),
        ReviewError::Role { .. } => WebError::forbidden(),
        ReviewError::Account { .. } => {
            WebError::new(StatusCode::UNPROCESSABLE_ENTITY, both(app, "bad_time.no_slot"))
        }
        ReviewError::Store(_) => {
            WebError::new(StatusCode::INTERNAL_SERVER_ERROR, refusal(app, visitor, error))
        }
        other => {
            let word = both(app, &format!("review_error.{}", other.key()));
            WebError::new(StatusCode::CONFLICT, word)
        }
    }
}
