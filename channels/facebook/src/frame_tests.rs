//! The preview of a post: every file and word is shown, escaped, and nothing comes from outside.

use loa_channel::fixture::{MemoryBlobs, account, sample};
use loa_model::PostFormat;
use serde_json::json;

use crate::FRAME;

/// The frame of a sample of this format, its words and alternative texts spoilt by markup.
fn drawn(format: PostFormat) -> String {
    let mut content = sample(format, "k7f3q", &MemoryBlobs::default());
    content.text = "Mức hỗ trợ < 3 triệu & \"ẫễộữặ\" <script>alert(1)</script>".into();
    for file in &mut content.media {
        file.alt = "Trạm y tế \"ẫ\" <b>".into();
    }
    let urls: Vec<_> = (0..content.media.len()).map(|n| format!("/tep/{n}\"x")).collect();
    let account = account("facebook:cong-tin", "1", &[]);
    let mut env = minijinja::Environment::new();
    env.add_template("frame.html", FRAME).unwrap();
    let data = json!({
        "account": { "name": account.name, "title": "Cổng <em> thông tin" },
        "content": content, "media_urls": urls,
    });
    let data = minijinja::value::Serde(data);
    env.get_template("frame.html").unwrap().render(data).unwrap()
}

#[test]
fn every_format_is_shown_whole_and_escaped() {
    for (format, pictures, players) in [
        (PostFormat::Text, 0, 0),
        (PostFormat::Photo, 1, 0),
        (PostFormat::Album, 3, 0),
        (PostFormat::ShortVideo, 0, 1),
    ] {
        let html = drawn(format);
        let count = |text: &str| html.matches(text).count();
        assert_eq!((count("<img "), count("<video controls ")), (pictures, players), "{html}");
        assert_eq!(count("alt=\"Trạm y tế &quot;ẫ&quot; &lt;b&gt;\""), pictures, "{html}");
        for n in 0..pictures + players {
            assert!(html.contains(&format!("src=\"&#x2f;tep&#x2f;{n}&quot;x\"")), "{n}: {html}");
        }
        assert_eq!(count("Mức hỗ trợ &lt; 3 triệu &amp; &quot;ẫễộữặ&quot;"), 1, "{html}");
        assert!(html.contains("Cổng &lt;em&gt; thông tin"), "{html}");
        assert_eq!(count("<script"), 0, "{html}");
    }
}

#[test]
fn its_style_is_its_own_and_nothing_is_fetched_from_elsewhere() {
    for outside in ["http:", "https:", "url(", "@import", "<script", "<link"] {
        assert!(!FRAME.contains(outside), "{outside}");
    }
    let (_, style) = FRAME.split_once("<style>").expect("a style");
    let (style, _) = style.split_once("</style>").expect("its end");
    for rule in style.lines().filter(|line| line.contains('{')) {
        let (selectors, _) = rule.split_once('{').expect("just seen");
        let own = |selector: &str| selector.trim().starts_with(".loa-frame-facebook");
        assert!(selectors.split(',').all(own), "{rule}");
    }
}
