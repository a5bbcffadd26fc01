//! What a calendar finds, where, and what it says about moving.

use jiff::{Timestamp, tz::TimeZone};
use loa_model::{AccountName, PostId, Record, When, schedule::zone};

use super::*;

const ZONE: &str = "Asia/Ho_Chi_Minh";

fn hanoi() -> TimeZone {
    zone(ZONE).unwrap()
}

fn look(desk: &Desk, from: &str, to: &str) -> Vec<Entry> {
    now(desk.review.calendar("demo", at(from), at(to), &hanoi())).unwrap().entries
}

fn put(desk: &Desk, posts: &[Post]) {
    for post in posts {
        let changes = Changes::by(Actor::Operator("test".into()), "put").insert(post);
        now(desk.store.commit(changes)).unwrap();
    }
}

fn like(post: &Post, n: u32, time: Timestamp) -> Post {
    Post { id: id(n), scheduled_at: time, ..post.clone() }
}

/// An id with this number at its end.
fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u32) -> T {
    format!("00000000-0000-0000-0000-{n:012x}").parse().unwrap()
}

const DAY: (&str, &str) = ("2026-11-15T17:00:00Z", "2026-11-16T17:00:00Z");

#[test]
fn a_stretch_holds_its_start_and_not_its_end_and_no_other_agency() {
    let desk = Desk::new();
    let post = desk.post();
    let others = [
        like(&post, 1, at(DAY.0)),
        like(&post, 2, at(DAY.1)),
        Post { agency: "khac".into(), ..like(&post, 3, post.scheduled_at) },
        Post { agency: "demo2".into(), ..like(&post, 4, post.scheduled_at) },
    ];
    put(&desk, &others);
    let found = look(&desk, DAY.0, DAY.1);
    let ids: Vec<PostId> = found.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [others[0].id, post.id]);
    assert_eq!(found[1].at, post.scheduled_at);
    assert_eq!((found[1].standing(), found[1].room), (Standing::Draft, Ok(None)));
    assert_eq!(look(&desk, DAY.1, "2026-11-17T17:00:00Z").len(), 1);
}

#[test]
fn what_is_live_stands_where_it_went_live_and_says_that_it_stays() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (post, delivery) = desk.approve(&post).unwrap();
    let [entry] = &look(&desk, DAY.0, DAY.1)[..] else { panic!("one entry") };
    assert_eq!(entry.room, Ok(Some((window().not_before, window().not_after))));
    assert_eq!((entry.standing(), entry.at), (Standing::Scheduled, post.scheduled_at));
    // Live only on the next day: it stands there and nowhere else.
    let mut events = on_the_wire(delivery.digest);
    let late = loa_model::Receipt {
        remote_id: "9".into(),
        url: String::new(),
        raw: serde_json::Value::Null,
        at: at("2026-11-16T18:00:00Z"),
    };
    events.push(DeliveryEvent::Live(late));
    desk.drive(&delivery, events);
    assert!(look(&desk, DAY.0, DAY.1).is_empty());
    let [entry] = &look(&desk, DAY.1, "2026-11-17T17:00:00Z")[..] else { panic!("one entry") };
    assert_eq!((entry.id, entry.at), (post.id, at("2026-11-16T18:00:00Z")));
    assert_eq!((entry.standing(), entry.room), (Standing::Published, Err(Locked::Published)));
}

#[test]
fn of_several_deliveries_the_one_that_counts_is_shown_once() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (post, first) = desk.approve(&post).unwrap();
    desk.drive(&first, vec![DeliveryEvent::Cancel { reason: "r".into() }]);
    let [entry] = &look(&desk, DAY.0, DAY.1)[..] else { panic!("one entry") };
    assert_eq!((entry.standing(), entry.room), (Standing::Over, Err(Locked::Over)));
    assert_eq!(entry.reason, "r");
    let later =
        Window { not_before: at("2026-11-16T20:00:00Z"), not_after: at("2026-11-17T09:00:00Z") };
    let seen = post.digest();
    now(desk.review.approve_again(&desk.approver, post.id, seen, later, &desk.capability)).unwrap();
    assert!(look(&desk, DAY.0, DAY.1).is_empty(), "it goes out tomorrow");
    let both = look(&desk, DAY.0, "2026-11-17T17:00:00Z");
    assert_eq!(both.len(), 1);
    assert_eq!((both[0].standing(), both[0].at), (Standing::Scheduled, later.not_before));
}

#[test]
fn posts_in_each_others_way_are_marked_until_they_are_not() {
    let desk = Desk::new();
    let post = desk.post();
    let time = post.scheduled_at;
    let minutes = jiff::SignedDuration::from_mins;
    let account = |name: &str| -> AccountName { name.parse().unwrap() };
    let other = id::<loa_model::ArticleId>(77);
    let posts = [
        Post { article: other, ..like(&post, 1, time + minutes(9)) },
        Post { account: account("memo:khac"), ..like(&post, 2, time) },
        Post {
            content: loa_model::PostContent { format: PostFormat::Text, ..post.content.clone() },
            ..like(&post, 3, time + minutes(19))
        },
        like(&post, 4, time + minutes(60)),
        Post { state: PostState::Void, ..like(&post, 5, time + minutes(61)) },
    ];
    put(&desk, &posts);
    let clashes = |id: PostId| {
        let found = look(&desk, DAY.0, DAY.1);
        found.into_iter().find(|entry| entry.id == id).unwrap().clashes
    };
    assert_eq!(clashes(post.id), [Clash::Close, Clash::Twice]);
    assert_eq!(clashes(posts[0].id), [Clash::Close], "another article");
    assert_eq!(clashes(posts[1].id), [], "another account");
    assert_eq!(
        clashes(posts[2].id),
        [],
        "ten minutes are enough, and another form is no repetition"
    );
    assert_eq!(clashes(posts[3].id), [Clash::Twice]);
    assert_eq!(clashes(posts[4].id), [], "void");
    // A time without it: later on the day, or on another one where the article must not go out twice.
    let until = at("2026-11-18T17:00:00Z");
    let calendar = now(desk.review.calendar("demo", at(DAY.0), until, &hanoi())).unwrap();
    let later = |post: PostId| calendar.later(post, &hanoi(), until);
    assert_eq!(later(posts[0].id), Some(time + minutes(29)));
    assert_eq!(later(post.id), Some(time + minutes(24 * 60)));
    assert_eq!(later(posts[1].id), None, "it is in nothing's way");
    assert_eq!(calendar.later(post.id, &hanoi(), time + minutes(60)), None);
    assert_eq!(calendar.later(id(99), &hanoi(), until), None);
    let wall = "2026-11-17T09:00".parse().unwrap();
    let tomorrow = When::At { at: at("2026-11-17T02:00:00Z"), wall };
    now(desk.review.reschedule(&desk.author, posts[3].id, tomorrow, ZONE, None)).unwrap();
    assert_eq!(clashes(post.id), [Clash::Close]);
}

#[test]
fn every_state_has_a_standing() {
    let all = DeliveryState::ALL.map(|state| Standing::of(PostState::Approved, Some(state)));
    for standing in [
        Standing::Held,
        Standing::Published,
        Standing::Failed,
        Standing::Unconfirmed,
        Standing::Missed,
        Standing::Over,
    ] {
        assert!(all.contains(&standing), "{standing:?}");
    }
    assert_eq!(Standing::of(PostState::Void, Some(DeliveryState::Held)), Standing::Over);
    assert_eq!(Standing::of(PostState::Approved, None), Standing::Scheduled);
}

/// Writes records as an earlier release did: without entries by time.
fn as_before<R: Record>(desk: &Desk, records: &[R]) {
    let mut changes = Changes::by(Actor::Operator("test".into()), "as before");
    for record in records {
        changes = changes.put(record, loa_store::Expect::Any);
    }
    for row in &mut changes.rows {
        row.index.retain(|(index, _)| !index.ends_with("_by_time"));
    }
    now(desk.store.commit(changes)).unwrap();
}

#[test]
fn rows_of_earlier_releases_are_found_by_their_time_once_they_are_written_anew() {
    let desk = Desk::new();
    let post = desk.submitted();
    let (post, delivery) = desk.approve(&post).unwrap();
    let posts: Vec<Post> = (1..=450).map(|n| like(&post, n, post.scheduled_at)).collect();
    put(&desk, &posts);
    let all: Vec<Post> = posts.iter().chain([&post]).cloned().collect();
    assert_eq!(now(desk.review.index_times()).unwrap(), 0, "nothing to do");
    as_before(&desk, &all);
    as_before(&desk, std::slice::from_ref(&delivery));
    assert!(look(&desk, DAY.0, DAY.1).is_empty());
    assert_eq!(now(desk.review.index_times()).unwrap(), 452);
    assert_eq!(look(&desk, DAY.0, DAY.1).len(), 451);
    assert_eq!(
        (desk.read(&post), desk.deliveries()),
        (post.clone(), vec![delivery]),
        "as they were"
    );
    assert_eq!(now(desk.review.index_times()).unwrap(), 0);
    // An earlier release had the folder in between: what it wrote is the newest.
    as_before(&desk, std::slice::from_ref(&post));
    assert_eq!(now(desk.review.index_times()).unwrap(), 451);
    assert_eq!(look(&desk, DAY.0, DAY.1).len(), 451);
}

#[test]
fn a_look_is_taken_anew_once_something_of_the_agency_changed_and_only_then() {
    let desk = Desk::new();
    let post = desk.post();
    let stretch = ("demo".to_owned(), at(DAY.0), at(DAY.1));
    let known = || now(desk.review.looks.known(&*desk.store, &stretch)).unwrap();
    assert!(known().is_none(), "nobody has looked");
    assert_eq!(look(&desk, DAY.0, DAY.1).len(), 1);
    let first = known().unwrap();

    let other = Post { agency: "khac".into(), ..like(&post, 7, post.scheduled_at) };
    put(&desk, std::slice::from_ref(&other));
    let again = known().unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again), "that was another agency's");

    put(&desk, &[like(&post, 8, post.scheduled_at)]);
    assert!(known().is_none());
    assert_eq!(look(&desk, DAY.0, DAY.1).len(), 2);

    // Of a row that is gone nobody can tell whose it was.
    let row = now(desk.store.read::<Post>(&other.id.to_string())).unwrap().unwrap();
    let gone = Changes::by(Actor::Operator("test".into()), "delete");
    now(desk.store.commit(gone.delete(&other, row.version))).unwrap();
    assert!(known().is_none());

    // So much has happened since that a look is as quick.
    look(&desk, DAY.0, DAY.1);
    assert!(known().is_some());
    for n in 100..356 {
        put(&desk, &[Post { agency: "khac".into(), ..like(&post, n, post.scheduled_at) }]);
    }
    assert!(known().is_none());
    assert_eq!(look(&desk, DAY.0, DAY.1).len(), 2);
}
