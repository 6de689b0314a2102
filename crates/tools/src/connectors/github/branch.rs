//! Branches: made of another branch or a commit. A branch that is there already, at the same commit,
//! is what was asked for.

use serde_json::{Value, json};
use types::{Artifact, ArtifactKind};

use super::api::{self, Repository};
use crate::arguments::{invalid, text};
use crate::http::Request;
use crate::{Answer, CallContext, CallError};

/// Makes a branch.
pub(super) async fn create(ctx: &CallContext, args: &Value) -> Result<Answer, CallError> {
    let repository = Repository::of(args)?;
    let branch = text(args, "branch").unwrap_or_default();
    check(branch)?;
    let commit = match text(args, "from") {
        Some(commit) if is_commit(commit) => commit.to_owned(),
        Some(other) => head(ctx, &repository, other).await?,
        None => {
            let default = api::default_branch(ctx, &repository).await?;
            head(ctx, &repository, &default).await?
        }
    };
    let request = Request::post(&repository.path(&["git", "refs"]))
        .json(json!({ "ref": format!("refs/heads/{branch}"), "sha": commit }))
        .effect();
    match api::json(ctx, request).await {
        Ok(made) => match made["object"]["sha"].as_str() {
            Some(sha) => Ok(answer(ctx, args, branch, sha, true)),
            None => Err(api::unreadable(
                "github answered a success without the branch's commit",
            )),
        },
        Err(refused) if refused.failure().code == "tool_refused" => {
            // Refused because it is there, by an earlier attempt perhaps: the same commit is what was
            // asked for. Whatever can't be told leaves the refusal as it was.
            match head(ctx, &repository, branch).await {
                Ok(sha) if sha == commit => Ok(answer(ctx, args, branch, &sha, false)),
                _ => Err(refused),
            }
        }
        Err(error) => Err(error),
    }
}

/// The commit at the head of a branch.
async fn head(ctx: &CallContext, repository: &Repository<'_>, branch: &str) -> Result<String, CallError> {
    check(branch)?;
    let mut below = vec!["git", "ref", "heads"];
    below.extend(branch.split('/'));
    let told = api::json(ctx, Request::get(&repository.path(&below))).await?;
    told["object"]["sha"]
        .as_str()
        .filter(|sha| is_commit(sha))
        .map(str::to_owned)
        .ok_or_else(|| api::unreadable("github told a branch without its commit"))
}

/// Refuses names that no branch can have (git-check-ref-format), before anything is sent.
pub(super) fn check(branch: &str) -> Result<(), CallError> {
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock")
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let fits = branch.split('/').all(part)
        && !branch.starts_with('-')
        && !branch.contains("..")
        && !branch.contains("@{")
        && branch != "@"
        && !branch.contains(odd);
    match fits {
        true => Ok(()),
        false => Err(invalid(format!("'{branch}' can't be the name of a branch"))),
    }
}

fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn answer(ctx: &CallContext, args: &Value, branch: &str, commit: &str, created: bool) -> Answer {
    let output = json!({ "branch": branch, "commit": commit, "created": created });
    Answer::new(output).with(Artifact {
        kind: ArtifactKind::File,
        external_id: format!("{}@{branch}", text(args, "repo").unwrap_or_default()),
        url: None,
        data: json!({ "branch": branch, "commit": commit, "key": ctx.marker() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_git_takes() {
        for good in ["main", "fix/boardroom-4a", "v1.2", "a.b/c_d", "ünïcode"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "", "-d", "a..b", "a//b", "/a", "a/", ".a", "a/.b", "a.lock", "a.", "a b", "a~1", "a^", "a:b",
            "a?", "a*", "a[", "a\\b", "a@{1}", "@", "a\nb",
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
