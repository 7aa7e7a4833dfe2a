//! The certificates of others in a folder of keys: anchors in `trust/`, and roots of TLS in `tls-roots/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    KeyringError,
    file::{ROOT, read_marker},
};
use crate::crypto::{
    pem,
    x509::{Anchor, CertificateError},
};

pub(super) const TRUST: &str = "trust";
const TLS_ROOTS: &str = "tls-roots";

/// The trust anchors of a folder of keys: its root, if it is a development set, and every certificate in `trust/*.pem`,
/// in the order of file names. Private keys are not touched.
pub fn anchors(dir: &Path) -> Result<Vec<Anchor>, KeyringError> {
    let development = read_marker(dir)?.is_some_and(|marker| marker.development);
    let mut files = if development { vec![dir.join(ROOT)] } else { vec![] };
    files.append(&mut listed(&dir.join(TRUST), |file| file.extension().is_some_and(|extension| extension == "pem"))?);
    read_anchors(&files)
}

/// The anchors in these files.
pub(super) fn read_anchors(files: &[PathBuf]) -> Result<Vec<Anchor>, KeyringError> {
    let mut anchors = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).map_err(|error| KeyringError::io(file, &error))?;
        anchors.extend(Anchor::all_from_pem(&text).map_err(|error| KeyringError::Anchor { file: file.clone(), error })?);
    }
    Ok(anchors)
}

/// The roots that the service believes in TLS beside those of the web when it fetches: every certificate in
/// `tls-roots/*.pem`, as DER. Of any algorithm: only TLS reads them.
pub fn tls_roots(dir: &Path) -> Result<Vec<Vec<u8>>, KeyringError> {
    let mut roots = Vec::new();
    for file in listed(&dir.join(TLS_ROOTS), |file| file.extension().is_some_and(|extension| extension == "pem"))? {
        let text = fs::read_to_string(&file).map_err(|error| KeyringError::io(&file, &error))?;
        match pem::decode(pem::CERTIFICATE, &text) {
            Ok(blocks) if !blocks.is_empty() => roots.extend(blocks),
            _ => return Err(KeyringError::Anchor { file, error: CertificateError::NotOnePem }),
        }
    }
    Ok(roots)
}

/// What a folder holds of a kind, in the order of names; nothing when there is no such folder.
pub(super) fn listed(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, KeyringError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(KeyringError::io(dir, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.push(entry.map_err(|error| KeyringError::io(dir, &error))?.path());
    }
    found.retain(|file| wanted(file));
    found.sort();
    Ok(found)
}
