//! The published examples of the standards, read from the folder of vectors beside the checkout.
//!
//! The folder is not part of the project. Where it is absent (`YUFU_VECTORS` names it, else `../shared/vectors`), a test
//! says so in one line and passes.

mod sd_jwt;
mod status_list;

use std::path::{Path, PathBuf};

/// A file of the vectors as text; none, said once on standard output, when the folder is absent. A file that is missing
/// from a folder that is there fails the test.
pub fn text(file: &str) -> Option<String> {
    let folder = match std::env::var_os("YUFU_VECTORS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors"),
    };
    if !folder.is_dir() {
        println!("vectors absent: {} is not there, {file} not tested", folder.display());
        return None;
    }
    Some(std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}")))
}

/// As [`text`], parsed as JSON.
pub fn json(file: &str) -> Option<serde_json::Value> {
    text(file).map(|text| serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}")))
}
