//! `loa render`: what a person gets in the folder, and what the manifest says about it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::Path, process::Command};

use loa_model::Digest;
use serde_json::Value;

const LOA: &str = env!("CARGO_BIN_EXE_loa");

fn render(only: &str, out: &Path) -> std::process::Output {
    let article = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/article.html");
    let mut command = Command::new(LOA);
    command.arg("render").arg(article).arg("--out").arg(out).args(["--only", only, "--json"]);
    command.output().unwrap()
}

#[test]
fn the_sample_article_becomes_every_card_and_poster() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("render-sample");
    let done = render("infographic,poster", &out);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let manifest: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(manifest["violations"], serde_json::json!([]));
    let files = manifest["files"].as_array().unwrap();
    let names = |kind: &str| -> Vec<String> {
        let of = files.iter().filter(|file| file["kind"] == kind);
        of.map(|file| file["file"].as_str().unwrap().to_owned()).collect()
    };
    let mut cards = Vec::new();
    for size in ["portrait", "square", "story", "link", "youtube"] {
        cards.extend(["jpg", "png"].map(|end| format!("infographic/{size}.{end}")));
    }
    assert_eq!(names("infographic"), cards);
    assert_eq!(names("poster"), ["poster/a4.pdf", "poster/a3.pdf"]);
    for file in files {
        let bytes = fs::read(out.join(file["file"].as_str().unwrap())).unwrap();
        assert_eq!(file["sha256"], Digest::of(&bytes).to_string(), "{file}");
        assert_eq!(file["bytes"], bytes.len());
        assert!(file["alt"].as_str().unwrap().starts_with("Chính sách mới: Hỗ trợ sinh kế"));
        assert!(!file["provenance"]["pictures"][0]["drawn"].as_array().unwrap().is_empty());
    }
    let a4 = files.iter().find(|file| file["file"] == "poster/a4.pdf").unwrap();
    assert_eq!(
        (&a4["mime"], &a4["width"], &a4["height"]),
        (&"application/pdf".into(), &595.into(), &842.into())
    );
    // Only the words of the article decide the poster: a second run gives the same bytes.
    let again = render("poster", &out);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["files"].as_array().unwrap().len(), 2);
    assert_eq!(again["files"][0]["sha256"], a4["sha256"]);
}

#[test]
fn an_unknown_kind_is_refused_with_the_list() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("render-unknown");
    let refused = render("poster,banner", &out);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let known = "infographic, carousel, clip, long, square, audio, poster, text";
    assert!(said.contains("banner") && said.contains(known), "{said}");
}
