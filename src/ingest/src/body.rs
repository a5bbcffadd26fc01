//! The body of a page: its blocks, photos and videos, without what publishing systems put in between.

use std::sync::LazyLock;

use loa_model::{Block, BlockKind};
use scraper::{ElementRef, Html, Node, Selector};

use crate::{
    Place,
    clean::{clean, split_credit, split_video_credit},
    draft::PhotoRef,
    video::{Form, Named, Videos},
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
static FILMS: LazyLock<Selector> = LazyLock::new(|| selector("video"));
static SOURCES: LazyLock<Selector> = LazyLock::new(|| selector("source"));
/// What shows something of another place: a frame, and the player that the publishing system sets there by script.
static PLAYERS: LazyLock<Selector> = LazyLock::new(|| selector("iframe, [type=VideoStream]"));
static FILM_CAPTIONS: LazyLock<Selector> =
    LazyLock::new(|| selector("figcaption, .VideoCMS_Caption, .PhotoCMS_Caption, .caption"));
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
    pub(crate) videos: Videos,
    /// A name under the text, aligned right.
    pub(crate) signed: Option<String>,
}

/// Blocks, photos and videos of a frame; `skip` (the standfirst) is left out where it stands inside.
pub(crate) fn read(frame: ElementRef<'_>, skip: Option<ElementRef<'_>>, place: &Place) -> Body {
    let mut reader =
        Reader { body: Body::default(), words: String::new(), skip, place, after_video: false };
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
    /// Whether a video, not a photo, was read last.
    after_video: bool,
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
        if PLAYERS.matches(&element) {
            self.player(element);
        }
        if NOISE.matches(&element) || self.skip.is_some_and(|skip| skip.id() == element.id()) {
            return;
        }
        let inner = match element.value().name() {
            "br" => return self.flush(kind),
            "img" => return self.photo(element, None),
            // Its words are for those who cannot see it.
            "video" => return self.video(element, ""),
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
        // "Ảnh: …" alone under a picture or a video is its credit, not a sentence.
        let (caption, credit) = split_credit(&text);
        let above = if self.after_video {
            self.body.videos.found.last_mut().map(|video| &mut video.credit)
        } else {
            self.body.photos.last_mut().map(|photo| &mut photo.credit)
        };
        if caption.is_empty()
            && let Some(above) = above
            && above.is_empty()
        {
            *above = credit;
            return;
        }
        self.body.blocks.push(Block { kind, text });
    }

    fn figure(&mut self, figure: ElementRef<'a>) {
        if figure.select(&FILMS).next().is_some() {
            return self.film(figure);
        }
        // A picture beside a player may be all that is read of this figure.
        figure.select(&PLAYERS).for_each(|player| self.player(player));
        let caption = figure
            .select(&CAPTIONS)
            .find(|c| !NOISE.matches(c))
            .map(|c| c.text().collect::<String>());
        let mut pictures = figure.select(&PICTURES);
        match pictures.next() {
            Some(picture) => self.photo(picture, caption),
            // A figure without a picture holds a player or a table; its words still count.
            None => self.children(figure, BlockKind::Paragraph, MAX_FOLLOWED / 2),
        }
        for more in pictures {
            self.photo(more, None);
        }
    }

    /// A figure with videos: its caption is that of the first, and of the picture beside it.
    fn film(&mut self, figure: ElementRef<'a>) {
        let caption = figure.select(&FILM_CAPTIONS).next();
        let caption = caption.map(|c| c.text().collect::<String>()).unwrap_or_default();
        self.films(figure, &caption);
        let (words, credit) = split_video_credit(&caption);
        if !words.is_empty() {
            self.body.blocks.push(Block { kind: BlockKind::Caption, text: words.clone() });
        }
        let known = self.body.photos.len();
        for picture in figure.select(&PICTURES) {
            let is_video = |a: ElementRef<'_>| a.value().name() == "video";
            // A picture in a video is for those who cannot see it.
            if !picture.ancestors().filter_map(ElementRef::wrap).any(is_video) {
                self.photo(picture, None);
            }
        }
        if let Some(photo) = self.body.photos.get_mut(known) {
            (photo.caption, photo.credit) = (words, credit);
        }
    }

    /// Every video inside an element, the first with this caption.
    fn films(&mut self, within: ElementRef<'a>, caption: &str) {
        let mut caption = caption;
        for film in within.select(&FILMS) {
            self.video(film, std::mem::take(&mut caption));
        }
        within.select(&PLAYERS).for_each(|player| self.player(player));
    }

    fn video(&mut self, film: ElementRef<'a>, caption: &str) {
        let source = |element: ElementRef<'_>| {
            let named = ["src", "data-src"].iter().filter_map(|name| element.attr(name));
            // What a script made in the browser is no address.
            let mut named = named.filter(|s| !s.is_empty() && !s.starts_with("blob:"));
            Some((named.next()?.to_owned(), element.attr("type").unwrap_or_default().to_owned()))
        };
        let all = std::iter::once(film).chain(film.select(&SOURCES));
        let sources = all.filter_map(source).collect();
        let named = Named { sources, ..Named::default() }.under(caption);
        self.after_video |= self.body.videos.take(named, self.place);
    }

    fn player(&mut self, player: ElementRef<'a>) {
        let named = ["data-src", "src"].iter().filter_map(|name| player.attr(name));
        let Some(source) = named.map(str::trim).find(|source| !source.is_empty()) else { return };
        if player.value().name() == "iframe" {
            self.body.videos.frame(source, self.place);
        } else if Form::of(source, "") == Form::File {
            self.body.videos.take(Named::one(source, ""), self.place);
        } else {
            self.body.videos.elsewhere(source, self.place);
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
        let Some(place) = source.filter(|_| !small).and_then(|source| self.place.media(source))
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
        self.after_video = false;
        self.body.photos.push(PhotoRef { place, caption, credit, alt });
    }

    fn row(&mut self, row: ElementRef<'a>) {
        self.films(row, "");
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
