//! What a post says that its article says, and what it says that the last approved one did not.

use std::collections::BTreeSet;

use loa_model::{Article, BodyBlock, Media, Post, PostContent, Span};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::pages::name_of;

/// Words that stand together, and what is special about them: empty when nothing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// In a source, `words` or `drawn`; in a comparison, `ins` or `del`.
    pub(crate) mark: &'static str,
}

/// Shortest sentence that is looked for: shorter ones stand in many places by chance.
const SHORTEST: usize = 12;

/// The words of a post, one field a line.
fn words_of(content: &PostContent) -> String {
    let mut all = vec![content.title.as_str(), content.text.as_str()];
    all.extend(content.body.iter().map(|block| match block {
        BodyBlock::Text { text } => text.as_str(),
        BodyBlock::Picture { caption, .. } => caption.as_str(),
    }));
    all.join("\n")
}

/// One blank between words, so that a line break of a channel does not hide what is the same.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The sentences of a text with the byte each begins at, without the blanks around them.
fn sentences(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut begin = 0;
    let mut ends = text.char_indices().peekable();
    while let Some((at, c)) = ends.next() {
        let next = ends.peek().map(|(_, next)| *next);
        let ends_here = c == '\n' || matches!(c, '.' | '!' | '?' | '…') && next == Some(' ');
        if ends_here || next.is_none() {
            let end = at + c.len_utf8();
            if let Some(sentence) = text.get(begin..end) {
                let left = sentence.len() - sentence.trim_start().len();
                found.push((begin + left, sentence.trim()));
            }
            begin = end;
        }
    }
    found.retain(|(_, sentence)| !sentence.is_empty());
    found
}

/// The blocks of an article in pieces: sentences that stand in the post are `words`, other places that its pictures and clips
/// show are `drawn`.
pub(crate) fn passages(article: &Article, post: &PostContent, drawn: &[Span]) -> Vec<Vec<Piece>> {
    let said = plain(&words_of(post));
    let of_block = |(index, text): (usize, &str)| {
        let mut marks = vec![""; text.len()];
        for span in drawn.iter().filter(|span| span.block as usize == index) {
            if let Some(range) = marks.get_mut(span.start as usize..span.end as usize) {
                range.fill("drawn");
            }
        }
        for (at, sentence) in sentences(text) {
            if sentence.len() >= SHORTEST
                && said.contains(&plain(sentence))
                && let Some(range) = marks.get_mut(at..at + sentence.len())
            {
                range.fill("words");
            }
        }
        pieces(text, &marks)
    };
    let texts = article.blocks.iter().map(|block| block.text.as_str());
    texts.enumerate().map(of_block).collect()
}

/// The text cut where the mark of its bytes changes, on borders of characters.
fn pieces(text: &str, marks: &[&'static str]) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    for (at, c) in text.char_indices() {
        let mark = marks.get(at).copied().unwrap_or_default();
        match found.last_mut().filter(|last| last.mark == mark) {
            Some(last) => last.text.push(c),
            None => found.push(Piece { text: c.to_string(), mark }),
        }
    }
    found
}

/// A line without the mark of a list that may stand before it.
fn unlisted(line: &str) -> &str {
    let line = line.trim();
    let marked = line.strip_prefix(['•', '·', '▪', '●', '-', '–', '—', '+', '*']);
    // A dash that no blank follows is part of a word or a number.
    marked.filter(|rest| rest.starts_with(char::is_whitespace)).map_or(line, unlisted)
}

/// Sentences of the post that do not stand in its article word for word. Marks of lists, the source line, the short link and
/// tags are the post's own.
pub(crate) fn not_in(article: &Article, post: &PostContent) -> Vec<String> {
    let source: Vec<String> = article.blocks.iter().map(|block| plain(&block.text)).collect();
    let source = source.join("\n");
    let credit = loa_brief::source_line(article);
    let words = words_of(post);
    let lines = words.lines().map(unlisted).filter(|line| *line != credit);
    let words = lines.collect::<Vec<_>>().join("\n");
    let own = |sentence: &str| {
        let link = !post.link.url.is_empty() && sentence.contains(&post.link.url);
        link || sentence.split_whitespace().all(|word| word.starts_with('#'))
    };
    let strange = |sentence: &&str| !own(sentence) && !source.contains(&plain(sentence));
    let all = sentences(&words);
    all.into_iter().map(|(_, sentence)| sentence).filter(strange).map(str::to_owned).collect()
}

/// A field of two posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    /// Key of its name: `title`, `author`, `text`, `tags`.
    pub(crate) name: &'static str,
    /// Both texts by words; one piece without a mark when they are the same.
    pub(crate) pieces: Vec<Piece>,
    pub(crate) same: bool,
}

/// A file of two posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FileChange {
    pub(crate) role: String,
    /// `same`, `other`, `added`, `removed`, or `alt` when only its description changed.
    pub(crate) what: &'static str,
    pub(crate) sha256: String,
    pub(crate) short: String,
    /// The one before, when it is another.
    pub(crate) was: String,
    pub(crate) was_short: String,
    /// Its description by words, when that changed.
    pub(crate) alt: Vec<Piece>,
}

/// How a post differs from another one. The short link, which each post has of its own, does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    pub(crate) fields: Vec<Field>,
    pub(crate) files: Vec<FileChange>,
    /// Nothing differs.
    pub(crate) none: bool,
}

impl Difference {
    /// Folds long stretches that are the same: pages show their number of lines until somebody opens them.
    pub(crate) fn fold(&mut self) {
        for field in self.fields.iter_mut().filter(|field| !field.same) {
            field.pieces = folded(std::mem::take(&mut field.pieces));
        }
    }
}

/// The pieces with whole lines that are the same, far from any change, as pieces of the mark `skip`.
fn folded(all: Vec<Piece>) -> Vec<Piece> {
    /// Letters that are worth a fold.
    const LONG: usize = 160;
    let last = all.len().saturating_sub(1);
    let mut found = Vec::new();
    for (at, piece) in all.into_iter().enumerate() {
        if !piece.mark.is_empty() {
            found.push(piece);
            continue;
        }
        // The line that a change stands in stays whole on both sides of it.
        let text = piece.text.as_str();
        let head = if at == 0 { 0 } else { text.find('\n').map_or(text.len(), |end| end + 1) };
        let tail = if at == last { text.len() } else { text.rfind('\n').map_or(0, |end| end + 1) };
        let middle = text.get(head..tail).unwrap_or_default();
        if middle.chars().count() < LONG {
            found.push(piece);
            continue;
        }
        let parts = [(text.get(..head), ""), (Some(middle), "skip"), (text.get(tail..), "")];
        let parts = parts.into_iter().filter_map(|(text, mark)| Some((text?, mark)));
        found.extend(
            parts
                .filter(|(text, _)| !text.is_empty())
                .map(|(text, mark)| Piece { text: text.to_owned(), mark }),
        );
    }
    found
}

/// Two texts by words. Words that went and came in one place stand together: blanks between them do not part them.
pub(crate) fn by_words(old: &str, new: &str) -> Vec<Piece> {
    let diff = TextDiff::from_words(old, new);
    let mut found: Vec<Piece> = Vec::new();
    let (mut del, mut ins, mut between) = (String::new(), String::new(), String::new());
    for change in diff.iter_all_changes() {
        let text = change.value();
        let changed = change.tag() != ChangeTag::Equal;
        if changed && !between.is_empty() {
            // The blank belongs to both, since both go on behind it.
            del.push_str(&between);
            ins.push_str(&between);
            between.clear();
        }
        match change.tag() {
            ChangeTag::Delete => del.push_str(text),
            ChangeTag::Insert => ins.push_str(text),
            ChangeTag::Equal => {
                let open = !(del.is_empty() && ins.is_empty());
                if open && between.is_empty() && text.chars().all(|c| c == ' ') {
                    between.push_str(text);
                    continue;
                }
                settle(&mut found, &mut del, &mut ins);
                push(&mut found, &between, "");
                between.clear();
                push(&mut found, text, "");
            }
        }
    }
    settle(&mut found, &mut del, &mut ins);
    push(&mut found, &between, "");
    found
}

/// What went stands before what came.
fn settle(found: &mut Vec<Piece>, del: &mut String, ins: &mut String) {
    push(found, &std::mem::take(del), "del");
    push(found, &std::mem::take(ins), "ins");
}

fn push(found: &mut Vec<Piece>, text: &str, mark: &'static str) {
    match found.last_mut().filter(|last| last.mark == mark) {
        Some(last) => last.text.push_str(text),
        None if text.is_empty() => {}
        None => found.push(Piece { text: text.to_owned(), mark }),
    }
}

/// What changed from `old` to `new`.
pub(crate) fn difference(old: &Post, new: &Post) -> Difference {
    let link = &new.content.link.url;
    // Each post has a link of its own, which would stand out in every comparison and says nothing.
    let linked = |text: &str| text.replace(&old.content.link.url, link);
    let field = |name, old: &str, new: &str| {
        let same = old == new;
        let is = |text: &str| Piece { text: text.to_owned(), mark: "" };
        Field { name, same, pieces: if same { vec![is(new)] } else { by_words(old, new) } }
    };
    let (a, b) = (&old.content, &new.content);
    let body = |content: &PostContent| {
        let texts = PostContent { title: String::new(), text: String::new(), ..content.clone() };
        words_of(&texts).trim().to_owned()
    };
    let mut fields = vec![
        field("title", &a.title, &b.title),
        field("author", &a.author, &b.author),
        field("text", &linked(&a.text), &b.text),
        field("body", &linked(&body(a)), &body(b)),
        field("tags", &a.tags.join(" "), &b.tags.join(" ")),
    ];
    fields.retain(|field| !field.same || !field.pieces.iter().all(|piece| piece.text.is_empty()));
    let files = files(&a.media, &b.media);
    let none = fields.iter().all(|field| field.same) && files.iter().all(|f| f.what == "same");
    Difference { fields, files, none }
}

/// Files of the same role, the first with the first.
fn files(old: &[Media], new: &[Media]) -> Vec<FileChange> {
    let roles: BTreeSet<_> = old.iter().chain(new).map(|file| file.role).collect();
    let mut found = Vec::new();
    for role in roles {
        let of = |files: &[Media]| -> Vec<Media> {
            files.iter().filter(|file| file.role == role).cloned().collect()
        };
        let (before, now) = (of(old), of(new));
        for at in 0..before.len().max(now.len()) {
            let (was, is) = (before.get(at), now.get(at));
            let changed = was.zip(is).is_some_and(|(was, is)| was.alt != is.alt);
            let what = match (was, is) {
                (None, _) => "added",
                (_, None) => "removed",
                (Some(was), Some(is)) if was.blob != is.blob => "other",
                _ if changed => "alt",
                _ => "same",
            };
            let hash = |file: Option<&Media>| file.map(|f| f.blob.to_string()).unwrap_or_default();
            let short = |file: Option<&Media>| file.map(|f| f.blob.short()).unwrap_or_default();
            let alt = was.zip(is).filter(|_| changed);
            found.push(FileChange {
                role: name_of(&role),
                what,
                sha256: hash(is.or(was)),
                short: short(is.or(was)),
                was: if what == "other" { hash(was) } else { String::new() },
                was_short: if what == "other" { short(was) } else { String::new() },
                alt: alt.map(|(was, is)| by_words(&was.alt, &is.alt)).unwrap_or_default(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use loa_model::{
        ArticleState, Block, BlockKind, Digest, Link, MediaRole, PostFormat, SourceRef,
    };

    use super::*;

    fn piece(text: &str, mark: &'static str) -> Piece {
        Piece { text: text.to_owned(), mark }
    }

    fn content(text: &str) -> PostContent {
        let url = "https://lo.example/l/ab".to_owned();
        PostContent {
            format: PostFormat::Text,
            lang: "vi".into(),
            title: String::new(),
            author: String::new(),
            text: text.into(),
            body: vec![],
            media: vec![],
            link: Link { code: "ab".into(), url, target: String::new() },
            tags: vec![],
        }
    }

    fn article(blocks: &[&str]) -> Article {
        let block = |text: &&str| Block { kind: BlockKind::Paragraph, text: (*text).into() };
        Article {
            id: "00000000-0000-7000-8000-000000000001".parse().unwrap(),
            agency: "demo".into(),
            revision: 1,
            digest: Digest([0; 32]),
            state: ArticleState::Ready,
            source: SourceRef {
                canonical_url: String::new(),
                publisher: String::new(),
                via: "html".into(),
            },
            lang: "vi".into(),
            section: String::new(),
            authors: vec![],
            published_at: None,
            embargo_until: None,
            keywords: vec![],
            blocks: blocks.iter().map(block).collect(),
            photos: vec![],
            videos: vec![],
            doubts: vec![],
            fetched_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn words_that_came_and_went_are_told_apart_and_nothing_else() {
        let told = by_words("Hỗ trợ 30 triệu đồng", "Hỗ trợ 20 triệu đồng");
        let expected = [
            piece("Hỗ trợ ", ""),
            piece("30", "del"),
            piece("20", "ins"),
            piece(" triệu đồng", ""),
        ];
        assert_eq!(told, expected);
        assert_eq!(by_words("như cũ", "như cũ"), [piece("như cũ", "")]);
        assert_eq!(by_words("", "mới"), [piece("mới", "ins")]);
        let told = by_words("Từ mai: gió to quá, nghỉ", "Hôm nay: mưa rất to quá, nghỉ");
        let expected = [
            piece("Từ mai: gió", "del"),
            piece("Hôm nay: mưa rất", "ins"),
            piece(" to quá, nghỉ", ""),
        ];
        assert_eq!(told, expected, "blanks alone do not part what changed");
        // Both texts can be read out of the pieces again, whatever they hold.
        let (old, new) = ("Bão <b>số</b> 9\n\nđổ bộ ẫ", "Bão số 9, \n<i>đã</i> đổ bộ ẫ…");
        let told = by_words(old, new);
        let without = |mark: &str| -> String {
            told.iter().filter(|p| p.mark != mark).map(|p| p.text.as_str()).collect()
        };
        assert_eq!((without("ins"), without("del")), (old.to_owned(), new.to_owned()));
    }

    #[test]
    fn sentences_of_the_source_that_the_post_says_are_marked_the_rest_is_not() {
        let source = article(&[
            "Hỗ trợ sinh kế ở miền núi",
            "Mức hỗ trợ 1.200 đồng là cao. Ai cũng được.  Bộ sẽ xem lại sau.",
        ]);
        let post = content(
            "Hỗ trợ sinh kế\nở miền núi\n\nBộ sẽ xem lại sau. Hay lắm!\n#TinMới\n👉 https://lo.example/l/ab",
        );
        let span = |start, end| Span { revision: 1, block: 1, start, end };
        let told = passages(&source, &post, &[span(0, 5), span(3, 4000)]);
        assert_eq!(told[0], [piece("Hỗ trợ sinh kế ở miền núi", "words")]);
        let last = [
            piece("Mức", "drawn"),
            piece(" hỗ trợ 1.200 đồng là cao. Ai cũng được.  ", ""),
            piece("Bộ sẽ xem lại sau.", "words"),
        ];
        assert_eq!(told[1], last);
        assert_eq!(not_in(&source, &post), ["Hay lắm!"]);
    }

    #[test]
    fn what_the_machine_adds_around_the_words_of_the_source_is_not_strange() {
        let mut source = article(&["Hỗ trợ sinh kế", "Mức là -3 độ. Bộ sẽ xem lại sau."]);
        source.source.publisher = "Cổng tin. Bộ Y tế".into();
        let text = "Hỗ trợ sinh kế\n\n• Bộ sẽ xem lại sau.\n- Mức là -3 độ.\n\nNguồn: Cổng tin. Bộ Y tế\n\
                    Xem chi tiết: https://lo.example/l/ab\n#A #B";
        assert_eq!(not_in(&source, &content(text)), Vec::<String>::new());
        let text = "• Bộ sẽ không xem lại.\n-3 độ\n-4 độ\nNguồn: Nơi khác";
        assert_eq!(
            not_in(&source, &content(text)),
            ["Bộ sẽ không xem lại.", "-4 độ", "Nguồn: Nơi khác"]
        );
    }

    #[test]
    fn long_stretches_that_are_the_same_are_folded_and_no_letter_is_lost() {
        let same = "Một đoạn văn dài không đổi chữ nào.\n".repeat(6);
        let (old, new) =
            (format!("{same}Mức cũ là đây\n{same}"), format!("{same}Mức mới là đây\n{same}"));
        let told = by_words(&old, &new);
        let folds = folded(told.clone());
        let marks: Vec<_> = folds.iter().map(|piece| piece.mark).collect();
        assert_eq!(marks, ["skip", "", "del", "ins", "", "skip"]);
        assert_eq!((folds[1].text.as_str(), folds[4].text.as_str()), ("Mức ", " là đây\n"));
        let all = |pieces: &[Piece]| pieces.iter().map(|p| p.text.as_str()).collect::<String>();
        assert_eq!(all(&folds), all(&told));
        let short = by_words("Một dòng\nMức cũ", "Một dòng\nMức mới");
        assert_eq!(folded(short.clone()), short);
    }

    #[test]
    fn files_are_the_same_others_added_or_removed() {
        use MediaRole::{Cover, Photo, Video};
        let file = |role, bytes: &[u8], alt: &str| Media {
            role,
            blob: Digest::of(bytes),
            bytes: 9,
            mime: "image/png".into(),
            width: 1,
            height: 1,
            duration_ms: 0,
            alt: alt.into(),
            variant: None,
        };
        let old = [file(Photo, b"a", "x"), file(Photo, b"b", "ảnh cũ"), file(Cover, b"c", "")];
        let new = [file(Photo, b"a2", "x"), file(Photo, b"b", "ảnh mới"), file(Video, b"v", "")];
        let told: Vec<_> =
            files(&old, &new).into_iter().map(|f| (f.role, f.what, f.alt.len())).collect();
        let expected = [
            ("photo", "other", 0),
            ("photo", "alt", 3),
            ("cover", "removed", 0),
            ("video", "added", 0),
        ];
        assert_eq!(told, expected.map(|(role, what, n)| (role.to_owned(), what, n)));
    }
}
