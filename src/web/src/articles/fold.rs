//! Words as people look for them: without case and without the marks of Vietnamese.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The text in small letters without marks, words parted by single spaces: `Tìm kiếm – ĐƯỜNG` is `tim kiem duong`.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let letters = text.nfd().filter(|c| !is_combining_mark(*c));
    for c in letters.flat_map(char::to_lowercase) {
        match c {
            'đ' => out.push('d'),
            c if c.is_alphanumeric() => out.push(c),
            // The number of a law is one word however it is written.
            _ if out.ends_with(' ') || out.is_empty() => {}
            _ => out.push(' '),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Words that are looked for, each as it stands behind another one.
pub(crate) struct Sought(Vec<String>);

impl Sought {
    /// The words of a folded question.
    pub(crate) fn of(question: &str) -> Self {
        Self(question.split_whitespace().map(|word| format!(" {word}")).collect())
    }
}

/// Whether every word that is looked for begins a word of a folded text.
pub(crate) fn holds(text: &str, sought: &Sought) -> bool {
    let begins = |word: &str| text.starts_with(word.trim_start()) || text.contains(word);
    sought.0.iter().all(|word| begins(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_case_and_composition_make_no_difference() {
        for (text, folded) in [
            ("Tìm kiếm", "tim kiem"),
            ("ĐƯỜNG Đông–Tây", "duong dong tay"),
            ("ẫ ễ ộ ữ ặ", "a e o u a"),
            // Decomposed, as some keyboards write.
            ("Ti\u{300}m kie\u{302}\u{301}m", "tim kiem"),
            ("  42/2022/NĐ-CP!  ", "42 2022 nd cp"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn every_word_begins_a_word_in_any_order() {
        let text = fold("Hỗ trợ sinh kế theo Nghị định 42/2022/NĐ-CP");
        for question in ["ho tro", "KẾ hỗ", "sinh k", "42/2022", "nđ-cp", ""] {
            assert!(holds(&text, &Sought::of(&fold(question))), "{question}");
        }
        for question in ["o tro", "inh", "hỗ trợ mới"] {
            assert!(!holds(&text, &Sought::of(&fold(question))), "{question}");
        }
    }
}
