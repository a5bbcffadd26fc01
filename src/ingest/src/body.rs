//! The body of a page: its blocks and photos, without what publishing systems put in between.

use std::sync::LazyLock;

use loa_model::{Block, BlockKind};
use scraper::{ElementRef, Html, Node, Selector};

use crate::{
    Place,
    clean::{clean, split_credit},
    draft::PhotoRef,
};

/// Related news, calls to read on, advertisements, comments, navigation and everything that is not text.
static NOISE: LazyLock<Selector> = LazyLock::new(|| {
    selector(
        "script, style, noscript, template, iframe, form, button, input, textarea, select, svg, nav, aside, footer, header, \
         [type=RelatedNewsBox], [type=RelatedOneNews], .kbwscwl-relatedbox, .readmore-body-box, #InreadPc, .box-tinlienquanv2, \
         .article-relate, .related, .relate-news, .detail-tags, .tags, .comments, .comment, .social, .share, .breadcrumb, \
         .adsbygoogle, .ads, .advertisement, .banner, .NLPlaceholderShow, [hidden], [aria-hidden=true], .VideoCMS_Caption",
    )
});
static CANDIDATES: LazyLock<Selector> =
    LazyLock::new(|| selector("article, main, section, div, td"));
static PARAGRAPHS: LazyLock<Selector> = LazyLock::new(|| selector("p"));
static LINKS: LazyLock<Selector> = LazyLock::new(|| selector("a"));
static PICTURES: LazyLock<Selector> = LazyLock::new(|| selector("img"));
static CAPTIONS: LazyLock<Selector> =
    LazyLock::new(|| selector("figcaption, .PhotoCMS_Caption, .caption, .pCaption"));
static CELLS: LazyLock<Selector> = LazyLock::new(|| selector("td, th"));

/// Elements inside each other that are followed; deeper ones count as one run of words.
const MAX_FOLLOWED: usize = 80;
/// Photos of one article.
const MAX_PHOTOS: usize = 30;
/// Fewest letters of a body that was found by density alone.
const ENOUGH: usize = 200;

fn selector(css: &str) -> Selector {
    Selector::parse(css).expect("the selectors of this file are valid")
}

/// What a frame holds.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) blocks: Vec<Block>,
    pub(crate) photos: Vec<PhotoRef>,
    /// A name under the text, aligned right.
    pub(crate) signed: Option<String>,
}

/// Blocks and photos of a frame; `skip` (the standfirst) is left out where it stands inside.
pub(crate) fn read(frame: ElementRef<'_>, skip: Option<ElementRef<'_>>, place: &Place) -> Body {
    let mut reader = Reader { body: Body::default(), words: String::new(), skip, place };
    reader.children(frame, BlockKind::Paragraph, 0);
    reader.flush(BlockKind::Paragraph);
    reader.body
}

/// The element with most words of its own paragraphs that are not links.
pub(crate) fn densest(page: &Html) -> Option<ElementRef<'_>> {
    let weight = |element: &ElementRef<'_>| -> usize {
        let own = element.child_elements().filter(|child| PARAGRAPHS.matches(child));
        own.map(|paragraph| {
            let all = paragraph.text().map(|t| t.trim().len()).sum::<usize>();
            let linked: usize =
                paragraph.select(&LINKS).flat_map(|a| a.text()).map(|t| t.trim().len()).sum();
            all.saturating_sub(linked * 2)
        })
        .sum()
    };
    let noise = |element: &ElementRef<'_>| {
        NOISE.matches(element)
            || element.ancestors().filter_map(ElementRef::wrap).any(|a| NOISE.matches(&a))
    };
    let mut found: Vec<_> = page
        .select(&CANDIDATES)
        .map(|e| (weight(&e), e))
        .filter(|(weight, _)| *weight >= ENOUGH)
        .collect();
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.into_iter().map(|(_, element)| element).find(|element| !noise(element))
}

struct Reader<'a> {
    body: Body,
    words: String,
    skip: Option<ElementRef<'a>>,
    place: &'a Place,
}

impl<'a> Reader<'a> {
    fn children(&mut self, element: ElementRef<'a>, kind: BlockKind, depth: usize) {
        if depth > MAX_FOLLOWED {
            self.words.extend(element.text());
            return;
        }
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.words.push_str(text),
                Node::Element(_) => {
                    if let Some(child) = ElementRef::wrap(child) {
                        self.element(child, kind, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, element: ElementRef<'a>, kind: BlockKind, depth: usize) {
        if NOISE.matches(&element) || self.skip.is_some_and(|skip| skip.id() == element.id()) {
            return;
        }
        let inner = match element.value().name() {
            "br" => return self.flush(kind),
            "img" => return self.photo(element, None),
            "figure" => {
                self.flush(kind);
                return self.figure(element);
            }
            "tr" => {
                self.flush(kind);
                return self.row(element);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => BlockKind::Heading,
            "li" => BlockKind::ListItem,
            "blockquote" => BlockKind::Quote,
            "p" => kind,
            "div" | "section" | "article" | "main" | "ul" | "ol" | "table" | "tbody" | "thead"
            | "dl" | "dt" | "dd" | "figcaption" | "center" | "pre" | "hr" | "address"
            | "details" | "summary" | "html" | "body" => kind,
            _ => return self.children(element, kind, depth),
        };
        self.flush(kind);
        if element.value().name() == "p" && is_right_aligned(element) {
            let name = clean(&element.text().collect::<String>());
            if name.chars().count() <= 60 && !name.is_empty() {
                self.body.signed = Some(name);
                return;
            }
        }
        self.children(element, inner, depth);
        self.flush(inner);
    }

    fn flush(&mut self, kind: BlockKind) {
        let text = clean(&std::mem::take(&mut self.words));
        if text.is_empty() || text.chars().all(|c| !c.is_alphanumeric()) {
            return;
        }
        // "Ảnh: …" alone under a picture is its credit, not a sentence.
        let (caption, credit) = split_credit(&text);
        if caption.is_empty()
            && let Some(photo) = self.body.photos.last_mut()
            && photo.credit.is_empty()
        {
            photo.credit = credit;
            return;
        }
        self.body.blocks.push(Block { kind, text });
    }

    fn figure(&mut self, figure: ElementRef<'a>) {
        let caption = figure
            .select(&CAPTIONS)
            .find(|c| !NOISE.matches(c))
            .map(|c| c.text().collect::<String>());
        let mut pictures = figure.select(&PICTURES);
        match pictures.next() {
            Some(picture) => self.photo(picture, caption),
            // A figure without a picture holds a video or a table; its words still count.
            None => self.children(figure, BlockKind::Paragraph, MAX_FOLLOWED / 2),
        }
        for more in pictures {
            self.photo(more, None);
        }
    }

    fn photo(&mut self, picture: ElementRef<'a>, caption: Option<String>) {
        let source = ["data-original", "data-src", "src"]
            .iter()
            .filter_map(|name| picture.attr(name))
            .find(|source| !source.is_empty() && !source.starts_with("data:"));
        let small = ["w", "h", "width", "height"]
            .iter()
            .filter_map(|name| picture.attr(name)?.trim_end_matches("px").parse::<u32>().ok())
            .any(|pixels| pixels < 120);
        let Some(place) = source.filter(|_| !small).and_then(|source| self.place.photo(source))
        else {
            return;
        };
        if self.body.photos.len() >= MAX_PHOTOS || self.body.photos.iter().any(|p| p.place == place)
        {
            return;
        }
        let (caption, credit) = split_credit(&caption.unwrap_or_default());
        if !caption.is_empty() {
            self.body.blocks.push(Block { kind: BlockKind::Caption, text: caption.clone() });
        }
        let alt = clean(picture.attr("alt").unwrap_or_default());
        self.body.photos.push(PhotoRef { place, caption, credit, alt });
    }

    fn row(&mut self, row: ElementRef<'a>) {
        let cells: Vec<String> =
            row.select(&CELLS).map(|cell| clean(&cell.text().collect::<String>())).collect();
        if let [only] = cells.as_slice() {
            // A table of one column is layout.
            if row.select(&PICTURES).next().is_none() {
                self.words.push_str(only);
                self.flush(BlockKind::Paragraph);
                return;
            }
        }
        if let Some(picture) = row.select(&PICTURES).next() {
            return self.photo(picture, None);
        }
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.body.blocks.push(Block { kind: BlockKind::TableRow, text: cells.join("\t") });
        }
    }
}

fn is_right_aligned(element: ElementRef<'_>) -> bool {
    let style = element.attr("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
    style.contains("text-align:right")
        || element.attr("align").is_some_and(|a| a.eq_ignore_ascii_case("right"))
}
