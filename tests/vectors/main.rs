//! The published examples of the standards, read from the folder of vectors beside the checkout.
//!
//! The folder is not part of the project. Where it is absent (`YUFU_VECTORS` names it, else `../shared/vectors`), a test
//! says so in one line and passes.

mod exceptions;
mod json_suite;
mod jwe;
mod openid4vp;
mod sd_jwt;
mod speccheck;
mod status_list;
mod wycheproof;

use std::path::{Path, PathBuf};

/// The folder of vectors; none, said once on standard output, when it is absent. What is missing from a folder that is
/// there fails the test that wants it.
fn folder(wanted: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("YUFU_VECTORS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
    };
    if !folder.is_dir() {
        println!("vectors absent: {} is not there, {wanted} not tested", folder.display());
        return None;
    }
    Some(folder)
}

/// A file of the vectors as text.
pub fn text(file: &str) -> Option<String> {
    Some(std::fs::read_to_string(folder(file)?.join(file)).unwrap_or_else(|error| panic!("{file}: {error}")))
}

/// As [`text`], parsed as JSON.
pub fn json(file: &str) -> Option<serde_json::Value> {
    text(file).map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
}

/// Name and content of every file of a folder of the vectors, sorted by name.
pub fn files(name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let entries = std::fs::read_dir(folder(name)?.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry of the folder").path();
            let file = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (file, std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect();
    files.sort();
    Some(files)
}

/// Bytes of an even number of hexadecimal digits.
pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an even number of digits");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal")).collect()
}
