//! What stands in the dependency tree, held where cargo-deny is not installed: deny.toml is the one list, this reads it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

struct Package {
    name: String,
    version: String,
    licence: String,
}

#[test]
fn every_crate_has_a_licence_that_deny_toml_allows() {
    let deny = deny_toml();
    let allowed: Vec<&str> = strings(&deny["licenses"]["allow"]);
    for package in packages().iter().filter(|package| package.name != "yufu") {
        assert!(
            licence_fits(&package.licence, &allowed),
            "{} {} is under `{}`, which no allowed licence of deny.toml satisfies",
            package.name,
            package.version,
            package.licence
        );
    }
}

#[test]
fn every_allowed_licence_is_needed_by_some_crate() {
    let deny = deny_toml();
    let allowed = strings(&deny["licenses"]["allow"]);
    for licence in &allowed {
        let without: Vec<&str> = allowed.iter().copied().filter(|other| other != licence).collect();
        let needed = *licence == "Apache-2.0"
            || *licence == "Apache-2.0 WITH LLVM-exception"
            || packages().iter().any(|p| p.name != "yufu" && !licence_fits(&p.licence, &without));
        assert!(needed, "deny.toml allows {licence}, but no crate needs it any more");
    }
}

#[test]
fn no_banned_crate_stands_in_the_tree() {
    let deny = deny_toml();
    let bans = deny["bans"]["deny"].as_array().expect("bans.deny is a list");
    assert!(!bans.is_empty());
    let locked = locked();
    for ban in bans {
        let name = text(&ban["crate"]);
        // A ban with wrappers lets these, and nothing else, bring the crate.
        let wrappers = ban.get("wrappers").map(strings).unwrap_or_default();
        let is_there = locked.iter().any(|package| text(&package["name"]) == name) && is_built(name);
        assert!(!is_there || !wrappers.is_empty(), "{name} is banned by deny.toml");
        assert!(is_there || wrappers.is_empty(), "deny.toml lets {wrappers:?} bring {name}, which is not there any more");
        for package in &locked {
            let brings = package.get("dependencies").map(strings).unwrap_or_default();
            let brings = brings.iter().any(|dependency| dependency.split(' ').next() == Some(name));
            let by = text(&package["name"]);
            assert!(!is_there || !brings || wrappers.contains(&by), "{by} brings {name}, which is banned by deny.toml");
        }
    }
}

/// Whether a crate of Cargo.lock is built here by any of our features. The lock also names crates that a feature of some
/// crate mentions (`ring?/alloc`) and that nothing switches on.
fn is_built(name: &str) -> bool {
    let arguments = ["tree", "--all-features", "--edges", "all", "--prefix", "none", "--locked", "--offline"];
    let tree = run(Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")));
    assert!(tree.contains("\naws-lc-rs v"), "the tree is read");
    tree.lines().any(|line| line.split(' ').next() == Some(name))
}

#[test]
fn every_crate_comes_from_the_one_registry() {
    let mut sources: Vec<String> = Vec::new();
    for package in locked() {
        match package.get("source") {
            None => assert_eq!(text(&package["name"]), "yufu", "only the project itself comes from a folder"),
            Some(source) => {
                assert!(text(source).starts_with("registry+"), "{} comes from {source}", package["name"]);
                assert!(package.contains_key("checksum"), "{} has no checksum", package["name"]);
                sources.push(text(source).to_owned());
            }
        }
    }
    sources.dedup();
    assert_eq!(sources.len(), 1, "one registry, not {sources:?}");
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    for (expression, allowed, fits) in [
        ("MIT", &["MIT"][..], true),
        ("GPL-3.0-or-later", &["MIT"], false),
        ("MIT OR GPL-3.0-only", &["MIT"], true),
        ("MIT/Apache-2.0", &["Apache-2.0"], true),
        ("MIT AND GPL-3.0-only", &["MIT"], false),
        ("ISC AND (Apache-2.0 OR ISC)", &["ISC"], true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", &["MIT"], false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", &["MIT", "Unicode-3.0"], true),
        ("Apache-2.0 WITH LLVM-exception", &["Apache-2.0"], false),
        ("Apache-2.0 WITH LLVM-exception", &["Apache-2.0 WITH LLVM-exception"], true),
        ("", &["MIT"], false),
    ] {
        assert_eq!(licence_fits(expression, allowed), fits, "{expression}");
    }
}

/// Whether a choice of the expression's licences exists in which each needed one is allowed. AND binds tighter than OR (SPDX
/// annex D); the old `/` of the registry means OR.
fn licence_fits(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at, allowed)
}

fn any_of(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut fits = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        fits |= all_of(words, at, allowed);
    }
    fits
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut fits = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        fits &= one(words, at, allowed);
    }
    fits
}

fn one(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let fits = any_of(words, at, allowed);
        *at += 1;
        return fits;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{licence} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
        *at += 2;
    }
    allowed.contains(&licence.as_str())
}

fn deny_toml() -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml");
    fs::read_to_string(path).expect("deny.toml is there").parse().expect("deny.toml is TOML")
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(text).collect()
}

fn text(value: &toml::Value) -> &str {
    value.as_str().expect("a text")
}

/// Every crate of Cargo.lock, whatever the target or feature that brings it.
fn locked() -> Vec<toml::Table> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: toml::Table = fs::read_to_string(path).expect("Cargo.lock is there").parse().expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array().expect("a list of packages");
    packages.iter().map(|package| package.as_table().expect("a package is a table").clone()).collect()
}

/// Every crate that is built on this platform: of others' crates the licences are not on the disk.
fn packages() -> Vec<Package> {
    let version = run(Command::new("rustc").arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned();
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", &host];
    let output = run(Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")));
    let metadata: Value = serde_json::from_str(&output).expect("cargo metadata is JSON");
    let field = |package: &Value, name: &str| package[name].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|package| Package {
            name: field(package, "name"),
            version: field(package, "version"),
            licence: field(package, "license"),
        })
        .collect()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("its answer is text")
}
