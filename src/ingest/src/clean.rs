//! Text as it is kept: NFC, single spaces, nothing invisible.

use unicode_normalization::UnicodeNormalization;

/// NFC, every run of white space one space, ends trimmed, control, bidirectional and zero-width characters left out.
pub fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).nfc() {
        if c.is_whitespace() {
            if !kept.is_empty() && !kept.ends_with(' ') {
                kept.push(' ');
            }
        } else {
            kept.push(c);
        }
    }
    if kept.ends_with(' ') {
        kept.pop();
    }
    kept
}

/// Characters that no reader sees but that can reorder or hide words.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e007f}')
}

/// Caption and credit of `… Ảnh: VGP/…`; the credit keeps its marker word.
pub(crate) fn split_credit(text: &str) -> (String, String) {
    const MARKERS: [&str; 6] =
        ["Ảnh minh họa:", "Ảnh minh hoạ:", "Nguồn ảnh:", "Nguồn:", "Ảnh:", "Photo:"];
    let text = clean(text);
    if text == "Nhập chú thích ảnh" {
        // The editor's field left as it was.
        return (String::new(), String::new());
    }
    split_at_marker(text, &MARKERS)
}

/// Caption and credit of a video: also `… Video: VTV`. A caption that begins so only says what it is under.
pub(crate) fn split_video_credit(text: &str) -> (String, String) {
    const MARKERS: [&str; 2] = ["Video:", "Clip:"];
    let (caption, credit) = split_credit(text);
    if !credit.is_empty() || MARKERS.iter().any(|marker| caption.starts_with(marker)) {
        return (caption, credit);
    }
    split_at_marker(caption, &MARKERS)
}

fn split_at_marker(text: String, markers: &[&str]) -> (String, String) {
    let at = markers.iter().filter_map(|marker| text.rfind(marker)).min();
    let Some((caption, credit)) = at.and_then(|at| text.split_at_checked(at)) else {
        return (text, String::new());
    };
    let caption = caption.trim_end_matches([' ', '-', '–', '—', '(', '|']);
    let open = text.contains('(') && caption.matches('(').count() == caption.matches(')').count();
    let credit = if open { credit.trim_end_matches(')') } else { credit };
    (caption.to_owned(), credit.trim().to_owned())
}

/// Text of bytes: UTF-8 whatever the header says, else the declared encoding when it is a known one.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.trim_start_matches('\u{feff}').to_owned());
    }
    let (bom, _) = encoding_rs::Encoding::for_bom(bytes).unzip();
    let named = declared
        .and_then(|name| encoding_rs::Encoding::for_label(name.trim().as_bytes()))
        .or_else(|| meta_charset(bytes));
    let (text, _, bad) = bom.or(named)?.decode(bytes);
    (!bad).then(|| text.into_owned())
}

fn meta_charset(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(2048))?).to_ascii_lowercase();
    let after = head.split_once("charset=")?.1.trim_start_matches(['"', '\'', ' ']);
    let label: String =
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    encoding_rs::Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_and_hidden_characters() {
        let check = |given: &str, kept: &str| assert_eq!(clean(given), kept, "{given:?}");
        check("Nghi\u{323} đi\u{323}nh  sô\u{301}\u{a0}42", "Nghị định số 42");
        check("  ẫ ễ\t\r\nộ\u{2003}ữ ặ đ ", "ẫ ễ ộ ữ ặ đ");
        check("a\u{202e}b\u{200b}c\u{7}d\u{feff}", "abcd");
        // A mark after a hidden character still joins its letter.
        check("e\u{200b}\u{302}\u{301}", "ế");
        check("\u{1}\n\u{2}", "");
    }

    #[test]
    fn credits_keep_their_marker() {
        let check = |given: &str, caption: &str, credit: &str| {
            assert_eq!(split_credit(given), (caption.to_owned(), credit.to_owned()), "{given}");
        };
        check(
            "Thủ tướng phát biểu - Ảnh: VGP/Nhật Bắc",
            "Thủ tướng phát biểu",
            "Ảnh: VGP/Nhật Bắc",
        );
        check("Cầu mới. Ảnh minh họa: Cổng X", "Cầu mới.", "Ảnh minh họa: Cổng X");
        check("Lễ ký (Ảnh: TTXVN)", "Lễ ký", "Ảnh: TTXVN");
        check("Ảnh: TTXVN", "", "Ảnh: TTXVN");
        check("Không có nguồn", "Không có nguồn", "");
        check("Nhập chú thích ảnh", "", "");
    }

    #[test]
    fn a_video_has_a_marker_of_its_own() {
        let check = |given: &str, caption: &str, credit: &str| {
            let split = split_video_credit(given);
            assert_eq!(split, (caption.to_owned(), credit.to_owned()), "{given}");
        };
        check("Lễ ký (Video: VTV)", "Lễ ký", "Video: VTV");
        check("Lễ ký. Clip: Hà Minh", "Lễ ký.", "Clip: Hà Minh");
        check("Video: Toàn cảnh lễ ký", "Video: Toàn cảnh lễ ký", "");
        check("Video: Toàn cảnh. Nguồn: VTV", "Video: Toàn cảnh.", "Nguồn: VTV");
        check("Lễ ký", "Lễ ký", "");
    }

    #[test]
    fn utf8_wins_over_a_wrong_header() {
        assert_eq!(decode("Đường sắt".as_bytes(), Some("iso-8859-1")).unwrap(), "Đường sắt");
        // "Việt" in windows-1258 has its mark apart.
        let old = b"<meta charset=windows-1258>Vi\xea\xf2t \xd0\xf4ng";
        assert!(clean(&decode(old, None).unwrap()).ends_with("Việt Đông"));
        assert_eq!(decode(b"\xff\x00\x81", None), None);
    }
}
