//! The sample with other words: those whose vowels carry two marks, which are the first to go at few pixels.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each user takes a part of it")]

use loa_model::{Passage, Span, StoryKind};

use super::support::{self, Sample};

const TITLE: &str =
    "Diễn tập cứu hộ: những xã vùng trũng giữ vững liên lạc, sẵn sàng sơ tán trước bão";
const SAPO: &str = "Ban Chỉ huy Phòng thủ dân sự nhắc mỗi xã chuẩn bị đủ lương thực, nước sạch và thuốc cho bảy ngày, không để ai bị cô lập.";
const POINTS: [&str; 3] = [
    "Mỗi thôn lập tổ cứu hộ, dự trữ gạo, mì, nước uống và đèn pin cho những hộ dễ bị ngập.",
    "Nhà nổi, thuyền gỗ, phao cứu sinh đã được cấp cho ngư dân ở vùng trũng ẩm ướt.",
    "Trẻ nhỏ, người già, phụ nữ mang thai được đưa đến trường học kiên cố trước tối thứ bảy.",
];
const FIGURE: &str = "Tổng số lương thực dự trữ là hơn 12.600 tấn gạo, gần gấp rưỡi cùng kỳ.";
const WORDS: &str = "Chậm một giờ có thể mất cả bản; phải dời đi khi nước còn cạn";
const QUOTE: &str = "“Chậm một giờ có thể mất cả bản; phải dời đi khi nước còn cạn”, ông Đặng Hữu Phước, Chủ tịch xã, dặn bà con.";

/// The sample of a news story in these words.
pub fn marked() -> Sample {
    let mut sample = support::sample(StoryKind::News);
    let texts = [TITLE, SAPO, POINTS[0], POINTS[1], POINTS[2], FIGURE, QUOTE];
    for (block, text) in sample.article.blocks.iter_mut().zip(texts) {
        block.text = text.into();
    }
    sample.article.section = "Phòng chống lũ, bão".into();
    sample.article.digest = sample.article.content_digest();
    let place = |block: usize, words: &str| {
        let start = texts[block].find(words).expect("the words are in their block");
        let at = |byte: usize| u32::try_from(byte).expect("blocks are short");
        Span { revision: 1, block: at(block), start: at(start), end: at(start + words.len()) }
    };
    let passage = |block: usize, words: &str| Passage {
        text: words.into(),
        span: place(block, words),
        edits: vec![],
    };
    let brief = &mut sample.brief;
    brief.article_digest = sample.article.digest;
    brief.title = passage(0, TITLE);
    brief.sapo = Some(passage(1, SAPO));
    brief.points = (0..3).map(|i| passage(2 + i, POINTS[i])).collect();
    let figure = &mut brief.figures[0];
    figure.value = "hơn 12.600".into();
    figure.unit = "tấn gạo".into();
    figure.label = passage(5, "Tổng số lương thực dự trữ");
    figure.span = place(5, "hơn 12.600 tấn gạo");
    figure.sentence = passage(5, FIGURE);
    let quote = &mut brief.quotes[0];
    quote.words = passage(6, WORDS);
    quote.speaker = "Đặng Hữu Phước".into();
    quote.role = "Chủ tịch xã".into();
    quote.speaker_span = place(6, "Đặng Hữu Phước");
    assert!(sample.brief.unfaithful(&sample.article).is_empty());
    sample
}
