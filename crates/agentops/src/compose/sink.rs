//! Where local actions keep things: recipe drafts in the library, files in the data folder. Both are
//! idempotent, since an action may be called again with the same key after a crash.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use async_trait::async_trait;
use services::Services;
use services::recipes::{self, SaveRecipe};
use sha2::{Digest as _, Sha256};
use tools::{LocalSink, Saved};
use types::{Actor, Failure, Labels, RunId, TenantId};

/// The longest file name kept, in bytes.
const NAME: usize = 120;

/// Keeps drafts and files.
pub(super) struct Sink {
    files: PathBuf,
    services: OnceLock<Services>,
}

impl Sink {
    /// A sink that keeps files below a folder.
    pub(super) fn new(files: PathBuf) -> Self {
        Self {
            files,
            services: OnceLock::new(),
        }
    }

    /// Gives it the use cases, which need the registry that needs the sink.
    pub(super) fn serve(&self, services: &Services) {
        // Set once, directly after the registry was made.
        let _ = self.services.set(services.clone());
    }
}

#[async_trait]
impl LocalSink for Sink {
    async fn save_recipe_draft(
        &self,
        tenant: TenantId,
        name: &str,
        text: &str,
        labels: Labels,
        _key: &str,
    ) -> Result<Saved, Failure> {
        let services = self
            .services
            .get()
            .ok_or_else(|| Failure::new("internal", "the recipe library isn't open"))?;
        let services = Services {
            tenant,
            ..services.clone()
        };
        let slug = slug::slugify(name);
        let digest = hex::encode(Sha256::digest(text.as_bytes()));
        // The same text is the same draft, whoever saved another one since.
        if let Ok(versions) = recipes::all_versions(&services, &slug).await
            && let Some(same) = versions.iter().find(|version| version.digest == digest)
        {
            return Ok(draft(&slug, same.version));
        }
        let by = Actor::system("local.save_recipe_draft");
        let wish = SaveRecipe {
            text: text.to_owned(),
            slug: Some(slug.clone()),
            activate: false,
            seen: None,
            by,
            person: false,
            labels,
        };
        let saved = recipes::save(&services, wish).await?;
        Ok(draft(&slug, saved.version))
    }

    async fn save_file(
        &self,
        _: TenantId,
        run: RunId,
        name: &str,
        bytes: Vec<u8>,
        key: &str,
    ) -> Result<Saved, Failure> {
        let folder = self.files.join(run.to_string());
        let written = tokio::task::spawn_blocking({
            let (name, key) = (tame(name), key.to_owned());
            move || keep(&folder, &name, &bytes, &key)
        });
        let (name, path) = written
            .await
            .map_err(|error| Failure::new("internal", format!("writing a file failed: {error}")))??;
        let path = std::path::absolute(&path).unwrap_or(path);
        Ok(Saved {
            id: format!("{run}/{name}"),
            url: Some(format!("file://{}", path.display())),
        })
    }
}

fn draft(slug: &str, version: u32) -> Saved {
    Saved {
        id: format!("{slug}@{version}"),
        url: None,
    }
}

/// Keeps a file under its name, or, if another file of the run has that name, under one with the
/// call's key in it.
fn keep(folder: &Path, name: &str, bytes: &[u8], key: &str) -> Result<(String, PathBuf), Failure> {
    let path = folder.join(name);
    let taken = std::fs::read(&path).is_ok_and(|there| there != bytes);
    let name = if taken { keyed(name, key) } else { name.to_owned() };
    let path = folder.join(&name);
    super::files::replace(&path, bytes)?;
    Ok((name, path))
}

fn keyed(name: &str, key: &str) -> String {
    let short = &hex::encode(Sha256::digest(key.as_bytes()))[..8];
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}-{short}.{ending}"),
        None => format!("{name}-{short}"),
    }
}

/// A name that stays in its folder and that every file system takes.
fn tame(name: &str) -> String {
    let good = |c: char| {
        if c.is_alphanumeric() || "-_. ".contains(c) {
            c
        } else {
            '_'
        }
    };
    let mut tame: String = name.chars().map(good).collect();
    while tame.len() > NAME {
        tame.pop();
    }
    let tame = tame.trim_matches(['.', ' ']);
    if tame.is_empty() {
        "file".to_owned()
    } else {
        tame.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for (name, tamed) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "file"),
            ("a b.txt", "a b.txt"),
            ("x\0y", "x_y"),
            ("", "file"),
        ] {
            assert_eq!(tame(name), tamed);
        }
        assert!(tame(&"ü".repeat(500)).len() <= NAME);
    }

    #[test]
    fn keeping_twice_keeps_once_and_two_files_of_one_name_both_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = keep(folder.path(), "a.txt", b"one", "k1").expect("writes");
        assert_eq!(keep(folder.path(), "a.txt", b"one", "k1").expect("writes"), one);
        let two = keep(folder.path(), "a.txt", b"two", "k2").expect("writes");
        assert_eq!(keep(folder.path(), "a.txt", b"two", "k2").expect("writes"), two);
        assert_ne!(one.1, two.1);
        assert_eq!(std::fs::read(&one.1).expect("reads"), b"one");
        assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 2);
    }
}
