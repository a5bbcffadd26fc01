//! The books that reports are answered from: nothing falls out of them, what is followed is what is read anew, agencies stand side
//! by side, and a stated population bounds reach.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use jiff::SignedDuration;
use loa_model::{
    Account, AccountName, Delivery, DeliveryState, Metric, Post, PostFormat, PostId, UserId,
};
use loa_reach::{
    Books, By, Datum, Days, HourText, Population, Query, ReachRange, Report, Titles, agencies,
    article_grid, hour_chart, hours, hours_grid, lives, operations, operations_grid, overview,
    populations, ranking, ranking_grid, report, reports, state_population, trend,
    withdraw_population,
};
use loa_store::{Changes, StoreExt as _};
use support::{World, by, ready, start, value};

const ZONE: &str = "Asia/Ho_Chi_Minh";

fn week() -> Days {
    Days { first: "2026-11-16".parse().unwrap(), last: "2026-11-22".parse().unwrap() }
}

fn query(by: By) -> Query {
    let (from, to) = week().span(ZONE);
    Query { agency: "demo".into(), from, to, by, population: None }
}

fn read(n: u64, people: u64) -> Vec<loa_model::Value> {
    vec![value(Metric::Views, "1", n), value(Metric::Reach, "1", people)]
}

fn ask(world: &World, by: By) -> Report {
    report(world.open().of("demo"), &query(by)).unwrap()
}

#[test]
fn posts_of_an_account_without_a_record_are_in_every_report() {
    let world = World::new();
    let post = world.live(1, "memory:da-xoa", PostFormat::Photo, 1);
    world.sample(1, post, 60, read(40, 30));
    let kept = ready(world.store.read::<Account>("memory:da-xoa")).unwrap().unwrap();
    world.commit(Changes::by(by(), "forget").delete(&kept.record, kept.version));
    let told = ask(&world, By::Account);
    assert_eq!((told.rows[0].key.as_str(), told.total.posts), ("memory:da-xoa", 1));
    assert_eq!(told.total.cells[0].latest, 40);
    let told = ranking(world.open().of("demo"), week().span(ZONE), start()).unwrap();
    assert_eq!(told.young, 1);
}

/// Everything that reports tell.
fn everything(books: &Books, world: &World) -> String {
    let open = ready(books.open(&*world.store)).unwrap();
    let (book, span) = (open.of("demo"), week().span(ZONE));
    let now = start() + SignedDuration::from_hours(100);
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        reports(book, &query(By::Post), &By::ALL).unwrap(),
        overview(book, week(), ZONE, None).unwrap(),
        trend(book, week(), ZONE, Metric::Views).unwrap(),
        ranking(book, span, now).unwrap(),
        hours(book, span, ZONE, now).unwrap(),
        operations(book, span, now).unwrap(),
    )
}

#[test]
fn books_that_are_followed_are_those_that_are_read_anew() {
    let world = World::new();
    let followed = Books::default();
    let empty = everything(&followed, &world);
    let same = |what: &str| {
        let own = everything(&followed, &world);
        assert_eq!(own, everything(&Books::default(), &world), "{what}");
        own
    };
    let a = world.live(1, "memory:tinh", PostFormat::Photo, 1);
    let b = world.live(2, "memory:tinh", PostFormat::Video, 2);
    assert_ne!(same("two posts"), empty);
    world.sample(1, a, 60, read(10, 9));
    world.sample(2, b, 30, vec![]);
    same("samples");
    let kept = ready(world.store.read::<Post>(&a.to_string())).unwrap().unwrap();
    let mut post = kept.record;
    post.content.lang = "en".into();
    world.commit(Changes::by(by(), "edit").update(&post, kept.version));
    assert!(same("an edited post").contains("\"en\""));
    let delivery = |post: PostId| {
        let id = loa_model::DeliveryId(post.0).to_string();
        ready(world.store.read::<Delivery>(&id)).unwrap().unwrap()
    };
    let kept = delivery(b);
    let back = Delivery { state: DeliveryState::Retracted, ..kept.record.clone() };
    world.commit(Changes::by(by(), "retract").update(&back, kept.version));
    assert!(same("a post that was taken back stays").contains("posts: 2"));
    // A person's second try of the same post that came out later: the post is live since the first.
    let again = Delivery {
        id: loa_model::DeliveryId(uuid::Uuid::from_u128(77)),
        receipt: kept.record.receipt.clone().map(|receipt| loa_model::Receipt {
            at: receipt.at + SignedDuration::from_hours(2),
            ..receipt
        }),
        ..kept.record
    };
    world.commit(Changes::by(by(), "retry").insert(&again));
    same("a second delivery");
    let kept = delivery(b);
    let never = Delivery { state: DeliveryState::Rejected, receipt: None, ..kept.record };
    world.commit(Changes::by(by(), "reject").update(&never, kept.version));
    let told = same("of which the first was not");
    assert!(told.contains("2026-11-22T04:00:00Z"), "live since the second: {told}");
}

fn population(account: Option<&str>, people: u64, as_of: &str) -> Population {
    Population {
        agency: "demo".into(),
        account: account.map(|name| name.parse::<AccountName>().unwrap()),
        people,
        as_of: as_of.parse().unwrap(),
        source: "Tổng điều tra".into(),
        given_by: UserId(uuid::Uuid::from_u128(5)),
        given_at: start(),
    }
}

fn reach(world: &World, by: By, row: usize) -> (u64, u64, bool) {
    let told = ask(world, by);
    let reach = told.rows[row].reach.unwrap();
    (reach.at_least, reach.at_most, reach.capped)
}

#[test]
fn a_stated_population_bounds_reach_and_never_below_the_largest_post() {
    let world = World::new();
    for (n, account, people) in [
        (1, "memory:tinh", 100),
        (2, "memory:tinh", 90),
        (3, "memory:xa", 80),
        (4, "memory:xa", 70),
    ] {
        let post = world.live(n, account, PostFormat::Photo, n);
        world.sample(n, post, 60, read(people * 2, people));
    }
    assert_eq!(reach(&world, By::Channel, 0), (100, 340, false));
    let state = |p: &Population| ready(state_population(&*world.store, p)).unwrap();
    // Of one account: its own posts are capped, the other's are not.
    state(&population(Some("memory:xa"), 110, "2026-01-01"));
    assert_eq!(reach(&world, By::Account, 1), (80, 110, true));
    assert_eq!(reach(&world, By::Account, 0), (100, 190, false));
    assert_eq!(reach(&world, By::Channel, 0), (100, 190 + 110, true));
    // Of the agency: what it says of a later day is not known yet in the period.
    state(&population(None, 250, "2026-06-30"));
    state(&population(None, 120, "2026-11-23"));
    assert_eq!(reach(&world, By::Channel, 0), (100, 250, true));
    let told = ask(&world, By::Channel);
    let used: Vec<_> = told.populations.iter().map(|p| (p.people, p.as_of.to_string())).collect();
    assert_eq!(used, [(250, "2026-06-30".to_owned()), (110, "2026-01-01".to_owned())]);
    let told = overview(world.open().of("demo"), week(), ZONE, None).unwrap();
    assert_eq!(told.period.total.reach.unwrap().at_most, 250);
    assert_eq!(told.period.populations.len(), 2);
    assert!(told.last_year.populations.is_empty(), "nothing was stated by then");
    // A figure that cannot be: the largest post is what was counted.
    state(&population(None, 7, "2026-06-30"));
    assert_eq!(reach(&world, By::Channel, 0), (100, 100, true));
    assert_eq!(ready(populations(&*world.store, "demo")).unwrap().len(), 3, "one a day");
    assert!(ready(populations(&*world.store, "khac")).unwrap().is_empty());
    let person = UserId(uuid::Uuid::from_u128(5));
    let day = "2026-06-30".parse().unwrap();
    let withdraw = |agency| withdraw_population(&*world.store, (agency, None, day), person);
    assert!(!ready(withdraw("khac")).unwrap());
    assert!(ready(withdraw("demo")).unwrap() && !ready(withdraw("demo")).unwrap());
    assert_eq!(reach(&world, By::Channel, 0), (100, 300, true));
    // One that is asked for takes the place of the agency's.
    let asked = Query { population: Some(130), ..query(By::Channel) };
    let told = report(world.open().of("demo"), &asked).unwrap();
    assert_eq!(told.total.reach.unwrap().at_most, 130);
}

#[test]
fn agencies_stand_side_by_side_and_their_reach_is_a_range() {
    let world = World::new();
    let a = world.live(1, "memory:tinh", PostFormat::Photo, 1);
    let b = world.live(2, "memory:xa", PostFormat::Photo, 2);
    world.sample(1, a, 60, read(200, 100));
    world.sample(2, b, 60, read(30, 20));
    let demo = ask(&world, By::Channel);
    // The same posts of another agency, and one more definition of views.
    let other = World::new();
    let c = other.live(1, "memory:huyen", PostFormat::Photo, 1);
    other.sample(1, c, 60, vec![value(Metric::Views, "2", 5), value(Metric::Reach, "1", 50)]);
    let mut khac = ask(&other, By::Channel);
    khac.query.agency = "khac".into();
    let all = [("Cổng".to_owned(), demo.clone()), ("Khác".to_owned(), khac.clone())];
    let told = agencies(&all, &query(By::Channel));
    let rows: Vec<_> = told.rows.iter().map(|r| (r.key.as_str(), r.label.as_str())).collect();
    assert_eq!(rows, [("demo", "Cổng"), ("khac", "Khác")]);
    assert_eq!(told.rows[0].cells, demo.total.cells, "a row is the agency's own total");
    assert_eq!(
        told.total.reach,
        Some(ReachRange { at_least: 100, at_most: 170, posts: 3, capped: false })
    );
    let views: Vec<_> =
        told.total.cells.iter().map(|c| (c.definition.as_str(), c.gain, c.gain_posts)).collect();
    assert_eq!(views, [("1", Some(230), 2), ("2", Some(5), 1)], "two definitions are not added");
    assert_eq!((told.total.posts, told.query.agency.as_str()), (3, ""));
}

#[test]
fn long_cuts_leave_the_newest_and_say_how_many_are_left_off() {
    let world = World::new();
    for n in 1..=5 {
        world.live(n, "memory:tinh", PostFormat::Photo, n);
    }
    let mut told = ask(&world, By::Post);
    told.newest(2);
    let id = |n: u128| PostId(uuid::Uuid::from_u128(n)).to_string();
    let keys: Vec<_> = told.rows.iter().map(|row| row.key.clone()).collect();
    assert_eq!((keys, told.left_off, told.total.posts), (vec![id(5), id(4)], 3, 5));
    let mut told = ask(&world, By::Channel);
    told.newest(0);
    assert_eq!((told.rows.len(), told.left_off), (1, 0), "short cuts are whole");
}

#[test]
fn tables_say_nothing_where_nothing_is_known() {
    let world = World::new();
    let a = world.live(1, "memory:tinh", PostFormat::Photo, 1);
    let b = world.live(2, "memory:tinh", PostFormat::Photo, 1);
    let c = world.live(3, "memory:tinh", PostFormat::Photo, 1);
    world.sample(1, a, 60, read(40, 30));
    world.sample(2, b, 24 * 60 + 1, read(0, 0));
    let now = start() + SignedDuration::from_hours(30);
    let (open, span) = (world.open(), week().span(ZONE));
    let asked = [("Kỳ / Period", "16/11/2026 – 22/11/2026".to_owned())];
    let grid = ranking_grid(&ranking(open.of("demo"), span, now).unwrap(), ZONE, &asked);
    let at = |name: &str| grid.heads.iter().position(|head| head.name == name).unwrap();
    let told: Vec<_> = grid
        .rows
        .iter()
        .map(|row| (&row[at("list")], &row[at("post")], &row[at("views")]))
        .collect();
    let text = |words: &str| Datum::Text(words.to_owned());
    let id = |post: PostId| Datum::Text(post.to_string());
    assert_eq!(
        told,
        [
            (&text("top"), &id(a), &Datum::Count(40)),
            (&text("top"), &id(b), &Datum::Count(0)),
            (&text("unseen"), &id(b), &Datum::Count(0)),
            (&text("unknown"), &id(a), &Datum::None),
            (&text("unknown"), &id(c), &Datum::None),
        ],
    );
    let mut titles = Titles::default();
    titles.channels.insert("memory".into(), "Kênh Thử".into());
    let account = "memory:tinh".parse().unwrap();
    assert_eq!(grid.accounts(), [&account].into_iter().cloned().collect());
    titles.name_account(&account, "Cổng tỉnh");
    let grids = [
        hours_grid(&hours(open.of("demo"), span, ZONE, now).unwrap(), ZONE, &asked),
        operations_grid(&operations(open.of("demo"), span, now).unwrap(), ZONE, &asked),
        article_grid(
            &ready(lives(
                &*world.store,
                "demo",
                loa_model::ArticleId(uuid::Uuid::from_u128(1)),
                Metric::Views,
            ))
            .unwrap(),
            now,
            ZONE,
            &asked,
        ),
        grid,
    ];
    let csv = grids[3].csv(&titles);
    assert!(csv.contains("Nhiều lượt xem nhất,Kênh Thử,") && csv.contains(",Bài ảnh,"), "{csv}");
    assert!(csv.contains("Cổng tỉnh · Kênh Thử") && csv.contains(",Chưa đo được\r\n"), "{csv}");
    for grid in grids {
        assert!(
            !grid.rows.is_empty() && grid.rows.iter().all(|r| r.len() == grid.heads.len()),
            "{grid:?}"
        );
        let csv = grid.csv(&titles);
        assert!(csv.contains("Kênh Thử") && !csv.contains("memory,"), "{csv}");
        assert_eq!(csv.matches("\r\n").count(), grid.rows.len() + 1);
        assert!(csv.starts_with('\u{feff}') && csv.contains(grid.heads[0].vi));
        let sheets = support::workbook::sheets(&grid.xlsx(&titles).unwrap());
        assert_eq!(sheets.len(), 2, "the numbers and how to read them");
        assert!(
            sheets[1].cells.values().any(|cell| format!("{cell:?}").contains("Lượt xem / Views"))
        );
        let parquet = grid.parquet().unwrap();
        let file =
            parquet::file::reader::SerializedFileReader::new(bytes::Bytes::from(parquet)).unwrap();
        let rows = parquet::file::reader::FileReader::get_row_iter(&file, None).unwrap().count();
        assert_eq!(rows, grid.rows.len());
        assert_eq!(grid.xlsx(&titles).unwrap(), grid.xlsx(&titles).unwrap(), "the same bytes");
    }
}

#[test]
fn the_map_of_hours_is_drawn_with_a_dot_where_too_few_posts_are() {
    let world = World::new();
    for n in 1..=6u128 {
        let minutes = if n == 6 { 60 } else { 0 };
        world.clock.set(start() + SignedDuration::from_mins(minutes));
        let post = world.live(n, "memory:tinh", PostFormat::Photo, n);
        world.sample(n, post, minutes + 24 * 60, read(1000 * u64::try_from(n).unwrap(), 1));
    }
    let now = start() + SignedDuration::from_hours(30);
    let maps = hours(world.open().of("demo"), week().span(ZONE), ZONE, now).unwrap();
    let text = HourText {
        title: "Khung giờ <b>".into(),
        description: "Trung vị".into(),
        days: ["Hai", "Ba", "Tư", "Năm", "Sáu", "Bảy", "Chủ nhật"].map(str::to_owned),
        thousands: '.',
    };
    let svg = hour_chart(&[("Kênh & số".to_owned(), maps[0].clone())], &text);
    let tree = roxmltree::Document::parse(&svg).unwrap();
    let squares = tree.descendants().filter(|node| node.has_tag_name("rect")).count();
    let words: Vec<_> = tree.descendants().filter_map(|node| node.text()).collect();
    assert_eq!(squares, 7 * 24);
    assert!(
        words.contains(&"3.000") && words.contains(&"·") && words.contains(&"Kênh & số"),
        "{words:?}"
    );
    assert!(!words.contains(&"6.000"), "one post says nothing of its hour");
}
