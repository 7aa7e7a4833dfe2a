//! The shape of the code, held by a test: layers look down only, siblings do not name each other, files and functions stay
//! short, and what should have one door has one.

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
/// Lines of a function, blank lines and comments not counted.
const MAX_FUNCTION_LINES: usize = 60;

/// Names that stand in these folders (or files) only, and why.
const DOORS: &[(&[&str], &[&str], &str)] = &[
    (&["jsonwebtoken"], &["crypto/"], "its defaults accept what must be refused (THREATS F8): use crypto::access_token"),
    (
        &["ed25519_dalek", "curve25519_dalek", "aws_lc_rs"],
        &["crypto/"],
        "keys and signatures are made and checked by crate::crypto only",
    ),
    (&["argon2"], &["crypto/"], "codes that people type are hashed and checked by crate::crypto::password only"),
    (&["actix_web"], &["http/"], "the layers below serve any frame: answer with a value, let http encode it"),
    (&["socket2"], &["http/"], "sockets are tuned where they are accepted, in http::connections"),
    (&["ureq", "openidconnect"], &["outbound/"], "fetch through crate::outbound, which holds address rules, sizes and times"),
    (&["sled"], &["store/sled/", "app/wire/"], "the database stands behind the Store trait; only the wiring opens it"),
    (
        &["tokio_postgres", "deadpool_postgres", "tokio_postgres_rustls"],
        &["store/postgres/"],
        "the database stands behind the Store trait; unnamed statements in sql.rs, bounded calls in runtime.rs",
    ),
    (&["Operator::authenticated"], &["http/auth", "model/"], "an operator is made by authentication only"),
    (&["SystemTime", "OsRng"], &["base/"], "take a base::clock::Clock or a base::random::Random"),
];

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

#[test]
fn what_has_one_door_is_named_behind_it_only() {
    for (file, text) in sources() {
        let code = production(&file, &text);
        for (names, folders, why) in DOORS {
            if folders.iter().any(|folder| file.starts_with(folder)) {
                continue;
            }
            if let Some(name) = names.iter().find(|name| names_it(&code, name)) {
                panic!("{file} names `{name}`, which belongs in {folders:?} only: {why}");
            }
        }
    }
}

#[test]
fn functions_stay_short() {
    let mut long = Vec::new();
    for (file, text) in sources() {
        for (name, lines) in functions(&production(&file, &text)) {
            if lines > MAX_FUNCTION_LINES {
                long.push(format!("{file}: fn {name} has {lines} lines of code"));
            }
        }
    }
    assert!(long.is_empty(), "split by what each part is for (at most {MAX_FUNCTION_LINES} lines):\n{}", long.join("\n"));
}

#[test]
fn the_reader_of_code_sees_code_and_not_text() {
    let source = "fn a() -> char {\n    // } not code\n    let _ = \"} \\\" }\"; /* } */\n\n    let _: &'static str = r#\"}\"#;\n    '}'\n}\ntrait T {\n    fn b(&self, _: [u8; 2]);\n    fn c(&self, _: [u8; 2]) {}\n}\n#[cfg(test)]\nmod tests {\n    fn d() { sled::open() }\n}\n";
    let code = production("x.rs", source);
    assert_eq!(functions(&code), [("a".to_owned(), 5), ("c".to_owned(), 1)]);
    assert!(!names_it(&code, "sled"));
    assert!(production("x/tests.rs", source).is_empty());
    assert!(names_it("use sled::Db;", "sled") && names_it("fn f(db: &sled::Db)", "sled"));
    assert!(!names_it("use crate::store::sled::SledStore;", "sled") && !names_it("use crate::store::{sled::open};", "sled"));
    assert!(!names_it("let unsled = my_sled;", "sled") && names_it("ureq::get(url)", "ureq"));
}

/// Whether code names a crate or an item: the whole word, and not as a module of this crate.
fn names_it(code: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let own_module =
            name == "sled" && (before.ends_with("::") || before.ends_with('{') || before.trim_end().ends_with("mod"));
        let used = name != "sled" || after.starts_with("::");
        used && !own_module && !before.ends_with(inside) && !after.starts_with(inside)
    })
}

/// The code of a source without comments, the content of texts, and tests.
fn production(file: &str, text: &str) -> String {
    if file.ends_with("tests.rs") || file.contains("/tests/") {
        return String::new();
    }
    let code = without_text(text);
    code.find("#[cfg(test)]\nmod ").map_or(code.clone(), |tests| code[..tests].to_owned())
}

/// Blanks comments and what stands in quotes; keeps every line.
fn without_text(source: &str) -> String {
    let (mut code, mut rest) = (String::new(), source);
    while let Some(c) = rest.chars().next() {
        let skipped = skipped_length(rest, code.chars().last());
        if skipped == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            // A text is still something that stands on its line.
            code.push_str(if rest.starts_with('/') { "" } else { "0" });
            code.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
            rest = &rest[skipped..];
        }
    }
    code
}

/// Length of the comment, text or character that starts here; 0 when none does.
fn skipped_length(rest: &str, before: Option<char>) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    let hashes = rest.strip_prefix('r').map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
    let in_a_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some('b');
    if !in_a_word && rest.starts_with('r') && rest[1 + hashes..].starts_with('"') {
        return until(&format!("\"{}", "#".repeat(hashes)), 2 + hashes);
    }
    if rest.starts_with('"') {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        return end.map_or(rest.len(), |(at, _)| at + 1);
    }
    // A character, and not the start of a lifetime.
    let mut chars = rest.char_indices();
    match (chars.next(), chars.next(), chars.next()) {
        (Some((_, '\'')), Some((_, '\\')), Some((at, escaped))) => until("'", at + escaped.len_utf8()),
        (Some((_, '\'')), Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

/// Every function with a body, and how many lines that are not blank it takes.
fn functions(code: &str) -> Vec<(String, usize)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| {
        let before = code[..*at].chars().last();
        before.is_none_or(|c| c.is_whitespace() || c == '(')
    });
    starts.filter_map(|(at, _)| Some((word(&code[at + 3..]), body_lines(&code[at..])?))).collect()
}

/// Lines from the name to the brace that ends the body; none for a function that is only declared.
fn body_lines(code: &str) -> Option<usize> {
    let (mut nested, mut depth) = (0, 0);
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            ';' if nested == 0 && depth == 0 => return None,
            '{' => depth += 1,
            '}' if depth == 1 => return Some(code[..=at].lines().filter(|line| !line.trim().is_empty()).count()),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
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
