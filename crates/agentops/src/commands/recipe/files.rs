//! A file, a folder or a bundle on this machine as the bytes of a bundle.

use std::path::Path;

use services::recipes::bundle::{self, Piece};
use types::Failure;

use crate::args::bytes_file;

/// How deep folders are looked through.
const DEEPEST: usize = 4;

/// The bundle that a path comes to: itself, or one that holds the file or the folder's files.
///
/// # Errors
/// `file_unreadable`, `folder_unreadable`, or `bundle_invalid` for more than a bundle may hold.
pub(super) fn packed(from: &Path) -> Result<Vec<u8>, Failure> {
    if from.is_dir() {
        let mut found = Vec::new();
        folder(from, "", DEEPEST, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        return bundle::pack(&found);
    }
    let zip = from.extension().is_some_and(|ending| ending == "zip");
    let bytes = match zip {
        true => whole(from)?,
        false => bytes_file(from)?,
    };
    if zip || bundle::is_bundle(&bytes) {
        return Ok(bytes);
    }
    let name = from
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| *name != "-");
    let path = match name {
        Some(name) if name.contains('.') => name.to_owned(),
        Some(name) => format!("{name}.yaml"),
        None => "input.yaml".to_owned(),
    };
    bundle::pack(&[Piece { path, bytes }])
}

/// A bundle's bytes; how many are read at most is the bundle's own bound.
fn whole(from: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let failed = |why: String| {
        Failure::new(
            "file_unreadable",
            format!("failed to read '{}': {why}", from.display()),
        )
    };
    let mut bytes = Vec::new();
    std::fs::File::open(from)
        .and_then(|file| file.take(bundle::MOST_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > bundle::MOST_BYTES {
        return Err(failed(format!(
            "it is larger than a bundle may be, {} bytes",
            bundle::MOST_BYTES
        )));
    }
    Ok(bytes)
}

/// The files below a folder; links aren't followed.
fn folder(at: &Path, under: &str, deeper: usize, found: &mut Vec<Piece>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            "folder_unreadable",
            format!("failed to read '{}': {error}", at.display()),
        )
    };
    for entry in std::fs::read_dir(at).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            let message = format!("a name in '{}' is no UTF-8", at.display());
            return Err(Failure::new("folder_unreadable", message));
        };
        let path = format!("{under}{name}");
        if kind.is_dir() && deeper > 0 && !name.starts_with('.') {
            folder(&entry.path(), &format!("{path}/"), deeper - 1, found)?;
        }
        if !kind.is_file() || !matches!(name.rsplit('.').next(), Some("yaml" | "yml" | "json")) {
            continue;
        }
        if found.len() >= bundle::MOST_FILES {
            let message = format!("'{}' holds more than {} files", at.display(), bundle::MOST_FILES);
            return Err(Failure::new("folder_unreadable", message));
        }
        found.push(Piece {
            path,
            bytes: bytes_file(&entry.path())?,
        });
    }
    Ok(())
}
