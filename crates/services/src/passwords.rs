//! Passwords: hashed with Argon2id at the parameters that OWASP recommends (19 MiB, 2 passes, 1 lane),
//! kept in PHC string format.

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use types::{Entropy, Failure};

use crate::Result;

/// Characters that a password needs.
const LEAST: usize = 10;
/// The longest password, in bytes.
const LONGEST: usize = 256;
/// Passwords hashed at the same time: each takes 19 MiB and a core.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Checks that a password may be chosen.
///
/// # Errors
/// `password_weak`.
pub(crate) fn check(password: &str, name: &str) -> Result<()> {
    let weak = |why: String| Err(Failure::new("password_weak", why).hint("several words in a row are good"));
    let length = password.chars().count();
    if length < LEAST {
        return weak(format!(
            "a password has at least {LEAST} characters; this one has {length}"
        ));
    }
    if password.len() > LONGEST {
        return weak(format!("a password has at most {LONGEST} bytes"));
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 4 {
        return weak("a password has at least 4 different characters".to_owned());
    }
    if password.to_lowercase().contains(&name.to_lowercase()) && length < LEAST + name.chars().count() {
        return weak("the sign-in name is no part of a short password".to_owned());
    }
    Ok(())
}

/// The hash of a password.
///
/// # Errors
/// `internal` if hashing fails, which only a lack of memory does.
pub(crate) async fn hash(password: &str, entropy: &dyn Entropy) -> Result<String> {
    let mut salt = [0u8; 16];
    entropy.fill(&mut salt);
    let password = password.to_owned();
    work(move || {
        let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hashed
            .map(|hash| hash.to_string())
            .map_err(|error| error.to_string())
    })
    .await
}

/// Whether the password is the one with this hash. Without a hash the same work is done for nothing, so
/// that the time doesn't tell whether there is such a user.
///
/// # Errors
/// `internal` if hashing fails, which only a lack of memory does.
pub(crate) async fn matches(password: &str, hash: Option<&str>) -> Result<bool> {
    if password.len() > LONGEST {
        return Ok(false);
    }
    let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
    work(move || match hash {
        Some(hash) => Ok(Argon2::default()
            .verify_password(password.as_bytes(), hash.as_str())
            .is_ok()),
        None => {
            let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &[7; 16]);
            hashed.map(|_| false).map_err(|error| error.to_string())
        }
    })
    .await
}

async fn work<T: Send + 'static>(
    job: impl FnOnce() -> std::result::Result<T, String> + Send + 'static,
) -> Result<T> {
    let failed = |error: String| Failure::new("internal", format!("a password could not be hashed: {error}"));
    let _turn = AT_ONCE
        .acquire()
        .await
        .map_err(|error| failed(error.to_string()))?;
    match tokio::task::spawn_blocking(job).await {
        Ok(done) => done.map_err(failed),
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused() {
        for (password, good) in [
            ("correct horse battery", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaa", false),
            ("annannann1", false),
            ("Ann walks the dog at noon", true),
        ] {
            assert_eq!(check(password, "ann").is_ok(), good, "{password}");
        }
        assert!(check(&"long words ".repeat(40), "ann").is_err());
    }

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let bench = crate::testing::bench().await;
        let entropy = bench.services.entropy.as_ref();
        let hashed = hash("correct horse battery", entropy).await.expect("hashed");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert_ne!(
            hash("correct horse battery", entropy).await.expect("hashed"),
            hashed
        );
        assert_eq!(matches("correct horse battery", Some(&hashed)).await, Ok(true));
        for (password, hash) in [
            ("Correct horse battery", Some(hashed.as_str())),
            ("", Some(&hashed)),
            ("correct horse battery", Some("rubbish")),
            ("correct horse battery", None),
        ] {
            assert_eq!(matches(password, hash).await, Ok(false), "{hash:?}");
        }
    }
}
