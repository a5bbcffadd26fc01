//! The drawing of a logo, written anew from what is on a list: what is not on it is left out where it draws nothing, and refused
//! where it would.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use roxmltree::{Document, Node, ParsingOptions};

use super::{BadLogo, straight};

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// Most elements.
const MOST_ELEMENTS: usize = 2_000;
/// Deepest nesting.
const DEEPEST: usize = 24;
/// Most nodes that are read, with those that draw nothing.
const MOST_NODES: u32 = 20_000;

/// What draws.
const SHAPES: [&str; 7] = ["path", "rect", "circle", "ellipse", "line", "polyline", "polygon"];
/// What holds or colours what draws.
const OTHERS: [&str; 6] = ["g", "defs", "linearGradient", "radialGradient", "stop", "clipPath"];
/// What says something to people or programs and draws nothing: left out.
const SILENT: [&str; 3] = ["title", "desc", "metadata"];

/// Where something is and how large.
const PLACES: [&str; 24] = [
    "d",
    "x",
    "y",
    "width",
    "height",
    "rx",
    "ry",
    "cx",
    "cy",
    "r",
    "x1",
    "y1",
    "x2",
    "y2",
    "fx",
    "fy",
    "points",
    "offset",
    "transform",
    "gradientTransform",
    "gradientUnits",
    "spreadMethod",
    "clipPathUnits",
    "pathLength",
];
/// How it looks; `style` may say these too.
const LOOKS: [&str; 16] = [
    "fill",
    "fill-opacity",
    "fill-rule",
    "stroke",
    "stroke-width",
    "stroke-opacity",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "opacity",
    "color",
    "stop-color",
    "stop-opacity",
    "clip-path",
    "clip-rule",
    "display",
];
/// What would draw, and is not taken: a dash of nothing over a long line never ends, the others repeat, filter or cover.
const NEVER: [&str; 8] = [
    "filter",
    "mask",
    "marker",
    "marker-start",
    "marker-mid",
    "marker-end",
    "stroke-dasharray",
    "mix-blend-mode",
];

/// What is known while a drawing is read.
#[derive(Default)]
struct Seen {
    elements: usize,
    shapes: usize,
    /// Names of gradients, and whether each takes after another one.
    gradients: BTreeMap<String, bool>,
    /// Names that gradients take after.
    takes_after: BTreeSet<String>,
}

/// The same drawing, of what may be in a logo, in a square.
pub(super) fn written_anew(text: &str) -> Result<String, BadLogo> {
    // Editors write a DOCTYPE; only its entities repeat.
    if text.contains("<!ENTITY") {
        return Err(refused("ENTITY"));
    }
    let options =
        ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => complex("nodes", MOST_NODES as usize),
        other => BadLogo::Damaged(other.to_string()),
    })?;
    let root = document.root_element();
    if root.tag_name().name() != "svg" || root.tag_name().namespace() != Some(SVG) {
        return Err(BadLogo::Kind);
    }
    let (x, y, width, height) = frame(root)?;
    straight(width, height)?;
    let side = width.max(height);
    let (left, top) = (x - (side - width) / 2.0, y - (side - height) / 2.0);
    let mut out = format!(
        "<svg xmlns=\"{SVG}\" viewBox=\"{left} {top} {side} {side}\" width=\"{side}\" height=\"{side}\""
    );
    let mut seen = Seen::default();
    for (name, value) in attributes(root)? {
        if LOOKS.contains(&name.as_str()) && name != "clip-path" {
            attribute(&mut out, &name, &value);
        }
    }
    out.push('>');
    inside(root, 1, false, &mut out, &mut seen)?;
    out.push_str("</svg>");
    if seen.shapes == 0 {
        return Err(BadLogo::Empty);
    }
    // One step only: gradients that take after each other in a circle end nowhere.
    let chained = |name: &String| seen.gradients.get(name).copied().unwrap_or(false);
    if let Some(name) = seen.takes_after.iter().find(|name| chained(name)) {
        return Err(refused(&format!("href=\"#{name}\"")));
    }
    Ok(out)
}

fn refused(what: &str) -> BadLogo {
    // A name is short; what is not comes from somebody who plays.
    BadLogo::Refused { what: what.chars().filter(|c| !c.is_control()).take(60).collect() }
}

fn complex(what: &str, most: usize) -> BadLogo {
    BadLogo::Complex { what: format!("{what} > {most}") }
}

/// Left, top, width and height of the drawing.
fn frame(root: Node<'_, '_>) -> Result<(f64, f64, f64, f64), BadLogo> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.abs() <= 1e6);
    let found = if let Some(view) = root.attribute("viewBox") {
        let parts = view.split([' ', ',', '\t', '\n', '\r']).filter(|part| !part.is_empty());
        let parts: Option<Vec<f64>> = parts.map(number).collect();
        parts.and_then(|parts| <[f64; 4]>::try_from(parts).ok())
    } else {
        let side = |name| number(root.attribute(name)?.trim().trim_end_matches("px"));
        side("width").zip(side("height")).map(|(width, height)| [0.0, 0.0, width, height])
    };
    let [x, y, width, height] = found.ok_or(BadLogo::NoSize)?;
    // `nan` is no number that is greater.
    if width >= 1e-3 && height >= 1e-3 { Ok((x, y, width, height)) } else { Err(BadLogo::NoSize) }
}

fn inside(
    parent: Node<'_, '_>,
    depth: usize,
    clips: bool,
    out: &mut String,
    seen: &mut Seen,
) -> Result<(), BadLogo> {
    if depth > DEEPEST {
        return Err(complex("nesting", DEEPEST));
    }
    for node in parent.children().filter(Node::is_element) {
        let name = node.tag_name().name();
        // What editors keep for themselves draws nothing.
        if node.tag_name().namespace() != Some(SVG) || SILENT.contains(&name) {
            continue;
        }
        let draws = SHAPES.contains(&name);
        if !draws && !OTHERS.contains(&name) {
            return Err(refused(&format!("<{name}>")));
        }
        seen.elements += 1;
        if seen.elements > MOST_ELEMENTS {
            return Err(complex("elements", MOST_ELEMENTS));
        }
        seen.shapes += usize::from(draws);
        let clips = clips || name == "clipPath";
        let is_gradient = name.ends_with("Gradient");
        // Writing to a String cannot fail.
        write!(out, "<{name}").unwrap_or_default();
        let (mut called, mut after) = (None, false);
        for (key, value) in attributes(node)? {
            match key.as_str() {
                "id" => called = Some(value.clone()),
                "href" if is_gradient => {
                    after = true;
                    seen.takes_after.insert(value.trim_start_matches('#').to_owned());
                }
                "href" => return Err(refused(&format!("href <{name}>"))),
                // A clip of clips may hold itself.
                "clip-path" if clips => return Err(refused("clip-path <clipPath>")),
                _ => {}
            }
            attribute(out, &key, &value);
        }
        if let Some(called) = called.filter(|_| is_gradient) {
            seen.gradients.insert(called, after);
        }
        out.push('>');
        inside(node, depth + 1, clips, out, seen)?;
        write!(out, "</{name}>").unwrap_or_default();
    }
    Ok(())
}

/// What is taken over of an element's attributes, its `style` taken apart. What a style says counts more.
fn attributes(node: Node<'_, '_>) -> Result<BTreeMap<String, String>, BadLogo> {
    let mut kept = BTreeMap::new();
    let mut said = BTreeMap::new();
    for attribute in node.attributes() {
        let (name, value) = (attribute.name(), attribute.value().trim());
        if name.len() > 2 && name.get(..2).is_some_and(|on| on.eq_ignore_ascii_case("on")) {
            return Err(refused(name));
        }
        match attribute.namespace() {
            None | Some(XLINK) => {}
            Some(_) => continue,
        }
        match name {
            "style" => {
                for line in value.split(';') {
                    let Some((name, value)) = line.split_once(':') else { continue };
                    look(name.trim(), value.trim().trim_end_matches("!important"), &mut said)?;
                }
            }
            "href" => {
                if !value.strip_prefix('#').is_some_and(is_plain) {
                    return Err(refused(&format!("href=\"{value}\"")));
                }
                kept.insert("href".to_owned(), value.to_owned());
            }
            "id" => {
                if is_plain(value) {
                    kept.insert("id".to_owned(), value.to_owned());
                }
            }
            name if PLACES.contains(&name) => {
                if value.contains("url") {
                    return Err(refused(value));
                }
                kept.insert(name.to_owned(), value.to_owned());
            }
            name => look(name, value, &mut kept)?,
        }
    }
    kept.extend(said);
    Ok(kept)
}

/// Takes one of [`LOOKS`] over, with an address inside the drawing at most.
fn look(name: &str, value: &str, kept: &mut BTreeMap<String, String>) -> Result<(), BadLogo> {
    if NEVER.contains(&name) && !["none", "normal", ""].contains(&value) {
        return Err(refused(name));
    }
    let lower = value.to_ascii_lowercase();
    // A backslash writes letters in another way.
    if lower.contains("url") || lower.contains('\\') || lower.contains('@') {
        let inner = value.strip_prefix("url(").and_then(|rest| rest.strip_suffix(')'));
        let inner = inner.map(|inner| inner.trim_matches(['"', '\'']));
        let is_local = inner.and_then(|inner| inner.strip_prefix('#')).is_some_and(is_plain);
        if !is_local {
            return Err(refused(value));
        }
    }
    if LOOKS.contains(&name) {
        kept.insert(name.to_owned(), value.trim().to_owned());
    }
    Ok(())
}

/// A name that means the same wherever it stands.
fn is_plain(name: &str) -> bool {
    let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:".contains(c));
    letters && (1..=100).contains(&name.len())
}

fn attribute(out: &mut String, name: &str, value: &str) {
    write!(out, " {name}=\"").unwrap_or_default();
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
}
