//! What `docs/` says that a machine can check: crates, routes, options, files and tests that are named there exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::CommandFactory;
use yufu::app::config::Cli;

#[test]
fn every_direct_dependency_has_its_reason() {
    let manifest: toml::Table = text("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let page = text("docs/DEPENDENCIES.md");
    for (section, heading) in [("dependencies", "## In the program"), ("dev-dependencies", "## For tests and benchmarks only")]
    {
        let declared: BTreeSet<String> = manifest[section].as_table().expect("a table").keys().cloned().collect();
        let explained: BTreeSet<String> = first_cells(&page, heading).into_iter().collect();
        assert_eq!(declared, explained, "{section} of Cargo.toml against docs/DEPENDENCIES.md, `{heading}`");
    }
}

#[test]
fn the_number_of_crates_is_the_one_stated() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal", "--prefix", "none", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("cargo tree is text");
    let crates: BTreeSet<&str> =
        tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|line| !line.is_empty()).collect();
    let stated = format!("**{} crates**", crates.len());
    assert!(text("docs/DEPENDENCIES.md").contains(&stated), "docs/DEPENDENCIES.md should say {stated}");
    assert!(crates.len() < 400, "{} crates: the tree was to stay lean", crates.len());
}

/// Paths of this repository that the pages name in code marks, such as `src/base/limits.rs` or `tests/docs.rs`.
#[test]
fn every_file_that_a_page_names_is_there() {
    for page in pages() {
        let words = code_words(&page);
        for name in words.iter().filter(|word| is_path(word)) {
            assert!(root().join(name).exists(), "{} names `{name}`, which is not there", page.display());
        }
    }
}

/// Test functions that the pages name in code marks after a file: `tests/journey.rs::a_card_lives`.
#[test]
fn every_test_that_a_page_names_is_there() {
    for page in pages() {
        for word in code_words(&page) {
            let Some((file, name)) = word.split_once("::").filter(|(file, _)| is_path(file)) else { continue };
            let source = text(file);
            assert!(source.contains(&format!("fn {name}(")), "{} names `{word}`; {file} has no such function", page.display());
        }
    }
}

/// Rows of the corpus: a file that is said to hold a row names it, and a row that waits stands in later.toml.
#[test]
fn every_row_of_the_corpus_is_held_where_the_page_says() {
    let page = text("docs/THREATS.md");
    let later = text("tests/hostile/later.toml");
    let rows: Vec<Vec<&str>> =
        page.lines().map(|line| line.split(" | ").collect()).filter(|cells: &Vec<_>| cells.len() == 3).collect();
    let mut seen = 0;
    for cells in rows {
        let id = cells[0].trim_start_matches("| ");
        let is_row = id.len() == 5
            && id.get(2..3) == Some("-")
            && id.get(3..).is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()));
        if !is_row {
            continue;
        }
        seen += 1;
        let waits = later.contains(&format!("id = \"{id}\""));
        assert_eq!(cells[2].contains("waits for"), waits, "{id} on docs/THREATS.md against tests/hostile/later.toml");
        for file in cells[2].split('`').skip(1).step_by(2) {
            assert!(text(file).contains(id), "docs/THREATS.md says that {file} holds {id}, which it does not name");
        }
    }
    assert_eq!(seen, 14 + 11 + 18 + 11 + 9 + 17 + 12 + 15 + 17, "rows of the corpus on docs/THREATS.md");
}

/// Routes in code marks: `GET /health/ready`, `/status-lists/{id}`. A word in braces stands for any other.
#[test]
fn every_route_that_a_page_names_is_described() {
    let description: serde_json::Value = serde_json::from_str(&text("docs/openapi.json")).expect("the description is JSON");
    let shape = |path: &str| -> Vec<String> {
        let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
        path.trim_end_matches('/').split('/').map(part).collect()
    };
    let mut known: BTreeSet<Vec<String>> =
        description["paths"].as_object().expect("paths").keys().map(|path| shape(path)).collect();
    // Pages and what another listener serves.
    known.extend(
        [
            "/",
            "/checkpoint",
            "/docs",
            "/metrics",
            "/sign-in/province/callback",
            "/wallet-vendors",
            "/test-issuer/offers/{id}",
            "/authorize",
            "/admin/api/v1",
            "/checkpoint/api/v1",
        ]
        .map(shape),
    );
    known.extend(
        ["/my", "/my/cards/{id}", "/my/cards/{id}/log", "/my/cards/{id}/log.json", "/my/phone-lost", "/my/undo", "/my/data"]
            .map(shape),
    );
    known.extend(["/authorize", "/sign-in", "/sign-out"].map(shape));
    known.extend(["/my/erase", "/my/recovery-code", "/sign-in/card"].map(shape));
    for page in pages() {
        for word in code_words(&page) {
            let path = word.rsplit(' ').next().unwrap_or_default();
            let is_route = ["GET /", "POST /", "PUT /", "DELETE /", "/"].iter().any(|start| word.starts_with(start));
            if is_route && !path.contains('*') {
                assert!(known.contains(&shape(path)), "{} names `{word}`, which is no route", page.display());
            }
        }
    }
}

/// Options in code marks: `--listen`, and those of `yufu audit verify --data`.
#[test]
fn every_option_that_a_page_names_is_an_option() {
    let known = options(&Cli::command());
    for page in pages() {
        for word in code_words(&page).iter().filter(|word| word.starts_with("--") || word.starts_with("yufu ")) {
            for option in word.split_whitespace().filter_map(|part| part.strip_prefix("--")) {
                let name = option.split('=').next().unwrap_or(option);
                assert!(known.contains(name), "{} names `--{name}`, which no command has", page.display());
            }
        }
    }
}

#[test]
fn every_option_of_serve_is_explained_to_operators() {
    let page = text("docs/OPERATIONS.md");
    let command = Cli::command();
    let serve = command.find_subcommand("serve").expect("serve is a command");
    for name in serve.get_arguments().filter_map(|argument| argument.get_long()) {
        assert!(page.contains(&format!("--{name}")), "docs/OPERATIONS.md does not name --{name}");
    }
}

/// The long options of a command and of those below it.
fn options(command: &clap::Command) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = command.get_arguments().filter_map(|one| one.get_long().map(str::to_owned)).collect();
    found.extend(["help".to_owned(), "version".to_owned()]);
    command.get_subcommands().for_each(|below| found.extend(options(below)));
    found
}

fn is_path(word: &str) -> bool {
    let rooted =
        ["src/", "tests/", "docs/", "web/", "credential-types/", "use-cases/", "keys/", "benches/", ".ci/", ".github/"];
    rooted.iter().any(|start| word.starts_with(start)) && !word.contains(['*', '{', ' ', ':', '<'])
}

/// The names in code marks in the first cells of the table below a heading.
fn first_cells(page: &str, heading: &str) -> Vec<String> {
    let below = page.split_once(heading).unwrap_or_else(|| panic!("no `{heading}`")).1;
    let section = below.split("\n## ").next().unwrap_or(below);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once('`')).map(|(name, _)| name.to_owned()).collect()
}

/// Everything between single back ticks on a page, fenced blocks left out.
fn code_words(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).expect("a page is text");
    let mut words = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            words.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    words
}

fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .expect("docs can be listed")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    found.push(root().join("README.md"));
    found.retain(|path| path.exists());
    assert!(found.len() >= 2, "no pages found");
    found
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
