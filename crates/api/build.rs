//! Embeds the pages of `docs/errors`, so that a binary shows them wherever it runs.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
    let folder = folder.canonicalize()?;
    let mut codes = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        codes.extend(
            name.strip_suffix(".md")
                .filter(|code| *code != "README")
                .map(str::to_owned),
        );
    }
    codes.sort();
    let mut list = String::from("&[\n");
    for code in codes {
        let file = folder.join(format!("{code}.md"));
        // A formatted write to a string can't fail.
        let _ = writeln!(list, "    ({code:?}, include_str!({file:?})),");
    }
    list.push_str("]\n");
    let made = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo says no OUT_DIR"))?;
    fs::write(Path::new(&made).join("error_pages.rs"), list)?;
    writeln!(io::stdout(), "cargo::rerun-if-changed={}", folder.display())
}
