//! Bundles: bytes of a ZIP archive to files and back, within bounds. A bundle that can be read only in
//! part is refused as a whole, with every problem at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write};

use types::Failure;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::Result;

/// The largest bundle, in bytes.
pub const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// The most files.
pub const MOST_FILES: usize = 1_000;
/// The most that all files have together, unpacked.
pub const MOST_TOTAL: u64 = 32 * 1024 * 1024;
/// The largest file, unpacked.
pub const MOST_FILE: u64 = 4 * 1024 * 1024;
/// How many times its packed size a file may have, unpacked; text comes nowhere near.
const MOST_RATIO: u64 = 200;
/// Below this size nobody is harmed by a file that packs well.
const SMALL: u64 = 64 * 1024;
/// The most problems that are told.
const MOST_TOLD: usize = 20;

/// One file of a bundle or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its path in the bundle or folder, with `/`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Whether these bytes begin like a ZIP archive.
pub fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The files of a bundle, in the order of the archive.
///
/// # Errors
/// `bundle_invalid` with every problem: damaged, too much, too large, a path that leaves the bundle, or one
/// that several files have.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Piece>> {
    if bytes.len() as u64 > MOST_BYTES {
        return Err(invalid(&[format!(
            "it has {} bytes, more than {MOST_BYTES}",
            bytes.len()
        )]));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| invalid(&[format!("it is no ZIP archive: {error}")]))?;
    if archive.len() > MOST_FILES {
        return Err(invalid(&[format!(
            "it holds {} files, more than {MOST_FILES}",
            archive.len()
        )]));
    }
    let (mut pieces, mut seen) = (Vec::new(), BTreeSet::new());
    let mut problems = match archive.has_duplicate_names() {
        true => repeated(bytes, archive.central_directory_start()),
        false => Vec::new(),
    };
    let mut left = MOST_TOTAL;
    for index in 0..archive.len() {
        match piece(&mut archive, index, left) {
            Ok(None) => {}
            Ok(Some(piece)) => {
                left = left.saturating_sub(piece.bytes.len() as u64);
                if !seen.insert(piece.path.to_lowercase()) {
                    problems.push(format!(
                        "'{}' is in it twice, if large and small letters are the same",
                        shown(&piece.path)
                    ));
                }
                pieces.push(piece);
            }
            Err(problem) => problems.push(problem),
        }
        if left == 0 {
            problems.push(format!("its files have more than {MOST_TOTAL} bytes together"));
            break;
        }
    }
    if problems.is_empty() {
        Ok(pieces)
    } else {
        Err(invalid(&problems))
    }
}

/// A single file, within the same bounds as one of a bundle.
///
/// # Errors
/// `bundle_invalid`.
pub fn single(path: String, bytes: Vec<u8>) -> Result<Vec<Piece>> {
    if let Some(trick) = trick(&path) {
        return Err(invalid(&[format!("'{}' {trick}", shown(&path))]));
    }
    let size = bytes.len() as u64;
    if size > MOST_FILE {
        let problem = format!("'{}' has {size} bytes, more than {MOST_FILE}", shown(&path));
        return Err(invalid(&[problem]));
    }
    Ok(vec![Piece { path, bytes }])
}

/// A ZIP archive of these files; the same files give the same bytes.
///
/// # Errors
/// `bundle_invalid` if there are too many, or they are too large.
pub fn pack(pieces: &[Piece]) -> Result<Vec<u8>> {
    let total: u64 = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
    if pieces.len() > MOST_FILES || total > MOST_TOTAL {
        let message = format!(
            "{} files with {total} bytes are more than a bundle may hold: {MOST_FILES} with {MOST_TOTAL}",
            pieces.len()
        );
        return Err(Failure::new("bundle_invalid", message).hint("name some of the recipes only"));
    }
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new("bundle_invalid", format!("the bundle can't be packed: {error}"))
    };
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for piece in pieces {
        writer
            .start_file(piece.path.as_str(), SimpleFileOptions::default())
            .map_err(|error| failed(&error))?;
        writer.write_all(&piece.bytes).map_err(|error| failed(&error))?;
    }
    let packed = writer.finish().map_err(|error| failed(&error))?;
    Ok(packed.into_inner())
}

/// The paths that several files have, each with the places of these files in the archive's directory, which
/// begins at `start`: of such files a reader hands out one and is silent about the others.
///
/// Source of the format: APPNOTE.TXT of PKWARE, section 4.3.12.
fn repeated(bytes: &[u8], start: u64) -> Vec<String> {
    const HEAD: usize = 46;
    let mut rest = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
    let mut places: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    let mut place = 0;
    while let Some(head) = rest.filter(|rest| rest.len() >= HEAD && rest.starts_with(b"PK\x01\x02")) {
        let length = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
        let (name, extra, comment) = (length(28), length(30), length(32));
        place += 1;
        if let Some(name) = head.get(HEAD..HEAD + name) {
            places.entry(name).or_default().push(place);
        }
        rest = head.get(HEAD + name + extra + comment..);
    }
    let mut problems: Vec<String> = places
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !name.ends_with(b"/"))
        .map(|(name, places)| {
            let name = shown(&String::from_utf8_lossy(name));
            let listed: Vec<String> = places.iter().take(5).map(ToString::to_string).collect();
            format!(
                "'{name}' is in it {} times: as the files {}",
                places.len(),
                listed.join(", ")
            )
        })
        .collect();
    // A folder that is named twice hides nothing.
    if problems.is_empty() && place == 0 {
        problems.push("several of its files have the same path".to_owned());
    }
    problems
}

/// One file; `None` for a folder.
fn piece(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    left: u64,
) -> std::result::Result<Option<Piece>, String> {
    let file = archive
        .by_index(index)
        .map_err(|error| format!("file {} can't be read: {error}", index + 1))?;
    let path = std::str::from_utf8(file.name_raw())
        .map_err(|_| format!("the name of file {} is no UTF-8", index + 1))?
        .to_owned();
    if let Some(trick) = trick(&path) {
        return Err(format!("'{}' {trick}", shown(&path)));
    }
    if file.is_symlink() {
        return Err(format!("'{}' is a link", shown(&path)));
    }
    if file.is_dir() {
        return Ok(None);
    }
    let (size, packed) = (file.size(), file.compressed_size());
    if size > MOST_FILE {
        return Err(format!(
            "'{}' has {size} bytes, more than {MOST_FILE}",
            shown(&path)
        ));
    }
    let most = MOST_FILE.min(left);
    let mut bytes = Vec::new();
    // What the archive says of sizes is not believed: reading stops by itself.
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("'{}' is damaged: {error}", shown(&path)))?;
    let length = bytes.len() as u64;
    if length > most {
        return Err(format!(
            "'{}' unpacks to more than there is room for",
            shown(&path)
        ));
    }
    if length > SMALL && length > packed.max(1).saturating_mul(MOST_RATIO) {
        return Err(format!(
            "'{}' unpacks to more than {MOST_RATIO} times its size, as no text does",
            shown(&path)
        ));
    }
    Ok(Some(Piece { path, bytes }))
}

/// What is wrong with a path, if anything.
fn trick(path: &str) -> Option<&'static str> {
    let drive = path.chars().nth(1) == Some(':');
    if path.is_empty() {
        Some("has no name")
    } else if path.starts_with('/') || path.starts_with('\\') || drive {
        Some("is an absolute path")
    } else if path.split(['/', '\\']).any(|part| part == "..") {
        Some("leaves the bundle")
    } else if path.contains('\\') || path.chars().any(char::is_control) || path.len() > 500 {
        Some("isn't a path of a bundle")
    } else {
        None
    }
}

/// A path as a message shows it.
fn shown(path: &str) -> String {
    let clean = path.chars().map(|c| if c.is_control() { '?' } else { c });
    clean.take(120).collect()
}

/// That nothing was taken over, with every problem.
pub(super) fn invalid(problems: &[String]) -> Failure {
    let mut told: Vec<String> = problems.iter().take(MOST_TOLD).cloned().collect();
    if problems.len() > MOST_TOLD {
        told.push(format!("and {} more", problems.len() - MOST_TOLD));
    }
    Failure::new(
        "bundle_invalid",
        format!("nothing was taken over: {}", told.join("; ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(path: &str, bytes: &[u8]) -> Vec<u8> {
        let piece = Piece {
            path: path.to_owned(),
            bytes: bytes.to_vec(),
        };
        pack(&[piece]).expect("it packs")
    }

    fn refused(bytes: &[u8]) -> String {
        let failure = unpack(bytes).expect_err("it is refused");
        assert_eq!(failure.code, "bundle_invalid");
        failure.message
    }

    #[test]
    fn what_is_packed_unpacks_and_packs_alike() {
        let pieces = [("recipes/a.yaml", "name: a\n"), ("agents.json", "[]")].map(|(path, text)| Piece {
            path: path.to_owned(),
            bytes: text.into(),
        });
        let bytes = pack(&pieces).expect("it packs");
        assert!(is_bundle(&bytes) && is_bundle(&pack(&[]).expect("it packs")));
        assert_eq!(unpack(&bytes).expect("it unpacks"), pieces);
        assert_eq!(pack(&pieces).expect("it packs"), bytes);
    }

    #[test]
    fn paths_that_leave_the_bundle_are_refused() {
        for (path, why) in [
            ("../x.yaml", "leaves the bundle"),
            ("a/../../x.yaml", "leaves the bundle"),
            ("/etc/x.yaml", "absolute"),
            ("C:/x.yaml", "absolute"),
            ("\\x.yaml", "absolute"),
            ("a\\..\\x.yaml", "leaves the bundle"),
            ("a\nb.yaml", "isn't a path"),
        ] {
            let told = refused(&packed(path, b"name: a\n"));
            assert!(told.contains(why), "{path:?}: {told}");
        }
    }

    #[test]
    fn links_bombs_and_damage_are_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .add_symlink("a.yaml", "/etc/passwd", SimpleFileOptions::default())
            .expect("it packs");
        let link = writer.finish().expect("it packs").into_inner();
        assert!(refused(&link).contains("is a link"));

        assert!(refused(&packed("a.yaml", &vec![b'a'; 3 << 20])).contains("times its size"));
        assert!(refused(&packed("a.yaml", &vec![b'a'; 5 << 20])).contains("bytes, more than"));

        let many: Vec<Piece> = (0..9)
            .map(|index| Piece {
                path: format!("{index}.yaml"),
                // Text that packs badly enough to be no bomb.
                bytes: (0..3_900_000u32)
                    .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
                    .collect(),
            })
            .collect();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for piece in &many {
            let stored = SimpleFileOptions::default();
            writer.start_file(piece.path.as_str(), stored).expect("it packs");
            writer.write_all(&piece.bytes).expect("it packs");
        }
        let large = writer.finish().expect("it packs").into_inner();
        assert!(large.len() as u64 > MOST_BYTES || refused(&large).contains("room for"));
        refused(&large);

        let good = packed("a.yaml", b"name: something that is long enough to be packed\n");
        for cut in [4, good.len() / 2, good.len() - 3] {
            refused(&good[..cut]);
        }
        let mut flipped = good.clone();
        flipped[40] ^= 0xff;
        refused(&flipped);
        refused(b"PK\x03\x04 and nothing else");
    }

    #[test]
    fn files_of_one_path_are_refused_with_their_places() {
        let pieces = ["a1.yaml", "b1.yaml", "a2.yaml", "b2.yaml", "B2.yaml"].map(|path| Piece {
            path: path.to_owned(),
            bytes: format!("name: {path}\n").into_bytes(),
        });
        let good = pack(&pieces[..4]).expect("it packs");
        assert_eq!(unpack(&good).map(|pieces| pieces.len()), Ok(4));
        // The writer doesn't write such archives, so the names are changed in what it wrote.
        let mut bytes = pack(&pieces).expect("it packs");
        for at in 0..bytes.len() - 7 {
            if &bytes[at..at + 7] == b"a2.yaml" {
                bytes[at + 1] = b'1';
            }
        }
        let told = refused(&bytes);
        for part in [
            "'a1.yaml' is in it 2 times: as the files 1, 3",
            "'B2.yaml' is in it twice, if large and small letters are the same",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn too_many_files_are_refused() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..=MOST_FILES {
            let options = SimpleFileOptions::default();
            writer
                .start_file(format!("{index}.yaml"), options)
                .expect("it packs");
        }
        let bytes = writer.finish().expect("it packs").into_inner();
        assert!(refused(&bytes).contains("1001 files"));
    }
}
