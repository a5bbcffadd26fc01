//! The rules of the house, checked like any other promise.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const LEVEL_2: [&str; 6] = ["canvas", "channel", "jail", "net", "sandbox", "store"];
const LEVEL_3: [&str; 7] =
    ["brief", "clip", "delivery", "infographic", "ingest", "reach", "review"];
const LEVEL_4: [&str; 2] = ["pipeline", "web"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a crate of ours may import, by its folder.
fn allowed(folder: &str) -> BTreeSet<String> {
    let names = |list: &[&str]| list.iter().map(|name| format!("loa-{name}")).collect::<Vec<_>>();
    let parts: Vec<&str> = folder.split('/').collect();
    let mut set = BTreeSet::new();
    match parts.as_slice() {
        ["src", "model"] => {}
        ["src", "sandbox"] => set.extend(names(&["model", "net"])),
        ["src", name] if LEVEL_2.contains(name) => set.extend(names(&["model"])),
        ["src", name] if LEVEL_3.contains(name) => {
            set.extend(names(&["model"]));
            set.extend(names(&LEVEL_2));
        }
        ["src", name] if LEVEL_4.contains(name) => {
            set.extend(names(&["model"]));
            set.extend(names(&LEVEL_2));
            set.extend(names(&LEVEL_3));
        }
        ["channels", _] => set.extend(names(&["model", "channel", "net"])),
        ["channels", _, "sandbox"] => set.extend(names(&["model", "sandbox"])),
        other => panic!("folder {other:?} has no place in the house: see ARCHITECTURE.md"),
    }
    set
}

/// Every crate folder of the workspace except the root.
fn crates() -> Vec<String> {
    let mut found = Vec::new();
    for (parent, deep) in [("src", false), ("channels", true)] {
        for entry in sorted(&root().join(parent)) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.join("Cargo.toml").exists() {
                found.push(format!("{parent}/{name}"));
            }
            if deep && entry.join("sandbox/Cargo.toml").exists() {
                found.push(format!("{parent}/{name}/sandbox"));
            }
        }
    }
    assert!(found.len() > 20, "the walk found only {found:?}");
    found
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Files that git tracks or would track.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files of the project");
    let text = String::from_utf8(out.stdout).unwrap();
    let found: Vec<_> = text
        .lines()
        .map(PathBuf::from)
        .filter(|path| {
            path.extension().is_some_and(|e| extensions.contains(&e.to_str().unwrap_or("")))
        })
        .filter(|path| root().join(path).is_file())
        .collect();
    assert!(!found.is_empty());
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn arrows_point_down() {
    let mut broken = Vec::new();
    for folder in crates() {
        let manifest: toml::Table = read(&Path::new(&folder).join("Cargo.toml")).parse().unwrap();
        let may = allowed(&folder);
        for section in ["dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(section).and_then(toml::Value::as_table) else {
                continue;
            };
            for name in table.keys().filter(|name| name.starts_with("loa-") && !may.contains(*name))
            {
                broken.push(format!("{folder} → {name}"));
            }
        }
        if let Some(dev) = manifest.get("dev-dependencies").and_then(toml::Value::as_table) {
            for name in
                dev.keys().filter(|name| name.starts_with("loa-channel-") && !may.contains(*name))
            {
                broken
                    .push(format!("{folder} → {name} (tests of it belong to tests/ at the root)"));
            }
        }
    }
    none(
        "a crate imports what its level may not (a new arrow needs a decision in docs/adr)",
        &broken,
    );
}

#[test]
fn names_match_folders() {
    for folder in crates() {
        let manifest: toml::Table = read(&Path::new(&folder).join("Cargo.toml")).parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let parts: Vec<&str> = folder.split('/').collect();
        let wanted = match parts.as_slice() {
            ["src", name] => format!("loa-{name}"),
            ["channels", name] => format!("loa-channel-{name}"),
            ["channels", name, "sandbox"] => format!("loa-channel-{name}-sandbox"),
            _ => unreachable!(),
        };
        assert_eq!(name, wanted, "{folder}");
    }
}

#[test]
fn a_channel_is_named_in_its_own_folder_only() {
    let channels: Vec<String> = sorted(&root().join("channels"))
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut broken = Vec::new();
    for path in files(&["rs"]) {
        let at = path.to_string_lossy().into_owned();
        if at == "src/channels.rs"
            || at.starts_with("tests/")
            || at.contains("/tests/")
            || at.starts_with("examples/")
            || at.contains("/examples/")
        {
            continue;
        }
        // Unit tests at the end of a file may name one: an account needs a name.
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for channel in
            channels.iter().filter(|channel| !at.starts_with(&format!("channels/{channel}/")))
        {
            for (number, line) in code.lines().enumerate() {
                let comment = line.trim_start().starts_with("//");
                if !comment
                    && !at.ends_with("tests.rs")
                    && line.to_lowercase().contains(channel.as_str())
                {
                    broken.push(format!("{at}:{}: {channel}", number + 1));
                }
            }
        }
    }
    none("a channel's name leaks out of its folder", &broken);
}

#[test]
fn sockets_environment_and_clock_stay_in_their_rooms() {
    let rules: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("reqwest::", &["src/net/"] as &[&str]),
        (
            "TcpListener::bind",
            &["src/main.rs", "src/demo.rs", "src/local.rs", "src/web/", "src/sandbox/"],
        ),
        ("sled::", &["src/store/"]),
        ("ffmpeg_next", &["src/clip/"]),
        // The jail's list of system calls depends on the processor it was built for.
        ("std::env::", &["src/world.rs", "src/settings.rs", "src/jail/src/limits.rs", "build.rs"]),
        ("SystemTime::now", &["src/world.rs"]),
    ]);
    let mut broken = Vec::new();
    for path in files(&["rs"]) {
        let at = path.to_string_lossy().into_owned();
        let exempt = at.starts_with("tests/")
            || at.starts_with("examples/")
            || at.contains("/examples/")
            || ["/tests/", "/examples/", "/benches/"].iter().any(|part| at.contains(part))
            || at.ends_with("tests.rs")
            || at.ends_with("testing.rs");
        if exempt || at == "tests/tidy.rs" {
            continue;
        }
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (word, homes) in &rules {
            let used = code
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            if used && !homes.iter().any(|home| at.starts_with(home)) {
                broken.push(format!("{at}: {word}"));
            }
        }
    }
    none("a room does what another room is for", &broken);
}

#[test]
fn unsafe_lives_in_one_file() {
    let broken: Vec<String> = files(&["rs"])
        .iter()
        .filter(|path| !path.ends_with("src/clip/src/ffi.rs") && !path.ends_with("tests/tidy.rs"))
        .filter(|path| {
            read(path)
                .lines()
                .any(|line| line.contains("unsafe ") && !line.trim_start().starts_with("//"))
        })
        .map(|path| path.display().to_string())
        .collect();
    none("unsafe outside src/clip/src/ffi.rs", &broken);
}

#[test]
fn files_say_one_thing() {
    let broken: Vec<String> = files(&["rs"])
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    none("Rust files over 600 lines", &broken);
    let lines = read(Path::new("ARCHITECTURE.md")).lines().count();
    assert!(lines <= 200, "ARCHITECTURE.md has {lines} lines, 200 are the most");
}

#[test]
fn nothing_is_left_unfinished_and_no_machine_is_named() {
    let marks = ["todo!(", "unimplemented!(", "TODO", "FIXME", "XXX"].map(str::to_owned);
    let homes = ["home", "root", "work"].map(|folder| format!("/{folder}/"));
    let mut broken = Vec::new();
    for path in files(&["rs", "js", "typ", "toml", "md", "html", "css", "sh", "json"]) {
        if path.ends_with("tidy.rs") || path.ends_with("package-lock.json") {
            continue;
        }
        let text = read(&path);
        for (number, line) in text.lines().enumerate() {
            if marks.iter().chain(&homes).any(|mark| line.contains(mark.as_str())) {
                broken.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    none("an unfinished mark or a path of one machine", &broken);
}

#[test]
fn every_crate_says_what_it_is() {
    let broken: Vec<String> = crates()
        .into_iter()
        .filter(|folder| !root().join(folder).join("README.md").exists())
        .collect();
    none("a crate without a README.md", &broken);
}

#[test]
fn dependencies_are_licensed_and_wanted() {
    let out = Command::new(env!("CARGO"))
        // Asks for the packages of other platforms too, which no build has fetched on a fresh machine.
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo describes the dependencies");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let free = [
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC0-1.0",
        "CDLA-Permissive-2.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "OFL-1.1",
        "Unicode-3.0",
        "Unlicense",
        "WTFPL",
        "Zlib",
    ];
    let banned = ["openssl-sys", "native-tls", "aws-lc-sys", "zenjpeg"];
    let mut broken = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if banned.contains(&name) {
            broken.push(format!(
                "{name} is banned: use rustls with ring and the encoders of Cargo.toml"
            ));
        }
        let license = package["license"].as_str().unwrap_or("");
        let known = license
            .split([' ', '/', '(', ')'])
            .filter(|word| {
                !word.is_empty() && !["OR", "AND", "WITH", "LLVM-exception"].contains(word)
            })
            .any(|word| free.contains(&word));
        if !known {
            broken.push(format!("{name}: licence {license:?} is not on the list"));
        }
        let source = package["source"].as_str().unwrap_or("registry+");
        if !source.starts_with("registry+") && !source.starts_with("sparse+") {
            broken.push(format!("{name} comes from {source}"));
        }
    }
    none("dependencies", &broken);
}

/// What `make guards` takes out stands where it says, once: a refactoring moves the text along.
#[test]
fn the_text_of_every_guard_stands_once() {
    let text =
        fs::read_to_string(root().join("src/delivery/tests/simulation/guards.toml")).unwrap();
    let all: toml::Table = text.parse().unwrap();
    let guards = all["guard"].as_array().unwrap();
    assert!(guards.len() > 20, "only {} guards", guards.len());
    for guard in guards {
        let name = &guard["name"];
        for change in guard["changes"].as_array().unwrap() {
            let word = |key: &str| change[key].as_str().unwrap();
            let source = fs::read_to_string(root().join(word("file"))).unwrap();
            let times = source.matches(word("from")).count();
            assert_eq!(times, 1, "guard {name}: its text stands {times} times in {}", word("file"));
        }
    }
}
