//! The marker of an idempotency key: a short text that vendors keep with an effect and give back.

use types::Digest;

/// The longest key that is used as it is; longer ones could be cut by a vendor and never be found again.
const LONGEST: usize = 48;
/// Hexadecimal digits of the digest that stands for a longer key: 128 bits.
const DIGITS: usize = 32;

/// The marker of `key`: the key itself if it is short and plain, else a digest of it. Plain matters,
/// because markers stand inside vendors' query languages.
pub(crate) fn marker(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.len() <= LONGEST && key.chars().all(plain) {
        key.to_owned()
    } else {
        format!("k{}", &Digest::of_bytes(key.as_bytes()).as_str()[..DIGITS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_short_plain_and_different_for_different_keys() {
        assert_eq!(marker("run_1-step"), "run_1-step");
        let long = marker(&"run/step[3]!undo/".repeat(9));
        assert_eq!(long.len(), 33);
        assert_ne!(long, marker("run/step[4]"));
        assert_ne!(marker("a^b"), "a^b", "a query separator never gets through");
        assert_ne!(marker(""), "");
    }
}
