//! Key points: whole sentences, chosen by place, words shared with the headline, centrality, figures and cues.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{Article, BlockKind, Passage};

use crate::{
    alone,
    figures::quantities,
    sentence::words,
    text::{Sentence, trimmed},
};

/// Words that announce what was decided.
const CUES: [&str; 14] = [
    "có hiệu lực",
    "ban hành",
    "quyết định",
    "yêu cầu",
    "chỉ đạo",
    "mục tiêu",
    "hỗ trợ",
    "được hưởng",
    "tối đa",
    "không quá",
    "trước ngày",
    "đến ngày",
    "từ ngày",
    "giảm",
];
const STOP: [&str; 32] = [
    "và", "của", "các", "cho", "được", "là", "có", "trong", "tại", "với", "từ", "đến", "những",
    "một", "này", "khi", "về", "để", "do", "theo", "đã", "sẽ", "ra", "trên", "bằng", "ở", "cũng",
    "như", "không", "đó", "hoặc", "vào",
];

/// Fewest and most points of a brief.
const FEWEST: usize = 3;
const MOST: usize = 6;

type Bag = BTreeMap<String, f64>;

fn bag(text: &str) -> Bag {
    let mut bag = Bag::new();
    for word in words(text).filter(|word| !STOP.contains(&word.as_str())) {
        *bag.entry(word).or_default() += 1.0;
    }
    bag
}

fn cosine(a: &Bag, b: &Bag) -> f64 {
    let dot: f64 = a.iter().filter_map(|(word, n)| b.get(word).map(|m| n * m)).sum();
    let norm = |bag: &Bag| bag.values().map(|n| n * n).sum::<f64>().sqrt();
    let both = norm(a) * norm(b);
    if both > 0.0 { dot / both } else { 0.0 }
}

/// Share of the words of `part` that `whole` has too.
fn covered(part: &Bag, whole: &BTreeSet<&String>) -> f64 {
    let shared = part.keys().filter(|word| whole.contains(word)).count();
    ratio(shared, part.len())
}

fn ratio(a: usize, b: usize) -> f64 {
    let wide = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if b == 0 { 0.0 } else { wide(a) / wide(b) }
}

/// The key points, the weightiest first. None repeats the headline, the standfirst or another point.
pub(crate) fn points(article: &Article, sentences: &[Sentence]) -> Vec<Passage> {
    let title = bag(article.title());
    let sapo = bag(article.sapo());
    let said: BTreeSet<&String> = title.keys().chain(sapo.keys()).collect();
    let fit = |s: &&Sentence| {
        article.blocks.get(s.block).is_some_and(|b| b.kind != BlockKind::Sapo)
            && may_stand_alone(s.of(article))
    };
    let candidates: Vec<&Sentence> = sentences.iter().filter(fit).collect();
    let bags: Vec<Bag> = candidates.iter().map(|s| bag(s.of(article))).collect();
    let centrality: Vec<f64> =
        bags.iter().map(|a| bags.iter().map(|b| cosine(a, b)).sum::<f64>()).collect();
    let most = centrality.iter().copied().fold(f64::MIN_POSITIVE, f64::max);

    let score = |i: usize| -> f64 {
        let (Some(sentence), Some(bag), Some(central)) =
            (candidates.get(i), bags.get(i), centrality.get(i))
        else {
            return 0.0;
        };
        let text = sentence.of(article);
        let count = text.split_whitespace().count();
        let kind = article.blocks.get(sentence.block).map(|b| b.kind);
        let shared = bag.keys().filter(|word| title.contains_key(*word)).count();
        let mut score = 1.0 / (1.0 + ratio(sentence.position, 2))
            + 1.2 * ratio(shared, title.len().max(1))
            + 0.6 * central / most
            + 0.15 * f64::from(u8::from(!quantities(text).is_empty()))
            + 0.15 * f64::from(u8::from(CUES.iter().any(|cue| text.contains(cue))))
            + 0.35 * f64::from(u8::from(text.contains("có hiệu lực")));
        if !(10..=60).contains(&count) {
            score *= 0.4;
        }
        if alone::opens_leaning(text) {
            score *= 0.5;
        }
        if kind == Some(BlockKind::ListItem) {
            score *= 0.6;
        }
        if kind == Some(BlockKind::Quote) || text.contains('“') {
            score *= 0.3;
        }
        // What the standfirst says already is worth less here.
        score * (1.0 - 0.5 * covered(bag, &said).powi(2))
    };
    let scores: Vec<f64> = (0..candidates.len()).map(score).collect();

    let wanted = (candidates.len() / 4).clamp(FEWEST, MOST);
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < wanted {
        let marginal = |i: usize| {
            let near = chosen
                .iter()
                .filter_map(|j| Some(cosine(bags.get(i)?, bags.get(*j)?)))
                .fold(0.0, f64::max);
            (0.7 * scores.get(i).copied().unwrap_or(0.0) - 0.3 * near * 2.0, near)
        };
        let open = (0..candidates.len())
            .filter(|i| !chosen.contains(i))
            .map(|i| (i, marginal(i)))
            .filter(|(_, (_, near))| *near < 0.75);
        // The earlier sentence wins a tie.
        let best = open.fold(None, |best: Option<(usize, f64)>, (i, (worth, _))| match best {
            Some((_, known)) if known >= worth => best,
            _ => Some((i, worth)),
        });
        let Some((i, _)) = best else { break };
        chosen.push(i);
    }
    let passage = |i: usize| candidates.get(i).map(|s| trimmed(article, s.block, &s.range));
    let repeats = |p: &Passage| p.text == article.title() || article.sapo().contains(&p.text);
    chosen.into_iter().filter_map(passage).filter(|p| !repeats(p)).collect()
}

/// Whether a sentence says something without its neighbours.
fn may_stand_alone(text: &str) -> bool {
    let count = text.split_whitespace().count();
    (6..=80).contains(&count) && alone::is_whole(text)
}
