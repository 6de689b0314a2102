//! How a person types this binary: commands that are printed to be copied must work as they stand.

use std::ffi::OsStr;
use std::path::Path;

/// `agentops` if a shell finds this very binary by it, else where it lies.
pub fn own_name() -> String {
    let Ok(own) = std::env::current_exe() else {
        return "agentops".to_owned();
    };
    named(&own, std::env::var_os("PATH").as_deref())
}

fn named(own: &Path, path: Option<&OsStr>) -> String {
    let real = |file: &Path| file.canonicalize().ok();
    let first = path.and_then(|path| {
        let mut places = std::env::split_paths(path).map(|folder| folder.join("agentops"));
        places.find(|file| file.is_file())
    });
    match first.as_deref().and_then(real) {
        Some(found) if real(own).as_ref() == Some(&found) => "agentops".to_owned(),
        _ => quoted(&own.display().to_string()),
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_short_name_is_used_only_where_it_means_this_binary() {
        let folder = tempfile::tempdir().expect("a folder");
        let (here, elsewhere) = (folder.path().join("it's here"), folder.path().join("other"));
        for place in [&here, &elsewhere] {
            fs::create_dir(place).expect("made");
            fs::write(place.join("agentops"), "").expect("written");
        }
        let own = here.join("agentops");
        let path = |places: &[&Path]| std::env::join_paths(places).expect("a path");
        assert_eq!(named(&own, Some(&path(&[folder.path(), &here]))), "agentops");
        let long = format!("'{}'", own.display().to_string().replace('\'', r"'\''"));
        assert_eq!(
            named(&own, Some(&path(&[&elsewhere, &here]))),
            long,
            "another one comes first"
        );
        assert_eq!(named(&own, None), long);
        assert_eq!(quoted("/opt/agentops-1.0/bin"), "/opt/agentops-1.0/bin");
        assert_eq!(quoted("a b"), "'a b'");
    }
}
