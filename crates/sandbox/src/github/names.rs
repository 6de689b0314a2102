//! Which names of branches and files are taken: git's own rules, so that none is read as an option, a
//! revision or a way out of the repository.

/// The longest name, in bytes.
const LONGEST: usize = 500;

/// Whether a branch may be called so (git-check-ref-format).
pub(super) fn is_branch(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    };
    let odd = |c: char| c.is_control() || c == ' ' || "~^:?*[\\".contains(c);
    name.len() <= LONGEST
        && name.split('/').all(part)
        && !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && !name.contains(odd)
}

/// Whether a file of the repository may lie there.
pub(super) fn is_path(path: &str) -> bool {
    let part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.eq_ignore_ascii_case(".git")
            && !part.contains(char::is_control)
    };
    path.len() <= LONGEST && path.split('/').all(part)
}

/// Whether this is a commit's whole id.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_would_misread_are_refused() {
        for good in ["main", "fix/boardroom-4a", "a.b"] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "",
            "--upload-pack=x",
            "a..b",
            "a^",
            "a:b",
            "a@{1}",
            "a/.b",
            "a.lock",
            "a b",
            "a\n",
            "@",
        ] {
            assert!(!is_branch(bad), "{bad:?}");
        }
        for good in ["README.md", "a/b c.txt", "-x", ".gitignore", "a\"b"] {
            assert!(is_path(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            ".git/config",
            "a/.GIT/x",
            "a//b",
            "a\nb",
        ] {
            assert!(!is_path(bad), "{bad:?}");
        }
    }
}
