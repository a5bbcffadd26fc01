//! Jobs: claims, leases, tries and calling off.

use std::time::Duration;

use loa_model::{Actor, ArticleId, Clock as _, Job, JobKind, JobState, Priority};

use super::{HandClock, KINDS, MINUTE, Note, Subject, by, job};
use crate::{Claimed, Error, JobEnd, JobView, StoreExt as _};

async fn queue(store: &Subject, jobs: impl IntoIterator<Item = Job>) {
    let changes = jobs.into_iter().fold(by("queue"), crate::Changes::enqueue);
    store.commit(changes).await.unwrap();
}

async fn claim(store: &Subject, owner: &str) -> Vec<Claimed> {
    store.claim(KINDS, owner, 10, MINUTE).await.unwrap()
}

async fn view(store: &Subject, job: &Job) -> JobView {
    let all = store.jobs(None, 100).await.unwrap();
    let listed = all.into_iter().find(|view| view.job.id == job.id);
    assert_eq!(store.job(job.id).await.unwrap(), listed, "by its id as in the list");
    listed.expect("the job is listed")
}

#[expect(clippy::needless_pass_by_value, reason = "it takes what a call returned")]
fn lost<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::LeaseLost { .. })), "{outcome:?}");
}

/// A job is handed to one worker; the next one gets other jobs.
pub async fn a_job_is_claimed_once(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock), job(2, clock), job(3, clock)]).await;
    let first = store.claim(KINDS, "máy-một", 2, MINUTE).await.unwrap();
    assert_eq!(first.iter().map(|c| &c.job).collect::<Vec<_>>(), [&job(1, clock), &job(2, clock)]);
    assert!(first.iter().all(|c| c.attempt == 1 && c.until == clock.now() + MINUTE));
    let second = claim(&store, "máy-hai").await;
    assert_eq!(second.iter().map(|c| &c.job).collect::<Vec<_>>(), [&job(3, clock)]);
    assert_eq!(claim(&store, "máy-ba").await, []);
    assert_eq!(view(&store, &job(1, clock)).await.state, JobState::Executing);
}

/// The counts by state are those of the list: also of jobs that time alone moved on, and of those that ended.
pub async fn jobs_are_counted_by_state(store: Subject, clock: &HandClock) {
    let later = Job { run_at: clock.now() + 5 * MINUTE, ..job(6, clock) };
    queue(&store, (1..=5).map(|n| job(n, clock)).chain([later])).await;
    let first = store.claim(KINDS, "máy", 2, MINUTE).await.unwrap();
    store.finish(&first[0], JobEnd::Complete).await.unwrap();
    store.cancel_job(job(4, clock).id, Actor::Operator("trưởng ban".to_owned())).await.unwrap();
    let told = [
        [(JobState::Scheduled, 1), (JobState::Available, 2), (JobState::Executing, 1)].as_slice(),
        &[(JobState::Scheduled, 1), (JobState::Available, 3)],
        &[(JobState::Available, 4)],
    ];
    for (minutes, open) in [0, 2, 5].into_iter().zip(told) {
        clock.advance(minutes * MINUTE);
        let counts = store.count_jobs().await.unwrap();
        let ended = [(JobState::Completed, 1), (JobState::Cancelled, 1)];
        assert_eq!(counts, [open, &ended].concat());
        let all = store.jobs(None, 100).await.unwrap();
        for (state, count) in counts {
            assert_eq!(all.iter().filter(|view| view.state == state).count(), count, "{state:?}");
        }
    }
}

/// Urgent jobs are handed out first; among equals the one that has waited longest.
pub async fn urgent_jobs_go_first_then_the_oldest(store: Subject, clock: &HandClock) {
    let at = |n, priority, seconds| Job {
        priority,
        run_at: clock.now() - Duration::from_secs(seconds),
        ..job(n, clock)
    };
    queue(
        &store,
        [
            at(1, Priority::Backfill, 900),
            at(2, Priority::Normal, 10),
            at(3, Priority::Normal, 20),
            at(4, Priority::Urgent, 1),
            at(5, Priority::Urgent, 5),
        ],
    )
    .await;
    let order: Vec<_> = claim(&store, "máy").await.into_iter().map(|c| c.job.id).collect();
    assert_eq!(order, [5, 4, 3, 2, 1].map(|n| job(n, clock).id));
}

/// Urgent work goes first however long the rest has waited; backfill that waited for an hour is served like the day's work,
/// in the order of waiting, so that no stream of newer jobs keeps it back for ever.
pub async fn backfill_rises_by_waiting(store: Subject, clock: &HandClock) {
    let with = |n, priority| Job { priority, ..job(n, clock) };
    let next = async || store.claim(KINDS, "máy", 1, MINUTE * 60).await.unwrap().remove(0).job.id;
    queue(&store, [with(1, Priority::Backfill)]).await;
    clock.advance(MINUTE * 59);
    queue(&store, [with(2, Priority::Normal), with(3, Priority::Normal)]).await;
    assert_eq!(next().await, job(2, clock).id, "it has not waited long enough");
    clock.advance(MINUTE);
    queue(&store, [with(4, Priority::Urgent), with(5, Priority::Backfill)]).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        order.push(next().await);
    }
    assert_eq!(order, [4, 1, 3, 5].map(|n| job(n, clock).id));
}

/// A worker gets jobs of the kinds it asked for.
pub async fn only_wanted_kinds_are_claimed(store: Subject, clock: &HandClock) {
    let article: ArticleId = "00000000-0000-7000-8000-000000000009".parse().unwrap();
    let brief = Job { work: JobKind::Brief { article, revision: 1 }, ..job(1, clock) };
    queue(&store, [brief.clone(), job(2, clock)]).await;
    assert_eq!(claim(&store, "máy").await.len(), 1);
    assert_eq!(store.claim(&[], "máy", 9, MINUTE).await.unwrap(), []);
    let briefs = store.claim(&["render", "brief"], "máy", 9, MINUTE).await.unwrap();
    assert_eq!(briefs.iter().map(|c| &c.job).collect::<Vec<_>>(), [&brief]);
}

/// A job for later is scheduled, and available from its time on.
pub async fn a_job_waits_for_its_time(store: Subject, clock: &HandClock) {
    let later = Job { run_at: clock.now() + MINUTE, ..job(1, clock) };
    queue(&store, [later.clone()]).await;
    assert_eq!(claim(&store, "máy").await, []);
    assert_eq!(view(&store, &later).await.state, JobState::Scheduled);
    assert_eq!(store.jobs(Some(JobState::Available), 9).await.unwrap(), []);
    clock.advance(MINUTE);
    assert_eq!(view(&store, &later).await.state, JobState::Available);
    assert_eq!(store.jobs(Some(JobState::Available), 9).await.unwrap().len(), 1);
    assert_eq!(claim(&store, "máy").await.len(), 1);
}

/// A job is queued in the commit that asks for it, with the rows beside it.
pub async fn jobs_are_queued_with_their_commit(store: Subject, clock: &HandClock) {
    let note = Note::new("n", "", "x");
    store.commit(by("add").insert(&note).enqueue(job(1, clock))).await.unwrap();
    assert_eq!((store.last_seq(), claim(&store, "máy").await.len()), (1, 1));
    let failed = store.commit(by("add").insert(&note).enqueue(job(2, clock))).await;
    assert!(matches!(failed, Err(Error::Conflict { .. })), "{failed:?}");
    assert_eq!(claim(&store, "máy").await, []);
}

/// A job id is queued once, even after the job has ended.
pub async fn a_job_id_is_queued_once(store: Subject, clock: &HandClock) {
    let twice = store.commit(by("queue").enqueue(job(1, clock)).enqueue(job(1, clock))).await;
    assert!(matches!(twice, Err(Error::Refused { .. })), "{twice:?}");
    queue(&store, [job(1, clock)]).await;
    let again =
        |store: Subject| async move { store.commit(by("queue").enqueue(job(1, clock))).await };
    assert!(matches!(again(store.clone()).await, Err(Error::Conflict { .. })));
    let claimed = claim(&store, "máy").await;
    store.finish(&claimed[0], JobEnd::Complete).await.unwrap();
    assert!(matches!(again(store.clone()).await, Err(Error::Conflict { .. })));
    assert_eq!(claim(&store, "máy").await, []);
}

/// A job that was put off is due with the commit that wakes it; one that failed waits its time, and nothing wakes one that runs
/// or is over.
pub async fn what_a_job_waited_for_makes_it_due(store: Subject, clock: &HandClock) {
    let later = || clock.now() + 9 * MINUTE;
    queue(&store, [job(1, clock), job(2, clock), job(3, clock), job(4, clock)]).await;
    let claimed = claim(&store, "máy").await;
    store.finish(&claimed[0], JobEnd::Snooze { run_at: later() }).await.unwrap();
    let failed = JobEnd::Fail { reason: "hỏng".to_owned(), run_at: later() };
    store.finish(&claimed[1], failed).await.unwrap();
    store.finish(&claimed[2], JobEnd::Complete).await.unwrap();
    assert_eq!(claim(&store, "máy").await, []);
    let note = Note::new("n", "", "đã dựng xong");
    let wake =
        || (1..=5).fold(by("draw").insert(&note), |changes, n| changes.wake(job(n, clock).id));
    let before = store.last_seq();
    store.commit(wake()).await.unwrap();
    assert_eq!(store.last_seq(), before + 1, "in the commit itself");
    let states = [1, 2, 3, 4].map(|n| job(n, clock));
    let mut found = Vec::new();
    for one in &states {
        found.push(view(&store, one).await.state);
    }
    let (executing, completed) = (JobState::Executing, JobState::Completed);
    assert_eq!(found, [JobState::Available, JobState::Retryable, completed, executing]);
    let woken = claim(&store, "máy").await;
    assert_eq!(woken.iter().map(|one| one.job.id).collect::<Vec<_>>(), [job(1, clock).id]);
    assert_eq!(woken[0].attempt, 1, "a wait costs no try");
    // A commit that is refused wakes nobody.
    store.finish(&woken[0], JobEnd::Snooze { run_at: later() }).await.unwrap();
    let refused = store.commit(wake()).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    assert_eq!(claim(&store, "máy").await, []);
}

/// When a lease runs out another worker gets the job under a higher fence, and the first one can do nothing more.
pub async fn a_lapsed_lease_is_taken_and_fenced(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock)]).await;
    let first = claim(&store, "máy-một").await.remove(0);
    clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(claim(&store, "máy-hai").await, []);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(view(&store, &first.job).await.state, JobState::Available);
    let second = claim(&store, "máy-hai").await.remove(0);
    assert!(second.fence > first.fence);
    assert_eq!(second.attempt, 2);
    let before = store.last_seq();
    lost(store.heartbeat(&first, MINUTE).await);
    lost(store.finish(&first, JobEnd::Complete).await);
    lost(store.commit(by("late").insert(&Note::new("n", "", "muộn")).finish(&first)).await);
    assert_eq!((store.last_seq(), store.get("note", "n").await.unwrap()), (before, None));
    store.finish(&second, JobEnd::Complete).await.unwrap();
}

/// A lease that ran out is lost when somebody takes the job, not before.
pub async fn a_slow_worker_may_hand_in_while_nobody_took_over(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock)]).await;
    let claimed = claim(&store, "máy").await.remove(0);
    clock.advance(MINUTE * 5);
    store.commit(by("work").insert(&Note::new("n", "", "xong")).finish(&claimed)).await.unwrap();
    assert_eq!(view(&store, &claimed.job).await.state, JobState::Completed);
}

/// A heartbeat gives the lease more time and never less.
pub async fn a_heartbeat_keeps_the_lease(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock)]).await;
    let claimed = claim(&store, "máy").await.remove(0);
    clock.advance(MINUTE / 2);
    assert!(!store.heartbeat(&claimed, MINUTE).await.unwrap());
    assert!(!store.heartbeat(&claimed, Duration::ZERO).await.unwrap());
    clock.advance(MINUTE - Duration::from_nanos(1));
    assert_eq!(claim(&store, "máy-hai").await, []);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(claim(&store, "máy-hai").await.len(), 1);
}

/// The commit of a job's work ends the job, and a commit that fails does not.
pub async fn work_and_its_end_are_one_commit(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock)]).await;
    let claimed = claim(&store, "máy").await.remove(0);
    let note = Note::new("n", "", "x");
    let version = store.commit(by("add").insert(&note)).await.unwrap();
    let failed = store.commit(by("work").insert(&note).finish(&claimed)).await;
    assert!(matches!(failed, Err(Error::Conflict { .. })), "{failed:?}");
    assert_eq!(view(&store, &claimed.job).await.state, JobState::Executing);
    store.commit(by("work").update(&note, version).finish(&claimed)).await.unwrap();
    let done = view(&store, &claimed.job).await;
    assert_eq!((done.state, done.attempt), (JobState::Completed, 1));
    lost(store.commit(by("work").finish(&claimed)).await);
    clock.advance(MINUTE * 9);
    assert_eq!(claim(&store, "máy").await, []);
}

/// A failed job comes back at its time with its reason; after the last try it is discarded.
pub async fn a_failed_job_returns_until_its_tries_are_used(store: Subject, clock: &HandClock) {
    let twice = Job { max_attempts: 2, ..job(1, clock) };
    queue(&store, [twice.clone()]).await;
    let fail = |reason: &str| JobEnd::Fail { reason: reason.into(), run_at: clock.now() + MINUTE };
    let first = claim(&store, "máy").await.remove(0);
    store.finish(&first, fail("cổng không trả lời")).await.unwrap();
    let waiting = view(&store, &twice).await;
    assert_eq!((waiting.state, waiting.attempt), (JobState::Retryable, 1));
    assert_eq!(waiting.reason, "cổng không trả lời");
    assert_eq!(claim(&store, "máy").await, []);
    clock.advance(MINUTE);
    let second = claim(&store, "máy").await.remove(0);
    assert_eq!(second.attempt, 2);
    store.finish(&second, fail("vẫn vậy")).await.unwrap();
    let over = view(&store, &twice).await;
    assert_eq!(
        (over.state, over.attempt, over.reason.as_str()),
        (JobState::Discarded, 2, "vẫn vậy")
    );
    clock.advance(MINUTE * 9);
    assert_eq!(claim(&store, "máy").await, []);
}

/// A job that three workers died with is discarded as poison, also while tries are left; the count is kept with the job, and
/// tries that ended do not belong to it.
pub async fn a_job_that_silences_its_workers_is_discarded(store: Subject, clock: &HandClock) {
    let poison = Job { max_attempts: 9, ..job(1, clock) };
    queue(&store, [poison.clone()]).await;
    let ended = claim(&store, "máy").await.remove(0);
    let failed = JobEnd::Fail { reason: "lỗi mạng".to_owned(), run_at: clock.now() };
    store.finish(&ended, failed).await.unwrap();
    for lost in 0..3 {
        let claimed = claim(&store, "máy").await.remove(0);
        assert_eq!((claimed.attempt, view(&store, &poison).await.lost), (lost + 2, lost));
        clock.advance(MINUTE);
    }
    assert_eq!(claim(&store, "máy").await, []);
    let over = view(&store, &poison).await;
    assert_eq!((over.state, over.attempt, over.lost), (JobState::Discarded, 4, 3));
    assert_eq!(over.reason, "poison: 3 workers went silent over it, máy last");
    store.retry_job(poison.id, Actor::Operator("trưởng ban".to_owned())).await.unwrap();
    assert_eq!(view(&store, &poison).await.lost, 0);
    assert_eq!(claim(&store, "máy").await.remove(0).attempt, 1);
}

/// The last try counts as used when its worker goes silent.
pub async fn a_silent_last_try_is_the_last(store: Subject, clock: &HandClock) {
    let once = Job { max_attempts: 1, ..job(1, clock) };
    queue(&store, [once.clone()]).await;
    claim(&store, "máy").await;
    clock.advance(MINUTE);
    assert_eq!(claim(&store, "máy").await, []);
    let over = view(&store, &once).await;
    assert_eq!((over.state, over.lost), (JobState::Discarded, 1));
    assert!(over.reason.contains("máy"), "{}", over.reason);
}

/// A snoozed job comes back at its time, and the try is not counted.
pub async fn a_snooze_costs_no_try(store: Subject, clock: &HandClock) {
    queue(&store, [Job { max_attempts: 1, ..job(1, clock) }]).await;
    for _ in 0..3 {
        let claimed = claim(&store, "máy").await.remove(0);
        assert_eq!(claimed.attempt, 1);
        store.finish(&claimed, JobEnd::Snooze { run_at: clock.now() + MINUTE }).await.unwrap();
        lost(store.heartbeat(&claimed, MINUTE).await);
        assert_eq!(view(&store, &claimed.job).await.state, JobState::Scheduled);
        assert_eq!(claim(&store, "máy").await, []);
        clock.advance(MINUTE);
    }
}

/// A job that nobody runs is called off at once, and so is a dead letter; one that is done stays as it is; an unknown one is an
/// error.
pub async fn a_waiting_job_is_called_off_at_once(store: Subject, clock: &HandClock) {
    let person = || Actor::Operator("trưởng ban".to_owned());
    queue(&store, [job(1, clock), job(2, clock)]).await;
    store.cancel_job(job(1, clock).id, person()).await.unwrap();
    assert_eq!(view(&store, &job(1, clock)).await.state, JobState::Cancelled);
    let claimed = claim(&store, "máy").await;
    assert_eq!(claimed.iter().map(|c| &c.job).collect::<Vec<_>>(), [&job(2, clock)]);
    assert_eq!(store.tail(1, 1).await.unwrap()[0].changes.actor, person());
    store.finish(&claimed[0], JobEnd::Complete).await.unwrap();
    let before = store.last_seq();
    store.cancel_job(job(2, clock).id, person()).await.unwrap();
    assert_eq!(
        (view(&store, &job(2, clock)).await.state, store.last_seq()),
        (JobState::Completed, before)
    );
    queue(&store, [job(4, clock)]).await;
    let dead = claim(&store, "máy").await.remove(0);
    store.finish(&dead, JobEnd::Discard { reason: "hỏng".to_owned() }).await.unwrap();
    store.cancel_job(dead.job.id, person()).await.unwrap();
    let aside = view(&store, &dead.job).await;
    assert_eq!((aside.state, aside.reason.as_str()), (JobState::Cancelled, "hỏng"));
    let unknown = store.cancel_job(job(3, clock).id, person()).await;
    assert!(matches!(unknown, Err(Error::Refused { .. })), "{unknown:?}");
}

/// A running job hears of the wish at its heartbeat and stops itself; until then it is shown as asked to stop.
pub async fn a_running_job_is_called_off_at_its_heartbeat(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock)]).await;
    let claimed = claim(&store, "máy").await.remove(0);
    store.cancel_job(claimed.job.id, Actor::Operator("trưởng ban".to_owned())).await.unwrap();
    let asked = view(&store, &claimed.job).await;
    assert_eq!((asked.state, asked.cancel_requested), (JobState::Executing, true));
    assert!(store.heartbeat(&claimed, MINUTE).await.unwrap());
    store.finish(&claimed, JobEnd::Cancel).await.unwrap();
    assert_eq!(view(&store, &claimed.job).await.state, JobState::Cancelled);
}

/// A job that was asked to stop is not tried again, whether its try fails, is put off, or its worker goes silent.
pub async fn a_called_off_job_is_not_tried_again(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock), job(2, clock), job(3, clock), job(4, clock)]).await;
    let claimed = claim(&store, "máy").await;
    for claimed in &claimed {
        store.cancel_job(claimed.job.id, Actor::Operator("trưởng ban".to_owned())).await.unwrap();
    }
    let (reason, run_at) = ("lỗi".into(), clock.now());
    store.finish(&claimed[0], JobEnd::Fail { reason, run_at }).await.unwrap();
    store.finish(&claimed[1], JobEnd::Snooze { run_at }).await.unwrap();
    store.finish(&claimed[2], JobEnd::Complete).await.unwrap();
    clock.advance(MINUTE);
    assert_eq!(claim(&store, "máy").await, []);
    let mut states = Vec::new();
    for n in 1..=4 {
        states.push(view(&store, &job(n, clock)).await.state);
    }
    let off = JobState::Cancelled;
    assert_eq!(states, [off, off, JobState::Completed, off]);
}

/// A failure that trying again cannot help uses no further try.
pub async fn what_cannot_be_done_is_discarded_at_once(store: Subject, clock: &HandClock) {
    queue(&store, [job(1, clock), job(2, clock)]).await;
    let claimed = claim(&store, "máy").await;
    let never = || JobEnd::Discard { reason: "404".to_owned() };
    store.finish(&claimed[0], never()).await.unwrap();
    let over = view(&store, &claimed[0].job).await;
    assert_eq!((over.state, over.attempt), (JobState::Discarded, 1));
    assert_eq!(over.reason, "404");
    store.cancel_job(claimed[1].job.id, Actor::Operator("trưởng ban".to_owned())).await.unwrap();
    store.finish(&claimed[1], never()).await.unwrap();
    assert_eq!(view(&store, &claimed[1].job).await.state, JobState::Cancelled);
    clock.advance(MINUTE * 9);
    assert_eq!(claim(&store, "máy").await, []);
}

/// A dead letter or a job that was called off runs again when a person wants it, with all its tries and a new fence;
/// nothing else does.
pub async fn a_person_has_a_job_tried_again(store: Subject, clock: &HandClock) {
    let person = || Actor::Operator("trưởng ban".to_owned());
    let once = |n| Job { max_attempts: 1, ..job(n, clock) };
    queue(&store, [once(1), once(2), once(3)]).await;
    let under_way = store.retry_job(once(1).id, person()).await;
    assert!(matches!(under_way, Err(Error::Refused { .. })), "{under_way:?}");
    let claimed = claim(&store, "máy").await;
    store.finish(&claimed[0], JobEnd::Discard { reason: "hỏng".into() }).await.unwrap();
    store.finish(&claimed[1], JobEnd::Complete).await.unwrap();
    store.cancel_job(once(3).id, person()).await.unwrap();
    store.finish(&claimed[2], JobEnd::Cancel).await.unwrap();
    for (n, may) in [(1, true), (2, false), (3, true), (4, false)] {
        let answer = store.retry_job(once(n).id, person()).await;
        assert_eq!(answer.is_ok(), may, "{n}: {answer:?}");
        assert!(may || matches!(answer, Err(Error::Refused { .. })), "{n}: {answer:?}");
    }
    let last = store.tail(store.last_seq() - 1, 1).await.unwrap().remove(0);
    assert_eq!((last.changes.actor, last.changes.what.as_str()), (person(), "retry job"));
    let waits = view(&store, &once(1)).await;
    assert_eq!((waits.state, waits.attempt, waits.reason), (JobState::Available, 0, "hỏng".into()));
    let again = claim(&store, "máy").await;
    assert_eq!(again.iter().map(|c| c.job.id).collect::<Vec<_>>(), [1, 3].map(|n| once(n).id));
    assert!(again[0].fence > claimed[0].fence && again[0].attempt == 1);
    lost(store.finish(&claimed[0], JobEnd::Complete).await);
    store.finish(&again[0], JobEnd::Complete).await.unwrap();
    store.finish(&again[1], JobEnd::Complete).await.unwrap();
}

/// Jobs are listed by state, the newest first, as they are now.
pub async fn jobs_are_listed_newest_first(store: Subject, clock: &HandClock) {
    queue(&store, (1..=4).map(|n| job(n, clock))).await;
    let claimed = store.claim(KINDS, "máy", 2, MINUTE).await.unwrap();
    store.finish(&claimed[0], JobEnd::Complete).await.unwrap();
    let list = async |state, limit| {
        let views = store.jobs(state, limit).await.unwrap();
        views.into_iter().map(|view| view.job.id).collect::<Vec<_>>()
    };
    let ids = |ns: &[u32]| ns.iter().map(|&n| job(n, clock).id).collect::<Vec<_>>();
    assert_eq!(list(None, 10).await, ids(&[4, 3, 2, 1]));
    assert_eq!(store.job(job(5, clock).id).await.unwrap(), None);
    assert_eq!(list(None, 2).await, ids(&[4, 3]));
    assert_eq!(list(Some(JobState::Completed), 10).await, ids(&[1]));
    assert_eq!(list(Some(JobState::Executing), 10).await, ids(&[2]));
    assert_eq!(list(Some(JobState::Available), 10).await, ids(&[4, 3]));
    assert_eq!(list(Some(JobState::Available), 1).await, ids(&[4]));
    clock.advance(MINUTE);
    assert_eq!(list(Some(JobState::Available), 10).await, ids(&[4, 3, 2]));
}
