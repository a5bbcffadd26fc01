//! Progress of a running job as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use jiff::Timestamp;
use loa_model::{JobId, JobState, Progress};
use loa_store::{JobView, Seq};
use tokio::sync::watch;

use crate::{ProgressMap, Shared, auth::Visitor, error::WebError, pages};

struct Watching {
    app: Shared,
    visitor: Visitor,
    job: JobId,
    progress: watch::Receiver<ProgressMap>,
    commits: watch::Receiver<Seq>,
    told: Option<Progress>,
    /// Until when it was put off when it was looked at last.
    put_off: Option<Timestamp>,
    over: bool,
}

/// Until when a job is put off.
fn put_off(view: &JobView) -> Option<Timestamp> {
    let waits = matches!(view.state, JobState::Scheduled | JobState::Retryable);
    waits.then_some(view.job.run_at)
}

/// The latest progress whenever it changes, `rest` when the job goes on later; ends with `done` when the job has no work before it any more.
pub(crate) async fn stream(
    State(app): State<Shared>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, WebError> {
    let job: JobId = id.parse().map_err(|_| WebError::missing())?;
    let view = pages::own_job(&app, &visitor, job).await?;
    let watching = Watching {
        progress: app.progress.clone(),
        commits: app.store.watch(),
        app,
        visitor,
        job,
        told: None,
        put_off: put_off(&view),
        over: false,
    };
    let events = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok(event), watching))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

impl Watching {
    async fn next(&mut self) -> Option<Event> {
        while !self.over {
            // Both are marked as seen before they are looked at: a change in between wakes us again.
            self.commits.borrow_and_update();
            let now = self.progress.borrow_and_update().get(&self.job).cloned();
            // A store that cannot be read says nothing: the next change asks again.
            let view = self.app.store.job(self.job).await;
            if view.as_ref().is_ok_and(|view| {
                view.as_ref().is_none_or(|view| !pages::UNFINISHED.contains(&view.state))
            }) {
                self.over = true;
                return Some(Event::default().event("done").data(""));
            }
            if let Some(progress) = now.filter(|now| self.told.as_ref() != Some(now)) {
                self.told = Some(progress.clone());
                let step = pages::step_word(&self.app, &self.visitor.lang, &progress.step);
                let event = Event::default().event("progress");
                return event.json_data(Progress { step, ..progress }).ok();
            }
            // It made what it could and goes on later: others may want to see what came of it, however short it ran.
            let until = view.ok().flatten().as_ref().and_then(put_off);
            if until.is_some() && std::mem::replace(&mut self.put_off, until) != until {
                self.told = None;
                return Some(Event::default().event("rest").data(""));
            }
            let gone = tokio::select! {
                changed = self.progress.changed() => changed.is_err(),
                changed = self.commits.changed() => changed.is_err(),
            };
            if gone {
                return None;
            }
        }
        None
    }
}
