//! Progress of a running job as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use loa_model::JobId;

use crate::{Shared, error::WebError};

/// The latest progress whenever it changes; ends with `done` when the job is no longer running.
pub(crate) async fn stream(
    State(app): State<Shared>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, WebError> {
    let job: JobId = id.parse().map_err(|_| WebError::missing())?;
    let start = (app.progress.clone(), true, false);
    let events = stream::unfold(start, move |(mut receiver, first, over)| async move {
        if over {
            return None;
        }
        if !first && receiver.changed().await.is_err() {
            return None;
        }
        let progress = receiver.borrow_and_update().get(&job).cloned();
        let event = match &progress {
            Some(progress) => {
                Event::default().event("progress").json_data(progress).unwrap_or_default()
            }
            None => Event::default().event("done").data(""),
        };
        Some((Ok(event), (receiver, false, progress.is_none())))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}
