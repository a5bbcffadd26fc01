//! Reports and charts.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use jiff::SignedDuration;
use loa_model::{ArticleId, Metric, PostFormat};
use loa_reach::{By, ChartText, Query, ReachRange, Report, chart, cumulative, report};
use proptest::prelude::*;
use support::{World, ready, start, value};

const CUTS: [By; 5] = [By::Channel, By::Account, By::Format, By::Article, By::Post];

fn ask(world: &World, from_min: i64, to_min: i64, by: By, population: Option<u64>) -> Report {
    let at = |minutes| start() + SignedDuration::from_mins(minutes);
    let query = Query { agency: "demo".into(), from: at(from_min), to: at(to_min), by, population };
    report(world.open().of("demo"), &query).unwrap()
}

/// Two accounts, two formats, one article; a fall, a missing number and a changed definition.
fn newsroom() -> World {
    let world = World::new();
    let a = world.live(1, "memory:cong-tin", PostFormat::Photo, 9);
    let b = world.live(2, "memory:tinh", PostFormat::Video, 9);
    world.live(3, "memory:tinh", PostFormat::Photo, 9);
    let v = |definition: &str, n| value(Metric::Views, definition, n);
    let r = |n| value(Metric::Reach, "1", n);
    for (n, post, minutes, values) in [
        (1, a, 15, vec![v("1", 100), r(70)]),
        (2, a, 60, vec![v("1", 240), r(150)]),
        (3, a, 180, vec![v("1", 230), r(160), value(Metric::Shares, "1", 0)]),
        (4, b, 15, vec![v("1", 40), r(30)]),
        (5, b, 60, vec![r(50)]),
        (6, b, 180, vec![v("2", 1000)]),
        (7, b, 360, vec![v("2", 1100)]),
    ] {
        world.sample(n, post, minutes, values);
    }
    world
}

#[test]
fn a_report_keeps_definitions_apart_and_says_how_much_it_knows() {
    let world = newsroom();
    let report = ask(&world, 0, 1000, By::Channel, None);
    let total = &report.total;
    assert_eq!((total.posts, total.measured), (3, 2));
    let cell = |metric, definition: &str| {
        total.cells.iter().find(|c| c.metric == metric && c.definition == definition).unwrap()
    };
    let first = cell(Metric::Views, "1");
    assert_eq!((first.latest, first.posts, first.gain, first.fell), (230 + 40, 2, Some(270), true));
    let second = cell(Metric::Views, "2");
    assert_eq!((second.latest, second.posts, second.gain), (1100, 1, Some(100)));
    assert!(second.method_break && !first.method_break);
    let shares = cell(Metric::Shares, "1");
    assert_eq!((shares.latest, shares.posts), (0, 1), "a real zero of one post");
    assert!(!total.cells.iter().any(|c| c.metric == Metric::Comments), "not given is not zero");
    assert_eq!(report.as_of, Some(start() + SignedDuration::from_mins(360)));
}

#[test]
fn reach_is_a_range_and_never_a_sum() {
    let world = newsroom();
    for (population, at_most, capped) in
        [(None, 210, false), (Some(180), 180, true), (Some(10), 160, true)]
    {
        let report = ask(&world, 0, 1000, By::Article, population);
        let expect = ReachRange { at_least: 160, at_most, posts: 2, capped };
        assert_eq!(report.rows[0].reach, Some(expect), "{population:?}");
        assert!(report.rows.iter().all(|row| row.cells.iter().all(|c| c.metric != Metric::Reach)));
    }
}

#[test]
fn gains_of_a_later_period_start_from_what_was_known_before() {
    let world = newsroom();
    let report = ask(&world, 100, 1000, By::Account, None);
    let row = report.rows.iter().find(|row| row.key == "memory:cong-tin").unwrap();
    let views = row.cells.iter().find(|c| c.metric == Metric::Views).unwrap();
    assert_eq!((views.gain, views.gain_posts, views.fell), (Some(-10), 1, true));
    // Published before the period and first counted in it: its gain is not known, and not zero.
    let shares = row.cells.iter().find(|c| c.metric == Metric::Shares).unwrap();
    assert_eq!((shares.latest, shares.gain, shares.gain_posts), (0, None, 0));
}

#[test]
fn json_survives_the_way_there_and_back() {
    let report = ask(&newsroom(), 0, 1000, By::Format, Some(1000));
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn the_chart_is_accessible_breaks_at_gaps_and_matches_its_table() {
    let world = newsroom();
    let article = ArticleId(uuid::Uuid::from_u128(9));
    let series = ready(cumulative(&*world.store, "demo", article, Metric::Views)).unwrap();
    assert_eq!(series.len(), 2);
    let text = ChartText {
        title: "Lượt xem <ẫ ễ ộ ữ ặ>".into(),
        description: "Tăng dần".into(),
        zone: "Asia/Ho_Chi_Minh".into(),
        missing: "chưa có".into(),
        day: "%d/%m/%Y".into(),
        thousands: '.',
    };
    let drawn = chart(&series, &text);
    let svg = &drawn.svg;
    assert!(
        svg.contains("role=\"img\"")
            && svg.contains("<title id=\"chart-title\">Lượt xem &lt;ẫ ễ ộ ữ ặ&gt;</title>")
    );
    assert_eq!(svg.matches("class=\"method-break\"").count(), 1);
    assert!(svg.contains(">1.000<") || svg.contains(">2.000<"), "{svg}");
    assert!(svg.contains("09:15 22/11/2026"), "{svg}");
    // The legend stands below the drawing, a line for each: long names do not run into each other.
    let legend: Vec<f64> = svg
        .split("<text x=\"46.0\" y=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(legend.len(), 2);
    // Whoever points at a value is told it, and a chart that leaves its page says what it is.
    assert!(svg.contains("09:15 22/11/2026: "), "{svg}");
    let alone = loa_reach::captioned(svg, "Tên & kỳ", "Cơ quan · lúc 12:00");
    let tree = roxmltree::Document::parse(&alone).unwrap();
    let said: Vec<_> = tree.root_element().children().filter_map(|node| node.text()).collect();
    assert_eq!(said, ["Tên & kỳ", "Cơ quan · lúc 12:00"]);
    assert!(tree.root_element().children().any(|node| node.has_tag_name("svg")));
    assert!(legend[0] > 280.0 && legend[1] - legend[0] >= 16.0, "{legend:?}");
    let paths: Vec<_> =
        svg.split("<path d=\"").skip(1).map(|p| p.split('"').next().unwrap()).collect();
    assert_eq!(paths[0].matches('M').count(), 1, "no gap in the first");
    assert_eq!(paths[1].matches('M').count(), 2, "the second begins anew");
    assert_eq!(drawn.table[0], ["", "memory:cong-tin", "memory:tinh"]);
    assert_eq!(drawn.table[2], ["10:00 22/11/2026", "240", "chưa có"]);
    assert_eq!(drawn.table.last().unwrap(), &["15:00 22/11/2026", "chưa có", "1.100"]);
    let empty = chart(&[], &text);
    assert!(empty.svg.ends_with("</svg>") && empty.table.len() == 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the numbers: for every cut the rows add up to the total where adding is allowed, and nowhere else.
    #[test]
    fn totals_equal_the_sums_of_rows_where_summing_is_allowed(
        posts in proptest::collection::vec((0usize..3, 0usize..2, 1u128..4), 1..6),
        numbers in proptest::collection::vec((0usize..6, 1i64..600, 0usize..4, 0u64..1_000_000, 0usize..2), 0..40),
        from in 0i64..400,
    ) {
        let world = World::new();
        let accounts = ["memory:cong-tin", "memory:tinh", "khac:so"];
        let formats = [PostFormat::Photo, PostFormat::Video];
        let ids: Vec<_> = posts.iter().enumerate()
            .map(|(n, (a, f, article))| world.live(n as u128 + 1, accounts[*a], formats[*f], *article))
            .collect();
        let metrics = [Metric::Views, Metric::Reach, Metric::Shares, Metric::Audience];
        for (n, (post, minutes, metric, number, definition)) in numbers.iter().enumerate() {
            let value = value(metrics[*metric], ["1", "2"][*definition], *number);
            world.sample(n as u128 + 1, ids[post % ids.len()], *minutes, vec![value]);
        }
        for by in CUTS {
            let report = ask(&world, from, 1000, by, None);
            for cell in &report.total.cells {
                prop_assert!(!matches!(cell.metric, Metric::Reach | Metric::Audience));
                let same: Vec<_> = report.rows.iter().flat_map(|row| &row.cells)
                    .filter(|c| (c.metric, &c.channel, &c.source_name, &c.definition) == (cell.metric, &cell.channel, &cell.source_name, &cell.definition))
                    .collect();
                prop_assert_eq!(same.iter().map(|c| c.latest).sum::<u64>(), cell.latest);
                prop_assert_eq!(same.iter().map(|c| c.posts).sum::<u32>(), cell.posts);
                prop_assert_eq!(same.iter().map(|c| c.gain_posts).sum::<u32>(), cell.gain_posts);
                let gains: Vec<_> = same.iter().filter_map(|c| c.gain).collect();
                prop_assert_eq!((!gains.is_empty()).then(|| gains.iter().sum::<i64>()), cell.gain);
            }
            prop_assert_eq!(report.rows.iter().map(|r| r.posts).sum::<u32>(), report.total.posts);
            let largest = report.rows.iter().filter_map(|r| r.reach).map(|r| r.at_least).max();
            prop_assert_eq!(largest, report.total.reach.map(|r| r.at_least));
            if let Some(reach) = report.total.reach {
                prop_assert!(reach.at_least <= reach.at_most);
            }
        }
    }
}
