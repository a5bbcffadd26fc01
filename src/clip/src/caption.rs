//! Words into captions: at most two lines of 42 characters, broken where a speaker would pause, never between a number
//! and what it counts.

/// Most characters of a line.
pub const MAX_LINE: usize = 42;
/// Most lines of a caption.
pub const MAX_LINES: usize = 2;

/// Splits a text into captions of one or two lines of at most [`MAX_LINE`] characters. Joined with spaces they are the
/// text again.
pub fn split(text: &str) -> Vec<Vec<String>> {
    split_at(text, MAX_LINE)
}

/// The same with a shorter line, for big type.
pub fn split_at(text: &str, line: usize) -> Vec<Vec<String>> {
    let line = line.clamp(8, MAX_LINE);
    let atoms = atoms(text, line);
    let n = atoms.len();
    // The cheapest way to say the first i atoms: cost and where its last caption starts.
    let mut best: Vec<(usize, usize)> = vec![(0, 0)];
    for end in 1..=n {
        let ways = (0..end).filter_map(|start| {
            let lines = lines(&atoms[start..end], line)?;
            let (before, _) = best[start];
            (before < usize::MAX).then(|| (before + cost(&lines, line, end == n), start))
        });
        best.push(ways.min().unwrap_or((usize::MAX, 0)));
    }
    let mut captions = Vec::new();
    let mut end = n;
    while end > 0 {
        let start = best[end].1;
        captions.push(lines(&atoms[start..end], line).expect("only captions that fit were chosen"));
        end = start;
    }
    captions.reverse();
    captions
}

/// Parts a text into pages of at most `most` characters, as even as can be, where a sentence or a thought ends when there
/// is such a place near. Joined with spaces they are the text again.
pub(crate) fn pages(text: &str, most: usize) -> Vec<String> {
    let atoms = atoms(text, most.max(8));
    let n = atoms.len();
    let all: usize = atoms.iter().map(|atom| length(atom) + 1).sum();
    let even = all / all.div_ceil(most.max(8)).max(1);
    // As for captions: the cheapest way to say the first i atoms.
    let mut best: Vec<(usize, usize)> = vec![(0, 0)];
    for end in 1..=n {
        let mut wide = 0;
        let mut found = (usize::MAX, 0);
        for start in (0..end).rev() {
            wide += length(&atoms[start]) + usize::from(start + 1 < end);
            if wide > most && start + 1 < end {
                break;
            }
            let stop = atoms[end - 1].chars().next_back().unwrap_or(' ');
            let pause = match stop {
                '.' | '!' | '?' | '…' | ';' | ':' => 0,
                ',' | '”' => even * even / 16,
                _ if end == n => 0,
                _ if atoms.get(end).is_some_and(|next| joins(next)) => even * even / 5,
                // Between any two words may be the middle of one: Vietnamese writes its syllables apart.
                _ => even * even / 2,
            };
            let cost =
                best[start].0.saturating_add(even.abs_diff(wide).pow(2) + pause + even * even / 8);
            found = found.min((cost, start));
        }
        best.push(found);
    }
    let mut out = Vec::new();
    let mut end = n;
    while end > 0 {
        let start = best[end].1;
        out.push(atoms[start..end].join(" "));
        end = start;
    }
    out.reverse();
    out
}

/// Length as seen: combining marks stand on the letter before them.
pub(crate) fn length(text: &str) -> usize {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).count()
}

/// A caption costs a little for being there, more for being short, and more for stopping in the middle of a thought.
fn cost(lines: &[String], line: usize, last: bool) -> usize {
    let length: usize = lines.iter().map(|line| length(line)).sum();
    let short = (line * 3 / 2).saturating_sub(length);
    let pauses =
        lines.last().is_some_and(|line| line.ends_with(['.', ',', ';', ':', '!', '?', '”', '…']));
    800 + short * short / 2 + if pauses || last { 0 } else { 600 }
}

/// The lines of one caption, as even as can be; nothing when they do not fit.
fn lines(atoms: &[String], line: usize) -> Option<Vec<String>> {
    let whole = atoms.join(" ");
    if length(&whole) <= line {
        return Some(vec![whole]);
    }
    (1..atoms.len())
        .filter_map(|cut| {
            let (one, two) = (atoms[..cut].join(" "), atoms[cut..].join(" "));
            let (a, b) = (length(&one), length(&two));
            let pause = if one.ends_with([',', ';', ':', '.']) { 0 } else { 8 };
            (a <= line && b <= line).then(|| (a.abs_diff(b) + pause, vec![one, two]))
        })
        .min()
        .map(|(_, lines)| lines)
}

/// Words that stay on one line: a number with its unit, “tháng 8”, “Điều 5”.
fn atoms(text: &str, line: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut atoms: Vec<String> = Vec::new();
    let mut glue = false;
    for (i, word) in words.iter().enumerate() {
        let fits = atoms.last().is_some_and(|held| length(held) + 1 + length(word) <= line);
        match atoms.last_mut() {
            Some(held) if glue && fits => {
                held.push(' ');
                held.push_str(word);
            }
            _ => atoms.extend(pieces(word, line)),
        }
        let stops = word.ends_with([',', '.', ';', ':', '!', '?', ')']);
        let next = words.get(i + 1);
        glue = !stops
            && (is_number(word)
                || is_magnitude(word) && i > 0 && is_number(words[i - 1])
                || names_a_number(word) && next.is_some_and(|next| is_number(next)));
    }
    atoms
}

/// A word longer than a line (an address) is cut, since nothing else helps.
fn pieces(word: &str, line: usize) -> Vec<String> {
    if length(word) <= line {
        return vec![word.to_owned()];
    }
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(line).map(|piece| piece.iter().collect()).collect()
}

/// Whether a phrase begins with this word, so that a page may end before it.
fn joins(atom: &str) -> bool {
    let first = atom.split(' ').next().unwrap_or_default().to_lowercase();
    let words = [
        "và", "hoặc", "hay", "nhưng", "mà", "thì", "về", "của", "tại", "với", "để", "trong", "cho",
        "theo", "từ", "đến", "khi", "do", "bởi", "bằng", "nhằm", "nếu", "vì", "and", "or", "but",
        "of", "in", "on", "at", "to", "for", "with", "by", "from", "when",
    ];
    words.contains(&first.as_str())
}

fn is_number(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit())
}

fn is_magnitude(word: &str) -> bool {
    ["trăm", "nghìn", "ngàn", "vạn", "triệu", "tỷ", "tỉ"].contains(&word.to_lowercase().as_str())
}

fn names_a_number(word: &str) -> bool {
    let word = word.to_lowercase();
    let names = [
        "ngày", "tháng", "năm", "quý", "điều", "khoản", "điểm", "số", "thứ", "lần", "gần", "hơn",
        "trên", "dưới",
    ];
    names.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Vec<Vec<String>> {
        let captions = split(text);
        let joined = captions.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(joined, text.split_whitespace().collect::<Vec<_>>().join(" "));
        for lines in &captions {
            assert!((1..=MAX_LINES).contains(&lines.len()), "{lines:?}");
            assert!(lines.iter().all(|line| length(line) <= MAX_LINE), "{lines:?}");
        }
        captions
    }

    #[test]
    fn a_short_text_is_one_caption() {
        assert_eq!(check("Hoãn kỳ thi."), [["Hoãn kỳ thi."]]);
        assert!(check("  ").is_empty());
    }

    #[test]
    fn numbers_stay_with_what_they_count() {
        let text = "Đến ngày 22 tháng 11 năm 2026, cả nước đã hỗ trợ 2,5 triệu hộ nghèo và gần 334.234 căn nhà \
                    với tổng kinh phí hơn 50.000 tỷ đồng theo Điều 5 của Nghị định số 42/2022/NĐ-CP, đạt 99,8 % kế hoạch.";
        let captions = check(text);
        let whole = captions.iter().flatten().collect::<Vec<_>>();
        for kept in
            ["2,5 triệu hộ", "gần 334.234 căn", "50.000 tỷ đồng", "Điều 5", "tháng 11", "99,8 %"]
        {
            assert!(whole.iter().any(|line| line.contains(kept)), "{kept} was parted: {whole:#?}");
        }
    }

    #[test]
    fn captions_stop_where_a_speaker_would() {
        let text = "Chính phủ yêu cầu các bộ, ngành, địa phương khẩn trương rà soát, hoàn thiện thể chế; \
                    bảo đảm quyền lợi của người dân vùng sâu, vùng xa.";
        let captions = check(text);
        assert!(captions[0].last().unwrap().ends_with([',', ';']), "{captions:#?}");
    }

    #[test]
    fn pages_end_where_sentences_do() {
        let one = "Đến hết năm 2026, 100% thôn, bản có điện lưới được phủ sóng di động băng rộng.";
        let two = "Mỗi hộ nghèo được hỗ trợ 500.000 đồng để mua điện thoại thông minh.";
        assert_eq!(pages(&format!("{one} {two}"), 110), [one, two]);
        assert_eq!(pages(one, 110), [one]);
    }

    #[test]
    fn marks_that_stand_alone_are_not_counted() {
        assert_eq!(length("nghie\u{302}\u{323}m"), length("nghiệm"));
    }

    proptest! {
        #[test]
        fn pages_hold_every_word(
            words in prop::collection::vec("[a-zđẫễộữặ]{1,9}[,.]?|[0-9]{1,3}|tháng", 0..80), most in 40usize..200,
        ) {
            let text = words.join(" ");
            let pages = pages(&text, most);
            prop_assert_eq!(pages.join(" "), text);
            prop_assert!(pages.iter().all(|page| length(page) <= most), "{:?}", pages);
        }

        #[test]
        fn nothing_is_lost_and_everything_fits(
            words in prop::collection::vec("[a-zđẫễộữặ]{1,9}|[0-9]{1,3}|tháng|triệu|[a-z]{50}", 0..60),
        ) {
            let text = words.join(" ");
            let captions = split(&text);
            let squeeze = |text: &str| text.split_whitespace().collect::<String>();
            let joined: String = captions.iter().flatten().map(|line| squeeze(line)).collect();
            prop_assert_eq!(joined, squeeze(&text));
            for line in captions.iter().flatten() {
                prop_assert!(length(line) <= MAX_LINE);
            }
        }
    }
}
