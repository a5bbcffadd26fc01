//! Embeds `assets/` in the binary, one file to install, the same bytes everywhere; and says how it is linked.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to a build script through its environment"
)]

use std::{env, fmt::Write as _, fs, path::Path};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let assets = Path::new(&root).join("assets");
    println!("cargo:rerun-if-changed=assets");
    // Three MiB of relocations less to read at every start, and to keep in memory. glibc knows them since 2.36.
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|libc| libc == "gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if !assets.join("vendor/fonts/be-vietnam-pro").is_dir()
        || !assets.join("vendor/web/htmx.min.js").is_file()
        || !assets.join("vendor/web/fonts").is_dir()
    {
        println!(
            "cargo::error=assets/vendor is empty: run `make setup` once, it fetches the fonts and htmx by npm"
        );
        return;
    }
    let mut found = Vec::new();
    for folder in ["brands", "demo", "locales", "templates", "vendor", "web"] {
        collect(&assets.join(folder), &mut found);
    }
    found.sort();
    let mut code = String::from(
        "/// Every file under `assets/`: path relative to it, and bytes.\npub(crate) const FILES: &[(&str, &[u8])] = &[\n",
    );
    for path in found {
        let name = path
            .strip_prefix(&assets.display().to_string())
            .unwrap_or(&path)
            .trim_start_matches('/')
            .to_owned();
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),").expect("writing to a String");
    }
    code.push_str("];\n");
    let out = Path::new(&env::var("OUT_DIR").expect("cargo sets it")).join("assets.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
}

fn collect(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, found);
        } else if !name.starts_with('.')
            && name != "README.md"
            && (path.extension().is_none_or(|ext| ext != "ttf") || wanted(&name))
        {
            found.push(path.display().to_string());
        }
    }
}

/// Thin and italic faces are not used by any template: 12 of 18 files stay out of the binary.
fn wanted(font: &str) -> bool {
    !font.contains("Italic") && !font.contains("Thin") && !font.contains("Light")
}
