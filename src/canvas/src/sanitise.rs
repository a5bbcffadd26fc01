//! Text made safe to set: what is left cannot run off the page, drip over its neighbours or change direction.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// Clusters of one word before a place to break is put into it.
const LONG_WORD: usize = 24;
/// Marks one letter may carry after composition; Vietnamese needs none, other Latin scripts two.
const MAX_MARKS: usize = 2;
/// Marks of scripts that stack them by rule (Khmer, Lao, Thai, Indic).
const MAX_SCRIPT_MARKS: usize = 4;

const NBSP: char = '\u{a0}';
const BREAK: char = '\u{200b}';

/// Words after a number that stay on its line.
const UNITS: [&str; 42] = [
    "triệu", "tỷ", "tỉ", "nghìn", "ngàn", "đồng", "usd", "vnd", "vnđ", "euro", "căn", "nhà", "hộ",
    "người", "tháng", "ngày", "năm", "giờ", "phút", "tuần", "ha", "km", "km²", "m", "m²", "m³",
    "kg", "g", "tấn", "tạ", "kwh", "mw", "%", "lít", "xã", "huyện", "tỉnh", "điểm", "lần",
    "million", "billion", "percent",
];

/// NFC, no control or direction characters, single spaces, at most a few marks a letter, places to break in endless
/// words, numbers kept with their units.
pub fn text(raw: &str) -> String {
    // Refused characters go before composing, else they would keep a letter and its mark apart.
    let kept =
        raw.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_refused(*c));
    let composed: String = kept.nfc().collect();
    let mut plain = String::with_capacity(composed.len());
    let mut marks = 0;
    let mut space = true;
    for c in composed.chars() {
        if c == ' ' {
            if !space {
                plain.push(' ');
            }
            (space, marks) = (true, 0);
            continue;
        }
        if is_combining_mark(c) {
            marks += 1;
            if space || marks > if is_diacritic(c) { MAX_MARKS } else { MAX_SCRIPT_MARKS } {
                continue;
            }
        } else {
            marks = 0;
        }
        space = false;
        plain.push(c);
    }
    bind_units(&break_words(plain.trim_end()))
}

/// The same words without what [`text`] adds for setting: for comparing with the source.
pub fn bare(set: &str) -> String {
    set.chars().filter(|c| !c.is_whitespace() && *c != BREAK && !is_refused(*c)).nfc().collect()
}

fn is_refused(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}' | '\u{e000}'..='\u{f8ff}')
}

fn is_diacritic(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

fn break_words(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for (index, word) in plain.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        if word.graphemes(true).take(LONG_WORD + 1).count() <= LONG_WORD {
            out.push_str(word);
            continue;
        }
        for (at, cluster) in word.graphemes(true).enumerate() {
            if at > 0 && at % (LONG_WORD / 2) == 0 {
                out.push(BREAK);
            }
            out.push_str(cluster);
        }
    }
    out
}

fn bind_units(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    let mut last_is_number = false;
    for (index, word) in plain.split(' ').enumerate() {
        let bare: String = word
            .trim_end_matches(['.', ',', ';', ':', ')', '!', '?', '”', '"', '…'])
            .to_lowercase();
        let bare = bare.split('/').next().unwrap_or_default();
        if index > 0 {
            out.push(if last_is_number && UNITS.contains(&bare) { NBSP } else { ' ' });
        }
        out.push_str(word);
        // “60 triệu đồng” is one thing: a unit that follows a number carries the binding on.
        last_is_number = word.chars().next_back().is_some_and(char::is_numeric)
            || (last_is_number && matches!(bare, "triệu" | "tỷ" | "tỉ" | "nghìn" | "ngàn"));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_reader_sees_is_kept_and_tricks_are_not() {
        for (raw, want) in [
            ("  Đẩy nhanh\n\txóa  nhà tạm ", "Đẩy nhanh xóa nhà tạm"),
            ("ẫ ễ ộ ữ ặ", "ẫ ễ ộ ữ ặ"),
            ("ha\u{302}\u{303}p", "hẫp"),
            ("hỗ trợ 60 triệu đồng/nhà", "hỗ trợ 60\u{a0}triệu\u{a0}đồng/nhà"),
            ("tăng 2,5 % (3 ngày).", "tăng 2,5\u{a0}% (3\u{a0}ngày)."),
            ("năm 2025 người dân", "năm 2025\u{a0}người dân"),
            ("\u{202e}abc\u{2066}d\u{feff}\u{0}\u{1b}[0m", "abcd[0m"),
            ("a\u{335}\u{336}\u{337}\u{338}b", "a\u{335}\u{336}b"),
            ("👨‍👩‍👧 🇻🇳", "👨‍👩‍👧 🇻🇳"),
            ("ខ្មែរ ລາວ العربية 한국어", "ខ្មែរ ລາວ العربية 한국어"),
            ("#panic() #read(\"/etc/passwd\") *x* $y$", "#panic() #read(\"/etc/passwd\") *x* $y$"),
            ("", ""),
        ] {
            assert_eq!(text(raw), want, "{raw:?}");
        }
    }

    #[test]
    fn an_endless_word_gets_places_to_break() {
        let out = text(&"ẫ".repeat(100));
        assert_eq!(out.matches(BREAK).count(), 8);
        assert_eq!(bare(&out), "ẫ".repeat(100));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_stable_and_keeps_the_letters(raw in "[a-zđẫễộữặ0-9%.,/ \u{300}-\u{304}\u{202e}]{0,80}") {
            let once = text(&raw);
            prop_assert_eq!(text(&once), once.clone());
            prop_assert!(!once.chars().any(|c| is_refused(c) && c != BREAK), "{:?}", once);
            prop_assert!(!once.contains("  "));
        }
    }
}
