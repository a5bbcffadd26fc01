//! Slots of an account: the next free one for each post, never one for two.

use loa_model::{
    DeliveryEvent, Plan, Priority, QuietHours, Timetable, Timing, When,
    schedule::{Slot as SlotAt, SlotTaken},
};

use super::*;

/// Monday to Friday at 07:30, 11:00 and 19:45 in Hà Nội. The clock of a desk stands at 09:00 of a Monday.
fn timetable(desk: &Desk) {
    let plan = Plan {
        zone: "Asia/Ho_Chi_Minh".into(),
        slots: ["mon-fri 07:30", "mon-fri 11:00", "mon-fri 19:45"]
            .map(|slot| slot.parse().unwrap())
            .to_vec(),
        quiet: None,
        min_gap_s: 0,
    };
    let record = Timetable { account: desk.account.name.clone(), plan };
    let actor = Actor::Operator("test".into());
    now(desk.store.commit(Changes::by(actor, "set timetable").insert(&record))).unwrap();
}

fn desk() -> Desk {
    let mut desk = Desk::new();
    timetable(&desk);
    desk.when = When::NextSlot;
    let again = desk.profile[0].clone();
    // Two posts for the account, however the profile spaces them.
    desk.profile[0].after_minutes = 0;
    desk.capability.formats.insert(PostFormat::Text, {
        let mut rule = desk.capability.formats[&PostFormat::Photo].clone();
        rule.media.clear();
        rule
    });
    desk.profile.push(Slot { format: PostFormat::Text, media: vec![], ..again });
    desk
}

const ELEVEN: &str = "2026-11-16T04:00:00Z";
const EVENING: &str = "2026-11-16T12:45:00Z";
const TOMORROW: &str = "2026-11-17T00:30:00Z";

fn next(desk: &Desk) -> jiff::Timestamp {
    let slot: Option<SlotAt> = now(desk.review.next_slot(&desk.account.name)).unwrap();
    slot.unwrap().at
}

#[test]
fn each_post_gets_the_next_free_slot_of_its_account() {
    let desk = desk();
    assert_eq!(next(&desk), at(ELEVEN));
    let posts = desk.compose().unwrap().posts;
    let times: Vec<_> = posts.iter().map(|post| post.scheduled_at).collect();
    assert_eq!(times, [at(ELEVEN), at(EVENING)]);
    let wall = "2026-11-16T11:00".parse().unwrap();
    assert_eq!(posts[0].timing, Timing::Slot { wall });
    assert_eq!(posts[0].zone, "Asia/Ho_Chi_Minh");
    assert_eq!(next(&desk), at(TOMORROW));
}

#[test]
fn two_people_who_ask_at_once_never_get_the_same_slot() {
    let template = Desk::new().post();
    let mut desk = desk();
    // Somebody else's post takes the slot between our look and our commit.
    let id = "00000000-0000-0000-0000-0000000000ff".parse().unwrap();
    let rival = Post { id, scheduled_at: at(ELEVEN), ..template };
    let account = desk.account.name.clone();
    let taken = SlotTaken { account, at: at(ELEVEN), post: rival.id };
    let changes = Changes::by(Actor::User(desk.author.id), "compose posts");
    let changes = changes.insert(&rival).insert(&taken);
    let store = Arc::new(Raced { inner: desk.store.clone(), rival: Mutex::new(Some(changes)) });
    desk.review.store = store;
    let times: Vec<_> =
        desk.compose().unwrap().posts.iter().map(|post| post.scheduled_at).collect();
    assert_eq!(times, [at(EVENING), at(TOMORROW)]);
    let all = now(desk.store.all::<SlotTaken>(100)).unwrap();
    assert_eq!(all.len(), 3);
}

#[test]
fn a_slot_is_free_again_when_its_post_is_void_moved_or_called_off() {
    let desk = desk();
    let posts = desk.compose().unwrap().posts;
    let moved = When::At { at: at(TOMORROW), wall: "2026-11-17T07:30".parse().unwrap() };
    let by = desk.author.clone();
    let post = now(desk.review.reschedule(&by, posts[0].id, moved, "UTC", None)).unwrap();
    assert_eq!(post.digest(), posts[0].digest(), "no time is in what is signed");
    assert_eq!(next(&desk), at(ELEVEN), "moved away");

    // Signed for the evening, then called off.
    let evening = &posts[1];
    let submitted = now(desk.review.submit(&desk.author, evening.id, &desk.capability)).unwrap();
    let window = Window { not_before: at(EVENING), not_after: at("2026-11-17T12:00:00Z") };
    let seen = submitted.digest();
    let (_, delivery) =
        now(desk.review.approve(&desk.approver, evening.id, seen, window, &desk.capability))
            .unwrap();
    let taken = |desk: &Desk| {
        let moved =
            now(desk.review.reschedule(&by, posts[0].id, When::NextSlot, "UTC", None)).unwrap();
        let next = next(desk);
        (moved.scheduled_at, next)
    };
    assert_eq!(taken(&desk), (at(ELEVEN), at(TOMORROW)));
    desk.drive(&delivery, vec![DeliveryEvent::Cancel { reason: "đổi kế hoạch".into() }]);
    assert_eq!(next(&desk), at(EVENING), "called off");

    desk.change_article().unwrap();
    assert_eq!(next(&desk), at(ELEVEN), "void");
}

#[test]
fn an_embargo_moves_a_post_to_a_later_slot_and_its_own_slot_counts_as_taken() {
    let desk = desk();
    let mut article = now(desk
        .store
        .read::<Article>(&loa_model::article::article_key(desk.article.id, desk.article.revision)))
    .unwrap()
    .unwrap();
    article.record.embargo_until = Some(at("2026-11-16T05:00:00Z"));
    let changes = Changes::by(Actor::Operator("test".into()), "set embargo");
    now(desk.store.commit(changes.update(&article.record, article.version))).unwrap();
    let posts = desk.compose().unwrap().posts;
    assert_eq!(posts[0].scheduled_at, at(EVENING));
    let by = desk.author.clone();
    let soon = now(desk.review.reschedule(&by, posts[0].id, When::Soon, "UTC", None)).unwrap();
    assert_eq!((soon.scheduled_at, soon.timing), (at("2026-11-16T05:00:00Z"), Timing::Soon));
}

#[test]
fn without_slots_nobody_is_promised_one() {
    let mut desk = Desk::new();
    desk.when = When::NextSlot;
    assert!(matches!(desk.compose(), Err(ReviewError::Account { .. })));
    assert_eq!(now(desk.review.next_slot(&desk.account.name)).unwrap(), None);
    assert_eq!(now(desk.store.all::<Post>(10)).unwrap().len(), 0, "nothing was written");
}

/// When the two posts of a desk go that are composed for the usual time of their account.
fn usual(desk: &mut Desk) -> Vec<jiff::Timestamp> {
    desk.when = When::Usual;
    desk.profile[1].after_minutes = 0;
    desk.compose().unwrap().posts.iter().map(|post| post.scheduled_at).collect()
}

fn planned(desk: &Desk, plan: Plan) {
    let record = Timetable { account: desk.account.name.clone(), plan };
    let changes = Changes::by(Actor::Operator("test".into()), "set timetable");
    now(desk.store.commit(changes.put(&record, loa_store::Expect::Any))).unwrap();
}

const NINE: &str = "2026-11-16T02:00:00Z";
const TEN_PAST: &str = "2026-11-16T02:10:00Z";

#[test]
fn the_usual_time_of_an_account_is_its_next_slot() {
    let mut desk = desk();
    assert_eq!(usual(&mut desk), [at(ELEVEN), at(EVENING)]);
    let post = now(desk.store.all::<Post>(1)).unwrap().remove(0).record;
    assert!(matches!(post.timing, Timing::Slot { .. }));
    // What is urgent does not wait for a slot, but two posts are no faster than their account.
    let mut desk = self::desk();
    desk.priority = Priority::Urgent;
    assert_eq!(usual(&mut desk), [at(NINE), at(TEN_PAST)]);
}

#[test]
fn posts_of_one_account_are_composed_apart_from_each_other_and_from_those_that_are_there() {
    let mut desk = desk();
    planned(&desk, Plan::default());
    assert_eq!(usual(&mut desk), [at(NINE), at(TEN_PAST)]);
    // By the account's own distance, where that is longer.
    let mut desk = self::desk();
    planned(&desk, Plan { min_gap_s: 1800, ..Plan::default() });
    assert_eq!(usual(&mut desk), [at(NINE), at("2026-11-16T02:30:00Z")]);
    // By the profile's, which is longer still.
    let mut desk = self::desk();
    planned(&desk, Plan::default());
    desk.when = When::Usual;
    let posts = desk.compose().unwrap().posts;
    assert_eq!(posts[1].scheduled_at, at("2026-11-16T03:30:00Z"));

    // Ids that no desk makes: each makes the same ones.
    let id = "00000000-0000-0000-0000-0000000000ff".parse().unwrap();
    let article = "00000000-0000-0000-0000-0000000000fe".parse().unwrap();
    let other = Post { id, article, ..self::desk().post() };
    for (there, state, times) in [
        (
            "2026-11-16T02:05:20Z",
            PostState::InReview,
            ["2026-11-16T02:16:00Z", "2026-11-16T02:26:00Z"],
        ),
        ("2026-11-16T02:10:00Z", PostState::Draft, [NINE, "2026-11-16T02:20:00Z"]),
        (
            "2026-11-16T01:50:01Z",
            PostState::Draft,
            ["2026-11-16T02:01:00Z", "2026-11-16T02:11:00Z"],
        ),
        ("2026-11-16T02:05:00Z", PostState::Void, [NINE, TEN_PAST]),
    ] {
        let mut desk = self::desk();
        planned(&desk, Plan::default());
        let post = Post { scheduled_at: at(there), state, ..other.clone() };
        let changes = Changes::by(Actor::User(desk.author.id), "compose posts");
        now(desk.store.commit(changes.insert(&post))).unwrap();
        assert_eq!(usual(&mut desk), times.map(at), "{there} {state:?}");
    }
}

#[test]
fn nothing_is_composed_for_quiet_hours_that_is_not_urgent() {
    let quiet = QuietHours {
        from: "08:00".parse().unwrap(),
        to: "10:00".parse().unwrap(),
        zone: "Asia/Ho_Chi_Minh".into(),
    };
    for (priority, times) in [
        (Priority::Normal, ["2026-11-16T03:00:00Z", "2026-11-16T03:10:00Z"]),
        (Priority::Urgent, [NINE, TEN_PAST]),
    ] {
        let mut desk = desk();
        planned(&desk, Plan { quiet: Some(quiet.clone()), ..Plan::default() });
        desk.priority = priority;
        assert_eq!(usual(&mut desk), times.map(at), "{priority:?}");
    }
}

#[test]
fn two_who_compose_at_once_for_one_account_do_not_mean_the_same_minute() {
    let template = Desk::new().post();
    let mut desk = desk();
    planned(&desk, Plan::default());
    let id = "00000000-0000-0000-0000-0000000000ff".parse().unwrap();
    let rival = Post { id, scheduled_at: at(NINE), ..template };
    let taken = SlotTaken { account: desk.account.name.clone(), at: at(NINE), post: id };
    let changes = Changes::by(Actor::User(desk.author.id), "compose posts");
    let changes = changes.insert(&rival).insert(&taken);
    let store = Arc::new(Raced { inner: desk.store.clone(), rival: Mutex::new(Some(changes)) });
    desk.review.store = store;
    assert_eq!(usual(&mut desk), [at(TEN_PAST), at("2026-11-16T02:20:00Z")]);
}
