//! Addresses of mail and the web, name by name: “info a còng chinhphu chấm vê nờ”.

use super::{
    super::{
        Lang, number,
        reader::{Match, Reader, Role},
    },
    says, word,
};

/// Mail, or an address of the web with or without its scheme. The scheme itself is not said, as people do.
pub(super) fn address(reader: &Reader<'_>, at: usize) -> Option<Match> {
    if !reader.char(at).is_ascii_alphanumeric() || reader.before(at).is_alphanumeric() {
        return None;
    }
    let mut end = reader.run(at, |c| c.is_ascii_alphanumeric() || "@._-/:?=&%#~+".contains(c));
    while ".,:?-/".contains(reader.before(end)) {
        end -= 1;
    }
    let text = reader.text(at, end);
    let body = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let said = body.unwrap_or(&text);
    let host = said.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let named = labels.len() > 1
        && labels.iter().all(|label| !label.is_empty())
        && labels.last().is_some_and(|last| reader.table.is("tld", &last.to_lowercase()));
    if body.is_none() && !named {
        return None;
    }
    says(end, spelt(reader, said), Role::Read)
}

fn spelt(reader: &Reader<'_>, text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let chars: Vec<char> = text.chars().collect();
    let parts = chars.chunk_by(|a, b| kind(*a) == kind(*b) && kind(*a) != 2);
    for part in parts {
        let run: String = part.iter().collect();
        out.push(match kind(part[0]) {
            0 => number::one_by_one(&run, reader.lang),
            // “vn” and other runs without a vowel cannot be said as a word.
            1 if word::has_vowel(&run) => run,
            1 => word::letters(reader, &run),
            _ => sign(reader, part[0]),
        });
    }
    out.retain(|said| !said.is_empty());
    out.join(" ")
}

fn kind(c: char) -> u8 {
    match c {
        '0'..='9' => 0,
        c if c.is_alphabetic() => 1,
        _ => 2,
    }
}

fn sign(reader: &Reader<'_>, c: char) -> String {
    let said = match (reader.lang, c) {
        (Lang::Vi, '.') => "chấm",
        (Lang::Vi, '/') => "xuyệt",
        (Lang::Vi, '-') => "gạch ngang",
        (Lang::Vi, '_') => "gạch dưới",
        (Lang::Vi, '?') => "hỏi",
        (Lang::Vi, '#') => "thăng",
        (Lang::En, '.') => "dot",
        (Lang::En, '/') => "slash",
        (Lang::En, '-') => "dash",
        (Lang::En, '_') => "underscore",
        (Lang::En, '?') => "question mark",
        (Lang::En, '#') => "hash",
        _ => return reader.table.sign.get(&c).cloned().unwrap_or_default(),
    };
    said.to_owned()
}
