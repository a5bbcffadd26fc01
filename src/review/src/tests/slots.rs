//! Slots of an account: the next free one for each post, never one for two.

use loa_model::{
    DeliveryEvent, Plan, Timetable, Timing, When,
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
