//! The pages the audience sees: one small shell, everything escaped, no scripts.

use axum::response::Html;

/// Look and words of one platform's pages.
#[derive(Debug, Clone, Copy)]
pub struct Shell<'a> {
    /// Heading: whose page it is.
    pub heading: &'a str,
    /// A line under the heading.
    pub under: &'a str,
    /// Colour of the bar, CSS.
    pub colour: &'a str,
}

/// Text for HTML: markup and quotes become entities.
///
/// ```
/// assert_eq!(loa_sandbox::html::escape("<b>Đúng & đủ</b>"), "&lt;b&gt;Đúng &amp; đủ&lt;/b&gt;");
/// ```
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text as paragraphs: escaped, addresses made into links, line ends kept.
pub fn text(text: &str) -> String {
    let mut out = String::from("<p class=\"text\">");
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            out.push_str("<br>");
        }
        for (place, word) in line.split(' ').enumerate() {
            if place > 0 {
                out.push(' ');
            }
            if word.starts_with("http://") || word.starts_with("https://") {
                out.push_str(&link(word, word));
            } else {
                out.push_str(&escape(word));
            }
        }
    }
    out.push_str("</p>");
    out
}

/// A count as Vietnamese readers write it, a full stop between thousands.
///
/// ```
/// assert_eq!(loa_sandbox::html::count(1_234_567), "1.234.567");
/// ```
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out
}

/// A link; anything but http leads nowhere.
pub fn link(to: &str, label: &str) -> String {
    if to.starts_with("http://") || to.starts_with("https://") || to.starts_with('/') {
        format!("<a href=\"{}\">{}</a>", escape(to), escape(label))
    } else {
        escape(label)
    }
}

/// A picture kept under its hash.
pub fn picture(sha256: &str, alt: &str) -> String {
    format!("<img src=\"/_media/{}\" alt=\"{}\" loading=\"lazy\">", escape(sha256), escape(alt))
}

/// A video kept under its hash.
pub fn video(sha256: &str, poster: Option<&str>) -> String {
    let poster =
        poster.map(|sha256| format!(" poster=\"/_media/{}\"", escape(sha256))).unwrap_or_default();
    format!(
        "<video controls preload=\"metadata\" src=\"/_media/{}\"{poster}></video>",
        escape(sha256)
    )
}

/// A whole page; `body` is HTML already.
pub fn page(shell: Shell<'_>, title: &str, body: &str) -> Html<String> {
    let Shell { heading, under, colour } = shell;
    Html(format!(
        "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{CSS}\
header{{background:{colour}}}</style></head><body><header><strong>{}</strong><span>{}</span></header>\
<main>{body}</main><footer>Nền tảng mô phỏng để thử, không phải trang thật</footer></body></html>",
        escape(title),
        escape(heading),
        escape(under),
    ))
}

const CSS: &str = "*{box-sizing:border-box}body{margin:0;background:#f0f2f5;color:#1c1e21;\
font:16px/1.5 'Noto Sans',system-ui,sans-serif}header{color:#fff;padding:12px 16px;display:flex;\
flex-wrap:wrap;gap:4px 12px;align-items:baseline}header strong{font-size:18px}main{max-width:640px;\
margin:0 auto;padding:12px}article{background:#fff;border-radius:10px;padding:14px;margin:0 0 14px;\
overflow-wrap:anywhere;box-shadow:0 1px 2px #0002}img,video{display:block;width:100%;height:auto;\
max-height:80vh;object-fit:contain;background:#000;border-radius:6px;margin:8px 0}h1,h2{font-size:20px;\
line-height:1.3;margin:4px 0 8px}.meta{color:#5f6670;font-size:14px;margin:4px 0}.text{margin:6px 0}\
.counts{display:flex;flex-wrap:wrap;gap:4px 16px;border-top:1px solid #e4e6eb;padding-top:8px;\
color:#5f6670;font-size:14px}.card{display:block;border:1px solid #e4e6eb;border-radius:6px;padding:10px;\
margin:8px 0}a{color:#0b57d0}footer{text-align:center;color:#5f6670;font-size:13px;padding:16px}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_post_says_becomes_markup() {
        let shell = Shell { heading: "<i>", under: "\"&", colour: "#000" };
        let body = text(
            "<script>alert(1)</script>\nĐọc tại https://vd.vn/l/abc?\"x hoặc javascript:alert(1)",
        );
        let page = page(shell, "</title>", &body).0;
        assert!(!page.contains("<script") && !page.contains("<i>"));
        assert!(!page.contains("</title></title>"));
        assert!(page.contains("href=\"https://vd.vn/l/abc?&quot;x\""));
        assert!(!page.contains("href=\"javascript:"));
    }

    #[test]
    fn a_link_leads_only_to_the_web() {
        assert_eq!(link("javascript:alert(1)", "đây"), "đây");
    }
}
