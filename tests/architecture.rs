//! The shape of the code, held by a test: layers look down only, siblings do not name each other, files stay short.

use std::{collections::BTreeMap, fs, path::Path};

/// Bottom first; the modules of one line are siblings. A module names only modules of earlier lines, or itself.
const LAYERS: &[&[&str]] = &[
    &["base"],
    &["crypto"],
    &["format"],
    &["model"],
    &["store", "keyring", "outbound"],
    &["issuance", "verification", "revocation", "audit"],
    &["bridge", "edge"],
    &["http"],
    &["app"],
];
const MAX_LINES: usize = 400;

#[test]
fn layers_look_down_only() {
    for (file, text) in sources() {
        let own = module(&file);
        if own == "lib" || own == "main" {
            continue;
        }
        for used in crate_modules(&text) {
            assert!(
                used == own || rank(&used) < rank(&own),
                "{file} reaches to crate::{used}, which does not lie below {own}; move the code or invert the call"
            );
        }
    }
}

#[test]
fn no_way_round_the_layers() {
    for (file, text) in sources() {
        assert!(!text.contains("super::super"), "{file} climbs with super::super; name the module from the crate's root");
    }
}

#[test]
fn files_stay_short() {
    for (file, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{file} has {lines} lines; split it by responsibility");
    }
}

/// Names that follow `crate::`, both `crate::a::b` and `crate::{a::b, c}`.
fn crate_modules(text: &str) -> Vec<String> {
    let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for tail in code.split("crate::").skip(1) {
        match tail.strip_prefix('{') {
            None => found.push(word(tail)),
            Some(group) => found.extend(top_level_items(group)),
        }
    }
    found
}

fn top_level_items(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(word(&group[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(word(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

fn word(text: &str) -> String {
    text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The top-level module of a file: `store` for `store/sled/mod.rs` and for `store.rs`.
fn module(file: &str) -> String {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// A module that stands in no layer fails the test: it has to be given its place above.
fn rank(module: &str) -> usize {
    LAYERS.iter().position(|layer| layer.contains(&module)).unwrap_or_else(|| panic!("module `{module}` stands in no layer"))
}

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut todo, mut found) = (vec![root.clone()], BTreeMap::new());
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).expect("a folder of src can be listed") {
            let path = entry.expect("an entry of src can be read").path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(&root).expect("it lies in src").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("a source is text"));
            }
        }
    }
    found
}
