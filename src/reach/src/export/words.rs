//! What people call the things of a report: Vietnamese first, English second.

use loa_model::{Metric, PostFormat};

use super::{Reports, Titles};
use crate::{By, ReportRow};

/// Names and meaning of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricWords {
    /// Vietnamese name.
    pub vi: &'static str,
    /// English name.
    pub en: &'static str,
    /// What it counts, in Vietnamese.
    pub means_vi: &'static str,
    /// What it counts, in English.
    pub means_en: &'static str,
}

/// What a metric is called and what it counts, the same words as on the pages.
pub fn metric_words(metric: Metric) -> MetricWords {
    let (vi, en, means_vi, means_en) = match metric {
        Metric::Reach => (
            "Tiếp cận",
            "Reach",
            "Số người khác nhau, do kênh ước tính; không cộng",
            "Different people, estimated by the channel; never added",
        ),
        Metric::Impressions => ("Hiển thị", "Impressions", "Số lần hiển thị", "Times shown"),
        Metric::Views => (
            "Lượt xem",
            "Views",
            "Số lần phát hoặc mở, theo cách đếm của kênh",
            "Times played or opened, by the channel's own rule",
        ),
        Metric::Reactions => (
            "Bày tỏ cảm xúc",
            "Reactions",
            "Lượt thích và cảm xúc khác",
            "Likes and other reactions",
        ),
        Metric::Comments => ("Bình luận", "Comments", "Số bình luận", "Comments"),
        Metric::Shares => ("Chia sẻ", "Shares", "Số lần chia sẻ", "Shares"),
        Metric::Clicks => (
            "Nhấp (kênh)",
            "Clicks (channel)",
            "Lượt nhấp do kênh đếm",
            "Clicks counted by the channel",
        ),
        Metric::LinkClicks => (
            "Nhấp liên kết",
            "Link clicks",
            "Lượt mở liên kết rút gọn của Loa, không tính máy đọc tự động",
            "Openings of Loa's short link, robots not counted",
        ),
        Metric::Audience => (
            "Người theo dõi",
            "Followers",
            "Số người theo dõi tài khoản",
            "Followers of the account",
        ),
    };
    MetricWords { vi, en, means_vi, means_en }
}

/// A metric's name in both languages.
pub(super) fn both(metric: Metric) -> String {
    let words = metric_words(metric);
    format!("{} / {}", words.vi, words.en)
}

/// Where a time or a number would stand if it were known.
pub(super) const NO_DATA: (&str, &str) = ("chưa có số liệu", "no data yet");

/// What rows are cut by.
pub(super) fn cut_words(by: By) -> (&'static str, &'static str) {
    match by {
        By::Channel => ("Kênh", "Channel"),
        By::Account => ("Tài khoản", "Account"),
        By::Format => ("Định dạng", "Format"),
        By::Article => ("Bài viết", "Article"),
        By::Post => ("Bài đăng", "Post"),
        By::Section => ("Chuyên mục", "Topic"),
        By::Language => ("Ngôn ngữ", "Language"),
        By::Agency => ("Cơ quan", "Agency"),
    }
}

fn format_words(format: PostFormat) -> (&'static str, &'static str) {
    match format {
        PostFormat::Text => ("Bài chữ", "Text"),
        PostFormat::Photo => ("Bài ảnh", "Photo"),
        PostFormat::Album => ("Album ảnh", "Album"),
        PostFormat::Video => ("Video", "Video"),
        PostFormat::ShortVideo => ("Video ngắn", "Short video"),
        PostFormat::Article => ("Bài viết", "Article"),
    }
}

/// A row's name for people: the total, formats and languages are words, accounts and channels have titles where they are known,
/// and a post is told by its account, its form and its time.
pub(super) fn row_words(all: &Reports, by: By, row: &ReportRow, total: bool) -> String {
    let titles = &all.titles;
    if total {
        return titles.say(("Tổng", "Total"));
    }
    match by {
        By::Format => {
            format_named(&row.key).map_or_else(|| row.label.clone(), |words| titles.say(words))
        }
        By::Section if row.key.is_empty() => titles.say(("Không ghi chuyên mục", "No topic given")),
        By::Language if row.key == "vi" => titles.say(("Tiếng Việt", "Vietnamese")),
        By::Language if row.key == "en" => titles.say(("Tiếng Anh", "English")),
        By::Channel => titles.channel(&row.key),
        By::Account => titles.account(&row.key),
        By::Post => match &row.post {
            Some(post) => {
                let at = titles.minute(&post.live_since.to_zoned(all.zone()));
                let account = titles.account(post.account.as_str());
                let format = titles.say(format_words(post.format));
                format!("{account} · {format} · {at} · {}", post.title)
            }
            None => row.label.clone(),
        },
        By::Article | By::Section | By::Language | By::Agency => row.label.clone(),
    }
}

/// What stands in a column of a table by its stable name, as people call it: machines read the name itself.
pub(super) fn cell_words(titles: &Titles, column: &str, name: &str) -> String {
    let words = match (column, name) {
        ("channel", _) => return titles.channel(name),
        ("account", _) => return titles.account(name),
        ("format", _) => return titles.say(format_named(name).unwrap_or((name, name))),
        ("list", "top") => ("Nhiều lượt xem nhất", "Most views"),
        ("list", "unseen") => ("Không ai xem", "Nobody saw it"),
        ("list", "unknown") => ("Chưa rõ có ai xem", "Not known"),
        ("table", "speed") => ("Thời gian đến kênh", "Time to the channel"),
        ("table", "clips") => ("Loại clip", "Kind of clip"),
        ("why" | "half_life", "not_given") => {
            ("Kênh không cung cấp", "Not provided by the channel")
        }
        ("why", "not_measured") => ("Chưa đo được", "Not measured"),
        ("half_life", "at") => ("Đã biết", "Known"),
        ("half_life", "too_young") => ("Chưa đủ 28 ngày", "Not 28 days old yet"),
        ("half_life", "not_measured") => {
            ("Không có lần đọc quanh ngày 28", "No reading around day 28")
        }
        ("half_life", "method_break") => ("Kênh đổi cách tính", "The channel changed its method"),
        ("half_life", "no_views") => ("Chưa có lượt xem sau 28 ngày", "No views after 28 days"),
        _ => (name, name),
    };
    titles.say(words)
}

fn format_named(name: &str) -> Option<(&'static str, &'static str)> {
    serde_json::from_value(name.into()).ok().map(format_words)
}

/// How to read the numbers, said wherever people read them.
pub(super) const READING: [(&str, &str); 5] = [
    (
        "Ô trống hoặc dấu “–” là chưa có số liệu, không phải số 0; số 0 là kênh đã báo 0.",
        "An empty cell or “–” is not known, it is not zero; a 0 was reported as 0.",
    ),
    (
        "Tiếp cận là số người khác nhau nên không bao giờ được cộng: ít nhất là bài đăng lớn nhất, nhiều nhất là khi không ai xem hai bài, và không quá dân số khi có người cho biết.",
        "Reach counts different people and is never added: at least the largest post, at most as if nobody saw two posts, and no more than the population where one is stated.",
    ),
    (
        "Lượt xem và các số khác chỉ cộng trong cùng một tên gốc của kênh và cùng một định nghĩa.",
        "Views and other numbers are added only within one source name of the channel and one definition.",
    ),
    (
        "“Tăng trong kỳ” tính theo lúc số liệu được ghi nhận, không theo lúc sự việc xảy ra.",
        "The gain in the period is counted when it was seen, not when it happened.",
    ),
    (
        "“Có lúc giảm”: kênh đã báo số nhỏ hơn trước. “Đổi cách tính”: không so được với số trước đó.",
        "Counter fell: the channel reported less than before. Method changed: not comparable with earlier numbers.",
    ),
];
