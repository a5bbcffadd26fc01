//! Article to Brief.

use loa_model::{
    Article, BlockKind, Brief, DateMention, Figure, Ids, LegalDoc, Passage, Quote, StoryKind,
};

use crate::{
    figures::figures,
    points::points,
    quotes::quotes,
    scan,
    text::{Sentence, body_sentences, span, trimmed},
};

/// Most hashtags: more are noise to readers and to screen readers.
const MOST_HASHTAGS: usize = 4;

/// Reads what matters out of a revision, word for word. Deterministic but for the id.
pub fn extract(article: &Article, ids: &Ids) -> Brief {
    let sentences = body_sentences(article);
    let legal_docs = legal_docs(article);
    let figures = figures(article, &sentences);
    let quotes = quotes(article);
    let dates = dates(article, &sentences);
    Brief {
        id: ids.make(),
        agency: article.agency.clone(),
        article: article.id,
        revision: article.revision,
        article_digest: article.digest,
        story: story(article, &figures, &quotes, &dates, &legal_docs),
        title: block(article, BlockKind::Title).unwrap_or_else(|| trimmed(article, 0, &(0..0))),
        sapo: block(article, BlockKind::Sapo),
        points: points(article, &sentences),
        figures,
        quotes,
        dates,
        legal_docs,
        hashtags: hashtags(article),
        steps: Vec::new(),
        events: Vec::new(),
        table: None,
        bulletin: None,
        correction: None,
    }
}

fn block(article: &Article, kind: BlockKind) -> Option<Passage> {
    let index = article.blocks.iter().position(|block| block.kind == kind)?;
    let length = article.blocks.get(index)?.text.len();
    Some(trimmed(article, index, &(0..length)))
}

fn legal_docs(article: &Article) -> Vec<LegalDoc> {
    let mut found: Vec<LegalDoc> = Vec::new();
    for (index, block) in article.blocks.iter().enumerate() {
        for range in scan::legal_numbers(&block.text) {
            let number = block.text.get(range.clone()).unwrap_or_default();
            if !found.iter().any(|doc| doc.number == number) {
                found.push(LegalDoc {
                    number: number.to_owned(),
                    span: span(article, index, &range),
                    name: None,
                    issuer: None,
                    date: None,
                });
            }
        }
    }
    found
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
                let sentence = trimmed(article, sentence.block, &sentence.range);
                found.push(DateMention { date: date.date, effective, sentence, words: None });
            }
        }
    }
    found
}

fn story(
    article: &Article,
    figures: &[Figure],
    quotes: &[Quote],
    dates: &[DateMention],
    docs: &[LegalDoc],
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
