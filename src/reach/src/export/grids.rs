//! What stands in the tables of each page.

use jiff::SignedDuration;
use loa_model::Metric;
use serde::Serialize;

use super::{
    grid::{Datum, Grid, Head, Kind},
    words::{both, metric_words},
};
use crate::{HalfLife, HourMap, Life, Operations, PostRef, Ranking, half_life};

const fn head(name: &'static str, vi: &'static str, en: &'static str, kind: Kind) -> Head {
    Head { name, vi, en, kind }
}

fn text(words: impl Into<String>) -> Datum {
    Datum::Text(words.into())
}

fn count(number: impl Into<u64>) -> Datum {
    Datum::Count(number.into())
}

fn known(number: Option<u64>) -> Datum {
    number.map_or(Datum::None, Datum::Count)
}

/// The stable name of a value of an enum, as in JSON.
fn name(of: impl Serialize) -> Datum {
    let value = serde_json::to_value(of).expect("a plain enum serializes");
    text(value.as_str().unwrap_or_default())
}

/// What was asked: the agency and the days, in words; then what the numbers count.
fn about(asked: &[(&str, String)], metric: Metric) -> Vec<(String, String)> {
    let asked = asked.iter().map(|(what, told)| ((*what).to_owned(), told.clone()));
    let words = metric_words(metric);
    let means = (both(metric), format!("{} / {}", words.means_vi, words.means_en));
    asked.chain([means]).collect()
}

const POST: [Head; 6] = [
    head("post", "Mã bài đăng", "Post", Kind::Text),
    head("article", "Mã bài viết", "Article", Kind::Text),
    head("account", "Tài khoản", "Account", Kind::Text),
    head("format", "Định dạng", "Format", Kind::Text),
    head("title", "Tiêu đề", "Title", Kind::Text),
    head("live_since", "Lên kênh lúc", "Live since", Kind::Time),
];
const COUNT: [Head; 3] = [
    head("channel", "Kênh", "Channel", Kind::Text),
    head("source_name", "Tên gốc của kênh", "Source name", Kind::Text),
    head("definition", "Định nghĩa", "Definition", Kind::Text),
];

fn post(post: &PostRef) -> [Datum; 6] {
    [
        text(post.post.to_string()),
        text(post.article.to_string()),
        text(post.account.to_string()),
        name(post.format),
        text(&post.title),
        Datum::Time(post.live_since),
    ]
}

/// Top and silent posts: a line each, by list.
pub fn ranking_grid(ranking: &Ranking, zone: &str, asked: &[(&str, String)]) -> Grid {
    let mut heads = vec![head("list", "Danh sách", "List", Kind::Text)];
    heads.extend(COUNT);
    heads.push(head("rank", "Hạng", "Rank", Kind::Count));
    heads.extend(POST);
    heads.extend([
        head("views", "Lượt xem", "Views", Kind::Count),
        head("read_at", "Số liệu lấy lúc", "Read at", Kind::Time),
        head("why", "Vì sao không rõ", "Why not known", Kind::Text),
    ]);
    let mut rows = Vec::new();
    for top in &ranking.top {
        for (rank, own) in (1u64..).zip(&top.posts) {
            let mut row = vec![text("top"), text(&top.channel), text(&top.source_name)];
            row.extend([text(&top.definition), count(rank)]);
            row.extend(post(&own.post));
            row.extend([count(own.views), Datum::Time(own.at), Datum::None]);
            rows.push(row);
        }
    }
    let silent = |list: &str, own: &PostRef, views: Datum, why: Datum| {
        let mut row = vec![text(list), text(own.account.channel())];
        row.extend([Datum::None, Datum::None, Datum::None]);
        row.extend(post(own));
        row.extend([views, Datum::None, why]);
        row
    };
    rows.extend(ranking.unseen.iter().map(|own| silent("unseen", own, count(0u64), Datum::None)));
    let unknown = ranking.unknown.iter();
    rows.extend(unknown.map(|(own, why)| silent("unknown", own, Datum::None, name(*why))));
    Grid {
        vi: "Bài nổi bật, bài im lặng",
        en: "Top and silent posts",
        about: about(asked, Metric::Views),
        zone: zone.to_owned(),
        heads,
        rows,
        as_of: ranking.as_of,
    }
}

/// The maps of hours: a line for each hour in which something went live.
pub fn hours_grid(maps: &[HourMap], zone: &str, asked: &[(&str, String)]) -> Grid {
    let mut heads = COUNT.to_vec();
    heads.extend([
        head("weekday", "Thứ (1 là thứ Hai)", "Weekday, Monday is 1", Kind::Count),
        head("hour", "Giờ", "Hour", Kind::Count),
        head("posts", "Số bài", "Posts", Kind::Count),
        head(
            "median_views_24h",
            "Trung vị lượt xem sau 24 giờ",
            "Median views at 24 h",
            Kind::Count,
        ),
    ]);
    let mut rows = Vec::new();
    for map in maps {
        for hour in &map.hours {
            rows.push(vec![
                text(&map.channel),
                text(&map.source_name),
                text(&map.definition),
                count(u64::from(hour.weekday) + 1),
                count(hour.hour),
                count(hour.posts),
                known(hour.median),
            ]);
        }
    }
    Grid {
        vi: "Khung giờ",
        en: "Hours",
        about: about(asked, Metric::Views),
        zone: zone.to_owned(),
        heads,
        rows,
        as_of: maps.iter().filter_map(|map| map.as_of).max(),
    }
}

/// Operations: how long articles take to each channel, then clips by kind.
pub fn operations_grid(told: &Operations, zone: &str, asked: &[(&str, String)]) -> Grid {
    let mut heads = vec![head("table", "Bảng", "Table", Kind::Text)];
    heads.extend(COUNT);
    heads.extend([
        head("articles", "Số bài viết", "Articles", Kind::Count),
        head("articles_unknown", "Không rõ giờ đăng", "Articles of unknown time", Kind::Count),
        head("median_seconds", "Trung vị, giây", "Median, seconds", Kind::Count),
        head("p95_seconds", "95% không quá, giây", "95 % within, seconds", Kind::Count),
        head("low_band", "Clip cho mạng yếu", "Clip for slow links", Kind::Flag),
        head("posts", "Số bài", "Posts", Kind::Count),
        head(
            "median_views_24h",
            "Trung vị lượt xem sau 24 giờ",
            "Median views at 24 h",
            Kind::Count,
        ),
    ]);
    let speed = told.speed.iter().map(|speed| {
        vec![
            text("speed"),
            text(&speed.channel),
            Datum::None,
            Datum::None,
            count(speed.articles),
            count(speed.unknown),
            known(speed.median_s),
            known(speed.p95_s),
            Datum::None,
            Datum::None,
            Datum::None,
        ]
    });
    let bands = told.bands.iter().map(|band| {
        vec![
            text("clips"),
            text(&band.channel),
            text(&band.source_name),
            text(&band.definition),
            Datum::None,
            Datum::None,
            Datum::None,
            Datum::None,
            Datum::Flag(band.low),
            count(band.posts),
            known(band.median),
        ]
    });
    Grid {
        vi: "Vận hành",
        en: "Operations",
        about: about(asked, Metric::Views),
        zone: zone.to_owned(),
        heads,
        rows: speed.chain(bands).collect(),
        as_of: told.as_of,
    }
}

/// The posts of an article: a line for each reading of views, and one for a post that has none.
pub fn article_grid(
    lives: &[Life],
    now: jiff::Timestamp,
    zone: &str,
    asked: &[(&str, String)],
) -> Grid {
    let mut heads = POST.to_vec();
    heads.extend([
        head("source_name", "Tên gốc của kênh", "Source name", Kind::Text),
        head("read_at", "Số liệu lấy lúc", "Read at", Kind::Time),
        head("age_seconds", "Tuổi bài, giây", "Age, seconds", Kind::Count),
        head("views", "Lượt xem lũy kế", "Views so far", Kind::Count),
        head("method_break", "Đổi cách tính", "Method changed", Kind::Flag),
        head("half_life", "Chu kỳ bán rã", "Half-life", Kind::Text),
        head("half_life_seconds", "Chu kỳ bán rã, giây", "Half-life, seconds", Kind::Count),
    ]);
    let mut rows = Vec::new();
    for life in lives {
        for series in &life.series {
            let half = half_life(series, now);
            let (state, seconds) = match half {
                HalfLife::At { age_s, .. } => ("at", u64::try_from(age_s).ok()),
                HalfLife::TooYoung => ("too_young", None),
                HalfLife::NotMeasured => ("not_measured", None),
                HalfLife::NotGiven => ("not_given", None),
                HalfLife::MethodBreak => ("method_break", None),
                HalfLife::NoViews => ("no_views", None),
            };
            for point in &series.points {
                let age = point.at.duration_since(series.live_since).max(SignedDuration::ZERO);
                let mut row = post(&life.post).to_vec();
                row.extend([
                    text(&series.source_name),
                    Datum::Time(point.at),
                    known(u64::try_from(age.as_secs()).ok()),
                    known(point.value),
                    Datum::Flag(point.method_break),
                    text(state),
                    known(seconds),
                ]);
                rows.push(row);
            }
        }
        if life.series.is_empty() {
            let mut row = post(&life.post).to_vec();
            row.extend([Datum::None, life.measured_at.map_or(Datum::None, Datum::Time)]);
            row.extend([Datum::None, Datum::None, Datum::None, text("not_given"), Datum::None]);
            rows.push(row);
        }
    }
    Grid {
        vi: "Lượt xem theo tuổi bài",
        en: "Views by age",
        about: about(asked, Metric::Views),
        zone: zone.to_owned(),
        heads,
        rows,
        as_of: lives.iter().filter_map(|life| life.measured_at).max(),
    }
}
