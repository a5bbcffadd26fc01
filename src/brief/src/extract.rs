//! Article to Brief.

use loa_model::{
    Article, BlockKind, Brief, DateMention, Figure, Ids, LegalDoc, Passage, Quote, StoryKind,
    brief::{Event, Step, Table},
};

use crate::{
    bulletin::bulletin,
    correction::correction,
    documents::legal_docs,
    events::events,
    figures::figures,
    find,
    points::points,
    quotes::quotes,
    scan,
    steps::steps,
    table::table,
    text::{Sentence, body_sentences, trimmed, whole},
};

/// Most hashtags: more are noise to readers and to screen readers.
const MOST_HASHTAGS: usize = 4;

/// Fewest events that tell a story by themselves.
const TIMELINE: usize = 4;
/// Words of a headline that promise a comparison.
const COMPARES: [&str; 12] = [
    "so sánh",
    "chênh lệch",
    "bảng giá",
    "bảng lương",
    "bảng so sánh",
    "tăng so với",
    "giảm so với",
    "mức lương mới",
    "mức phí mới",
    "mức đóng mới",
    "mức hưởng mới",
    "khác nhau",
];
/// Words of a headline that promise events in their order.
const TIMES: [&str; 9] = [
    "mốc",
    "chặng",
    "lịch trình",
    "lịch nghỉ",
    "lịch thi",
    "diễn biến",
    "hành trình",
    "toàn cảnh",
    "nhìn lại",
];

/// Reads what matters out of a revision, word for word. Deterministic but for the id.
pub fn extract(article: &Article, ids: &Ids) -> Brief {
    let sentences = body_sentences(article);
    let legal_docs = legal_docs(article);
    let figures = figures(article, &sentences);
    let quotes = quotes(article);
    let dates = dates(article, &sentences);
    let steps = steps(article);
    let events = events(article, &sentences);
    let table = table(article);
    let correction = correction(article);
    let read = Read { steps: &steps, events: &events, table: table.as_ref() };
    let story = if correction.is_some() {
        StoryKind::Correction
    } else {
        story(article, &figures, &quotes, &dates, &legal_docs, &read)
    };
    let bulletin = (story == StoryKind::Alert).then(|| bulletin(article, &sentences)).flatten();
    Brief {
        id: ids.make(),
        agency: article.agency.clone(),
        article: article.id,
        revision: article.revision,
        article_digest: article.digest,
        story,
        title: block(article, BlockKind::Title).unwrap_or_else(|| trimmed(article, 0, &(0..0))),
        sapo: block(article, BlockKind::Sapo),
        points: points(article, &sentences),
        figures,
        quotes,
        dates,
        legal_docs,
        hashtags: hashtags(article),
        steps,
        events,
        table,
        bulletin,
        correction,
    }
}

fn block(article: &Article, kind: BlockKind) -> Option<Passage> {
    let index = article.blocks.iter().position(|block| block.kind == kind)?;
    let length = article.blocks.get(index)?.text.len();
    Some(trimmed(article, index, &(0..length)))
}

fn dates(article: &Article, sentences: &[Sentence]) -> Vec<DateMention> {
    let mut found: Vec<DateMention> = Vec::new();
    for sentence in sentences {
        let text = sentence.of(article);
        for date in scan::dates(text, article.published_at) {
            let before = text.get(..date.range.start).unwrap_or_default().trim_end();
            let in_force = before
                .rfind("có hiệu lực")
                .or_else(|| before.rfind("áp dụng"))
                .and_then(|at| before.get(at..));
            // "có hiệu lực thi hành kể từ ngày …": nothing but these words between.
            let effective = in_force.is_some_and(|words| {
                words.split_whitespace().count() <= 7 && words.ends_with("từ")
            });
            let same = |d: &DateMention| d.date == date.date && (d.effective || !effective);
            if !found.iter().any(same) {
                let words = scan::without_word(text, &date.range);
                let words = find::shifted(&words, sentence.range.start);
                found.push(DateMention {
                    date: date.date,
                    effective,
                    sentence: trimmed(article, sentence.block, &sentence.range),
                    words: Some(whole(article, sentence.block, &words)),
                });
            }
        }
    }
    found
}

/// What is asked for the kind of story.
struct Read<'a> {
    steps: &'a [Step],
    events: &'a [Event],
    table: Option<&'a Table>,
}

fn story(
    article: &Article,
    figures: &[Figure],
    quotes: &[Quote],
    dates: &[DateMention],
    docs: &[LegalDoc],
    read: &Read<'_>,
) -> StoryKind {
    const DANGERS: [&str; 12] = [
        "bão số",
        "áp thấp nhiệt đới",
        "lũ quét",
        "sạt lở",
        "ngập lụt",
        "cháy rừng",
        "động đất",
        "sóng thần",
        "dịch bệnh",
        "rét hại",
        "xả lũ",
        "mưa lũ",
    ];
    const CALLS: [&str; 6] = ["cảnh báo", "khẩn", "ứng phó", "công điện", "tin dự báo", "sơ tán"];
    let head = format!("{} {}", article.title(), article.sapo()).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| head.contains(word));
    if has(&DANGERS) && has(&CALLS) {
        return StoryKind::Alert;
    }
    let named = docs.iter().any(|doc| head.contains(&doc.number.to_lowercase()));
    let in_force = dates.iter().any(|date| date.effective);
    if named || (in_force && !docs.is_empty()) {
        return StoryKind::Decree;
    }
    if !read.steps.is_empty() {
        return StoryKind::HowTo;
    }
    let head = [article.title(), article.sapo()];
    if read.table.is_some() && head.iter().any(|text| find::says(text, &COMPARES)) {
        return StoryKind::Comparison;
    }
    if read.events.len() >= TIMELINE && find::says(article.title(), &TIMES) {
        return StoryKind::Timeline;
    }
    let letters: usize = article
        .blocks
        .iter()
        .filter(|b| loa_model::brief::is_body(b.kind))
        .map(|b| b.text.len())
        .sum();
    let spoken: usize = quotes.iter().map(|quote| quote.words.text.len()).sum();
    if spoken * 3 > letters {
        return StoryKind::Quote;
    }
    if figures.len() >= 5 { StoryKind::Figures } else { StoryKind::News }
}

/// The publisher's keywords with a capital per syllable, so that a screen reader says them right.
fn hashtags(article: &Article) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let sources = article.keywords.iter().chain(std::iter::once(&article.section));
    for keyword in sources {
        let tag: String = keyword.split(|c: char| !c.is_alphanumeric()).map(capitalised).collect();
        let letters = tag.chars().count();
        // A tag of digits alone is no tag on any platform.
        let known = found.iter().any(|other| other.to_lowercase() == tag.to_lowercase());
        if (3..=30).contains(&letters) && tag.contains(char::is_alphabetic) && !known {
            found.push(tag);
        }
    }
    found.truncate(MOST_HASHTAGS);
    found
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
