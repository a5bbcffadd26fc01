//! A post of the demo article in every state a delivery can be in, and what people find around them.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use loa_delivery::{Incident, IncidentKind};
use loa_model::{
    AccountStatus, Clock as _, Delivery, DeliveryState as S, Intent, Job, JobKind, Post, PostState,
    Priority, Receipt, Why,
    delivery::{Effect, Evidence, Lease},
};
use loa_store::{Changes, JobEnd, Store as _, StoreExt as _};

use super::{
    World,
    records::{approved, by, delivery, post},
};

impl World {
    /// Adds one approved post for each state, on a channel that can be searched, edited and asked to delete.
    pub async fn every_state(&self) -> BTreeMap<S, Post> {
        let mut posts = BTreeMap::new();
        for state in S::ALL {
            posts.insert(state, self.in_state("facebook:cong-tin", state).await);
        }
        posts
    }

    /// An approved post of this account, its delivery in this state.
    pub async fn in_state(&self, account: &str, state: S) -> Post {
        let draft = post(
            &self.ids,
            &self.article,
            account,
            loa_model::PostFormat::Photo,
            PostState::Approved,
            &self.people.author,
            vec![super::records::photo(&self.kept)],
        );
        let mut made = approved(draft, &self.people.approver);
        let now = self.clock.now();
        made.scheduled_at = now - SignedDuration::from_mins(20);
        if state == S::Missed {
            // Its window is over: it takes another signature.
            let approval = made.approval.as_mut().unwrap();
            approval.not_after = now - SignedDuration::from_mins(5);
        }
        let d = self.arranged(&made, state, now);
        let changes = Changes::by(by(), "fill").insert(&made).insert(&d);
        self.store.commit(changes).await.unwrap();
        made
    }

    fn arranged(&self, post: &Post, state: S, now: Timestamp) -> Delivery {
        let ago = |minutes| now - SignedDuration::from_mins(minutes);
        let mut d = delivery(&self.ids, post, state);
        d.not_after = post.approval.as_ref().unwrap().not_after;
        (d.due_at, d.not_before) = (ago(20), ago(20));
        let intent = Intent {
            step: "start".into(),
            effect: Effect::Public,
            digest: d.digest,
            fence: 1,
            at: ago(15),
            send_deadline: ago(14),
        };
        match state {
            S::Scheduled => d.due_at = now + SignedDuration::from_hours(2),
            S::Leased | S::Intent => {
                let until = now + SignedDuration::from_hours(1);
                d.lease = Some(Lease { owner: "máy#1".into(), fence: 1, until, counted: true });
                d.intent = (state == S::Intent).then_some(intent);
            }
            S::Uncertain => {
                d.intent = Some(intent);
                d.quarantine_until = Some(ago(4));
                d.absent = vec![ago(1)];
                d.reason = Why::NoAnswer.sentence().into();
                let seen =
                    |minutes, what: &str| Evidence { at: ago(minutes), what: what.to_owned() };
                d.evidence = vec![seen(14, &d.reason), seen(1, Why::NotFound.sentence())];
            }
            S::Rejected => {
                d.reason = "(#100) Invalid parameter (platform code 100)".into();
            }
            S::Dead => d.reason = "no attempt left: connection refused".into(),
            S::Held => d.reason = Why::ArticleChanged.sentence().into(),
            S::Cancelled => d.reason = "Ảnh chưa được phép dùng".into(),
            S::Missed => d.reason = Why::WindowOver.sentence().into(),
            S::Published | S::Correcting | S::Retracting | S::Retracted | S::Gone => {
                d.receipt = Some(Receipt {
                    remote_id: "1022_9001".into(),
                    url: "https://www.facebook.com/1022/posts/9001".into(),
                    raw: serde_json::Value::Null,
                    at: ago(14),
                });
            }
            S::Ready => {}
        }
        d
    }

    /// An incident of each kind about this post.
    pub async fn incidents_about(&self, post: &Post) -> Vec<Incident> {
        let d = self.delivery_of(post).await;
        let mut all = Vec::new();
        for (n, kind) in (0..).zip(IncidentKind::ALL) {
            let incident = Incident {
                id: format!("su-co-{n}"),
                agency: post.agency.clone(),
                kind,
                account: Some(post.account.clone()),
                delivery: (kind != IncidentKind::NeedsReauth).then_some(d.id),
                job: None,
                remote_ids: d.receipt.iter().map(|r| r.remote_id.clone()).collect(),
                detail: "taking a post back is not offered".to_owned(),
                at: self.clock.now() - SignedDuration::from_mins(n),
                closed: None,
            };
            let changes = Changes::by(by(), "report incident").insert(&incident);
            self.store.commit(changes).await.unwrap();
            all.push(incident);
        }
        all
    }

    /// The delivery of a post as it is now: the open one, else the newest.
    pub async fn delivery_of(&self, post: &Post) -> Delivery {
        self.desk.delivery_of(post.id).await.unwrap().unwrap().record
    }

    /// Another account of the agency whose credentials are refused.
    pub async fn refuse_credentials(&self, name: &str) {
        let row = self.store.read::<loa_model::Account>(name).await.unwrap().unwrap();
        let mut account = row.record;
        account.status = AccountStatus::NeedsReauth {
            reason: "(#190) Error validating access token".to_owned(),
            since: self.clock.now(),
            first: false,
        };
        let changes = Changes::by(by(), "pause account").update(&account, row.version);
        self.store.commit(changes).await.unwrap();
    }

    /// Makes a post so urgent.
    pub async fn set_priority(&self, post: &Post, priority: Priority) {
        let row = self.store.read::<Post>(&post.id.to_string()).await.unwrap().unwrap();
        let post = Post { priority, ..row.record };
        let changes = Changes::by(by(), "arrange").update(&post, row.version);
        self.store.commit(changes).await.unwrap();
    }

    /// An article that waits to be read, so urgent.
    pub async fn queue(&self, source: &str, priority: Priority) {
        let work = JobKind::Ingest { source: source.to_owned(), agency: "demo".into() };
        let job = Job::new(self.ids.make(), "demo", work, self.clock.now());
        let changes = Changes::by(by(), "queue").enqueue(Job { priority, ..job });
        self.store.commit(changes).await.unwrap();
    }

    /// A job of this agency that was given up.
    pub async fn dead_letter(&self, agency: &str) -> Job {
        let source = "https://minhhoa.example/khong-con.htm".to_owned();
        let work = JobKind::Ingest { source, agency: agency.into() };
        let job = Job::new(self.ids.make(), agency, work, self.clock.now());
        self.store.commit(Changes::by(by(), "queue").enqueue(job.clone())).await.unwrap();
        let lease = Duration::from_mins(5);
        let claimed = self.store.claim(&["ingest"], "w", 9, lease).await.unwrap();
        let claimed = claimed.iter().find(|claimed| claimed.job.id == job.id).unwrap();
        let reason = "the portal answered 404".to_owned();
        self.store.finish(claimed, JobEnd::Discard { reason }).await.unwrap();
        job
    }
}
